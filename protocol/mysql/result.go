package mysql

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// Column types on the wire.
const (
	typeTiny       = 1
	typeShort      = 2
	typeLong       = 3
	typeFloat      = 4
	typeDouble     = 5
	typeNull       = 6
	typeTimestamp  = 7
	typeLongLong   = 8
	typeInt24      = 9
	typeDate       = 10
	typeTime       = 11
	typeDatetime   = 12
	typeYear       = 13
	typeVarchar    = 15
	typeBit        = 16
	typeJSON       = 245
	typeNewDecimal = 246
	typeEnum       = 247
	typeSet        = 248
	typeTinyBlob   = 249
	typeMediumBlob = 250
	typeLongBlob   = 251
	typeBlob       = 252
	typeVarString  = 253
	typeString     = 254
	typeGeometry   = 255
)

// Column flags.
const (
	flagNotNull   = 1
	flagPrimary   = 2
	flagUnique    = 4
	flagBlob      = 16
	flagUnsigned  = 32
	flagBinary    = 128
	flagEnum      = 256
	flagAutoInc   = 512
	flagTimestamp = 1024
	flagSet       = 2048
	flagNum       = 32768
)

// binaryCharset is the collation number of bytes and numbers.
const binaryCharset = 63

// wireType is how a neutral type looks on the wire.
type wireType struct {
	code     byte
	text     bool // carries the client's collation
	length   uint32
	flags    uint16
	decimals byte
}

// wireTypes maps base types; sizes are filled in by describeType.
var wireTypes = map[op.Base]wireType{
	op.TUnknown:     {code: typeVarString, text: true, length: 1024},
	op.TBoolean:     {code: typeTiny, length: 1, flags: flagNum},
	op.TInt1:        {code: typeTiny, length: 4, flags: flagNum},
	op.TInt2:        {code: typeShort, length: 6, flags: flagNum},
	op.TInt3:        {code: typeInt24, length: 9, flags: flagNum},
	op.TInt4:        {code: typeLong, length: 11, flags: flagNum},
	op.TInt8:        {code: typeLongLong, length: 20, flags: flagNum},
	op.TOID:         {code: typeLongLong, length: 20, flags: flagNum},
	op.TXID:         {code: typeLongLong, length: 20, flags: flagNum},
	op.TRegClass:    {code: typeLongLong, length: 20, flags: flagNum},
	op.TRegType:     {code: typeLongLong, length: 20, flags: flagNum},
	op.TRegProc:     {code: typeLongLong, length: 20, flags: flagNum},
	op.TRegNS:       {code: typeLongLong, length: 20, flags: flagNum},
	op.TFloat4:      {code: typeFloat, length: 12, flags: flagNum, decimals: 31},
	op.TFloat8:      {code: typeDouble, length: 22, flags: flagNum, decimals: 31},
	op.TNumeric:     {code: typeNewDecimal, length: 67, flags: flagNum},
	op.TString:      {code: typeBlob, text: true, length: 65535 * 4, flags: flagBlob},
	op.TVarchar:     {code: typeVarString, text: true, length: 1024},
	op.TName:        {code: typeVarString, text: true, length: 256},
	op.TCharByte:    {code: typeString, text: true, length: 4},
	op.TChar:        {code: typeString, text: true, length: 1020},
	op.TBytea:       {code: typeBlob, length: 65535, flags: flagBlob | flagBinary},
	op.TDate:        {code: typeDate, length: 10, flags: flagBinary},
	op.TTime:        {code: typeTime, length: 10, flags: flagBinary},
	op.TTimestamp:   {code: typeDatetime, length: 19, flags: flagBinary},
	op.TTimestampTZ: {code: typeTimestamp, length: 19, flags: flagBinary | flagTimestamp},
	op.TJSON:        {code: typeJSON, length: math.MaxUint32, flags: flagBlob | flagBinary},
	op.TJSONB:       {code: typeJSON, length: math.MaxUint32, flags: flagBlob | flagBinary},
	op.TRecord:      {code: typeJSON, length: math.MaxUint32, flags: flagBlob | flagBinary},
	op.TYear:        {code: typeYear, length: 4, flags: flagNum | flagUnsigned},
	op.TEnum:        {code: typeString, text: true, length: 1024, flags: flagEnum},
	op.TSetOf:       {code: typeString, text: true, length: 1024, flags: flagSet},
	op.TBit:         {code: typeBit, length: 1, flags: flagUnsigned},
}

// describeType returns the wire form of a column's type.
func describeType(c *op.Column) wireType {
	t := c.Type
	if t.Array {
		return wireTypes[op.TJSON]
	}
	w, ok := wireTypes[t.Base]
	if !ok {
		w = wireTypes[op.TVarchar]
	}
	if t.Unsigned {
		w.flags |= flagUnsigned
	}
	size := uint32(max(t.Size, 0))
	switch t.Base {
	case op.TInt1:
		if size == 1 {
			w.length = 1
		}
	case op.TNumeric:
		if size > 0 {
			w.length, w.decimals = size+2, byte(min(max(t.Scale, 0), 30))
		} else {
			w.decimals = 30
		}
	case op.TString:
		if c.Origin == "" { // computed: MySQL calls it VAR_STRING
			w = wireTypes[op.TVarchar]
		}
	case op.TVarchar, op.TChar:
		if size > 0 {
			w.length = size * 4
		}
	case op.TBytea:
		if size > 0 {
			w.code, w.length, w.flags = typeVarString, size, flagBinary
		}
	case op.TTime, op.TTimestamp, op.TTimestampTZ:
		if size > 1 {
			w.decimals = byte(min(size-1, 6))
			w.length += uint32(w.decimals) + 1
		}
	case op.TBit:
		w.length = max(size, 1)
	}
	return w
}

// appendColumn writes a column definition (protocol 4.1).
func (s *session) appendColumn(b []byte, c *op.Column) []byte {
	w := describeType(c)
	if c.NotNull {
		w.flags |= flagNotNull
	}
	if c.Primary {
		w.flags |= flagPrimary
	}
	if c.Unique {
		w.flags |= flagUnique
	}
	if c.AutoInc {
		w.flags |= flagAutoInc
	}
	db := ""
	if c.Table != "" {
		db = s.env.Database
	}
	b = appendLenString(b, "def")
	b = appendLenString(b, db)
	b = appendLenString(b, c.Table)
	b = appendLenString(b, c.Table)
	b = appendLenString(b, c.Name)
	b = appendLenString(b, c.Origin)
	cs := uint16(binaryCharset)
	if w.text {
		cs = s.charset
	}
	b = append(b, 0x0c)
	b = binary.LittleEndian.AppendUint16(b, cs)
	b = binary.LittleEndian.AppendUint32(b, w.length)
	b = append(b, w.code)
	b = binary.LittleEndian.AppendUint16(b, w.flags)
	return append(b, w.decimals, 0, 0)
}

// columns writes the head of a result set.
func (s *session) columns(cols []op.Column) {
	at := s.w.begin()
	s.w.out = appendLenInt(s.w.out, uint64(len(cols)))
	s.w.end(at)
	s.definitions(cols)
	if s.caps&capDeprecateEOF == 0 {
		s.eof(false)
	}
}

// definitions writes one packet for each column.
func (s *session) definitions(cols []op.Column) {
	for i := range cols {
		at := s.w.begin()
		s.w.out = s.appendColumn(s.w.out, &cols[i])
		s.w.end(at)
	}
}

// endRows ends a result set.
func (s *session) endRows(more bool) {
	if s.caps&capDeprecateEOF != 0 {
		s.okInfo(&op.Done{}, more, "", 0xfe)
		return
	}
	s.eof(more)
}

// textRow writes one row of the text protocol.
func (s *session) textRow(cols []op.Column, row []op.Value) {
	at := s.w.begin()
	b := s.w.out
	for i, v := range row {
		switch {
		case v.Kind == op.KindNull:
			b = append(b, 0xfb)
		case v.Kind == op.KindText && plainText(cols[i].Type):
			b = appendLenBytes(b, v.Raw)
		default:
			b = appendCounted(b, cols[i].Type, v, s.opts)
		}
	}
	s.w.out = b
	s.w.end(at)
}

// plainText reports whether a text value of the type is sent as it is stored.
func plainText(t op.Type) bool {
	switch t.Base {
	case op.TString, op.TVarchar, op.TUnknown, op.TName, op.TEnum, op.TSetOf, op.TNumeric, op.TUUID, op.TInet:
		return !t.Array
	}
	return false
}

// appendCounted writes a value's text with its length before it.
func appendCounted(b []byte, t op.Type, v op.Value, o datum.Options) []byte {
	at := len(b)
	b = append(b, 0)
	if v.Kind == op.KindInt64 && t.Base >= op.TInt1 && t.Base <= op.TInt8 && !t.Array {
		b = strconv.AppendInt(b, v.Int(), 10)
	} else {
		b = datum.AppendMySQL(b, t, v, o)
	}
	n := len(b) - at - 1
	if n < 251 {
		b[at] = byte(n)
		return b
	}
	var head [9]byte
	h := appendLenInt(head[:0], uint64(n))
	b = append(b, h[1:]...) // make room, then shift the text behind the length
	copy(b[at+len(h):], b[at+1:at+1+n])
	copy(b[at:], h)
	return b
}

// binaryRow writes one row of the binary protocol.
func (s *session) binaryRow(cols []op.Column, row []op.Value) {
	at := s.w.begin()
	b := append(s.w.out, 0)
	bits := len(b)
	for i := 0; i < (len(row)+9)/8; i++ {
		b = append(b, 0)
	}
	for i, v := range row {
		if v.Kind == op.KindNull {
			b[bits+(i+2)/8] |= 1 << ((i + 2) % 8)
			continue
		}
		b = s.appendBinary(b, &cols[i], v)
	}
	s.w.out = b
	s.w.end(at)
}

// appendBinary writes one value in its column's binary form.
func (s *session) appendBinary(b []byte, c *op.Column, v op.Value) []byte {
	if c.Type.Array {
		return appendCounted(b, c.Type, v, s.opts)
	}
	switch w := wireTypes[c.Type.Base]; w.code {
	case typeTiny:
		return append(b, byte(integer(v)))
	case typeShort, typeYear:
		return binary.LittleEndian.AppendUint16(b, uint16(integer(v)))
	case typeLong, typeInt24:
		return binary.LittleEndian.AppendUint32(b, uint32(integer(v)))
	case typeLongLong:
		return binary.LittleEndian.AppendUint64(b, integer(v))
	case typeFloat:
		return binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(double(v))))
	case typeDouble:
		return binary.LittleEndian.AppendUint64(b, math.Float64bits(double(v)))
	case typeDate, typeDatetime, typeTimestamp:
		return appendBinaryDate(b, s.localMicros(c.Type, v), w.code == typeDate)
	case typeTime:
		return appendBinaryTime(b, v.Int())
	}
	if v.Kind == op.KindText && plainText(c.Type) {
		return appendLenBytes(b, v.Raw)
	}
	return appendCounted(b, c.Type, v, s.opts)
}

// integer reads the bits of any number; text is an unsigned one above 2^63.
func integer(v op.Value) uint64 {
	switch v.Kind {
	case op.KindFloat64:
		return uint64(int64(v.Float()))
	case op.KindText, op.KindDecimal:
		if u, err := strconv.ParseUint(v.Str(), 10, 64); err == nil {
			return u
		}
		i, _ := strconv.ParseInt(v.Str(), 10, 64) // not a number: 0, as MySQL reads text
		return uint64(i)
	}
	return v.Num
}

// double reads any number as a double.
func double(v op.Value) float64 {
	switch v.Kind {
	case op.KindFloat64:
		return v.Float()
	case op.KindText, op.KindDecimal:
		f, _ := strconv.ParseFloat(v.Str(), 64) // not a number: 0, as MySQL reads text
		return f
	}
	return float64(v.Int())
}

// localMicros returns a date or timestamp as local microseconds; MySQL's zero
// date stays the datum.ZeroDate mark.
func (s *session) localMicros(t op.Type, v op.Value) int64 {
	n := v.Int()
	switch {
	case !datum.Finite(n):
		return n
	case t.Base == op.TDate:
		return n * datum.Day
	case t.Base == op.TTimestampTZ:
		loc := s.opts.Location
		if loc == nil {
			return n
		}
		return datum.LocalMicros(n, loc)
	}
	return n
}

// appendBinaryDate writes a date or datetime: as many fields as are not zero.
func appendBinaryDate(b []byte, us int64, dateOnly bool) []byte {
	if us == datum.ZeroDate {
		return append(b, 0)
	}
	lo, hi := datum.DaysFromCivil(0, 1, 1)*datum.Day, datum.DaysFromCivil(10000, 1, 1)*datum.Day-1
	us = min(max(us, lo), hi)
	days, rest := datum.SplitMicros(us)
	y, m, d := datum.CivilFromDays(days)
	n := byte(11)
	switch {
	case rest == 0 || dateOnly:
		n = 4
	case rest%datum.Second == 0:
		n = 7
	}
	b = append(b, n, byte(y), byte(y>>8), byte(m), byte(d))
	if n == 4 {
		return b
	}
	b = append(b, byte(rest/datum.Hour), byte(rest/datum.Minute%60), byte(rest/datum.Second%60))
	if n == 7 {
		return b
	}
	return binary.LittleEndian.AppendUint32(b, uint32(rest%datum.Second))
}

// appendBinaryTime writes a TIME.
func appendBinaryTime(b []byte, us int64) []byte {
	if us == 0 {
		return append(b, 0)
	}
	neg := byte(0)
	if us < 0 {
		neg, us = 1, -us
	}
	n := byte(12)
	if us%datum.Second == 0 {
		n = 8
	}
	b = append(b, n, neg)
	b = binary.LittleEndian.AppendUint32(b, uint32(us/datum.Day))
	b = append(b, byte(us/datum.Hour%24), byte(us/datum.Minute%60), byte(us/datum.Second%60))
	if n == 8 {
		return b
	}
	return binary.LittleEndian.AppendUint32(b, uint32(us%datum.Second))
}

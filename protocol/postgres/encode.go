package postgres

import (
	"encoding/binary"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// epoch2000 is PostgreSQL's epoch in days since 1970.
const epoch2000 = 10957

// column is how one output column is written.
type column struct {
	t      op.Type
	binary bool
}

// appendField writes a value with its length, -1 for NULL.
func appendField(dst []byte, c column, v op.Value, o *datum.Options) ([]byte, error) {
	if v.Kind == op.KindNull {
		return append(dst, 255, 255, 255, 255), nil
	}
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	var err error
	switch {
	case c.binary:
		dst, err = appendBinary(dst, c.t, v, o)
	case v.Kind == op.KindText && plainText(c.t):
		dst = append(dst, v.Raw...)
	case v.Kind == op.KindInt64 && c.t.Base <= op.TInt8 && c.t.Base >= op.TInt1 && !c.t.Array:
		dst = strconv.AppendInt(dst, v.Int(), 10)
	default:
		dst = datum.Append(dst, c.t, v, *o)
	}
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst, err
}

// plainText reports types whose text storage form is their output.
func plainText(t op.Type) bool {
	if t.Array {
		return false
	}
	switch t.Base {
	case op.TString, op.TVarchar, op.TChar, op.TNumeric, op.TUUID, op.TJSON, op.TJSONB, op.TName, op.TUnknown:
		return !t.Unsigned
	}
	return false
}

// appendBinary writes the binary send form of a storage form.
func appendBinary(dst []byte, t op.Type, v op.Value, o *datum.Options) ([]byte, error) {
	w := wireType(t)
	if w.Array {
		return appendBinaryArray(dst, w, v, o)
	}
	be := binary.BigEndian
	switch w.Base {
	case op.TBoolean:
		return append(dst, byte(v.Num&1)), nil
	case op.TInt2:
		return be.AppendUint16(dst, uint16(intOf(v))), nil
	case op.TInt4, op.TOID, op.TRegClass, op.TRegType, op.TRegProc, op.TRegNS, op.TXID:
		if v.Kind == op.KindText { // outputs of reg types arrive as names
			return nil, op.Errorf(op.Unsupported, "binary output of %s is not supported", datum.TypeName(t))
		}
		return be.AppendUint32(dst, uint32(intOf(v))), nil
	case op.TInt8:
		return be.AppendUint64(dst, uint64(intOf(v))), nil
	case op.TFloat4:
		return be.AppendUint32(dst, math.Float32bits(float32(floatOf(v)))), nil
	case op.TFloat8:
		return be.AppendUint64(dst, math.Float64bits(floatOf(v))), nil
	case op.TNumeric:
		return appendNumeric(dst, string(datum.Append(nil, t, v, *o))), nil
	case op.TDate:
		return be.AppendUint32(dst, uint32(dateOut(v.Int()))), nil
	case op.TTime:
		return be.AppendUint64(dst, v.Num), nil
	case op.TTimestamp, op.TTimestampTZ:
		return be.AppendUint64(dst, uint64(stampOut(v.Int()))), nil
	case op.TTimeTZ:
		us, off, _ := datum.SplitTimeTZ(v.Str())
		return be.AppendUint32(be.AppendUint64(dst, uint64(us)), uint32(-off)), nil
	case op.TInterval:
		iv, err := datum.ParseInterval(v.Str())
		dst = be.AppendUint64(dst, uint64(iv.Micros))
		return be.AppendUint32(be.AppendUint32(dst, uint32(iv.Days)), uint32(iv.Months)), err
	case op.TUUID:
		b, err := datum.UUIDBytes(v.Str())
		return append(dst, b[:]...), err
	case op.TJSONB:
		return append(append(dst, 1), v.Raw...), nil
	case op.TBytea:
		return append(dst, v.Raw...), nil
	case op.TBit:
		return appendBits(dst, v.Str()), nil
	case op.TInet:
		return appendInet(dst, v.Str())
	case op.TInt2Vector, op.TOIDVector:
		return appendBinaryArray(dst, w, v, o)
	case op.TVoid:
		return dst, nil
	case op.TRecord:
		return dst, op.Errorf(op.Unsupported, "no binary output function available for type record")
	}
	return datum.Append(dst, w, v, *o), nil
}

// intOf returns an integer whatever SQLite made of it.
func intOf(v op.Value) int64 {
	switch v.Kind {
	case op.KindFloat64:
		return int64(v.Float())
	case op.KindText:
		i, _ := strconv.ParseInt(v.Str(), 10, 64) // reg* names have no binary form but 0
		return i
	}
	return v.Int()
}

// floatOf returns a float whatever SQLite made of it.
func floatOf(v op.Value) float64 {
	switch v.Kind {
	case op.KindFloat64:
		return v.Float()
	case op.KindText:
		if f, err := strconv.ParseFloat(v.Str(), 64); err == nil {
			return f
		}
		return math.NaN()
	}
	return float64(v.Int())
}

// dateOut converts a stored date to days since 2000.
func dateOut(d int64) int32 {
	switch d {
	case datum.PosInfinity:
		return math.MaxInt32
	case datum.NegInfinity, datum.ZeroDate:
		return math.MinInt32
	}
	return int32(d - epoch2000)
}

// stampOut converts a stored timestamp to microseconds since 2000.
func stampOut(us int64) int64 {
	if !datum.Finite(us) {
		if us == datum.ZeroDate {
			return datum.NegInfinity
		}
		return us
	}
	return us - epoch2000*datum.Day
}

// appendNumeric writes base 10000 digits with weight, sign and scale.
func appendNumeric(dst []byte, s string) []byte {
	be := binary.BigEndian
	special := func(sign uint16) []byte {
		return append(dst, 0, 0, 0, 0, byte(sign>>8), byte(sign), 0, 0)
	}
	switch s {
	case "NaN":
		return special(0xC000)
	case "Infinity":
		return special(0xD000)
	case "-Infinity":
		return special(0xF000)
	}
	sign := uint16(0)
	if strings.HasPrefix(s, "-") {
		sign, s = 0x4000, s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	scale := len(frac)
	whole = strings.TrimLeft(whole, "0")
	if n := len(whole) % 4; n > 0 {
		whole = "000"[:4-n] + whole
	}
	if n := len(frac) % 4; n > 0 {
		frac += "000"[:4-n]
	}
	weight := len(whole)/4 - 1
	all := whole + frac
	for strings.HasPrefix(all, "0000") {
		all = all[4:]
		weight--
	}
	for strings.HasSuffix(all, "0000") && len(all)%4 == 0 {
		all = all[:len(all)-4]
	}
	if all == "" {
		weight, sign = 0, 0
	}
	dst = be.AppendUint16(dst, uint16(len(all)/4))
	dst = be.AppendUint16(dst, uint16(weight))
	dst = be.AppendUint16(dst, sign)
	dst = be.AppendUint16(dst, uint16(scale))
	for ; len(all) >= 4; all = all[4:] {
		d := int(all[0]-'0')*1000 + int(all[1]-'0')*100 + int(all[2]-'0')*10 + int(all[3]-'0')
		dst = be.AppendUint16(dst, uint16(d))
	}
	return dst
}

// appendBits writes a bit string: count, then bits from the left.
func appendBits(dst []byte, s string) []byte {
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(s)))
	for len(s) > 0 {
		var b byte
		for i := range 8 {
			b <<= 1
			if i < len(s) {
				b |= s[i] & 1
			}
		}
		dst = append(dst, b)
		s = s[min(8, len(s)):]
	}
	return dst
}

// appendInet writes family, bits, is_cidr, length, address.
func appendInet(dst []byte, s string) ([]byte, error) {
	host, bits, _ := strings.Cut(s, "/")
	a, err := netip.ParseAddr(host)
	if err != nil {
		return dst, err
	}
	n := a.BitLen()
	if bits != "" {
		if n, err = strconv.Atoi(bits); err != nil {
			return dst, err
		}
	}
	family := byte(2)
	if a.Is6() {
		family = 3
	}
	b := a.AsSlice()
	return append(append(dst, family, byte(n), 0, byte(len(b))), b...), nil
}

// appendBinaryArray writes dimensions, element type and elements.
func appendBinaryArray(dst []byte, t op.Type, v op.Value, o *datum.Options) ([]byte, error) {
	elem := t
	elem.Array = false
	lower := uint32(1)
	switch t.Base {
	case op.TInt2Vector:
		elem, lower = op.Type{Base: op.TInt2}, 0
	case op.TOIDVector:
		elem, lower = op.Type{Base: op.TOID}, 0
	}
	list, dims, err := datum.Elements(elem, v.Str())
	if err != nil {
		return dst, err
	}
	nulls := uint32(0)
	for _, e := range list {
		if e.IsNull() {
			nulls = 1
		}
	}
	be := binary.BigEndian
	dst = be.AppendUint32(dst, uint32(len(dims)))
	dst = be.AppendUint32(dst, nulls)
	dst = be.AppendUint32(dst, pgTypes[elem.Base].oid)
	for _, d := range dims {
		dst = be.AppendUint32(be.AppendUint32(dst, uint32(d)), lower)
	}
	for _, e := range list {
		if dst, err = appendField(dst, column{elem, true}, e, o); err != nil {
			return dst, err
		}
	}
	return dst, nil
}

// zone resolves a TimeZone setting.
func zone(name string) (*time.Location, bool) { return datum.ParseZone(name) }

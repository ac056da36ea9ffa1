package mysql

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// paramUnsigned is the flag beside a parameter's wire type.
const paramUnsigned = 0x8000

// param is one value of COM_STMT_EXECUTE: its wire type and a neutral value.
// Dates and times are text.
type param struct {
	kind     byte
	unsigned bool
	null     bool
	val      op.Value
}

// decodeParams reads the values of COM_STMT_EXECUTE. The types of the last
// execution hold when the client sends none, as libmariadb does.
func decodeParams(c *cursor, p *prepared, long map[int][]byte) ([]param, error) {
	n := p.stmt.Params
	nulls := c.take((n + 7) / 8)
	if bound := c.u8(); !c.bad && bound == 1 {
		raw := c.take(2 * n)
		if raw == nil {
			return nil, errShort
		}
		p.types = p.types[:0]
		for i := range n {
			p.types = append(p.types, binary.LittleEndian.Uint16(raw[2*i:]))
		}
	}
	if c.bad || len(p.types) != n {
		return nil, errShort
	}
	out := make([]param, n)
	for i := range out {
		t := p.types[i]
		out[i] = param{kind: byte(t), unsigned: t&paramUnsigned != 0}
		if data, ok := long[i]; ok {
			out[i].val = op.Value{Kind: op.KindBytes, Raw: data}
			if !isBlob(byte(t)) {
				out[i].val.Kind = op.KindText
			}
			continue
		}
		if nulls[i/8]&(1<<(i%8)) != 0 || byte(t) == typeNull {
			out[i].null = true
			continue
		}
		out[i].val = decodeParam(c, byte(t), out[i].unsigned)
		if c.bad {
			return nil, errShort
		}
	}
	return out, nil
}

// isBlob reports whether a wire type carries bytes. Connectors send text as
// VAR_STRING or STRING and bytes as one of the blobs.
func isBlob(t byte) bool { return t >= typeTinyBlob && t <= typeBlob }

// decodeParam reads one value.
func decodeParam(c *cursor, t byte, unsigned bool) op.Value {
	switch t {
	case typeTiny:
		if unsigned {
			return op.Int64(int64(c.u8()))
		}
		return op.Int64(int64(int8(c.u8())))
	case typeShort, typeYear:
		if unsigned {
			return op.Int64(int64(c.u16()))
		}
		return op.Int64(int64(int16(c.u16())))
	case typeLong, typeInt24:
		if unsigned {
			return op.Int64(int64(c.u32()))
		}
		return op.Int64(int64(int32(c.u32())))
	case typeLongLong:
		u := c.u64()
		if unsigned && u > math.MaxInt64 {
			return op.Uint64(u)
		}
		return op.Int64(int64(u))
	case typeFloat:
		return op.Float64(float64(math.Float32frombits(c.u32())))
	case typeDouble:
		return op.Float64(math.Float64frombits(c.u64()))
	case typeDate, typeDatetime, typeTimestamp:
		return op.Text(paramDate(c, t == typeDate))
	case typeTime:
		return op.Text(paramTime(c))
	case typeVarchar, typeVarString, typeString, typeEnum, typeSet, typeNewDecimal, typeJSON, 0: // 0 is the old DECIMAL
		return op.Text(string(c.lenBytes()))
	case typeBit, typeGeometry, typeTinyBlob, typeMediumBlob, typeLongBlob, typeBlob:
		return op.Bytes(append([]byte{}, c.lenBytes()...))
	}
	c.bad = true
	return op.Null
}

// paramDate reads a binary date or datetime as text.
func paramDate(c *cursor, dateOnly bool) string {
	n := int(c.u8())
	if n != 0 && n != 4 && n != 7 && n != 11 {
		c.bad = true
		return ""
	}
	f := &cursor{b: c.take(n)}
	if n == 0 {
		if dateOnly {
			return "0000-00-00"
		}
		return "0000-00-00 00:00:00"
	}
	b := pad(nil, int(f.u16()), 4)
	b = pad(append(b, '-'), int(f.u8()), 2)
	b = pad(append(b, '-'), int(f.u8()), 2)
	if n == 4 {
		if !dateOnly {
			b = append(b, " 00:00:00"...)
		}
		return string(b)
	}
	b = clock(append(b, ' '), int(f.u8()), int(f.u8()), int(f.u8()))
	if n == 11 {
		b = pad(append(b, '.'), int(f.u32()), 6)
	}
	return string(b)
}

// paramTime reads a binary TIME as text.
func paramTime(c *cursor) string {
	n := int(c.u8())
	if n != 0 && n != 8 && n != 12 {
		c.bad = true
		return ""
	}
	f := &cursor{b: c.take(n)}
	if n == 0 {
		return "00:00:00"
	}
	var b []byte
	if f.u8() == 1 {
		b = append(b, '-')
	}
	days := int(f.u32())
	b = clock(b, days*24+int(f.u8()), int(f.u8()), int(f.u8()))
	if n == 12 {
		b = pad(append(b, '.'), int(f.u32()), 6)
	}
	return string(b)
}

// clock writes hh:mm:ss.
func clock(b []byte, h, m, s int) []byte {
	b = pad(b, h, 2)
	b = pad(append(b, ':'), m, 2)
	return pad(append(b, ':'), s, 2)
}

// pad writes n with at least width digits.
func pad(b []byte, n, width int) []byte {
	s := strconv.Itoa(n)
	for range width - len(s) {
		b = append(b, '0')
	}
	return append(b, s...)
}

// as returns the value as the storage form of an inferred type, false when it
// has no exact one.
func (p *param) as(t op.Type, o datum.Options) (op.Value, bool) {
	if p.null {
		return op.Null, true
	}
	switch p.val.Kind {
	case op.KindInt64:
		switch t.Base {
		case op.TInt8, op.TUnknown, op.TOID:
			return p.val, !t.Unsigned || p.val.Int() >= 0
		case op.TInt4, op.TInt3:
			return p.val, fits(p.val.Int(), 31, t.Unsigned)
		case op.TInt2, op.TYear:
			return p.val, fits(p.val.Int(), 15, t.Unsigned)
		case op.TInt1:
			return p.val, fits(p.val.Int(), 7, t.Unsigned)
		case op.TFloat8:
			return op.Float64(float64(p.val.Int())), true
		case op.TNumeric:
			return op.Text(strconv.FormatInt(p.val.Int(), 10)), true
		}
	case op.KindFloat64:
		f := p.val.Float()
		if t.Base == op.TFloat8 {
			return p.val, true
		}
		// mysql2 sends every number as a double: whole ones are integers.
		if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			i := param{kind: typeLongLong, val: op.Int64(int64(f))}
			return i.as(t, o)
		}
	case op.KindText:
		return textAs(p.val.Str(), t, o)
	case op.KindBytes:
		if t.Base == op.TBytea || t.Base == op.TUnknown {
			return p.val, true
		}
		return textAs(p.val.Str(), t, o)
	}
	return op.Null, false
}

// fits reports whether an integer lies in a type of so many bits.
func fits(i int64, bits uint, unsigned bool) bool {
	if unsigned {
		return i >= 0 && i < 1<<(bits+1)
	}
	return i >= -1<<bits && i < 1<<bits
}

// textAs reads text as an inferred type.
func textAs(text string, t op.Type, o datum.Options) (op.Value, bool) {
	switch t.Base {
	case op.TUnknown, op.TString, op.TVarchar, op.TName, op.TJSON:
		return op.Text(text), true
	case op.TBytea:
		return op.Bytes([]byte(text)), true
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TBoolean, op.TYear, op.TFloat4, op.TFloat8:
		if strings.TrimSpace(text) != text || strings.ContainsAny(text, ".eE") && t.Base != op.TFloat8 {
			return op.Null, false
		}
	case op.TTime, op.TTimestamp, op.TTimestampTZ: // keep what the client sent
		t.Size = 7
	case op.TNumeric: // the precision is the column's business
		t = op.Type{Base: op.TNumeric}
	case op.TChar, op.TEnum, op.TSetOf:
		return op.Null, false
	}
	v, err := datum.ParseMySQL(t, text, o)
	return v, err == nil
}

// natural is the SQL type of what the client sent.
func (p *param) natural() op.Type {
	switch {
	case p.null:
		return op.Type{}
	case p.val.Kind == op.KindInt64:
		return op.Type{Base: op.TInt8}
	case p.val.Kind == op.KindUint64:
		return op.Type{Base: op.TInt8, Unsigned: true}
	case p.val.Kind == op.KindFloat64:
		if f := p.val.Float(); f == math.Trunc(f) && math.Abs(f) < 1<<53 {
			return op.Type{Base: op.TInt8}
		}
		return op.Type{Base: op.TFloat8}
	case p.kind == typeNewDecimal, p.kind == 0:
		return op.Type{Base: op.TNumeric}
	case p.val.Kind == op.KindBytes:
		return op.Type{Base: op.TBytea}
	}
	return op.Type{Base: op.TString}
}

// value is the storage form of natural's type.
func (p *param) value(datum.Options) op.Value {
	switch {
	case p.null:
		return op.Null
	case p.val.Kind == op.KindUint64:
		return datum.UnsignedValue(p.val.Num)
	case p.val.Kind == op.KindFloat64 && p.natural().Base == op.TInt8:
		return op.Int64(int64(p.val.Float()))
	}
	return p.val
}

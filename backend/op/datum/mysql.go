package datum

import (
	"math"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// MaxTime is the largest MySQL TIME, 838:59:59, in microseconds.
const MaxTime = 838*Hour + 59*Minute + 59*Second

// AppendMySQL writes the text MySQL sends for v, a storage form of t. Null
// writes nothing.
func AppendMySQL(dst []byte, t op.Type, v op.Value, o Options) []byte {
	if v.Kind == op.KindNull {
		return dst
	}
	if t.Array {
		return append(dst, v.Raw...)
	}
	switch t.Base {
	case op.TBoolean:
		if isNumber(v) {
			return append(dst, '0'+byte(v.Num&1))
		}
	case op.TFloat4, op.TFloat8:
		if v.Kind == op.KindFloat64 {
			return AppendMySQLFloat(dst, v.Float(), t.Base == op.TFloat4)
		}
	case op.TInt8, op.TNumeric:
		if t.Base == op.TInt8 && v.Kind == op.KindText {
			return append(dst, strings.TrimLeft(v.Str(), "0")...)
		}
	case op.TChar:
		return append(dst, strings.TrimRight(v.Str(), " ")...)
	case op.TBytea:
		return append(dst, v.Raw...)
	case op.TDate:
		if isNumber(v) {
			return appendMySQLDate(dst, v.Int())
		}
	case op.TTime:
		if isNumber(v) {
			return appendMySQLTime(dst, v.Int(), fraction0(t))
		}
	case op.TTimestamp, op.TTimestampTZ:
		if isNumber(v) {
			us := v.Int()
			if t.Base == op.TTimestampTZ {
				us = LocalMicros(us, o.location())
			}
			return appendMySQLDatetime(dst, us, fraction0(t))
		}
	case op.TInterval:
		return appendValue(dst, t, v, &o)
	case op.TJSON, op.TJSONB:
		if t.Base == op.TJSON {
			if out, err := NormalizeJSONB(dst, v.Str()); err == nil {
				return out
			}
		}
		return append(dst, v.Raw...)
	case op.TYear:
		if isNumber(v) {
			return appendPadded(dst, int(v.Int()), 4)
		}
	case op.TBit:
		if v.Kind == op.KindText {
			return appendBits(dst, v.Str())
		}
	}
	if v.Kind == op.KindBytes {
		return append(dst, v.Raw...)
	}
	if v.Kind == op.KindBool {
		return append(dst, '0'+byte(v.Num&1))
	}
	if v.Kind == op.KindFloat64 && t.Base != op.TNumeric {
		return AppendMySQLFloat(dst, v.Float(), false)
	}
	return appendPlain(dst, t, v)
}

// fraction0 returns the fraction digits of a MySQL time type: none by default.
func fraction0(t op.Type) int {
	if t.Size <= 0 {
		return 0
	}
	return min(int(t.Size)-1, 6)
}

// AppendMySQLFloat writes a double with the digits it needs, a float with six,
// in exponent form (1e16) outside 1e-15 … 1e15.
func AppendMySQLFloat(dst []byte, f float64, single bool) []byte {
	prec, bits := -1, 64
	if single {
		prec, bits = 5, 32
	}
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return append(dst, "NULL"...) // MySQL has neither
	}
	s := strconv.FormatFloat(f, 'e', prec, bits)
	i := strings.IndexByte(s, 'e')
	exp, _ := strconv.Atoi(s[i+1:])
	mant := s[:i]
	if strings.IndexByte(mant, '.') >= 0 {
		mant = strings.TrimSuffix(strings.TrimRight(mant, "0"), ".")
	}
	if f == 0 {
		return append(dst, '0')
	}
	if exp < -15 || exp > 14 {
		dst = append(append(dst, mant...), 'e')
		return strconv.AppendInt(dst, int64(exp), 10)
	}
	neg, rest := cutSign(mant)
	d := strings.Replace(rest, ".", "", 1)
	if neg {
		dst = append(dst, '-')
	}
	switch {
	case exp < 0:
		dst = append(append(dst, '0', '.'), strings.Repeat("0", -exp-1)...)
		return append(dst, d...)
	case len(d) <= exp+1:
		return append(append(dst, d...), strings.Repeat("0", exp+1-len(d))...)
	}
	dst = append(append(dst, d[:exp+1]...), '.')
	return append(dst, d[exp+1:]...)
}

// clampMySQL brings infinite and far dates into MySQL's range.
func clampMySQL(days int64) int64 {
	return min(max(days, DaysFromCivil(0, 1, 1)), DaysFromCivil(9999, 12, 31))
}

// appendMySQLDate writes YYYY-MM-DD.
func appendMySQLDate(dst []byte, days int64) []byte {
	if days == ZeroDate {
		return append(dst, "0000-00-00"...)
	}
	y, m, d := CivilFromDays(clampMySQL(days))
	dst = appendPadded(dst, y, 4)
	return append(dst, '-', byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10))
}

// appendMySQLDatetime writes YYYY-MM-DD hh:mm:ss[.f].
func appendMySQLDatetime(dst []byte, us int64, frac int) []byte {
	if us == ZeroDate {
		return appendFixed(append(dst, "0000-00-00 00:00:00"...), 0, frac)
	}
	days, rest := SplitMicros(us)
	if us == PosInfinity {
		rest = Day - 1
	}
	dst = append(appendMySQLDate(dst, days), ' ')
	return appendMySQLTime(dst, rest, frac)
}

// appendMySQLTime writes [-]hh:mm:ss[.f]; hours may have three digits.
func appendMySQLTime(dst []byte, us int64, frac int) []byte {
	if us < 0 {
		dst, us = append(dst, '-'), -us
	}
	dst = appendPadded(dst, int(us/Hour), 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, int(us/Minute%60), 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, int(us/Second%60), 2)
	return appendFixed(dst, int(us%Second), frac)
}

// appendFixed writes exactly frac fraction digits.
func appendFixed(dst []byte, us, frac int) []byte {
	if frac == 0 {
		return dst
	}
	dst = append(dst, '.')
	for p := 100000; frac > 0; frac-- {
		dst = append(dst, byte('0'+us/p%10))
		p /= 10
	}
	return dst
}

// appendBits packs binary digits into bytes, most significant first.
func appendBits(dst []byte, s string) []byte {
	pad := (8 - len(s)%8) % 8
	var c byte
	for i := 0; i < len(s); i++ {
		c = c<<1 | s[i]&1
		if (i+pad)%8 == 7 {
			dst = append(dst, c)
			c = 0
		}
	}
	return dst
}

package datum

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// ParseMySQL reads MySQL text as the storage form of t. When it returns an
// error the value is still the one MySQL stores outside strict mode (the
// leading number, the nearest bound, the zero date), so a lenient caller keeps
// the value and turns the error into a warning.
func ParseMySQL(t op.Type, text string, o Options) (op.Value, error) {
	if t.Array {
		return op.Text(text), CheckJSON(text)
	}
	switch t.Base {
	case op.TBoolean, op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TOID, op.TXID:
		return mysqlInt(t, text)
	case op.TFloat4, op.TFloat8:
		return mysqlFloat(t, text)
	case op.TNumeric:
		return mysqlDecimal(t, text)
	case op.TString, op.TVarchar, op.TChar, op.TName:
		return mysqlText(t, text)
	case op.TBytea:
		if t.Size > 0 && len(text) > int(t.Size) {
			return op.Bytes([]byte(text[:t.Size])), errTooLong()
		}
		return op.Bytes([]byte(text)), nil
	case op.TDate:
		return mysqlDate(text)
	case op.TTime:
		return mysqlTime(t, text)
	case op.TTimestamp, op.TTimestampTZ:
		return mysqlDatetime(t, text, &o)
	case op.TYear:
		return mysqlYear(text)
	case op.TBit:
		return mysqlBit(t, text)
	case op.TJSON, op.TJSONB:
		b, err := NormalizeJSONB(nil, text)
		if err != nil {
			e := op.AsError(err)
			e.Msg = "Invalid JSON text"
			return op.Null, e
		}
		return op.Value{Kind: op.KindText, Raw: b}, nil
	default:
		return parseScalar(t, text, &o)
	}
}

// errMySQL builds "Incorrect <what> value".
func errMySQL(what, text string) *op.Error {
	e := op.Errorf(op.InvalidArgument, "Incorrect %s value: '%s'", what, clip(text, 128))
	e.Object = ObjectText
	return e
}

// errTruncated says that text starts with a value and goes on.
func errTruncated(text string) *op.Error {
	e := op.Errorf(op.InvalidArgument, "Data truncated for column: '%s'", clip(text, 128))
	e.Object = ObjectTruncated
	return e
}

// errLead is the error of text that is not a number as a whole.
func errLead(what, text string) *op.Error {
	if t := strings.TrimLeft(text, " \t\n\r\v\f+-."); t != "" && t[0] >= '0' && t[0] <= '9' {
		return errTruncated(text)
	}
	return errMySQL(what, text)
}

// errTooLong says that a string does not fit its column.
func errTooLong() *op.Error { return op.Errorf(op.StringTooLong, "Data too long for column") }

// errMySQLRange says that a number does not fit its column.
func errMySQLRange() *op.Error { return op.Errorf(op.OutOfRange, "Out of range value for column") }

// leadNumber returns the longest number s starts with and whether more than
// white space follows.
func leadNumber(s string) (num string, rest bool) {
	s = strings.TrimLeft(s, " \t\n\r\v\f")
	i := 0
	if i < len(s) && (s[i] == '-' || s[i] == '+') {
		i++
	}
	n := digits(s[i:])
	i += n
	if i < len(s) && s[i] == '.' {
		f := digits(s[i+1:])
		n += f
		if n > 0 {
			i += 1 + f
		}
	}
	if n == 0 {
		return "0", true
	}
	if i+1 < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if s[j] == '-' || s[j] == '+' {
			j++
		}
		if d := digits(s[j:]); d > 0 {
			i = j + d
		}
	}
	return s[:i], trim(s[i:]) != ""
}

// mysqlInt rounds to an integer and clamps it.
func mysqlInt(t op.Type, text string) (op.Value, error) {
	num, bad := leadNumber(text)
	var err error
	if bad {
		err = errLead("integer", text)
	}
	s, perr := ParseNumeric(num)
	if perr != nil {
		s = "0"
		if strings.ContainsAny(num, "eE") && !strings.Contains(num, "-") {
			s = "99999999999999999999"
		}
	}
	s = RoundNumeric(s, 0)
	if t.Unsigned && t.Base == op.TInt8 {
		u, uerr := strconv.ParseUint(s, 10, 64)
		if uerr != nil {
			if strings.HasPrefix(s, "-") {
				u = 0
			} else {
				u = math.MaxUint64
			}
			return UnsignedValue(u), errMySQLRange()
		}
		return UnsignedValue(u), err
	}
	i, ierr := strconv.ParseInt(s, 10, 64)
	if t.Base == op.TBoolean {
		t.Base = op.TInt1
	}
	lo, hi := intBounds(t)
	if i < lo || ierr != nil && s[0] == '-' {
		return op.Int64(lo), errMySQLRange()
	}
	if i > hi || ierr != nil {
		return op.Int64(hi), errMySQLRange()
	}
	return op.Int64(i), err
}

// mysqlFloat reads a float and clamps it.
func mysqlFloat(t op.Type, text string) (op.Value, error) {
	num, bad := leadNumber(text)
	bits, top := 64, math.MaxFloat64
	if t.Base == op.TFloat4 {
		bits, top = 32, math.MaxFloat32
	}
	f, err := strconv.ParseFloat(num, bits)
	if math.IsInf(f, 0) {
		return op.Float64(math.Copysign(top, f)), errMySQLRange()
	}
	if err != nil {
		f = 0
	}
	if t.Unsigned && f < 0 {
		return op.Float64(0), errMySQLRange()
	}
	if bad {
		return op.Float64(f), errTruncated(text)
	}
	return op.Float64(f), nil
}

// mysqlDecimal reads a decimal, rounds it to its scale and clamps it.
func mysqlDecimal(t op.Type, text string) (op.Value, error) {
	num, bad := leadNumber(text)
	s, err := ParseNumeric(num)
	if err != nil {
		s = "0"
	}
	if t.Size > 0 {
		fit, ferr := FitNumeric(s, t)
		if ferr != nil {
			fit = strings.Repeat("9", max(int(t.Size-t.Scale), 0))
			if fit == "" {
				fit = "0"
			}
			if t.Scale > 0 {
				fit += "." + strings.Repeat("9", int(t.Scale))
			}
			if s[0] == '-' {
				fit = "-" + fit
			}
			return op.Text(fit), errMySQLRange()
		}
		s = fit
	}
	if t.Unsigned && s[0] == '-' {
		return op.Text(RoundNumeric("0", int(t.Scale))), errMySQLRange()
	}
	if bad || err != nil {
		return op.Text(s), errLead("decimal", text)
	}
	return op.Text(s), nil
}

// mysqlText cuts a string to its column's length in characters.
func mysqlText(t op.Type, text string) (op.Value, error) {
	if t.Size <= 0 {
		return op.Text(text), nil
	}
	short := t
	short.Base = op.TVarchar
	if v, err := fitText(short, text); err == nil {
		if t.Base == op.TChar {
			return fitText(t, v.Str())
		}
		return v, nil
	}
	at := 0
	for i := int32(0); i < t.Size; i++ {
		_, w := utf8.DecodeRuneInString(text[at:])
		at += w
	}
	return op.Text(text[:at]), errTooLong()
}

// mysqlYear reads a YEAR.
func mysqlYear(text string) (op.Value, error) {
	num, bad := leadNumber(text)
	y, err := strconv.Atoi(num)
	switch {
	case err != nil || bad:
		return op.Int64(0), errMySQL("integer", text)
	case len(trim(text)) <= 2 && y < 70 && trim(text) != "0":
		y += 2000
	case y > 0 && y < 100:
		y += 1900
		if y < 1970 {
			y += 100
		}
	}
	if y != 0 && (y < 1901 || y > 2155) {
		return op.Int64(0), errMySQLRange()
	}
	return op.Int64(int64(y)), nil
}

// mysqlBit turns bytes into the binary digits of a BIT column.
func mysqlBit(t op.Type, text string) (op.Value, error) {
	size := max(int(t.Size), 1)
	b := make([]byte, 0, 8*len(text))
	for i := 0; i < len(text); i++ {
		for k := 7; k >= 0; k-- {
			b = append(b, '0'+text[i]>>k&1)
		}
	}
	for len(b) > size && b[0] == '0' {
		b = b[1:]
	}
	if len(b) > size {
		return op.Text(strings.Repeat("1", size)), errTooLong()
	}
	return op.Text(strings.Repeat("0", size-len(b)) + string(b)), nil
}

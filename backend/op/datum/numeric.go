package datum

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Limits of a numeric, as PostgreSQL has them.
const (
	maxWhole = 131072 // digits before the decimal point
	maxScale = 16383  // digits after it
)

// ParseNumeric reads numeric input text as its storage form: an optional
// minus, digits without leading zeros, and as many fraction digits as were
// written. Exponents are resolved.
func ParseNumeric(text string) (string, error) {
	s := trim(text)
	switch strings.ToLower(s) {
	case "nan":
		return "NaN", nil
	case "infinity", "inf", "+infinity", "+inf":
		return "Infinity", nil
	case "-infinity", "-inf":
		return "-Infinity", nil
	}
	neg, rest := cutSign(s)
	whole, frac, exp, ok := splitDecimal(rest)
	if !ok {
		return "", errSyntax("numeric", text)
	}
	if exp > maxWhole || exp < -maxWhole {
		return "", errNumericFormat()
	}
	if exp == 0 {
		return joinDecimal(neg, whole, frac)
	}
	if exp > 0 {
		if n := exp - len(frac); n > 0 {
			frac += strings.Repeat("0", n)
		}
		return joinDecimal(neg, whole+frac[:exp], frac[exp:])
	}
	if n := -exp - len(whole); n > 0 {
		whole = strings.Repeat("0", n) + whole
	}
	cut := len(whole) + exp
	return joinDecimal(neg, whole[:cut], whole[cut:]+frac)
}

// errNumericFormat says that a number has too many digits for any numeric.
func errNumericFormat() *op.Error {
	return op.Errorf(op.OutOfRange, "value overflows numeric format")
}

// cutSign removes a leading sign.
func cutSign(s string) (neg bool, rest string) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		return s[0] == '-', s[1:]
	}
	return false, s
}

// splitDecimal cuts digits[.digits][e[sign]digits].
func splitDecimal(s string) (whole, frac string, exp int, ok bool) {
	n := digits(s)
	whole, s = s[:n], s[n:]
	if s != "" && s[0] == '.' {
		n = digits(s[1:])
		frac, s = s[1:1+n], s[1+n:]
	}
	if whole == "" && frac == "" {
		return "", "", 0, false
	}
	if s != "" && (s[0] == 'e' || s[0] == 'E') {
		neg, r := cutSign(s[1:])
		if r == "" || digits(r) != len(r) {
			return "", "", 0, false
		}
		e, err := strconv.Atoi(r)
		if err != nil || e > 1<<30 {
			e = 1 << 30
		}
		if neg {
			e = -e
		}
		return whole, frac, e, true
	}
	return whole, frac, 0, s == ""
}

// digits returns the length of the run of digits s starts with.
func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

// joinDecimal builds the storage form.
func joinDecimal(neg bool, whole, frac string) (string, error) {
	whole = strings.TrimLeft(whole, "0")
	if len(whole) > maxWhole || len(frac) > maxScale {
		return "", errNumericFormat()
	}
	if whole == "" {
		whole = "0"
		neg = neg && strings.Trim(frac, "0") != ""
	}
	var b strings.Builder
	b.Grow(len(whole) + len(frac) + 2)
	if neg {
		b.WriteByte('-')
	}
	b.WriteString(whole)
	if frac != "" {
		b.WriteByte('.')
		b.WriteString(frac)
	}
	return b.String(), nil
}

// RoundNumeric rounds a storage form to scale fraction digits, half away from
// zero, padding with zeros. A negative scale rounds left of the point.
func RoundNumeric(s string, scale int) string {
	if s == "NaN" || strings.HasSuffix(s, "Infinity") {
		return s
	}
	neg, rest := cutSign(s)
	whole, frac, _ := strings.Cut(rest, ".")
	if scale >= len(frac) {
		if scale > maxScale {
			scale = maxScale
		}
		if scale <= len(frac) {
			return s
		}
		r, _ := joinDecimal(neg, whole, frac+strings.Repeat("0", scale-len(frac)))
		return r
	}
	all := whole + frac
	keep := len(whole) + scale
	if keep < 0 {
		return "0"
	}
	up := all[keep] >= '5'
	d := append([]byte{'0'}, all[:keep]...)
	if up {
		increment(d)
	}
	pad := 0
	if scale < 0 {
		pad = -scale
		scale = 0
	}
	text := string(d) + strings.Repeat("0", pad)
	r, _ := joinDecimal(neg, text[:len(text)-scale], text[len(text)-scale:])
	return r
}

// increment adds one to a run of digits that starts with a zero.
func increment(d []byte) {
	for i := len(d) - 1; i >= 0; i-- {
		if d[i] != '9' {
			d[i]++
			return
		}
		d[i] = '0'
	}
}

// TruncNumeric cuts a storage form to scale >= 0 fraction digits, padding.
func TruncNumeric(s string, scale int) string {
	whole, frac, _ := strings.Cut(s, ".")
	if len(frac) <= scale || scale < 0 {
		return RoundNumeric(s, max(scale, 0))
	}
	neg, whole := cutSign(whole)
	r, _ := joinDecimal(neg, whole, frac[:scale])
	return r
}

// FitNumeric rounds a storage form to the scale of t and checks its precision.
func FitNumeric(s string, t op.Type) (string, error) {
	if t.Size <= 0 || s == "NaN" {
		return s, nil
	}
	if strings.HasSuffix(s, "Infinity") {
		e := op.Errorf(op.OutOfRange, "numeric field overflow")
		e.Detail = "A field with precision " + strconv.Itoa(int(t.Size)) + ", scale " + strconv.Itoa(int(t.Scale)) + " cannot hold an infinite value."
		return "", e
	}
	s = RoundNumeric(s, int(t.Scale))
	_, rest := cutSign(s)
	whole, frac, _ := strings.Cut(rest, ".")
	whole = strings.TrimLeft(whole, "0")
	room := int(t.Size - t.Scale)
	n := len(whole)
	if n == 0 && room < 0 {
		n = -(len(frac) - len(strings.TrimLeft(frac, "0")))
		if strings.Trim(frac, "0") == "" {
			n = room
		}
	}
	if n <= room {
		return s, nil
	}
	e := op.Errorf(op.OutOfRange, "numeric field overflow")
	limit := "10^" + strconv.Itoa(room)
	if room == 0 {
		limit = "1"
	}
	e.Detail = "A field with precision " + strconv.Itoa(int(t.Size)) + ", scale " + strconv.Itoa(int(t.Scale)) +
		" must round to an absolute value less than " + limit + "."
	return "", e
}

// TrimNumeric removes trailing zeros of the fraction (trim_scale).
func TrimNumeric(s string) string {
	if strings.IndexByte(s, '.') < 0 {
		return s
	}
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// NumericFromFloat returns the numeric PostgreSQL casts a float8 to: 15
// significant digits (6 for a float4).
func NumericFromFloat(f float64, single bool) string {
	n := 15
	if single {
		n = 6
	}
	s, err := ParseNumeric(strconv.FormatFloat(f, 'g', n, 64))
	if err != nil {
		return "NaN"
	}
	return s
}

package funcs

import (
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// nthFuncs are the regular expression functions that start at a character and
// count matches.
var nthFuncs = []fn{
	{"dotdo_regexp_count", 4, func(a []op.Value) (op.Value, error) {
		re, s, _, err := fromChar(a[0], a[1], a[2], a[3].Str(), "regexp_count")
		if err != nil {
			return op.Null, err
		}
		return op.Int64(int64(len(re.FindAllStringIndex(s, -1)))), nil
	}},
	{"dotdo_regexp_instr", 7, regexpInstr},
	{"dotdo_regexp_substr", 6, regexpSubstr},
	{"dotdo_regexp_replace_n", 6, func(a []op.Value) (op.Value, error) {
		flags, n := a[5].Str(), a[4].Int()
		if n < 0 {
			return op.Null, badParameter("n", n)
		}
		re, s, head, err := fromChar(a[0], a[1], a[3], strings.ReplaceAll(flags, "g", ""), "regexp_replace")
		if err != nil {
			return op.Null, err
		}
		var b strings.Builder
		b.WriteString(head)
		last := 0
		for i, m := range re.FindAllStringSubmatchIndex(s, -1) {
			if n > 0 && int64(i+1) != n {
				continue
			}
			b.WriteString(s[last:m[0]])
			expand(&b, s, a[2].Str(), m)
			last = m[1]
		}
		b.WriteString(s[last:])
		return op.Text(b.String()), nil
	}},
	{"dotdo_lcm", 3, lcm},
	{"dotdo_gcd", 3, func(a []op.Value) (op.Value, error) { return ranged(gcd(a[0].Int(), a[1].Int()), a[2].Int()) }},
	{"dotdo_asinh", 1, float1(math.Asinh, always)},
	{"dotdo_acosh", 1, float1(math.Acosh, func(x float64) error { return within(x >= 1) })},
	{"dotdo_atanh", 1, float1(math.Atanh, func(x float64) error { return within(x >= -1 && x <= 1) })},
	{"dotdo_float_div", 2, func(a []op.Value) (op.Value, error) {
		x, y := num(a[0]), num(a[1])
		if y == 0 && !math.IsNaN(x) {
			return op.Null, errDivision
		}
		f := x / y
		if math.IsNaN(f) {
			return op.Text("NaN"), nil
		}
		return op.Float64(f), nil
	}},
}

// within is the error of an argument outside a function's domain.
func within(ok bool) error {
	if ok {
		return nil
	}
	return op.Errorf(op.OutOfRange, "input is out of range")
}

// badParameter is the error of a count that is too small.
func badParameter(name string, n int64) error {
	return op.Errorf(op.InvalidArgument, "invalid value for parameter \"%s\": %d", name, n)
}

// fromChar compiles a pattern and cuts the text at a start character.
func fromChar(text, pattern, start op.Value, flags, name string) (re *regexp.Regexp, s, head string, err error) {
	if start.Int() <= 0 {
		return nil, "", "", badParameter("start", start.Int())
	}
	if strings.Contains(flags, "g") {
		return nil, "", "", op.Errorf(op.InvalidArgument, "%s() does not support the \"global\" option", name)
	}
	if re, err = compile(pattern.Str(), flags); err != nil {
		return nil, "", "", err
	}
	s = text.Str()
	at := len(s)
	for i, n := 0, int64(1); i < len(s); n++ {
		if n == start.Int() {
			at = i
			break
		}
		_, w := utf8.DecodeRuneInString(s[i:])
		i += w
	}
	return re, s[at:], s[:at], nil
}

// expand writes the replacement of one match.
func expand(b *strings.Builder, s, with string, m []int) {
	for i := 0; i < len(with); i++ {
		if with[i] != '\\' || i+1 == len(with) {
			b.WriteByte(with[i])
			continue
		}
		i++
		switch c := with[i]; {
		case c == '&':
			b.WriteString(s[m[0]:m[1]])
		case c >= '0' && c <= '9':
			if g := 2 * int(c-'0'); g+1 < len(m) && m[g] >= 0 {
				b.WriteString(s[m[g]:m[g+1]])
			}
		default:
			b.WriteByte(c)
		}
	}
}

// nth finds the n-th match and the bounds of one of its groups, nil if there
// is none.
func nth(re *regexp.Regexp, s string, n, group int64) []int {
	for i, m := range re.FindAllStringSubmatchIndex(s, -1) {
		if int64(i+1) != n {
			continue
		}
		if int(2*group+1) >= len(m) || m[2*group] < 0 {
			return nil
		}
		return m[2*group : 2*group+2]
	}
	return nil
}

// regexpInstr is regexp_instr(text, pattern, start, n, end, flags, group).
func regexpInstr(a []op.Value) (op.Value, error) {
	switch {
	case a[3].Int() <= 0:
		return op.Null, badParameter("n", a[3].Int())
	case a[4].Int() != 0 && a[4].Int() != 1:
		return op.Null, badParameter("endoption", a[4].Int())
	case a[6].Int() < 0:
		return op.Null, badParameter("subexpr", a[6].Int())
	}
	re, s, head, err := fromChar(a[0], a[1], a[2], a[5].Str(), "regexp_instr")
	if err != nil {
		return op.Null, err
	}
	m := nth(re, s, a[3].Int(), a[6].Int())
	if m == nil {
		return op.Int64(0), nil
	}
	return op.Int64(int64(utf8.RuneCountInString(head)+utf8.RuneCountInString(s[:m[a[4].Int()]])) + 1), nil
}

// regexpSubstr is regexp_substr(text, pattern, start, n, flags, group).
func regexpSubstr(a []op.Value) (op.Value, error) {
	switch {
	case a[3].Int() <= 0:
		return op.Null, badParameter("n", a[3].Int())
	case a[5].Int() < 0:
		return op.Null, badParameter("subexpr", a[5].Int())
	}
	re, s, _, err := fromChar(a[0], a[1], a[2], a[4].Str(), "regexp_substr")
	if err != nil {
		return op.Null, err
	}
	m := nth(re, s, a[3].Int(), a[5].Int())
	if m == nil {
		return op.Null, nil
	}
	return op.Text(s[m[0]:m[1]]), nil
}

// gcd is the greatest common divisor as an unsigned number: that of the least
// integer with itself does not fit.
func gcd(x, y int64) uint64 {
	a, b := magnitude(x), magnitude(y)
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// magnitude is |x|.
func magnitude(x int64) uint64 {
	if x < 0 {
		return -uint64(x)
	}
	return uint64(x)
}

// ranged returns n unless it exceeds the integer type of a width in bits.
func ranged(n uint64, bits int64) (op.Value, error) {
	name := "integer"
	if bits == 64 {
		name = "bigint"
	}
	if n > 1<<(bits-1)-1 {
		return op.Null, op.Errorf(op.OutOfRange, "%s out of range", name)
	}
	return op.Int64(int64(n)), nil
}

// lcm is the least common multiple of two integers of a width in bits.
func lcm(a []op.Value) (op.Value, error) {
	x, y := a[0].Int(), a[1].Int()
	if x == 0 || y == 0 {
		return op.Int64(0), nil
	}
	p, q := magnitude(x)/gcd(x, y), magnitude(y)
	if p > math.MaxUint64/q {
		return ranged(math.MaxUint64, a[2].Int())
	}
	return ranged(p*q, a[2].Int())
}

package funcs

import (
	"hash/crc32"
	"math"
	"math/big"
	"math/bits"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// myMaxResult bounds the text one function call may build.
const myMaxResult = 64 << 20

// registerMySQL registers the functions that the MySQL tables call and no
// other dialect needs. All but concat_ws, field and elt are NULL when an
// argument is.
func registerMySQL(r *sqlite.Registry) {
	strict := func(name string, n int, f func(a []op.Value) op.Value) {
		r.Scalar(name, n, true, func(_ *sqlite.Conn, a []op.Value) (op.Value, error) {
			for _, v := range a {
				if v.IsNull() {
					return op.Null, nil
				}
			}
			return f(a), nil
		})
	}
	strict("dotdo_my_concat", -1, myConcat)
	r.Scalar("dotdo_my_concat_ws", -1, true, myLax(myConcatWS))
	r.Scalar("dotdo_my_field", -1, true, myLax(myField))
	r.Scalar("dotdo_my_elt", -1, true, myLax(myElt))
	strict("dotdo_my_substr", -1, mySubstr)
	strict("dotdo_my_substring_index", 3, mySubstringIndex)
	strict("dotdo_my_left", 2, func(a []op.Value) op.Value { return op.Text(myRunes(myText(a[0]), 0, myInt(a[1]))) })
	strict("dotdo_my_right", 2, myRight)
	strict("dotdo_my_trim", 3, myTrim)
	strict("dotdo_my_locate", 3, myLocate)
	strict("dotdo_my_ascii", 1, myASCII)
	strict("dotdo_my_quote", 1, myQuote)
	strict("dotdo_my_find_in_set", 2, myFindInSet)
	strict("dotdo_my_format", 2, myFormat)
	strict("dotdo_my_conv", 3, myConv)
	strict("dotdo_my_crc32", 1, func(a []op.Value) op.Value {
		return op.Int64(int64(crc32.ChecksumIEEE([]byte(myText(a[0])))))
	})
	strict("dotdo_my_bit_count", 1, func(a []op.Value) op.Value { return op.Int64(int64(bits.OnesCount64(uint64(myInt(a[0]))))) })
	strict("dotdo_my_round", 2, myRound)
	strict("dotdo_my_div", 2, myDiv)
	strict("dotdo_my_mod", 2, myMod)
	registerMySQLTimes(strict)
	registerMySQLJSON(strict)
	registerMySQLMore(r, strict)
}

// myLax wraps a function that deals with NULL itself.
func myLax(f func([]op.Value) op.Value) sqlite.Func {
	return func(_ *sqlite.Conn, a []op.Value) (op.Value, error) { return f(a), nil }
}

// myText reads a value as text.
func myText(v op.Value) string {
	switch v.Kind {
	case op.KindInt64, op.KindBool, op.KindInt32:
		return strconv.FormatInt(v.Int(), 10)
	case op.KindFloat64:
		return string(datum.AppendMySQLFloat(nil, v.Float(), false))
	}
	return v.Str()
}

// myInt reads a value as an integer: text by its leading number, rounded.
func myInt(v op.Value) int64 {
	switch v.Kind {
	case op.KindFloat64:
		return int64(math.Round(v.Float()))
	case op.KindText, op.KindBytes, op.KindDecimal:
		n, _ := datum.ParseMySQL(op.Type{Base: op.TInt8}, v.Str(), datum.Options{}) // the value is right even with an error
		return n.Int()
	}
	return v.Int()
}

// myConcat joins its arguments.
func myConcat(a []op.Value) op.Value {
	var b strings.Builder
	for _, v := range a {
		b.WriteString(myText(v))
		if b.Len() > myMaxResult {
			return op.Null
		}
	}
	return op.Text(b.String())
}

// myConcatWS joins the arguments that are not NULL by the first.
func myConcatWS(a []op.Value) op.Value {
	if len(a) == 0 || a[0].IsNull() {
		return op.Null
	}
	var list []string
	for _, v := range a[1:] {
		if !v.IsNull() {
			list = append(list, myText(v))
		}
	}
	return op.Text(strings.Join(list, myText(a[0])))
}

// myField finds the first argument among the others, 0 = not there.
func myField(a []op.Value) op.Value {
	if len(a) == 0 || a[0].IsNull() {
		return op.Int64(0)
	}
	for i, v := range a[1:] {
		if !v.IsNull() && strings.EqualFold(myText(v), myText(a[0])) {
			return op.Int64(int64(i + 1))
		}
	}
	return op.Int64(0)
}

// myElt picks an argument by number.
func myElt(a []op.Value) op.Value {
	if len(a) == 0 || a[0].IsNull() {
		return op.Null
	}
	n := myInt(a[0])
	if n < 1 || n >= int64(len(a)) {
		return op.Null
	}
	if a[n].IsNull() {
		return op.Null
	}
	return op.Text(myText(a[n]))
}

// myRunes returns n characters of s from a 0-based character offset.
func myRunes(s string, from, n int64) string {
	if n <= 0 || from < 0 {
		return ""
	}
	start := -1
	var at int64
	for i := range s {
		if at == from {
			start = i
		}
		if start >= 0 && at-from == n {
			return s[start:i]
		}
		at++
	}
	if start < 0 {
		return ""
	}
	return s[start:]
}

// mySubstr is SUBSTRING(s, pos[, len]): 1-based, negative from the end.
func mySubstr(a []op.Value) op.Value {
	s, pos := myText(a[0]), myInt(a[1])
	n := int64(math.MaxInt64)
	if len(a) > 2 {
		n = myInt(a[2])
	}
	if pos < 0 {
		pos += int64(utf8.RuneCountInString(s)) + 1
		if pos < 1 {
			return op.Text("")
		}
	}
	if pos == 0 {
		return op.Text("")
	}
	return op.Text(myRunes(s, pos-1, n))
}

// myRight returns the last n characters.
func myRight(a []op.Value) op.Value {
	s := myText(a[0])
	n := myInt(a[1])
	skip := int64(utf8.RuneCountInString(s)) - n
	if n <= 0 {
		return op.Text("")
	}
	return op.Text(myRunes(s, max(skip, 0), n))
}

// mySubstringIndex returns what stands before the n-th delimiter, or behind
// the n-th from the right.
func mySubstringIndex(a []op.Value) op.Value {
	s, d, n := myText(a[0]), myText(a[1]), myInt(a[2])
	if d == "" || n == 0 {
		return op.Text("")
	}
	p := strings.Split(s, d)
	switch {
	case n > 0 && n < int64(len(p)):
		p = p[:n]
	case n < 0 && -n < int64(len(p)):
		p = p[int64(len(p))+n:]
	}
	return op.Text(strings.Join(p, d))
}

// myTrim removes a whole string from the ends, again and again.
func myTrim(a []op.Value) op.Value {
	dir, s, what := myText(a[0]), myText(a[1]), myText(a[2])
	if what == "" {
		return op.Text(s)
	}
	for dir != "r" && strings.HasPrefix(s, what) {
		s = s[len(what):]
	}
	for dir != "l" && strings.HasSuffix(s, what) {
		s = s[:len(s)-len(what)]
	}
	return op.Text(s)
}

// myLocate finds the first argument in the second from a position on,
// ignoring case.
func myLocate(a []op.Value) op.Value {
	sub, s, pos := strings.ToLower(myText(a[0])), strings.ToLower(myText(a[1])), myInt(a[2])
	if pos < 1 || pos > int64(utf8.RuneCountInString(s))+1 {
		return op.Int64(0)
	}
	tail := myRunes(s, pos-1, math.MaxInt64)
	i := strings.Index(tail, sub)
	if i < 0 {
		return op.Int64(0)
	}
	return op.Int64(pos + int64(utf8.RuneCountInString(tail[:i])))
}

// myASCII is the number of the first byte.
func myASCII(a []op.Value) op.Value {
	if s := myText(a[0]); s != "" {
		return op.Int64(int64(s[0]))
	}
	return op.Int64(0)
}

// myQuote writes a string as an SQL literal.
func myQuote(a []op.Value) op.Value {
	return op.Text("'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`, "\x1a", `\Z`).Replace(myText(a[0])) + "'")
}

// myFindInSet finds a string in a comma list.
func myFindInSet(a []op.Value) op.Value {
	s, list := myText(a[0]), myText(a[1])
	if list == "" || strings.Contains(s, ",") {
		return op.Int64(0)
	}
	for i, x := range strings.Split(list, ",") {
		if strings.EqualFold(x, s) {
			return op.Int64(int64(i + 1))
		}
	}
	return op.Int64(0)
}

// myFormat is FORMAT(x, d): commas between thousands.
func myFormat(a []op.Value) op.Value {
	s := datum.RoundNumeric(myText(a[0]), int(min(max(myInt(a[1]), 0), 30)))
	sign := ""
	if strings.HasPrefix(s, "-") {
		sign, s = "-", s[1:]
	}
	whole, frac, _ := strings.Cut(s, ".")
	var b strings.Builder
	for i, c := range whole {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	if frac != "" {
		b.WriteString("." + frac)
	}
	return op.Text(sign + b.String())
}

// myConv converts a number between bases.
func myConv(a []op.Value) op.Value {
	from, to := myInt(a[1]), myInt(a[2])
	if myAbs(from) < 2 || myAbs(from) > 36 || myAbs(to) < 2 || myAbs(to) > 36 {
		return op.Null
	}
	s := strings.ToLower(strings.TrimSpace(myText(a[0])))
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimLeft(s, "+-")
	var u uint64
	for _, c := range s {
		d := strings.IndexRune("0123456789abcdefghijklmnopqrstuvwxyz", c)
		if d < 0 || int64(d) >= myAbs(from) {
			break
		}
		hi, lo := bits.Mul64(u, uint64(myAbs(from)))
		if hi != 0 || lo+uint64(d) < lo {
			u = math.MaxUint64
			break
		}
		u = lo + uint64(d)
	}
	if neg {
		u = -u
	}
	if to < 0 {
		return op.Text(strings.ToUpper(strconv.FormatInt(int64(u), int(-to))))
	}
	return op.Text(strings.ToUpper(strconv.FormatUint(u, int(to))))
}

// myAbs is the absolute value.
func myAbs(i int64) int64 {
	if i < 0 {
		return -i
	}
	return i
}

// myRound rounds a double half away from zero.
func myRound(a []op.Value) op.Value {
	f := a[0].Float()
	if a[0].Kind != op.KindFloat64 {
		f, _ = strconv.ParseFloat(myText(a[0]), 64) // not a number: 0
	}
	d := myInt(a[1])
	if d > 30 {
		return op.Float64(f)
	}
	p := math.Pow10(int(max(d, -308)))
	if r := math.Round(f * p); !math.IsInf(r, 0) {
		return op.Float64(r / p)
	}
	return op.Float64(f)
}

// myDecimalOf splits decimal text into an integer and its scale.
func myDecimalOf(s string) (*big.Int, int, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	n, ok := new(big.Int).SetString(whole+frac, 10)
	return n, len(frac), ok
}

// myDecimalText writes an integer with a scale.
func myDecimalText(n *big.Int, scale int) string {
	s := new(big.Int).Abs(n).String()
	if pad := scale + 1 - len(s); pad > 0 {
		s = strings.Repeat("0", pad) + s
	}
	if scale > 0 {
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// myDiv is decimal division with four more digits than the dividend has
// (div_precision_increment); by zero it is NULL.
func myDiv(a []op.Value) op.Value {
	x, xs, ok1 := myDecimalOf(myText(a[0]))
	y, ys, ok2 := myDecimalOf(myText(a[1]))
	if !ok1 || !ok2 || y.Sign() == 0 {
		return op.Null
	}
	scale := min(xs+4, 30)
	x = new(big.Int).Mul(x, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale+ys-xs+40)), nil))
	q := new(big.Int).Quo(x, y)
	// 40 guard digits are cut again, rounding half away from zero
	unit := new(big.Int).Exp(big.NewInt(10), big.NewInt(40), nil)
	half := new(big.Int).Rsh(unit, 1)
	if q.Sign() < 0 {
		half.Neg(half)
	}
	return op.Text(myDecimalText(q.Quo(q.Add(q, half), unit), scale))
}

// myMod is the decimal remainder with the dividend's sign.
func myMod(a []op.Value) op.Value {
	x, xs, ok1 := myDecimalOf(myText(a[0]))
	y, ys, ok2 := myDecimalOf(myText(a[1]))
	if !ok1 || !ok2 || y.Sign() == 0 {
		return op.Null
	}
	scale := max(xs, ys)
	ten := big.NewInt(10)
	x = new(big.Int).Mul(x, new(big.Int).Exp(ten, big.NewInt(int64(scale-xs)), nil))
	y = new(big.Int).Mul(y, new(big.Int).Exp(ten, big.NewInt(int64(scale-ys)), nil))
	return op.Text(myDecimalText(new(big.Int).Rem(x, y), scale))
}

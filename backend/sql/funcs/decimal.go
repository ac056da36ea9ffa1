package funcs

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// dec is an exact decimal: n / 10^scale. Specials are NaN and the infinities.
type dec struct {
	n       *big.Int
	scale   int
	special string // "NaN", "Infinity", "-Infinity"
}

// maxScale bounds the fraction digits PostgreSQL computes.
const maxScale = 16383

// parseDec reads a stored number.
func parseDec(v op.Value) dec {
	s := decText(v)
	switch s {
	case "NaN", "Infinity", "-Infinity":
		return dec{special: s}
	}
	d := dec{n: new(big.Int)}
	if i := strings.IndexByte(s, '.'); i >= 0 {
		d.scale = len(s) - i - 1
		s = s[:i] + s[i+1:]
	}
	d.n.SetString(s, 10)
	return d
}

// value is the storage form.
func (d dec) value() op.Value { return op.Text(d.text()) }

// text is the storage text.
func (d dec) text() string {
	if d.special != "" {
		return d.special
	}
	s := new(big.Int).Abs(d.n).String()
	if d.scale > 0 {
		if len(s) <= d.scale {
			s = strings.Repeat("0", d.scale-len(s)+1) + s
		}
		s = s[:len(s)-d.scale] + "." + s[len(s)-d.scale:]
	}
	if d.n.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// pow10 returns 10^n.
func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// align scales both numbers to the larger scale.
func align(a, b dec) (x, y *big.Int, scale int) {
	x, y, scale = a.n, b.n, max(a.scale, b.scale)
	if a.scale < scale {
		x = new(big.Int).Mul(x, pow10(scale-a.scale))
	}
	if b.scale < scale {
		y = new(big.Int).Mul(y, pow10(scale-b.scale))
	}
	return x, y, scale
}

// specials computes with float rules when an operand is no finite number.
func specials(a, b dec, f func(x, y float64) float64) (op.Value, bool) {
	if a.special == "" && b.special == "" {
		return op.Null, false
	}
	num := func(d dec) float64 {
		x, _ := strconv.ParseFloat(d.text(), 64)
		return x
	}
	return op.Text(datum.NumericFromFloat(f(num(a), num(b)), false)), true
}

// decAdd, decMul and decDiv follow PostgreSQL's result scales.
func decAdd(a, b dec) dec {
	x, y, s := align(a, b)
	return dec{n: new(big.Int).Add(x, y), scale: s}
}

// decMul multiplies; the scales add.
func decMul(a, b dec) dec {
	d := dec{n: new(big.Int).Mul(a.n, b.n), scale: a.scale + b.scale}
	if d.scale > maxScale {
		d = d.round(maxScale)
	}
	return d
}

// weight returns the position of the first base-10000 digit and that digit.
func (d dec) weight() (w int, first int) {
	s := new(big.Int).Abs(d.n).String()
	if s == "0" {
		return 0, 0
	}
	digits := len(s) - d.scale // digits before the point, may be negative
	w = int(math.Floor(float64(digits-1) / 4))
	// number of decimal digits in the first group
	k := digits - w*4
	for len(s) < k {
		s += "0"
	}
	first, _ = strconv.Atoi(s[:k])
	return w, first
}

// divScale is PostgreSQL's scale of a quotient.
func divScale(a, b dec) int {
	w1, f1 := a.weight()
	w2, f2 := b.weight()
	q := w1 - w2
	if f1 <= f2 {
		q--
	}
	s := 16 - q*4
	s = max(s, a.scale, b.scale)
	return min(s, maxScale)
}

// quo divides and rounds half away from zero to a scale.
func quo(a, b dec, scale int) dec {
	num := new(big.Int).Mul(a.n, pow10(scale+b.scale))
	den := new(big.Int).Mul(b.n, pow10(a.scale))
	return dec{n: roundDiv(num, den), scale: scale}
}

// roundDiv is num/den rounded half away from zero.
func roundDiv(num, den *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(num, den, new(big.Int))
	r.Abs(r).Lsh(r, 1)
	if r.CmpAbs(den) >= 0 {
		if num.Sign()*den.Sign() < 0 {
			q.Sub(q, big.NewInt(1))
		} else {
			q.Add(q, big.NewInt(1))
		}
	}
	return q
}

// round rounds half away from zero.
func (d dec) round(scale int) dec {
	if d.special != "" {
		return d
	}
	if scale >= d.scale {
		return dec{n: new(big.Int).Mul(d.n, pow10(scale-d.scale)), scale: scale}
	}
	r := dec{n: roundDiv(d.n, pow10(d.scale-scale)), scale: max(scale, 0)}
	if scale < 0 {
		r.n.Mul(r.n, pow10(-scale))
	}
	return r
}

// trunc cuts toward zero.
func (d dec) trunc(scale int) dec {
	if d.special != "" || scale >= d.scale {
		return d.round(scale)
	}
	r := dec{n: new(big.Int).Quo(d.n, pow10(d.scale-scale)), scale: max(scale, 0)}
	if scale < 0 {
		r.n.Mul(r.n, pow10(-scale))
	}
	return r
}

// step moves to the integer below (dir -1) or above (dir 1).
func (d dec) step(dir int) dec {
	t := d.trunc(0)
	if d.special != "" {
		return d
	}
	if x, y, _ := align(d, t); x.Cmp(y) != 0 && x.Sign() == dir {
		t.n.Add(t.n, big.NewInt(int64(dir)))
	}
	return t
}

// dec1 lifts a function of one decimal.
func dec1(f func(d dec) dec) func(a []op.Value) (op.Value, error) {
	return func(a []op.Value) (op.Value, error) {
		d := parseDec(a[0])
		if d.special != "" {
			return op.Text(d.special), nil
		}
		return f(d).value(), nil
	}
}

// dec2 lifts a function of two decimals.
func dec2(f func(x, y dec) dec, fl func(x, y float64) float64) func(a []op.Value) (op.Value, error) {
	return func(a []op.Value) (op.Value, error) {
		x, y := parseDec(a[0]), parseDec(a[1])
		if v, ok := specials(x, y, fl); ok {
			return v, nil
		}
		return f(x, y).value(), nil
	}
}

// decFloat lifts a transcendental function: computed in float64 with
// PostgreSQL's 16 digits of display.
func decFloat(f func(x float64) float64, valid func(x float64) error) func(a []op.Value) (op.Value, error) {
	return func(a []op.Value) (op.Value, error) {
		x, _ := strconv.ParseFloat(decText(a[0]), 64)
		if err := valid(x); err != nil {
			return op.Null, err
		}
		return op.Text(decOfFloat(f(x), parseDec(a[0]).scale)), nil
	}
}

// decOfFloat writes a computed result with at least 16 significant digits.
func decOfFloat(r float64, scale int) string {
	if math.IsNaN(r) || math.IsInf(r, 0) {
		return datum.NumericFromFloat(r, false)
	}
	whole := 0
	if a := math.Abs(r); a >= 1 {
		whole = int(math.Log10(a)) + 1
	}
	return strconv.FormatFloat(r, 'f', max(16-whole, scale, 0), 64)
}

// decSqrt is the exact square root to PostgreSQL's scale.
func decSqrt(a []op.Value) (op.Value, error) {
	d := parseDec(a[0])
	if d.special != "" {
		return d.value(), nil
	}
	if d.n.Sign() < 0 {
		return op.Null, op.Errorf(op.InvalidArgument, "cannot take square root of a negative number")
	}
	w, _ := d.weight()
	scale := max(16-w*4/2-1, d.scale, 0)
	if w >= 0 {
		scale = max(15-2*w, d.scale, 0)
	}
	n := new(big.Int).Mul(d.n, pow10(2*scale+2+(d.scale%2)))
	n.Sqrt(n)
	r := dec{n: n, scale: scale + 1 + (d.scale+d.scale%2)/2}
	return r.round(scale).value(), nil
}

// decPow raises to a power: exactly for small integers.
func decPow(a []op.Value) (op.Value, error) {
	x, y := parseDec(a[0]), parseDec(a[1])
	if v, ok := specials(x, y, math.Pow); ok {
		return v, nil
	}
	fx, _ := strconv.ParseFloat(x.text(), 64)
	fy, _ := strconv.ParseFloat(y.text(), 64)
	if x.n.Sign() == 0 && y.n.Sign() < 0 {
		return op.Null, op.Errorf(op.InvalidArgument, "zero raised to a negative power is undefined")
	}
	t := y.trunc(0)
	if p, q, _ := align(y, t); p.Cmp(q) == 0 && t.n.IsInt64() && t.n.Int64() >= 0 && t.n.Int64() <= 1000 {
		r := dec{n: new(big.Int).Exp(x.n, t.n, nil), scale: x.scale * int(t.n.Int64())}
		w, _ := r.weight()
		_ = w
		digits := len(new(big.Int).Abs(r.n).String()) - r.scale
		return r.round(max(16-max(digits-1, 0), x.scale, y.scale, 0)).value(), nil
	}
	if fx < 0 && math.Trunc(fy) != fy {
		return op.Null, op.Errorf(op.InvalidArgument, "a negative number raised to a non-integer power yields a complex result")
	}
	return op.Text(decOfFloat(math.Pow(fx, fy), max(x.scale, y.scale))), nil
}

// positive validates the argument of a logarithm.
func positive(x float64) error {
	if x == 0 {
		return op.Errorf(op.InvalidArgument, "cannot take logarithm of zero")
	}
	if x < 0 {
		return op.Errorf(op.InvalidArgument, "cannot take logarithm of a negative number")
	}
	return nil
}

// always accepts every argument.
func always(float64) error { return nil }

// decimalFuncs are exact decimal arithmetic.
var decimalFuncs = []fn{
	{"dotdo_dec_add", 2, dec2(decAdd, func(x, y float64) float64 { return x + y })},
	{"dotdo_dec_sub", 2, dec2(func(x, y dec) dec { return decAdd(x, dec{n: new(big.Int).Neg(y.n), scale: y.scale}) }, func(x, y float64) float64 { return x - y })},
	{"dotdo_dec_mul", 2, dec2(decMul, func(x, y float64) float64 { return x * y })},
	{"dotdo_dec_div", 2, func(a []op.Value) (op.Value, error) {
		x, y := parseDec(a[0]), parseDec(a[1])
		if y.special == "" && y.n.Sign() == 0 && x.special != "NaN" {
			return op.Null, errDivision
		}
		if v, ok := specials(x, y, func(p, q float64) float64 { return p / q }); ok {
			return v, nil
		}
		return quo(x, y, divScale(x, y)).value(), nil
	}},
	{"dotdo_dec_mod", 2, decMod},
	{"dotdo_dec_abs", 1, dec1(func(d dec) dec { return dec{n: new(big.Int).Abs(d.n), scale: d.scale} })},
	{"dotdo_dec_ceil", 1, dec1(func(d dec) dec { return d.step(1) })},
	{"dotdo_dec_floor", 1, dec1(func(d dec) dec { return d.step(-1) })},
	{"dotdo_dec_sign", 1, dec1(func(d dec) dec { return dec{n: big.NewInt(int64(d.n.Sign()))} })},
	{"dotdo_dec_trim", 1, func(a []op.Value) (op.Value, error) { return op.Text(datum.TrimNumeric(decText(a[0]))), nil }},
	{"dotdo_dec_scale", 1, func(a []op.Value) (op.Value, error) { return op.Int64(int64(parseDec(a[0]).scale)), nil }},
	{"dotdo_dec_round", 2, func(a []op.Value) (op.Value, error) {
		return parseDec(a[0]).round(clamp(a[1].Int())).value(), nil
	}},
	{"dotdo_dec_trunc", 2, func(a []op.Value) (op.Value, error) {
		return parseDec(a[0]).trunc(clamp(a[1].Int())).value(), nil
	}},
	{"dotdo_dec_sqrt", 1, decSqrt},
	{"dotdo_dec_pow", 2, decPow},
	{"dotdo_dec_exp", 1, decFloat(math.Exp, always)},
	{"dotdo_dec_ln", 1, decFloat(math.Log, positive)},
	{"dotdo_dec_log", 1, decFloat(math.Log10, positive)},
	{"dotdo_dec_logb", 2, func(a []op.Value) (op.Value, error) {
		b, _ := strconv.ParseFloat(decText(a[0]), 64)
		x, _ := strconv.ParseFloat(decText(a[1]), 64)
		if err := positive(x); err != nil {
			return op.Null, err
		}
		if err := positive(b); err != nil {
			return op.Null, err
		}
		return op.Text(decOfFloat(math.Log(x)/math.Log(b), 0)), nil
	}},
	{"dotdo_factorial", 1, func(a []op.Value) (op.Value, error) {
		n := a[0].Int()
		if n < 0 {
			return op.Null, op.Errorf(op.OutOfRange, "factorial of a negative number is undefined")
		}
		if n > 5000 {
			return op.Null, op.Errorf(op.OutOfRange, "value overflows numeric format")
		}
		return dec{n: new(big.Int).MulRange(1, max(n, 1))}.value(), nil
	}},
	{"dotdo_mod", 2, func(a []op.Value) (op.Value, error) {
		if a[1].Int() == 0 {
			return op.Null, errDivision
		}
		if a[1].Int() == -1 {
			return op.Int64(0), nil
		}
		return op.Int64(a[0].Int() % a[1].Int()), nil
	}},
	{"dotdo_rint", 1, float1(math.RoundToEven, always)},
	{"dotdo_sqrt", 1, float1(math.Sqrt, func(x float64) error {
		if x < 0 {
			return op.Errorf(op.InvalidArgument, "cannot take square root of a negative number")
		}
		return nil
	})},
	{"dotdo_cbrt", 1, float1(math.Cbrt, always)},
	{"dotdo_ln", 1, float1(math.Log, positive)},
	{"dotdo_log10", 1, float1(math.Log10, positive)},
	{"dotdo_pow", 2, func(a []op.Value) (op.Value, error) {
		return op.Float64(math.Pow(num(a[0]), num(a[1]))), nil
	}},
	{"dotdo_width_bucket", 4, func(a []op.Value) (op.Value, error) {
		x, lo, hi, n := num(a[0]), num(a[1]), num(a[2]), a[3].Int()
		switch {
		case n <= 0 || lo == hi:
			return op.Null, op.Errorf(op.InvalidArgument, "count must be greater than zero")
		case lo < hi && x < lo, lo > hi && x > lo:
			return op.Int64(0), nil
		case lo < hi && x >= hi, lo > hi && x <= hi:
			return op.Int64(n + 1), nil
		}
		return op.Int64(int64((x-lo)/(hi-lo)*float64(n)) + 1), nil
	}},
}

// num reads any stored number as a float.
func num(v op.Value) float64 {
	switch v.Kind {
	case op.KindFloat64:
		return v.Float()
	case op.KindText:
		f, err := strconv.ParseFloat(v.Str(), 64)
		if err != nil && !math.IsInf(f, 0) {
			return math.NaN()
		}
		return f
	}
	return float64(v.Int())
}

// clamp bounds a scale argument.
func clamp(n int64) int { return int(max(-2000, min(n, 2000))) }

// float1 lifts a function of one float.
func float1(f func(float64) float64, valid func(float64) error) func(a []op.Value) (op.Value, error) {
	return func(a []op.Value) (op.Value, error) {
		x := num(a[0])
		if err := valid(x); err != nil {
			return op.Null, err
		}
		return op.Float64(f(x)), nil
	}
}

// decMod is the remainder.
func decMod(a []op.Value) (op.Value, error) {
	x, y := parseDec(a[0]), parseDec(a[1])
	if y.special == "" && y.n.Sign() == 0 {
		return op.Null, errDivision
	}
	if v, ok := specials(x, y, math.Mod); ok {
		return v, nil
	}
	p, q, s := align(x, y)
	return dec{n: new(big.Int).Rem(p, q), scale: s}.value(), nil
}

// decSum is sum(numeric), usable as a moving window.
type decSum struct {
	sum     dec
	n       int
	special map[string]int
}

// Step implements sqlite.Aggregate.
func (s *decSum) Step(_ *sqlite.Conn, a []op.Value) error { s.add(a[0], 1); return nil }

// Inverse implements sqlite.Inverter.
func (s *decSum) Inverse(_ *sqlite.Conn, a []op.Value) error { s.add(a[0], -1); return nil }

// add adds or takes back one value.
func (s *decSum) add(v op.Value, sign int64) {
	if v.IsNull() {
		return
	}
	s.n += int(sign)
	d := parseDec(v)
	if d.special != "" {
		if s.special == nil {
			s.special = map[string]int{}
		}
		s.special[d.special] += int(sign)
		return
	}
	if sign < 0 {
		d.n.Neg(d.n)
	}
	if s.sum.n == nil {
		s.sum = d
		return
	}
	s.sum = decAdd(s.sum, d)
}

// Final implements sqlite.Aggregate.
func (s *decSum) Final(*sqlite.Conn) (op.Value, error) {
	switch {
	case s.n == 0:
		return op.Null, nil
	case s.special["NaN"] > 0 || s.special["Infinity"] > 0 && s.special["-Infinity"] > 0:
		return op.Text("NaN"), nil
	case s.special["Infinity"] > 0:
		return op.Text("Infinity"), nil
	case s.special["-Infinity"] > 0:
		return op.Text("-Infinity"), nil
	}
	return s.sum.value(), nil
}

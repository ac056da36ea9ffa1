package funcs

import (
	"math"
	"math/big"
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// registerAggregates adds the aggregates SQLite does not have.
func registerAggregates(r *sqlite.Registry) {
	r.Aggregate("dotdo_dec_sum", 1, func() sqlite.Aggregate { return &decSum{} })
	r.Aggregate("dotdo_iv_sum", 1, func() sqlite.Aggregate { return &ivSum{} })
	r.Aggregate("dotdo_bit_and", 1, func() sqlite.Aggregate { return &bitAgg{and: true} })
	r.Aggregate("dotdo_bit_or", 1, func() sqlite.Aggregate { return &bitAgg{} })
	r.Aggregate("dotdo_bit_xor", 1, func() sqlite.Aggregate { return &bitAgg{xor: true} })
	r.Aggregate("dotdo_stddev", 2, func() sqlite.Aggregate { return &stddev{} })
	r.Aggregate("dotdo_dec_stddev", 2, func() sqlite.Aggregate { return &decStddev{} })
	r.Aggregate("dotdo_percentile", 3, func() sqlite.Aggregate { return &percentile{} })
	r.Aggregate("dotdo_mode", 1, func() sqlite.Aggregate { return &mode{n: map[string]int{}, v: map[string]op.Value{}} })
}

// ivSum is sum(interval).
type ivSum struct {
	sum datum.Interval
	n   int
}

// Step implements sqlite.Aggregate.
func (s *ivSum) Step(_ *sqlite.Conn, a []op.Value) error {
	if a[0].IsNull() {
		return nil
	}
	iv, err := datum.ParseInterval(a[0].Str())
	s.sum.Months += iv.Months
	s.sum.Days += iv.Days
	s.sum.Micros += iv.Micros
	s.n++
	return err
}

// Final implements sqlite.Aggregate.
func (s *ivSum) Final(*sqlite.Conn) (op.Value, error) {
	if s.n == 0 {
		return op.Null, nil
	}
	return op.Text(s.sum.ISO()), nil
}

// bitAgg is bit_and, bit_xor and bit_or.
type bitAgg struct {
	and bool
	xor bool
	n   int
	v   int64
}

// Step implements sqlite.Aggregate.
func (b *bitAgg) Step(_ *sqlite.Conn, a []op.Value) error {
	switch {
	case a[0].IsNull():
		return nil
	case b.n == 0:
		b.v = a[0].Int()
	case b.and:
		b.v &= a[0].Int()
	case b.xor:
		b.v ^= a[0].Int()
	default:
		b.v |= a[0].Int()
	}
	b.n++
	return nil
}

// Final implements sqlite.Aggregate.
func (b *bitAgg) Final(*sqlite.Conn) (op.Value, error) {
	if b.n == 0 {
		return op.Null, nil
	}
	return op.Int64(b.v), nil
}

// stddev is the deviation or variance of floats; the second argument is 0 pop
// deviation, 1 sample deviation, 2 pop variance, 3 sample variance. It uses
// the recurrence of Youngs and Cramer, as PostgreSQL does.
type stddev struct {
	n, sum, sqr float64
	form        int64
}

// Step implements sqlite.Aggregate.
func (s *stddev) Step(_ *sqlite.Conn, a []op.Value) error {
	s.form = a[1].Int()
	if a[0].IsNull() {
		return nil
	}
	x := num(a[0])
	s.n++
	s.sum += x
	if s.n > 1 {
		d := x*s.n - s.sum
		s.sqr += d * d / (s.n * (s.n - 1))
	}
	return nil
}

// Final implements sqlite.Aggregate.
func (s *stddev) Final(*sqlite.Conn) (op.Value, error) {
	n := s.n
	if s.form&1 == 1 {
		n--
	}
	if n <= 0 {
		return op.Null, nil
	}
	v := s.sqr / n
	if s.form < 2 {
		v = math.Sqrt(v)
	}
	return op.Float64(v), nil
}

// decStddev is stddev of decimals, exact up to the last division.
type decStddev struct {
	n        int64
	sum, sqr dec
	form     int64
	nan      bool
}

// Step implements sqlite.Aggregate.
func (s *decStddev) Step(_ *sqlite.Conn, a []op.Value) error {
	s.form = a[1].Int()
	if a[0].IsNull() {
		return nil
	}
	d := parseDec(a[0])
	s.n++
	if d.special != "" {
		s.nan = true
		return nil
	}
	if s.sum.n == nil {
		s.sum, s.sqr = d, decMul(d, d)
		return nil
	}
	s.sum, s.sqr = decAdd(s.sum, d), decAdd(s.sqr, decMul(d, d))
	return nil
}

// Final implements sqlite.Aggregate.
func (s *decStddev) Final(*sqlite.Conn) (op.Value, error) {
	if s.n == 0 || s.n == 1 && s.form&1 == 1 {
		return op.Null, nil
	}
	if s.nan {
		return op.Text("NaN"), nil
	}
	n := dec{n: big.NewInt(s.n)}
	sq := decMul(s.sum, s.sum)
	top := decAdd(decMul(s.sqr, n), dec{n: new(big.Int).Neg(sq.n), scale: sq.scale})
	if top.n.Sign() <= 0 {
		return op.Text("0"), nil
	}
	den := big.NewInt(s.n * s.n)
	if s.form&1 == 1 {
		den = big.NewInt(s.n * (s.n - 1))
	}
	b := dec{n: den}
	v := quo(top, b, divScale(top, b))
	if s.form >= 2 {
		return v.value(), nil
	}
	return decSqrt([]op.Value{v.value()})
}

// percentile is percentile_cont (third argument 1) and percentile_disc.
type percentile struct {
	p    op.Value
	cont bool
	v    []op.Value
}

// Step implements sqlite.Aggregate.
func (p *percentile) Step(_ *sqlite.Conn, a []op.Value) error {
	p.p, p.cont = a[0], a[2].Int() == 1
	if !a[1].IsNull() {
		p.v = append(p.v, a[1])
	}
	return nil
}

// Final implements sqlite.Aggregate.
func (p *percentile) Final(*sqlite.Conn) (op.Value, error) {
	if len(p.v) == 0 || p.p.IsNull() {
		return op.Null, nil
	}
	f := num(p.p)
	if f < 0 || f > 1 {
		return op.Null, op.Errorf(op.OutOfRange, "percentile value %g is not between 0 and 1", f)
	}
	sort.SliceStable(p.v, func(i, j int) bool { return less(p.v[i], p.v[j]) })
	if !p.cont {
		i := int(math.Ceil(f*float64(len(p.v)))) - 1
		return p.v[max(i, 0)], nil
	}
	at := f * float64(len(p.v)-1)
	lo := int(math.Floor(at))
	x := num(p.v[lo])
	if lo+1 < len(p.v) {
		x += (num(p.v[lo+1]) - x) * (at - float64(lo))
	}
	return op.Float64(x), nil
}

// less orders stored values of one type.
func less(a, b op.Value) bool {
	if a.Kind == op.KindText && b.Kind == op.KindText {
		x, y := num(a), num(b)
		if !math.IsNaN(x) && !math.IsNaN(y) {
			return x < y
		}
		return a.Str() < b.Str()
	}
	return num(a) < num(b)
}

// mode is the most frequent value.
type mode struct {
	n map[string]int
	v map[string]op.Value
}

// Step implements sqlite.Aggregate.
func (m *mode) Step(_ *sqlite.Conn, a []op.Value) error {
	if a[0].IsNull() {
		return nil
	}
	k := string(datum.AppendElement(nil, a[0]))
	m.n[k]++
	m.v[k] = a[0]
	return nil
}

// Final implements sqlite.Aggregate.
func (m *mode) Final(*sqlite.Conn) (op.Value, error) {
	best := ""
	for k, n := range m.n {
		if best == "" || n > m.n[best] || n == m.n[best] && less(m.v[k], m.v[best]) {
			best = k
		}
	}
	return m.v[best], nil
}

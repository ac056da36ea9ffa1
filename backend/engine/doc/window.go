package doc

import (
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// windowSpan says which documents of a partition a function sees.
type windowSpan struct {
	whole  bool
	byDocs bool
	lo, hi bsonval.V // "unbounded", "current" or a number
	unit   string
}

// compileWindow compiles $setWindowFields.
func compileWindow(s *doc.Stage) (stage, error) {
	var key evaluator
	var err error
	if s.Key != nil {
		if key, err = compileExpr(s.Key); err != nil {
			return nil, err
		}
	}
	spans := make([]windowSpan, len(s.Accs))
	args := make([]evaluator, len(s.Accs))
	for i, a := range s.Accs {
		if a.Arg != nil {
			if args[i], err = compileExpr(a.Arg); err != nil {
				return nil, err
			}
		}
		if spans[i], err = readSpan(s.Windows[i].Spec); err != nil {
			return nil, err
		}
		if newAccumulator(a.Name) == nil && !windowOnly[a.Name] {
			return nil, op.Errorf(op.Unsupported, "Unrecognized window function, $%s", a.Name)
		}
	}
	return func(r *run, in source) (source, error) {
		return lazy(func() ([][]byte, error) {
			parts, err := r.partition(in, key, s.Sort)
			if err != nil {
				return nil, err
			}
			var out [][]byte
			for _, p := range parts {
				w := &windowed{r: r, docs: p.docs, terms: s.Sort}
				if err := w.prepare(); err != nil {
					return nil, err
				}
				for i, a := range s.Accs {
					if err := w.field(a, args[i], spans[i]); err != nil {
						return nil, err
					}
				}
				out = append(out, w.result()...)
			}
			return out, nil
		}), nil
	}, nil
}

// windowOnly are the functions that exist only in windows.
var windowOnly = map[string]bool{"rank": true, "denseRank": true, "documentNumber": true, "shift": true, "expMovingAvg": true, "derivative": true, "integral": true, "linearFill": true, "locf": true, "minMaxScaler": true}

// readSpan decodes a window document.
func readSpan(d []byte) (windowSpan, error) {
	w := windowSpan{whole: true}
	if len(d) <= 5 {
		return w, nil
	}
	w.unit = bsonval.Text(bsonval.Get(d, "unit"))
	b := bsonval.Items(bsonval.Get(d, "documents"))
	if w.byDocs = b != nil; b == nil {
		b = bsonval.Items(bsonval.Get(d, "range"))
	}
	if b == nil { // only a unit, for $derivative and $integral
		return w, nil
	}
	if len(b) != 2 {
		return w, op.Errorf(op.InvalidArgument, "Window bounds must be a 2-element array")
	}
	w.whole, w.lo, w.hi = false, b[0], b[1]
	return w, nil
}

// windowed is one partition under way.
type windowed struct {
	r     *run
	docs  [][]byte
	terms []op.Sort
	keys  [][]bsonval.V // sort values of each document
	trees []*tree
}

// prepare computes the sort values.
func (w *windowed) prepare() error {
	for _, d := range w.docs {
		k := make([]bsonval.V, len(w.terms))
		for i, t := range w.terms {
			k[i] = sortKey(bsonval.DocV(d), splitPath(t.Path), t.Desc)
		}
		w.keys = append(w.keys, k)
		w.trees = append(w.trees, parseTree(bsonval.DocV(d)))
	}
	return nil
}

// result renders the documents with their new fields.
func (w *windowed) result() [][]byte {
	out := make([][]byte, len(w.trees))
	for i, t := range w.trees {
		out[i] = t.value().Data
	}
	return out
}

// field computes one output field for every document.
func (w *windowed) field(a doc.Accumulator, arg evaluator, span windowSpan) error {
	e := w.r.env()
	args := make([]bsonval.V, len(w.docs))
	for i, d := range w.docs {
		if arg != nil {
			v, err := arg(e.with(bsonval.DocV(d)))
			if err != nil {
				return err
			}
			args[i] = v
		}
	}
	vals, err := w.values(a.Name, args, span)
	if err != nil {
		return err
	}
	p := splitPath(a.Field)
	for i, t := range w.trees {
		n, err := t.make(p)
		if err != nil {
			return err
		}
		n.set(orNull(vals[i]))
	}
	return nil
}

// values computes a function for every document of the partition.
func (w *windowed) values(name string, args []bsonval.V, span windowSpan) ([]bsonval.V, error) {
	out := make([]bsonval.V, len(args))
	switch name {
	case "documentNumber", "rank", "denseRank":
		return w.ranks(name), nil
	case "shift":
		for i, a := range args {
			by, _ := bsonval.Int(bsonval.Get(a.Data, "by"))
			out[i] = bsonval.Get(a.Data, "default")
			if k := int64(i) + by; k >= 0 && k < int64(len(args)) {
				out[i] = bsonval.Get(args[k].Data, "output")
			}
		}
		return out, nil
	case "locf":
		copy(out, args)
		carry(out)
		return out, nil
	case "linearFill":
		copy(out, args)
		if len(w.terms) != 1 {
			return nil, op.Errorf(op.InvalidArgument, "$linearFill must be specified with a single sort key")
		}
		xs := make([]bsonval.V, len(args))
		for i := range xs {
			xs[i] = w.keys[i][0]
		}
		interpolate(out, xs)
		return out, nil
	case "expMovingAvg":
		return expAverage(args)
	}
	for i := range args {
		lo, hi, err := w.reach(i, span)
		if err != nil {
			return nil, err
		}
		if out[i], err = w.over(name, args, lo, hi, span.unit); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// over computes a function over documents lo to hi (exclusive).
func (w *windowed) over(name string, args []bsonval.V, lo, hi int, unit string) (bsonval.V, error) {
	switch name {
	case "derivative", "integral":
		return w.slope(name, args, lo, hi, unit)
	}
	acc := newAccumulator(name)()
	for _, v := range args[lo:max(lo, hi)] {
		if err := acc.add(v); err != nil {
			return v, err
		}
	}
	return acc.result(), nil
}

// ranks numbers the documents.
func (w *windowed) ranks(name string) []bsonval.V {
	out := make([]bsonval.V, len(w.docs))
	rank, dense := 0, 0
	for i := range w.docs {
		if i == 0 || !w.same(i, i-1) {
			rank, dense = i+1, dense+1
		}
		n := map[string]int{"documentNumber": i + 1, "rank": rank, "denseRank": dense}[name]
		out[i] = bsonval.IntV(int64(n))
	}
	return out
}

// same reports whether two documents have equal sort values.
func (w *windowed) same(i, j int) bool {
	for k := range w.terms {
		if !bsonval.Equal(w.keys[i][k], w.keys[j][k]) {
			return false
		}
	}
	return true
}

// reach returns the documents of the window around document i.
func (w *windowed) reach(i int, s windowSpan) (lo, hi int, err error) {
	if s.whole {
		return 0, len(w.docs), nil
	}
	if s.byDocs {
		lo, hi = 0, len(w.docs)
		if n, ok := offset(s.lo); ok {
			lo = max(0, min(i+n, len(w.docs)))
		}
		if n, ok := offset(s.hi); ok {
			hi = max(0, min(i+n+1, len(w.docs)))
		}
		return lo, hi, nil
	}
	if len(w.terms) != 1 {
		return 0, 0, op.Errorf(op.InvalidArgument, "Range-based bounds require sortBy a single field")
	}
	at := w.keys[i][0]
	within := func(k int) (bool, error) {
		v := w.keys[k][0]
		low, err := w.bound(at, s.lo, s.unit)
		if err != nil {
			return false, err
		}
		high, err := w.bound(at, s.hi, s.unit)
		if err != nil {
			return false, err
		}
		return (low.Type == 0 || bsonval.Compare(v, low) >= 0) && (high.Type == 0 || bsonval.Compare(v, high) <= 0), nil
	}
	lo, hi = -1, 0
	for k := range w.docs {
		in, err := within(k)
		if err != nil {
			return 0, 0, err
		}
		if in && lo < 0 {
			lo = k
		}
		if in {
			hi = k + 1
		}
	}
	if lo < 0 {
		lo = 0
	}
	return lo, hi, nil
}

// offset reads a bound of documents; false for "unbounded".
func offset(v bsonval.V) (int, bool) {
	switch bsonval.Text(v) {
	case "unbounded":
		return 0, false
	case "current":
		return 0, true
	}
	n, ok := bsonval.Int(v)
	return int(n), ok
}

// bound is one end of a range around a sort value; Missing is unbounded.
func (w *windowed) bound(at, b bsonval.V, unit string) (bsonval.V, error) {
	switch bsonval.Text(b) {
	case "unbounded":
		return bsonval.Missing, nil
	case "current":
		return at, nil
	}
	if unit == "" {
		if !bsonval.IsNumber(at) || !bsonval.IsNumber(b) {
			return at, op.Errorf(op.TypeMismatch, "Invalid range: Expected the sortBy field to be a number, but it was %s", typeName(at))
		}
		return addV(at, b), nil
	}
	ms, ok := bsonval.Int(at)
	n, whole := bsonval.Int(b)
	if at.Type != bsonval.DateTime || !ok || !whole {
		return at, op.Errorf(op.TypeMismatch, "Invalid range: Expected the sortBy field to be a Date, but it was %s", typeName(at))
	}
	t, ok := addUnits(time.UnixMilli(ms).UTC(), unit, n)
	if !ok {
		return at, op.Errorf(op.InvalidArgument, "unknown time unit value: %s", unit)
	}
	return bsonval.DateV(t.UnixMilli()), nil
}

// unitMillis are the lengths of the units of $derivative and $integral.
var unitMillis = map[string]float64{"week": 604800000, "day": 86400000, "hour": 3600000, "minute": 60000, "second": 1000, "millisecond": 1}

// slope is $derivative, and $integral by the trapezoidal rule. Arguments are
// {input, unit}.
func (w *windowed) slope(name string, args []bsonval.V, lo, hi int, unit string) (bsonval.V, error) {
	if len(w.terms) != 1 {
		return bsonval.NullV, op.Errorf(op.InvalidArgument, "$%s requires a sortBy of a single field", name)
	}
	scale := 1.0
	point := func(i int) (x, y float64, ok bool) {
		if u := bsonval.Text(bsonval.Get(args[i].Data, "unit")); u != "" {
			scale = unitMillis[u]
		}
		x, ok1 := position(w.keys[i][0])
		y, ok2 := bsonval.Float(bsonval.Get(args[i].Data, "input"))
		return x, y, ok1 && ok2
	}
	if hi-lo < 1 {
		return bsonval.NullV, nil
	}
	if name == "derivative" {
		x0, y0, ok0 := point(lo)
		x1, y1, ok1 := point(hi - 1)
		if !ok0 || !ok1 || x0 == x1 {
			return bsonval.NullV, nil
		}
		return bsonval.DoubleV((y1 - y0) / ((x1 - x0) / scale)), nil
	}
	sum := 0.0
	for i := lo + 1; i < hi; i++ {
		x0, y0, ok0 := point(i - 1)
		x1, y1, ok1 := point(i)
		if ok0 && ok1 {
			sum += (y0 + y1) / 2 * (x1 - x0) / scale
		}
	}
	return bsonval.DoubleV(sum), nil
}

// expAverage is $expMovingAvg: arguments are {input, N} or {input, alpha}.
func expAverage(args []bsonval.V) ([]bsonval.V, error) {
	out := make([]bsonval.V, len(args))
	last := bsonval.NullV
	for i, a := range args {
		alpha, ok := bsonval.Float(bsonval.Get(a.Data, "alpha"))
		if n, given := bsonval.Float(bsonval.Get(a.Data, "N")); given {
			alpha, ok = 2/(n+1), true
		}
		if !ok || alpha <= 0 || alpha > 1 {
			return nil, op.Errorf(op.InvalidArgument, "$expMovingAvg requires a positive integer 'N' or an 'alpha' between 0 and 1")
		}
		x := bsonval.Get(a.Data, "input")
		if !bsonval.IsNumber(x) {
			out[i] = last
			continue
		}
		if last.Type == bsonval.Null {
			last = x
		} else {
			f, _ := bsonval.Float(x)
			p, _ := bsonval.Float(last)
			last = bsonval.DoubleV(f*alpha + p*(1-alpha))
		}
		out[i] = last
	}
	return out, nil
}

package doc

import (
	"math"
	"slices"
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// Accumulators with several arguments get them as one document per input: n
// and input, sortBy and output, p and method.

// accN is $firstN, $lastN, $minN and $maxN.
type accN struct {
	name string
	n    int
	list []bsonval.V
}

// add implements accumulator.
func (a *accN) add(v bsonval.V) error {
	if a.n == 0 {
		n, ok := bsonval.Int(bsonval.Get(v.Data, "n"))
		if !ok || n < 1 {
			return op.Errorf(op.InvalidArgument, "'n' must be greater than 0 and an integer")
		}
		a.n = int(min(n, 1<<30))
	}
	x := bsonval.Get(v.Data, "input")
	switch a.name {
	case "firstN":
		if len(a.list) < a.n {
			a.list = append(a.list, orNull(x))
		}
	case "lastN":
		if len(a.list) == a.n {
			a.list = a.list[1:]
		}
		a.list = append(a.list, orNull(x))
	default:
		if nullish(x) {
			return nil
		}
		sign := 1
		if a.name == "maxN" {
			sign = -1
		}
		i := sort.Search(len(a.list), func(i int) bool { return bsonval.Compare(a.list[i], x)*sign > 0 })
		if i < a.n {
			a.list = slices.Insert(a.list, i, x)
			a.list = a.list[:min(len(a.list), a.n)]
		}
	}
	return nil
}

// result implements accumulator.
func (a *accN) result() bsonval.V { return bsonval.ArrayV(a.list) }

// accTop is $top, $topN, $bottom and $bottomN.
type accTop struct {
	bottom, one bool
	n           int
	terms       []op.Sort
	paths       []path
	items       []*sortItem
}

// add implements accumulator.
func (a *accTop) add(v bsonval.V) error {
	if a.n == 0 {
		a.n = 1
		if !a.one {
			n, ok := bsonval.Int(bsonval.Get(v.Data, "n"))
			if !ok || n < 1 {
				return op.Errorf(op.InvalidArgument, "'n' must be greater than 0 and an integer")
			}
			a.n = int(min(n, 1<<30))
		}
		a.terms = sortTerms(bsonval.Get(v.Data, "sortBy").Data)
		for _, t := range a.terms {
			a.paths = append(a.paths, splitPath(t.Path))
		}
	}
	it := &sortItem{keys: make([]bsonval.V, len(a.terms)+1)}
	root := bsonval.Get(v.Data, "root")
	for i, t := range a.terms {
		it.keys[i] = sortKey(root, a.paths[i], t.Desc)
	}
	it.keys[len(a.terms)] = orNull(bsonval.Get(v.Data, "output"))
	i := sort.Search(len(a.items), func(i int) bool { return a.compare(a.items[i], it) > 0 })
	a.items = slices.Insert(a.items, i, it)
	if len(a.items) > a.n {
		if a.bottom {
			a.items = a.items[1:]
		} else {
			a.items = a.items[:a.n]
		}
	}
	return nil
}

// compare orders two items.
func (a *accTop) compare(x, y *sortItem) int {
	for i, t := range a.terms {
		if c := bsonval.Compare(x.keys[i], y.keys[i]); c != 0 {
			if t.Desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// result implements accumulator.
func (a *accTop) result() bsonval.V {
	var out []bsonval.V
	for _, it := range a.items {
		out = append(out, it.keys[len(a.terms)])
	}
	if a.one {
		if len(out) == 0 {
			return bsonval.NullV
		}
		return out[0]
	}
	return bsonval.ArrayV(out)
}

// sortTerms reads a sort document.
func sortTerms(d []byte) []op.Sort {
	var out []op.Sort
	for it := bsonval.Elements(d); it.Next(); {
		n, _ := bsonval.Float(it.Value)
		out = append(out, op.Sort{Path: string([]byte(it.Key())), Desc: n < 0})
	}
	return out
}

// accPercentile is $percentile and $median: the discrete percentile of the
// numbers seen.
type accPercentile struct {
	median bool
	ps     []float64
	list   []float64
}

// add implements accumulator.
func (a *accPercentile) add(v bsonval.V) error {
	if a.ps == nil && !a.median {
		for _, p := range bsonval.Items(bsonval.Get(v.Data, "p")) {
			f, ok := bsonval.Float(p)
			if !ok || f < 0 || f > 1 {
				return op.Errorf(op.InvalidArgument, "'p' must be an array of numbers from 0.0 to 1.0")
			}
			a.ps = append(a.ps, f)
		}
	}
	if f, ok := bsonval.Float(bsonval.Get(v.Data, "input")); ok && !math.IsNaN(f) {
		if a.list = append(a.list, f); len(a.list)*8 > maxSort {
			return memoryLimit()
		}
	}
	return nil
}

// result implements accumulator.
func (a *accPercentile) result() bsonval.V {
	slices.Sort(a.list)
	if a.median {
		return percentile(a.list, 0.5)
	}
	var out []bsonval.V
	for _, p := range a.ps {
		out = append(out, percentile(a.list, p))
	}
	return bsonval.ArrayV(out)
}

// percentile picks one percentile of sorted numbers.
func percentile(list []float64, p float64) bsonval.V {
	if len(list) == 0 {
		return bsonval.NullV
	}
	i := int(math.Ceil(p*float64(len(list)))) - 1
	return bsonval.DoubleV(list[max(0, min(i, len(list)-1))])
}

// accUnion is $setUnion and $concatArrays.
type accUnion struct {
	push accPush
	name string
}

// add implements accumulator.
func (a *accUnion) add(v bsonval.V) error {
	if nullish(v) {
		return nil
	}
	if v.Type != bsonval.Array {
		return op.Errorf(op.TypeMismatch, "$%s requires array inputs, but input is of type %s", a.name, typeName(v))
	}
	for _, x := range bsonval.Items(v) {
		if err := a.push.add(x); err != nil {
			return err
		}
	}
	return nil
}

// result implements accumulator.
func (a *accUnion) result() bsonval.V { return a.push.result() }

// accCovariance is $covariancePop and $covarianceSamp of [x, y].
type accCovariance struct {
	samp               bool
	n, mx, my, product float64
}

// add implements accumulator.
func (a *accCovariance) add(v bsonval.V) error {
	l := bsonval.Items(v)
	if len(l) != 2 {
		return nil
	}
	x, ok1 := bsonval.Float(l[0])
	y, ok2 := bsonval.Float(l[1])
	if !ok1 || !ok2 {
		return nil
	}
	a.n++
	dx := x - a.mx
	a.mx += dx / a.n
	a.my += (y - a.my) / a.n
	a.product += dx * (y - a.my)
	return nil
}

// result implements accumulator.
func (a *accCovariance) result() bsonval.V {
	n := a.n
	if a.samp {
		n--
	}
	if n <= 0 {
		return bsonval.NullV
	}
	return bsonval.DoubleV(a.product / n)
}

// moreAccumulators are those of this file, by operator.
func moreAccumulators() map[string]func() accumulator {
	return map[string]func() accumulator{
		"bottom": func() accumulator { return &accTop{bottom: true, one: true} }, "bottomN": func() accumulator { return &accTop{bottom: true} },
		"concatArrays": func() accumulator { return &accUnion{name: "concatArrays"} }, "covariancePop": func() accumulator { return &accCovariance{} },
		"covarianceSamp": func() accumulator { return &accCovariance{samp: true} }, "firstN": func() accumulator { return &accN{name: "firstN"} },
		"lastN": func() accumulator { return &accN{name: "lastN"} }, "maxN": func() accumulator { return &accN{name: "maxN"} },
		"median": func() accumulator { return &accPercentile{median: true} }, "minN": func() accumulator { return &accN{name: "minN"} },
		"percentile": func() accumulator { return &accPercentile{} }, "setUnion": func() accumulator { return &accUnion{name: "setUnion", push: accPush{set: map[string]bool{}}} },
		"top": func() accumulator { return &accTop{one: true} }, "topN": func() accumulator { return &accTop{} },
	}
}

// newAccumulator returns a maker of states, nil for an unknown operator.
func newAccumulator(name string) func() accumulator {
	if f := accumulators[name]; f != nil {
		return f
	}
	return moreAccumulators()[name]
}

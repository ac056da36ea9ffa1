package doc

import (
	"io"
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// accumulator is the running state of one output field of $group.
type accumulator interface {
	add(v bsonval.V) error
	result() bsonval.V
}

// accumulators makes fresh states, by operator.
var accumulators = map[string]func() accumulator{
	"addToSet": func() accumulator { return &accPush{set: map[string]bool{}} }, "avg": func() accumulator { return &accAvg{sum: bsonval.DoubleV(0)} },
	"count": func() accumulator { return &accCount{} }, "first": func() accumulator { return &accFirst{} }, "last": func() accumulator { return &accLast{} },
	"max": func() accumulator { return &accExtreme{sign: 1} }, "mergeObjects": func() accumulator { return &accMerge{t: parseTree(bsonval.DocV(bsonval.EmptyDoc))} },
	"min": func() accumulator { return &accExtreme{sign: -1} }, "push": func() accumulator { return &accPush{} },
	"stdDevPop": func() accumulator { return &accDev{} }, "stdDevSamp": func() accumulator { return &accDev{samp: true} }, "sum": func() accumulator { return &accSum{sum: bsonval.Int32V(0)} },
}

// accSum is $sum.
type accSum struct{ sum bsonval.V }

// add implements accumulator.
// add implements accumulator.
func (a *accSum) add(v bsonval.V) error {
	if bsonval.IsNumber(v) {
		a.sum = addV(a.sum, v)
	}
	return nil
}

// result implements accumulator.
func (a *accSum) result() bsonval.V { return a.sum }

// accAvg is $avg.
type accAvg struct {
	sum bsonval.V
	n   int64
}

// add implements accumulator.
// add implements accumulator.
func (a *accAvg) add(v bsonval.V) error {
	if bsonval.IsNumber(v) {
		a.sum = addV(a.sum, v)
		a.n++
	}
	return nil
}

// result implements accumulator.

// result implements accumulator.
func (a *accAvg) result() bsonval.V {
	if a.n == 0 {
		return bsonval.NullV
	}
	return divV(a.sum, bsonval.Int64V(a.n))
}

// accCount is $count.
type accCount struct{ n int64 }

// add implements accumulator.
// add implements accumulator.
func (a *accCount) add(bsonval.V) error { a.n++; return nil }

// result implements accumulator.
func (a *accCount) result() bsonval.V { return bsonval.IntV(a.n) }

// accFirst is $first.
type accFirst struct {
	v    bsonval.V
	some bool
}

// add implements accumulator.
// add implements accumulator.
func (a *accFirst) add(v bsonval.V) error {
	if !a.some {
		a.v, a.some = v, true
	}
	return nil
}

// result implements accumulator.
func (a *accFirst) result() bsonval.V { return orNull(a.v) }

// accLast is $last.
type accLast struct{ v bsonval.V }

// add implements accumulator.
// add implements accumulator.
func (a *accLast) add(v bsonval.V) error { a.v = v; return nil }

// result implements accumulator.
func (a *accLast) result() bsonval.V { return orNull(a.v) }

// accExtreme is $min and $max.
type accExtreme struct {
	v    bsonval.V
	sign int
}

// add implements accumulator.
// add implements accumulator.
func (a *accExtreme) add(v bsonval.V) error {
	if !nullish(v) && (a.v.Type == 0 || bsonval.Compare(v, a.v)*a.sign > 0) {
		a.v = v
	}
	return nil
}

// result implements accumulator.
func (a *accExtreme) result() bsonval.V { return orNull(a.v) }

// accPush is $push, and $addToSet when it has a set.
type accPush struct {
	list []bsonval.V
	set  map[string]bool
	size int
}

// add implements accumulator.
// add implements accumulator.
func (a *accPush) add(v bsonval.V) error {
	if v.Type == 0 {
		return nil
	}
	if a.set != nil {
		k := string(valueKey(v))
		if a.set[k] {
			return nil
		}
		a.set[k] = true
	}
	a.list = append(a.list, v)
	if a.size += len(v.Data) + 16; a.size > maxSort {
		return memoryLimit()
	}
	return nil
}

// result implements accumulator.
func (a *accPush) result() bsonval.V { return bsonval.ArrayV(a.list) }

// accMerge is $mergeObjects.
type accMerge struct{ t *tree }

// add implements accumulator.
// add implements accumulator.
func (a *accMerge) add(v bsonval.V) error {
	if nullish(v) {
		return nil
	}
	if v.Type != bsonval.Document {
		return op.Errorf(op.TypeMismatch, "$mergeObjects requires object inputs, but input is of type %s", typeName(v))
	}
	for it := bsonval.Elements(v.Data); it.Next(); {
		a.t.put(it.Key(), it.Value)
	}
	return nil
}

// result implements accumulator.
func (a *accMerge) result() bsonval.V { return a.t.value() }

// accDev is $stdDevPop and $stdDevSamp, by Welford's recurrence.
type accDev struct {
	n, mean, m2 float64
	samp        bool
}

// add implements accumulator.
// add implements accumulator.
func (a *accDev) add(v bsonval.V) error {
	x, ok := bsonval.Float(v)
	if !ok {
		return nil
	}
	a.n++
	d := x - a.mean
	a.mean += d / a.n
	a.m2 += d * (x - a.mean)
	return nil
}

// result implements accumulator.

// result implements accumulator.
func (a *accDev) result() bsonval.V {
	n := a.n
	if a.samp {
		n--
	}
	if n <= 0 {
		return bsonval.NullV
	}
	return bsonval.DoubleV(math.Sqrt(a.m2 / n))
}

// orNull makes missing null.
func orNull(v bsonval.V) bsonval.V {
	if v.Type == 0 {
		return bsonval.NullV
	}
	return v
}

// group is one group under way.
type group struct {
	id   bsonval.V
	accs []accumulator
}

// compileGroup compiles $group.
func compileGroup(s *doc.Stage) (stage, error) {
	key, err := compileExpr(s.Key)
	if err != nil {
		return nil, err
	}
	args := make([]evaluator, len(s.Accs))
	makers := make([]func() accumulator, len(s.Accs))
	for i, a := range s.Accs {
		makers[i] = newAccumulator(a.Name)
		if newAccumulator(a.Name) == nil {
			return nil, op.Errorf(op.Unsupported, "unknown group operator '$%s'", a.Name)
		}
		if args[i], err = compileExpr(a.Arg); err != nil {
			return nil, err
		}
	}
	return func(r *run, in source) (source, error) {
		return lazy(func() ([][]byte, error) { return groupAll(r, in, s, key, args, makers) }), nil
	}, nil
}

// groupAll reads the input into a hash table of groups, in order of appearance.
func groupAll(r *run, in source, s *doc.Stage, key evaluator, args []evaluator, makers []func() accumulator) ([][]byte, error) {
	groups := map[string]*group{}
	var order []*group
	base := r.env()
	size := 0
	for {
		x, err := in()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		e := base.with(bsonval.DocV(x.doc))
		id, err := key(e)
		if err != nil {
			return nil, err
		}
		id = orNull(id)
		k := valueKey(r.coll.fold(id))
		g := groups[string(k)]
		if g == nil {
			g = &group{id: id, accs: make([]accumulator, len(args))}
			for i := range s.Accs {
				g.accs[i] = makers[i]()
			}
			groups[string(k)] = g
			order = append(order, g)
			if size += len(k) + len(id.Data) + 64*(1+len(args)); size > maxSort {
				return nil, memoryLimit()
			}
		}
		for i, a := range args {
			v, err := a(e)
			if err != nil {
				return nil, err
			}
			if err := g.accs[i].add(v); err != nil {
				return nil, err
			}
		}
	}
	docs := make([][]byte, len(order))
	for n, g := range order {
		i, b := bsoncore.AppendDocumentStart(nil)
		b = bsonval.AppendElement(b, "_id", g.id)
		for j, a := range s.Accs {
			b = bsonval.AppendElement(b, a.Field, g.accs[j].result())
		}
		docs[n], _ = bsoncore.AppendDocumentEnd(b, i)
	}
	return docs, nil
}

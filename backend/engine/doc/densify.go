package doc

import (
	"io"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// maxDensify bounds the documents $densify makes, as in MongoDB.
const maxDensify = 500000

// partitioned is a stream cut into partitions, each in order.
type partitioned struct {
	key  bsonval.V
	docs [][]byte
}

// partition reads a stream into partitions in order of appearance; the
// documents of each are sorted.
func (r *run) partition(in source, key evaluator, terms []op.Sort) ([]*partitioned, error) {
	byKey := map[string]*partitioned{}
	var order []*partitioned
	e := r.env()
	if len(terms) > 0 {
		in = r.sorted(in, terms, 0)
	}
	size := 0
	for {
		x, err := in()
		if err == io.EOF {
			return order, nil
		}
		if err != nil {
			return nil, err
		}
		k := bsonval.NullV
		if key != nil {
			if k, err = key(e.with(bsonval.DocV(x.doc))); err != nil {
				return nil, err
			}
			k = orNull(k)
			if k.Type == bsonval.Array {
				return nil, op.Errorf(op.TypeMismatch, "An expression used to partition cannot evaluate to value of type array")
			}
		}
		id := string(valueKey(k))
		p := byKey[id]
		if p == nil {
			p = &partitioned{key: k}
			byKey[id] = p
			order = append(order, p)
		}
		if size += len(x.doc); size > maxSort {
			return nil, memoryLimit()
		}
		p.docs = append(p.docs, x.doc)
	}
}

// densifier is a compiled $densify.
type densifier struct {
	field  path
	parts  []path
	names  []string
	step   bsonval.V
	unit   string
	full   bool
	bounds [2]bsonval.V // Missing: each partition's own
}

// compileDensify compiles $densify.
func compileDensify(s *doc.Stage) (stage, error) {
	rng := bsonval.Get(s.Spec, "range").Data
	d := &densifier{field: splitPath(s.Path), step: bsonval.Get(rng, "step"), unit: bsonval.Text(bsonval.Get(rng, "unit"))}
	for _, p := range bsonval.Items(bsonval.Get(s.Spec, "partitionByFields")) {
		d.names = append(d.names, bsonval.Text(p))
		d.parts = append(d.parts, splitPath(bsonval.Text(p)))
	}
	if f, ok := bsonval.Float(d.step); !ok || f <= 0 {
		return nil, op.Errorf(op.InvalidArgument, "the step parameter in a range statement must be a strictly positive numeric value")
	}
	switch b := bsonval.Get(rng, "bounds"); {
	case bsonval.Text(b) == "full":
		d.full = true
	case bsonval.Text(b) == "partition":
	case b.Type == bsonval.Array && len(bsonval.Items(b)) == 2:
		d.bounds = [2]bsonval.V(bsonval.Items(b))
	default:
		return nil, op.Errorf(op.InvalidArgument, "a bounding array in a range statement must have exactly two elements, or be 'full' or 'partition'")
	}
	return func(r *run, in source) (source, error) {
		return lazy(func() ([][]byte, error) { return d.run(r, in) }), nil
	}, nil
}

// run densifies a whole stream.
func (d *densifier) run(r *run, in source) ([][]byte, error) {
	key := func(e *env) (bsonval.V, error) {
		kv := make([]any, 0, 2*len(d.parts))
		for i, p := range d.parts {
			kv = append(kv, d.names[i], orNull(get(e.root, p)))
		}
		return bsonval.DocV(buildDoc(kv...)), nil
	}
	name := d.field[0]
	for _, p := range d.field[1:] {
		name += "." + p
	}
	parts, err := r.partition(in, key, []op.Sort{{Path: name}})
	if err != nil {
		return nil, err
	}
	lo, hi := d.bounds[0], d.bounds[1]
	if d.full {
		for _, p := range parts {
			for _, x := range p.docs {
				if v := get(bsonval.DocV(x), d.field); !nullish(v) {
					if lo.Type == 0 || bsonval.Compare(v, lo) < 0 {
						lo = v
					}
					if hi.Type == 0 || bsonval.Compare(v, hi) > 0 {
						hi = v
					}
				}
			}
		}
	}
	if len(parts) == 0 && d.bounds[0].Type != 0 && len(d.parts) == 0 {
		parts = []*partitioned{{key: bsonval.DocV(bsonval.EmptyDoc)}}
	}
	var out [][]byte
	made := 0
	for _, p := range parts {
		if out, err = d.part(out, p, lo, hi, &made); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// part densifies one partition. A given or common upper bound of "full" is
// included, a given one in a bounds array is not.
func (d *densifier) part(out [][]byte, p *partitioned, lo, hi bsonval.V, made *int) ([][]byte, error) {
	n, base, given := int64(0), lo, d.bounds[0].Type != 0
	next := lo
	gap := func(to bsonval.V, closed bool) error {
		for next.Type != 0 {
			c := bsonval.Compare(next, to)
			if c > 0 || (c == 0 && !closed) {
				return nil
			}
			if *made++; *made > maxDensify {
				return op.Errorf(op.TooLarge, "Generated %d documents in $densify, which is over the limit of 500000", *made)
			}
			t := parseTree(bsonval.DocV(bsonval.EmptyDoc))
			for it := bsonval.Elements(p.key.Data); it.Next(); {
				if it.Value.Type != bsonval.Null {
					if k, err := t.make(splitPath(string([]byte(it.Key())))); err == nil {
						k.set(it.Value)
					}
				}
			}
			k, err := t.make(d.field)
			if err != nil {
				return err
			}
			k.set(next)
			out = append(out, t.value().Data)
			if n, next, err = d.advance(base, n); err != nil {
				return err
			}
		}
		return nil
	}
	for _, x := range p.docs {
		v := get(bsonval.DocV(x), d.field)
		if nullish(v) {
			out = append(out, x)
			continue
		}
		if !bsonval.IsNumber(v) && v.Type != bsonval.DateTime {
			return nil, op.Errorf(op.TypeMismatch, "Densify field type must be numeric or a date")
		}
		if (v.Type == bsonval.DateTime) != (d.unit != "") {
			return nil, op.Errorf(op.InvalidArgument, "$densify needs a unit for dates and none for numbers")
		}
		if next.Type == 0 {
			base, next = v, v
		}
		to := v
		if given && bsonval.Compare(v, hi) > 0 {
			to = hi
		}
		if err := gap(to, false); err != nil {
			return nil, err
		}
		out = append(out, x)
		for next.Type != 0 && bsonval.Compare(next, v) <= 0 && (!given || bsonval.Compare(next, hi) < 0) {
			var err error
			if n, next, err = d.advance(base, n); err != nil {
				return nil, err
			}
		}
	}
	if hi.Type != 0 {
		if err := gap(hi, d.full); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// advance returns the n+1st step from a base.
func (d *densifier) advance(base bsonval.V, n int64) (int64, bsonval.V, error) {
	n++
	if base.Type == bsonval.DateTime {
		ms, _ := bsonval.Int(base)
		step, _ := bsonval.Int(d.step)
		t, ok := addUnits(time.UnixMilli(ms).UTC(), d.unit, step*n)
		if !ok {
			return n, base, op.Errorf(op.InvalidArgument, "unknown time unit value: %s", d.unit)
		}
		return n, bsonval.DateV(t.UnixMilli()), nil
	}
	return n, addV(base, mulV(d.step, bsonval.IntV(n))), nil
}

// compileFill compiles $fill.
func compileFill(s *doc.Stage) (stage, error) {
	var key evaluator
	var err error
	if s.Key != nil {
		if key, err = compileExpr(s.Key); err != nil {
			return nil, err
		}
	}
	args := make([]evaluator, len(s.Accs))
	for i, a := range s.Accs {
		if a.Arg != nil {
			if args[i], err = compileExpr(a.Arg); err != nil {
				return nil, err
			}
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
				for i, a := range s.Accs {
					if err := r.fillField(p.docs, a, args[i], s.Sort); err != nil {
						return nil, err
					}
				}
				out = append(out, p.docs...)
			}
			return out, nil
		}), nil
	}, nil
}

// fillField fills one field of a partition.
func (r *run) fillField(docs [][]byte, a doc.Accumulator, arg evaluator, terms []op.Sort) error {
	p := splitPath(a.Field)
	vals := make([]bsonval.V, len(docs))
	for i, d := range docs {
		vals[i] = get(bsonval.DocV(d), p)
	}
	switch a.Name {
	case "locf":
		carry(vals)
	case "linear":
		if len(terms) != 1 {
			return op.Errorf(op.InvalidArgument, "$linearFill must be specified with a single sort key")
		}
		at := splitPath(terms[0].Path)
		xs := make([]bsonval.V, len(docs))
		for i, d := range docs {
			xs[i] = get(bsonval.DocV(d), at)
		}
		interpolate(vals, xs)
	default:
		e := r.env()
		for i, d := range docs {
			if nullish(vals[i]) {
				v, err := arg(e.with(bsonval.DocV(d)))
				if err != nil {
					return err
				}
				vals[i] = v
			}
		}
	}
	for i := range docs {
		t := parseTree(bsonval.DocV(docs[i]))
		n, err := t.make(p)
		if err != nil {
			return err
		}
		n.set(orNull(vals[i]))
		docs[i] = t.value().Data
	}
	return nil
}

// carry replaces nulls by the value before them.
func carry(vals []bsonval.V) {
	last := bsonval.NullV
	for i, v := range vals {
		if nullish(v) {
			vals[i] = last
		} else {
			last = v
		}
	}
}

// interpolate replaces nulls between two numbers by the line between them.
func interpolate(vals, xs []bsonval.V) {
	last := -1
	for i, v := range vals {
		if nullish(v) {
			continue
		}
		if last >= 0 {
			x0, _ := position(xs[last])
			x1, _ := position(xs[i])
			y0, _ := bsonval.Float(vals[last])
			y1, _ := bsonval.Float(v)
			for k := last + 1; k < i && x1 != x0; k++ {
				x, _ := position(xs[k])
				vals[k] = bsonval.DoubleV(y0 + (y1-y0)*(x-x0)/(x1-x0))
			}
		}
		last = i
	}
	for i, v := range vals {
		vals[i] = orNull(v)
	}
}

// position is a sort value on a line: a number, or a date in milliseconds.
func position(v bsonval.V) (float64, bool) {
	if v.Type == bsonval.DateTime {
		ms, _ := bsonval.Int(v)
		return float64(ms), true
	}
	return bsonval.Float(v)
}

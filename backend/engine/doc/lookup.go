package doc

import (
	"io"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// aggregate runs a compiled pipeline over a collection or table. Leading
// $match stages and an order after them go to the access path.
func (r *run) aggregate(name string, p *pipeline, hint *doc.Hint) (source, error) {
	if name == "" {
		return p.through(r, one(bsonval.EmptyDoc), 0)
	}
	return r.aggregateWhere(name, p, nil, hint)
}

// lead is what the first stages of a pipeline ask of the access path.
type lead struct {
	filter *op.Expr
	sort   []op.Sort
	keep   int64 // a limit that follows the order
	n      int   // stages covered
}

// lead reads the leading $match stages and the order after them; where is a
// further condition.
func (p *pipeline) lead(where *op.Expr) lead {
	var l lead
	and := &op.Expr{Op: op.ExAnd}
	if where != nil {
		and.Args = append(and.Args, where)
	}
	for l.n < len(p.raw) && p.raw[l.n].Kind == doc.StageMatch {
		if f := p.raw[l.n].Filter; f != nil {
			and.Args = append(and.Args, f)
		}
		l.n++
	}
	switch len(and.Args) {
	case 0:
	case 1:
		l.filter = and.Args[0]
	default:
		l.filter = and
	}
	if l.n < len(p.raw) && p.raw[l.n].Kind == doc.StageSort {
		l.sort = p.raw[l.n].Sort
		l.n++
		if l.n < len(p.raw) && p.raw[l.n].Kind == doc.StageLimit {
			l.keep = p.raw[l.n].N
		}
	}
	return l
}

// aggregateWhere runs a pipeline over the documents that also match a filter.
func (r *run) aggregateWhere(name string, p *pipeline, where *op.Expr, hint *doc.Hint) (source, error) {
	l := p.lead(where)
	f, err := compileFilter(l.filter, r.lets)
	if err != nil {
		return nil, err
	}
	src, done, err := r.find(r.table(name), query{filter: f, sort: l.sort, hint: hint})
	if err != nil {
		return nil, err
	}
	if !done {
		src = r.sorted(src, l.sort, int(min(l.keep, 1<<20)))
	}
	return p.through(r, src, l.n)
}

// compileLookup compiles $lookup: by equal fields, by pipeline, or both.
func compileLookup(s *doc.Stage) (stage, error) {
	p, err := compileStages(s.Pipeline, nil)
	if err != nil {
		return nil, err
	}
	vals, err := compileAllExprs(s.Values)
	if err != nil {
		return nil, err
	}
	local, as := splitPath(s.Local), splitPath(s.As)
	return func(r *run, in source) (source, error) {
		j := &join{r: r, s: s, p: p}
		e := r.env()
		return mapped(in, func(x row) ([]byte, error) {
			inner := r.child()
			for i, v := range vals {
				val, err := v(e.with(bsonval.DocV(x.doc)))
				if err != nil {
					return nil, err
				}
				inner.lets[s.Lets[i]] = val
			}
			docs, err := j.matches(inner, x.doc, local)
			if err != nil {
				return nil, err
			}
			t := parseTree(bsonval.DocV(x.doc))
			n, err := t.make(as)
			if err != nil {
				return nil, err
			}
			n.set(docArray(docs))
			d := t.value().Data
			if len(d) > maxDoc {
				return nil, op.Errorf(op.TooLarge, "$lookup result is larger than 16 MB")
			}
			return d, nil
		}), nil
	}, nil
}

// child starts a nested execution with its own copy of the variables.
func (r *run) child() *run {
	c := *r
	c.feeds = nil
	c.lets = make(map[string]bsonval.V, len(r.lets)+2)
	for k, v := range r.lets {
		c.lets[k] = v
	}
	return &c
}

// join is one $lookup under way. Without an index on the foreign field the
// foreign collection is hashed once.
type join struct {
	r     *run
	s     *doc.Stage
	p     *pipeline
	table map[string][]int
	docs  [][]byte
	tried bool
}

// matches returns the joined documents of one input document.
func (j *join) matches(inner *run, d []byte, local path) ([][]byte, error) {
	defer inner.close()
	if j.s.Local == "" && j.s.Foreign == "" {
		src, err := inner.aggregate(j.s.From, j.p, nil)
		if err != nil {
			return nil, err
		}
		return gather(src)
	}
	vals := localValues(d, local)
	where := &op.Expr{Op: op.ExIn, Path: j.s.Foreign, Value: values(vals)}
	if !j.tried {
		j.tried = true
		if err := j.hash(where); err != nil {
			return nil, err
		}
	}
	if j.table == nil {
		src, err := inner.aggregateWhere(j.s.From, j.p, where, nil)
		if err != nil {
			return nil, err
		}
		return gather(src)
	}
	var hits [][]byte
	last := map[int]bool{}
	for _, v := range vals {
		for _, i := range j.table[string(valueKey(j.r.coll.fold(v)))] {
			if !last[i] {
				last[i] = true
				hits = append(hits, j.docs[i])
			}
		}
	}
	src, err := j.p.through(inner, listed(hits), 0)
	if err != nil {
		return nil, err
	}
	return gather(src)
}

// hash builds the hash table unless an index serves the condition.
func (j *join) hash(where *op.Expr) error {
	t := j.r.table(j.s.From)
	if t == nil {
		j.table = map[string][]int{}
		return nil
	}
	if t.Kind == catalog.KindCollection {
		if a, err := j.r.access(t, query{filter: &filter{expr: where}, coll: j.r.coll}); err != nil || !a.full {
			return err
		}
	} else if t.Kind == catalog.KindTable && (j.s.Foreign == "_id" || (len(t.Primary) == 1 && t.Primary[0] == j.s.Foreign)) {
		return nil
	}
	f, _ := compileFilter(nil, nil)
	src, _, err := j.r.find(t, query{filter: f})
	if err != nil {
		return err
	}
	j.table = map[string][]int{}
	p := splitPath(j.s.Foreign)
	size := 0
	for {
		x, err := src()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if size += len(x.doc); size > maxSort {
			return memoryLimit()
		}
		n := len(j.docs)
		j.docs = append(j.docs, x.doc)
		seen := map[string]bool{}
		note := func(v bsonval.V) {
			if nullish(v) {
				v = bsonval.NullV
			}
			if k := string(valueKey(j.r.coll.fold(v))); !seen[k] {
				seen[k] = true
				j.table[k] = append(j.table[k], n)
			}
		}
		walk(bsonval.DocV(x.doc), p, -1, func(v bsonval.V, _ int) bool {
			note(v)
			for _, e := range bsonval.Items(v) {
				note(e)
			}
			return false
		})
	}
}

// localValues are the values of the local field; arrays count as their
// elements, missing as null.
func localValues(d []byte, p path) []bsonval.V {
	v := get(bsonval.DocV(d), p)
	if v.Type == bsonval.Array {
		return bsonval.Items(v)
	}
	if nullish(v) {
		v = bsonval.NullV
	}
	return []bsonval.V{v}
}

// values makes an IR array of BSON values.
func values(list []bsonval.V) op.Value {
	out := make([]op.Value, len(list))
	for i, v := range list {
		out[i] = bsonval.FromBSON(v)
	}
	return op.Array(out...)
}

package doc

import (
	"io"
	"math/rand/v2"
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// maxSort bounds the memory of one blocking stage.
const maxSort = 100 << 20

// stage turns a stream of documents into another.
type stage func(r *run, in source) (source, error)

// pipeline is a compiled pipeline.
type pipeline struct {
	stages []stage
	raw    []doc.Stage
}

// compileStages compiles a pipeline.
func compileStages(list []doc.Stage, lets map[string]bsonval.V) (*pipeline, error) {
	p := &pipeline{raw: list}
	for i := range list {
		s, err := compileStage(&list[i], lets)
		if err != nil {
			return nil, err
		}
		p.stages = append(p.stages, s)
	}
	return p, nil
}

// through sends a stream through the stages from number n on.
func (p *pipeline) through(r *run, in source, n int) (source, error) {
	for _, s := range p.stages[n:] {
		var err error
		if in, err = s(r, in); err != nil {
			return nil, err
		}
	}
	return in, nil
}

// runOne sends one document through (an update by pipeline).
func (p *pipeline) runOne(d []byte, r *run) ([]byte, error) {
	out, err := p.through(r, one(d), 0)
	if err != nil {
		return nil, err
	}
	x, err := out()
	return x.doc, err
}

// one yields a single document.
func one(d []byte) source {
	done := false
	return func() (row, error) {
		if done {
			return row{}, io.EOF
		}
		done = true
		return row{doc: d, pos: -1}, nil
	}
}

// listed yields documents of a slice.
func listed(docs [][]byte) source {
	i := 0
	return func() (row, error) {
		if i == len(docs) {
			return row{}, io.EOF
		}
		i++
		return row{doc: docs[i-1], pos: -1}, nil
	}
}

// mapped applies f to each document; a nil result drops it.
func mapped(in source, f func(row) ([]byte, error)) source {
	return func() (row, error) {
		for {
			x, err := in()
			if err != nil {
				return x, err
			}
			d, err := f(x)
			if err != nil {
				return x, err
			}
			if d != nil {
				return row{rid: x.rid, doc: d, pos: -1}, nil
			}
		}
	}
}

// compileStage compiles one stage.
func compileStage(s *doc.Stage, lets map[string]bsonval.V) (stage, error) {
	switch s.Kind {
	case doc.StageMatch:
		f, err := compileFilter(s.Filter, nil)
		return func(r *run, in source) (source, error) { return r.filtered(in, f), nil }, err
	case doc.StageProject, doc.StageAddFields, doc.StageUnset:
		c, err := compileProjection(s.Project, s.Kind == doc.StageAddFields, nil)
		return func(r *run, in source) (source, error) {
			e := r.env()
			return mapped(in, func(x row) ([]byte, error) { return c.apply(x.doc, -1, e) }), nil
		}, err
	case doc.StageReplace:
		return compileReplace(s)
	case doc.StageGroup:
		return compileGroup(s)
	case doc.StageSort:
		return func(r *run, in source) (source, error) { return r.sorted(in, s.Sort, 0), nil }, nil
	case doc.StageLimit:
		return func(_ *run, in source) (source, error) { return limited(in, s.N), nil }, nil
	case doc.StageSkip:
		return func(_ *run, in source) (source, error) { return skipped(in, s.N), nil }, nil
	case doc.StageUnwind:
		return compileUnwind(s)
	case doc.StageCount:
		return func(_ *run, in source) (source, error) {
			return lazy(func() ([][]byte, error) {
				n := int64(0)
				for {
					_, err := in()
					if err == io.EOF {
						break
					}
					if err != nil {
						return nil, err
					}
					n++
				}
				if n == 0 {
					return nil, nil
				}
				return [][]byte{buildDoc(s.Path, bsonval.IntV(n))}, nil
			}), nil
		}, nil
	case doc.StageSample:
		return func(_ *run, in source) (source, error) {
			return lazy(func() ([][]byte, error) { return sample(in, int(s.N)) }), nil
		}, nil
	case doc.StageLookup:
		return compileLookup(s)
	case doc.StageFacet:
		return compileFacet(s)
	case doc.StageUnion:
		p, err := compileStages(s.Pipeline, lets)
		return func(r *run, in source) (source, error) {
			more, err := r.aggregate(s.From, p, nil)
			if err != nil {
				return nil, err
			}
			first := true
			return func() (row, error) {
				if first {
					x, err := in()
					if err != io.EOF {
						return x, err
					}
					first = false
				}
				return more()
			}, nil
		}, err
	case doc.StageCollStats, doc.StageIdxStats:
		return nil, op.Errorf(op.InvalidArgument, "this stage is only valid as the first stage in a pipeline")
	}
	return compileMore(s)
}

// lazy computes a list on first use.
func lazy(f func() ([][]byte, error)) source {
	var out source
	return func() (row, error) {
		if out == nil {
			docs, err := f()
			if err != nil {
				return row{}, err
			}
			out = listed(docs)
		}
		return out()
	}
}

// gather reads a whole stream.
func gather(in source) ([][]byte, error) {
	var docs [][]byte
	size := 0
	for {
		x, err := in()
		if err == io.EOF {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		if size += len(x.doc); size > maxSort {
			return nil, memoryLimit()
		}
		docs = append(docs, x.doc)
	}
}

// memoryLimit is the error of a blocking stage that grew too large.
func memoryLimit() error {
	return &op.Error{Code: op.TooLarge, Object: "memory", Msg: "Exceeded memory limit of 104857600 bytes. Disk use is not supported; add an index for the order or reduce the documents first."}
}

// sample picks n documents at random.
func sample(in source, n int) ([][]byte, error) {
	var docs [][]byte
	seen := 0
	for {
		x, err := in()
		if err == io.EOF {
			return docs, nil
		}
		if err != nil {
			return nil, err
		}
		seen++
		if len(docs) < n {
			docs = append(docs, x.doc)
		} else if i := rand.IntN(seen); i < n {
			docs[i] = x.doc
		}
	}
}

// limited ends a stream after n documents.
func limited(in source, n int64) source {
	return func() (row, error) {
		if n <= 0 {
			return row{}, io.EOF
		}
		n--
		return in()
	}
}

// skipped drops the first n documents.
func skipped(in source, n int64) source {
	return func() (row, error) {
		for ; n > 0; n-- {
			if x, err := in(); err != nil {
				return x, err
			}
		}
		return in()
	}
}

// sortItem is a document with its sort values.
type sortItem struct {
	row
	keys []bsonval.V
}

// sorted sorts a stream in memory; with keep > 0 only the first keep are held.
func (r *run) sorted(in source, terms []op.Sort, keep int) source {
	paths := make([]path, len(terms))
	for i, t := range terms {
		paths[i] = splitPath(t.Path)
	}
	less := func(a, b *sortItem) bool {
		for i, t := range terms {
			if c := bsonval.Compare(a.keys[i], b.keys[i]); c != 0 {
				return (c < 0) != t.Desc
			}
		}
		return false
	}
	var items []*sortItem
	at, ready := 0, false
	fill := func() error {
		size := 0
		for {
			x, err := in()
			if err == io.EOF {
				break
			}
			if err != nil {
				return err
			}
			it := &sortItem{row: x, keys: make([]bsonval.V, len(terms))}
			for i, t := range terms {
				it.keys[i] = r.sortValue(x.doc, paths[i], t.Desc)
			}
			items = append(items, it)
			size += len(x.doc) + 64
			if keep > 0 && len(items) > 2*keep+1000 {
				sort.SliceStable(items, func(i, j int) bool { return less(items[i], items[j]) })
				items = items[:keep]
				size = 0
				for _, it := range items {
					size += len(it.doc) + 64
				}
			}
			if size > maxSort {
				return memoryLimit()
			}
		}
		sort.SliceStable(items, func(i, j int) bool { return less(items[i], items[j]) })
		return nil
	}
	return func() (row, error) {
		if !ready {
			if err := fill(); err != nil {
				return row{}, err
			}
			ready = true
		}
		if at == len(items) {
			return row{}, io.EOF
		}
		at++
		return items[at-1].row, nil
	}
}

// sortValue is the value a document sorts by.
func (r *run) sortValue(d []byte, p path, desc bool) bsonval.V {
	if r.coll == nil {
		return sortKey(bsonval.DocV(d), p, desc)
	}
	return sortKey(r.coll.fold(bsonval.DocV(d)), p, desc)
}

// compileReplace compiles $replaceRoot and $replaceWith.
func compileReplace(s *doc.Stage) (stage, error) {
	x, err := compileExpr(s.Key)
	return func(r *run, in source) (source, error) {
		e := r.env()
		return mapped(in, func(d row) ([]byte, error) {
			v, err := x(e.with(bsonval.DocV(d.doc)))
			if err == nil && v.Type != bsonval.Document {
				err = op.Errorf(op.TypeMismatch, "'newRoot' expression must evaluate to an object, but resulting value was of type: %s", typeName(v))
			}
			return v.Data, err
		}), nil
	}, err
}

// compileUnwind compiles $unwind.
func compileUnwind(s *doc.Stage) (stage, error) {
	p, at := splitPath(s.Path), splitPath(s.Index)
	return func(_ *run, in source) (source, error) {
		var queue [][]byte
		return func() (row, error) {
			for {
				if len(queue) > 0 {
					d := queue[0]
					queue = queue[1:]
					return row{doc: d, pos: -1}, nil
				}
				x, err := in()
				if err != nil {
					return x, err
				}
				if queue, err = unwind(x.doc, p, at, s.Preserve); err != nil {
					return x, err
				}
			}
		}, nil
	}, nil
}

// unwind makes one document for each element.
func unwind(d []byte, p, at path, preserve bool) ([][]byte, error) {
	v := bsonval.DocV(d)
	for _, name := range p {
		if v.Type != bsonval.Document {
			v = bsonval.Missing
			break
		}
		v = bsonval.Get(v.Data, name)
	}
	number := func(t *tree, i bsonval.V) error {
		if len(at) == 0 {
			return nil
		}
		n, err := t.make(at)
		if err == nil {
			n.set(i)
		}
		return err
	}
	t := parseTree(bsonval.DocV(d))
	if v.Type != bsonval.Array {
		if nullish(v) && !preserve {
			return nil, nil
		}
		if err := number(t, bsonval.NullV); err != nil {
			return nil, err
		}
		return [][]byte{t.value().Data}, nil
	}
	var out [][]byte
	i := int64(0)
	for it := bsonval.Elements(v.Data); it.Next(); i++ {
		t := parseTree(bsonval.DocV(d))
		n, err := t.make(p)
		if err != nil {
			return nil, err
		}
		n.set(it.Value)
		if err := number(t, bsonval.Int64V(i)); err != nil {
			return nil, err
		}
		out = append(out, t.value().Data)
	}
	if len(out) == 0 && preserve {
		t.unset(p)
		if err := number(t, bsonval.NullV); err != nil {
			return nil, err
		}
		out = append(out, t.value().Data)
	}
	return out, nil
}

// compileFacet compiles $facet: every pipeline sees all input.
func compileFacet(s *doc.Stage) (stage, error) {
	pipes := make([]*pipeline, len(s.Facets))
	for i, f := range s.Facets {
		p, err := compileStages(f.Stages, nil)
		if err != nil {
			return nil, err
		}
		pipes[i] = p
	}
	return func(r *run, in source) (source, error) {
		return lazy(func() ([][]byte, error) {
			docs, err := gather(in)
			if err != nil {
				return nil, err
			}
			i, b := bsoncore.AppendDocumentStart(nil)
			for n, p := range pipes {
				out, err := p.through(r, listed(docs), 0)
				if err != nil {
					return nil, err
				}
				res, err := gather(out)
				if err != nil {
					return nil, err
				}
				b = bsonval.AppendElement(b, s.Facets[n].Name, docArray(res))
			}
			b, _ = bsoncore.AppendDocumentEnd(b, i)
			if len(b) > maxDoc {
				return nil, op.Errorf(op.TooLarge, "$facet result is larger than 16 MB")
			}
			return [][]byte{b}, nil
		}), nil
	}, nil
}

// docArray builds an array of documents.
func docArray(docs [][]byte) bsonval.V {
	list := make([]bsonval.V, len(docs))
	for i, d := range docs {
		list[i] = bsonval.DocV(d)
	}
	return bsonval.ArrayV(list)
}

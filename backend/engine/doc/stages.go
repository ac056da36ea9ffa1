package doc

import (
	"io"
	"math"
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// compileMore compiles the stages of this file and its neighbours.
func compileMore(s *doc.Stage) (stage, error) {
	switch s.Kind {
	case doc.StageGraph:
		return compileGraph(s)
	case doc.StageWindow:
		return compileWindow(s)
	case doc.StageAuto:
		return compileAuto(s)
	case doc.StageRedact:
		return compileRedact(s)
	case doc.StageDensify:
		return compileDensify(s)
	case doc.StageFill:
		return compileFill(s)
	case doc.StageDocuments:
		return compileDocuments(s)
	case doc.StageOut, doc.StageMerge:
		return nil, op.Errorf(op.InvalidArgument, "$out and $merge can only be the final stage of the pipeline")
	}
	return nil, op.Errorf(op.Unsupported, "pipeline stage %d is not supported", s.Kind)
}

// compileDocuments compiles $documents.
func compileDocuments(s *doc.Stage) (stage, error) {
	x, err := compileExpr(s.Key)
	return func(r *run, _ source) (source, error) {
		return lazy(func() ([][]byte, error) {
			v, err := x(r.env())
			if err != nil {
				return nil, err
			}
			if v.Type != bsonval.Array {
				return nil, op.Errorf(op.TypeMismatch, "error during aggregation :: caused by :: $documents must evaluate to an array of objects, found: %s", typeName(v))
			}
			var docs [][]byte
			for _, d := range bsonval.Items(v) {
				if d.Type != bsonval.Document {
					return nil, op.Errorf(op.TypeMismatch, "$documents must evaluate to an array of objects")
				}
				docs = append(docs, d.Data)
			}
			return docs, nil
		}), nil
	}, err
}

// compileGraph compiles $graphLookup.
func compileGraph(s *doc.Stage) (stage, error) {
	start, err := compileExpr(s.Key)
	if err != nil {
		return nil, err
	}
	from, as, depth := splitPath(s.Local), splitPath(s.As), splitPath(s.Path)
	return func(r *run, in source) (source, error) {
		e := r.env()
		return mapped(in, func(x row) ([]byte, error) {
			v, err := start(e.with(bsonval.DocV(x.doc)))
			if err != nil {
				return nil, err
			}
			docs, err := r.reach(s, v, from, depth)
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
				return nil, op.Errorf(op.TooLarge, "$graphLookup result is larger than 16 MB")
			}
			return d, nil
		}), nil
	}, nil
}

// reach follows links breadth first.
func (r *run) reach(s *doc.Stage, start bsonval.V, from, depth path) ([][]byte, error) {
	frontier := []bsonval.V{start}
	if start.Type == bsonval.Array {
		frontier = bsonval.Items(start)
	}
	asked, found := map[string]bool{}, map[string]bool{}
	var out [][]byte
	size := 0
	for level := int64(0); len(frontier) > 0 && (s.N < 0 || level <= s.N); level++ {
		var ask []bsonval.V
		for _, v := range frontier {
			if v.Type == 0 {
				v = bsonval.NullV
			}
			if k := string(valueKey(v)); !asked[k] {
				asked[k] = true
				ask = append(ask, v)
			}
		}
		frontier = nil
		if len(ask) == 0 {
			break
		}
		docs, err := r.linked(s, ask)
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			k := string(valueKey(bsonval.Get(d, "_id")))
			if found[k] {
				continue
			}
			found[k] = true
			next := get(bsonval.DocV(d), from)
			if next.Type == bsonval.Array {
				frontier = append(frontier, bsonval.Items(next)...)
			} else if next.Type != 0 {
				frontier = append(frontier, next)
			}
			if depth != nil {
				t := parseTree(bsonval.DocV(d))
				n, err := t.make(depth)
				if err != nil {
					return nil, err
				}
				n.set(bsonval.Int64V(level))
				d = t.value().Data
			}
			if size += len(d); size > maxSort {
				return nil, memoryLimit()
			}
			out = append(out, d)
		}
	}
	return out, nil
}

// linked reads the documents whose link field has one of the values.
func (r *run) linked(s *doc.Stage, vals []bsonval.V) ([][]byte, error) {
	where := &op.Expr{Op: op.ExIn, Path: s.Foreign, Value: values(vals)}
	if s.Filter != nil {
		where = &op.Expr{Op: op.ExAnd, Args: []*op.Expr{where, s.Filter}}
	}
	f, err := compileFilter(where, nil)
	if err != nil {
		return nil, err
	}
	inner := r.child()
	defer inner.close()
	src, _, err := inner.find(inner.table(s.From), query{filter: f})
	if err != nil {
		return nil, err
	}
	return gather(src)
}

// compileRedact compiles $redact.
func compileRedact(s *doc.Stage) (stage, error) {
	x, err := compileExpr(s.Key)
	return func(r *run, in source) (source, error) {
		e := r.env()
		for _, name := range []string{"DESCEND", "PRUNE", "KEEP"} {
			e = e.bind(name, bsonval.StringV(name))
		}
		return mapped(in, func(d row) ([]byte, error) {
			v, err := redact(bsonval.DocV(d.doc), d.doc, x, e)
			return v.Data, err
		}), nil
	}, err
}

// redact decides about one level; Missing drops it.
func redact(level bsonval.V, root []byte, x evaluator, e *env) (bsonval.V, error) {
	v, err := x(e.with(bsonval.DocV(root)).bind("CURRENT", level))
	if err != nil {
		return v, err
	}
	switch bsonval.Text(v) {
	case "KEEP":
		return level, nil
	case "PRUNE":
		return bsonval.Missing, nil
	case "DESCEND":
	default:
		return v, op.Errorf(op.InvalidArgument, "$redact's expression should not return anything aside from the variables $$KEEP, $$DESCEND, and $$PRUNE")
	}
	i, b := bsoncore.AppendDocumentStart(nil)
	for it := bsonval.Elements(level.Data); it.Next(); {
		v, err := redactValue(it.Value, root, x, e)
		if err != nil {
			return v, err
		}
		if v.Type != 0 {
			b = bsonval.AppendElement(b, it.Key(), v)
		}
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return bsonval.DocV(b), nil
}

// redactValue descends into documents, also those in arrays.
func redactValue(v bsonval.V, root []byte, x evaluator, e *env) (bsonval.V, error) {
	switch v.Type {
	case bsonval.Document:
		return redact(v, root, x, e)
	case bsonval.Array:
		var out []bsonval.V
		for _, i := range bsonval.Items(v) {
			k, err := redactValue(i, root, x, e)
			if err != nil {
				return k, err
			}
			if k.Type != 0 {
				out = append(out, k)
			}
		}
		return bsonval.ArrayV(out), nil
	}
	return v, nil
}

// compileAuto compiles $bucketAuto.
func compileAuto(s *doc.Stage) (stage, error) {
	key, err := compileExpr(s.Key)
	if err != nil {
		return nil, err
	}
	args := make([]evaluator, len(s.Accs))
	for i, a := range s.Accs {
		if newAccumulator(a.Name) == nil {
			return nil, op.Errorf(op.Unsupported, "unknown group operator '$%s'", a.Name)
		}
		if args[i], err = compileExpr(a.Arg); err != nil {
			return nil, err
		}
	}
	return func(r *run, in source) (source, error) {
		return lazy(func() ([][]byte, error) { return r.buckets(in, s, key, args) }), nil
	}, nil
}

// buckets sorts the input by its key and cuts it into pieces of like size;
// equal keys stay together.
func (r *run) buckets(in source, s *doc.Stage, key evaluator, args []evaluator) ([][]byte, error) {
	type item struct {
		key bsonval.V
		doc []byte
	}
	var items []item
	e := r.env()
	size := 0
	for {
		x, err := in()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		k, err := key(e.with(bsonval.DocV(x.doc)))
		if err != nil {
			return nil, err
		}
		if size += len(x.doc); size > maxSort {
			return nil, memoryLimit()
		}
		items = append(items, item{orNull(k), x.doc})
	}
	sort.SliceStable(items, func(i, j int) bool { return bsonval.Compare(items[i].key, items[j].key) < 0 })
	var out [][]byte
	left := int(s.N)
	for at := 0; at < len(items); left-- {
		n := max(1, int(math.Round(float64(len(items)-at)/float64(max(left, 1)))))
		end := min(at+n, len(items))
		if left == 1 {
			end = len(items)
		}
		for end < len(items) && bsonval.Equal(items[end].key, items[end-1].key) {
			end++
		}
		upper := items[end-1].key
		if end < len(items) {
			upper = items[end].key
		}
		kv := []any{"_id", bsonval.DocV(buildDoc("min", items[at].key, "max", upper))}
		for i, a := range s.Accs {
			acc := newAccumulator(a.Name)()
			for _, x := range items[at:end] {
				v, err := args[i](e.with(bsonval.DocV(x.doc)))
				if err != nil {
					return nil, err
				}
				if err := acc.add(v); err != nil {
					return nil, err
				}
			}
			kv = append(kv, a.Field, acc.result())
		}
		out = append(out, buildDoc(kv...))
		at = end
	}
	return out, nil
}

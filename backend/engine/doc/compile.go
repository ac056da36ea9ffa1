package doc

import (
	"io"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// letMap turns bound variables into values.
func letMap(lets []doc.Let) map[string]bsonval.V {
	if len(lets) == 0 {
		return nil
	}
	m := make(map[string]bsonval.V, len(lets))
	for _, l := range lets {
		m[l.Name] = bsonval.ToBSON(l.Value)
		if l.Expr == nil {
			continue
		}
		if x, err := compileExpr(l.Expr); err == nil {
			if v, err := x(newEnv(time.Time{}, m)); err == nil {
				m[l.Name] = v
			}
		}
	}
	return m
}

// compile turns a body into a task, on the caller's goroutine.
func compile(body op.Body) (*task, error) {
	switch b := body.(type) {
	case *doc.Find:
		f, err := compileFind(b)
		return &task{find: f}, err
	case *doc.Aggregate:
		if writesOut(b.Stages) {
			return compileOutput(b)
		}
		f, err := compileAggregate(b)
		return &task{find: f}, err
	case *doc.Insert:
		return &task{write: true, once: b.Once, run: func(r *run) ([]op.Frame, error) { return frame(r.insertAll(b)) }}, nil
	case *doc.Update:
		c, err := compileChange(b)
		return &task{write: true, run: func(r *run) ([]op.Frame, error) {
			matched, changed, id, err := r.update(b.Collection, c)
			d := &op.Done{Matched: matched, Affected: changed}
			if id.Type != 0 {
				d.Extra = []op.Value{bsonval.FromBSON(id)}
			}
			return frame(d, err)
		}}, err
	case *doc.Delete:
		f, coll, err := compileCollated(b.Filter, b.Collation)
		return &task{write: true, run: func(r *run) ([]op.Frame, error) {
			r.collate(coll, b.Collation != nil)
			n, err := r.delete(b, f)
			return frame(&op.Done{Affected: n, Matched: n}, err)
		}}, err
	case *doc.Bulk:
		items := compileBulk(b)
		return &task{write: true, once: b.Once, run: func(r *run) ([]op.Frame, error) { return frame(r.bulk(b, items)) }}, nil
	case *doc.FindAndModify:
		m, err := compileModify(b)
		return &task{write: true, once: b.Once, run: func(r *run) ([]op.Frame, error) { return r.findAndModify(m) }}, err
	case *doc.Count:
		f, coll, err := compileCollated(b.Filter, b.Collation)
		return &task{run: func(r *run) ([]op.Frame, error) {
			r.collate(coll, b.Collation != nil)
			n, err := r.count(b, f)
			return frame(&op.Done{Matched: n}, err)
		}}, err
	case *doc.Distinct:
		f, coll, err := compileCollated(b.Filter, b.Collation)
		return &task{run: func(r *run) ([]op.Frame, error) {
			r.collate(coll, b.Collation != nil)
			return r.distinct(b, f)
		}}, err
	}
	return compileAdmin(body)
}

// compileCollated compiles a filter and the collation beside it.
func compileCollated(e *op.Expr, spec []byte) (*filter, *collator, error) {
	f, err := compileFilter(e, nil)
	if err != nil {
		return nil, nil, err
	}
	k, err := newCollator(spec)
	return f, k, err
}

// compileAdmin turns the bodies about collections and indexes into tasks.
func compileAdmin(body op.Body) (*task, error) {
	switch b := body.(type) {
	case *doc.CreateCollection:
		return &task{write: true, run: func(r *run) ([]op.Frame, error) { return nil, r.createCollection(b) }}, nil
	case *doc.ModifyCollection:
		return &task{write: true, run: func(r *run) ([]op.Frame, error) { return r.modifyCollection(b) }}, nil
	case *doc.DropCollection:
		return &task{write: true, run: func(r *run) ([]op.Frame, error) { return frame(r.drop(b.Collection)) }}, nil
	case *doc.RenameCollection:
		return &task{write: true, run: func(r *run) ([]op.Frame, error) { return nil, r.rename(b) }}, nil
	case *doc.CreateIndexes:
		return &task{write: true, run: func(r *run) ([]op.Frame, error) { return frame(r.createIndexes(b)) }}, nil
	case *doc.DropIndexes:
		return &task{write: true, run: func(r *run) ([]op.Frame, error) { return frame(r.dropIndexes(b)) }}, nil
	case *doc.ListIndexes:
		return docsTask(func(r *run) ([][]byte, error) { return r.listIndexes(b.Collection) }), nil
	case *doc.ListCollections:
		return docsTask(func(r *run) ([][]byte, error) { return listCollections(r.tx.Catalog()), nil }), nil
	case *doc.Stats:
		return docsTask(func(r *run) ([][]byte, error) {
			d, err := r.stats(b.Collection)
			return [][]byte{d}, err
		}), nil
	case *doc.Explain:
		return compileExplain(b)
	}
	return nil, op.Errorf(op.Unsupported, "document operation %d is not supported", body.Kind())
}

// frame wraps a Done.
func frame(d *op.Done, err error) ([]op.Frame, error) {
	if err != nil {
		return nil, err
	}
	return []op.Frame{d}, nil
}

// docsTask is a read that answers a few documents.
func docsTask(f func(*run) ([][]byte, error)) *task {
	return &task{run: func(r *run) ([]op.Frame, error) {
		docs, err := f(r)
		if err != nil {
			return nil, err
		}
		return []op.Frame{&op.Docs{Docs: docs}, &op.Done{Affected: int64(len(docs))}}, nil
	}}
}

// compileFind compiles a Find.
func compileFind(b *doc.Find) (*finder, error) {
	f, err := compileFilter(b.Filter, nil)
	if err != nil {
		return nil, err
	}
	p, err := compileProjection(b.Project, false, nil)
	if err != nil {
		return nil, err
	}
	coll, err := newCollator(b.Collation)
	if err != nil {
		return nil, err
	}
	return &finder{lets: letMap(b.Lets), batch: int(b.Page.Batch), start: func(r *run) (source, error) {
		r.collate(coll, b.Collation != nil)
		src, done, err := r.find(r.table(b.Collection), query{filter: f, sort: b.Sort, hint: b.Hint, after: b.After})
		if err != nil {
			return nil, err
		}
		if !done {
			keep := int64(0)
			if b.Page.Limit > 0 {
				keep = min(b.Page.Skip+b.Page.Limit, 1<<20)
			}
			src = r.sorted(src, b.Sort, int(keep))
		}
		if b.Page.Skip > 0 {
			src = skipped(src, b.Page.Skip)
		}
		if b.Page.Limit > 0 {
			src = limited(src, b.Page.Limit)
		}
		if p == nil {
			return src, nil
		}
		e := r.env()
		return func() (row, error) {
			x, err := src()
			if err != nil {
				return x, err
			}
			x.doc, err = p.apply(x.doc, x.pos, e)
			return x, err
		}, nil
	}}, nil
}

// compileAggregate compiles an Aggregate.
func compileAggregate(b *doc.Aggregate) (*finder, error) {
	stages := b.Stages
	var head *doc.Stage
	if len(stages) > 0 && (stages[0].Kind == doc.StageCollStats || stages[0].Kind == doc.StageIdxStats) {
		head, stages = &stages[0], stages[1:]
	}
	p, err := compileStages(stages, nil)
	if err != nil {
		return nil, err
	}
	coll, err := newCollator(b.Collation)
	if err != nil {
		return nil, err
	}
	return &finder{lets: letMap(b.Lets), batch: int(b.Batch), start: func(r *run) (source, error) {
		r.collate(coll, b.Collation != nil)
		if _, err := r.collation(r.table(b.Collection)); err != nil {
			return nil, err
		}
		if head != nil {
			docs, err := r.statStage(head, b.Collection)
			if err != nil {
				return nil, err
			}
			return p.through(r, listed(docs), 0)
		}
		return r.aggregate(b.Collection, p, b.Hint)
	}}, nil
}

// statStage answers $collStats and $indexStats.
func (r *run) statStage(s *doc.Stage, name string) ([][]byte, error) {
	db, _ := r.tx.Object()
	if s.Kind == doc.StageCollStats {
		d, err := r.stats(name)
		if err != nil {
			return nil, err
		}
		n := bsonval.Get(d, "count")
		return [][]byte{buildDoc("ns", bsonval.StringV(db+"."+name), "localTime", bsonval.DateV(r.now().UnixMilli()), "storageStats", bsonval.DocV(d), "count", n)}, nil
	}
	docs, err := r.listIndexes(name)
	for i, d := range docs {
		docs[i] = buildDoc("name", bsonval.Get(d, "name"), "key", bsonval.Get(d, "key"), "spec", bsonval.DocV(d))
	}
	return docs, err
}

// count runs a Count.
func (r *run) count(b *doc.Count, f *filter) (int64, error) {
	t := r.table(b.Collection)
	if t == nil {
		return 0, nil
	}
	n := int64(0)
	if f.all && b.Hint == nil && (t.Kind == catalog.KindCollection || t.Kind == catalog.KindTable) {
		v, err := r.tx.Conn.Row("SELECT count(*) FROM " + catalog.Quote(t.Store))
		if err != nil {
			return 0, storage(err)
		}
		n = v[0].Int()
	} else {
		src, _, err := r.find(t, query{filter: f, hint: b.Hint})
		if err != nil {
			return 0, err
		}
		for {
			if _, err := src(); err == io.EOF {
				break
			} else if err != nil {
				return 0, err
			}
			n++
		}
	}
	n = max(n-b.Page.Skip, 0)
	if b.Page.Limit > 0 {
		n = min(n, b.Page.Limit)
	}
	return n, nil
}

// distinct runs a Distinct.
func (r *run) distinct(b *doc.Distinct, f *filter) ([]op.Frame, error) {
	src, _, err := r.find(r.table(b.Collection), query{filter: f, hint: b.Hint})
	if err != nil {
		return nil, err
	}
	p := splitPath(b.Path)
	seen := map[string]bool{}
	var out []op.Value
	size := 0
	add := func(v bsonval.V) {
		if v.Type == 0 {
			return
		}
		if k := string(valueKey(r.coll.fold(v))); !seen[k] {
			seen[k] = true
			out = append(out, bsonval.FromBSON(v))
			size += len(v.Data)
		}
	}
	for {
		x, err := src()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		walk(bsonval.DocV(x.doc), p, -1, func(v bsonval.V, _ int) bool {
			if v.Type == bsonval.Array {
				for _, e := range bsonval.Items(v) {
					add(e)
				}
			} else {
				add(v)
			}
			return false
		})
		if size > maxDoc {
			return nil, op.Errorf(op.TooLarge, "distinct too big, 16mb cap")
		}
	}
	return []op.Frame{&op.Values{Values: out}, &op.Done{Affected: int64(len(out))}}, nil
}

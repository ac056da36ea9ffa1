package doc

import (
	"bytes"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// writesOut reports whether a pipeline ends in $out or $merge.
func writesOut(stages []doc.Stage) bool {
	n := len(stages)
	return n > 0 && (stages[n-1].Kind == doc.StageOut || stages[n-1].Kind == doc.StageMerge)
}

// compileOutput compiles a pipeline that ends in $out or $merge: it runs whole
// inside one write.
func compileOutput(b *doc.Aggregate) (*task, error) {
	n := len(b.Stages) - 1
	head := *b
	head.Stages = b.Stages[:n]
	f, err := compileAggregate(&head)
	if err != nil {
		return nil, err
	}
	last := &b.Stages[n]
	var m *merger
	if last.Kind == doc.StageMerge {
		if m, err = compileMerge(last); err != nil {
			return nil, err
		}
	}
	return &task{write: true, run: func(r *run) ([]op.Frame, error) {
		r.lets = f.lets
		src, err := f.start(r)
		if err != nil {
			return nil, err
		}
		docs, err := gather(src)
		r.close()
		if err != nil {
			return nil, err
		}
		if m != nil {
			err = m.merge(r, docs)
		} else {
			err = r.replaceAll(last.From, docs)
		}
		return []op.Frame{&op.Done{}}, err
	}}, nil
}

// replaceAll is $out: the collection holds exactly these documents afterwards,
// its indexes stay.
func (r *run) replaceAll(name string, docs [][]byte) error {
	w, err := r.target(name, true)
	if err != nil {
		return err
	}
	if w.table != nil {
		return &op.Error{Code: op.Unsupported, Object: "table", Msg: "\"" + name + "\" is a SQL table; $out cannot replace it"}
	}
	all, _ := compileFilter(nil, nil)
	if _, err := r.delete(&doc.Delete{Collection: name, Multi: true}, all); err != nil {
		return err
	}
	for _, d := range docs {
		if _, err := w.insert(d); err != nil {
			return err
		}
	}
	return nil
}

// merger is a compiled $merge.
type merger struct {
	into    string
	on      []string
	matched string
	missed  string
	stages  *pipeline
	names   []string
	lets    []evaluator
}

// compileMerge compiles $merge.
func compileMerge(s *doc.Stage) (*merger, error) {
	m := &merger{into: s.From, matched: bsonval.Text(bsonval.Get(s.Spec, "whenMatched")), missed: bsonval.Text(bsonval.Get(s.Spec, "whenNotMatched")), names: s.Lets}
	for _, v := range bsonval.Items(bsonval.Get(s.Spec, "on")) {
		m.on = append(m.on, bsonval.Text(v))
	}
	if m.on == nil {
		m.on = []string{"_id"}
	}
	var err error
	if m.lets, err = compileAllExprs(s.Values); err != nil {
		return nil, err
	}
	if s.Pipeline != nil {
		m.matched = "pipeline"
		m.stages, err = compileStages(s.Pipeline, nil)
	}
	return m, err
}

// merge writes the documents into the target.
func (m *merger) merge(r *run, docs [][]byte) error {
	w, err := r.target(m.into, true)
	if err != nil {
		return err
	}
	if err := m.checkKey(w); err != nil {
		return err
	}
	for _, d := range docs {
		if bsonval.Get(d, "_id").Type == 0 {
			d = firstID(d, newID())
		}
		if err := m.one(r, w, d); err != nil {
			return err
		}
		r.close()
	}
	return nil
}

// checkKey demands a unique index on the fields of "on".
func (m *merger) checkKey(w *target) error {
	if len(m.on) == 1 && m.on[0] == "_id" || w.table != nil {
		return nil
	}
	for _, x := range w.indexes {
		if !x.cat.Unique || x.partial != nil || len(x.cat.Items) != len(m.on) {
			continue
		}
		found := 0
		for _, it := range x.cat.Items {
			for _, f := range m.on {
				if it.Column == f {
					found++
				}
			}
		}
		if found == len(m.on) {
			return nil
		}
	}
	return &op.Error{Code: op.InvalidArgument, Object: "merge", Msg: "Cannot find index to verify that join fields will be unique"}
}

// one merges one document.
func (m *merger) one(r *run, w *target, d []byte) error {
	where := &op.Expr{Op: op.ExAnd}
	for _, f := range m.on {
		v := get(bsonval.DocV(d), splitPath(f))
		if nullish(v) || v.Type == bsonval.Array {
			return &op.Error{Code: op.InvalidArgument, Object: "merge", Msg: "$merge write error: 'on' field '" + f + "' cannot be missing, null, undefined or an array"}
		}
		where.Args = append(where.Args, &op.Expr{Op: op.ExEq, Path: f, Value: bsonval.FromBSON(v)})
	}
	f, err := compileFilter(where, nil)
	if err != nil {
		return err
	}
	rows, err := r.matching(w, query{filter: f}, 1)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		switch m.missed {
		case "discard":
			return nil
		case "fail":
			return &op.Error{Code: op.NotFound, Object: "merge", Msg: "$merge could not find a matching document in the target collection for at least one document in the source collection"}
		}
		_, err := w.insert(d)
		return err
	}
	out, err := m.combine(r, rows[0].doc, d)
	if err != nil || out == nil || bytes.Equal(out, rows[0].doc) {
		return err
	}
	if err := checkChanged(rows[0].doc, out); err != nil {
		return err
	}
	return w.replace(rows[0], out)
}

// combine makes the new form of a matched document; nil leaves it.
func (m *merger) combine(r *run, old, fresh []byte) ([]byte, error) {
	switch m.matched {
	case "keepExisting":
		return nil, nil
	case "fail":
		return nil, duplicate(m.into, "_id_", []string{"_id"}, []op.Value{bsonval.FromBSON(bsonval.Get(old, "_id"))})
	case "replace":
		return keepID(fresh, old), nil
	case "pipeline":
		inner := r.child()
		inner.lets["new"] = bsonval.DocV(fresh)
		e := r.env().with(bsonval.DocV(fresh))
		for i, l := range m.lets {
			v, err := l(e)
			if err != nil {
				return nil, err
			}
			inner.lets[m.names[i]] = v
		}
		return m.stages.runOne(old, inner)
	}
	t := parseTree(bsonval.DocV(old))
	for it := bsonval.Elements(fresh); it.Next(); {
		t.put(string([]byte(it.Key())), it.Value)
	}
	return t.value().Data, nil
}

package doc

import (
	"bytes"
	"io"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// WriteError describes the failure of one statement of a bulk as a value of
// Done.Extra: Map(index, code, error, columns, values, constraint, object).
func WriteError(index int, e *op.Error) op.Value {
	cols := make([]op.Value, len(e.Columns))
	for i, c := range e.Columns {
		cols[i] = op.Text(c)
	}
	return op.Map(op.Text("index"), op.Int32(int32(index)), op.Text("code"), op.Int32(int32(e.Code)), op.Text("error"), op.ErrorText(e.Msg),
		op.Text("columns"), op.Array(cols...), op.Text("values"), op.Array(e.Values...), op.Text("constraint"), op.Text(e.Constraint), op.Text("object"), op.Text(e.Object))
}

// fatal reports whether an error must undo the whole statement.
func fatal(err error) bool {
	switch op.CodeOf(err) {
	case op.Internal, op.Canceled, op.Serialization, op.Deadlock, op.LockTimeout, op.Unavailable:
		return true
	}
	return false
}

// insertAll runs an Insert.
func (r *run) insertAll(b *doc.Insert) (*op.Done, error) {
	d := &op.Done{}
	w, err := r.target(b.Collection, true)
	if err != nil {
		return nil, err
	}
	w.bypass = b.Bypass
	for i, x := range b.Docs {
		if _, err := w.insert(x); err != nil {
			if fatal(err) {
				return nil, err
			}
			d.Extra = append(d.Extra, WriteError(i, op.AsError(err)))
			if b.Ordered {
				break
			}
			continue
		}
		d.Affected++
	}
	return d, nil
}

// change is a compiled update statement.
type change struct {
	query  query
	lets   map[string]bsonval.V
	up     *updater
	multi  bool
	upsert bool
	seed   []byte
	bypass bool
	coll   *collator
	given  bool // coll is named by the statement
}

// compileChange compiles an update.
func compileChange(b *doc.Update) (*change, error) {
	f, coll, err := compileCollated(b.Filter, b.Collation)
	if err != nil {
		return nil, err
	}
	up, err := compileUpdate(b.Mutations, b.Pipeline, b.ArrayFilters)
	return &change{query: query{filter: f, sort: b.Sort, hint: b.Hint}, lets: letMap(b.Lets), up: up, multi: b.Multi, upsert: b.Upsert, seed: b.UpsertDoc, bypass: b.Bypass,
		coll: coll, given: b.Collation != nil}, err
}

// matching collects the rows of a write before anything changes: a scan must
// not meet rows its own statement moved. Only rowids are kept for many rows.
func (r *run) matching(w *target, q query, limit int) ([]row, error) {
	if w == nil {
		return nil, nil
	}
	src, done, err := r.find(w.t, q)
	if err != nil {
		return nil, err
	}
	if !done {
		src = r.sorted(src, q.sort, limit)
	}
	defer r.close()
	var rows []row
	for limit == 0 || len(rows) < limit {
		x, err := src()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if limit != 1 {
			x.doc = nil
		}
		rows = append(rows, x)
	}
	return rows, nil
}

// update runs a compiled update and reports matched, changed, upserted id.
func (r *run) update(name string, c *change) (matched, changed int64, id bsonval.V, err error) {
	w, err := r.target(name, c.upsert)
	if err != nil {
		return 0, 0, id, err
	}
	r.lets = c.lets
	r.collate(c.coll, c.given)
	if w != nil {
		w.bypass, w.replacing = c.bypass, c.up.replace.Type != 0
	}
	limit := 1
	if c.multi {
		limit = 0
	}
	rows, err := r.matching(w, c.query, limit)
	if err != nil {
		return 0, 0, id, err
	}
	if len(rows) == 0 && c.upsert {
		_, id, err = r.insertUpsert(w, c)
		return 0, 0, id, err
	}
	for _, x := range rows {
		if x.doc == nil {
			fresh, ok, err := w.refetch(x.rid)
			if err != nil {
				return matched, changed, id, err
			}
			if !ok {
				continue
			}
			fresh.pos = x.pos
			x = fresh
		}
		matched++
		out, err := c.up.apply(x.doc, x.pos, false, r)
		if err != nil {
			return matched, changed, id, err
		}
		if bytes.Equal(out, x.doc) {
			continue
		}
		if err := w.replace(x, out); err != nil {
			return matched, changed, id, err
		}
		changed++
	}
	return matched, changed, id, nil
}

// insertUpsert inserts the document an upsert builds.
func (r *run) insertUpsert(w *target, c *change) ([]byte, bsonval.V, error) {
	seed := c.seed
	if seed == nil {
		seed = bsonval.EmptyDoc
	}
	d, err := c.up.apply(seed, -1, true, r)
	if err != nil {
		return nil, bsonval.Missing, err
	}
	if w.table == nil && bsonval.Get(d, "_id").Type == 0 {
		oid := bson.NewObjectID()
		d = firstID(d, bsonval.V{Type: bsonval.ObjectID, Data: oid[:]})
	}
	id, err := w.insert(d)
	return d, id, err
}

// delete runs a Delete.
func (r *run) delete(b *doc.Delete, f *filter) (int64, error) {
	w, err := r.target(b.Collection, false)
	if err != nil || w == nil {
		return 0, err
	}
	limit := 1
	if b.Multi {
		limit = 0
	}
	r.lets = letMap(b.Lets)
	rows, err := r.matching(w, query{filter: f, hint: b.Hint}, limit)
	if err != nil {
		return 0, err
	}
	n := int64(0)
	for _, x := range rows {
		if x.doc == nil {
			fresh, ok, err := w.refetch(x.rid)
			if err != nil {
				return n, err
			}
			if !ok {
				continue
			}
			x = fresh
		}
		if err := w.remove(x); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// bulkItem is one compiled statement of a Bulk.
type bulkItem struct {
	update *change
	del    *doc.Delete
	filter *filter
	coll   *collator
	err    error
}

// compileBulk compiles the statements; one that fails to compile fails when
// its turn comes.
func compileBulk(b *doc.Bulk) []bulkItem {
	items := make([]bulkItem, len(b.Bodies))
	for i, body := range b.Bodies {
		switch x := body.(type) {
		case *doc.Update:
			items[i].update, items[i].err = compileChange(x)
		case *doc.Delete:
			items[i].del = x
			items[i].filter, items[i].coll, items[i].err = compileCollated(x.Filter, x.Collation)
		default:
			items[i].err = op.Errorf(op.Unsupported, "operation %d cannot be part of a bulk", body.Kind())
		}
	}
	return items
}

// bulk runs compiled statements.
func (r *run) bulk(b *doc.Bulk, items []bulkItem) (*op.Done, error) {
	d := &op.Done{}
	for i, it := range items {
		var matched, changed int64
		id := bsonval.Missing
		err := it.err
		switch {
		case err != nil:
		case it.update != nil:
			matched, changed, id, err = r.update(b.Collection, it.update)
		default:
			r.collate(it.coll, it.del.Collation != nil)
			changed, err = r.delete(it.del, it.filter)
		}
		r.close()
		d.Matched += matched
		d.Affected += changed
		if err != nil {
			if fatal(err) {
				return nil, err
			}
			d.Extra = append(d.Extra, WriteError(i, op.AsError(err)))
			if b.Ordered {
				break
			}
			continue
		}
		kv := []op.Value{op.Text("matched"), op.Int64(matched), op.Text("affected"), op.Int64(changed)}
		if id.Type != 0 {
			kv = append(kv, op.Text("upserted"), bsonval.FromBSON(id))
		}
		d.Extra = append(d.Extra, op.Map(kv...))
	}
	return d, nil
}

// modify is a compiled FindAndModify.
type modify struct {
	b       *doc.FindAndModify
	change  *change
	project *projection
}

// compileModify compiles a FindAndModify.
func compileModify(b *doc.FindAndModify) (*modify, error) {
	c, err := compileChange(&doc.Update{Filter: b.Filter, Mutations: b.Mutations, Pipeline: b.Pipeline, Upsert: b.Upsert, UpsertDoc: b.UpsertDoc, ArrayFilters: b.ArrayFilters,
		Sort: b.Sort, Lets: b.Lets, Hint: b.Hint, Bypass: b.Bypass, Collation: b.Collation})
	if err != nil {
		return nil, err
	}
	p, err := compileProjection(b.Project, false, nil)
	return &modify{b: b, change: c, project: p}, err
}

// findAndModify changes or removes one document and returns it.
func (r *run) findAndModify(m *modify) ([]op.Frame, error) {
	w, err := r.target(m.b.Collection, m.b.Upsert && !m.b.Remove)
	if err != nil {
		return nil, err
	}
	r.lets = m.change.lets
	r.collate(m.change.coll, m.change.given)
	if w != nil {
		w.bypass, w.replacing = m.b.Bypass, m.change.up.replace.Type != 0
	}
	rows, err := r.matching(w, m.change.query, 1)
	if err != nil {
		return nil, err
	}
	d := &op.Done{}
	var out []byte
	pos := -1
	switch {
	case len(rows) == 0 && m.b.Upsert && !m.b.Remove:
		fresh, id, err := r.insertUpsert(w, m.change)
		if err != nil {
			return nil, err
		}
		d.Affected = 1
		d.Extra = []op.Value{bsonval.FromBSON(id)}
		if m.b.New {
			out = fresh
		}
	case len(rows) == 0:
	case m.b.Remove:
		out, d.Matched, d.Affected = rows[0].doc, 1, 1
		if err := w.remove(rows[0]); err != nil {
			return nil, err
		}
	default:
		x := rows[0]
		fresh, err := m.change.up.apply(x.doc, x.pos, false, r)
		if err != nil {
			return nil, err
		}
		d.Matched, out, pos = 1, x.doc, x.pos
		if !bytes.Equal(fresh, x.doc) {
			if err := w.replace(x, fresh); err != nil {
				return nil, err
			}
			d.Affected = 1
		}
		if m.b.New {
			out = fresh
		}
	}
	if out == nil {
		return []op.Frame{d}, nil
	}
	if out, err = m.project.apply(out, pos, r.env()); err != nil {
		return nil, err
	}
	return []op.Frame{&op.Docs{Docs: [][]byte{out}}, d}, nil
}

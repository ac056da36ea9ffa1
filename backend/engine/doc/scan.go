package doc

import (
	"context"
	"io"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// run is the execution of one statement inside a transaction.
type run struct {
	ctx  context.Context
	tx   *object.Tx
	lets map[string]bsonval.V
	open []*sqlite.Stmt
	rel  Relational
	// fixed is the time when there is no transaction (an update by pipeline).
	fixed time.Time
}

// newRun starts an execution.
func newRun(ctx context.Context, tx *object.Tx, lets map[string]bsonval.V) *run {
	return &run{ctx: ctx, tx: tx, lets: lets}
}

// now is the statement's time.
func (r *run) now() time.Time {
	if r.tx == nil {
		return r.fixed
	}
	return r.tx.Now()
}

// env starts an expression environment.
func (r *run) env() *env { return newEnv(r.now(), r.lets) }

// close returns the statements the execution still holds.
func (r *run) close() {
	for _, s := range r.open {
		s.Close()
	}
	r.open = nil
}

// table finds a collection or table, nil when there is none.
func (r *run) table(name string) *catalog.Table {
	return r.tx.Catalog().Tables[catalog.Key{Schema: "public", Name: name}]
}

// row is one document on its way. pos is the array position of the match.
type row struct {
	rid int64
	doc []byte
	pos int
}

// source yields rows; io.EOF ends it.
type source func() (row, error)

// empty yields nothing.
func empty() (row, error) { return row{}, io.EOF }

// scan reads the documents an access gives, unfiltered.
func (r *run) scan(t *catalog.Table, a access) source {
	if a.full {
		return r.query("SELECT rid, doc FROM "+catalog.Quote(t.Store), nil)
	}
	dir := ""
	if a.desc {
		dir = " DESC"
	}
	var seen map[int64]bool
	if a.idx != nil && a.idx.cat.Multikey {
		seen = map[int64]bool{}
	}
	next, i := source(empty), 0
	return func() (row, error) {
		for {
			x, err := next()
			if err == nil {
				if seen != nil {
					if seen[x.rid] {
						continue
					}
					seen[x.rid] = true
				}
				return x, nil
			}
			if err != io.EOF || i == len(a.spans) {
				return x, err
			}
			next = r.spanQuery(t, a, a.spans[i], dir)
			i++
		}
	}
}

// spanQuery reads one span.
func (r *run) spanQuery(t *catalog.Table, a access, s span, dir string) source {
	text, col := "SELECT rid, doc FROM "+catalog.Quote(t.Store)+" WHERE ", "_id"
	if a.idx != nil {
		text, col = "SELECT t.rid, t.doc FROM "+catalog.Quote(a.idx.table)+" i CROSS JOIN "+catalog.Quote(t.Store)+" t ON t.rid = i.rid WHERE ", "i.k"
	}
	order := " ORDER BY " + col + dir
	switch {
	case s.point && (a.idx == nil || a.idx.cat.Unique):
		return r.query(text+col+" = ?1", []op.Value{op.Bytes(s.lo)})
	case s.point:
		return r.query(text+col+" = ?1"+order, []op.Value{op.Bytes(s.lo)})
	case s.hi == nil:
		return r.query(text+col+" >= ?1"+order, []op.Value{blob(s.lo)})
	}
	return r.query(text+col+" >= ?1 AND "+col+" < ?2"+order, []op.Value{blob(s.lo), op.Bytes(s.hi)})
}

// blob binds bytes that may be nil as an empty blob.
func blob(b []byte) op.Value {
	if b == nil {
		b = []byte{}
	}
	return op.Bytes(b)
}

// query runs a two-column statement (rowid, document) lazily.
func (r *run) query(text string, args []op.Value) source {
	next := r.rows(text, args)
	return func() (row, error) {
		v, err := next()
		if err != nil {
			return row{}, err
		}
		return row{rid: v[0].Int(), doc: v[1].Raw, pos: -1}, nil
	}
}

// rows runs any statement lazily, a few rows at first, then in larger pieces.
func (r *run) rows(text string, args []op.Value) func() ([]op.Value, error) {
	var (
		st   *sqlite.Stmt
		buf  []op.Value
		at   int
		done bool
		n    = 16
		cols int
	)
	return func() ([]op.Value, error) {
		if st == nil && !done {
			var err error
			if st, err = r.tx.Conn.Prepare(text); err != nil {
				return nil, storage(err)
			}
			r.open = append(r.open, st)
			if err := st.Bind(args); err != nil {
				return nil, storage(err)
			}
			cols = st.Columns()
		}
		if at >= len(buf) {
			if done {
				return nil, io.EOF
			}
			if err := r.ctx.Err(); err != nil {
				return nil, op.Errorf(op.Canceled, "operation was interrupted")
			}
			var err error
			buf, done, err = st.Fetch(nil, n, 1<<20)
			at = 0
			if n < 1024 {
				n *= 4
			}
			if err != nil {
				done = true
				return nil, storage(err)
			}
			if done {
				r.release(st)
			}
			if len(buf) == 0 {
				return nil, io.EOF
			}
		}
		v := buf[at : at+cols]
		at += cols
		return v, nil
	}
}

// release closes one statement early.
func (r *run) release(st *sqlite.Stmt) {
	for i, s := range r.open {
		if s == st {
			r.open = append(r.open[:i], r.open[i+1:]...)
			st.Close()
			return
		}
	}
}

// storage makes an *op.Error of a storage failure.
func storage(err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*op.Error); ok {
		return e
	}
	return &op.Error{Code: op.Internal, Msg: "storage failure: " + err.Error(), Err: err}
}

// filtered applies a filter to a source.
func (r *run) filtered(src source, f *filter) source {
	if f.all {
		return src
	}
	e := r.env()
	return func() (row, error) {
		for {
			x, err := src()
			if err != nil {
				return x, err
			}
			ok, pos := f.matches(x.doc, e)
			if e.err != nil {
				return x, e.err
			}
			if ok {
				x.pos = pos
				return x, nil
			}
		}
	}
}

// find reads the documents that match, in order when the access can give it;
// sorted tells whether it did.
func (r *run) find(t *catalog.Table, f *filter, sort []op.Sort) (src source, sorted bool, err error) {
	if t == nil {
		return empty, true, nil
	}
	if t.Kind != catalog.KindCollection {
		src, sorted, err := r.tableRows(t, f, sort)
		if err != nil {
			return nil, false, err
		}
		return r.filtered(src, f), sorted, nil
	}
	indexes, err := openIndexes(t)
	if err != nil {
		return nil, false, err
	}
	a := choose(f.expr, sort, indexes)
	return r.filtered(r.scan(t, a), f), a.sorted || len(sort) == 0, nil
}

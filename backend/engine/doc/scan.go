package doc

import (
	"context"
	"io"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// run is the execution of one statement inside a transaction.
type run struct {
	ctx       context.Context
	tx        *object.Tx
	lets      map[string]bsonval.V
	feeds     []*feed // statements that were begun
	used      []*catalog.Table
	rel       Relational
	seen      *examined // what explain counts, nil otherwise
	depth     int       // of views
	coll      *collator // of the statement
	collGiven bool      // the statement names it
	// fixed is the time when there is no transaction (an update by pipeline).
	fixed time.Time
}

// examined counts what a read looks at.
type examined struct{ keys, docs int64 }

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
func (r *run) env() *env {
	e := newEnv(r.now(), r.lets)
	e.coll = r.coll
	return e
}

// close returns the statements the execution still holds.
func (r *run) close() {
	for _, f := range r.feeds {
		f.drop()
		f.ended, f.buf, f.at = true, nil, 0
	}
	r.feeds = nil
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
	r.used = append(r.used, t)
	if a.full {
		src := r.whole(t, a.desc, a.after).docsOf()
		if r.seen == nil {
			return src
		}
		return func() (row, error) {
			x, err := src()
			if err == nil {
				r.seen.docs++
			}
			return x, err
		}
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
				if r.seen != nil {
					r.seen.keys++
				}
				if seen != nil {
					if seen[x.rid] {
						continue
					}
					seen[x.rid] = true
				}
				if r.seen != nil {
					r.seen.docs++
				}
				return x, nil
			}
			if err != io.EOF || i == len(a.spans) {
				return x, err
			}
			next = r.spanFeed(t, a, a.spans[i]).docsOf()
			i++
		}
	}
}

// blob binds bytes that may be nil as an empty blob.
func blob(b []byte) op.Value {
	if b == nil {
		b = []byte{}
	}
	return op.Bytes(b)
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

// query is what a read asks for.
type query struct {
	filter *filter
	sort   []op.Sort
	hint   *doc.Hint
	coll   *collator
	after  int64 // only documents behind this record number, in that order
}

// find reads the documents that match, in order when the access can give it;
// sorted tells whether it did.
func (r *run) find(t *catalog.Table, q query) (src source, sorted bool, err error) {
	if t == nil {
		return empty, true, nil
	}
	k, err := r.collation(t)
	if err != nil {
		return nil, false, err
	}
	if q.coll = k; k != nil && !q.filter.all {
		if q.filter, err = k.compileFilter(q.filter.expr); err != nil {
			return nil, false, err
		}
	}
	switch t.Kind {
	case catalog.KindCollection:
	case catalog.KindDocView:
		src, err := r.viewRows(t)
		if err != nil {
			return nil, false, err
		}
		return r.filtered(src, q.filter), len(q.sort) == 0, nil
	default:
		if q.hint != nil && q.hint.Natural == 0 {
			return nil, false, badHint()
		}
		src, sorted, err := r.tableRows(t, q.filter, q.sort)
		if err != nil {
			return nil, false, err
		}
		return r.filtered(src, q.filter), sorted || len(q.sort) == 0, nil
	}
	a, err := r.access(t, q)
	if err != nil {
		return nil, false, err
	}
	return r.filtered(r.scan(t, a), q.filter), a.sorted || len(q.sort) == 0, nil
}

// access picks how a collection is read.
func (r *run) access(t *catalog.Table, q query) (access, error) {
	if q.after > 0 {
		return access{full: true, after: q.after}, nil
	}
	s, err := r.settings(t)
	if err != nil {
		return access{}, err
	}
	return choose(q, s.indexes)
}

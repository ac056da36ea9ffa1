package doc

import (
	"io"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// feed is a statement that is read in pieces. Between two pieces it can be
// left: it then holds nothing but the place of the last row it gave, and goes
// on behind it in a later transaction.
type feed struct {
	r    *run
	text func(place []op.Value) (string, []op.Value) // the statement from the start (nil) or behind a place
	mark func(v []op.Value) []op.Value               // place of a row; nil: the statement cannot be left

	st    *sqlite.Stmt
	buf   []op.Value
	at    int
	n     int
	cols  int
	ended bool // SQLite has no more rows
	begun bool // it is in the run's list
	place []op.Value
}

// next returns the next row; io.EOF ends it.
func (f *feed) next() ([]op.Value, error) {
	if f.at < len(f.buf) {
		v := f.buf[f.at : f.at+f.cols]
		f.at += f.cols
		return v, nil
	}
	if f.ended {
		return nil, io.EOF
	}
	if err := f.fetch(); err != nil {
		f.ended = true
		return nil, err
	}
	if len(f.buf) == 0 {
		return nil, io.EOF
	}
	f.at = f.cols
	return f.buf[:f.cols], nil
}

// fetch reads the next piece: a few rows at first, then larger ones.
func (f *feed) fetch() error {
	if !f.begun {
		f.begun = true
		f.r.feeds = append(f.r.feeds, f)
	}
	if f.st == nil {
		sql, args := f.text(f.place)
		st, err := f.r.tx.Conn.Prepare(sql)
		if err != nil {
			return storage(err)
		}
		f.st = st
		if err := st.Bind(args); err != nil {
			return storage(err)
		}
		if f.cols == 0 {
			f.cols = st.Columns()
		}
	}
	if err := f.r.ctx.Err(); err != nil {
		return op.Errorf(op.Canceled, "operation was interrupted")
	}
	if f.n == 0 {
		f.n = 16
	}
	var err error
	f.buf, f.ended, err = f.st.Fetch(nil, f.n, 1<<20)
	f.at = 0
	if f.n < 1024 {
		f.n *= 4
	}
	if err != nil {
		return storage(err)
	}
	if f.ended {
		f.drop()
	}
	return nil
}

// drop returns the statement.
func (f *feed) drop() {
	if f.st != nil {
		f.st.Close()
		f.st = nil
	}
}

// leave remembers the place and lets go of everything else.
func (f *feed) leave() {
	f.drop()
	if f.at >= len(f.buf) && f.ended {
		f.buf = nil
		return
	}
	if f.at > 0 {
		f.place = f.mark(f.buf[f.at-f.cols : f.at])
		for i, v := range f.place {
			f.place[i].Raw = append([]byte(nil), v.Raw...)
		}
	}
	f.buf, f.at, f.ended = nil, 0, false
}

// leave lets go of the run's statements so that its transaction can end; false
// when one of them cannot be left.
func (r *run) leave() bool {
	for _, f := range r.feeds {
		if f.mark == nil && !(f.ended && f.at >= len(f.buf)) {
			return false
		}
	}
	for _, f := range r.feeds {
		f.leave()
	}
	return true
}

// docsOf reads a feed of rowids and documents.
func (f *feed) docsOf() source {
	return func() (row, error) {
		v, err := f.next()
		if err != nil {
			return row{}, err
		}
		return row{rid: v[0].Int(), doc: v[1].Raw, pos: -1}, nil
	}
}

// whole reads a collection in the order of storage.
func (r *run) whole(t *catalog.Table, desc bool, after int64) *feed {
	head := "SELECT rid, doc FROM " + catalog.Quote(t.Store)
	past, order := " WHERE rid > ?1", " ORDER BY rid"
	if desc {
		past, order = " WHERE rid < ?1", " ORDER BY rid DESC"
	}
	f := &feed{r: r, mark: func(v []op.Value) []op.Value { return []op.Value{v[0]} }}
	if after > 0 {
		f.place = []op.Value{op.Int64(after)}
	}
	f.text = func(place []op.Value) (string, []op.Value) {
		if place == nil {
			return head + order, nil
		}
		return head + past + order, place
	}
	return f
}

// spanFeed reads the rows of one span of keys.
func (r *run) spanFeed(t *catalog.Table, a access, s span) *feed {
	head, col := "SELECT rid, doc, _id FROM "+catalog.Quote(t.Store)+" WHERE ", "_id"
	if a.idx != nil {
		head = "SELECT t.rid, t.doc, i.k FROM " + a.idx.table + " i CROSS JOIN " + catalog.Quote(t.Store) + " t ON t.rid = i.rid WHERE "
		col = "i.k"
	}
	unique := a.idx == nil || a.idx.cat.Unique
	f := &feed{r: r, mark: func(v []op.Value) []op.Value { return []op.Value{v[2], v[0]} }}
	if s.point && unique {
		f.text = func(place []op.Value) (string, []op.Value) {
			if place != nil {
				return head + "0", nil
			}
			return head + col + " = ?1", []op.Value{op.Bytes(s.lo)}
		}
		return f
	}
	f.text = func(place []op.Value) (string, []op.Value) { return spanText(head, col, unique, a.desc, s, place) }
	return f
}

// spanText writes the statement of one span, from its start or behind a place.
func spanText(head, col string, unique, desc bool, s span, place []op.Value) (string, []op.Value) {
	dir, past := "", ">"
	if desc {
		dir, past = " DESC", "<"
	}
	order := " ORDER BY " + col + dir
	if !unique {
		order += ", i.rid" + dir
	}
	var cond string
	args := []op.Value{blob(s.lo)}
	switch {
	case s.point:
		cond = col + " = ?1"
	case s.hi == nil:
		cond = col + " >= ?1"
	default:
		cond = col + " >= ?1 AND " + col + " < ?2"
		args = append(args, op.Bytes(s.hi))
	}
	if place == nil {
		return head + cond + order, args
	}
	n := len(args)
	if unique {
		return head + cond + " AND " + col + " " + past + " ?" + itoa(n+1) + order, append(args, blob(place[0].Raw))
	}
	cond += " AND (" + col + ", i.rid) " + past + " (?" + itoa(n+1) + ", ?" + itoa(n+2) + ")"
	return head + cond + order, append(args, blob(place[0].Raw), place[1])
}

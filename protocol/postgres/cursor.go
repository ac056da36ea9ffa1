package postgres

import (
	"bytes"
	"context"
	"io"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// cursor is what DECLARE made: rows read so far, and the reply that has the
// rest. Rows are kept because a cursor may be moved backwards.
type cursor struct {
	reply op.Reply
	cols  []op.Column
	rows  []op.Value
	read  int // rows in rows
	pos   int // row the cursor is on, 0 = before the first
	hold  bool
	ended bool
	solid bool // survives its transaction: it has committed
	back  bool // may move backwards (not NO SCROLL)
}

// typeName is the SQL name of a type for a cast; an unknown one is text.
func typeName(t op.Type) string {
	if t.Base == op.TUnknown {
		return "text"
	}
	return datum.TypeName(t)
}

// collect reads a reply to its end and copies its values.
func collect(ctx context.Context, r op.Reply) (vals []op.Value, cols []op.Column, err error) {
	c := &cursor{reply: r}
	defer c.close()
	err = c.fill(ctx, -1)
	return c.rows, c.cols, err
}

// fill reads until n rows are there; a negative n reads all.
func (c *cursor) fill(ctx context.Context, n int) error {
	for !c.ended && (n < 0 || c.read < n) {
		f, err := c.reply.Next(ctx)
		if err == io.EOF {
			c.ended = true
			return c.reply.Close()
		}
		if err != nil {
			return cause(ctx, err)
		}
		switch f := f.(type) {
		case *op.Head:
			if f.Columns != nil {
				c.cols = f.Columns
			}
		case *op.Rows:
			for _, v := range f.Values {
				v.Raw = bytes.Clone(v.Raw)
				c.rows = append(c.rows, v)
			}
			c.read += f.N()
		}
	}
	return nil
}

// close releases the reply.
func (c *cursor) close() {
	if !c.ended && c.reply != nil {
		_ = c.reply.Close() // what is left is not wanted
	}
	c.ended = true
}

// cursorStmt runs DECLARE, FETCH, MOVE and CLOSE.
func (s *session) cursorStmt(ctx context.Context, st *rel.Stmt, args []op.Value) (op.Reply, error) {
	x := st.Session
	switch x.Word {
	case "DECLARE CURSOR":
		return s.declare(ctx, x)
	case "CLOSE CURSOR ALL":
		s.closeCursors(true)
		return tagged(x.Word), nil
	}
	c, ok := s.cursors[x.Name]
	if !ok {
		return nil, &stateError{state: "34000", msg: "cursor \"" + x.Name + "\" does not exist", routine: "PerformPortalFetch"}
	}
	if x.Word == "CLOSE CURSOR" {
		c.close()
		delete(s.cursors, x.Name)
		return tagged(x.Word), nil
	}
	return c.fetch(ctx, x)
}

// declare opens a cursor.
func (s *session) declare(ctx context.Context, x *rel.Session) (op.Reply, error) {
	c := &cursor{back: true}
	for _, o := range x.Options {
		switch o[0] {
		case "hold":
			c.hold = true
		case "no scroll":
			c.back = false
		case "binary":
			return nil, op.Errorf(op.Unsupported, "BINARY cursors are not supported")
		}
	}
	if (s.txn.id == 0 || s.txn.implicit && s.txn.status == 'I') && !c.hold {
		return nil, &stateError{state: "25P01", msg: "DECLARE CURSOR can only be used in transaction blocks", routine: "RequireTransactionBlock"}
	}
	if _, dup := s.cursors[x.Name]; dup {
		return nil, &stateError{state: "42P03", msg: "cursor \"" + x.Name + "\" already exists", routine: "CreatePortal"}
	}
	p, err := s.prepare(ctx, x.Query, nil)
	if err != nil {
		return nil, err
	}
	if p.stmt == nil || p.cols == nil {
		return nil, op.Errorf(op.Syntax, "DECLARE CURSOR needs a query")
	}
	if c.reply, err = s.exec(ctx, p.stmt, nil); err != nil {
		return nil, err
	}
	c.cols = p.cols
	if s.txn.id == 0 {
		c.solid = true
		if err := c.fill(ctx, -1); err != nil {
			return nil, err
		}
	}
	s.cursors[x.Name] = c
	return tagged("DECLARE CURSOR"), nil
}

// fetch runs FETCH and MOVE.
func (c *cursor) fetch(ctx context.Context, x *rel.Session) (op.Reply, error) {
	dir, count := "forward", 1
	if len(x.Args) > 0 {
		dir = x.Args[0]
	}
	all := false
	if len(x.Args) > 1 {
		n, err := strconv.Atoi(x.Args[1])
		all = err != nil
		count = n
	}
	if count < 0 && (dir == "forward" || dir == "backward") {
		count = -count
		dir = map[string]string{"forward": "backward", "backward": "forward"}[dir]
	}
	start := c.pos
	var rows []int // 1-based
	switch dir {
	case "absolute", "relative":
		at := count
		if dir == "relative" {
			at += c.pos
		}
		if err := c.seek(ctx, at, dir == "absolute" && count < 0); err != nil {
			return nil, err
		}
		if c.pos >= 1 && c.pos <= c.read {
			rows = append(rows, c.pos)
		}
	case "backward":
		for n := 0; all || n < count || count == 0 && n == 0; n++ {
			if count != 0 || all {
				c.pos--
			}
			if c.pos < 1 {
				c.pos = 0
				break
			}
			if c.pos <= c.read {
				rows = append(rows, c.pos)
			}
		}
	default:
		want := c.pos + count
		if all {
			want = -1
		}
		if err := c.fill(ctx, want); err != nil {
			return nil, err
		}
		if count == 0 && !all && c.pos >= 1 && c.pos <= c.read {
			rows = append(rows, c.pos)
		}
		for n := 0; all || n < count; n++ {
			if c.pos++; c.pos > c.read {
				c.pos = c.read + 1
				break
			}
			rows = append(rows, c.pos)
		}
	}
	if !c.back && c.pos < start {
		c.pos = start
		return nil, &stateError{state: "55000", msg: "cursor can only scan forward", hint: "Declare it with SCROLL option to enable backward scan.", routine: "PortalRunFetch"}
	}
	return c.answer(x.Word, rows), nil
}

// seek moves to an absolute row; from the end when back is set.
func (c *cursor) seek(ctx context.Context, at int, back bool) error {
	if back {
		if err := c.fill(ctx, -1); err != nil {
			return err
		}
		at = c.read + 1 + at
	}
	if err := c.fill(ctx, max(at, 0)); err != nil {
		return err
	}
	c.pos = min(max(at, 0), c.read+1)
	return nil
}

// answer builds the reply of FETCH (rows) or MOVE (count).
func (c *cursor) answer(word string, rows []int) op.Reply {
	done := &op.Done{Tag: word, Affected: int64(len(rows))}
	if word == "MOVE" {
		return op.ReplyOf(done)
	}
	k := len(c.cols)
	out := &op.Rows{Cols: k}
	for _, r := range rows {
		out.Values = append(out.Values, c.rows[(r-1)*k:r*k]...)
	}
	return op.ReplyOf(&op.Head{Columns: c.cols}, out, done)
}

// closeCursors ends the cursors of a transaction, or all.
func (s *session) closeCursors(all bool) {
	for n, c := range s.cursors {
		if all || !c.solid {
			c.close()
			delete(s.cursors, n)
		}
	}
}

// holdCursors makes WITH HOLD cursors independent of the transaction that is
// about to commit.
func (s *session) holdCursors(ctx context.Context) error {
	for _, c := range s.cursors {
		if c.hold && !c.solid {
			if err := c.fill(ctx, -1); err != nil {
				return err
			}
			c.solid = true
		}
	}
	return nil
}

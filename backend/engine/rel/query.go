package rel

import (
	"context"
	"io"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Batch sizes of row frames.
const (
	batchRows  = 1024
	batchBytes = 64 << 10
)

// query runs one statement.
func (e *Engine) query(ctx context.Context, s *object.Scope, o *op.Op, q *rel.Query) (op.Reply, error) {
	env := envOf(q.Env)
	c, run, err := e.plan(s.Catalog(), s.Local(), q, env)
	if err != nil {
		return nil, err
	}
	switch {
	case c.Kind == sql.KindRows:
		return op.ReplyOf(c.head, &op.Rows{Cols: len(c.Columns), Values: c.Rows},
			&op.Done{Tag: c.Tag, Affected: rowsOf(c.Rows, len(c.Columns))}), nil
	case c.Kind == sql.KindAccept:
		return op.ReplyOf(&op.Done{Tag: c.Tag}), nil
	case c.Kind == sql.KindQuery && !c.Sequence:
		return e.read(ctx, s, c, run, env)
	}
	return e.write(ctx, s, c, run, q, env)
}

// write runs a plan that changes data. It is apart from query so that what its
// closure holds costs reads nothing.
func (e *Engine) write(ctx context.Context, s *object.Scope, c *compiled, run, q *rel.Query, env *rel.Env) (op.Reply, error) {
	var res *result
	lsn, err := s.Write(ctx, func(tx *object.Tx) (err error) {
		if c.Version != tx.Catalog().Version { // the schema changed while we waited
			if c, run, err = e.plan(tx.Catalog(), tx.Local(), q, env); err != nil {
				return err
			}
		}
		res, err = e.runWrite(tx, c, run, env)
		return err
	})
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(res.frames(c, lsn)...), nil
}

// read runs a query on a reader. A result that fits one batch (or one that
// belongs to a transaction) is complete when read returns and holds nothing;
// a longer one is started again as a stream.
func (e *Engine) read(ctx context.Context, s *object.Scope, c *compiled, q *rel.Query, env *rel.Env) (op.Reply, error) {
	r := &reading{ctx: ctx, e: e, c: c, q: q, env: env, whole: s.InTxn()}
	r.rows.Values, r.rows.Cols = r.few[:0], len(c.Columns)
	if err := s.Read(ctx, r.run); err != nil {
		return nil, e.explain(c, err)
	}
	if r.ended {
		if c.Explain != nil {
			r.rows.Values, r.rows.Cols = c.Explain(r.rows.Values), 1
		}
		r.done.Tag, r.done.Affected = c.Tag, rowsOf(r.rows.Values, r.rows.Cols)
		r.Add(c.head)
		r.Add(&r.rows)
		r.Add(&r.done)
		return &r.Short, nil
	}
	v, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	cur := &cursor{long: true}
	if err := e.open(ctx, v.Tx, c, q, env, cur); err != nil {
		v.Close()
		return nil, e.explain(c, err)
	}
	return &stream{view: v, cur: cur, call: &cur.call, c: c, e: e}, nil
}

// reading is one query and its reply, in one allocation.
type reading struct {
	op.Short
	ctx   context.Context // of the call of read, which run is part of
	e     *Engine
	c     *compiled
	q     *rel.Query
	env   *rel.Env
	whole bool // fetch to the end
	ended bool
	rows  op.Rows
	done  op.Done
	cur   cursor
	few   [4]op.Value
}

// run fetches the first batch, or all.
func (r *reading) run(tx *object.Tx) error {
	cur := &r.cur
	if err := r.e.open(r.ctx, tx, r.c, r.q, r.env, cur); err != nil {
		return err
	}
	defer cur.close()
	r.done.LSN, r.ended, r.rows.Values = tx.LSN(), false, r.rows.Values[:0]
	for !r.ended {
		var err error
		if r.rows.Values, r.ended, err = cur.next(r.rows.Values); err != nil {
			return err
		}
		r.done.Extra = cur.call.Effects
		if !r.whole {
			return nil
		}
	}
	return nil
}

// rowsOf counts the rows of a flattened batch.
func rowsOf(v []op.Value, cols int) int64 {
	if cols == 0 {
		return 0
	}
	return int64(len(v) / cols)
}

// stream is a reply that reads on demand and holds a view until it ends.
type stream struct {
	view *object.View
	cur  *cursor
	call *sql.Call
	c    *compiled
	e    *Engine
	head bool
	n    int64
	end  bool
	next chan batch // the batch that is fetched while the last one is used
}

// batch is the outcome of one fetch.
type batch struct {
	vals []op.Value
	done bool
	err  error
}

// fetch starts to fetch a batch.
func (r *stream) fetch() {
	cur, next := r.cur, make(chan batch, 1)
	r.next = next
	go func() {
		var b batch
		defer func() {
			if p := recover(); p != nil {
				b.err = op.Errorf(op.Internal, "internal error: %v", p)
			}
			next <- b
		}()
		b.vals, b.done, b.err = cur.next(nil)
	}()
}

// await returns the batch that fetch began.
func (r *stream) await() batch {
	if r.next == nil {
		r.fetch()
	}
	b := <-r.next
	r.next = nil
	return b
}

// Next implements op.Reply.
func (r *stream) Next(ctx context.Context) (op.Frame, error) {
	switch {
	case !r.head:
		r.head = true
		return r.c.head, nil
	case r.end:
		return nil, io.EOF
	case r.cur == nil:
		r.end = true
		return &op.Done{Tag: r.c.Tag, Affected: r.n, Extra: r.call.Effects}, nil
	}
	if err := ctx.Err(); err != nil {
		_ = r.Close()
		return nil, &op.Error{Code: op.Canceled, Msg: "canceling statement due to user request", Err: err}
	}
	b := r.await()
	if b.err != nil {
		_ = r.Close()
		return nil, r.e.explain(r.c, b.err)
	}
	rows := &op.Rows{Cols: len(r.c.Columns), Values: b.vals}
	r.n += rowsOf(b.vals, rows.Cols)
	if !b.done {
		r.fetch()
		return rows, nil
	}
	r.release()
	if len(b.vals) == 0 {
		return r.Next(ctx)
	}
	return rows, nil
}

// release gives the reader back.
func (r *stream) release() {
	if r.cur != nil {
		if r.next != nil { // nobody wants it any more
			r.cur.conn.Interrupt()
			<-r.next
			r.next = nil
		}
		r.cur.close()
		r.view.Close()
		r.cur = nil
	}
}

// Close implements op.Reply.
func (r *stream) Close() error {
	r.release()
	r.end = true
	return nil
}

// cursor is one running query.
type cursor struct {
	conn    *sqlite.Conn
	call    sql.Call
	seqs    session
	st      *sqlite.Stmt
	ctx     context.Context
	running *op.Running
	guard   *guard
	stop    func() bool
	long    bool // lives beside other statements of its session
}

// open prepares, binds and guards a query on tx's connection.
func (e *Engine) open(ctx context.Context, tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env, cur *cursor) error {
	conn := tx.Conn
	if err := e.system(tx, c, env); err != nil {
		return err
	}
	e.callIn(tx, env, &cur.call, &cur.seqs)
	conn.Call = &cur.call
	st, err := conn.Prepare(c.Text)
	if err != nil {
		return err
	}
	args, err := bindArgs(c, c.Binds, q.Args, env, tx)
	if err == nil {
		err = st.Bind(args)
	}
	if err == nil && ctx.Err() != nil {
		err = &op.Error{Code: op.Canceled, Msg: "canceling statement due to user request", Err: ctx.Err()}
	}
	if err != nil {
		st.Close()
		return err
	}
	cur.conn, cur.st, cur.ctx = conn, st, ctx
	switch r, ok := ctx.(*op.Running); {
	case ctx.Done() == nil || tx.Writable():
	case ok && !cur.long:
		r.Begin(conn)
		cur.running = r
	default:
		g := &guard{conn: conn}
		cur.guard, cur.stop = g, context.AfterFunc(ctx, g.interrupt)
	}
	return nil
}

// next fetches one batch.
func (c *cursor) next(dst []op.Value) ([]op.Value, bool, error) {
	vals, done, err := c.st.Fetch(dst, batchRows, batchBytes)
	if err != nil && c.ctx.Err() != nil {
		err = &op.Error{Code: op.Canceled, Msg: "canceling statement due to user request", Err: err}
	}
	return vals, done, err
}

// close ends the query.
func (c *cursor) close() {
	if c.running != nil {
		c.running.End()
		c.running = nil
	}
	if c.stop != nil {
		c.stop()
		c.guard.end()
		c.stop = nil
	}
	c.st.Close()
	c.conn.Call = nil
}

// guard interrupts a connection only while its statement runs: an interrupt
// that comes late must not hit the connection's next user.
type guard struct {
	mu   sync.Mutex
	conn *sqlite.Conn
}

// interrupt stops the statement.
func (g *guard) interrupt() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.conn != nil {
		g.conn.Interrupt()
	}
}

// end disarms the guard.
func (g *guard) end() {
	g.mu.Lock()
	g.conn = nil
	g.mu.Unlock()
}

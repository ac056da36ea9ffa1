package postgres

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// session is one connection after start-up: its transaction, prepared
// statements, portals, cursors, settings and subscriptions.
type session struct {
	srv      *server
	conn     net.Conn
	secure   bool
	w        *wire
	ps       *protocol.Session
	user     string
	database string
	temp     string // schema of temporary objects, "" = none yet

	set     *settings
	env     *rel.Env
	text    datum.Options
	timeout time.Duration
	idle    [2]time.Duration // idle_session_timeout, idle_in_transaction_session_timeout

	txn     txn
	stmts   map[string]*prepared
	portals map[string]*portal
	cursors map[string]*cursor
	listens map[string]*listening
	skip    bool    // an extended-protocol error: ignore messages up to Sync
	spare   *portal // the last unnamed portal, for reuse
	batch   uint64  // counts Syncs
	bind    bind    // scratch of the Bind message
	row     rowWriter

	expect []op.Column // what the client knows of the rows of the statement at hand
	over   func()      // statementDone, made once

	ctx    context.Context // of the connection
	stmt   *op.Running     // of the statement at hand; kept while not cancelled
	cancel context.CancelFunc
}

// newSession returns a session before start-up.
func newSession(srv *server, c net.Conn) *session {
	s := &session{srv: srv, conn: c, set: newSettings(), env: &rel.Env{}, stmts: map[string]*prepared{},
		portals: map[string]*portal{}, cursors: map[string]*cursor{}, listens: map[string]*listening{}, txn: txn{status: 'I'}}
	s.over = s.statementDone
	return s
}

// serve runs the connection to its end.
func (s *session) serve(ctx context.Context) error {
	s.ctx = ctx
	base := s.conn // s.conn changes with TLS
	stop := context.AfterFunc(ctx, func() { _ = base.SetReadDeadline(time.Now()) })
	defer stop()
	m, err := s.handshake(ctx)
	if err == nil && m == nil {
		return nil
	}
	if err == nil {
		err = s.welcome(ctx, m)
	}
	if err != nil {
		return s.die(err)
	}
	s.w.draining = func() bool { return ctx.Err() != nil }
	s.w.quiet = func() bool { return s.txn.status == 'I' && s.txn.id == 0 }
	for {
		typ, body, err := s.w.next()
		if err != nil {
			return s.die(err)
		}
		if typ == 'X' {
			return nil
		}
		if err := s.message(typ, body); err != nil {
			return s.die(err)
		}
	}
}

// patience is how long the session may wait for the next message: the
// listener's limit, or the shorter one the client set.
func (s *session) patience() time.Duration {
	d, own := s.srv.env.Limits.IdleTimeout, s.idle[0]
	if s.txn.id != 0 {
		own = s.idle[1]
	}
	if own > 0 && (d <= 0 || own < d) {
		return own
	}
	return d
}

// die ends the connection, saying why if the client can still hear it.
func (s *session) die(err error) error {
	if s.w == nil {
		s.w = newWire(s.conn, 0)
	}
	switch {
	case s.ctx.Err() != nil:
		err = &stateError{state: "57P01", msg: "terminating connection due to administrator command", routine: "ProcessInterrupts"}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return err
	}
	var ne net.Error
	if errors.As(err, &ne) {
		if !ne.Timeout() {
			return err
		}
		err = &stateError{state: "57P05", msg: "terminating connection due to idle-session timeout", routine: "ProcessInterrupts"}
		if s.txn.id != 0 {
			err = &stateError{state: "25P03", msg: "terminating connection due to idle-in-transaction timeout", routine: "ProcessInterrupts"}
		}
	}
	s.sendError(err, "FATAL")
	_ = s.conn.SetWriteDeadline(time.Now().Add(5 * time.Second))
	if ferr := s.w.flush(); ferr != nil {
		return ferr
	}
	if s.ctx.Err() != nil || !isProtocol(err) {
		return nil
	}
	return err
}

// close releases everything the session holds. An open transaction is rolled
// back, whatever ended the connection.
func (s *session) close() {
	s.closePortals()
	s.closeCursors(true)
	s.unlistenAll()
	if s.txn.id != 0 {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 30*time.Second)
		s.rollback(ctx)
		cancel()
	}
	_ = s.dropTemp(context.WithoutCancel(s.ctx)) // what is left is dropped when the number is used again
	if s.cancel != nil {
		s.cancel()
	}
	if s.ps != nil {
		s.srv.env.Sessions.Remove(s.ps)
	}
}

// dropTemp drops the session's temporary objects.
func (s *session) dropTemp(ctx context.Context) error {
	if s.temp == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	list, err := s.parse(ctx, "DROP SCHEMA IF EXISTS "+s.temp+" CASCADE")
	if err != nil {
		return err
	}
	r, err := s.query(ctx, list[0], nil)
	if err != nil {
		return err
	}
	if _, err = op.Drain(ctx, r); err != nil {
		return err
	}
	s.temp = ""
	s.settingsChanged()
	return nil
}

// message handles one message after start-up. An error ends the connection.
func (s *session) message(typ byte, body []byte) error {
	if s.skip && typ != 'S' {
		return nil
	}
	switch typ {
	case 'Q':
		q, rest, ok := cutString(body)
		if !ok || len(rest) != 0 {
			return protocolError("invalid string in message")
		}
		return s.simple(string(q))
	case 'S':
		return s.sync()
	case 'H':
		return s.w.flush()
	case 'd', 'c', 'f': // left over from a COPY that failed
		return nil
	case 'F':
		s.extendedError(op.Errorf(op.Unsupported, "function calls through the protocol are not supported"))
		s.skip = false
		return s.finish()
	}
	h, ok := extended[typ]
	if !ok {
		return protocolError("invalid frontend message type " + itoa(int(typ)))
	}
	if err := h(s, body); err != nil {
		if isProtocol(err) {
			return err
		}
		s.extendedError(err)
	}
	return nil
}

// finish sends the settings that changed and ReadyForQuery.
func (s *session) finish() error {
	s.reportSettings()
	s.w.ready(s.txn.status)
	return nil
}

// statement returns the context of the next statement; done must be called
// after it. The context is shared by statements until one is cancelled.
func (s *session) statement() (ctx context.Context, done func()) {
	if s.stmt == nil || s.stmt.Err() != nil {
		s.stmt, s.cancel = op.NewRunning(s.ctx)
	}
	s.ps.SetCancel(s.cancel)
	if s.timeout <= 0 {
		return s.stmt, s.over
	}
	ctx, stop := context.WithTimeoutCause(s.stmt, s.timeout, errTimeout)
	return ctx, func() { stop(); s.statementDone() }
}

// statementDone makes the session uncancellable again.
func (s *session) statementDone() { s.ps.SetCancel(nil) }

// errTimeout is the cause of a statement that ran too long.
var errTimeout = &stateError{state: "57014", msg: "canceling statement due to statement timeout", routine: "ProcessInterrupts"}

// cause replaces a context error by the reason the client is told.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && (op.CodeOf(err) == op.Canceled || errors.Is(err, ctx.Err())) {
		if c := context.Cause(ctx); c == errTimeout {
			return c
		}
		return op.Errorf(op.Canceled, "canceling statement due to user request")
	}
	return err
}

// do runs one body in the session's transaction.
func (s *session) do(ctx context.Context, body op.Body) (op.Reply, error) {
	o := &op.Op{}
	s.address(o, body)
	return s.srv.env.Exec.Do(ctx, o)
}

// address fills in an operation.
func (s *session) address(o *op.Op, body op.Body) {
	o.ID, o.Target, o.Subject, o.Body = s.srv.ops.Add(1), op.Target{Database: s.database, Shard: -1}, s.user, body
	if s.ps != nil {
		o.Session.ID = s.ps.ID
	}
	if s.txn.id != 0 {
		s.txn.seq++
		o.Session.Txn, o.Session.Seq = s.txn.id, s.txn.seq
	}
}

// query runs one data or schema statement. Operation and body are one
// allocation: this is the hot path.
func (s *session) query(ctx context.Context, st *rel.Stmt, args []op.Value) (op.Reply, error) {
	c := &struct {
		o op.Op
		q rel.Query
	}{q: rel.Query{Stmt: st, Args: args, Env: s.env, Expect: s.expect}}
	s.address(&c.o, &c.q)
	return s.srv.env.Exec.Do(ctx, &c.o)
}

// done runs a body that answers nothing but Done.
func (s *session) done(ctx context.Context, body op.Body) (*op.Done, error) {
	r, err := s.do(ctx, body)
	if err != nil {
		return nil, err
	}
	return op.Drain(ctx, r)
}

// parse splits a text into statements.
func (s *session) parse(ctx context.Context, text string) ([]*rel.Stmt, error) {
	if i := strings.IndexByte(text, 0); i >= 0 {
		return nil, &stateError{state: "22021", msg: "invalid byte sequence for encoding \"UTF8\": 0x00"}
	}
	if err := validText(text); err != nil {
		return nil, err
	}
	r, err := s.do(ctx, &rel.Parse{Dialect: rel.Postgres, Text: text})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	p, ok := r.(*rel.Parsed)
	if !ok {
		return nil, op.Errorf(op.Internal, "parser gave no statements")
	}
	return p.Statements, nil
}

package mysql

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// Status flags of OK and EOF packets.
const (
	statusInTrans      uint16 = 0x0001
	statusAutocommit   uint16 = 0x0002
	statusMoreResults  uint16 = 0x0008
	statusNoBackslash  uint16 = 0x0200
	statusSessionState uint16 = 0x4000
)

// session is one client connection. One goroutine uses it.
type session struct {
	srv      *server
	ctx      context.Context // ends with the connection
	w        *wire
	reg      *protocol.Session
	caps     uint32
	scramble []byte
	secure   bool // over TLS
	user     string
	host     string
	db       string
	charset  uint16

	env        rel.Env
	opts       datum.Options
	vars       map[string]string // session values that differ from the global ones
	autocommit bool
	isolation  ctl.Isolation
	nextIso    *ctl.Isolation // SET TRANSACTION: for the next transaction only
	readOnly   bool
	nextRO     *bool

	stmtCtx context.Context // ends with the statement at hand (KILL QUERY)
	opID    uint64
	txn     uint64 // open transaction, 0 = none
	lastTxn uint64
	seq     uint64

	stmts    map[uint32]*prepared
	lastStmt uint32
	named    map[string]*rel.Stmt
	warnings []warning
	track    []byte // session state changes of the statement at hand
	parsed   parseCache
	locked   map[string]bool // LOCK TABLES: name → may write; nil = none
	quit     bool
	maxTime  time.Duration // max_execution_time
}

// newSession returns the state of a fresh connection.
func newSession(ctx context.Context, srv *server, c net.Conn) *session {
	s := &session{srv: srv, ctx: ctx, w: newWire(c), host: hostOf(c.RemoteAddr()), stmts: map[uint32]*prepared{}, named: map[string]*rel.Stmt{}}
	s.resetVars()
	return s
}

// resetVars gives all variables their global values.
func (s *session) resetVars() {
	s.vars = map[string]string{}
	s.env.Vars = map[string]op.Value{}
	s.autocommit, s.isolation, s.readOnly, s.nextIso, s.nextRO = true, ctl.RepeatableRead, false, nil, nil
	s.env.SQLMode, s.env.TimeZone, s.opts.Location = "", "", nil
	s.env.LastID, s.env.FoundRows, s.env.RowCount = 0, 0, 0
	for _, name := range []string{"sql_mode", "time_zone", "autocommit", "transaction_isolation", "transaction_read_only", "foreign_key_checks", "max_execution_time"} {
		_ = s.applyVar(name, s.srv.global.get(s, name)) // global values were checked when they were set
	}
}

// close ends what the client left open.
func (s *session) close() {
	s.srv.locks.release(s)
	if s.txn != 0 {
		_ = s.endTxn(context.WithoutCancel(s.ctx), &ctl.Rollback{}) // nobody is left to tell
	}
}

// status returns the status flags.
func (s *session) status(more bool) uint16 {
	var f uint16
	if s.autocommit {
		f |= statusAutocommit
	}
	if s.txn != 0 {
		f |= statusInTrans
	}
	if more {
		f |= statusMoreResults
	}
	if len(s.track) > 0 {
		f |= statusSessionState
	}
	return f
}

// serve greets and answers commands until the client leaves.
func (s *session) serve() error {
	if d := s.srv.env.Limits.AuthTimeout; d > 0 {
		_ = s.w.c.SetReadDeadline(time.Now().Add(d)) // a closed socket shows at the read
	}
	if err := s.handshake(); err != nil {
		var e *op.Error
		if errors.As(err, &e) {
			s.sendError(err)
			_ = s.w.flush() // the connection ends anyway
		}
		return expected(err)
	}
	s.ok(&op.Done{}, false)
	if err := s.w.flush(); err != nil {
		return err
	}
	for !s.quit {
		if err := s.idle(); err != nil {
			return err
		}
		msg, err := s.w.read(s.srv.maxMsg)
		if err != nil {
			return s.readFailed(err)
		}
		if err := s.command(msg); err != nil {
			return err
		}
		if err := s.w.flush(); err != nil {
			return err
		}
	}
	return nil
}

// idle sets the deadline for the next command.
func (s *session) idle() error {
	if s.ctx.Err() != nil {
		return s.readFailed(os.ErrDeadlineExceeded)
	}
	d := s.srv.env.Limits.IdleTimeout
	if d <= 0 {
		return s.w.c.SetReadDeadline(time.Time{})
	}
	return s.w.c.SetReadDeadline(time.Now().Add(d))
}

// readFailed says goodbye when the server ends the connection.
func (s *session) readFailed(err error) error {
	switch {
	case s.ctx.Err() != nil:
		s.w.seq = 0
		s.sendError(&op.Error{Code: op.Unavailable, Msg: "Server shutdown in progress"})
	case op.CodeOf(err) == op.TooLarge:
		s.sendError(err)
	default:
		return err
	}
	_ = s.w.flush() // the connection ends anyway
	return nil
}

// expected hides the failures a client causes from the log.
func expected(err error) error {
	if op.CodeOf(err) == op.Internal {
		return err
	}
	return nil
}

// do runs one body in this session.
func (s *session) do(ctx context.Context, body op.Body) (op.Reply, error) {
	return s.doIn(ctx, s.db, body)
}

// doIn runs one body on a database.
func (s *session) doIn(ctx context.Context, db string, body op.Body) (op.Reply, error) {
	s.opID++
	o := &op.Op{
		ID:      s.reg.ID<<32 | s.opID&0xffffffff,
		Target:  op.Target{Database: db, Shard: -1},
		Session: op.Session{ID: s.reg.ID, Txn: s.txn},
		Subject: s.user,
		Body:    body,
	}
	if s.txn != 0 {
		s.seq++
		o.Session.Seq = s.seq
	}
	return s.srv.env.Exec.Do(ctx, o)
}

// statement returns the context of a new statement. It is made again only
// after a KILL QUERY used the last one up.
func (s *session) statement() context.Context {
	if s.stmtCtx == nil || s.stmtCtx.Err() != nil {
		var cancel context.CancelFunc
		s.stmtCtx, cancel = context.WithCancel(s.ctx)
		s.reg.SetCancel(cancel)
	}
	return s.stmtCtx
}

// use changes the current database.
func (s *session) use(name string) error {
	if isSystem(name) {
		s.setDatabase(name)
		return nil
	}
	r, err := s.doIn(s.ctx, name, &ctl.OpenDatabase{Name: name})
	if err != nil {
		return err
	}
	canonical, err := firstValue(s.ctx, r)
	if err != nil {
		return err
	}
	if canonical != "" {
		name = canonical
	}
	s.setDatabase(name)
	return nil
}

// change is USE and COM_INIT_DB: unlike the database of a login, which may be
// created on first use, the name must exist.
func (s *session) change(name string) error {
	list, err := s.databases(s.ctx)
	if err != nil {
		return err
	}
	plain, _, _ := strings.Cut(name, "?")
	for _, d := range list {
		if d[0].Str() == plain {
			return s.use(name)
		}
	}
	return &op.Error{Code: op.NoDatabase, Object: "database", Name: name, Msg: "unknown database"}
}

// isSystem reports whether a database is one of the server's own.
func isSystem(name string) bool { return name == "information_schema" }

// setDatabase notes the current database. information_schema is a view of the
// default database's catalog.
func (s *session) setDatabase(name string) {
	s.db = name
	s.env.Database = name
	if isSystem(name) {
		s.db = s.srv.env.Database
	}
	s.env.SearchPath = nil
	if isSystem(name) {
		s.env.SearchPath = []string{name}
	}
	s.trackState(1, appendLenString(nil, name))
}

// trackState notes a session state change for clients that asked.
func (s *session) trackState(kind byte, data []byte) {
	if s.caps&capSessionTrack == 0 {
		return
	}
	s.track = appendLenBytes(append(s.track, kind), data)
}

// firstValue drains a reply and returns its first value as text.
func firstValue(ctx context.Context, r op.Reply) (string, error) {
	defer r.Close()
	out := ""
	for {
		f, err := r.Next(ctx)
		if err != nil {
			if isEOF(err) {
				return out, nil
			}
			return "", err
		}
		if v, ok := f.(*op.Values); ok && len(v.Values) > 0 && out == "" {
			out = string(v.Values[0].Raw)
		}
	}
}

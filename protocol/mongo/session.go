package mongo

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// transactionLifetime is how long a transaction may stay open, as MongoDB's
// transactionLifetimeLimitSeconds.
const transactionLifetime = 60 * time.Second

// sessionTimeout is logicalSessionTimeoutMinutes.
const sessionTimeout = 30 * time.Minute

// logicalSession is a client session named by an lsid. Any connection may use
// it.
type logicalSession struct {
	mu   sync.Mutex
	id   string
	last time.Time
	txn  *transaction
	core *protocol.Session // the number transactions run under; nil until one starts
}

// transaction is a multi-document transaction.
type transaction struct {
	number   int64  // the client's txnNumber
	id       uint64 // Op.Session.Txn
	session  uint64 // Op.Session.ID
	database string // it may touch one database
	seq      uint64
	state    txnState
	timer    *time.Timer
}

// txnState is the state of a transaction.
type txnState uint8

// Transaction states.
const (
	txnOpen txnState = iota
	txnCommitted_
	txnAborted
)

// logicalSessions is the table of sessions.
type logicalSessions struct {
	mu   sync.Mutex
	live map[string]*logicalSession
}

// newLogicalSessions returns an empty table.
func newLogicalSessions() *logicalSessions {
	return &logicalSessions{live: map[string]*logicalSession{}}
}

// get returns a session, made on first use. Sessions nobody used for the
// timeout are forgotten when the table grows.
func (t *logicalSessions) get(id []byte) *logicalSession {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.live[string(id)]
	if s == nil {
		if len(t.live) >= 10000 {
			for k, o := range t.live {
				if time.Since(o.last) > sessionTimeout {
					delete(t.live, k)
				}
			}
		}
		s = &logicalSession{id: string(id)}
		t.live[s.id] = s
	}
	s.last = time.Now()
	return s
}

// take removes sessions from the table and returns them.
func (t *logicalSessions) take(ids []string) []*logicalSession {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*logicalSession
	for _, id := range ids {
		if s := t.live[id]; s != nil {
			out = append(out, s)
			delete(t.live, id)
		}
	}
	return out
}

// all lists the ids of all sessions.
func (t *logicalSessions) all() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var ids []string
	for id := range t.live {
		ids = append(ids, id)
	}
	return ids
}

// endSessions closes sessions with their cursors and transactions.
func (s *server) endSessions(ctx context.Context, ids []string) {
	for _, l := range s.logical.take(ids) {
		l.mu.Lock()
		if l.txn != nil && l.txn.state == txnOpen {
			s.rollback(ctx, l.txn)
		}
		if l.core != nil {
			s.env.Sessions.Remove(l.core)
		}
		l.mu.Unlock()
	}
	s.cursors.closeSession(ids)
}

// rollback aborts an open transaction. The session's lock is held.
func (s *server) rollback(ctx context.Context, t *transaction) {
	t.state = txnAborted
	if t.timer != nil {
		t.timer.Stop()
	}
	if t.database == "" {
		return
	}
	r, err := s.env.Exec.Do(ctx, s.txnOp(t, &ctl.Rollback{}))
	if err == nil {
		_ = r.Close()
	}
}

// txnOp builds an operation inside a transaction.
func (s *server) txnOp(t *transaction, b op.Body) *op.Op {
	t.seq++
	return &op.Op{ID: s.ops.Add(1), Target: op.Target{Database: t.database, Shard: -1}, Session: op.Session{ID: t.session, Txn: t.id, Seq: t.seq}, Body: b}
}

// lostCommit are the errors of a commit that has not happened.
var lostCommit = map[int32]bool{24: true, 112: true, 246: true, 251: true, 267: true}

// transient marks an error after which the whole transaction may be retried.
func transient(e *cmdError) *cmdError {
	if !slices.Contains(e.labels, "TransientTransactionError") {
		e.labels = append(e.labels, "TransientTransactionError")
	}
	return e
}

// enter finds or starts the transaction a command belongs to. The session's
// lock is held until the command ends.
func (r *request) enter() error {
	if r.opt.lsid == nil {
		if r.opt.hasTxn {
			return errorf(invalidOptions, "Transaction number requires a session ID to also be specified")
		}
		return nil
	}
	if r.opt.autocommit {
		return nil
	}
	if !r.opt.hasTxn {
		return errorf(invalidOptions, "'autocommit' field requires a transaction number to also be specified")
	}
	if !r.cmd.txn {
		return errorf(notSupportedInTxn, "Cannot run '%s' in a multi-document transaction.", r.name)
	}
	s := r.c.s
	l := s.logical.get(r.opt.lsid)
	l.mu.Lock()
	r.sess = l
	t := l.txn
	switch {
	case t != nil && r.opt.txnNumber < t.number:
		return errorf(transactionTooOld, "Cannot start transaction %d because a newer transaction %d has already started.", r.opt.txnNumber, t.number)
	case r.opt.start && (t == nil || r.opt.txnNumber > t.number):
		if t != nil && t.state == txnOpen {
			s.rollback(context.Background(), t)
		}
		if l.core == nil {
			l.core = &protocol.Session{System: s.env.Name, Remote: "session", Kill: func() {}}
			s.env.Sessions.Add(l.core)
		}
		t = &transaction{number: r.opt.txnNumber, id: s.txns.Add(1), session: l.core.ID}
		t.timer = time.AfterFunc(transactionLifetime, func() {
			l.mu.Lock()
			defer l.mu.Unlock()
			if t.state == txnOpen {
				s.rollback(context.Background(), t)
			}
		})
		l.txn = t
	case r.opt.start:
		return errorf(code{50911, "Location50911"}, "Cannot start a transaction at given transaction number %d: it was used before", r.opt.txnNumber)
	case t == nil || t.number != r.opt.txnNumber:
		return transient(errorf(noSuchTransaction, "Given transaction number %d does not match any in-progress transactions.", r.opt.txnNumber))
	}
	r.txn = t
	if r.cmd.name == "commitTransaction" || r.cmd.name == "abortTransaction" {
		return nil
	}
	switch t.state {
	case txnCommitted_:
		return errorf(txnCommitted, "Transaction %d has been committed.", t.number)
	case txnAborted:
		return transient(errorf(noSuchTransaction, "Transaction with { txnNumber: %d } has been aborted.", t.number))
	}
	return r.pin()
}

// pin ties the transaction to the database of its first statement.
func (r *request) pin() error {
	t := r.txn
	if t.database == "" {
		t.database = r.db
		if err := r.c.s.openDatabase(context.Background(), r.db); err != nil {
			t.database = ""
			return err
		}
		rep, err := r.c.s.env.Exec.Do(context.Background(), r.c.s.txnOp(t, &ctl.Begin{Isolation: ctl.RepeatableRead}))
		if err != nil {
			return err
		}
		return rep.Close()
	}
	if t.database != r.db {
		return errorf(notSupportedInTxn, "a transaction cannot span databases: it began in '%s' and this command is for '%s'", t.database, r.db)
	}
	return nil
}

// leave releases what enter took.
func (r *request) leave() {
	if r.sess != nil {
		r.sess.mu.Unlock()
	}
}

// failed turns an error into the reply, with the labels drivers act on. An
// error inside a transaction aborts it, as in MongoDB.
func (r *request) failed(ctx context.Context, err error) *cmdError {
	e := translate(err)
	if e.code == interrupted && !r.opt.deadline.IsZero() && !time.Now().Before(r.opt.deadline) {
		e = errorf(maxTimeExpired, "operation exceeded time limit")
	}
	if e.fixed {
		return e
	}
	switch {
	case r.opt.hasTxn && !r.opt.autocommit:
		if retryableCodes[e.code.n] && r.cmd.name != "commitTransaction" && r.cmd.name != "abortTransaction" || e.code.n == 112 || e.code.n == 246 {
			return transient(e)
		}
		if r.cmd.name == "commitTransaction" && lostCommit[e.code.n] {
			return transient(e)
		}
		if retryableCodes[e.code.n] {
			e.labels = append(e.labels, "RetryableWriteError")
		}
	case r.cmd.retry && r.opt.hasTxn && retryableCodes[e.code.n]:
		e.labels = append(e.labels, "RetryableWriteError")
	}
	return e
}

// abortOnError ends a transaction whose statement failed.
func (r *request) abortOnError(err error) error {
	if r.txn == nil || r.cmd.name == "commitTransaction" || r.cmd.name == "abortTransaction" {
		return err
	}
	e := translate(err)
	if r.txn.state == txnOpen {
		r.c.s.rollback(context.Background(), r.txn)
	}
	switch e.code {
	case writeConflict, noSuchTransaction, shutdown, lockTimeout:
		return transient(e)
	}
	return e
}

// cmdCommit serves commitTransaction.
func cmdCommit(ctx context.Context, r *request) ([]byte, error) {
	t := r.txn
	if t == nil {
		return nil, errorf(invalidOptions, "commitTransaction must be run within a transaction")
	}
	switch t.state {
	case txnCommitted_:
		return newReply().ok(), nil
	case txnAborted:
		return nil, transient(errorf(noSuchTransaction, "Transaction with { txnNumber: %d } has been aborted.", t.number))
	}
	t.timer.Stop()
	if t.database != "" {
		rep, err := r.c.s.env.Exec.Do(context.WithoutCancel(ctx), r.c.s.txnOp(t, &ctl.Commit{}))
		if err != nil {
			t.state = txnAborted
			return nil, transient(translate(err))
		}
		_ = rep.Close()
	}
	t.state = txnCommitted_
	return newReply().ok(), nil
}

// cmdAbort serves abortTransaction.
func cmdAbort(ctx context.Context, r *request) ([]byte, error) {
	t := r.txn
	if t == nil {
		return nil, errorf(invalidOptions, "abortTransaction must be run within a transaction")
	}
	if t.state != txnOpen {
		return nil, transient(errorf(noSuchTransaction, "Transaction with { txnNumber: %d } is not in progress.", t.number))
	}
	r.c.s.rollback(context.WithoutCancel(ctx), t)
	return newReply().ok(), nil
}

// sessionStage reports whether a pipeline begins with a list of sessions.
func sessionStage(items []bsonval.V) (string, bool) {
	if len(items) == 0 {
		return "", false
	}
	for _, name := range []string{"$listLocalSessions", "$listSessions"} {
		if bsonval.Get(items[0].Data, name).Type != 0 {
			return name, true
		}
	}
	return "", false
}

// sessionsCursor serves $listLocalSessions and $listSessions: the rest of the
// pipeline runs over the list.
func (r *request) sessionsCursor(ctx context.Context, rest []bsonval.V, o cursorOptions) ([]byte, error) {
	var docs []bsonval.V
	t := r.c.s.logical
	t.mu.Lock()
	for id, s := range t.live {
		x := newReply().doc("_id", newReply().add("id", bsonval.V{Type: bsonval.Binary, Data: []byte(id)}).end()).add("lastUse", bsonval.DateV(s.last.UnixMilli()))
		docs = append(docs, bsonval.DocV(x.end()))
	}
	t.mu.Unlock()
	stages, err := parsePipeline(rest)
	if err != nil {
		return nil, err
	}
	b := &doc.Aggregate{Stages: append([]doc.Stage{{Kind: doc.StageDocuments, Key: constant(bsonval.ArrayV(docs))}}, stages...), Batch: o.batch}
	if b.Lets, err = r.lets(); err != nil {
		return nil, err
	}
	r.db = r.c.s.env.Database
	if err := r.c.s.openDatabase(ctx, r.db); err != nil {
		return nil, err
	}
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	return r.openCursor(ctx, rep, o)
}

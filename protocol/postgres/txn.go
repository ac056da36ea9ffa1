package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// txn is the session's transaction. A block that BEGIN opened is explicit; a
// simple query of several statements and an extended pipeline run in an
// implicit one that ends with them.
type txn struct {
	status   byte   // 'I' no block, 'T' in a block, 'E' in a failed block
	id       uint64 // Session.Txn, 0 = none
	last     uint64 // last id used
	seq      uint64
	implicit bool
	begin    ctl.Begin
	used     bool // a statement ran in it: too late for SET TRANSACTION
	notify   []msg.Publish
	listen   []func(context.Context) error // LISTEN and UNLISTEN take effect at commit
}

// errAborted refuses statements in a failed block.
func errAborted() error {
	return &stateError{state: "25P02", msg: "current transaction is aborted, commands ignored until end of transaction block", routine: "exec_simple_query"}
}

// open starts a transaction below.
func (s *session) open(ctx context.Context, b ctl.Begin, implicit bool) error {
	s.txn.last++
	s.txn.id, s.txn.seq, s.txn.begin, s.txn.implicit, s.txn.used = s.txn.last, 0, b, implicit, false
	if _, err := s.done(ctx, &s.txn.begin); err != nil {
		s.txn.id = 0
		return err
	}
	env := *s.env
	env.TxnStart = time.Now().UnixMicro()
	s.env = &env
	s.set.begin()
	return nil
}

// defaults returns the transaction mode of the session's settings.
func (s *session) defaults() ctl.Begin {
	return ctl.Begin{Isolation: isolation(s.set.get("default_transaction_isolation")), ReadOnly: s.set.get("default_transaction_read_only") == "on"}
}

// isolation maps a level's name; read uncommitted is read committed.
func isolation(name string) ctl.Isolation {
	switch name {
	case "repeatable read":
		return ctl.RepeatableRead
	case "serializable":
		return ctl.Serializable
	}
	return ctl.ReadCommitted
}

// ended forgets the transaction.
func (s *session) ended(committed bool) {
	s.txn.id, s.txn.status, s.txn.implicit = 0, 'I', false
	s.txn.notify, s.txn.listen = nil, nil
	s.closePortals()
	s.closeCursors(false)
	s.set.end(committed)
	env := *s.env
	env.TxnStart = 0
	s.env = &env
	if s.set.dirty {
		s.settingsChanged()
	}
}

// commit ends the transaction and sends what waited for it.
func (s *session) commit(ctx context.Context) error {
	s.closePortals()
	if err := s.holdCursors(ctx); err != nil {
		s.rollback(ctx)
		return err
	}
	if _, err := s.done(ctx, &ctl.Commit{}); err != nil {
		s.rollback(ctx)
		return err
	}
	notify, listen := s.txn.notify, s.txn.listen
	s.ended(true)
	for _, f := range listen {
		if err := f(ctx); err != nil {
			return err
		}
	}
	for i := range notify {
		if _, err := s.done(ctx, &notify[i]); err != nil {
			return err
		}
	}
	return nil
}

// rollback undoes the transaction. It cannot fail: what the layer below cannot
// undo is gone already.
func (s *session) rollback(ctx context.Context) {
	s.closePortals()
	if ctx.Err() != nil { // the statement was cancelled, the rollback is not
		ctx = context.WithoutCancel(ctx)
	}
	if _, err := s.done(ctx, &ctl.Rollback{}); err != nil {
		s.srv.env.Log.Warn("rollback failed", "err", err)
	}
	s.ended(false)
}

// failed moves the transaction to where an error leaves it: an implicit one is
// undone, a block waits for its end.
func (s *session) failed() {
	switch {
	case s.txn.id == 0:
	case s.txn.implicit:
		s.rollback(s.ctx)
	default:
		s.txn.status = 'E'
	}
}

// transaction runs a transaction statement.
func (s *session) transaction(ctx context.Context, st *rel.Stmt, _ []op.Value) (op.Reply, error) {
	x := st.Session
	tag := x.Word
	var err error
	switch x.Word {
	case "BEGIN", "START TRANSACTION":
		err = s.beginBlock(ctx, x)
	case "COMMIT", "END":
		tag, err = s.commitBlock(ctx, x)
	case "ROLLBACK", "ABORT":
		tag, err = "ROLLBACK", s.rollbackBlock(ctx, x)
	case "SAVEPOINT":
		err = s.savepoint(ctx, x.Name, ctl.SavepointSet, "SAVEPOINT")
	case "RELEASE":
		err = s.savepoint(ctx, x.Name, ctl.SavepointRelease, "RELEASE SAVEPOINT")
	case "ROLLBACK TO":
		tag, err = "ROLLBACK", s.savepoint(ctx, x.Name, ctl.SavepointRollback, "ROLLBACK TO SAVEPOINT")
	default:
		err = op.Errorf(op.Unsupported, "%s is not supported", x.Word)
	}
	if err != nil {
		return nil, err
	}
	return tagged(tag), nil
}

// mode returns the transaction mode a BEGIN or SET TRANSACTION asks for.
func mode(b ctl.Begin, x *rel.Session) ctl.Begin {
	if x.Isolation != "" {
		b.Isolation = isolation(lower(x.Isolation))
	}
	if x.ReadOnly != nil {
		b.ReadOnly = *x.ReadOnly
	}
	return b
}

// beginBlock opens a block, or makes an implicit transaction one.
func (s *session) beginBlock(ctx context.Context, x *rel.Session) error {
	if s.txn.id != 0 && !s.txn.implicit {
		s.notice("WARNING", "25001", "there is already a transaction in progress")
		return nil
	}
	if s.txn.id == 0 {
		if err := s.open(ctx, mode(s.defaults(), x), false); err != nil {
			return err
		}
	}
	s.txn.implicit, s.txn.status = false, 'T'
	return nil
}

// commitBlock ends a block; a failed one is rolled back and says so.
func (s *session) commitBlock(ctx context.Context, x *rel.Session) (tag string, err error) {
	b := s.txn.begin
	if s.txn.id == 0 || s.txn.implicit {
		if x.Chain {
			return "", &stateError{state: "25P01", msg: "COMMIT AND CHAIN can only be used in transaction blocks", routine: "RequireTransactionBlock"}
		}
		s.notice("WARNING", "25P01", "there is no transaction in progress")
		if s.txn.id == 0 {
			return "COMMIT", nil
		}
	}
	tag = "COMMIT"
	if s.txn.status == 'E' {
		tag = "ROLLBACK"
		s.rollback(ctx)
	} else if err := s.commit(ctx); err != nil {
		return "", err
	}
	return tag, s.chain(ctx, x, b)
}

// rollbackBlock undoes a block.
func (s *session) rollbackBlock(ctx context.Context, x *rel.Session) error {
	b := s.txn.begin
	if s.txn.id == 0 || s.txn.implicit {
		if x.Chain {
			return &stateError{state: "25P01", msg: "ROLLBACK AND CHAIN can only be used in transaction blocks", routine: "RequireTransactionBlock"}
		}
		s.notice("WARNING", "25P01", "there is no transaction in progress")
		if s.txn.id == 0 {
			return nil
		}
	}
	s.rollback(ctx)
	return s.chain(ctx, x, b)
}

// chain opens the next block of AND CHAIN.
func (s *session) chain(ctx context.Context, x *rel.Session, b ctl.Begin) error {
	if !x.Chain {
		return nil
	}
	if err := s.open(ctx, b, false); err != nil {
		return err
	}
	s.txn.status = 'T'
	return nil
}

// savepoint runs one of the savepoint statements.
func (s *session) savepoint(ctx context.Context, name string, a ctl.SavepointAction, what string) error {
	if s.txn.id == 0 || s.txn.implicit {
		return &stateError{state: "25P01", msg: what + " can only be used in transaction blocks", routine: "RequireTransactionBlock"}
	}
	_, err := s.done(ctx, &ctl.Savepoint{Name: name, Action: a})
	var e *op.Error
	if errors.As(err, &e) && (e.Code == op.NoTransaction || e.Code == op.Undefined) {
		return &stateError{state: "3B001", msg: "savepoint \"" + name + "\" does not exist", routine: "DefineSavepoint"}
	}
	if err == nil && a == ctl.SavepointRollback {
		s.txn.status = 'T'
	}
	return err
}

// endsBlock reports statements that are allowed in a failed block.
func endsBlock(st *rel.Stmt) bool {
	if st.Kind != rel.KindTxn {
		return false
	}
	switch st.Session.Word {
	case "COMMIT", "END", "ROLLBACK", "ABORT", "ROLLBACK TO":
		return true
	}
	return false
}

// setTransaction runs SET TRANSACTION and SET SESSION CHARACTERISTICS.
func (s *session) setTransaction(x *rel.Session) error {
	if x.Word == "SET SESSION CHARACTERISTICS" {
		if x.Isolation != "" {
			v := lower(x.Isolation)
			if err := s.set.assign("default_transaction_isolation", &v, false); err != nil {
				return err
			}
		}
		if x.ReadOnly != nil {
			v := "off"
			if *x.ReadOnly {
				v = "on"
			}
			if err := s.set.assign("default_transaction_read_only", &v, false); err != nil {
				return err
			}
		}
		return nil
	}
	if s.txn.id == 0 || s.txn.implicit {
		s.notice("WARNING", "25P01", "SET TRANSACTION can only be used in transaction blocks")
		return nil
	}
	b := mode(s.txn.begin, x)
	if b == s.txn.begin {
		return nil
	}
	if s.txn.used {
		if b.Isolation != s.txn.begin.Isolation {
			return &stateError{state: "25001", msg: "SET TRANSACTION ISOLATION LEVEL must be called before any query", routine: "check_transaction_isolation"}
		}
		if !b.ReadOnly {
			return &stateError{state: "25001", msg: "transaction read-write mode must be set before any query", routine: "check_transaction_read_only"}
		}
		return op.Errorf(op.Unsupported, "a transaction that has run statements cannot become read-only")
	}
	// Nothing ran yet: replace the transaction by one of the new mode.
	if _, err := s.done(s.ctx, &ctl.Rollback{}); err != nil {
		return err
	}
	s.txn.last++
	s.txn.id, s.txn.seq, s.txn.begin = s.txn.last, 0, b
	_, err := s.done(s.ctx, &s.txn.begin)
	return err
}

package mysql

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// isEOF reports the end of a reply.
func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// beginTxn opens a transaction.
func (s *session) beginTxn(ctx context.Context, readOnly bool) error {
	b := &ctl.Begin{Isolation: s.isolation, ReadOnly: readOnly || s.readOnly}
	if s.nextIso != nil {
		b.Isolation = *s.nextIso
	}
	if s.nextRO != nil && !readOnly {
		b.ReadOnly = *s.nextRO
	}
	s.nextIso, s.nextRO = nil, nil
	// InnoDB's REPEATABLE READ reads a snapshot but writes the newest rows and
	// never fails for that; below, a writer on a snapshot fails. So it is given
	// to transactions that only read.
	if b.Isolation == ctl.RepeatableRead && !b.ReadOnly {
		b.Isolation = ctl.ReadCommitted
	}
	s.lastTxn++
	s.txn, s.seq = s.lastTxn, 0
	if err := s.finish(ctx, b); err != nil {
		s.txn = 0
		return err
	}
	return nil
}

// finish runs a body that answers nothing.
func (s *session) finish(ctx context.Context, body op.Body) error {
	r, err := s.do(ctx, body)
	if err != nil {
		return err
	}
	_, err = op.Drain(ctx, r)
	return err
}

// endTxn commits or rolls back the open transaction, if any.
func (s *session) endTxn(ctx context.Context, body op.Body) error {
	if s.txn == 0 {
		return nil
	}
	err := s.finish(ctx, body)
	s.txn = 0
	return err
}

// implicit opens the transaction that autocommit=0 asks for before a statement
// that reads or writes tables.
func (s *session) implicit(ctx context.Context) error {
	if s.autocommit || s.txn != 0 {
		return nil
	}
	return s.beginTxn(ctx, false)
}

// failed rolls the transaction back when the server below gave it up.
func (s *session) failed(err error) {
	switch op.CodeOf(err) {
	case op.Deadlock, op.Serialization, op.TransactionAborted:
		if s.txn != 0 {
			_ = s.endTxn(context.WithoutCancel(s.ctx), &ctl.Rollback{}) // the first error is the one to report
		}
	}
}

// control runs BEGIN, COMMIT, ROLLBACK and savepoints.
func (s *session) control(ctx context.Context, x *rel.Session) error {
	switch x.Word {
	case "START TRANSACTION":
		if err := s.endTxn(ctx, &ctl.Commit{}); err != nil {
			return err
		}
		s.srv.locks.release(s)
		return s.beginTxn(ctx, x.ReadOnly != nil && *x.ReadOnly)
	case "COMMIT", "ROLLBACK":
		var body op.Body = &ctl.Commit{}
		if x.Word == "ROLLBACK" {
			body = &ctl.Rollback{}
		}
		if err := s.endTxn(ctx, body); err != nil {
			return err
		}
		if len(x.Args) > 0 { // RELEASE
			s.quit = true
		}
		if x.Chain {
			return s.beginTxn(ctx, false)
		}
		return nil
	}
	return s.savepoint(ctx, x)
}

// savepoint sets, releases or returns to a savepoint. Outside a transaction
// SAVEPOINT does nothing and the others fail, as in MySQL.
func (s *session) savepoint(ctx context.Context, x *rel.Session) error {
	b := &ctl.Savepoint{Name: strings.ToLower(x.Name)}
	switch x.Word {
	case "RELEASE SAVEPOINT":
		b.Action = ctl.SavepointRelease
	case "ROLLBACK TO SAVEPOINT":
		b.Action = ctl.SavepointRollback
	default:
		if err := s.implicit(ctx); err != nil {
			return err
		}
	}
	if s.txn == 0 {
		if b.Action == ctl.SavepointSet {
			return nil
		}
		return &op.Error{Code: op.NoTransaction, Object: "savepoint", Name: x.Name, Msg: "savepoint does not exist"}
	}
	err := s.finish(ctx, b)
	if e := op.AsError(err); e != nil && e.Code == op.NoTransaction {
		e = &op.Error{Code: op.NoTransaction, Object: "savepoint", Name: x.Name, Msg: e.Msg}
		return e
	}
	return err
}

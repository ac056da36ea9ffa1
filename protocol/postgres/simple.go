package postgres

// Simple query: Query carries any number of statements. More than one form an
// implicit transaction, unless they open and close blocks themselves; an error
// ends the whole message and undoes that transaction.

import (
	"context"

	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// simple runs a Query message.
func (s *session) simple(text string) error {
	s.dropPortal("")
	delete(s.stmts, "")
	ctx, done := s.statement()
	err := s.simpleAll(ctx, text)
	done()
	if err != nil {
		if isProtocol(err) {
			return err
		}
		s.failed()
		s.sendError(err, "ERROR")
	}
	return s.finish()
}

// simpleAll runs the statements in order.
func (s *session) simpleAll(ctx context.Context, text string) error {
	list, err := s.parse(ctx, text)
	if err != nil {
		return cause(ctx, err)
	}
	if len(list) == 0 {
		s.w.empty('I')
		return nil
	}
	for i, st := range list {
		last := i == len(list)-1
		if s.txn.id == 0 && !last && works(st) {
			if err := s.open(ctx, s.defaults(), true); err != nil {
				return err
			}
		}
		if err := s.simpleOne(ctx, st, last); err != nil {
			return err
		}
	}
	return nil
}

// simpleOne runs one statement and sends its rows and tag. The last one also
// ends the implicit transaction before its tag says that it worked.
func (s *session) simpleOne(ctx context.Context, st *rel.Stmt, last bool) error {
	reply, err := s.exec(ctx, st, nil)
	if err != nil {
		return cause(ctx, err)
	}
	r := &result{reply: reply}
	defer r.close()
	if _, err := s.send(ctx, r, nil, 0, true); err != nil {
		return cause(ctx, err)
	}
	if last && s.txn.id != 0 && s.txn.implicit {
		if err := s.commit(ctx); err != nil {
			return cause(ctx, err)
		}
	}
	s.complete(r, r.sent)
	return nil
}

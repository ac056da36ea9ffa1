package object

import (
	"context"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// Scope is where a statement runs: an object, and either autocommit or the
// session's open interactive transaction. Release lets the object go.
type Scope struct {
	obj *Object
	key txnKey
}

// txnKey names an interactive transaction.
type txnKey struct{ session, txn uint64 }

// Release must be called once for every Scope.
func (s *Scope) Release() { s.obj.store.unref(s.obj) }

// Again opens a scope on the same object after this one was released: for
// replies that go on later. A dropped object is not made anew.
func (s *Scope) Again(ctx context.Context) (*Scope, error) {
	return s.obj.store.Scope(ctx, s.obj.database, s.obj.shard, op.Session{}, false)
}

// InTxn reports whether the statement belongs to an interactive transaction.
func (s *Scope) InTxn() bool { return s.key.txn != 0 }

// Object returns the object's database and shard number.
func (s *Scope) Object() (database string, shard int) { return s.obj.database, s.obj.shard }

// txn returns the interactive transaction, opened with defaults when its first
// statement comes without Begin; nil in autocommit.
func (s *Scope) txn() *txn {
	if s.key.txn == 0 {
		return nil
	}
	o := s.obj
	o.txnMu.Lock()
	defer o.txnMu.Unlock()
	t := o.txns[s.key]
	if t == nil {
		t = newTxn(o)
		o.txns[s.key] = t
		o.refs.Add(1) // an open transaction keeps the object open
	}
	return t
}

// take removes the transaction from the table.
func (s *Scope) take() *txn {
	o := s.obj
	o.txnMu.Lock()
	defer o.txnMu.Unlock()
	t := o.txns[s.key]
	delete(o.txns, s.key)
	return t
}

// Catalog returns the catalog a statement of this scope binds against.
func (s *Scope) Catalog() *catalog.Snapshot {
	if s.key.txn != 0 {
		s.obj.txnMu.Lock()
		t := s.obj.txns[s.key]
		s.obj.txnMu.Unlock()
		if t != nil && t.alone {
			return t.tx.Catalog()
		}
	}
	return s.obj.Catalog()
}

// Read runs fn on the caller's goroutine, on a reader connection or, once the
// session's transaction has written, on the writer. What fn saw is durable, or
// the transaction's own, when Read returns.
func (s *Scope) Read(ctx context.Context, fn func(*Tx) error) error {
	if t := s.txn(); t != nil {
		return t.read(ctx, fn)
	}
	return s.obj.read(ctx, fn)
}

// Write runs fn alone in the object's write transaction. If fn fails or
// panics only its own changes are undone. In autocommit Write returns when the
// commit is durable. fn may run on another caller's goroutine and must not wait
// for anything but SQLite; it may run again after its changes were undone (it
// met a row that another transaction has locked), so what it sets outside it
// sets anew each time.
func (s *Scope) Write(ctx context.Context, fn func(*Tx) error) (lsn uint64, err error) {
	if t := s.txn(); t != nil {
		return t.write(ctx, fn)
	}
	return s.obj.write(ctx, fn)
}

// Open holds a reader for a streaming reply. Inside a transaction it is
// refused: materialise the result with Read.
func (s *Scope) Open(ctx context.Context) (*View, error) {
	if s.InTxn() {
		return nil, op.Errorf(op.Internal, "a result cannot stream from inside a transaction")
	}
	return s.obj.view(ctx)
}

// Begin opens the interactive transaction with options. Nothing is locked
// until its first statement.
func (s *Scope) Begin(b ctl.Begin) error {
	if s.key.txn == 0 {
		return op.Errorf(op.InvalidArgument, "begin without a transaction number")
	}
	s.txn().opts = b
	return nil
}

// Commit ends the transaction; what it wrote is durable. An unknown transaction
// wrote nothing.
func (s *Scope) Commit() (lsn uint64, err error) {
	t := s.take()
	if t == nil {
		return 0, nil
	}
	defer s.obj.store.unref(s.obj)
	return t.commit()
}

// Rollback undoes the transaction.
func (s *Scope) Rollback() {
	if t := s.take(); t != nil {
		t.drop()
		s.obj.store.unref(s.obj)
	}
}

// Savepoint sets, releases or returns to a mark in the transaction.
func (s *Scope) Savepoint(b *ctl.Savepoint) error {
	t := s.txn()
	if t == nil {
		return op.Errorf(op.NoTransaction, "savepoints need a transaction")
	}
	return t.savepoint(b)
}

// Now returns the object's time, as a transaction that began now would see it.
func (s *Scope) Now() time.Time { return s.obj.store.now() }

// Local holds engine state of the object in memory, as Tx.Local.
func (s *Scope) Local() *sync.Map { return &s.obj.local }

package object

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Tx is one transaction as an engine sees it. It is valid only inside the
// closure (or until the View is closed) it was handed to.
type Tx struct {
	// Conn is the connection to run statements on. A closure never runs BEGIN,
	// COMMIT, ROLLBACK or SAVEPOINT on it.
	Conn *sqlite.Conn

	obj      *Object
	now      time.Time
	lsn      uint64
	writable bool
	cat      *catalog.Snapshot // pending, nil = published
	hooks    []func()
	last     []func() error
	epoch    uint64
}

// epochs numbers transactions and their undos.
var epochs atomic.Uint64

// Now returns the time of the transaction, the same for its whole life.
func (tx *Tx) Now() time.Time { return tx.now }

// Writable reports whether the closure may change data.
func (tx *Tx) Writable() bool { return tx.writable }

// LSN returns the number this write commits under, or, for a read, the number
// of the last commit it sees.
func (tx *Tx) LSN() uint64 { return tx.lsn }

// Object returns the object's database and shard number.
func (tx *Tx) Object() (database string, shard int) { return tx.obj.database, tx.obj.shard }

// Local holds engine state of the object in memory (sequences, caches). It
// lives as long as the object is open.
func (tx *Tx) Local() *sync.Map { return &tx.obj.local }

// Catalog returns the catalog the transaction sees: its own pending one, else
// the published one.
func (tx *Tx) Catalog() *catalog.Snapshot {
	if tx.cat != nil {
		return tx.cat
	}
	return tx.obj.Catalog()
}

// SetCatalog makes s the catalog of this transaction. It is stored and
// published, with the next version number, when the transaction commits.
func (tx *Tx) SetCatalog(s *catalog.Snapshot) {
	if s.Version <= tx.Catalog().Version {
		s.Version = tx.Catalog().Version + 1
	}
	tx.cat = s
}

// OnCommit registers f to run after the commit and before any reply that
// depends on it leaves. It does not run when the write is undone.
func (tx *Tx) OnCommit(f func()) { tx.hooks = append(tx.hooks, f) }

// BeforeCommit registers f to run last in the transaction, just before it
// commits, in the order of registration: what it writes is ordered as the
// commits are. It does not run when the write is undone; its error undoes the
// transaction.
func (tx *Tx) BeforeCommit(f func() error) { tx.last = append(tx.last, f) }

// SetAlarm asks for Alarm(kind) of the engine at or soon after at. The earliest
// request of a kind counts. Alarms survive restarts; those of a closed object
// fire when it is opened.
func (tx *Tx) SetAlarm(kind string, at time.Time) error {
	return tx.obj.alarms.set(tx, kind, at)
}

// Epoch changes whenever something done in this transaction may have been
// undone: what an engine noted under another epoch is not to be relied on.
func (tx *Tx) Epoch() uint64 {
	if tx.epoch == 0 {
		tx.epoch = epochs.Add(1)
	}
	return tx.epoch
}

// mark remembers what a failed closure must give back besides its rows.
type mark struct {
	cat   *catalog.Snapshot
	hooks int
	last  int
}

// mark returns the present state.
func (tx *Tx) mark() mark { return mark{tx.cat, len(tx.hooks), len(tx.last)} }

// undo returns to a mark.
func (tx *Tx) undo(m mark) {
	tx.cat, tx.hooks, tx.last, tx.epoch = m.cat, tx.hooks[:m.hooks], tx.last[:m.last], epochs.Add(1)
}

// call runs fn on tx and turns a panic into an error. Every statement of the
// closure is reset by its connection.
func call(tx *Tx, fn func(*Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			tx.obj.store.panicked(tx.obj, p)
			err = op.Errorf(op.Internal, "internal error: %v", p)
		}
	}()
	return fn(tx)
}

// Nested runs fn under a mark of its own: its failure (or panic) undoes only
// what it changed.
func (tx *Tx) Nested(fn func() error) error {
	if err := control(tx.Conn, "SAVEPOINT dotdo_in"); err != nil {
		return tx.obj.storage("savepoint", err)
	}
	m := tx.mark()
	err := call(tx, func(*Tx) error { return fn() })
	if err != nil {
		tx.undo(m)
		if e := control(tx.Conn, "ROLLBACK TO dotdo_in"); e != nil {
			return tx.obj.storage("undo", e)
		}
	}
	if e := control(tx.Conn, "RELEASE dotdo_in"); e != nil {
		return tx.obj.storage("release", e)
	}
	return err
}

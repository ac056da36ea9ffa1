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
	durable  []func()
	epoch    uint64
	txn      *txn            // interactive transaction on the writer, nil = autocommit or reader
	apart    func(*Tx) error // see Apart
	apartKey string
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

// OnDurable registers f to run on the caller's goroutine once the commit is on
// disk. It does not run when the write is undone.
func (tx *Tx) OnDurable(f func()) { tx.durable = append(tx.durable, f) }

// Sliced reports whether the closure belongs to an interactive transaction that
// takes turns with others. It must then change ordinary rows only.
func (tx *Tx) Sliced() bool { return tx.txn != nil && !tx.txn.alone }

// Apart asks, in a closure that is Sliced, for a write that is not part of the
// transaction: fn commits on its own, then the closure runs again. The error it
// returns must be returned. A write with a key is made once for a statement:
// asked for again, Apart returns nil.
func (tx *Tx) Apart(key string, fn func(*Tx) error) error {
	if key != "" && tx.txn.task.apart[key] {
		return nil
	}
	tx.apart, tx.apartKey = fn, key
	return errTurn
}

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
	cat                  *catalog.Snapshot
	hooks, last, durable int
}

// mark returns the present state.
func (tx *Tx) mark() mark { return mark{tx.cat, len(tx.hooks), len(tx.last), len(tx.durable)} }

// undo returns to a mark.
func (tx *Tx) undo(m mark) {
	tx.cat, tx.hooks, tx.last, tx.durable, tx.epoch = m.cat, tx.hooks[:m.hooks], tx.last[:m.last], tx.durable[:m.durable], epochs.Add(1)
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
	var log *sqlite.Txn
	var at sqlite.Mark
	if o := tx.obj; tx.Sliced() && tx.txn.log != nil {
		log = tx.txn.log
		if !o.whole { // below the savepoint, or its end would take them away
			if err := o.restore(tx.txn); err != nil {
				return err
			}
		}
		at = log.Mark()
	}
	if err := control(tx.Conn, "SAVEPOINT dotdo_in"); err != nil {
		return tx.obj.storage("savepoint", err)
	}
	m := tx.mark()
	err := call(tx, func(*Tx) error { return fn() })
	if err != nil {
		tx.undo(m)
		if log != nil {
			log.Undo(at)
		}
		if e := control(tx.Conn, "ROLLBACK TO dotdo_in"); e != nil {
			return tx.obj.storage("undo", e)
		}
	}
	if e := control(tx.Conn, "RELEASE dotdo_in"); e != nil {
		return tx.obj.storage("release", e)
	}
	return err
}

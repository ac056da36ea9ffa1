package object

import (
	"context"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
)

// lease is the right to the writer connection, from an interactive
// transaction's first write to its end. The holder runs its statements on its
// own goroutine; the actor waits.
type lease struct {
	mu    sync.Mutex // held while the holder runs a statement
	tx    *Tx        // nil when the lease has ended
	freed chan struct{}
	used  time.Time // end of the last statement
}

// grant hands the writer to a lease and waits until it comes back. A holder
// that lets others wait while it does nothing is ended after LeaseTimeout.
func (o *Object) grant(t *task) {
	if !t.state.CompareAndSwap(taskQueued, taskRunning) {
		return
	}
	l := t.lease
	tx, err := o.begin()
	if err != nil {
		t.err = err
		t.done <- struct{}{}
		return
	}
	l.tx, l.used = tx, time.Now()
	t.done <- struct{}{}
	tick := time.NewTicker(o.store.opts.LeaseTimeout / 4)
	defer tick.Stop()
	for {
		select {
		case <-l.freed:
			o.maintain()
			return
		case <-tick.C:
			if o.mail.len() > 0 && l.mu.TryLock() {
				if l.tx != nil && time.Since(l.used) > o.store.opts.LeaseTimeout {
					l.end(o)
				}
				l.mu.Unlock()
			}
		case <-o.stop:
			l.mu.Lock()
			l.end(o)
			l.mu.Unlock()
		}
	}
}

// end undoes what is left of a lease and gives the writer back; with the
// transaction already committed it only gives back. The caller holds mu.
func (l *lease) end(o *Object) {
	if l.tx == nil {
		return
	}
	if o.w.InTransaction() {
		_ = control(o.w, "ROLLBACK")
	}
	l.tx = nil
	close(l.freed)
}

// txn is one interactive transaction on one object.
type txn struct {
	obj      *Object
	opts     ctl.Begin
	lease    *lease
	reader   *reader // held snapshot of repeatable read and serializable
	names    []savepoint
	aborted  bool // lost its lease to a timeout
	lastSeen time.Time
}

// savepoint is a user's mark; at is the state to give back besides rows.
type savepoint struct {
	name string
	at   mark
}

// acquire takes the writer lease, if the transaction does not have it, and
// re-creates the savepoints set so far.
func (t *txn) acquire(ctx context.Context) (*lease, error) {
	if t.lease != nil {
		return t.lease, nil
	}
	o := t.obj
	l := &lease{freed: make(chan struct{})}
	m := &task{lease: l, done: make(chan struct{}, 1)}
	o.leases.Add(1)
	if !o.mail.send(m) {
		o.leases.Add(-1)
		return nil, op.Errorf(op.Unavailable, "object is closing; try again")
	}
	if err := m.wait(ctx); err != nil {
		o.leases.Add(-1)
		return nil, err
	}
	if m.err != nil {
		o.leases.Add(-1)
		return nil, m.err
	}
	t.lease = l
	if r := t.reader; r != nil { // its snapshot must still be the newest state
		t.reader = nil
		seq := r.seq
		o.readers.release(r)
		if t.opts.Isolation != ctl.ReadCommitted && seq != o.committed.Load() {
			t.drop()
			return nil, op.Errorf(op.Serialization, "could not serialize access due to concurrent update")
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range t.names {
		if err := control(o.w, "SAVEPOINT "+mangle(i)); err != nil {
			return nil, o.storage("savepoint", err)
		}
	}
	return l, nil
}

// mangle names the i-th open savepoint inside SQLite.
func mangle(i int) string { return "dotdo_u" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }

// drop gives the lease back, undoing everything.
func (t *txn) drop() {
	if l := t.lease; l != nil {
		l.mu.Lock()
		l.end(t.obj)
		l.mu.Unlock()
		t.lease = nil
		t.obj.leases.Add(-1)
	}
	if r := t.reader; r != nil {
		t.reader = nil
		t.obj.readers.release(r)
	}
}

// errAborted is what a transaction meets that was ended to let others go on.
func errAborted() *op.Error {
	return &op.Error{Code: op.Serialization, Msg: "transaction was ended because it held the writer while idle and others waited",
		Hint: "keep transactions short, then try again"}
}

// write runs one statement on the writer under its own mark.
func (t *txn) write(ctx context.Context, fn func(*Tx) error) (uint64, error) {
	if t.aborted {
		return 0, errAborted()
	}
	if t.opts.ReadOnly {
		return 0, op.Errorf(op.ReadOnly, "cannot execute a write in a read-only transaction")
	}
	l, err := t.acquire(ctx)
	if err != nil {
		return 0, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tx == nil {
		t.lost()
		return 0, errAborted()
	}
	defer func() { l.used = time.Now() }()
	l.tx.writable = true
	err = t.obj.nested(l.tx, fn)
	return l.tx.lsn, err
}

// lost notes that the actor took the lease back.
func (t *txn) lost() {
	t.aborted, t.lease = true, nil
	t.obj.leases.Add(-1)
}

// read runs fn on the writer when the transaction has written, else on a
// reader: a fresh snapshot for each statement (read committed) or one for the
// whole transaction.
func (t *txn) read(ctx context.Context, fn func(*Tx) error) error {
	if t.aborted {
		return errAborted()
	}
	if l := t.lease; l != nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.tx == nil {
			t.lost()
			return errAborted()
		}
		l.tx.writable = false
		defer func() { l.used = time.Now() }()
		return call(l.tx, fn)
	}
	if t.opts.Isolation == ctl.ReadCommitted {
		return t.obj.read(ctx, fn)
	}
	if t.reader == nil {
		r, err := t.obj.readers.acquire(ctx)
		if err != nil {
			return err
		}
		t.reader = r
	}
	if err := t.obj.makeDurable(t.reader.seq); err != nil {
		return err
	}
	return call(t.reader.tx(), fn)
}

// commit ends the transaction; the returned LSN (0: it wrote nothing) is
// durable.
func (t *txn) commit() (uint64, error) {
	defer t.drop()
	if t.aborted {
		return 0, errAborted()
	}
	l := t.lease
	if l == nil {
		return 0, nil
	}
	lsn, err := t.publish(l)
	if err != nil {
		return 0, err
	}
	t.drop() // the writer goes on while this commit is synced
	return lsn, t.obj.makeDurable(lsn)
}

// publish commits the lease's transaction.
func (t *txn) publish(l *lease) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tx == nil {
		t.lost()
		return 0, errAborted()
	}
	lsn := l.tx.lsn
	err := t.obj.commit(l.tx)
	return lsn, err
}

// savepoint sets, releases or returns to a user's mark.
func (t *txn) savepoint(b *ctl.Savepoint) error {
	if t.aborted {
		return errAborted()
	}
	at := -1
	for i := len(t.names) - 1; i >= 0 && at < 0; i-- {
		if t.names[i].name == b.Name {
			at = i
		}
	}
	if b.Action != ctl.SavepointSet && at < 0 {
		return &op.Error{Code: op.NoTransaction, Msg: "savepoint \"" + b.Name + "\" does not exist", Object: "savepoint", Name: b.Name}
	}
	if b.Action == ctl.SavepointSet && len(t.names) >= 26*26 {
		return op.Errorf(op.TooLarge, "too many open savepoints")
	}
	l := t.lease
	if l == nil {
		switch b.Action {
		case ctl.SavepointSet:
			t.names = append(t.names, savepoint{name: b.Name})
		case ctl.SavepointRelease:
			t.names = t.names[:at]
		case ctl.SavepointRollback:
			t.names = t.names[:at+1]
		}
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.tx == nil {
		t.lost()
		return errAborted()
	}
	w := t.obj.w
	switch b.Action {
	case ctl.SavepointSet:
		if err := control(w, "SAVEPOINT "+mangle(len(t.names))); err != nil {
			return t.obj.storage("savepoint", err)
		}
		t.names = append(t.names, savepoint{b.Name, l.tx.mark()})
	case ctl.SavepointRelease:
		if err := control(w, "RELEASE "+mangle(at)); err != nil {
			return t.obj.storage("release", err)
		}
		t.names = t.names[:at]
	case ctl.SavepointRollback:
		if err := control(w, "ROLLBACK TO "+mangle(at)); err != nil {
			return t.obj.storage("rollback to savepoint", err)
		}
		l.tx.undo(t.names[at].at)
		t.names = t.names[:at+1]
	}
	return nil
}

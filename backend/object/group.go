package object

import (
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// group is the SQLite transaction on the writer: autocommit writes and
// interactive transactions that ended, committed together, and at most one
// open transaction whose changes are in place under a savepoint. Only the
// leader touches it.
type group struct {
	open   bool
	dirty  bool   // something is to be committed
	tx     *Tx    // of the autocommit writes
	wrote  uint64 // tables changed, by table bit
	acks   []*task
	seated *txn // its changes are in place
	used   time.Time
	failed error // SQLite undid the whole group
}

// process runs a batch: first statements of interactive transactions, which
// are answered at once, then writes and commits, which are answered when the
// group has committed. So an answered statement never saw an undurable write
// of its own group.
func (o *Object) process(batch []*task) {
	for _, t := range batch {
		if t.kind < taskWrite {
			o.turn(t)
		}
	}
	for _, t := range batch {
		if t.kind >= taskWrite {
			o.turn(t)
		}
	}
	o.finish()
}

// turn runs one task, or puts it aside while another transaction is alone.
func (o *Object) turn(t *task) {
	if o.alone != nil && t.txn != o.alone && t.kind != taskRollback && t.kind != taskTick {
		t.state.CompareAndSwap(taskLeading, taskQueued)
		o.held = append(o.held, t)
		return
	}
	if !t.start() {
		return
	}
	switch t.kind {
	case taskStatement:
		o.statement(t)
	case taskMark:
		if t.txn.aborted.Load() {
			t.end(0, errAborted())
			return
		}
		t.end(0, call(t.txn.tx, t.fn))
	case taskRollback:
		o.rollback(t.txn)
		t.end(0, nil)
	case taskTick:
		o.tick()
		t.end(0, nil)
	case taskWrite:
		o.autocommit(t)
	case taskCommit:
		o.commitTxn(t)
	}
}

// enter opens the group's SQLite transaction.
func (o *Object) enter() error {
	g := &o.group
	g.used = o.store.now()
	if g.open {
		g.tx.now = g.used
		return nil
	}
	tx, err := o.begin()
	if err != nil {
		return err
	}
	g.open, g.tx = true, tx
	return nil
}

// leave undoes the SQLite transaction; nothing in it was acknowledged.
func (o *Object) leave() {
	if o.w.InTransaction() {
		_ = control(o.w, "ROLLBACK")
	}
	clear(o.w.State)
	o.group.open, o.group.seated, o.group.tx = false, nil, nil
}

// autocommit runs a write of its own.
func (o *Object) autocommit(t *task) {
	g := &o.group
	o.unseat()
	if err := o.enter(); err != nil {
		t.end(0, err)
		return
	}
	only := !g.dirty // nothing else would be lost with it
	o.w.RunCheck(nil)
	m, n := g.tx.mark(), len(g.tx.durable)
	o.quiet.wanted = false
	var err error
	if only {
		err = o.judge(settled(g.tx, t.fn))
		if err != nil {
			g.tx.undo(m)
			o.leave()
		}
	} else {
		err = o.nested(g.tx, func(tx *Tx) error { return o.judge(settled(tx, t.fn)) })
	}
	switch {
	case err == nil:
		g.dirty = true
		g.wrote |= o.w.Wrote()
		t.durable = append(t.durable, g.tx.durable[n:]...)
	case o.waits(t, err):
		return
	}
	t.err = err
	g.acks = append(g.acks, t)
	if g.dirty && !o.w.InTransaction() {
		g.failed = o.storage("write", err)
		o.leave()
	}
}

// settled runs an autocommit write and refuses it if it leaves a deferred
// foreign key broken: COMMIT would fail the whole group for it.
func settled(tx *Tx, fn func(*Tx) error) error {
	err := call(tx, fn)
	if err == nil && tx.Conn.DeferredViolations() {
		return op.Errorf(op.ForeignKey, "foreign key constraint failed")
	}
	return err
}

// nested runs fn so that its failure undoes only its own changes.
func (o *Object) nested(tx *Tx, fn func(*Tx) error) error {
	if err := control(o.w, "SAVEPOINT dotdo_op"); err != nil {
		return o.storage("savepoint", err)
	}
	m := tx.mark()
	err := call(tx, fn)
	if err != nil {
		tx.undo(m)
		clear(o.w.State)
		if e := control(o.w, "ROLLBACK TO dotdo_op"); e != nil {
			return o.storage("undo", e)
		}
	}
	if e := control(o.w, "RELEASE dotdo_op"); e != nil {
		return o.storage("release", e)
	}
	return err
}

// finish commits what the batch left to commit, answers, and wakes those whose
// lock is free.
func (o *Object) finish() {
	g := &o.group
	acks := g.acks
	g.acks = nil
	var lsn uint64
	err := g.failed
	g.failed = nil
	if g.dirty {
		o.unseat()
		g.dirty = false
		if err == nil {
			lsn = g.tx.lsn
			if err = o.commit(g.tx, g.wrote); err == nil && len(o.live) == 0 {
				err = o.makeDurable(lsn)
			}
		}
		g.wrote = 0
		o.leave()
	} else if err != nil {
		o.leave()
	}
	for _, t := range acks {
		e := t.err
		if e == nil {
			e = err
		}
		t.end(lsn, e)
	}
	o.wake()
	switch {
	case !g.open:
		if lsn != 0 {
			o.maintain()
		}
	case !o.ticking:
		o.ticking = true
		time.AfterFunc(slice, o.ticked)
	}
}

// slice is how long an idle transaction keeps the writer's SQLite transaction
// open.
const slice = 50 * time.Millisecond

// ticked makes the leader look at the state.
func (o *Object) ticked() {
	if o.refs.Add(1) <= 0 { // closing
		o.refs.Add(-1)
		return
	}
	defer o.store.unref(o)
	t := &task{kind: taskTick, sig: make(chan signal, 1)}
	_ = o.do(background, t)
}

// tick lets the writer's transaction go when nobody has used it for a while,
// and ends a transaction that is alone, idle and waited for.
func (o *Object) tick() {
	o.ticking = false
	g := &o.group
	idle := o.store.now().Sub(g.used)
	if x := o.alone; x != nil {
		if len(o.held) > 0 && idle > o.store.opts.LeaseTimeout {
			x.aborted.Store(true)
			o.rollback(x)
		}
		return
	}
	if g.open && !g.dirty && idle >= slice {
		o.unseat()
		o.leave()
	}
}

// seat puts the changes of x in place, those made so far only when a statement
// asks for their tables; see before.
func (o *Object) seat(x *txn) error {
	g := &o.group
	if g.seated == x {
		g.used = o.store.now()
		return nil
	}
	o.unseat()
	if err := o.enter(); err != nil {
		return err
	}
	if err := control(o.w, "SAVEPOINT dotdo_t"); err != nil {
		return o.storage("savepoint", err)
	}
	x.tx.epoch = epochs.Add(1)
	g.seated = x
	o.base = sqlite.Mark{}
	if x.log != nil {
		o.base = x.log.Mark()
	}
	o.whole = x.log == nil || x.log.Tables() == 0
	return nil
}

// unseat takes the changes of the seated transaction back; they stay in its
// log.
func (o *Object) unseat() {
	g := &o.group
	if g.seated == nil {
		return
	}
	g.seated = nil
	clear(o.w.State)
	if err := control(o.w, "ROLLBACK TO dotdo_t"); err != nil {
		g.failed = o.storage("suspend", err)
		return
	}
	if err := control(o.w, "RELEASE dotdo_t"); err != nil {
		g.failed = o.storage("suspend", err)
	}
}

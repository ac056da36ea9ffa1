package object

import (
	"context"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// background is the context of work that nobody cancels.
var background = context.Background()

// quiet is the wish of a schema change that no transaction has changes: a
// change that is made again later must find the tables it was made on.
type quiet struct {
	wanted bool    // by the closure that runs
	by     *txn    // the transaction that waits; nil = an autocommit write
	tasks  []*task // that wait
}

// park puts a task aside until what it waits for has happened, or refuses it
// when that would never be.
func (o *Object) park(t *task, p parking) {
	p.woken = t.parked.woken
	t.parked = p
	if x := t.txn; x != nil {
		x.waiting = t
		if o.reaches(x, x.id, map[uint64]bool{}) {
			x.waiting = nil
			t.parked = parking{}
			t.end(0, &op.Error{Code: op.Deadlock, Msg: "deadlock detected", Hint: "run the transaction again"})
			return
		}
	}
	switch {
	case p.quiet:
		o.quiet.by = t.txn
		o.quiet.tasks = append(o.quiet.tasks, t)
	case p.owner != 0:
		o.ending[p.owner] = append(o.ending[p.owner], t)
	case p.woken:
		o.queues[p.key] = append([]*task{t}, o.queues[p.key]...)
	default:
		o.queues[p.key] = append(o.queues[p.key], t)
	}
	t.state.Store(taskQueued)
}

// reaches tells whether x waits, directly or through others, for the
// transaction id.
func (o *Object) reaches(x *txn, id uint64, seen map[uint64]bool) bool {
	t := x.waiting
	if t == nil || t.state.Load() == taskGone {
		return false
	}
	var next []uint64
	switch {
	case t.parked.quiet:
		for k, y := range o.live {
			if y != x && y.log.Tables() != 0 {
				next = append(next, k)
			}
		}
	case t.parked.owner != 0:
		next = append(next, t.parked.owner)
	default:
		next = append(next, o.w.LockOwner(t.parked.key))
	}
	for _, k := range next {
		if k == id {
			return true
		}
		if y := o.live[k]; y != nil && !seen[k] {
			seen[k] = true
			if o.reaches(y, id, seen) {
				return true
			}
		}
	}
	return false
}

// wake queues those whose lock is free: all writes at the head of a queue and
// one transaction, which will have the lock.
func (o *Object) wake() {
	o.ready = append(o.ready, o.aside...)
	o.aside = nil
	for key, q := range o.queues {
		if o.w.LockOwner(key) != 0 {
			continue
		}
		q = o.wakeQueue(q)
		if len(q) == 0 {
			delete(o.queues, key)
		} else {
			o.queues[key] = q
		}
	}
	if len(o.quiet.tasks) > 0 {
		o.wakeQuiet()
	}
}

// wakeQuiet resumes the schema changes that nobody is in the way of.
func (o *Object) wakeQuiet() {
	var rest []*task
	o.quiet.by = nil
	for _, t := range o.quiet.tasks {
		switch {
		case t.state.Load() == taskGone:
		case o.others(t.txn) == 0:
			o.resume(t)
		default:
			rest = append(rest, t)
			o.quiet.by = t.txn
		}
	}
	o.quiet.tasks = rest
	if len(rest) == 0 && o.alone == nil {
		o.ready = append(o.ready, o.held...)
		o.held = nil
	}
}

// wakeQueue takes the tasks to run from the head of a queue.
func (o *Object) wakeQueue(q []*task) []*task {
	for len(q) > 0 {
		t := q[0]
		q = q[1:]
		if t.state.Load() == taskGone {
			continue
		}
		o.resume(t)
		if t.txn != nil {
			break
		}
	}
	return q
}

// resume puts a parked task in front of the queue.
func (o *Object) resume(t *task) {
	t.parked.woken = true
	if t.txn != nil && t.txn.waiting == t {
		t.txn.waiting = nil
	}
	o.ready = append(o.ready, t)
}

// goAlone gives the writer to the transaction of t alone, to its end, and runs
// t: for what cannot be undone and made again, and for the levels above read
// committed.
func (o *Object) goAlone(t *task) {
	x := t.txn
	o.unseat()
	if x.schema && o.others(x) > 0 {
		o.park(t, parking{quiet: true})
		return
	}
	if r := x.reader; r != nil { // its snapshot must still be the newest state
		x.reader = nil
		seq := r.seq
		o.readers.release(r)
		if seq != o.committed.Load() {
			t.end(0, op.Errorf(op.Serialization, "could not serialize access due to concurrent update"))
			return
		}
	}
	if o.group.dirty { // a write outside a transaction: commit it first
		t.parked.woken = true
		t.state.Store(taskQueued)
		o.aside = append(o.aside, t)
		return
	}
	err := o.enter()
	if err == nil {
		err = o.resettle(x)
	}
	if err != nil {
		x.aborted.Store(true)
		o.rollback(x)
		t.end(0, err)
		return
	}
	o.alone, x.alone = x, true
	o.statementAlone(t)
}

// resettle makes the changes of a transaction directly in the group's SQLite
// transaction, with its savepoints.
func (o *Object) resettle(x *txn) error {
	o.unseat()
	if x.log == nil {
		x.log = o.w.NewTxn(x.id)
		o.live[x.id] = x
	}
	var at sqlite.Mark
	for i, s := range x.names {
		if err := x.log.Replay(at, s.log); err != nil {
			return o.storage("replay", err)
		}
		at = s.log
		if err := control(o.w, "SAVEPOINT "+mangle(i)); err != nil {
			return o.storage("savepoint", err)
		}
	}
	if err := x.log.Replay(at, x.log.Mark()); err != nil {
		return o.storage("replay", err)
	}
	return nil
}

// statementAlone runs a statement of the transaction that is alone.
func (o *Object) statementAlone(t *task) {
	x := t.txn
	o.group.used = o.store.now()
	x.tx.lsn = o.group.tx.lsn
	o.w.RunCheck(x.log)
	o.quiet.wanted = false
	run := func(tx *Tx) error {
		err := call(tx, t.fn)
		if verdict, _, _ := o.w.Verdict(); verdict&sqlite.Conflict != 0 || o.quiet.wanted {
			return op.Errorf(op.Serialization, "could not serialize access due to concurrent update")
		}
		return err
	}
	var err error
	if x.tx.writable = !t.read; t.read {
		err = run(x.tx)
	} else {
		err = o.nested(x.tx, run)
	}
	o.quiet.wanted = false
	x.wrote |= o.w.Wrote()
	t.end(x.tx.lsn, err)
}

// commitAlone commits the transaction that is alone.
func (o *Object) commitAlone(t *task) {
	x, g := t.txn, &o.group
	g.tx.cat = x.tx.cat
	g.tx.hooks = append(g.tx.hooks, x.tx.hooks...)
	g.tx.last = append(g.tx.last, x.tx.last...)
	t.durable = append(t.durable, x.tx.durable...)
	lsn := g.tx.lsn
	err := o.commit(g.tx, x.wrote|g.wrote)
	g.open, g.tx, g.wrote = false, nil, 0
	o.rejoin()
	o.release(x)
	o.maintain()
	t.end(lsn, err)
}

// rejoin lets the others go on after a transaction was alone.
func (o *Object) rejoin() {
	o.alone = nil
	o.ready = append(o.ready, o.held...)
	o.held = nil
}

package object

import (
	"errors"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// errTurn ends a closure that will run again: after a wait, alone, or with a
// write made outside its transaction.
var errTurn = errors.New("object: run again")

// Bounds of a transaction that takes turns: beyond, it goes on alone.
const (
	maxChanges = 1000
	maxBytes   = 1 << 20
)

// statement runs one statement of an interactive transaction.
func (o *Object) statement(t *task) {
	x := t.txn
	switch {
	case x.aborted.Load():
		t.end(0, errAborted())
	case x.alone:
		o.statementAlone(t)
	case x.opts.Isolation != ctl.ReadCommitted:
		o.goAlone(t)
	case !t.read && o.quiet.by != nil && o.quiet.by != x && (x.log == nil || x.log.Tables() == 0):
		o.held = append(o.held, t) // a schema change waits for the others to end
		t.state.Store(taskQueued)
	default:
		o.statementSliced(t)
	}
}

// statementSliced runs a statement of a transaction that takes turns.
func (o *Object) statementSliced(t *task) {
	x := t.txn
	if x.log == nil && !t.read {
		x.log = o.w.NewTxn(x.id)
		o.live[x.id] = x
	}
	if err := o.seat(x); err != nil {
		t.end(0, err)
		return
	}
	var at sqlite.Mark
	m := x.tx.mark()
	if x.log != nil {
		at = x.log.Mark()
	}
	if t.read {
		o.w.RunCheck(x.log)
	} else {
		o.w.RunCapture(x.log)
	}
	o.runs, x.alter, x.schema, x.task, o.quiet.wanted = x, false, false, t, false
	x.tx.writable, x.tx.lsn, x.tx.apart = !t.read, o.committed.Load()+1, nil
	err := call(x.tx, t.fn)
	err = o.judge(err)
	o.runs, x.task = nil, nil
	if err != nil {
		if x.log != nil {
			x.log.Undo(at)
		}
		x.tx.undo(m)
		o.unseat()
		o.again(t, err)
		return
	}
	if !o.whole {
		o.unseat()
	}
	t.end(0, nil)
	if x.log != nil && o.group.seated == x {
		if n, size := x.log.Size(); (n > maxChanges || size > maxBytes) && o.others(x) == 0 && !o.group.dirty {
			o.alone, x.alone = x, true // its changes are in place
			if err := o.resettle(x); err != nil {
				x.aborted.Store(true)
				o.rollback(x)
			}
		}
	}
}

// again decides what becomes of a statement that was undone.
func (o *Object) again(t *task, err error) {
	x := t.txn
	switch {
	case x.broken != nil: // its changes could not be made again
		x.aborted.Store(true)
		o.rollback(x)
		t.end(0, &op.Error{Code: op.Serialization, Msg: "could not serialize access due to concurrent update", Err: x.broken})
	case x.alter:
		o.goAlone(t)
	case x.tx.apart != nil:
		o.outside(t)
	case o.waits(t, err):
	default:
		t.end(0, err)
	}
}

// outside makes a write that a statement needs outside its transaction, such
// as the reservation of sequence values, and queues the statement again. It is
// not answered before this write is committed.
func (o *Object) outside(t *task) {
	fn, key := t.txn.tx.apart, t.txn.tx.apartKey
	w := &task{kind: taskWrite, fn: fn, sig: make(chan signal, 1)}
	o.autocommit(w)
	if w.err != nil {
		t.end(0, w.err)
		return
	}
	if key != "" {
		if t.apart == nil {
			t.apart = map[string]bool{}
		}
		t.apart[key] = true
	}
	t.parked.woken = true
	t.state.Store(taskQueued)
	o.aside = append(o.aside, t)
}

// before is asked by the writer connection before each statement.
func (o *Object) before(reads, writes uint64, ddl bool) error {
	x := o.runs
	if x == nil {
		if ddl && o.others(o.alone) > 0 {
			o.quiet.wanted = true
			return errTurn
		}
		if ddl {
			o.group.wrote = ^uint64(0)
		}
		return nil
	}
	if ddl {
		x.alter, x.schema = true, true
		return errTurn
	}
	if !o.whole && (reads|writes)&x.log.Tables() != 0 {
		return o.restore(x)
	}
	return nil
}

// restore makes the changes of the seated transaction again.
func (o *Object) restore(x *txn) error {
	o.whole = true
	if err := x.log.Replay(sqlite.Mark{}, o.base); err != nil {
		x.broken = err
		return err
	}
	return nil
}

// judge looks at what the writer connection met while a closure ran.
func (o *Object) judge(err error) error {
	verdict, key, owner := o.w.Verdict()
	o.met = parking{key: key, owner: owner}
	x := o.runs
	if x != nil && x.tx.cat != nil { // a schema change that changes no table
		x.alter, x.schema = true, true
	}
	switch {
	case o.quiet.wanted || x != nil && (x.alter || x.tx.apart != nil || x.broken != nil):
		return errTurn
	case verdict&sqlite.NoMemory != 0:
		return op.Errorf(op.TooLarge, "out of memory for the changes of a transaction")
	case verdict&sqlite.Opaque != 0:
		if x != nil {
			x.alter = true
		}
		return errTurn
	case verdict&sqlite.Conflict != 0:
		return errTurn
	}
	return err
}

// waits parks a task that has to wait for another transaction; false when it
// failed for good.
func (o *Object) waits(t *task, err error) bool {
	if o.quiet.wanted {
		o.quiet.wanted = false
		o.park(t, parking{quiet: true})
		return true
	}
	if verdict, _, _ := o.w.Verdict(); verdict&sqlite.Conflict != 0 {
		o.park(t, parking{key: o.met.key})
		return true
	}
	if op.CodeOf(err) == op.UniqueViolation || isUnique(err) {
		touched := o.w.Touched
		for id, y := range o.live {
			if y != t.txn && y.log.Freed()&touched != 0 {
				o.park(t, parking{owner: id})
				return true
			}
		}
	}
	return false
}

// isUnique recognises SQLite's own unique violations.
func isUnique(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && (e.Extended == sqlite.ConstraintUnique || e.Extended == sqlite.ConstraintPrimaryKey || e.Extended == sqlite.ConstraintRowID)
}

// commitTxn ends a transaction: its changes join the group.
func (o *Object) commitTxn(t *task) {
	x, g := t.txn, &o.group
	switch {
	case x.aborted.Load():
		t.end(0, errAborted())
		return
	case x.alone:
		o.commitAlone(t)
		return
	case x.log == nil || x.log.Tables() == 0 && len(x.tx.hooks)+len(x.tx.last)+len(x.tx.durable) == 0:
		o.rollback(x)
		t.end(0, nil)
		return
	}
	err := o.seat(x)
	if err == nil && !o.whole {
		err = o.restore(x)
	}
	if err == nil && o.w.DeferredViolations() {
		err = op.Errorf(op.ForeignKey, "foreign key constraint failed")
	}
	if err == nil {
		if e := control(o.w, "RELEASE dotdo_t"); e != nil {
			err = o.storage("release", e)
		}
	}
	if err != nil {
		o.rollback(x)
		if x.broken != nil {
			err = &op.Error{Code: op.Serialization, Msg: "could not serialize access due to concurrent update", Err: x.broken}
		}
		t.end(0, err)
		return
	}
	g.seated, g.dirty = nil, true
	g.wrote |= x.log.Tables()
	g.tx.hooks = append(g.tx.hooks, x.tx.hooks...)
	g.tx.last = append(g.tx.last, x.tx.last...)
	t.durable = append(t.durable, x.tx.durable...)
	o.release(x)
	g.acks = append(g.acks, t)
}

// rollback forgets a transaction.
func (o *Object) rollback(x *txn) {
	if o.group.seated == x {
		o.unseat()
	}
	if o.alone == x {
		o.leave()
		o.rejoin()
	}
	o.release(x)
}

// release gives the locks of a transaction up.
func (o *Object) release(x *txn) {
	if x.log == nil {
		return
	}
	x.log.Free()
	if !x.aborted.Load() { // else its session may be looking
		x.log = nil
	}
	delete(o.live, x.id)
	for _, t := range o.ending[x.id] {
		o.resume(t)
	}
	delete(o.ending, x.id)
}

// others counts the transactions besides x that have changes.
func (o *Object) others(x *txn) int {
	n := 0
	for _, y := range o.live {
		if y != x && y.log.Tables() != 0 {
			n++
		}
	}
	return n
}

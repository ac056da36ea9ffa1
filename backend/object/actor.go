package object

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Task states: a caller whose context ends may take back a task that has not
// started.
const (
	taskQueued int32 = iota
	taskRunning
	taskGone
)

// task is one message to the actor: a write to run, or a request for the
// writer lease.
type task struct {
	fn    func(*Tx) error
	lease *lease // non-nil: hand the writer over
	err   error
	lsn   uint64
	state atomic.Int32
	done  chan struct{} // capacity 1
}

// taskPool recycles tasks with their channels.
var taskPool = sync.Pool{New: func() any { return &task{done: make(chan struct{}, 1)} }}

// mailbox is the actor's queue: many senders, one receiver that takes all.
type mailbox struct {
	mu     sync.Mutex
	list   []*task
	wake   chan struct{} // capacity 1
	closed bool
}

// send queues t; false when the actor has ended.
func (m *mailbox) send(t *task) bool {
	m.mu.Lock()
	if m.closed {
		m.mu.Unlock()
		return false
	}
	m.list = append(m.list, t)
	first := len(m.list) == 1
	m.mu.Unlock()
	if first {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
	return true
}

// len returns how many tasks wait.
func (m *mailbox) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.list)
}

// take swaps the queue for an empty one.
func (m *mailbox) take(empty []*task) []*task {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list = empty[:0]
	return list
}

// close refuses further tasks and returns those left.
func (m *mailbox) close() []*task {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	list := m.list
	m.list = nil
	return list
}

// run is the actor: the only goroutine that owns the writer connection, except
// while a lease has it.
func (o *Object) run() {
	defer close(o.ended)
	var spare []*task
	for {
		select {
		case <-o.mail.wake:
		case <-o.stop:
			return
		}
		o.gather()
		batch := o.mail.take(spare)
		o.group(batch)
		clear(batch)
		spare = batch
	}
}

// gather yields until the mailbox stops growing, so that callers who were
// answered together write together again: one sync for all of them instead of
// two halves that alternate.
func (o *Object) gather() {
	n := o.mail.len()
	for range 8 {
		runtime.Gosched()
		m := o.mail.len()
		if m == n {
			return
		}
		n = m
	}
}

// group runs a batch of tasks: runs of writes share one transaction, a lease
// request ends the run and hands the writer over.
func (o *Object) group(batch []*task) {
	start := 0
	for i, t := range batch {
		if t.lease == nil {
			continue
		}
		o.writes(batch[start:i])
		o.grant(t)
		start = i + 1
	}
	o.writes(batch[start:])
}

// writes runs tasks in one transaction, commits, syncs when no interactive
// transaction could use the time, and wakes the callers.
func (o *Object) writes(batch []*task) {
	if len(batch) == 0 {
		return
	}
	var tx *Tx
	ran := 0
	for _, t := range batch {
		if !t.state.CompareAndSwap(taskQueued, taskRunning) {
			continue // its caller gave up
		}
		batch[ran] = t
		ran++
		if tx == nil {
			if tx, t.err = o.begin(); t.err != nil {
				tx = nil
				continue
			}
			t.err = settled(tx, t.fn)
			if t.err != nil { // first in its transaction: undo it all
				_ = control(o.w, "ROLLBACK")
				tx = nil
			}
			continue
		}
		t.err = o.nested(tx, func(tx *Tx) error { return settled(tx, t.fn) })
	}
	batch = batch[:ran]
	var lsn uint64
	if tx != nil {
		err := o.commit(tx)
		lsn = tx.lsn
		if err == nil && o.leases.Load() == 0 {
			err = o.makeDurable(lsn)
		}
		if err != nil {
			for _, t := range batch {
				if t.err == nil {
					t.err = err
				}
			}
		}
	}
	for _, t := range batch {
		t.lsn = lsn
		t.done <- struct{}{}
	}
	if tx != nil {
		o.maintain()
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
		if e := control(o.w, "ROLLBACK TO dotdo_op"); e != nil {
			return o.storage("undo", e)
		}
	}
	if e := control(o.w, "RELEASE dotdo_op"); e != nil {
		return o.storage("release", e)
	}
	return err
}

// write sends fn to the actor and waits until its commit is durable.
func (o *Object) write(ctx context.Context, fn func(*Tx) error) (uint64, error) {
	t := taskPool.Get().(*task)
	t.fn, t.lease, t.err, t.lsn = fn, nil, nil, 0
	t.state.Store(taskQueued)
	if !o.mail.send(t) {
		return 0, op.Errorf(op.Unavailable, "object is closing; try again")
	}
	if err := t.wait(ctx); err != nil {
		return 0, err // t is still in the queue: not recycled
	}
	lsn, err := t.lsn, t.err
	t.fn = nil
	taskPool.Put(t)
	if err != nil {
		return 0, err
	}
	return lsn, o.makeDurable(lsn)
}

// wait blocks until the task is done. A caller whose context ends takes the
// task back unless it is already running.
func (t *task) wait(ctx context.Context) error {
	select {
	case <-t.done:
		return nil
	default:
	}
	select {
	case <-t.done:
		return nil
	case <-ctx.Done():
		if t.state.CompareAndSwap(taskQueued, taskGone) {
			return canceled(ctx)
		}
		<-t.done
		return nil
	}
}

// canceled is the error of an ended context.
func canceled(ctx context.Context) error {
	return &op.Error{Code: op.Canceled, Msg: "canceled: " + context.Cause(ctx).Error(), Err: ctx.Err()}
}

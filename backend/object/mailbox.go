package object

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Task states: a caller whose context ends may take back a task that is not
// running.
const (
	taskQueued  int32 = iota
	taskLeading       // queued, and its caller was chosen as the next leader
	taskRunning
	taskGone
)

// taskKind says what a task is.
type taskKind uint8

// Task kinds. Those before taskWrite leave nothing to make durable and run
// first in a batch.
const (
	taskStatement taskKind = iota // one statement of an interactive transaction
	taskMark                      // work on savepoints
	taskRollback
	taskTick // a timer looks at the state
	taskWrite
	taskCommit
)

// signal is what a waiting caller is told.
type signal bool

// Signals.
const (
	done signal = true
	lead signal = false
)

// task is one message to the object.
type task struct {
	kind    taskKind
	fn      func(*Tx) error
	txn     *txn
	read    bool // a statement that only reads
	err     error
	lsn     uint64
	durable []func() // to run once the commit is on disk
	parked  parking
	apart   map[string]bool // writes outside the transaction that were made
	state   atomic.Int32
	sig     chan signal // capacity 1
}

// taskPool recycles tasks with their channels.
var taskPool = sync.Pool{New: func() any { return &task{sig: make(chan signal, 1)} }}

// start claims a task for running; false when its caller gave up.
func (t *task) start() bool {
	return t.state.CompareAndSwap(taskQueued, taskRunning) || t.state.CompareAndSwap(taskLeading, taskRunning)
}

// end answers a task.
func (t *task) end(lsn uint64, err error) {
	t.lsn, t.err = lsn, err
	t.sig <- done
}

// mailbox is the object's queue. Whoever sends to an idle object becomes its
// leader: it runs what is queued, its own task and those of others, and then
// passes the lead to a caller that waits.
type mailbox struct {
	mu      sync.Mutex
	list    []*task
	leading bool
	closed  bool
}

// send queues t. leader tells the caller to lead; ok is false when the object
// has closed.
func (m *mailbox) send(t *task) (leader, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return false, false
	}
	m.list = append(m.list, t)
	leader = !m.leading
	m.leading = true
	return leader, true
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

// pass gives the lead to a waiting caller, or ends it when nothing waits. false:
// only tasks whose callers left are queued, the leader goes on. first is put
// before what waits.
func (m *mailbox) pass(first []*task) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(first) > 0 {
		m.list = append(append(make([]*task, 0, len(first)+len(m.list)), first...), m.list...)
	}
	if len(m.list) == 0 {
		m.leading = false
		return true
	}
	for _, t := range m.list {
		if t.state.CompareAndSwap(taskQueued, taskLeading) {
			t.sig <- lead
			return true
		}
	}
	return false
}

// close refuses further tasks.
func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
}

// lead runs one batch of the queue and passes the lead on.
func (o *Object) lead() {
	for {
		o.gather()
		batch := o.mail.take(o.spare)
		o.process(batch)
		clear(batch)
		o.spare = batch
		first := o.ready
		o.ready = nil
		if o.mail.pass(first) {
			return
		}
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

// do sends a task and waits for its end; a caller whose context ends takes the
// task back unless it is running. While it waits it may have to lead.
func (o *Object) do(ctx context.Context, t *task) error {
	t.state.Store(taskQueued)
	leader, ok := o.mail.send(t)
	if !ok {
		return op.Errorf(op.Unavailable, "object is closing; try again")
	}
	if leader {
		o.lead()
	}
	gone := ctx.Done()
	for {
		select {
		case s := <-t.sig:
			if s == done {
				return nil
			}
			o.lead()
		case <-gone:
			if t.state.CompareAndSwap(taskQueued, taskGone) {
				go o.ticked() // others may wait for what it waited for
				return canceled(ctx)
			}
			gone = nil
		}
	}
}

// write runs fn as an autocommit write and waits until its commit is durable.
func (o *Object) write(ctx context.Context, fn func(*Tx) error) (uint64, error) {
	t := taskPool.Get().(*task)
	t.kind, t.fn = taskWrite, fn
	if err := o.do(ctx, t); err != nil {
		return 0, err // t may still be in the queue: not recycled
	}
	lsn, err, hooks := t.lsn, t.err, t.durable
	t.fn, t.err, t.durable, t.parked, t.txn, t.read = nil, nil, nil, parking{}, nil, false
	taskPool.Put(t)
	if err != nil {
		return 0, err
	}
	return lsn, o.settle(lsn, hooks)
}

// settle waits until lsn is durable and then runs what waited for that.
func (o *Object) settle(lsn uint64, hooks []func()) error {
	if err := o.makeDurable(lsn); err != nil {
		return err
	}
	for _, f := range hooks {
		f()
	}
	return nil
}

// canceled is the error of an ended context.
func canceled(ctx context.Context) error {
	return &op.Error{Code: op.Canceled, Msg: "canceled: " + context.Cause(ctx).Error(), Err: ctx.Err()}
}

// parking says what a task waits for besides its turn.
type parking struct {
	key   sqlite.LockKey // a lock
	owner uint64         // or, not 0: the end of a transaction
	quiet bool           // or: that no transaction has changes
	woken bool           // it has waited before: it goes first
}

package kv

import (
	"context"
	"math"
	"slices"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// Blocking commands. Those who found nothing wait in a queue for each key, in
// the order of arrival. A write that makes a list or sorted set somebody waits
// for serves them in its own transaction, after itself, so nobody can take the
// elements before. After an atomic batch, which must stay whole, the first of
// those who wait serves all, in a transaction of its own.

// blockCommands are the attempts of the blocking commands; Null = nothing
// there. They check everything, the timeout too.
var blockCommands = map[string]handler{
	"BLMOVE":     blmove,
	"BLMPOP":     func(c *call) (op.Value, error) { return c.timed(0, func() (op.Value, error) { return c.lmpopAt(1) }) },
	"BLPOP":      func(c *call) (op.Value, error) { return c.bpop(true) },
	"BRPOP":      func(c *call) (op.Value, error) { return c.bpop(false) },
	"BRPOPLPUSH": brpopLPush,
	"BZMPOP":     func(c *call) (op.Value, error) { return c.timed(0, func() (op.Value, error) { return c.zmpopAt(1) }) },
	"BZPOPMAX":   func(c *call) (op.Value, error) { return c.bzpop(true) },
	"BZPOPMIN":   func(c *call) (op.Value, error) { return c.bzpop(false) },
}

// timeout reads a timeout in seconds; 0 = forever.
func timeout(b []byte) (time.Duration, error) {
	f, good := parseFloat(b)
	if !good || f*1000 > math.MaxInt64/float64(time.Millisecond) {
		return 0, errTimeout
	}
	if f < 0 {
		return 0, errNegTimeout
	}
	return time.Duration(math.Ceil(f*1000)) * time.Millisecond, nil
}

// timed checks the timeout at args[i], then runs f.
func (c *call) timed(i int, f func() (op.Value, error)) (op.Value, error) {
	if _, err := timeout(c.args[i]); err != nil {
		return op.Null, err
	}
	return f()
}

// blmove is the attempt of BLMOVE.
func blmove(c *call) (op.Value, error) {
	from, err := side(c.args[2])
	if err != nil {
		return op.Null, err
	}
	to, err := side(c.args[3])
	if err != nil {
		return op.Null, err
	}
	return c.timed(4, func() (op.Value, error) { return c.move(c.args[0], c.args[1], from, to) })
}

// brpopLPush is the attempt of BRPOPLPUSH.
func brpopLPush(c *call) (op.Value, error) {
	return c.timed(2, func() (op.Value, error) { return c.move(c.args[0], c.args[1], false, true) })
}

// bpop is the attempt of BLPOP and BRPOP.
func (c *call) bpop(left bool) (op.Value, error) {
	last := len(c.args) - 1
	return c.timed(last, func() (op.Value, error) {
		for _, name := range c.args[:last] {
			k, err := c.want(name, typeList)
			if err != nil {
				return op.Null, err
			}
			if k.id != 0 {
				vs, err := c.take(&k, 1, left)
				if err != nil {
					return op.Null, err
				}
				return op.Array(op.Bytes(name), vs[0]), nil
			}
		}
		return op.Null, nil
	})
}

// bzpop is the attempt of BZPOPMIN and BZPOPMAX.
func (c *call) bzpop(highest bool) (op.Value, error) {
	last := len(c.args) - 1
	return c.timed(last, func() (op.Value, error) {
		for _, name := range c.args[:last] {
			k, err := c.want(name, typeZset)
			if err != nil {
				return op.Null, err
			}
			if k.id != 0 {
				list, err := c.popEnd(&k, 1, highest)
				if err != nil {
					return op.Null, err
				}
				return op.Array(op.Bytes(name), op.Bytes(list[0].member), op.Float64(list[0].score)), nil
			}
		}
		return op.Null, nil
	})
}

// waiter is a blocking command that waits.
type waiter struct {
	body    *kv.Command
	keys    []watched
	timeout time.Duration
	claimed uint64        // LSN of the transaction that serves it
	wake    chan struct{} // capacity 1: serve the others
	result  chan op.Value // capacity 1
}

// waits returns a waiter for a blocking command, else nil. A command with a bad
// timeout does not wait: its attempt fails.
func waits(b *kv.Command) *waiter {
	if b.Verb == "XREAD" || b.Verb == "XREADGROUP" {
		return waitsRead(b)
	}
	if blockCommands[b.Verb] == nil {
		return nil
	}
	at := len(b.Args) - 1
	if b.Verb == "BLMPOP" || b.Verb == "BZMPOP" {
		at = 0
	}
	d, err := timeout(b.Args[at])
	if err != nil {
		return nil
	}
	w := newWaiter(b, d)
	positions := kv.Verbs[b.Verb].Keys(b.Args)
	if b.Verb == "BLMOVE" || b.Verb == "BRPOPLPUSH" {
		positions = positions[:1]
	}
	for _, i := range positions {
		w.keys = append(w.keys, watched{b.DB, string(b.Args[i])})
	}
	return w
}

// newWaiter makes a waiter without keys.
func newWaiter(b *kv.Command, d time.Duration) *waiter {
	return &waiter{body: b, timeout: d, wake: make(chan struct{}, 1), result: make(chan op.Value, 1)}
}

// only is the waiter's command on one of its keys: the others' types do not
// matter when it is served.
func (w *waiter) only(name string) *kv.Command {
	b := *w.body
	if len(w.keys) == 1 {
		return &b
	}
	switch b.Verb {
	case "XREAD", "XREADGROUP":
		return onlyStream(b, name)
	case "BLMPOP", "BZMPOP":
		rest := b.Args[2+len(w.keys):]
		b.Args = append([][]byte{b.Args[0], []byte("1"), []byte(name)}, rest...)
	default:
		b.Args = [][]byte{[]byte(name), b.Args[len(b.Args)-1]}
	}
	return &b
}

// wait runs a blocking command: an attempt, then its turn in the queues.
func (e *Engine) wait(ctx context.Context, s *object.Scope, w *waiter) (op.Reply, error) {
	r := &reply{}
	var m *state
	lsn, err := s.Write(ctx, func(tx *object.Tx) (err error) {
		m = e.memory(tx.Local())
		m.serve(tx)
		c := e.call(tx, w.body)
		r.value[0], err = c.run(commands[w.body.Verb])
		if err == nil && r.value[0].IsNull() {
			if err = c.settleIDs(w); err != nil {
				return err
			}
			m.enqueue(w)
		}
		m.serve(tx)
		return err
	})
	if err != nil {
		if m != nil {
			m.leave(w)
		}
		return nil, err
	}
	if r.lsn = lsn; !r.value[0].IsNull() {
		return r, nil
	}
	var end <-chan time.Time
	if w.timeout > 0 {
		t := time.NewTimer(w.timeout)
		defer t.Stop()
		end = t.C
	}
	for {
		select {
		case r.value[0] = <-w.result:
			return r, settle(ctx, s)
		case <-w.wake:
			_, err = s.Write(ctx, func(tx *object.Tx) error { m.serve(tx); return nil })
			if err == nil {
				continue
			}
		case <-end:
		case <-ctx.Done():
			err = &op.Error{Code: op.Canceled, Msg: "ERR canceled", Err: ctx.Err()}
		}
		return m.quit(ctx, s, w, r, err)
	}
}

// settle returns when everything committed so far is durable.
func settle(ctx context.Context, s *object.Scope) error {
	return s.Read(context.WithoutCancel(ctx), func(*object.Tx) error { return nil })
}

// quit ends the wait of w with err (nil: the timeout), unless a transaction is
// serving it: then the actor is asked for the outcome.
func (m *state) quit(ctx context.Context, s *object.Scope, w *waiter, r *reply, err error) (op.Reply, error) {
	if !m.leave(w) {
		_, e := s.Write(context.WithoutCancel(ctx), func(*object.Tx) error { return nil })
		select {
		case r.value[0] = <-w.result:
			return r, e
		default:
		}
	}
	m.wakeFirst()
	return r, err
}

// enqueue puts w at the end of the queues of its keys.
func (m *state) enqueue(w *waiter) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range w.keys {
		if !slices.Contains(m.queues[k], w) {
			m.queues[k] = append(m.queues[k], w)
		}
	}
}

// leave takes w out of its queues; false when it is claimed.
func (m *state) leave(w *waiter) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.unlink(w)
	return w.claimed == 0
}

// unlink takes w out of its queues. The caller holds mu.
func (m *state) unlink(w *waiter) {
	for _, k := range w.keys {
		q := m.queues[k]
		if i := slices.Index(q, w); i >= 0 {
			q = slices.Delete(q, i, i+1)
		}
		if len(q) == 0 {
			delete(m.queues, k)
		} else {
			m.queues[k] = q
		}
	}
}

// ready notes that a key somebody may wait for exists now.
func (c *call) ready(db int, k *key) {
	if k.typ != typeList && k.typ != typeZset && k.typ != typeStream {
		return
	}
	m := c.mem
	m.mu.Lock()
	defer m.mu.Unlock()
	w := watched{db, string(k.name)}
	if len(m.queues[w]) > 0 && !slices.Contains(m.pending, w) {
		m.pending = append(m.pending, w)
	}
}

// readyAll notes that any key may exist now.
func (c *call) readyAll() {
	m := c.mem
	m.mu.Lock()
	defer m.mu.Unlock()
	for w := range m.queues {
		m.pending = append(m.pending, w)
	}
}

// after runs at the end of a command: it serves those who wait, now or, when
// the transaction goes on, after its commit.
func (m *state) after(tx *object.Tx, goesOn bool) {
	m.mu.Lock()
	n := len(m.pending)
	m.mu.Unlock()
	switch {
	case n == 0:
	case goesOn:
		tx.OnCommit(m.wakeFirst)
	default:
		m.serve(tx)
	}
}

// wakeFirst wakes the first in the queue of a pending key.
func (m *state) wakeFirst() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, k := range m.pending {
		if q := m.queues[k]; len(q) > 0 {
			select {
			case q[0].wake <- struct{}{}:
			default:
			}
			return
		}
	}
	m.pending = nil
}

// serve gives what the pending keys hold to those who wait, in their order. It
// may make further keys pending (BLMOVE).
func (m *state) serve(tx *object.Tx) {
	for {
		m.mu.Lock()
		if len(m.pending) == 0 {
			m.mu.Unlock()
			return
		}
		k := m.pending[0]
		m.pending = slices.Delete(m.pending, 0, 1)
		queue := slices.Clone(m.queues[k])
		m.mu.Unlock()
		for _, w := range queue {
			c := m.engine.call(tx, w.only(k.key))
			if row, err := c.meta([]byte(k.key)); err != nil || row.id == 0 {
				break
			}
			if !m.serveOne(tx, &c, w) {
				continue
			}
		}
	}
}

// serveOne claims w and tries its command. An error, as of a key of another
// type, leaves it waiting.
func (m *state) serveOne(tx *object.Tx, c *call, w *waiter) bool {
	m.mu.Lock()
	if w.claimed != 0 && w.claimed >= tx.LSN() {
		m.mu.Unlock()
		return false
	}
	old := w.claimed
	w.claimed = tx.LSN()
	m.mu.Unlock()
	v, err := c.run(commands[w.body.Verb])
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil && op.CodeOf(err) == op.NotFound && w.body.Verb == "XREADGROUP" { // its group is gone
		v, err = op.ErrorText(err.Error()), nil
	}
	if err != nil || v.IsNull() {
		w.claimed = old
		return false
	}
	tx.OnCommit(func() {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.unlink(w)
		w.result <- v
	})
	return true
}

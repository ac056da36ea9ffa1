package shard

import (
	"slices"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
)

// txnKey names an interactive transaction.
type txnKey struct{ session, txn uint64 }

// txn is what the router knows of an interactive transaction. Ops of a session
// come one at a time, so only the map that holds it needs a lock.
type txn struct {
	begin   *ctl.Begin
	marks   []string     // savepoints, oldest first
	touched map[int]bool // objects that know of the transaction
	written int          // the object it writes, -1 = none yet
}

// own starts the numbers of sessions that belong to the router.
const own = 1 << 63

// find returns the op's transaction, nil if there is none.
func (c *call) find() *txn {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.txns[txnKey{c.o.Session.ID, c.o.Session.Txn}]
}

// enter makes the op's transaction known to an object and pins the
// transaction to the first object it writes.
func (c *call) enter(shard int, write bool) error {
	if c.o.Session.Txn == 0 {
		return nil
	}
	t := c.find()
	if t == nil {
		return op.Errorf(op.NoTransaction, "transaction does not exist")
	}
	if write && t.written >= 0 && t.written != shard {
		return crossShard()
	}
	if !t.touched[shard] {
		if err := c.drain(shard, t.begin); err != nil {
			return err
		}
		t.touched[shard] = true
		for _, name := range t.marks {
			if err := c.drain(shard, &ctl.Savepoint{Name: name, Action: ctl.SavepointSet}); err != nil {
				return err
			}
		}
	}
	if write {
		t.written = shard
	}
	return nil
}

// crossShard is the refusal of a transaction over several objects.
func crossShard() error {
	return &op.Error{Code: op.CrossShard, Msg: "a transaction may not write more than one object of a sharded database",
		Hint: "keep the rows of one transaction under one shard key"}
}

// drain runs a body on one object and throws the answer away.
func (c *call) drain(shard int, body op.Body) error {
	_, err := c.done(shard, body)
	return err
}

// done runs a body on one object and returns the end of its answer.
func (c *call) done(shard int, body op.Body) (*op.Done, error) {
	reply, err := c.raw(shard, body)
	if err != nil {
		return nil, err
	}
	return op.Drain(c.ctx, reply)
}

// transaction runs Begin, Commit, Rollback and Savepoint.
func (c *call) transaction() (op.Reply, error) {
	key := txnKey{c.o.Session.ID, c.o.Session.Txn}
	if _, undo := c.o.Body.(*ctl.Rollback); key.txn == 0 && !undo {
		return nil, op.Errorf(op.InvalidArgument, "transaction without a number")
	}
	t := c.find()
	switch b := c.o.Body.(type) {
	case *ctl.Begin:
		begin := *b
		c.mu.Lock()
		c.txns[key] = &txn{begin: &begin, touched: map[int]bool{}, written: -1}
		c.mu.Unlock()
		return op.ReplyOf(&op.Done{}), nil
	case *ctl.Savepoint:
		return c.savepoint(t, b)
	case *ctl.Commit:
		if t == nil {
			return nil, op.Errorf(op.NoTransaction, "transaction does not exist")
		}
		c.forget(key)
		return c.commit(t)
	}
	if t != nil {
		c.forget(key)
		c.rollback(t)
	}
	return op.ReplyOf(&op.Done{}), nil
}

// forget removes a transaction that ends.
func (c *call) forget(key txnKey) {
	c.mu.Lock()
	delete(c.txns, key)
	c.mu.Unlock()
}

// commit ends a transaction: the object that was written decides.
func (c *call) commit(t *txn) (op.Reply, error) {
	end := &op.Done{}
	if t.written >= 0 {
		done, err := c.done(t.written, &ctl.Commit{})
		delete(t.touched, t.written)
		if err != nil {
			c.rollback(t)
			return nil, err
		}
		end = done
	}
	for shard := range t.touched { // only read, or told to send notifications
		if err := c.drain(shard, &ctl.Commit{}); err != nil && t.written < 0 {
			return nil, err
		}
	}
	return op.ReplyOf(end), nil
}

// rollback ends a transaction on every object that knows it.
func (c *call) rollback(t *txn) {
	for shard := range t.touched {
		// A failure leaves the object to end the transaction by itself: it
		// holds nothing that was acknowledged.
		_ = c.drain(shard, &ctl.Rollback{})
	}
}

// savepoint keeps the list of marks and passes the body to every object that
// knows the transaction.
func (c *call) savepoint(t *txn, b *ctl.Savepoint) (op.Reply, error) {
	if t == nil {
		return nil, op.Errorf(op.NoTransaction, "transaction does not exist")
	}
	at := len(t.marks) - 1
	for at >= 0 && t.marks[at] != b.Name {
		at--
	}
	if at < 0 && b.Action != ctl.SavepointSet {
		return nil, &op.Error{Code: op.NoTransaction, Msg: "savepoint \"" + b.Name + "\" does not exist", Object: "savepoint", Name: b.Name}
	}
	for shard := range t.touched {
		if err := c.drain(shard, b); err != nil {
			return nil, err
		}
	}
	switch b.Action {
	case ctl.SavepointSet:
		t.marks = append(t.marks, b.Name)
	case ctl.SavepointRelease:
		t.marks = slices.Clip(t.marks[:at])
	case ctl.SavepointRollback:
		t.marks = slices.Clip(t.marks[:at+1])
	}
	return op.ReplyOf(&op.Done{}), nil
}

// everywhere runs a schema change on all objects or on none: each runs it in a
// held transaction, always in the same order so that two changes never wait
// for each other in a circle, and all commit only when all have succeeded.
// The answer is the first object's.
func (c *call) everywhere(body op.Body) (*answer, []op.Frame, error) {
	if c.o.Session.Txn != 0 {
		return nil, nil, crossShard()
	}
	held := *c.o
	held.Session = op.Session{ID: own | c.seq.Add(1), Txn: 1}
	h := &call{Router: c.Router, ctx: c.ctx, o: &held, l: c.l}
	var first *answer
	var frames []op.Frame
	for i := range c.l.Count {
		a, order, err := h.hold(i, body)
		if err != nil {
			for j := range i + 1 {
				_ = h.drain(j, &ctl.Rollback{})
			}
			return nil, nil, err
		}
		if i == 0 {
			first, frames = a, order
		}
	}
	for i := range c.l.Count {
		err := h.drain(i, &ctl.Commit{})
		if err == nil {
			continue
		}
		for j := i; j < c.l.Count; j++ {
			_ = h.drain(j, &ctl.Rollback{})
		}
		if i > 0 {
			err = &op.Error{Code: op.Internal, Err: err,
				Msg: "a schema change was committed on some objects only: run it again with IF (NOT) EXISTS"}
		}
		return nil, nil, err
	}
	return first, frames, nil
}

// hold begins a transaction on one object and runs a body in it.
func (c *call) hold(shard int, body op.Body) (*answer, []op.Frame, error) {
	if err := c.drain(shard, &ctl.Begin{}); err != nil {
		return nil, nil, err
	}
	reply, err := c.raw(shard, body)
	if err != nil {
		return nil, nil, err
	}
	return gather(c.ctx, reply)
}

package redis

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// maxBatch is how many pipelined commands go in one operation.
const maxBatch = 1024

// batch holds pipelined commands: they run in one operation, so they share one
// reader or one commit.
type batch struct {
	list   []batched
	free   []*kv.Command // reused
	args   [][]byte      // backing of their arguments
	bodies []op.Body
}

// batched is one command of a batch.
type batched struct {
	cmd  *command
	args int
	mute muteMode
	body *kv.Command
}

// runVerb runs a key-value command: at once when nothing is batched and no
// further command has arrived; else it joins the batch.
func (c *conn) runVerb(cmd *command, args [][]byte) {
	b := &c.batch
	if len(b.list) == 0 && !c.r.buffered() {
		mark := len(c.w.buf)
		c.single = kv.Command{DB: c.db, Verb: cmd.name, Args: args}
		began := c.srv.slow.start()
		v, err := c.value(&c.single)
		c.srv.slow.end(c, began, cmd.name, args, 0)
		c.answer(v, err, cmd.shape, len(args))
		c.cut(mark, c.mute)
		return
	}
	n := len(b.list)
	if n == len(b.free) {
		b.free = append(b.free, &kv.Command{})
	}
	k := b.free[n]
	at := len(b.args)
	b.args = append(b.args, args...)
	*k = kv.Command{DB: c.db, Verb: cmd.name, Args: b.args[at:len(b.args):len(b.args)]}
	b.list = append(b.list, batched{cmd, len(args), c.mute, k})
	if n+1 >= maxBatch {
		c.flushBatch()
	}
}

// flushBatch runs what is batched and writes the replies in order.
func (c *conn) flushBatch() {
	b := &c.batch
	if len(b.list) == 0 {
		return
	}
	var vs []op.Value
	var err error
	began := c.srv.slow.start()
	if len(b.list) == 1 {
		vs, err = c.values(c.ctx, b.list[0].body)
	} else {
		b.bodies = b.bodies[:0]
		for i := range b.list {
			b.bodies = append(b.bodies, b.list[i].body)
		}
		vs, err = c.values(c.ctx, &ctl.Batch{Bodies: b.bodies})
		if err == nil && len(vs) != len(b.list) {
			err = op.Errorf(op.Internal, "ERR batch of %d commands answered %d values", len(b.list), len(vs))
		}
	}
	c.srv.slow.end(c, began, b.list[0].cmd.name, b.list[0].body.Args, len(b.list)-1)
	for i := range b.list {
		e := &b.list[i]
		mark := len(c.w.buf)
		v := op.Null
		if err == nil {
			v = vs[i]
		}
		c.answer(v, err, e.cmd.shape, e.args)
		c.cut(mark, e.mute)
	}
	b.list = b.list[:0]
	if cap(b.args) > 4*maxBatch {
		b.args = nil
	}
	clear(b.args)
	b.args = b.args[:0]
}

// maxAhead is how many bytes are read while a command waits.
const maxAhead = 1 << 20

// noDeadline takes a deadline away.
var noDeadline time.Time

// blocking is a command that waits; end wakes it.
type blocking struct {
	end context.CancelCauseFunc
}

// Causes that end a blocking command from outside.
var (
	errUnblocked = &op.Error{Code: op.Canceled, Msg: "UNBLOCKED client unblocked via CLIENT UNBLOCK"}
	errTimedOut  = &op.Error{Code: op.Canceled, Msg: "timeout"}
)

// runBlocking runs a command that may wait. Meanwhile the writer is free for
// pushes, and input is watched: a client that goes away stops waiting.
func (c *conn) runBlocking(cmd *command, args [][]byte) {
	body := &kv.Command{DB: c.db, Verb: cmd.name, Args: clone(args)}
	if err := c.w.flush(); err != nil {
		c.quit = true
		return
	}
	ctx, end := context.WithCancelCause(c.ctx)
	defer end(nil)
	c.blocked.Store(&blocking{end})
	watched := make(chan struct{})
	go c.watchInput(end, watched)
	c.w.mu.Unlock()
	v, err := op.Null, error(nil)
	if vs, e := c.values(ctx, body); e != nil {
		err = e
	} else {
		v = vs[0]
	}
	c.blocked.Store(nil)
	c.interrupt()
	<-watched
	c.w.mu.Lock()
	_ = c.net.SetReadDeadline(noDeadline) // fails only on a closed connection, as the next read does
	if cause := context.Cause(ctx); err != nil && op.CodeOf(err) == op.Canceled {
		switch cause {
		case errTimedOut:
			v, err = op.Null, nil
		case errUnblocked:
			err = errUnblocked
		default: // the client is gone
			c.quit = true
			return
		}
	}
	if c.ctx.Err() != nil {
		c.quit = true
	}
	c.answer(v, err, cmd.shape|absentArray, len(args))
}

// watchInput reads ahead while a command waits and ends it when the client is
// gone. interrupt stops it.
func (c *conn) watchInput(end context.CancelCauseFunc, done chan struct{}) {
	defer close(done)
	for {
		if c.r.w-c.r.r > maxAhead {
			return
		}
		if err := c.r.fill(); err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				end(err)
			}
			return
		}
	}
}

// clone copies arguments out of the read buffer.
func clone(args [][]byte) [][]byte {
	n := 0
	for _, a := range args {
		n += len(a)
	}
	room := make([]byte, 0, n)
	out := make([][]byte, len(args))
	for i, a := range args {
		at := len(room)
		room = append(room, a...)
		out[i] = room[at:len(room):len(room)]
	}
	return out
}

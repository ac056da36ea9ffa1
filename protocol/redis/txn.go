package redis

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// MULTI, EXEC, DISCARD, WATCH, UNWATCH. Queued commands become one atomic
// batch; WATCH turns into checks of versions at its head. Commands of the
// connection itself (PING, CLIENT …) run in their place when the replies are
// written.

// maxQueued bounds the bytes of a queue.
const maxQueued = 512 << 20

// transaction is the state of MULTI.
type transaction struct {
	open   bool
	broken bool // a command was refused: EXEC aborts
	queue  []queued
	bytes  int
	watch  []kv.Check
}

// queued is one command between MULTI and EXEC.
type queued struct {
	cmd  *command
	args [][]byte
}

// multi implements MULTI.
func multi(c *conn, _ [][]byte) {
	if c.tx.open {
		c.w.error("ERR MULTI calls can not be nested")
		return
	}
	c.tx.open = true
	c.w.status("OK")
}

// enqueue queues a command.
func (c *conn) enqueue(cmd *command, args [][]byte) {
	for _, a := range args {
		c.tx.bytes += len(a)
	}
	if c.tx.bytes > maxQueued {
		c.tx.broken = true
		c.w.error("ERR transaction too large")
		return
	}
	c.tx.queue = append(c.tx.queue, queued{cmd, clone(args)})
	c.w.status("QUEUED")
}

// discard implements DISCARD.
func discard(c *conn, _ [][]byte) {
	if !c.tx.open {
		c.w.error("ERR DISCARD without MULTI")
		return
	}
	c.tx = transaction{}
	c.w.status("OK")
}

// watch implements WATCH.
func watch(c *conn, args [][]byte) {
	if c.tx.open {
		c.w.error("ERR WATCH inside MULTI is not allowed")
		return
	}
	keys := clone(args)
	vs, err := c.values(c.ctx, &kv.Version{DB: c.db, Keys: keys})
	if err != nil {
		c.w.error(errorText(err))
		return
	}
	for i, k := range keys {
		c.tx.watch = append(c.tx.watch, kv.Check{DB: c.db, Key: k, Version: uint64(vs[i].Int())})
	}
	c.w.status("OK")
}

// unwatch implements UNWATCH.
func unwatch(c *conn, _ [][]byte) {
	c.tx.watch = nil
	c.w.status("OK")
}

// exec implements EXEC.
func exec(c *conn, _ [][]byte) {
	if !c.tx.open {
		c.w.error("ERR EXEC without MULTI")
		return
	}
	tx := c.tx
	c.tx = transaction{}
	if tx.broken {
		c.w.error("EXECABORT Transaction discarded because of previous errors.")
		return
	}
	bodies := c.bodies(&tx)
	var vs []op.Value
	if len(bodies) > 0 {
		var err error
		vs, err = c.values(c.ctx, &ctl.Batch{Bodies: bodies, Atomic: true})
		if err != nil {
			c.w.error(errorText(err))
			return
		}
	}
	if len(tx.watch) > 0 { // the version at the end tells a failed check from a null reply
		if len(vs) == 0 || vs[len(vs)-1].Kind != op.KindUint64 {
			c.w.nullArray()
			return
		}
	}
	c.w.array(len(tx.queue))
	at := 0
	for i := range tx.queue {
		q := &tx.queue[i]
		if q.cmd.run != nil && q.cmd.name != "PUBLISH" && q.cmd.name != "SPUBLISH" {
			q.cmd.run(c, q.args)
			continue
		}
		if at >= len(vs) {
			c.w.error("ERR internal error: missing reply")
			continue
		}
		s := q.cmd.shape
		if q.cmd.blocking {
			s &^= absentArray
			if q.cmd.name != "BLMOVE" && q.cmd.name != "BRPOPLPUSH" {
				s |= absentArray
			}
		}
		c.answer(vs[at], nil, s, len(q.args))
		at++
	}
}

// bodies are the operations of a transaction: checks, commands and, after
// checks, a version that marks success.
func (c *conn) bodies(tx *transaction) []op.Body {
	var list []op.Body
	for i := range tx.watch {
		list = append(list, &tx.watch[i])
	}
	db := c.db
	for _, q := range tx.queue {
		switch {
		case q.cmd.run == nil:
			list = append(list, &kv.Command{DB: db, Verb: q.cmd.name, Args: q.args})
		case q.cmd.name == "PUBLISH":
			list = append(list, &msg.Publish{Space: spaces[0], Topic: string(q.args[0]), Payload: q.args[1]})
		case q.cmd.name == "SPUBLISH":
			list = append(list, &msg.Publish{Space: spaces[1], Topic: string(q.args[0]), Payload: q.args[1]})
		case q.cmd.name == "SELECT":
			if n, good := atoi(q.args[0]); good && n >= 0 && n < databases {
				db = n
			}
		}
	}
	if len(tx.watch) > 0 {
		list = append(list, &kv.Version{DB: tx.watch[0].DB, Keys: [][]byte{tx.watch[0].Key}})
	}
	return list
}

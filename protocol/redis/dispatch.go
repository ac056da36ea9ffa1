package redis

import (
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// command is what the front-end knows about a command: its own (run) or one of
// the key-value family (verb).
type command struct {
	name     string
	arity    int
	run      func(c *conn, args [][]byte) // args without the name
	verb     kv.Verb
	shape    shape
	blocking bool
	noAuth   bool // allowed before authentication
	inSub    bool // allowed in RESP2 subscriber mode
	atOnce   bool // not queued by MULTI
	refused  bool // known, not supported
}

// maxName bounds the length of a command's name.
const maxName = 32

// commands has every command by upper case name.
var commands map[string]*command

// find looks a command up without allocating.
func find(name []byte) *command {
	var room [maxName]byte
	if len(name) > maxName {
		return nil
	}
	for i, ch := range name {
		if 'a' <= ch && ch <= 'z' {
			ch -= 'a' - 'A'
		}
		room[i] = ch
	}
	return commands[string(room[:len(name)])]
}

// unknown is the error for a command that does not exist.
func unknown(args [][]byte) string {
	var b strings.Builder
	b.WriteString("ERR unknown command '")
	b.Write(args[0][:min(len(args[0]), 128)])
	b.WriteString("', with args beginning with: ")
	size := 0
	for _, a := range args[1:] {
		if size >= 128 {
			break
		}
		a = a[:min(len(a), 128-size)]
		b.WriteByte('\'')
		b.Write(a)
		b.WriteString("' ")
		size += len(a) + 3
	}
	return b.String()
}

// wrongArgs is the error for a wrong number of arguments.
func wrongArgs(name string) string {
	return "ERR wrong number of arguments for '" + strings.ToLower(name) + "' command"
}

// check finds a command and says why it may not run now, "" if it may.
func (c *conn) check(args [][]byte) (*command, string) {
	cmd := find(args[0])
	switch n := len(args); {
	case cmd == nil:
		return nil, unknown(args)
	case cmd.arity > 0 && n != cmd.arity || n < -cmd.arity:
		return nil, wrongArgs(cmd.name)
	case !c.authed && !cmd.noAuth:
		return nil, "NOAUTH Authentication required."
	case cmd.refused:
		return nil, "ERR '" + strings.ToLower(cmd.name) + "' is not supported"
	case c.w.proto < 3 && !cmd.inSub && c.subscribed():
		return nil, "ERR Can't execute '" + strings.ToLower(cmd.name) + "': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"
	}
	return cmd, ""
}

// dispatch runs or queues one command.
func (c *conn) dispatch(args [][]byte) {
	c.srv.commands.Add(1)
	cmd, why := c.check(args)
	if cmd == nil {
		c.tx.broken = c.tx.open
		c.flushBatch()
		mark := len(c.w.buf)
		c.w.error(why)
		c.cut(mark, c.mute)
		return
	}
	if c.srv.monitors.n.Load() > 0 {
		c.srv.monitors.show(c, cmd, args)
	}
	if p := c.srv.paused.Load(); p != nil {
		c.obey(p, cmd)
	}
	if c.tx.open && !cmd.atOnce {
		mark := len(c.w.buf)
		c.enqueue(cmd, args[1:])
		c.cut(mark, c.mute)
		return
	}
	blocking := cmd.blocking && (cmd.verb.Before == "" || asksToWait(args))
	if cmd.run == nil && !blocking {
		c.runVerb(cmd, args[1:])
		return
	}
	c.flushBatch()
	c.note(cmd)
	mark := len(c.w.buf)
	before := c.mute
	if t := c.srv.slow.start(); !t.IsZero() && !blocking {
		defer func(args [][]byte) { c.srv.slow.end(c, t, cmd.name, args, 0) }(args[1:])
	}
	if blocking {
		c.runBlocking(cmd, args[1:])
	} else {
		cmd.run(c, args[1:])
	}
	if before == c.mute {
		c.cut(mark, before)
	}
}

// asksToWait reports whether a read of streams has the option BLOCK.
func asksToWait(args [][]byte) bool {
	for _, a := range args[1:] {
		switch {
		case is(a, "BLOCK"):
			return true
		case is(a, "STREAMS"):
			return false
		}
	}
	return false
}

// note remembers for CLIENT LIST what the connection does.
func (c *conn) note(cmd *command) {
	c.info.Lock()
	defer c.info.Unlock()
	c.info.last, c.info.active = cmd.name, time.Now()
	c.info.db, c.info.proto, c.info.multi = c.db, c.w.proto, -1
	if c.tx.open {
		c.info.multi = len(c.tx.queue)
	}
	c.info.subs, c.info.patterns = 0, 0
	if s := c.subs[0]; s != nil {
		c.info.subs, c.info.patterns = len(s.topics), len(s.patterns)
	}
	c.info.sharded = c.subs[1].size()
}

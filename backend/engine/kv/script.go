package kv

import (
	"context"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/engine/kv/lua"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// Scripts. A script is one write: it runs inside the transaction of its command
// and nobody sees half of it. A command that fails in it leaves what was done
// before, as Redis has it; a script that is killed or runs too long is undone as
// a whole, so killing one is always safe.

// scriptTime is how long a script may hold the object's writer.
const scriptTime = 5 * time.Second

// scriptTable has EVAL and its relatives. It is not part of commands, which
// scripts look up.
func scriptTable() map[string]handler {
	return map[string]handler{
		"EVAL":       func(c *call) (op.Value, error) { return c.eval(false, false) },
		"EVALSHA":    func(c *call) (op.Value, error) { return c.eval(true, false) },
		"EVALSHA_RO": func(c *call) (op.Value, error) { return c.eval(true, true) },
		"EVAL_RO":    func(c *call) (op.Value, error) { return c.eval(false, true) },
		"SCRIPT":     script,
	}
}

// errNoScript says that a digest is not known.
var errNoScript = &op.Error{Code: op.NotFound, Msg: "NOSCRIPT No matching script. Please use EVAL."}

// eval runs a script given as its text or its digest.
func (c *call) eval(digest, readOnly bool) (op.Value, error) {
	n, good := parseInt(c.args[1])
	switch {
	case !good:
		return op.Null, errInteger
	case n < 0:
		return op.Null, bad("Number of keys can't be negative")
	case n > int64(len(c.args)-2):
		return op.Null, errManyKeys
	}
	cache := c.mem.engine.scripts
	var s *lua.Script
	var err error
	if digest {
		if s = cache.Find(string(c.args[0])); s == nil {
			return op.Null, errNoScript
		}
	} else if s, err = cache.Load(c.args[0]); err != nil {
		return op.Null, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), scriptTime)
	defer cancel()
	keys := c.args[2 : 2+n]
	run := &scripted{call: c, keys: keys, db: c.db, readOnly: readOnly || s.ReadOnly}
	v, err := cache.Run(ctx, s, keys, c.args[2+n:], run.do)
	if run.stale {
		return op.Null, errStale
	}
	return v, err
}

// scripted is a script at work.
type scripted struct {
	*call
	keys     [][]byte
	db       int
	readOnly bool
	stale    bool // a reader met expired fields
}

// flatReplies are the replies that are lists of pairs, which scripts see flat.
var flatReplies = map[string]bool{
	"HRANDFIELD": true, "ZDIFF": true, "ZINTER": true, "ZPOPMAX": true, "ZPOPMIN": true, "ZRANDMEMBER": true, "ZRANGE": true,
	"ZRANGEBYSCORE": true, "ZREVRANGE": true, "ZREVRANGEBYSCORE": true, "ZUNION": true,
}

// do executes one command of the script.
func (r *scripted) do(args [][]byte) op.Value {
	name := upper(args[0])
	b := &kv.Command{DB: r.db, Verb: name, Args: args[1:]}
	if v, own := r.own(name, args[1:]); own {
		return v
	}
	verb, known := kv.Verbs[name]
	h := r.mem.engine.find(name)
	switch {
	case !known || h == nil:
		return op.ErrorText("ERR Unknown Redis command called from script")
	case strings.HasPrefix(name, "EVAL") || name == "SCRIPT" || blockCommands[name] != nil:
		return op.ErrorText("ERR This Redis command is not allowed from script")
	case verb.Arity >= 0 && len(args) != verb.Arity || len(args) < -verb.Arity:
		return op.ErrorText("ERR Wrong number of args calling Redis command from script")
	case verb.Write && r.readOnly:
		return op.ErrorText("ERR Write commands are not allowed from read-only scripts.")
	}
	if r.declared && !r.covers(verb, b.Args) {
		return op.ErrorText("ERR Script attempted to access a non local key in a cluster node")
	}
	c := r.mem.engine.call(r.tx, b)
	v, err := c.run(h)
	if err != nil {
		r.stale = r.stale || err == errStale
		return op.ErrorText(op.AsError(err).Msg)
	}
	return plain(name, v)
}

// covers reports whether a command uses only keys the script was given.
func (r *scripted) covers(verb kv.Verb, args [][]byte) bool {
	at := verb.Keys(args)
	if len(at) == 0 && verb.Write {
		return false
	}
	for _, i := range at {
		known := false
		for _, k := range r.keys {
			known = known || string(k) == string(args[i])
		}
		if !known {
			return false
		}
	}
	return true
}

// own runs the commands that are the connection's outside of scripts.
func (r *scripted) own(name string, args [][]byte) (op.Value, bool) {
	switch {
	case name == "TIME" && len(args) == 0:
		us := r.tx.Now().UnixMicro()
		return op.Array(op.Bytes(formatInt(us/1e6)), op.Bytes(formatInt(us%1e6))), true
	case name == "PING" && len(args) == 0:
		return op.Text("PONG"), true
	case (name == "PING" || name == "ECHO") && len(args) == 1:
		return op.Bytes(args[0]), true
	case name == "SELECT" && len(args) == 1:
		n, good := parseInt(args[0])
		if !good || n < 0 || n >= databases {
			return op.ErrorText(errDB.Msg), true
		}
		r.db = int(n)
		return ok, true
	}
	return op.Null, false
}

// plain is a reply as RESP2 shows it.
func plain(name string, v op.Value) op.Value {
	list := v.List()
	switch {
	case v.Kind == op.KindFloat64:
		return op.Bytes(formatFloat(v.Float()))
	case v.Kind == op.KindMap && strings.HasPrefix(name, "XREAD"):
		out := make([]op.Value, 0, len(list)/2)
		for i := 0; i+1 < len(list); i += 2 {
			out = append(out, op.Array(list[i], list[i+1]))
		}
		return op.Array(out...)
	case v.Kind == op.KindArray && flatReplies[name] && len(list) > 0 && list[0].Kind == op.KindArray:
		out := make([]op.Value, 0, 2*len(list))
		for i := range list {
			for _, e := range list[i].List() {
				out = append(out, plain("", e))
			}
		}
		return op.Array(out...)
	case v.Kind == op.KindArray || v.Kind == op.KindMap || v.Kind == op.KindSet:
		out := make([]op.Value, len(list))
		for i := range list {
			out[i] = plain("", list[i])
		}
		return op.Array(out...)
	}
	return v
}

// script implements SCRIPT.
func script(c *call) (op.Value, error) {
	cache := c.mem.engine.scripts
	sub, n := upper(c.args[0]), len(c.args)
	switch {
	case sub == "LOAD" && n == 2:
		s, err := cache.Load(c.args[1])
		if err != nil {
			return op.Null, err
		}
		return op.Bytes([]byte(s.Digest)), nil
	case sub == "EXISTS" && n >= 2:
		list := make([]op.Value, n-1)
		for i, d := range c.args[1:] {
			list[i] = flag(cache.Find(string(d)) != nil)
		}
		return op.Array(list...), nil
	case sub == "FLUSH" && (n == 1 || n == 2 && (is(c.args[1], "SYNC") || is(c.args[1], "ASYNC"))):
		cache.Flush()
		return ok, nil
	case sub == "FLUSH":
		return op.Null, bad("SCRIPT FLUSH only support SYNC|ASYNC option")
	case sub == "KILL" && n == 1:
		if !cache.Kill() {
			return op.Null, op.Errorf(op.NotFound, "NOTBUSY No scripts in execution right now.")
		}
		return ok, nil
	case sub == "DEBUG":
		return op.Null, op.Errorf(op.Unsupported, "ERR 'script debug' is not supported")
	case sub == "LOAD" || sub == "EXISTS" || sub == "KILL":
		return op.Null, arity("script|" + sub)
	}
	return op.Null, bad("unknown subcommand '%s'. Try SCRIPT HELP.", c.args[0])
}

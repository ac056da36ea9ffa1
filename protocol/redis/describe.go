package redis

import (
	"sort"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// describe implements COMMAND.
func describe(c *conn, args [][]byte) {
	switch {
	case len(args) == 0:
		describeAll(c, allNames())
	case is(args[0], "COUNT") && len(args) == 1:
		c.w.int(int64(len(allNames())))
	case is(args[0], "INFO"):
		list := allNames()
		if len(args) > 1 {
			list = texts(args[1:])
		}
		describeAll(c, list)
	case is(args[0], "DOCS"):
		commandDocs(c, args[1:])
	case is(args[0], "LIST"):
		commandList(c, args[1:])
	case (is(args[0], "GETKEYS") || is(args[0], "GETKEYSANDFLAGS")) && len(args) > 2:
		commandKeys(c, args[1:], is(args[0], "GETKEYSANDFLAGS"))
	default:
		c.badSub("COMMAND", args, "COUNT", "GETKEYS", "GETKEYSANDFLAGS")
	}
}

// allNames lists the supported commands.
func allNames() []string {
	list := make([]string, 0, len(commands))
	for name, cmd := range commands {
		if !cmd.refused {
			list = append(list, name)
		}
	}
	sort.Strings(list)
	return list
}

// flags are what COMMAND INFO says of a command.
func (cmd *command) flags() []string {
	var list []string
	switch {
	case cmd.verb.Write:
		list = append(list, "write")
	case cmd.run == nil:
		list = append(list, "readonly")
	}
	if cmd.blocking {
		list = append(list, "blocking")
	}
	if cmd.noAuth {
		list = append(list, "no_auth")
	}
	if cmd.verb.NumKeys > 0 || cmd.verb.Before != "" {
		list = append(list, "movablekeys")
	}
	return list
}

// describeAll writes the entries of commands.
func describeAll(c *conn, list []string) {
	w := &c.w
	w.array(len(list))
	for _, name := range list {
		cmd := find([]byte(name))
		if cmd == nil || cmd.refused {
			w.nullArray()
			continue
		}
		w.array(10)
		w.text(strings.ToLower(cmd.name))
		w.int(int64(cmd.arity))
		flags := cmd.flags()
		w.set(len(flags))
		for _, f := range flags {
			w.status(f)
		}
		w.int(int64(cmd.verb.FirstKey))
		w.int(int64(cmd.verb.LastKey))
		w.int(int64(cmd.verb.Step))
		for range 4 {
			w.array(0)
		}
	}
}

// commandDocs implements COMMAND DOCS: what is known is the arity.
func commandDocs(c *conn, args [][]byte) {
	list := allNames()
	if len(args) > 0 {
		list = nil
		for _, a := range args {
			if cmd := find(a); cmd != nil && !cmd.refused {
				list = append(list, cmd.name)
			}
		}
	}
	c.w.mapping(len(list))
	for _, name := range list {
		cmd := commands[name]
		c.w.text(strings.ToLower(name))
		c.w.mapping(2)
		c.w.text("summary")
		c.w.text("")
		c.w.text("arity")
		c.w.int(int64(cmd.arity))
	}
}

// commandList implements COMMAND LIST.
func commandList(c *conn, args [][]byte) {
	list := allNames()
	if len(args) > 0 {
		if len(args) != 3 || !is(args[0], "FILTERBY") || !is(args[1], "PATTERN") {
			c.w.error("ERR syntax error")
			return
		}
		kept := list[:0]
		for _, name := range list {
			if msg.Match(strings.ToLower(string(args[2])), strings.ToLower(name)) {
				kept = append(kept, name)
			}
		}
		list = kept
	}
	c.w.array(len(list))
	for _, name := range list {
		c.w.text(strings.ToLower(name))
	}
}

// commandKeys implements COMMAND GETKEYS and GETKEYSANDFLAGS.
func commandKeys(c *conn, args [][]byte, flags bool) {
	cmd := find(args[0])
	switch n := len(args); {
	case cmd == nil || cmd.refused:
		c.w.error("ERR Invalid command specified")
		return
	case cmd.arity > 0 && n != cmd.arity || n < -cmd.arity:
		c.w.error("ERR Invalid number of arguments specified for command")
		return
	}
	at := cmd.verb.Keys(args[1:])
	if len(at) == 0 {
		c.w.error("ERR The command has no key arguments")
		return
	}
	c.w.array(len(at))
	for _, i := range at {
		if !flags {
			c.w.bulk(args[1+i])
			continue
		}
		c.w.array(2)
		c.w.bulk(args[1+i])
		c.w.array(1)
		if cmd.verb.Write {
			c.w.status("RW")
		} else {
			c.w.status("RO")
		}
	}
}

package redis

import (
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// MONITOR: every command of every connection is shown to those who ask, as it
// arrives. Commands with passwords are not shown. A monitor that does not take
// its lines loses its connection.

// monitorQueue is how many lines wait for a monitor at most.
const monitorQueue = 4096

// monitors are the connections that watch commands.
type monitors struct {
	n  atomic.Int32
	mu sync.Mutex
	of map[*conn]chan []byte
}

// add starts a monitor; its pump ends with the connection.
func (m *monitors) add(c *conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.of == nil {
		m.of = map[*conn]chan []byte{}
	}
	if m.of[c] != nil {
		return
	}
	lines := make(chan []byte, monitorQueue)
	m.of[c] = lines
	m.n.Add(1)
	go func() {
		for line := range lines {
			c.w.mu.Lock()
			c.w.buf = append(c.w.buf, line...)
			_ = c.net.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only on a closed connection
			err := c.w.flush()
			_ = c.net.SetWriteDeadline(noDeadline)
			c.w.mu.Unlock()
			if err != nil {
				c.session.Kill()
			}
		}
	}()
}

// remove ends a monitor, if the connection is one.
func (m *monitors) remove(c *conn) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if lines := m.of[c]; lines != nil {
		delete(m.of, c)
		m.n.Add(-1)
		close(lines)
	}
}

// show tells all monitors of a command.
func (m *monitors) show(c *conn, cmd *command, args [][]byte) {
	if cmd.noAuth || cmd.name == "MONITOR" || cmd.name == "CONFIG" {
		return
	}
	now := time.Now().UnixMicro()
	line := append([]byte("+"), strconv.FormatInt(now/1e6, 10)...)
	line = append(append(line, '.'), strconv.FormatInt(now%1e6+1e6, 10)[1:]...)
	line = append(append(append(line, " ["...), strconv.Itoa(c.db)...), ' ')
	line = append(append(line, c.net.RemoteAddr().String()...), ']')
	for _, a := range args {
		line = appendQuoted(append(line, ' '), a)
	}
	line = append(line, '\r', '\n')
	m.mu.Lock()
	defer m.mu.Unlock()
	for o, lines := range m.of {
		if o == c {
			continue
		}
		select {
		case lines <- line:
		default:
			o.session.Kill()
		}
	}
}

// appendQuoted appends an argument in quotes, bytes that are not visible as
// escapes.
func appendQuoted(b, a []byte) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, ch := range a {
		switch {
		case ch == '"' || ch == '\\':
			b = append(b, '\\', ch)
		case ch == '\n':
			b = append(b, `\n`...)
		case ch == '\r':
			b = append(b, `\r`...)
		case ch == '\t':
			b = append(b, `\t`...)
		case ch < ' ' || ch > '~':
			b = append(b, '\\', 'x', hex[ch>>4], hex[ch&15])
		default:
			b = append(b, ch)
		}
	}
	return append(b, '"')
}

// monitor implements MONITOR.
func monitor(c *conn, _ [][]byte) {
	c.w.status("OK")
	c.srv.monitors.add(c)
}

// role implements ROLE: there is no replication to tell of.
func role(c *conn, _ [][]byte) {
	c.w.array(3)
	c.w.text("master")
	c.w.int(0)
	c.w.array(0)
}

// acl implements ACL WHOAMI; users come from the configuration.
func acl(c *conn, args [][]byte) {
	switch {
	case is(args[0], "WHOAMI") && len(args) == 1:
		c.info.Lock()
		user := c.info.user
		c.info.Unlock()
		c.w.text(user)
	case is(args[0], "WHOAMI"):
		c.badSub("ACL", args, "WHOAMI")
	default:
		c.w.error("ERR 'acl " + printableWord(args[0]) + "' is not supported")
	}
}

// printableWord is an argument as it may stand in an error.
func printableWord(a []byte) string { return string(a[:min(len(a), 128)]) }

package redis

import (
	"fmt"
	"net"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/protocol"
)

// pause is CLIENT PAUSE.
type pause struct {
	until  time.Time
	writes bool          // only writes wait
	end    chan struct{} // closed by UNPAUSE
}

// obey waits for the end of a pause.
func (c *conn) obey(p *pause, cmd *command) {
	d := time.Until(p.until)
	if d <= 0 || p.writes && !cmd.verb.Write && cmd.name != "EXEC" && cmd.name != "PUBLISH" || cmd.name == "CLIENT" {
		return
	}
	c.flushBatch()
	if c.w.flush() != nil {
		c.quit = true
		return
	}
	c.w.mu.Unlock()
	defer c.w.mu.Lock()
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-p.end:
	case <-c.ctx.Done():
	}
}

// client implements CLIENT.
func client(c *conn, args [][]byte) {
	sub := strings.ToUpper(string(args[0]))
	run := clientCommands[sub]
	mark := len(c.w.buf)
	switch {
	case run == nil:
		c.badSub("CLIENT", args)
	case !run(c, args[1:]):
		c.w.buf = c.w.buf[:mark]
		c.badSub("CLIENT", args, sub)
	}
}

// clientCommands are the subcommands of CLIENT; false = wrong arguments.
var clientCommands map[string]func(c *conn, args [][]byte) bool

// clientTable holds the subcommands of CLIENT by name.
func clientTable() map[string]func(c *conn, args [][]byte) bool {
	return map[string]func(c *conn, args [][]byte) bool{
		"CACHING":      clientCaching,
		"GETNAME":      clientGetName,
		"GETREDIR":     clientGetRedir,
		"ID":           clientID,
		"INFO":         clientInfo,
		"KILL":         clientKill,
		"LIST":         clientList,
		"NO-EVICT":     func(c *conn, args [][]byte) bool { return clientSwitch(c, args, c.noEvict.Store) },
		"NO-TOUCH":     func(c *conn, args [][]byte) bool { return clientSwitch(c, args, c.noTouch.Store) },
		"PAUSE":        clientPause,
		"REPLY":        clientReply,
		"SETINFO":      clientSetInfo,
		"SETNAME":      clientSetName,
		"TRACKING":     clientTracking,
		"TRACKINGINFO": clientTrackingInfo,
		"UNBLOCK":      clientUnblock,
		"UNPAUSE":      clientUnpause,
	}
}

// clientCaching answers CLIENT CACHING.
func clientCaching(c *conn, args [][]byte) bool {
	if len(args) != 1 {
		return false
	}
	c.w.error("ERR CLIENT CACHING can be called only when the client is in tracking mode with OPTIN or OPTOUT mode enabled")
	return true
}

// clientGetName answers CLIENT GETNAME.
func clientGetName(c *conn, args [][]byte) bool {
	c.info.Lock()
	name := c.info.name
	c.info.Unlock()
	if name == "" {
		c.w.null()
	} else {
		c.w.text(name)
	}
	return len(args) == 0
}

// clientGetRedir answers CLIENT GETREDIR.
func clientGetRedir(c *conn, args [][]byte) bool {
	c.w.int(-1)
	return len(args) == 0
}

// clientID answers CLIENT ID.
func clientID(c *conn, args [][]byte) bool {
	if len(args) != 0 {
		return false
	}
	c.w.int(int64(c.id))
	return true
}

// clientInfo answers CLIENT INFO.
func clientInfo(c *conn, args [][]byte) bool {
	if len(args) != 0 {
		return false
	}
	c.w.verbatim(c.line() + "\n")
	return true
}

// clientSwitch sets a mode that is ON or OFF.
func clientSwitch(c *conn, args [][]byte, set func(bool)) bool {
	switch {
	case len(args) != 1:
		return false
	case is(args[0], "ON"):
		set(true)
	case is(args[0], "OFF"):
		set(false)
	default:
		c.w.error("ERR syntax error")
		return true
	}
	c.w.status("OK")
	return true
}

// clientReply implements CLIENT REPLY.
func clientReply(c *conn, args [][]byte) bool {
	switch {
	case len(args) != 1:
		return false
	case is(args[0], "ON"):
		c.mute = muteOn
		c.w.status("OK")
	case is(args[0], "OFF"):
		c.mute = muteOff
	case is(args[0], "SKIP"):
		if c.mute != muteOff {
			c.mute = muteSkip
		}
	default:
		c.w.error("ERR syntax error")
	}
	return true
}

// clientSetName answers CLIENT SETNAME.
func clientSetName(c *conn, args [][]byte) bool {
	if len(args) != 1 {
		return false
	}
	if !cleanName(args[0]) {
		c.w.error(badName)
		return true
	}
	c.setName(args[0])
	c.w.status("OK")
	return true
}

// clientSetInfo implements CLIENT SETINFO.
func clientSetInfo(c *conn, args [][]byte) bool {
	if len(args) != 2 {
		return false
	}
	attribute := string(args[0])
	if !cleanName(args[1]) {
		c.w.error("ERR " + attribute + " cannot contain spaces, newlines or special characters.")
		return true
	}
	c.info.Lock()
	defer c.info.Unlock()
	switch {
	case is(args[0], "LIB-NAME"):
		c.info.libName = string(args[1])
	case is(args[0], "LIB-VER"):
		c.info.libVer = string(args[1])
	default:
		c.w.error("ERR Unrecognized option '" + attribute + "'")
		return true
	}
	c.w.status("OK")
	return true
}

// clientTracking implements CLIENT TRACKING: only OFF.
func clientTracking(c *conn, args [][]byte) bool {
	switch {
	case len(args) < 1:
		return false
	case is(args[0], "OFF"):
		c.w.status("OK")
	case is(args[0], "ON"):
		c.w.error("ERR CLIENT TRACKING is not supported")
	default:
		c.w.error("ERR syntax error")
	}
	return true
}

// clientTrackingInfo answers CLIENT TRACKINGINFO.
func clientTrackingInfo(c *conn, args [][]byte) bool {
	if len(args) != 0 {
		return false
	}
	c.w.mapping(3)
	c.w.text("flags")
	c.w.set(1)
	c.w.text("off")
	c.w.text("redirect")
	c.w.int(-1)
	c.w.text("prefixes")
	c.w.array(0)
	return true
}

// clientPause implements CLIENT PAUSE.
func clientPause(c *conn, args [][]byte) bool {
	if len(args) < 1 || len(args) > 2 {
		return false
	}
	ms, good := atoi(args[0])
	if !good || ms < 0 || ms > 1<<40 {
		c.w.error("ERR timeout is not an integer or out of range")
		return true
	}
	p := &pause{until: time.Now().Add(time.Duration(ms) * time.Millisecond), end: make(chan struct{})}
	if len(args) == 2 {
		switch {
		case is(args[1], "WRITE"):
			p.writes = true
		case !is(args[1], "ALL"):
			c.w.error("ERR CLIENT PAUSE mode must be WRITE or ALL")
			return true
		}
	}
	if old := c.srv.paused.Swap(p); old != nil {
		close(old.end)
	}
	c.w.status("OK")
	return true
}

// clientUnpause answers CLIENT UNPAUSE.
func clientUnpause(c *conn, args [][]byte) bool {
	if len(args) != 0 {
		return false
	}
	if old := c.srv.paused.Swap(nil); old != nil {
		close(old.end)
	}
	c.w.status("OK")
	return true
}

// clientUnblock implements CLIENT UNBLOCK.
func clientUnblock(c *conn, args [][]byte) bool {
	if len(args) < 1 || len(args) > 2 {
		return false
	}
	cause := error(errTimedOut)
	if len(args) == 2 {
		switch {
		case is(args[1], "ERROR"):
			cause = errUnblocked
		case !is(args[1], "TIMEOUT"):
			c.w.error("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
			return true
		}
	}
	id, good := atoi(args[0])
	if !good {
		c.w.error("ERR value is not an integer or out of range")
		return true
	}
	c.srv.mu.Lock()
	other := c.srv.conns[uint64(id)]
	c.srv.mu.Unlock()
	if other != nil {
		if b := other.blocked.Load(); b != nil {
			b.end(cause)
			c.w.int(1)
			return true
		}
	}
	c.w.int(0)
	return true
}

// all lists the open connections by id.
func (s *server) all() []*conn {
	s.mu.Lock()
	list := make([]*conn, 0, len(s.conns))
	for _, c := range s.conns {
		list = append(list, c)
	}
	s.mu.Unlock()
	sort.Slice(list, func(i, j int) bool { return list[i].id < list[j].id })
	return list
}

// kind is the client's type as CLIENT LIST and KILL name it.
func (c *conn) kind() string {
	c.info.Lock()
	defer c.info.Unlock()
	if c.info.subs+c.info.patterns > 0 {
		return "pubsub"
	}
	return "normal"
}

// line describes the connection as CLIENT LIST does.
func (c *conn) line() string {
	flags := "N"
	if c.kind() == "pubsub" {
		flags = "P"
	}
	if c.blocked.Load() != nil {
		flags = "b"
	}
	c.info.Lock()
	defer c.info.Unlock()
	i := &c.info
	if i.multi >= 0 {
		flags = "x"
	}
	if c.noEvict.Load() {
		flags += "e"
	}
	last := strings.ToLower(i.last)
	if last == "" {
		last = "NULL"
	}
	return fmt.Sprintf("id=%d addr=%s laddr=%s name=%s age=%d idle=%d flags=%s db=%d sub=%d psub=%d ssub=%d multi=%d cmd=%s user=%s redir=-1 resp=%d lib-name=%s lib-ver=%s",
		c.id, c.net.RemoteAddr(), c.net.LocalAddr(), i.name, int(time.Since(i.created).Seconds()), int(time.Since(i.active).Seconds()), flags,
		i.db, i.subs, i.patterns, i.sharded, i.multi, last, i.user, i.proto, i.libName, i.libVer)
}

// clientList implements CLIENT LIST.
func clientList(c *conn, args [][]byte) bool {
	want := func(*conn) bool { return true }
	switch {
	case len(args) == 0:
	case len(args) == 2 && is(args[0], "TYPE"):
		kind := strings.ToLower(string(args[1]))
		if kind != "normal" && kind != "pubsub" && kind != "replica" && kind != "master" && kind != "slave" {
			c.w.error("ERR Unknown client type '" + string(args[1]) + "'")
			return true
		}
		want = func(o *conn) bool { return o.kind() == kind }
	case len(args) >= 2 && is(args[0], "ID"):
		ids := map[uint64]bool{}
		for _, a := range args[1:] {
			id, good := atoi(a)
			if !good || id < 1 {
				c.w.error("ERR Invalid client ID")
				return true
			}
			ids[uint64(id)] = true
		}
		want = func(o *conn) bool { return ids[o.id] }
	default:
		c.w.error("ERR syntax error")
		return true
	}
	var b strings.Builder
	for _, o := range c.srv.all() {
		if want(o) {
			b.WriteString(o.line())
			b.WriteByte('\n')
		}
	}
	c.w.verbatim(b.String())
	return true
}

// killFilter is what CLIENT KILL looks for.
type killFilter struct {
	id                      uint64
	addr, laddr, user, kind string
	skipMe                  bool
}

// parse reads the filters; "" = good, else the error.
func (f *killFilter) parse(args [][]byte) string {
	f.skipMe = true
	for i := 0; i < len(args); i += 2 {
		if i+1 >= len(args) {
			return "ERR syntax error"
		}
		v := string(args[i+1])
		switch {
		case is(args[i], "ID"):
			id, err := strconv.ParseUint(v, 10, 63)
			if err != nil || id == 0 {
				return "ERR client-id should be greater than 0"
			}
			f.id = id
		case is(args[i], "ADDR"):
			f.addr = v
		case is(args[i], "LADDR"):
			f.laddr = v
		case is(args[i], "USER"):
			f.user = v
		case is(args[i], "TYPE"):
			f.kind = strings.ToLower(v)
		case is(args[i], "SKIPME") && strings.EqualFold(v, "yes"):
			f.skipMe = true
		case is(args[i], "SKIPME") && strings.EqualFold(v, "no"):
			f.skipMe = false
		default:
			return "ERR syntax error"
		}
	}
	return ""
}

// match reports whether a filter, given or not, fits.
func match(filter, v string) bool { return filter == "" || filter == v }

// clientKill implements CLIENT KILL.
func clientKill(c *conn, args [][]byte) bool {
	var f killFilter
	old := len(args) == 1
	switch {
	case len(args) == 0:
		return false
	case old:
		f.addr = string(args[0])
	default:
		if why := f.parse(args); why != "" {
			c.w.error(why)
			return true
		}
	}
	n := int64(0)
	for _, o := range c.srv.all() {
		o.info.Lock()
		user := o.info.user
		o.info.Unlock()
		if f.id != 0 && f.id != o.id || !match(f.addr, o.net.RemoteAddr().String()) || !match(f.laddr, o.net.LocalAddr().String()) ||
			!match(f.user, user) || !match(f.kind, o.kind()) || o == c && f.skipMe {
			continue
		}
		n++
		o.end(c)
	}
	switch {
	case !old:
		c.w.int(n)
	case n == 0:
		c.w.error("ERR No such client")
	default:
		c.w.status("OK")
	}
	return true
}

// end kills the connection at the demand of another one, or of itself.
func (c *conn) end(by *conn) {
	if c == by {
		c.quit = true
		return
	}
	kill(c.session, c.net)
}

// kill ends a session and its socket.
func kill(s *protocol.Session, n net.Conn) {
	s.Kill()
	_ = n.Close() // it may be closed already
}

package redis

import (
	"bytes"
	"crypto/subtle"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// databases is the number of logical databases.
const databases = 16

// is compares an argument with an upper case word, ignoring case.
func is(arg []byte, word string) bool {
	return len(arg) == len(word) && strings.EqualFold(string(arg), word)
}

// badSub is the error for a subcommand that does not exist or, when it is a
// known one, has a wrong number of arguments.
func (c *conn) badSub(name string, args [][]byte, known ...string) {
	for _, k := range known {
		if is(args[0], k) {
			c.w.error(wrongArgs(name + "|" + k))
			return
		}
	}
	c.w.error("ERR unknown subcommand '" + string(args[0][:min(len(args[0]), 128)]) + "'. Try " + name + " HELP.")
}

// ping implements PING.
func ping(c *conn, args [][]byte) {
	if len(args) > 1 {
		c.w.error(wrongArgs("ping"))
		return
	}
	if c.w.proto < 3 && c.subscribed() {
		c.w.array(2)
		c.w.text("pong")
		if len(args) == 1 {
			c.w.bulk(args[0])
		} else {
			c.w.text("")
		}
		return
	}
	if len(args) == 1 {
		c.w.bulk(args[0])
		return
	}
	c.w.status("PONG")
}

// echo implements ECHO.
func echo(c *conn, args [][]byte) { c.w.bulk(args[0]) }

// quit implements QUIT.
func quit(c *conn, _ [][]byte) {
	c.w.status("OK")
	c.quit = true
}

// reset implements RESET.
func reset(c *conn, _ [][]byte) {
	c.w.mu.Unlock() // pumps may be about to write
	c.endSubscriptions()
	c.srv.monitors.remove(c)
	c.w.mu.Lock()
	c.reset()
	c.w.status("RESET")
}

// selectDB implements SELECT.
func selectDB(c *conn, args [][]byte) {
	n, good := atoi(args[0])
	switch {
	case !good:
		c.w.error("ERR value is not an integer or out of range")
	case n < 0 || n >= databases:
		c.w.error("ERR DB index is out of range")
	default:
		c.db = n
		c.w.status("OK")
	}
}

// login checks a user's password. A user name may carry the database it
// connects to: user@database. It returns the error text, "" for success.
func (c *conn) login(user, password string) string {
	const refused = "WRONGPASS invalid username-password pair or user is disabled."
	name, database, named := strings.Cut(user, "@")
	auth := c.srv.env.Auth
	if !auth.Trust() {
		secret, known := auth.Password(name)
		if !known || subtle.ConstantTimeCompare([]byte(secret), []byte(password)) != 1 {
			return refused
		}
	}
	c.session.User = name
	target := c.srv.env.Database
	if named && database != "" {
		v, err := c.value(&ctl.OpenDatabase{Name: database})
		if err != nil {
			return errorText(err)
		}
		target = v.Str()
	}
	c.database, c.authed, c.r.limited = strings.Clone(target), true, false
	_ = c.net.SetReadDeadline(noDeadline) // fails only on a closed connection
	if c.ctx.Err() != nil {
		c.interrupt()
	}
	c.info.Lock()
	c.info.user = name
	c.info.Unlock()
	return ""
}

// auth implements AUTH.
func auth(c *conn, args [][]byte) {
	user, password := "default", args[0]
	switch len(args) {
	case 1:
	case 2:
		user, password = string(args[0]), args[1]
	default:
		c.w.error("ERR syntax error")
		return
	}
	if why := c.login(user, string(password)); why != "" {
		c.w.error(why)
		return
	}
	c.w.status("OK")
}

// hello implements HELLO.
func hello(c *conn, args [][]byte) {
	proto := c.w.proto
	if len(args) > 0 {
		n, good := atoi(args[0])
		if !good {
			c.w.error("ERR Protocol version is not an integer or out of range")
			return
		}
		if n < 2 || n > 3 {
			c.w.error("NOPROTO unsupported protocol version")
			return
		}
		proto = n
	}
	var name []byte
	for i := 1; i < len(args); {
		switch rest := len(args) - i - 1; {
		case is(args[i], "AUTH") && rest >= 2:
			if why := c.login(string(args[i+1]), string(args[i+2])); why != "" {
				c.w.error(why)
				return
			}
			i += 3
		case is(args[i], "SETNAME") && rest >= 1:
			name = args[i+1]
			if !cleanName(name) {
				c.w.error(badName)
				return
			}
			i += 2
		default:
			c.w.error("ERR Syntax error in HELLO option '" + string(args[i]) + "'")
			return
		}
	}
	if !c.authed {
		c.w.error("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
		return
	}
	if name != nil {
		c.setName(name)
	}
	c.w.proto = proto
	w := &c.w
	w.mapping(7)
	w.text("server")
	w.text("redis")
	w.text("version")
	w.text(compatible)
	w.text("proto")
	w.int(int64(proto))
	w.text("id")
	w.int(int64(c.id))
	w.text("mode")
	w.text("standalone")
	w.text("role")
	w.text("master")
	w.text("modules")
	w.array(0)
}

// clock implements TIME.
func clock(c *conn, _ [][]byte) {
	now := time.Now()
	c.w.array(2)
	c.w.text(strconv.FormatInt(now.Unix(), 10))
	c.w.text(strconv.FormatInt(int64(now.Nanosecond()/1000), 10))
}

// lolwut implements LOLWUT.
func lolwut(c *conn, _ [][]byte) {
	c.w.verbatim("dotdo-proxy " + c.srv.env.Version + "\n")
}

// wait implements WAIT: there are no replicas a client could wait for.
func wait(c *conn, args [][]byte) {
	for _, a := range args {
		n, good := atoi(a)
		if !good {
			c.w.error("ERR value is not an integer or out of range")
			return
		}
		if n < 0 {
			c.w.error("ERR timeout is negative")
			return
		}
	}
	c.w.int(0)
}

// debug implements DEBUG SLEEP.
func debug(c *conn, args [][]byte) {
	if !is(args[0], "SLEEP") || len(args) != 2 {
		c.w.error("ERR DEBUG command not allowed. Only DEBUG SLEEP is supported.")
		return
	}
	f, err := strconv.ParseFloat(string(args[1]), 64)
	if err != nil || f < 0 || f > 3600 {
		c.w.error("ERR value is not a valid float")
		return
	}
	t := time.NewTimer(time.Duration(f * float64(time.Second)))
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.ctx.Done():
	}
	c.w.status("OK")
}

// memory implements MEMORY: USAGE is a key-value command, the rest is short.
func memory(c *conn, args [][]byte) {
	switch {
	case is(args[0], "USAGE") && len(args) >= 2:
		if len(args) != 2 && (len(args) != 4 || !is(args[2], "SAMPLES")) {
			c.w.error("ERR syntax error")
			return
		}
		v, err := c.value(&kv.Command{DB: c.db, Verb: "MEMORY", Args: args[:2]})
		c.answer(v, err, 0, 2)
	case is(args[0], "DOCTOR"), is(args[0], "STATS"), is(args[0], "MALLOC-STATS"), is(args[0], "PURGE"):
		c.w.error("ERR 'memory " + strings.ToLower(string(args[0])) + "' is not supported")
	default:
		c.badSub("MEMORY", args, "USAGE")
	}
}

// cluster implements CLUSTER, READONLY and READWRITE.
func cluster(c *conn, _ [][]byte) {
	c.w.error("ERR This instance has cluster support disabled")
}

// cleanName reports whether a client name has only visible ASCII.
func cleanName(b []byte) bool {
	return bytes.IndexFunc(b, func(r rune) bool { return r < '!' || r > '~' }) < 0
}

// badName is the error for a client name that is not clean.
const badName = "ERR Client names cannot contain spaces, newlines or special characters."

// setName names the connection.
func (c *conn) setName(b []byte) {
	c.info.Lock()
	c.info.name = string(b)
	c.info.Unlock()
}

package redis

import (
	"sort"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// setting is one setting of CONFIG: what it is now and, when it can change, how.
type setting struct {
	get func(s *server) string
	set func(s *server, v string) bool // nil: fixed; false: bad value
}

// fixed is a fact that cannot change.
func fixed(v string) setting { return setting{get: func(*server) string { return v }} }

// settings are the settings that have a meaning here, under the names that
// clients and tools ask for.
var settings = map[string]setting{
	"client-query-buffer-limit": {get: func(s *server) string { return strconv.Itoa(newReader(nil, s.env.Limits.MaxMessage).maxTotal) }},
	"cluster-enabled":           fixed("no"),
	"databases":                 fixed(strconv.Itoa(databases)),
	"latency-monitor-threshold": {
		get: func(s *server) string { return strconv.FormatInt(s.slow.monitor.Load(), 10) },
		set: func(s *server, v string) bool { return number(v, 0, s.slow.monitor.Store) },
	},
	"maxmemory":          fixed("0"),
	"maxmemory-policy":   fixed("noeviction"),
	"proto-max-bulk-len": fixed(strconv.Itoa(maxBulk)),
	"save":               fixed(""),
	"slowlog-log-slower-than": {
		get: func(s *server) string { return strconv.FormatInt(s.slow.over.Load(), 10) },
		set: func(s *server, v string) bool { return number(v, -1, s.slow.over.Store) },
	},
	"slowlog-max-len": {
		get: func(s *server) string { return strconv.FormatInt(s.slow.keep.Load(), 10) },
		set: func(s *server, v string) bool {
			good := number(v, 0, s.slow.keep.Store)
			s.slow.mu.Lock()
			s.slow.trim()
			s.slow.mu.Unlock()
			return good
		},
	},
	"timeout": {get: func(s *server) string { return strconv.Itoa(int(s.env.Limits.IdleTimeout.Seconds())) }},
}

// number reads an integer of at least low and stores it.
func number(v string, low int64, store func(int64)) bool {
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < low {
		return false
	}
	store(n)
	return true
}

// config implements CONFIG.
func config(c *conn, args [][]byte) {
	switch {
	case is(args[0], "GET") && len(args) > 1:
		configGet(c, args[1:])
	case is(args[0], "SET") && len(args) > 2 && len(args)%2 == 1:
		configSet(c, args[1:])
	case is(args[0], "RESETSTAT") && len(args) == 1:
		if _, err := c.values(c.ctx, &kv.Stats{Reset: true}); err != nil {
			c.w.error(errorText(err))
			return
		}
		c.srv.commands.Store(0)
		c.srv.accepted.Store(0)
		c.w.status("OK")
	case is(args[0], "REWRITE") && len(args) == 1:
		c.w.error("ERR The server is running without a config file")
	default:
		c.badSub("CONFIG", args, "GET", "SET", "RESETSTAT", "REWRITE")
	}
}

// configGet implements CONFIG GET.
func configGet(c *conn, patterns [][]byte) {
	var list []string
	for name := range settings {
		for _, p := range patterns {
			if msg.Match(strings.ToLower(string(p)), name) {
				list = append(list, name)
				break
			}
		}
	}
	sort.Strings(list)
	c.w.mapping(len(list))
	for _, name := range list {
		c.w.text(name)
		c.w.text(settings[name].get(c.srv))
	}
}

// configSet implements CONFIG SET: nothing changes unless everything can.
// Setting what already holds is fine.
func configSet(c *conn, args [][]byte) {
	old := map[string]string{}
	undo := func() {
		for name, v := range old {
			settings[name].set(c.srv, v)
		}
	}
	for i := 0; i < len(args); i += 2 {
		name, v := strings.ToLower(string(args[i])), string(args[i+1])
		s, known := settings[name]
		if !known {
			undo()
			c.w.error("ERR Unknown option or number of arguments for CONFIG SET - '" + string(args[i]) + "'")
			return
		}
		now := s.get(c.srv)
		if strings.EqualFold(now, v) {
			continue
		}
		why := "can't set immutable config"
		if s.set != nil {
			why = "argument couldn't be parsed or is out of range"
			if _, seen := old[name]; !seen {
				old[name] = now
			}
			if s.set(c.srv, v) {
				continue
			}
			delete(old, name)
		}
		undo()
		c.w.error("ERR CONFIG SET failed (possibly related to argument '" + string(args[i]) + "') - " + why)
		return
	}
	c.w.status("OK")
}

package redis

import (
	"sort"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// settings are what CONFIG GET answers: facts about this server under the names
// that clients and tools ask for. None can be changed here.
var settings = map[string]string{
	"appendfsync":                 "always",
	"appendonly":                  "yes",
	"bind":                        "",
	"client-query-buffer-limit":   "1073741824",
	"cluster-enabled":             "no",
	"databases":                   "16",
	"hash-max-listpack-entries":   "128",
	"hash-max-listpack-value":     "64",
	"io-threads":                  "1",
	"lazyfree-lazy-user-del":      "no",
	"lfu-decay-time":              "1",
	"list-max-listpack-size":      "128",
	"maxclients":                  "10000",
	"maxmemory":                   "0",
	"maxmemory-policy":            "noeviction",
	"notify-keyspace-events":      "",
	"proto-max-bulk-len":          "536870912",
	"requirepass":                 "",
	"save":                        "",
	"set-max-intset-entries":      "512",
	"set-max-listpack-entries":    "128",
	"slowlog-log-slower-than":     "-1",
	"slowlog-max-len":             "0",
	"stop-writes-on-bgsave-error": "no",
	"timeout":                     "0",
	"zset-max-listpack-entries":   "128",
	"zset-max-listpack-value":     "64",
}

// config implements CONFIG.
func config(c *conn, args [][]byte) {
	switch {
	case is(args[0], "GET") && len(args) > 1:
		configGet(c, args[1:])
	case is(args[0], "SET") && len(args) > 2 && len(args)%2 == 1:
		configSet(c, args[1:])
	case is(args[0], "RESETSTAT") && len(args) == 1:
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
		c.w.text(settings[name])
	}
}

// configSet implements CONFIG SET: setting what already holds is fine.
func configSet(c *conn, args [][]byte) {
	for i := 0; i < len(args); i += 2 {
		name := strings.ToLower(string(args[i]))
		now, known := settings[name]
		if !known {
			c.w.error("ERR Unknown option or number of arguments for CONFIG SET - '" + string(args[i]) + "'")
			return
		}
		if !strings.EqualFold(now, string(args[i+1])) {
			c.w.error("ERR CONFIG SET failed (possibly related to argument '" + string(args[i]) + "') - can't set immutable config")
			return
		}
	}
	c.w.status("OK")
}

package redis

import "github.com/dot-do/dotdo-proxy/backend/op/kv"

// shapes are the key-value commands whose replies differ between RESP2 and
// RESP3.
var shapes = map[string]shape{
	"BLMPOP":           absentArray,
	"BLPOP":            absentArray,
	"BRPOP":            absentArray,
	"BZMPOP":           absentArray,
	"BZPOPMAX":         absentArray,
	"BZPOPMIN":         absentArray,
	"GEOPOS":           absentInside,
	"HRANDFIELD":       flatPairs,
	"LMPOP":            absentArray,
	"LPOP":             absentCounts,
	"RPOP":             absentCounts,
	"XPENDING":         absentList,
	"XRANGE":           absentArray | absentList,
	"XREAD":            absentArray | mapPairs,
	"XREADGROUP":       absentArray | mapPairs,
	"XREVRANGE":        absentArray | absentList,
	"ZDIFF":            flatPairs,
	"ZINTER":           flatPairs,
	"ZMPOP":            absentArray,
	"ZPOPMAX":          flatPairs,
	"ZPOPMIN":          flatPairs,
	"ZRANDMEMBER":      flatPairs,
	"ZRANGE":           flatPairs,
	"ZRANGEBYSCORE":    flatPairs,
	"ZREVRANGE":        flatPairs,
	"ZREVRANGEBYSCORE": flatPairs,
	"ZUNION":           flatPairs,
}

// blockers are the commands that wait.
var blockers = map[string]bool{
	"BLMOVE": true, "BLMPOP": true, "BLPOP": true, "BRPOP": true, "BRPOPLPUSH": true,
	"BZMPOP": true, "BZPOPMAX": true, "BZPOPMIN": true, "XREAD": true, "XREADGROUP": true,
}

// refusals are the commands that exist but are not supported; skip.txt has them.
var refusals = []string{
	"BGREWRITEAOF", "BGSAVE", "DUMP", "FAILOVER", "FCALL", "FCALL_RO",
	"FUNCTION", "LASTSAVE", "MIGRATE", "MODULE", "PFDEBUG", "PFSELFTEST", "PSYNC", "REPLCONF", "REPLICAOF",
	"RESTORE", "SAVE", "SHUTDOWN", "SLAVEOF", "SYNC", "WAITAOF",
}

// ownTable lists the front-end's commands, sorted by name.
func ownTable() []*command {
	return []*command{
		{name: "ACL", arity: -2, run: acl},
		{name: "AUTH", arity: -2, run: auth, noAuth: true},
		{name: "CLIENT", arity: -2, run: client},
		{name: "CLUSTER", arity: -2, run: cluster},
		{name: "COMMAND", arity: -1, run: describe},
		{name: "CONFIG", arity: -2, run: config},
		{name: "DEBUG", arity: -2, run: debug},
		{name: "DISCARD", arity: 1, run: discard, atOnce: true},
		{name: "ECHO", arity: 2, run: echo},
		{name: "EXEC", arity: 1, run: exec, atOnce: true},
		{name: "HELLO", arity: -1, run: hello, noAuth: true},
		{name: "INFO", arity: -1, run: info},
		{name: "LATENCY", arity: -2, run: latency},
		{name: "LOLWUT", arity: -1, run: lolwut},
		{name: "MEMORY", arity: -2, run: memory, verb: kv.Verbs["MEMORY"]},
		{name: "MONITOR", arity: 1, run: monitor, atOnce: true},
		{name: "MULTI", arity: 1, run: multi, atOnce: true},
		{name: "PING", arity: -1, run: ping, inSub: true},
		{name: "PSUBSCRIBE", arity: -2, run: psubscribe, inSub: true},
		{name: "PUBLISH", arity: 3, run: publish},
		{name: "PUBSUB", arity: -2, run: pubsub},
		{name: "PUNSUBSCRIBE", arity: -1, run: punsubscribe, inSub: true},
		{name: "QUIT", arity: -1, run: quit, noAuth: true, inSub: true, atOnce: true},
		{name: "READONLY", arity: 1, run: cluster},
		{name: "READWRITE", arity: 1, run: cluster},
		{name: "RESET", arity: 1, run: reset, noAuth: true, inSub: true, atOnce: true},
		{name: "ROLE", arity: 1, run: role},
		{name: "SELECT", arity: 2, run: selectDB},
		{name: "SLOWLOG", arity: -2, run: slowlog},
		{name: "SPUBLISH", arity: 3, run: spublish},
		{name: "SSUBSCRIBE", arity: -2, run: ssubscribe, inSub: true},
		{name: "SUBSCRIBE", arity: -2, run: subscribe, inSub: true},
		{name: "SUNSUBSCRIBE", arity: -1, run: sunsubscribe, inSub: true},
		{name: "TIME", arity: 1, run: clock},
		{name: "UNSUBSCRIBE", arity: -1, run: unsubscribe, inSub: true},
		{name: "UNWATCH", arity: 1, run: unwatch},
		{name: "WAIT", arity: 3, run: wait},
		{name: "WATCH", arity: -2, run: watch, atOnce: true},
	}
}

// commandTable joins the front-end's and the key-value commands.
func commandTable() map[string]*command {
	all := map[string]*command{}
	for name, v := range kv.Verbs {
		all[name] = &command{name: name, arity: v.Arity, verb: v, shape: shapes[name], blocking: blockers[name]}
	}
	for _, cmd := range ownTable() {
		all[cmd.name] = cmd
	}
	for _, name := range refusals {
		all[name] = &command{name: name, arity: -1, refused: true, run: echo}
	}
	return all
}

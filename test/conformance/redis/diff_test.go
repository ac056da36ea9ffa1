// Package redis compares the Redis front-end over the real engines with a real
// Redis server: random commands must get the same replies.
package redis

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"os/exec"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/engine"
	"github.com/dot-do/dotdo-proxy/backend/engine/kv"
	"github.com/dot-do/dotdo-proxy/backend/engine/msg"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/protocol"
	"github.com/dot-do/dotdo-proxy/protocol/redis"
)

// trust accepts everybody.
type trust struct{}

// Trust implements protocol.Authenticator.
func (trust) Trust() bool { return true }

// Password implements protocol.Authenticator.
func (trust) Password(string) (string, bool) { return "", false }

// start serves the front-end on a free port.
func start(t testing.TB, auth protocol.Authenticator) string {
	t.Helper()
	local, err := engine.New(engine.Options{
		Object:   object.Options{Dir: t.TempDir(), Relaxed: true, Log: slog.New(slog.DiscardHandler)},
		Families: map[op.Family]engine.Named{op.FamilyKV: {Name: "kv", Family: kv.New()}, op.FamilyMsg: {Name: "msg", Family: msg.New()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := local.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return serve(t, auth, local)
}

// serve serves the front-end over an executor on a free port.
func serve(t testing.TB, auth protocol.Authenticator, exec backend.Executor) string {
	t.Helper()
	srv, err := redis.New(protocol.Env{Name: "redis", Exec: exec, Log: slog.New(slog.DiscardHandler), Auth: auth, Database: "main", Version: "test", Sessions: protocol.NewSessions()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	live := make(chan struct{}, 10_000)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			live <- struct{}{}
			go func() {
				_ = srv.ServeConn(ctx, c)
				_ = c.Close()
				<-live
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		cancel()
		for len(live) > 0 {
			time.Sleep(time.Millisecond)
		}
	})
	return l.Addr().String()
}

// oracle starts a real server on a free port; the test is skipped without one.
func oracle(t testing.TB) string {
	t.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		t.Skip("no redis-server installed")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := exec.Command(path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 500 {
		if c, err := net.Dial("tcp", addr); err == nil {
			_ = c.Close()
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("redis-server does not start")
	return ""
}

// client is a minimal RESP2/RESP3 client.
type client struct {
	net.Conn
	r *bufio.Reader
}

// dial connects.
func dial(t testing.TB, addr string) *client {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &client{c, bufio.NewReader(c)}
}

// request encodes commands.
func request(cmds ...[]string) []byte {
	var b []byte
	for _, cmd := range cmds {
		b = fmt.Appendf(b, "*%d\r\n", len(cmd))
		for _, a := range cmd {
			b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
		}
	}
	return b
}

// node is one decoded reply.
type node struct {
	kind byte
	text string
	list []node
}

// String renders a reply for comparison.
func (n node) String() string {
	switch n.kind {
	case '*', '~', '%', '>':
		parts := make([]string, len(n.list))
		for i := range n.list {
			parts[i] = n.list[i].String()
		}
		return string(n.kind) + "[" + strings.Join(parts, " ") + "]"
	case '$', '+', '=', '-':
		return string(n.kind) + strconv.Quote(n.text)
	}
	return string(n.kind) + n.text
}

// read decodes one reply.
func (c *client) read() (node, error) {
	line, err := c.r.ReadString('\n')
	if err != nil {
		return node{}, err
	}
	if len(line) < 3 {
		return node{}, errors.New("short line")
	}
	n := node{kind: line[0], text: line[1 : len(line)-2]}
	size, _ := strconv.Atoi(n.text)
	switch n.kind {
	case '$', '=':
		if size < 0 {
			return n, nil
		}
		b := make([]byte, size+2)
		if _, err := io.ReadFull(c.r, b); err != nil {
			return n, err
		}
		n.text = string(b[:size])
	case '*', '~', '>', '%':
		if size < 0 {
			return n, nil
		}
		if n.kind == '%' {
			size *= 2
		}
		n.text = ""
		for range size {
			e, err := c.read()
			if err != nil {
				return n, err
			}
			n.list = append(n.list, e)
		}
	}
	return n, nil
}

// call sends one command and reads its reply.
func (c *client) call(t testing.TB, args ...string) node {
	t.Helper()
	if _, err := c.Write(request(args)); err != nil {
		t.Fatal(err)
	}
	n, err := c.read()
	if err != nil {
		t.Fatal(args, err)
	}
	return n
}

// unordered are the commands whose answers have no order.
var unordered = strings.Fields("KEYS SMEMBERS SINTER SUNION SDIFF HGETALL HKEYS HVALS SCAN SSCAN HSCAN ZSCAN SPOP")

// normal makes replies comparable: order where there is none, the digits of
// doubles, remaining times within a second.
func normal(cmd []string, n node) string {
	verb := cmd[0]
	if n.kind == '%' || verb == "HGETALL" && n.kind == '*' {
		pairs := []string{}
		for i := 0; i+1 < len(n.list); i += 2 {
			pairs = append(pairs, n.list[i].String()+"="+n.list[i+1].String())
		}
		sort.Strings(pairs)
		return string(n.kind) + strings.Join(pairs, " ")
	}
	if (verb == "HSCAN" || verb == "ZSCAN") && len(n.list) == 2 {
		return normal([]string{"HGETALL"}, floats(n.list[1]))
	}
	if slices.Contains(unordered, verb) || slices.Contains(cmd, "BY") || verb == "ZRANDMEMBER" || verb == "HRANDFIELD" {
		flat := n.list
		if strings.HasSuffix(verb, "SCAN") && len(flat) == 2 {
			flat = flat[1].list
		}
		parts := []string{}
		for _, e := range flat {
			parts = append(parts, e.String())
		}
		sort.Strings(parts)
		return string(n.kind) + strings.Join(parts, " ")
	}
	if strings.HasSuffix(verb, "TTL") || strings.HasSuffix(verb, "EXPIRETIME") {
		if v, err := strconv.Atoi(n.text); err == nil && v > 0 {
			if verb[0] == 'P' {
				v = (v + 500) / 1000
			}
			return fmt.Sprintf(":~%d", (v+5)/10) // rounded: the servers answer a moment apart
		}
	}
	return floats(n).String()
}

// floats rewrites numbers with a fraction so that both servers' digits agree.
func floats(n node) node {
	if n.kind == '$' || n.kind == ',' {
		if f, err := strconv.ParseFloat(n.text, 64); err == nil && strings.ContainsAny(n.text, ".e") {
			n.text = strconv.FormatFloat(f, 'g', 12, 64)
		}
	}
	for i := range n.list {
		n.list[i] = floats(n.list[i])
	}
	return n
}

// gen makes random arguments.
type gen struct{ *rand.Rand }

// one picks a word.
func (g gen) one(words string) string {
	list := strings.Fields(words)
	return list[g.IntN(len(list))]
}

// expand replaces the placeholders of a template: K key, M member, V value,
// N integer, F float, I index, S score bound, L lex bound; "a|b" is a choice
// and "?x" may be left out with all that follows up to the next "?" or end.
func (g gen) expand(template string) []string {
	var out []string
	for _, w := range strings.Fields(template) {
		if w[0] == '?' {
			if g.IntN(2) == 0 {
				return out
			}
			w = w[1:]
		}
		if strings.Contains(w, "|") {
			list := strings.Split(w, "|")
			w = list[g.IntN(len(list))]
		}
		switch w {
		case "":
			continue
		case "K":
			w = g.one("k1 k2 k3 k4 k5 k6")
		case "M":
			w = g.one("a b c d e f g aa ab 1 2 3")
		case "V":
			w = g.one("x y 10 -5 3.5 abc hello 007 1e3")
		case "N":
			w = g.one("0 1 2 3 5 -1 -2 10 x 100")
		case "P":
			w = g.one("1 2 3")
		case "E":
			w = g.one("1-1 1-2 2-1 2-2 3 3-3 4-1 5-1 5-2 6-1 7-7 8-1 9-1 0-0 10-1 11-1 12-1 20-1")
		case "(E":
			w = g.one("(1-1 (2-1 (3-0 (18446744073709551615-18446744073709551615 (0-0 (5")
		case "F":
			w = g.one("1 2.5 -3 0 inf -inf 1e10 0.1 x 3")
		case "I":
			w = g.one("0 1 2 3 -1 -2 -3 100 -100 5")
		case "S":
			w = g.one("-inf +inf 0 1 (1 2.5 (2.5 3 -3 (inf x")
		case "L":
			w = g.one("- + [a (a [b (c [aa (ab [z x")
		}
		out = append(out, w)
	}
	return out
}

// templates are the commands by subject.
var templates = map[string][]string{
	"string": {
		"SET K V", "SET K V NX", "SET K V XX", "SET K V GET", "SET K V EX 100", "SET K V PX 100000 NX", "SET K V KEEPTTL", "SET K V EX 0", "SET K V BAD", "SET K V NX GET",
		"SET K V EX 10 PX 20", "GET K", "GETSET K V", "GETDEL K", "GETEX K", "GETEX K EX 100", "GETEX K PERSIST", "GETEX K EX x", "SETNX K V", "SETEX K 100 V", "SETEX K N V", "PSETEX K 100000 V",
		"MGET K K K", "MSET K V K V", "MSET K V K", "MSETNX K V K V", "INCR K", "DECR K", "INCRBY K N", "DECRBY K N", "INCRBYFLOAT K F", "APPEND K V", "STRLEN K",
		"GETRANGE K I I", "SUBSTR K I I", "SETRANGE K N V", "SETRANGE K 3 V", "LCS K K", "LCS K K LEN", "LCS K K IDX", "LCS K K IDX WITHMATCHLEN", "LCS K K IDX MINMATCHLEN 2",
		"SETBIT K 7 1", "SETBIT K N 1", "SETBIT K 5 N", "GETBIT K N", "GETBIT K 7", "BITCOUNT K", "BITCOUNT K I I", "BITCOUNT K I I BIT", "BITCOUNT K I", "BITPOS K 0|1 ?I ?I ?BIT|BYTE", "BITPOS K 1 I I BIT",
		"BITPOS K N", "BITOP AND|OR|XOR K K K", "BITOP NOT K K", "BITOP NOT K K K", "BITFIELD K SET u8|i5|u3|i64 N V", "BITFIELD K GET u8 0 INCRBY u2 #1 1", "BITFIELD K OVERFLOW SAT|FAIL|WRAP INCRBY i5|u4 #0|3 10|-10|100",
		"BITFIELD K OVERFLOW SAT|FAIL|WRAP SET i5|u4|u8 #0|3 10|-10|100|300", "BITFIELD_RO K GET u8 N", "BITFIELD_RO K SET u8 0 1", "BITFIELD K GET u64 0", "HSET K M V", "DEL K", "TYPE K", "SADD K M",
	},
	"hash": {
		"HSET K M V", "HSET K M V M V", "HSET K M", "HSET K M V M", "HMSET K M V M V", "HSETNX K M V", "HGET K M", "HMGET K M M M", "HGETALL K", "HKEYS K", "HVALS K", "HLEN K", "HDEL K M", "HDEL K M M M",
		"HEXISTS K M", "HSTRLEN K M", "HINCRBY K M N", "HINCRBYFLOAT K M F", "HSCAN K 0", "HSCAN K 0 MATCH a*", "HSCAN K x", "HRANDFIELD K 0", "HRANDFIELD K x", "HRANDFIELD K 100", "SET K V", "DEL K", "GET K", "EXISTS K K", "RENAME K K", "COPY K K", "COPY K K REPLACE",
	},
	"list": {
		"LPUSH K V", "RPUSH K V V V", "LPUSH K V V", "LPUSHX K V", "RPUSHX K V", "LPOP K", "RPOP K", "LPOP K N", "RPOP K P", "LLEN K", "LRANGE K I I", "LRANGE K 0 -1", "LRANGE K x 1", "LINDEX K I", "LINDEX K x",
		"LSET K I V", "LREM K N V", "LREM K 0|1|-1|2|-2 V", "LTRIM K I I", "LINSERT K BEFORE|AFTER V V", "LINSERT K WHERE V V", "LMOVE K K LEFT|RIGHT LEFT|RIGHT", "LMOVE K K LEFT UP", "RPOPLPUSH K K", "LPOS K V", "LPOS K V RANK 1|-1|2|-2|0 ?COUNT 0|1|2 ?MAXLEN 3",
		"LPOS K V COUNT N", "LPOS K V COUNT 2 RANK -1", "LMPOP P K K K LEFT|RIGHT", "LMPOP 2 K K LEFT|RIGHT COUNT N", "BLPOP K K 0.01", "BRPOP K 0.01", "BLMOVE K K LEFT RIGHT 0.01", "BRPOPLPUSH K K 0.01", "BLMPOP 0.01 2 K K LEFT", "BLPOP K -1", "BLPOP K x",
		"DEL K", "SADD K M", "TYPE K", "SORT K ALPHA", "SORT K", "SORT K DESC ALPHA LIMIT 0 2", "SORT K BY nosort", "SORT K ALPHA STORE K", "SORT K BY w* GET # ALPHA", "COPY K K REPLACE", "RENAME K K",
	},
	"set": {
		"SADD K M", "SADD K M M M", "SREM K M", "SREM K M M", "SMEMBERS K", "SCARD K", "SISMEMBER K M", "SMISMEMBER K M M M", "SMOVE K K M", "SINTER K K", "SUNION K K K", "SDIFF K K", "SINTERSTORE K K K", "SUNIONSTORE K K K", "SDIFFSTORE K K K",
		"SINTERCARD 2 K K", "SINTERCARD 2 K K LIMIT N", "SINTERCARD N K", "SPOP K 100", "SPOP K x", "SRANDMEMBER K 100x", "SRANDMEMBER K 0", "SSCAN K 0", "SSCAN K 0 COUNT 100 MATCH [a-c]*", "SORT K ALPHA", "SORT K ALPHA DESC LIMIT 1 2", "SORT K", "SET K V", "DEL K", "TYPE K", "ZADD K 1 M", "COPY K K REPLACE", "RENAMENX K K",
	},
	"zset": {
		"ZADD K F M", "ZADD K 1 M 2 M", "ZADD lex1|lex2 0 M 0 M", "ZADD K NX|XX|CH|GT|LT F M", "ZADD K NX|GT XX|LT|CH F M F M", "ZADD K INCR F M", "ZADD K NX|XX|GT|LT INCR 1 M", "ZADD K INCR 1 M 2 M", "ZADD K 1", "ZINCRBY K F M", "ZREM K M M", "ZCARD K", "ZSCORE K M", "ZMSCORE K M M",
		"ZCOUNT K S S", "ZLEXCOUNT lex1|lex2 L L", "ZRANK K M", "ZREVRANK K M", "ZRANGE K I I", "ZRANGE K I I WITHSCORES", "ZRANGE K 0 -1 WITHSCORES", "ZRANGE K I I REV", "ZRANGE K S S BYSCORE", "ZRANGE K S S BYSCORE LIMIT N N", "ZRANGE K S S BYSCORE REV WITHSCORES", "ZRANGE lex1|lex2 L L BYLEX", "ZRANGE lex1|lex2 L L BYLEX REV LIMIT 0 2",
		"ZRANGE K 0 -1 LIMIT 0 1", "ZRANGE lex1|lex2 L L BYLEX WITHSCORES", "ZREVRANGE K I I WITHSCORES", "ZRANGEBYSCORE K S S", "ZRANGEBYSCORE K S S WITHSCORES LIMIT 1 2", "ZREVRANGEBYSCORE K S S", "ZRANGEBYLEX lex1|lex2 L L", "ZREVRANGEBYLEX lex1|lex2 L L LIMIT 1 2", "ZRANGESTORE K K I I", "ZRANGESTORE K K S S BYSCORE", "ZRANGESTORE K K S S BYSCORE REV LIMIT 0 2",
		"ZREMRANGEBYRANK K I I", "ZREMRANGEBYSCORE K S S", "ZREMRANGEBYLEX lex1|lex2 L L", "ZPOPMIN K", "ZPOPMAX K", "ZPOPMIN K N", "ZPOPMAX K 2", "ZMPOP 2 K K MIN|MAX", "ZMPOP 2 K K MIN COUNT N", "BZPOPMIN K K 0.01", "BZPOPMAX K 0.01", "BZMPOP 0.01 2 K K MAX", "ZUNION 2 K K", "ZUNION 2 K K WITHSCORES", "ZINTER 2 K K WITHSCORES",
		"ZDIFF 2 K K WITHSCORES", "ZUNIONSTORE K 2 K K", "ZUNIONSTORE K 2 K K WEIGHTS 2 3 AGGREGATE MIN|MAX|SUM", "ZINTERSTORE K 2 K K AGGREGATE MAX", "ZDIFFSTORE K 2 K K", "ZINTERCARD 2 K K", "ZINTERCARD 2 K K LIMIT 1", "ZUNION 0 K", "ZUNION x K", "ZUNION 2 K K WEIGHTS 1", "ZSCAN K 0", "ZRANDMEMBER K 0", "ZRANDMEMBER K 100", "SADD K M M", "DEL K", "SET K V", "COPY K K REPLACE", "SORT K ALPHA", "SORT K BY nosort DESC", "TYPE K",
	},
	"geo": {
		"GEOADD K 13.361389 38.115556 a 15.087269 37.502669 b", "GEOADD K NX|XX|CH 2.349014 48.864716 M", "GEOADD K -74.0 40.7 M", "GEOADD K 181 0 M", "GEOADD K x 0 M", "GEOADD K 1 1", "GEOPOS K M M", "GEOHASH K M M", "GEODIST K M M", "GEODIST K M M km|mi|ft|xx", "ZSCORE K M", "DEL K", "SET K V",
		"GEOSEARCH K FROMMEMBER M BYRADIUS 1000|100|9000 km ASC ?WITHDIST ?WITHCOORD ?WITHHASH", "GEOSEARCH K FROMLONLAT 10 40 BYBOX 2000|500 3000|100 km DESC WITHDIST", "GEOSEARCH K FROMLONLAT 10 40 BYRADIUS 5000 mi ASC COUNT 2", "GEOSEARCH K BYRADIUS 1 m", "GEOSEARCH K FROMMEMBER M", "GEOSEARCH K FROMLONLAT 10 40 BYRADIUS 5000 mi ANY",
		"GEOSEARCH K FROMLONLAT 10 40 BYRADIUS x mi", "GEOSEARCH K FROMLONLAT 10 40 BYRADIUS -1 mi", "GEORADIUS K 10 40 5000 km ASC WITHDIST", "GEORADIUSBYMEMBER K M 5000 km DESC ?WITHCOORD", "GEORADIUS_RO K 10 40 5000 km DESC COUNT 1", "GEOSEARCHSTORE K K FROMLONLAT 10 40 BYRADIUS 5000 km", "GEORADIUS K 10 40 5000 km STORE K", "GEOSEARCHSTORE K K FROMLONLAT 10 40 BYRADIUS 5000 km STOREDIST", "ZRANGE K 0 -1 WITHSCORES",
	},
	"stream": {
		"XADD K E f V", "XADD K E f V g V", "XADD K E f", "XADD K NOMKSTREAM E f V", "XADD K MAXLEN N E f V", "XADD K MAXLEN = 3 E f V", "XADD K MINID = E E f V", "XADD K MAXLEN 3 LIMIT 2 E f V", "XADD K MAXLEN = 2 MINID 1 E f V", "XADD K 5-* f V", "XADD K x-1 f V", "XLEN K",
		"XRANGE K - +", "XRANGE K E E", "XRANGE K (E +", "XRANGE K - (E COUNT 2", "XRANGE K - + COUNT N", "XREVRANGE K + -", "XREVRANGE K E E COUNT 2", "XREVRANGE K + (E", "XRANGE K x +", "XDEL K E", "XDEL K E E", "XDEL K x", "XTRIM K MAXLEN N", "XTRIM K MAXLEN = 2", "XTRIM K MINID = E", "XTRIM K MAXLEN ~ 2 LIMIT x", "XTRIM K FOO 1",
		"XREAD STREAMS K E", "XREAD COUNT N STREAMS K K E E", "XREAD STREAMS K $", "XREAD STREAMS K K E", "XREAD BLOCK 1 STREAMS K $", "XREAD BLOCK 1 COUNT 1 STREAMS K K E $", "XREAD BLOCK x STREAMS K E", "XREAD BLOCK -1 STREAMS K E", "XREAD STREAMS K >", "XREAD GROUP g c STREAMS K >", "XREAD COUNT 1",
		"XSETID K E", "XSETID K 99-1 ENTRIESADDED 7 MAXDELETEDID 3-1", "XGROUP CREATE K g|h E", "XGROUP CREATE K g|h $ MKSTREAM", "XGROUP CREATE K g|h 0 MKSTREAM ENTRIESREAD N", "XGROUP SETID K g|h E", "XGROUP SETID K g|h 0", "XGROUP DESTROY K g|h", "XGROUP CREATECONSUMER K g|h c|d", "XGROUP DELCONSUMER K g|h c|d", "XGROUP FOO K g", "XGROUP CREATE K",
		"XREADGROUP GROUP g|h c|d STREAMS K >", "XREADGROUP GROUP g|h c|d COUNT 1|2 STREAMS K >", "XREADGROUP GROUP g|h c|d NOACK STREAMS K >", "XREADGROUP GROUP g|h c|d STREAMS K 0", "XREADGROUP GROUP g|h c|d COUNT 1 STREAMS K E", "XREADGROUP GROUP g|h c|d STREAMS K K > >", "XREADGROUP GROUP g|h c|d STREAMS K $", "XREADGROUP GROUP g|h c|d BLOCK 1 STREAMS K >", "XREADGROUP COUNT 1 BLOCK 1 STREAMS K >",
		"XACK K g|h E E", "XACK K g|h x", "XPENDING K g|h", "XCLAIM K g|h c|d 0 E E", "XCLAIM K g|h c|d 0 E JUSTID", "XCLAIM K g|h c|d 0 E FORCE RETRYCOUNT 5", "XCLAIM K g|h c|d 100000 E", "XCLAIM K g|h c|d x E", "XCLAIM K g|h c|d 0 E FOO", "XCLAIM K g|h c|d 0 E IDLE 1000 LASTID E", "XAUTOCLAIM K g|h c|d 0 0", "XAUTOCLAIM K g|h c|d 0 E COUNT 1|2|0 ?JUSTID", "XAUTOCLAIM K g|h c|d 100000 0", "XINFO GROUPS K", "XINFO GROUPS", "XINFO FOO K",
		"DEL K", "SET K V", "TYPE K", "COPY K K REPLACE", "RENAME K K", "OBJECT ENCODING K",
	},
	"key": {
		"SET K V", "RPUSH K V", "SADD K M", "HSET K M V", "ZADD K 1 M", "DEL K K", "UNLINK K", "EXISTS K K K", "TYPE K", "EXPIRE K 100", "EXPIRE K 100 NX|XX|GT|LT", "EXPIRE K 200 NX|XX|GT|LT", "EXPIRE K 100 NX XX", "EXPIRE K x", "EXPIRE K -1", "PEXPIRE K 100000", "EXPIREAT K 99999999999", "PEXPIREAT K 9999999999999", "EXPIRE K 9223372036854775807",
		"EXPIREAT K 1", "TTL K", "PTTL K", "EXPIRETIME K", "PEXPIRETIME K", "PERSIST K", "KEYS *", "KEYS k[1-3]", "KEYS k?", "SCAN 0 COUNT 100", "SCAN 0 COUNT 100 MATCH k1*", "SCAN 0 COUNT 100 TYPE list|string|hash|set|zset", "SCAN x", "SCAN 0 COUNT 0", "RENAME K K", "RENAMENX K K", "COPY K K", "COPY K K DB 1", "COPY K K REPLACE", "MOVE K 1", "MOVE K 0", "MOVE K 99", "RANDOMKEYX",
		"TOUCH K K", "DBSIZE", "SWAPDB 0 1", "SWAPDB 0 99", "SELECT 0", "SELECT 99", "SELECT x", "OBJECT REFCOUNT nosuch", "OBJECT FOO K", "FLUSHDB", "GET K", "LRANGE K 0 -1", "SMEMBERS K", "HGETALL K", "ZRANGE K 0 -1", "INCR K", "APPEND K V", "SORT K BY w_* DESC", "NOSUCH a b", "GET", "SET K", "PING", "PING a b", "ECHO x", "WAIT 0 0", "PFADD p1|p2 M M", "PFCOUNT p1|p2", "PFCOUNT p1 p2|K", "PFMERGE p3 p1 p2", "PFADD p4",
	},
}

// luaScripts are scripts for both servers; each is run with KEYS k1, k2 and
// ARGV 10, abc.
var luaScripts = []string{
	"return 1", "return 3.99", "return -3.99", "return 'x'", "return true", "return false", "return nil", "return {1,2,'a',false,true,nil,5}", "return {ok='FINE'}", "return {err='MY bad'}", "return {{1},{2,{3}}}", "return {double=1.5}",
	"return KEYS[1]", "return ARGV", "return #ARGV", "return redis.call('SET', KEYS[1], ARGV[1])", "return redis.call('GET', KEYS[1])", "return redis.call('INCR', KEYS[1])", "return redis.call('INCRBY', KEYS[1], 5)",
	"return redis.call('GET', KEYS[2])", "return redis.call('LPUSH', KEYS[1], 1)", "return redis.pcall('LPUSH', KEYS[1], 1)['err']", "local x = redis.pcall('NOSUCH') return x.err ~= nil", "return redis.call('HSET', KEYS[2], 'a', 1, 'b', 2)", "return redis.call('HGETALL', KEYS[2])",
	"return redis.call('ZADD', 'z', 1.5, 'a', 2, 'b')", "return redis.call('ZRANGE', 'z', 0, -1, 'WITHSCORES')", "return redis.call('ZSCORE', 'z', 'a')", "return redis.call('ZPOPMIN', 'z')", "return type(redis.call('PING'))", "return redis.call('PING').ok", "return redis.call('EXISTS', 'none')",
	"redis.call('SET', KEYS[1], 'partial') return redis.call('LPUSH', KEYS[1], 1)", "return redis.status_reply('HELLO')", "return redis.error_reply('MYERR x')", "return redis.sha1hex('abc')", "return tostring(nil)", "return tonumber('10') + 1", "return string.format('%05d %s', 42, 'x')",
	"return cjson.encode({1,2,3})", "return cjson.encode({a=1,b={true,false}})", "return cjson.encode({})", "return cjson.encode({'q\"/\\n', 1.5})", "return cjson.decode('{\"a\":[1,2,{\"b\":null}]}').a[2]", "return cjson.decode('[1,2,3]')", "return cjson.encode(cjson.decode('[1,null,\"x\",1e20,0.1,-5]'))", "return cjson.decode('null') == cjson.null",
	"return cmsgpack.pack({1,2,3,'x',{a=1}})", "return cmsgpack.unpack(cmsgpack.pack({1,-200,3.5,'hello',70000}))", "return {cmsgpack.unpack(cmsgpack.pack(1,'a',true))}", "return cmsgpack.pack(300, -1, -129, 2^40, 1.1)",
	"return {bit.band(0xff, 0x0f), bit.bor(1,2,4), bit.bxor(5,1), bit.lshift(1,31), bit.rshift(-1,28), bit.arshift(-8,1), bit.bnot(0), bit.rol(0x12345678, 8), bit.ror(1,1), bit.bswap(0x12345678)}", "return {bit.tohex(255), bit.tohex(-1, 4), bit.tohex(255, -4)}",
	"return struct.pack('>I2', 258)", "return {struct.unpack('<I4', struct.pack('<I4', 123456))}", "return struct.pack('>i4sc3', -2, 'ab', 'xyz')", "return struct.size('>I2I4d')", "return {struct.unpack('>Bc0', string.char(3)..'abcd')}",
	"local t = {} for i=1,10 do t[i] = i*i end return t", "return #table.concat({'a','b'}, ',')", "return select('#', unpack({1,2,3}))", "return math.floor(3.7)", "return redis.call('TYPE', KEYS[1])", "return redis.call('TYPE', KEYS[1]).ok", "return redis.call('MGET', KEYS[1], 'none', KEYS[1])", "return {redis.call('DEL', 'z'), redis.call('DEL', KEYS[1])}",
	"return redis.call('XADD', 'st', '1-1', 'a', 'b')", "return redis.call('XREAD', 'STREAMS', 'st', '0')", "return redis.call('DEL', 'st')", "return redis.call('SMEMBERS', 'none')", "return redis.call('LPOP', 'none')", "return redis.call('BLPOP', 'none', 0)", "return pcall(function() error('x') end)", "return tostring(redis.call('INCRBYFLOAT', 'fl', 0.5))", "return redis.call('SET', 'fl', 1.5)", "return redis.call('SET', 'fl', 2^53)", "return redis.call('GET', 'fl')", "return redis.call('DEL', 'fl')",
}

// TestScripts runs the scripts on both servers.
func TestScripts(t *testing.T) {
	t.Parallel()
	real := oracle(t)
	for proto := 2; proto <= 3; proto++ {
		a, b := dial(t, start(t, trust{})), dial(t, real)
		b.call(t, "FLUSHALL")
		for _, c := range []*client{a, b} {
			c.call(t, "HELLO", strconv.Itoa(proto))
		}
		for _, text := range luaScripts {
			cmd := []string{"EVAL", text, "2", "k1", "k2", "10", "abc"}
			x, y := a.call(t, cmd...), b.call(t, cmd...)
			if x.String() != y.String() {
				t.Errorf("RESP%d %s\n got %s\nwant %s", proto, text, x, y)
			}
		}
		for _, cmd := range [][]string{
			{"EVAL", "return x", "0"}, {"EVAL", "x = 1", "0"}, {"EVAL", "return (", "0"}, {"EVAL", "return redis.call('NOSUCH')", "0"}, {"EVAL", "error('boom')", "0"}, {"EVAL", "return 1", "x"}, {"EVAL", "return 1", "-1"}, {"EVAL", "return 1", "3", "a"},
			{"EVALSHA", "ffffffffffffffffffffffffffffffffffffffff", "0"}, {"EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"}, {"SCRIPT", "LOAD", "return 7"}, {"SCRIPT", "EXISTS", "7413dc2440db1fea7c0a0bde841fa68eefaf149c", "x"}, {"SCRIPT", "FLUSH", "x"}, {"SCRIPT", "FLUSH"}, {"SCRIPT", "KILL"},
			{"EVAL_RO", "return redis.call('SET','a',1)", "1", "a"}, {"EVAL_RO", "return redis.call('GET','a')", "1", "a"}, {"EVAL", "#!lua flags=no-writes\nreturn redis.call('SET','a',1)", "1", "a"}, {"MULTI"}, {"EVAL", "return redis.call('INCR', 'm')", "0"}, {"GET", "m"}, {"EXEC"},
		} {
			x, y := a.call(t, cmd...), b.call(t, cmd...)
			if cut(x) != cut(y) {
				t.Errorf("RESP%d %q\n got %s\nwant %s", proto, cmd, x, y)
			}
		}
	}
}

// TestScriptEnds checks that a script that loops can be killed, that all it did
// is undone, and that others go on.
func TestScriptEnds(t *testing.T) {
	t.Parallel()
	addr := start(t, trust{})
	a, b := dial(t, addr), dial(t, addr)
	expect(t, b, "SCRIPT KILL", `-"NOTBUSY`, "SET k old", `+"OK"`)
	if _, err := a.Write(request([]string{"EVAL", "redis.call('SET', 'k', 'new') while true do end", "0"})); err != nil {
		t.Fatal(err)
	}
	for b.call(t, "SCRIPT", "KILL").kind == '-' {
		time.Sleep(time.Millisecond)
	}
	got, err := a.read()
	if err != nil || !strings.Contains(got.text, "Script killed by user") {
		t.Errorf("got %s %v", got, err)
	}
	expect(t, a, "GET k", `$"old"`, "SET k x", `+"OK"`)
	for _, text := range []string{
		"local function f() return f() + 1 end return f()", "return string.rep('x', 2^40)", "local t = {} for i = 1, 300 do t = {t} end return cjson.encode(t)", "local t = {} for i = 1, 300 do t = {t} end return t",
		"return cmsgpack.unpack('\\xdd\\xff\\xff\\xff\\xff')", "return struct.pack('i99', 1)", "return struct.unpack('c100', 'x')", "return cjson.decode('[1,')", "string.format = nil return string.rep('a', -1)", "return os.execute", "return io", "return require('x')", "getmetatable(_G).__index = nil",
	} {
		a.call(t, "EVAL", text, "0")
		expect(t, a, "EVAL \"return string.format('%d', 1)\" 0", `$"1"`)
	}
}

// cut is a reply without the place in the script that an error names.
func cut(n node) string {
	s := n.String()
	if n.kind == '-' {
		s, _, _ = strings.Cut(s, " script: ")
		s = s[:min(len(s), 30)]
	}
	return s
}

// TestDifferential runs random commands against both servers.
func TestDifferential(t *testing.T) {
	t.Parallel()
	real := oracle(t)
	for proto := 2; proto <= 3; proto++ {
		for subject := range templates {
			t.Run(fmt.Sprintf("resp%d/%s", proto, subject), func(t *testing.T) {
				ours := start(t, trust{})
				a, b := dial(t, ours), dial(t, real)
				b.call(t, "FLUSHALL")
				for _, c := range []*client{a, b} {
					c.call(t, "HELLO", strconv.Itoa(proto))
				}
				compare(t, a, b, subject, uint64(proto))
			})
		}
	}
}

// Flags of a longer search for differences.
var (
	stepFlag = flag.Int("steps", 3000, "random commands of each subject")
	seedFlag = flag.Uint64("seed", 0, "added to the seeds of the random commands")
)

// compare runs one subject's random commands.
func compare(t *testing.T, a, b *client, subject string, seed uint64) {
	t.Helper()
	g := gen{rand.New(rand.NewPCG(seed+*seedFlag, 7))}
	list := templates[subject]
	steps := *stepFlag
	if testing.Short() {
		steps = 500
	}
	seen := map[string]bool{}
	for i := range steps {
		cmd := g.expand(list[g.IntN(len(list))])
		x, y := normal(cmd, a.call(t, cmd...)), normal(cmd, b.call(t, cmd...))
		if x != y && !seen[cmd[0]] {
			seen[cmd[0]] = true
			t.Errorf("step %d: %v\n got %s\nwant %s", i, cmd, x, y)
		}
		if x != y { // start again from the same state
			a.call(t, "FLUSHALL")
			b.call(t, "FLUSHALL")
		}
	}
}

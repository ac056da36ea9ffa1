package redis

import (
	"strconv"
	"strings"
	"testing"
	"time"
)

// scripts are dialogues of several connections. "1> CMD" sends and reads the
// reply, "1>> CMD" only sends, "1<" reads.
var scripts = map[string]string{
	"stream": `
1>> XREAD BLOCK 0 STREAMS s $
2> XADD s 1-1 a 1
1<
1>> XREAD BLOCK 0 COUNT 1 STREAMS t s 0 1-1
3>> XREAD BLOCK 0 STREAMS s $
2> MULTI
2> XADD s 2-1 a 2
2> XADD s 2-2 a 3
2> EXEC
1<
3<
2> XGROUP CREATE s g $
1>> XREADGROUP GROUP g c BLOCK 0 STREAMS s >
3>> XREADGROUP GROUP g d BLOCK 0 STREAMS s >
2> XADD s 3-1 a 4
1<
2> XADD s 3-2 a 5
3<
2> XPENDING s g
2> XREADGROUP GROUP g c STREAMS s 0
2> XDEL s 3-1
2> XREADGROUP GROUP g c STREAMS s 0
2> XAUTOCLAIM s g d 0 0
2> XACK s g 3-2 3-1
2> XPENDING s g
2> XADD s * f v x
1> XREAD BLOCK 20 STREAMS s $
2> MULTI
2> XREAD BLOCK 0 STREAMS s $
2> EXEC`,
	"multi": `
1> MULTI
1> SET a 1
1> INCR a
1> GET a
1> PING
1> LPUSH a x
1> EXEC
1> MULTI
1> SET a
1> EXEC
1> MULTI
1> NOSUCH
1> EXEC
1> EXEC
1> DISCARD
1> MULTI
1> MULTI
1> WATCH a
1> DISCARD
1> MULTI
1> EXEC
1> MULTI
1> BLPOP nolist 0
1> BLMOVE nolist b LEFT LEFT 0
1> LMPOP 1 nolist LEFT
1> LPOP nolist 2
1> SELECT 1
1> SET b 1
1> EXEC
1> GET b
1> SELECT 0
1> GET b`,
	"watch": `
1> SET w 1
1> WATCH w
1> MULTI
1> GET w
1> EXEC
1> WATCH w
2> SET w 2
1> MULTI
1> GET w
1> EXEC
1> WATCH w
2> SET w 2
1> UNWATCH
1> MULTI
1> GET w
1> EXEC
1> WATCH none
1> MULTI
1> GET none
1> EXEC
1> WATCH none
2> SET none 1
2> DEL none
1> MULTI
1> GET none
1> EXEC
1> WATCH w none
2> DEL w
1> MULTI
1> PING
1> EXEC
1> WATCH none
1> MULTI
1> EXEC
1> RPUSH l a
1> WATCH l
2> RPUSH l b
1> MULTI
1> EXEC
1> WATCH l
2> FLUSHALL
1> MULTI
1> EXEC`,
	"pubsub": `
1> SUBSCRIBE a b
1<
2> PUBLISH a hello
1<
1> PSUBSCRIBE a*
2> PUBLISH a again
1<
1<
2> PUBSUB CHANNELS a*
2> PUBSUB NUMSUB a b c
2> PUBSUB NUMPAT
1> UNSUBSCRIBE a
2> PUBLISH a third
1<
1> PING
1> PUNSUBSCRIBE
1> UNSUBSCRIBE
1> UNSUBSCRIBE
2> PUBLISH a none
1> SSUBSCRIBE s
2> SPUBLISH s x
1<
1> SUNSUBSCRIBE
2> MULTI
2> PUBLISH a x
2> EXEC
2> PUBSUB NOPE`,
	"subscriber mode": `
1> SUBSCRIBE a
1> PING
1> PING x
1> UNSUBSCRIBE
1> GET a`,
	"blocking": `
1>> BLPOP q 5
2> RPUSH q a b
1<
2> LRANGE q 0 -1
2> DEL q
1>> BLPOP q1 q2 5
2> SET q1 x
2> RPUSH q2 z
1<
2> DEL q1
1>> BLMOVE src dst LEFT RIGHT 5
2> RPUSH src m
1<
2> LRANGE dst 0 -1
1>> BZPOPMIN z 5
2> ZADD z 3 c 1 a
1<
1>> BLPOP q 5
2> MULTI
2> LPUSH q a
2> LPUSH q b c
2> EXEC
1<
2> DEL q
1>> BLPOP q 5
3>> BLPOP q 5
2> RPUSH q one
1<
2> RPUSH q two
3<
1>> BRPOPLPUSH src dst 5
3>> BLPOP dst 5
2> LPUSH src v
1<
3<
1> BLPOP q 0.05
1> BLMOVE q q2 LEFT LEFT 0.05
1>> BLPOP q 5
2> RPUSH other v
2> RENAME other q
1<
1>> BLMPOP 5 2 q q2 LEFT COUNT 2
2> RPUSH q2 a b c
1<`,
	"connection": `
1> PING
1> PING hi
1> ECHO x
1> CLIENT SETNAME me
1> CLIENT GETNAME
1> CLIENT SETNAME "bad name"
1> CLIENT NOSUCH
1> CLIENT KILL
1> SELECT 3
1> SET x 1
1> DBSIZE
1> SELECT 0
1> GET x
1> HELLO 9
1> HELLO x
1> HELLO 2 FOO
1> COMMAND GETKEYS MSET a 1 b 2
1> COMMAND GETKEYS ZUNIONSTORE d 2 a b
1> COMMAND GETKEYS PING
1> COMMAND COUNT x
1> CONFIG GET databases
1> CONFIG SET nosuch 1
1> CONFIG GET
1> OBJECT ENCODING none
1> OBJECT ENCODING
1> MEMORY USAGE none
1> SLOWLOG RESET
1> WAIT 0 -1
1> DEBUG
1> RESET
1> nosuch
1> nosuch a b c
1> get
1> QUIT`,
}

// words cuts a line; "…" may hold spaces.
func words(line string) []string {
	var out []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			out = append(out, part)
		} else {
			out = append(out, strings.Fields(part)...)
		}
	}
	return out
}

// play runs a dialogue and records all replies.
func play(t *testing.T, addr, script string, proto int) []string {
	t.Helper()
	conns := map[string]*client{}
	var log []string
	for _, line := range strings.Split(strings.TrimSpace(script), "\n") {
		who := line[:1]
		c := conns[who]
		if c == nil {
			c = dial(t, addr)
			conns[who] = c
			c.call(t, "HELLO", strconv.Itoa(proto))
		}
		if err := c.SetDeadline(time.Now().Add(4 * time.Second)); err != nil {
			t.Fatal(err)
		}
		cmd := words(strings.TrimLeft(line[1:], "<>"))
		if len(cmd) > 0 {
			if _, err := c.Write(request(cmd)); err != nil {
				t.Fatal(line, err)
			}
		}
		if strings.HasPrefix(line[1:], ">>") { // let it block before the next line
			time.Sleep(60 * time.Millisecond)
			continue
		}
		n, err := c.read()
		if err != nil {
			log = append(log, line+" => "+err.Error())
			return log
		}
		log = append(log, line+" => "+floats(n).String())
	}
	return log
}

// TestSessions plays the dialogues on both servers.
func TestSessions(t *testing.T) {
	t.Parallel()
	real := oracle(t)
	for proto := 2; proto <= 3; proto++ {
		for name, script := range scripts {
			t.Run(strconv.Itoa(proto)+" "+name, func(t *testing.T) {
				dial(t, real).call(t, "FLUSHALL")
				want := play(t, real, script, proto)
				got := play(t, start(t, trust{}), script, proto)
				for i := range want {
					if i >= len(got) || got[i] != want[i] {
						g := "nothing"
						if i < len(got) {
							g = got[i]
						}
						t.Errorf("\n got %s\nwant %s", g, want[i])
					}
				}
			})
		}
	}
}

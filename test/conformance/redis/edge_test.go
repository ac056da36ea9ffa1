package redis

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// users is an authenticator with one user.
type users struct{}

// Trust implements protocol.Authenticator.
func (users) Trust() bool { return false }

// Password implements protocol.Authenticator.
func (users) Password(user string) (string, bool) {
	return "secret", user == "default" || user == "ann"
}

// expect sends commands and compares the replies.
func expect(t *testing.T, c *client, list ...string) {
	t.Helper()
	for i := 0; i < len(list); i += 2 {
		if got := c.call(t, words(list[i])...).String(); !strings.HasPrefix(got, list[i+1]) {
			t.Errorf("%s: got %s, want %s", list[i], got, list[i+1])
		}
	}
}

func TestAuth(t *testing.T) {
	t.Parallel()
	addr := start(t, users{})
	expect(t, dial(t, addr),
		"GET a", `-"NOAUTH Authentication required."`,
		"HELLO 3", `-"NOAUTH HELLO must`,
		"AUTH wrong", `-"WRONGPASS`,
		"AUTH bob secret", `-"WRONGPASS`,
		"AUTH secret", `+"OK"`,
		"SET a 1", `+"OK"`)
	expect(t, dial(t, addr),
		"HELLO 3 AUTH ann wrong", `-"WRONGPASS`,
		"HELLO 3 AUTH ann secret SETNAME x", "%[",
		"GET a", `$"1"`,
		"CLIENT GETNAME", `$"x"`)
	other := dial(t, addr)
	if _, err := other.Write([]byte("*1\r\n$100000\r\n")); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(other)
	if err != nil || !strings.Contains(string(all), "unauthenticated bulk length") {
		t.Errorf("%q %v", all, err)
	}
}

// TestPipeline sends many commands at once: replies come in order and a failed
// command changes nothing for the others.
func TestPipeline(t *testing.T) {
	t.Parallel()
	c := dial(t, start(t, trust{}))
	var in []byte
	const n = 5000
	for i := range n {
		in = append(in, request([]string{"SET", "k", fmt.Sprint(i)}, []string{"GET", "k"}, []string{"LPUSH", "k", "x"}, []string{"INCR", "n"})...)
	}
	go func() { _, _ = c.Write(in) }()
	for i := range n {
		for _, want := range []string{`+"OK"`, fmt.Sprintf("$%q", fmt.Sprint(i)), `-"WRONGTYPE`, fmt.Sprintf(":%d", i+1)} {
			got, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(got.String(), want) {
				t.Fatalf("round %d: got %s, want %s", i, got, want)
			}
		}
	}
}

// TestMute covers CLIENT REPLY.
func TestMute(t *testing.T) {
	t.Parallel()
	c := dial(t, start(t, trust{}))
	if _, err := c.Write(request([]string{"CLIENT", "REPLY", "SKIP"}, []string{"SET", "a", "1"}, []string{"GET", "a"},
		[]string{"CLIENT", "REPLY", "OFF"}, []string{"SET", "a", "2"}, []string{"NOSUCH"}, []string{"PING"}, []string{"CLIENT", "REPLY", "ON"}, []string{"GET", "a"})); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`$"1"`, `+"OK"`, `$"2"`} {
		got, err := c.read()
		if err != nil || got.String() != want {
			t.Errorf("got %s %v, want %s", got, err, want)
		}
	}
}

// TestBadInput sends garbage; the answer is a protocol error and the end, and
// others are not harmed.
func TestBadInput(t *testing.T) {
	t.Parallel()
	addr := start(t, trust{})
	good := dial(t, addr)
	for _, in := range []string{"*1\r\n$-7\r\n", "*2147483648\r\n", "*1\r\n$2147483648\r\n", "*1\r\nx", "*\r\n", "set \"x\r\n", string(bytes.Repeat([]byte{0xff}, 70_000))} {
		c := dial(t, addr)
		if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := c.Write([]byte(in)); err != nil {
			t.Fatal(err)
		}
		all, _ := io.ReadAll(c) // the server may reset the rest of the garbage
		if !strings.HasPrefix(string(all), "-ERR Protocol error: ") {
			t.Errorf("%.20q: got %q", in, all)
		}
		expect(t, good, "PING", `+"PONG"`)
	}
}

// TestGone checks that a client that goes away while it waits takes nothing.
func TestGone(t *testing.T) {
	t.Parallel()
	addr := start(t, trust{})
	a, b := dial(t, addr), dial(t, addr)
	if _, err := a.Write(request([]string{"BLPOP", "q", "0"})); err != nil {
		t.Fatal(err)
	}
	waiting := func(n string) {
		for range 500 {
			if strings.Contains(b.call(t, "INFO", "clients").text, "blocked_clients:"+n+"\r\n") {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Fatal("blocked clients never became", n)
	}
	waiting("1")
	_ = a.Close()
	waiting("0")
	expect(t, b, "RPUSH q x", ":1", "LLEN q", ":1")
	c := dial(t, addr)
	id := c.call(t, "CLIENT", "ID").text
	if _, err := c.Write(request([]string{"BLPOP", "r", "0"}, []string{"PING"})); err != nil {
		t.Fatal(err)
	}
	waiting("1")
	expect(t, b, "CLIENT UNBLOCK "+id+" ERROR", ":1")
	for _, want := range []string{`-"UNBLOCKED`, `+"PONG"`} {
		got, err := c.read()
		if err != nil || !strings.HasPrefix(got.String(), want) {
			t.Errorf("got %s %v, want %s", got, err, want)
		}
	}
}

// TestFigures checks that what INFO, SLOWLOG and LATENCY say was measured.
func TestFigures(t *testing.T) {
	t.Parallel()
	c := dial(t, start(t, trust{}))
	c.call(t, "CONFIG", "RESETSTAT")
	expect(t, c, "SET a 1", `+"OK"`, "SET b 1 PX 100000", `+"OK"`, "PEXPIRE b 1", ":1", "GET a", `$"1"`, "GET none", `$"-1"`, "GET none", `$"-1"`, "SET c 1 EX 1000", `+"OK"`)
	stats := func(section, want string) {
		t.Helper()
		text := ""
		for range 500 {
			if text = c.call(t, "INFO", section).text; strings.Contains(text, want) {
				return
			}
			time.Sleep(time.Millisecond)
		}
		t.Errorf("INFO %s has no %q:\n%s", section, want, text)
	}
	stats("stats", "keyspace_hits:1\r\nkeyspace_misses:2\r\n")
	stats("stats", "expired_keys:1\r\n")
	stats("keyspace", "db0:keys=2,expires=1,avg_ttl=9")
	expect(t, c, "DBSIZE", ":2", "CONFIG SET slowlog-log-slower-than 0", `+"OK"`, "SLOWLOG RESET", `+"OK"`, "GET a", `$"1"`, "SLOWLOG LEN", ":2")
	if got := c.call(t, "SLOWLOG", "GET", "-1"); len(got.list) != 3 || got.list[1].list[3].String() != `*[$"GET" $"a"]` {
		t.Errorf("SLOWLOG GET: %s", got)
	}
	expect(t, c, "CONFIG SET slowlog-max-len 1 slowlog-log-slower-than x", `-"ERR CONFIG SET failed (possibly related to argument 'slowlog-log-slower-than') - argument couldn't be parsed or is out of range"`,
		"CONFIG GET slowlog-max-len", `*[$"slowlog-max-len" $"128"]`, "CONFIG SET latency-monitor-threshold 20", `+"OK"`, "LATENCY LATEST", "*[]", "DEBUG SLEEP 0.03", `+"OK"`)
	if got := c.call(t, "LATENCY", "LATEST"); len(got.list) != 1 || got.list[0].list[0].text != "command" {
		t.Errorf("LATENCY LATEST: %s", got)
	}
	for _, cmd := range []string{"MEMORY DOCTOR", "OBJECT IDLETIME a", "LATENCY DOCTOR"} {
		if got := c.call(t, strings.Fields(cmd)...); !strings.Contains(got.text, "is not supported") {
			t.Errorf("%s: %s", cmd, got)
		}
	}
}

// TestMonitor checks what MONITOR shows, and that a client that leaves while it
// waits is told nothing.
func TestMonitor(t *testing.T) {
	t.Parallel()
	addr := start(t, trust{})
	a, b := dial(t, addr), dial(t, addr)
	expect(t, a, "MONITOR", `+"OK"`)
	expect(t, b, "ACL WHOAMI", `$"default"`, "ROLE", `*[$"master" :0 *[]]`, "AUTH secret", `+"OK"`)
	b.call(t, "SET", "k", "a\"\x00\n")
	for _, want := range []string{` "ACL" "WHOAMI"`, ` "ROLE"`, ` "SET" "k" "a\"\x00\n"`} {
		got, err := a.read()
		if err != nil || got.kind != '+' || !strings.HasSuffix(got.text, "]"+want) {
			t.Errorf("got %s %v, want %s", got, err, want)
		}
	}
	if _, err := a.Write(request([]string{"RESET"}, []string{"BLPOP", "none", "0"})); err != nil {
		t.Fatal(err)
	}
	if got, err := a.read(); err != nil || got.text != "RESET" {
		t.Errorf("got %s %v", got, err)
	}
	b.call(t, "PING")
	if err := a.Conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(a.r); err != nil || len(rest) > 0 {
		t.Errorf("a client that left while it waited got %q %v", rest, err)
	}
}

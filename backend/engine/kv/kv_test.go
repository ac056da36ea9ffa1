package kv

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// bench runs commands on one object.
type bench struct {
	t     testing.TB
	e     *Engine
	store *object.Store
	clock atomic.Int64 // milliseconds added to the real time
}

// newBench opens an object.
func newBench(t testing.TB) *bench {
	t.Helper()
	b := &bench{t: t, e: New()}
	store, err := object.New(object.Options{
		Dir: t.TempDir(), Relaxed: true, Registry: sqlite.NewRegistry(), Init: b.e.Init, Alarm: b.e.Alarm, Log: slog.New(slog.DiscardHandler),
		Now: func() time.Time { return time.Now().Add(time.Duration(b.clock.Load()) * time.Millisecond) },
	})
	if err != nil {
		t.Fatal(err)
	}
	b.store = store
	t.Cleanup(func() {
		if err := store.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// do runs one body.
func (b *bench) do(body op.Body) ([]op.Value, error) {
	s, err := b.store.Scope(context.Background(), "d", 0, op.Session{}, true)
	if err != nil {
		b.t.Fatal(err)
	}
	defer s.Release()
	r, err := b.e.Do(context.Background(), s, &op.Op{Body: body})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := r.Next(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	return f.(*op.Values).Values, nil
}

// run runs a command given as words and renders its reply.
func (b *bench) run(line string) string {
	words := strings.Fields(line)
	c := &kv.Command{Verb: words[0]}
	for _, w := range words[1:] {
		c.Args = append(c.Args, []byte(w))
	}
	vs, err := b.do(c)
	if err != nil {
		return err.Error()
	}
	return show(vs[0])
}

// show renders a value.
func show(v op.Value) string {
	switch v.Kind {
	case op.KindNull:
		return "nil"
	case op.KindInt64, op.KindUint64:
		return fmt.Sprint(v.Int())
	case op.KindFloat64:
		return fmt.Sprint(v.Float())
	case op.KindArray, op.KindMap, op.KindSet:
		var parts []string
		for _, e := range v.List() {
			parts = append(parts, show(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	}
	return v.Str()
}

// TestVerbs checks that every verb has a handler and the other way round.
func TestVerbs(t *testing.T) {
	t.Parallel()
	for name := range kv.Verbs {
		if New().find(name) == nil {
			t.Errorf("%s has no handler", name)
		}
	}
	for name := range commands {
		if _, ok := kv.Verbs[name]; !ok {
			t.Errorf("%s is not in the verb table", name)
		}
	}
}

// TestArguments runs every verb with few and odd arguments: an error or a
// value, never a panic.
func TestArguments(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for name, v := range kv.Verbs {
		for n := range 9 {
			for _, arg := range []string{"", "-1", "x", "9223372036854775807", "1", "(1", "["} {
				if blockCommands[name] != nil {
					arg = "-1" // a bad timeout does not wait
				}
				c := &kv.Command{Verb: name}
				for range n {
					c.Args = append(c.Args, []byte(arg))
				}
				_, err := b.do(c)
				short := v.Arity > 0 && n+1 != v.Arity || n+1 < -v.Arity
				if short && err == nil {
					t.Errorf("%s with %d arguments works", name, n)
				}
				if op.CodeOf(err) == op.Internal {
					t.Errorf("%s %q: %v", name, c.Args, err)
				}
			}
		}
	}
}

// TestExpiry moves the clock: reads treat an expired key as absent at once.
func TestExpiry(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("SET a 1 PX 60000")
	b.run("RPUSH l x")
	b.run("EXPIRE l 50")
	b.run("SET b 1")
	b.clock.Store(61_000)
	for _, tc := range [][2]string{{"GET a", "nil"}, {"TTL a", "-2"}, {"EXISTS a l b", "1"}, {"KEYS *", "[b]"}, {"LLEN l", "0"}, {"RPUSH l y", "1"}, {"TTL l", "-1"}, {"LRANGE l 0 -1", "[y]"}} {
		if got := b.run(tc[0]); got != tc[1] {
			t.Errorf("%s: %s, want %s", tc[0], got, tc[1])
		}
	}
}

// TestAlarm checks that expired keys are deleted without being touched.
func TestAlarm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for i := range sweep + 10 {
		b.run(fmt.Sprintf("SET k%d v PX 20", i))
	}
	deadline := time.Now().Add(10 * time.Second)
	for b.run("DBSIZE") != "0" {
		if time.Now().After(deadline) {
			t.Fatal("keys are still there:", b.run("DBSIZE"))
		}
		time.Sleep(time.Millisecond)
	}
}

// TestVersions checks what WATCH sees.
func TestVersions(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	version := func() int64 {
		vs, err := b.do(&kv.Version{Keys: [][]byte{[]byte("k")}})
		if err != nil {
			t.Fatal(err)
		}
		return vs[0].Int()
	}
	last := version()
	for _, line := range []string{"SET k 1", "INCR k", "EXPIRE k 100", "DEL k", "RPUSH k a", "LSET k 0 b", "RENAME k x", "RENAME x k", "FLUSHDB"} {
		b.run(line)
		if v := version(); v == last {
			t.Errorf("%s does not change the version", line)
		} else {
			last = v
		}
	}
	b.run("SET k 1")
	b.run("DEL k")
	if version() == last {
		t.Error("making and deleting an absent key does not change its version")
	}
}

// TestDrift pushes a list to the border of its positions.
func TestDrift(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.run("RPUSH l a b c")
	s, err := b.store.Scope(context.Background(), "d", 0, op.Session{}, true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Release()
	for _, at := range []int64{0, 1<<idBits - 3} {
		if _, err := s.Write(context.Background(), func(tx *object.Tx) error {
			c := New().call(tx, &kv.Command{})
			k, err := c.find([]byte("l"))
			if err != nil {
				return err
			}
			if err := c.shift(&k, 0, k.n, at-k.seq); err != nil {
				return err
			}
			k.seq = at
			return c.save(&k)
		}); err != nil {
			t.Fatal(err)
		}
		b.run("LPUSH l x")
		b.run("RPUSH l y")
		if got := b.run("LRANGE l 0 -1"); got != "[x a b c y]" {
			t.Fatal(got)
		}
		b.run("LPOP l")
		b.run("RPOP l")
	}
}

func BenchmarkGet(b *testing.B) {
	h := newBench(b)
	h.run("SET k v")
	c := &kv.Command{Verb: "GET", Args: [][]byte{[]byte("k")}}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := h.do(c); err != nil {
			b.Fatal(err)
		}
	}
}

package redis

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/engine"
	"github.com/dot-do/dotdo-proxy/backend/engine/kv"
	"github.com/dot-do/dotdo-proxy/backend/engine/msg"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/shard"
)

// sharded is an executor with the database main on four objects.
func sharded(t *testing.T) backend.Executor {
	t.Helper()
	dir := t.TempDir()
	local, err := engine.New(engine.Options{
		Object:   object.Options{Dir: dir, Relaxed: true, Log: slog.New(slog.DiscardHandler)},
		Families: map[op.Family]engine.Named{op.FamilyKV: {Name: "kv", Family: kv.New()}, op.FamilyMsg: {Name: "msg", Family: msg.New()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	reg, err := shard.OpenRegistry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := local.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := reg.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r := shard.New(shard.Params{Next: local, Registry: reg, AutoCreate: true, Planner: local})
	reply, err := r.Do(t.Context(), &op.Op{Body: &ctl.OpenDatabase{Name: "main?shard.key=id&shard.count=4"}})
	if err == nil {
		_, err = op.Drain(t.Context(), reply)
	}
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestShards checks that a database of four objects answers as one where it
// can, and CROSSSLOT where keys lie apart.
func TestShards(t *testing.T) {
	t.Parallel()
	addr := serve(t, trust{}, sharded(t))
	a, b := dial(t, addr), dial(t, addr)
	const cross = `-"CROSSSLOT `
	for i := range 40 {
		expect(t, a, fmt.Sprintf("SET k%d %d", i, i), `+"OK"`)
	}
	expect(t, a, "DBSIZE", ":40", "MGET k0 k1 k2 k3 none", `*[$"0" $"1" $"2" $"3" $"-1"]`, "DEL k0 k1 k2 none", ":3", "EXISTS k3 k4 k5 k6", ":4")
	if text := a.call(t, "INFO", "keyspace").text; !strings.Contains(text, "db0:keys=37,") {
		t.Errorf("INFO keyspace: %q", text)
	}
	seen := map[string]bool{}
	for cursor := "0"; ; {
		page := a.call(t, "SCAN", cursor)
		for _, k := range page.list[1].list {
			if seen[k.text] {
				t.Errorf("SCAN showed %s twice", k.text)
			}
			seen[k.text] = true
		}
		if cursor = page.list[0].text; cursor == "0" {
			break
		}
	}
	if len(seen) != 37 {
		t.Errorf("SCAN showed %d keys, want 37", len(seen))
	}
	// Keys without a common tag lie apart, some of these in different objects.
	expect(t, a, "MULTI", `+"OK"`)
	for i := 3; i < 11; i++ {
		expect(t, a, fmt.Sprintf("INCR k%d", i), `+"QUEUED"`)
	}
	expect(t, a, "EXEC", cross, "GET k3", `$"3"`)
	expect(t, a, "SINTERSTORE s0 s1 s2 s3 s4 s5 s6 s7", cross, "EVAL redis.call('SET',KEYS[1],1) 8 k3 k4 k5 k6 k7 k8 k9 k10", cross)
	// Keys with a common tag lie together.
	expect(t, a, "MULTI", `+"OK"`, "INCR {t}a", `+"QUEUED"`, "INCR {t}b", `+"QUEUED"`, "LPUSH {t}l x", `+"QUEUED"`, "PUBLISH c hello", `+"QUEUED"`, "DISCARD", `+"OK"`,
		"MULTI", `+"OK"`, "INCR {t}a", `+"QUEUED"`, "INCR {t}b", `+"QUEUED"`, "EXEC", "*[:1 :1]", "RENAME {t}a {t}c", `+"OK"`, "GET {t}c", `$"1"`)
	if got := a.call(t, "EVAL", "return redis.call('INCRBY', KEYS[1], redis.call('GET', KEYS[2]))", "2", "{t}b", "{t}c"); got.String() != ":2" {
		t.Errorf("script with a tag: %s", got)
	}
	if got := a.call(t, "EVAL", "return redis.call('SET', '{t}other', 1)", "1", "{t}b"); !strings.Contains(got.text, "non local key") {
		t.Errorf("script with an undeclared key: %s", got)
	}
	if got := a.call(t, "SCRIPT", "LOAD", "return KEYS[1]"); got.kind != '$' {
		t.Errorf("SCRIPT LOAD: %s", got)
	} else {
		for i := range 8 {
			k := fmt.Sprint("k", i)
			expect(t, a, "EVALSHA "+got.text+" 1 "+k, fmt.Sprintf("$%q", k))
		}
	}
	// Channels belong to the database, not to an object.
	expect(t, b, "SUBSCRIBE c", `*[$"subscribe" $"c" :1]`)
	expect(t, a, "PUBLISH c hello", ":1")
	if got, err := b.read(); err != nil || got.String() != `*[$"message" $"c" $"hello"]` {
		t.Errorf("subscriber got %s %v", got, err)
	}
	// A pipeline over all objects keeps its order.
	var cmds [][]string
	for i := 3; i < 40; i++ {
		cmds = append(cmds, []string{"INCRBY", fmt.Sprint("k", i), "100"}, []string{"GET", fmt.Sprint("k", i)})
	}
	if _, err := a.Write(request(cmds...)); err != nil {
		t.Fatal(err)
	}
	for i := 3; i < 40; i++ {
		x, _ := a.read()
		y, _ := a.read()
		if want := fmt.Sprint(i + 100); x.text != want || y.text != want {
			t.Fatalf("pipeline: %s %s, want %s", x, y, want)
		}
	}
}

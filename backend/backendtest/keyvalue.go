package backendtest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// keyValue runs commands on one key, many keys and the whole database.
func keyValue(t *testing.T, c *client) {
	for i := range 20 {
		c.equal("SET", c.kv("SET", fmt.Sprint("k", i), fmt.Sprint("v", i)), "OK")
	}
	c.equal("GET", c.kv("GET", "k7"), "v7")
	c.equal("GET of nothing", c.kv("GET", "nope"), "null")
	c.equal("MGET", c.kv("MGET", "k3", "nope", "k1", "k19", "k3"), "[v3 null v1 v19 v3]")
	c.equal("EXISTS", c.kv("EXISTS", "k0", "k1", "k2", "nope", "k0"), "4")
	c.equal("DBSIZE", c.kv("DBSIZE"), "20")
	c.equal("DEL", c.kv("DEL", "k0", "k1", "k2", "nope"), "3")
	c.equal("DBSIZE", c.kv("DBSIZE"), "17")
	c.equal("MSET", c.kv("MSET", "a", "1", "b", "2", "c", "3", "d", "4"), "OK")
	c.equal("MGET", c.kv("MGET", "d", "c", "b", "a"), "[4 3 2 1]")
	c.equal("INCR", c.kv("INCR", "a"), "2")
	keys := c.do(cmd("KEYS", "?")).values[0].List()
	var names []string
	for _, k := range keys {
		names = append(names, k.Str())
	}
	slices.Sort(names)
	c.equal("KEYS", names, "[a b c d]")
	if k := c.kv("RANDOMKEY"); k == "null" {
		t.Error("RANDOMKEY finds nothing")
	}
	c.equal("tagged RENAME", c.kv("SET", "{x}1", "y")+c.kv("RENAME", "{x}1", "{x}2")+c.kv("GET", "{x}2"), "OKOKy")
	c.equal("LPUSH", c.kv("LPUSH", "list", "x", "y"), "2")
	c.refused(op.TypeMismatch, cmd("INCR", "list"))
	c.equal("FLUSHDB", c.kv("FLUSHDB"), "OK")
	c.equal("DBSIZE", c.kv("DBSIZE"), "0")
	c.equal("RANDOMKEY", c.kv("RANDOMKEY"), "null")
}

// keyValueScan walks all keys with a small count and sees each.
func keyValueScan(t *testing.T, c *client) {
	const n = 300
	for i := range n {
		c.kv("SET", fmt.Sprint("key:", i), "v")
	}
	seen := map[string]bool{}
	cursor, calls := "0", 0
	for {
		r := c.do(cmd("SCAN", cursor, "COUNT", "17", "MATCH", "key:*"))
		pair := r.values[0].List()
		for _, k := range pair[1].List() {
			seen[strings.Clone(k.Str())] = true
		}
		calls++
		if cursor = strings.Clone(pair[0].Str()); cursor == "0" {
			break
		}
		if calls > 10*n {
			t.Fatal("the scan does not end")
		}
	}
	c.equal("keys seen", len(seen), n)
}

// keyValueBatch runs pipelines, and transactions with watched keys.
func keyValueBatch(t *testing.T, c *client) {
	r := c.do(&ctl.Batch{Bodies: []op.Body{cmd("SET", "{g}a", "1"), cmd("INCR", "{g}a"), cmd("GET", "{g}a")}, Atomic: true})
	c.equal("EXEC", render(op.Array(r.values...)), "[OK 2 2]")
	r = c.do(&ctl.Batch{Bodies: []op.Body{cmd("SET", "p1", "1"), cmd("SET", "p2", "2"), cmd("MGET", "p1", "p2", "p9"), cmd("LPUSH", "p1", "x"), cmd("INCR", "p2")}})
	if len(r.values) != 5 || r.values[3].Kind != op.KindErrorText {
		t.Fatalf("pipeline: %s", render(op.Array(r.values...)))
	}
	c.equal("pipeline", render(r.values[2])+render(r.values[4]), "[1 2 null]3")
	v := c.do(&kv.Version{Keys: [][]byte{[]byte("{g}a"), []byte("nope")}}).values
	c.equal("versions", len(v), 2)
	check := &kv.Check{Key: []byte("{g}a"), Version: v[0].Num}
	r = c.do(&ctl.Batch{Bodies: []op.Body{check, cmd("SET", "{g}b", "x")}, Atomic: true})
	c.equal("EXEC with a good watch", render(op.Array(r.values...)), "[OK]")
	c.kv("INCR", "{g}a")
	r = c.do(&ctl.Batch{Bodies: []op.Body{check, cmd("SET", "{g}b", "y")}, Atomic: true})
	c.equal("EXEC with a bad watch", render(op.Array(r.values...)), "[null]")
	c.equal("nothing was done", c.kv("GET", "{g}b"), "x")
}

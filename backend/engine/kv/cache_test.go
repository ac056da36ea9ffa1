package kv

import (
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// TestCacheFresh checks that a read that starts after a write was acknowledged
// sees it, however reads fill the value cache meanwhile.
func TestCacheFresh(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	const last = 3000
	var acknowledged atomic.Int64
	b.run("SET n 0")
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			get := &kv.Command{Verb: "GET", Args: [][]byte{[]byte("n")}}
			for acknowledged.Load() < last {
				least := acknowledged.Load()
				v, err := b.do(get)
				if err != nil {
					t.Error(err)
					return
				}
				if n, _ := strconv.ParseInt(v[0].Str(), 10, 64); n < least {
					t.Errorf("read %d after %d was acknowledged", n, least)
					return
				}
			}
		})
	}
	incr := &kv.Command{Verb: "INCR", Args: [][]byte{[]byte("n")}}
	for i := int64(1); i <= last; i++ {
		if _, err := b.do(incr); err != nil {
			t.Fatal(err)
		}
		acknowledged.Store(i)
	}
	readers.Wait()
}

// TestCacheForgets checks that every kind of change reaches cached reads.
func TestCacheForgets(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	for _, step := range []struct{ change, want string }{
		{"SET k a", "a"}, {"APPEND k b", "ab"}, {"SETRANGE k 0 c", "cb"}, {"GETSET k 5", "5"}, {"INCRBY k 2", "7"},
		{"PEXPIREAT k 1", "nil"}, {"SET k a", "a"}, {"DEL k", "nil"}, {"MSET k a l b", "a"}, {"RENAME l k", "b"},
		{"MOVE k 1", "nil"}, {"SWAPDB 0 1", "b"}, {"FLUSHDB", "nil"}, {"SET k z", "z"}, {"COPY k l", "z"}, {"FLUSHALL", "nil"},
	} {
		b.run(step.change)
		for range 2 { // the second read comes from the cache
			if got := b.run("GET k"); got != step.want {
				t.Fatalf("after %s: GET k = %q, want %q", step.change, got, step.want)
			}
		}
	}
}

// TestCacheBound checks that the cache stays within its size and gives up old
// entries first.
func TestCacheBound(t *testing.T) {
	t.Parallel()
	h := newCache(cacheShards * 10 * (entryCost + 110))
	m := (&Engine{cache: h}).memory(&sync.Map{})
	for i := range 20_000 {
		k := key{id: 1, typ: typeString, name: fmt.Appendf(nil, "key%07d", i), value: make([]byte, 100)}
		h.fill(m, 0, &k, 1)
	}
	n := 0
	for i := range h.shards {
		s := &h.shards[i]
		if s.bytes > h.limit || len(s.table) != len(s.ring) {
			t.Fatalf("shard %d: %d bytes of %d, %d entries, ring of %d", i, s.bytes, h.limit, len(s.table), len(s.ring))
		}
		n += len(s.table)
	}
	if n != cacheShards*10 {
		t.Errorf("%d entries, want %d", n, cacheShards*10)
	}
	if _, ok := h.get(m, 0, []byte("key0000000"), 1); ok {
		t.Error("the oldest entry is still there")
	}
	h.drop(m, 0, []byte("key0019999"), 7)
	k := key{id: 1, typ: typeString, name: []byte("key0019999"), value: []byte("old")}
	h.fill(m, 0, &k, 6)
	if _, ok := h.get(m, 0, k.name, 9); ok {
		t.Error("an old snapshot filled the entry of a changed key")
	}
}

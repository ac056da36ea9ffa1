package kv

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
	"unsafe"
)

// The value cache holds rows of _dotdo_kv (strings with their value) as the
// newest durable state has them, so that a hot GET costs no SQLite call. It is
// one bounded cache for all objects of the process.
//
// Coherence: a write transaction drops the entry of every key it changes before
// it commits, and notes its LSN for the key's stripe. A reader fills an entry
// only from a snapshot that is not older than that LSN. So an entry that is
// present is the newest committed state of its key, and it is durable, because
// reads return after that (object.Scope.Read).

const (
	// cacheShards is the number of parts with a lock each.
	cacheShards = 64
	// stripes is the number of LSNs an object keeps to judge fills.
	stripes = 256
	// entryCost is what an entry costs besides its key and value.
	entryCost = 200
	// maxCached is the largest value that is cached.
	maxCached = 64 << 10
	// DefaultCache is the size of the value cache when the caller names none.
	DefaultCache = 32 << 20
)

// cacheKey names a key of an open object. The object is known by a number of
// its own, so entries of closed objects are never found again.
type cacheKey struct {
	object uint64
	db     int
	name   string
}

// entry is one cached row.
type entry struct {
	cacheKey
	row  key // name empty
	lsn  uint64
	at   int // place in the shard's ring
	used bool
}

// cost is the memory an entry is charged for.
func (e *entry) cost() int { return entryCost + len(e.name) + len(e.row.value) }

// cache is the process-wide cache. The zero limit switches it off.
type cache struct {
	seed   maphash.Seed
	limit  int // bytes of a shard
	shards [cacheShards]cacheShard
}

// cacheShard is a part with a lock of its own; the ring is for eviction by
// second chance.
type cacheShard struct {
	mu    sync.Mutex
	table map[cacheKey]*entry
	ring  []*entry
	hand  int
	bytes int
	_     [64]byte
}

// newCache makes a cache of at most size bytes.
func newCache(size int) *cache { return &cache{seed: maphash.MakeSeed(), limit: size / cacheShards} }

// hash spreads keys over shards (low bits) and stripes.
func (h *cache) hash(db int, name []byte) uint64 {
	return maphash.Bytes(h.seed, name) ^ bits.RotateLeft64(uint64(db)*0x9e3779b97f4a7c15, 17)
}

// shard is the part a key belongs to.
func (h *cache) shard(object, hash uint64) *cacheShard { return &h.shards[(hash^object)%cacheShards] }

// view is a key for a lookup that shares name.
func view(object uint64, db int, name []byte) cacheKey {
	return cacheKey{object, db, unsafe.String(unsafe.SliceData(name), len(name))}
}

// get returns the row of a key as of a snapshot not older than the entry.
func (h *cache) get(m *state, db int, name []byte, lsn uint64) (key, bool) {
	object := m.object.Load()
	s := h.shard(object, h.hash(db, name))
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.table[view(object, db, name)]
	if e == nil || e.lsn > lsn {
		return key{}, false
	}
	e.used = true
	k := e.row
	k.name = name
	return k, true
}

// fill caches a row that a reader saw in the snapshot lsn.
func (h *cache) fill(m *state, db int, k *key, lsn uint64) {
	if h.limit == 0 || len(k.value) > maxCached || entryCost+len(k.name)+len(k.value) > h.limit {
		return
	}
	object := m.object.Load()
	hash := h.hash(db, k.name)
	s := h.shard(object, hash)
	s.mu.Lock()
	defer s.mu.Unlock()
	if m.dirty[hash>>32%stripes].Load() > lsn {
		return
	}
	if e := s.table[view(object, db, k.name)]; e != nil {
		return
	}
	e := &entry{cacheKey: cacheKey{object, db, string(k.name)}, row: *k, lsn: lsn, at: len(s.ring)}
	e.row.name = nil
	if s.table == nil {
		s.table = map[cacheKey]*entry{}
	}
	s.table[e.cacheKey] = e
	s.ring = append(s.ring, e)
	s.bytes += e.cost()
	for s.bytes > h.limit {
		s.evict()
	}
}

// evict removes the next entry that was not used since the hand passed it.
func (s *cacheShard) evict() {
	for {
		if s.hand >= len(s.ring) {
			s.hand = 0
		}
		e := s.ring[s.hand]
		if !e.used {
			s.remove(e)
			return
		}
		e.used = false
		s.hand++
	}
}

// remove takes an entry out.
func (s *cacheShard) remove(e *entry) {
	last := len(s.ring) - 1
	s.ring[last].at = e.at
	s.ring[e.at] = s.ring[last]
	s.ring[last] = nil
	s.ring = s.ring[:last]
	s.bytes -= e.cost()
	delete(s.table, e.cacheKey)
}

// drop removes a key that the transaction lsn changes.
func (h *cache) drop(m *state, db int, name []byte, lsn uint64) {
	hash := h.hash(db, name)
	m.dirty[hash>>32%stripes].Store(lsn)
	object := m.object.Load()
	s := h.shard(object, hash)
	s.mu.Lock()
	if e := s.table[view(object, db, name)]; e != nil {
		s.remove(e)
	}
	s.mu.Unlock()
}

// dropAll forgets every key of an object: its number changes.
func (h *cache) dropAll(m *state, lsn uint64) {
	for i := range m.dirty {
		m.dirty[i].Store(lsn)
	}
	m.object.Store(objects.Add(1))
}

// objects numbers open objects.
var objects atomic.Uint64

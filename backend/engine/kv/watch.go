package kv

import (
	"sync"
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// maxWatched bounds the absent keys remembered for WATCH.
const maxWatched = 100_000

// state is what the engine keeps in memory for an open object.
type state struct {
	mu      sync.Mutex
	absent  map[watched]uint64 // absent keys somebody watches → LSN of their last deletion
	floor   uint64             // version of absent keys that are not in the table
	queues  map[watched][]*waiter
	pending []watched // keys that exist and that somebody waits for

	hits, misses, expired atomic.Int64 // see kv.Stats

	engine *Engine
	cache  *cache
	object atomic.Uint64          // the object's number in the cache
	dirty  [stripes]atomic.Uint64 // LSN of the last transaction that changed a key of a stripe
}

// watched names a key of an object.
type watched struct {
	db  int
	key string
}

// stateKey is the engine's key in object.Tx.Local.
type stateKey struct{}

// memory returns the engine's state of an object from what the object holds.
func (e *Engine) memory(local *sync.Map) *state {
	if s, ok := local.Load(stateKey{}); ok {
		return s.(*state)
	}
	s := &state{absent: map[watched]uint64{}, queues: map[watched][]*waiter{}, cache: e.cache, engine: e}
	s.object.Store(objects.Add(1))
	kept, _ := local.LoadOrStore(stateKey{}, s)
	return kept.(*state)
}

// versions answers kv.Version. The version of a key is the LSN of its last
// change. An absent key that is asked for is remembered from then on, so that
// creating and deleting it again gives it another version.
func (e *Engine) versions(tx *object.Tx, b *kv.Version) ([]op.Value, error) {
	c := e.call(tx, &kv.Command{DB: b.DB})
	vs := make([]op.Value, len(b.Keys))
	m := c.mem
	for i, name := range b.Keys {
		k, err := c.meta(name)
		if err != nil {
			return nil, err
		}
		v := uint64(k.version)
		if k.id == 0 {
			m.mu.Lock()
			w := watched{b.DB, string(name)}
			known := false
			if v, known = m.absent[w]; !known {
				if len(m.absent) >= maxWatched {
					clear(m.absent)
					m.floor = tx.LSN()
				}
				v = m.floor
				m.absent[w] = v
			}
			m.mu.Unlock()
		}
		vs[i] = op.Uint64(v)
	}
	return vs, nil
}

// gone notes the deletion of a key for those who watch it.
func (c *call) gone(db int, name []byte) {
	m := c.mem
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.absent) == 0 {
		return
	}
	w := watched{db, string(name)}
	if _, ok := m.absent[w]; ok {
		m.absent[w] = c.tx.LSN()
	}
}

// goneAll notes that all keys of a logical database went.
func (c *call) goneAll(db int) {
	m := c.mem
	m.cache.dropAll(m, c.tx.LSN())
	m.mu.Lock()
	defer m.mu.Unlock()
	for w := range m.absent {
		if w.db == db {
			m.absent[w] = c.tx.LSN()
		}
	}
}

package object

import (
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// closers is how many objects the evictor closes at the same time: closing
// waits for the disk.
const closers = 4

// closing is the reference count of an object that is being closed.
const closing = -1 << 40

// unref lets an object go. A failed one is closed by its last user.
func (s *Store) unref(o *Object) {
	if o.refs.Add(-1) == 0 && o.failed.Load() != nil {
		s.shut(o)
	}
}

// shut closes o if nobody uses it.
func (s *Store) shut(o *Object) bool {
	if !o.refs.CompareAndSwap(0, closing) {
		return false
	}
	key := objectKey{o.database, o.shard}
	s.index.Delete(key)
	if err := o.close(); err != nil {
		s.log.Error("close object", "database", o.database, "shard", o.shard, "error", err)
	}
	s.mu.Lock()
	delete(s.open_, key)
	s.queue.Remove(o.place)
	s.mu.Unlock()
	if s.shuts.Add(1)%256 == 0 {
		sqlite.Trim()
	}
	return true
}

// relieve sees to it that objects over the limit are closed: by the evictor,
// and by the caller when the evictor falls behind.
func (s *Store) relieve(over int) {
	if over <= 0 {
		return
	}
	select {
	case s.full <- struct{}{}:
	default:
	}
	if over > s.opts.MaxOpen/8+closers {
		s.evict(1)
	}
}

// evictor closes objects over the limit in the background.
func (s *Store) evictor() {
	for {
		select {
		case <-s.full:
		case <-s.stop:
			return
		}
		var group sync.WaitGroup
		for range closers {
			group.Go(func() {
				for s.Open() > s.opts.MaxOpen && s.evict(1) > 0 {
				}
			})
		}
		group.Wait()
	}
}

// evict closes up to n idle objects and returns how many it closed.
func (s *Store) evict(n int) (closed int) {
	for closed < n {
		o := s.victim()
		if o == nil {
			return closed
		}
		if s.shut(o) {
			closed++
		}
	}
	return closed
}

// victim picks an idle object that was not used since it was last passed over,
// moving those that were to the end of the queue; nil when all are in use.
func (s *Store) victim() *Object {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range 2 * s.queue.Len() {
		e := s.queue.Front()
		o := e.Value.(*Object)
		s.queue.MoveToBack(e)
		if refs := o.refs.Load(); refs == 0 && !o.used.Swap(false) {
			return o
		}
	}
	return nil
}

// janitor closes objects that were idle for long.
func (s *Store) janitor() {
	t := time.NewTicker(s.opts.IdleClose / 4)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			now := s.tick.Add(1)
			for _, o := range s.unused(now - 4) {
				s.shut(o)
			}
		case <-s.stop:
			return
		}
	}
}

// unused lists the idle objects that were last used before a tick.
func (s *Store) unused(before int64) (list []*Object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for e := s.queue.Front(); e != nil; e = e.Next() {
		if o := e.Value.(*Object); o.refs.Load() == 0 && o.lastUse.Load() < before {
			list = append(list, o)
		}
	}
	return list
}

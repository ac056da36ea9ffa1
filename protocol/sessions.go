package protocol

import (
	"context"
	"sync"
	"sync/atomic"
)

// Sessions numbers client sessions and lets one connection cancel the work of
// another (a Postgres CancelRequest, MySQL KILL, CLIENT KILL). The daemon has
// one, shared by all systems.
type Sessions struct {
	last atomic.Uint64
	mu   sync.Mutex
	live map[uint64]*Session
}

// Session is one registered client session.
type Session struct {
	ID     uint64
	Secret uint32 // what a Postgres CancelRequest must present
	System string
	User   string
	Remote string
	Kill   context.CancelFunc // ends the connection
	mu     sync.Mutex
	cancel context.CancelFunc // ends the statement at hand
}

// NewSessions returns an empty table.
func NewSessions() *Sessions { return &Sessions{live: map[uint64]*Session{}} }

// Add registers s under a new ID.
func (t *Sessions) Add(s *Session) {
	s.ID = t.last.Add(1)
	t.mu.Lock()
	t.live[s.ID] = s
	t.mu.Unlock()
}

// Remove forgets s.
func (t *Sessions) Remove(s *Session) {
	t.mu.Lock()
	delete(t.live, s.ID)
	t.mu.Unlock()
}

// Get returns a live session or nil.
func (t *Sessions) Get(id uint64) *Session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live[id]
}

// Len returns the number of live sessions.
func (t *Sessions) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.live)
}

// Each calls f for every live session.
func (t *Sessions) Each(f func(*Session)) {
	t.mu.Lock()
	list := make([]*Session, 0, len(t.live))
	for _, s := range t.live {
		list = append(list, s)
	}
	t.mu.Unlock()
	for _, s := range list {
		f(s)
	}
}

// SetCancel says how to stop the statement at hand; nil when there is none.
func (s *Session) SetCancel(c context.CancelFunc) {
	s.mu.Lock()
	s.cancel = c
	s.mu.Unlock()
}

// Cancel stops the statement at hand, if any.
func (s *Session) Cancel() {
	s.mu.Lock()
	c := s.cancel
	s.mu.Unlock()
	if c != nil {
		c()
	}
}

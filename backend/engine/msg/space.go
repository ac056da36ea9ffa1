package msg

import (
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// space holds the subscriptions of one place. The engine's lock guards it.
type space struct {
	topics   map[string]map[*subscriber]struct{}
	patterns map[string]map[*subscriber]struct{}
	ids      map[uint64]*subscriber
	members  int
}

// at returns the space of a place, made when there is none. The caller holds mu.
func (e *Engine) at(p place) *space {
	s := e.spaces[p]
	if s == nil {
		s = &space{topics: map[string]map[*subscriber]struct{}{}, patterns: map[string]map[*subscriber]struct{}{}, ids: map[uint64]*subscriber{}}
		e.spaces[p] = s
	}
	return s
}

// link adds a subscriber to names of one table.
func link(table map[string]map[*subscriber]struct{}, names []string, s *subscriber) {
	for _, n := range names {
		if table[n] == nil {
			table[n] = map[*subscriber]struct{}{}
		}
		table[n][s] = struct{}{}
	}
}

// unlink takes a subscriber from names of one table.
func unlink(table map[string]map[*subscriber]struct{}, names []string, s *subscriber) {
	for _, n := range names {
		delete(table[n], s)
		if len(table[n]) == 0 {
			delete(table, n)
		}
	}
}

// subscribe opens a subscription.
func (e *Engine) subscribe(p place, b *msg.Subscribe) *subscriber {
	s := &subscriber{engine: e, place: p, id: b.ID, wake: make(chan struct{}, 1), topics: map[string]struct{}{}, patterns: map[string]struct{}{}}
	e.mu.Lock()
	defer e.mu.Unlock()
	sp := e.at(p)
	sp.members++
	if s.id != 0 {
		sp.ids[s.id] = s
	}
	s.join(sp, b.Topics, b.Patterns)
	return s
}

// join adds names to a subscription.
func (s *subscriber) join(sp *space, topics, patterns []string) {
	link(sp.topics, topics, s)
	link(sp.patterns, patterns, s)
	for _, n := range topics {
		s.topics[n] = struct{}{}
	}
	for _, n := range patterns {
		s.patterns[n] = struct{}{}
	}
}

// adjust changes an open subscription.
func (e *Engine) adjust(p place, b *msg.Adjust) (op.Reply, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp := e.spaces[p]
	if sp == nil || sp.ids[b.ID] == nil {
		return nil, op.Errorf(op.NotFound, "subscription %d has ended", b.ID)
	}
	s := sp.ids[b.ID]
	if !b.Remove {
		s.join(sp, b.Topics, b.Patterns)
		return op.ReplyOf(&op.Done{}), nil
	}
	unlink(sp.topics, b.Topics, s)
	unlink(sp.patterns, b.Patterns, s)
	for _, n := range b.Topics {
		delete(s.topics, n)
	}
	for _, n := range b.Patterns {
		delete(s.patterns, n)
	}
	return op.ReplyOf(&op.Done{}), nil
}

// drop ends a subscription.
func (e *Engine) drop(s *subscriber) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp := e.spaces[s.place]
	if s.dropped || sp == nil {
		return
	}
	s.dropped = true
	for n := range s.topics {
		unlink(sp.topics, []string{n}, s)
	}
	for n := range s.patterns {
		unlink(sp.patterns, []string{n}, s)
	}
	if sp.ids[s.id] == s {
		delete(sp.ids, s.id)
	}
	if sp.members--; sp.members == 0 {
		delete(e.spaces, s.place)
	}
}

// publish hands a message to its receivers and counts them. The payload is
// copied once for all of them.
func (e *Engine) publish(p place, b *msg.Publish) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp := e.spaces[p]
	if sp == nil {
		return 0
	}
	n := int64(0)
	var r op.Record
	send := func(s *subscriber, pattern string) {
		if n == 0 {
			r = op.Record{Topic: b.Topic, Payload: append([]byte(nil), b.Payload...), Headers: b.Headers}
		}
		n++
		r.Pattern = pattern
		s.put(r)
	}
	for s := range sp.topics[b.Topic] {
		send(s, "")
	}
	for pattern, members := range sp.patterns {
		if msg.Match(pattern, b.Topic) {
			for s := range members {
				send(s, pattern)
			}
		}
	}
	return n
}

// receivers counts who would get a message.
func (e *Engine) receivers(p place, topic string) int64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp := e.spaces[p]
	if sp == nil {
		return 0
	}
	n := len(sp.topics[topic])
	for pattern, members := range sp.patterns {
		if msg.Match(pattern, topic) {
			n += len(members)
		}
	}
	return int64(n)
}

// topics lists topics with their subscribers, and counts patterns.
func (e *Engine) topics(p place, b *msg.Topics) (values []op.Value, patterns int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	sp := e.spaces[p]
	if sp == nil {
		sp = &space{}
	}
	names := b.Names
	if names == nil {
		for n := range sp.topics {
			if b.Pattern == "" || msg.Match(b.Pattern, n) {
				names = append(names, n)
			}
		}
		sort.Strings(names)
	}
	for _, n := range names {
		values = append(values, op.Text(n), op.Int64(int64(len(sp.topics[n]))))
	}
	return values, int64(len(sp.patterns))
}

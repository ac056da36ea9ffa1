package msg

import (
	"context"
	"io"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Bounds of a subscriber's queue.
const (
	maxQueued = 1 << 17
	maxBytes  = 32 << 20
)

// overhead is what a queued message costs beside its payload.
const overhead = 128

// subscriber is an open subscription: the Reply of msg.Subscribe.
type subscriber struct {
	engine   *Engine
	place    place
	id       uint64
	topics   map[string]struct{} // guarded by the engine's lock, as patterns and dropped
	patterns map[string]struct{}
	dropped  bool

	mu     sync.Mutex
	queue  []op.Record
	spare  []op.Record
	bytes  int
	cut    bool
	closed bool
	wake   chan struct{} // capacity 1
	frame  op.Records
}

// put queues a message, or cuts the subscriber when its queue is full.
func (s *subscriber) put(r op.Record) {
	s.mu.Lock()
	s.bytes += len(r.Payload) + overhead
	if s.bytes > maxBytes || len(s.queue) >= maxQueued {
		s.cut, s.queue, s.bytes = true, nil, 0
	}
	if !s.cut && !s.closed {
		s.queue = append(s.queue, r)
	}
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Next implements op.Reply: it waits for messages and returns all there are.
func (s *subscriber) Next(ctx context.Context) (op.Frame, error) {
	for {
		s.mu.Lock()
		switch {
		case s.closed:
			s.mu.Unlock()
			return nil, io.EOF
		case s.cut:
			s.mu.Unlock()
			return nil, op.Errorf(op.Unavailable, "subscriber is too slow")
		case len(s.queue) > 0:
			clear(s.spare)
			s.frame.Records = s.queue
			s.queue, s.spare, s.bytes = s.spare[:0], s.queue, 0
			s.mu.Unlock()
			return &s.frame, nil
		}
		s.mu.Unlock()
		select {
		case <-s.wake:
		case <-ctx.Done():
			return nil, &op.Error{Code: op.Canceled, Msg: "canceled", Err: ctx.Err()}
		}
	}
}

// Close implements op.Reply.
func (s *subscriber) Close() error {
	s.engine.drop(s)
	s.mu.Lock()
	s.closed, s.queue = true, nil
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return nil
}

// Package msg executes the messaging family: ephemeral publish and subscribe
// inside a database, in memory. Each subscriber has one bounded queue; one that
// does not keep up is cut rather than slowing publishers down. Nothing is
// stored, and a message published when nobody listens is gone.
package msg

import (
	"context"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Engine implements engine.Family for msg bodies. Its topics do not live in the
// objects, which may close while somebody listens.
type Engine struct {
	mu     sync.Mutex
	spaces map[place]*space
}

// place is where topics live: a name space of an object.
type place struct {
	database string
	shard    int
	name     string
}

// New returns the engine.
func New() *Engine { return &Engine{spaces: map[place]*space{}} }

// Init implements engine.Family; nothing is stored.
func (e *Engine) Init(*object.Tx) error { return nil }

// Alarm implements engine.Family; the engine sets none.
func (e *Engine) Alarm(*object.Tx, string) error { return nil }

// Functions implements engine.Family; the engine needs none.
func (e *Engine) Functions(*sqlite.Registry) {}

// Do implements engine.Family.
func (e *Engine) Do(_ context.Context, s *object.Scope, o *op.Op) (op.Reply, error) {
	p := place{}
	p.database, p.shard = s.Object()
	switch b := o.Body.(type) {
	case *msg.Publish:
		p.name = b.Space
		return op.ReplyOf(&op.Done{Affected: e.publish(p, b)}), nil
	case *msg.Subscribe:
		p.name = b.Space
		return e.subscribe(p, b), nil
	case *msg.Adjust:
		p.name = b.Space
		return e.adjust(p, b)
	case *msg.Topics:
		p.name = b.Space
		values, patterns := e.topics(p, b)
		return op.ReplyOf(&op.Values{Values: values}, &op.Done{Affected: patterns}), nil
	}
	return nil, op.Errorf(op.Unsupported, "messaging operation %d is not supported", o.Body.Kind())
}

// Apply implements engine.Family: a message published in a batch leaves after
// the commit; the reply is the number of receivers as a value.
func (e *Engine) Apply(_ context.Context, tx *object.Tx, _ *op.Op, body op.Body) ([]op.Frame, error) {
	b, ok := body.(*msg.Publish)
	if !ok {
		return nil, op.Errorf(op.Unsupported, "messaging operation %d cannot be part of a batch", body.Kind())
	}
	p := place{name: b.Space}
	p.database, p.shard = tx.Object()
	n := e.receivers(p, b.Topic)
	tx.OnDurable(func() { e.publish(p, b) })
	return []op.Frame{&op.Values{Values: []op.Value{op.Int64(n)}}}, nil
}

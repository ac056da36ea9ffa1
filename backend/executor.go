// Package backend holds the contract between front-ends and everything below
// them: one interface with one method, used at every level (shard router,
// replica, object executor).
package backend

import (
	"context"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Executor runs operations. An implementation never changes the Op it is
// given, never panics for any Op, returns *op.Error for every expected
// failure, and lets nothing out that is not durable: neither the return of Do
// nor a frame of the Reply. The caller closes the Reply. Do may be called from
// many goroutines; ops of one Session come one at a time.
type Executor interface {
	Do(ctx context.Context, o *op.Op) (op.Reply, error)
}

// Middleware wraps an executor with another.
type Middleware func(Executor) Executor

// Func makes a function an Executor.
type Func func(ctx context.Context, o *op.Op) (op.Reply, error)

// Do implements Executor.
func (f Func) Do(ctx context.Context, o *op.Op) (op.Reply, error) { return f(ctx, o) }

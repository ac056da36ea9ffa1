package shard

import (
	"context"
	"sync"
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// Params configure a Router.
type Params struct {
	Next       backend.Executor // runs operations on the object in Op.Target
	Registry   *Registry
	AutoCreate bool // OpenDatabase makes databases
	// Blocks are the checks of the other option blocks by name. An option of a
	// block that is not here is unknown.
	Blocks map[string]func(map[string]string) error
	// Pipeline runs pipeline stages over documents in memory: the last step of
	// reads that several objects answer. nil refuses such reads.
	Pipeline func(ctx context.Context, docs [][]byte, stages []doc.Stage, lets []doc.Let) ([][]byte, error)
	// Planner compiles SQL; nil refuses SQL on databases of several objects.
	Planner Planner
}

// Router is the executor above the objects. A database of one object costs a
// map lookup; the op is passed on as it is.
type Router struct {
	next backend.Executor
	reg  *Registry
	p    Params
	seq  atomic.Uint64 // numbers of the router's own transactions

	names names // who makes or drops which database

	mu   sync.Mutex
	txns map[txnKey]*txn // interactive transactions on databases of several objects
}

// New returns a router.
func New(p Params) *Router {
	return &Router{next: p.Next, reg: p.Registry, p: p, txns: map[txnKey]*txn{}}
}

// Do implements backend.Executor.
func (r *Router) Do(ctx context.Context, o *op.Op) (op.Reply, error) {
	switch o.Body.(type) {
	case nil:
		return nil, op.Errorf(op.InvalidArgument, "operation without a body")
	case *ctl.OpenDatabase, *ctl.CreateDatabase, *ctl.DropDatabase, *ctl.ListDatabases:
		return r.database(ctx, o)
	case *rel.Parse:
		return r.next.Do(ctx, o)
	}
	if len(o.Target.Database) >= len(System) && o.Target.Database[:len(System)] == System {
		return nil, checkName(o.Target.Database)
	}
	l := r.reg.Layout(o.Target.Database)
	if l == nil {
		return r.next.Do(ctx, o)
	}
	return r.route(ctx, o, l)
}

// route runs an operation on a database of several objects.
func (r *Router) route(ctx context.Context, o *op.Op, l *Options) (op.Reply, error) {
	c := &call{Router: r, ctx: ctx, o: o, l: l}
	switch b := o.Body.(type) {
	case *ctl.Batch:
		return c.batch(b)
	case *ctl.Begin, *ctl.Commit, *ctl.Rollback, *ctl.Savepoint:
		return c.transaction()
	case *kv.Command:
		return c.command(b)
	case *kv.Version:
		return c.version(b)
	case *kv.Stats:
		return c.figures(b)
	}
	switch o.Body.Family() {
	case op.FamilyDoc:
		return c.document()
	case op.FamilyRel:
		return c.relational()
	case op.FamilyMsg: // channels and topics of a database live in its first object
		return c.send(0, o.Body, false)
	}
	return nil, op.Errorf(op.Unsupported, "operation %d on a database of several objects is not supported", o.Body.Kind())
}

// call is one operation on its way. It lives as long as Do.
type call struct {
	*Router
	ctx context.Context
	o   *op.Op
	l   *Options
}

// send runs a body on one object, inside the op's transaction if it has one.
func (c *call) send(shard int, body op.Body, write bool) (op.Reply, error) {
	if err := c.enter(shard, write); err != nil {
		return nil, err
	}
	return c.raw(shard, body)
}

// raw runs a body on one object.
func (c *call) raw(shard int, body op.Body) (op.Reply, error) {
	next := *c.o
	next.Target.Shard = shard
	next.Body = body
	return c.next.Do(c.ctx, &next)
}

// answer is a reply that was read to its end.
type answer struct {
	head   *op.Head
	rows   []op.Value
	docs   [][]byte
	values []op.Value
	done   op.Done
}

// each runs a body of its own on each of some objects, at the same time unless
// a transaction is open, and returns the answers in the order of shards. The
// first error in that order wins.
func (c *call) each(shards []int, write bool, body func(shard int) op.Body) ([]*answer, error) {
	out, errs := make([]*answer, len(shards)), make([]error, len(shards))
	run := func(i int) {
		reply, err := c.send(shards[i], body(shards[i]), write)
		if err == nil {
			out[i], _, err = gather(c.ctx, reply)
		}
		errs[i] = err
	}
	if c.o.Session.Txn != 0 {
		for i := range shards {
			if run(i); errs[i] != nil {
				return nil, errs[i]
			}
		}
		return out, nil
	}
	var wg sync.WaitGroup
	for i := range shards {
		wg.Go(func() { run(i) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// all lists every object of the database.
func (c *call) all() []int {
	list := make([]int, c.l.Count)
	for i := range list {
		list[i] = i
	}
	return list
}

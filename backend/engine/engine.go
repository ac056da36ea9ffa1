// Package engine runs operations on objects: Local implements
// backend.Executor for the objects of this process. It finds the object, opens
// the session's scope and hands the body to the engine of its family. It knows
// nothing of shards beyond Op.Target, nor of wires.
package engine

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Family executes the bodies of one family.
type Family interface {
	// Do executes one body in a scope. Reads run on the caller's goroutine.
	Do(ctx context.Context, s *object.Scope, o *op.Op) (op.Reply, error)
	// Apply executes one body of a batch inside the caller's write transaction.
	// An error undoes only what the caller decides to undo.
	Apply(ctx context.Context, tx *object.Tx, o *op.Op, body op.Body) ([]op.Frame, error)
	// Init creates the family's tables in a new object.
	Init(tx *object.Tx) error
	// Alarm runs an alarm this family set; kinds start with its name and a colon.
	Alarm(tx *object.Tx, kind string) error
	// Functions registers the SQL functions the family needs.
	Functions(r *sqlite.Registry)
}

// Clean is an optional ability of a Family: for which bodies Apply fails only
// before it has changed anything, Internal errors excepted. A batch runs them
// without a savepoint each.
type Clean interface {
	Clean(body op.Body) bool
}

// Reader is an optional ability of a Family: which bodies only read. A batch of
// them that is not atomic runs on a reader. Apply may answer ReadOnly there: then
// the batch runs as a write.
type Reader interface {
	Reads(body op.Body) bool
}

// Peeker is an optional ability of a Reader: it answers a read from memory, with
// the newest durable state, or not at all.
type Peeker interface {
	Peek(s *object.Scope, body op.Body) (op.Value, bool)
}

// Parser answers rel.Parse, which needs no object.
type Parser interface {
	Parse(ctx context.Context, p *rel.Parse) (op.Reply, error)
}

// Named is a family with the name its alarms start with.
type Named struct {
	Name   string
	Family Family
}

// Local executes operations on the objects of one store.
type Local struct {
	store    *object.Store
	families [16]Family
	parser   Parser
}

// Options configure Local. Object's Registry, Init and Alarm are set by New.
type Options struct {
	Object   object.Options
	Families map[op.Family]Named
}

// New opens the store with all families.
func New(o Options) (*Local, error) {
	l := &Local{}
	reg := sqlite.NewRegistry()
	names := map[string]Family{}
	var order []Family
	for f := op.Family(0); int(f) < len(l.families); f++ {
		n, ok := o.Families[f]
		if !ok {
			continue
		}
		l.families[f], names[n.Name] = n.Family, n.Family
		order = append(order, n.Family)
		n.Family.Functions(reg)
		if p, ok := n.Family.(Parser); ok {
			l.parser = p
		}
	}
	o.Object.Registry = reg
	o.Object.Init = func(tx *object.Tx) error {
		for _, f := range order {
			if err := f.Init(tx); err != nil {
				return err
			}
		}
		return nil
	}
	o.Object.Alarm = func(tx *object.Tx, kind string) error {
		for i := range kind {
			if kind[i] == ':' {
				if f := names[kind[:i]]; f != nil {
					return f.Alarm(tx, kind)
				}
			}
		}
		return fmt.Errorf("no engine for alarm %q", kind)
	}
	store, err := object.New(o.Object)
	if err != nil {
		return nil, err
	}
	l.store = store
	return l, nil
}

// Store returns the object store, for metrics.
func (l *Local) Store() *object.Store { return l.store }

// Close closes every object.
func (l *Local) Close(ctx context.Context) error { return l.store.Close(ctx) }

// Do implements backend.Executor.
func (l *Local) Do(ctx context.Context, o *op.Op) (r op.Reply, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, &op.Error{Code: op.Internal, Msg: fmt.Sprintf("internal error: %v", p), Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack())}
		}
	}()
	if !o.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, o.Deadline)
		defer cancel()
	}
	switch b := o.Body.(type) {
	case nil:
		return nil, op.Errorf(op.InvalidArgument, "operation without a body")
	case *rel.Parse:
		if l.parser == nil {
			return nil, op.Errorf(op.Unsupported, "SQL is not available")
		}
		return l.parser.Parse(ctx, b)
	case *ctl.CreateDatabase, *ctl.DropDatabase, *ctl.ListDatabases, *ctl.OpenDatabase:
		return l.database(ctx, o)
	}
	s, err := l.store.Scope(ctx, o.Target.Database, max(o.Target.Shard, 0), o.Session, true)
	if err != nil {
		return nil, err
	}
	defer s.Release()
	if o.Body.Family() == op.FamilyCtl {
		return l.control(ctx, s, o)
	}
	f := l.family(o.Body)
	if f == nil {
		return nil, op.Errorf(op.Unsupported, "operations of family %d are not supported", o.Body.Family())
	}
	return f.Do(ctx, s, o)
}

// family returns the engine of a body, nil if there is none.
func (l *Local) family(b op.Body) Family {
	f := b.Family()
	if int(f) >= len(l.families) {
		return nil
	}
	return l.families[f]
}

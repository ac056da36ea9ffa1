package shard

import (
	"context"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// Planner compiles SQL against the catalog of an object.
type Planner interface {
	// Plan returns the plan of a statement on the object of the op's target.
	Plan(ctx context.Context, o *op.Op, st *rel.Stmt, env *rel.Env) (*sql.Plan, error)
}

// noPlanner is the refusal of SQL without a planner.
func noPlanner() error {
	return op.Errorf(op.Unsupported, "SQL on a database of several objects is not supported yet")
}

// relational runs a body of the relational family.
func (c *call) relational() (op.Reply, error) { return nil, noPlanner() }

// singleQuery is the one object a query belongs to.
func (c *call) singleQuery(*rel.Query) (int, bool, error) { return 0, false, noPlanner() }

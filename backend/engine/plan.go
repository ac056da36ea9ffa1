package engine

import (
	"context"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// router is a family that can tell a router where a statement belongs.
type router interface {
	Route(s *object.Scope, st *rel.Stmt, env *rel.Env, key string) (*sql.Plan, error)
}

// Plan compiles a statement against the catalog of the object in o's target,
// for a database whose tables are sharded by the column key.
func (l *Local) Plan(ctx context.Context, o *op.Op, st *rel.Stmt, env *rel.Env, key string) (*sql.Plan, error) {
	f, ok := l.families[op.FamilyRel].(router)
	if !ok || st == nil {
		return nil, op.Errorf(op.Unsupported, "SQL is not available")
	}
	s, err := l.store.Scope(ctx, o.Target.Database, max(o.Target.Shard, 0), op.Session{}, true)
	if err != nil {
		return nil, err
	}
	defer s.Release()
	return f.Route(s, st, env, key)
}

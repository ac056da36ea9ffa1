package rel

import (
	"slices"
	"strings"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// compiled is a plan with what is derived from it once.
type compiled struct {
	*sql.Plan
	head *op.Head
	args bool // Binds are the client's arguments in order
}

// attached is what a rel.Stmt carries: the plan it was last used with and what
// that plan depends on.
type attached struct {
	cat  *catalog.Snapshot
	path []string
	db   string
	user string
	lax  bool
	*compiled
}

// planCache holds the plans of one object for its newest catalog.
type planCache struct {
	mu  sync.Mutex
	cat *catalog.Snapshot
	m   map[string]*compiled
}

// maxPlans bounds a plan cache.
const maxPlans = 1024

// planKey is the key of planCache in an object's local state.
type planKey struct{}

// envOf returns a usable environment.
func envOf(e *rel.Env) *rel.Env {
	if e == nil {
		return &rel.Env{}
	}
	return e
}

// compile returns the plan of a statement for a catalog.
func (e *Engine) compile(cat *catalog.Snapshot, local *sync.Map, st *rel.Stmt, env *rel.Env) (*compiled, error) {
	if st == nil {
		return nil, op.Errorf(op.InvalidArgument, "query without a statement")
	}
	if a, ok := st.Plan().(*attached); ok && a.cat == cat && a.db == env.Database && a.user == env.User && a.lax == env.NoForeignKeys && slices.Equal(a.path, env.SearchPath) && a.Fits(env.Vars) {
		return a.compiled, nil
	}
	v, _ := local.LoadOrStore(planKey{}, &planCache{})
	cache := v.(*planCache)
	key := planText(st, env)
	c := cache.get(cat, key)
	if c == nil || !c.Fits(env.Vars) {
		p, err := compileText(cat, st, env)
		if err != nil {
			return nil, err
		}
		c = &compiled{Plan: p, args: true}
		if p.Columns != nil {
			c.head = &op.Head{Columns: p.Columns}
		}
		for i, b := range p.Binds {
			c.args = c.args && b.Kind == sql.BindArg && b.Index == i
		}
		c.args = c.args && len(p.Binds) == len(p.Params)
		if len(st.Text) <= maxCachedText {
			cache.put(cat, key, c)
		}
	}
	st.SetPlan(&attached{cat: cat, path: slices.Clone(env.SearchPath), db: env.Database, user: env.User, lax: env.NoForeignKeys, compiled: c})
	return c, nil
}

// planText is the cache key: everything but the catalog that a plan depends on.
func planText(st *rel.Stmt, env *rel.Env) string {
	var b strings.Builder
	b.WriteByte(byte(st.Dialect))
	b.WriteString(st.SQLMode)
	if env.NoForeignKeys {
		b.WriteByte(3)
	}
	for _, s := range [][]string{env.SearchPath, {env.Database, env.User}} {
		for _, x := range s {
			b.WriteByte(0)
			b.WriteString(x)
		}
		b.WriteByte(1)
	}
	for _, t := range st.ParamTypes {
		b.WriteByte(byte(t.Base))
		if t.Array {
			b.WriteByte('[')
		}
		if t.Unsigned {
			b.WriteByte('u')
		}
	}
	b.WriteByte(2)
	b.WriteString(st.Text)
	return b.String()
}

// get returns a cached plan of the catalog.
func (c *planCache) get(cat *catalog.Snapshot, key string) *compiled {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cat != cat {
		return nil
	}
	return c.m[key]
}

// put keeps a plan; a newer catalog empties the cache.
func (c *planCache) put(cat *catalog.Snapshot, key string, p *compiled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cat != cat || len(c.m) >= maxPlans {
		c.cat, c.m = cat, map[string]*compiled{}
	}
	c.m[key] = p
}

// describe answers types without running the statement.
func (e *Engine) describe(s *object.Scope, d *rel.Describe) (op.Reply, error) {
	c, err := e.compile(s.Catalog(), s.Local(), d.Stmt, envOf(d.Env))
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(&op.Head{Columns: c.Columns, Params: c.Params}, &op.Done{Tag: c.Tag}), nil
}

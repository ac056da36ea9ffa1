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
	cat   *catalog.Snapshot
	path  []string
	db    string
	user  string
	zone  string // literals of dates are read with these two
	style string
	lax   bool
	*compiled
}

// attach notes what a plan depends on.
func attach(cat *catalog.Snapshot, env *rel.Env, c *compiled) attached {
	return attached{cat: cat, path: slices.Clone(env.SearchPath), db: env.Database, user: env.User, zone: env.TimeZone, style: env.DateStyle, lax: env.NoForeignKeys, compiled: c}
}

// fits reports whether the plan is one for a catalog and a session.
func (a *attached) fits(cat *catalog.Snapshot, env *rel.Env) bool {
	return a.cat == cat && a.db == env.Database && a.user == env.User && a.zone == env.TimeZone && a.style == env.DateStyle && a.lax == env.NoForeignKeys && slices.Equal(a.path, env.SearchPath)
}

// planCache holds the plans of one object for its newest catalog.
type planCache struct {
	mu       sync.Mutex
	cat      *catalog.Snapshot
	m        map[string]*compiled
	families map[string]*family
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

// plan returns the plan of a query and the query to run it with: one whose
// literals are arguments if its text has a template.
func (e *Engine) plan(cat *catalog.Snapshot, local *sync.Map, q *rel.Query, env *rel.Env) (*compiled, *rel.Query, error) {
	if st := q.Stmt; st != nil && st.Template != nil && len(q.Args) == 0 {
		if c, args := e.liftedPlan(cat, local, st, env); c != nil {
			if err := expected(q.Expect, c.Columns); err != nil {
				return nil, nil, err
			}
			return c, &rel.Query{Stmt: st, Args: args, Env: q.Env, MaxRows: q.MaxRows}, nil
		}
	}
	c, err := e.compile(cat, local, q.Stmt, env)
	if err == nil && len(q.Args) != len(c.Params) {
		err = op.Errorf(op.InvalidArgument, "the statement needs %d parameters, %d were given", len(c.Params), len(q.Args))
	}
	if err == nil {
		err = expected(q.Expect, c.Columns)
	}
	return c, q, err
}

// expected refuses a plan whose rows the client does not expect.
func expected(want, cols []op.Column) error {
	if want == nil || len(want) == len(cols) && (len(cols) == 0 || &want[0] == &cols[0]) {
		return nil
	}
	same := len(want) == len(cols)
	for i := 0; same && i < len(cols); i++ {
		same = want[i].Type == cols[i].Type
	}
	if same {
		return nil
	}
	return &op.Error{Code: op.Unsupported, Msg: "cached plan must not change result type", Object: "plan"}
}

// compile returns the plan of a statement for a catalog.
func (e *Engine) compile(cat *catalog.Snapshot, local *sync.Map, st *rel.Stmt, env *rel.Env) (*compiled, error) {
	if st == nil {
		return nil, op.Errorf(op.InvalidArgument, "query without a statement")
	}
	if a, ok := st.Plan().(*attached); ok && a.fits(cat, env) && a.Fits(env.Vars) {
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
		c = newCompiled(p)
		if len(st.Text) <= maxCachedText {
			cache.put(cat, key, c)
		}
	} else {
		st.TakeSyntax() // nobody needs it
	}
	a := attach(cat, env, c)
	st.SetPlan(&a)
	return c, nil
}

// newCompiled derives what is derived once.
func newCompiled(p *sql.Plan) *compiled {
	c := &compiled{Plan: p, args: true}
	if p.Columns != nil {
		c.head = &op.Head{Columns: p.Columns}
	}
	for i, b := range p.Binds {
		c.args = c.args && b.Kind == sql.BindArg && b.Index == i
	}
	c.args = c.args && len(p.Binds) == max(len(p.Params), len(p.Lits))
	return c
}

// envKey is what plans depend on of a session.
func envKey(env *rel.Env) string {
	var b strings.Builder
	for _, s := range [][]string{env.SearchPath, {env.Database, env.User, env.TimeZone, env.DateStyle}} {
		for _, x := range s {
			b.WriteByte(0)
			b.WriteString(x)
		}
		b.WriteByte(1)
	}
	if env.NoForeignKeys {
		b.WriteByte(3)
	}
	return b.String()
}

// planText is the cache key: everything but the catalog that a plan depends on.
func planText(st *rel.Stmt, env *rel.Env) string {
	var b strings.Builder
	b.WriteByte(byte(st.Dialect))
	b.WriteString(st.SQLMode)
	b.WriteString(envKey(env))
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
	if st.Fitted {
		b.WriteByte(4)
	}
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
		c.reset(cat)
	}
	c.m[key] = p
}

// reset empties the cache for a catalog.
func (c *planCache) reset(cat *catalog.Snapshot) {
	c.cat, c.m, c.families = cat, map[string]*compiled{}, map[string]*family{}
}

// family returns the cached plans of a template.
func (c *planCache) family(cat *catalog.Snapshot, key string) *family {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cat != cat {
		return nil
	}
	return c.families[key]
}

// putFamily keeps the plans of a template.
func (c *planCache) putFamily(cat *catalog.Snapshot, key string, f *family) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cat != cat || len(c.families) >= maxPlans {
		c.reset(cat)
	}
	c.families[key] = f
}

// describe answers types without running the statement.
func (e *Engine) describe(s *object.Scope, d *rel.Describe) (op.Reply, error) {
	env := envOf(d.Env)
	var c *compiled
	if d.Stmt != nil && d.Stmt.Template != nil {
		c, _ = e.liftedPlan(s.Catalog(), s.Local(), d.Stmt, env)
	}
	if c == nil {
		var err error
		if c, err = e.compile(s.Catalog(), s.Local(), d.Stmt, env); err != nil {
			return nil, err
		}
	}
	return op.ReplyOf(&op.Head{Columns: c.Columns, Params: c.Params}, &op.Done{Tag: c.Tag}), nil
}

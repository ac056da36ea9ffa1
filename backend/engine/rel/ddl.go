package rel

import (
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// change implements sql.DDL for one statement.
type change struct {
	e   *Engine
	tx  *object.Tx
	cat *catalog.Snapshot
	d   rel.Dialect
	env *rel.Env
	res *result
}

// runDDL performs a schema change and publishes its catalog with the commit.
func (e *Engine) runDDL(tx *object.Tx, c *compiled, env *rel.Env) (*result, error) {
	res := &result{}
	ch := &change{e: e, tx: tx, cat: tx.Catalog().Edit(), d: c.Dialect, env: env, res: res}
	tx.Conn.Call = e.call(tx, env)
	defer func() { tx.Conn.Call = nil }()
	if err := c.DDL(ch); err != nil {
		if se, ok := err.(*sqlite.Error); ok {
			return nil, e.explain(c, se)
		}
		return nil, err
	}
	tx.SetCatalog(ch.cat)
	return res, nil
}

// Catalog implements sql.DDL.
func (c *change) Catalog() *catalog.Snapshot { return c.cat }

// Exec implements sql.DDL.
func (c *change) Exec(text string, args ...op.Value) error { return c.tx.Conn.Exec(text, args...) }

// Query implements sql.DDL.
func (c *change) Query(text string, args ...op.Value) ([][]op.Value, error) {
	return c.tx.Conn.Query(text, args...)
}

// OID implements sql.DDL.
func (c *change) OID() uint32 { return c.cat.OID() }

// Notice implements sql.DDL.
func (c *change) Notice(severity string, code op.Code, msg string) {
	c.res.notices = append(c.res.notices, op.Notice{Severity: severity, Code: code, Msg: msg})
}

// Bind implements sql.DDL.
func (c *change) Bind(stmt tree.Node) (*sql.Plan, error) { return compileTree(c.cat, c.d, stmt, c.env) }

// Args implements sql.DDL.
func (c *change) Args(p *sql.Plan) ([]op.Value, error) {
	return bindArgs(&compiled{Plan: p}, p.Binds, nil, c.env, c.tx)
}

// Affected implements sql.DDL.
func (c *change) Affected(n int64) { c.res.affected = n }

// Effect implements sql.DDL.
func (c *change) Effect(kind, name string) {
	c.res.effects = append(c.res.effects, op.Text(kind), op.Text(name), op.Text(""), op.Int64(0))
}

// Sequences implements sql.DDL.
func (c *change) Sequences() sql.Sequences { return &session{e: c.e, tx: c.tx, id: c.env.SessionID} }

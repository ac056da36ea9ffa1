package rel

import (
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/bind"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/ddl"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/mysql"
	"github.com/dot-do/dotdo-proxy/backend/sql/postgres"
	"github.com/dot-do/dotdo-proxy/backend/sql/system"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// parse splits a text into statements.
func parse(p *rel.Parse) ([]*rel.Stmt, error) {
	switch p.Dialect {
	case rel.Postgres:
		return postgres.Parse(p.Text)
	case rel.MySQL:
		return mysql.Parse(p.Text, p.SQLMode)
	}
	return nil, op.Errorf(op.Unsupported, "SQL dialect %d is not supported", p.Dialect)
}

// compileText parses and compiles one statement.
func compileText(cat *catalog.Snapshot, st *rel.Stmt, env *rel.Env) (*sql.Plan, error) {
	n, err := convert(st)
	if err != nil {
		return nil, err
	}
	ctx := bindContext(cat, st.Dialect, env)
	ctx.Declared, ctx.Fitted = st.ParamTypes, st.Fitted
	return bind.Compile(n, ctx)
}

// convert parses one statement to a tree.
func convert(st *rel.Stmt) (tree.Node, error) {
	if st.Dialect == rel.MySQL {
		return mysql.Convert(st)
	}
	return postgres.Convert(st)
}

// parseTree parses a text that holds one statement.
func parseTree(d rel.Dialect, text string) (tree.Node, error) {
	return convert(&rel.Stmt{Dialect: d, Text: text})
}

// compileTree compiles one parsed statement.
func compileTree(cat *catalog.Snapshot, d rel.Dialect, n tree.Node, env *rel.Env) (*sql.Plan, error) {
	return bind.Compile(n, bindContext(cat, d, env))
}

// bindContext is what statements of a session are compiled against.
func bindContext(cat *catalog.Snapshot, d rel.Dialect, env *rel.Env) bind.Context {
	return bind.Context{Dialect: d, Snapshot: cat, Env: env, System: relations(), ParseView: parseTree, DDL: compileDDL}
}

// compileDDL compiles a schema statement.
func compileDDL(c bind.Context, stmt tree.Node) (*sql.Plan, error) {
	return ddl.Compile(stmt, ddl.Env{Dialect: c.Dialect, Path: c.Env.SearchPath, Database: c.Env.Database, User: c.Env.User, Session: c.Env.SessionID, NoForeignKeys: c.Env.NoForeignKeys, Parse: parseTree, Lower: lower})
}

// lower lowers an expression over a table's own columns.
func lower(d rel.Dialect, s *catalog.Snapshot, table *catalog.Table, x tree.Expr, t *op.Type) (string, op.Type, error) {
	return bind.ExprTree(bind.Context{Dialect: d, Snapshot: s, ParseView: parseTree}, table, x, t)
}

// relations are the relations the server provides.
var relations = sync.OnceValue(func() *system.Registry {
	r := system.New(func(name string) bool { return len(funcs.Postgres()[name]) > 0 })
	mysql.Register(r)
	return r
})

// registerFunctions registers what lowered statements call.
func registerFunctions(r *sqlite.Registry) { funcs.Register(r) }

// system makes sure that the system relations a plan reads are there.
func (e *Engine) system(tx *object.Tx, c *compiled, env *rel.Env) error {
	if !c.System {
		return nil
	}
	return relations().Ensure(tx.Conn, tx.Catalog(), env, e.call(tx, env), system.Needed(c.Text))
}

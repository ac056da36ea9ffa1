package rel

import (
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/mysql"
	"github.com/dot-do/dotdo-proxy/backend/sql/postgres"
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
	var n tree.Node
	var err error
	if st.Dialect == rel.MySQL {
		n, err = mysql.Convert(st)
	} else {
		n, err = postgres.Convert(st)
	}
	if err != nil {
		return nil, err
	}
	return compileTree(cat, st.Dialect, n, env)
}

// compileTree compiles one parsed statement.
func compileTree(cat *catalog.Snapshot, d rel.Dialect, n tree.Node, env *rel.Env) (*sql.Plan, error) {
	return nil, op.Errorf(op.Unsupported, "compile")
}

// registerFunctions registers what lowered statements call.
func registerFunctions(*sqlite.Registry) {}

// system makes sure that the system relations a plan reads are there.
func (e *Engine) system(*object.Tx, *compiled, *rel.Env) error { return nil }

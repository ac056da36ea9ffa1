package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// ddl converts statements that change the schema.
func (c *conv) ddl(n *pg.Node) tree.Node {
	return &tree.Refuse{What: "this statement"}
}

// selectInto converts SELECT … INTO t as CREATE TABLE AS.
func (c *conv) selectInto(s *pg.SelectStmt, into *pg.IntoClause) tree.Node {
	q := c.selectStmt(s)
	return &tree.CreateTable{Name: rangeName(into.GetRel()), As: q, Temp: into.GetRel().GetRelpersistence() == "t"}
}

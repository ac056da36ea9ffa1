package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// createDomain converts CREATE DOMAIN.
func (c *conv) createDomain(s *pg.CreateDomainStmt) tree.Node {
	base := c.typeName(s.TypeName)
	r := &tree.CreateType{Name: nameOf(strList(s.Domainname)), Domain: &base}
	for _, n := range s.Constraints {
		k := n.GetConstraint()
		switch k.GetContype() {
		case pg.ConstrType_CONSTR_NOTNULL:
			r.NotNull = true
		case pg.ConstrType_CONSTR_NULL:
		case pg.ConstrType_CONSTR_DEFAULT:
			r.DefaultText = c.deparseExpr(k.RawExpr)
		case pg.ConstrType_CONSTR_CHECK:
			r.Checks = append(r.Checks, tree.Constraint{Kind: "CHECK", Name: k.Conname, CheckText: c.deparseExpr(k.RawExpr)})
		case pg.ConstrType_CONSTR_UNIQUE:
			c.fail(op.Syntax, k.Location, "unique constraints not possible for domains")
		case pg.ConstrType_CONSTR_PRIMARY:
			c.fail(op.Syntax, k.Location, "primary key constraints not possible for domains")
		default:
			c.unsupported(k.GetLocation(), "this constraint of a domain")
		}
	}
	return r
}

// alterDomain converts ALTER DOMAIN.
func (c *conv) alterDomain(s *pg.AlterDomainStmt) tree.Node {
	r := &tree.AlterType{Name: nameOf(strList(s.TypeName)), Domain: true, Value: s.Name, If: s.MissingOk}
	switch s.Subtype {
	case "T":
		r.Kind = "DROP DEFAULT"
		if s.Def.GetNode() != nil {
			r.Kind, r.Value = "SET DEFAULT", c.deparseExpr(s.Def)
		}
	case "N":
		r.Kind = "DROP NOT NULL"
	case "O":
		r.Kind = "SET NOT NULL"
	case "C":
		k := s.Def.GetConstraint()
		r.Kind, r.Check = "ADD CONSTRAINT", &tree.Constraint{Kind: "CHECK", Name: k.GetConname(), CheckText: c.deparseExpr(k.GetRawExpr())}
	case "X":
		r.Kind = "DROP CONSTRAINT"
	default:
		return &tree.Refuse{What: "ALTER DOMAIN"}
	}
	return r
}

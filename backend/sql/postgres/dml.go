package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// insert converts INSERT.
func (c *conv) insert(s *pg.InsertStmt) tree.Node {
	r := &tree.Insert{Table: rangeName(s.Relation), Alias: s.Relation.GetAlias().GetAliasname(),
		Pos: c.position(s.Relation.GetLocation())}
	r.With, r.Recursive = c.with(s.WithClause)
	for _, n := range s.Cols {
		t := n.GetResTarget()
		if len(t.GetIndirection()) > 0 {
			c.unsupported(t.Location, "inserting into part of a column")
		}
		r.Columns = append(r.Columns, t.GetName())
	}
	if s.SelectStmt != nil {
		r.Source = c.selectNode(s.SelectStmt)
	}
	switch s.Override {
	case pg.OverridingKind_OVERRIDING_SYSTEM_VALUE:
		r.Overriding = "SYSTEM"
	case pg.OverridingKind_OVERRIDING_USER_VALUE:
		r.Overriding = "USER"
	}
	r.Conflict = c.conflict(s.OnConflictClause)
	r.Returning = c.items(s.ReturningList)
	return r
}

// conflict converts ON CONFLICT.
func (c *conv) conflict(o *pg.OnConflictClause) *tree.Conflict {
	if o == nil {
		return nil
	}
	r := &tree.Conflict{Nothing: o.Action == pg.OnConflictAction_ONCONFLICT_NOTHING}
	if i := o.Infer; i != nil {
		r.Constraint = i.Conname
		r.Where = c.opt(i.WhereClause)
		for _, n := range i.IndexElems {
			e := n.GetIndexElem()
			if e.GetExpr() != nil {
				r.Columns = append(r.Columns, c.expr(e.Expr))
				continue
			}
			r.Columns = append(r.Columns, &tree.Ident{Parts: []string{e.GetName()}, Pos: c.position(i.Location)})
		}
	} else if !r.Nothing {
		c.fail(op.Syntax, o.Location, "ON CONFLICT DO UPDATE requires inference specification or constraint name")
	}
	r.Set = c.assigns(o.TargetList)
	r.SetWhere = c.opt(o.WhereClause)
	return r
}

// assigns converts SET lists; the targets of (a, b) = … become one Assign.
func (c *conv) assigns(l []*pg.Node) []tree.Assign {
	var out []tree.Assign
	for i := 0; i < len(l); i++ {
		t := l[i].GetResTarget()
		if t == nil {
			continue
		}
		m := t.Val.GetMultiAssignRef()
		if m == nil {
			a := tree.Assign{Columns: []string{t.Name}, Expr: c.expr(t.Val)}
			for _, x := range t.Indirection {
				ix := x.GetAIndices()
				if ix == nil || ix.IsSlice {
					c.unsupported(t.Location, "assigning to part of a column this way")
					continue
				}
				a.Path = append(a.Path, c.expr(ix.Uidx))
			}
			out = append(out, a)
			continue
		}
		a := tree.Assign{Expr: c.expr(m.Source)}
		n := max(int(m.Ncolumns), 1)
		for j := i; j < len(l) && j < i+n; j++ {
			u := l[j].GetResTarget()
			if len(u.GetIndirection()) > 0 {
				c.unsupported(u.Location, "assigning to part of a column this way")
			}
			a.Columns = append(a.Columns, u.GetName())
		}
		i += n - 1
		out = append(out, a)
	}
	return out
}

// update converts UPDATE.
func (c *conv) update(s *pg.UpdateStmt) tree.Node {
	r := &tree.Update{Table: c.table(s.Relation), Set: c.assigns(s.TargetList),
		From: c.fromList(s.FromClause), Where: c.opt(s.WhereClause), Returning: c.items(s.ReturningList)}
	r.With, r.Recursive = c.with(s.WithClause)
	return r
}

// deleteStmt converts DELETE.
func (c *conv) deleteStmt(s *pg.DeleteStmt) tree.Node {
	r := &tree.Delete{Table: c.table(s.Relation), Using: c.fromList(s.UsingClause),
		Where: c.opt(s.WhereClause), Returning: c.items(s.ReturningList)}
	r.With, r.Recursive = c.with(s.WithClause)
	return r
}

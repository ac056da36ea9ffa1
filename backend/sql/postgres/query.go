package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// selectNode converts a subquery node.
func (c *conv) selectNode(n *pg.Node) *tree.Select {
	s := n.GetSelectStmt()
	if s == nil {
		c.unsupported(-1, "this kind of subquery")
		return &tree.Select{}
	}
	if s.IntoClause != nil {
		c.fail(op.Syntax, -1, "SELECT ... INTO is not allowed here")
	}
	return c.selectStmt(s)
}

// selectStmt converts SELECT, VALUES, TABLE and set operations.
func (c *conv) selectStmt(s *pg.SelectStmt) *tree.Select {
	if s == nil {
		c.fail(op.Internal, -1, "empty query")
		return &tree.Select{}
	}
	r := &tree.Select{}
	r.With, r.Recursive = c.with(s.WithClause)
	switch s.Op {
	case pg.SetOperation_SETOP_UNION, pg.SetOperation_SETOP_INTERSECT, pg.SetOperation_SETOP_EXCEPT:
		r.SetOp = map[pg.SetOperation]string{pg.SetOperation_SETOP_UNION: "UNION",
			pg.SetOperation_SETOP_INTERSECT: "INTERSECT", pg.SetOperation_SETOP_EXCEPT: "EXCEPT"}[s.Op]
		r.SetAll = s.All
		r.Left, r.Right = c.selectStmt(s.Larg), c.selectStmt(s.Rarg)
	default:
		c.selectCore(s, r)
	}
	r.Order = c.orderList(s.SortClause)
	r.Offset = c.opt(s.LimitOffset)
	if s.LimitOption == pg.LimitOption_LIMIT_OPTION_WITH_TIES {
		c.unsupported(-1, "WITH TIES")
	}
	if k := s.LimitCount.GetAConst(); k == nil || !k.Isnull {
		r.Limit = c.opt(s.LimitCount)
	}
	c.locking(s, r)
	return r
}

// selectCore converts the parts of a plain SELECT or VALUES.
func (c *conv) selectCore(s *pg.SelectStmt, r *tree.Select) {
	for _, l := range s.ValuesLists {
		r.Values = append(r.Values, c.exprs(l.GetList().GetItems()))
	}
	for _, d := range s.DistinctClause {
		if d.GetNode() == nil {
			r.Distinct = true
			continue
		}
		r.DistinctOn = append(r.DistinctOn, c.expr(d))
	}
	r.Items = c.items(s.TargetList)
	r.From = c.fromList(s.FromClause)
	r.Where = c.opt(s.WhereClause)
	for _, g := range s.GroupClause {
		if g.GetGroupingSet() != nil {
			c.unsupported(g.GetGroupingSet().Location, "GROUPING SETS, ROLLUP and CUBE")
			return
		}
		r.Group = append(r.Group, c.expr(g))
	}
	r.Having = c.opt(s.HavingClause)
	for _, w := range s.WindowClause {
		if d := w.GetWindowDef(); d != nil {
			r.Windows = append(r.Windows, tree.WindowDef{Name: d.Name, Def: c.windowParts(d)})
		}
	}
}

// locking converts FOR UPDATE and its kin; the strongest clause counts.
func (c *conv) locking(s *pg.SelectStmt, r *tree.Select) {
	words := map[pg.LockClauseStrength]string{
		pg.LockClauseStrength_LCS_FORKEYSHARE: "KEY SHARE", pg.LockClauseStrength_LCS_FORSHARE: "SHARE",
		pg.LockClauseStrength_LCS_FORNOKEYUPDATE: "NO KEY UPDATE", pg.LockClauseStrength_LCS_FORUPDATE: "UPDATE",
	}
	best := pg.LockClauseStrength_LOCK_CLAUSE_STRENGTH_UNDEFINED
	for _, n := range s.LockingClause {
		l := n.GetLockingClause()
		if l.GetStrength() > best {
			best = l.GetStrength()
			r.Lock = words[best]
		}
		switch l.GetWaitPolicy() {
		case pg.LockWaitPolicy_LockWaitError:
			r.LockWait = "NOWAIT"
		case pg.LockWaitPolicy_LockWaitSkip:
			r.LockWait = "SKIP LOCKED"
		}
	}
}

// with converts a WITH clause.
func (c *conv) with(w *pg.WithClause) ([]tree.CTE, bool) {
	if w == nil {
		return nil, false
	}
	var out []tree.CTE
	for _, n := range w.Ctes {
		e := n.GetCommonTableExpr()
		if e == nil {
			continue
		}
		if e.SearchClause != nil || e.CycleClause != nil {
			c.unsupported(e.Location, "SEARCH and CYCLE in WITH")
		}
		out = append(out, tree.CTE{Name: e.Ctename, Columns: strList(e.Aliascolnames), Query: c.cteQuery(e)})
	}
	return out, w.Recursive
}

// cteQuery converts the statement of one WITH query.
func (c *conv) cteQuery(e *pg.CommonTableExpr) tree.Node {
	switch q := e.Ctequery.GetNode().(type) {
	case *pg.Node_SelectStmt:
		return c.selectNode(e.Ctequery)
	case *pg.Node_InsertStmt:
		return c.insert(q.InsertStmt)
	case *pg.Node_UpdateStmt:
		return c.update(q.UpdateStmt)
	case *pg.Node_DeleteStmt:
		return c.deleteStmt(q.DeleteStmt)
	}
	c.unsupported(e.Location, "this statement in WITH")
	return &tree.Select{}
}

// items converts a select list or RETURNING list.
func (c *conv) items(l []*pg.Node) []tree.Item {
	var out []tree.Item
	for _, n := range l {
		if t := n.GetResTarget(); t != nil {
			out = append(out, tree.Item{Expr: c.expr(t.Val), Alias: t.Name})
		}
	}
	return out
}

// orderList converts ORDER BY; NULLS FIRST/LAST is made explicit.
func (c *conv) orderList(l []*pg.Node) []tree.Order {
	var out []tree.Order
	for _, n := range l {
		s := n.GetSortBy()
		if s == nil {
			continue
		}
		o := tree.Order{Expr: c.expr(s.Node)}
		switch s.SortbyDir {
		case pg.SortByDir_SORTBY_DESC:
			o.Desc = true
		case pg.SortByDir_SORTBY_USING:
			switch nameOf(strList(s.UseOp)).Name {
			case "<":
			case ">":
				o.Desc = true
			default:
				c.unsupported(s.Location, "this ORDER BY USING operator")
			}
		}
		o.NullsFirst = o.Desc
		switch s.SortbyNulls {
		case pg.SortByNulls_SORTBY_NULLS_FIRST:
			o.NullsFirst = true
		case pg.SortByNulls_SORTBY_NULLS_LAST:
			o.NullsFirst = false
		}
		out = append(out, o)
	}
	return out
}

// fromList converts a comma list of table expressions.
func (c *conv) fromList(l []*pg.Node) []tree.From {
	var out []tree.From
	for _, n := range l {
		out = append(out, c.from(n))
	}
	return out
}

// from converts one table expression.
func (c *conv) from(n *pg.Node) tree.From {
	switch f := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		t := c.table(f.RangeVar)
		return &t
	case *pg.Node_RangeSubselect:
		s := f.RangeSubselect
		return &tree.Subquery{Query: c.selectNode(s.Subquery), Lateral: s.Lateral,
			Alias: s.Alias.GetAliasname(), Columns: strList(s.Alias.GetColnames())}
	case *pg.Node_RangeFunction:
		return c.funcTable(f.RangeFunction)
	case *pg.Node_JoinExpr:
		return c.join(f.JoinExpr)
	case *pg.Node_RangeTableSample:
		c.unsupported(f.RangeTableSample.Location, "TABLESAMPLE")
	default:
		c.unsupported(-1, "this table expression")
	}
	return &tree.Table{}
}

// table converts a relation reference.
func (c *conv) table(r *pg.RangeVar) tree.Table {
	return tree.Table{Name: rangeName(r), Alias: r.GetAlias().GetAliasname(),
		Columns: strList(r.GetAlias().GetColnames()), Pos: c.position(r.GetLocation())}
}

// funcTable converts a set-returning function in FROM.
func (c *conv) funcTable(f *pg.RangeFunction) tree.From {
	if len(f.Functions) != 1 {
		c.unsupported(-1, "ROWS FROM with several functions")
		return &tree.Table{}
	}
	items := f.Functions[0].GetList().GetItems()
	defs := f.Coldeflist
	if len(items) > 1 && len(items[1].GetList().GetItems()) > 0 {
		defs = items[1].GetList().GetItems()
	}
	t := &tree.FuncTable{Alias: f.Alias.GetAliasname(), Columns: strList(f.Alias.GetColnames()),
		Ordinality: f.Ordinality, Lateral: f.Lateral}
	if len(items) > 0 {
		switch e := c.expr(items[0]).(type) {
		case *tree.Call:
			t.Call = e
		default:
			c.unsupported(-1, "this function in FROM")
		}
	}
	if t.Call == nil {
		t.Call = &tree.Call{}
	}
	for _, d := range defs {
		if cd := d.GetColumnDef(); cd != nil {
			t.Columns = append(t.Columns, cd.Colname)
			t.Types = append(t.Types, c.typeName(cd.TypeName))
		}
	}
	return t
}

// join converts a join.
func (c *conv) join(j *pg.JoinExpr) tree.From {
	r := &tree.Join{Natural: j.IsNatural, Left: c.from(j.Larg), Right: c.from(j.Rarg),
		On: c.opt(j.Quals), Using: strList(j.UsingClause), Alias: j.Alias.GetAliasname()}
	switch j.Jointype {
	case pg.JoinType_JOIN_INNER:
		r.Kind = "INNER"
		if r.On == nil && !r.Natural && len(r.Using) == 0 {
			r.Kind = "CROSS"
		}
	case pg.JoinType_JOIN_LEFT:
		r.Kind = "LEFT"
	case pg.JoinType_JOIN_RIGHT:
		r.Kind = "RIGHT"
	case pg.JoinType_JOIN_FULL:
		r.Kind = "FULL"
	default:
		c.unsupported(-1, "this join")
	}
	r.Columns = strList(j.Alias.GetColnames())
	if j.JoinUsingAlias != nil {
		c.unsupported(-1, "an alias of a join's USING columns")
	}
	return r
}

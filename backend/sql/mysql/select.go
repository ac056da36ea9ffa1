package mysql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// utoa formats an unsigned number.
func utoa(u uint64) string { return strconv.FormatUint(u, 10) }

// query converts anything that yields rows.
func (c *converter) query(n ast.Node) (*tree.Select, error) {
	switch n := n.(type) {
	case *ast.SelectStmt:
		return c.selectStmt(n)
	case *ast.SetOprStmt:
		return c.setOpr(n.SelectList, n.With, n.OrderBy, n.Limit)
	case *ast.SetOprSelectList:
		return c.setOpr(n, n.With, n.OrderBy, n.Limit)
	case *ast.SubqueryExpr:
		return c.query(n.Query)
	}
	return nil, refuse("%T in a query", n)
}

// selectStmt converts one SELECT, TABLE or VALUES.
func (c *converter) selectStmt(n *ast.SelectStmt) (*tree.Select, error) {
	s := &tree.Select{Distinct: n.Distinct}
	if n.SelectIntoOpt != nil {
		return nil, refuse("SELECT … INTO OUTFILE")
	}
	if n.SelectStmtOpts != nil && n.SelectStmtOpts.CalcFoundRows {
		return nil, refuse("SQL_CALC_FOUND_ROWS")
	}
	err := c.each(
		func() error { return c.with(n.With, &s.With, &s.Recursive) },
		func() error { return c.selectItems(n, s) },
		func() error { return c.fromClause(n.From, &s.From) },
		func() error { return c.opt(n.Where, &s.Where) },
		func() error { return c.groupBy(n, s) },
		func() error { return c.windowDefs(n, s) },
		func() error { return c.orderBy(n.OrderBy, &s.Order) },
		func() error { return c.limit(n.Limit, &s.Limit, &s.Offset) },
	)
	if err != nil {
		return nil, err
	}
	if n.LockInfo != nil {
		lock(n.LockInfo, s)
	}
	return s, nil
}

// each runs steps until one fails.
func (c *converter) each(steps ...func() error) error {
	for _, f := range steps {
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// opt converts an expression that may be missing.
func (c *converter) opt(n ast.ExprNode, to *tree.Expr) error {
	if n == nil {
		return nil
	}
	x, err := c.expr(n)
	*to = x
	return err
}

// groupBy converts GROUP BY and HAVING.
func (c *converter) groupBy(n *ast.SelectStmt, s *tree.Select) error {
	if n.GroupBy != nil {
		if n.GroupBy.Rollup {
			return refuse("GROUP BY … WITH ROLLUP")
		}
		for _, it := range n.GroupBy.Items {
			x, err := c.position(it.Expr)
			if err != nil {
				return err
			}
			s.Group = append(s.Group, x)
		}
	}
	if n.Having != nil {
		return c.opt(n.Having.Expr, &s.Having)
	}
	return nil
}

// position converts a GROUP BY or ORDER BY term, where a plain number names
// an output column: it stays an integer literal.
func (c *converter) position(n ast.ExprNode) (tree.Expr, error) {
	if p, ok := n.(*ast.PositionExpr); ok {
		if p.P != nil {
			return c.expr(p.P)
		}
		return &tree.Const{Value: op.Int64(int64(p.N)), Type: op.Type{Base: op.TInt4}}, nil
	}
	return c.expr(n)
}

// windowDefs converts the WINDOW clause.
func (c *converter) windowDefs(n *ast.SelectStmt, s *tree.Select) error {
	for i := range n.WindowSpecs {
		w, err := c.window(&n.WindowSpecs[i])
		if err != nil {
			return err
		}
		s.Windows = append(s.Windows, tree.WindowDef{Name: n.WindowSpecs[i].Name.O, Def: w})
	}
	return nil
}

// lock notes FOR UPDATE and its kin.
func lock(l *ast.SelectLockInfo, s *tree.Select) {
	switch l.LockType {
	case ast.SelectLockForUpdate, ast.SelectLockForUpdateWaitN:
		s.Lock = "UPDATE"
	case ast.SelectLockForUpdateNoWait:
		s.Lock, s.LockWait = "UPDATE", "NOWAIT"
	case ast.SelectLockForUpdateSkipLocked:
		s.Lock, s.LockWait = "UPDATE", "SKIP LOCKED"
	case ast.SelectLockForShare:
		s.Lock = "SHARE"
	case ast.SelectLockForShareNoWait:
		s.Lock, s.LockWait = "SHARE", "NOWAIT"
	case ast.SelectLockForShareSkipLocked:
		s.Lock, s.LockWait = "SHARE", "SKIP LOCKED"
	}
}

// selectItems converts the select list, or the rows of VALUES.
func (c *converter) selectItems(n *ast.SelectStmt, s *tree.Select) error {
	switch n.Kind {
	case ast.SelectStmtKindValues:
		for _, r := range n.Lists {
			row, err := c.exprs(r.Values)
			if err != nil {
				return err
			}
			s.Values = append(s.Values, row)
		}
		return nil
	case ast.SelectStmtKindTable:
		s.Items = []tree.Item{{Expr: &tree.Star{}}}
		return nil
	}
	for _, f := range n.Fields.Fields {
		if w := f.WildCard; w != nil {
			s.Items = append(s.Items, tree.Item{Expr: &tree.Star{Table: tree.Name{Schema: w.Schema.O, Name: w.Table.O}}})
			continue
		}
		x, err := c.expr(f.Expr)
		if err != nil {
			return err
		}
		s.Items = append(s.Items, tree.Item{Expr: x, Alias: f.AsName.O, Text: itemText(f)})
	}
	return nil
}

// itemText is the column name MySQL gives an unnamed expression: its source
// text, or the value of a plain string.
func itemText(f *ast.SelectField) string {
	if v, ok := f.Expr.(ast.ValueExpr); ok {
		if t, ok := literalText(v); ok && v.GetType().GetCharset() != "binary" {
			if s := strings.TrimSpace(f.Text()); !strings.ContainsAny(s[:min(1, len(s))], `'"`) {
				return s
			}
			return t
		}
	}
	return strings.TrimSpace(f.Text())
}

// with converts WITH.
func (c *converter) with(n *ast.WithClause, to *[]tree.CTE, recursive *bool) error {
	if n == nil {
		return nil
	}
	*recursive = n.IsRecursive
	for _, e := range n.CTEs {
		q, err := c.query(e.Query)
		if err != nil {
			return err
		}
		cte := tree.CTE{Name: e.Name.O, Query: q}
		for _, col := range e.ColNameList {
			cte.Columns = append(cte.Columns, col.O)
		}
		*to = append(*to, cte)
	}
	return nil
}

// setOpr converts UNION, EXCEPT and INTERSECT; INTERSECT binds tighter.
func (c *converter) setOpr(l *ast.SetOprSelectList, w *ast.WithClause, order *ast.OrderByClause, lim *ast.Limit) (*tree.Select, error) {
	var terms []*tree.Select
	var ops []ast.SetOprType
	for i, n := range l.Selects {
		q, err := c.query(n)
		if err != nil {
			return nil, err
		}
		t := afterOp(n)
		if i == 0 {
			terms = append(terms, q)
			continue
		}
		if t == ast.Intersect || t == ast.IntersectAll {
			terms[len(terms)-1] = combine(t, terms[len(terms)-1], q)
			continue
		}
		terms, ops = append(terms, q), append(ops, t)
	}
	s := terms[0]
	for i, t := range ops {
		s = combine(t, s, terms[i+1])
	}
	if len(terms) == 1 && len(l.Selects) == 1 && (order != nil || lim != nil || w != nil) && (s.Order != nil || s.Limit != nil) {
		s = &tree.Select{Items: []tree.Item{{Expr: &tree.Star{}}}, From: []tree.From{&tree.Subquery{Query: s, Alias: "q"}}}
	}
	err := c.each(
		func() error {
			if w == nil {
				return nil
			}
			return c.with(w, &s.With, &s.Recursive)
		},
		func() error { return c.orderBy(order, &s.Order) },
		func() error { return c.limit(lim, &s.Limit, &s.Offset) },
	)
	return s, err
}

// afterOp returns the operator that stands before one term.
func afterOp(n ast.Node) ast.SetOprType {
	var t *ast.SetOprType
	switch n := n.(type) {
	case *ast.SelectStmt:
		t = n.AfterSetOperator
	case *ast.SetOprSelectList:
		t = n.AfterSetOperator
	}
	if t == nil {
		return ast.Union
	}
	return *t
}

// combine joins two terms.
func combine(t ast.SetOprType, l, r *tree.Select) *tree.Select {
	s := &tree.Select{Left: l, Right: r}
	switch t {
	case ast.Union, ast.UnionAll:
		s.SetOp = "UNION"
	case ast.Except, ast.ExceptAll:
		s.SetOp = "EXCEPT"
	case ast.Intersect, ast.IntersectAll:
		s.SetOp = "INTERSECT"
	}
	s.SetAll = t == ast.UnionAll || t == ast.ExceptAll || t == ast.IntersectAll
	return s
}

// orderBy converts ORDER BY: in MySQL NULL is the smallest value.
func (c *converter) orderBy(n *ast.OrderByClause, to *[]tree.Order) error {
	if n == nil {
		return nil
	}
	list, err := c.orders(n.Items)
	*to = list
	return err
}

// orders converts sort terms.
func (c *converter) orders(items []*ast.ByItem) ([]tree.Order, error) {
	var out []tree.Order
	for _, it := range items {
		x, err := c.position(it.Expr)
		if err != nil {
			return nil, err
		}
		out = append(out, tree.Order{Expr: x, Desc: it.Desc, NullsFirst: !it.Desc})
	}
	return out, nil
}

// limit converts LIMIT.
func (c *converter) limit(n *ast.Limit, count, offset *tree.Expr) error {
	if n == nil {
		return nil
	}
	// The text has the offset before the count in "LIMIT 1, 2" but parameters
	// are numbered by their position, which the nodes carry.
	if err := c.opt(n.Count, count); err != nil {
		return err
	}
	return c.opt(n.Offset, offset)
}

// fromClause converts FROM.
func (c *converter) fromClause(n *ast.TableRefsClause, to *[]tree.From) error {
	if n == nil || n.TableRefs == nil {
		return nil
	}
	f, err := c.from(n.TableRefs)
	if err != nil {
		return err
	}
	*to = []tree.From{f}
	return nil
}

// from converts one table expression.
func (c *converter) from(n ast.ResultSetNode) (tree.From, error) {
	switch n := n.(type) {
	case *ast.Join:
		return c.join(n)
	case *ast.TableSource:
		return c.source(n)
	case *ast.TableName:
		return c.table(n, "")
	}
	return nil, refuse("%T in FROM", n)
}

// table converts a named table.
func (c *converter) table(n *ast.TableName, alias string) (*tree.Table, error) {
	switch {
	case len(n.PartitionNames) > 0:
		return nil, refuse("PARTITION selection")
	case n.AsOf != nil:
		return nil, refuse("AS OF TIMESTAMP")
	case n.TableSample != nil:
		return nil, refuse("TABLESAMPLE")
	}
	return &tree.Table{Name: name(n), Alias: alias, Pos: n.OriginTextPosition() + 1}, nil
}

// name converts a table name as written.
func name(n *ast.TableName) tree.Name {
	return tree.Name{Schema: n.Schema.O, Name: n.Name.O}
}

// source converts a table or derived table with its alias.
func (c *converter) source(n *ast.TableSource) (tree.From, error) {
	switch x := n.Source.(type) {
	case *ast.TableName:
		return c.table(x, n.AsName.O)
	case *ast.Join:
		return c.join(x)
	}
	q, err := c.query(n.Source)
	if err != nil {
		return nil, err
	}
	s := &tree.Subquery{Query: q, Alias: n.AsName.O, Lateral: n.Lateral}
	for _, col := range n.ColumnNames {
		s.Columns = append(s.Columns, col.O)
	}
	return s, nil
}

// join converts a join; one without a right side is just its left side.
func (c *converter) join(n *ast.Join) (tree.From, error) {
	l, err := c.from(n.Left)
	if err != nil || n.Right == nil {
		return l, err
	}
	r, err := c.from(n.Right)
	if err != nil {
		return nil, err
	}
	j := &tree.Join{Left: l, Right: r, Natural: n.NaturalJoin}
	switch n.Tp {
	case ast.LeftJoin:
		j.Kind = "LEFT"
	case ast.RightJoin:
		j.Kind = "RIGHT"
	default:
		j.Kind = "CROSS"
	}
	if n.On != nil {
		if j.On, err = c.expr(n.On.Expr); err != nil {
			return nil, err
		}
	}
	for _, u := range n.Using {
		j.Using = append(j.Using, u.Name.O)
	}
	if j.Kind == "CROSS" && (j.On != nil || len(j.Using) > 0 || j.Natural) {
		j.Kind = "INNER"
	}
	return j, nil
}

// window converts a window definition.
func (c *converter) window(n *ast.WindowSpec) (*tree.Window, error) {
	w := &tree.Window{Ref: n.Ref.O}
	if n.OnlyAlias {
		w.Ref = n.Name.O
	}
	if n.PartitionBy != nil {
		for _, it := range n.PartitionBy.Items {
			x, err := c.expr(it.Expr)
			if err != nil {
				return nil, err
			}
			w.Partition = append(w.Partition, x)
		}
	}
	if err := c.orderBy(n.OrderBy, &w.Order); err != nil {
		return nil, err
	}
	if n.Frame == nil {
		return w, nil
	}
	kind := "ROWS"
	if n.Frame.Type == ast.Ranges {
		kind = "RANGE"
	}
	lo, err := c.bound(&n.Frame.Extent.Start, &w.Start, "?1")
	if err != nil {
		return nil, err
	}
	hi, err := c.bound(&n.Frame.Extent.End, &w.End, "?2")
	if err != nil {
		return nil, err
	}
	w.Frame = fmt.Sprintf("%s BETWEEN %s AND %s", kind, lo, hi)
	return w, nil
}

// bound converts one end of a window frame.
func (c *converter) bound(b *ast.FrameBound, to *tree.Expr, mark string) (string, error) {
	if b.Type == ast.CurrentRow {
		return "CURRENT ROW", nil
	}
	word := " FOLLOWING"
	if b.Type == ast.Preceding {
		word = " PRECEDING"
	}
	if b.UnBounded {
		return "UNBOUNDED" + word, nil
	}
	if b.Unit != ast.TimeUnitInvalid {
		return "", refuse("INTERVAL in a window frame")
	}
	if err := c.opt(b.Expr, to); err != nil {
		return "", err
	}
	return mark + word, nil
}

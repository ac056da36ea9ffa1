package mysql

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// insert converts INSERT and REPLACE.
func (c *converter) insert(n *ast.InsertStmt) (tree.Node, error) {
	if len(n.PartitionNames) > 0 {
		return nil, refuse("PARTITION selection")
	}
	t, alias, err := c.single(n.Table)
	if err != nil {
		return nil, err
	}
	ins := &tree.Insert{Table: t, Alias: alias, Ignore: n.IgnoreErr, Replace: n.IsReplace}
	for _, col := range n.Columns {
		ins.Columns = append(ins.Columns, col.Name.O)
	}
	if n.Select != nil {
		if ins.Source, err = c.query(n.Select); err != nil {
			return nil, err
		}
	} else if err := c.insertRows(n, ins); err != nil {
		return nil, err
	}
	if len(n.OnDuplicate) == 0 {
		return ins, nil
	}
	ins.Conflict = &tree.Conflict{}
	ins.Conflict.Set, err = c.assigns(n.OnDuplicate)
	return ins, err
}

// insertRows converts VALUES lists. VALUES () inserts a row of defaults.
func (c *converter) insertRows(n *ast.InsertStmt, ins *tree.Insert) error {
	src := &tree.Select{}
	for _, l := range n.Lists {
		row, err := c.exprs(l)
		if err != nil {
			return err
		}
		if len(n.Columns) > 0 && len(row) != len(n.Columns) {
			return op.Errorf(op.Syntax, "column count doesn't match value count at row %d", len(src.Values)+1)
		}
		src.Values = append(src.Values, row)
	}
	if len(src.Values) == 0 || len(src.Values) == 1 && len(src.Values[0]) == 0 {
		return nil
	}
	for i, r := range src.Values {
		if len(r) == 0 {
			return refuse("VALUES () as row %d of several", i+1)
		}
	}
	ins.Source = src
	return nil
}

// single returns the one table of a clause.
func (c *converter) single(n *ast.TableRefsClause) (tree.Name, string, error) {
	f, err := c.from(n.TableRefs)
	if err != nil {
		return tree.Name{}, "", err
	}
	t, ok := f.(*tree.Table)
	if !ok {
		return tree.Name{}, "", op.Errorf(op.Syntax, "a table name is expected here")
	}
	return t.Name, t.Alias, nil
}

// assigns converts SET lists.
func (c *converter) assigns(list []*ast.Assignment) ([]tree.Assign, error) {
	var out []tree.Assign
	for _, a := range list {
		x, err := c.expr(a.Expr)
		if err != nil {
			return nil, err
		}
		out = append(out, tree.Assign{Columns: []string{a.Column.Name.O}, Expr: x, Table: a.Column.Table.O})
	}
	return out, nil
}

// update converts UPDATE of one table, also through joins.
func (c *converter) update(n *ast.UpdateStmt) (tree.Node, error) {
	u := &tree.Update{Ignore: n.IgnoreErr}
	f, err := c.from(n.TableRefs.TableRefs)
	if err != nil {
		return nil, err
	}
	err = c.each(
		func() error { return c.with(n.With, &u.With, &u.Recursive) },
		func() (err error) { u.Set, err = c.assigns(n.List); return err },
		func() error { return c.opt(n.Where, &u.Where) },
		func() error { return c.orderBy(n.Order, &u.Order) },
		func() error { var none tree.Expr; return c.limit(n.Limit, &u.Limit, &none) },
	)
	if err != nil {
		return nil, err
	}
	if t, ok := f.(*tree.Table); ok {
		u.Table = *t
		return u, nil
	}
	return joinUpdate(u, f)
}

// joinUpdate turns UPDATE a JOIN b … SET a.x = … into an update of a.
func joinUpdate(u *tree.Update, f tree.From) (tree.Node, error) {
	target := ""
	for _, a := range u.Set {
		switch {
		case a.Table == "" || strings.EqualFold(a.Table, target):
		case target == "":
			target = a.Table
		default:
			return nil, refuse("UPDATE of two tables in one statement")
		}
	}
	t, rest, on, outer, err := pick(f, target)
	if err != nil {
		return nil, err
	}
	u.Table = *t
	if !outer {
		u.From, u.Where = rest, and(append(on, u.Where))
		return u, nil
	}
	// Outer joins: the joined tables hang on one row that stands for the
	// target, whose columns the subqueries see from outside.
	for i := range u.Set {
		u.Set[i].Expr = &tree.Scalar{Query: &tree.Select{Items: []tree.Item{{Expr: u.Set[i].Expr}}, From: rest, Where: u.Where, Limit: integer(1)}}
	}
	u.Where = &tree.Exists{Query: &tree.Select{Items: []tree.Item{{Expr: integer(1)}}, From: rest, Where: u.Where}}
	return u, nil
}

// delete converts DELETE of one table, also through joins.
func (c *converter) delete(n *ast.DeleteStmt) (tree.Node, error) {
	d := &tree.Delete{}
	f, err := c.from(n.TableRefs.TableRefs)
	if err != nil {
		return nil, err
	}
	err = c.each(
		func() error { return c.with(n.With, &d.With, &d.Recursive) },
		func() error { return c.opt(n.Where, &d.Where) },
		func() error { return c.orderBy(n.Order, &d.Order) },
		func() error { var none tree.Expr; return c.limit(n.Limit, &d.Limit, &none) },
	)
	if err != nil {
		return nil, err
	}
	if n.IgnoreErr {
		return nil, refuse("DELETE IGNORE")
	}
	if t, ok := f.(*tree.Table); ok {
		d.Table = *t
		return d, nil
	}
	if n.Tables == nil || len(n.Tables.Tables) != 1 {
		return nil, refuse("DELETE from two tables in one statement")
	}
	t, rest, on, outer, err := pick(f, n.Tables.Tables[0].Name.O)
	if err != nil {
		return nil, err
	}
	d.Table = *t
	if !outer {
		d.Using, d.Where = rest, and(append(on, d.Where))
		return d, nil
	}
	d.Where = &tree.Exists{Query: &tree.Select{Items: []tree.Item{{Expr: integer(1)}}, From: rest, Where: d.Where}}
	return d, nil
}

// pick takes the target out of a join. Inner joins are flattened: the other
// tables are in rest, their conditions in on. With an outer join rest is the
// whole join with one anonymous row in the target's place.
func pick(f tree.From, target string) (t *tree.Table, rest []tree.From, on []tree.Expr, outer bool, err error) {
	if hasOuter(f) {
		t = replaceTarget(&f, target)
		if t == nil {
			return nil, nil, nil, false, op.Errorf(op.NotFound, "unknown table %q in multi-table statement", target)
		}
		return t, []tree.From{f}, nil, true, nil
	}
	var flat func(f tree.From) error
	flat = func(f tree.From) error {
		j, ok := f.(*tree.Join)
		if !ok {
			if x, ok := f.(*tree.Table); ok && t == nil && isTarget(x, target) {
				t = x
				return nil
			}
			rest = append(rest, f)
			return nil
		}
		if j.Natural || len(j.Using) > 0 {
			return refuse("USING or NATURAL JOIN in a multi-table UPDATE or DELETE")
		}
		if err := flat(j.Left); err != nil {
			return err
		}
		if j.On != nil {
			on = append(on, j.On)
		}
		return flat(j.Right)
	}
	if err = flat(f); err != nil {
		return nil, nil, nil, false, err
	}
	if t == nil {
		return nil, nil, nil, false, op.Errorf(op.NotFound, "unknown table %q in multi-table statement", target)
	}
	return t, rest, on, false, nil
}

// isTarget reports whether a table goes by that name; an unnamed target is
// the first table.
func isTarget(t *tree.Table, target string) bool {
	n := t.Alias
	if n == "" {
		n = t.Name.Name
	}
	return target == "" || n == target
}

// hasOuter reports whether a join tree holds an outer join.
func hasOuter(f tree.From) bool {
	j, ok := f.(*tree.Join)
	return ok && (j.Kind == "LEFT" || j.Kind == "RIGHT" || hasOuter(j.Left) || hasOuter(j.Right))
}

// replaceTarget puts one anonymous row in the target's place and returns it.
func replaceTarget(f *tree.From, target string) *tree.Table {
	switch x := (*f).(type) {
	case *tree.Table:
		if isTarget(x, target) {
			*f = &tree.Subquery{Query: &tree.Select{Items: []tree.Item{{Expr: integer(1), Alias: "one_row"}}}, Alias: "one_row"}
			return x
		}
	case *tree.Join:
		if t := replaceTarget(&x.Left, target); t != nil {
			return t
		}
		return replaceTarget(&x.Right, target)
	}
	return nil
}

// and joins conditions; nil ones are left out.
func and(list []tree.Expr) tree.Expr {
	var out tree.Expr
	for _, x := range list {
		switch {
		case x == nil:
		case out == nil:
			out = x
		default:
			out = &tree.Binary{Op: "AND", L: out, R: x}
		}
	}
	return out
}

package bind

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// setList lowers the assignments of UPDATE.
func (c *comp) setList(sc *scope, t *catalog.Table, set []tree.Assign, alias string) []string {
	if c.my {
		return c.mySetList(sc, t, set, alias)
	}
	var out []string
	seen := map[string]bool{}
	put := func(k *catalog.Column, sql string) {
		if seen[k.Name] {
			e := op.Errorf(op.DuplicateColumn, "multiple assignments to same column %q", k.Name)
			e.Column = k.Name
			panic(failure{e})
		}
		seen[k.Name] = true
		out = append(out, catalog.Quote(k.Name)+"="+sql)
	}
	for _, a := range set {
		if len(a.Path) > 0 {
			fail(op.Unsupported, "assignment to a subscript is not supported")
		}
		if len(a.Columns) == 1 {
			k := c.columnOf(t, a.Columns[0])
			put(k, c.setValue(sc, t, k, a.Expr).sql)
			continue
		}
		c.setMany(sc, t, a, put)
	}
	for _, k := range t.Columns {
		if k.OnUpdateNow && !seen[k.Name] {
			out = append(out, catalog.Quote(k.Name)+"="+c.updateNow(k))
		}
	}
	return out
}

// updateNow is the value of an ON UPDATE CURRENT_TIMESTAMP column.
func (c *comp) updateNow(k *catalog.Column) string {
	now := c.env("now")
	unit := int64(1_000_000)
	for i := int32(1); i < k.Type.Size; i++ {
		unit /= 10
	}
	if k.Type.Base != op.TTimestampTZ {
		now = fmt.Sprintf("dotdo_cast_s(%s,%d,%d,0,0)", now, op.TTimestampTZ, op.TTimestamp)
	}
	if !c.my || unit <= 1 {
		return now
	}
	return fmt.Sprintf("(%s-%s%%%d)", now, now, unit)
}

// setValue lowers one assigned value.
func (c *comp) setValue(sc *scope, t *catalog.Table, k *catalog.Column, x tree.Expr) ex {
	if d, ok := x.(*tree.Default); ok && d != nil {
		if k.Generated != "" {
			return ex{sql: catalog.Quote(k.Name)}
		}
		if e, ok := c.defaultOf(t, k); ok {
			return e
		}
		return ex{sql: "NULL", null: true}
	}
	if k.Generated != "" {
		c.generatedFail(k, "update")
	}
	return c.assign(c.expr(sc, x), k.Type, k)
}

// setMany lowers (a, b) = (x, y) and (a, b) = (SELECT …).
func (c *comp) setMany(sc *scope, t *catalog.Table, a tree.Assign, put func(*catalog.Column, string)) {
	switch x := a.Expr.(type) {
	case *tree.Row:
		if len(x.Items) != len(a.Columns) {
			fail(op.Syntax, "number of columns does not match number of values")
		}
		for i, n := range a.Columns {
			k := c.columnOf(t, n)
			put(k, c.setValue(sc, t, k, x.Items[i]).sql)
		}
	case *tree.Scalar:
		b := c.query(sc, x.Query, nil)
		if len(b.cols) != len(a.Columns) {
			fail(op.Syntax, "number of columns does not match number of values")
		}
		text := b.text(nil)
		for i, n := range a.Columns {
			k := c.columnOf(t, n)
			e := ex{sql: fmt.Sprintf("(SELECT c%d FROM (%s))", i+1, text), t: settled(b.cols[i].Type)}
			put(k, c.assign(e, k.Type, k).sql)
		}
	default:
		fail(op.Unsupported, "this form of multiple assignment is not supported")
	}
}

// target opens the table that UPDATE or DELETE writes in a scope below outer.
func (c *comp) target(outer *scope, n *tree.Table) (t *catalog.Table, alias string, sc *scope) {
	t = c.writable(n.Name, n.Pos)
	alias = c.newAlias("t")
	r := c.tableRel(t, alias)
	c.rename(r, n.Alias, nil)
	sc = &scope{parent: outer}
	c.add(sc, r)
	return t, alias, sc
}

// updatePlan compiles UPDATE.
func (c *comp) updatePlan(s *tree.Update) {
	c.plan.Tag = "UPDATE"
	outer := &scope{parent: c.outer}
	with := c.with(outer, s.With, s.Recursive)
	t, alias, sc := c.target(outer, &s.Table)
	from := ""
	if len(s.From) > 0 {
		from = c.fromList(sc, s.From)
		if strings.Contains(from, " RIGHT JOIN ") || strings.Contains(from, " FULL JOIN ") {
			from = "(" + from + ")"
		}
	}
	where := ""
	if s.Where != nil {
		sc.clause = "WHERE"
		where = c.cond(sc, s.Where, "WHERE").sql
	}
	sc.clause = "UPDATE"
	c.strictness(s.Ignore)
	c.laxNull = c.lax
	set := c.setList(sc, t, s.Set, alias)
	var b strings.Builder
	b.WriteString("UPDATE ")
	if s.Ignore {
		b.WriteString("OR IGNORE ")
		c.plan.Ignore = true
	}
	fmt.Fprintf(&b, "%s AS %s SET %s", catalog.Quote(t.Store), alias, strings.Join(set, ","))
	if len(s.Order) > 0 || s.Limit != nil {
		where = c.limitedRows(sc, t, alias, where, s.Order, s.Limit)
	} else if from != "" {
		b.WriteString(" FROM " + from)
	}
	if where != "" {
		b.WriteString(" WHERE " + where)
	}
	if n := c.plan.NewRows; n != nil {
		n.From, n.RowID = fmt.Sprintf("FROM %s AS %s", catalog.Quote(t.Store), alias), alias+".rowid"
		if from != "" {
			n.From += "," + from
		}
		if where != "" {
			n.From += " WHERE " + where
		}
	}
	noJoinedStar(s.Returning, len(s.From) > 0)
	b.WriteString(c.returning(outer, t, s.Returning, s.Table.Alias, s.Table.Name.Name))
	text := b.String()
	if len(s.With) > 0 {
		text = with() + text
	}
	c.plan.Text = text
	c.routeWhere(t, s.Where, len(s.From) > 0)
}

// noJoinedStar refuses RETURNING * beside joined tables: their columns cannot be
// returned, and leaving them out would be a wrong answer.
func noJoinedStar(list []tree.Item, joined bool) {
	for _, it := range list {
		if star, ok := it.Expr.(*tree.Star); ok && joined && star.Table.Name == "" {
			fail(op.Unsupported, "RETURNING * of joined tables is not supported: name the columns of the changed table, or use its alias: RETURNING t.*")
		}
	}
}

// limitedRows turns MySQL's ORDER BY and LIMIT into a rowid list.
func (c *comp) limitedRows(sc *scope, t *catalog.Table, alias, where string, order []tree.Order, limit tree.Expr) string {
	q := fmt.Sprintf("SELECT %s.rowid FROM %s AS %s", alias, catalog.Quote(t.Store), alias)
	if where != "" {
		q += " WHERE " + where
	}
	if len(order) > 0 {
		q += " ORDER BY " + c.orderList(sc, order)
	}
	q += c.limit(sc, &tree.Select{Limit: limit})
	return alias + ".rowid IN (" + q + ")"
}

// deletePlan compiles DELETE.
func (c *comp) deletePlan(s *tree.Delete) {
	c.plan.Tag = "DELETE"
	outer := &scope{parent: c.outer}
	with := c.with(outer, s.With, s.Recursive)
	t, alias, sc := c.target(outer, &s.Table)
	from := ""
	if len(s.Using) > 0 {
		from = c.fromList(sc, s.Using)
	}
	where := ""
	if s.Where != nil {
		sc.clause = "WHERE"
		where = c.cond(sc, s.Where, "WHERE").sql
	}
	switch {
	case from != "":
		// the target is one of the joined tables: name its rows by rowid
		q := fmt.Sprintf("SELECT %s.rowid FROM %s AS %s, %s", alias, catalog.Quote(t.Store), alias, from)
		if where != "" {
			q += " WHERE " + where
		}
		where = "rowid IN (" + q + ")"
	case len(s.Order) > 0 || s.Limit != nil:
		where = c.limitedRows(sc, t, alias, where, s.Order, s.Limit)
	}
	text := fmt.Sprintf("DELETE FROM %s AS %s", catalog.Quote(t.Store), alias)
	if where != "" {
		text += " WHERE " + where
	}
	noJoinedStar(s.Returning, len(s.Using) > 0)
	text += c.returning(outer, t, s.Returning, s.Table.Alias, s.Table.Name.Name)
	if len(s.With) > 0 {
		text = with() + text
	}
	c.plan.Text = text
	c.routeWhere(t, s.Where, len(s.Using) > 0)
}

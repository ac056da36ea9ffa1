package bind

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// shardColumn returns the column a table is sharded by, "" = none.
func (c *comp) shardColumn(t *catalog.Table) string {
	if c.ShardKey == nil || t == nil || t.Kind == catalog.KindSystem {
		return ""
	}
	return c.ShardKey(t)
}

// source turns a constant or parameter into a routing source of a column's
// type.
func (c *comp) routeSource(x tree.Expr, t op.Type) (sql.Source, bool) {
	switch n := x.(type) {
	case *tree.Param:
		if c.params[n.Index].Base == op.TUnknown {
			return sql.Source{}, false
		}
		return sql.Source{Arg: n.Index}, true
	case *tree.Const:
		if n.Value.IsNull() {
			return sql.Source{}, false
		}
		e := c.cast(c.constant(n), bare(t))
		if e.konst != nil {
			return sql.Source{Arg: -1, Value: *e.konst}, true
		}
	case *tree.Cast:
		return c.routeSource(n.X, t)
	}
	return sql.Source{}, false
}

// pinned finds the values a condition allows for a column.
func (c *comp) pinned(x tree.Expr, col string, t op.Type) []sql.Source {
	is := func(y tree.Expr) bool {
		id, ok := y.(*tree.Ident)
		return ok && c.same(id.Parts[len(id.Parts)-1], col)
	}
	switch n := x.(type) {
	case *tree.Binary:
		switch n.Op {
		case "AND":
			if v := c.pinned(n.L, col, t); v != nil {
				return v
			}
			return c.pinned(n.R, col, t)
		case "=":
			other := n.R
			if is(n.R) {
				other = n.L
			} else if !is(n.L) {
				return nil
			}
			if s, ok := c.routeSource(other, t); ok {
				return []sql.Source{s}
			}
		}
	case *tree.In:
		if n.Not || n.Query != nil || !is(n.X) {
			return nil
		}
		var out []sql.Source
		for _, y := range n.List {
			s, ok := c.routeSource(y, t)
			if !ok {
				return nil
			}
			out = append(out, s)
		}
		return out
	}
	return nil
}

// routeWhere records the shard key condition of a single-table statement.
func (c *comp) routeWhere(t *catalog.Table, where tree.Expr, joined bool) {
	col := c.shardColumn(t)
	if col == "" {
		return
	}
	k := sql.RouteKey{Table: t, Column: col}
	if tc := t.Column(col); tc != nil && where != nil && !joined {
		k.Values = c.pinned(where, col, tc.Type)
	}
	c.plan.Route.Keys = append(c.plan.Route.Keys, k)
}

// routeInsert records the shard key of each inserted row.
func (c *comp) routeInsert(s *tree.Insert, t *catalog.Table, cols []*catalog.Column) {
	col := c.shardColumn(t)
	if col == "" {
		return
	}
	c.plan.Route.Keys = append(c.plan.Route.Keys, sql.RouteKey{Table: t, Column: col})
	if s.Source == nil || len(s.Source.Values) == 0 {
		return
	}
	at := -1
	for i, k := range cols {
		if k.Name == col {
			at = i
		}
	}
	if at < 0 {
		return
	}
	for _, row := range s.Source.Values {
		if at >= len(row) {
			return
		}
		src, ok := c.routeSource(row[at], cols[at].Type)
		if !ok {
			c.plan.Route.Insert = nil
			return
		}
		c.plan.Route.Insert = append(c.plan.Route.Insert, []sql.Source{src})
	}
}

// routeSelect records keys and the merge of a query over sharded tables.
func (c *comp) routeSelect(s *tree.Select) {
	if c.ShardKey == nil {
		return
	}
	sharded := false
	for _, t := range c.plan.Tables {
		if c.shardColumn(t) != "" {
			sharded = true
			var where tree.Expr
			if s.SetOp == "" && len(c.plan.Tables) == 1 && len(s.From) == 1 {
				if _, ok := s.From[0].(*tree.Table); ok {
					where = s.Where
				}
			}
			c.routeWhere(t, where, where == nil)
		}
	}
	if !sharded || len(c.plan.Tables) != 1 || s.SetOp != "" || len(s.With) > 0 || len(s.From) != 1 {
		return
	}
	if _, ok := s.From[0].(*tree.Table); !ok {
		return
	}
	if len(s.Order) == 0 && s.Limit == nil && s.Offset == nil && len(s.Group) == 0 && !s.Distinct && !hasAggregate(s.Items) && s.Having == nil && len(s.DistinctOn) == 0 {
		c.plan.Route.Merge = &sql.Merge{Text: c.plan.Text, Binds: c.plan.Binds, Cols: len(c.plan.Columns), Concat: true}
		return
	}
	c.routeParts(s)
}

// routeParts says which part of a merged query every object can do by itself.
// It holds for one stored table that the text reads once: a nested query would
// need the rows that the condition leaves out.
func (c *comp) routeParts(s *tree.Select) {
	st, p := c.plain, c.plan
	upper := strings.ToUpper(p.Text)
	if st == nil || st.s != s || p.Tables[0].Kind != catalog.KindTable || strings.Count(upper, "SELECT") != 1 || p.Volatile || len(st.sc.q.srf) > 0 {
		return
	}
	agg := st.sc.q.agg || len(s.Group) > 0 || s.Having != nil
	if s.Limit == nil && s.Offset == nil && len(s.Group) == 0 && s.Having == nil && !s.Distinct && len(s.DistinctOn) == 0 {
		p.Route.Tally = tally(s.Items)
		for _, k := range p.Columns {
			if k.Type.Array || k.Type.Base != op.TInt2 && k.Type.Base != op.TInt4 && k.Type.Base != op.TInt8 {
				p.Route.Tally = ""
			}
		}
	}
	scan := "SELECT * FROM " + st.from
	where, last := st.where, ""
	if s.Limit != nil && s.Offset == nil && !agg && !s.Distinct && len(s.DistinctOn) == 0 && !strings.Contains(upper, "OVER") {
		if len(st.order) > 0 {
			last = " ORDER BY " + strings.Join(st.order, ",")
		}
		last += st.limit
	}
	if where == "" && last == "" {
		return
	}
	if n := len(p.Binds); n > 0 { // the text has as many parameters as there are values
		number := "?" + strconv.Itoa(n)
		if where == "" {
			where = "1"
		}
		where = "(" + where + ") AND " + number + " IS " + number
	}
	if where != "" {
		scan += " WHERE " + where
	}
	p.Route.Scan = scan + last
}

// tally returns the letters of sql.Route.Tally for a select list of nothing but
// counts, sums, minima and maxima.
func tally(items []tree.Item) string {
	out := make([]byte, len(items))
	for i, it := range items {
		k, ok := it.Expr.(*tree.Call)
		if !ok || k.Schema != "" || k.Distinct || k.Over != nil || k.Within || len(k.Order) > 0 || len(k.Args) > 1 || len(k.Args) == 0 && !k.Star {
			return ""
		}
		switch strings.ToLower(k.Name) {
		case "count", "sum":
			out[i] = 's'
		case "min":
			out[i] = '<'
		case "max":
			out[i] = '>'
		default:
			return ""
		}
	}
	return string(out)
}

// hasAggregate tells whether any call may combine rows.
func hasAggregate(items []tree.Item) bool {
	for _, it := range items {
		if strings.Contains(callNames(it.Expr), "(") {
			return true
		}
	}
	return false
}

// callNames marks calls inside an expression; anything that is not a plain
// column, constant or arithmetic counts as a call.
func callNames(x tree.Expr) string {
	switch n := x.(type) {
	case *tree.Ident, *tree.Const, *tree.Param, *tree.Star:
		return ""
	case *tree.Binary:
		return callNames(n.L) + callNames(n.R)
	case *tree.Unary:
		return callNames(n.X)
	case *tree.Cast:
		return callNames(n.X)
	}
	return "("
}

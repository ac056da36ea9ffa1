package bind

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// coreState is one plain SELECT while it is bound.
type coreState struct {
	sc     *scope
	s      *tree.Select
	from   string
	where  string
	items  []item
	group  []string
	having string
	order  []string // finished terms
	extra  []ex     // ORDER BY expressions that are no outputs
	on     []string // DISTINCT ON
	limit  string
	want   []op.Type
	cols   []op.Column
	lock   []lockTarget
}

// core binds a plain SELECT.
func (c *comp) core(sc *scope, s *tree.Select, want []op.Type) *bound {
	q := &query{defs: s.Windows, grouped: len(s.Group) > 0}
	st := &coreState{sc: sc, s: s, want: want}
	if c.top == sc {
		c.plain = st
	}
	if len(s.From) > 0 {
		st.from = c.fromList(sc, s.From)
	}
	sc.q = q
	if s.Where != nil {
		sc.clause = "WHERE"
		st.where = c.cond(sc, s.Where, "WHERE").sql
		q.loose = nil
	}
	c.groupBy(st)
	sc.clause = "SELECT"
	st.items = c.items(sc, s.Items)
	if s.Having != nil {
		sc.clause = "HAVING"
		having := s.Having
		if c.my {
			having = c.aliasIn(st, having)
		}
		st.having = c.cond(sc, having, "HAVING").sql
		q.grouped = true
	}
	sc.clause = "ORDER BY"
	for _, x := range s.DistinctOn {
		e := c.outputRef(st, x)
		st.on = append(st.on, e.sql+coll(e.t, e.ci))
	}
	c.orderBy(st)
	c.checkGroups(q)
	st.limit = c.limit(sc, s)
	for _, it := range st.items {
		st.cols = append(st.cols, describe(it.name, it.e))
	}
	if len(st.items) == 0 {
		fail(op.Unsupported, "SELECT without output columns is not supported")
	}
	c.locks(st)
	b := &bound{cols: st.cols, text: func(w []op.Type) string { return c.coreText(st, w) }}
	b.single = q.agg && len(s.Group) == 0 && len(q.srf) == 0 || st.from == "" && len(q.srf) == 0 || c.ordinal(s.Limit) == 1
	return b
}

// groupBy binds GROUP BY: positions, output names, expressions.
func (c *comp) groupBy(st *coreState) {
	st.sc.clause = "GROUP BY"
	for _, x := range st.s.Group {
		src := x
		if n := c.ordinal(x); n > 0 {
			if n > len(st.s.Items) {
				e := op.Errorf(op.NoColumn, "GROUP BY position %d is not in select list", n)
				e.Object = "position"
				panic(failure{e})
			}
			src = st.s.Items[n-1].Expr
		} else if id, ok := x.(*tree.Ident); ok && len(id.Parts) == 1 {
			if _, found := c.findColumn(st.sc, id.Parts[0], id.Pos); !found {
				for _, it := range st.s.Items {
					if it.Alias != "" && c.same(it.Alias, id.Parts[0]) {
						src = it.Expr
					}
				}
			}
		}
		if r, ok := src.(*tree.Row); ok {
			for _, y := range r.Items {
				c.groupTerm(st, y)
			}
			continue
		}
		c.groupTerm(st, src)
	}
	st.sc.q.loose = nil
}

// groupTerm adds one grouping expression.
func (c *comp) groupTerm(st *coreState, x tree.Expr) {
	e := c.expr(st.sc, x)
	if e.row != nil {
		for i := range e.row {
			st.sc.q.groups = append(st.sc.q.groups, e.row[i].sql)
			st.group = append(st.group, e.row[i].sql+coll(e.row[i].t, e.row[i].ci))
		}
	}
	st.sc.q.groups = append(st.sc.q.groups, e.sql)
	e = c.settle(e)
	st.sc.q.groups = append(st.sc.q.groups, e.sql)
	if e.konst != nil {
		st.group = append(st.group, "CAST("+e.sql+" AS TEXT)")
		return
	}
	if e.row == nil {
		st.group = append(st.group, e.sql+coll(e.t, e.ci))
	}
}

// outputRef resolves an ORDER BY or DISTINCT ON term: position, output name or
// expression.
func (c *comp) outputRef(st *coreState, x tree.Expr) ex {
	if n := c.ordinal(x); n > 0 {
		if n > len(st.items) {
			c.badOrdinal(n)
		}
		return c.settle(st.items[n-1].e)
	}
	if id, ok := x.(*tree.Ident); ok && len(id.Parts) == 1 {
		for _, it := range st.items {
			if c.same(it.name, id.Parts[0]) {
				return c.settle(it.e)
			}
		}
	}
	if c.my {
		x = c.aliasIn(st, x)
	}
	return c.settle(c.expr(st.sc, x))
}

// aliasIn lets MySQL use output names inside HAVING and ORDER BY expressions.
func (c *comp) aliasIn(st *coreState, x tree.Expr) tree.Expr {
	switch n := x.(type) {
	case *tree.Unary:
		return &tree.Unary{Op: n.Op, X: c.aliasIn(st, n.X), Pos: n.Pos}
	case *tree.Binary:
		return &tree.Binary{Op: n.Op, L: c.aliasIn(st, n.L), R: c.aliasIn(st, n.R), Escape: n.Escape, Pos: n.Pos}
	case *tree.Ident:
		if len(n.Parts) != 1 {
			return x
		}
		if _, found := c.findColumn(st.sc, n.Parts[0], n.Pos); found {
			return x
		}
		for _, it := range st.items {
			if it.src != nil && c.same(it.name, n.Parts[0]) {
				return it.src
			}
		}
	}
	return x
}

// orderBy binds ORDER BY. A term that is an output is written as its text, so
// that SQLite can use an index for it.
func (c *comp) orderBy(st *coreState) {
	for _, o := range st.s.Order {
		e := c.outputRef(st, o.Expr)
		at := -1
		for i, it := range st.items {
			if it.e.sql == e.sql || c.settle(it.e).sql == e.sql {
				at = i
				break
			}
		}
		if e.konst != nil {
			continue
		}
		if at < 0 {
			if st.s.Distinct {
				x := op.Errorf(op.Syntax, "for SELECT DISTINCT, ORDER BY expressions must appear in select list")
				x.Object = "distinct order"
				panic(failure{x})
			}
			st.extra = append(st.extra, e)
			if len(st.on) > 0 {
				e = ex{sql: "o" + strconv.Itoa(len(st.extra)), t: e.t, ci: e.ci}
			}
		} else if len(st.on) > 0 || st.s.Distinct {
			e.sql = "c" + strconv.Itoa(at+1)
		}
		st.order = append(st.order, c.orderTerm(e, o))
	}
}

// coreText writes the SELECT.
func (c *comp) coreText(st *coreState, w []op.Type) string {
	if len(st.on) > 0 {
		return c.distinctOn(st, w)
	}
	if len(st.lock) > 0 {
		return c.lockText(st, w)
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	if st.s.Distinct {
		b.WriteString("DISTINCT ")
	}
	c.writeItems(&b, st, w, st.s.Distinct)
	c.writeBody(&b, st)
	if len(st.order) > 0 {
		b.WriteString(" ORDER BY " + strings.Join(st.order, ","))
	}
	b.WriteString(st.limit)
	return b.String()
}

// writeItems writes the select list. Comparing operations need the type's
// collation on the outputs.
func (c *comp) writeItems(b *strings.Builder, st *coreState, w []op.Type, collate bool) {
	for i, it := range st.items {
		if i > 0 {
			b.WriteByte(',')
		}
		e := c.output(it.e, it.e.t, st.want, w, i)
		if parts := e.fields(); c.top == st.sc && parts != nil && e.t.Base == op.TRecord {
			e.sql, e.col = c.recordText(parts), nil
		}
		if c.top == st.sc && isReg(e.t.Base) && !e.t.Array {
			// clients see names; the stored form is the number
			e.sql, e.col = c.castCall(e, typ(op.TString)).sql, nil
		}
		b.WriteString(e.sql)
		if e.col == nil || collate {
			b.WriteString(coll(e.t, e.ci))
		}
		b.WriteString(" AS c" + strconv.Itoa(i+1))
	}
}

// recordText is a record whose fields are text, as clients see it.
func (c *comp) recordText(parts []ex) string {
	texts := make([]string, len(parts))
	for i, p := range parts {
		if p = c.settle(p); p.t.Base == op.TBoolean && !p.t.Array {
			texts[i] = "(CASE " + p.sql + " WHEN 1 THEN 't' WHEN 0 THEN 'f' END)"
			continue
		}
		texts[i] = c.cast(p, typ(op.TString)).sql
	}
	return "json_array(" + strings.Join(texts, ",") + ")"
}

// writeBody writes FROM … HAVING.
func (c *comp) writeBody(b *strings.Builder, st *coreState) {
	from := st.from
	for _, x := range st.sc.q.srf {
		if from != "" {
			from += ", "
		}
		from += x
	}
	if from != "" {
		b.WriteString(" FROM " + from)
	}
	if st.where != "" {
		b.WriteString(" WHERE " + st.where)
	}
	if len(st.group) > 0 {
		b.WriteString(" GROUP BY " + strings.Join(st.group, ","))
	}
	if st.having != "" {
		b.WriteString(" HAVING " + st.having)
	}
}

// distinctOn writes DISTINCT ON as row_number() over the groups.
func (c *comp) distinctOn(st *coreState, w []op.Type) string {
	var b strings.Builder
	names := make([]string, len(st.items))
	for i := range names {
		names[i] = "c" + strconv.Itoa(i+1)
	}
	b.WriteString("SELECT ")
	c.writeItems(&b, st, w, false)
	for i, e := range st.extra {
		fmt.Fprintf(&b, ",%s AS o%d", e.sql, i+1)
	}
	for i, e := range st.on {
		fmt.Fprintf(&b, ",%s AS d%d", e, i+1)
	}
	c.writeBody(&b, st)
	on := make([]string, len(st.on))
	for i := range on {
		on[i] = "d" + strconv.Itoa(i+1)
	}
	order := ""
	if len(st.order) > 0 {
		order = " ORDER BY " + strings.Join(st.order, ",")
	}
	list := strings.Join(names, ",")
	return fmt.Sprintf("SELECT %s FROM (SELECT *,row_number() OVER (PARTITION BY %s%s) AS rn FROM (%s)) WHERE rn=1%s%s",
		list, strings.Join(on, ","), order, b.String(), order, st.limit)
}

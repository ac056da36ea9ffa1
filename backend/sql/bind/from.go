package bind

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// fromList lowers a FROM list into one SQLite join text.
func (c *comp) fromList(sc *scope, list []tree.From) string {
	var b strings.Builder
	for i, f := range list {
		text := c.from(sc, f)
		if j, ok := f.(*tree.Join); ok && i > 0 && (j.Kind == "RIGHT" || j.Kind == "FULL") {
			text = "(" + text + ")"
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(text)
	}
	return b.String()
}

// add makes a relation visible.
func (c *comp) add(sc *scope, r *relation) {
	for _, o := range sc.rels {
		if o.name != "" && c.same(o.name, r.name) && (o.schema == r.schema || o.schema == "" || r.schema == "") {
			e := op.Errorf(op.AlreadyExists, "table name %q specified more than once", r.name)
			e.Object, e.Name = "alias", r.name
			panic(failure{e})
		}
	}
	for i := range r.cols {
		r.cols[i].rel = r
	}
	sc.rels = append(sc.rels, r)
}

// from lowers one FROM entry.
func (c *comp) from(sc *scope, f tree.From) string {
	switch n := f.(type) {
	case *tree.Table:
		return c.fromTable(sc, n)
	case *tree.Subquery:
		return c.fromQuery(sc, n)
	case *tree.FuncTable:
		return c.fromFunc(sc, n)
	case *tree.Join:
		return c.join(sc, n)
	}
	fail(op.Unsupported, "this FROM entry (%T) is not supported", f)
	return ""
}

// rename applies an alias and its column names.
func (c *comp) rename(r *relation, alias string, columns []string) {
	if alias != "" {
		r.name, r.schema = alias, ""
		for i := range r.cols {
			r.cols[i].relName = alias
		}
	}
	if len(columns) > len(r.cols) {
		e := op.Errorf(op.NoColumn, "table %q has %d columns available but %d columns specified", r.name, len(r.cols), len(columns))
		e.Object = "alias"
		panic(failure{e})
	}
	for i, n := range columns {
		r.cols[i].name = n
	}
}

// fromTable lowers a table, view, CTE, collection or system relation.
func (c *comp) fromTable(sc *scope, n *tree.Table) string {
	if n.Name.Schema == "" {
		if w := c.findCTE(sc, n.Name.Name); w != nil {
			r := &relation{name: n.Name.Name, alias: c.newAlias("t")}
			for i, k := range w.cols {
				k.sql = fmt.Sprintf("%s.c%d", r.alias, i+1)
				r.cols = append(r.cols, k)
			}
			c.rename(r, n.Alias, n.Columns)
			c.add(sc, r)
			if w.step > 0 {
				return c.stepRows(w) + " AS " + r.alias
			}
			return w.sql + " AS " + r.alias
		}
	}
	t, text := c.table(n.Name, n.Pos)
	r := c.tableRel(t, c.newAlias("t"))
	src := c.source(t, text, r)
	c.rename(r, n.Alias, n.Columns)
	c.add(sc, r)
	return src + " AS " + r.alias
}

// source is the SQLite table expression of a relation.
func (c *comp) source(t *catalog.Table, text string, r *relation) string {
	switch {
	case text == "\x00":
		c.plan.System = true
		return "temp." + catalog.Quote(t.Schema+"."+t.Name)
	case text != "":
		return "(" + text + ")"
	case t.Kind == catalog.KindView:
		return c.view(t, r)
	case t.Kind == catalog.KindCollection:
		c.touch(t)
		return c.docSource(t, r)
	case t.Kind == catalog.KindDocView:
		fail(op.Unsupported, "reading document view %q through SQL is not supported", t.Name)
	}
	c.touch(t)
	return catalog.Quote(t.Store)
}

// view expands a view from its text.
func (c *comp) view(t *catalog.Table, r *relation) string {
	if c.ParseView == nil {
		fail(op.Unsupported, "views are not supported here")
	}
	c.views++
	if c.views > 500 {
		fail(op.TooLarge, "infinite recursion detected in rules for relation %q", t.Name)
	}
	n, err := c.ParseView(rel.Dialect(t.Dialect), t.ViewText)
	check(err)
	q, ok := n.(*tree.Select)
	if !ok {
		fail(op.Internal, "view %q is not a query", t.Name)
	}
	sub := &comp{Context: c.Context, plan: c.plan, docs: c.docs, my: rel.Dialect(t.Dialect) == rel.MySQL, slots: c.slots, alias: c.alias, views: c.views}
	sub.Dialect = rel.Dialect(t.Dialect)
	if len(t.ViewPath) > 0 {
		env := *c.Env
		env.SearchPath = t.ViewPath
		sub.Env = &env
	}
	b := sub.query(&scope{}, q, nil)
	if len(b.cols) != len(t.Columns) {
		fail(op.Internal, "view %q has changed its columns", t.Name)
	}
	text := b.text(nil)
	c.alias, c.views = sub.alias, sub.views
	for i := range r.cols {
		r.cols[i].sql = fmt.Sprintf("%s.c%d", r.alias, i+1)
		r.cols[i].notNull = false
		r.cols[i].t = settled(b.cols[i].Type)
	}
	return "(" + text + ")"
}

// columnsOf turns a bound query's outputs into columns of an alias.
func columnsOf(b *bound, alias string) []column {
	cols := make([]column, len(b.cols))
	for i, k := range b.cols {
		cols[i] = column{name: k.Name, sql: fmt.Sprintf("%s.c%d", alias, i+1), t: settled(k.Type), ci: k.CI, notNull: k.NotNull}
	}
	return cols
}

// fromQuery lowers a derived table. A LATERAL one that uses its neighbours
// becomes json_each over a correlated scalar subquery.
func (c *comp) fromQuery(sc *scope, n *tree.Subquery) string {
	outer := &scope{parent: sc.parent, ctes: sc.ctes}
	if n.Lateral {
		outer = sc
	}
	b := c.query(outer, n.Query, nil)
	r := &relation{name: n.Alias, alias: c.newAlias("t")}
	r.cols = columnsOf(b, r.alias)
	c.rename(r, n.Alias, n.Columns)
	text := b.text(nil)
	if n.Lateral && len(sc.rels) > 0 {
		items := make([]string, len(r.cols))
		for i := range r.cols {
			items[i] = fmt.Sprintf("c%d", i+1)
			r.cols[i].sql = fmt.Sprintf("(%s.value ->> %d)", r.alias, i)
		}
		text = fmt.Sprintf("json_each((SELECT json_group_array(json_array(%s)) FROM (%s)))", strings.Join(items, ","), text)
	} else {
		text = "(" + text + ")"
	}
	c.add(sc, r)
	return text + " AS " + r.alias
}

// fromFunc lowers a function in FROM.
func (c *comp) fromFunc(sc *scope, n *tree.FuncTable) string {
	r := &relation{name: n.Alias, alias: c.newAlias("t")}
	if r.name == "" {
		r.name = n.Call.Name
	}
	outer := &scope{parent: sc, clause: "functions in FROM"}
	args := c.args(outer, n.Call.Args)
	f := c.resolve(c.funcsTable()[n.Call.Name], args)
	var text string
	switch {
	case f == nil || f.Kind != funcs.SetOf:
		e := c.call(outer, n.Call)
		r.cols = []column{{name: n.Call.Name, t: e.t, sql: r.alias + ".c1"}}
		r.scalar = true
		text = fmt.Sprintf("json_each(json_array(%s))", e.sql)
		r.cols[0].sql = r.alias + ".value"
	case f.Name == "generate_series" && rank(args[0].t) > 0 && rank(args[0].t) <= 5 && len(sc.rels) == 0 && sc.parent == nil && !n.Ordinality:
		text = c.series(f, args, r)
	default:
		e := c.emit(f, args, nil)
		text = "json_each(" + e.sql + ")"
		r.cols = c.srfColumns(n, f, e, r.alias)
		r.scalar = len(f.Cols) == 0
	}
	if n.Ordinality {
		r.cols = append(r.cols, column{name: "ordinality", t: typ(op.TInt8), sql: "(" + r.alias + ".key+1)"})
	}
	if r.scalar && n.Alias != "" {
		r.cols[0].name = n.Alias
	}
	names := n.Columns
	if len(n.Types) > 0 {
		r.cols = r.cols[:0]
		for i, tn := range n.Types {
			t := c.typeOf(tn)
			name := quoteText(n.Columns[i])
			e := mk(typ(op.TString), "(%s.value ->> %s)", r.alias, name)
			if t.Base == op.TJSON || t.Base == op.TJSONB {
				e = mk(t, "(%s.value -> %s)", r.alias, name)
			}
			r.cols = append(r.cols, column{name: n.Columns[i], t: bare(t), sql: c.cast(e, t).sql})
		}
		r.scalar, names = false, nil
	}
	c.rename(r, n.Alias, names)
	c.add(sc, r)
	return text + " AS " + r.alias
}

// srfColumns are the columns of a set-returning function's JSON rows.
func (c *comp) srfColumns(n *tree.FuncTable, f *funcs.Func, e ex, alias string) []column {
	if len(f.Cols) == 0 {
		return []column{{name: n.Call.Name, t: e.t, sql: alias + ".value"}}
	}
	cols := make([]column, len(f.Cols))
	for i, k := range f.Cols {
		cols[i] = column{name: k.Name, t: k.Type, sql: fmt.Sprintf("(%s.value ->> %d)", alias, i)}
	}
	return cols
}

// series lowers generate_series over integers as a recursive query, so that
// a long one takes no memory.
func (c *comp) series(f *funcs.Func, args []ex, r *relation) string {
	t := f.Result([]op.Type{typ(op.TInt4)})
	for i := range args {
		want, _ := f.Arg(i)
		args[i] = c.ranged(c.coerce(args[i], want))
		t = want
	}
	step := "1"
	if len(args) > 2 {
		step = "dotdo_step(" + args[2].sql + ")"
	}
	r.cols = []column{{name: "generate_series", t: t, sql: r.alias + ".v"}}
	r.scalar = true
	return fmt.Sprintf("(WITH RECURSIVE g(v,hi,st) AS (SELECT %s,%s,%s WHERE CASE WHEN %s>0 THEN %s<=%s ELSE %s>=%s END UNION ALL SELECT v+st,hi,st FROM g WHERE CASE WHEN st>0 THEN v+st<=hi ELSE v+st>=hi END) SELECT v FROM g)",
		args[0].sql, args[1].sql, step, step, args[0].sql, args[1].sql, args[0].sql, args[1].sql)
}

// srfItem lowers a set-returning function in a select list: it joins FROM.
func (c *comp) srfItem(sc *scope, n *tree.Call, f *funcs.Func, args []ex) ex {
	if sc.q == nil || sc.clause != "SELECT" || sc.q.inAgg {
		e := op.Errorf(op.Unsupported, "set-returning functions are not allowed in %s", sc.clause)
		e.Position = n.Pos
		panic(failure{e})
	}
	if len(sc.q.srf) > 0 {
		fail(op.Unsupported, "several set-returning functions in one select list are not supported")
	}
	e := c.emit(f, args, nil)
	a := c.newAlias("t")
	sc.q.srf = append(sc.q.srf, "json_each("+e.sql+") AS "+a)
	if len(f.Cols) == 0 {
		return ex{sql: a + ".value", t: e.t}
	}
	cols := c.srfColumns(&tree.FuncTable{Call: n}, f, e, a)
	return ex{t: typ(op.TRecord), row: cols, sql: a + ".value"}
}

// join lowers a join.
func (c *comp) join(sc *scope, n *tree.Join) string {
	from := len(sc.rels)
	before := len(sc.order)
	left := c.from(sc, n.Left)
	mid := len(sc.rels)
	right := c.from(sc, n.Right)
	if _, ok := n.Right.(*tree.Join); ok {
		right = "(" + right + ")"
	}
	kind := map[string]string{"INNER": "JOIN", "LEFT": "LEFT JOIN", "RIGHT": "RIGHT JOIN", "FULL": "FULL JOIN", "CROSS": "JOIN"}[n.Kind]
	if kind == "" {
		fail(op.Unsupported, "%s JOIN is not supported", n.Kind)
	}
	using := n.Using
	if n.Natural {
		using = c.shared(sc.rels[from:mid], sc.rels[mid:])
	}
	on := ""
	switch {
	case len(using) > 0:
		on = " ON " + c.using(sc, n.Kind, from, mid, using)
	case n.On != nil:
		old := sc.clause
		sc.clause = "JOIN/ON"
		on = " ON " + c.cond(sc, n.On, "JOIN/ON").sql
		sc.clause = old
	case kind != "JOIN":
		on = " ON 1"
	}
	for i, r := range sc.rels[from:] {
		if n.Kind == "FULL" || n.Kind == "LEFT" && from+i >= mid || n.Kind == "RIGHT" && from+i < mid {
			for k := range r.cols {
				r.cols[k].notNull = false
			}
		}
	}
	if n.Alias != "" {
		c.joinAlias(sc, n, from, before)
	}
	return left + " " + kind + " " + right + on
}

// joinAlias makes one relation of the joined ones, whose names it hides. order
// is how many USING columns belong to what stands before the join.
func (c *comp) joinAlias(sc *scope, n *tree.Join, from, order int) {
	r := &relation{name: n.Alias}
	for _, k := range sc.order[min(order, len(sc.order)):] {
		r.cols = append(r.cols, *k)
	}
	sc.order = sc.order[:min(order, len(sc.order))]
	for _, old := range sc.rels[from:] {
		old.name, old.schema = "", "\x00"
		for i := range old.cols {
			if k := &old.cols[i]; !k.merged && !k.hidden {
				r.cols = append(r.cols, *k)
			}
			old.cols[i].merged = true
		}
	}
	c.rename(r, n.Alias, n.Columns)
	c.add(sc, r)
}

// shared returns the column names two sides have in common.
func (c *comp) shared(l, r []*relation) []string {
	var out []string
	for _, a := range l {
		for _, k := range a.cols {
			for _, b := range r {
				for _, m := range b.cols {
					if !k.merged && !m.merged && c.same(k.name, m.name) {
						out = append(out, k.name)
					}
				}
			}
		}
	}
	return out
}

// using merges the USING columns of the relations [from,mid) and [mid,…).
func (c *comp) using(sc *scope, kind string, from, mid int, names []string) string {
	find := func(rels []*relation, name, side string) *column {
		for _, r := range rels {
			for i := range r.cols {
				if c.same(r.cols[i].name, name) && !r.cols[i].merged {
					return &r.cols[i]
				}
			}
		}
		e := op.Errorf(op.NoColumn, "column %q specified in USING clause does not exist in %s table", name, side)
		e.Column = name
		panic(failure{e})
	}
	tests := make([]string, len(names))
	for i, name := range names {
		var l *column
		for _, k := range sc.order {
			if c.same(k.name, name) {
				l = k
			}
		}
		if l == nil {
			l = find(sc.rels[from:mid], name, "left")
		}
		r := find(sc.rels[mid:], name, "right")
		tests[i] = c.compare("=", colEx(l), colEx(r), 0).sql
		m := *l
		switch kind {
		case "RIGHT":
			m = *r
			m.rel = l.rel
		case "FULL":
			t := c.unify([]ex{colEx(l), colEx(r)}, "JOIN/USING")
			m.e = &ex{sql: fmt.Sprintf("coalesce(%s,%s)", c.coerce(colEx(l), t).sql, c.coerce(colEx(r), t).sql), t: t, ci: l.ci}
		}
		l.merged, r.merged = true, true
		m.merged = false
		kept := sc.order[:0]
		for _, k := range sc.order {
			if !c.same(k.name, name) {
				kept = append(kept, k)
			}
		}
		sc.order = append(kept, &m)
	}
	return strings.Join(tests, " AND ")
}

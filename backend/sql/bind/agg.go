package bind

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// aggParts are the clauses around an aggregate's arguments.
type aggParts struct {
	distinct string
	order    string
	filter   string
	over     string
}

// wrap writes one SQLite aggregate call.
func (a *aggParts) wrap(name, args string) string {
	order := a.order
	switch name {
	case "count", "sum", "min", "max", "total", "avg":
		order = ""
	}
	if args == "" {
		order = ""
	}
	return name + "(" + a.distinct + args + order + ")" + a.filter + a.over
}

// aggParts lowers the clauses of an aggregate or window call and marks the
// query level as aggregated.
func (c *comp) aggParts(sc *scope, n *tree.Call) *aggParts {
	p := &aggParts{}
	if n.Distinct {
		p.distinct = "DISTINCT "
		if n.Over != nil {
			fail(op.Unsupported, "DISTINCT is not implemented for window functions")
		}
	}
	if len(n.Order) > 0 && !n.Within {
		if n.Over != nil {
			fail(op.Unsupported, "aggregate ORDER BY is not implemented for window functions")
		}
		p.order = " ORDER BY " + c.orderList(sc, n.Order)
	}
	if n.Filter != nil {
		p.filter = " FILTER (WHERE " + c.cond(sc, n.Filter, "FILTER").sql + ")"
	}
	return p
}

// enterAgg checks that an aggregate may stand here.
func (c *comp) enterAgg(sc *scope, n *tree.Call) (leave func()) {
	if n.Over != nil {
		switch sc.clause {
		case "WHERE", "GROUP BY", "HAVING", "JOIN/ON":
			c.groupingFail(n.Pos, "window functions are not allowed in %s", sc.clause)
		}
		return func() { c.window(sc, n) }
	}
	switch sc.clause {
	case "WHERE", "GROUP BY", "JOIN/ON", "RETURNING", "VALUES", "UPDATE", "LIMIT":
		c.groupingFail(n.Pos, "aggregate functions are not allowed in %s", strings.Replace(sc.clause, "JOIN/ON", "JOIN conditions", 1))
	}
	if sc.q == nil {
		c.groupingFail(n.Pos, "aggregate functions are not allowed here")
	}
	if sc.q.inAgg {
		c.groupingFail(n.Pos, "aggregate function calls cannot be nested")
	}
	mark := sc.mark()
	sc.q.inAgg = true
	return func() {
		sc.q.inAgg = false
		sc.q.agg = true
		sc.q.loose = sc.q.loose[:mark]
	}
}

// groupingFail reports a misplaced aggregate or column (42803).
func (c *comp) groupingFail(pos int, format string, args ...any) {
	e := op.Errorf(op.Grouping, format, args...)
	e.Position = pos
	panic(failure{e})
}

// window validates that OVER has a query level.
func (c *comp) window(sc *scope, n *tree.Call) {
	if sc.q == nil {
		c.groupingFail(n.Pos, "window functions are not allowed here")
	}
	sc.q.windows = true
}

// aggregate lowers a table aggregate or window function.
func (c *comp) aggregate(sc *scope, n *tree.Call, overloads []*funcs.Func) ex {
	if overloads[0].Kind == funcs.Window && n.Over == nil {
		e := op.Errorf(op.TypeMismatch, "window function %s requires an OVER clause", n.Name)
		e.Object, e.Position = "window", n.Pos
		panic(failure{e})
	}
	leave := c.enterAgg(sc, n)
	var args []ex
	if n.Star {
		if n.Name != "count" {
			c.noFunction(n, nil)
		}
	} else {
		args = c.args(sc, n.Args)
	}
	if n.Within {
		for _, o := range n.Order {
			args = append(args, c.settle(c.expr(sc, o.Expr)))
		}
	}
	if n.Name == "count" && n.Distinct && len(args) > 1 {
		args = []ex{c.tuple(args)}
	} else if len(args) == 1 && args[0].fields() != nil {
		args[0] = mk(typ(op.TString), "%s", args[0].sql)
	}
	p := c.aggParts(sc, n)
	leave()
	p.over = c.over(sc, n.Over)
	if (n.Name == "min" || n.Name == "max") && len(args) == 1 && args[0].t.OID != 0 && !args[0].t.Array {
		return c.enumExtreme(n.Name, args[0], p)
	}
	f := c.resolve(overloads, args)
	if f == nil && n.Star {
		f = &funcs.Func{Name: "count", Ret: typ(op.TInt8), RetArg: -1, Template: "@count(*)", Kind: funcs.Aggregate}
	}
	if f == nil {
		c.noFunction(n, args)
	}
	if n.Within && len(n.Order) == 1 && n.Order[0].Desc {
		fail(op.Unsupported, "%s WITHIN GROUP (ORDER BY … DESC) is not supported", n.Name)
	}
	if n.Distinct && len(args) > 0 {
		// equal numbers of different scale are one value
		args[0] = c.settle(args[0])
		args[0].sql += coll(args[0].t, args[0].ci)
	}
	return c.emit(f, args, p)
}

// tuple makes one value of several, NULL if any is NULL.
func (c *comp) tuple(args []ex) ex {
	var texts, tests []string
	for _, a := range args {
		a = c.settle(a)
		texts = append(texts, a.sql)
		tests = append(tests, a.sql+" IS NULL")
	}
	return mk(typ(op.TString), "(CASE WHEN %s THEN NULL ELSE json_array(%s) END)", strings.Join(tests, " OR "), strings.Join(texts, ","))
}

// over lowers an OVER clause.
func (c *comp) over(sc *scope, w *tree.Window) string {
	if w == nil {
		return ""
	}
	full := *w
	for hops := 0; full.Ref != ""; hops++ {
		def := sc.findWindow(full.Ref)
		if def == nil || hops > 20 {
			e := op.Errorf(op.Undefined, "window %q does not exist", full.Ref)
			e.Object, e.Name = "window", full.Ref
			panic(failure{e})
		}
		if len(full.Partition) == 0 {
			full.Partition = def.Partition
		}
		if len(full.Order) == 0 {
			full.Order = def.Order
		}
		if full.Frame == "" {
			full.Frame, full.Start, full.End = def.Frame, def.Start, def.End
		}
		full.Ref = def.Ref
	}
	var parts []string
	if len(full.Partition) > 0 {
		var p []string
		for _, x := range full.Partition {
			e := c.settle(c.expr(sc, x))
			p = append(p, e.sql+coll(e.t, e.ci))
		}
		parts = append(parts, "PARTITION BY "+strings.Join(p, ","))
	}
	if len(full.Order) > 0 {
		parts = append(parts, "ORDER BY "+c.orderList(sc, full.Order))
	}
	if full.Frame != "" {
		frame := full.Frame
		for i, x := range []tree.Expr{full.Start, full.End} {
			if x != nil {
				frame = strings.ReplaceAll(frame, fmt.Sprintf("?%d", i+1), "\x01"+c.coerce(c.expr(sc, x), typ(op.TInt8)).sql)
			}
		}
		parts = append(parts, strings.ReplaceAll(frame, "\x01", ""))
	}
	return " OVER (" + strings.Join(parts, " ") + ")"
}

// findWindow looks a WINDOW entry up.
func (sc *scope) findWindow(name string) *tree.Window {
	for s := sc; s != nil; s = s.parent {
		if s.q == nil {
			continue
		}
		for _, w := range s.q.defs {
			if w.Name == name {
				return w.Def
			}
		}
	}
	return nil
}

// orderList lowers ORDER BY terms that are plain expressions.
func (c *comp) orderList(sc *scope, list []tree.Order) string {
	out := make([]string, len(list))
	for i, o := range list {
		e := c.settle(c.expr(sc, o.Expr))
		if e.konst != nil {
			e.sql = "CAST(" + e.sql + " AS TEXT)"
		}
		out[i] = c.orderTerm(e, o)
	}
	return strings.Join(out, ",")
}

// orderTerm writes one ORDER BY term.
func (c *comp) orderTerm(e ex, o tree.Order) string {
	s := e.sql
	if parts := e.fields(); parts != nil {
		terms := make([]string, len(parts))
		for i, p := range parts {
			terms[i] = c.orderTerm(c.settle(p), o)
		}
		return strings.Join(terms, ",")
	}
	if e.t.Base == op.TJSONB && !e.t.Array {
		s = "dotdo_jsonb_key(" + s + ")"
	}
	s = c.ranked(e, s) + coll(e.t, e.ci)
	if o.Desc {
		s += " DESC"
	}
	// SQLite sorts NULL lowest: say NULLS only where that differs
	if o.NullsFirst == o.Desc && (e.col == nil || !e.col.notNull) {
		if o.NullsFirst {
			s += " NULLS FIRST"
		} else {
			s += " NULLS LAST"
		}
	}
	return s
}

// jsonAgg lowers json_agg, json_object_agg and their jsonb forms.
func (c *comp) jsonAgg(sc *scope, n *tree.Call) ex {
	leave := c.enterAgg(sc, n)
	args := c.args(sc, n.Args)
	object := strings.Contains(n.Name, "object")
	want := 1 + b2i(object)
	if len(args) != want {
		c.noFunction(n, args)
	}
	value := c.jsonOf(args[want-1])
	if object {
		value = fmt.Sprintf("(dotdo_to_json(%s,%d,NULL)||' : '||%s)", c.cast(c.settle(args[0]), typ(op.TString)).sql, op.TString, value)
	}
	p := c.aggParts(sc, n)
	leave()
	p.over = c.over(sc, n.Over)
	open, end := "[", "]"
	if object {
		open, end = "{ ", " }"
	}
	var list string
	if n.Distinct {
		list = fmt.Sprintf("dotdo_array_to_string(%s,', ')", p.wrap("json_group_array", value))
	} else {
		sep := "', '"
		if args[want-1].fields() != nil {
			sep = "', '||char(10)||' '"
		}
		list = p.wrap("group_concat", value+","+sep)
	}
	if strings.HasPrefix(n.Name, "jsonb") {
		return mk(typ(op.TJSONB), "dotdo_jsonb('%s'||%s||'%s')", open, list, end)
	}
	return mk(typ(op.TJSON), "('%s'||%s||'%s')", open, list, end)
}

// arrayAgg lowers array_agg.
func (c *comp) arrayAgg(sc *scope, n *tree.Call) ex {
	leave := c.enterAgg(sc, n)
	args := c.args(sc, n.Args)
	if len(args) != 1 {
		c.noFunction(n, args)
	}
	e := c.ranged(c.settle(args[0]))
	p := c.aggParts(sc, n)
	leave()
	p.over = c.over(sc, n.Over)
	t := bare(e.t)
	value := e.sql
	if t.Array {
		value = "json(" + value + ")"
	} else if t.Base == op.TBytea {
		value = "dotdo_elem(" + value + ")"
	}
	t.Array = true
	return mk(t, "nullif(%s,'[]')", p.wrap("json_group_array", value))
}

// stringAgg lowers string_agg and GROUP_CONCAT.
func (c *comp) stringAgg(sc *scope, n *tree.Call) ex {
	leave := c.enterAgg(sc, n)
	args := c.args(sc, n.Args)
	sep := constEx(op.Text(","), typ(op.TString))
	if c.my {
		if n.Sep != nil {
			sep = c.settle(c.expr(sc, n.Sep))
		}
		for i := range args {
			args[i] = c.cast(c.settle(args[i]), typ(op.TString))
		}
		if len(args) > 1 {
			texts := make([]string, len(args))
			for i := range args {
				texts[i] = args[i].sql
			}
			args = []ex{mk(typ(op.TString), "(%s)", strings.Join(texts, "||"))}
		}
	} else {
		if len(args) != 2 {
			c.noFunction(n, args)
		}
		sep = args[1]
		if args[0].t.Base != op.TUnknown && !funcs.IsText(args[0].t) && args[0].t.Base != op.TBytea {
			c.noFunction(n, args)
		}
		args[0], sep = c.settle(args[0]), c.settle(sep)
	}
	p := c.aggParts(sc, n)
	leave()
	p.over = c.over(sc, n.Over)
	if !n.Distinct {
		return ex{sql: p.wrap("group_concat", args[0].sql+","+sep.sql), t: typ(op.TString), ci: c.my}
	}
	if p.filter == "" {
		p.filter = " FILTER (WHERE " + args[0].sql + " IS NOT NULL)"
	} else {
		p.filter = strings.TrimSuffix(p.filter, ")") + " AND " + args[0].sql + " IS NOT NULL)"
	}
	if p.order == "" && !c.my {
		p.order = " ORDER BY " + args[0].sql
	}
	return ex{sql: fmt.Sprintf("dotdo_array_to_string(nullif(%s,'[]'),%s)", p.wrap("json_group_array", args[0].sql+coll(args[0].t, args[0].ci)), sep.sql), t: typ(op.TString), ci: c.my}
}

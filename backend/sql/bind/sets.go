package bind

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// in lowers IN over a list or subquery.
func (c *comp) in(sc *scope, n *tree.In) ex {
	x := c.expr(sc, n.X)
	if n.Query != nil {
		return c.not(n.Not, c.inQuery(sc, x, n.Query, "="))
	}
	items := c.args(sc, n.List)
	if x.fields() != nil {
		tests := make([]string, len(items))
		for i, it := range items {
			tests[i] = c.compare("=", x, it, n.Pos).sql
		}
		return c.not(n.Not, mk(c.boolType(), "(%s)", strings.Join(tests, " OR ")))
	}
	t := c.unify(append([]ex{x}, items...), "IN")
	if t.Base == op.TUnknown {
		t = typ(op.TString)
	}
	mixed := false
	for _, it := range append([]ex{x}, items...) {
		mixed = mixed || it.t.Base != op.TUnknown && bare(it.t) != bare(t)
	}
	if mixed && (c.my || rank(t) > 5) || len(items) == 1 {
		tests := make([]string, len(items))
		for i, it := range items {
			tests[i] = c.compare("=", x, it, n.Pos).sql
		}
		if len(tests) == 1 {
			return c.not(n.Not, mk(c.boolType(), "%s", tests[0]))
		}
		return c.not(n.Not, mk(c.boolType(), "(%s)", strings.Join(tests, " OR ")))
	}
	x = c.coerce(x, t)
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = c.coerce(it, bare(t)).sql
	}
	return c.not(n.Not, mk(c.boolType(), "(%s%s IN (%s))", x.sql, coll(x.t, x.ci), strings.Join(texts, ",")))
}

// inQuery lowers x op ANY (subquery).
func (c *comp) inQuery(sc *scope, x ex, q *tree.Select, opr string) ex {
	var want []op.Type
	b := c.query(sc, q, nil)
	parts := x.fields()
	if parts == nil {
		parts = []ex{x}
	}
	if len(parts) != len(b.cols) {
		if len(parts) == 1 {
			c.oneColumn(b)
		}
		fail(op.Syntax, "subquery has too %s columns", map[bool]string{true: "few", false: "many"}[len(parts) > len(b.cols)])
	}
	left := make([]string, len(parts))
	for i, p := range parts {
		r := ex{sql: "x", t: b.cols[i].Type, ci: b.cols[i].CI}
		l, r2, t := c.pair(opr, p, r, 0)
		if r2.sql != "x" && bare(r2.t) != bare(b.cols[i].Type) || r.t.Base == op.TUnknown {
			want = append(want, bare(t))
		} else {
			want = append(want, op.Type{})
		}
		left[i] = l.sql + coll(t, l.ci && r.ci || c.my && l.ci)
	}
	text := b.text(want)
	if len(left) == 1 {
		return mk(c.boolType(), "(%s IN (%s))", left[0], text)
	}
	return mk(c.boolType(), "((%s) IN (%s))", strings.Join(left, ","), text)
}

// quantified lowers op ANY/ALL over an array or subquery.
func (c *comp) quantified(sc *scope, n *tree.Quantified) ex {
	x := c.expr(sc, n.L)
	if n.Query != nil {
		switch {
		case n.Op == "=" && !n.All:
			return c.inQuery(sc, x, n.Query, "=")
		case n.Op == "<>" && n.All:
			return c.not(true, c.inQuery(sc, x, n.Query, "="))
		}
		b := c.query(sc, n.Query, nil)
		c.oneColumn(b)
		item := ex{sql: "q.c1", t: settled(b.cols[0].Type), ci: b.cols[0].CI}
		return c.quantify(n, x, item, "("+b.text(nil)+") AS q")
	}
	arr := c.expr(sc, n.R)
	if arr.t.Base == op.TUnknown {
		t := listOf(settled(x.t))
		if c.params != nil && x.t.Base == op.TUnknown {
			x = c.settle(x)
		}
		arr = c.coerce(arr, t)
	}
	if !arr.t.Array && arr.t.Base != op.TInt2Vector && arr.t.Base != op.TOIDVector {
		e := op.Errorf(op.TypeMismatch, "op ANY/ALL (array) requires array on right side")
		e.Object, e.Position = "array", n.Pos
		panic(failure{e})
	}
	et := elemOf(arr.t)
	switch arr.t.Base {
	case op.TInt2Vector:
		et.Base = op.TInt2
	case op.TOIDVector:
		et.Base = op.TOID
	}
	x = c.coerce2(x, et)
	q := c.newAlias("q")
	item := ex{sql: q + ".value", t: et}
	if n.Op == "=" && !n.All && coll(et, false) == "" && (bare(x.t) == et || funcs.IsText(x.t) && funcs.IsText(et) || rank(x.t) > 0 && rank(x.t) <= 5 && rank(et) > 0 && rank(et) <= 5) {
		return mk(c.boolType(), "(%s IN (SELECT value FROM json_each(%s)))", x.sql, arr.sql)
	}
	e := c.quantify(n, x, item, fmt.Sprintf("json_each(%s) AS %s", arr.sql, q))
	e.sql = fmt.Sprintf("(CASE WHEN %s IS NULL THEN NULL ELSE %s END)", arr.sql, e.sql)
	return e
}

// quantify writes the three-valued ANY/ALL test over a FROM entry.
func (c *comp) quantify(n *tree.Quantified, x, item ex, from string) ex {
	var test ex
	if strings.Contains(n.Op, "LIKE") || strings.Contains(n.Op, "~") {
		l, r := c.cast(c.settle(x), typ(op.TString)), item
		if strings.Contains(n.Op, "LIKE") {
			test = c.not(strings.HasPrefix(n.Op, "NOT"), mk(c.boolType(), "dotdo_like(%s,%s,'\\',%d)", l.sql, r.sql, b2i(strings.Contains(n.Op, "ILIKE"))))
		} else {
			test = c.not(n.Op[0] == '!', mk(c.boolType(), "dotdo_regex(%s,%s,'%s')", l.sql, r.sql, map[bool]string{true: "i"}[strings.HasSuffix(n.Op, "*")]))
		}
	} else {
		test = c.compare(n.Op, x, item, n.Pos)
	}
	// max/min over true, false, NULL: 2 = true, 1 = unknown, 0 = false
	val := fmt.Sprintf("CASE WHEN %s THEN 2 WHEN %s IS NULL THEN 1 ELSE 0 END", test.sql, test.sql)
	if n.All {
		return mk(c.boolType(), "(SELECT CASE coalesce(min(%s),2) WHEN 2 THEN 1 WHEN 0 THEN 0 END FROM %s)", val, from)
	}
	return mk(c.boolType(), "(SELECT CASE coalesce(max(%s),0) WHEN 2 THEN 1 WHEN 0 THEN 0 END FROM %s)", val, from)
}

// rowExpr lowers ROW(…).
func (c *comp) rowExpr(sc *scope, n *tree.Row) ex {
	items := c.args(sc, n.Items)
	if len(items) == 0 {
		return ex{t: typ(op.TRecord), sql: "'[]'"}
	}
	texts := make([]string, len(items))
	for i := range items {
		texts[i] = items[i].sql
	}
	return ex{t: typ(op.TRecord), rowEx: items, sql: "json_array(" + strings.Join(texts, ",") + ")"}
}

// array lowers ARRAY[…].
func (c *comp) array(sc *scope, n *tree.Array) ex {
	items := c.args(sc, n.Items)
	if len(items) == 0 {
		fail(op.DatatypeUnknown, "cannot determine type of empty array")
	}
	t := c.unify(items, "ARRAY")
	if t.Base == op.TUnknown {
		t.Base = op.TString
	}
	t.Array = true
	return c.arrayOf(items, t)
}

// arrayOf builds an array of type t.
func (c *comp) arrayOf(items []ex, t op.Type) ex {
	et := bare(t)
	et.Array = false
	texts := make([]string, len(items))
	for i, it := range items {
		if it.t.Array {
			texts[i] = "json(" + c.coerce(it, bare(t)).sql + ")"
			continue
		}
		texts[i] = c.ranged(c.coerce(it, et)).sql
		if et.Base == op.TBytea {
			texts[i] = "dotdo_elem(" + texts[i] + ")"
		}
	}
	return mk(bare(t), "json_array(%s)", strings.Join(texts, ","))
}

// subscript lowers x[i] and x[a:b] of arrays and jsonb.
func (c *comp) subscript(sc *scope, n *tree.Subscript) ex {
	if e, ok := c.deep(sc, n); ok {
		return e
	}
	x := c.expr(sc, n.X)
	if x.t.Base == op.TJSONB && !x.t.Array && !n.Slice {
		return c.operator("->", []ex{x, c.expr(sc, n.Index)}, 0)
	}
	if x.t.Base == op.TName && !x.t.Array && !n.Slice {
		return mk(typ(op.TCharByte), "substr(%s,%s+1,1)", x.sql, c.coerce(c.expr(sc, n.Index), typ(op.TInt4)).sql)
	}
	if !x.t.Array && x.t.Base != op.TInt2Vector && x.t.Base != op.TOIDVector {
		e := op.Errorf(op.TypeMismatch, "cannot subscript type %s because it does not support subscripting", c.typeWord(x.t))
		e.Object = "subscript"
		panic(failure{e})
	}
	bound := func(y tree.Expr) string {
		if y == nil {
			return "NULL"
		}
		return c.coerce(c.expr(sc, y), typ(op.TInt4)).sql
	}
	if n.Slice {
		return mk(x.t, "dotdo_array_slice(%s,%s,%s)", x.sql, bound(n.Index), bound(n.Upper))
	}
	et := elemOf(x.t)
	base := 1
	switch x.t.Base {
	case op.TInt2Vector:
		et.Base, base = op.TInt2, 0
	case op.TOIDVector:
		et.Base, base = op.TOID, 0
	}
	e := mk(et, "(%s ->> (%s-%d))", x.sql, bound(n.Index), base)
	if idx, ok := n.Index.(*tree.Const); ok && idx.Value.Kind == op.KindInt64 && base == 1 {
		if i := idx.Value.Int(); i < 1 {
			return ex{sql: "NULL", t: et, null: true, konst: &op.Value{}}
		} else {
			e.sql = "(" + x.sql + " ->> " + strconv.FormatInt(i-1, 10) + ")"
		}
	} else {
		e.sql = fmt.Sprintf("(CASE WHEN %s>=%d THEN %s END)", bound(n.Index), base, e.sql)
	}
	return e
}

// deep lowers a[i][j]… of an array by one JSON path.
func (c *comp) deep(sc *scope, n *tree.Subscript) (ex, bool) {
	var idx []tree.Expr
	var base tree.Expr = n
	for {
		s, ok := base.(*tree.Subscript)
		if !ok {
			break
		}
		if s.Slice {
			return ex{}, false
		}
		idx = append([]tree.Expr{s.Index}, idx...)
		base = s.X
	}
	if len(idx) < 2 {
		return ex{}, false
	}
	x := c.expr(sc, base)
	if !x.t.Array {
		return ex{}, false
	}
	path := "'$'"
	for _, i := range idx {
		path += "||'['||(" + c.coerce(c.expr(sc, i), typ(op.TInt4)).sql + "-1)||']'"
	}
	return mk(elemOf(x.t), "(%s ->> (%s))", x.sql, path), true
}

// field lowers (row).field.
func (c *comp) field(sc *scope, n *tree.Field) ex {
	x := c.expr(sc, n.X)
	for i := range x.row {
		if c.same(x.row[i].name, n.Name) {
			return colEx(&x.row[i])
		}
	}
	for i := range x.rowEx {
		if n.Name == "f"+strconv.Itoa(i+1) {
			return x.rowEx[i]
		}
	}
	e := op.Errorf(op.NoColumn, "column %q not found in data type %s", n.Name, c.typeWord(x.t))
	e.Column = n.Name
	panic(failure{e})
}

package bind

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// bound is a typed query whose text is written when the wanted output types
// are known. Its outputs are named c1 … cn.
type bound struct {
	cols   []op.Column // Type.Base TUnknown = undecided
	single bool        // at most one row
	text   func(want []op.Type) string
}

// selectPlan compiles a top-level query.
func (c *comp) selectPlan(s *tree.Select) {
	c.plan.Kind, c.plan.Tag = sql.KindQuery, "SELECT"
	b := c.query(nil, s, nil)
	c.plan.Text = b.text(nil)
	c.plan.Columns = b.cols
	for i := range b.cols {
		b.cols[i].Type = settled(b.cols[i].Type)
	}
	c.routeSelect(s)
}

// query binds a SELECT, VALUES or set operation. want gives the types of
// undecided outputs of VALUES and select lists (INSERT … SELECT).
func (c *comp) query(parent *scope, s *tree.Select, want []op.Type) *bound {
	c.depth++
	if c.depth > maxNesting {
		fail(op.TooLarge, "stack depth limit exceeded")
	}
	defer func() { c.depth-- }()
	sc := &scope{parent: parent}
	if parent == nil {
		c.top = sc
	}
	with := c.with(sc, s.With, s.Recursive)
	var b *bound
	switch {
	case s.SetOp != "":
		b = c.setOp(sc, s, want)
	case len(s.Values) > 0:
		b = c.valuesQuery(sc, s, want)
	default:
		b = c.core(sc, s, want)
	}
	if len(s.With) > 0 {
		inner := b.text
		b.text = func(w []op.Type) string { return with() + inner(w) }
	}
	return b
}

// with binds WITH queries; the returned function writes the clause.
func (c *comp) with(sc *scope, list []tree.CTE, recursive bool) func() string {
	var parts []string
	word := "WITH "
	for i := range list {
		w := &list[i]
		q, ok := w.Query.(*tree.Select)
		if !ok {
			c.modifying(sc, w, list[:i], recursive)
			continue
		}
		e := &cte{name: w.Name, sql: c.newAlias("w")}
		var text string
		if recursive && q.SetOp != "" && q.SetOp == "UNION" && len(q.With) == 0 {
			word = "WITH RECURSIVE "
			text = c.recursive(sc, w, q, e)
		} else {
			b := c.query(sc, q, nil)
			text = b.text(nil)
			e.cols = columnsOf(b, "")
			c.nameCTE(e, w)
			sc.ctes = append(sc.ctes, e)
		}
		names := make([]string, len(e.cols))
		for i := range e.cols {
			names[i] = "c" + strconv.Itoa(i+1)
		}
		parts = append(parts, fmt.Sprintf("%s(%s) AS (%s)", e.sql, strings.Join(names, ","), text))
	}
	return func() string {
		if len(parts) == 0 {
			return ""
		}
		return word + strings.Join(parts, ", ") + " "
	}
}

// nameCTE applies WITH name(columns).
func (c *comp) nameCTE(e *cte, w *tree.CTE) {
	if len(w.Columns) > len(e.cols) {
		fail(op.NoColumn, "WITH query %q has %d columns available but %d columns specified", w.Name, len(e.cols), len(w.Columns))
	}
	for i, n := range w.Columns {
		e.cols[i].name = n
	}
}

// recursive binds a recursive WITH query: the first term gives the types.
func (c *comp) recursive(sc *scope, w *tree.CTE, q *tree.Select, e *cte) string {
	first := c.query(sc, q.Left, nil)
	types := make([]op.Type, len(first.cols))
	for i, k := range first.cols {
		types[i] = settled(bare(k.Type))
	}
	e.cols = columnsOf(first, "")
	for i := range e.cols {
		e.cols[i].t, e.cols[i].notNull = types[i], false
	}
	c.nameCTE(e, w)
	sc.ctes = append(sc.ctes, e)
	rest := c.query(sc, q.Right, types)
	if len(rest.cols) != len(types) {
		fail(op.Syntax, "each UNION query must have the same number of columns")
	}
	word := " UNION "
	if q.SetAll {
		word = " UNION ALL "
	}
	text := c.compound(first, types, q.Left) + word + c.compound(rest, types, q.Right)
	if len(q.Order) > 0 || q.Limit != nil || q.Offset != nil {
		text = c.tail(sc, text, q, first.cols)
	}
	return text
}

// compound writes one arm of a set operation; SQLite allows no clauses or
// nesting there.
func (c *comp) compound(b *bound, want []op.Type, s *tree.Select) string {
	text := b.text(want)
	if s.SetOp != "" || len(s.Order) > 0 || s.Limit != nil || s.Offset != nil || len(s.With) > 0 || len(s.DistinctOn) > 0 {
		cols := make([]string, len(want))
		for i, t := range want {
			cols[i] = fmt.Sprintf("c%d%s AS c%d", i+1, coll(t, false), i+1)
		}
		return "SELECT " + strings.Join(cols, ",") + " FROM (" + text + ")"
	}
	return text
}

// setOp binds UNION, INTERSECT and EXCEPT.
func (c *comp) setOp(sc *scope, s *tree.Select, want []op.Type) *bound {
	l, r := c.query(sc, s.Left, want), c.query(sc, s.Right, want)
	if len(l.cols) != len(r.cols) {
		e := op.Errorf(op.Syntax, "each %s query must have the same number of columns", s.SetOp)
		e.Object = "set columns"
		panic(failure{e})
	}
	types := make([]op.Type, len(l.cols))
	cols := make([]op.Column, len(l.cols))
	for i := range types {
		t := c.unify([]ex{{t: l.cols[i].Type}, {t: r.cols[i].Type}}, s.SetOp)
		if t.Base == op.TUnknown && i < len(want) {
			t = want[i]
		}
		types[i] = t
		cols[i] = op.Column{Name: l.cols[i].Name, Type: t, CI: l.cols[i].CI}
	}
	return &bound{cols: cols, text: func(w []op.Type) string {
		use := make([]op.Type, len(types))
		for i, t := range types {
			if t.Base == op.TUnknown && i < len(w) {
				t = w[i]
			}
			use[i] = settled(t)
		}
		text := c.setText(s, l, r, use)
		if len(s.Order) > 0 || s.Limit != nil || s.Offset != nil {
			text = c.tail(sc, text, s, cols)
		}
		return c.convert(text, use, w)
	}}
}

// setText writes both arms and the operator.
func (c *comp) setText(s *tree.Select, l, r *bound, types []op.Type) string {
	left, right := c.compound(l, types, s.Left), c.compound(r, types, s.Right)
	if !s.SetAll {
		return left + " " + s.SetOp + " " + right
	}
	if s.SetOp == "UNION" {
		return left + " UNION ALL " + right
	}
	names := make([]string, len(types))
	for i := range types {
		names[i] = "c" + strconv.Itoa(i+1)
	}
	list := strings.Join(names, ",")
	number := func(x string) string {
		return fmt.Sprintf("SELECT %s,row_number() OVER (PARTITION BY %s) AS n FROM (%s)", list, list, x)
	}
	return fmt.Sprintf("SELECT %s FROM (%s %s %s)", list, number(left), s.SetOp, number(right))
}

// convert casts the outputs of a finished text when other types are wanted.
func (c *comp) convert(text string, have, want []op.Type) string {
	if want == nil {
		return text
	}
	changed := false
	items := make([]string, len(have))
	for i, t := range have {
		e := ex{sql: "c" + strconv.Itoa(i+1), t: t}
		if i < len(want) && want[i].Base != op.TUnknown && bare(want[i]) != bare(t) {
			e = c.cast(e, bare(want[i]))
			changed = true
		}
		items[i] = fmt.Sprintf("%s AS c%d", e.sql, i+1)
	}
	if !changed {
		return text
	}
	return "SELECT " + strings.Join(items, ",") + " FROM (" + text + ")"
}

// tail wraps a set operation with ORDER BY and LIMIT over its outputs.
func (c *comp) tail(sc *scope, text string, s *tree.Select, cols []op.Column) string {
	names := make([]string, len(cols))
	inner := &scope{parent: sc, clause: "ORDER BY"}
	r := &relation{alias: "u"}
	for i, k := range cols {
		names[i] = "c" + strconv.Itoa(i+1)
		r.cols = append(r.cols, column{name: k.Name, sql: names[i], t: settled(k.Type), ci: k.CI})
	}
	c.add(inner, r)
	var terms []string
	for _, o := range s.Order {
		var e ex
		if n := c.ordinal(o.Expr); n > 0 {
			if n > len(cols) {
				c.badOrdinal(n)
			}
			e = colEx(&r.cols[n-1])
		} else {
			e = c.settle(c.expr(inner, o.Expr))
		}
		terms = append(terms, c.orderTerm(e, o))
	}
	out := "SELECT " + strings.Join(names, ",") + " FROM (" + text + ")"
	if len(terms) > 0 {
		out += " ORDER BY " + strings.Join(terms, ",")
	}
	return out + c.limit(sc, s)
}

// ordinal returns n for the constant n, else 0.
func (c *comp) ordinal(x tree.Expr) int {
	if k, ok := x.(*tree.Const); ok && k.Value.Kind == op.KindInt64 {
		c.fixed(k)
		if n := k.Value.Int(); n > 0 && n < 1<<20 {
			return int(n)
		}
		return 1 << 20
	}
	return 0
}

// badOrdinal reports an ORDER BY or GROUP BY position.
func (c *comp) badOrdinal(n int) {
	e := op.Errorf(op.NoColumn, "ORDER BY position %d is not in select list", n)
	e.Object = "position"
	panic(failure{e})
}

// limit writes LIMIT and OFFSET. A NULL limit is none.
func (c *comp) limit(sc *scope, s *tree.Select) string {
	if s.Limit == nil && s.Offset == nil {
		return ""
	}
	one := func(x tree.Expr, word, null string) string {
		e := c.expr(&scope{parent: sc, clause: "LIMIT"}, x)
		if e.null {
			return null
		}
		if e.konst != nil && e.konst.Kind == op.KindInt64 {
			c.fix(e)
			if e.konst.Int() < 0 {
				x := op.Errorf(op.InvalidArgument, "%s must not be negative", word)
				x.Object = word
				panic(failure{x})
			}
			return e.sql
		}
		if e.t.Base != op.TUnknown && bare(e.t) != typ(op.TInt8) {
			e = c.cast(e, typ(op.TInt8))
		}
		e = c.coerce(e, typ(op.TInt8))
		return "coalesce(" + e.sql + "," + null + ")"
	}
	out := " LIMIT "
	if s.Limit == nil {
		out += "-1"
	} else {
		out += one(s.Limit, "LIMIT", "-1")
	}
	if s.Offset != nil {
		out += " OFFSET " + one(s.Offset, "OFFSET", "0")
	}
	return out
}

// valuesQuery binds VALUES.
func (c *comp) valuesQuery(sc *scope, s *tree.Select, want []op.Type) *bound {
	sc.clause = "VALUES"
	n := len(s.Values[0])
	rows := make([][]ex, len(s.Values))
	cols := make([]op.Column, n)
	for i, row := range s.Values {
		if len(row) != n {
			fail(op.Syntax, "VALUES lists must all be the same length")
		}
		rows[i] = c.args(sc, row)
	}
	for k := range cols {
		column := make([]ex, len(rows))
		for i := range rows {
			column[i] = rows[i][k]
		}
		cols[k] = op.Column{Name: "column" + strconv.Itoa(k+1), Type: c.unify(column, "VALUES"), CI: c.my}
		if c.my {
			cols[k].Name = "column_" + strconv.Itoa(k)
		}
	}
	b := &bound{cols: cols, single: len(rows) == 1}
	b.text = func(w []op.Type) string {
		var out strings.Builder
		for i, row := range rows {
			if i > 0 {
				out.WriteString(" UNION ALL ")
			}
			out.WriteString("SELECT ")
			for k, e := range row {
				if k > 0 {
					out.WriteByte(',')
				}
				e = c.output(e, cols[k].Type, want, w, k)
				fmt.Fprintf(&out, "%s AS c%d", e.sql, k+1)
			}
		}
		if len(s.Order) > 0 || s.Limit != nil || s.Offset != nil {
			return c.tail(sc, out.String(), s, cols)
		}
		return out.String()
	}
	return b
}

// output gives one output expression its final type.
func (c *comp) output(e ex, t op.Type, want, w []op.Type, k int) ex {
	if t.Base == op.TUnknown && k < len(want) {
		t = want[k]
	}
	if k < len(w) && w[k].Base != op.TUnknown {
		t = w[k]
	}
	if t.Base == op.TUnknown {
		return c.settle(e)
	}
	if e.fields() != nil && t.Base == op.TRecord {
		return e
	}
	return c.ranged(c.coerce(e, t))
}

// item is one output of a select list.
type item struct {
	e    ex
	name string
	src  tree.Expr
}

// items binds a select list, expanding stars.
func (c *comp) items(sc *scope, list []tree.Item) []item {
	var out []item
	for _, it := range list {
		switch x := it.Expr.(type) {
		case *tree.Star:
			out = append(out, c.star(sc, x)...)
			continue
		case *tree.Field:
			if x.Name == "*" {
				e := c.expr(sc, x.X)
				if e.row == nil {
					fail(op.Unsupported, "row expansion via \"*\" is not supported here")
				}
				for i := range e.row {
					out = append(out, item{e: colEx(&e.row[i]), name: e.row[i].name})
				}
				continue
			}
		}
		e := c.expr(sc, it.Expr)
		name := it.Alias
		if name == "" {
			name = c.outputName(it)
		}
		out = append(out, item{e: e, name: name, src: it.Expr})
	}
	return out
}

// star expands * and t.*.
func (c *comp) star(sc *scope, x *tree.Star) []item {
	var out []item
	if x.Table.Name != "" {
		r, s := c.findRel(sc, x.Table)
		if r == nil {
			e := op.Errorf(op.NotFound, "missing FROM-clause entry for table %q", x.Table.Name)
			e.Object, e.Name = "from", x.Table.Name
			panic(failure{e})
		}
		for i := range r.cols {
			out = append(out, item{e: c.note(s, colEx(&r.cols[i]), 0), name: r.cols[i].name})
		}
		return out
	}
	if len(sc.rels) == 0 {
		fail(op.Syntax, "SELECT * with no tables specified is not valid")
	}
	for _, k := range sc.order {
		out = append(out, item{e: c.note(sc, colEx(k), 0), name: k.name})
	}
	for _, r := range sc.rels {
		for i := range r.cols {
			if k := &r.cols[i]; !k.merged && !k.hidden {
				out = append(out, item{e: c.note(sc, colEx(k), 0), name: k.name})
			}
		}
	}
	return out
}

// outputName is the name of an output without an alias.
func (c *comp) outputName(it tree.Item) string {
	if c.my {
		if id, ok := it.Expr.(*tree.Ident); ok {
			return id.Parts[len(id.Parts)-1]
		}
		return it.Text
	}
	return figureName(it.Expr)
}

// figureName is PostgreSQL's choice of an output name.
func figureName(x tree.Expr) string {
	s, _ := figure(x)
	return s
}

// figure returns a name and how good it is: 2 a name of its own, 1 a type or
// word that a name inside beats, 0 none.
func figure(x tree.Expr) (string, int) {
	switch n := x.(type) {
	case *tree.Ident:
		return n.Parts[len(n.Parts)-1], 2
	case *tree.Call:
		return n.Name, 2
	case *tree.Cast:
		if s, k := figure(n.X); k > 1 {
			return s, k
		}
		if s, ok := internalNames[n.Type.Resolved.Base]; ok {
			return s, 1
		}
		if t, ok := funcs.TypeByName(n.Type.Name); ok && internalNames[t.Base] != "" {
			return internalNames[t.Base], 1
		}
		return n.Type.Name, 1
	case *tree.Case:
		if n.Else != nil {
			if s, k := figure(n.Else); k > 0 {
				return s, k
			}
		}
		return "case", 1
	case *tree.Array, *tree.ArrayQuery:
		return "array", 2
	case *tree.Row:
		return "row", 2
	case *tree.Exists:
		return "exists", 2
	case *tree.Scalar:
		if len(n.Query.Items) == 1 {
			if n.Query.Items[0].Alias != "" {
				return n.Query.Items[0].Alias, 2
			}
			return figureName(n.Query.Items[0].Expr), 2
		}
		if len(n.Query.Values) > 0 {
			return "column1", 2
		}
	case *tree.Field:
		return n.Name, 2
	case *tree.Subscript:
		return figure(n.X)
	case *tree.Collate:
		return figure(n.X)
	}
	return "?column?", 0
}

// internalNames are the type names PostgreSQL uses as output names.
var internalNames = map[op.Base]string{op.TBoolean: "bool", op.TInt2: "int2", op.TInt4: "int4", op.TInt8: "int8", op.TFloat4: "float4",
	op.TFloat8: "float8", op.TNumeric: "numeric", op.TString: "text", op.TVarchar: "varchar", op.TChar: "bpchar", op.TBytea: "bytea",
	op.TDate: "date", op.TTime: "time", op.TTimeTZ: "timetz", op.TTimestamp: "timestamp", op.TTimestampTZ: "timestamptz",
	op.TInterval: "interval", op.TUUID: "uuid", op.TJSON: "json", op.TJSONB: "jsonb", op.TOID: "oid", op.TName: "name",
	op.TRegClass: "regclass", op.TRegType: "regtype", op.TRegProc: "regproc", op.TRegNS: "regnamespace", op.TBit: "bit", op.TInet: "inet", op.TCharByte: "char"}

// describe fills an output column's description.
func describe(name string, e ex) op.Column {
	k := op.Column{Name: name, Type: e.t, CI: e.ci}
	if e.col == nil {
		return k
	}
	k.NotNull, k.Table = e.col.notNull, e.col.relName
	if e.col.cat == nil || e.col.table == nil {
		return k
	}
	t := e.col.table
	k.TableOID, k.Attr, k.Schema, k.Origin = t.OID, e.col.cat.Attr, t.Schema, e.col.cat.Name
	k.AutoInc = e.col.cat.AutoInc
	for _, p := range t.Primary {
		k.Primary = k.Primary || p == k.Origin
	}
	for _, i := range t.Indexes {
		k.Unique = k.Unique || i.Unique && len(i.Items) == 1 && i.Items[0].Column == k.Origin
	}
	return k
}

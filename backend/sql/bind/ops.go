package bind

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// binary lowers a binary operator.
func (c *comp) binary(sc *scope, n *tree.Binary) ex {
	switch n.Op {
	case "AND", "OR":
		l, r := c.cond(sc, n.L, n.Op), c.cond(sc, n.R, n.Op)
		return mk(c.boolType(), "(%s %s %s)", l.sql, n.Op, r.sql)
	case "XOR":
		l, r := c.cond(sc, n.L, n.Op), c.cond(sc, n.R, n.Op)
		return mk(c.boolType(), "((%s<>0)<>(%s<>0))", l.sql, r.sql)
	}
	if c.my {
		if iv, ok := n.R.(*tree.Interval); ok {
			return c.myDateAdd(sc, n.L, iv, n.Op == "-")
		}
		if iv, ok := n.L.(*tree.Interval); ok {
			return c.myDateAdd(sc, n.R, iv, false)
		}
	}
	if !liftOps[n.Op] {
		defer c.keepLiterals()()
	}
	l, r := c.expr(sc, n.L), c.expr(sc, n.R)
	if e, ok := c.docField(n, l, r); ok {
		return e
	}
	switch n.Op {
	case "=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM", "<=>":
		return c.compare(n.Op, l, r, n.Pos)
	case "LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE":
		return c.like(sc, n, l, r)
	case "SIMILAR TO", "NOT SIMILAR TO":
		return c.not(strings.HasPrefix(n.Op, "NOT"), c.operator("similar", []ex{c.settle(l), c.settle(r)}, n.Pos))
	case "~", "~*", "!~", "!~*", "REGEXP", "NOT REGEXP":
		neg := n.Op[0] == '!' || n.Op[0] == 'N'
		flags := ""
		if strings.HasSuffix(n.Op, "*") || c.my && (l.ci || r.ci) {
			flags = "i"
		}
		l, r = c.cast(c.settle(l), typ(op.TString)), c.cast(c.settle(r), typ(op.TString))
		return c.not(neg, mk(c.boolType(), "dotdo_regex(%s,%s,'%s')", l.sql, r.sql, flags))
	}
	return c.arith(n.Op, l, r, n.Pos)
}

// not negates a test when neg is set.
func (c *comp) not(neg bool, e ex) ex {
	if neg {
		e.sql = "(NOT " + e.sql + ")"
	}
	return e
}

// pair gives both sides of a comparison one type.
func (c *comp) pair(opr string, l, r ex, pos int) (ex, ex, op.Type) {
	lu, ru := l.t.Base == op.TUnknown, r.t.Base == op.TUnknown
	switch {
	case lu && ru:
		return c.settle(l), c.settle(r), typ(op.TString)
	case lu:
		l = c.coerce(l, bare(r.t))
	case ru:
		r = c.coerce(r, bare(l.t))
	}
	lt, rt := bare(l.t), bare(r.t)
	if lt == rt {
		return l, r, lt
	}
	if c.my {
		return c.myPair(l, r)
	}
	if lt.OID != 0 || rt.OID != 0 {
		c.noOperator(opr, []ex{l, r}, pos)
	}
	if rl, rr := rank(lt), rank(rt); rl > 0 && rr > 0 {
		if rl <= 5 && rr <= 5 {
			return l, r, typ(op.TInt8)
		}
		t := lt
		if rr > rl {
			t = rt
		}
		if t.Base == op.TFloat4 {
			t.Base = op.TFloat8
		}
		return c.cast(l, t), c.cast(r, t), t
	}
	if funcs.IsText(lt) && funcs.IsText(rt) {
		if lt.Base == op.TChar && rt.Base == op.TChar {
			return l, r, lt
		}
		t := typ(op.TString)
		return c.cast(l, t), c.cast(r, t), t
	}
	if implicit(rt, lt) {
		return l, c.cast(r, lt), lt
	}
	if implicit(lt, rt) {
		return c.cast(l, rt), r, rt
	}
	c.noOperator(opr, []ex{l, r}, pos)
	return l, r, lt
}

// noOperator reports a missing operator.
func (c *comp) noOperator(opr string, args []ex, pos int) {
	opr = strings.TrimPrefix(opr, "prefix")
	var text string
	if len(args) == 1 {
		text = fmt.Sprintf("operator does not exist: %s %s", opr, c.typeWord(args[0].t))
	} else {
		text = fmt.Sprintf("operator does not exist: %s %s %s", c.typeWord(args[0].t), opr, c.typeWord(args[1].t))
	}
	e := op.Errorf(op.NoFunction, "%s", text)
	e.Object, e.Name, e.Position = "operator", opr, pos
	e.Hint = "No operator matches the given name and argument types. You might need to add explicit type casts."
	panic(failure{e})
}

// sqliteOps maps comparisons to SQLite's words.
var sqliteOps = map[string]string{"=": "=", "<>": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">=",
	"IS DISTINCT FROM": " IS NOT ", "IS NOT DISTINCT FROM": " IS ", "<=>": " IS "}

// compare lowers a comparison.
func (c *comp) compare(opr string, l, r ex, pos int) ex {
	if l.fields() != nil || r.fields() != nil {
		return c.compareRows(opr, l.fields(), r.fields(), pos)
	}
	l, r, t := c.pair(opr, l, r, pos)
	if !c.my && t.Base == op.TJSON && !t.Array {
		c.noOperator(opr, []ex{l, r}, pos)
	}
	ci := l.ci && r.ci
	if c.my && (l.col != nil || r.col != nil) {
		// a column's collation wins over a literal's
		ci = (l.col == nil || l.ci) && (r.col == nil || r.ci)
	}
	switch {
	case t.Array && opr != "=" && opr != "<>" && !strings.HasPrefix(opr, "IS"):
		return mk(c.boolType(), "(dotdo_array_cmp(%s,%s,%d)%s0)", l.sql, r.sql, funcs.TypeCode(t), opr)
	case t.Base == op.TJSONB && opr != "=" && opr != "<>" && !strings.HasPrefix(opr, "IS"):
		return mk(c.boolType(), "(dotdo_jsonb_cmp(%s,%s)%s0)", l.sql, r.sql, opr)
	}
	if t.OID != 0 && !t.Array && (opr[0] == '<' && opr != "<>" || opr[0] == '>') {
		l.sql, r.sql = c.ranked(l, l.sql), c.ranked(r, r.sql)
	}
	left := l.sql
	if k := coll(t, ci); k != "" {
		left += k
	} else if c.my && funcs.IsText(t) && (l.col != nil && l.ci || r.col != nil && r.ci) {
		left += " COLLATE binary"
	}
	return mk(c.boolType(), "(%s%s%s)", left, sqliteOps[opr], r.sql)
}

// compareRows lowers a row comparison.
func (c *comp) compareRows(opr string, l, r []ex, pos int) ex {
	if len(l) != len(r) {
		fail(op.Syntax, "unequal number of entries in row expressions")
	}
	parts := make([]string, len(l))
	switch opr {
	case "=", "IS NOT DISTINCT FROM", "<=>":
		for i := range l {
			parts[i] = c.compare(opr, l[i], r[i], pos).sql
		}
		return mk(c.boolType(), "(%s)", strings.Join(parts, " AND "))
	case "<>", "IS DISTINCT FROM":
		for i := range l {
			parts[i] = c.compare(opr, l[i], r[i], pos).sql
		}
		return mk(c.boolType(), "(%s)", strings.Join(parts, " OR "))
	}
	strict := opr[:1]
	text := c.compare(opr, l[len(l)-1], r[len(l)-1], pos).sql
	for i := len(l) - 2; i >= 0; i-- {
		text = fmt.Sprintf("(%s OR (%s AND %s))", c.compare(strict, l[i], r[i], pos).sql, c.compare("=", l[i], r[i], pos).sql, text)
	}
	return mk(c.boolType(), "%s", text)
}

// fields returns the fields of a record, nil for anything else.
func (e ex) fields() []ex {
	if e.rowEx != nil {
		return e.rowEx
	}
	if e.row == nil {
		return nil
	}
	out := make([]ex, len(e.row))
	for i := range e.row {
		out[i] = colEx(&e.row[i])
	}
	return out
}

// rowNull lowers IS [NOT] NULL of a record: every field.
func rowNull(parts []ex, test string) ex {
	s := make([]string, len(parts))
	for i, p := range parts {
		s[i] = "(" + p.sql + " " + test + ")"
	}
	return mk(typ(op.TBoolean), "(%s)", strings.Join(s, " AND "))
}

// like lowers LIKE and ILIKE. A constant case-sensitive pattern becomes GLOB,
// which can use an index.
func (c *comp) like(sc *scope, n *tree.Binary, l, r ex) ex {
	neg := strings.HasPrefix(n.Op, "NOT")
	fold := strings.HasSuffix(n.Op, "ILIKE") || c.my && l.ci
	l, r = c.settle(l), c.settle(r)
	if !c.my && !funcs.IsText(l.t) {
		c.noOperator(map[bool]string{false: "~~", true: "~~*"}[fold], []ex{l, r}, n.Pos)
	}
	l, r = c.cast(l, typ(op.TString)), c.cast(r, typ(op.TString))
	esc := `\`
	escSQL := quoteText(esc)
	if n.Escape != nil {
		e := c.settle(c.expr(sc, n.Escape))
		escSQL = e.sql
		esc = "\x00"
		if e.konst != nil {
			esc = e.konst.Str()
		}
	}
	if r.konst != nil && !r.null && !fold && len(esc) <= 1 && esc != "\x00" {
		if g, ok := globOf(r.konst.Str(), esc); ok {
			return c.not(neg, mk(c.boolType(), "(%s GLOB %s)", l.sql, quoteText(g)))
		}
	}
	return c.not(neg, mk(c.boolType(), "dotdo_like(%s,%s,%s,%d)", l.sql, r.sql, escSQL, b2i(fold)))
}

// b2i is 1 for true.
func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// globOf translates a LIKE pattern to GLOB.
func globOf(p, esc string) (string, bool) {
	var b strings.Builder
	put := func(ch byte) {
		switch ch {
		case '*', '?', '[':
			b.WriteString("[" + string(ch) + "]")
		default:
			b.WriteByte(ch)
		}
	}
	for i := 0; i < len(p); i++ {
		switch {
		case esc != "" && p[i] == esc[0]:
			i++
			if i == len(p) {
				return "", false
			}
			put(p[i])
		case p[i] == '%':
			b.WriteByte('*')
		case p[i] == '_':
			b.WriteByte('?')
		default:
			put(p[i])
		}
	}
	return b.String(), true
}

// arith lowers arithmetic on numbers natively and everything else through the
// operator table.
func (c *comp) arith(opr string, l, r ex, pos int) ex {
	if c.my {
		if e, ok := c.myArith(opr, l, r); ok {
			return e
		}
	}
	lt, rt := l.t, r.t
	if lt.Base == op.TUnknown && rank(rt) > 0 && strings.Contains("+-*/%^", opr) {
		l = c.coerce(l, bare(rt))
	} else if rt.Base == op.TUnknown && rank(lt) > 0 && strings.Contains("+-*/%^", opr) {
		r = c.coerce(r, bare(lt))
	}
	a, b := rank(l.t), rank(r.t)
	if a == 0 || b == 0 || !strings.Contains("+-*/%", opr) {
		return c.operator(opr, []ex{l, r}, pos)
	}
	t := bare(l.t)
	if b > a {
		t = bare(r.t)
	}
	switch {
	case t.Base == op.TFloat4 && a != b:
		t.Base = op.TFloat8
		fallthrough
	case funcs.IsFloat(t):
		return c.floatArith(opr, c.cast(l, t), c.cast(r, t), t, pos)
	case t.Base == op.TNumeric:
		l, r = c.cast(l, t), c.cast(r, t)
		return mk(t, "dotdo_dec_%s(%s,%s)", map[string]string{"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod"}[opr], l.sql, r.sql)
	}
	return c.intArith(opr, l, r, t)
}

// intArith lowers integer arithmetic.
func (c *comp) intArith(opr string, l, r ex, t op.Type) ex {
	if t.Base == op.TInt1 || t.Base == op.TInt3 {
		t.Base = op.TInt4
	}
	if opr == "/" || opr == "%" {
		l, r = c.ranged(l), c.ranged(r)
		return ex{sql: fmt.Sprintf("(%s%s%s)", l.sql, opr, c.nonZero(r)), t: t, arith: opr == "/"}
	}
	return ex{sql: fmt.Sprintf("(%s%s%s)", l.sql, opr, r.sql), t: t, arith: true}
}

// nonZero wraps a divisor so that zero is an error, not NULL.
func (c *comp) nonZero(r ex) string {
	if r.konst != nil && !r.null {
		c.fix(r)
		if r.konst.Kind == op.KindInt64 && r.konst.Int() != 0 || r.konst.Kind == op.KindFloat64 && r.konst.Float() != 0 {
			return r.sql
		}
	}
	return fmt.Sprintf("(CASE WHEN %s=0 THEN dotdo_div0() ELSE %s END)", r.sql, r.sql)
}

// floatArith lowers floating arithmetic.
func (c *comp) floatArith(opr string, l, r ex, t op.Type, pos int) ex {
	var e ex
	switch opr {
	case "/":
		e = mk(t, "(%s/%s)", l.sql, c.nonZero(r))
	case "%":
		c.noOperator(opr, []ex{l, r}, pos)
	default:
		e = mk(t, "(%s%s%s)", l.sql, opr, r.sql)
	}
	if t.Base == op.TFloat4 {
		e.sql = "dotdo_f4(" + e.sql + ")"
	}
	return e
}

// operator resolves an operator in the dialect's table.
func (c *comp) operator(name string, args []ex, pos int) ex {
	f := c.resolve(c.funcsTable()[name], args)
	if f == nil {
		c.noOperator(name, args, pos)
	}
	return c.emit(f, args, nil)
}

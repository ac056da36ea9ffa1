package bind

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// maxNesting bounds the depth of expressions and subqueries.
const maxNesting = 500

// expr types and lowers an expression.
func (c *comp) expr(sc *scope, x tree.Expr) ex {
	c.depth++
	if c.depth > maxNesting {
		fail(op.TooLarge, "stack depth limit exceeded")
	}
	mark := sc.mark()
	e := c.node(sc, x)
	c.depth--
	return sc.grouped(e, mark)
}

// node dispatches on the expression kind.
func (c *comp) node(sc *scope, x tree.Expr) ex {
	switch n := x.(type) {
	case *tree.Const:
		return c.constant(n)
	case *tree.Param:
		return c.param(n)
	case *tree.Ident:
		return c.ident(sc, n)
	case *tree.Binary:
		return c.binary(sc, n)
	case *tree.Unary:
		return c.unary(sc, n)
	case *tree.Quantified:
		return c.quantified(sc, n)
	case *tree.In:
		return c.in(sc, n)
	case *tree.Between:
		return c.between(sc, n)
	case *tree.Case:
		return c.caseExpr(sc, n)
	case *tree.Cast:
		return c.castNode(sc, n)
	case *tree.Collate:
		return c.collate(sc, n)
	case *tree.Call:
		defer c.keepLiterals()()
		return c.call(sc, n)
	case *tree.Exists:
		b := c.query(sc, n.Query, nil)
		return mk(c.boolType(), "EXISTS(%s)", b.text(nil))
	case *tree.Scalar:
		return c.scalar(sc, n.Query)
	case *tree.ArrayQuery:
		b := c.query(sc, n.Query, nil)
		c.oneColumn(b)
		t := listOf(settled(b.cols[0].Type))
		return mk(t, "(SELECT json_group_array(c1) FROM (%s))", b.text(nil))
	case *tree.Array:
		return c.array(sc, n)
	case *tree.Row:
		return c.rowExpr(sc, n)
	case *tree.Subscript:
		defer c.keepLiterals()()
		return c.subscript(sc, n)
	case *tree.Field:
		return c.field(sc, n)
	case *tree.Var:
		return c.variable(n)
	case *tree.Default:
		fail(op.Syntax, "DEFAULT is not allowed in this context")
	case *tree.Star:
		fail(op.Syntax, "row expansion via \"*\" is not supported here")
	case *tree.Match:
		fail(op.Unsupported, "MATCH … AGAINST is not supported")
	case *tree.Interval:
		fail(op.Unsupported, "INTERVAL is not supported here")
	}
	fail(op.Unsupported, "this expression (%T) is not supported", x)
	return ex{}
}

// boolType is the type of a test.
func (c *comp) boolType() op.Type {
	if c.my {
		return typ(op.TInt8)
	}
	return typ(op.TBoolean)
}

// settled is the type an undecided expression ends with.
func settled(t op.Type) op.Type {
	if t.Base == op.TUnknown {
		t.Base = op.TString
	}
	return t
}

// constant lowers a literal.
func (c *comp) constant(n *tree.Const) ex {
	v := n.Value
	if v.IsNull() {
		return ex{sql: "NULL", t: n.Type, konst: &v, null: true}
	}
	if v.Kind == op.KindBool {
		v = op.Int64(v.Int())
	}
	if c.my && n.Type.Base == op.TUnknown {
		return c.liftable(n, ex{sql: lit(v), t: typ(op.TString), konst: &v, ci: true})
	}
	return c.liftable(n, ex{sql: lit(v), t: n.Type, konst: &v, pos: n.Pos})
}

// param lowers a parameter; undeclared ones get their type from the context.
func (c *comp) param(n *tree.Param) ex {
	for len(c.params) <= n.Index {
		c.params = append(c.params, op.Type{})
	}
	e := ex{sql: c.slot(slotKey{arg: n.Index}, sql.Bind{Kind: sql.BindArg, Index: n.Index}), t: c.params[n.Index]}
	if e.t.Base == op.TUnknown {
		e.param = n.Index + 1
	}
	e.ci = c.my
	return e
}

// unary lowers prefix operators and postfix tests.
func (c *comp) unary(sc *scope, n *tree.Unary) ex {
	switch n.Op {
	case "NOT", "!":
		return mk(c.boolType(), "(NOT %s)", c.cond(sc, n.X, "NOT").sql)
	case "IS NULL", "IS NOT NULL":
		e := c.expr(sc, n.X)
		if parts := e.fields(); parts != nil {
			return rowNull(parts, n.Op)
		}
		return mk(c.boolType(), "(%s %s)", c.keepRaw(e), n.Op)
	case "IS UNKNOWN":
		return mk(c.boolType(), "(%s IS NULL)", c.cond(sc, n.X, n.Op).sql)
	case "IS NOT UNKNOWN":
		return mk(c.boolType(), "(%s IS NOT NULL)", c.cond(sc, n.X, n.Op).sql)
	case "IS TRUE", "IS NOT TRUE", "IS FALSE", "IS NOT FALSE":
		return mk(c.boolType(), "(%s %s)", c.cond(sc, n.X, n.Op).sql, n.Op)
	}
	e := c.expr(sc, n.X)
	switch n.Op {
	case "+":
		if e.t.Base == op.TUnknown {
			e = c.coerce(e, typ(op.TFloat8))
		}
		return e
	case "-":
		return c.negate(e, n.Pos)
	}
	return c.operator("prefix"+n.Op, []ex{e}, n.Pos)
}

// keepRaw gives an undecided expression under IS NULL text type.
func (c *comp) keepRaw(e ex) string {
	if e.param > 0 && e.t.Base == op.TUnknown && c.my {
		return e.sql
	}
	return c.settle(e).sql
}

// negate lowers unary minus.
func (c *comp) negate(e ex, pos int) ex {
	if c.my && !funcs.IsNumber(e.t) {
		e = c.myNumber(e)
	}
	if e.konst != nil && !e.null {
		c.fix(e)
		switch e.konst.Kind {
		case op.KindInt64:
			return constEx(op.Int64(-e.konst.Int()), e.t)
		case op.KindFloat64:
			return constEx(op.Float64(-e.konst.Float()), e.t)
		case op.KindText:
			if e.t.Base == op.TNumeric {
				if s := e.konst.Str(); strings.HasPrefix(s, "-") {
					return constEx(op.Text(s[1:]), e.t)
				} else if s == "9223372036854775808" {
					return constEx(op.Int64(-1<<63), typ(op.TInt8))
				} else {
					return constEx(op.Text("-"+s), e.t)
				}
			}
		}
	}
	switch {
	case funcs.IsInt(e.t):
		return ex{sql: "(-" + e.sql + ")", t: e.t, arith: true}
	case funcs.IsFloat(e.t):
		return ex{sql: "(-" + e.sql + ")", t: e.t}
	case e.t.Base == op.TUnknown:
		return c.negate(c.coerce(e, typ(op.TFloat8)), pos)
	}
	return c.operator("prefix-", []ex{e}, pos)
}

// cond lowers a condition: boolean, or MySQL's truth of any value.
func (c *comp) cond(sc *scope, x tree.Expr, what string) ex {
	e := c.expr(sc, x)
	if c.my {
		if e.t.Base == op.TUnknown {
			e = c.coerce(e, typ(op.TInt8))
		}
		if !funcs.IsInt(e.t) && e.t.Base != op.TBoolean && !funcs.IsFloat(e.t) {
			e = c.myNumber(e)
		}
		return e
	}
	e = c.coerce2(e, typ(op.TBoolean))
	if e.t.Base != op.TBoolean {
		x := op.Errorf(op.TypeMismatch, "argument of %s must be type boolean, not type %s", what, c.typeWord(e.t))
		x.Object = "argument"
		panic(failure{x})
	}
	return e
}

// coerce2 decides only undecided expressions.
func (c *comp) coerce2(e ex, t op.Type) ex {
	if e.t.Base == op.TUnknown {
		return c.coerce(e, t)
	}
	return e
}

// between lowers BETWEEN.
func (c *comp) between(sc *scope, n *tree.Between) ex {
	x, lo, hi := c.expr(sc, n.X), c.expr(sc, n.Lo), c.expr(sc, n.Hi)
	if n.Symmetric {
		a := mk(c.boolType(), "(%s AND %s)", c.compare(">=", x, lo, 0).sql, c.compare("<=", x, hi, 0).sql)
		b := mk(c.boolType(), "(%s AND %s)", c.compare(">=", x, hi, 0).sql, c.compare("<=", x, lo, 0).sql)
		if n.Not {
			return mk(c.boolType(), "(NOT (%s OR %s))", a.sql, b.sql)
		}
		return mk(c.boolType(), "(%s OR %s)", a.sql, b.sql)
	}
	a, b := c.compare(">=", x, lo, 0), c.compare("<=", x, hi, 0)
	if n.Not {
		return mk(c.boolType(), "(NOT (%s AND %s))", a.sql, b.sql)
	}
	return mk(c.boolType(), "(%s AND %s)", a.sql, b.sql)
}

// caseExpr lowers CASE.
func (c *comp) caseExpr(sc *scope, n *tree.Case) ex {
	var conds []string
	var thens []ex
	var operand ex
	if n.Operand != nil {
		operand = c.expr(sc, n.Operand)
	}
	for _, w := range n.When {
		if n.Operand != nil {
			conds = append(conds, c.compare("=", operand, c.expr(sc, w.Cond), 0).sql)
		} else {
			conds = append(conds, c.cond(sc, w.Cond, "CASE/WHEN").sql)
		}
		thens = append(thens, c.expr(sc, w.Then))
	}
	if n.Else != nil {
		thens = append(thens, c.expr(sc, n.Else))
	}
	t := settled(c.unify(thens, "CASE"))
	var b strings.Builder
	b.WriteString("(CASE")
	for i, cond := range conds {
		b.WriteString(" WHEN " + cond + " THEN " + c.ranged(c.coerce(thens[i], t)).sql)
	}
	if n.Else != nil {
		b.WriteString(" ELSE " + c.ranged(c.coerce(thens[len(thens)-1], t)).sql)
	}
	b.WriteString(" END)")
	return ex{sql: b.String(), t: t, ci: c.my}
}

// typeOf resolves a written type.
func (c *comp) typeOf(n tree.TypeName) op.Type {
	if n.Resolved.Base != op.TUnknown {
		return n.Resolved
	}
	if u := c.userType(n); u != nil {
		t := u.Op()
		t.Array = t.Array || n.Array
		return t
	}
	t, ok := funcs.TypeByName(n.Name)
	if !ok {
		full := n.Name
		if n.Schema != "" {
			full = n.Schema + "." + n.Name
		}
		e := op.Errorf(op.Undefined, "type %q does not exist", full)
		e.Object, e.Name = "type", n.Name
		panic(failure{e})
	}
	t.Array = t.Array || n.Array
	if len(n.Mods) > 0 {
		t.Size = n.Mods[0]
	}
	if len(n.Mods) > 1 {
		t.Scale = n.Mods[1]
	}
	return t
}

// castNode lowers CAST.
func (c *comp) castNode(sc *scope, n *tree.Cast) ex {
	t := c.typeOf(n.Type)
	if a, ok := n.X.(*tree.Array); ok && t.Array && len(a.Items) == 0 {
		return constEx(op.Text("[]"), bare(t))
	}
	e := c.expr(sc, n.X)
	if t.Base == op.TInterval && n.Type.Interval != "" && e.konst != nil && !e.null {
		c.fix(e)
		v, err := funcs.IntervalWithUnit(e.konst.Str(), n.Type.Interval)
		check(err)
		return constEx(v, bare(t))
	}
	out := c.cast(e, t)
	if u := c.userType(n.Type); u != nil && u.Base.Base != op.TUnknown && !n.Type.Array {
		return c.domain(out, u)
	}
	if t.Base == op.TChar && t.Size == 0 {
		out.t.Size = e.t.Size
	}
	out.ci = e.ci && c.my
	return out
}

// collate lowers COLLATE.
func (c *comp) collate(sc *scope, n *tree.Collate) ex {
	e := c.settle(c.expr(sc, n.X))
	name := strings.ToLower(n.Name)
	switch {
	case strings.HasSuffix(name, "_ci"):
		e.ci = true
	case name == "c", name == "posix", name == "default", name == "ucs_basic", name == "binary", strings.HasSuffix(name, "_bin"), strings.HasSuffix(name, "_cs"), strings.HasSuffix(name, "utf8"), strings.HasSuffix(name, "utf-8"):
		e.ci = false
		if e.col != nil {
			e.sql, e.col = "("+e.sql+" COLLATE BINARY)", nil
		}
	default:
		x := op.Errorf(op.Undefined, "collation %q for encoding \"UTF8\" does not exist", n.Name)
		x.Object, x.Name = "collation", n.Name
		panic(failure{x})
	}
	return e
}

// oneColumn refuses subqueries of several columns.
func (c *comp) oneColumn(b *bound) {
	if len(b.cols) != 1 {
		x := op.Errorf(op.Syntax, "subquery must return only one column")
		x.Object = "subquery columns"
		panic(failure{x})
	}
}

// scalar lowers a scalar subquery. SQLite takes the first of many rows;
// more than one is an error.
func (c *comp) scalar(sc *scope, q *tree.Select) ex {
	b := c.query(sc, q, nil)
	c.oneColumn(b)
	e := ex{t: settled(b.cols[0].Type), ci: b.cols[0].CI}
	if b.single {
		e.sql = "(" + b.text(nil) + ")"
		return e
	}
	e.sql = "(SELECT CASE WHEN count(*) OVER ()>1 THEN dotdo_many_rows() ELSE c1 END FROM (" + b.text(nil) + ") LIMIT 1)"
	return e
}

// variable lowers a MySQL variable.
func (c *comp) variable(n *tree.Var) ex {
	if n.Assign != nil {
		fail(op.Unsupported, "assignment to user variables inside a statement is not supported")
	}
	key := strings.ToLower(n.Name)
	if n.System {
		key = "@@" + key
	}
	v, ok := c.Env.Vars[key]
	if !ok && n.System {
		if v, ok = c.Env.Vars[key[2:]]; ok {
			key = key[2:]
		}
	}
	if !ok && n.System {
		x := op.Errorf(op.Undefined, "unknown system variable '%s'", n.Name)
		x.Object, x.Name = "variable", n.Name
		panic(failure{x})
	}
	t := typ(op.TString)
	switch v.Kind {
	case op.KindNull:
		if !n.System {
			t = typ(op.TBytea) // a variable that was never set
		}
	case op.KindInt64, op.KindInt32, op.KindBool, op.KindUint64:
		t = typ(op.TInt8)
	case op.KindFloat64:
		t = typ(op.TFloat8)
	case op.KindDecimal:
		t = typ(op.TNumeric)
	case op.KindBytes:
		t = typ(op.TBytea)
	}
	c.plan.Volatile = true
	c.plan.Vars = append(c.plan.Vars, sql.VarKind{Name: key, Kind: v.Kind})
	return ex{sql: c.slot(slotKey{arg: -1, env: "var:" + key}, sql.Bind{Kind: sql.BindEnv, Name: "var:" + key}), t: t, ci: true}
}

package bind

import (
	"fmt"
	"math"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// myNumber converts a value to a number the MySQL way: text by its leading
// digits, dates as digits, anything else as it is.
func (c *comp) myNumber(e ex) ex {
	switch {
	case e.t.Base == op.TUnknown:
		return c.coerce(e, typ(op.TFloat8))
	case funcs.IsNumber(e.t):
		return e
	case e.t.Base == op.TBoolean:
		e.t = typ(op.TInt8)
		return e
	case e.t.Base == op.TBytea && e.konst != nil && !e.null && len(e.konst.Raw) <= 8: // 0x10 and b'11' in arithmetic
		u := uint64(0)
		for _, b := range e.konst.Raw {
			u = u<<8 | uint64(b)
		}
		return constEx(datum.UnsignedValue(u), op.Type{Base: op.TInt8, Unsigned: u > math.MaxInt64})
	case e.t.Base == op.TBit:
		return mk(op.Type{Base: op.TInt8, Unsigned: true}, "CAST(dotdo_my_conv(%s,2,10) AS INTEGER)", e.sql)
	case (e.t.Base == op.TEnum || e.t.Base == op.TSetOf) && e.col != nil && e.col.cat != nil:
		return c.labelNumber(e)
	}
	if e.null {
		e.t = typ(op.TInt8)
		return e
	}
	return c.cast(e, typ(op.TFloat8))
}

// myPair gives both sides of a MySQL comparison one type.
func (c *comp) myPair(l, r ex) (ex, ex, op.Type) {
	lt, rt := l.t, r.t
	if lt.Base == op.TBoolean {
		lt = typ(op.TInt8)
		l.t = lt
	}
	if rt.Base == op.TBoolean {
		rt = typ(op.TInt8)
		r.t = rt
	}
	date := func(t op.Type) bool {
		return t.Base == op.TDate || t.Base == op.TTimestamp || t.Base == op.TTimestampTZ || t.Base == op.TTime
	}
	switch {
	case funcs.IsText(lt) && funcs.IsText(rt):
		return l, r, typ(op.TString)
	case funcs.IsNumber(lt) && funcs.IsNumber(rt):
		if rank(lt) <= 5 && rank(rt) <= 5 && !lt.Unsigned && !rt.Unsigned {
			return l, r, typ(op.TInt8)
		}
		t := myCommon(lt, rt)
		if t.Unsigned || rank(t) <= 5 {
			t = typ(op.TNumeric)
		}
		return c.cast(l, t), c.cast(r, t), t
	case date(lt) && date(rt):
		t := typ(op.TTimestamp)
		if lt.Base == op.TTimestampTZ || rt.Base == op.TTimestampTZ {
			t.Base = op.TTimestampTZ
		}
		return c.cast(l, t), c.cast(r, t), t
	case date(lt) && (funcs.IsText(rt) || funcs.IsNumber(rt)):
		return l, c.cast(r, exactTime(lt)), bare(lt)
	case date(rt) && (funcs.IsText(lt) || funcs.IsNumber(lt)):
		return c.cast(l, exactTime(rt)), r, bare(rt)
	case funcs.IsNumber(lt) && r.konst != nil && rank(lt) <= 5, funcs.IsNumber(rt) && l.konst != nil && rank(rt) <= 5:
		// a constant that is a plain integer keeps the index of the other side usable
		num, other := l, r
		if l.konst != nil {
			num, other = r, l
		}
		c.fix(other)
		if v, err := funcs.ParseMySQL(typ(op.TInt8), other.konst.Str(), c.options()); err == nil && !other.null && v.Kind == op.KindInt64 && lit(v) == other.konst.Str() {
			k := constEx(v, typ(op.TInt8))
			if l.konst != nil {
				return k, num, typ(op.TInt8)
			}
			return num, k, typ(op.TInt8)
		}
	case lt.Base == op.TJSON || rt.Base == op.TJSON || lt.Base == op.TBytea || rt.Base == op.TBytea:
		return c.cast(l, typ(op.TString)), c.cast(r, typ(op.TString)), typ(op.TString)
	}
	t := typ(op.TFloat8)
	return c.cast(c.myNumber(l), t), c.cast(c.myNumber(r), t), t
}

// myArith lowers MySQL arithmetic; ok is false for operators that are the
// same in both dialects.
func (c *comp) myArith(opr string, l, r ex) (ex, bool) {
	switch opr {
	case "||":
		if strings.Contains(c.Env.SQLMode, "PIPES_AS_CONCAT") || strings.Contains(c.Env.SQLMode, "ANSI") {
			return mk(typ(op.TString), "(%s||%s)", c.cast(c.settle(l), typ(op.TString)).sql, c.cast(c.settle(r), typ(op.TString)).sql), true
		}
		return mk(typ(op.TInt8), "(%s OR %s)", c.myNumber(l).sql, c.myNumber(r).sql), true
	case "&", "|", "<<", ">>", "^", "#":
		if opr == "#" {
			opr = "^"
		}
		l, r = c.myNumber(l), c.myNumber(r)
		if rank(l.t) > 5 {
			l = c.cast(l, typ(op.TInt8))
		}
		if rank(r.t) > 5 {
			r = c.cast(r, typ(op.TInt8))
		}
		return mk(op.Type{Base: op.TInt8, Unsigned: true}, "dotdo_my_bits('%s',%s,%s)", opr, c.ranged(l).sql, c.ranged(r).sql), true
	case "+", "-", "*", "/", "%", "DIV", "MOD":
	default:
		return ex{}, false
	}
	l, r = c.myNumber(l), c.myNumber(r)
	if c.strictDiv && r.konst != nil {
		c.fix(r)
	}
	if c.strictDiv && strings.Contains("/ % DIV MOD", opr) && !(r.konst != nil && !r.null && funcs.IsInt(r.t) && r.konst.Int() != 0) {
		r.sql, r.konst = fmt.Sprintf("(CASE WHEN CAST(%s AS REAL)=0 THEN dotdo_div0() ELSE %s END)", r.sql, r.sql), nil
	}
	a, b := rank(l.t), rank(r.t)
	switch {
	case a > 6 || b > 6:
		f := typ(op.TFloat8)
		l, r = c.cast(l, f), c.cast(r, f)
		switch opr {
		case "DIV":
			return mk(typ(op.TInt8), "CAST(%s/%s AS INTEGER)", l.sql, r.sql), true
		case "%", "MOD":
			return mk(f, "mod(%s,%s)", l.sql, r.sql), true
		}
		return mk(f, "(%s%s%s)", l.sql, opr, r.sql), true
	case opr == "/":
		return mk(typ(op.TNumeric), "dotdo_my_div(%s,%s)", c.cast(l, typ(op.TNumeric)).sql, c.cast(r, typ(op.TNumeric)).sql), true
	case a == 6 || b == 6:
		t := typ(op.TNumeric)
		l, r = c.cast(l, t), c.cast(r, t)
		switch opr {
		case "DIV":
			return mk(typ(op.TInt8), "CAST(dotdo_dec_trunc(dotdo_my_div(%s,%s),0) AS INTEGER)", l.sql, r.sql), true
		case "%", "MOD":
			return mk(t, "dotdo_my_mod(%s,%s)", l.sql, r.sql), true
		}
		return mk(t, "dotdo_dec_%s(%s,%s)", map[string]string{"+": "add", "-": "sub", "*": "mul"}[opr], l.sql, r.sql), true
	}
	t := typ(op.TInt8)
	switch opr {
	case "DIV":
		return mk(t, "(%s/%s)", l.sql, r.sql), true
	case "%", "MOD":
		return mk(t, "(%s%%%s)", l.sql, r.sql), true
	}
	return ex{sql: fmt.Sprintf("(%s%s%s)", l.sql, opr, r.sql), t: t, arith: true}, true
}

// myDateAdd lowers date ± INTERVAL n unit.
func (c *comp) myDateAdd(sc *scope, x tree.Expr, iv *tree.Interval, minus bool) ex {
	e := c.expr(sc, x)
	n := c.settle(c.expr(sc, iv.X))
	unit := strings.ToUpper(iv.Unit)
	sign := 1
	if minus {
		sign = -1
	}
	amount := c.cast(n, typ(op.TString)).sql
	t := typ(op.TTimestamp)
	switch e.t.Base {
	case op.TDate:
		switch unit {
		case "DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "YEAR_MONTH":
			t = typ(op.TDate)
		}
	case op.TTime:
		t = typ(op.TTime)
	case op.TTimestamp:
	case op.TTimestampTZ:
		t = e.t
	default:
		// text stays text
		e = c.cast(c.settle(e), typ(op.TString))
		return ex{sql: fmt.Sprintf("dotdo_my_dateadd(%s,%d,%s,%s,%d)", e.sql, op.TString, amount, quoteText(unit), sign), t: typ(op.TString), ci: true}
	}
	out := mk(t, "dotdo_my_dateadd(%s,%d,%s,%s,%d)", e.sql, e.t.Base, amount, quoteText(unit), sign)
	return out
}

// myDateCall lowers DATE_ADD, DATE_SUB, ADDDATE, SUBDATE.
func (c *comp) myDateCall(sc *scope, n *tree.Call) ex {
	if len(n.Args) != 2 {
		c.noFunction(n, c.args(sc, n.Args))
	}
	minus := strings.Contains(n.Name, "sub")
	if iv, ok := n.Args[1].(*tree.Interval); ok {
		return c.myDateAdd(sc, n.Args[0], iv, minus)
	}
	return c.myDateAdd(sc, n.Args[0], &tree.Interval{X: n.Args[1], Unit: "DAY"}, minus)
}

// myIf lowers IF.
func (c *comp) myIf(sc *scope, n *tree.Call) ex {
	if len(n.Args) != 3 {
		c.noFunction(n, c.args(sc, n.Args))
	}
	return c.caseExpr(sc, &tree.Case{When: []tree.When{{Cond: n.Args[0], Then: n.Args[1]}}, Else: n.Args[2]})
}

// myValues lowers VALUES(col) of ON DUPLICATE KEY UPDATE.
func (c *comp) myValues(sc *scope, n *tree.Call) ex {
	id, ok := n.Args[0].(*tree.Ident)
	if len(n.Args) != 1 || !ok {
		fail(op.Syntax, "VALUES takes one column")
	}
	for s := sc; s != nil; s = s.parent {
		for _, r := range s.rels {
			if r.alias != "excluded" {
				continue
			}
			for i := range r.cols {
				if c.same(r.cols[i].name, id.Parts[len(id.Parts)-1]) {
					return colEx(&r.cols[i])
				}
			}
		}
	}
	fail(op.NoColumn, "column %q does not exist", id.Parts[len(id.Parts)-1])
	return ex{}
}

// exactTime is a date type with all its fraction digits, for comparisons.
func exactTime(t op.Type) op.Type {
	t = bare(t)
	if t.Base != op.TDate {
		t.Size = 7
	}
	return t
}

// labelNumber is the number of an ENUM's label, or the bits of a SET's labels.
func (c *comp) labelNumber(e ex) ex {
	var b strings.Builder
	if e.t.Base == op.TEnum {
		fmt.Fprintf(&b, "(CASE WHEN %s IS NOT NULL THEN dotdo_my_field(%s", e.sql, e.sql)
		for _, l := range e.col.cat.Labels {
			b.WriteString("," + quoteText(l))
		}
		return mk(typ(op.TInt8), "%s) END)", b.String())
	}
	b.WriteString("(")
	for i, l := range e.col.cat.Labels {
		if i > 0 {
			b.WriteByte('+')
		}
		fmt.Fprintf(&b, "((','||%s||',' LIKE %s)<<%d)", e.sql, quoteText("%,"+l+",%"), i)
	}
	return mk(typ(op.TInt8), "%s)", b.String())
}

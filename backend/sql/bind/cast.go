package bind

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
)

// typ makes a type of a base.
func typ(b op.Base) op.Type { return op.Type{Base: b} }

// mk makes a plain expression.
func mk(t op.Type, format string, args ...any) ex {
	if len(args) == 0 {
		return ex{sql: format, t: t}
	}
	return ex{sql: fmt.Sprintf(format, args...), t: t}
}

// bare drops modifiers.
func bare(t op.Type) op.Type {
	t.Size, t.Scale = 0, 0
	return t
}

// lit writes a value as a SQLite literal.
func lit(v op.Value) string {
	switch v.Kind {
	case op.KindNull:
		return "NULL"
	case op.KindBool, op.KindInt32, op.KindInt64:
		if v.Int() == math.MinInt64 {
			return "(-9223372036854775807-1)"
		}
		if v.Int() < 0 {
			return "(" + strconv.FormatInt(v.Int(), 10) + ")"
		}
		return strconv.FormatInt(v.Int(), 10)
	case op.KindUint64:
		return quoteText(fmt.Sprintf("%020d", v.Num))
	case op.KindFloat64:
		f := v.Float()
		switch {
		case math.IsInf(f, 1):
			return "9e999"
		case math.IsInf(f, -1):
			return "(-9e999)"
		case math.IsNaN(f):
			return "'NaN'"
		}
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		if f < 0 {
			s = "(" + s + ")"
		}
		return s
	case op.KindBytes:
		return fmt.Sprintf("x'%x'", v.Raw)
	}
	return quoteText(v.Str())
}

// quoteText writes a text literal; a NUL byte cannot stand in one.
func quoteText(s string) string {
	if strings.IndexByte(s, 0) >= 0 {
		return fmt.Sprintf("CAST(x'%x' AS TEXT)", s)
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// constEx makes a literal of a known type.
func constEx(v op.Value, t op.Type) ex { return ex{sql: lit(v), t: t, konst: &v, null: v.IsNull()} }

// options are the session facts literals are read with.
func (c *comp) options() datum.Options { return funcs.Options(c.Env, 0) }

// parseText reads literal text as the storage form of t.
func (c *comp) parseText(s string, t op.Type) (op.Value, error) {
	if c.my {
		return funcs.ParseMySQL(t, s, c.options())
	}
	return datum.Parse(t, s, c.options())
}

// dependsOnClock tells whether a date literal means something else later.
func dependsOnClock(s string, t op.Type) bool {
	switch t.Base {
	case op.TDate, op.TTimestamp, op.TTimestampTZ, op.TTime, op.TTimeTZ:
		switch strings.ToLower(strings.TrimSpace(s)) {
		case "now", "today", "tomorrow", "yesterday":
			return true
		}
	}
	return false
}

// coerce gives an undecided literal or parameter the type t; anything else is
// converted as an implicit cast.
func (c *comp) coerce(e ex, t op.Type) ex {
	if e.t.Base != op.TUnknown {
		if bare(e.t) == bare(t) || t.Base == op.TUnknown {
			return e
		}
		return c.cast(e, bare(t))
	}
	if t.Base == op.TUnknown {
		return e
	}
	if e.items != nil && t.Array {
		return c.arrayOf(e.items, t)
	}
	if t.OID != 0 {
		return c.enum(e, t)
	}
	if e.param > 0 {
		c.params[e.param-1] = bare(t)
		e.t = bare(t)
		return e
	}
	if e.konst != nil && !e.konst.IsNull() {
		s := e.konst.Str()
		if isReg(t.Base) && !t.Array || dependsOnClock(s, t) {
			c.fix(e)
			return c.castCall(mk(typ(op.TString), "%s", e.sql), bare(t))
		}
		exact := bare(t)
		if c.my && (t.Base == op.TTime || t.Base == op.TTimestamp || t.Base == op.TTimestampTZ) {
			exact.Size = 7 // all the fraction digits there are
		}
		v, err := c.parseText(s, exact)
		if c.my && op.CodeOf(err) == op.InvalidArgument { // no date: NULL
			return ex{sql: "NULL", t: bare(t), konst: &op.Value{}, null: true}
		}
		checkAt(err, e.pos)
		out := c.read(e, v, exact)
		out.t = bare(t)
		return out
	}
	e.t = bare(t)
	return e
}

// isReg tells whether input of a base needs the catalog.
func isReg(b op.Base) bool {
	return b == op.TRegClass || b == op.TRegType || b == op.TRegProc || b == op.TRegNS
}

// settle gives an undecided expression its default type, text.
func (c *comp) settle(e ex) ex {
	if e.t.Base == op.TUnknown {
		if e.null {
			e.t = typ(op.TString)
			return e
		}
		return c.coerce(e, typ(op.TString))
	}
	return c.ranged(e)
}

// ranged checks the range of integer arithmetic: SQLite computes in 64 bits
// and turns an overflow into a REAL, so one test at the root is enough.
func (c *comp) ranged(e ex) ex {
	if !e.arith {
		return e
	}
	lo, hi := funcs.IntRange(e.t)
	if c.my {
		lo, hi = math.MinInt64, math.MaxInt64
	}
	code := lit(op.Int64(funcs.TypeCode(e.t)))
	if lo == math.MinInt64 {
		e.sql = fmt.Sprintf("(CASE WHEN typeof(%s)='real' THEN dotdo_range(%s,%s) ELSE %s END)", e.sql, code, e.sql, e.sql)
	} else {
		e.sql = fmt.Sprintf("(CASE WHEN %s NOT BETWEEN %d AND %d THEN dotdo_range(%s,%s) ELSE %s END)", e.sql, lo, hi, code, e.sql, e.sql)
	}
	e.arith = false
	return e
}

// castCall converts by the general function.
func (c *comp) castCall(e ex, t op.Type) ex {
	from := funcs.TypeCode(e.t)
	name := "dotdo_cast"
	if c.my {
		name = "dotdo_my_cast"
	}
	if clockCast(e.t) || clockCast(t) || isReg(t.Base) || isReg(e.t.Base) {
		name += "_s" // depends on the session: not deterministic
	}
	return mk(t, "%s(%s,%d,%d,%d,%d)", name, e.sql, from, funcs.TypeCode(t), t.Size, t.Scale)
}

// clockCast tells whether text conversion of a type depends on the session.
func clockCast(t op.Type) bool { return t.Base == op.TTimestampTZ || t.Base == op.TTimeTZ }

// cast converts e to t, t with modifiers, when the conversion exists.
func (c *comp) cast(e ex, t op.Type) ex {
	if t.OID != 0 && e.t.OID != t.OID {
		return c.enum(e, t)
	}
	if e.t.Base == op.TUnknown {
		if t.Size > 0 && !e.null && e.param == 0 {
			return c.cast(c.coerce(e, bare(t)), t)
		}
		e = c.coerce(e, t)
		if t.Size == 0 {
			return e
		}
	}
	f := e.t
	if e.null {
		e.t = t
		return e
	}
	if vectorCast(f, t) || vectorCast(t, f) {
		e.t = t
		return e
	}
	if !c.my && !castable(f, t) {
		ex := op.Errorf(op.TypeMismatch, "cannot cast type %s to %s", c.typeWord(f), c.typeWord(t))
		ex.Object = "cast"
		panic(failure{ex})
	}
	if e.row != nil || e.rowEx != nil {
		return c.castCall(e, t)
	}
	if out, ok := c.nativeCast(c.ranged(e), t); ok {
		out.t, out.ci = t, e.ci && funcs.IsText(t)
		return out
	}
	if e.konst != nil && !clockCast(f) && !clockCast(t) && !isReg(t.Base) && !isReg(f.Base) {
		v, err := funcs.Cast(*e.konst, f, t, c.my, true, c.options())
		if c.my && op.CodeOf(err) == op.InvalidArgument {
			return ex{sql: "NULL", t: t, konst: &op.Value{}, null: true}
		}
		check(err)
		return c.converted(e, v, f, t, true)
	}
	return c.castCall(c.ranged(e), t)
}

// vectorCast tells int2vector and oidvector from the arrays they are stored as.
func vectorCast(v, a op.Type) bool {
	return !v.Array && a.Array && (v.Base == op.TInt2Vector && a.Base == op.TInt2 || v.Base == op.TOIDVector && a.Base == op.TOID)
}

// nativeCast converts without a function where SQLite's own forms allow it.
func (c *comp) nativeCast(e ex, t op.Type) (ex, bool) {
	f := e.t
	if f.Array || t.Array {
		return e, bare(f) == bare(t) || t.Array && vectorElem(f) == (op.Type{Base: t.Base})
	}
	sameBase := f.Base == t.Base && f.Unsigned == t.Unsigned
	switch {
	case sameBase && (t.Size == 0 || (f.Size == t.Size && f.Scale == t.Scale)):
		return e, true
	case funcs.IsInt(f) && !f.Unsigned && funcs.IsInt(t) && !t.Unsigned:
		flo, fhi := funcs.IntRange(f)
		lo, hi := funcs.IntRange(t)
		if flo >= lo && fhi <= hi {
			return e, true
		}
		if e.konst != nil && e.konst.Int() >= lo && e.konst.Int() <= hi {
			return c.within(e, lo, hi), true
		}
		c.fix(e)
		e.konst = nil
		e.sql = fmt.Sprintf("(CASE WHEN %s NOT BETWEEN %d AND %d THEN dotdo_range(%d,%s) ELSE %s END)", e.sql, lo, hi, funcs.TypeCode(t), e.sql, e.sql)
		return e, true
	case (funcs.IsInt(f) && !f.Unsigned || f.Base == op.TOID) && funcs.IsFloat(t):
		return mk(t, "CAST(%s AS REAL)", e.sql), true
	case (funcs.IsInt(f) && !f.Unsigned || f.Base == op.TBoolean && c.my) && t.Base == op.TNumeric && t.Size == 0:
		return mk(t, "CAST(%s AS TEXT)", e.sql), true
	case f.Base == op.TFloat4 && t.Base == op.TFloat8, funcs.IsInt(f) && !f.Unsigned && t.Base == op.TOID, f.Base == op.TOID && t.Base == op.TInt8,
		isReg(f.Base) && (t.Base == op.TOID || t.Base == op.TInt8), t.Base == op.TRegClass && (f.Base == op.TOID || funcs.IsInt(f)):
		return e, true
	case (funcs.IsInt(f) && !f.Unsigned || f.Base == op.TOID || f.Base == op.TXID) && (t.Base == op.TString || t.Base == op.TVarchar && t.Size == 0 || t.Base == op.TName):
		return mk(t, "CAST(%s AS TEXT)", e.sql), true
	case f.Base == op.TBoolean && funcs.IsInt(t), c.my && funcs.IsInt(f) && t.Base == op.TBoolean && false:
		return e, true
	case f.Base == op.TBoolean && t.Base == op.TString && !c.my:
		return mk(t, "(CASE %s WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)", e.sql), true
	case funcs.IsInt(f) && t.Base == op.TBoolean && !c.my:
		return mk(t, "(%s<>0)", e.sql), true
	case f.Base == op.TChar && (t.Base == op.TString || t.Base == op.TVarchar && t.Size == 0):
		return mk(t, "rtrim(%s,' ')", e.sql), true
	case funcs.IsText(f) && f.Base != op.TChar && (t.Base == op.TString || t.Base == op.TName && f.Base != op.TString && f.Base != op.TVarchar || t.Base == op.TVarchar && t.Size == 0 || t.Base == op.TChar && t.Size == 0):
		return e, true
	case (f.Base == op.TUUID || f.Base == op.TInet || f.Base == op.TBit || f.Base == op.TJSON || f.Base == op.TJSONB) && t.Base == op.TString && (f.Base != op.TInet || c.my):
		return e, true
	case f.Base == op.TJSONB && t.Base == op.TJSON:
		return e, true
	case f.Base == op.TDate && t.Base == op.TTimestamp:
		return mk(t, "(CASE WHEN %s BETWEEN -100000000 AND 100000000 THEN %s*86400000000 ELSE %s END)", e.sql, e.sql, e.sql), true
	}
	return e, false
}

// vectorElem is the element type of int2vector and oidvector.
func vectorElem(t op.Type) op.Type {
	switch {
	case t.Base == op.TInt2Vector && !t.Array:
		return op.Type{Base: op.TInt2}
	case t.Base == op.TOIDVector && !t.Array:
		return op.Type{Base: op.TOID}
	}
	return op.Type{}
}

// castable tells whether PostgreSQL has an explicit cast.
func castable(f, t op.Type) bool {
	if f.Base == op.TRecord {
		return t.Base == op.TRecord || funcs.IsText(t)
	}
	if vectorElem(f) == (op.Type{Base: t.Base}) && t.Array && t.Base != op.TUnknown {
		return true
	}
	if f.Array != t.Array {
		return funcs.IsText(f) || funcs.IsText(t)
	}
	if funcs.IsText(f) || funcs.IsText(t) || f.Base == t.Base {
		return true
	}
	num := func(x op.Type) bool { return funcs.IsNumber(x) }
	switch {
	case num(f) && num(t):
		return true
	case f.Base == op.TJSONB:
		return t.Base == op.TJSON || num(t) || t.Base == op.TBoolean
	case f.Base == op.TBoolean:
		return t.Base == op.TInt4
	case t.Base == op.TBoolean:
		return f.Base == op.TInt4
	case funcs.IsOID(f):
		return funcs.IsOID(t) || funcs.IsInt(t)
	case funcs.IsOID(t):
		return funcs.IsInt(f)
	case f.Base == op.TDate:
		return t.Base == op.TTimestamp || t.Base == op.TTimestampTZ
	case f.Base == op.TTimestamp, f.Base == op.TTimestampTZ:
		return t.Base == op.TDate || t.Base == op.TTime || t.Base == op.TTimestamp || t.Base == op.TTimestampTZ || t.Base == op.TTimeTZ
	case f.Base == op.TTime:
		return t.Base == op.TInterval || t.Base == op.TTimeTZ
	case f.Base == op.TTimeTZ, f.Base == op.TInterval:
		return t.Base == op.TTime
	case f.Base == op.TJSON:
		return t.Base == op.TJSONB
	case f.Base == op.TBit:
		return funcs.IsInt(t)
	case t.Base == op.TBit:
		return funcs.IsInt(f)
	}
	return false
}

// implicit tells whether f converts to t without a cast in expressions.
func implicit(f, t op.Type) bool {
	f, t = bare(f), bare(t)
	if f == t || f.Base == op.TUnknown {
		return true
	}
	if f.Array || t.Array {
		return f.Array && t.Array && implicit(op.Type{Base: f.Base}, op.Type{Base: t.Base})
	}
	if rank(f) > 0 && rank(t) > 0 {
		return rank(f) <= rank(t)
	}
	switch {
	case funcs.IsText(f) && funcs.IsText(t):
		return true
	case funcs.IsInt(f) && funcs.IsOID(t), funcs.IsOID(f) && funcs.IsOID(t), funcs.IsOID(f) && t.Base == op.TInt8:
		return true
	case f.Base == op.TDate:
		return t.Base == op.TTimestamp || t.Base == op.TTimestampTZ
	case f.Base == op.TTimestamp:
		return t.Base == op.TTimestampTZ
	case f.Base == op.TTime:
		return t.Base == op.TInterval || t.Base == op.TTimeTZ
	}
	return false
}

// rank orders the number types; 0 is not a number.
func rank(t op.Type) int {
	if t.Array {
		return 0
	}
	switch t.Base {
	case op.TInt1:
		return 1
	case op.TInt2, op.TYear:
		return 2
	case op.TInt3:
		return 3
	case op.TInt4:
		return 4
	case op.TInt8:
		return 5
	case op.TNumeric:
		return 6
	case op.TFloat4:
		return 7
	case op.TFloat8:
		return 8
	}
	return 0
}

// unify finds the common type of branches (CASE, UNION, VALUES, ARRAY …).
func (c *comp) unify(es []ex, what string) op.Type {
	var t op.Type
	for _, e := range es {
		if e.t.Base == op.TUnknown || e.null && e.t.Base == op.TString && e.konst != nil {
			continue
		}
		switch {
		case t.Base == op.TUnknown:
			t = e.t
		case t == e.t:
		case bare(t) == bare(e.t):
			t = bare(t)
		case c.my:
			t = myCommon(t, e.t)
		case implicit(e.t, t):
			t = bare(t)
		case implicit(t, e.t):
			t = bare(e.t)
		default:
			ex := op.Errorf(op.TypeMismatch, "%s types %s and %s cannot be matched", what, c.typeWord(t), c.typeWord(e.t))
			ex.Object = "match"
			panic(failure{ex})
		}
	}
	return t
}

// myCommon is MySQL's result type of mixed branches.
func myCommon(a, b op.Type) op.Type {
	if a.Base == op.TBoolean {
		a = typ(op.TInt8)
	}
	if b.Base == op.TBoolean {
		b = typ(op.TInt8)
	}
	if ra, rb := rank(a), rank(b); ra > 0 && rb > 0 {
		if rb > ra {
			a = b
		}
		return bare(a)
	}
	if a.Base == op.TDate && b.Base == op.TTimestamp || a.Base == op.TTimestamp && b.Base == op.TDate {
		return typ(op.TTimestamp)
	}
	return typ(op.TString)
}

// coll returns the collation clause comparisons of a type need.
func coll(t op.Type, ci bool) string {
	if t.Array {
		return ""
	}
	switch t.Base {
	case op.TNumeric:
		return " COLLATE decimal"
	case op.TInterval:
		return " COLLATE interval"
	case op.TChar:
		if ci {
			return " COLLATE ci"
		}
		return " COLLATE RTRIM"
	}
	if ci && funcs.IsText(t) {
		return " COLLATE ci"
	}
	return ""
}

// assign converts e for storage in a column: assignment casts, length and
// range checks.
func (c *comp) assign(e ex, t op.Type, k *catalog.Column) ex {
	if k != nil && k.Domain != nil {
		if u := c.Snapshot.Types[*k.Domain]; u != nil {
			plain := *k
			plain.Domain = nil
			return c.domain(c.assign(e, t, &plain), u)
		}
	}
	if e.t.Base == op.TUnknown {
		if e.param > 0 {
			e = c.coerce(e, t)
		} else if e.null && !c.lax {
			e.t = t
			return e
		} else if c.my {
			e = c.settle(e) // text that does not fit its column is an error, not the nearest value
		} else {
			e = c.coerce(e, bare(t))
		}
	}
	if !c.my && (!assignable(e.t, t) || t.OID != 0 && e.t.OID != t.OID) {
		name := "?"
		if k != nil {
			name = k.Name
		}
		x := op.Errorf(op.TypeMismatch, "column %q is of type %s but expression is of type %s", name, c.typeWord(t), c.typeWord(e.t))
		x.Object, x.Column, x.Hint = "assign", name, "You will need to rewrite or cast the expression."
		panic(failure{x})
	}
	if c.lax && k != nil {
		return c.laxStore(e, t, k)
	}
	if e.null {
		e.t = t
		return e
	}
	if c.Fitted && e.t == t && (t.Base == op.TNumeric || t.Base == op.TVarchar || t.Base == op.TChar) {
		return e
	}
	e = c.ranged(e)
	if funcs.IsText(t) && t.Size > 0 && (t.Base == op.TVarchar || t.Base == op.TChar) {
		return c.assignText(e, t)
	}
	if (bare(e.t) == bare(t) && t.Size == 0 || t.OID != 0) && !(c.my && k != nil && (t.Base == op.TEnum || t.Base == op.TSetOf)) {
		return e
	}
	if e.t == t && e.col != nil {
		return e
	}
	if out, ok := c.nativeCast(e, t); ok && !(c.my && (e.konst != nil || t.Base == op.TYear)) && t.Base != op.TEnum && t.Base != op.TSetOf {
		out.t = t
		return out
	}
	if e.konst != nil && !clockCast(e.t) && !clockCast(t) && !isReg(t.Base) && t.Base != op.TEnum && t.Base != op.TSetOf {
		v, err := funcs.Cast(*e.konst, e.t, t, c.my, false, c.options())
		check(err)
		return c.converted(e, v, e.t, t, false)
	}
	name := "dotdo_assign"
	if c.my {
		name = "dotdo_my_assign"
	}
	args := ""
	if k != nil && len(k.Labels) > 0 {
		args = "," + quoteText(strings.Join(k.Labels, "\x1f"))
	}
	return mk(t, "%s(%s,%d,%d,%d,%d%s)", name, e.sql, funcs.TypeCode(e.t), funcs.TypeCode(t), t.Size, t.Scale, args)
}

// assignText checks a character length; the function runs only for values that
// are too long, char(n) is padded.
func (c *comp) assignText(e ex, t op.Type) ex {
	if !funcs.IsText(e.t) || e.t.Base == op.TChar && t.Base != op.TChar {
		e = c.cast(e, typ(op.TString))
	}
	if e.konst != nil && !c.my {
		v, err := funcs.Cast(*e.konst, typ(op.TString), t, c.my, false, c.options())
		check(err)
		return c.converted(e, v, typ(op.TString), t, false)
	}
	if t.Base == op.TChar && !c.my {
		return mk(t, "dotdo_assign(%s,%d,%d,%d,0)", e.sql, op.TString, op.TChar, t.Size)
	}
	fn := "dotdo_toolong"
	if c.my {
		fn = "dotdo_my_toolong"
	}
	return mk(t, "(CASE WHEN length(%s)>%d THEN %s(%s,%d,%d) ELSE %s END)", e.sql, t.Size, fn, e.sql, t.Base, t.Size, e.sql)
}

// assignable tells whether PostgreSQL has an assignment cast.
func assignable(f, t op.Type) bool {
	if implicit(f, t) || f.Base == op.TUnknown {
		return true
	}
	if funcs.IsNumber(f) && funcs.IsNumber(t) {
		return true
	}
	if funcs.IsText(t) {
		return true
	}
	if f.Array || t.Array {
		return f.Array == t.Array && assignable(op.Type{Base: f.Base}, op.Type{Base: t.Base})
	}
	switch f.Base {
	case op.TTimestamp, op.TTimestampTZ:
		return t.Base == op.TDate || t.Base == op.TTime || t.Base == op.TTimestamp || t.Base == op.TTimestampTZ
	case op.TJSON, op.TJSONB:
		return t.Base == op.TJSON || t.Base == op.TJSONB
	case op.TInterval:
		return t.Base == op.TTime
	case op.TEnum, op.TString:
		return t.Base == op.TEnum
	}
	return funcs.IsOID(f) && funcs.IsOID(t) || funcs.IsInt(t) && funcs.IsOID(f)
}

package bind

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/system"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// specials is the table of calls whose typing no function table can say.
func specials() map[string]func(*comp, *scope, *tree.Call) ex {
	return map[string]func(*comp, *scope, *tree.Call) ex{
		"txid_current": (*comp).notServed, "inet_server_addr": (*comp).notServed, "inet_server_port": (*comp).notServed,
		"inet_client_addr": (*comp).notServed, "inet_client_port": (*comp).notServed,
		"coalesce": (*comp).coalesce, "ifnull": (*comp).coalesce, "nullif": (*comp).nullif,
		"greatest": (*comp).greatest, "least": (*comp).greatest, "if": (*comp).myIf,
		"row_to_json": (*comp).toJSON, "to_json": (*comp).toJSON, "to_jsonb": (*comp).toJSON,
		"json_build_object": (*comp).buildJSON, "jsonb_build_object": (*comp).buildJSON,
		"json_build_array": (*comp).buildJSON, "jsonb_build_array": (*comp).buildJSON,
		"json_agg": (*comp).jsonAgg, "jsonb_agg": (*comp).jsonAgg, "json_object_agg": (*comp).jsonAgg, "jsonb_object_agg": (*comp).jsonAgg,
		"enum_first": (*comp).enumCall, "enum_last": (*comp).enumCall, "enum_range": (*comp).enumCall,
		"array_agg": (*comp).arrayAgg, "pg_typeof": (*comp).typeofCall, "grouping": (*comp).noGrouping,
		"date_add": (*comp).myDateCall, "date_sub": (*comp).myDateCall, "adddate": (*comp).myDateCall, "subdate": (*comp).myDateCall,
		"now": (*comp).clock, "sysdate": (*comp).clock, "utc_timestamp": (*comp).clock, "curtime": (*comp).clock, "utc_time": (*comp).clock,
		"timestampadd": (*comp).myTimestampAdd, "timestamp": (*comp).myTimestamp, "time": (*comp).myTime, "hour": (*comp).myClockPart, "minute": (*comp).myClockPart,
		"second": (*comp).myClockPart, "microsecond": (*comp).myClockPart,
		"values": (*comp).myValues, "string_agg": (*comp).stringAgg, "group_concat": (*comp).stringAgg,
	}
}

// mysqlOnly are the specials PostgreSQL does not have.
var mysqlOnly = map[string]bool{"if": true, "ifnull": true, "date_add": true, "date_sub": true, "adddate": true, "subdate": true, "values": true, "group_concat": true,
	"now": true, "sysdate": true, "utc_timestamp": true, "curtime": true, "utc_time": true, "timestamp": true, "time": true, "timestampadd": true,
	"hour": true, "minute": true, "second": true, "microsecond": true}

// call lowers a function, aggregate or window call.
func (c *comp) call(sc *scope, n *tree.Call) ex {
	if n.Schema != "" && n.Schema != "pg_catalog" && n.Schema != "information_schema" && !c.my {
		c.noFunction(n, nil)
	}
	n = intervalArgs(n)
	for i, a := range n.ArgNames {
		if a != "" {
			fail(op.Unsupported, "named argument %q of %s is not supported", n.ArgNames[i], n.Name)
		}
	}
	if f := specials()[n.Name]; f != nil && (c.my || !mysqlOnly[n.Name]) {
		return f(c, sc, n)
	}
	overloads := c.funcsTable()[n.Name]
	isAgg := len(overloads) > 0 && overloads[0].Kind != funcs.Scalar && overloads[0].Kind != funcs.SetOf
	if isAgg {
		return c.aggregate(sc, n, overloads)
	}
	if n.Over != nil || n.Distinct || n.Filter != nil || len(n.Order) > 0 || n.Star {
		if len(overloads) > 0 {
			e := op.Errorf(op.TypeMismatch, "OVER specified, but %s is not a window function nor an aggregate function", n.Name)
			e.Object, e.Position = "window", n.Pos
			panic(failure{e})
		}
		c.noFunction(n, nil)
	}
	args := c.args(sc, n.Args)
	f := c.resolve(overloads, args)
	if f == nil {
		if e, ok := c.functionCast(n, args); ok {
			return e
		}
		c.noFunction(n, args)
	}
	if f.Kind == funcs.SetOf {
		return c.srfItem(sc, n, f, args)
	}
	return c.emit(f, args, nil)
}

// intervalArgs orders the named arguments of make_interval.
func intervalArgs(n *tree.Call) *tree.Call {
	if n.Name != "make_interval" {
		return n
	}
	names := []string{"years", "months", "weeks", "days", "hours", "mins", "secs"}
	args := make([]tree.Expr, len(names))
	for i := range args {
		args[i] = &tree.Const{Value: op.Int64(0), Type: typ(op.TInt4)}
	}
	for i, a := range n.Args {
		at := i
		if i < len(n.ArgNames) && n.ArgNames[i] != "" {
			at = -1
			for k, x := range names {
				if x == n.ArgNames[i] {
					at = k
				}
			}
		}
		if at < 0 || at >= len(args) {
			return n
		}
		args[at] = a
	}
	return &tree.Call{Name: n.Name, Args: args, Pos: n.Pos}
}

// functionCast lowers PostgreSQL's type(x) call form.
func (c *comp) functionCast(n *tree.Call, args []ex) (ex, bool) {
	if c.my || len(args) != 1 {
		return ex{}, false
	}
	t, ok := funcs.TypeByName(n.Name)
	if !ok {
		return ex{}, false
	}
	return c.cast(args[0], t), true
}

// args lowers call arguments.
func (c *comp) args(sc *scope, xs []tree.Expr) []ex {
	out := make([]ex, len(xs))
	for i, x := range xs {
		out[i] = c.expr(sc, x)
	}
	return out
}

// noFunction reports a missing function.
func (c *comp) noFunction(n *tree.Call, args []ex) {
	names := make([]string, len(args))
	for i, a := range args {
		names[i] = c.typeWord(a.t)
	}
	if args == nil && len(n.Args) > 0 {
		names = []string{"…"}
	}
	e := op.Errorf(op.NoFunction, "function %s(%s) does not exist", n.Name, strings.Join(names, ", "))
	e.Object, e.Name, e.Position = "function", n.Name, n.Pos
	e.Hint = "No function matches the given name and argument types. You might need to add explicit type casts."
	panic(failure{e})
}

// resolve picks the overload for arguments: most exact matches, then text for
// undecided arguments, then table order.
func (c *comp) resolve(overloads []*funcs.Func, args []ex) *funcs.Func {
	var best *funcs.Func
	bestScore := -1
	// an undecided operand of an operator takes the other's type first
	var other op.Type
	if len(args) == 2 {
		switch {
		case args[0].t.Base == op.TUnknown:
			other = bare(args[1].t)
		case args[1].t.Base == op.TUnknown:
			other = bare(args[0].t)
		}
	}
	for _, f := range overloads {
		if !f.Takes(len(args)) {
			continue
		}
		score := 0
		for i, a := range args {
			t, any := f.Arg(i)
			s := c.fit(a, t, any, other)
			if s < 0 {
				score = -1
				break
			}
			score += s
		}
		if score > bestScore {
			best, bestScore = f, score
		}
	}
	return best
}

// fit scores one argument against one declared type, -1 = impossible.
func (c *comp) fit(a ex, t op.Type, any byte, other op.Type) int {
	switch any {
	case 'a', 'e':
		return 1
	case 'r':
		if a.t.Array || a.t.Base == op.TInt2Vector || a.t.Base == op.TOIDVector {
			return 30
		}
		if a.t.Base == op.TUnknown {
			return 5
		}
		return -1
	}
	at := bare(a.t)
	switch {
	case at.Base == op.TUnknown:
		if other == t {
			return 60
		}
		if t.Base == op.TString {
			return 30
		}
		if t.Base == op.TFloat8 || t.Base == op.TTimestampTZ || t.Base == op.TJSONB {
			return 10
		}
		return 5
	case at == t:
		return 100
	case funcs.IsText(at) && funcs.IsText(t) && t.Base == op.TString:
		return 90
	case implicit(at, t):
		if ra, rt := rank(at), rank(t); ra > 0 {
			switch t.Base { // float8 is the preferred number
			case op.TFloat8:
				return 44
			case op.TNumeric:
				return 42
			}
			return 60 - 5*(rt-ra)
		}
		if t.Base == op.TTimestampTZ {
			return 50
		}
		return 40
	case c.my:
		if t.Base == op.TString {
			return 4
		}
		return 2
	}
	return -1
}

// emit fills an overload's template.
func (c *comp) emit(f *funcs.Func, args []ex, agg *aggParts) ex {
	types := make([]op.Type, len(args))
	texts := make([]string, len(args))
	ci := false
	for i, a := range args {
		t, any := f.Arg(i)
		switch {
		case any == 0:
			if c.my && a.t.Base != op.TUnknown && !implicit(a.t, t) {
				a = c.cast(a, t)
			} else {
				a = c.coerce(a, t)
			}
		case any == 'e' && a.t.Base == op.TUnknown && len(args) > 0 && args[0].t.Array:
			a = c.coerce(a, elemOf(args[0].t))
		case any == 'r' && a.t.Base == op.TUnknown:
			other := op.Type{Base: op.TString, Array: true}
			for _, o := range args {
				if o.t.Array {
					other = bare(o.t)
				}
			}
			a = c.coerce(a, other)
		default:
			a = c.settle(a)
		}
		a = c.ranged(a)
		types[i], texts[i] = a.t, a.sql
		ci = ci || a.ci
	}
	if f.Name == "nextval" || f.Name == "setval" {
		c.plan.Sequence = true
	}
	if f.Volatile {
		c.plan.Volatile = true
		if c.noEnv {
			fail(op.InvalidArgument, "functions in this expression must be marked IMMUTABLE")
		}
	}
	e := ex{t: f.Result(types), ci: ci && c.my}
	c.argCI = e.ci
	e.sql = c.template(f, texts, types, agg)
	if e.t.Base == op.TBoolean && c.my {
		e.t = typ(op.TInt8)
	}
	return e
}

// template expands a template; see funcs.Func.
func (c *comp) template(f *funcs.Func, texts []string, types []op.Type, agg *aggParts) string {
	t := f.Template
	if !strings.ContainsAny(t, "({'") && t[0] > '9' && t != "NULL" {
		if agg != nil {
			return agg.wrap(t, strings.Join(texts, ","))
		}
		return t + "(" + strings.Join(texts, ",") + ")"
	}
	var b strings.Builder
	for i := 0; i < len(t); i++ {
		switch {
		case t[i] == '{':
			end := i + strings.IndexByte(t[i:], '}')
			b.WriteString(c.hole(t[i+1:end], texts, types))
			i = end
		case t[i] == '@' && agg != nil:
			open := i + strings.IndexByte(t[i:], '(')
			end := matching(t, open)
			inner := c.template(&funcs.Func{Template: "(" + t[open+1:end] + ")"}, texts, types, nil)
			b.WriteString(agg.wrap(t[i+1:open], inner[1:len(inner)-1]))
			i = end
		default:
			b.WriteByte(t[i])
		}
	}
	return b.String()
}

// matching returns the index of the parenthesis that closes the one at open.
func matching(s string, open int) int {
	depth := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i
			}
		}
	}
	return len(s) - 1
}

// hole expands one {…} of a template.
func (c *comp) hole(h string, texts []string, types []op.Type) string {
	switch {
	case h == "*":
		return strings.Join(texts, ",")
	case h == ",*":
		if len(texts) == 0 {
			return ""
		}
		return "," + strings.Join(texts, ",")
	case strings.HasPrefix(h, "env:"):
		return c.env(h[4:])
	case h == "types":
		return pairs(texts, types, 0)
	case h == "typesfrom1":
		return pairs(texts, types, 1)
	case h == "rest1":
		return strings.Join(texts[1:], ",")
	case h[0] == 't':
		n, _ := strconv.Atoi(h[1:])
		if n >= len(types) {
			return "0"
		}
		return strconv.FormatInt(funcs.TypeCode(types[n]), 10)
	case h[0] == 'c':
		n, _ := strconv.Atoi(h[1:])
		if n >= len(types) {
			return ""
		}
		return coll(types[n], c.argCI)
	}
	n, err := strconv.Atoi(h)
	if err != nil || n >= len(texts) {
		return "NULL"
	}
	return texts[n]
}

// pairs writes ",code,value" for each argument from the n-th.
func pairs(texts []string, types []op.Type, n int) string {
	var b strings.Builder
	for i := n; i < len(texts); i++ {
		fmt.Fprintf(&b, ",%d,%s", funcs.TypeCode(types[i]), texts[i])
	}
	return b.String()
}

// coalesce lowers COALESCE and IFNULL.
func (c *comp) coalesce(sc *scope, n *tree.Call) ex {
	args := c.args(sc, n.Args)
	t := settled(c.unify(args, "COALESCE"))
	texts := make([]string, len(args))
	ci := false
	for i, a := range args {
		ci = ci || a.ci
		texts[i] = c.ranged(c.coerce(a, t)).sql
	}
	if len(texts) == 1 {
		return ex{sql: texts[0], t: t, ci: ci}
	}
	return ex{sql: "coalesce(" + strings.Join(texts, ",") + ")", t: t, ci: ci && c.my}
}

// nullif lowers NULLIF.
func (c *comp) nullif(sc *scope, n *tree.Call) ex {
	if len(n.Args) != 2 {
		c.noFunction(n, c.args(sc, n.Args))
	}
	a, b := c.expr(sc, n.Args[0]), c.expr(sc, n.Args[1])
	cmp := c.compare("=", a, b, n.Pos)
	if a.t.Base == op.TUnknown {
		a = c.coerce(a, settled(b.t))
	}
	a = c.ranged(a)
	return ex{sql: fmt.Sprintf("(CASE WHEN %s THEN NULL ELSE %s END)", cmp.sql, a.sql), t: a.t, ci: a.ci}
}

// greatest lowers GREATEST and LEAST: NULLs are ignored in PostgreSQL.
func (c *comp) greatest(sc *scope, n *tree.Call) ex {
	args := c.args(sc, n.Args)
	t := settled(c.unify(args, strings.ToUpper(n.Name)))
	opr := ">"
	if n.Name == "least" {
		opr = "<"
	}
	acc := c.ranged(c.coerce(args[0], t))
	for _, a := range args[1:] {
		a = c.ranged(c.coerce(a, t))
		if c.my {
			acc = ex{sql: fmt.Sprintf("(CASE WHEN %s IS NULL OR %s IS NULL THEN NULL WHEN %s%s%s%s THEN %s ELSE %s END)", acc.sql, a.sql, acc.sql, coll(t, a.ci), opr, a.sql, acc.sql, a.sql), t: t}
			continue
		}
		acc = ex{sql: fmt.Sprintf("(CASE WHEN %s IS NULL OR %s%s%s%s THEN %s ELSE coalesce(%s,%s) END)", a.sql, acc.sql, coll(t, false), opr, a.sql, acc.sql, a.sql, acc.sql), t: t}
	}
	acc.t = t
	return acc
}

// typeofCall lowers pg_typeof.
func (c *comp) typeofCall(sc *scope, n *tree.Call) ex {
	args := c.args(sc, n.Args)
	if len(args) != 1 {
		c.noFunction(n, args)
	}
	oid := system.TypeOID(args[0].t)
	if args[0].null || args[0].param > 0 {
		args[0] = c.settle(args[0])
	}
	// the argument stays so that its parameters are bound
	return mk(typ(op.TRegType), "(CASE WHEN %s IS NULL THEN %d ELSE %d END)", args[0].sql, oid, oid)
}

// notServed refuses a function of facts that the engine does not have.
func (c *comp) notServed(_ *scope, n *tree.Call) ex {
	fail(op.Unsupported, "function %s is not supported", n.Name)
	return ex{}
}

// noGrouping refuses GROUPING.
func (c *comp) noGrouping(*scope, *tree.Call) ex {
	fail(op.Unsupported, "GROUPING is not supported")
	return ex{}
}

// jsonOf lowers a value to its JSON text.
func (c *comp) jsonOf(e ex) string {
	if parts := e.fields(); parts != nil {
		var b strings.Builder
		b.WriteString("dotdo_json_object(0")
		for i, p := range parts {
			name := "f" + strconv.Itoa(i+1)
			if e.row != nil {
				name = e.row[i].name
			}
			b.WriteString("," + quoteText(name) + "," + c.jsonOf(p))
		}
		return b.String() + ")"
	}
	e = c.settle(e)
	switch {
	case !e.t.Array && (e.t.Base == op.TJSON || e.t.Base == op.TJSONB):
		return "coalesce(" + e.sql + ",'null')"
	case funcs.IsInt(e.t) && !e.t.Unsigned:
		return "coalesce(CAST(" + e.sql + " AS TEXT),'null')"
	}
	return fmt.Sprintf("dotdo_to_json(%s,%d,%s)", e.sql, funcs.TypeCode(e.t), c.env("timezone"))
}

// toJSON lowers to_json, to_jsonb and row_to_json.
func (c *comp) toJSON(sc *scope, n *tree.Call) ex {
	args := c.args(sc, n.Args)
	if len(args) == 0 || len(args) > 2 || len(args) == 2 && n.Name != "row_to_json" {
		c.noFunction(n, args)
	}
	text := c.jsonOf(args[0])
	if args[0].fields() == nil {
		text = fmt.Sprintf("(CASE WHEN %s IS NULL THEN NULL ELSE %s END)", c.settle(args[0]).sql, text)
	}
	if n.Name == "to_jsonb" {
		return mk(typ(op.TJSONB), "dotdo_jsonb(%s)", text)
	}
	return mk(typ(op.TJSON), "%s", text)
}

// buildJSON lowers json[b]_build_object and json[b]_build_array.
func (c *comp) buildJSON(sc *scope, n *tree.Call) ex {
	args := c.args(sc, n.Args)
	object := strings.HasSuffix(n.Name, "object")
	var b strings.Builder
	if object {
		if len(args)%2 != 0 {
			fail(op.InvalidArgument, "argument list must have even number of elements")
		}
		b.WriteString("dotdo_json_object(1")
	} else {
		b.WriteString("dotdo_json_array(1")
	}
	for i, a := range args {
		if object && i%2 == 0 {
			b.WriteString("," + c.cast(c.settle(a), typ(op.TString)).sql)
		} else {
			b.WriteString("," + c.jsonOf(a))
		}
	}
	b.WriteString(")")
	if strings.HasPrefix(n.Name, "jsonb") {
		return mk(typ(op.TJSONB), "dotdo_jsonb(%s)", b.String())
	}
	return mk(typ(op.TJSON), "%s", b.String())
}

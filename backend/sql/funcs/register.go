package funcs

import (
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/system"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// fn is a registered function. Functions are strict (NULL in, NULL out) unless
// their entry says otherwise.
type fn struct {
	name  string
	nargs int
	call  func(a []op.Value) (op.Value, error)
}

// Register adds every function that lowered statements call.
func Register(r *sqlite.Registry) {
	for _, list := range [][]fn{castFuncs, decimalFuncs, stringFuncs, regexFuncs, nthFuncs, dateFuncs, jsonFuncs, arrayFuncs, encodingFuncs} {
		for _, f := range list {
			call := f.call
			r.Scalar(f.name, f.nargs, true, func(_ *sqlite.Conn, a []op.Value) (op.Value, error) {
				for i := range a {
					if a[i].Kind == op.KindNull {
						return op.Null, nil
					}
				}
				return call(a)
			})
		}
	}
	for _, list := range [][]fn{looseFuncs, looseArrayFuncs} {
		for _, f := range list {
			call := f.call
			r.Scalar(f.name, f.nargs, true, func(_ *sqlite.Conn, a []op.Value) (op.Value, error) { return call(a) })
		}
	}
	r.Scalar("dotdo_range", 2, true, func(_ *sqlite.Conn, a []op.Value) (op.Value, error) { return inRange(a) })
	for _, f := range raiseFuncs {
		call := f.call
		r.Scalar(f.name, f.nargs, false, func(_ *sqlite.Conn, a []op.Value) (op.Value, error) { return call(a) })
	}
	for _, f := range sessionFuncs {
		call := f.call
		r.Scalar(f.name, f.nargs, false, func(c *sqlite.Conn, a []op.Value) (op.Value, error) { return call(callOf(c), a) })
	}
	registerAggregates(r)
	registerMySQL(r)
	system.Functions(r)
}

// sessionFn is a function that asks the running statement.
type sessionFn struct {
	name  string
	nargs int
	call  func(c *sql.Call, a []op.Value) (op.Value, error)
}

// callOf returns what a running statement offers; outside one (an index being
// built) the defaults.
func callOf(c *sqlite.Conn) *sql.Call {
	if k, ok := c.Call.(*sql.Call); ok && k != nil {
		return k
	}
	return &sql.Call{Env: &rel.Env{}, Now: time.Now()}
}

// options are the text options of a running statement.
func options(c *sql.Call) datum.Options {
	o := Options(c.Env, c.Env.TxnStart)
	if c.Env.TxnStart == 0 {
		o.Now = c.Now
	}
	return o
}

// zoneOptions are text options with an explicit zone.
func zoneOptions(zone op.Value) datum.Options {
	var o datum.Options
	if s := zone.Str(); s != "" && s != "UTC" {
		o.Location, _ = datum.ParseZone(s)
	}
	return o
}

// typeArg reads type code, size and scale from a[i:].
func typeArg(a []op.Value, i int) op.Type {
	t := TypeOf(a[i].Int(), 0, 0)
	if i+2 < len(a) {
		t.Size, t.Scale = int32(a[i+1].Int()), int32(a[i+2].Int())
	}
	return t
}

// castFuncs convert between types without the session: value, from, to, size,
// scale.
var castFuncs = []fn{
	{"dotdo_cast", 5, func(a []op.Value) (op.Value, error) {
		return Cast(a[0], TypeOf(a[1].Int(), 0, 0), typeArg(a, 2), false, true, datum.Options{})
	}},
	{"dotdo_my_cast", 5, func(a []op.Value) (op.Value, error) {
		v, err := Cast(a[0], TypeOf(a[1].Int(), 0, 0), typeArg(a, 2), true, true, datum.Options{})
		return myQuiet(v, err)
	}},
	{"dotdo_f4", 1, func(a []op.Value) (op.Value, error) {
		return castNumber(a[0], op.Type{Base: op.TFloat4}, false)
	}},
	{"dotdo_i4", 1, func(a []op.Value) (op.Value, error) { return op.Int64(int64(int32(a[0].Int()))), nil }},
	{"dotdo_text", 3, func(a []op.Value) (op.Value, error) {
		return op.Text(text(a[0], TypeOf(a[1].Int(), 0, 0), false, zoneOptions(a[2]))), nil
	}},
	{"dotdo_toolong", 3, func(a []op.Value) (op.Value, error) {
		return fitString(a[0].Str(), op.Type{Base: op.Base(a[1].Int()), Size: int32(a[2].Int())}, false, false)
	}},
	{"dotdo_my_toolong", 3, func(a []op.Value) (op.Value, error) {
		return fitString(a[0].Str(), op.Type{Base: op.Base(a[1].Int()), Size: int32(a[2].Int())}, true, false)
	}},
}

// myQuiet turns a failed MySQL conversion of a value into NULL.
func myQuiet(v op.Value, err error) (op.Value, error) {
	if err != nil && op.CodeOf(err) == op.InvalidArgument {
		return op.Null, nil
	}
	return v, err
}

// raiseFuncs report errors; they are not deterministic so that SQLite never
// evaluates them ahead of the CASE they stand in.
var raiseFuncs = []fn{
	{"dotdo_div0", 0, func([]op.Value) (op.Value, error) { return op.Null, errDivision }},
	{"dotdo_many_rows", 0, func([]op.Value) (op.Value, error) {
		return op.Null, op.Errorf(op.Cardinality, "more than one row returned by a subquery used as an expression")
	}},
	{"dotdo_null", 2, func(a []op.Value) (op.Value, error) { return op.Null, NotNull(a[0].Str(), a[1].Str()) }},
	{"dotdo_bad_enum", 2, badEnum},
	{"dotdo_enum_array", 3, enumArray},
	{"dotdo_bad_domain", 3, func(a []op.Value) (op.Value, error) {
		e := op.Errorf(op.CheckViolation, "value for domain %s violates check constraint %q", a[0].Str(), a[1].Str())
		if a[1].Str() == "" {
			e = op.Errorf(op.NotNullViolation, "domain %s does not allow null values", a[0].Str())
		}
		e.Constraint, e.Schema = a[1].Str(), a[2].Str()
		return op.Null, e
	}},
	{"dotdo_step", 1, func(a []op.Value) (op.Value, error) {
		if !a[0].IsNull() && a[0].Int() == 0 {
			return op.Null, op.Errorf(op.InvalidArgument, "step size cannot equal zero")
		}
		return a[0], nil
	}},
}

// NotNull is the error of a NULL in a column that takes none.
func NotNull(table, column string) error {
	e := op.Errorf(op.NotNullViolation, "null value in column %q of relation %q violates not-null constraint", column, table)
	e.Table, e.Column = table, column
	return e
}

// errDivision is the error of a zero divisor.
var errDivision = op.Errorf(op.DivisionByZero, "division by zero")

// inRange returns its second argument, or fails when it is no value of the
// integer type whose code is the first. It is deterministic, so that generated
// columns and indexes may use it.
func inRange(a []op.Value) (op.Value, error) {
	t := TypeOf(a[0].Int(), 0, 0)
	lo, hi := IntRange(t)
	if a[1].Kind == op.KindNull || a[1].Kind == op.KindInt64 && a[1].Int() >= lo && a[1].Int() <= hi {
		return a[1], nil
	}
	return op.Null, outOfRange(t)
}

package funcs

import (
	"context"
	"crypto/rand"
	"fmt"
	mrand "math/rand/v2"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/system"
)

// sessionFuncs depend on the session, the clock, the catalog or chance.
var sessionFuncs = []sessionFn{
	{"dotdo_cast_s", 5, castSession(false, true)},
	{"dotdo_my_cast_s", 5, castSession(true, true)},
	{"dotdo_assign", 5, castSession(false, false)},
	{"dotdo_assign", 6, enumAssign(false)},
	{"dotdo_my_assign", 5, castSession(true, false)},
	{"dotdo_my_assign", 6, enumAssign(true)},
	{"dotdo_clock", 0, func(*sql.Call, []op.Value) (op.Value, error) { return op.Int64(time.Now().UnixMicro()), nil }},
	{"dotdo_started", 0, func(*sql.Call, []op.Value) (op.Value, error) { return op.Int64(started.UnixMicro()), nil }},
	{"dotdo_statement_time", 0, func(c *sql.Call, _ []op.Value) (op.Value, error) {
		if c.Began.IsZero() {
			return op.Int64(c.Now.UnixMicro()), nil
		}
		return op.Int64(c.Began.UnixMicro()), nil
	}},
	{"dotdo_random", 0, func(*sql.Call, []op.Value) (op.Value, error) { return op.Float64(mrand.Float64()), nil }},
	{"dotdo_uuid", 0, func(*sql.Call, []op.Value) (op.Value, error) { return newUUID() }},
	{"dotdo_sleep", 1, sleep},
	{"dotdo_nextval", 2, func(c *sql.Call, a []op.Value) (op.Value, error) {
		return nextval(c, c.Catalog.Seqs[catalog.Key{Schema: a[0].Str(), Name: a[1].Str()}], a[1].Str())
	}},
	{"dotdo_lock", 3, func(c *sql.Call, a []op.Value) (op.Value, error) {
		if a[1].IsNull() { // the empty side of an outer join
			return op.Int64(1), nil
		}
		ok, err := c.Sequences.LockRow(a[0].Str(), a[1].Int(), a[2].Str())
		if ok {
			return op.Int64(1), err
		}
		return op.Int64(0), err
	}},
	{"dotdo_autoinc", 3, autoInc},
	{"dotdo_my_store", 8, myStore},
	{"dotdo_my_changed", 2, func(c *sql.Call, a []op.Value) (op.Value, error) {
		c.Touched++
		if a[1].Int() != 0 {
			c.Changed++
		}
		return a[0], nil
	}},
	{"dotdo_nextval_name", 1, func(c *sql.Call, a []op.Value) (op.Value, error) {
		return nextval(c, sequenceNamed(c, a[0].Str()), a[0].Str())
	}},
	{"dotdo_nextval_oid", 1, func(c *sql.Call, a []op.Value) (op.Value, error) {
		return nextval(c, sequenceOID(c, a[0].Int()), fmt.Sprint(a[0].Int()))
	}},
	{"dotdo_currval_name", 1, currval},
	{"dotdo_lastval", 0, func(c *sql.Call, _ []op.Value) (op.Value, error) {
		v, err := c.Sequences.Last()
		return op.Int64(v), err
	}},
	{"dotdo_setval_name", 3, func(c *sql.Call, a []op.Value) (op.Value, error) {
		return setval(c, sequenceNamed(c, a[0].Str()), a)
	}},
	{"dotdo_setval_oid", 3, func(c *sql.Call, a []op.Value) (op.Value, error) {
		return setval(c, sequenceOID(c, a[0].Int()), a)
	}},
	{"dotdo_setting", 2, setting},
	{"dotdo_set_config", 3, func(c *sql.Call, a []op.Value) (op.Value, error) {
		if a[0].IsNull() {
			return op.Null, op.Errorf(op.InvalidArgument, "SET requires parameter name")
		}
		return a[1], effect(c, "set", a[0], a[1], a[2].Int())
	}},
	{"dotdo_notify", 2, func(c *sql.Call, a []op.Value) (op.Value, error) {
		return op.Null, effect(c, "notify", a[0], a[1], 0)
	}},
}

// castSession is a cast that needs the session's zone, clock or catalog.
func castSession(my, explicit bool) func(c *sql.Call, a []op.Value) (op.Value, error) {
	return func(c *sql.Call, a []op.Value) (op.Value, error) {
		if a[0].IsNull() {
			return op.Null, nil
		}
		from, to := TypeOf(a[1].Int(), 0, 0), typeArg(a, 2)
		switch {
		case isReg(to) && IsText(from):
			oid, err := system.ParseReg(c, to.Base, a[0].Str())
			return op.Int64(int64(oid)), err
		case isReg(from) && IsText(to):
			return op.Text(system.FormatReg(c, from.Base, uint32(a[0].Int()))), nil
		}
		v, err := Cast(a[0], from, to, my, explicit, options(c))
		if my && explicit {
			return myQuiet(v, err)
		}
		return v, err
	}
}

// enumAssign stores an ENUM or SET label; numbers count labels.
func enumAssign(my bool) func(c *sql.Call, a []op.Value) (op.Value, error) {
	return func(c *sql.Call, a []op.Value) (op.Value, error) {
		if a[0].IsNull() {
			return op.Null, nil
		}
		labels := strings.Split(a[5].Str(), "\x1f")
		to := op.Base(a[2].Int() & 0xff)
		if to != op.TEnum && to != op.TSetOf {
			return castSession(my, false)(c, a[:5])
		}
		if a[0].Kind == op.KindInt64 {
			n := a[0].Int()
			if to == op.TEnum && n > 0 && int(n) <= len(labels) {
				return op.Text(labels[n-1]), nil
			}
			return op.Null, op.Errorf(op.InvalidArgument, "invalid value for enum: %d", n)
		}
		words := []string{a[0].Str()}
		if to == op.TSetOf {
			words = strings.Split(a[0].Str(), ",")
			if a[0].Str() == "" {
				words = nil
			}
		}
		var out []string
		for _, l := range labels {
			for _, w := range words {
				if strings.EqualFold(strings.TrimRight(w, " "), l) {
					out = append(out, l)
				}
			}
		}
		if len(out) < len(words) {
			return op.Null, op.Errorf(op.InvalidArgument, "invalid input value for enum: %q", a[0].Str())
		}
		return op.Text(strings.Join(out, ",")), nil
	}
}

// newUUID returns a random UUID.
func newUUID() (op.Value, error) {
	var b [16]byte
	if _, err := rand.Read(b[:]); err != nil {
		return op.Null, err
	}
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return op.Raw(op.KindText, datum.AppendUUID(nil, b[:])), nil
}

// sleep waits at most a day.
func sleep(_ *sql.Call, a []op.Value) (op.Value, error) {
	if a[0].IsNull() {
		return op.Null, nil
	}
	f := a[0].Float()
	if f < 0 {
		f = 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(min(f, 86400)*float64(time.Second)))
	defer cancel()
	<-ctx.Done()
	return op.Null, nil
}

// nextval takes the next value of a sequence.
func nextval(c *sql.Call, s *catalog.Sequence, name string) (op.Value, error) {
	if s == nil {
		return op.Null, noSequence(name)
	}
	v, err := c.Sequences.Next(s)
	return op.Int64(v), err
}

// noSequence is PostgreSQL's error.
func noSequence(name string) error {
	e := op.Errorf(op.NotFound, "relation %q does not exist", name)
	e.Object, e.Name = "relation", name
	return e
}

// autoInc stores a value into an AUTO_INCREMENT column: NULL and 0 take the
// next number.
func autoInc(c *sql.Call, a []op.Value) (op.Value, error) {
	if !a[2].IsNull() && a[2].Int() != 0 {
		c.GivenID = a[2].Int()
		return a[2], nil
	}
	return nextval(c, c.Catalog.Seqs[catalog.Key{Schema: a[0].Str(), Name: a[1].Str()}], a[1].Str())
}

// splitName splits a possibly quoted and qualified name.
func splitName(s string) []string {
	var parts []string
	var cur strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"' && quoted && i+1 < len(s) && s[i+1] == '"':
			cur.WriteByte('"')
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == '.' && !quoted:
			parts = append(parts, cur.String())
			cur.Reset()
		case quoted:
			cur.WriteByte(s[i])
		default:
			cur.WriteString(strings.ToLower(s[i : i+1]))
		}
	}
	return append(parts, strings.TrimSpace(cur.String()))
}

// schemaPath is the effective search path.
func schemaPath(c *sql.Call) []string {
	if len(c.Env.SearchPath) == 0 {
		return []string{"public"}
	}
	return c.Env.SearchPath
}

// sequenceNamed finds a sequence by its SQL name.
func sequenceNamed(c *sql.Call, name string) *catalog.Sequence {
	p := splitName(name)
	if len(p) > 1 {
		return c.Catalog.Seqs[catalog.Key{Schema: p[len(p)-2], Name: p[len(p)-1]}]
	}
	for _, s := range schemaPath(c) {
		if q := c.Catalog.Seqs[catalog.Key{Schema: s, Name: p[0]}]; q != nil {
			return q
		}
	}
	return nil
}

// sequenceOID finds a sequence by oid.
func sequenceOID(c *sql.Call, oid int64) *catalog.Sequence {
	for _, s := range c.Catalog.Seqs {
		if int64(s.OID) == oid {
			return s
		}
	}
	return nil
}

// currval reads the session's last value.
func currval(c *sql.Call, a []op.Value) (op.Value, error) {
	if a[0].IsNull() {
		return op.Null, nil
	}
	s := sequenceNamed(c, a[0].Str())
	if s == nil {
		return op.Null, noSequence(a[0].Str())
	}
	v, err := c.Sequences.Current(s)
	return op.Int64(v), err
}

// setval sets a sequence.
func setval(c *sql.Call, s *catalog.Sequence, a []op.Value) (op.Value, error) {
	if s == nil {
		return op.Null, noSequence(a[0].Str())
	}
	if a[1].IsNull() {
		return op.Null, nil
	}
	return a[1], c.Sequences.Set(s, a[1].Int(), a[2].Int() != 0)
}

// effect asks the front-end for a change of its session (see rel.Query). The
// values outlive the call, so they are copied.
func effect(c *sql.Call, kind string, name, value op.Value, flag int64) error {
	c.Effects = append(c.Effects, op.Text(kind), op.Text(string(name.Raw)), op.Text(string(value.Raw)), op.Int64(flag))
	return nil
}

// setting reads a session setting.
func setting(c *sql.Call, a []op.Value) (op.Value, error) {
	if a[0].IsNull() {
		return op.Null, nil
	}
	name := strings.ToLower(a[0].Str())
	for k, v := range c.Env.Settings {
		if strings.ToLower(k) == name {
			return op.Text(v), nil
		}
	}
	if a[1].Int() != 0 {
		return op.Null, nil
	}
	e := op.Errorf(op.Undefined, "unrecognized configuration parameter %q", a[0].Str())
	e.Object, e.Name = "parameter", a[0].Str()
	return op.Null, e
}

// isReg tells whether text input of a type needs the catalog.
func isReg(t op.Type) bool {
	return !t.Array && (t.Base == op.TRegClass || t.Base == op.TRegType || t.Base == op.TRegProc || t.Base == op.TRegNS)
}

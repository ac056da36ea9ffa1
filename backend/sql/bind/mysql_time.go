package bind

import (
	"fmt"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// clock lowers NOW(n), SYSDATE(n), CURTIME(n), UTC_TIMESTAMP(n) and UTC_TIME(n):
// n is the number of fraction digits, 0 when not given.
func (c *comp) clock(_ *scope, n *tree.Call) ex {
	digits := int64(0)
	if len(n.Args) > 1 {
		c.noFunction(n, nil)
	}
	if len(n.Args) == 1 {
		k, ok := n.Args[0].(*tree.Const)
		if !ok || k.Value.Kind != op.KindInt64 {
			fail(op.Syntax, "the precision of %s is a number", n.Name)
		}
		if digits = k.Value.Int(); digits < 0 || digits > 6 {
			e := op.Errorf(op.InvalidArgument, "Too-big precision %d specified for '%s'. Maximum is 6.", digits, n.Name)
			e.Object = "precision"
			panic(failure{e})
		}
	}
	at := c.env("now")
	if n.Name == "sysdate" {
		at = c.env("clock")
	}
	if n.Name[:3] != "utc" {
		at = fmt.Sprintf("dotdo_at_zone(%s,%s,0)", at, c.env("timezone"))
	}
	unit := int64(1_000_000)
	for range digits {
		unit /= 10
	}
	t := op.Type{Base: op.TTimestamp}
	if n.Name == "curtime" || n.Name == "utc_time" {
		t.Base = op.TTime
		at = "(" + at + "%86400000000)"
	}
	if unit > 1 {
		at = fmt.Sprintf("(%s/%d*%d)", at, unit, unit)
	}
	if digits > 0 {
		t.Size = int32(digits) + 1
	}
	return ex{sql: at, t: t}
}

// myTimestamp lowers TIMESTAMP(x) and TIMESTAMP(x, time).
func (c *comp) myTimestamp(sc *scope, n *tree.Call) ex {
	if len(n.Args) != 1 && len(n.Args) != 2 {
		c.noFunction(n, nil)
	}
	t := op.Type{Base: op.TTimestamp, Size: 7}
	x := c.precise(c.expr(sc, n.Args[0]), &t)
	e := c.cast(x, t)
	if len(n.Args) == 1 {
		return e
	}
	d := op.Type{Base: op.TTime, Size: 7}
	x = c.precise(c.expr(sc, n.Args[1]), &d)
	add := c.cast(x, d)
	t.Size = max(t.Size, d.Size)
	return mk(t, "(%s+%s)", e.sql, add.sql)
}

// precise sets the fraction digits of a date type to those of a literal or of
// a typed expression.
func (c *comp) precise(e ex, t *op.Type) ex {
	switch {
	case e.konst != nil && c.looked(e) && (e.t.Base == op.TUnknown || funcs.IsText(e.t)):
		t.Size = fraction(e.konst.Str())
	case e.t.Base == op.TTime || e.t.Base == op.TTimestamp || e.t.Base == op.TTimestampTZ:
		t.Size = e.t.Size
	case e.t.Base == op.TDate:
		t.Size = 0
	}
	return e
}

// fraction returns the size of a date type with as many fraction digits as a
// text has.
func fraction(s string) int32 {
	n, dot := int32(0), false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '.':
			n, dot = 0, true
		case dot && s[i] >= '0' && s[i] <= '9':
			n++
		case dot:
			return 0
		}
	}
	if n == 0 {
		return 0
	}
	return min(n, 6) + 1
}

// timeArg lowers the argument of TIME, HOUR and their like as a TIME with all
// its fraction digits; a date and time loses its date.
func (c *comp) timeArg(sc *scope, n *tree.Call) ex {
	if len(n.Args) != 1 {
		c.noFunction(n, nil)
	}
	e := c.expr(sc, n.Args[0])
	t := op.Type{Base: op.TTime, Size: 7}
	if e.t.Base != op.TTime && e.t.Base != op.TTimestamp && e.t.Base != op.TTimestampTZ && e.t.Base != op.TDate && e.konst == nil {
		return c.cast(c.settle(e), t)
	}
	e = c.precise(e, &t)
	return c.cast(e, t)
}

// myTime lowers TIME(x).
func (c *comp) myTime(sc *scope, n *tree.Call) ex { return c.timeArg(sc, n) }

// clockParts are the divisors of HOUR, MINUTE, SECOND and MICROSECOND.
var clockParts = map[string]string{"hour": "/3600000000", "minute": "/60000000%60", "second": "/1000000%60", "microsecond": "%1000000"}

// myClockPart lowers HOUR(x) and its like.
func (c *comp) myClockPart(sc *scope, n *tree.Call) ex {
	return mk(typ(op.TInt8), "(abs(%s)%s)", c.timeArg(sc, n).sql, clockParts[n.Name])
}

// myTimestampAdd lowers TIMESTAMPADD(unit, n, x).
func (c *comp) myTimestampAdd(sc *scope, n *tree.Call) ex {
	unit, ok := n.Args[0].(*tree.Const)
	if len(n.Args) != 3 || !ok {
		c.noFunction(n, nil)
	}
	return c.myDateAdd(sc, n.Args[2], &tree.Interval{X: n.Args[1], Unit: unit.Value.Str()}, false)
}

// looked notes that the value of a literal decides.
func (c *comp) looked(e ex) bool {
	c.fix(e)
	return true
}

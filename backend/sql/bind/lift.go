package bind

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// Lifted literals: a plan may serve all texts that differ in literals only. A
// literal then stands in the lowered text as a mark, which becomes a parameter
// at the end, and what the binder did with its value is noted as steps that are
// repeated for each text. Where the binder decides by the value, the literal is
// fixed: the plan serves only texts that have the same one there.

// lifting is the state of one compilation.
type lifting struct {
	keep  int // > 0: literals stay literals here
	made  []*literal
	byKey map[string]*literal
	fixed map[int]bool
}

// literal is a lifted literal at one stage of its conversion.
type literal struct {
	id    int
	key   string // tells equal stages of one literal
	index int
	steps []sql.LitStep
}

// liftOps are the operators whose literal operands are lifted. Others read
// theirs (patterns, JSON paths), or need them for an index.
var liftOps = map[string]bool{"=": true, "<>": true, "<": true, "<=": true, ">": true, ">=": true,
	"IS DISTINCT FROM": true, "IS NOT DISTINCT FROM": true, "<=>": true, "+": true, "-": true, "*": true, "/": true, "%": true}

// mark stands around the number of a literal in unfinished text.
const mark = "\x01"

// errOther says that a plan is not for a value.
var errOther = op.Errorf(op.Internal, "the plan is for other values")

// keepLiterals leaves literals alone until the function it returns is called.
func (c *comp) keepLiterals() func() {
	c.lift.keep++
	return func() { c.lift.keep-- }
}

// liftable makes e, the literal n, an argument if it may be one.
func (c *comp) liftable(n *tree.Const, e ex) ex {
	if c.Lift == 0 || n.Lit == 0 || c.lift.keep > 0 {
		return e
	}
	l := &literal{key: strconv.Itoa(n.Lit), index: n.Lit - 1}
	if n.Neg {
		l.key += "-"
		l.steps = []sql.LitStep{Negate}
	}
	return c.marked(e, l)
}

// Negate turns the sign of a number literal.
func Negate(v op.Value) (op.Value, error) {
	if v.Kind == op.KindInt64 {
		if v.Int() == 1<<31 { // the smallest int4
			return op.Int64(-v.Int()), errOther
		}
		return op.Int64(-v.Int()), nil
	}
	s := v.Str()
	if strings.Trim(s, "0.") == "" {
		return v, nil
	}
	return op.Text("-" + s), nil
}

// marked writes e as a mark of l.
func (c *comp) marked(e ex, l *literal) ex {
	if old := c.lift.byKey[l.key]; old != nil {
		l = old
	} else {
		if c.lift.byKey == nil {
			c.lift.byKey = map[string]*literal{}
		}
		l.id = len(c.lift.made)
		c.lift.made = append(c.lift.made, l)
		c.lift.byKey[l.key] = l
	}
	e.lit, e.sql = l, mark+strconv.Itoa(l.id)+mark
	return e
}

// then is out, which was made of the literal e by step.
func (c *comp) then(e, out ex, how string, step sql.LitStep) ex {
	if e.lit == nil {
		return out
	}
	l := &literal{key: e.lit.key + "|" + how, index: e.lit.index}
	l.steps = append(append(l.steps, e.lit.steps...), step)
	return c.marked(out, l)
}

// read is the literal text e as v of type t.
func (c *comp) read(e ex, v op.Value, t op.Type) ex {
	options, my := c.options(), c.my
	return c.then(e, constEx(v, t), "read "+typeKey(t), func(v op.Value) (op.Value, error) {
		if dependsOnClock(v.Str(), t) {
			return v, errOther
		}
		if my {
			return stored(funcs.ParseMySQL(t, v.Str(), options))
		}
		return stored(datum.Parse(t, v.Str(), options))
	})
}

// converted is the literal e cast from f to t, which gave v.
func (c *comp) converted(e ex, v op.Value, f, t op.Type, explicit bool) ex {
	options, my := c.options(), c.my
	how := "cast " + typeKey(f) + " " + typeKey(t) + " " + strconv.FormatBool(explicit)
	return c.then(e, constEx(v, t), how, func(v op.Value) (op.Value, error) {
		return stored(funcs.Cast(v, f, t, my, explicit, options))
	})
}

// within is e for values of a range only.
func (c *comp) within(e ex, lo, hi int64) ex {
	return c.then(e, e, "in "+strconv.FormatInt(lo, 10)+" "+strconv.FormatInt(hi, 10), func(v op.Value) (op.Value, error) {
		if v.Int() < lo || v.Int() > hi {
			return v, errOther
		}
		return v, nil
	})
}

// stored refuses what a literal would not be bound as.
func stored(v op.Value, err error) (op.Value, error) {
	switch v.Kind {
	case op.KindInt64, op.KindFloat64, op.KindText, op.KindBytes:
		return v, err
	}
	return v, errOther
}

// typeKey names a type exactly.
func typeKey(t op.Type) string {
	return strconv.Itoa(int(t.Base)) + "," + strconv.Itoa(int(t.Size)) + "," + strconv.Itoa(int(t.Scale)) + "," +
		strconv.FormatBool(t.Array) + strconv.FormatBool(t.Unsigned)
}

// fix notes that the value of the literal e was looked at.
func (c *comp) fix(e ex) {
	if e.lit != nil {
		c.fixIndex(e.lit.index)
	}
}

// fixed is fix for a literal that is not lowered.
func (c *comp) fixed(k *tree.Const) {
	if c.Lift > 0 && k.Lit > 0 {
		c.fixIndex(k.Lit - 1)
	}
}

// fixIndex fixes a literal by its number.
func (c *comp) fixIndex(i int) {
	if c.lift.fixed == nil {
		c.lift.fixed = map[int]bool{}
	}
	c.lift.fixed[i] = true
}

// liftedArgs makes the marks in the finished text parameters.
func (c *comp) liftedArgs() {
	if c.Lift == 0 {
		return
	}
	p := c.plan
	if p.Kind != sql.KindQuery && p.Kind != sql.KindWrite || len(p.Steps)+len(p.Vars)+len(p.Notices) > 0 || p.Route.Merge != nil {
		fail(op.Unsupported, "literals of this statement are not lifted")
	}
	for _, t := range p.Tables {
		c.indexesNeedLiterals(t)
	}
	slots := make([]int, len(c.lift.made))
	used := make([]bool, c.Lift)
	place := func(text string) string {
		var b strings.Builder
		for {
			before, rest, found := strings.Cut(text, mark)
			b.WriteString(before)
			if !found {
				return b.String()
			}
			num, after, _ := strings.Cut(rest, mark)
			id, err := strconv.Atoi(num)
			if err != nil || id >= len(slots) {
				fail(op.Unsupported, "the text holds a mark")
			}
			if slots[id] == 0 {
				l := c.lift.made[id]
				p.Binds = append(p.Binds, sql.Bind{Kind: sql.BindArg, Index: len(p.Lits)})
				p.Lits = append(p.Lits, sql.Lit{Index: l.index, Steps: l.steps})
				slots[id] = len(p.Binds)
				used[l.index] = true
			}
			b.WriteString("?" + strconv.Itoa(slots[id]))
			text = after
		}
	}
	p.Texts(place)
	for i := range used {
		if !used[i] || c.lift.fixed[i] {
			p.Fixed = append(p.Fixed, i)
		}
	}
}

// indexesNeedLiterals refuses tables with indexes on expressions or on a part
// of the rows: SQLite finds such an index only by literals.
func (c *comp) indexesNeedLiterals(t *catalog.Table) {
	for _, x := range t.Indexes {
		need := x.Where != ""
		for _, it := range x.Items {
			need = need || it.Expr != ""
		}
		if need {
			fail(op.Unsupported, "literals of statements on table %q are not lifted", t.Name)
		}
	}
}

// Literal is a value as a literal of the lowered text.
func Literal(v op.Value) string { return lit(v) }

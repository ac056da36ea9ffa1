package bind

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// elemOf is the element type of an array.
func elemOf(t op.Type) op.Type { return op.Type{Base: t.Base, OID: t.OID} }

// listOf is the array type of an element.
func listOf(t op.Type) op.Type { return op.Type{Base: t.Base, OID: t.OID, Array: true} }

// userType returns the enum or domain a written type names, nil for any other.
func (c *comp) userType(n tree.TypeName) *catalog.Type {
	if n.Resolved.Base != op.TUnknown || c.my {
		return nil
	}
	if n.Schema != "" {
		return c.Snapshot.Types[catalog.Key{Schema: n.Schema, Name: n.Name}]
	}
	for _, s := range c.path() {
		if s == "$user" || s == `"$user"` {
			s = c.Env.User
		}
		if t := c.Snapshot.Types[catalog.Key{Schema: s, Name: n.Name}]; t != nil {
			return t
		}
	}
	return nil
}

// typeWord is the name of a type as messages show it.
func (c *comp) typeWord(t op.Type) string {
	if u := c.Snapshot.TypeByOID(t.OID); u != nil {
		if t.Array {
			return u.Name + "[]"
		}
		return u.Name
	}
	return funcs.BareName(t)
}

// enum converts a literal, parameter or text to an enum, or to an array of one.
func (c *comp) enum(e ex, t op.Type) ex {
	u := c.Snapshot.TypeByOID(t.OID)
	if u == nil {
		fail(op.Internal, "enum %d is missing", t.OID)
	}
	t = bare(t)
	plain := op.Type{Base: op.TString, Array: t.Array}
	switch {
	case e.null:
		e.t = t
		return e
	case e.t.OID == 0 && e.t.Base != op.TUnknown && !(funcs.IsText(e.t) || e.t.Array && funcs.IsText(elemOf(e.t))):
		x := op.Errorf(op.TypeMismatch, "cannot cast type %s to %s", c.typeWord(e.t), c.typeWord(t))
		x.Object = "cast"
		panic(failure{x})
	case e.t.OID != 0 && e.t.OID != t.OID:
		x := op.Errorf(op.TypeMismatch, "cannot cast type %s to %s", c.typeWord(e.t), c.typeWord(t))
		x.Object = "cast"
		panic(failure{x})
	}
	pos := e.pos
	if e.t.Array != t.Array || e.t.Base == op.TUnknown && e.param == 0 {
		e = c.coerce(e, plain)
	}
	if e.konst != nil {
		test := func(v op.Value) (op.Value, error) { return v, funcs.CheckLabels(v, t.Array, u.Name, u.Labels) }
		_, err := test(*e.konst)
		checkAt(err, pos)
		return c.then(e, constEx(*e.konst, t), fmt.Sprintf("enum %d %t", t.OID, t.Array), test)
	}
	if e.param > 0 {
		c.params[e.param-1] = t
	}
	if t.Array {
		return mk(t, "dotdo_enum_array(%s,%s,%s)", e.sql, quoteText(u.Name), quoteText(strings.Join(u.Labels, "\x1f")))
	}
	return mk(t, "(CASE WHEN %s IS NULL OR %s IN (%s) THEN %s ELSE dotdo_bad_enum(%s,%s) END)", e.sql, e.sql, labelList(u), e.sql, quoteText(u.Name), e.sql)
}

// labelList is the labels of an enum as SQLite literals.
func labelList(u *catalog.Type) string {
	out := make([]string, len(u.Labels))
	for i, l := range u.Labels {
		out[i] = quoteText(l)
	}
	return strings.Join(out, ",")
}

// ranked replaces an enum's label by its number, so that order is the type's.
func (c *comp) ranked(e ex, sql string) string {
	u := c.Snapshot.TypeByOID(e.t.OID)
	if u == nil || e.t.Array || e.t.Base != op.TEnum {
		return sql
	}
	if len(u.Labels) == 0 {
		return sql
	}
	var b strings.Builder
	b.WriteString("(CASE " + sql)
	for i, l := range u.Labels {
		b.WriteString(" WHEN " + quoteText(l) + " THEN " + strconv.Itoa(i))
	}
	return b.String() + " END)"
}

// enumExtreme lowers min and max of an enum.
func (c *comp) enumExtreme(name string, e ex, p *aggParts) ex {
	u := c.Snapshot.TypeByOID(e.t.OID)
	e = c.settle(e)
	var b strings.Builder
	b.WriteString("(CASE " + p.wrap(name, c.ranked(e, e.sql)))
	for i, l := range u.Labels {
		b.WriteString(" WHEN " + strconv.Itoa(i) + " THEN " + quoteText(l))
	}
	return ex{sql: b.String() + " END)", t: bare(e.t)}
}

// enumCall lowers enum_first, enum_last and enum_range.
func (c *comp) enumCall(sc *scope, n *tree.Call) ex {
	args := c.args(sc, n.Args)
	var u *catalog.Type
	for _, a := range args {
		if x := c.Snapshot.TypeByOID(a.t.OID); x != nil {
			u = x
		}
	}
	if u == nil || len(args) == 0 || len(args) > 2 || len(args) == 2 && n.Name != "enum_range" {
		c.noFunction(n, args)
	}
	t := u.Op()
	lo, hi := 0, len(u.Labels)
	switch n.Name {
	case "enum_first":
		return constEx(op.Text(u.Labels[0]), t)
	case "enum_last":
		return constEx(op.Text(u.Labels[hi-1]), t)
	}
	if len(args) == 2 {
		for i, a := range args {
			a = c.coerce(a, t)
			c.fix(a)
			if a.konst == nil {
				fail(op.Unsupported, "enum_range of values that are not constant is not supported")
			}
			if a.null {
				continue
			}
			if at := slices.Index(u.Labels, a.konst.Str()); i == 0 {
				lo = at
			} else {
				hi = at + 1
			}
		}
	}
	labels := []string{}
	if lo < hi {
		labels = u.Labels[lo:hi]
	}
	b, err := json.Marshal(labels)
	check(err)
	t.Array = true
	return constEx(op.Text(string(b)), t)
}

// domainOf returns the domain of a column, nil if it has none.
func (c *comp) domainOf(k *catalog.Column) *catalog.Type {
	if k.Domain == nil {
		return nil
	}
	return c.Snapshot.Types[*k.Domain]
}

// domain checks a value of a domain.
func (c *comp) domain(e ex, u *catalog.Type) ex {
	e = c.settle(e)
	if len(u.Checks) == 0 && !u.NotNull {
		return e
	}
	var b strings.Builder
	b.WriteString("(CASE")
	if u.NotNull {
		fmt.Fprintf(&b, " WHEN %s IS NULL THEN dotdo_bad_domain(%s,'',%s)", e.sql, quoteText(u.Name), quoteText(u.Schema))
	}
	for _, k := range u.Checks {
		n, err := c.ParseView(c.Dialect, "SELECT "+k.Text)
		check(err)
		q, ok := n.(*tree.Select)
		if !ok || len(q.Items) != 1 {
			fail(op.Internal, "check of domain %q is not an expression", u.Name)
		}
		r := &relation{cols: []column{{name: "value", sql: e.sql, t: e.t}}}
		fmt.Fprintf(&b, " WHEN NOT %s THEN dotdo_bad_domain(%s,%s,%s)", c.cond(&scope{rels: []*relation{r}, clause: "CHECK"}, q.Items[0].Expr, "CHECK").sql, quoteText(u.Name), quoteText(k.Name), quoteText(u.Schema))
	}
	return ex{sql: b.String() + " ELSE " + e.sql + " END)", t: e.t}
}

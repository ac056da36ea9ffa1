package postgres

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// call converts a function, aggregate or window call. The schema pg_catalog is
// dropped: every built-in lives there. Special forms keep PostgreSQL's
// argument order: position(string, substring), timezone(zone, x) becomes the
// operator AT TIME ZONE.
func (c *conv) call(f *pg.FuncCall) tree.Expr {
	name := nameOf(strList(f.Funcname))
	if name.Schema == "pg_catalog" {
		name.Schema = ""
	}
	pos := c.position(f.Location)
	if f.Funcformat == pg.CoercionForm_COERCE_SQL_SYNTAX && name.Name == "timezone" && len(f.Args) == 2 {
		return &tree.Binary{Op: "AT TIME ZONE", L: c.expr(f.Args[1]), R: c.expr(f.Args[0]), Pos: pos}
	}
	if f.Funcformat == pg.CoercionForm_COERCE_SQL_SYNTAX && name.Name == "pg_collation_for" {
		c.unsupported(f.Location, "COLLATION FOR")
	}
	r := &tree.Call{Schema: name.Schema, Name: name.Name, Args: c.exprs(f.Args), Star: f.AggStar,
		Distinct: f.AggDistinct, Order: c.orderList(f.AggOrder), Within: f.AggWithinGroup,
		Filter: c.opt(f.AggFilter), Variadic: f.FuncVariadic, Pos: pos}
	for i, a := range f.Args {
		if n := a.GetNamedArgExpr(); n != nil {
			if r.ArgNames == nil {
				r.ArgNames = make([]string, len(f.Args))
			}
			r.ArgNames[i] = n.Name
		}
	}
	if f.Over != nil {
		r.Over = c.over(f.Over)
	}
	return r
}

// over converts an OVER clause.
func (c *conv) over(w *pg.WindowDef) *tree.Window {
	if w.Name != "" {
		return &tree.Window{Ref: w.Name}
	}
	return c.windowParts(w)
}

// Frame option bits of PostgreSQL's parsenodes.h.
const (
	frameNonDefault       = 0x00001
	frameRange            = 0x00002
	frameRows             = 0x00004
	frameGroups           = 0x00008
	frameBetween          = 0x00010
	frameStartUnbPrec     = 0x00020
	frameStartCurrent     = 0x00200
	frameEndUnbFoll       = 0x00100
	frameEndCurrent       = 0x00400
	frameStartOffPrec     = 0x00800
	frameEndOffPrec       = 0x01000
	frameStartOffFoll     = 0x02000
	frameEndOffFoll       = 0x04000
	frameExcludeCurrent   = 0x08000
	frameExcludeGroup     = 0x10000
	frameExcludeTies      = 0x20000
	frameBoundUnbounded   = "UNBOUNDED "
	frameBoundCurrentWord = "CURRENT ROW"
)

// windowParts converts the parts of a window definition.
func (c *conv) windowParts(w *pg.WindowDef) *tree.Window {
	r := &tree.Window{Ref: w.Refname, Partition: c.exprs(w.PartitionClause), Order: c.orderList(w.OrderClause)}
	o := w.FrameOptions
	if o&frameNonDefault == 0 {
		return r
	}
	r.Start, r.End = c.opt(w.StartOffset), c.opt(w.EndOffset)
	r.Frame = frameText(o)
	return r
}

// frameText spells frame options; offsets are ?1 and ?2.
func frameText(o int32) string {
	has := func(bit int32) bool { return o&bit != 0 }
	unit := "RANGE "
	if has(frameRows) {
		unit = "ROWS "
	} else if has(frameGroups) {
		unit = "GROUPS "
	}
	start, end := frameBoundUnbounded+"PRECEDING", frameBoundCurrentWord
	switch {
	case has(frameStartCurrent):
		start = frameBoundCurrentWord
	case has(frameStartOffPrec):
		start = "?1 PRECEDING"
	case has(frameStartOffFoll):
		start = "?1 FOLLOWING"
	}
	switch {
	case has(frameEndUnbFoll):
		end = frameBoundUnbounded + "FOLLOWING"
	case has(frameEndOffPrec):
		end = "?2 PRECEDING"
	case has(frameEndOffFoll):
		end = "?2 FOLLOWING"
	}
	t := unit + "BETWEEN " + start + " AND " + end
	switch {
	case has(frameExcludeCurrent):
		t += " EXCLUDE CURRENT ROW"
	case has(frameExcludeGroup):
		t += " EXCLUDE GROUP"
	case has(frameExcludeTies):
		t += " EXCLUDE TIES"
	}
	return t
}

// valueFunction converts CURRENT_DATE and its kin to calls. A precision is the
// only argument.
func (c *conv) valueFunction(v *pg.SQLValueFunction) tree.Expr {
	name := strings.ToLower(strings.TrimPrefix(v.Op.String(), "SVFOP_"))
	r := &tree.Call{Pos: c.position(v.Location)}
	if s, ok := strings.CutSuffix(name, "_n"); ok {
		name = s
		r.Args = []tree.Expr{&tree.Const{Value: op.Int64(int64(v.Typmod)), Type: op.Type{Base: op.TInt4}}}
	}
	r.Name = name
	return r
}

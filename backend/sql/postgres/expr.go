package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// null is what a converter returns after it recorded a failure.
func null() tree.Expr { return &tree.Const{} }

// opt converts an expression that may be absent.
func (c *conv) opt(n *pg.Node) tree.Expr {
	if n.GetNode() == nil {
		return nil
	}
	return c.expr(n)
}

// exprs converts a list.
func (c *conv) exprs(l []*pg.Node) []tree.Expr {
	out := make([]tree.Expr, 0, len(l))
	for _, n := range l {
		out = append(out, c.expr(n))
	}
	return out
}

// expr converts one expression.
func (c *conv) expr(n *pg.Node) tree.Expr {
	if c.err != nil {
		return null()
	}
	switch e := n.GetNode().(type) {
	case *pg.Node_AConst:
		return c.constant(e.AConst)
	case *pg.Node_ParamRef:
		if e.ParamRef.Number < 1 || e.ParamRef.Number > 65535 {
			c.failf(op.Syntax, e.ParamRef.Location, "there is no parameter $%d", e.ParamRef.Number)
			return null()
		}
		return &tree.Param{Index: int(e.ParamRef.Number) - 1, Pos: c.position(e.ParamRef.Location)}
	case *pg.Node_ColumnRef:
		return c.columnRef(e.ColumnRef)
	case *pg.Node_AExpr:
		return c.aExpr(e.AExpr)
	case *pg.Node_BoolExpr:
		return c.boolExpr(e.BoolExpr)
	case *pg.Node_FuncCall:
		return c.call(e.FuncCall)
	case *pg.Node_TypeCast:
		return c.cast(e.TypeCast)
	case *pg.Node_SubLink:
		return c.subLink(e.SubLink)
	case *pg.Node_CaseExpr:
		return c.caseExpr(e.CaseExpr)
	case *pg.Node_NullTest:
		w := "IS NULL"
		if e.NullTest.Nulltesttype == pg.NullTestType_IS_NOT_NULL {
			w = "IS NOT NULL"
		}
		return &tree.Unary{Op: w, X: c.expr(e.NullTest.Arg), Pos: c.position(e.NullTest.Location)}
	case *pg.Node_BooleanTest:
		return &tree.Unary{Op: boolTests[e.BooleanTest.Booltesttype], X: c.expr(e.BooleanTest.Arg), Pos: c.position(e.BooleanTest.Location)}
	}
	return c.rareExpr(n)
}

// boolTests are the words of IS TRUE and its kin.
var boolTests = map[pg.BoolTestType]string{
	pg.BoolTestType_IS_TRUE: "IS TRUE", pg.BoolTestType_IS_NOT_TRUE: "IS NOT TRUE",
	pg.BoolTestType_IS_FALSE: "IS FALSE", pg.BoolTestType_IS_NOT_FALSE: "IS NOT FALSE",
	pg.BoolTestType_IS_UNKNOWN: "IS UNKNOWN", pg.BoolTestType_IS_NOT_UNKNOWN: "IS NOT UNKNOWN",
}

// rareExpr converts the expressions that expr does not list first.
func (c *conv) rareExpr(n *pg.Node) tree.Expr {
	switch e := n.GetNode().(type) {
	case *pg.Node_CoalesceExpr:
		return &tree.Call{Name: "coalesce", Args: c.exprs(e.CoalesceExpr.Args), Pos: c.position(e.CoalesceExpr.Location)}
	case *pg.Node_MinMaxExpr:
		name := "greatest"
		if e.MinMaxExpr.Op == pg.MinMaxOp_IS_LEAST {
			name = "least"
		}
		return &tree.Call{Name: name, Args: c.exprs(e.MinMaxExpr.Args), Pos: c.position(e.MinMaxExpr.Location)}
	case *pg.Node_SqlvalueFunction:
		return c.valueFunction(e.SqlvalueFunction)
	case *pg.Node_RowExpr:
		return &tree.Row{Items: c.exprs(e.RowExpr.Args)}
	case *pg.Node_AArrayExpr:
		return &tree.Array{Items: c.exprs(e.AArrayExpr.Elements)}
	case *pg.Node_AIndirection:
		return c.indirection(e.AIndirection)
	case *pg.Node_CollateClause:
		return c.collate(e.CollateClause)
	case *pg.Node_SetToDefault:
		return &tree.Default{}
	case *pg.Node_NamedArgExpr:
		return c.expr(e.NamedArgExpr.Arg)
	case *pg.Node_List:
		return &tree.Row{Items: c.exprs(e.List.Items)}
	case *pg.Node_GroupingFunc:
		c.unsupported(e.GroupingFunc.Location, "GROUPING()")
	case *pg.Node_CurrentOfExpr:
		c.unsupported(-1, "WHERE CURRENT OF")
	case *pg.Node_XmlExpr:
		c.unsupported(e.XmlExpr.Location, "XML")
	case *pg.Node_MergeSupportFunc:
		c.unsupported(-1, "MERGE_ACTION()")
	case nil:
		c.fail(op.Syntax, -1, "missing expression")
	default:
		c.unsupported(-1, "this expression")
	}
	return null()
}

// columnRef converts a column, a whole row or a star.
func (c *conv) columnRef(r *pg.ColumnRef) tree.Expr {
	var parts []string
	for _, f := range r.Fields {
		if f.GetAStar() != nil {
			if len(parts) > 2 {
				parts = parts[len(parts)-2:]
			}
			return &tree.Star{Table: nameOf(parts)}
		}
		parts = append(parts, f.GetString_().GetSval())
	}
	if len(parts) == 0 {
		c.fail(op.Syntax, r.Location, "empty column name")
		return null()
	}
	if len(parts) > 4 {
		c.fail(op.Syntax, r.Location, "improper qualified name (too many dotted names)")
		return null()
	}
	if len(parts) == 4 { // the database's name comes first
		parts = parts[1:]
	}
	return &tree.Ident{Parts: parts, Pos: c.position(r.Location)}
}

// boolExpr converts AND, OR and NOT.
func (c *conv) boolExpr(b *pg.BoolExpr) tree.Expr {
	if len(b.Args) == 0 {
		c.fail(op.Syntax, b.Location, "empty boolean expression")
		return null()
	}
	pos := c.position(b.Location)
	if b.Boolop == pg.BoolExprType_NOT_EXPR {
		x := c.expr(b.Args[0])
		if in, ok := x.(*tree.In); ok && !in.Not && in.Query != nil && b.Args[0].GetSubLink() != nil {
			in.Not = true
			return in
		}
		return &tree.Unary{Op: "NOT", X: x, Pos: pos}
	}
	word := "AND"
	if b.Boolop == pg.BoolExprType_OR_EXPR {
		word = "OR"
	}
	return balance(word, c.exprs(b.Args), pos)
}

// balance joins operands by an associative operator into a tree of logarithmic
// depth: long AND and OR lists would otherwise pass SQLite's depth limit.
func balance(word string, l []tree.Expr, pos int) tree.Expr {
	if len(l) == 1 {
		return l[0]
	}
	m := len(l) / 2
	return &tree.Binary{Op: word, L: balance(word, l[:m], pos), R: balance(word, l[m:], pos), Pos: pos}
}

// operators maps PostgreSQL's spelling to the tree's where they differ.
var operators = map[string]string{
	"~~": "LIKE", "!~~": "NOT LIKE", "~~*": "ILIKE", "!~~*": "NOT ILIKE", "!=": "<>",
}

// operator reads an operator name, plain or OPERATOR(schema.op).
func (c *conv) operator(l []*pg.Node, pos int32) string {
	name := nameOf(strList(l))
	if name.Schema != "" && name.Schema != "pg_catalog" {
		c.failf(op.NoFunction, pos, "operator does not exist: %s.%s", name.Schema, name.Name)
	}
	if w, ok := operators[name.Name]; ok {
		return w
	}
	return name.Name
}

// aExpr converts operators and the special forms the grammar gives operator
// nodes.
func (c *conv) aExpr(a *pg.A_Expr) tree.Expr {
	pos := c.position(a.Location)
	word := c.operator(a.Name, a.Location)
	switch a.Kind {
	case pg.A_Expr_Kind_AEXPR_OP:
		if a.Lexpr.GetNode() == nil {
			return &tree.Unary{Op: word, X: c.expr(a.Rexpr), Pos: pos}
		}
		return &tree.Binary{Op: word, L: c.expr(a.Lexpr), R: c.expr(a.Rexpr), Pos: pos}
	case pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		return &tree.Quantified{Op: word, All: a.Kind == pg.A_Expr_Kind_AEXPR_OP_ALL, L: c.expr(a.Lexpr), R: c.expr(a.Rexpr), Pos: pos}
	case pg.A_Expr_Kind_AEXPR_DISTINCT:
		return &tree.Binary{Op: "IS DISTINCT FROM", L: c.expr(a.Lexpr), R: c.expr(a.Rexpr), Pos: pos}
	case pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return &tree.Binary{Op: "IS NOT DISTINCT FROM", L: c.expr(a.Lexpr), R: c.expr(a.Rexpr), Pos: pos}
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		return &tree.Call{Name: "nullif", Args: []tree.Expr{c.expr(a.Lexpr), c.expr(a.Rexpr)}, Pos: pos}
	case pg.A_Expr_Kind_AEXPR_IN:
		return &tree.In{Not: word == "<>", X: c.expr(a.Lexpr), List: c.exprs(a.Rexpr.GetList().GetItems()), Pos: pos}
	case pg.A_Expr_Kind_AEXPR_LIKE, pg.A_Expr_Kind_AEXPR_ILIKE:
		return c.like(a, word, "like_escape")
	case pg.A_Expr_Kind_AEXPR_SIMILAR:
		w := "SIMILAR TO"
		if word == "!~" {
			w = "NOT SIMILAR TO"
		}
		return c.like(a, w, "similar_to_escape")
	case pg.A_Expr_Kind_AEXPR_BETWEEN, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN,
		pg.A_Expr_Kind_AEXPR_BETWEEN_SYM, pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		b := a.Rexpr.GetList().GetItems()
		if len(b) != 2 {
			c.fail(op.Syntax, a.Location, "BETWEEN needs two bounds")
			return null()
		}
		return &tree.Between{X: c.expr(a.Lexpr), Lo: c.expr(b[0]), Hi: c.expr(b[1]),
			Not:       a.Kind == pg.A_Expr_Kind_AEXPR_NOT_BETWEEN || a.Kind == pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM,
			Symmetric: a.Kind == pg.A_Expr_Kind_AEXPR_BETWEEN_SYM || a.Kind == pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM}
	}
	c.unsupported(a.Location, "this operator form")
	return null()
}

// like converts LIKE, ILIKE and SIMILAR TO. The grammar wraps a pattern with
// ESCAPE, and every SIMILAR TO pattern, in a call that is opened here.
func (c *conv) like(a *pg.A_Expr, word, wrapper string) tree.Expr {
	r := &tree.Binary{Op: word, L: c.expr(a.Lexpr), Pos: c.position(a.Location)}
	f := a.Rexpr.GetFuncCall()
	if f != nil && f.Funcformat == pg.CoercionForm_COERCE_EXPLICIT_CALL && nameOf(strList(f.Funcname)) == (tree.Name{Schema: "pg_catalog", Name: wrapper}) && len(f.Args) > 0 {
		r.R = c.expr(f.Args[0])
		if len(f.Args) > 1 {
			r.Escape = c.expr(f.Args[1])
		}
		return r
	}
	r.R = c.expr(a.Rexpr)
	return r
}

// cast converts CAST and ::.
func (c *conv) cast(t *pg.TypeCast) tree.Expr {
	typ := c.typeName(t.TypeName)
	// TRUE and FALSE of old grammars arrive as casts of 't' and 'f'.
	return &tree.Cast{X: c.expr(t.Arg), Type: typ, Pos: c.position(t.Location)}
}

// collate converts x COLLATE c.
func (c *conv) collate(e *pg.CollateClause) tree.Expr {
	return &tree.Collate{X: c.expr(e.Arg), Name: nameOf(strList(e.Collname)).Name}
}

// subLink converts a subquery in an expression.
func (c *conv) subLink(s *pg.SubLink) tree.Expr {
	q := c.selectNode(s.Subselect)
	pos := c.position(s.Location)
	switch s.SubLinkType {
	case pg.SubLinkType_EXISTS_SUBLINK:
		return &tree.Exists{Query: q}
	case pg.SubLinkType_EXPR_SUBLINK:
		return &tree.Scalar{Query: q}
	case pg.SubLinkType_ARRAY_SUBLINK:
		return &tree.ArrayQuery{Query: q}
	case pg.SubLinkType_ANY_SUBLINK:
		if len(s.OperName) == 0 {
			return &tree.In{X: c.expr(s.Testexpr), Query: q, Pos: pos}
		}
		return &tree.Quantified{Op: c.operator(s.OperName, s.Location), L: c.expr(s.Testexpr), Query: q, Pos: pos}
	case pg.SubLinkType_ALL_SUBLINK:
		return &tree.Quantified{Op: c.operator(s.OperName, s.Location), All: true, L: c.expr(s.Testexpr), Query: q, Pos: pos}
	}
	c.unsupported(s.Location, "this subquery form")
	return null()
}

// caseExpr converts CASE.
func (c *conv) caseExpr(e *pg.CaseExpr) tree.Expr {
	r := &tree.Case{Operand: c.opt(e.Arg), Else: c.opt(e.Defresult)}
	for _, n := range e.Args {
		if w := n.GetCaseWhen(); w != nil {
			r.When = append(r.When, tree.When{Cond: c.expr(w.Expr), Then: c.expr(w.Result)})
		}
	}
	return r
}

// indirection converts subscripts and field selection.
func (c *conv) indirection(a *pg.A_Indirection) tree.Expr {
	e := c.expr(a.Arg)
	for _, n := range a.Indirection {
		switch i := n.GetNode().(type) {
		case *pg.Node_AIndices:
			if !i.AIndices.IsSlice {
				e = &tree.Subscript{X: e, Index: c.expr(i.AIndices.Uidx)}
				continue
			}
			e = &tree.Subscript{X: e, Slice: true, Index: c.opt(i.AIndices.Lidx), Upper: c.opt(i.AIndices.Uidx)}
		case *pg.Node_String_:
			e = &tree.Field{X: e, Name: i.String_.GetSval()}
		case *pg.Node_AStar:
			e = &tree.Field{X: e, Name: "*"}
		}
	}
	return e
}

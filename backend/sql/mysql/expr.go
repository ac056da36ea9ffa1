package mysql

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	tidb "github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tidb/pkg/parser/opcode"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// binaryOps names the neutral operator of each MySQL one. MySQL's ^ is a
// bitwise exclusive or, which the tree writes #.
var binaryOps = map[opcode.Op]string{
	opcode.LogicAnd: "AND", opcode.LogicOr: "OR", opcode.LogicXor: "XOR",
	opcode.LeftShift: "<<", opcode.RightShift: ">>", opcode.And: "&", opcode.Or: "|", opcode.Xor: "#",
	opcode.GE: ">=", opcode.LE: "<=", opcode.EQ: "=", opcode.NE: "<>", opcode.LT: "<", opcode.GT: ">",
	opcode.NullEQ: "<=>", opcode.Plus: "+", opcode.Minus: "-", opcode.Mul: "*", opcode.Div: "/",
	opcode.Mod: "%", opcode.IntDiv: "DIV",
}

// exprs converts a list.
func (c *converter) exprs(list []ast.ExprNode) ([]tree.Expr, error) {
	out := make([]tree.Expr, 0, len(list))
	for _, n := range list {
		x, err := c.expr(n)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// expr converts any expression.
func (c *converter) expr(n ast.ExprNode) (tree.Expr, error) {
	pos := n.OriginTextPosition() + 1
	switch n := n.(type) {
	case *driver.ParamMarkerExpr:
		i, ok := slices.BinarySearch(c.params, n.Offset)
		if !ok {
			return nil, op.Errorf(op.Syntax, "misplaced parameter")
		}
		return &tree.Param{Index: i, Pos: pos}, nil
	case *driver.ValueExpr:
		return constant(n, pos)
	case *ast.ColumnNameExpr:
		return &tree.Ident{Parts: parts(n.Name), Pos: pos}, nil
	case *ast.ParenthesesExpr:
		return c.expr(n.Expr)
	case *ast.BinaryOperationExpr:
		return c.binary(n, pos)
	case *ast.UnaryOperationExpr:
		return c.unary(n, pos)
	case *ast.IsNullExpr, *ast.IsTruthExpr:
		return c.isTest(n, pos)
	case *ast.BetweenExpr:
		return c.between(n)
	case *ast.PatternInExpr:
		return c.in(n, pos)
	case *ast.PatternLikeOrIlikeExpr:
		return c.like(n, pos)
	case *ast.PatternRegexpExpr:
		return c.pair("REGEXP", n.Not, n.Expr, n.Pattern, pos)
	case *ast.CaseExpr:
		return c.caseExpr(n)
	case *ast.RowExpr:
		items, err := c.exprs(n.Values)
		return &tree.Row{Items: items}, err
	case *ast.SubqueryExpr:
		q, err := c.query(n.Query)
		return &tree.Scalar{Query: q}, err
	case *ast.ExistsSubqueryExpr:
		return c.exists(n)
	case *ast.CompareSubqueryExpr:
		return c.quantified(n, pos)
	}
	return c.exprMore(n, pos)
}

// exprMore converts what is not an operator.
func (c *converter) exprMore(n ast.ExprNode, pos int) (tree.Expr, error) {
	switch n := n.(type) {
	case *ast.VariableExpr:
		v := &tree.Var{Name: n.Name, System: n.IsSystem, Global: n.IsGlobal}
		if n.IsSystem {
			v.Name = strings.ToLower(n.Name)
		}
		if n.Value == nil {
			return v, nil
		}
		return v, c.opt(n.Value, &v.Assign)
	case *ast.DefaultExpr:
		d := &tree.Default{}
		if n.Name != nil {
			d.Column = n.Name.Name.O
		}
		return d, nil
	case *ast.ValuesExpr: // ON DUPLICATE KEY UPDATE a = VALUES(a)
		return &tree.Ident{Parts: []string{"excluded", n.Column.Name.Name.O}, Pos: pos}, nil
	case *ast.FuncCallExpr:
		return c.call(n, pos)
	case *ast.FuncCastExpr:
		return c.cast(n, pos)
	case *ast.AggregateFuncExpr:
		return c.aggregate(n, pos)
	case *ast.WindowFuncExpr:
		return c.windowFunc(n, pos)
	case *ast.SetCollationExpr:
		x, err := c.expr(n.Expr)
		return &tree.Collate{X: x, Name: n.Collate}, err
	case *ast.MatchAgainst:
		return nil, refuse("MATCH … AGAINST")
	case *ast.TimeUnitExpr:
		return text(n.Unit.String()), nil
	case *ast.PositionExpr:
		return c.position(n)
	}
	return nil, refuse("%T", n)
}

// parts lists the parts of a column name that were written.
func parts(n *ast.ColumnName) []string {
	switch {
	case n.Schema.O != "":
		return []string{n.Schema.O, n.Table.O, n.Name.O}
	case n.Table.O != "":
		return []string{n.Table.O, n.Name.O}
	}
	return []string{n.Name.O}
}

// text is a string literal.
func text(s string) *tree.Const {
	return &tree.Const{Value: op.Text(s), Type: op.Type{Base: op.TUnknown}}
}

// integer is a number literal.
func integer(i int64) *tree.Const {
	t := op.TInt4
	if i > math.MaxInt32 || i < math.MinInt32 {
		t = op.TInt8
	}
	return &tree.Const{Value: op.Int64(i), Type: op.Type{Base: t}}
}

// constant converts a literal.
func constant(n *driver.ValueExpr, pos int) (tree.Expr, error) {
	k := &tree.Const{Pos: pos}
	switch n.Kind() {
	case driver.KindNull:
	case driver.KindInt64:
		k = integer(n.GetInt64())
		k.Pos = pos
	case driver.KindUint64:
		k.Value, k.Type = op.Text(utoa(n.GetUint64())), op.Type{Base: op.TNumeric}
	case driver.KindFloat32, driver.KindFloat64:
		k.Value, k.Type = op.Float64(n.GetFloat64()), op.Type{Base: op.TFloat8}
	case driver.KindMysqlDecimal:
		k.Value, k.Type = op.Text(n.GetMysqlDecimal().String()), op.Type{Base: op.TNumeric}
	case driver.KindString:
		if n.Type.GetCharset() == "binary" {
			k.Value, k.Type = op.Bytes([]byte(n.GetString())), op.Type{Base: op.TBytea}
			break
		}
		k.Value = op.Text(n.GetString())
	case driver.KindBytes, driver.KindBinaryLiteral:
		k.Value, k.Type = op.Bytes(n.GetBytes()), op.Type{Base: op.TBytea}
	default:
		return nil, refuse("literal of kind %d", n.Kind())
	}
	return k, nil
}

// literalText returns the text of a literal, false if it is no plain literal.
func literalText(e ast.ValueExpr) (string, bool) {
	v, ok := e.(*driver.ValueExpr)
	if !ok {
		return "", false
	}
	switch v.Kind() {
	case driver.KindInt64:
		return strconv.FormatInt(v.GetInt64(), 10), true
	case driver.KindUint64:
		return utoa(v.GetUint64()), true
	case driver.KindFloat64:
		return strconv.FormatFloat(v.GetFloat64(), 'g', -1, 64), true
	case driver.KindMysqlDecimal:
		return v.GetMysqlDecimal().String(), true
	case driver.KindString:
		return v.GetString(), true
	}
	return "", false
}

// binary converts a two-sided operator.
func (c *converter) binary(n *ast.BinaryOperationExpr, pos int) (tree.Expr, error) {
	word, ok := binaryOps[n.Op]
	if !ok {
		return nil, refuse("operator %s", n.Op.String())
	}
	return c.pair(word, false, n.L, n.R, pos)
}

// pair builds l word r.
func (c *converter) pair(word string, not bool, l, r ast.ExprNode, pos int) (tree.Expr, error) {
	if not {
		word = "NOT " + word
	}
	b := &tree.Binary{Op: word, Pos: pos}
	return b, c.each(func() error { return c.opt(l, &b.L) }, func() error { return c.opt(r, &b.R) })
}

// unary converts a prefix operator. A minus before a number is part of it.
func (c *converter) unary(n *ast.UnaryOperationExpr, pos int) (tree.Expr, error) {
	x, err := c.expr(n.V)
	if err != nil {
		return nil, err
	}
	switch n.Op {
	case opcode.Plus:
		return x, nil
	case opcode.Minus:
		if k, ok := x.(*tree.Const); ok {
			if neg := negate(k); neg != nil {
				return neg, nil
			}
		}
		return &tree.Unary{Op: "-", X: x, Pos: pos}, nil
	case opcode.BitNeg:
		return &tree.Unary{Op: "~", X: x, Pos: pos}, nil
	case opcode.Not, opcode.Not2:
		return &tree.Unary{Op: "NOT", X: x, Pos: pos}, nil
	}
	return nil, refuse("operator %s", n.Op.String())
}

// negate returns the literal with its sign turned, nil if that is not simple.
func negate(k *tree.Const) tree.Expr {
	switch {
	case k.Type.Base == op.TInt4 || k.Type.Base == op.TInt8:
		if k.Value.Int() == 0 {
			return nil
		}
		n := integer(-k.Value.Int())
		n.Pos = k.Pos
		return n
	case k.Type.Base == op.TFloat8:
		return &tree.Const{Value: op.Float64(-k.Value.Float()), Type: k.Type, Pos: k.Pos}
	case k.Type.Base == op.TNumeric && !strings.HasPrefix(k.Value.Str(), "-"):
		if k.Value.Str() == "9223372036854775808" {
			return &tree.Const{Value: op.Int64(math.MinInt64), Type: op.Type{Base: op.TInt8}, Pos: k.Pos}
		}
		return &tree.Const{Value: op.Text("-" + k.Value.Str()), Type: k.Type, Pos: k.Pos}
	}
	return nil
}

// isTest converts IS NULL, IS TRUE and their negations.
func (c *converter) isTest(n ast.ExprNode, pos int) (tree.Expr, error) {
	var x ast.ExprNode
	var word string
	not := false
	switch n := n.(type) {
	case *ast.IsNullExpr:
		x, word, not = n.Expr, "NULL", n.Not
	case *ast.IsTruthExpr:
		x, word, not = n.Expr, "FALSE", n.Not
		if n.True != 0 {
			word = "TRUE"
		}
	}
	is := "IS "
	if not {
		is = "IS NOT "
	}
	u := &tree.Unary{Op: is + word, Pos: pos}
	return u, c.opt(x, &u.X)
}

// between converts BETWEEN.
func (c *converter) between(n *ast.BetweenExpr) (tree.Expr, error) {
	b := &tree.Between{Not: n.Not}
	return b, c.each(
		func() error { return c.opt(n.Expr, &b.X) },
		func() error { return c.opt(n.Left, &b.Lo) },
		func() error { return c.opt(n.Right, &b.Hi) },
	)
}

// in converts IN with a list or a subquery.
func (c *converter) in(n *ast.PatternInExpr, pos int) (tree.Expr, error) {
	in := &tree.In{Not: n.Not, Pos: pos}
	if err := c.opt(n.Expr, &in.X); err != nil {
		return nil, err
	}
	var err error
	if n.Sel != nil {
		in.Query, err = c.subquery(n.Sel)
		return in, err
	}
	in.List, err = c.exprs(n.List)
	return in, err
}

// subquery converts a parenthesised query that is an operand.
func (c *converter) subquery(n ast.ExprNode) (*tree.Select, error) {
	for {
		switch x := n.(type) {
		case *ast.ParenthesesExpr:
			n = x.Expr
			continue
		case *ast.SubqueryExpr:
			return c.query(x.Query)
		}
		return nil, op.Errorf(op.Syntax, "subquery expected")
	}
}

// like converts LIKE. MySQL's escape character is the backslash unless the
// mode says there is none.
func (c *converter) like(n *ast.PatternLikeOrIlikeExpr, pos int) (tree.Expr, error) {
	word := "LIKE"
	if !n.IsLike {
		word = "ILIKE"
	}
	x, err := c.pair(word, n.Not, n.Expr, n.Pattern, pos)
	if err != nil {
		return nil, err
	}
	esc := n.Escape
	if !n.EscapeExplicit && strings.Contains(strings.ToUpper(c.mode), "NO_BACKSLASH_ESCAPES") {
		esc = 0
	}
	if esc == 0 {
		x.(*tree.Binary).Escape = text("")
	} else {
		x.(*tree.Binary).Escape = text(string(esc))
	}
	return x, nil
}

// caseExpr converts CASE.
func (c *converter) caseExpr(n *ast.CaseExpr) (tree.Expr, error) {
	k := &tree.Case{}
	if err := c.opt(n.Value, &k.Operand); err != nil {
		return nil, err
	}
	for _, w := range n.WhenClauses {
		var t tree.When
		if err := c.each(func() error { return c.opt(w.Expr, &t.Cond) }, func() error { return c.opt(w.Result, &t.Then) }); err != nil {
			return nil, err
		}
		k.When = append(k.When, t)
	}
	return k, c.opt(n.ElseClause, &k.Else)
}

// exists converts EXISTS.
func (c *converter) exists(n *ast.ExistsSubqueryExpr) (tree.Expr, error) {
	q, err := c.subquery(n.Sel)
	if err != nil {
		return nil, err
	}
	if n.Not {
		return &tree.Unary{Op: "NOT", X: &tree.Exists{Query: q}}, nil
	}
	return &tree.Exists{Query: q}, nil
}

// quantified converts x op ANY (query).
func (c *converter) quantified(n *ast.CompareSubqueryExpr, pos int) (tree.Expr, error) {
	word, ok := binaryOps[n.Op]
	if !ok {
		return nil, refuse("operator %s", n.Op.String())
	}
	q := &tree.Quantified{Op: word, All: n.All, Pos: pos}
	if err := c.opt(n.L, &q.L); err != nil {
		return nil, err
	}
	var err error
	q.Query, err = c.subquery(n.R)
	return q, err
}

// isUnsigned reports whether a type is declared UNSIGNED.
func isUnsigned(flag uint) bool { return flag&tidb.UnsignedFlag != 0 }

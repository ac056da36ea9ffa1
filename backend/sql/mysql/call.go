package mysql

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	tidb "github.com/pingcap/tidb/pkg/parser/mysql"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"
	"github.com/pingcap/tidb/pkg/parser/types"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// trims names the function of each TRIM direction. MySQL removes a whole
// string, not a set of characters as btrim does.
var trims = map[ast.TrimDirectionType]string{
	ast.TrimBothDefault: "trim_both", ast.TrimBoth: "trim_both",
	ast.TrimLeading: "trim_leading", ast.TrimTrailing: "trim_trailing",
}

// call converts a function call.
func (c *converter) call(n *ast.FuncCallExpr, pos int) (tree.Expr, error) {
	f := &tree.Call{Schema: n.Schema.O, Name: strings.ToLower(n.FnName.O), Pos: pos}
	if t, ok := dateLiterals[n.FnName.O]; ok && len(n.Args) == 1 {
		x, err := c.expr(n.Args[0])
		return &tree.Cast{X: x, Type: tree.TypeName{Name: "date", Resolved: literalType(t, x)}, Pos: pos}, err
	}
	switch f.Name {
	case "date_add", "adddate", "date_sub", "subdate":
		return c.dateArith(n, f)
	case "trim":
		return c.trim(n, f)
	case "convert": // CONVERT(x USING charset)
		return c.convertUsing(n, pos)
	case "values":
		return nil, refuse("VALUES() outside ON DUPLICATE KEY UPDATE")
	case "json_memberof":
		f.Name = "member_of"
	case "current_timestamp", "localtime", "localtimestamp":
		f.Name = "now"
	case "current_date":
		f.Name = "curdate"
	case "current_time":
		f.Name = "curtime"
	case "char_func":
		f.Name = "char"
	}
	for _, a := range n.Args {
		if u, ok := a.(*ast.TimeUnitExpr); ok {
			f.Args = append(f.Args, text(u.Unit.String()))
			continue
		}
		if g, ok := a.(*ast.GetFormatSelectorExpr); ok {
			f.Args = append(f.Args, text(g.Selector.String()))
			continue
		}
		x, err := c.expr(a)
		if err != nil {
			return nil, err
		}
		f.Args = append(f.Args, x)
	}
	if f.Name == "char" && len(f.Args) > 0 { // the grammar appends the charset
		f.Args = f.Args[:len(f.Args)-1]
	}
	return f, nil
}

// dateArith converts DATE_ADD(d, INTERVAL n unit) and d + INTERVAL n unit.
func (c *converter) dateArith(n *ast.FuncCallExpr, f *tree.Call) (tree.Expr, error) {
	f.Name = map[string]string{"adddate": "date_add", "subdate": "date_sub"}[f.Name]
	if f.Name == "" {
		f.Name = strings.ToLower(n.FnName.O)
	}
	if len(n.Args) < 2 {
		return nil, op.Errorf(op.Syntax, "%s needs two arguments", f.Name)
	}
	d, err := c.expr(n.Args[0])
	if err != nil {
		return nil, err
	}
	x, err := c.expr(n.Args[1])
	if err != nil {
		return nil, err
	}
	unit := "DAY"
	if len(n.Args) > 2 {
		if u, ok := n.Args[2].(*ast.TimeUnitExpr); ok {
			unit = strings.ToUpper(u.Unit.String())
		}
	}
	f.Args = []tree.Expr{d, &tree.Interval{X: x, Unit: unit}}
	return f, nil
}

// trim converts TRIM([dir] [what] FROM x).
func (c *converter) trim(n *ast.FuncCallExpr, f *tree.Call) (tree.Expr, error) {
	f.Name = "trim_both"
	for i, a := range n.Args {
		if d, ok := a.(*ast.TrimDirectionExpr); ok {
			f.Name = trims[d.Direction]
			continue
		}
		if v, ok := a.(*driver.ValueExpr); ok && i == 1 && v.Kind() == driver.KindNull { // TRIM(LEADING FROM x)
			f.Args = append(f.Args, text(" "))
			continue
		}
		x, err := c.expr(a)
		if err != nil {
			return nil, err
		}
		f.Args = append(f.Args, x)
	}
	return f, nil
}

// convertUsing converts CONVERT(x USING charset): all text is utf8mb4.
func (c *converter) convertUsing(n *ast.FuncCallExpr, pos int) (tree.Expr, error) {
	x, err := c.expr(n.Args[0])
	if err != nil {
		return nil, err
	}
	cs := ""
	if v, ok := n.Args[1].(ast.ValueExpr); ok {
		cs = strings.ToLower(v.GetString())
	}
	t := op.TString
	switch cs {
	case "binary":
		t = op.TBytea
	case "utf8", "utf8mb3", "utf8mb4", "ascii", "latin1":
	default:
		return nil, refuse("character set %s", cs)
	}
	return &tree.Cast{X: x, Type: tree.TypeName{Name: "text", Resolved: op.Type{Base: t}}, Pos: pos}, nil
}

// cast converts CAST, CONVERT(x, type) and BINARY x.
func (c *converter) cast(n *ast.FuncCastExpr, pos int) (tree.Expr, error) {
	x, err := c.expr(n.Expr)
	if err != nil {
		return nil, err
	}
	t, err := castType(n.Tp)
	if err != nil {
		return nil, err
	}
	return &tree.Cast{X: x, Type: t, Pos: pos}, nil
}

// castType translates the target of CAST. Lengths left out mean "as long as
// needed", a DECIMAL without precision is DECIMAL(10,0).
func castType(ft *types.FieldType) (tree.TypeName, error) {
	if ft.GetType() == tidb.TypeVarString || ft.GetType() == tidb.TypeString || ft.GetType() == tidb.TypeVarchar {
		t := op.Type{Base: op.TString}
		if ft.GetCharset() == "binary" {
			t.Base = op.TBytea
		}
		if ft.GetFlen() > 0 {
			t.Size = int32(ft.GetFlen())
			if t.Base == op.TString {
				t.Base = op.TVarchar
			}
		}
		return tree.TypeName{Name: strings.ToLower(ft.CompactStr()), Resolved: t}, nil
	}
	return typeName(ft)
}

// aggregate converts an aggregate call.
func (c *converter) aggregate(n *ast.AggregateFuncExpr, pos int) (tree.Expr, error) {
	f := &tree.Call{Name: strings.ToLower(n.F), Distinct: n.Distinct, Pos: pos}
	args := n.Args
	if f.Name == "count" && len(args) == 1 && !n.Distinct {
		if v, ok := args[0].(*driver.ValueExpr); ok && v.Kind() == driver.KindInt64 {
			f.Star = true
			return f, nil
		}
	}
	if f.Name == "group_concat" && len(args) > 1 {
		if err := c.opt(args[len(args)-1], &f.Sep); err != nil {
			return nil, err
		}
		args = args[:len(args)-1]
	}
	if f.Name == "approx_percentile" || f.Name == "approx_count_distinct" {
		return nil, op.Errorf(op.NoFunction, "function %s does not exist", f.Name)
	}
	var err error
	if f.Args, err = c.exprs(args); err != nil {
		return nil, err
	}
	return f, c.orderBy(n.Order, &f.Order)
}

// windowFunc converts f(…) OVER ….
func (c *converter) windowFunc(n *ast.WindowFuncExpr, pos int) (tree.Expr, error) {
	if n.IgnoreNull || n.FromLast {
		return nil, refuse("IGNORE NULLS or FROM LAST")
	}
	f := &tree.Call{Name: strings.ToLower(n.Name), Distinct: n.Distinct, Pos: pos}
	if f.Name == "count" && len(n.Args) == 1 {
		if v, ok := n.Args[0].(*driver.ValueExpr); ok && v.Kind() == driver.KindInt64 {
			f.Star = true
		}
	}
	var err error
	if !f.Star {
		if f.Args, err = c.exprs(n.Args); err != nil {
			return nil, err
		}
	}
	f.Over, err = c.window(&n.Spec)
	return f, err
}

// dateLiterals are the grammar's names for DATE '…', TIME '…' and TIMESTAMP '…'.
var dateLiterals = map[string]op.Base{ast.DateLiteral: op.TDate, ast.TimeLiteral: op.TTime, ast.TimestampLiteral: op.TTimestamp}

// literalType is the type of a date literal, with the fraction digits it shows.
func literalType(b op.Base, x tree.Expr) op.Type {
	t := op.Type{Base: b}
	if k, ok := x.(*tree.Const); ok && b != op.TDate {
		if _, f, ok := strings.Cut(k.Value.Str(), "."); ok && len(f) > 0 {
			t.Size = int32(min(len(f), 6)) + 1
		}
	}
	return t
}

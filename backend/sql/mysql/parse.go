// Package mysql is the MySQL dialect: it splits and classifies statement
// texts, converts TiDB's syntax tree to backend/sql/tree, and provides the
// MySQL-flavoured information_schema. It does not bind names, choose types or
// run anything; session statements are decoded for the front-end, which owns
// their meaning.
package mysql

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/pingcap/tidb/pkg/parser"
	"github.com/pingcap/tidb/pkg/parser/ast"
	tidb "github.com/pingcap/tidb/pkg/parser/mysql"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver" // literal values of the syntax tree

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// parsers keeps parser instances: each owns tables worth reusing and none may
// be used by two goroutines at once.
var parsers = sync.Pool{New: func() any { return parser.New() }}

// parseText runs the grammar over a text. The nodes it returns are not shared
// with the parser.
func parseText(text, sqlMode string) (list []ast.StmtNode, err error) {
	p := parsers.Get().(*parser.Parser)
	defer func() {
		if r := recover(); r != nil { // the instance may be broken: not returned to the pool
			list, err = nil, op.Errorf(op.Syntax, "syntax error: %v", r)
			return
		}
		parsers.Put(p)
	}()
	mode, merr := tidb.GetSQLMode(tidb.FormatSQLModeStr(sqlMode))
	if merr != nil {
		return nil, op.Errorf(op.InvalidArgument, "invalid sql_mode %q", sqlMode)
	}
	p.SetSQLMode(mode)
	p.SetStrictDoubleTypeCheck(false)
	if strings.Contains(text, "/*!") || strings.Contains(text, "/*M!") {
		text = versionComments(text)
	}
	nodes, _, perr := p.ParseSQL(text, parser.CharsetConnection("utf8mb4"), parser.CollationConnection("utf8mb4_0900_ai_ci"))
	if perr != nil {
		return nil, syntaxError(perr)
	}
	return append([]ast.StmtNode(nil), nodes...), nil
}

// nearText matches the place the parser reports.
var nearText = regexp.MustCompile(`(?s)^line (\d+) column (\d+) near "(.*)"\s?(.*)$`)

// syntaxError rewrites the parser's message. Detail holds MySQL's own tail,
// "near '…' at line n".
func syntaxError(err error) error {
	msg := err.Error()
	if i := strings.Index(msg, "]"); strings.HasPrefix(msg, "[") && i > 0 {
		msg = msg[i+1:]
	}
	m := nearText.FindStringSubmatch(msg)
	if m == nil {
		return &op.Error{Code: op.Syntax, Msg: "syntax error: " + msg, Detail: msg}
	}
	near := m[3]
	if len(near) > 80 {
		near = near[:80]
	}
	d := fmt.Sprintf("near '%s' at line %s", near, m[1])
	return &op.Error{Code: op.Syntax, Msg: "syntax error " + d, Detail: d}
}

// Parse splits a text into statements, classifies each and counts its
// parameters. It needs no catalog.
func Parse(text, sqlMode string) ([]*rel.Stmt, error) {
	nodes, err := parseText(text, sqlMode)
	if err != nil {
		if s := maintenance(text, sqlMode); s != nil {
			return []*rel.Stmt{s}, nil
		}
		return nil, err
	}
	out := make([]*rel.Stmt, 0, len(nodes))
	for _, n := range nodes {
		s := &rel.Stmt{Dialect: rel.MySQL, Text: trimStmt(n.Text()), SQLMode: sqlMode}
		if err := classify(s, n); err != nil {
			return nil, err
		}
		s.Params = len(params(n))
		s.Uses = uses(s, n)
		out = append(out, s)
	}
	return out, nil
}

// trimStmt removes the separator and the space around one statement.
func trimStmt(s string) string {
	return strings.TrimRight(strings.TrimSpace(s), "; \t\r\n\x00")
}

// paramFinder notes where the ? of a statement stand.
type paramFinder struct{ at []int }

// Enter implements ast.Visitor.
func (p *paramFinder) Enter(n ast.Node) (ast.Node, bool) {
	if m, ok := n.(*driver.ParamMarkerExpr); ok {
		p.at = append(p.at, m.Offset)
	}
	return n, false
}

// Leave implements ast.Visitor.
func (p *paramFinder) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// params returns the offsets of a statement's parameters in text order, each
// once: the grammar may reach one marker by two paths.
func params(n ast.Node) []int {
	p := &paramFinder{}
	n.Accept(p)
	slices.Sort(p.at)
	return slices.Compact(p.at)
}

// Convert translates one data or DDL statement to the neutral tree.
func Convert(s *rel.Stmt) (tree.Node, error) {
	nodes, err := parseText(s.Text, s.SQLMode)
	if err != nil {
		return nil, err
	}
	if len(nodes) != 1 {
		return nil, op.Errorf(op.Syntax, "one statement expected, found %d", len(nodes))
	}
	c := &converter{mode: s.SQLMode, params: params(nodes[0])}
	return c.stmt(nodes[0])
}

// ParseExpr translates the text of one expression (a DEFAULT, CHECK or
// generated column of the catalog).
func ParseExpr(text, sqlMode string) (tree.Expr, error) {
	n, err := Convert(&rel.Stmt{Dialect: rel.MySQL, Text: "SELECT " + text, SQLMode: sqlMode})
	if err != nil {
		return nil, err
	}
	sel, ok := n.(*tree.Select)
	if !ok || len(sel.Items) != 1 || len(sel.From) > 0 {
		return nil, op.Errorf(op.Syntax, "expression expected: %s", text)
	}
	return sel.Items[0].Expr, nil
}

// converter translates one statement.
type converter struct {
	mode   string
	params []int // offsets of the ?, sorted: the index of a parameter is its place here
}

// refuse is the error of what this server does not support.
func refuse(format string, args ...any) error {
	return op.Errorf(op.Unsupported, format+" is not supported", args...)
}

// stmt dispatches on the kind of statement.
func (c *converter) stmt(n ast.StmtNode) (tree.Node, error) {
	switch n := n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		return c.query(n)
	case *ast.InsertStmt:
		return c.insert(n)
	case *ast.UpdateStmt:
		return c.update(n)
	case *ast.DeleteStmt:
		return c.delete(n)
	case *ast.ExplainStmt:
		return c.explain(n)
	case *ast.ShowStmt:
		return c.show(n)
	case *ast.DoStmt:
		return c.do(n)
	}
	return c.ddl(n)
}

// explain converts EXPLAIN, and DESCRIBE of a table (which the grammar hands
// over as EXPLAIN SHOW COLUMNS).
func (c *converter) explain(n *ast.ExplainStmt) (tree.Node, error) {
	if s, ok := n.Stmt.(*ast.ShowStmt); ok {
		return c.show(s)
	}
	inner, err := c.stmt(n.Stmt)
	if err != nil {
		return nil, err
	}
	f := strings.ToLower(n.Format)
	if f == "row" || f == "" || f == "brief" {
		f = "traditional"
	}
	return &tree.Explain{Stmt: inner, Analyze: n.Analyze, Format: f}, nil
}

// do converts DO expr, …: a SELECT whose rows nobody reads.
func (c *converter) do(n *ast.DoStmt) (tree.Node, error) {
	sel := &tree.Select{}
	for _, e := range n.Exprs {
		x, err := c.expr(e)
		if err != nil {
			return nil, err
		}
		sel.Items = append(sel.Items, tree.Item{Expr: x})
	}
	return sel, nil
}

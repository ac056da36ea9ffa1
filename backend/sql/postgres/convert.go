package postgres

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	pg "github.com/pganalyze/pg_query_go/v6"
	"github.com/pganalyze/pg_query_go/v6/parser"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// conv converts one statement. The first failure sticks; later work is
// harmless, so converters return values without error checks at every step.
type conv struct {
	text string
	err  *op.Error
}

// Convert parses the text of exactly one statement and converts it to the
// neutral tree.
func Convert(stmt *rel.Stmt) (tree.Node, error) {
	if stmt == nil {
		return nil, op.Errorf(op.InvalidArgument, "no statement")
	}
	raw, ok := stmt.TakeSyntax().(*pg.RawStmt)
	if !ok {
		list, err := parse(stmt.Text)
		if err != nil {
			return nil, err
		}
		if len(list) != 1 {
			return nil, op.Errorf(op.Syntax, "cannot insert multiple commands into a prepared statement")
		}
		raw = list[0]
	}
	c := &conv{text: stmt.Text}
	n := c.statement(raw.GetStmt())
	if c.err != nil {
		return nil, c.err
	}
	return n, nil
}

// ConvertExpr parses one expression, as the catalog stores defaults, checks
// and index expressions.
func ConvertExpr(text string) (tree.Expr, error) {
	list, err := parse("SELECT " + text)
	if err != nil {
		return nil, err
	}
	s := (*pg.SelectStmt)(nil)
	if len(list) == 1 {
		s = list[0].GetStmt().GetSelectStmt()
	}
	if s == nil || len(s.TargetList) != 1 {
		return nil, op.Errorf(op.Syntax, "not one expression: %s", text)
	}
	c := &conv{text: "SELECT " + text}
	e := c.expr(s.TargetList[0].GetResTarget().GetVal())
	if c.err != nil {
		return nil, c.err
	}
	return e, nil
}

// parse runs the grammar over a text that may hold several statements.
func parse(text string) ([]*pg.RawStmt, error) {
	if err := admit(text); err != nil {
		return nil, err
	}
	r, err := pg.Parse(text)
	if err != nil {
		var e *parser.Error
		if errors.As(err, &e) {
			return nil, &op.Error{Code: op.Syntax, Msg: e.Message, Position: e.Cursorpos}
		}
		return nil, &op.Error{Code: op.Syntax, Msg: err.Error()}
	}
	return r.GetStmts(), nil
}

// fail records the first failure. pos is a byte offset, negative when unknown.
func (c *conv) fail(code op.Code, pos int32, msg string) {
	if c.err == nil {
		c.err = &op.Error{Code: code, Msg: msg, Position: c.position(pos)}
	}
}

// failf is fail with a format.
func (c *conv) failf(code op.Code, pos int32, format string, args ...any) {
	c.fail(code, pos, fmt.Sprintf(format, args...))
}

// unsupported records that a construct is known and not served.
func (c *conv) unsupported(pos int32, what string) {
	c.fail(op.Unsupported, pos, what+" is not supported")
}

// position turns a byte offset into PostgreSQL's 1-based character position.
func (c *conv) position(pos int32) int {
	if pos < 0 || int(pos) > len(c.text) {
		return 0
	}
	return utf8.RuneCountInString(c.text[:pos]) + 1
}

// statement converts any statement that reaches the executor.
func (c *conv) statement(n *pg.Node) tree.Node {
	switch s := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		if into := s.SelectStmt.GetIntoClause(); into != nil {
			return c.selectInto(s.SelectStmt, into)
		}
		return c.selectStmt(s.SelectStmt)
	case *pg.Node_InsertStmt:
		return c.insert(s.InsertStmt)
	case *pg.Node_UpdateStmt:
		return c.update(s.UpdateStmt)
	case *pg.Node_DeleteStmt:
		return c.deleteStmt(s.DeleteStmt)
	case *pg.Node_ExplainStmt:
		return c.explain(s.ExplainStmt)
	case nil:
		c.fail(op.Syntax, -1, "empty statement")
		return nil
	default:
		return c.ddl(n)
	}
}

// explain converts EXPLAIN and its options.
func (c *conv) explain(s *pg.ExplainStmt) tree.Node {
	e := &tree.Explain{Format: "text"}
	for _, n := range s.Options {
		d := n.GetDefElem()
		v := strings.ToLower(defString(d))
		on := v == "" || v == "on" || v == "true" || v == "1"
		switch d.GetDefname() {
		case "analyze":
			e.Analyze = on
		case "format":
			e.Format = v
			if v != "text" && v != "json" {
				c.fail(op.Unsupported, d.Location, "EXPLAIN format "+v+" is not supported")
			}
		case "verbose", "costs", "buffers", "timing", "summary", "settings", "wal", "generic_plan", "memory", "serialize":
		default:
			c.failf(op.Syntax, d.GetLocation(), "unrecognized EXPLAIN option %q", d.GetDefname())
		}
	}
	e.Stmt = c.statement(s.Query)
	return e
}

// rangeName reads a relation's name. A catalog part is dropped: objects of
// other databases cannot be named.
func rangeName(r *pg.RangeVar) tree.Name {
	return tree.Name{Schema: r.GetSchemaname(), Name: r.GetRelname()}
}

// nameOf makes a name of a dotted list.
func nameOf(parts []string) tree.Name {
	switch n := len(parts); n {
	case 0:
		return tree.Name{}
	case 1:
		return tree.Name{Name: parts[0]}
	default:
		return tree.Name{Schema: parts[n-2], Name: parts[n-1]}
	}
}

// defString returns the text of an option's argument, "" without one.
func defString(d *pg.DefElem) string {
	return nodeString(d.GetArg())
}

// nodeString returns the text of a constant or name node.
func nodeString(n *pg.Node) string {
	switch v := n.GetNode().(type) {
	case *pg.Node_String_:
		return v.String_.GetSval()
	case *pg.Node_Integer:
		return fmt.Sprint(v.Integer.GetIval())
	case *pg.Node_Float:
		return v.Float.GetFval()
	case *pg.Node_Boolean:
		return fmt.Sprint(v.Boolean.GetBoolval())
	case *pg.Node_TypeName:
		return strings.Join(strList(v.TypeName.GetNames()), ".")
	case *pg.Node_AStar:
		return "*"
	case *pg.Node_AConst:
		switch a := v.AConst.GetVal().(type) {
		case *pg.A_Const_Ival:
			return fmt.Sprint(a.Ival.GetIval())
		case *pg.A_Const_Fval:
			return a.Fval.GetFval()
		case *pg.A_Const_Sval:
			return a.Sval.GetSval()
		case *pg.A_Const_Boolval:
			return fmt.Sprint(a.Boolval.GetBoolval())
		case *pg.A_Const_Bsval:
			return a.Bsval.GetBsval()
		}
	case *pg.Node_List:
		return strings.Join(strList(v.List.GetItems()), ".")
	}
	return ""
}

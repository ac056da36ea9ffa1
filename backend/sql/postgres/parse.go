// Package postgres parses PostgreSQL's SQL: it splits a text into statements,
// classifies them and decodes session statements (Parse), and converts the
// rest to the neutral tree (Convert). The grammar is PostgreSQL's own
// (pg_query). It knows no catalog: names stay unresolved.
package postgres

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// Parse splits a text into its statements. Syntax errors carry PostgreSQL's
// message and the position in text; one bad statement fails them all, as
// PostgreSQL does.
func Parse(text string) ([]*rel.Stmt, error) {
	list, err := parse(text)
	if err != nil {
		return nil, err
	}
	out := make([]*rel.Stmt, 0, len(list))
	for i, r := range list {
		part := slice(text, r.StmtLocation, r.StmtLen, i == 0)
		s := &rel.Stmt{Dialect: rel.Postgres, Text: part, Params: countParams(part)}
		c := &conv{text: text}
		c.classify(s, r.GetStmt(), part)
		if c.err != nil {
			return nil, c.err
		}
		if i == 0 && (s.Kind == rel.KindData || s.Kind == rel.KindDDL) { // its positions are those of its own text
			s.SetSyntax(r)
		}
		out = append(out, s)
	}
	return out, nil
}

// slice cuts one statement out of a text. The first keeps what stands before
// it, so that error positions stay true for a single statement.
func slice(text string, at, n int32, first bool) string {
	start, end := int(at), int(at)+int(n)
	if n == 0 || end > len(text) {
		end = len(text)
	}
	if start < 0 || start > end || first {
		start = 0
	}
	s := strings.TrimRight(text[start:end], " \t\r\n;")
	if !first {
		s = strings.TrimLeft(s, " \t\r\n;")
	}
	return s
}

// classify fills the kind of a statement and what its front-end needs.
func (c *conv) classify(s *rel.Stmt, n *pg.Node, part string) {
	switch q := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		s.Returns = true
		if q.SelectStmt.GetIntoClause() != nil {
			s.Kind, s.Returns = rel.KindDDL, false
		}
		return
	case *pg.Node_InsertStmt:
		s.Returns = len(q.InsertStmt.ReturningList) > 0
		return
	case *pg.Node_UpdateStmt:
		s.Returns = len(q.UpdateStmt.ReturningList) > 0
		return
	case *pg.Node_DeleteStmt:
		s.Returns = len(q.DeleteStmt.ReturningList) > 0
		return
	case *pg.Node_MergeStmt:
		return
	case *pg.Node_ExplainStmt:
		s.Returns = true
		return
	}
	if c.session(s, n, part) {
		return
	}
	s.Kind = rel.KindDDL
}

// utility builds the session content of an accepted utility statement.
func utility(s *rel.Stmt, kind rel.StmtKind, word string) *rel.Session {
	s.Kind = kind
	s.Session = &rel.Session{Word: word}
	return s.Session
}

// deparse writes a statement node as text.
func (c *conv) deparse(n *pg.Node) string {
	if n.GetNode() == nil {
		return ""
	}
	t, err := pg.Deparse(&pg.ParseResult{Version: grammarVersion, Stmts: []*pg.RawStmt{{Stmt: n}}})
	if err != nil {
		c.fail(op.Unsupported, -1, err.Error())
	}
	return t
}

// deparseExpr writes an expression as text.
func (c *conv) deparseExpr(n *pg.Node) string {
	if n.GetNode() == nil {
		return ""
	}
	t := c.deparse(&pg.Node{Node: &pg.Node_SelectStmt{SelectStmt: &pg.SelectStmt{
		LimitOption: pg.LimitOption_LIMIT_OPTION_DEFAULT, Op: pg.SetOperation_SETOP_NONE,
		TargetList: []*pg.Node{{Node: &pg.Node_ResTarget{ResTarget: &pg.ResTarget{Val: n}}}}}}})
	return strings.TrimPrefix(t, "SELECT ")
}

// grammarVersion is PostgreSQL's version number of the bundled grammar, which
// the deparser demands.
const grammarVersion = 170007

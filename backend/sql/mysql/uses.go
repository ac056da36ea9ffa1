package mysql

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// useFinder collects the tables a statement names.
type useFinder struct {
	ctes map[string]bool
	list []rel.TableUse
}

// Enter implements ast.Visitor.
func (u *useFinder) Enter(n ast.Node) (ast.Node, bool) {
	switch n := n.(type) {
	case *ast.CommonTableExpression:
		u.ctes[strings.ToLower(n.Name.O)] = true
	case *ast.TableName:
		if n.Schema.O != "" || !u.ctes[strings.ToLower(n.Name.O)] {
			u.list = append(u.list, rel.TableUse{Schema: n.Schema.O, Name: n.Name.O})
		}
	}
	return n, false
}

// Leave implements ast.Visitor.
func (u *useFinder) Leave(n ast.Node) (ast.Node, bool) { return n, true }

// uses lists the tables of a statement; the first of a write, and all of a
// schema change, are written.
func uses(s *rel.Stmt, n ast.StmtNode) []rel.TableUse {
	if s.Kind != rel.KindData && s.Kind != rel.KindDDL && s.Kind != rel.KindCopy {
		return nil
	}
	if _, ok := n.(*ast.ShowStmt); ok {
		return nil
	}
	u := &useFinder{ctes: map[string]bool{}}
	n.Accept(u)
	written := 0
	switch n.(type) {
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt, *ast.LoadDataStmt:
		written = 1
	}
	if s.Kind == rel.KindDDL {
		written = len(u.list)
	}
	for i := range min(written, len(u.list)) {
		u.list[i].Write = true
	}
	return u.list
}

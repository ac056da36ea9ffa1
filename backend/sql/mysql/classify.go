package mysql

import (
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	"github.com/pingcap/tidb/pkg/parser/format"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// classify sets Kind, Session and Returns of one parsed statement.
func classify(s *rel.Stmt, n ast.StmtNode) error {
	switch n := n.(type) {
	case *ast.SelectStmt, *ast.SetOprStmt:
		s.Returns = true
	case *ast.ExplainStmt:
		s.Returns = true
		if sh, ok := n.Stmt.(*ast.ShowStmt); ok {
			return classifyShow(s, sh)
		}
	case *ast.ShowStmt:
		s.Returns = true
		return classifyShow(s, n)
	case *ast.DoStmt:
		s.Session = &rel.Session{Word: "DO"}
	case *ast.InsertStmt, *ast.UpdateStmt, *ast.DeleteStmt:
	case *ast.SetStmt:
		return classifySet(s, n)
	case *ast.LoadDataStmt:
		s.Kind = rel.KindCopy
		x, err := loadData(n)
		if err != nil {
			return err
		}
		s.Session = x
	default:
		return classifyOther(s, n)
	}
	return nil
}

// session marks s as a session statement.
func session(s *rel.Stmt, k rel.StmtKind, x *rel.Session) {
	s.Kind, s.Session = k, x
}

// classifyOther handles transaction control, databases and utilities; the rest
// is DDL.
func classifyOther(s *rel.Stmt, n ast.StmtNode) error {
	switch n := n.(type) {
	case *ast.BeginStmt, *ast.CommitStmt, *ast.RollbackStmt, *ast.SavepointStmt, *ast.ReleaseSavepointStmt:
		return classifyTxn(s, n)
	case *ast.UseStmt:
		session(s, rel.KindUse, &rel.Session{Word: "USE", Name: n.DBName})
	case *ast.CreateDatabaseStmt:
		session(s, rel.KindDatabase, &rel.Session{Word: "CREATE DATABASE", Name: n.Name.O, IfNot: n.IfNotExists})
	case *ast.DropDatabaseStmt:
		session(s, rel.KindDatabase, &rel.Session{Word: "DROP DATABASE", Name: n.Name.O, IfExists: n.IfExists})
	case *ast.PrepareStmt:
		x := &rel.Session{Word: "PREPARE", Name: n.Name, Query: n.SQLText}
		if n.SQLVar != nil {
			x.Exprs = []string{"@" + quoteName(n.SQLVar.Name)}
		}
		session(s, rel.KindPrepare, x)
	case *ast.ExecuteStmt:
		x := &rel.Session{Word: "EXECUTE", Name: n.Name}
		for _, v := range n.UsingVars {
			t, err := restore(v)
			if err != nil {
				return err
			}
			x.Exprs = append(x.Exprs, t)
		}
		session(s, rel.KindExecute, x)
	case *ast.DeallocateStmt:
		session(s, rel.KindDeallocate, &rel.Session{Word: "DEALLOCATE PREPARE", Name: n.Name})
	case *ast.LockTablesStmt:
		x := &rel.Session{Word: "LOCK TABLES"}
		for _, t := range n.TableLocks {
			mode := "write"
			if t.Type == ast.TableLockRead || t.Type == ast.TableLockReadLocal {
				mode = "read"
			}
			x.Args = append(x.Args, t.Table.Name.O)
			x.Options = append(x.Options, [2]string{t.Table.Name.O, mode})
		}
		session(s, rel.KindLock, x)
	case *ast.UnlockTablesStmt:
		session(s, rel.KindLock, &rel.Session{Word: "UNLOCK TABLES"})
	case *ast.KillStmt:
		return classifyKill(s, n)
	case *ast.FlushStmt:
		if n.ReadLock {
			return refuse("FLUSH TABLES WITH READ LOCK")
		}
		session(s, rel.KindUtility, &rel.Session{Word: "FLUSH"})
	case *ast.OptimizeTableStmt:
		s.Returns = true
		session(s, rel.KindUtility, tableUtility("OPTIMIZE", n.Tables))
	case *ast.AnalyzeTableStmt:
		s.Returns = true
		session(s, rel.KindUtility, tableUtility("ANALYZE", n.TableNames))
	case *ast.CallStmt:
		session(s, rel.KindDo, &rel.Session{Word: "CALL", Name: n.Procedure.FnName.O})
	default:
		s.Kind = rel.KindDDL
		if countsRows(n) {
			s.Session = &rel.Session{Word: "COPY"}
		}
	}
	return nil
}

// countsRows tells schema changes whose answer counts rows.
func countsRows(n ast.StmtNode) bool {
	switch n := n.(type) {
	case *ast.CreateTableStmt:
		return n.Select != nil
	case *ast.AlterTableStmt:
		return len(n.Specs) != 1 || n.Specs[0].Tp != ast.AlterTableRenameTable
	case *ast.CreateIndexStmt, *ast.DropIndexStmt:
		return true
	}
	return false
}

// tableUtility describes OPTIMIZE/ANALYZE TABLE.
func tableUtility(word string, tables []*ast.TableName) *rel.Session {
	x := &rel.Session{Word: word}
	for _, t := range tables {
		x.Args = append(x.Args, t.Name.O)
	}
	return x
}

// classifyTxn handles transaction control.
func classifyTxn(s *rel.Stmt, n ast.StmtNode) error {
	x := &rel.Session{}
	switch n := n.(type) {
	case *ast.BeginStmt:
		if n.AsOf != nil {
			return refuse("START TRANSACTION … AS OF")
		}
		x.Word = "START TRANSACTION"
		if n.ReadOnly {
			yes := true
			x.ReadOnly = &yes
		}
	case *ast.CommitStmt:
		x.Word = "COMMIT"
		x.Chain = n.CompletionType == ast.CompletionTypeChain
		if n.CompletionType == ast.CompletionTypeRelease {
			x.Args = []string{"RELEASE"}
		}
	case *ast.RollbackStmt:
		x.Word = "ROLLBACK"
		if n.SavepointName != "" {
			x.Word, x.Name = "ROLLBACK TO SAVEPOINT", n.SavepointName
		}
		x.Chain = n.CompletionType == ast.CompletionTypeChain
		if n.CompletionType == ast.CompletionTypeRelease {
			x.Args = []string{"RELEASE"}
		}
	case *ast.SavepointStmt:
		x.Word, x.Name = "SAVEPOINT", n.Name
	case *ast.ReleaseSavepointStmt:
		x.Word, x.Name = "RELEASE SAVEPOINT", n.Name
	}
	session(s, rel.KindTxn, x)
	return nil
}

// classifyKill handles KILL [CONNECTION | QUERY] id.
func classifyKill(s *rel.Stmt, n *ast.KillStmt) error {
	x := &rel.Session{Word: "KILL"}
	if n.Query {
		x.Word = "KILL QUERY"
	}
	if n.Expr != nil {
		t, err := restore(n.Expr)
		if err != nil {
			return err
		}
		x.Exprs = []string{t}
	} else {
		x.Name = utoa(n.ConnectionID)
	}
	session(s, rel.KindKill, x)
	return nil
}

// classifySet decodes SET; the first assignment is Session, the others follow
// in More. A literal or bare word stands in Args, anything else in Exprs.
func classifySet(s *rel.Stmt, n *ast.SetStmt) error {
	var list []*rel.Session
	for _, v := range n.Variables {
		x := &rel.Session{Word: "SET", Name: strings.ToLower(v.Name), Global: v.IsGlobal || v.IsInstance, User: !v.IsSystem}
		switch {
		case v.Name == ast.SetNames:
			x.Word, x.Name, x.User = "SET NAMES", "", false
		case v.Name == ast.SetCharset:
			x.Word, x.Name, x.User = "SET CHARACTER SET", "", false
		case x.Name == "tx_isolation_one_shot":
			x.Name, x.Local = "tx_isolation", true
		}
		if err := setValue(x, v); err != nil {
			return err
		}
		list = append(list, x)
	}
	if len(list) == 0 {
		list = []*rel.Session{{Word: "SET"}}
	}
	list[0].More = list[1:]
	session(s, rel.KindSet, list[0])
	return nil
}

// setValue fills the value of one assignment.
func setValue(x *rel.Session, v *ast.VariableAssignment) error {
	if v.ExtendValue != nil {
		x.Options = append(x.Options, [2]string{"collate", v.ExtendValue.GetString()})
	}
	switch e := v.Value.(type) {
	case nil:
		x.Default = true
		return nil
	case *ast.DefaultExpr:
		x.Default = true
		return nil
	case *ast.ColumnNameExpr: // SET x = utf8, SET x = ON
		if !x.User && e.Name.Table.O == "" {
			x.Args = []string{e.Name.Name.O}
			return nil
		}
	case ast.ValueExpr:
		if !x.User {
			if t, ok := literalText(e); ok {
				x.Args = []string{t}
				return nil
			}
		}
	}
	t, err := restore(v.Value)
	if err != nil {
		return err
	}
	x.Exprs = []string{t}
	return nil
}

// loadData describes LOAD DATA for the front-end that reads the file.
func loadData(n *ast.LoadDataStmt) (*rel.Session, error) {
	x := &rel.Session{Word: "LOAD DATA", Name: n.Path, From: true, Schema: n.Table.Schema.O, Table: n.Table.Name.O}
	for _, c := range n.ColumnsAndUserVars {
		if c.ColumnName == nil {
			x.Columns = append(x.Columns, "@"+c.UserVar.Name)
			continue
		}
		x.Columns = append(x.Columns, c.ColumnName.Name.O)
	}
	add := func(k string, v *string) {
		if v != nil {
			x.Options = append(x.Options, [2]string{k, *v})
		}
	}
	if n.FileLocRef == ast.FileLocClient {
		x.Local = true
	}
	switch n.OnDuplicate {
	case ast.OnDuplicateKeyHandlingIgnore:
		x.Options = append(x.Options, [2]string{"mode", "ignore"})
	case ast.OnDuplicateKeyHandlingReplace:
		x.Options = append(x.Options, [2]string{"mode", "replace"})
	}
	if f := n.FieldsInfo; f != nil {
		add("terminated", f.Terminated)
		add("enclosed", f.Enclosed)
		add("escaped", f.Escaped)
	}
	if l := n.LinesInfo; l != nil {
		add("starting", l.Starting)
		add("lines", l.Terminated)
	}
	if n.IgnoreLines != nil {
		x.Options = append(x.Options, [2]string{"skip", utoa(*n.IgnoreLines)})
	}
	for _, a := range n.ColumnAssignments {
		t, err := restore(a.Expr)
		if err != nil {
			return nil, err
		}
		x.Args, x.Exprs = append(x.Args, a.Column.Name.O), append(x.Exprs, t)
	}
	return x, nil
}

// restore renders a node as MySQL text.
func restore(n ast.Node) (string, error) {
	var b strings.Builder
	ctx := format.NewRestoreCtx(format.DefaultRestoreFlags|format.RestoreStringWithoutDefaultCharset|format.RestoreStringEscapeBackslash, &b)
	if err := n.Restore(ctx); err != nil {
		return "", op.Errorf(op.Unsupported, "this expression is not supported: %v", err)
	}
	return b.String(), nil
}

// quoteName quotes an identifier.
func quoteName(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// quoteText quotes a string for MySQL text with backslash escapes.
func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `''`).Replace(s) + "'"
}

package postgres

import (
	"fmt"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// session decodes a session statement; it reports false for any other.
func (c *conv) session(s *rel.Stmt, n *pg.Node, part string) bool {
	switch q := n.GetNode().(type) {
	case *pg.Node_TransactionStmt:
		c.transaction(s, q.TransactionStmt)
	case *pg.Node_VariableSetStmt:
		c.set(s, q.VariableSetStmt)
	case *pg.Node_VariableShowStmt:
		utility(s, rel.KindShow, "SHOW").Name = q.VariableShowStmt.Name
		s.Returns = true
	case *pg.Node_CopyStmt:
		c.copyStmt(s, q.CopyStmt)
	case *pg.Node_PrepareStmt:
		c.prepare(s, q.PrepareStmt, part)
	case *pg.Node_ExecuteStmt:
		c.execute(s, q.ExecuteStmt)
	case *pg.Node_DeallocateStmt:
		d := utility(s, rel.KindDeallocate, "DEALLOCATE")
		d.Name = q.DeallocateStmt.Name
		if q.DeallocateStmt.Isall || d.Name == "" {
			d.Word, d.Name = "DEALLOCATE ALL", ""
		}
	case *pg.Node_ConstraintsSetStmt:
		x := utility(s, rel.KindSet, "SET CONSTRAINTS")
		x.Args = []string{"immediate"}
		if q.ConstraintsSetStmt.Deferred {
			x.Args[0] = "deferred"
		}
	case *pg.Node_DiscardStmt:
		utility(s, rel.KindDiscard, "DISCARD "+strings.TrimPrefix(q.DiscardStmt.Target.String(), "DISCARD_"))
	case *pg.Node_LockStmt:
		l := utility(s, rel.KindLock, "LOCK TABLE")
		for _, r := range q.LockStmt.Relations {
			l.Args = append(l.Args, dotted(r.GetRangeVar()))
		}
	case *pg.Node_ListenStmt:
		utility(s, rel.KindListen, "LISTEN").Name = q.ListenStmt.Conditionname
	case *pg.Node_UnlistenStmt:
		utility(s, rel.KindUnlisten, "UNLISTEN").Name = q.UnlistenStmt.Conditionname
	case *pg.Node_NotifyStmt:
		x := utility(s, rel.KindNotify, "NOTIFY")
		x.Name, x.Args = q.NotifyStmt.Conditionname, []string{q.NotifyStmt.Payload}
	default:
		return c.cursor(s, n) || c.maintenance(s, n)
	}
	return true
}

// cursor decodes DECLARE, FETCH, MOVE and CLOSE.
func (c *conv) cursor(s *rel.Stmt, n *pg.Node) bool {
	switch q := n.GetNode().(type) {
	case *pg.Node_DeclareCursorStmt:
		x := utility(s, rel.KindCursor, "DECLARE CURSOR")
		d := q.DeclareCursorStmt
		x.Name, x.Query = d.Portalname, c.deparse(d.Query)
		for _, o := range []struct {
			bit  int32
			name string
		}{{1, "binary"}, {2, "scroll"}, {4, "no scroll"}, {8, "insensitive"}, {16, "asensitive"}, {32, "hold"}} {
			if d.Options&o.bit != 0 {
				x.Options = append(x.Options, [2]string{o.name, "true"})
			}
		}
	case *pg.Node_FetchStmt:
		f := q.FetchStmt
		x := utility(s, rel.KindCursor, "FETCH")
		s.Returns = true
		if f.Ismove {
			x.Word, s.Returns = "MOVE", false
		}
		dir := strings.ToLower(strings.TrimPrefix(f.Direction.String(), "FETCH_"))
		many := fmt.Sprint(f.HowMany)
		if f.HowMany == 1<<63-1 {
			many = "all"
		}
		x.Name, x.Args = f.Portalname, []string{dir, many}
	case *pg.Node_ClosePortalStmt:
		x := utility(s, rel.KindCursor, "CLOSE CURSOR")
		x.Name = q.ClosePortalStmt.Portalname
		if x.Name == "" {
			x.Word = "CLOSE CURSOR ALL"
		}
	default:
		return false
	}
	return true
}

// maintenance decodes database and upkeep statements.
func (c *conv) maintenance(s *rel.Stmt, n *pg.Node) bool {
	switch q := n.GetNode().(type) {
	case *pg.Node_CreatedbStmt:
		x := utility(s, rel.KindDatabase, "CREATE DATABASE")
		x.Name, x.Options = q.CreatedbStmt.Dbname, options(q.CreatedbStmt.Options)
	case *pg.Node_DropdbStmt:
		x := utility(s, rel.KindDatabase, "DROP DATABASE")
		x.Name, x.IfExists, x.Options = q.DropdbStmt.Dbname, q.DropdbStmt.MissingOk, options(q.DropdbStmt.Options)
	case *pg.Node_VacuumStmt:
		x := utility(s, rel.KindUtility, "ANALYZE")
		if q.VacuumStmt.IsVacuumcmd {
			x.Word = "VACUUM"
		}
		for _, r := range q.VacuumStmt.Rels {
			x.Args = append(x.Args, dotted(r.GetVacuumRelation().GetRelation()))
		}
	case *pg.Node_CheckPointStmt:
		utility(s, rel.KindUtility, "CHECKPOINT")
	case *pg.Node_ClusterStmt:
		utility(s, rel.KindUtility, "CLUSTER")
	case *pg.Node_ReindexStmt:
		x := utility(s, rel.KindUtility, "REINDEX")
		if q.ReindexStmt.Relation != nil {
			x.Args = []string{dotted(q.ReindexStmt.Relation)}
		}
	case *pg.Node_DoStmt:
		utility(s, rel.KindDo, "DO")
	case *pg.Node_CallStmt:
		utility(s, rel.KindDo, "CALL").Name = nameOf(strList(q.CallStmt.Funccall.GetFuncname())).Name
	default:
		return false
	}
	return true
}

// dotted writes a relation's name as schema.name.
func dotted(r *pg.RangeVar) string {
	if r.GetSchemaname() != "" {
		return r.Schemaname + "." + r.GetRelname()
	}
	return r.GetRelname()
}

// options reads WITH-style options; a bare one has the value "".
func options(l []*pg.Node) [][2]string {
	var out [][2]string
	for _, n := range l {
		if d := n.GetDefElem(); d != nil {
			name := d.Defname
			if d.Defnamespace != "" {
				name = d.Defnamespace + "." + name
			}
			out = append(out, [2]string{name, defString(d)})
		}
	}
	return out
}

// transaction decodes transaction control.
func (c *conv) transaction(s *rel.Stmt, t *pg.TransactionStmt) {
	words := map[pg.TransactionStmtKind]string{
		pg.TransactionStmtKind_TRANS_STMT_BEGIN: "BEGIN", pg.TransactionStmtKind_TRANS_STMT_START: "START TRANSACTION",
		pg.TransactionStmtKind_TRANS_STMT_COMMIT: "COMMIT", pg.TransactionStmtKind_TRANS_STMT_ROLLBACK: "ROLLBACK",
		pg.TransactionStmtKind_TRANS_STMT_SAVEPOINT: "SAVEPOINT", pg.TransactionStmtKind_TRANS_STMT_RELEASE: "RELEASE",
		pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_TO:     "ROLLBACK TO",
		pg.TransactionStmtKind_TRANS_STMT_PREPARE:         "PREPARE TRANSACTION",
		pg.TransactionStmtKind_TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED", pg.TransactionStmtKind_TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
	}
	x := utility(s, rel.KindTxn, words[t.Kind])
	x.Name, x.Chain = t.SavepointName, t.Chain
	if t.Gid != "" {
		x.Name = t.Gid
	}
	c.modes(x, t.Options)
}

// modes reads transaction modes.
func (c *conv) modes(x *rel.Session, l []*pg.Node) {
	for _, n := range l {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "transaction_isolation":
			x.Isolation = defString(d)
		case "transaction_read_only":
			ro := defString(d) == "1" || defString(d) == "true"
			x.ReadOnly = &ro
		case "transaction_deferrable":
			x.Options = append(x.Options, [2]string{"deferrable", defString(d)})
		}
	}
}

// set decodes SET and RESET.
func (c *conv) set(s *rel.Stmt, v *pg.VariableSetStmt) {
	x := utility(s, rel.KindSet, "SET")
	x.Name, x.Local = v.Name, v.IsLocal
	switch v.Kind {
	case pg.VariableSetKind_VAR_SET_VALUE:
		for _, a := range v.Args {
			x.Args = append(x.Args, c.setArg(a))
		}
	case pg.VariableSetKind_VAR_SET_DEFAULT:
		x.Default = true
	case pg.VariableSetKind_VAR_SET_CURRENT:
		x.Options = append(x.Options, [2]string{"from current", "true"})
	case pg.VariableSetKind_VAR_RESET:
		x.Word, x.Default = "RESET", true
	case pg.VariableSetKind_VAR_RESET_ALL:
		x.Word, x.Default, x.Name = "RESET", true, "all"
	case pg.VariableSetKind_VAR_SET_MULTI:
		switch v.Name {
		case "TRANSACTION":
			x.Word, x.Local, x.Name = "SET TRANSACTION", true, ""
			c.modes(x, v.Args)
		case "SESSION CHARACTERISTICS":
			x.Word, x.Name = "SET SESSION CHARACTERISTICS", ""
			c.modes(x, v.Args)
		default:
			c.unsupported(-1, "SET "+v.Name)
		}
	}
}

// setArg writes one value of SET. SET TIME ZONE takes an interval, too.
func (c *conv) setArg(n *pg.Node) string {
	if t := n.GetTypeCast(); t != nil {
		return nodeString(t.Arg)
	}
	return nodeString(n)
}

// copyStmt decodes COPY.
func (c *conv) copyStmt(s *rel.Stmt, q *pg.CopyStmt) {
	x := utility(s, rel.KindCopy, "COPY")
	x.From, x.Schema, x.Table = q.IsFrom, q.Relation.GetSchemaname(), q.Relation.GetRelname()
	x.Columns = strList(q.Attlist)
	x.Query = c.deparse(q.Query)
	if q.IsProgram {
		c.unsupported(-1, "COPY with PROGRAM")
	} else if q.Filename != "" {
		c.unsupported(-1, "COPY with a file on the server")
	}
	if q.WhereClause != nil {
		c.unsupported(-1, "COPY FROM with WHERE")
	}
	for _, n := range q.Options {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "force_quote", "force_null", "force_not_null":
			v := defString(d)
			if l := d.GetArg().GetList(); l != nil {
				v = strings.Join(strList(l.Items), ",")
			}
			x.Options = append(x.Options, [2]string{d.Defname, v})
		default:
			x.Options = append(x.Options, [2]string{d.GetDefname(), defString(d)})
		}
	}
}

// prepare decodes PREPARE name (types) AS query.
func (c *conv) prepare(s *rel.Stmt, q *pg.PrepareStmt, part string) {
	x := utility(s, rel.KindPrepare, "PREPARE")
	x.Name, x.Query = q.Name, afterAs(part)
	for _, a := range q.Argtypes {
		t := c.typeName(a.GetTypeName())
		if t.Resolved.Base == op.TUnknown && t.Name != "unknown" {
			c.fail(op.Undefined, a.GetTypeName().GetLocation(), fmt.Sprintf("type %q does not exist", t.Name))
		}
		x.Types = append(x.Types, t.Resolved)
	}
	s.Params = 0
}

// afterAs returns the query of PREPARE … AS query: the text after the first AS
// outside brackets.
func afterAs(text string) string {
	l := lexer{s: text}
	for {
		k, t := l.next()
		if k == tokEnd {
			return ""
		}
		if k == tokWord && strings.EqualFold(t, "as") {
			return strings.TrimSpace(text[l.i:])
		}
	}
}

// execute decodes EXECUTE name (arguments).
func (c *conv) execute(s *rel.Stmt, q *pg.ExecuteStmt) {
	x := utility(s, rel.KindExecute, "EXECUTE")
	x.Name = q.Name
	for _, p := range q.Params {
		x.Exprs = append(x.Exprs, c.deparseExpr(p))
	}
}

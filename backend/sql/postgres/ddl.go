package postgres

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// ddl converts statements that change the schema. GRANT is accepted because
// every role holds every privilege; REVOKE is refused because it would not
// take one away. Changes of owner are accepted: every role may use everything.
func (c *conv) ddl(n *pg.Node) tree.Node {
	switch s := n.GetNode().(type) {
	case *pg.Node_CreateStmt:
		return c.createTable(s.CreateStmt)
	case *pg.Node_CreateTableAsStmt:
		return c.createTableAs(s.CreateTableAsStmt)
	case *pg.Node_IndexStmt:
		return c.createIndex(s.IndexStmt)
	case *pg.Node_ViewStmt:
		return c.createView(s.ViewStmt)
	case *pg.Node_CreateSchemaStmt:
		if len(s.CreateSchemaStmt.SchemaElts) > 0 {
			return &tree.Refuse{What: "CREATE SCHEMA with schema elements"}
		}
		r := &tree.CreateSchema{Name: s.CreateSchemaStmt.Schemaname, IfNotExists: s.CreateSchemaStmt.IfNotExists}
		if r.Name == "" {
			r.Name = s.CreateSchemaStmt.Authrole.GetRolename()
		}
		return r
	case *pg.Node_CreateSeqStmt:
		r := c.sequence(s.CreateSeqStmt.Options)
		r.Name, r.IfNotExists = rangeName(s.CreateSeqStmt.Sequence), s.CreateSeqStmt.IfNotExists
		r.Temp = s.CreateSeqStmt.Sequence.GetRelpersistence() == "t"
		return r
	case *pg.Node_AlterSeqStmt:
		return c.alterSequence(s.AlterSeqStmt)
	case *pg.Node_AlterTableStmt:
		return c.alterTable(s.AlterTableStmt)
	case *pg.Node_RenameStmt:
		return c.rename(s.RenameStmt)
	case *pg.Node_AlterObjectSchemaStmt:
		return c.setSchema(s.AlterObjectSchemaStmt)
	case *pg.Node_DropStmt:
		return c.drop(s.DropStmt)
	case *pg.Node_TruncateStmt:
		r := &tree.Truncate{Restart: s.TruncateStmt.RestartSeqs, Cascade: s.TruncateStmt.Behavior == pg.DropBehavior_DROP_CASCADE}
		for _, t := range s.TruncateStmt.Relations {
			r.Tables = append(r.Tables, rangeName(t.GetRangeVar()))
		}
		return r
	case *pg.Node_CreateEnumStmt:
		return &tree.CreateType{Name: nameOf(strList(s.CreateEnumStmt.TypeName)), Labels: strList(s.CreateEnumStmt.Vals)}
	case *pg.Node_CreateDomainStmt:
		return c.createDomain(s.CreateDomainStmt)
	case *pg.Node_AlterEnumStmt:
		a := s.AlterEnumStmt
		r := &tree.AlterType{Name: nameOf(strList(a.TypeName)), Kind: "ADD VALUE", Value: a.NewVal, Neighbor: a.NewValNeighbor,
			After: a.NewValIsAfter, If: a.SkipIfNewValExists}
		if a.OldVal != "" {
			r.Kind, r.Value, r.NewName = "RENAME VALUE", a.OldVal, a.NewVal
		}
		return r
	case *pg.Node_AlterDomainStmt:
		return c.alterDomain(s.AlterDomainStmt)
	case *pg.Node_CommentStmt:
		return c.comment(s.CommentStmt)
	case *pg.Node_RefreshMatViewStmt:
		r := s.RefreshMatViewStmt
		if r.SkipData {
			return &tree.Refuse{What: "REFRESH MATERIALIZED VIEW WITH NO DATA"}
		}
		return &tree.AlterTable{Table: rangeName(r.Relation), Kind: "MATERIALIZED VIEW", Actions: []tree.AlterAction{{Kind: "REFRESH"}}}
	}
	return c.roleOrRefuse(n)
}

// roleOrRefuse converts role statements and those accepted without effect;
// all others are refused by name.
func (c *conv) roleOrRefuse(n *pg.Node) tree.Node {
	switch s := n.GetNode().(type) {
	case *pg.Node_GrantStmt:
		if s.GrantStmt.IsGrant {
			return &tree.Accept{Tag: "GRANT"}
		}
		return &tree.Refuse{What: "REVOKE"}
	case *pg.Node_GrantRoleStmt:
		if s.GrantRoleStmt.IsGrant {
			return &tree.Accept{Tag: "GRANT ROLE"}
		}
		return &tree.Refuse{What: "REVOKE"}
	case *pg.Node_AlterOwnerStmt:
		return &tree.Accept{Tag: "ALTER " + objectWord(s.AlterOwnerStmt.ObjectType)}
	case *pg.Node_CreateExtensionStmt:
		e := s.CreateExtensionStmt
		if e.Extname == "plpgsql" && e.IfNotExists {
			return &tree.Accept{Tag: "CREATE EXTENSION"}
		}
		return &tree.Refuse{What: "extension \"" + e.Extname + "\""}
	case *pg.Node_CreateRoleStmt:
		r := &tree.CreateRole{Name: s.CreateRoleStmt.Role, Login: s.CreateRoleStmt.StmtType == pg.RoleStmtType_ROLESTMT_USER}
		for _, o := range options(s.CreateRoleStmt.Options) {
			if o[0] == "canlogin" {
				r.Login = o[1] == "true" || o[1] == "1"
				continue
			}
			r.Options = append(r.Options, o)
		}
		return r
	case *pg.Node_DropRoleStmt:
		r := &tree.Drop{Kind: "ROLE", IfExists: s.DropRoleStmt.MissingOk}
		for _, x := range s.DropRoleStmt.Roles {
			r.Names = append(r.Names, tree.Name{Name: x.GetRoleSpec().GetRolename()})
		}
		return r
	}
	return &tree.Refuse{What: refusedName(n)}
}

// refusedNames are the words for statements that are known and not served.
var refusedNames = map[string]string{
	"MergeStmt": "MERGE", "CreateFunctionStmt": "CREATE FUNCTION", "CreateTrigStmt": "CREATE TRIGGER",
	"CreatePolicyStmt": "CREATE POLICY", "AlterPolicyStmt": "ALTER POLICY", "RuleStmt": "CREATE RULE",
	"CreateEnumStmt": "CREATE TYPE", "CompositeTypeStmt": "CREATE TYPE", "CreateRangeStmt": "CREATE TYPE",
	"CreateDomainStmt": "CREATE DOMAIN", "AlterEnumStmt": "ALTER TYPE", "AlterDomainStmt": "ALTER DOMAIN",
	"DefineStmt": "CREATE AGGREGATE, OPERATOR, TYPE or COLLATION", "AlterRoleStmt": "ALTER ROLE", "AlterRoleSetStmt": "ALTER ROLE",
	"CreatePublicationStmt": "CREATE PUBLICATION", "CreateSubscriptionStmt": "CREATE SUBSCRIPTION",
	"AlterDefaultPrivilegesStmt": "ALTER DEFAULT PRIVILEGES", "AlterSystemStmt": "ALTER SYSTEM",
	"AlterDatabaseStmt": "ALTER DATABASE", "AlterDatabaseSetStmt": "ALTER DATABASE", "LoadStmt": "LOAD",
	"CreateEventTrigStmt": "CREATE EVENT TRIGGER", "CreateCastStmt": "CREATE CAST", "CreateStatsStmt": "CREATE STATISTICS",
	"CreateForeignTableStmt": "CREATE FOREIGN TABLE", "CreateForeignServerStmt": "CREATE SERVER", "CreateFdwStmt": "CREATE FOREIGN DATA WRAPPER",
	"CreateTableSpaceStmt": "CREATE TABLESPACE", "CreatePlangStmt": "CREATE LANGUAGE", "AlterFunctionStmt": "ALTER FUNCTION",
	"DropOwnedStmt": "DROP OWNED", "ReassignOwnedStmt": "REASSIGN OWNED", "AlterExtensionStmt": "ALTER EXTENSION",
}

// refusedName names a statement by its node type.
func refusedName(n *pg.Node) string {
	m := n.ProtoReflect()
	if f := m.WhichOneof(m.Descriptor().Oneofs().Get(0)); f != nil {
		t := string(f.Message().Name())
		if w := refusedNames[t]; w != "" {
			return w
		}
		return strings.TrimSuffix(t, "Stmt")
	}
	return "this statement"
}

// objectWord is the SQL word of an object type: "TABLE", "MATERIALIZED VIEW".
func objectWord(t pg.ObjectType) string {
	switch t {
	case pg.ObjectType_OBJECT_MATVIEW:
		return "MATERIALIZED VIEW"
	case pg.ObjectType_OBJECT_TABCONSTRAINT:
		return "CONSTRAINT"
	case pg.ObjectType_OBJECT_FOREIGN_TABLE:
		return "FOREIGN TABLE"
	}
	return strings.ReplaceAll(strings.TrimPrefix(t.String(), "OBJECT_"), "_", " ")
}

// sequence reads sequence options.
func (c *conv) sequence(l []*pg.Node) *tree.CreateSequence {
	r := &tree.CreateSequence{}
	num := func(d *pg.DefElem) *int64 {
		if d.GetArg().GetNode() == nil {
			return nil
		}
		k := &tree.Const{}
		c.number(k, defString(d), d.GetLocation())
		v := k.Value.Int()
		return &v
	}
	for _, n := range l {
		d := n.GetDefElem()
		switch d.GetDefname() {
		case "start":
			r.Start = num(d)
		case "increment":
			r.Increment = num(d)
		case "minvalue":
			r.Min = num(d)
		case "maxvalue":
			r.Max = num(d)
		case "cycle":
			r.Cycle = defString(d) == "true" || defString(d) == "1"
		case "as":
			r.Type = c.typeName(d.Arg.GetTypeName()).Name
		case "owned_by":
			r.OwnedBy = strList(d.Arg.GetList().GetItems())
		case "cache", "sequence_name", "restart", "logged":
		default:
			c.unsupported(d.GetLocation(), "sequence option "+d.GetDefname())
		}
	}
	return r
}

// alterSequence converts ALTER SEQUENCE.
func (c *conv) alterSequence(s *pg.AlterSeqStmt) tree.Node {
	q := c.sequence(s.Options)
	r := &tree.AlterSequence{Name: rangeName(s.Sequence), IfExists: s.MissingOk, Start: q.Start,
		Increment: q.Increment, Min: q.Min, Max: q.Max, OwnedBy: q.OwnedBy}
	if len(r.OwnedBy) == 1 && r.OwnedBy[0] == "none" {
		r.OwnedBy, r.OwnedByNone = nil, true
	}
	for _, n := range s.Options {
		d := n.GetDefElem()
		if d.GetDefname() != "restart" {
			continue
		}
		if d.GetArg().GetNode() == nil {
			r.RestartDefault = true
			continue
		}
		k := &tree.Const{}
		c.number(k, defString(d), d.GetLocation())
		v := k.Value.Int()
		r.Restart = &v
	}
	return r
}

// drop converts DROP of anything with a plain name.
func (c *conv) drop(s *pg.DropStmt) tree.Node {
	r := &tree.Drop{Kind: objectWord(s.RemoveType), IfExists: s.MissingOk, Cascade: s.Behavior == pg.DropBehavior_DROP_CASCADE}
	for _, o := range s.Objects {
		switch x := o.GetNode().(type) {
		case *pg.Node_List:
			r.Names = append(r.Names, nameOf(strList(x.List.Items)))
		case *pg.Node_String_:
			r.Names = append(r.Names, tree.Name{Name: x.String_.Sval})
		case *pg.Node_TypeName:
			r.Names = append(r.Names, nameOf(strList(x.TypeName.Names)))
		case *pg.Node_ObjectWithArgs:
			r.Names = append(r.Names, nameOf(strList(x.ObjectWithArgs.Objname)))
		default:
			c.unsupported(-1, "DROP "+r.Kind)
		}
	}
	return r
}

// comment converts COMMENT ON.
func (c *conv) comment(s *pg.CommentStmt) tree.Node {
	r := &tree.Comment{Kind: objectWord(s.Objtype), Text: s.Comment, Null: s.Comment == ""}
	parts := strList(s.Object.GetList().GetItems())
	if len(parts) == 0 {
		parts = []string{nodeString(s.Object)}
	}
	if s.Objtype == pg.ObjectType_OBJECT_COLUMN && len(parts) > 1 {
		r.Column, parts = parts[len(parts)-1], parts[:len(parts)-1]
	}
	r.Name = nameOf(parts)
	switch r.Kind {
	case "TABLE", "VIEW", "MATERIALIZED VIEW", "COLUMN", "SCHEMA", "INDEX", "SEQUENCE", "TYPE", "DOMAIN":
		if t := s.Object.GetTypeName(); t != nil {
			r.Name = nameOf(strList(t.Names))
		}
		return r
	case "EXTENSION":
		return &tree.Accept{Tag: "COMMENT"}
	}
	return &tree.Refuse{What: "COMMENT ON " + r.Kind}
}

// createView converts CREATE VIEW.
func (c *conv) createView(s *pg.ViewStmt) tree.Node {
	if s.WithCheckOption > pg.ViewCheckOption_NO_CHECK_OPTION {
		return &tree.Refuse{What: "WITH CHECK OPTION"}
	}
	r := &tree.CreateView{Name: rangeName(s.View), Columns: strList(s.Aliases), Replace: s.Replace, Temp: s.View.GetRelpersistence() == "t",
		Query: c.selectNode(s.Query), Text: c.deparse(s.Query)}
	if countParams(r.Text) > 0 {
		c.fail(op.Syntax, -1, "there is no parameter $1")
	}
	return r
}

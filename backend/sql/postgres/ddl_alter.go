package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// alterTable converts ALTER TABLE, VIEW, INDEX, SEQUENCE with actions.
func (c *conv) alterTable(s *pg.AlterTableStmt) tree.Node {
	r := &tree.AlterTable{Table: rangeName(s.Relation), IfExists: s.MissingOk, Kind: objectWord(s.Objtype)}
	for _, n := range s.Cmds {
		a := n.GetAlterTableCmd()
		if a == nil {
			continue
		}
		act, refused := c.alterAction(a)
		if refused != "" {
			return &tree.Refuse{What: refused}
		}
		r.Actions = append(r.Actions, act)
	}
	return r
}

// alterAction converts one action; refused names one that is not served.
func (c *conv) alterAction(a *pg.AlterTableCmd) (r tree.AlterAction, refused string) {
	r = tree.AlterAction{Name: a.Name, IfExists: a.MissingOk, IfNotExists: a.MissingOk,
		Cascade: a.Behavior == pg.DropBehavior_DROP_CASCADE}
	switch a.Subtype {
	case pg.AlterTableType_AT_AddColumn, pg.AlterTableType_AT_AddColumnToView:
		d := c.columnDef(a.Def.GetColumnDef())
		r.Kind, r.Name, r.Column = "ADD COLUMN", d.Name, &d
	case pg.AlterTableType_AT_DropColumn:
		r.Kind = "DROP COLUMN"
	case pg.AlterTableType_AT_ColumnDefault:
		r.Kind = "DROP DEFAULT"
		if a.Def.GetNode() != nil {
			r.Kind, r.Default, r.DefaultText = "SET DEFAULT", c.expr(a.Def), c.deparseExpr(a.Def)
		}
	case pg.AlterTableType_AT_SetNotNull:
		r.Kind = "SET NOT NULL"
	case pg.AlterTableType_AT_DropNotNull:
		r.Kind = "DROP NOT NULL"
	case pg.AlterTableType_AT_AlterColumnType:
		d := a.Def.GetColumnDef()
		r.Kind, r.Type = "ALTER TYPE", c.typeName(d.GetTypeName())
		if d.GetRawDefault().GetNode() != nil {
			r.Using = c.expr(d.RawDefault)
		}
		if d.GetCollClause() != nil {
			r.Type.Collate = nameOf(strList(d.CollClause.Collname)).Name
		}
	case pg.AlterTableType_AT_AddConstraint:
		k := c.constraint(a.Def.GetConstraint(), "")
		r.Kind, r.Name, r.Constraint = "ADD CONSTRAINT", k.Name, &k
	case pg.AlterTableType_AT_DropConstraint:
		r.Kind = "DROP CONSTRAINT"
	case pg.AlterTableType_AT_ValidateConstraint:
		r.Kind = "VALIDATE"
	case pg.AlterTableType_AT_AddIdentity:
		k := a.Def.GetConstraint()
		d := tree.ColumnDef{Name: a.Name, Identity: identityWord(k.GetGeneratedWhen()), Sequence: c.sequence(k.GetOptions())}
		r.Kind, r.Column = "ADD IDENTITY", &d
	case pg.AlterTableType_AT_DropIdentity:
		r.Kind = "DROP IDENTITY"
	case pg.AlterTableType_AT_SetIdentity:
		r.Kind, r.Options = "SET IDENTITY", options(a.Def.GetList().GetItems())
	case pg.AlterTableType_AT_ChangeOwner:
		r.Kind = "OWNER"
	case pg.AlterTableType_AT_SetRelOptions, pg.AlterTableType_AT_ResetRelOptions:
		r.Kind, r.Options = "SET OPTIONS", options(a.Def.GetList().GetItems())
	case pg.AlterTableType_AT_ReplicaIdentity:
		r.Kind = "REPLICA IDENTITY"
	case pg.AlterTableType_AT_SetStatistics, pg.AlterTableType_AT_SetStorage, pg.AlterTableType_AT_SetLogged,
		pg.AlterTableType_AT_SetUnLogged, pg.AlterTableType_AT_ClusterOn, pg.AlterTableType_AT_DropCluster,
		pg.AlterTableType_AT_SetCompression, pg.AlterTableType_AT_SetOptions, pg.AlterTableType_AT_ResetOptions,
		pg.AlterTableType_AT_DisableRowSecurity, pg.AlterTableType_AT_NoForceRowSecurity:
		r.Kind = "NOOP"
	case pg.AlterTableType_AT_EnableRowSecurity, pg.AlterTableType_AT_ForceRowSecurity:
		return r, "row-level security"
	case pg.AlterTableType_AT_AttachPartition, pg.AlterTableType_AT_DetachPartition:
		return r, "table partitioning"
	case pg.AlterTableType_AT_AddInherit, pg.AlterTableType_AT_DropInherit:
		return r, "table inheritance"
	default:
		return r, "ALTER TABLE " + a.Subtype.String()
	}
	return r, ""
}

// rename converts RENAME of relations, columns, constraints and schemas.
func (c *conv) rename(s *pg.RenameStmt) tree.Node {
	kind := objectWord(s.RenameType)
	r := &tree.AlterTable{Table: rangeName(s.Relation), IfExists: s.MissingOk, Kind: kind}
	switch s.RenameType {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW,
		pg.ObjectType_OBJECT_INDEX, pg.ObjectType_OBJECT_SEQUENCE:
		r.Actions = []tree.AlterAction{{Kind: "RENAME", NewName: s.Newname}}
	case pg.ObjectType_OBJECT_COLUMN, pg.ObjectType_OBJECT_ATTRIBUTE:
		r.Kind = objectWord(s.RelationType)
		r.Actions = []tree.AlterAction{{Kind: "RENAME COLUMN", Name: s.Subname, NewName: s.Newname}}
	case pg.ObjectType_OBJECT_TABCONSTRAINT:
		r.Kind = "TABLE"
		r.Actions = []tree.AlterAction{{Kind: "RENAME CONSTRAINT", Name: s.Subname, NewName: s.Newname}}
	case pg.ObjectType_OBJECT_TYPE, pg.ObjectType_OBJECT_DOMAIN:
		return &tree.AlterType{Name: nameOf(strList(s.Object.GetList().GetItems())), Domain: s.RenameType == pg.ObjectType_OBJECT_DOMAIN, Kind: "RENAME", NewName: s.Newname}
	default:
		return &tree.Refuse{What: "ALTER " + kind + " RENAME"}
	}
	return r
}

// setSchema converts SET SCHEMA.
func (c *conv) setSchema(s *pg.AlterObjectSchemaStmt) tree.Node {
	kind := objectWord(s.ObjectType)
	switch kind {
	case "TABLE", "VIEW", "MATERIALIZED VIEW", "SEQUENCE":
		return &tree.AlterTable{Table: rangeName(s.Relation), IfExists: s.MissingOk, Kind: kind,
			Actions: []tree.AlterAction{{Kind: "SET SCHEMA", Schema: s.Newschema}}}
	}
	return &tree.Refuse{What: "ALTER " + kind + " SET SCHEMA"}
}

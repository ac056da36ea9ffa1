package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// createTable converts CREATE TABLE.
func (c *conv) createTable(s *pg.CreateStmt) tree.Node {
	switch {
	case s.Partspec != nil || s.Partbound != nil:
		return &tree.Refuse{What: "table partitioning"}
	case len(s.InhRelations) > 0:
		return &tree.Refuse{What: "table inheritance"}
	case s.OfTypename != nil:
		return &tree.Refuse{What: "CREATE TABLE OF"}
	case s.Tablespacename != "" && s.Tablespacename != "pg_default":
		return &tree.Refuse{What: "TABLESPACE"}
	case s.AccessMethod != "" && s.AccessMethod != "heap":
		return &tree.Refuse{What: "table access method " + s.AccessMethod}
	case s.Oncommit > pg.OnCommitAction_ONCOMMIT_PRESERVE_ROWS:
		return &tree.Refuse{What: "ON COMMIT DELETE ROWS and DROP"}
	}
	r := &tree.CreateTable{Name: rangeName(s.Relation), IfNotExists: s.IfNotExists,
		Temp: s.Relation.GetRelpersistence() == "t", Options: options(s.Options)}
	for _, n := range s.TableElts {
		switch e := n.GetNode().(type) {
		case *pg.Node_ColumnDef:
			r.Columns = append(r.Columns, c.columnDef(e.ColumnDef))
		case *pg.Node_Constraint:
			r.Constraints = append(r.Constraints, c.constraint(e.Constraint, ""))
		case *pg.Node_TableLikeClause:
			r.Like = append(r.Like, rangeName(e.TableLikeClause.Relation))
			with := []string{}
			for i, w := range []string{"COMMENTS", "COMPRESSION", "CONSTRAINTS", "DEFAULTS", "GENERATED", "IDENTITY", "INDEXES", "STATISTICS", "STORAGE"} {
				if e.TableLikeClause.Options&(1<<i) != 0 {
					with = append(with, w)
				}
			}
			r.LikeWith = append(r.LikeWith, with)
		default:
			c.unsupported(-1, "this table element")
		}
	}
	return r
}

// createTableAs converts CREATE TABLE AS and CREATE MATERIALIZED VIEW.
func (c *conv) createTableAs(s *pg.CreateTableAsStmt) tree.Node {
	into := s.Into
	if s.Query.GetSelectStmt() == nil {
		return &tree.Refuse{What: "CREATE TABLE AS EXECUTE"}
	}
	q := c.selectNode(s.Query)
	if s.Objtype == pg.ObjectType_OBJECT_MATVIEW {
		if into.GetSkipData() {
			return &tree.Refuse{What: "CREATE MATERIALIZED VIEW WITH NO DATA"}
		}
		return &tree.CreateView{Name: rangeName(into.GetRel()), Columns: strList(into.GetColNames()), Query: q,
			Text: c.deparse(s.Query), Materialized: true, IfNotExists: s.IfNotExists}
	}
	return &tree.CreateTable{Name: rangeName(into.GetRel()), IfNotExists: s.IfNotExists, As: q,
		AsColumns: strList(into.GetColNames()), NoData: into.GetSkipData(),
		Temp: into.GetRel().GetRelpersistence() == "t", Options: options(into.GetOptions())}
}

// selectInto converts SELECT … INTO t as CREATE TABLE AS.
func (c *conv) selectInto(s *pg.SelectStmt, into *pg.IntoClause) tree.Node {
	return &tree.CreateTable{Name: rangeName(into.GetRel()), As: c.selectStmt(s), Temp: into.GetRel().GetRelpersistence() == "t"}
}

// columnDef converts one column definition.
func (c *conv) columnDef(d *pg.ColumnDef) tree.ColumnDef {
	r := tree.ColumnDef{Name: d.Colname, NotNull: d.IsNotNull}
	names := strList(d.TypeName.GetNames())
	if len(names) == 1 && serialTypes[names[0]] != "" && len(d.TypeName.GetArrayBounds()) == 0 {
		r.Serial, r.NotNull = true, true
		t, _ := LookupType(serialTypes[names[0]])
		r.Type = tree.TypeName{Name: serialTypes[names[0]], Resolved: t}
	} else {
		r.Type = c.typeName(d.TypeName)
	}
	if d.CollClause != nil {
		r.Type.Collate = nameOf(strList(d.CollClause.Collname)).Name
	}
	for _, n := range d.Constraints {
		if k := n.GetConstraint(); k != nil {
			c.columnConstraint(&r, k)
		}
	}
	return r
}

// columnConstraint applies one constraint of a column definition.
func (c *conv) columnConstraint(r *tree.ColumnDef, k *pg.Constraint) {
	last := func() *tree.Constraint {
		if len(r.Constraints) == 0 {
			c.fail(op.Syntax, k.Location, "misplaced DEFERRABLE clause")
			return &tree.Constraint{}
		}
		return &r.Constraints[len(r.Constraints)-1]
	}
	switch k.Contype {
	case pg.ConstrType_CONSTR_NULL:
		r.Null = true
		if r.NotNull && !r.Serial {
			c.failf(op.Syntax, k.Location, "conflicting NULL/NOT NULL declarations for column %q", r.Name)
		}
	case pg.ConstrType_CONSTR_NOTNULL:
		r.NotNull = true
	case pg.ConstrType_CONSTR_DEFAULT:
		if r.Default != nil {
			c.failf(op.Syntax, k.Location, "multiple default values specified for column %q", r.Name)
		}
		r.Default, r.DefaultText = c.expr(k.RawExpr), c.deparseExpr(k.RawExpr)
	case pg.ConstrType_CONSTR_IDENTITY:
		r.Identity, r.NotNull = identityWord(k.GeneratedWhen), true
		r.Sequence = c.sequence(k.Options)
		r.Start, r.Increment = r.Sequence.Start, r.Sequence.Increment
	case pg.ConstrType_CONSTR_GENERATED:
		r.Generated, r.DefaultText, r.Stored = c.expr(k.RawExpr), c.deparseExpr(k.RawExpr), true
	case pg.ConstrType_CONSTR_ATTR_DEFERRABLE:
		last().Deferrable = true
	case pg.ConstrType_CONSTR_ATTR_NOT_DEFERRABLE, pg.ConstrType_CONSTR_ATTR_IMMEDIATE:
	case pg.ConstrType_CONSTR_ATTR_DEFERRED:
		last().Deferrable, last().Deferred = true, true
	default:
		r.Constraints = append(r.Constraints, c.constraint(k, r.Name))
	}
}

// identityWord spells attidentity.
func identityWord(when string) string {
	if when == "a" {
		return "ALWAYS"
	}
	return "BY DEFAULT"
}

// constraint converts a table constraint, or a column's own one.
func (c *conv) constraint(k *pg.Constraint, column string) tree.Constraint {
	r := tree.Constraint{Name: k.Conname, Deferrable: k.Deferrable, Deferred: k.Initdeferred,
		Columns: strList(k.Keys), UsingIndex: k.Indexname, NullsNotDistinct: k.NullsNotDistinct, NotValid: k.SkipValidation}
	if len(k.Including) > 0 {
		c.unsupported(k.Location, "INCLUDE in a constraint")
	}
	switch k.Contype {
	case pg.ConstrType_CONSTR_PRIMARY:
		r.Kind = "PRIMARY KEY"
	case pg.ConstrType_CONSTR_UNIQUE:
		r.Kind = "UNIQUE"
	case pg.ConstrType_CONSTR_CHECK:
		r.Kind, r.Check, r.CheckText = "CHECK", c.expr(k.RawExpr), c.deparseExpr(k.RawExpr)
	case pg.ConstrType_CONSTR_FOREIGN:
		r.Kind, r.Columns = "FOREIGN KEY", strList(k.FkAttrs)
		r.RefTable, r.RefColumns = rangeName(k.Pktable), strList(k.PkAttrs)
		r.OnDelete, r.OnUpdate = fkActions[k.FkDelAction], fkActions[k.FkUpdAction]
		r.Match = map[string]string{"f": "FULL", "p": "PARTIAL"}[k.FkMatchtype]
		if len(k.FkDelSetCols) > 0 {
			c.unsupported(k.Location, "ON DELETE SET with a column list")
		}
		if r.Match != "" && (r.Match == "PARTIAL" || len(r.Columns) > 1) {
			c.unsupported(k.Location, "MATCH "+r.Match)
		}
	default:
		c.unsupported(k.Location, "an exclusion constraint")
	}
	if column != "" && len(r.Columns) == 0 && r.Kind != "CHECK" {
		r.Columns = []string{column}
	}
	return r
}

// fkActions spells referential actions.
var fkActions = map[string]string{"a": "NO ACTION", "r": "RESTRICT", "c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT"}

// createIndex converts CREATE INDEX.
func (c *conv) createIndex(s *pg.IndexStmt) tree.Node {
	r := &tree.CreateIndex{Name: s.Idxname, Table: rangeName(s.Relation), Unique: s.Unique, IfNotExists: s.IfNotExists,
		Method: s.AccessMethod, Where: c.opt(s.WhereClause), WhereText: c.deparseExpr(s.WhereClause),
		Concurrently: s.Concurrent, NullsNotDistinct: s.NullsNotDistinct, Options: options(s.Options)}
	if s.TableSpace != "" && s.TableSpace != "pg_default" {
		return &tree.Refuse{What: "TABLESPACE"}
	}
	for _, n := range s.IndexParams {
		e := n.GetIndexElem()
		i := tree.IndexItem{Column: e.GetName(), Expr: c.opt(e.GetExpr()), Text: c.deparseExpr(e.GetExpr()),
			Desc:    e.GetOrdering() == pg.SortByDir_SORTBY_DESC,
			OpClass: nameOf(strList(e.GetOpclass())).Name, Collate: nameOf(strList(e.GetCollation())).Name}
		i.NullsFirst = i.Desc
		switch e.GetNullsOrdering() {
		case pg.SortByNulls_SORTBY_NULLS_FIRST:
			i.NullsFirst = true
		case pg.SortByNulls_SORTBY_NULLS_LAST:
			i.NullsFirst = false
		}
		r.Items = append(r.Items, i)
	}
	for _, n := range s.IndexIncludingParams {
		r.Include = append(r.Include, n.GetIndexElem().GetName())
	}
	return r
}

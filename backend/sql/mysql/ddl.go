package mysql

import (
	"math"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// ddl converts schema changes.
func (c *converter) ddl(n ast.StmtNode) (tree.Node, error) {
	switch n := n.(type) {
	case *ast.CreateTableStmt:
		return c.createTable(n)
	case *ast.CreateIndexStmt:
		return c.createIndex(n)
	case *ast.CreateViewStmt:
		return c.createView(n)
	case *ast.AlterTableStmt:
		return c.alterTable(n)
	case *ast.DropTableStmt:
		if n.TemporaryKeyword != ast.TemporaryNone && n.TemporaryKeyword != ast.TemporaryLocal {
			return nil, refuse("GLOBAL TEMPORARY")
		}
		d := &tree.Drop{Kind: "TABLE", IfExists: n.IfExists}
		if n.IsView {
			d.Kind = "VIEW"
		}
		for _, t := range n.Tables {
			d.Names = append(d.Names, name(t))
		}
		return d, nil
	case *ast.DropIndexStmt:
		return &tree.Drop{Kind: "INDEX", Names: []tree.Name{{Name: n.IndexName}}, IfExists: n.IfExists, Table: name(n.Table)}, nil
	case *ast.TruncateTableStmt:
		return &tree.Truncate{Tables: []tree.Name{name(n.Table)}, Restart: true}, nil
	case *ast.RenameTableStmt:
		return renameTable(n)
	case *ast.AlterDatabaseStmt:
		return &tree.Accept{Tag: "ALTER DATABASE"}, nil
	}
	return &tree.Refuse{What: statementName(n)}, nil
}

// statementName names a statement for an error message.
func statementName(n ast.StmtNode) string {
	w := strings.Fields(strings.ToUpper(n.Text()))
	if len(w) > 2 {
		w = w[:2]
	}
	return strings.Join(w, " ")
}

// renameTable converts RENAME TABLE of one table.
func renameTable(n *ast.RenameTableStmt) (tree.Node, error) {
	if len(n.TableToTables) != 1 {
		return nil, refuse("RENAME TABLE of several tables")
	}
	t := n.TableToTables[0]
	if t.NewTable.Schema.O != t.OldTable.Schema.O && t.NewTable.Schema.O != "" {
		return nil, refuse("moving a table to another database")
	}
	return &tree.AlterTable{Table: name(t.OldTable), Kind: "TABLE",
		Actions: []tree.AlterAction{{Kind: "RENAME", NewName: t.NewTable.Name.O}}}, nil
}

// createTable converts CREATE TABLE.
func (c *converter) createTable(n *ast.CreateTableStmt) (tree.Node, error) {
	if n.Partition != nil {
		return nil, refuse("PARTITION BY")
	}
	t := &tree.CreateTable{Name: name(n.Table), IfNotExists: n.IfNotExists, Temp: n.TemporaryKeyword != ast.TemporaryNone}
	if n.ReferTable != nil {
		t.Like = []tree.Name{name(n.ReferTable)}
		return t, nil
	}
	var auto *int64
	for _, o := range n.Options {
		switch o.Tp {
		case ast.TableOptionComment:
			t.Comment = o.StrValue
		case ast.TableOptionAutoIncrement:
			v := int64(min(o.UintValue, math.MaxInt64))
			auto = &v
		case ast.TableOptionTTL, ast.TableOptionTTLEnable, ast.TableOptionUnion, ast.TableOptionDataDirectory:
			return nil, refuse("this table option")
		}
		if k, v := tableOption(o); k != "" {
			t.Options = append(t.Options, [2]string{k, v})
		}
	}
	for _, col := range n.Cols {
		d, err := c.column(col)
		if err != nil {
			return nil, err
		}
		if d.Serial && auto != nil {
			d.Start = auto
		}
		t.Columns = append(t.Columns, *d)
	}
	for _, k := range n.Constraints {
		if err := c.tableConstraint(k, t); err != nil {
			return nil, err
		}
	}
	if n.Select != nil {
		var err error
		t.As, err = c.query(n.Select)
		return t, err
	}
	return t, nil
}

// tableOption names the options that are kept for SHOW CREATE TABLE.
func tableOption(o *ast.TableOption) (string, string) {
	switch o.Tp {
	case ast.TableOptionEngine:
		return "engine", o.StrValue
	case ast.TableOptionCharset:
		return "charset", o.StrValue
	case ast.TableOptionCollate:
		return "collate", o.StrValue
	case ast.TableOptionRowFormat:
		return "row_format", utoa(o.UintValue)
	}
	return "", ""
}

// column converts a column definition.
func (c *converter) column(n *ast.ColumnDef) (*tree.ColumnDef, error) {
	t, err := typeName(n.Tp)
	if err != nil {
		return nil, err
	}
	d := &tree.ColumnDef{Name: n.Name.Name.O, Type: t}
	for _, o := range n.Options {
		if err := c.columnOption(d, o); err != nil {
			return nil, err
		}
	}
	return d, nil
}

// columnOption converts one option of a column.
func (c *converter) columnOption(d *tree.ColumnDef, o *ast.ColumnOption) (err error) {
	switch o.Tp {
	case ast.ColumnOptionPrimaryKey:
		d.NotNull = true
		d.Constraints = append(d.Constraints, tree.Constraint{Kind: "PRIMARY KEY", Columns: []string{d.Name}})
	case ast.ColumnOptionUniqKey:
		d.Constraints = append(d.Constraints, tree.Constraint{Kind: "UNIQUE", Columns: []string{d.Name}})
	case ast.ColumnOptionNotNull:
		d.NotNull = true
	case ast.ColumnOptionNull:
		d.Null = true
	case ast.ColumnOptionAutoIncrement:
		d.Serial, d.NotNull = true, true
	case ast.ColumnOptionDefaultValue:
		if d.DefaultText, err = restore(o.Expr); err != nil {
			return err
		}
		d.Default, err = c.expr(o.Expr)
		if k, ok := d.Default.(*tree.Const); ok && k.Value.IsNull() {
			d.Default, d.DefaultText = nil, ""
		}
	case ast.ColumnOptionOnUpdate:
		d.OnUpdateNow = true
	case ast.ColumnOptionComment:
		if v, ok := o.Expr.(ast.ValueExpr); ok {
			d.Comment = v.GetString()
		}
	case ast.ColumnOptionGenerated:
		d.Stored = o.Stored
		d.Generated, err = c.expr(o.Expr)
		if err == nil {
			d.DefaultText, err = restore(o.Expr)
		}
	case ast.ColumnOptionReference: // MySQL parses and ignores inline REFERENCES
	case ast.ColumnOptionCollate:
		d.Type.Collate = o.StrValue
	case ast.ColumnOptionCheck:
		k := tree.Constraint{Kind: "CHECK", Name: o.ConstraintName}
		err = c.check(&k, o.Expr)
		d.Constraints = append(d.Constraints, k)
	case ast.ColumnOptionFulltext:
		return refuse("FULLTEXT")
	case ast.ColumnOptionAutoRandom:
		return refuse("AUTO_RANDOM")
	}
	return err
}

// check fills a CHECK constraint.
func (c *converter) check(k *tree.Constraint, e ast.ExprNode) (err error) {
	if k.CheckText, err = restore(e); err != nil {
		return err
	}
	k.Check, err = c.expr(e)
	return err
}

// tableConstraint converts a key or constraint clause of CREATE TABLE.
func (c *converter) tableConstraint(n *ast.Constraint, t *tree.CreateTable) error {
	k, ix, err := c.constraint(n, t.Name)
	if err != nil {
		return err
	}
	if ix != nil {
		t.Indexes = append(t.Indexes, *ix)
	} else {
		t.Constraints = append(t.Constraints, *k)
	}
	return nil
}

// constraint converts a key clause: either a constraint or a plain index.
func (c *converter) constraint(n *ast.Constraint, table tree.Name) (*tree.Constraint, *tree.CreateIndex, error) {
	k := &tree.Constraint{Name: n.Name}
	switch n.Tp {
	case ast.ConstraintPrimaryKey:
		k.Kind, k.Name = "PRIMARY KEY", ""
	case ast.ConstraintUniq, ast.ConstraintUniqKey, ast.ConstraintUniqIndex:
		k.Kind = "UNIQUE"
		if !plainKeys(n.Keys) {
			ix, err := c.index(n.Name, table, n.Keys)
			if ix != nil {
				ix.Unique = true
			}
			return nil, ix, err
		}
	case ast.ConstraintKey, ast.ConstraintIndex:
		ix, err := c.index(n.Name, table, n.Keys)
		return nil, ix, err
	case ast.ConstraintForeignKey:
		k.Kind = "FOREIGN KEY"
		refer(k, n.Refer)
	case ast.ConstraintCheck:
		k.Kind = "CHECK"
		return k, nil, c.check(k, n.Expr)
	case ast.ConstraintFulltext:
		return nil, nil, refuse("FULLTEXT")
	default:
		return nil, nil, refuse("this kind of key")
	}
	for _, p := range n.Keys {
		if p.Column == nil {
			return nil, nil, refuse("an expression in a primary or foreign key")
		}
		k.Columns = append(k.Columns, p.Column.Name.O)
	}
	return k, nil, nil
}

// plainKeys reports whether all parts are ascending whole columns.
func plainKeys(keys []*ast.IndexPartSpecification) bool {
	for _, p := range keys {
		if p.Column == nil || p.Desc || p.Length > 0 {
			return false
		}
	}
	return true
}

// index converts the parts of an index.
func (c *converter) index(iname string, table tree.Name, keys []*ast.IndexPartSpecification) (*tree.CreateIndex, error) {
	ix := &tree.CreateIndex{Name: iname, Table: table, Method: "btree"}
	for _, p := range keys {
		it := tree.IndexItem{Desc: p.Desc, NullsFirst: !p.Desc, Length: int32(max(p.Length, 0))}
		if p.Column != nil {
			it.Column = p.Column.Name.O
		} else {
			var err error
			if it.Text, err = restore(p.Expr); err != nil {
				return nil, err
			}
			if it.Expr, err = c.expr(p.Expr); err != nil {
				return nil, err
			}
		}
		ix.Items = append(ix.Items, it)
	}
	return ix, nil
}

// referWords spells the actions of a foreign key.
var referWords = map[ast.ReferOptionType]string{
	ast.ReferOptionRestrict: "RESTRICT", ast.ReferOptionCascade: "CASCADE", ast.ReferOptionSetNull: "SET NULL",
	ast.ReferOptionNoAction: "NO ACTION", ast.ReferOptionSetDefault: "SET DEFAULT",
}

// refer fills the referenced side of a foreign key.
func refer(k *tree.Constraint, r *ast.ReferenceDef) {
	k.RefTable = name(r.Table)
	for _, p := range r.IndexPartSpecifications {
		if p.Column != nil {
			k.RefColumns = append(k.RefColumns, p.Column.Name.O)
		}
	}
	if r.OnDelete != nil {
		k.OnDelete = referWords[r.OnDelete.ReferOpt]
	}
	if r.OnUpdate != nil {
		k.OnUpdate = referWords[r.OnUpdate.ReferOpt]
	}
}

// createIndex converts CREATE INDEX.
func (c *converter) createIndex(n *ast.CreateIndexStmt) (tree.Node, error) {
	switch n.KeyType {
	case ast.IndexKeyTypeNone, ast.IndexKeyTypeUnique:
	default:
		return nil, refuse("FULLTEXT, SPATIAL and VECTOR indexes")
	}
	ix, err := c.index(n.IndexName, name(n.Table), n.IndexPartSpecifications)
	if err != nil {
		return nil, err
	}
	ix.Unique, ix.IfNotExists = n.KeyType == ast.IndexKeyTypeUnique, n.IfNotExists
	return ix, nil
}

// createView converts CREATE VIEW.
func (c *converter) createView(n *ast.CreateViewStmt) (tree.Node, error) {
	q, err := c.query(n.Select)
	if err != nil {
		return nil, err
	}
	v := &tree.CreateView{Name: name(n.ViewName), Query: q, Replace: n.OrReplace, Text: trimStmt(n.Select.Text())}
	if v.Text == "" {
		if v.Text, err = restore(n.Select); err != nil {
			return nil, err
		}
	}
	for _, col := range n.Cols {
		v.Columns = append(v.Columns, col.O)
	}
	if len(params(n.Select)) > 0 {
		return nil, op.Errorf(op.Syntax, "a view's query contains a variable or parameter")
	}
	return v, nil
}

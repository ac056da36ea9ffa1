package mysql

import (
	"math"

	"github.com/pingcap/tidb/pkg/parser/ast"

	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// alterTable converts ALTER TABLE.
func (c *converter) alterTable(n *ast.AlterTableStmt) (tree.Node, error) {
	a := &tree.AlterTable{Table: name(n.Table), Kind: "TABLE"}
	for _, s := range n.Specs {
		list, err := c.alterSpec(s, a.Table)
		if err != nil {
			return nil, err
		}
		a.Actions = append(a.Actions, list...)
	}
	return a, nil
}

// one wraps a single action.
func one(a tree.AlterAction) ([]tree.AlterAction, error) { return []tree.AlterAction{a}, nil }

// alterSpec converts one clause of ALTER TABLE.
func (c *converter) alterSpec(s *ast.AlterTableSpec, table tree.Name) ([]tree.AlterAction, error) {
	switch s.Tp {
	case ast.AlterTableAddColumns:
		return c.addColumns(s, table)
	case ast.AlterTableDropColumn:
		return one(tree.AlterAction{Kind: "DROP COLUMN", Name: s.OldColumnName.Name.O, IfExists: s.IfExists})
	case ast.AlterTableModifyColumn, ast.AlterTableChangeColumn:
		return c.changeColumn(s)
	case ast.AlterTableRenameColumn:
		return one(tree.AlterAction{Kind: "RENAME COLUMN", Name: s.OldColumnName.Name.O, NewName: s.NewColumnName.Name.O})
	case ast.AlterTableRenameTable:
		if s.NewTable.Schema.O != table.Schema && s.NewTable.Schema.O != "" {
			return nil, refuse("moving a table to another database")
		}
		return one(tree.AlterAction{Kind: "RENAME", NewName: s.NewTable.Name.O})
	case ast.AlterTableRenameIndex:
		return one(tree.AlterAction{Kind: "RENAME INDEX", Name: s.FromKey.O, NewName: s.ToKey.O})
	case ast.AlterTableAlterColumn:
		return c.alterDefault(s)
	case ast.AlterTableAddConstraint:
		k, ix, err := c.constraint(s.Constraint, table)
		if err != nil {
			return nil, err
		}
		if ix != nil {
			return one(tree.AlterAction{Kind: "ADD INDEX", Index: ix, IfNotExists: s.IfNotExists})
		}
		return one(tree.AlterAction{Kind: "ADD CONSTRAINT", Constraint: k})
	case ast.AlterTableDropPrimaryKey:
		return one(tree.AlterAction{Kind: "DROP CONSTRAINT", Name: "PRIMARY"})
	case ast.AlterTableDropIndex:
		return one(tree.AlterAction{Kind: "DROP INDEX", Name: s.Name, IfExists: s.IfExists})
	case ast.AlterTableDropForeignKey:
		return one(tree.AlterAction{Kind: "DROP CONSTRAINT", Name: s.Name, IfExists: s.IfExists})
	case ast.AlterTableDropCheck:
		return one(tree.AlterAction{Kind: "DROP CONSTRAINT", Name: s.Constraint.Name})
	case ast.AlterTableOption:
		return alterOptions(s)
	case ast.AlterTableLock, ast.AlterTableAlgorithm, ast.AlterTableForce, ast.AlterTableEnableKeys,
		ast.AlterTableDisableKeys, ast.AlterTableWithValidation, ast.AlterTableWithoutValidation:
		return one(tree.AlterAction{Kind: "NOOP"})
	}
	return nil, refuse("this ALTER TABLE clause")
}

// addColumns converts ADD COLUMN, with its keys.
func (c *converter) addColumns(s *ast.AlterTableSpec, table tree.Name) ([]tree.AlterAction, error) {
	var out []tree.AlterAction
	for _, col := range s.NewColumns {
		d, err := c.column(col)
		if err != nil {
			return nil, err
		}
		place(d, s.Position)
		out = append(out, tree.AlterAction{Kind: "ADD COLUMN", Column: d, IfNotExists: s.IfNotExists})
	}
	for _, k := range s.NewConstraints {
		k, ix, err := c.constraint(k, table)
		if err != nil {
			return nil, err
		}
		if ix != nil {
			out = append(out, tree.AlterAction{Kind: "ADD INDEX", Index: ix})
		} else {
			out = append(out, tree.AlterAction{Kind: "ADD CONSTRAINT", Constraint: k})
		}
	}
	return out, nil
}

// place notes FIRST and AFTER.
func place(d *tree.ColumnDef, p *ast.ColumnPosition) {
	if p == nil {
		return
	}
	switch p.Tp {
	case ast.ColumnPositionFirst:
		d.First = true
	case ast.ColumnPositionAfter:
		d.After = p.RelativeColumn.Name.O
	}
}

// changeColumn converts MODIFY and CHANGE COLUMN.
func (c *converter) changeColumn(s *ast.AlterTableSpec) ([]tree.AlterAction, error) {
	d, err := c.column(s.NewColumns[0])
	if err != nil {
		return nil, err
	}
	place(d, s.Position)
	a := tree.AlterAction{Kind: "MODIFY COLUMN", Name: d.Name, Column: d, IfExists: s.IfExists}
	if s.Tp == ast.AlterTableChangeColumn {
		a.Kind, a.Name, a.NewName = "CHANGE COLUMN", s.OldColumnName.Name.O, d.Name
	}
	return one(a)
}

// alterDefault converts ALTER COLUMN c SET/DROP DEFAULT.
func (c *converter) alterDefault(s *ast.AlterTableSpec) ([]tree.AlterAction, error) {
	col := s.NewColumns[0]
	a := tree.AlterAction{Kind: "DROP DEFAULT", Name: col.Name.Name.O}
	if len(col.Options) == 0 {
		return one(a)
	}
	var d tree.ColumnDef
	if err := c.columnOption(&d, &ast.ColumnOption{Tp: ast.ColumnOptionDefaultValue, Expr: col.Options[0].Expr}); err != nil {
		return nil, err
	}
	a.Kind, a.Default, a.DefaultText = "SET DEFAULT", d.Default, d.DefaultText
	return one(a)
}

// alterOptions converts table options.
func alterOptions(s *ast.AlterTableSpec) ([]tree.AlterAction, error) {
	var out []tree.AlterAction
	opts := tree.AlterAction{Kind: "SET OPTIONS"}
	for _, o := range s.Options {
		switch o.Tp {
		case ast.TableOptionAutoIncrement:
			out = append(out, tree.AlterAction{Kind: "AUTO_INCREMENT", Value: int64(min(o.UintValue, math.MaxInt64))})
		case ast.TableOptionComment:
			opts.Options = append(opts.Options, [2]string{"comment", o.StrValue})
		case ast.TableOptionTTL, ast.TableOptionTTLEnable, ast.TableOptionUnion:
			return nil, refuse("this table option")
		default:
			if k, v := tableOption(o); k != "" {
				opts.Options = append(opts.Options, [2]string{k, v})
			}
		}
	}
	if len(opts.Options) > 0 {
		out = append(out, opts)
	}
	if len(out) == 0 {
		return one(tree.AlterAction{Kind: "NOOP"})
	}
	return out, nil
}

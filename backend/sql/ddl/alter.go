package ddl

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// alter runs ALTER TABLE, VIEW, INDEX and SEQUENCE with their actions in
// order.
func (r *run) alter(s *tree.AlterTable) error {
	switch s.Kind {
	case "INDEX":
		return r.alterIndex(s)
	case "SEQUENCE":
		if r.find(s.Table) == nil {
			return r.alterSequenceName(s)
		}
	}
	t := r.find(s.Table)
	if t == nil {
		if s.IfExists {
			r.notice(op.NotFound, "relation \""+s.Table.Name+"\" does not exist, skipping")
			return nil
		}
		if s.Kind == "TABLE" {
			if _, ix := r.findIndex(s.Table, tree.Name{}); ix != nil {
				return r.alterIndex(s)
			}
			if r.findSeq(s.Table) != nil {
				return r.alterSequenceName(s)
			}
		}
		return missing("relation", s.Table)
	}
	if t.Kind == catalog.KindCollection {
		return op.Errorf(op.Unsupported, "ALTER TABLE of a document collection is not supported")
	}
	for i := range s.Actions {
		t = r.edit(r.cat.Tables[t.Key()])
		n, err := r.action(t, &s.Actions[i])
		if err != nil {
			return err
		}
		t = n
	}
	return nil
}

// action runs one action on a table that may be changed; it returns the
// table's newest entry.
func (r *run) action(t *catalog.Table, a *tree.AlterAction) (*catalog.Table, error) {
	switch a.Kind {
	case "OWNER", "NOOP", "REPLICA IDENTITY", "VALIDATE":
		return t, nil
	case "SET OPTIONS":
		if t.Options == nil {
			t.Options = map[string]string{}
		}
		for k, v := range optionMap(a.Options) {
			if k == "comment" {
				t.Comment = v
				continue
			}
			t.Options[k] = v
		}
		return t, nil
	case "REFRESH":
		return t, r.refresh(t)
	case "RENAME":
		return r.renameTable(t, t.Schema, a.NewName)
	case "SET SCHEMA":
		if !r.hasSchema(a.Schema) {
			return t, noSchema(a.Schema)
		}
		return r.renameTable(t, a.Schema, t.Name)
	}
	if t.Kind != catalog.KindTable {
		if t.Kind == catalog.KindMatView && (a.Kind == "ADD INDEX" || a.Kind == "DROP INDEX") {
			return t, r.indexAction(t, a)
		}
		return t, op.Errorf(op.Unsupported, "ALTER %s %s is not supported", upper(kindWord(t)), a.Kind)
	}
	if fn := actions[a.Kind]; fn != nil {
		return t, fn(r, t, a)
	}
	return t, op.Errorf(op.Unsupported, "ALTER TABLE %s is not supported", a.Kind)
}

// actions are the changes of stored tables.
var actions = map[string]func(*run, *catalog.Table, *tree.AlterAction) error{
	"ADD COLUMN": (*run).addColumnAction, "DROP COLUMN": (*run).dropColumn, "RENAME COLUMN": (*run).renameColumn,
	"ALTER TYPE": (*run).alterType, "SET DEFAULT": (*run).setDefault, "DROP DEFAULT": (*run).setDefault,
	"SET NOT NULL": (*run).setNotNull, "DROP NOT NULL": (*run).setNotNull,
	"ADD CONSTRAINT": (*run).addConstraintAction, "DROP CONSTRAINT": (*run).dropConstraintAction,
	"RENAME CONSTRAINT": (*run).renameConstraint,
	"ADD INDEX":         (*run).indexAction, "DROP INDEX": (*run).indexAction, "RENAME INDEX": (*run).indexAction,
	"ADD IDENTITY": (*run).identity, "DROP IDENTITY": (*run).identity, "SET IDENTITY": (*run).identity,
	"MODIFY COLUMN": (*run).changeColumn, "CHANGE COLUMN": (*run).changeColumn, "AUTO_INCREMENT": (*run).autoIncrement,
}

// column returns the column an action names.
func (r *run) column(t *catalog.Table, name string) (*catalog.Column, error) {
	if c := t.Column(r.fold(t, []string{name})[0]); c != nil {
		return c, nil
	}
	return nil, &op.Error{Code: op.NoColumn, Msg: "column \"" + name + "\" of relation \"" + t.Name + "\" does not exist", Column: name, Name: name, Table: t.Name}
}

// addColumnAction runs ADD COLUMN: SQLite's own ALTER, then the default fills
// the rows, then constraints.
func (r *run) addColumnAction(t *catalog.Table, a *tree.AlterAction) error {
	d := *a.Column
	if t.Column(d.Name) != nil {
		if a.IfNotExists {
			r.notice(op.DuplicateColumn, "column \""+d.Name+"\" of relation \""+t.Name+"\" already exists, skipping")
			return nil
		}
		return &op.Error{Code: op.DuplicateColumn, Msg: "column \"" + d.Name + "\" of relation \"" + t.Name + "\" already exists", Column: d.Name, Name: d.Name, Table: t.Name}
	}
	before := *t
	before.Columns = append([]*catalog.Column(nil), t.Columns...)
	before.Constraints = append([]*catalog.Constraint(nil), t.Constraints...)
	before.Indexes = append([]*catalog.Index(nil), t.Indexes...)
	if err := r.addColumn(t, &d); err != nil {
		return err
	}
	c := t.Column(d.Name)
	if c.Generated != "" || d.First || d.After != "" {
		return r.rebuildThen(&before, t, d.Constraints, c)
	}
	if err := r.d.Exec("ALTER TABLE " + catalog.Quote(t.Store) + " ADD COLUMN " + catalog.Quote(c.Name) + " " + declared(c)); err != nil {
		return err
	}
	if err := r.fillDefault(t, c, &d); err != nil {
		return err
	}
	if c.NotNull {
		if err := r.checkNoNulls(t, c.Name); err != nil {
			return err
		}
	}
	if err := r.sync(t); err != nil {
		return err
	}
	return r.addAll(t, d.Constraints, c.Name)
}

// rebuildThen rebuilds a table after columns changed and adds constraints.
func (r *run) rebuildThen(before, t *catalog.Table, cons []tree.Constraint, c *catalog.Column) error {
	if err := r.rebuild(before, t, sameColumns(before)); err != nil {
		return err
	}
	if c.Generated == "" {
		if err := r.fillDefault(t, c, nil); err != nil {
			return err
		}
	}
	return r.addAll(t, cons, c.Name)
}

// sameColumns maps every column to itself.
func sameColumns(t *catalog.Table) map[string]string {
	m := map[string]string{}
	for _, c := range t.Columns {
		m[c.Name] = catalog.Quote(c.Name)
	}
	return m
}

// fillDefault gives existing rows the default of a new column.
func (r *run) fillDefault(t *catalog.Table, c *catalog.Column, d *tree.ColumnDef) error {
	var x tree.Expr = &tree.Default{}
	switch {
	case c.Serial != "":
	case c.Default == "" && !(rowDialectMySQL(t) && c.NotNull):
		return nil
	case c.Default == "":
		return r.d.Exec("UPDATE " + catalog.Quote(t.Store) + " SET " + catalog.Quote(c.Name) + " = " + mysqlZero(c.Type) + " WHERE " + catalog.Quote(c.Name) + " IS NULL")
	case d != nil && d.Default != nil:
		x = d.Default
	}
	p, err := r.d.Bind(&tree.Update{Table: tree.Table{Name: tree.Name{Schema: t.Schema, Name: t.Name}},
		Set: []tree.Assign{{Columns: []string{c.Name}, Expr: x}}})
	if err != nil {
		return err
	}
	args, err := r.d.Args(p)
	if err != nil {
		return err
	}
	return r.d.Exec(p.Text, args...)
}

// mysqlZero is the implicit default of a NOT NULL column.
func mysqlZero(t op.Type) string {
	switch family(t) {
	case 1:
		return "0"
	case 2:
		return "''"
	case 3:
		return "0.0"
	}
	switch t.Base {
	case op.TNumeric:
		return "'0'"
	case op.TBytea:
		return "x''"
	case op.TDate, op.TTimestamp, op.TTimestampTZ:
		return "-9223372036854775807"
	case op.TString, op.TJSON, op.TSetOf:
		return "''"
	}
	return "0"
}

// addAll adds column constraints to an existing table.
func (r *run) addAll(t *catalog.Table, cons []tree.Constraint, col string) error {
	for _, k := range cons {
		if len(k.Columns) == 0 && k.Kind != "CHECK" {
			k.Columns = []string{col}
		}
		if err := r.addConstraintAction(r.cat.Tables[t.Key()], &tree.AlterAction{Constraint: &k}); err != nil {
			return err
		}
	}
	return nil
}

// dropColumn runs DROP COLUMN with the constraints and indexes that use it.
func (r *run) dropColumn(t *catalog.Table, a *tree.AlterAction) error {
	c, err := r.column(t, a.Name)
	if err != nil {
		if a.IfExists {
			r.notice(op.NoColumn, "column \""+a.Name+"\" of relation \""+t.Name+"\" does not exist, skipping")
			return nil
		}
		return err
	}
	if len(t.Columns) == 1 && rowDialectMySQL(t) {
		return op.Errorf(op.InvalidArgument, "You can't delete all columns with ALTER TABLE; use DROP TABLE instead")
	}
	if err := r.columnDependents(t, c, a.Cascade); err != nil {
		return err
	}
	before := *t
	before.Columns = t.Columns
	t.Columns = nil
	for _, k := range before.Columns {
		if k != c {
			t.Columns = append(t.Columns, k)
		}
	}
	for _, k := range append([]*catalog.Constraint(nil), t.Constraints...) {
		if contains(k.Columns, c.Name) {
			removeConstraint(t, k.Name)
		}
	}
	if contains(t.Primary, c.Name) {
		t.Primary, t.PrimaryName, t.RowIDAlias = nil, "", ""
	}
	for _, ix := range append([]*catalog.Index(nil), t.Indexes...) {
		if indexUses(r, t, ix, c.Name) {
			if err := r.dropIndex(t, ix.Name); err != nil {
				return err
			}
		}
	}
	for k, q := range r.cat.Seqs {
		if q.Schema == t.Schema && q.Table == t.Name && q.Column == c.Name {
			if err := r.removeSequence(k); err != nil {
				return err
			}
		}
	}
	return r.rebuild(&before, t, sameColumns(t))
}

// contains tells whether a list has a name.
func contains(l []string, s string) bool {
	for _, x := range l {
		if x == s {
			return true
		}
	}
	return false
}

// indexUses tells whether an index reads a column.
func indexUses(r *run, t *catalog.Table, ix *catalog.Index, col string) bool {
	texts := []string{ix.Where}
	for _, i := range ix.Items {
		if i.Column == col {
			return true
		}
		texts = append(texts, i.Expr)
	}
	for _, s := range texts {
		if s == "" {
			continue
		}
		if x, err := r.parseExpr(rel.Dialect(t.Dialect), s); err == nil && contains(exprNames(x), col) {
			return true
		}
	}
	return contains(ix.Include, col)
}

// columnDependents refuses, or with CASCADE drops, views and foreign keys that
// need a column.
func (r *run) columnDependents(t *catalog.Table, c *catalog.Column, cascade bool) error {
	var deps []dependent
	on := "column " + c.Name + " of table " + t.Name
	for _, v := range r.viewsOn(t.Key()) {
		if n, err := r.Parse(rel.Dialect(v.Dialect), v.ViewText); err == nil && !namesColumn(n, c.Name) {
			continue
		}
		deps = append(deps, dependent{text: kindWord(v) + " " + v.Name, on: on, view: v})
	}
	for _, k := range r.children(t.Key()) {
		for _, f := range k.Constraints {
			if f.Kind == "FOREIGN KEY" && f.RefTable == t.Key() && contains(f.RefColumns, c.Name) && k.Key() != t.Key() {
				deps = append(deps, dependent{text: "constraint " + f.Name + " on table " + k.Name, on: on, con: f, tab: k})
			}
		}
	}
	if len(deps) == 0 {
		return nil
	}
	if !cascade {
		e := op.Errorf(op.Dependency, "cannot drop %s because other objects depend on it", on)
		for i, d := range deps {
			if i > 0 {
				e.Detail += "\n"
			}
			e.Detail += d.text + " depends on " + d.on
		}
		e.Hint = "Use DROP ... CASCADE to drop the dependent objects too."
		return e
	}
	var views []*catalog.Table
	for _, d := range deps {
		if d.view != nil {
			views = append(views, d.view)
		}
	}
	if err := r.dependents(nil, deps, true); err != nil {
		return err
	}
	return r.dropTables(views, true)
}

// namesColumn tells whether a query names a column or uses a star.
func namesColumn(n tree.Node, col string) bool {
	hit := false
	walk(n, func(x any) {
		switch e := x.(type) {
		case *tree.Ident:
			hit = hit || e.Parts[len(e.Parts)-1] == col
		case *tree.Star:
			hit = true
		}
	})
	return hit
}

// setDefault runs SET DEFAULT and DROP DEFAULT.
func (r *run) setDefault(t *catalog.Table, a *tree.AlterAction) error {
	c, err := r.column(t, a.Name)
	if err != nil {
		return err
	}
	if c.Identity != "" {
		return op.Errorf(op.Syntax, "column %q of relation %q is an identity column", c.Name, t.Name)
	}
	if c.Generated != "" {
		return op.Errorf(op.Syntax, "column %q of relation %q is a generated column", c.Name, t.Name)
	}
	c.Serial, c.Default = "", a.DefaultText
	return nil
}

// setNotNull runs SET NOT NULL and DROP NOT NULL.
func (r *run) setNotNull(t *catalog.Table, a *tree.AlterAction) error {
	c, err := r.column(t, a.Name)
	if err != nil {
		return err
	}
	set := a.Kind == "SET NOT NULL"
	if c.NotNull == set {
		return nil
	}
	if set {
		if err := r.checkNoNulls(t, c.Name); err != nil {
			return err
		}
	} else if contains(t.Primary, c.Name) {
		return op.Errorf(op.InvalidArgument, "column %q is in a primary key", c.Name)
	} else if c.Identity != "" {
		return op.Errorf(op.Syntax, "column %q of relation %q is an identity column", c.Name, t.Name)
	}
	c.NotNull = set
	return r.sync(t)
}

// indexAction runs MySQL's index actions.
func (r *run) indexAction(t *catalog.Table, a *tree.AlterAction) error {
	switch a.Kind {
	case "ADD INDEX":
		return r.createIndex(t, a.Index)
	case "DROP INDEX":
		if t.PrimaryName == a.Name || hasConstraint(t, a.Name) {
			return r.dropConstraint(t, a.Name, a.Cascade)
		}
		return r.dropIndex(t, a.Name)
	}
	return r.renameIndex(t, a.Name, a.NewName)
}

// autoIncrement sets MySQL's next AUTO_INCREMENT value.
func (r *run) autoIncrement(t *catalog.Table, a *tree.AlterAction) error {
	for _, c := range t.Columns {
		if q := r.cat.Seqs[catalog.Key{Schema: t.Schema, Name: c.Serial}]; c.Serial != "" && q != nil {
			return r.setSequence(q, a.Value)
		}
	}
	return nil
}

// identity runs ADD, SET and DROP IDENTITY.
func (r *run) identity(t *catalog.Table, a *tree.AlterAction) error {
	c, err := r.column(t, a.Name)
	if err != nil {
		return err
	}
	switch a.Kind {
	case "ADD IDENTITY":
		if c.Identity != "" || c.Serial != "" || c.Default != "" {
			return op.Errorf(op.Syntax, "column %q of relation %q already has a default value", c.Name, t.Name)
		}
		if !c.NotNull {
			return op.Errorf(op.InvalidArgument, "column %q of relation %q must be declared NOT NULL before identity can be added", c.Name, t.Name)
		}
		return r.ownSequence(t, c, a.Column)
	case "DROP IDENTITY":
		if c.Identity == "" {
			if a.IfExists {
				return nil
			}
			return op.Errorf(op.InvalidArgument, "column %q of relation %q is not an identity column", c.Name, t.Name)
		}
		k := catalog.Key{Schema: t.Schema, Name: c.Serial}
		c.Identity, c.Serial = "", ""
		return r.removeSequence(k)
	}
	for _, o := range a.Options {
		if o[0] != "generated" {
			return op.Errorf(op.Unsupported, "SET %s of an identity column is not supported; use ALTER SEQUENCE", strings.ToUpper(o[0]))
		}
		c.Identity = "BY DEFAULT"
		if o[1] == "a" || o[1] == "97" {
			c.Identity = "ALWAYS"
		}
	}
	return nil
}

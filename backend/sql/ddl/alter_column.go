package ddl

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// addConstraintAction runs ADD CONSTRAINT.
func (r *run) addConstraintAction(t *catalog.Table, a *tree.AlterAction) error {
	k := *a.Constraint
	if k.UsingIndex != "" {
		return op.Errorf(op.Unsupported, "ADD CONSTRAINT USING INDEX is not supported")
	}
	if k.Kind == "PRIMARY KEY" {
		return r.addPrimaryAction(t, &k)
	}
	before := len(t.Indexes)
	c, err := r.addConstraint(t, &k)
	if err != nil {
		return err
	}
	switch c.Kind {
	case "UNIQUE":
		return r.makeIndex(t, t.Indexes[before])
	case "CHECK":
		if !k.NotValid {
			if err := r.checkRows(t, c); err != nil {
				return err
			}
		}
		return r.sync(t)
	}
	if err := r.sync(t); err != nil {
		return err
	}
	if err := r.indexForeign(t); err != nil || k.NotValid || r.NoForeignKeys {
		return err
	}
	return r.checkForeign(t, c.Name)
}

// addPrimaryAction runs ADD PRIMARY KEY. A key that becomes the rowid needs a
// new table; any other is an index and NOT NULL.
func (r *run) addPrimaryAction(t *catalog.Table, k *tree.Constraint) error {
	before := r.snapshot(t)
	if err := r.addPrimary(t, k); err != nil {
		return err
	}
	for _, c := range t.Primary {
		if err := r.checkNoNulls(before, c); err != nil {
			return err
		}
	}
	if t.RowIDAlias != "" {
		return r.rebuild(before, t, sameColumns(before))
	}
	if err := r.sync(t); err != nil {
		return err
	}
	return r.makeIndex(t, t.Indexes[len(t.Indexes)-1])
}

// snapshot copies an entry without publishing it.
func (r *run) snapshot(t *catalog.Table) *catalog.Table {
	c := *t
	c.Columns = nil
	for _, k := range t.Columns {
		n := *k
		c.Columns = append(c.Columns, &n)
	}
	c.Constraints = append([]*catalog.Constraint(nil), t.Constraints...)
	c.Indexes = append([]*catalog.Index(nil), t.Indexes...)
	return &c
}

// dropConstraintAction runs DROP CONSTRAINT.
func (r *run) dropConstraintAction(t *catalog.Table, a *tree.AlterAction) error {
	if !hasConstraint(t, a.Name) {
		if a.IfExists {
			r.notice(op.NotFound, "constraint \""+a.Name+"\" of relation \""+t.Name+"\" does not exist, skipping")
			return nil
		}
		return &op.Error{Code: op.Undefined, Msg: "constraint \"" + a.Name + "\" of relation \"" + t.Name + "\" does not exist", Object: "constraint", Name: a.Name, Table: t.Name}
	}
	return r.dropConstraint(t, a.Name, a.Cascade)
}

// dropConstraint drops a constraint of a table that may be changed.
func (r *run) dropConstraint(t *catalog.Table, name string, cascade bool) error {
	var key []string
	if name == t.PrimaryName && len(t.Primary) > 0 {
		key = t.Primary
	}
	for _, k := range t.Constraints {
		if k.Name == name && k.Kind == "UNIQUE" {
			key = k.Columns
		}
	}
	if key != nil {
		if err := r.keyDependents(t, name, key, cascade); err != nil {
			return err
		}
	}
	if name == t.PrimaryName && len(t.Primary) > 0 {
		before := r.snapshot(t)
		alias := t.RowIDAlias != ""
		t.Primary, t.PrimaryName, t.RowIDAlias = nil, "", ""
		if err := r.dropIndex(t, name); err != nil {
			return err
		}
		if alias {
			return r.rebuild(before, t, sameColumns(before))
		}
		return nil
	}
	removeConstraint(t, name)
	if key != nil {
		return r.dropIndex(t, name)
	}
	return r.sync(t)
}

// keyDependents refuses, or with CASCADE drops, foreign keys that need a key.
func (r *run) keyDependents(t *catalog.Table, name string, key []string, cascade bool) error {
	var deps []dependent
	on := "constraint " + name + " on table " + t.Name
	for _, c := range r.children(t.Key()) {
		for _, f := range c.Constraints {
			if f.Kind != "FOREIGN KEY" || f.RefTable != t.Key() || len(f.RefColumns) != len(key) {
				continue
			}
			same := true
			for _, k := range f.RefColumns {
				same = same && contains(key, k)
			}
			if same {
				deps = append(deps, dependent{text: "constraint " + f.Name + " on table " + c.Name, on: on, con: f, tab: c})
			}
		}
	}
	if len(deps) > 0 && !cascade {
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
	return r.dependents(nil, deps, true)
}

// alterType runs ALTER COLUMN … TYPE by rewriting the table.
func (r *run) alterType(t *catalog.Table, a *tree.AlterAction) error {
	c, err := r.column(t, a.Name)
	if err != nil {
		return err
	}
	typ, err := r.resolveType(&a.Type)
	if err != nil {
		return err
	}
	for _, v := range r.viewsOn(t.Key()) {
		if n, err := r.Parse(r.dialectOf(v), v.ViewText); err == nil && !namesColumn(n, c.Name) {
			continue
		}
		e := op.Errorf(op.Dependency, "cannot alter type of a column used by a view or rule")
		e.Detail = "rule _RETURN on view " + v.Name + " depends on column \"" + c.Name + "\""
		return e
	}
	before := r.snapshot(t)
	from := sameColumns(before)
	x := a.Using
	if x == nil {
		x = &tree.Ident{Parts: []string{c.Name}}
	}
	s, _, err := r.Lower(r.dialectOf(t), r.cat, before, x, &typ)
	if err != nil {
		return err
	}
	from[c.Name] = s
	c.Type, c.TypeText, c.Collate = typ, a.Type.Name, a.Type.Collate
	r.fitRowID(t)
	return r.rebuild(before, t, from)
}

// fitRowID moves the primary key between rowid and index after its type
// changed.
func (r *run) fitRowID(t *catalog.Table) {
	if len(t.Primary) != 1 {
		return
	}
	c := t.Column(t.Primary[0])
	for _, ix := range t.Indexes {
		if !ix.Primary || c == nil {
			continue
		}
		if rowIDType(c.Type) {
			t.RowIDAlias, ix.Store = c.Name, ""
		} else if t.RowIDAlias != "" {
			t.RowIDAlias = ""
			ix.Store, _ = r.indexStore(t, ix.Name)
		}
	}
}

// changeColumn runs MySQL's MODIFY and CHANGE COLUMN.
func (r *run) changeColumn(t *catalog.Table, a *tree.AlterAction) error {
	c, err := r.column(t, a.Name)
	if err != nil {
		return err
	}
	d := a.Column
	if d.Name != "" && d.Name != c.Name {
		if err := r.renameColumn(t, &tree.AlterAction{Name: c.Name, NewName: d.Name}); err != nil {
			return err
		}
		t = r.edit(r.cat.Tables[t.Key()])
		c = t.Column(d.Name)
	}
	typ, err := r.resolveType(&d.Type)
	if err != nil {
		return err
	}
	before := r.snapshot(t)
	from := sameColumns(before)
	s, _, err := r.Lower(r.dialectOf(t), r.cat, before, &tree.Ident{Parts: []string{c.Name}}, &typ)
	if err != nil {
		return err
	}
	from[c.Name] = s
	keep := *c
	*c = catalog.Column{Name: keep.Name, Attr: keep.Attr, Type: typ, TypeText: d.Type.Name, NotNull: d.NotNull || contains(t.Primary, keep.Name),
		Comment: d.Comment, OnUpdateNow: d.OnUpdateNow, Labels: d.Type.Labels, Collate: d.Type.Collate}
	c.CI = rowDialectMySQL(t) && caseInsensitive(typ, d.Type.Collate)
	if d.Generated != nil {
		c.Generated, c.Stored = d.DefaultText, d.Stored
	} else {
		c.Default = d.DefaultText
	}
	switch {
	case d.Serial && keep.Serial != "":
		c.Serial, c.AutoInc, c.NotNull = keep.Serial, true, true
	case d.Serial:
		if err := r.ownSequence(t, c, d); err != nil {
			return err
		}
	case keep.Serial != "":
		if err := r.removeSequence(catalog.Key{Schema: t.Schema, Name: keep.Serial}); err != nil {
			return err
		}
	}
	if d.First || d.After != "" {
		moveColumn(t, c, d)
	}
	r.fitRowID(t)
	if err := r.rebuild(before, t, from); err != nil {
		return err
	}
	return r.addAll(t, d.Constraints, c.Name)
}

// moveColumn moves a column where MySQL says.
func moveColumn(t *catalog.Table, c *catalog.Column, d *tree.ColumnDef) {
	for i, k := range t.Columns {
		if k == c {
			t.Columns = append(t.Columns[:i:i], t.Columns[i+1:]...)
			break
		}
	}
	place(t, c, d.First, d.After)
}

// typeWord is PostgreSQL's display name of a type, for messages.
func typeWord(t op.Type) string {
	s := typeWords[t.Base]
	if s == "" {
		s = "text"
	}
	if t.Array {
		s += "[]"
	}
	return s
}

// typeWords are display names of types.
var typeWords = map[op.Base]string{
	op.TBoolean: "boolean", op.TInt1: "tinyint", op.TInt2: "smallint", op.TInt3: "mediumint", op.TInt4: "integer", op.TInt8: "bigint",
	op.TFloat4: "real", op.TFloat8: "double precision", op.TNumeric: "numeric", op.TString: "text", op.TVarchar: "character varying",
	op.TChar: "character", op.TBytea: "bytea", op.TDate: "date", op.TTime: "time without time zone", op.TTimeTZ: "time with time zone",
	op.TTimestamp: "timestamp without time zone", op.TTimestampTZ: "timestamp with time zone", op.TInterval: "interval",
	op.TUUID: "uuid", op.TJSON: "json", op.TJSONB: "jsonb", op.TOID: "oid", op.TName: "name", op.TBit: "bit", op.TInet: "inet",
	op.TRegClass: "regclass", op.TRegType: "regtype", op.TYear: "year", op.TXID: "xid",
}

// isMySQL tells the dialect of the session.
func (r *run) isMySQL() bool { return r.Dialect == rel.MySQL }

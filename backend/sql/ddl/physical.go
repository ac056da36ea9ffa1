package ddl

import (
	"sort"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// rebuildName is the SQLite table a rebuild fills before it takes the place of
// the old one.
const rebuildName = "_dotdo_rebuild"

// sortTables sorts by creation.
func sortTables(l []*catalog.Table) {
	sort.Slice(l, func(i, j int) bool { return l[i].OID < l[j].OID })
}

// setText replaces the stored CREATE TABLE texts of SQLite tables whose
// columns stay the same. It is how constraints come and go without copying
// rows, and without the implicit DELETE of a DROP TABLE, which would fire
// foreign key actions.
func (r *run) setText(texts map[string]string) error {
	if len(texts) == 0 {
		return nil
	}
	if err := r.d.Exec("PRAGMA writable_schema = ON"); err != nil {
		return err
	}
	for name, text := range texts {
		if err := r.d.Exec("UPDATE sqlite_schema SET sql = ?1 WHERE type = 'table' AND name = ?2", op.Text(text), op.Text(name)); err != nil {
			return err
		}
	}
	rows, err := r.d.Query("PRAGMA schema_version")
	if err != nil || len(rows) != 1 {
		return op.Errorf(op.Internal, "read schema version: %v", err)
	}
	if err := r.d.Exec("PRAGMA schema_version = " + itoa(rows[0][0].Int()+1)); err != nil {
		return err
	}
	return r.d.Exec("PRAGMA writable_schema = RESET")
}

// sync brings the SQLite text of a table in line with its catalog entry when
// only constraints changed.
func (r *run) sync(t *catalog.Table) error {
	text, err := r.render(t, t.Store, true)
	if err != nil {
		return err
	}
	return r.setText(map[string]string{t.Store: text})
}

// children lists the tables with a foreign key to t, t itself included.
func (r *run) children(t catalog.Key) []*catalog.Table {
	var out []*catalog.Table
	for _, c := range r.cat.Tables {
		for _, k := range c.Constraints {
			if k.Kind == "FOREIGN KEY" && k.RefTable == t {
				out = append(out, c)
				break
			}
		}
	}
	sortTables(out)
	return out
}

// cutForeign rewrites the SQLite texts of tables without foreign keys and
// returns the tables, so that a parent can be dropped without actions.
func (r *run) cutForeign(l []*catalog.Table) error {
	texts := map[string]string{}
	for _, c := range l {
		t, err := r.render(c, c.Store, false)
		if err != nil {
			return err
		}
		texts[c.Store] = t
	}
	return r.setText(texts)
}

// restoreForeign rewrites the SQLite texts of tables in full.
func (r *run) restoreForeign(l []*catalog.Table) error {
	texts := map[string]string{}
	for _, c := range l {
		t, err := r.render(c, c.Store, true)
		if err != nil {
			return err
		}
		texts[c.Store] = t
	}
	return r.setText(texts)
}

// rebuild copies a table into its new form. before describes the SQLite table
// as it is, after (already in the catalog) as it shall be; from gives for each
// column of after the SQLite expression over before.
func (r *run) rebuild(before, after *catalog.Table, from map[string]string) error {
	kin := r.children(after.Key())
	self := false
	for _, c := range kin {
		self = self || c.Key() == after.Key()
	}
	if err := r.cutOthers(kin, before, after); err != nil {
		return err
	}
	text, err := r.render(after, rebuildName, false)
	if err != nil {
		return err
	}
	if err := r.d.Exec(text); err != nil {
		return err
	}
	var cols, exprs []string
	if after.RowIDAlias == "" && before.RowIDAlias == "" {
		cols, exprs = append(cols, "rowid"), append(exprs, "rowid")
	}
	for _, c := range after.Columns {
		if c.Generated != "" {
			continue
		}
		e, ok := from[c.Name]
		if !ok {
			e = "NULL"
		}
		cols, exprs = append(cols, catalog.Quote(c.Name)), append(exprs, e)
	}
	err = r.d.Exec("INSERT INTO " + catalog.Quote(rebuildName) + "(" + strings.Join(cols, ", ") + ") SELECT " +
		strings.Join(exprs, ", ") + " FROM " + catalog.Quote(before.Store) + " ORDER BY rowid")
	if err != nil {
		return r.explain(before, after, err)
	}
	if err := r.d.Exec("DROP TABLE " + catalog.Quote(before.Store)); err != nil {
		return err
	}
	if err := r.d.Exec("ALTER TABLE " + catalog.Quote(rebuildName) + " RENAME TO " + catalog.Quote(after.Store)); err != nil {
		return err
	}
	for _, ix := range after.Indexes {
		if err := r.makeIndex(after, ix); err != nil {
			return err
		}
	}
	if !self {
		kin = append(kin, after)
	}
	return r.restoreForeign(kin)
}

// cutOthers removes the foreign keys of the children and of the old table
// itself, whose catalog entry is before.
func (r *run) cutOthers(kin []*catalog.Table, before, after *catalog.Table) error {
	var l []*catalog.Table
	for _, c := range kin {
		if c.Key() != after.Key() {
			l = append(l, c)
		}
	}
	return r.cutForeign(append(l, before))
}

// explain turns a failed copy into PostgreSQL's error.
func (r *run) explain(before, after *catalog.Table, err error) error {
	for _, c := range after.Columns {
		if !c.NotNull || before.Column(c.Name) == nil || before.Column(c.Name).NotNull {
			continue
		}
		if e := r.checkNoNulls(before, c.Name); e != nil {
			return e
		}
	}
	if after.RowIDAlias != "" && before.Column(after.RowIDAlias) != nil {
		if e := r.duplicates(before, []string{after.RowIDAlias}, after.PrimaryName); e != nil {
			return e
		}
	}
	return err
}

// checkNoNulls fails when a stored column holds NULL.
func (r *run) checkNoNulls(t *catalog.Table, col string) error {
	rows, err := r.d.Query("SELECT 1 FROM " + catalog.Quote(t.Store) + " WHERE " + catalog.Quote(col) + " IS NULL LIMIT 1")
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return &op.Error{Code: op.NotNullViolation, Msg: "column \"" + col + "\" of relation \"" + t.Name + "\" contains null values",
			Schema: t.Schema, Table: t.Name, Column: col}
	}
	return nil
}

// duplicates fails when stored rows share a key.
func (r *run) duplicates(t *catalog.Table, cols []string, name string) error {
	list := quoteList(cols)
	var nn []string
	for _, c := range cols {
		nn = append(nn, catalog.Quote(c)+" IS NOT NULL")
	}
	rows, err := r.d.Query("SELECT " + list + " FROM " + catalog.Quote(t.Store) + " WHERE " + strings.Join(nn, " AND ") +
		" GROUP BY " + list + " HAVING count(*) > 1 LIMIT 1")
	if err != nil || len(rows) == 0 {
		return nil
	}
	return &op.Error{Code: op.UniqueViolation, Msg: "could not create unique index \"" + name + "\"", Schema: t.Schema,
		Table: t.Name, Constraint: name, Columns: cols, Values: rows[0]}
}

// makeIndex creates the SQLite index of a catalog index. The key that is the
// rowid has none.
func (r *run) makeIndex(t *catalog.Table, ix *catalog.Index) error {
	if ix.Store == "" {
		return nil
	}
	text, err := r.renderIndex(t, ix)
	if err != nil {
		return err
	}
	if err := r.d.Exec(text); err != nil {
		var cols []string
		for _, i := range ix.Items {
			if i.Column == "" {
				return err
			}
			cols = append(cols, i.Column)
		}
		if ix.Unique && ix.Where == "" {
			if e := r.duplicates(t, cols, ix.Name); e != nil {
				return e
			}
		}
		return err
	}
	return nil
}

// checkForeign fails when stored rows violate a foreign key of a table.
func (r *run) checkForeign(t *catalog.Table, name string) error {
	rows, err := r.d.Query("PRAGMA foreign_key_check(" + catalog.Quote(t.Store) + ")")
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return &op.Error{Code: op.ForeignKey, Msg: "insert or update on table \"" + t.Name + "\" violates foreign key constraint \"" + name + "\"",
			Schema: t.Schema, Table: t.Name, Constraint: name}
	}
	return nil
}

// checkRows fails when a stored row violates a CHECK.
func (r *run) checkRows(t *catalog.Table, k *catalog.Constraint) error {
	e, err := r.lowerText(t, k.Check, &op.Type{Base: op.TBoolean})
	if err != nil {
		return err
	}
	rows, err := r.d.Query("SELECT 1 FROM " + catalog.Quote(t.Store) + " WHERE NOT (" + e + ") LIMIT 1")
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return &op.Error{Code: op.CheckViolation, Msg: "check constraint \"" + k.Name + "\" of relation \"" + t.Name + "\" is violated by some row",
			Schema: t.Schema, Table: t.Name, Constraint: k.Name}
	}
	return nil
}

package ddl

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// renameTable gives a relation another name or schema. References in other
// tables follow; a view that names the relation stands in the way.
func (r *run) renameTable(t *catalog.Table, schema, name string) (*catalog.Table, error) {
	old := t.Key()
	k := catalog.Key{Schema: schema, Name: name}
	if k == old {
		return t, nil
	}
	if err := checkName(name); err != nil {
		return t, err
	}
	if r.taken(k) {
		return t, exists("relation", name)
	}
	if v := r.viewsOn(old); len(v) > 0 {
		return t, op.Errorf(op.Unsupported, "renaming a relation that view %q uses is not supported", v[0].Name)
	}
	kin := r.children(old)
	delete(r.cat.Tables, old)
	for _, ix := range t.Indexes {
		delete(r.cat.Indexes, r.indexKey(t, ix.Name))
	}
	for sk, q := range r.cat.Seqs {
		if q.Schema != t.Schema || q.Table != t.Name {
			continue
		}
		n := *q
		n.Table, n.Schema = name, schema
		delete(r.cat.Seqs, sk)
		r.cat.Seqs[catalog.Key{Schema: schema, Name: n.Name}] = &n
		if c := t.Column(q.Column); c != nil && c.Default != "" && c.Serial == q.Name {
			c.Default = "nextval('" + strings.ReplaceAll(sequenceText(&n), "'", "''") + "'::regclass)"
		}
	}
	t.Schema, t.Name = schema, name
	for _, ix := range t.Indexes {
		ix.Schema, ix.Table = schema, k
		r.cat.Indexes[r.indexKey(t, ix.Name)] = ix
	}
	r.cat.Tables[k] = t
	for _, c := range kin {
		if c.Key() == old {
			c = t
		} else {
			c = r.edit(r.cat.Tables[c.Key()])
		}
		for _, f := range c.Constraints {
			if f.Kind == "FOREIGN KEY" && f.RefTable == old {
				f.RefTable = k
			}
		}
	}
	if t.Kind == catalog.KindView {
		return t, nil
	}
	store, err := r.storeName(schema, name)
	if err != nil {
		return t, err
	}
	was := t.Store
	t.Store = store
	return t, r.d.Exec("ALTER TABLE " + catalog.Quote(was) + " RENAME TO " + catalog.Quote(store))
}

// renameColumn renames a column and every stored text that names it.
func (r *run) renameColumn(t *catalog.Table, a *tree.AlterAction) error {
	c, err := r.column(t, a.Name)
	if err != nil {
		return err
	}
	was, now := c.Name, a.NewName
	if was == now {
		return nil
	}
	for _, k := range t.Columns {
		if k != c && strings.EqualFold(k.Name, now) {
			return &op.Error{Code: op.DuplicateColumn, Msg: "column \"" + now + "\" of relation \"" + t.Name + "\" already exists", Column: now}
		}
	}
	for _, v := range r.viewsOn(t.Key()) {
		if n, err := r.Parse(r.dialectOf(v), v.ViewText); err != nil || namesColumn(n, was) {
			return op.Errorf(op.Unsupported, "renaming a column that view %q uses is not supported", v.Name)
		}
	}
	c.Name = now
	swap(t.Primary, was, now)
	if t.RowIDAlias == was {
		t.RowIDAlias = now
	}
	q := func(text string) string { return renameIn(text, was, now, r.isMySQL()) }
	for _, k := range t.Columns {
		k.Generated = q(k.Generated)
	}
	for _, k := range t.Constraints {
		swap(k.Columns, was, now)
		k.Check = q(k.Check)
	}
	for _, ix := range t.Indexes {
		ix.Where = q(ix.Where)
		swap(ix.Include, was, now)
		for i := range ix.Items {
			ix.Items[i].Expr = q(ix.Items[i].Expr)
			if ix.Items[i].Column == was {
				ix.Items[i].Column = now
			}
		}
	}
	for sk, s := range r.cat.Seqs {
		if s.Schema == t.Schema && s.Table == t.Name && s.Column == was {
			n := *s
			n.Column = now
			r.cat.Seqs[sk] = &n
		}
	}
	for _, k := range r.children(t.Key()) {
		if k.Key() != t.Key() {
			k = r.edit(k)
		} else {
			k = t
		}
		for _, f := range k.Constraints {
			if f.Kind == "FOREIGN KEY" && f.RefTable == t.Key() {
				swap(f.RefColumns, was, now)
			}
		}
	}
	return r.d.Exec("ALTER TABLE " + catalog.Quote(t.Store) + " RENAME COLUMN " + catalog.Quote(was) + " TO " + catalog.Quote(now))
}

// swap replaces a name in a list.
func swap(l []string, was, now string) {
	for i := range l {
		if l[i] == was {
			l[i] = now
		}
	}
}

// renameIn replaces a column name in an expression's text, outside string
// literals and where it is no function.
func renameIn(text, was, now string, backtick bool) string {
	if text == "" {
		return ""
	}
	q := `"`
	if backtick {
		q = "`"
	}
	repl := ident(now)
	if backtick {
		repl = q + now + q
	}
	var b strings.Builder
	for i := 0; i < len(text); {
		switch ch := text[i]; {
		case ch == '\'' || ch == q[0]:
			j := i + 1
			for j < len(text) && text[j] != ch {
				j++
			}
			j = min(j+1, len(text))
			if ch == q[0] && text[i:j] == q+was+q {
				b.WriteString(repl)
			} else {
				b.WriteString(text[i:j])
			}
			i = j
		case nameByte(ch):
			j := i
			for j < len(text) && (nameByte(text[j]) || text[j] >= '0' && text[j] <= '9') {
				j++
			}
			rest := strings.TrimLeft(text[j:], " ")
			if text[i:j] == was && !strings.HasPrefix(rest, "(") {
				b.WriteString(repl)
			} else {
				b.WriteString(text[i:j])
			}
			i = j
		default:
			b.WriteByte(ch)
			i++
		}
	}
	return b.String()
}

// nameByte tells bytes of a plain name.
func nameByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= 0x80
}

// renameConstraint runs RENAME CONSTRAINT.
func (r *run) renameConstraint(t *catalog.Table, a *tree.AlterAction) error {
	if !hasConstraint(t, a.Name) {
		return &op.Error{Code: op.Undefined, Msg: "constraint \"" + a.Name + "\" for table \"" + t.Name + "\" does not exist", Object: "constraint", Name: a.Name}
	}
	if hasConstraint(t, a.NewName) {
		return exists("constraint", a.NewName)
	}
	for _, ix := range t.Indexes {
		if ix.Name == a.Name && ix.Constraint {
			if err := r.renameIndex(t, a.Name, a.NewName); err != nil {
				return err
			}
			break
		}
	}
	if len(t.Primary) > 0 && t.PrimaryName == a.Name {
		t.PrimaryName = a.NewName
	}
	for _, k := range t.Constraints {
		if k.Name == a.Name {
			k.Name = a.NewName
		}
	}
	return r.sync(t)
}

// renameIndex renames an index and, behind a key, its SQLite index.
func (r *run) renameIndex(t *catalog.Table, was, now string) error {
	if err := checkName(now); err != nil {
		return err
	}
	if r.taken(r.indexKey(t, now)) {
		return exists("relation", now)
	}
	for _, ix := range t.Indexes {
		if ix.Name != was {
			continue
		}
		if ix.Store != "" {
			if err := r.d.Exec("DROP INDEX " + catalog.Quote(ix.Store)); err != nil {
				return err
			}
			var err error
			if ix.Store, err = r.indexStore(t, now); err != nil {
				return err
			}
		}
		delete(r.cat.Indexes, r.indexKey(t, was))
		ix.Name = now
		r.cat.Indexes[r.indexKey(t, now)] = ix
		return r.makeIndex(t, ix)
	}
	return missing("index", tree.Name{Name: was})
}

// alterIndex runs ALTER INDEX … RENAME.
func (r *run) alterIndex(s *tree.AlterTable) error {
	t, ix := r.findIndex(s.Table, tree.Name{})
	if ix == nil {
		if s.IfExists {
			r.notice(op.NotFound, "relation \""+s.Table.Name+"\" does not exist, skipping")
			return nil
		}
		return missing("relation", s.Table)
	}
	t = r.edit(t)
	for _, a := range s.Actions {
		switch a.Kind {
		case "RENAME":
			if ix.Constraint {
				return r.renameConstraint(t, &tree.AlterAction{Name: ix.Name, NewName: a.NewName})
			}
			return r.renameIndex(t, ix.Name, a.NewName)
		case "NOOP", "SET OPTIONS", "OWNER":
		default:
			return op.Errorf(op.Unsupported, "ALTER INDEX %s is not supported", a.Kind)
		}
	}
	return nil
}

// alterSequenceName runs ALTER SEQUENCE … RENAME and SET SCHEMA.
func (r *run) alterSequenceName(s *tree.AlterTable) error {
	q := r.findSeq(s.Table)
	if q == nil {
		if s.IfExists {
			r.notice(op.NotFound, "relation \""+s.Table.Name+"\" does not exist, skipping")
			return nil
		}
		return missing("relation", s.Table)
	}
	for _, a := range s.Actions {
		n := *q
		switch a.Kind {
		case "RENAME":
			n.Name = a.NewName
		case "SET SCHEMA":
			if q.Table != "" || !r.hasSchema(a.Schema) {
				return op.Errorf(op.Unsupported, "cannot move this sequence into another schema")
			}
			n.Schema = a.Schema
		case "NOOP", "OWNER":
			continue
		default:
			return op.Errorf(op.Unsupported, "ALTER SEQUENCE %s is not supported", a.Kind)
		}
		k := catalog.Key{Schema: n.Schema, Name: n.Name}
		if err := checkName(n.Name); err != nil {
			return err
		}
		if r.taken(k) {
			return exists("relation", n.Name)
		}
		delete(r.cat.Seqs, catalog.Key{Schema: q.Schema, Name: q.Name})
		r.cat.Seqs[k] = &n
		if t := r.cat.Tables[catalog.Key{Schema: q.Schema, Name: q.Table}]; t != nil {
			if c := r.edit(t).Column(q.Column); c != nil && c.Serial == q.Name {
				c.Serial = n.Name
				if c.Default != "" {
					c.Default = "nextval('" + strings.ReplaceAll(sequenceText(&n), "'", "''") + "'::regclass)"
				}
			}
		}
		q = &n
	}
	return nil
}

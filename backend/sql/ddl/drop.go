package ddl

import (
	"fmt"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// drop runs DROP.
func (r *run) drop(s *tree.Drop) error {
	switch s.Kind {
	case "TABLE", "VIEW", "MATERIALIZED VIEW":
		return r.dropRelations(s)
	case "INDEX":
		return r.each(s, r.dropIndexNamed)
	case "SEQUENCE":
		return r.each(s, r.dropSequence)
	case "SCHEMA":
		return r.each(s, r.dropSchema)
	case "ROLE":
		return r.each(s, r.dropRole)
	case "TYPE", "DOMAIN":
		return r.each(s, r.dropType)
	case "EXTENSION", "FUNCTION", "TRIGGER", "POLICY", "RULE", "AGGREGATE", "PROCEDURE", "ROUTINE", "COLLATION", "PUBLICATION", "OPERATOR":
		return r.each(s, func(s *tree.Drop, n tree.Name) (bool, error) { return false, nil })
	}
	return op.Errorf(op.Unsupported, "DROP %s is not supported", s.Kind)
}

// word is the lower-case word of a kind for messages.
func word(kind string) string {
	b := []byte(kind)
	for i := range b {
		if b[i] >= 'A' && b[i] <= 'Z' {
			b[i] += 'a' - 'A'
		}
	}
	return string(b)
}

// each drops names one by one; fn reports whether there was such an object.
func (r *run) each(s *tree.Drop, fn func(*tree.Drop, tree.Name) (bool, error)) error {
	for _, n := range s.Names {
		ok, err := fn(s, n)
		if err != nil {
			return err
		}
		if ok {
			continue
		}
		if !s.IfExists {
			return missing(word(s.Kind), n)
		}
		r.notice(op.NotFound, word(s.Kind)+" \""+n.Name+"\" does not exist, skipping")
	}
	return nil
}

// kinds maps a DROP kind to the table kinds it may drop.
func kinds(kind string, k catalog.TableKind) bool {
	switch kind {
	case "VIEW":
		return k == catalog.KindView
	case "MATERIALIZED VIEW":
		return k == catalog.KindMatView
	}
	return k == catalog.KindTable || k == catalog.KindCollection
}

// kindWord names a table's kind.
func kindWord(t *catalog.Table) string {
	switch t.Kind {
	case catalog.KindView:
		return "view"
	case catalog.KindMatView:
		return "materialized view"
	}
	return "table"
}

// dropRelations drops tables or views together, so that references between
// them do no harm.
func (r *run) dropRelations(s *tree.Drop) error {
	var list []*catalog.Table
	for _, n := range s.Names {
		t := r.find(n)
		if t == nil {
			if !s.IfExists {
				return missing(word(s.Kind), n)
			}
			r.notice(op.NotFound, word(s.Kind)+" \""+n.Name+"\" does not exist, skipping")
			continue
		}
		if !kinds(s.Kind, t.Kind) {
			e := op.Errorf(op.TypeMismatch, "%q is not a %s", t.Name, word(s.Kind))
			e.Hint = "Use DROP " + upper(kindWord(t)) + " to remove a " + kindWord(t) + "."
			return e
		}
		list = append(list, t)
	}
	return r.dropTables(list, s.Cascade)
}

// upper is the inverse of word.
func upper(s string) string {
	b := []byte(s)
	for i := range b {
		if b[i] >= 'a' && b[i] <= 'z' {
			b[i] -= 'a' - 'A'
		}
	}
	return string(b)
}

// dependent is something that would be dropped, too.
type dependent struct {
	text string // as messages name it
	on   string
	view *catalog.Table
	con  *catalog.Constraint
	tab  *catalog.Table
}

// dropTables drops relations after their dependents.
func (r *run) dropTables(list []*catalog.Table, cascade bool) error {
	set := map[catalog.Key]bool{}
	for _, t := range list {
		set[t.Key()] = true
	}
	var deps []dependent
	for i := 0; i < len(list); i++ {
		t := list[i]
		on := kindWord(t) + " " + t.Name
		for _, v := range r.viewsOn(t.Key()) {
			if set[v.Key()] || r.Dialect == rel.MySQL && !cascade {
				continue // a MySQL view outlives its tables
			}
			set[v.Key()] = true
			deps = append(deps, dependent{text: kindWord(v) + " " + v.Name, on: on, view: v})
			list = append(list, v)
		}
		for _, c := range r.children(t.Key()) {
			if set[c.Key()] || r.NoForeignKeys {
				continue
			}
			for _, k := range c.Constraints {
				if k.Kind == "FOREIGN KEY" && k.RefTable == t.Key() {
					deps = append(deps, dependent{text: "constraint " + k.Name + " on table " + c.Name, on: on, con: k, tab: c})
				}
			}
		}
	}
	if err := r.dependents(list, deps, cascade); err != nil {
		return err
	}
	return r.removeTables(list)
}

// dependents refuses or announces what else is dropped, and removes foreign
// keys of other tables.
func (r *run) dependents(list []*catalog.Table, deps []dependent, cascade bool) error {
	if len(deps) == 0 {
		return nil
	}
	if !cascade {
		e := op.Errorf(op.Dependency, "cannot drop %s because other objects depend on it", kindWord(list[0])+" "+list[0].Name)
		if len(list) > 1 && deps[0].on != kindWord(list[0])+" "+list[0].Name {
			e.Msg = "cannot drop " + deps[0].on + " because other objects depend on it"
		}
		for i, d := range deps {
			if i > 0 {
				e.Detail += "\n"
			}
			e.Detail += d.text + " depends on " + d.on
		}
		e.Hint = "Use DROP ... CASCADE to drop the dependent objects too."
		return e
	}
	if len(deps) == 1 {
		r.notice(0, "drop cascades to "+deps[0].text)
	} else {
		r.notice(0, fmt.Sprintf("drop cascades to %d other objects", len(deps)))
	}
	for _, d := range deps {
		if d.con == nil {
			continue
		}
		t := r.edit(r.cat.Tables[d.tab.Key()])
		removeConstraint(t, d.con.Name)
		if err := r.sync(t); err != nil {
			return err
		}
	}
	return nil
}

// removeConstraint takes a constraint out of a table's entry.
func removeConstraint(t *catalog.Table, name string) {
	for i, k := range t.Constraints {
		if k.Name == name {
			t.Constraints = append(t.Constraints[:i:i], t.Constraints[i+1:]...)
			return
		}
	}
}

// removeTables removes relations whose dependents are gone or in the list.
func (r *run) removeTables(list []*catalog.Table) error {
	var stored []*catalog.Table
	for _, t := range list {
		if t.Kind == catalog.KindTable {
			stored = append(stored, r.cat.Tables[t.Key()])
		}
	}
	if err := r.cutForeign(stored); err != nil {
		return err
	}
	for _, t := range list {
		if t.Kind != catalog.KindView {
			if err := r.d.Exec("DROP TABLE IF EXISTS " + catalog.Quote(t.Store)); err != nil {
				return err
			}
		}
		for _, ix := range t.Indexes {
			delete(r.cat.Indexes, r.indexKey(t, ix.Name))
		}
		for k, q := range r.cat.Seqs {
			if q.Schema == t.Schema && q.Table == t.Name {
				if err := r.removeSequence(k); err != nil {
					return err
				}
			}
		}
		delete(r.cat.Tables, t.Key())
	}
	if !r.NoForeignKeys {
		return nil
	}
	for _, t := range list { // foreign keys that now refer to nothing
		for _, c := range r.children(t.Key()) {
			if err := r.sync(c); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropIndexNamed drops one index.
func (r *run) dropIndexNamed(s *tree.Drop, n tree.Name) (bool, error) {
	t, ix := r.findIndex(n, s.Table)
	if ix == nil {
		return false, nil
	}
	if ix.Constraint && rel.Dialect(t.Dialect) != rel.MySQL {
		e := op.Errorf(op.Dependency, "cannot drop index %s because constraint %s on table %s requires it", ix.Name, ix.Name, t.Name)
		e.Hint = "You can drop constraint " + ix.Name + " on table " + t.Name + " instead."
		return true, e
	}
	t = r.edit(t)
	if ix.Constraint {
		return true, r.dropConstraint(t, ix.Name, s.Cascade)
	}
	return true, r.dropIndex(t, ix.Name)
}

// dropSequence drops one sequence.
func (r *run) dropSequence(s *tree.Drop, n tree.Name) (bool, error) {
	q := r.findSeq(n)
	if q == nil {
		return false, nil
	}
	for _, t := range r.cat.Tables {
		for _, c := range t.Columns {
			if t.Schema != q.Schema || c.Serial != q.Name {
				continue
			}
			if !s.Cascade || c.Identity != "" {
				e := op.Errorf(op.Dependency, "cannot drop sequence %s because other objects depend on it", q.Name)
				e.Detail = "default value for column " + c.Name + " of table " + t.Name + " depends on sequence " + q.Name
				e.Hint = "Use DROP ... CASCADE to drop the dependent objects too."
				return true, e
			}
			k := r.edit(t).Column(c.Name)
			k.Serial, k.Default = "", ""
			r.notice(0, "drop cascades to default value for column "+c.Name+" of table "+t.Name)
		}
	}
	return true, r.removeSequence(catalog.Key{Schema: q.Schema, Name: q.Name})
}

// dropSchema drops one schema and, with CASCADE, what is in it.
func (r *run) dropSchema(s *tree.Drop, n tree.Name) (bool, error) {
	if systemSchema(n.Name) && n.Name != r.tempSchema() {
		return true, op.Errorf(op.Forbidden, "cannot drop schema %s because it is required by the database system", n.Name)
	}
	if !r.hasSchema(n.Name) {
		return false, nil
	}
	var list []*catalog.Table
	for k, t := range r.cat.Tables {
		if k.Schema == n.Name {
			list = append(list, t)
		}
	}
	sortTables(list)
	var seqs []catalog.Key
	for k, q := range r.cat.Seqs {
		if k.Schema == n.Name && q.Table == "" {
			seqs = append(seqs, k)
		}
	}
	if len(list)+len(seqs) > 0 && !s.Cascade {
		e := op.Errorf(op.Dependency, "cannot drop schema %s because other objects depend on it", n.Name)
		e.Hint = "Use DROP ... CASCADE to drop the dependent objects too."
		return true, e
	}
	if n.Name == "public" {
		return true, op.Errorf(op.Unsupported, "dropping schema public is not supported")
	}
	if err := r.dropTables(list, true); err != nil {
		return true, err
	}
	for _, k := range seqs {
		if err := r.removeSequence(k); err != nil {
			return true, err
		}
	}
	delete(r.cat.Schemas, n.Name)
	return true, nil
}

// dropRole drops one role.
func (r *run) dropRole(_ *tree.Drop, n tree.Name) (bool, error) {
	if n.Name == r.User {
		return true, op.Errorf(op.Dependency, "current user cannot be dropped")
	}
	if r.cat.Roles[n.Name] == nil {
		return false, nil
	}
	delete(r.cat.Roles, n.Name)
	return true, nil
}

// dialectOf is the dialect a relation was made in.
func (r *run) dialectOf(t *catalog.Table) rel.Dialect { return rel.Dialect(t.Dialect) }

// rowDialectMySQL tells relations made by MySQL clients.
func rowDialectMySQL(t *catalog.Table) bool { return rel.Dialect(t.Dialect) == rel.MySQL }

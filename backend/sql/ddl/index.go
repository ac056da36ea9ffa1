package ddl

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// createIndexStmt runs CREATE INDEX.
func (r *run) createIndexStmt(s *tree.CreateIndex) error {
	t, err := r.table(s.Table)
	if err != nil {
		return err
	}
	if t.Kind != catalog.KindTable && t.Kind != catalog.KindMatView {
		return op.Errorf(op.TypeMismatch, "cannot create index on relation %q", t.Name)
	}
	return r.createIndex(r.edit(t), s)
}

// createIndex adds an index to a table that may be changed.
func (r *run) createIndex(t *catalog.Table, s *tree.CreateIndex) error {
	ix, err := r.indexEntry(t, s)
	if err != nil || ix == nil {
		return err
	}
	return r.makeIndex(t, ix)
}

// indexEntry adds the entry of a new index; nil when IF NOT EXISTS finds it.
func (r *run) indexEntry(t *catalog.Table, s *tree.CreateIndex) (*catalog.Index, error) {
	switch method := strings.ToLower(s.Method); {
	case s.FullText:
		return nil, op.Errorf(op.Unsupported, "FULLTEXT indexes are not supported")
	case s.NullsNotDistinct:
		return nil, op.Errorf(op.Unsupported, "NULLS NOT DISTINCT is not supported")
	case method == "gin" || method == "gist" || method == "spgist" || method == "rtree":
		return nil, op.Errorf(op.Unsupported, "access method %q is not supported", s.Method)
	case method != "" && method != "btree" && method != "hash" && method != "brin":
		return nil, op.Errorf(op.Undefined, "access method %q does not exist", s.Method)
	}
	name := s.Name
	if name == "" {
		name = r.defaultIndexName(t, s)
	}
	if err := checkName(name); err != nil {
		return nil, err
	}
	k := r.indexKey(t, name)
	if r.taken(k) {
		if s.IfNotExists {
			r.notice(op.AlreadyExists, "relation \""+name+"\" already exists, skipping")
			return nil, nil
		}
		return nil, exists("relation", name)
	}
	ix := &catalog.Index{OID: r.d.OID(), Schema: t.Schema, Name: name, Table: t.Key(), Unique: s.Unique, Method: "btree", Where: s.WhereText}
	for _, i := range s.Items {
		item := catalog.IndexItem{Desc: i.Desc, NullsFirst: i.NullsFirst, Length: i.Length, Expr: i.Text}
		if i.Column != "" {
			item.Column, item.Expr = r.fold(t, []string{i.Column})[0], ""
			if t.Column(item.Column) == nil {
				return nil, &op.Error{Code: op.NoColumn, Msg: "column \"" + i.Column + "\" does not exist", Column: i.Column, Name: i.Column, Table: t.Name}
			}
		}
		ix.Items = append(ix.Items, item)
	}
	ix.Include = r.fold(t, s.Include)
	if err := checkColumns(t, ix.Include, "named in INCLUDE"); err != nil {
		return nil, err
	}
	var err error
	if ix.Store, err = r.indexStore(t, name); err != nil {
		return nil, err
	}
	t.Indexes = append(t.Indexes, ix)
	r.cat.Indexes[k] = ix
	return ix, nil
}

// defaultIndexName makes PostgreSQL's or MySQL's name of an unnamed index.
func (r *run) defaultIndexName(t *catalog.Table, s *tree.CreateIndex) string {
	var parts []string
	for _, i := range s.Items {
		parts = append(parts, itemName(i))
	}
	if rel.Dialect(t.Dialect) == rel.MySQL {
		return mysqlIndexName(t, parts[0])
	}
	return r.relationName(t.Schema, t.Name, strings.Join(parts, "_"), "idx")
}

// findIndex returns an index and its table by name.
func (r *run) findIndex(n tree.Name, on tree.Name) (*catalog.Table, *catalog.Index) {
	if on.Name != "" {
		if t := r.find(on); t != nil {
			for _, ix := range t.Indexes {
				if ix.Name == n.Name || rel.Dialect(t.Dialect) == rel.MySQL && strings.EqualFold(ix.Name, n.Name) {
					return t, ix
				}
			}
		}
		return nil, nil
	}
	for _, k := range r.keys(n) {
		if ix := r.cat.Indexes[k]; ix != nil {
			return r.cat.Tables[ix.Table], ix
		}
	}
	return nil, nil
}

// dropIndex removes an index from a table that may be changed and from the
// file.
func (r *run) dropIndex(t *catalog.Table, name string) error {
	for i, ix := range t.Indexes {
		if ix.Name != name {
			continue
		}
		t.Indexes = append(t.Indexes[:i:i], t.Indexes[i+1:]...)
		delete(r.cat.Indexes, r.indexKey(t, name))
		if ix.Store != "" {
			return r.d.Exec("DROP INDEX IF EXISTS " + catalog.Quote(ix.Store))
		}
		return nil
	}
	return missing("index", tree.Name{Name: name})
}

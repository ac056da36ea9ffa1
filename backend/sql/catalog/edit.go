package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
)

// FirstOID is the first object identifier given to user objects, as in
// PostgreSQL.
const FirstOID = 16384

// New returns the catalog of a new object: schema public and nothing else.
func New() *Snapshot {
	return &Snapshot{Version: 1, NextOID: FirstOID,
		Schemas: map[string]*Schema{"public": {OID: 2200, Name: "public", Comment: "standard public schema"}},
		Tables:  map[Key]*Table{}, Seqs: map[Key]*Sequence{}, Indexes: map[Key]*Index{}, Roles: map[string]*Role{}, Types: map[Key]*Type{}}
}

// Edit returns a copy whose maps may be changed. The things in them are shared
// with s: replace a Table (see Table.Clone), never change it in place.
func (s *Snapshot) Edit() *Snapshot {
	c := *s
	c.Schemas, c.Tables, c.Seqs = maps.Clone(s.Schemas), maps.Clone(s.Tables), maps.Clone(s.Seqs)
	c.Indexes, c.Roles, c.Types = maps.Clone(s.Indexes), maps.Clone(s.Roles), maps.Clone(s.Types)
	if c.Types == nil {
		c.Types = map[Key]*Type{}
	}
	return &c
}

// OID returns a fresh object identifier of an edited catalog.
func (s *Snapshot) OID() uint32 {
	s.NextOID++
	return s.NextOID - 1
}

// Clone copies a table deeply enough to change its columns, constraints and
// index list.
func (t *Table) Clone() *Table {
	c := *t
	c.Columns = make([]*Column, len(t.Columns))
	for i, col := range t.Columns {
		cc := *col
		c.Columns[i] = &cc
	}
	c.Constraints = make([]*Constraint, len(t.Constraints))
	for i, con := range t.Constraints {
		cc := *con
		c.Constraints[i] = &cc
	}
	c.Indexes = append([]*Index(nil), t.Indexes...)
	c.Primary = append([]string(nil), t.Primary...)
	c.Options = maps.Clone(t.Options)
	return &c
}

// Decode reads the stored form.
func Decode(b []byte) (*Snapshot, error) {
	s := New()
	if err := json.Unmarshal(b, s); err != nil {
		return nil, fmt.Errorf("decode catalog: %w", err)
	}
	// Table.Indexes and Snapshot.Indexes name the same indexes: share them.
	s.Indexes = map[Key]*Index{}
	for _, t := range s.Tables {
		for _, x := range t.Indexes {
			s.Indexes[t.IndexKey(x.Name)] = x
		}
	}
	return s, nil
}

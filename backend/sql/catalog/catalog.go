// Package catalog is the neutral schema catalog of one object: typed tables,
// constraints, indexes, views, sequences and collections, shared by every
// dialect and family. A Snapshot is immutable and published atomically; DDL
// makes a new one inside its write transaction. It is stored as JSON, one row
// an object, in the system table _dotdo_catalog (store.go).
package catalog

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Snapshot is the catalog at one version. It is never changed after it is
// published: copy with Edit.
type Snapshot struct {
	Version uint64 // increases with every DDL commit of the object
	NextOID uint32 // first is 16384
	Schemas map[string]*Schema
	Tables  map[Key]*Table // tables, views, materialized views, collections
	Seqs    map[Key]*Sequence
	Indexes map[Key]*Index `json:"-"` // by schema and name; the same pointers as in Table.Indexes
	Roles   map[string]*Role
	Types   map[Key]*Type
}

// Key names an object in a schema.
type Key struct{ Schema, Name string }

// MarshalText renders a key for JSON maps.
func (k Key) MarshalText() ([]byte, error) { return []byte(k.Schema + "\x00" + k.Name), nil }

// UnmarshalText reads MarshalText's form.
func (k *Key) UnmarshalText(b []byte) error {
	k.Schema, k.Name, _ = strings.Cut(string(b), "\x00")
	return nil
}

// Schema is a namespace.
type Schema struct {
	OID     uint32
	Name    string
	Comment string
}

// Type is an enum or a domain. A domain is its base type with conditions: its
// name stands in Column.Domain, never in op.Type.
type Type struct {
	OID     uint32 // the array type is OID+1
	Schema  string
	Name    string
	Labels  []string  // enum, in order
	Sorts   []float64 // sort numbers of Labels; missing = 1, 2, 3 …
	Base    op.Type   // domain; for an enum TUnknown
	NotNull bool
	Default string
	Checks  []DomainCheck
	Comment string
}

// DomainCheck is one CHECK of a domain; the text says VALUE.
type DomainCheck struct {
	OID  uint32
	Name string
	Text string
}

// Sort returns the sort number of the i-th label.
func (t *Type) Sort(i int) float64 {
	if i < len(t.Sorts) {
		return t.Sorts[i]
	}
	return float64(i + 1)
}

// Op returns the type of values: an enum, or a domain's base type.
func (t *Type) Op() op.Type {
	if t.Base.Base != op.TUnknown {
		return t.Base
	}
	return op.Type{Base: op.TEnum, OID: t.OID}
}

// TypeByOID finds an enum, or a domain, by its identifier or that of its array
// type.
func (s *Snapshot) TypeByOID(oid uint32) *Type {
	for _, t := range s.Types {
		if oid != 0 && (t.OID == oid || t.OID+1 == oid) {
			return t
		}
	}
	return nil
}

// Role is a user or group as SQL sees it.
type Role struct {
	OID   uint32
	Name  string
	Login bool
}

// TableKind tells what a Table is.
type TableKind uint8

// Table kinds. Numbers are pinned: they are stored.
const (
	KindTable      TableKind = 0
	KindView       TableKind = 1
	KindMatView    TableKind = 2
	KindCollection TableKind = 3 // document collection, readable as (_id text, doc json)
	KindSystem     TableKind = 4 // a table or view the server provides (pg_catalog, information_schema, dotdo)
	KindDocView    TableKind = 5 // a view over documents: a pipeline, not readable through SQL
)

// Table is a relation.
type Table struct {
	OID         uint32
	Schema      string
	Name        string
	Kind        TableKind
	Store       string // SQLite table name: Name in schema public, else "schema.name"
	Columns     []*Column
	Primary     []string // primary key columns
	PrimaryName string   // constraint name
	Constraints []*Constraint
	Indexes     []*Index
	RowIDAlias  string   // integer primary key column that is SQLite's rowid, "" = none
	ViewText    string   // defining query, in Dialect
	ViewPath    []string // search path of the definition
	Dialect     uint8    // rel.Dialect that created it
	Comment     string
	Options     map[string]string // as given: engine, fillfactor, collection options
	Temp        bool
	NextAttr    int16
}

// Column is one column.
type Column struct {
	Name        string
	Attr        int16 // attribute number, never reused
	Type        op.Type
	TypeText    string // as the creating dialect writes it, e.g. "int unsigned"
	NotNull     bool
	Default     string // expression text in the table's dialect, "" = none
	Serial      string // owned sequence name (same schema), "" = none
	Identity    string // "", "ALWAYS", "BY DEFAULT"
	AutoInc     bool   // MySQL AUTO_INCREMENT
	Generated   string // expression text
	Stored      bool
	OnUpdateNow bool
	CI          bool // case-insensitive text (MySQL default collations)
	Collate     string
	Labels      []string // ENUM / SET
	Comment     string
	Domain      *Key // domain of the column
}

// Constraint is CHECK, UNIQUE or FOREIGN KEY (the primary key is in Table).
type Constraint struct {
	OID        uint32
	Name       string
	Kind       string // "CHECK", "UNIQUE", "FOREIGN KEY"
	Columns    []string
	Check      string // expression text in the table's dialect
	RefTable   Key
	RefColumns []string
	OnDelete   string
	OnUpdate   string
	Deferrable bool
	Deferred   bool
}

// Index is a secondary index, or the one behind a constraint.
type Index struct {
	OID        uint32
	Schema     string
	Name       string
	Table      Key
	Unique     bool
	Primary    bool
	Constraint bool // made by a constraint
	Items      []IndexItem
	Include    []string
	Where      string
	Method     string
	Comment    string
	Doc        []byte // document index: the client's definition
	Multikey   bool
	Store      string // SQLite index name; "" = none (the rowid is the key)
}

// IndexItem is one indexed column or expression.
type IndexItem struct {
	Column     string
	Expr       string
	Desc       bool
	NullsFirst bool
	Length     int32
}

// Sequence is a number generator.
type Sequence struct {
	OID       uint32
	Schema    string
	Name      string
	Start     int64
	Increment int64
	Min       int64
	Max       int64
	Cycle     bool
	Type      op.Base
	Table     string // owner, same schema
	Column    string
}

// Column returns the column of a name, nil if there is none.
func (t *Table) Column(name string) *Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// mysqlDialect is rel.MySQL, which this package cannot import.
const mysqlDialect = 2

// IndexKey returns the catalog key of one of the table's indexes. MySQL's index
// names are private to their table.
func (t *Table) IndexKey(name string) Key {
	if t.Dialect == mysqlDialect {
		return Key{t.Schema, t.Name + "." + name}
	}
	return Key{t.Schema, name}
}

// Key returns the table's key.
func (t *Table) Key() Key { return Key{t.Schema, t.Name} }

// StoreName returns the SQLite name of a relation.
func StoreName(schema, name string) string {
	if schema == "public" {
		return name
	}
	return schema + "." + name
}

// Quote writes an SQLite identifier.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

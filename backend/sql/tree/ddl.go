package tree

// CreateTable is CREATE TABLE. As is CREATE TABLE … AS.
type CreateTable struct {
	Name        Name
	IfNotExists bool
	Temp        bool
	Columns     []ColumnDef
	Constraints []Constraint
	Indexes     []CreateIndex // MySQL KEY/INDEX clauses
	Like        []Name
	LikeWith    [][]string // for each Like: INCLUDING words ("DEFAULTS", "INDEXES" …); nil list = all
	As          *Select
	AsColumns   []string
	NoData      bool
	Options     [][2]string // WITH (…), ENGINE=…; accepted when without meaning here
	Comment     string
}

// ColumnDef is one column of CREATE TABLE or ADD COLUMN.
type ColumnDef struct {
	Name        string
	Type        TypeName
	NotNull     bool
	Null        bool // explicitly
	Default     Expr
	DefaultText string // source text of Default or Generated
	Identity    string // "", "ALWAYS", "BY DEFAULT"
	Serial      bool   // serial / AUTO_INCREMENT
	Start       *int64
	Increment   *int64
	Generated   Expr
	Stored      bool
	OnUpdateNow bool            // MySQL
	Sequence    *CreateSequence // further options of an identity column's sequence
	Comment     string
	Constraints []Constraint // column constraints other than the above
	First       bool
	After       string
}

// Constraint is a table or column constraint.
type Constraint struct {
	Kind             string // "PRIMARY KEY", "UNIQUE", "CHECK", "FOREIGN KEY", "EXCLUDE"
	Name             string
	Columns          []string
	Check            Expr
	CheckText        string
	RefTable         Name
	RefColumns       []string
	OnDelete         string // "", "CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION"
	OnUpdate         string
	Match            string
	Deferrable       bool
	Deferred         bool
	UsingIndex       string
	NullsNotDistinct bool
	NotValid         bool
}

// CreateIndex is CREATE INDEX.
type CreateIndex struct {
	Name             string
	Table            Name
	Unique           bool
	IfNotExists      bool
	Method           string
	Items            []IndexItem
	Include          []string
	Where            Expr
	WhereText        string
	Concurrently     bool
	NullsNotDistinct bool
	FullText         bool
	Options          [][2]string
}

// IndexItem is one indexed column or expression.
type IndexItem struct {
	Column     string
	Expr       Expr
	Text       string
	Desc       bool
	NullsFirst bool
	Length     int32 // MySQL prefix
	OpClass    string
	Collate    string
}

// CreateView is CREATE VIEW.
type CreateView struct {
	Name         Name
	Columns      []string
	Query        *Select
	Text         string // the defining query's text
	Replace      bool
	Materialized bool
	IfNotExists  bool
	Temp         bool
}

// CreateType is CREATE TYPE AS ENUM or CREATE DOMAIN (Domain set).
type CreateType struct {
	Name        Name
	Labels      []string
	Domain      *TypeName
	NotNull     bool
	DefaultText string
	Checks      []Constraint
}

// AlterType is ALTER TYPE or ALTER DOMAIN.
type AlterType struct {
	Name     Name
	Domain   bool
	Kind     string // ADD VALUE, RENAME VALUE, RENAME, SET DEFAULT, DROP DEFAULT, SET NOT NULL, DROP NOT NULL, ADD CONSTRAINT, DROP CONSTRAINT
	Value    string // label, constraint or default text
	NewName  string
	Neighbor string // label that ADD VALUE names
	After    bool
	If       bool // IF [NOT] EXISTS
	Check    *Constraint
}

// CreateSchema is CREATE SCHEMA.
type CreateSchema struct {
	Name        string
	IfNotExists bool
}

// CreateSequence is CREATE SEQUENCE.
type CreateSequence struct {
	Name                       Name
	IfNotExists                bool
	Start, Increment, Min, Max *int64
	Cycle                      bool
	OwnedBy                    []string
	Type                       string
	Temp                       bool
}

// AlterSequence is ALTER SEQUENCE.
type AlterSequence struct {
	Name                       Name
	IfExists                   bool
	Restart                    *int64
	RestartDefault             bool
	Start, Increment, Min, Max *int64
	OwnedBy                    []string
	OwnedByNone                bool
}

// Drop drops objects of one kind.
type Drop struct {
	Kind     string // "TABLE", "VIEW", "INDEX", "SEQUENCE", "SCHEMA", "MATERIALIZED VIEW", "TYPE" …
	Names    []Name
	IfExists bool
	Cascade  bool
	Table    Name // MySQL DROP INDEX … ON table
}

// Truncate empties tables.
type Truncate struct {
	Tables  []Name
	Restart bool
	Cascade bool
}

// AlterTable is ALTER TABLE with its actions in order.
type AlterTable struct {
	Table    Name
	IfExists bool
	Kind     string // "TABLE", "VIEW", "INDEX", "SEQUENCE"
	Actions  []AlterAction
}

// AlterAction is one action. Kind says which fields count.
type AlterAction struct {
	Kind        string // ADD COLUMN, DROP COLUMN, RENAME COLUMN, RENAME, RENAME CONSTRAINT, ALTER TYPE, SET DEFAULT, DROP DEFAULT, SET NOT NULL, DROP NOT NULL, ADD CONSTRAINT, DROP CONSTRAINT, ADD INDEX, DROP INDEX, RENAME INDEX, SET SCHEMA, SET IDENTITY, ADD IDENTITY, DROP IDENTITY, MODIFY COLUMN, CHANGE COLUMN, OWNER, SET OPTIONS, AUTO_INCREMENT, VALIDATE, REPLICA IDENTITY, REFRESH, NOOP
	Name        string
	NewName     string
	Schema      string
	Column      *ColumnDef
	Type        TypeName
	Using       Expr
	Default     Expr
	DefaultText string
	Constraint  *Constraint
	Index       *CreateIndex
	IfExists    bool
	IfNotExists bool
	Cascade     bool
	Options     [][2]string
	Value       int64
}

// Comment is COMMENT ON.
type Comment struct {
	Kind   string // "TABLE", "COLUMN", "SCHEMA", "INDEX" …
	Name   Name
	Column string
	Text   string
	Null   bool
}

// Accept is a statement without effect here that must succeed (GRANT to known
// roles, ALTER … OWNER). Tag is its command tag.
type Accept struct{ Tag string }

// Refuse is a statement this server does not support; What names it.
type Refuse struct{ What string }

// CreateRole is CREATE ROLE/USER.
type CreateRole struct {
	Name    string
	Login   bool
	Options [][2]string
}

// Show is a MySQL SHOW that the dialect turns into rows at bind time.
type Show struct {
	What    string // upper case: "TABLES", "COLUMNS", "CREATE TABLE", "INDEX", "VARIABLES" …
	Name    Name
	Full    bool
	Global  bool
	Like    string
	HasLike bool
	Where   Expr
	Limit   Expr
}

// Members of the closed set Node.
func (*CreateTable) stmt()    {}
func (*CreateIndex) stmt()    {}
func (*CreateView) stmt()     {}
func (*CreateSchema) stmt()   {}
func (*CreateType) stmt()     {}
func (*AlterType) stmt()      {}
func (*CreateSequence) stmt() {}
func (*AlterSequence) stmt()  {}
func (*Drop) stmt()           {}
func (*Truncate) stmt()       {}
func (*AlterTable) stmt()     {}
func (*Comment) stmt()        {}
func (*Accept) stmt()         {}
func (*Refuse) stmt()         {}
func (*CreateRole) stmt()     {}
func (*Show) stmt()           {}

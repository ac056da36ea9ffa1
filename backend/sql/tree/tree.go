// Package tree is the neutral syntax tree that every dialect's parser is
// converted to and that backend/sql/bind types and lowers. It carries no
// meaning of its own: names are unresolved, types are as written. Dialect
// differences that are syntax are gone (a converter writes explicit NULLS
// FIRST/LAST, resolves LIMIT o,n, folds identifiers); differences that are
// meaning (division, coercion, functions) are decided by the binder from the
// dialect.
package tree

import "github.com/dot-do/dotdo-proxy/backend/op"

// Node is any statement.
type Node interface{ stmt() }

// Name is a possibly qualified name. Schema "" = not given. For MySQL the
// database part of db.table stands in Schema.
type Name struct {
	Schema string
	Name   string
}

// Select is a SELECT, VALUES or set operation.
type Select struct {
	With       []CTE
	Recursive  bool
	Distinct   bool
	DistinctOn []Expr
	Items      []Item
	From       []From // comma list
	Where      Expr
	Group      []Expr
	Having     Expr
	Windows    []WindowDef
	Values     [][]Expr // VALUES lists; then Items is empty
	SetOp      string   // "UNION", "INTERSECT", "EXCEPT"; then Left and Right are set
	SetAll     bool
	Left       *Select
	Right      *Select
	Order      []Order
	Limit      Expr
	Offset     Expr
	Lock       string // "", "UPDATE", "SHARE", "NO KEY UPDATE", "KEY SHARE"
	LockWait   string // "", "NOWAIT", "SKIP LOCKED"
	Pos        int
}

// CTE is one WITH query. Query is a *Select, *Insert, *Update or *Delete.
type CTE struct {
	Name    string
	Columns []string
	Query   Node
}

// Item is one select-list entry. A Star expression has no alias.
type Item struct {
	Expr  Expr
	Alias string
	Text  string // source text, MySQL's column name of an unnamed expression
}

// Order is one ORDER BY term. NullsFirst is always set by the converter.
type Order struct {
	Expr       Expr
	Desc       bool
	NullsFirst bool
}

// From is a table expression.
type From interface{ from() }

// Table is a named table, view, CTE or collection.
type Table struct {
	Name    Name
	Alias   string
	Columns []string // alias column names
	Pos     int
}

// Subquery is a derived table.
type Subquery struct {
	Query   *Select
	Alias   string
	Columns []string
	Lateral bool
}

// FuncTable is a set-returning function in FROM.
type FuncTable struct {
	Call       *Call
	Alias      string
	Columns    []string
	Types      []TypeName // AS t(a int, b text)
	Ordinality bool
	Lateral    bool
}

// Join joins two table expressions.
type Join struct {
	Kind    string // "INNER", "LEFT", "RIGHT", "FULL", "CROSS"
	Natural bool
	Left    From
	Right   From
	On      Expr
	Using   []string
	Alias   string
	Columns []string // alias column names
}

// Members of the closed set From.
func (*Table) from()     {}
func (*Subquery) from()  {}
func (*FuncTable) from() {}
func (*Join) from()      {}

// Insert is INSERT or REPLACE.
type Insert struct {
	With       []CTE
	Recursive  bool
	Table      Name
	Alias      string
	Columns    []string // empty = all
	Source     *Select  // nil = DEFAULT VALUES
	Overriding string   // "", "SYSTEM", "USER"
	Conflict   *Conflict
	Ignore     bool // MySQL INSERT IGNORE
	Replace    bool // MySQL REPLACE
	Returning  []Item
	Pos        int
}

// Conflict is ON CONFLICT / ON DUPLICATE KEY UPDATE.
type Conflict struct {
	Columns    []Expr // inference; empty = any unique key
	Constraint string
	Where      Expr // of the inferred partial index
	Nothing    bool
	Set        []Assign
	SetWhere   Expr
	RowAlias   string // MySQL 8 VALUES … AS new
}

// Assign is one SET col = expr, or (a, b) = (row or subquery) with several
// columns.
type Assign struct {
	Columns []string
	Expr    Expr
	Path    []Expr // subscripts: a[1] = …
	Table   string // MySQL multi-table update: t.col
}

// Update is UPDATE.
type Update struct {
	With      []CTE
	Recursive bool
	Table     Table
	Set       []Assign
	From      []From
	Where     Expr
	Order     []Order // MySQL
	Limit     Expr    // MySQL
	Ignore    bool
	Returning []Item
}

// Delete is DELETE.
type Delete struct {
	With      []CTE
	Recursive bool
	Table     Table
	Using     []From
	Where     Expr
	Order     []Order // MySQL
	Limit     Expr    // MySQL
	Returning []Item
}

// Explain wraps a statement.
type Explain struct {
	Stmt    Node
	Analyze bool
	Format  string // "text", "json", "tree", "traditional"
}

// Members of the closed set Node.
func (*Select) stmt()  {}
func (*Insert) stmt()  {}
func (*Update) stmt()  {}
func (*Delete) stmt()  {}
func (*Explain) stmt() {}

// TypeName is a type as written.
type TypeName struct {
	Schema   string
	Name     string  // canonical lower case, dialect's own word: "int4", "varchar", "bigint"
	Mods     []int32 // (10,2)
	Array    bool
	Resolved op.Type  // set by the converter when it knows the type; TUnknown = look Name up
	Labels   []string // MySQL ENUM/SET
	Collate  string
	Interval string // interval fields
}

// Package sql holds what the SQL dialects, the binder and the executors share:
// the compiled form of one statement. Sub-packages: tree (neutral syntax),
// catalog (neutral schema), postgres and mysql (parsers to tree, system
// tables), bind (typing and lowering to SQLite), types (text forms).
package sql

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// Kind tells how a plan is executed.
type Kind uint8

// Plan kinds.
const (
	KindQuery  Kind = iota // rows, reads only
	KindWrite              // INSERT, UPDATE, DELETE, with or without RETURNING
	KindDDL                // schema change
	KindAccept             // nothing to do, only the tag
	KindRows               // rows known at bind time (Rows)
)

// Plan is one statement compiled against one catalog version for one dialect,
// parameter types and search path. It is immutable and shared by sessions.
type Plan struct {
	Kind     Kind
	Dialect  rel.Dialect
	Tag      string // command tag word(s): "SELECT", "INSERT", "CREATE TABLE"
	Version  uint64 // catalog version it was bound against
	Text     string // SQLite SQL; parameters are ?1 … ?n in Binds order
	Binds    []Bind
	Params   []op.Type        // client parameter types, inferred or declared
	Columns  []op.Column      // output; nil = returns no rows
	Steps    []Step           // further SQLite statements of the same operation, run in order (data-modifying CTEs, REPLACE …)
	Tables   []*catalog.Table // user relations read or written
	Writes   []*catalog.Table
	System   bool            // reads pg_catalog / information_schema: needs the system connection
	Volatile bool            // reads clock, random or session state: see Env
	DDL      func(DDL) error // KindDDL: performs the change
	Rows     []op.Value      // KindRows, flattened
	Route    Route
	// Target is the table written by KindWrite, for error details and LastID.
	Target *catalog.Table
	// InsertCols and InsertExprs are the columns of a single inserted row and the
	// SQLite expressions of their values. The executor evaluates them to say
	// which key was violated.
	InsertCols  []string
	InsertExprs []string
	Serial      string // column whose value is LAST_INSERT_ID(), "" = none
	SerialGiven bool   // the statement gave that column explicitly
	CountRows   bool   // KindWrite: Affected is the number of rows returned
	Sequence    bool   // calls nextval or setval: runs as a write even if it only reads rows
	Ignore      bool   // MySQL IGNORE: constraint errors become warnings
	Replace     bool   // MySQL REPLACE: rows that made room count, too
	Counted     bool   // MySQL: Call.Touched and Call.Changed tell the affected rows
	NewRows     *NewRows
	Notices     []op.Notice // warnings each execution gives
	Vars        []VarKind   // MySQL variables whose kinds decided types
	// Explain turns SQLite's query plan into the rows EXPLAIN answers; nil = as it is.
	Explain func(rows []op.Value) []op.Value
	// Lits are the arguments of a plan whose literals are lifted (see Scan): BindArg
	// then counts in Lits. Fixed are the literals the plan is only right for when
	// they have the values it was compiled with.
	Lits  []Lit
	Fixed []int
}

// NewRows says how to compute the rows that a MySQL write stores, without
// storing them. The executor asks when the write fails, to name the row, the
// column and the key that are to blame.
type NewRows struct {
	Columns []string
	Rows    [][]string // SQLite expressions of the values, row by row
	From    string     // FROM … that Rows[0] reads, "" = the rows are constant
	RowID   string     // UPDATE: expression of the old row's rowid
	Several bool       // the statement is an INSERT of several rows or of a query
}

// VarKind is the kind of value a MySQL variable had when a plan was made.
type VarKind struct {
	Name string
	Kind op.Kind
}

// Fits reports whether the variables a plan reads still have the kinds it was
// made for.
func (p *Plan) Fits(vars map[string]op.Value) bool {
	for i := range p.Vars {
		if vars[p.Vars[i].Name].Kind != p.Vars[i].Kind {
			return false
		}
	}
	return true
}

// Step is one further SQLite statement.
type Step struct {
	Text  string
	Binds []Bind
	Keep  bool // its rows are not the answer: later steps read them by BindStep
}

// BindKind says where a SQLite parameter's value comes from.
type BindKind uint8

// Bind kinds.
const (
	BindArg   BindKind = iota // client argument Index
	BindConst                 // Value
	BindEnv                   // session fact named Name (see engine/rel env.go)
	BindStep                  // rows of step Index, a JSON array of arrays; blobs are hexadecimal text
)

// Bind is one SQLite parameter.
type Bind struct {
	Kind  BindKind
	Index int
	Value op.Value
	Name  string
}

// DDL is what a schema change may do. It runs inside the write transaction of
// one object.
type DDL interface {
	// Catalog is the editable copy that is published at commit.
	Catalog() *catalog.Snapshot
	// Exec runs SQLite text.
	Exec(sql string, args ...op.Value) error
	// Query runs SQLite text and returns all rows.
	Query(sql string, args ...op.Value) ([][]op.Value, error)
	// OID returns a fresh object identifier.
	OID() uint32
	// Notice adds a notice to the reply.
	Notice(severity string, code op.Code, msg string)
	// Bind compiles another statement against the current copy (CHECK and
	// DEFAULT expressions, CREATE TABLE AS).
	Bind(stmt tree.Node) (*Plan, error)
	// Args resolves the parameters of a plan that Bind made, in Binds order.
	Args(p *Plan) ([]op.Value, error)
	// Affected sets the row count of the reply (CREATE TABLE AS).
	Affected(n int64)
	// Sequences gives access to sequence states.
	Sequences() Sequences
	// Effect adds what the statement wants done to the session; see rel.Query.
	Effect(kind, name string)
}

// Route is what the shard router needs.
type Route struct {
	// Single statements on sharded tables: for each table the condition on its
	// shard key. A plan that names no sharded table may run on object 0.
	Keys []RouteKey
	// Inserted rows: position of the shard key in each VALUES row.
	Insert [][]Source
	// Merge says how rows of several objects become one result; nil = cannot.
	Merge *Merge
	// Scan reads, of the one table the query names, the rows that can matter to
	// it: the query over these rows of all objects answers as over the whole
	// tables. Its parameters are the plan's Binds. "" = all rows are needed.
	Scan string
	// Tally says how the one row that each object answers becomes one row, with
	// a letter for each column: s = sum, count included, < = min, > = max. It holds for
	// integers and NULLs only. "" = cannot.
	Tally string
}

// RouteKey is an equality (or IN list) that pins a table's shard key column.
type RouteKey struct {
	Table  *catalog.Table
	Column string
	Values []Source // one or more alternatives; empty = not pinned
}

// Source is a constant or a client argument.
type Source struct {
	Arg   int // >= 0: argument
	Value op.Value
}

// Merge describes the final step over rows gathered from several objects. The
// per-object statement is Text; the final one reads the temporary table "rows"
// (columns c1 … cn) that the router fills with the gathered rows.
type Merge struct {
	Text       string // per-object SQLite statement
	Binds      []Bind
	Cols       int    // columns of the per-object statement
	Final      string // SQLite statement over "rows"
	FinalBinds []Bind
	Concat     bool // plain concatenation in object order: Final is not needed
}

// Package rel holds the relational bodies of the operation IR: SQL text with a
// dialect and typed arguments. Parsing, binding and lowering happen below
// (backend/sql); a front-end sees statements, types and rows only.
package rel

import (
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Dialect is a SQL dialect. Numbers are pinned.
type Dialect uint8

// Dialects.
const (
	Postgres Dialect = 1
	MySQL    Dialect = 2
	SQLite   Dialect = 3
)

// Parse splits a text into statements and classifies them. It needs no object
// and is cached by text. The reply is a *Parsed (see Statements).
type Parse struct {
	Dialect Dialect
	Text    string
	SQLMode string // MySQL: session sql_mode (ANSI_QUOTES, NO_BACKSLASH_ESCAPES …)
}

// Query executes one statement. Reply: Head (when it returns rows), Rows …,
// Done. Rows hold storage forms; see op.Base. Done.Extra carries what functions
// of the statement want done to the session, four values each: Text "set"
// (set_config), Text name, Text value, Int64 1 = until the transaction ends; or
// Text "notify" (pg_notify), Text channel, Text payload, Int64 0.
type Query struct {
	Stmt    *Stmt
	Args    []op.Value // storage forms of Stmt's parameter types
	Env     *Env       // session settings that change meaning; nil = defaults
	MaxRows int64      // 0 = all; Done.More tells that rows are left, Fetch continues
	// Expect is the columns the client was told of (those of a Describe). If the
	// statement's types have changed since, it fails before it does anything.
	Expect []op.Column
}

// Describe answers the exact parameter and column types of one statement
// without running it. Reply: Head, Done{Tag}. Head.Columns is nil for a
// statement that returns no rows.
type Describe struct {
	Stmt *Stmt
	Env  *Env
}

// CopyIn inserts rows of COPY FROM / LOAD DATA. All batches of one COPY share
// the op's transaction (the front-end opens one). Values are storage forms of
// the columns' types, flattened like op.Rows.
type CopyIn struct {
	Schema  string
	Table   string
	Columns []string // empty = all, in table order
	Values  []op.Value
	Env     *Env
	Mode    string // "" error on conflict; MySQL LOAD DATA: "ignore", "replace"
}

// CopyTarget describes the columns COPY would read or write. Reply: Head.
type CopyTarget struct {
	Schema  string
	Table   string
	Columns []string
	Env     *Env
}

// Scan reads a stored table for the router. Reply: Head (names of the stored
// columns only), Rows …, Done.
type Scan struct {
	Store string // name of the stored table
	// Text is a plan's Route.Scan with the values of its parameters; "" reads the
	// table whole.
	Text string
	Args []op.Value
}

// Over runs a query as if the given tables held the given rows: the last step
// of a query over several objects. Reply as Query.
type Over struct {
	Query  *Query
	Tables []TableRows
}

// TableRows are rows of one stored table, flattened like op.Rows.
type TableRows struct {
	Store   string
	Columns []string
	Values  []op.Value
}

// Stmt is one parsed statement. It is shared and long-lived: a front-end keeps
// the pointer with its prepared statement so that nothing is looked up, parsed
// or planned twice. Only Dialect, Text, SQLMode and ParamTypes are serialised.
type Stmt struct {
	Dialect    Dialect
	Text       string // exactly one statement, no trailing semicolon
	SQLMode    string
	ParamTypes []op.Type // declared by the client; TUnknown = infer
	Kind       StmtKind
	Session    *Session   // set for session statements (KindTxn … KindOther)
	Params     int        // number of parameters in the text
	Returns    bool       // certainly returns rows (SELECT, VALUES, SHOW, RETURNING)
	Uses       []TableUse // MySQL: tables the text names, for LOCK TABLES

	// Fitted says that arguments fit ParamTypes with their modifiers (COPY).
	Fitted bool

	// Template is set when the text is one of many that differ in literals only;
	// Lits are its literals. Who does not know them uses Text, which is complete.
	Template *Template
	Lits     []op.Value

	plan   atomic.Value // set by the executor on first use
	syntax atomic.Value // set by the parser, taken by the first who compiles
}

// Template is what statements that differ in literals share. The executor
// keeps plans in it.
type Template struct {
	Key  string // dialect, mode and text with marks in place of literals
	plan atomic.Value
}

// Plan returns what the executor attached, nil at first.
func (t *Template) Plan() any { return t.plan.Load() }

// SetPlan attaches executor state. The concrete type must never change.
func (t *Template) SetPlan(p any) { t.plan.Store(p) }

// syntaxTree wraps a syntax tree: an atomic.Value holds one concrete type.
type syntaxTree struct{ node any }

// SetSyntax keeps the parsed form of Text for the first who compiles it.
func (s *Stmt) SetSyntax(node any) { s.syntax.Store(syntaxTree{node}) }

// TakeSyntax returns the parsed form and forgets it; nil if there is none.
func (s *Stmt) TakeSyntax() any {
	if s.syntax.Load() == nil {
		return nil
	}
	t, _ := s.syntax.Swap(syntaxTree{}).(syntaxTree)
	return t.node
}

// TableUse is a table that a statement names.
type TableUse struct {
	Schema, Name string
	Write        bool
}

// Plan returns what the executor attached, nil at first.
func (s *Stmt) Plan() any { return s.plan.Load() }

// SetPlan attaches executor state. The concrete type must never change.
func (s *Stmt) SetPlan(p any) { s.plan.Store(p) }

// WithParams returns a copy of s with declared parameter types and no plan.
func (s *Stmt) WithParams(types []op.Type) *Stmt {
	return &Stmt{Dialect: s.Dialect, Text: s.Text, SQLMode: s.SQLMode, ParamTypes: types,
		Kind: s.Kind, Session: s.Session, Params: s.Params, Returns: s.Returns, Uses: s.Uses}
}

// Parsed is the reply of Parse. It carries pointers, so Parse is always
// answered on the node that asked.
type Parsed struct {
	op.Reply
	Statements []*Stmt
}

// NewParsed wraps statements as a reply.
func NewParsed(s []*Stmt) *Parsed { return &Parsed{Reply: op.ReplyOf(&op.Done{}), Statements: s} }

// StmtKind classifies a statement for its front-end.
type StmtKind uint8

// Statement kinds. KindData and KindDDL go to the executor as Query; the rest
// is session state that the front-end owns, described by Stmt.Session.
const (
	KindData       StmtKind = 0 // SELECT, INSERT, UPDATE, DELETE, VALUES, EXPLAIN, MySQL SHOW of catalog facts …
	KindDDL        StmtKind = 1 // CREATE, ALTER, DROP, TRUNCATE, COMMENT …
	KindTxn        StmtKind = 2 // BEGIN, COMMIT, ROLLBACK, SAVEPOINT …
	KindSet        StmtKind = 3 // SET, RESET, SET TRANSACTION, SET NAMES
	KindShow       StmtKind = 4 // Postgres SHOW name
	KindCopy       StmtKind = 5 // COPY, LOAD DATA
	KindPrepare    StmtKind = 6 // PREPARE name AS …
	KindExecute    StmtKind = 7 // EXECUTE name(…)
	KindDeallocate StmtKind = 8 // DEALLOCATE
	KindCursor     StmtKind = 9 // DECLARE, FETCH, MOVE, CLOSE
	KindListen     StmtKind = 10
	KindNotify     StmtKind = 11
	KindUnlisten   StmtKind = 12
	KindDiscard    StmtKind = 13
	KindLock       StmtKind = 14 // LOCK TABLE(S), UNLOCK TABLES
	KindUse        StmtKind = 15 // MySQL USE db
	KindDatabase   StmtKind = 16 // CREATE / DROP DATABASE: front-end sends ctl.CreateDatabase / ctl.DropDatabase
	KindUtility    StmtKind = 17 // VACUUM, ANALYZE, CHECKPOINT, CLUSTER, REINDEX, OPTIMIZE, FLUSH: accepted, tag in Session.Word
	KindDo         StmtKind = 18 // DO / CALL: refused by name
	KindKill       StmtKind = 19 // MySQL KILL id
)

// Session is the decoded content of a session statement.
type Session struct {
	Word      string   // upper case command tag: "BEGIN", "START TRANSACTION", "SAVEPOINT", "SET", "COPY" …
	Name      string   // savepoint, variable, prepared statement, cursor, channel, database
	Args      []string // SET values; NOTIFY payload; FETCH: direction, count
	Exprs     []string // SQL texts: EXECUTE arguments, SET @x = expr
	Options   [][2]string
	Local     bool   // SET LOCAL; transaction-scoped SET TRANSACTION
	Global    bool   // SET GLOBAL
	Default   bool   // SET x TO DEFAULT, RESET
	User      bool   // MySQL user variable @x
	IfExists  bool   // DROP DATABASE IF EXISTS
	IfNot     bool   // CREATE DATABASE IF NOT EXISTS
	Isolation string // "read committed" … "" = default
	ReadOnly  *bool
	Chain     bool       // COMMIT AND CHAIN
	Query     string     // PREPARE … AS query; COPY (query) TO; DECLARE … FOR query
	Types     []op.Type  // PREPARE parameter types
	Schema    string     // COPY target
	Table     string     // COPY target
	Columns   []string   // COPY columns
	From      bool       // COPY FROM
	More      []*Session // MySQL SET a=1, b=2: the further assignments
}

// Env is the part of a session that changes what a statement means.
type Env struct {
	User       string
	SessionID  uint64
	Database   string   // name the client sees as current database
	SearchPath []string // schemas, first = where CREATE goes; empty = public
	TimeZone   string   // IANA name or fixed offset; empty = UTC
	DateStyle  string
	SQLMode    string
	Vars       map[string]op.Value // MySQL user variables (@x) and system variables the statement may read
	Settings   map[string]string   // GUCs for current_setting()/SHOW-like functions
	LastID     int64               // LAST_INSERT_ID(), lastval()
	FoundRows  int64
	RowCount   int64
	FoundFlag  bool  // MySQL CLIENT_FOUND_ROWS: affected = matched
	TxnStart   int64 // microseconds since epoch of now(); 0 = statement start
	Strict     bool  // MySQL strict mode

	NoForeignKeys bool // MySQL foreign_key_checks=0: foreign keys are not checked
}

// Kinds are pinned; see op/codec.

// Family implements op.Body.
func (*Parse) Family() op.Family { return op.FamilyRel }

// Kind implements op.Body.
func (*Parse) Kind() uint16 { return 1 }

// Family implements op.Body.
func (*Query) Family() op.Family { return op.FamilyRel }

// Kind implements op.Body.
func (*Query) Kind() uint16 { return 2 }

// Family implements op.Body.
func (*Describe) Family() op.Family { return op.FamilyRel }

// Kind implements op.Body.
func (*Describe) Kind() uint16 { return 3 }

// Family implements op.Body.
func (*CopyIn) Family() op.Family { return op.FamilyRel }

// Kind implements op.Body.
func (*CopyIn) Kind() uint16 { return 4 }

// Family implements op.Body.
func (*CopyTarget) Family() op.Family { return op.FamilyRel }

// Kind implements op.Body.
func (*CopyTarget) Kind() uint16 { return 5 }

// Family implements op.Body.
func (*Scan) Family() op.Family { return op.FamilyRel }

// Kind implements op.Body.
func (*Scan) Kind() uint16 { return 6 }

// Family implements op.Body.
func (*Over) Family() op.Family { return op.FamilyRel }

// Kind implements op.Body.
func (*Over) Kind() uint16 { return 7 }

package tree

import "github.com/dot-do/dotdo-proxy/backend/op"

// Expr is any expression.
type Expr interface{ expr() }

// Const is a literal. Type TUnknown is a quoted string whose type the context
// decides; numbers are TInt4, TInt8 or TNumeric (text in Value), MySQL float
// literals TFloat8. Value is a storage form of Type.
type Const struct {
	Value op.Value
	Type  op.Type
	Pos   int
	Lit   int  // 1 + number of the literal in the text that stands for others like it, 0 = none
	Neg   bool // Value is that literal with its sign turned
}

// Param is $n or the n-th ?; Index counts from 0.
type Param struct {
	Index int
	Pos   int
}

// Ident is a column reference: Parts are schema, table, column; the last may
// name a whole row.
type Ident struct {
	Parts []string
	Pos   int
}

// Star is * or t.*.
type Star struct{ Table Name }

// Binary is a binary operator by its canonical SQL word: + - * / % ^ || = <>
// < <= > >= AND OR XOR "IS DISTINCT FROM" "IS NOT DISTINCT FROM" <=> LIKE
// "NOT LIKE" ILIKE "NOT ILIKE" "SIMILAR TO" "NOT SIMILAR TO" REGEXP "NOT
// REGEXP" ~ ~* !~ !~* -> ->> #> #>> @> <@ ? ?| ?& && << >> & | # DIV
// "AT TIME ZONE" and the like.
type Binary struct {
	Op     string
	L, R   Expr
	Escape Expr // LIKE … ESCAPE
	Pos    int
}

// Unary is - + ~ NOT, and postfix tests: "IS NULL" "IS NOT NULL" "IS TRUE" "IS
// NOT TRUE" "IS FALSE" "IS NOT FALSE" "IS UNKNOWN" "IS NOT UNKNOWN".
type Unary struct {
	Op  string
	X   Expr
	Pos int
}

// Quantified is x op ANY/ALL (array or subquery).
type Quantified struct {
	Op    string
	All   bool
	L     Expr
	R     Expr // array expression, nil if Query is set
	Query *Select
	Pos   int
}

// In is x IN (list) or x IN (subquery). X may be a Row.
type In struct {
	Not   bool
	X     Expr
	List  []Expr
	Query *Select
	Pos   int
}

// Between is x BETWEEN a AND b.
type Between struct {
	Not       bool
	Symmetric bool
	X, Lo, Hi Expr
}

// Case is CASE. Operand nil = searched.
type Case struct {
	Operand Expr
	When    []When
	Else    Expr
}

// When is one branch of Case.
type When struct{ Cond, Then Expr }

// Cast is CAST(x AS t), x::t. Try tells that failure gives NULL (MySQL).
type Cast struct {
	X    Expr
	Type TypeName
	Pos  int
}

// Collate is x COLLATE c.
type Collate struct {
	X    Expr
	Name string
}

// Call is a function or aggregate call. Name is lower case. COALESCE, NULLIF,
// GREATEST, LEAST, EXTRACT (args: Const text field, x), SUBSTRING, TRIM,
// POSITION, OVERLAY, CURRENT_DATE and so on are Calls under their lower-case
// name ("extract", "substring", "btrim", "ltrim", "rtrim", "position", …).
type Call struct {
	Schema   string
	Name     string
	Args     []Expr
	ArgNames []string // named notation, "" where positional
	Star     bool     // count(*)
	Distinct bool
	Order    []Order // aggregate ORDER BY, or WITHIN GROUP
	Within   bool
	Filter   Expr
	Over     *Window
	Sep      Expr // GROUP_CONCAT separator
	Variadic bool
	Pos      int
}

// Window is an OVER clause: a reference (Ref) and/or its own parts.
type Window struct {
	Ref       string
	Partition []Expr
	Order     []Order
	Frame     string // as SQL text without expressions: "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"; "" = default
	Start     Expr   // offset of the frame start, referenced as ?1 in Frame
	End       Expr   // offset of the frame end, ?2
}

// WindowDef is one WINDOW entry.
type WindowDef struct {
	Name string
	Def  *Window
}

// Exists is EXISTS (subquery).
type Exists struct{ Query *Select }

// Scalar is a scalar subquery.
type Scalar struct{ Query *Select }

// ArrayQuery is ARRAY(subquery).
type ArrayQuery struct{ Query *Select }

// Array is ARRAY[…].
type Array struct{ Items []Expr }

// Row is (a, b) or ROW(…).
type Row struct{ Items []Expr }

// Subscript is x[i] or x[lo:hi].
type Subscript struct {
	X     Expr
	Slice bool
	Index Expr // or lower bound
	Upper Expr
}

// Field is (row).field; Name "*" expands.
type Field struct {
	X    Expr
	Name string
}

// Interval is MySQL's INTERVAL n unit in date arithmetic.
type Interval struct {
	X    Expr
	Unit string // upper case: DAY, HOUR_MINUTE …
}

// Var is a MySQL variable: @x, @@x, @@session.x, @@global.x.
type Var struct {
	Name   string
	System bool
	Global bool
	Assign Expr // @x := expr
}

// Default is DEFAULT as a value in INSERT or UPDATE.
type Default struct{ Column string }

// Match is MySQL MATCH (cols) AGAINST (x).
type Match struct {
	Columns []Expr
	Against Expr
	Mode    string
}

// Members of the closed set Expr.
func (*Const) expr()      {}
func (*Param) expr()      {}
func (*Ident) expr()      {}
func (*Star) expr()       {}
func (*Binary) expr()     {}
func (*Unary) expr()      {}
func (*Quantified) expr() {}
func (*In) expr()         {}
func (*Between) expr()    {}
func (*Case) expr()       {}
func (*Cast) expr()       {}
func (*Collate) expr()    {}
func (*Call) expr()       {}
func (*Exists) expr()     {}
func (*Scalar) expr()     {}
func (*ArrayQuery) expr() {}
func (*Array) expr()      {}
func (*Row) expr()        {}
func (*Subscript) expr()  {}
func (*Field) expr()      {}
func (*Interval) expr()   {}
func (*Var) expr()        {}
func (*Default) expr()    {}
func (*Match) expr()      {}

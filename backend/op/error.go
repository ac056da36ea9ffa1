package op

import (
	"errors"
	"fmt"
)

// Code is a class of expected failure. A front-end owns one table from Code to
// its native error. A code exists only if some front-end answers differently.
type Code uint8

// Codes. Numbers are pinned: they are serialised.
const (
	Internal           Code = 1
	Unsupported        Code = 2
	Syntax             Code = 3
	InvalidArgument    Code = 4  // value out of domain, bad input text
	OutOfRange         Code = 5  // numeric or date overflow
	TypeMismatch       Code = 6  // no such operator/cast, WRONGTYPE
	NotFound           Code = 7  // table, collection or other named thing (Object says which kind)
	NoColumn           Code = 8  // unknown column
	NoFunction         Code = 9  // unknown function
	NoDatabase         Code = 10 // unknown database
	AlreadyExists      Code = 11 // named thing exists
	UniqueViolation    Code = 12
	NotNullViolation   Code = 13
	ForeignKey         Code = 14
	CheckViolation     Code = 15
	Serialization      Code = 16 // concurrent change; retry the transaction
	Deadlock           Code = 17
	LockTimeout        Code = 18
	CrossShard         Code = 19 // one transaction may not write two objects
	Canceled           Code = 20 // by the client or a timeout
	Unavailable        Code = 21 // shutting down, too many connections, disk full or failed
	Unauthenticated    Code = 22
	Forbidden          Code = 23
	TooLarge           Code = 24 // statement, document, key or row over a limit
	NoTransaction      Code = 25 // the named transaction or savepoint does not exist
	TransactionAborted Code = 26 // an earlier statement failed
	DivisionByZero     Code = 27
	StringTooLong      Code = 28 // value too long for its column
	DatatypeUnknown    Code = 29 // indeterminate parameter type
	Ambiguous          Code = 30 // ambiguous column
	Dependency         Code = 31 // other objects depend on it
	ReadOnly           Code = 32 // write in a read-only transaction
	Cardinality        Code = 33 // scalar subquery returned many rows
	Grouping           Code = 34 // column must appear in GROUP BY
	Undefined          Code = 35 // other undefined object (type, schema, sequence, constraint, cursor …)
	DuplicateColumn    Code = 36 // column named twice
)

// Error is an expected failure below a front-end. Msg is lower case and
// follows PostgreSQL's wording where PostgreSQL has one; front-ends that need
// other wording build it from the structured fields.
type Error struct {
	Code       Code
	Msg        string
	Detail     string
	Hint       string
	Object     string // kind of thing: "relation", "schema", "type", "index", "collection" …
	Name       string // its name
	Schema     string
	Table      string
	Column     string
	Constraint string
	Columns    []string // of the violated key
	Values     []Value  // of the violated key, when known
	Position   int      // 1-based character offset into the statement, 0 = unknown
	Err        error    // cause, for the log only
	Row        int      // 1-based number of the row a write failed at, 0 = unknown
}

// Error implements error.
func (e *Error) Error() string { return e.Msg }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf builds an error of a code.
func Errorf(c Code, format string, args ...any) *Error {
	return &Error{Code: c, Msg: fmt.Sprintf(format, args...)}
}

// AsError returns err as an *Error; anything unexpected becomes Internal and
// keeps its cause. It returns nil for nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: Internal, Msg: err.Error(), Err: err}
}

// CodeOf returns the code of err, 0 for nil.
func CodeOf(err error) Code {
	if err == nil {
		return 0
	}
	return AsError(err).Code
}

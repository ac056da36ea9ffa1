package sqlite

// #include "shim.h"
import "C"

import "fmt"

// Extended result codes that callers tell apart.
const (
	Busy                 = 5
	Interrupted          = 9
	Constraint           = 19
	ConstraintCheck      = 275
	ConstraintForeignKey = 787
	ConstraintNotNull    = 1299
	ConstraintPrimaryKey = 1555
	ConstraintTrigger    = 1811
	ConstraintUnique     = 2067
	ConstraintRowID      = 2579
	ConstraintDatatype   = 3091
	BusySnapshot         = 517
)

// Error is a failure reported by SQLite. Code is the primary result code.
type Error struct {
	Code     int
	Extended int
	Msg      string
	Offset   int // byte offset into the text the error is about, -1 = none
}

// Error implements error.
func (e *Error) Error() string { return fmt.Sprintf("sqlite: %s (%d)", e.Msg, e.Extended) }

// error describes a failed call. A Go function that failed inside the
// statement is the real cause and is returned as it is.
func (c *Conn) error(rc C.int) error {
	if c.failed != nil && rc&0xff == 1 {
		err := c.failed
		c.failed = nil
		return err
	}
	e := &Error{Code: int(rc) & 0xff, Extended: int(rc), Offset: -1}
	if c.p == nil || c.p.db == nil {
		e.Msg = C.GoString(C.sqlite3_errstr(rc))
		return e
	}
	// The handle keeps the message of the last call; it fits only its code.
	if C.sqlite3_extended_errcode(c.p.db)&0xff == rc&0xff {
		e.Msg = C.GoString(C.sqlite3_errmsg(c.p.db))
		e.Offset = int(C.sqlite3_error_offset(c.p.db))
	} else {
		e.Msg = C.GoString(C.sqlite3_errstr(rc))
	}
	return e
}

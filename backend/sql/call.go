package sql

import (
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// Call is what SQL functions can ask of the statement that is running. The
// executor sets it as sqlite.Conn.Call before the first step.
type Call struct {
	Env       *rel.Env  // never nil
	Now       time.Time // of the transaction
	Began     time.Time // when the statement began
	Catalog   *catalog.Snapshot
	Sequences Sequences
	Effects   []op.Value // what functions want done to the session; see rel.Query

	// MySQL counts rows that an assignment reached apart from rows it changed.
	Touched, Changed int64
	GivenID          int64       // last AUTO_INCREMENT value a row named itself
	Notices          []op.Notice // warnings
	rows             map[string]int64
}

// maxNotices bounds the warnings one statement keeps.
const maxNotices = 1024

// Warn keeps a warning.
func (c *Call) Warn(n op.Notice) {
	if len(c.Notices) < maxNotices {
		c.Notices = append(c.Notices, n)
	}
}

// NextRow counts the rows that a column's conversion has seen.
func (c *Call) NextRow(column string) int64 {
	if c.rows == nil {
		c.rows = map[string]int64{}
	}
	if _, ok := c.rows[column]; !ok {
		column = strings.Clone(column)
	}
	c.rows[column]++
	return c.rows[column]
}

// Sequences gives out sequence values. Values are never given twice, not even
// after a crash or a rollback.
type Sequences interface {
	// Next returns the next value; only statements whose plan has Sequence set,
	// or that write, may call it.
	Next(s *catalog.Sequence) (int64, error)
	// Current returns the session's last value of the sequence (currval).
	Current(s *catalog.Sequence) (int64, error)
	// Last returns the session's last value of any sequence (lastval).
	Last() (int64, error)
	// Set makes v the last value (called: the next is v+increment; else v).
	Set(s *catalog.Sequence, v int64, called bool) error
	// State reads last value and is_called, for pg_sequences.
	State(s *catalog.Sequence) (v int64, called bool, err error)
	// LockRow locks a row of a stored table for the transaction. wait is "",
	// "NOWAIT" (an error when another one has it) or "SKIP LOCKED" (false then).
	LockRow(table string, rowid int64, wait string) (bool, error)
}

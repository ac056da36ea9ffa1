// Package ctl holds the control bodies of the operation IR: transactions,
// batches and databases.
package ctl

import "github.com/dot-do/dotdo-proxy/backend/op"

// Isolation is a transaction isolation level. Numbers are pinned.
type Isolation uint8

// Isolation levels.
const (
	ReadCommitted  Isolation = 0
	RepeatableRead Isolation = 1
	Serializable   Isolation = 2
)

// Begin opens the transaction named by Op.Session.Txn. It is lazy: an object is
// touched by the first statement.
type Begin struct {
	Isolation Isolation
	ReadOnly  bool
}

// Commit ends Op.Session.Txn. The reply comes when the commit is durable.
type Commit struct{}

// Rollback ends Op.Session.Txn and undoes it. Unknown transactions are fine.
type Rollback struct{}

// Savepoint sets, releases or returns to a named mark inside Op.Session.Txn.
type Savepoint struct {
	Name   string
	Action SavepointAction
}

// SavepointAction says what to do with the mark.
type SavepointAction uint8

// Savepoint actions.
const (
	SavepointSet      SavepointAction = 0
	SavepointRelease  SavepointAction = 1
	SavepointRollback SavepointAction = 2
)

// Batch runs bodies in order on one object. Atomic: in one transaction, all or
// none. Bodies that answer values (kv) reply one op.Values frame with a value
// each (an ErrorText where one failed and the batch is not undone by it, as
// Redis's EXEC has it); a failed kv.Check makes the reply a single Null.
type Batch struct {
	Bodies []op.Body
	Atomic bool
	// StopOnError undoes an atomic batch when one body fails; otherwise its
	// error stands in its place and the others go on.
	StopOnError bool
}

// CreateDatabase creates a database. Options are extended options by dotted
// name ("shard.count": "16"); unknown or not yet effective ones are refused.
type CreateDatabase struct {
	Name        string
	IfNotExists bool
	Options     map[string]string
}

// DropDatabase drops a database and its files.
type DropDatabase struct {
	Name     string
	IfExists bool
}

// ListDatabases answers Values{Text name, Int64 bytes on disk, …}, sorted.
type ListDatabases struct{}

// OpenDatabase checks that a database exists, creating it when auto_create is
// on. A front-end sends it when a client names a database. Name may carry
// options after "?" (app?shard.key=tenant_id&shard.count=16). Reply:
// Values{Text canonical name}.
type OpenDatabase struct{ Name string }

// Family implements op.Body.
func (*Begin) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*Begin) Kind() uint16 { return 100 }

// Family implements op.Body.
func (*Commit) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*Commit) Kind() uint16 { return 101 }

// Family implements op.Body.
func (*Rollback) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*Rollback) Kind() uint16 { return 102 }

// Family implements op.Body.
func (*Savepoint) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*Savepoint) Kind() uint16 { return 103 }

// Family implements op.Body.
func (*Batch) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*Batch) Kind() uint16 { return 104 }

// Family implements op.Body.
func (*CreateDatabase) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*CreateDatabase) Kind() uint16 { return 105 }

// Family implements op.Body.
func (*DropDatabase) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*DropDatabase) Kind() uint16 { return 106 }

// Family implements op.Body.
func (*ListDatabases) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*ListDatabases) Kind() uint16 { return 107 }

// Family implements op.Body.
func (*OpenDatabase) Family() op.Family { return op.FamilyCtl }

// Kind implements op.Body.
func (*OpenDatabase) Kind() uint16 { return 108 }

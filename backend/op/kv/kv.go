// Package kv holds the key-value bodies of the operation IR: a verb with its
// arguments, and the table of verbs that a router needs (read or write, where
// the keys stand, how replies of many shards merge).
package kv

import "github.com/dot-do/dotdo-proxy/backend/op"

// Command is one key-value command. The reply is one op.Values frame with one
// value. Reply kinds: Text = status, Bytes = string, Int64, Float64 (RESP3
// double), Bool, Null, Array, Map, Set, ErrorText inside lists.
type Command struct {
	DB   int    // logical database 0-15
	Verb string // upper case, one of Verbs; a subcommand is Args[0]
	Args [][]byte
	// Declared restricts a script to the keys it was given: the router sets it
	// where other keys may belong to other objects.
	Declared bool
}

// Check is the optimistic-lock precondition of a batch (WATCH): the batch runs
// only if Key still has Version. Version 0 = the key did not exist. The engine
// answers one empty Values frame when it holds and no frame when it does not.
type Check struct {
	DB      int
	Key     []byte
	Version uint64
}

// Version reads the version of keys for WATCH. Reply: one Values frame, an
// Uint64 for each key.
type Version struct {
	DB   int
	Keys [][]byte
}

// Stats asks for figures. Reply: one Values frame of integers: for each logical
// database its keys, those of them that expire and the sum of their remaining
// milliseconds; then, counted since the object was opened or reset, reads that
// found their key, reads that did not, and keys that expired.
type Stats struct {
	Reset bool // set the counts to zero afterwards
}

// Family implements op.Body.
func (*Stats) Family() op.Family { return op.FamilyKV }

// Kind implements op.Body.
func (*Stats) Kind() uint16 { return 43 }

// Family implements op.Body.
func (*Command) Family() op.Family { return op.FamilyKV }

// Kind implements op.Body.
func (*Command) Kind() uint16 { return 40 }

// Family implements op.Body.
func (*Check) Family() op.Family { return op.FamilyKV }

// Kind implements op.Body.
func (*Check) Kind() uint16 { return 41 }

// Family implements op.Body.
func (*Version) Family() op.Family { return op.FamilyKV }

// Kind implements op.Body.
func (*Version) Kind() uint16 { return 42 }

// Package op is the operation IR: the one form every wire request is decoded
// into and every executor, router and replica understands. It is a leaf: only
// the standard library and its own body packages (op/rel, op/doc, op/kv,
// op/msg, op/ctl) belong here. It holds no behaviour beyond building and
// reading operations.
package op

import "time"

// Op is one operation. It is serialisable (see op/codec): it may run on
// another node than the one that decoded it. A front-end fills everything but
// Target.Shard, which belongs to the shard router.
type Op struct {
	ID       uint64    // chosen by the front-end, unique per process; appears in logs
	Target   Target    // where it runs
	Read     Read      // how fresh a read must be
	Session  Session   // whose state it runs in
	Deadline time.Time // zero: none
	Subject  string    // authenticated user, "" when the listener trusts everyone
	Body     Body      // what to do
}

// Target names the database and, once routed, the object.
type Target struct {
	Database string
	Shard    int // object number in the database; -1 until routed
}

// Session identifies client state held below the front-end.
type Session struct {
	ID  uint64 // one per client connection (or logical session); 0 = none
	Txn uint64 // open interactive transaction, 0 = autocommit
	Seq uint64 // statement number inside the transaction
}

// ReadLevel says how fresh a read must be.
type ReadLevel uint8

// Read levels, from strongest to weakest.
const (
	ReadPrimary ReadLevel = iota // newest committed and durable state
	ReadSession                  // not older than Read.MinLSN
	ReadBounded                  // not older than Read.MaxStale
	ReadAny                      // any replica
)

// Read holds the freshness demand of a read.
type Read struct {
	Level    ReadLevel
	MinLSN   uint64
	MaxStale time.Duration
}

// Family is the engine family that executes a body.
type Family uint8

// Families. Numbers are pinned: they are part of the codec.
const (
	FamilyRel Family = 1 + iota
	FamilyDoc
	FamilyKV
	FamilyMsg
	FamilyGraph
	FamilySearch
	FamilyVec
	FamilyCtl
)

// Body is one member of the closed set of operation bodies. Kind is pinned in
// op/codec's kinds.golden and never reused.
type Body interface {
	Family() Family
	Kind() uint16
}

// Change is one committed row/document/key change, as feeds see it.
type Change struct {
	Target     Target
	LSN        uint64
	Collection string
	Key        Value
	Before     Value
	After      Value
}

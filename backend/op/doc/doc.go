// Package doc holds the document bodies of the operation IR. Documents travel
// as BSON; filters, mutations and pipelines as op.Expr, op.Mutation and Stage.
package doc

import "github.com/dot-do/dotdo-proxy/backend/op"

// Insert adds documents (BSON, each with an _id). Ordered stops at the first
// failure. Reply: Done{Affected, Extra: WriteError list}. A write error is
// Map(Text "index", Int32, Text "code", Text op code name, Text "error",
// ErrorText …); engine/doc has the exact builder, protocol/mongo the reader.
type Insert struct {
	Collection string
	Docs       [][]byte
	Ordered    bool
	Once       *Once // a retryable write
	Bypass     bool  // the validator is not asked
}

// Once names a write that must happen once although a client may send it
// again: what it answered is kept in the transaction of the write and
// given again for the same session and number. A lower number than the kept
// one is refused.
type Once struct {
	Session []byte
	Number  int64
}

// Part names one of several writes that a write was split into.
func (o *Once) Part(n int) *Once {
	if o == nil {
		return nil
	}
	return &Once{Session: append(append([]byte{}, o.Session...), 0, byte(n>>16), byte(n>>8), byte(n)), Number: o.Number}
}

// Hint names the index that a statement must read by: its name, its key
// document, or the order of storage (1 or -1).
type Hint struct {
	Name    string
	Key     []byte
	Natural int
}

// Find reads documents. Reply: Docs …, Done. The reply stays open as a cursor.
type Find struct {
	Collection string
	Filter     *op.Expr
	Sort       []op.Sort
	Page       op.Page
	Project    *Projection
	Lets       []Let // $let variables for $expr
	Hint       *Hint
	Collation  []byte // MongoDB's collation document, nil = the collection's
	Tail       bool   // the cursor stays at the end of a capped collection
	After      int64  // Tail: only documents stored after this record number
}

// Let binds a variable for expressions.
type Let struct {
	Name  string
	Value op.Value
	Expr  *op.Expr // computed once, when Value cannot be given
}

// Projection shapes documents: inclusion, exclusion or computed fields, in the
// order given.
type Projection struct {
	Exclude bool // listed paths are removed; otherwise only they are kept
	Fields  []ProjectField
	NoID    bool // _id is left out of an inclusion
}

// ProjectField is one projected path.
type ProjectField struct {
	Path      string
	Expr      *op.Expr // computed value, nil = the field itself
	ElemMatch *op.Expr // keep the first matching element
	Slice     []int    // $slice: n, or skip and limit
	Position  bool     // "path.$": the element that matched
}

// Update changes the documents that match. Reply: Done{Matched, Affected,
// Extra: upserted _id if any}.
type Update struct {
	Collection   string
	Filter       *op.Expr
	Mutations    []op.Mutation
	Pipeline     []Stage // update by pipeline instead of Mutations
	Multi        bool
	Upsert       bool
	UpsertDoc    []byte // BSON start document built from the filter's equalities
	ArrayFilters []NamedFilter
	Sort         []op.Sort // which document, when only one is changed
	Lets         []Let
	Hint         *Hint
	Collation    []byte
	Bypass       bool
}

// NamedFilter is one entry of arrayFilters.
type NamedFilter struct {
	Name   string
	Filter *op.Expr
}

// Delete removes the documents that match. Reply: Done{Affected}.
type Delete struct {
	Collection string
	Filter     *op.Expr
	Multi      bool
	Lets       []Let
	Hint       *Hint
	Collation  []byte
}

// FindAndModify changes or removes one document and returns it. Reply: Docs
// with at most one document, Done{Matched, Affected, Extra: upserted _id}.
type FindAndModify struct {
	Collection   string
	Filter       *op.Expr
	Sort         []op.Sort
	Remove       bool
	Mutations    []op.Mutation
	Pipeline     []Stage
	New          bool
	Upsert       bool
	UpsertDoc    []byte
	Project      *Projection
	ArrayFilters []NamedFilter
	Lets         []Let
	Hint         *Hint
	Collation    []byte
	Bypass       bool
	Once         *Once
}

// Aggregate runs a pipeline. Collection "" starts from one empty document.
// Reply as Find.
type Aggregate struct {
	Collection string
	Stages     []Stage
	Lets       []Let
	Batch      int64
	Hint       *Hint
	Collation  []byte
}

// StageKind names a pipeline stage. Numbers are pinned.
type StageKind uint8

// Pipeline stages.
const (
	StageMatch     StageKind = 1
	StageProject   StageKind = 2
	StageAddFields StageKind = 3
	StageGroup     StageKind = 4
	StageSort      StageKind = 5
	StageLimit     StageKind = 6
	StageSkip      StageKind = 7
	StageUnwind    StageKind = 8
	StageCount     StageKind = 9
	StageLookup    StageKind = 10
	StageReplace   StageKind = 11 // $replaceRoot, $replaceWith: Expr
	StageUnset     StageKind = 12
	StageCollStats StageKind = 13
	StageIdxStats  StageKind = 14
	StageFacet     StageKind = 15 // Facets
	StageSample    StageKind = 16 // N
	StageUnion     StageKind = 17 // From, Pipeline
	StageGraph     StageKind = 18 // From, Key: start, Local: connectFrom, Foreign: connectTo, As, N: depth (-1 any), Path: depth field, Filter
	StageWindow    StageKind = 19 // Key: partition, Sort, Accs, Windows
	StageAuto      StageKind = 20 // $bucketAuto: Key, N, Accs, Path: granularity
	StageRedact    StageKind = 21 // Key
	StageDensify   StageKind = 22 // Path, Spec: {range, partitionByFields}
	StageFill      StageKind = 23 // Key: partition, Sort, Accs: value, linear or locf
	StageDocuments StageKind = 24 // Key: array of documents; first stage
	StageOut       StageKind = 25 // From: target; last stage
	StageMerge     StageKind = 26 // From: target, Spec: {on, whenMatched, whenNotMatched}, Pipeline, Lets, Values; last stage
	StageGeoNear   StageKind = 27 // Spec: {near, distanceField, …}, Filter; first stage
	StageFeed      StageKind = 28 // change events of Collection behind a place; first stage, see Watch
)

// Stage is one pipeline stage; the fields a kind does not name are unused.
type Stage struct {
	Kind     StageKind
	Filter   *op.Expr      // match
	Project  *Projection   // project, addFields (Fields with Expr), unset (Exclude)
	Key      *op.Expr      // group: _id; replace: new root
	Accs     []Accumulator // group
	Sort     []op.Sort
	N        int64      // limit, skip
	Path     string     // unwind (without $), count (output field)
	Index    string     // unwind includeArrayIndex
	Preserve bool       // unwind preserveNullAndEmptyArrays
	From     string     // lookup
	Local    string     // lookup localField
	Foreign  string     // lookup foreignField
	As       string     // lookup
	Lets     []string   // lookup let: names of Values
	Values   []*op.Expr // lookup let: values
	Pipeline []Stage    // lookup, union pipeline
	Facets   []Facet    // facet
	Windows  []Window   // window: one for each of Accs
	Spec     []byte     // constant options of a stage, BSON
}

// Window bounds the documents a window function sees: {documents: [lo, hi]} or
// {range: [lo, hi], unit}; nil is the whole partition.
type Window struct{ Spec []byte }

// Facet is one named pipeline of a facet stage.
type Facet struct {
	Name   string
	Stages []Stage
}

// Accumulator is one output field of a group stage.
type Accumulator struct {
	Field string
	Name  string // the operator word without $: sum, avg, min, max, first, last, push, addToSet, count …
	Arg   *op.Expr
}

// Count counts the documents that match. Reply: Done{Matched}.
type Count struct {
	Collection string
	Filter     *op.Expr
	Page       op.Page
	Hint       *Hint
	Collation  []byte
}

// Distinct lists the distinct values of a path. Reply: Values of BSON-faithful
// values.
type Distinct struct {
	Collection string
	Path       string
	Filter     *op.Expr
	Hint       *Hint
	Collation  []byte
}

// Index describes a secondary index. Spec is the client's own definition
// document, stored as given.
type Index struct {
	Name    string
	Keys    []op.Sort // Path and direction
	Unique  bool
	Sparse  bool
	Partial *op.Expr
	Spec    []byte
	TTL     int64    // expireAfterSeconds; -1 = none
	Kinds   []string // kind of each key that is no order: text, 2dsphere, 2d, hashed, wildcard
}

// CreateIndexes creates indexes (and the collection). Reply: Done{Affected:
// created, Matched: number before}.
type CreateIndexes struct {
	Collection string
	Indexes    []Index
}

// ListIndexes answers Docs with each index's Spec (the _id index first).
type ListIndexes struct{ Collection string }

// DropIndexes drops indexes by name; "*" drops all but _id. Reply:
// Done{Matched: number before}.
type DropIndexes struct {
	Collection string
	Names      []string
}

// CreateCollection creates a collection; AlreadyExists if it is there.
type CreateCollection struct {
	Collection string
	Options    []byte   // BSON, stored as given; capped, timeseries and their kin are read from it
	Validator  *op.Expr // condition on every document, nil = none
	ViewOn     string   // the collection is a view of this one
	Stages     []Stage  // of the view
}

// ModifyCollection changes options of a collection: fields of Options replace
// those that are there. An index named by Index gets the options of Spec.
// Reply: Docs with {old values} if an index changed.
type ModifyCollection struct {
	Collection string
	Options    []byte
	Validator  *op.Expr
	Validate   bool // Validator replaces the old one, nil removes it
	ViewOn     string
	Stages     []Stage
	Index      string // name, or ""
	Key        []byte // key of the index when it has no name here
	Spec       []byte
}

// DropCollection drops a collection. Reply: Done{Affected: 1 if it was there,
// Matched: number of its indexes}.
type DropCollection struct{ Collection string }

// RenameCollection renames a collection.
type RenameCollection struct {
	From       string
	To         string
	DropTarget bool
}

// ListCollections answers Docs {name, type: "collection"|"table", options}.
type ListCollections struct{}

// Stats answers one document with counts and sizes of a collection, or of the
// database when Collection is "".
type Stats struct{ Collection string }

// Explain tells how a statement would read. Body is the statement; a write is
// not carried out. Reply: one document {winningPlan, pushed, later, execution}:
// the plan, how many stages of a pipeline it includes, and with Run what
// happened when it ran.
type Explain struct {
	Collection string
	Filter     *op.Expr // of Body, for routing
	Sort       []op.Sort
	Body       op.Body
	Run        bool
}

// Bulk runs Update and Delete bodies of one collection in order, in one commit.
// Ordered stops at the first failure. Reply: Done{Matched, Affected, Extra:
// for each body that ran Map(Text "matched", Int64, Text "affected", Int64,
// Text "upserted", id — if any) or a write error as in Insert}.
type Bulk struct {
	Collection string
	Bodies     []op.Body
	Ordered    bool
	Once       *Once
}

// Watch reads the change events of a database, of one collection when it is
// named, behind a place. Events are kept from the first Watch on; what is older
// is answered with NotFound of Object "history". Reply: Docs (event documents
// after Stages), Done{Matched: number of the last event looked at, Affected: 1
// if the stream ended with an invalidation}.
type Watch struct {
	Collection string
	Open       bool   // only make sure that events are kept; Matched is the newest
	After      int64  // events with greater numbers
	At         uint64 // else events not older than this timestamp; 0 = by After
	Wait       int64  // milliseconds to wait for a first event
	Limit      int64  // events in one reply, 0 = executor's choice
	Full       string // fullDocument: "", default, updateLookup, whenAvailable, required
	Before     string // fullDocumentBeforeChange: "", off, whenAvailable, required
	Expanded   bool   // also events about indexes and collections
	Stages     []Stage
	Lets       []Let
	Token      []byte // places in other databases, to be put into the tokens
}

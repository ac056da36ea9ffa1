package op

// ExprOp is a node kind of the shared filter and value language.
type ExprOp uint8

// Expression nodes. Filters use the first group, computed values the second.
// Numbers are pinned: they are serialised.
const (
	ExTrue      ExprOp = 0  // matches everything
	ExAnd       ExprOp = 1  // Args
	ExOr        ExprOp = 2  // Args
	ExNor       ExprOp = 3  // Args
	ExNot       ExprOp = 4  // Args[0]
	ExEq        ExprOp = 5  // Path, Value
	ExNe        ExprOp = 6  // Path, Value
	ExLt        ExprOp = 7  // Path, Value
	ExLte       ExprOp = 8  // Path, Value
	ExGt        ExprOp = 9  // Path, Value
	ExGte       ExprOp = 10 // Path, Value
	ExIn        ExprOp = 11 // Path, Value (array)
	ExNin       ExprOp = 12 // Path, Value (array)
	ExExists    ExprOp = 13 // Path, Value (bool)
	ExType      ExprOp = 14 // Path, Value (array of BSON type numbers)
	ExRegex     ExprOp = 15 // Path, Value (array: pattern, options)
	ExSize      ExprOp = 16 // Path, Value (int)
	ExAll       ExprOp = 17 // Path, Args (each a filter on the path)
	ExElemMatch ExprOp = 18 // Path, Args[0]: filter on the element (paths below it, or "" for the element itself)
	ExMod       ExprOp = 19 // Path, Value (array: divisor, remainder)
	ExExpr      ExprOp = 20 // Args[0]: computed value, matches when truthy
	ExBits      ExprOp = 21 // Path, Name (allSet, anySet, allClear, anyClear), Value (array of positions)

	ExSchema ExprOp = 22 // Value: document ($jsonSchema)
	ExSample ExprOp = 23 // Value: probability ($sampleRate); 0 matches nothing
	ExText   ExprOp = 24 // Value: document ($text)
	ExGeo    ExprOp = 25 // Path, Name (within, intersects, near), Value: document

	ExConst ExprOp = 40 // Value
	ExField ExprOp = 41 // Path from the current document
	ExVar   ExprOp = 42 // Name, Path below it
	ExCall  ExprOp = 43 // Name (the system's own operator word), Args
	ExDoc   ExprOp = 44 // Names[i]: Args[i]
	ExList  ExprOp = 45 // Args
	ExLet   ExprOp = 46 // Names[i] = Args[i], body is the last of Args
)

// Expr is a filter or a computed value. Paths are dotted, as in MongoDB.
type Expr struct {
	Op    ExprOp
	Path  string
	Name  string
	Value Value
	Names []string
	Args  []*Expr
}

// MutationOp is one kind of field change.
type MutationOp uint8

// Field changes. Numbers are pinned: they are serialised.
const (
	MutSet         MutationOp = 1
	MutUnset       MutationOp = 2
	MutInc         MutationOp = 3
	MutMul         MutationOp = 4
	MutMin         MutationOp = 5
	MutMax         MutationOp = 6
	MutRename      MutationOp = 7 // Value: new path
	MutCurrentDate MutationOp = 8 // Value: text "date" or "timestamp"
	MutPush        MutationOp = 9
	MutAddToSet    MutationOp = 10
	MutPop         MutationOp = 11 // Value: 1 or -1
	MutPull        MutationOp = 12 // Filter, or Value for equality
	MutPullAll     MutationOp = 13
	MutBit         MutationOp = 14 // Name: and, or, xor
	MutSetOnInsert MutationOp = 15
	MutReplace     MutationOp = 16 // Value: the whole new document
	MutCompute     MutationOp = 17 // Filter as value expression, set at Path
)

// Mutation is one field change of an update.
type Mutation struct {
	Op     MutationOp
	Path   string
	Name   string
	Value  Value
	Filter *Expr
	Each   []Value // push, addToSet: the elements
	Slice  *int    // push
	At     *int    // push: position
	Sort   []Sort  // push; Path "" sorts by the element itself
}

// Sort is one ordering term.
type Sort struct {
	Path string
	Desc bool
}

// Page bounds a result.
type Page struct {
	Skip  int64
	Limit int64 // 0 = no limit
	Batch int64 // documents in the first frame batch, 0 = executor's choice
}

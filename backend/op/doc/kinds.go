package doc

import "github.com/dot-do/dotdo-proxy/backend/op"

// Family implements op.Body.
func (*Insert) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Insert) Kind() uint16 { return 20 }

// Family implements op.Body.
func (*Find) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Find) Kind() uint16 { return 21 }

// Family implements op.Body.
func (*Update) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Update) Kind() uint16 { return 22 }

// Family implements op.Body.
func (*Delete) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Delete) Kind() uint16 { return 23 }

// Family implements op.Body.
func (*FindAndModify) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*FindAndModify) Kind() uint16 { return 24 }

// Family implements op.Body.
func (*Aggregate) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Aggregate) Kind() uint16 { return 25 }

// Family implements op.Body.
func (*Count) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Count) Kind() uint16 { return 26 }

// Family implements op.Body.
func (*Distinct) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Distinct) Kind() uint16 { return 27 }

// Family implements op.Body.
func (*CreateIndexes) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*CreateIndexes) Kind() uint16 { return 28 }

// Family implements op.Body.
func (*ListIndexes) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*ListIndexes) Kind() uint16 { return 29 }

// Family implements op.Body.
func (*DropIndexes) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*DropIndexes) Kind() uint16 { return 30 }

// Family implements op.Body.
func (*CreateCollection) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*CreateCollection) Kind() uint16 { return 31 }

// Family implements op.Body.
func (*DropCollection) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*DropCollection) Kind() uint16 { return 32 }

// Family implements op.Body.
func (*RenameCollection) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*RenameCollection) Kind() uint16 { return 33 }

// Family implements op.Body.
func (*ListCollections) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*ListCollections) Kind() uint16 { return 34 }

// Family implements op.Body.
func (*Stats) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Stats) Kind() uint16 { return 35 }

// Family implements op.Body.
func (*Explain) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Explain) Kind() uint16 { return 36 }

// Family implements op.Body.
func (*Bulk) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Bulk) Kind() uint16 { return 37 }

// Family implements op.Body.
func (*ModifyCollection) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*ModifyCollection) Kind() uint16 { return 38 }

// Family implements op.Body.
func (*Watch) Family() op.Family { return op.FamilyDoc }

// Kind implements op.Body.
func (*Watch) Kind() uint16 { return 39 }

package bsonval

import (
	"bytes"
	"encoding/binary"
	"unsafe"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Iter walks the elements of a document or array. It never panics; a damaged
// document ends the walk with Bad set.
type Iter struct {
	rest  []byte
	key   []byte
	Value V
	Bad   bool
}

// Elements starts a walk over a document's bytes.
func Elements(doc []byte) Iter {
	if len(doc) < 5 || int(binary.LittleEndian.Uint32(doc)) != len(doc) || doc[len(doc)-1] != 0 {
		return Iter{Bad: true}
	}
	return Iter{rest: doc[4 : len(doc)-1]}
}

// Next moves to the next element.
func (it *Iter) Next() bool {
	if len(it.rest) == 0 {
		return false
	}
	t := bsoncore.Type(it.rest[0])
	end := bytes.IndexByte(it.rest[1:], 0)
	if end < 0 {
		return it.fail()
	}
	it.key = it.rest[1 : 1+end]
	data := it.rest[2+end:]
	n := valueLen(t, data)
	if n < 0 || n > len(data) {
		return it.fail()
	}
	it.Value = V{Type: t, Data: data[:n:n]}
	it.rest = data[n:]
	return true
}

// fail ends a walk over damaged bytes.
func (it *Iter) fail() bool {
	it.rest, it.Bad = nil, true
	return false
}

// Key returns the element's name; it shares the document's bytes.
func (it *Iter) Key() string { return unsafe.String(unsafe.SliceData(it.key), len(it.key)) }

// valueLen returns the length of a value's bytes, -1 when they are damaged.
func valueLen(t bsoncore.Type, b []byte) int {
	switch t {
	case Undefined, Null, MinKey, MaxKey:
		return 0
	case Boolean:
		return 1
	case Int32:
		return 4
	case Double, DateTime, Timestamp, Int64:
		return 8
	case ObjectID:
		return 12
	case Decimal128:
		return 16
	case Regex:
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return -1
		}
		j := bytes.IndexByte(b[i+1:], 0)
		if j < 0 {
			return -1
		}
		return i + j + 2
	}
	if len(b) < 4 {
		return -1
	}
	n := int64(int32(binary.LittleEndian.Uint32(b)))
	switch t {
	case String, Symbol, JavaScript:
		if n < 1 || n+4 > int64(len(b)) || b[n+3] != 0 {
			return -1
		}
		return int(n + 4)
	case Document, Array:
		if n < 5 || n > int64(len(b)) || b[n-1] != 0 {
			return -1
		}
		return int(n)
	case Binary:
		if n < 0 || n+5 > int64(len(b)) {
			return -1
		}
		return int(n + 5)
	case DBPointer:
		if n < 1 || n+16 > int64(len(b)) || b[n+3] != 0 {
			return -1
		}
		return int(n + 16)
	case CodeScope:
		if n < 14 || n > int64(len(b)) {
			return -1
		}
		return int(n)
	}
	return -1
}

// maxDepth is how deep documents may nest, as in MongoDB.
const maxDepth = 100

// Validate checks a whole document: lengths, terminators, depth.
func Validate(doc []byte) error { return validate(doc, 0) }

// validate checks one level.
func validate(doc []byte, depth int) error {
	if depth > maxDepth {
		return op.Errorf(op.TooLarge, "document nests deeper than %d levels", maxDepth)
	}
	it := Elements(doc)
	for it.Next() {
		v := it.Value
		switch v.Type {
		case Document, Array:
			if err := validate(v.Data, depth+1); err != nil {
				return err
			}
		case Boolean:
			if v.Data[0] > 1 {
				return op.Errorf(op.InvalidArgument, "invalid BSON: bad boolean")
			}
		case Binary:
			// The old subtype 2 repeats its length inside.
			if v.Data[4] == 2 && len(v.Data) < 9 {
				return op.Errorf(op.InvalidArgument, "invalid BSON: bad binary")
			}
		case CodeScope:
			_, scope, rest, ok := bsoncore.ReadCodeWithScope(v.Data)
			if !ok || len(rest) != 0 {
				return op.Errorf(op.InvalidArgument, "invalid BSON: bad code with scope")
			}
			if err := validate(scope, depth+1); err != nil {
				return err
			}
		}
	}
	if it.Bad {
		return op.Errorf(op.InvalidArgument, "invalid BSON document")
	}
	return nil
}

// Get returns a top-level field, Missing when absent.
func Get(doc []byte, key string) V {
	for it := Elements(doc); it.Next(); {
		if it.Key() == key {
			return it.Value
		}
	}
	return Missing
}

// Items returns the elements of an array.
func Items(v V) []V {
	if v.Type != Array {
		return nil
	}
	var list []V
	for it := Elements(v.Data); it.Next(); {
		list = append(list, it.Value)
	}
	return list
}

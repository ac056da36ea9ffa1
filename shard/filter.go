package shard

import (
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// docKey is the document field that chooses the object.
func (o *Options) docKey() string {
	if o.Key == "" {
		return "_id"
	}
	return o.Key
}

// pinned returns the objects that can hold documents a filter matches, in
// order. A filter that says nothing of the key can match anywhere.
func (c *call) pinned(f *op.Expr) []int {
	set, all := c.l.filter(f)
	if all {
		return c.all()
	}
	slices.Sort(set)
	return slices.Compact(set)
}

// filter returns the objects a filter leaves, or all.
func (o *Options) filter(f *op.Expr) (set []int, all bool) {
	if f == nil {
		return nil, true
	}
	switch f.Op {
	case op.ExEq:
		if f.Path == o.docKey() {
			if n, ok := o.valueObject(f.Value); ok {
				return []int{n}, false
			}
		}
	case op.ExIn:
		if f.Path != o.docKey() {
			return nil, true
		}
		for _, v := range f.Value.List() {
			n, ok := o.valueObject(v)
			if !ok {
				return nil, true
			}
			set = append(set, n)
		}
		return set, false
	case op.ExAnd:
		all = true
		for _, a := range f.Args {
			s, any := o.filter(a)
			switch {
			case any:
			case all:
				set, all = s, false
			default:
				set = slices.DeleteFunc(set, func(n int) bool { return !slices.Contains(s, n) })
			}
		}
		return set, all
	case op.ExOr:
		for _, a := range f.Args {
			s, any := o.filter(a)
			if any {
				return nil, true
			}
			set = append(set, s...)
		}
		return set, len(f.Args) == 0
	}
	return nil, true
}

// bsonRegex is the BSON type that is a pattern in a filter, not a value.
const bsonRegex = 0x0B

// valueObject is the object of a key value, ok false when the value is no key.
func (o *Options) valueObject(v op.Value) (n int, ok bool) {
	text, ok := keyText(v)
	if v.Kind == op.KindBSON && v.Num != bsonRegex {
		text, ok = string(v.Raw), true
	}
	if !ok {
		return 0, false
	}
	return o.Object(text), true
}

// docValue is the key value of a document, Null when it has none.
func (o *Options) docValue(d []byte) op.Value {
	path := o.docKey()
	for {
		name, rest, more := strings.Cut(path, ".")
		v := bsonval.Get(d, name)
		if !more {
			if v.Type == 0 {
				return op.Null
			}
			return bsonval.FromBSON(v)
		}
		if v.Type != bsonval.Document {
			return op.Null
		}
		d, path = v.Data, rest
	}
}

// docObject is the object of a document.
func (o *Options) docObject(d []byte) (int, error) {
	v := o.docValue(d)
	n, ok := o.valueObject(v)
	if !ok {
		return 0, &op.Error{Code: op.Unsupported, Column: o.docKey(), Object: "shard key",
			Msg: "the shard key \"" + o.docKey() + "\" of a document cannot be an array, a document or a pattern"}
	}
	return n, nil
}

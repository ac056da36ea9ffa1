package doc

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// tree is a document or array that can be changed. Parts nobody looks into
// stay raw bytes.
type tree struct {
	key   string
	raw   bsonval.V // the value, unless open
	open  bool
	array bool
	kids  []*tree
}

// parseTree starts a tree of a value.
func parseTree(v bsonval.V) *tree { return &tree{raw: v} }

// expand makes the children accessible; false for a scalar.
func (t *tree) expand() bool {
	if t.open {
		return true
	}
	if t.raw.Type != bsonval.Document && t.raw.Type != bsonval.Array {
		return false
	}
	t.open, t.array = true, t.raw.Type == bsonval.Array
	for it := bsonval.Elements(t.raw.Data); it.Next(); {
		t.kids = append(t.kids, &tree{key: strings.Clone(it.Key()), raw: it.Value})
	}
	return true
}

// value returns the current value.
func (t *tree) value() bsonval.V {
	if !t.open {
		return t.raw
	}
	i, b := bsoncore.AppendDocumentStart(nil)
	b = t.appendKids(b)
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	if t.array {
		return bsonval.V{Type: bsonval.Array, Data: b}
	}
	return bsonval.DocV(b)
}

// appendKids appends the elements.
func (t *tree) appendKids(b []byte) []byte {
	for n, k := range t.kids {
		key := k.key
		if t.array {
			key = itoa(n)
		}
		if !k.open {
			b = bsonval.AppendElement(b, key, k.raw)
			continue
		}
		typ := bsonval.Document
		if k.array {
			typ = bsonval.Array
		}
		b = bsoncore.AppendHeader(b, typ, key)
		i, c := bsoncore.AppendDocumentStart(b)
		c = k.appendKids(c)
		b, _ = bsoncore.AppendDocumentEnd(c, i)
	}
	return b
}

// child returns a field or array element, nil when absent.
func (t *tree) child(key string) *tree {
	if !t.expand() {
		return nil
	}
	if t.array {
		if i := index(key); i >= 0 && i < len(t.kids) {
			return t.kids[i]
		}
		return nil
	}
	for _, k := range t.kids {
		if k.key == key {
			return k
		}
	}
	return nil
}

// put sets a field of a document.
func (t *tree) put(key string, v bsonval.V) {
	if k := t.child(key); k != nil {
		k.set(v)
		return
	}
	t.kids = append(t.kids, &tree{key: key, raw: v})
}

// set replaces the node's value.
func (t *tree) set(v bsonval.V) { t.raw, t.open, t.kids = v, false, nil }

// remove deletes a field.
func (t *tree) remove(key string) {
	if !t.expand() || t.array {
		return
	}
	for i, k := range t.kids {
		if k.key == key {
			t.kids = append(t.kids[:i], t.kids[i+1:]...)
			return
		}
	}
}

// find follows a concrete path; nil when it does not exist.
func (t *tree) find(p path) *tree {
	for _, name := range p {
		if t = t.child(name); t == nil {
			return nil
		}
	}
	return t
}

// maxPad bounds how far an array may be padded with nulls by one update.
const maxPad = 1500000

// make follows a concrete path and creates what is missing as documents.
func (t *tree) make(p path) (*tree, error) {
	for i, name := range p {
		k := t.child(name)
		if k != nil {
			t = k
			continue
		}
		if !t.expand() {
			return nil, &op.Error{Code: op.TypeMismatch, Object: "path", Msg: "Cannot create field '" + name + "' in element {" + t.key + ": " + brief(t.raw) + "}"}
		}
		fresh := &tree{key: name, raw: bsonval.DocV(bsonval.EmptyDoc)}
		if i == len(p)-1 {
			fresh.raw = bsonval.Missing
		}
		if t.array {
			n := index(name)
			if n < 0 {
				return nil, &op.Error{Code: op.TypeMismatch, Object: "path", Msg: "Cannot create field '" + name + "' in element {" + t.key + ": " + brief(t.value()) + "}"}
			}
			if n-len(t.kids) > maxPad {
				return nil, op.Errorf(op.InvalidArgument, "can't backfill more than %d elements", maxPad)
			}
			for len(t.kids) < n {
				t.kids = append(t.kids, &tree{raw: bsonval.NullV})
			}
		}
		t.kids = append(t.kids, fresh)
		t = fresh
	}
	return t, nil
}

// unset removes the node at a concrete path; an array element becomes null.
func (t *tree) unset(p path) {
	up := t.find(p[:len(p)-1])
	if up == nil {
		return
	}
	last := p[len(p)-1]
	k := up.child(last)
	switch {
	case k == nil:
	case up.array:
		k.set(bsonval.NullV)
	default:
		up.remove(last)
	}
}

// brief renders a value for a message.
func brief(v bsonval.V) string {
	if v.Type == 0 {
		return "missing"
	}
	if len(v.Data) > 100 {
		return "<" + typeName(v) + ">"
	}
	return jsonText(v)
}

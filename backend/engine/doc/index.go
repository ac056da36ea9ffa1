package doc

import (
	"bytes"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/engine/doc/keyenc"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// idx is a secondary index ready for use.
type idx struct {
	cat     *catalog.Index
	table   string // SQLite table, quoted
	paths   []path
	desc    []bool
	sparse  bool
	ttl     int64 // seconds, -1 = none
	partial *filter
	where   *op.Expr
	hidden  bool
	coll    *collator
	special string // text, 2dsphere, 2d, hashed, wildcard: no plain keys
}

// openIndex prepares an index of the catalog.
func openIndex(c *catalog.Index) (*idx, error) {
	x := &idx{cat: c, table: "_dotdo_ix_" + strconv.FormatUint(uint64(c.OID), 10), ttl: -1}
	for _, it := range c.Items {
		x.paths = append(x.paths, splitPath(it.Column))
		x.desc = append(x.desc, it.Desc)
	}
	x.sparse = bsonval.Truthy(bsonval.Get(c.Doc, "sparse"))
	x.hidden = bsonval.Truthy(bsonval.Get(c.Doc, "hidden"))
	if n, ok := bsonval.Int(bsonval.Get(c.Doc, "expireAfterSeconds")); ok {
		x.ttl = n
	}
	var err error
	if x.coll, err = newCollator(bsonval.Get(c.Doc, "collation").Data); err != nil {
		return nil, err
	}
	if c.Where != "" {
		raw, err := base64.StdEncoding.DecodeString(c.Where)
		if err != nil {
			return nil, op.Errorf(op.Internal, "index %s has a damaged filter", c.Name)
		}
		x.where = exprFromBSON(raw)
		if x.partial, err = compileFilter(x.where, nil); err != nil {
			return nil, err
		}
	}
	return x, nil
}

// openIndexes prepares all document indexes of a collection.
func openIndexes(t *catalog.Table) ([]*idx, error) {
	var out []*idx
	for _, c := range t.Indexes {
		if c.Primary || c.Doc == nil {
			continue
		}
		x, err := openIndex(c)
		if err != nil {
			return nil, err
		}
		out = append(out, x)
	}
	return out, nil
}

// arrayPrefix returns how many components of p lead to the first array, 0 when
// no array is on the path.
func arrayPrefix(d []byte, p path) int {
	v := bsonval.DocV(d)
	for i, name := range p {
		if v.Type != bsonval.Document {
			return 0
		}
		v = bsonval.Get(v.Data, name)
		if v.Type == bsonval.Array {
			return i + 1
		}
	}
	return 0
}

// keys returns the index entries of a document, sorted and distinct, and
// whether an array made them.
func (x *idx) keys(d []byte) (keys [][]byte, multi bool, err error) {
	if x.partial != nil {
		if ok, _ := x.partial.matches(d, &env{}); !ok {
			return nil, false, nil
		}
	}
	if x.sparse && !slices.ContainsFunc(x.paths, func(p path) bool {
		return walk(bsonval.DocV(d), p, -1, func(v bsonval.V, _ int) bool { return v.Type != 0 })
	}) {
		return nil, false, nil
	}
	var shared path
	for _, p := range x.paths {
		n := arrayPrefix(d, p)
		if n == 0 {
			continue
		}
		if shared != nil && !slices.Equal(shared, p[:n]) {
			return nil, false, &op.Error{Code: op.InvalidArgument, Object: "parallel",
				Msg: "cannot index parallel arrays [" + p[n-1] + "] [" + shared[len(shared)-1] + "]"}
		}
		shared = p[:n]
	}
	if shared == nil {
		return [][]byte{x.combine(nil, func(p path) []bsonval.V { return []bsonval.V{get(bsonval.DocV(d), p)} })[0]}, false, nil
	}
	elems := bsonval.Items(get(bsonval.DocV(d), shared))
	if len(elems) == 0 {
		elems = []bsonval.V{{Type: bsonval.Undefined}}
	}
	for i, e := range elems {
		keys = x.combine(keys, func(p path) []bsonval.V {
			if len(p) < len(shared) || !slices.Equal(p[:len(shared)], shared) {
				return []bsonval.V{get(bsonval.DocV(d), p)}
			}
			rest := p[len(shared):]
			if len(rest) > 0 && index(rest[0]) == i {
				rest = rest[1:]
			}
			return leaves(e, rest)
		})
	}
	slices.SortFunc(keys, bytes.Compare)
	return slices.CompactFunc(keys, bytes.Equal), true, nil
}

// leaves returns the values below an array element.
func leaves(e bsonval.V, rest path) []bsonval.V {
	if len(rest) == 0 {
		return []bsonval.V{e}
	}
	var out []bsonval.V
	walk(e, rest, -1, func(v bsonval.V, _ int) bool {
		if v.Type != bsonval.Array {
			out = append(out, v)
			return false
		}
		items := bsonval.Items(v)
		if len(items) == 0 {
			items = []bsonval.V{{Type: bsonval.Undefined}}
		}
		out = append(out, items...)
		return false
	})
	if len(out) == 0 {
		out = []bsonval.V{bsonval.Missing}
	}
	return out
}

// combine appends the composite keys of all combinations of the paths' values.
func (x *idx) combine(keys [][]byte, values func(path) []bsonval.V) [][]byte {
	part := [][]byte{make([]byte, 0, 24)}
	for i, p := range x.paths {
		vals := values(p)
		next := make([][]byte, 0, len(part)*len(vals))
		for _, base := range part {
			for _, v := range vals {
				if v.Type == 0 {
					v = bsonval.NullV
				}
				k := base
				if len(vals) > 1 {
					k = slices.Clone(base)
				}
				from := len(k)
				k = keyenc.Append(k, x.coll.fold(v))
				if x.desc[i] {
					keyenc.Invert(k, from)
				}
				next = append(next, k)
			}
		}
		part = next
	}
	return append(keys, part...)
}

// keyValues gives the values of the indexed paths as a duplicate key error
// shows them.
func (x *idx) keyValues(d []byte) (names []string, vals []op.Value) {
	for i, it := range x.cat.Items {
		v := get(bsonval.DocV(d), x.paths[i])
		if v.Type == bsonval.Array {
			if items := bsonval.Items(v); len(items) > 0 {
				v = items[0]
			}
		}
		names = append(names, it.Column)
		vals = append(vals, bsonval.FromBSON(v))
	}
	return names, vals
}

// duplicate builds the error of a violated unique index.
func duplicate(coll, index string, names []string, vals []op.Value) *op.Error {
	var b strings.Builder
	for i, n := range names {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(n + ": " + jsonText(bsonval.ToBSON(vals[i])))
	}
	return &op.Error{Code: op.UniqueViolation, Object: "index", Name: index, Table: coll, Constraint: index, Columns: names, Values: vals,
		Msg: "E11000 duplicate key error collection: " + coll + " index: " + index + " dup key: { " + b.String() + " }"}
}

// exprToBSON serialises a filter for the catalog.
func exprToBSON(e *op.Expr) []byte {
	var args []bsonval.V
	for _, a := range e.Args {
		args = append(args, bsonval.DocV(exprToBSON(a)))
	}
	kv := []any{"o", bsonval.Int32V(int32(e.Op)), "p", bsonval.StringV(e.Path), "n", bsonval.StringV(e.Name), "v", bsonval.ToBSON(e.Value), "a", bsonval.ArrayV(args)}
	if len(e.Names) > 0 {
		var names []bsonval.V
		for _, n := range e.Names {
			names = append(names, bsonval.StringV(n))
		}
		kv = append(kv, "m", bsonval.ArrayV(names))
	}
	return buildDoc(kv...)
}

// exprFromBSON undoes exprToBSON.
func exprFromBSON(d []byte) *op.Expr {
	o, _ := bsonval.Int(bsonval.Get(d, "o"))
	e := &op.Expr{Op: op.ExprOp(o), Path: bsonval.Text(bsonval.Get(d, "p")), Name: bsonval.Text(bsonval.Get(d, "n")), Value: bsonval.FromBSON(bsonval.Get(d, "v"))}
	for _, a := range bsonval.Items(bsonval.Get(d, "a")) {
		e.Args = append(e.Args, exprFromBSON(a.Data))
	}
	for _, n := range bsonval.Items(bsonval.Get(d, "m")) {
		e.Names = append(e.Names, bsonval.Text(n))
	}
	return e
}

package doc

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// maxDoc is the greatest size of a document.
const maxDoc = 16 << 20

// updater is a compiled update.
type updater struct {
	muts     []mutation
	replace  bsonval.V // whole new document
	pipeline *pipeline
	arrays   map[string]matcher
}

// mutation is one compiled field change.
type mutation struct {
	op.Mutation
	path   path
	value  bsonval.V
	each   []bsonval.V
	pull   matcher
	byElem bool // pull tests the element itself
}

// compileUpdate compiles mutations or a pipeline.
func compileUpdate(muts []op.Mutation, stages []doc.Stage, filters []doc.NamedFilter) (*updater, error) {
	u := &updater{arrays: map[string]matcher{}}
	for _, f := range filters {
		m, err := (*collator)(nil).compileMatch(f.Filter)
		if err != nil {
			return nil, err
		}
		u.arrays[f.Name] = m
	}
	if stages != nil {
		p, err := compileStages(stages, nil)
		u.pipeline = p
		return u, err
	}
	for _, m := range muts {
		c := mutation{Mutation: m, path: splitPath(m.Path), value: bsonval.ToBSON(m.Value)}
		if m.Op == op.MutReplace {
			u.replace = c.value
			continue
		}
		for _, e := range m.Each {
			c.each = append(c.each, bsonval.ToBSON(e))
		}
		if m.Op == op.MutPull && m.Filter != nil {
			var err error
			if c.pull, err = (*collator)(nil).compileMatch(m.Filter); err != nil {
				return nil, err
			}
			c.byElem = elementFilter(m.Filter)
		}
		u.muts = append(u.muts, c)
	}
	// New fields appear in the order of their paths, not as written.
	sort.SliceStable(u.muts, func(i, j int) bool { return comparePaths(u.muts[i].path, u.muts[j].path) < 0 })
	return u, nil
}

// comparePaths orders paths by component, numbers by value.
func comparePaths(a, b path) int {
	for i := 0; i < len(a) && i < len(b); i++ {
		x, y := index(a[i]), index(b[i])
		c := cmp.Compare(a[i], b[i])
		if x >= 0 && y >= 0 {
			c = cmp.Compare(x, y)
		}
		if c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// apply returns the changed document. pos is the array position for "$",
// insert tells that an upsert builds the document.
func (u *updater) apply(old []byte, pos int, insert bool, r *run) ([]byte, error) {
	var out []byte
	now := r.now()
	switch {
	case u.pipeline != nil:
		docs, err := u.pipeline.runOne(old, r)
		if err != nil {
			return nil, err
		}
		out = keepMissingID(docs, old)
	case u.replace.Type != 0:
		out = keepID(u.replace.Data, old)
	default:
		t := parseTree(bsonval.DocV(old))
		for i := range u.muts {
			m := &u.muts[i]
			if m.Op == op.MutSetOnInsert && !insert {
				continue
			}
			paths, err := u.concrete(t, m.path, pos, m.Path)
			if err != nil {
				return nil, err
			}
			for _, p := range paths {
				if err := m.apply(t, p, now); err != nil {
					return nil, err
				}
			}
		}
		out = t.value().Data
	}
	return out, checkChanged(old, out)
}

// checkChanged enforces the size limit and that _id stays.
func checkChanged(old, out []byte) error {
	if len(out) > maxDoc {
		return op.Errorf(op.TooLarge, "Resulting document after update is larger than %d", maxDoc)
	}
	before, after := bsonval.Get(old, "_id"), bsonval.Get(out, "_id")
	if before.Type != 0 && (after.Type != before.Type || !bsonval.Equal(before, after)) {
		return &op.Error{Code: op.ReadOnly, Object: "_id", Msg: "Performing an update on the path '_id' would modify the immutable field '_id'"}
	}
	return nil
}

// keepMissingID gives a document without _id the old one.
func keepMissingID(fresh, old []byte) []byte {
	if id := bsonval.Get(old, "_id"); id.Type != 0 && bsonval.Get(fresh, "_id").Type == 0 {
		return firstID(fresh, id)
	}
	return fresh
}

// keepID puts the old _id first into a replacement without one.
func keepID(fresh, old []byte) []byte {
	id := bsonval.Get(old, "_id")
	if id.Type == 0 {
		return fresh
	}
	if given := bsonval.Get(fresh, "_id"); given.Type != 0 {
		return firstID(fresh, given)
	}
	return firstID(fresh, id)
}

// firstID returns a document with _id as its first field.
func firstID(d []byte, id bsonval.V) []byte {
	i, b := bsoncore.AppendDocumentStart(make([]byte, 0, len(d)+32))
	b = bsonval.AppendElement(b, "_id", id)
	for it := bsonval.Elements(d); it.Next(); {
		if it.Key() != "_id" {
			b = bsonval.AppendElement(b, it.Key(), it.Value)
		}
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return b
}

// concrete replaces $, $[] and $[id] by the positions they mean.
func (u *updater) concrete(t *tree, p path, pos int, text string) ([]path, error) {
	for i, name := range p {
		switch {
		case name == "$":
			if pos < 0 {
				return nil, &op.Error{Code: op.InvalidArgument, Object: "positional", Msg: "The positional operator did not find the match needed from the query."}
			}
			q := slices.Clone(p)
			q[i] = itoa(pos)
			return u.concrete(t, q, pos, text)
		case len(name) >= 3 && name[:2] == "$[" && name[len(name)-1] == ']':
			arr := t.find(p[:i])
			if arr == nil || !arr.expand() || !arr.array {
				return nil, &op.Error{Code: op.InvalidArgument, Object: "positional", Msg: "The path '" + text + "' must exist in the document in order to apply array updates."}
			}
			id := name[2 : len(name)-1]
			m, ok := u.arrays[id]
			if id != "" && !ok {
				return nil, &op.Error{Code: op.InvalidArgument, Object: "positional", Msg: "No array filter found for identifier '" + id + "' in path '" + text + "'"}
			}
			var out []path
			for n, k := range arr.kids {
				if id != "" && !m(bsonval.DocV(buildDoc(id, k.value())), &matchState{}) {
					continue
				}
				q := slices.Clone(p)
				q[i] = itoa(n)
				more, err := u.concrete(t, q, pos, text)
				if err != nil {
					return nil, err
				}
				out = append(out, more...)
			}
			return out, nil
		}
	}
	return []path{p}, nil
}

// apply makes one change at a concrete path.
func (m *mutation) apply(t *tree, p path, now time.Time) error {
	switch m.Op {
	case op.MutSet, op.MutSetOnInsert:
		n, err := t.make(p)
		if err == nil {
			n.set(m.value)
		}
		return err
	case op.MutUnset:
		t.unset(p)
		return nil
	case op.MutInc, op.MutMul, op.MutMin, op.MutMax, op.MutBit:
		return m.compute(t, p)
	case op.MutRename:
		return m.rename(t, p)
	case op.MutCurrentDate:
		n, err := t.make(p)
		if err != nil {
			return err
		}
		v := bsonval.DateV(now.UnixMilli())
		if m.Value.Str() == "timestamp" {
			v = bsonval.V{Type: bsonval.Timestamp, Data: bsoncore.AppendTimestamp(nil, uint32(now.Unix()), uint32(now.Nanosecond()/1000)+1)}
		}
		n.set(v)
		return nil
	case op.MutPush, op.MutAddToSet:
		return m.push(t, p)
	case op.MutPop, op.MutPull, op.MutPullAll:
		return m.take(t, p)
	}
	return op.Errorf(op.Unsupported, "field change %d is not supported", m.Op)
}

// compute applies the operators that look at the old value.
func (m *mutation) compute(t *tree, p path) error {
	n := t.find(p)
	old := bsonval.Missing
	if n != nil {
		old = n.value()
	}
	var v bsonval.V
	switch m.Op {
	case op.MutMin, op.MutMax:
		c := 0
		if old.Type != 0 {
			c = bsonval.Compare(m.value, old)
			if (m.Op == op.MutMin && c >= 0) || (m.Op == op.MutMax && c <= 0) {
				return nil
			}
		}
		v = m.value
	case op.MutBit:
		return m.bits(t, p, old)
	default:
		word := map[op.MutationOp]string{op.MutInc: "$inc", op.MutMul: "$mul"}[m.Op]
		if old.Type != 0 && !bsonval.IsNumber(old) {
			return &op.Error{Code: op.TypeMismatch, Object: "update", Msg: "Cannot apply " + word + " to a value of non-numeric type. {" + m.Path + ": " + brief(old) + "}"}
		}
		switch {
		case m.Op == op.MutMul && old.Type == 0:
			v = mulV(m.value, bsonval.Int32V(0))
		case old.Type == 0:
			v = m.value
		case m.Op == op.MutInc:
			v = addV(old, m.value)
		default:
			v = mulV(old, m.value)
		}
		if v.Type == bsonval.Double && old.Type != bsonval.Double && m.value.Type != bsonval.Double && old.Type != 0 {
			return &op.Error{Code: op.OutOfRange, Object: "update", Msg: "Failed to apply " + word + " operations to current value (" + brief(old) + ") for document"}
		}
	}
	n, err := t.make(p)
	if err == nil {
		n.set(v)
	}
	return err
}

// bits applies $bit.
func (m *mutation) bits(t *tree, p path, old bsonval.V) error {
	if old.Type == 0 {
		old = bsonval.Int32V(0)
	}
	if old.Type != bsonval.Int32 && old.Type != bsonval.Int64 {
		return &op.Error{Code: op.TypeMismatch, Object: "update", Msg: "Cannot apply $bit to a value of non-integral type. {" + m.Path + ": " + brief(old) + "}"}
	}
	a, _ := bsonval.Int(old)
	b, _ := bsonval.Int(m.value)
	switch m.Name {
	case "and":
		a &= b
	case "or":
		a |= b
	default:
		a ^= b
	}
	n, err := t.make(p)
	if err != nil {
		return err
	}
	if old.Type == bsonval.Int32 && m.value.Type == bsonval.Int32 {
		n.set(bsonval.Int32V(int32(a)))
	} else {
		n.set(bsonval.Int64V(a))
	}
	return nil
}

// rename applies $rename.
func (m *mutation) rename(t *tree, p path) error {
	n := t.find(p)
	if n == nil {
		return nil
	}
	v := n.value()
	t.unset(p)
	to, err := t.make(splitPath(m.Value.Str()))
	if err == nil {
		to.set(v)
	}
	return err
}

// array opens the array at a path; absent gives nil.
func (m *mutation) array(t *tree, p path, word string) (*tree, error) {
	n := t.find(p)
	if n == nil {
		return nil, nil
	}
	if !n.expand() || !n.array {
		id := bsonval.Missing
		if k := t.child("_id"); k != nil {
			id = k.value()
		}
		return nil, &op.Error{Code: op.InvalidArgument, Object: "array", Msg: "The field '" + m.Path + "' must be an array but is of type " + typeName(n.value()) + " in document {_id: " + brief(id) + "}" + word}
	}
	return n, nil
}

// push applies $push and $addToSet.
func (m *mutation) push(t *tree, p path) error {
	n, err := m.array(t, p, "")
	if err != nil {
		return err
	}
	if n == nil {
		if n, err = t.make(p); err != nil {
			return err
		}
		n.set(bsonval.ArrayV(nil))
		n.expand()
	}
	if m.Op == op.MutAddToSet {
		for _, e := range m.each {
			if !slices.ContainsFunc(n.kids, func(k *tree) bool { return bsonval.Equal(k.value(), e) }) {
				n.kids = append(n.kids, parseTree(e))
			}
		}
		return nil
	}
	at := len(n.kids)
	if m.At != nil {
		if at = *m.At; at < 0 {
			at = max(len(n.kids)+at, 0)
		}
		at = min(at, len(n.kids))
	}
	fresh := make([]*tree, len(m.each))
	for i, e := range m.each {
		fresh[i] = parseTree(e)
	}
	n.kids = slices.Insert(n.kids, at, fresh...)
	if m.Sort != nil {
		sort.SliceStable(n.kids, func(i, j int) bool { return compareBy(m.Sort, n.kids[i].value(), n.kids[j].value()) < 0 })
	}
	if m.Slice != nil {
		if s := *m.Slice; s >= 0 {
			n.kids = n.kids[:min(s, len(n.kids))]
		} else {
			n.kids = n.kids[max(len(n.kids)+s, 0):]
		}
	}
	return nil
}

// take applies $pop, $pull and $pullAll.
func (m *mutation) take(t *tree, p path) error {
	n, err := m.array(t, p, "")
	if err != nil || n == nil {
		return err
	}
	switch m.Op {
	case op.MutPop:
		if len(n.kids) == 0 {
		} else if m.Value.Int() < 0 {
			n.kids = n.kids[1:]
		} else {
			n.kids = n.kids[:len(n.kids)-1]
		}
	case op.MutPullAll:
		n.kids = slices.DeleteFunc(n.kids, func(k *tree) bool {
			return slices.ContainsFunc(m.each, func(e bsonval.V) bool { return bsonval.Equal(k.value(), e) })
		})
	default:
		n.kids = slices.DeleteFunc(n.kids, func(k *tree) bool {
			v := k.value()
			if m.pull == nil {
				return bsonval.Equal(v, m.value)
			}
			return (m.byElem || v.Type == bsonval.Document) && m.pull(v, &matchState{})
		})
	}
	return nil
}

// compareBy orders two values by sort terms; a term without path compares the
// values themselves.
func compareBy(terms []op.Sort, a, b bsonval.V) int {
	for _, s := range terms {
		x, y := a, b
		if s.Path != "" {
			p := splitPath(s.Path)
			x, y = sortKey(a, p, s.Desc), sortKey(b, p, s.Desc)
		}
		if c := bsonval.Compare(x, y); c != 0 {
			if s.Desc {
				return -c
			}
			return c
		}
	}
	return 0
}

// sortKey picks the value a document sorts by: the least (or greatest, when
// descending) of the values the path reaches, null when there is none.
func sortKey(v bsonval.V, p path, desc bool) bsonval.V {
	best, found := bsonval.NullV, false
	take := func(x bsonval.V) {
		if x.Type == 0 {
			x = bsonval.NullV
		}
		if c := 0; found {
			if c = bsonval.Compare(x, best); (desc && c <= 0) || (!desc && c >= 0) {
				return
			}
		}
		best, found = x, true
	}
	walk(v, p, -1, func(x bsonval.V, _ int) bool {
		if x.Type != bsonval.Array {
			take(x)
			return false
		}
		it := bsonval.Elements(x.Data)
		empty := true
		for it.Next() {
			empty = false
			take(it.Value)
		}
		if empty {
			take(bsonval.V{Type: bsonval.Undefined})
		}
		return false
	})
	return best
}

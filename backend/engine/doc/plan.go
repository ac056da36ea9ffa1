package doc

import (
	"bytes"
	"slices"

	"github.com/dot-do/dotdo-proxy/backend/engine/doc/keyenc"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// span is a range of keys: lo <= k < hi; nil hi is unbounded. point means the
// one key lo.
type span struct {
	lo, hi []byte
	point  bool
}

// access is how a collection is read. The filter is always applied to what
// comes out, so spans may be wider than the condition.
type access struct {
	idx    *idx // nil: the collection itself
	spans  []span
	full   bool // every document
	desc   bool // backwards
	sorted bool // in the order asked for
	score  int
	after  int64    // full: behind this record number
	fields []string // paths the spans bound, for explain
	conds  map[string]*bounds
}

// maxSpans bounds the spans of one access ($in lists multiplied).
const maxSpans = 2000

// bounds are the conditions on one path.
type bounds struct {
	points  []bsonval.V // equality or $in
	lo, hi  []byte      // closed range of key prefixes, nil = none
	isRange bool
	ends    [2]end // for explain
}

// end is one end of a range as the client gave it.
type end struct {
	v    bsonval.V
	open bool
}

// conjuncts collects the usable conditions of a filter by path.
func conjuncts(e *op.Expr, out map[string]*bounds, k *collator) {
	if e == nil {
		return
	}
	switch e.Op {
	case op.ExAnd:
		for _, a := range e.Args {
			conjuncts(a, out, k)
		}
	case op.ExAll:
		for _, a := range e.Args {
			if a.Op == op.ExEq {
				conjuncts(a, out, k)
				return
			}
		}
	case op.ExEq:
		if v := bsonval.ToBSON(e.Value); v.Type != bsonval.Array {
			boundsOf(out, e.Path).equal([]bsonval.V{k.fold(v)})
		}
	case op.ExIn:
		var vals []bsonval.V
		for _, x := range e.Value.List() {
			v := bsonval.ToBSON(x)
			if v.Type == bsonval.Array || v.Type == bsonval.Regex {
				return
			}
			vals = append(vals, k.fold(v))
		}
		boundsOf(out, e.Path).equal(vals)
	case op.ExLt, op.ExLte, op.ExGt, op.ExGte:
		v := bsonval.ToBSON(e.Value)
		switch v.Type {
		case bsonval.Array, bsonval.MinKey, bsonval.MaxKey, bsonval.Null, bsonval.Regex:
			return
		}
		boundsOf(out, e.Path).limit(e.Op, k.fold(v))
	}
}

// boundsOf returns the bounds of a path, made on first use.
func boundsOf(m map[string]*bounds, p string) *bounds {
	b := m[p]
	if b == nil {
		b = &bounds{}
		m[p] = b
	}
	return b
}

// equal adds an equality; the first one wins, for arrays can meet several.
func (b *bounds) equal(vals []bsonval.V) {
	if b.points == nil {
		b.points = vals
		if vals == nil {
			b.points = []bsonval.V{}
		}
	}
}

// limit adds one end of a range.
func (b *bounds) limit(o op.ExprOp, v bsonval.V) {
	key, rank := keyenc.Key(v), []byte{keyenc.Rank(v.Type)}
	switch {
	case !b.isRange:
		b.isRange = true
		b.lo, b.hi = rank, rank
	case b.lo[0] != rank[0]:
		return // another type: leave it to the filter
	}
	if o == op.ExGt || o == op.ExGte {
		if len(b.lo) == 1 {
			b.lo = key
			b.ends[0] = end{v, o == op.ExGt}
		}
	} else if len(b.hi) == 1 {
		b.hi = key
		b.ends[1] = end{v, o == op.ExLt}
	}
}

// idIndex stands for the collection's own order by _id.
var idIndex = &idx{paths: []path{{"_id"}}, desc: []bool{false}}

// badHint is the refusal of a hint that names no index.
func badHint() error {
	return op.Errorf(op.InvalidArgument, "error processing query: planner returned error :: caused by :: hint provided does not correspond to an existing index")
}

// choose picks the best access for a query, or the one its hint demands.
func choose(q query, indexes []*idx) (access, error) {
	conds := map[string]*bounds{}
	conjuncts(q.filter.expr, conds, q.coll)
	if q.hint != nil {
		return hinted(q, conds, indexes)
	}
	best := access{full: true}
	if a, ok := try(idIndex, []string{"_id"}, false, conds, q.sort); ok && q.coll == nil {
		a.idx = nil
		if a.score > best.score {
			best = a
		}
	}
	for _, x := range indexes {
		if x.hidden || x.special != "" || !x.coll.same(q.coll) || (x.partial != nil && !implied(x.where, q.filter.expr)) {
			continue
		}
		if a, ok := try(x, x.names(), x.cat.Multikey, conds, q.sort); ok && a.score > best.score {
			best = a
		}
	}
	return best, nil
}

// hinted is the access a hint demands. An index that does not help is read
// whole.
func hinted(q query, conds map[string]*bounds, indexes []*idx) (access, error) {
	h := q.hint
	if h.Natural != 0 {
		return access{full: true, desc: h.Natural < 0}, nil
	}
	if h.Name == "_id_" || bytes.Equal(h.Key, idKey) {
		a, _ := try(idIndex, []string{"_id"}, false, conds, q.sort)
		a.idx = nil
		return a, nil
	}
	for _, x := range indexes {
		if x.cat.Name != h.Name && (h.Key == nil || !bsonval.Equal(bsonval.DocV(h.Key), bsonval.Get(x.cat.Doc, "key"))) {
			continue
		}
		if x.hidden {
			break
		}
		if x.special != "" || !x.coll.same(q.coll) || (x.partial != nil && !implied(x.where, q.filter.expr)) {
			return access{}, op.Errorf(op.InvalidArgument, "error processing query: planner returned error :: caused by :: the hinted index %s cannot serve this query", x.cat.Name)
		}
		a, _ := try(x, x.names(), x.cat.Multikey, conds, q.sort)
		return a, nil
	}
	return access{}, badHint()
}

// idKey is the key document of the _id index.
var idKey = buildDoc("_id", bsonval.Int32V(1))

// names lists the paths of an index.
func (x *idx) names() []string {
	names := make([]string, len(x.cat.Items))
	for i, it := range x.cat.Items {
		names[i] = it.Column
	}
	return names
}

// implied reports whether every conjunct of a partial filter is one of the
// query's.
func implied(partial, query *op.Expr) bool {
	for _, p := range flatten(partial) {
		if !slices.ContainsFunc(flatten(query), func(q *op.Expr) bool { return bytes.Equal(exprToBSON(p), exprToBSON(q)) }) {
			return false
		}
	}
	return true
}

// flatten lists the conjuncts of a filter.
func flatten(e *op.Expr) []*op.Expr {
	if e == nil {
		return nil
	}
	if e.Op != op.ExAnd {
		return []*op.Expr{e}
	}
	var out []*op.Expr
	for _, a := range e.Args {
		out = append(out, flatten(a)...)
	}
	return out
}

// try computes the access over one index.
func try(x *idx, names []string, multikey bool, conds map[string]*bounds, sort []op.Sort) (access, bool) {
	a := access{idx: x, fields: names, conds: conds}
	prefixes := [][]byte{nil}
	n, single := 0, true
	for ; n < len(names); n++ {
		b := conds[names[n]]
		if b == nil || b.points == nil || len(b.points)*len(prefixes) > maxSpans || (multikey && sharesRoot(x.paths, n)) {
			break
		}
		if x.sparse && slices.ContainsFunc(b.points, nullish) {
			break
		}
		prefixes = extend(prefixes, b.points, x.desc[n])
		single = single && len(b.points) == 1
		a.score += 100
	}
	ranged := false
	if n < len(names) {
		if b := conds[names[n]]; b != nil && b.isRange && !(multikey && sharesRoot(x.paths, n)) {
			lo, hi := b.lo, b.hi
			if multikey && len(lo) > 1 && len(hi) > 1 {
				hi = hi[:1] // another element may meet the other end
			}
			a.spans = rangeSpans(prefixes, lo, hi, x.desc[n])
			a.score += 50
			ranged = true
		}
	}
	if !ranged {
		for _, p := range prefixes {
			a.spans = append(a.spans, span{lo: p, hi: successor(p), point: n == len(names)})
		}
	}
	if len(sort) > 0 && !multikey && !(x.sparse && a.score == 0) {
		if skip := matchSort(x, names, n, single, sort); skip >= 0 {
			a.sorted = true
			a.desc = sort[0].Desc != x.desc[skip]
			a.score += 30
		}
	}
	slices.SortFunc(a.spans, func(p, q span) int { return bytes.Compare(p.lo, q.lo) })
	a.spans = slices.CompactFunc(a.spans, func(p, q span) bool { return bytes.Equal(p.lo, q.lo) && bytes.Equal(p.hi, q.hi) })
	if a.desc {
		slices.Reverse(a.spans)
	}
	return a, a.score > 0
}

// sharesRoot reports whether component n lies below the same field as an
// earlier one. In a multikey index two such conditions may be met by different
// elements, which no single entry shows.
func sharesRoot(paths []path, n int) bool {
	return slices.ContainsFunc(paths[:n], func(p path) bool { return p[0] == paths[n][0] })
}

// matchSort returns the index component the order starts at, -1 when the index
// does not give the order. Components before it must be single points.
func matchSort(x *idx, names []string, points int, single bool, sort []op.Sort) int {
	start := 0
	if names[0] != sort[0].Path || points > 1 {
		if !single {
			return -1
		}
		for start < points && names[start] != sort[0].Path {
			start++
		}
	}
	if start+len(sort) > len(names) {
		return -1
	}
	flip := sort[0].Desc != x.desc[start]
	for i, s := range sort {
		if names[start+i] != s.Path || (s.Desc != x.desc[start+i]) != flip {
			return -1
		}
	}
	return start
}

// extend appends every value to every prefix.
func extend(prefixes [][]byte, vals []bsonval.V, desc bool) [][]byte {
	var out [][]byte
	for _, p := range prefixes {
		for _, v := range vals {
			k := keyenc.Append(slices.Clone(p), v)
			if desc {
				keyenc.Invert(k, len(p))
			}
			out = append(out, k)
		}
	}
	return out
}

// rangeSpans makes the spans of a closed range of component prefixes.
func rangeSpans(prefixes [][]byte, lo, hi []byte, desc bool) []span {
	var out []span
	for _, p := range prefixes {
		from, to := append(slices.Clone(p), lo...), append(slices.Clone(p), hi...)
		if desc {
			keyenc.Invert(from, len(p))
			keyenc.Invert(to, len(p))
			from, to = to, from
		}
		out = append(out, span{lo: from, hi: successor(to)})
	}
	return out
}

// successor returns the least key above every key with the prefix p; nil when
// there is none.
func successor(p []byte) []byte {
	for i := len(p) - 1; i >= 0; i-- {
		if p[i] != 0xFF {
			s := slices.Clone(p[:i+1])
			s[i]++
			return s
		}
	}
	return nil
}

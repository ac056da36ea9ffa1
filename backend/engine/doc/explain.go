package doc

import (
	"io"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// planNode is one stage of an explained plan with what it did.
type planNode struct {
	stage    string
	fields   []any // further fields of the plan
	input    *planNode
	returned int64
	works    int64
	keys     int64 // examined by this stage
	docs     int64
	counted  []any // further fields of the execution
}

// explained is a statement taken apart for explain.
type explained struct {
	collection string
	query      query
	page       op.Page
	project    *doc.Projection
	pipeline   *pipeline
	lets       map[string]bsonval.V
	top        string // stage above the read: COUNT, UPDATE, DELETE …
	multi      bool
	distinct   bool
	spec       []byte // collation document
	coll       *collator
}

// compileExplain compiles an Explain.
func compileExplain(b *doc.Explain) (*task, error) {
	x := &explained{collection: b.Collection}
	filter, err := x.take(b)
	if err != nil {
		return nil, err
	}
	if x.query.filter, x.coll, err = compileCollated(filter, x.spec); err != nil {
		return nil, err
	}
	return docsTask(func(r *run) ([][]byte, error) {
		d, err := r.explain(x, b.Run)
		return [][]byte{d}, err
	}), nil
}

// take reads the explained statement and returns its filter.
func (x *explained) take(b *doc.Explain) (*op.Expr, error) {
	switch s := b.Body.(type) {
	case nil:
		x.query.sort = b.Sort
		return b.Filter, nil
	case *doc.Find:
		x.spec = s.Collation
		x.query.sort, x.query.hint, x.page, x.project, x.lets = s.Sort, s.Hint, s.Page, s.Project, letMap(s.Lets)
		return s.Filter, nil
	case *doc.Count:
		x.spec = s.Collation
		x.query.hint, x.page, x.top = s.Hint, s.Page, "COUNT"
		return s.Filter, nil
	case *doc.Distinct:
		x.spec = s.Collation
		x.query.hint, x.distinct = s.Hint, true
		return s.Filter, nil
	case *doc.Update:
		x.spec = s.Collation
		x.query.hint, x.query.sort, x.multi, x.top, x.lets = s.Hint, s.Sort, s.Multi, "UPDATE", letMap(s.Lets)
		return s.Filter, nil
	case *doc.Delete:
		x.spec = s.Collation
		x.query.hint, x.multi, x.top, x.lets = s.Hint, s.Multi, "DELETE", letMap(s.Lets)
		return s.Filter, nil
	case *doc.FindAndModify:
		x.spec = s.Collation
		x.query.hint, x.query.sort, x.lets, x.top = s.Hint, s.Sort, letMap(s.Lets), "UPDATE"
		if s.Remove {
			x.top = "DELETE"
		}
		return s.Filter, nil
	case *doc.Aggregate:
		x.spec = s.Collation
		p, err := compileStages(s.Stages, nil)
		if err != nil {
			return nil, err
		}
		lead := p.lead(nil)
		x.query.hint, x.query.sort, x.lets, x.pipeline = s.Hint, lead.sort, letMap(s.Lets), p
		return lead.filter, nil
	}
	return nil, op.Errorf(op.Unsupported, "operation %d cannot be explained", b.Body.Kind())
}

// explain builds the plan and, when asked, runs it.
func (r *run) explain(x *explained, execute bool) ([]byte, error) {
	r.lets = x.lets
	r.collate(x.coll, x.spec != nil)
	t := r.table(x.collection)
	leaf, ordered, err := r.planOf(t, x)
	if err != nil {
		return nil, err
	}
	r.seen = &examined{}
	src, _, err := r.find(t, x.query)
	if err != nil {
		return nil, err
	}
	node := leaf
	src = node.watch(src)
	if len(x.query.sort) > 0 && !ordered {
		node = &planNode{stage: "SORT", fields: []any{"sortPattern", sortPattern(x.query.sort), "memLimit", bsonval.Int32V(maxSort), "type", bsonval.StringV("simple")}, input: node}
		src = node.watch(r.sorted(src, x.query.sort, 0))
	}
	if x.page.Skip > 0 {
		node = &planNode{stage: "SKIP", fields: []any{"skipAmount", bsonval.IntV(x.page.Skip)}, input: node}
		src = node.watch(skipped(src, x.page.Skip))
	}
	if x.page.Limit > 0 || (x.top != "" && x.top != "COUNT" && !x.multi) {
		n := max(x.page.Limit, 1)
		node = &planNode{stage: "LIMIT", fields: []any{"limitAmount", bsonval.IntV(n)}, input: node}
		src = node.watch(limited(src, n))
	}
	if x.project != nil {
		name := "PROJECTION_SIMPLE"
		for _, f := range x.project.Fields {
			if f.Expr != nil || f.ElemMatch != nil || f.Slice != nil || f.Position || strings.Contains(f.Path, ".") {
				name = "PROJECTION_DEFAULT"
			}
		}
		node = &planNode{stage: name, input: node}
		src = node.watch(src)
	}
	if x.top != "" {
		node = &planNode{stage: x.top, input: node}
	}
	kv := []any{"winningPlan", bsonval.DocV(node.plan()), "optimizedPipeline", bsonval.BoolV(false)}
	if x.pipeline != nil {
		kv = append(kv, "pushed", bsonval.Int32V(int32(x.pipeline.lead(nil).n)))
	}
	if !execute {
		return buildDoc(kv...), nil
	}
	out, later, err := r.execute(x, src)
	if err != nil {
		return nil, err
	}
	leaf.charge(r.seen)
	node.finish(x.top, out)
	exec := buildDoc("executionSuccess", bsonval.BoolV(true), "nReturned", bsonval.IntV(node.returned), "totalKeysExamined", bsonval.IntV(r.seen.keys), "totalDocsExamined", bsonval.IntV(r.seen.docs), "executionStages", bsonval.DocV(node.execution()))
	return buildDoc(append(kv, "execution", bsonval.DocV(exec), "later", bsonval.ArrayV(later))...), nil
}

// execute reads a plan to its end, through the rest of a pipeline if there is
// one, and returns how many documents came and how many each later stage gave.
func (r *run) execute(x *explained, src source) (n int64, later []bsonval.V, err error) {
	defer r.close()
	var counts []int64
	if x.pipeline != nil {
		rest := x.pipeline.stages[x.pipeline.lead(nil).n:]
		counts = make([]int64, len(rest))
		for i, s := range rest {
			if src, err = s(r, src); err != nil {
				return 0, nil, err
			}
			inner := src
			src = func() (row, error) {
				d, err := inner()
				if err == nil {
					counts[i]++
				}
				return d, err
			}
		}
	}
	for {
		if _, err := src(); err == io.EOF {
			break
		} else if err != nil {
			return 0, nil, err
		}
		n++
	}
	for _, c := range counts {
		later = append(later, bsonval.IntV(c))
	}
	return n, later, nil
}

// watch counts the rows that pass a node.
func (n *planNode) watch(src source) source {
	return func() (row, error) {
		x, err := src()
		n.works++
		if err == nil {
			n.returned++
		}
		return x, err
	}
}

// charge books what a read examined on its leaf.
func (n *planNode) charge(e *examined) {
	n.docs = e.docs
	n.works = max(n.works, e.docs+1)
	if n.input != nil {
		n.input.keys, n.input.returned, n.input.works = e.keys, e.docs, e.keys+1
	}
}

// finish sets what the top stage reports.
func (n *planNode) finish(top string, out int64) {
	switch top {
	case "COUNT":
		n.counted = []any{"nCounted", bsonval.IntV(out), "nSkipped", bsonval.Int32V(0)}
	case "UPDATE":
		n.counted = []any{"nMatched", bsonval.IntV(out), "nWouldModify", bsonval.IntV(out), "nWouldUpsert", bsonval.Int32V(0)}
	case "DELETE":
		n.counted = []any{"nWouldDelete", bsonval.IntV(out)}
	}
	if top != "" {
		n.works = out + 1
	}
}

// plan renders the node and its inputs.
func (n *planNode) plan() []byte {
	kv := append([]any{"stage", bsonval.StringV(n.stage)}, n.fields...)
	if n.input != nil {
		kv = append(kv, "inputStage", bsonval.DocV(n.input.plan()))
	}
	return buildDoc(kv...)
}

// execution renders what the node and its inputs did.
func (n *planNode) execution() []byte {
	kv := append([]any{"stage", bsonval.StringV(n.stage)}, n.fields...)
	kv = append(kv, "nReturned", bsonval.IntV(n.returned), "executionTimeMillisEstimate", bsonval.Int32V(0), "works", bsonval.IntV(max(n.works, n.returned)),
		"advanced", bsonval.IntV(n.returned), "needTime", bsonval.IntV(max(0, n.works-n.returned-1)), "needYield", bsonval.Int32V(0), "saveState", bsonval.Int32V(0),
		"restoreState", bsonval.Int32V(0), "isEOF", bsonval.Int32V(1))
	switch n.stage {
	case "IXSCAN":
		kv = append(kv, "keysExamined", bsonval.IntV(n.keys), "seeks", bsonval.Int32V(1), "dupsTested", bsonval.IntV(n.keys), "dupsDropped", bsonval.IntV(n.keys-n.returned))
	case "FETCH", "COLLSCAN":
		kv = append(kv, "docsExamined", bsonval.IntV(n.docs), "alreadyHasObj", bsonval.Int32V(0))
	case "IDHACK":
		kv = append(kv, "keysExamined", bsonval.IntV(n.docs), "docsExamined", bsonval.IntV(n.docs))
	}
	kv = append(kv, n.counted...)
	if n.input != nil {
		kv = append(kv, "inputStage", bsonval.DocV(n.input.execution()))
	}
	return buildDoc(kv...)
}

// planOf tells how the documents are read; sorted, whether they come in order.
func (r *run) planOf(t *catalog.Table, x *explained) (n *planNode, sorted bool, err error) {
	if t == nil {
		return &planNode{stage: "EOF"}, true, nil
	}
	if t.Kind != catalog.KindCollection {
		return &planNode{stage: "COLLSCAN", fields: []any{"direction", bsonval.StringV("forward")}}, false, nil
	}
	if x.query.coll, err = r.collation(t); err != nil {
		return nil, false, err
	}
	a, err := r.access(t, x.query)
	if err != nil {
		return nil, false, err
	}
	dir := bsonval.StringV("forward")
	if a.desc {
		dir = bsonval.StringV("backward")
	}
	filter := []any{}
	if e := x.query.filter.expr; e != nil && !x.query.filter.all {
		filter = []any{"filter", bsonval.DocV(filterDoc(e))}
	}
	switch {
	case a.full:
		return &planNode{stage: "COLLSCAN", fields: append(filter, "direction", dir)}, a.sorted, nil
	case a.idx == nil && len(a.spans) == 1 && a.spans[0].point && x.query.filter.expr != nil && x.query.filter.expr.Op == op.ExEq:
		return &planNode{stage: "IDHACK"}, true, nil
	}
	return &planNode{stage: "FETCH", fields: filter, input: &planNode{stage: "IXSCAN", fields: scanFields(a, dir)}}, a.sorted, nil
}

// scanFields describes an index scan.
func scanFields(a access, dir bsonval.V) []any {
	name, key, multi, unique, sparse, partial := "_id_", bsonval.DocV(idKey), false, true, false, false
	if a.idx != nil {
		c := a.idx.cat
		name, key, multi, unique, sparse, partial = c.Name, bsonval.Get(c.Doc, "key"), c.Multikey, c.Unique, a.idx.sparse, a.idx.partial != nil
	}
	desc := []bool{false}
	if a.idx != nil {
		desc = a.idx.desc
	}
	var bounds []any
	prefix := true
	for i, f := range a.fields {
		text := "[MinKey, MaxKey]"
		if desc[i] != a.desc {
			text = "[MaxKey, MinKey]"
		}
		list := []bsonval.V{bsonval.StringV(text)}
		if b := a.conds[f]; prefix && b != nil {
			if l := b.texts(desc[i] != a.desc); l != nil {
				list = l
			}
			prefix = b.points != nil
		} else {
			prefix = false
		}
		bounds = append(bounds, f, bsonval.ArrayV(list))
	}
	return []any{"keyPattern", key, "indexName", bsonval.StringV(name), "isMultiKey", bsonval.BoolV(multi), "isUnique", bsonval.BoolV(unique), "isSparse", bsonval.BoolV(sparse),
		"isPartial", bsonval.BoolV(partial), "indexVersion", bsonval.Int32V(2), "direction", dir, "indexBounds", bsonval.DocV(buildDoc(bounds...))}
}

// texts renders the bounds of one path as MongoDB writes them.
func (b *bounds) texts(backward bool) []bsonval.V {
	var out []bsonval.V
	for _, p := range b.points {
		t := jsonText(p)
		out = append(out, bsonval.StringV("["+t+", "+t+"]"))
	}
	if out != nil || !b.isRange {
		return out
	}
	side := func(e end, open, closed, none string) (string, string) {
		if e.v.Type == 0 {
			return closed, none
		}
		if e.open {
			return open, jsonText(e.v)
		}
		return closed, jsonText(e.v)
	}
	lo, from := side(b.ends[0], "(", "[", "-inf")
	hi, to := side(b.ends[1], ")", "]", "inf")
	if backward {
		flip := map[string]string{"(": ")", "[": "]", ")": "(", "]": "["}
		return []bsonval.V{bsonval.StringV(flip[hi] + to + ", " + from + flip[lo])}
	}
	return []bsonval.V{bsonval.StringV(lo + from + ", " + to + hi)}
}

// sortPattern renders an order.
func sortPattern(terms []op.Sort) bsonval.V {
	var kv []any
	for _, t := range terms {
		dir := int32(1)
		if t.Desc {
			dir = -1
		}
		kv = append(kv, t.Path, bsonval.Int32V(dir))
	}
	return bsonval.DocV(buildDoc(kv...))
}

// filterNames are the operators explain shows.
var filterNames = map[op.ExprOp]string{
	op.ExAnd: "$and", op.ExOr: "$or", op.ExNor: "$nor", op.ExNot: "$not", op.ExEq: "$eq", op.ExNe: "$ne", op.ExLt: "$lt", op.ExLte: "$lte", op.ExGt: "$gt", op.ExGte: "$gte", op.ExIn: "$in", op.ExNin: "$nin",
	op.ExExists: "$exists", op.ExType: "$type", op.ExRegex: "$regex", op.ExSize: "$size", op.ExAll: "$all", op.ExElemMatch: "$elemMatch", op.ExMod: "$mod", op.ExExpr: "$expr", op.ExBits: "$bits",
}

// filterDoc renders a filter in the client's language.
func filterDoc(e *op.Expr) []byte {
	name := filterNames[e.Op]
	switch e.Op {
	case op.ExAnd, op.ExOr, op.ExNor:
		var list []bsonval.V
		for _, a := range e.Args {
			list = append(list, bsonval.DocV(filterDoc(a)))
		}
		return buildDoc(name, bsonval.ArrayV(list))
	case op.ExNot:
		return buildDoc(name, bsonval.DocV(filterDoc(e.Args[0])))
	case op.ExAll:
		var list []bsonval.V
		for _, a := range e.Args {
			list = append(list, bsonval.DocV(filterDoc(a)))
		}
		return buildDoc("$and", bsonval.ArrayV(list))
	case op.ExElemMatch:
		return buildDoc(e.Path, bsonval.DocV(buildDoc(name, bsonval.DocV(filterDoc(e.Args[0])))))
	case op.ExTrue, op.ExExpr:
		return bsonval.EmptyDoc
	case op.ExRegex:
		l := e.Value.List()
		return buildDoc(e.Path, bsonval.DocV(buildDoc(name, bsonval.StringV(l[0].Str()), "$options", bsonval.StringV(l[1].Str()))))
	}
	if e.Path == "" {
		return buildDoc(name, bsonval.ToBSON(e.Value))
	}
	return buildDoc(e.Path, bsonval.DocV(buildDoc(name, bsonval.ToBSON(e.Value))))
}

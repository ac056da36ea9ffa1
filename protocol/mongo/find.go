package mongo

import (
	"context"
	"errors"
	"io"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// isEOF reports the end of a reply.
func isEOF(err error) bool { return errors.Is(err, io.EOF) }

// findFields are the fields of find.
const findFields = "filter sort projection hint skip limit batchSize ntoreturn singleBatch let max min returnKey showRecordId tailable awaitData oplogReplay noCursorTimeout allowPartialResults collation allowDiskUse"

// refuse answers "not supported" when a field asks for something that is not
// there.
func (r *request) refuse(fields ...string) error {
	for _, f := range fields {
		if v := r.get(f); bsonval.Truthy(v) && !(v.Type == bsonval.Document && len(v.Data) == 5) {
			return errorf(notImplemented, "option '%s' of command %s is not supported", f, r.name)
		}
	}
	return r.checkCollation(r.get("collation"))
}

// checkCollation accepts the simple collation only.
func (r *request) checkCollation(v bsonval.V) error {
	if v.Type != bsonval.Document || len(v.Data) == 5 || bsonval.Text(bsonval.Get(v.Data, "locale")) == "simple" {
		return nil
	}
	return errorf(notImplemented, "collation is not supported (only {locale: \"simple\"})")
}

// lets decodes let: constant expressions bound as variables.
func (r *request) lets() ([]doc.Let, error) {
	v := r.get("let")
	if v.Type == 0 {
		return nil, nil
	}
	if v.Type != bsonval.Document {
		return nil, errorf(typeMismatch, "BSON field '%s.let' is the wrong type, expected type 'object'", r.name)
	}
	var out []doc.Let
	for it := bsonval.Elements(v.Data); it.Next(); {
		x, err := parseExpr(it.Value)
		if err != nil {
			return nil, err
		}
		val, ok := fold(x)
		if !ok {
			return nil, errorf(notImplemented, "let variables must be constants")
		}
		out = append(out, doc.Let{Name: strings.Clone(it.Key()), Value: val})
	}
	return out, nil
}

// fold evaluates an expression of constants.
func fold(x *op.Expr) (op.Value, bool) {
	switch x.Op {
	case op.ExConst:
		return x.Value, true
	case op.ExList, op.ExDoc:
		var out []op.Value
		for i, a := range x.Args {
			v, ok := fold(a)
			if !ok {
				return v, false
			}
			if x.Op == op.ExDoc {
				out = append(out, op.Text(x.Names[i]))
			}
			out = append(out, v)
		}
		if x.Op == op.ExDoc {
			return op.Map(out...), true
		}
		return op.Array(out...), true
	}
	return op.Null, false
}

// filter decodes a query field.
func (r *request) filter(key string) (*op.Expr, error) {
	d, err := r.document(key)
	if err != nil || d == nil {
		return nil, err
	}
	return parseFilter(d)
}

// checkHint verifies that a hinted index exists; the planner's own choice
// gives the same documents.
func (r *request) checkHint(ctx context.Context, coll string, hint bsonval.V) error {
	if hint.Type == 0 || (hint.Type == bsonval.Document && len(hint.Data) == 5) {
		return nil
	}
	if hint.Type == bsonval.Document && bsonval.Get(hint.Data, "$natural").Type != 0 {
		return nil
	}
	rep, err := r.read(ctx, &doc.ListIndexes{Collection: coll})
	if err != nil {
		if c := translate(err).code; c == namespaceNotFound {
			return nil
		}
		return err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return err
	}
	for _, d := range docs {
		if (hint.Type == bsonval.String && bsonval.Equal(hint, bsonval.Get(d, "name"))) || (hint.Type == bsonval.Document && bsonval.Equal(hint, bsonval.Get(d, "key"))) {
			return nil
		}
	}
	return errorf(badValue, "error processing query: ns=%s.%s: planner returned error :: caused by :: hint provided does not correspond to an existing index", r.db, coll)
}

// parseFind decodes find.
func (r *request) parseFind() (*doc.Find, cursorOptions, error) {
	var o cursorOptions
	coll, err := r.collection()
	if err != nil {
		return nil, o, err
	}
	if err := r.refuse("max", "min", "returnKey", "showRecordId", "tailable", "awaitData"); err != nil {
		return nil, o, err
	}
	b := &doc.Find{Collection: coll}
	o = cursorOptions{ns: r.db + "." + coll, batch: 101, single: r.truthy("singleBatch"), noTimeout: r.truthy("noCursorTimeout")}
	if b.Filter, err = r.filter("filter"); err != nil {
		return nil, o, err
	}
	sort, err := r.document("sort")
	if err != nil {
		return nil, o, err
	}
	if b.Sort, err = parseSort(emptyIfNil(sort)); err != nil {
		return nil, o, err
	}
	project, err := r.document("projection")
	if err != nil {
		return nil, o, err
	}
	if b.Project, err = parseProjection(project, true); err != nil {
		return nil, o, err
	}
	if b.Page.Skip, err = r.number("skip", 0); err != nil {
		return nil, o, err
	}
	if b.Page.Limit, err = r.number("limit", 0); err != nil {
		return nil, o, err
	}
	if b.Page.Skip < 0 {
		return nil, o, errorf(code{51024, "Location51024"}, "BSON field 'skip' value must be >= 0, actual value '%d'", b.Page.Skip)
	}
	if b.Page.Limit < 0 {
		b.Page.Limit, o.single = -b.Page.Limit, true
	}
	if o.batch, err = r.number("batchSize", 101); err != nil {
		return nil, o, err
	}
	if o.batch < 0 {
		return nil, o, errorf(code{51024, "Location51024"}, "BSON field 'batchSize' value must be >= 0, actual value '%d'", o.batch)
	}
	b.Page.Batch = o.batch
	b.Lets, err = r.lets()
	return b, o, err
}

// emptyIfNil gives an empty document for nil.
func emptyIfNil(d []byte) []byte {
	if d == nil {
		return bsonval.EmptyDoc
	}
	return d
}

// cmdFind serves find.
func cmdFind(ctx context.Context, r *request) ([]byte, error) {
	b, o, err := r.parseFind()
	if err != nil {
		return nil, err
	}
	if err := r.checkHint(ctx, b.Collection, r.get("hint")); err != nil {
		return nil, err
	}
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	return r.openCursor(ctx, rep, o)
}

// cmdAggregate serves aggregate.
func cmdAggregate(ctx context.Context, r *request) ([]byte, error) {
	if err := r.refuse("isMapReduceCommand"); err != nil {
		return nil, err
	}
	coll := ""
	if v := r.first(); v.Type == bsonval.String {
		var err error
		if coll, err = r.collection(); err != nil {
			return nil, err
		}
	}
	list := r.get("pipeline")
	if list.Type != bsonval.Array {
		return nil, errorf(typeMismatch, "'pipeline' option must be specified as an array")
	}
	cur := r.get("cursor")
	if cur.Type != bsonval.Document && !r.truthy("explain") {
		return nil, errorf(failedToParse, "The 'cursor' option is required, except for aggregate with the explain argument")
	}
	o := cursorOptions{ns: r.db + "." + coll, batch: 101}
	if coll == "" {
		o.ns = r.db + ".$cmd.aggregate"
	}
	if n, ok := bsonval.Int(bsonval.Get(cur.Data, "batchSize")); ok && n >= 0 {
		o.batch = n
	}
	items := bsonval.Items(list)
	if r.truthy("explain") {
		return r.explainAggregate(ctx, coll, items)
	}
	if coll == "" && len(items) > 0 && bsonval.Get(items[0].Data, "$currentOp").Type != 0 {
		return r.currentOpCursor(ctx, items[1:], o)
	}
	b := &doc.Aggregate{Collection: coll, Batch: o.batch}
	var err error
	if b.Stages, err = parsePipeline(items); err != nil {
		return nil, err
	}
	if coll == "" && len(items) > 0 {
		return nil, errorf(invalidNamespace, "{aggregate: 1} is not valid for this pipeline: it must name a collection")
	}
	if b.Lets, err = r.lets(); err != nil {
		return nil, err
	}
	if err := r.checkHint(ctx, coll, r.get("hint")); err != nil {
		return nil, err
	}
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	return r.openCursor(ctx, rep, o)
}

// cmdCount serves count.
func cmdCount(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	if err := r.refuse(); err != nil {
		return nil, err
	}
	b := &doc.Count{Collection: coll}
	if b.Filter, err = r.filter("query"); err != nil {
		return nil, err
	}
	if b.Page.Skip, err = r.number("skip", 0); err != nil {
		return nil, err
	}
	if b.Page.Limit, err = r.number("limit", 0); err != nil {
		return nil, err
	}
	if b.Page.Limit < 0 {
		b.Page.Limit = -b.Page.Limit
	}
	if err := r.checkHint(ctx, coll, r.get("hint")); err != nil {
		return nil, err
	}
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return nil, err
	}
	return newReply().int("n", d.Matched).ok(), nil
}

// cmdDistinct serves distinct.
func cmdDistinct(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	if err := r.refuse(); err != nil {
		return nil, err
	}
	key := r.get("key")
	if key.Type != bsonval.String || bsonval.Text(key) == "" {
		return nil, errorf(typeMismatch, "BSON field 'distinct.key' must be a non-empty string")
	}
	b := &doc.Distinct{Collection: coll, Path: bsonval.Text(key)}
	if b.Filter, err = r.filter("query"); err != nil {
		return nil, err
	}
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	vals, _, err := collect(ctx, rep)
	if err != nil {
		return nil, err
	}
	list := make([]bsonval.V, len(vals))
	for i, v := range vals {
		list[i] = bsonval.ToBSON(v)
	}
	return newReply().add("values", bsonval.ArrayV(list)).ok(), nil
}

// cmdExplain serves explain of find, count, distinct, aggregate, update,
// delete and findAndModify: the plan of reading, without running it.
func cmdExplain(ctx context.Context, r *request) ([]byte, error) {
	inner := r.first()
	if inner.Type != bsonval.Document {
		return nil, errorf(typeMismatch, "BSON field 'explain' must be an object")
	}
	it := bsonval.Elements(inner.Data)
	if !it.Next() {
		return nil, errorf(failedToParse, "explain needs a command")
	}
	b := &doc.Explain{Collection: bsonval.Text(it.Value)}
	q, s := bsonval.Missing, bsonval.Get(inner.Data, "sort")
	switch it.Key() {
	case "find":
		q = bsonval.Get(inner.Data, "filter")
	case "count", "distinct", "findAndModify", "findandmodify":
		q = bsonval.Get(inner.Data, "query")
	case "aggregate":
		return r.explainAggregate(ctx, b.Collection, bsonval.Items(bsonval.Get(inner.Data, "pipeline")))
	case "update", "delete":
		list := bsonval.Items(bsonval.Get(inner.Data, it.Key()+"s"))
		if len(list) > 0 {
			q = bsonval.Get(list[0].Data, "q")
		}
	default:
		return nil, errorf(commandNotFound, "Explain failed due to unknown command: %s", it.Key())
	}
	return r.explain(ctx, b, q, s)
}

// explainAggregate explains the reading of a pipeline's first stages.
func (r *request) explainAggregate(ctx context.Context, coll string, items []bsonval.V) ([]byte, error) {
	if _, err := parsePipeline(items); err != nil {
		return nil, err
	}
	q, s := bsonval.Missing, bsonval.Missing
	if len(items) > 0 {
		q = bsonval.Get(items[0].Data, "$match")
		if next := items[min(1, len(items)-1)]; q.Type == 0 {
			s = bsonval.Get(items[0].Data, "$sort")
		} else {
			s = bsonval.Get(next.Data, "$sort")
		}
	}
	return r.explain(ctx, &doc.Explain{Collection: coll}, q, s)
}

// explain asks for the plan and wraps it.
func (r *request) explain(ctx context.Context, b *doc.Explain, q, s bsonval.V) ([]byte, error) {
	var err error
	if q.Type == bsonval.Document {
		if b.Filter, err = parseFilter(q.Data); err != nil {
			return nil, err
		}
	}
	if s.Type == bsonval.Document {
		if b.Sort, err = parseSort(s.Data); err != nil {
			return nil, err
		}
	}
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return nil, err
	}
	plan := newReply().str("stage", "EOF").end()
	if len(docs) > 0 {
		plan = docs[0]
	}
	if q.Type == 0 {
		q = bsonval.DocV(bsonval.EmptyDoc)
	}
	planner := newReply().str("namespace", r.db+"."+b.Collection).add("parsedQuery", q).doc("winningPlan", plan).docs("rejectedPlans", nil).end()
	return newReply().str("explainVersion", "1").doc("queryPlanner", planner).doc("serverInfo", r.serverInfo()).ok(), nil
}

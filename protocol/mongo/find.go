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
	return nil
}

// collation reads a collation document, completed with its defaults; nil when
// none is given.
func collation(v bsonval.V) ([]byte, error) {
	if v.Type == 0 || (v.Type == bsonval.Document && len(v.Data) == 5) {
		return nil, nil
	}
	c, err := completeCollation(v)
	return c.Data, err
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
		l := doc.Let{Name: strings.Clone(it.Key())}
		var ok bool
		if l.Value, ok = fold(x); !ok {
			if usesVariables(x) {
				return nil, errorf(notImplemented, "let variables must not use fields or variables")
			}
			l.Expr = x
		}
		out = append(out, l)
	}
	return out, nil
}

// usesVariables reports whether an expression needs a document or a variable.
func usesVariables(x *op.Expr) bool {
	if x.Op == op.ExVar || x.Op == op.ExField {
		return true
	}
	for _, a := range x.Args {
		if usesVariables(a) {
			return true
		}
	}
	return false
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

// hint decodes a hint: an index by name or key, or the order of storage.
func hint(v bsonval.V) (*doc.Hint, error) {
	switch v.Type {
	case 0:
		return nil, nil
	case bsonval.String:
		if bsonval.Text(v) == "$natural" {
			return &doc.Hint{Natural: 1}, nil
		}
		return &doc.Hint{Name: bsonval.Text(v)}, nil
	case bsonval.Document:
		it := bsonval.Elements(v.Data)
		if !it.Next() {
			return nil, nil
		}
		if it.Key() != "$natural" {
			return &doc.Hint{Key: v.Data}, nil
		}
		n, ok := bsonval.Int(it.Value)
		if !ok || (n != 1 && n != -1) {
			return nil, errorf(badValue, "$natural hint must be 1 or -1")
		}
		return &doc.Hint{Natural: int(n)}, nil
	}
	return nil, errorf(failedToParse, "Hint must be a string or an object")
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
	if b.Hint, err = hint(r.get("hint")); err != nil {
		return nil, o, err
	}
	if b.Collation, err = collation(r.get("collation")); err != nil {
		return nil, o, err
	}
	o = cursorOptions{ns: r.db + "." + coll, batch: 101, single: r.truthy("singleBatch"), noTimeout: r.truthy("noCursorTimeout")}
	if b.Filter, err = r.filter("filter"); err != nil {
		return nil, o, err
	}
	sort, err := r.document("sort")
	if err != nil {
		return nil, o, err
	}
	if b.Sort, b.Hint, err = naturalSort(emptyIfNil(sort), b.Hint); err != nil {
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

// naturalSort decodes a sort; {$natural: ±1} is the order of storage.
func naturalSort(d []byte, h *doc.Hint) ([]op.Sort, *doc.Hint, error) {
	v := bsonval.Get(d, "$natural")
	if v.Type == 0 {
		s, err := parseSort(d)
		return s, h, err
	}
	n, err := hint(bsonval.DocV(d))
	if err == nil && h != nil {
		err = errorf(badValue, "Cannot use a $natural sort with a hint")
	}
	return nil, n, err
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
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	return r.openCursor(ctx, rep, o)
}

// cmdAggregate serves aggregate.
func cmdAggregate(ctx context.Context, r *request) ([]byte, error) {
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
		return r.explainBody(ctx, r, "queryPlanner")
	}
	if s, ok := sessionStage(items); ok {
		if coll != "" && s == "$listLocalSessions" {
			return nil, errorf(invalidNamespace, "$listLocalSessions must be run against the database with {aggregate: 1}, not a collection")
		}
		if r.truthy("apiStrict") {
			return nil, errorf(code{323, "APIStrictError"}, "stage %s is not in API Version 1", s)
		}
		return r.sessionsCursor(ctx, items[1:], o)
	}
	if coll == "" && len(items) > 0 && bsonval.Get(items[0].Data, "$currentOp").Type != 0 {
		return r.currentOpCursor(ctx, items[1:], o)
	}
	if len(items) > 0 && bsonval.Get(items[0].Data, "$changeStream").Type != 0 {
		return r.changeStream(ctx, coll, items, o)
	}
	b, err := r.parseAggregate(coll, items)
	if err != nil {
		return nil, err
	}
	b.Batch = o.batch
	run := r.read
	if n := len(b.Stages); n > 0 && r.opt.readConcern == "linearizable" && (b.Stages[n-1].Kind == doc.StageOut || b.Stages[n-1].Kind == doc.StageMerge) {
		return nil, errorf(invalidOptions, "$out and $merge cannot run with a 'linearizable' read concern")
	}
	if n := len(b.Stages); n > 0 && (b.Stages[n-1].Kind == doc.StageOut || b.Stages[n-1].Kind == doc.StageMerge) {
		run = r.write
	}
	rep, err := run(ctx, b)
	if err != nil {
		return nil, err
	}
	return r.openCursor(ctx, rep, o)
}

// parseAggregate decodes a pipeline with the options of aggregate.
func (r *request) parseAggregate(coll string, items []bsonval.V) (*doc.Aggregate, error) {
	if err := r.refuse(); err != nil {
		return nil, err
	}
	b := &doc.Aggregate{Collection: coll}
	var err error
	if b.Collation, err = collation(r.get("collation")); err != nil {
		return nil, err
	}
	if b.Stages, err = parsePipeline(items); err != nil {
		return nil, err
	}
	if err := checkPlaces(b.Stages, r.db); err != nil {
		return nil, err
	}
	if coll == "" && len(items) > 0 && b.Stages[0].Kind != doc.StageDocuments {
		return nil, errorf(invalidNamespace, "{aggregate: 1} is not valid for this pipeline: it must name a collection")
	}
	if b.Lets, err = r.lets(); err != nil {
		return nil, err
	}
	b.Hint, err = hint(r.get("hint"))
	return b, err
}

// parseCount decodes count.
func (r *request) parseCount() (*doc.Count, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	if err := r.refuse(); err != nil {
		return nil, err
	}
	b := &doc.Count{Collection: coll}
	if b.Collation, err = collation(r.get("collation")); err != nil {
		return nil, err
	}
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
	b.Hint, err = hint(r.get("hint"))
	return b, err
}

// cmdCount serves count.
func cmdCount(ctx context.Context, r *request) ([]byte, error) {
	b, err := r.parseCount()
	if err != nil {
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

// parseDistinct decodes distinct.
func (r *request) parseDistinct() (*doc.Distinct, error) {
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
	if b.Collation, err = collation(r.get("collation")); err != nil {
		return nil, err
	}
	if b.Filter, err = r.filter("query"); err != nil {
		return nil, err
	}
	b.Hint, err = hint(r.get("hint"))
	return b, err
}

// cmdDistinct serves distinct.
func cmdDistinct(ctx context.Context, r *request) ([]byte, error) {
	b, err := r.parseDistinct()
	if err != nil {
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

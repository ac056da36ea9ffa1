package mongo

import (
	"context"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// maxBatchCount is maxWriteBatchSize.
const maxBatchCount = 100000

// checkBatch bounds the statements of a write.
func checkBatch(n int) error {
	if n < 1 || n > maxBatchCount {
		return errorf(code{16, "InvalidLength"}, "Write batch sizes must be between 1 and %d. Got %d operations.", maxBatchCount, n)
	}
	return nil
}

// ordered is the ordered option, true unless given.
func (r *request) ordered() bool { return r.get("ordered").Type == 0 || r.truthy("ordered") }

// writeError renders one entry of writeErrors from what the engine reported.
func writeError(v op.Value) ([]byte, *op.Error) {
	e := &op.Error{}
	index := int64(0)
	for l := v.List(); len(l) >= 2; l = l[2:] {
		switch l[0].Str() {
		case "index":
			index = l[1].Int()
		case "code":
			e.Code = op.Code(l[1].Int())
		case "error":
			e.Msg = l[1].Str()
		case "columns":
			for _, c := range l[1].List() {
				e.Columns = append(e.Columns, c.Str())
			}
		case "values":
			e.Values = l[1].List()
		case "constraint":
			e.Constraint = l[1].Str()
		case "object":
			e.Object = l[1].Str()
		}
	}
	if e.Code == 0 {
		return nil, nil
	}
	return errorEntry(index, translate(e)), e
}

// errorEntry renders {index, code, …, errmsg}.
func errorEntry(index int64, e *cmdError) []byte {
	d := newReply().int("index", index).int("code", int64(e.code.n))
	d.b = append(d.b, e.extra...)
	return d.str("errmsg", strings.ToValidUTF8(e.msg, "\uFFFD")).end()
}

// cmdInsert serves insert.
func cmdInsert(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	docs, err := r.docs("documents")
	if err != nil {
		return nil, err
	}
	if err := checkBatch(len(docs)); err != nil {
		return nil, err
	}
	rep, err := r.write(ctx, &doc.Insert{Collection: coll, Docs: docs, Ordered: r.ordered(), Once: r.once(), Bypass: r.truthy("bypassDocumentValidation")})
	if err != nil {
		return nil, err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return nil, err
	}
	var errs [][]byte
	for _, v := range d.Extra {
		if w, e := writeError(v); e != nil {
			if r.txn != nil {
				return nil, translate(e)
			}
			errs = append(errs, w)
		}
	}
	out := newReply().int("n", d.Affected)
	if errs != nil {
		out.docs("writeErrors", errs)
	}
	return out.ok(), nil
}

// cmdUpdate serves update.
func cmdUpdate(ctx context.Context, r *request) ([]byte, error) {
	return r.bulk(ctx, "updates", parseUpdateStatement)
}

// cmdDelete serves delete.
func cmdDelete(ctx context.Context, r *request) ([]byte, error) {
	return r.bulk(ctx, "deletes", parseDeleteStatement)
}

// statementField refuses fields of a statement nobody knows.
func statementField(key, allowed string) error {
	for f := range strings.FieldsSeq(allowed) {
		if f == key {
			return nil
		}
	}
	return errorf(unknownField, "BSON field '%s' is an unknown field.", key)
}

// parseUpdateStatement decodes {q, u, upsert, multi, arrayFilters, …}.
func parseUpdateStatement(r *request, coll string, d []byte) (op.Body, error) {
	b := &doc.Update{Collection: coll}
	var q []byte
	u, arrays, consts := bsonval.Missing, bsonval.Missing, bsonval.Missing
	for it := bsonval.Elements(d); it.Next(); {
		v := it.Value
		switch it.Key() {
		case "q":
			if v.Type != bsonval.Document {
				return nil, errorf(typeMismatch, "BSON field 'update.updates.q' is the wrong type '%s', expected type 'object'", v.Type)
			}
			q = v.Data
		case "u":
			u = v
		case "multi":
			b.Multi = bsonval.Truthy(v)
		case "upsert":
			b.Upsert = bsonval.Truthy(v)
		case "arrayFilters":
			arrays = v
		case "collation":
			c, err := collation(v)
			if err != nil {
				return nil, err
			}
			b.Collation = c
		case "sort":
			if v.Type != bsonval.Document {
				return nil, errorf(typeMismatch, "BSON field 'update.updates.sort' is the wrong type '%s', expected type 'object'", v.Type)
			}
			s, err := parseSort(v.Data)
			if err != nil {
				return nil, err
			}
			b.Sort = s
		case "hint":
			h, err := hint(v)
			if err != nil {
				return nil, err
			}
			b.Hint = h
		case "c":
			consts = v
		default:
			if err := statementField(it.Key(), "upsertSupplied sampleId"); err != nil {
				return nil, err
			}
		}
	}
	if b.Sort != nil && b.Multi {
		return nil, errorf(failedToParse, "Cannot specify sort with multi=true")
	}
	b.Bypass = r.truthy("bypassDocumentValidation")
	if q == nil || u.Type == 0 {
		return nil, errorf(missingField, "BSON field 'update.updates.q' or 'u' is missing but a required field")
	}
	var err error
	if b.Filter, err = parseFilter(q); err != nil {
		return nil, err
	}
	m, err := parseUpdate(u, q, bsonval.Items(arrays))
	if err != nil {
		return nil, err
	}
	if b.Lets, err = r.lets(); err != nil {
		return nil, err
	}
	for it := bsonval.Elements(consts.Data); consts.Type == bsonval.Document && it.Next(); {
		b.Lets = append(b.Lets, doc.Let{Name: strings.Clone(it.Key()), Value: bsonval.FromBSON(it.Value)})
	}
	if consts.Type != 0 && m.pipeline == nil {
		return nil, errorf(code{51198, "Location51198"}, "Constant values may only be specified for pipeline updates")
	}
	if m.replace && b.Multi {
		return nil, errorf(failedToParse, "multi update is not supported for replacement-style update")
	}
	b.Mutations, b.Pipeline, b.UpsertDoc, b.ArrayFilters = m.muts, m.pipeline, m.seed, m.arrays
	return b, nil
}

// parseDeleteStatement decodes {q, limit}.
func parseDeleteStatement(r *request, coll string, d []byte) (op.Body, error) {
	b := &doc.Delete{Collection: coll, Multi: true}
	var q []byte
	for it := bsonval.Elements(d); it.Next(); {
		v := it.Value
		switch it.Key() {
		case "q":
			q = v.Data
		case "limit":
			n, _ := bsonval.Int(v)
			if n != 0 && n != 1 {
				return nil, errorf(failedToParse, "The limit field in delete objects must be 0 or 1. Got %d", n)
			}
			b.Multi = n == 0
		case "collation":
			c, err := collation(v)
			if err != nil {
				return nil, err
			}
			b.Collation = c
		case "hint":
			h, err := hint(v)
			if err != nil {
				return nil, err
			}
			b.Hint = h
		default:
			if err := statementField(it.Key(), "sampleId"); err != nil {
				return nil, err
			}
		}
	}
	if q == nil {
		return nil, errorf(missingField, "BSON field 'delete.deletes.q' is missing but a required field")
	}
	var err error
	if b.Lets, err = r.lets(); err != nil {
		return nil, err
	}
	b.Filter, err = parseFilter(q)
	return b, err
}

// bulk runs the statements of update or delete in one commit. A statement that
// cannot be decoded ends the batch there, or is skipped when unordered.
func (r *request) bulk(ctx context.Context, field string, parse func(*request, string, []byte) (op.Body, error)) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	docs, err := r.docs(field)
	if err != nil {
		return nil, err
	}
	if err := checkBatch(len(docs)); err != nil {
		return nil, err
	}
	ordered := r.ordered()
	b := &doc.Bulk{Collection: coll, Ordered: ordered, Once: r.once()}
	out := &outcome{}
	var place []int
	for i, d := range docs {
		body, err := parse(r, coll, d)
		if err != nil {
			if len(docs) == 1 && r.txn != nil {
				return nil, err
			}
			out.errs = append(out.errs, errorEntry(int64(i), translate(err)))
			if ordered {
				break
			}
			continue
		}
		b.Bodies, place = append(b.Bodies, body), append(place, i)
	}
	early := out.errs
	out.errs = nil
	if len(b.Bodies) > 0 {
		if err := r.runBulk(ctx, b, place, out); err != nil {
			return nil, err
		}
	}
	if !ordered || len(out.errs) == 0 {
		out.errs = append(out.errs, early...)
	}
	reply := newReply().int("n", out.n)
	if r.cmd.name == "update" {
		reply.int("nModified", out.modified)
		if out.upserted != nil {
			reply.docs("upserted", out.upserted)
		}
	}
	if out.errs != nil {
		reply.docs("writeErrors", out.errs)
	}
	return reply.ok(), nil
}

// outcome sums up a bulk.
type outcome struct {
	n, modified int64
	upserted    [][]byte
	errs        [][]byte
}

// runBulk executes decoded statements and adds their results.
func (r *request) runBulk(ctx context.Context, b *doc.Bulk, place []int, out *outcome) error {
	rep, err := r.write(ctx, b)
	if err != nil {
		return err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return err
	}
	for i, v := range d.Extra {
		if i >= len(place) {
			break
		}
		if _, e := writeError(v); e != nil {
			if r.txn != nil {
				return translate(e)
			}
			out.errs = append(out.errs, errorEntry(int64(place[i]), translate(e)))
			continue
		}
		var matched, affected int64
		for l := v.List(); len(l) >= 2; l = l[2:] {
			switch l[0].Str() {
			case "matched":
				matched = l[1].Int()
			case "affected":
				affected = l[1].Int()
			case "upserted":
				out.upserted = append(out.upserted, newReply().int("index", int64(place[i])).add("_id", bsonval.ToBSON(l[1])).end())
				out.n++
			}
		}
		if r.cmd.name == "delete" {
			out.n += affected
			continue
		}
		out.n += matched
		out.modified += affected
	}
	return nil
}

// cmdFindAndModify serves findAndModify.
func cmdFindAndModify(ctx context.Context, r *request) ([]byte, error) {
	b, err := r.parseFindAndModify()
	if err != nil {
		return nil, err
	}
	b.Once = r.once()
	rep, err := r.write(ctx, b)
	if err != nil {
		return nil, err
	}
	docs, d, err := collectDocs(ctx, rep)
	if err != nil {
		return nil, err
	}
	n := d.Matched
	if len(d.Extra) > 0 {
		n = 1
	}
	last := newReply().int("n", n)
	if !b.Remove {
		last.bool("updatedExisting", d.Matched > 0)
		if len(d.Extra) > 0 {
			last.add("upserted", bsonval.ToBSON(d.Extra[0]))
		}
	}
	out := newReply().doc("lastErrorObject", last.end())
	if len(docs) > 0 {
		out.doc("value", docs[0])
	} else {
		out.b = bsoncore.AppendNullElement(out.b, "value")
	}
	return out.ok(), nil
}

// parseFindAndModify decodes findAndModify.
func (r *request) parseFindAndModify() (*doc.FindAndModify, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	if err := r.refuse(); err != nil {
		return nil, err
	}
	b := &doc.FindAndModify{Collection: coll, Remove: r.truthy("remove"), New: r.truthy("new"), Upsert: r.truthy("upsert"), Bypass: r.truthy("bypassDocumentValidation")}
	if b.Hint, err = hint(r.get("hint")); err != nil {
		return nil, err
	}
	if b.Collation, err = collation(r.get("collation")); err != nil {
		return nil, err
	}
	if b.Lets, err = r.lets(); err != nil {
		return nil, err
	}
	if b.Filter, err = r.filter("query"); err != nil {
		return nil, err
	}
	sort, err := r.document("sort")
	if err != nil {
		return nil, err
	}
	if b.Sort, err = parseSort(emptyIfNil(sort)); err != nil {
		return nil, err
	}
	fields, err := r.document("fields")
	if err != nil {
		return nil, err
	}
	if b.Project, err = parseProjection(fields, true); err != nil {
		return nil, err
	}
	u := r.get("update")
	if b.Remove {
		if u.Type != 0 || b.Upsert || b.New {
			return nil, errorf(failedToParse, "Cannot specify 'update', 'upsert' or 'new' along with 'remove'")
		}
		return b, nil
	}
	if u.Type == 0 {
		return nil, errorf(failedToParse, "Either an update or remove=true must be specified")
	}
	q, err := r.document("query")
	if err != nil {
		return nil, err
	}
	m, err := parseUpdate(u, emptyIfNil(q), bsonval.Items(r.get("arrayFilters")))
	if err != nil {
		return nil, err
	}
	b.Mutations, b.Pipeline, b.UpsertDoc, b.ArrayFilters = m.muts, m.pipeline, m.seed, m.arrays
	return b, nil
}

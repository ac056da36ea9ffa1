package mongo

import (
	"context"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// The bulkWrite command of MongoDB 8: inserts, updates and deletes on several
// collections in one message. Neighbours of one collection and kind are one
// commit.

// bulkGroup is a run of statements of one collection and kind.
type bulkGroup struct {
	db, coll string
	insert   bool
	remove   bool
	place    []int // their positions in the message
	docs     [][]byte
	bodies   []op.Body
}

// bulkResult collects what a bulkWrite answers.
type bulkResult struct {
	inserted, matched, modified, upserted, deleted, errors int64
	items                                                  [][]byte
	errorsOnly                                             bool
}

// cmdBulkWrite serves bulkWrite.
func cmdBulkWrite(ctx context.Context, r *request) ([]byte, error) {
	ops, err := r.docs("ops")
	if err != nil {
		return nil, err
	}
	if err := checkBatch(len(ops)); err != nil {
		return nil, err
	}
	spaces, err := r.docs("nsInfo")
	if err != nil {
		return nil, err
	}
	out := &bulkResult{errorsOnly: r.truthy("errorsOnly")}
	ordered := r.ordered()
	groups, broken := r.bulkGroups(ops, spaces)
	for i, g := range groups {
		stop, err := r.runGroup(ctx, g, i, ordered, out)
		if err != nil {
			return nil, err
		}
		if stop {
			broken = nil
			break
		}
	}
	for _, e := range broken {
		if r.txn != nil {
			return nil, e.err
		}
		out.fail(e.at, translate(e.err))
		if ordered {
			break
		}
	}
	reply, err := r.openCursor(ctx, op.ReplyOf(&op.Docs{Docs: out.items}, &op.Done{}), cursorOptions{ns: "admin.$cmd.bulkWrite", batch: -1})
	if err != nil {
		return nil, err
	}
	d := newReply()
	for it := bsonval.Elements(reply); it.Next(); {
		if it.Key() != "ok" {
			d.add(it.Key(), it.Value)
		}
	}
	return d.int("nErrors", out.errors).int("nInserted", out.inserted).int("nMatched", out.matched).int("nModified", out.modified).int("nUpserted", out.upserted).int("nDeleted", out.deleted).ok(), nil
}

// brokenOp is a statement that cannot be decoded.
type brokenOp struct {
	at  int
	err error
}

// bulkGroups decodes the statements; an ordered message ends at the first that
// cannot be decoded.
func (r *request) bulkGroups(ops, spaces [][]byte) (groups []*bulkGroup, broken []brokenOp) {
	for i, d := range ops {
		g, body, err := r.bulkOp(d, spaces)
		if err != nil {
			broken = append(broken, brokenOp{i, err})
			if r.ordered() {
				return groups, broken
			}
			continue
		}
		if n := len(groups); n > 0 {
			if l := groups[n-1]; l.db == g.db && l.coll == g.coll && l.insert == g.insert && l.remove == g.remove {
				g = l
			}
		}
		if len(g.place) == 0 {
			groups = append(groups, g)
		}
		g.place = append(g.place, i)
		if g.insert {
			g.docs = append(g.docs, bsonval.Get(d, "document").Data)
		} else {
			g.bodies = append(g.bodies, body)
		}
	}
	return groups, broken
}

// bulkOp decodes one statement.
func (r *request) bulkOp(d []byte, spaces [][]byte) (*bulkGroup, op.Body, error) {
	it := bsonval.Elements(d)
	it.Next()
	kind := strings.Clone(it.Key())
	n, ok := bsonval.Int(it.Value)
	if !ok || n < 0 || n >= int64(len(spaces)) {
		return nil, nil, errorf(badValue, "BulkWrite ops entry %s has an invalid nsInfo index.", kind)
	}
	db, coll, _ := strings.Cut(bsonval.Text(bsonval.Get(spaces[n], "ns")), ".")
	if db == "" || coll == "" {
		return nil, nil, errorf(invalidNamespace, "Invalid namespace specified for bulkWrite")
	}
	g := &bulkGroup{db: db, coll: coll, insert: kind == "insert", remove: kind == "delete"}
	switch kind {
	case "insert":
		if bsonval.Get(d, "document").Type != bsonval.Document {
			return nil, nil, errorf(missingField, "BSON field 'bulkWrite.ops.document' is missing but a required field")
		}
		return g, nil, nil
	case "update":
		x := newReply()
		for it.Next() {
			name := it.Key()
			switch name {
			case "filter":
				name = "q"
			case "updateMods":
				name = "u"
			case "constants":
				name = "c"
			}
			x.add(name, it.Value)
		}
		b, err := parseUpdateStatement(r, coll, x.end())
		return g, b, err
	case "delete":
		x, limit := newReply(), int64(1)
		for it.Next() {
			switch it.Key() {
			case "filter":
				x.add("q", it.Value)
			case "multi":
				if bsonval.Truthy(it.Value) {
					limit = 0
				}
			default:
				x.add(it.Key(), it.Value)
			}
		}
		b, err := parseDeleteStatement(r, coll, x.int("limit", limit).end())
		return g, b, err
	}
	return nil, nil, errorf(badValue, "Unrecognized bulkWrite operation: %s", kind)
}

// runGroup executes one group; stop tells that an ordered message ends here.
func (r *request) runGroup(ctx context.Context, g *bulkGroup, number int, ordered bool, out *bulkResult) (stop bool, err error) {
	var b op.Body
	once := r.once().Part(number)
	if g.insert {
		b = &doc.Insert{Collection: g.coll, Docs: g.docs, Ordered: ordered, Once: once, Bypass: r.truthy("bypassDocumentValidation")}
	} else {
		b = &doc.Bulk{Collection: g.coll, Bodies: g.bodies, Ordered: ordered, Once: once}
	}
	if r.txn == nil {
		r.db = g.db
	} else if r.txn.database != g.db {
		return false, errorf(notSupportedInTxn, "a transaction cannot span databases")
	}
	rep, err := r.write(ctx, b)
	if err != nil {
		return false, err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return false, err
	}
	if g.insert {
		return out.inserts(g, d, ordered, r.txn != nil)
	}
	for i, v := range d.Extra {
		if i >= len(g.place) {
			break
		}
		if _, e := writeError(v); e != nil {
			if r.txn != nil {
				return false, translate(e)
			}
			out.fail(g.place[i], translate(e))
			stop = ordered
			continue
		}
		out.changed(g, g.place[i], v)
	}
	return stop, nil
}

// inserts books an Insert.
func (o *bulkResult) inserts(g *bulkGroup, d *op.Done, ordered, txn bool) (stop bool, err error) {
	failed := map[int]*op.Error{}
	for _, v := range d.Extra {
		if _, e := writeError(v); e != nil {
			if txn {
				return false, translate(e)
			}
			failed[int(v.List()[1].Int())] = e
		}
	}
	for i, at := range g.place {
		if e := failed[i]; e != nil {
			o.fail(at, translate(e))
			if ordered {
				return true, nil
			}
			continue
		}
		o.inserted++
		o.note(newReply().add("ok", bsonval.DoubleV(1)).int("idx", int64(at)).int("n", 1))
	}
	return false, nil
}

// changed books one update or delete.
func (o *bulkResult) changed(g *bulkGroup, at int, v op.Value) {
	var matched, affected int64
	id := bsonval.Missing
	for l := v.List(); len(l) >= 2; l = l[2:] {
		switch l[0].Str() {
		case "matched":
			matched = l[1].Int()
		case "affected":
			affected = l[1].Int()
		case "upserted":
			id = bsonval.ToBSON(l[1])
		}
	}
	x := newReply()
	x.add("ok", bsonval.DoubleV(1)).int("idx", int64(at))
	if g.remove {
		o.deleted += affected
		o.note(x.int("n", affected))
		return
	}
	o.modified += affected
	if id.Type != 0 {
		o.upserted++
		o.note(x.int("n", 1).int("nModified", 0).doc("upserted", newReply().add("_id", id).end()))
		return
	}
	o.matched += matched
	o.note(x.int("n", matched).int("nModified", affected))
}

// note adds the result of a success.
func (o *bulkResult) note(d *builder) {
	if !o.errorsOnly {
		o.items = append(o.items, d.end())
	}
}

// fail adds a failure.
func (o *bulkResult) fail(at int, e *cmdError) {
	o.errors++
	d := newReply().add("ok", bsonval.DoubleV(0)).int("idx", int64(at)).int("code", int64(e.code.n)).str("codeName", e.code.name)
	d.b = append(d.b, e.extra...)
	o.items = append(o.items, d.str("errmsg", strings.ToValidUTF8(e.msg, "\uFFFD")).int("n", 0).end())
}

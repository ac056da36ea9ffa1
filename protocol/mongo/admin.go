package mongo

import (
	"context"
	"crypto/rand"
	"regexp"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// createFields are the fields of create.
const createFields = "capped size max autoIndexId storageEngine validator validationLevel validationAction indexOptionDefaults viewOn pipeline collation timeseries clusteredIndex expireAfterSeconds encryptedFields changeStreamPreAndPostImages temp flags idIndex recordIdsReplicated"

// cmdDrop serves drop.
func cmdDrop(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	ok, err := r.c.s.exists(ctx, r.db)
	if err != nil {
		return nil, err
	}
	if !ok {
		return newReply().ok(), nil
	}
	rep, err := r.do(ctx, &doc.DropCollection{Collection: coll})
	if err != nil {
		return nil, err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return nil, err
	}
	out := newReply().str("ns", r.db+"."+coll)
	if d.Affected > 0 {
		out.int("nIndexesWas", d.Matched)
	}
	return out.ok(), nil
}

// cmdDropDatabase serves dropDatabase.
func cmdDropDatabase(ctx context.Context, r *request) ([]byte, error) {
	if virtual[r.db] {
		return nil, errorf(operationFailed, "Cannot drop '%s' database", r.db)
	}
	o := &op.Op{ID: r.c.s.ops.Add(1), Target: op.Target{Database: r.db, Shard: -1}, Subject: r.c.user, Body: &ctl.DropDatabase{Name: r.db, IfExists: true}}
	rep, err := r.c.s.env.Exec.Do(ctx, o)
	if err != nil {
		return nil, err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return nil, err
	}
	r.c.s.known.Delete(r.db)
	out := newReply()
	if len(d.Notices) == 0 {
		out.str("dropped", r.db)
	}
	return out.ok(), nil
}

// cmdRename serves renameCollection, which names full namespaces.
func cmdRename(ctx context.Context, r *request) ([]byte, error) {
	fromDB, from, ok1 := strings.Cut(bsonval.Text(r.first()), ".")
	toDB, to, ok2 := strings.Cut(bsonval.Text(r.get("to")), ".")
	if !ok1 || !ok2 || from == "" || to == "" {
		return nil, errorf(invalidNamespace, "Invalid namespace specified")
	}
	if fromDB != toDB {
		return nil, errorf(notImplemented, "renameCollection between databases is not supported")
	}
	r.db = fromDB
	ok, err := r.c.s.exists(ctx, fromDB)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errorf(namespaceNotFound, "Source collection %s.%s does not exist", fromDB, from)
	}
	rep, err := r.do(ctx, &doc.RenameCollection{From: from, To: to, DropTarget: r.truthy("dropTarget")})
	if err != nil {
		return nil, err
	}
	_, err = op.Drain(ctx, rep)
	return newReply().ok(), err
}

// cmdListDatabases serves listDatabases.
func cmdListDatabases(ctx context.Context, r *request) ([]byte, error) {
	names, sizes, err := r.c.s.databases(ctx)
	if err != nil {
		return nil, err
	}
	nameOnly := r.truthy("nameOnly")
	match, err := nameFilter(r.get("filter"))
	if err != nil {
		return nil, err
	}
	var docs [][]byte
	total := int64(0)
	for _, n := range names {
		if !match(n) {
			continue
		}
		d := newReply().str("name", n)
		if !nameOnly {
			total += sizes[n]
			d.add("sizeOnDisk", bsonval.Int64V(sizes[n])).bool("empty", false)
		}
		docs = append(docs, d.end())
	}
	out := newReply().docs("databases", docs)
	if !nameOnly {
		out.add("totalSize", bsonval.Int64V(total)).add("totalSizeMb", bsonval.Int64V(total>>20))
	}
	return out.ok(), nil
}

// nameFilter decodes a filter on names: {name: text}, {name: regex} or
// {name: {$in: [...]}}.
func nameFilter(v bsonval.V) (func(string) bool, error) {
	if v.Type == 0 || len(v.Data) == 5 {
		return func(string) bool { return true }, nil
	}
	f, err := parseFilter(v.Data)
	if err != nil {
		return nil, err
	}
	switch {
	case f != nil && f.Path == "name" && f.Op == op.ExEq && f.Value.Kind == op.KindText:
		return func(s string) bool { return s == f.Value.Str() }, nil
	case f != nil && f.Path == "name" && f.Op == op.ExRegex && f.Value.List()[1].Str() == "":
		re, err := regexp.Compile(f.Value.List()[0].Str())
		if err != nil {
			return nil, errorf(code{51091, "Location51091"}, "Regular expression is invalid or not supported: %v", err)
		}
		return re.MatchString, nil
	case f != nil && f.Path == "name" && f.Op == op.ExIn:
		return func(s string) bool {
			for _, x := range f.Value.List() {
				if x.Kind == op.KindText && x.Str() == s {
					return true
				}
			}
			return false
		}, nil
	}
	return nil, errorf(notImplemented, "only filters on name by equality, $in or a regular expression without options are supported here")
}

// cmdListCollections serves listCollections.
func cmdListCollections(ctx context.Context, r *request) ([]byte, error) {
	filter := r.get("filter")
	nameOnlyFilter := filter
	if t := bsonval.Get(filter.Data, "type"); t.Type != 0 {
		d := newReply()
		for it := bsonval.Elements(filter.Data); it.Next(); {
			if it.Key() != "type" {
				d.add(it.Key(), it.Value)
			}
		}
		nameOnlyFilter = bsonval.DocV(d.end())
	}
	match, err := nameFilter(nameOnlyFilter)
	if err != nil {
		return nil, err
	}
	kind := bsonval.Text(bsonval.Get(filter.Data, "type"))
	rep, err := r.read(ctx, &doc.ListCollections{})
	if err != nil {
		return nil, err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return nil, err
	}
	var out [][]byte
	for _, d := range docs {
		name := bsonval.Text(bsonval.Get(d, "name"))
		typ := bsonval.Text(bsonval.Get(d, "type"))
		if typ == "table" { // tools know no other kind to read
			typ = "collection"
		}
		if !match(name) || (kind != "" && kind != typ) {
			continue
		}
		x := newReply().str("name", name).str("type", typ)
		if !r.truthy("nameOnly") {
			x.add("options", bsonval.Get(d, "options")).doc("info", newReply().bool("readOnly", typ == "view").end())
			if bsonval.Text(bsonval.Get(d, "type")) == "collection" {
				x.doc("idIndex", newReply().int("v", 2).doc("key", newReply().int("_id", 1).end()).str("name", "_id_").end())
			}
		}
		out = append(out, x.end())
	}
	return r.listed(ctx, out, "$cmd.listCollections")
}

// listed answers documents as a cursor.
func (r *request) listed(ctx context.Context, docs [][]byte, name string) ([]byte, error) {
	o := cursorOptions{ns: r.db + "." + name, batch: -1}
	if n, ok := bsonval.Int(bsonval.Get(r.get("cursor").Data, "batchSize")); ok && n >= 0 {
		o.batch = n
	}
	return r.openCursor(ctx, op.ReplyOf(&op.Docs{Docs: docs}, &op.Done{}), o)
}

// currentOpCursor serves $currentOp with simple stages after it.
func (r *request) currentOpCursor(ctx context.Context, rest []bsonval.V, _ cursorOptions) ([]byte, error) {
	if len(rest) > 0 {
		if _, err := parsePipeline(rest); err != nil {
			return nil, err
		}
		for _, s := range rest {
			if m := bsonval.Get(s.Data, "$match"); m.Type == 0 || len(m.Data) > 5 {
				return nil, errorf(notImplemented, "stages after $currentOp are not supported")
			}
		}
	}
	return r.listed(ctx, r.sessionDocs(), "$cmd.aggregate")
}

// cmdListIndexes serves listIndexes.
func cmdListIndexes(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	rep, err := r.read(ctx, &doc.ListIndexes{Collection: coll})
	if err != nil {
		return nil, err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return nil, err
	}
	return r.listed(ctx, docs, coll)
}

// cmdCreateIndexes serves createIndexes.
func cmdCreateIndexes(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	specs, err := r.docs("indexes")
	if err != nil {
		return nil, err
	}
	if len(specs) == 0 {
		return nil, errorf(badValue, "Must specify at least one index to create")
	}
	b := &doc.CreateIndexes{Collection: coll}
	for _, s := range specs {
		x, err := parseIndex(s)
		if err != nil {
			return nil, err
		}
		b.Indexes = append(b.Indexes, x)
	}
	rep, err := r.write(ctx, b)
	if err != nil {
		return nil, err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return nil, err
	}
	out := newReply().int("numIndexesBefore", d.Matched).int("numIndexesAfter", d.Matched+d.Affected).bool("createdCollectionAutomatically", len(d.Extra) > 0)
	if d.Affected == 0 {
		out.str("note", "all indexes already exist")
	}
	return out.ok(), nil
}

// parseIndex decodes one index definition. It is kept as given, with v: 2
// first, so that listIndexes gives back what was asked for.
func parseIndex(s []byte) (doc.Index, error) {
	x := doc.Index{TTL: -1}
	i, spec := bsoncore.AppendDocumentStart(nil)
	spec = bsoncore.AppendInt32Element(spec, "v", 2)
	for it := bsonval.Elements(s); it.Next(); {
		key, v := it.Key(), it.Value
		keep := true
		switch key {
		case "key":
			if v.Type != bsonval.Document || len(v.Data) == 5 {
				return x, errorf(cannotCreateIndex, "Index keys cannot be empty.")
			}
			for kt := bsonval.Elements(v.Data); kt.Next(); {
				n, ok := bsonval.Float(kt.Value)
				if bsonval.Text(kt.Value) == "hashed" { // kept as an ordered index: it serves the same equalities
					n, ok = 1, true
				}
				if !ok {
					return x, errorf(notImplemented, "index type %s is not supported", kt.Value)
				}
				if n == 0 || strings.Contains(kt.Key(), "$**") {
					return x, errorf(notImplemented, "index on %s is not supported", kt.Key())
				}
				x.Keys = append(x.Keys, op.Sort{Path: strings.Clone(kt.Key()), Desc: n < 0})
			}
		case "name":
			x.Name = strings.Clone(bsonval.Text(v))
		case "unique":
			x.Unique = bsonval.Truthy(v)
			keep = x.Unique
		case "sparse":
			x.Sparse = bsonval.Truthy(v)
			keep = x.Sparse
		case "background", "v", "ns", "dropDups":
			keep = key == "background"
		case "hidden":
			keep = bsonval.Truthy(v)
		case "expireAfterSeconds":
			n, ok := bsonval.Int(v)
			if !ok || n < 0 || n > 1<<31-1 {
				return x, errorf(cannotCreateIndex, "TTL index 'expireAfterSeconds' option must be within an acceptable range")
			}
			x.TTL = n
		case "partialFilterExpression":
			f, err := parseFilter(v.Data)
			if err != nil {
				return x, err
			}
			if hasComputed(f) {
				return x, errorf(cannotCreateIndex, "unsupported expression in partial index")
			}
			x.Partial = f
		case "collation":
			if keep = bsonval.Text(bsonval.Get(v.Data, "locale")) != "simple"; keep {
				c, err := completeCollation(v)
				if err != nil {
					return x, err
				}
				v = c
			}
		default:
			return x, errorf(notImplemented, "index option '%s' is not supported", key)
		}
		if keep {
			spec = bsonval.AppendElement(spec, strings.Clone(key), v)
		}
	}
	if len(x.Keys) == 0 || x.Name == "" {
		return x, errorf(failedToParse, "The 'key' and 'name' fields are required properties of an index specification")
	}
	if x.TTL >= 0 && len(x.Keys) != 1 {
		return x, errorf(cannotCreateIndex, "TTL indexes are single-field indexes, compound indexes do not support TTL")
	}
	x.Spec, _ = bsoncore.AppendDocumentEnd(spec, i)
	return x, nil
}

// hasComputed reports whether a filter computes values ($expr).
func hasComputed(e *op.Expr) bool {
	if e == nil {
		return false
	}
	if e.Op == op.ExExpr {
		return true
	}
	for _, a := range e.Args {
		if hasComputed(a) {
			return true
		}
	}
	return false
}

// cmdDropIndexes serves dropIndexes: by name, names, key, or "*".
func cmdDropIndexes(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	b := &doc.DropIndexes{Collection: coll}
	switch v := r.get("index"); v.Type {
	case bsonval.String:
		b.Names = []string{bsonval.Text(v)}
	case bsonval.Array:
		for _, x := range bsonval.Items(v) {
			b.Names = append(b.Names, bsonval.Text(x))
		}
	case bsonval.Document:
		name, err := r.indexByKey(ctx, coll, v)
		if err != nil {
			return nil, err
		}
		b.Names = []string{name}
	default:
		return nil, errorf(typeMismatch, "BSON field 'dropIndexes.index' is missing or of the wrong type")
	}
	ok, err := r.c.s.exists(ctx, r.db)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errorf(namespaceNotFound, "ns not found %s.%s", r.db, coll)
	}
	rep, err := r.do(ctx, b)
	if err != nil {
		return nil, err
	}
	d, err := op.Drain(ctx, rep)
	if err != nil {
		return nil, err
	}
	return newReply().int("nIndexesWas", d.Matched).ok(), nil
}

// indexByKey finds the name of the index with a key.
func (r *request) indexByKey(ctx context.Context, coll string, key bsonval.V) (string, error) {
	rep, err := r.read(ctx, &doc.ListIndexes{Collection: coll})
	if err != nil {
		return "", err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return "", err
	}
	for _, d := range docs {
		if bsonval.Equal(bsonval.Get(d, "key"), key) {
			return bsonval.Text(bsonval.Get(d, "name")), nil
		}
	}
	return "", errorf(indexNotFound, "can't find index with key: %s", key)
}

// statsReply answers the statistics of a collection or database.
func (r *request) statsReply(ctx context.Context, coll string, head *builder) ([]byte, error) {
	rep, err := r.read(ctx, &doc.Stats{Collection: coll})
	if err != nil {
		return nil, err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return nil, err
	}
	scale, err := r.number("scale", 1)
	if err != nil {
		return nil, err
	}
	if scale < 1 {
		return nil, errorf(badValue, "scale must be >= 1")
	}
	if len(docs) > 0 {
		for it := bsonval.Elements(docs[0]); it.Next(); {
			v := it.Value
			switch it.Key() {
			case "size", "dataSize", "storageSize", "totalIndexSize", "totalSize", "indexSize":
				n, _ := bsonval.Int(v)
				v = bsonval.IntV(n / scale)
			}
			head.add(strings.Clone(it.Key()), v)
		}
	}
	return head.int("scaleFactor", scale).ok(), nil
}

// cmdCollStats serves collStats.
func cmdCollStats(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	return r.statsReply(ctx, coll, newReply().str("ns", r.db+"."+coll))
}

// cmdDbStats serves dbStats.
func cmdDbStats(ctx context.Context, r *request) ([]byte, error) {
	return r.statsReply(ctx, "", newReply().str("db", r.db))
}

// cmdStartSession serves startSession.
func cmdStartSession(context.Context, *request) ([]byte, error) {
	var id [16]byte
	_, _ = rand.Read(id[:])
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	d := newReply()
	d.b = bsoncore.AppendBinaryElement(d.b, "id", 4, id[:])
	return newReply().doc("id", d.end()).int("timeoutMinutes", int64(sessionTimeout/time.Minute)).ok(), nil
}

// sessionIDs reads the sessions a command lists.
func (r *request) sessionIDs() []string {
	var ids []string
	for _, v := range bsonval.Items(r.first()) {
		if id := bsonval.Get(v.Data, "id"); id.Type == bsonval.Binary {
			ids = append(ids, string(id.Data))
		}
	}
	return ids
}

// cmdEndSessions serves endSessions and killSessions.
func cmdEndSessions(ctx context.Context, r *request) ([]byte, error) {
	r.c.s.endSessions(ctx, r.sessionIDs())
	return newReply().ok(), nil
}

// cmdRefreshSessions serves refreshSessions.
func cmdRefreshSessions(_ context.Context, r *request) ([]byte, error) {
	for _, id := range r.sessionIDs() {
		r.c.s.logical.get([]byte(id))
	}
	return newReply().ok(), nil
}

// cmdSearchIndexes refuses the search indexes of MongoDB Atlas.
func cmdSearchIndexes(_ context.Context, r *request) ([]byte, error) {
	return nil, errorf(code{31082, "SearchNotEnabled"}, "%s needs Atlas Search, which this server does not have", r.name)
}

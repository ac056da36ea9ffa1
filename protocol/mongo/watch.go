package mongo

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Change streams: $changeStream as the first stage, on a collection, a
// database, or (on admin, with allChangesForCluster) all databases. The server
// holds nothing for a stream but the numbers of the last events it gave, one a
// database; the resume token says the same, so a stream goes on after a
// restart. A token is 0x82 (0x83: behind an invalidation), the number, the
// database, a zero byte, and for a stream over all databases the places in the
// others as BSON.

// defaultAwait is how long a getMore waits when the client does not say.
const defaultAwait = time.Second

// watcher is the state of a change stream's cursor.
type watcher struct {
	body    doc.Watch
	places  map[string]int64 // database → last event looked at
	all     bool             // every database
	at      uint64           // startAtOperationTime, until a database has a place
	ended   bool
	dropped bool
	token   []byte // postBatchResumeToken
	db      string
}

// changeStream opens a change stream and answers its first batch.
func (r *request) changeStream(ctx context.Context, coll string, items []bsonval.V, o cursorOptions) ([]byte, error) {
	w := &watcher{places: map[string]int64{}, db: r.db, body: doc.Watch{Collection: coll}}
	if err := w.options(bsonval.Get(items[0].Data, "$changeStream")); err != nil {
		return nil, err
	}
	if w.all != (r.db == "admin") || (w.all && coll != "") {
		return nil, errorf(invalidOptions, "a change stream on the whole deployment runs on the admin database with allChangesForCluster: true, and nothing else does")
	}
	var err error
	if w.body.Stages, err = parsePipeline(items[1:]); err != nil {
		return nil, err
	}
	for _, s := range w.body.Stages {
		switch s.Kind {
		case doc.StageMatch, doc.StageProject, doc.StageAddFields, doc.StageUnset, doc.StageReplace, doc.StageRedact:
		default:
			return nil, errorf(code{40573, "IllegalOperation"}, "only $match, $project, $addFields, $set, $unset, $replaceRoot, $replaceWith and $redact are permitted in a $changeStream pipeline")
		}
	}
	if w.body.Lets, err = r.lets(); err != nil {
		return nil, err
	}
	if err := w.start(ctx, r); err != nil {
		return nil, err
	}
	c := &cursor{ns: o.ns, lsid: string(r.opt.lsid), reply: op.ReplyOf(), watch: w}
	docs, err := w.next(ctx, r, 0, o.batch)
	if err != nil {
		return nil, err
	}
	if !w.ended {
		r.c.s.cursors.put(c, false)
	}
	return w.reply("firstBatch", docs, c.id, o.ns), nil
}

// reply builds the cursor document.
func (w *watcher) reply(field string, docs [][]byte, id int64, ns string) []byte {
	inner := newReply().docs(field, docs).doc("postBatchResumeToken", newReply().str("_data", string(w.token)).end()).add("id", bsonval.Int64V(id)).str("ns", ns).end()
	return newReply().doc("cursor", inner).ok()
}

// options decodes the argument of $changeStream.
func (w *watcher) options(v bsonval.V) error {
	if err := known(v, "$changeStream", "fullDocument fullDocumentBeforeChange resumeAfter startAfter startAtOperationTime allChangesForCluster showExpandedEvents showSystemEvents showMigrationEvents allowToRunOnConfigDB"); err != nil {
		return err
	}
	n := 0
	for it := bsonval.Elements(v.Data); it.Next(); {
		x := it.Value
		switch key := it.Key(); key {
		case "fullDocument":
			w.body.Full = bsonval.Text(x)
			if !slices.Contains([]string{"default", "updateLookup", "whenAvailable", "required"}, w.body.Full) {
				return errorf(badValue, "Enumeration value '%s' for field '$changeStream.fullDocument' is not a valid value.", w.body.Full)
			}
		case "fullDocumentBeforeChange":
			w.body.Before = bsonval.Text(x)
			if !slices.Contains([]string{"off", "whenAvailable", "required"}, w.body.Before) {
				return errorf(badValue, "Enumeration value '%s' for field '$changeStream.fullDocumentBeforeChange' is not a valid value.", w.body.Before)
			}
		case "showExpandedEvents":
			w.body.Expanded = bsonval.Truthy(x)
		case "allChangesForCluster":
			w.all = bsonval.Truthy(x)
		case "resumeAfter", "startAfter":
			n++
			if err := w.resume(bsonval.Text(bsonval.Get(x.Data, "_data")), key == "startAfter"); err != nil {
				return err
			}
		case "startAtOperationTime":
			n++
			if x.Type != bsonval.Timestamp {
				return errorf(typeMismatch, "BSON field '$changeStream.startAtOperationTime' is the wrong type '%s', expected type 'timestamp'", x.Type)
			}
			w.at = uint64(binary.LittleEndian.Uint32(x.Data[4:]))<<32 | uint64(binary.LittleEndian.Uint32(x.Data))
		}
	}
	if n > 1 {
		return errorf(code{50865, "Location50865"}, "Only one type of resume option is allowed, but multiple were found.")
	}
	return nil
}

// resume takes the places of a token.
func (w *watcher) resume(text string, behindInvalidate bool) error {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) < 10 || (b[0] != 0x82 && b[0] != 0x83) {
		return errorf(code{260, "InvalidResumeToken"}, "the resume token is not one of this server")
	}
	if b[0] == 0x83 && !behindInvalidate {
		return errorf(code{260, "InvalidResumeToken"}, "Attempting to resume a change stream using 'resumeAfter' is not allowed from an invalidate notification.")
	}
	n := int64(binary.BigEndian.Uint64(b[1:]))
	name, rest, ok := bytes.Cut(b[9:], []byte{0})
	if !ok || (len(rest) > 0 && bsonval.Validate(rest) != nil) {
		return errorf(code{260, "InvalidResumeToken"}, "the resume token is not one of this server")
	}
	w.places[string(name)] = n
	for it := bsonval.Elements(rest); len(rest) > 0 && it.Next(); {
		k, _ := bsonval.Int(it.Value)
		w.places[string([]byte(it.Key()))] = k
	}
	return nil
}

// start sees that events are kept and finds the places to begin at.
func (w *watcher) start(ctx context.Context, r *request) error {
	names := []string{r.db}
	if w.all {
		var err error
		r.c.s.watchAll.Store(true)
		r.c.s.known.Clear()
		if names, _, err = r.c.s.databases(ctx); err != nil {
			return err
		}
	} else if err := r.c.s.openDatabase(ctx, r.db); err != nil {
		return err
	}
	resumed := len(w.places) > 0
	for _, name := range names {
		last, err := w.open(ctx, r, name)
		if err != nil {
			return err
		}
		if _, ok := w.places[name]; ok {
			continue
		}
		switch {
		case resumed: // it had no events yet when the token was made
			w.places[name] = 1
		case w.at == 0:
			w.places[name] = last
		}
	}
	w.mark()
	return nil
}

// open makes one database keep its events.
func (w *watcher) open(ctx context.Context, r *request, name string) (int64, error) {
	d, err := r.poll(ctx, name, &doc.Watch{Open: true, After: w.places[name], At: w.at})
	if err != nil {
		return 0, err
	}
	return d.Matched, nil
}

// poll runs a Watch on a database and returns its end.
func (r *request) poll(ctx context.Context, name string, b *doc.Watch) (*op.Done, error) {
	rep, err := r.watchOn(ctx, name, b)
	if err != nil {
		return nil, err
	}
	return op.Drain(ctx, rep)
}

// watchOn sends a Watch to a database.
func (r *request) watchOn(ctx context.Context, name string, b *doc.Watch) (op.Reply, error) {
	o := &op.Op{ID: r.c.s.ops.Add(1), Target: op.Target{Database: name, Shard: -1}, Subject: r.c.user, Body: b}
	return r.c.s.env.Exec.Do(ctx, o)
}

// others are the places in all databases but one, for a token.
func (w *watcher) others(name string) []byte {
	if !w.all {
		return nil
	}
	names := make([]string, 0, len(w.places))
	for n := range w.places {
		if n != name {
			names = append(names, n)
		}
	}
	slices.Sort(names)
	i, b := bsoncore.AppendDocumentStart(nil)
	for _, n := range names {
		b = bsoncore.AppendInt64Element(b, n, w.places[n])
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return b
}

// mark sets the token that resumes behind everything looked at.
func (w *watcher) mark() {
	name := w.db
	if w.all {
		name = ""
		for n := range w.places {
			if name == "" || n < name {
				name = n
			}
		}
	}
	b := binary.BigEndian.AppendUint64([]byte{0x82}, uint64(w.places[name]))
	b = append(append(b, name...), 0)
	w.token = bytes.ToUpper([]byte(hex.EncodeToString(append(b, w.others(name)...))))
}

// next reads the next events, waiting up to a time for the first.
func (w *watcher) next(ctx context.Context, r *request, wait time.Duration, n int64) ([][]byte, error) {
	if !w.all {
		return w.read(ctx, r, w.db, wait, n)
	}
	end := time.Now().Add(wait)
	for {
		names, _, err := r.c.s.databases(ctx)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if _, ok := w.places[name]; !ok && w.at == 0 { // made after the stream began
				if _, err := w.open(ctx, r, name); err != nil {
					return nil, err
				}
				w.places[name] = 1
			}
			docs, err := w.read(ctx, r, name, 0, n)
			if err != nil || len(docs) > 0 {
				return docs, err
			}
		}
		left := time.Until(end)
		if left <= 0 || ctx.Err() != nil {
			return nil, nil
		}
		t := time.NewTimer(min(left, 50*time.Millisecond))
		select {
		case <-t.C:
		case <-ctx.Done():
		}
		t.Stop()
	}
}

// read reads the next events of one database.
func (w *watcher) read(ctx context.Context, r *request, name string, wait time.Duration, n int64) ([][]byte, error) {
	b := w.body
	b.After, b.Wait, b.Limit, b.Token = w.places[name], wait.Milliseconds(), max(n, 0), w.others(name)
	if _, ok := w.places[name]; !ok {
		b.At = w.at
	}
	rep, err := r.watchOn(ctx, name, &b)
	if err != nil {
		if op.CodeOf(err) == op.NoDatabase {
			return w.gone(name), nil
		}
		return nil, err
	}
	docs, d, err := collectDocs(context.WithoutCancel(ctx), rep)
	if err != nil {
		return nil, err
	}
	if d.Matched > 0 {
		w.places[name] = d.Matched
	}
	w.ended = w.ended || d.Affected == 1
	w.mark()
	if len(docs) > 0 {
		if t := bsonval.Text(bsonval.Get(bsonval.Get(docs[len(docs)-1], "_id").Data, "_data")); w.ended && t != "" {
			w.token = []byte(t)
		}
	}
	return docs, nil
}

// gone makes the event of a dropped database; it ends the stream on it.
func (w *watcher) gone(name string) [][]byte {
	if w.all || w.dropped {
		delete(w.places, name)
		return nil
	}
	w.dropped, w.ended = true, true
	now := time.Now()
	event := func(kind string) []byte {
		return newReply().doc("_id", newReply().str("_data", string(w.token)).end()).str("operationType", kind).add("clusterTime", stamp(now)).add("wallTime", bsonval.DateV(now.UnixMilli())).
			doc("ns", newReply().str("db", name).end()).end()
	}
	return [][]byte{event("dropDatabase"), event("invalidate")}
}

// moreEvents serves getMore on a change stream.
func (r *request) moreEvents(ctx context.Context, c *cursor, n int64) ([]byte, error) {
	wait := r.opt.await
	if wait == 0 {
		wait = defaultAwait
	}
	t := r.c.s.cursors
	if n < 0 {
		n = 0
	}
	docs, err := c.watch.next(ctx, r, wait, n)
	if err != nil {
		t.drop(c)
		e := translate(err)
		if resumable[e.code.n] {
			e.labels = append(e.labels, "ResumableChangeStreamError")
		}
		return nil, e
	}
	id := c.id
	if t.killed(id) {
		t.drop(c)
		return nil, errorf(code{237, "CursorKilled"}, "operation was interrupted because its cursor %d was killed", id)
	}
	if c.watch.ended {
		t.drop(c)
		id = 0
	} else {
		t.put(c, false)
	}
	return c.watch.reply("nextBatch", docs, id, c.ns), nil
}

// resumable are the errors after which a driver opens the stream again.
var resumable = map[int32]bool{6: true, 7: true, 63: true, 89: true, 91: true, 133: true, 150: true, 189: true, 234: true, 262: true, 9001: true, 10107: true, 11600: true, 11602: true, 13388: true, 13435: true, 13436: true}

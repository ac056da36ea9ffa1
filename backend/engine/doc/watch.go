package doc

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// watchLimit is how many events one reply looks at.
const watchLimit = 1000

// watch executes a Watch: it reads on the caller's goroutine and waits there,
// holding nothing, until an event comes or the time is over.
func (g *Engine) watch(ctx context.Context, s *object.Scope, b *doc.Watch) (op.Reply, error) {
	p, err := compileStages(b.Stages, nil)
	if err != nil {
		return nil, err
	}
	w := &watcher{b: b, pipe: p, after: b.After, at: b.At}
	if b.Open {
		return g.openWatch(ctx, s, w)
	}
	end := time.NewTimer(time.Duration(b.Wait) * time.Millisecond)
	defer end.Stop()
	for {
		var docs [][]byte
		var more <-chan struct{}
		err := s.Read(ctx, func(tx *object.Tx) error {
			r := newRun(ctx, tx, letMap(b.Lets))
			defer r.close()
			j, err := r.journal()
			if err != nil {
				return err
			}
			more = j.wait()
			docs, err = w.read(r)
			return err
		})
		if err != nil {
			return nil, err
		}
		done := &op.Done{Matched: w.after}
		if w.ended {
			done.Affected = 1
		}
		if len(docs) > 0 || w.ended {
			return op.ReplyOf(&op.Docs{Docs: docs}, done), nil
		}
		if w.full {
			continue // all were filtered out; there may be more
		}
		select {
		case <-more:
		case <-end.C:
			return op.ReplyOf(done), nil
		case <-ctx.Done():
			return op.ReplyOf(done), nil
		}
	}
}

// openWatch sees that events are kept and answers the newest number.
func (g *Engine) openWatch(ctx context.Context, s *object.Scope, w *watcher) (op.Reply, error) {
	var last int64
	body := func(tx *object.Tx) error {
		r := newRun(ctx, tx, nil)
		j, err := r.journal()
		if err != nil {
			return err
		}
		if !j.on {
			if !tx.Writable() {
				return nil
			}
			if err := tx.Conn.Exec(eventCreate); err != nil {
				return storage(err)
			}
			// The first number is above zero, which stands for the beginning.
			if _, err := tx.Conn.Run("INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)", op.Text(eventTable), op.Int64(1)); err != nil {
				return storage(err)
			}
			if err := tx.SetAlarm(eventAlarm, r.now().Add(eventEvery)); err != nil {
				return storage(err)
			}
			tx.OnCommit(func() { j.mu.Lock(); j.on = true; j.mu.Unlock() })
			last = 1
			return nil
		}
		v, err := tx.Conn.Row("SELECT seq FROM sqlite_sequence WHERE name = ?1", op.Text(eventTable))
		if err != nil || v == nil {
			return storage(err)
		}
		last = v[0].Int()
		return w.check(r)
	}
	err := s.Read(ctx, body)
	if err == nil && last == 0 {
		_, err = s.Write(ctx, body)
	}
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(&op.Done{Matched: last}), nil
}

// watcher is a Watch under way.
type watcher struct {
	b     *doc.Watch
	pipe  *pipeline
	after int64
	at    uint64
	ended bool
	full  bool // the last read met its limit
}

// lost is the error of a place whose events are gone.
func lost() error {
	return &op.Error{Code: op.NotFound, Object: "history", Msg: "Resume of change stream was not possible, as the resume point may no longer be in the oplog."}
}

// check refuses a place before the oldest event that is kept.
func (w *watcher) check(r *run) error {
	v, err := r.tx.Conn.Row("SELECT min(n), min(at) FROM " + eventTable)
	if err != nil {
		return storage(err)
	}
	first := v[0].Int()
	if v[0].IsNull() {
		q, err := r.tx.Conn.Row("SELECT seq + 1 FROM sqlite_sequence WHERE name = ?1", op.Text(eventTable))
		if err != nil || q == nil {
			return storage(err)
		}
		first = q[0].Int()
	}
	if w.b.After > 0 && w.b.After+1 < first {
		return lost()
	}
	if w.b.At > 0 && first > 2 && !v[1].IsNull() && w.b.At < uint64(v[1].Int()) {
		return lost()
	}
	return nil
}

// read builds the events behind the place.
func (w *watcher) read(r *run) ([][]byte, error) {
	j, err := r.journal()
	if err != nil || !j.on {
		return nil, err
	}
	limit := w.b.Limit
	if limit <= 0 || limit > watchLimit {
		limit = watchLimit
	}
	text, args := "SELECT n, at, coll, ev FROM "+eventTable+" WHERE n > ?1 ORDER BY n LIMIT ?2", []op.Value{op.Int64(w.after), op.Int64(limit)}
	if w.at > 0 {
		text, args[0] = "SELECT n, at, coll, ev FROM "+eventTable+" WHERE at >= ?1 ORDER BY n LIMIT ?2", op.Int64(int64(w.at))
	} else if err := w.check(r); err != nil {
		return nil, err
	}
	rows, err := r.tx.Conn.Query(text, args...)
	if err != nil {
		return nil, storage(err)
	}
	w.full = int64(len(rows)) == limit
	var out [][]byte
	size := 0
	for _, v := range rows {
		w.after, w.at = v[0].Int(), 0
		events, err := w.event(r, v)
		if err != nil {
			return nil, err
		}
		for _, e := range events {
			d, err := w.shape(r, e)
			if err != nil {
				return nil, err
			}
			if d != nil {
				out = append(out, d)
				size += len(d)
			}
		}
		if w.ended || size > 8<<20 {
			w.full = true
			break
		}
	}
	return out, nil
}

// shape sends an event through the pipeline; nil when it is dropped.
func (w *watcher) shape(r *run, e []byte) ([]byte, error) {
	src, err := w.pipe.through(r, one(e), 0)
	if err != nil {
		return nil, err
	}
	docs, err := gather(src)
	if err != nil || len(docs) == 0 {
		return nil, err
	}
	if !bsonval.Equal(bsonval.Get(docs[0], "_id"), bsonval.Get(e, "_id")) {
		return nil, &op.Error{Code: op.InvalidArgument, Object: "token", Msg: "Encountered an event whose _id field, which contains the resume token, was modified by the pipeline. Modifying the _id field of an event makes it impossible to resume the stream from that point."}
	}
	return docs[0], nil
}

// expanded are the events only showExpandedEvents shows.
var expandedEvents = map[string]bool{"create": true, "createIndexes": true, "dropIndexes": true, "modify": true}

// event builds the event documents of one row: none when it is about another
// collection, two when it ends the stream.
func (w *watcher) event(r *run, v []op.Value) ([][]byte, error) {
	n, at, coll, ev := v[0].Int(), uint64(v[1].Int()), v[2].Str(), v[3].Raw
	kind := bsonval.Text(bsonval.Get(ev, "op"))
	to := bsonval.Text(bsonval.Get(ev, "to"))
	if w.b.Collection != "" && coll != w.b.Collection && (kind != "rename" || to != w.b.Collection) {
		return nil, nil
	}
	if expandedEvents[kind] && !w.b.Expanded {
		return nil, nil
	}
	db, _ := r.tx.Object()
	time := bsonval.V{Type: bsonval.Timestamp, Data: bsoncore.AppendTimestamp(nil, uint32(at>>32), uint32(at))}
	head := []any{"_id", w.token(db, n, false), "operationType", bsonval.StringV(kind), "clusterTime", time, "wallTime", bsonval.Get(ev, "wall")}
	ns := bsonval.DocV(buildDoc("db", bsonval.StringV(db), "coll", bsonval.StringV(coll)))
	key := bsonval.Missing
	if id := bsonval.Get(ev, "id"); id.Type != 0 {
		key = bsonval.DocV(buildDoc("_id", id))
	}
	full, err := w.fullDocument(r, kind, coll, ev)
	if err != nil {
		return nil, err
	}
	kv := append(head, "fullDocument", full, "ns", ns)
	if kind == "rename" {
		kv = append(kv, "to", bsonval.DocV(buildDoc("db", bsonval.StringV(db), "coll", bsonval.StringV(to))))
	}
	kv = append(kv, "documentKey", key)
	if d := bsonval.Get(ev, "diff"); kind == "update" {
		if w.b.Expanded {
			d = bsonval.DocV(merged(d.Data, buildDoc("disambiguatedPaths", bsonval.DocV(bsonval.EmptyDoc))))
		}
		kv = append(kv, "updateDescription", d)
	}
	if w.b.Expanded {
		kv = append(kv, "operationDescription", bsonval.Get(ev, "what"))
	}
	if w.b.Before != "" && w.b.Before != "off" && (kind == "update" || kind == "replace" || kind == "delete") {
		b := bsonval.Get(ev, "before")
		if b.Type == 0 {
			if w.b.Before == "required" {
				return nil, &op.Error{Code: op.NotFound, Object: "image", Msg: "Change stream was configured to require a pre-image for all update, delete and replace events, but the pre-image was not found"}
			}
			b = bsonval.NullV
		}
		kv = append(kv, "fullDocumentBeforeChange", b)
	}
	out := [][]byte{buildDoc(kv...)}
	if w.b.Collection != "" && (kind == "drop" || kind == "rename") {
		w.ended = true
		out = append(out, buildDoc("_id", w.token(db, n, true), "operationType", bsonval.StringV("invalidate"), "clusterTime", time, "wallTime", bsonval.Get(ev, "wall")))
	}
	return out, nil
}

// fullDocument is the document an event shows; Missing for none.
func (w *watcher) fullDocument(r *run, kind, coll string, ev []byte) (bsonval.V, error) {
	d := bsonval.Get(ev, "doc")
	if kind != "update" {
		return d, nil
	}
	switch w.b.Full {
	case "updateLookup":
		id := bsonval.Get(ev, "id")
		f, err := compileFilter(&op.Expr{Op: op.ExEq, Path: "_id", Value: bsonval.FromBSON(id)}, nil)
		if err != nil {
			return d, err
		}
		inner := r.child()
		defer inner.close()
		src, _, err := inner.find(inner.table(coll), query{filter: f})
		if err != nil {
			return d, err
		}
		x, err := src()
		if err != nil {
			return bsonval.NullV, nil
		}
		return bsonval.DocV(x.doc), nil
	case "whenAvailable":
		return orNull(d), nil
	case "required":
		if d.Type == 0 {
			return d, &op.Error{Code: op.NotFound, Object: "image", Msg: "Change stream was configured to require a post-image for all update events, but the post-image was not found"}
		}
		return d, nil
	}
	return bsonval.Missing, nil
}

// token is the resume token of an event.
func (w *watcher) token(db string, n int64, invalidate bool) bsonval.V {
	return bsonval.DocV(buildDoc("_data", bsonval.StringV(Token(db, n, invalidate, w.b.Token))))
}

// Token writes a resume token: kind of event, number, database, and the places
// in other databases when the stream is over several.
func Token(db string, n int64, invalidate bool, rest []byte) string {
	b := []byte{0x82}
	if invalidate {
		b[0] = 0x83
	}
	b = binary.BigEndian.AppendUint64(b, uint64(n))
	b = append(append(b, db...), 0)
	return strings.ToUpper(hex.EncodeToString(append(b, rest...)))
}

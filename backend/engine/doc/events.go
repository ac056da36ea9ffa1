package doc

import (
	"strings"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// Change events of collections are kept in a table of the object, written in
// the transaction of the change and numbered when it commits, so that their
// order is the order of commits and a reader that knows the number of the last
// one it saw misses none. They are kept from the first reader on, for a day at
// most.
const (
	eventTable  = "_dotdo_doc_events"
	eventCreate = "CREATE TABLE IF NOT EXISTS " + eventTable + "(n INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, coll TEXT NOT NULL, ev BLOB NOT NULL)"
	eventAlarm  = "doc:events"
	eventEvery  = 10 * time.Minute
	eventKeep   = 24 * time.Hour
	eventBytes  = 1 << 30 // of the whole table
)

// journal is the state of an object's event table.
type journal struct {
	mu     sync.Mutex
	on     bool
	at     uint64 // newest timestamp
	signal chan struct{}
}

// journalKey is the entry of Tx.Local with the journal.
type journalKey struct{}

// journal returns the object's journal; it looks for the table once.
func (r *run) journal() (*journal, error) {
	local := r.tx.Local()
	if v, ok := local.Load(journalKey{}); ok {
		return v.(*journal), nil
	}
	v, err := r.tx.Conn.Row("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = '" + eventTable + "'")
	if err != nil {
		return nil, storage(err)
	}
	j := &journal{on: v != nil, signal: make(chan struct{})}
	if j.on {
		v, err := r.tx.Conn.Row("SELECT coalesce(max(at), 0) FROM " + eventTable)
		if err != nil {
			return nil, storage(err)
		}
		j.at = uint64(v[0].Int())
	}
	got, _ := local.LoadOrStore(journalKey{}, j)
	return got.(*journal), nil
}

// wait returns a channel that closes at the next commit with events.
func (j *journal) wait() <-chan struct{} {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.signal
}

// wake tells the waiting readers.
func (j *journal) wake() {
	j.mu.Lock()
	defer j.mu.Unlock()
	close(j.signal)
	j.signal = make(chan struct{})
}

// stamp returns a timestamp for an event, greater than all before.
func (j *journal) stamp(now time.Time) uint64 {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at = max(j.at+1, uint64(now.Unix())<<32|uint64(now.Nanosecond()+1))
	return j.at
}

// emit notes an event for the end of the transaction.
func (r *run) emit(coll string, kv ...any) error {
	j, err := r.journal()
	if err != nil || !j.on {
		return err
	}
	tx := r.tx
	coll = strings.Clone(coll)
	ev := buildDoc(append(kv, "wall", bsonval.DateV(r.now().UnixMilli()))...)
	tx.BeforeCommit(func() error {
		_, err := tx.Conn.Run("INSERT INTO "+eventTable+"(at, coll, ev) VALUES (?1, ?2, ?3)", op.Int64(int64(j.stamp(tx.Now()))), op.Text(coll), op.Bytes(ev))
		return storage(err)
	})
	tx.OnCommit(j.wake)
	return nil
}

// watched reports whether events are kept, to spare the work of making them.
func (r *run) watched() bool {
	j, err := r.journal()
	return err == nil && j.on
}

// emitInsert notes a new document.
func (w *target) emitInsert(id bsonval.V, d []byte) error {
	if !w.r.watched() {
		return nil
	}
	return w.r.emit(w.t.Name, "op", bsonval.StringV("insert"), "id", id, "doc", bsonval.DocV(d))
}

// emitChange notes a changed document.
func (w *target) emitChange(old, d []byte) error {
	if !w.r.watched() {
		return nil
	}
	kind, post, pre, diff := "update", bsonval.Missing, bsonval.Missing, bsonval.Missing
	if w.replacing {
		kind, post = "replace", bsonval.DocV(d)
	} else {
		diff = describe(old, d)
	}
	if w.set != nil && w.set.images {
		post, pre = bsonval.DocV(d), bsonval.DocV(old)
	}
	return w.r.emit(w.t.Name, "op", bsonval.StringV(kind), "id", bsonval.Get(d, "_id"), "doc", post, "before", pre, "diff", diff)
}

// emitDelete notes a removed document.
func (w *target) emitDelete(old []byte) error {
	if !w.r.watched() {
		return nil
	}
	pre := bsonval.Missing
	if w.set != nil && w.set.images {
		pre = bsonval.DocV(old)
	}
	return w.r.emit(w.t.Name, "op", bsonval.StringV("delete"), "id", bsonval.Get(old, "_id"), "before", pre)
}

// differ collects the parts of an update description.
type differ struct {
	updated       []any
	removed, cuts []bsonval.V
}

// describe builds {updatedFields, removedFields, truncatedArrays}.
func describe(old, fresh []byte) bsonval.V {
	d := &differ{}
	d.docs("", old, fresh)
	return bsonval.DocV(buildDoc("updatedFields", bsonval.DocV(buildDoc(d.updated...)), "removedFields", bsonval.ArrayV(d.removed), "truncatedArrays", bsonval.ArrayV(d.cuts)))
}

// docs compares two documents.
func (d *differ) docs(prefix string, old, fresh []byte) {
	for it := bsonval.Elements(old); it.Next(); {
		if bsonval.Get(fresh, it.Key()).Type == 0 {
			d.removed = append(d.removed, bsonval.StringV(prefix+it.Key()))
		}
	}
	for it := bsonval.Elements(fresh); it.Next(); {
		d.value(prefix+it.Key(), bsonval.Get(old, it.Key()), it.Value)
	}
}

// value compares two values of a path.
func (d *differ) value(name string, old, fresh bsonval.V) {
	if old.Type == fresh.Type && string(old.Data) == string(fresh.Data) {
		return
	}
	switch {
	case old.Type == bsonval.Document && fresh.Type == bsonval.Document:
		d.docs(name+".", old.Data, fresh.Data)
	case old.Type == bsonval.Array && fresh.Type == bsonval.Array && len(bsonval.Items(old)) > 0 && len(bsonval.Items(fresh)) > 0:
		x, y := bsonval.Items(old), bsonval.Items(fresh)
		if len(y) < len(x) {
			d.cuts = append(d.cuts, bsonval.DocV(buildDoc("field", bsonval.StringV(name), "newSize", bsonval.Int32V(int32(len(y))))))
		}
		for i, v := range y {
			was := bsonval.Missing
			if i < len(x) {
				was = x[i]
			}
			d.value(name+"."+itoa(i), was, v)
		}
	default:
		d.updated = append(d.updated, name, fresh)
	}
}

// pruneEvents removes old events.
func (r *run) pruneEvents() error {
	j, err := r.journal()
	if err != nil || !j.on {
		return err
	}
	cut := r.now().Add(-eventKeep).Unix() << 32
	if _, err := r.tx.Conn.Run("DELETE FROM "+eventTable+" WHERE at < ?1", op.Int64(cut)); err != nil {
		return storage(err)
	}
	size, err := r.bytes(eventTable)
	if err != nil {
		return err
	}
	if size > eventBytes {
		if _, err := r.tx.Conn.Run("DELETE FROM " + eventTable + " WHERE n < (SELECT (min(n) + max(n)) / 2 FROM " + eventTable + ")"); err != nil {
			return storage(err)
		}
	}
	return storage(r.tx.SetAlarm(eventAlarm, r.now().Add(eventEvery)))
}

package doc

import (
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// The answers of retryable writes are kept in a table of the object, in the
// transaction of the write: a client that lost the connection, or met a
// restart, and sends the write again gets the first answer. One row a session,
// for a session has one write under way.
const (
	onceAlarm  = "doc:once"
	onceTable  = "_dotdo_doc_once"
	onceCreate = "CREATE TABLE IF NOT EXISTS " + onceTable + "(session BLOB PRIMARY KEY, number INTEGER NOT NULL, at INTEGER NOT NULL, reply BLOB NOT NULL)"
	onceKeep   = 30 * time.Minute // as long as a session lives unused
)

// onceKey is the entry of Tx.Local that says the table exists.
type onceKey struct{}

// once runs a task, or answers what it answered before.
func (r *run) once(t *task) ([]op.Frame, error) {
	o := t.once
	if o == nil {
		return t.run(r)
	}
	if err := r.onceReady(); err != nil {
		return nil, err
	}
	v, err := r.tx.Conn.Row("SELECT number, reply FROM "+onceTable+" WHERE session = ?1", op.Bytes(o.Session))
	if err != nil {
		return nil, storage(err)
	}
	if v != nil {
		switch {
		case v[0].Int() == o.Number:
			return decodeFrames(v[1].Raw), nil
		case v[0].Int() > o.Number:
			return nil, &op.Error{Code: op.Serialization, Object: "session", Msg: "a newer write of this session was carried out"}
		}
	}
	frames, err := t.run(r)
	if err != nil {
		return nil, err
	}
	_, err = r.tx.Conn.Run("INSERT OR REPLACE INTO "+onceTable+"(session, number, at, reply) VALUES (?1, ?2, ?3, ?4)",
		op.Bytes(o.Session), op.Int64(o.Number), op.Int64(r.now().Unix()), op.Bytes(encodeFrames(frames)))
	return frames, storage(err)
}

// onceReady makes the table on first use and sees that it is cleaned.
func (r *run) onceReady() error {
	if _, ok := r.tx.Local().Load(onceKey{}); ok {
		return nil
	}
	if err := r.tx.Conn.Exec(onceCreate); err != nil {
		return storage(err)
	}
	local := r.tx.Local()
	r.tx.OnCommit(func() { local.Store(onceKey{}, true) })
	return storage(r.tx.SetAlarm(onceAlarm, r.now().Add(onceKeep)))
}

// forgetSessions removes the answers of sessions that have timed out.
func (r *run) forgetSessions() error {
	if err := r.tx.Conn.Exec(onceCreate); err != nil {
		return storage(err)
	}
	if _, err := r.tx.Conn.Run("DELETE FROM "+onceTable+" WHERE at < ?1", op.Int64(r.now().Add(-onceKeep).Unix())); err != nil {
		return storage(err)
	}
	v, err := r.tx.Conn.Row("SELECT 1 FROM " + onceTable + " LIMIT 1")
	if err != nil {
		return storage(err)
	}
	if v == nil { // the next write sets the alarm again
		r.tx.Local().Delete(onceKey{})
		return nil
	}
	return storage(r.tx.SetAlarm(onceAlarm, r.now().Add(onceKeep)))
}

// encodeFrames writes the frames a write answers: documents, then the end.
func encodeFrames(frames []op.Frame) []byte {
	var docs []bsonval.V
	end := &op.Done{}
	for _, f := range frames {
		switch x := f.(type) {
		case *op.Docs:
			for _, d := range x.Docs {
				docs = append(docs, bsonval.DocV(d))
			}
		case *op.Done:
			end = x
		}
	}
	extra := make([]bsonval.V, len(end.Extra))
	for i, v := range end.Extra {
		extra[i] = packValue(v)
	}
	return buildDoc("a", bsonval.Int64V(end.Affected), "m", bsonval.Int64V(end.Matched), "d", bsonval.ArrayV(docs), "x", bsonval.ArrayV(extra))
}

// decodeFrames undoes encodeFrames.
func decodeFrames(b []byte) []op.Frame {
	var frames []op.Frame
	var docs [][]byte
	for _, d := range bsonval.Items(bsonval.Get(b, "d")) {
		docs = append(docs, d.Data)
	}
	if docs != nil {
		frames = append(frames, &op.Docs{Docs: docs})
	}
	end := &op.Done{}
	end.Affected, _ = bsonval.Int(bsonval.Get(b, "a"))
	end.Matched, _ = bsonval.Int(bsonval.Get(b, "m"))
	for _, v := range bsonval.Items(bsonval.Get(b, "x")) {
		end.Extra = append(end.Extra, unpackValue(v))
	}
	return append(frames, end)
}

// packValue writes a value so that maps stay maps.
func packValue(v op.Value) bsonval.V {
	switch v.Kind {
	case op.KindMap, op.KindArray:
		list := make([]bsonval.V, len(v.List()))
		for i, e := range v.List() {
			list[i] = packValue(e)
		}
		name := "l"
		if v.Kind == op.KindMap {
			name = "m"
		}
		return bsonval.DocV(buildDoc(name, bsonval.ArrayV(list)))
	}
	return bsonval.DocV(buildDoc("v", bsonval.ToBSON(v)))
}

// unpackValue undoes packValue.
func unpackValue(v bsonval.V) op.Value {
	it := bsonval.Elements(v.Data)
	if !it.Next() {
		return op.Null
	}
	if it.Key() == "v" {
		return bsonval.FromBSON(it.Value)
	}
	kind := it.Key()
	var list []op.Value
	for _, e := range bsonval.Items(it.Value) {
		list = append(list, unpackValue(e))
	}
	if kind == "m" {
		return op.Map(list...)
	}
	return op.Array(list...)
}

package doc

import (
	"context"
	"log/slog"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// reopen starts the engine over an existing folder.
func reopen(t *testing.T, dir string) *fixture {
	t.Helper()
	f := &fixture{t: t, g: New(nil)}
	reg := sqlite.NewRegistry()
	f.g.Functions(reg)
	s, err := object.New(object.Options{Dir: dir, Registry: reg, Init: f.g.Init, Alarm: f.g.Alarm, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f.store = s
	return f
}

// TestRetryableWriteSurvivesRestart sends one write again after the store was
// closed and opened: it has happened once and answers the same.
func TestRetryableWriteSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	once := &doc.Once{Session: []byte("s"), Number: 7}
	ins := &doc.Insert{Collection: "c", Ordered: true, Once: once, Docs: [][]byte{enc(t, bson.D{{Key: "_id", Value: 1}, {Key: "n", Value: 0}}), enc(t, bson.D{{Key: "_id", Value: 1}})}}
	inc := &doc.FindAndModify{Collection: "c", New: true, Once: &doc.Once{Session: []byte("s"), Number: 8}, Mutations: []op.Mutation{{Op: op.MutInc, Path: "n", Value: op.Int32(1)}}}
	for round := range 3 {
		f := reopen(t, dir)
		if round < 2 {
			_, d, err := f.do(ins)
			if round == 0 && (err != nil || d.Affected != 1 || len(d.Extra) != 1 || d.Extra[0].List()[1].Int() != 1) {
				t.Fatalf("round %d: %+v %v", round, d, err)
			}
			if round == 1 && op.CodeOf(err) != op.Serialization {
				t.Fatalf("an older number answered %v", err)
			}
		}
		docs, d := f.must(inc)
		if len(docs) != 1 || docs[0][1].Value != int32(1) || d.Affected != 1 {
			t.Fatalf("round %d: %v %+v", round, docs, d)
		}
		if err := f.store.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCursorHoldsNoReader reads a large result halfway, writes much, and looks
// whether the log could be reset.
func TestCursorHoldsNoReader(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	ins := &doc.Insert{Collection: "c", Ordered: true}
	for i := range 3000 {
		ins.Docs = append(ins.Docs, enc(t, bson.D{{Key: "_id", Value: i}, {Key: "s", Value: make([]byte, 2000)}}))
	}
	f.must(ins)
	s := f.scope()
	defer s.Release()
	r, err := f.g.Do(context.Background(), s, &op.Op{Body: &doc.Find{Collection: "c", Page: op.Page{Batch: 10}}})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if st := r.(*stream); st.view != nil {
		t.Fatal("a waiting cursor holds a reader")
	}
	n := 0
	for {
		x, err := r.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if d, ok := x.(*op.Docs); ok {
			n += len(d.Docs)
			continue
		}
		break
	}
	if n != 3000 {
		t.Fatalf("%d documents", n)
	}
}

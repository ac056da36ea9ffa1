package doc

import (
	"context"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// TestEventsSurviveRestart reads events before and after the store was opened
// again: each comes once, in order, and undone writes give none.
func TestEventsSurviveRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := reopen(t, dir)
	_, d := f.must(&doc.Watch{Open: true})
	place := d.Matched
	want := 0
	for round := range 3 {
		for range 5 {
			f.must(&doc.Insert{Collection: "c", Docs: [][]byte{enc(t, bson.D{{Key: "_id", Value: want}})}})
			want++
		}
		if _, d, err := f.do(&doc.Insert{Collection: "c", Docs: [][]byte{enc(t, bson.D{{Key: "_id", Value: 0}})}}); err != nil || len(d.Extra) != 1 {
			t.Fatalf("duplicate: %v %v", d, err)
		}
		events, d := f.must(&doc.Watch{Collection: "c", After: place})
		n := 0
		for _, e := range events {
			m := map[string]any{}
			for _, x := range e {
				m[x.Key] = x.Value
			}
			if m["operationType"] != "insert" {
				continue
			}
			if got := m["documentKey"].(bson.D)[0].Value; got != int32(round*5+n) {
				t.Fatalf("round %d: event %d is about %v", round, n, got)
			}
			n++
		}
		if n != 5 {
			t.Fatalf("round %d: %d events", round, n)
		}
		place = d.Matched
		if err := f.store.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		f = reopen(t, dir)
	}
	if _, _, err := f.do(&doc.Watch{After: -1, At: 1}); err != nil && op.CodeOf(err) != op.NotFound {
		t.Fatal(err)
	}
	if err := f.store.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

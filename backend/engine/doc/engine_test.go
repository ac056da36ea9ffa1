package doc

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// fixture is the engine over one object.
type fixture struct {
	t     testing.TB
	g     *Engine
	store *object.Store
	now   time.Time
}

// start opens a store; init runs in its new object.
func start(t testing.TB, init func(*object.Tx) error) *fixture {
	t.Helper()
	f := &fixture{t: t, g: New(nil), now: time.Now()}
	reg := sqlite.NewRegistry()
	f.g.Functions(reg)
	if init == nil {
		init = f.g.Init
	}
	s, err := object.New(object.Options{Dir: t.TempDir(), Registry: reg, Init: init, Alarm: f.g.Alarm, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f.store = s
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return f
}

// scope opens the object.
func (f *fixture) scope() *object.Scope {
	s, err := f.store.Scope(context.Background(), "d", 0, op.Session{}, true)
	if err != nil {
		f.t.Fatal(err)
	}
	return s
}

// do runs a body and returns the documents and the end of its reply.
func (f *fixture) do(b op.Body) ([]bson.D, *op.Done, error) {
	s := f.scope()
	defer s.Release()
	r, err := f.g.Do(context.Background(), s, &op.Op{Body: b})
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	var docs []bson.D
	for {
		x, err := r.Next(context.Background())
		if err != nil {
			return nil, nil, err
		}
		switch x := x.(type) {
		case *op.Docs:
			for _, d := range x.Docs {
				var out bson.D
				if err := bson.Unmarshal(d, &out); err != nil {
					f.t.Fatalf("%x: %v, valid: %v", d, err, bsonval.Validate(d))
				}
				docs = append(docs, out)
			}
		case *op.Done:
			return docs, x, nil
		}
	}
}

// must is do for what has to succeed.
func (f *fixture) must(b op.Body) ([]bson.D, *op.Done) {
	f.t.Helper()
	docs, d, err := f.do(b)
	if err != nil {
		f.t.Fatalf("%T: %v", b, err)
	}
	for _, e := range d.Extra {
		if e.Kind == op.KindMap && strings.Contains(fmt.Sprint(e.List()), "error") {
			f.t.Fatalf("%T: write error", b)
		}
	}
	return docs, d
}

// enc marshals a document.
func enc(t testing.TB, v any) []byte {
	b, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// randomValue draws from few values of many types, so that matches happen.
func randomValue(r *rand.Rand, depth int) any {
	switch r.IntN(12) {
	case 0:
		return bson.Null{}
	case 1:
		return int64(r.IntN(5))
	case 2:
		return float64(r.IntN(10)) / 2
	case 3, 4:
		return string(rune('a' + r.IntN(4)))
	case 5:
		return r.IntN(2) == 0
	case 6, 7:
		if depth == 0 {
			return int32(1)
		}
		a := bson.A{}
		for range r.IntN(4) {
			a = append(a, randomValue(r, depth-1))
		}
		return a
	case 8:
		if depth == 0 {
			return "z"
		}
		return bson.D{{Key: "x", Value: randomValue(r, depth-1)}, {Key: "y", Value: randomValue(r, depth-1)}}
	case 9:
		return time.UnixMilli(int64(r.IntN(3)))
	}
	return int32(r.IntN(6))
}

// irValue converts a Go value to the IR.
func irValue(t testing.TB, v any) op.Value {
	return bsonval.FromBSON(bsonval.Get(enc(t, bson.D{{Key: "v", Value: v}}), "v"))
}

// randomFilter draws a filter on the fields of the test.
func randomFilter(t testing.TB, r *rand.Rand) *op.Expr {
	paths := []string{"a", "b", "a.x", "b.y", "c", "a.0", "_id"}
	leaf := func() *op.Expr {
		e := &op.Expr{Path: paths[r.IntN(len(paths))], Value: irValue(t, randomValue(r, 1))}
		e.Op = []op.ExprOp{op.ExEq, op.ExEq, op.ExGt, op.ExGte, op.ExLt, op.ExLte, op.ExNe, op.ExIn}[r.IntN(8)]
		if e.Op == op.ExIn {
			e.Value = op.Array(irValue(t, randomValue(r, 1)), irValue(t, randomValue(r, 0)), irValue(t, randomValue(r, 0)))
		}
		return e
	}
	e := &op.Expr{Op: op.ExAnd}
	for range 1 + r.IntN(3) {
		e.Args = append(e.Args, leaf())
	}
	return e
}

// TestIndexesDoNotChangeResults runs random queries with and without indexes:
// the documents and their order must be the same.
func TestIndexesDoNotChangeResults(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	f := start(t, nil)
	ins := &doc.Insert{Ordered: true}
	for i := range 300 {
		d := bson.D{{Key: "_id", Value: i}}
		for _, k := range []string{"a", "b", "c"} {
			if r.IntN(5) > 0 && (k != "c" || i%2 == 0) {
				v := randomValue(r, 2)
				if k == "c" {
					v = int32(r.IntN(20)) // never an array: the index stays usable for order
				}
				d = append(d, bson.E{Key: k, Value: v})
			}
		}
		ins.Docs = append(ins.Docs, enc(t, d))
	}
	for _, c := range []string{"plain", "indexed"} {
		b := *ins
		b.Collection = c
		f.must(&b)
	}
	var indexes []doc.Index
	for i, k := range [][]op.Sort{{{Path: "a"}}, {{Path: "b", Desc: true}}, {{Path: "c"}, {Path: "a", Desc: true}}, {{Path: "a.x"}, {Path: "c"}}, {{Path: "b.y"}}, {{Path: "c", Desc: true}}} {
		indexes = append(indexes, doc.Index{Name: itoa(i), Keys: k, Spec: enc(t, bson.D{{Key: "name", Value: itoa(i)}}), TTL: -1})
	}
	f.must(&doc.CreateIndexes{Collection: "indexed", Indexes: indexes})
	used := 0
	for n := range 1500 {
		q := randomFilter(t, r)
		sort := [][]op.Sort{{{Path: "_id"}}, {{Path: "c"}, {Path: "_id"}}, {{Path: "c", Desc: true}, {Path: "_id"}}, {{Path: "a"}, {Path: "_id", Desc: true}}, {{Path: "c"}}, {{Path: "c", Desc: true}}}[n%6]
		plain, _ := f.must(&doc.Find{Collection: "plain", Filter: q, Sort: sort})
		indexed, _ := f.must(&doc.Find{Collection: "indexed", Filter: q, Sort: sort})
		if len(sort) == 1 && sort[0].Path == "c" { // ties are free
			key := func(d bson.D) string { return fmt.Sprint(d) }
			for _, l := range [][]bson.D{plain, indexed} {
				last := bsonval.Missing
				for _, d := range l {
					v := sortKey(bsonval.DocV(enc(t, d)), path{"c"}, sort[0].Desc)
					if last.Type != 0 && (bsonval.Compare(last, v) > 0) != sort[0].Desc && bsonval.Compare(last, v) != 0 {
						t.Fatalf("query %d: out of order", n)
					}
					last = v
				}
			}
			slices.SortFunc(plain, func(a, b bson.D) int { return strings.Compare(key(a), key(b)) })
			slices.SortFunc(indexed, func(a, b bson.D) int { return strings.Compare(key(a), key(b)) })
		}
		if fmt.Sprint(plain) != fmt.Sprint(indexed) {
			t.Fatalf("query %d %s sort %v:\nplain   %v\nindexed %v", n, exprText(q), sort, plain, indexed)
		}
		if x, _ := f.must(&doc.Explain{Collection: "indexed", Filter: q, Sort: sort}); strings.Contains(fmt.Sprint(x), "IXSCAN") {
			used++
		}
	}
	if used < 500 {
		t.Errorf("indexes were used by %d queries only", used)
	}
}

// exprText shows a filter in a failure.
func exprText(e *op.Expr) string {
	return jsonText(bsonval.DocV(exprToBSON(e)))
}

// TestIndexesFollowWrites updates and deletes at random, then compares again.
func TestIndexesFollowWrites(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	f := start(t, nil)
	f.must(&doc.CreateIndexes{Collection: "c", Indexes: []doc.Index{{Name: "a", Keys: []op.Sort{{Path: "a"}}, Spec: enc(t, bson.D{}), TTL: -1}, {Name: "ab", Keys: []op.Sort{{Path: "a"}, {Path: "b"}}, Spec: enc(t, bson.D{}), TTL: -1}}})
	for i := range 200 {
		f.must(&doc.Insert{Collection: "c", Docs: [][]byte{enc(t, bson.D{{Key: "_id", Value: i}, {Key: "a", Value: i % 7}, {Key: "b", Value: i % 3}})}})
	}
	for range 100 {
		id := &op.Expr{Op: op.ExEq, Path: "_id", Value: op.Int32(int32(r.IntN(200)))}
		switch r.IntN(3) {
		case 0:
			f.must(&doc.Delete{Collection: "c", Filter: id})
		case 1:
			f.must(&doc.Update{Collection: "c", Filter: id, Mutations: []op.Mutation{{Op: op.MutSet, Path: "a", Value: op.Array(op.Int32(int32(r.IntN(7))), op.Int32(9))}}})
		default:
			f.must(&doc.Update{Collection: "c", Multi: true, Filter: &op.Expr{Op: op.ExEq, Path: "a", Value: op.Int32(int32(r.IntN(7)))}, Mutations: []op.Mutation{{Op: op.MutInc, Path: "b", Value: op.Int32(1)}}})
		}
	}
	all, _ := f.must(&doc.Find{Collection: "c"})
	for v := int32(0); v < 10; v++ {
		got, _ := f.must(&doc.Find{Collection: "c", Filter: &op.Expr{Op: op.ExEq, Path: "a", Value: op.Int32(v)}})
		want := 0
		for _, d := range all {
			if ok, _ := mustFilter(t, &op.Expr{Op: op.ExEq, Path: "a", Value: op.Int32(v)}).matches(enc(t, d), &env{}); ok {
				want++
			}
		}
		if len(got) != want {
			t.Errorf("a = %d: %d documents by index, %d by reading all", v, len(got), want)
		}
	}
}

// mustFilter compiles a filter.
func mustFilter(t testing.TB, e *op.Expr) *filter {
	f, err := compileFilter(e, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// withTable makes a SQL table and its catalog entry.
func withTable(tx *object.Tx) error {
	if err := tx.Conn.Exec(`CREATE TABLE artist(id INTEGER PRIMARY KEY NOT NULL, name TEXT NOT NULL, score TEXT, born INTEGER, tags TEXT, j TEXT)`); err != nil {
		return err
	}
	if err := tx.Conn.Exec(`INSERT INTO artist VALUES (1, 'ann', '3.50', 1, '["a","b"]', '{"k": [1, 2.5]}'), (2, 'bob', NULL, NULL, NULL, NULL)`); err != nil {
		return err
	}
	s := tx.Catalog().Edit()
	t := &catalog.Table{OID: s.OID(), Schema: "public", Name: "artist", Store: "artist", Primary: []string{"id"}, PrimaryName: "artist_pkey", RowIDAlias: "id", Columns: []*catalog.Column{
		{Name: "id", Attr: 1, Type: op.Type{Base: op.TInt4}, NotNull: true}, {Name: "name", Attr: 2, Type: op.Type{Base: op.TVarchar, Size: 10}, NotNull: true},
		{Name: "score", Attr: 3, Type: op.Type{Base: op.TNumeric, Size: 5, Scale: 2}}, {Name: "born", Attr: 4, Type: op.Type{Base: op.TDate}},
		{Name: "tags", Attr: 5, Type: op.Type{Base: op.TString, Array: true}}, {Name: "j", Attr: 6, Type: op.Type{Base: op.TJSONB}}}}
	s.Tables[t.Key()] = t
	tx.SetCatalog(s)
	return nil
}

// TestTable reads and writes a SQL table as a collection.
func TestTable(t *testing.T) {
	t.Parallel()
	f := start(t, withTable)
	got, _ := f.must(&doc.Find{Collection: "artist", Sort: []op.Sort{{Path: "_id"}}})
	want := `{"_id":1,"id":1,"name":"ann","score":{"$numberDecimal":"3.50"},"born":{"$date":"1970-01-02T00:00:00Z"},"tags":["a","b"],"j":{"k":[1,2.5]}} {"_id":2,"id":2,"name":"bob","score":null,"born":null,"tags":null,"j":null}`
	if text := jsonText(bsonval.DocV(enc(t, got[0]))) + " " + jsonText(bsonval.DocV(enc(t, got[1]))); text != want {
		t.Fatalf("got  %s\nwant %s", text, want)
	}
	byID := func(n int32) *op.Expr { return &op.Expr{Op: op.ExEq, Path: "_id", Value: op.Int32(n)} }
	if got, _ := f.must(&doc.Find{Collection: "artist", Filter: byID(2)}); len(got) != 1 {
		t.Fatalf("by id: %v", got)
	}
	f.must(&doc.Insert{Collection: "artist", Docs: [][]byte{enc(t, bson.D{{Key: "_id", Value: 3}, {Key: "name", Value: "cee"}, {Key: "j", Value: bson.D{{Key: "bb", Value: 1}, {Key: "a", Value: "x"}}}})}})
	f.must(&doc.Update{Collection: "artist", Filter: byID(3), Mutations: []op.Mutation{{Op: op.MutSet, Path: "tags", Value: op.Array(op.Text("q"))}}})
	f.must(&doc.Update{Collection: "artist", Filter: byID(1), Mutations: []op.Mutation{{Op: op.MutPush, Path: "tags", Each: []op.Value{op.Text("c")}}}})
	f.must(&doc.Update{Collection: "artist", Filter: byID(2), Mutations: []op.Mutation{{Op: op.MutReplace, Value: op.Raw(op.KindDocument, enc(t, bson.D{{Key: "name", Value: "rob"}}))}}})
	if got, _ := f.must(&doc.Find{Collection: "artist", Filter: byID(2)}); len(got) != 1 || got[0][2].Value != "rob" {
		t.Fatalf("replaced: %v", got)
	}
	s := f.scope()
	defer s.Release()
	if err := s.Read(context.Background(), func(tx *object.Tx) error {
		v, err := tx.Conn.Row(`SELECT group_concat(tags, ';'), group_concat(j, ';') FROM artist WHERE tags IS NOT NULL`)
		if err == nil && (v[0].Str() != `["a","b","c"];["q"]` || v[1].Str() != `{"k": [1, 2.5]};{"a": "x", "bb": 1}`) {
			t.Errorf("stored %s %s", v[0].Str(), v[1].Str())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

// TestTableErrors checks what a table refuses.
func TestTableErrors(t *testing.T) {
	t.Parallel()
	f := start(t, withTable)
	for _, x := range []struct {
		d    bson.D
		code op.Code
	}{
		{bson.D{{Key: "_id", Value: 1}, {Key: "name", Value: "dup"}}, op.UniqueViolation},
		{bson.D{{Key: "_id", Value: "x"}, {Key: "name", Value: "n"}}, op.CheckViolation},
		{bson.D{{Key: "_id", Value: 9}}, op.CheckViolation},
		{bson.D{{Key: "_id", Value: 9}, {Key: "name", Value: "n"}, {Key: "nope", Value: 1}}, op.CheckViolation},
		{bson.D{{Key: "_id", Value: 9}, {Key: "name", Value: "longer than ten"}}, op.CheckViolation},
		{bson.D{{Key: "_id", Value: int64(1) << 40}, {Key: "name", Value: "n"}}, op.CheckViolation},
	} {
		_, d, err := f.do(&doc.Insert{Collection: "artist", Docs: [][]byte{enc(t, x.d)}})
		if err != nil || len(d.Extra) != 1 || op.Code(d.Extra[0].List()[3].Int()) != x.code {
			t.Errorf("%v: %v %v", x.d, d, err)
		}
	}
}

// TestExpire removes expired documents.
func TestExpire(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	f.must(&doc.CreateIndexes{Collection: "c", Indexes: []doc.Index{{Name: "t", Keys: []op.Sort{{Path: "t"}}, TTL: 60, Spec: enc(t, bson.D{{Key: "name", Value: "t"}, {Key: "expireAfterSeconds", Value: 60}})}}})
	f.must(&doc.Insert{Collection: "c", Docs: [][]byte{enc(t, bson.D{{Key: "_id", Value: 1}, {Key: "t", Value: f.now.Add(-time.Hour)}}), enc(t, bson.D{{Key: "_id", Value: 2}, {Key: "t", Value: f.now.Add(time.Hour)}}), enc(t, bson.D{{Key: "_id", Value: 3}, {Key: "t", Value: "no date"}})}})
	s := f.scope()
	defer s.Release()
	if _, err := s.Write(context.Background(), func(tx *object.Tx) error { return f.g.Alarm(tx, ttlAlarm) }); err != nil {
		t.Fatal(err)
	}
	if got, _ := f.must(&doc.Find{Collection: "c"}); len(got) != 2 {
		t.Errorf("left: %v", got)
	}
}

// TestRead checks the SQL functions over a collection.
func TestRead(t *testing.T) {
	t.Parallel()
	f := start(t, nil)
	f.must(&doc.Insert{Collection: "c", Docs: [][]byte{enc(t, bson.D{{Key: "_id", Value: "k"}, {Key: "n", Value: int64(5)}, {Key: "d", Value: time.UnixMilli(0)}})}})
	s := f.scope()
	defer s.Release()
	if err := s.Read(context.Background(), func(tx *object.Tx) error {
		v, err := tx.Conn.Row(`SELECT dotdo_id_text(_id), dotdo_bson_json(doc) FROM c`)
		if err == nil && (v[0].Str() != "k" || v[1].Str() != `{"_id":"k","n":5,"d":{"$date":"1970-01-01T00:00:00Z"}}`) {
			t.Errorf("got %s %s", v[0].Str(), v[1].Str())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

package mongo

import (
	"context"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/engine"
	enginedoc "github.com/dot-do/dotdo-proxy/backend/engine/doc"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/protocol"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// users is an Authenticator with a fixed list; nil trusts everyone.
type users map[string]string

func (u users) Trust() bool { return u == nil }
func (u users) Password(user string) (string, bool) {
	p, ok := u[user]
	return p, ok
}

// listen starts a server over a fresh store and returns its address.
func listen(t testing.TB, auth users) string {
	t.Helper()
	exec, err := engine.New(engine.Options{Object: object.Options{Dir: t.TempDir(), Log: slog.New(slog.DiscardHandler)},
		Families: map[op.Family]engine.Named{op.FamilyDoc: {Name: "doc", Family: enginedoc.New(nil)}}})
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(protocol.Env{Name: "mongo", Exec: exec, Log: slog.New(slog.DiscardHandler), Auth: auth, Database: "main", Version: "test"})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_ = s.ServeConn(ctx, c)
			})
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = l.Close()
		wg.Wait()
		_ = s.Close(context.Background())
		ctx, done := context.WithTimeout(context.Background(), 10*time.Second)
		defer done()
		if err := exec.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// connect connects the Go driver.
func connect(t testing.TB, uri string) *mongo.Client {
	t.Helper()
	c, err := mongo.Connect(options.Client().ApplyURI(uri).SetServerSelectionTimeout(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Disconnect(context.Background()) })
	return c
}

// database connects to a fresh server.
func database(t testing.TB) *mongo.Database {
	return connect(t, "mongodb://"+listen(t, nil)+"/").Database("d")
}

// all reads a cursor to its end.
func all(t testing.TB, c *mongo.Cursor, err error) []bson.M {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	out := []bson.M{}
	if err := c.All(context.Background(), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestCRUD drives the basic life of documents.
func TestCRUD(t *testing.T) {
	t.Parallel()
	ctx, c := context.Background(), database(t).Collection("c")
	if _, err := c.InsertMany(ctx, []any{bson.M{"_id": 1, "a": 5, "tags": bson.A{"x", "y"}}, bson.M{"_id": 2, "a": 7.5}, bson.M{"_id": 3}}); err != nil {
		t.Fatal(err)
	}
	cur, err := c.Find(ctx, bson.M{"a": bson.M{"$gte": 5}}, options.Find().SetSort(bson.D{{Key: "a", Value: -1}}))
	if got := all(t, cur, err); len(got) != 2 || got[0]["_id"] != int32(2) {
		t.Fatalf("find: %v", got)
	}
	up, err := c.UpdateOne(ctx, bson.M{"tags": "x"}, bson.M{"$inc": bson.M{"a": 1}, "$set": bson.M{"tags.$": "z"}})
	if err != nil || up.MatchedCount != 1 || up.ModifiedCount != 1 {
		t.Fatalf("update: %v %v", up, err)
	}
	var d bson.M
	if err := c.FindOne(ctx, bson.M{"_id": 1}).Decode(&d); err != nil || d["a"] != int32(6) || d["tags"].(bson.A)[0] != "z" {
		t.Fatalf("find one: %v %v", d, err)
	}
	up, err = c.UpdateOne(ctx, bson.M{"k": "new"}, bson.M{"$set": bson.M{"v": 1}}, options.UpdateOne().SetUpsert(true))
	if err != nil || up.UpsertedID == nil {
		t.Fatalf("upsert: %v %v", up, err)
	}
	if n, err := c.CountDocuments(ctx, bson.M{}); err != nil || n != 4 {
		t.Fatalf("count: %d %v", n, err)
	}
	del, err := c.DeleteMany(ctx, bson.M{"a": bson.M{"$exists": false}})
	if err != nil || del.DeletedCount != 2 {
		t.Fatalf("delete: %v %v", del, err)
	}
	var v []any
	if err := c.Distinct(ctx, "tags", bson.M{}).Decode(&v); err != nil || len(v) != 2 {
		t.Fatalf("distinct: %v %v", v, err)
	}
	if err := c.FindOneAndUpdate(ctx, bson.M{"_id": 2}, bson.M{"$set": bson.M{"q": true}}, options.FindOneAndUpdate().SetReturnDocument(options.After)).Decode(&d); err != nil || d["q"] != true {
		t.Fatalf("find and update: %v %v", d, err)
	}
}

// TestUnique checks write errors of unique indexes.
func TestUnique(t *testing.T) {
	t.Parallel()
	ctx, c := context.Background(), database(t).Collection("c")
	if _, err := c.Indexes().CreateOne(ctx, mongo.IndexModel{Keys: bson.D{{Key: "a", Value: 1}}, Options: options.Index().SetUnique(true)}); err != nil {
		t.Fatal(err)
	}
	_, err := c.InsertMany(ctx, []any{bson.M{"a": 1}, bson.M{"a": 1}, bson.M{"a": 2}}, options.InsertMany().SetOrdered(false))
	var be mongo.BulkWriteException
	if be, _ = err.(mongo.BulkWriteException); len(be.WriteErrors) != 1 || be.WriteErrors[0].Index != 1 || !mongo.IsDuplicateKeyError(err) {
		t.Fatalf("error: %v", err)
	}
	if got := be.WriteErrors[0].Message; got != "E11000 duplicate key error collection: d.c index: a_1 dup key: { a: 1 }" {
		t.Fatalf("message: %s", got)
	}
	if n, _ := c.CountDocuments(ctx, bson.M{"a": bson.M{"$gt": 0}}); n != 2 {
		t.Fatalf("count %d", n)
	}
	cur, err := c.Indexes().List(ctx)
	if got := all(t, cur, err); len(got) != 2 || got[1]["name"] != "a_1" || got[1]["unique"] != true {
		t.Fatalf("indexes: %v", got)
	}
}

// TestCursor reads many batches.
func TestCursor(t *testing.T) {
	t.Parallel()
	ctx, c := context.Background(), database(t).Collection("c")
	var docs []any
	for i := range 2500 {
		docs = append(docs, bson.M{"_id": i, "pad": string(make([]byte, 2000))})
	}
	if _, err := c.InsertMany(ctx, docs); err != nil {
		t.Fatal(err)
	}
	cur, err := c.Find(ctx, bson.M{}, options.Find().SetBatchSize(100))
	if got := all(t, cur, err); len(got) != 2500 {
		t.Fatalf("got %d", len(got))
	}
}

// TestAggregate runs typical pipelines.
func TestAggregate(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), database(t)
	if _, err := db.Collection("o").InsertMany(ctx, []any{bson.M{"c": 1, "items": bson.A{bson.M{"p": 2, "n": 3}, bson.M{"p": 5, "n": 1}}}, bson.M{"c": 2, "items": bson.A{bson.M{"p": 1, "n": 1}}}}); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Collection("cust").InsertMany(ctx, []any{bson.M{"_id": 1, "name": "ann"}, bson.M{"_id": 2, "name": "bob"}}); err != nil {
		t.Fatal(err)
	}
	cur, err := db.Collection("o").Aggregate(ctx, bson.A{
		bson.M{"$unwind": "$items"},
		bson.M{"$group": bson.M{"_id": "$c", "total": bson.M{"$sum": bson.M{"$multiply": bson.A{"$items.p", "$items.n"}}}, "n": bson.M{"$sum": 1}}},
		bson.M{"$lookup": bson.M{"from": "cust", "localField": "_id", "foreignField": "_id", "as": "who"}},
		bson.M{"$project": bson.M{"total": 1, "who": bson.M{"$arrayElemAt": bson.A{"$who.name", 0}}}},
		bson.M{"$sort": bson.M{"total": -1}},
	})
	got := all(t, cur, err)
	if len(got) != 2 || got[0]["total"] != int32(11) || got[0]["who"] != "ann" || got[1]["who"] != "bob" {
		t.Fatalf("got %v", got)
	}
}

// TestTransaction commits and aborts.
func TestTransaction(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	cl := connect(t, "mongodb://"+listen(t, nil)+"/")
	c := cl.Database("d").Collection("c")
	if _, err := c.InsertOne(ctx, bson.M{"_id": 0}); err != nil {
		t.Fatal(err)
	}
	s, err := cl.StartSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.EndSession(ctx)
	if _, err := s.WithTransaction(ctx, func(ctx context.Context) (any, error) {
		if _, err := c.InsertOne(ctx, bson.M{"_id": 1}); err != nil {
			return nil, err
		}
		n, err := c.CountDocuments(ctx, bson.M{})
		if n != 2 {
			t.Errorf("inside: %d", n)
		}
		return nil, err
	}); err != nil {
		t.Fatal(err)
	}
	if err := mongo.WithSession(ctx, s, func(ctx context.Context) error {
		if err := s.StartTransaction(); err != nil {
			return err
		}
		if _, err := c.InsertOne(ctx, bson.M{"_id": 2}); err != nil {
			return err
		}
		return s.AbortTransaction(ctx)
	}); err != nil {
		t.Fatal(err)
	}
	if n, err := c.CountDocuments(ctx, bson.M{}); n != 2 || err != nil {
		t.Fatalf("after: %d %v", n, err)
	}
}

// TestAuth logs in with both mechanisms and refuses a wrong password.
func TestAuth(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	addr := listen(t, users{"ann": "secret"})
	for _, q := range []string{"", "&authMechanism=SCRAM-SHA-1", "&authMechanism=SCRAM-SHA-256"} {
		c := connect(t, "mongodb://ann:secret@"+addr+"/?authSource=admin"+q)
		if _, err := c.Database("d").Collection("c").InsertOne(ctx, bson.M{}); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	bad := connect(t, "mongodb://ann:wrong@"+addr+"/?authSource=admin")
	if _, err := bad.Database("d").Collection("c").InsertOne(ctx, bson.M{}); err == nil {
		t.Error("wrong password accepted")
	}
	none := connect(t, "mongodb://"+addr+"/")
	if err := none.Database("d").RunCommand(ctx, bson.D{{Key: "count", Value: "c"}}).Err(); err == nil {
		t.Error("no login accepted")
	}
}

// TestUnknown checks the errors for what is not there.
func TestUnknown(t *testing.T) {
	t.Parallel()
	ctx, db := context.Background(), database(t)
	for _, x := range []struct {
		cmd  bson.D
		code int32
	}{
		{bson.D{{Key: "nonsense", Value: 1}}, 59},
		{bson.D{{Key: "find", Value: "c"}, {Key: "blah", Value: 1}}, 40415},
		{bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: bson.M{"$where": "1"}}}, 238},
		{bson.D{{Key: "find", Value: "c"}, {Key: "filter", Value: bson.M{"a": bson.M{"$foo": 1}}}}, 2},
		{bson.D{{Key: "find", Value: "c"}, {Key: "collation", Value: bson.M{"locale": "de", "caseFirst": "upper"}}}, 238},
		{bson.D{{Key: "aggregate", Value: "c"}, {Key: "cursor", Value: bson.M{}}, {Key: "pipeline", Value: bson.A{bson.M{"$nope": 1}}}}, 40324},
		{bson.D{{Key: "getMore", Value: int64(5)}, {Key: "collection", Value: "c"}}, 43},
	} {
		err := db.RunCommand(ctx, x.cmd).Err()
		ce, ok := err.(mongo.CommandError)
		if !ok || ce.Code != x.code {
			t.Errorf("%v: %v", x.cmd, err)
		}
	}
}

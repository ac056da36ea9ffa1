package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync/atomic"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// mongoDocs is how many documents the read loads choose from.
const mongoDocs = 100_000

// mongoLoad is the state of the MongoDB loads.
type mongoLoad struct {
	docs, sink *mongo.Collection
	next       atomic.Int64
}

// startMongo fills a collection and returns loads of the Go driver.
func startMongo(b *bench) ([]load, func(), error) {
	c, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + b.ours.addr + "/?maxPoolSize=32"))
	if err != nil {
		return nil, nil, err
	}
	b.vers = append(b.vers, "mongo-driver v2, 16 clients, journaled writes")
	stop := func() { _ = c.Disconnect(context.Background()) }
	m := &mongoLoad{docs: c.Database("bench").Collection("docs"), sink: c.Database("bench").Collection("sink")}
	if err := m.fill(); err != nil {
		stop()
		return nil, nil, err
	}
	ctx := context.Background()
	var loads []load
	for _, l := range []struct {
		name, goal string
		clients    int
		work       func(int) (int, error)
	}{
		{"insertOne c=16", "10k/s", 16, func(int) (int, error) { _, err := m.sink.InsertOne(ctx, m.doc()); return 1, err }},
		{"insertMany 1000 c=2", "", 2, m.insertMany},
		{"findOne by _id c=16", "20k/s", 16, m.findOne},
		{"find by index range, 20 documents c=16", "", 16, m.findRange},
		{"updateOne c=16", "", 16, m.updateOne},
		{"aggregate $group over 100k documents c=1", "", 1, m.group},
	} {
		loads = append(loads, load{name: l.name, unit: "op/s", goal: l.goal,
			run: func(side) (result, error) { return timed(l.clients, l.work) }})
	}
	return loads, stop, nil
}

// doc makes the next document of about 150 bytes.
func (m *mongoLoad) doc() bson.D {
	i := m.next.Add(1)
	return bson.D{{Key: "_id", Value: i}, {Key: "k", Value: i * 7919 % mongoDocs}, {Key: "group", Value: i % 100},
		{Key: "name", Value: fmt.Sprintf("a name of document %d", i)}, {Key: "text", Value: "some words that every document has, and nothing else"}}
}

// fill makes the documents and the index.
func (m *mongoLoad) fill() error {
	for range mongoDocs / 1000 {
		list := make([]any, 1000)
		for i := range list {
			list[i] = m.doc()
		}
		if _, err := m.docs.InsertMany(context.Background(), list); err != nil {
			return err
		}
	}
	_, err := m.docs.Indexes().CreateOne(context.Background(), mongo.IndexModel{Keys: bson.D{{Key: "k", Value: 1}}})
	return err
}

// insertMany inserts a thousand documents.
func (m *mongoLoad) insertMany(int) (int, error) {
	list := make([]any, 1000)
	for i := range list {
		list[i] = m.doc()
	}
	_, err := m.sink.InsertMany(context.Background(), list)
	return 1, err
}

// findOne reads a random document.
func (m *mongoLoad) findOne(int) (int, error) {
	return 1, m.docs.FindOne(context.Background(), bson.D{{Key: "_id", Value: 1 + rand.Int64N(mongoDocs)}}).Err()
}

// findRange reads documents in the order of the index.
func (m *mongoLoad) findRange(int) (int, error) {
	from := rand.Int64N(mongoDocs - 20)
	cur, err := m.docs.Find(context.Background(), bson.D{{Key: "k", Value: bson.D{{Key: "$gte", Value: from}, {Key: "$lt", Value: from + 20}}}})
	if err != nil {
		return 0, err
	}
	var list []bson.Raw
	if err := cur.All(context.Background(), &list); err != nil {
		return 0, err
	}
	if len(list) != 20 {
		return 0, fmt.Errorf("%d documents instead of 20", len(list))
	}
	return 1, nil
}

// updateOne changes a random document.
func (m *mongoLoad) updateOne(int) (int, error) {
	r, err := m.docs.UpdateOne(context.Background(), bson.D{{Key: "_id", Value: 1 + rand.Int64N(mongoDocs)}},
		bson.D{{Key: "$set", Value: bson.D{{Key: "n", Value: rand.Int64()}}}})
	if err == nil && r.MatchedCount != 1 {
		err = fmt.Errorf("%d documents matched", r.MatchedCount)
	}
	return 1, err
}

// group counts and sums all documents in a hundred groups.
func (m *mongoLoad) group(int) (int, error) {
	cur, err := m.docs.Aggregate(context.Background(), bson.A{bson.D{{Key: "$group", Value: bson.D{{Key: "_id", Value: "$group"},
		{Key: "n", Value: bson.D{{Key: "$sum", Value: 1}}}, {Key: "k", Value: bson.D{{Key: "$sum", Value: "$k"}}}}}}})
	if err != nil {
		return 0, err
	}
	var list []bson.Raw
	if err := cur.All(context.Background(), &list); err != nil {
		return 0, err
	}
	if len(list) != 100 {
		return 0, fmt.Errorf("%d groups instead of 100", len(list))
	}
	return 1, nil
}

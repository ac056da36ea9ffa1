package mongo

import (
	"context"
	"sync/atomic"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// BenchmarkFindByID reads one document by _id from 16 connections.
func BenchmarkFindByID(b *testing.B) {
	c := database(b).Collection("c")
	var docs []any
	for i := range 10000 {
		docs = append(docs, bson.M{"_id": i, "name": "x", "n": i})
	}
	if _, err := c.InsertMany(context.Background(), docs); err != nil {
		b.Fatal(err)
	}
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := c.FindOne(context.Background(), bson.D{{Key: "_id", Value: n.Add(1) % 10000}}).Err(); err != nil {
				b.Error(err)
			}
		}
	})
}

// BenchmarkInsertOne inserts single documents from 16 connections.
func BenchmarkInsertOne(b *testing.B) {
	c := database(b).Collection("c")
	var n atomic.Int64
	b.SetParallelism(8)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.InsertOne(context.Background(), bson.D{{Key: "_id", Value: n.Add(1)}, {Key: "name", Value: "x"}}); err != nil {
				b.Error(err)
			}
		}
	})
}

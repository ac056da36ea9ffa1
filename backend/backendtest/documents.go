package backendtest

import (
	"slices"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// documents inserts and reads by key, by other fields and all.
func documents(t *testing.T, c *client) {
	c.insertPeople(100)
	r := c.do(&doc.Find{Collection: "people", Filter: eq("tenant", op.Text("t3"))})
	c.equal("by key", len(r.docs), 10)
	r = c.do(&doc.Find{Collection: "people", Filter: eq("_id", op.Int32(42))})
	c.equal("by _id", c.json(r.docs), `{"_id":42,"tenant":"t2","age":44,"name":"n042"}`)
	r = c.do(&doc.Find{Collection: "people", Filter: &op.Expr{Op: op.ExIn, Path: "tenant", Value: op.Array(op.Text("t1"), op.Text("t2"))}})
	c.equal("by some keys", len(r.docs), 20)
	r = c.do(&doc.Find{Collection: "people"})
	c.equal("all", len(r.docs), 100)
	r = c.do(&doc.Find{Collection: "people", Page: op.Page{Skip: 90, Limit: 20}})
	c.equal("skip past", len(r.docs), 10)
	r = c.do(&doc.Find{Collection: "people", Page: op.Page{Skip: 13, Limit: 20}})
	c.equal("page", len(r.docs), 20)
	r = c.do(&doc.Count{Collection: "people", Filter: &op.Expr{Op: op.ExGte, Path: "age", Value: op.Int32(25)}})
	c.equal("count", r.done.Matched, 50)
	r = c.do(&doc.Count{Collection: "people", Page: op.Page{Skip: 95, Limit: 10}})
	c.equal("count of a page", r.done.Matched, 5)
	r = c.do(&doc.Distinct{Collection: "people", Path: "tenant"})
	names := []string{}
	for _, v := range r.values {
		for _, e := range append(v.List(), v) {
			if e.Kind == op.KindText {
				names = append(names, e.Str())
			}
		}
	}
	slices.Sort(names)
	c.equal("distinct", strings.Join(names, " "), "t0 t1 t2 t3 t4 t5 t6 t7 t8 t9")
	r = c.do(&doc.ListCollections{})
	c.equal("collections", field(r.docs, "name"), "people")
}

// documentSort orders documents of several objects.
func documentSort(t *testing.T, c *client) {
	c.insertPeople(60)
	by := []op.Sort{{Path: "age", Desc: true}, {Path: "_id"}}
	r := c.do(&doc.Find{Collection: "people", Sort: by, Page: op.Page{Skip: 2, Limit: 5}})
	c.equal("sorted page", field(r.docs, "_id"), "14 21 28 35 42")
	c.equal("its ages", field(r.docs, "age"), "48 47 46 45 44")
	r = c.do(&doc.Find{Collection: "people", Sort: []op.Sort{{Path: "name"}}, Page: op.Page{Limit: 2},
		Project: &doc.Projection{Fields: []doc.ProjectField{{Path: "age"}}, NoID: true}})
	c.equal("projected", c.json(r.docs), `{"age":0} {"age":7}`)
}

// documentAggregate groups documents of several objects.
func documentAggregate(t *testing.T, c *client) {
	c.insertPeople(100)
	tenant := &op.Expr{Op: op.ExField, Path: "tenant"}
	one := &op.Expr{Op: op.ExConst, Value: op.Int32(1)}
	r := c.do(&doc.Aggregate{Collection: "people", Stages: []doc.Stage{
		{Kind: doc.StageMatch, Filter: &op.Expr{Op: op.ExLt, Path: "_id", Value: op.Int32(55)}},
		{Kind: doc.StageGroup, Key: tenant, Accs: []doc.Accumulator{
			{Field: "n", Name: "sum", Arg: one}, {Field: "top", Name: "max", Arg: &op.Expr{Op: op.ExField, Path: "_id"}}}},
		{Kind: doc.StageSort, Sort: []op.Sort{{Path: "n", Desc: true}, {Path: "_id"}}},
		{Kind: doc.StageLimit, N: 6},
	}})
	c.equal("groups", field(r.docs, "_id"), "t0 t1 t2 t3 t4 t5")
	c.equal("sizes", field(r.docs, "n"), "6 6 6 6 6 5")
	c.equal("tops", field(r.docs, "top"), "50 51 52 53 54 45")
	r = c.do(&doc.Aggregate{Collection: "people", Stages: []doc.Stage{{Kind: doc.StageCount, Path: "all"}}})
	c.equal("count", c.json(r.docs), `{"all":100}`)
	r = c.do(&doc.Aggregate{Collection: "people", Stages: []doc.Stage{
		{Kind: doc.StageMatch, Filter: eq("tenant", op.Text("t4"))}, {Kind: doc.StageCount, Path: "all"}}})
	c.equal("count of one key", c.json(r.docs), `{"all":10}`)
}

// documentWrites updates, deletes and finds-and-modifies with and without the
// key.
func documentWrites(t *testing.T, c *client) {
	c.insertPeople(50)
	set := func(path string, v op.Value) []op.Mutation {
		return []op.Mutation{{Op: op.MutSet, Path: path, Value: v}}
	}
	r := c.do(&doc.Update{Collection: "people", Filter: eq("tenant", op.Text("t1")), Mutations: set("seen", op.Bool(true)), Multi: true})
	c.equal("update by key", r.done.Matched, 5)
	r = c.do(&doc.Update{Collection: "people", Filter: &op.Expr{Op: op.ExLt, Path: "_id", Value: op.Int32(20)}, Mutations: set("low", op.Bool(true)), Multi: true})
	c.equal("update anywhere", r.done.Matched, 20)
	r = c.do(&doc.Update{Collection: "people", Filter: eq("_id", op.Int32(33)), Mutations: set("name", op.Text("new"))})
	c.equal("update one", r.done.Matched, 1)
	r = c.do(&doc.Update{Collection: "people", Filter: eq("_id", op.Int32(999)), Mutations: set("name", op.Text("new"))})
	c.equal("update none", r.done.Matched, 0)
	r = c.do(&doc.Find{Collection: "people", Filter: eq("name", op.Text("new"))})
	c.equal("updated", field(r.docs, "_id"), "33")
	r = c.do(&doc.FindAndModify{Collection: "people", Sort: []op.Sort{{Path: "_id", Desc: true}}, Mutations: set("name", op.Text("last")), New: true})
	c.equal("find and modify", field(r.docs, "_id")+field(r.docs, "name"), "49last")
	r = c.do(&doc.Delete{Collection: "people", Filter: eq("_id", op.Int32(7))})
	c.equal("delete one", r.done.Affected, 1)
	r = c.do(&doc.Delete{Collection: "people", Filter: eq("low", op.Bool(true)), Multi: true})
	c.equal("delete many", r.done.Affected, 19)
	r = c.do(&doc.Insert{Collection: "people", Ordered: true, Docs: [][]byte{
		bdoc(t, `{"_id":101,"tenant":"t1"}`), bdoc(t, `{"_id":102,"tenant":"t2"}`), bdoc(t, `{"_id":101,"tenant":"t1"}`), bdoc(t, `{"_id":103,"tenant":"t3"}`)}})
	c.equal("ordered insert stops", r.done.Affected, 2)
	if len(r.done.Extra) != 1 || r.done.Extra[0].List()[1].Int() != 2 {
		t.Errorf("write errors: %s", render(op.Array(r.done.Extra...)))
	}
	r = c.do(&doc.Update{Collection: "people", Filter: eq("tenant", op.Text("t77")), Upsert: true, UpsertDoc: bdoc(t, `{"tenant":"t77"}`),
		Mutations: []op.Mutation{{Op: op.MutSet, Path: "age", Value: op.Int32(1)}}})
	c.equal("upsert", r.done.Matched, 0)
	r = c.do(&doc.Count{Collection: "people"})
	c.equal("left", r.done.Matched, 50-20+2+1)
}

// documentIndexes makes and drops indexes and collections on all objects.
func documentIndexes(t *testing.T, c *client) {
	c.do(&doc.CreateIndexes{Collection: "people", Indexes: []doc.Index{
		{Name: "tenant_1_name_1", Keys: []op.Sort{{Path: "tenant"}, {Path: "name"}}, Unique: true, TTL: -1,
			Spec: bdoc(t, `{"v":2,"key":{"tenant":1,"name":1},"name":"tenant_1_name_1","unique":true}`)}}})
	c.insertPeople(40)
	r := c.do(&doc.Insert{Collection: "people", Docs: [][]byte{bdoc(t, `{"_id":"x","tenant":"t5","name":"n005"}`)}})
	c.equal("unique index", len(r.done.Extra), 1)
	r = c.do(&doc.ListIndexes{Collection: "people"})
	c.equal("indexes", field(r.docs, "name"), "_id_ tenant_1_name_1")
	c.do(&doc.DropIndexes{Collection: "people", Names: []string{"tenant_1_name_1"}})
	c.do(&doc.RenameCollection{From: "people", To: "folk"})
	r = c.do(&doc.Count{Collection: "folk"})
	c.equal("renamed", r.done.Matched, 40)
	c.do(&doc.DropCollection{Collection: "folk"})
	r = c.do(&doc.ListCollections{})
	c.equal("dropped", len(r.docs), 0)
}

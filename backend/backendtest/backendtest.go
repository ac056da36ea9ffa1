// Package backendtest is one suite for every backend.Executor: a single
// object, several shards, a replica must give the same answers. It speaks
// through the executor only. It is imported by tests.
package backendtest

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Subject is what the suite runs against: a fresh, empty database whose shard
// key, if it has several objects, is the field and column "tenant".
type Subject struct {
	Exec     backend.Executor
	Database string
	Shards   int  // number of objects
	SQL      bool // the relational family is there
}

// Key is the shard key of the suite's data.
const Key = "tenant"

// Run runs the whole suite. make is called for each part.
func Run(t *testing.T, make func(t *testing.T) Subject) {
	t.Helper()
	parts := []struct {
		name string
		run  func(*testing.T, *client)
	}{
		{"KeyValue", keyValue},
		{"KeyValueScan", keyValueScan},
		{"KeyValueBatch", keyValueBatch},
		{"Documents", documents},
		{"DocumentSort", documentSort},
		{"DocumentAggregate", documentAggregate},
		{"DocumentWrites", documentWrites},
		{"DocumentIndexes", documentIndexes},
		{"Transaction", transaction},
		{"Savepoint", savepoints},
		{"CrossShard", crossShard},
	}
	for _, p := range parts {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			p.run(t, &client{T: t, s: make(t)})
		})
	}
	for name, run := range map[string]func(*testing.T, *client){"SQL": relational, "SQLAcross": relationalAcross, "SQLAllOrNone": relationalAllOrNone} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := make(t)
			if !s.SQL {
				t.Skip("no relational family here")
			}
			run(t, &client{T: t, s: s})
		})
	}
}

// client runs operations in the style of one session.
type client struct {
	*testing.T
	s       Subject
	session op.Session
}

// result is a reply read to its end.
type result struct {
	head   *op.Head
	rows   []op.Value
	docs   [][]byte
	values []op.Value
	done   op.Done
}

// try runs a body and reads the whole reply.
func (c *client) try(body op.Body) (*result, error) {
	ctx := context.Background()
	o := &op.Op{Target: op.Target{Database: c.s.Database, Shard: -1}, Session: c.session, Body: body}
	before := fmt.Sprintf("%+v", o)
	reply, err := c.s.Exec.Do(ctx, o)
	if after := fmt.Sprintf("%+v", o); after != before {
		c.Errorf("the op was changed: %s, then %s", before, after)
	}
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	r := &result{}
	for {
		f, err := reply.Next(ctx)
		if err == io.EOF {
			return r, nil
		}
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case *op.Head:
			r.head = f
		case *op.Rows:
			for _, v := range f.Values {
				v.Raw = append([]byte(nil), v.Raw...)
				r.rows = append(r.rows, v)
			}
		case *op.Docs:
			for _, d := range f.Docs {
				r.docs = append(r.docs, append([]byte(nil), d...))
			}
		case *op.Values:
			r.values = append(r.values, f.Values...)
		case *op.Done:
			r.done = *f
		}
	}
}

// do is try for a body that must succeed.
func (c *client) do(body op.Body) *result {
	c.Helper()
	r, err := c.try(body)
	if err != nil {
		c.Fatalf("%T: %v", body, err)
	}
	return r
}

// refused checks the code of a failure.
func (c *client) refused(code op.Code, body op.Body) {
	c.Helper()
	if _, err := c.try(body); op.CodeOf(err) != code {
		c.Errorf("%T: got %v, want code %d", body, err, code)
	}
}

// equal compares renderings.
func (c *client) equal(what string, got, want any) {
	c.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		c.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// begin starts a transaction in this client's session.
func (c *client) begin(number uint64) {
	c.Helper()
	c.session = op.Session{ID: 7, Txn: number}
	c.do(&ctl.Begin{})
}

// end commits or rolls back.
func (c *client) end(body op.Body) {
	c.Helper()
	c.do(body)
	c.session = op.Session{}
}

// cmd builds a key-value command.
func cmd(words ...string) *kv.Command {
	b := &kv.Command{Verb: words[0]}
	for _, w := range words[1:] {
		b.Args = append(b.Args, []byte(w))
	}
	return b
}

// kv runs a command and renders its value.
func (c *client) kv(words ...string) string {
	c.Helper()
	r := c.do(cmd(words...))
	if len(r.values) != 1 {
		c.Fatalf("%v: %d values", words, len(r.values))
	}
	return render(r.values[0])
}

// render is a short text form of a value.
func render(v op.Value) string {
	switch v.Kind {
	case op.KindNull:
		return "null"
	case op.KindBool, op.KindInt32, op.KindInt64:
		return fmt.Sprint(v.Int())
	case op.KindUint64:
		return fmt.Sprint(v.Num)
	case op.KindFloat64:
		return fmt.Sprint(v.Float())
	case op.KindArray, op.KindMap, op.KindSet:
		var parts []string
		for _, e := range v.List() {
			parts = append(parts, render(e))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case op.KindErrorText:
		return "error " + v.Str()
	}
	return v.Str()
}

// bdoc builds a document from JSON.
func bdoc(t testing.TB, format string, args ...any) []byte {
	t.Helper()
	var d bson.D
	if err := bson.UnmarshalExtJSON(fmt.Appendf(nil, format, args...), false, &d); err != nil {
		t.Fatal(err)
	}
	b, err := bson.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// json renders documents as relaxed extended JSON.
func (c *client) json(docs [][]byte) string {
	c.Helper()
	var parts []string
	for _, d := range docs {
		j, err := bson.MarshalExtJSON(bson.Raw(d), false, false)
		if err != nil {
			c.Fatal(err)
		}
		parts = append(parts, string(j))
	}
	return strings.Join(parts, " ")
}

// field lists one field of documents.
func field(docs [][]byte, name string) string {
	var parts []string
	for _, d := range docs {
		parts = append(parts, render(bsonval.FromBSON(bsonval.Get(d, name))))
	}
	return strings.Join(parts, " ")
}

// eq is an equality filter.
func eq(path string, v op.Value) *op.Expr { return &op.Expr{Op: op.ExEq, Path: path, Value: v} }

// insertPeople inserts n documents of ten tenants into people.
func (c *client) insertPeople(n int) {
	c.Helper()
	b := &doc.Insert{Collection: "people"}
	for i := range n {
		b.Docs = append(b.Docs, bdoc(c.T, `{"_id":%d,"tenant":"t%d","age":%d,"name":"n%03d"}`, i, i%10, i*7%50, i))
	}
	r := c.do(b)
	if r.done.Affected != int64(n) || len(r.done.Extra) > 0 {
		c.Fatalf("inserted %d, %d errors", r.done.Affected, len(r.done.Extra))
	}
}

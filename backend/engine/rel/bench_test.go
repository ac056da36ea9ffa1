package rel_test

import (
	"context"
	"strconv"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/engine"
	enginerel "github.com/dot-do/dotdo-proxy/backend/engine/rel"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// bench is an object with a table of 10,000 rows.
type bench struct {
	b   *testing.B
	l   *engine.Local
	env *rel.Env
	ctx *op.Running
}

// newBench fills it. Commits are acknowledged before they are on disk, so that
// the figures are the processor's.
func newBench(b *testing.B) *bench {
	l, err := engine.New(engine.Options{Object: object.Options{Dir: b.TempDir(), Relaxed: true}, Families: map[op.Family]engine.Named{op.FamilyRel: {Name: "rel", Family: enginerel.New()}}})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = l.Close(context.Background()) })
	ctx, cancel := op.NewRunning(context.Background())
	b.Cleanup(cancel)
	x := &bench{b: b, l: l, env: &rel.Env{Database: "main", SearchPath: []string{"public"}}, ctx: ctx}
	x.run(x.parse("CREATE TABLE t (id int PRIMARY KEY, v int, s text)"))
	x.run(x.parse("INSERT INTO t SELECT g, g, 'some text' FROM generate_series(1, 10000) g"))
	b.ReportAllocs()
	return x
}

// parse returns the statement of a text.
func (x *bench) parse(text string) *rel.Stmt {
	r, err := x.l.Do(x.ctx, &op.Op{Body: &rel.Parse{Dialect: rel.Postgres, Text: text}})
	if err != nil {
		x.b.Fatal(err)
	}
	return r.(*rel.Parsed).Statements[0]
}

// run executes a statement to its end.
func (x *bench) run(st *rel.Stmt, args ...op.Value) {
	r, err := x.l.Do(x.ctx, &op.Op{Target: op.Target{Database: "main"}, Body: &rel.Query{Stmt: st, Args: args, Env: x.env}})
	if err != nil {
		x.b.Fatal(err)
	}
	if _, err := op.Drain(x.ctx, r); err != nil {
		x.b.Fatal(err)
	}
}

// BenchmarkRead is a prepared point read.
func BenchmarkRead(b *testing.B) {
	x := newBench(b)
	st := x.parse("SELECT v FROM t WHERE id = $1")
	i := int64(0)
	for b.Loop() {
		i = i%10000 + 1
		x.run(st, op.Int64(i))
	}
}

// BenchmarkReadText is a point read whose key is a literal of the text.
func BenchmarkReadText(b *testing.B) {
	x := newBench(b)
	i := 0
	for b.Loop() {
		i = i%10000 + 1
		x.run(x.parse("SELECT v FROM t WHERE id = " + strconv.Itoa(i)))
	}
}

// BenchmarkParseHit is the lexer and the template cache alone.
func BenchmarkParseHit(b *testing.B) {
	x := newBench(b)
	for b.Loop() {
		x.parse("SELECT v FROM t WHERE id = 4711 AND s = 'abc'")
	}
}

// BenchmarkParseMiss is the grammar and the binder: what a text costs whose
// template is new.
func BenchmarkParseMiss(b *testing.B) {
	x := newBench(b)
	i := 0
	for b.Loop() {
		i++
		x.run(x.parse("SELECT v AS c" + strconv.Itoa(i) + " FROM t WHERE id = 1"))
	}
}

// BenchmarkDescribe is a hit in the plan cache.
func BenchmarkDescribe(b *testing.B) {
	x := newBench(b)
	st := x.parse("SELECT v FROM t WHERE id = $1")
	for b.Loop() {
		if _, err := x.l.Do(x.ctx, &op.Op{Target: op.Target{Database: "main"}, Body: &rel.Describe{Stmt: st, Env: x.env}}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkUpdate is a prepared update by primary key, one commit each.
func BenchmarkUpdate(b *testing.B) {
	x := newBench(b)
	st := x.parse("UPDATE t SET v = v + $1 WHERE id = $2")
	i := int64(0)
	for b.Loop() {
		i = i%10000 + 1
		x.run(st, op.Int64(1), op.Int64(i))
	}
}

// BenchmarkInsert is a prepared insert, one commit each.
func BenchmarkInsert(b *testing.B) {
	x := newBench(b)
	st := x.parse("INSERT INTO t VALUES ($1, $2, $3)")
	i := int64(10000)
	for b.Loop() {
		i++
		x.run(st, op.Int64(i), op.Int64(i), op.Text("some text"))
	}
}

// BenchmarkScan reads 10,000 rows of three columns as a stream.
func BenchmarkScan(b *testing.B) {
	x := newBench(b)
	st := x.parse("SELECT id, v, s FROM t")
	for b.Loop() {
		x.run(st)
	}
}

package shard

import (
	"math"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

func TestCombine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		how  byte
		a, b op.Value
		want op.Value
		ok   bool
	}{
		{'s', op.Null, op.Null, op.Null, true},
		{'s', op.Null, op.Int64(2), op.Int64(2), true},
		{'s', op.Int64(2), op.Null, op.Int64(2), true},
		{'s', op.Int64(2), op.Int64(3), op.Int64(5), true},
		{'s', op.Int64(math.MaxInt64), op.Int64(1), op.Null, false},
		{'s', op.Int64(math.MinInt64), op.Int64(-1), op.Null, false},
		{'<', op.Int64(2), op.Int64(3), op.Int64(2), true},
		{'>', op.Int64(2), op.Int64(3), op.Int64(3), true},
		{'>', op.Int64(2), op.Text("x"), op.Null, false},
	} {
		got, ok := combine(c.how, c.a, c.b)
		if ok != c.ok || ok && (got.Kind != c.want.Kind || got.Num != c.want.Num) {
			t.Errorf("%c of %v and %v: %v, %v", c.how, c.a, c.b, got, ok)
		}
	}
}

func TestScanArgs(t *testing.T) {
	t.Parallel()
	p := &sql.Plan{Route: sql.Route{Scan: "SELECT 1"}, Binds: []sql.Bind{{Kind: sql.BindArg, Index: 1}, {Kind: sql.BindConst, Value: op.Int64(7)}}}
	b := &rel.Query{Args: []op.Value{op.Int64(5), op.Int64(6)}}
	args, ok := scanArgs(p, b)
	if !ok || len(args) != 2 || args[0].Int() != 6 || args[1].Int() != 7 {
		t.Fatal(args, ok)
	}
	p.Binds = append(p.Binds, sql.Bind{Kind: sql.BindEnv, Name: "user"})
	if _, ok := scanArgs(p, b); ok {
		t.Fatal("a fact of the session was given as an argument")
	}
}

package shard_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/shard"
)

// do runs a body and returns the first value.
func do(t testing.TB, r backend.Executor, database string, body op.Body) ([]op.Value, error) {
	t.Helper()
	reply, err := r.Do(t.Context(), &op.Op{Target: op.Target{Database: database, Shard: -1}, Body: body})
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	f, err := reply.Next(t.Context())
	if err != nil {
		return nil, err
	}
	if v, ok := f.(*op.Values); ok {
		return v.Values, nil
	}
	return nil, nil
}

func TestDatabases(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := stackIn(t, dir, true)
	for _, tc := range []struct {
		name string
		code op.Code
		says string
	}{
		{"plain", 0, ""},
		{"app?shard.key=tenant_id&shard.count=16", 0, ""},
		{"app", 0, ""},
		{"app?shard.count=16&shard.key=tenant_id", 0, ""},
		{"app?shard.count=8&shard.key=tenant_id", op.InvalidArgument, "other shard options"},
		{"plain?shard.count=2", op.InvalidArgument, "other shard options"},
		{"x?shard.cnt=2", op.InvalidArgument, "shard.cnt"},
		{"x?shard.count=65", op.InvalidArgument, "shard.count"},
		{"x?shard.count=2&shard.count=3", op.InvalidArgument, "shard.count"},
		{"x?color=red", op.InvalidArgument, "color"},
		{"x?later.sink=json", op.Unsupported, "later.sink"},
		{"x?later.sunk=json", op.InvalidArgument, "later.sunk"},
		{"x?shard=4", op.InvalidArgument, "shard"},
		{"x?%zz", op.InvalidArgument, "cannot be read"},
		{"", op.InvalidArgument, "name"},
		{strings.Repeat("n", 64), op.InvalidArgument, "name"},
		{"_dotdo", op.Forbidden, "reserved"},
		{"_dotdo_x", op.Forbidden, "reserved"},
		{"app@branch", op.Unsupported, "branches"},
		{"../../etc", 0, ""},
		{"ünï cödé.db", 0, ""},
	} {
		_, err := open(t, r, tc.name)
		if op.CodeOf(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%q: %v", tc.name, err)
		}
	}
	list, err := do(t, r, "", &ctl.ListDatabases{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for i := 0; i < len(list); i += 2 {
		names = append(names, list[i].Str())
	}
	if got := strings.Join(names, "|"); got != "../../etc|app|plain|ünï cödé.db" {
		t.Error(got)
	}
	for _, db := range []string{"_dotdo", "_dotdo2"} {
		if _, err := do(t, r, db, &kv.Command{Verb: "DBSIZE"}); op.CodeOf(err) != op.Forbidden {
			t.Errorf("%s can be used: %v", db, err)
		}
	}
}

func TestCreateAndDrop(t *testing.T) {
	t.Parallel()
	r := stack(t, false)
	if _, err := open(t, r, "a"); op.CodeOf(err) != op.NoDatabase {
		t.Fatal(err)
	}
	four := map[string]string{"shard.count": "4", "shard.algorithm": "hash"}
	for _, tc := range []struct {
		body op.Body
		code op.Code
	}{
		{&ctl.CreateDatabase{Name: "a", Options: four}, 0},
		{&ctl.CreateDatabase{Name: "a", Options: four}, op.AlreadyExists},
		{&ctl.CreateDatabase{Name: "a", Options: four, IfNotExists: true}, 0},
		{&ctl.CreateDatabase{Name: "a", IfNotExists: true}, 0},
		{&ctl.CreateDatabase{Name: "a", IfNotExists: true, Options: map[string]string{"shard.count": "5"}}, op.InvalidArgument},
		{&ctl.CreateDatabase{Name: "b", Options: map[string]string{"later.sink": "archive"}}, op.Unsupported},
		{&ctl.DropDatabase{Name: "b"}, op.NoDatabase},
		{&ctl.DropDatabase{Name: "b", IfExists: true}, 0},
		{&kv.Command{Verb: "SET", Args: [][]byte{[]byte("k"), []byte("v")}}, 0},
		{&ctl.DropDatabase{Name: "a"}, 0},
		{&ctl.DropDatabase{Name: "a"}, op.NoDatabase},
		{&ctl.CreateDatabase{Name: "a"}, 0},
	} {
		if _, err := do(t, r, "a", tc.body); op.CodeOf(err) != tc.code && !(err != nil && err.Error() == "EOF") {
			t.Errorf("%+v: %v", tc.body, err)
		}
	}
	v, err := do(t, r, "a", &kv.Command{Verb: "DBSIZE"})
	if err != nil || v[0].Int() != 0 {
		t.Errorf("a database made anew holds %v, %v", v, err)
	}
}

func TestRegistrySurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	t.Run("first", func(t *testing.T) {
		r := stackIn(t, dir, true)
		if _, err := open(t, r, "app?shard.count=4"); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			if _, err := do(t, r, "app", &kv.Command{Verb: "SET", Args: [][]byte{fmt.Append(nil, i), []byte("v")}}); err != nil {
				t.Fatal(err)
			}
		}
	})
	t.Run("again", func(t *testing.T) {
		r := stackIn(t, dir, false)
		if _, err := open(t, r, "app"); err != nil {
			t.Fatal(err)
		}
		v, err := do(t, r, "app", &kv.Command{Verb: "DBSIZE"})
		if err != nil || v[0].Int() != 40 {
			t.Fatalf("%v, %v", v, err)
		}
	})
}

// TestPassThrough checks that a database of one object costs no allocation and
// no copy of the op.
func TestPassThrough(t *testing.T) {
	reg, err := shard.OpenRegistry(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { reg.Close(context.Background()) })
	o := &op.Op{Target: op.Target{Database: "main", Shard: -1}, Body: &kv.Command{Verb: "GET"}}
	reply := op.ReplyOf()
	r := shard.New(shard.Params{Registry: reg, Next: backend.Func(func(_ context.Context, got *op.Op) (op.Reply, error) {
		if got != o {
			t.Error("the op was copied")
		}
		return reply, nil
	})})
	ctx := t.Context()
	if n := testing.AllocsPerRun(100, func() { _, _ = r.Do(ctx, o) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

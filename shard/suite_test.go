package shard_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/backendtest"
	"github.com/dot-do/dotdo-proxy/backend/engine"
	docengine "github.com/dot-do/dotdo-proxy/backend/engine/doc"
	kvengine "github.com/dot-do/dotdo-proxy/backend/engine/kv"
	msgengine "github.com/dot-do/dotdo-proxy/backend/engine/msg"
	relengine "github.com/dot-do/dotdo-proxy/backend/engine/rel"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/op/setting"
	"github.com/dot-do/dotdo-proxy/shard"
)

// stack builds a router over the real engines in a folder of the test.
func stack(t testing.TB, autoCreate bool) *shard.Router {
	t.Helper()
	return stackIn(t, t.TempDir(), autoCreate)
}

// stackIn builds a router over the files of a folder.
func stackIn(t testing.TB, dir string, autoCreate bool) *shard.Router {
	t.Helper()
	sql := relengine.New()
	local, err := engine.New(engine.Options{Object: object.Options{Dir: filepath.Join(dir, "objects")}, Families: map[op.Family]engine.Named{
		op.FamilyRel: {Name: "rel", Family: sql},
		op.FamilyDoc: {Name: "doc", Family: docengine.New(sql)},
		op.FamilyKV:  {Name: "kv", Family: kvengine.New()},
		op.FamilyMsg: {Name: "msg", Family: msgengine.New()},
	}})
	if err != nil {
		t.Fatal(err)
	}
	reg, err := shard.OpenRegistry(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := local.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := reg.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return shard.New(shard.Params{Next: local, Registry: reg, AutoCreate: autoCreate, Planner: local, Blocks: map[string]func(map[string]string) error{
		"later": func(v map[string]string) error { return setting.Schema{"sink": setting.Text}.Refuse("later", v) }},
		Pipeline: func(ctx context.Context, docs [][]byte, stages []doc.Stage, lets []doc.Let) ([][]byte, error) {
			return docengine.Pipeline(ctx, docs, stages, lets, time.Now())
		}})
}

// open runs OpenDatabase and returns the name.
func open(t testing.TB, r *shard.Router, name string) (string, error) {
	t.Helper()
	reply, err := r.Do(t.Context(), &op.Op{Body: &ctl.OpenDatabase{Name: name}})
	if err != nil {
		return "", err
	}
	f, err := reply.Next(t.Context())
	if err != nil {
		return "", err
	}
	return f.(*op.Values).Values[0].Str(), nil
}

// suite runs the backend suite on a database opened by name.
func suite(t *testing.T, name string, shards int, sql bool) {
	backendtest.Run(t, func(t *testing.T) backendtest.Subject {
		r := stack(t, true)
		db, err := open(t, r, name)
		if err != nil {
			t.Fatal(err)
		}
		return backendtest.Subject{Exec: r, Database: db, Shards: shards, SQL: sql}
	})
}

func TestSuiteOneObject(t *testing.T) {
	t.Parallel()
	suite(t, "app", 1, true)
}

func TestSuiteFourShards(t *testing.T) {
	t.Parallel()
	suite(t, "app?shard.key=tenant&shard.count=4", 4, true)
}

func TestSuiteFourShardsByHash(t *testing.T) {
	t.Parallel()
	suite(t, "app?shard.key=tenant&shard.count=4&shard.strategy=hash", 4, true)
}

func TestSuiteRanges(t *testing.T) {
	t.Parallel()
	suite(t, "app?shard.key=tenant&shard.strategy=range&shard.ranges=k15,k5,t4", 4, true)
}

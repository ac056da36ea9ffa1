package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/engine"
	"github.com/dot-do/dotdo-proxy/backend/engine/doc"
	"github.com/dot-do/dotdo-proxy/backend/engine/kv"
	"github.com/dot-do/dotdo-proxy/backend/engine/msg"
	"github.com/dot-do/dotdo-proxy/backend/engine/rel"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	opdoc "github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/shard"
)

// closeTimeout bounds the end of the objects: the last commits and checkpoints.
const closeTimeout = 30 * time.Second

// stack is everything below the listeners.
type stack struct {
	top   backend.Executor // what systems are given
	local *engine.Local
	list  *shard.Registry // databases with their options
}

// families are the engines of this build.
func families() map[op.Family]engine.Named {
	sql := rel.New()
	return map[op.Family]engine.Named{
		op.FamilyRel: {Name: "rel", Family: sql},
		op.FamilyDoc: {Name: "doc", Family: doc.New(sql)},
		op.FamilyKV:  {Name: "kv", Family: kv.New()},
		op.FamilyMsg: {Name: "msg", Family: msg.New()},
	}
}

// newStack builds the executors and creates the configured databases.
func newStack(ctx context.Context, cfg *config, log *slog.Logger, metrics prometheus.Registerer) (*stack, error) {
	local, err := engine.New(engine.Options{
		Object: object.Options{
			Dir: filepath.Join(cfg.DataDir, "objects"), MaxOpen: cfg.Objects.Open, IdleClose: cfg.Objects.IdleTimeout,
			Relaxed: cfg.Durability == "relaxed", Log: log,
		},
		Families: families(),
	})
	if err != nil {
		return nil, fmt.Errorf("open the object store: %w", err)
	}
	list, err := shard.OpenRegistry(cfg.DataDir)
	if err != nil {
		return nil, errors.Join(err, local.Close(ctx))
	}
	s := &stack{local: local, list: list}
	s.top = counted(metrics)(shard.New(shard.Params{
		Next: local, Registry: list, AutoCreate: cfg.autoCreate(), Planner: local, Blocks: blocks,
		Pipeline: func(ctx context.Context, docs [][]byte, stages []opdoc.Stage, lets []opdoc.Let) ([][]byte, error) {
			return doc.Pipeline(ctx, docs, stages, lets, time.Now())
		},
	}))
	for _, d := range cfg.Databases {
		if err := s.create(ctx, d); err != nil {
			return nil, errors.Join(fmt.Errorf("config: database %q: %w", d.Name, err), s.close())
		}
	}
	return s, nil
}

// create makes a configured database unless it is there.
func (s *stack) create(ctx context.Context, d database) error {
	reply, err := s.top.Do(ctx, &op.Op{Target: op.Target{Database: d.Name, Shard: -1},
		Body: &ctl.CreateDatabase{Name: d.Name, IfNotExists: true, Options: d.options()}})
	if err != nil {
		return err
	}
	_, err = op.Drain(ctx, reply)
	return err
}

// close ends the objects.
func (s *stack) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return errors.Join(s.local.Close(ctx), s.list.Close(ctx))
}

// counted counts operations and their failures by family.
func counted(metrics prometheus.Registerer) backend.Middleware {
	names := [...]string{"other", "rel", "doc", "kv", "msg", "graph", "search", "vec", "ctl"}
	var ops, errs [len(names)]prometheus.Counter
	all := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dotdo_ops_total", Help: "Operations executed."}, []string{"family"})
	failed := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "dotdo_op_errors_total", Help: "Operations that failed."}, []string{"family"})
	metrics.MustRegister(all, failed)
	for i, n := range names {
		ops[i], errs[i] = all.WithLabelValues(n), failed.WithLabelValues(n)
	}
	return func(next backend.Executor) backend.Executor {
		return backend.Func(func(ctx context.Context, o *op.Op) (op.Reply, error) {
			f := 0
			if o.Body != nil && int(o.Body.Family()) < len(names) {
				f = int(o.Body.Family())
			}
			ops[f].Inc()
			reply, err := next.Do(ctx, o)
			if err != nil {
				errs[f].Inc()
			}
			return reply, err
		})
	}
}

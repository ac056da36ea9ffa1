package kv

import (
	"context"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// stats answers kv.Stats. Keys that expired and await their deletion count
// nowhere.
func (e *Engine) stats(ctx context.Context, s *object.Scope, b *kv.Stats) (op.Reply, error) {
	vs := make([]op.Value, 3*databases+3)
	for i := range vs {
		vs[i] = op.Int64(0)
	}
	err := s.Read(ctx, func(tx *object.Tx) error {
		keys, err := tx.Conn.Query("SELECT db, n FROM _dotdo_kv_count")
		if err != nil {
			return err
		}
		for _, r := range keys {
			vs[3*r[0].Int()] = r[1]
		}
		now := tx.Now().UnixMilli()
		expires, err := tx.Conn.Query("SELECT db, count(*), sum(expire > ?1), total(max(expire - ?1, 0)) FROM _dotdo_kv WHERE expire > 0 GROUP BY db", op.Int64(now))
		for _, r := range expires {
			at := 3 * r[0].Int()
			vs[at] = op.Int64(vs[at].Int() - r[1].Int() + r[2].Int())
			vs[at+1], vs[at+2] = r[2], op.Int64(int64(r[3].Float()))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	m := e.memory(s.Local())
	for i, n := range []interface {
		Load() int64
		Store(int64)
	}{&m.hits, &m.misses, &m.expired} {
		vs[3*databases+i] = op.Int64(n.Load())
		if b.Reset {
			n.Store(0)
		}
	}
	return op.ReplyOf(&op.Values{Values: vs}, &op.Done{}), nil
}

// Package doc is the document engine: it executes the doc bodies inside an
// object. A collection is a SQLite table (rid, _id, doc) whose _id column
// holds order-preserving key bytes and whose doc column holds the BSON as
// given; each secondary index is a table of keys. Filters, updates and
// pipelines run over raw BSON in Go; an index only narrows what is read. A SQL
// table of the object is readable and writable as a collection. The package
// knows no wire and does not parse MongoDB's language.
package doc

import (
	"context"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// Engine executes document bodies. It implements engine.Family.
type Engine struct {
	rel Relational
}

// New returns the engine. rel inserts rows of SQL tables; nil uses plain SQLite
// without SQL defaults.
func New(rel Relational) *Engine { return &Engine{rel: rel} }

// Init implements engine.Family: collections are made on first use.
func (*Engine) Init(*object.Tx) error { return nil }

// Alarm implements engine.Family: it removes expired documents and forgotten
// sessions.
func (g *Engine) Alarm(tx *object.Tx, kind string) error {
	r := newRun(context.Background(), tx, nil)
	r.rel = g.rel
	defer r.close()
	switch kind {
	case ttlAlarm:
		return r.expire()
	case onceAlarm:
		return r.forgetSessions()
	case eventAlarm:
		return r.pruneEvents()
	}
	return op.Errorf(op.Internal, "unknown alarm %q", kind)
}

// task is a compiled body: read or write, run inside a transaction.
type task struct {
	write bool
	once  *doc.Once                      // its answer is kept
	find  *finder                        // a streaming read, or nil
	run   func(*run) ([]op.Frame, error) // anything else
}

// Do implements engine.Family.
func (g *Engine) Do(ctx context.Context, s *object.Scope, o *op.Op) (op.Reply, error) {
	if b, ok := o.Body.(*doc.Watch); ok {
		return g.watch(ctx, s, b)
	}
	t, err := compile(o.Body)
	if err != nil {
		return nil, err
	}
	if t.find != nil {
		return g.stream(ctx, s, t.find)
	}
	var frames []op.Frame
	body := func(tx *object.Tx) error {
		r := newRun(ctx, tx, nil)
		r.rel = g.rel
		defer r.close()
		var err error
		frames, err = r.once(t)
		return err
	}
	var lsn uint64
	if t.write {
		lsn, err = s.Write(ctx, body)
	} else {
		err = s.Read(ctx, body)
	}
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(finish(frames, lsn)...), nil
}

// finish makes sure a reply ends with Done.
func finish(frames []op.Frame, lsn uint64) []op.Frame {
	if n := len(frames); n > 0 {
		if d, ok := frames[n-1].(*op.Done); ok {
			d.LSN = lsn
			return frames
		}
	}
	return append(frames, &op.Done{LSN: lsn})
}

// Apply implements engine.Family.
func (g *Engine) Apply(ctx context.Context, tx *object.Tx, _ *op.Op, body op.Body) ([]op.Frame, error) {
	t, err := compile(body)
	if err != nil {
		return nil, err
	}
	r := newRun(ctx, tx, nil)
	r.rel = g.rel
	defer r.close()
	if t.find == nil {
		return r.once(t)
	}
	r.lets = t.find.lets
	src, err := t.find.start(r)
	if err != nil {
		return nil, err
	}
	docs, err := gather(src)
	return []op.Frame{&op.Docs{Docs: docs}, &op.Done{Affected: int64(len(docs))}}, err
}

// finder is a compiled read that streams documents.
type finder struct {
	lets  map[string]bsonval.V
	batch int
	start func(*run) (source, error)
}

// How much a reply holds in memory. A cursor that waits for its client holds
// no transaction: see stream.
const (
	frameDocs  = 1000
	frameBytes = 1 << 20
)

// stream runs a finder. Inside an interactive transaction the result is
// complete at once; otherwise it is read piece by piece.
func (g *Engine) stream(ctx context.Context, s *object.Scope, f *finder) (op.Reply, error) {
	if s.InTxn() {
		var docs [][]byte
		err := s.Read(ctx, func(tx *object.Tx) error {
			r := newRun(ctx, tx, f.lets)
			r.rel = g.rel
			defer r.close()
			src, err := f.start(r)
			if err != nil {
				return err
			}
			docs, err = gather(src)
			return err
		})
		if err != nil {
			return nil, err
		}
		return op.ReplyOf(&op.Docs{Docs: docs}, &op.Done{Affected: int64(len(docs))}), nil
	}
	v, err := s.Open(ctx)
	if err != nil {
		return nil, err
	}
	r := newRun(ctx, v.Tx, f.lets)
	r.rel = g.rel
	st := &stream{run: r, view: v, reopen: s.Again, lsn: v.Tx.LSN(), want: f.batch}
	if st.src, err = f.start(r); err != nil {
		_ = st.Close()
		return nil, err
	}
	docs, done, err := st.take()
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	if done {
		_ = st.Close()
		return op.ReplyOf(&op.Docs{Docs: docs}, &op.Done{Affected: int64(len(docs)), LSN: st.lsn}), nil
	}
	st.first, st.more = docs, true
	st.leave()
	return st, nil
}

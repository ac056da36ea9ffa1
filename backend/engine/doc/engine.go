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
	"io"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
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

// Alarm implements engine.Family: it removes expired documents.
func (g *Engine) Alarm(tx *object.Tx, kind string) error {
	if kind != ttlAlarm {
		return op.Errorf(op.Internal, "unknown alarm %q", kind)
	}
	r := newRun(context.Background(), tx, nil)
	r.rel = g.rel
	defer r.close()
	return r.expire()
}

// task is a compiled body: read or write, run inside a transaction.
type task struct {
	write bool
	find  *finder                        // a streaming read, or nil
	run   func(*run) ([]op.Frame, error) // anything else
}

// Do implements engine.Family.
func (g *Engine) Do(ctx context.Context, s *object.Scope, o *op.Op) (op.Reply, error) {
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
		frames, err = t.run(r)
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
		return t.run(r)
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

// What a read gathers before it becomes a stream that holds a reader: most
// results end below this.
const (
	eagerBytes = 4 << 20
	frameDocs  = 1000
	frameBytes = 1 << 20
)

// stream runs a finder. Small results are complete at once; large ones hold a
// reader until they are read or closed.
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
	st := &stream{run: r, view: v}
	src, err := f.start(r)
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	st.src = src
	docs, done, err := st.take(1<<30, eagerBytes)
	if err != nil {
		_ = st.Close()
		return nil, err
	}
	if done {
		lsn := v.Tx.LSN()
		_ = st.Close()
		return op.ReplyOf(&op.Docs{Docs: docs}, &op.Done{Affected: int64(len(docs)), LSN: lsn}), nil
	}
	st.first = docs
	return st, nil
}

// stream is a reply that still reads.
type stream struct {
	run   *run
	view  *object.View
	src   source
	first [][]byte
	n     int64
	state int // 0 reading, 1 done to be said, 2 ended
}

// take reads up to a number of documents or bytes.
func (s *stream) take(maxDocs, maxBytes int) (docs [][]byte, done bool, err error) {
	size := 0
	for len(docs) < maxDocs && size < maxBytes {
		x, err := s.src()
		if err == io.EOF {
			return docs, true, nil
		}
		if err != nil {
			return nil, true, err
		}
		docs = append(docs, x.doc)
		size += len(x.doc)
	}
	return docs, false, nil
}

// Next implements op.Reply.
func (s *stream) Next(ctx context.Context) (op.Frame, error) {
	if s.first != nil {
		docs := s.first
		s.first = nil
		s.n += int64(len(docs))
		return &op.Docs{Docs: docs}, nil
	}
	switch s.state {
	case 1:
		s.state = 2
		d := &op.Done{Affected: s.n, LSN: s.view.Tx.LSN()}
		_ = s.Close()
		return d, nil
	case 2:
		return nil, io.EOF
	}
	s.run.ctx = ctx
	docs, done, err := s.take(frameDocs, frameBytes)
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	if done {
		s.state = 1
		if len(docs) == 0 {
			return s.Next(ctx)
		}
	}
	s.n += int64(len(docs))
	return &op.Docs{Docs: docs}, nil
}

// Close implements op.Reply.
func (s *stream) Close() error {
	if s.view != nil {
		s.run.close()
		s.view.Close()
	}
	s.state = 2
	return nil
}

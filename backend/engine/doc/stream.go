package doc

import (
	"context"
	"io"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// stream is a reply that still reads. Between two frames it holds no
// transaction: its statements remember their places and go on from there in a
// new one, so a cursor nobody reads costs neither a reader nor the log. What
// changes meanwhile may be seen or not, as with MongoDB's own cursors. Only a
// statement that cannot be left keeps its reader.
type stream struct {
	run    *run
	view   *object.View // nil between frames
	reopen func(context.Context) (*object.Scope, error)
	src    source
	first  [][]byte
	more   bool // first is to be given
	want   int  // documents the reader asked for, 0 = a frame
	n      int64
	lsn    uint64
	state  int // 0 reading, 1 done to be said, 2 ended
}

// Want tells how many documents the reader has use for, so that a frame holds
// no more than that.
func (s *stream) Want(n int) { s.want = n }

// take reads the documents of one frame.
func (s *stream) take() (docs [][]byte, done bool, err error) {
	limit := frameDocs
	if s.want > 0 {
		limit = min(limit, s.want)
	}
	for size := 0; len(docs) < limit && size < frameBytes; {
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

// leave gives the reader back.
func (s *stream) leave() {
	if s.view != nil && s.run.leave() {
		s.view.Close()
		s.view, s.run.tx = nil, nil
	}
}

// enter takes a reader again and checks that the collections are still there.
func (s *stream) enter(ctx context.Context) error {
	s.run.ctx = ctx
	if s.view != nil {
		return nil
	}
	sc, err := s.reopen(ctx)
	if err != nil {
		return err
	}
	defer sc.Release()
	if s.view, err = sc.Open(ctx); err != nil {
		return err
	}
	s.run.tx = s.view.Tx
	s.lsn = s.view.Tx.LSN()
	for _, t := range s.run.used {
		now := s.run.tx.Catalog().Tables[t.Key()]
		if now == nil || now.OID != t.OID || now.Store != t.Store || lostIndex(t, now) {
			return &op.Error{Code: op.NotFound, Object: "cursor", Name: t.Name, Msg: "the collection or an index of the query was dropped or renamed: " + t.Name}
		}
	}
	return nil
}

// lostIndex reports whether an index of a collection is gone.
func lostIndex(was, now *catalog.Table) bool {
	have := map[uint32]bool{}
	for _, x := range now.Indexes {
		have[x.OID] = true
	}
	for _, x := range was.Indexes {
		if !have[x.OID] {
			return true
		}
	}
	return false
}

// Next implements op.Reply.
func (s *stream) Next(ctx context.Context) (op.Frame, error) {
	if s.more {
		docs := s.first
		s.first, s.more = nil, false
		s.n += int64(len(docs))
		return &op.Docs{Docs: docs}, nil
	}
	switch s.state {
	case 1:
		s.state = 2
		d := &op.Done{Affected: s.n, LSN: s.lsn}
		_ = s.Close()
		return d, nil
	case 2:
		return nil, io.EOF
	}
	if err := s.enter(ctx); err != nil {
		_ = s.Close()
		return nil, err
	}
	docs, done, err := s.take()
	if err != nil {
		_ = s.Close()
		return nil, err
	}
	s.n += int64(len(docs))
	if !done {
		s.leave()
		return &op.Docs{Docs: docs}, nil
	}
	_ = s.Close()
	s.state = 1
	if len(docs) == 0 {
		return s.Next(ctx)
	}
	return &op.Docs{Docs: docs}, nil
}

// Close implements op.Reply.
func (s *stream) Close() error {
	s.run.close()
	if s.view != nil {
		s.view.Close()
		s.view = nil
	}
	s.state, s.src, s.first, s.more = 2, nil, nil, false
	return nil
}

package shard

import (
	"bytes"
	"context"
	"io"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// maxGather bounds the bytes of documents that one operation holds in memory.
const maxGather = 100 << 20

// gather reads a reply to its end, keeps a copy of everything and closes it.
func gather(ctx context.Context, reply op.Reply) (*answer, []op.Frame, error) {
	defer reply.Close()
	a := &answer{}
	var order []op.Frame
	size := 0
	for {
		f, err := reply.Next(ctx)
		if err == io.EOF {
			return a, order, nil
		}
		if err != nil {
			return nil, nil, err
		}
		switch f := f.(type) {
		case *op.Head:
			head := *f
			a.head = &head
			order = append(order, &head)
		case *op.Rows:
			vs := cloneAll(f.Values)
			a.rows = append(a.rows, vs...)
			order = append(order, &op.Rows{Cols: f.Cols, Values: vs})
		case *op.Docs:
			list := make([][]byte, len(f.Docs))
			for i, d := range f.Docs {
				list[i] = bytes.Clone(d)
				size += len(d)
			}
			if size > maxGather {
				return nil, nil, op.Errorf(op.TooLarge, "the documents to merge exceed %d bytes", maxGather)
			}
			a.docs = append(a.docs, list...)
			order = append(order, &op.Docs{Docs: list})
		case *op.Values:
			vs := cloneAll(f.Values)
			a.values = append(a.values, vs...)
			order = append(order, &op.Values{Values: vs})
		case *op.Done:
			done := *f
			done.Extra = cloneAll(f.Extra)
			a.done = done
			order = append(order, &done)
		case *op.Records:
			return nil, nil, op.Errorf(op.Unsupported, "a feed cannot be merged")
		}
	}
}

// cloneAll copies values with their bytes.
func cloneAll(vs []op.Value) []op.Value {
	if vs == nil {
		return nil
	}
	out := make([]op.Value, len(vs))
	for i, v := range vs {
		out[i] = clone(v)
	}
	return out
}

// clone copies a value with its bytes.
func clone(v op.Value) op.Value {
	switch v.Kind {
	case op.KindArray:
		return op.Array(cloneAll(v.List())...)
	case op.KindMap:
		return op.Map(cloneAll(v.List())...)
	case op.KindSet:
		return op.Set(cloneAll(v.List())...)
	}
	v.Raw = bytes.Clone(v.Raw)
	return v
}

// chain streams the replies of several objects one after another: what next
// opens, until it returns nil. Done frames are summed into one at the end.
type chain struct {
	next func(ctx context.Context) (op.Reply, error)
	now  op.Reply
	head bool // the head was given out
	done op.Done
	over bool
	stop bool // nothing is wanted after the frame that was given out
}

// Next implements op.Reply.
func (r *chain) Next(ctx context.Context) (op.Frame, error) {
	for !r.over {
		if r.stop {
			r.Close()
			return &r.done, nil
		}
		if r.now == nil {
			reply, err := r.next(ctx)
			if err != nil {
				return nil, err
			}
			if reply == nil {
				r.over = true
				return &r.done, nil
			}
			r.now = reply
		}
		f, err := r.now.Next(ctx)
		if err == io.EOF {
			r.now.Close()
			r.now = nil
			continue
		}
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case *op.Head:
			if r.head {
				continue
			}
			r.head = true
		case *op.Done:
			sum(&r.done, f)
			continue
		}
		return f, nil
	}
	return nil, io.EOF
}

// Close implements op.Reply.
func (r *chain) Close() error {
	r.over = true
	if r.now == nil {
		return nil
	}
	err := r.now.Close()
	r.now = nil
	return err
}

// sum adds the counts of one object's end to the total.
func sum(total, d *op.Done) {
	total.Affected += d.Affected
	total.Matched += d.Matched
	total.LSN = max(total.LSN, d.LSN)
	if total.Tag == "" {
		total.Tag = d.Tag
	}
	if total.LastID == 0 {
		total.LastID = d.LastID
	}
	total.Notices = append(total.Notices, d.Notices...)
	total.Extra = append(total.Extra, d.Extra...)
}

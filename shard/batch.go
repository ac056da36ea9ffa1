package shard

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// single is the one object a body of a batch belongs to, ok false when there
// are several.
func (c *call) single(body op.Body) (object int, ok bool, err error) {
	one := func(set []int) (int, bool, error) {
		if len(set) == 0 {
			return 0, true, nil
		}
		return set[0], len(set) == 1, nil
	}
	switch b := body.(type) {
	case *kv.Check:
		return c.l.keyObject(b.Key), true, nil
	case *kv.Command:
		v := kv.Verbs[b.Verb]
		at := v.Keys(b.Args)
		if len(at) == 0 {
			return 0, v.Merge == kv.MergeNone && !v.Write, nil
		}
		set, _ := c.l.spread(len(at), func(i int) []byte { return b.Args[at[i]] })
		return one(set)
	case *kv.Version:
		set, _ := c.l.spread(len(b.Keys), func(i int) []byte { return b.Keys[i] })
		return one(set)
	case *doc.Insert:
		for i, d := range b.Docs {
			n, err := c.l.docObject(d)
			if err != nil || i > 0 && n != object {
				return 0, false, err
			}
			object = n
		}
		return object, true, nil
	case *doc.Update:
		set := c.pinned(b.Filter)
		if err := c.keepsKey(b.Mutations, b.Pipeline, set); err != nil {
			return 0, false, err
		}
		return one(set)
	case *doc.Delete:
		return one(c.pinned(b.Filter))
	case *doc.Find:
		return one(c.pinned(b.Filter))
	case *doc.FindAndModify:
		return one(c.pinned(b.Filter))
	case *rel.Query:
		return c.singleQuery(b)
	case *msg.Publish:
		return 0, true, nil
	}
	return 0, false, nil
}

// batch runs bodies in order. An atomic batch must belong to one object.
func (c *call) batch(b *ctl.Batch) (op.Reply, error) {
	if len(b.Bodies) == 0 {
		return c.send(0, b, false)
	}
	objects := make([]int, len(b.Bodies))
	target := -1
	for i, body := range b.Bodies {
		n, ok, err := c.single(body)
		if err != nil {
			return nil, err
		}
		if !ok {
			n = -1
		}
		objects[i] = n
		if i == 0 {
			target = n
		}
		if n != target {
			target = -2
		}
	}
	b = declared(b)
	if target >= 0 {
		return c.send(target, b, true)
	}
	if b.Atomic {
		return nil, crossShard()
	}
	return c.runs(b, objects)
}

// declared restricts the scripts of a batch to the keys they were given.
func declared(b *ctl.Batch) *ctl.Batch {
	copied := false
	for i, body := range b.Bodies {
		k, ok := body.(*kv.Command)
		if !ok || !strings.HasPrefix(k.Verb, "EVAL") {
			continue
		}
		if !copied {
			own := *b
			own.Bodies = append([]op.Body(nil), b.Bodies...)
			b, copied = &own, true
		}
		own := *k
		own.Declared = true
		b.Bodies[i] = &own
	}
	return b
}

// runs sends stretches of bodies of one object as batches and the bodies that
// need several objects alone. Values are strung together as one batch's are.
func (c *call) runs(b *ctl.Batch, objects []int) (op.Reply, error) {
	var values []op.Value
	var frames []op.Frame
	end := &op.Done{}
	for from := 0; from < len(objects); {
		to := from + 1
		for to < len(objects) && objects[from] >= 0 && objects[to] == objects[from] {
			to++
		}
		var reply op.Reply
		var err error
		if objects[from] >= 0 {
			reply, err = c.send(objects[from], &ctl.Batch{Bodies: b.Bodies[from:to], StopOnError: b.StopOnError}, true)
		} else {
			one := *c.o
			one.Body = b.Bodies[from]
			reply, err = c.route(c.ctx, &one, c.l)
		}
		var order []op.Frame
		if err == nil {
			_, order, err = gather(c.ctx, reply)
		}
		switch {
		case err != nil && (b.StopOnError || op.CodeOf(err) == op.Internal || objects[from] >= 0):
			return nil, err
		case err != nil:
			values = append(values, op.ErrorText(err.Error()))
		}
		for i, f := range order {
			if v, ok := f.(*op.Values); ok {
				values = append(values, v.Values...)
			} else if d, ok := f.(*op.Done); ok && i == len(order)-1 && objects[from] >= 0 {
				end.LSN = max(end.LSN, d.LSN) // the batch's own end
			} else {
				frames = append(frames, f)
			}
		}
		from = to
	}
	if len(values) > 0 {
		frames = append(frames, &op.Values{Values: values})
	}
	return op.ReplyOf(append(frames, end)...), nil
}

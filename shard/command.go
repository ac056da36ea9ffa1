package shard

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// keyObject is the object of a key of the kv family.
func (o *Options) keyObject(key []byte) int { return o.Object(tag(string(key))) }

// spread groups positions by object, keeping their order. objects lists the
// objects in order of first use.
func (o *Options) spread(n int, key func(i int) []byte) (objects []int, at map[int][]int) {
	at = map[int][]int{}
	for i := range n {
		k := o.keyObject(key(i))
		if _, ok := at[k]; !ok {
			objects = append(objects, k)
		}
		at[k] = append(at[k], i)
	}
	return objects, at
}

// command runs one key-value command.
func (c *call) command(b *kv.Command) (op.Reply, error) {
	v, ok := kv.Verbs[b.Verb]
	if !ok { // the engine knows the error
		return c.send(0, b, false)
	}
	at := v.Keys(b.Args)
	if strings.HasPrefix(b.Verb, "EVAL") {
		own := *b
		own.Declared = true
		b = &own
	}
	if len(at) == 0 {
		return c.keyless(b, v)
	}
	objects, parts := c.l.spread(len(at), func(i int) []byte { return b.Args[at[i]] })
	step := max(v.Step, 1)
	if len(objects) == 1 || at[len(at)-1]+step > len(b.Args) {
		return c.send(objects[0], b, v.Write)
	}
	switch v.Merge {
	case kv.MergeSum, kv.MergeOK, kv.MergeByKey:
	default:
		return nil, crossShard()
	}
	if v.Write && c.o.Session.Txn != 0 {
		return nil, crossShard()
	}
	answers, err := c.each(objects, v.Write, func(shard int) op.Body {
		part := &kv.Command{DB: b.DB, Verb: b.Verb}
		for _, i := range parts[shard] {
			part.Args = append(part.Args, b.Args[at[i]:at[i]+step]...)
		}
		return part
	})
	if err != nil {
		return nil, err
	}
	if v.Merge != kv.MergeByKey {
		return merged(v.Merge, answers), nil
	}
	list := make([]op.Value, len(at))
	for n, a := range answers {
		if len(a.values) != 1 || len(a.values[0].List()) != len(parts[objects[n]]) {
			return op.ReplyOf(&op.Values{Values: a.values}, &op.Done{}), nil // an error reply
		}
		for k, i := range parts[objects[n]] {
			list[i] = a.values[0].List()[k]
		}
	}
	return op.ReplyOf(&op.Values{Values: []op.Value{op.Array(list...)}}, &op.Done{}), nil
}

// merged makes one value of the values of several objects. An error reply of
// any object is the answer.
func merged(how kv.Merge, answers []*answer) op.Reply {
	var total op.Value
	var list []op.Value
	lsn := uint64(0)
	for n, a := range answers {
		v := op.Null
		if len(a.values) > 0 {
			v = a.values[0]
		}
		lsn = max(lsn, a.done.LSN)
		switch {
		case v.Kind == op.KindErrorText:
			return op.ReplyOf(&op.Values{Values: []op.Value{v}}, &op.Done{LSN: lsn})
		case n == 0:
			total = v
		case how == kv.MergeSum && v.Kind == total.Kind:
			total.Num += v.Num
		}
		list = append(list, v.List()...)
	}
	if how == kv.MergeConcat {
		kind := total.Kind
		total = op.Array(list...)
		if kind == op.KindSet {
			total = op.Set(list...)
		}
	}
	return op.ReplyOf(&op.Values{Values: []op.Value{total}}, &op.Done{LSN: lsn})
}

// keyless runs a command on the whole database.
func (c *call) keyless(b *kv.Command, v kv.Verb) (op.Reply, error) {
	switch v.Merge {
	case kv.MergeSum, kv.MergeConcat, kv.MergeOK:
		if v.Write && c.o.Session.Txn != 0 {
			return nil, crossShard()
		}
		answers, err := c.each(c.all(), v.Write, func(int) op.Body { return b })
		if err != nil {
			return nil, err
		}
		return merged(v.Merge, answers), nil
	case kv.MergeAny:
		return c.any(b)
	case kv.MergeScan:
		return c.scan(b)
	}
	if !v.Write {
		return c.send(0, b, false)
	}
	_, frames, err := c.everywhere(b)
	return op.ReplyOf(frames...), err
}

// any asks one object after another until one has an answer, starting with a
// different one each time.
func (c *call) any(b *kv.Command) (op.Reply, error) {
	start := int(c.seq.Add(1) % uint64(c.l.Count))
	for i := range c.l.Count {
		reply, err := c.send((start+i)%c.l.Count, b, false)
		if err != nil {
			return nil, err
		}
		a, frames, err := gather(c.ctx, reply)
		if err != nil {
			return nil, err
		}
		if i == c.l.Count-1 || len(a.values) > 0 && !a.values[0].IsNull() {
			return op.ReplyOf(frames...), nil
		}
	}
	return op.ReplyOf(&op.Values{Values: []op.Value{op.Null}}, &op.Done{}), nil
}

// scan walks the objects one after another. The client's cursor is the
// object's cursor times the number of objects plus the object's number.
func (c *call) scan(b *kv.Command) (op.Reply, error) {
	n := uint64(c.l.Count)
	if len(b.Args) == 0 {
		return c.send(0, b, false)
	}
	cursor, err := strconv.ParseUint(string(b.Args[0]), 10, 64)
	if err != nil { // the engine knows the error
		return c.send(0, b, false)
	}
	shard := cursor % n
	part := *b
	part.Args = append([][]byte{strconv.AppendUint(nil, cursor/n, 10)}, b.Args[1:]...)
	reply, err := c.send(int(shard), &part, false)
	if err != nil {
		return nil, err
	}
	a, frames, err := gather(c.ctx, reply)
	if err != nil {
		return nil, err
	}
	if len(a.values) != 1 || len(a.values[0].List()) != 2 {
		return op.ReplyOf(frames...), nil // an error reply
	}
	pair := a.values[0].List()
	inner, err := strconv.ParseUint(pair[0].Str(), 10, 64)
	if err != nil || inner > (1<<64-1)/n-1 {
		return nil, op.Errorf(op.Internal, "scan cursor %q of an object is too large", pair[0].Str())
	}
	next := inner*n + shard
	if inner == 0 {
		next = shard + 1
		if next == n {
			next = 0
		}
	}
	pair[0].Raw = strconv.AppendUint(nil, next, 10)
	return op.ReplyOf(&op.Values{Values: []op.Value{op.Array(pair...)}}, &op.Done{LSN: a.done.LSN}), nil
}

// figures adds the figures of all objects.
func (c *call) figures(b *kv.Stats) (op.Reply, error) {
	answers, err := c.each(c.all(), false, func(int) op.Body { return b })
	if err != nil {
		return nil, err
	}
	total := answers[0].values
	for _, a := range answers[1:] {
		for i := range min(len(total), len(a.values)) {
			total[i].Num += a.values[i].Num
		}
	}
	return op.ReplyOf(&op.Values{Values: total}, &op.Done{}), nil
}

// version reads the versions of keys that may lie in several objects.
func (c *call) version(b *kv.Version) (op.Reply, error) {
	objects, parts := c.l.spread(len(b.Keys), func(i int) []byte { return b.Keys[i] })
	answers, err := c.each(objects, false, func(shard int) op.Body {
		part := &kv.Version{DB: b.DB}
		for _, i := range parts[shard] {
			part.Keys = append(part.Keys, b.Keys[i])
		}
		return part
	})
	if err != nil {
		return nil, err
	}
	list := make([]op.Value, len(b.Keys))
	for n, a := range answers {
		for k, i := range parts[objects[n]] {
			if k < len(a.values) {
				list[i] = a.values[k]
			}
		}
	}
	return op.ReplyOf(&op.Values{Values: list}, &op.Done{}), nil
}

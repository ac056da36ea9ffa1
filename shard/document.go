package shard

import (
	"context"
	"slices"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// document runs a body of the document family.
func (c *call) document() (op.Reply, error) {
	switch b := c.o.Body.(type) {
	case *doc.Insert:
		return c.insert(b)
	case *doc.Find:
		return c.findDocs(b)
	case *doc.Update:
		return c.update(b)
	case *doc.Delete:
		return c.remove(b)
	case *doc.FindAndModify:
		return c.modify(b)
	case *doc.Bulk:
		return c.bulk(b)
	case *doc.Aggregate:
		return c.aggregate(b)
	case *doc.Count:
		return c.count(b)
	case *doc.Distinct:
		return c.distinct(b)
	case *doc.Watch:
		if c.l.Count > 1 {
			return nil, op.Errorf(op.Unsupported, "change streams on a database of several objects are not supported")
		}
		return c.send(0, b, b.Open)
	case *doc.Explain:
		return c.send(c.first(b.Filter), b, false)
	case *doc.ListIndexes:
		return c.indexes(b)
	case *doc.ListCollections:
		return c.collections(b)
	case *doc.Stats:
		return c.stats(b)
	case *doc.CreateIndexes:
		for i := range b.Indexes {
			if err := c.checkUnique(&b.Indexes[i]); err != nil {
				return nil, err
			}
		}
	}
	_, frames, err := c.everywhere(c.o.Body)
	return op.ReplyOf(frames...), err
}

// first is the first object of a filter, 0 when the filter matches nothing.
func (c *call) first(f *op.Expr) int {
	if set := c.pinned(f); len(set) > 0 {
		return set[0]
	}
	return 0
}

// checkUnique refuses a unique index that no single object could check.
func (c *call) checkUnique(x *doc.Index) error {
	if !x.Unique || slices.ContainsFunc(x.Keys, func(k op.Sort) bool { return k.Path == c.l.docKey() }) {
		return nil
	}
	return &op.Error{Code: op.Unsupported, Object: "index", Name: x.Name,
		Msg: "a unique index of a sharded database must contain the shard key \"" + c.l.docKey() + "\""}
}

// findDocs reads documents of one or several objects.
func (c *call) findDocs(b *doc.Find) (op.Reply, error) {
	set := c.pinned(b.Filter)
	if len(set) <= 1 {
		return c.send(c.first(b.Filter), b, false)
	}
	part := *b
	part.Page = op.Page{Batch: b.Page.Batch}
	if b.Page.Limit > 0 {
		part.Page.Limit = b.Page.Skip + b.Page.Limit
	}
	if len(b.Sort) == 0 {
		return c.concat(set, &part, b.Page), nil
	}
	part.Project = nil
	stages := []doc.Stage{{Kind: doc.StageSort, Sort: b.Sort}}
	if b.Page.Skip > 0 {
		stages = append(stages, doc.Stage{Kind: doc.StageSkip, N: b.Page.Skip})
	}
	if b.Page.Limit > 0 {
		stages = append(stages, doc.Stage{Kind: doc.StageLimit, N: b.Page.Limit})
	}
	if b.Project != nil {
		for _, f := range b.Project.Fields {
			if f.Position {
				return nil, op.Errorf(op.Unsupported, "a positional projection of a sorted read from several objects is not supported")
			}
		}
		stages = append(stages, doc.Stage{Kind: doc.StageProject, Project: b.Project})
	}
	return c.pipe(set, &part, stages, b.Lets)
}

// pipe gathers documents of several objects and runs stages over them.
func (c *call) pipe(set []int, body op.Body, stages []doc.Stage, lets []doc.Let) (op.Reply, error) {
	if c.p.Pipeline == nil {
		return nil, op.Errorf(op.Unsupported, "sorting and aggregating over several objects is not available")
	}
	answers, err := c.each(set, false, func(int) op.Body { return body })
	if err != nil {
		return nil, err
	}
	var docs [][]byte
	end := &op.Done{}
	size := 0
	for _, a := range answers {
		docs = append(docs, a.docs...)
		end.LSN = max(end.LSN, a.done.LSN)
		for _, d := range a.docs {
			size += len(d)
		}
	}
	if size > maxGather {
		return nil, op.Errorf(op.TooLarge, "the documents to merge exceed %d bytes", maxGather)
	}
	if docs, err = c.p.Pipeline(c.ctx, docs, stages, lets); err != nil {
		return nil, err
	}
	end.Affected = int64(len(docs))
	if len(docs) == 0 {
		return op.ReplyOf(end), nil
	}
	return op.ReplyOf(&op.Docs{Docs: docs}, end), nil
}

// concat streams documents of one object after another.
func (c *call) concat(set []int, body op.Body, page op.Page) op.Reply {
	kept := *c.o // the reply outlives the op
	i := 0
	next := func(ctx context.Context) (op.Reply, error) {
		if i == len(set) {
			return nil, nil
		}
		i++
		later := &call{Router: c.Router, ctx: ctx, o: &kept, l: c.l}
		return later.send(set[i-1], body, false)
	}
	return &paged{chain: chain{next: next}, skip: page.Skip, limit: page.Limit}
}

// paged is a chain of documents cut to a page.
type paged struct {
	chain
	skip, limit int64
	sent        int64
}

// Next implements op.Reply.
func (p *paged) Next(ctx context.Context) (op.Frame, error) {
	for {
		f, err := p.chain.Next(ctx)
		if err != nil {
			return nil, err
		}
		d, ok := f.(*op.Docs)
		if !ok {
			if end, ok := f.(*op.Done); ok {
				end.Affected = p.sent
			}
			return f, nil
		}
		list := d.Docs
		if n := min(p.skip, int64(len(list))); n > 0 {
			list, p.skip = list[n:], p.skip-n
		}
		if p.limit > 0 && p.sent+int64(len(list)) >= p.limit {
			list = list[:p.limit-p.sent]
			p.stop = true
		}
		p.sent += int64(len(list))
		if len(list) > 0 {
			return &op.Docs{Docs: list}, nil
		}
	}
}

// aggregate runs a pipeline: on one object if it is pinned to one, else its
// leading $match on each and the rest once over what they let through.
func (c *call) aggregate(b *doc.Aggregate) (op.Reply, error) {
	if b.Collection == "" {
		return c.send(0, b, false)
	}
	if s := foreign(b.Stages); s != "" {
		return nil, op.Errorf(op.Unsupported, "%s is not supported in a database of several objects", s)
	}
	n := 0
	and := &op.Expr{Op: op.ExAnd}
	for n < len(b.Stages) && b.Stages[n].Kind == doc.StageMatch {
		if b.Stages[n].Filter != nil {
			and.Args = append(and.Args, b.Stages[n].Filter)
		}
		n++
	}
	set := c.pinned(and)
	if len(set) <= 1 {
		return c.send(c.first(and), b, false)
	}
	part := &doc.Aggregate{Collection: b.Collection, Stages: b.Stages[:n], Lets: b.Lets, Batch: b.Batch}
	if n == len(b.Stages) {
		return c.concat(set, part, op.Page{}), nil
	}
	return c.pipe(set, part, b.Stages[n:], b.Lets)
}

// foreign names a stage that reads more than the documents it is given.
func foreign(stages []doc.Stage) string {
	for i := range stages {
		switch stages[i].Kind {
		case doc.StageLookup:
			return "$lookup"
		case doc.StageUnion:
			return "$unionWith"
		case doc.StageGraph, doc.StageOut, doc.StageMerge, doc.StageGeoNear, doc.StageFeed:
			return "a stage that reads or writes another collection"
		case doc.StageCollStats:
			return "$collStats"
		case doc.StageIdxStats:
			return "$indexStats"
		case doc.StageFacet:
			for _, f := range stages[i].Facets {
				if s := foreign(f.Stages); s != "" {
					return s
				}
			}
		}
	}
	return ""
}

// count adds up counts.
func (c *call) count(b *doc.Count) (op.Reply, error) {
	set := c.pinned(b.Filter)
	if len(set) <= 1 {
		return c.send(c.first(b.Filter), b, false)
	}
	part := *b
	part.Page = op.Page{}
	answers, err := c.each(set, false, func(int) op.Body { return &part })
	if err != nil {
		return nil, err
	}
	end := total(answers)
	end.Matched = max(end.Matched-b.Page.Skip, 0)
	if b.Page.Limit > 0 {
		end.Matched = min(end.Matched, b.Page.Limit)
	}
	return op.ReplyOf(end), nil
}

// total sums the ends of answers.
func total(answers []*answer) *op.Done {
	end := &op.Done{}
	for _, a := range answers {
		sum(end, &a.done)
	}
	return end
}

// distinct unites lists of values, in BSON order.
func (c *call) distinct(b *doc.Distinct) (op.Reply, error) {
	set := c.pinned(b.Filter)
	if len(set) <= 1 {
		return c.send(c.first(b.Filter), b, false)
	}
	answers, err := c.each(set, false, func(int) op.Body { return b })
	if err != nil {
		return nil, err
	}
	var list []op.Value
	for _, a := range answers {
		list = append(list, a.values...)
	}
	order := func(x, y op.Value) int { return bsonval.Compare(bsonval.ToBSON(x), bsonval.ToBSON(y)) }
	slices.SortStableFunc(list, order)
	list = slices.CompactFunc(list, func(x, y op.Value) bool { return order(x, y) == 0 })
	return op.ReplyOf(&op.Values{Values: list}, total(answers)), nil
}

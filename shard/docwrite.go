package shard

import (
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// insert splits documents by object. Ordered inserts go in runs of one object,
// so that nothing after the first failure is written.
func (c *call) insert(b *doc.Insert) (op.Reply, error) {
	objects := make([]int, len(b.Docs))
	for i, d := range b.Docs {
		n, err := c.l.docObject(d)
		if err != nil {
			return nil, err
		}
		objects[i] = n
	}
	var groups [][]int // positions of documents that go together
	open := map[int]int{}
	for i, n := range objects {
		g, ok := open[n]
		if !ok || b.Ordered && g != len(groups)-1 {
			g = len(groups)
			open[n] = g
			groups = append(groups, nil)
		}
		groups[g] = append(groups[g], i)
	}
	if len(groups) == 1 {
		return c.send(objects[0], b, true)
	}
	if c.o.Session.Txn != 0 && slices.ContainsFunc(objects, func(n int) bool { return n != objects[0] }) {
		return nil, crossShard()
	}
	end := &op.Done{}
	for g, at := range groups {
		part := &doc.Insert{Collection: b.Collection, Ordered: b.Ordered, Once: b.Once.Part(g), Bypass: b.Bypass}
		for _, i := range at {
			part.Docs = append(part.Docs, b.Docs[i])
		}
		done, err := c.finish(objects[at[0]], part)
		if err != nil {
			if end.Affected == 0 {
				return nil, err
			}
			// Earlier groups are durable: say so, and where it stopped.
			end.Extra = append(end.Extra, writeError(at[0], op.AsError(err)))
			if b.Ordered {
				break
			}
			continue
		}
		for i, e := range done.Extra {
			done.Extra[i] = renumber(e, at)
		}
		sum(end, done)
		if b.Ordered && len(done.Extra) > 0 {
			break
		}
	}
	return op.ReplyOf(end), nil
}

// finish runs a write on one object to its end.
func (c *call) finish(shard int, body op.Body) (*op.Done, error) {
	reply, err := c.send(shard, body, true)
	if err != nil {
		return nil, err
	}
	a, _, err := gather(c.ctx, reply)
	if err != nil {
		return nil, err
	}
	return &a.done, nil
}

// renumber puts a write error's index back to the client's.
func renumber(e op.Value, at []int) op.Value {
	list := slices.Clone(e.List())
	for i := 0; i+1 < len(list); i += 2 {
		if n := list[i+1].Int(); list[i].Str() == "index" && n >= 0 && int(n) < len(at) {
			list[i+1] = op.Int32(int32(at[n]))
		}
	}
	return op.Map(list...)
}

// writeError is a write error as the document engine writes it.
func writeError(index int, e *op.Error) op.Value {
	cols := make([]op.Value, len(e.Columns))
	for i, name := range e.Columns {
		cols[i] = op.Text(name)
	}
	return op.Map(op.Text("index"), op.Int32(int32(index)), op.Text("code"), op.Int32(int32(e.Code)), op.Text("error"), op.ErrorText(e.Msg),
		op.Text("columns"), op.Array(cols...), op.Text("values"), op.Array(e.Values...), op.Text("constraint"), op.Text(e.Constraint), op.Text("object"), op.Text(e.Object))
}

// keepsKey refuses a change of the shard key: the document would have to move.
// set are the objects the filter leaves.
func (c *call) keepsKey(list []op.Mutation, stages []doc.Stage, set []int) error {
	key := c.l.docKey()
	moved := func() error {
		return &op.Error{Code: op.Unsupported, Object: "shard key", Column: key, Msg: "changing the shard key \"" + key + "\" is not supported"}
	}
	touches := func(path string) bool {
		return path == key || strings.HasPrefix(key, path+".") || strings.HasPrefix(path, key+".")
	}
	for i := range list {
		m := &list[i]
		switch {
		case m.Op == op.MutReplace:
			d := m.Value.Raw
			if v := bsonval.Get(d, strings.Split(key, ".")[0]); v.Type == 0 && key == "_id" {
				continue // a replacement keeps the _id
			}
			n, err := c.l.docObject(d)
			if err != nil {
				return err
			}
			if len(set) != 1 || set[0] != n {
				return moved()
			}
		case m.Op == op.MutRename && touches(m.Value.Str()):
			return moved()
		case !touches(m.Path):
		case (m.Op == op.MutSet || m.Op == op.MutSetOnInsert) && m.Path == key && len(set) == 1:
			if n, ok := c.l.valueObject(m.Value); !ok || n != set[0] {
				return moved()
			}
		default:
			return moved()
		}
	}
	for i := range stages {
		s := &stages[i]
		if s.Kind == doc.StageReplace && key != "_id" {
			return moved()
		}
		if s.Project != nil && slices.ContainsFunc(s.Project.Fields, func(f doc.ProjectField) bool { return touches(f.Path) && (f.Expr != nil || s.Project.Exclude) }) {
			return moved()
		}
		if s.Kind == doc.StageProject && !s.Project.Exclude && key != "_id" &&
			!slices.ContainsFunc(s.Project.Fields, func(f doc.ProjectField) bool { return f.Path == key }) {
			return moved()
		}
	}
	return nil
}

// pinsUpsert refuses an upsert whose new document could belong anywhere.
func (c *call) pinsUpsert(upsert bool, set []int) error {
	if !upsert || len(set) == 1 {
		return nil
	}
	return &op.Error{Code: op.InvalidArgument, Object: "shard key", Column: c.l.docKey(),
		Msg: "an upsert must name the shard key \"" + c.l.docKey() + "\" in its filter"}
}

// update changes documents.
func (c *call) update(b *doc.Update) (op.Reply, error) {
	set := c.pinned(b.Filter)
	if err := c.keepsKey(b.Mutations, b.Pipeline, set); err != nil {
		return nil, err
	}
	if err := c.pinsUpsert(b.Upsert, set); err != nil {
		return nil, err
	}
	if len(set) <= 1 {
		return c.send(c.first(b.Filter), b, true)
	}
	return c.write(set, b, b.Multi, func(d *op.Done) bool { return d.Matched > 0 })
}

// remove deletes documents.
func (c *call) remove(b *doc.Delete) (op.Reply, error) {
	set := c.pinned(b.Filter)
	if len(set) <= 1 {
		return c.send(c.first(b.Filter), b, true)
	}
	return c.write(set, b, b.Multi, func(d *op.Done) bool { return d.Affected > 0 })
}

// write runs a change on several objects: all of them, or one after another
// until found says that one had the document.
func (c *call) write(set []int, body op.Body, multi bool, found func(*op.Done) bool) (op.Reply, error) {
	if c.o.Session.Txn != 0 {
		return nil, crossShard()
	}
	if multi {
		answers, err := c.each(set, true, func(int) op.Body { return body })
		if err != nil {
			return nil, err
		}
		return op.ReplyOf(total(answers)), nil
	}
	for _, n := range set {
		done, err := c.finish(n, body)
		if err != nil {
			return nil, err
		}
		if found(done) {
			return op.ReplyOf(done), nil
		}
	}
	return op.ReplyOf(&op.Done{}), nil
}

// modify changes one document and answers it. Without the key, the object is
// the one whose document comes first.
func (c *call) modify(b *doc.FindAndModify) (op.Reply, error) {
	set := c.pinned(b.Filter)
	if err := c.keepsKey(b.Mutations, b.Pipeline, set); err != nil {
		return nil, err
	}
	if err := c.pinsUpsert(b.Upsert, set); err != nil {
		return nil, err
	}
	if len(set) > 1 {
		reply, err := c.findDocs(&doc.Find{Collection: b.Collection, Filter: b.Filter, Sort: b.Sort, Page: op.Page{Limit: 1}})
		if err != nil {
			return nil, err
		}
		a, _, err := gather(c.ctx, reply)
		if err != nil {
			return nil, err
		}
		if len(a.docs) == 0 {
			return op.ReplyOf(&op.Done{LSN: a.done.LSN}), nil
		}
		n, err := c.l.docObject(a.docs[0])
		if err != nil {
			return nil, err
		}
		return c.send(n, b, true)
	}
	return c.send(c.first(b.Filter), b, true)
}

// bulk runs updates and deletes in order: as one body when all belong to one
// object, else one by one.
func (c *call) bulk(b *doc.Bulk) (op.Reply, error) {
	target, same := -1, true
	for _, body := range b.Bodies {
		var f *op.Expr
		switch x := body.(type) {
		case *doc.Update:
			f = x.Filter
			set := c.pinned(f)
			if err := c.keepsKey(x.Mutations, x.Pipeline, set); err != nil {
				return nil, err
			}
			if err := c.pinsUpsert(x.Upsert, set); err != nil {
				return nil, err
			}
		case *doc.Delete:
			f = x.Filter
		default:
			return nil, op.Errorf(op.Unsupported, "operation %d cannot be part of a bulk", body.Kind())
		}
		set := c.pinned(f)
		if len(set) != 1 || target >= 0 && set[0] != target {
			same = false
		} else {
			target = set[0]
		}
	}
	if same && target >= 0 {
		return c.send(target, b, true)
	}
	end := &op.Done{}
	for i, body := range b.Bodies {
		one := *c.o
		one.Body = body
		sub := &call{Router: c.Router, ctx: c.ctx, o: &one, l: c.l}
		reply, err := sub.document()
		var a *answer
		if err == nil {
			a, _, err = gather(c.ctx, reply)
		}
		if err != nil {
			if op.CodeOf(err) == op.CrossShard {
				return nil, err
			}
			end.Extra = append(end.Extra, writeError(i, op.AsError(err)))
			if b.Ordered {
				break
			}
			continue
		}
		result := []op.Value{op.Text("matched"), op.Int64(a.done.Matched), op.Text("affected"), op.Int64(a.done.Affected)}
		if len(a.done.Extra) > 0 {
			result = append(result, op.Text("upserted"), a.done.Extra[0])
		}
		end.Matched += a.done.Matched
		end.Affected += a.done.Affected
		end.LSN = max(end.LSN, a.done.LSN)
		end.Extra = append(end.Extra, op.Map(result...))
	}
	return op.ReplyOf(end), nil
}

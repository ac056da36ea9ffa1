package doc

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// spec is one level of a projection's tree of paths.
type spec struct {
	name string
	leaf *projected // nil for an inner node
	kids []*spec
}

// projected is a compiled leaf.
type projected struct {
	f    doc.ProjectField
	expr evaluator
	elem matcher
	byEl bool
}

// projection is a compiled projection.
type projection struct {
	exclude bool
	add     bool // $addFields: everything stays
	noID    bool
	root    *spec
	lets    map[string]bsonval.V
}

// compileProjection compiles a projection; nil stays nil.
func compileProjection(p *doc.Projection, add bool, lets map[string]bsonval.V) (*projection, error) {
	if p == nil {
		return nil, nil
	}
	c := &projection{exclude: p.Exclude, add: add, noID: p.NoID, root: &spec{}, lets: lets}
	for _, f := range p.Fields {
		leaf := &projected{f: f}
		var err error
		if f.Expr != nil {
			if leaf.expr, err = compileExpr(f.Expr); err != nil {
				return nil, err
			}
		}
		if f.ElemMatch != nil {
			if leaf.elem, err = (*collator)(nil).compileMatch(f.ElemMatch); err != nil {
				return nil, err
			}
			leaf.byEl = elementFilter(f.ElemMatch)
		}
		at := c.root
		parts := splitPath(f.Path)
		for i, name := range parts {
			var next *spec
			for _, k := range at.kids {
				if k.name == name {
					next = k
				}
			}
			if next == nil {
				next = &spec{name: name}
				at.kids = append(at.kids, next)
			}
			if next.leaf != nil || (i == len(parts)-1 && len(next.kids) > 0) {
				return nil, &op.Error{Code: op.InvalidArgument, Object: "projection", Msg: "Path collision at " + f.Path}
			}
			at = next
		}
		at.leaf = leaf
	}
	return c, nil
}

// apply projects a document. pos is the matched array position for "path.$".
func (c *projection) apply(d []byte, pos int, e *env) ([]byte, error) {
	if c == nil {
		return d, nil
	}
	e = e.with(bsonval.DocV(d))
	run := &projecting{c: c, pos: pos, env: e}
	i, b := bsoncore.AppendDocumentStart(make([]byte, 0, len(d)))
	b, err := run.level(b, d, c.root, true)
	if err != nil {
		return nil, err
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return b, nil
}

// projecting is one application.
type projecting struct {
	c   *projection
	pos int
	env *env
}

// level projects the fields of one document.
func (p *projecting) level(b, d []byte, s *spec, top bool) ([]byte, error) {
	var done [16]bool
	seen := done[:0]
	for range s.kids {
		seen = append(seen, false)
	}
	for it := bsonval.Elements(d); it.Next(); {
		key := it.Key()
		at := -1
		for i, k := range s.kids {
			if k.name == key {
				at, seen[i] = i, true
				break
			}
		}
		if at < 0 {
			keep := p.c.exclude || p.c.add || (top && key == "_id" && !p.c.noID)
			if top && key == "_id" && p.c.noID {
				keep = false
			}
			if keep {
				b = bsonval.AppendElement(b, key, it.Value)
			}
			continue
		}
		v, err := p.value(it.Value, s.kids[at])
		if err != nil {
			return nil, err
		}
		if v.Type != 0 {
			b = bsonval.AppendElement(b, key, v)
		}
	}
	for i, k := range s.kids {
		if seen[i] || !k.computed() {
			continue
		}
		v, err := p.fresh(k)
		if err != nil {
			return nil, err
		}
		if v.Type != 0 {
			b = bsonval.AppendElement(b, k.name, v)
		}
	}
	return b, nil
}

// computed reports whether a node makes fields that were not there.
func (s *spec) computed() bool {
	if s.leaf != nil {
		return s.leaf.expr != nil
	}
	for _, k := range s.kids {
		if k.computed() {
			return true
		}
	}
	return false
}

// fresh builds the value of a field that was not in the document.
func (p *projecting) fresh(s *spec) (bsonval.V, error) {
	if s.leaf != nil {
		return s.leaf.expr(p.env)
	}
	i, b := bsoncore.AppendDocumentStart(nil)
	b, err := p.level(b, bsonval.EmptyDoc, s, false)
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return bsonval.DocV(b), err
}

// value projects a field that is in the document; Missing drops it.
func (p *projecting) value(v bsonval.V, s *spec) (bsonval.V, error) {
	if s.leaf != nil {
		return p.leaf(v, s.leaf)
	}
	switch v.Type {
	case bsonval.Document:
		i, b := bsoncore.AppendDocumentStart(nil)
		b, err := p.level(b, v.Data, s, false)
		b, _ = bsoncore.AppendDocumentEnd(b, i)
		return bsonval.DocV(b), err
	case bsonval.Array:
		var out []bsonval.V
		for it := bsonval.Elements(v.Data); it.Next(); {
			x, err := p.value(it.Value, s)
			if err != nil {
				return v, err
			}
			if x.Type != 0 {
				out = append(out, x)
			}
		}
		return bsonval.ArrayV(out), nil
	}
	if s.computed() {
		return p.fresh(s)
	}
	if p.c.exclude || p.c.add {
		return v, nil
	}
	return bsonval.Missing, nil
}

// leaf applies a leaf to its field.
func (p *projecting) leaf(v bsonval.V, l *projected) (bsonval.V, error) {
	switch {
	case l.expr != nil:
		return l.expr(p.env)
	case l.elem != nil:
		if v.Type != bsonval.Array {
			return bsonval.Missing, nil
		}
		for it := bsonval.Elements(v.Data); it.Next(); {
			if (l.byEl || it.Value.Type == bsonval.Document) && l.elem(it.Value, &matchState{env: p.env}) {
				return bsonval.ArrayV([]bsonval.V{it.Value}), nil
			}
		}
		return bsonval.Missing, nil
	case l.f.Slice != nil:
		if v.Type != bsonval.Array {
			return v, nil
		}
		return bsonval.ArrayV(slice(bsonval.Items(v), l.f.Slice)), nil
	case l.f.Position:
		if v.Type != bsonval.Array {
			return v, nil
		}
		x := bsonval.Missing
		if p.pos >= 0 {
			x = nth(v.Data, p.pos)
		}
		if x.Type == 0 {
			return v, &op.Error{Code: op.InvalidArgument, Object: "positional", Msg: "Executor error during find command :: caused by :: positional operator '.$' couldn't find a matching element in the array"}
		}
		return bsonval.ArrayV([]bsonval.V{x}), nil
	case p.c.exclude:
		return bsonval.Missing, nil
	}
	return v, nil
}

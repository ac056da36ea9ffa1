package mongo

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// projector collects the fields of a projection and which kind it is.
type projector struct {
	p       *doc.Projection
	include bool
	exclude bool
	find    bool // find's own forms: $slice, $elemMatch, "a.$"
	id      *bool
}

// parseProjection decodes a projection of find (or of $project). nil keeps
// everything.
func parseProjection(d []byte, find bool) (*doc.Projection, error) {
	if d == nil || len(d) == 5 {
		if !find {
			return nil, errorf(code{51272, "Location51272"}, "Invalid $project :: caused by :: projection specification must have at least one field")
		}
		return nil, nil
	}
	p := &projector{p: &doc.Projection{}, find: find}
	if err := p.fields(d, ""); err != nil {
		return nil, err
	}
	p.p.Exclude = p.exclude || (!p.include && p.id != nil && !*p.id)
	if p.include && p.exclude {
		return nil, errorf(code{31254, "Location31254"}, "Cannot do exclusion on field in inclusion projection")
	}
	if !p.include && !p.exclude && p.id == nil {
		// Only $slice or $elemMatch: the rest of the document stays.
		p.p.Exclude = true
		for _, f := range p.p.Fields {
			if f.Slice == nil {
				p.p.Exclude = false
			}
		}
	}
	switch {
	case p.id == nil:
	case !*p.id && p.p.Exclude:
		p.p.Fields = append(p.p.Fields, doc.ProjectField{Path: "_id"})
	case !*p.id:
		p.p.NoID = true
	}
	return p.p, nil
}

// fields decodes one level of a projection.
func (p *projector) fields(d []byte, prefix string) error {
	for it := bsonval.Elements(d); it.Next(); {
		key := strings.Clone(it.Key())
		if key == "" || strings.HasPrefix(key, "$") {
			return errorf(code{16410, "Location16410"}, "FieldPath field names may not be empty nor start with '$'. Field name: '%s'", key)
		}
		if err := p.field(prefix+key, it.Value); err != nil {
			return err
		}
	}
	return nil
}

// field decodes one path.
func (p *projector) field(path string, v bsonval.V) error {
	switch {
	case bsonval.IsNumber(v) || v.Type == bsonval.Boolean:
		on := bsonval.Truthy(v)
		if path == "_id" {
			p.id = &on
			return nil
		}
		f := doc.ProjectField{Path: path}
		if p.find && strings.HasSuffix(path, ".$") {
			f.Path, f.Position = strings.TrimSuffix(path, ".$"), true
		}
		if on {
			p.include = true
		} else {
			p.exclude = true
		}
		p.p.Fields = append(p.p.Fields, f)
		return nil
	case v.Type == bsonval.Document && len(v.Data) > 5 && !isOperators(v.Data):
		return p.fields(v.Data, path+".")
	case v.Type == bsonval.Document && p.find:
		it := bsonval.Elements(v.Data)
		it.Next()
		switch it.Key() {
		case "$elemMatch":
			e, err := parseElemMatch("", it.Value)
			if err != nil {
				return err
			}
			p.p.Fields = append(p.p.Fields, doc.ProjectField{Path: path, ElemMatch: e.Args[0]})
			p.include = true
			return nil
		case "$slice":
			if f, ok, err := sliceField(path, it.Value); ok || err != nil {
				p.p.Fields = append(p.p.Fields, f)
				return err
			}
		case "$meta":
			return errorf(notImplemented, "projection operator $meta is not supported")
		}
	}
	x, err := parseExpr(v)
	if err != nil {
		return err
	}
	p.include = true
	p.p.Fields = append(p.p.Fields, doc.ProjectField{Path: path, Expr: x})
	return nil
}

// sliceField decodes find's $slice; ok is false for the expression form.
func sliceField(path string, v bsonval.V) (f doc.ProjectField, ok bool, err error) {
	list := []bsonval.V{v}
	if v.Type == bsonval.Array {
		if list = bsonval.Items(v); len(list) != 2 {
			return f, false, nil
		}
	}
	f.Path = path
	for _, x := range list {
		n, ok := bsonval.Int(x)
		if !ok {
			return f, false, nil
		}
		f.Slice = append(f.Slice, int(max(min(n, 1<<30), -1<<30)))
	}
	if len(f.Slice) == 2 && f.Slice[1] <= 0 {
		return f, true, errorf(code{28724, "Location28724"}, "$slice limit must be positive")
	}
	return f, true, nil
}

// parseAddFields decodes $addFields: every leaf is an expression.
func parseAddFields(d []byte, prefix string, out []doc.ProjectField) ([]doc.ProjectField, error) {
	for it := bsonval.Elements(d); it.Next(); {
		key := strings.Clone(it.Key())
		if key == "" || strings.HasPrefix(key, "$") {
			return nil, errorf(code{16410, "Location16410"}, "FieldPath field names may not be empty nor start with '$'. Field name: '%s'", key)
		}
		if v := it.Value; v.Type == bsonval.Document && len(v.Data) > 5 && !isOperators(v.Data) {
			var err error
			if out, err = parseAddFields(v.Data, prefix+key+".", out); err != nil {
				return nil, err
			}
			continue
		}
		var x *op.Expr
		x, err := parseExpr(it.Value)
		if err != nil {
			return nil, err
		}
		out = append(out, doc.ProjectField{Path: prefix + key, Expr: x})
	}
	return out, nil
}

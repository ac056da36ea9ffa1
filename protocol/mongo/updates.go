package mongo

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// modification is a decoded update: mutations, or a pipeline.
type modification struct {
	muts     []op.Mutation
	pipeline []doc.Stage
	replace  bool
	seed     []byte
	arrays   []doc.NamedFilter
}

// mutationOps are the update operators, by name.
var mutationOps = map[string]op.MutationOp{
	"$addToSet": op.MutAddToSet, "$bit": op.MutBit, "$currentDate": op.MutCurrentDate, "$inc": op.MutInc, "$max": op.MutMax, "$min": op.MutMin, "$mul": op.MutMul,
	"$pop": op.MutPop, "$pull": op.MutPull, "$pullAll": op.MutPullAll, "$push": op.MutPush, "$rename": op.MutRename, "$set": op.MutSet, "$setOnInsert": op.MutSetOnInsert, "$unset": op.MutUnset,
}

// parseUpdate decodes the update document or pipeline u, for a query q.
func parseUpdate(u bsonval.V, q []byte, arrays []bsonval.V) (*modification, error) {
	m := &modification{}
	switch {
	case u.Type == bsonval.Array:
		p, err := parsePipeline(bsonval.Items(u))
		if err != nil {
			return nil, err
		}
		for _, s := range p {
			switch s.Kind {
			case doc.StageAddFields, doc.StageProject, doc.StageUnset, doc.StageReplace:
			default:
				return nil, errorf(invalidOptions, "only $addFields, $set, $project, $unset, $replaceRoot and $replaceWith are allowed within an update")
			}
		}
		m.pipeline = p
	case u.Type != bsonval.Document:
		return nil, errorf(failedToParse, "Update argument must be either an object or an array")
	case !isUpdateOperators(u.Data):
		if err := checkReplacement(u.Data); err != nil {
			return nil, err
		}
		m.replace = true
		m.muts = []op.Mutation{{Op: op.MutReplace, Value: op.Raw(op.KindDocument, u.Data)}}
	default:
		if err := m.operators(u.Data); err != nil {
			return nil, err
		}
	}
	for _, a := range arrays {
		f, err := parseArrayFilter(a)
		if err != nil {
			return nil, err
		}
		m.arrays = append(m.arrays, f)
	}
	var err error
	m.seed, err = upsertSeed(q, m.replace)
	return m, err
}

// isUpdateOperators reports whether an update document holds operators.
func isUpdateOperators(d []byte) bool {
	it := bsonval.Elements(d)
	return it.Next() && strings.HasPrefix(it.Key(), "$")
}

// checkReplacement refuses operators in a replacement.
func checkReplacement(d []byte) error {
	for it := bsonval.Elements(d); it.Next(); {
		if strings.HasPrefix(it.Key(), "$") {
			return errorf(dollarPrefixed, "The dollar ($) prefixed field '%s' is not allowed in the context of an update's replacement document. Consider using an aggregation pipeline with $replaceWith.", it.Key())
		}
	}
	return nil
}

// parseArrayFilter decodes one entry of arrayFilters.
func parseArrayFilter(v bsonval.V) (doc.NamedFilter, error) {
	f, err := parseFilter(v.Data)
	if err != nil {
		return doc.NamedFilter{}, err
	}
	name := filterName(f)
	if name == "" {
		return doc.NamedFilter{}, errorf(failedToParse, "Cannot use an expression without a top-level field name in arrayFilters")
	}
	return doc.NamedFilter{Name: name, Filter: f}, nil
}

// filterName finds the identifier an array filter is about.
func filterName(f *op.Expr) string {
	if f == nil {
		return ""
	}
	if f.Path != "" {
		name, _, _ := strings.Cut(f.Path, ".")
		return name
	}
	for _, a := range f.Args {
		if n := filterName(a); n != "" {
			return n
		}
	}
	return ""
}

// operators decodes {$op: {path: value}}.
func (m *modification) operators(d []byte) error {
	for it := bsonval.Elements(d); it.Next(); {
		name := strings.Clone(it.Key())
		o, ok := mutationOps[name]
		if !ok {
			return errorf(failedToParse, "Unknown modifier: %s. Expected a valid update modifier or pipeline-style update specified as an array", name)
		}
		if it.Value.Type != bsonval.Document {
			return errorf(failedToParse, "Modifiers operate on fields but we found type %s instead. For example: {$mod: {<field>: ...}} not {%s: %s}", it.Value.Type, name, it.Value.Type)
		}
		for ft := bsonval.Elements(it.Value.Data); ft.Next(); {
			mut := op.Mutation{Op: o, Path: strings.Clone(ft.Key())}
			if err := checkUpdatePath(mut.Path); err != nil {
				return err
			}
			if err := fillMutation(&mut, name, ft.Value); err != nil {
				return err
			}
			m.muts = append(m.muts, mut)
		}
	}
	return m.conflicts()
}

// checkUpdatePath refuses empty components and misplaced "$".
func checkUpdatePath(p string) error {
	if p == "" {
		return errorf(emptyFieldName, "An empty update path is not valid.")
	}
	for i, part := range strings.Split(p, ".") {
		switch {
		case part == "":
			return errorf(emptyFieldName, "The update path '%s' contains an empty field name, which is not allowed.", p)
		case part[0] != '$':
		case i == 0:
			return errorf(badValue, "Cannot have positional (i.e. '$') element in the first position in path '%s'", p)
		case part != "$" && !strings.HasPrefix(part, "$[") && part != "$ref" && part != "$id" && part != "$db":
			return errorf(dollarPrefixed, "The dollar ($) prefixed field '%s' in '%s' is not allowed in the context of an update", part, p)
		}
	}
	return nil
}

// conflicts refuses two changes of one path or of a path and its part.
func (m *modification) conflicts() error {
	var seen []string
	for _, x := range m.muts {
		list := []string{x.Path}
		if x.Op == op.MutRename {
			list = append(list, x.Value.Str())
		}
		for _, p := range list {
			for _, o := range seen {
				if p == o || strings.HasPrefix(p, o+".") || strings.HasPrefix(o, p+".") {
					return errorf(conflictingUpdates, "Updating the path '%s' would create a conflict at '%s'", p, shorter(o, p))
				}
			}
			seen = append(seen, p)
		}
	}
	return nil
}

// shorter returns the shorter text.
func shorter(a, b string) string {
	if len(a) < len(b) {
		return a
	}
	return b
}

// fillMutation decodes the argument of one operator.
func fillMutation(m *op.Mutation, name string, v bsonval.V) error {
	switch m.Op {
	case op.MutInc, op.MutMul:
		if !bsonval.IsNumber(v) {
			return errorf(typeMismatch, "Cannot %s with non-numeric argument: {%s: %s}", map[op.MutationOp]string{op.MutInc: "increment", op.MutMul: "multiply"}[m.Op], m.Path, v)
		}
	case op.MutRename:
		if v.Type != bsonval.String {
			return errorf(badValue, "The 'to' field for $rename must be a string: %s", m.Path)
		}
		to := bsonval.Text(v)
		if err := checkUpdatePath(to); err != nil {
			return err
		}
		if to == m.Path {
			return errorf(badValue, "The source and target field for $rename must differ: %s: \"%s\"", m.Path, to)
		}
	case op.MutCurrentDate:
		kind := "date"
		if v.Type == bsonval.Document {
			kind = bsonval.Text(bsonval.Get(v.Data, "$type"))
		}
		if kind != "date" && kind != "timestamp" || (v.Type != bsonval.Document && v.Type != bsonval.Boolean) {
			return errorf(badValue, "%s is not valid type for $currentDate. Please use a boolean ('true') or a $type expression ({$type: 'timestamp/date'}).", v.Type)
		}
		m.Value = op.Text(kind)
		return nil
	case op.MutPush, op.MutAddToSet:
		return fillPush(m, name, v)
	case op.MutPop:
		n, ok := bsonval.Int(v)
		if !ok || (n != 1 && n != -1) {
			return errorf(failedToParse, "$pop expects 1 or -1, found: %s", v)
		}
		m.Value = op.Int64(n)
		return nil
	case op.MutPullAll:
		if v.Type != bsonval.Array {
			return errorf(badValue, "$pullAll requires an array argument but was given a %s", v.Type)
		}
		for _, x := range bsonval.Items(v) {
			m.Each = append(m.Each, bsonval.FromBSON(x))
		}
		return nil
	case op.MutPull:
		return fillPull(m, v)
	case op.MutBit:
		it := bsonval.Elements(v.Data)
		if v.Type != bsonval.Document || !it.Next() || (it.Key() != "and" && it.Key() != "or" && it.Key() != "xor") || (it.Value.Type != bsonval.Int32 && it.Value.Type != bsonval.Int64) {
			return errorf(badValue, "The $bit modifier takes {and|or|xor: <integer>} for field %s", m.Path)
		}
		m.Name = strings.Clone(it.Key())
		v = it.Value
	}
	m.Value = bsonval.FromBSON(v)
	return nil
}

// fillPush decodes $push and $addToSet with their modifiers.
func fillPush(m *op.Mutation, name string, v bsonval.V) error {
	if v.Type != bsonval.Document || !isUpdateOperators(v.Data) {
		m.Each = []op.Value{bsonval.FromBSON(v)}
		return nil
	}
	each := bsonval.Get(v.Data, "$each")
	if each.Type != bsonval.Array {
		if each.Type == 0 {
			return errorf(dollarPrefixed, "The dollar ($) prefixed field in '%s' is not valid for storage.", m.Path)
		}
		return errorf(typeMismatch, "The argument to $each in %s must be an array but it was of type %s", name, each.Type)
	}
	for _, x := range bsonval.Items(each) {
		m.Each = append(m.Each, bsonval.FromBSON(x))
	}
	for it := bsonval.Elements(v.Data); it.Next(); {
		key := it.Key()
		n, ok := bsonval.Int(it.Value)
		i := int(max(min(n, 1<<30), -1<<30))
		switch {
		case key == "$each":
		case m.Op == op.MutAddToSet:
			return errorf(badValue, "Found unexpected fields after $each in $addToSet: %s", key)
		case key == "$slice" && ok:
			m.Slice = &i
		case key == "$position" && ok:
			m.At = &i
		case key == "$sort":
			if it.Value.Type == bsonval.Document {
				s, err := parseSort(it.Value.Data)
				if err != nil {
					return err
				}
				m.Sort = s
			} else if ok && (n == 1 || n == -1) {
				m.Sort = []op.Sort{{Desc: n < 0}}
			} else {
				return errorf(badValue, "The $sort element value must be either 1 or -1")
			}
		default:
			return errorf(badValue, "Unrecognized clause or bad value in $push: %s", key)
		}
	}
	return nil
}

// fillPull decodes $pull: a value, conditions on the element, or a query on
// its fields.
func fillPull(m *op.Mutation, v bsonval.V) error {
	switch {
	case v.Type == bsonval.Regex:
		m.Filter = regexExpr("", v)
	case v.Type == bsonval.Document && isOperators(v.Data):
		list, err := parseOperators("", v.Data)
		if err != nil {
			return err
		}
		m.Filter = and(list)
	case v.Type == bsonval.Document:
		f, err := parseFilter(v.Data)
		if err != nil {
			return err
		}
		m.Filter = always(f)
	default:
		m.Value = bsonval.FromBSON(v)
	}
	return nil
}

// seedNode is one field of the document an upsert starts from.
type seedNode struct {
	key  string
	val  bsonval.V
	kids []*seedNode
}

// upsertSeed builds the document an upsert starts from: the query's
// equalities (a replacement takes _id only).
func upsertSeed(q []byte, replace bool) ([]byte, error) {
	root := &seedNode{}
	if err := root.collect(q, replace); err != nil {
		return nil, err
	}
	return root.doc(), nil
}

// collect adds the equalities of a query.
func (n *seedNode) collect(q []byte, replace bool) error {
	for it := bsonval.Elements(q); it.Next(); {
		key, v := strings.Clone(it.Key()), it.Value
		if key == "$and" || (key == "$or" && len(bsonval.Items(v)) == 1) {
			for _, x := range bsonval.Items(v) {
				if err := n.collect(x.Data, replace); err != nil {
					return err
				}
			}
			continue
		}
		if strings.HasPrefix(key, "$") || v.Type == bsonval.Regex || (replace && key != "_id") {
			continue
		}
		if v.Type == bsonval.Document && isOperators(v.Data) {
			eq := bsonval.Get(v.Data, "$eq")
			if in := bsonval.Items(bsonval.Get(v.Data, "$in")); eq.Type == 0 && len(in) == 1 {
				eq = in[0]
			}
			if all := bsonval.Items(bsonval.Get(v.Data, "$all")); eq.Type == 0 && len(all) == 1 && all[0].Type != bsonval.Document {
				eq = all[0]
			}
			if eq.Type == 0 || eq.Type == bsonval.Regex {
				continue
			}
			v = eq
		}
		if err := n.set(strings.Split(key, "."), v, key); err != nil {
			return err
		}
	}
	return nil
}

// set puts a value at a path.
func (n *seedNode) set(p []string, v bsonval.V, whole string) error {
	for _, k := range n.kids {
		if k.key != p[0] {
			continue
		}
		if len(p) == 1 || k.val.Type != 0 {
			return errorf(code{54, "NotSingleValueField"}, "cannot infer query fields to set, path '%s' is matched twice", whole)
		}
		return k.set(p[1:], v, whole)
	}
	k := &seedNode{key: p[0]}
	n.kids = append(n.kids, k)
	if len(p) == 1 {
		k.val = v
		return nil
	}
	return k.set(p[1:], v, whole)
}

// doc renders the node's children.
func (n *seedNode) doc() []byte {
	i, b := bsoncore.AppendDocumentStart(nil)
	for _, k := range n.kids {
		if k.val.Type != 0 {
			b = bsonval.AppendElement(b, k.key, k.val)
		} else {
			b = bsoncore.AppendDocumentElement(b, k.key, k.doc())
		}
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return b
}

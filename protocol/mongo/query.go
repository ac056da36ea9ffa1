package mongo

import (
	"bytes"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// The query language: field conditions with comparison, element, evaluation
// ($expr, $mod, $regex), array and bitwise operators, and $and, $or, $nor,
// $not. Refused: $where, $text, $jsonSchema, geospatial operators.

// unsupportedQuery are MongoDB's operators that are refused by name.
var unsupportedQuery = map[string]bool{
	"$where": true, "$text": true, "$near": true, "$nearSphere": true, "$geoWithin": true, "$geoIntersects": true, "$within": true,
	"$geoNear": true, "$function": true, "$encStrContains": true, "$maxDistance": true, "$minDistance": true,
}

// comparisons are the operators of one value.
var comparisons = map[string]op.ExprOp{"$eq": op.ExEq, "$ne": op.ExNe, "$lt": op.ExLt, "$lte": op.ExLte, "$gt": op.ExGt, "$gte": op.ExGte}

// parseFilter decodes a query document. nil matches everything.
func parseFilter(d []byte) (*op.Expr, error) {
	var all []*op.Expr
	for it := bsonval.Elements(d); it.Next(); {
		key, v := strings.Clone(it.Key()), it.Value
		if strings.HasPrefix(key, "$") {
			e, err := parseTop(key, v)
			if err != nil {
				return nil, err
			}
			if e != nil {
				all = append(all, e)
			}
			continue
		}
		list, err := parseField(key, v)
		if err != nil {
			return nil, err
		}
		all = append(all, list...)
	}
	return and(all), nil
}

// and joins conditions.
func and(list []*op.Expr) *op.Expr {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return list[0]
	}
	return &op.Expr{Op: op.ExAnd, Args: list}
}

// always is a condition that nil stands for in argument lists.
func always(e *op.Expr) *op.Expr {
	if e == nil {
		return &op.Expr{Op: op.ExTrue}
	}
	return e
}

// parseTop decodes a top-level operator.
func parseTop(key string, v bsonval.V) (*op.Expr, error) {
	switch key {
	case "$and", "$or", "$nor":
		if v.Type != bsonval.Array {
			return nil, errorf(badValue, "%s must be an array", key)
		}
		items := bsonval.Items(v)
		if len(items) == 0 {
			return nil, errorf(badValue, "%s must be a nonempty array", key)
		}
		e := &op.Expr{Op: map[string]op.ExprOp{"$and": op.ExAnd, "$or": op.ExOr, "$nor": op.ExNor}[key]}
		for _, x := range items {
			if x.Type != bsonval.Document {
				return nil, errorf(badValue, "%s argument's entries must be objects", key)
			}
			f, err := parseFilter(x.Data)
			if err != nil {
				return nil, err
			}
			e.Args = append(e.Args, always(f))
		}
		return e, nil
	case "$expr":
		x, err := parseExpr(v)
		return &op.Expr{Op: op.ExExpr, Args: []*op.Expr{x}}, err
	case "$comment":
		return nil, nil
	case "$jsonSchema":
		if v.Type != bsonval.Document {
			return nil, errorf(typeMismatch, "$jsonSchema must be an object")
		}
		return &op.Expr{Op: op.ExSchema, Value: op.Raw(op.KindDocument, v.Data)}, nil
	case "$sampleRate":
		f, ok := bsonval.Float(v)
		if !ok || f < 0 || f > 1 {
			return nil, errorf(badValue, "numeric argument to $sampleRate must be in [0, 1]")
		}
		return &op.Expr{Op: op.ExSample, Value: op.Float64(f)}, nil
	case "$alwaysTrue":
		return &op.Expr{Op: op.ExTrue}, nil
	case "$alwaysFalse":
		return &op.Expr{Op: op.ExSample, Value: op.Float64(0)}, nil
	}
	if unsupportedQuery[key] {
		return nil, errorf(notImplemented, "query operator %s is not supported", key)
	}
	return nil, errorf(badValue, "unknown top level operator: %s. If you have a field name that starts with a '$' symbol, consider using $getField or $setField.", key)
}

// isOperators reports whether a document is operators rather than a value.
func isOperators(d []byte) bool {
	it := bsonval.Elements(d)
	return it.Next() && strings.HasPrefix(it.Key(), "$") && it.Key() != "$ref" && it.Key() != "$id" && it.Key() != "$db"
}

// parseField decodes the condition on one path.
func parseField(path string, v bsonval.V) ([]*op.Expr, error) {
	switch {
	case v.Type == bsonval.Regex:
		return []*op.Expr{regexExpr(path, v)}, nil
	case v.Type == bsonval.Undefined:
		return nil, errorf(badValue, "cannot compare to undefined")
	case v.Type == bsonval.Document && isOperators(v.Data):
		return parseOperators(path, v.Data)
	}
	return []*op.Expr{{Op: op.ExEq, Path: path, Value: bsonval.FromBSON(v)}}, nil
}

// regexExpr makes the condition of a regular expression value.
func regexExpr(path string, v bsonval.V) *op.Expr {
	i := bytes.IndexByte(v.Data, 0)
	return &op.Expr{Op: op.ExRegex, Path: path, Value: op.Array(op.Text(string(v.Data[:i])), op.Text(string(v.Data[i+1:len(v.Data)-1])))}
}

// parseOperators decodes {$op: value, …} on a path.
func parseOperators(path string, d []byte) ([]*op.Expr, error) {
	var list []*op.Expr
	for it := bsonval.Elements(d); it.Next(); {
		key := strings.Clone(it.Key())
		if key == "$options" {
			if bsonval.Get(d, "$regex").Type == 0 {
				return nil, errorf(badValue, "$options needs a $regex")
			}
			continue
		}
		e, err := parseOperator(path, key, it.Value, d)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	return list, nil
}

// parseOperator decodes one operator.
func parseOperator(path, key string, v bsonval.V, all []byte) (*op.Expr, error) {
	if o, ok := comparisons[key]; ok {
		switch {
		case v.Type == bsonval.Undefined:
			return nil, errorf(badValue, "cannot compare to undefined")
		case v.Type == bsonval.Regex && key != "$eq" && key != "$ne":
			return nil, errorf(badValue, "Can't have RegEx as arg to predicate over field '%s'.", path)
		case v.Type == bsonval.Regex && key == "$ne":
			return nil, errorf(badValue, "Can't have regex as arg to $ne.")
		}
		return &op.Expr{Op: o, Path: path, Value: bsonval.FromBSON(v)}, nil
	}
	switch key {
	case "$in", "$nin":
		if v.Type != bsonval.Array {
			return nil, errorf(badValue, "%s needs an array", key)
		}
		for _, x := range bsonval.Items(v) {
			if x.Type == bsonval.Document && isOperators(x.Data) {
				return nil, errorf(badValue, "cannot nest $ under %s", key)
			}
		}
		return &op.Expr{Op: map[string]op.ExprOp{"$in": op.ExIn, "$nin": op.ExNin}[key], Path: path, Value: bsonval.FromBSON(v)}, nil
	case "$exists":
		return &op.Expr{Op: op.ExExists, Path: path, Value: op.Bool(bsonval.Truthy(v))}, nil
	case "$type":
		return parseType(path, v)
	case "$regex":
		return parseRegex(path, v, bsonval.Get(all, "$options"))
	case "$size":
		n, ok := bsonval.Int(v)
		if !ok || !bsonval.IsNumber(v) || n < 0 {
			return nil, errorf(badValue, "Failed to parse $size. Expected a non-negative integer")
		}
		return &op.Expr{Op: op.ExSize, Path: path, Value: op.Int64(n)}, nil
	case "$all":
		return parseAll(path, v)
	case "$elemMatch":
		return parseElemMatch(path, v)
	case "$mod":
		return parseMod(path, v)
	case "$not":
		return parseNot(path, v)
	case "$bitsAllSet", "$bitsAnySet", "$bitsAllClear", "$bitsAnyClear":
		return parseBits(path, key, v)
	}
	if unsupportedQuery[key] {
		return nil, errorf(notImplemented, "query operator %s is not supported", key)
	}
	return nil, errorf(badValue, "unknown operator: %s", key)
}

// typeNumbers are the names $type accepts.
var typeNumbers = map[string]int64{
	"double": 1, "string": 2, "object": 3, "array": 4, "binData": 5, "undefined": 6, "objectId": 7, "bool": 8, "date": 9, "null": 10, "regex": 11, "dbPointer": 12,
	"javascript": 13, "symbol": 14, "javascriptWithScope": 15, "int": 16, "timestamp": 17, "long": 18, "decimal": 19, "minKey": -1, "maxKey": 127, "number": 0,
}

// parseType decodes $type.
func parseType(path string, v bsonval.V) (*op.Expr, error) {
	list := []bsonval.V{v}
	if v.Type == bsonval.Array {
		list = bsonval.Items(v)
	}
	var nums []op.Value
	for _, x := range list {
		n, ok := bsonval.Int(x)
		if x.Type == bsonval.String {
			n, ok = typeNumbers[bsonval.Text(x)]
		} else if n == 0 {
			ok = false
		}
		if !ok {
			return nil, errorf(badValue, "Unknown type name alias or invalid numerical type code in $type")
		}
		nums = append(nums, op.Int64(n))
	}
	if len(nums) == 0 {
		return nil, errorf(failedToParse, "%s must match at least one type", path)
	}
	return &op.Expr{Op: op.ExType, Path: path, Value: op.Array(nums...)}, nil
}

// parseRegex decodes $regex with $options.
func parseRegex(path string, v, options bsonval.V) (*op.Expr, error) {
	var pattern, flags string
	switch v.Type {
	case bsonval.String:
		pattern = bsonval.Text(v)
	case bsonval.Regex:
		i := bytes.IndexByte(v.Data, 0)
		pattern, flags = string(v.Data[:i]), string(v.Data[i+1:len(v.Data)-1])
	default:
		return nil, errorf(badValue, "$regex has to be a string")
	}
	if options.Type != 0 {
		if options.Type != bsonval.String {
			return nil, errorf(badValue, "$options has to be a string")
		}
		flags = bsonval.Text(options)
	}
	return &op.Expr{Op: op.ExRegex, Path: path, Value: op.Array(op.Text(pattern), op.Text(flags))}, nil
}

// parseAll decodes $all.
func parseAll(path string, v bsonval.V) (*op.Expr, error) {
	if v.Type != bsonval.Array {
		return nil, errorf(badValue, "$all needs an array")
	}
	e := &op.Expr{Op: op.ExAll, Path: path}
	for _, x := range bsonval.Items(v) {
		if x.Type == bsonval.Document && isOperators(x.Data) {
			m := bsonval.Get(x.Data, "$elemMatch")
			if m.Type == 0 {
				return nil, errorf(badValue, "no $ expressions in $all")
			}
			f, err := parseElemMatch(path, m)
			if err != nil {
				return nil, err
			}
			e.Args = append(e.Args, f)
			continue
		}
		f, err := parseField(path, x)
		if err != nil {
			return nil, err
		}
		e.Args = append(e.Args, f...)
	}
	return e, nil
}

// parseElemMatch decodes $elemMatch: conditions on the element itself, or a
// query on the fields below it.
func parseElemMatch(path string, v bsonval.V) (*op.Expr, error) {
	if v.Type != bsonval.Document {
		return nil, errorf(badValue, "$elemMatch needs an Object")
	}
	it := bsonval.Elements(v.Data)
	first := ""
	if it.Next() {
		first = it.Key()
	}
	var f *op.Expr
	var err error
	switch {
	case strings.HasPrefix(first, "$") && first != "$and" && first != "$or" && first != "$nor" && first != "$expr":
		var list []*op.Expr
		list, err = parseOperators("", v.Data)
		f = and(list)
	default:
		f, err = parseFilter(v.Data)
	}
	return &op.Expr{Op: op.ExElemMatch, Path: path, Args: []*op.Expr{always(f)}}, err
}

// parseMod decodes $mod.
func parseMod(path string, v bsonval.V) (*op.Expr, error) {
	items := bsonval.Items(v)
	if len(items) != 2 {
		return nil, errorf(badValue, "malformed mod, not enough or too many elements")
	}
	var n [2]int64
	for i, x := range items {
		f, ok := bsonval.Float(x)
		if !ok || f != f || f > 9e18 || f < -9e18 {
			return nil, errorf(badValue, "malformed mod, divisor and remainder must be numbers")
		}
		if k, exact := bsonval.Int(x); exact {
			n[i] = k
		} else {
			n[i] = int64(f)
		}
	}
	if n[0] == 0 {
		return nil, errorf(badValue, "divisor cannot be 0")
	}
	return &op.Expr{Op: op.ExMod, Path: path, Value: op.Array(op.Int64(n[0]), op.Int64(n[1]))}, nil
}

// parseNot decodes $not.
func parseNot(path string, v bsonval.V) (*op.Expr, error) {
	switch {
	case v.Type == bsonval.Regex:
		return &op.Expr{Op: op.ExNot, Args: []*op.Expr{regexExpr(path, v)}}, nil
	case v.Type == bsonval.Document && isOperators(v.Data):
		list, err := parseOperators(path, v.Data)
		if err != nil {
			return nil, err
		}
		return &op.Expr{Op: op.ExNot, Args: []*op.Expr{and(list)}}, nil
	}
	return nil, errorf(badValue, "$not needs a regex or a document")
}

// parseBits decodes the bitwise operators.
func parseBits(path, key string, v bsonval.V) (*op.Expr, error) {
	var pos []op.Value
	switch v.Type {
	case bsonval.Array:
		for _, x := range bsonval.Items(v) {
			n, ok := bsonval.Int(x)
			if !ok || n < 0 || n > 1<<31 {
				return nil, errorf(badValue, "bit positions must be non-negative integers")
			}
			pos = append(pos, op.Int64(n))
		}
	case bsonval.Binary:
		for i, c := range v.Data[5:] {
			for j := 0; j < 8; j++ {
				if c>>j&1 == 1 {
					pos = append(pos, op.Int64(int64(i*8+j)))
				}
			}
		}
	default:
		n, ok := bsonval.Int(v)
		if !ok || n < 0 {
			return nil, errorf(badValue, "%s takes a bit position array, a non-negative integer or BinData", key)
		}
		for j := 0; j < 63; j++ {
			if n>>j&1 == 1 {
				pos = append(pos, op.Int64(int64(j)))
			}
		}
	}
	name := map[string]string{"$bitsAllSet": "allSet", "$bitsAnySet": "anySet", "$bitsAllClear": "allClear", "$bitsAnyClear": "anyClear"}[key]
	return &op.Expr{Op: op.ExBits, Path: path, Name: name, Value: op.Array(pos...)}, nil
}

// parseSort decodes a sort document.
func parseSort(d []byte) ([]op.Sort, error) {
	var out []op.Sort
	for it := bsonval.Elements(d); it.Next(); {
		n, ok := bsonval.Int(it.Value)
		if !ok || !bsonval.IsNumber(it.Value) || (n != 1 && n != -1) {
			if it.Value.Type == bsonval.Document {
				return nil, errorf(notImplemented, "$meta sort is not supported")
			}
			return nil, errorf(badValue, "Sort key ordering must be 1 (for ascending) or -1 (for descending)")
		}
		key := strings.Clone(it.Key())
		if key == "$natural" {
			return nil, errorf(notImplemented, "$natural sort is not supported")
		}
		if key == "" || strings.HasPrefix(key, "$") {
			return nil, errorf(failedToParse, "FieldPath field names may not be empty nor start with '$'.")
		}
		out = append(out, op.Sort{Path: key, Desc: n < 0})
	}
	if len(out) > 32 {
		return nil, errorf(badValue, "too many sort keys")
	}
	return out, nil
}

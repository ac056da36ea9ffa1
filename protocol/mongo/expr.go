package mongo

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// Aggregation expressions: field paths, variables, literals, and operators.
// Operators are passed on by name; the engine refuses those it has not.

// withNames are the operators whose argument is a document of named arguments.
var withNames = map[string]bool{
	"dateToString": true, "dateFromString": true, "dateFromParts": true, "dateAdd": true, "dateSubtract": true, "dateDiff": true, "dateTrunc": true,
	"trim": true, "ltrim": true, "rtrim": true, "replaceOne": true, "replaceAll": true, "regexMatch": true, "regexFind": true, "regexFindAll": true,
	"zip": true, "setField": true, "convert": true, "unsetField": true, "dateToParts": true, "firstN": true, "lastN": true, "maxN": true, "minN": true, "median": true, "percentile": true,
}

// dateParts are the operators that take a date or {date, timezone}.
var dateParts = map[string]bool{
	"year": true, "month": true, "dayOfMonth": true, "dayOfWeek": true, "dayOfYear": true, "hour": true, "minute": true, "second": true,
	"millisecond": true, "week": true, "isoWeek": true, "isoWeekYear": true, "isoDayOfWeek": true,
}

// constant builds a literal.
func constant(v bsonval.V) *op.Expr { return &op.Expr{Op: op.ExConst, Value: bsonval.FromBSON(v)} }

// parseExpr decodes an expression.
func parseExpr(v bsonval.V) (*op.Expr, error) {
	switch v.Type {
	case bsonval.String:
		s := bsonval.Text(v)
		if len(s) > 1 && s[0] == '$' {
			return parsePath(s[1:])
		}
		if s == "$" {
			return nil, errorf(code{16872, "Location16872"}, "'$' by itself is not a valid FieldPath")
		}
		return constant(v), nil
	case bsonval.Array:
		e := &op.Expr{Op: op.ExList}
		var err error
		e.Args, err = parseExprs(bsonval.Items(v))
		return e, err
	case bsonval.Document:
		return parseExprDoc(v)
	}
	return constant(v), nil
}

// parseExprs decodes a list.
func parseExprs(list []bsonval.V) ([]*op.Expr, error) {
	out := make([]*op.Expr, len(list))
	for i, v := range list {
		e, err := parseExpr(v)
		if err != nil {
			return nil, err
		}
		out[i] = e
	}
	return out, nil
}

// parsePath decodes what follows "$": a path, or "$variable.path".
func parsePath(s string) (*op.Expr, error) {
	if strings.HasPrefix(s, "$") {
		name, path, _ := strings.Cut(s[1:], ".")
		if name == "" {
			return nil, errorf(failedToParse, "empty variable names are not allowed")
		}
		return &op.Expr{Op: op.ExVar, Name: name, Path: path}, nil
	}
	for p := range strings.SplitSeq(s, ".") {
		if p == "" || p[0] == '$' {
			return nil, errorf(code{16410, "Location16410"}, "FieldPath field names may not be empty nor start with '$'. Consider using $getField or $setField.")
		}
	}
	return &op.Expr{Op: op.ExField, Path: s}, nil
}

// parseExprDoc decodes an operator or an object of expressions.
func parseExprDoc(v bsonval.V) (*op.Expr, error) {
	e := &op.Expr{Op: op.ExDoc}
	n := 0
	for it := bsonval.Elements(v.Data); it.Next(); n++ {
		key := strings.Clone(it.Key())
		if strings.HasPrefix(key, "$") {
			more := it
			if n > 0 || more.Next() {
				return nil, errorf(code{15983, "Location15983"}, "An object representing an expression must have exactly one field")
			}
			return parseOperation(key[1:], it.Value)
		}
		if strings.Contains(key, ".") {
			return nil, errorf(code{16412, "Location16412"}, "FieldPath field names may not contain '.'. Consider using $getField or $setField.")
		}
		x, err := parseExpr(it.Value)
		if err != nil {
			return nil, err
		}
		e.Names, e.Args = append(e.Names, key), append(e.Args, x)
	}
	return e, nil
}

// parseOperation decodes one operator.
func parseOperation(name string, v bsonval.V) (*op.Expr, error) {
	switch name {
	case "literal", "const":
		return constant(v), nil
	case "meta", "function", "accumulator", "toHashedIndexKey":
		return nil, errorf(notImplemented, "expression $%s is not supported", name)
	case "cond":
		if v.Type == bsonval.Document {
			return parseFields("cond", v.Data, []string{"if", "then", "else"}, nil)
		}
	case "switch":
		return parseSwitch(v)
	case "let":
		return parseLet(v)
	case "map":
		e, err := parseFields("map", v.Data, []string{"input", "in"}, []string{"as"})
		return named(e, v, "this"), err
	case "filter":
		e, err := parseFields("filter", v.Data, []string{"input", "cond"}, []string{"as", "limit"})
		if l := bsonval.Get(v.Data, "limit"); err == nil && l.Type != 0 {
			x, err := parseExpr(l)
			if err != nil {
				return nil, err
			}
			e.Args = append(e.Args, x)
		}
		return named(e, v, "this"), err
	case "reduce":
		return parseFields("reduce", v.Data, []string{"input", "initialValue", "in"}, nil)
	case "getField":
		if v.Type != bsonval.Document || bsonval.Get(v.Data, "field").Type == 0 {
			return &op.Expr{Op: op.ExCall, Name: name, Names: []string{"field"}, Args: []*op.Expr{constant(v)}}, nil
		}
		return parseNamed(name, v)
	case "sortArray":
		e, err := parseNamed(name, v)
		if err == nil {
			for i, n := range e.Names {
				if n == "sortBy" {
					e.Args[i] = constant(bsonval.Get(v.Data, "sortBy"))
				}
			}
		}
		return e, err
	}
	if withNames[name] || (dateParts[name] && v.Type == bsonval.Document && bsonval.Get(v.Data, "date").Type != 0) {
		return parseNamed(name, v)
	}
	e := &op.Expr{Op: op.ExCall, Name: name}
	var err error
	if v.Type == bsonval.Array {
		e.Args, err = parseExprs(bsonval.Items(v))
		return e, err
	}
	x, err := parseExpr(v)
	e.Args = []*op.Expr{x}
	return e, err
}

// named adds the variable's name of $map and $filter.
func named(e *op.Expr, v bsonval.V, def string) *op.Expr {
	if e == nil {
		return nil
	}
	if as := bsonval.Text(bsonval.Get(v.Data, "as")); as != "" {
		def = as
	}
	e.Names = []string{def}
	return e
}

// parseFields decodes an operator with required arguments; extra fields are
// allowed when listed.
func parseFields(name string, d []byte, required, extra []string) (*op.Expr, error) {
	e := &op.Expr{Op: op.ExCall, Name: name, Args: make([]*op.Expr, len(required))}
	if d == nil {
		return nil, errorf(failedToParse, "$%s only supports an object as its argument", name)
	}
next:
	for it := bsonval.Elements(d); it.Next(); {
		for i, r := range required {
			if it.Key() == r {
				x, err := parseExpr(it.Value)
				if err != nil {
					return nil, err
				}
				e.Args[i] = x
				continue next
			}
		}
		for _, x := range extra {
			if it.Key() == x {
				continue next
			}
		}
		return nil, errorf(failedToParse, "Unrecognized parameter to $%s: %s", name, it.Key())
	}
	for i, r := range required {
		if e.Args[i] == nil {
			return nil, errorf(failedToParse, "Missing '%s' parameter to $%s", r, name)
		}
	}
	return e, nil
}

// parseNamed decodes an operator with named arguments.
func parseNamed(name string, v bsonval.V) (*op.Expr, error) {
	if v.Type != bsonval.Document {
		return nil, errorf(failedToParse, "$%s only supports an object as an argument, found %s", name, v.Type)
	}
	e := &op.Expr{Op: op.ExCall, Name: name}
	for it := bsonval.Elements(v.Data); it.Next(); {
		x, err := parseExpr(it.Value)
		if err != nil {
			return nil, err
		}
		e.Names, e.Args = append(e.Names, strings.Clone(it.Key())), append(e.Args, x)
	}
	return e, nil
}

// parseSwitch decodes $switch.
func parseSwitch(v bsonval.V) (*op.Expr, error) {
	if v.Type != bsonval.Document {
		return nil, errorf(failedToParse, "$switch requires an object as an argument, found: %s", v.Type)
	}
	e := &op.Expr{Op: op.ExCall, Name: "switch"}
	branches := bsonval.Items(bsonval.Get(v.Data, "branches"))
	if len(branches) == 0 {
		return nil, errorf(failedToParse, "$switch requires at least one branch.")
	}
	for _, b := range branches {
		x, err := parseFields("switch", b.Data, []string{"case", "then"}, nil)
		if err != nil {
			return nil, err
		}
		e.Args = append(e.Args, x.Args...)
	}
	if d := bsonval.Get(v.Data, "default"); d.Type != 0 {
		x, err := parseExpr(d)
		if err != nil {
			return nil, err
		}
		e.Args = append(e.Args, x)
	}
	return e, nil
}

// parseLet decodes $let.
func parseLet(v bsonval.V) (*op.Expr, error) {
	vars, in := bsonval.Get(v.Data, "vars"), bsonval.Get(v.Data, "in")
	if v.Type != bsonval.Document || vars.Type != bsonval.Document || in.Type == 0 {
		return nil, errorf(failedToParse, "$let requires 'vars' and 'in'")
	}
	e := &op.Expr{Op: op.ExLet}
	for it := bsonval.Elements(vars.Data); it.Next(); {
		x, err := parseExpr(it.Value)
		if err != nil {
			return nil, err
		}
		e.Names, e.Args = append(e.Names, strings.Clone(it.Key())), append(e.Args, x)
	}
	body, err := parseExpr(in)
	e.Args = append(e.Args, body)
	return e, err
}

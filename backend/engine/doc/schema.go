package doc

import (
	"math"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// schema is a compiled JSON schema: all rules must hold.
type schema []func(bsonval.V) bool

// ok reports whether a value meets the schema. A missing value meets any.
func (s schema) ok(v bsonval.V) bool {
	for _, rule := range s {
		if !rule(v) {
			return false
		}
	}
	return true
}

// badSchema is the refusal of a schema.
func badSchema(format string, args ...any) error {
	return &op.Error{Code: op.InvalidArgument, Object: "schema", Msg: op.Errorf(op.InvalidArgument, "$jsonSchema "+format, args...).Msg}
}

// compileSchema compiles $jsonSchema (draft 4 with bsonType, as MongoDB has it).
func compileSchema(d []byte) (schema, error) {
	var s schema
	for it := bsonval.Elements(d); it.Next(); {
		key, v := it.Key(), it.Value
		var rules schema
		var err error
		switch key {
		case "bsonType", "type":
			rules, err = schemaType(key, v)
		case "enum":
			items := bsonval.Items(v)
			rules = schema{func(x bsonval.V) bool {
				for _, e := range items {
					if bsonval.Equal(e, x) {
						return true
					}
				}
				return false
			}}
		case "allOf", "anyOf", "oneOf", "not":
			rules, err = schemaLogic(key, v)
		case "title", "description", "$comment", "id":
		case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
			rules, err = schemaNumber(key, v, d)
		case "minLength", "maxLength", "pattern":
			rules, err = schemaText(key, v)
		case "minItems", "maxItems", "uniqueItems", "items", "additionalItems":
			rules, err = schemaArray(key, v, d)
		case "required", "minProperties", "maxProperties", "properties", "patternProperties", "additionalProperties", "dependencies":
			rules, err = schemaObject(key, v, d)
		case "$ref", "$schema", "default", "definitions", "format":
			err = badSchema("keyword '%s' is not currently supported", key)
		default:
			err = badSchema("Unknown $jsonSchema keyword: %s", key)
		}
		if err != nil {
			return nil, err
		}
		s = append(s, rules...)
	}
	return s, nil
}

// schemaTypes are the names of types; 0 stands for every number.
var schemaTypes = map[string]int64{"double": 1, "string": 2, "object": 3, "array": 4, "binData": 5, "undefined": 6, "objectId": 7, "bool": 8, "boolean": 8, "date": 9, "null": 10, "regex": 11, "dbPointer": 12,
	"javascript": 13, "symbol": 14, "javascriptWithScope": 15, "int": 16, "timestamp": 17, "long": 18, "decimal": 19, "minKey": -1, "maxKey": 127, "number": 0}

// schemaType compiles bsonType and type.
func schemaType(key string, v bsonval.V) (schema, error) {
	list := []bsonval.V{v}
	if v.Type == bsonval.Array {
		list = bsonval.Items(v)
	}
	var nums []op.Value
	for _, x := range list {
		n, ok := schemaTypes[bsonval.Text(x)]
		if !ok || (bsonval.Text(x) == "boolean") != (key == "type" && n == 8) {
			return nil, badSchema("Unknown type name alias: %s", bsonval.Text(x))
		}
		nums = append(nums, op.Int64(n))
	}
	test := typeTest(nums)
	return schema{test}, nil
}

// schemaLogic compiles the combinations.
func schemaLogic(key string, v bsonval.V) (schema, error) {
	list := bsonval.Items(v)
	if key == "not" {
		list = []bsonval.V{v}
	} else if len(list) == 0 {
		return nil, badSchema("keyword '%s' must be a non-empty array", key)
	}
	var parts []schema
	for _, x := range list {
		if x.Type != bsonval.Document {
			return nil, badSchema("keyword '%s' must hold objects", key)
		}
		s, err := compileSchema(x.Data)
		if err != nil {
			return nil, err
		}
		parts = append(parts, s)
	}
	return schema{func(x bsonval.V) bool {
		n := 0
		for _, p := range parts {
			if p.ok(x) {
				n++
			}
		}
		switch key {
		case "allOf":
			return n == len(parts)
		case "anyOf":
			return n > 0
		case "oneOf":
			return n == 1
		}
		return n == 0
	}}, nil
}

// schemaNumber compiles the rules on numbers; other types meet them.
func schemaNumber(key string, v bsonval.V, d []byte) (schema, error) {
	if strings.HasPrefix(key, "exclusive") {
		if v.Type != bsonval.Boolean {
			return nil, badSchema("keyword '%s' must be a boolean", key)
		}
		return nil, nil
	}
	if !bsonval.IsNumber(v) {
		return nil, badSchema("keyword '%s' must be a number", key)
	}
	low, high := bsonval.Truthy(bsonval.Get(d, "exclusiveMinimum")), bsonval.Truthy(bsonval.Get(d, "exclusiveMaximum"))
	return schema{func(x bsonval.V) bool {
		if !bsonval.IsNumber(x) {
			return true
		}
		switch key {
		case "minimum":
			c := bsonval.Compare(x, v)
			return c > 0 || (c == 0 && !low)
		case "maximum":
			c := bsonval.Compare(x, v)
			return c < 0 || (c == 0 && !high)
		}
		f, _ := bsonval.Float(x)
		g, _ := bsonval.Float(v)
		return g != 0 && math.Mod(f, g) == 0
	}}, nil
}

// schemaText compiles the rules on strings.
func schemaText(key string, v bsonval.V) (schema, error) {
	if key == "pattern" {
		re, err := compileRegex(bsonval.Text(v), "")
		return schema{func(x bsonval.V) bool { return x.Type != bsonval.String || re.MatchString(bsonval.Text(x)) }}, err
	}
	n, ok := bsonval.Int(v)
	if !ok || n < 0 {
		return nil, badSchema("keyword '%s' must be a non-negative integer", key)
	}
	return schema{func(x bsonval.V) bool {
		if x.Type != bsonval.String {
			return true
		}
		l := int64(utf8.RuneCountInString(bsonval.Text(x)))
		return (key == "minLength" && l >= n) || (key == "maxLength" && l <= n)
	}}, nil
}

// schemaArray compiles the rules on arrays.
func schemaArray(key string, v bsonval.V, d []byte) (schema, error) {
	array := func(f func([]bsonval.V) bool) schema {
		return schema{func(x bsonval.V) bool { return x.Type != bsonval.Array || f(bsonval.Items(x)) }}
	}
	switch key {
	case "minItems", "maxItems":
		n, ok := bsonval.Int(v)
		if !ok || n < 0 {
			return nil, badSchema("keyword '%s' must be a non-negative integer", key)
		}
		return array(func(l []bsonval.V) bool {
			return (key == "minItems" && int64(len(l)) >= n) || (key == "maxItems" && int64(len(l)) <= n)
		}), nil
	case "uniqueItems":
		if !bsonval.Truthy(v) {
			return nil, nil
		}
		return array(func(l []bsonval.V) bool {
			seen := map[string]bool{}
			for _, x := range l {
				k := string(valueKey(x))
				if seen[k] {
					return false
				}
				seen[k] = true
			}
			return true
		}), nil
	case "items":
		if v.Type == bsonval.Document {
			s, err := compileSchema(v.Data)
			return array(func(l []bsonval.V) bool {
				for _, x := range l {
					if !s.ok(x) {
						return false
					}
				}
				return true
			}), err
		}
		var parts []schema
		for _, x := range bsonval.Items(v) {
			s, err := compileSchema(x.Data)
			if err != nil {
				return nil, err
			}
			parts = append(parts, s)
		}
		return array(func(l []bsonval.V) bool {
			for i, p := range parts {
				if i < len(l) && !p.ok(l[i]) {
					return false
				}
			}
			return true
		}), nil
	}
	items := bsonval.Get(d, "items")
	if items.Type != bsonval.Array { // without a list of items there are no additional ones
		return nil, nil
	}
	n := len(bsonval.Items(items))
	s, refuse, err := subSchema(v)
	return array(func(l []bsonval.V) bool {
		for i := n; i < len(l); i++ {
			if refuse || !s.ok(l[i]) {
				return false
			}
		}
		return true
	}), err
}

// subSchema reads a schema, or a boolean: false refuses everything.
func subSchema(v bsonval.V) (s schema, refuse bool, err error) {
	switch v.Type {
	case bsonval.Boolean:
		return nil, !bsonval.Truthy(v), nil
	case bsonval.Document:
		s, err = compileSchema(v.Data)
		return s, false, err
	}
	return nil, false, badSchema("a subschema must be an object or a boolean")
}

// property is one named or patterned property.
type property struct {
	name string
	re   *regexp.Regexp
	s    schema
}

// properties reads properties and patternProperties.
func properties(d []byte) (list []property, err error) {
	for it := bsonval.Elements(bsonval.Get(d, "properties").Data); it.Next(); {
		p := property{name: strings.Clone(it.Key())}
		if it.Value.Type != bsonval.Document {
			return nil, badSchema("Nested schema for keyword 'properties' must be an object")
		}
		if p.s, err = compileSchema(it.Value.Data); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	for it := bsonval.Elements(bsonval.Get(d, "patternProperties").Data); it.Next(); {
		p := property{}
		if p.re, err = compileRegex(strings.Clone(it.Key()), ""); err != nil {
			return nil, err
		}
		if p.s, err = compileSchema(it.Value.Data); err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// schemaObject compiles the rules on objects.
func schemaObject(key string, v bsonval.V, d []byte) (schema, error) {
	object := func(f func([]byte) bool) schema {
		return schema{func(x bsonval.V) bool { return x.Type != bsonval.Document || f(x.Data) }}
	}
	switch key {
	case "required":
		list := bsonval.Items(v)
		if v.Type != bsonval.Array || len(list) == 0 {
			return nil, badSchema("keyword 'required' must be a non-empty array of strings")
		}
		return object(func(d []byte) bool {
			for _, n := range list {
				if bsonval.Get(d, bsonval.Text(n)).Type == 0 {
					return false
				}
			}
			return true
		}), nil
	case "minProperties", "maxProperties":
		n, ok := bsonval.Int(v)
		if !ok || n < 0 {
			return nil, badSchema("keyword '%s' must be a non-negative integer", key)
		}
		return object(func(d []byte) bool {
			c := int64(0)
			for it := bsonval.Elements(d); it.Next(); {
				c++
			}
			return (key == "minProperties" && c >= n) || (key == "maxProperties" && c <= n)
		}), nil
	case "dependencies":
		return schemaDependencies(v, object)
	}
	list, err := properties(d)
	if err != nil {
		return nil, err
	}
	if key != "additionalProperties" {
		return object(func(d []byte) bool {
			for it := bsonval.Elements(d); it.Next(); {
				for _, p := range list {
					if ((p.re == nil) == (key == "properties")) && p.matches(it.Key()) && !p.s.ok(it.Value) {
						return false
					}
				}
			}
			return true
		}), nil
	}
	s, refuse, err := subSchema(v)
	return object(func(d []byte) bool {
		for it := bsonval.Elements(d); it.Next(); {
			known := false
			for _, p := range list {
				known = known || p.matches(it.Key())
			}
			if !known && (refuse || !s.ok(it.Value)) {
				return false
			}
		}
		return true
	}), err
}

// matches reports whether a property is about a field.
func (p *property) matches(name string) bool {
	if p.re != nil {
		return p.re.MatchString(name)
	}
	return p.name == name
}

// schemaDependencies compiles dependencies.
func schemaDependencies(v bsonval.V, object func(func([]byte) bool) schema) (schema, error) {
	var rules schema
	for it := bsonval.Elements(v.Data); it.Next(); {
		name := strings.Clone(it.Key())
		if it.Value.Type == bsonval.Array {
			need := bsonval.Items(it.Value)
			rules = append(rules, object(func(d []byte) bool {
				if bsonval.Get(d, name).Type == 0 {
					return true
				}
				for _, n := range need {
					if bsonval.Get(d, bsonval.Text(n)).Type == 0 {
						return false
					}
				}
				return true
			})...)
			continue
		}
		s, err := compileSchema(it.Value.Data)
		if err != nil {
			return nil, err
		}
		rules = append(rules, object(func(d []byte) bool { return bsonval.Get(d, name).Type == 0 || s.ok(bsonval.DocV(d)) })...)
	}
	return rules, nil
}

package funcs

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// registerMySQLJSON registers the JSON functions with MySQL's path language.
func registerMySQLJSON(strict func(string, int, func([]op.Value) op.Value)) {
	strict("dotdo_my_json_extract", -1, myJSONExtract)
	strict("dotdo_my_json_length", 1, myJSONLength)
	strict("dotdo_my_json_type", 1, myJSONType)
}

// myDecode reads JSON, keeping numbers as text.
func myDecode(s string) (any, bool) {
	d := json.NewDecoder(strings.NewReader(s))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return nil, false
	}
	return v, true
}

// myEncode writes a value in the stored normal form.
func myEncode(v any) op.Value {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if e.Encode(v) != nil {
		return op.Null
	}
	out, err := datum.NormalizeJSONB(nil, b.String())
	if err != nil {
		return op.Null
	}
	return op.Value{Kind: op.KindText, Raw: out}
}

// myStep is one leg of a path. wild legs match everything below a node, deep
// ones at any depth.
type myStep struct {
	key   string
	index int
	last  bool // index counts from the end
	array bool
	wild  bool
	deep  bool
}

// myPath reads $.a."b c"[0][last-1].*[*]**.x.
func myPath(p string) ([]myStep, bool) {
	p = strings.TrimSpace(p)
	if !strings.HasPrefix(p, "$") {
		return nil, false
	}
	p = p[1:]
	var out []myStep
	deep := false
	for p = strings.TrimLeft(p, " "); p != ""; p = strings.TrimLeft(p, " ") {
		var s myStep
		var ok bool
		switch {
		case strings.HasPrefix(p, "**"):
			deep, p = true, p[2:]
			continue
		case p[0] == '.':
			s, p, ok = myMember(p[1:])
		case p[0] == '[':
			s, p, ok = myIndex(p[1:])
		}
		if !ok {
			return nil, false
		}
		s.deep, deep = deep, false
		out = append(out, s)
	}
	return out, !deep
}

// myMember reads a leg behind a dot.
func myMember(p string) (myStep, string, bool) {
	if strings.HasPrefix(p, "*") {
		return myStep{wild: true}, p[1:], true
	}
	if strings.HasPrefix(p, `"`) {
		for i := 1; i < len(p); i++ {
			if p[i] == '\\' {
				i++
			} else if p[i] == '"' {
				k, err := strconv.Unquote(p[:i+1])
				return myStep{key: k}, p[i+1:], err == nil
			}
		}
		return myStep{}, "", false
	}
	i := strings.IndexAny(p, ".[* ")
	if i < 0 {
		i = len(p)
	}
	return myStep{key: p[:i]}, p[i:], i > 0
}

// myIndex reads a leg in brackets.
func myIndex(p string) (myStep, string, bool) {
	in, rest, ok := strings.Cut(p, "]")
	in = strings.TrimSpace(in)
	s := myStep{array: true}
	switch {
	case !ok:
		return s, "", false
	case in == "*":
		s.wild = true
		return s, rest, true
	case strings.HasPrefix(in, "last"):
		s.last = true
		in = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(in[4:]), "-"))
		if in == "" {
			return s, rest, true
		}
	}
	n, err := strconv.Atoi(in)
	s.index = n
	return s, rest, err == nil && n >= 0
}

// myFollow collects what a path reaches.
func myFollow(v any, steps []myStep, out *[]any) {
	if len(steps) == 0 {
		*out = append(*out, v)
		return
	}
	s := steps[0]
	if s.deep {
		flat := s
		flat.deep = false
		myFollow(v, append([]myStep{flat}, steps[1:]...), out)
		for _, c := range myChildren(v) {
			myFollow(c, steps, out)
		}
		return
	}
	switch x := v.(type) {
	case map[string]any:
		switch {
		case s.array && s.wild:
		case s.array: // a scalar or object is its own only element
			if s.index == 0 {
				myFollow(v, steps[1:], out)
			}
		case s.wild:
			for _, c := range myChildren(v) {
				myFollow(c, steps[1:], out)
			}
		default:
			if c, ok := x[s.key]; ok {
				myFollow(c, steps[1:], out)
			}
		}
	case []any:
		i := s.index
		if s.last {
			i = len(x) - 1 - s.index
		}
		switch {
		case !s.array:
		case s.wild:
			for _, c := range x {
				myFollow(c, steps[1:], out)
			}
		case i >= 0 && i < len(x):
			myFollow(x[i], steps[1:], out)
		}
	default:
		if s.array && !s.wild && s.index == 0 {
			myFollow(v, steps[1:], out)
		}
	}
}

// myChildren lists the members of an object, in stored order, or the elements
// of an array.
func myChildren(v any) []any {
	switch x := v.(type) {
	case []any:
		return x
	case map[string]any:
		var out []any
		for _, k := range mySortedKeys(x) {
			out = append(out, x[k])
		}
		return out
	}
	return nil
}

// mySortedKeys returns keys by length, then bytes.
func mySortedKeys(m map[string]any) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		i := len(out)
		for i > 0 && (len(out[i-1]) > len(k) || len(out[i-1]) == len(k) && out[i-1] > k) {
			i--
		}
		out = append(out, "")
		copy(out[i+1:], out[i:])
		out[i] = k
	}
	return out
}

// myJSONExtract is JSON_EXTRACT(doc, path, …): one match is itself, several
// (or several paths) become an array.
func myJSONExtract(a []op.Value) op.Value {
	v, ok := myDecode(myText(a[0]))
	if !ok || len(a) < 2 {
		return op.Null
	}
	var found []any
	many := len(a) > 2
	for _, p := range a[1:] {
		steps, ok := myPath(myText(p))
		if !ok {
			return op.Null
		}
		for _, s := range steps {
			many = many || s.wild || s.deep
		}
		myFollow(v, steps, &found)
	}
	switch {
	case len(found) == 0:
		return op.Null
	case !many:
		return myEncode(found[0])
	}
	return myEncode(found)
}

// myJSONLength counts members or elements; a scalar has length 1.
func myJSONLength(a []op.Value) op.Value {
	v, ok := myDecode(myText(a[0]))
	switch x := v.(type) {
	case map[string]any:
		return op.Int64(int64(len(x)))
	case []any:
		return op.Int64(int64(len(x)))
	}
	if !ok {
		return op.Null
	}
	return op.Int64(1)
}

// myJSONType names the type of a JSON value.
func myJSONType(a []op.Value) op.Value {
	v, ok := myDecode(myText(a[0]))
	if !ok {
		return op.Null
	}
	switch x := v.(type) {
	case map[string]any:
		return op.Text("OBJECT")
	case []any:
		return op.Text("ARRAY")
	case string:
		return op.Text("STRING")
	case bool:
		return op.Text("BOOLEAN")
	case json.Number:
		if strings.ContainsAny(x.String(), ".eE") {
			return op.Text("DOUBLE")
		}
		return op.Text("INTEGER")
	}
	return op.Text("NULL")
}

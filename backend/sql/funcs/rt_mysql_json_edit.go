package funcs

import (
	"encoding/json"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// registerMySQLJSONEdits registers the JSON functions that change, merge and
// search documents.
func registerMySQLJSONEdits(r *sqlite.Registry) {
	lax := func(name string, f func([]op.Value) op.Value) { r.Scalar(name, -1, true, myLax(f)) }
	lax("dotdo_my_json_edit", myJSONEdit)
	lax("dotdo_my_json_remove", myJSONRemove)
	lax("dotdo_my_json_merge", myJSONMerge)
	lax("dotdo_my_json_contains", myJSONContains)
	lax("dotdo_my_json_has", myJSONHas)
	lax("dotdo_my_json_search", myJSONSearch)
	lax("dotdo_my_json_overlaps", myJSONOverlaps)
	lax("dotdo_my_json_at", myJSONAt)
	lax("dotdo_my_json_depth", func(a []op.Value) op.Value {
		v, ok := myDecode(myText(a[0]))
		if a[0].IsNull() || !ok {
			return op.Null
		}
		return op.Int64(myDepth(v))
	})
}

// anyNull reports whether an argument is NULL.
func anyNull(a []op.Value) bool {
	for _, v := range a {
		if v.IsNull() {
			return true
		}
	}
	return false
}

// myDepth is the depth of a document: a scalar has 1.
func myDepth(v any) int64 {
	n := int64(0)
	for _, c := range myChildren(v) {
		n = max(n, myDepth(c))
	}
	return n + 1
}

// myJSONValue turns a typed SQL value into a JSON one.
func myJSONValue(code, v op.Value) any {
	t := TypeOf(code.Int(), 0, 0)
	switch {
	case v.IsNull():
		return nil
	case t.Base == op.TJSON || t.Base == op.TJSONB:
		x, _ := myDecode(myText(v))
		return x
	case t.Base == op.TBoolean:
		return v.Int() != 0
	case IsNumber(t):
		return json.Number(string(datum.AppendMySQL(nil, t, v, datum.Options{})))
	}
	return string(datum.AppendMySQL(nil, t, v, datum.Options{}))
}

// myJSONEdit is JSON_SET, JSON_INSERT, JSON_REPLACE, JSON_ARRAY_APPEND and
// JSON_ARRAY_INSERT: mode, document, then type, path, type, value ….
func myJSONEdit(a []op.Value) op.Value {
	mode := a[0].Str()
	if len(a) < 2 || a[1].IsNull() || len(a)%4 != 2 {
		return op.Null
	}
	doc, ok := myDecode(myText(a[1]))
	if !ok {
		return op.Null
	}
	for i := 2; i+3 < len(a); i += 4 {
		if a[i+1].IsNull() {
			return op.Null
		}
		steps, ok := myPath(myText(a[i+1]))
		if !ok {
			return op.Null
		}
		doc = myChange(doc, steps, mode, myJSONValue(a[i+2], a[i+3]))
	}
	return myEncode(doc)
}

// myChange applies one edit below a node and returns the node.
func myChange(v any, steps []myStep, mode string, value any) any {
	if len(steps) == 0 {
		switch {
		case mode == "append":
			if l, ok := v.([]any); ok {
				return append(l, value)
			}
			return []any{v, value}
		case mode == "set" || mode == "replace":
			return value
		}
		return v
	}
	s, last := steps[0], len(steps) == 1
	if s.wild || s.deep {
		return v
	}
	switch x := v.(type) {
	case map[string]any:
		if s.array {
			if s.index == 0 {
				return myChange(v, steps[1:], mode, value)
			}
			return v
		}
		old, there := x[s.key]
		switch {
		case there && !(last && mode == "insert"):
			x[s.key] = myChange(old, steps[1:], mode, value)
		case !there && last && (mode == "set" || mode == "insert"):
			x[s.key] = value
		}
	case []any:
		if !s.array {
			return v
		}
		i := s.index
		if s.last {
			i = len(x) - 1 - s.index
		}
		switch {
		case last && mode == "array_insert":
			i = min(max(i, 0), len(x))
			return append(x[:i:i], append([]any{value}, x[i:]...)...)
		case i >= 0 && i < len(x):
			if !(last && mode == "insert") {
				x[i] = myChange(x[i], steps[1:], mode, value)
			}
		case i >= len(x) && last && (mode == "set" || mode == "insert"):
			return append(x, value)
		}
	default:
		switch {
		case s.array && s.index == 0 && !(last && mode == "insert"):
			return myChange(v, steps[1:], mode, value)
		case s.array && last && s.index > 0 && (mode == "set" || mode == "insert"):
			return []any{v, value}
		}
	}
	return v
}

// myJSONRemove is JSON_REMOVE(doc, path, …).
func myJSONRemove(a []op.Value) op.Value {
	if anyNull(a) {
		return op.Null
	}
	doc, ok := myDecode(myText(a[0]))
	if !ok {
		return op.Null
	}
	for _, p := range a[1:] {
		steps, ok := myPath(myText(p))
		if !ok || len(steps) == 0 {
			return op.Null
		}
		doc = myCut(doc, steps)
	}
	return myEncode(doc)
}

// myCut removes what a path reaches.
func myCut(v any, steps []myStep) any {
	s, last := steps[0], len(steps) == 1
	switch x := v.(type) {
	case map[string]any:
		if old, ok := x[s.key]; ok && !s.array {
			if last {
				delete(x, s.key)
			} else {
				x[s.key] = myCut(old, steps[1:])
			}
		}
	case []any:
		i := s.index
		if s.last {
			i = len(x) - 1 - s.index
		}
		if !s.array || i < 0 || i >= len(x) {
			return v
		}
		if last {
			return append(x[:i:i], x[i+1:]...)
		}
		x[i] = myCut(x[i], steps[1:])
	}
	return v
}

// myJSONMerge is JSON_MERGE_PATCH and JSON_MERGE_PRESERVE: mode, documents.
func myJSONMerge(a []op.Value) op.Value {
	if len(a) < 2 || anyNull(a) {
		return op.Null
	}
	out, ok := myDecode(myText(a[1]))
	for _, v := range a[2:] {
		next, good := myDecode(myText(v))
		ok = ok && good
		if a[0].Str() == "patch" {
			out = myPatch(out, next)
		} else {
			out = myPreserve(out, next)
		}
	}
	if !ok {
		return op.Null
	}
	return myEncode(out)
}

// myPatch merges by RFC 7396.
func myPatch(a, b any) any {
	y, ok := b.(map[string]any)
	if !ok {
		return b
	}
	x, ok := a.(map[string]any)
	if !ok {
		x = map[string]any{}
	}
	for k, v := range y {
		if v == nil {
			delete(x, k)
		} else {
			x[k] = myPatch(x[k], v)
		}
	}
	return x
}

// myPreserve merges objects member by member and joins everything else to
// arrays.
func myPreserve(a, b any) any {
	x, ok := a.(map[string]any)
	y, ok2 := b.(map[string]any)
	if ok && ok2 {
		for k, v := range y {
			if old, there := x[k]; there {
				v = myPreserve(old, v)
			}
			x[k] = v
		}
		return x
	}
	list := func(v any) []any {
		if l, ok := v.([]any); ok {
			return l
		}
		return []any{v}
	}
	return append(list(a), list(b)...)
}

// myJSONContains is JSON_CONTAINS(doc, candidate, path).
func myJSONContains(a []op.Value) op.Value {
	if anyNull(a) {
		return op.Null
	}
	doc, ok := myDecode(myText(a[0]))
	want, ok2 := myDecode(myText(a[1]))
	if !ok || !ok2 {
		return op.Null
	}
	if len(a) > 2 {
		steps, ok := myPath(myText(a[2]))
		var found []any
		if ok {
			myFollow(doc, steps, &found)
		}
		if len(found) == 0 {
			return op.Null
		}
		doc = found[0]
	}
	return op.Int64(int64(b2i(myHolds(doc, want))))
}

// myHolds tells whether a document contains another.
func myHolds(doc, want any) bool {
	switch d := doc.(type) {
	case []any:
		if w, ok := want.([]any); ok {
			for _, x := range w {
				if !myHolds(doc, x) {
					return false
				}
			}
			return true
		}
		for _, x := range d {
			if myHolds(x, want) {
				return true
			}
		}
		return false
	case map[string]any:
		w, ok := want.(map[string]any)
		if !ok {
			return false
		}
		for k, x := range w {
			if y, there := d[k]; !there || !myHolds(y, x) {
				return false
			}
		}
		return true
	}
	return mySameJSON(doc, want)
}

// mySameJSON compares two documents; numbers by value.
func mySameJSON(a, b any) bool {
	x, ok := a.(json.Number)
	y, ok2 := b.(json.Number)
	if ok && ok2 {
		f, err := x.Float64()
		g, err2 := y.Float64()
		return err == nil && err2 == nil && f == g
	}
	if ok != ok2 {
		return false
	}
	p, q := myEncode(a), myEncode(b)
	return p.Str() == q.Str()
}

// myJSONHas is JSON_CONTAINS_PATH(doc, one|all, path, …).
func myJSONHas(a []op.Value) op.Value {
	if anyNull(a) || len(a) < 3 {
		return op.Null
	}
	doc, ok := myDecode(myText(a[0]))
	if !ok {
		return op.Null
	}
	all := strings.EqualFold(myText(a[1]), "all")
	for _, p := range a[2:] {
		steps, ok := myPath(myText(p))
		if !ok {
			return op.Null
		}
		var found []any
		myFollow(doc, steps, &found)
		if (len(found) > 0) != all {
			return op.Int64(int64(b2i(!all)))
		}
	}
	return op.Int64(int64(b2i(all)))
}

// myJSONSearch is JSON_SEARCH(doc, one|all, text, escape, path): the paths of
// strings that match a LIKE pattern.
func myJSONSearch(a []op.Value) op.Value {
	if len(a) < 3 || anyNull(a[:3]) {
		return op.Null
	}
	doc, ok := myDecode(myText(a[0]))
	if !ok {
		return op.Null
	}
	var found []any
	var walk func(v any, path string)
	walk = func(v any, path string) {
		switch x := v.(type) {
		case string:
			if myLike(myText(a[2]), x) {
				found = append(found, path)
			}
		case []any:
			for i, c := range x {
				walk(c, path+"["+myText(op.Int64(int64(i)))+"]")
			}
		case map[string]any:
			for _, k := range mySortedKeys(x) {
				walk(x[k], path+"."+myKey(k))
			}
		}
	}
	walk(doc, "$")
	switch {
	case len(found) == 0:
		return op.Null
	case len(found) == 1 || strings.EqualFold(myText(a[1]), "one"):
		return myEncode(found[0])
	}
	return myEncode(found)
}

// myKey writes a member name in a path, quoted when it is not a plain word.
func myKey(k string) string {
	for i, r := range k {
		if !(r == '_' || r == '$' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || i > 0 && r >= '0' && r <= '9') {
			return string(myEncode(k).Raw)
		}
	}
	return k
}

// myLike matches % and _ with a backslash as escape, case-insensitively.
func myLike(pattern, s string) bool {
	p, t := []rune(strings.ToLower(pattern)), []rune(strings.ToLower(s))
	star, mark, i, j := -1, 0, 0, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '%':
			star, mark = i, j
			i++
		case i < len(p) && p[i] == '_':
			i, j = i+1, j+1
		case i+1 < len(p) && p[i] == '\\' && p[i+1] == t[j]:
			i, j = i+2, j+1
		case i < len(p) && p[i] == t[j] && p[i] != '\\':
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '%' {
		i++
	}
	return i == len(p)
}

// myJSONOverlaps is JSON_OVERLAPS: a common element, member or value.
func myJSONOverlaps(a []op.Value) op.Value {
	if anyNull(a) {
		return op.Null
	}
	x, ok := myDecode(myText(a[0]))
	y, ok2 := myDecode(myText(a[1]))
	if !ok || !ok2 {
		return op.Null
	}
	m, ok := x.(map[string]any)
	n, ok2 := y.(map[string]any)
	if ok && ok2 {
		for k, v := range m {
			if w, there := n[k]; there && mySameJSON(v, w) {
				return op.Int64(1)
			}
		}
		return op.Int64(0)
	}
	list := func(v any) []any {
		if l, ok := v.([]any); ok {
			return l
		}
		return []any{v}
	}
	for _, v := range list(x) {
		for _, w := range list(y) {
			if mySameJSON(v, w) {
				return op.Int64(1)
			}
		}
	}
	return op.Int64(0)
}

// myJSONAt is JSON_KEYS and JSON_LENGTH with a path: mode, document, path.
func myJSONAt(a []op.Value) op.Value {
	if anyNull(a) {
		return op.Null
	}
	doc, ok := myDecode(myText(a[1]))
	steps, ok2 := myPath(myText(a[2]))
	if !ok || !ok2 {
		return op.Null
	}
	var found []any
	if myFollow(doc, steps, &found); len(found) == 0 {
		return op.Null
	}
	if a[0].Str() == "length" {
		return myJSONLength([]op.Value{myEncode(found[0])})
	}
	m, ok := found[0].(map[string]any)
	if !ok {
		return op.Null
	}
	var keys []any
	for _, k := range mySortedKeys(m) {
		keys = append(keys, k)
	}
	return myEncode(keys)
}

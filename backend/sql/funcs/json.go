package funcs

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// pair is one member of a JSON object.
type pair struct {
	key string
	val json.RawMessage
}

// jsonKind tells what a JSON text is by its first byte.
func jsonKind(raw []byte) byte {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 {
		return 0
	}
	switch c := raw[0]; c {
	case '{', '[', '"', 't', 'f', 'n':
		return c
	}
	return '0'
}

// members reads an object in order.
func members(raw []byte) ([]pair, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, badJSON(raw)
	}
	var out []pair
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, badJSON(raw)
		}
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			return nil, badJSON(raw)
		}
		key, _ := k.(string)
		out = append(out, pair{key, v})
	}
	return out, nil
}

// items reads an array.
func items(raw []byte) ([]json.RawMessage, error) {
	var out []json.RawMessage
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, badJSON(raw)
	}
	return out, nil
}

// badJSON reports text that is no JSON.
func badJSON(raw []byte) error {
	if err := datum.CheckJSON(string(raw)); err != nil {
		return err
	}
	return op.Errorf(op.InvalidArgument, "invalid input syntax for type json")
}

// member steps into a JSON value by key or index; nil = not there.
func member(raw []byte, key string, index bool) ([]byte, error) {
	switch jsonKind(raw) {
	case '{':
		if index {
			return nil, nil
		}
		list, err := members(raw)
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].key == key {
				return list[i].val, err
			}
		}
		return nil, err
	case '[':
		n, e := strconv.Atoi(key)
		if e != nil {
			return nil, nil
		}
		list, err := items(raw)
		if n < 0 {
			n += len(list)
		}
		if err != nil || n < 0 || n >= len(list) {
			return nil, err
		}
		return list[n], nil
	}
	return nil, nil
}

// raw returns a JSON result, NULL for nil.
func raw(b []byte) op.Value {
	if b == nil {
		return op.Null
	}
	return op.Raw(op.KindText, bytes.TrimSpace(b))
}

// scalarText is ->>: a string without quotes, null as NULL.
func scalarText(b []byte) op.Value {
	switch jsonKind(b) {
	case '"':
		var s string
		if json.Unmarshal(b, &s) == nil {
			return op.Text(s)
		}
	case 'n', 0:
		return op.Null
	}
	return raw(b)
}

// pathArg reads a text[] path.
func pathArg(v op.Value) ([]string, error) {
	list, err := items(v.Raw)
	if err != nil {
		return nil, err
	}
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = scalarText(r).Str()
	}
	return out, nil
}

// walk follows a path; nil = not there.
func walk(b []byte, path []string) ([]byte, error) {
	for _, k := range path {
		var err error
		if b, err = member(b, k, false); err != nil || b == nil {
			return nil, err
		}
	}
	return b, nil
}

// jsonb normalises a JSON text.
func jsonb(b []byte) (op.Value, error) {
	out, err := datum.NormalizeJSONB(nil, string(b))
	return op.Raw(op.KindText, out), err
}

// jsonFuncs are JSON functions and operators.
var jsonFuncs = []fn{
	{"dotdo_json_get", 2, func(a []op.Value) (op.Value, error) {
		if a[1].Kind == op.KindInt64 {
			b, err := member(a[0].Raw, strconv.FormatInt(a[1].Int(), 10), true)
			return raw(b), err
		}
		if jsonKind(a[0].Raw) != '{' {
			return op.Null, nil
		}
		b, err := member(a[0].Raw, a[1].Str(), false)
		return raw(b), err
	}},
	{"dotdo_json_text", 1, func(a []op.Value) (op.Value, error) { return scalarText(a[0].Raw), nil }},
	{"dotdo_json_path", 2, func(a []op.Value) (op.Value, error) {
		p, err := pathArg(a[1])
		if err != nil {
			return op.Null, err
		}
		b, err := walk(a[0].Raw, p)
		return raw(b), err
	}},
	{"dotdo_jsonb", 1, func(a []op.Value) (op.Value, error) { return jsonb(a[0].Raw) }},
	{"dotdo_jsonb_key", 1, func(a []op.Value) (op.Value, error) { return jsonSortKey(a[0].Raw) }},
	{"dotdo_jsonb_cmp", 2, func(a []op.Value) (op.Value, error) {
		x, err := jsonSortKey(a[0].Raw)
		if err != nil {
			return op.Null, err
		}
		y, err := jsonSortKey(a[1].Raw)
		return op.Int64(int64(bytes.Compare(x.Raw, y.Raw))), err
	}},
	{"dotdo_jsonb_cat", 2, func(a []op.Value) (op.Value, error) {
		x, y := bytes.TrimSpace(a[0].Raw), bytes.TrimSpace(a[1].Raw)
		kx, ky := jsonKind(x), jsonKind(y)
		if kx == '{' && ky == '{' {
			return jsonb([]byte(join("{", trimEnds(x), trimEnds(y), "}")))
		}
		return jsonb([]byte(join("[", asList(x, kx), asList(y, ky), "]")))
	}},
	{"dotdo_jsonb_delete", 2, func(a []op.Value) (op.Value, error) {
		return removeKeys(a[0].Raw, []op.Value{a[1]})
	}},
	{"dotdo_jsonb_delete_keys", 2, func(a []op.Value) (op.Value, error) {
		p, err := pathArg(a[1])
		var keys []op.Value
		for _, k := range p {
			keys = append(keys, op.Text(k))
		}
		if err != nil {
			return op.Null, err
		}
		return removeKeys(a[0].Raw, keys)
	}},
	{"dotdo_jsonb_delete_path", 2, func(a []op.Value) (op.Value, error) {
		p, err := pathArg(a[1])
		if err != nil || len(p) == 0 {
			return a[0], err
		}
		b, err := edit(a[0].Raw, p, nil, editDelete)
		if err != nil {
			return op.Null, err
		}
		return jsonb(b)
	}},
	{"dotdo_jsonb_set", 4, func(a []op.Value) (op.Value, error) {
		how := editReplace
		if a[3].Int() != 0 {
			how = editSet
		}
		return editCall(a, how)
	}},
	{"dotdo_jsonb_insert", 4, func(a []op.Value) (op.Value, error) {
		how := editBefore
		if a[3].Int() != 0 {
			how = editAfter
		}
		return editCall(a, how)
	}},
	{"dotdo_jsonb_contains", 2, func(a []op.Value) (op.Value, error) {
		var x, y any
		if json.Unmarshal(a[0].Raw, &x) != nil || json.Unmarshal(a[1].Raw, &y) != nil {
			return op.Null, badJSON(a[0].Raw)
		}
		return op.Int64(int64(b2i(contains(x, y, true)))), nil
	}},
	{"dotdo_jsonb_has", 2, func(a []op.Value) (op.Value, error) {
		return op.Int64(int64(b2i(has(a[0].Raw, a[1].Str())))), nil
	}},
	{"dotdo_jsonb_any", 2, hasMany(false)},
	{"dotdo_jsonb_all", 2, hasMany(true)},
	{"dotdo_json_length", 1, func(a []op.Value) (op.Value, error) {
		if jsonKind(a[0].Raw) != '[' {
			what := "a scalar"
			if jsonKind(a[0].Raw) == '{' {
				what = "a non-array"
			}
			return op.Null, op.Errorf(op.InvalidArgument, "cannot get array length of %s", what)
		}
		l, err := items(a[0].Raw)
		return op.Int64(int64(len(l))), err
	}},
	{"dotdo_json_typeof", 1, func(a []op.Value) (op.Value, error) {
		return op.Text(map[byte]string{'{': "object", '[': "array", '"': "string", 't': "boolean", 'f': "boolean", 'n': "null", '0': "number"}[jsonKind(a[0].Raw)]), nil
	}},
	{"dotdo_json_pretty", 1, func(a []op.Value) (op.Value, error) {
		var b bytes.Buffer
		err := json.Indent(&b, a[0].Raw, "", "    ")
		return op.Text(b.String()), err
	}},
	{"dotdo_json_strip", 1, func(a []op.Value) (op.Value, error) {
		b, err := strip(a[0].Raw)
		return raw(b), err
	}},
	{"dotdo_json_elements", 2, func(a []op.Value) (op.Value, error) {
		if jsonKind(a[0].Raw) != '[' {
			return op.Null, op.Errorf(op.InvalidArgument, "cannot extract elements from %s", map[bool]string{true: "an object", false: "a scalar"}[jsonKind(a[0].Raw) == '{'])
		}
		list, err := items(a[0].Raw)
		out := []byte{'['}
		for i, r := range list {
			if i > 0 {
				out = append(out, ',')
			}
			v := raw(r)
			if a[1].Int() != 0 {
				v = scalarText(r)
			}
			out = appendText(out, v)
		}
		return op.Raw(op.KindText, append(out, ']')), err
	}},
	{"dotdo_json_keys", 1, func(a []op.Value) (op.Value, error) {
		if jsonKind(a[0].Raw) != '{' {
			return op.Null, op.Errorf(op.InvalidArgument, "cannot call json_object_keys on %s", map[bool]string{true: "an array", false: "a scalar"}[jsonKind(a[0].Raw) == '['])
		}
		list, err := members(a[0].Raw)
		keys := make([]string, len(list))
		for i := range list {
			keys[i] = list[i].key
		}
		return stringArray(keys), err
	}},
	{"dotdo_json_pairs", 2, func(a []op.Value) (op.Value, error) {
		if jsonKind(a[0].Raw) != '{' {
			return op.Null, op.Errorf(op.InvalidArgument, "cannot deconstruct %s", map[bool]string{true: "an array as an object", false: "a scalar"}[jsonKind(a[0].Raw) == '['])
		}
		list, err := members(a[0].Raw)
		out := []byte{'['}
		for i, p := range list {
			if i > 0 {
				out = append(out, ',')
			}
			v := raw(p.val)
			if a[1].Int() != 0 {
				v = scalarText(p.val)
			}
			out = append(out, '[')
			out = append(datum.AppendElement(out, op.Text(p.key)), ',')
			out = append(appendText(out, v), ']')
		}
		return op.Raw(op.KindText, append(out, ']')), err
	}},
}

// appendText writes a text as a JSON string, NULL as null.
func appendText(dst []byte, v op.Value) []byte {
	if v.IsNull() {
		return append(dst, "null"...)
	}
	return datum.AppendJSONText(dst, v.Str())
}

// trimEnds returns what is between the braces.
func trimEnds(b []byte) string { return strings.TrimSpace(string(b[1 : len(b)-1])) }

// asList returns the elements of an array, or a value as one element.
func asList(b []byte, kind byte) string {
	if kind == '[' {
		return trimEnds(b)
	}
	return string(b)
}

// join writes two lists between brackets.
func join(open, x, y, end string) string {
	if x != "" && y != "" {
		x += ","
	}
	return open + x + y + end
}

// write renders an object.
func write(list []pair) []byte {
	out := []byte{'{'}
	for i, p := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = datum.AppendJSONText(out, p.key)
		out = append(append(out, ':'), p.val...)
	}
	return append(out, '}')
}

// writeList renders an array.
func writeList(list []json.RawMessage) []byte {
	out := []byte{'['}
	for i, r := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, r...)
	}
	return append(out, ']')
}

// removeKeys is jsonb - key.
func removeKeys(b []byte, keys []op.Value) (op.Value, error) {
	gone := func(s string) bool {
		for _, k := range keys {
			if k.Kind == op.KindText && k.Str() == s {
				return true
			}
		}
		return false
	}
	switch jsonKind(b) {
	case '{':
		if keys[0].Kind == op.KindInt64 {
			return op.Null, op.Errorf(op.InvalidArgument, "cannot delete from object using integer index")
		}
		list, err := members(b)
		if err != nil {
			return op.Null, err
		}
		kept := list[:0]
		for _, p := range list {
			if !gone(p.key) {
				kept = append(kept, p)
			}
		}
		return jsonb(write(kept))
	case '[':
		list, err := items(b)
		if err != nil {
			return op.Null, err
		}
		kept := list[:0]
		for i, r := range list {
			if keys[0].Kind == op.KindInt64 {
				n := int(keys[0].Int())
				if n < 0 {
					n += len(list)
				}
				if i == n {
					continue
				}
			} else if jsonKind(r) == '"' && gone(scalarText(r).Str()) {
				continue
			}
			kept = append(kept, r)
		}
		return jsonb(writeList(kept))
	}
	return op.Null, op.Errorf(op.InvalidArgument, "cannot delete from scalar")
}

// Edits of a JSON value.
const (
	editSet     = iota // replace or create
	editReplace        // replace only
	editDelete
	editBefore // insert before an element, or a new key
	editAfter
)

// editCall is jsonb_set and jsonb_insert.
func editCall(a []op.Value, how int) (op.Value, error) {
	p, err := pathArg(a[1])
	if err != nil || len(p) == 0 {
		return a[0], err
	}
	b, err := edit(a[0].Raw, p, a[2].Raw, how)
	if err != nil {
		return op.Null, err
	}
	return jsonb(b)
}

// edit changes the value at a path.
func edit(b []byte, path []string, v []byte, how int) ([]byte, error) {
	last := len(path) == 1
	switch jsonKind(b) {
	case '{':
		list, err := members(b)
		if err != nil {
			return nil, err
		}
		for i := range list {
			if list[i].key != path[0] {
				continue
			}
			switch {
			case !last:
				list[i].val, err = edit(list[i].val, path[1:], v, how)
			case how == editDelete:
				list = append(list[:i], list[i+1:]...)
			case how == editBefore || how == editAfter:
				return nil, op.Errorf(op.InvalidArgument, "cannot replace existing key")
			default:
				list[i].val = v
			}
			return write(list), err
		}
		if last && (how == editSet || how == editBefore || how == editAfter) {
			list = append(list, pair{path[0], v})
		}
		return write(list), nil
	case '[':
		list, err := items(b)
		if err != nil {
			return nil, err
		}
		n, e := strconv.Atoi(path[0])
		if e != nil {
			return nil, op.Errorf(op.InvalidArgument, "path element at position 1 is not an integer: %q", path[0])
		}
		if n < 0 {
			n += len(list)
		}
		if n >= 0 && n < len(list) {
			switch {
			case !last:
				list[n], err = edit(list[n], path[1:], v, how)
			case how == editDelete:
				list = append(list[:n], list[n+1:]...)
			case how == editBefore:
				list = append(list[:n], append([]json.RawMessage{v}, list[n:]...)...)
			case how == editAfter:
				list = append(list[:n+1], append([]json.RawMessage{v}, list[n+1:]...)...)
			default:
				list[n] = v
			}
			return writeList(list), err
		}
		if last && how != editDelete && how != editReplace {
			if n < 0 {
				list = append([]json.RawMessage{v}, list...)
			} else {
				list = append(list, v)
			}
		}
		return writeList(list), nil
	}
	return b, nil
}

// contains is jsonb @>.
func contains(x, y any, top bool) bool {
	switch b := y.(type) {
	case map[string]any:
		a, ok := x.(map[string]any)
		if !ok {
			return false
		}
		for k, v := range b {
			w, ok := a[k]
			if !ok || !contains(w, v, false) {
				return false
			}
		}
		return true
	case []any:
		a, ok := x.([]any)
		if !ok {
			return false
		}
		for _, v := range b {
			found := false
			for _, w := range a {
				if contains(w, v, false) {
					found = true
					break
				}
			}
			if !found {
				return false
			}
		}
		return true
	}
	if a, ok := x.([]any); ok && top {
		for _, w := range a {
			if w == y {
				return true
			}
		}
		return false
	}
	switch x.(type) {
	case map[string]any, []any:
		return false
	}
	return x == y
}

// has is jsonb ?.
func has(b []byte, key string) bool {
	switch jsonKind(b) {
	case '{':
		v, err := member(b, key, false)
		return err == nil && v != nil
	case '[':
		list, _ := items(b)
		for _, r := range list {
			if jsonKind(r) == '"' && scalarText(r).Str() == key {
				return true
			}
		}
	case '"':
		return scalarText(b).Str() == key
	}
	return false
}

// hasMany is ?| and ?&.
func hasMany(all bool) func(a []op.Value) (op.Value, error) {
	return func(a []op.Value) (op.Value, error) {
		keys, err := pathArg(a[1])
		for _, k := range keys {
			if has(a[0].Raw, k) != all {
				return op.Int64(int64(b2i(!all))), err
			}
		}
		return op.Int64(int64(b2i(all))), err
	}
}

// strip removes null members.
func strip(b []byte) ([]byte, error) {
	switch jsonKind(b) {
	case '{':
		list, err := members(b)
		kept := list[:0]
		for _, p := range list {
			if jsonKind(p.val) == 'n' {
				continue
			}
			if p.val, err = strip(p.val); err != nil {
				return nil, err
			}
			kept = append(kept, p)
		}
		return write(kept), err
	case '[':
		list, err := items(b)
		for i := range list {
			if list[i], err = strip(list[i]); err != nil {
				return nil, err
			}
		}
		return writeList(list), err
	}
	return b, nil
}

// jsonSortKey maps a jsonb to bytes in jsonb's order: null < string < number <
// boolean < array < object; arrays and objects by length first.
func jsonSortKey(b []byte) (op.Value, error) {
	out, err := appendSortKey(nil, b)
	return op.Bytes(out), err
}

// appendSortKey is jsonSortKey for nested values.
func appendSortKey(dst, b []byte) ([]byte, error) {
	switch k := jsonKind(b); k {
	case 'n':
		return append(dst, 1), nil
	case '"':
		return append(append(append(dst, 2), scalarText(b).Raw...), 0), nil
	case '0':
		f, err := strconv.ParseFloat(string(bytes.TrimSpace(b)), 64)
		u := math.Float64bits(f)
		if f < 0 {
			u = ^u
		} else {
			u |= 1 << 63
		}
		dst = append(dst, 3)
		for s := 56; s >= 0; s -= 8 {
			dst = append(dst, byte(u>>s))
		}
		return dst, err
	case 'f':
		return append(dst, 4, 0), nil
	case 't':
		return append(dst, 4, 1), nil
	case '[':
		list, err := items(b)
		dst = append(dst, 5, byte(len(list)>>16), byte(len(list)>>8), byte(len(list)))
		for _, r := range list {
			if dst, err = appendSortKey(dst, r); err != nil {
				return nil, err
			}
		}
		return dst, err
	}
	list, err := members(b)
	dst = append(dst, 6, byte(len(list)>>16), byte(len(list)>>8), byte(len(list)))
	for _, p := range list {
		dst = append(append(dst, p.key...), 0)
		if dst, err = appendSortKey(dst, p.val); err != nil {
			return nil, err
		}
	}
	return dst, err
}

// appendJSON writes a stored value as JSON.
func appendJSON(dst []byte, v op.Value, t op.Type, o datum.Options) []byte {
	if v.IsNull() {
		return append(dst, "null"...)
	}
	if t.Array {
		et := t
		et.Array = false
		elems, dims, err := datum.Elements(t, v.Str())
		if err != nil || len(dims) > 1 {
			return append(dst, v.Raw...)
		}
		dst = append(dst, '[')
		for i, e := range elems {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendJSON(dst, e, et, o)
		}
		return append(dst, ']')
	}
	switch t.Base {
	case op.TBoolean:
		return strconv.AppendBool(dst, v.Int() != 0)
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TNumeric, op.TFloat4, op.TFloat8, op.TOID, op.TYear:
		s := string(datum.Append(nil, t, v, o))
		if s == "NaN" || strings.HasSuffix(s, "Infinity") {
			return datum.AppendJSONText(dst, s)
		}
		return append(dst, s...)
	case op.TJSON, op.TJSONB, op.TRecord:
		return append(dst, v.Raw...)
	case op.TTimestamp, op.TTimestampTZ:
		s := strings.Replace(string(datum.Append(nil, t, v, o)), " ", "T", 1)
		if t.Base == op.TTimestampTZ && len(s) > 3 && (s[len(s)-3] == '+' || s[len(s)-3] == '-') {
			s += ":00"
		}
		return datum.AppendJSONText(dst, s)
	}
	return datum.AppendJSONText(dst, text(v, t, false, o))
}

// jsonObjectCall builds an object from key, value texts; the first argument 1
// writes PostgreSQL's build_object spacing, 0 row_to_json's.
func jsonObjectCall(a []op.Value) (op.Value, error) {
	colon, comma := ":", ","
	if a[0].Int() == 1 {
		colon, comma = " : ", ", "
	}
	out := []byte{'{'}
	for i := 1; i+1 < len(a); i += 2 {
		if i > 1 {
			out = append(out, comma...)
		}
		if a[i].IsNull() {
			return op.Null, op.Errorf(op.InvalidArgument, "argument %d cannot be null", i)
		}
		out = datum.AppendJSONText(out, a[i].Str())
		out = append(append(out, colon...), a[i+1].Raw...)
	}
	return op.Raw(op.KindText, append(out, '}')), nil
}

// jsonArrayCall builds an array from value texts.
func jsonArrayCall(a []op.Value) (op.Value, error) {
	out := []byte{'['}
	for i, v := range a[1:] {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(out, v.Raw...)
	}
	return op.Raw(op.KindText, append(out, ']')), nil
}

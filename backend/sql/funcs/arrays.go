package funcs

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// elemEqual compares an element of a stored array with a stored value.
func elemEqual(r json.RawMessage, v op.Value) bool {
	if v.IsNull() {
		return jsonKind(r) == 'n'
	}
	return bytes.Equal(bytes.TrimSpace(r), datum.AppendElement(nil, v)) || jsonKind(r) == '"' && v.Kind == op.KindText && scalarText(r).Str() == v.Str()
}

// sameElem compares elements of two arrays.
func sameElem(x, y json.RawMessage) bool {
	if jsonKind(x) == '"' && jsonKind(y) == '"' {
		return scalarText(x).Str() == scalarText(y).Str()
	}
	return bytes.Equal(bytes.TrimSpace(x), bytes.TrimSpace(y))
}

// list returns a stored array.
func list(l []json.RawMessage) op.Value { return op.Raw(op.KindText, writeList(l)) }

// element writes a value as an element.
func element(v op.Value) json.RawMessage {
	if v.IsNull() {
		return json.RawMessage("null")
	}
	return datum.AppendElement(nil, v)
}

// arrayLength is the length of a dimension, 0 if there is none.
func arrayLength(b []byte, dim int64) int64 {
	for ; dim > 0 && jsonKind(b) == '['; dim-- {
		l, err := items(b)
		if err != nil || len(l) == 0 {
			return 0
		}
		if dim == 1 {
			return int64(len(l))
		}
		b = l[0]
	}
	return 0
}

// count counts the leaves of an array.
func count(b []byte) int64 {
	if jsonKind(b) != '[' {
		return 1
	}
	l, _ := items(b)
	var n int64
	for _, r := range l {
		n += count(r)
	}
	return n
}

// arrayFuncs are array functions on stored arrays; all are strict.
var arrayFuncs = []fn{
	{"dotdo_array_length", 2, func(a []op.Value) (op.Value, error) {
		if n := arrayLength(a[0].Raw, a[1].Int()); n > 0 {
			return op.Int64(n), nil
		}
		return op.Null, nil
	}},
	{"dotdo_array_ndims", 1, func(a []op.Value) (op.Value, error) {
		n := int64(0)
		for arrayLength(a[0].Raw, n+1) > 0 {
			n++
		}
		if n == 0 {
			return op.Null, nil
		}
		return op.Int64(n), nil
	}},
	{"dotdo_array_cardinality", 1, func(a []op.Value) (op.Value, error) { return op.Int64(count(a[0].Raw)), nil }},
	{"dotdo_array_contains", 2, func(a []op.Value) (op.Value, error) {
		x, err := items(a[0].Raw)
		if err != nil {
			return op.Null, err
		}
		y, err := items(a[1].Raw)
		for _, r := range y {
			if jsonKind(r) == 'n' || !inList(x, r) {
				return op.Int64(0), err
			}
		}
		return op.Int64(1), err
	}},
	{"dotdo_array_overlap", 2, func(a []op.Value) (op.Value, error) {
		x, err := items(a[0].Raw)
		if err != nil {
			return op.Null, err
		}
		y, err := items(a[1].Raw)
		for _, r := range y {
			if jsonKind(r) != 'n' && inList(x, r) {
				return op.Int64(1), err
			}
		}
		return op.Int64(0), err
	}},
	{"dotdo_array_cmp", 3, func(a []op.Value) (op.Value, error) {
		x, err := items(a[0].Raw)
		if err != nil {
			return op.Null, err
		}
		y, err := items(a[1].Raw)
		for i := 0; i < len(x) && i < len(y); i++ {
			if c := compareElems(x[i], y[i]); c != 0 {
				return op.Int64(int64(c)), err
			}
		}
		return op.Int64(int64(len(x) - len(y))), err
	}},
	{"dotdo_array_to_string", 2, func(a []op.Value) (op.Value, error) {
		l, err := items(a[0].Raw)
		parts := make([]string, 0, len(l))
		for _, r := range l {
			if v := scalarText(r); !v.IsNull() {
				parts = append(parts, v.Str())
			}
		}
		return op.Text(strings.Join(parts, a[1].Str())), err
	}},
	{"dotdo_subscripts", 2, func(a []op.Value) (op.Value, error) {
		n := arrayLength(a[0].Raw, a[1].Int())
		return series([]op.Value{op.Int64(1), op.Int64(n), op.Int64(1)})
	}},
}

// inList finds an element.
func inList(l []json.RawMessage, r json.RawMessage) bool {
	for _, x := range l {
		if sameElem(x, r) {
			return true
		}
	}
	return false
}

// compareElems orders two elements; NULL is greatest.
func compareElems(x, y json.RawMessage) int {
	kx, ky := jsonKind(x), jsonKind(y)
	switch {
	case kx == 'n' && ky == 'n':
		return 0
	case kx == 'n':
		return 1
	case ky == 'n':
		return -1
	case kx == '"' && ky == '"':
		return strings.Compare(scalarText(x).Str(), scalarText(y).Str())
	}
	fx, _ := strconv.ParseFloat(string(x), 64)
	fy, _ := strconv.ParseFloat(string(y), 64)
	switch {
	case fx < fy:
		return -1
	case fx > fy:
		return 1
	}
	return 0
}

// looseArrayFuncs accept NULL arguments.
var looseArrayFuncs = []fn{
	{"dotdo_array_append", 2, func(a []op.Value) (op.Value, error) {
		l, err := itemsOrNone(a[0])
		return list(append(l, element(a[1]))), err
	}},
	{"dotdo_array_prepend", 2, func(a []op.Value) (op.Value, error) {
		l, err := itemsOrNone(a[1])
		return list(append([]json.RawMessage{element(a[0])}, l...)), err
	}},
	{"dotdo_array_cat", 2, func(a []op.Value) (op.Value, error) {
		if a[0].IsNull() {
			return a[1], nil
		}
		if a[1].IsNull() {
			return a[0], nil
		}
		x, err := items(a[0].Raw)
		if err != nil {
			return op.Null, err
		}
		y, err := items(a[1].Raw)
		return list(append(x, y...)), err
	}},
	{"dotdo_array_slice", 3, func(a []op.Value) (op.Value, error) {
		if a[0].IsNull() {
			return op.Null, nil
		}
		l, err := items(a[0].Raw)
		lo, hi := int64(1), int64(len(l))
		if !a[1].IsNull() {
			lo = max(a[1].Int(), 1)
		}
		if !a[2].IsNull() {
			hi = min(a[2].Int(), hi)
		}
		if lo > hi {
			return op.Text("[]"), err
		}
		return list(l[lo-1 : hi]), err
	}},
	{"dotdo_array_position", 2, func(a []op.Value) (op.Value, error) {
		l, err := itemsOrNone(a[0])
		for i, r := range l {
			if elemEqual(r, a[1]) {
				return op.Int64(int64(i + 1)), err
			}
		}
		return op.Null, err
	}},
	{"dotdo_array_remove", 2, func(a []op.Value) (op.Value, error) {
		if a[0].IsNull() {
			return op.Null, nil
		}
		l, err := items(a[0].Raw)
		kept := l[:0]
		for _, r := range l {
			if !elemEqual(r, a[1]) {
				kept = append(kept, r)
			}
		}
		return list(kept), err
	}},
	{"dotdo_array_replace", 3, func(a []op.Value) (op.Value, error) {
		if a[0].IsNull() {
			return op.Null, nil
		}
		l, err := items(a[0].Raw)
		for i, r := range l {
			if elemEqual(r, a[1]) {
				l[i] = element(a[2])
			}
		}
		return list(l), err
	}},
	{"dotdo_array_join", 4, arrayJoin}, {"dotdo_array_join", 5, arrayJoin},
	{"dotdo_string_to_array", 2, stringToArray}, {"dotdo_string_to_array", 3, stringToArray},
}

// itemsOrNone reads an array, NULL as empty.
func itemsOrNone(v op.Value) ([]json.RawMessage, error) {
	if v.IsNull() {
		return nil, nil
	}
	return items(v.Raw)
}

// arrayJoin is array_to_string: type, zone, array, separator, null text.
func arrayJoin(a []op.Value) (op.Value, error) {
	if a[2].IsNull() || a[3].IsNull() {
		return op.Null, nil
	}
	t := TypeOf(a[0].Int(), 0, 0)
	et := t
	et.Array = false
	elems, _, err := datum.Elements(t, a[2].Str())
	o := zoneOptions(a[1])
	var parts []string
	for _, e := range elems {
		switch {
		case !e.IsNull():
			if et.Base == op.TBoolean {
				parts = append(parts, map[bool]string{true: "t", false: "f"}[e.Int() != 0])
				continue
			}
			parts = append(parts, text(e, et, false, o))
		case len(a) > 4 && !a[4].IsNull():
			parts = append(parts, a[4].Str())
		}
	}
	return op.Text(strings.Join(parts, a[3].Str())), err
}

// stringToArray is string_to_array.
func stringToArray(a []op.Value) (op.Value, error) {
	if a[0].IsNull() {
		return op.Null, nil
	}
	s := a[0].Str()
	if s == "" {
		return op.Text("[]"), nil
	}
	var parts []string
	switch {
	case a[1].IsNull():
		for _, r := range s {
			parts = append(parts, string(r))
		}
	case a[1].Str() == "":
		parts = []string{s}
	default:
		parts = strings.Split(s, a[1].Str())
	}
	l := make([]json.RawMessage, len(parts))
	for i, p := range parts {
		if len(a) > 2 && !a[2].IsNull() && p == a[2].Str() {
			l[i] = json.RawMessage("null")
		} else {
			l[i] = element(op.Text(p))
		}
	}
	return list(l), nil
}

package codec

import (
	"fmt"
	"reflect"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// toTree turns a Go value into what CBOR can hold: integers, floats, text,
// bytes, lists and maps.
func toTree(v reflect.Value) (any, error) {
	switch v.Type() {
	case valueType:
		return valueTree(v.Interface().(op.Value))
	case timeType:
		return timeTree(v.Interface().(time.Time)), nil
	}
	switch v.Kind() {
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return v.Uint(), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.String:
		return v.String(), nil
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return toTree(v.Elem())
	case reflect.Interface:
		return memberTree(v)
	case reflect.Slice, reflect.Array:
		return listTree(v)
	case reflect.Map:
		return mapTree(v)
	case reflect.Struct:
		return structTree(v)
	default:
		return nil, fmt.Errorf("type %s cannot be serialised", v.Type())
	}
}

// structTree writes the fields that are not zero by their number.
func structTree(v reflect.Value) (any, error) {
	t := v.Type()
	m := make(map[uint64]any, v.NumField())
	for i := range v.NumField() {
		f := v.Field(i)
		if !travels(t, t.Field(i)) || f.IsZero() {
			continue
		}
		e, err := toTree(f)
		if err != nil {
			return nil, fmt.Errorf("%s.%s: %w", t, t.Field(i).Name, err)
		}
		m[uint64(i+1)] = e
	}
	return m, nil
}

// memberTree writes a member of a closed interface with its number.
func memberTree(v reflect.Value) (any, error) {
	if v.IsNil() {
		return nil, nil
	}
	e := v.Elem()
	kind, ok := tables[v.Type()].kinds[e.Type()]
	if !ok || e.IsNil() {
		return nil, fmt.Errorf("%s is no member of %s", e.Type(), v.Type())
	}
	body, err := structTree(e.Elem())
	return []any{kind, body}, err
}

// listTree writes a slice; bytes are one string.
func listTree(v reflect.Value) (any, error) {
	if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
		return v.Bytes(), nil
	}
	list := make([]any, v.Len())
	for i := range list {
		e, err := toTree(v.Index(i))
		if err != nil {
			return nil, err
		}
		list[i] = e
	}
	return list, nil
}

// mapTree writes a map with text keys; the encoder sorts them.
func mapTree(v reflect.Value) (any, error) {
	m := make(map[string]any, v.Len())
	for it := v.MapRange(); it.Next(); {
		e, err := toTree(it.Value())
		if err != nil {
			return nil, err
		}
		m[it.Key().String()] = e
	}
	return m, nil
}

// valueTree writes a value as [kind], [kind, number], [kind, number, bytes] or,
// for compounds, [kind, number, nil, elements].
func valueTree(v op.Value) (any, error) {
	list := []any{uint64(v.Kind), v.Num, v.Raw, nil}
	switch {
	case v.Kind == op.KindArray || v.Kind == op.KindMap || v.Kind == op.KindSet:
		elements, err := listTree(reflect.ValueOf(v.List()))
		if err != nil {
			return nil, err
		}
		list[2], list[3] = nil, elements
		return list, nil
	case len(v.Raw) > 0:
		return list[:3], nil
	case v.Num != 0:
		return list[:2], nil
	}
	return list[:1], nil
}

// timeTree writes an instant as seconds and nanoseconds.
func timeTree(t time.Time) any { return []any{t.Unix(), int64(t.Nanosecond())} }

package codec

import (
	"fmt"
	"reflect"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// fromTree is the inverse of toTree. It never panics: whatever does not fit
// into the type is an error.
func fromTree(tree any, into reflect.Value) error {
	switch into.Type() {
	case valueType:
		v, err := treeValue(tree)
		if err == nil {
			into.Set(reflect.ValueOf(v))
		}
		return err
	case timeType:
		return setTime(tree, into)
	}
	switch into.Kind() {
	case reflect.Bool:
		b, ok := tree.(bool)
		if !ok {
			return mismatch(tree, into)
		}
		into.SetBool(b)
		return nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, ok := signed(tree)
		if !ok || into.OverflowInt(n) {
			return mismatch(tree, into)
		}
		into.SetInt(n)
		return nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		n, ok := tree.(uint64)
		if !ok || into.OverflowUint(n) {
			return mismatch(tree, into)
		}
		into.SetUint(n)
		return nil
	case reflect.Float32, reflect.Float64:
		f, ok := tree.(float64)
		if !ok {
			return mismatch(tree, into)
		}
		into.SetFloat(f)
		return nil
	case reflect.String:
		s, ok := tree.(string)
		if !ok {
			return mismatch(tree, into)
		}
		into.SetString(s)
		return nil
	case reflect.Pointer:
		if tree == nil {
			return nil
		}
		into.Set(reflect.New(into.Type().Elem()))
		return fromTree(tree, into.Elem())
	case reflect.Interface:
		return setMember(tree, into)
	case reflect.Slice:
		return setList(tree, into)
	case reflect.Map:
		return setMap(tree, into)
	case reflect.Struct:
		return setStruct(tree, into)
	default:
		return mismatch(tree, into)
	}
}

// mismatch reports a tree that does not fit a type.
func mismatch(tree any, into reflect.Value) error {
	return fmt.Errorf("a %T does not fit %s", tree, into.Type())
}

// signed returns an integer that fits int64.
func signed(tree any) (int64, bool) {
	switch n := tree.(type) {
	case int64:
		return n, true
	case uint64:
		return int64(n), n < 1<<63
	}
	return 0, false
}

// setStruct fills the fields by number. A number that this build does not know
// comes from a newer one and changes the meaning: it is refused.
func setStruct(tree any, into reflect.Value) error {
	m, ok := tree.(map[any]any)
	if !ok {
		return mismatch(tree, into)
	}
	t := into.Type()
	for k, e := range m {
		n, ok := k.(uint64)
		if !ok || n < 1 || n > uint64(t.NumField()) || !travels(t, t.Field(int(n-1))) {
			return fmt.Errorf("%s has no field %v", t, k)
		}
		if err := fromTree(e, into.Field(int(n-1))); err != nil {
			return fmt.Errorf("%s.%s: %w", t, t.Field(int(n-1)).Name, err)
		}
	}
	return nil
}

// setMember makes the member of a closed interface that the number names.
func setMember(tree any, into reflect.Value) error {
	if tree == nil {
		return nil
	}
	pair, ok := tree.([]any)
	if !ok || len(pair) != 2 {
		return mismatch(tree, into)
	}
	kind, ok := pair[0].(uint64)
	if !ok {
		return mismatch(pair[0], into)
	}
	t, ok := tables[into.Type()].types[kind]
	if !ok {
		return fmt.Errorf("%s has no member %d", into.Type(), kind)
	}
	p := reflect.New(t)
	if err := setStruct(pair[1], p.Elem()); err != nil {
		return err
	}
	into.Set(p)
	return nil
}

// setList fills a slice.
func setList(tree any, into reflect.Value) error {
	if into.Type().Elem().Kind() == reflect.Uint8 {
		b, ok := tree.([]byte)
		if !ok {
			return mismatch(tree, into)
		}
		into.SetBytes(b)
		return nil
	}
	list, ok := tree.([]any)
	if !ok {
		return mismatch(tree, into)
	}
	s := reflect.MakeSlice(into.Type(), len(list), len(list))
	for i, e := range list {
		if err := fromTree(e, s.Index(i)); err != nil {
			return err
		}
	}
	into.Set(s)
	return nil
}

// setMap fills a map with text keys.
func setMap(tree any, into reflect.Value) error {
	m, ok := tree.(map[any]any)
	if !ok {
		return mismatch(tree, into)
	}
	out := reflect.MakeMapWithSize(into.Type(), len(m))
	for k, e := range m {
		key, ok := k.(string)
		if !ok {
			return mismatch(k, into)
		}
		v := reflect.New(into.Type().Elem()).Elem()
		if err := fromTree(e, v); err != nil {
			return err
		}
		out.SetMapIndex(reflect.ValueOf(key), v)
	}
	into.Set(out)
	return nil
}

// treeValue is the inverse of valueTree.
func treeValue(tree any) (op.Value, error) {
	list, ok := tree.([]any)
	if !ok || len(list) < 1 || len(list) > 4 {
		return op.Null, fmt.Errorf("a %T is no value", tree)
	}
	kind, ok := list[0].(uint64)
	if !ok || kind > uint64(op.KindErrorText) {
		return op.Null, fmt.Errorf("no value kind %v", list[0])
	}
	v := op.Value{Kind: op.Kind(kind)}
	if len(list) > 1 {
		if v.Num, ok = list[1].(uint64); !ok {
			return op.Null, fmt.Errorf("a %T is no value number", list[1])
		}
	}
	if len(list) > 2 && list[2] != nil {
		if v.Raw, ok = list[2].([]byte); !ok {
			return op.Null, fmt.Errorf("a %T is no value text", list[2])
		}
	}
	compound := v.Kind == op.KindArray || v.Kind == op.KindMap || v.Kind == op.KindSet
	if compound != (len(list) == 4) {
		return op.Null, fmt.Errorf("value kind %d with %d parts", kind, len(list))
	}
	if !compound {
		return v, nil
	}
	return compoundValue(v, list[3])
}

// compoundValue decodes the elements of an array, map or set.
func compoundValue(v op.Value, tree any) (op.Value, error) {
	list, ok := tree.([]any)
	if !ok || v.Kind == op.KindMap && len(list)%2 != 0 || v.Num != 0 || v.Raw != nil {
		return op.Null, fmt.Errorf("a %T is no list of elements", tree)
	}
	elements := make([]op.Value, len(list))
	for i, e := range list {
		var err error
		if elements[i], err = treeValue(e); err != nil {
			return op.Null, err
		}
	}
	switch v.Kind {
	case op.KindMap:
		return op.Map(elements...), nil
	case op.KindSet:
		return op.Set(elements...), nil
	default:
		return op.Array(elements...), nil
	}
}

// setTime is the inverse of timeTree.
func setTime(tree any, into reflect.Value) error {
	pair, ok := tree.([]any)
	if !ok || len(pair) != 2 {
		return mismatch(tree, into)
	}
	sec, ok1 := signed(pair[0])
	nano, ok2 := signed(pair[1])
	if !ok1 || !ok2 || nano < 0 || nano > 999_999_999 {
		return mismatch(tree, into)
	}
	into.Set(reflect.ValueOf(time.Unix(sec, nano).UTC()))
	return nil
}

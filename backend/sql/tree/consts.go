package tree

import (
	"reflect"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Walk calls f for every *Const and every *Item of a tree, an item before what
// is in it.
func Walk(n Node, f func(any)) { walk(reflect.ValueOf(n), f) }

// walk walks one value.
func walk(v reflect.Value, f func(any)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if k, ok := v.Interface().(*Const); ok {
			f(k)
			return
		}
		walk(v.Elem(), f)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			walk(v.Index(i), f)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[op.Value]() {
			return
		}
		if v.CanAddr() && v.CanInterface() {
			if it, ok := v.Addr().Interface().(*Item); ok {
				f(it)
			}
		}
		for i := range v.NumField() {
			walk(v.Field(i), f)
		}
	}
}

package tree

import (
	"reflect"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Consts calls f for every literal of a tree.
func Consts(n Node, f func(*Const)) { consts(reflect.ValueOf(n), f) }

// consts walks one value.
func consts(v reflect.Value, f func(*Const)) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if k, ok := v.Interface().(*Const); ok {
			f(k)
			return
		}
		consts(v.Elem(), f)
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			consts(v.Index(i), f)
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[op.Value]() {
			return
		}
		for i := range v.NumField() {
			consts(v.Field(i), f)
		}
	}
}

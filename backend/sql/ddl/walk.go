package ddl

import (
	"reflect"

	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// walk calls fn with every pointer to a struct inside a syntax tree. Schema
// statements are rare, so it goes by reflection rather than by a second list
// of all node types.
func walk(n any, fn func(any)) {
	if n != nil {
		walkValue(reflect.ValueOf(n), fn)
	}
}

// walkValue is the recursive part of walk.
func walkValue(v reflect.Value, fn func(any)) {
	switch v.Kind() {
	case reflect.Interface:
		if !v.IsNil() {
			walkValue(v.Elem(), fn)
		}
	case reflect.Pointer:
		if v.IsNil() || v.Elem().Kind() != reflect.Struct {
			return
		}
		fn(v.Interface())
		walkValue(v.Elem(), fn)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				walkValue(v.Field(i), fn)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			walkValue(v.Index(i), fn)
		}
	}
}

// viewsOn lists the views and materialized views whose query names a relation.
func (r *run) viewsOn(k catalog.Key) []*catalog.Table {
	var out []*catalog.Table
	for _, v := range r.cat.Tables {
		if v.ViewText == "" || v.Key() == k {
			continue
		}
		n, err := r.Parse(rel.Dialect(v.Dialect), v.ViewText)
		if err != nil {
			continue
		}
		hit := false
		walk(n, func(x any) {
			if t, ok := x.(*tree.Table); ok && t.Name.Name == k.Name {
				hit = hit || r.resolvesTo(v, t.Name, k)
			}
		})
		if hit {
			out = append(out, v)
		}
	}
	sortTables(out)
	return out
}

// resolvesTo tells whether a name inside a view means a relation.
func (r *run) resolvesTo(v *catalog.Table, n tree.Name, k catalog.Key) bool {
	if n.Schema != "" {
		return r.schemaOf(n.Schema) == k.Schema
	}
	path := v.ViewPath
	if len(path) == 0 {
		path = []string{"public"}
	}
	for _, s := range path {
		if t := r.cat.Tables[catalog.Key{Schema: s, Name: n.Name}]; t != nil {
			return t.Key() == k
		}
	}
	return false
}

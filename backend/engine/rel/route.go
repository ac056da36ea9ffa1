package rel

import (
	"reflect"
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/bind"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// Route compiles a statement for the router of a database whose tables are
// sharded by the column key: the plan's Route is filled. Statements that
// several objects cannot keep true are refused.
func (e *Engine) Route(s *object.Scope, st *rel.Stmt, env *rel.Env, key string) (*sql.Plan, error) {
	env = envOf(env)
	v, _ := s.Local().LoadOrStore(planKey{}, &planCache{})
	cache := v.(*planCache)
	cat := s.Catalog()
	text := "route " + key + "\x00" + planText(st, env)
	if c := cache.get(cat, text); c != nil {
		return c.Plan, nil
	}
	n, err := convert(st)
	if err != nil {
		return nil, err
	}
	if err := keepKey(n, key); err != nil {
		return nil, err
	}
	ctx := bindContext(cat, st.Dialect, env)
	ctx.Declared = st.ParamTypes
	ctx.ShardKey = func(t *catalog.Table) string {
		if t.Kind == catalog.KindCollection || t.Column(key) != nil {
			return key
		}
		return ""
	}
	p, err := bind.Compile(n, ctx)
	if err != nil {
		return nil, err
	}
	if !plain(n, p) {
		for i := range p.Route.Keys {
			p.Route.Keys[i].Values = nil
		}
		p.Route.Merge = nil
	}
	if len(st.Text) <= maxCachedText {
		cache.put(cat, text, &compiled{Plan: p})
	}
	return p, nil
}

// plain reports whether a statement reads its table once and nothing else: a
// condition outside a nested query says nothing about what that query reads,
// and a view may combine rows.
func plain(n tree.Node, p *sql.Plan) bool {
	want := 0
	switch n := n.(type) {
	case *tree.Select:
		want = 1
		if len(n.From) == 1 {
			t, ok := n.From[0].(*tree.Table)
			if !ok || len(p.Tables) != 1 || p.Tables[0].Kind == catalog.KindView || t.Name.Name != p.Tables[0].Name {
				return false
			}
		}
	case *tree.Insert:
		if n.Source != nil {
			want = 1
		}
	}
	return selects(reflect.ValueOf(n)) == want
}

// selects counts the queries in a tree.
func selects(v reflect.Value) int {
	n := 0
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return 0
		}
		if v.Type() == reflect.TypeFor[*tree.Select]() {
			n++
		}
		return n + selects(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			n += selects(v.Index(i))
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[op.Value]() {
			return 0
		}
		for i := range v.NumField() {
			n += selects(v.Field(i))
		}
	}
	return n
}

// keepKey refuses statements that change the shard key of a row or table, or
// state what no single object can check.
func keepKey(n tree.Node, key string) error {
	sets := func(list []tree.Assign) error {
		for _, a := range list {
			if slices.Contains(a.Columns, key) {
				return keyError("changing the shard key %q is not supported", key)
			}
		}
		return nil
	}
	switch n := n.(type) {
	case *tree.Update:
		return sets(n.Set)
	case *tree.Insert:
		if n.Conflict != nil {
			return sets(n.Conflict.Set)
		}
	case *tree.CreateIndex:
		return keyIndex(n, key)
	case *tree.CreateTable:
		return keyTable(n, key)
	case *tree.AlterTable:
		return keyAlter(n, key)
	}
	return nil
}

// keyError is a refusal about the shard key.
func keyError(format, key string) error {
	e := op.Errorf(op.Unsupported, format, key)
	e.Object, e.Column = "shard key", key
	return e
}

// keyIndex refuses a unique index without the key. A table that has no key
// column lives in one object, but then the index does not name it either: only
// the catalog could tell, and a refusal is safe.
func keyIndex(x *tree.CreateIndex, key string) error {
	if !x.Unique || slices.ContainsFunc(x.Items, func(i tree.IndexItem) bool { return i.Column == key }) {
		return nil
	}
	return keyError("a unique index of a sharded database must contain the shard key %q", key)
}

// keyTable refuses unique constraints and foreign keys that cross objects.
func keyTable(t *tree.CreateTable, key string) error {
	if t.As != nil || len(t.Like) > 0 {
		return keyError("CREATE TABLE AS and LIKE are not supported in a database sharded by %q", key)
	}
	sharded := slices.ContainsFunc(t.Columns, func(c tree.ColumnDef) bool { return c.Name == key })
	all := slices.Clone(t.Constraints)
	for _, c := range t.Columns {
		for _, k := range c.Constraints {
			if len(k.Columns) == 0 {
				k.Columns = []string{c.Name}
			}
			all = append(all, k)
		}
	}
	for i := range all {
		if err := keyConstraint(&all[i], key, sharded); err != nil {
			return err
		}
	}
	if !sharded {
		return nil
	}
	for i := range t.Indexes {
		if err := keyIndex(&t.Indexes[i], key); err != nil {
			return err
		}
	}
	return nil
}

// keyConstraint checks one constraint of a table.
func keyConstraint(k *tree.Constraint, key string, sharded bool) error {
	has := slices.Contains(k.Columns, key)
	switch k.Kind {
	case "PRIMARY KEY", "UNIQUE":
		if sharded && !has {
			return keyError("a unique constraint of a sharded table must contain the shard key %q", key)
		}
	case "FOREIGN KEY":
		if at := slices.Index(k.Columns, key); sharded && (at < 0 || at < len(k.RefColumns) && k.RefColumns[at] != key) {
			return keyError("a foreign key of a sharded table must contain the shard key %q on both sides", key)
		}
	}
	return nil
}

// keyAlter refuses changes of the key column and of constraints without it.
func keyAlter(a *tree.AlterTable, key string) error {
	for i := range a.Actions {
		x := &a.Actions[i]
		switch {
		case x.Constraint != nil:
			if err := keyConstraint(x.Constraint, key, true); err != nil {
				return err
			}
		case x.Index != nil:
			if err := keyIndex(x.Index, key); err != nil {
				return err
			}
		case strings.HasSuffix(x.Kind, "COLUMN") && (x.Name == key || x.NewName == key || x.Column != nil && x.Column.Name == key),
			x.Kind == "ALTER TYPE" && x.Name == key:
			return keyError("changing the column of the shard key %q is not supported", key)
		}
		if x.Column != nil {
			for j := range x.Column.Constraints {
				k := x.Column.Constraints[j]
				if len(k.Columns) == 0 {
					k.Columns = []string{x.Column.Name}
				}
				if err := keyConstraint(&k, key, true); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

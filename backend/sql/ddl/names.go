package ddl

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// maxName is PostgreSQL's longest identifier in bytes.
const maxName = 63

// itoa writes an integer.
func itoa(i int64) string { return strconv.FormatInt(i, 10) }

// objectName joins name parts as PostgreSQL's makeObjectName does, cutting the
// longer of the first two until the whole fits.
func objectName(a, b, label string) string {
	over := len(label) + 1
	if b != "" {
		over++
	}
	for len(a)+len(b)+over > maxName {
		if len(a) > len(b) {
			a = cut(a)
		} else {
			b = cut(b)
		}
	}
	if b != "" {
		a += "_" + b
	}
	return a + "_" + label
}

// cut removes the last character of a name.
func cut(s string) string {
	r := []rune(s)
	return string(r[:len(r)-1])
}

// relationName chooses a free relation name.
func (r *run) relationName(schema, a, b, label string) string {
	for i := 0; ; i++ {
		l := label
		if i > 0 {
			l += strconv.Itoa(i)
		}
		n := objectName(a, b, l)
		if !r.taken(catalog.Key{Schema: schema, Name: n}) {
			return n
		}
	}
}

// constraintName chooses a free constraint name of a table.
func constraintName(t *catalog.Table, b, label string) string {
	for i := 0; ; i++ {
		l := label
		if i > 0 {
			l += strconv.Itoa(i)
		}
		n := objectName(t.Name, b, l)
		if !hasConstraint(t, n) {
			return n
		}
	}
}

// hasConstraint tells whether a table has a constraint of a name.
func hasConstraint(t *catalog.Table, name string) bool {
	if name == t.PrimaryName && len(t.Primary) > 0 {
		return true
	}
	for _, k := range t.Constraints {
		if k.Name == name {
			return true
		}
	}
	return false
}

// storeName chooses the SQLite name of a relation. SQLite's names ignore case,
// so a second name that differs only in case gets a suffix.
func (r *run) storeName(schema, name string) (string, error) {
	base := catalog.StoreName(schema, name)
	s := base
	for i := 1; ; i++ {
		rows, err := r.d.Query("SELECT 1 FROM sqlite_schema WHERE lower(name) = lower(?1)", op.Text(s))
		if err != nil {
			return "", err
		}
		if len(rows) == 0 {
			return s, nil
		}
		s = base + "~" + strconv.Itoa(i)
	}
}

// indexStore chooses the SQLite name of an index.
func (r *run) indexStore(t *catalog.Table, name string) (string, error) {
	if rel.Dialect(t.Dialect) == rel.MySQL {
		name = t.Name + "." + name
	}
	return r.storeName(t.Schema, name)
}

// exprNames lists, in order, the columns that an expression names.
func exprNames(x tree.Expr) []string {
	var out []string
	seen := map[string]bool{}
	walk(x, func(n any) {
		if i, ok := n.(*tree.Ident); ok {
			c := i.Parts[len(i.Parts)-1]
			if !seen[c] {
				seen[c] = true
				out = append(out, c)
			}
		}
	})
	return out
}

// itemName is an index item's part of a default index name.
func itemName(i tree.IndexItem) string {
	if i.Column != "" {
		return i.Column
	}
	switch e := i.Expr.(type) {
	case *tree.Call:
		return e.Name
	case *tree.Cast:
		return e.Type.Name
	}
	return "expr"
}

// checkColumns checks that a key's columns exist and differ.
func checkColumns(t *catalog.Table, cols []string, what string) error {
	seen := map[string]bool{}
	for _, c := range cols {
		if t.Column(c) == nil {
			return &op.Error{Code: op.NoColumn, Msg: "column \"" + c + "\" " + what + " does not exist", Column: c, Name: c, Table: t.Name}
		}
		if seen[c] {
			return &op.Error{Code: op.DuplicateColumn, Msg: "column \"" + c + "\" appears twice in " + strings.TrimPrefix(what, "named in ") + " constraint", Column: c}
		}
		seen[c] = true
	}
	return nil
}

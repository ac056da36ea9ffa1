package ddl

import (
	"fmt"
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// findType returns the enum or domain of a name, nil if there is none.
func (r *run) findType(n tree.Name) *catalog.Type {
	for _, k := range r.keys(n) {
		if t := r.cat.Types[k]; t != nil {
			return t
		}
	}
	return nil
}

// domainOf returns the domain a written type names, nil for any other.
func (r *run) domainOf(n *tree.TypeName) *catalog.Type {
	if n.Resolved.Base != op.TUnknown || n.Array {
		return nil
	}
	if t := r.findType(tree.Name{Schema: n.Schema, Name: n.Name}); t != nil && t.Base.Base != op.TUnknown {
		return t
	}
	return nil
}

// editType replaces a type by a copy that may be changed.
func (r *run) editType(t *catalog.Type) *catalog.Type {
	c := *t
	c.Labels, c.Checks = slices.Clone(t.Labels), slices.Clone(t.Checks)
	r.cat.Types[catalog.Key{Schema: t.Schema, Name: t.Name}] = &c
	return &c
}

// createType runs CREATE TYPE AS ENUM and CREATE DOMAIN.
func (r *run) createType(s *tree.CreateType) error {
	k, err := r.target(s.Name, false)
	if err != nil {
		return err
	}
	if r.cat.Types[k] != nil || r.cat.Tables[k] != nil {
		return exists("type", k.Name)
	}
	t := &catalog.Type{OID: r.d.OID(), Schema: k.Schema, Name: k.Name, Labels: s.Labels, NotNull: s.NotNull, Default: s.DefaultText}
	r.d.OID() // of the array type
	seen := map[string]bool{}
	for _, l := range s.Labels {
		if err := checkLabel(l); err != nil {
			return err
		}
		if seen[l] {
			return &op.Error{Code: op.UniqueViolation, Msg: "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"", Schema: "pg_catalog", Table: "pg_enum", Constraint: "pg_enum_typid_label_index"}
		}
		seen[l] = true
	}
	if s.Domain != nil {
		if t.Base, err = r.resolveType(s.Domain); err != nil {
			return err
		}
		if d := r.domainOf(s.Domain); d != nil {
			return op.Errorf(op.Unsupported, "a domain over a domain is not supported")
		}
		for i := range s.Checks {
			if err := r.addDomainCheck(t, &s.Checks[i]); err != nil {
				return err
			}
		}
	}
	r.cat.Types[k] = t
	return nil
}

// checkLabel refuses labels that are too long.
func checkLabel(l string) error {
	if len(l) < 64 {
		return nil
	}
	e := op.Errorf(op.InvalidArgument, "invalid enum label %q", l)
	e.Object, e.Detail = "name", "Labels must be 63 bytes or less."
	return e
}

// addDomainCheck adds a CHECK with a name to a domain.
func (r *run) addDomainCheck(t *catalog.Type, k *tree.Constraint) error {
	name := k.Name
	taken := func(n string) bool {
		return slices.ContainsFunc(t.Checks, func(c catalog.DomainCheck) bool { return c.Name == n })
	}
	for i := 0; name == ""; i++ {
		n := t.Name + "_check"
		if i > 0 {
			n += itoa(int64(i))
		}
		if !taken(n) {
			name = n
		}
	}
	if taken(name) {
		return &op.Error{Code: op.AlreadyExists, Object: "constraint", Msg: fmt.Sprintf("constraint %q for domain %q already exists", name, t.Name)}
	}
	probe := &catalog.Table{Dialect: uint8(r.Dialect), Columns: []*catalog.Column{{Name: "value", Type: t.Base}}}
	if _, err := r.lowerText(probe, k.CheckText, &op.Type{Base: op.TBoolean}); err != nil {
		return err
	}
	t.Checks = append(t.Checks, catalog.DomainCheck{OID: r.d.OID(), Name: name, Text: k.CheckText})
	return nil
}

// columnsOf lists the columns of a type.
func (r *run) columnsOf(t *catalog.Type, fn func(*catalog.Table, *catalog.Column) error) error {
	var list []*catalog.Table
	for _, x := range r.cat.Tables {
		list = append(list, x)
	}
	sortTables(list)
	for _, x := range list {
		for _, c := range x.Columns {
			if t.Base.Base == op.TUnknown && c.Type.OID == t.OID || c.Domain != nil && c.Domain.Schema == t.Schema && c.Domain.Name == t.Name {
				if err := fn(x, c); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// alterUserType runs ALTER TYPE and ALTER DOMAIN.
func (r *run) alterUserType(s *tree.AlterType) error {
	t := r.findType(s.Name)
	if t == nil {
		return missing("type", s.Name)
	}
	if s.Domain && t.Base.Base == op.TUnknown {
		return &op.Error{Code: op.TypeMismatch, Object: "window", Msg: fmt.Sprintf("%q is not a domain", t.Name)}
	}
	t = r.editType(t)
	switch s.Kind {
	case "ADD VALUE":
		return r.addLabel(t, s)
	case "RENAME VALUE":
		return r.renameLabel(t, s)
	case "RENAME":
		return r.renameType(t, s.NewName)
	case "SET DEFAULT":
		t.Default = s.Value
	case "DROP DEFAULT":
		t.Default = ""
	case "SET NOT NULL":
		t.NotNull = true
		return r.verify(t, "%s IS NULL", func(x *catalog.Table, c *catalog.Column) error {
			return &op.Error{Code: op.NotNullViolation, Msg: fmt.Sprintf("column %q of table %q contains null values", c.Name, x.Name), Table: x.Name, Column: c.Name}
		})
	case "DROP NOT NULL":
		t.NotNull = false
	case "ADD CONSTRAINT":
		if err := r.addDomainCheck(t, s.Check); err != nil {
			return err
		}
		return r.verifyCheck(t, t.Checks[len(t.Checks)-1])
	case "DROP CONSTRAINT":
		n := len(t.Checks)
		t.Checks = slices.DeleteFunc(t.Checks, func(k catalog.DomainCheck) bool { return k.Name == s.Value })
		if n == len(t.Checks) {
			msg := fmt.Sprintf("constraint %q of domain %q does not exist", s.Value, t.Name)
			if !s.If {
				return &op.Error{Code: op.Undefined, Object: "constraint", Msg: msg}
			}
			r.notice(op.Undefined, msg+", skipping")
		}
	}
	return nil
}

// verify fails if a stored value of the domain meets a condition.
func (r *run) verify(t *catalog.Type, cond string, fail func(*catalog.Table, *catalog.Column) error) error {
	return r.columnsOf(t, func(x *catalog.Table, c *catalog.Column) error {
		rows, err := r.d.Query("SELECT 1 FROM " + catalog.Quote(x.Store) + " WHERE " + fmt.Sprintf(cond, catalog.Quote(c.Name)) + " LIMIT 1")
		if err == nil && len(rows) > 0 {
			err = fail(x, c)
		}
		return err
	})
}

// verifyCheck checks the stored values of a domain against a new CHECK.
func (r *run) verifyCheck(t *catalog.Type, k catalog.DomainCheck) error {
	return r.columnsOf(t, func(x *catalog.Table, c *catalog.Column) error {
		probe := &catalog.Table{Dialect: uint8(r.Dialect), Columns: []*catalog.Column{{Name: "value", Type: t.Base}}}
		e, err := r.lowerText(probe, k.Text, &op.Type{Base: op.TBoolean})
		if err != nil {
			return err
		}
		rows, err := r.d.Query("SELECT 1 FROM (SELECT " + catalog.Quote(c.Name) + " AS value FROM " + catalog.Quote(x.Store) + ") WHERE NOT (" + e + ") LIMIT 1")
		if err == nil && len(rows) > 0 {
			return &op.Error{Code: op.CheckViolation, Msg: fmt.Sprintf("column %q of table %q contains values that violate the new constraint", c.Name, x.Name), Schema: x.Schema, Table: x.Name, Column: c.Name}
		}
		return err
	})
}

// addLabel runs ADD VALUE.
func (r *run) addLabel(t *catalog.Type, s *tree.AlterType) error {
	if t.Base.Base != op.TUnknown {
		return &op.Error{Code: op.TypeMismatch, Object: "window", Msg: fmt.Sprintf("%q is not an enum", t.Name)}
	}
	if err := checkLabel(s.Value); err != nil {
		return err
	}
	if slices.Contains(t.Labels, s.Value) {
		msg := fmt.Sprintf("enum label %q already exists", s.Value)
		if s.If {
			r.notice(op.AlreadyExists, msg+", skipping")
			return nil
		}
		return &op.Error{Code: op.AlreadyExists, Object: "type", Msg: msg}
	}
	at := len(t.Labels)
	if s.Neighbor != "" {
		if at = slices.Index(t.Labels, s.Neighbor); at < 0 {
			e := op.Errorf(op.InvalidArgument, "%q is not an existing enum label", s.Neighbor)
			return e
		}
		if s.After {
			at++
		}
	}
	var sorts []float64
	for i := range t.Labels {
		sorts = append(sorts, t.Sort(i))
	}
	var sort float64
	switch {
	case len(sorts) == 0:
		sort = 1
	case at == 0:
		sort = sorts[0] - 1
	case at == len(sorts):
		sort = sorts[at-1] + 1
	default:
		sort = float64(float32((sorts[at-1] + sorts[at]) / 2))
	}
	t.Sorts = slices.Insert(sorts, at, sort)
	t.Labels = slices.Insert(t.Labels, at, s.Value)
	return nil
}

// renameLabel runs RENAME VALUE: stored values follow.
func (r *run) renameLabel(t *catalog.Type, s *tree.AlterType) error {
	at := slices.Index(t.Labels, s.Value)
	if at < 0 {
		return op.Errorf(op.InvalidArgument, "%q is not an existing enum label", s.Value)
	}
	if slices.Contains(t.Labels, s.NewName) {
		return &op.Error{Code: op.AlreadyExists, Object: "type", Msg: fmt.Sprintf("enum label %q already exists", s.NewName)}
	}
	t.Labels[at] = s.NewName
	return r.columnsOf(t, func(x *catalog.Table, c *catalog.Column) error {
		if x.Kind == catalog.KindView {
			return nil
		}
		q := catalog.Quote(c.Name)
		if c.Type.Array {
			return r.d.Exec("UPDATE "+catalog.Quote(x.Store)+" SET "+q+" = (SELECT json_group_array(CASE value WHEN ?2 THEN ?1 ELSE value END) FROM json_each("+q+")) WHERE "+q+" IS NOT NULL",
				op.Text(s.NewName), op.Text(s.Value))
		}
		return r.d.Exec("UPDATE "+catalog.Quote(x.Store)+" SET "+q+" = ?1 WHERE "+q+" = ?2", op.Text(s.NewName), op.Text(s.Value))
	})
}

// renameType runs RENAME TO.
func (r *run) renameType(t *catalog.Type, name string) error {
	k := catalog.Key{Schema: t.Schema, Name: name}
	if r.cat.Types[k] != nil || r.cat.Tables[k] != nil {
		return exists("type", name)
	}
	var tables []*catalog.Table
	_ = r.columnsOf(t, func(x *catalog.Table, _ *catalog.Column) error {
		tables = append(tables, x)
		return nil
	})
	for _, x := range tables {
		for _, c := range r.edit(x).Columns {
			if c.Domain != nil && c.Domain.Schema == t.Schema && c.Domain.Name == t.Name {
				c.Domain = &k
			}
		}
	}
	delete(r.cat.Types, catalog.Key{Schema: t.Schema, Name: t.Name})
	t.Name = name
	r.cat.Types[k] = t
	return nil
}

// dropType drops one enum or domain.
func (r *run) dropType(s *tree.Drop, n tree.Name) (bool, error) {
	t := r.findType(n)
	if t == nil {
		return false, nil
	}
	if s.Kind == "DOMAIN" && t.Base.Base == op.TUnknown {
		return true, &op.Error{Code: op.TypeMismatch, Object: "window", Msg: fmt.Sprintf("%q is not a domain", t.Name)}
	}
	var lines []string
	type use struct{ table, column string }
	var uses []use
	_ = r.columnsOf(t, func(x *catalog.Table, c *catalog.Column) error {
		lines = append(lines, "column "+c.Name+" of table "+x.Name+" depends on type "+t.Name)
		uses = append(uses, use{x.Name, c.Name})
		return nil
	})
	if len(uses) > 0 && !s.Cascade {
		e := op.Errorf(op.Dependency, "cannot drop type %s because other objects depend on it", t.Name)
		e.Detail = strings.Join(lines, "\n")
		e.Hint = "Use DROP ... CASCADE to drop the dependent objects too."
		return true, e
	}
	if err := r.columnsOf(t, func(x *catalog.Table, c *catalog.Column) error {
		return r.alter(&tree.AlterTable{Table: tree.Name{Schema: x.Schema, Name: x.Name}, Kind: "TABLE", Actions: []tree.AlterAction{{Kind: "DROP COLUMN", Name: c.Name, Cascade: true}}})
	}); err != nil {
		return true, err
	}
	delete(r.cat.Types, catalog.Key{Schema: t.Schema, Name: t.Name})
	return true, nil
}

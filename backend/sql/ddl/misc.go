package ddl

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// createSchema runs CREATE SCHEMA.
func (r *run) createSchema(s *tree.CreateSchema) error {
	if strings.HasPrefix(s.Name, "pg_") {
		e := op.Errorf(op.Forbidden, "unacceptable schema name %q", s.Name)
		e.Detail = "The prefix \"pg_\" is reserved for system schemas."
		return e
	}
	if err := checkName(s.Name); err != nil {
		return err
	}
	if r.hasSchema(s.Name) || systemSchema(s.Name) {
		if s.IfNotExists {
			r.notice(op.AlreadyExists, "schema \""+s.Name+"\" already exists, skipping")
			return nil
		}
		return exists("schema", s.Name)
	}
	r.cat.Schemas[s.Name] = &catalog.Schema{OID: r.d.OID(), Name: s.Name}
	return nil
}

// createRole runs CREATE ROLE and CREATE USER. A password is refused: logins
// are configured outside SQL.
func (r *run) createRole(s *tree.CreateRole) error {
	for _, o := range s.Options {
		if o[0] == "password" && o[1] != "" {
			return op.Errorf(op.Unsupported, "a role with a password is not supported")
		}
	}
	if r.cat.Roles[s.Name] != nil || s.Name == r.User {
		return exists("role", s.Name)
	}
	r.cat.Roles[s.Name] = &catalog.Role{OID: r.d.OID(), Name: s.Name, Login: s.Login}
	return nil
}

// comment runs COMMENT ON.
func (r *run) comment(s *tree.Comment) error {
	switch s.Kind {
	case "SCHEMA":
		old := r.cat.Schemas[s.Name.Name]
		if old == nil {
			return noSchema(s.Name.Name)
		}
		c := *old
		c.Comment = s.Text
		r.cat.Schemas[s.Name.Name] = &c
		return nil
	case "INDEX":
		t, ix := r.findIndex(s.Name, tree.Name{})
		if ix == nil {
			return missing("relation", s.Name)
		}
		for _, x := range r.edit(t).Indexes {
			if x.Name == ix.Name {
				x.Comment = s.Text
			}
		}
		return nil
	case "TYPE", "DOMAIN":
		t := r.findType(s.Name)
		if t == nil {
			return missing("type", s.Name)
		}
		r.editType(t).Comment = s.Text
		return nil
	case "SEQUENCE":
		if r.findSeq(s.Name) == nil {
			return missing("relation", s.Name)
		}
		return op.Errorf(op.Unsupported, "COMMENT ON SEQUENCE is not supported")
	}
	t, err := r.table(s.Name)
	if err != nil {
		return err
	}
	t = r.edit(t)
	if s.Kind != "COLUMN" {
		t.Comment = s.Text
		return nil
	}
	c := t.Column(s.Column)
	if c == nil {
		return &op.Error{Code: op.NoColumn, Msg: "column \"" + s.Column + "\" of relation \"" + t.Name + "\" does not exist", Column: s.Column}
	}
	c.Comment = s.Text
	return nil
}

// createView runs CREATE VIEW. A view lives in the catalog only.
func (r *run) createView(s *tree.CreateView) error {
	k, err := r.target(s.Name, s.Temp)
	if err != nil {
		return err
	}
	old := r.cat.Tables[k]
	if r.taken(k) {
		switch {
		case s.Replace && old != nil && old.Kind == catalog.KindView:
		case s.Replace && old != nil:
			return op.Errorf(op.TypeMismatch, "%q is not a view", k.Name)
		case s.IfNotExists:
			r.notice(op.AlreadyExists, "relation \""+k.Name+"\" already exists, skipping")
			return nil
		default:
			return exists("relation", k.Name)
		}
	}
	v := &catalog.Table{Schema: k.Schema, Name: k.Name, Kind: catalog.KindView, ViewText: s.Text, ViewPath: r.path(), Dialect: uint8(r.Dialect)}
	if err := r.viewColumns(v, s); err != nil {
		return err
	}
	if old != nil && s.Replace {
		v.OID, v.Comment = old.OID, old.Comment
		if err := sameShape(old, v); err != nil {
			return err
		}
	} else {
		v.OID = r.d.OID()
	}
	r.cat.Tables[k] = v
	return nil
}

// viewColumns binds a view's query and lists its columns.
func (r *run) viewColumns(v *catalog.Table, s *tree.CreateView) error {
	p, err := r.d.Bind(s.Query)
	if err != nil {
		return err
	}
	if len(s.Columns) > len(p.Columns) {
		return op.Errorf(op.Syntax, "CREATE VIEW specifies more column names than columns")
	}
	for i, c := range p.Columns {
		name := c.Name
		if i < len(s.Columns) {
			name = s.Columns[i]
		}
		if v.Column(name) != nil {
			return &op.Error{Code: op.DuplicateColumn, Msg: "column \"" + name + "\" specified more than once", Column: name}
		}
		typ := c.Type
		if typ.Base == op.TUnknown {
			typ = op.Type{Base: op.TString}
		}
		v.NextAttr++
		v.Columns = append(v.Columns, &catalog.Column{Name: name, Attr: v.NextAttr, Type: typ, TypeText: typeWord(typ), CI: c.CI})
	}
	return nil
}

// sameShape checks CREATE OR REPLACE VIEW: old columns stay.
func sameShape(old, v *catalog.Table) error {
	if rowDialectMySQL(v) {
		return nil
	}
	if len(v.Columns) < len(old.Columns) {
		return op.Errorf(op.InvalidArgument, "cannot drop columns from view")
	}
	for i, c := range old.Columns {
		if n := v.Columns[i]; n.Name != c.Name {
			return op.Errorf(op.InvalidArgument, "cannot change name of view column %q to %q", c.Name, n.Name)
		} else if n.Type.Base != c.Type.Base || n.Type.Array != c.Type.Array {
			return op.Errorf(op.InvalidArgument, "cannot change data type of view column %q from %s to %s", c.Name, typeWord(c.Type), typeWord(n.Type))
		}
	}
	return nil
}

// createMatView runs CREATE MATERIALIZED VIEW: a stored table with a query.
func (r *run) createMatView(s *tree.CreateView) error {
	t, err := r.newTable(s.Name, s.IfNotExists, s.Temp)
	if err != nil || t == nil {
		return err
	}
	t.Kind, t.ViewText, t.ViewPath = catalog.KindMatView, s.Text, r.path()
	return r.fillFrom(t, s.Query, s.Columns, true)
}

// refresh runs REFRESH MATERIALIZED VIEW.
func (r *run) refresh(t *catalog.Table) error {
	if t.Kind != catalog.KindMatView {
		return op.Errorf(op.TypeMismatch, "%q is not a materialized view", t.Name)
	}
	n, err := r.Parse(r.dialectOf(t), t.ViewText)
	if err != nil {
		return err
	}
	p, err := r.d.Bind(n)
	if err != nil {
		return err
	}
	if err := r.d.Exec("DELETE FROM " + catalog.Quote(t.Store)); err != nil {
		return err
	}
	return r.fill(t, p)
}

// truncate runs TRUNCATE.
func (r *run) truncate(s *tree.Truncate) error {
	set := map[catalog.Key]*catalog.Table{}
	var list []*catalog.Table
	add := func(t *catalog.Table) {
		if set[t.Key()] == nil {
			set[t.Key()] = t
			list = append(list, t)
		}
	}
	for _, n := range s.Tables {
		t, err := r.table(n)
		if err != nil {
			return err
		}
		if t.Kind != catalog.KindTable && t.Kind != catalog.KindCollection {
			return op.Errorf(op.TypeMismatch, "%q is not a table", t.Name)
		}
		add(t)
	}
	for i := 0; i < len(list); i++ {
		for _, c := range r.children(list[i].Key()) {
			if set[c.Key()] != nil {
				continue
			}
			if !s.Cascade {
				e := op.Errorf(op.Unsupported, "cannot truncate a table referenced in a foreign key constraint")
				e.Detail = "Table \"" + c.Name + "\" references \"" + list[i].Name + "\"."
				e.Hint = "Truncate table \"" + c.Name + "\" at the same time, or use TRUNCATE ... CASCADE."
				return e
			}
			r.notice(0, "truncate cascades to table \""+c.Name+"\"")
			add(c)
		}
	}
	return r.empty(list, s.Restart)
}

// empty deletes the rows of tables that reference each other only. Their
// foreign keys are away meanwhile: TRUNCATE fires no actions.
func (r *run) empty(list []*catalog.Table, restart bool) error {
	var kin []*catalog.Table
	for _, t := range list {
		for _, k := range t.Constraints {
			if k.Kind == "FOREIGN KEY" {
				kin = append(kin, t)
				break
			}
		}
	}
	if err := r.cutForeign(kin); err != nil {
		return err
	}
	for _, t := range list {
		if err := r.d.Exec("DELETE FROM " + catalog.Quote(t.Store)); err != nil {
			return err
		}
		if !restart {
			continue
		}
		for _, q := range r.cat.Seqs {
			if q.Schema == t.Schema && q.Table == t.Name {
				if err := r.setSequence(q, q.Start); err != nil {
					return err
				}
			}
		}
	}
	return r.restoreForeign(kin)
}

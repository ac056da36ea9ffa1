package ddl

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// rowIDType tells integer columns that may be SQLite's rowid.
func rowIDType(t op.Type) bool {
	if t.Array {
		return false
	}
	switch t.Base {
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4:
		return true
	case op.TInt8:
		return !t.Unsigned
	}
	return false
}

// addPrimary sets a table's primary key in its entry. A single integer column
// becomes the rowid; any other key gets a unique index.
func (r *run) addPrimary(t *catalog.Table, k *tree.Constraint) error {
	if len(t.Primary) > 0 {
		e := op.Errorf(op.InvalidArgument, "multiple primary keys for table %q are not allowed", t.Name)
		e.Object = "primary key"
		return e
	}
	cols := r.fold(t, k.Columns)
	if err := checkColumns(t, cols, "named in key"); err != nil {
		return err
	}
	t.Primary, t.PrimaryName = cols, k.Name
	switch {
	case rel.Dialect(t.Dialect) == rel.MySQL:
		t.PrimaryName = "PRIMARY"
	case k.Name == "":
		t.PrimaryName = r.relationName(t.Schema, t.Name, "", "pkey")
	case r.taken(catalog.Key{Schema: t.Schema, Name: k.Name}):
		return exists("relation", k.Name)
	}
	for _, c := range cols {
		t.Column(c).NotNull = true
	}
	ix := r.keyIndex(t, t.PrimaryName, cols)
	ix.Primary = true
	if len(cols) == 1 && rowIDType(t.Column(cols[0]).Type) && t.Column(cols[0]).Generated == "" {
		t.RowIDAlias = cols[0]
		return nil
	}
	var err error
	ix.Store, err = r.indexStore(t, ix.Name)
	return err
}

// fold maps column names to the table's spelling; MySQL ignores case.
func (r *run) fold(t *catalog.Table, cols []string) []string {
	out := make([]string, len(cols))
	for i, c := range cols {
		out[i] = c
		if t.Column(c) != nil || rel.Dialect(t.Dialect) != rel.MySQL {
			continue
		}
		for _, k := range t.Columns {
			if strings.EqualFold(k.Name, c) {
				out[i] = k.Name
			}
		}
	}
	return out
}

// keyIndex adds the index entry behind a key constraint.
func (r *run) keyIndex(t *catalog.Table, name string, cols []string) *catalog.Index {
	ix := &catalog.Index{OID: r.d.OID(), Schema: t.Schema, Name: name, Table: t.Key(), Unique: true, Constraint: true, Method: "btree"}
	for _, c := range cols {
		ix.Items = append(ix.Items, catalog.IndexItem{Column: c})
	}
	t.Indexes = append(t.Indexes, ix)
	r.cat.Indexes[r.indexKey(t, name)] = ix
	return ix
}

// addConstraint adds a UNIQUE, CHECK or FOREIGN KEY constraint to a table's
// entry. Nothing is changed in the file.
func (r *run) addConstraint(t *catalog.Table, k *tree.Constraint) (*catalog.Constraint, error) {
	if k.Name != "" {
		if hasConstraint(t, k.Name) {
			e := exists("constraint", k.Name).(*op.Error)
			e.Msg = "constraint \"" + k.Name + "\" for relation \"" + t.Name + "\" already exists"
			return nil, e
		}
		if err := checkName(k.Name); err != nil {
			return nil, err
		}
	}
	c := &catalog.Constraint{OID: r.d.OID(), Name: k.Name, Kind: k.Kind, Columns: r.fold(t, k.Columns), Deferrable: k.Deferrable, Deferred: k.Deferred}
	var err error
	switch k.Kind {
	case "UNIQUE":
		err = r.unique(t, c, k)
	case "CHECK":
		err = r.check(t, c, k)
	case "FOREIGN KEY":
		err = r.foreign(t, c, k)
	default:
		err = op.Errorf(op.Unsupported, "%s constraints are not supported", k.Kind)
	}
	if err != nil {
		return nil, err
	}
	t.Constraints = append(t.Constraints, c)
	return c, nil
}

// unique completes a UNIQUE constraint with its index.
func (r *run) unique(t *catalog.Table, c *catalog.Constraint, k *tree.Constraint) error {
	if k.NullsNotDistinct {
		return op.Errorf(op.Unsupported, "NULLS NOT DISTINCT is not supported")
	}
	if k.Deferrable {
		return op.Errorf(op.Unsupported, "deferrable unique constraints are not supported")
	}
	if err := checkColumns(t, c.Columns, "named in key"); err != nil {
		return err
	}
	switch {
	case c.Name == "" && rel.Dialect(t.Dialect) == rel.MySQL:
		c.Name = mysqlIndexName(t, c.Columns[0])
	case c.Name == "":
		c.Name = r.relationName(t.Schema, t.Name, strings.Join(c.Columns, "_"), "key")
	case rel.Dialect(t.Dialect) != rel.MySQL && r.taken(catalog.Key{Schema: t.Schema, Name: c.Name}):
		return exists("relation", c.Name)
	}
	ix := r.keyIndex(t, c.Name, c.Columns)
	var err error
	ix.Store, err = r.indexStore(t, ix.Name)
	return err
}

// mysqlIndexName is MySQL's name of an unnamed index: its first column, then
// column_2 and so on.
func mysqlIndexName(t *catalog.Table, column string) string {
	name := column
	for i := 2; ; i++ {
		used := false
		for _, ix := range t.Indexes {
			used = used || strings.EqualFold(ix.Name, name)
		}
		if !used {
			return name
		}
		name = column + "_" + itoa(int64(i))
	}
}

// check completes a CHECK constraint.
func (r *run) check(t *catalog.Table, c *catalog.Constraint, k *tree.Constraint) error {
	c.Check = k.CheckText
	x := k.Check
	if x == nil {
		var err error
		if x, err = r.parseExpr(rel.Dialect(t.Dialect), k.CheckText); err != nil {
			return err
		}
	}
	if _, _, err := r.Lower(rel.Dialect(t.Dialect), r.cat, t, x, &op.Type{Base: op.TBoolean}); err != nil {
		return err
	}
	for _, n := range exprNames(x) {
		if t.Column(n) != nil {
			c.Columns = append(c.Columns, n)
		}
	}
	if c.Name == "" {
		col := ""
		if len(c.Columns) == 1 {
			col = c.Columns[0]
		}
		c.Name = constraintName(t, col, "check")
		if rel.Dialect(t.Dialect) == rel.MySQL {
			for i := int64(1); ; i++ {
				if c.Name = t.Name + "_chk_" + itoa(i); !hasConstraint(t, c.Name) {
					break
				}
			}
		}
	}
	return nil
}

// foreign completes a FOREIGN KEY constraint: the referenced columns must be a
// key of the parent.
func (r *run) foreign(t *catalog.Table, c *catalog.Constraint, k *tree.Constraint) error {
	if err := checkColumns(t, c.Columns, "referenced in foreign key constraint"); err != nil {
		return err
	}
	parent, err := r.table(k.RefTable)
	if err != nil && r.NoForeignKeys && op.CodeOf(err) == op.NotFound && len(k.RefColumns) == len(c.Columns) {
		if c.RefTable, err = r.target(k.RefTable, false); err != nil {
			return err
		}
		c.RefColumns, c.OnDelete, c.OnUpdate = k.RefColumns, k.OnDelete, k.OnUpdate
		r.nameForeign(t, c)
		return nil
	}
	if err != nil {
		return err
	}
	if parent.Kind != catalog.KindTable {
		return op.Errorf(op.TypeMismatch, "referenced relation %q is not a table", parent.Name)
	}
	c.RefTable, c.RefColumns = parent.Key(), r.fold(parent, k.RefColumns)
	c.OnDelete, c.OnUpdate = k.OnDelete, k.OnUpdate
	if len(c.RefColumns) == 0 {
		if len(parent.Primary) == 0 {
			return op.Errorf(op.Undefined, "there is no primary key for referenced table %q", parent.Name)
		}
		c.RefColumns = append([]string(nil), parent.Primary...)
	}
	if len(c.RefColumns) != len(c.Columns) {
		return op.Errorf(op.InvalidArgument, "number of referencing and referenced columns for foreign key disagree")
	}
	for _, n := range c.RefColumns {
		if parent.Column(n) == nil {
			return &op.Error{Code: op.NoColumn, Msg: "column \"" + n + "\" referenced in foreign key constraint does not exist", Column: n}
		}
	}
	if !isKey(parent, c.RefColumns) {
		return op.Errorf(op.Undefined, "there is no unique constraint matching given keys for referenced table %q", parent.Name)
	}
	for i, n := range c.Columns {
		a, b := t.Column(n).Type, parent.Column(c.RefColumns[i]).Type
		if !comparable(a, b) {
			e := op.Errorf(op.TypeMismatch, "foreign key constraint %q cannot be implemented", k.Name)
			e.Detail = "Key columns \"" + n + "\" and \"" + c.RefColumns[i] + "\" are of incompatible types."
			return e
		}
	}
	r.nameForeign(t, c)
	return nil
}

// nameForeign names a foreign key that has no name.
func (r *run) nameForeign(t *catalog.Table, c *catalog.Constraint) {
	if c.Name != "" {
		return
	}
	c.Name = constraintName(t, strings.Join(c.Columns, "_"), "fkey")
	if rel.Dialect(t.Dialect) == rel.MySQL {
		for i := int64(1); ; i++ {
			if c.Name = t.Name + "_ibfk_" + itoa(i); !hasConstraint(t, c.Name) {
				break
			}
		}
	}
}

// isKey tells whether columns, in any order, are a unique key of a table.
func isKey(t *catalog.Table, cols []string) bool {
	for _, ix := range t.Indexes {
		if !ix.Unique || ix.Where != "" || len(ix.Items) != len(cols) {
			continue
		}
		n := 0
		for _, c := range cols {
			for _, i := range ix.Items {
				if i.Column == c && i.Length == 0 {
					n++
				}
			}
		}
		if n == len(cols) {
			return true
		}
	}
	return false
}

// family groups types whose storage forms compare as the types do.
func family(t op.Type) int {
	switch t.Base {
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TOID, op.TYear:
		return 1
	case op.TEnum:
		return 2 + int(t.OID)<<8
	case op.TString, op.TVarchar, op.TChar, op.TName:
		return 2
	case op.TFloat4, op.TFloat8:
		return 3
	}
	return 100 + int(t.Base)
}

// comparable tells whether a foreign key may compare two types.
func comparable(a, b op.Type) bool { return a.Array == b.Array && family(a) == family(b) }

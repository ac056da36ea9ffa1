package doc

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Relational is what the engine needs of the relational family: rows inserted
// through it get defaults, serials and generated columns.
type Relational interface {
	Apply(ctx context.Context, tx *object.Tx, o *op.Op, body op.Body) ([]op.Frame, error)
}

// sqlTable is a SQL table seen as a collection. A row is a document: first
// _id, then every column. _id repeats a primary key of one column, is a
// document of a key of several, and is the row number without a key.
type sqlTable struct {
	t     *catalog.Table
	key   *catalog.Column // single primary key column
	names string          // quoted column list
}

// openTable prepares a SQL table.
func openTable(t *catalog.Table) (*sqlTable, error) {
	s := &sqlTable{t: t}
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = catalog.Quote(c.Name)
	}
	s.names = strings.Join(names, ", ")
	if len(t.Primary) == 1 {
		s.key = t.Column(t.Primary[0])
	}
	return s, nil
}

// doc builds the document of a row: the row number, then the columns.
func (s *sqlTable) doc(v []op.Value) ([]byte, error) {
	fields := make([]bsonval.V, len(s.t.Columns))
	for i, c := range s.t.Columns {
		f, err := fromStorage(v[i+1], c.Type)
		if err != nil {
			return nil, err
		}
		fields[i] = f
	}
	id := bsonval.Int64V(v[0].Int())
	var parts []any
	for i, c := range s.t.Columns {
		if slices.Contains(s.t.Primary, c.Name) {
			parts = append(parts, c.Name, fields[i])
		}
	}
	switch {
	case len(parts) == 2:
		id = parts[1].(bsonval.V)
	case len(parts) > 2:
		id = bsonval.DocV(buildDoc(parts...))
	}
	kv := make([]any, 0, 2+2*len(fields))
	kv = append(kv, "_id", id)
	for i, c := range s.t.Columns {
		if c.Name != "_id" {
			kv = append(kv, c.Name, fields[i])
		}
	}
	return buildDoc(kv...), nil
}

// tableRows reads a table's rows as documents. Equality on a column whose
// values compare alike in both worlds goes to SQLite.
func (r *run) tableRows(t *catalog.Table, f *filter, _ []op.Sort) (source, bool, error) {
	if t.Kind != catalog.KindTable {
		return nil, false, &op.Error{Code: op.Unsupported, Object: "view", Msg: "\"" + t.Name + "\" is a SQL view; views are not readable as collections"}
	}
	s, err := openTable(t)
	if err != nil {
		return nil, false, err
	}
	conds := map[string]*bounds{}
	conjuncts(f.expr, conds, nil)
	var where []string
	var args []op.Value
	for name, b := range conds {
		c := t.Column(name)
		if name == "_id" && s.key != nil {
			c = s.key
		}
		if c == nil || b.points == nil || len(b.points) > 500 || !exactType(c) || slices.ContainsFunc(b.points, nullish) {
			continue
		}
		var marks []string
		for _, p := range b.points {
			v, err := toStorage(p, c)
			if err != nil {
				continue // no value of this column equals it
			}
			marks = append(marks, "?")
			args = append(args, v)
		}
		where = append(where, catalog.Quote(c.Name)+" IN ("+strings.Join(marks, ", ")+")")
	}
	text := "SELECT _rowid_, " + s.names + " FROM " + catalog.Quote(t.Store)
	r.used = append(r.used, t)
	next := &feed{r: r, mark: func(v []op.Value) []op.Value { return []op.Value{v[0]} }}
	next.text = func(place []op.Value) (string, []op.Value) {
		conds := where
		if place != nil {
			conds = append(slices.Clone(where), "_rowid_ > ?")
		}
		if conds == nil {
			return text + " ORDER BY _rowid_", args
		}
		return text + " WHERE " + strings.Join(conds, " AND ") + " ORDER BY _rowid_", append(slices.Clone(args), place...)
	}
	return func() (row, error) {
		v, err := next.next()
		if err != nil {
			return row{}, err
		}
		if r.seen != nil {
			r.seen.docs++
		}
		d, err := s.doc(v)
		return row{rid: v[0].Int(), doc: d, pos: -1}, err
	}, false, nil
}

// exactType reports whether SQL equality of a column cannot miss a document
// that is equal.
func exactType(c *catalog.Column) bool {
	if c.Type.Array {
		return false
	}
	switch c.Type.Base {
	case op.TBoolean, op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TString, op.TVarchar, op.TUUID, op.TName:
		return true
	case op.TInt8:
		return !c.Type.Unsigned
	}
	return false
}

// row reads one row by number.
func (s *sqlTable) row(r *run, rid int64) (row, bool, error) {
	v, err := r.tx.Conn.Row("SELECT _rowid_, "+s.names+" FROM "+catalog.Quote(s.t.Store)+" WHERE _rowid_ = ?1", op.Int64(rid))
	if err != nil || v == nil {
		return row{}, false, storage(err)
	}
	d, err := s.doc(v)
	return row{rid: rid, doc: d, pos: -1}, true, err
}

// columns maps a document's fields to columns and storage forms.
func (s *sqlTable) columns(d []byte) (cols []*catalog.Column, vals []op.Value, err error) {
	id := bsonval.Missing
	for it := bsonval.Elements(d); it.Next(); {
		key := strings.Clone(it.Key())
		c := s.t.Column(key)
		if c == nil && key == "_id" {
			id = it.Value
			continue
		}
		if c == nil {
			return nil, nil, &op.Error{Code: op.CheckViolation, Object: "column", Column: key, Msg: "Document failed validation: table \"" + s.t.Name + "\" has no column \"" + key + "\""}
		}
		v, err := toStorage(it.Value, c)
		if err != nil {
			return nil, nil, err
		}
		cols, vals = append(cols, c), append(vals, v)
	}
	if id.Type == 0 || s.key == nil {
		return cols, vals, nil
	}
	if i := slices.Index(cols, s.key); i >= 0 {
		if v, err := toStorage(id, s.key); id.Type != bsonval.ObjectID && (err != nil || string(v.Raw) != string(vals[i].Raw) || v.Num != vals[i].Num) {
			return nil, nil, &op.Error{Code: op.CheckViolation, Object: "column", Column: s.key.Name, Msg: "Document failed validation: _id and \"" + s.key.Name + "\" differ"}
		}
		return cols, vals, nil
	}
	v, err := toStorage(id, s.key)
	if err != nil {
		// Drivers add an ObjectId to every document; a key that cannot hold
		// one is left to its default.
		if id.Type == bsonval.ObjectID {
			return cols, vals, nil
		}
		return nil, nil, err
	}
	return append(cols, s.key), append(vals, v), nil
}

// insert adds a row.
func (s *sqlTable) insert(w *target, d []byte) (bsonval.V, error) {
	cols, vals, err := s.columns(d)
	id := bsonval.Get(d, "_id")
	if err != nil {
		return id, err
	}
	if w.r.rel != nil {
		return id, s.insertSQL(w, cols, vals)
	}
	names, marks := make([]string, len(cols)), make([]string, len(cols))
	for i, c := range cols {
		names[i], marks[i] = catalog.Quote(c.Name), "?"
	}
	text := "INSERT INTO " + catalog.Quote(s.t.Store) + "(" + strings.Join(names, ", ") + ") VALUES (" + strings.Join(marks, ", ") + ")"
	if len(cols) == 0 {
		text = "INSERT INTO " + catalog.Quote(s.t.Store) + " DEFAULT VALUES"
	}
	_, err = w.r.tx.Conn.Run(text, vals...)
	return id, s.violation(w, err)
}

// insertSQL adds a row through the relational engine.
func (s *sqlTable) insertSQL(w *target, cols []*catalog.Column, vals []op.Value) error {
	names, marks, types := make([]string, len(cols)), make([]string, len(cols)), make([]op.Type, len(cols))
	for i, c := range cols {
		names[i], marks[i], types[i] = catalog.Quote(c.Name), "$"+itoa(i+1), c.Type
	}
	text := "INSERT INTO " + catalog.Quote(s.t.Schema) + "." + catalog.Quote(s.t.Name) + "(" + strings.Join(names, ", ") + ") OVERRIDING SYSTEM VALUE VALUES (" + strings.Join(marks, ", ") + ")"
	if len(cols) == 0 {
		text = "INSERT INTO " + catalog.Quote(s.t.Schema) + "." + catalog.Quote(s.t.Name) + " DEFAULT VALUES"
	}
	key := stmtKey{text, s.t.OID}
	local := w.r.tx.Local()
	var stmt *rel.Stmt
	if v, ok := local.Load(key); ok {
		stmt = v.(*rel.Stmt)
	} else {
		stmt = &rel.Stmt{Dialect: rel.Postgres, Text: text, ParamTypes: types, Kind: rel.KindData, Params: len(cols)}
		local.Store(key, stmt)
	}
	q := &rel.Query{Stmt: stmt, Args: vals}
	var err error
	inner := w.r.tx.Nested(func() error {
		_, err = w.r.rel.Apply(w.r.ctx, w.r.tx, &op.Op{Body: q}, q)
		return err
	})
	if inner == nil {
		return nil
	}
	e := op.AsError(inner)
	if e.Code == op.UniqueViolation {
		return duplicate(w.ns, e.Constraint, e.Columns, givenValues(e.Columns, cols, vals))
	}
	return e
}

// givenValues are the values a document gave for the columns of a key; null
// where the column took its default.
func givenValues(names []string, cols []*catalog.Column, vals []op.Value) []op.Value {
	out := make([]op.Value, len(names))
	for i, n := range names {
		for j, c := range cols {
			if c.Name != n {
				continue
			}
			if v, err := fromStorage(vals[j], c.Type); err == nil {
				out[i] = bsonval.FromBSON(v)
			}
		}
	}
	return out
}

// fill pads values to n.
func fill(v []op.Value, n int) []op.Value {
	for len(v) < n {
		v = append(v, op.Null)
	}
	return v
}

// stmtKey names a cached insert statement.
type stmtKey struct {
	text string
	oid  uint32
}

// update changes the columns that differ.
func (s *sqlTable) update(w *target, old row, d []byte) error {
	var sets []string
	var vals []op.Value
	for it := bsonval.Elements(d); it.Next(); {
		key := strings.Clone(it.Key())
		was := bsonval.Get(old.doc, key)
		if was.Type == it.Value.Type && string(was.Data) == string(it.Value.Data) {
			continue
		}
		c := s.t.Column(key)
		if c == nil {
			return &op.Error{Code: op.CheckViolation, Object: "column", Column: key, Msg: "Document failed validation: table \"" + s.t.Name + "\" has no column \"" + key + "\""}
		}
		v, err := toStorage(it.Value, c)
		if err != nil {
			return err
		}
		sets, vals = append(sets, catalog.Quote(c.Name)+" = ?"), append(vals, v)
	}
	for _, c := range s.t.Columns {
		if slices.Contains(s.t.Primary, c.Name) {
			continue // a replacement names the row by _id
		}
		if bsonval.Get(d, c.Name).Type == 0 && bsonval.Get(old.doc, c.Name).Type != bsonval.Null {
			sets = append(sets, catalog.Quote(c.Name)+" = NULL")
		}
	}
	if sets == nil {
		return nil
	}
	_, err := w.r.tx.Conn.Run("UPDATE "+catalog.Quote(s.t.Store)+" SET "+strings.Join(sets, ", ")+" WHERE _rowid_ = ?", append(vals, op.Int64(old.rid))...)
	return s.violation(w, err)
}

// remove deletes a row.
func (s *sqlTable) remove(w *target, x row) error {
	_, err := w.r.tx.Conn.Run("DELETE FROM "+catalog.Quote(s.t.Store)+" WHERE _rowid_ = ?1", op.Int64(x.rid))
	return s.violation(w, err)
}

// violation translates a constraint failure.
func (s *sqlTable) violation(w *target, err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) || e.Code != sqlite.Constraint {
		return storage(err)
	}
	switch e.Extended {
	case sqlite.ConstraintUnique, sqlite.ConstraintPrimaryKey, sqlite.ConstraintRowID:
		// The message lists "table.column" of the violated key.
		_, list, _ := strings.Cut(e.Msg, "failed: ")
		var cols []string
		for _, c := range strings.Split(list, ", ") {
			cols = append(cols, c[strings.LastIndexByte(c, '.')+1:])
		}
		name := s.t.PrimaryName
		for _, x := range s.t.Indexes {
			if x.Unique && len(x.Items) == len(cols) && x.Items[0].Column == cols[0] {
				name = x.Name
			}
		}
		return duplicate(w.ns, name, cols, fill(nil, len(cols)))
	case sqlite.ConstraintForeignKey:
		return &op.Error{Code: op.ForeignKey, Msg: "Document failed validation: foreign key of table \"" + s.t.Name + "\""}
	}
	return &op.Error{Code: op.CheckViolation, Msg: "Document failed validation: " + e.Msg}
}

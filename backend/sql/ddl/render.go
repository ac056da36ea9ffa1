package ddl

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// quoteList quotes and joins identifiers.
func quoteList(l []string) string {
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = catalog.Quote(s)
	}
	return strings.Join(out, ", ")
}

// declared returns the SQLite type of a column: the one whose affinity leaves
// the storage form of op.Base as it is. NUMERIC affinity never appears: it
// would turn decimal text into floating point.
func declared(c *catalog.Column) string {
	if c.Type.Array {
		return "TEXT"
	}
	switch c.Type.Base {
	case op.TBoolean, op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TDate, op.TTime, op.TTimestamp, op.TTimestampTZ,
		op.TOID, op.TRegClass, op.TRegType, op.TRegProc, op.TRegNS, op.TYear, op.TXID:
		return "INTEGER"
	case op.TInt8:
		if c.Type.Unsigned { // values above 2^63-1 are text
			return "BLOB"
		}
		return "INTEGER"
	case op.TFloat4, op.TFloat8:
		return "REAL"
	case op.TNumeric:
		return "TEXT COLLATE decimal"
	case op.TInterval:
		return "TEXT COLLATE interval"
	case op.TBytea:
		return "BLOB"
	}
	if c.CI {
		return "TEXT COLLATE ci"
	}
	return "TEXT"
}

// render writes the CREATE TABLE of a table under a SQLite name, with or
// without its foreign keys.
func (r *run) render(t *catalog.Table, name string, foreign bool) (string, error) {
	parts := make([]string, 0, len(t.Columns)+len(t.Constraints))
	for _, c := range t.Columns {
		s := catalog.Quote(c.Name) + " "
		if c.Name == t.RowIDAlias {
			parts = append(parts, s+"INTEGER PRIMARY KEY")
			continue
		}
		s += declared(c)
		if c.Generated != "" {
			e, err := r.lowerText(t, c.Generated, &c.Type)
			if err != nil {
				return "", err
			}
			kind := " VIRTUAL"
			if c.Stored {
				kind = " STORED"
			}
			s += " GENERATED ALWAYS AS (" + e + ")" + kind
		}
		if c.NotNull {
			s += " NOT NULL"
		}
		parts = append(parts, s)
	}
	for _, k := range t.Constraints {
		switch {
		case k.Kind == "CHECK":
			e, err := r.lowerText(t, k.Check, &op.Type{Base: op.TBoolean})
			if err != nil {
				return "", err
			}
			parts = append(parts, "CONSTRAINT "+catalog.Quote(k.Name)+" CHECK ("+e+")")
		case k.Kind == "FOREIGN KEY" && foreign:
			if parent := r.cat.Tables[k.RefTable]; parent != nil {
				parts = append(parts, foreignKey(k, parent))
			}
		}
	}
	return "CREATE TABLE " + catalog.Quote(name) + "(" + strings.Join(parts, ", ") + ")", nil
}

// foreignKey writes a FOREIGN KEY clause.
func foreignKey(k *catalog.Constraint, parent *catalog.Table) string {
	s := "CONSTRAINT " + catalog.Quote(k.Name) + " FOREIGN KEY (" + quoteList(k.Columns) + ") REFERENCES " +
		catalog.Quote(parent.Store) + "(" + quoteList(k.RefColumns) + ")"
	if k.OnDelete != "" {
		s += " ON DELETE " + k.OnDelete
	}
	if k.OnUpdate != "" {
		s += " ON UPDATE " + k.OnUpdate
	}
	if k.Deferred {
		s += " DEFERRABLE INITIALLY DEFERRED"
	}
	return s
}

// lowerText lowers an expression of a table's dialect to SQLite text.
func (r *run) lowerText(t *catalog.Table, text string, typ *op.Type) (string, error) {
	d := rel.Dialect(t.Dialect)
	x, err := r.parseExpr(d, text)
	if err != nil {
		return "", err
	}
	s, _, err := r.Lower(d, r.cat, t, x, typ)
	return s, err
}

// parseExpr parses an expression of a dialect.
func (r *run) parseExpr(d rel.Dialect, text string) (tree.Expr, error) {
	n, err := r.Parse(d, "SELECT "+text)
	if err != nil {
		return nil, err
	}
	if s, ok := n.(*tree.Select); ok && len(s.Items) == 1 {
		return s.Items[0].Expr, nil
	}
	return nil, op.Errorf(op.Syntax, "not one expression: %s", text)
}

// renderIndex writes the CREATE INDEX of an index.
func (r *run) renderIndex(t *catalog.Table, ix *catalog.Index) (string, error) {
	var items []string
	for _, i := range ix.Items {
		var s string
		switch {
		case i.Expr != "":
			e, err := r.lowerText(t, i.Expr, nil)
			if err != nil {
				return "", err
			}
			s = "(" + e + ")"
		case i.Length > 0 && ix.Unique:
			s = "substr(" + catalog.Quote(i.Column) + ", 1, " + itoa(int64(i.Length)) + ")"
		default:
			s = catalog.Quote(i.Column)
		}
		if i.Desc {
			s += " DESC"
		}
		items = append(items, s)
	}
	kind := "CREATE INDEX "
	if ix.Unique {
		kind = "CREATE UNIQUE INDEX "
	} else {
		for _, c := range ix.Include {
			items = append(items, catalog.Quote(c))
		}
	}
	s := kind + catalog.Quote(ix.Store) + " ON " + catalog.Quote(t.Store) + "(" + strings.Join(items, ", ") + ")"
	if ix.Where != "" {
		e, err := r.lowerText(t, ix.Where, &op.Type{Base: op.TBoolean})
		if err != nil {
			return "", err
		}
		s += " WHERE " + e
	}
	return s, nil
}

package rel

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
)

// Bounds of the search for the row that made a write fail.
const (
	maxBlamed  = 100_000 // rows looked at
	maxIgnored = 64      // rows of INSERT IGNORE that are named in warnings
)

// offender computes again the rows a failed MySQL write wanted to store.
type offender struct {
	tx   *object.Tx
	c    *compiled
	args []op.Value
	opts datum.Options
}

// newOffender returns nil when the plan does not say how to compute its rows.
func newOffender(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env) *offender {
	if tx == nil || q == nil || c.NewRows == nil || c.Target == nil || len(c.NewRows.Rows) == 0 {
		return nil
	}
	args, err := bindArgs(c, c.Binds, q.Args, env, tx)
	if err != nil {
		return nil
	}
	return &offender{tx: tx, c: c, args: args, opts: funcs.Options(env, 0)}
}

// extra is a further output column in which every parameter occurs.
func (o *offender) extra() string {
	if len(o.args) == 0 {
		return ""
	}
	return ", ?" + strconv.Itoa(len(o.args))
}

// value says which row and column hold a value that cannot be stored: the
// first row whose values cannot be computed, and in it the first column.
func (o *offender) value(out *op.Error) {
	n := o.c.NewRows
	row, col := 0, -1
	if n.From == "" {
		for i, exprs := range n.Rows {
			if len(exprs) == 0 || o.fails("SELECT "+strings.Join(exprs, ", ")+o.extra()) == 0 {
				continue
			}
			for j, x := range exprs {
				if o.fails("SELECT "+x+o.extra()) > 0 {
					row, col = i+1, j
					break
				}
			}
			break
		}
	} else {
		for j, x := range n.Rows[0] {
			if at := o.fails("SELECT " + x + o.extra() + " " + n.From); at > 0 && (row == 0 || at < row) {
				row, col = at, j
			}
		}
	}
	if col >= 0 {
		out.Schema, out.Table, out.Column, out.Row = o.c.Target.Schema, o.c.Target.Name, n.Columns[col], row
	}
}

// fails runs a query and returns the number of the row it fails at, 0 if it
// does not.
func (o *offender) fails(text string) int {
	st, err := o.tx.Conn.Prepare(text)
	if err != nil {
		return 0
	}
	defer st.Close()
	if err := st.Bind(o.args); err != nil {
		return 0
	}
	for i := 1; i < maxBlamed; i++ {
		_, done, err := st.Fetch(nil, 1, 0)
		if err != nil {
			return i
		}
		if done {
			break
		}
	}
	return 0
}

// duplicates finds the new rows that have the key of an existing row, or of a
// row before them, and returns for at most limit of them the number and the
// key as text.
func (o *offender) duplicates(columns []string, limit int) (rows []int, keys [][]op.Value) {
	n, t := o.c.NewRows, o.c.Target
	exprs := make([][]string, len(n.Rows))
	for _, col := range columns {
		at := -1
		for i, name := range n.Columns {
			if name == col {
				at = i
			}
		}
		k := t.Column(col)
		if k == nil || at < 0 && n.RowID == "" && k.Default == "" {
			return nil, nil // generated, or given by a sequence
		}
		for i := range n.Rows {
			switch {
			case at >= 0 && at < len(n.Rows[i]):
				exprs[i] = append(exprs[i], n.Rows[i][at])
			case n.RowID != "":
				exprs[i] = append(exprs[i], strings.TrimSuffix(n.RowID, "rowid")+catalog.Quote(col))
			default:
				return nil, nil
			}
		}
	}
	text := o.search(columns, exprs, limit)
	if text == "" {
		return nil, nil
	}
	found, err := o.tx.Conn.Query(text, o.args...)
	if err != nil {
		return nil, nil // the error to report is the one that led here
	}
	for _, r := range found {
		key := make([]op.Value, len(columns))
		for i, col := range columns {
			key[i] = op.Raw(op.KindText, datum.AppendMySQL(nil, t.Column(col).Type, r[i+1], o.opts))
		}
		rows, keys = append(rows, int(r[0].Int())), append(keys, key)
	}
	return rows, keys
}

// search writes the query of duplicates.
func (o *offender) search(columns []string, exprs [][]string, limit int) string {
	n, t := o.c.NewRows, o.c.Target
	var b strings.Builder
	names := make([]string, len(columns))
	var match, part, some []string
	for i, col := range columns {
		_, coll, err := o.tx.Conn.ColumnMeta(t.Store, col)
		if err != nil {
			return ""
		}
		names[i] = fmt.Sprintf("k%d", i)
		match = append(match, fmt.Sprintf("old.%s = new.%s", catalog.Quote(col), names[i]))
		part = append(part, names[i]+" COLLATE "+catalog.Quote(coll))
		some = append(some, names[i]+" IS NOT NULL")
	}
	list := strings.Join(names, ", ")
	fmt.Fprintf(&b, "WITH new(i, r, %s, x) AS MATERIALIZED (", list)
	for i, row := range exprs {
		if i > 0 {
			b.WriteString(", ")
		} else if n.From == "" {
			b.WriteString("VALUES ")
		}
		extra := o.extra()
		if extra == "" {
			extra = ", 0"
		}
		switch {
		case n.From == "":
			fmt.Fprintf(&b, "(%d, NULL, %s%s)", i+1, strings.Join(row, ", "), extra)
		case n.RowID != "":
			fmt.Fprintf(&b, "SELECT row_number() OVER (), %s, %s%s %s", n.RowID, strings.Join(row, ", "), extra, n.From)
		default:
			fmt.Fprintf(&b, "SELECT row_number() OVER (), NULL, %s%s %s", strings.Join(row, ", "), extra, n.From)
		}
	}
	fmt.Fprintf(&b, ") SELECT i, %s FROM (SELECT i, %s, EXISTS (SELECT 1 FROM %s AS old WHERE %s AND old.rowid IS NOT new.r) AS hit, row_number() OVER (PARTITION BY %s ORDER BY i) AS n FROM new WHERE %s) WHERE hit OR n > 1 ORDER BY i LIMIT %d",
		list, list, catalog.Quote(t.Store), strings.Join(match, " AND "), strings.Join(part, ", "), strings.Join(some, " AND "), limit)
	return b.String()
}

// ignored names the rows that INSERT IGNORE is about to leave out because of
// their keys.
func (e *Engine) ignored(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env) []op.Notice {
	o := newOffender(tx, c, q, env)
	if o == nil {
		return nil
	}
	texts := map[int]string{}
	var order []int
	for _, key := range uniqueKeys(c.Target) {
		rows, values := o.duplicates(key.columns, maxIgnored)
		for i, r := range rows {
			if texts[r] == "" {
				texts[r] = duplicateEntry(c.Target, key.name, values[i])
				order = append(order, r)
			}
		}
	}
	var out []op.Notice
	for _, r := range order {
		out = append(out, op.Notice{Severity: "WARNING", Code: op.UniqueViolation, Msg: texts[r]})
	}
	return out
}

// duplicateEntry is MySQL's text for a row whose key exists.
func duplicateEntry(t *catalog.Table, name string, key []op.Value) string {
	parts := make([]string, len(key))
	for i, v := range key {
		parts[i] = v.Str()
	}
	return "Duplicate entry '" + strings.Join(parts, "-") + "' for key '" + t.Name + "." + name + "'"
}

// uniqueKey is a key that rows of a table must not share.
type uniqueKey struct {
	name    string
	columns []string
}

// uniqueKeys lists a table's unique keys, the primary one first.
func uniqueKeys(t *catalog.Table) []uniqueKey {
	var out []uniqueKey
	for _, x := range t.Indexes {
		if !x.Unique {
			continue
		}
		k := uniqueKey{name: x.Name}
		for _, it := range x.Items {
			k.columns = append(k.columns, it.Column)
		}
		if x.Primary {
			out = append([]uniqueKey{k}, out...)
		} else {
			out = append(out, k)
		}
	}
	return out
}

// blame completes the error of a MySQL write with the row, column or key.
func blame(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env, out *op.Error) *op.Error {
	o := newOffender(tx, c, q, env)
	if o == nil {
		return out
	}
	switch out.Code {
	case op.OutOfRange, op.StringTooLong, op.InvalidArgument:
		if out.Column == "" {
			e := *out
			o.value(&e)
			return &e
		}
	case op.UniqueViolation:
		e := *out
		if _, keys := o.duplicates(e.Columns, 1); len(keys) > 0 {
			e.Values = keys[0]
		}
		return &e
	}
	return out
}

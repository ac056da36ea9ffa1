package rel

import (
	"errors"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// SQLite's extended result codes of constraints.
const (
	codeCheck      = 275
	codeForeignKey = 787
	codeNotNull    = 1299
	codePrimary    = 1555
	codeTrigger    = 1811
	codeUnique     = 2067
	codeRowID      = 2579
)

// explain turns a failure of a statement that changes nothing into an error.
func (e *Engine) explain(c *compiled, err error) error {
	return e.explainWrite(nil, c, nil, nil, err)
}

// explainWrite turns a failure into an error that names table, columns and
// constraint as PostgreSQL does. SQLite only gives a text.
func (e *Engine) explainWrite(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env, err error) error {
	var known *op.Error
	if errors.As(err, &known) {
		return blame(tx, c, q, env, known)
	}
	var se *sqlite.Error
	if !errors.As(err, &se) {
		return err
	}
	out := &op.Error{Code: op.Internal, Msg: se.Msg, Err: err}
	t := c.Target
	switch se.Extended {
	case codeUnique, codePrimary, codeRowID:
		unique(out, t, se.Msg, values(c, q, env, tx))
	case codeNotNull:
		out.Code = op.NotNullViolation
		if t != nil {
			out.Schema, out.Table, out.Column = t.Schema, t.Name, lastPart(se.Msg)
			out.Msg = "null value in column \"" + out.Column + "\" of relation \"" + t.Name + "\" violates not-null constraint"
		}
	case codeCheck:
		out.Code = op.CheckViolation
		_, name, _ := strings.Cut(se.Msg, ": ")
		if t != nil {
			out.Schema, out.Table, out.Constraint = t.Schema, t.Name, name
			out.Msg = "new row for relation \"" + t.Name + "\" violates check constraint \"" + name + "\""
		}
	case codeForeignKey, codeTrigger:
		foreign(tx, out, c, values(c, q, env, tx))
	default:
		switch se.Code {
		case 9: // INTERRUPT
			out.Code, out.Msg = op.Canceled, "canceling statement due to user request"
		case 13: // FULL
			out.Code, out.Msg, out.Hint = op.Unavailable, "disk full", "free space, then try again"
		case 18: // TOOBIG
			out.Code = op.TooLarge
		}
	}
	return blame(tx, c, q, env, out)
}

// lastPart returns the column of "… failed: table.column".
func lastPart(msg string) string { return msg[strings.LastIndexByte(msg, '.')+1:] }

// values maps the columns of a single-row insert to what it tried to insert,
// nil when that is not known. Values from sequences are left out: asking would
// spend one.
func values(c *compiled, q *rel.Query, env *rel.Env, tx *object.Tx) map[string]op.Value {
	if q == nil || tx == nil || len(c.InsertExprs) == 0 || len(c.InsertExprs) != len(c.InsertCols) {
		return nil
	}
	args, err := bindArgs(c, c.Binds, q.Args, env, tx)
	if err != nil {
		return nil
	}
	var cols, exprs []string
	for i, x := range c.InsertExprs {
		if !strings.Contains(x, "nextval") && !strings.Contains(x, "dotdo_autoinc") {
			cols, exprs = append(cols, c.InsertCols[i]), append(exprs, x)
		}
	}
	if n := len(args); n > 0 { // every parameter must occur
		exprs = append(exprs, "?"+strconv.Itoa(n))
	}
	if len(cols) == 0 {
		return nil
	}
	row, err := tx.Conn.Row("SELECT "+strings.Join(exprs, ", "), args...)
	if err != nil || len(row) < len(cols) {
		return nil
	}
	m := map[string]op.Value{}
	for i, col := range cols {
		m[col] = row[i]
	}
	return m
}

// unique fills a unique violation from "UNIQUE constraint failed: t.a, t.b".
func unique(out *op.Error, t *catalog.Table, msg string, vals map[string]op.Value) {
	out.Code = op.UniqueViolation
	if t == nil {
		return
	}
	out.Schema, out.Table = t.Schema, t.Name
	_, list, _ := strings.Cut(msg, ": ")
	if name, ok := strings.CutPrefix(list, "index '"); ok { // an index with expressions
		name = strings.TrimSuffix(name, "'")
		out.Constraint = name[strings.LastIndexByte(name, '.')+1:]
	} else {
		for _, part := range strings.Split(list, ", ") {
			out.Columns = append(out.Columns, strings.TrimPrefix(part, t.Store+"."))
		}
		out.Constraint = keyName(t, out.Columns)
	}
	out.Msg = "duplicate key value violates unique constraint \"" + out.Constraint + "\""
	known := len(out.Columns) > 0
	for _, col := range out.Columns {
		v, ok := vals[col]
		known = known && ok
		out.Values = append(out.Values, v)
	}
	if !known {
		out.Values = nil
	}
}

// keyName returns the constraint or unique index over exactly these columns.
func keyName(t *catalog.Table, cols []string) string {
	same := func(list []string) bool {
		if len(list) != len(cols) {
			return false
		}
		for i := range list {
			if list[i] != cols[i] {
				return false
			}
		}
		return true
	}
	if same(t.Primary) {
		return t.PrimaryName
	}
	for _, x := range t.Indexes {
		var list []string
		for _, it := range x.Items {
			list = append(list, it.Column)
		}
		if x.Unique && same(list) {
			return x.Name
		}
	}
	for _, k := range t.Constraints {
		if k.Kind == "UNIQUE" && same(k.Columns) {
			return k.Name
		}
	}
	return t.Name + "_key"
}

// foreign fills a foreign key violation. SQLite does not say which key, so
// each candidate is looked at: a key of the written table whose parent row is
// missing, else a key of another table that refers to it.
func foreign(tx *object.Tx, out *op.Error, c *compiled, vals map[string]op.Value) {
	out.Code, out.Msg = op.ForeignKey, "foreign key constraint failed"
	t := c.Target
	if t == nil || tx == nil {
		return
	}
	if c.Tag != "DELETE" {
		for _, k := range t.Constraints {
			if k.Kind == "FOREIGN KEY" && missing(tx, k, vals) {
				out.Schema, out.Table, out.Constraint, out.Columns = t.Schema, t.Name, k.Name, k.Columns
				for _, col := range k.Columns {
					if v, ok := vals[col]; ok {
						out.Values = append(out.Values, v)
					}
				}
				out.Object, out.Name = "parent", k.RefTable.Name
				out.Hint = reference(c, k)
				out.Msg = "insert or update on table \"" + t.Name + "\" violates foreign key constraint \"" + k.Name + "\""
				return
			}
		}
	}
	for _, child := range tx.Catalog().Tables {
		for _, k := range child.Constraints {
			if k.Kind == "FOREIGN KEY" && k.RefTable == t.Key() {
				out.Schema, out.Table, out.Constraint, out.Columns = child.Schema, child.Name, k.Name, k.RefColumns
				out.Object, out.Name = "child", t.Name
				out.Msg = "update or delete on table \"" + t.Name + "\" violates foreign key constraint \"" + k.Name + "\" on table \"" + child.Name + "\""
				out.Hint = reference(c, k)
				return
			}
		}
	}
}

// missing tells whether the parent row of key k is not there for the inserted
// values; true when the values are not known.
func missing(tx *object.Tx, k *catalog.Constraint, vals map[string]op.Value) bool {
	parent := tx.Catalog().Tables[k.RefTable]
	if parent == nil || len(vals) == 0 {
		return true
	}
	ref := k.RefColumns
	if len(ref) == 0 {
		ref = parent.Primary
	}
	if len(ref) != len(k.Columns) {
		return true
	}
	var where []string
	var args []op.Value
	for i, col := range k.Columns {
		v, ok := vals[col]
		if !ok {
			return true
		}
		if v.IsNull() {
			return false
		}
		where = append(where, catalog.Quote(ref[i])+" = ?")
		args = append(args, v)
	}
	row, err := tx.Conn.Row("SELECT 1 FROM "+catalog.Quote(parent.Store)+" WHERE "+strings.Join(where, " AND "), args...)
	return err != nil || row == nil
}

// reference writes a foreign key as MySQL's messages show it.
func reference(c *compiled, k *catalog.Constraint) string {
	if c.Dialect != rel.MySQL {
		return ""
	}
	list := func(cols []string) string { return "(`" + strings.Join(cols, "`, `") + "`)" }
	text := "FOREIGN KEY " + list(k.Columns) + " REFERENCES `" + k.RefTable.Name + "` " + list(k.RefColumns)
	if k.OnDelete != "" && k.OnDelete != "NO ACTION" {
		text += " ON DELETE " + k.OnDelete
	}
	if k.OnUpdate != "" && k.OnUpdate != "NO ACTION" {
		text += " ON UPDATE " + k.OnUpdate
	}
	return text
}

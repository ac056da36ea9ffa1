package rel

import (
	"context"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// maxScan bounds the bytes one object gives to a merged query.
const maxScan = 100 << 20

// scan reads a stored table, whole or what matters of it.
func (e *Engine) scan(ctx context.Context, s *object.Scope, b *rel.Scan) (op.Reply, error) {
	head := &op.Head{}
	rows := &op.Rows{}
	var lsn uint64
	text := b.Text
	if text == "" {
		text = "SELECT * FROM main." + catalog.Quote(b.Store)
	}
	err := s.Read(ctx, func(tx *object.Tx) error {
		st, err := tx.Conn.Prepare(text)
		if err != nil {
			return err
		}
		defer st.Close()
		if err := st.Bind(b.Args); err != nil {
			return err
		}
		lsn, rows.Values = tx.LSN(), rows.Values[:0]
		size, seen := 0, 0
		for done := false; !done; {
			if err := ctx.Err(); err != nil {
				return &op.Error{Code: op.Canceled, Msg: "canceling statement due to user request", Err: err}
			}
			if rows.Values, done, err = st.Fetch(rows.Values, 0, 1<<20); err != nil {
				return err
			}
			for ; seen < len(rows.Values); seen++ {
				size += 48 + len(rows.Values[seen].Raw)
			}
			if size > maxScan {
				return op.Errorf(op.TooLarge, "table %q is too large to be merged from several objects", b.Store)
			}
		}
		// Asked after the first step: only it notices that the table changed.
		for _, name := range st.ColumnNames() {
			head.Columns = append(head.Columns, op.Column{Name: name})
		}
		rows.Cols = len(head.Columns)
		return nil
	})
	if err != nil {
		return nil, op.AsError(err)
	}
	return op.ReplyOf(head, rows, &op.Done{Affected: rowsOf(rows.Values, rows.Cols), LSN: lsn}), nil
}

// over runs a query over given rows: temporary tables of the stored tables'
// names and columns hide the stored ones while the query runs.
func (e *Engine) over(ctx context.Context, s *object.Scope, b *rel.Over) (op.Reply, error) {
	q := b.Query
	env := envOf(q.Env)
	c, err := e.compile(s.Catalog(), s.Local(), q.Stmt, env)
	if err != nil {
		return nil, err
	}
	if c.Kind != sql.KindQuery || c.Sequence {
		return nil, op.Errorf(op.Unsupported, "only a query can be merged from several objects")
	}
	if len(q.Args) != len(c.Params) {
		return nil, op.Errorf(op.InvalidArgument, "the statement needs %d parameters, %d were given", len(c.Params), len(q.Args))
	}
	rows := &op.Rows{Cols: len(c.Columns)}
	var lsn uint64
	err = s.Read(ctx, func(tx *object.Tx) (err error) {
		lsn, rows.Values = tx.LSN(), rows.Values[:0]
		defer func() {
			for i := range b.Tables {
				if derr := tx.Conn.Exec("DROP TABLE IF EXISTS temp." + catalog.Quote(b.Tables[i].Store)); err == nil {
					err = derr
				}
			}
		}()
		for i := range b.Tables {
			if err := hide(tx, &b.Tables[i]); err != nil {
				return err
			}
		}
		cur := &cursor{}
		if err := e.open(ctx, tx, c, q, env, cur); err != nil {
			return err
		}
		defer cur.close()
		for done := false; !done; {
			if rows.Values, done, err = cur.next(rows.Values); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, e.explain(c, err)
	}
	return op.ReplyOf(c.head, rows, &op.Done{Tag: c.Tag, Affected: rowsOf(rows.Values, rows.Cols), LSN: lsn}), nil
}

// hide makes a temporary table of a stored table's columns, with their types
// and collations, and fills it.
func hide(tx *object.Tx, t *rel.TableRows) error {
	n := len(t.Columns)
	if n == 0 || len(t.Values)%n != 0 {
		return op.Errorf(op.InvalidArgument, "rows of table %q do not fit its columns", t.Store)
	}
	cols, marks := make([]string, n), make([]string, n)
	for i, name := range t.Columns {
		typ, coll, err := tx.Conn.ColumnMeta(t.Store, name)
		if err != nil {
			return err
		}
		cols[i] = catalog.Quote(name) + " " + affinity(typ) + " COLLATE " + catalog.Quote(coll)
		marks[i] = "?"
	}
	if err := tx.Conn.Exec("CREATE TEMP TABLE " + catalog.Quote(t.Store) + "(" + strings.Join(cols, ", ") + ")"); err != nil {
		return err
	}
	st, err := tx.Conn.Prepare("INSERT INTO temp." + catalog.Quote(t.Store) + " VALUES (" + strings.Join(marks, ",") + ")")
	if err != nil {
		return err
	}
	defer st.Close()
	for v := t.Values; len(v) > 0; v = v[n:] {
		if err := st.Bind(v[:n]); err != nil {
			return err
		}
		if _, _, err := st.Fetch(nil, 0, 0); err != nil {
			return err
		}
	}
	return nil
}

// affinity is a declared type that gives SQLite the same affinity.
func affinity(declared string) string {
	d := strings.ToUpper(declared)
	has := func(words ...string) bool {
		for _, w := range words {
			if strings.Contains(d, w) {
				return true
			}
		}
		return false
	}
	switch {
	case has("INT"):
		return "INTEGER"
	case has("CHAR", "CLOB", "TEXT"):
		return "TEXT"
	case d == "" || has("BLOB"):
		return "BLOB"
	case has("REAL", "FLOA", "DOUB"):
		return "REAL"
	}
	return "NUMERIC"
}

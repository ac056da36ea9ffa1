package rel

import (
	"context"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// copyStmt returns the statement COPY stands for: an INSERT of one row of
// parameters, or the SELECT of the same columns.
func copyStmt(cat *catalog.Snapshot, schema, table string, columns []string, env *rel.Env, insert bool) (*rel.Stmt, error) {
	path := []string{schema}
	if schema == "" {
		if path = env.SearchPath; len(path) == 0 {
			path = []string{"public"}
		}
	}
	var t *catalog.Table
	for _, s := range path {
		if t = cat.Tables[catalog.Key{Schema: s, Name: table}]; t != nil {
			break
		}
	}
	if t == nil {
		return nil, &op.Error{Code: op.NotFound, Msg: "relation \"" + table + "\" does not exist", Object: "relation", Name: table, Schema: schema}
	}
	if insert && t.Kind != catalog.KindTable {
		return nil, &op.Error{Code: op.TypeMismatch, Msg: "cannot copy to \"" + table + "\": it is not a table", Object: "relation", Name: table}
	}
	if len(columns) == 0 {
		for _, c := range t.Columns {
			if c.Generated == "" {
				columns = append(columns, c.Name)
			}
		}
	}
	var names, params []string
	var types []op.Type
	for i, c := range columns {
		if k := t.Column(c); k != nil {
			types = append(types, k.Type)
		} else {
			types = append(types, op.Type{})
		}
		names = append(names, catalog.Quote(c))
		params = append(params, "$"+strconv.Itoa(i+1))
	}
	name := catalog.Quote(t.Schema) + "." + catalog.Quote(t.Name)
	st := &rel.Stmt{Dialect: rel.Postgres, Returns: !insert}
	if insert {
		st.ParamTypes, st.Fitted = types, true
		st.Text = "INSERT INTO " + name + " (" + strings.Join(names, ", ") + ") OVERRIDING SYSTEM VALUE VALUES (" + strings.Join(params, ", ") + ")"
	} else {
		st.Text = "SELECT " + strings.Join(names, ", ") + " FROM " + name
	}
	return st, nil
}

// copyTarget answers the columns COPY reads or writes.
func (e *Engine) copyTarget(s *object.Scope, b *rel.CopyTarget) (op.Reply, error) {
	env := envOf(b.Env)
	st, err := copyStmt(s.Catalog(), b.Schema, b.Table, b.Columns, env, false)
	if err != nil {
		return nil, err
	}
	c, err := e.compile(s.Catalog(), s.Local(), st, env)
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(c.head, &op.Done{Tag: "COPY"}), nil
}

// copyIn inserts a batch of rows in one write.
func (e *Engine) copyIn(ctx context.Context, s *object.Scope, b *rel.CopyIn) (op.Reply, error) {
	if b.Mode != "" {
		return nil, op.Errorf(op.Unsupported, "loading with %s is not supported", b.Mode)
	}
	env := envOf(b.Env)
	var n int64
	lsn, err := s.Write(ctx, func(tx *object.Tx) error {
		st, err := copyStmt(tx.Catalog(), b.Schema, b.Table, b.Columns, env, true)
		if err != nil {
			return err
		}
		c, err := e.compile(tx.Catalog(), tx.Local(), st, env)
		if err != nil {
			return err
		}
		n, err = e.copyRows(tx, c, st, b.Values, env)
		return err
	})
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(&op.Done{Tag: "COPY", Affected: n, LSN: lsn}), nil
}

// copyRows runs the insert of c for each row of values.
func (e *Engine) copyRows(tx *object.Tx, c *compiled, st *rel.Stmt, values []op.Value, env *rel.Env) (int64, error) {
	cols := len(c.Params)
	if cols == 0 || len(values)%cols != 0 {
		return 0, op.Errorf(op.InvalidArgument, "%d values do not fill rows of %d columns", len(values), cols)
	}
	tx.Conn.Call = e.call(tx, env)
	defer func() { tx.Conn.Call = nil }()
	q := &rel.Query{Stmt: st}
	if c.args && len(c.Steps) == 0 && c.Columns == nil {
		return e.copyPlain(tx, c, q, values, env)
	}
	var n int64
	for ; len(values) > 0; values = values[cols:] {
		q.Args = values[:cols]
		res := &result{}
		if err := e.step(tx, c, q, env, c.Text, c.Binds, res); err != nil {
			return 0, e.explainWrite(tx, c, q, env, err)
		}
		for _, s := range c.Steps {
			if err := e.step(tx, c, q, env, s.Text, s.Binds, res); err != nil {
				return 0, e.explainWrite(tx, c, q, env, err)
			}
		}
		n++
	}
	return n, nil
}

// copyPlain is copyRows for an insert that is one SQLite statement.
func (e *Engine) copyPlain(tx *object.Tx, c *compiled, q *rel.Query, values []op.Value, env *rel.Env) (int64, error) {
	st, err := tx.Conn.Prepare(c.Text)
	if err != nil {
		return 0, err
	}
	defer st.Close()
	var n int64
	for cols := len(c.Params); len(values) > 0; values = values[cols:] {
		err := st.Bind(values[:cols])
		for done := false; err == nil && !done; {
			_, done, err = st.Fetch(nil, batchRows, batchBytes)
		}
		if err != nil {
			st.Reset()
			q.Args = values[:cols]
			return 0, e.explainWrite(tx, c, q, env, err)
		}
		n++
	}
	return n, nil
}

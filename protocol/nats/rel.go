package nats

import (
	"encoding/json"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// relQuery runs one SQL statement in its own transaction.
func relQuery(r *request) ([]byte, error) {
	var in struct {
		SQL     string `json:"sql"`
		Args    []any  `json:"args"`
		Dialect string `json:"dialect"`
	}
	if err := r.parse(&in); err != nil {
		return nil, err
	}
	dialect, ok := map[string]rel.Dialect{"": rel.Postgres, "postgres": rel.Postgres, "mysql": rel.MySQL}[in.Dialect]
	if !ok {
		return nil, op.Errorf(op.InvalidArgument, "dialect is %q, want postgres or mysql", in.Dialect)
	}
	stmt, err := r.statement(dialect, in.SQL)
	if err != nil {
		return nil, err
	}
	env := &rel.Env{Database: r.database, Strict: true}
	args, err := r.arguments(stmt, env, in.Args)
	if err != nil {
		return nil, err
	}
	reply, err := r.do(&rel.Query{Stmt: stmt, Args: args, Env: env})
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	return r.rows(reply)
}

// statement parses a text that must hold exactly one statement without session
// state: the bridge has no session to keep it in.
func (r *request) statement(dialect rel.Dialect, text string) (*rel.Stmt, error) {
	reply, err := r.do(&rel.Parse{Dialect: dialect, Text: text})
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	parsed, ok := reply.(*rel.Parsed)
	if !ok || len(parsed.Statements) != 1 {
		return nil, op.Errorf(op.InvalidArgument, "sql must hold exactly one statement")
	}
	stmt := parsed.Statements[0]
	if stmt.Kind != rel.KindData && stmt.Kind != rel.KindDDL {
		return nil, op.Errorf(op.Unsupported, "statements that change a session or a transaction are not supported here")
	}
	return stmt, nil
}

// arguments converts JSON arguments to the statement's parameter types.
func (r *request) arguments(stmt *rel.Stmt, env *rel.Env, in []any) ([]op.Value, error) {
	if len(in) != stmt.Params {
		return nil, op.Errorf(op.InvalidArgument, "the statement has %d parameters, args has %d", stmt.Params, len(in))
	}
	if len(in) == 0 {
		return nil, nil
	}
	reply, err := r.do(&rel.Describe{Stmt: stmt, Env: env})
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	frame, err := reply.Next(r.ctx)
	if err != nil {
		return nil, err
	}
	head, ok := frame.(*op.Head)
	if !ok || len(head.Params) != len(in) {
		return nil, op.Errorf(op.Internal, "no parameter types")
	}
	args := make([]op.Value, len(in))
	for i, a := range in {
		if args[i], err = argument(head.Params[i], a); err != nil {
			return nil, err
		}
	}
	return args, nil
}

// argument converts one JSON value to a storage form of t: through the text
// form of the type, as if it were written in quotes.
func argument(t op.Type, a any) (op.Value, error) {
	switch a := a.(type) {
	case nil:
		return op.Null, nil
	case bool:
		return datum.Parse(t, strconv.FormatBool(a), datum.Options{})
	case json.Number:
		return datum.Parse(t, a.String(), datum.Options{})
	case string:
		return datum.Parse(t, a, datum.Options{})
	}
	if t.Base == op.TJSON || t.Base == op.TJSONB || t.Base == op.TUnknown {
		text, err := json.Marshal(a)
		if err != nil {
			return op.Null, err
		}
		return datum.Parse(t, string(text), datum.Options{})
	}
	return op.Null, op.Errorf(op.TypeMismatch, "an object or a list is only an argument of type json")
}

// rows writes a reply as {columns, rows, affected}.
func (r *request) rows(reply op.Reply) ([]byte, error) {
	var cols []op.Column
	var done op.Done
	out := []byte{'{'}
	n := 0
	err := each(r, reply, func(f op.Frame) (err error) {
		switch f := f.(type) {
		case *op.Head:
			cols = append(cols, f.Columns...)
			out, err = columnsJSON(out, cols)
		case *op.Rows:
			for at := 0; at+f.Cols <= len(f.Values) && f.Cols > 0; at += f.Cols {
				if n++; n > 1 {
					out = append(out, ',')
				}
				out = append(out, '[')
				for c, v := range f.Values[at : at+f.Cols] {
					if c > 0 {
						out = append(out, ',')
					}
					out = columnJSON(out, cols[c].Type, v)
				}
				out = append(out, ']')
			}
			err = r.fits(out)
		case *op.Done:
			done = *f
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	if cols != nil {
		out = append(out, "],"...)
	}
	out = append(out, `"affected":`...)
	out = strconv.AppendInt(out, done.Affected, 10)
	if done.LastID != 0 {
		out = append(out, `,"last_id":`...)
		out = strconv.AppendInt(out, done.LastID, 10)
	}
	return append(out, '}'), nil
}

// columnsJSON writes the columns and opens the list of rows.
func columnsJSON(out []byte, cols []op.Column) ([]byte, error) {
	type column struct {
		Name string `json:"name"`
		Type string `json:"type"`
	}
	list := make([]column, len(cols))
	for i, c := range cols {
		list[i] = column{c.Name, datum.TypeName(c.Type)}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return out, err
	}
	out = append(append(out, `"columns":`...), text...)
	return append(out, `,"rows":[`...), nil
}

// columnJSON writes a storage form of t: booleans, integers and doubles as
// such, json as itself, anything else as the type's text form.
func columnJSON(out []byte, t op.Type, v op.Value) []byte {
	if v.IsNull() {
		return append(out, "null"...)
	}
	if !t.Array {
		switch v.Kind {
		case op.KindInt64:
			if t.Base == op.TBoolean {
				return strconv.AppendBool(out, v.Int() != 0)
			}
			if isInteger(t.Base) {
				return strconv.AppendInt(out, v.Int(), 10)
			}
		case op.KindFloat64:
			return floatJSON(out, v.Float())
		case op.KindText:
			if (t.Base == op.TJSON || t.Base == op.TJSONB) && json.Valid(v.Raw) {
				return append(out, v.Raw...)
			}
		}
	}
	return stringJSON(out, string(datum.Append(nil, t, v, datum.Options{})))
}

// isInteger reports whether a base type is written as a JSON integer.
func isInteger(b op.Base) bool {
	switch b {
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TOID, op.TYear, op.TXID, op.TUnknown:
		return true
	default:
		return false
	}
}

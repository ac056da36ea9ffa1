package mysql

import (
	"context"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// typed is a value with its SQL type.
type typed struct {
	typ op.Type
	val op.Value
}

// eval computes expressions, given as SQL texts, in one SELECT.
func (s *session) eval(ctx context.Context, exprs []string) ([]typed, error) {
	list, err := s.parse("SELECT " + strings.Join(exprs, ", "))
	if err != nil {
		return nil, err
	}
	cols, rows, err := s.collect(ctx, &rel.Query{Stmt: list[0], Env: &s.env}, 2)
	if err != nil {
		return nil, err
	}
	if len(rows) != 1 || len(cols) != len(exprs) {
		return nil, &op.Error{Code: op.Cardinality, Msg: "one row expected"}
	}
	out := make([]typed, len(cols))
	for i := range cols {
		out[i] = typed{cols[i].Type, rows[0][i]}
	}
	return out, nil
}

// collect runs a query and returns at most limit rows.
func (s *session) collect(ctx context.Context, q *rel.Query, limit int) ([]op.Column, [][]op.Value, error) {
	s.lendVars(q.Stmt.Text)
	r, err := s.do(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	var cols []op.Column
	var rows [][]op.Value
	for {
		f, err := r.Next(ctx)
		if isEOF(err) {
			return cols, rows, nil
		}
		if err != nil {
			return nil, nil, err
		}
		switch f := f.(type) {
		case *op.Head:
			cols = append(cols, f.Columns...)
		case *op.Rows:
			for i := 0; i < f.N() && len(rows) < limit; i++ {
				row := append([]op.Value(nil), f.Values[i*f.Cols:(i+1)*f.Cols]...)
				for j := range row {
					row[j].Raw = append([]byte(nil), row[j].Raw...)
				}
				rows = append(rows, row)
			}
		}
	}
}

// text returns a value as MySQL prints it.
func (s *session) text(v typed) string {
	return string(datum.AppendMySQL(nil, v.typ, v.val, s.opts))
}

// variable returns a value as a user variable keeps it: numbers, text and
// bytes stay what they are, everything else becomes text.
func (s *session) variable(v typed) op.Value {
	switch v.typ.Base {
	case op.TNumeric:
		if v.val.IsNull() {
			return op.Null
		}
		return op.Value{Kind: op.KindDecimal, Raw: v.val.Raw}
	case op.TBoolean, op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TFloat4, op.TFloat8,
		op.TString, op.TVarchar, op.TBytea, op.TUnknown:
		return v.val
	}
	if v.val.IsNull() {
		return op.Null
	}
	return op.Text(s.text(v))
}

// lendVars puts the system variables where a statement that names any can read
// them. Numbers are numbers there.
func (s *session) lendVars(text string) {
	if !strings.Contains(text, "@@") {
		return
	}
	for name, v := range sysvars {
		x := s.value(name, false)
		s.env.Vars["@@"+name] = sysValue(v.kind, x)
	}
	for _, old := range []string{"tx_isolation", "tx_read_only"} {
		s.env.Vars["@@"+old] = s.env.Vars["@@"+canonical(old)]
	}
}

// sysValue is a system variable as SQL reads it: booleans are 1 and 0, an
// absent character set is NULL.
func sysValue(k varKind, text string) op.Value {
	switch {
	case text == "ON":
		return op.Int64(1)
	case text == "OFF" && k != varText:
		return op.Int64(0)
	case text == "" && k == varCharset:
		return op.Null
	}
	if i, err := strconv.ParseInt(text, 10, 64); err == nil {
		return op.Int64(i)
	}
	return op.Text(text)
}

// literal writes a value as SQL text.
func literal(t string) string {
	return "'" + strings.NewReplacer("'", "''", `\`, `\\`).Replace(t) + "'"
}

// fold lowers a case-insensitive name.
func fold(name string) string { return strings.ToLower(name) }

// answer sends rows the front-end made itself. where is a condition over the
// columns, evaluated as SQL; like filters the first column.
func (s *session) answer(ctx context.Context, q *request, cols []op.Column, rows [][]op.Value) error {
	like, hasLike := option(q.stmt.Session, "like")
	where, hasWhere := option(q.stmt.Session, "where")
	if hasWhere {
		return s.answerWhere(ctx, q, cols, rows, where)
	}
	s.columns(cols)
	for _, r := range rows {
		if hasLike && !likeMatch(like, r[0].Str()) {
			continue
		}
		if q.binary {
			s.binaryRow(cols, r)
		} else {
			s.textRow(cols, r)
		}
	}
	s.endRows(q.more)
	return nil
}

// answerWhere lets SQL filter the rows.
func (s *session) answerWhere(ctx context.Context, q *request, cols []op.Column, rows [][]op.Value, where string) error {
	var b strings.Builder
	b.WriteString("SELECT * FROM (")
	for i, r := range rows {
		if i > 0 {
			b.WriteString(" UNION ALL ")
		}
		b.WriteString("SELECT ")
		for j, v := range r {
			if j > 0 {
				b.WriteString(", ")
			}
			if v.IsNull() {
				b.WriteString("NULL")
			} else {
				b.WriteString(literal(s.text(typed{cols[j].Type, v})))
			}
			if i == 0 {
				b.WriteString(" AS `" + cols[j].Name + "`")
			}
		}
	}
	b.WriteString(") AS s WHERE " + where)
	list, err := s.parse(b.String())
	if err != nil {
		return err
	}
	return s.data(ctx, &request{stmt: list[0], binary: q.binary, more: q.more})
}

// option returns one of a session statement's options.
func option(x *rel.Session, name string) (string, bool) {
	for _, o := range x.Options {
		if o[0] == name {
			return o[1], true
		}
	}
	return "", false
}

// likeMatch reports whether s matches a LIKE pattern, ignoring case.
func likeMatch(pattern, s string) bool { return like(fold(pattern), fold(s)) }

// like matches % _ and backslash escapes, with one point of return.
func like(p, s string) bool {
	star, mark := -1, 0
	i, j := 0, 0
	for j < len(s) {
		switch {
		case i < len(p) && p[i] == '%':
			star, mark = i, j
			i++
		case i < len(p) && p[i] == '_':
			i, j = i+1, j+1
		case i+1 < len(p) && p[i] == '\\' && p[i+1] == s[j]:
			i, j = i+2, j+1
		case i < len(p) && p[i] == s[j] && p[i] != '\\':
			i, j = i+1, j+1
		case star >= 0:
			mark++
			i, j = star+1, mark
		default:
			return false
		}
	}
	for i < len(p) && p[i] == '%' {
		i++
	}
	return i == len(p)
}

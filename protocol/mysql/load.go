package mysql

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// LOAD DATA LOCAL INFILE: the server answers with the name of a file (head
// 0xfb), the client sends its bytes in packets and an empty one at the end. The
// lines become INSERT IGNORE (or REPLACE) statements of one transaction, so
// values are converted, and warned about, as an INSERT would. Files on the
// server cannot be read.

// loadRows is how many rows one INSERT of LOAD DATA stores at most, and
// loadValues how many values.
const (
	loadRows   = 256
	loadValues = 2048
)

// loader is one LOAD DATA.
type loader struct {
	s       *session
	ctx     context.Context
	x       *rel.Session
	format  loadFormat
	columns []string
	env     rel.Env
	stmts   map[[2]int]*rel.Stmt // by fields of a row and rows
	rows    [][]op.Value
	skip    int
	buf     []byte
	total   op.Done
	records int64
}

// loadData answers LOAD DATA.
func (s *session) loadData(ctx context.Context, q *request) error {
	x := q.stmt.Session
	if !x.Local {
		return op.Errorf(op.Unsupported, "LOAD DATA without LOCAL")
	}
	if s.caps&capLocalFiles == 0 {
		return &op.Error{Code: op.Forbidden, Object: "local infile", Msg: "local data is disabled"}
	}
	l := &loader{s: s, ctx: ctx, x: x, format: defaultLoad(), stmts: map[[2]int]*rel.Stmt{}, env: s.env}
	if err := l.prepare(); err != nil {
		return err
	}
	own := s.txn == 0
	if own {
		if err := s.beginTxn(ctx, false); err != nil {
			return err
		}
	}
	err := l.run()
	if own && s.autocommit {
		var end op.Body = &ctl.Commit{}
		if err != nil {
			end = &ctl.Rollback{}
		}
		if e := s.endTxn(ctx, end); err == nil {
			err = e
		}
	}
	if err != nil {
		return err
	}
	d := op.Done{Affected: l.total.Affected, LastID: l.total.LastID}
	if d.LastID != 0 {
		s.env.LastID = d.LastID
	}
	deleted := int64(0)
	if l.verb() == "REPLACE" {
		deleted = l.total.Duplicates
	}
	s.env.RowCount = d.Affected
	s.okInfo(&d, q.more, fmt.Sprintf("Records: %d  Deleted: %d  Skipped: %d  Warnings: %d", l.records, deleted, max(l.records-d.Affected+deleted, 0), len(s.warnings)), 0)
	return nil
}

// option returns an option of the statement.
func (l *loader) option(name string, into *[]byte) {
	if v, ok := option(l.x, name); ok {
		*into = []byte(v)
	}
}

// prepare reads the options and finds the columns.
func (l *loader) prepare() error {
	l.option("terminated", &l.format.field)
	l.option("enclosed", &l.format.quote)
	l.option("escaped", &l.format.escape)
	l.option("starting", &l.format.start)
	l.option("lines", &l.format.line)
	if len(l.format.quote) > 1 || len(l.format.escape) > 1 || len(l.format.line) == 0 {
		return op.Errorf(op.Unsupported, "this format of LOAD DATA")
	}
	if len(l.format.field) == 0 {
		return op.Errorf(op.Unsupported, "fixed-size rows of LOAD DATA")
	}
	if n, ok := option(l.x, "skip"); ok {
		if _, err := fmt.Sscan(n, &l.skip); err != nil {
			return op.Errorf(op.Syntax, "IGNORE %s LINES", n)
		}
	}
	l.columns = l.x.Columns
	if len(l.columns) > 0 {
		return nil
	}
	list, err := l.s.parse("SELECT * FROM " + quoteIdent(l.x.Table))
	if err != nil {
		return err
	}
	head, err := l.s.describe(list[0])
	if err != nil {
		return err
	}
	for i := range head.Columns {
		l.columns = append(l.columns, head.Columns[i].Name)
	}
	return nil
}

// quoteIdent quotes a name.
func quoteIdent(s string) string { return "`" + strings.ReplaceAll(s, "`", "``") + "`" }

// run asks for the file and stores its rows. The client is heard to the end,
// whatever happens.
func (l *loader) run() error {
	s := l.s
	at := s.w.begin()
	s.w.out = append(append(s.w.out, 0xfb), l.x.Name...)
	s.w.end(at)
	if err := s.w.flush(); err != nil {
		return ioError{err}
	}
	var failed error
	for {
		b, err := s.w.read(s.srv.maxMsg)
		if err != nil {
			return ioError{err}
		}
		end := len(b) == 0
		if failed == nil {
			l.buf = append(l.buf, b...)
			failed = l.consume(end)
		}
		if end {
			return failed
		}
	}
}

// consume stores the rows that are complete.
func (l *loader) consume(end bool) error {
	rest := l.buf
	for len(rest) > 0 {
		fields, n, ok := l.format.row(rest, end)
		if !ok {
			break
		}
		rest = rest[n:]
		if l.skip > 0 {
			l.skip--
			continue
		}
		if fields == nil {
			continue
		}
		if err := l.add(fields); err != nil {
			return err
		}
	}
	if len(rest) > l.s.srv.maxMsg {
		return op.Errorf(op.TooLarge, "a line of more than %d bytes", l.s.srv.maxMsg)
	}
	l.buf = append(l.buf[:0], rest...)
	if end {
		return l.store()
	}
	return nil
}

// add keeps one row, and stores those kept when they are many or of another
// width.
func (l *loader) add(fields []op.Value) error {
	l.records++
	if len(fields) > len(l.columns) {
		fields = fields[:len(l.columns)]
		l.s.warn(warning{"Warning", 1262, fmt.Sprintf("Row %d was truncated; it contained more data than there were input columns", l.records)})
	}
	if len(fields) < len(l.columns) {
		l.s.warn(warning{"Warning", 1261, fmt.Sprintf("Row %d doesn't contain data for all columns", l.records)})
	}
	for i := range fields { // the buffer moves on
		fields[i].Raw = append([]byte(nil), fields[i].Raw...)
	}
	if len(l.rows) > 0 && len(l.rows[0]) != len(fields) {
		if err := l.store(); err != nil {
			return err
		}
	}
	l.rows = append(l.rows, fields)
	if len(l.x.Exprs) > 0 || len(l.rows) >= loadRows || len(l.rows)*len(l.columns) >= loadValues {
		return l.store()
	}
	return nil
}

// verb is the statement that stores rows.
func (l *loader) verb() string {
	if m, _ := option(l.x, "mode"); m == "replace" {
		return "REPLACE"
	}
	return "INSERT IGNORE"
}

// statement returns the INSERT for so many rows of so many fields.
func (l *loader) statement(fields, rows int) (*rel.Stmt, error) {
	if st := l.stmts[[2]int{fields, rows}]; st != nil {
		return st, nil
	}
	var names, marks []string
	for _, c := range l.columns[:fields] {
		if !strings.HasPrefix(c, "@") {
			names, marks = append(names, quoteIdent(c)), append(marks, "?")
		}
	}
	params := len(marks)
	for i, c := range l.x.Args {
		names, marks = append(names, quoteIdent(c)), append(marks, l.x.Exprs[i])
	}
	row := "(" + strings.Join(marks, ", ") + ")"
	text := l.verb() + " INTO " + quoteIdent(l.x.Table) + " (" + strings.Join(names, ", ") + ") VALUES " + strings.Repeat(row+", ", rows-1) + row
	r, err := l.s.do(l.ctx, &rel.Parse{Dialect: rel.MySQL, Text: text, SQLMode: l.env.SQLMode})
	if err != nil {
		return nil, err
	}
	p, ok := r.(*rel.Parsed)
	if !ok || len(p.Statements) != 1 || p.Statements[0].Params != params*rows {
		return nil, op.Errorf(op.Unsupported, "this SET clause of LOAD DATA")
	}
	types := make([]op.Type, params*rows)
	for i := range types {
		types[i] = op.Type{Base: op.TString}
	}
	st := p.Statements[0].WithParams(types)
	l.stmts[[2]int{fields, rows}] = st
	return st, nil
}

// store runs an INSERT of the rows kept.
func (l *loader) store() error {
	if len(l.rows) == 0 {
		return nil
	}
	n := len(l.rows[0])
	st, err := l.statement(n, len(l.rows))
	if err != nil {
		return err
	}
	var args []op.Value
	for _, c := range l.columns[n:] {
		if name, ok := strings.CutPrefix(c, "@"); ok {
			l.env.Vars[fold(name)] = op.Null
		}
	}
	for _, r := range l.rows {
		for i, v := range r {
			if name, ok := strings.CutPrefix(l.columns[i], "@"); ok {
				l.env.Vars[fold(name)] = v
				continue
			}
			args = append(args, v)
		}
	}
	r, err := l.s.do(l.ctx, &rel.Query{Stmt: st, Args: args, Env: &l.env})
	if err != nil {
		return err
	}
	d, err := op.Drain(l.ctx, r)
	if err != nil {
		return err
	}
	first := l.records - int64(len(l.rows))
	l.rows = l.rows[:0]
	for i := range d.Notices {
		n := &d.Notices[i]
		var row int64
		if at := strings.LastIndex(n.Msg, " at row "); at >= 0 {
			if _, err := fmt.Sscan(n.Msg[at+len(" at row "):], &row); err == nil {
				n.Msg = fmt.Sprintf("%s at row %d", n.Msg[:at], first+row)
			}
		}
	}
	l.s.notices(d.Notices)
	l.total.Affected += d.Affected
	l.total.Duplicates += d.Duplicates
	if l.total.LastID == 0 {
		l.total.LastID = d.LastID
	}
	return nil
}

// loadFormat says how a file is cut into rows and fields.
type loadFormat struct {
	field, quote, escape, start, line []byte
}

// defaultLoad is the format when the statement gives none.
func defaultLoad() loadFormat {
	return loadFormat{field: []byte("\t"), escape: []byte(`\`), line: []byte("\n")}
}

// row reads the first row of b and returns its fields (nil for a line that
// lacks the prefix) and its length. ok is false when more bytes are needed.
func (f *loadFormat) row(b []byte, end bool) (fields []op.Value, n int, ok bool) {
	at := 0
	if len(f.start) > 0 {
		i := bytes.Index(b, f.start)
		if i < 0 {
			return nil, len(b), end
		}
		at = i + len(f.start)
	}
	for {
		v, size, last, ok := f.value(b[at:], end)
		if !ok {
			return nil, 0, false
		}
		fields = append(fields, v)
		at += size
		if last {
			return fields, at, true
		}
	}
}

// value reads one field with the separator behind it; last tells that it was
// the row's last.
func (f *loadFormat) value(b []byte, end bool) (v op.Value, n int, last, ok bool) {
	quoted := len(f.quote) == 1 && len(b) > 0 && b[0] == f.quote[0]
	i := 0
	if quoted {
		i = 1
	}
	out, null := []byte{}, false
	for i < len(b) {
		rest := b[i:]
		switch {
		case len(f.escape) == 1 && rest[0] == f.escape[0] && !(quoted && f.escape[0] == f.quote[0]):
			if len(rest) == 1 {
				if end {
					out, i = append(out, rest[0]), i+1
					continue
				}
				return op.Null, 0, false, false
			}
			null = null || rest[1] == 'N' && len(out) == 0 && !quoted
			out, i = append(out, unescape(rest[1])), i+2
		case quoted && rest[0] == f.quote[0]:
			switch {
			case len(rest) > 1 && rest[1] == f.quote[0]:
				out, i = append(out, rest[0]), i+2
				continue
			case len(rest) < 1+max(len(f.field), len(f.line)) && !end:
				return op.Null, 0, false, false
			}
			if size, l, ok := f.separator(rest[1:], end); ok {
				return op.Raw(op.KindText, out), i + 1 + size, l, true
			}
			out, i = append(out, rest[0]), i+1
		case !quoted:
			if size, l, ok := f.separator(rest, end); ok {
				return loaded(out, null), i + size, l, true
			}
			if !end && len(rest) < max(len(f.field), len(f.line)) {
				return op.Null, 0, false, false
			}
			out, i = append(out, rest[0]), i+1
		default:
			out, i = append(out, rest[0]), i+1
		}
	}
	if !end {
		return op.Null, 0, false, false
	}
	return loaded(out, null && !quoted), len(b), true, true
}

// loaded is a field's value: \N alone is NULL.
func loaded(out []byte, null bool) op.Value {
	if null && len(out) == 1 {
		return op.Null
	}
	return op.Raw(op.KindText, out)
}

// separator reports what ends a field at the start of b.
func (f *loadFormat) separator(b []byte, end bool) (n int, last, ok bool) {
	switch {
	case bytes.HasPrefix(b, f.line):
		return len(f.line), true, true
	case bytes.HasPrefix(b, f.field):
		return len(f.field), false, true
	case len(b) == 0 && end:
		return 0, true, true
	}
	return 0, false, false
}

// unescape is the character an escape sequence stands for.
func unescape(c byte) byte {
	switch c {
	case '0':
		return 0
	case 'b':
		return '\b'
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	case 'Z':
		return 26
	}
	return c
}

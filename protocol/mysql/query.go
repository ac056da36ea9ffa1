package mysql

import (
	"context"
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// parseCache keeps the statements of the texts a session repeats.
type parseCache struct {
	mode string
	m    map[string][]*rel.Stmt
}

// Bounds of the cache: long texts are rarely repeated.
const (
	cacheTexts   = 256
	cacheTextLen = 4096
)

// parse splits and classifies a text.
func (s *session) parse(text string) ([]*rel.Stmt, error) {
	if s.parsed.mode != s.env.SQLMode || s.parsed.m == nil {
		s.parsed = parseCache{mode: s.env.SQLMode, m: map[string][]*rel.Stmt{}}
	}
	if l, ok := s.parsed.m[text]; ok {
		return l, nil
	}
	r, err := s.do(s.ctx, &rel.Parse{Dialect: rel.MySQL, Text: text, SQLMode: s.env.SQLMode})
	if err != nil {
		return nil, err
	}
	p, ok := r.(*rel.Parsed)
	if !ok {
		return nil, op.Errorf(op.Internal, "parse answered %T", r)
	}
	if len(text) <= cacheTextLen && (len(p.Statements) != 1 || p.Statements[0].Template == nil) {
		if len(s.parsed.m) >= cacheTexts {
			clear(s.parsed.m)
		}
		s.parsed.m[text] = p.Statements
	}
	return p.Statements, nil
}

// query answers COM_QUERY. With multi-statements each one is parsed after the
// one before it has run, so an error stops the rest and nothing else.
func (s *session) query(b []byte) error {
	text := string(b)
	if s.caps&capMultiStmts == 0 || !strings.Contains(text, ";") {
		return s.queryOne(text, false)
	}
	ran := false
	for {
		head, rest := cutStatement(text, s.noBackslash())
		more := !blank(rest)
		if blank(head) && (ran || more) {
			if !more {
				return nil
			}
			text = rest
			continue
		}
		if err := s.queryOne(head, more); err != nil {
			return err
		}
		if err := s.ioRelieve(); err != nil {
			return err
		}
		if !more || s.quit {
			return nil
		}
		text, ran = rest, true
	}
}

// ioRelieve writes out what is buffered when it is much.
func (s *session) ioRelieve() error {
	if err := s.w.relieve(); err != nil {
		return ioError{err}
	}
	return nil
}

// noBackslash reports whether backslashes are ordinary characters.
func (s *session) noBackslash() bool {
	return strings.Contains(strings.ToUpper(s.env.SQLMode), "NO_BACKSLASH_ESCAPES")
}

// queryOne parses and runs a text of one statement.
func (s *session) queryOne(text string, more bool) error {
	list, err := s.parse(text)
	if err != nil {
		return err
	}
	switch {
	case len(list) == 0:
		return &op.Error{Code: op.InvalidArgument, Object: "empty", Msg: "Query was empty"}
	case len(list) > 1:
		return &op.Error{Code: op.Syntax, Msg: "several statements", Detail: "near '" + clip(list[1].Text) + "' at line 1"}
	}
	st := list[0]
	if st.Params > 0 {
		return &op.Error{Code: op.Syntax, Msg: "parameter outside a prepared statement", Detail: "near '?' at line 1"}
	}
	return s.run(&request{stmt: st, more: more})
}

// clip shortens a text for an error message.
func clip(t string) string {
	if len(t) > 80 {
		return t[:80]
	}
	return t
}

// request is one statement to run.
type request struct {
	stmt   *rel.Stmt
	args   []op.Value
	binary bool // rows in the binary protocol
	more   bool // another result follows
}

// run executes any statement and answers it.
func (s *session) run(q *request) error {
	if q.stmt.Kind != rel.KindShow {
		s.warnings = s.warnings[:0]
	}
	ctx := s.statement()
	if len(q.stmt.Uses) > 0 {
		if err := s.srv.locks.enter(ctx, s, q.stmt.Uses); err != nil {
			return err
		}
		defer s.srv.locks.leave()
	}
	switch q.stmt.Kind {
	case rel.KindData:
		if err := s.implicit(ctx); err != nil {
			return err
		}
		return s.data(ctx, q)
	case rel.KindDDL:
		if err := s.endTxn(ctx, &ctl.Commit{}); err != nil {
			return err
		}
		return s.data(ctx, q)
	case rel.KindShow:
		return s.show(ctx, q)
	case rel.KindUtility:
		return s.utility(ctx, q)
	case rel.KindExecute:
		return s.executeNamed(ctx, q)
	case rel.KindCopy:
		return s.loadData(ctx, q)
	}
	d := &op.Done{}
	if err := s.sessionStatement(ctx, q.stmt, d); err != nil {
		return err
	}
	s.env.RowCount = 0
	info := ""
	if q.stmt.Kind == rel.KindPrepare {
		info = "Statement prepared"
	}
	s.okInfo(d, q.more, info, 0)
	return nil
}

// sessionStatement runs a statement that answers only OK.
func (s *session) sessionStatement(ctx context.Context, st *rel.Stmt, d *op.Done) error {
	x := st.Session
	switch st.Kind {
	case rel.KindTxn:
		return s.control(ctx, x)
	case rel.KindSet:
		return s.set(ctx, x)
	case rel.KindUse:
		return s.change(x.Name)
	case rel.KindDatabase:
		return s.database(ctx, x, d)
	case rel.KindPrepare:
		return s.prepareNamed(ctx, x)
	case rel.KindDeallocate:
		return s.deallocate(x)
	case rel.KindKill:
		return s.killStatement(ctx, x)
	case rel.KindLock:
		return s.lockTables(ctx, x)
	}
	return op.Errorf(op.Unsupported, "%s", x.Word)
}

// database creates or drops a database.
func (s *session) database(ctx context.Context, x *rel.Session, d *op.Done) error {
	if err := s.endTxn(ctx, &ctl.Commit{}); err != nil {
		return err
	}
	if isSystem(x.Name) {
		return op.Errorf(op.Forbidden, "Access denied for user '%s'@'%s' to database '%s'", s.user, s.host, x.Name)
	}
	var body op.Body = &ctl.CreateDatabase{Name: x.Name, IfNotExists: x.IfNot}
	if x.Word == "DROP DATABASE" {
		body = &ctl.DropDatabase{Name: x.Name, IfExists: x.IfExists}
	}
	r, err := s.doIn(ctx, x.Name, body)
	if err != nil {
		e := *op.AsError(err)
		e.Name = x.Name
		e.Object = "database"
		e.Detail = x.Word
		return &e
	}
	if _, err := op.Drain(ctx, r); err != nil {
		return err
	}
	d.Affected = 1
	if x.Word == "DROP DATABASE" {
		d.Affected = 0
		if x.Name == s.env.Database {
			s.setDatabase(s.srv.env.Database)
		}
	}
	return nil
}

// killStatement runs KILL.
func (s *session) killStatement(ctx context.Context, x *rel.Session) error {
	text := x.Name
	if len(x.Exprs) > 0 {
		vals, err := s.eval(ctx, x.Exprs)
		if err != nil {
			return err
		}
		text = s.text(vals[0])
	}
	var id uint64
	if _, err := fmt.Sscan(text, &id); err != nil {
		return &op.Error{Code: op.InvalidArgument, Object: "thread", Msg: "Unknown thread id: " + text}
	}
	return s.kill(id, x.Word == "KILL QUERY")
}

// data runs a statement below and streams its reply.
func (s *session) data(ctx context.Context, q *request) error {
	s.lendVars(q.stmt.Text)
	if s.maxTime > 0 && q.stmt.Returns {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, s.maxTime)
		defer cancel()
		err := s.send(ctx, q)
		if err != nil && ctx.Err() == context.DeadlineExceeded {
			return &op.Error{Code: op.Canceled, Object: "time", Msg: "maximum statement execution time exceeded"}
		}
		return err
	}
	return s.send(ctx, q)
}

// send runs a statement and writes its answer.
func (s *session) send(ctx context.Context, q *request) error {
	r, err := s.do(ctx, &rel.Query{Stmt: q.stmt, Args: q.args, Env: &s.env})
	if err != nil {
		return dropping(q.stmt, err)
	}
	defer r.Close()
	var cols []op.Column
	rows, started := int64(0), false
	done := &op.Done{}
	for {
		f, err := r.Next(ctx)
		if isEOF(err) {
			break
		}
		if err != nil {
			return dropping(q.stmt, err)
		}
		switch f := f.(type) {
		case *op.Head:
			if len(f.Columns) > 0 && (q.stmt.Session == nil || q.stmt.Session.Word != "DO") {
				cols, started = s.tablesIn(f.Columns), true
				s.columns(cols)
			}
		case *op.Rows:
			if !started {
				continue
			}
			n := f.N()
			rows += int64(n)
			if err := s.rows(cols, f, n, q.binary); err != nil {
				return err
			}
		case *op.Done:
			done = f
		}
	}
	s.notices(done.Notices)
	if started {
		s.env.FoundRows, s.env.RowCount = rows, -1
		s.endRows(q.more)
		return nil
	}
	s.changed(q, done)
	return nil
}

// tablesIn names the column of SHOW TABLES after the current database, which
// the dialect does not know.
func (s *session) tablesIn(cols []op.Column) []op.Column {
	rest, ok := strings.CutPrefix(cols[0].Name, "Tables_in_database")
	if !ok {
		return cols
	}
	out := append([]op.Column(nil), cols...)
	out[0].Name = "Tables_in_" + s.env.Database + rest
	return out
}

// rows writes a batch of rows.
func (s *session) rows(cols []op.Column, f *op.Rows, n int, binary bool) error {
	for i := range n {
		row := f.Values[i*f.Cols : (i+1)*f.Cols]
		if binary {
			s.binaryRow(cols, row)
		} else {
			s.textRow(cols, row)
		}
		if err := s.w.relieve(); err != nil {
			return ioError{err}
		}
	}
	return nil
}

// changed answers a statement that returns no rows.
func (s *session) changed(q *request, d *op.Done) {
	out := *d
	info := ""
	switch tag, _, _ := strings.Cut(d.Tag, " "); tag {
	case "UPDATE":
		info = fmt.Sprintf("Rows matched: %d  Changed: %d  Warnings: %d", max(d.Matched, d.Affected), d.Affected, len(s.warnings))
		if s.env.FoundFlag {
			out.Affected = max(d.Matched, d.Affected)
		}
	case "INSERT", "REPLACE":
		if d.Records != 0 {
			info = fmt.Sprintf("Records: %d  Duplicates: %d  Warnings: %d", max(d.Records, 0), d.Duplicates, len(s.warnings))
		}
		if d.LastID != 0 {
			s.env.LastID = d.LastID
		} else {
			out.LastID = d.GivenID
		}
	case "DELETE":
	case "SELECT":
		if q.stmt.Kind == rel.KindData { // DO
			out.Affected = 0
		} else {
			info = fmt.Sprintf("Records: %d  Duplicates: 0  Warnings: %d", out.Affected, len(s.warnings))
		}
	default:
		if q.stmt.Kind == rel.KindDDL {
			if q.stmt.Session == nil { // only CREATE TABLE … SELECT counts
				out.Affected = 0
			}
			if q.stmt.Session != nil {
				info = fmt.Sprintf("Records: %d  Duplicates: 0  Warnings: %d", out.Affected, len(s.warnings))
			}
		}
	}
	s.env.RowCount = out.Affected
	s.okInfo(&out, q.more, info, 0)
}

// warning is one row of SHOW WARNINGS.
type warning struct {
	level  string
	number uint16
	text   string
}

// warn keeps a warning, up to max_error_count.
func (s *session) warn(w warning) {
	if len(s.warnings) < 1024 {
		s.warnings = append(s.warnings, w)
	}
}

// notices turns notices into warnings. Notes of "IF EXISTS" are kept too.
func (s *session) notices(list []op.Notice) {
	for _, n := range list {
		level := "Warning"
		if n.Severity == "NOTICE" {
			level = "Note"
		}
		code := n.Code
		if code == 0 {
			code = op.Internal
		}
		number, _, text := s.nativeError(&op.Error{Code: code, Object: n.Object, Detail: "write", Msg: n.Msg})
		if n.Msg != "" {
			text = n.Msg
		}
		s.warn(warning{level, number, text})
	}
}

// dropping marks errors of DROP and of writes, which MySQL numbers differently.
func dropping(st *rel.Stmt, err error) error {
	e := op.AsError(err)
	if e.Code == op.OutOfRange && !st.Returns {
		c := *e
		c.Detail = "write"
		return &c
	}
	if st.Kind == rel.KindDDL && e.Code == op.NoColumn && strings.Contains(fold(st.Text), "drop") {
		c := *e
		c.Detail = "DROP"
		return &c
	}
	if st.Kind != rel.KindDDL || e.Code != op.NotFound || len(st.Text) < 10 || !strings.EqualFold(st.Text[:4], "drop") {
		return err
	}
	c := *e
	c.Detail = "DROP"
	return &c
}

// describe asks for the parameter and column types of a statement.
func (s *session) describe(st *rel.Stmt) (*op.Head, error) {
	s.lendVars(st.Text)
	head := &op.Head{}
	r, err := s.do(s.ctx, &rel.Describe{Stmt: st, Env: &s.env})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	for {
		f, err := r.Next(s.ctx)
		if isEOF(err) {
			return head, nil
		}
		if err != nil {
			return nil, err
		}
		if h, ok := f.(*op.Head); ok {
			head = &op.Head{Columns: append([]op.Column(nil), h.Columns...), Params: append([]op.Type(nil), h.Params...)}
		}
	}
}

package mysql

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// textCols builds text columns.
func textCols(names ...string) []op.Column {
	out := make([]op.Column, len(names))
	for i, n := range names {
		out[i] = op.Column{Name: n, Type: op.Type{Base: op.TVarchar, Size: 256}}
	}
	return out
}

// texts builds a row of text.
func texts(vs ...string) []op.Value {
	out := make([]op.Value, len(vs))
	for i, v := range vs {
		out[i] = op.Text(v)
	}
	return out
}

// show answers SHOW statements about the session and the server.
func (s *session) show(ctx context.Context, q *request) error {
	x := q.stmt.Session
	switch x.Word {
	case "SHOW VARIABLES":
		var rows [][]op.Value
		for _, n := range names(sysvars) {
			rows = append(rows, texts(n, s.value(n, x.Global)))
		}
		return s.answer(ctx, q, textCols("Variable_name", "Value"), rows)
	case "SHOW STATUS":
		return s.answer(ctx, q, textCols("Variable_name", "Value"), s.statusRows())
	case "SHOW WARNINGS", "SHOW ERRORS":
		return s.showWarnings(ctx, q)
	case "SHOW PROCESSLIST":
		cols, rows := s.processes()
		return s.answer(ctx, q, cols, rows)
	case "SHOW GRANTS":
		return s.answer(ctx, q, textCols("Grants for "+s.user+"@%"), [][]op.Value{texts("GRANT ALL PRIVILEGES ON *.* TO `" + s.user + "`@`%` WITH GRANT OPTION")})
	case "SHOW DATABASES":
		list, err := s.databases(ctx)
		if err != nil {
			return err
		}
		head := "Database"
		if like, ok := option(x, "like"); ok {
			head += " (" + like + ")"
		}
		return s.answer(ctx, q, textCols(head), list)
	case "SHOW CREATE DATABASE":
		return s.showCreateDatabase(ctx, q)
	case "SHOW OPEN TABLES":
		return s.answer(ctx, q, textCols("Database", "Table", "In_use", "Name_locked"), nil)
	}
	return op.Errorf(op.Unsupported, "%s", x.Word)
}

// databases lists the databases with the server's own.
func (s *session) databases(ctx context.Context) ([][]op.Value, error) {
	r, err := s.do(ctx, &ctl.ListDatabases{})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	out := [][]op.Value{texts("information_schema")}
	for {
		f, err := r.Next(ctx)
		if isEOF(err) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if v, ok := f.(*op.Values); ok {
			for i := 0; i+1 < len(v.Values); i += 2 {
				out = append(out, texts(string(v.Values[i].Raw)))
			}
		}
	}
}

// showCreateDatabase answers SHOW CREATE DATABASE.
func (s *session) showCreateDatabase(ctx context.Context, q *request) error {
	name := q.stmt.Session.Name
	list, err := s.databases(ctx)
	if err != nil {
		return err
	}
	for _, d := range list {
		if d[0].Str() == name {
			return s.answer(ctx, q, textCols("Database", "Create Database"), [][]op.Value{texts(name, "CREATE DATABASE `"+name+"` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */")})
		}
	}
	return &op.Error{Code: op.NoDatabase, Name: name, Msg: "unknown database"}
}

// showWarnings answers SHOW WARNINGS and SHOW ERRORS.
func (s *session) showWarnings(ctx context.Context, q *request) error {
	kept := s.warnings
	s.warnings = nil // the answer itself has none
	defer func() { s.warnings = kept }()
	var rows [][]op.Value
	for _, w := range kept {
		if q.stmt.Session.Word == "SHOW ERRORS" && w.level != "Error" {
			continue
		}
		rows = append(rows, []op.Value{op.Text(w.level), op.Int64(int64(w.number)), op.Text(w.text)})
	}
	if _, count := option(q.stmt.Session, "count"); count {
		return s.answer(ctx, q, []op.Column{{Name: "@@session.warning_count", Type: op.Type{Base: op.TInt8}}}, [][]op.Value{{op.Int64(int64(len(rows)))}})
	}
	cols := textCols("Level", "Code", "Message")
	cols[1].Type = op.Type{Base: op.TInt4, Unsigned: true}
	return s.answer(ctx, q, cols, rows)
}

// statusRows are the counters of SHOW STATUS that this server has.
func (s *session) statusRows() [][]op.Value {
	cipher, version := "", ""
	if s.secure {
		cipher, version = "TLS", "TLS"
	}
	n := strconv.Itoa(s.srv.env.Sessions.Len())
	return [][]op.Value{
		texts("Questions", utoa(s.opID)),
		texts("Ssl_cipher", cipher),
		texts("Ssl_version", version),
		texts("Threads_connected", n),
		texts("Threads_running", "1"),
		texts("Uptime", strconv.FormatInt(int64(time.Since(s.srv.started).Seconds()), 10)),
	}
}

// processes lists the MySQL connections.
func (s *session) processes() ([]op.Column, [][]op.Value) {
	cols := textCols("Id", "User", "Host", "db", "Command", "Time", "State", "Info")
	cols[0].Type, cols[5].Type = op.Type{Base: op.TInt8, Unsigned: true}, op.Type{Base: op.TInt4}
	var rows [][]op.Value
	s.srv.env.Sessions.Each(func(p *protocol.Session) {
		if p.System != "mysql" {
			return
		}
		row := []op.Value{op.Int64(int64(p.ID)), op.Text(p.User), op.Text(p.Remote), op.Null, op.Text("Sleep"), op.Int64(0), op.Text(""), op.Null}
		if p == s.reg {
			row[3], row[4], row[7] = op.Text(s.env.Database), op.Text("Query"), op.Text("SHOW PROCESSLIST")
		}
		rows = append(rows, row)
	})
	return cols, rows
}

// utility answers FLUSH (nothing to flush: caches follow the data by
// themselves) and the statements that look after tables, which report per
// table.
func (s *session) utility(ctx context.Context, q *request) error {
	x := q.stmt.Session
	if x.Word == "FLUSH" {
		s.ok(&op.Done{}, q.more)
		return nil
	}
	var rows [][]op.Value
	verb := fold(x.Word)
	for _, t := range x.Args {
		full := s.env.Database + "." + t
		report, err := s.maintain(ctx, verb, t)
		if err != nil {
			_, _, text := s.nativeError(err)
			rows = append(rows, texts(full, verb, "Error", text), texts(full, verb, "status", "Operation failed"))
			continue
		}
		for _, r := range report {
			rows = append(rows, texts(full, verb, r[0], r[1]))
		}
	}
	return s.answer(ctx, &request{stmt: &rel.Stmt{Session: &rel.Session{}}, binary: q.binary, more: q.more}, textCols("Table", "Op", "Msg_type", "Msg_text"), rows)
}

// maintain looks after one table and returns what to report. CHECK reads all
// rows; statistics and storage are kept in order by the server itself.
func (s *session) maintain(ctx context.Context, verb, table string) ([][2]string, error) {
	list, err := s.parse("SELECT * FROM `" + strings.ReplaceAll(table, "`", "``") + "`")
	if err != nil {
		return nil, err
	}
	if verb == "check" {
		if _, _, err := s.collect(ctx, &rel.Query{Stmt: list[0], Env: &s.env}, 0); err != nil {
			return nil, err
		}
		return [][2]string{{"status", "OK"}}, nil
	}
	if _, err := s.describe(list[0]); err != nil {
		return nil, err
	}
	switch verb {
	case "repair":
		return [][2]string{{"note", "The storage engine for the table doesn't support repair"}}, nil
	case "optimize":
		return [][2]string{{"note", "Table does not support optimize, doing recreate + analyze instead"}, {"status", "OK"}}, nil
	}
	return [][2]string{{"status", "OK"}}, nil
}

package mysql

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// recorder is an executor that answers a few texts and notes what it was asked.
type recorder struct {
	t   *testing.T
	log chan string
}

// Do implements backend.Executor.
func (r *recorder) Do(_ context.Context, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *rel.Parse:
		return parseFake(b.Text)
	case *rel.Describe:
		return op.ReplyOf(&op.Head{Columns: fakeCols, Params: []op.Type{{Base: op.TInt4}, {Base: op.TString}}}, &op.Done{}), nil
	case *rel.Query:
		r.log <- fmt.Sprintf("query %d %s %v", o.Session.Txn, b.Stmt.Text, show(b.Args))
		switch {
		case strings.HasPrefix(b.Stmt.Text, "SELECT"):
			row := []op.Value{op.Int64(-7), op.Text("x"), op.Null, op.Text("1.50"), op.Int64(1_000_000), op.Float64(2.5)}
			return op.ReplyOf(&op.Head{Columns: fakeCols}, &op.Rows{Cols: 6, Values: row}, &op.Done{Tag: "SELECT"}), nil
		case strings.HasPrefix(b.Stmt.Text, "FAIL"):
			return nil, &op.Error{Code: op.UniqueViolation, Table: "t", Constraint: "u", Values: []op.Value{op.Int64(1), op.Text("a")}}
		}
		return op.ReplyOf(&op.Done{Tag: "INSERT", Affected: 1, LastID: 42}), nil
	default:
		r.log <- fmt.Sprintf("%T %d", b, o.Session.Txn)
	}
	return op.ReplyOf(&op.Done{}), nil
}

// fakeCols are the columns of every fake SELECT.
var fakeCols = []op.Column{
	{Name: "i", Type: op.Type{Base: op.TInt4}}, {Name: "s", Type: op.Type{Base: op.TVarchar, Size: 10}},
	{Name: "n", Type: op.Type{Base: op.TInt8}}, {Name: "d", Type: op.Type{Base: op.TNumeric, Size: 5, Scale: 2}},
	{Name: "t", Type: op.Type{Base: op.TTimestamp, Size: 1}}, {Name: "f", Type: op.Type{Base: op.TFloat8}},
}

// parseFake classifies the few texts the tests use.
func parseFake(text string) (op.Reply, error) {
	s := &rel.Stmt{Dialect: rel.MySQL, Text: strings.TrimSpace(text), Params: strings.Count(text, "?")}
	switch {
	case s.Text == "BEGIN":
		s.Kind, s.Session = rel.KindTxn, &rel.Session{Word: "START TRANSACTION"}
	case s.Text == "COMMIT":
		s.Kind, s.Session = rel.KindTxn, &rel.Session{Word: "COMMIT"}
	case strings.HasPrefix(s.Text, "SET "):
		name, v, _ := strings.Cut(s.Text[4:], "=")
		s.Kind, s.Session = rel.KindSet, &rel.Session{Word: "SET", Name: name, Args: []string{v}}
	case strings.HasPrefix(s.Text, "CREATE"):
		s.Kind = rel.KindDDL
	case s.Text == "SYNTAX":
		return nil, &op.Error{Code: op.Syntax, Msg: "x", Detail: "near 'SYNTAX' at line 1"}
	}
	return rel.NewParsed([]*rel.Stmt{s}), nil
}

// show prints values for the log.
func show(vs []op.Value) []string {
	var out []string
	for _, v := range vs {
		out = append(out, string(literalOf(v)))
	}
	return out
}

// literalOf prints one value.
func literalOf(v op.Value) string {
	switch v.Kind {
	case op.KindNull:
		return "NULL"
	case op.KindText, op.KindBytes:
		return v.Str()
	case op.KindFloat64:
		return fmt.Sprint(v.Float())
	}
	return fmt.Sprint(v.Int())
}

// secrets is an Authenticator with one user.
type secrets map[string]string

// Trust implements protocol.Authenticator.
func (s secrets) Trust() bool { return s == nil }

// Password implements protocol.Authenticator.
func (s secrets) Password(u string) (string, bool) { p, ok := s[u]; return p, ok }

// start serves on a loopback port and returns its address and the executor.
func start(t *testing.T, auth protocol.Authenticator) (string, *recorder) {
	t.Helper()
	rec := &recorder{t: t, log: make(chan string, 100)}
	var exec backend.Executor = rec
	srv, err := New(protocol.Env{Name: "mysql", Exec: exec, Auth: auth, Log: slog.New(slog.DiscardHandler), Sessions: protocol.NewSessions()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _ = srv.ServeConn(ctx, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String(), rec
}

// connect opens a client.
func connect(t *testing.T, addr, user, password string) *client.Conn {
	t.Helper()
	c, err := client.Connect(addr, user, password, "main")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// expect reads the next log line.
func expect(t *testing.T, r *recorder, want string) {
	t.Helper()
	select {
	case got := <-r.log:
		if got != want {
			t.Fatalf("got %q want %q", got, want)
		}
	case <-time.After(5 * time.Second):
		t.Fatalf("nothing asked, want %q", want)
	}
}

func TestQueryTextAndBinary(t *testing.T) {
	t.Parallel()
	addr, rec := start(t, nil)
	c := connect(t, addr, "root", "")
	expect(t, rec, "*ctl.OpenDatabase 0")
	r, err := c.Execute("SELECT 1")
	if err != nil {
		t.Fatal(err)
	}
	if v, _ := r.GetString(0, 1); v != "x" {
		t.Fatalf("text row %v", r.Values)
	}
	if v, _ := r.GetString(0, 4); v != "1970-01-01 00:00:01" {
		t.Fatalf("time %q", v)
	}
	expect(t, rec, "query 0 SELECT 1 []")
	r, err = c.Execute("SELECT ?, ?", 5, "it's")
	if err != nil {
		t.Fatal(err)
	}
	expect(t, rec, "query 0 SELECT ?, ? [5 it's]")
	if v, _ := r.GetInt(0, 0); v != -7 {
		t.Fatalf("binary row %v", r.Values)
	}
	if v, _ := r.GetString(0, 3); v != "1.50" {
		t.Fatalf("decimal %q", v)
	}
	r, err = c.Execute("INSERT")
	if err != nil || r.InsertId != 42 || r.AffectedRows != 1 {
		t.Fatalf("%v %+v", err, r)
	}
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	addr, rec := start(t, nil)
	c := connect(t, addr, "root", "")
	expect(t, rec, "*ctl.OpenDatabase 0")
	for _, q := range []string{"BEGIN", "INSERT", "COMMIT", "SET autocommit=0", "INSERT", "CREATE TABLE"} {
		if _, err := c.Execute(q); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"*ctl.Begin 1", "query 1 INSERT []", "*ctl.Commit 1", "*ctl.Begin 2", "query 2 INSERT []", "*ctl.Commit 2", "query 0 CREATE TABLE []"} {
		expect(t, rec, want)
	}
	if _, err := c.Execute("BEGIN"); err != nil {
		t.Fatal(err)
	}
	expect(t, rec, "*ctl.Begin 3")
	_ = c.Close()
	expect(t, rec, "*ctl.Rollback 3")
}

func TestErrorsOnTheWire(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, nil)
	c := connect(t, addr, "root", "")
	for q, want := range map[string]string{
		"SYNTAX":        "ERROR 1064 (42000): You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use near 'SYNTAX' at line 1",
		"FAIL":          "ERROR 1062 (23000): Duplicate entry '1-a' for key 't.u'",
		"SET nothing=1": "ERROR 1193 (HY000): Unknown system variable 'nothing'",
		"SET version=1": "ERROR 1238 (HY000): Variable 'version' is a read only variable",
	} {
		_, err := c.Execute(q)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func TestAuth(t *testing.T) {
	t.Parallel()
	addr, _ := start(t, secrets{"ann": "pw", "bob": ""})
	connect(t, addr, "ann", "pw")
	connect(t, addr, "bob", "")
	for _, u := range [][2]string{{"ann", "no"}, {"ann", ""}, {"eve", ""}, {"bob", "x"}} {
		c, err := client.Connect(addr, u[0], u[1], "main")
		if err == nil {
			_ = c.Close()
			t.Errorf("%v let in", u)
		} else if !strings.Contains(err.Error(), "1045") {
			t.Errorf("%v: %v", u, err)
		}
	}
}

func TestEveryCodeHasANativeError(t *testing.T) {
	t.Parallel()
	s := &session{}
	s.env.Database = "main"
	for c := op.Internal; c <= op.DuplicateColumn; c++ {
		n, ok := natives[c]
		if !ok {
			t.Errorf("code %d has no native error", c)
			continue
		}
		if n.number < 1000 || len(n.state) != 5 {
			t.Errorf("code %d: %d %s", c, n.number, n.state)
		}
		if _, _, text := s.nativeError(&op.Error{Code: c, Msg: "m", Name: "x"}); text == "" {
			t.Errorf("code %d has no text", c)
		}
	}
}

func TestCutStatement(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"a;b", "a", "b"}, {"a ';' b;c", "a ';' b", "c"}, {`'\';';x`, `'\';'`, "x"}, {"`;`;x", "`;`", "x"},
		{"a -- ;\n;b", "a -- ;\n", "b"}, {"a--;b", "a--", "b"}, {"/* ; */a;b", "/* ; */a", "b"}, {"# ;\na", "# ;\na", ""}, {"'open;", "'open;", ""},
	} {
		h, r := cutStatement(c[0], false)
		if h != c[1] || r != c[2] {
			t.Errorf("%q: %q %q", c[0], h, r)
		}
	}
	if !blank(" /* x */ -- y") || blank("/*!40101 SET x=1 */") {
		t.Error("blank")
	}
}

func TestLike(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p, s string
		want bool
	}{{"a%", "abc", true}, {"%c", "abc", true}, {"a_c", "abc", true}, {`a\_c`, "abc", false}, {`a\_c`, "a_c", true}, {"", "", true}, {"%a%b%", "xaxbx", true}, {"a", "b", false}} {
		if like(c.p, c.s) != c.want {
			t.Errorf("%q %q", c.p, c.s)
		}
	}
}

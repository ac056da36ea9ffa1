package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// run executes a simple query and describes its results: rows and tags, or the
// SQLSTATE.
func run(t *testing.T, c *pgconn.PgConn, sql string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	res, err := c.Exec(ctx, sql).ReadAll()
	var out []string
	for _, r := range res {
		if r.Err != nil {
			continue
		}
		s := r.CommandTag.String()
		for _, row := range r.Rows {
			s += " " + string(bytes.Join(row, []byte(",")))
		}
		out = append(out, s)
	}
	var pe *pgconn.PgError
	if errors.As(err, &pe) {
		out = append(out, "!"+pe.Code)
	} else if err != nil {
		out = append(out, "!!"+err.Error())
	}
	return strings.Join(out, "; ")
}

func TestSimple(t *testing.T) {
	t.Parallel()
	f, url := start(t, nil)
	c := dial(t, url)
	for _, x := range []struct{ sql, want, log string }{
		{"", "", ""},
		{"rows 3", "SELECT 3 1 2 3", "rows:0"},
		{"put", "INSERT 0 1", "put:0"},
		{"put; put", "INSERT 0 1; INSERT 0 1", "begin:1 put:1 put:1 commit:1"},
		{"put; fail; put", "INSERT 0 1; !23505", "begin:2 put:2 rollback:2"},
		{"syntax", "!42601", ""},
		{"begin", "BEGIN", "begin:3"},
		{"begin", "BEGIN", ""},
		{"put", "INSERT 0 1", "put:3"},
		{"savepoint a", "SAVEPOINT", "savepoint:3"},
		{"fail", "!23505", ""},
		{"put", "!25P02", ""},
		{"rollbackto a", "ROLLBACK", "savepoint:3"},
		{"rows 1", "SELECT 1 1", "rows:3"},
		{"fail", "!23505", ""},
		{"commit", "ROLLBACK", "rollback:3"},
		{"commit", "COMMIT", ""},
		{"put; begin; put", "INSERT 0 1; BEGIN; INSERT 0 1", "begin:4 put:4 put:4"},
		{"rollback", "ROLLBACK", "rollback:4"},
		{"show timezone", "SHOW UTC", ""},
		{"set timezone Europe/Berlin", "SET", ""},
		{"begin", "BEGIN", "begin:5"},
		{"set timezone UTC; show timezone", "SET; SHOW UTC", ""},
		{"rollback; show timezone", "ROLLBACK; SHOW Europe/Berlin", "rollback:5"},
		{"begin; setlocal statement_timeout 1min; show statement_timeout; commit; show statement_timeout",
			"BEGIN; SET; SHOW 1min; COMMIT; SHOW 0", "begin:6 commit:6"},
		{"set nope 1", "!42704", ""},
		{"show nope", "!42704", ""},
		{"set my.x 7; show my.x", "SET; SHOW 7", ""},
		{"set bytea_output escape", "!22023", ""},
		{"prepare p rows 2; execute p; prepare p rows 1", "PREPARE; SELECT 2 1 2; !42P05", "begin:7 rows:7 rollback:7"},
		{"declare c rows 5", "!25P01", ""},
		{"begin; declare c rows 5; fetch c forward 2; fetch c forward all; fetch c backward 2; fetch c absolute -1; commit",
			"BEGIN; DECLARE CURSOR; FETCH 2 1 2; FETCH 3 3 4 5; FETCH 2 5 4; FETCH 1 5; COMMIT", "begin:8 rows:8 commit:8"},
		{"fetch c", "!34000", ""},
	} {
		if got := run(t, c, x.sql); got != x.want {
			t.Errorf("%q: %s, want %s", x.sql, got, x.want)
		}
		if log := f.take(); log != x.log {
			t.Errorf("%q: log %q, want %q", x.sql, log, x.log)
		}
	}
	if c.ParameterStatus("TimeZone") != "Europe/Berlin" || c.ParameterStatus("server_version") != serverVersion {
		t.Error("parameter status", c.ParameterStatus("TimeZone"))
	}
}

func TestErrorFields(t *testing.T) {
	t.Parallel()
	_, url := start(t, nil)
	c := dial(t, url)
	_, err := c.Exec(context.Background(), "fail").ReadAll()
	var e *pgconn.PgError
	if !errors.As(err, &e) || e.Severity != "ERROR" || e.Detail == "" || e.SchemaName != "public" || e.TableName != "t" ||
		e.ConstraintName != "t_pkey" || e.Routine == "" || e.File == "" || e.Line == 0 {
		t.Errorf("%+v", e)
	}
}

func TestEveryCode(t *testing.T) {
	t.Parallel()
	for c := op.Internal; c <= op.DuplicateColumn; c++ {
		s, ok := states[c]
		if !ok || len(s.state) != 5 || s.routine == "" {
			t.Errorf("code %d: %+v", c, s)
		}
	}
}

func TestExtended(t *testing.T) {
	t.Parallel()
	f, url := start(t, nil)
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	ctx := context.Background()
	when := time.Date(2024, 7, 1, 12, 0, 0, 123456000, time.UTC)
	for _, x := range []struct {
		typ string
		in  any
	}{
		{"int4", int32(-7)}, {"int8", int64(1) << 40}, {"text", "héé"}, {"float8", 1.5}, {"bool", true}, {"timestamptz", when},
	} {
		var got any
		if err := conn.QueryRow(ctx, "echo "+x.typ, x.in).Scan(&got); err != nil {
			t.Errorf("%s: %v", x.typ, err)
			continue
		}
		if tm, ok := got.(time.Time); ok {
			got = tm.UTC()
		}
		if got != x.in {
			t.Errorf("%s: %v, want %v", x.typ, got, x.in)
		}
	}
	var list []int32
	if err := conn.QueryRow(ctx, "echo int4[]", []int32{1, 2, 3}).Scan(&list); err != nil || len(list) != 3 || list[2] != 3 {
		t.Error(list, err)
	}
	f.take()
	b := &pgx.Batch{}
	b.Queue("put")
	b.Queue("put")
	if err := conn.SendBatch(ctx, b).Close(); err != nil {
		t.Error(err)
	}
	if log := f.take(); !strings.HasPrefix(log, "begin:") || !strings.Contains(log, "commit:") {
		t.Error("a pipeline is one transaction:", log)
	}
	if _, err := conn.Exec(ctx, "put"); err != nil {
		t.Error(err)
	}
	if log := f.take(); log != "put:0" {
		t.Error("a lone statement runs by itself:", log)
	}
	_, err = conn.Prepare(ctx, "x", "bad")
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "42P01" || pe.Position != 3 {
		t.Error(err)
	}
}

// raw speaks the protocol message by message.
func raw(t *testing.T, url string) (net.Conn, *pgproto3.Frontend) {
	t.Helper()
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	c, err := net.Dial("tcp", net.JoinHostPort(cfg.Host, itoa(int(cfg.Port))))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(10 * time.Second))
	return c, pgproto3.NewFrontend(c, c)
}

// kinds reads messages up to ReadyForQuery and returns their names.
func kinds(t *testing.T, fe *pgproto3.Frontend) string {
	t.Helper()
	var out []string
	for {
		m, err := fe.Receive()
		if err != nil {
			return strings.Join(append(out, err.Error()), " ")
		}
		switch m := m.(type) {
		case *pgproto3.ParameterStatus, *pgproto3.AuthenticationOk, *pgproto3.BackendKeyData:
		case *pgproto3.ErrorResponse:
			out = append(out, "E"+m.Code)
		case *pgproto3.CommandComplete:
			out = append(out, string(m.CommandTag))
		case *pgproto3.DataRow:
			out = append(out, "D")
		case *pgproto3.NegotiateProtocolVersion:
			out = append(out, "negotiate", strings.Join(m.UnrecognizedOptions, ","))
		case *pgproto3.ReadyForQuery:
			return strings.Join(append(out, string(m.TxStatus)), " ")
		default:
			name := strings.TrimPrefix(typeNameOf(m), "*pgproto3.")
			out = append(out, name)
		}
	}
}

// typeNameOf names a message.
func typeNameOf(m any) string {
	switch m.(type) {
	case *pgproto3.ParseComplete:
		return "1"
	case *pgproto3.BindComplete:
		return "2"
	case *pgproto3.CloseComplete:
		return "3"
	case *pgproto3.NoData:
		return "n"
	case *pgproto3.RowDescription:
		return "T"
	case *pgproto3.ParameterDescription:
		return "t"
	case *pgproto3.PortalSuspended:
		return "s"
	case *pgproto3.EmptyQueryResponse:
		return "I"
	}
	return "?"
}

func TestMessages(t *testing.T) {
	t.Parallel()
	f, url := start(t, nil)
	_, fe := raw(t, url)
	fe.Send(&pgproto3.StartupMessage{ProtocolVersion: version30, Parameters: map[string]string{"user": "u", "database": "main", "_pq_.x": "1"}})
	if err := fe.Flush(); err != nil {
		t.Fatal(err)
	}
	if got := kinds(t, fe); got != "negotiate _pq_.x I" {
		t.Fatal(got)
	}
	for _, x := range []struct {
		send []pgproto3.FrontendMessage
		want string
	}{
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "rows 5"}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'},
			&pgproto3.Execute{MaxRows: 2}, &pgproto3.Execute{MaxRows: 2}, &pgproto3.Execute{}, &pgproto3.Sync{}}, "1 2 T D D s D D s D SELECT 1 I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Name: "a", Query: "rows 1"}, &pgproto3.Describe{ObjectType: 'S', Name: "a"}, &pgproto3.Sync{}}, "1 t T I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Name: "a", Query: "rows 1"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}}, "E42P05 I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Bind{PreparedStatement: "a"}, &pgproto3.Execute{}, &pgproto3.Close{ObjectType: 'S', Name: "a"}, &pgproto3.Sync{}}, "2 D SELECT 1 3 I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Bind{PreparedStatement: "a"}, &pgproto3.Sync{}}, "E26000 I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}}, "1 2 I I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "echo int4"}, &pgproto3.Bind{Parameters: [][]byte{[]byte("x")}}, &pgproto3.Sync{}}, "1 E22P02 I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "echo int4"}, &pgproto3.Bind{}, &pgproto3.Sync{}}, "1 E08P01 I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "begin"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}}, "1 2 BEGIN T"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "fail"}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{}}, "1 2 E23505 E"},
		{[]pgproto3.FrontendMessage{&pgproto3.Parse{Query: "put"}, &pgproto3.Sync{}}, "E25P02 E"},
		{[]pgproto3.FrontendMessage{&pgproto3.Query{String: "rollback"}}, "ROLLBACK I"},
		{[]pgproto3.FrontendMessage{&pgproto3.Execute{Portal: "zz"}, &pgproto3.Sync{}}, "E34000 I"},
		{[]pgproto3.FrontendMessage{&pgproto3.FunctionCall{}}, "E0A000 I"},
	} {
		for _, m := range x.send {
			fe.Send(m)
		}
		if err := fe.Flush(); err != nil {
			t.Fatal(err)
		}
		if got := kinds(t, fe); got != x.want {
			t.Errorf("%T…: %s, want %s", x.send[0], got, x.want)
		}
	}
	f.take()
}

func TestDisconnectRollsBack(t *testing.T) {
	t.Parallel()
	f, url := start(t, nil)
	c := dial(t, url)
	run(t, c, "begin; put")
	f.take()
	_ = c.Conn().Close()
	for range 1000 {
		if f.take() == "rollback:1" {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Error("no rollback")
}

func TestCancel(t *testing.T) {
	t.Parallel()
	_, url := start(t, nil)
	c := dial(t, url)
	go func() {
		for range 200 {
			if c.CancelRequest(context.Background()) != nil {
				return
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	if got := run(t, c, "wait"); got != "!57014" {
		t.Error(got)
	}
	c2 := dial(t, url)
	run(t, c2, "set statement_timeout 20")
	if got := run(t, c2, "wait"); got != "!57014" {
		t.Error(got)
	}
	run(t, c2, "set idle_in_transaction_session_timeout 10; begin")
	_, err := c2.ReceiveMessage(context.Background())
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "25P03" {
		t.Error(err)
	}
}

func TestSCRAM(t *testing.T) {
	t.Parallel()
	_, url := start(t, auth{"u": "secret"})
	ok := strings.Replace(url, "u@", "u:secret@", 1)
	dial(t, ok)
	for _, bad := range []string{"u:wrong@", "nobody:secret@"} {
		_, err := pgconn.Connect(context.Background(), strings.Replace(url, "u@", bad, 1))
		var pe *pgconn.PgError
		if !errors.As(err, &pe) || pe.Code != "28P01" {
			t.Error(bad, err)
		}
	}
	_, err := pgconn.Connect(context.Background(), strings.Replace(ok, "/main", "/none", 1))
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "3D000" {
		t.Error(err)
	}
}

func TestCopy(t *testing.T) {
	t.Parallel()
	f, url := start(t, nil)
	c := dial(t, url)
	ctx := context.Background()
	for _, x := range []struct{ sql, in, want string }{
		{"copyin", "1\tx\n2\t\\N\n\\.\n", "1 x 2 NULL"},
		{"copyin", "1\ta\\tb\\\\\n2\t\\x41\\101", "1 a\tb\\ 2 AA"},
		{"copyin format=csv", "1,\"a,\"\"b\"\"\nc\"\r\n2,\n3,\"\"\n", "1 a,\"b\"\nc 2 NULL 3 "},
		{"copyin format=csv header=true delimiter=;", "", ""},
		{"copyin format=csv header=true", "a,b\n7,z\n", "7 z"},
		{"copyin", "1\n", "!22P04"},
		{"copyin", "x\ty\n", "!22P02"},
		{"copyin format=csv", "1,\"a\n", "!22P04"},
	} {
		if strings.Contains(x.sql, ";") {
			continue
		}
		f.copied = nil
		_, err := c.CopyFrom(ctx, strings.NewReader(x.in), x.sql)
		got := make([]string, 0, 8)
		var pe *pgconn.PgError
		if errors.As(err, &pe) {
			got = append(got, "!"+pe.Code)
		} else if err != nil {
			t.Fatal(err)
		}
		for i := range f.copied {
			switch v := f.copied[i]; v.Kind {
			case op.KindNull:
				got = append(got, "NULL")
			case op.KindInt64:
				got = append(got, itoa(int(v.Int())))
			default:
				got = append(got, v.Str())
			}
		}
		if s := strings.Join(got, " "); s != x.want {
			t.Errorf("%s %q: %q, want %q", x.sql, x.in, s, x.want)
		}
	}
	var out bytes.Buffer
	if _, err := c.CopyTo(ctx, &out, "copyout"); err != nil || out.String() != "1\n2\n3\n" {
		t.Error(out.String(), err)
	}
	_, err := c.CopyFrom(ctx, io.MultiReader(strings.NewReader("1\tx\n"), errReader{}), "copyin")
	var pe *pgconn.PgError
	if !errors.As(err, &pe) || pe.Code != "57014" {
		t.Error(err)
	}
	if got := run(t, c, "rows 1"); got != "SELECT 1 1" {
		t.Error("after CopyFail:", got)
	}
}

// errReader fails, which makes the client send CopyFail.
type errReader struct{}

func (errReader) Read([]byte) (int, error) { return 0, errors.New("stopped") }

func TestNotify(t *testing.T) {
	t.Parallel()
	f, url := start(t, nil)
	cfg, _ := pgconn.ParseConfig(url)
	got := make(chan *pgconn.Notification, 1)
	cfg.OnNotification = func(_ *pgconn.PgConn, n *pgconn.Notification) { got <- n }
	a, err := pgconn.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close(context.Background())
	run(t, a, "listen ch")
	b := dial(t, url)
	run(t, b, "begin; notify ch hello; notify ch hello")
	if log := f.take(); log != "begin:1" {
		t.Error("sent before commit:", log)
	}
	run(t, b, "commit")
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := a.WaitForNotification(ctx); err != nil {
		t.Fatal(err)
	}
	if n := <-got; n.Channel != "ch" || n.Payload != "hello" || n.PID != b.PID() {
		t.Errorf("%+v", n)
	}
}

func TestBadInput(t *testing.T) {
	t.Parallel()
	_, url := start(t, nil)
	startup, _ := (&pgproto3.StartupMessage{ProtocolVersion: version30, Parameters: map[string]string{"user": "u"}}).Encode(nil)
	for _, b := range [][]byte{
		[]byte("GET / HTTP/1.1\r\n\r\n"), {0, 0, 0, 3}, {0x7f, 0xff, 0xff, 0xff}, {0, 0, 0, 8, 9, 9, 9, 9},
		append(bytes.Clone(startup), 'Q', 0x7f, 0xff, 0xff, 0xff), append(bytes.Clone(startup), 'Q', 0, 0, 0, 2),
		append(bytes.Clone(startup), 'y', 0, 0, 0, 4), append(bytes.Clone(startup), 'Q', 0, 0, 0, 5, 'x'),
	} {
		c, _ := raw(t, url)
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		_ = c.(*net.TCPConn).CloseWrite()
		all, err := io.ReadAll(c)
		if err == nil && !bytes.Contains(all, []byte("FATAL")) {
			t.Errorf("%q: %q", b, all)
		}
	}
	if got := run(t, dial(t, url), "rows 1"); got != "SELECT 1 1" {
		t.Error(got)
	}
}

func FuzzStartup(f *testing.F) {
	b, _ := (&pgproto3.StartupMessage{ProtocolVersion: version30, Parameters: map[string]string{"user": "u", "options": "-c a=b"}}).Encode(nil)
	f.Add(b[4:])
	f.Add(binary.BigEndian.AppendUint32(nil, codeTLS))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if m, err := decodeStartup(b); err == nil {
			startOptions(m.params["options"])
		}
	})
}

func FuzzBind(f *testing.F) {
	b, _ := (&pgproto3.Bind{DestinationPortal: "p", ParameterFormatCodes: []int16{1}, Parameters: [][]byte{{1, 2}, nil}, ResultFormatCodes: []int16{1}}).Encode(nil)
	f.Add(b[5:])
	f.Fuzz(func(t *testing.T, b []byte) {
		var m bind
		if m.decode(b) != nil {
			return
		}
		for _, v := range m.values {
			for _, typ := range byOID {
				if x, err := decodeParam(typ, true, v, &textOptions); err == nil && v != nil {
					if _, err := appendBinary(nil, typ, x, &textOptions); err != nil && typ.Base != op.TRecord {
						t.Fatalf("%v %x: %v", typ, v, err)
					}
				}
			}
		}
	})
}

func FuzzCopyRows(f *testing.F) {
	f.Add([]byte("1\ta\\tb\n\\.\n"), true)
	f.Add([]byte("1,\"a\"\"\nb\"\r\nx"), false)
	f.Fuzz(func(t *testing.T, b []byte, csv bool) {
		o := &copyOptions{format: "text", delim: '\t', null: `\N`}
		if csv {
			o = &copyOptions{format: "csv", delim: ',', quote: '"', escape: '"'}
		}
		p := newSplitter(o, nil)
		for len(b) > 0 && !p.done() {
			_, n, err := p.split(b, true)
			if err != nil {
				return
			}
			if n == 0 {
				t.Fatal("no progress")
			}
			b = b[n:]
		}
	})
}

package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// fake is an Executor with a toy language: "rows N" answers numbers, "echo
// TYPE" its parameter, "put" counts as a write, "fail" is an error, "wait"
// blocks until it is cancelled. It logs transaction control.
type fake struct {
	mu     sync.Mutex
	log    []string
	copied []op.Value
	subs   []chan *op.Records
}

// note logs a step.
func (f *fake) note(format string, args ...any) {
	f.mu.Lock()
	f.log = append(f.log, fmt.Sprintf(format, args...))
	f.mu.Unlock()
}

// take returns and clears the log.
func (f *fake) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	s := strings.Join(f.log, " ")
	f.log = nil
	return s
}

// echoTypes are the types of "echo".
var echoTypes = map[string]op.Type{"int2": {Base: op.TInt2}, "int4": {Base: op.TInt4}, "int8": {Base: op.TInt8}, "text": {Base: op.TString},
	"float8": {Base: op.TFloat8}, "numeric": {Base: op.TNumeric}, "bool": {Base: op.TBoolean}, "timestamptz": {Base: op.TTimestampTZ},
	"int4[]": {Base: op.TInt4, Array: true}, "text[]": {Base: op.TString, Array: true}, "jsonb": {Base: op.TJSONB}, "uuid": {Base: op.TUUID}}

// Do implements backend.Executor.
func (f *fake) Do(ctx context.Context, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *ctl.OpenDatabase:
		if b.Name == "none" {
			return nil, op.Errorf(op.NoDatabase, "database \"none\" does not exist")
		}
		return op.ReplyOf(&op.Values{Values: []op.Value{op.Text(b.Name)}}), nil
	case *rel.Parse:
		return f.parse(b.Text)
	case *rel.Describe:
		if b.Stmt.Text == "bad" {
			return nil, &op.Error{Code: op.NotFound, Msg: `relation "bad" does not exist`, Position: 3}
		}
		return op.ReplyOf(f.head(b.Stmt), &op.Done{}), nil
	case *rel.Query:
		return f.query(ctx, o, b)
	case *rel.CopyTarget:
		return op.ReplyOf(&op.Head{Columns: []op.Column{{Name: "a", Type: op.Type{Base: op.TInt4}}, {Name: "b", Type: op.Type{Base: op.TString}}}}), nil
	case *rel.CopyIn:
		f.note("copy:%d", o.Session.Txn)
		for _, v := range b.Values {
			v.Raw = append([]byte(nil), v.Raw...)
			f.copied = append(f.copied, v)
		}
		return op.ReplyOf(&op.Done{}), nil
	case *msg.Subscribe:
		c := make(chan *op.Records, 8)
		f.mu.Lock()
		f.subs = append(f.subs, c)
		f.mu.Unlock()
		return &fakeSub{c}, nil
	case *msg.Publish:
		f.note("publish:%d", o.Session.Txn)
		for _, c := range f.subs {
			c <- &op.Records{Records: []op.Record{{Topic: b.Topic, Payload: b.Payload, Headers: b.Headers}}}
		}
		return op.ReplyOf(&op.Done{}), nil
	default:
		f.note("%s:%d", strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", b), "*ctl.")), o.Session.Txn)
		return op.ReplyOf(&op.Done{}), nil
	}
}

// fakeSub is a subscription.
type fakeSub struct{ c chan *op.Records }

func (s *fakeSub) Next(ctx context.Context) (op.Frame, error) {
	select {
	case r := <-s.c:
		return r, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
func (s *fakeSub) Close() error { return nil }

// head answers Describe.
func (f *fake) head(st *rel.Stmt) *op.Head {
	w := strings.Fields(st.Text)
	switch w[0] {
	case "rows":
		return &op.Head{Columns: []op.Column{{Name: "n", Type: op.Type{Base: op.TInt4}}}}
	case "echo":
		t := echoTypes[w[1]]
		return &op.Head{Params: []op.Type{t}, Columns: []op.Column{{Name: "e", Type: t}}}
	}
	return &op.Head{}
}

// query answers Query.
func (f *fake) query(ctx context.Context, o *op.Op, b *rel.Query) (op.Reply, error) {
	w := strings.Fields(b.Stmt.Text)
	switch w[0] {
	case "rows":
		n := 0
		fmt.Sscan(w[1], &n)
		r := &op.Rows{Cols: 1}
		for i := range n {
			r.Values = append(r.Values, op.Int64(int64(i+1)))
		}
		f.note("rows:%d", o.Session.Txn)
		return op.ReplyOf(f.head(b.Stmt), r, &op.Done{Tag: "SELECT"}), nil
	case "echo":
		v := b.Args[0]
		v.Raw = append([]byte(nil), v.Raw...)
		return op.ReplyOf(f.head(b.Stmt), &op.Rows{Cols: 1, Values: []op.Value{v}}, &op.Done{Tag: "SELECT"}), nil
	case "put":
		f.note("put:%d", o.Session.Txn)
		return op.ReplyOf(&op.Done{Tag: "INSERT", Affected: 1}), nil
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return nil, &op.Error{Code: op.UniqueViolation, Msg: "duplicate key " + b.Stmt.Text, Detail: "Key (a)=(1) already exists.", Schema: "public", Table: "t", Constraint: "t_pkey"}
}

// parse splits at semicolons and classifies by the first word.
func (f *fake) parse(text string) (op.Reply, error) {
	var list []*rel.Stmt
	for _, p := range strings.Split(text, ";") {
		p = strings.TrimSpace(p)
		if p == "" {
			continue
		}
		w := strings.Fields(p)
		st := &rel.Stmt{Dialect: rel.Postgres, Text: p, Session: &rel.Session{Word: strings.ToUpper(w[0])}}
		x := st.Session
		if len(w) > 1 {
			x.Name = w[1]
		}
		switch w[0] {
		case "syntax":
			return nil, &op.Error{Code: op.Syntax, Msg: "syntax error", Position: 1}
		case "begin", "commit", "rollback", "savepoint":
			st.Kind = rel.KindTxn
		case "rollbackto":
			st.Kind, x.Word = rel.KindTxn, "ROLLBACK TO"
		case "set", "setlocal":
			st.Kind, x.Args, x.Local, x.Word = rel.KindSet, w[2:], w[0] == "setlocal", "SET"
		case "reset":
			st.Kind, x.Default = rel.KindSet, true
		case "show":
			st.Kind = rel.KindShow
		case "copyin":
			st.Kind, x.From, x.Table, x.Word = rel.KindCopy, true, "t", "COPY"
			for _, o := range w[1:] {
				k, v, _ := strings.Cut(o, "=")
				x.Options = append(x.Options, [2]string{k, v})
			}
		case "copyout":
			st.Kind, x.Query, x.Word = rel.KindCopy, "rows 3", "COPY"
		case "declare":
			st.Kind, x.Query, x.Word = rel.KindCursor, strings.Join(w[2:], " "), "DECLARE CURSOR"
		case "fetch":
			st.Kind, x.Args = rel.KindCursor, w[2:]
		case "listen":
			st.Kind = rel.KindListen
		case "notify":
			st.Kind, x.Args = rel.KindNotify, w[2:]
		case "prepare":
			st.Kind, x.Query = rel.KindPrepare, strings.Join(w[2:], " ")
		case "execute":
			st.Kind = rel.KindExecute
		}
		list = append(list, st)
	}
	return rel.NewParsed(list), nil
}

// auth is a test authenticator.
type auth map[string]string

func (a auth) Trust() bool { return len(a) == 0 }
func (a auth) Password(u string) (string, bool) {
	s, ok := a[u]
	return s, ok
}

// start serves a fake on loopback and returns a connection string.
func start(t *testing.T, a auth) (*fake, string) {
	t.Helper()
	f := &fake{}
	srv, err := New(protocol.Env{Name: "postgres", Exec: f, Log: slog.New(slog.DiscardHandler), Auth: a, Database: "main",
		Limits: protocol.Limits{MaxMessage: 1 << 20, PreAuth: 10000, AuthTimeout: 5 * time.Second}})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() {
				defer c.Close()
				_ = srv.ServeConn(ctx, c)
			})
		}
	})
	t.Cleanup(func() { cancel(); l.Close(); wg.Wait() })
	return f, fmt.Sprintf("postgres://u@%s/main?sslmode=disable", l.Addr())
}

// dial connects.
func dial(t *testing.T, url string) *pgconn.PgConn {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	c, err := pgconn.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}

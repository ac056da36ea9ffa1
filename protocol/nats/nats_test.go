package nats

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	natsgo "github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// identity is a list of users; empty means trust.
type identity map[string]string

// Trust implements protocol.Authenticator.
func (i identity) Trust() bool { return len(i) == 0 }

// Password implements protocol.Authenticator.
func (i identity) Password(user string) (string, bool) { p, ok := i[user]; return p, ok }

// start runs a server over exec; stop ends it.
func start(t *testing.T, dir string, users identity, exec backend.Executor) (url string, stop func()) {
	t.Helper()
	s, err := newServer(protocol.Env{
		Name: "nats", Exec: exec, Log: slog.New(slog.DiscardHandler), Auth: users, DataDir: dir,
		Settings: map[string]string{"sync": "always"}, Limits: protocol.Limits{AuthTimeout: 10 * time.Second},
	})
	if err != nil {
		t.Fatal(err)
	}
	// Port -1 asks nats-server for a free one.
	addr, err := s.(protocol.Listener).Listen(t.Context(), "127.0.0.1:-1")
	if err != nil {
		t.Fatal(err)
	}
	return "nats://" + addr.String(), func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}
}

// connect opens a client.
func connect(t *testing.T, url string, opts ...natsgo.Option) *natsgo.Conn {
	t.Helper()
	nc, err := natsgo.Connect(url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// echo answers what it was asked, as far as the bridge needs it.
func echo(_ context.Context, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *ctl.OpenDatabase:
		return op.ReplyOf(&op.Done{}), nil
	case *kv.Command:
		if b.Verb == "LRANGE" {
			panic("a broken engine")
		}
		return op.ReplyOf(&op.Values{Values: []op.Value{op.Array(op.Text(o.Target.Database), op.Text(b.Verb), op.Bytes(b.Args[0]), op.Int64(int64(b.DB)))}}, &op.Done{}), nil
	case *doc.Find:
		return op.ReplyOf(&op.Docs{Docs: [][]byte{}}, &op.Done{}), nil
	case *doc.Insert:
		return op.ReplyOf(&op.Done{Affected: int64(len(b.Docs))}), nil
	default:
		return nil, op.Errorf(op.NotFound, "no %T here", b)
	}
}

func TestBridge(t *testing.T) {
	t.Parallel()
	url, stop := start(t, t.TempDir(), nil, backend.Func(echo))
	defer stop()
	nc := connect(t, url)
	for _, c := range []struct{ subject, request, want string }{
		{"db.main.kv.get", `{"args":["k"]}`, `{"value":["main","GET","k",0]}`},
		{"db.shop.kv.GET", `{"args":[{"$base64":"/w=="}],"db":3}`, `{"value":["shop","GET",{"$base64":"/w=="},3]}`},
		{"db.main.kv.get", `{"args":["k","l"]}`, `{"error":{"code":"invalid_argument","message":"wrong number of arguments for GET"}}`},
		{"db.main.kv.nope", `{"args":["k"]}`, `{"error":{"code":"unsupported","message":"no key-value command \"NOPE\""}}`},
		{"db.main.kv.lrange", `{"args":["k",0,1]}`, `{"error":{"code":"internal","message":"internal error"}}`},
		{"db.main.doc.insert", `{"collection":"c","docs":[{"_id":1},{"a":{"$date":"2026-01-01T00:00:00Z"}}]}`, `{"affected":2}`},
		{"db.main.doc.find", `{"collection":"c","filter":{"_id":1}}`, `{"docs":[]}`},
		{"db.main.doc.find", `{"collection":"c","filter":{"$or":[]}}`, `{"error":{"code":"unsupported","message":"filter operator $or is not supported here; only equality is"}}`},
		{"db.main.msg.publish", `{"space":"redis","topic":"x","payload":"y"}`, `{"error":{"code":"not_found","message":"no *msg.Publish here"}}`},
		{"db.main.rel.nope", `{}`, `{"error":{"code":"unsupported","message":"no operation \"rel.nope\"; there are doc.count doc.delete doc.find doc.insert kv.\u003cverb\u003e msg.publish rel.query"}}`},
		{"db.main", `{}`, `{"error":{"code":"invalid_argument","message":"subject \"db.main\" is not db.\u003cdatabase\u003e.\u003cfamily\u003e.\u003cverb\u003e"}}`},
	} {
		m, err := nc.Request(c.subject, []byte(c.request), 10*time.Second)
		if err != nil {
			t.Fatal(c.subject, err)
		}
		if string(m.Data) != c.want {
			t.Errorf("%s %s\n got %s\nwant %s", c.subject, c.request, m.Data, c.want)
		}
	}
	for _, bad := range []string{``, `[]`, `{"args":1}`, `{"argz":[]}`, `{"args":["k"]} x`, "\xff"} {
		m, err := nc.Request("db.main.kv.get", []byte(bad), 10*time.Second)
		if err != nil || !strings.HasPrefix(string(m.Data), `{"error":{"code":"syntax"`) {
			t.Errorf("%q: %s %v", bad, m.Data, err)
		}
	}
}

func TestAuth(t *testing.T) {
	t.Parallel()
	url, stop := start(t, t.TempDir(), identity{"ann": "secret"}, backend.Func(echo))
	defer stop()
	nc := connect(t, url, natsgo.UserInfo("ann", "secret"))
	if _, err := nc.Request("db.main.kv.get", []byte(`{"args":["k"]}`), 10*time.Second); err != nil {
		t.Fatal(err)
	}
	for _, o := range [][]natsgo.Option{{}, {natsgo.UserInfo("ann", "wrong")}, {natsgo.UserInfo(bridgeUser, "")}, {natsgo.Token("secret")}} {
		if _, err := natsgo.Connect(url, o...); err == nil {
			t.Error("connected without the right password")
		}
	}
}

func TestJetStreamSurvivesRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	url, stop := start(t, dir, nil, backend.Func(echo))
	js, err := jetstream.New(connect(t, url))
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "b"})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := kv.Put(t.Context(), fmt.Sprint("k", i), []byte{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	stop()
	url, stop = start(t, dir, nil, backend.Func(echo))
	defer stop()
	if js, err = jetstream.New(connect(t, url)); err != nil {
		t.Fatal(err)
	}
	if kv, err = js.KeyValue(t.Context(), "b"); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		e, err := kv.Get(t.Context(), fmt.Sprint("k", i))
		if err != nil || e.Value()[0] != byte(i) {
			t.Fatal(i, err)
		}
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for key, value := range map[string]string{"sink": "always", "sync": "never", "max_store": "-1", "max_payload": "99999999999", "websocket": "x"} {
		_, err := options(protocol.Env{Settings: map[string]string{key: value}})
		if err == nil || !strings.Contains(err.Error(), "settings.nats."+key) {
			t.Errorf("%s=%s: %v", key, value, err)
		}
	}
}

func TestEveryCodeHasAWord(t *testing.T) {
	t.Parallel()
	for c := op.Internal; c <= op.DuplicateColumn; c++ {
		var got map[string]map[string]string
		if err := json.Unmarshal(errorJSON(op.Errorf(c, "m")), &got); err != nil {
			t.Fatal(err)
		}
		if got["error"]["code"] == "" || c != op.Internal && got["error"]["code"] == "internal" {
			t.Errorf("code %d has no word", c)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, s := range []string{`{"args":["k","v"]}`, `{"sql":"select 1","args":[null]}`, `{"collection":"c","filter":{"_id":{"$oid":"0123456789ab0123456789ab"}},"docs":[{}]}`, `{"space":"a","topic":"b","payload":{"$base64":""}}`} {
		for _, v := range []string{"db.a.kv.set", "db.a.rel.query", "db.a.doc.insert", "db.a.doc.find", "db.a.msg.publish"} {
			f.Add(v, []byte(s))
		}
	}
	b := &bridge{env: protocol.Env{Exec: backend.Func(echo), Log: slog.New(slog.DiscardHandler)}, ctx: context.Background(), payload: 1 << 20}
	f.Fuzz(func(t *testing.T, subject string, data []byte) {
		out, err := b.handle(subject, data)
		if err != nil {
			out = errorJSON(err)
			if op.CodeOf(err) == op.Internal && !strings.Contains(strings.ToLower(subject), "lrange") {
				t.Fatalf("%s %q: %v", subject, data, err)
			}
		}
		if !json.Valid(out) {
			t.Fatalf("%s %q: reply %q", subject, data, out)
		}
	})
}

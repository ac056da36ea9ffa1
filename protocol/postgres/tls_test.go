package postgres

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/dot-do/dotdo-proxy/protocol"
)

// selfSigned makes a certificate for the test.
func selfSigned(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tpl := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	der, err := x509.CreateCertificate(rand.Reader, tpl, tpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	srv, err := New(protocol.Env{Name: "postgres", Exec: &fake{}, Log: slog.New(slog.DiscardHandler), Auth: auth{"u": "pw"}, Database: "main", TLS: selfSigned(t)})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); _ = srv.ServeConn(ctx, c) }()
		}
	}()
	for _, mode := range []string{"sslmode=require", "sslmode=require&sslnegotiation=direct", "sslmode=disable"} {
		c := dial(t, "postgres://u:pw@"+l.Addr().String()+"/main?"+mode)
		if got := run(t, c, "rows 1"); got != "SELECT 1 1" {
			t.Error(mode, got)
		}
		if _, secure := c.Conn().(*tls.Conn); secure != (mode != "sslmode=disable") {
			t.Error(mode, "is not what it says")
		}
	}
	cfg, err := pgconn.ParseConfig("postgres://u:pw@" + l.Addr().String() + "/main?sslmode=require")
	if err != nil {
		t.Fatal(err)
	}
	cfg.MinProtocolVersion, cfg.MaxProtocolVersion = "3.2", "3.2"
	c, err := pgconn.ConnectConfig(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
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
}

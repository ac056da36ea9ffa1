// Package postgres compares the PostgreSQL front-end over the real engines with
// a real PostgreSQL 15: the same statements must give the same columns, types,
// values, tags and errors.
package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/engine"
	enginerel "github.com/dot-do/dotdo-proxy/backend/engine/rel"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/protocol"
	"github.com/dot-do/dotdo-proxy/protocol/postgres"
)

// trust accepts everybody.
type trust struct{}

// Trust implements protocol.Authenticator.
func (trust) Trust() bool { return true }

// Password implements protocol.Authenticator.
func (trust) Password(string) (string, bool) { return "", false }

// start serves the front-end on a free port.
func start(t testing.TB) string {
	t.Helper()
	local, err := engine.New(engine.Options{
		Object:   object.Options{Dir: t.TempDir(), Relaxed: true, Log: slog.New(slog.DiscardHandler)},
		Families: map[op.Family]engine.Named{op.FamilyRel: {Name: "rel", Family: enginerel.New()}},
	})
	if err != nil {
		t.Fatal(err)
	}
	srv, err := postgres.New(protocol.Env{Name: "postgres", Exec: local, Log: slog.New(slog.DiscardHandler), Auth: trust{}, Database: "main", Version: "test", Sessions: protocol.NewSessions()})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	live := make(chan struct{}, 1000)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			live <- struct{}{}
			go func() {
				defer func() { <-live }()
				defer func() { _ = c.Close() }()
				defer func() {
					if p := recover(); p != nil {
						t.Errorf("panic: %v", p)
					}
				}()
				_ = srv.ServeConn(ctx, c)
			}()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		cancel()
		for len(live) > 0 {
			time.Sleep(time.Millisecond)
		}
		if err := local.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l.Addr().String()
}

// binDir is where Debian puts PostgreSQL's programs.
const binDir = "/usr/lib/postgresql/15/bin"

// oracle starts a real PostgreSQL on a free port; the test is skipped without
// one.
func oracle(t testing.TB) string {
	t.Helper()
	if addr := os.Getenv("DOTDO_PG_ORACLE"); addr != "" {
		return addr
	}
	if _, err := os.Stat(filepath.Join(binDir, "initdb")); err != nil {
		t.Skip("no PostgreSQL 15 installed")
	}
	dir, err := os.MkdirTemp("", "pgoracle")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	attr := servant(t, dir)
	run := func(name string, args ...string) *exec.Cmd {
		cmd := exec.Command(filepath.Join(binDir, name), args...)
		cmd.SysProcAttr, cmd.Dir = attr, dir
		return cmd
	}
	data := filepath.Join(dir, "data")
	if out, err := run("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--locale=C", "--encoding=UTF8", "-N").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	cmd := run("postgres", "-D", data, "-p", port, "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="+dir,
		"-c", "fsync=off", "-c", "timezone=UTC", "-c", "logging_collector=off")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGINT)
		_ = cmd.Wait()
	})
	for range 1000 {
		if c, err := dial(addr, "postgres"); err == nil {
			_ = c.Close(context.Background())
			return addr
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("postgres does not start")
	return ""
}

// servant makes root run the server as user postgres, who then owns dir.
func servant(t testing.TB, dir string) *syscall.SysProcAttr {
	if os.Geteuid() != 0 {
		return nil
	}
	var ids [2]int
	for i, flag := range []string{"-u", "-g"} {
		out, err := exec.Command("id", flag, "postgres").Output()
		if err != nil {
			t.Skip("no user postgres")
		}
		if ids[i], err = strconv.Atoi(string(out[:len(out)-1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(dir, ids[0], ids[1]); err != nil {
		t.Fatal(err)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(ids[0]), Gid: uint32(ids[1])}}
}

// url is a connection string of a server and database.
func url(addr, db string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", addr, db)
}

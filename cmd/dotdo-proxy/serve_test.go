package main

import (
	"bufio"
	"context"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// run serves in this process until the test ends; it returns the lines printed
// up to "ready" and a function that stops it.
func run(t *testing.T, f flags) (lines []string, stop func() error) {
	t.Helper()
	cfg, err := loadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Log.Level = "error"
	r, w := io.Pipe()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		err := serve(ctx, cfg, time.Now(), w)
		done <- err
		_ = w.CloseWithError(io.EOF)
	}()
	in := bufio.NewScanner(r)
	for in.Scan() {
		lines = append(lines, in.Text())
		if strings.HasPrefix(in.Text(), "ready in ") {
			break
		}
	}
	return lines, func() error { cancel(); return <-done }
}

func TestServe(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "data")
	f := flags{dataDir: dir, listen: []string{"admin=127.0.0.1:0", "nats=127.0.0.1:0"}}
	lines, stop := run(t, f)
	if len(lines) != 3 ||
		!regexp.MustCompile(`^listening nats 127\.0\.0\.1:\d+ nats://127\.0\.0\.1:\d+$`).MatchString(lines[0]) ||
		!regexp.MustCompile(`^listening admin 127\.0\.0\.1:\d+ http://127\.0\.0\.1:\d+/$`).MatchString(lines[1]) ||
		!regexp.MustCompile(`^ready in \d+ ms$`).MatchString(lines[2]) {
		t.Fatal(lines)
	}
	cfg, err := loadConfig(f)
	if err != nil {
		t.Fatal(err)
	}
	if err := serve(t.Context(), cfg, time.Now(), io.Discard); err == nil || !strings.Contains(err.Error(), "in use by another dotdo-proxy") {
		t.Errorf("second daemon: %v", err)
	}
	if err := stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestServePortInUse(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for _, name := range []string{"nats", "admin"} {
		cfg, err := loadConfig(flags{dataDir: t.TempDir(), listen: []string{name + "=" + l.Addr().String()}})
		if err != nil {
			t.Fatal(err)
		}
		err = serve(t.Context(), cfg, time.Now(), io.Discard)
		if err == nil || !strings.Contains(err.Error(), "port "+port) || !strings.Contains(err.Error(), "--listen "+name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDataDirFormat(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "d")
	for range 2 { // new, then existing
		d, err := openDataDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct{ file, text, want string }{
		{"FORMAT", "2\n", "newer"},
		{"FORMAT", "x\n", "format number"},
		{"thesis.doc", "", "no data directory"},
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openDataDir(dir); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %q: %v", c.file, c.text, err)
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("%s %q: the directory was touched: %v", c.file, c.text, left)
		}
	}
}

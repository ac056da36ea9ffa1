package host

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dot-do/dotdo-proxy/protocol"
)

// lines is a protocol for tests: it echoes lines, panics on "panic", and says
// goodbye when the host drains. A deaf one ignores the drain.
type lines struct{ deaf bool }

// ServeConn implements protocol.Server.
func (s lines) ServeConn(ctx context.Context, c net.Conn) error {
	if !s.deaf {
		stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Now()) })
		defer stop()
	}
	in := bufio.NewScanner(c)
	for in.Scan() {
		if in.Text() == "panic" {
			panic("asked to")
		}
		if _, err := fmt.Fprintln(c, in.Text()); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		_, err := fmt.Fprintln(c, "bye")
		return err
	}
	return in.Err()
}

// Close implements protocol.Server.
func (lines) Close(context.Context) error { return nil }

// start runs a host with one lines system.
func start(t *testing.T, s lines, maxConns int) (*Host, string) {
	t.Helper()
	info := protocol.Info{Name: "lines", Example: "lines://%s", New: func(protocol.Env) (protocol.Server, error) { return s, nil }}
	h, err := New(Params{
		Systems: []System{{Info: info, Addr: "127.0.0.1:0"}}, MaxConns: maxConns,
		Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	})
	if err != nil {
		t.Fatal(err)
	}
	bound, err := h.Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := "lines://" + bound[0].Addr.String(); bound[0].Example != want {
		t.Fatalf("example %q, want %q", bound[0].Example, want)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if _, err := h.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return h, bound[0].Addr.String()
}

// dial opens a client connection.
func dial(t *testing.T, addr string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// say sends a line and returns the answer.
func say(t *testing.T, c net.Conn, r *bufio.Reader, line string) (string, error) {
	t.Helper()
	if _, err := fmt.Fprintln(c, line); err != nil {
		t.Fatal(err)
	}
	got, err := r.ReadString('\n')
	return strings.TrimSpace(got), err
}

func TestPanicEndsOneConnection(t *testing.T) {
	t.Parallel()
	h, addr := start(t, lines{}, 0)
	good, goodR := dial(t, addr)
	bad, badR := dial(t, addr)
	if got, err := say(t, good, goodR, "a"); got != "a" || err != nil {
		t.Fatal(got, err)
	}
	if _, err := say(t, bad, badR, "panic"); err != io.EOF {
		t.Fatalf("panicking connection: %v, want EOF", err)
	}
	if got, err := say(t, good, goodR, "b"); got != "b" || err != nil {
		t.Fatal(got, err)
	}
	if n := h.metrics.of("lines").panics.Load(); n != 1 {
		t.Fatalf("panics %d, want 1", n)
	}
}

func TestConnectionLimit(t *testing.T) {
	t.Parallel()
	h, addr := start(t, lines{}, 1)
	first, firstR := dial(t, addr)
	if got, err := say(t, first, firstR, "a"); got != "a" || err != nil {
		t.Fatal(got, err)
	}
	_, secondR := dial(t, addr)
	if _, err := secondR.ReadByte(); err == nil {
		t.Fatal("second connection was served")
	}
	if n := h.metrics.of("lines").refused.Load(); n != 1 {
		t.Fatalf("refused %d, want 1", n)
	}
	_ = first.Close()
	for deadline := time.Now().Add(10 * time.Second); ; {
		c, r := dial(t, addr)
		_, _ = fmt.Fprintln(c, "again")
		if got, _ := r.ReadString('\n'); got == "again\n" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place was not given back")
		}
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	h, addr := start(t, lines{}, 0)
	c, r := dial(t, addr)
	if got, err := say(t, c, r, "a"); got != "a" || err != nil {
		t.Fatal(got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cut, err := h.Close(ctx)
	if cut != 0 || err != nil {
		t.Fatalf("cut %d, err %v", cut, err)
	}
	if got, _ := r.ReadString('\n'); got != "bye\n" {
		t.Fatalf("goodbye %q", got)
	}
	if _, err := net.Dial("tcp", addr); err == nil {
		t.Fatal("still accepting")
	}
}

func TestDrainCutsTheDeaf(t *testing.T) {
	t.Parallel()
	h, addr := start(t, lines{deaf: true}, 0)
	c, r := dial(t, addr)
	if got, err := say(t, c, r, "a"); got != "a" || err != nil {
		t.Fatal(got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if cut, err := h.Close(ctx); cut != 1 || err != nil {
		t.Fatalf("cut %d, err %v", cut, err)
	}
}

func TestPortInUse(t *testing.T) {
	t.Parallel()
	_, addr := start(t, lines{}, 0)
	_, err := Open("lines", addr)
	_, port, _ := net.SplitHostPort(addr)
	if err == nil || !strings.Contains(err.Error(), "port "+port+" is already in use") || !strings.Contains(err.Error(), "--listen lines=") {
		t.Fatal(err)
	}
}

func TestAdmin(t *testing.T) {
	t.Parallel()
	reg := prometheus.NewRegistry()
	m := newMetrics()
	m.of("lines").panics.Add(2)
	reg.MustRegister(m)
	a := NewAdmin(reg, slog.New(slog.DiscardHandler))
	addr, err := a.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	get := func(path string) (int, string) {
		resp, err := http.Get("http://" + addr.String() + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if code, _ := get("/healthz"); code != 200 {
		t.Fatal("healthz", code)
	}
	if code, _ := get("/readyz"); code != 503 {
		t.Fatal("readyz before ready", code)
	}
	a.SetReady(true)
	if code, _ := get("/readyz"); code != 200 {
		t.Fatal("readyz", code)
	}
	if _, body := get("/metrics"); !strings.Contains(body, `dotdo_connection_panics_total{system="lines"} 2`) {
		t.Fatal(body)
	}
	if code, _ := get("/debug/pprof/cmdline"); code != 200 {
		t.Fatal("pprof", code)
	}
	if err := a.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// Package hostile attacks the real daemon on every wire with bytes no client
// sends and checks that it lives, stays small, logs no panic and goes on
// answering a well-behaved client of each wire.
package hostile

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

var (
	// spell is how long mutated captures are sent.
	spell = flag.Duration("spell", 3*time.Second, "how long mutated captures are sent")
	// seed makes a run repeatable, as far as timing allows.
	seed = flag.Uint64("seed", 0, "seed of the mutations; 0 picks one")
)

// maxGrowth is how much resident memory the length bombs may cost.
const maxGrowth = 64 << 20

// start runs a daemon with every wire and the admin listener.
func start(t *testing.T, extra ...string) *daemon.Daemon {
	t.Helper()
	systems := []string{"admin"}
	for _, w := range wires() {
		systems = append(systems, w.name)
	}
	d, err := daemon.Start(filepath.Join(t.TempDir(), "data"), systems, extra...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Kill)
	return d
}

// watch keeps a good client of every wire busy until the returned function is
// called, which reports every client that was not served.
func watch(t *testing.T, d *daemon.Daemon, login bool) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for _, w := range wires() {
		ping, hangUp, err := w.good(context.Background(), d.Addr[w.name], login)
		if err != nil {
			cancel()
			t.Fatalf("%s: good client: %v", w.name, err)
		}
		wg.Go(func() {
			defer hangUp()
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			n := 0
			for ; ctx.Err() == nil; n++ {
				if err := ping(apart + n); err != nil {
					t.Errorf("%s: good client, request %d: %v", w.name, n, err)
					return
				}
				select {
				case <-tick.C:
				case <-ctx.Done():
				}
			}
			t.Logf("%s: %d good requests", w.name, n)
		})
	}
	return func() { cancel(); wg.Wait() }
}

// panicLine finds counted panics in the metrics.
var panicLine = regexp.MustCompile(`(?m)^dotdo_connection_panics_total\{system="(\w+)"\} (\S+)$`)

// check fails when the daemon has panicked or does not answer.
func check(t *testing.T, d *daemon.Daemon) {
	t.Helper()
	resp, err := http.Get("http://" + d.Addr["admin"] + "/metrics")
	if err != nil {
		t.Fatalf("the daemon does not live: %v\n%s", err, d.Log())
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	found := panicLine.FindAllStringSubmatch(string(body), -1)
	if len(found) == 0 {
		t.Error("no panic counters in the metrics")
	}
	for _, m := range found {
		if m[2] != "0" {
			t.Errorf("%s: %s connections panicked", m[1], m[2])
		}
	}
	if strings.Contains(d.Log(), "panic") {
		t.Errorf("the log speaks of a panic:\n%s", d.Log())
	}
}

// send writes b on a fresh connection, ends its side and drains the answer for
// at most the given time.
func send(addr string, greeted bool, b []byte, wait time.Duration) error {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(wait))
	if greeted {
		if _, err := c.Read(make([]byte, 4096)); err != nil {
			return nil // slow or refused; the good client decides
		}
	}
	if _, err := c.Write(b); err != nil {
		return nil // hung up on: a fair answer
	}
	_ = c.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, c)
	return nil
}

// senders is how many connections attack a wire at the same time.
const senders = 6

func TestHostileBytes(t *testing.T) {
	t.Parallel()
	d := start(t)
	captures := map[string][][]byte{}
	for _, w := range wires() {
		captures[w.name] = capture(t, w, d.Addr[w.name])
	}
	stop := watch(t, d, false)
	if *seed == 0 {
		*seed = rand.Uint64()
	}
	t.Logf("seed %d", *seed)
	var wg sync.WaitGroup
	for i, w := range wires() {
		frames := make(chan []byte)
		wg.Go(func() {
			defer close(frames)
			for _, f := range append(w.frames, garbage(rand.New(rand.NewPCG(*seed, uint64(i))))...) {
				frames <- f
			}
		})
		for range senders {
			wg.Go(func() {
				for f := range frames {
					if err := send(d.Addr[w.name], w.speaksFirst, f, time.Second); err != nil {
						t.Errorf("%s: after %.60q: %v", w.name, f, err)
					}
				}
			})
		}
	}
	wg.Wait()
	check(t, d)
	end := time.Now().Add(*spell)
	var sent atomic.Int64
	for i, w := range wires() {
		for k := range senders {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(*seed, uint64(100+i*senders+k)))
				for time.Now().Before(end) {
					b := mutate(r, captures[w.name])
					if err := send(d.Addr[w.name], w.speaksFirst, b, 300*time.Millisecond); err != nil {
						t.Errorf("%s: after %.200q: %v", w.name, b, err)
						return
					}
					sent.Add(1)
				}
			})
		}
	}
	wg.Wait()
	stop()
	check(t, d)
	if sent.Load() == 0 {
		t.Error("no mutated capture was sent")
	}
	t.Logf("%d mutated captures", sent.Load())
}

// garbage is random bytes of many lengths.
func garbage(r *rand.Rand) [][]byte {
	var out [][]byte
	for _, n := range []int{1, 3, 4, 5, 16, 17, 100, 4096, 70000} {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		out = append(out, b)
	}
	return out
}

// capture records what a good client sends on one connection, as the chunks it
// wrote.
func capture(t *testing.T, w wire, addr string) [][]byte {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var conns [][][]byte
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", addr)
			if err != nil {
				c.Close()
				return
			}
			mu.Lock()
			n := len(conns)
			conns = append(conns, nil)
			mu.Unlock()
			go func() { _, _ = io.Copy(c, up); c.Close() }()
			go func() {
				defer up.Close()
				for b := make([]byte, 1<<16); ; {
					k, err := c.Read(b)
					if err != nil {
						return
					}
					mu.Lock()
					conns[n] = append(conns[n], append([]byte(nil), b[:k]...))
					mu.Unlock()
					if _, err := up.Write(b[:k]); err != nil {
						return
					}
				}
			}()
		}
	}()
	defer l.Close()
	ping, stop, err := w.good(context.Background(), l.Addr().String(), false)
	if err != nil {
		t.Fatalf("%s: capture: %v", w.name, err)
	}
	defer stop()
	for n := range 3 {
		if err := ping(n); err != nil {
			t.Fatalf("%s: capture: %v", w.name, err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	var longest [][]byte
	for _, c := range conns {
		if len(c) > len(longest) {
			longest = c
		}
	}
	return append([][]byte(nil), longest...)
}

// mutate damages a capture in one to four places, mostly behind its login.
func mutate(r *rand.Rand, chunks [][]byte) []byte {
	var b []byte
	login := 0
	for i, c := range chunks {
		b = append(b, c...)
		if i == 0 {
			login = len(b)
		}
	}
	if r.IntN(5) == 0 || login >= len(b) {
		login = 0
	}
	for range 1 + r.IntN(4) {
		at := login + r.IntN(len(b)-login)
		switch r.IntN(7) {
		case 0:
			b[at] ^= 1 << r.IntN(8)
		case 1:
			b[at] = byte(r.Uint32())
		case 2: // lengths
			for i := at; i < min(at+4, len(b)); i++ {
				b[i] = []byte{0, 1, 0x7f, 0x80, 0xff}[r.IntN(5)]
			}
		case 3:
			b = append(b[:at:at], b[min(at+1+r.IntN(8), len(b)):]...)
		case 4:
			b = append(b[:at:at], append([]byte("\xff\x00\xc3\x28")[:1+r.IntN(4)], b[at:]...)...)
		case 5: // a stretch twice
			b = append(b[:min(at+r.IntN(64), len(b)):len(b)], b[at:]...)
		case 6:
			b = b[:at]
		}
		if len(b) <= login+1 {
			break
		}
	}
	return b
}

// resident returns the daemon's resident memory in bytes.
func resident(t *testing.T, d *daemon.Daemon) int64 {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", d.PID()))
	if err != nil {
		t.Fatalf("the daemon does not live: %v", err)
	}
	pages, err := strconv.ParseInt(strings.Fields(string(b))[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * int64(os.Getpagesize())
}

func TestLengthBombs(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/statm"); err != nil {
		t.Skip("needs /proc")
	}
	config := filepath.Join(t.TempDir(), "users.yaml")
	text := fmt.Sprintf("users:\n  - name: %s\n    password: %s\n", user, password)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	d := start(t, "--config", config)
	stop := watch(t, d, true)
	for _, w := range wires() {
		t.Run(w.name, func(t *testing.T) { bomb(t, d, w) })
	}
	stop()
	check(t, d)
}

// bomb opens 50 connections that announce a huge message and pour up to 4 MiB
// of it, holds them, and measures.
func bomb(t *testing.T, d *daemon.Daemon, w wire) {
	const conns, pour = 50, 4 << 20
	before := resident(t, d)
	var held []net.Conn
	defer func() {
		for _, c := range held {
			_ = c.Close()
		}
	}()
	var wg sync.WaitGroup
	var poured atomic.Int64
	for range conns {
		c, err := net.Dial("tcp", d.Addr[w.name])
		if err != nil {
			t.Fatal(err)
		}
		held = append(held, c)
		_ = c.SetDeadline(time.Now().Add(time.Second))
		wg.Go(func() {
			if w.speaksFirst {
				_, _ = c.Read(make([]byte, 4096))
			}
			_, err := c.Write(w.bomb)
			body := []byte(strings.Repeat("A", 1<<16))
			for n := 0; n < pour && err == nil; n += len(body) {
				var k int
				k, err = c.Write(body)
				poured.Add(int64(k))
			}
		})
	}
	wg.Wait()
	after := resident(t, d)
	t.Logf("%d MiB poured, resident %d → %d MiB", poured.Load()>>20, before>>20, after>>20)
	if after-before > maxGrowth {
		t.Errorf("%d connections cost %d MiB of memory", conns, (after-before)>>20)
	}
}

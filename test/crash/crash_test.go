// Package crash kills the daemon with SIGKILL while clients of all five wires
// write, starts it again and checks that every acknowledged write is there.
package crash

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// rounds is how often the daemon is killed.
var rounds = flag.Int("rounds", 20, "rounds of kill -9")

// writers is how many clients each wire has.
const writers = 2

// oracle remembers every acknowledged write in a file outside the data
// directory: one line "wire id" each.
type oracle struct {
	mu sync.Mutex
	f  *os.File
	n  map[string]int
}

// ack records one acknowledged write.
func (o *oracle) ack(wire, id string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.n[wire]++
	_, err := fmt.Fprintf(o.f, "%s %s\n", wire, id)
	return err
}

// load reads the acknowledged ids of every wire.
func (o *oracle) load(t *testing.T) map[string][]string {
	t.Helper()
	f, err := os.Open(o.f.Name())
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := map[string][]string{}
	for sc := bufio.NewScanner(f); sc.Scan(); {
		wire, id, _ := strings.Cut(sc.Text(), " ")
		out[wire] = append(out[wire], id)
	}
	return out
}

// wire is one protocol's client: it prepares its place, writes one id durably,
// and lists the ids that are there.
type wire interface {
	name() string
	setup(ctx context.Context, addr string) error
	writer(ctx context.Context, addr string) (write func(id string) error, stop func(), err error)
	list(ctx context.Context, addr string) (map[string]bool, error)
}

// system maps a wire to the listener it uses.
func system(w wire) string { return strings.SplitN(w.name(), "-", 2)[0] }

func TestKillNine(t *testing.T) {
	dir := t.TempDir()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "oracle"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	o := &oracle{f: f, n: map[string]int{}}
	wires := []wire{pgWire{}, pgTxnWire{}, mysqlWire{}, redisWire{}, mongoWire{}, natsWire{}}
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(uint64(seed), 1))
	for round := range *rounds {
		if err := oneRound(dir, o, wires, round, 150+rnd.IntN(400)); err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		verify(t, dir, o, wires, round)
	}
	t.Logf("acknowledged and kept: %v", o.n)
	for _, w := range wires {
		if o.n[w.name()] < *rounds {
			t.Errorf("%s wrote only %d times in %d rounds", w.name(), o.n[w.name()], *rounds)
		}
	}
}

// systems are the listeners the test uses.
var systems = []string{"postgres", "mysql", "redis", "mongo", "nats"}

// oneRound writes through every wire for some milliseconds, then kills.
func oneRound(dir string, o *oracle, wires []wire, round, ms int) error {
	d, err := daemon.Start(dir, systems)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	errs := make(chan error, len(wires)*writers)
	killed := make(chan struct{})
	for _, w := range wires {
		addr := d.Addr[system(w)]
		if err := w.setup(ctx, addr); err != nil {
			d.Kill()
			return fmt.Errorf("%s: set up: %w\n%s", w.name(), err, d.Log())
		}
		for n := range writers {
			write, stop, err := w.writer(ctx, addr)
			if err != nil {
				d.Kill()
				return fmt.Errorf("%s: connect: %w", w.name(), err)
			}
			wg.Go(func() {
				defer stop()
				for i := 0; ; i++ {
					id := fmt.Sprintf("%d-%d-%d", round, n, i)
					err := write(id)
					select {
					case <-killed:
						if err == nil {
							err = o.ack(w.name(), id)
						} else {
							err = nil
						}
						if err != nil {
							errs <- err
						}
						return
					default:
					}
					if err == nil {
						err = o.ack(w.name(), id)
					}
					if err != nil {
						select {
						case <-killed: // the kill may have come between
						case <-time.After(time.Second):
							errs <- fmt.Errorf("%s: %w", w.name(), err)
						}
						return
					}
				}
			})
		}
	}
	time.Sleep(time.Duration(ms) * time.Millisecond)
	_ = d.Signal9(func() { close(killed) })
	cancel()
	wg.Wait()
	select {
	case err := <-errs:
		return fmt.Errorf("a write failed before the kill: %w\n%s", err, d.Log())
	default:
		return nil
	}
}

// verify restarts and compares every wire with the oracle.
func verify(t *testing.T, dir string, o *oracle, wires []wire, round int) {
	t.Helper()
	d, err := daemon.Start(dir, systems)
	if err != nil {
		t.Fatalf("round %d: restart: %v", round, err)
	}
	defer func() {
		if err := d.Stop(); err != nil {
			t.Errorf("round %d: stop: %v\n%s", round, err, d.Log())
		}
	}()
	acked := o.load(t)
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	for _, w := range wires {
		have, err := w.list(ctx, d.Addr[system(w)])
		if err != nil {
			t.Fatalf("round %d: %s: list: %v", round, w.name(), err)
		}
		for _, id := range acked[w.name()] {
			if !have[id] {
				t.Errorf("round %d: %s: acknowledged write %s is lost", round, w.name(), id)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

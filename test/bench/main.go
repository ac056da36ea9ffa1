// Command bench measures the daemon beside Debian's PostgreSQL, MariaDB and
// Redis and beside nats-server in one run: the same client against both sides,
// alternated rounds, equal durability. It refuses to report when a run had
// errors or when a peer is less durable. It writes docs/benchmarks.md. Run it
// with `make bench`, or `make bench SYSTEM=postgres` for one part.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// Flags.
var (
	rounds    = flag.Int("rounds", 5, "alternated rounds of each load")
	seconds   = flag.Int("seconds", 2, "length of one measurement")
	only      = flag.String("only", "", "comma-separated parts: postgres, mysql, redis, mongo, nats, idle, many (prints, does not write docs)")
	match     = flag.String("load", "", "run only the loads whose name contains this (with -only)")
	databases = flag.Int("databases", 10000, "how many databases the part many makes")
	idleCount = flag.Int("idle", 10000, "how many connections the part idle opens")
)

// figure is one line of the table of single figures.
type figure struct{ name, value, goal string }

// part is one system's share of the run: it starts the peer and returns loads.
type part struct {
	name  string
	title string
	start func(b *bench) (loads []load, stop func(), err error)
}

// parts in the order of the page.
var parts = []part{
	{"postgres", "PostgreSQL, fsync and synchronous_commit on", startPostgres},
	{"mysql", "MariaDB, innodb_flush_log_at_trx_commit=1", startMySQL},
	{"redis", "Redis, appendfsync always", startRedis},
	{"mongo", "MongoDB wire; no server of Debian's to compare with", startMongo},
	{"nats", "nats-server of the same version, standalone", startNATS},
}

// bench is what every part needs.
type bench struct {
	root string
	d    *daemon.Daemon
	ours side
	vers []string // versions of peers and clients
}

func main() {
	log.SetFlags(log.Ltime)
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal("bench: ", err)
	}
}

// wanted tells whether a part is to be run.
func wanted(name string) bool {
	return *only == "" || slices.Contains(strings.Split(*only, ","), name)
}

// run does everything and writes the page.
func run() error {
	root, err := os.MkdirTemp("", "dotdo-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(root)
	if err := os.Chmod(root, 0o755); err != nil {
		return err
	}
	start := time.Now()
	var out strings.Builder
	fmt.Fprintf(&out, "# Benchmarks\n\nMade by `make bench` (%d rounds of %d s, both sides alternated) on %s. "+
		"Client and servers share one machine: trust ratios and CPU per operation, not rates.\n\n", *rounds, *seconds, start.Format("2006-01-02"))
	fmt.Fprintf(&out, "Machine: %s. Disk: %s fdatasync/s of a growing file before the run.\n\n", machine(), short(syncRate(root)))
	figures, err := startup(root)
	if err != nil {
		return err
	}
	for _, p := range parts {
		if !wanted(p.name) {
			continue
		}
		if err := runPart(root, p, &out); err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
	}
	for _, p := range []struct {
		name string
		run  func(string) ([]figure, error)
	}{{"idle", idleConnections}, {"many", func(root string) ([]figure, error) { return manyDatabases(root, *databases) }}} {
		if !wanted(p.name) {
			continue
		}
		more, err := p.run(root)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		figures = append(figures, more...)
	}
	out.WriteString("## Start, memory, scale\n\n| figure | value | goal |\n|---|---|---|\n")
	for _, f := range figures {
		fmt.Fprintf(&out, "| %s | %s | %s |\n", f.name, f.value, f.goal)
	}
	fmt.Fprintf(&out, "\nThe disk after the run: %s fdatasync/s. The run took %.0f minutes.\n", short(syncRate(root)), time.Since(start).Minutes())
	fmt.Print(out.String())
	if *only != "" {
		return nil
	}
	if err := os.MkdirAll("docs", 0o755); err != nil {
		return err
	}
	return os.WriteFile("docs/benchmarks.md", []byte(out.String()), 0o644)
}

// runPart runs one part on a fresh daemon and writes its table.
func runPart(root string, p part, out *strings.Builder) error {
	log.Printf("%s: starting", p.name)
	d, err := daemon.Start(filepath.Join(root, p.name), []string{"postgres", "mysql", "redis", "mongo", "nats"}, "--set", "durability=full")
	if err != nil {
		return err
	}
	defer func() { _ = d.Stop() }()
	b := &bench{root: root, d: d, ours: side{addr: d.Addr[p.name], pid: d.PID()}}
	loads, stop, err := p.start(b)
	if err != nil {
		return err
	}
	defer stop()
	fmt.Fprintf(out, "## %s\n\n%s\n\n", p.title, strings.Join(b.vers, "; "))
	out.WriteString("| load | dotdo-proxy, median (min-max) | peer, median (min-max) | ratio | CPU µs/op, ours / peer | goal |\n|---|---|---|---|---|---|\n")
	for _, l := range loads {
		if *match != "" && !strings.Contains(l.name, *match) {
			continue
		}
		row, err := compare(b, l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		out.WriteString(row)
	}
	fmt.Fprintf(out, "\nDisk in this part: %s fdatasync/s.\n\n", short(syncRate(root)))
	return nil
}

// startup measures the daemon with all five listeners and nothing to do.
func startup(root string) ([]figure, error) {
	var ready, memory, own sample
	for i := range 3 {
		begin := time.Now()
		d, err := daemon.Start(filepath.Join(root, fmt.Sprint("idle", i)), []string{"postgres", "mysql", "redis", "mongo", "nats"})
		if err != nil {
			return nil, err
		}
		ready = append(ready, float64(time.Since(begin).Milliseconds()))
		time.Sleep(2 * time.Second)
		memory = append(memory, float64(rss(d.PID())>>20))
		own = append(own, float64(private(d.PID())>>20))
		if err := d.Stop(); err != nil {
			return nil, err
		}
	}
	return []figure{
		{"process start to ready, five listeners", fmt.Sprintf("%.0f ms", ready.median()), "100 ms"},
		{"idle memory (RSS), five listeners", fmt.Sprintf("%.0f MiB", memory.median()), "45 MiB"},
		{"of it not the program's file", fmt.Sprintf("%.0f MiB", own.median()), ""},
	}, nil
}

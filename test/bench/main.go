// Command bench measures the daemon beside Debian's PostgreSQL and Redis in one
// run: alternated rounds, equal durability, medians and ratios. It writes
// docs/benchmarks.md. Run it with `make bench`.
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// rounds is how often each side runs each load; only limits what is run.
var (
	rounds    = flag.Int("rounds", 5, "alternated rounds of each load")
	databases = flag.Int("databases", 10000, "how many databases -only many makes")
	only      = flag.String("only", "", "run just one of: postgres, redis, many (prints, does not write docs)")
)

// figure is one line of the table of single figures.
type figure struct{ name, value, goal string }

// load is one comparison: the same client command against both sides.
type load struct {
	name, unit string
	ours, peer func() (float64, error)
	goal       string
}

// sample holds the results of one side.
type sample []float64

// median returns the middle value.
func (s sample) median() float64 {
	c := append(sample(nil), s...)
	sort.Float64s(c)
	if len(c) == 0 {
		return 0
	}
	return c[len(c)/2]
}

// at returns a quantile of a sorted sample.
func (s sample) at(q float64) float64 {
	if len(s) == 0 {
		return 0
	}
	return s[min(len(s)-1, int(q*float64(len(s))))]
}

// span prints minimum and maximum.
func (s sample) span() string {
	c := append(sample(nil), s...)
	sort.Float64s(c)
	if len(c) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s-%s", short(c[0]), short(c[len(c)-1]))
}

// short prints a rate with three digits.
func short(f float64) string {
	if f >= 1000 {
		return strconv.FormatFloat(f/1000, 'f', 1, 64) + "k"
	}
	return strconv.FormatFloat(f, 'f', 0, 64)
}

func main() {
	log.SetFlags(0)
	flag.Parse()
	if err := run(); err != nil {
		log.Fatal("bench: ", err)
	}
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
	d, err := daemon.Start(filepath.Join(root, "data"), []string{"postgres", "mysql", "redis", "mongo", "nats"})
	if err != nil {
		return err
	}
	ready := time.Since(start)
	time.Sleep(2 * time.Second)
	idle := rss(d.PID())
	defer func() { _ = d.Stop() }()
	var out strings.Builder
	fmt.Fprintf(&out, "# Benchmarks\n\nMade by `make bench` on %s. Client and servers share one machine; trust ratios, not rates.\n\n", time.Now().Format("2006-01-02"))
	fmt.Fprintf(&out, "Disk: %s fdatasync/s of a growing file in the same run.\n\n", short(syncRate(root)))
	var loads []load
	if !wanted("postgres") {
	} else if l, stop, err := postgres(root, d); err != nil {
		fmt.Fprintf(&out, "PostgreSQL was not measured: %v\n\n", err)
	} else {
		defer stop()
		loads = append(loads, l...)
	}
	if !wanted("redis") {
	} else if l, stop, err := redis(root, d); err != nil {
		fmt.Fprintf(&out, "Redis was not measured: %v\n\n", err)
	} else {
		defer stop()
		loads = append(loads, l...)
	}
	out.WriteString("| load | dotdo-proxy, median (min-max) | peer, median (min-max) | ratio | goal |\n|---|---|---|---|---|\n")
	for _, l := range loads {
		row, err := compare(l)
		if err != nil {
			return fmt.Errorf("%s: %w", l.name, err)
		}
		out.WriteString(row)
	}
	many := ""
	if wanted("many") {
		list, err := manyDatabases(root, *databases)
		if err != nil {
			return err
		}
		for _, f := range list {
			many += fmt.Sprintf("| %s | %s | %s |\n", f.name, f.value, f.goal)
		}
	}
	fmt.Fprintf(&out, "\n| figure | value | goal |\n|---|---|---|\n| start to ready, five listeners | %d ms | 300 ms |\n| idle memory (RSS), five listeners | %d MiB | 60 MiB |\n%s",
		ready.Milliseconds(), idle>>20, many)
	fmt.Print(out.String())
	if *only != "" {
		return nil
	}
	if err := os.MkdirAll("docs", 0o755); err != nil {
		return err
	}
	return os.WriteFile("docs/benchmarks.md", []byte(out.String()), 0o644)
}

// wanted tells whether a part is to be run.
func wanted(part string) bool { return *only == "" || *only == part }

// compare alternates both sides and returns a table row.
func compare(l load) (string, error) {
	var a, b sample
	for i := range *rounds {
		x, err := l.ours()
		if err != nil {
			return "", err
		}
		y, err := l.peer()
		if err != nil {
			return "", err
		}
		a, b = append(a, x), append(b, y)
		log.Printf("%-28s round %d/%d: ours %s, peer %s %s", l.name, i+1, *rounds, short(x), short(y), l.unit)
	}
	return fmt.Sprintf("| %s (%s) | %s (%s) | %s (%s) | %.2f | %s |\n", l.name, l.unit,
		short(a.median()), a.span(), short(b.median()), b.span(), a.median()/b.median(), l.goal), nil
}

// rss returns the resident memory of a process in bytes.
func rss(pid int) int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b))
	n, _ := strconv.ParseInt(f[1], 10, 64)
	return n * int64(os.Getpagesize())
}

// syncRate measures how fast the disk syncs a file that grows.
func syncRate(dir string) float64 {
	f, err := os.Create(filepath.Join(dir, "probe"))
	if err != nil {
		return 0
	}
	defer f.Close()
	n, start := 0, time.Now()
	for time.Since(start) < time.Second {
		if _, err := f.Write(make([]byte, 4096)); err != nil || f.Sync() != nil {
			return 0
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds()
}

// tool finds a program in PATH or in Debian's PostgreSQL folder.
func tool(name string) (string, error) {
	if p, err := exec.LookPath(name); err == nil {
		return p, nil
	}
	if m, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name); len(m) > 0 {
		return m[len(m)-1], nil
	}
	return "", fmt.Errorf("%s is not installed", name)
}

// number runs a command and returns the first group of pattern in its output.
func number(pattern string, name string, args ...string) (float64, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return 0, fmt.Errorf("%s: %w\n%s", name, err, out)
	}
	m := regexp.MustCompile(pattern).FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s printed no figure:\n%s", name, out)
	}
	return strconv.ParseFloat(string(m[1]), 64)
}

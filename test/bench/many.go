package main

import (
	"context"
	"fmt"
	"log"
	"math/rand/v2"
	"path/filepath"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// manyClients is how many connections create databases at the same time.
const manyClients = 4

// manyDatabases creates count databases over Postgres, each with a table and a
// row, restarts the daemon, then opens closed ones one by one.
func manyDatabases(root string, count int) ([]figure, error) {
	dir := filepath.Join(root, "many")
	d, err := daemon.Start(dir, []string{"postgres"})
	if err != nil {
		return nil, err
	}
	stop := func() { _ = d.Stop() }
	defer func() { stop() }()
	start := time.Now()
	files, slowest, err := createMany(d, count)
	if err != nil {
		return nil, err
	}
	took := time.Since(start)
	memory := rss(d.PID())
	if err := d.Stop(); err != nil {
		return nil, err
	}
	stop = func() {}
	begin := time.Now()
	if d, err = daemon.Start(dir, []string{"postgres"}); err != nil {
		return nil, err
	}
	stop = func() { _ = d.Stop() }
	ready := time.Since(begin)
	opens, err := openCold(d, count, 2000)
	if err != nil {
		return nil, err
	}
	files = max(files, openFiles(d.PID()))
	goal := int64(250)
	if count > 20000 {
		goal = 1024
	}
	return []figure{
		{fmt.Sprintf("%d databases created and written to", count), fmt.Sprintf("%.0f/s", float64(count)/took.Seconds()), "150/s"},
		{"the slowest thousand of them", fmt.Sprintf("%.0f/s", slowest), "150/s"},
		{"memory (RSS) after that", fmt.Sprintf("%d MiB", memory>>20), fmt.Sprintf("%d MiB", goal)},
		{"open files at most", fmt.Sprint(files), "4096"},
		{"start to ready with them", fmt.Sprintf("%d ms", ready.Milliseconds()), "as with none"},
		{"cold open: connect, read a row; p50 / p99", fmt.Sprintf("%.1f / %.1f ms", opens.at(0.5), opens.at(0.99)), "p99 20 ms"},
	}, nil
}

// createMany creates the databases and returns the most open files seen and
// the rate of the slowest thousand.
func createMany(d *daemon.Daemon, count int) (files int, slowest float64, err error) {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	for range manyClients {
		group.Go(func() {
			for i := int(next.Add(1)) - 1; i < count && failed.Load() == nil; i = int(next.Add(1)) - 1 {
				if err := useDatabase(d, i, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')"); err != nil {
					err = fmt.Errorf("database %d: %w", i, err)
					failed.Store(&err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	last, mark, tick := int64(0), time.Now(), time.NewTicker(50*time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-done:
			if p := failed.Load(); p != nil {
				return 0, 0, *p
			}
			return files, slowest, nil
		case <-tick.C:
			files = max(files, openFiles(d.PID()))
			n := next.Load()
			if n-last < 1000 {
				continue
			}
			rate := float64(n-last) / time.Since(mark).Seconds()
			if slowest == 0 || rate < slowest {
				slowest = rate
			}
			last, mark = n, time.Now()
			log.Printf("%d databases, %.0f/s, %d MiB, %d files", n, rate, rss(d.PID())>>20, files)
		}
	}
}

// openCold reads the row of n random databases, which are closed but for the
// few that were just used, and returns the times in milliseconds.
func openCold(d *daemon.Daemon, count, n int) (sample, error) {
	times := make(sample, 0, n)
	for range min(n, count) {
		begin := time.Now()
		if err := useDatabase(d, rand.IntN(count), "SELECT v FROM t WHERE id = 1"); err != nil {
			return nil, err
		}
		times = append(times, float64(time.Since(begin).Microseconds())/1000)
	}
	sort.Float64s(times)
	return times, nil
}

// useDatabase runs a text on one database over a connection of its own.
func useDatabase(d *daemon.Daemon, i int, text string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, fmt.Sprintf("postgres://u:p@%s/many%d?sslmode=disable&default_query_exec_mode=simple_protocol", d.Addr["postgres"], i))
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, text)
	if end := c.Close(ctx); err == nil {
		err = end
	}
	return err
}

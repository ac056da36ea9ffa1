package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// databases is how many databases manyDatabases makes.
const databases = 10000

// manyDatabases creates databases, each with a table and a row, over Postgres
// and returns table rows with what they cost.
func manyDatabases(root string) (string, error) {
	d, err := daemon.Start(filepath.Join(root, "many"), []string{"postgres"})
	if err != nil {
		return "", err
	}
	defer func() { _ = d.Stop() }()
	ctx := context.Background()
	start := time.Now()
	files := 0
	for i := range databases {
		c, err := pgx.Connect(ctx, fmt.Sprintf("postgres://u:p@%s/many%d?sslmode=disable&default_query_exec_mode=simple_protocol", d.Addr["postgres"], i))
		if err != nil {
			return "", fmt.Errorf("database %d: %w", i, err)
		}
		_, err = c.Exec(ctx, "CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'x')")
		_ = c.Close(ctx)
		if err != nil {
			return "", fmt.Errorf("database %d: %w", i, err)
		}
		if i%100 == 0 {
			fds, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", d.PID()))
			files = max(files, len(fds))
		}
		if i%1000 == 999 {
			fmt.Fprintf(os.Stderr, "%d databases, %d MiB\n", i+1, rss(d.PID())>>20)
		}
	}
	return fmt.Sprintf("| %d databases created and written to | %.1f s | - |\n| memory (RSS) after that | %d MiB | 500 MiB |\n| open files at most | %d | 4096 |\n",
		databases, time.Since(start).Seconds(), rss(d.PID())>>20, files), nil
}

package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// copyRows is how many rows the bulk loads move.
const copyRows = 1_000_000

// startPostgres starts a PostgreSQL with default settings and returns its loads.
func startPostgres(b *bench) ([]load, func(), error) {
	pgbench, err := tool("pgbench", "postgresql")
	if err != nil {
		return nil, nil, err
	}
	peer, stop, err := postgresServer(b)
	if err != nil {
		return nil, nil, err
	}
	peer.db, b.ours.db = "postgres", "main"
	b.vers = append(b.vers, version(pgbench, "--version"))
	if err := postgresDurable(peer); err != nil {
		stop()
		return nil, nil, err
	}
	for _, s := range []side{b.ours, peer} {
		if _, err := output(pgbench, pgArgs(s, "-i", "-q", "-s", "10")...); err != nil {
			stop()
			return nil, nil, err
		}
	}
	goals := map[string]string{"-S prepared c=16": "1.6", "-S simple c=16": "2.0"}
	var loads []load
	for _, script := range []string{"-S", "-N", "TPC-B"} {
		for _, mode := range []string{"prepared", "simple"} {
			for _, c := range []string{"1", "16"} {
				name := script + " " + mode + " c=" + c
				args := []string{"-n", "-T", strconv.Itoa(*seconds), "-j", "2", "-M", mode, "-c", c}
				if script != "TPC-B" {
					args = append(args, script)
				}
				loads = append(loads, load{name: "pgbench " + name, unit: "tps", goal: goals[name], peer: &peer,
					run: func(s side) (result, error) { return runPgbench(pgbench, pgArgs(s, args...)) }})
			}
		}
	}
	bulk, err := bulkLoads(b, peer)
	if err != nil {
		stop()
		return nil, nil, err
	}
	return append(loads, bulk...), stop, nil
}

// pgArgs are arguments of a PostgreSQL client program.
func pgArgs(s side, args ...string) []string {
	host, port, _ := net.SplitHostPort(s.addr)
	return append(append([]string{"-h", host, "-p", port, "-U", "postgres"}, args...), s.db)
}

// runPgbench runs it and reads its figures; failed transactions are an error.
func runPgbench(program string, args []string) (result, error) {
	out, err := output(program, args...)
	if err != nil {
		return result{}, err
	}
	if n, err := number(out, `number of failed transactions: (\d+)`); err == nil && n > 0 {
		return result{}, fmt.Errorf("pgbench: %.0f transactions failed", n)
	}
	rate, err := number(out, `tps = ([0-9.]+)`)
	if err != nil {
		return result{}, err
	}
	ops, err := number(out, `transactions actually processed: (\d+)`)
	return result{rate, ops}, err
}

// pgConnect connects with the simple protocol.
func pgConnect(s side) (*pgx.Conn, error) {
	return pgx.Connect(context.Background(), fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable&default_query_exec_mode=simple_protocol", s.addr, s.db))
}

// postgresDurable refuses a peer that acknowledges before its log is on disk.
func postgresDurable(s side) error {
	c, err := pgConnect(s)
	if err != nil {
		return err
	}
	defer c.Close(context.Background())
	for _, name := range []string{"fsync", "synchronous_commit", "full_page_writes"} {
		var v string
		if err := c.QueryRow(context.Background(), "SHOW "+name).Scan(&v); err != nil || v != "on" {
			return fmt.Errorf("durability differs: the peer has %s = %s (%v)", name, v, err)
		}
	}
	return nil
}

// bulkLoads are COPY in, COPY out and a scan of a million rows.
func bulkLoads(b *bench, peer side) ([]load, error) {
	file := filepath.Join(b.root, "rows.csv")
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	w := bufio.NewWriter(f)
	for i := range copyRows {
		fmt.Fprintf(w, "%d,%d,name of row %d,%d.%02d\n", i, i*7919%copyRows, i, i%1000, i%100)
	}
	if err := w.Flush(); err != nil {
		return nil, err
	}
	if err := f.Close(); err != nil {
		return nil, err
	}
	const columns = "(id int PRIMARY KEY, k int, name text, amount numeric(10,2))"
	in := func(s side) (result, error) {
		return withConn(s, func(c *pgconn.PgConn) (int64, error) {
			from, err := os.Open(file)
			if err != nil {
				return 0, err
			}
			defer from.Close()
			tag, err := c.CopyFrom(context.Background(), bufio.NewReaderSize(from, 1<<18), "COPY bulk FROM STDIN (FORMAT csv)")
			return tag.RowsAffected(), err
		}, "DROP TABLE IF EXISTS bulk; CREATE TABLE bulk "+columns)
	}
	out := func(s side) (result, error) {
		return withConn(s, func(c *pgconn.PgConn) (int64, error) {
			tag, err := c.CopyTo(context.Background(), discard{}, "COPY bulk TO STDOUT")
			return tag.RowsAffected(), err
		}, "")
	}
	scan := func(s side) (result, error) {
		return withConn(s, func(c *pgconn.PgConn) (n int64, err error) {
			r := c.ExecParams(context.Background(), "SELECT * FROM bulk", nil, nil, nil, nil)
			for r.NextRow() {
				n++
			}
			_, err = r.Close()
			return n, err
		}, "")
	}
	return []load{
		{name: "COPY in, 1M rows", unit: "rows/s", goal: "0.8", run: in, peer: &peer},
		{name: "COPY out, 1M rows", unit: "rows/s", goal: "1.0", run: out, peer: &peer},
		{name: "SELECT, 1M rows to the client", unit: "rows/s", run: scan, peer: &peer},
	}, nil
}

// discard throws bytes away without io.Discard's ReadFrom.
type discard struct{}

// Write implements io.Writer.
func (discard) Write(b []byte) (int, error) { return len(b), nil }

// withConn times work over a new connection after an untimed preparation and
// checks that it moved all rows.
func withConn(s side, work func(c *pgconn.PgConn) (int64, error), before string) (result, error) {
	c, err := pgConnect(s)
	if err != nil {
		return result{}, err
	}
	defer c.Close(context.Background())
	if before != "" {
		if _, err := c.Exec(context.Background(), before); err != nil {
			return result{}, err
		}
	}
	start := time.Now()
	n, err := work(c.PgConn())
	if err == nil && n != copyRows {
		err = fmt.Errorf("%d rows instead of %d", n, copyRows)
	}
	return result{float64(n) / time.Since(start).Seconds(), float64(n)}, err
}

// postgresServer makes and starts a cluster; as root it runs as user postgres.
func postgresServer(b *bench) (s side, stop func(), err error) {
	initdb, err := tool("initdb", "postgresql")
	if err != nil {
		return s, nil, err
	}
	pgctl, err := tool("pg_ctl", "postgresql")
	if err != nil {
		return s, nil, err
	}
	addr, port, err := freeAddr()
	if err != nil {
		return s, nil, err
	}
	dir := filepath.Join(b.root, "pg")
	as := func(args ...string) ([]byte, error) {
		if os.Getuid() == 0 {
			args = append([]string{"runuser", "-u", "postgres", "--"}, args...)
		}
		return exec.Command(args[0], args[1:]...).CombinedOutput()
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return s, nil, err
	}
	if os.Getuid() == 0 {
		if _, err := output("chown", "postgres", dir); err != nil {
			return s, nil, err
		}
	}
	if out, err := as(initdb, "-A", "trust", "-U", "postgres", "-D", dir); err != nil {
		return s, nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	options := fmt.Sprintf("-p %s -k %s -c listen_addresses=127.0.0.1", port, dir)
	if out, err := as(pgctl, "-D", dir, "-w", "-l", filepath.Join(dir, "log"), "-o", options, "start"); err != nil {
		return s, nil, fmt.Errorf("pg_ctl: %w\n%s", err, out)
	}
	pid, err := os.ReadFile(filepath.Join(dir, "postmaster.pid"))
	if err != nil {
		return s, nil, err
	}
	line, _, _ := strings.Cut(string(pid), "\n")
	n, err := strconv.Atoi(line)
	return side{addr: addr, pid: n}, func() { _, _ = as(pgctl, "-D", dir, "-m", "immediate", "stop") }, err
}

package crash

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sys/unix"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// fill writes a file until the disk has no room left.
func fill(t *testing.T, path string) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for size := 1 << 16; size > 0; size /= 2 {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
	if !errors.Is(err, unix.ENOSPC) {
		t.Fatal(err)
	}
}

// TestFullDisk fills the disk under a daemon: writes and new databases are
// refused with the protocol's own error, reads go on, and writes work again
// when there is room, without a restart.
func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		t.Skip("no right to mount a small file system: ", err)
	}
	t.Cleanup(func() { _ = unix.Unmount(dir, unix.MNT_DETACH) })
	d, err := daemon.Start(filepath.Join(dir, "data"), []string{"postgres"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Stop(); err != nil {
			t.Errorf("stop: %v\n%s", err, d.Log())
		}
	}()
	ctx, addr := context.Background(), d.Addr["postgres"]
	c, err := pgOpen(ctx, addr, "main")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE TABLE t (id int PRIMARY KEY, v text)"); err != nil {
		t.Fatal(err)
	}
	kept := 0
	insert := func() error {
		_, err := c.Exec(ctx, fmt.Sprintf("INSERT INTO t VALUES (%d, repeat('x', 20000))", kept))
		if err == nil {
			kept++
		}
		return err
	}
	for range 3 {
		if err := insert(); err != nil {
			t.Fatal(err)
		}
	}
	for cycle := range 3 {
		big := filepath.Join(dir, "big")
		fill(t, big)
		for err = nil; err == nil && kept < 2000; { // room inside the files may be left
			err = insert()
		}
		var pg *pgconn.PgError
		if !errors.As(err, &pg) || pg.Code != "53100" && !strings.HasPrefix(pg.Code, "58") && !strings.HasPrefix(pg.Code, "57") {
			t.Fatalf("cycle %d: a write to a full disk: %v", cycle, err)
		}
		t.Logf("write to a full disk: %s %s", pg.Code, pg.Message)
		if n, err := count(ctx, addr); err != nil || n != kept {
			t.Fatalf("cycle %d: %d of %d rows on a full disk: %v", cycle, n, kept, err)
		}
		if err := pgRun(ctx, addr, fmt.Sprintf("new%d", cycle), "SELECT 1"); err == nil {
			t.Fatalf("cycle %d: a database was made on a full disk", cycle)
		} else if errors.Is(err, io.EOF) {
			t.Fatalf("cycle %d: no answer about a new database: %v", cycle, err)
		}
		if err := os.Remove(big); err != nil {
			t.Fatal(err)
		}
		if err := insert(); err != nil {
			t.Fatalf("cycle %d: a write after there was room again: %v\n%s", cycle, err, d.Log())
		}
		if err := pgRun(ctx, addr, fmt.Sprintf("new%d", cycle), "CREATE TABLE t (id int)"); err != nil {
			t.Fatalf("cycle %d: a new database after there was room again: %v\n%s", cycle, err, d.Log())
		}
		if n, err := count(ctx, addr); err != nil || n != kept {
			t.Fatalf("cycle %d: %d of %d rows afterwards: %v", cycle, n, kept, err)
		}
	}
}

// count counts the rows over a connection of its own.
func count(ctx context.Context, addr string) (n int, err error) {
	c, err := pgOpen(ctx, addr, "main")
	if err != nil {
		return 0, err
	}
	defer c.Close(ctx)
	return n, c.QueryRow(ctx, "SELECT count(*) FROM t").Scan(&n)
}

package hostile

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// bigResult is a result of a gibibyte: more than any buffer between the table
// and the client may hold.
const bigResult = "SELECT a.v FROM big a, big b LIMIT 1000"

// slowMemory is how much one client that does not read may cost.
const slowMemory = 8 << 20

// private returns the memory of a process that is not its program's file.
func private(pid int) (bytes int64, err error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	for line := range strings.Lines(string(text)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "RssAnon:" {
			bytes, err = strconv.ParseInt(f[1], 10, 64)
		}
	}
	return bytes << 10, err
}

// TestClientsThatDoNotRead asks for a gibibyte and reads nothing: the daemon
// keeps a bounded part of it and goes on serving others.
func TestClientsThatDoNotRead(t *testing.T) {
	d, err := daemon.Start(t.TempDir(), []string{"postgres", "mysql"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := d.Stop(); err != nil {
			t.Errorf("stop: %v\n%s", err, d.Log())
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := pgx.Connect(ctx, "postgres://u@"+d.Addr["postgres"]+"/main?sslmode=disable")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(context.Background())
	if _, err := c.Exec(ctx, "CREATE TABLE big (v text)"); err != nil {
		t.Fatal(err)
	}
	for range 32 { // 32 rows of a mebibyte; joined with itself it has 1024
		if _, err := c.Exec(ctx, "INSERT INTO big SELECT repeat('x', 1048576)"); err != nil {
			t.Fatal(err)
		}
	}
	// One run that is read to the end sizes pools and caches.
	if _, err := c.Exec(ctx, "SELECT a.v FROM big a LIMIT 8"); err != nil {
		t.Fatal(err)
	}
	before, err := private(d.PID())
	if err != nil {
		t.Fatal(err)
	}
	const each = 4
	for range each {
		slow, err := net.Dial("tcp", d.Addr["postgres"])
		if err != nil {
			t.Fatal(err)
		}
		defer slow.Close()
		if err := askPostgres(slow); err != nil {
			t.Fatal(err)
		}
		conn, err := net.Dial("tcp", d.Addr["mysql"])
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		my, err := client.ConnectWithDialer(ctx, "tcp", d.Addr["mysql"], "root", "", "main",
			func(context.Context, string, string) (net.Conn, error) { return conn, nil })
		if err != nil {
			t.Fatal(err)
		}
		if err := my.WritePacket(append([]byte{0, 0, 0, 0, 3}, bigResult...)); err != nil { // COM_QUERY
			t.Fatal(err)
		}
	}
	most := int64(0)
	for range 40 { // others are served all the while
		var n int
		if err := c.QueryRow(ctx, "SELECT count(*) FROM big").Scan(&n); err != nil || n != 32 {
			t.Fatalf("another client got %d, %v\n%s", n, err, d.Log())
		}
		now, err := private(d.PID())
		if err != nil {
			t.Fatal(err)
		}
		most = max(most, now-before)
		time.Sleep(50 * time.Millisecond)
	}
	t.Logf("%d clients that do not read cost %d MiB", 2*each, most>>20)
	if most > 2*each*slowMemory {
		t.Fatalf("%d clients that do not read cost %d MiB", 2*each, most>>20)
	}
}

// askPostgres starts a session on a bare connection and sends the query.
func askPostgres(c net.Conn) error {
	f := pgproto3.NewFrontend(c, c)
	f.Send(&pgproto3.StartupMessage{ProtocolVersion: pgproto3.ProtocolVersionNumber, Parameters: map[string]string{"user": "u", "database": "main"}})
	if err := f.Flush(); err != nil {
		return err
	}
	for {
		m, err := f.Receive()
		if err != nil {
			return err
		}
		if _, ok := m.(*pgproto3.ReadyForQuery); ok {
			break
		}
	}
	f.Send(&pgproto3.Query{String: bigResult})
	return f.Flush()
}

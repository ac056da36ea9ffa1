package main

import (
	"encoding/binary"
	"io"
	"net"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// pgMessage frames one message of PostgreSQL's protocol; typ 0 is the start-up
// packet, which has none.
func pgMessage(typ byte, body string) []byte {
	var b []byte
	if typ != 0 {
		b = append(b, typ)
	}
	return append(binary.BigEndian.AppendUint32(b, uint32(len(body)+4)), body...)
}

// heap returns the bytes in use.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// TestSlowReader asks for 300 MB, reads a little and stops: what the daemon
// holds for it stays below 8 MiB however long it waits, and the connection
// still delivers every row.
func TestSlowReader(t *testing.T) {
	f := flags{dataDir: filepath.Join(t.TempDir(), "data"), listen: []string{"postgres=127.0.0.1:0"}}
	lines, stop := run(t, f)
	defer func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	}()
	c, err := net.Dial("tcp", strings.Fields(lines[0])[2])
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.(*net.TCPConn).SetReadBuffer(64 << 10)
	_ = c.SetDeadline(time.Now().Add(2 * time.Minute))
	// What the object costs once open belongs to the base.
	query := pgMessage('Q', "SELECT 1\x00")
	if _, err := c.Write(append(pgMessage(0, "\x00\x03\x00\x00user\x00x\x00\x00"), query...)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 64<<10)
	for ready := 0; ready < 2; {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		ready += strings.Count(string(buf[:n]), "Z\x00\x00\x00\x05I")
	}
	base := heap()
	const rows, size = 300_000, 1000
	if _, err := c.Write(pgMessage('Q', "SELECT repeat('x', 1000) FROM generate_series(1, 300000)\x00")); err != nil {
		t.Fatal(err)
	}
	total := 0
	for total < 4<<20 {
		n, err := c.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		total += n
	}
	for range 50 {
		if used := heap() - base; used > 8<<20 {
			t.Fatalf("%d bytes are held for a client that does not read", used)
		}
		runtime.Gosched()
	}
	rest, err := io.Copy(io.Discard, io.LimitReader(c, int64(rows*(size+11)-total)))
	if err != nil || total+int(rest) != rows*(size+11) {
		t.Errorf("%d bytes came: %v", total+int(rest), err)
	}
}

package postgres

import (
	"bytes"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// BenchmarkFloor is what no server here can beat: pgbench against one that
// answers each batch of a prepared point query with fixed bytes, and does
// nothing else. It reports transactions a second and the processor's time of
// each on the server's side. Compare it with pgbench -f of the same script on
// the daemon. It needs pgbench.
func BenchmarkFloor(b *testing.B) {
	pgbench, err := exec.LookPath("pgbench")
	if err != nil {
		if pgbench = "/usr/lib/postgresql/15/bin/pgbench"; exec.Command(pgbench, "--version").Run() != nil {
			b.Skip("no pgbench")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go floor(c)
		}
	}()
	script := filepath.Join(b.TempDir(), "s.sql")
	if err := os.WriteFile(script, []byte("\\set aid random(1, 1000000)\nSELECT abalance FROM pgbench_accounts WHERE aid = :aid;\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	for b.Loop() {
		before := cpu()
		out, err := exec.Command(pgbench, "-n", "-f", script, "-M", "prepared", "-c", "16", "-j", "2", "-T", "3", "-h", "127.0.0.1", "-p", port, "-U", "x", "x").CombinedOutput()
		if err != nil {
			b.Fatalf("%v\n%s", err, out)
		}
		used := cpu() - before
		n, _ := strconv.ParseFloat(string(regexp.MustCompile(`processed: (\d+)`).FindSubmatch(out)[1]), 64)
		tps, _ := strconv.ParseFloat(string(regexp.MustCompile(`tps = ([\d.]+)`).FindSubmatch(out)[1]), 64)
		b.ReportMetric(tps, "tps")
		b.ReportMetric(float64(used.Microseconds())/n, "cpu-us/op")
	}
}

// cpu is the processor's time this process has used.
func cpu() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// floor answers a connection of BenchmarkFloor.
func floor(c net.Conn) {
	defer c.Close()
	buf := make([]byte, 8192)
	for n := 8; n == 8; { // requests for encryption have eight bytes, the start-up packet more
		var err error
		if n, err = c.Read(buf); err != nil {
			return
		}
		if n == 8 {
			_, _ = c.Write([]byte{'N'})
		}
	}
	w := &wire{}
	w.out = append(w.out, 'R', 0, 0, 0, 8, 0, 0, 0, 0)
	w.ready('I')
	_, _ = c.Write(w.out)
	s := &session{w: &wire{}}
	s.w.empty('2')
	s.describeRows(textColumns("abalance"), nil)
	s.w.out = append(s.w.out, 'D', 0, 0, 0, 11, 0, 1, 0, 0, 0, 1, '0')
	s.w.out = append(s.w.out, "C\x00\x00\x00\x0dSELECT 1\x00"...)
	s.w.ready('I')
	parsed := []byte("1\x00\x00\x00\x04Z\x00\x00\x00\x05I")
	for {
		n, err := c.Read(buf)
		if err != nil || buf[0] == 'X' {
			return
		}
		answer := s.w.out
		if buf[0] == 'P' {
			answer = parsed
		}
		for range bytes.Count(buf[:n], []byte("S\x00\x00\x00\x04")) {
			if _, err := c.Write(answer); err != nil {
				return
			}
		}
	}
}

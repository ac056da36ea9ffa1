package main

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

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

// private returns the memory of a process that is no mapped file, in bytes.
func private(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	n, _ := number(string(text), `RssAnon:\s+(\d+) kB`)
	return int64(n) << 10
}

// stat returns the fields of /proc/PID/stat behind the command's name.
func stat(pid int) []string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

// ticks adds numbered fields of /proc/PID/stat.
func ticks(f []string, fields ...int) (sum float64) {
	for _, i := range fields {
		if i < len(f) {
			n, _ := strconv.ParseFloat(f[i], 64)
			sum += n
		}
	}
	return sum
}

// cpuMicros returns the processor time of a server in microseconds: its own,
// that of ended children, and that of running children (PostgreSQL's backends).
func cpuMicros(pid int) float64 {
	const ppid, utime, stime, cutime, cstime = 1, 11, 12, 13, 14
	sum := ticks(stat(pid), utime, stime, cutime, cstime)
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		n, _ := strconv.Atoi(filepath.Base(d))
		if f := stat(n); len(f) > cstime && f[ppid] == strconv.Itoa(pid) {
			sum += ticks(f, utime, stime)
		}
	}
	return sum * 1e4 // ticks of 10 ms
}

// openFiles counts the file descriptors of a process.
func openFiles(pid int) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	return len(list)
}

// machine describes processors and kernel.
func machine() string {
	var u unix.Utsname
	_ = unix.Uname(&u)
	return fmt.Sprintf("%d processors, Linux %s, %s", runtime.NumCPU(), unix.ByteSliceToString(u.Release[:]), runtime.Version())
}

// syncRate measures how fast the disk syncs a file that grows.
func syncRate(dir string) float64 {
	f, err := os.CreateTemp(dir, "probe")
	if err != nil {
		return 0
	}
	defer os.Remove(f.Name())
	defer f.Close()
	n, start := 0, time.Now()
	for time.Since(start) < time.Second {
		if _, err := f.Write(make([]byte, 4096)); err != nil || unix.Fdatasync(int(f.Fd())) != nil {
			return 0
		}
		n++
	}
	return float64(n) / time.Since(start).Seconds()
}

// tool finds a program, installing its Debian package when it is missing and
// this is root.
func tool(name, pkg string) (string, error) {
	find := func() string {
		if p, err := exec.LookPath(name); err == nil {
			return p
		}
		for _, pattern := range []string{"/usr/lib/postgresql/*/bin/", "/usr/sbin/"} {
			if m, _ := filepath.Glob(pattern + name); len(m) > 0 {
				return m[len(m)-1]
			}
		}
		return ""
	}
	if p := find(); p != "" {
		return p, nil
	}
	if os.Getuid() == 0 {
		log.Printf("installing %s", pkg)
		_ = exec.Command("apt-get", "update").Run()
		if out, err := exec.Command("apt-get", "install", "-y", "--no-install-recommends", pkg).CombinedOutput(); err != nil {
			return "", fmt.Errorf("install %s: %w\n%s", pkg, err, out)
		}
		if p := find(); p != "" {
			return p, nil
		}
	}
	return "", fmt.Errorf("%s is not installed: apt-get install %s", name, pkg)
}

// output runs a command and returns what it printed; a failure is an error.
func output(name string, args ...string) (string, error) {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// number returns the first group of pattern in a text.
func number(text, pattern string) (float64, error) {
	m := regexp.MustCompile(pattern).FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("no figure %s in:\n%s", pattern, text)
	}
	return strconv.ParseFloat(m[1], 64)
}

// version returns the first line that a program prints about itself.
func version(program string, args ...string) string {
	out, _ := exec.Command(program, args...).CombinedOutput()
	line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return line
}

// serve starts a server that stays in the foreground and waits for its port.
func serve(addr string, program string, args ...string) (pid int, stop func(), err error) {
	cmd := exec.Command(program, args...)
	if err := cmd.Start(); err != nil {
		return 0, nil, err
	}
	stop = func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }
	for range 500 {
		if c, err := net.Dial("tcp", addr); err == nil {
			return cmd.Process.Pid, stop, c.Close()
		}
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	return 0, nil, fmt.Errorf("%s did not start", program)
}

// freeAddr returns a free loopback address and its port.
func freeAddr() (addr, port string, err error) {
	n, err := daemon.FreePort()
	if err != nil {
		return "", "", err
	}
	return fmt.Sprintf("127.0.0.1:%d", n), strconv.Itoa(n), nil
}

// timed runs work until the measurement's time is over, on some goroutines;
// work returns how many operations it did.
func timed(clients int, work func(client int) (int, error)) (result, error) {
	return timedFor(time.Duration(*seconds)*time.Second, clients, work)
}

// Package daemon starts the real dotdo-proxy binary for tests that must see it
// as a process: crash tests, tours, benchmarks.
package daemon

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Daemon is one running process.
type Daemon struct {
	Addr map[string]string // system → host:port
	cmd  *exec.Cmd
	done chan error
	mu   sync.Mutex
	log  strings.Builder
}

// Binary returns the program to test: $DOTDO_BIN, else bin/dotdo-proxy of the
// repository (make build).
func Binary() (string, error) {
	if b := os.Getenv("DOTDO_BIN"); b != "" {
		return b, nil
	}
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			bin := filepath.Join(dir, "bin", "dotdo-proxy")
			if _, err := os.Stat(bin); err != nil {
				return "", fmt.Errorf("%w: run make build first", err)
			}
			return bin, nil
		}
	}
	return "", errors.New("not inside the repository")
}

// FreePort returns a loopback port that was free a moment ago.
func FreePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// Start runs the daemon on dir with the named listeners on free ports and waits
// until it is ready.
func Start(dir string, systems []string, extra ...string) (*Daemon, error) {
	bin, err := Binary()
	if err != nil {
		return nil, err
	}
	d := &Daemon{Addr: map[string]string{}, done: make(chan error, 1)}
	args := []string{"serve", "--data-dir", dir}
	for _, s := range systems {
		port, err := FreePort()
		if err != nil {
			return nil, err
		}
		d.Addr[s] = fmt.Sprintf("127.0.0.1:%d", port)
		args = append(args, "--listen", s+"="+d.Addr[s])
	}
	d.cmd = exec.Command(bin, append(args, extra...)...)
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	d.cmd.Stderr = writerFunc(d.note)
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	ready := make(chan struct{})
	go func() {
		sc := bufio.NewScanner(out)
		for sc.Scan() {
			_, _ = d.note([]byte(sc.Text() + "\n"))
			if strings.HasPrefix(sc.Text(), "ready in ") {
				close(ready)
				break
			}
		}
		for sc.Scan() { // keep the pipe empty
		}
		d.done <- d.cmd.Wait()
	}()
	select {
	case <-ready:
		return d, nil
	case err := <-d.done:
		return nil, fmt.Errorf("the daemon ended: %w\n%s", err, d.Log())
	case <-time.After(30 * time.Second):
		d.Kill()
		return nil, fmt.Errorf("the daemon was not ready in 30 s\n%s", d.Log())
	}
}

// writerFunc makes a function an io.Writer.
type writerFunc func([]byte) (int, error)

// Write implements io.Writer.
func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

// note keeps output for error messages.
func (d *Daemon) note(b []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.log.Len() < 1<<16 {
		d.log.Write(b)
	}
	return len(b), nil
}

// Log returns what the daemon printed.
func (d *Daemon) Log() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// PID returns the process number.
func (d *Daemon) PID() int { return d.cmd.Process.Pid }

// Kill ends the daemon as kill -9 does.
func (d *Daemon) Kill() {
	_ = d.cmd.Process.Kill()
	<-d.done
}

// Stop asks the daemon to drain and returns how it ended.
func (d *Daemon) Stop() error {
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-d.done:
		return err
	case <-time.After(20 * time.Second):
		d.Kill()
		return errors.New("the daemon did not end within 20 s of SIGTERM")
	}
}

// Signal9 kills the daemon; before runs just ahead of the kill, so that a
// failure seen after it is known to be the kill's.
func (d *Daemon) Signal9(before func()) error {
	before()
	err := d.cmd.Process.Kill()
	<-d.done
	return err
}

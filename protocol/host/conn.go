package host

import (
	"errors"
	"io"
	"net"
	"os"
	"runtime/debug"
	"syscall"
	"time"
)

// acceptPause is the wait after a failed accept (out of file descriptors).
const acceptPause = 20 * time.Millisecond

// accept takes connections of one system until its listener closes.
func (h *Host) accept(u *unit) {
	defer h.loops.Done()
	for {
		c, err := u.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			u.log.Warn("accept failed", "err", err)
			select {
			case <-h.ctx.Done():
				return
			case <-time.After(acceptPause):
			}
			continue
		}
		if !h.admit(c) {
			u.counters.refused.Add(1)
			u.log.Warn("connection refused: limit reached", "remote", c.RemoteAddr().String(), "limit", cap(h.slots))
			_ = c.Close() // refused, nothing was exchanged
			continue
		}
		go h.serve(u, c)
	}
}

// admit counts a new connection in, unless the limit is reached or the drain
// has begun.
func (h *Host) admit(c net.Conn) bool {
	if h.slots != nil {
		select {
		case h.slots <- struct{}{}:
		default:
			return false
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.draining {
		h.freeSlot()
		return false
	}
	h.open[c] = struct{}{}
	h.conns.Add(1)
	return true
}

// freeSlot gives the place of a connection back.
func (h *Host) freeSlot() {
	if h.slots != nil {
		<-h.slots
	}
}

// serve runs one connection to its end. A panic ends this connection only.
func (h *Host) serve(u *unit, c net.Conn) {
	u.counters.accepted.Add(1)
	u.counters.active.Add(1)
	defer func() {
		if r := recover(); r != nil {
			u.counters.panics.Add(1)
			u.log.Error("panic in connection", "remote", c.RemoteAddr().String(), "panic", r, "stack", string(debug.Stack()))
		}
		_ = c.Close() // often closed already by the client
		h.mu.Lock()
		delete(h.open, c)
		h.mu.Unlock()
		u.counters.active.Add(-1)
		h.freeSlot()
		h.conns.Done()
	}()
	if err := u.server.ServeConn(h.ctx, c); err != nil && !ordinary(err) {
		u.counters.failed.Add(1)
		u.log.Info("connection ended", "remote", c.RemoteAddr().String(), "err", err)
	}
}

// ordinary reports whether err is how connections end every day.
func ordinary(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.Is(err, os.ErrDeadlineExceeded)
}

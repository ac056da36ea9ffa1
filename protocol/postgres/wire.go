package postgres

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// Messages: one type byte, a length that counts itself, the body. Replies
// gather in out and leave when the session is about to block for input, so a
// batch of pipelined messages costs one write.

// flushAt is the size at which a long reply leaves before its end.
const flushAt = 64 << 10

// wire frames messages on one connection. Everything but notify belongs to
// the session's goroutine.
type wire struct {
	c    net.Conn
	br   *bufio.Reader
	out  []byte
	body []byte
	max  int                  // largest message body accepted
	wait func() time.Duration // longest wait for the next message, 0 = any
	held bool                 // a read deadline is set

	draining func() bool // the daemon is going down

	mu     sync.Mutex
	quiet  func() bool // reports whether notifications may be sent now
	idle   bool        // the session waits for input and notify may write
	queued []byte      // encoded notifications that wait for idle
}

// newWire wraps a connection.
func newWire(c net.Conn, max int) *wire {
	w := &wire{c: c, max: max, out: make([]byte, 0, 4096)}
	w.br = bufio.NewReaderSize(blocking{w}, 8192)
	return w
}

// blocking reads from the connection after sending what is due.
type blocking struct{ w *wire }

// Read implements io.Reader.
func (b blocking) Read(p []byte) (int, error) {
	w := b.w
	w.mu.Lock()
	w.idle = w.quiet != nil && w.quiet()
	if w.idle && len(w.queued) > 0 {
		w.out = append(w.out, w.queued...)
		w.queued = w.queued[:0]
	}
	err := w.flush()
	w.mu.Unlock()
	if err != nil {
		return 0, err
	}
	if w.wait != nil {
		if err := w.limit(w.wait()); err != nil {
			return 0, err
		}
	}
	if w.draining != nil && w.draining() { // a deadline set meanwhile must not hide it
		return 0, os.ErrDeadlineExceeded
	}
	n, err := w.c.Read(p)
	w.mu.Lock()
	w.idle = false
	w.mu.Unlock()
	return n, err
}

// limit sets the read deadline.
func (w *wire) limit(d time.Duration) error {
	if d <= 0 && !w.held {
		return nil
	}
	w.held = d > 0
	at := time.Time{}
	if w.held {
		at = time.Now().Add(d)
	}
	return w.c.SetReadDeadline(at)
}

// notify sends an encoded message now if the session is idle, else later. It
// is called from other goroutines.
func (w *wire) notify(m []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.idle {
		w.queued = append(w.queued, m...)
		return
	}
	_, _ = w.c.Write(m) // the session's own read will see a broken connection
}

// flush writes what is buffered.
func (w *wire) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.c.Write(w.out)
	if cap(w.out) > 4*flushAt {
		w.out = make([]byte, 0, flushAt)
	}
	w.out = w.out[:0]
	return err
}

// spill flushes when much is buffered.
func (w *wire) spill() error {
	if len(w.out) < flushAt {
		return nil
	}
	return w.flush()
}

// next reads one message. The body is valid until the next call.
func (w *wire) next() (typ byte, body []byte, err error) {
	h, err := w.br.Peek(5)
	if err != nil {
		if err == io.EOF && len(h) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return 0, nil, err
	}
	typ = h[0]
	n := int(int32(binary.BigEndian.Uint32(h[1:])))
	if n < 4 || n-4 > w.max {
		return typ, nil, protocolError("invalid message length")
	}
	n -= 4
	_, _ = w.br.Discard(5)
	if cap(w.body) > 1<<20 && n < 1<<16 {
		w.body = nil // one huge message must not pin its memory
	}
	w.body, err = readBody(w.br, w.body[:0], n)
	return typ, w.body, err
}

// readBody reads n bytes, growing the buffer as they arrive so that a length
// without its bytes allocates little.
func readBody(r io.Reader, buf []byte, n int) ([]byte, error) {
	const step = 1 << 20
	for len(buf) < n {
		want := min(n-len(buf), step)
		at := len(buf)
		if cap(buf) < at+want {
			grown := make([]byte, at, min(n, max(2*cap(buf), at+want)))
			copy(grown, buf)
			buf = grown
		}
		buf = buf[:at+want]
		if _, err := io.ReadFull(r, buf[at:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return buf, err
		}
	}
	return buf, nil
}

// peek returns the type of the next message, waiting for it.
func (w *wire) peek() byte {
	b, err := w.br.Peek(1)
	if err != nil {
		return 0
	}
	return b[0]
}

// begin starts a message in out and returns where it starts.
func (w *wire) begin(typ byte) int {
	at := len(w.out)
	w.out = append(w.out, typ, 0, 0, 0, 0)
	return at
}

// end fills in the length of the message that begin started.
func (w *wire) end(at int) {
	binary.BigEndian.PutUint32(w.out[at+1:], uint32(len(w.out)-at-1))
}

// empty sends a message without a body.
func (w *wire) empty(typ byte) { w.out = append(w.out, typ, 0, 0, 0, 4) }

// str appends a zero-terminated string.
func (w *wire) str(s string) { w.out = append(append(w.out, s...), 0) }

// i16 appends a 16-bit integer.
func (w *wire) i16(n int) { w.out = binary.BigEndian.AppendUint16(w.out, uint16(n)) }

// i32 appends a 32-bit integer.
func (w *wire) i32(n int) { w.out = binary.BigEndian.AppendUint32(w.out, uint32(n)) }

// parameter sends ParameterStatus.
func (w *wire) parameter(name, value string) {
	at := w.begin('S')
	w.str(name)
	w.str(value)
	w.end(at)
}

// ready sends ReadyForQuery.
func (w *wire) ready(status byte) { w.out = append(w.out, 'Z', 0, 0, 0, 5, status) }

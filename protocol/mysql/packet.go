package mysql

import (
	"bufio"
	"fmt"
	"io"
	"net"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Packet framing: 3 bytes length, 1 byte sequence, payload. A payload of
// 2^24-1 bytes or more continues in further packets until a shorter one.
const (
	maxFrame  = 1<<24 - 1
	readChunk = 64 << 10 // a claimed length is believed this far ahead of its bytes
	flushAt   = 32 << 10 // buffered reply bytes before a write in the middle of rows
	keepBuf   = 1 << 20  // larger buffers are given back after use
)

// wire reads and writes packets of one connection.
type wire struct {
	c   net.Conn
	r   *bufio.Reader
	in  []byte // message at hand, valid until the next read
	out []byte // replies not yet written
	seq byte
}

// newWire wraps a connection.
func newWire(c net.Conn) *wire {
	return &wire{c: c, r: bufio.NewReaderSize(c, 16<<10)}
}

// read returns the next message of at most limit bytes.
func (w *wire) read(limit int) ([]byte, error) {
	if cap(w.in) > keepBuf {
		w.in = nil
	}
	w.in = w.in[:0]
	for {
		var h [4]byte
		if _, err := io.ReadFull(w.r, h[:]); err != nil {
			return nil, err
		}
		n := int(h[0]) | int(h[1])<<8 | int(h[2])<<16
		w.seq = h[3] + 1
		if len(w.in)+n > limit {
			return nil, &op.Error{Code: op.TooLarge, Msg: fmt.Sprintf("message of more than %d bytes", limit)}
		}
		if err := w.fill(n); err != nil {
			return nil, err
		}
		if n < maxFrame {
			return w.in, nil
		}
	}
}

// fill appends n bytes to the message, growing with what really arrives.
func (w *wire) fill(n int) error {
	for n > 0 {
		step := min(n, readChunk)
		at := len(w.in)
		if cap(w.in) < at+step {
			grown := make([]byte, at, max(2*cap(w.in), at+step))
			copy(grown, w.in)
			w.in = grown
		}
		w.in = w.in[:at+step]
		if _, err := io.ReadFull(w.r, w.in[at:]); err != nil {
			return err
		}
		n -= step
	}
	return nil
}

// begin opens a packet in the output buffer and returns its place.
func (w *wire) begin() int {
	w.out = append(w.out, 0, 0, 0, 0)
	return len(w.out)
}

// end closes the packet opened at start.
func (w *wire) end(start int) {
	n := len(w.out) - start
	if n >= maxFrame {
		w.split(start)
		return
	}
	h := w.out[start-4 : start]
	h[0], h[1], h[2], h[3] = byte(n), byte(n>>8), byte(n>>16), w.seq
	w.seq++
}

// split cuts a long payload into frames.
func (w *wire) split(start int) {
	body := append([]byte(nil), w.out[start:]...)
	w.out = w.out[:start-4]
	for {
		n := min(len(body), maxFrame)
		w.out = append(w.out, byte(n), byte(n>>8), byte(n>>16), w.seq)
		w.seq++
		w.out = append(w.out, body[:n]...)
		body = body[n:]
		if n < maxFrame {
			return
		}
	}
}

// flush writes what is buffered.
func (w *wire) flush() error {
	if len(w.out) == 0 {
		return nil
	}
	_, err := w.c.Write(w.out)
	if cap(w.out) > keepBuf {
		w.out = nil
	}
	w.out = w.out[:0]
	return err
}

// relieve writes when much is buffered.
func (w *wire) relieve() error {
	if len(w.out) < flushAt {
		return nil
	}
	return w.flush()
}

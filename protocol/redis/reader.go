package redis

import (
	"bytes"
	"errors"
	"io"
)

// Requests: arrays of bulk strings ("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n") and inline
// lines (GET k). The buffer grows with what has arrived, never to a length that
// was only claimed, and parsing a command goes on where it stopped, so a huge
// command costs linear time.

// Bounds of requests.
const (
	maxArgs       = 1 << 20
	maxBulk       = 512 << 20
	maxInline     = 64 << 10
	maxHeader     = 64 << 10 // a "*n" or "$n" line
	preAuthArgs   = 10
	preAuthBulk   = 16 << 10
	readSize      = 16 << 10
	keepBuffer    = 256 << 10
	maxQuery      = 1 << 30
	minReadRoom   = 4 << 10
	preAuthBuffer = 256 << 10
)

// errProtocol is a violation of the protocol: it is answered, then the
// connection ends.
type errProtocol string

// Error implements error.
func (e errProtocol) Error() string { return "Protocol error: " + string(e) }

// span is a range of the buffer relative to the command's start.
type span struct{ from, to int }

// reader reads commands.
type reader struct {
	src      io.Reader
	buf      []byte
	r, w     int // unread: buf[r:w]
	limited  bool
	preAuth  int // bytes held for a client that is not authenticated
	maxTotal int // bytes of one command

	// The command being parsed starts at r.
	multi int // arguments still to come; -1 = header not seen
	bulk  int // length of the argument at pos; -1 = its header not seen
	pos   int // parsed so far, relative to r
	spans []span
	args  [][]byte
}

// newReader reads from src.
func newReader(src io.Reader, maxTotal int) *reader {
	if maxTotal <= 0 || maxTotal > maxQuery {
		maxTotal = maxQuery
	}
	return &reader{src: src, multi: -1, bulk: -1, preAuth: preAuthBuffer, maxTotal: maxTotal}
}

// buffered reports whether unread bytes are in the buffer.
func (d *reader) buffered() bool { return d.w > d.r }

// fill waits for more bytes. It moves the buffered ones, so commands returned by
// next are invalid afterwards.
func (d *reader) fill() error {
	switch {
	case d.r == d.w:
		d.r, d.w = 0, 0
		if len(d.buf) > keepBuffer {
			d.buf = nil
		}
	case d.r > 0 && len(d.buf)-d.w < minReadRoom:
		d.w = copy(d.buf, d.buf[d.r:d.w])
		d.r = 0
	}
	if len(d.buf)-d.w < minReadRoom {
		size := max(2*len(d.buf), readSize)
		if d.limited && size > d.preAuth {
			return errProtocol("unauthenticated request too large")
		}
		grown := make([]byte, size)
		copy(grown, d.buf[:d.w])
		d.buf = grown
	}
	n, err := d.src.Read(d.buf[d.w:])
	d.w += n
	if n > 0 {
		return nil
	}
	if err == nil {
		err = io.ErrNoProgress
	}
	return err
}

// errMore says that the buffer holds no whole command.
var errMore = errors.New("need more bytes")

// next returns the next command of the buffer, errMore when it is not complete,
// or an errProtocol. The arguments are valid until fill.
func (d *reader) next() ([][]byte, error) {
	for {
		if d.multi < 0 {
			if d.r == d.w {
				return nil, errMore
			}
			if d.buf[d.r] != '*' {
				return d.inline()
			}
			n, err := d.header('*')
			if err != nil {
				return nil, err
			}
			if d.limited && n > preAuthArgs {
				return nil, errProtocol("unauthenticated multibulk length")
			}
			if n > maxArgs {
				return nil, errProtocol("invalid multibulk length")
			}
			if n <= 0 { // an empty command is skipped
				d.r += d.pos
				d.pos = 0
				continue
			}
			d.multi, d.spans = n, d.spans[:0]
		}
		if err := d.bulks(); err != nil {
			return nil, err
		}
		d.args = d.args[:0]
		for _, s := range d.spans {
			d.args = append(d.args, d.buf[d.r+s.from:d.r+s.to:d.r+s.to])
		}
		d.r += d.pos
		d.multi, d.bulk, d.pos = -1, -1, 0
		if cap(d.spans) > 4096 {
			d.spans = nil
		}
		return d.args, nil
	}
}

// bulks parses the arguments that are still to come.
func (d *reader) bulks() error {
	for d.multi > 0 {
		if d.bulk < 0 {
			if d.r+d.pos >= d.w {
				return errMore
			}
			if ch := d.buf[d.r+d.pos]; ch != '$' {
				return errProtocol("expected '$', got '" + printable(ch) + "'")
			}
			n, err := d.header('$')
			if err != nil {
				return err
			}
			if d.limited && n > preAuthBulk {
				return errProtocol("unauthenticated bulk length")
			}
			if n < 0 || n > maxBulk || n > d.maxTotal-d.pos {
				return errProtocol("invalid bulk length")
			}
			d.bulk = n
		}
		if d.w-d.r-d.pos < d.bulk+2 {
			return errMore
		}
		d.spans = append(d.spans, span{d.pos, d.pos + d.bulk})
		d.pos += d.bulk + 2
		d.bulk = -1
		d.multi--
	}
	return nil
}

// printable shows a byte in an error.
func printable(ch byte) string {
	if ch < ' ' || ch > '~' {
		return "?"
	}
	return string(rune(ch))
}

// header parses a "*n\r\n" or "$n\r\n" line at pos and steps over it.
func (d *reader) header(kind byte) (int, error) {
	line := d.buf[d.r+d.pos : d.w]
	end := bytes.IndexByte(line[:min(len(line), maxHeader)], '\r')
	if end < 0 {
		if len(line) >= maxHeader {
			if kind == '*' {
				return 0, errProtocol("too big mbulk count string")
			}
			return 0, errProtocol("too big bulk count string")
		}
		return 0, errMore
	}
	if len(line) < end+2 {
		return 0, errMore
	}
	n, good := atoi(line[1:end])
	if !good {
		if kind == '*' {
			return 0, errProtocol("invalid multibulk length")
		}
		return 0, errProtocol("invalid bulk length")
	}
	d.pos += end + 2
	return n, nil
}

// atoi parses a decimal integer of at most 18 digits.
func atoi(b []byte) (int, bool) {
	neg := len(b) > 0 && b[0] == '-'
	if neg {
		b = b[1:]
	}
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	n := 0
	for _, ch := range b {
		if ch < '0' || ch > '9' {
			return 0, false
		}
		n = n*10 + int(ch-'0')
	}
	if neg {
		n = -n
	}
	return n, true
}

// inline parses a line of words.
func (d *reader) inline() ([][]byte, error) {
	for {
		if d.r == d.w {
			return nil, errMore
		}
		if d.buf[d.r] == '*' {
			return d.next()
		}
		rest := d.buf[d.r:d.w]
		end := bytes.IndexByte(rest[d.pos:], '\n')
		if end < 0 {
			d.pos = len(rest) // do not look at these bytes again
			if len(rest) > maxInline {
				return nil, errProtocol("too big inline request")
			}
			return nil, errMore
		}
		end += d.pos
		d.pos = 0
		if end > maxInline {
			return nil, errProtocol("too big inline request")
		}
		line := rest[:end]
		if end > 0 && line[end-1] == '\r' {
			line = line[:end-1]
		}
		d.r += end + 1
		words, good := split(line)
		if !good {
			return nil, errProtocol("unbalanced quotes in request")
		}
		if len(words) > 0 {
			return words, nil
		}
	}
}

// split cuts a line into words; "…" with \n \r \t \b \a \xHH escapes and '…'
// quote. It is false for unbalanced quotes.
func split(line []byte) ([][]byte, bool) {
	words := [][]byte{}
	for i := 0; ; {
		for i < len(line) && space(line[i]) {
			i++
		}
		if i >= len(line) {
			return words, true
		}
		word := []byte{}
		for i < len(line) && !space(line[i]) {
			q := line[i]
			if q != '"' && q != '\'' {
				word = append(word, q)
				i++
				continue
			}
			i++
			closed := false
			for i < len(line) && !closed {
				switch {
				case line[i] == q:
					closed = true
					i++
				case line[i] == '\\' && i+1 < len(line):
					var n int
					word, n = escape(word, line[i:], q)
					i += n
				default:
					word = append(word, line[i])
					i++
				}
			}
			if !closed || i < len(line) && !space(line[i]) {
				return nil, false
			}
		}
		words = append(words, word)
	}
}

// space reports whether ch separates words.
func space(ch byte) bool {
	return ch == ' ' || ch == '\t' || ch == '\r' || ch == '\n' || ch == 0 || ch == '\v' || ch == '\f'
}

// escape appends what an escape at the start of b (two bytes at least) stands
// for and returns its length.
func escape(word, b []byte, quote byte) ([]byte, int) {
	if quote == '\'' {
		if b[1] == '\'' {
			return append(word, '\''), 2
		}
		return append(word, '\\'), 1
	}
	if b[1] == 'x' && len(b) >= 4 && nibble(b[2]) >= 0 && nibble(b[3]) >= 0 {
		return append(word, byte(nibble(b[2])<<4|nibble(b[3]))), 4
	}
	ch := b[1]
	switch ch {
	case 'n':
		ch = '\n'
	case 'r':
		ch = '\r'
	case 't':
		ch = '\t'
	case 'b':
		ch = '\b'
	case 'a':
		ch = '\a'
	}
	return append(word, ch), 2
}

// nibble is the value of a hexadecimal digit, -1 for another byte.
func nibble(ch byte) int {
	switch {
	case '0' <= ch && ch <= '9':
		return int(ch - '0')
	case 'a' <= ch && ch <= 'f':
		return int(ch-'a') + 10
	case 'A' <= ch && ch <= 'F':
		return int(ch-'A') + 10
	}
	return -1
}

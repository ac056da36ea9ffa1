package redis

import (
	"math"
	"net"
	"strconv"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// flushAt is the size at which replies are sent before the batch ends.
const flushAt = 64 << 10

// writeTimeout is how long a client may not take a message of a subscription.
const writeTimeout = time.Minute

// writer builds replies. The connection's goroutine holds mu except while it
// waits, so pushes of subscriptions come between replies.
type writer struct {
	mu    sync.Mutex
	buf   []byte
	proto int
	dst   net.Conn
	err   error
}

// flush sends what is buffered.
func (w *writer) flush() error {
	if len(w.buf) > 0 && w.err == nil {
		_, w.err = w.dst.Write(w.buf)
	}
	if cap(w.buf) > keepBuffer {
		w.buf = nil
	}
	w.buf = w.buf[:0]
	return w.err
}

// head writes a type byte, a number and the line end.
func (w *writer) head(kind byte, n int) {
	w.buf = append(w.buf, kind)
	w.buf = strconv.AppendInt(w.buf, int64(n), 10)
	w.buf = append(w.buf, '\r', '\n')
}

// status writes a simple string.
func (w *writer) status(s string) {
	w.buf = append(w.buf, '+')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '\r', '\n')
}

// error writes an error line; line ends in it become spaces.
func (w *writer) error(s string) {
	w.buf = append(w.buf, '-')
	for i := range len(s) {
		ch := s[i]
		if ch == '\r' || ch == '\n' {
			ch = ' '
		}
		w.buf = append(w.buf, ch)
	}
	w.buf = append(w.buf, '\r', '\n')
}

// bulk writes a string of bytes.
func (w *writer) bulk(b []byte) {
	w.head('$', len(b))
	w.buf = append(w.buf, b...)
	w.buf = append(w.buf, '\r', '\n')
}

// text writes a string of bytes.
func (w *writer) text(s string) {
	w.head('$', len(s))
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '\r', '\n')
}

// verbatim writes a text for reading: in RESP3 marked as plain text.
func (w *writer) verbatim(s string) {
	if w.proto < 3 {
		w.text(s)
		return
	}
	w.head('=', len(s)+4)
	w.buf = append(w.buf, "txt:"...)
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '\r', '\n')
}

// int writes an integer.
func (w *writer) int(n int64) {
	w.buf = append(w.buf, ':')
	w.buf = strconv.AppendInt(w.buf, n, 10)
	w.buf = append(w.buf, '\r', '\n')
}

// big writes an unsigned number beyond 63 bits as a big number.
func (w *writer) big(n uint64) {
	if n <= math.MaxInt64 {
		w.int(int64(n))
		return
	}
	s := strconv.FormatUint(n, 10)
	if w.proto < 3 {
		w.text(s)
		return
	}
	w.buf = append(w.buf, '(')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '\r', '\n')
}

// array starts an array.
func (w *writer) array(n int) { w.head('*', n) }

// mapping starts a map of n pairs.
func (w *writer) mapping(n int) {
	if w.proto < 3 {
		w.head('*', 2*n)
		return
	}
	w.head('%', n)
}

// set starts a set.
func (w *writer) set(n int) {
	if w.proto < 3 {
		w.head('*', n)
		return
	}
	w.head('~', n)
}

// push starts a message that answers no command.
func (w *writer) push(n int) {
	if w.proto < 3 {
		w.head('*', n)
		return
	}
	w.head('>', n)
}

// null writes the absent value.
func (w *writer) null() {
	if w.proto < 3 {
		w.buf = append(w.buf, "$-1\r\n"...)
		return
	}
	w.buf = append(w.buf, "_\r\n"...)
}

// nullArray writes the absent value where RESP2 has an array.
func (w *writer) nullArray() {
	if w.proto < 3 {
		w.buf = append(w.buf, "*-1\r\n"...)
		return
	}
	w.buf = append(w.buf, "_\r\n"...)
}

// bool writes a boolean.
func (w *writer) bool(b bool) {
	switch {
	case w.proto >= 3 && b:
		w.buf = append(w.buf, "#t\r\n"...)
	case w.proto >= 3:
		w.buf = append(w.buf, "#f\r\n"...)
	case b:
		w.int(1)
	default:
		w.int(0)
	}
}

// double writes a floating point number with the fewest digits that read back.
func (w *writer) double(f float64) {
	var room [32]byte
	b := room[:0]
	switch a := math.Abs(f); {
	case math.IsInf(f, 1):
		b = append(b, "inf"...)
	case math.IsInf(f, -1):
		b = append(b, "-inf"...)
	case math.IsNaN(f):
		b = append(b, "nan"...)
	case a == 0 || a >= 1e-4 && a < 1e17:
		b = strconv.AppendFloat(b, f, 'f', -1, 64)
	default:
		b = strconv.AppendFloat(b, f, 'e', -1, 64)
	}
	if w.proto < 3 {
		w.bulk(b)
		return
	}
	w.buf = append(w.buf, ',')
	w.buf = append(w.buf, b...)
	w.buf = append(w.buf, '\r', '\n')
}

// shape says how a command's reply differs between RESP2 and RESP3.
type shape uint8

// Shapes. A command may have both.
const (
	flatPairs    shape = 1 << iota // RESP2 lists pairs flat
	absentArray                    // null is an array in RESP2
	absentCounts                   // … when a count was given
	absentInside                   // … inside a list
	absentList                     // … as the last of a list, when it stands for one
	mapPairs                       // RESP2 lists a map's pairs as arrays
)

// reply writes the value a command answered; args is the number of its
// arguments.
func (w *writer) reply(v op.Value, s shape, args int) {
	if v.Kind == op.KindNull && (s&absentArray != 0 || s&absentCounts != 0 && args > 1) {
		w.nullArray()
		return
	}
	if v.Kind == op.KindArray && w.proto < 3 && s&flatPairs != 0 {
		list := v.List()
		if len(list) > 0 && list[0].Kind == op.KindArray {
			w.array(2 * len(list))
			for i := range list {
				for _, e := range list[i].List() {
					w.value(e)
				}
			}
			return
		}
	}
	if v.Kind == op.KindMap && w.proto < 3 && s&mapPairs != 0 {
		list := v.List()
		w.array(len(list) / 2)
		for i := 0; i+1 < len(list); i += 2 {
			w.array(2)
			w.value(list[i])
			w.stream(list[i+1])
		}
		return
	}
	if v.Kind == op.KindArray && s&absentList != 0 {
		list := v.List()
		w.array(len(list))
		for i := range list {
			if i == 3 && list[i].IsNull() {
				w.nullArray()
				continue
			}
			w.value(list[i])
		}
		return
	}
	if v.Kind == op.KindArray && s&absentInside != 0 {
		list := v.List()
		w.array(len(list))
		for i := range list {
			w.reply(list[i], absentArray, 0)
		}
		return
	}
	w.value(v)
}

// stream writes the entries of a stream; one that was deleted has no fields.
func (w *writer) stream(v op.Value) {
	list := v.List()
	w.array(len(list))
	for i := range list {
		pair := list[i].List()
		w.array(len(pair))
		for j := range pair {
			w.reply(pair[j], absentArray, 0)
		}
	}
}

// value writes a neutral value.
func (w *writer) value(v op.Value) {
	switch v.Kind {
	case op.KindNull:
		w.null()
	case op.KindBool:
		w.bool(v.Num != 0)
	case op.KindInt32, op.KindInt64, op.KindTime:
		w.int(v.Int())
	case op.KindUint64:
		w.big(v.Num)
	case op.KindFloat64:
		w.double(v.Float())
	case op.KindText:
		w.status(v.Str())
	case op.KindErrorText:
		w.error(classed(0, v.Str()))
	case op.KindArray:
		list := v.List()
		w.array(len(list))
		for i := range list {
			w.value(list[i])
		}
	case op.KindSet:
		list := v.List()
		w.set(len(list))
		for i := range list {
			w.value(list[i])
		}
	case op.KindMap:
		list := v.List()
		w.mapping(len(list) / 2)
		for i := range list {
			w.value(list[i])
		}
	default:
		w.bulk(v.Raw)
	}
}

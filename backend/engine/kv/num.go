package kv

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// parseInt reads a canonical decimal integer: no plus sign, spaces or leading
// zeros.
func parseInt(b []byte) (int64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	d := b
	if d[0] == '-' {
		d = d[1:]
	}
	if len(d) == 0 || d[0] == '0' && len(b) > 1 {
		return 0, false
	}
	var u uint64
	for _, ch := range d {
		if ch < '0' || ch > '9' || u > (math.MaxUint64-9)/10 {
			return 0, false
		}
		u = u*10 + uint64(ch-'0')
	}
	if len(d) < len(b) {
		return -int64(u), u <= 1<<63
	}
	return int64(u), u <= math.MaxInt64
}

// int returns argument i as an integer.
func (c *call) int(i int) (int64, error) {
	n, ok := parseInt(c.args[i])
	if !ok {
		return 0, errInteger
	}
	return n, nil
}

// formatInt writes an integer.
func formatInt(n int64) []byte { return strconv.AppendInt(nil, n, 10) }

// parseFloat reads a double as C does, infinities included, NaN not.
func parseFloat(b []byte) (float64, bool) {
	if len(b) == 0 || bytes.IndexByte(b, '_') >= 0 {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil && !math.IsInf(f, 0) || math.IsNaN(f) {
		return 0, false
	}
	return f, true
}

// formatFloat writes a double with the fewest digits that read back.
func formatFloat(f float64) []byte {
	a := math.Abs(f)
	switch {
	case math.IsInf(f, 1):
		return []byte("inf")
	case math.IsInf(f, -1):
		return []byte("-inf")
	case a == 0 || a >= 1e-4 && a < 1e17:
		return strconv.AppendFloat(nil, f, 'f', -1, 64)
	}
	return strconv.AppendFloat(nil, f, 'e', -1, 64)
}

// longFloat reads a decimal with the precision of an 80-bit float, in which
// INCRBYFLOAT and HINCRBYFLOAT count.
func longFloat(b []byte) (*big.Float, bool) {
	f, ok := parseFloat(b)
	if !ok {
		return nil, false
	}
	if math.IsInf(f, 0) {
		return new(big.Float).SetInf(f < 0), true
	}
	x, _, err := big.ParseFloat(string(b), 0, 64, big.ToNearestEven)
	return x, err == nil
}

// addLong adds two decimals and formats the sum with at most 17 decimals.
func addLong(a, b *big.Float) ([]byte, error) {
	if a.IsInf() || b.IsInf() {
		return nil, errNaN
	}
	sum := new(big.Float).SetPrec(64).Add(a, b)
	s := sum.Text('f', 17)
	s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	if s == "-0" {
		s = "0"
	}
	return []byte(s), nil
}

// is compares an argument with an upper case word, ignoring case.
func is(arg []byte, word string) bool {
	if len(arg) != len(word) {
		return false
	}
	for i, ch := range arg {
		if 'a' <= ch && ch <= 'z' {
			ch -= 'a' - 'A'
		}
		if ch != word[i] {
			return false
		}
	}
	return true
}

// Values that many commands answer.
var (
	ok   = op.Text("OK")
	zero = op.Int64(0)
	one  = op.Int64(1)
)

// flag is 1 or 0.
func flag(b bool) op.Value {
	if b {
		return one
	}
	return zero
}

// span clips a start and an end that may count from the end to 0..n-1; it is
// empty when from > to.
func span(from, to, n int64) (int64, int64) {
	if from < 0 {
		from = max(from+n, 0)
	}
	if to < 0 {
		to += n
	}
	return from, min(to, n-1)
}

// parseUint reads an unsigned decimal integer.
func parseUint(b []byte) (uint64, bool) {
	if len(b) == 0 || len(b) > 20 {
		return 0, false
	}
	for _, ch := range b {
		if ch < '0' || ch > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	return n, err == nil
}

// appendUint appends an unsigned integer.
func appendUint(b []byte, n uint64) []byte { return strconv.AppendUint(b, n, 10) }

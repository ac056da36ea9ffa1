package redis

import (
	"errors"
	"math"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

func TestWriter(t *testing.T) {
	t.Parallel()
	pair := op.Array(op.Bytes([]byte("m")), op.Float64(1.5))
	for _, tc := range []struct {
		v            op.Value
		s            shape
		args         int
		resp2, resp3 string
	}{
		{op.Text("OK"), 0, 0, "+OK\r\n", "+OK\r\n"},
		{op.Bytes([]byte("a\r\nb")), 0, 0, "$4\r\na\r\nb\r\n", "$4\r\na\r\nb\r\n"},
		{op.Int64(-3), 0, 0, ":-3\r\n", ":-3\r\n"},
		{op.Null, 0, 0, "$-1\r\n", "_\r\n"},
		{op.Null, absentArray, 0, "*-1\r\n", "_\r\n"},
		{op.Null, absentCounts, 1, "$-1\r\n", "_\r\n"},
		{op.Null, absentCounts, 2, "*-1\r\n", "_\r\n"},
		{op.Bool(true), 0, 0, ":1\r\n", "#t\r\n"},
		{op.Float64(0.1), 0, 0, "$3\r\n0.1\r\n", ",0.1\r\n"},
		{op.Float64(math.Inf(-1)), 0, 0, "$4\r\n-inf\r\n", ",-inf\r\n"},
		{op.Float64(1e20), 0, 0, "$5\r\n1e+20\r\n", ",1e+20\r\n"},
		{op.Float64(1000000), 0, 0, "$7\r\n1000000\r\n", ",1000000\r\n"},
		{op.Uint64(math.MaxUint64), 0, 0, "$20\r\n18446744073709551615\r\n", "(18446744073709551615\r\n"},
		{op.Map(op.Bytes([]byte("k")), op.Int64(1)), 0, 0, "*2\r\n$1\r\nk\r\n:1\r\n", "%1\r\n$1\r\nk\r\n:1\r\n"},
		{op.Set(op.Int64(1)), 0, 0, "*1\r\n:1\r\n", "~1\r\n:1\r\n"},
		{op.Array(), flatPairs, 0, "*0\r\n", "*0\r\n"},
		{op.Array(pair), flatPairs, 0, "*2\r\n$1\r\nm\r\n$3\r\n1.5\r\n", "*1\r\n*2\r\n$1\r\nm\r\n,1.5\r\n"},
		{op.Array(pair), 0, 0, "*1\r\n*2\r\n$1\r\nm\r\n$3\r\n1.5\r\n", "*1\r\n*2\r\n$1\r\nm\r\n,1.5\r\n"},
		{op.ErrorText("WRONGTYPE no\r\nno"), 0, 0, "-WRONGTYPE no  no\r\n", "-WRONGTYPE no  no\r\n"},
		{op.ErrorText("object is closing"), 0, 0, "-ERR object is closing\r\n", "-ERR object is closing\r\n"},
	} {
		for proto, want := range map[int]string{2: tc.resp2, 3: tc.resp3} {
			w := writer{proto: proto}
			w.reply(tc.v, tc.s, tc.args)
			if string(w.buf) != want {
				t.Errorf("RESP%d: got %q, want %q", proto, w.buf, want)
			}
		}
	}
}

// TestErrors walks the codes: each becomes an error line with a class.
func TestErrors(t *testing.T) {
	t.Parallel()
	for code := op.Internal; code <= op.DuplicateColumn; code++ {
		want := classes[code]
		if want == "" {
			want = "ERR"
		}
		if got := errorText(op.Errorf(code, "it failed")); got != want+" it failed" {
			t.Errorf("code %d: %q", code, got)
		}
		if got := errorText(op.Errorf(code, "BUSY it failed")); got != "BUSY it failed" {
			t.Errorf("code %d: %q", code, got)
		}
	}
	if got := errorText(errors.New("boom")); got != "ERR boom" {
		t.Error(got)
	}
}

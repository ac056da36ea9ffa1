package redis

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// readAll parses a stream to its end.
func readAll(src io.Reader, limited bool) (cmds []string, err error) {
	d := newReader(src, 0)
	d.limited = limited
	for {
		args, err := d.next()
		if err == errMore {
			if err := d.fill(); err != nil {
				return cmds, err
			}
			continue
		}
		if err != nil {
			return cmds, err
		}
		cmds = append(cmds, fmt.Sprintf("%q", args))
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want, err string }{
		{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", `["GET" "k"]`, ""},
		{"*1\r\n$4\r\nPING\r\n*1\r\n$0\r\n\r\n", `["PING"]["" ]`, ""},
		{"PING\r\nget a\n", `["PING"]["get" "a"]`, ""},
		{"\r\n\r\n*0\r\n*-1\r\nPING\r\n", `["PING"]`, ""},
		{`SET "a b\n\x41" 'it\'s'` + "\r\n", `["SET" "a b\nA" "it's"]`, ""},
		{"SET \"a\r\n", "", "unbalanced quotes"},
		{"SET \"a\"b\r\n", "", "unbalanced quotes"},
		{"*x\r\n", "", "invalid multibulk length"},
		{"*1048577\r\n", "", "invalid multibulk length"},
		{"*99999999999999999999\r\n", "", "invalid multibulk length"},
		{"*1\r\nPING\r\n", "", "expected '$', got 'P'"},
		{"*1\r\n$-1\r\n", "", "invalid bulk length"},
		{"*1\r\n$536870913\r\n", "", "invalid bulk length"},
		{"*1\r\n$2147483648\r\n", "", "invalid bulk length"},
		{"*" + strings.Repeat("1", 70000), "", "too big mbulk count string"},
		{"*1\r\n$" + strings.Repeat("1", 70000), "", "too big bulk count string"},
		{strings.Repeat("a", 70000), "", "too big inline request"},
	} {
		for _, src := range []io.Reader{strings.NewReader(tc.in), iotest.OneByteReader(strings.NewReader(tc.in))} {
			got, err := readAll(src, false)
			if s := strings.ReplaceAll(strings.Join(got, ""), " ", ""); s != strings.ReplaceAll(tc.want, " ", "") {
				t.Errorf("%.40q: got %s", tc.in, s)
			}
			var p errProtocol
			if errors.As(err, &p) != (tc.err != "") || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("%.40q: error %v, want %q", tc.in, err, tc.err)
			}
		}
	}
}

func TestReaderBeforeAuth(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ in, want string }{
		{"*11\r\n", "unauthenticated multibulk length"},
		{"*1\r\n$16385\r\n", "unauthenticated bulk length"},
	} {
		if _, err := readAll(strings.NewReader(tc.in), true); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%q: %v", tc.in, err)
		}
	}
}

// TestReaderMemory checks that a claimed length allocates nothing.
func TestReaderMemory(t *testing.T) {
	t.Parallel()
	d := newReader(strings.NewReader("*1000000\r\n$536870912\r\nabc"), 0)
	for {
		if _, err := d.next(); err != errMore {
			t.Fatal(err)
		}
		if d.fill() != nil {
			break
		}
	}
	if len(d.buf) > readSize || cap(d.spans) > 16 {
		t.Errorf("%d bytes and %d spans for 30 bytes of input", len(d.buf), cap(d.spans))
	}
}

// TestReaderHuge reads a command of many arguments in small pieces.
func TestReaderHuge(t *testing.T) {
	t.Parallel()
	const n = 300_000
	in := fmt.Sprintf("*%d\r\n", n) + strings.Repeat("$1\r\nx\r\n", n)
	d := newReader(iotest.HalfReader(strings.NewReader(in)), 0)
	for {
		args, err := d.next()
		if err == errMore {
			if err := d.fill(); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err != nil || len(args) != n || string(args[n-1]) != "x" {
			t.Fatal(len(args), err)
		}
		return
	}
}

// FuzzReader checks that any input parses the same in one piece and in single
// bytes, without panics.
func FuzzReader(f *testing.F) {
	for _, s := range []string{
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n", "PING\r\n", "SET \"a\\x41\" 'b'\r\n", "*3\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$0\r\n\r\n", "*-1\r\n*0\r\n\r\n", "*1\r\n$-5\r\n", "*1\r\n$3\r\nabcd\r\n",
		"*4\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$7\r\nSETNAME\r\n$1\r\nx\r\n*1\r\n$7\r\nCOMMAND\r\n",
	} {
		f.Add([]byte(s), false)
		f.Add([]byte(s), true)
	}
	f.Fuzz(func(t *testing.T, in []byte, limited bool) {
		a, e1 := readAll(bytes.NewReader(in), limited)
		b, e2 := readAll(iotest.OneByteReader(bytes.NewReader(in)), limited)
		if strings.Join(a, "\n") != strings.Join(b, "\n") || e1.Error() != e2.Error() {
			t.Errorf("%q %v\n%q %v", a, e1, b, e2)
		}
	})
}

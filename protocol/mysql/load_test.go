package mysql

import (
	"strings"
	"testing"
)

// TestLoadFormat cuts files as LOAD DATA does; each is also fed byte by byte.
func TestLoadFormat(t *testing.T) {
	t.Parallel()
	csv := loadFormat{field: []byte(","), quote: []byte(`"`), escape: []byte(`\`), line: []byte("\r\n")}
	for _, c := range []struct {
		f    loadFormat
		in   string
		want string
	}{
		{defaultLoad(), "a\tb\n1\t\\N\n", "a|b/1|NULL"},
		{defaultLoad(), "a\\tb\t\\\\\nx", "a\tb|\\/x"},
		{csv, "\"a\"\"b\",\"c,d\"\r\n\"x\r\ny\",2\r\n", "a\"b|c,d/x\r\ny|2"},
		{csv, "a\\\"b,\\N,\"N\"\r\n", "a\"b|NULL|N"},
		{loadFormat{field: []byte(","), line: []byte("\n"), start: []byte(">>")}, "no\n>>1,2\nx>>3,4\n", "1|2/3|4"},
		{csv, "\"open", "open"},
	} {
		if got := cut(&c.f, []byte(c.in), len(c.in)); got != c.want {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
		if got := cut(&c.f, []byte(c.in), 1); got != c.want {
			t.Errorf("%q byte by byte: %q, want %q", c.in, got, c.want)
		}
	}
}

// cut reads a file in pieces of so many bytes.
func cut(f *loadFormat, in []byte, step int) string {
	var rows []string
	var buf []byte
	for at := 0; at <= len(in); at += step {
		stop := min(at+step, len(in))
		buf = append(buf, in[at:stop]...)
		end := at+step > len(in) || stop == len(in) && step == len(in)
		for len(buf) > 0 {
			fields, n, ok := f.row(buf, end)
			if !ok || n == 0 {
				break
			}
			var row []string
			for _, v := range fields {
				text := v.Str()
				if v.IsNull() {
					text = "NULL"
				}
				row = append(row, strings.Clone(text))
			}
			if fields != nil {
				rows = append(rows, strings.Join(row, "|"))
			}
			buf = buf[n:]
		}
		if end {
			break
		}
	}
	return strings.Join(rows, "/")
}

// FuzzLoadFormat checks that a reader of files always moves on and never reads
// beyond its bytes.
func FuzzLoadFormat(f *testing.F) {
	f.Add("a\tb\n", "\t", "", `\`, "\n", true)
	f.Add("\"a\",\"b\"\r\n", ",", `"`, "", "\r\n", false)
	f.Fuzz(func(t *testing.T, in, field, quote, escape, line string, end bool) {
		if field == "" || line == "" || len(quote) > 1 || len(escape) > 1 {
			t.Skip()
		}
		x := loadFormat{field: []byte(field), quote: []byte(quote), escape: []byte(escape), line: []byte(line)}
		for b := []byte(in); len(b) > 0; {
			_, n, ok := x.row(b, end)
			if !ok {
				if end {
					t.Fatal("the last row was not read")
				}
				return
			}
			if n <= 0 || n > len(b) {
				t.Fatalf("row of %d bytes in %d", n, len(b))
			}
			b = b[n:]
		}
	})
}

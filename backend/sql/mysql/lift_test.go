package mysql

import (
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// TestScan pins templates, and texts that have none.
func TestScan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, key string }{
		{"SELECT c FROM sbtest1 WHERE id=45", "SELECT c FROM sbtest1 WHERE id=\x00i"}, {"select 'it''s',  1.50 ;", "select \x00s, \x00n "},
		{"select `a 5`, -3, 2147483648", "select `a 5`, -\x00i, \x00l"}, {"select 'a\\'b'", ""}, {"select \"a\"", ""}, {"select @a, 1", ""}, {"select ?, 1", ""},
		{"select 1 # x", ""}, {"select 1 -- x", ""}, {"select /*! 1 */ 2", ""}, {"select 'a' 'b'", ""}, {"select _utf8mb4 'a'", ""}, {"select x'41'", ""}, {"select 0x41", ""},
		{"select 1e3", ""}, {"select 1abc", ""}, {"select .5", ""}, {"select 5.", ""}, {"select 1; select 2", ""}, {"select 'open", ""}, {"select a := 1", ""}, {"begin", ""},
	} {
		s := &sql.Scan{}
		got := ""
		if Scan(c.text, s) {
			got = string(s.Key)
		}
		if got != c.key {
			t.Errorf("%q: %q, want %q", c.text, got, c.key)
		}
	}
}

// FuzzScan checks that the literals of a scan spell themselves, and that
// writing others in their places gives the same template.
func FuzzScan(f *testing.F) {
	for _, x := range []string{"SELECT a FROM t WHERE b = 5 AND c = 'x''y'", "select -5+1.5", "insert into t values (1, 'a'), (2, null);", "select `1`, '\xff'", "select 1-'2'"} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &sql.Scan{}
		if !Scan(text, s) {
			return
		}
		other, at := "", 0
		for i, sp := range s.Spans {
			end := sp.At + sql.LiteralLen(text[sp.At:])
			if v := s.Values[i]; v.Kind == op.KindText && sp.Kind == sql.LitText != (text[sp.At] == '\'') {
				t.Fatalf("%q: literal %d is %q", text, i, text[sp.At:end])
			}
			other += text[at:sp.At] + map[byte]string{sql.LitInt4: "7", sql.LitInt8: "77777777777", sql.LitDecimal: "7.7", sql.LitText: "'7'"}[sp.Kind]
			at = end
		}
		again := &sql.Scan{}
		if !Scan(other+text[at:], again) || string(again.Key) != string(s.Key) {
			t.Fatalf("%q and %q differ: %q %q", text, other+text[at:], s.Key, again.Key)
		}
	})
}

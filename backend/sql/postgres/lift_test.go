package postgres

import (
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// show writes a scan as text: the template with values in place of literals.
func show(s *sql.Scan) string {
	var b strings.Builder
	n := 0
	for i := 0; i < len(s.Key); i++ {
		if s.Key[i] != 0 {
			b.WriteByte(s.Key[i])
			continue
		}
		i++
		v := s.Values[n]
		n++
		b.WriteString("<" + string(s.Key[i]) + ":")
		if v.Kind == op.KindInt64 {
			b.WriteString(itoa(v.Int()))
		} else {
			b.WriteString(v.Str())
		}
		b.WriteByte('>')
	}
	return b.String()
}

// itoa writes a number that is not negative.
func itoa(n int64) string {
	if n < 10 {
		return string(rune('0' + n))
	}
	return itoa(n/10) + string(rune('0'+n%10))
}

// TestScan pins templates, and texts that have none.
func TestScan(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"SELECT abalance FROM t WHERE aid = 45;", "SELECT abalance FROM t WHERE aid = <i:45>"},
		{"select 'a', 'it''s', ''", "select <s:a>, <s:it's>, <s:>"},
		{"select -5, 1.50 , 2147483648,2147483647", "select -<i:5>, <n:1.50> , <l:2147483648>,<i:2147483647>"},
		{"select a1, $q$ from t", ""}, {"select $1", ""}, {"select 1; select 2", ""}, {"select 1;;  ", "select <i:1> "},
		{"select /* 5 'x' /* n */ */ 1 -- 2", "select <i:1> "}, {"select 1 /* open", ""}, {"select 'open", ""},
		{"select 'a'\n'b'", ""}, {"select 'a' /* c */ 'b'", ""}, {"select E'a'", ""}, {"select N'a'", ""}, {"select U&'a'", ""}, {"select U&\"a\"", ""},
		{"select 1e5", ""}, {"select 1_0", ""}, {"select 0x1", ""}, {"select 1.", ""}, {"select .5", ""}, {"select 1a", ""}, {"select 1..2", ""},
		{"select \"a 5\" + 1", "select \"a 5\" + <i:1>"}, {"select 'a'", "select <s:a>"}, {"begin", ""}, {"select 99999999999999999999", ""},
		{"select date '2024-01-01'", "select date <s:2024-01-01>"}, {"select date'2024-01-01'", ""}, {"select \x01 1", ""},
	} {
		s := &sql.Scan{}
		got := ""
		if Scan(c.text, s) {
			got = show(s)
		}
		if got != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

// FuzzScan compares the lexer with PostgreSQL's own: where it lifts, it must
// have found all constants, at their places.
func FuzzScan(f *testing.F) {
	for _, x := range []string{"SELECT a FROM t WHERE b = 5 AND c = 'x''y'", "select - 5--x\n+1.5", "select a/*5*/-1", "insert into t values (1, 'a'), (2, null);",
		"select '5'::int, \"q\"\"'\" <> 1", "select a@-1, b<-1", "select 1 'a' 'b'", "select \xff 1", "select a$1, 2"} {
		f.Add(x)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s := &sql.Scan{}
		if admit(text) != nil || !Scan(text, s) {
			return
		}
		r, err := pg.Scan(text)
		if err != nil {
			return
		}
		n := 0
		for _, k := range r.Tokens {
			switch k.Token {
			case pg.Token_ICONST, pg.Token_FCONST, pg.Token_SCONST:
				if n >= len(s.Spans) || s.Spans[n].At != int(k.Start) {
					t.Fatalf("%q: constant at %d is not literal %d of %v", text, k.Start, n, s.Spans)
				}
				n++
			case pg.Token_PARAM, pg.Token_USCONST, pg.Token_XCONST, pg.Token_BCONST:
				t.Fatalf("%q has token %v", text, k)
			}
		}
		if n != len(s.Spans) {
			t.Fatalf("%q: %d constants, %d literals", text, n, len(s.Spans))
		}
	})
}

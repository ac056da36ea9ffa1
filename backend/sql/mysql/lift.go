package mysql

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// Scan reads a text once and splits it into template and literals; see
// postgres.Scan. Texts with comments, double quotes, backslashes in strings,
// variables, parameters or prefixed literals are parsed as they are, so the
// sql_mode does not matter to it.
func Scan(text string, out *sql.Scan) bool {
	out.Reset()
	s := scanner{text: text, out: out}
	for s.i < len(text) {
		if !s.token() {
			return false
		}
	}
	return len(out.Spans) > 0
}

// scanner is the state of Scan.
type scanner struct {
	text   string
	i      int
	out    *sql.Scan
	quoted bool // the last token was a string, or a word that may introduce one
	ended  bool // a semicolon came
}

// token copies or lifts the next token, or skips what stands between two.
func (s *scanner) token() bool {
	b := s.text[s.i]
	switch {
	case b == ' ' || b >= '\t' && b <= '\r':
		s.i++
		if k := s.out.Key; len(k) > 0 && k[len(k)-1] != ' ' {
			s.out.Key = append(k, ' ')
		}
		return true
	case b == ';':
		s.ended = true
		s.i++
		return true
	case s.ended || b < ' ' || strings.IndexByte("\"#@?:\\{\x7f", b) >= 0:
		return false
	case b == '-' && s.at(1) == '-', b == '/' && s.at(1) == '*', b == '.' && digit(s.at(1)):
		return false
	case b == '\'':
		return s.str()
	case digit(b):
		return s.number()
	case b == '`':
		return s.name()
	case wordPart(b):
		return s.word()
	}
	s.quoted = false
	s.out.Key = append(s.out.Key, b)
	s.i++
	return true
}

// at returns the byte n places on, 0 behind the end.
func (s *scanner) at(n int) byte {
	if s.i+n < len(s.text) {
		return s.text[s.i+n]
	}
	return 0
}

// name copies a quoted name.
func (s *scanner) name() bool {
	s.quoted = false
	n := strings.IndexByte(s.text[s.i+1:], '`')
	if n < 0 {
		return false
	}
	s.out.Key = append(s.out.Key, s.text[s.i:s.i+n+2]...)
	s.i += n + 2
	return true
}

// word copies a keyword or name.
func (s *scanner) word() bool {
	start := s.i
	for s.i < len(s.text) && wordPart(s.text[s.i]) {
		s.i++
	}
	w := s.text[start:s.i]
	s.quoted = w[0] == '_' // _utf8mb4 'x'
	s.out.Key = append(s.out.Key, w...)
	return s.at(0) != '\''
}

// str lifts a string.
func (s *scanner) str() bool {
	if s.quoted {
		return false
	}
	start, doubled := s.i, false
	for s.i++; ; s.i++ {
		n := strings.IndexByte(s.text[s.i:], '\'')
		if n < 0 {
			return false
		}
		s.i += n
		if s.at(1) != '\'' {
			break
		}
		doubled = true
		s.i++
	}
	v := s.text[start+1 : s.i]
	s.i++
	if strings.IndexByte(v, '\\') >= 0 {
		return false
	}
	if doubled {
		v = strings.ReplaceAll(v, "''", "'")
	}
	s.quoted = true
	return s.out.Add(sql.LitText, start, -1, op.Text(v))
}

// number lifts a whole or decimal number.
func (s *scanner) number() bool {
	start := s.i
	s.quoted = false
	for digit(s.at(0)) {
		s.i++
	}
	kind := sql.LitInt4
	if s.at(0) == '.' && digit(s.at(1)) {
		kind = sql.LitDecimal
		for s.i++; digit(s.at(0)); {
			s.i++
		}
	}
	if b := s.at(0); wordPart(b) || b == '.' || b == '\'' || b == '`' {
		return false
	}
	text := s.text[start:s.i]
	if kind == sql.LitDecimal {
		// other forms are rewritten by the grammar
		return len(text) < 30 && (text[0] != '0' || text[1] == '.') && s.out.Add(kind, start, -1, op.Text(text))
	}
	n, ok := sql.ParseInt(text)
	if !ok {
		return false
	}
	if n > 1<<31-1 {
		kind = sql.LitInt8
	}
	return s.out.Add(kind, start, -1, op.Int64(n))
}

// digit tells a decimal digit.
func digit(b byte) bool { return b >= '0' && b <= '9' }

// wordPart tells a byte that names are made of.
func wordPart(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || digit(b) || b == '_' || b == '$' || b >= 0x80
}

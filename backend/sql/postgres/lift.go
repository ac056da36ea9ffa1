package postgres

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// Scan reads a text once and splits it into template and literals. It is false
// for texts whose literals it cannot tell for certain, and for texts of several
// statements or with parameters: they are parsed as they are. The template has
// the same tokens as the text, so the grammar gives both the same tree but for
// the values of literals.
func Scan(text string, out *sql.Scan) bool {
	out.Reset()
	s := scanner{text: text, out: out, minus: -1}
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
	minus  int  // offset of the operator "-" when it is the last token, else -1
	quoted bool // the last token was a string: another one would continue it
	ended  bool // a semicolon came
}

// token copies or lifts the next token, or skips what stands between two.
func (s *scanner) token() bool {
	b := s.text[s.i]
	switch {
	case b == ' ' || b >= '\t' && b <= '\r':
		s.i++
		s.gap()
		return true
	case b == '-' && s.at(1) == '-':
		if n := strings.IndexAny(s.text[s.i:], "\r\n"); n >= 0 {
			s.i += n
		} else {
			s.i = len(s.text)
		}
		s.gap()
		return true
	case b == '/' && s.at(1) == '*':
		return s.comment()
	case b == ';':
		s.ended = true
		s.i++
		return true
	case s.ended || b < ' ' || b == 0x7f:
		return false
	case b == '\'':
		return s.str()
	case b >= '0' && b <= '9':
		return s.number()
	case b == '.' && digit(s.at(1)), b == '$':
		return false
	}
	s.quoted, s.minus = false, -1
	switch {
	case b == '"':
		return s.name()
	case wordStart(b):
		return s.word()
	}
	if b == '-' && !operator(s.before()) && !operator(s.at(1)) {
		s.minus = s.i
	}
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

// before returns the byte before the present one, 0 at the start.
func (s *scanner) before() byte {
	if s.i == 0 {
		return 0
	}
	return s.text[s.i-1]
}

// gap writes one space for any number of spaces and comments.
func (s *scanner) gap() {
	if k := s.out.Key; len(k) > 0 && k[len(k)-1] != ' ' {
		s.out.Key = append(k, ' ')
	}
}

// comment skips a block comment; they nest.
func (s *scanner) comment() bool {
	l := lexer{s: s.text, i: s.i}
	l.block()
	if !strings.HasSuffix(s.text[s.i:l.i], "*/") {
		return false
	}
	s.i = l.i
	s.gap()
	return true
}

// name copies a quoted name.
func (s *scanner) name() bool {
	n := strings.IndexByte(s.text[s.i+1:], '"')
	if n < 0 {
		return false
	}
	s.out.Key = append(s.out.Key, s.text[s.i:s.i+n+2]...)
	s.i += n + 2
	return true
}

// word copies a keyword or name. One that touches a quote may be a prefix.
func (s *scanner) word() bool {
	start := s.i
	for s.i < len(s.text) && wordPart(s.text[s.i]) {
		s.i++
	}
	if b := s.at(0); b == '\'' || b == '"' || b == '&' && (s.at(1) == '\'' || s.at(1) == '"') {
		return false
	}
	s.out.Key = append(s.out.Key, s.text[start:s.i]...)
	return true
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
	if doubled {
		v = strings.ReplaceAll(v, "''", "'")
	}
	s.quoted, s.minus = true, -1
	return s.out.Add(sql.LitText, start, -1, op.Text(v))
}

// number lifts a whole or decimal number.
func (s *scanner) number() bool {
	start, sign := s.i, s.minus
	s.quoted, s.minus = false, -1
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
	if b := s.at(0); wordPart(b) || b == '.' || b == '\'' || b == '"' {
		return false
	}
	text := s.text[start:s.i]
	if kind == sql.LitDecimal {
		d, ok := plainDecimal(text)
		return ok && s.out.Add(kind, start, sign, op.Text(d))
	}
	n, ok := sql.ParseInt(text)
	if !ok {
		return false
	}
	if n > 1<<31-1 {
		kind = sql.LitInt8
	}
	return s.out.Add(kind, start, sign, op.Int64(n))
}

// digit tells a decimal digit.
func digit(b byte) bool { return b >= '0' && b <= '9' }

// operator tells a byte that belongs to operators.
func operator(b byte) bool { return b != 0 && strings.IndexByte("+-*/<>=~!@#%^&|`?:", b) >= 0 }

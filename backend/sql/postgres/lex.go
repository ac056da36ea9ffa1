package postgres

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// maxDepth bounds the nesting of one statement. The C grammar builds and
// serialises its tree recursively without a check of its own, so a text that
// nests deeper must never reach it.
const maxDepth = 5000

// deepening are the keywords that can add a level to an expression or query
// tree without a bracket.
var deepening = map[string]bool{
	"is": true, "isnull": true, "notnull": true, "not": true, "collate": true, "join": true,
	"union": true, "intersect": true, "except": true, "case": true, "like": true, "ilike": true,
	"similar": true, "between": true, "in": true, "at": true, "operator": true, "select": true,
	"explain": true, "with": true, "prepare": true, "overlaps": true, "table": true, "natural": true,
}

// lexer walks a text's tokens: enough of PostgreSQL's scanner to tell
// literals and comments from the rest.
type lexer struct {
	s string
	i int
}

// tokKind is a token class of lexer.
type tokKind uint8

// Token classes.
const (
	tokEnd tokKind = iota
	tokWord
	tokOther // literal, quoted name, number
	tokParam
	tokOp
	tokPunct // ( ) [ ] , ; .
)

// next returns the next token's class and text.
func (l *lexer) next() (tokKind, string) {
	l.blank()
	if l.i >= len(l.s) {
		return tokEnd, ""
	}
	start := l.i
	switch b := l.s[l.i]; {
	case b == '\'':
		l.quoted('\'', false)
		return tokOther, l.s[start:l.i]
	case b == '"':
		l.quoted('"', false)
		return tokOther, l.s[start:l.i]
	case wordStart(b):
		return l.word(start)
	case b == '$':
		return l.dollar(start)
	case b >= '0' && b <= '9':
		for l.i < len(l.s) && (wordPart(l.s[l.i]) || l.s[l.i] == '.') {
			l.i++
		}
		return tokOther, l.s[start:l.i]
	case strings.IndexByte("()[],;.", b) >= 0:
		l.i++
		return tokPunct, l.s[start:l.i]
	}
	l.i++
	for l.i < len(l.s) && strings.IndexByte("+*<>=~!@#%^&|`?/:", l.s[l.i]) >= 0 && !l.comment() {
		l.i++
	}
	return tokOp, l.s[start:l.i]
}

// word reads a keyword, a name, or a literal with a prefix letter.
func (l *lexer) word(start int) (tokKind, string) {
	for l.i < len(l.s) && wordPart(l.s[l.i]) {
		l.i++
	}
	w := l.s[start:l.i]
	if l.i < len(l.s) && l.s[l.i] == '\'' && len(w) == 1 && strings.Contains("eEbBxXnN", w) {
		l.quoted('\'', w == "e" || w == "E")
		return tokOther, l.s[start:l.i]
	}
	return tokWord, w
}

// dollar reads $n or a dollar-quoted string.
func (l *lexer) dollar(start int) (tokKind, string) {
	l.i++
	for l.i < len(l.s) && l.s[l.i] >= '0' && l.s[l.i] <= '9' {
		l.i++
	}
	if l.i > start+1 {
		return tokParam, l.s[start+1 : l.i]
	}
	for l.i < len(l.s) && wordPart(l.s[l.i]) && l.s[l.i] != '$' {
		l.i++
	}
	if l.i < len(l.s) && l.s[l.i] == '$' {
		l.i++
		tag := l.s[start:l.i]
		if n := strings.Index(l.s[l.i:], tag); n >= 0 {
			l.i += n + len(tag)
		} else {
			l.i = len(l.s)
		}
	}
	return tokOther, l.s[start:l.i]
}

// blank skips white space and comments.
func (l *lexer) blank() {
	for l.i < len(l.s) {
		switch b := l.s[l.i]; {
		case b == ' ' || b >= '\t' && b <= '\r':
			l.i++
		case !l.comment():
			return
		case b == '-':
			if n := strings.IndexAny(l.s[l.i:], "\r\n"); n >= 0 {
				l.i += n
			} else {
				l.i = len(l.s)
			}
		default:
			l.block()
		}
	}
}

// comment reports whether a comment starts here.
func (l *lexer) comment() bool {
	return strings.HasPrefix(l.s[l.i:], "--") || strings.HasPrefix(l.s[l.i:], "/*")
}

// block skips a nested block comment.
func (l *lexer) block() {
	depth := 0
	for l.i < len(l.s) {
		switch {
		case strings.HasPrefix(l.s[l.i:], "/*"):
			depth++
			l.i += 2
		case strings.HasPrefix(l.s[l.i:], "*/"):
			depth--
			l.i += 2
			if depth == 0 {
				return
			}
		default:
			l.i++
		}
	}
}

// quoted skips a quoted token; doubled quotes read as two tokens, which is
// harmless here.
func (l *lexer) quoted(q byte, backslash bool) {
	for l.i++; l.i < len(l.s); l.i++ {
		switch {
		case backslash && l.s[l.i] == '\\':
			l.i++
		case l.s[l.i] == q:
			l.i++
			return
		}
	}
	l.i = min(l.i, len(l.s))
}

// wordStart tells a byte that starts a name.
func wordStart(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b == '_' || b >= 0x80
}

// wordPart tells a byte that continues a name.
func wordPart(b byte) bool { return wordStart(b) || b >= '0' && b <= '9' || b == '$' }

// admit refuses texts that the C grammar cannot take safely: too deep, or with
// a NUL byte, which would cut the text.
func admit(text string) error {
	if strings.IndexByte(text, 0) >= 0 {
		return op.Errorf(op.InvalidArgument, "invalid byte sequence for encoding \"UTF8\": 0x00")
	}
	if len(text) < maxDepth {
		return nil
	}
	l := lexer{s: text}
	levels, sum, here := []int{}, 0, 0
	for {
		k, t := l.next()
		switch k {
		case tokEnd:
			return nil
		case tokOp:
			here += len(t)
		case tokWord:
			w := strings.ToLower(t)
			if deepening[w] {
				here++
			} else if w == "and" || w == "or" {
				here = 0
			}
		case tokPunct:
			switch t {
			case "(", "[":
				sum += here + 1
				levels = append(levels, here)
				here = 0
			case ")", "]":
				if n := len(levels); n > 0 {
					here = levels[n-1]
					levels = levels[:n-1]
					sum -= here + 1
				}
			case ",", ";":
				here = 0
			}
		}
		if sum+here > maxDepth {
			return &op.Error{Code: op.TooLarge, Msg: "stack depth limit exceeded",
				Hint: "The statement is nested too deeply; write it with fewer levels."}
		}
	}
}

// countParams returns the highest $n of a text.
func countParams(text string) int {
	if strings.IndexByte(text, '$') < 0 {
		return 0
	}
	l := lexer{s: text}
	high := 0
	for {
		k, t := l.next()
		if k == tokEnd {
			return high
		}
		if k != tokParam || len(t) > 6 {
			continue
		}
		n := 0
		for _, d := range t {
			n = n*10 + int(d-'0')
		}
		high = max(high, n)
	}
}

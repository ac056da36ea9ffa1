package mysql

import "strings"

// cutStatement splits a text behind its first statement. Semicolons inside
// strings, quoted names and comments do not count.
func cutStatement(t string, noBackslash bool) (head, rest string) {
	for i := 0; i < len(t); {
		switch c := t[i]; {
		case c == ';':
			return t[:i], t[i+1:]
		case c == '\'' || c == '"' || c == '`':
			i = skipQuoted(t, i, noBackslash)
		case c == '#', c == '-' && lineComment(t[i:]):
			i = skipLine(t, i)
		case c == '/' && strings.HasPrefix(t[i:], "/*"):
			i = skipBlock(t, i)
		default:
			i++
		}
	}
	return t, ""
}

// skipQuoted returns the offset behind the quoted text that starts at i.
func skipQuoted(t string, i int, noBackslash bool) int {
	q := t[i]
	for i++; i < len(t); i++ {
		switch {
		case t[i] == '\\' && q != '`' && !noBackslash:
			i++
		case t[i] == q && i+1 < len(t) && t[i+1] == q:
			i++
		case t[i] == q:
			return i + 1
		}
	}
	return len(t)
}

// lineComment reports whether "--" starts a comment: MySQL wants white space
// or the end after it.
func lineComment(t string) bool {
	return strings.HasPrefix(t, "--") && (len(t) == 2 || t[2] <= ' ')
}

// skipLine returns the offset of the end of the line.
func skipLine(t string, i int) int {
	n := strings.IndexByte(t[i:], '\n')
	if n < 0 {
		return len(t)
	}
	return i + n + 1
}

// skipBlock returns the offset behind a block comment.
func skipBlock(t string, i int) int {
	n := strings.Index(t[i+2:], "*/")
	if n < 0 {
		return len(t)
	}
	return i + n + 4
}

// blank reports whether a text holds nothing but space and comments. A
// version comment (/*! … */) is code.
func blank(t string) bool {
	for i := 0; i < len(t); {
		switch c := t[i]; {
		case c <= ' ', c == ';':
			i++
		case c == '#', lineComment(t[i:]):
			i = skipLine(t, i)
		case strings.HasPrefix(t[i:], "/*") && !strings.HasPrefix(t[i:], "/*!"):
			i = skipBlock(t, i)
		default:
			return false
		}
	}
	return true
}

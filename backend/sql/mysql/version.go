package mysql

import "strings"

// versionServed is the version whose /*!nnnnn … */ comments are code.
const versionServed = 80040

// versionComments blanks comments that are code for newer servers, or for
// MariaDB (/*M!, and /*!1nnnnn), only. Everything keeps its place.
func versionComments(text string) string {
	var b []byte
	for i := 0; i < len(text); {
		switch c := text[i]; {
		case c == '\'' || c == '"' || c == '`':
			i = quotedEnd(text, i)
		case strings.HasPrefix(text[i:], "/*M!") || strings.HasPrefix(text[i:], "/*!") && newer(text[i+3:]):
			end := strings.Index(text[i:], "*/")
			if end < 0 {
				return text
			}
			if b == nil {
				b = []byte(text)
			}
			for j := i; j < i+end+2; j++ {
				if b[j] != '\n' {
					b[j] = ' '
				}
			}
			i += end + 2
		default:
			i++
		}
	}
	if b == nil {
		return text
	}
	return string(b)
}

// newer reports whether the digits behind /*! name a later version.
func newer(s string) bool {
	n, digits := 0, 0
	for digits < len(s) && digits < 6 && s[digits] >= '0' && s[digits] <= '9' {
		n = n*10 + int(s[digits]-'0')
		digits++
	}
	return digits >= 5 && n > versionServed
}

// quotedEnd returns the offset behind the quoted text that starts at i.
func quotedEnd(t string, i int) int {
	q := t[i]
	for i++; i < len(t); i++ {
		switch t[i] {
		case '\\':
			if q != '`' {
				i++
			}
		case q:
			return i + 1
		}
	}
	return len(t)
}

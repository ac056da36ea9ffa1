package postgres

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// statement is one statement of a script.
type statement struct {
	line int
	text string
	data *string // lines of COPY … FROM STDIN
}

// Forms of psql scripts that are understood.
var (
	copyIn   = regexp.MustCompile(`(?is)^\s*copy\b.*\bfrom\s+stdin`)
	copyFile = regexp.MustCompile(`(?is)^(\s*copy\b.*\bfrom\s+):'filename'(.*)$`)
	setFile  = regexp.MustCompile(`^\\set filename :abs_srcdir '([^']*)'`)
	setVar   = regexp.MustCompile(`^\\set (\w+) '?([^']*)'?\s*$`)
)

// readStatements splits a psql script. Backslash commands are dropped, except
// those that name a data file.
func readStatements(t testing.TB, file string) []statement {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sc := &script{dir: filepath.Dir(filepath.Dir(file)), lines: strings.Split(string(b), "\n"), vars: map[string]string{}}
	for sc.at < len(sc.lines) {
		sc.line()
	}
	return sc.out
}

// script is a psql script that is being split.
type script struct {
	dir   string
	lines []string
	at    int
	out   []statement
	buf   strings.Builder
	start int
	state string // what an open quote ends with, "" = none
	depth int    // parentheses
	file  string
	vars  map[string]string
}

// line reads one line.
func (s *script) line() {
	l := s.lines[s.at]
	s.at++
	if s.state == "" && strings.HasPrefix(l, `\`) {
		if m := setFile.FindStringSubmatch(l); m != nil {
			s.file = m[1]
		} else if m := setVar.FindStringSubmatch(l); m != nil {
			s.vars[m[1]] = m[2]
		}
		if strings.HasPrefix(l, `\g`) || strings.HasPrefix(l, `\;`) {
			s.finish()
		}
		return
	}
	if s.state == "" && strings.TrimSpace(s.buf.String()) == "" {
		s.start = s.at
	}
	for len(l) > 0 {
		n, end := s.scan(l)
		s.buf.WriteString(l[:n])
		l = l[n:]
		if end {
			l = l[1:]
			s.finish()
			s.start = s.at
		} else if n == 0 {
			break
		}
	}
	s.buf.WriteByte('\n')
}

// scan reads up to the end of the line, the statement or a quote.
func (s *script) scan(l string) (n int, end bool) {
	if s.state != "" {
		if s.state == "''" || s.state == "E'" { // text
			for i := 0; i < len(l); i++ {
				if l[i] == '\\' && s.state == "E'" {
					i++
				} else if l[i] == '\'' {
					s.state = ""
					return i + 1, false
				}
			}
			return len(l), false
		}
		if i := strings.Index(l, s.state); i >= 0 {
			n = i + len(s.state)
			s.state = ""
			return n, false
		}
		return len(l), false
	}
	for i := 0; i < len(l); i++ {
		switch {
		case l[i] == '\'':
			s.state = "''"
			if i > 0 && (l[i-1] == 'E' || l[i-1] == 'e') && (i == 1 || !word(l[i-2])) {
				s.state = "E'"
			}
			return i + 1, false
		case l[i] == '"':
			s.state = `"`
			return i + 1, false
		case strings.HasPrefix(l[i:], "--"):
			s.buf.WriteString(l[:i])
			s.buf.WriteByte('\n')
			return 0, false
		case strings.HasPrefix(l[i:], "/*"):
			s.state = "*/"
			return i + 2, false
		case l[i] == '$':
			if m := dollar.FindString(l[i:]); m != "" && (i == 0 || !word(l[i-1])) {
				s.state = m
				return i + len(m), false
			}
		case l[i] == '(':
			s.depth++
		case l[i] == ')':
			s.depth--
		case l[i] == ';' && s.depth <= 0:
			return i, true
		case strings.HasPrefix(l[i:], `\g`):
			s.buf.WriteString(l[:i])
			s.finish()
			s.start = s.at
			return 0, false
		}
	}
	return len(l), false
}

// dollar is the start of a dollar-quoted text.
var dollar = regexp.MustCompile(`^\$([A-Za-z_][A-Za-z_0-9]*)?\$`)

// word tells whether a byte can be part of a name.
func word(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// finish ends a statement.
func (s *script) finish() {
	text := strings.TrimSpace(s.buf.String())
	s.buf.Reset()
	s.depth = 0
	if text == "" {
		return
	}
	for k, v := range s.vars {
		text = strings.ReplaceAll(text, ":'"+k+"'", "'"+v+"'")
	}
	st := statement{line: s.start, text: text}
	switch {
	case copyFile.MatchString(text):
		b, _ := os.ReadFile(filepath.Join(s.dir, s.file))
		data := string(b)
		m := copyFile.FindStringSubmatch(text)
		st.text, st.data = m[1]+"STDIN"+m[2], &data
	case copyIn.MatchString(text):
		var b strings.Builder
		for s.at < len(s.lines) && s.lines[s.at] != `\.` {
			b.WriteString(s.lines[s.at] + "\n")
			s.at++
		}
		s.at++
		data := b.String()
		st.data = &data
	}
	s.out = append(s.out, st)
}

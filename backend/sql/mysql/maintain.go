package mysql

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// maintenance reads CHECK TABLE and REPAIR TABLE, which the grammar does not
// know: a list of tables, then options. It returns nil for any other text.
func maintenance(text, sqlMode string) *rel.Stmt {
	text = trimStmt(text)
	word, rest := nextWord(text)
	word = strings.ToUpper(word)
	if word != "CHECK" && word != "REPAIR" {
		return nil
	}
	next, rest := nextWord(rest)
	if up := strings.ToUpper(next); word == "REPAIR" && (up == "LOCAL" || up == "NO_WRITE_TO_BINLOG") {
		next, rest = nextWord(rest)
	}
	if up := strings.ToUpper(next); up != "TABLE" && up != "TABLES" {
		return nil
	}
	x := &rel.Session{Word: word}
	for {
		var name string
		if name, rest = nextWord(rest); name == "" || name == "," {
			return nil
		}
		var sep string
		if sep, rest = nextWord(rest); sep == "." {
			if name, rest = nextWord(rest); name == "" {
				return nil
			}
			sep, rest = nextWord(rest)
		}
		x.Args = append(x.Args, name)
		if sep == "," {
			continue
		}
		for ; sep != ""; sep, rest = nextWord(rest) {
			switch strings.ToUpper(sep) {
			case "FOR", "UPGRADE", "QUICK", "FAST", "MEDIUM", "EXTENDED", "CHANGED", "USE_FRM":
			default:
				return nil
			}
		}
		return &rel.Stmt{Dialect: rel.MySQL, Text: text, SQLMode: sqlMode, Kind: rel.KindUtility, Session: x, Returns: true}
	}
}

// nextWord cuts the next name (quoted or not) or separator off a text.
func nextWord(s string) (word, rest string) {
	s = strings.TrimLeft(s, " \t\r\n")
	if s == "" {
		return "", ""
	}
	switch s[0] {
	case ',', '.':
		return s[:1], s[1:]
	case '`':
		var b strings.Builder
		for i := 1; i < len(s); i++ {
			switch {
			case s[i] != '`':
				b.WriteByte(s[i])
			case i+1 < len(s) && s[i+1] == '`':
				b.WriteByte('`')
				i++
			default:
				return b.String(), s[i+1:]
			}
		}
		return "", ""
	}
	i := strings.IndexAny(s, " \t\r\n,.`")
	if i < 0 {
		i = len(s)
	}
	return s[:i], s[i:]
}

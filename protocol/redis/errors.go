package redis

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// classes is the first word of the error for each code, "ERR" when it has none
// here. The key-value engine's own messages carry theirs.
var classes = map[op.Code]string{
	op.CrossShard:      "CROSSSLOT",
	op.Forbidden:       "NOPERM",
	op.ReadOnly:        "READONLY",
	op.TypeMismatch:    "WRONGTYPE",
	op.Unavailable:     "LOADING",
	op.Unauthenticated: "NOAUTH",
}

// errorText is the error line for an error.
func errorText(err error) string {
	e := op.AsError(err)
	return classed(e.Code, e.Msg)
}

// classed puts the class of a code before a message that has none.
func classed(code op.Code, msg string) string {
	word, _, more := strings.Cut(msg, " ")
	if more && len(word) >= 2 && strings.ToUpper(word) == word && strings.IndexFunc(word, notLetter) < 0 {
		return msg
	}
	class := classes[code]
	if class == "" {
		class = "ERR"
	}
	return class + " " + msg
}

// notLetter reports whether r is no upper case letter.
func notLetter(r rune) bool { return r < 'A' || r > 'Z' }

package datum

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// maxDepth bounds the nesting of a JSON text.
const maxDepth = 1000

// CheckJSON reports whether text is one JSON value.
func CheckJSON(text string) error {
	p := &jsonParser{s: text}
	return p.whole()
}

// NormalizeJSONB appends the jsonb normal form of a JSON text: object keys by
// length then bytes, the last of duplicates, ", " and ": " between, numbers as
// numeric, strings with the fewest escapes.
func NormalizeJSONB(dst []byte, text string) ([]byte, error) {
	p := &jsonParser{s: text, norm: true, out: dst}
	if err := p.whole(); err != nil {
		return nil, err
	}
	return p.out, nil
}

// jsonParser checks a JSON text and, when norm is set, writes its normal form.
type jsonParser struct {
	s     string
	at    int
	depth int
	norm  bool
	out   []byte
}

// whole reads exactly one value.
func (p *jsonParser) whole() error {
	if err := p.value(); err != nil {
		return err
	}
	p.space()
	if p.at < len(p.s) {
		return p.fail("Expected end of input, but found ")
	}
	return nil
}

// space skips white space.
func (p *jsonParser) space() {
	for p.at < len(p.s) {
		switch p.s[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// fail builds the error for the token at hand.
func (p *jsonParser) fail(want string) error {
	e := op.Errorf(op.InvalidArgument, "invalid input syntax for type json")
	e.Object = ObjectText
	if p.at >= len(p.s) {
		e.Detail = "The input string ended unexpectedly."
		return e
	}
	n := p.at
	for n < len(p.s) && (isLetter(p.s[n]) || p.s[n] >= '0' && p.s[n] <= '9' || p.s[n] == '_' || p.s[n] >= 0x80) {
		n++
	}
	if n == p.at {
		n++
	}
	token := p.s[p.at:n]
	if want == "" {
		e.Detail = "Token \"" + token + "\" is invalid."
	} else {
		e.Detail = want + "\"" + token + "\"."
	}
	return e
}

// value reads any value.
func (p *jsonParser) value() error {
	p.space()
	if p.at >= len(p.s) {
		return p.fail("")
	}
	switch c := p.s[p.at]; {
	case c == '{' || c == '[':
		if p.depth++; p.depth > maxDepth {
			return op.Errorf(op.TooLarge, "stack depth limit exceeded")
		}
		var err error
		if c == '{' {
			err = p.object()
		} else {
			err = p.array()
		}
		p.depth--
		return err
	case c == '"':
		_, err := p.text()
		return err
	case c == '-' || c >= '0' && c <= '9':
		return p.number()
	}
	for _, w := range [...]string{"true", "false", "null"} {
		if strings.HasPrefix(p.s[p.at:], w) && !p.wordAt(p.at+len(w)) {
			p.at += len(w)
			p.write(w)
			return nil
		}
	}
	return p.fail("")
}

// wordAt reports whether a word goes on at i.
func (p *jsonParser) wordAt(i int) bool {
	return i < len(p.s) && (isLetter(p.s[i]) || p.s[i] >= '0' && p.s[i] <= '9' || p.s[i] == '_' || p.s[i] >= 0x80)
}

// write adds to the normal form.
func (p *jsonParser) write(s string) {
	if p.norm {
		p.out = append(p.out, s...)
	}
}

// number reads a number; its normal form is that of numeric.
func (p *jsonParser) number() error {
	start, i := p.at, p.at
	if p.s[i] == '-' {
		i++
	}
	n := digits(p.s[i:])
	if n == 0 || n > 1 && p.s[i] == '0' {
		return p.fail("")
	}
	i += n
	if i < len(p.s) && p.s[i] == '.' {
		n = digits(p.s[i+1:])
		if n == 0 {
			return p.fail("")
		}
		i += 1 + n
	}
	if i < len(p.s) && (p.s[i] == 'e' || p.s[i] == 'E') {
		i++
		if i < len(p.s) && (p.s[i] == '-' || p.s[i] == '+') {
			i++
		}
		n = digits(p.s[i:])
		if n == 0 {
			return p.fail("")
		}
		i += n
	}
	if p.wordAt(i) {
		return p.fail("")
	}
	p.at = i
	if !p.norm {
		return nil
	}
	d, err := ParseNumeric(p.s[start:i])
	if err != nil {
		return err
	}
	p.write(d)
	return nil
}

// text reads a string and returns what was written for it, if anything.
func (p *jsonParser) text() (string, error) {
	p.at++
	var b []byte
	from := p.at
	for {
		if p.at >= len(p.s) {
			return "", p.fail("")
		}
		c := p.s[p.at]
		switch {
		case c == '"':
			if p.norm {
				b = append(b, p.s[from:p.at]...)
				p.out = appendJSONText(p.out, b)
			}
			p.at++
			return string(b), nil
		case c < 0x20:
			e := op.Errorf(op.InvalidArgument, "invalid input syntax for type json")
			e.Object = ObjectText
			e.Detail = "Character with value 0x" + strconv.FormatInt(int64(c)+0x100, 16)[1:] + " must be escaped."
			return "", e
		case c == '\\':
			b = append(b, p.s[from:p.at]...)
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			if p.norm {
				b = utf8.AppendRune(b, r)
			} else {
				b = b[:0]
			}
			from = p.at
		default:
			p.at++
		}
	}
}

// escape reads a backslash sequence.
func (p *jsonParser) escape() (rune, error) {
	if p.at+1 >= len(p.s) {
		p.at = len(p.s)
		return 0, p.fail("")
	}
	c := p.s[p.at+1]
	if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
		p.at += 2
		return rune("\"\\/\b\f\n\r\t"[i]), nil
	}
	if c != 'u' {
		e := op.Errorf(op.InvalidArgument, "invalid input syntax for type json")
		e.Object = ObjectText
		_, w := utf8.DecodeRuneInString(p.s[p.at+1:])
		e.Detail = "Escape sequence \"\\" + p.s[p.at+1:p.at+1+w] + "\" is invalid."
		return 0, e
	}
	r, ok := p.unit(p.at)
	if !ok {
		return 0, p.badUnicode("\"\\u\" must be followed by four hexadecimal digits.")
	}
	p.at += 6
	if p.norm && utf16.IsSurrogate(r) { // json keeps the text: only jsonb must decode it
		lo, ok := p.unit(p.at)
		r = utf16.DecodeRune(r, lo)
		if !ok || r == utf8.RuneError {
			return 0, p.badUnicode("Unicode low surrogate must follow a high surrogate.")
		}
		p.at += 6
	}
	if r == 0 && p.norm {
		e := op.Errorf(op.InvalidArgument, "unsupported Unicode escape sequence")
		e.Detail = "\\u0000 cannot be converted to text."
		return 0, e
	}
	return r, nil
}

// badUnicode builds the error of a bad \u sequence.
func (p *jsonParser) badUnicode(detail string) error {
	e := op.Errorf(op.InvalidArgument, "invalid input syntax for type json")
	e.Object, e.Detail = ObjectText, detail
	return e
}

// unit reads \uXXXX at i.
func (p *jsonParser) unit(i int) (rune, bool) {
	if i+6 > len(p.s) || p.s[i] != '\\' || p.s[i+1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.s[i+2 : i+6]) {
		d, ok := unhex(c)
		if !ok {
			return 0, false
		}
		r = r<<4 | rune(d)
	}
	return r, true
}

// AppendJSONText writes s as a JSON string the way PostgreSQL escapes it.
func AppendJSONText(dst []byte, s string) []byte { return appendJSONText(dst, []byte(s)) }

// appendJSONText escapes quotes, backslashes and control characters only.
func appendJSONText(dst, s []byte) []byte {
	dst = append(dst, '"')
	for _, c := range s {
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, `\b`...)
		case '\f':
			dst = append(dst, `\f`...)
		case '\n':
			dst = append(dst, `\n`...)
		case '\r':
			dst = append(dst, `\r`...)
		case '\t':
			dst = append(dst, `\t`...)
		default:
			if c < 0x20 {
				dst = append(dst, '\\', 'u', '0', '0', "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
			} else {
				dst = append(dst, c)
			}
		}
	}
	return append(dst, '"')
}

// array reads [ … ].
func (p *jsonParser) array() error {
	p.at++
	p.write("[")
	p.space()
	if p.at < len(p.s) && p.s[p.at] == ']' {
		p.at++
		p.write("]")
		return nil
	}
	for {
		if err := p.value(); err != nil {
			return err
		}
		p.space()
		switch {
		case p.at < len(p.s) && p.s[p.at] == ',':
			p.at++
			p.write(", ")
		case p.at < len(p.s) && p.s[p.at] == ']':
			p.at++
			p.write("]")
			return nil
		default:
			return p.fail("Expected \",\" or \"]\", but found ")
		}
	}
}

// member is one key of an object and its written form.
type member struct {
	key  string
	body []byte
}

// object reads { … }; the normal form is sorted at the end.
func (p *jsonParser) object() error {
	p.at++
	out := p.out
	var members []member
	p.space()
	if p.at < len(p.s) && p.s[p.at] == '}' {
		p.at++
		p.write("{}")
		return nil
	}
	for {
		p.space()
		if p.at >= len(p.s) || p.s[p.at] != '"' {
			return p.fail("Expected string, but found ")
		}
		p.out = nil
		key, err := p.text()
		if err != nil {
			return err
		}
		p.space()
		if p.at >= len(p.s) || p.s[p.at] != ':' {
			return p.fail("Expected \":\", but found ")
		}
		p.at++
		p.write(": ")
		if err := p.value(); err != nil {
			return err
		}
		if p.norm {
			members = append(members, member{key, p.out})
		}
		p.space()
		if p.at < len(p.s) && p.s[p.at] == ',' {
			p.at++
			continue
		}
		if p.at < len(p.s) && p.s[p.at] == '}' {
			p.at++
			p.out = appendMembers(out, members)
			return nil
		}
		p.out = nil
		return p.fail("Expected \",\" or \"}\", but found ")
	}
}

// appendMembers writes the members of an object in jsonb order.
func appendMembers(out []byte, m []member) []byte {
	if m == nil {
		return out
	}
	sort.SliceStable(m, func(i, j int) bool {
		if len(m[i].key) != len(m[j].key) {
			return len(m[i].key) < len(m[j].key)
		}
		return m[i].key < m[j].key
	})
	out = append(out, '{')
	for i, first := 0, true; i < len(m); i++ {
		if i+1 < len(m) && m[i].key == m[i+1].key {
			continue
		}
		if !first {
			out = append(out, ", "...)
		}
		first = false
		out = append(out, m[i].body...)
	}
	return append(out, '}')
}

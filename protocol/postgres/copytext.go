package postgres

import (
	"bytes"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// textSplitter cuts rows of the text format: fields between delimiters, rows
// between newlines (\n, \r or \r\n), backslash escapes, \. as end of data.
type textSplitter struct {
	delim  byte
	null   []byte
	fields [][]byte
	buf    []byte
	ended  bool
}

// done implements splitter.
func (p *textSplitter) done() bool { return p.ended }

// split implements splitter.
func (p *textSplitter) split(b []byte, atEnd bool) ([][]byte, int, error) {
	end, n, ok := lineEnd(b, atEnd)
	if !ok {
		return nil, 0, nil
	}
	line := b[:end]
	if len(line) == 2 && line[0] == '\\' && line[1] == '.' {
		p.ended = true
		return nil, n, nil
	}
	p.fields, p.buf = p.fields[:0], p.buf[:0]
	if cap(p.buf) < len(line) {
		p.buf = make([]byte, 0, len(line)) // fields point into it: it must not move
	}
	for {
		cut := p.fieldEnd(line)
		raw := line
		if cut >= 0 {
			raw = line[:cut]
		}
		p.fields = append(p.fields, p.field(raw))
		if cut < 0 {
			return p.fields, n, nil
		}
		line = line[cut+1:]
	}
}

// lineEnd finds the end of the first line and where the next one starts. A
// newline behind a backslash belongs to the data.
func lineEnd(b []byte, atEnd bool) (end, next int, ok bool) {
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '\n':
			return i, i + 1, true
		case '\r':
			if i+1 < len(b) && b[i+1] == '\n' {
				return i, i + 2, true
			}
			if i+1 < len(b) || atEnd {
				return i, i + 1, true
			}
			return 0, 0, false
		}
	}
	return len(b), len(b), atEnd && len(b) > 0
}

// fieldEnd finds the first delimiter that is not escaped, -1 if there is none.
func (p *textSplitter) fieldEnd(line []byte) int {
	for i := 0; i < len(line); i++ {
		switch line[i] {
		case '\\':
			i++
		case p.delim:
			return i
		}
	}
	return -1
}

// field resolves the escapes of one field.
func (p *textSplitter) field(raw []byte) []byte {
	if bytes.Equal(raw, p.null) {
		return nil
	}
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw
	}
	start := len(p.buf)
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' || i+1 >= len(raw) {
			p.buf = append(p.buf, c)
			continue
		}
		i++
		c, i = unescape(raw, i)
		p.buf = append(p.buf, c)
	}
	return p.buf[start:len(p.buf):len(p.buf)]
}

// unescape resolves the escape whose letter is at i and returns the byte and
// the last position it took.
func unescape(raw []byte, i int) (byte, int) {
	switch c := raw[i]; c {
	case 'b':
		return '\b', i
	case 'f':
		return '\f', i
	case 'n':
		return '\n', i
	case 'r':
		return '\r', i
	case 't':
		return '\t', i
	case 'v':
		return '\v', i
	case '0', '1', '2', '3', '4', '5', '6', '7':
		v := c - '0'
		for k := 0; k < 2 && i+1 < len(raw) && raw[i+1] >= '0' && raw[i+1] <= '7'; k++ {
			i++
			v = v<<3 | raw[i] - '0'
		}
		return v, i
	case 'x':
		v, k := byte(0), 0
		for ; k < 2 && i+1 < len(raw); k++ {
			d, ok := hexDigit(raw[i+1])
			if !ok {
				break
			}
			i++
			v = v<<4 | d
		}
		if k == 0 {
			return 'x', i
		}
		return v, i
	default:
		return c, i
	}
}

// hexDigit returns the value of a hex digit.
func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

// appendCopyText writes a field of the text format.
func appendCopyText(dst, text []byte, delim byte) []byte {
	from := 0
	for i, c := range text {
		e := copyEscapes[c]
		if e == 0 {
			if c != delim {
				continue
			}
			e = c
		}
		dst = append(append(dst, text[from:i]...), '\\', e)
		from = i + 1
	}
	return append(dst, text[from:]...)
}

// copyEscapes are the letters that stand for bytes behind a backslash.
var copyEscapes = [256]byte{'\b': 'b', '\f': 'f', '\n': 'n', '\r': 'r', '\t': 't', '\v': 'v', '\\': '\\'}

// csvSplitter cuts rows of the csv format.
type csvSplitter struct {
	delim, quote, escape byte
	null                 []byte
	notNull, forceNull   []bool // by column
	fields               [][]byte
	buf                  []byte
	ended                bool
}

// done implements splitter.
func (p *csvSplitter) done() bool { return p.ended }

// split implements splitter.
func (p *csvSplitter) split(b []byte, atEnd bool) ([][]byte, int, error) {
	end, n, err := p.lineEnd(b, atEnd)
	if err != nil || n == 0 {
		return nil, 0, err
	}
	line := b[:end]
	if len(line) == 2 && line[0] == '\\' && line[1] == '.' {
		p.ended = true
		return nil, n, nil
	}
	p.fields, p.buf = p.fields[:0], p.buf[:0]
	if cap(p.buf) < len(line) {
		p.buf = make([]byte, 0, len(line)) // fields point into it: it must not move
	}
	for {
		rest, more := p.field(line)
		if !more {
			return p.fields, n, nil
		}
		line = rest
	}
}

// lineEnd finds the end of the first line outside quotes.
func (p *csvSplitter) lineEnd(b []byte, atEnd bool) (end, next int, err error) {
	quoted := false
	for i := 0; i < len(b); i++ {
		c := b[i]
		switch {
		case quoted && c == p.escape && p.escape != p.quote && i+1 < len(b) && (b[i+1] == p.quote || b[i+1] == p.escape):
			i++
		case c == p.quote:
			quoted = !quoted
		case quoted:
		case c == '\n':
			return i, i + 1, nil
		case c == '\r':
			if i+1 < len(b) && b[i+1] == '\n' {
				return i, i + 2, nil
			}
			if i+1 < len(b) || atEnd {
				return i, i + 1, nil
			}
			return 0, 0, nil
		}
	}
	if !atEnd || len(b) == 0 {
		return 0, 0, nil
	}
	if quoted {
		return 0, 0, errCopyData("unterminated CSV quoted field", "")
	}
	return len(b), len(b), nil
}

// field takes one field off the line; more reports that a delimiter followed.
func (p *csvSplitter) field(line []byte) (rest []byte, more bool) {
	start, quoted, anyQuote := len(p.buf), false, false
	i := 0
	for ; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == p.escape && i+1 < len(line) && (line[i+1] == p.quote || line[i+1] == p.escape && p.escape != p.quote):
			i++
			p.buf = append(p.buf, line[i])
			continue
		case c == p.quote:
			quoted, anyQuote = !quoted, true
			continue
		case c == p.delim && !quoted:
			p.add(p.buf[start:len(p.buf):len(p.buf)], anyQuote)
			return line[i+1:], true
		}
		p.buf = append(p.buf, c)
	}
	p.add(p.buf[start:len(p.buf):len(p.buf)], anyQuote)
	return nil, false
}

// add decides whether a field is NULL and keeps it.
func (p *csvSplitter) add(f []byte, quoted bool) {
	i := len(p.fields)
	at := func(l []bool) bool { return i < len(l) && l[i] }
	if bytes.Equal(f, p.null) && (!quoted && !at(p.notNull) || quoted && at(p.forceNull)) {
		p.fields = append(p.fields, nil)
		return
	}
	if f == nil {
		f = []byte{}
	}
	p.fields = append(p.fields, f)
}

// appendCSV writes a field of the csv format.
func appendCSV(dst, text []byte, o *copyOptions, force, single bool) []byte {
	need := force || string(text) == o.null || single && string(text) == `\.`
	for _, c := range text {
		if need {
			break
		}
		need = c == o.delim || c == o.quote || c == '\n' || c == '\r'
	}
	if !need {
		return append(dst, text...)
	}
	dst = append(dst, o.quote)
	for _, c := range text {
		if c == o.quote || c == o.escape {
			dst = append(dst, o.escape)
		}
		dst = append(dst, c)
	}
	return append(dst, o.quote)
}

// copyColumn is how COPY TO writes one column.
type copyColumn struct {
	col   column
	name  string
	force bool
}

// copyColumnsOf prepares the columns of COPY TO.
func copyColumnsOf(cols []op.Column, o *copyOptions) []copyColumn {
	out := make([]copyColumn, len(cols))
	for i, c := range cols {
		out[i] = copyColumn{column{c.Type, o.format == "binary"}, c.Name, has(o.forceQuote, c.Name)}
	}
	return out
}

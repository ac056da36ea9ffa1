package datum

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// maxDims is the number of dimensions an array may have.
const maxDims = 6

// errArray says that text is no array literal.
func errArray(text, detail string) *op.Error {
	e := op.Errorf(op.InvalidArgument, "malformed array literal: \"%s\"", text)
	e.Object, e.Detail = ObjectText, detail
	return e
}

// arrayParser reads an array literal into the JSON storage form.
type arrayParser struct {
	t    op.Type // element type
	s    string
	text string
	at   int
	out  []byte
	dims [maxDims]int // length of each dimension, -1 = not known yet
	o    *Options
	leaf int // depth of the elements, 0 = not known yet
}

// parseArray reads {a,b,{…}}.
func parseArray(t op.Type, text string, o *Options) (op.Value, error) {
	s := trim(text)
	if strings.HasPrefix(s, "[") {
		i := strings.IndexByte(s, '=')
		if i < 0 {
			return op.Null, errArray(text, "Missing \"=\" after array dimensions.")
		}
		for _, d := range strings.Split(strings.Trim(s[:i], "[] "), "][") {
			if !strings.HasPrefix(d, "1:") {
				return op.Null, op.Errorf(op.Unsupported, "array lower bounds other than 1 are not supported")
			}
		}
		s = trim(s[i+1:])
	}
	t.Array = false
	p := &arrayParser{t: t, s: s, text: text, o: o}
	for i := range p.dims {
		p.dims[i] = -1
	}
	if s == "" || s[0] != '{' {
		return op.Null, errArray(text, "Array value must start with \"{\" or dimension information.")
	}
	if err := p.level(1); err != nil {
		return op.Null, err
	}
	if trim(p.s[p.at:]) != "" {
		return op.Null, errArray(text, "Junk after closing right brace.")
	}
	if p.leaf == 0 {
		return op.Text("[]"), nil
	}
	return op.Value{Kind: op.KindText, Raw: p.out}, nil
}

// level reads one brace level.
func (p *arrayParser) level(depth int) error {
	if depth > maxDims {
		return op.Errorf(op.TooLarge, "number of array dimensions (%d) exceeds the maximum allowed (%d)", depth, maxDims)
	}
	p.at++
	p.out = append(p.out, '[')
	n := 0
	for {
		p.space()
		if p.at >= len(p.s) {
			return errArray(p.text, "Unexpected end of input.")
		}
		c := p.s[p.at]
		switch {
		case c == '}' && n == 0:
			p.at++
			if depth > 1 {
				return errArray(p.text, "Unexpected \"}\" character.")
			}
			p.out = append(p.out, ']')
			return nil
		case c == '{':
			if p.leaf != 0 && p.leaf <= depth {
				return p.uneven()
			}
			if err := p.level(depth + 1); err != nil {
				return err
			}
		default:
			if p.leaf != 0 && p.leaf != depth {
				return p.uneven()
			}
			p.leaf = depth
			if err := p.element(); err != nil {
				return err
			}
		}
		n++
		p.space()
		if p.at >= len(p.s) {
			return errArray(p.text, "Unexpected end of input.")
		}
		c = p.s[p.at]
		p.at++
		if c == ',' {
			p.out = append(p.out, ',')
			continue
		}
		if c != '}' {
			return errArray(p.text, "Unexpected array element.")
		}
		p.out = append(p.out, ']')
		if d := &p.dims[depth-1]; *d < 0 {
			*d = n
		} else if *d != n {
			return p.uneven()
		}
		return nil
	}
}

// uneven says that sub-arrays differ in length.
func (p *arrayParser) uneven() error {
	return errArray(p.text, "Multidimensional arrays must have sub-arrays with matching dimensions.")
}

// space skips white space.
func (p *arrayParser) space() {
	for p.at < len(p.s) && strings.IndexByte(" \t\n\r\v\f", p.s[p.at]) >= 0 {
		p.at++
	}
}

// element reads one quoted or plain element.
func (p *arrayParser) element() error {
	var b []byte
	quoted := false
	if p.s[p.at] == '"' {
		quoted = true
		p.at++
		for ; ; p.at++ {
			if p.at >= len(p.s) {
				return errArray(p.text, "Unexpected end of input.")
			}
			c := p.s[p.at]
			if c == '"' {
				p.at++
				break
			}
			if c == '\\' {
				if p.at++; p.at >= len(p.s) {
					return errArray(p.text, "Unexpected end of input.")
				}
				c = p.s[p.at]
			}
			b = append(b, c)
		}
	} else {
		keep := 0 // length up to the last character that trailing trim must keep
		for ; p.at < len(p.s); p.at++ {
			c := p.s[p.at]
			if c == ',' || c == '}' {
				break
			}
			if c == '{' || c == '"' {
				return errArray(p.text, "Unexpected \""+string(rune(c))+"\" character.")
			}
			if c == '\\' {
				if p.at++; p.at >= len(p.s) {
					return errArray(p.text, "Unexpected end of input.")
				}
				b = append(b, p.s[p.at])
				keep = len(b)
				continue
			}
			b = append(b, c)
			if strings.IndexByte(" \t\n\r\v\f", c) < 0 {
				keep = len(b)
			}
		}
		b = b[:keep]
		if len(b) == 0 {
			return errArray(p.text, "Unexpected \""+p.s[p.at:min(p.at+1, len(p.s))]+"\" character.")
		}
	}
	if !quoted && strings.EqualFold(string(b), "null") {
		p.out = append(p.out, "null"...)
		return nil
	}
	v, err := parseScalar(p.t, string(b), p.o)
	if err != nil {
		return err
	}
	p.out = AppendElement(p.out, v)
	return nil
}

// AppendElement writes a storage form as an element of a stored array: numbers
// as they are, infinite floats and everything else as strings, bytea as a
// string in hex form.
func AppendElement(dst []byte, v op.Value) []byte {
	switch v.Kind {
	case op.KindNull:
		return append(dst, "null"...)
	case op.KindInt64, op.KindInt32, op.KindTime, op.KindBool:
		return strconv.AppendInt(dst, v.Int(), 10)
	case op.KindUint64:
		return strconv.AppendUint(dst, v.Num, 10)
	case op.KindFloat64:
		f := v.Float()
		if math.IsInf(f, 0) || math.IsNaN(f) {
			return append(append(append(dst, '"'), AppendFloat(nil, f, false)...), '"')
		}
		n := len(dst)
		dst = strconv.AppendFloat(dst, f, 'g', -1, 64)
		if !strings.ContainsAny(string(dst[n:]), ".e") {
			dst = append(dst, '.', '0') // keeps floats apart from integers
		}
		return dst
	case op.KindBytes:
		return appendJSONText(dst, appendBytea(nil, v))
	}
	return appendJSONText(dst, v.Raw)
}

// Elements returns the elements of a stored array, flattened in row-major
// order, and its dimensions (none for an empty array). Elements are storage
// forms of t without Array.
func Elements(t op.Type, stored string) (elems []op.Value, dims []int, err error) {
	d := json.NewDecoder(strings.NewReader(stored))
	d.UseNumber()
	var top any
	if err := d.Decode(&top); err != nil {
		return nil, nil, errArray(stored, "")
	}
	list, ok := top.([]any)
	if !ok {
		return nil, nil, errArray(stored, "")
	}
	for l := list; len(l) > 0; {
		dims = append(dims, len(l))
		if l, ok = l[0].([]any); !ok {
			break
		}
	}
	elems, err = flatten(nil, t, list)
	return elems, dims, err
}

// flatten appends the leaves of a decoded array.
func flatten(dst []op.Value, t op.Type, list []any) ([]op.Value, error) {
	for _, x := range list {
		switch x := x.(type) {
		case nil:
			dst = append(dst, op.Null)
		case bool:
			v := int64(0)
			if x {
				v = 1
			}
			dst = append(dst, op.Int64(v))
		case json.Number:
			dst = append(dst, numberValue(t, string(x)))
		case string:
			dst = append(dst, textElement(t, x))
		case []any:
			var err error
			if dst, err = flatten(dst, t, x); err != nil {
				return nil, err
			}
		default:
			b, err := json.Marshal(x)
			if err != nil {
				return nil, errArray("", "")
			}
			dst = append(dst, op.Bytes(b))
			dst[len(dst)-1].Kind = op.KindText
		}
	}
	return dst, nil
}

// numberValue turns a JSON number into the storage form of t.
func numberValue(t op.Type, s string) op.Value {
	if t.Base == op.TNumeric || t.Base == op.TString || t.Base == op.TVarchar {
		return op.Text(s)
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return op.Int64(i)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return op.Text(s)
	}
	return op.Float64(f)
}

// textElement turns a JSON string into the storage form of t.
func textElement(t op.Type, s string) op.Value {
	switch t.Base {
	case op.TBytea:
		if v, err := parseBytea(s); err == nil {
			return v
		}
	case op.TFloat4, op.TFloat8:
		switch s {
		case "Infinity":
			return op.Float64(math.Inf(1))
		case "-Infinity":
			return op.Float64(math.Inf(-1))
		}
	}
	return op.Text(s)
}

// appendArray writes a stored array as a literal.
func appendArray(dst []byte, t op.Type, v op.Value, o *Options) []byte {
	elems, dims, err := Elements(t, v.Str())
	if err != nil || v.Kind != op.KindText {
		return append(dst, v.Raw...)
	}
	if len(elems) == 0 {
		return append(dst, "{}"...)
	}
	t.Array = false
	dst, _ = appendLevel(dst, t, elems, dims, o)
	return dst
}

// appendLevel writes one brace level and returns the elements left.
func appendLevel(dst []byte, t op.Type, elems []op.Value, dims []int, o *Options) ([]byte, []op.Value) {
	dst = append(dst, '{')
	for i := 0; i < dims[0] && len(elems) > 0; i++ {
		if i > 0 {
			dst = append(dst, ',')
		}
		if len(dims) > 1 {
			dst, elems = appendLevel(dst, t, elems, dims[1:], o)
			continue
		}
		if elems[0].IsNull() {
			dst = append(dst, "NULL"...)
		} else {
			n := len(dst)
			dst = appendValue(dst, t, elems[0], o)
			dst = quoteElement(dst, n)
		}
		elems = elems[1:]
	}
	return append(dst, '}'), elems
}

// quoteElement quotes dst[n:] when a reader would take it for something else.
func quoteElement(dst []byte, n int) []byte {
	text := dst[n:]
	need := len(text) == 0 || strings.EqualFold(string(text), "null")
	for _, c := range text {
		if strings.IndexByte("\"\\{}, \t\n\r\v\f", c) >= 0 {
			need = true
			break
		}
	}
	if !need {
		return dst
	}
	copied := string(text)
	dst = append(dst[:n], '"')
	for i := 0; i < len(copied); i++ {
		if copied[i] == '"' || copied[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, copied[i])
	}
	return append(dst, '"')
}

// appendRecord writes a stored record as (a,b).
func appendRecord(dst []byte, v op.Value) []byte {
	elems, _, err := Elements(op.Type{Base: op.TUnknown}, v.Str())
	if err != nil {
		return append(dst, v.Raw...)
	}
	dst = append(dst, '(')
	for i, e := range elems {
		if i > 0 {
			dst = append(dst, ',')
		}
		if e.IsNull() {
			continue
		}
		n := len(dst)
		dst = appendPlain(dst, op.Type{}, e)
		text := string(dst[n:])
		if text == "" || strings.ContainsAny(text, "\"\\(), \t\n\r\v\f") {
			dst = append(dst[:n], '"')
			dst = append(dst, strings.NewReplacer(`"`, `""`, `\`, `\\`).Replace(text)...)
			dst = append(dst, '"')
		}
	}
	return append(dst, ')')
}

// parseVector reads the space separated form of int2vector and oidvector.
func parseVector(t op.Type, text string) (op.Value, error) {
	elem := op.Type{Base: op.TInt2}
	if t.Base == op.TOIDVector {
		elem.Base = op.TOID
	}
	out := []byte{'['}
	for i, f := range strings.Fields(text) {
		v, err := parseScalar(elem, f, &Options{})
		if err != nil {
			return op.Null, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = AppendElement(out, v)
	}
	return op.Value{Kind: op.KindText, Raw: append(out, ']')}, nil
}

// appendVector writes the space separated form.
func appendVector(dst []byte, v op.Value) []byte {
	elems, _, err := Elements(op.Type{Base: op.TInt8}, v.Str())
	if err != nil || v.Kind != op.KindText {
		return appendPlain(dst, op.Type{}, v)
	}
	for i, e := range elems {
		if i > 0 {
			dst = append(dst, ' ')
		}
		dst = appendPlain(dst, op.Type{}, e)
	}
	return dst
}

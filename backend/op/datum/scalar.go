package datum

import (
	"encoding/hex"
	"math"
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// trim removes the white space PostgreSQL ignores around scalars.
func trim(s string) string { return strings.Trim(s, " \t\n\r\v\f") }

// clip cuts s to at most n bytes without splitting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// parseBool accepts every prefix of the words PostgreSQL knows.
func parseBool(text string) (op.Value, error) {
	s := strings.ToLower(trim(text))
	is := func(word string, least int) bool { return len(s) >= least && strings.HasPrefix(word, s) }
	switch {
	case is("true", 1), is("yes", 1), s == "on", s == "1":
		return op.Int64(1), nil
	case is("false", 1), is("no", 1), is("off", 2), s == "0":
		return op.Int64(0), nil
	}
	return op.Null, errSyntax("boolean", text)
}

// intBounds returns the range of an integer type.
func intBounds(t op.Type) (lo, hi int64) {
	bits := 64
	switch t.Base {
	case op.TInt1:
		bits = 8
	case op.TInt2:
		bits = 16
	case op.TInt3:
		bits = 24
	case op.TInt4:
		bits = 32
	case op.TYear:
		return 0, 2155
	}
	if t.Unsigned && bits < 64 {
		return 0, 1<<bits - 1
	}
	if t.Unsigned {
		return 0, math.MaxInt64
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

// UnsignedValue returns the storage form of an unsigned 64-bit integer.
func UnsignedValue(u uint64) op.Value {
	if u <= math.MaxInt64 {
		return op.Int64(int64(u))
	}
	s := strconv.FormatUint(u, 10)
	if len(s) < 20 { // 2^63 and above have 19 or 20 digits; padding makes text sort
		s = "0" + s
	}
	return op.Text(s)
}

// parseInt reads a decimal integer of an integer type.
func parseInt(t op.Type, text string) (op.Value, error) {
	s := trim(text)
	name := baseNames[t.Base]
	if !isInteger(s) {
		return op.Null, errSyntax(name, text)
	}
	if t.Unsigned && t.Base == op.TInt8 {
		u, err := strconv.ParseUint(strings.TrimPrefix(s, "+"), 10, 64)
		if err != nil {
			return op.Null, errRange(name, s)
		}
		return UnsignedValue(u), nil
	}
	i, err := strconv.ParseInt(s, 10, 64)
	lo, hi := intBounds(t)
	if err != nil || i < lo || i > hi {
		return op.Null, errRange(name, s)
	}
	return op.Int64(i), nil
}

// isInteger reports whether s is an optional sign and digits.
func isInteger(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// parseOID reads an object identifier; negative numbers wrap, as PostgreSQL
// has it.
func parseOID(t op.Type, text string) (op.Value, error) {
	s := trim(text)
	if !isInteger(s) {
		if t.Base == op.TOID || t.Base == op.TXID {
			return op.Null, errSyntax(baseNames[t.Base], text)
		}
		return op.Null, op.Errorf(op.Unsupported, "a %s name cannot be resolved here: \"%s\"", baseNames[t.Base], text)
	}
	i, err := strconv.ParseInt(s, 10, 64)
	if err != nil || i > math.MaxUint32 || i < math.MinInt32 {
		return op.Null, errRange("oid", s)
	}
	return op.Int64(int64(uint32(i))), nil
}

// parseFloat reads a float; NaN is stored as text.
func parseFloat(t op.Type, text string) (op.Value, error) {
	s := trim(text)
	name := baseNames[t.Base]
	switch strings.ToLower(s) {
	case "nan":
		return op.Text("NaN"), nil
	case "infinity", "inf", "+infinity", "+inf":
		return op.Float64(math.Inf(1)), nil
	case "-infinity", "-inf":
		return op.Float64(math.Inf(-1)), nil
	}
	if s == "" || strings.ContainsAny(s, "_nNpP") {
		return op.Null, errSyntax(name, text)
	}
	bits := 64
	if t.Base == op.TFloat4 {
		bits = 32
	}
	f, err := strconv.ParseFloat(s, bits)
	switch {
	case err == nil:
		if f == 0 && strings.ContainsAny(mantissa(s), "123456789") {
			return op.Null, outOfFloat(s, name)
		}
		return op.Float64(f), nil
	case math.IsInf(f, 0):
		return op.Null, outOfFloat(s, name)
	}
	return op.Null, errSyntax(name, text)
}

// mantissa returns the digits of a float before its exponent.
func mantissa(s string) string {
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		return s[:i]
	}
	return s
}

// outOfFloat says that a number over- or underflows its float type.
func outOfFloat(s, name string) *op.Error {
	return op.Errorf(op.OutOfRange, "\"%s\" is out of range for type %s", s, name)
}

// appendFloat writes the shortest text that reads back as f.
func appendFloat(dst []byte, f float64, single bool) []byte {
	switch {
	case math.IsInf(f, 1):
		return append(dst, "Infinity"...)
	case math.IsInf(f, -1):
		return append(dst, "-Infinity"...)
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case f == 0:
		if math.Signbit(f) {
			return append(dst, "-0"...)
		}
		return append(dst, '0')
	}
	bits, top := 64, 1e15
	if single {
		bits, top = 32, 1e6
	}
	a := math.Abs(f)
	if a < 1e-4 || a >= top {
		return strconv.AppendFloat(dst, f, 'e', -1, bits)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, bits)
}

// AppendFloat writes f as PostgreSQL prints float8 (float4 when single).
func AppendFloat(dst []byte, f float64, single bool) []byte { return appendFloat(dst, f, single) }

// fitText checks the length of a varchar or char and pads the latter.
func fitText(t op.Type, text string) (op.Value, error) {
	if t.Size <= 0 {
		return op.Text(text), nil
	}
	max := int(t.Size)
	n := len(text)
	if n > max || t.Base == op.TChar {
		n = utf8.RuneCountInString(text)
	}
	if n > max {
		cut := len(text)
		for i, at := 0, 0; at < len(text); i++ {
			if i == max {
				cut = at
				break
			}
			_, w := utf8.DecodeRuneInString(text[at:])
			at += w
		}
		if strings.TrimRight(text[cut:], " ") != "" {
			return op.Null, op.Errorf(op.StringTooLong, "value too long for type %s", TypeName(t))
		}
		return op.Text(text[:cut]), nil
	}
	if t.Base == op.TChar && n < max {
		text += strings.Repeat(" ", max-n)
	}
	return op.Text(text), nil
}

// parseBytea reads the hex and the escape form.
func parseBytea(text string) (op.Value, error) {
	if strings.HasPrefix(text, `\x`) {
		return parseHex(text[2:])
	}
	if strings.IndexByte(text, '\\') < 0 {
		return op.Bytes([]byte(text)), nil
	}
	out := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c != '\\':
			out = append(out, c)
		case i+1 < len(text) && text[i+1] == '\\':
			out = append(out, '\\')
			i++
		case i+3 < len(text) && text[i+1] >= '0' && text[i+1] <= '3' && isOctal(text[i+2]) && isOctal(text[i+3]):
			out = append(out, (text[i+1]-'0')<<6|(text[i+2]-'0')<<3|(text[i+3]-'0'))
			i += 3
		default:
			e := op.Errorf(op.InvalidArgument, "invalid input syntax for type bytea")
			e.Object = ObjectText
			return op.Null, e
		}
	}
	return op.Bytes(out), nil
}

// isOctal reports an octal digit.
func isOctal(c byte) bool { return c >= '0' && c <= '7' }

// parseHex reads pairs of hex digits with optional space between pairs.
func parseHex(s string) (op.Value, error) {
	out := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); {
		c := s[i]
		if c == ' ' || c == '\n' || c == '\t' || c == '\r' {
			i++
			continue
		}
		hi, ok := unhex(c)
		if !ok {
			return op.Null, badHex(s[i:])
		}
		if i+1 >= len(s) {
			return op.Null, op.Errorf(op.InvalidArgument, "invalid hexadecimal data: odd number of digits")
		}
		lo, ok := unhex(s[i+1])
		if !ok {
			return op.Null, badHex(s[i+1:])
		}
		out = append(out, hi<<4|lo)
		i += 2
	}
	return op.Bytes(out), nil
}

// badHex names the first character of s.
func badHex(s string) *op.Error {
	_, w := utf8.DecodeRuneInString(s)
	return op.Errorf(op.InvalidArgument, "invalid hexadecimal digit: \"%s\"", s[:w])
}

// unhex returns the value of a hex digit.
func unhex(c byte) (byte, bool) {
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

// appendBytea writes the hex form.
func appendBytea(dst []byte, v op.Value) []byte {
	return hex.AppendEncode(append(dst, '\\', 'x'), v.Raw)
}

// parseUUID accepts upper case, braces, and hyphens after any four digits.
func parseUUID(text string) (op.Value, error) {
	b, err := UUIDBytes(text)
	if err != nil {
		return op.Null, err
	}
	return op.Value{Kind: op.KindText, Raw: appendUUID(make([]byte, 0, 36), b[:])}, nil
}

// UUIDBytes reads the 16 bytes of a uuid text.
func UUIDBytes(text string) (b [16]byte, err error) {
	s := text
	if strings.HasPrefix(s, "{") {
		if !strings.HasSuffix(s, "}") {
			return b, errSyntax("uuid", text)
		}
		s = s[1 : len(s)-1]
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] == '-' && n > 0 && n < 32 && n%4 == 0 && s[i-1] != '-' {
			continue
		}
		d, ok := unhex(s[i])
		if !ok || n >= 32 {
			return b, errSyntax("uuid", text)
		}
		b[n/2] = b[n/2]<<4 | d
		n++
	}
	if n != 32 {
		return b, errSyntax("uuid", text)
	}
	return b, nil
}

// AppendUUID writes 16 bytes as 36 lower-case characters.
func AppendUUID(dst, raw []byte) []byte { return appendUUID(dst, raw) }

// appendUUID writes raw in groups of 8-4-4-4-12 digits.
func appendUUID(dst, raw []byte) []byte {
	for i, c := range raw {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = append(dst, "0123456789abcdef"[c>>4], "0123456789abcdef"[c&15])
	}
	return dst
}

// parseBit reads a bit string: binary digits, or x and hex digits.
func parseBit(t op.Type, text string) (op.Value, error) {
	s := text
	if s != "" && (s[0] == 'x' || s[0] == 'X') {
		out := make([]byte, 0, 4*len(s))
		for i := 1; i < len(s); i++ {
			d, ok := unhex(s[i])
			if !ok {
				return op.Null, op.Errorf(op.InvalidArgument, "\"%c\" is not a valid hexadecimal digit", s[i])
			}
			out = append(out, '0'+d>>3&1, '0'+d>>2&1, '0'+d>>1&1, '0'+d&1)
		}
		s = string(out)
	} else {
		s = strings.TrimPrefix(strings.TrimPrefix(s, "b"), "B")
		for i := 0; i < len(s); i++ {
			if s[i] != '0' && s[i] != '1' {
				return op.Null, op.Errorf(op.InvalidArgument, "\"%c\" is not a valid binary digit", s[i])
			}
		}
	}
	if t.Size > 0 && len(s) > int(t.Size) {
		return op.Null, op.Errorf(op.StringTooLong, "bit string length %d does not match type bit(%d)", len(s), t.Size)
	}
	return op.Text(s), nil
}

// parseInet reads an address with an optional prefix length.
func parseInet(text string) (op.Value, error) {
	s := trim(text)
	if strings.IndexByte(s, '/') < 0 {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return op.Null, errSyntax("inet", text)
		}
		return op.Text(a.String()), nil
	}
	p, err := netip.ParsePrefix(s)
	if err != nil {
		return op.Null, errSyntax("inet", text)
	}
	if p.Bits() == p.Addr().BitLen() {
		return op.Text(p.Addr().String()), nil
	}
	return op.Text(p.String()), nil
}

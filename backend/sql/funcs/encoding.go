package funcs

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// started is when this process began, for pg_postmaster_start_time.
var started = time.Now()

// encodingFuncs convert between encodings, decode escapes and round times.
var encodingFuncs = []fn{
	{"dotdo_unistr", 1, func(a []op.Value) (op.Value, error) {
		s, err := unistr(a[0].Str())
		return op.Text(s), err
	}},
	{"dotdo_convert_from", 2, convertFrom},
	{"dotdo_convert_to", 2, convertTo},
	{"dotdo_prec", 2, func(a []op.Value) (op.Value, error) {
		if a[1].Int() < 0 {
			return op.Null, op.Errorf(op.InvalidArgument, "precision must not be negative")
		}
		unit := int64(1)
		for i := a[1].Int(); i < 6; i++ {
			unit *= 10
		}
		us := a[0].Int()
		half := unit / 2
		if us < 0 {
			half = -half
		}
		return op.Int64((us + half) / unit * unit), nil
	}},
}

// unistr decodes \XXXX, \+XXXXXX, \uXXXX and \UXXXXXXXX.
func unistr(s string) (string, error) {
	bad := op.Errorf(op.Syntax, "invalid Unicode escape")
	var b strings.Builder
	var high rune
	for s != "" {
		if s[0] != '\\' || strings.HasPrefix(s, `\\`) {
			if high != 0 {
				return "", op.Errorf(op.Syntax, "invalid Unicode surrogate pair")
			}
			b.WriteByte(s[0])
			if s[0] == '\\' {
				s = s[1:]
			}
			s = s[1:]
			continue
		}
		skip, n := 1, 4
		switch {
		case strings.HasPrefix(s, `\+`):
			skip, n = 2, 6
		case strings.HasPrefix(s, `\u`):
			skip = 2
		case strings.HasPrefix(s, `\U`):
			skip, n = 2, 8
		}
		if len(s) < skip+n {
			return "", bad
		}
		u, err := strconv.ParseUint(s[skip:skip+n], 16, 32)
		if err != nil || u == 0 || u > 0x10ffff {
			return "", bad
		}
		s = s[skip+n:]
		r := rune(u)
		low := r >= 0xdc00 && r <= 0xdfff
		switch {
		case (high != 0) != low:
			return "", op.Errorf(op.Syntax, "invalid Unicode surrogate pair")
		case low:
			b.WriteRune(utf16.DecodeRune(high, r))
			high = 0
		case utf16.IsSurrogate(r):
			high = r
		default:
			b.WriteRune(r)
		}
	}
	if high != 0 {
		return "", op.Errorf(op.Syntax, "invalid Unicode surrogate pair")
	}
	return b.String(), nil
}

// encodingName reduces an encoding's name to UTF8, LATIN1 or "".
func encodingName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(s))
	switch s {
	case "utf8", "unicode":
		return "UTF8"
	case "latin1", "iso88591":
		return "LATIN1"
	}
	return ""
}

// convertFrom decodes bytes of an encoding.
func convertFrom(a []op.Value) (op.Value, error) {
	raw := a[0].Raw
	name := encodingName(a[1].Str())
	switch {
	case name == "":
		return op.Null, op.Errorf(op.InvalidArgument, "invalid source encoding name %q", a[1].Str())
	case name == "UTF8" && !utf8.Valid(raw), strings.IndexByte(string(raw), 0) >= 0:
		return op.Null, op.Errorf(op.InvalidArgument, "invalid byte sequence for encoding %q", name)
	case name == "UTF8":
		return op.Text(string(raw)), nil
	}
	r := make([]rune, len(raw))
	for i, c := range raw {
		r[i] = rune(c)
	}
	return op.Text(string(r)), nil
}

// convertTo encodes text.
func convertTo(a []op.Value) (op.Value, error) {
	switch encodingName(a[1].Str()) {
	case "UTF8":
		return op.Bytes([]byte(a[0].Str())), nil
	case "LATIN1":
		out := []byte{}
		for _, r := range a[0].Str() {
			if r > 0xff {
				return op.Null, op.Errorf(op.InvalidArgument, "character %q has no equivalent in encoding \"LATIN1\"", r)
			}
			out = append(out, byte(r))
		}
		return op.Bytes(out), nil
	}
	return op.Null, op.Errorf(op.InvalidArgument, "invalid destination encoding name %q", a[1].Str())
}

package funcs

import (
	"bytes"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// maxText bounds the length of a text a function builds.
const maxText = 256 << 20

// errTextSize says that a text would be too long.
var errTextSize = op.Errorf(op.TooLarge, "requested length too large")

// str1 lifts a function of one text.
func str1(f func(string) string) func(a []op.Value) (op.Value, error) {
	return func(a []op.Value) (op.Value, error) { return op.Text(f(a[0].Str())), nil }
}

// stringFuncs are text functions.
var stringFuncs = []fn{
	{"dotdo_lower", 1, str1(strings.ToLower)},
	{"dotdo_upper", 1, str1(strings.ToUpper)},
	{"dotdo_initcap", 1, str1(initcap)},
	{"dotdo_reverse", 1, str1(func(s string) string {
		r := []rune(s)
		for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
			r[i], r[j] = r[j], r[i]
		}
		return string(r)
	})},
	{"dotdo_substr", 2, substr},
	{"dotdo_substr", 3, substr},
	{"dotdo_trim", 2, trimCall},
	{"dotdo_trim", 3, trimCall},
	{"dotdo_translate", 3, func(a []op.Value) (op.Value, error) {
		from, to := []rune(a[1].Str()), []rune(a[2].Str())
		return op.Text(strings.Map(func(r rune) rune {
			for i, f := range from {
				if f == r {
					if i < len(to) {
						return to[i]
					}
					return -1
				}
			}
			return r
		}, a[0].Str())), nil
	}},
	{"dotdo_split_part", 3, splitPart},
	{"dotdo_left", 2, func(a []op.Value) (op.Value, error) { return cut(a[0].Str(), a[1].Int(), false), nil }},
	{"dotdo_right", 2, func(a []op.Value) (op.Value, error) { return cut(a[0].Str(), a[1].Int(), true), nil }},
	{"dotdo_lpad", 2, pad(true)}, {"dotdo_lpad", 3, pad(true)},
	{"dotdo_rpad", 2, pad(false)}, {"dotdo_rpad", 3, pad(false)},
	{"dotdo_repeat", 2, func(a []op.Value) (op.Value, error) {
		n := max(a[1].Int(), 0)
		if int64(len(a[0].Raw))*n > maxText || n > maxText {
			return op.Null, errTextSize
		}
		return op.Text(strings.Repeat(a[0].Str(), int(n))), nil
	}},
	{"dotdo_md5", 1, func(a []op.Value) (op.Value, error) {
		s := md5.Sum(a[0].Raw)
		return op.Text(hex.EncodeToString(s[:])), nil
	}},
	{"dotdo_sha1", 1, func(a []op.Value) (op.Value, error) {
		s := sha1.Sum(a[0].Raw)
		return op.Text(hex.EncodeToString(s[:])), nil
	}},
	{"dotdo_sha256", 1, func(a []op.Value) (op.Value, error) {
		s := sha256.Sum256(a[0].Raw)
		return op.Bytes(s[:]), nil
	}},
	{"dotdo_sha2", 2, func(a []op.Value) (op.Value, error) {
		switch a[1].Int() {
		case 0, 256:
			s := sha256.Sum256(a[0].Raw)
			return op.Text(hex.EncodeToString(s[:])), nil
		case 224:
			s := sha256.Sum224(a[0].Raw)
			return op.Text(hex.EncodeToString(s[:])), nil
		case 384:
			s := sha512.Sum384(a[0].Raw)
			return op.Text(hex.EncodeToString(s[:])), nil
		case 512:
			s := sha512.Sum512(a[0].Raw)
			return op.Text(hex.EncodeToString(s[:])), nil
		}
		return op.Null, nil
	}},
	{"dotdo_ascii", 1, func(a []op.Value) (op.Value, error) {
		if len(a[0].Raw) == 0 {
			return op.Int64(0), nil
		}
		r, _ := utf8.DecodeRune(a[0].Raw)
		return op.Int64(int64(r)), nil
	}},
	{"dotdo_chr", 1, func(a []op.Value) (op.Value, error) {
		n := a[0].Int()
		if n == 0 {
			return op.Null, op.Errorf(op.InvalidArgument, "null character not permitted")
		}
		if n < 0 || n > unicode.MaxRune || !utf8.ValidRune(rune(n)) {
			return op.Null, op.Errorf(op.InvalidArgument, "requested character too large for encoding: %d", n)
		}
		return op.Text(string(rune(n))), nil
	}},
	{"dotdo_encode", 2, encode},
	{"dotdo_decode", 2, decode},
	{"dotdo_quote_ident", 1, str1(quoteIdent)},
	{"dotdo_quote_literal", 1, str1(quoteLiteral)},
	{"dotdo_overlay", 3, overlay}, {"dotdo_overlay", 4, overlay},
	{"dotdo_like", 4, func(a []op.Value) (op.Value, error) {
		ok, err := like(a[0].Str(), a[1].Str(), a[2].Str(), a[3].Int() != 0)
		return op.Int64(int64(b2i(ok))), err
	}},
	{"dotdo_size_pretty", 1, sizePretty},
}

// initcap upper-cases the first letter of each word.
func initcap(s string) string {
	word := false
	return strings.Map(func(r rune) rune {
		was := word
		word = unicode.IsLetter(r) || unicode.IsDigit(r)
		if word && !was {
			return unicode.ToUpper(r)
		}
		return unicode.ToLower(r)
	}, s)
}

// substr is SQL's substring by position; bytea counts bytes.
func substr(a []op.Value) (op.Value, error) {
	start := a[1].Int()
	end := int64(1) << 40
	if len(a) > 2 {
		if a[2].Int() < 0 {
			return op.Null, op.Errorf(op.InvalidArgument, "negative substring length not allowed")
		}
		end = start + a[2].Int()
	}
	if a[0].Kind == op.KindBytes {
		b := a[0].Raw
		lo, hi := bounds(start, end, int64(len(b)))
		return op.Bytes(b[lo:hi]), nil
	}
	r := []rune(a[0].Str())
	lo, hi := bounds(start, end, int64(len(r)))
	return op.Text(string(r[lo:hi])), nil
}

// bounds clips the 1-based range [start,end) to n.
func bounds(start, end, n int64) (int64, int64) {
	lo := min(max(start-1, 0), n)
	return lo, min(max(end-1, lo), n)
}

// trimCall is btrim, ltrim, rtrim with a set of characters.
func trimCall(a []op.Value) (op.Value, error) {
	set := " "
	if len(a) > 2 {
		set = a[2].Str()
	}
	s := a[1].Str()
	if set == "" {
		return op.Text(s), nil
	}
	switch a[0].Str() {
	case "l":
		s = strings.TrimLeft(s, set)
	case "r":
		s = strings.TrimRight(s, set)
	default:
		s = strings.Trim(s, set)
	}
	return op.Text(s), nil
}

// splitPart is split_part.
func splitPart(a []op.Value) (op.Value, error) {
	n := int(a[2].Int())
	if n == 0 {
		return op.Null, op.Errorf(op.InvalidArgument, "field position must not be zero")
	}
	parts := []string{a[0].Str()}
	if a[1].Str() != "" {
		parts = strings.Split(a[0].Str(), a[1].Str())
	}
	if n < 0 {
		n += len(parts) + 1
	}
	if n < 1 || n > len(parts) {
		return op.Text(""), nil
	}
	return op.Text(parts[n-1]), nil
}

// cut is left() and right(); a negative count leaves out.
func cut(s string, n int64, right bool) op.Value {
	r := []rune(s)
	l := int64(len(r))
	if n < 0 {
		n = max(l+n, 0)
	}
	n = min(n, l)
	if right {
		return op.Text(string(r[l-n:]))
	}
	return op.Text(string(r[:n]))
}

// pad is lpad and rpad.
func pad(left bool) func(a []op.Value) (op.Value, error) {
	return func(a []op.Value) (op.Value, error) {
		fill := []rune(" ")
		if len(a) > 2 {
			fill = []rune(a[2].Str())
		}
		r := []rune(a[0].Str())
		n := int(max(a[1].Int(), 0))
		if n > maxText/4 {
			return op.Null, errTextSize
		}
		if n <= len(r) || len(fill) == 0 {
			return op.Text(string(r[:min(n, len(r))])), nil
		}
		add := make([]rune, n-len(r))
		for i := range add {
			add[i] = fill[i%len(fill)]
		}
		if left {
			return op.Text(string(add) + string(r)), nil
		}
		return op.Text(string(r) + string(add)), nil
	}
}

// encode writes bytes as text.
func encode(a []op.Value) (op.Value, error) {
	switch strings.ToLower(a[1].Str()) {
	case "hex":
		return op.Text(hex.EncodeToString(a[0].Raw)), nil
	case "base64":
		s := base64.StdEncoding.EncodeToString(a[0].Raw)
		var b strings.Builder
		for len(s) > 76 {
			b.WriteString(s[:76] + "\n")
			s = s[76:]
		}
		return op.Text(b.String() + s), nil
	case "escape":
		var b strings.Builder
		for _, c := range a[0].Raw {
			switch {
			case c == '\\':
				b.WriteString(`\\`)
			case c == 0 || c >= 0x80:
				b.WriteString(`\` + string([]byte{'0' + c>>6, '0' + c>>3&7, '0' + c&7}))
			default:
				b.WriteByte(c)
			}
		}
		return op.Text(b.String()), nil
	}
	return op.Null, op.Errorf(op.InvalidArgument, "unrecognized encoding: %q", a[1].Str())
}

// decode reads bytes from text.
func decode(a []op.Value) (op.Value, error) {
	switch strings.ToLower(a[1].Str()) {
	case "hex":
		b, err := hex.DecodeString(strings.Join(strings.Fields(a[0].Str()), ""))
		if err != nil {
			return op.Null, op.Errorf(op.InvalidArgument, "invalid hexadecimal data")
		}
		return op.Bytes(b), nil
	case "base64":
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(a[0].Str()), ""))
		if err != nil {
			return op.Null, op.Errorf(op.InvalidArgument, "invalid base64 end sequence")
		}
		return op.Bytes(b), nil
	case "escape":
		return datum.Parse(op.Type{Base: op.TBytea}, a[0].Str(), datum.Options{})
	}
	return op.Null, op.Errorf(op.InvalidArgument, "unrecognized encoding: %q", a[1].Str())
}

// reservedIdents are the words quote_ident quotes, the common reserved ones.
const reservedIdents = " all and any array as asc both case cast check collate column constraint create current_date current_user default desc distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral leading limit localtime not null offset on only or order placing primary references returning select session_user some symmetric table then to trailing true union unique user using variadic when where window with "

// quoteIdent quotes an identifier when it must be.
func quoteIdent(s string) string {
	plain := s != ""
	for i := 0; i < len(s); i++ {
		c := s[i]
		plain = plain && (c >= 'a' && c <= 'z' || c == '_' || i > 0 && (c >= '0' && c <= '9' || c == '$'))
	}
	if plain && !strings.Contains(reservedIdents, " "+s+" ") {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// quoteLiteral quotes a literal.
func quoteLiteral(s string) string {
	q := "'" + strings.ReplaceAll(s, "'", "''") + "'"
	if strings.Contains(s, `\`) {
		return "E" + strings.ReplaceAll(q, `\`, `\\`)
	}
	return q
}

// overlay replaces part of a text.
func overlay(a []op.Value) (op.Value, error) {
	r, put := []rune(a[0].Str()), []rune(a[1].Str())
	n := int64(len(put))
	if len(a) > 3 {
		n = a[3].Int()
	}
	at := a[2].Int()
	if at <= 0 {
		return op.Null, op.Errorf(op.InvalidArgument, "negative substring length not allowed")
	}
	lo := min(at-1, int64(len(r)))
	hi := min(max(at-1+n, 0), int64(len(r)))
	return op.Text(string(r[:lo]) + string(put) + string(r[hi:])), nil
}

// like matches a LIKE pattern.
func like(s, p, esc string, fold bool) (bool, error) {
	if fold {
		s, p = strings.ToLower(s), strings.ToLower(p)
	}
	var e rune = -1
	if esc != "" {
		r, n := utf8.DecodeRuneInString(esc)
		if n != len(esc) {
			return false, op.Errorf(op.InvalidArgument, "invalid escape string")
		}
		e = r
	}
	// tokens: any run (-1), any one (-2), or a rune
	var pat []rune
	esced := false
	for _, r := range p {
		switch {
		case esced:
			pat, esced = append(pat, r), false
		case r == e:
			esced = true
		case r == '%':
			if len(pat) == 0 || pat[len(pat)-1] != -1 {
				pat = append(pat, -1)
			}
		case r == '_':
			pat = append(pat, -2)
		default:
			pat = append(pat, r)
		}
	}
	if esced {
		return false, op.Errorf(op.InvalidArgument, "LIKE pattern must not end with escape character")
	}
	text := []rune(s)
	i, j, star, mark := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case j < len(pat) && (pat[j] == -2 || pat[j] == text[i]):
			i++
			j++
		case j < len(pat) && pat[j] == -1:
			star, mark = j, i
			j++
		case star >= 0:
			mark++
			i, j = mark, star+1
		default:
			return false, nil
		}
	}
	for j < len(pat) && pat[j] == -1 {
		j++
	}
	return j == len(pat), nil
}

// sizePretty is pg_size_pretty.
func sizePretty(a []op.Value) (op.Value, error) {
	n := a[0].Int()
	units := []string{" bytes", " kB", " MB", " GB", " TB", " PB"}
	i := 0
	for (n >= 10240 || n <= -10240) && i < len(units)-1 {
		n = (n + 512) / 1024
		i++
	}
	return op.Text(string(datum.Append(nil, op.Type{Base: op.TInt8}, op.Int64(n), datum.Options{})) + units[i]), nil
}

// looseFuncs see NULL arguments.
var looseFuncs = []fn{
	{"dotdo_concat", -1, func(a []op.Value) (op.Value, error) {
		return op.Text(strings.Join(texts(a[1:], a[0]), "")), nil
	}},
	{"dotdo_concat_ws", -1, func(a []op.Value) (op.Value, error) {
		if a[1].IsNull() {
			return op.Null, nil
		}
		return op.Text(strings.Join(texts(a[2:], a[0]), a[1].Str())), nil
	}},
	{"dotdo_format", -1, formatCall},
	{"dotdo_my_concat_ws", -1, func(a []op.Value) (op.Value, error) {
		if len(a) == 0 || a[0].IsNull() {
			return op.Null, nil
		}
		var out []string
		for _, v := range a[1:] {
			if !v.IsNull() {
				out = append(out, v.Str())
			}
		}
		return op.Text(strings.Join(out, a[0].Str())), nil
	}},
	{"dotdo_to_json", 3, func(a []op.Value) (op.Value, error) {
		var zone op.Value
		if !a[2].IsNull() {
			zone = a[2]
		}
		return op.Raw(op.KindText, appendJSON(nil, a[0], TypeOf(a[1].Int(), 0, 0), zoneOptions(zone))), nil
	}},
	{"dotdo_json_object", -1, jsonObjectCall},
	{"dotdo_json_array", -1, jsonArrayCall},
	{"dotdo_json_array2", -1, func(a []op.Value) (op.Value, error) {
		out := []byte{'['}
		for i := 1; i+1 < len(a); i += 2 {
			if i > 1 {
				out = append(out, ", "...)
			}
			out = appendJSON(out, a[i+1], TypeOf(a[i].Int(), 0, 0), zoneOptions(a[0]))
		}
		return op.Raw(op.KindText, append(out, ']')), nil
	}},
	{"dotdo_json_object2", -1, func(a []op.Value) (op.Value, error) {
		out := []byte{'{'}
		for i := 1; i+3 < len(a); i += 4 {
			if i > 1 {
				out = append(out, ", "...)
			}
			out = datum.AppendJSONText(out, text(a[i+1], TypeOf(a[i].Int(), 0, 0), true, datum.Options{}))
			out = append(out, ": "...)
			out = appendJSON(out, a[i+3], TypeOf(a[i+2].Int(), 0, 0), zoneOptions(a[0]))
		}
		out = append(out, '}')
		b, err := datum.NormalizeJSONB(nil, string(out))
		return op.Raw(op.KindText, b), err
	}},
	{"dotdo_elem", 1, func(a []op.Value) (op.Value, error) {
		if a[0].Kind == op.KindBytes {
			return op.Text(`\x` + hex.EncodeToString(a[0].Raw)), nil
		}
		return a[0], nil
	}},
}

// texts renders code, value pairs as text, leaving NULLs out.
func texts(a []op.Value, zone op.Value) []string {
	var out []string
	o := zoneOptions(zone)
	for i := 0; i+1 < len(a); i += 2 {
		if !a[i+1].IsNull() {
			t := TypeOf(a[i].Int(), 0, 0)
			if t.Base == op.TBoolean && !t.Array {
				out = append(out, map[bool]string{true: "t", false: "f"}[a[i+1].Int() != 0])
				continue
			}
			out = append(out, text(a[i+1], t, false, o))
		}
	}
	return out
}

// formatCall is PostgreSQL's format(): zone, format, then code, value pairs.
func formatCall(a []op.Value) (op.Value, error) {
	if a[1].IsNull() {
		return op.Null, nil
	}
	o := zoneOptions(a[0])
	f := a[1].Str()
	args := a[2:]
	var b bytes.Buffer
	next := 0
	for i := 0; i < len(f); i++ {
		if f[i] != '%' {
			b.WriteByte(f[i])
			continue
		}
		i++
		if i < len(f) && f[i] == '%' {
			b.WriteByte('%')
			continue
		}
		start, width, left := i, 0, false
		for i < len(f) && f[i] >= '0' && f[i] <= '9' {
			width = width*10 + int(f[i]-'0')
			i++
		}
		if i < len(f) && f[i] == '$' && i > start {
			next, width = width-1, 0
			i++
		}
		if i < len(f) && f[i] == '-' {
			left = true
			i++
		}
		for i < len(f) && f[i] >= '0' && f[i] <= '9' {
			width = width*10 + int(f[i]-'0')
			i++
		}
		if i >= len(f) {
			return op.Null, op.Errorf(op.InvalidArgument, "unterminated format() type specifier")
		}
		if next < 0 || 2*next+1 >= len(args) {
			return op.Null, op.Errorf(op.InvalidArgument, "too few arguments for format()")
		}
		v := args[2*next+1]
		s := ""
		if !v.IsNull() {
			s = strings.Join(texts(args[2*next:2*next+2], a[0]), "")
		}
		next++
		switch f[i] {
		case 's':
		case 'I':
			if v.IsNull() {
				return op.Null, op.Errorf(op.InvalidArgument, "null values cannot be formatted as an SQL identifier")
			}
			s = quoteIdent(s)
		case 'L':
			if v.IsNull() {
				s = "NULL"
			} else {
				s = quoteLiteral(s)
			}
		default:
			return op.Null, op.Errorf(op.InvalidArgument, "unrecognized format() type specifier \"%c\"", f[i])
		}
		if n := min(width, 1<<20) - utf8.RuneCountInString(s); n > 0 {
			if left {
				s += strings.Repeat(" ", n)
			} else {
				s = strings.Repeat(" ", n) + s
			}
		}
		b.WriteString(s)
	}
	_ = o
	return op.Text(b.String()), nil
}

package funcs

import (
	"regexp"
	"strings"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// patterns caches compiled expressions by flags and text.
var patterns struct {
	sync.Mutex
	m map[string]*regexp.Regexp
}

// maxPatterns bounds the cache.
const maxPatterns = 512

// postgresEscapes are escapes Go's syntax spells otherwise.
var postgresEscapes = strings.NewReplacer(`\\`, `\\`, `\m`, `\b`, `\M`, `\b`, `\y`, `\b`, `\Y`, `\B`)

// compile compiles an advanced regular expression. Flags: i fold case, x
// expanded, n newline sensitive, s not; g belongs to the caller.
func compile(p, flags string) (*regexp.Regexp, error) {
	key := flags + "\x00" + p
	patterns.Lock()
	re := patterns.m[key]
	patterns.Unlock()
	if re != nil {
		return re, nil
	}
	mode := "s"
	for _, f := range flags {
		switch f {
		case 'i':
			mode += "i"
		case 'n', 'm':
			mode = strings.Replace(mode, "s", "", 1) + "m"
		case 'g', 'c', 's', 't', 'u':
		case 'x':
			p = strings.Join(strings.Fields(p), "")
		default:
			return nil, op.Errorf(op.InvalidArgument, "invalid regular expression option: \"%c\"", f)
		}
	}
	re, err := regexp.Compile("(?" + mode + ")" + postgresEscapes.Replace(p))
	if err != nil {
		return nil, &op.Error{Code: op.InvalidArgument, Msg: "invalid regular expression: " + err.Error(), Object: "regex"}
	}
	patterns.Lock()
	if patterns.m == nil || len(patterns.m) >= maxPatterns {
		patterns.m = map[string]*regexp.Regexp{}
	}
	patterns.m[key] = re
	patterns.Unlock()
	return re, nil
}

// similarPattern translates SIMILAR TO.
func similarPattern(p string) string {
	var b strings.Builder
	b.WriteString("^(?:")
	for i := 0; i < len(p); i++ {
		switch p[i] {
		case '%':
			b.WriteString(".*")
		case '_':
			b.WriteByte('.')
		case '.', '^', '$':
			b.WriteString(`\` + string(p[i]))
		case '\\':
			if i+1 < len(p) {
				i++
				b.WriteString(regexp.QuoteMeta(string(p[i])))
			}
		default:
			b.WriteByte(p[i])
		}
	}
	return b.String() + ")$"
}

// regexFuncs are regular expression functions.
var regexFuncs = []fn{
	{"dotdo_regex", 3, func(a []op.Value) (op.Value, error) {
		re, err := compile(a[1].Str(), a[2].Str())
		if err != nil {
			return op.Null, err
		}
		return op.Int64(int64(b2i(re.Match(a[0].Raw)))), nil
	}},
	{"dotdo_similar", 2, func(a []op.Value) (op.Value, error) {
		re, err := compile(similarPattern(a[1].Str()), "")
		if err != nil {
			return op.Null, err
		}
		return op.Int64(int64(b2i(re.Match(a[0].Raw)))), nil
	}},
	{"dotdo_regexp_replace", 3, regexpReplace}, {"dotdo_regexp_replace", 4, regexpReplace},
	{"dotdo_regexp_match", 2, regexpMatch}, {"dotdo_regexp_match", 3, regexpMatch},
	{"dotdo_regexp_matches", 2, regexpMatches}, {"dotdo_regexp_matches", 3, regexpMatches},
	{"dotdo_regexp_split", 2, regexpSplit}, {"dotdo_regexp_split", 3, regexpSplit},
	{"dotdo_regexp_count", 2, func(a []op.Value) (op.Value, error) {
		re, err := compile(a[1].Str(), "")
		if err != nil {
			return op.Null, err
		}
		return op.Int64(int64(len(re.FindAllStringIndex(a[0].Str(), -1)))), nil
	}},
	{"dotdo_regexp_substr", 2, func(a []op.Value) (op.Value, error) {
		re, err := compile(a[1].Str(), "")
		if err != nil {
			return op.Null, err
		}
		m := re.FindStringSubmatchIndex(a[0].Str())
		if m == nil {
			return op.Null, nil
		}
		at := 0
		if len(m) > 2 {
			at = 2
		}
		if m[at] < 0 {
			return op.Null, nil
		}
		return op.Text(a[0].Str()[m[at]:m[at+1]]), nil
	}},
}

// flagsArg returns the optional flags argument.
func flagsArg(a []op.Value, i int) string {
	if i < len(a) {
		return a[i].Str()
	}
	return ""
}

// regexpReplace is regexp_replace: the first match, or all with g.
func regexpReplace(a []op.Value) (op.Value, error) {
	flags := flagsArg(a, 3)
	re, err := compile(a[1].Str(), flags)
	if err != nil {
		return op.Null, err
	}
	s, with := a[0].Str(), a[2].Str()
	n := 1
	if strings.Contains(flags, "g") {
		n = -1
	}
	var b strings.Builder
	last := 0
	for _, m := range re.FindAllStringSubmatchIndex(s, n) {
		b.WriteString(s[last:m[0]])
		expand(&b, s, with, m)
		last = m[1]
	}
	b.WriteString(s[last:])
	return op.Text(b.String()), nil
}

// groups writes the groups of a match, or the whole, as a stored array.
func groups(dst []byte, s string, m []int) []byte {
	dst = append(dst, '[')
	from := 0
	if len(m) > 2 {
		from = 2
	}
	for i := from; i < len(m); i += 2 {
		if i > from {
			dst = append(dst, ',')
		}
		if m[i] < 0 {
			dst = append(dst, "null"...)
		} else {
			dst = datum.AppendElement(dst, op.Text(s[m[i]:m[i+1]]))
		}
	}
	return append(dst, ']')
}

// regexpMatch is regexp_match.
func regexpMatch(a []op.Value) (op.Value, error) {
	re, err := compile(a[1].Str(), flagsArg(a, 2))
	if err != nil {
		return op.Null, err
	}
	m := re.FindStringSubmatchIndex(a[0].Str())
	if m == nil {
		return op.Null, nil
	}
	return op.Raw(op.KindText, groups(nil, a[0].Str(), m)), nil
}

// regexpMatches is regexp_matches: rows of arrays.
func regexpMatches(a []op.Value) (op.Value, error) {
	flags := flagsArg(a, 2)
	re, err := compile(a[1].Str(), flags)
	if err != nil {
		return op.Null, err
	}
	n := 1
	if strings.Contains(flags, "g") {
		n = -1
	}
	out := []byte{'['}
	for i, m := range re.FindAllStringSubmatchIndex(a[0].Str(), n) {
		if i > 0 {
			out = append(out, ',')
		}
		out = groups(out, a[0].Str(), m)
	}
	return op.Raw(op.KindText, append(out, ']')), nil
}

// regexpSplit splits at matches.
func regexpSplit(a []op.Value) (op.Value, error) {
	re, err := compile(a[1].Str(), flagsArg(a, 2))
	if err != nil {
		return op.Null, err
	}
	return stringArray(re.Split(a[0].Str(), -1)), nil
}

// stringArray is a stored text array.
func stringArray(list []string) op.Value {
	out := []byte{'['}
	for i, s := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = datum.AppendElement(out, op.Text(s))
	}
	return op.Raw(op.KindText, append(out, ']'))
}

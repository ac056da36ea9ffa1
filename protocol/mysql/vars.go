package mysql

import (
	"strconv"
	"strings"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// utoa formats an unsigned number.
func utoa(u uint64) string { return strconv.FormatUint(u, 10) }

// varKind says what values a variable takes.
type varKind uint8

// Kinds of variables.
const (
	varRead varKind = iota // cannot be set
	varBool
	varInt
	varText
	varCharset // a UTF-8 character set
	varFixed   // accepts only the value it has: the feature behind it is absent
)

// sysvar is one system variable with its default.
type sysvar struct {
	value string
	kind  varKind
}

// check returns the normal form of a new value.
func (v sysvar) check(name, text string) (string, error) {
	switch v.kind {
	case varBool:
		switch strings.ToUpper(text) {
		case "1", "ON", "TRUE", "YES":
			return "ON", nil
		case "0", "OFF", "FALSE", "NO":
			return "OFF", nil
		}
		return "", badValue(name, text)
	case varInt:
		if _, err := strconv.ParseInt(text, 10, 64); err != nil {
			if _, err := strconv.ParseUint(text, 10, 64); err != nil {
				return "", &op.Error{Code: op.InvalidArgument, Object: "value", Msg: "Incorrect argument type to variable '" + name + "'"}
			}
		}
		return text, nil
	case varCharset:
		switch fold(text) {
		case "utf8mb4", "utf8mb3", "utf8", "binary":
			return fold(text), nil
		case "null":
			return "", nil
		}
		return "", &op.Error{Code: op.InvalidArgument, Object: "charset", Msg: "Unknown character set: '" + text + "'"}
	case varFixed:
		if v.value == "ON" || v.value == "OFF" {
			t, err := sysvar{v.value, varBool}.check(name, text)
			if err != nil {
				return "", err
			}
			text = t
		}
		if !strings.EqualFold(text, v.value) {
			return "", badValue(name, text)
		}
		return v.value, nil
	}
	switch name {
	case "transaction_isolation":
		return strings.ToUpper(strings.ReplaceAll(text, " ", "-")), nil
	case "sql_mode":
		return normalMode(text)
	}
	return text, nil
}

// canonical returns the current name of a variable that has had others.
func canonical(name string) string {
	name = fold(name)
	switch name {
	case "tx_isolation":
		return "transaction_isolation"
	case "tx_read_only":
		return "transaction_read_only"
	}
	return name
}

// globals holds the server-wide values that differ from the defaults.
type globals struct {
	srv *server
	mu  sync.RWMutex
	m   map[string]string
}

// newGlobals returns the defaults.
func newGlobals(s *server) *globals { return &globals{srv: s, m: map[string]string{}} }

// get returns a server-wide value.
func (g *globals) get(s *session, name string) string {
	g.mu.RLock()
	v, ok := g.m[name]
	g.mu.RUnlock()
	if ok {
		return v
	}
	switch name {
	case "version":
		return g.srv.version
	case "max_allowed_packet":
		return strconv.Itoa(g.srv.maxMsg)
	case "have_ssl", "have_openssl":
		if g.srv.env.TLS != nil {
			return "YES"
		}
		return "DISABLED"
	case "pseudo_thread_id":
		if s.reg != nil {
			return utoa(s.reg.ID)
		}
	}
	return sysvars[name].value
}

// set changes a server-wide value.
func (g *globals) set(name, text string) error {
	if name == "transaction_isolation" {
		if _, ok := isolations[text]; !ok {
			return badValue(name, text)
		}
	}
	g.mu.Lock()
	g.m[name] = text
	g.mu.Unlock()
	return nil
}

// value returns a variable as the session sees it.
func (s *session) value(name string, global bool) string {
	if !global {
		if v, ok := s.vars[name]; ok {
			return v
		}
		switch name {
		case "last_insert_id", "identity":
			return strconv.FormatInt(s.env.LastID, 10)
		case "warning_count":
			return strconv.Itoa(len(s.warnings))
		case "error_count":
			n := 0
			for _, w := range s.warnings {
				if w.level == "Error" {
					n++
				}
			}
			return strconv.Itoa(n)
		}
	}
	return s.srv.global.get(s, name)
}

// modes are the sql_mode words; the combined ones expand.
var modes = map[string]string{
	"ANSI":          "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI",
	"TRADITIONAL":   "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,NO_ENGINE_SUBSTITUTION",
	"REAL_AS_FLOAT": "", "PIPES_AS_CONCAT": "", "ANSI_QUOTES": "", "IGNORE_SPACE": "", "ONLY_FULL_GROUP_BY": "",
	"STRICT_TRANS_TABLES": "", "STRICT_ALL_TABLES": "", "NO_ZERO_IN_DATE": "", "NO_ZERO_DATE": "",
	"ERROR_FOR_DIVISION_BY_ZERO": "", "NO_ENGINE_SUBSTITUTION": "", "ALLOW_INVALID_DATES": "", "HIGH_NOT_PRECEDENCE": "",
	"NO_AUTO_VALUE_ON_ZERO": "", "NO_BACKSLASH_ESCAPES": "", "NO_DIR_IN_CREATE": "", "NO_UNSIGNED_SUBTRACTION": "",
	"PAD_CHAR_TO_FULL_LENGTH": "", "TIME_TRUNCATE_FRACTIONAL": "",
}

// normalMode checks and expands an sql_mode.
func normalMode(text string) (string, error) {
	var out []string
	for _, w := range strings.Split(strings.ToUpper(text), ",") {
		w = strings.TrimSpace(w)
		if w == "" {
			continue
		}
		x, ok := modes[w]
		switch {
		case w == "NO_AUTO_CREATE_USER": // removed in 8.0; old dumps set it
			continue
		case !ok:
			return "", badValue("sql_mode", w)
		case x != "":
			out = append(out, strings.Split(x, ",")...)
		default:
			out = append(out, w)
		}
	}
	return strings.Join(out, ","), nil
}

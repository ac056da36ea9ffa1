package postgres

import (
	"maps"
	"math"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// settings holds the values of one session's settings (GUCs) with the
// transaction rules of SET, SET LOCAL and ROLLBACK.
type settings struct {
	base  map[string]string // what RESET returns to, where it differs from the table
	cur   map[string]string // session values that differ from base
	local map[string]string // SET LOCAL, until the end of the transaction
	saved map[string]string // cur when the transaction began; nil = unchanged since
	inTxn bool
	dirty bool              // something changed since the last report
	sent  map[string]string // last reported values
}

// newSettings returns the defaults.
func newSettings() *settings {
	return &settings{base: map[string]string{}, cur: map[string]string{}, sent: map[string]string{}, dirty: true}
}

// get returns the effective value of a known setting.
func (g *settings) get(name string) string {
	for _, m := range []map[string]string{g.local, g.cur, g.base} {
		if v, ok := m[name]; ok {
			return v
		}
	}
	return guc[name].def
}

// lookup returns the effective value and whether the setting exists.
func (g *settings) lookup(name string) (string, bool) {
	if _, ok := guc[name]; ok {
		return g.get(name), true
	}
	if strings.Contains(name, ".") { // custom settings exist once they are set
		for _, m := range []map[string]string{g.local, g.cur, g.base} {
			if v, ok := m[name]; ok {
				return v, true
			}
		}
	}
	return "", false
}

// canonical lower-cases a name and resolves old spellings.
func canonical(name string) string {
	n := lower(name)
	switch n {
	case "time zone":
		return "timezone"
	case "names":
		return "client_encoding"
	case "transaction isolation level":
		return "transaction_isolation"
	}
	return n
}

// display returns a setting's name in the case PostgreSQL reports it.
func display(name string) string {
	if d := guc[name].show; d != "" {
		return d
	}
	return name
}

// errUnknownSetting says that a setting does not exist.
func errUnknownSetting(name string) error {
	return &stateError{state: "42704", msg: "unrecognized configuration parameter \"" + name + "\"", routine: "find_option"}
}

// check validates a new value and returns its stored form.
func check(name, v string) (string, error) {
	d, ok := guc[name]
	if !ok {
		if strings.Contains(name, ".") {
			return v, nil
		}
		return "", errUnknownSetting(name)
	}
	if d.fixed {
		return "", &stateError{state: "55P02", msg: "parameter \"" + name + "\" cannot be changed", routine: "set_config_option"}
	}
	bad := func(hint string) error {
		return &stateError{state: "22023", msg: "invalid value for parameter \"" + display(name) + "\": \"" + v + "\"", hint: hint, routine: "parse_and_validate_value"}
	}
	switch d.kind {
	case gucBool:
		b, err := datum.Parse(op.Type{Base: op.TBoolean}, v, datum.Options{})
		if err != nil {
			return "", &stateError{state: "22023", msg: "parameter \"" + name + "\" requires a Boolean value", routine: "parse_and_validate_value"}
		}
		if v = "off"; b.Int() == 1 {
			v = "on"
		}
	case gucInt:
		n, ok := withUnit(v, d.unit)
		if !ok {
			return "", bad("")
		}
		if n < d.min || n > d.max {
			return "", &stateError{state: "22023", msg: strconv.FormatInt(n, 10) + " is outside the valid range for parameter \"" + name +
				"\" (" + strconv.FormatInt(d.min, 10) + " .. " + strconv.FormatInt(d.max, 10) + ")", routine: "parse_and_validate_value"}
		}
		return strconv.FormatInt(n, 10), nil
	case gucFloat:
		if _, err := strconv.ParseFloat(v, 64); err != nil {
			return "", bad("")
		}
	case gucEnum:
		l := lower(v)
		if !oneOf(d.words, l) {
			return "", bad("Available values: " + strings.ReplaceAll(d.words, " ", ", ") + ".")
		}
		v = l
	case gucZone:
		if _, ok := zone(v); !ok {
			if h, err := strconv.ParseFloat(v, 64); err == nil && math.Abs(h) < 16 {
				return offsetZone(h), nil
			}
			return "", bad("")
		}
		if lower(v) == "default" || lower(v) == "local" {
			return d.def, nil
		}
	case gucStyle:
		return dateStyle(v, bad)
	case gucEncoding:
		e := strings.NewReplacer("-", "", "_", "").Replace(lower(v))
		if e != "utf8" && e != "unicode" {
			if e == "sqlascii" {
				return "SQL_ASCII", nil
			}
			return "", &stateError{state: "22023", msg: "conversion between " + strings.ToUpper(v) + " and UTF8 is not supported", routine: "check_client_encoding"}
		}
		return "UTF8", nil
	}
	if d.only != "" && lower(v) != d.only {
		return "", &stateError{state: "0A000", msg: "parameter \"" + name + "\" supports only the value \"" + d.only + "\" here", routine: "set_config_option"}
	}
	return v, nil
}

// oneOf reports whether v is one of the words, which have underscores for
// spaces.
func oneOf(words, v string) bool {
	for _, w := range strings.Split(words, " ") {
		if v == strings.ReplaceAll(w, "_", " ") || v == w {
			return true
		}
	}
	return false
}

// offsetZone names the zone of SET TIME ZONE hours.
func offsetZone(hours float64) string {
	sec := int(hours * 3600)
	sign := "+"
	if sec < 0 {
		sign, sec = "-", -sec
	}
	t := time.Time{}.Add(time.Duration(sec) * time.Second)
	return sign + t.Format("15:04")
}

// withUnit reads an integer with an optional time or memory unit and returns
// it in the setting's own unit.
func withUnit(v, unit string) (int64, bool) {
	v = strings.TrimSpace(v)
	i := 0
	for i < len(v) && (v[i] >= '0' && v[i] <= '9' || v[i] == '-' || v[i] == '.' || v[i] == '+') {
		i++
	}
	f, err := strconv.ParseFloat(v[:i], 64)
	if err != nil {
		return 0, false
	}
	suffix := strings.TrimSpace(v[i:])
	if suffix != "" {
		from, ok := unitScale[suffix]
		to, ok2 := unitScale[unit]
		if !ok || !ok2 || (from.mem != to.mem) {
			return 0, false
		}
		f = f * from.n / to.n
	}
	if math.Abs(f) > 1<<62 {
		return 0, false
	}
	return int64(math.RoundToEven(f)), true
}

// unitScale are the units of settings in microseconds or bytes.
var unitScale = map[string]struct {
	n   float64
	mem bool
}{
	"us": {1, false}, "ms": {1e3, false}, "s": {1e6, false}, "min": {6e7, false}, "h": {3.6e9, false}, "d": {8.64e10, false},
	"B": {1, true}, "kB": {1024, true}, "8kB": {8192, true}, "MB": {1 << 20, true}, "GB": {1 << 30, true}, "TB": {1 << 40, true},
}

// dateStyle checks a DateStyle; only the ISO output style is served.
func dateStyle(v string, bad func(string) error) (string, error) {
	order := "MDY"
	for _, w := range strings.FieldsFunc(lower(v), func(r rune) bool { return r == ',' || r == ' ' }) {
		switch w {
		case "iso", "default":
		case "mdy", "us", "noneuro", "noneuropean":
			order = "MDY"
		case "dmy", "euro", "european":
			order = "DMY"
		case "ymd":
			order = "YMD"
		case "sql", "postgres", "german":
			return "", &stateError{state: "0A000", msg: "DateStyle \"" + w + "\" is not supported: output is always ISO", routine: "check_datestyle"}
		default:
			return "", bad("")
		}
	}
	return "ISO, " + order, nil
}

// start applies a setting of the start-up packet: it becomes what RESET
// returns to.
func (g *settings) start(name, v string) error {
	name = canonical(name)
	v, err := check(name, v)
	if err != nil {
		return err
	}
	g.base[name] = v
	return nil
}

// assign sets or (v == nil) resets a setting.
func (g *settings) assign(name string, v *string, local bool) error {
	val := ""
	if v != nil {
		var err error
		if val, err = check(name, *v); err != nil {
			return err
		}
	} else if _, ok := g.lookup(name); !ok && !strings.Contains(name, ".") {
		return errUnknownSetting(name)
	}
	if local && !g.inTxn { // it would end with this very statement
		return nil
	}
	g.dirty = true
	if local {
		if g.local == nil {
			g.local = map[string]string{}
		}
		if v == nil {
			val = guc[name].def
			if b, ok := g.base[name]; ok {
				val = b
			}
		}
		g.local[name] = val
		return nil
	}
	if g.inTxn && g.saved == nil {
		g.saved = maps.Clone(g.cur)
	}
	delete(g.local, name)
	if v == nil {
		delete(g.cur, name)
	} else {
		g.cur[name] = val
	}
	return nil
}

// resetAll forgets every session value.
func (g *settings) resetAll() {
	if g.inTxn && g.saved == nil {
		g.saved = maps.Clone(g.cur)
	}
	clear(g.cur)
	g.local, g.dirty = nil, true
}

// begin marks the start of a transaction block.
func (g *settings) begin() { g.inTxn, g.saved, g.local = true, nil, nil }

// end applies the end of a transaction block.
func (g *settings) end(committed bool) {
	if g.local != nil || !committed && g.saved != nil {
		g.dirty = true
	}
	if !committed && g.saved != nil {
		g.cur = g.saved
	}
	g.inTxn, g.saved, g.local = false, nil, nil
}

// all returns every effective value, custom ones included.
func (g *settings) all() map[string]string {
	m := make(map[string]string, len(guc)+8)
	for n, d := range guc {
		m[n] = d.def
	}
	maps.Copy(m, g.base)
	maps.Copy(m, g.cur)
	maps.Copy(m, g.local)
	return m
}

// shown writes a value the way SHOW does: with its unit.
func shown(name, v string) string {
	d := guc[name]
	if d.kind != gucInt || d.unit == "" {
		return v
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n <= 0 {
		return v
	}
	steps := []string{"d", "h", "min", "s", "ms"}
	if unitScale[d.unit].mem {
		steps = []string{"TB", "GB", "MB", "kB"}
	}
	total := float64(n) * unitScale[d.unit].n
	for _, u := range steps {
		if k := total / unitScale[u].n; k == math.Trunc(k) {
			return strconv.FormatInt(int64(k), 10) + u
		}
	}
	return v + d.unit
}

// settingsChanged derives what the session keeps from its settings.
func (s *session) settingsChanged() {
	g := s.set
	env := *s.env
	env.TimeZone = g.get("timezone")
	env.DateStyle = g.get("datestyle")
	env.SearchPath = searchPath(g.get("search_path"), s.user)
	if s.temp != "" {
		env.SearchPath = append([]string{s.temp}, env.SearchPath...)
	}
	env.Settings = g.all()
	env.User, env.Database = s.user, s.database
	s.env = &env
	s.text.DayFirst = strings.HasSuffix(env.DateStyle, "DMY")
	if loc, ok := zone(env.TimeZone); ok {
		s.text.Location = loc
	}
	s.timeout = g.duration("statement_timeout")
	s.idle[0], s.idle[1] = g.duration("idle_session_timeout"), g.duration("idle_in_transaction_session_timeout")
}

// duration returns a setting in milliseconds.
func (g *settings) duration(name string) time.Duration {
	ms, err := strconv.Atoi(g.get(name))
	if err != nil {
		return 0
	}
	return time.Duration(ms) * time.Millisecond
}

// searchPath splits a search_path into schemas.
func searchPath(v, user string) (out []string) {
	for _, p := range strings.Split(v, ",") {
		p = strings.TrimSpace(p)
		switch {
		case p == `"$user"` || p == "$user":
			p = user
		case len(p) >= 2 && p[0] == '"' && p[len(p)-1] == '"':
			p = strings.ReplaceAll(p[1:len(p)-1], `""`, `"`)
		default:
			p = lower(p)
		}
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// reportSettings sends ParameterStatus for reported settings that changed.
func (s *session) reportSettings() {
	if !s.set.dirty {
		return
	}
	s.set.dirty = false
	for _, n := range reported {
		v := s.set.get(n)
		if n == "session_authorization" && v == "" {
			v = s.user
		}
		if old, ok := s.set.sent[n]; !ok || old != v {
			s.set.sent[n] = v
			s.w.parameter(display(n), v)
		}
	}
}

// reported are the settings clients are told about.
var reported = reportedSettings()

// reportedSettings lists the names marked in the table, sorted.
func reportedSettings() (out []string) {
	for n, d := range guc {
		if d.report {
			out = append(out, n)
		}
	}
	sort.Strings(out)
	return out
}

// sortedSettings lists every known setting by name.
func sortedSettings() []string {
	names := make([]string, 0, len(guc))
	for n := range guc {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}

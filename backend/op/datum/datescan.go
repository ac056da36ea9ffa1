package datum

import (
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// fields is what a date/time text says, before it is checked against a type.
type fields struct {
	year, month, day int
	hasYear          bool
	twoDigit         bool // the year was written with at most two digits
	hasDate          bool
	hasTime          bool
	bc               bool
	julian           bool
	jday             int64
	clock            int64 // microseconds of the day
	hasOffset        bool
	offset           int // seconds east of UTC
	zone             *time.Location
	special          int64     // PosInfinity or NegInfinity
	instant          bool      // now
	when             time.Time // what now was
}

// scanner walks over a date/time text. Numbers that stand alone are collected
// and given a meaning at the end, when it is known whether a month name came.
type scanner struct {
	fields
	s     string // lower case
	at    int
	nums  []string
	named bool // a month name was read
	pm    int  // 0 none, 1 am, 2 pm
	time  bool // a type without date
	// badZone is a zone name that does not exist.
	badZone string
	o       *Options
}

// scanDatetime reads the fields of text for a type.
func scanDatetime(typ, text string, o *Options) (*fields, error) {
	s := strings.ToLower(trim(text))
	if s == "" || len(s) > 128 {
		return nil, errDatetime(typ, text)
	}
	sc := &scanner{s: s, o: o, time: strings.HasPrefix(typ, "time ") || typ == "time"}
	for sc.at < len(s) {
		if !sc.step(trim(text)) {
			if strings.ContainsAny(sc.badZone, "/+0123456789") {
				return nil, op.Errorf(op.InvalidArgument, "time zone \"%s\" not recognized", sc.badZone)
			}
			return nil, errDatetime(typ, text)
		}
	}
	switch sc.numbers() {
	case scanBad:
		return nil, errDatetime(typ, text)
	case scanRange:
		return nil, errField(text)
	}
	if sc.pm != 0 {
		h := sc.clock / Hour
		if !sc.hasTime || h > 12 || h == 0 {
			return nil, errField(text)
		}
		if h == 12 {
			sc.clock -= 12 * Hour
		}
		if sc.pm == 2 {
			sc.clock += 12 * Hour
		}
	}
	if sc.clock > Day || sc.clock < 0 {
		return nil, errField(text)
	}
	return &sc.fields, nil
}

// step reads one token. orig is the text in its own case, for zone names.
func (sc *scanner) step(orig string) bool {
	c := sc.s[sc.at]
	switch {
	case c == ' ' || c == ',' || c == '\t' || c == '\n':
		sc.at++
		return true
	case c >= '0' && c <= '9':
		return sc.number()
	case isLetter(c):
		return sc.word(orig)
	case c == '+' || c == '-':
		return sc.sign()
	}
	return false
}

// isLetter reports an ASCII letter.
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

// sign reads a zone offset or a signed infinity.
func (sc *scanner) sign() bool {
	rest := sc.s[sc.at:]
	if rest == "-infinity" || rest == "-inf" {
		sc.special, sc.at = NegInfinity, len(sc.s)
		return true
	}
	off, n, ok := scanOffset(rest)
	if !ok || sc.hasOffset || sc.zone != nil || !sc.hasTime && !sc.hasDate {
		return false
	}
	sc.offset, sc.hasOffset = off, true
	sc.at += n
	return true
}

// scanOffset reads ±h, ±hh, ±hhmm, ±hh:mm or ±hh:mm:ss.
func scanOffset(s string) (off, n int, ok bool) {
	if len(s) < 2 || s[0] != '+' && s[0] != '-' {
		return 0, 0, false
	}
	d := digits(s[1:])
	n = 1 + d
	var h, m, sec int
	switch {
	case d == 0 || d > 6 || d == 5:
		return 0, 0, false
	case d <= 2:
		h = atoi(s[1:n])
		if len(s) > n+2 && s[n] == ':' && digits(s[n+1:]) == 2 {
			m = atoi(s[n+1 : n+3])
			n += 3
			if len(s) > n+2 && s[n] == ':' && digits(s[n+1:]) == 2 {
				sec = atoi(s[n+1 : n+3])
				n += 3
			}
		}
	case d <= 4:
		h, m = atoi(s[1:n-2]), atoi(s[n-2:n])
	default:
		h, m, sec = atoi(s[1:n-4]), atoi(s[n-4:n-2]), atoi(s[n-2:n])
	}
	if h > 15 || m > 59 || sec > 59 {
		return 0, 0, false
	}
	off = h*3600 + m*60 + sec
	if s[0] == '-' {
		off = -off
	}
	return off, n, true
}

// atoi reads digits that are known to be few.
func atoi(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 1 << 30
	}
	return n
}

// number reads a token that starts with a digit.
func (sc *scanner) number() bool {
	rest := sc.s[sc.at:]
	n := digits(rest)
	if n > 10 && !(n == 14) {
		return false
	}
	next := byte(0)
	if n < len(rest) {
		next = rest[n]
	}
	switch {
	case next == ':':
		us, w, ok := scanClock(rest)
		if !ok || sc.hasTime {
			return false
		}
		sc.clock, sc.hasTime = us, true
		sc.at += w
		return true
	case (next == '-' || next == '/' || next == '.') && !sc.hasDate && n+1 < len(rest) && !(sc.time && n == 6) &&
		(isLetter(rest[n+1]) || rest[n+1] >= '0' && rest[n+1] <= '9'):
		return sc.dashed(rest, next)
	}
	return sc.plain(rest, n)
}

// plain reads digits without separators.
func (sc *scanner) plain(rest string, n int) bool {
	d := rest[:n]
	sc.at += n
	complete := sc.hasDate || sc.time
	switch {
	case n == 14 && !sc.hasDate && !sc.time:
		sc.setDate(d[:4], d[4:6], d[6:8])
		return sc.setClock(d[8:10], d[10:12], d[12:14], "")
	case n == 8 && !sc.hasDate && !sc.time:
		sc.setDate(d[:4], d[4:6], d[6:8])
		return true
	case n == 6 && complete && !sc.hasTime:
		f := ""
		if n < len(rest) && rest[n] == '.' {
			w := digits(rest[n+1:])
			f = rest[n+1 : n+1+w]
			sc.at += 1 + w
		}
		return sc.setClock(d[:2], d[2:4], d[4:6], f)
	case n == 4 && complete && !sc.hasTime && !sc.named:
		return sc.setClock(d[:2], d[2:4], "0", "")
	case n == 6 && !sc.hasDate && !sc.named:
		sc.setDate(d[:2], d[2:4], d[4:6])
		return true
	}
	sc.nums = append(sc.nums, d)
	return len(sc.nums) <= 3
}

// setDate takes a year, month and day written as digits.
func (sc *scanner) setDate(y, m, d string) {
	sc.year, sc.month, sc.day = atoi(y), atoi(m), atoi(d)
	sc.twoDigit = len(y) <= 2
	sc.hasYear, sc.hasDate = true, true
}

// setClock takes a time written as digits.
func (sc *scanner) setClock(h, m, s, f string) bool {
	text := h + ":" + m + ":" + s
	if f != "" {
		text += "." + f
	}
	us, n, ok := scanClock(text)
	sc.clock, sc.hasTime = us, true
	return ok && n == len(text)
}

// scanClock reads h:mm[:ss[.f]] and returns microseconds and the length read.
func scanClock(s string) (us int64, n int, ok bool) {
	n = digits(s)
	if n == 0 || n > 3 || n >= len(s) || s[n] != ':' {
		return 0, 0, false
	}
	h := atoi(s[:n])
	w := digits(s[n+1:])
	if w == 0 || w > 2 {
		return 0, 0, false
	}
	m := atoi(s[n+1 : n+1+w])
	n += 1 + w
	sec, frac := 0, int64(0)
	if n < len(s) && s[n] == ':' {
		w = digits(s[n+1:])
		if w == 0 || w > 2 {
			return 0, 0, false
		}
		sec = atoi(s[n+1 : n+1+w])
		n += 1 + w
		if n < len(s) && s[n] == '.' {
			w = digits(s[n+1:])
			frac = fraction(s[n+1 : n+1+w])
			n += 1 + w
		}
	}
	if m > 59 || sec > 60 {
		return 25 * Hour, n, true // reported as a field out of range
	}
	return int64(h)*Hour + int64(m)*Minute + int64(sec)*Second + frac, n, true
}

// fraction turns fraction digits into microseconds, rounding.
func fraction(d string) int64 {
	us, unit := int64(0), int64(100000)
	for i := 0; i < len(d) && i < 6; i++ {
		us += int64(d[i]-'0') * unit
		unit /= 10
	}
	if len(d) > 6 && d[6] >= '5' {
		us++
	}
	return us
}

// dashed reads a date whose fields are joined by one separator.
func (sc *scanner) dashed(rest string, sep byte) bool {
	var part [3]string
	k, n := 0, 0
	for ; k < 3; k++ {
		w := digits(rest[n:])
		if w == 0 {
			for n+w < len(rest) && isLetter(rest[n+w]) {
				w++
			}
		}
		if w == 0 {
			return false
		}
		part[k] = rest[n : n+w]
		n += w
		if k < 2 {
			if n >= len(rest) || rest[n] != sep {
				break
			}
			n++
		}
	}
	sc.at += n
	if k == 1 && part[1] != "" && len(part[0]) == 4 && sep == '.' { // 2024.123: year and day
		return sc.yearDay(part[0], part[1])
	}
	if k < 3 {
		return false
	}
	for i, p := range part {
		if !isLetter(p[0]) {
			continue
		}
		m := monthOf(p)
		if m == 0 || i == 2 {
			return false
		}
		sc.named = true
		y, d := part[2], part[1-i]
		if i == 1 && len(part[0]) > 2 { // 2024-jan-05
			y, d = part[0], part[2]
		}
		sc.setDate(y, strconv.Itoa(m), d)
		return true
	}
	switch {
	case len(part[0]) > 2:
		sc.setDate(part[0], part[1], part[2])
	case sc.o.DayFirst:
		sc.setDate(part[2], part[1], part[0])
	default:
		sc.setDate(part[2], part[0], part[1])
	}
	return true
}

// yearDay takes a year and a day of the year.
func (sc *scanner) yearDay(y, d string) bool {
	n := atoi(d)
	if len(d) != 3 || n < 1 || n > 366 {
		return false
	}
	_, sc.month, sc.day = CivilFromDays(DaysFromCivil(atoi(y), 1, 1) + int64(n) - 1)
	sc.year, sc.hasYear, sc.hasDate = atoi(y), true, true
	return true
}

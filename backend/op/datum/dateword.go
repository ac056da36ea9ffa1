package datum

import "strings"

// scanResult says what numbers made of the collected numbers.
type scanResult uint8

// Results of numbers.
const (
	scanOK scanResult = iota
	scanBad
	scanRange
)

// numbers gives the numbers that stood alone a meaning: with a month name they
// are day and year, without they are the three fields of a date.
func (sc *scanner) numbers() scanResult {
	n := sc.nums
	switch {
	case len(n) == 0:
		if sc.named && !sc.hasDate {
			return scanBad
		}
		return scanOK
	case sc.hasDate:
		if sc.pm != 0 && !sc.hasTime && len(n) == 1 { // "10 pm"
			return sc.hour(n[0])
		}
		return scanBad
	case sc.named && len(n) == 2:
		day, year := n[0], n[1]
		if len(day) > 2 {
			day, year = year, day
		}
		m := sc.month
		sc.setDate(year, "0", day)
		sc.month = m
		return scanOK
	case sc.named && len(n) == 3 && sc.pm != 0 && !sc.hasTime:
		hour := n[2]
		sc.nums = n[:2]
		sc.numbers()
		return sc.hour(hour)
	case sc.pm != 0 && len(n) == 1 && !sc.hasTime:
		return sc.hour(n[0])
	case len(n) == 3 && !sc.named:
		switch {
		case len(n[0]) > 2:
			sc.setDate(n[0], n[1], n[2])
		case sc.o.DayFirst:
			sc.setDate(n[2], n[1], n[0])
		default:
			sc.setDate(n[2], n[0], n[1])
		}
		return scanOK
	}
	return scanBad
}

// hour takes a lone number before AM or PM.
func (sc *scanner) hour(d string) scanResult {
	h := atoi(d)
	if len(d) > 2 || h > 12 {
		return scanRange
	}
	sc.clock, sc.hasTime = int64(h)*Hour, true
	return scanOK
}

// months are the month names; a name may be cut to three letters.
var months = [...]string{"january", "february", "march", "april", "may", "june", "july", "august",
	"september", "october", "november", "december"}

// weekdays are ignored in input.
var weekdays = [...]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}

// monthOf returns the month of a name, 0 if it is none.
func monthOf(s string) int {
	if s == "sept" {
		return 9
	}
	for i, m := range months {
		if s == m || len(s) == 3 && strings.HasPrefix(m, s) {
			return i + 1
		}
	}
	return 0
}

// isWeekday reports a day name or its usual short forms.
func isWeekday(s string) bool {
	for _, d := range weekdays {
		if len(s) >= 3 && len(s) <= 5 && strings.HasPrefix(d, s) || s == d {
			return true
		}
	}
	return false
}

// word reads a token that starts with a letter.
func (sc *scanner) word(orig string) bool {
	n := sc.at
	for n < len(sc.s) && isLetter(sc.s[n]) {
		n++
	}
	w := sc.s[sc.at:n]
	if m := monthOf(w); m != 0 && !sc.hasDate && !sc.named {
		sc.month, sc.named, sc.at = m, true, n
		if n < len(sc.s) && (sc.s[n] == '-' || sc.s[n] == '/' || sc.s[n] == '.') { // jan-05-2024
			sc.at++
			return sc.afterMonth(sc.s[n])
		}
		if n < len(sc.s) && sc.s[n] == '.' {
			sc.at++
		}
		return true
	}
	if isWeekday(w) {
		sc.at = n
		return true
	}
	if w == "j" && !sc.hasDate && digits(sc.s[n:]) > 0 {
		d := digits(sc.s[n:])
		sc.jday, sc.julian, sc.hasDate = int64(atoi(sc.s[n:n+d])), true, true
		sc.at = n + d
		return true
	}
	if sc.keyword(w) {
		sc.at = n
		return true
	}
	return sc.zoneWord(orig, w)
}

// afterMonth reads dd-yyyy after "mon-".
func (sc *scanner) afterMonth(sep byte) bool {
	rest := sc.s[sc.at:]
	d := digits(rest)
	if d == 0 || d >= len(rest) || rest[d] != sep {
		return d > 0 && sep == '.'
	}
	y := digits(rest[d+1:])
	if y == 0 {
		return false
	}
	sc.nums = append(sc.nums, rest[:d], rest[d+1:d+1+y])
	sc.at += d + 1 + y
	return len(sc.nums) == 2
}

// keyword applies a word with a fixed meaning.
func (sc *scanner) keyword(w string) bool {
	day := func(add int64) bool {
		us := LocalMicros(sc.o.now().UnixMicro(), sc.o.location())
		days, _ := SplitMicros(us)
		sc.year, sc.month, sc.day = CivilFromDays(days + add)
		sc.hasYear, sc.hasDate = true, true
		return true
	}
	switch w {
	case "t", "at", "on":
		return sc.hasDate || w != "t" || sc.time
	case "am", "pm":
		if sc.pm != 0 {
			return false
		}
		sc.pm = 1
		if w == "pm" {
			sc.pm = 2
		}
	case "bc":
		sc.bc = true
	case "ad":
	case "infinity", "inf":
		sc.special = PosInfinity
	case "now":
		sc.instant, sc.when = true, sc.o.now()
		day(0)
	case "epoch":
		sc.year, sc.month, sc.day, sc.hasYear, sc.hasDate = 1970, 1, 1, true, true
		sc.offset, sc.hasOffset = 0, true
	case "today":
		return day(0)
	case "tomorrow":
		return day(1)
	case "yesterday":
		return day(-1)
	case "allballs":
		sc.clock, sc.hasTime, sc.offset, sc.hasOffset = 0, true, 0, true
	default:
		return false
	}
	return true
}

// zoneWord reads a zone abbreviation or an IANA name.
func (sc *scanner) zoneWord(orig, w string) bool {
	if sc.hasOffset || sc.zone != nil || !sc.hasTime && !sc.hasDate {
		return false
	}
	n := sc.at
	for n < len(sc.s) && sc.s[n] != ' ' && sc.s[n] != ',' {
		n++
	}
	full := sc.s[sc.at:n]
	if off, ok := abbreviations[w]; ok && (full == w || len(orig) != len(sc.s)) {
		sc.offset, sc.hasOffset = off, true
		sc.at += len(w)
		return true
	}
	if len(orig) == len(sc.s) {
		full = orig[sc.at:n]
	}
	loc, ok := loadZone(full)
	if !ok {
		sc.badZone = strings.ToLower(full)
		return false
	}
	sc.zone, sc.at = loc, n
	return true
}

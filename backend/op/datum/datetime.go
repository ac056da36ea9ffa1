package datum

import (
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// parseDate reads a date; a time and zone are read and dropped.
func parseDate(text string, o *Options) (op.Value, error) {
	f, err := scanDatetime("date", text, o)
	if err != nil {
		return op.Null, err
	}
	if f.special != 0 {
		return op.Int64(f.special), nil
	}
	if !f.hasDate {
		return op.Null, errDatetime("date", text)
	}
	days, err := f.days(text)
	if err != nil {
		return op.Null, err
	}
	if days < minDay || days > maxDay {
		return op.Null, errDateRange("date", text)
	}
	return op.Int64(days), nil
}

// parseTimestamp reads a timestamp without or with time zone. A zone in the
// text of a timestamp without one is ignored, as the standard and PostgreSQL
// have it.
func parseTimestamp(t op.Type, text string, o *Options) (op.Value, error) {
	name, tz := "timestamp", t.Base == op.TTimestampTZ
	if tz {
		name = "timestamp with time zone"
	}
	f, err := scanDatetime(name, text, o)
	if err != nil {
		return op.Null, err
	}
	if f.special != 0 {
		return op.Int64(f.special), nil
	}
	if f.instant {
		us := f.when.UnixMicro()
		if !tz {
			us = LocalMicros(us, o.location())
		}
		return op.Int64(RoundMicros(us, t.Size)), nil
	}
	if !f.hasDate {
		return op.Null, errDatetime(name, text)
	}
	days, err := f.days(text)
	if err != nil {
		return op.Null, err
	}
	if days < minDay || days > maxMicros/Day-1 {
		return op.Null, errDateRange("timestamp", text)
	}
	us := days*Day + f.clock
	if tz {
		us = f.toInstant(us, o.location())
	}
	return op.Int64(RoundMicros(us, t.Size)), nil
}

// toInstant applies the zone of the text, or the session's.
func (f *fields) toInstant(local int64, session *time.Location) int64 {
	switch {
	case f.hasOffset:
		return local - int64(f.offset)*Second
	case f.zone != nil:
		return InstantMicros(local, f.zone)
	}
	return InstantMicros(local, session)
}

// parseTime reads a time of day.
func parseTime(t op.Type, text string, o *Options) (op.Value, error) {
	f, err := scanDatetime("time", text, o)
	if err != nil {
		return op.Null, err
	}
	if f.instant {
		_, f.clock = SplitMicros(LocalMicros(f.when.UnixMicro(), o.location()))
		f.hasTime = true
	}
	if !f.hasTime || f.special != 0 {
		return op.Null, errDatetime("time", text)
	}
	return op.Int64(RoundMicros(f.clock, t.Size)), nil
}

// parseTimeTZ reads a time of day with zone, kept as text.
func parseTimeTZ(t op.Type, text string, o *Options) (op.Value, error) {
	const name = "time with time zone"
	f, err := scanDatetime(name, text, o)
	if err != nil {
		return op.Null, err
	}
	if !f.hasTime || f.special != 0 || f.instant {
		return op.Null, errDatetime(name, text)
	}
	off := f.offset
	if !f.hasOffset {
		loc, at := o.location(), o.now()
		if f.zone != nil {
			loc = f.zone
		}
		if f.hasDate {
			days, err := f.days(text)
			if err != nil {
				return op.Null, err
			}
			if days > -1e6 && days < 1e6 {
				at = time.UnixMicro(InstantMicros(days*Day+f.clock, loc))
			}
		}
		_, off = at.In(loc).Zone()
	}
	b := appendClock(make([]byte, 0, 24), RoundMicros(f.clock, t.Size))
	return op.Value{Kind: op.KindText, Raw: appendOffset(b, off)}, nil
}

// SplitTimeTZ cuts a stored timetz into microseconds and seconds east of UTC.
func SplitTimeTZ(s string) (us int64, off int, ok bool) {
	i := strings.LastIndexAny(s, "+-")
	if i < 0 {
		return 0, 0, false
	}
	us, n, ok := scanClock(s[:i])
	if !ok || n != i {
		return 0, 0, false
	}
	off, n, ok = scanOffset(s[i:])
	return us, off, ok && n == len(s)-i
}

// AppendTimeTZ writes the stored form of a timetz.
func AppendTimeTZ(dst []byte, us int64, off int) []byte {
	return appendOffset(appendClock(dst, us), off)
}

// days returns the day number of the date fields after checking them.
func (f *fields) days(text string) (int64, error) {
	if f.julian {
		return f.jday - 2440588, nil
	}
	y := f.year
	if y == 0 && f.hasYear && !f.twoDigit || y > 6_000_000 {
		return 0, errField(text)
	}
	if f.twoDigit && !f.bc {
		if y < 70 {
			y += 2000
		} else {
			y += 1900
		}
	}
	if f.bc {
		y = 1 - y
	}
	if f.month < 1 || f.month > 12 || f.day < 1 || f.day > DaysIn(y, f.month) {
		return 0, errField(text)
	}
	return DaysFromCivil(y, f.month, f.day), nil
}

// ParseZone finds a time zone: UTC, an abbreviation, an offset (+05:30) or an
// IANA name in any case.
func ParseZone(name string) (*time.Location, bool) {
	if name == "" || len(name) > 64 {
		return nil, false
	}
	low := strings.ToLower(name)
	if low == "utc" || low == "gmt" || low == "z" || low == "zulu" || low == "default" || low == "local" {
		return time.UTC, true
	}
	if off, n, ok := scanOffset(name); ok && n == len(name) {
		return time.FixedZone(offsetName(off), off), true
	}
	if loc, ok := loadZone(name); ok {
		return loc, true
	}
	if off, ok := abbreviations[low]; ok {
		return time.FixedZone(strings.ToUpper(low), off), true
	}
	return nil, false
}

// offsetName names a fixed zone as its offset.
func offsetName(off int) string { return string(appendOffset(nil, off)) }

// loadZone finds an IANA zone without regard to case.
func loadZone(name string) (*time.Location, bool) {
	for i := 0; i < len(name); i++ {
		c := name[i]
		if !isLetter(c) && (c < '0' || c > '9') && c != '_' && c != '/' && c != '-' && c != '+' {
			return nil, false
		}
	}
	if strings.EqualFold(name, "local") {
		return nil, false
	}
	for _, n := range []string{name, titleZone(name), strings.ToUpper(name)} {
		if loc, err := time.LoadLocation(n); err == nil {
			return loc, true
		}
	}
	return nil, false
}

// titleZone writes a zone name the way the database does: Europe/Berlin.
func titleZone(s string) string {
	b := []byte(strings.ToLower(s))
	up := true
	for i, c := range b {
		if up && c >= 'a' && c <= 'z' {
			b[i] = c - 32
		}
		up = c == '/' || c == '_' || c == '-'
	}
	return string(b)
}

// abbreviations are the zone abbreviations read in input, in seconds east.
var abbreviations = map[string]int{
	"est": -5 * 3600, "edt": -4 * 3600, "cst": -6 * 3600, "cdt": -5 * 3600, "mst": -7 * 3600,
	"mdt": -6 * 3600, "pst": -8 * 3600, "pdt": -7 * 3600, "akst": -9 * 3600, "akdt": -8 * 3600,
	"hst": -10 * 3600, "ast": -4 * 3600, "adt": -3 * 3600, "nst": -12600, "ndt": -9000,
	"utc": 0, "gmt": 0, "z": 0, "zulu": 0, "ut": 0, "wet": 0, "west": 3600, "bst": 3600,
	"cet": 3600, "cest": 2 * 3600, "met": 3600, "mest": 2 * 3600, "eet": 2 * 3600, "eest": 3 * 3600,
	"msk": 3 * 3600, "msd": 4 * 3600, "ist": 2 * 3600, "sast": 2 * 3600, "jst": 9 * 3600, "kst": 9 * 3600,
	"hkt": 8 * 3600, "sgt": 8 * 3600, "awst": 8 * 3600, "acst": 34200, "acdt": 37800, "aest": 10 * 3600,
	"aedt": 11 * 3600, "nzst": 12 * 3600, "nzdt": 13 * 3600, "brt": -3 * 3600, "brst": -2 * 3600, "art": -3 * 3600,
}

package datum

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// mysqlParts cuts a date/time text at any punctuation into at most seven runs
// of digits (the last the fraction) and an optional zone offset. Text without
// separators is cut by position.
func mysqlParts(s string) (p []string, off int, hasOff, ok bool) {
	s = trim(s)
	if i := strings.LastIndexAny(s, "+-"); i > 10 && strings.IndexByte(s, ':') > 0 && strings.IndexByte(s, ':') < i {
		o, n, good := scanOffset(s[i:])
		if good && n == len(s)-i {
			s, off, hasOff = trim(s[:i]), o, true
		}
	} else if strings.HasSuffix(s, "Z") {
		s, hasOff = s[:len(s)-1], true
	}
	n := digits(s)
	if n >= 5 && (n == len(s) || s[n] == '.' || s[n] == 'T') {
		return packed(s, n, off, hasOff)
	}
	for s != "" {
		n := digits(s)
		if n == 0 || len(p) == 7 {
			return nil, 0, false, false
		}
		p = append(p, s[:n])
		s = s[n:]
		for s != "" && digits(s) == 0 {
			if isLetter(s[0]) && s[0] != 'T' || s[0] >= 0x80 {
				return nil, 0, false, false
			}
			s = s[1:]
		}
	}
	return p, off, hasOff, len(p) >= 3
}

// packed cuts YYMMDD, YYYYMMDD, YYMMDDhhmmss and YYYYMMDDhhmmss[.f].
func packed(s string, n, off int, hasOff bool) (p []string, _ int, _, ok bool) {
	year := 2
	if n == 8 || n >= 14 {
		year = 4
	}
	if n < year+4 {
		s = "0" + s // numbers lose their leading zero: 50101 is 2005-01-01
		n++
	}
	if n < year+4 || n > 14 {
		return nil, 0, false, false
	}
	p = []string{s[:year], s[year : year+2], s[year+2 : year+4]}
	for i := year + 4; i < n; i += 2 {
		p = append(p, s[i:min(i+2, n)])
	}
	rest := strings.TrimLeft(s[n:], ".")
	if rest != "" && digits(rest) == len(rest) && len(p) == 6 {
		p = append(p, rest)
	}
	return p, off, hasOff, true
}

// mysqlCivil checks a year, month and day. Zero reports the zero date.
func mysqlCivil(p []string) (days int64, zero, ok bool) {
	if len(p[0]) > 4 || len(p[1]) > 2 || len(p[2]) > 2 {
		return 0, false, false
	}
	y, m, d := atoi(p[0]), atoi(p[1]), atoi(p[2])
	if y == 0 && m == 0 && d == 0 {
		return 0, true, true
	}
	if len(p[0]) <= 2 {
		if y < 70 {
			y += 2000
		} else {
			y += 1900
		}
	}
	if m < 1 || m > 12 || d < 1 || d > DaysIn(y, m) {
		return 0, false, false
	}
	return DaysFromCivil(y, m, d), false, true
}

// mysqlDate reads a DATE.
func mysqlDate(text string) (op.Value, error) {
	p, _, _, ok := mysqlParts(text)
	if ok {
		days, zero, good := mysqlCivil(p)
		if zero {
			return op.Int64(ZeroDate), nil
		}
		if good {
			return op.Int64(days), nil
		}
	}
	e := errMySQL("date", text)
	e.Object = ObjectDatetime
	return op.Int64(ZeroDate), e
}

// mysqlDatetime reads a DATETIME or TIMESTAMP.
func mysqlDatetime(t op.Type, text string, o *Options) (op.Value, error) {
	p, off, hasOff, ok := mysqlParts(text)
	e := errMySQL("datetime", text)
	e.Object = ObjectDatetime
	if !ok {
		return op.Int64(ZeroDate), e
	}
	days, zero, ok := mysqlCivil(p)
	if !ok {
		return op.Int64(ZeroDate), e
	}
	var us int64
	for i, x := range p[3:] {
		n := int64(atoi(x))
		switch {
		case i == 0 && n < 24:
			us += n * Hour
		case i == 1 && n < 60:
			us += n * Minute
		case i == 2 && n < 60:
			us += n * Second
		case i == 3:
			us += fraction(x)
		default:
			return op.Int64(ZeroDate), e
		}
	}
	if zero {
		if us != 0 {
			return op.Int64(ZeroDate), e
		}
		return op.Int64(ZeroDate), nil
	}
	us += days * Day
	size := t.Size
	if size <= 0 {
		size = 1
	}
	switch {
	case t.Base == op.TTimestampTZ && hasOff:
		us -= int64(off) * Second
	case t.Base == op.TTimestampTZ:
		us = InstantMicros(us, o.location())
	case hasOff:
		us = LocalMicros(us-int64(off)*Second, o.location())
	}
	return op.Int64(RoundMicros(us, size)), nil
}

// mysqlTime reads a TIME: [-][D ]hh:mm[:ss[.f]], hhmmss[.f] or a DATETIME.
func mysqlTime(t op.Type, text string) (op.Value, error) {
	s := trim(text)
	e := errMySQL("time", text)
	e.Object = ObjectDatetime
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	n := digits(s)
	if n == 4 && n < len(s) && s[n] == '-' || n == 14 {
		v, err := mysqlDatetime(op.Type{Base: op.TTimestamp, Size: 7}, s, &Options{})
		if err != nil {
			return op.Int64(0), e
		}
		_, us := SplitMicros(v.Int())
		return op.Int64(roundTime(us, t)), nil
	}
	us, ok := mysqlClock(s)
	if !ok {
		return op.Int64(0), e
	}
	us = roundTime(us, t)
	over := us > MaxTime
	us = min(us, MaxTime)
	if neg {
		us = -us
	}
	if over {
		return op.Int64(us), errMySQLRange()
	}
	return op.Int64(us), nil
}

// roundTime rounds to the fraction digits of a MySQL time type.
func roundTime(us int64, t op.Type) int64 {
	size := t.Size
	if size <= 0 {
		size = 1
	}
	return RoundMicros(us, size)
}

// mysqlClock reads the unsigned part of a TIME.
func mysqlClock(s string) (int64, bool) {
	days := int64(0)
	if d, rest, ok := strings.Cut(s, " "); ok && digits(d) == len(d) && d != "" && len(d) <= 3 {
		days = int64(atoi(d))
		s = trim(rest)
		if strings.IndexByte(s, ':') < 0 { // D hh
			if digits(s) != len(s) || s == "" || len(s) > 3 {
				return 0, false
			}
			return days*Day + int64(atoi(s))*Hour, true
		}
	}
	frac := int64(0)
	if whole, f, ok := strings.Cut(s, "."); ok {
		if digits(f) != len(f) {
			return 0, false
		}
		s, frac = whole, fraction(f)
	}
	p := strings.Split(s, ":")
	if len(p) == 1 {
		if digits(s) != len(s) || s == "" || len(s) > 7 {
			return 0, false
		}
		n := int64(atoi(s))
		if n/100%100 > 59 || n%100 > 59 {
			return 0, false
		}
		return n/10000*Hour + n/100%100*Minute + n%100*Second + frac, true
	}
	if len(p) > 3 {
		return 0, false
	}
	us := days*Day + frac
	for i, x := range p {
		if x == "" || digits(x) != len(x) || len(x) > 4 || i > 0 && atoi(x) > 59 {
			return 0, false
		}
		us += int64(atoi(x)) * []int64{Hour, Minute, Second}[i]
	}
	return us, true
}

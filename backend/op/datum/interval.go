package datum

import (
	"math"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Interval is a span of months, days and microseconds, kept apart because
// their lengths vary.
type Interval struct {
	Months int32
	Days   int32
	Micros int64
}

// ISO returns the storage form: P1Y2M3DT4H5M6.7S, PT0S for nothing.
func (iv Interval) ISO() string {
	b := append(make([]byte, 0, 32), 'P')
	part := func(n int64, unit byte) {
		if n != 0 {
			b = append(strconv.AppendInt(b, n, 10), unit)
		}
	}
	part(int64(iv.Months/12), 'Y')
	part(int64(iv.Months%12), 'M')
	part(int64(iv.Days), 'D')
	if iv.Micros != 0 {
		b = append(b, 'T')
		part(iv.Micros/Hour, 'H')
		part(iv.Micros/Minute%60, 'M')
		if s := iv.Micros % Minute; s != 0 {
			if s < 0 {
				b = append(b, '-')
				s = -s
			}
			b = strconv.AppendInt(b, s/Second, 10)
			b = append(appendFraction(b, int(s%Second)), 'S')
		}
	}
	if len(b) == 1 {
		return "PT0S"
	}
	return string(b)
}

// Append writes the interval in PostgreSQL's own style:
// 1 year 2 mons 3 days 04:05:06.7.
func (iv Interval) Append(dst []byte) []byte {
	first, before := true, false
	part := func(n int64, unit string) {
		if n == 0 {
			return
		}
		if !first {
			dst = append(dst, ' ')
		}
		if before && n > 0 {
			dst = append(dst, '+')
		}
		dst = strconv.AppendInt(dst, n, 10)
		dst = append(append(dst, ' '), unit...)
		if n != 1 {
			dst = append(dst, 's')
		}
		before, first = n < 0, false
	}
	part(int64(iv.Months/12), "year")
	part(int64(iv.Months%12), "mon")
	part(int64(iv.Days), "day")
	if !first && iv.Micros == 0 {
		return dst
	}
	if !first {
		dst = append(dst, ' ')
	}
	us := uint64(iv.Micros)
	if iv.Micros < 0 {
		dst, us = append(dst, '-'), -us
	} else if before {
		dst = append(dst, '+')
	}
	if us/uint64(Hour) < 10 {
		dst = append(dst, '0')
	}
	dst = strconv.AppendUint(dst, us/uint64(Hour), 10)
	us %= uint64(Hour)
	dst = append(dst, ':')
	dst = appendPadded(dst, int(us)/int(Minute), 2)
	dst = append(dst, ':')
	dst = appendPadded(dst, int(us)/int(Second)%60, 2)
	return appendFraction(dst, int(us)%int(Second))
}

// Estimate returns the length PostgreSQL compares intervals by: days of 24
// hours and months of 30 days, in microseconds (as a float: it may exceed 64
// bits).
func (iv Interval) Estimate() float64 {
	return (float64(iv.Months)*30+float64(iv.Days))*float64(Day) + float64(iv.Micros)
}

// Neg returns the opposite span.
func (iv Interval) Neg() Interval { return Interval{-iv.Months, -iv.Days, -iv.Micros} }

// Add returns the sum of two spans; ok is false when a field overflows.
func (iv Interval) Add(x Interval) (sum Interval, ok bool) {
	m, d := int64(iv.Months)+int64(x.Months), int64(iv.Days)+int64(x.Days)
	us := iv.Micros + x.Micros
	ok = m == int64(int32(m)) && d == int64(int32(d)) && (us > iv.Micros) == (x.Micros > 0)
	return Interval{int32(m), int32(d), us}, ok
}

// Mul multiplies a span, spilling fractions of months to days and of days to
// time as PostgreSQL does.
func (iv Interval) Mul(f float64) (Interval, bool) {
	m := float64(iv.Months) * f
	d := float64(iv.Days) * f
	mw := math.Trunc(m)
	spill := (m - mw) * 30
	spill = math.Round(spill*1e6) / 1e6
	dw := math.Trunc(d)
	frac := (d - dw) + (spill - math.Trunc(spill))
	dw += math.Trunc(spill)
	us := math.RoundToEven(float64(iv.Micros)*f + frac*float64(Day))
	if math.Abs(mw) > math.MaxInt32 || math.Abs(dw) > math.MaxInt32 || math.Abs(us) > math.MaxInt64/2 || f != f {
		return Interval{}, false
	}
	return Interval{int32(mw), int32(dw), int64(us)}, true
}

// AddInterval adds a span to a timestamp: months first, clipped to the end of
// the month, then days, then time. ok is false when it leaves the range.
func AddInterval(us int64, iv Interval) (sum int64, ok bool) {
	if !Finite(us) {
		return us, true
	}
	days, rest := SplitMicros(us)
	if iv.Months != 0 {
		y, m, d := CivilFromDays(days)
		n := int64(y)*12 + int64(m) - 1 + int64(iv.Months)
		y, m = int(floorDiv(n, 12)), int(n-floorDiv(n, 12)*12)+1
		days = DaysFromCivil(y, m, min(d, DaysIn(y, m)))
	}
	days += int64(iv.Days)
	if days < minDay || days > maxMicros/Day {
		return 0, false
	}
	t := days*Day + rest
	sum = t + iv.Micros
	if (sum > t) != (iv.Micros > 0) && iv.Micros != 0 || sum > maxMicros || sum < minMicros {
		return 0, false
	}
	return sum, true
}

// errInterval says that text is no interval.
func errInterval(text string) *op.Error { return errDatetime("interval", text) }

// errIntervalRange says that a field of an interval is too large.
func errIntervalRange(text string) *op.Error {
	e := op.Errorf(op.OutOfRange, "interval field value out of range: \"%s\"", text)
	e.Object = ObjectDatetime
	return e
}

// unit is a word of an interval in months, days and microseconds.
type unit struct {
	months, days float64
	micros       float64
}

// units are the words PostgreSQL reads, cut to what tells them apart.
var units = map[string]unit{
	"us": {micros: 1}, "usec": {micros: 1}, "usecs": {micros: 1}, "microsecond": {micros: 1}, "microseconds": {micros: 1}, "microsecon": {micros: 1},
	"ms": {micros: 1e3}, "msec": {micros: 1e3}, "msecs": {micros: 1e3}, "millisecond": {micros: 1e3}, "milliseconds": {micros: 1e3}, "millisecon": {micros: 1e3},
	"s": {micros: 1e6}, "sec": {micros: 1e6}, "secs": {micros: 1e6}, "second": {micros: 1e6}, "seconds": {micros: 1e6},
	"m": {micros: 6e7}, "min": {micros: 6e7}, "mins": {micros: 6e7}, "minute": {micros: 6e7}, "minutes": {micros: 6e7},
	"h": {micros: 3.6e9}, "hr": {micros: 3.6e9}, "hrs": {micros: 3.6e9}, "hour": {micros: 3.6e9}, "hours": {micros: 3.6e9},
	"d": {days: 1}, "day": {days: 1}, "days": {days: 1}, "w": {days: 7}, "week": {days: 7}, "weeks": {days: 7},
	"mon": {months: 1}, "mons": {months: 1}, "month": {months: 1}, "months": {months: 1},
	"y": {months: 12}, "yr": {months: 12}, "yrs": {months: 12}, "year": {months: 12}, "years": {months: 12},
	"dec": {months: 120}, "decs": {months: 120}, "decade": {months: 120}, "decades": {months: 120},
	"c": {months: 1200}, "cent": {months: 1200}, "century": {months: 1200}, "centuries": {months: 1200},
	"mil": {months: 12000}, "mils": {months: 12000}, "millennium": {months: 12000}, "millennia": {months: 12000},
	"quarter": {months: 3}, "quarters": {months: 3},
}

// span sums the parts of an interval before it is checked.
type span struct{ months, days, micros float64 }

// add adds n units, spilling fractions downwards.
func (s *span) add(n float64, u unit) {
	m := n * u.months
	whole := math.Trunc(m)
	s.months += whole
	d := n*u.days + math.Round((m-whole)*30*1e9)/1e9
	if u.months >= 12 { // a fraction of a year becomes months only
		s.months += math.Round(m - whole)
		d = 0
	}
	whole = math.Trunc(d)
	s.days += whole
	s.micros += n*u.micros + (d-whole)*float64(Day)
}

// interval checks the sums.
func (s *span) interval(text string) (Interval, error) {
	us := math.RoundToEven(s.micros)
	if math.Abs(s.months) > math.MaxInt32 || math.Abs(s.days) > math.MaxInt32 || math.Abs(us) >= math.MaxInt64 {
		return Interval{}, errIntervalRange(text)
	}
	return Interval{int32(s.months), int32(s.days), int64(us)}, nil
}

// ParseInterval reads ISO 8601, SQL standard, PostgreSQL and verbose styles.
func ParseInterval(text string) (Interval, error) {
	s := strings.ToLower(trim(text))
	if s == "" || len(s) > 256 {
		return Interval{}, errInterval(text)
	}
	if s[0] == 'p' {
		return parseISO(s[1:], text)
	}
	var sum span
	ago := false
	fs := strings.Fields(strings.TrimPrefix(s, "@"))
	for i := 0; i < len(fs); i++ {
		f := fs[i]
		if f == "ago" && i == len(fs)-1 && i > 0 {
			ago = true
			continue
		}
		if strings.IndexByte(f, ':') > 0 {
			us, ok := spanClock(f)
			if !ok {
				return Interval{}, errInterval(text)
			}
			if us == clockRange {
				return Interval{}, errIntervalRange(text)
			}
			sum.micros += us
			continue
		}
		n, w, ok := leadFloat(f)
		if !ok {
			return Interval{}, errInterval(text)
		}
		word := f[w:]
		if word != "" && word[0] == '-' && isInteger(word[1:]) && digits(f) == w { // 1-2: years-months
			sum.months += n*12 + float64(atoi(word[1:]))
			continue
		}
		if word != "" && word[0] == '-' && isInteger(word[1:]) { // -1-2
			sum.months += n*12 - float64(atoi(word[1:]))
			continue
		}
		if word == "" && i+1 < len(fs) && strings.IndexByte(fs[i+1], ':') < 0 {
			i++
			word = fs[i]
		}
		if word == "" {
			if i+1 < len(fs) { // 3 04:05:06: days before a clock
				sum.days += n
				continue
			}
			word = "s"
		}
		letters := 0
		for letters < len(word) && isLetter(word[letters]) {
			letters++
		}
		u, ok := units[word[:letters]]
		if !ok {
			return Interval{}, errInterval(text)
		}
		sum.add(n, u)
		if rest := strings.TrimPrefix(word[letters:], ","); rest != "" { // 1d2h
			fs[i] = rest
			i--
		}
	}
	if len(fs) == 0 {
		return Interval{}, errInterval(text)
	}
	if ago {
		sum.months, sum.days, sum.micros = -sum.months, -sum.days, -sum.micros
	}
	return sum.interval(text)
}

// leadFloat reads the number a word starts with.
func leadFloat(s string) (n float64, w int, ok bool) {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		w = 1
	}
	d := digits(s[w:])
	w += d
	if w < len(s) && s[w] == '.' {
		f := digits(s[w+1:])
		d += f
		w += 1 + f
	}
	if d == 0 {
		return 0, 0, false
	}
	n, err := strconv.ParseFloat(s[:w], 64)
	return n, w, err == nil
}

// clockRange is spanClock's answer for 60 or more minutes or seconds.
const clockRange = -1

// spanClock reads [-]h:mm[:ss[.f]] with any number of hours.
func spanClock(s string) (float64, bool) {
	neg, rest := cutSign(s)
	p := strings.Split(rest, ":")
	if len(p) > 3 {
		return 0, false
	}
	total := 0.0
	for i, x := range p {
		last := i == len(p)-1
		if x == "" || !last && digits(x) != len(x) || i > 0 && digits(x) > 2 {
			return 0, false
		}
		n, w, ok := leadFloat(x)
		if !ok || w != len(x) || x[0] == '-' || x[0] == '+' {
			return 0, false
		}
		if i == 1 && n >= 60 || n > 60 && i == 2 {
			return clockRange, true
		}
		scale := []float64{3.6e9, 6e7, 1e6}[i]
		if last && i == 1 && strings.IndexByte(x, '.') >= 0 { // mm:ss.f
			return 0, false
		}
		total += n * scale
	}
	if neg {
		total = -total
	}
	return total, true
}

// parseISO reads what follows the P: designators, or yyyy-mm-ddThh:mm:ss.
func parseISO(s, text string) (Interval, error) {
	var sum span
	clock, any := false, false
	if s == "t" {
		return Interval{}, nil
	}
	for len(s) > 0 {
		if s[0] == 't' && !clock {
			clock, s = true, s[1:]
			if clock && strings.IndexByte(s, ':') > 0 {
				us, ok := spanClock(s)
				if !ok || us == clockRange {
					return Interval{}, errInterval(text)
				}
				sum.micros += us
				return sum.interval(text)
			}
			continue
		}
		n, w, ok := leadFloat(s)
		if !ok || w >= len(s) {
			return Interval{}, errInterval(text)
		}
		if s[w] == '-' && !clock && !any {
			date, rest, _ := strings.Cut(s, "t")
			p := strings.Split(date, "-")
			if len(p) != 3 || !isInteger(p[0]) || !isInteger(p[1]) || !isInteger(p[2]) || len(date) > 20 {
				return Interval{}, errInterval(text)
			}
			sum.months = float64(atoi(p[0]))*12 + float64(atoi(p[1]))
			sum.days = float64(atoi(p[2]))
			if s = ""; rest != "" {
				s = "t" + rest
			}
			any = true
			continue
		}
		u, ok := isoUnit(s[w], clock)
		if !ok {
			return Interval{}, errInterval(text)
		}
		sum.add(n, u)
		any = true
		s = s[w+1:]
	}
	if !any {
		return Interval{}, errInterval(text)
	}
	return sum.interval(text)
}

// isoUnit returns the unit of an ISO designator.
func isoUnit(c byte, clock bool) (unit, bool) {
	switch {
	case c == 'h' && clock:
		return unit{micros: 3.6e9}, true
	case c == 'm' && clock:
		return unit{micros: 6e7}, true
	case c == 's' && clock:
		return unit{micros: 1e6}, true
	case clock:
		return unit{}, false
	case c == 'y':
		return unit{months: 12}, true
	case c == 'm':
		return unit{months: 1}, true
	case c == 'w':
		return unit{days: 7}, true
	case c == 'd':
		return unit{days: 1}, true
	}
	return unit{}, false
}

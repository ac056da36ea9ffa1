package funcs

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// registerMySQLTimes registers the calendar functions. Timestamps are
// microseconds, dates are days, as stored.
func registerMySQLTimes(strict func(string, int, func([]op.Value) op.Value)) {
	strict("dotdo_my_part", 2, myPart)
	strict("dotdo_my_week", 2, myWeek)
	strict("dotdo_my_yearweek", 2, myYearWeek)
	strict("dotdo_my_date_format", 2, myDateFormat)
	strict("dotdo_my_str_to_date", 2, myStrToDate)
	strict("dotdo_my_dateadd", 5, myDateAdd)
	strict("dotdo_my_timestampdiff", 3, myTimestampDiff)
	strict("dotdo_my_last_day", 1, func(a []op.Value) op.Value {
		if !datum.Finite(a[0].Int()) {
			return op.Null
		}
		y, m, _ := datum.CivilFromDays(a[0].Int())
		return op.Int64(datum.DaysFromCivil(y, m, datum.DaysIn(y, m)))
	})
	strict("dotdo_my_makedate", 2, func(a []op.Value) op.Value {
		if myInt(a[1]) < 1 {
			return op.Null
		}
		return op.Int64(datum.DaysFromCivil(int(myInt(a[0])), 1, 1) + myInt(a[1]) - 1)
	})
}

// myMoment is a timestamp taken apart.
type myMoment struct {
	days, rest    int64
	y, mo, d      int
	h, mi, s, mic int
	yday          int // 1 = first of January
	dow           int // 0 = Sunday
}

// mySplit takes a timestamp apart, false for zero and infinite ones.
func mySplit(us int64) (m myMoment, ok bool) {
	if !datum.Finite(us) {
		return m, false
	}
	m.days, m.rest = datum.SplitMicros(us)
	m.y, m.mo, m.d = datum.CivilFromDays(m.days)
	m.h, m.mi = int(m.rest/datum.Hour), int(m.rest/datum.Minute%60)
	m.s, m.mic = int(m.rest/datum.Second%60), int(m.rest%datum.Second)
	m.yday = int(m.days-datum.DaysFromCivil(m.y, 1, 1)) + 1
	m.dow = int(((m.days+4)%7 + 7) % 7)
	return m, true
}

// week returns MySQL's week number in a mode 0 … 7, and its year. Modes with
// bit 1 number the days before week 1 as the last week of the year before.
func (m *myMoment) week(mode int) (week, year int) {
	start := myWeekOne(m.y, mode)
	if mode&2 == 0 {
		if m.days < start {
			return 0, m.y
		}
		return int(m.days-start)/7 + 1, m.y
	}
	year = m.y
	if m.days < start {
		year--
	} else if m.days >= myWeekOne(year+1, mode) {
		year++
	}
	return int(m.days-myWeekOne(year, mode))/7 + 1, year
}

// myWeekOne returns the first day of week 1 of a year. Bit 0: weeks begin on
// Monday. Bit 2 turns what makes week 1: four days in the year (with Monday)
// or the first whole week (with Sunday).
func myWeekOne(year, mode int) int64 {
	jan1 := datum.DaysFromCivil(year, 1, 1)
	wd := ((jan1+4)%7 + 7) % 7
	if mode&1 != 0 {
		wd = (wd + 6) % 7
	}
	whole := mode&4 != 0
	if mode&1 == 0 {
		whole = !whole
	}
	if whole && wd == 0 || !whole && wd <= 3 {
		return jan1 - wd
	}
	return jan1 + 7 - wd
}

// myBit is 1 for true.
func myBit(b bool) int {
	if b {
		return 1
	}
	return 0
}

// myPart extracts one field of a timestamp. MySQL's zero date has zero fields.
func myPart(a []op.Value) op.Value {
	m, ok := mySplit(a[1].Int())
	if !ok {
		return op.Int64(0)
	}
	n := func(i int) op.Value { return op.Int64(int64(i)) }
	switch unit := strings.ToUpper(myText(a[0])); unit {
	case "YEAR":
		return n(m.y)
	case "QUARTER":
		return n((m.mo + 2) / 3)
	case "MONTH":
		return n(m.mo)
	case "DAY":
		return n(m.d)
	case "HOUR":
		return n(m.h)
	case "MINUTE":
		return n(m.mi)
	case "SECOND":
		return n(m.s)
	case "MICROSECOND":
		return n(m.mic)
	case "DOW":
		return n(m.dow + 1)
	case "WEEKDAY":
		return n((m.dow + 6) % 7)
	case "DOY":
		return n(m.yday)
	case "WEEK":
		w, _ := m.week(0)
		return n(w)
	case "WEEKISO":
		w, _ := m.week(3)
		return n(w)
	case "YEAR_MONTH":
		return n(m.y*100 + m.mo)
	case "DAY_HOUR":
		return n(m.d*100 + m.h)
	case "DAY_MINUTE":
		return n(m.d*10000 + m.h*100 + m.mi)
	case "DAY_SECOND":
		return n(m.d*1000000 + m.h*10000 + m.mi*100 + m.s)
	case "HOUR_MINUTE":
		return n(m.h*100 + m.mi)
	case "HOUR_SECOND":
		return n(m.h*10000 + m.mi*100 + m.s)
	case "MINUTE_SECOND":
		return n(m.mi*100 + m.s)
	}
	return op.Null
}

// myWeek is WEEK(date, mode); a zero date has none.
func myWeek(a []op.Value) op.Value {
	m, ok := mySplit(a[0].Int())
	if !ok {
		return op.Null
	}
	w, _ := m.week(int(myInt(a[1]) & 7))
	return op.Int64(int64(w))
}

// myYearWeek is YEARWEEK(date, mode).
func myYearWeek(a []op.Value) op.Value {
	m, ok := mySplit(a[0].Int())
	if !ok {
		return op.Null
	}
	w, y := m.week(int(myInt(a[1])&7 | 2))
	return op.Int64(int64(y*100 + w))
}

// Names of months and days.
var (
	myMonths = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	myDays   = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// myPad writes n with leading zeros.
func myPad(n, width int) string {
	s := strconv.Itoa(n)
	for len(s) < width {
		s = "0" + s
	}
	return s
}

// myOrdinal writes 1st, 2nd, 3rd, 4th ….
func myOrdinal(n int) string {
	switch {
	case n%100 >= 11 && n%100 <= 13:
	case n%10 == 1:
		return strconv.Itoa(n) + "st"
	case n%10 == 2:
		return strconv.Itoa(n) + "nd"
	case n%10 == 3:
		return strconv.Itoa(n) + "rd"
	}
	return strconv.Itoa(n) + "th"
}

// myDateFormat is DATE_FORMAT.
func myDateFormat(a []op.Value) op.Value {
	m, ok := mySplit(a[0].Int())
	if !ok {
		return op.Null
	}
	f := myText(a[1])
	var b strings.Builder
	for i := 0; i < len(f); i++ {
		if f[i] != '%' || i+1 == len(f) {
			b.WriteByte(f[i])
			continue
		}
		i++
		b.WriteString(m.format(f[i]))
	}
	return op.Text(b.String())
}

// format writes one specifier of DATE_FORMAT.
func (m *myMoment) format(c byte) string {
	h12 := (m.h+11)%12 + 1
	half := "AM"
	if m.h >= 12 {
		half = "PM"
	}
	week := func(mode int) (w, y int) { return m.week(mode) }
	switch c {
	case 'a':
		return myDays[m.dow][:3]
	case 'b':
		return myMonths[m.mo-1][:3]
	case 'c':
		return strconv.Itoa(m.mo)
	case 'D':
		return myOrdinal(m.d)
	case 'd':
		return myPad(m.d, 2)
	case 'e':
		return strconv.Itoa(m.d)
	case 'f':
		return myPad(m.mic, 6)
	case 'H':
		return myPad(m.h, 2)
	case 'h', 'I':
		return myPad(h12, 2)
	case 'i':
		return myPad(m.mi, 2)
	case 'j':
		return myPad(m.yday, 3)
	case 'k':
		return strconv.Itoa(m.h)
	case 'l':
		return strconv.Itoa(h12)
	case 'M':
		return myMonths[m.mo-1]
	case 'm':
		return myPad(m.mo, 2)
	case 'p':
		return half
	case 'r':
		return myPad(h12, 2) + ":" + myPad(m.mi, 2) + ":" + myPad(m.s, 2) + " " + half
	case 'S', 's':
		return myPad(m.s, 2)
	case 'T':
		return myPad(m.h, 2) + ":" + myPad(m.mi, 2) + ":" + myPad(m.s, 2)
	case 'U', 'u', 'V', 'v':
		w, _ := week(map[byte]int{'U': 0, 'u': 1, 'V': 2, 'v': 3}[c])
		return myPad(w, 2)
	case 'W':
		return myDays[m.dow]
	case 'w':
		return strconv.Itoa(m.dow)
	case 'X', 'x':
		_, y := week(map[byte]int{'X': 2, 'x': 3}[c])
		return myPad(y, 4)
	case 'Y':
		return myPad(m.y, 4)
	case 'y':
		return myPad(m.y%100, 2)
	}
	return string(c)
}

// myStrToDate reads a text by a DATE_FORMAT pattern; NULL if it does not fit.
func myStrToDate(a []op.Value) op.Value {
	s, f := myText(a[0]), myText(a[1])
	p := &myReader{s: s, m: myMoment{y: 0, mo: 0, d: 0}, pm: -1}
	for i := 0; i < len(f); i++ {
		switch {
		case f[i] == '%' && i+1 < len(f):
			i++
			p.spec(f[i])
		case f[i] == ' ':
			p.s = strings.TrimLeft(p.s, " ")
		default:
			p.literal(f[i])
		}
		if p.bad {
			return op.Null
		}
	}
	m := p.m
	if p.pm >= 0 {
		m.h = m.h%12 + 12*p.pm
	}
	if m.yday > 0 && m.mo == 0 {
		return op.Int64((datum.DaysFromCivil(m.y, 1, 1)+int64(m.yday-1))*datum.Day + myClock(m))
	}
	if m.y == 0 && m.mo == 0 && m.d == 0 {
		return op.Int64(myClock(m))
	}
	if m.mo < 1 || m.mo > 12 || m.d < 1 || m.d > datum.DaysIn(m.y, m.mo) || m.h > 23 || m.mi > 59 || m.s > 59 {
		return op.Null
	}
	return op.Int64(datum.DaysFromCivil(m.y, m.mo, m.d)*datum.Day + myClock(m))
}

// myClock is the time of day of a moment.
func myClock(m myMoment) int64 {
	return int64(m.h)*datum.Hour + int64(m.mi)*datum.Minute + int64(m.s)*datum.Second + int64(m.mic)
}

// myReader reads fields off the front of a text.
type myReader struct {
	s   string
	m   myMoment
	pm  int
	bad bool
}

// literal reads one character of the pattern.
func (p *myReader) literal(c byte) {
	p.s = strings.TrimLeft(p.s, " ")
	if p.s == "" || p.s[0] != c {
		p.bad = true
		return
	}
	p.s = p.s[1:]
}

// number reads up to width digits.
func (p *myReader) number(width int) int {
	n := 0
	for n < len(p.s) && n < width && p.s[n] >= '0' && p.s[n] <= '9' {
		n++
	}
	v, err := strconv.Atoi(p.s[:n])
	if err != nil {
		p.bad = true
	}
	p.s = p.s[n:]
	return v
}

// word reads one of the names, by its first n letters (0 = all).
func (p *myReader) word(list []string, n int) int {
	for i, w := range list {
		if n > 0 {
			w = w[:n]
		}
		if len(p.s) >= len(w) && strings.EqualFold(p.s[:len(w)], w) {
			p.s = p.s[len(w):]
			return i
		}
	}
	p.bad = true
	return 0
}

// spec reads one field.
func (p *myReader) spec(c byte) {
	m := &p.m
	p.s = strings.TrimLeft(p.s, " ")
	switch c {
	case 'Y':
		m.y = p.number(4)
	case 'y':
		m.y = p.number(2) + 2000
		if m.y >= 2070 {
			m.y -= 100
		}
	case 'm', 'c':
		m.mo = p.number(2)
	case 'M':
		m.mo = p.word(myMonths, 0) + 1
	case 'b':
		m.mo = p.word(myMonths, 3) + 1
	case 'd', 'e':
		m.d = p.number(2)
	case 'D':
		m.d = p.number(2)
		p.s = p.s[min(2, len(p.s)):]
	case 'H', 'k', 'h', 'I', 'l':
		m.h = p.number(2)
		if strings.IndexByte("hIl", c) >= 0 && p.pm < 0 {
			p.pm = 0
		}
	case 'i':
		m.mi = p.number(2)
	case 's', 'S':
		m.s = p.number(2)
	case 'f':
		n := len(p.s)
		m.mic = p.number(6)
		for range 6 - (n - len(p.s)) {
			m.mic *= 10
		}
	case 'j':
		m.yday = p.number(3)
	case 'p':
		p.pm = p.word([]string{"AM", "PM"}, 0)
	case 'T':
		m.h = p.number(2)
		p.literal(':')
		m.mi = p.number(2)
		p.literal(':')
		m.s = p.number(2)
	case 'r':
		p.spec('h')
		p.literal(':')
		m.mi = p.number(2)
		p.literal(':')
		m.s = p.number(2)
		p.s = strings.TrimLeft(p.s, " ")
		p.spec('p')
	case 'W':
		p.word(myDays, 0)
	case 'a':
		p.word(myDays, 3)
	case '%':
		p.literal('%')
	default:
		p.bad = true
	}
}

// myDateAdd adds an interval: value, its base type, amount text, unit, sign.
func myDateAdd(a []op.Value) op.Value {
	months, us, ok := myInterval(myText(a[2]), myText(a[3]))
	if !ok {
		return op.Null
	}
	if a[4].Int() < 0 {
		months, us = -months, -us
	}
	v := a[0].Int()
	base := op.Base(a[1].Int())
	dateOnly := false
	switch base {
	case op.TTime:
		if months != 0 {
			return op.Null
		}
		return op.Int64(v + us)
	case op.TDate:
		if !datum.Finite(v) {
			return op.Null
		}
		dateOnly = us%datum.Day == 0 && myDayUnit(myText(a[3]))
		v *= datum.Day
	case op.TString:
		s := myText(a[0])
		dateOnly = !strings.ContainsAny(strings.TrimSpace(s), " T:") && myDayUnit(myText(a[3]))
		x, err := datum.ParseMySQL(op.Type{Base: op.TTimestamp, Size: 7}, s, datum.Options{})
		if err != nil {
			return op.Null
		}
		v = x.Int()
	}
	if !datum.Finite(v) {
		return op.Null
	}
	v = myAddMonths(v, months) + us
	if v < datum.DaysFromCivil(0, 1, 1)*datum.Day || v >= datum.DaysFromCivil(10000, 1, 1)*datum.Day {
		return op.Null
	}
	switch {
	case base == op.TDate && dateOnly:
		days, _ := datum.SplitMicros(v)
		return op.Int64(days)
	case base == op.TString && dateOnly:
		days, _ := datum.SplitMicros(v)
		return op.Value{Kind: op.KindText, Raw: datum.AppendMySQL(nil, op.Type{Base: op.TDate}, op.Int64(days), datum.Options{})}
	case base == op.TString:
		t := op.Type{Base: op.TTimestamp, Size: 1}
		if v%datum.Second != 0 {
			t.Size = 7
		}
		return op.Value{Kind: op.KindText, Raw: datum.AppendMySQL(nil, t, op.Int64(v), datum.Options{})}
	}
	return op.Int64(v)
}

// myDayUnit reports whether a unit leaves the time of day alone.
func myDayUnit(unit string) bool {
	switch unit {
	case "DAY", "WEEK", "MONTH", "QUARTER", "YEAR", "YEAR_MONTH":
		return true
	}
	return false
}

// myAddMonths moves a timestamp by months, clamping the day.
func myAddMonths(us, months int64) int64 {
	if months == 0 {
		return us
	}
	days, rest := datum.SplitMicros(us)
	y, m, d := datum.CivilFromDays(days)
	n := int64(y)*12 + int64(m) - 1 + months
	y, m = int(myFloorDiv(n, 12)), int(n-myFloorDiv(n, 12)*12)+1
	return datum.DaysFromCivil(y, m, min(d, datum.DaysIn(y, m)))*datum.Day + rest
}

// myFloorDiv divides rounding down.
func myFloorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// myUnits is the length of each unit: months, or microseconds.
var myUnits = map[string][2]int64{
	"MICROSECOND": {0, 1}, "SECOND": {0, datum.Second}, "MINUTE": {0, datum.Minute}, "HOUR": {0, datum.Hour},
	"DAY": {0, datum.Day}, "WEEK": {0, 7 * datum.Day}, "MONTH": {1, 0}, "QUARTER": {3, 0}, "YEAR": {12, 0},
}

// myInterval reads the amount of an INTERVAL: a number, or for units like
// DAY_HOUR several numbers of which missing ones are on the left.
func myInterval(text, unit string) (months, us int64, ok bool) {
	if u, single := myUnits[unit]; single {
		if unit == "SECOND" {
			d, err := datum.ParseMySQL(op.Type{Base: op.TNumeric, Size: 65, Scale: 6}, text, datum.Options{})
			if err != nil {
				return 0, 0, false
			}
			f, err := strconv.ParseFloat(d.Str(), 64)
			return 0, int64(f*1e6 + 0.5*float64(myBit(f >= 0)) - 0.5*float64(myBit(f < 0))), err == nil
		}
		n := myInt(op.Text(text))
		if myAbs(n) > 1<<40 {
			return 0, 0, false
		}
		return n * u[0], n * u[1], true
	}
	from, to, ok := strings.Cut(unit, "_")
	if !ok {
		return 0, 0, false
	}
	order := []string{"YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND"}
	neg := strings.HasPrefix(strings.TrimSpace(text), "-")
	nums := strings.FieldsFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	i := myIndexOf(order, to)
	for k := len(nums) - 1; k >= 0 && i >= myIndexOf(order, from); k, i = k-1, i-1 {
		n, err := strconv.ParseInt(nums[k], 10, 40)
		if err != nil {
			return 0, 0, false
		}
		months += n * myUnits[order[i]][0]
		us += n * myUnits[order[i]][1]
	}
	if neg {
		months, us = -months, -us
	}
	return months, us, true
}

// myIndexOf finds a word.
func myIndexOf(list []string, w string) int {
	for i, x := range list {
		if x == w {
			return i
		}
	}
	return -1
}

// myTimestampDiff counts whole units between two timestamps.
func myTimestampDiff(a []op.Value) op.Value {
	u, ok := myUnits[strings.ToUpper(myText(a[0]))]
	from, to := a[1].Int(), a[2].Int()
	if !ok || !datum.Finite(from) || !datum.Finite(to) {
		return op.Null
	}
	if u[0] == 0 {
		return op.Int64((to - from) / u[1])
	}
	sign := int64(1)
	if to < from {
		from, to, sign = to, from, -1
	}
	f, _ := mySplit(from)
	t, _ := mySplit(to)
	n := int64(t.y-f.y)*12 + int64(t.mo-f.mo)
	if t.d < f.d || t.d == f.d && t.rest < f.rest {
		n--
	}
	return op.Int64(sign * n / u[0])
}

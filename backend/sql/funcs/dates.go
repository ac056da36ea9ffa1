package funcs

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// errDate says that a timestamp left its range.
var errDate = op.Errorf(op.OutOfRange, "timestamp out of range")

// zone resolves a time zone argument.
func zone(name string) (*time.Location, error) {
	if name == "" || name == "UTC" {
		return time.UTC, nil
	}
	l, ok := datum.ParseZone(name)
	if !ok {
		return nil, op.Errorf(op.InvalidArgument, "time zone %q not recognized", name)
	}
	return l, nil
}

// interval reads a stored interval and multiplies it by a sign.
func interval(v op.Value, sign int64) (datum.Interval, error) {
	iv, err := datum.ParseInterval(v.Str())
	if sign < 0 {
		iv = datum.Interval{Months: -iv.Months, Days: -iv.Days, Micros: -iv.Micros}
	}
	return iv, err
}

// shift adds an interval to a local timestamp.
func shift(us int64, iv datum.Interval) (int64, error) {
	if !datum.Finite(us) {
		return us, nil
	}
	n, ok := datum.AddInterval(us, iv)
	if !ok {
		return 0, errDate
	}
	return n, nil
}

// dateFuncs are date and time functions.
var dateFuncs = []fn{
	{"dotdo_ts_add", 3, func(a []op.Value) (op.Value, error) {
		iv, err := interval(a[1], a[2].Int())
		if err != nil {
			return op.Null, err
		}
		n, err := shift(a[0].Int(), iv)
		return op.Int64(n), err
	}},
	{"dotdo_tz_add", 4, func(a []op.Value) (op.Value, error) {
		iv, err := interval(a[1], a[2].Int())
		if err != nil {
			return op.Null, err
		}
		loc, err := zone(a[3].Str())
		if err != nil {
			return op.Null, err
		}
		return addZoned(a[0].Int(), iv, loc)
	}},
	{"dotdo_ts_sub", 2, func(a []op.Value) (op.Value, error) {
		x, y := a[0].Int(), a[1].Int()
		if !datum.Finite(x) || !datum.Finite(y) {
			return op.Null, op.Errorf(op.OutOfRange, "cannot subtract infinite timestamps")
		}
		d := x - y
		return op.Text(datum.Interval{Days: int32(d / datum.Day), Micros: d % datum.Day}.ISO()), nil
	}},
	{"dotdo_iv_add", 3, func(a []op.Value) (op.Value, error) {
		x, err := interval(a[0], 1)
		if err != nil {
			return op.Null, err
		}
		y, err := interval(a[1], a[2].Int())
		return op.Text(datum.Interval{Months: x.Months + y.Months, Days: x.Days + y.Days, Micros: x.Micros + y.Micros}.ISO()), err
	}},
	{"dotdo_iv_mul", 2, func(a []op.Value) (op.Value, error) {
		iv, err := interval(a[0], 1)
		if err != nil {
			return op.Null, err
		}
		return op.Text(scaleInterval(iv, num(a[1])).ISO()), nil
	}},
	{"dotdo_time_add", 3, func(a []op.Value) (op.Value, error) {
		iv, err := interval(a[1], a[2].Int())
		n := (a[0].Int() + iv.Micros) % datum.Day
		if n < 0 {
			n += datum.Day
		}
		return op.Int64(n), err
	}},
	{"dotdo_date_trunc", 3, dateTrunc},
	{"dotdo_iv_trunc", 2, intervalTrunc},
	{"dotdo_extract", 5, extract},
	{"dotdo_age", 2, func(a []op.Value) (op.Value, error) { return op.Text(age(a[0].Int(), a[1].Int()).ISO()), nil }},
	{"dotdo_at_zone", 3, atZone},
	{"dotdo_make_date", 3, func(a []op.Value) (op.Value, error) {
		y, m, d := int(a[0].Int()), int(a[1].Int()), int(a[2].Int())
		if y == 0 || m < 1 || m > 12 || d < 1 || d > datum.DaysIn(y, m) {
			return op.Null, op.Errorf(op.OutOfRange, "date field value out of range: %d-%02d-%02d", y, m, d)
		}
		return op.Int64(datum.DaysFromCivil(y, m, d)), nil
	}},
	{"dotdo_make_time", 3, func(a []op.Value) (op.Value, error) {
		h, m, s := a[0].Int(), a[1].Int(), num(a[2])
		if h < 0 || h > 24 || m < 0 || m > 59 || s < 0 || s > 60 {
			return op.Null, op.Errorf(op.OutOfRange, "time field value out of range: %d:%02d:%02g", h, m, s)
		}
		return op.Int64(h*datum.Hour + m*datum.Minute + int64(math.Round(s*1e6))), nil
	}},
	{"dotdo_make_ts", 6, func(a []op.Value) (op.Value, error) {
		y, m, d := int(a[0].Int()), int(a[1].Int()), int(a[2].Int())
		h, mi, s := a[3].Int(), a[4].Int(), num(a[5])
		if m < 1 || m > 12 || d < 1 || d > datum.DaysIn(y, m) || h < 0 || h > 24 || mi < 0 || mi > 59 || s < 0 || s > 60 {
			return op.Null, op.Errorf(op.OutOfRange, "date field value out of range")
		}
		return op.Int64(datum.DaysFromCivil(y, m, d)*datum.Day + h*datum.Hour + mi*datum.Minute + int64(math.Round(s*1e6))), nil
	}},
	{"dotdo_make_interval", -1, func(a []op.Value) (op.Value, error) {
		var n [7]float64
		for i := range a {
			if i < 7 {
				n[i] = num(a[i])
			}
		}
		return op.Text(datum.Interval{Months: int32(n[0]*12 + n[1]), Days: int32(n[2]*7 + n[3]),
			Micros: int64(n[4])*datum.Hour + int64(n[5])*datum.Minute + int64(math.Round(n[6]*1e6))}.ISO()), nil
	}},
	{"dotdo_justify", 2, justify},
	{"dotdo_to_char", 4, toChar},
	{"dotdo_num_char", 2, numChar},
	{"dotdo_to_timestamp", 3, toTimestamp},
	{"dotdo_to_number", 2, func(a []op.Value) (op.Value, error) {
		s := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' || r == '.' || r == '-' {
				return r
			}
			return -1
		}, a[0].Str())
		n, err := datum.ParseNumeric(s)
		return op.Text(n), err
	}},
	{"dotdo_series", 3, series},
	{"dotdo_ts_series", 4, tsSeries},
}

// addZoned adds an interval to an instant: months and days in local time.
func addZoned(us int64, iv datum.Interval, loc *time.Location) (op.Value, error) {
	if !datum.Finite(us) {
		return op.Int64(us), nil
	}
	local := iv
	local.Micros = 0
	if iv.Months != 0 || iv.Days != 0 {
		n, err := shift(datum.LocalMicros(us, loc), local)
		if err != nil {
			return op.Null, err
		}
		us = datum.InstantMicros(n, loc)
	}
	return op.Int64(us + iv.Micros), nil
}

// scaleInterval multiplies an interval; fractions cascade down.
func scaleInterval(iv datum.Interval, f float64) datum.Interval {
	months := float64(iv.Months) * f
	m := math.Trunc(months)
	days := float64(iv.Days)*f + (months-m)*30
	d := math.Trunc(days)
	us := float64(iv.Micros)*f + (days-d)*float64(datum.Day)
	return datum.Interval{Months: int32(m), Days: int32(d), Micros: int64(math.Round(us))}
}

// dateTrunc is date_trunc in a zone.
func dateTrunc(a []op.Value) (op.Value, error) {
	loc, err := zone(a[2].Str())
	if err != nil || !datum.Finite(a[1].Int()) {
		return a[1], err
	}
	n, err := truncate(strings.ToLower(a[0].Str()), datum.LocalMicros(a[1].Int(), loc))
	return op.Int64(datum.InstantMicros(n, loc)), err
}

// truncate cuts a local timestamp to a unit.
func truncate(unit string, us int64) (int64, error) {
	days, rest := datum.SplitMicros(us)
	y, m, d := datum.CivilFromDays(days)
	at := func(y, m, d int) int64 { return datum.DaysFromCivil(y, m, d) * datum.Day }
	floor := func(y, n int) int { return int(math.Floor(float64(y)/float64(n))) * n }
	_ = d
	switch unit {
	case "microsecond", "microseconds":
		return us, nil
	case "millisecond", "milliseconds":
		return days*datum.Day + rest/1000*1000, nil
	case "second":
		return days*datum.Day + rest/datum.Second*datum.Second, nil
	case "minute":
		return days*datum.Day + rest/datum.Minute*datum.Minute, nil
	case "hour":
		return days*datum.Day + rest/datum.Hour*datum.Hour, nil
	case "day":
		return days * datum.Day, nil
	case "week":
		return (days - (days+3)%7 - 7*int64(b2i((days+3)%7 < 0))) * datum.Day, nil
	case "month":
		return at(y, m, 1), nil
	case "quarter":
		return at(y, (m-1)/3*3+1, 1), nil
	case "year":
		return at(y, 1, 1), nil
	case "decade":
		return at(floor(y, 10), 1, 1), nil
	case "century":
		return at(floor(y-1, 100)+1, 1, 1), nil
	case "millennium":
		return at(floor(y-1, 1000)+1, 1, 1), nil
	}
	return 0, op.Errorf(op.InvalidArgument, "unit %q not recognized for type timestamp without time zone", unit)
}

// intervalTrunc is date_trunc of an interval.
func intervalTrunc(a []op.Value) (op.Value, error) {
	iv, err := interval(a[1], 1)
	if err != nil {
		return op.Null, err
	}
	switch strings.ToLower(a[0].Str()) {
	case "year":
		iv = datum.Interval{Months: iv.Months / 12 * 12}
	case "month":
		iv = datum.Interval{Months: iv.Months}
	case "day":
		iv.Micros = 0
	case "hour":
		iv.Micros = iv.Micros / datum.Hour * datum.Hour
	case "minute":
		iv.Micros = iv.Micros / datum.Minute * datum.Minute
	case "second":
		iv.Micros = iv.Micros / datum.Second * datum.Second
	default:
		return op.Null, op.Errorf(op.InvalidArgument, "unit %q not recognized for type interval", a[0].Str())
	}
	return op.Text(iv.ISO()), nil
}

// micros6 writes microseconds as seconds with six fraction digits.
func micros6(us int64) string { return dec{n: big.NewInt(us), scale: 6}.text() }

// extract is EXTRACT (last argument 1: numeric) and date_part: field, value,
// type, zone.
func extract(a []op.Value) (op.Value, error) {
	field := unitName(strings.ToLower(a[0].Str()))
	base := op.Base(a[2].Int())
	s, err := extractText(field, a[1], base, a[3].Str())
	if err != nil || s == "" {
		return op.Null, err
	}
	if a[4].Int() == 1 {
		return op.Text(s), nil
	}
	f, err := strconv.ParseFloat(s, 64)
	return op.Float64(f), err
}

// unitName drops the plural of a unit.
func unitName(s string) string {
	switch s {
	case "years", "months", "days", "hours", "minutes", "weeks", "decades", "quarters":
		return s[:len(s)-1]
	}
	return s
}

// extractText computes a field as decimal text.
func extractText(field string, v op.Value, base op.Base, zoneName string) (string, error) {
	if base == op.TInterval {
		iv, err := interval(v, 1)
		if err != nil {
			return "", err
		}
		return extractInterval(field, iv)
	}
	loc, err := zone(zoneName)
	if err != nil {
		return "", err
	}
	us := v.Int()
	if base == op.TDate {
		us *= datum.Day
	}
	if !datum.Finite(v.Int()) {
		if field == "epoch" || field == "year" {
			if v.Int() > 0 {
				return "Infinity", nil
			}
			return "-Infinity", nil
		}
		return "", nil
	}
	if field == "epoch" {
		if base == op.TDate {
			return strconv.FormatInt(us/datum.Second, 10), nil
		}
		return micros6(us), nil
	}
	if base == op.TTimestampTZ {
		if strings.HasPrefix(field, "timezone") {
			_, off := time.UnixMicro(us).In(loc).Zone()
			return strconv.Itoa(map[string]int{"timezone": off, "timezone_hour": off / 3600, "timezone_minute": off / 60 % 60}[field]), nil
		}
		us = datum.LocalMicros(us, loc)
	}
	days, rest := datum.SplitMicros(us)
	if s, ok := clockField(field, rest); ok {
		return s, nil
	}
	if base == op.TTime {
		return "", op.Errorf(op.InvalidArgument, "unit %q not recognized for type time without time zone", field)
	}
	n, ok := dateField(field, days)
	if !ok {
		return "", op.Errorf(op.InvalidArgument, "unit %q not recognized for type timestamp without time zone", field)
	}
	return strconv.FormatInt(n, 10), nil
}

// clockField is a field of the time of day.
func clockField(field string, rest int64) (string, bool) {
	switch field {
	case "hour":
		return strconv.FormatInt(rest/datum.Hour, 10), true
	case "minute":
		return strconv.FormatInt(rest/datum.Minute%60, 10), true
	case "second", "seconds":
		return micros6(rest % datum.Minute), true
	case "millisecond", "milliseconds":
		return dec{n: big.NewInt(rest % datum.Minute), scale: 3}.text(), true
	case "microsecond", "microseconds":
		return strconv.FormatInt(rest%datum.Minute, 10), true
	}
	return "", false
}

// dateField is a field of a date.
func dateField(field string, days int64) (int64, bool) {
	y, m, d := datum.CivilFromDays(days)
	shown := y
	if y <= 0 {
		shown = y - 1
	}
	dow := ((days+4)%7 + 7) % 7
	switch field {
	case "year", "years":
		return int64(shown), true
	case "month", "mon":
		return int64(m), true
	case "day":
		return int64(d), true
	case "quarter":
		return int64((m-1)/3 + 1), true
	case "dow":
		return dow, true
	case "isodow":
		return (dow+6)%7 + 1, true
	case "doy":
		return days - datum.DaysFromCivil(y, 1, 1) + 1, true
	case "week":
		_, w := isoWeek(days)
		return w, true
	case "isoyear":
		iy, _ := isoWeek(days)
		return iy, true
	case "decade":
		return int64(math.Floor(float64(y) / 10)), true
	case "century":
		return int64(math.Floor(float64(y-1)/100)) + 1, true
	case "millennium":
		return int64(math.Floor(float64(y-1)/1000)) + 1, true
	case "julian":
		return days + 2440588, true
	}
	return 0, false
}

// isoWeek returns the ISO year and week of a day.
func isoWeek(days int64) (year, week int64) {
	thursday := days - ((days+3)%7+7)%7 + 3
	y, _, _ := datum.CivilFromDays(thursday)
	return int64(y), (thursday-datum.DaysFromCivil(y, 1, 1))/7 + 1
}

// extractInterval is a field of an interval.
func extractInterval(field string, iv datum.Interval) (string, error) {
	if s, ok := clockField(field, iv.Micros%datum.Hour); ok && field != "hour" {
		return s, nil
	}
	switch field {
	case "epoch":
		us := int64(iv.Months/12)*31557600*datum.Second + int64(iv.Months%12)*30*datum.Day + int64(iv.Days)*datum.Day + iv.Micros
		return micros6(us), nil
	case "hour":
		return strconv.FormatInt(iv.Micros/datum.Hour, 10), nil
	case "day":
		return strconv.Itoa(int(iv.Days)), nil
	case "month":
		return strconv.Itoa(int(iv.Months % 12)), nil
	case "year":
		return strconv.Itoa(int(iv.Months / 12)), nil
	case "quarter":
		return strconv.Itoa(int(iv.Months%12/3 + 1)), nil
	case "decade":
		return strconv.Itoa(int(iv.Months / 120)), nil
	case "century":
		return strconv.Itoa(int(iv.Months / 1200)), nil
	}
	return "", op.Errorf(op.InvalidArgument, "unit %q not recognized for type interval", field)
}

// age is the symbolic difference of two timestamps.
func age(x, y int64) datum.Interval {
	neg := x < y
	if neg {
		x, y = y, x
	}
	dx, rx := datum.SplitMicros(x)
	dy, ry := datum.SplitMicros(y)
	y1, m1, d1 := datum.CivilFromDays(dx)
	y2, m2, d2 := datum.CivilFromDays(dy)
	us, days, months := rx-ry, d1-d2, (y1-y2)*12+m1-m2
	if us < 0 {
		us += datum.Day
		days--
	}
	if days < 0 {
		days += datum.DaysIn(y2, m2)
		months--
	}
	iv := datum.Interval{Months: int32(months), Days: int32(days), Micros: us}
	if neg {
		iv = datum.Interval{Months: -iv.Months, Days: -iv.Days, Micros: -iv.Micros}
	}
	return iv
}

// atZone converts between instants and local time: value, zone, direction (0
// to local, 1 to an instant, 2 to local whole seconds).
func atZone(a []op.Value) (op.Value, error) {
	loc, err := zone(a[1].Str())
	if err != nil || !datum.Finite(a[0].Int()) {
		return a[0], err
	}
	switch a[2].Int() {
	case 1:
		return op.Int64(datum.InstantMicros(a[0].Int(), loc)), nil
	case 2:
		n := datum.LocalMicros(a[0].Int(), loc)
		d, rest := datum.SplitMicros(n)
		return op.Int64(d*datum.Day + rest/datum.Second*datum.Second), nil
	}
	return op.Int64(datum.LocalMicros(a[0].Int(), loc)), nil
}

// justify moves 24 hours to days (2), 30 days to months (1) or both (3).
func justify(a []op.Value) (op.Value, error) {
	iv, err := interval(a[0], 1)
	if err != nil {
		return op.Null, err
	}
	how := a[1].Int()
	if how&2 != 0 {
		iv.Days += int32(iv.Micros / datum.Day)
		iv.Micros %= datum.Day
	}
	if how&1 != 0 {
		iv.Months += iv.Days / 30
		iv.Days %= 30
	}
	return op.Text(iv.ISO()), nil
}

// maxSeries bounds a set that is built in memory.
const maxSeries = 10_000_000

// series is generate_series over integers as a JSON array.
func series(a []op.Value) (op.Value, error) {
	lo, hi, step := a[0].Int(), a[1].Int(), a[2].Int()
	if step == 0 {
		return op.Null, op.Errorf(op.InvalidArgument, "step size cannot equal zero")
	}
	out := []byte{'['}
	n := 0
	for v := lo; step > 0 && v <= hi || step < 0 && v >= hi; v += step {
		if n++; n > maxSeries {
			return op.Null, op.Errorf(op.TooLarge, "series of more than %d rows is not supported here", maxSeries)
		}
		if n > 1 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, v, 10)
		if step > 0 && v > math.MaxInt64-step || step < 0 && v < math.MinInt64-step {
			break
		}
	}
	return op.Raw(op.KindText, append(out, ']')), nil
}

// tsSeries is generate_series over timestamps.
func tsSeries(a []op.Value) (op.Value, error) {
	iv, err := interval(a[2], 1)
	if err != nil {
		return op.Null, err
	}
	loc, err := zone(a[3].Str())
	if err != nil {
		return op.Null, err
	}
	if iv == (datum.Interval{}) {
		return op.Null, op.Errorf(op.InvalidArgument, "step size cannot equal zero")
	}
	up := iv.Months > 0 || iv.Days > 0 || iv.Micros > 0
	out := []byte{'['}
	at, hi := a[0].Int(), a[1].Int()
	for n := 0; up && at <= hi || !up && at >= hi; n++ {
		if n > maxSeries {
			return op.Null, op.Errorf(op.TooLarge, "series of more than %d rows is not supported here", maxSeries)
		}
		if n > 0 {
			out = append(out, ',')
		}
		out = strconv.AppendInt(out, at, 10)
		v, err := addZoned(at, iv, loc)
		if err != nil {
			return op.Null, err
		}
		at = v.Int()
	}
	return op.Raw(op.KindText, append(out, ']')), nil
}

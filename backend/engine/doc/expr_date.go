package doc

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// zone evaluates a timezone argument.
func zone(a evaluator, e *env) (*time.Location, error) {
	v, err := optional(a, e)
	if err != nil || nullish(v) {
		return time.UTC, err
	}
	s := bsonval.Text(v)
	if len(s) >= 3 && (s[0] == '+' || s[0] == '-') {
		digits := strings.ReplaceAll(s[1:], ":", "")
		n, err := strconv.Atoi(digits)
		if err == nil && (len(digits) == 2 || len(digits) == 4) {
			if len(digits) == 2 {
				n *= 100
			}
			sec := (n/100)*3600 + (n%100)*60
			if s[0] == '-' {
				sec = -sec
			}
			return time.FixedZone(s, sec), nil
		}
	}
	loc, err := time.LoadLocation(s)
	if err != nil || s == "" || s == "Local" {
		return nil, op.Errorf(op.InvalidArgument, "unrecognized time zone identifier: \"%s\"", s)
	}
	return loc, nil
}

// instant reads a date, timestamp or ObjectId.
func instant(v bsonval.V, loc *time.Location) (time.Time, error) {
	switch v.Type {
	case bsonval.DateTime, bsonval.Timestamp, bsonval.ObjectID:
		d, err := convert(v, bsonval.DateTime)
		ms, _ := bsonval.Int(d)
		return time.UnixMilli(ms).In(loc), err
	}
	return time.Time{}, op.Errorf(op.TypeMismatch, "can't convert from BSON type %s to Date", typeName(v))
}

// formDatePart is $year and its kin: one argument, or named date, timezone.
func formDatePart(x *op.Expr, args []evaluator) (evaluator, error) {
	date, tz, name := named(x, args, "date"), named(x, args, "timezone"), x.Name
	if date == nil && len(args) == 1 && len(x.Names) == 0 {
		date = args[0]
	}
	if date == nil {
		return nil, op.Errorf(op.InvalidArgument, "$%s requires one argument", name)
	}
	return func(e *env) (bsonval.V, error) {
		v, err := date(e)
		if err != nil || nullish(v) {
			return bsonval.NullV, err
		}
		loc, err := zone(tz, e)
		if err != nil {
			return v, err
		}
		t, err := instant(v, loc)
		if err != nil {
			return v, err
		}
		if name == "isoWeekYear" {
			return bsonval.Int64V(int64(datePart(t, name))), nil
		}
		return bsonval.Int32V(int32(datePart(t, name))), nil
	}, nil
}

// datePart takes one part of a date.
func datePart(t time.Time, name string) int {
	switch name {
	case "year":
		return t.Year()
	case "month":
		return int(t.Month())
	case "dayOfMonth":
		return t.Day()
	case "dayOfWeek":
		return int(t.Weekday()) + 1
	case "dayOfYear":
		return t.YearDay()
	case "hour":
		return t.Hour()
	case "minute":
		return t.Minute()
	case "second":
		return t.Second()
	case "millisecond":
		return t.Nanosecond() / 1e6
	case "week":
		return (t.YearDay() - int(t.Weekday()) + 6) / 7
	case "isoWeek":
		_, w := t.ISOWeek()
		return w
	case "isoWeekYear":
		y, _ := t.ISOWeek()
		return y
	}
	return (int(t.Weekday())+6)%7 + 1 // isoDayOfWeek
}

// formDateToString is $dateToString: named date, format, timezone, onNull.
func formDateToString(x *op.Expr, args []evaluator) (evaluator, error) {
	date, format, tz, onNull := named(x, args, "date"), named(x, args, "format"), named(x, args, "timezone"), named(x, args, "onNull")
	if date == nil {
		return nil, op.Errorf(op.InvalidArgument, "Missing 'date' parameter to $dateToString")
	}
	return func(e *env) (bsonval.V, error) {
		v, done, err := input(date, onNull, e)
		if done || err != nil {
			return v, err
		}
		f, err := optional(format, e)
		if err != nil {
			return f, err
		}
		loc, err := zone(tz, e)
		if err != nil {
			return v, err
		}
		t, err := instant(v, loc)
		if err != nil {
			return v, err
		}
		layout := "%Y-%m-%dT%H:%M:%S.%LZ"
		if f.Type == bsonval.String {
			layout = bsonval.Text(f)
		} else if loc != time.UTC {
			layout = "%Y-%m-%dT%H:%M:%S.%L"
		}
		s, err := formatDate(t, layout)
		return bsonval.StringV(s), err
	}, nil
}

// formatDate writes a date by MongoDB's format letters.
func formatDate(t time.Time, layout string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(layout); i++ {
		if layout[i] != '%' || i+1 == len(layout) {
			b.WriteByte(layout[i])
			continue
		}
		i++
		_, off := t.Zone()
		switch layout[i] {
		case 'Y':
			fmt.Fprintf(&b, "%04d", t.Year())
		case 'm':
			fmt.Fprintf(&b, "%02d", int(t.Month()))
		case 'd':
			fmt.Fprintf(&b, "%02d", t.Day())
		case 'H':
			fmt.Fprintf(&b, "%02d", t.Hour())
		case 'M':
			fmt.Fprintf(&b, "%02d", t.Minute())
		case 'S':
			fmt.Fprintf(&b, "%02d", t.Second())
		case 'L':
			fmt.Fprintf(&b, "%03d", t.Nanosecond()/1e6)
		case 'j':
			fmt.Fprintf(&b, "%03d", t.YearDay())
		case 'w':
			fmt.Fprintf(&b, "%d", datePart(t, "dayOfWeek"))
		case 'u':
			fmt.Fprintf(&b, "%d", datePart(t, "isoDayOfWeek"))
		case 'U':
			fmt.Fprintf(&b, "%02d", datePart(t, "week"))
		case 'V':
			fmt.Fprintf(&b, "%02d", datePart(t, "isoWeek"))
		case 'G':
			fmt.Fprintf(&b, "%04d", datePart(t, "isoWeekYear"))
		case 'b':
			b.WriteString(t.Format("Jan"))
		case 'B':
			b.WriteString(t.Format("January"))
		case 'z':
			b.WriteString(t.Format("-0700"))
		case 'Z':
			fmt.Fprintf(&b, "%+d", off/60)
		case '%':
			b.WriteByte('%')
		default:
			return "", op.Errorf(op.InvalidArgument, "Invalid format character '%%%c' in format string", layout[i])
		}
	}
	return b.String(), nil
}

// dateLayouts are the texts $toDate reads.
var dateLayouts = []string{
	time.RFC3339Nano, "2006-01-02T15:04:05.999999999Z0700", "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999Z07:00",
	"2006-01-02 15:04:05.999999999", "2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02", "2006-01", time.RFC1123, time.RFC1123Z, "January 2, 2006", "Jan 2, 2006",
}

// parseDate reads a date in the usual texts.
func parseDate(s string, loc *time.Location) (time.Time, bool) {
	for _, l := range dateLayouts {
		if t, err := time.ParseInLocation(l, s, loc); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// formDateFromString is $dateFromString: named dateString, timezone, onError,
// onNull, format.
func formDateFromString(x *op.Expr, args []evaluator) (evaluator, error) {
	text, tz := named(x, args, "dateString"), named(x, args, "timezone")
	onError, onNull := named(x, args, "onError"), named(x, args, "onNull")
	if text == nil {
		return nil, op.Errorf(op.InvalidArgument, "Missing 'dateString' parameter to $dateFromString")
	}
	format := named(x, args, "format")
	return func(e *env) (bsonval.V, error) {
		v, done, err := input(text, onNull, e)
		if done || err != nil {
			return v, err
		}
		loc, err := zone(tz, e)
		if err != nil {
			return v, err
		}
		f, err := optional(format, e)
		if err != nil {
			return f, err
		}
		t, ok := time.Time{}, false
		if f.Type == bsonval.String {
			t, ok = parseFormat(bsonval.Text(v), bsonval.Text(f), loc)
		} else {
			t, ok = parseDate(bsonval.Text(v), loc)
		}
		if ok {
			return bsonval.DateV(t.UnixMilli()), nil
		}
		if onError != nil {
			return onError(e)
		}
		return v, &op.Error{Code: op.InvalidArgument, Object: "conversion", Msg: "Error parsing date string '" + bsonval.Text(v) + "'"}
	}, nil
}

// parseFormat reads a date by MongoDB's format letters.
func parseFormat(s, layout string, loc *time.Location) (time.Time, bool) {
	l := strings.NewReplacer("%Y", "2006", "%m", "01", "%d", "02", "%H", "15", "%M", "04", "%S", "05", "%L", "000", "%z", "-0700", "%b", "Jan", "%B", "January", "%j", "002", "%%", "%").Replace(layout)
	t, err := time.ParseInLocation(l, s, loc)
	return t, err == nil
}

// formDateFromParts is $dateFromParts.
func formDateFromParts(x *op.Expr, args []evaluator) (evaluator, error) {
	return func(e *env) (bsonval.V, error) {
		n := map[string]int{"year": 1970, "month": 1, "day": 1}
		for i, name := range x.Names {
			if name == "timezone" {
				continue
			}
			v, err := args[i](e)
			if err != nil || nullish(v) {
				return bsonval.NullV, err
			}
			k, ok := bsonval.Int(v)
			if !ok {
				return v, op.Errorf(op.TypeMismatch, "'%s' must evaluate to an integer, found %s", name, typeName(v))
			}
			n[name] = int(k)
		}
		loc, err := zone(named(x, args, "timezone"), e)
		if err != nil {
			return bsonval.NullV, err
		}
		if y, ok := n["isoWeekYear"]; ok {
			t := time.Date(y, 1, 4, n["hour"], n["minute"], n["second"], n["millisecond"]*1e6, loc)
			t = t.AddDate(0, 0, 1-datePart(t, "isoDayOfWeek"))
			return bsonval.DateV(t.AddDate(0, 0, 7*(max(n["isoWeek"], 1)-1)+max(n["isoDayOfWeek"], 1)-1).UnixMilli()), nil
		}
		return bsonval.DateV(time.Date(n["year"], time.Month(n["month"]), n["day"], n["hour"], n["minute"], n["second"], n["millisecond"]*1e6, loc).UnixMilli()), nil
	}, nil
}

// addUnits adds n units to a date.
func addUnits(t time.Time, unit string, n int64) (time.Time, bool) {
	switch unit {
	case "year":
		return addMonths(t, 12*n), true
	case "quarter":
		return addMonths(t, 3*n), true
	case "month":
		return addMonths(t, n), true
	case "week":
		return t.AddDate(0, 0, int(7*n)), true
	case "day":
		return t.AddDate(0, 0, int(n)), true
	case "hour":
		return t.Add(time.Duration(n) * time.Hour), true
	case "minute":
		return t.Add(time.Duration(n) * time.Minute), true
	case "second":
		return t.Add(time.Duration(n) * time.Second), true
	case "millisecond":
		return t.Add(time.Duration(n) * time.Millisecond), true
	}
	return t, false
}

// addMonths adds months and keeps to the last day of the month.
func addMonths(t time.Time, n int64) time.Time {
	first := time.Date(t.Year(), t.Month()+time.Month(n), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), t.Location())
	last := first.AddDate(0, 1, -1).Day()
	return first.AddDate(0, 0, min(t.Day(), last)-1)
}

// formDateAdd is $dateAdd and $dateSubtract: named startDate, unit, amount, timezone.
func formDateAdd(x *op.Expr, args []evaluator) (evaluator, error) {
	start, unit, amount, tz := named(x, args, "startDate"), named(x, args, "unit"), named(x, args, "amount"), named(x, args, "timezone")
	if start == nil || unit == nil || amount == nil {
		return nil, op.Errorf(op.InvalidArgument, "$%s requires startDate, unit and amount to be present", x.Name)
	}
	sign := int64(1)
	if x.Name == "dateSubtract" {
		sign = -1
	}
	return func(e *env) (bsonval.V, error) {
		var v [3]bsonval.V
		for i, a := range []evaluator{start, unit, amount} {
			var err error
			if v[i], err = a(e); err != nil || nullish(v[i]) {
				return bsonval.NullV, err
			}
		}
		loc, err := zone(tz, e)
		if err != nil {
			return v[0], err
		}
		t, err := instant(v[0], loc)
		if err != nil {
			return v[0], err
		}
		n, ok := bsonval.Int(v[2])
		if !ok {
			return v[2], op.Errorf(op.TypeMismatch, "$%s expects integer amount of time units", x.Name)
		}
		t, ok = addUnits(t, bsonval.Text(v[1]), sign*n)
		if !ok {
			return v[1], op.Errorf(op.InvalidArgument, "unknown time unit value: %s", bsonval.Text(v[1]))
		}
		return bsonval.DateV(t.UnixMilli()), nil
	}, nil
}

// truncate cuts a date to the start of its unit.
func truncate(t time.Time, unit string, bin int64) (time.Time, bool) {
	base := time.Date(2000, 1, 1, 0, 0, 0, 0, t.Location())
	if unit == "week" {
		base = time.Date(2000, 1, 2, 0, 0, 0, 0, t.Location()) // weeks start on Sunday
	}
	n, ok := countUnits(base, t, unit)
	if !ok {
		return t, false
	}
	if r := n % bin; r < 0 {
		n -= r + bin
	} else {
		n -= r
	}
	out, _ := addUnits(base, unit, n)
	return out, true
}

// countUnits counts the unit boundaries between two dates.
func countUnits(a, b time.Time, unit string) (int64, bool) {
	months := int64(b.Year()-a.Year())*12 + int64(b.Month()-a.Month())
	floor := func(x, y int64) int64 {
		if q := x / y; x%y != 0 && (x < 0) != (y < 0) {
			return q - 1
		} else {
			return q
		}
	}
	day := func(t time.Time) int64 {
		return floor(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC).Unix(), 86400)
	}
	switch unit {
	case "year":
		return int64(b.Year() - a.Year()), true
	case "quarter":
		q := func(t time.Time) int64 { return int64(t.Year())*4 + int64(t.Month()-1)/3 }
		return q(b) - q(a), true
	case "month":
		return months, true
	case "week":
		w := func(t time.Time) int64 { return floor(day(t)+4, 7) }
		return w(b) - w(a), true
	case "day":
		return day(b) - day(a), true
	case "hour":
		return floor(b.Unix(), 3600) - floor(a.Unix(), 3600), true
	case "minute":
		return floor(b.Unix(), 60) - floor(a.Unix(), 60), true
	case "second":
		return b.Unix() - a.Unix(), true
	case "millisecond":
		return b.UnixMilli() - a.UnixMilli(), true
	}
	return 0, false
}

// formDateDiff is $dateDiff: named startDate, endDate, unit, timezone.
func formDateDiff(x *op.Expr, args []evaluator) (evaluator, error) {
	start, end, unit, tz := named(x, args, "startDate"), named(x, args, "endDate"), named(x, args, "unit"), named(x, args, "timezone")
	if start == nil || end == nil || unit == nil {
		return nil, op.Errorf(op.InvalidArgument, "$dateDiff requires startDate, endDate and unit to be present")
	}
	return func(e *env) (bsonval.V, error) {
		var v [3]bsonval.V
		for i, a := range []evaluator{start, end, unit} {
			var err error
			if v[i], err = a(e); err != nil || nullish(v[i]) {
				return bsonval.NullV, err
			}
		}
		loc, err := zone(tz, e)
		if err != nil {
			return v[0], err
		}
		a, err := instant(v[0], loc)
		if err != nil {
			return v[0], err
		}
		b, err := instant(v[1], loc)
		if err != nil {
			return v[1], err
		}
		n, ok := countUnits(a, b, bsonval.Text(v[2]))
		if !ok {
			return v[2], op.Errorf(op.InvalidArgument, "unknown time unit value: %s", bsonval.Text(v[2]))
		}
		return bsonval.Int64V(n), nil
	}, nil
}

// formDateTrunc is $dateTrunc: named date, unit, binSize, timezone.
func formDateTrunc(x *op.Expr, args []evaluator) (evaluator, error) {
	date, unit, bin, tz := named(x, args, "date"), named(x, args, "unit"), named(x, args, "binSize"), named(x, args, "timezone")
	if date == nil || unit == nil {
		return nil, op.Errorf(op.InvalidArgument, "$dateTrunc requires date and unit to be present")
	}
	return func(e *env) (bsonval.V, error) {
		v, err := date(e)
		if err != nil || nullish(v) {
			return bsonval.NullV, err
		}
		u, err := unit(e)
		if err != nil || nullish(u) {
			return bsonval.NullV, err
		}
		b, err := optional(bin, e)
		if err != nil {
			return b, err
		}
		n := int64(1)
		if !nullish(b) {
			var ok bool
			if n, ok = bsonval.Int(b); !ok || n < 1 {
				return b, op.Errorf(op.InvalidArgument, "$dateTrunc requires 'binSize' to be greater than 0")
			}
		}
		loc, err := zone(tz, e)
		if err != nil {
			return v, err
		}
		t, err := instant(v, loc)
		if err != nil {
			return v, err
		}
		t, ok := truncate(t, bsonval.Text(u), n)
		if !ok {
			return u, op.Errorf(op.InvalidArgument, "unknown time unit value: %s", bsonval.Text(u))
		}
		return bsonval.DateV(t.UnixMilli()), nil
	}, nil
}

package datum

import (
	"math"
	"strconv"
	"time"
)

// Special dates and timestamps (see op.TDate).
const (
	PosInfinity = math.MaxInt64
	NegInfinity = math.MinInt64
	ZeroDate    = math.MinInt64 + 1 // MySQL 0000-00-00
)

// Microseconds in larger units.
const (
	Second = int64(1_000_000)
	Minute = 60 * Second
	Hour   = 60 * Minute
	Day    = 24 * Hour
)

// Bounds of dates and timestamps.
const (
	minDay    = -2440588 // 4713-11-24 BC (proleptic Gregorian), Julian day 0
	maxDay    = 2145042905
	minMicros = minDay * Day
	maxMicros = 9223286399999999999 // end of 294246-12-31
)

// Finite reports whether a stored date or timestamp is neither infinite nor
// MySQL's zero date.
func Finite(n int64) bool { return n != PosInfinity && n != NegInfinity && n != ZeroDate }

// DaysFromCivil returns the days since 1970-01-01 of a proleptic Gregorian
// date. Year 0 is 1 BC.
func DaysFromCivil(y, m, d int) int64 {
	yy := int64(y)
	if m <= 2 {
		yy--
	}
	era := floorDiv(yy, 400)
	yoe := yy - era*400
	doy := int64((153*((m+9)%12)+2)/5 + d - 1)
	doe := yoe*365 + yoe/4 - yoe/100 + doy
	return era*146097 + doe - 719468
}

// CivilFromDays is the inverse of DaysFromCivil.
func CivilFromDays(days int64) (y, m, d int) {
	z := days + 719468
	era := floorDiv(z, 146097)
	doe := z - era*146097
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	d = int(doy - (153*mp+2)/5 + 1)
	m = int(mp + 3)
	if m > 12 {
		m -= 12
	}
	year := yoe + era*400
	if m <= 2 {
		year++
	}
	return int(year), m, d
}

// floorDiv divides towards minus infinity.
func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// SplitMicros cuts a timestamp into days and microseconds of the day.
func SplitMicros(us int64) (days, rest int64) {
	days = floorDiv(us, Day)
	return days, us - days*Day
}

// DaysIn returns the number of days of a month.
func DaysIn(y, m int) int {
	switch m {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if y%4 == 0 && (y%100 != 0 || y%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// LocalMicros returns the wall clock of an instant in a zone, as a timestamp.
func LocalMicros(us int64, loc *time.Location) int64 {
	if !Finite(us) || loc == time.UTC {
		return us
	}
	_, off := time.UnixMicro(us).In(loc).Zone()
	return us + int64(off)*Second
}

// InstantMicros returns the instant of a wall clock in a zone.
func InstantMicros(local int64, loc *time.Location) int64 {
	if !Finite(local) || loc == time.UTC {
		return local
	}
	days, rest := SplitMicros(local)
	y, m, d := CivilFromDays(days)
	return time.Date(y, time.Month(m), d, 0, 0, int(rest/Second), int(rest%Second)*1000, loc).UnixMicro()
}

// AppendDate writes a stored date in ISO style.
func AppendDate(dst []byte, days int64) []byte {
	switch days {
	case PosInfinity:
		return append(dst, "infinity"...)
	case NegInfinity, ZeroDate:
		return append(dst, "-infinity"...)
	}
	y, m, d := CivilFromDays(days)
	dst = appendYMD(dst, y, m, d)
	if y <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

// appendYMD writes a date without its era.
func appendYMD(dst []byte, y, m, d int) []byte {
	if y <= 0 {
		y = 1 - y
	}
	dst = appendPadded(dst, y, 4)
	dst = append(dst, '-', byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10))
	return dst
}

// appendPadded writes n with at least width digits.
func appendPadded(dst []byte, n, width int) []byte {
	for limit := 10; width > 1; width-- {
		p := 1
		for i := 1; i < width; i++ {
			p *= limit
		}
		if n >= p {
			break
		}
		dst = append(dst, '0')
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// AppendTimestamp writes a stored timestamp in ISO style.
func AppendTimestamp(dst []byte, us int64) []byte {
	if !Finite(us) {
		return AppendDate(dst, us)
	}
	days, rest := SplitMicros(us)
	y, m, d := CivilFromDays(days)
	dst = appendYMD(dst, y, m, d)
	dst = appendClock(append(dst, ' '), rest)
	if y <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

// AppendTimestampTZ writes a stored instant in ISO style in a zone.
func AppendTimestampTZ(dst []byte, us int64, loc *time.Location) []byte {
	if !Finite(us) {
		return AppendDate(dst, us)
	}
	off := 0
	if loc != time.UTC && loc != nil {
		_, off = time.UnixMicro(us).In(loc).Zone()
	}
	days, rest := SplitMicros(us + int64(off)*Second)
	y, m, d := CivilFromDays(days)
	dst = appendYMD(dst, y, m, d)
	dst = appendClock(append(dst, ' '), rest)
	dst = appendOffset(dst, off)
	if y <= 0 {
		dst = append(dst, " BC"...)
	}
	return dst
}

// appendClock writes hh:mm:ss with a trimmed fraction.
func appendClock(dst []byte, us int64) []byte {
	h, mi, s, f := int(us/Hour), int(us/Minute%60), int(us/Second%60), int(us%Second)
	dst = appendPadded(dst, h, 2)
	dst = append(dst, ':', byte('0'+mi/10), byte('0'+mi%10), ':', byte('0'+s/10), byte('0'+s%10))
	return appendFraction(dst, f)
}

// appendFraction writes .ffffff without trailing zeros, nothing for 0.
func appendFraction(dst []byte, f int) []byte {
	if f == 0 {
		return dst
	}
	dst = append(dst, '.')
	for p := 100000; f > 0; p /= 10 {
		dst = append(dst, byte('0'+f/p))
		f %= p
	}
	return dst
}

// appendOffset writes a zone offset in seconds east of UTC as +hh[:mm[:ss]].
func appendOffset(dst []byte, off int) []byte {
	sign := byte('+')
	if off < 0 {
		sign, off = '-', -off
	}
	dst = append(dst, sign)
	dst = appendPadded(dst, off/3600, 2)
	if off%3600 != 0 {
		dst = append(dst, ':')
		dst = appendPadded(dst, off/60%60, 2)
	}
	if off%60 != 0 {
		dst = append(dst, ':')
		dst = appendPadded(dst, off%60, 2)
	}
	return dst
}

// RoundMicros rounds a time or timestamp to fraction digits (op.Type.Size - 1).
func RoundMicros(us int64, size int32) int64 {
	if size <= 0 || size > 6 || !Finite(us) {
		return us
	}
	unit := int64(1)
	for i := int32(7); i > size; i-- {
		unit *= 10
	}
	half := unit / 2
	if us > maxMicros-half || us < minMicros+half {
		return us
	}
	return floorDiv(us+half, unit) * unit
}

package funcs

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// Names of months and days.
var (
	monthNames = []string{"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"}
	dayNames   = []string{"Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"}
)

// charTokens are to_char's patterns, longest first for each start.
var charTokens = []string{"YYYY", "Y,YYY", "YYY", "YY", "Y", "IYYY", "IW", "HH24", "HH12", "HH", "MI", "SSSSS", "SSSS", "SS", "MS", "US", "FF6", "FF3",
	"AM", "PM", "A.M.", "P.M.", "am", "pm", "a.m.", "p.m.", "MONTH", "Month", "month", "MON", "Mon", "mon", "MM", "DAY", "Day", "day", "DDD", "DD",
	"DY", "Dy", "dy", "D", "ID", "WW", "W", "Q", "CC", "J", "TZH", "TZM", "TZ", "tz", "OF", "BC", "AD"}

// toChar is to_char of timestamps and intervals: value, format, type, zone.
func toChar(a []op.Value) (op.Value, error) {
	loc, err := zone(a[3].Str())
	if err != nil {
		return op.Null, err
	}
	base := op.Base(a[2].Int())
	var c charTime
	if base == op.TInterval {
		iv, err := interval(a[0], 1)
		if err != nil {
			return op.Null, err
		}
		c = charTime{y: int(iv.Months / 12), m: int(iv.Months % 12), d: int(iv.Days), rest: iv.Micros}
	} else {
		us := a[0].Int()
		if !datum.Finite(us) {
			return op.Null, nil
		}
		c.zone = time.UnixMicro(us).In(loc)
		days, rest := datum.SplitMicros(datum.LocalMicros(us, loc))
		c.days, c.rest = days, rest
		c.y, c.m, c.d = datum.CivilFromDays(days)
	}
	var b strings.Builder
	f := a[1].Str()
	for i := 0; i < len(f); {
		if f[i] == '"' {
			end := strings.IndexByte(f[i+1:], '"')
			if end < 0 {
				end = len(f) - i - 1
			}
			b.WriteString(f[i+1 : i+1+end])
			i += end + 2
			continue
		}
		fill := true
		if strings.HasPrefix(f[i:], "FM") {
			fill = false
			i += 2
		}
		tok := ""
		for _, text := range []string{f[i:], strings.ToUpper(f[i:])} {
			for _, t := range charTokens {
				if tok == "" && strings.HasPrefix(text, t) {
					tok = t
				}
			}
		}
		if tok == "" {
			if i < len(f) {
				b.WriteByte(f[i])
			}
			i++
			continue
		}
		i += len(tok)
		s := c.token(tok, fill)
		if len(f) >= i+2 && (f[i:i+2] == "TH" || f[i:i+2] == "th") {
			s += ordinal(s, f[i:i+2])
			i += 2
		}
		b.WriteString(s)
	}
	return op.Text(b.String()), nil
}

// ordinal is the English suffix of a number.
func ordinal(s, like string) string {
	n, _ := strconv.Atoi(strings.TrimSpace(s))
	suf := "th"
	if n/10%10 != 1 {
		switch n % 10 {
		case 1:
			suf = "st"
		case 2:
			suf = "nd"
		case 3:
			suf = "rd"
		}
	}
	if like == "TH" {
		return strings.ToUpper(suf)
	}
	return suf
}

// charTime is a broken-down time for to_char.
type charTime struct {
	y, m, d    int
	days, rest int64
	zone       time.Time
}

// token renders one pattern.
func (c *charTime) token(t string, fill bool) string {
	n := func(v int64, w int) string {
		if !fill {
			return strconv.FormatInt(v, 10)
		}
		return fmt.Sprintf("%0*d", w, v)
	}
	word := func(s, form string, w int) string {
		switch {
		case form == strings.ToUpper(form):
			s = strings.ToUpper(s)
		case form == strings.ToLower(form):
			s = strings.ToLower(s)
		}
		if fill && w > 0 {
			return fmt.Sprintf("%-*s", w, s)
		}
		return s
	}
	dow := ((c.days+4)%7 + 7) % 7
	doy := c.days - datum.DaysFromCivil(c.y, 1, 1) + 1
	h := c.rest / datum.Hour
	h12 := (h+11)%12 + 1
	month := monthNames[((c.m-1)%12+12)%12]
	switch t {
	case "YYYY":
		return n(int64(c.y), 4)
	case "Y,YYY":
		return fmt.Sprintf("%d,%03d", c.y/1000, c.y%1000)
	case "YYY":
		return n(int64(c.y%1000), 3)
	case "YY":
		return n(int64(c.y%100), 2)
	case "Y":
		return n(int64(c.y%10), 1)
	case "IYYY":
		y, _ := isoWeek(c.days)
		return n(y, 4)
	case "IW":
		_, w := isoWeek(c.days)
		return n(w, 2)
	case "HH24":
		return n(h, 2)
	case "HH12", "HH":
		return n(h12, 2)
	case "MI":
		return n(c.rest/datum.Minute%60, 2)
	case "SS":
		return n(c.rest/datum.Second%60, 2)
	case "SSSSS", "SSSS":
		return n(c.rest/datum.Second, 1)
	case "MS", "FF3":
		return fmt.Sprintf("%03d", c.rest/1000%1000)
	case "US", "FF6":
		return fmt.Sprintf("%06d", c.rest%datum.Second)
	case "AM", "PM", "am", "pm", "A.M.", "P.M.", "a.m.", "p.m.":
		s := "am"
		if h >= 12 {
			s = "pm"
		}
		if strings.Contains(t, ".") {
			s = s[:1] + "." + s[1:] + "."
		}
		return word(s, t, 0)
	case "MONTH", "Month", "month":
		return word(month, t, 9)
	case "MON", "Mon", "mon":
		return word(month[:3], t, 0)
	case "MM":
		return n(int64(c.m), 2)
	case "DAY", "Day", "day":
		return word(dayNames[dow], t, 9)
	case "DY", "Dy", "dy":
		return word(dayNames[dow][:3], t, 0)
	case "DDD":
		return n(doy, 3)
	case "DD":
		return n(int64(c.d), 2)
	case "D":
		return n(dow+1, 1)
	case "ID":
		return n((dow+6)%7+1, 1)
	case "WW":
		return n((doy-1)/7+1, 2)
	case "W":
		return n(int64((c.d-1)/7+1), 1)
	case "Q":
		return n(int64((c.m-1)/3+1), 1)
	case "CC":
		return n(int64((c.y+99)/100), 2)
	case "J":
		return n(c.days+2440588, 1)
	case "BC", "AD":
		if c.y <= 0 {
			return "BC"
		}
		return "AD"
	}
	name, off := c.zone.Zone()
	switch t {
	case "TZ":
		return strings.ToUpper(name)
	case "tz":
		return strings.ToLower(name)
	case "TZH":
		return fmt.Sprintf("%+03d", off/3600)
	case "TZM":
		return fmt.Sprintf("%02d", abs(off)/60%60)
	}
	if off%3600 != 0 {
		return fmt.Sprintf("%+03d:%02d", off/3600, abs(off)/60%60)
	}
	return fmt.Sprintf("%+03d", off/3600)
}

// abs is the absolute value.
func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// numChar is to_char of numbers: 9 0 . , D G S MI PL FM and literals.
func numChar(a []op.Value) (op.Value, error) {
	f := a[1].Str()
	fm := strings.Contains(f, "FM")
	f = strings.ReplaceAll(f, "FM", "")
	up := strings.ToUpper(f)
	body := strings.NewReplacer("D", ".", "G", ",", "MI", "", "PL", "", "S", "", "$", "", "L", "").Replace(up)
	scale := 0
	if i := strings.IndexByte(body, '.'); i >= 0 {
		scale = strings.Count(body[i:], "9") + strings.Count(body[i:], "0")
	}
	d := parseDec(a[0])
	if d.special != "" {
		return op.Text(d.special), nil
	}
	d = d.round(scale)
	neg := d.n.Sign() < 0
	s := strings.TrimPrefix(d.text(), "-")
	whole, frac, _ := strings.Cut(s, ".")
	if whole == "0" {
		whole = ""
	}
	places := strings.Split(body, ".")[0]
	slots := strings.Count(places, "9") + strings.Count(places, "0")
	firstZero := strings.IndexByte(places, '0')
	if len(whole) > slots {
		return op.Text(strings.NewReplacer("9", "#", "0", "#").Replace(body)), nil
	}
	var b strings.Builder
	seen, slot := false, 0
	for i := 0; i < len(places); i++ {
		switch places[i] {
		case '9', '0':
			at := slot - (slots - len(whole))
			slot++
			switch {
			case at >= 0:
				b.WriteByte(whole[at])
				seen = true
			case firstZero >= 0 && i >= firstZero:
				b.WriteByte('0')
				seen = true
			case i == len(places)-1 && whole == "" && scale == 0:
				b.WriteByte('0')
			case !fm:
				b.WriteByte(' ')
			}
		case ',':
			if seen {
				b.WriteByte(',')
			} else if !fm {
				b.WriteByte(' ')
			}
		default:
			b.WriteByte(places[i])
		}
	}
	out := b.String()
	if strings.Contains(body, ".") {
		if fm {
			keep := strings.LastIndexByte(strings.SplitN(body, ".", 2)[1], '0') + 1
			for len(frac) > keep && strings.HasSuffix(frac, "0") {
				frac = frac[:len(frac)-1]
			}
		}
		out += "." + frac
	}
	return op.Text(numSign(out, up, neg, fm)), nil
}

// numSign places the sign of a formatted number.
func numSign(out, f string, neg, fm bool) string {
	lead := len(out) - len(strings.TrimLeft(out, " "))
	put := func(sign string) string { return out[:lead] + sign + out[lead:] }
	cur := ""
	if strings.ContainsAny(f, "$L") {
		cur = "$"
	}
	switch {
	case strings.HasSuffix(f, "MI"):
		if neg {
			return cur + out + "-"
		}
		if fm {
			return cur + out
		}
		return cur + out + " "
	case strings.HasSuffix(f, "S"):
		return cur + out + map[bool]string{true: "-", false: "+"}[neg]
	case strings.HasPrefix(f, "S") || strings.HasPrefix(f, "PL"):
		return put(map[bool]string{true: "-", false: "+"}[neg] + cur)
	case neg:
		return put("-" + cur)
	case fm:
		return put(cur)
	}
	return put(" " + cur)
}

// toTimestamp is to_timestamp(text, format) and to_date: text, format, zone.
func toTimestamp(a []op.Value) (op.Value, error) {
	loc, err := zone(a[2].Str())
	if err != nil {
		return op.Null, err
	}
	s, f := a[0].Str(), a[1].Str()
	y, m, d, h, mi, sec, us, pm, doy := 1, 1, 1, 0, 0, 0, 0, 0, 0
	i := 0
	number := func(w int) int {
		for i < len(s) && (s[i] == ' ') {
			i++
		}
		st := i
		for i < len(s) && i-st < w && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		n, _ := strconv.Atoi(s[st:i])
		return n
	}
	name := func(list []string) int {
		for k, x := range list {
			for _, l := range []string{x, x[:3]} {
				if len(s) >= i+len(l) && strings.EqualFold(s[i:i+len(l)], l) {
					i += len(l)
					return k + 1
				}
			}
		}
		return 0
	}
	for k := 0; k < len(f); {
		rest := strings.ToUpper(f[k:])
		tok := ""
		for _, t := range []string{"YYYY", "YY", "HH24", "HH12", "HH", "MI", "SS", "MS", "US", "MONTH", "MON", "MM", "DDD", "DD", "DAY", "DY", "AM", "PM", "FM"} {
			if strings.HasPrefix(rest, t) {
				tok = t
				break
			}
		}
		switch tok {
		case "":
			k++
			if i < len(s) && !(s[i] >= '0' && s[i] <= '9') {
				i++
			}
			continue
		case "YYYY":
			y = number(4)
		case "YY":
			if y = number(2); y < 70 {
				y += 2000
			} else {
				y += 1900
			}
		case "HH24", "HH12", "HH":
			h = number(2)
		case "MI":
			mi = number(2)
		case "SS":
			sec = number(2)
		case "MS":
			st := i
			us = number(3)
			for n := i - st; n < 6; n++ {
				us *= 10
			}
		case "US":
			us = number(6)
		case "MONTH", "MON":
			if m = name(monthNames); m == 0 {
				return op.Null, op.Errorf(op.InvalidArgument, "invalid value %q for %q", s[min(i, len(s)):], tok)
			}
		case "MM":
			m = number(2)
		case "DDD":
			doy = number(3)
		case "DD":
			d = number(2)
		case "DAY", "DY":
			name(dayNames)
		case "AM", "PM":
			if len(s) >= i+2 {
				pm = map[string]int{"AM": 1, "PM": 2}[strings.ToUpper(s[i:i+2])]
				i += 2
			}
		}
		k += len(tok)
	}
	if pm > 0 {
		h = h % 12
		if pm == 2 {
			h += 12
		}
	}
	if m < 1 || m > 12 || d < 1 || d > datum.DaysIn(y, m) || h > 24 || mi > 59 || sec > 60 {
		return op.Null, op.Errorf(op.OutOfRange, "date/time field value out of range: %q", s)
	}
	days := datum.DaysFromCivil(y, m, d)
	if doy > 0 {
		days = datum.DaysFromCivil(y, 1, 1) + int64(doy) - 1
	}
	local := days*datum.Day + int64(h)*datum.Hour + int64(mi)*datum.Minute + int64(sec)*datum.Second + int64(us)
	return op.Int64(datum.InstantMicros(local, loc)), nil
}

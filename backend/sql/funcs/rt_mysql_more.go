package funcs

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"net/netip"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// registerMySQLMore registers further scalar functions of MySQL.
func registerMySQLMore(r *sqlite.Registry, strict func(string, int, func([]op.Value) op.Value)) {
	registerMySQLJSONEdits(r)
	r.Scalar("dotdo_my_interval", -1, true, myLax(myIntervalOf))
	r.Scalar("dotdo_my_make_set", -1, true, myLax(myMakeSet))
	r.Scalar("dotdo_my_char", -1, true, myLax(myChar))
	strict("dotdo_my_bits", 3, myBits)
	strict("dotdo_my_rand", 1, func(a []op.Value) op.Value {
		s := uint64(myInt(a[0]))
		return op.Float64(rand.New(rand.NewPCG(s, s)).Float64())
	})
	strict("dotdo_my_insert", 4, myInsert)
	strict("dotdo_my_export_set", 5, myExportSet)
	strict("dotdo_my_soundex", 1, mySoundex)
	strict("dotdo_my_maketime", 3, myMakeTime)
	strict("dotdo_my_addtime", 3, myAddTime)
	strict("dotdo_my_timediff", 2, myTimeDiff)
	strict("dotdo_my_period", 3, myPeriod)
	strict("dotdo_my_ord", 1, func(a []op.Value) op.Value {
		n := int64(0)
		for i, r := range myText(a[0]) {
			if i > 0 {
				break
			}
			for _, b := range []byte(string(r)) {
				n = n<<8 | int64(b)
			}
		}
		return op.Int64(n)
	})
	strict("dotdo_my_inet_aton", 1, func(a []op.Value) op.Value {
		p, err := netip.ParseAddr(myText(a[0]))
		if err != nil || !p.Is4() {
			return op.Null
		}
		b := p.As4()
		return op.Int64(int64(binary.BigEndian.Uint32(b[:])))
	})
	strict("dotdo_my_inet_ntoa", 1, func(a []op.Value) op.Value {
		n := myInt(a[0])
		if n < 0 || n > math.MaxUint32 {
			return op.Null
		}
		return op.Text(netip.AddrFrom4([4]byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}).String())
	})
	strict("dotdo_my_ip", 2, func(a []op.Value) op.Value {
		p, err := netip.ParseAddr(myText(a[1]))
		return op.Int64(int64(b2i(err == nil && p.Is4() == (a[0].Int() == 4))))
	})
	strict("dotdo_my_inet6_aton", 1, func(a []op.Value) op.Value {
		p, err := netip.ParseAddr(myText(a[0]))
		if err != nil {
			return op.Null
		}
		return op.Bytes(p.AsSlice())
	})
	strict("dotdo_my_inet6_ntoa", 1, func(a []op.Value) op.Value {
		p, ok := netip.AddrFromSlice(a[0].Raw)
		if !ok {
			return op.Null
		}
		return op.Text(p.String())
	})
	strict("dotdo_my_uuid_text", 1, func(a []op.Value) op.Value {
		if len(a[0].Raw) != 16 {
			return op.Null
		}
		return op.Raw(op.KindText, datum.AppendUUID(nil, a[0].Raw))
	})
}

// unsigned reads the 64 bits of an integer.
func unsigned(v op.Value) uint64 {
	if v.Kind == op.KindText {
		if u, err := strconv.ParseUint(v.Str(), 10, 64); err == nil {
			return u
		}
	}
	return uint64(myInt(v))
}

// myBits computes with 64 unsigned bits: operator, left, right.
func myBits(a []op.Value) op.Value {
	x, y := unsigned(a[1]), unsigned(a[2])
	switch a[0].Str() {
	case "&":
		x &= y
	case "|":
		x |= y
	case "^":
		x ^= y
	case "~":
		x = ^x
	case "<<":
		x <<= y
	case ">>":
		x >>= y
	}
	return datum.UnsignedValue(x)
}

// myIntervalOf is INTERVAL(n, a, b, …): how many of the sorted bounds are not
// above n.
func myIntervalOf(a []op.Value) op.Value {
	if a[0].IsNull() {
		return op.Int64(-1)
	}
	n := int64(0)
	for _, b := range a[1:] {
		if b.Float() > a[0].Float() {
			break
		}
		n++
	}
	return op.Int64(n)
}

// myMakeSet is MAKE_SET(bits, a, b, …).
func myMakeSet(a []op.Value) op.Value {
	if a[0].IsNull() {
		return op.Null
	}
	var out []string
	for i, v := range a[1:] {
		if myInt(a[0])>>i&1 == 1 && !v.IsNull() {
			out = append(out, myText(v))
		}
	}
	return op.Text(strings.Join(out, ","))
}

// myChar is CHAR(n, …): the bytes of its numbers.
func myChar(a []op.Value) op.Value {
	out := []byte{}
	for _, v := range a {
		if v.IsNull() {
			continue
		}
		n := uint32(myInt(v))
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], n)
		i := 0
		for i < 3 && b[i] == 0 {
			i++
		}
		out = append(out, b[i:]...)
	}
	return op.Bytes(out)
}

// myInsert is INSERT(text, position, length, new).
func myInsert(a []op.Value) op.Value {
	s, pos, n := []rune(myText(a[0])), myInt(a[1]), myInt(a[2])
	if pos < 1 || pos > int64(len(s)) {
		return op.Text(string(s))
	}
	end := pos - 1 + n
	if n < 0 || end > int64(len(s)) {
		end = int64(len(s))
	}
	return op.Text(string(s[:pos-1]) + myText(a[3]) + string(s[end:]))
}

// myExportSet is EXPORT_SET(bits, on, off, separator, number).
func myExportSet(a []op.Value) op.Value {
	n := min(max(myInt(a[4]), 0), 64)
	parts := make([]string, n)
	for i := range parts {
		parts[i] = myText(a[2])
		if uint64(myInt(a[0]))>>i&1 == 1 {
			parts[i] = myText(a[1])
		}
	}
	return op.Text(strings.Join(parts, myText(a[3])))
}

// soundexCodes are the digits of the letters; vowels have none.
const soundexCodes = "01230120022455012623010202"

// mySoundex is SOUNDEX, with MySQL's unlimited length.
func mySoundex(a []op.Value) op.Value {
	var out []byte
	last := byte('0')
	for _, r := range strings.ToUpper(myText(a[0])) {
		if r < 'A' || r > 'Z' {
			continue
		}
		c := soundexCodes[r-'A']
		if len(out) == 0 {
			out, last = append(out, byte(r)), c
			continue
		}
		if c != '0' && c != last {
			out = append(out, c)
		}
		if c != '0' {
			last = c
		}
	}
	for len(out) > 0 && len(out) < 4 {
		out = append(out, '0')
	}
	return op.Text(string(out))
}

// myMakeTime is MAKETIME(hour, minute, second).
func myMakeTime(a []op.Value) op.Value {
	h, m := myInt(a[0]), myInt(a[1])
	us := int64(math.Round(num(a[2]) * 1e6))
	if m < 0 || m > 59 || us < 0 || us >= 60*datum.Second {
		return op.Null
	}
	neg := h < 0
	if neg {
		h = -h
	}
	v := min(min(h, 900)*datum.Hour+m*datum.Minute+us, datum.MaxTime)
	if neg {
		v = -v
	}
	return op.Int64(v)
}

// readClock reads text as a TIME, or as a moment when it has a date.
func readClock(s string) (us int64, moment, ok bool) {
	t := op.Type{Base: op.TTime, Size: 7}
	if strings.Count(s, "-") >= 2 {
		t.Base, moment = op.TTimestamp, true
	}
	v, err := datum.ParseMySQL(t, s, datum.Options{})
	return v.Int(), moment, err == nil
}

// clockText prints a TIME or a moment, with a fraction when there is one.
func clockText(us int64, moment bool) op.Value {
	t := op.Type{Base: op.TTime}
	if moment {
		t.Base = op.TTimestamp
	}
	if us%datum.Second != 0 {
		t.Size = 7
	}
	return op.Raw(op.KindText, datum.AppendMySQL(nil, t, op.Int64(us), datum.Options{}))
}

// myAddTime is ADDTIME and SUBTIME of texts: value, time, sign.
func myAddTime(a []op.Value) op.Value {
	us, moment, ok := readClock(myText(a[0]))
	d, bad, ok2 := readClock(myText(a[1]))
	if !ok || !ok2 || bad {
		return op.Null
	}
	return clockText(us+a[2].Int()*d, moment)
}

// myTimeDiff is TIMEDIFF of two texts of the same kind.
func myTimeDiff(a []op.Value) op.Value {
	x, m, ok := readClock(myText(a[0]))
	y, n, ok2 := readClock(myText(a[1]))
	if !ok || !ok2 || m != n {
		return op.Null
	}
	return op.Int64(min(max(x-y, -datum.MaxTime), datum.MaxTime))
}

// myPeriod is PERIOD_ADD and PERIOD_DIFF of months written as YYYYMM.
func myPeriod(a []op.Value) op.Value {
	months := func(p int64) int64 {
		y := p / 100
		switch {
		case y < 70:
			y += 2000
		case y < 100:
			y += 1900
		}
		return y*12 + p%100 - 1
	}
	x := months(myInt(a[1]))
	if a[0].Str() == "diff" {
		return op.Int64(x - months(myInt(a[2])))
	}
	x += myInt(a[2])
	return op.Int64(x/12*100 + x%12 + 1)
}

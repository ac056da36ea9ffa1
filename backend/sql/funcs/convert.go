package funcs

import (
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// Options returns the text options of a session; now is its clock in
// microseconds, 0 = the wall clock.
func Options(env *rel.Env, now int64) datum.Options {
	o := datum.Options{}
	if env == nil {
		return o
	}
	if env.TimeZone != "" && env.TimeZone != "UTC" {
		o.Location, _ = datum.ParseZone(env.TimeZone)
	}
	o.DayFirst = strings.Contains(env.DateStyle, "DMY")
	if now == 0 {
		now = env.TxnStart
	}
	if now != 0 {
		o.Now = time.UnixMicro(now)
	}
	return o
}

// ParseMySQL reads text as MySQL does; text that is no date is NULL, text that
// is no number is its leading digits.
func ParseMySQL(t op.Type, text string, o datum.Options) (op.Value, error) {
	if IsNumber(t) || t.Base == op.TBoolean {
		return myNumber(t, text)
	}
	return datum.ParseMySQL(t, text, o)
}

// leadingNumber returns the longest numeric prefix of text.
func leadingNumber(s string) string {
	s = strings.TrimLeft(s, " \t\n\r")
	i, digits := 0, 0
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
		digits++
	}
	if i < len(s) && s[i] == '.' {
		i++
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
			digits++
		}
	}
	if digits == 0 {
		return "0"
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		j := i + 1
		if j < len(s) && (s[j] == '+' || s[j] == '-') {
			j++
		}
		if j < len(s) && s[j] >= '0' && s[j] <= '9' {
			for j < len(s) && s[j] >= '0' && s[j] <= '9' {
				j++
			}
			i = j
		}
	}
	return strings.TrimPrefix(s[:i], "+")
}

// myNumber converts text to a MySQL number.
func myNumber(t op.Type, text string) (op.Value, error) {
	s := leadingNumber(text)
	switch {
	case t.Base == op.TNumeric:
		d, err := datum.ParseNumeric(s)
		if err != nil {
			return op.Null, err
		}
		if t.Size > 0 {
			d, err = datum.FitNumeric(d, t)
		}
		return op.Text(d), err
	case IsFloat(t):
		f, _ := strconv.ParseFloat(s, 64)
		return op.Float64(f), nil
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		return fitInt(i, t)
	}
	f, _ := strconv.ParseFloat(s, 64)
	return roundInt(f, t)
}

// outOfRange is PostgreSQL's error for a type.
func outOfRange(t op.Type) error {
	e := op.Errorf(op.OutOfRange, "%s out of range", BareName(t))
	if IsFloat(t) {
		e.Msg = "value out of range: overflow"
	}
	return e
}

// fitInt checks an integer's range.
func fitInt(i int64, t op.Type) (op.Value, error) {
	lo, hi := IntRange(t)
	if t.Base == op.TInt8 && t.Unsigned {
		lo, hi = 0, math.MaxInt64
	}
	if IsInt(t) && (i < lo || i > hi) {
		return op.Null, outOfRange(t)
	}
	return op.Int64(i), nil
}

// roundInt rounds half to even, as PostgreSQL does with floats.
func roundInt(f float64, t op.Type) (op.Value, error) {
	f = math.RoundToEven(f)
	if math.IsNaN(f) || f < -9.223372036854775e18 || f > 9.223372036854775e18 {
		return op.Null, outOfRange(t)
	}
	return fitInt(int64(f), t)
}

// text returns the text form of a value.
func text(v op.Value, t op.Type, my bool, o datum.Options) string {
	if my {
		return string(datum.AppendMySQL(nil, t, v, o))
	}
	switch {
	case t.Base == op.TChar && !t.Array:
		return strings.TrimRight(v.Str(), " ")
	case t.Base == op.TBoolean && !t.Array:
		if v.Int() != 0 {
			return "true"
		}
		return "false"
	}
	return string(datum.Append(nil, t, v, o))
}

// Cast converts a storage form between types. explicit says that it was
// written as a cast: text that is too long is cut, not refused.
func Cast(v op.Value, from, to op.Type, my, explicit bool, o datum.Options) (op.Value, error) {
	if v.IsNull() {
		return v, nil
	}
	if from.Array || to.Array {
		return castArray(v, from, to, my, explicit, o)
	}
	switch {
	case IsText(to) || my && (to.Base == op.TJSON || to.Base == op.TJSONB) && !IsText(from):
		return fitString(text(v, from, my, o), to, my, explicit)
	case IsText(from):
		return fromText(textOf(v), to, my, explicit, o)
	case from.Base == op.TBoolean && (IsNumber(to) && my || IsInt(to)):
		from = op.Type{Base: op.TInt8}
	case my && (IsNumber(to) || to.Base == op.TBoolean) && !IsNumber(from):
		return myNumber(to, digits(text(v, from, true, o), from))
	}
	switch {
	case my && explicit && to.Base == op.TInt8 && to.Unsigned && IsNumber(from):
		return wrapUnsigned(v), nil
	case my && to.Base == op.TYear && from.Base != op.TYear && IsNumber(from):
		return datum.ParseMySQL(to, text(v, from, true, o), o)
	case IsNumber(from) && IsNumber(to):
		return castNumber(v, to, my)
	case IsNumber(from) && to.Base == op.TBoolean:
		return op.Int64(int64(b2i(v.Int() != 0))), nil
	case my && IsNumber(from):
		return datum.ParseMySQL(to, text(v, from, true, o), o)
	}
	return castTime(v, from, to, my, o)
}

// textOf is a text value; SQLite may hand out a number for one (JSON members).
func textOf(v op.Value) string {
	switch v.Kind {
	case op.KindInt64:
		return strconv.FormatInt(v.Int(), 10)
	case op.KindFloat64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	return v.Str()
}

// digits turns a MySQL date text into its number form.
func digits(s string, from op.Type) string {
	switch from.Base {
	case op.TDate, op.TTimestamp, op.TTimestampTZ, op.TTime:
		return strings.NewReplacer("-", "", ":", "", " ", "").Replace(s)
	}
	return s
}

// b2i is 1 for true.
func b2i(b bool) int {
	if b {
		return 1
	}
	return 0
}

// fitString applies a character type's length.
func fitString(s string, t op.Type, my, explicit bool) (op.Value, error) {
	if t.Size <= 0 || (t.Base != op.TVarchar && t.Base != op.TChar) {
		return op.Text(s), nil
	}
	n := len([]rune(s))
	if n > int(t.Size) {
		r := []rune(s)
		if !explicit && strings.TrimRight(string(r[t.Size:]), " ") != "" {
			e := op.Errorf(op.StringTooLong, "value too long for type %s", TypeName(t))
			return op.Null, e
		}
		s = string(r[:t.Size])
	} else if t.Base == op.TChar && !my {
		s += strings.Repeat(" ", int(t.Size)-n)
	}
	return op.Text(s), nil
}

// fromText reads text as a type.
func fromText(s string, to op.Type, my, explicit bool, o datum.Options) (op.Value, error) {
	if my && !explicit { // a column takes only text that is a value of its type
		return datum.ParseMySQL(to, s, o)
	}
	if my {
		return ParseMySQL(to, s, o)
	}
	return datum.Parse(to, s, o)
}

// castNumber converts between number types.
func castNumber(v op.Value, to op.Type, my bool) (op.Value, error) {
	switch {
	case IsInt(to):
		switch v.Kind {
		case op.KindFloat64:
			if my {
				return roundInt(math.Copysign(math.Floor(math.Abs(v.Float())+0.5), v.Float()), to)
			}
			return roundInt(v.Float(), to)
		case op.KindText:
			s := datum.RoundNumeric(v.Str(), 0)
			i, err := strconv.ParseInt(s, 10, 64)
			if err == nil {
				return fitInt(i, to)
			}
			if u, err := strconv.ParseUint(s, 10, 64); err == nil && to.Base == op.TInt8 && to.Unsigned {
				return datum.UnsignedValue(u), nil
			}
			return op.Null, outOfRange(to)
		}
		return fitInt(v.Int(), to)
	case IsFloat(to):
		f := v.Float()
		switch v.Kind {
		case op.KindText:
			var err error
			if f, err = strconv.ParseFloat(v.Str(), 64); err != nil && !math.IsInf(f, 0) {
				return op.Null, outOfRange(to)
			}
			if math.IsNaN(f) {
				return op.Text("NaN"), nil
			}
		case op.KindInt64:
			f = float64(v.Int())
		}
		if to.Base == op.TFloat4 {
			f = float64(float32(f))
		}
		return op.Float64(f), nil
	}
	s := decText(v)
	if to.Size > 0 {
		var err error
		if s, err = datum.FitNumeric(s, to); err != nil {
			return op.Null, err
		}
	}
	return op.Text(s), nil
}

// decText returns any stored number as decimal text.
func decText(v op.Value) string {
	switch v.Kind {
	case op.KindFloat64:
		return datum.NumericFromFloat(v.Float(), false)
	case op.KindText:
		if s := v.Str(); len(s) == 20 && s[0] == '0' {
			return strings.TrimLeft(s[:19], "0") + s[19:]
		}
		return v.Str()
	}
	return strconv.FormatInt(v.Int(), 10)
}

// castArray converts each element of an array, or between arrays and text.
func castArray(v op.Value, from, to op.Type, my, explicit bool, o datum.Options) (op.Value, error) {
	switch {
	case !to.Array:
		return op.Text(string(datum.Append(nil, from, v, o))), nil
	case !from.Array:
		return datum.Parse(to, v.Str(), o)
	}
	ef, et := from, to
	ef.Array, et.Array = false, false
	if ef.Base == et.Base && et.Size == 0 {
		return v, nil
	}
	elems, dims, err := datum.Elements(from, v.Str())
	if err != nil {
		return op.Null, err
	}
	if len(dims) > 1 {
		return op.Null, op.Errorf(op.Unsupported, "casting arrays of several dimensions is not supported")
	}
	out := []byte{'['}
	for i, e := range elems {
		if i > 0 {
			out = append(out, ',')
		}
		if e, err = Cast(e, ef, et, my, explicit, o); err != nil {
			return op.Null, err
		}
		out = datum.AppendElement(out, e)
	}
	return op.Raw(op.KindText, append(out, ']')), nil
}

// castTime converts between date and time types, and what is left.
func castTime(v op.Value, from, to op.Type, my bool, o datum.Options) (op.Value, error) {
	loc := o.Location
	if loc == nil {
		loc = time.UTC
	}
	n := v.Int()
	special := !datum.Finite(n)
	switch from.Base {
	case op.TDate:
		if to.Base == op.TTimestamp || to.Base == op.TTimestampTZ {
			if special {
				return v, nil
			}
			us := n * datum.Day
			if to.Base == op.TTimestampTZ {
				us = datum.InstantMicros(us, loc)
			}
			return op.Int64(us), nil
		}
	case op.TTimestamp, op.TTimestampTZ:
		if special {
			if to.Base == op.TTime {
				return op.Null, nil
			}
			return v, nil
		}
		local := n
		if from.Base == op.TTimestampTZ {
			local = datum.LocalMicros(n, loc)
		}
		days, rest := datum.SplitMicros(local)
		switch to.Base {
		case op.TDate:
			return op.Int64(days), nil
		case op.TTime:
			return op.Int64(datum.RoundMicros(rest, to.Size)), nil
		case op.TTimeTZ:
			_, off := time.UnixMicro(n).In(loc).Zone()
			return op.Raw(op.KindText, datum.AppendTimeTZ(nil, rest, off)), nil
		case op.TTimestamp:
			return op.Int64(datum.RoundMicros(local, to.Size)), nil
		case op.TTimestampTZ:
			if from.Base == op.TTimestamp {
				n = datum.InstantMicros(n, loc)
			}
			return op.Int64(datum.RoundMicros(n, to.Size)), nil
		}
	case op.TTime:
		switch to.Base {
		case op.TInterval:
			return op.Text(datum.Interval{Micros: n}.ISO()), nil
		case op.TTime:
			return op.Int64(datum.RoundMicros(n, to.Size)), nil
		case op.TTimestamp, op.TTimestampTZ:
			return datum.ParseMySQL(to, text(v, from, true, o), o)
		}
	case op.TInterval:
		iv, err := datum.ParseInterval(v.Str())
		if err != nil || to.Base != op.TTime {
			return v, err
		}
		_, rest := datum.SplitMicros(iv.Micros)
		return op.Int64(rest), nil
	}
	return fromText(text(v, from, my, o), to, my, true, o)
}

// IntervalWithUnit reads INTERVAL 'text' unit: a bare number counts the unit.
func IntervalWithUnit(s, unit string) (op.Value, error) {
	if _, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err == nil {
		f := strings.Fields(strings.ToLower(unit))
		s = s + " " + f[len(f)-1]
	}
	iv, err := datum.ParseInterval(s)
	if err != nil {
		return op.Null, err
	}
	return op.Text(iv.ISO()), nil
}

// wrapUnsigned is CAST(x AS UNSIGNED): negative numbers wrap around.
func wrapUnsigned(v op.Value) op.Value {
	switch v.Kind {
	case op.KindFloat64:
		f := math.Round(v.Float())
		if f < 0 {
			return datum.UnsignedValue(uint64(int64(max(f, math.MinInt64))))
		}
		return datum.UnsignedValue(uint64(min(f, math.MaxUint64)))
	case op.KindText:
		s := datum.RoundNumeric(v.Str(), 0)
		if u, err := strconv.ParseUint(s, 10, 64); err == nil {
			return datum.UnsignedValue(u)
		}
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil && s[0] != '-' {
			return datum.UnsignedValue(math.MaxUint64)
		}
		return datum.UnsignedValue(uint64(i))
	}
	return datum.UnsignedValue(uint64(v.Int()))
}

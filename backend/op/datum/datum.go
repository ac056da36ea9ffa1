// Package datum converts between text and the storage forms of SQL values
// (see op.Base): PostgreSQL's input and output syntax, MySQL's, and the
// calendar, interval, numeric and jsonb arithmetic that SQL functions share.
// It knows nothing of wires, catalogs or SQLite.
package datum

import (
	"math"
	"strconv"
	"strings"
	"time"

	_ "time/tzdata" // zone names must resolve on machines without zoneinfo

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Options are the session facts that text forms depend on. The zero value is
// UTC, month before day, and no clock.
type Options struct {
	Location *time.Location // session time zone, nil = UTC
	Now      time.Time      // what 'now', 'today' mean; zero = time.Now
	DayFirst bool           // DateStyle DMY: 01/02/2024 is the first of February
}

// location returns the session zone.
func (o *Options) location() *time.Location {
	if o.Location == nil {
		return time.UTC
	}
	return o.Location
}

// now returns the session clock.
func (o *Options) now() time.Time {
	if o.Now.IsZero() {
		return time.Now()
	}
	return o.Now
}

// Parse reads PostgreSQL input text as the storage form of t. The value may
// share text's bytes. NULL has no text: callers handle it.
func Parse(t op.Type, text string, o Options) (op.Value, error) {
	return ParseWith(t, text, &o)
}

// ParseWith is Parse for callers that keep their options: it makes no garbage.
func ParseWith(t op.Type, text string, o *Options) (op.Value, error) {
	if t.Array {
		return parseArray(t, text, o)
	}
	return parseScalar(t, text, o)
}

// parseScalar is Parse for a type that is no array.
func parseScalar(t op.Type, text string, o *Options) (op.Value, error) {
	switch t.Base {
	case op.TBoolean:
		return parseBool(text)
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TYear:
		return parseInt(t, text)
	case op.TOID, op.TXID, op.TRegClass, op.TRegType, op.TRegProc, op.TRegNS:
		return parseOID(t, text)
	case op.TFloat4, op.TFloat8:
		return parseFloat(t, text)
	case op.TNumeric:
		s, err := ParseNumeric(text)
		if err != nil {
			return op.Null, err
		}
		if s, err = FitNumeric(s, t); err != nil {
			return op.Null, err
		}
		return op.Text(s), nil
	case op.TVarchar, op.TChar:
		return fitText(t, text)
	case op.TBytea:
		return parseBytea(text)
	case op.TDate:
		return parseDate(text, o)
	case op.TTime:
		return parseTime(t, text, o)
	case op.TTimeTZ:
		return parseTimeTZ(t, text, o)
	case op.TTimestamp, op.TTimestampTZ:
		return parseTimestamp(t, text, o)
	case op.TInterval:
		iv, err := ParseInterval(text)
		if err != nil {
			return op.Null, err
		}
		return op.Text(iv.ISO()), nil
	case op.TUUID:
		return parseUUID(text)
	case op.TJSON:
		if err := CheckJSON(text); err != nil {
			return op.Null, err
		}
		return op.Text(text), nil
	case op.TJSONB:
		b, err := NormalizeJSONB(nil, text)
		if err != nil {
			return op.Null, err
		}
		return op.Value{Kind: op.KindText, Raw: b}, nil
	case op.TBit:
		return parseBit(t, text)
	case op.TInet:
		return parseInet(text)
	case op.TInt2Vector, op.TOIDVector:
		return parseVector(t, text)
	case op.TCharByte:
		if len(text) > 1 {
			text = text[:1]
		}
		return op.Text(text), nil
	case op.TName:
		return op.Text(clip(text, 63)), nil
	case op.TRecord:
		return op.Null, op.Errorf(op.Unsupported, "input of anonymous composite types is not implemented")
	case op.TVoid:
		return op.Null, nil
	default:
		return op.Text(text), nil
	}
}

// Append writes the PostgreSQL output text of v, a storage form of t. Null
// writes nothing. A value of another kind than its type's form (an untyped
// SQLite result) is written as near as it can be.
func Append(dst []byte, t op.Type, v op.Value, o Options) []byte {
	return appendValue(dst, t, v, &o)
}

// appendValue is Append without the copy of the options.
func appendValue(dst []byte, t op.Type, v op.Value, o *Options) []byte {
	if v.Kind == op.KindNull {
		return dst
	}
	if t.Array {
		return appendArray(dst, t, v, o)
	}
	switch t.Base {
	case op.TBoolean:
		if isNumber(v) {
			if v.Num != 0 {
				return append(dst, 't')
			}
			return append(dst, 'f')
		}
	case op.TFloat4, op.TFloat8:
		switch v.Kind {
		case op.KindFloat64:
			return appendFloat(dst, v.Float(), t.Base == op.TFloat4)
		case op.KindInt64:
			return appendFloat(dst, float64(v.Int()), t.Base == op.TFloat4)
		}
	case op.TBytea:
		return appendBytea(dst, v)
	case op.TDate:
		if isNumber(v) {
			return AppendDate(dst, v.Int())
		}
	case op.TTime:
		if isNumber(v) {
			return appendClock(dst, v.Int())
		}
	case op.TTimestamp:
		if isNumber(v) {
			return AppendTimestamp(dst, v.Int())
		}
	case op.TTimestampTZ:
		if isNumber(v) {
			return AppendTimestampTZ(dst, v.Int(), o.location())
		}
	case op.TInterval:
		if iv, err := ParseInterval(v.Str()); err == nil && v.Kind == op.KindText {
			return iv.Append(dst)
		}
	case op.TInt8:
		if t.Unsigned && v.Kind == op.KindText {
			return append(dst, strings.TrimLeft(v.Str(), "0")...)
		}
	case op.TRecord:
		return appendRecord(dst, v)
	case op.TInt2Vector, op.TOIDVector:
		return appendVector(dst, v)
	}
	return appendPlain(dst, t, v)
}

// isNumber reports whether v carries an integer.
func isNumber(v op.Value) bool {
	switch v.Kind {
	case op.KindInt64, op.KindInt32, op.KindBool, op.KindUint64, op.KindTime:
		return true
	}
	return false
}

// appendPlain writes a value by its kind alone.
func appendPlain(dst []byte, t op.Type, v op.Value) []byte {
	switch v.Kind {
	case op.KindInt64, op.KindInt32, op.KindTime:
		return strconv.AppendInt(dst, v.Int(), 10)
	case op.KindUint64:
		return strconv.AppendUint(dst, v.Num, 10)
	case op.KindBool:
		return strconv.AppendBool(dst, v.Num != 0)
	case op.KindFloat64:
		f := v.Float()
		if t.Base == op.TNumeric && !math.IsInf(f, 0) {
			return strconv.AppendFloat(dst, f, 'f', -1, 64)
		}
		return appendFloat(dst, f, false)
	case op.KindBytes:
		if t.Base == op.TString || t.Base == op.TVarchar || t.Base == op.TChar || t.Base == op.TName {
			return append(dst, v.Raw...)
		}
		return appendBytea(dst, v)
	case op.KindUUID:
		return appendUUID(dst, v.Raw)
	default:
		return append(dst, v.Raw...)
	}
}

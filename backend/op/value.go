package op

import (
	"math"
	"time"
	"unsafe"
)

// Kind tags a Value. Numbers are pinned: they are stored and serialised.
type Kind uint8

// Value kinds. A SQL row carries only storage forms (Null, Int64, Float64,
// Text, Bytes) next to its Column types; the other kinds keep an SDK's own
// types apart where no column type says them.
const (
	KindNull      Kind = 0
	KindBool      Kind = 1
	KindInt32     Kind = 2
	KindInt64     Kind = 3
	KindUint64    Kind = 4
	KindFloat64   Kind = 5
	KindDecimal   Kind = 6  // Raw: decimal text
	KindText      Kind = 7  // Raw: UTF-8
	KindBytes     Kind = 8  // Raw: any bytes
	KindTime      Kind = 9  // Num: microseconds since 1970-01-01 UTC, two's complement
	KindUUID      Kind = 10 // Raw: 16 bytes
	KindObjectID  Kind = 11 // Raw: 12 bytes
	KindArray     Kind = 12 // List: elements
	KindMap       Kind = 13 // List: key, value, key, value …
	KindSet       Kind = 14 // List: elements
	KindDocument  Kind = 15 // Raw: one BSON document
	KindVector    Kind = 16 // Raw: little-endian float32s
	KindBSON      Kind = 17 // Num: BSON element type, Raw: its value bytes (types with no kind here)
	KindErrorText Kind = 18 // Raw: an error inside a reply list, "CODE message"
)

// Value is one compact tagged scalar or compound. Raw is owned by whoever
// built the Value; a reader that keeps it longer than the frame copies it.
type Value struct {
	Kind Kind
	Num  uint64
	Raw  []byte
	list *[]Value
}

// Null is the absent value.
var Null = Value{}

// Bool builds a boolean.
func Bool(b bool) Value {
	if b {
		return Value{Kind: KindBool, Num: 1}
	}
	return Value{Kind: KindBool}
}

// Int64 builds a 64-bit integer.
func Int64(i int64) Value { return Value{Kind: KindInt64, Num: uint64(i)} }

// Int32 builds a 32-bit integer.
func Int32(i int32) Value { return Value{Kind: KindInt32, Num: uint64(int64(i))} }

// Uint64 builds an unsigned integer.
func Uint64(u uint64) Value { return Value{Kind: KindUint64, Num: u} }

// Float64 builds a double.
func Float64(f float64) Value { return Value{Kind: KindFloat64, Num: math.Float64bits(f)} }

// Text builds a UTF-8 text. It shares the string's bytes; they are immutable.
func Text(s string) Value {
	if s == "" {
		return Value{Kind: KindText}
	}
	return Value{Kind: KindText, Raw: unsafe.Slice(unsafe.StringData(s), len(s))}
}

// Bytes builds a byte string that shares b.
func Bytes(b []byte) Value { return Value{Kind: KindBytes, Raw: b} }

// Raw builds a value of a Raw-only kind that shares b.
func Raw(k Kind, b []byte) Value { return Value{Kind: k, Raw: b} }

// Time builds an instant with microsecond precision.
func Time(t time.Time) Value { return Value{Kind: KindTime, Num: uint64(t.UnixMicro())} }

// Array builds a list.
func Array(vs ...Value) Value { return Value{Kind: KindArray, list: &vs} }

// Map builds an ordered map from key, value, key, value ….
func Map(kv ...Value) Value { return Value{Kind: KindMap, list: &kv} }

// Set builds a set.
func Set(vs ...Value) Value { return Value{Kind: KindSet, list: &vs} }

// ErrorText builds an error that stands in the middle of a list.
func ErrorText(s string) Value { return Value{Kind: KindErrorText, Raw: []byte(s)} }

// IsNull reports whether v is absent.
func (v Value) IsNull() bool { return v.Kind == KindNull }

// Int returns the integer of a Bool, Int32, Int64, Uint64 or Time value.
func (v Value) Int() int64 { return int64(v.Num) }

// Float returns the double of a Float64 value.
func (v Value) Float() float64 { return math.Float64frombits(v.Num) }

// Str returns Raw as a string that shares its bytes.
func (v Value) Str() string { return unsafe.String(unsafe.SliceData(v.Raw), len(v.Raw)) }

// List returns the elements of an Array, Map (key, value, …) or Set.
func (v Value) List() []Value {
	if v.list == nil {
		return nil
	}
	return *v.list
}

// Package bsonval maps BSON values to op.Value and back without loss, and
// compares BSON values in MongoDB's order. It does no I/O and knows no
// collection.
package bsonval

import (
	"encoding/binary"
	"math"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// V is one BSON value: its element type and its value bytes. Type 0 means
// missing.
type V = bsoncore.Value

// Types of BSON elements, under short names.
const (
	Double     = bsoncore.TypeDouble
	String     = bsoncore.TypeString
	Document   = bsoncore.TypeEmbeddedDocument
	Array      = bsoncore.TypeArray
	Binary     = bsoncore.TypeBinary
	Undefined  = bsoncore.TypeUndefined
	ObjectID   = bsoncore.TypeObjectID
	Boolean    = bsoncore.TypeBoolean
	DateTime   = bsoncore.TypeDateTime
	Null       = bsoncore.TypeNull
	Regex      = bsoncore.TypeRegex
	DBPointer  = bsoncore.TypeDBPointer
	JavaScript = bsoncore.TypeJavaScript
	Symbol     = bsoncore.TypeSymbol
	CodeScope  = bsoncore.TypeCodeWithScope
	Int32      = bsoncore.TypeInt32
	Timestamp  = bsoncore.TypeTimestamp
	Int64      = bsoncore.TypeInt64
	Decimal128 = bsoncore.TypeDecimal128
	MinKey     = bsoncore.TypeMinKey
	MaxKey     = bsoncore.TypeMaxKey
)

// Missing is the absent value.
var Missing = V{}

// NullV is BSON null.
var NullV = V{Type: Null}

// FromBSON converts a BSON value. The result shares v's bytes.
func FromBSON(v V) op.Value {
	switch v.Type {
	case 0, Null:
		return op.Null
	case Double:
		return op.Value{Kind: op.KindFloat64, Num: binary.LittleEndian.Uint64(v.Data)}
	case String:
		return op.Raw(op.KindText, v.Data[4:len(v.Data)-1])
	case Document:
		return op.Raw(op.KindDocument, v.Data)
	case Array:
		var list []op.Value
		for it := Elements(v.Data); it.Next(); {
			list = append(list, FromBSON(it.Value))
		}
		return op.Array(list...)
	case Binary:
		switch sub, b := v.Data[4], v.Data[5:]; {
		case sub == 0:
			return op.Bytes(b)
		case sub == 4 && len(b) == 16:
			return op.Raw(op.KindUUID, b)
		}
	case ObjectID:
		return op.Raw(op.KindObjectID, v.Data)
	case Boolean:
		return op.Bool(v.Data[0] != 0)
	case DateTime:
		if ms := int64(binary.LittleEndian.Uint64(v.Data)); ms <= math.MaxInt64/1000 && ms >= math.MinInt64/1000 {
			return op.Value{Kind: op.KindTime, Num: uint64(ms * 1000)}
		}
	case Int32:
		return op.Int32(int32(binary.LittleEndian.Uint32(v.Data)))
	case Int64:
		return op.Int64(int64(binary.LittleEndian.Uint64(v.Data)))
	case Decimal128:
		lo, hi := binary.LittleEndian.Uint64(v.Data), binary.LittleEndian.Uint64(v.Data[8:])
		text := bson.NewDecimal128(hi, lo).String()
		if d, err := bson.ParseDecimal128(text); err == nil {
			if h, l := d.GetBytes(); h == hi && l == lo {
				return op.Raw(op.KindDecimal, []byte(text))
			}
		}
	}
	return op.Value{Kind: op.KindBSON, Num: uint64(v.Type), Raw: v.Data}
}

// ToBSON converts back. Kinds BSON has no type for take the nearest one: a
// set and a vector become arrays, an unsigned integer a Decimal128 when it
// does not fit int64, microseconds are cut to milliseconds.
func ToBSON(v op.Value) V {
	switch v.Kind {
	case op.KindNull:
		return NullV
	case op.KindBool:
		return BoolV(v.Num != 0)
	case op.KindInt32:
		return Int32V(int32(v.Int()))
	case op.KindInt64:
		return Int64V(v.Int())
	case op.KindUint64:
		if v.Num <= math.MaxInt64 {
			return Int64V(int64(v.Num))
		}
		return DecimalText(strconv.FormatUint(v.Num, 10))
	case op.KindFloat64:
		return DoubleV(v.Float())
	case op.KindDecimal:
		return DecimalText(v.Str())
	case op.KindText, op.KindErrorText:
		return StringV(v.Str())
	case op.KindBytes:
		return V{Type: Binary, Data: bsoncore.AppendBinary(nil, 0, v.Raw)}
	case op.KindTime:
		us := v.Int()
		ms := us / 1000
		if us%1000 < 0 {
			ms--
		}
		return DateV(ms)
	case op.KindUUID:
		return V{Type: Binary, Data: bsoncore.AppendBinary(nil, 4, v.Raw)}
	case op.KindObjectID:
		return V{Type: ObjectID, Data: v.Raw}
	case op.KindDocument:
		return V{Type: Document, Data: v.Raw}
	case op.KindBSON:
		return V{Type: bsoncore.Type(v.Num), Data: v.Raw}
	case op.KindArray, op.KindSet:
		i, b := bsoncore.AppendDocumentStart(nil)
		for n, e := range v.List() {
			b = AppendElement(b, strconv.Itoa(n), ToBSON(e))
		}
		b, _ = bsoncore.AppendDocumentEnd(b, i)
		return V{Type: Array, Data: b}
	case op.KindMap:
		i, b := bsoncore.AppendDocumentStart(nil)
		for l := v.List(); len(l) >= 2; l = l[2:] {
			b = AppendElement(b, l[0].Str(), ToBSON(l[1]))
		}
		b, _ = bsoncore.AppendDocumentEnd(b, i)
		return V{Type: Document, Data: b}
	case op.KindVector:
		i, b := bsoncore.AppendDocumentStart(nil)
		for n := 0; n+4 <= len(v.Raw); n += 4 {
			f := math.Float32frombits(binary.LittleEndian.Uint32(v.Raw[n:]))
			b = AppendElement(b, strconv.Itoa(n/4), DoubleV(float64(f)))
		}
		b, _ = bsoncore.AppendDocumentEnd(b, i)
		return V{Type: Array, Data: b}
	}
	return NullV
}

// BoolV builds a boolean.
func BoolV(b bool) V {
	if b {
		return V{Type: Boolean, Data: []byte{1}}
	}
	return V{Type: Boolean, Data: []byte{0}}
}

// Int32V builds an int32.
func Int32V(i int32) V {
	return V{Type: Int32, Data: binary.LittleEndian.AppendUint32(nil, uint32(i))}
}

// Int64V builds an int64.
func Int64V(i int64) V {
	return V{Type: Int64, Data: binary.LittleEndian.AppendUint64(nil, uint64(i))}
}

// IntV builds an int32 when i fits, else an int64.
func IntV(i int64) V {
	if i >= math.MinInt32 && i <= math.MaxInt32 {
		return Int32V(int32(i))
	}
	return Int64V(i)
}

// DoubleV builds a double.
func DoubleV(f float64) V {
	return V{Type: Double, Data: binary.LittleEndian.AppendUint64(nil, math.Float64bits(f))}
}

// StringV builds a string.
func StringV(s string) V { return V{Type: String, Data: bsoncore.AppendString(nil, s)} }

// DateV builds a date from milliseconds since 1970-01-01 UTC.
func DateV(ms int64) V {
	return V{Type: DateTime, Data: binary.LittleEndian.AppendUint64(nil, uint64(ms))}
}

// DocV wraps a document.
func DocV(d []byte) V { return V{Type: Document, Data: d} }

// DecimalV builds a Decimal128.
func DecimalV(d bson.Decimal128) V {
	hi, lo := d.GetBytes()
	return V{Type: Decimal128, Data: bsoncore.AppendDecimal128(nil, hi, lo)}
}

// DecimalText builds a Decimal128 from text. Text beyond 34 digits is
// rounded; text that is no number gives NaN.
func DecimalText(s string) V {
	d, err := bson.ParseDecimal128(s)
	if err != nil {
		d = roundDecimal(s)
	}
	return DecimalV(d)
}

// ArrayV builds an array of values.
func ArrayV(list []V) V {
	i, b := bsoncore.AppendDocumentStart(nil)
	for n, e := range list {
		b = AppendElement(b, strconv.Itoa(n), e)
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return V{Type: Array, Data: b}
}

// AppendElement appends one element of a document.
func AppendElement(dst []byte, key string, v V) []byte {
	dst = append(dst, byte(v.Type))
	dst = append(dst, key...)
	dst = append(dst, 0)
	return append(dst, v.Data...)
}

// EmptyDoc is the document without fields.
var EmptyDoc = []byte{5, 0, 0, 0, 0}

// Text returns the text of a string or symbol value.
func Text(v V) string {
	if (v.Type != String && v.Type != Symbol && v.Type != JavaScript) || len(v.Data) < 5 {
		return ""
	}
	return string(v.Data[4 : len(v.Data)-1])
}

// Int returns the integer of an int32, int64 or integral double.
func Int(v V) (int64, bool) {
	switch v.Type {
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(v.Data))), true
	case Int64, DateTime:
		return int64(binary.LittleEndian.Uint64(v.Data)), true
	case Double:
		f := math.Float64frombits(binary.LittleEndian.Uint64(v.Data))
		if f == math.Trunc(f) && math.Abs(f) < 9.3e18 {
			return int64(f), f < math.MaxInt64
		}
	case Decimal128:
		r, class := decimalRat(v)
		if class == finite && r.IsInt() && r.Num().IsInt64() {
			return r.Num().Int64(), true
		}
	}
	return 0, false
}

// Float returns a number as a double.
func Float(v V) (float64, bool) {
	switch v.Type {
	case Int32, Int64:
		i, _ := Int(v)
		return float64(i), true
	case Double:
		return math.Float64frombits(binary.LittleEndian.Uint64(v.Data)), true
	case Decimal128:
		r, class := decimalRat(v)
		switch class {
		case notANumber:
			return math.NaN(), true
		case positiveInf:
			return math.Inf(1), true
		case negativeInf:
			return math.Inf(-1), true
		}
		f, _ := r.Float64()
		return f, true
	}
	return 0, false
}

// IsNumber reports whether v is of a numeric type.
func IsNumber(v V) bool {
	return v.Type == Int32 || v.Type == Double || v.Type == Int64 || v.Type == Decimal128
}

// Truthy reports MongoDB's truth of a value: not missing, null, undefined,
// false or zero.
func Truthy(v V) bool {
	switch v.Type {
	case 0, Null, Undefined:
		return false
	case Boolean:
		return v.Data[0] != 0
	case Int32, Int64, Double, Decimal128:
		return Compare(v, Int32V(0)) != 0
	}
	return true
}

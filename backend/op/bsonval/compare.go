package bsonval

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"math/big"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Rank returns a value's place in MongoDB's order of types. Values of equal
// rank compare by content; missing ranks with undefined.
func Rank(t bsoncore.Type) int {
	switch t {
	case MinKey:
		return 1
	case 0, Undefined:
		return 2
	case Null:
		return 7
	case Int32, Int64, Double, Decimal128:
		return 12
	case String, Symbol:
		return 17
	case Document:
		return 22
	case Array:
		return 27
	case Binary:
		return 32
	case ObjectID:
		return 37
	case Boolean:
		return 42
	case DateTime:
		return 47
	case Timestamp:
		return 49
	case Regex:
		return 52
	case DBPointer:
		return 57
	case JavaScript:
		return 62
	case CodeScope:
		return 67
	}
	return 127
}

// Compare orders two values as MongoDB does: by type rank, then by content,
// numbers by value over all numeric types (NaN first).
func Compare(a, b V) int {
	ra, rb := Rank(a.Type), Rank(b.Type)
	if ra != rb {
		return cmp.Compare(ra, rb)
	}
	switch ra {
	case 12:
		return compareNumbers(a, b)
	case 17, 62:
		return bytes.Compare(a.Data[4:len(a.Data)-1], b.Data[4:len(b.Data)-1])
	case 22, 27:
		return CompareDocs(a.Data, b.Data)
	case 32:
		if c := cmp.Compare(len(a.Data), len(b.Data)); c != 0 {
			return c
		}
		return bytes.Compare(a.Data[4:], b.Data[4:])
	case 37, 42:
		return bytes.Compare(a.Data, b.Data)
	case 47:
		return cmp.Compare(int64(binary.LittleEndian.Uint64(a.Data)), int64(binary.LittleEndian.Uint64(b.Data)))
	case 49:
		return cmp.Compare(binary.LittleEndian.Uint64(a.Data), binary.LittleEndian.Uint64(b.Data))
	case 52:
		return bytes.Compare(a.Data, b.Data)
	case 57:
		if c := cmp.Compare(len(a.Data), len(b.Data)); c != 0 {
			return c
		}
		return bytes.Compare(a.Data[4:], b.Data[4:])
	case 67:
		ca, sa, _, _ := bsoncore.ReadCodeWithScope(a.Data)
		cb, sb, _, _ := bsoncore.ReadCodeWithScope(b.Data)
		if c := strings.Compare(ca, cb); c != 0 {
			return c
		}
		return CompareDocs(sa, sb)
	}
	return 0
}

// Equal reports whether two values compare equal.
func Equal(a, b V) bool { return Compare(a, b) == 0 }

// CompareDocs orders documents: field by field, each by type rank, name, then
// value; the one that ends first is less.
func CompareDocs(a, b []byte) int {
	x, y := Elements(a), Elements(b)
	for {
		more, other := x.Next(), y.Next()
		switch {
		case !more && !other:
			return 0
		case !more:
			return -1
		case !other:
			return 1
		}
		if c := cmp.Compare(Rank(x.Value.Type), Rank(y.Value.Type)); c != 0 {
			return c
		}
		if c := strings.Compare(x.Key(), y.Key()); c != 0 {
			return c
		}
		if c := Compare(x.Value, y.Value); c != 0 {
			return c
		}
	}
}

// Classes of a decimal or double.
const (
	notANumber = iota
	negativeInf
	finite
	positiveInf
)

// floatClass classifies a double.
func floatClass(f float64) int {
	switch {
	case math.IsNaN(f):
		return notANumber
	case math.IsInf(f, 1):
		return positiveInf
	case math.IsInf(f, -1):
		return negativeInf
	}
	return finite
}

// compareNumbers orders two numbers exactly.
func compareNumbers(a, b V) int {
	if a.Type != Double && b.Type != Double && a.Type != Decimal128 && b.Type != Decimal128 {
		x, _ := Int(a)
		y, _ := Int(b)
		return cmp.Compare(x, y)
	}
	if a.Type != Decimal128 && b.Type != Decimal128 {
		x, _ := Float(a)
		y, _ := Float(b)
		if a.Type == b.Type || (a.Type != Int64 && b.Type != Int64) || floatClass(x) != finite || floatClass(y) != finite {
			return cmp.Compare(x, y) // cmp puts NaN first, as MongoDB does
		}
		if c := cmp.Compare(x, y); c != 0 {
			return c
		}
	}
	x, cx := Rat(a)
	y, cy := Rat(b)
	if cx != cy || cx != finite {
		return cmp.Compare(cx, cy)
	}
	return x.Cmp(y)
}

// Rat returns a number exactly, with its class: 0 NaN, 1 -Infinity, 2 finite,
// 3 +Infinity. The rational is nil unless finite.
func Rat(v V) (*big.Rat, int) {
	switch v.Type {
	case Decimal128:
		return decimalRat(v)
	case Double:
		f, _ := Float(v)
		if c := floatClass(f); c != finite {
			return nil, c
		}
		return new(big.Rat).SetFloat64(f), finite
	}
	i, _ := Int(v)
	return new(big.Rat).SetInt64(i), finite
}

// decimal reads the Decimal128 of a value.
func decimal(v V) bson.Decimal128 {
	return bson.NewDecimal128(binary.LittleEndian.Uint64(v.Data[8:]), binary.LittleEndian.Uint64(v.Data))
}

// decimalRat returns a Decimal128 exactly.
func decimalRat(v V) (*big.Rat, int) {
	d := decimal(v)
	switch {
	case d.IsNaN():
		return nil, notANumber
	case d.IsInf() > 0:
		return nil, positiveInf
	case d.IsInf() < 0:
		return nil, negativeInf
	}
	coef, exp, err := d.BigInt()
	if err != nil {
		return nil, notANumber
	}
	if coef.Sign() == 0 {
		return new(big.Rat), finite
	}
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(abs(exp))), nil)
	if exp >= 0 {
		return new(big.Rat).SetInt(coef.Mul(coef, p)), finite
	}
	return new(big.Rat).SetFrac(coef, p), finite
}

// abs is the absolute value.
func abs(i int) int {
	if i < 0 {
		return -i
	}
	return i
}

// roundDecimal reads a decimal text of more than 34 digits.
func roundDecimal(s string) bson.Decimal128 {
	r, ok := new(big.Rat).SetString(s)
	if !ok || len(s) > 10000 {
		d, _ := bson.ParseDecimal128("NaN")
		return d
	}
	return DecimalOf(r)
}

// DecimalOf rounds a rational half-even to 34 significant digits.
func DecimalOf(r *big.Rat) bson.Decimal128 {
	if r.Sign() == 0 {
		return bson.NewDecimal128(0x3040000000000000, 0)
	}
	f := new(big.Float).SetPrec(256).SetRat(r)
	text := f.Text('e', 33)
	if i := strings.IndexByte(text, 'e'); i >= 0 {
		m := strings.TrimRight(text[:i], "0")
		text = strings.TrimSuffix(m, ".") + text[i:]
	}
	d, err := bson.ParseDecimal128(text)
	if err != nil {
		d, _ = bson.ParseDecimal128("NaN")
	}
	return d
}

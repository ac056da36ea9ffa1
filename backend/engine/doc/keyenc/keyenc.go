// Package keyenc encodes BSON values as bytes whose order (memcmp) is
// MongoDB's order of values, and that are equal exactly when the values
// compare equal. Encodings are self-delimiting, so they can be concatenated
// to composite keys, and a descending component is the inverted bytes.
//
// Numbers of all types share one form: a sign class, the greatest double not
// above the magnitude, then the exact remainder (only int64 and Decimal128
// values that are no double have one).
package keyenc

import (
	"encoding/binary"
	"math"
	"math/big"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Number classes after the rank byte, in order.
const (
	numNaN      = 0x10
	numNegInf   = 0x20
	numNegative = 0x30
	numZero     = 0x40
	numPositive = 0x50
	numPosInf   = 0x60
)

// Append appends the key of one value. Missing encodes as undefined; use
// bsonval.NullV where an index wants null for it.
func Append(dst []byte, v bsonval.V) []byte {
	rank := bsonval.Rank(v.Type)
	dst = append(dst, byte(rank))
	switch rank {
	case 12:
		return appendNumber(dst, v)
	case 17, 62:
		return appendBytes(dst, v.Data[4:len(v.Data)-1])
	case 22, 27:
		return appendDoc(dst, v.Data)
	case 32:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Data)-5))
		return append(dst, v.Data[4:]...)
	case 37, 42:
		return append(dst, v.Data...)
	case 47:
		return binary.BigEndian.AppendUint64(dst, binary.LittleEndian.Uint64(v.Data)^1<<63)
	case 49:
		return binary.BigEndian.AppendUint64(dst, binary.LittleEndian.Uint64(v.Data))
	case 52:
		return append(dst, v.Data...)
	case 57:
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(v.Data)))
		return append(dst, v.Data[4:]...)
	case 67:
		code, scope, _, _ := bsoncore.ReadCodeWithScope(v.Data)
		return appendDoc(appendBytes(dst, []byte(code)), scope)
	}
	return dst
}

// Key returns the key of one value.
func Key(v bsonval.V) []byte { return Append(make([]byte, 0, 24), v) }

// Invert flips the bytes from position from on: a descending component.
func Invert(b []byte, from int) {
	for i := from; i < len(b); i++ {
		b[i] = ^b[i]
	}
}

// Rank returns the first byte of the keys of a type.
func Rank(t bsoncore.Type) byte { return byte(bsonval.Rank(t)) }

// appendBytes appends text with zero bytes escaped and a terminator below
// every continuation.
func appendBytes(dst, b []byte) []byte {
	for _, c := range b {
		if c == 0 {
			dst = append(dst, 0, 0xFF)
		} else {
			dst = append(dst, c)
		}
	}
	return append(dst, 0, 1)
}

// appendDoc appends the fields of a document and an end mark below every
// rank.
func appendDoc(dst, doc []byte) []byte {
	for it := bsonval.Elements(doc); it.Next(); {
		dst = append(dst, byte(bsonval.Rank(it.Value.Type)))
		dst = append(dst, it.Key()...)
		dst = append(dst, 0)
		dst = Append(dst, it.Value)
	}
	return append(dst, 0)
}

// appendNumber appends class, double and remainder.
func appendNumber(dst []byte, v bsonval.V) []byte {
	switch v.Type {
	case bsonval.Double:
		f, _ := bsonval.Float(v)
		return appendDouble(dst, f)
	case bsonval.Int32:
		f, _ := bsonval.Float(v)
		return appendDouble(dst, f)
	case bsonval.Int64:
		i, _ := bsonval.Int(v)
		if i >= -1<<53 && i <= 1<<53 {
			return appendDouble(dst, float64(i))
		}
	}
	r, class := bsonval.Rat(v)
	switch class {
	case 0:
		return append(dst, numNaN)
	case 1:
		return append(dst, numNegInf)
	case 3:
		return append(dst, numPosInf)
	}
	return appendRat(dst, r)
}

// appendDouble appends a double, which has no remainder.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, numNaN)
	case math.IsInf(f, -1):
		return append(dst, numNegInf)
	case math.IsInf(f, 1):
		return append(dst, numPosInf)
	case f == 0:
		return append(dst, numZero)
	case f > 0:
		dst = append(dst, numPositive)
		dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
		return append(dst, 0)
	}
	at := len(dst) + 1
	dst = append(dst, numNegative)
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(-f))
	dst = append(dst, 0)
	Invert(dst, at)
	return dst
}

// appendRat appends any finite number.
func appendRat(dst []byte, r *big.Rat) []byte {
	if r.Sign() == 0 {
		return append(dst, numZero)
	}
	class, at := byte(numPositive), len(dst)+1
	if r.Sign() < 0 {
		class = numNegative
		r = new(big.Rat).Neg(r)
	}
	dst = append(dst, class)
	f := floor(r)
	dst = binary.BigEndian.AppendUint64(dst, math.Float64bits(f))
	rest := new(big.Rat).Sub(r, new(big.Rat).SetFloat64(f))
	if rest.Sign() == 0 {
		dst = append(dst, 0)
	} else {
		dst = appendDigits(append(dst, 1), rest)
	}
	if class == numNegative {
		Invert(dst, at)
	}
	return dst
}

// floor returns the greatest finite double not above r > 0.
func floor(r *big.Rat) float64 {
	f, exact := r.Float64()
	if math.IsInf(f, 0) {
		return math.MaxFloat64
	}
	if !exact && new(big.Rat).SetFloat64(f).Cmp(r) > 0 {
		f = math.Nextafter(f, 0)
	}
	return f
}

// appendDigits appends r > 0, a finite decimal fraction: the decimal exponent
// and the digits without trailing zeros, one byte each, ended by 0.
func appendDigits(dst []byte, r *big.Rat) []byte {
	// The denominator is 2^a·5^b; 10^max(a,b) makes r an integer.
	den := new(big.Int).Set(r.Denom())
	twos := int(den.TrailingZeroBits())
	den.Rsh(den, uint(twos))
	fives, five, rem := 0, big.NewInt(5), new(big.Int)
	for den.Cmp(big.NewInt(1)) > 0 {
		q, m := new(big.Int).QuoRem(den, five, rem)
		if m.Sign() != 0 {
			break
		}
		den = q
		fives++
	}
	shift := max(twos, fives)
	n := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(shift)), nil)
	n.Mul(n, r.Num()).Quo(n, r.Denom())
	digits := n.String()
	exp := len(digits) - shift // value = 0.digits · 10^exp
	dst = binary.BigEndian.AppendUint16(dst, uint16(exp+0x8000))
	end := len(digits)
	for end > 0 && digits[end-1] == '0' {
		end--
	}
	dst = append(dst, digits[:end]...)
	return append(dst, 0)
}

// Decode returns the value a key was made of and the bytes after it. Numbers
// come back as int64, double or Decimal128, whichever holds them; symbols as
// strings. ok is false for damaged bytes.
func Decode(b []byte) (v bsonval.V, rest []byte, ok bool) {
	if len(b) == 0 {
		return bsonval.Missing, nil, false
	}
	rank, b := b[0], b[1:]
	switch rank {
	case 1:
		return bsonval.V{Type: bsonval.MinKey}, b, true
	case 2:
		return bsonval.V{Type: bsonval.Undefined}, b, true
	case 7:
		return bsonval.NullV, b, true
	case 12:
		return decodeNumber(b)
	case 17, 62:
		s, rest, ok := decodeBytes(b)
		t := bsonval.String
		if rank == 62 {
			t = bsonval.JavaScript
		}
		return bsonval.V{Type: t, Data: bsoncore.AppendString(nil, string(s))}, rest, ok
	case 22, 27:
		doc, rest, ok := decodeDoc(b)
		t := bsonval.Document
		if rank == 27 {
			t = bsonval.Array
		}
		return bsonval.V{Type: t, Data: doc}, rest, ok
	case 32:
		if len(b) < 5 || uint64(len(b)-5) < uint64(binary.BigEndian.Uint32(b)) {
			return bsonval.Missing, nil, false
		}
		n := binary.BigEndian.Uint32(b)
		return bsonval.V{Type: bsonval.Binary, Data: bsoncore.AppendBinary(nil, b[4], b[5:5+n])}, b[5+n:], true
	case 37:
		return fixed(b, 12, bsonval.ObjectID, false)
	case 42:
		return fixed(b, 1, bsonval.Boolean, false)
	case 47:
		if len(b) < 8 {
			return bsonval.Missing, nil, false
		}
		return bsonval.DateV(int64(binary.BigEndian.Uint64(b) ^ 1<<63)), b[8:], true
	case 49:
		return fixed(b, 8, bsonval.Timestamp, true)
	case 52:
		p, rest, ok := cString(b)
		o, rest2, ok2 := cString(rest)
		return bsonval.V{Type: bsonval.Regex, Data: bsoncore.AppendRegex(nil, p, o)}, rest2, ok && ok2
	case 127:
		return bsonval.V{Type: bsonval.MaxKey}, b, true
	}
	return bsonval.Missing, nil, false
}

// fixed cuts a value of n bytes, reversed for big-endian forms.
func fixed(b []byte, n int, t bsoncore.Type, reverse bool) (bsonval.V, []byte, bool) {
	if len(b) < n {
		return bsonval.Missing, nil, false
	}
	data := append([]byte(nil), b[:n]...)
	if reverse {
		for i, j := 0, n-1; i < j; i, j = i+1, j-1 {
			data[i], data[j] = data[j], data[i]
		}
	}
	return bsonval.V{Type: t, Data: data}, b[n:], true
}

// cString cuts a zero-terminated text.
func cString(b []byte) (string, []byte, bool) {
	for i, c := range b {
		if c == 0 {
			return string(b[:i]), b[i+1:], true
		}
	}
	return "", nil, false
}

// decodeBytes undoes appendBytes.
func decodeBytes(b []byte) (s, rest []byte, ok bool) {
	for i := 0; i+1 < len(b); i++ {
		if b[i] != 0 {
			s = append(s, b[i])
			continue
		}
		if b[i+1] == 1 {
			return s, b[i+2:], true
		}
		s = append(s, 0)
		i++
	}
	return nil, nil, false
}

// decodeDoc undoes appendDoc.
func decodeDoc(b []byte) (doc, rest []byte, ok bool) {
	i, doc := bsoncore.AppendDocumentStart(nil)
	for len(b) > 0 {
		if b[0] == 0 {
			doc, _ = bsoncore.AppendDocumentEnd(doc, i)
			return doc, b[1:], true
		}
		key, r, ok := cString(b[1:])
		if !ok {
			return nil, nil, false
		}
		v, r, ok := Decode(r)
		if !ok {
			return nil, nil, false
		}
		doc, b = bsonval.AppendElement(doc, key, v), r
	}
	return nil, nil, false
}

// decodeNumber undoes appendNumber.
func decodeNumber(b []byte) (bsonval.V, []byte, bool) {
	if len(b) == 0 {
		return bsonval.Missing, nil, false
	}
	class, b := b[0], b[1:]
	switch class {
	case numNaN:
		return bsonval.DoubleV(math.NaN()), b, true
	case numNegInf:
		return bsonval.DoubleV(math.Inf(-1)), b, true
	case numPosInf:
		return bsonval.DoubleV(math.Inf(1)), b, true
	case numZero:
		return bsonval.Int64V(0), b, true
	case numNegative, numPositive:
	default:
		return bsonval.Missing, nil, false
	}
	var flip byte
	if class == numNegative {
		flip = 0xFF
	}
	if len(b) < 9 {
		return bsonval.Missing, nil, false
	}
	var raw [8]byte
	for i := range raw {
		raw[i] = b[i] ^ flip
	}
	f := math.Float64frombits(binary.BigEndian.Uint64(raw[:]))
	if b[8]^flip == 0 {
		if flip != 0 {
			f = -f
		}
		if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
			return bsonval.Int64V(int64(f)), b[9:], true
		}
		return bsonval.DoubleV(f), b[9:], true
	}
	b = b[9:]
	if len(b) < 3 || math.IsNaN(f) || math.IsInf(f, 0) {
		return bsonval.Missing, nil, false
	}
	exp := int(binary.BigEndian.Uint16([]byte{b[0] ^ flip, b[1] ^ flip})) - 0x8000
	var digits []byte
	for i := 2; i < len(b); i++ {
		c := b[i] ^ flip
		if c == 0 {
			return restore(f, digits, exp, flip != 0), b[i+1:], true
		}
		if c < '0' || c > '9' || len(digits) > 8000 {
			return bsonval.Missing, nil, false
		}
		digits = append(digits, c)
	}
	return bsonval.Missing, nil, false
}

// restore adds a remainder to its double.
func restore(f float64, digits []byte, exp int, negative bool) bsonval.V {
	n, _ := new(big.Int).SetString(string(digits), 10)
	if n == nil || exp > 7000 || exp < -16000 {
		return bsonval.DoubleV(f)
	}
	shift := exp - len(digits)
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(shift, -shift))), nil)
	r := new(big.Rat)
	if shift >= 0 {
		r.SetInt(n.Mul(n, p))
	} else {
		r.SetFrac(n, p)
	}
	r.Add(r, new(big.Rat).SetFloat64(f))
	if negative {
		r.Neg(r)
	}
	if r.IsInt() && r.Num().IsInt64() {
		return bsonval.Int64V(r.Num().Int64())
	}
	var d bson.Decimal128 = bsonval.DecimalOf(r)
	return bsonval.DecimalV(d)
}

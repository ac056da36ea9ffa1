package keyenc

import (
	"bytes"
	"math"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// samples are values of every type, with numeric ties and near ties.
func samples(t testing.TB) []bsonval.V {
	dec := func(s string) bson.Decimal128 {
		d, err := bson.ParseDecimal128(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	list := []any{
		bson.MinKey{}, bson.MaxKey{}, bson.Null{}, int32(0), int64(0), 0.0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1),
		int64(math.MaxInt64), int64(math.MinInt64), int64(1<<53 + 1), float64(1 << 53), int64(math.MaxInt64 - 1), 9.223372036854775807e18,
		dec("9223372036854775807"), dec("0.1"), 0.1, dec("0.1000000000000000055511151231257827"), dec("-0.1"), -0.1, dec("1E-6176"), dec("9.999999999999999999999999999999999E+6144"),
		dec("-9.999999999999999999999999999999999E+6144"), dec("NaN"), dec("Infinity"), dec("-Infinity"), math.MaxFloat64, math.SmallestNonzeroFloat64,
		int32(1), int32(-1), 1.5, -1.5, dec("1.50"), "", "a", "a\x00b", "ab", "é", bson.Symbol("a"),
		bson.D{}, bson.D{{Key: "a", Value: 1}}, bson.D{{Key: "a", Value: 1.0}}, bson.D{{Key: "b", Value: 0}}, bson.D{{Key: "a", Value: "x"}}, bson.D{{Key: "a", Value: 1}, {Key: "b", Value: 2}},
		bson.A{}, bson.A{1}, bson.A{1, 2}, bson.A{bson.A{}}, bson.Binary{Data: []byte{1}}, bson.Binary{Subtype: 4, Data: []byte{1}}, bson.Binary{Data: []byte{0, 0}},
		bson.ObjectID{1}, bson.ObjectID{2}, true, false, time.UnixMilli(-5), time.UnixMilli(5), bson.Timestamp{T: 1, I: 2}, bson.Timestamp{T: 2, I: 1},
		bson.Regex{Pattern: "a", Options: "i"}, bson.Regex{Pattern: "a"}, bson.Regex{Pattern: "ab"}, bson.JavaScript("x"), bson.CodeWithScope{Code: "x", Scope: bson.D{}},
	}
	var out []bsonval.V
	for _, v := range list {
		typ, data, err := bson.MarshalValue(v)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, bsonval.V{Type: bsonvalType(typ), Data: data})
	}
	return out
}

// bsonvalType converts the driver's type to the core type.
func bsonvalType(t bson.Type) (x typeOf) { return typeOf(t) }

// sign reduces a comparison to -1, 0, 1.
func sign(i int) int {
	switch {
	case i < 0:
		return -1
	case i > 0:
		return 1
	}
	return 0
}

// TestOrder checks every pair of samples, ascending and descending, alone and
// followed by another component.
func TestOrder(t *testing.T) {
	t.Parallel()
	vals := samples(t)
	for _, a := range vals {
		for _, b := range vals {
			want := sign(bsonval.Compare(a, b))
			if c := sign(bsonval.Compare(b, a)); c != -want {
				t.Errorf("Compare(%v,%v)=%d but reverse %d", a, b, want, c)
			}
			ka, kb := Key(a), Key(b)
			if got := sign(bytes.Compare(ka, kb)); got != want {
				t.Errorf("%v %v: keys %d, values %d", a, b, got, want)
			}
			Invert(ka, 0)
			Invert(kb, 0)
			if got := sign(bytes.Compare(append(ka, 1), append(kb, 1))); got != -want {
				t.Errorf("%v %v: inverted keys %d, values %d", a, b, got, want)
			}
		}
	}
}

// TestDecode checks that a key gives back an equal value.
func TestDecode(t *testing.T) {
	t.Parallel()
	for _, v := range samples(t) {
		if v.Type == bsonval.CodeScope {
			continue
		}
		got, rest, ok := Decode(append(Key(v), 0xAA))
		if !ok || len(rest) != 1 || !bsonval.Equal(got, v) {
			t.Errorf("%v: got %v, %v, rest %x", v, got, ok, rest)
		}
	}
}

// FuzzOrder compares key order with value order of arbitrary documents'
// fields.
func FuzzOrder(f *testing.F) {
	for _, v := range samples(f) {
		f.Add(byte(v.Type), v.Data, byte(v.Type), v.Data)
	}
	f.Fuzz(func(t *testing.T, ta byte, a []byte, tb byte, b []byte) {
		va, ok1 := value(ta, a)
		vb, ok2 := value(tb, b)
		if !ok1 || !ok2 {
			return
		}
		if got, want := sign(bytes.Compare(Key(va), Key(vb))), sign(bsonval.Compare(va, vb)); got != want {
			t.Fatalf("%v %v: keys %d, values %d", va, vb, got, want)
		}
	})
}

// FuzzDecode feeds arbitrary bytes.
func FuzzDecode(f *testing.F) {
	for _, v := range samples(f) {
		f.Add(Key(v))
	}
	f.Fuzz(func(_ *testing.T, b []byte) { Decode(b) })
}

// value builds a valid value from fuzz input.
func value(t byte, data []byte) (bsonval.V, bool) {
	v := bsonval.V{Type: typeOf(t), Data: data}
	doc := []byte{0, 0, 0, 0}
	doc = append(bsonval.AppendElement(doc, "v", v), 0)
	doc[0], doc[1], doc[2] = byte(len(doc)), byte(len(doc)>>8), byte(len(doc)>>16)
	if bsonval.Validate(doc) != nil {
		return v, false
	}
	it := bsonval.Elements(doc)
	if !it.Next() || len(it.Value.Data) != len(data) {
		return v, false
	}
	return it.Value, true
}

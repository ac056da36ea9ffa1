package doc

import (
	"encoding/binary"
	"math"
	"math/rand/v2"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// moreFunctions are further operators of evaluated arguments.
var moreFunctions = map[string]function{
	"acosh": {1, 1, number1("acosh", math.Acosh)}, "asinh": {1, 1, number1("asinh", math.Asinh)}, "atan2": {2, 2, fnAtan2}, "atanh": {1, 1, number1("atanh", math.Atanh)},
	"bitNot": {1, 1, fnBitNot}, "cosh": {1, 1, number1("cosh", math.Cosh)}, "degreesToRadians": {1, 1, number1("degreesToRadians", func(f float64) float64 { return f * math.Pi / 180 })},
	"radiansToDegrees": {1, 1, number1("radiansToDegrees", func(f float64) float64 { return f * 180 / math.Pi })}, "rand": {0, 1, fnRand}, "sinh": {1, 1, number1("sinh", math.Sinh)},
	"stdDevPop": {0, -1, foldFn("stdDevPop")}, "stdDevSamp": {0, -1, foldFn("stdDevSamp")}, "tanh": {1, 1, number1("tanh", math.Tanh)}, "toUUID": {1, 1, fnToUUID},
	"tsIncrement": {1, 1, fnTimestamp(0)}, "tsSecond": {1, 1, fnTimestamp(4)},
}

// moreForms are further operators with named arguments.
func moreForms() map[string]form {
	return map[string]form{
		"dateToParts": formDateToParts, "firstN": formN, "lastN": formN, "maxN": formN, "minN": formN, "median": formPercentile, "percentile": formPercentile, "unsetField": formUnsetField,
	}
}

// fnAtan2 is $atan2.
func fnAtan2(a []bsonval.V, _ *env) (bsonval.V, error) {
	if nullish(a[0]) || nullish(a[1]) {
		return bsonval.NullV, nil
	}
	y, ok1 := bsonval.Float(a[0])
	x, ok2 := bsonval.Float(a[1])
	if !ok1 || !ok2 {
		return a[0], op.Errorf(op.TypeMismatch, "$atan2 only supports numeric types")
	}
	out := bsonval.DoubleV(math.Atan2(y, x))
	if a[0].Type == bsonval.Decimal128 || a[1].Type == bsonval.Decimal128 {
		out = toDecimal(out)
	}
	return out, nil
}

// fnBitNot is $bitNot.
func fnBitNot(a []bsonval.V, _ *env) (bsonval.V, error) {
	switch a[0].Type {
	case bsonval.Int32:
		i, _ := bsonval.Int(a[0])
		return bsonval.Int32V(^int32(i)), nil
	case bsonval.Int64:
		i, _ := bsonval.Int(a[0])
		return bsonval.Int64V(^i), nil
	}
	if nullish(a[0]) {
		return bsonval.NullV, nil
	}
	return a[0], op.Errorf(op.TypeMismatch, "$bitNot only supports int and long, not: %s", typeName(a[0]))
}

// fnRand is $rand.
func fnRand([]bsonval.V, *env) (bsonval.V, error) { return bsonval.DoubleV(rand.Float64()), nil }

// foldFn makes an operator of an accumulator: one array argument counts as its
// elements.
func foldFn(name string) func([]bsonval.V, *env) (bsonval.V, error) {
	return func(a []bsonval.V, _ *env) (bsonval.V, error) {
		acc := newAccumulator(name)()
		for _, v := range spread(a) {
			if err := acc.add(v); err != nil {
				return v, err
			}
		}
		return acc.result(), nil
	}
}

// fnTimestamp reads half of a timestamp: its seconds (4) or its ordinal (0).
func fnTimestamp(at int) func([]bsonval.V, *env) (bsonval.V, error) {
	return func(a []bsonval.V, _ *env) (bsonval.V, error) {
		if nullish(a[0]) {
			return bsonval.NullV, nil
		}
		if a[0].Type != bsonval.Timestamp {
			return a[0], op.Errorf(op.TypeMismatch, "argument must be a timestamp, but is %s", typeName(a[0]))
		}
		return bsonval.Int64V(int64(binary.LittleEndian.Uint32(a[0].Data[at:]))), nil
	}
}

// fnToUUID is $toUUID.
func fnToUUID(a []bsonval.V, _ *env) (bsonval.V, error) {
	v := a[0]
	if nullish(v) {
		return bsonval.NullV, nil
	}
	if v.Type == bsonval.Binary && v.Data[4] == 4 {
		return v, nil
	}
	b, ok := parseUUID(bsonval.Text(v))
	if !ok {
		return v, &op.Error{Code: op.InvalidArgument, Object: "conversion", Msg: "Failed to parse UUID in $toUUID"}
	}
	return bsonval.ToBSON(op.Raw(op.KindUUID, b)), nil
}

// formN is $firstN, $lastN, $maxN and $minN over an array.
func formN(x *op.Expr, args []evaluator) (evaluator, error) {
	n, in, name := named(x, args, "n"), named(x, args, "input"), x.Name
	if n == nil || in == nil {
		return nil, op.Errorf(op.InvalidArgument, "$%s requires 'n' and 'input'", name)
	}
	return func(e *env) (bsonval.V, error) {
		count, err := n(e)
		if err != nil {
			return count, err
		}
		v, err := in(e)
		if err != nil || nullish(v) {
			return bsonval.NullV, err
		}
		if v.Type != bsonval.Array {
			return v, op.Errorf(op.TypeMismatch, "input to $%s must be an array, but was of type: %s", name, typeName(v))
		}
		acc := &accN{name: name}
		if err := acc.add(bsonval.DocV(buildDoc("n", count))); err != nil {
			return v, err
		}
		acc.list = nil
		for _, i := range bsonval.Items(v) {
			if err := acc.add(bsonval.DocV(buildDoc("input", i))); err != nil {
				return v, err
			}
		}
		return acc.result(), nil
	}, nil
}

// formPercentile is $percentile and $median of an array or a number.
func formPercentile(x *op.Expr, args []evaluator) (evaluator, error) {
	in, p := named(x, args, "input"), named(x, args, "p")
	if in == nil || (p == nil && x.Name == "percentile") {
		return nil, op.Errorf(op.InvalidArgument, "$%s requires 'input', 'p' and 'method'", x.Name)
	}
	return func(e *env) (bsonval.V, error) {
		ps, err := optional(p, e)
		if err != nil {
			return ps, err
		}
		v, err := in(e)
		if err != nil {
			return v, err
		}
		acc := &accPercentile{median: x.Name == "median"}
		items := []bsonval.V{v}
		if v.Type == bsonval.Array {
			items = bsonval.Items(v)
		}
		if len(items) == 0 {
			items = []bsonval.V{bsonval.NullV}
		}
		for _, i := range items {
			if err := acc.add(bsonval.DocV(buildDoc("p", ps, "input", orNull(i)))); err != nil {
				return v, err
			}
		}
		return acc.result(), nil
	}, nil
}

// formUnsetField is $unsetField.
func formUnsetField(x *op.Expr, args []evaluator) (evaluator, error) {
	y := *x
	y.Names = append(append([]string{}, x.Names...), "value")
	return formSetField(&y, append(append([]evaluator{}, args...), func(*env) (bsonval.V, error) { return bsonval.Missing, nil }))
}

// formDateToParts is $dateToParts.
func formDateToParts(x *op.Expr, args []evaluator) (evaluator, error) {
	date, tz, iso := named(x, args, "date"), named(x, args, "timezone"), named(x, args, "iso8601")
	if date == nil {
		return nil, op.Errorf(op.InvalidArgument, "Missing 'date' parameter to $dateToParts")
	}
	return func(e *env) (bsonval.V, error) {
		v, err := date(e)
		if err != nil || nullish(v) {
			return bsonval.NullV, err
		}
		loc, err := zone(tz, e)
		if err != nil {
			return v, err
		}
		t, err := instant(v, loc)
		if err != nil {
			return v, err
		}
		week, err := optional(iso, e)
		if err != nil {
			return v, err
		}
		names := [][2]string{{"year", "year"}, {"month", "month"}, {"day", "dayOfMonth"}}
		if bsonval.Truthy(week) {
			names = [][2]string{{"isoWeekYear", "isoWeekYear"}, {"isoWeek", "isoWeek"}, {"isoDayOfWeek", "isoDayOfWeek"}}
		}
		var kv []any
		for _, n := range append(names, [2]string{"hour", "hour"}, [2]string{"minute", "minute"}, [2]string{"second", "second"}, [2]string{"millisecond", "millisecond"}) {
			kv = append(kv, n[0], bsonval.Int32V(int32(datePart(t, n[1]))))
		}
		return bsonval.DocV(buildDoc(kv...)), nil
	}, nil
}

// newID makes an ObjectId value.
func newID() bsonval.V {
	id := bson.NewObjectID()
	return bsonval.V{Type: bsonval.ObjectID, Data: id[:]}
}

package doc

import (
	"bytes"
	"math"
	"math/big"
	"strings"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// functions are the operators of evaluated arguments, by name.
var functions = map[string]function{
	"abs": {1, 1, number1("abs", math.Abs)}, "acos": {1, 1, number1("acos", math.Acos)}, "add": {0, -1, fnAdd}, "allElementsTrue": {1, 1, fnAllTrue},
	"anyElementTrue": {1, 1, fnAllTrueAny}, "arrayElemAt": {2, 2, fnElemAt}, "arrayToObject": {1, 1, fnArrayToObject}, "asin": {1, 1, number1("asin", math.Asin)},
	"atan": {1, 1, number1("atan", math.Atan)}, "avg": {0, -1, fnAvg}, "binarySize": {1, 1, fnBinarySize}, "bsonSize": {1, 1, fnBSONSize},
	"ceil": {1, 1, number1("ceil", math.Ceil)}, "cmp": {2, 2, fnCmp}, "concat": {0, -1, fnConcat}, "concatArrays": {0, -1, fnConcatArrays},
	"cos": {1, 1, number1("cos", math.Cos)}, "divide": {2, 2, fnDivide}, "eq": {2, 2, compareFn(func(c int) bool { return c == 0 })}, "exp": {1, 1, number1("exp", math.Exp)},
	"first": {1, 1, fnFirst}, "floor": {1, 1, number1("floor", math.Floor)}, "gt": {2, 2, compareFn(func(c int) bool { return c > 0 })}, "gte": {2, 2, compareFn(func(c int) bool { return c >= 0 })},
	"in": {2, 2, fnIn}, "indexOfArray": {2, 4, fnIndexOfArray}, "indexOfBytes": {2, 4, fnIndexOfBytes}, "indexOfCP": {2, 4, fnIndexOfCP}, "isArray": {1, 1, fnIsArray}, "isNumber": {1, 1, fnIsNumber},
	"last": {1, 1, fnLast}, "ln": {1, 1, number1("ln", math.Log)}, "log": {2, 2, fnLog}, "log10": {1, 1, number1("log10", math.Log10)},
	"lt": {2, 2, compareFn(func(c int) bool { return c < 0 })}, "lte": {2, 2, compareFn(func(c int) bool { return c <= 0 })}, "max": {0, -1, fnMax}, "mergeObjects": {0, -1, fnMerge},
	"min": {0, -1, fnMin}, "mod": {2, 2, fnMod}, "multiply": {0, -1, fnMultiply}, "ne": {2, 2, compareFn(func(c int) bool { return c != 0 })}, "not": {1, 1, fnNot}, "objectToArray": {1, 1, fnObjectToArray},
	"pow": {2, 2, fnPow}, "range": {2, 3, fnRange}, "reverseArray": {1, 1, fnReverse}, "round": {1, 2, fnRound}, "setDifference": {2, 2, fnSetDifference},
	"setEquals": {2, -1, fnSetEquals}, "setIntersection": {0, -1, fnSetIntersection}, "setIsSubset": {2, 2, fnSetIsSubset}, "setUnion": {0, -1, fnSetUnion}, "sin": {1, 1, number1("sin", math.Sin)},
	"size": {1, 1, fnSize}, "slice": {2, 3, fnSlice}, "split": {2, 2, fnSplit}, "sqrt": {1, 1, number1("sqrt", math.Sqrt)}, "strLenBytes": {1, 1, fnStrLenBytes},
	"strLenCP": {1, 1, fnStrLenCP}, "strcasecmp": {2, 2, fnStrcasecmp}, "substr": {3, 3, fnSubstrBytes}, "substrBytes": {3, 3, fnSubstrBytes}, "substrCP": {3, 3, fnSubstrCP}, "subtract": {2, 2, fnSubtract},
	"sum": {0, -1, fnSum}, "tan": {1, 1, number1("tan", math.Tan)}, "toBool": {1, 1, convertFn(bsonval.Boolean)}, "toDate": {1, 1, convertFn(bsonval.DateTime)}, "toDecimal": {1, 1, convertFn(bsonval.Decimal128)},
	"toDouble": {1, 1, convertFn(bsonval.Double)}, "toInt": {1, 1, convertFn(bsonval.Int32)}, "toLong": {1, 1, convertFn(bsonval.Int64)}, "toLower": {1, 1, textFn(strings.ToLower)}, "toObjectId": {1, 1, convertFn(bsonval.ObjectID)},
	"toString": {1, 1, convertFn(bsonval.String)}, "toUpper": {1, 1, textFn(strings.ToUpper)}, "trunc": {1, 2, fnTrunc}, "type": {1, 1, fnType},
	"bitAnd": {0, -1, bitFn(func(a, b int64) int64 { return a & b }, -1)}, "bitOr": {0, -1, bitFn(func(a, b int64) int64 { return a | b }, 0)}, "bitXor": {0, -1, bitFn(func(a, b int64) int64 { return a ^ b }, 0)},
}

// typeName names a value's type as MongoDB's messages do.
func typeName(v bsonval.V) string {
	switch v.Type {
	case 0:
		return "missing"
	case bsonval.Double:
		return "double"
	case bsonval.String:
		return "string"
	case bsonval.Document:
		return "object"
	case bsonval.Array:
		return "array"
	case bsonval.Binary:
		return "binData"
	case bsonval.Undefined:
		return "undefined"
	case bsonval.ObjectID:
		return "objectId"
	case bsonval.Boolean:
		return "bool"
	case bsonval.DateTime:
		return "date"
	case bsonval.Null:
		return "null"
	case bsonval.Regex:
		return "regex"
	case bsonval.DBPointer:
		return "dbPointer"
	case bsonval.JavaScript:
		return "javascript"
	case bsonval.Symbol:
		return "symbol"
	case bsonval.CodeScope:
		return "javascriptWithScope"
	case bsonval.Int32:
		return "int"
	case bsonval.Timestamp:
		return "timestamp"
	case bsonval.Int64:
		return "long"
	case bsonval.Decimal128:
		return "decimal"
	case bsonval.MinKey:
		return "minKey"
	}
	return "maxKey"
}

// arith combines two numbers in the wider of their types. ints reports
// overflow, which widens int64 to double.
func arith(a, b bsonval.V, ints func(x, y int64) (int64, bool), floats func(x, y float64) float64, rats func(x, y *big.Rat) *big.Rat) bsonval.V {
	if a.Type == bsonval.Decimal128 || b.Type == bsonval.Decimal128 {
		x, cx := bsonval.Rat(a)
		y, cy := bsonval.Rat(b)
		if cx == 2 && cy == 2 {
			return bsonval.DecimalV(bsonval.DecimalOf(rats(x, y)))
		}
		fx, _ := bsonval.Float(a)
		fy, _ := bsonval.Float(b)
		return toDecimal(bsonval.DoubleV(floats(fx, fy)))
	}
	if a.Type == bsonval.Double || b.Type == bsonval.Double {
		x, _ := bsonval.Float(a)
		y, _ := bsonval.Float(b)
		return bsonval.DoubleV(floats(x, y))
	}
	x, _ := bsonval.Int(a)
	y, _ := bsonval.Int(b)
	r, ok := ints(x, y)
	if !ok {
		return bsonval.DoubleV(floats(float64(x), float64(y)))
	}
	if a.Type == bsonval.Int32 && b.Type == bsonval.Int32 && r == int64(int32(r)) {
		return bsonval.Int32V(int32(r))
	}
	return bsonval.Int64V(r)
}

// addInts adds and reports whether it fits.
func addInts(x, y int64) (int64, bool) {
	r := x + y
	return r, (r > x) == (y > 0)
}

// mulInts multiplies and reports whether it fits.
func mulInts(x, y int64) (int64, bool) {
	if x == 0 || y == 0 {
		return 0, true
	}
	r := x * y
	return r, r/y == x && !(x == -1 && y == math.MinInt64) && !(y == -1 && x == math.MinInt64)
}

// addV adds two numbers.
func addV(a, b bsonval.V) bsonval.V {
	return arith(a, b, addInts, func(x, y float64) float64 { return x + y }, func(x, y *big.Rat) *big.Rat { return x.Add(x, y) })
}

// subV subtracts two numbers.
func subV(a, b bsonval.V) bsonval.V {
	return arith(a, b, func(x, y int64) (int64, bool) { r := x - y; return r, (r < x) == (y > 0) },
		func(x, y float64) float64 { return x - y }, func(x, y *big.Rat) *big.Rat { return x.Sub(x, y) })
}

// mulV multiplies two numbers.
func mulV(a, b bsonval.V) bsonval.V {
	return arith(a, b, mulInts, func(x, y float64) float64 { return x * y }, func(x, y *big.Rat) *big.Rat { return x.Mul(x, y) })
}

// number1 lifts a function of one double; integers stay integers where the
// result is one.
func number1(name string, f func(float64) float64) func([]bsonval.V, *env) (bsonval.V, error) {
	keep := name == "abs" || name == "ceil" || name == "floor"
	return func(a []bsonval.V, _ *env) (bsonval.V, error) {
		v := a[0]
		if nullish(v) {
			return bsonval.NullV, nil
		}
		x, ok := bsonval.Float(v)
		if !ok {
			return v, op.Errorf(op.TypeMismatch, "$%s only supports numeric types, not %s", name, typeName(v))
		}
		if name == "sqrt" && x < 0 {
			return v, op.Errorf(op.InvalidArgument, "$sqrt's argument must be greater than or equal to 0")
		}
		if (name == "ln" || name == "log10") && x <= 0 {
			return v, op.Errorf(op.InvalidArgument, "$%s's argument must be a positive number, but is %v", name, x)
		}
		switch {
		case keep && (v.Type == bsonval.Int32 || v.Type == bsonval.Int64):
			i, _ := bsonval.Int(v)
			if name == "abs" && i < 0 {
				if i == math.MinInt64 {
					return v, op.Errorf(op.OutOfRange, "can't take $abs of long long min")
				}
				i = -i
			}
			if v.Type == bsonval.Int32 {
				return bsonval.IntV(i), nil
			}
			return bsonval.Int64V(i), nil
		case keep && v.Type == bsonval.Decimal128:
			if name == "abs" {
				if x < 0 {
					return subV(bsonval.Int32V(0), v), nil
				}
				return v, nil
			}
			return roundTo(v, 0, name), nil
		case v.Type == bsonval.Decimal128:
			return toDecimal(bsonval.DoubleV(f(x))), nil
		}
		return bsonval.DoubleV(f(x)), nil
	}
}

// fnAdd is $add: numbers, and at most one date.
func fnAdd(a []bsonval.V, _ *env) (bsonval.V, error) {
	sum, date := bsonval.Int32V(0), false
	for _, v := range a {
		switch {
		case nullish(v):
			return bsonval.NullV, nil
		case v.Type == bsonval.DateTime:
			if date {
				return v, op.Errorf(op.TypeMismatch, "only one date allowed in an $add expression")
			}
			date = true
			sum = addV(sum, bsonval.V{Type: bsonval.Int64, Data: v.Data})
		case bsonval.IsNumber(v):
			sum = addV(sum, v)
		default:
			return v, op.Errorf(op.TypeMismatch, "$add only supports numeric or date types, not %s", typeName(v))
		}
	}
	if date {
		return roundDate(sum), nil
	}
	return sum, nil
}

// roundDate makes a date of a number of milliseconds.
func roundDate(v bsonval.V) bsonval.V {
	f, _ := bsonval.Float(v)
	if i, ok := bsonval.Int(v); ok {
		return bsonval.DateV(i)
	}
	return bsonval.DateV(int64(math.Round(f)))
}

// fnSubtract is $subtract of numbers or dates.
func fnSubtract(a []bsonval.V, _ *env) (bsonval.V, error) {
	x, y := a[0], a[1]
	switch {
	case nullish(x) || nullish(y):
		return bsonval.NullV, nil
	case x.Type == bsonval.DateTime && y.Type == bsonval.DateTime:
		return subV(bsonval.V{Type: bsonval.Int64, Data: x.Data}, bsonval.V{Type: bsonval.Int64, Data: y.Data}), nil
	case x.Type == bsonval.DateTime && bsonval.IsNumber(y):
		return roundDate(subV(bsonval.V{Type: bsonval.Int64, Data: x.Data}, y)), nil
	case bsonval.IsNumber(x) && bsonval.IsNumber(y):
		return subV(x, y), nil
	}
	return x, op.Errorf(op.TypeMismatch, "can't $subtract %s from %s", typeName(y), typeName(x))
}

// fnMultiply is $multiply.
func fnMultiply(a []bsonval.V, _ *env) (bsonval.V, error) {
	p := bsonval.Int32V(1)
	for _, v := range a {
		if nullish(v) {
			return bsonval.NullV, nil
		}
		if !bsonval.IsNumber(v) {
			return v, op.Errorf(op.TypeMismatch, "$multiply only supports numeric types, not %s", typeName(v))
		}
		p = mulV(p, v)
	}
	return p, nil
}

// fnDivide is $divide, in double or decimal.
func fnDivide(a []bsonval.V, _ *env) (bsonval.V, error) {
	x, y := a[0], a[1]
	if nullish(x) || nullish(y) {
		return bsonval.NullV, nil
	}
	if !bsonval.IsNumber(x) || !bsonval.IsNumber(y) {
		return x, op.Errorf(op.TypeMismatch, "$divide only supports numeric types, not %s and %s", typeName(x), typeName(y))
	}
	if !bsonval.Truthy(y) {
		return x, op.Errorf(op.DivisionByZero, "can't $divide by zero")
	}
	return divV(x, y), nil
}

// divV divides.
func divV(x, y bsonval.V) bsonval.V {
	if x.Type == bsonval.Int32 || x.Type == bsonval.Int64 {
		f, _ := bsonval.Float(x)
		if y.Type != bsonval.Decimal128 {
			x = bsonval.DoubleV(f)
		}
	}
	return arith(x, y, nil, func(x, y float64) float64 { return x / y }, func(x, y *big.Rat) *big.Rat { return x.Quo(x, y) })
}

// fnMod is $mod with the sign of the dividend.
func fnMod(a []bsonval.V, _ *env) (bsonval.V, error) {
	x, y := a[0], a[1]
	if nullish(x) || nullish(y) {
		return bsonval.NullV, nil
	}
	if !bsonval.IsNumber(x) || !bsonval.IsNumber(y) {
		return x, op.Errorf(op.TypeMismatch, "$mod only supports numeric types, not %s and %s", typeName(x), typeName(y))
	}
	if !bsonval.Truthy(y) {
		return x, op.Errorf(op.DivisionByZero, "can't $mod by zero")
	}
	return arith(x, y, func(x, y int64) (int64, bool) {
		if y == -1 {
			return 0, true
		}
		return x % y, true
	}, math.Mod, func(x, y *big.Rat) *big.Rat {
		q := new(big.Rat).Quo(x, y)
		n := new(big.Int).Quo(q.Num(), q.Denom())
		return x.Sub(x, new(big.Rat).Mul(y, new(big.Rat).SetInt(n)))
	}), nil
}

// fnPow is $pow.
func fnPow(a []bsonval.V, _ *env) (bsonval.V, error) {
	x, y := a[0], a[1]
	if nullish(x) || nullish(y) {
		return bsonval.NullV, nil
	}
	fx, ok1 := bsonval.Float(x)
	fy, ok2 := bsonval.Float(y)
	if !ok1 || !ok2 {
		return x, op.Errorf(op.TypeMismatch, "$pow's base and exponent must be numeric")
	}
	if fx == 0 && fy < 0 {
		return x, op.Errorf(op.InvalidArgument, "$pow cannot take a base of 0 and a negative exponent")
	}
	r := math.Pow(fx, fy)
	if x.Type == bsonval.Decimal128 || y.Type == bsonval.Decimal128 {
		return toDecimal(bsonval.DoubleV(r)), nil
	}
	if x.Type != bsonval.Double && y.Type != bsonval.Double && fy >= 0 && math.Abs(r) < 1<<53 {
		if x.Type == bsonval.Int32 && y.Type == bsonval.Int32 {
			return bsonval.IntV(int64(r)), nil
		}
		return bsonval.Int64V(int64(r)), nil
	}
	return bsonval.DoubleV(r), nil
}

// fnLog is $log: number, base.
func fnLog(a []bsonval.V, _ *env) (bsonval.V, error) {
	if nullish(a[0]) || nullish(a[1]) {
		return bsonval.NullV, nil
	}
	x, ok1 := bsonval.Float(a[0])
	b, ok2 := bsonval.Float(a[1])
	if !ok1 || !ok2 || x <= 0 || b <= 0 || b == 1 {
		return a[0], op.Errorf(op.InvalidArgument, "$log's argument and base must be positive numbers, the base not 1")
	}
	return bsonval.DoubleV(math.Log(x) / math.Log(b)), nil
}

// fnRound is $round: number, place; halves go to even.
func fnRound(a []bsonval.V, _ *env) (bsonval.V, error) { return place(a, "round") }

// fnTrunc is $trunc: number, place.
func fnTrunc(a []bsonval.V, _ *env) (bsonval.V, error) { return place(a, "trunc") }

// place rounds or truncates at a decimal place.
func place(a []bsonval.V, how string) (bsonval.V, error) {
	p := int64(0)
	if len(a) > 1 {
		if nullish(a[1]) {
			return bsonval.NullV, nil
		}
		var ok bool
		if p, ok = bsonval.Int(a[1]); !ok || p < -20 || p > 100 {
			return a[1], op.Errorf(op.InvalidArgument, "cannot apply $%s with precision value outside [-20, 100]", how)
		}
	}
	if nullish(a[0]) {
		return bsonval.NullV, nil
	}
	if !bsonval.IsNumber(a[0]) {
		return a[0], op.Errorf(op.TypeMismatch, "$%s only supports numeric types, not %s", how, typeName(a[0]))
	}
	return roundTo(a[0], int(p), how), nil
}

// roundTo rounds exactly: how is round, trunc, ceil or floor.
func roundTo(v bsonval.V, p int, how string) bsonval.V {
	r, class := bsonval.Rat(v)
	if class != 2 || (p >= 0 && (v.Type == bsonval.Int32 || v.Type == bsonval.Int64)) {
		return v
	}
	scale := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(max(p, -p))), nil))
	if p < 0 {
		scale.Inv(scale)
	}
	r = new(big.Rat).Mul(r, scale)
	q, m := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	half := new(big.Int).Mul(m, big.NewInt(2)).CmpAbs(r.Denom())
	away := false
	switch how {
	case "round":
		away = half > 0 || (half == 0 && q.Bit(0) == 1)
	case "ceil":
		away = m.Sign() > 0
	case "floor":
		away = m.Sign() < 0
	}
	if away {
		q.Add(q, big.NewInt(int64(r.Sign())))
	}
	out := new(big.Rat).Quo(new(big.Rat).SetInt(q), scale)
	switch v.Type {
	case bsonval.Decimal128:
		return bsonval.DecimalV(bsonval.DecimalOf(out))
	case bsonval.Double:
		f, _ := out.Float64()
		return bsonval.DoubleV(f)
	}
	i := out.Num().Int64()
	if v.Type == bsonval.Int32 {
		return bsonval.IntV(i)
	}
	return bsonval.Int64V(i)
}

// compareFn lifts a comparison; missing is below everything but itself.
func compareFn(f func(int) bool) func([]bsonval.V, *env) (bsonval.V, error) {
	return func(a []bsonval.V, e *env) (bsonval.V, error) {
		return bsonval.BoolV(f(compareMissing(e.coll.fold(a[0]), e.coll.fold(a[1])))), nil
	}
}

// compareMissing compares with missing below undefined.
func compareMissing(a, b bsonval.V) int {
	if a.Type == 0 || b.Type == 0 {
		switch {
		case a.Type == b.Type:
			return 0
		case a.Type == 0 && b.Type != bsonval.MinKey, b.Type == bsonval.MinKey:
			return map[bool]int{true: -1, false: 1}[a.Type == 0 && b.Type != bsonval.MinKey]
		case a.Type == bsonval.MinKey:
			return -1
		}
		return 1
	}
	return bsonval.Compare(a, b)
}

// fnCmp is $cmp.
func fnCmp(a []bsonval.V, e *env) (bsonval.V, error) {
	return bsonval.Int32V(int32(compareMissing(e.coll.fold(a[0]), e.coll.fold(a[1])))), nil
}

// fnNot is $not.
func fnNot(a []bsonval.V, _ *env) (bsonval.V, error) {
	return bsonval.BoolV(!bsonval.Truthy(a[0])), nil
}

// bitFn lifts a bit operation.
func bitFn(f func(a, b int64) int64, start int64) func([]bsonval.V, *env) (bsonval.V, error) {
	return func(a []bsonval.V, _ *env) (bsonval.V, error) {
		r, long := start, false
		for _, v := range a {
			if nullish(v) {
				return bsonval.NullV, nil
			}
			if v.Type != bsonval.Int32 && v.Type != bsonval.Int64 {
				return v, op.Errorf(op.TypeMismatch, "bit operators only support int and long operands")
			}
			i, _ := bsonval.Int(v)
			long = long || v.Type == bsonval.Int64
			r = f(r, i)
		}
		if long {
			return bsonval.Int64V(r), nil
		}
		return bsonval.Int32V(int32(r)), nil
	}
}

// spread gives the operands of $sum, $avg, $min, $max: one array counts as
// its elements.
func spread(a []bsonval.V) []bsonval.V {
	if len(a) == 1 && a[0].Type == bsonval.Array {
		return bsonval.Items(a[0])
	}
	return a
}

// fnSum is $sum in an expression.
func fnSum(a []bsonval.V, _ *env) (bsonval.V, error) {
	sum := bsonval.Int32V(0)
	for _, v := range spread(a) {
		if bsonval.IsNumber(v) {
			sum = addV(sum, v)
		}
	}
	return sum, nil
}

// fnAvg is $avg in an expression.
func fnAvg(a []bsonval.V, _ *env) (bsonval.V, error) {
	sum, n := bsonval.DoubleV(0), 0
	for _, v := range spread(a) {
		if bsonval.IsNumber(v) {
			sum = addV(sum, v)
			n++
		}
	}
	if n == 0 {
		return bsonval.NullV, nil
	}
	return divV(sum, bsonval.Int32V(int32(n))), nil
}

// fnMin is $min in an expression.
func fnMin(a []bsonval.V, _ *env) (bsonval.V, error) { return extreme(a, -1), nil }

// fnMax is $max in an expression.
func fnMax(a []bsonval.V, _ *env) (bsonval.V, error) { return extreme(a, 1), nil }

// extreme picks the least or greatest value that is not null.
func extreme(a []bsonval.V, sign int) bsonval.V {
	best := bsonval.NullV
	for _, v := range spread(a) {
		if !nullish(v) && (best.Type == bsonval.Null || bsonval.Compare(v, best)*sign > 0) {
			best = v
		}
	}
	return best
}

// fnMerge is $mergeObjects.
func fnMerge(a []bsonval.V, _ *env) (bsonval.V, error) {
	t := parseTree(bsonval.DocV(bsonval.EmptyDoc))
	for _, v := range spread(a) {
		if nullish(v) {
			continue
		}
		if v.Type != bsonval.Document {
			return v, op.Errorf(op.TypeMismatch, "$mergeObjects requires object inputs, but input is of type %s", typeName(v))
		}
		for it := bsonval.Elements(v.Data); it.Next(); {
			t.put(it.Key(), it.Value)
		}
	}
	return t.value(), nil
}

// fnObjectToArray is $objectToArray.
func fnObjectToArray(a []bsonval.V, _ *env) (bsonval.V, error) {
	if nullish(a[0]) {
		return bsonval.NullV, nil
	}
	if a[0].Type != bsonval.Document {
		return a[0], op.Errorf(op.TypeMismatch, "$objectToArray requires a document input, found: %s", typeName(a[0]))
	}
	var out []bsonval.V
	for it := bsonval.Elements(a[0].Data); it.Next(); {
		out = append(out, bsonval.DocV(buildDoc("k", bsonval.StringV(it.Key()), "v", it.Value)))
	}
	return bsonval.ArrayV(out), nil
}

// fnArrayToObject is $arrayToObject: [[k, v] …] or [{k, v} …].
func fnArrayToObject(a []bsonval.V, _ *env) (bsonval.V, error) {
	if nullish(a[0]) {
		return bsonval.NullV, nil
	}
	if a[0].Type != bsonval.Array {
		return a[0], op.Errorf(op.TypeMismatch, "$arrayToObject requires an array input, found: %s", typeName(a[0]))
	}
	t := parseTree(bsonval.DocV(bsonval.EmptyDoc))
	for _, it := range bsonval.Items(a[0]) {
		k, v := bsonval.Missing, bsonval.Missing
		switch it.Type {
		case bsonval.Array:
			if kv := bsonval.Items(it); len(kv) == 2 {
				k, v = kv[0], kv[1]
			}
		case bsonval.Document:
			k, v = bsonval.Get(it.Data, "k"), bsonval.Get(it.Data, "v")
		}
		if k.Type != bsonval.String || v.Type == 0 || bytes.IndexByte(k.Data[4:len(k.Data)-1], 0) >= 0 {
			return it, op.Errorf(op.TypeMismatch, "$arrayToObject requires an array of key-value pairs with string keys")
		}
		t.put(bsonval.Text(k), v)
	}
	return t.value(), nil
}

// fnType is $type.
func fnType(a []bsonval.V, _ *env) (bsonval.V, error) { return bsonval.StringV(typeName(a[0])), nil }

// fnIsNumber is $isNumber.
func fnIsNumber(a []bsonval.V, _ *env) (bsonval.V, error) {
	return bsonval.BoolV(bsonval.IsNumber(a[0])), nil
}

// fnBinarySize is $binarySize.
func fnBinarySize(a []bsonval.V, _ *env) (bsonval.V, error) {
	switch a[0].Type {
	case bsonval.String:
		return bsonval.Int32V(int32(len(a[0].Data) - 5)), nil
	case bsonval.Binary:
		return bsonval.Int32V(int32(len(a[0].Data) - 5)), nil
	}
	if nullish(a[0]) {
		return bsonval.NullV, nil
	}
	return a[0], op.Errorf(op.TypeMismatch, "$binarySize requires a string or BinData argument, found: %s", typeName(a[0]))
}

// fnBSONSize is $bsonSize.
func fnBSONSize(a []bsonval.V, _ *env) (bsonval.V, error) {
	if nullish(a[0]) {
		return bsonval.NullV, nil
	}
	if a[0].Type != bsonval.Document {
		return a[0], op.Errorf(op.TypeMismatch, "$bsonSize requires a document input, found: %s", typeName(a[0]))
	}
	return bsonval.Int32V(int32(len(a[0].Data))), nil
}

// buildDoc builds a document from name, value, name, value …; missing values
// are left out.
func buildDoc(kv ...any) []byte {
	i, b := bsoncore.AppendDocumentStart(nil)
	for n := 0; n+1 < len(kv); n += 2 {
		if v := kv[n+1].(bsonval.V); v.Type != 0 {
			b = bsonval.AppendElement(b, kv[n].(string), v)
		}
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return b
}

// validText reports whether s is UTF-8.
func validText(s string) bool { return utf8.ValidString(s) }

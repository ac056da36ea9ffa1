package doc

import (
	"github.com/dot-do/dotdo-proxy/backend/engine/doc/keyenc"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// arrayArg checks an array operand; null gives ok = false.
func arrayArg(v bsonval.V, name string) (items []bsonval.V, ok bool, err error) {
	if nullish(v) {
		return nil, false, nil
	}
	if v.Type != bsonval.Array {
		return nil, false, op.Errorf(op.TypeMismatch, "%s's argument must be an array, but is %s", name, typeName(v))
	}
	return bsonval.Items(v), true, nil
}

// fnSize is $size; unlike most it refuses null.
func fnSize(a []bsonval.V, _ *env) (bsonval.V, error) {
	if a[0].Type != bsonval.Array {
		return a[0], op.Errorf(op.TypeMismatch, "The argument to $size must be an array, but was of type: %s", typeName(a[0]))
	}
	return bsonval.Int32V(int32(len(bsonval.Items(a[0])))), nil
}

// fnElemAt is $arrayElemAt.
func fnElemAt(a []bsonval.V, _ *env) (bsonval.V, error) {
	items, ok, err := arrayArg(a[0], "$arrayElemAt")
	if !ok || nullish(a[1]) {
		return bsonval.NullV, err
	}
	i, ok := bsonval.Int(a[1])
	if !ok || !bsonval.IsNumber(a[1]) {
		return a[1], op.Errorf(op.TypeMismatch, "$arrayElemAt's second argument must be a numeric value, but is %s", typeName(a[1]))
	}
	return at(items, int(i)), nil
}

// at returns an element, negative positions from the end.
func at(items []bsonval.V, i int) bsonval.V {
	if i < 0 {
		i += len(items)
	}
	if i < 0 || i >= len(items) {
		return bsonval.Missing
	}
	return items[i]
}

// fnFirst is $first of an array.
func fnFirst(a []bsonval.V, _ *env) (bsonval.V, error) {
	items, ok, err := arrayArg(a[0], "$first")
	if !ok {
		return bsonval.NullV, err
	}
	return at(items, 0), nil
}

// fnLast is $last of an array.
func fnLast(a []bsonval.V, _ *env) (bsonval.V, error) {
	items, ok, err := arrayArg(a[0], "$last")
	if !ok {
		return bsonval.NullV, err
	}
	return at(items, -1), nil
}

// fnIn is $in: value, array.
func fnIn(a []bsonval.V, _ *env) (bsonval.V, error) {
	if a[1].Type != bsonval.Array {
		return a[1], op.Errorf(op.TypeMismatch, "$in requires an array as a second argument, found: %s", typeName(a[1]))
	}
	for it := bsonval.Elements(a[1].Data); it.Next(); {
		if a[0].Type != 0 && bsonval.Equal(it.Value, a[0]) {
			return bsonval.BoolV(true), nil
		}
	}
	return bsonval.BoolV(false), nil
}

// fnIndexOfArray is $indexOfArray: array, value, start, end.
func fnIndexOfArray(a []bsonval.V, _ *env) (bsonval.V, error) {
	items, ok, err := arrayArg(a[0], "$indexOfArray")
	if !ok {
		return bsonval.NullV, err
	}
	from, to := 0, len(items)
	if len(a) > 2 {
		n, _ := bsonval.Int(a[2])
		from = int(max(n, 0))
	}
	if len(a) > 3 {
		n, _ := bsonval.Int(a[3])
		to = int(min(n, int64(to)))
	}
	for i := from; i < to; i++ {
		if bsonval.Equal(items[i], a[1]) {
			return bsonval.Int32V(int32(i)), nil
		}
	}
	return bsonval.Int32V(-1), nil
}

// fnIsArray is $isArray.
func fnIsArray(a []bsonval.V, _ *env) (bsonval.V, error) {
	return bsonval.BoolV(a[0].Type == bsonval.Array), nil
}

// fnConcatArrays is $concatArrays.
func fnConcatArrays(a []bsonval.V, _ *env) (bsonval.V, error) {
	var out []bsonval.V
	for _, v := range a {
		items, ok, err := arrayArg(v, "$concatArrays")
		if !ok {
			return bsonval.NullV, err
		}
		out = append(out, items...)
	}
	return bsonval.ArrayV(out), nil
}

// fnReverse is $reverseArray.
func fnReverse(a []bsonval.V, _ *env) (bsonval.V, error) {
	items, ok, err := arrayArg(a[0], "$reverseArray")
	if !ok {
		return bsonval.NullV, err
	}
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	return bsonval.ArrayV(items), nil
}

// fnRange is $range: start, end, step.
func fnRange(a []bsonval.V, _ *env) (bsonval.V, error) {
	var n [3]int64
	n[2] = 1
	for i, v := range a {
		x, ok := bsonval.Int(v)
		if !ok || x != int64(int32(x)) {
			return v, op.Errorf(op.TypeMismatch, "$range requires values that can be represented as a 32-bit integer, found: %s", typeName(v))
		}
		n[i] = x
	}
	if n[2] == 0 {
		return a[2], op.Errorf(op.InvalidArgument, "$range requires a non-zero step value")
	}
	if (n[1]-n[0])/n[2] > 1<<20 {
		return a[1], op.Errorf(op.TooLarge, "$range would use too much memory")
	}
	var out []bsonval.V
	for i := n[0]; (n[2] > 0 && i < n[1]) || (n[2] < 0 && i > n[1]); i += n[2] {
		out = append(out, bsonval.Int32V(int32(i)))
	}
	return bsonval.ArrayV(out), nil
}

// fnSlice is $slice: array, n or array, position, n.
func fnSlice(a []bsonval.V, _ *env) (bsonval.V, error) {
	items, ok, err := arrayArg(a[0], "$slice")
	if !ok {
		return bsonval.NullV, err
	}
	nums := make([]int, 0, 2)
	for _, v := range a[1:] {
		if nullish(v) {
			return bsonval.NullV, nil
		}
		n, ok := bsonval.Int(v)
		if !ok {
			return v, op.Errorf(op.TypeMismatch, "$slice requires integer arguments, found: %s", typeName(v))
		}
		nums = append(nums, int(max(min(n, 1<<30), -1<<30)))
	}
	if len(nums) == 2 && nums[1] <= 0 {
		return a[2], op.Errorf(op.InvalidArgument, "Third argument to $slice must be positive: %d", nums[1])
	}
	return bsonval.ArrayV(slice(items, nums)), nil
}

// slice cuts [n] (from the end when negative) or [position, n].
func slice(items []bsonval.V, n []int) []bsonval.V {
	if len(n) == 1 {
		if n[0] >= 0 {
			return items[:min(n[0], len(items))]
		}
		return items[max(len(items)+n[0], 0):]
	}
	from := n[0]
	if from < 0 {
		from = max(len(items)+from, 0)
	}
	from = min(from, len(items))
	return items[from:min(from+max(n[1], 0), len(items))]
}

// valueKey identifies a value among equals.
func valueKey(v bsonval.V) []byte { return keyenc.Key(v) }

// setOf collects the distinct elements of an array in order.
func setOf(v bsonval.V, name string) (order []bsonval.V, set map[string]bool, ok bool, err error) {
	items, ok, err := arrayArg(v, name)
	if !ok {
		return nil, nil, false, err
	}
	set = map[string]bool{}
	for _, it := range items {
		if k := string(valueKey(it)); !set[k] {
			set[k] = true
			order = append(order, it)
		}
	}
	return order, set, true, nil
}

// fnSetUnion is $setUnion.
func fnSetUnion(a []bsonval.V, _ *env) (bsonval.V, error) {
	var all []bsonval.V
	for _, v := range a {
		items, ok, err := arrayArg(v, "$setUnion")
		if !ok {
			return bsonval.NullV, err
		}
		all = append(all, items...)
	}
	order, _, _, err := setOf(bsonval.ArrayV(all), "$setUnion")
	return bsonval.ArrayV(order), err
}

// fnSetIntersection is $setIntersection.
func fnSetIntersection(a []bsonval.V, _ *env) (bsonval.V, error) {
	var keep []bsonval.V
	for i, v := range a {
		order, set, ok, err := setOf(v, "$setIntersection")
		if !ok {
			return bsonval.NullV, err
		}
		if i == 0 {
			keep = order
			continue
		}
		var next []bsonval.V
		for _, k := range keep {
			if set[string(valueKey(k))] {
				next = append(next, k)
			}
		}
		keep = next
	}
	return bsonval.ArrayV(keep), nil
}

// fnSetDifference is $setDifference.
func fnSetDifference(a []bsonval.V, _ *env) (bsonval.V, error) {
	order, _, ok, err := setOf(a[0], "$setDifference")
	if !ok {
		return bsonval.NullV, err
	}
	_, other, ok, err := setOf(a[1], "$setDifference")
	if !ok {
		return bsonval.NullV, err
	}
	var out []bsonval.V
	for _, v := range order {
		if !other[string(valueKey(v))] {
			out = append(out, v)
		}
	}
	return bsonval.ArrayV(out), nil
}

// fnSetEquals is $setEquals.
func fnSetEquals(a []bsonval.V, _ *env) (bsonval.V, error) {
	var first map[string]bool
	for i, v := range a {
		_, set, ok, err := setOf(v, "$setEquals")
		if err == nil && !ok {
			err = op.Errorf(op.TypeMismatch, "All operands of $setEquals must be arrays")
		}
		if err != nil {
			return v, err
		}
		if i == 0 {
			first = set
			continue
		}
		if !subset(first, set) || !subset(set, first) {
			return bsonval.BoolV(false), nil
		}
	}
	return bsonval.BoolV(true), nil
}

// fnSetIsSubset is $setIsSubset.
func fnSetIsSubset(a []bsonval.V, _ *env) (bsonval.V, error) {
	_, x, ok1, err1 := setOf(a[0], "$setIsSubset")
	_, y, ok2, err2 := setOf(a[1], "$setIsSubset")
	if err1 != nil || err2 != nil || !ok1 || !ok2 {
		return a[0], op.Errorf(op.TypeMismatch, "both operands of $setIsSubset must be arrays")
	}
	return bsonval.BoolV(subset(x, y)), nil
}

// subset reports whether all of x is in y.
func subset(x, y map[string]bool) bool {
	for k := range x {
		if !y[k] {
			return false
		}
	}
	return true
}

// fnAllTrue is $allElementsTrue.
func fnAllTrue(a []bsonval.V, _ *env) (bsonval.V, error) { return anyAll(a[0], false) }

// fnAllTrueAny is $anyElementTrue.
func fnAllTrueAny(a []bsonval.V, _ *env) (bsonval.V, error) { return anyAll(a[0], true) }

// anyAll stops at the first element whose truth is stop.
func anyAll(v bsonval.V, stop bool) (bsonval.V, error) {
	items, ok, err := arrayArg(v, "the operator")
	if !ok {
		if err == nil {
			err = op.Errorf(op.TypeMismatch, "the argument must be an array, but was %s", typeName(v))
		}
		return v, err
	}
	for _, it := range items {
		if bsonval.Truthy(it) == stop {
			return bsonval.BoolV(stop), nil
		}
	}
	return bsonval.BoolV(!stop), nil
}

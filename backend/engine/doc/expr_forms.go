package doc

import (
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// forms are the operators with their own evaluation order, by name. It is a
// function because the forms compile further expressions.
func forms() map[string]form {
	return map[string]form{
		"and": formAnd, "cond": formCond, "convert": formConvert, "dateFromString": formDateFromString, "dateToString": formDateToString,
		"dateAdd": formDateAdd, "dateSubtract": formDateAdd, "dateDiff": formDateDiff, "dateTrunc": formDateTrunc, "dateFromParts": formDateFromParts,
		"filter": formFilter, "ifNull": formIfNull, "map": formMap, "or": formAnd, "reduce": formReduce, "switch": formSwitch,
		"trim": formTrim, "ltrim": formTrim, "rtrim": formTrim, "replaceOne": formReplace, "replaceAll": formReplace,
		"regexMatch": formRegex, "regexFind": formRegex, "regexFindAll": formRegex, "zip": formZip, "sortArray": formSortArray,
		"getField": formGetField, "setField": formSetField, "year": formDatePart, "month": formDatePart, "dayOfMonth": formDatePart,
		"dayOfWeek": formDatePart, "dayOfYear": formDatePart, "hour": formDatePart, "minute": formDatePart, "second": formDatePart,
		"millisecond": formDatePart, "week": formDatePart, "isoWeek": formDatePart, "isoWeekYear": formDatePart, "isoDayOfWeek": formDatePart,
	}
}

// formAnd is $and and $or, which stop early.
func formAnd(x *op.Expr, args []evaluator) (evaluator, error) {
	stop := x.Name == "or"
	return func(e *env) (bsonval.V, error) {
		for _, a := range args {
			v, err := a(e)
			if err != nil {
				return v, err
			}
			if bsonval.Truthy(v) == stop {
				return bsonval.BoolV(stop), nil
			}
		}
		return bsonval.BoolV(!stop), nil
	}, nil
}

// formCond is $cond: condition, then, else.
func formCond(_ *op.Expr, args []evaluator) (evaluator, error) {
	if len(args) != 3 {
		return nil, op.Errorf(op.InvalidArgument, "Expression $cond takes exactly 3 arguments. %d were passed in.", len(args))
	}
	return func(e *env) (bsonval.V, error) {
		c, err := args[0](e)
		if err != nil {
			return c, err
		}
		if bsonval.Truthy(c) {
			return args[1](e)
		}
		return args[2](e)
	}, nil
}

// formIfNull is $ifNull: the first value that is not null, or the last.
func formIfNull(_ *op.Expr, args []evaluator) (evaluator, error) {
	if len(args) < 2 {
		return nil, op.Errorf(op.InvalidArgument, "$ifNull needs at least two arguments, had: %d", len(args))
	}
	return func(e *env) (v bsonval.V, err error) {
		for _, a := range args {
			if v, err = a(e); err != nil || !nullish(v) {
				return v, err
			}
		}
		return v, nil
	}, nil
}

// formSwitch is $switch: case, then, case, then …, default when odd.
func formSwitch(_ *op.Expr, args []evaluator) (evaluator, error) {
	return func(e *env) (bsonval.V, error) {
		i := 0
		for ; i+1 < len(args); i += 2 {
			c, err := args[i](e)
			if err != nil {
				return c, err
			}
			if bsonval.Truthy(c) {
				return args[i+1](e)
			}
		}
		if i < len(args) {
			return args[i](e)
		}
		return bsonval.Missing, op.Errorf(op.InvalidArgument, "$switch could not find a matching branch for an input, and no default was specified.")
	}, nil
}

// list evaluates an argument that must be an array; null gives ok = false.
func list(a evaluator, e *env, what string) (items []bsonval.V, ok bool, err error) {
	v, err := a(e)
	if err != nil || nullish(v) {
		return nil, false, err
	}
	if v.Type != bsonval.Array {
		return nil, false, op.Errorf(op.TypeMismatch, "%s must be an array, but was of type: %s", what, typeName(v))
	}
	return bsonval.Items(v), true, nil
}

// formFilter is $filter: args input, cond, limit; Name of the variable is the
// first of Names.
func formFilter(x *op.Expr, args []evaluator) (evaluator, error) {
	as := x.Names[0]
	return func(e *env) (bsonval.V, error) {
		items, ok, err := list(args[0], e, "input to $filter")
		if !ok {
			return bsonval.NullV, err
		}
		limit := int64(-1)
		if len(args) > 2 {
			v, err := args[2](e)
			if err != nil {
				return v, err
			}
			if !nullish(v) {
				if limit, ok = bsonval.Int(v); !ok || limit < 1 {
					return v, op.Errorf(op.InvalidArgument, "$filter: limit must be greater than 0")
				}
			}
		}
		var out []bsonval.V
		for _, it := range items {
			c, err := args[1](e.bind(as, it))
			if err != nil {
				return c, err
			}
			if bsonval.Truthy(c) {
				out = append(out, it)
				if int64(len(out)) == limit {
					break
				}
			}
		}
		return bsonval.ArrayV(out), nil
	}, nil
}

// formMap is $map: args input, in; the variable's name is the first of Names.
func formMap(x *op.Expr, args []evaluator) (evaluator, error) {
	as := x.Names[0]
	return func(e *env) (bsonval.V, error) {
		items, ok, err := list(args[0], e, "input to $map")
		if !ok {
			return bsonval.NullV, err
		}
		out := make([]bsonval.V, len(items))
		for i, it := range items {
			v, err := args[1](e.bind(as, it))
			if err != nil {
				return v, err
			}
			if v.Type == 0 {
				v = bsonval.NullV
			}
			out[i] = v
		}
		return bsonval.ArrayV(out), nil
	}, nil
}

// formReduce is $reduce: args input, initialValue, in.
func formReduce(_ *op.Expr, args []evaluator) (evaluator, error) {
	return func(e *env) (bsonval.V, error) {
		items, ok, err := list(args[0], e, "input to $reduce")
		if !ok {
			return bsonval.NullV, err
		}
		acc, err := args[1](e)
		for _, it := range items {
			if err != nil {
				break
			}
			acc, err = args[2](e.bind("value", acc).bind("this", it))
		}
		return acc, err
	}, nil
}

// formZip is $zip: named inputs (a list expression), useLongestLength, defaults.
func formZip(x *op.Expr, args []evaluator) (evaluator, error) {
	in, longest, defaults := named(x, args, "inputs"), named(x, args, "useLongestLength"), named(x, args, "defaults")
	if in == nil {
		return nil, op.Errorf(op.InvalidArgument, "$zip requires at least one input array")
	}
	return func(e *env) (bsonval.V, error) {
		inputs, ok, err := list(in, e, "$zip inputs")
		if !ok {
			return bsonval.NullV, err
		}
		long, err := optional(longest, e)
		if err != nil {
			return long, err
		}
		def, err := optional(defaults, e)
		if err != nil {
			return def, err
		}
		var cols [][]bsonval.V
		n := -1
		for _, v := range inputs {
			if nullish(v) {
				return bsonval.NullV, nil
			}
			if v.Type != bsonval.Array {
				return v, op.Errorf(op.TypeMismatch, "$zip found a non-array expression in input: %s", typeName(v))
			}
			c := bsonval.Items(v)
			cols = append(cols, c)
			if n < 0 || (bsonval.Truthy(long) && len(c) > n) || (!bsonval.Truthy(long) && len(c) < n) {
				n = len(c)
			}
		}
		fill := bsonval.Items(def)
		var out []bsonval.V
		for i := 0; i < n; i++ {
			row := make([]bsonval.V, len(cols))
			for j, c := range cols {
				switch {
				case i < len(c):
					row[j] = c[i]
				case j < len(fill):
					row[j] = fill[j]
				default:
					row[j] = bsonval.NullV
				}
			}
			out = append(out, bsonval.ArrayV(row))
		}
		return bsonval.ArrayV(out), nil
	}, nil
}

// formSortArray is $sortArray: args input, constant sortBy (number or document).
func formSortArray(x *op.Expr, args []evaluator) (evaluator, error) {
	in, by := named(x, args, "input"), named(x, args, "sortBy")
	if in == nil || by == nil {
		return nil, op.Errorf(op.InvalidArgument, "$sortArray requires 'input' and 'sortBy'")
	}
	return func(e *env) (bsonval.V, error) {
		items, ok, err := list(in, e, "the input argument to $sortArray")
		if !ok {
			return bsonval.NullV, err
		}
		spec, err := by(e)
		if err != nil {
			return spec, err
		}
		var terms []op.Sort
		if spec.Type == bsonval.Document {
			for it := bsonval.Elements(spec.Data); it.Next(); {
				d, _ := bsonval.Int(it.Value)
				terms = append(terms, op.Sort{Path: it.Key(), Desc: d < 0})
			}
		} else {
			d, _ := bsonval.Int(spec)
			terms = []op.Sort{{Desc: d < 0}}
		}
		sort.SliceStable(items, func(i, j int) bool { return compareBy(terms, items[i], items[j]) < 0 })
		return bsonval.ArrayV(items), nil
	}, nil
}

// formGetField is $getField: named field, input.
func formGetField(x *op.Expr, args []evaluator) (evaluator, error) {
	field, in := named(x, args, "field"), named(x, args, "input")
	if field == nil {
		return nil, op.Errorf(op.InvalidArgument, "$getField requires 'field' to be specified")
	}
	return func(e *env) (bsonval.V, error) {
		name, err := field(e)
		if err != nil {
			return name, err
		}
		from := e.root
		if in != nil {
			if from, err = in(e); err != nil {
				return from, err
			}
		}
		switch {
		case from.Type == bsonval.Document:
			return bsonval.Get(from.Data, bsonval.Text(name)), nil
		case from.Type == bsonval.Null:
			return bsonval.NullV, nil
		}
		return bsonval.Missing, nil
	}, nil
}

// formSetField is $setField: named field, input, value.
func formSetField(x *op.Expr, args []evaluator) (evaluator, error) {
	field, in, val := named(x, args, "field"), named(x, args, "input"), named(x, args, "value")
	if field == nil || in == nil || val == nil {
		return nil, op.Errorf(op.InvalidArgument, "$setField requires 'field', 'input' and 'value'")
	}
	return func(e *env) (bsonval.V, error) {
		name, err := field(e)
		if err != nil {
			return name, err
		}
		from, err := in(e)
		if err != nil || nullish(from) {
			return bsonval.NullV, err
		}
		if from.Type != bsonval.Document {
			return from, op.Errorf(op.TypeMismatch, "$setField requires 'input' to evaluate to type Object")
		}
		v, err := val(e)
		if err != nil {
			return v, err
		}
		t := parseTree(from)
		if k := bsonval.Text(name); v.Type == 0 {
			t.remove(k)
		} else {
			t.put(k, v)
		}
		return t.value(), nil
	}, nil
}

package doc

import (
	"bytes"
	"math"
	"math/big"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// textOf gives the text of a value the lenient string operators accept.
func textOf(v bsonval.V) (string, bool) {
	switch v.Type {
	case 0, bsonval.Null, bsonval.Undefined:
		return "", true
	case bsonval.String, bsonval.Symbol, bsonval.JavaScript:
		return bsonval.Text(v), true
	case bsonval.Int32, bsonval.Int64, bsonval.Double, bsonval.Decimal128, bsonval.DateTime:
		r, err := convert(v, bsonval.String)
		return bsonval.Text(r), err == nil
	}
	return "", false
}

// textFn lifts a function of one lenient string.
func textFn(f func(string) string) func([]bsonval.V, *env) (bsonval.V, error) {
	return func(a []bsonval.V, _ *env) (bsonval.V, error) {
		s, ok := textOf(a[0])
		if !ok {
			return a[0], op.Errorf(op.TypeMismatch, "can't convert from BSON type %s to String", typeName(a[0]))
		}
		return bsonval.StringV(f(s)), nil
	}
}

// fnConcat is $concat.
func fnConcat(a []bsonval.V, _ *env) (bsonval.V, error) {
	var b strings.Builder
	for _, v := range a {
		if nullish(v) {
			return bsonval.NullV, nil
		}
		if v.Type != bsonval.String {
			return v, op.Errorf(op.TypeMismatch, "$concat only supports strings, not %s", typeName(v))
		}
		b.WriteString(bsonval.Text(v))
	}
	return bsonval.StringV(b.String()), nil
}

// fnSplit is $split.
func fnSplit(a []bsonval.V, _ *env) (bsonval.V, error) {
	if nullish(a[0]) || nullish(a[1]) {
		return bsonval.NullV, nil
	}
	if a[0].Type != bsonval.String || a[1].Type != bsonval.String || bsonval.Text(a[1]) == "" {
		return a[0], op.Errorf(op.TypeMismatch, "$split requires an expression that evaluates to a string and a non-empty separator")
	}
	var out []bsonval.V
	for _, s := range strings.Split(bsonval.Text(a[0]), bsonval.Text(a[1])) {
		out = append(out, bsonval.StringV(s))
	}
	return bsonval.ArrayV(out), nil
}

// fnStrLenBytes is $strLenBytes.
func fnStrLenBytes(a []bsonval.V, _ *env) (bsonval.V, error) {
	if a[0].Type != bsonval.String {
		return a[0], op.Errorf(op.TypeMismatch, "$strLenBytes requires a string argument, found: %s", typeName(a[0]))
	}
	return bsonval.Int32V(int32(len(bsonval.Text(a[0])))), nil
}

// fnStrLenCP is $strLenCP.
func fnStrLenCP(a []bsonval.V, _ *env) (bsonval.V, error) {
	if a[0].Type != bsonval.String {
		return a[0], op.Errorf(op.TypeMismatch, "$strLenCP requires a string argument, found: %s", typeName(a[0]))
	}
	return bsonval.Int32V(int32(utf8.RuneCountInString(bsonval.Text(a[0])))), nil
}

// fnStrcasecmp is $strcasecmp.
func fnStrcasecmp(a []bsonval.V, _ *env) (bsonval.V, error) {
	x, ok1 := textOf(a[0])
	y, ok2 := textOf(a[1])
	if !ok1 || !ok2 {
		return a[0], op.Errorf(op.TypeMismatch, "$strcasecmp requires string arguments")
	}
	return bsonval.Int32V(int32(strings.Compare(strings.ToUpper(x), strings.ToUpper(y)))), nil
}

// fnSubstrBytes is $substrBytes; a negative length means to the end.
func fnSubstrBytes(a []bsonval.V, _ *env) (bsonval.V, error) {
	s, ok := textOf(a[0])
	from, ok1 := bsonval.Int(a[1])
	n, ok2 := bsonval.Int(a[2])
	if !ok || !ok1 || !ok2 || from < 0 {
		return a[0], op.Errorf(op.TypeMismatch, "$substrBytes: invalid arguments")
	}
	if from > int64(len(s)) {
		return bsonval.StringV(""), nil
	}
	s = s[from:]
	if n >= 0 && n < int64(len(s)) {
		s = s[:n]
	}
	if !validText(s) {
		return a[0], op.Errorf(op.InvalidArgument, "$substrBytes: Invalid range, starting or ending index is a UTF-8 continuation byte")
	}
	return bsonval.StringV(s), nil
}

// fnSubstrCP is $substrCP.
func fnSubstrCP(a []bsonval.V, _ *env) (bsonval.V, error) {
	s, ok := textOf(a[0])
	from, ok1 := bsonval.Int(a[1])
	n, ok2 := bsonval.Int(a[2])
	if !ok || !ok1 || !ok2 || from < 0 || n < 0 {
		return a[0], op.Errorf(op.TypeMismatch, "$substrCP: invalid arguments")
	}
	r := []rune(s)
	from = min(from, int64(len(r)))
	return bsonval.StringV(string(r[from:min(from+n, int64(len(r)))])), nil
}

// fnIndexOfBytes is $indexOfBytes: text, token, start, end.
func fnIndexOfBytes(a []bsonval.V, _ *env) (bsonval.V, error) { return indexOf(a, false) }

// fnIndexOfCP is $indexOfCP: text, token, start, end.
func fnIndexOfCP(a []bsonval.V, _ *env) (bsonval.V, error) { return indexOf(a, true) }

// indexOf searches in bytes or code points.
func indexOf(a []bsonval.V, cp bool) (bsonval.V, error) {
	if nullish(a[0]) {
		return bsonval.NullV, nil
	}
	if a[0].Type != bsonval.String || a[1].Type != bsonval.String {
		return a[0], op.Errorf(op.TypeMismatch, "$indexOf requires string arguments, found: %s", typeName(a[0]))
	}
	s, token := bsonval.Text(a[0]), bsonval.Text(a[1])
	offset := func(n int64) int64 {
		if !cp {
			return min(n, int64(len(s)))
		}
		for i := range s {
			if n == 0 {
				return int64(i)
			}
			n--
		}
		return int64(len(s))
	}
	from, to := int64(0), int64(len(s))
	if len(a) > 2 {
		n, ok := bsonval.Int(a[2])
		if !ok || n < 0 {
			return a[2], op.Errorf(op.InvalidArgument, "$indexOf requires a nonnegative start index")
		}
		from = offset(n)
	}
	if len(a) > 3 {
		n, ok := bsonval.Int(a[3])
		if !ok || n < 0 {
			return a[3], op.Errorf(op.InvalidArgument, "$indexOf requires a nonnegative end index")
		}
		to = offset(n)
	}
	if from > to {
		return bsonval.Int32V(-1), nil
	}
	i := strings.Index(s[from:to], token)
	if i < 0 {
		return bsonval.Int32V(-1), nil
	}
	i += int(from)
	if cp {
		i = utf8.RuneCountInString(s[:i])
	}
	return bsonval.Int32V(int32(i)), nil
}

// formTrim is $trim, $ltrim, $rtrim: named input, chars.
func formTrim(x *op.Expr, args []evaluator) (evaluator, error) {
	in, chars, name := named(x, args, "input"), named(x, args, "chars"), x.Name
	if in == nil {
		return nil, op.Errorf(op.InvalidArgument, "$%s requires an 'input' field", name)
	}
	return func(e *env) (bsonval.V, error) {
		v, err := in(e)
		if err != nil || nullish(v) {
			return bsonval.NullV, err
		}
		cut := "\x00\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
		if chars != nil {
			c, err := chars(e)
			if err != nil || nullish(c) {
				return bsonval.NullV, err
			}
			cut = bsonval.Text(c)
		}
		if v.Type != bsonval.String {
			return v, op.Errorf(op.TypeMismatch, "$%s requires its input to be a string, got %s", name, typeName(v))
		}
		s := bsonval.Text(v)
		if name != "rtrim" {
			s = strings.TrimLeft(s, cut)
		}
		if name != "ltrim" {
			s = strings.TrimRight(s, cut)
		}
		return bsonval.StringV(s), nil
	}, nil
}

// formReplace is $replaceOne and $replaceAll: named input, find, replacement.
func formReplace(x *op.Expr, args []evaluator) (evaluator, error) {
	in, find, with := named(x, args, "input"), named(x, args, "find"), named(x, args, "replacement")
	if in == nil || find == nil || with == nil {
		return nil, op.Errorf(op.InvalidArgument, "$%s requires 'input', 'find' and 'replacement'", x.Name)
	}
	n := -1
	if x.Name == "replaceOne" {
		n = 1
	}
	return func(e *env) (bsonval.V, error) {
		var s [3]string
		for i, a := range []evaluator{in, find, with} {
			v, err := a(e)
			if err != nil || nullish(v) {
				return bsonval.NullV, err
			}
			if v.Type != bsonval.String {
				return v, op.Errorf(op.TypeMismatch, "$%s requires strings, found: %s", x.Name, typeName(v))
			}
			s[i] = bsonval.Text(v)
		}
		return bsonval.StringV(strings.Replace(s[0], s[1], s[2], n)), nil
	}, nil
}

// formRegex is $regexMatch, $regexFind, $regexFindAll: named input, regex, options.
func formRegex(x *op.Expr, args []evaluator) (evaluator, error) {
	in, pattern, options, name := named(x, args, "input"), named(x, args, "regex"), named(x, args, "options"), x.Name
	if in == nil || pattern == nil {
		return nil, op.Errorf(op.InvalidArgument, "$%s requires 'input' and 'regex'", name)
	}
	return func(e *env) (bsonval.V, error) {
		v, err := in(e)
		if err != nil {
			return v, err
		}
		p, err := pattern(e)
		if err != nil {
			return p, err
		}
		o, err := optional(options, e)
		if err != nil {
			return o, err
		}
		if nullish(v) || nullish(p) {
			return map[string]bsonval.V{"regexMatch": bsonval.BoolV(false), "regexFind": bsonval.NullV, "regexFindAll": bsonval.ArrayV(nil)}[name], nil
		}
		if v.Type != bsonval.String {
			return v, op.Errorf(op.TypeMismatch, "$%s needs 'input' to be of type string", name)
		}
		text, flags := bsonval.Text(p), bsonval.Text(o)
		if p.Type == bsonval.Regex {
			i := bytes.IndexByte(p.Data, 0)
			text = string(p.Data[:i])
			flags += string(p.Data[i+1 : len(p.Data)-1])
		}
		re, err := compileRegex(text, flags)
		if err != nil {
			return p, err
		}
		s := bsonval.Text(v)
		switch name {
		case "regexMatch":
			return bsonval.BoolV(re.MatchString(s)), nil
		case "regexFind":
			m := re.FindStringSubmatchIndex(s)
			if m == nil {
				return bsonval.NullV, nil
			}
			return found(s, m), nil
		}
		var out []bsonval.V
		for _, m := range re.FindAllStringSubmatchIndex(s, -1) {
			out = append(out, found(s, m))
		}
		return bsonval.ArrayV(out), nil
	}, nil
}

// found builds the document of one regular expression match.
func found(s string, m []int) bsonval.V {
	var caps []bsonval.V
	for i := 2; i+1 < len(m); i += 2 {
		if m[i] < 0 {
			caps = append(caps, bsonval.NullV)
		} else {
			caps = append(caps, bsonval.StringV(s[m[i]:m[i+1]]))
		}
	}
	return bsonval.DocV(buildDoc("match", bsonval.StringV(s[m[0]:m[1]]),
		"idx", bsonval.Int32V(int32(utf8.RuneCountInString(s[:m[0]]))), "captures", bsonval.ArrayV(caps)))
}

// convertFn lifts a conversion; null stays null.
func convertFn(t bsoncore.Type) func([]bsonval.V, *env) (bsonval.V, error) {
	return func(a []bsonval.V, _ *env) (bsonval.V, error) {
		if nullish(a[0]) {
			return bsonval.NullV, nil
		}
		return convert(a[0], t)
	}
}

// typesByName are the type names $convert and $type filters accept.
var typesByName = map[string]bsoncore.Type{
	"double": bsonval.Double, "string": bsonval.String, "object": bsonval.Document, "array": bsonval.Array, "binData": bsonval.Binary,
	"objectId": bsonval.ObjectID, "bool": bsonval.Boolean, "date": bsonval.DateTime, "int": bsonval.Int32, "long": bsonval.Int64, "decimal": bsonval.Decimal128,
}

// input evaluates the input of a form with an onNull argument. done tells that
// v is already the form's answer: the input was null.
func input(in, onNull evaluator, e *env) (v bsonval.V, done bool, err error) {
	v, err = in(e)
	if err != nil || !nullish(v) {
		return v, false, err
	}
	if onNull == nil {
		return bsonval.NullV, true, nil
	}
	v, err = onNull(e)
	return v, true, err
}

// formConvert is $convert: named input, to, onError, onNull.
func formConvert(x *op.Expr, args []evaluator) (evaluator, error) {
	in, to := named(x, args, "input"), named(x, args, "to")
	onError, onNull := named(x, args, "onError"), named(x, args, "onNull")
	if in == nil || to == nil {
		return nil, op.Errorf(op.InvalidArgument, "Missing 'input' or 'to' parameter to $convert")
	}
	return func(e *env) (bsonval.V, error) {
		v, done, err := input(in, onNull, e)
		if done || err != nil {
			return v, err
		}
		tv, err := to(e)
		if err != nil {
			return tv, err
		}
		t := typesByName[bsonval.Text(tv)]
		if n, ok := bsonval.Int(tv); ok {
			t = bsoncore.Type(n)
		}
		r, err := convert(v, t)
		if err != nil && onError != nil {
			return onError(e)
		}
		return r, err
	}, nil
}

// convert converts a value that is not null.
func convert(v bsonval.V, t bsoncore.Type) (bsonval.V, error) {
	if v.Type == t {
		return v, nil
	}
	bad := func() (bsonval.V, error) {
		return v, &op.Error{Code: op.InvalidArgument, Object: "conversion", Msg: "Failed to convert: unsupported conversion from " + typeName(v) + " to " + typeName(bsonval.V{Type: t})}
	}
	switch t {
	case bsonval.Boolean:
		return bsonval.BoolV(bsonval.Truthy(v)), nil
	case bsonval.String:
		return toText(v)
	case bsonval.ObjectID:
		if id, err := bson.ObjectIDFromHex(bsonval.Text(v)); err == nil && v.Type == bsonval.String {
			return bsonval.V{Type: bsonval.ObjectID, Data: append([]byte(nil), id[:]...)}, nil
		}
		return bad()
	case bsonval.DateTime:
		return toDate(v)
	case bsonval.Int32, bsonval.Int64, bsonval.Double, bsonval.Decimal128:
		return toNumber(v, t)
	}
	return bad()
}

// toText converts to a string.
func toText(v bsonval.V) (bsonval.V, error) {
	switch v.Type {
	case bsonval.Boolean:
		return bsonval.StringV(strconv.FormatBool(v.Data[0] != 0)), nil
	case bsonval.Int32, bsonval.Int64:
		i, _ := bsonval.Int(v)
		return bsonval.StringV(strconv.FormatInt(i, 10)), nil
	case bsonval.Double:
		f, _ := bsonval.Float(v)
		s := strconv.FormatFloat(f, 'g', -1, 64)
		if a := math.Abs(f); a >= 1e-6 && a < 1e21 {
			s = strconv.FormatFloat(f, 'f', -1, 64)
		}
		s = strings.NewReplacer("+Inf", "Infinity", "-Inf", "-Infinity").Replace(s)
		return bsonval.StringV(s), nil
	case bsonval.Decimal128:
		return bsonval.StringV(bsonval.FromBSON(v).Str()), nil
	case bsonval.ObjectID:
		return bsonval.StringV(bson.ObjectID(v.Data).Hex()), nil
	case bsonval.DateTime:
		ms, _ := bsonval.Int(v)
		return bsonval.StringV(time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")), nil
	case bsonval.Symbol, bsonval.JavaScript:
		return bsonval.StringV(bsonval.Text(v)), nil
	}
	return v, &op.Error{Code: op.InvalidArgument, Object: "conversion", Msg: "Unsupported conversion from " + typeName(v) + " to string in $convert with no onError value"}
}

// toNumber converts to a numeric type.
func toNumber(v bsonval.V, t bsoncore.Type) (bsonval.V, error) {
	fail := func(why string) (bsonval.V, error) {
		return v, &op.Error{Code: op.InvalidArgument, Object: "conversion", Msg: "Failed to convert " + typeName(v) + " to " + typeName(bsonval.V{Type: t}) + " in $convert with no onError value: " + why}
	}
	switch v.Type {
	case bsonval.Boolean:
		v = bsonval.Int32V(int32(v.Data[0]))
	case bsonval.DateTime:
		if t == bsonval.Int32 {
			return fail("unsupported conversion")
		}
		v = bsonval.V{Type: bsonval.Int64, Data: v.Data}
	case bsonval.String:
		s := bsonval.Text(v)
		switch t {
		case bsonval.Int32, bsonval.Int64:
			i, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				return fail("Failed to parse number '" + s + "'")
			}
			v = bsonval.Int64V(i)
		case bsonval.Double:
			f, err := strconv.ParseFloat(s, 64)
			if err != nil || strings.ContainsAny(s, "xX_") {
				return fail("Failed to parse number '" + s + "'")
			}
			return bsonval.DoubleV(f), nil
		default:
			d, err := bson.ParseDecimal128(s)
			if err != nil {
				return fail("Failed to parse number '" + s + "'")
			}
			return bsonval.DecimalV(d), nil
		}
	}
	if !bsonval.IsNumber(v) {
		return fail("unsupported conversion")
	}
	switch t {
	case bsonval.Double:
		f, _ := bsonval.Float(v)
		return bsonval.DoubleV(f), nil
	case bsonval.Decimal128:
		return toDecimal(v), nil
	}
	r, class := bsonval.Rat(v)
	if class != 2 {
		return fail("Attempt to convert NaN or infinity value to integer type")
	}
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() || (t == bsonval.Int32 && n.Int64() != int64(int32(n.Int64()))) {
		return fail("Conversion would overflow target type")
	}
	if t == bsonval.Int32 {
		return bsonval.Int32V(int32(n.Int64())), nil
	}
	return bsonval.Int64V(n.Int64()), nil
}

// toDecimal converts a number to Decimal128; doubles with 15 digits.
func toDecimal(v bsonval.V) bsonval.V {
	switch v.Type {
	case bsonval.Decimal128:
		return v
	case bsonval.Double:
		f, _ := bsonval.Float(v)
		if math.IsNaN(f) {
			return bsonval.DecimalText("NaN")
		}
		if math.IsInf(f, 0) {
			return bsonval.DecimalText(map[bool]string{true: "Infinity", false: "-Infinity"}[f > 0])
		}
		return bsonval.DecimalText(strconv.FormatFloat(f, 'e', 14, 64))
	}
	i, _ := bsonval.Int(v)
	return bsonval.DecimalText(strconv.FormatInt(i, 10))
}

// toDate converts to a date.
func toDate(v bsonval.V) (bsonval.V, error) {
	switch v.Type {
	case bsonval.Int64, bsonval.Double, bsonval.Decimal128:
		f, _ := bsonval.Float(v)
		if i, ok := bsonval.Int(v); ok {
			return bsonval.DateV(i), nil
		}
		if math.Abs(f) < 9e18 {
			return bsonval.DateV(int64(f)), nil
		}
	case bsonval.ObjectID:
		return bsonval.DateV(bson.ObjectID(v.Data).Timestamp().UnixMilli()), nil
	case bsonval.Timestamp:
		t, _, _, _ := bsoncore.ReadTimestamp(v.Data)
		return bsonval.DateV(int64(t) * 1000), nil
	case bsonval.String:
		if t, ok := parseDate(bsonval.Text(v), time.UTC); ok {
			return bsonval.DateV(t.UnixMilli()), nil
		}
		return v, &op.Error{Code: op.InvalidArgument, Object: "conversion", Msg: "Error parsing date string '" + bsonval.Text(v) + "'"}
	}
	return v, &op.Error{Code: op.InvalidArgument, Object: "conversion", Msg: "Unsupported conversion from " + typeName(v) + " to date in $convert with no onError value"}
}

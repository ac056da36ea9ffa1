package doc

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// jsonText renders any value as relaxed extended JSON.
func jsonText(v bsonval.V) string {
	if v.Type == 0 {
		return "null"
	}
	text, err := bson.MarshalExtJSON(bson.Raw(buildDoc("v", v)), false, false)
	if err != nil {
		return "null"
	}
	return strings.TrimSuffix(strings.TrimPrefix(string(text), `{"v":`), "}")
}

// fromStorage converts a SQL storage form to BSON.
func fromStorage(v op.Value, t op.Type) (bsonval.V, error) {
	if v.IsNull() {
		return bsonval.NullV, nil
	}
	if t.Array {
		return arrayFromStorage(v, t)
	}
	switch t.Base {
	case op.TBoolean:
		return bsonval.BoolV(v.Int() != 0), nil
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TYear:
		return bsonval.IntV(v.Int()), nil
	case op.TInt8, op.TOID, op.TXID, op.TRegClass, op.TRegType, op.TRegProc, op.TRegNS:
		if v.Kind == op.KindText {
			return bsonval.DecimalText(strings.TrimLeft(v.Str(), "0")), nil
		}
		return bsonval.Int64V(v.Int()), nil
	case op.TFloat4, op.TFloat8:
		switch v.Kind {
		case op.KindText:
			return bsonval.DoubleV(math.NaN()), nil
		case op.KindInt64:
			return bsonval.DoubleV(float64(v.Int())), nil
		}
		return bsonval.DoubleV(v.Float()), nil
	case op.TNumeric:
		return bsonval.DecimalText(textOfStorage(v)), nil
	case op.TBytea:
		return bsonval.ToBSON(op.Bytes(v.Raw)), nil
	case op.TDate:
		if d := v.Int(); v.Kind == op.KindInt64 && d > -1<<32 && d < 1<<32 {
			return bsonval.DateV(d * 86400000), nil
		}
		return bsonval.StringV(infinity(v)), nil
	case op.TTimestamp, op.TTimestampTZ:
		if v.Kind == op.KindInt64 && v.Int() < math.MaxInt64-1 && v.Int() > math.MinInt64+2 {
			return bsonval.ToBSON(op.Value{Kind: op.KindTime, Num: v.Num}), nil
		}
		return bsonval.StringV(infinity(v)), nil
	case op.TTime:
		us := v.Int()
		s := fmt.Sprintf("%02d:%02d:%02d", us/3600000000, us/60000000%60, us/1000000%60)
		if f := us % 1000000; f != 0 {
			s += strings.TrimRight(fmt.Sprintf(".%06d", f), "0")
		}
		return bsonval.StringV(s), nil
	case op.TUUID:
		if b, ok := parseUUID(v.Str()); ok {
			return bsonval.ToBSON(op.Raw(op.KindUUID, b)), nil
		}
	case op.TJSON, op.TJSONB:
		return parseJSON(v.Str())
	}
	return bsonval.StringV(textOfStorage(v)), nil
}

// infinity names the storage forms of dates beyond the calendar.
func infinity(v op.Value) string {
	switch {
	case v.Int() == math.MaxInt64:
		return "infinity"
	case v.Int() == math.MinInt64:
		return "-infinity"
	}
	return "0000-00-00"
}

// textOfStorage renders any storage form as text.
func textOfStorage(v op.Value) string {
	switch v.Kind {
	case op.KindInt64:
		return strconv.FormatInt(v.Int(), 10)
	case op.KindFloat64:
		return strconv.FormatFloat(v.Float(), 'g', -1, 64)
	}
	return strings.Clone(v.Str())
}

// arrayFromStorage converts a JSON array of storage forms.
func arrayFromStorage(v op.Value, t op.Type) (bsonval.V, error) {
	var list []any
	dec := json.NewDecoder(bytes.NewReader(v.Raw))
	dec.UseNumber()
	if err := dec.Decode(&list); err != nil {
		return bsonval.StringV(textOfStorage(v)), nil
	}
	t.Array = false
	var conv func(any) (bsonval.V, error)
	conv = func(x any) (bsonval.V, error) {
		switch e := x.(type) {
		case nil:
			return bsonval.NullV, nil
		case json.Number:
			if i, err := e.Int64(); err == nil {
				return fromStorage(op.Int64(i), t)
			}
			f, _ := e.Float64()
			return fromStorage(op.Float64(f), t)
		case bool:
			return bsonval.BoolV(e), nil
		case string:
			return fromStorage(op.Text(e), t)
		case []any:
			out := make([]bsonval.V, len(e))
			for i, y := range e {
				z, err := conv(y)
				if err != nil {
					return z, err
				}
				out[i] = z
			}
			return bsonval.ArrayV(out), nil
		}
		b, _ := json.Marshal(x)
		return bsonval.StringV(string(b)), nil
	}
	return conv([]any(list))
}

// parseUUID reads 36 characters.
func parseUUID(s string) ([]byte, bool) {
	var b [16]byte
	h := strings.ReplaceAll(s, "-", "")
	if len(h) != 32 {
		return nil, false
	}
	for i := range b {
		n, err := strconv.ParseUint(h[2*i:2*i+2], 16, 8)
		if err != nil {
			return nil, false
		}
		b[i] = byte(n)
	}
	return b[:], true
}

// parseJSON converts JSON text, keeping the order of keys.
func parseJSON(s string) (bsonval.V, error) {
	dec := json.NewDecoder(strings.NewReader(s))
	dec.UseNumber()
	v, err := jsonValue(dec)
	if err != nil {
		return bsonval.StringV(s), nil
	}
	return v, nil
}

// jsonValue reads one JSON value.
func jsonValue(dec *json.Decoder) (bsonval.V, error) {
	tok, err := dec.Token()
	if err != nil {
		return bsonval.Missing, err
	}
	switch x := tok.(type) {
	case nil:
		return bsonval.NullV, nil
	case bool:
		return bsonval.BoolV(x), nil
	case string:
		return bsonval.StringV(x), nil
	case json.Number:
		if i, err := x.Int64(); err == nil {
			return bsonval.IntV(i), nil
		}
		f, err := x.Float64()
		return bsonval.DoubleV(f), err
	}
	i, b := bsoncore.AppendDocumentStart(nil)
	array := tok == json.Delim('[')
	for n := 0; dec.More(); n++ {
		key := itoa(n)
		if !array {
			k, err := dec.Token()
			if err != nil {
				return bsonval.Missing, err
			}
			key = strings.ReplaceAll(k.(string), "\x00", "")
		}
		v, err := jsonValue(dec)
		if err != nil {
			return v, err
		}
		b = bsonval.AppendElement(b, key, v)
	}
	if _, err := dec.Token(); err != nil {
		return bsonval.Missing, err
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	if array {
		return bsonval.V{Type: bsonval.Array, Data: b}, nil
	}
	return bsonval.DocV(b), nil
}

// mismatch is the error of a value a column cannot hold.
func mismatch(v bsonval.V, c *catalog.Column) error {
	return &op.Error{Code: op.CheckViolation, Object: "column", Column: c.Name,
		Msg: "Document failed validation: column \"" + c.Name + "\" cannot hold a value of type " + typeName(v)}
}

// toStorage converts BSON to a column's storage form.
func toStorage(v bsonval.V, c *catalog.Column) (op.Value, error) {
	if nullish(v) {
		return op.Null, nil
	}
	t := c.Type
	if t.Array {
		if v.Type != bsonval.Array {
			return op.Null, mismatch(v, c)
		}
		return arrayToStorage(v, c)
	}
	switch t.Base {
	case op.TBoolean:
		if v.Type == bsonval.Boolean {
			return op.Int64(int64(v.Data[0])), nil
		}
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TYear, op.TOID:
		return intToStorage(v, c)
	case op.TFloat4, op.TFloat8:
		f, ok := bsonval.Float(v)
		if !ok {
			break
		}
		if math.IsNaN(f) {
			return op.Text("NaN"), nil
		}
		if t.Base == op.TFloat4 {
			f = float64(float32(f))
		}
		return op.Float64(f), nil
	case op.TNumeric:
		if bsonval.IsNumber(v) {
			return op.Text(numericText(v, t)), nil
		}
	case op.TBytea:
		if v.Type == bsonval.Binary {
			return op.Bytes(v.Data[5:]), nil
		}
	case op.TDate, op.TTimestamp, op.TTimestampTZ:
		ms, ok := bsonval.Int(v)
		if v.Type != bsonval.DateTime || !ok {
			break
		}
		if t.Base == op.TDate {
			return op.Int64(int64(math.Floor(float64(ms) / 86400000))), nil
		}
		return op.Int64(ms * 1000), nil
	case op.TUUID:
		if v.Type == bsonval.Binary && v.Data[4] == 4 && len(v.Data) == 21 {
			b := v.Data[5:]
			return op.Text(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
		}
		if b, ok := parseUUID(bsonval.Text(v)); ok {
			return op.Text(fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])), nil
		}
	case op.TJSON:
		return op.Text(jsonText(v)), nil
	case op.TJSONB:
		var b strings.Builder
		writeJSONB(&b, jsonText(v))
		return op.Text(b.String()), nil
	case op.TTime:
		var h, m int64
		var sec float64
		if n, err := fmt.Sscanf(bsonval.Text(v), "%d:%d:%f", &h, &m, &sec); err == nil && n == 3 && v.Type == bsonval.String {
			return op.Int64((h*3600+m*60)*1000000 + int64(math.Round(sec*1e6))), nil
		}
	default:
		return textToStorage(v, c)
	}
	return op.Null, mismatch(v, c)
}

// textToStorage converts to the text types.
func textToStorage(v bsonval.V, c *catalog.Column) (op.Value, error) {
	s := bsonval.Text(v)
	switch v.Type {
	case bsonval.String, bsonval.Symbol:
	case bsonval.ObjectID:
		s = bson.ObjectID(v.Data).Hex()
	default:
		return op.Null, mismatch(v, c)
	}
	if !validText(s) || strings.ContainsRune(s, 0) {
		return op.Null, mismatch(v, c)
	}
	if n := len([]rune(s)); c.Type.Size > 0 && n > int(c.Type.Size) && (c.Type.Base == op.TVarchar || c.Type.Base == op.TChar) {
		return op.Null, &op.Error{Code: op.CheckViolation, Object: "column", Column: c.Name, Msg: "Document failed validation: value too long for column \"" + c.Name + "\""}
	} else if c.Type.Base == op.TChar && c.Type.Size > 0 {
		s += strings.Repeat(" ", int(c.Type.Size)-n)
	}
	if c.Type.Base == op.TEnum && len(c.Labels) > 0 {
		for _, l := range c.Labels {
			if l == s {
				return op.Text(s), nil
			}
		}
		return op.Null, &op.Error{Code: op.CheckViolation, Object: "column", Column: c.Name, Msg: "Document failed validation: invalid label for column \"" + c.Name + "\""}
	}
	return op.Text(s), nil
}

// intToStorage converts to an integer column within its range.
func intToStorage(v bsonval.V, c *catalog.Column) (op.Value, error) {
	i, ok := bsonval.Int(v)
	if !ok || !bsonval.IsNumber(v) {
		return op.Null, mismatch(v, c)
	}
	bits := map[op.Base]uint{op.TInt1: 8, op.TInt2: 16, op.TInt3: 24, op.TInt4: 32, op.TYear: 16, op.TOID: 33}[c.Type.Base]
	lo, hi := int64(math.MinInt64), int64(math.MaxInt64)
	if bits > 0 {
		lo, hi = -1<<(bits-1), 1<<(bits-1)-1
	}
	if c.Type.Unsigned {
		lo = 0
		if bits > 0 {
			hi = 1<<bits - 1
		}
	}
	if i < lo || i > hi {
		return op.Null, &op.Error{Code: op.CheckViolation, Object: "column", Column: c.Name, Msg: "Document failed validation: value out of range for column \"" + c.Name + "\""}
	}
	return op.Int64(i), nil
}

// numericText writes a number as plain decimal digits with the column's scale.
func numericText(v bsonval.V, t op.Type) string {
	r, class := bsonval.Rat(v)
	switch class {
	case 0:
		return "NaN"
	case 1:
		return "-Infinity"
	case 3:
		return "Infinity"
	}
	if t.Size > 0 {
		return r.FloatString(int(max(t.Scale, 0)))
	}
	text := bsonval.Text(mustText(v))
	if i := strings.IndexAny(text, "eE"); i >= 0 {
		return strings.TrimRight(strings.TrimRight(r.FloatString(40), "0"), ".")
	}
	return text
}

// mustText is toText of a number, which cannot fail.
func mustText(v bsonval.V) bsonval.V {
	s, _ := toText(v)
	return s
}

// arrayToStorage converts an array to the JSON of its elements' forms.
func arrayToStorage(v bsonval.V, c *catalog.Column) (op.Value, error) {
	elem := *c
	elem.Type.Array = false
	var conv func(v bsonval.V) (any, error)
	conv = func(v bsonval.V) (any, error) {
		if v.Type == bsonval.Array {
			out := []any{}
			for it := bsonval.Elements(v.Data); it.Next(); {
				x, err := conv(it.Value)
				if err != nil {
					return nil, err
				}
				out = append(out, x)
			}
			return out, nil
		}
		s, err := toStorage(v, &elem)
		if err != nil {
			return nil, err
		}
		switch s.Kind {
		case op.KindNull:
			return nil, nil
		case op.KindInt64:
			return s.Int(), nil
		case op.KindFloat64:
			return s.Float(), nil
		}
		return s.Str(), nil
	}
	x, err := conv(v)
	if err != nil {
		return op.Null, err
	}
	b, err := json.Marshal(x)
	return op.Raw(op.KindText, b), err
}

// writeJSONB writes JSON in normal form: keys by length then bytes, ", " and
// ": " between.
func writeJSONB(b *strings.Builder, text string) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var x any
	if dec.Decode(&x) != nil {
		b.WriteString("null")
		return
	}
	normalJSON(b, x)
}

// normalJSON writes one decoded value.
func normalJSON(b *strings.Builder, x any) {
	switch v := x.(type) {
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Slice(keys, func(i, j int) bool {
			if len(keys[i]) != len(keys[j]) {
				return len(keys[i]) < len(keys[j])
			}
			return keys[i] < keys[j]
		})
		b.WriteByte('{')
		for i, k := range keys {
			if i > 0 {
				b.WriteString(", ")
			}
			normalJSON(b, k)
			b.WriteString(": ")
			normalJSON(b, v[k])
		}
		b.WriteByte('}')
	case []any:
		b.WriteByte('[')
		for i, e := range v {
			if i > 0 {
				b.WriteString(", ")
			}
			normalJSON(b, e)
		}
		b.WriteByte(']')
	default:
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		_ = enc.Encode(v)
		b.Write(bytes.TrimRight(buf.Bytes(), "\n"))
	}
}

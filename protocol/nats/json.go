package nats

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// argBytes reads a key-value argument: text, a number's digits, or bytes as
// {"$base64": "…"}.
func argBytes(a any) ([]byte, error) {
	switch a := a.(type) {
	case string:
		return []byte(a), nil
	case json.Number:
		return []byte(a.String()), nil
	case map[string]any:
		if text, ok := a["$base64"].(string); ok && len(a) == 1 {
			return base64.StdEncoding.DecodeString(text)
		}
	}
	return nil, fmt.Errorf(`want a string, a number or {"$base64": "…"}`)
}

// valueJSON writes a reply value.
func valueJSON(out []byte, v op.Value) ([]byte, error) {
	switch v.Kind {
	case op.KindNull:
		return append(out, "null"...), nil
	case op.KindBool:
		return strconv.AppendBool(out, v.Num != 0), nil
	case op.KindInt32, op.KindInt64:
		return strconv.AppendInt(out, v.Int(), 10), nil
	case op.KindUint64:
		return strconv.AppendUint(out, v.Num, 10), nil
	case op.KindFloat64:
		return floatJSON(out, v.Float()), nil
	case op.KindText, op.KindDecimal, op.KindBytes:
		if utf8.Valid(v.Raw) {
			return stringJSON(out, v.Str()), nil
		}
		out = append(out, `{"$base64":"`...)
		out = base64.StdEncoding.AppendEncode(out, v.Raw)
		return append(out, `"}`...), nil
	case op.KindErrorText:
		out = append(out, `{"error":`...)
		return append(stringJSON(out, v.Str()), '}'), nil
	case op.KindArray, op.KindSet, op.KindMap:
		out = append(out, '[')
		var err error
		for i, e := range v.List() {
			if i > 0 {
				out = append(out, ',')
			}
			if out, err = valueJSON(out, e); err != nil {
				return out, err
			}
		}
		return append(out, ']'), nil
	default:
		return out, op.Errorf(op.Unsupported, "value of kind %d has no JSON form here", v.Kind)
	}
}

// floatJSON writes a double; what JSON has no number for is a string.
func floatJSON(out []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(out, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(out, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(out, `"-Infinity"`...)
	}
	return strconv.AppendFloat(out, f, 'g', -1, 64)
}

// stringJSON writes a JSON string. Marshalling a string cannot fail.
func stringJSON(out []byte, s string) []byte {
	text, _ := json.Marshal(s)
	return append(out, text...)
}

// parseDoc reads extended JSON as BSON and adds an _id at the front when there
// is none.
func parseDoc(text json.RawMessage) ([]byte, error) {
	var d bson.D
	if err := bson.UnmarshalExtJSON(text, false, &d); err != nil {
		return nil, err
	}
	if id, _ := find(d, "_id"); !id {
		d = append(bson.D{{Key: "_id", Value: bson.NewObjectID()}}, d...)
	}
	return bson.Marshal(d)
}

// find looks a field of a document up.
func find(d bson.D, key string) (bool, any) {
	for _, e := range d {
		if e.Key == key {
			return true, e.Value
		}
	}
	return false, nil
}

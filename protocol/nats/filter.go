package nats

import (
	"encoding/json"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// parseFilter reads a filter of equalities: {"_id": 1, "address.city": "x"}.
// Operators are refused; MongoDB's wire has them.
func parseFilter(text json.RawMessage) (*op.Expr, error) {
	if len(text) == 0 || string(text) == "null" {
		return &op.Expr{Op: op.ExTrue}, nil
	}
	var d bson.D
	if err := bson.UnmarshalExtJSON(text, false, &d); err != nil {
		return nil, op.Errorf(op.InvalidArgument, "filter: %v", err)
	}
	all := &op.Expr{Op: op.ExAnd}
	for _, e := range d {
		if strings.HasPrefix(e.Key, "$") {
			return nil, op.Errorf(op.Unsupported, "filter operator %s is not supported here; only equality is", e.Key)
		}
		v, err := scalar(e.Value)
		if err != nil {
			return nil, err
		}
		all.Args = append(all.Args, &op.Expr{Op: op.ExEq, Path: e.Key, Value: v})
	}
	if len(all.Args) == 0 {
		return &op.Expr{Op: op.ExTrue}, nil
	}
	return all, nil
}

// scalar converts a decoded extended JSON value that a field can equal.
func scalar(a any) (op.Value, error) {
	switch a := a.(type) {
	case nil:
		return op.Null, nil
	case bool:
		return op.Bool(a), nil
	case int32:
		return op.Int32(a), nil
	case int64:
		return op.Int64(a), nil
	case float64:
		return op.Float64(a), nil
	case string:
		return op.Text(a), nil
	case bson.ObjectID:
		return op.Raw(op.KindObjectID, a[:]), nil
	case bson.DateTime:
		return op.Time(a.Time()), nil
	case bson.Decimal128:
		return op.Raw(op.KindDecimal, []byte(a.String())), nil
	default:
		return op.Null, op.Errorf(op.Unsupported, "filter value of type %T is not supported here; scalars are", a)
	}
}

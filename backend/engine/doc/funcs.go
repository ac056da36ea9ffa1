package doc

import (
	"github.com/dot-do/dotdo-proxy/backend/engine/doc/keyenc"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Functions implements engine.Family. SQL reads a collection with
// dotdo_id_text(_id) and dotdo_bson_json(doc).
func (*Engine) Functions(r *sqlite.Registry) {
	r.Scalar("dotdo_id_text", 1, true, func(_ *sqlite.Conn, a []op.Value) (op.Value, error) {
		if a[0].Kind != op.KindBytes {
			return op.Null, nil
		}
		v, _, ok := keyenc.Decode(a[0].Raw)
		if !ok {
			return op.Null, nil
		}
		return op.Text(idText(v)), nil
	})
	r.Scalar("dotdo_bson_json", 1, true, func(_ *sqlite.Conn, a []op.Value) (op.Value, error) {
		if a[0].Kind != op.KindBytes || bsonval.Validate(a[0].Raw) != nil {
			return op.Null, nil
		}
		text, err := bson.MarshalExtJSON(bson.Raw(a[0].Raw), false, false)
		if err != nil {
			return op.Null, op.Errorf(op.Internal, "document is not readable as JSON")
		}
		return op.Raw(op.KindText, text), nil
	})
}

// idText writes an _id as SQL shows it: bare text for strings, ObjectIds and
// numbers, extended JSON for the rest.
func idText(v bsonval.V) string {
	switch v.Type {
	case bsonval.String:
		return bsonval.Text(v)
	case bsonval.ObjectID:
		return bson.ObjectID(v.Data).Hex()
	case bsonval.Int32, bsonval.Int64, bsonval.Double, bsonval.Decimal128:
		return bsonval.Text(mustText(v))
	}
	return jsonText(v)
}

package mongo

import (
	"encoding/binary"
	"hash/crc32"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

// frame builds a message of an opcode around a body.
func frame(code wiremessage.OpCode, body []byte) []byte {
	i, b := wiremessage.AppendHeaderStart(nil, 7, 0, code)
	b = append(b, body...)
	binary.LittleEndian.PutUint32(b[i:], uint32(len(b)))
	return b
}

// raw marshals a document.
func raw(t testing.TB, v any) []byte {
	b, err := bson.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// opMsg builds an OP_MSG of kind 0.
func opMsg(t testing.TB, flags byte, v any) []byte {
	return frame(wiremessage.OpMsg, append([]byte{flags, 0, 0, 0, 0}, raw(t, v)...))
}

// TestMessages decodes good and bad messages.
func TestMessages(t *testing.T) {
	t.Parallel()
	good := opMsg(t, 0, bson.D{{Key: "ping", Value: 1}, {Key: "$db", Value: "d"}})
	sum := append(opMsg(t, 1, bson.D{{Key: "ping", Value: 1}}), 0, 0, 0, 0)
	binary.LittleEndian.PutUint32(sum, uint32(len(sum)))
	binary.LittleEndian.PutUint32(sum[len(sum)-4:], crc32.Checksum(sum[:len(sum)-4], crcTable))
	broken := append([]byte(nil), sum...)
	broken[len(broken)-1] ^= 1
	query := frame(opQuery, append(append([]byte{0, 0, 0, 0}, "admin.$cmd\x00\x00\x00\x00\x00\xff\xff\xff\xff"...), raw(t, bson.D{{Key: "isMaster", Value: 1}})...))
	for name, x := range map[string]struct {
		b    []byte
		code int32
	}{
		"plain": {good, 0}, "checksum": {sum, 0}, "bad checksum": {broken, checksumMismatch.n}, "query": {query, 0},
		"empty": {frame(wiremessage.OpMsg, nil), failedToParse.n}, "required flag": {opMsg(t, 4, bson.D{}), failedToParse.n},
		"compressed": {frame(wiremessage.OpCompressed, []byte{1, 2, 3}), notImplemented.n}, "opcode": {frame(2002, nil), unsupportedOpcode.n},
		"truncated body": {frame(wiremessage.OpMsg, []byte{0, 0, 0, 0, 0, 200, 0, 0, 0, 0}), failedToParse.n},
	} {
		_, err := parseMessage(parseHeader(x.b), x.b)
		switch {
		case x.code == 0 && err != nil:
			t.Errorf("%s: %v", name, err)
		case x.code != 0 && (err == nil || translate(err).code.n != x.code):
			t.Errorf("%s: got %v, want code %d", name, err, x.code)
		}
	}
}

// FuzzMessage feeds arbitrary messages.
func FuzzMessage(f *testing.F) {
	f.Add(opMsg(f, 0, bson.D{{Key: "ping", Value: 1}, {Key: "$db", Value: "d"}}))
	f.Add(frame(opQuery, append(append([]byte{0, 0, 0, 0}, "admin.$cmd\x00\x00\x00\x00\x00\xff\xff\xff\xff"...), raw(f, bson.D{{Key: "isMaster", Value: 1}})...)))
	seq := append([]byte{0, 0, 0, 0, 0}, raw(f, bson.D{{Key: "insert", Value: "c"}})...)
	docs := append([]byte("documents\x00"), raw(f, bson.D{{Key: "a", Value: 1}})...)
	seq = append(seq, 1, byte(len(docs)+4), 0, 0, 0)
	f.Add(frame(wiremessage.OpMsg, append(seq, docs...)))
	f.Fuzz(func(_ *testing.T, b []byte) {
		if len(b) >= headerLen {
			_, _ = parseMessage(parseHeader(b), b)
		}
	})
}

// FuzzQuery feeds arbitrary documents to every decoder of the query language.
func FuzzQuery(f *testing.F) {
	for _, d := range []any{
		bson.M{"a": bson.M{"$gt": 1, "$in": bson.A{1, "x"}}}, bson.M{"$or": bson.A{bson.M{"a": 1}, bson.M{"b": bson.M{"$not": bson.M{"$type": "string"}}}}},
		bson.M{"$set": bson.M{"a.$[x].b": 1}, "$push": bson.M{"l": bson.M{"$each": bson.A{1}, "$slice": -2}}}, bson.M{"a": bson.M{"$elemMatch": bson.M{"b": 1}}, "c": bson.M{"$slice": bson.A{1, 2}}},
		bson.M{"$group": bson.M{"_id": "$x", "n": bson.M{"$sum": bson.M{"$cond": bson.A{"$a", 1, 0}}}}}, bson.M{"$lookup": bson.M{"from": "c", "as": "d", "pipeline": bson.A{bson.M{"$match": bson.M{}}}}},
		bson.M{"key": bson.D{{Key: "a", Value: 1}}, "name": "a_1", "unique": true}, bson.M{"a": bson.M{"$regex": "^x", "$options": "i"}, "b": bson.M{"$bitsAllSet": 5}},
	} {
		f.Add(raw(f, d))
	}
	f.Fuzz(func(_ *testing.T, b []byte) {
		if bsonval.Validate(b) != nil {
			return
		}
		_, _ = parseFilter(b)
		_, _ = parseProjection(b, true)
		_, _ = parseProjection(b, false)
		_, _ = parseSort(b)
		_, _ = parsePipeline([]bsonval.V{bsonval.DocV(b)})
		_, _ = parseUpdate(bsonval.DocV(b), b, []bsonval.V{bsonval.DocV(b)})
		_, _ = parseExpr(bsonval.DocV(b))
		_, _ = parseIndex(b)
	})
}

// TestErrorCodes checks that every class of failure has a MongoDB code.
func TestErrorCodes(t *testing.T) {
	t.Parallel()
	for c := op.Internal; c <= op.DuplicateColumn; c++ {
		if codes[c].n == 0 {
			t.Errorf("op code %d has no MongoDB code", c)
		}
		if e := translate(op.Errorf(c, "x")); e.code.n == 0 || e.code.name == "" {
			t.Errorf("op code %d translates to %+v", c, e)
		}
	}
}

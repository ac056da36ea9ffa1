package mongo

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
	"go.mongodb.org/mongo-driver/v2/x/mongo/driver/wiremessage"
)

// Messages: OP_MSG (2013) with sections of kind 0 and 1 and checksum, OP_QUERY
// (2004) on $cmd for the first hello, answered by OP_REPLY. OP_COMPRESSED
// (2012) is refused: no compressor is offered. Legacy CRUD opcodes are gone
// from MongoDB too.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/

// headerLen is the length of a message header.
const headerLen = 16

// opQuery is the opcode of OP_QUERY, with which every driver says hello. The
// driver module calls its own name for it deprecated; servers must serve it.
const opQuery wiremessage.OpCode = 2004

// maxMessage is the greatest message after authentication, as in MongoDB.
const maxMessage = 48000000

// header is a message header.
type header struct {
	length    int32
	requestID int32
	opcode    wiremessage.OpCode
}

// parseHeader reads 16 bytes.
func parseHeader(b []byte) header {
	return header{length: int32(binary.LittleEndian.Uint32(b)), requestID: int32(binary.LittleEndian.Uint32(b[4:])),
		opcode: wiremessage.OpCode(binary.LittleEndian.Uint32(b[12:]))}
}

// message is one decoded request.
type message struct {
	requestID  int32
	query      bool // came as OP_QUERY: answer with OP_REPLY
	moreToCome bool // wants no reply
	body       []byte
	ns         string // OP_QUERY: full collection name
	seqs       []sequence
}

// sequence is a kind 1 section.
type sequence struct {
	name string
	docs [][]byte
}

// crcTable is CRC-32C, the checksum of OP_MSG.
var crcTable = crc32.MakeTable(crc32.Castagnoli)

// parseMessage decodes a message body (everything after the header). raw is
// the whole message, for the checksum.
func parseMessage(h header, raw []byte) (*message, error) {
	b := raw[headerLen:]
	m := &message{requestID: h.requestID}
	switch h.opcode {
	case wiremessage.OpMsg:
		return m, m.parseMsg(b, raw)
	case opQuery:
		return m, m.parseQuery(b)
	case wiremessage.OpCompressed:
		return nil, errorf(notImplemented, "OP_COMPRESSED is not supported: no compressor was negotiated")
	}
	return nil, errorf(unsupportedOpcode, "unsupported opcode %d", int32(h.opcode))
}

// parseMsg decodes OP_MSG.
func (m *message) parseMsg(b, raw []byte) error {
	if len(b) < 5 {
		return errorf(failedToParse, "OP_MSG is too short")
	}
	flags := wiremessage.MsgFlag(binary.LittleEndian.Uint32(b))
	b = b[4:]
	if flags&0xFFFF&^(wiremessage.ChecksumPresent|wiremessage.MoreToCome) != 0 {
		return errorf(failedToParse, "OP_MSG has unknown required flags")
	}
	if flags&wiremessage.ChecksumPresent != 0 {
		if len(b) < 4 {
			return errorf(failedToParse, "OP_MSG is too short for its checksum")
		}
		want := binary.LittleEndian.Uint32(b[len(b)-4:])
		if crc32.Checksum(raw[:len(raw)-4], crcTable) != want {
			return errorf(checksumMismatch, "OP_MSG checksum does not match contents")
		}
		b = b[:len(b)-4]
	}
	m.moreToCome = flags&wiremessage.MoreToCome != 0
	for len(b) > 0 {
		kind := b[0]
		b = b[1:]
		if len(b) < 5 {
			return errorf(failedToParse, "OP_MSG section is too short")
		}
		n := int64(int32(binary.LittleEndian.Uint32(b)))
		if n < 5 || n > int64(len(b)) {
			return errorf(failedToParse, "OP_MSG section has a bad length")
		}
		section := b[:n:n]
		b = b[n:]
		switch kind {
		case 0:
			if m.body != nil {
				return errorf(failedToParse, "OP_MSG has two bodies")
			}
			if bsonval.Validate(section) != nil {
				return errorf(invalidBSON, "OP_MSG body is not valid BSON")
			}
			m.body = section
		case 1:
			s, err := parseSequence(section[4:])
			if err != nil {
				return err
			}
			m.seqs = append(m.seqs, s)
		default:
			return errorf(failedToParse, "OP_MSG has a section of unknown kind %d", kind)
		}
	}
	if m.body == nil {
		return errorf(failedToParse, "OP_MSG has no body")
	}
	return nil
}

// parseSequence decodes a kind 1 section after its length.
func parseSequence(b []byte) (sequence, error) {
	i := bytes.IndexByte(b, 0)
	if i < 0 {
		return sequence{}, errorf(failedToParse, "document sequence has no name")
	}
	s := sequence{name: string(b[:i])}
	b = b[i+1:]
	for len(b) > 0 {
		if len(b) < 5 {
			return s, errorf(invalidBSON, "document sequence is damaged")
		}
		n := int64(int32(binary.LittleEndian.Uint32(b)))
		if n < 5 || n > int64(len(b)) {
			return s, errorf(invalidBSON, "document sequence is damaged")
		}
		d := b[:n:n]
		if bsonval.Validate(d) != nil {
			return s, errorf(invalidBSON, "document sequence holds invalid BSON")
		}
		s.docs = append(s.docs, d)
		b = b[n:]
	}
	return s, nil
}

// parseQuery decodes OP_QUERY; only commands are served.
func (m *message) parseQuery(b []byte) error {
	m.query = true
	if len(b) < 4 {
		return errorf(failedToParse, "OP_QUERY is too short")
	}
	b = b[4:]
	i := bytes.IndexByte(b, 0)
	if i < 0 || len(b) < i+1+8+5 {
		return errorf(failedToParse, "OP_QUERY is too short")
	}
	m.ns = string(b[:i])
	b = b[i+9:]
	n := int64(int32(binary.LittleEndian.Uint32(b)))
	if n < 5 || n > int64(len(b)) || bsonval.Validate(b[:n]) != nil {
		return errorf(invalidBSON, "OP_QUERY holds invalid BSON")
	}
	m.body = b[:n:n]
	// Some drivers wrap the command: {$query: {...}, $readPreference: ...}.
	if q := bsonval.Get(m.body, "$query"); q.Type == bsonval.Document {
		m.body = q.Data
	}
	return nil
}

// appendReply appends the answer to a message.
func appendReply(dst []byte, m *message, id int32, doc []byte) []byte {
	var i int32
	if m.query {
		i, dst = wiremessage.AppendHeaderStart(dst, id, m.requestID, wiremessage.OpReply)
		dst = wiremessage.AppendReplyFlags(dst, 8) // AwaitCapable
		dst = wiremessage.AppendReplyCursorID(dst, 0)
		dst = wiremessage.AppendReplyStartingFrom(dst, 0)
		dst = wiremessage.AppendReplyNumberReturned(dst, 1)
	} else {
		i, dst = wiremessage.AppendHeaderStart(dst, id, m.requestID, wiremessage.OpMsg)
		dst = wiremessage.AppendMsgFlags(dst, 0)
		dst = wiremessage.AppendMsgSectionType(dst, wiremessage.SingleDocument)
	}
	dst = append(dst, doc...)
	return bsoncore.UpdateLength(dst, i, int32(len(dst[i:])))
}

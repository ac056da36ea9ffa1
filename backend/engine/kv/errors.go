package kv

import (
	"io"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// errEOF ends a reply.
var errEOF = io.EOF

// Errors that many commands share.
var (
	errType       = &op.Error{Code: op.TypeMismatch, Msg: "WRONGTYPE Operation against a key holding the wrong kind of value"}
	errSyntax     = &op.Error{Code: op.Syntax, Msg: "ERR syntax error"}
	errInteger    = &op.Error{Code: op.InvalidArgument, Msg: "ERR value is not an integer or out of range"}
	errFloat      = &op.Error{Code: op.InvalidArgument, Msg: "ERR value is not a valid float"}
	errMinMax     = &op.Error{Code: op.InvalidArgument, Msg: "ERR min or max is not a float"}
	errLexRange   = &op.Error{Code: op.InvalidArgument, Msg: "ERR min or max not valid string range item"}
	errNoKey      = &op.Error{Code: op.NotFound, Msg: "ERR no such key"}
	errIndex      = &op.Error{Code: op.OutOfRange, Msg: "ERR index out of range"}
	errDB         = &op.Error{Code: op.OutOfRange, Msg: "ERR DB index is out of range"}
	errOverflow   = &op.Error{Code: op.OutOfRange, Msg: "ERR increment or decrement would overflow"}
	errNaN        = &op.Error{Code: op.OutOfRange, Msg: "ERR increment would produce NaN or Infinity"}
	errScoreNaN   = &op.Error{Code: op.OutOfRange, Msg: "ERR resulting score is not a number (NaN)"}
	errTooLong    = &op.Error{Code: op.TooLarge, Msg: "ERR string exceeds maximum allowed size (proto-max-bulk-len)"}
	errOffset     = &op.Error{Code: op.OutOfRange, Msg: "ERR offset is out of range"}
	errBitOffset  = &op.Error{Code: op.OutOfRange, Msg: "ERR bit offset is not an integer or out of range"}
	errBit        = &op.Error{Code: op.InvalidArgument, Msg: "ERR bit is not an integer or out of range"}
	errPositive   = &op.Error{Code: op.OutOfRange, Msg: "ERR value is out of range, must be positive"}
	errNumKeys    = &op.Error{Code: op.InvalidArgument, Msg: "ERR numkeys should be greater than 0"}
	errManyKeys   = &op.Error{Code: op.InvalidArgument, Msg: "ERR Number of keys can't be greater than number of args"}
	errCursor     = &op.Error{Code: op.InvalidArgument, Msg: "ERR invalid cursor"}
	errNegTimeout = &op.Error{Code: op.OutOfRange, Msg: "ERR timeout is negative"}
	errTimeout    = &op.Error{Code: op.InvalidArgument, Msg: "ERR timeout is not a float or out of range"}
	errSame       = &op.Error{Code: op.InvalidArgument, Msg: "ERR source and destination objects are the same"}
	errHashInt    = &op.Error{Code: op.InvalidArgument, Msg: "ERR hash value is not an integer"}
	errHashFloat  = &op.Error{Code: op.InvalidArgument, Msg: "ERR hash value is not a float"}
	errFull       = &op.Error{Code: op.Internal, Msg: "ERR collection has used up its element numbers"}
)

// bad builds an argument error.
func bad(format string, args ...any) error {
	return op.Errorf(op.InvalidArgument, "ERR "+format, args...)
}

// arity is the error for a wrong number of arguments.
func arity(verb string) error {
	return op.Errorf(op.InvalidArgument, "ERR wrong number of arguments for '%s' command", strings.ToLower(verb))
}

// badExpire is the error for an expiry that makes no sense.
func (c *call) badExpire() error {
	return bad("invalid expire time in '%s' command", strings.ToLower(c.verb))
}

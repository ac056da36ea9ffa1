package nats

import (
	"encoding/json"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// codes are the words that replies use for failures.
var codes = map[op.Code]string{
	op.Internal:           "internal",
	op.Unsupported:        "unsupported",
	op.Syntax:             "syntax",
	op.InvalidArgument:    "invalid_argument",
	op.OutOfRange:         "out_of_range",
	op.TypeMismatch:       "type_mismatch",
	op.NotFound:           "not_found",
	op.NoColumn:           "no_column",
	op.NoFunction:         "no_function",
	op.NoDatabase:         "no_database",
	op.AlreadyExists:      "already_exists",
	op.UniqueViolation:    "unique_violation",
	op.NotNullViolation:   "not_null_violation",
	op.ForeignKey:         "foreign_key_violation",
	op.CheckViolation:     "check_violation",
	op.Serialization:      "serialization",
	op.Deadlock:           "deadlock",
	op.LockTimeout:        "lock_timeout",
	op.CrossShard:         "cross_shard",
	op.Canceled:           "canceled",
	op.Unavailable:        "unavailable",
	op.Unauthenticated:    "unauthenticated",
	op.Forbidden:          "forbidden",
	op.TooLarge:           "too_large",
	op.NoTransaction:      "no_transaction",
	op.TransactionAborted: "transaction_aborted",
	op.DivisionByZero:     "division_by_zero",
	op.StringTooLong:      "string_too_long",
	op.DatatypeUnknown:    "datatype_unknown",
	op.Ambiguous:          "ambiguous",
	op.Dependency:         "dependency",
	op.ReadOnly:           "read_only",
	op.Cardinality:        "cardinality",
	op.Grouping:           "grouping",
	op.Undefined:          "undefined",
	op.DuplicateColumn:    "duplicate_column",
}

// errorJSON writes {error: {code, message}}.
func errorJSON(err error) []byte {
	e := op.AsError(err)
	word, ok := codes[e.Code]
	if !ok {
		word = codes[op.Internal]
	}
	type detail struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	// Two strings always marshal.
	out, _ := json.Marshal(map[string]detail{"error": {word, e.Msg}})
	return out
}

package mongo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// code is a MongoDB error code with its name.
type code struct {
	n    int32
	name string
}

// MongoDB's codes that are used here.
// https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml
var (
	internalError      = code{1, "InternalError"}
	badValue           = code{2, "BadValue"}
	failedToParse      = code{9, "FailedToParse"}
	unauthorized       = code{13, "Unauthorized"}
	typeMismatch       = code{14, "TypeMismatch"}
	overflow           = code{15, "Overflow"}
	authFailed         = code{18, "AuthenticationFailed"}
	operationFailed    = code{96, "OperationFailed"} // not 20: drivers read that as "no retryable writes"
	invalidBSON        = code{22, "InvalidBSON"}
	lockTimeout        = code{24, "LockTimeout"}
	namespaceNotFound  = code{26, "NamespaceNotFound"}
	indexNotFound      = code{27, "IndexNotFound"}
	pathNotViable      = code{28, "PathNotViable"}
	cursorNotFound     = code{43, "CursorNotFound"}
	conflictingUpdates = code{40, "ConflictingUpdateOperators"}
	namespaceExists    = code{48, "NamespaceExists"}
	maxTimeExpired     = code{50, "MaxTimeMSExpired"}
	dollarPrefixed     = code{52, "DollarPrefixedFieldName"}
	invalidIDField     = code{53, "InvalidIdField"}
	emptyFieldName     = code{56, "EmptyFieldName"}
	commandNotFound    = code{59, "CommandNotFound"}
	immutableField     = code{66, "ImmutableField"}
	cannotCreateIndex  = code{67, "CannotCreateIndex"}
	invalidOptions     = code{72, "InvalidOptions"}
	invalidNamespace   = code{73, "InvalidNamespace"}
	indexOptions       = code{85, "IndexOptionsConflict"}
	indexKeySpecs      = code{86, "IndexKeySpecsConflict"}
	shutdown           = code{91, "ShutdownInProgress"}
	unsupportedOpcode  = code{352, "UnsupportedOpQueryCommand"}
	writeConflict      = code{112, "WriteConflict"}
	notSupportedInTxn  = code{263, "OperationNotSupportedInTransaction"}
	commandNotOnView   = code{166, "CommandNotSupportedOnView"}
	invalidPipelineOp  = code{168, "InvalidPipelineOperator"}
	parallelArrays     = code{171, "CannotIndexParallelArrays"}
	validationFailure  = code{121, "DocumentValidationFailure"}
	transactionTooOld  = code{225, "TransactionTooOld"}
	notImplemented     = code{238, "NotImplemented"}
	conversionFailure  = code{241, "ConversionFailure"}
	noSuchTransaction  = code{251, "NoSuchTransaction"}
	txnCommitted       = code{256, "TransactionCommitted"}
	memoryLimit        = code{292, "QueryExceededMemoryLimitNoDiskUseAllowed"}
	checksumMismatch   = code{313, "ChecksumMismatch"}
	interrupted        = code{11601, "Interrupted"}
	objectTooLarge     = code{10334, "BSONObjectTooLarge"}
	duplicateKey       = code{11000, "DuplicateKey"}
	unknownField       = code{40415, "Location40415"}
	missingField       = code{40414, "Location40414"}
	unknownStage       = code{40324, "Location40324"}
	divideByZero       = code{2, "BadValue"}
	undefinedVariable  = code{17276, "Location17276"}
)

// cmdError is the failure of a command as MongoDB reports it.
type cmdError struct {
	code   code
	msg    string
	labels []string
	extra  []byte // further BSON elements (keyPattern, keyValue)
	fixed  bool   // labels are as they are to be
}

// Error implements error.
func (e *cmdError) Error() string { return e.msg }

// errorf builds a command error.
func errorf(c code, format string, args ...any) *cmdError {
	return &cmdError{code: c, msg: fmt.Sprintf(format, args...)}
}

// codes maps classes of failure to MongoDB's codes. Some depend on what the
// error is about: see translate.
var codes = map[op.Code]code{
	op.Internal: internalError, op.Unsupported: notImplemented, op.Syntax: failedToParse, op.InvalidArgument: badValue, op.OutOfRange: overflow,
	op.TypeMismatch: typeMismatch, op.NotFound: namespaceNotFound, op.NoColumn: badValue, op.NoFunction: invalidPipelineOp, op.NoDatabase: namespaceNotFound,
	op.AlreadyExists: namespaceExists, op.UniqueViolation: duplicateKey, op.NotNullViolation: validationFailure, op.ForeignKey: validationFailure,
	op.CheckViolation: validationFailure, op.Serialization: writeConflict, op.Deadlock: writeConflict, op.LockTimeout: writeConflict, op.CrossShard: notSupportedInTxn,
	op.Canceled: interrupted, op.Unavailable: shutdown, op.Unauthenticated: authFailed, op.Forbidden: unauthorized, op.TooLarge: objectTooLarge,
	op.NoTransaction: noSuchTransaction, op.TransactionAborted: noSuchTransaction, op.DivisionByZero: divideByZero, op.StringTooLong: validationFailure,
	op.DatatypeUnknown: badValue, op.Ambiguous: badValue, op.Dependency: operationFailed, op.ReadOnly: operationFailed, op.Cardinality: badValue,
	op.Grouping: badValue, op.Undefined: badValue, op.DuplicateColumn: badValue,
}

// objectCodes refines codes by the thing an error is about.
var objectCodes = map[op.Code]map[string]code{
	op.InvalidArgument: {"_id": invalidIDField, "namespace": invalidNamespace, "parallel": parallelArrays, "regex": {51091, "Location51091"}, "conversion": conversionFailure, "schema": failedToParse, "dollar": dollarPrefixed, "token": {280, "ChangeStreamFatalError"}, "merge": {51183, "Location51183"}, "indexOptions": invalidOptions},
	op.TypeMismatch:    {"path": pathNotViable, "update": typeMismatch},
	op.NotFound:        {"index": indexNotFound, "cursor": {175, "QueryPlanKilled"}, "history": {286, "ChangeStreamHistoryLost"}, "image": {47, "NoMatchingDocument"}},
	op.AlreadyExists:   {"indexKeySpecs": indexKeySpecs, "indexOptions": indexOptions},
	op.ReadOnly:        {"_id": immutableField},
	op.TooLarge:        {"memory": memoryLimit, "viewdepth": {165, "ViewDepthLimitExceeded"}},
	op.Unsupported:     {"view": commandNotOnView, "table": operationFailed},
	op.Serialization:   {"session": transactionTooOld},
	op.Undefined:       {"variable": undefinedVariable},
}

// translate turns any error into MongoDB's.
func translate(err error) *cmdError {
	var c *cmdError
	if errors.As(err, &c) {
		return c
	}
	e := op.AsError(err)
	n, ok := codes[e.Code]
	if !ok {
		n = internalError
	}
	if special, ok := objectCodes[e.Code][e.Object]; ok {
		n = special
	}
	out := &cmdError{code: n, msg: e.Msg}
	switch e.Code {
	case op.UniqueViolation:
		out.extra = duplicateFields(e.Columns, e.Values)
		if !strings.HasPrefix(e.Msg, "E11000") {
			out.msg = "E11000 duplicate key error: " + e.Msg
		}
	case op.CheckViolation:
		if e.Object == "validator" && len(e.Values) > 0 {
			info := newReply().add("failingDocumentId", bsonval.ToBSON(e.Values[0])).doc("details", newReply().str("reason", "the document does not meet the validator of the collection").end()).end()
			out.extra = bsoncore.AppendDocumentElement(nil, "errInfo", info)
		}
	case op.Serialization, op.Deadlock, op.LockTimeout:
		out.msg = "Caused by :: " + e.Msg + " :: Please retry your operation or multi-document transaction."
	case op.Internal:
		out.msg = "internal error: " + e.Msg
	}
	return out
}

// duplicateFields builds keyPattern and keyValue.
func duplicateFields(cols []string, vals []op.Value) []byte {
	pi, pattern := bsoncore.AppendDocumentStart(nil)
	vi, value := bsoncore.AppendDocumentStart(nil)
	for i, c := range cols {
		pattern = bsoncore.AppendInt32Element(pattern, c, 1)
		if i < len(vals) {
			value = bsonval.AppendElement(value, c, bsonval.ToBSON(vals[i]))
		}
	}
	pattern, _ = bsoncore.AppendDocumentEnd(pattern, pi)
	value, _ = bsoncore.AppendDocumentEnd(value, vi)
	return bsoncore.AppendDocumentElement(bsoncore.AppendDocumentElement(nil, "keyPattern", pattern), "keyValue", value)
}

// reply renders the failure of a command.
func (e *cmdError) reply() []byte {
	i, b := bsoncore.AppendDocumentStart(nil)
	b = bsoncore.AppendDoubleElement(b, "ok", 0)
	b = bsoncore.AppendStringElement(b, "errmsg", strings.ToValidUTF8(e.msg, "\uFFFD"))
	b = bsoncore.AppendInt32Element(b, "code", e.code.n)
	b = bsoncore.AppendStringElement(b, "codeName", e.code.name)
	b = append(b, e.extra...)
	if len(e.labels) > 0 {
		var list []bsonval.V
		for _, l := range e.labels {
			list = append(list, bsonval.StringV(l))
		}
		b = bsonval.AppendElement(b, "errorLabels", bsonval.ArrayV(list))
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return b
}

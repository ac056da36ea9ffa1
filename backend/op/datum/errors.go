package datum

import (
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Object names on errors of this package: they tell front-ends whose native
// codes are finer than op.Code which kind of text was bad.
const (
	ObjectText = "text" // no value of the type at all
	// ObjectTruncated is text that starts with a value of the type and goes on.
	ObjectTruncated = "truncated"
	ObjectDatetime  = "datetime" // malformed or impossible date or time
)

// errSyntax says that text is no value of the type.
func errSyntax(typ, text string) *op.Error {
	e := op.Errorf(op.InvalidArgument, "invalid input syntax for type %s: \"%s\"", typ, text)
	e.Object = ObjectText
	return e
}

// errRange says that an integer does not fit its type.
func errRange(typ, text string) *op.Error {
	return op.Errorf(op.OutOfRange, "value \"%s\" is out of range for type %s", text, typ)
}

// errDatetime says that text is no date or time.
func errDatetime(typ, text string) *op.Error {
	e := errSyntax(typ, text)
	e.Object = ObjectDatetime
	return e
}

// errField says that a field of a date or time is impossible (month 13).
func errField(text string) *op.Error {
	e := op.Errorf(op.OutOfRange, "date/time field value out of range: \"%s\"", text)
	e.Object = ObjectDatetime
	return e
}

// errDateRange says that a date or timestamp is beyond its type.
func errDateRange(typ, text string) *op.Error {
	e := op.Errorf(op.OutOfRange, "%s out of range: \"%s\"", typ, text)
	e.Object = ObjectDatetime
	return e
}

// baseNames are PostgreSQL's names of the base types (format_type).
var baseNames = [...]string{
	op.TUnknown: "unknown", op.TBoolean: "boolean", op.TInt1: "smallint", op.TInt2: "smallint",
	op.TInt3: "integer", op.TInt4: "integer", op.TInt8: "bigint", op.TFloat4: "real",
	op.TFloat8: "double precision", op.TNumeric: "numeric", op.TString: "text",
	op.TVarchar: "character varying", op.TChar: "character", op.TBytea: "bytea", op.TDate: "date",
	op.TTime: "time without time zone", op.TTimeTZ: "time with time zone",
	op.TTimestamp: "timestamp without time zone", op.TTimestampTZ: "timestamp with time zone",
	op.TInterval: "interval", op.TUUID: "uuid", op.TJSON: "json", op.TJSONB: "jsonb", op.TOID: "oid",
	op.TName: "name", op.TCharByte: "\"char\"", op.TRegClass: "regclass", op.TRegType: "regtype",
	op.TRegProc: "regproc", op.TRegNS: "regnamespace", op.TVoid: "void", op.TRecord: "record",
	op.TYear: "integer", op.TEnum: "text", op.TSetOf: "text", op.TBit: "bit", op.TInet: "inet",
	op.TXID: "xid", op.TInt2Vector: "int2vector", op.TOIDVector: "oidvector",
}

// TypeName returns PostgreSQL's name of a type with its modifiers:
// "character varying(10)", "numeric(10,2)", "timestamp(3) with time zone",
// "integer[]".
func TypeName(t op.Type) string {
	name := "unknown"
	if int(t.Base) < len(baseNames) {
		name = baseNames[t.Base]
	}
	if t.Size > 0 {
		size := strconv.Itoa(int(t.Size))
		switch t.Base {
		case op.TVarchar, op.TChar, op.TBit:
			name += "(" + size + ")"
		case op.TNumeric:
			name += "(" + size + "," + strconv.Itoa(int(t.Scale)) + ")"
		case op.TTime, op.TTimeTZ, op.TTimestamp, op.TTimestampTZ:
			head, tail := splitWord(name)
			name = head + "(" + strconv.Itoa(int(t.Size-1)) + ")" + tail
		case op.TInterval:
			name += "(" + strconv.Itoa(int(t.Size-1)) + ")"
		}
	}
	if t.Array {
		name += "[]"
	}
	return name
}

// splitWord cuts a name after its first word.
func splitWord(s string) (head, tail string) {
	for i := range s {
		if s[i] == ' ' {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

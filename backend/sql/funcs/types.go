// Package funcs holds what SQL expressions mean: the tables of functions,
// operators and aggregates of each dialect (postgres_*.go, mysql_*.go; see
// table.go for their format), the Go functions that are registered with SQLite
// under names starting with dotdo_, and the conversion of every type between
// its text form and its storage form. It knows nothing of syntax or catalogs.
package funcs

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// baseNames maps each base type to the name PostgreSQL prints.
var baseNames = map[op.Base]string{
	op.TUnknown: "unknown", op.TBoolean: "boolean", op.TInt1: "tinyint", op.TInt2: "smallint", op.TInt3: "mediumint",
	op.TInt4: "integer", op.TInt8: "bigint", op.TFloat4: "real", op.TFloat8: "double precision", op.TNumeric: "numeric",
	op.TString: "text", op.TVarchar: "character varying", op.TChar: "character", op.TBytea: "bytea", op.TDate: "date",
	op.TTime: "time without time zone", op.TTimeTZ: "time with time zone", op.TTimestamp: "timestamp without time zone",
	op.TTimestampTZ: "timestamp with time zone", op.TInterval: "interval", op.TUUID: "uuid", op.TJSON: "json",
	op.TJSONB: "jsonb", op.TOID: "oid", op.TName: "name", op.TCharByte: "\"char\"", op.TRegClass: "regclass",
	op.TRegType: "regtype", op.TRegProc: "regproc", op.TRegNS: "regnamespace", op.TVoid: "void", op.TRecord: "record",
	op.TYear: "year", op.TEnum: "enum", op.TSetOf: "set", op.TBit: "bit", op.TInet: "inet", op.TXID: "xid",
	op.TInt2Vector: "int2vector", op.TOIDVector: "oidvector",
}

// typeNames maps every accepted spelling to a base type.
var typeNames = map[string]op.Base{
	"unknown": op.TUnknown, "boolean": op.TBoolean, "bool": op.TBoolean, "tinyint": op.TInt1, "int1": op.TInt1,
	"smallint": op.TInt2, "int2": op.TInt2, "smallserial": op.TInt2, "mediumint": op.TInt3, "integer": op.TInt4, "int": op.TInt4, "int4": op.TInt4,
	"serial": op.TInt4, "bigint": op.TInt8, "int8": op.TInt8, "bigserial": op.TInt8, "real": op.TFloat4, "float4": op.TFloat4,
	"float": op.TFloat8, "double": op.TFloat8, "double precision": op.TFloat8, "float8": op.TFloat8, "numeric": op.TNumeric, "decimal": op.TNumeric, "dec": op.TNumeric,
	"text": op.TString, "varchar": op.TVarchar, "character varying": op.TVarchar, "char": op.TChar, "character": op.TChar, "bpchar": op.TChar,
	"bytea": op.TBytea, "blob": op.TBytea, "binary": op.TBytea, "varbinary": op.TBytea, "date": op.TDate, "time": op.TTime, "timetz": op.TTimeTZ,
	"time without time zone": op.TTime, "time with time zone": op.TTimeTZ, "timestamp": op.TTimestamp, "datetime": op.TTimestamp,
	"timestamp without time zone": op.TTimestamp, "timestamptz": op.TTimestampTZ, "timestamp with time zone": op.TTimestampTZ,
	"interval": op.TInterval, "uuid": op.TUUID, "json": op.TJSON, "jsonb": op.TJSONB, "oid": op.TOID, "name": op.TName,
	"\"char\"": op.TCharByte, "regclass": op.TRegClass, "regtype": op.TRegType, "regproc": op.TRegProc, "regprocedure": op.TRegProc, "regnamespace": op.TRegNS, "regrole": op.TOID,
	"void": op.TVoid, "record": op.TRecord, "year": op.TYear, "bit": op.TBit, "varbit": op.TBit, "inet": op.TInet, "cidr": op.TInet,
	"xid": op.TXID, "cid": op.TXID, "int2vector": op.TInt2Vector, "oidvector": op.TOIDVector,
}

// TypeByName resolves a type name, "[]" suffixes included.
func TypeByName(s string) (op.Type, bool) {
	s = strings.ToLower(strings.TrimSpace(s))
	var t op.Type
	for strings.HasSuffix(s, "[]") {
		t.Array, s = true, s[:len(s)-2]
	}
	if i := strings.IndexByte(s, '('); i > 0 && strings.HasSuffix(s, ")") {
		mods := strings.Split(s[i+1:len(s)-1], ",")
		n, _ := strconv.Atoi(strings.TrimSpace(mods[0]))
		t.Size = int32(n)
		if len(mods) > 1 {
			n, _ = strconv.Atoi(strings.TrimSpace(mods[1]))
			t.Scale = int32(n)
		}
		s = strings.TrimSpace(s[:i])
	}
	b, ok := typeNames[s]
	t.Base = b
	return t, ok
}

// TypeName returns the name PostgreSQL prints for a type, with modifiers.
func TypeName(t op.Type) string {
	s := baseNames[t.Base]
	if t.Size > 0 {
		n := strconv.Itoa(int(t.Size))
		switch t.Base {
		case op.TNumeric:
			s += "(" + n + "," + strconv.Itoa(int(t.Scale)) + ")"
		case op.TVarchar, op.TChar, op.TBit:
			s += "(" + n + ")"
		}
	}
	if t.Array {
		s += "[]"
	}
	return s
}

// BareName is TypeName without modifiers.
func BareName(t op.Type) string {
	t.Size, t.Scale = 0, 0
	return TypeName(t)
}

// TypeCode packs a type without modifiers into the integer that dotdo_cast and
// its kin take.
func TypeCode(t op.Type) int64 {
	n := int64(t.Base)
	if t.Array {
		n |= 1 << 8
	}
	if t.Unsigned {
		n |= 1 << 9
	}
	switch t.Base {
	case op.TTime, op.TTimestamp, op.TTimestampTZ: // text of MySQL's types shows the declared fraction
		n |= int64(t.Size&7) << 12
	}
	return n
}

// TypeOf unpacks TypeCode.
func TypeOf(code, size, scale int64) op.Type {
	if size == 0 {
		size = code >> 12 & 7
	}
	return op.Type{Base: op.Base(code & 0xff), Array: code&(1<<8) != 0, Unsigned: code&(1<<9) != 0, Size: int32(size), Scale: int32(scale)}
}

// IsInt tells whether t is an integer type.
func IsInt(t op.Type) bool {
	if t.Array {
		return false
	}
	switch t.Base {
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TYear:
		return true
	}
	return false
}

// IsFloat tells whether t is a binary floating type.
func IsFloat(t op.Type) bool { return !t.Array && (t.Base == op.TFloat4 || t.Base == op.TFloat8) }

// IsNumber tells whether t is an integer, decimal or float.
func IsNumber(t op.Type) bool {
	return IsInt(t) || IsFloat(t) || (!t.Array && t.Base == op.TNumeric)
}

// IsText tells whether t is a character type.
func IsText(t op.Type) bool {
	if t.Array {
		return false
	}
	switch t.Base {
	case op.TString, op.TVarchar, op.TChar, op.TName, op.TCharByte, op.TEnum, op.TSetOf:
		return true
	}
	return false
}

// IsOID tells whether t is oid or one of its aliases.
func IsOID(t op.Type) bool {
	if t.Array {
		return false
	}
	switch t.Base {
	case op.TOID, op.TRegClass, op.TRegType, op.TRegProc, op.TRegNS, op.TXID:
		return true
	}
	return false
}

// IntRange returns the bounds of an integer type.
func IntRange(t op.Type) (lo, hi int64) {
	bits := map[op.Base]uint{op.TInt1: 8, op.TInt2: 16, op.TInt3: 24, op.TInt4: 32, op.TYear: 16}[t.Base]
	if bits == 0 {
		return -1 << 63, 1<<63 - 1
	}
	if t.Unsigned {
		return 0, 1<<bits - 1
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

package system

import (
	"strconv"
	"strings"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// baseOIDs are PostgreSQL's type identifiers of neutral types.
var baseOIDs = map[op.Base]uint32{
	op.TUnknown: 705, op.TBoolean: 16, op.TInt1: 21, op.TInt2: 21, op.TInt3: 23, op.TInt4: 23, op.TInt8: 20,
	op.TFloat4: 700, op.TFloat8: 701, op.TNumeric: 1700, op.TString: 25, op.TVarchar: 1043, op.TChar: 1042,
	op.TBytea: 17, op.TDate: 1082, op.TTime: 1083, op.TTimeTZ: 1266, op.TTimestamp: 1114, op.TTimestampTZ: 1184,
	op.TInterval: 1186, op.TUUID: 2950, op.TJSON: 114, op.TJSONB: 3802, op.TOID: 26, op.TName: 19, op.TCharByte: 18,
	op.TRegClass: 2205, op.TRegType: 2206, op.TRegProc: 24, op.TRegNS: 4089, op.TVoid: 2278, op.TRecord: 2249,
	op.TYear: 21, op.TEnum: 25, op.TSetOf: 25, op.TBit: 1560, op.TInet: 869, op.TXID: 28, op.TInt2Vector: 22, op.TOIDVector: 30,
}

// typeRow is a line of the types file.
type typeRow struct {
	oid, elem, array uint32
	name, category   string
	kind             string
}

// typeTable indexes the types file.
var typeTable = sync.OnceValues(func() (map[uint32]typeRow, map[string]typeRow) {
	byOID, byName := map[uint32]typeRow{}, map[string]typeRow{}
	for _, l := range table("types") {
		t := typeRow{oid: num(l[0]), elem: num(l[10]), array: num(l[11]), name: l[1], category: l[5], kind: l[4]}
		byOID[t.oid], byName[t.name] = t, t
	}
	return byOID, byName
})

// num reads an identifier.
func num(s string) uint32 {
	n, _ := strconv.ParseUint(s, 10, 32)
	return uint32(n)
}

// TypeOID returns PostgreSQL's identifier of a type.
func TypeOID(t op.Type) uint32 {
	if t.OID != 0 {
		if t.Array {
			return t.OID + 1
		}
		return t.OID
	}
	o := baseOIDs[t.Base]
	if t.Unsigned {
		switch t.Base {
		case op.TInt2:
			o = 23
		case op.TInt4:
			o = 20
		case op.TInt8:
			o = 1700
		}
	}
	if t.Array {
		byOID, _ := typeTable()
		o = byOID[o].array
	}
	return o
}

// TypeOf returns the neutral type of a PostgreSQL type; types the server does
// not have are text.
func TypeOf(oid uint32) op.Type {
	byOID, _ := typeTable()
	if r := byOID[oid]; r.category == "A" && r.elem != 0 && r.name != "int2vector" && r.name != "oidvector" {
		t := TypeOf(r.elem)
		t.Array = true
		return t
	}
	switch oid {
	case 23:
		return op.Type{Base: op.TInt4}
	case 21:
		return op.Type{Base: op.TInt2}
	case 25:
		return op.Type{Base: op.TString}
	}
	for b, o := range baseOIDs {
		if o == oid {
			return op.Type{Base: b}
		}
	}
	return op.Type{Base: op.TString}
}

// Typmod returns PostgreSQL's type modifier, -1 for none.
func Typmod(t op.Type) int32 {
	if t.Size <= 0 {
		return -1
	}
	switch t.Base {
	case op.TVarchar, op.TChar:
		return t.Size + 4
	case op.TNumeric:
		return t.Size<<16 | t.Scale&0x7ff + 4
	case op.TBit:
		return t.Size
	case op.TTime, op.TTimeTZ, op.TTimestamp, op.TTimestampTZ:
		return t.Size - 1
	}
	return -1
}

// displayNames are format_type's names where they differ from pg_type's.
var displayNames = map[string]string{
	"bool": "boolean", "int2": "smallint", "int4": "integer", "int8": "bigint", "float4": "real", "float8": "double precision",
	"varchar": "character varying", "bpchar": "character", "char": `"char"`, "timestamp": "timestamp without time zone",
	"timestamptz": "timestamp with time zone", "time": "time without time zone", "timetz": "time with time zone", "varbit": "bit varying",
}

// FormatType is PostgreSQL's format_type; mod below zero means none.
func FormatType(oid uint32, mod int32) string {
	byOID, _ := typeTable()
	t, ok := byOID[oid]
	if !ok {
		if oid == 0 {
			return "-"
		}
		return "???"
	}
	if t.category == "A" && t.elem != 0 && t.name[0] == '_' {
		return FormatType(t.elem, mod) + "[]"
	}
	s := t.name
	if d := displayNames[s]; d != "" {
		s = d
	}
	if mod < 0 {
		if s == "character" && mod == -1 {
			return "bpchar"
		}
		return s
	}
	switch t.name {
	case "varchar", "bpchar":
		return s + "(" + strconv.Itoa(int(mod-4)) + ")"
	case "numeric":
		m := mod - 4
		scale := m & 0x7ff
		if scale > 1000 {
			scale -= 2048
		}
		return s + "(" + strconv.Itoa(int(m>>16)) + "," + strconv.Itoa(int(scale)) + ")"
	case "bit", "varbit":
		return s + "(" + strconv.Itoa(int(mod)) + ")"
	case "timestamp", "timestamptz", "time", "timetz":
		a, b, _ := strings.Cut(s, " ")
		return a + "(" + strconv.Itoa(int(mod)) + ") " + b
	}
	return s
}

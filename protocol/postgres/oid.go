package postgres

import "github.com/dot-do/dotdo-proxy/backend/op"

// pgType is how PostgreSQL names one base type on the wire.
type pgType struct {
	oid, array uint32
	size       int16 // typlen; -1 variable, -2 zero-terminated
}

// pgTypes is the table of base types. Types PostgreSQL does not have are sent
// as the nearest wider one (see wireType).
var pgTypes = [...]pgType{
	op.TUnknown:     {25, 1009, -1}, // an untyped output column is text
	op.TBoolean:     {16, 1000, 1},
	op.TInt1:        {21, 1005, 2},
	op.TInt2:        {21, 1005, 2},
	op.TInt3:        {23, 1007, 4},
	op.TInt4:        {23, 1007, 4},
	op.TInt8:        {20, 1016, 8},
	op.TFloat4:      {700, 1021, 4},
	op.TFloat8:      {701, 1022, 8},
	op.TNumeric:     {1700, 1231, -1},
	op.TString:      {25, 1009, -1},
	op.TVarchar:     {1043, 1015, -1},
	op.TChar:        {1042, 1014, -1},
	op.TBytea:       {17, 1001, -1},
	op.TDate:        {1082, 1182, 4},
	op.TTime:        {1083, 1183, 8},
	op.TTimeTZ:      {1266, 1270, 12},
	op.TTimestamp:   {1114, 1115, 8},
	op.TTimestampTZ: {1184, 1185, 8},
	op.TInterval:    {1186, 1187, 16},
	op.TUUID:        {2950, 2951, 16},
	op.TJSON:        {114, 199, -1},
	op.TJSONB:       {3802, 3807, -1},
	op.TOID:         {26, 1028, 4},
	op.TName:        {19, 1003, 64},
	op.TCharByte:    {18, 1002, 1},
	op.TRegClass:    {2205, 2210, 4},
	op.TRegType:     {2206, 2211, 4},
	op.TRegProc:     {24, 1008, 4},
	op.TRegNS:       {4089, 4090, 4},
	op.TVoid:        {2278, 2278, 4},
	op.TRecord:      {2249, 2287, -1},
	op.TYear:        {23, 1007, 4},
	op.TEnum:        {25, 1009, -1},
	op.TSetOf:       {25, 1009, -1},
	op.TBit:         {1562, 1563, -1},
	op.TInet:        {869, 1041, -1},
	op.TXID:         {28, 1011, 4},
	op.TInt2Vector:  {22, 1006, -1},
	op.TOIDVector:   {30, 1013, -1},
}

// byOID finds the type of a parameter OID.
var byOID = oidTable()

// oidTable inverts pgTypes. Several bases share an OID; the native one wins.
func oidTable() map[uint32]op.Type {
	m := map[uint32]op.Type{}
	for b, p := range pgTypes {
		switch op.Base(b) {
		case op.TUnknown, op.TInt1, op.TInt3, op.TYear, op.TEnum, op.TSetOf:
			continue
		}
		m[p.array] = op.Type{Base: op.Base(b), Array: true}
		m[p.oid] = op.Type{Base: op.Base(b)}
	}
	m[650] = op.Type{Base: op.TInet}              // cidr
	m[1560] = op.Type{Base: op.TBit}              // bit
	m[1561] = op.Type{Base: op.TBit, Array: true} // bit[]
	m[651] = op.Type{Base: op.TInet, Array: true} // cidr[]
	return m
}

// typeOfOID returns the type of a parameter OID; unknown ones are inferred.
func typeOfOID(oid uint32) op.Type { return byOID[oid] }

// wireType returns the type a value of t is sent as: unsigned integers and
// MySQL's sizes become the next PostgreSQL type that holds them.
func wireType(t op.Type) op.Type {
	switch t.Base {
	case op.TInt1:
		t.Base = op.TInt2
	case op.TInt2:
		if t.Unsigned {
			t.Base = op.TInt4
		}
	case op.TInt3, op.TYear:
		t.Base = op.TInt4
	case op.TInt4:
		if t.Unsigned {
			t.Base = op.TInt8
			t.Unsigned = false
			return t
		}
	case op.TInt8:
		if t.Unsigned {
			return op.Type{Base: op.TNumeric, Array: t.Array, Unsigned: true}
		}
	case op.TUnknown, op.TEnum, op.TSetOf:
		t.Base, t.OID = op.TString, 0
	}
	if t.Base != op.TNumeric {
		t.Unsigned = false
	}
	return t
}

// oidOf returns the OID, length and modifier of a type.
func oidOf(t op.Type) (oid uint32, size int16, mod int32) {
	if t.OID != 0 {
		if t.Array {
			return t.OID + 1, -1, -1
		}
		return t.OID, 4, -1
	}
	t = wireType(t)
	if int(t.Base) >= len(pgTypes) {
		t.Base = op.TString
	}
	p := pgTypes[t.Base]
	oid, size, mod = p.oid, p.size, -1
	if t.Array {
		oid, size = p.array, -1
	}
	if t.Size > 0 {
		switch t.Base {
		case op.TVarchar, op.TChar:
			mod = t.Size + 4
		case op.TNumeric:
			mod = (t.Size<<16 | t.Scale&0x7ff) + 4
		case op.TBit:
			mod = t.Size
		case op.TTime, op.TTimeTZ, op.TTimestamp, op.TTimestampTZ:
			mod = t.Size - 1
		}
	}
	return oid, size, mod
}

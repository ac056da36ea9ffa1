package op

// Base is a SQL type without its modifiers, neutral between dialects.
// Numbers are pinned: the catalog stores them.
type Base uint8

// SQL base types, with the SQLite storage form of each (decided once, for all
// dialects; backend/sql/DESIGN.md gives the reasons). Every form sorts in its
// type's own order under the collation named here.
const (
	TUnknown     Base = 0  // an untyped literal or parameter
	TBoolean     Base = 1  // INTEGER 0 or 1
	TInt1        Base = 2  // INTEGER (MySQL TINYINT)
	TInt2        Base = 3  // INTEGER
	TInt3        Base = 4  // INTEGER (MySQL MEDIUMINT)
	TInt4        Base = 5  // INTEGER
	TInt8        Base = 6  // INTEGER; unsigned above 2^63-1: TEXT of 20 digits, zero padded
	TFloat4      Base = 7  // REAL, rounded to float32; NaN is TEXT 'NaN' (SQLite has no NaN)
	TFloat8      Base = 8  // REAL; NaN as above
	TNumeric     Base = 9  // TEXT decimal digits with the value's own scale, COLLATE decimal; 'NaN', 'Infinity', '-Infinity'
	TString      Base = 10 // TEXT (text)
	TVarchar     Base = 11 // TEXT; Size = max characters, 0 = none
	TChar        Base = 12 // TEXT, blank padded; Size = characters
	TBytea       Base = 13 // BLOB; MySQL (VAR)BINARY has Size > 0
	TDate        Base = 14 // INTEGER days since 1970-01-01; infinity = max int64, -infinity = min int64, MySQL zero date = min+1
	TTime        Base = 15 // INTEGER microseconds since midnight; Size = fraction digits + 1, 0 = default
	TTimeTZ      Base = 16 // TEXT hh:mm:ss[.f]+zz:zz
	TTimestamp   Base = 17 // INTEGER microseconds since 1970-01-01 00:00:00; infinities and zero date as Date
	TTimestampTZ Base = 18 // INTEGER microseconds since 1970-01-01 UTC; likewise
	TInterval    Base = 19 // TEXT ISO 8601 (P1Y2M3DT4H5M6.7S), COLLATE interval
	TUUID        Base = 20 // TEXT, 36 lower-case characters
	TJSON        Base = 21 // TEXT as given
	TJSONB       Base = 22 // TEXT, normal form: keys sorted by length then bytes, no duplicates, ", " and ": "
	TOID         Base = 23 // INTEGER
	TName        Base = 24 // TEXT
	TCharByte    Base = 25 // TEXT of one byte (PostgreSQL's "char")
	TRegClass    Base = 26 // INTEGER oid
	TRegType     Base = 27 // INTEGER oid
	TRegProc     Base = 28 // INTEGER oid
	TRegNS       Base = 29 // INTEGER oid
	TVoid        Base = 30 // NULL
	TRecord      Base = 31 // TEXT, JSON array of storage forms
	TYear        Base = 32 // INTEGER (MySQL)
	TEnum        Base = 33 // TEXT label; order by a collation of its type
	TSetOf       Base = 34 // TEXT labels joined by comma (MySQL SET)
	TBit         Base = 35 // TEXT of 0 and 1
	TInet        Base = 36 // TEXT
	TXID         Base = 37 // INTEGER
	TInt2Vector  Base = 38 // TEXT, JSON array
	TOIDVector   Base = 39 // TEXT, JSON array
)

// Type is a SQL type. It is comparable. An array of any base is stored as a
// TEXT JSON array of its elements' storage forms.
type Type struct {
	Base     Base
	Array    bool
	Unsigned bool   // MySQL integers and decimals
	Size     int32  // characters, bytes, bits or precision; 0 = not given
	Scale    int32  // numeric scale, meaningful when Size > 0 and Base is Numeric
	OID      uint32 // PostgreSQL enum type of the catalog; its array type is OID+1; 0 = none
}

// Column describes one output column.
type Column struct {
	Name     string
	Type     Type
	Table    string // source table as the client names it, "" if computed
	TableOID uint32 // 0 if computed
	Attr     int16  // attribute number in the source table, 0 if computed
	Schema   string
	Origin   string // source column's own name, "" if computed
	NotNull  bool
	Primary  bool
	Unique   bool
	AutoInc  bool
	CI       bool // text compares case-insensitively (MySQL collations)
}

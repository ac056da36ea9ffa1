package mysql

import (
	"strings"

	tidb "github.com/pingcap/tidb/pkg/parser/mysql"
	"github.com/pingcap/tidb/pkg/parser/types"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// bases names the neutral type of each MySQL column type whose character set
// does not matter.
var bases = map[byte]op.Base{
	tidb.TypeTiny: op.TInt1, tidb.TypeShort: op.TInt2, tidb.TypeInt24: op.TInt3, tidb.TypeLong: op.TInt4,
	tidb.TypeLonglong: op.TInt8, tidb.TypeFloat: op.TFloat4, tidb.TypeDouble: op.TFloat8,
	tidb.TypeNewDecimal: op.TNumeric, tidb.TypeDate: op.TDate, tidb.TypeNewDate: op.TDate,
	tidb.TypeDuration: op.TTime, tidb.TypeDatetime: op.TTimestamp, tidb.TypeTimestamp: op.TTimestampTZ,
	tidb.TypeYear: op.TYear, tidb.TypeEnum: op.TEnum, tidb.TypeSet: op.TSetOf, tidb.TypeBit: op.TBit,
	tidb.TypeJSON: op.TJSONB,
}

// typeName translates a column type. Name is MySQL's own spelling of the whole
// type ("int unsigned", "varchar(20)"), as SHOW COLUMNS prints it; Resolved is
// the neutral type. DATETIME without digits keeps whole seconds, so its Size
// is 1 (digits + 1).
func typeName(ft *types.FieldType) (tree.TypeName, error) {
	t := tree.TypeName{Name: typeText(ft), Collate: ft.GetCollate(), Labels: ft.GetElems()}
	r := &t.Resolved
	switch tp := ft.GetType(); tp {
	case tidb.TypeVarchar, tidb.TypeVarString, tidb.TypeString,
		tidb.TypeTinyBlob, tidb.TypeBlob, tidb.TypeMediumBlob, tidb.TypeLongBlob:
		stringType(ft, r)
	default:
		b, ok := bases[tp]
		if !ok {
			return t, refuse("type %s", strings.ToLower(ft.CompactStr()))
		}
		r.Base = b
	}
	switch r.Base {
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8, op.TFloat4, op.TFloat8:
		r.Unsigned = isUnsigned(ft.GetFlag())
		if r.Base == op.TInt1 && ft.GetFlen() == 1 {
			r.Size = 1
		}
	case op.TNumeric:
		r.Unsigned = isUnsigned(ft.GetFlag())
		r.Size, r.Scale = 10, 0
		if ft.GetFlen() > 0 {
			r.Size = int32(ft.GetFlen())
		}
		if ft.GetDecimal() > 0 {
			r.Scale = int32(ft.GetDecimal())
		}
	case op.TTime, op.TTimestamp, op.TTimestampTZ:
		r.Size = int32(max(ft.GetDecimal(), 0)) + 1
	case op.TBit:
		r.Size = int32(max(ft.GetFlen(), 1))
	}
	return t, nil
}

// stringType resolves CHAR, VARCHAR, TEXT and their binary twins.
func stringType(ft *types.FieldType, r *op.Type) {
	binary := ft.GetCharset() == "binary"
	size := int32(max(ft.GetFlen(), 0))
	switch ft.GetType() {
	case tidb.TypeVarchar, tidb.TypeVarString:
		*r = op.Type{Base: op.TVarchar, Size: size}
	case tidb.TypeString:
		*r = op.Type{Base: op.TChar, Size: max(size, 1)}
	default:
		*r = op.Type{Base: op.TString}
		if binary {
			*r = op.Type{Base: op.TBytea}
		}
		return
	}
	if binary {
		r.Base = op.TBytea
	}
}

// typeText spells a column type as MySQL 8 does.
func typeText(ft *types.FieldType) string {
	s := ft.CompactStr()
	switch ft.GetType() {
	case tidb.TypeEnum, tidb.TypeSet:
		head, tail, _ := strings.Cut(s, "(")
		return strings.ToLower(head) + "(" + tail
	case tidb.TypeShort, tidb.TypeInt24, tidb.TypeLong, tidb.TypeLonglong, tidb.TypeYear:
		s, _, _ = strings.Cut(s, "(")
	case tidb.TypeTiny:
		if ft.GetFlen() != 1 {
			s, _, _ = strings.Cut(s, "(")
		}
	}
	s = strings.ToLower(s)
	if isUnsigned(ft.GetFlag()) && ft.GetType() != tidb.TypeBit && ft.GetType() != tidb.TypeYear {
		s += " unsigned"
	}
	if tidb.HasZerofillFlag(ft.GetFlag()) {
		s += " zerofill"
	}
	return s
}

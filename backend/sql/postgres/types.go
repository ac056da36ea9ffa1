package postgres

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// baseTypes maps PostgreSQL's type names, aliases included, to neutral bases.
var baseTypes = map[string]op.Base{
	"bool": op.TBoolean, "boolean": op.TBoolean,
	"int2": op.TInt2, "smallint": op.TInt2,
	"int4": op.TInt4, "int": op.TInt4, "integer": op.TInt4,
	"int8": op.TInt8, "bigint": op.TInt8,
	"float4": op.TFloat4, "real": op.TFloat4,
	"float8": op.TFloat8, "double precision": op.TFloat8,
	"numeric": op.TNumeric, "decimal": op.TNumeric,
	"text": op.TString, "varchar": op.TVarchar, "character varying": op.TVarchar,
	"bpchar": op.TChar, "character": op.TChar,
	"bytea": op.TBytea, "date": op.TDate, "time": op.TTime,
	"time without time zone": op.TTime,
	"timetz":                 op.TTimeTZ, "time with time zone": op.TTimeTZ,
	"timestamp": op.TTimestamp, "timestamp without time zone": op.TTimestamp,
	"timestamptz": op.TTimestampTZ, "timestamp with time zone": op.TTimestampTZ,
	"interval": op.TInterval, "uuid": op.TUUID, "json": op.TJSON, "jsonb": op.TJSONB,
	"oid": op.TOID, "name": op.TName, "char": op.TCharByte,
	"regclass": op.TRegClass, "regtype": op.TRegType, "regproc": op.TRegProc,
	"regprocedure": op.TRegProc, "regnamespace": op.TRegNS,
	"void": op.TVoid, "record": op.TRecord, "unknown": op.TUnknown,
	"bit": op.TBit, "varbit": op.TBit, "bit varying": op.TBit,
	"inet": op.TInet, "cidr": op.TInet,
	"xid": op.TXID, "cid": op.TXID, "int2vector": op.TInt2Vector, "oidvector": op.TOIDVector,
}

// serialTypes are the pseudo types that make an integer column with a sequence.
var serialTypes = map[string]string{
	"serial": "int4", "serial4": "int4", "bigserial": "int8", "serial8": "int8",
	"smallserial": "int2", "serial2": "int2",
}

// LookupType resolves a canonical or alias type name without modifiers.
func LookupType(name string) (op.Type, bool) {
	if len(name) > 2 && name[len(name)-2:] == "[]" {
		t, ok := LookupType(name[:len(name)-2])
		t.Array = true
		return t, ok
	}
	if len(name) > 1 && name[0] == '_' {
		if b, ok := baseTypes[name[1:]]; ok {
			return op.Type{Base: b, Array: true}, true
		}
	}
	b, ok := baseTypes[name]
	return op.Type{Base: b}, ok
}

// typeName converts a type as written. Unknown names stay unresolved: the
// binder reports them.
func (c *conv) typeName(t *pg.TypeName) tree.TypeName {
	if t == nil {
		return tree.TypeName{}
	}
	names := strList(t.Names)
	if len(names) == 0 {
		c.unsupported(t.Location, "this type form")
		return tree.TypeName{}
	}
	if t.PctType || t.Setof {
		c.unsupported(t.Location, "%TYPE and SETOF")
		return tree.TypeName{}
	}
	r := tree.TypeName{Name: names[len(names)-1], Array: len(t.ArrayBounds) > 0}
	if len(names) > 1 && names[len(names)-2] != "pg_catalog" {
		r.Schema = names[len(names)-2]
		return r
	}
	for _, m := range t.Typmods {
		i, ok := intConst(m)
		if !ok {
			c.fail(op.InvalidArgument, t.Location, "type modifiers must be simple constants or identifiers")
			return r
		}
		r.Mods = append(r.Mods, int32(i))
	}
	rt, ok := LookupType(r.Name)
	if !ok {
		return r
	}
	rt.Array = rt.Array || r.Array
	r.Array = rt.Array
	c.applyMods(&r, &rt, t.Location)
	r.Resolved = rt
	return r
}

// applyMods checks the modifiers of a known type and stores them in its size.
func (c *conv) applyMods(r *tree.TypeName, t *op.Type, pos int32) {
	if len(r.Mods) == 0 {
		return
	}
	m := r.Mods
	switch t.Base {
	case op.TVarchar, op.TChar, op.TBit:
		if m[0] < 1 {
			c.fail(op.InvalidArgument, pos, "length for type "+r.Name+" must be at least 1")
			return
		}
		if m[0] > 10485760 && t.Base != op.TBit {
			c.fail(op.InvalidArgument, pos, "length for type "+r.Name+" cannot exceed 10485760")
			return
		}
		t.Size = m[0]
	case op.TNumeric:
		if m[0] < 1 || m[0] > 1000 {
			c.failf(op.InvalidArgument, pos, "NUMERIC precision %d must be between 1 and 1000", m[0])
			return
		}
		t.Size = m[0]
		if len(m) > 1 {
			if m[1] < -1000 || m[1] > 1000 {
				c.failf(op.InvalidArgument, pos, "NUMERIC scale %d must be between -1000 and 1000", m[1])
				return
			}
			t.Scale = m[1]
		}
	case op.TTime, op.TTimeTZ, op.TTimestamp, op.TTimestampTZ:
		t.Size = min(max(m[0], 0), 6) + 1
	case op.TInterval:
		r.Interval = intervalFields[m[0]]
		if len(m) > 1 && m[1] >= 0 {
			t.Size = min(m[1], 6) + 1
		}
	default:
		c.fail(op.Syntax, pos, "type modifier is not allowed for type \""+r.Name+"\"")
	}
}

// intervalFields names PostgreSQL's interval range masks.
var intervalFields = map[int32]string{
	1 << 2: "YEAR", 1 << 1: "MONTH", 1 << 3: "DAY", 1 << 10: "HOUR", 1 << 11: "MINUTE", 1 << 12: "SECOND",
	1<<2 | 1<<1: "YEAR TO MONTH", 1<<3 | 1<<10: "DAY TO HOUR", 1<<3 | 1<<10 | 1<<11: "DAY TO MINUTE",
	1<<3 | 1<<10 | 1<<11 | 1<<12: "DAY TO SECOND", 1<<10 | 1<<11: "HOUR TO MINUTE",
	1<<10 | 1<<11 | 1<<12: "HOUR TO SECOND", 1<<11 | 1<<12: "MINUTE TO SECOND",
}

// intConst reads an integer constant node.
func intConst(n *pg.Node) (int64, bool) {
	if a := n.GetAConst(); a != nil {
		if v, ok := a.Val.(*pg.A_Const_Ival); ok {
			return int64(v.Ival.GetIval()), true
		}
	}
	if v, ok := n.GetNode().(*pg.Node_Integer); ok {
		return int64(v.Integer.GetIval()), true
	}
	return 0, false
}

// strList reads a list of String nodes.
func strList(l []*pg.Node) []string {
	var out []string
	for _, n := range l {
		if s := n.GetString_(); s != nil {
			out = append(out, s.Sval)
		}
	}
	return out
}

package system

import (
	"encoding/json"
	"sort"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// types lists the enums and domains by identifier.
func (s *Source) types() []*catalog.Type {
	out := make([]*catalog.Type, 0, len(s.Catalog.Types))
	for _, t := range s.Catalog.Types {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].OID < out[j].OID })
	return out
}

// withTypes adds the catalog's enums and domains to the built-in types.
func withTypes(static fillFunc) fillFunc {
	return func(t *catalog.Table) func(*Source) [][]op.Value {
		fixed := static(t)
		return func(s *Source) [][]op.Value {
			out := fixed(s)
			return append(out[:len(out):len(out)], rows(t, fillTypes(s))...)
		}
	}
}

// fillTypes lists enums, domains and their array types.
func fillTypes(s *Source) []row {
	var out []row
	for _, t := range s.types() {
		ns := s.namespace(t.Schema)
		r := row{"oid": t.OID, "typname": t.Name, "typnamespace": ns, "typowner": ownerOID, "typlen": 4, "typbyval": true, "typtype": "e", "typcategory": "E",
			"typispreferred": false, "typisdefined": true, "typdelim": ",", "typarray": t.OID + 1, "typalign": "i", "typstorage": "p", "typtypmod": -1,
			"typinput": 3504, "typoutput": 3505, "typreceive": 3532, "typsend": 3533}
		align := "i"
		if t.Base.Base != op.TUnknown {
			base := TypeOID(t.Base)
			sh := typeShapes()[base]
			byOID, _ := typeTable()
			align = sh.align
			for k, v := range (row{"typtype": "d", "typcategory": byOID[base].category, "typlen": sh.length, "typbyval": sh.byval, "typalign": sh.align, "typstorage": sh.storage,
				"typnotnull": t.NotNull, "typbasetype": base, "typtypmod": Typmod(t.Base), "typcollation": sh.collation, "typinput": 2597, "typreceive": 2598}) {
				r[k] = v
			}
			if t.Default != "" {
				r["typdefault"] = t.Default
			}
		}
		out = append(out, r, row{"oid": t.OID + 1, "typname": "_" + t.Name, "typnamespace": ns, "typowner": ownerOID, "typlen": -1, "typtype": "b", "typcategory": "A",
			"typisdefined": true, "typdelim": ",", "typelem": t.OID, "typalign": align, "typstorage": "x", "typtypmod": -1, "typsubscript": 6179,
			"typinput": 750, "typoutput": 751, "typreceive": 2400, "typsend": 2401})
	}
	return out
}

// fillEnum lists labels. A label's identifier follows from its place.
func fillEnum(s *Source) []row {
	var out []row
	for _, t := range s.types() {
		for i, l := range t.Labels {
			out = append(out, row{"oid": t.OID<<12 + uint32(i), "enumtypid": t.OID, "enumsortorder": t.Sort(i), "enumlabel": l})
		}
	}
	return out
}

// formatType is FormatType with the catalog's own types.
func (s *Source) formatType(oid uint32, mod int32) string {
	if t := s.Catalog.TypeByOID(oid); t != nil {
		name := QuoteIdent(t.Name)
		if !s.visible(t.Schema) {
			name = qualified(t.Schema, t.Name)
		}
		if oid != t.OID {
			name += "[]"
		}
		return name
	}
	return FormatType(oid, mod)
}

// attrType returns the type identifier of a column: its domain's if it has one.
func (s *Source) attrType(c *catalog.Column) uint32 {
	if c.Domain != nil {
		if t := s.Catalog.Types[*c.Domain]; t != nil {
			return t.OID
		}
	}
	return TypeOID(c.Type)
}

// userType finds the type that regtype input names.
func (s *Source) userType(text string) uint32 {
	array := false
	if n := len(text); n > 2 && text[n-2:] == "[]" {
		array, text = true, text[:n-2]
	}
	parts := splitName(text)
	if len(parts) == 0 {
		return 0
	}
	schema, name := "", parts[len(parts)-1]
	if len(parts) > 1 {
		schema = parts[0]
	}
	for _, t := range s.types() {
		if t.Name == name && (schema == t.Schema || schema == "" && s.visible(t.Schema)) {
			if array {
				return t.OID + 1
			}
			return t.OID
		}
	}
	return 0
}

// typeText is how a default shows a column's type. The name of an enum is
// known to the catalog alone.
func typeText(c *catalog.Column, t op.Type) string {
	if t.OID == 0 {
		return FormatType(TypeOID(t), -1)
	}
	if t.Array {
		return c.TypeText + "[]"
	}
	return c.TypeText
}

// aclDefault is acldefault: the privileges an object of a kind has when none
// were granted.
func aclDefault(s *Source, a []op.Value) op.Value {
	rights := map[string][2]string{"r": {"", "arwdDxt"}, "c": {"", ""}, "s": {"", "rwU"}, "d": {"Tc", "CTc"}, "f": {"X", "X"}, "l": {"U", "U"},
		"n": {"", "UC"}, "t": {"", "C"}, "T": {"U", "U"}, "L": {"", "rw"}, "F": {"", "U"}, "S": {"", "U"}}
	owner := ""
	for _, x := range s.roles() {
		if int64(x.OID) == a[1].Int() {
			owner = x.Name
		}
	}
	r := rights[a[0].Str()]
	list := []string{}
	if r[0] != "" {
		list = append(list, "="+r[0]+"/"+owner)
	}
	if r[1] != "" {
		list = append(list, owner+"="+r[1]+"/"+owner)
	}
	b, err := json.Marshal(list)
	if err != nil {
		return op.Null
	}
	return op.Raw(op.KindText, b)
}

// optionRows is pg_options_to_table: rows of name and value.
func optionRows(_ *Source, a []op.Value) op.Value {
	var list []string
	if a[0].IsNull() || json.Unmarshal([]byte(a[0].Str()), &list) != nil {
		return op.Null
	}
	out := make([][2]string, len(list))
	for i, o := range list {
		out[i][0], out[i][1], _ = strings.Cut(o, "=")
	}
	b, err := json.Marshal(out)
	if err != nil {
		return op.Null
	}
	return op.Raw(op.KindText, b)
}

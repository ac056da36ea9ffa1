package system

import (
	"embed"
	"strconv"
	"strings"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// files are facts about PostgreSQL 15's own catalogs, written by gen.sh.
//
//go:embed data/*.tsv
var files embed.FS

// table reads one file: lines of tab separated fields, \N is NULL.
func table(name string) [][]string {
	b, err := files.ReadFile("data/" + name + ".tsv")
	if err != nil {
		return nil
	}
	lines := strings.Split(strings.TrimRight(string(b), "\n"), "\n")
	out := make([][]string, len(lines))
	for i, l := range lines {
		out[i] = strings.Split(l, "\t")
	}
	return out
}

// field turns a field of a file into a storage form for a type.
func field(s string, t op.Type) op.Value {
	if s == `\N` {
		return op.Null
	}
	switch {
	case t.Base == op.TInt2Vector || t.Base == op.TOIDVector:
		return op.Text("[" + strings.ReplaceAll(s, " ", ",") + "]")
	case t.Array:
		s = strings.Trim(s, "{}")
		if t.Base != op.TString && t.Base != op.TName {
			return op.Text("[" + s + "]")
		}
		if s == "" {
			return op.Text("[]")
		}
		return op.Text(`["` + strings.ReplaceAll(s, ",", `","`) + `"]`)
	case t.Base == op.TBoolean:
		return value(s == "t")
	}
	switch t.Base {
	case op.TInt2, op.TInt4, op.TInt8, op.TOID, op.TRegProc, op.TRegType, op.TRegClass, op.TXID:
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return op.Int64(n)
		}
	}
	return op.Text(s)
}

// static makes a Fill of a file whose fields are the named columns; keep
// filters lines.
func static(file string, columns string, extra row, keep func(*Source, []string) bool) func(*catalog.Table) func(*Source) [][]op.Value {
	names := strings.Fields(columns)
	return func(t *catalog.Table) func(*Source) [][]op.Value {
		return func(s *Source) [][]op.Value {
			var out []row
			for _, l := range table(file) {
				if keep != nil && !keep(s, l) {
					continue
				}
				r := row{}
				for k, v := range extra {
					r[k] = v
				}
				for i, n := range names {
					if c := t.Column(n); c != nil && i < len(l) {
						r[n] = field(l[i], c.Type)
					}
				}
				out = append(out, r)
			}
			return rows(t, out)
		}
	}
}

// systemTables are the catalog entries of PostgreSQL's own relations.
var systemTables = sync.OnceValue(func() []*catalog.Table {
	byOID := map[string]*catalog.Table{}
	var out []*catalog.Table
	for _, l := range table("relations") {
		oid, _ := strconv.ParseUint(l[2], 10, 32)
		t := &catalog.Table{OID: uint32(oid), Schema: l[0], Name: l[1], Store: l[0] + "." + l[1], Kind: catalog.KindSystem,
			Dialect: uint8(rel.Postgres), Options: map[string]string{"relkind": l[3]}}
		byOID[l[2]] = t
		out = append(out, t)
	}
	for _, l := range table("columns") {
		t := byOID[l[0]]
		if t == nil {
			continue
		}
		attr, _ := strconv.Atoi(l[1])
		oid, _ := strconv.ParseUint(l[3], 10, 32)
		t.Columns = append(t.Columns, &catalog.Column{Name: l[2], Attr: int16(attr), Type: TypeOf(uint32(oid)), NotNull: l[4] == "t"})
	}
	return out
})

// postgresRelations builds PostgreSQL's relations. One without a fill of its
// own is empty: the server has no such objects.
func postgresRelations() []*Relation {
	fills := relationFills()
	var out []*Relation
	for _, t := range systemTables() {
		x := &Relation{Table: t, Live: live[t.Schema+"."+t.Name]}
		if f := fills[t.Schema+"."+t.Name]; f != nil {
			x.Fill = f(t)
		} else {
			x.Fill = func(*Source) [][]op.Value { return nil }
		}
		out = append(out, x)
	}
	return out
}

// live are the relations that show more than the catalog.
var live = map[string]bool{"pg_catalog.pg_sequences": true, "pg_catalog.pg_settings": true, "pg_catalog.pg_stat_activity": true,
	"pg_catalog.pg_class": false}

// fillFunc makes the Fill of a relation with the given columns.
type fillFunc = func(*catalog.Table) func(*Source) [][]op.Value

// made adapts a function that returns rows.
func made(f func(*Source) []row) fillFunc {
	return func(t *catalog.Table) func(*Source) [][]op.Value {
		return func(s *Source) [][]op.Value { return rows(t, f(s)) }
	}
}

// relationFills lists the relations with rows.
func relationFills() map[string]fillFunc {
	ns := row{"oprnamespace": 11, "opcnamespace": 11, "pronamespace": 11, "typnamespace": 11, "oprowner": 10, "opcowner": 10,
		"proowner": 10, "typowner": 10, "typisdefined": true, "procost": 1.0, "prosrc": ""}
	m := map[string]fillFunc{
		"pg_enum": made(fillEnum), "pg_type": withTypes(static("types", "oid typname typlen typbyval typtype typcategory typispreferred typdelim typrelid typsubscript typelem typarray typinput typoutput typreceive typsend typmodin typmodout typalign typstorage typcollation", row{"typnamespace": 11, "typowner": 10, "typisdefined": true, "typtypmod": -1}, nil)),
		"pg_proc":      static("procs", "oid proname prolang provariadic prokind prosecdef proleakproof proisstrict proretset provolatile proparallel pronargs pronargdefaults prorettype proargtypes", ns, knownProc()),
		"pg_operator":  static("operators", "oid oprname oprkind oprcanmerge oprcanhash oprleft oprright oprresult oprcom oprnegate oprcode", ns, nil),
		"pg_opclass":   static("opclasses", "oid opcmethod opcname opcfamily opcintype opcdefault opckeytype", ns, nil),
		"pg_cast":      static("casts", "oid castsource casttarget castfunc castcontext castmethod", nil, nil),
		"pg_range":     static("ranges", "rngtypid rngsubtype rngmultitypid rngcollation rngsubopc", nil, nil),
		"pg_namespace": made(fillNamespace), "pg_class": made(fillClass), "pg_attribute": made(fillAttribute),
		"pg_attrdef": made(fillAttrdef), "pg_index": made(fillIndex), "pg_constraint": made(fillConstraint),
		"pg_sequence": made(fillSequence), "pg_sequences": made(fillSequences), "pg_description": made(fillDescription),
		"pg_depend": made(fillDepend), "pg_roles": made(fillRoles), "pg_authid": made(fillRoles), "pg_user": made(fillUser),
		"pg_shadow": made(fillUser), "pg_database": made(fillDatabase), "pg_tables": made(fillTables), "pg_views": made(fillViews),
		"pg_matviews": made(fillMatviews), "pg_indexes": made(fillIndexes), "pg_settings": made(fillSettings),
		"pg_am": made(fillAM), "pg_collation": made(fillCollation), "pg_language": made(fillLanguage),
		"pg_extension": made(fillExtension), "pg_available_extensions": made(fillAvailable), "pg_tablespace": made(fillTablespace),
		"pg_stat_activity": made(fillActivity), "pg_rewrite": made(fillRewrite), "pg_ts_config": made(fillTSConfig),
		"pg_stat_user_tables": made(fillStatTables), "pg_stat_all_tables": made(fillStatTables),
	}
	out := map[string]fillFunc{}
	for k, f := range m {
		out["pg_catalog."+k] = f
	}
	for k, f := range infoFills() {
		out["information_schema."+k] = f
	}
	return out
}

// knownProc keeps the functions of types and those the server knows.
func knownProc() func(*Source, []string) bool {
	io := map[string]bool{}
	for _, l := range table("types") {
		for _, i := range []int{9, 12, 13, 14, 15, 16, 17} {
			io[l[i]] = true
		}
	}
	return func(s *Source, l []string) bool {
		return io[l[0]] || s.reg != nil && s.reg.known != nil && s.reg.known(l[1])
	}
}

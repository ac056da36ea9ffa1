package system

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// roles lists the current user and the roles of the catalog.
func (s *Source) roles() []catalog.Role {
	out := []catalog.Role{{OID: ownerOID, Name: s.user(), Login: true}}
	for _, x := range s.Catalog.Roles {
		if x.Name != s.user() {
			out = append(out, *x)
		}
	}
	return out
}

// fillRoles lists roles.
func fillRoles(s *Source) []row {
	var out []row
	for _, x := range s.roles() {
		super := x.OID == ownerOID
		out = append(out, row{"oid": x.OID, "rolname": x.Name, "rolsuper": super, "rolinherit": true, "rolcreaterole": super, "rolcreatedb": super,
			"rolcanlogin": x.Login, "rolconnlimit": -1, "rolpassword": "********", "rolbypassrls": super, "rolreplication": super})
	}
	return out
}

// fillUser lists roles that can log in.
func fillUser(s *Source) []row {
	var out []row
	for _, x := range s.roles() {
		if x.Login {
			super := x.OID == ownerOID
			out = append(out, row{"usename": x.Name, "usesysid": x.OID, "usecreatedb": super, "usesuper": super, "usebypassrls": super, "passwd": "********"})
		}
	}
	return out
}

// fillDatabase lists the current database; objects do not know of others.
func fillDatabase(s *Source) []row {
	return []row{{"oid": dbOID, "datname": s.database(), "datdba": ownerOID, "encoding": 6, "datlocprovider": "c", "datallowconn": true,
		"datconnlimit": -1, "dattablespace": 1663, "datcollate": "C.UTF-8", "datctype": "C.UTF-8", "datfrozenxid": 3, "datminmxid": 1}}
}

// fillTables is the view pg_tables.
func fillTables(s *Source) []row {
	var out []row
	for _, t := range append(s.provided(), s.tables()...) {
		if relkind(t) != "r" {
			continue
		}
		out = append(out, row{"schemaname": t.Schema, "tablename": t.Name, "tableowner": s.user(), "hasindexes": len(t.Indexes) > 0,
			"hasrules": false, "hastriggers": len(foreignTo(s, t)) > 0, "rowsecurity": false})
	}
	return out
}

// fillViews is the view pg_views.
func fillViews(s *Source) []row {
	var out []row
	for _, t := range append(s.provided(), s.tables()...) {
		if relkind(t) == "v" {
			out = append(out, row{"schemaname": t.Schema, "viewname": t.Name, "viewowner": s.user(), "definition": viewText(t)})
		}
	}
	return out
}

// fillMatviews is the view pg_matviews.
func fillMatviews(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		if t.Kind == catalog.KindMatView {
			out = append(out, row{"schemaname": t.Schema, "matviewname": t.Name, "matviewowner": s.user(), "hasindexes": len(t.Indexes) > 0,
				"ispopulated": true, "definition": viewText(t)})
		}
	}
	return out
}

// fillIndexes is the view pg_indexes.
func fillIndexes(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		for _, ix := range t.Indexes {
			out = append(out, row{"schemaname": t.Schema, "tablename": t.Name, "indexname": ix.Name, "indexdef": indexText(t, ix, true)})
		}
	}
	return out
}

// fillStatTables lists tables for statistics views; no numbers are kept.
func fillStatTables(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		if relkind(t) == "r" {
			out = append(out, row{"relid": t.OID, "schemaname": t.Schema, "relname": t.Name})
		}
	}
	return out
}

// fillSettings lists settings with the session's own values.
func fillSettings(s *Source) []row {
	var out []row
	for _, l := range table("settings") {
		r := row{"name": l[0], "setting": l[1], "category": l[3], "short_desc": l[4], "context": l[5], "vartype": l[6],
			"source": "default", "boot_val": l[1], "reset_val": l[1], "pending_restart": false}
		if l[2] != `\N` {
			r["unit"] = l[2]
		}
		if l[7] != `\N` {
			r["enumvals"] = strings.Split(strings.Trim(l[7], "{}"), ",")
		}
		for k, v := range s.Env.Settings {
			if strings.EqualFold(k, l[0]) {
				r["setting"] = v
			}
		}
		out = append(out, r)
	}
	return out
}

// fillAM lists access methods.
func fillAM(*Source) []row {
	return []row{{"oid": 2, "amname": "heap", "amhandler": 3, "amtype": "t"}, {"oid": 403, "amname": "btree", "amhandler": 330, "amtype": "i"},
		{"oid": 405, "amname": "hash", "amhandler": 331, "amtype": "i"}}
}

// fillCollation lists collations.
func fillCollation(*Source) []row {
	var out []row
	for _, c := range []struct {
		oid       int
		name, loc string
	}{{100, "default", ""}, {950, "C", "C"}, {951, "POSIX", "POSIX"}, {12547, "ucs_basic", "C"}} {
		r := row{"oid": c.oid, "collname": c.name, "collnamespace": nsCatalog, "collowner": ownerOID, "collprovider": "c", "collisdeterministic": true, "collencoding": -1}
		if c.oid == 100 {
			r["collprovider"] = "d"
		}
		if c.loc != "" {
			r["collcollate"], r["collctype"] = c.loc, c.loc
		}
		out = append(out, r)
	}
	return out
}

// fillLanguage lists the languages built-in functions are in.
func fillLanguage(*Source) []row {
	return []row{{"oid": 12, "lanname": "internal", "lanowner": ownerOID}, {"oid": 13, "lanname": "c", "lanowner": ownerOID}, {"oid": 14, "lanname": "sql", "lanowner": ownerOID, "lanpltrusted": true}}
}

// fillExtension lists installed extensions: CREATE EXTENSION IF NOT EXISTS
// plpgsql finds this one.
func fillExtension(*Source) []row {
	return []row{{"oid": 13563, "extname": "plpgsql", "extowner": ownerOID, "extnamespace": nsCatalog, "extrelocatable": false, "extversion": "1.0"}}
}

// fillAvailable lists extensions that can be installed.
func fillAvailable(*Source) []row {
	return []row{{"name": "plpgsql", "default_version": "1.0", "installed_version": "1.0", "comment": "accepted by CREATE EXTENSION; functions are not supported"}}
}

// fillTablespace lists the two built-in tablespaces.
func fillTablespace(*Source) []row {
	return []row{{"oid": 1663, "spcname": "pg_default", "spcowner": ownerOID}, {"oid": 1664, "spcname": "pg_global", "spcowner": ownerOID}}
}

// fillActivity shows the session itself.
func fillActivity(s *Source) []row {
	r := row{"datid": dbOID, "datname": s.database(), "pid": int64(s.Env.SessionID & 0x7fffffff), "usesysid": ownerOID, "usename": s.user(),
		"application_name": s.Env.Settings["application_name"], "state": "active", "backend_type": "client backend"}
	if s.Call != nil {
		now := op.Int64(s.Call.Now.UnixMicro())
		r["query_start"], r["xact_start"], r["state_change"] = now, now, now
	}
	return []row{r}
}

// fillTSConfig lists the one text search configuration clients may name.
func fillTSConfig(*Source) []row {
	return []row{{"oid": 3748, "cfgname": "simple", "cfgnamespace": nsCatalog, "cfgowner": ownerOID, "cfgparser": 3722}}
}

// itoa writes an integer.
func itoa[T ~int | ~int16 | ~int32 | ~int64 | ~uint32](n T) string {
	return strconv.FormatInt(int64(n), 10)
}

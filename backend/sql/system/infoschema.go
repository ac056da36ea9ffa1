package system

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// infoFills lists the relations of information_schema with rows.
func infoFills() map[string]fillFunc {
	return map[string]fillFunc{
		"schemata": made(infoSchemata), "tables": made(infoTables), "columns": made(infoColumns), "views": made(infoViews),
		"table_constraints": made(infoTableConstraints), "key_column_usage": made(infoKeyColumns),
		"constraint_column_usage": made(infoConstraintColumns), "constraint_table_usage": made(infoConstraintTables),
		"referential_constraints": made(infoReferential), "check_constraints": made(infoChecks), "sequences": made(infoSequences),
		"information_schema_catalog_name": made(func(s *Source) []row { return []row{{"catalog_name": s.database()}} }),
		"character_sets":                  made(infoCharacterSets), "enabled_roles": made(infoRoles), "applicable_roles": made(func(*Source) []row { return nil }),
		"table_privileges": made(infoPrivileges), "role_table_grants": made(infoPrivileges),
	}
}

// yes is information_schema's boolean.
func yes(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

// infoSchemata lists schemas.
func infoSchemata(s *Source) []row {
	var out []row
	for _, n := range fillNamespace(s) {
		out = append(out, row{"catalog_name": s.database(), "schema_name": n["nspname"], "schema_owner": s.user()})
	}
	return out
}

// infoTables lists tables and views.
func infoTables(s *Source) []row {
	var out []row
	for _, t := range append(s.provided(), s.tables()...) {
		k := relkind(t)
		if k == "m" {
			continue
		}
		kind := "BASE TABLE"
		if k == "v" {
			kind = "VIEW"
		}
		out = append(out, row{"table_catalog": s.database(), "table_schema": t.Schema, "table_name": t.Name, "table_type": kind,
			"is_insertable_into": yes(t.Kind == catalog.KindTable), "is_typed": "NO"})
	}
	return out
}

// infoColumns lists columns.
func infoColumns(s *Source) []row {
	var out []row
	for _, t := range append(s.provided(), s.tables()...) {
		if t.Kind == catalog.KindMatView {
			continue
		}
		for i, c := range t.Columns {
			pos := c.Attr
			if pos == 0 {
				pos = int16(i + 1)
			}
			r := row{"table_catalog": s.database(), "table_schema": t.Schema, "table_name": t.Name, "column_name": c.Name, "ordinal_position": pos,
				"is_nullable": yes(!c.NotNull), "udt_catalog": s.database(), "udt_schema": "pg_catalog", "dtd_identifier": itoa(pos),
				"is_self_referencing": "NO", "is_identity": yes(c.Identity != "" || c.AutoInc), "is_generated": "NEVER",
				"identity_cycle": "NO", "is_updatable": yes(t.Kind == catalog.KindTable)}
			columnType(r, c.Type)
			if u := s.Catalog.TypeByOID(c.Type.OID); u != nil {
				r["udt_schema"], r["udt_name"] = u.Schema, u.Name
				if c.Type.Array {
					r["udt_name"] = "_" + u.Name
				} else {
					r["data_type"] = "USER-DEFINED"
				}
			}
			if c.Domain != nil {
				r["domain_catalog"], r["domain_schema"], r["domain_name"] = s.database(), c.Domain.Schema, c.Domain.Name
			}
			switch {
			case c.Generated != "":
				r["is_generated"], r["generation_expression"] = "ALWAYS", defaultText(c)
			case c.Default != "":
				r["column_default"] = defaultText(c)
			}
			identityColumns(s, t, c, r)
			out = append(out, r)
		}
	}
	return out
}

// identityColumns fills the identity part of a column's row.
func identityColumns(s *Source, t *catalog.Table, c *catalog.Column, r row) {
	if c.Identity == "" && !c.AutoInc {
		return
	}
	r["identity_generation"] = c.Identity
	if c.AutoInc {
		r["identity_generation"] = "BY DEFAULT"
	}
	if q := s.Catalog.Seqs[catalog.Key{Schema: t.Schema, Name: c.Serial}]; q != nil {
		r["identity_start"], r["identity_increment"] = itoa(q.Start), itoa(q.Increment)
		r["identity_maximum"], r["identity_minimum"] = itoa(q.Max), itoa(q.Min)
	}
}

// columnType fills the type part of a column's row.
func columnType(r row, t op.Type) {
	byOID, _ := typeTable()
	oid := TypeOID(t)
	r["udt_name"] = byOID[oid].name
	if t.Array {
		r["data_type"] = "ARRAY"
		return
	}
	r["data_type"] = FormatType(oid, -2)
	switch t.Base {
	case op.TVarchar, op.TChar:
		r["character_octet_length"] = 1 << 30
		if t.Size > 0 {
			r["character_maximum_length"], r["character_octet_length"] = t.Size, int64(t.Size)*4
		}
	case op.TString, op.TEnum, op.TSetOf:
		r["character_octet_length"] = 1 << 30
	case op.TInt1, op.TInt2, op.TYear, op.TInt3, op.TInt4, op.TInt8:
		r["numeric_precision"] = map[uint32]int{21: 16, 23: 32, 20: 64}[oid]
		r["numeric_precision_radix"], r["numeric_scale"] = 2, 0
	case op.TFloat4:
		r["numeric_precision"], r["numeric_precision_radix"] = 24, 2
	case op.TFloat8:
		r["numeric_precision"], r["numeric_precision_radix"] = 53, 2
	case op.TNumeric:
		r["numeric_precision_radix"] = 10
		if t.Size > 0 {
			r["numeric_precision"], r["numeric_scale"] = t.Size, t.Scale
		}
	case op.TDate:
		r["datetime_precision"] = 0
	case op.TTime, op.TTimeTZ, op.TTimestamp, op.TTimestampTZ, op.TInterval:
		r["datetime_precision"] = 6
		if t.Size > 0 {
			r["datetime_precision"] = t.Size - 1
		}
	}
}

// infoViews lists views.
func infoViews(s *Source) []row {
	var out []row
	for _, t := range append(s.provided(), s.tables()...) {
		if relkind(t) != "v" {
			continue
		}
		out = append(out, row{"table_catalog": s.database(), "table_schema": t.Schema, "table_name": t.Name, "view_definition": viewText(t), "check_option": "NONE",
			"is_updatable": "NO", "is_insertable_into": "NO", "is_trigger_updatable": "NO", "is_trigger_deletable": "NO", "is_trigger_insertable_into": "NO"})
	}
	return out
}

// constraint is any constraint of a table in one shape.
type constraint struct {
	t       *catalog.Table
	name    string
	kind    string
	columns []string
	k       *catalog.Constraint // nil for a primary key
}

// constraints lists all constraints; NOT NULL ones appear as checks, as
// PostgreSQL shows them.
func (s *Source) constraints(notNull bool) []constraint {
	var out []constraint
	for _, t := range s.tables() {
		if len(t.Primary) > 0 {
			out = append(out, constraint{t: t, name: t.PrimaryName, kind: "PRIMARY KEY", columns: t.Primary})
		}
		for _, k := range t.Constraints {
			out = append(out, constraint{t: t, name: k.Name, kind: k.Kind, columns: k.Columns, k: k})
		}
		for _, c := range t.Columns {
			if notNull && c.NotNull && t.Kind == catalog.KindTable {
				out = append(out, constraint{t: t, name: itoa(s.namespace(t.Schema)) + "_" + itoa(t.OID) + "_" + itoa(c.Attr) + "_not_null", kind: "CHECK",
					k: &catalog.Constraint{Check: QuoteIdent(c.Name) + " IS NOT NULL"}})
			}
		}
	}
	return out
}

// constraintName fills the constraint's name columns.
func constraintNames(s *Source, c constraint) row {
	return row{"constraint_catalog": s.database(), "constraint_schema": c.t.Schema, "constraint_name": c.name,
		"table_catalog": s.database(), "table_schema": c.t.Schema, "table_name": c.t.Name}
}

// infoTableConstraints lists constraints.
func infoTableConstraints(s *Source) []row {
	var out []row
	for _, c := range s.constraints(true) {
		r := constraintNames(s, c)
		r["constraint_type"], r["enforced"] = c.kind, "YES"
		r["is_deferrable"], r["initially_deferred"] = "NO", "NO"
		if c.k != nil {
			r["is_deferrable"], r["initially_deferred"] = yes(c.k.Deferrable), yes(c.k.Deferred)
		}
		if c.kind == "UNIQUE" {
			r["nulls_distinct"] = "YES"
		}
		out = append(out, r)
	}
	return out
}

// infoKeyColumns lists the columns of keys and foreign keys.
func infoKeyColumns(s *Source) []row {
	var out []row
	for _, c := range s.constraints(false) {
		if c.kind == "CHECK" {
			continue
		}
		for i, col := range c.columns {
			r := constraintNames(s, c)
			r["column_name"], r["ordinal_position"] = col, i+1
			if c.kind == "FOREIGN KEY" {
				r["position_in_unique_constraint"] = i + 1
				if p := s.Catalog.Tables[c.k.RefTable]; p != nil {
					if ix := keyIndexOf(p, c.k.RefColumns); ix != nil {
						for j, it := range ix.Items {
							if it.Column == c.k.RefColumns[i] {
								r["position_in_unique_constraint"] = j + 1
							}
						}
					}
				}
			}
			out = append(out, r)
		}
	}
	return out
}

// infoConstraintColumns lists the columns constraints use; a foreign key's are
// those it references.
func infoConstraintColumns(s *Source) []row {
	var out []row
	for _, c := range s.constraints(false) {
		t, cols := c.t, c.columns
		if c.kind == "FOREIGN KEY" {
			if t, cols = s.Catalog.Tables[c.k.RefTable], c.k.RefColumns; t == nil {
				continue
			}
		}
		for _, col := range cols {
			r := constraintNames(s, c)
			r["table_schema"], r["table_name"], r["column_name"] = t.Schema, t.Name, col
			out = append(out, r)
		}
	}
	return out
}

// infoConstraintTables lists the tables constraints use.
func infoConstraintTables(s *Source) []row {
	var out []row
	for _, c := range s.constraints(false) {
		r := constraintNames(s, c)
		if c.kind == "FOREIGN KEY" {
			r["table_schema"], r["table_name"] = c.k.RefTable.Schema, c.k.RefTable.Name
		}
		out = append(out, r)
	}
	return out
}

// infoReferential lists foreign keys.
func infoReferential(s *Source) []row {
	var out []row
	for _, c := range s.constraints(false) {
		if c.kind != "FOREIGN KEY" {
			continue
		}
		r := row{"constraint_catalog": s.database(), "constraint_schema": c.t.Schema, "constraint_name": c.name, "match_option": "NONE",
			"update_rule": rule(c.k.OnUpdate), "delete_rule": rule(c.k.OnDelete)}
		if p := s.Catalog.Tables[c.k.RefTable]; p != nil {
			if ix := keyIndexOf(p, c.k.RefColumns); ix != nil {
				r["unique_constraint_catalog"], r["unique_constraint_schema"], r["unique_constraint_name"] = s.database(), p.Schema, ix.Name
			}
		}
		out = append(out, r)
	}
	return out
}

// rule is a referential action with its default.
func rule(a string) string {
	if a == "" {
		return "NO ACTION"
	}
	return a
}

// infoChecks lists CHECK conditions.
func infoChecks(s *Source) []row {
	var out []row
	for _, c := range s.constraints(true) {
		if c.kind != "CHECK" {
			continue
		}
		text := "((" + c.k.Check + "))"
		if c.k.Name == "" {
			text = c.k.Check
		}
		out = append(out, row{"constraint_catalog": s.database(), "constraint_schema": c.t.Schema, "constraint_name": c.name, "check_clause": text})
	}
	return out
}

// infoSequences lists sequences that are no identity column's.
func infoSequences(s *Source) []row {
	var out []row
	for _, q := range s.seqs() {
		if t := s.Catalog.Tables[catalog.Key{Schema: q.Schema, Name: q.Table}]; t != nil {
			if c := t.Column(q.Column); c != nil && (c.Identity != "" || c.AutoInc) {
				continue
			}
		}
		bits := map[op.Base]int{op.TInt2: 16, op.TInt4: 32}[q.Type]
		if bits == 0 {
			bits = 64
		}
		out = append(out, row{"sequence_catalog": s.database(), "sequence_schema": q.Schema, "sequence_name": q.Name,
			"data_type": FormatType(TypeOID(op.Type{Base: q.Type}), -2), "numeric_precision": bits, "numeric_precision_radix": 2, "numeric_scale": 0,
			"start_value": itoa(q.Start), "minimum_value": itoa(q.Min), "maximum_value": itoa(q.Max), "increment": itoa(q.Increment), "cycle_option": yes(q.Cycle)})
	}
	return out
}

// infoCharacterSets lists the one encoding.
func infoCharacterSets(s *Source) []row {
	return []row{{"character_set_name": "UTF8", "character_repertoire": "UCS", "form_of_use": "UTF8", "default_collate_catalog": s.database(),
		"default_collate_schema": "pg_catalog", "default_collate_name": "C.UTF-8"}}
}

// infoRoles lists the current role.
func infoRoles(s *Source) []row { return []row{{"role_name": s.user()}} }

// infoPrivileges lists table privileges: the current user holds all.
func infoPrivileges(s *Source) []row {
	var out []row
	for _, t := range s.tables() {
		for _, p := range []string{"INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"} {
			out = append(out, row{"grantor": s.user(), "grantee": s.user(), "table_catalog": s.database(), "table_schema": t.Schema,
				"table_name": t.Name, "privilege_type": p, "is_grantable": "YES", "with_hierarchy": yes(p == "SELECT")})
		}
	}
	return out
}

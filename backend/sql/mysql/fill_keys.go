package mysql

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// keyName is the name MySQL gives an index: PRIMARY for the primary key.
func keyName(ix *catalog.Index) string {
	if ix.Primary {
		return "PRIMARY"
	}
	return ix.Name
}

// fillStatistics fills STATISTICS: one row for each part of each index.
func fillStatistics(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		for _, ix := range t.Indexes {
			for i, it := range ix.Items {
				r := record{"TABLE_CATALOG": "def", "TABLE_SCHEMA": env.Database, "TABLE_NAME": t.Name, "NON_UNIQUE": 1, "INDEX_SCHEMA": env.Database,
					"INDEX_NAME": keyName(ix), "SEQ_IN_INDEX": i + 1, "COLLATION": "A", "INDEX_TYPE": "BTREE", "INDEX_COMMENT": ix.Comment, "IS_VISIBLE": "YES"}
				if ix.Unique {
					r["NON_UNIQUE"] = 0
				}
				if it.Desc {
					r["COLLATION"] = "D"
				}
				if it.Length > 0 {
					r["SUB_PART"] = int64(it.Length)
				}
				if c := t.Column(it.Column); c != nil {
					r["COLUMN_NAME"] = it.Column
					if !c.NotNull {
						r["NULLABLE"] = "YES"
					}
				} else {
					r["EXPRESSION"] = it.Expr
				}
				out = append(out, r)
			}
		}
	}
	return out
}

// key is a primary key, unique or foreign key constraint.
type key struct {
	name, kind string
	columns    []string
	con        *catalog.Constraint
}

// keys lists the key constraints of a table. In MySQL every unique index is
// one.
func keys(t *catalog.Table) []key {
	var out []key
	if len(t.Primary) > 0 {
		out = append(out, key{name: "PRIMARY", kind: "PRIMARY KEY", columns: t.Primary})
	}
	for _, ix := range t.Indexes {
		if !ix.Unique || ix.Primary {
			continue
		}
		k := key{name: ix.Name, kind: "UNIQUE"}
		for _, it := range ix.Items {
			k.columns = append(k.columns, it.Column)
		}
		out = append(out, k)
	}
	for _, c := range t.Constraints {
		if c.Kind == "FOREIGN KEY" {
			out = append(out, key{name: c.Name, kind: c.Kind, columns: c.Columns, con: c})
		}
	}
	return out
}

// referenced returns the columns a foreign key points to.
func referenced(cat *catalog.Snapshot, c *catalog.Constraint) []string {
	if len(c.RefColumns) > 0 {
		return c.RefColumns
	}
	if t := cat.Tables[c.RefTable]; t != nil {
		return t.Primary
	}
	return nil
}

// fillKeyColumns fills KEY_COLUMN_USAGE.
func fillKeyColumns(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		for _, k := range keys(t) {
			for i, col := range k.columns {
				r := record{"CONSTRAINT_CATALOG": "def", "CONSTRAINT_SCHEMA": env.Database, "CONSTRAINT_NAME": k.name, "TABLE_CATALOG": "def",
					"TABLE_SCHEMA": env.Database, "TABLE_NAME": t.Name, "COLUMN_NAME": col, "ORDINAL_POSITION": i + 1}
				if k.con != nil {
					r["REFERENCED_TABLE_SCHEMA"], r["REFERENCED_TABLE_NAME"], r["POSITION_IN_UNIQUE_CONSTRAINT"] = env.Database, k.con.RefTable.Name, i+1
					if ref := referenced(cat, k.con); i < len(ref) {
						r["REFERENCED_COLUMN_NAME"] = ref[i]
					}
				}
				out = append(out, r)
			}
		}
	}
	return out
}

// rule spells a foreign key action.
func rule(s string) string {
	if s == "" {
		return "NO ACTION"
	}
	return s
}

// fillReferential fills REFERENTIAL_CONSTRAINTS.
func fillReferential(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		for _, c := range t.Constraints {
			if c.Kind != "FOREIGN KEY" {
				continue
			}
			out = append(out, record{"CONSTRAINT_CATALOG": "def", "CONSTRAINT_SCHEMA": env.Database, "CONSTRAINT_NAME": c.Name,
				"UNIQUE_CONSTRAINT_CATALOG": "def", "UNIQUE_CONSTRAINT_SCHEMA": env.Database, "UNIQUE_CONSTRAINT_NAME": "PRIMARY",
				"MATCH_OPTION": "NONE", "UPDATE_RULE": rule(c.OnUpdate), "DELETE_RULE": rule(c.OnDelete), "TABLE_NAME": t.Name, "REFERENCED_TABLE_NAME": c.RefTable.Name})
		}
	}
	return out
}

// fillConstraints fills TABLE_CONSTRAINTS.
func fillConstraints(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		add := func(name, kind string) {
			out = append(out, record{"CONSTRAINT_CATALOG": "def", "CONSTRAINT_SCHEMA": env.Database, "CONSTRAINT_NAME": name,
				"TABLE_SCHEMA": env.Database, "TABLE_NAME": t.Name, "CONSTRAINT_TYPE": kind, "ENFORCED": "YES"})
		}
		for _, k := range keys(t) {
			add(k.name, k.kind)
		}
		for _, c := range t.Constraints {
			if c.Kind == "CHECK" {
				add(c.Name, c.Kind)
			}
		}
	}
	return out
}

// fillChecks fills CHECK_CONSTRAINTS.
func fillChecks(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		for _, c := range t.Constraints {
			if c.Kind == "CHECK" {
				out = append(out, record{"CONSTRAINT_CATALOG": "def", "CONSTRAINT_SCHEMA": env.Database, "CONSTRAINT_NAME": c.Name, "CHECK_CLAUSE": "(" + c.Check + ")"})
			}
		}
	}
	return out
}

// fillViews fills VIEWS.
func fillViews(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		if isView(t) {
			out = append(out, record{"TABLE_CATALOG": "def", "TABLE_SCHEMA": env.Database, "TABLE_NAME": t.Name, "VIEW_DEFINITION": t.ViewText, "CHECK_OPTION": "NONE",
				"IS_UPDATABLE": "NO", "DEFINER": "root@%", "SECURITY_TYPE": "DEFINER", "CHARACTER_SET_CLIENT": "utf8mb4", "COLLATION_CONNECTION": defaultCollation})
		}
	}
	return out
}

// fillCreate fills dotdo.mysql_tables, which SHOW CREATE TABLE reads.
func fillCreate(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		out = append(out, record{"TABLE_SCHEMA": env.Database, "TABLE_NAME": t.Name, "CREATE_TABLE": createText(cat, t)})
	}
	return out
}

// createText writes the statement that makes a table or view.
func createText(cat *catalog.Snapshot, t *catalog.Table) string {
	if isView(t) {
		return "CREATE VIEW " + quoteName(t.Name) + " AS " + t.ViewText
	}
	var lines []string
	for _, c := range t.Columns {
		lines = append(lines, columnText(c))
	}
	if len(t.Primary) > 0 {
		lines = append(lines, "PRIMARY KEY ("+quoteNames(t.Primary)+")")
	}
	for _, ix := range t.Indexes {
		if !ix.Primary {
			lines = append(lines, indexText(ix))
		}
	}
	for _, c := range t.Constraints {
		switch c.Kind {
		case "FOREIGN KEY":
			l := "CONSTRAINT " + quoteName(c.Name) + " FOREIGN KEY (" + quoteNames(c.Columns) + ") REFERENCES " + quoteName(c.RefTable.Name) + " (" + quoteNames(referenced(cat, c)) + ")"
			if c.OnDelete != "" && c.OnDelete != "NO ACTION" {
				l += " ON DELETE " + c.OnDelete
			}
			if c.OnUpdate != "" && c.OnUpdate != "NO ACTION" {
				l += " ON UPDATE " + c.OnUpdate
			}
			lines = append(lines, l)
		case "CHECK":
			lines = append(lines, "CONSTRAINT "+quoteName(c.Name)+" CHECK ("+c.Check+")")
		}
	}
	s := "CREATE TABLE " + quoteName(t.Name) + " (\n  " + strings.Join(lines, ",\n  ") + "\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=" + tableCollation(t)
	if t.Comment != "" {
		s += " COMMENT=" + quoteText(t.Comment)
	}
	return s
}

// quoteNames quotes a list of names.
func quoteNames(list []string) string {
	q := make([]string, len(list))
	for i, n := range list {
		q[i] = quoteName(n)
	}
	return strings.Join(q, ",")
}

// columnText writes one column of CREATE TABLE.
func columnText(c *catalog.Column) string {
	d := describe(c)
	s := quoteName(c.Name) + " " + d.full
	if d.charset && columnCollation(c) != defaultCollation {
		s += " COLLATE " + columnCollation(c)
	}
	if c.Generated != "" {
		s += " GENERATED ALWAYS AS (" + c.Generated + ")"
		if c.Stored {
			s += " STORED"
		} else {
			s += " VIRTUAL"
		}
	}
	switch {
	case c.NotNull:
		s += " NOT NULL"
	case d.name == "timestamp":
		s += " NULL"
	}
	switch v, ok := defaultValue(c); {
	case c.AutoInc || c.Serial != "" || c.Identity != "":
		s += " AUTO_INCREMENT"
	case ok && strings.HasPrefix(v, "CURRENT_TIMESTAMP"):
		s += " DEFAULT " + v
	case ok && strings.Contains(extra(c), "DEFAULT_GENERATED"):
		s += " DEFAULT (" + v + ")"
	case ok:
		s += " DEFAULT " + quoteText(v)
	case !c.NotNull && c.Generated == "" && !strings.HasSuffix(d.name, "text") && !strings.HasSuffix(d.name, "blob") && d.name != "json":
		s += " DEFAULT NULL"
	}
	if c.OnUpdateNow {
		s += " ON UPDATE CURRENT_TIMESTAMP"
		if d.fraction > 0 {
			s += "(" + string(rune('0'+d.fraction)) + ")"
		}
	}
	if c.Comment != "" {
		s += " COMMENT " + quoteText(c.Comment)
	}
	return s
}

// indexText writes one index of CREATE TABLE.
func indexText(ix *catalog.Index) string {
	s := "KEY "
	if ix.Unique {
		s = "UNIQUE KEY "
	}
	var parts []string
	for _, it := range ix.Items {
		p := quoteName(it.Column)
		if it.Column == "" {
			p = "(" + it.Expr + ")"
		}
		if it.Length > 0 {
			p += "(" + utoa(uint64(it.Length)) + ")"
		}
		if it.Desc {
			p += " DESC"
		}
		parts = append(parts, p)
	}
	return s + quoteName(ix.Name) + " (" + strings.Join(parts, ",") + ")"
}

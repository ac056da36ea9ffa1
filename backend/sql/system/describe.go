package system

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// reserved are the words PostgreSQL quotes when they are names; the ones that
// matter for names people choose.
var reserved = map[string]bool{"all": true, "analyse": true, "analyze": true, "and": true, "any": true, "array": true, "as": true, "asc": true,
	"both": true, "case": true, "cast": true, "check": true, "collate": true, "column": true, "constraint": true, "create": true,
	"current_date": true, "current_time": true, "current_timestamp": true, "current_user": true, "default": true, "desc": true, "distinct": true,
	"do": true, "else": true, "end": true, "except": true, "false": true, "fetch": true, "for": true, "foreign": true, "from": true, "grant": true,
	"group": true, "having": true, "in": true, "initially": true, "intersect": true, "into": true, "join": true, "leading": true, "limit": true,
	"left": true, "like": true, "natural": true, "not": true, "null": true, "offset": true, "on": true, "only": true, "or": true, "order": true,
	"outer": true, "primary": true, "references": true, "returning": true, "right": true, "select": true, "session_user": true, "some": true,
	"table": true, "then": true, "to": true, "trailing": true, "true": true, "union": true, "unique": true, "user": true, "using": true,
	"when": true, "where": true, "window": true, "with": true}

// QuoteIdent is PostgreSQL's quote_ident.
func QuoteIdent(s string) string {
	plain := s != "" && !reserved[s]
	for i := 0; plain && i < len(s); i++ {
		b := s[i]
		plain = b >= 'a' && b <= 'z' || b == '_' || i > 0 && (b >= '0' && b <= '9' || b == '$')
	}
	if plain {
		return s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// idents quotes and joins names.
func idents(l []string) string {
	out := make([]string, len(l))
	for i, s := range l {
		out[i] = QuoteIdent(s)
	}
	return strings.Join(out, ", ")
}

// qualified is a relation's name with its schema.
func qualified(schema, name string) string { return QuoteIdent(schema) + "." + QuoteIdent(name) }

// indexText is pg_get_indexdef; full names the table's schema.
func indexText(t *catalog.Table, ix *catalog.Index, full bool) string {
	s := "CREATE INDEX "
	if ix.Unique {
		s = "CREATE UNIQUE INDEX "
	}
	name := QuoteIdent(t.Name)
	if full {
		name = qualified(t.Schema, t.Name)
	}
	s += QuoteIdent(ix.Name) + " ON " + name + " USING btree ("
	for i := range ix.Items {
		if i > 0 {
			s += ", "
		}
		s += indexItem(ix, i, true)
	}
	s += ")"
	if len(ix.Include) > 0 {
		s += " INCLUDE (" + idents(ix.Include) + ")"
	}
	if ix.Where != "" {
		s += " WHERE (" + ix.Where + ")"
	}
	return s
}

// indexItem is one column or expression of an index.
func indexItem(ix *catalog.Index, i int, order bool) string {
	it := ix.Items[i]
	s := QuoteIdent(it.Column)
	if it.Expr != "" {
		s = it.Expr
		if !strings.HasSuffix(s, ")") || strings.HasPrefix(s, "(") {
			s = "(" + s + ")"
		}
	}
	if !order {
		return s
	}
	switch {
	case it.Desc && !it.NullsFirst:
		s += " DESC NULLS LAST"
	case it.Desc:
		s += " DESC"
	case it.NullsFirst:
		s += " NULLS FIRST"
	}
	return s
}

// constraintText is pg_get_constraintdef. path tells whether a schema needs no
// mention.
func constraintText(cat *catalog.Snapshot, k *catalog.Constraint, visible func(schema string) bool) string {
	switch k.Kind {
	case "UNIQUE":
		return "UNIQUE (" + idents(k.Columns) + ")"
	case "CHECK":
		return "CHECK ((" + k.Check + "))"
	}
	ref := qualified(k.RefTable.Schema, k.RefTable.Name)
	if visible(k.RefTable.Schema) {
		ref = QuoteIdent(k.RefTable.Name)
	}
	s := "FOREIGN KEY (" + idents(k.Columns) + ") REFERENCES " + ref + "(" + idents(k.RefColumns) + ")"
	if k.OnUpdate != "" && k.OnUpdate != "NO ACTION" {
		s += " ON UPDATE " + k.OnUpdate
	}
	if k.OnDelete != "" && k.OnDelete != "NO ACTION" {
		s += " ON DELETE " + k.OnDelete
	}
	if k.Deferrable {
		s += " DEFERRABLE"
	}
	if k.Deferred {
		s += " INITIALLY DEFERRED"
	}
	return s
}

// viewText is pg_get_viewdef.
func viewText(t *catalog.Table) string {
	if t.ViewText == "" {
		return ""
	}
	return " " + strings.TrimRight(strings.TrimSpace(t.ViewText), ";") + ";"
}

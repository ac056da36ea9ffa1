package system

import (
	"sort"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// Fixed identifiers.
const (
	nsCatalog = 11
	nsPublic  = 2200
	nsInfo    = 13378
	nsDotdo   = 13379
	ownerOID  = 10
	dbOID     = 5
)

// namespace returns a schema's identifier.
func (s *Source) namespace(name string) uint32 {
	switch name {
	case "pg_catalog":
		return nsCatalog
	case "information_schema":
		return nsInfo
	case "dotdo":
		return nsDotdo
	}
	if x := s.Catalog.Schemas[name]; x != nil {
		return x.OID
	}
	return nsPublic
}

// user is the current user's name.
func (s *Source) user() string {
	if s.Env.User == "" {
		return "dotdo"
	}
	return s.Env.User
}

// database is the current database's name.
func (s *Source) database() string {
	if s.Env.Database == "" {
		return "main"
	}
	return s.Env.Database
}

// tables lists the database's own relations by identifier.
func (s *Source) tables() []*catalog.Table {
	out := make([]*catalog.Table, 0, len(s.Catalog.Tables))
	for _, t := range s.Catalog.Tables {
		out = append(out, t)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].OID < out[j].OID })
	return out
}

// provided lists the server's own relations as PostgreSQL clients see them.
func (s *Source) provided() []*catalog.Table {
	out := append([]*catalog.Table(nil), systemTables()...)
	if s.reg == nil {
		return out
	}
	var own []*catalog.Table
	for k, x := range s.reg.rels {
		if k.dialect == rel.Postgres && k.schema == "dotdo" {
			own = append(own, x.Table)
		}
	}
	sort.Slice(own, func(i, j int) bool { return own[i].Name < own[j].Name })
	return append(out, own...)
}

// seqs lists sequences by identifier.
func (s *Source) seqs() []*catalog.Sequence {
	out := make([]*catalog.Sequence, 0, len(s.Catalog.Seqs))
	for _, q := range s.Catalog.Seqs {
		out = append(out, q)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].OID < out[j].OID })
	return out
}

// relkind is PostgreSQL's letter of a relation kind.
func relkind(t *catalog.Table) string {
	switch t.Kind {
	case catalog.KindView:
		return "v"
	case catalog.KindMatView:
		return "m"
	case catalog.KindSystem:
		if k := t.Options["relkind"]; k != "" {
			return k
		}
		return "v"
	}
	return "r"
}

// defaultText is a column's default or generation expression as PostgreSQL
// shows it.
func defaultText(c *catalog.Column) string {
	text := c.Default
	if c.Generated != "" {
		text = c.Generated
		if !strings.HasPrefix(text, "(") {
			text = "(" + text + ")"
		}
		return text
	}
	if n := len(text); n > 1 && text[0] == '\'' && text[n-1] == '\'' && !strings.Contains(text[1:n-1], "'") {
		if c.Type.Array {
			return text + "::" + typeText(c, c.Type)
		}
		switch c.Type.Base {
		case op.TString, op.TVarchar, op.TChar, op.TJSON, op.TJSONB, op.TDate, op.TTimestamp, op.TTimestampTZ, op.TUUID, op.TInterval, op.TTime, op.TEnum:
			t := c.Type
			t.Size = 0
			name := typeText(c, t)
			return text + "::" + name
		}
	}
	if strings.EqualFold(text, "now()") || strings.EqualFold(text, "current_timestamp") {
		return map[bool]string{true: "now()", false: "CURRENT_TIMESTAMP"}[strings.EqualFold(text, "now()")]
	}
	return text
}

// attnum returns the attribute number of a column, 0 for an expression.
func attnum(t *catalog.Table, col string) int16 {
	if c := t.Column(col); c != nil {
		return c.Attr
	}
	return 0
}

// attnums maps column names to attribute numbers.
func attnums(t *catalog.Table, cols []string) []int16 {
	out := make([]int16, len(cols))
	for i, c := range cols {
		out[i] = attnum(t, c)
	}
	return out
}

// defOID is the identifier of a column's pg_attrdef row.
func defOID(t *catalog.Table, c *catalog.Column) uint32 {
	return 1<<31 | t.OID<<11 | uint32(c.Attr)&0x7ff
}

// primaryIndex returns the index of a table's primary key, nil if none.
func primaryIndex(t *catalog.Table) *catalog.Index {
	for _, ix := range t.Indexes {
		if ix.Primary {
			return ix
		}
	}
	return nil
}

// indexByName returns one of a table's indexes.
func indexByName(t *catalog.Table, name string) *catalog.Index {
	for _, ix := range t.Indexes {
		if ix.Name == name {
			return ix
		}
	}
	return nil
}

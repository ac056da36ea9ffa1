package mysql

import (
	"sort"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// defaultCollation is what text columns have unless they say otherwise.
const defaultCollation = "utf8mb4_0900_ai_ci"

// userTables lists the relations MySQL sees: those of schema public, by name.
func userTables(cat *catalog.Snapshot) []*catalog.Table {
	var out []*catalog.Table
	for _, t := range cat.Tables {
		if t.Schema == "public" && t.Kind != catalog.KindSystem && !t.Temp {
			out = append(out, t)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Name < out[j].Name })
	return out
}

// isView reports whether a relation is a view.
func isView(t *catalog.Table) bool {
	return t.Kind == catalog.KindView || t.Kind == catalog.KindMatView
}

// fillSchemata lists the current database and information_schema.
func fillSchemata(_ *catalog.Snapshot, env *rel.Env) []record {
	row := func(name string) record {
		return record{"CATALOG_NAME": "def", "SCHEMA_NAME": name, "DEFAULT_CHARACTER_SET_NAME": "utf8mb4", "DEFAULT_COLLATION_NAME": defaultCollation, "DEFAULT_ENCRYPTION": "NO"}
	}
	return []record{row("information_schema"), row(env.Database)}
}

// fillTables fills TABLES. Sizes are not counted: they are NULL.
func fillTables(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		r := record{"TABLE_CATALOG": "def", "TABLE_SCHEMA": env.Database, "TABLE_NAME": t.Name, "TABLE_TYPE": "BASE TABLE", "TABLE_COMMENT": t.Comment}
		if isView(t) {
			r["TABLE_TYPE"], r["TABLE_COMMENT"] = "VIEW", "VIEW"
		} else {
			r["ENGINE"], r["VERSION"], r["ROW_FORMAT"], r["TABLE_COLLATION"], r["CREATE_OPTIONS"] = "InnoDB", 10, "Dynamic", tableCollation(t), ""
		}
		out = append(out, r)
	}
	for _, s := range relations() {
		if s.schema == "information_schema" {
			out = append(out, record{"TABLE_CATALOG": "def", "TABLE_SCHEMA": "information_schema", "TABLE_NAME": s.name, "TABLE_TYPE": "SYSTEM VIEW", "TABLE_COMMENT": ""})
		}
	}
	return out
}

// tableCollation returns a table's declared collation.
func tableCollation(t *catalog.Table) string {
	if c := t.Options["collate"]; c != "" {
		return c
	}
	return defaultCollation
}

// fillColumns fills COLUMNS.
func fillColumns(cat *catalog.Snapshot, env *rel.Env) []record {
	var out []record
	for _, t := range userTables(cat) {
		for i, c := range t.Columns {
			out = append(out, columnRecord(t, c, i+1, env.Database))
		}
	}
	return out
}

// columnRecord describes one column.
func columnRecord(t *catalog.Table, c *catalog.Column, pos int, db string) record {
	d := describe(c)
	r := record{"TABLE_CATALOG": "def", "TABLE_SCHEMA": db, "TABLE_NAME": t.Name, "COLUMN_NAME": c.Name, "ORDINAL_POSITION": pos,
		"IS_NULLABLE": yesNo(!c.NotNull), "DATA_TYPE": d.name, "COLUMN_TYPE": d.full, "COLUMN_KEY": columnKey(t, c.Name),
		"EXTRA": extra(c), "PRIVILEGES": "select,insert,update,references", "COLUMN_COMMENT": c.Comment, "GENERATION_EXPRESSION": c.Generated}
	if v, ok := defaultValue(c); ok {
		r["COLUMN_DEFAULT"] = v
	}
	if d.chars > 0 {
		r["CHARACTER_MAXIMUM_LENGTH"], r["CHARACTER_OCTET_LENGTH"] = d.chars, d.octets
	}
	if d.charset {
		r["CHARACTER_SET_NAME"], r["COLLATION_NAME"] = "utf8mb4", columnCollation(c)
	}
	if d.precision > 0 {
		r["NUMERIC_PRECISION"] = d.precision
		if d.scale >= 0 {
			r["NUMERIC_SCALE"] = d.scale
		}
	}
	if d.fraction >= 0 {
		r["DATETIME_PRECISION"] = d.fraction
	}
	return r
}

// yesNo spells a flag.
func yesNo(b bool) string {
	if b {
		return "YES"
	}
	return "NO"
}

// columnCollation returns the collation of a text column.
func columnCollation(c *catalog.Column) string {
	switch {
	case c.Collate != "" && strings.HasPrefix(c.Collate, "utf8"):
		return c.Collate
	case !c.CI:
		return "utf8mb4_bin"
	}
	return defaultCollation
}

// defaultValue returns the default as SHOW COLUMNS prints it: a literal
// without its quotes.
func defaultValue(c *catalog.Column) (string, bool) {
	d := c.Default
	switch {
	case d == "" || c.AutoInc || c.Serial != "" || c.Generated != "":
		return "", false
	case strings.HasPrefix(d, "CURRENT_TIMESTAMP"), strings.HasPrefix(d, "NOW("):
		return strings.TrimSuffix("CURRENT_TIMESTAMP"+strings.TrimPrefix(strings.TrimPrefix(d, "CURRENT_TIMESTAMP"), "NOW"), "()"), true
	}
	d = strings.TrimPrefix(strings.TrimPrefix(d, "_utf8mb4"), "_UTF8MB4")
	if len(d) >= 2 && d[0] == '\'' && d[len(d)-1] == '\'' {
		return strings.NewReplacer("''", "'", `\\`, `\`).Replace(d[1 : len(d)-1]), true
	}
	return d, true
}

// extra is the EXTRA column.
func extra(c *catalog.Column) string {
	var w []string
	d := c.Default
	switch {
	case c.AutoInc || c.Serial != "" || c.Identity != "":
		w = append(w, "auto_increment")
	case c.Generated != "" && c.Stored:
		w = append(w, "STORED GENERATED")
	case c.Generated != "":
		w = append(w, "VIRTUAL GENERATED")
	case strings.HasPrefix(d, "CURRENT_TIMESTAMP"), strings.HasPrefix(d, "NOW("), strings.Contains(d, "("):
		w = append(w, "DEFAULT_GENERATED")
	}
	if c.OnUpdateNow {
		now := "on update CURRENT_TIMESTAMP"
		if f := describe(c).fraction; f > 0 {
			now += "(" + utoa(uint64(f)) + ")"
		}
		w = append(w, now)
	}
	return strings.Join(w, " ")
}

// columnKey is PRI, UNI or MUL.
func columnKey(t *catalog.Table, col string) string {
	for _, p := range t.Primary {
		if p == col {
			return "PRI"
		}
	}
	key := ""
	for _, ix := range t.Indexes {
		if len(ix.Items) == 0 || ix.Items[0].Column != col {
			continue
		}
		if ix.Unique && len(ix.Items) == 1 {
			return "UNI"
		}
		key = "MUL"
	}
	return key
}

// shape is a column type in MySQL's words. Numbers that do not apply are 0,
// scale and fraction -1.
type shape struct {
	name, full      string
	charset         bool
	chars, octets   int64
	precision       int
	scale, fraction int
}

// integers lists name and digits of the integer types.
var integers = map[op.Base]struct {
	name   string
	digits int
}{
	op.TInt1: {"tinyint", 3}, op.TInt2: {"smallint", 5}, op.TInt3: {"mediumint", 7}, op.TInt4: {"int", 10}, op.TInt8: {"bigint", 19},
	op.TOID: {"bigint", 19}, op.TXID: {"bigint", 19},
}

// describe translates a column's type.
func describe(c *catalog.Column) shape {
	t := c.Type
	s := shape{scale: -1, fraction: -1}
	if t.Array {
		s.name, s.full = "json", "json"
		return s
	}
	if n, ok := integers[t.Base]; ok {
		s.name, s.full, s.precision, s.scale = n.name, n.name, n.digits, 0
		if t.Base == op.TInt1 && t.Size == 1 {
			s.full += "(1)"
		}
		if t.Unsigned {
			s.full += " unsigned"
			if t.Base == op.TInt8 {
				s.precision = 20
			}
		}
		return s
	}
	describeOther(c, &s)
	return s
}

// describeOther translates types that are not integers.
func describeOther(c *catalog.Column, s *shape) {
	t := c.Type
	size := int64(t.Size)
	digits := func() { // of a time type
		s.fraction = max(int(t.Size)-1, 0)
		if s.fraction > 0 {
			s.full += "(" + strconv.Itoa(s.fraction) + ")"
		}
	}
	switch t.Base {
	case op.TBoolean:
		s.name, s.full, s.precision, s.scale = "tinyint", "tinyint(1)", 3, 0
	case op.TFloat4:
		s.name, s.full, s.precision = "float", "float", 12
	case op.TFloat8:
		s.name, s.full, s.precision = "double", "double", 22
	case op.TNumeric:
		s.name, s.precision, s.scale = "decimal", 65, 30
		if size > 0 {
			s.precision, s.scale = int(size), int(t.Scale)
		}
		s.full = "decimal(" + strconv.Itoa(s.precision) + "," + strconv.Itoa(s.scale) + ")"
		if t.Unsigned {
			s.full += " unsigned"
		}
	case op.TChar, op.TVarchar:
		s.name, s.charset = "varchar", true
		if t.Base == op.TChar {
			s.name = "char"
		}
		if size == 0 {
			s.name, s.full, s.chars, s.octets = "longtext", "longtext", 4294967295, 4294967295
			return
		}
		s.full, s.chars, s.octets = s.name+"("+strconv.FormatInt(size, 10)+")", size, size*4
	case op.TBytea:
		s.name, s.full, s.chars, s.octets = "blob", "blob", 65535, 65535
		if size > 0 {
			s.name, s.full, s.chars, s.octets = "varbinary", "varbinary("+strconv.FormatInt(size, 10)+")", size, size
		}
		s.written(c)
	case op.TDate:
		s.name, s.full = "date", "date"
	case op.TTime:
		s.name, s.full = "time", "time"
		digits()
	case op.TTimestamp:
		s.name, s.full = "datetime", "datetime"
		digits()
	case op.TTimestampTZ:
		s.name, s.full = "timestamp", "timestamp"
		digits()
	case op.TYear:
		s.name, s.full = "year", "year"
	case op.TJSON, op.TJSONB:
		s.name, s.full = "json", "json"
	case op.TBit:
		s.name, s.full, s.precision = "bit", "bit("+strconv.FormatInt(max(size, 1), 10)+")", int(max(size, 1))
	case op.TUUID:
		s.name, s.full, s.charset, s.chars, s.octets = "char", "char(36)", true, 36, 144
	case op.TEnum, op.TSetOf:
		s.name, s.charset = "enum", true
		if t.Base == op.TSetOf {
			s.name = "set"
		}
		s.full = s.name + labels(c.Labels)
		for _, l := range c.Labels {
			s.chars = max(s.chars, int64(len(l)))
		}
		s.octets = s.chars * 4
	default:
		s.name, s.full, s.charset, s.chars, s.octets = "text", "text", true, 65535, 65535
		s.written(c)
	}
}

// written takes the word of TINYTEXT, LONGBLOB and their kin, which the
// neutral type does not tell apart.
func (s *shape) written(c *catalog.Column) {
	w, _, _ := strings.Cut(c.TypeText, "(")
	n := map[string]int64{"tinytext": 255, "mediumtext": 16777215, "longtext": 4294967295, "tinyblob": 255, "mediumblob": 16777215, "longblob": 4294967295}[w]
	if n > 0 {
		s.name, s.full, s.chars, s.octets = w, w, n, n
	}
	if w == "binary" {
		s.name, s.full = w, c.TypeText
	}
}

// labels writes the labels of an ENUM or SET.
func labels(list []string) string {
	q := make([]string, len(list))
	for i, l := range list {
		q[i] = "'" + strings.ReplaceAll(l, "'", "''") + "'"
	}
	return "(" + strings.Join(q, ",") + ")"
}

// fillEngines names the one engine.
func fillEngines(*catalog.Snapshot, *rel.Env) []record {
	return []record{{"ENGINE": "InnoDB", "SUPPORT": "DEFAULT", "COMMENT": "Supports transactions, row-level locking, and foreign keys", "TRANSACTIONS": "YES", "XA": "NO", "SAVEPOINTS": "YES"}}
}

// fillCharsets lists the character sets text can be in.
func fillCharsets(*catalog.Snapshot, *rel.Env) []record {
	return []record{
		{"CHARACTER_SET_NAME": "binary", "DEFAULT_COLLATE_NAME": "binary", "DESCRIPTION": "Binary pseudo charset", "MAXLEN": 1},
		{"CHARACTER_SET_NAME": "utf8mb3", "DEFAULT_COLLATE_NAME": "utf8mb3_general_ci", "DESCRIPTION": "UTF-8 Unicode", "MAXLEN": 3},
		{"CHARACTER_SET_NAME": "utf8mb4", "DEFAULT_COLLATE_NAME": defaultCollation, "DESCRIPTION": "UTF-8 Unicode", "MAXLEN": 4},
	}
}

// fillCollations lists the collations.
func fillCollations(*catalog.Snapshot, *rel.Env) []record {
	row := func(name, cs string, id int, def string) record {
		return record{"COLLATION_NAME": name, "CHARACTER_SET_NAME": cs, "ID": id, "IS_DEFAULT": def, "IS_COMPILED": "Yes", "SORTLEN": 1, "PAD_ATTRIBUTE": "NO PAD"}
	}
	return []record{
		row("binary", "binary", 63, "Yes"), row("utf8mb3_general_ci", "utf8mb3", 33, "Yes"), row("utf8mb3_bin", "utf8mb3", 83, ""),
		row(defaultCollation, "utf8mb4", 255, "Yes"), row("utf8mb4_bin", "utf8mb4", 46, ""), row("utf8mb4_general_ci", "utf8mb4", 45, ""),
		row("utf8mb4_unicode_ci", "utf8mb4", 224, ""), row("utf8mb4_0900_as_cs", "utf8mb4", 278, ""),
	}
}

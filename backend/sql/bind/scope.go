package bind

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// ex is a lowered expression: SQLite text that is atomic (a name, a literal, a
// call or parenthesised) and its type. A quoted literal or parameter whose type
// the context decides has t.Base TUnknown; coerce gives it one.
type ex struct {
	sql   string
	t     op.Type
	konst *op.Value // literal value in storage form of t (source text while unknown)
	param int       // 1 + index of a parameter
	col   *column   // plain column reference
	row   []column  // record: its fields
	rowEx []ex      // record built from expressions
	arith bool      // integer arithmetic whose range is not checked yet
	items []ex      // ARRAY[…] with undecided elements
	ci    bool      // MySQL case-insensitive text
	null  bool      // literal NULL
	pos   int       // of a literal in the text
	lit   *literal  // the lifted literal that konst is made of
}

// column is one column of a relation in scope.
type column struct {
	name    string
	sql     string
	t       op.Type
	notNull bool
	cat     *catalog.Column
	table   *catalog.Table
	relName string // as the client names the table
	ci      bool
	merged  bool // right side of USING: not listed by *, not found unqualified
	hidden  bool // not listed by *
	rel     *relation
	e       *ex // merged column of a FULL JOIN: an expression
}

// relation is one FROM entry.
type relation struct {
	name   string // alias or table name
	schema string // "" when aliased
	alias  string // SQLite alias
	cols   []column
	table  *catalog.Table
	scalar bool // function with one column: its name is also the column
	doc    *docSource
}

// cte is a WITH query in scope.
type cte struct {
	step int // 1 + index of the step whose rows it is; 0 = a query
	name string
	sql  string
	cols []column
}

// scope is one query level of name resolution.
type scope struct {
	parent *scope
	rels   []*relation
	ctes   []*cte
	// grouping state of the query level (see group.go)
	q *query
	// where tells the clause being bound, for error texts
	clause string
	order  []*column // USING columns, listed first by *
}

// same compares column names by the dialect's rule.
func (c *comp) same(a, b string) bool {
	if c.my {
		return strings.EqualFold(a, b)
	}
	return a == b
}

// table resolves a table name to a catalog table or system relation.
func (c *comp) table(n tree.Name, pos int) (*catalog.Table, string) {
	t, text := c.lookup(n)
	if t != nil {
		return t, text
	}
	full := n.Name
	if n.Schema != "" {
		full = n.Schema + "." + n.Name
	}
	e := op.Errorf(op.NotFound, "relation %q does not exist", full)
	e.Object, e.Name, e.Schema, e.Position = "relation", n.Name, n.Schema, pos
	panic(failure{e})
}

// lookup is table without the error.
func (c *comp) lookup(n tree.Name) (*catalog.Table, string) {
	sys := func(schema string) (*catalog.Table, string) {
		if c.System == nil {
			return nil, ""
		}
		name := n.Name
		if c.my {
			schema, name = strings.ToLower(schema), strings.ToLower(name)
		}
		if t, text, ok := c.System.Relation(c.Dialect, schema, name); ok {
			if text == "" {
				text = "\x00" // filled TEMP table
			}
			return t, text
		}
		return nil, ""
	}
	if n.Schema != "" {
		schema := c.schema(n.Schema)
		if schema == "pg_temp" && !c.my {
			schema = "pg_temp_" + strconv.FormatUint(c.Env.SessionID, 10)
		}
		if t := c.Snapshot.Tables[catalog.Key{Schema: schema, Name: n.Name}]; t != nil {
			return t, ""
		}
		return sys(schema)
	}
	path := c.path()
	if !c.my {
		explicit := false
		for _, s := range path {
			explicit = explicit || s == "pg_catalog"
		}
		if !explicit {
			if t, text := sys("pg_catalog"); t != nil {
				return t, text
			}
		}
	}
	for _, s := range path {
		if s == "$user" || s == `"$user"` {
			s = c.Env.User
		}
		if t := c.Snapshot.Tables[catalog.Key{Schema: s, Name: n.Name}]; t != nil {
			return t, ""
		}
		if t, text := sys(s); t != nil {
			return t, text
		}
	}
	return nil, ""
}

// schema maps a written schema to a catalog schema: MySQL writes the database.
func (c *comp) schema(s string) string {
	if c.my && c.Snapshot.Schemas[s] == nil && (s == c.Env.Database || s == "main") {
		return "public"
	}
	if s == c.Env.Database && c.Dialect == rel.MySQL {
		return "public"
	}
	return s
}

// tableRel makes the columns of a catalog table visible under a SQLite alias.
func (c *comp) tableRel(t *catalog.Table, alias string) *relation {
	r := &relation{name: t.Name, schema: t.Schema, alias: alias, table: t, cols: make([]column, 0, len(t.Columns)+1)}
	prefix := ""
	if alias != "" {
		prefix = alias + "."
	}
	for _, k := range t.Columns {
		r.cols = append(r.cols, column{name: k.Name, sql: prefix + catalog.Quote(k.Name), t: k.Type, notNull: k.NotNull || t.RowIDAlias == k.Name,
			cat: k, table: t, ci: k.CI, relName: t.Name, rel: r})
	}
	if c.explaining != nil {
		c.explaining.rels = append(c.explaining.rels, r)
	}
	return r
}

// systemColumns are PostgreSQL's hidden columns of stored tables.
var systemColumns = map[string]op.Type{"ctid": {Base: op.TString}, "tableoid": {Base: op.TOID}, "xmin": {Base: op.TXID}, "rowid": {Base: op.TInt8}}

// ident resolves a column reference.
func (c *comp) ident(sc *scope, x *tree.Ident) ex {
	parts := x.Parts
	name := parts[len(parts)-1]
	if len(parts) == 1 {
		for s := sc; s != nil; s = s.parent {
			if e, ok := c.findColumn(s, name, x.Pos); ok {
				return c.note(s, e, x.Pos)
			}
		}
		for s := sc; s != nil; s = s.parent {
			for _, r := range s.rels {
				if c.same(r.name, name) {
					return c.rowOf(s, r, x.Pos)
				}
			}
		}
		e := op.Errorf(op.NoColumn, "column %q does not exist", name)
		e.Column, e.Name, e.Position = name, name, x.Pos
		panic(failure{e})
	}
	tab := tree.Name{Name: parts[len(parts)-2]}
	if len(parts) > 2 {
		tab.Schema = parts[len(parts)-3]
	}
	r, s := c.findRel(sc, tab)
	if r == nil {
		// (table.column).field written as schema.table style is not resolved here
		e := op.Errorf(op.NotFound, "missing FROM-clause entry for table %q", tab.Name)
		e.Object, e.Name, e.Table, e.Column, e.Position = "from", tab.Name, tab.Name, name, x.Pos
		panic(failure{e})
	}
	for i := range r.cols {
		if c.same(r.cols[i].name, name) {
			return c.note(s, colEx(&r.cols[i]), x.Pos)
		}
	}
	if e, ok := c.systemColumn(r, name); ok {
		return c.note(s, e, x.Pos)
	}
	e := op.Errorf(op.NoColumn, "column %s.%s does not exist", tab.Name, name)
	e.Column, e.Name, e.Table, e.Position = name, name, tab.Name, x.Pos
	panic(failure{e})
}

// systemColumn resolves ctid, tableoid, xmin of a stored table.
func (c *comp) systemColumn(r *relation, name string) (ex, bool) {
	t, ok := systemColumns[name]
	if !ok || c.my || r.table == nil {
		return ex{}, false
	}
	if k := r.table.Kind; k != catalog.KindTable && k != catalog.KindMatView && (k != catalog.KindSystem || name != "tableoid") {
		return ex{}, false
	}
	rowid := r.alias + ".rowid"
	switch name {
	case "ctid":
		return ex{sql: "('(0,'||" + rowid + "||')')", t: t}, true
	case "tableoid":
		return ex{sql: lit(op.Int64(int64(r.table.OID))), t: t}, true
	case "rowid":
		return ex{sql: rowid, t: t}, true
	}
	return ex{sql: "2", t: t}, true
}

// colEx makes an expression of a column.
func colEx(k *column) ex {
	if k.e != nil {
		return *k.e
	}
	return ex{sql: k.sql, t: k.t, col: k, ci: k.ci}
}

// findColumn looks an unqualified name up in one query level.
func (c *comp) findColumn(s *scope, name string, pos int) (ex, bool) {
	for _, k := range s.order {
		if c.same(k.name, name) {
			return colEx(k), true
		}
	}
	var found *column
	for _, r := range s.rels {
		for i := range r.cols {
			k := &r.cols[i]
			if k.merged || !c.same(k.name, name) {
				continue
			}
			if found != nil {
				e := op.Errorf(op.Ambiguous, "column reference %q is ambiguous", name)
				e.Column, e.Name, e.Position = name, name, pos
				panic(failure{e})
			}
			found = k
		}
	}
	if found != nil {
		return colEx(found), true
	}
	for _, r := range s.rels {
		if e, ok := c.systemColumn(r, name); ok && name != "rowid" {
			return e, true
		}
	}
	return ex{}, false
}

// findRel looks a table reference up through all levels.
func (c *comp) findRel(sc *scope, n tree.Name) (*relation, *scope) {
	for s := sc; s != nil; s = s.parent {
		for _, r := range s.rels {
			if !c.same(r.name, n.Name) {
				continue
			}
			if n.Schema == "" || c.schema(n.Schema) == r.schema || r.schema == "" {
				return r, s
			}
		}
	}
	return nil, nil
}

// rowOf is a whole-row reference; of a one-column function it is the value.
func (c *comp) rowOf(s *scope, r *relation, pos int) ex {
	if r.scalar && len(r.cols) >= 1 {
		return c.note(s, colEx(&r.cols[0]), pos)
	}
	for i := range r.cols {
		c.note(s, colEx(&r.cols[i]), pos)
	}
	return ex{t: op.Type{Base: op.TRecord}, row: r.cols, sql: rowText(r.cols)}
}

// rowText is the storage form of a record: a JSON array.
func rowText(cols []column) string {
	var b strings.Builder
	b.WriteString("json_array(")
	for i, k := range cols {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(k.sql)
	}
	b.WriteByte(')')
	return b.String()
}

// findCTE looks a WITH name up.
func (c *comp) findCTE(sc *scope, name string) *cte {
	for s := sc; s != nil; s = s.parent {
		for i := len(s.ctes) - 1; i >= 0; i-- {
			if c.same(s.ctes[i].name, name) {
				return s.ctes[i]
			}
		}
	}
	return nil
}

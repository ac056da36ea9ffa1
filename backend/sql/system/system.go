// Package system provides the relations that PostgreSQL clients read to learn
// about a database: pg_catalog and information_schema, as real relations that
// any query can join, with the columns and types PostgreSQL 15 gives them, and
// the functions such queries use. MySQL's information_schema registers through
// the same Registry under its own namespace.
//
// A relation is filled from a catalog snapshot into a TEMP table of the
// connection that reads it, when a statement first names it, and again when
// the catalog has changed (Ensure).
package system

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Relation is one relation the server provides. Table.Schema and Table.Name
// also make the name of its TEMP table, so a second flavour of a relation must
// use another Schema there than the one it is looked up by.
type Relation struct {
	Table *catalog.Table // Kind is catalog.KindSystem
	// Text is a SQLite SELECT over stored tables; then Fill is not used.
	Text string
	// Fill returns the rows, each with one storage form a column.
	Fill func(*Source) [][]op.Value
	// Live relations depend on more than the catalog: they are filled for every
	// statement.
	Live bool
}

// Source is what relations are filled from.
type Source struct {
	Catalog *catalog.Snapshot
	Env     *rel.Env // never nil
	Conn    *sqlite.Conn
	Call    *sql.Call // may be nil
	reg     *Registry
}

// key identifies a relation: dialect flavour, schema, name.
type key struct {
	dialect      rel.Dialect
	schema, name string
}

// Registry holds the relations of all dialects.
type Registry struct {
	rels  map[key]*Relation
	temps map[string]*Relation // by TEMP table name, lower case
	// known tells which function names the server has, for pg_proc.
	known func(name string) bool
}

// New returns a registry with PostgreSQL's relations. known tells which
// functions exist; nil means none but the type functions.
func New(known func(name string) bool) *Registry {
	r := &Registry{rels: map[key]*Relation{}, temps: map[string]*Relation{}, known: known}
	for _, x := range postgresRelations() {
		r.Add(rel.Postgres, x.Table.Schema, x)
	}
	for _, x := range dotdoRelations() {
		r.Add(rel.Postgres, x.Table.Schema, x)
		r.Add(rel.MySQL, x.Table.Schema, x)
	}
	return r
}

// Add registers a relation under a schema name of a dialect.
func (r *Registry) Add(d rel.Dialect, schema string, x *Relation) {
	name := x.Table.Name
	if d == rel.MySQL {
		schema, name = strings.ToLower(schema), strings.ToLower(name)
	}
	r.rels[key{d, schema, name}] = x
	r.temps[strings.ToLower(x.Table.Schema+"."+x.Table.Name)] = x
}

// Relation implements the binder's lookup.
func (r *Registry) Relation(d rel.Dialect, schema, name string) (*catalog.Table, string, bool) {
	x := r.rels[key{d, schema, name}]
	if x == nil {
		return nil, "", false
	}
	return x.Table, x.Text, true
}

// Needed lists the TEMP tables a lowered text reads.
func Needed(text string) []string {
	var out []string
	for {
		i := strings.Index(text, `temp."`)
		if i < 0 {
			return out
		}
		text = text[i+len(`temp."`):]
		j := strings.IndexByte(text, '"')
		if j < 0 {
			return out
		}
		name := strings.ToLower(text[:j])
		dup := false
		for _, n := range out {
			dup = dup || n == name
		}
		if !dup {
			out = append(out, name)
		}
		text = text[j:]
	}
}

// filled is a connection's state: what its TEMP tables were filled from.
type filled struct {
	cat      *catalog.Snapshot
	database string
	user     string
	current  map[string]bool // filled for cat
	made     map[string]bool // TEMP table exists
}

// stateKey is the key of filled in Conn.State.
const stateKey = "sql/system"

// Ensure makes the named TEMP tables current on a connection.
func (r *Registry) Ensure(c *sqlite.Conn, cat *catalog.Snapshot, env *rel.Env, call *sql.Call, names []string) error {
	if len(names) == 0 {
		return nil
	}
	if c.State == nil {
		c.State = map[string]any{}
	}
	st, _ := c.State[stateKey].(*filled)
	if st == nil {
		st = &filled{made: map[string]bool{}}
		c.State[stateKey] = st
	}
	if st.cat != cat || st.database != env.Database || st.user != env.User || st.current == nil {
		st.cat, st.database, st.user, st.current = cat, env.Database, env.User, map[string]bool{}
	}
	src := &Source{Catalog: cat, Env: env, Conn: c, Call: call, reg: r}
	for _, n := range names {
		x := r.temps[n]
		if x == nil || x.Fill == nil || st.current[n] && !x.Live {
			continue
		}
		delete(st.current, n)
		if err := x.fill(src, st, n); err != nil {
			return err
		}
		st.current[n] = true
	}
	return nil
}

// fill writes one TEMP table.
func (x *Relation) fill(s *Source, st *filled, name string) error {
	t := x.Table
	full := `temp."` + strings.ReplaceAll(t.Schema+"."+t.Name, `"`, `""`) + `"`
	cols := make([]string, len(t.Columns))
	marks := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		cols[i] = `"` + strings.ReplaceAll(c.Name, `"`, `""`) + `"`
		marks[i] = "?" + strconv.Itoa(i+1)
	}
	ddl := "CREATE TABLE IF NOT EXISTS " + full + "(" + strings.Join(cols, ", ") + ")"
	if err := s.Conn.Exec(ddl); err != nil {
		return err
	}
	st.made[name] = true
	if err := s.Conn.Exec("DELETE FROM " + full); err != nil {
		return err
	}
	ins := "INSERT INTO " + full + " VALUES (" + strings.Join(marks, ", ") + ")"
	for _, row := range x.Fill(s) {
		if _, err := s.Conn.Run(ins, row...); err != nil {
			return err
		}
	}
	return nil
}

// row is a relation's row under construction: column name to value.
type row map[string]any

// rows lays rows out in a relation's column order; a column that is missing
// gets its type's zero when it is NOT NULL, else NULL.
func rows(t *catalog.Table, list []row) [][]op.Value {
	out := make([][]op.Value, len(list))
	for i, r := range list {
		v := make([]op.Value, len(t.Columns))
		for j, c := range t.Columns {
			x, ok := r[c.Name]
			switch {
			case ok:
				v[j] = value(x)
			case c.NotNull:
				v[j] = zero(c.Type)
			}
		}
		out[i] = v
	}
	return out
}

// value makes a storage form.
func value(x any) op.Value {
	switch v := x.(type) {
	case nil:
		return op.Null
	case op.Value:
		return v
	case string:
		return op.Text(v)
	case bool:
		if v {
			return op.Int64(1)
		}
		return op.Int64(0)
	case int:
		return op.Int64(int64(v))
	case int16:
		return op.Int64(int64(v))
	case int32:
		return op.Int64(int64(v))
	case int64:
		return op.Int64(v)
	case uint32:
		return op.Int64(int64(v))
	case float64:
		return op.Float64(v)
	}
	b, err := json.Marshal(x)
	if err != nil {
		return op.Null
	}
	return op.Text(string(b))
}

// zero is the value of a NOT NULL column that a fill leaves out.
func zero(t op.Type) op.Value {
	if t.Array || t.Base == op.TInt2Vector || t.Base == op.TOIDVector {
		return op.Text("[]")
	}
	switch t.Base {
	case op.TString, op.TName, op.TVarchar, op.TChar, op.TCharByte:
		return op.Text("")
	case op.TFloat4, op.TFloat8:
		return op.Float64(0)
	}
	return op.Int64(0)
}

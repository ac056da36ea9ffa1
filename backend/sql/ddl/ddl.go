// Package ddl executes schema statements, of any dialect, on the neutral
// catalog and the object's SQLite file. Compile checks nothing that depends on
// the catalog: everything happens in Plan.DDL, inside the write transaction,
// against the newest catalog.
//
// The SQLite text of a table is a pure function of its catalog entry (see
// render.go), so a change is: edit the entry, then bring the file in line
// (see physical.go). Defaults and views live in the catalog only; CHECK, NOT
// NULL, FOREIGN KEY and generated columns also stand in the SQLite table, and
// every unique key that is not the rowid is a SQLite index.
//
// The state of a sequence is one row of the system table _dotdo_seq(oid,
// value, called); the engine keeps counters over it, so a restart goes through
// sql.DDL.Sequences.
package ddl

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// Env is what a schema statement needs to know of its session and of the
// packages above.
type Env struct {
	Dialect  rel.Dialect
	Path     []string // search path, first = where CREATE goes; empty = public
	Database string
	User     string
	Session  uint64 // owner of temporary objects
	// NoForeignKeys lets foreign keys refer to tables that do not exist (yet).
	NoForeignKeys bool
	// Parse parses one statement of a dialect ("SELECT …").
	Parse func(d rel.Dialect, text string) (tree.Node, error)
	// Lower lowers an expression over a table's own columns to SQLite text. The
	// result is assigned to t; nil keeps its own type.
	Lower func(d rel.Dialect, s *catalog.Snapshot, table *catalog.Table, x tree.Expr, t *op.Type) (string, op.Type, error)
}

// run is one execution of a statement.
type run struct {
	Env
	d   sql.DDL
	cat *catalog.Snapshot
}

// Compile makes the plan of a schema statement.
func Compile(stmt tree.Node, env Env) (*sql.Plan, error) {
	tag, fn := command(stmt)
	if fn == nil {
		if r, ok := stmt.(*tree.Refuse); ok {
			return nil, op.Errorf(op.Unsupported, "%s is not supported", r.What)
		}
		return nil, op.Errorf(op.Unsupported, "this statement is not supported")
	}
	p := &sql.Plan{Kind: sql.KindDDL, Tag: tag}
	p.DDL = func(d sql.DDL) error {
		r := &run{Env: env, d: d, cat: d.Catalog()}
		return fn(r)
	}
	return p, nil
}

// command returns a statement's tag and its execution.
func command(stmt tree.Node) (string, func(*run) error) {
	switch s := stmt.(type) {
	case *tree.CreateTable:
		if s.As != nil {
			return "SELECT", func(r *run) error { return r.createTableAs(s) }
		}
		return "CREATE TABLE", func(r *run) error { return r.createTable(s) }
	case *tree.CreateIndex:
		return "CREATE INDEX", func(r *run) error { return r.createIndexStmt(s) }
	case *tree.CreateView:
		if s.Materialized {
			return "SELECT", func(r *run) error { return r.createMatView(s) }
		}
		return "CREATE VIEW", func(r *run) error { return r.createView(s) }
	case *tree.CreateSchema:
		return "CREATE SCHEMA", func(r *run) error { return r.createSchema(s) }
	case *tree.CreateType:
		if s.Domain != nil {
			return "CREATE DOMAIN", func(r *run) error { return r.createType(s) }
		}
		return "CREATE TYPE", func(r *run) error { return r.createType(s) }
	case *tree.AlterType:
		if s.Domain {
			return "ALTER DOMAIN", func(r *run) error { return r.alterUserType(s) }
		}
		return "ALTER TYPE", func(r *run) error { return r.alterUserType(s) }
	case *tree.CreateSequence:
		return "CREATE SEQUENCE", func(r *run) error { return r.createSequence(s) }
	case *tree.AlterSequence:
		return "ALTER SEQUENCE", func(r *run) error { return r.alterSequence(s) }
	case *tree.CreateRole:
		return "CREATE ROLE", func(r *run) error { return r.createRole(s) }
	case *tree.Drop:
		return "DROP " + s.Kind, func(r *run) error { return r.drop(s) }
	case *tree.Truncate:
		return "TRUNCATE TABLE", func(r *run) error { return r.truncate(s) }
	case *tree.AlterTable:
		tag := "ALTER " + s.Kind
		if len(s.Actions) == 1 && s.Actions[0].Kind == "REFRESH" {
			tag = "REFRESH MATERIALIZED VIEW"
		}
		return tag, func(r *run) error { return r.alter(s) }
	case *tree.Comment:
		return "COMMENT", func(r *run) error { return r.comment(s) }
	}
	return "", nil
}

// path is the effective search path.
func (r *run) path() []string {
	if r.Dialect == rel.MySQL || len(r.Path) == 0 {
		return []string{"public"}
	}
	out := make([]string, 0, len(r.Path))
	for _, s := range r.Path {
		if s == "$user" || s == `"$user"` {
			s = r.User
		}
		out = append(out, s)
	}
	return out
}

// schemaOf maps a written schema: MySQL writes its database there.
func (r *run) schemaOf(s string) string {
	if r.Dialect == rel.MySQL && (s == r.Database || s == "main" || r.cat.Schemas[s] == nil) {
		return "public"
	}
	return s
}

// target resolves the name of an object to be created.
func (r *run) target(n tree.Name, temp bool) (catalog.Key, error) {
	k := catalog.Key{Schema: "", Name: n.Name}
	if temp || n.Schema == "pg_temp" || n.Schema == r.tempSchema() {
		if n.Schema != "" && n.Schema != "pg_temp" && n.Schema != r.tempSchema() {
			return k, &op.Error{Code: op.InvalidArgument, Object: "table definition", Msg: "cannot create temporary relation in non-temporary schema"}
		}
		k.Schema = r.tempSchema()
		if err := r.openTemp(); err != nil {
			return k, err
		}
		return k, checkName(n.Name)
	}
	if n.Schema != "" {
		k.Schema = r.schemaOf(n.Schema)
	} else {
		for _, s := range r.path() {
			if r.hasSchema(s) && !systemSchema(s) {
				k.Schema = s
				break
			}
		}
	}
	switch {
	case k.Schema == "":
		return k, op.Errorf(op.Undefined, "no schema has been selected to create in")
	case systemSchema(k.Schema):
		return k, op.Errorf(op.Forbidden, "permission denied to create %q: schema %q belongs to the server", k.Schema+"."+k.Name, k.Schema)
	case !r.hasSchema(k.Schema):
		return k, noSchema(k.Schema)
	}
	return k, checkName(n.Name)
}

// tempSchema is the schema of the session's temporary objects.
func (r *run) tempSchema() string { return "pg_temp_" + strconv.FormatUint(r.Session, 10) }

// openTemp makes the session's temporary schema when its first object is
// created. What a session of an earlier run left there is dropped.
func (r *run) openTemp() error {
	name := r.tempSchema()
	if slices.Contains(r.Path, name) && r.cat.Schemas[name] != nil {
		return nil
	}
	if r.cat.Schemas[name] != nil {
		if _, err := r.dropSchema(&tree.Drop{Kind: "SCHEMA", Cascade: true}, tree.Name{Name: name}); err != nil {
			return err
		}
	}
	r.cat.Schemas[name] = &catalog.Schema{OID: r.d.OID(), Name: name}
	r.d.Effect("temp", name)
	return nil
}

// checkName refuses names that SQLite or the server keep for themselves.
func checkName(name string) error {
	low := strings.ToLower(name)
	if name == "" {
		return op.Errorf(op.Syntax, "zero-length delimited identifier")
	}
	if strings.HasPrefix(low, "_dotdo_") || strings.HasPrefix(low, "sqlite_") {
		e := op.Errorf(op.Forbidden, "unacceptable name %q", name)
		e.Detail = "The prefixes \"_dotdo_\" and \"sqlite_\" are reserved for the server."
		return e
	}
	return nil
}

// hasSchema tells whether a schema exists; public always does.
func (r *run) hasSchema(s string) bool { return s == "public" || r.cat.Schemas[s] != nil }

// systemSchema tells the schemas the server provides.
func systemSchema(s string) bool {
	return s == "pg_catalog" || s == "information_schema" || s == "dotdo" || s == "pg_toast" || strings.HasPrefix(s, "pg_temp")
}

// noSchema is the error for a missing schema.
func noSchema(s string) error {
	return &op.Error{Code: op.Undefined, Msg: "schema \"" + s + "\" does not exist", Object: "schema", Name: s}
}

// keys lists where a name may be found.
func (r *run) keys(n tree.Name) []catalog.Key {
	if n.Schema == "pg_temp" {
		return []catalog.Key{{Schema: r.tempSchema(), Name: n.Name}}
	}
	if n.Schema != "" {
		return []catalog.Key{{Schema: r.schemaOf(n.Schema), Name: n.Name}}
	}
	var out []catalog.Key
	for _, s := range r.path() {
		out = append(out, catalog.Key{Schema: s, Name: n.Name})
	}
	return out
}

// find returns the table or view of a name, nil if there is none.
func (r *run) find(n tree.Name) *catalog.Table {
	for _, k := range r.keys(n) {
		if t := r.cat.Tables[k]; t != nil {
			return t
		}
		if r.Dialect == rel.MySQL {
			for have, t := range r.cat.Tables {
				if have.Schema == k.Schema && strings.EqualFold(have.Name, k.Name) {
					return t
				}
			}
		}
	}
	return nil
}

// table is find with an error.
func (r *run) table(n tree.Name) (*catalog.Table, error) {
	if t := r.find(n); t != nil {
		return t, nil
	}
	return nil, missing("relation", n)
}

// missing is the error for an object that does not exist.
func missing(kind string, n tree.Name) error {
	full := n.Name
	if n.Schema != "" {
		full = n.Schema + "." + n.Name
	}
	code := op.NotFound
	if kind == "domain" {
		kind = "type"
	}
	if kind == "schema" || kind == "role" || kind == "type" {
		code = op.Undefined
	}
	return &op.Error{Code: code, Msg: kind + " \"" + full + "\" does not exist", Object: kind, Name: n.Name, Schema: n.Schema}
}

// exists is the error for a name that is taken.
func exists(kind, name string) error {
	return &op.Error{Code: op.AlreadyExists, Msg: kind + " \"" + name + "\" already exists", Object: kind, Name: name}
}

// taken tells whether a relation name (table, view, index, sequence) is in use.
func (r *run) taken(k catalog.Key) bool {
	return r.cat.Tables[k] != nil || r.cat.Seqs[k] != nil || r.cat.Indexes[k] != nil
}

// notice adds a NOTICE.
func (r *run) notice(code op.Code, msg string) { r.d.Notice("NOTICE", code, msg) }

// edit replaces a table by a copy that may be changed.
func (r *run) edit(t *catalog.Table) *catalog.Table {
	c := *t
	c.Columns = make([]*catalog.Column, len(t.Columns))
	for i, col := range t.Columns {
		k := *col
		c.Columns[i] = &k
	}
	c.Constraints = make([]*catalog.Constraint, len(t.Constraints))
	for i, con := range t.Constraints {
		k := *con
		k.Columns = append([]string(nil), con.Columns...)
		k.RefColumns = append([]string(nil), con.RefColumns...)
		c.Constraints[i] = &k
	}
	c.Indexes = make([]*catalog.Index, len(t.Indexes))
	for i, ix := range t.Indexes {
		k := *ix
		k.Items = append([]catalog.IndexItem(nil), ix.Items...)
		c.Indexes[i] = &k
		r.cat.Indexes[r.indexKey(&c, k.Name)] = &k
	}
	c.Primary = append([]string(nil), t.Primary...)
	r.cat.Tables[c.Key()] = &c
	return &c
}

// indexKey is the catalog key of an index.
func (r *run) indexKey(t *catalog.Table, name string) catalog.Key { return t.IndexKey(name) }

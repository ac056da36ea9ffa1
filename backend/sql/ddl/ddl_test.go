package ddl

import (
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/postgres"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// bench is a catalog over a real SQLite file, with a lowering that knows just
// enough for the tests.
type bench struct {
	t       *testing.T
	c       *sqlite.Conn
	cat     *catalog.Snapshot
	notices []string
}

func newBench(t *testing.T) *bench {
	c, err := sqlite.Open(filepath.Join(t.TempDir(), "a.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.Exec("CREATE TABLE _dotdo_seq(oid INTEGER PRIMARY KEY, value INTEGER NOT NULL, called INTEGER NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	return &bench{t: t, c: c, cat: &catalog.Snapshot{NextOID: 16384, Schemas: map[string]*catalog.Schema{}, Tables: map[catalog.Key]*catalog.Table{},
		Seqs: map[catalog.Key]*catalog.Sequence{}, Indexes: map[catalog.Key]*catalog.Index{}, Roles: map[string]*catalog.Role{}}}
}

func (b *bench) Catalog() *catalog.Snapshot             { return b.cat }
func (b *bench) Exec(s string, args ...op.Value) error  { return wrap(s, b.c.Exec(s, args...)) }
func (b *bench) OID() uint32                            { b.cat.NextOID++; return b.cat.NextOID - 1 }
func (b *bench) Notice(_ string, _ op.Code, msg string) { b.notices = append(b.notices, msg) }
func (b *bench) Args(p *sql.Plan) ([]op.Value, error)   { return nil, nil }
func (b *bench) Sequences() sql.Sequences               { return nil }
func (b *bench) Affected(int64)                         {}
func (b *bench) Effect(string, string)                  {}
func (b *bench) Query(s string, args ...op.Value) ([][]op.Value, error) {
	r, err := b.c.Query(s, args...)
	return r, wrap(s, err)
}

func wrap(s string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", s, err)
}

// Bind knows SELECT of constants and UPDATE SET column = constant.
func (b *bench) Bind(n tree.Node) (*sql.Plan, error) {
	switch s := n.(type) {
	case *tree.Update:
		e, err := text(s.Set[0].Expr)
		return &sql.Plan{Text: "UPDATE " + catalog.Quote(s.Table.Name.Name) + " SET " + catalog.Quote(s.Set[0].Columns[0]) + " = " + e}, err
	case *tree.Select:
		p := &sql.Plan{Text: "SELECT 1"}
		for _, i := range s.Items {
			p.Columns = append(p.Columns, op.Column{Name: i.Alias, Type: op.Type{Base: op.TInt4}})
		}
		return p, nil
	}
	return nil, fmt.Errorf("bind %T", n)
}

// text lowers the few expressions the tests use.
func text(x tree.Expr) (string, error) {
	switch e := x.(type) {
	case *tree.Ident:
		return catalog.Quote(e.Parts[len(e.Parts)-1]), nil
	case *tree.Const:
		if e.Type.Base == op.TUnknown {
			return "'" + e.Value.Str() + "'", nil
		}
		return itoa(e.Value.Int()), nil
	case *tree.Cast:
		s, err := text(e.X)
		return "CAST(" + s + " AS TEXT)", err
	case *tree.Call:
		s, err := text(e.Args[0])
		return e.Name + "(" + s + ")", err
	case *tree.Binary:
		l, err := text(e.L)
		if err != nil {
			return "", err
		}
		r, err := text(e.R)
		return "(" + l + " " + e.Op + " " + r + ")", err
	}
	return "", fmt.Errorf("lower %T", x)
}

// run executes statements in one transaction; a failure undoes the file's part.
func (b *bench) run(stmts string) error {
	l, err := postgres.Parse(stmts)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range l {
		n, err := postgres.Convert(s)
		if err != nil {
			return err
		}
		p, err := Compile(n, Env{Dialect: rel.Postgres,
			Parse: func(_ rel.Dialect, t string) (tree.Node, error) { return postgres.Convert(&rel.Stmt{Text: t}) },
			Lower: func(_ rel.Dialect, _ *catalog.Snapshot, _ *catalog.Table, x tree.Expr, t *op.Type) (string, op.Type, error) {
				s, err := text(x)
				return s, op.Type{Base: op.TInt4}, err
			}})
		if err != nil {
			return err
		}
		if err := b.c.Exec("SAVEPOINT s"); err != nil {
			b.t.Fatal(err)
		}
		was := *b.cat
		b.cat = &catalog.Snapshot{NextOID: was.NextOID, Schemas: maps.Clone(was.Schemas), Tables: maps.Clone(was.Tables),
			Seqs: maps.Clone(was.Seqs), Indexes: maps.Clone(was.Indexes), Roles: maps.Clone(was.Roles)}
		if err = p.DDL(b); err != nil {
			b.cat = &was
			_ = b.c.Exec("ROLLBACK TO s")
			_ = b.c.Exec("RELEASE s")
			return fmt.Errorf("%s: %w", s.Text, err)
		}
		if err := b.c.Exec("RELEASE s"); err != nil {
			return fmt.Errorf("%s: %w", s.Text, err)
		}
	}
	return nil
}

// must is run that fails the test.
func (b *bench) must(stmts string) {
	b.t.Helper()
	if err := b.run(stmts); err != nil {
		b.t.Fatal(err)
	}
}

// fails expects an error of a code.
func (b *bench) fails(code op.Code, stmts, part string) {
	b.t.Helper()
	err := b.run(stmts)
	if op.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), part) {
		b.t.Errorf("%s: code %d, %v", stmts, op.CodeOf(err), err)
	}
}

// sqlite runs plain SQLite text.
func (b *bench) sqlite(s string, ok bool) {
	b.t.Helper()
	if err := b.c.Exec(s); (err == nil) != ok {
		b.t.Errorf("%s: %v", s, err)
	}
}

// text returns a table's SQLite text.
func (b *bench) text(name string) string {
	r, err := b.c.Row("SELECT sql FROM sqlite_schema WHERE name = ?1", op.Text(name))
	if err != nil || r == nil {
		return ""
	}
	return strings.Clone(r[0].Str())
}

// TestCreateTable checks the SQLite form and default names.
func TestCreateTable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must(`create table t (id serial primary key, a int not null check (a > 0), b numeric(10,2) unique, c text, d bytea, e timestamptz, unique (a, c), check (a > id));
		create table u (x text primary key, t_id bigint references t on delete cascade, t2 int references t (id));
		create index on t (c, lower(c)); create index on t (c, lower(c))`)
	want := `CREATE TABLE "t"("id" INTEGER PRIMARY KEY, "a" INTEGER NOT NULL, "b" TEXT COLLATE decimal, "c" TEXT, "d" BLOB, "e" INTEGER, ` +
		`CONSTRAINT "t_a_check" CHECK (("a" > 0)), CONSTRAINT "t_check" CHECK (("a" > "id")))`
	if got := b.text("t"); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	tt := b.cat.Tables[catalog.Key{Schema: "public", Name: "t"}]
	var names []string
	for _, k := range tt.Constraints {
		names = append(names, k.Name)
	}
	for _, ix := range tt.Indexes {
		names = append(names, ix.Name)
	}
	if got := strings.Join(names, " "); got != "t_a_check t_b_key t_a_c_key t_check t_pkey t_b_key t_a_c_key t_c_lower_idx t_c_lower_idx1" {
		t.Error(got)
	}
	if b.cat.Seqs[catalog.Key{Schema: "public", Name: "t_id_seq"}] == nil {
		t.Error("no sequence")
	}
	b.sqlite(`INSERT INTO t(id, a, c) VALUES (1, 5, 'x')`, true)
	b.sqlite(`INSERT INTO u VALUES ('k', 2, NULL)`, false)
	b.sqlite(`INSERT INTO u VALUES ('k', 1, 1)`, true)
	b.fails(op.AlreadyExists, "create table t (a int)", `relation "t" already exists`)
	b.must("create table if not exists t (a int)")
	b.fails(op.NotFound, "create table z (a int references nope)", `relation "nope" does not exist`)
	b.fails(op.Dependency, "drop table t", "cannot drop table t because other objects depend on it")
	b.fails(op.Forbidden, "create table _dotdo_x (a int)", "unacceptable")
	b.must("drop table t cascade")
	b.sqlite(`INSERT INTO u VALUES ('j', 77, 78)`, true)
	if len(b.cat.Seqs) != 0 || len(b.cat.Tables) != 1 {
		t.Error("left over", len(b.cat.Seqs), len(b.cat.Tables))
	}
}

// TestAlterTable checks that changes keep rows, children and constraints.
func TestAlterTable(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must("create table p (id int not null, name text, n int)")
	b.sqlite("INSERT INTO p VALUES (1, 'a', 10), (2, 'b', 20)", true)
	b.must("alter table p add primary key (id); create table c (id int primary key, p_id int not null)")
	if tt := b.cat.Tables[catalog.Key{Schema: "public", Name: "p"}]; tt.RowIDAlias != "id" {
		t.Error("primary key is not the rowid")
	}
	b.sqlite("INSERT INTO c VALUES (1, 1), (2, 2)", true)
	b.must("alter table c add constraint fk foreign key (p_id) references p on delete cascade")
	b.sqlite("INSERT INTO c VALUES (3, 9)", false)
	b.must("alter table p alter column n type text using n::text")
	if r, _ := b.c.Row("SELECT count(*), typeof(max(n)) FROM p"); r[0].Int() != 2 || r[1].Str() != "text" {
		t.Error(r)
	}
	if r, _ := b.c.Row("SELECT count(*) FROM c"); r[0].Int() != 2 {
		t.Error("rebuilding the parent lost children")
	}
	b.sqlite("INSERT INTO c VALUES (3, 9)", false)
	b.must("alter table p add column z int not null default 7, drop column n; create index pz on p (z); alter table p rename column z to zz; alter table p add check (zz > 3)")
	b.sqlite("UPDATE p SET zz = 1", false)
	b.fails(op.CheckViolation, "alter table p add check (zz > 300)", "is violated by some row")
	b.fails(op.NotNullViolation, "alter table p add column nn int not null", "contains null values")
	b.fails(op.UniqueViolation, "alter table p add unique (zz)", "could not create unique index")
	b.must("alter table p rename to q; alter table q drop column name")
	if got := b.text("c"); !strings.Contains(got, `REFERENCES "q"`) {
		t.Error(got)
	}
	b.sqlite("INSERT INTO c VALUES (3, 9)", false)
	b.sqlite("DELETE FROM q WHERE id = 1", true)
	if r, _ := b.c.Row("SELECT count(*) FROM c"); r[0].Int() != 1 {
		t.Error("cascade lost")
	}
	b.fails(op.Dependency, "alter table q drop constraint p_pkey", "cannot drop constraint p_pkey on table q")
	b.must("alter table q drop constraint p_pkey cascade; alter table c drop constraint if exists fk, alter p_id drop not null")
	b.sqlite("INSERT INTO c VALUES (4, NULL)", true)
	if rows, err := b.c.Query("PRAGMA integrity_check"); err != nil || rows[0][0].Str() != "ok" {
		t.Error(rows, err)
	}
}

// TestViewsAndSchemas checks views, schemas and their dependents.
func TestViewsAndSchemas(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must("create schema s; create table s.t (a int); create table t (a int); create view v as select a as a from s.t; create sequence q start 5")
	if b.cat.Tables[catalog.Key{Schema: "s", Name: "t"}].Store != "s.t" {
		t.Error("store name")
	}
	b.fails(op.Dependency, "drop schema s", "cannot drop schema s")
	b.fails(op.Dependency, "drop table s.t", "cannot drop table t")
	b.must("drop table t; drop schema s cascade; drop sequence q; drop table if exists nope")
	if len(b.cat.Tables) != 0 || len(b.cat.Schemas) != 0 || len(b.cat.Seqs) != 0 {
		t.Error("left over")
	}
	if n := b.notices[len(b.notices)-1]; n != `table "nope" does not exist, skipping` {
		t.Error(n)
	}
	b.must(`create table "T" (a int); create table t (a int)`)
	if b.text("t~1") == "" {
		t.Error("case twin not stored apart")
	}
}

// TestRollback checks that an undone schema edit leaves nothing behind.
func TestRollback(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	b.must("create table p (id int primary key); create table c (a int)")
	b.sqlite("INSERT INTO c VALUES (5)", true)
	b.fails(op.ForeignKey, "alter table c add foreign key (a) references p", "violates foreign key constraint")
	b.sqlite("INSERT INTO c VALUES (6)", true)
	if strings.Contains(b.text("c"), "FOREIGN") {
		t.Error(b.text("c"))
	}
}

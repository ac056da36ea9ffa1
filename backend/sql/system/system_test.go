package system

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// sample is a catalog with one of everything.
func sample() *catalog.Snapshot {
	s := catalog.New()
	p := &catalog.Table{OID: 16384, Schema: "public", Name: "p", Store: "p", Primary: []string{"id"}, PrimaryName: "p_pkey", RowIDAlias: "id", Comment: "parents",
		Columns: []*catalog.Column{{Name: "id", Attr: 1, Type: op.Type{Base: op.TInt4}, NotNull: true, Serial: "p_id_seq", Default: "nextval('p_id_seq'::regclass)"},
			{Name: "n", Attr: 2, Type: op.Type{Base: op.TVarchar, Size: 20}, Default: "'x'"}, {Name: "d", Attr: 3, Type: op.Type{Base: op.TNumeric, Size: 10, Scale: 2}}}}
	p.Indexes = []*catalog.Index{{OID: 16385, Schema: "public", Name: "p_pkey", Table: p.Key(), Unique: true, Primary: true, Constraint: true, Items: []catalog.IndexItem{{Column: "id"}}},
		{OID: 16386, Schema: "public", Name: "p_n_idx", Table: p.Key(), Items: []catalog.IndexItem{{Column: "n", Desc: true, NullsFirst: true}, {Expr: "lower(n)"}}, Where: "id > 3"}}
	c := &catalog.Table{OID: 16387, Schema: "public", Name: "c", Store: "c", Columns: []*catalog.Column{{Name: "p_id", Attr: 1, Type: op.Type{Base: op.TInt4}}}}
	c.Constraints = []*catalog.Constraint{{OID: 16388, Name: "c_p_id_fkey", Kind: "FOREIGN KEY", Columns: []string{"p_id"}, RefTable: p.Key(), RefColumns: []string{"id"}, OnDelete: "CASCADE"},
		{OID: 16389, Name: "c_check", Kind: "CHECK", Columns: []string{"p_id"}, Check: "p_id > 0"}}
	v := &catalog.Table{OID: 16390, Schema: "public", Name: "v", Kind: catalog.KindView, ViewText: "SELECT id FROM p", Columns: []*catalog.Column{{Name: "id", Attr: 1, Type: op.Type{Base: op.TInt4}}}}
	for _, t := range []*catalog.Table{p, c, v} {
		s.Tables[t.Key()] = t
		for _, ix := range t.Indexes {
			s.Indexes[t.IndexKey(ix.Name)] = ix
		}
	}
	s.Seqs[catalog.Key{Schema: "public", Name: "p_id_seq"}] = &catalog.Sequence{OID: 16391, Schema: "public", Name: "p_id_seq", Start: 1, Increment: 1, Min: 1, Max: 1<<31 - 1, Type: op.TInt4, Table: "p", Column: "id"}
	return s
}

// TestRelations fills every relation and reads some back.
func TestRelations(t *testing.T) {
	t.Parallel()
	reg := sqlite.NewRegistry()
	Functions(reg)
	conn, err := sqlite.Open(filepath.Join(t.TempDir(), "a.db"), sqlite.Options{Registry: reg})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	r := New(func(string) bool { return true })
	cat, env := sample(), &rel.Env{User: "me", Database: "db"}
	var names []string
	for n := range r.temps {
		names = append(names, n)
	}
	if len(names) != len(table("relations"))+1 {
		t.Errorf("%d relations", len(names))
	}
	for range 2 {
		if err := r.Ensure(conn, cat, env, nil, names); err != nil {
			t.Fatal(err)
		}
	}
	conn.Call = &sql.Call{Env: env, Catalog: cat}
	for _, c := range []struct{ q, want string }{
		{`SELECT relkind FROM temp."pg_catalog.pg_class" WHERE relname = 'p_id_seq'`, "S"},
		{`SELECT dotdo_sys_indexdef(16386)`, "CREATE INDEX p_n_idx ON public.p USING btree (n DESC, lower(n)) WHERE (id > 3)"},
		{`SELECT dotdo_sys_indexdef(16385, 0, 1)`, "CREATE UNIQUE INDEX p_pkey ON p USING btree (id)"},
		{`SELECT dotdo_sys_constraintdef(16388, 1)`, "FOREIGN KEY (p_id) REFERENCES p(id) ON DELETE CASCADE"},
		{`SELECT dotdo_sys_constraintdef(16389)`, "CHECK ((p_id > 0))"},
		{`SELECT group_concat(dotdo_sys_format_type(atttypid, atttypmod), ', ') FROM temp."pg_catalog.pg_attribute" WHERE attrelid = 16384`, "integer, character varying(20), numeric(10,2)"},
		{`SELECT group_concat(adbin, '; ') FROM temp."pg_catalog.pg_attrdef"`, "nextval('p_id_seq'::regclass); 'x'::character varying"},
		{`SELECT typname FROM temp."pg_catalog.pg_type" WHERE oid = 1015`, "_varchar"},
		{`SELECT dotdo_sys_userbyid(10)`, "me"},
		{`SELECT dotdo_sys_obj_description(16384)`, "parents"},
		{`SELECT dotdo_sys_serial_sequence('p', 'id')`, "public.p_id_seq"},
		{`SELECT group_concat(column_name) FROM temp."information_schema.columns" WHERE table_name = 'p'`, "id,n,d"},
		{`SELECT dotdo_sys_viewdef(16390)`, " SELECT id FROM p;"},
		{`SELECT indkey FROM temp."pg_catalog.pg_index" WHERE indexrelid = 16386`, "[2,0]"},
	} {
		row, err := conn.Row(c.q)
		if err != nil || row == nil || row[0].Str() != c.want {
			t.Errorf("%s: %v %v", c.q, row, err)
			if row != nil {
				t.Log(row[0].Str())
			}
		}
	}
}

// TestKeys reads the key-value family's tables as a relation.
func TestKeys(t *testing.T) {
	t.Parallel()
	conn, err := sqlite.Open(filepath.Join(t.TempDir(), "a.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.Exec(`CREATE TABLE _dotdo_kv(id INTEGER PRIMARY KEY, db INTEGER, key BLOB, type INTEGER, expire INTEGER, version INTEGER, n INTEGER, seq INTEGER, value BLOB);
CREATE TABLE _dotdo_kv_list(pos INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE _dotdo_kv_item(pos INTEGER PRIMARY KEY, id INTEGER NOT NULL, member BLOB NOT NULL, value BLOB, score REAL);
INSERT INTO _dotdo_kv VALUES (1, 0, x'61', 1, 0, 0, 0, 0, x'6869'), (2, 0, x'62', 3, 0, 0, 0, 0, NULL), (3, 0, x'63', 5, 9000000000000, 0, 0, 0, NULL), (4, 0, x'64', 1, 5, 0, 0, 0, x'6869');
INSERT INTO _dotdo_kv_list VALUES ((2 << 32) + 7, x'79'), ((2 << 32) + 6, x'78'); INSERT INTO _dotdo_kv_item VALUES (3 << 32, 3, x'6d', NULL, 1.5)`); err != nil {
		t.Fatal(err)
	}
	row, err := conn.Row("SELECT group_concat(key || type || (ttl_ms IS NOT NULL) || value, ' ' ORDER BY key) FROM (" + keysText + ")")
	if err != nil || row[0].Str() != `astring0hi blist0["x","y"] czset1{"m":1.5}` {
		t.Error(row[0].Str(), err)
	}
}

// TestNeeded finds the relations of a lowered text.
func TestNeeded(t *testing.T) {
	t.Parallel()
	got := Needed(`SELECT 1 FROM temp."pg_catalog.pg_class" AS a JOIN temp."pg_catalog.pg_type" b, temp."pg_catalog.pg_class"`)
	if strings.Join(got, " ") != "pg_catalog.pg_class pg_catalog.pg_type" {
		t.Error(got)
	}
}

// TestReg checks the reg* text forms.
func TestReg(t *testing.T) {
	t.Parallel()
	call := &sql.Call{Catalog: sample(), Env: &rel.Env{}}
	for _, c := range []struct {
		b         op.Base
		text, out string
	}{{op.TRegClass, "p", "p"}, {op.TRegClass, "pg_catalog.pg_class", "pg_class"}, {op.TRegClass, `"public"."c"`, "c"}, {op.TRegType, "int[]", "integer[]"},
		{op.TRegType, "character varying", "character varying"}, {op.TRegNS, "public", "public"}, {op.TRegProc, "now", "now"}, {op.TRegClass, "4000000000", "4000000000"}} {
		oid, err := ParseReg(call, c.b, c.text)
		if err != nil || FormatReg(call, c.b, oid) != c.out {
			t.Errorf("%s: %d %v %s", c.text, oid, err, FormatReg(call, c.b, oid))
		}
	}
	if _, err := ParseReg(call, op.TRegClass, "nope"); op.CodeOf(err) != op.NotFound {
		t.Error(err)
	}
}

package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// open opens a connection that the test closes.
func open(t testing.TB, path string, o Options) *Conn {
	t.Helper()
	c, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// must fails the test on an error.
func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// show renders a value for comparison.
func show(v op.Value) string {
	switch v.Kind {
	case op.KindNull:
		return "null"
	case op.KindInt64:
		return fmt.Sprint(v.Int())
	case op.KindFloat64:
		return fmt.Sprintf("%gf", v.Float())
	case op.KindText:
		return fmt.Sprintf("%q", v.Str())
	case op.KindBytes:
		return fmt.Sprintf("x%x", v.Raw)
	}
	return fmt.Sprintf("kind %d", v.Kind)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	must(t, Check())
}

func TestBindRoundTrip(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{})
	uuid := op.Raw(op.KindUUID, []byte("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef"))
	for _, tc := range []struct {
		in   op.Value
		want string
	}{
		{op.Null, "null"},
		{op.Bool(true), "1"},
		{op.Int32(-7), "-7"},
		{op.Int64(math.MinInt64), "-9223372036854775808"},
		{op.Uint64(math.MaxInt64), "9223372036854775807"},
		{op.Uint64(1 << 63), `"09223372036854775808"`},
		{op.Uint64(math.MaxUint64), `"18446744073709551615"`},
		{op.Float64(1.5), "1.5f"},
		{op.Float64(math.NaN()), `"NaN"`},
		{op.Float64(math.Inf(1)), "+Inff"},
		{op.Text(""), `""`},
		{op.Text("a\x00b"), `"a\x00b"`},
		{op.Bytes(nil), "x"},
		{op.Bytes([]byte{0, 1, 2}), "x000102"},
		{op.Raw(op.KindDecimal, []byte("1.50")), `"1.50"`},
		{op.Time(time.UnixMicro(-5)), "-5"},
		{uuid, `"01234567-89ab-cdef-0123-456789abcdef"`},
	} {
		row, err := c.Row("SELECT ?1, typeof(?1)", tc.in)
		must(t, err)
		if got := show(row[0]); got != tc.want {
			t.Errorf("%+v: got %s, want %s", tc.in, got, tc.want)
		}
	}
	if _, err := c.Row("SELECT ?1", op.Array(op.Int64(1))); op.CodeOf(err) != op.TypeMismatch {
		t.Errorf("array: %v", err)
	}
	if _, err := c.Row("SELECT ?1, ?2", op.Null); err == nil {
		t.Error("too few arguments are accepted")
	}
}

func TestLargeValues(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{})
	for _, n := range []int{1, 63, 64, 65, 4096, 1 << 20, 3 << 20} {
		in := bytes.Repeat([]byte{'x'}, n)
		rows, err := c.Query("SELECT ?1, ?2, ?1", op.Bytes(in), op.Text("t"))
		must(t, err)
		if !bytes.Equal(rows[0][0].Raw, in) || !bytes.Equal(rows[0][2].Raw, in) || rows[0][1].Str() != "t" {
			t.Fatalf("%d bytes differ", n)
		}
	}
}

func TestRunChangesAndErrors(t *testing.T) {
	t.Parallel()
	c := open(t, filepath.Join(t.TempDir(), "a.db"), Options{})
	must(t, c.Exec("CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT UNIQUE NOT NULL, n INT CHECK (n > 0), p REFERENCES p); -- end"))
	n, err := c.Run("INSERT INTO t(k,n) VALUES (?1,1),(?2,2)", op.Text("a"), op.Text("b"))
	must(t, err)
	if n != 2 || c.LastInsertRowID() != 2 {
		t.Fatalf("changes %d, rowid %d", n, c.LastInsertRowID())
	}
	n, err = c.Run("UPDATE t SET n = 5 WHERE id > 5")
	must(t, err)
	if n != 0 {
		t.Fatalf("update of nothing changed %d", n)
	}
	n, err = c.Run("CREATE TABLE u(x)")
	must(t, err)
	if n != 0 {
		t.Fatalf("DDL changed %d", n)
	}
	for sql, code := range map[string]int{
		"INSERT INTO t(k,n) VALUES ('a',1)":      ConstraintUnique,
		"INSERT INTO t(id,k,n) VALUES (1,'z',1)": ConstraintPrimaryKey,
		"INSERT INTO t(k,n) VALUES (NULL,1)":     ConstraintNotNull,
		"INSERT INTO t(k,n) VALUES ('z',0)":      ConstraintCheck,
		"INSERT INTO t(k,n,p) VALUES ('z',1,9)":  ConstraintForeignKey,
	} {
		for range 2 { // the same statement works again after its failure
			_, err := c.Run(sql)
			var e *Error
			if !errors.As(err, &e) || e.Extended != code || e.Code != Constraint {
				t.Errorf("%s: %v", sql, err)
			}
		}
	}
	if _, err := c.Run("SELEC 1"); err == nil || !strings.Contains(err.Error(), "syntax error") {
		t.Errorf("syntax: %v", err)
	}
	if _, err := c.Run("SELECT 1; SELECT 2"); err == nil {
		t.Error("two statements in Run are accepted")
	}
	if _, err := c.Run("SELECT 1; -- rest\n;"); err != nil {
		t.Error(err)
	}
	if _, err := c.Run(`SELECT "no such column"`); err == nil {
		t.Error("double-quoted string is accepted")
	}
}

func TestFetchInPieces(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{})
	s, err := c.Prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?1) SELECT i, 'row' || i FROM n")
	must(t, err)
	for range 2 {
		must(t, s.Bind([]op.Value{op.Int64(10)}))
		var all []op.Value
		calls, done := 0, false
		for !done {
			all, done, err = s.Fetch(all, 4, 0)
			must(t, err)
			calls++
		}
		if calls != 3 || len(all) != 20 || all[19].Str() != "row10" {
			t.Fatalf("%d calls, %d values", calls, len(all))
		}
		if more, done, err := s.Fetch(nil, 0, 0); len(more) > 0 || !done || err != nil {
			t.Fatal("a finished statement ran again")
		}
	}
	must(t, s.Bind([]op.Value{op.Int64(1000)}))
	part, done, err := s.Fetch(nil, 0, 400)
	must(t, err)
	if done || len(part) > 40 {
		t.Fatalf("byte bound: %d values, done %v", len(part), done)
	}
	if got := s.ColumnNames(); len(got) != 2 || got[0] != "i" {
		t.Fatal(got)
	}
	s.Close()
	if _, _, err := s.Fetch(nil, 0, 0); err == nil {
		t.Fatal("fetch without bind")
	}
}

func TestStatementCache(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{})
	a, err := c.Prepare("SELECT 1")
	must(t, err)
	b, err := c.Prepare("SELECT 1")
	must(t, err)
	if a == b {
		t.Fatal("two users share a statement")
	}
	a.Close()
	a.Close()
	b.Close()
	x, _ := c.Prepare("SELECT 1")
	y, _ := c.Prepare("SELECT 1")
	if x == y || x != b || y != a {
		t.Fatal("cache does not give statements back")
	}
	x.Close()
	y.Close()
	for i := range 3 * cacheSize {
		_, err := c.Row(fmt.Sprintf("SELECT %d", i))
		must(t, err)
	}
	if c.stmts.n != cacheSize {
		t.Fatalf("%d idle statements", c.stmts.n)
	}
	c.ForgetStatements()
	if c.stmts.n != 0 || len(c.stmts.byText) != 0 || c.stmts.oldest != nil {
		t.Fatal("drop")
	}
}

func TestSchemaChangeUnderCachedStatement(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{})
	must(t, c.Exec("CREATE TABLE t(a); INSERT INTO t VALUES (1)"))
	row, err := c.Row("SELECT * FROM t")
	must(t, err)
	must(t, c.Exec("ALTER TABLE t ADD COLUMN b DEFAULT 2"))
	rows, err := c.Query("SELECT * FROM t")
	must(t, err)
	if len(row) != 1 || len(rows) != 1 || len(rows[0]) != 2 {
		t.Fatalf("%d then %v", len(row), rows)
	}
}

func TestReadersAndWAL(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "w.db")
	w := open(t, path, Options{CacheKiB: 512})
	must(t, w.Exec("CREATE TABLE t(a)"))
	r := open(t, path, Options{ReadOnly: true})
	must(t, r.Exec("BEGIN"))
	row, err := r.Row("SELECT count(*) FROM t")
	must(t, err)
	before := w.WALFrames()
	for range 100 {
		_, err := w.Run("INSERT INTO t VALUES (zeroblob(500))")
		must(t, err)
	}
	if before <= 0 || w.WALFrames() < before+100 {
		t.Fatalf("frames %d then %d", before, w.WALFrames())
	}
	again, err := r.Row("SELECT count(*) FROM t")
	must(t, err)
	if row[0].Int() != 0 || again[0].Int() != 0 || !r.InTransaction() {
		t.Fatal("snapshot moved")
	}
	if _, err := r.Run("INSERT INTO t VALUES (1)"); err == nil {
		t.Fatal("reader wrote")
	}
	must(t, r.Exec("CREATE TEMP TABLE tt AS SELECT 1 AS x"))
	must(t, r.Exec("COMMIT"))
	log, done, err := w.Checkpoint(CheckpointPassive)
	must(t, err)
	if log != done || log == 0 {
		t.Fatalf("checkpoint %d of %d", done, log)
	}
}

func TestInterrupt(t *testing.T) {
	t.Parallel()
	started := make(chan struct{}, 1)
	reg := NewRegistry()
	reg.Scalar("started", 0, false, func(*Conn, []op.Value) (op.Value, error) {
		select {
		case started <- struct{}{}:
		default:
		}
		return op.Int64(1), nil
	})
	c := open(t, ":memory:", Options{Registry: reg})
	go func() {
		<-started
		c.Interrupt()
	}()
	_, err := c.Query("WITH RECURSIVE n(i) AS (SELECT started() UNION ALL SELECT i+1 FROM n) SELECT count(*) FROM n")
	var e *Error
	if !errors.As(err, &e) || e.Code != Interrupted {
		t.Fatal(err)
	}
	row, err := c.Row("SELECT 1")
	must(t, err)
	if row[0].Int() != 1 {
		t.Fatal(row)
	}
	d, err := Open(":memory:", Options{})
	must(t, err)
	must(t, d.Close())
	d.Interrupt()
}

package sqlite

import (
	"errors"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// sum adds integers; it can be moved as a window.
type sum struct{ n, rows int64 }

func (s *sum) Step(_ *Conn, a []op.Value) error {
	if a[0].Kind != op.KindInt64 {
		return op.Errorf(op.TypeMismatch, "not an integer")
	}
	s.n += a[0].Int()
	s.rows++
	return nil
}

func (s *sum) Inverse(_ *Conn, a []op.Value) error {
	s.n -= a[0].Int()
	s.rows--
	return nil
}

func (s *sum) Final(*Conn) (op.Value, error) {
	if s.rows == 0 {
		return op.Null, nil
	}
	return op.Int64(s.n), nil
}

// join keeps the bytes of its arguments until the end.
type join struct{ parts []string }

func (j *join) Step(_ *Conn, a []op.Value) error { j.parts = append(j.parts, a[0].Str()); return nil }
func (j *join) Final(*Conn) (op.Value, error)    { return op.Text(strings.Join(j.parts, ",")), nil }

// functions is the registry of the tests.
func functions() *Registry {
	r := NewRegistry()
	r.Scalar("echo", 1, true, func(_ *Conn, a []op.Value) (op.Value, error) { return a[0], nil })
	r.Scalar("nargs", -1, false, func(_ *Conn, a []op.Value) (op.Value, error) { return op.Int64(int64(len(a))), nil })
	r.Scalar("fails", 0, false, func(*Conn, []op.Value) (op.Value, error) {
		return op.Null, op.Errorf(op.DivisionByZero, "division by zero")
	})
	r.Scalar("panics", 0, false, func(*Conn, []op.Value) (op.Value, error) { panic("boom") })
	r.Scalar("who", 0, false, func(c *Conn, _ []op.Value) (op.Value, error) { return op.Text(c.Call.(string)), nil })
	r.Scalar("rows_of", 1, false, func(c *Conn, a []op.Value) (op.Value, error) {
		row, err := c.Row("SELECT count(*), fails2(?1) FROM t", a[0])
		if err != nil {
			return op.Null, err
		}
		return row[0], nil
	})
	r.Scalar("fails2", 1, false, func(_ *Conn, a []op.Value) (op.Value, error) {
		if a[0].Int() == 0 {
			return op.Null, op.Errorf(op.NotFound, "inner")
		}
		return op.Null, nil
	})
	r.Aggregate("total_of", 1, func() Aggregate { return &sum{} })
	r.Aggregate("join_of", 1, func() Aggregate { return &join{} })
	r.Collation("backwards", func(a, b string) int { return strings.Compare(b, a) })
	r.MissingCollation(func(_ *Conn, name string) func(a, b string) int {
		if name != "late" {
			return nil
		}
		return func(a, b string) int { return len(a) - len(b) }
	})
	return r
}

func TestScalar(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{Registry: functions()})
	c.Call = "me"
	long := strings.Repeat("é", 1000)
	row, err := c.Row("SELECT echo(?1), echo(?2), echo(?3), echo(?4), echo(NULL), nargs(1,2,3,4,5,6,7,8,9,10,11,12,13,14), nargs(), who(), echo(x'0001'), echo(18446744073709551615)",
		op.Text(long), op.Int64(-1), op.Float64(2.5), op.Text("a\x00"))
	must(t, err)
	want := []string{show(op.Text(long)), "-1", "2.5f", `"a\x00"`, "null", "14", "0", `"me"`, "x0001", "1.8446744073709552e+19f"}
	for i, w := range want {
		if got := show(row[i]); got != w {
			t.Errorf("column %d: %s, want %s", i, got, w)
		}
	}
	if _, err := c.Row("SELECT fails()"); op.CodeOf(err) != op.DivisionByZero {
		t.Errorf("typed error is lost: %v", err)
	}
	if _, err := c.Row("SELECT panics()"); err == nil || !strings.Contains(err.Error(), "boom") {
		t.Errorf("panic: %v", err)
	}
	if _, err := c.Row("SELECT nosuch()"); err == nil || !strings.Contains(err.Error(), "no such function") {
		t.Errorf("unknown function: %v", err)
	}
	if len(c.args) != 0 {
		t.Errorf("%d arguments left on the stack", len(c.args))
	}
}

func TestFunctionThatQueries(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{Registry: functions()})
	must(t, c.Exec("CREATE TABLE t(a); INSERT INTO t VALUES (1),(2),(3)"))
	rows, err := c.Query("SELECT a, rows_of(a), 'x' || a FROM t")
	must(t, err)
	if len(rows) != 3 || rows[2][0].Int() != 3 || rows[2][1].Int() != 3 || rows[2][2].Str() != "x3" {
		t.Fatal(rows)
	}
	if _, err := c.Query("SELECT rows_of(0)"); op.CodeOf(err) != op.NotFound {
		t.Fatal(err)
	}
}

func TestAggregates(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{Registry: functions()})
	must(t, c.Exec("CREATE TABLE t(g,a); INSERT INTO t VALUES ('x',1),('x',2),('y',3),('y',4),('y',5)"))
	rows, err := c.Query("SELECT g, total_of(a), join_of('v' || a) FROM t GROUP BY g ORDER BY g")
	must(t, err)
	if rows[0][1].Int() != 3 || rows[1][1].Int() != 12 || rows[1][2].Str() != "v3,v4,v5" {
		t.Fatal(rows)
	}
	row, err := c.Row("SELECT total_of(a), join_of(a) FROM t WHERE 0")
	must(t, err)
	if !row[0].IsNull() || show(row[1]) != `""` {
		t.Fatal(row)
	}
	rows, err = c.Query("SELECT total_of(a) OVER (ORDER BY a ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t")
	must(t, err)
	got := ""
	for _, r := range rows {
		got += show(r[0]) + " "
	}
	if got != "1 3 5 7 9 " {
		t.Fatal(got)
	}
	if _, err := c.Query("SELECT total_of(g) FROM t"); op.CodeOf(err) != op.TypeMismatch {
		t.Fatal(err)
	}
	if _, err := c.Row("SELECT g, total_of(a) FROM t GROUP BY g"); err != nil {
		t.Fatal(err)
	}
	if len(c.aggs) != 0 {
		t.Fatalf("%d aggregates leak", len(c.aggs))
	}
}

func TestGoCollations(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{Registry: functions()})
	must(t, c.Collation("caseless", func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }))
	must(t, c.Exec("CREATE TABLE t(a TEXT); INSERT INTO t VALUES ('bb'),('A'),('ccc')"))
	for sql, want := range map[string]string{
		"SELECT group_concat(a, ' ' ORDER BY a COLLATE backwards) FROM t": "ccc bb A",
		"SELECT group_concat(a, ' ' ORDER BY a COLLATE late DESC) FROM t": "ccc bb A",
		"SELECT a FROM t WHERE a = 'a' COLLATE caseless":                  "A",
	} {
		row, err := c.Row(sql)
		must(t, err)
		if len(row) == 0 || row[0].Str() != want {
			t.Errorf("%s: %v", sql, row)
		}
	}
	_, err := c.Row("SELECT a FROM t ORDER BY a COLLATE nosuch")
	var e *Error
	if !errors.As(err, &e) || !strings.Contains(e.Msg, "nosuch") {
		t.Error(err)
	}
}

package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// benchTable returns a connection to a table of 100,000 rows.
func benchTable(b *testing.B) *Conn {
	c := open(b, filepath.Join(b.TempDir(), "b.db"), Options{CacheKiB: 64 << 10})
	must(b, c.Exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, k TEXT, v TEXT);
		WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < 100000)
		INSERT INTO t SELECT i, 'key' || i, hex(randomblob(50)) FROM n;
		CREATE UNIQUE INDEX tk ON t(k)`))
	return c
}

func BenchmarkPointByRowID(b *testing.B) {
	c := benchTable(b)
	must(b, c.Exec("BEGIN"))
	s, err := c.Prepare("SELECT v FROM t WHERE id = ?1")
	must(b, err)
	args, vals := []op.Value{{}}, make([]op.Value, 0, 4)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		args[0] = op.Int64(int64(i*7919%100000 + 1))
		must(b, s.Bind(args))
		vals, _, err = s.Fetch(vals[:0], 0, 0)
		if err != nil || len(vals) != 1 {
			b.Fatal(err, len(vals))
		}
	}
}

func BenchmarkUpsert(b *testing.B) {
	c := benchTable(b)
	must(b, c.Exec("BEGIN"))
	s, err := c.Prepare("INSERT INTO t(id,k,v) VALUES (?1,?2,?3) ON CONFLICT(id) DO UPDATE SET v = excluded.v")
	must(b, err)
	v := make([]byte, 100)
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		v[i%100]++
		must(b, s.Bind([]op.Value{op.Int64(int64(i*7919%100000 + 1)), op.Text("k"), op.Bytes(v)}))
		if _, _, err := s.Fetch(nil, 0, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkScan1000x3(b *testing.B) {
	c := benchTable(b)
	s, err := c.Prepare("SELECT id, k, v FROM t WHERE id BETWEEN ?1 AND ?1 + 999")
	must(b, err)
	var vals []op.Value
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		must(b, s.Bind([]op.Value{op.Int64(int64(i*1000%99000 + 1))}))
		vals, _, err = s.Fetch(vals[:0], 0, 0)
		if err != nil || len(vals) != 3000 {
			b.Fatal(err, len(vals))
		}
	}
}

func BenchmarkGoFunction(b *testing.B) {
	r := NewRegistry()
	r.Scalar("same", 1, false, func(_ *Conn, a []op.Value) (op.Value, error) { return a[0], nil })
	c := open(b, ":memory:", Options{Registry: r})
	s, err := c.Prepare("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < ?1) SELECT sum(same(i)) FROM n")
	must(b, err)
	b.ReportAllocs()
	b.ResetTimer()
	must(b, s.Bind([]op.Value{op.Int64(int64(b.N))}))
	_, _, err = s.Fetch(nil, 0, 0)
	must(b, err)
}

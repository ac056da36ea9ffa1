package sqlite

import (
	"fmt"
	"math/big"
	"math/rand"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// randomDecimal returns a decimal text of one of many shapes.
func randomDecimal(r *rand.Rand) string {
	digits := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0001239"[r.Intn(7)]
		}
		return string(b)
	}
	s := digits(1 + r.Intn(12))
	if r.Intn(2) == 0 {
		s += "." + digits(1+r.Intn(8))
	}
	switch r.Intn(5) {
	case 0, 1:
		s = "-" + s
	case 2:
		s = strings.Repeat("0", r.Intn(3)) + s
	}
	return s
}

// TestDecimalOrder checks the collation against math/big on 50,000 values.
func TestDecimalOrder(t *testing.T) {
	t.Parallel()
	const seed, n = 42, 50000
	r := rand.New(rand.NewSource(seed))
	c := open(t, ":memory:", Options{})
	must(t, c.Exec("CREATE TABLE d(v TEXT COLLATE decimal); BEGIN"))
	for range n {
		_, err := c.Run("INSERT INTO d VALUES (?1)", op.Text(randomDecimal(r)))
		must(t, err)
	}
	must(t, c.Exec("INSERT INTO d VALUES ('NaN'),('Infinity'),('-Infinity'),('NaN'); COMMIT; CREATE INDEX di ON d(v)"))
	rows, err := c.Query("SELECT v FROM d ORDER BY v")
	must(t, err)
	if rows[0][0].Str() != "-Infinity" || rows[n+1][0].Str() != "Infinity" || rows[n+2][0].Str() != "NaN" || rows[n+3][0].Str() != "NaN" {
		t.Fatal("special values stand in the wrong place")
	}
	var last *big.Rat
	groups := int64(4 - 1)
	for _, row := range rows[1 : n+1] {
		x, ok := new(big.Rat).SetString(row[0].Str())
		if !ok {
			t.Fatalf("%q", row[0].Str())
		}
		if last != nil && last.Cmp(x) > 0 {
			t.Fatalf("seed %d: %s before %s", seed, last, x)
		}
		if last == nil || last.Cmp(x) != 0 {
			groups++
		}
		last = x
	}
	row, err := c.Row("SELECT count(DISTINCT v) FROM d")
	must(t, err)
	if row[0].Int() != groups {
		t.Fatalf("%d distinct values, want %d", row[0].Int(), groups)
	}
}

// compareSQL returns the sign of a against b under a collation.
func compareSQL(t *testing.T, c *Conn, coll, a, b string) int {
	t.Helper()
	row, err := c.Row(fmt.Sprintf("SELECT (?1 > ?2 COLLATE %s) - (?1 < ?2 COLLATE %s)", coll, coll), op.Text(a), op.Text(b))
	must(t, err)
	return int(row[0].Int())
}

func TestCollationPairs(t *testing.T) {
	t.Parallel()
	c := open(t, ":memory:", Options{})
	for _, tc := range []struct {
		coll, a, b string
		want       int
	}{
		{"decimal", "-0.00", "0", 0},
		{"decimal", ".5", "0.50", 0},
		{"decimal", "+1", "01.", 0},
		{"decimal", "-2", "-10", 1},
		{"decimal", "9", "10", -1},
		{"decimal", "99999999999999999999999999999.1", "99999999999999999999999999999.09", 1},
		{"decimal", "x", "NaN", 1},
		{"decimal", "", "NaN", 1},
		{"decimal", "1.2.3", "1.2.4", -1},
		{"interval", "P1M", "P30D", 0},
		{"interval", "P1Y", "P360D", 0},
		{"interval", "P1D", "PT24H", 0},
		{"interval", "P1Y2M3DT4H5M6.7S", "P1Y2M3DT4H5M6.700001S", -1},
		{"interval", "P-1M", "PT0S", -1},
		{"interval", "PT-0.5S", "PT-0.25S", -1},
		{"interval", "P2W", "P14D", 0},
		{"interval", "junk", "P9999Y", 1},
		{"interval", "PT1M", "P1M", -1},
		{"ci", "HELLO", "hello", 0},
		{"ci", "É", "e", 0},
		{"ci", "straSe", "straße", 0},
		{"ci", "ŽLUŤOUČKÝ", "zlutoucky", 0},
		{"ci", "ПРИВЕТ", "привет", 0},
		{"ci", "ΣΊΣΥΦΟΣ", "ΣΊΣΥΦΟς", 0},
		{"ci", "a", "B", -1},
		{"ci", "abc", "ab", 1},
		{"ci", "_", "a", 1},
		{"ci", "a\x00b", "A\x00c", -1},
		{"ci", "\xff", "\U0010ffff", 1},
		{"ci", "日本", "日本語", -1},
	} {
		if got := compareSQL(t, c, tc.coll, tc.a, tc.b); got != tc.want {
			t.Errorf("%s: %q against %q = %d, want %d", tc.coll, tc.a, tc.b, got, tc.want)
		}
		if got := compareSQL(t, c, tc.coll, tc.b, tc.a); got != -tc.want {
			t.Errorf("%s: not antisymmetric for %q and %q", tc.coll, tc.a, tc.b)
		}
	}
}

package rel_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// TestExpressions compares every line of expressions.sql with what PostgreSQL
// answered.
func TestExpressions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/expressions.sql")
	if err != nil {
		t.Fatal(err)
	}
	golden, err := os.ReadFile("testdata/expressions.golden")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile(`(?m)^#\d+\n`).Split(string(golden), -1)[1:]
	h := newHarness(t, rel.Postgres)
	h.null = ""
	for i, q := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		got := h.run(q)
		if e, ok := strings.CutPrefix(got, "error: "); ok {
			got = "ERROR:  " + e
		}
		if want := strings.TrimSuffix(blocks[i], "\n"); got != want {
			t.Errorf("%s\n got %q\nwant %q", q, got, want)
		}
	}
}

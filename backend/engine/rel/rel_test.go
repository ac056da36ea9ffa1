package rel_test

import (
	"context"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/engine"
	enginerel "github.com/dot-do/dotdo-proxy/backend/engine/rel"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// harness runs texts on a real object.
type harness struct {
	t *testing.T
	l *engine.Local
	d rel.Dialect
	// null is how NULL is written.
	null string
}

// newHarness opens a store in a temporary directory.
func newHarness(t *testing.T, d rel.Dialect) *harness {
	t.Helper()
	l, err := engine.New(engine.Options{Object: object.Options{Dir: t.TempDir()}, Families: map[op.Family]engine.Named{op.FamilyRel: {Name: "rel", Family: enginerel.New()}}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		_ = l.Close(ctx)
	})
	return &harness{t: t, l: l, d: d, null: "NULL"}
}

// run executes every statement of a text; it returns the rows of the last one
// as text, columns by |, rows by newline, or the error.
func (h *harness) run(text string) string {
	ctx := context.Background()
	r, err := h.l.Do(ctx, &op.Op{Body: &rel.Parse{Dialect: h.d, Text: text}})
	if err != nil {
		return "error: " + err.Error()
	}
	out := ""
	for _, st := range r.(*rel.Parsed).Statements {
		out = h.one(ctx, st)
		if strings.HasPrefix(out, "error: ") {
			return out
		}
	}
	return out
}

// one executes one statement.
func (h *harness) one(ctx context.Context, st *rel.Stmt) string {
	env := &rel.Env{User: "tester", Database: "main", SearchPath: []string{"public"}, SessionID: 7, TxnStart: 1_700_000_000_000_000}
	r, err := h.l.Do(ctx, &op.Op{Target: op.Target{Database: "main"}, Body: &rel.Query{Stmt: st, Env: env}})
	if err != nil {
		e := op.AsError(err)
		if e.Code == op.UniqueViolation && len(e.Columns) > 0 && len(e.Values) == len(e.Columns) {
			return fmt.Sprintf("error: %s / Key (%s)=(%d) already exists.", e.Msg, strings.Join(e.Columns, ", "), e.Values[0].Int())
		}
		return "error: " + e.Msg
	}
	defer r.Close()
	var cols []op.Column
	var rows []string
	for {
		f, err := r.Next(ctx)
		if err == io.EOF {
			return strings.Join(rows, "\n")
		}
		if err != nil {
			return "error: " + err.Error()
		}
		switch f := f.(type) {
		case *op.Head:
			cols = f.Columns
		case *op.Rows:
			for i := 0; i < f.N(); i++ {
				parts := make([]string, f.Cols)
				for c := range parts {
					v := f.Values[i*f.Cols+c]
					switch {
					case v.IsNull():
						parts[c] = h.null
					case h.d == rel.MySQL:
						parts[c] = string(datum.AppendMySQL(nil, cols[c].Type, v, datum.Options{}))
					default:
						parts[c] = string(datum.Append(nil, cols[c].Type, v, datum.Options{}))
					}
				}
				rows = append(rows, strings.Join(parts, "|"))
			}
		}
	}
}

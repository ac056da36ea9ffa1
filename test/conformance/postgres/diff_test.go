package postgres

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Flags of the comparison.
var (
	files  = flag.String("files", "", "statement files to compare, default testdata/diff/*.sql")
	setup  = flag.String("setup", "", "statement file to run first in every database")
	report = flag.String("report", "", "write every difference to this file")
	update = flag.Bool("update", false, "write testdata/diff/known.txt from what is found")
)

// dial connects with the plain settings both servers get.
func dial(addr, db string) (*pgconn.PgConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return pgconn.Connect(ctx, url(addr, db))
}

// outcome is what one statement did, one line a fact.
type outcome struct {
	head string // column names and type oids
	rows []string
	tag  string
	err  string
}

// run executes one statement through the simple protocol.
func run(c *pgconn.PgConn, s statement) (o outcome) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	defer func() {
		if o.err == "" && ctx.Err() != nil {
			o.err = "timeout"
		}
	}()
	if s.data != nil {
		tag, err := c.CopyFrom(ctx, strings.NewReader(*s.data), s.text)
		return outcome{tag: tag.String(), err: errText(err)}
	}
	if copyOut.MatchString(s.text) {
		var b strings.Builder
		tag, err := c.CopyTo(ctx, &b, s.text)
		return outcome{tag: tag.String(), err: errText(err), rows: strings.Split(b.String(), "\n")}
	}
	m := c.Exec(ctx, s.text)
	for m.NextResult() {
		r := m.ResultReader()
		for _, f := range r.FieldDescriptions() {
			o.head += fmt.Sprintf("%s:%d:%d ", f.Name, oidOf(f.DataTypeOID), f.TypeModifier)
		}
		for r.NextRow() {
			var b strings.Builder
			for i, v := range r.Values() {
				if i > 0 {
					b.WriteByte('|')
				}
				if v == nil {
					b.WriteString("∅")
				} else {
					b.Write(v)
				}
			}
			o.rows = append(o.rows, b.String())
		}
		tag, err := r.Close()
		o.tag += tag.String()
		if err != nil {
			o.err = errText(err)
		}
	}
	if err := m.Close(); err != nil && o.err == "" {
		o.err = errText(err)
	}
	if !ordered.MatchString(s.text) {
		sort.Strings(o.rows)
	}
	return o
}

// Statements that are read in a special way.
var (
	ordered = regexp.MustCompile(`(?i)order\s+by|^\s*fetch|^\s*show|^\s*values`)
	copyOut = regexp.MustCompile(`(?is)^\s*copy\b.*\bto\s+stdout`)
	skipped = regexp.MustCompile(`(?is)^\s*(explain|analyze|vacuum)\b`)
)

// oidOf hides the identifiers of objects that the statements made themselves.
func oidOf(oid uint32) uint32 {
	if oid >= 16384 {
		return 16384
	}
	return oid
}

// errText is the SQLSTATE, message and names of an error; detail, hint and
// position are not compared.
func errText(err error) string {
	if err == nil {
		return ""
	}
	var e *pgconn.PgError
	if !errors.As(err, &e) {
		return "broken: " + err.Error()
	}
	return fmt.Sprintf("%s %s [%s|%s|%s|%s]", e.Code, e.Message, e.SchemaName, e.TableName, e.ColumnName, e.ConstraintName)
}

// diff says how two outcomes differ, "" = they do not.
func (o outcome) diff(want outcome) string {
	switch {
	case o.err != "" && o.err == want.err:
		return "" // whether columns were described before the failure shows nowhere
	case o.err != want.err:
		return fmt.Sprintf("error\n  want %s\n  got  %s", want.err, o.err)
	case o.head != want.head:
		return fmt.Sprintf("columns\n  want %s\n  got  %s", want.head, o.head)
	case !slices.Equal(o.rows, want.rows):
		for i := range max(len(o.rows), len(want.rows)) {
			w, g := "(none)", "(none)"
			if i < len(want.rows) {
				w = want.rows[i]
			}
			if i < len(o.rows) {
				g = o.rows[i]
			}
			if w != g {
				return fmt.Sprintf("row %d of %d\n  want %s\n  got  %s", i+1, len(want.rows), w, g)
			}
		}
	case o.tag != want.tag:
		return fmt.Sprintf("tag\n  want %s\n  got  %s", want.tag, o.tag)
	}
	return ""
}

// score counts the statements of one file.
type score struct{ same, all int }

// pair is the same database on both servers.
type pair struct {
	addr [2]string
	db   [2]string
	conn [2]*pgconn.PgConn
}

// both runs a statement on both servers.
func (p *pair) both(s statement) (got, want outcome) {
	done := make(chan struct{})
	go func() { defer close(done); want = p.one(0, s) }()
	got = p.one(1, s)
	<-done
	return got, want
}

// one runs a statement on one server; a lost connection is opened again.
func (p *pair) one(i int, s statement) outcome {
	if p.conn[i] == nil || p.conn[i].IsClosed() {
		c, err := dial(p.addr[i], p.db[i])
		if err != nil {
			return outcome{err: "connect: " + err.Error()}
		}
		p.conn[i] = c
	}
	return run(p.conn[i], s)
}

// close ends both connections.
func (p *pair) close() {
	for _, c := range p.conn {
		if c != nil {
			_ = c.Close(context.Background())
		}
	}
}

// TestDifferential compares every statement of the files. A statement that
// differs must be listed in known.txt, a listed one must differ.
func TestDifferential(t *testing.T) {
	list, _ := filepath.Glob("testdata/diff/*.sql")
	if *files != "" {
		list = strings.Fields(strings.ReplaceAll(*files, ",", " "))
	}
	pg, ours := oracle(t), os.Getenv("DOTDO_PG_TARGET")
	if ours == "" {
		ours = start(t)
	}
	var out strings.Builder
	var found []string
	total := score{}
	for _, file := range list {
		s, names := compareFile(t, file, pg, ours, &out)
		found = append(found, names...)
		total.same, total.all = total.same+s.same, total.all+s.all
		t.Logf("%-28s %5d of %5d  %5.1f %%", filepath.Base(file), s.same, s.all, 100*float64(s.same)/float64(max(s.all, 1)))
	}
	t.Logf("%-28s %5d of %5d  %5.1f %%", "total", total.same, total.all, 100*float64(total.same)/float64(max(total.all, 1)))
	if *report != "" {
		if err := os.WriteFile(*report, []byte(out.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if *files == "" {
		checkKnown(t, found)
	}
}

// compareFile compares one file in a fresh database.
func compareFile(t *testing.T, file, pg, ours string, out *strings.Builder) (s score, names []string) {
	t.Helper()
	base := strings.TrimSuffix(filepath.Base(file), ".sql")
	db := "diff_" + base + fmt.Sprintf("_%d", time.Now().UnixNano()%1e9)
	admin, err := dial(pg, "postgres")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = admin.Close(context.Background()) }()
	if _, err := admin.Exec(t.Context(), "CREATE DATABASE "+db+" TEMPLATE template0").ReadAll(); err != nil {
		t.Fatal(err)
	}
	p := &pair{addr: [2]string{pg, ours}, db: [2]string{db, db}}
	defer func() {
		p.close()
		_, _ = admin.Exec(context.Background(), "DROP DATABASE "+db+" WITH (FORCE)").ReadAll()
	}()
	if *setup != "" {
		for _, st := range readStatements(t, *setup) {
			p.both(st)
		}
	}
	for _, st := range readStatements(t, file) {
		if skipped.MatchString(st.text) {
			continue
		}
		got, want := p.both(st)
		if want.err != "" && strings.HasPrefix(want.err, "broken") {
			continue
		}
		s.all++
		if d := got.diff(want); d != "" {
			name := base + ": " + oneLine(st.text)
			names = append(names, name)
			fmt.Fprintf(out, "%s:%d: %s\n  %s\n", base, st.line, oneLine(st.text), d)
		} else {
			s.same++
		}
	}
	return s, names
}

// oneLine shortens a statement to one line.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > 300 {
		s = s[:300]
	}
	return s
}

// checkKnown compares what was found with the list of known differences.
func checkKnown(t *testing.T, found []string) {
	const file = "testdata/diff/known.txt"
	if *update {
		if err := os.WriteFile(file, []byte(strings.Join(found, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		known[strings.TrimSpace(line)] = true
	}
	for _, f := range found {
		if !known[strings.TrimSpace(f)] {
			t.Errorf("differs and is not in known.txt: %s", f)
		}
		delete(known, strings.TrimSpace(f))
	}
	delete(known, "")
	for k := range known {
		t.Errorf("agrees now, remove it from known.txt: %s", k)
	}
}

package rel_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/engine"
	enginerel "github.com/dot-do/dotdo-proxy/backend/engine/rel"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/mysql"
	"github.com/dot-do/dotdo-proxy/backend/sql/postgres"
)

// twins are two engines, one of which never lifts literals. Every reply must
// be the same, columns and errors included.
type twins struct {
	t           *testing.T
	d           rel.Dialect
	lift, whole *engine.Local
	lifted      int // statements that had a template
}

// newTwins opens both.
func newTwins(t *testing.T, d rel.Dialect) *twins {
	open := func(e *enginerel.Engine) *engine.Local {
		l, err := engine.New(engine.Options{Object: object.Options{Dir: t.TempDir()}, Families: map[op.Family]engine.Named{op.FamilyRel: {Name: "rel", Family: e}}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close(context.Background()) })
		return l
	}
	return &twins{t: t, d: d, lift: open(enginerel.New()), whole: open(enginerel.NewWhole())}
}

// exact runs a text and writes everything that came back.
func (w *twins) exact(l *engine.Local, text string) string {
	ctx := context.Background()
	var b strings.Builder
	say := func(err error) string {
		e := op.AsError(err)
		fmt.Fprintf(&b, "error %d %q %q %q at %d; %s %s %s %s %s %v %v\n", e.Code, e.Msg, e.Detail, e.Hint, e.Position, e.Object, e.Name, e.Table, e.Column, e.Constraint, e.Columns, e.Values)
		return b.String()
	}
	r, err := l.Do(ctx, &op.Op{Body: &rel.Parse{Dialect: w.d, Text: text}})
	if err != nil {
		return say(err)
	}
	for _, st := range r.(*rel.Parsed).Statements {
		if st.Template != nil {
			w.lifted++
		}
		head := fmt.Sprintf("%q %d %v %d\n", st.Text, st.Kind, st.Returns, st.Params)
		if st.Kind != rel.KindData && st.Kind != rel.KindDDL {
			continue
		}
		env := &rel.Env{User: "tester", Database: "main", SearchPath: []string{"public"}, SessionID: 7, TxnStart: 1_700_000_000_000_000}
		r, err := l.Do(ctx, &op.Op{Target: op.Target{Database: "main"}, Body: &rel.Query{Stmt: st, Env: env}})
		for err == nil {
			var f op.Frame
			if f, err = r.Next(ctx); err == nil {
				if d, ok := f.(*op.Done); ok {
					x := *d
					x.LSN = 0
					f = &x
				}
				fmt.Fprintf(&b, "%+v\n", f)
			}
		}
		if err != io.EOF { // the grammar may have refused the text already: the head is left out
			return say(err)
		}
		b.WriteString(head)
		_ = r.Close()
	}
	return b.String()
}

// check runs a text on both.
func (w *twins) check(text string) {
	w.t.Helper()
	a, b := w.exact(w.lift, text), w.exact(w.whole, text)
	if a != b && !volatileReply(text) {
		w.t.Errorf("%s\nlifted %s\n whole %s", text, a, b)
	}
}

// volatileReply tells statements whose answer differs from one run to the next.
func volatileReply(text string) bool {
	text = strings.ToLower(text)
	for _, w := range []string{"'now'", "mode()", "random", "uuid", "clock", "timeofday", "statement_timestamp", "rand(", "sysdate", "postmaster", "now(", "clock", "unix_timestamp()", "curtime", "version"} {
		if strings.Contains(text, w) {
			return true
		}
	}
	return false
}

// strange are values that mean something somewhere.
var strange = []string{"0", "1", "2", "3", "7", "100", "32768", "2147483647", "1.50", "0.0", "10.25", "'x'", "''", "'1'", "'one'", "'a%'", "'now'", "'2024-02-29'",
	"'1 day'", "'-5'", "'3.7'", "'{1,2}'", "'t'", "'it''s'", "'public'", "' 12 '", "'abcdefgh'", "'{\"a\":1}'"}

// other returns the text with other literals, mostly of the same kinds.
func other(text string, s *sql.Scan, r *rand.Rand) string {
	var b strings.Builder
	at := 0
	for _, sp := range s.Spans {
		b.WriteString(text[at:sp.At])
		at = sp.At + sql.LiteralLen(text[sp.At:])
		for {
			x := strange[r.IntN(len(strange))]
			if r.IntN(3) == 0 {
				x = text[sp.At:at]
			} else if (x[0] == '\'') != (sp.Kind == sql.LitText) {
				continue
			}
			b.WriteString(x)
			break
		}
	}
	return b.String() + text[at:]
}

// all runs the texts of a file and of a table, each followed by others of its
// template.
func (w *twins) all(texts []string, scan func(string, *sql.Scan) bool) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, text := range texts {
		w.check(text)
		s := &sql.Scan{}
		if !scan(text, s) {
			continue
		}
		w.check(text)
		if strings.Contains(text, "RECURSIVE") || strings.Contains(text, "generate_series") {
			continue // other numbers may never end
		}
		for range 6 {
			w.check(other(text, s, r))
		}
	}
	if w.lifted < len(texts) {
		w.t.Errorf("only %d of the statements had a template", w.lifted)
	}
}

// liftCases are texts in which literals mean more than a value.
var liftCases = []string{
	"CREATE TABLE l (id int PRIMARY KEY, a smallint, b text, n numeric(6,2), d date, ts timestamptz, f float8, v varchar(4), c char(3), j jsonb, ok boolean, big bigint)",
	"INSERT INTO l VALUES (1, 2, 'x', 1.5, '2024-01-01', '2024-01-01 10:00+02', 1.5, 'abc', 'ab', '{\"a\": 1}', true, 9999999999)",
	"INSERT INTO l (id, a, b) VALUES (2, 3, 'y'), (3, -4, 'z'), (4, - 5, 'it''s')",
	"INSERT INTO l (id, a) VALUES (5, '6')",
	"INSERT INTO l (id, n) VALUES (6, 7.125)",
	"SELECT * FROM l WHERE id = 1", "SELECT id FROM l WHERE id = '2'", "SELECT id FROM l WHERE id IN (1, 2, '3') ORDER BY 1",
	"SELECT id, b FROM l ORDER BY 2 DESC, 1 LIMIT 2 OFFSET 1", "SELECT id FROM l ORDER BY id LIMIT 3",
	"SELECT b, count(*) FROM l GROUP BY 1 ORDER BY 1", "SELECT id + 1, count(*) FROM l GROUP BY id + 1 ORDER BY 1",
	"SELECT 'x' || b FROM l ORDER BY id", "SELECT '5' + 1", "SELECT -5, - 5, 5 - 3, 5 -3, 2 * -3, -2147483648, 2147483648, - -4",
	"SELECT 1.50, 01.5, 10.0 / 4, 7 / 2, 7 % 3", "SELECT date '2024-01-31', interval '1 day', interval '3' day, '10'::varchar(1), 'abc'::char(2)",
	"SELECT '2024-01-31'::date + 1, '1 day'::interval * 2, '12:00'::time", "SELECT 'today'::date IS NOT NULL",
	"SELECT substring('abcdef' from 2 for 3), left('abc', 2), extract(year from date '2024-05-06'), round(2.567, 2)",
	"SELECT j -> 'a', j ->> 'a', j @> '{\"a\": 1}' FROM l WHERE id = 1", "SELECT (ARRAY[1, 2, 3])[2], ARRAY['a', 'b']",
	"SELECT id FROM l WHERE b LIKE 'x%' OR b ILIKE 'Y_' ORDER BY id", "SELECT CASE WHEN id > 2 THEN 'big' ELSE 'small' END FROM l ORDER BY id",
	"UPDATE l SET a = a + 1, b = 'w', n = 3 WHERE id = 2", "UPDATE l SET v = 'abcd' WHERE id = 1", "UPDATE l SET c = 'x' WHERE id = 1 RETURNING c, v",
	"UPDATE l SET d = '2024-02-03', ts = '2024-02-03 04:05:06', ok = 'yes', big = 5, f = 2 WHERE id = 1 RETURNING *",
	"DELETE FROM l WHERE id = 4 AND a < 100", "INSERT INTO l (id, b) VALUES (1, 'new') ON CONFLICT (id) DO UPDATE SET b = excluded.b || '!' RETURNING b",
	"SELECT 1 UNION SELECT 2 UNION ALL SELECT 3 ORDER BY 1", "SELECT 'a' UNION SELECT NULL ORDER BY 1", "VALUES (1, 'a'), (2, 'b')",
	"SELECT DISTINCT 1, 'x' FROM l", "SELECT count(*), sum(a + 1), max(b) || 'q' FROM l WHERE a > 0 HAVING count(*) > 0",
	"SELECT id, sum(a) OVER (ORDER BY id ROWS 1 PRECEDING) FROM l ORDER BY id", "WITH w AS (SELECT 5 AS q) SELECT q + 1 FROM w",
	"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 4) SELECT n FROM r ORDER BY n",
	"SELECT (SELECT id FROM l ORDER BY id LIMIT 1)", "SELECT (SELECT id FROM l LIMIT 2)", "SELECT x FROM (VALUES (1), (2)) AS t(x) WHERE x > 1",
	"SELECT id FROM l WHERE id BETWEEN 1 AND 3 AND ok IS NOT DISTINCT FROM true ORDER BY id", "SELECT (1, 2) < (1, 3), (id, a) = (1, 2) FROM l ORDER BY id",
	"SELECT id /* 5 'x' */ FROM l -- 7\n WHERE id = 1;", "SELECT 'a'\n'b'", "SELECT E'a\\'b', U&'x', B'01', X'1F', $$q$$, 1e3, 0x10, 1_000",
	"SELECT \"id\" FROM \"l\" WHERE \"id\" = 1", "SELECT generate_series(1, 3)", "SELECT 5 / 0", "SELECT 'x'::int", "SELECT id FROM l WHERE b = 5",
	"CREATE INDEX lp ON l (a) WHERE b = 'x'", "SELECT a FROM l WHERE b = 'x' AND a = 2", "SELECT current_setting('TimeZone'), 'q' AS \"name 5\"",
	"SELECT a.id FROM l a JOIN l b ON a.id = b.id AND b.id <> 3 WHERE a.a + 1 > 2 ORDER BY 1", "SELECT EXISTS (SELECT 1 FROM l WHERE id = 1)",
	"SELECT '1' = 1, '1.0'::numeric = 1, 1 = 1.0, 'a' < 'b', NULL = 1", "SELECT id FROM l WHERE d > '2024-01-01' AND ts < '2030-01-01' ORDER BY 1",
}

// TestLiftPostgres compares both engines on every text of the tables and files
// of this package, and on others of the same templates.
func TestLiftPostgres(t *testing.T) {
	t.Parallel()
	w := newTwins(t, rel.Postgres)
	var texts []string
	for _, c := range postgresCases {
		texts = append(texts, c.sql)
	}
	text, err := os.ReadFile("testdata/expressions.sql")
	if err != nil {
		t.Fatal(err)
	}
	texts = append(append(texts, liftCases...), strings.Split(strings.TrimSpace(string(text)), "\n")...)
	w.all(texts, postgres.Scan)
}

// liftMySQLCases are MySQL's.
var liftMySQLCases = []string{
	"CREATE TABLE l (id INT PRIMARY KEY, a SMALLINT, b VARCHAR(20), n DECIMAL(6,2), d DATE, ts DATETIME, f DOUBLE, v VARCHAR(4), c CHAR(3), j JSON, big BIGINT, u BIGINT UNSIGNED)",
	"INSERT INTO l VALUES (1, 2, 'x', 1.5, '2024-01-01', '2024-01-01 10:00:00', 1.5, 'abc', 'ab', '[1]', 9999999999, 5)",
	"INSERT INTO l (id, a, b) VALUES (2, 3, 'y'), (3, -4, 'z'), (4, - 5, 'it''s')", "INSERT INTO l (id, a) VALUES (5, '6')", "INSERT INTO l (id, n) VALUES (6, 7.125)",
	"SELECT * FROM l WHERE id = 1", "SELECT id FROM l WHERE id = '2'", "SELECT id FROM l WHERE id IN (1, 2, '3') ORDER BY 1", "SELECT id, b FROM l ORDER BY 2 DESC, 1 LIMIT 2 OFFSET 1",
	"SELECT id FROM l ORDER BY id LIMIT 1, 2", "SELECT b, COUNT(*) FROM l GROUP BY 1 ORDER BY 1", "SELECT id + 1 FROM l ORDER BY 1", "SELECT id + 1 AS x FROM l ORDER BY x",
	"SELECT 1, 'x', 'it''s', 2.50, -3, a + 1, 'a' + 1 FROM l WHERE id = 1", "SELECT 5 - 3, 5 -3, 2 * -3, -2147483648, 2147483648, - -4", "SELECT 7 / 2, 7 DIV 2, 7 % 3, 1 / 0",
	"SELECT b LIKE 'x%', b LIKE 'a|%' ESCAPE '|' FROM l ORDER BY id", "SELECT CASE WHEN id > 2 THEN 'big' ELSE 'small' END AS s FROM l ORDER BY id",
	"UPDATE l SET a = a + 1, b = 'w', n = 3 WHERE id = 2", "UPDATE l SET v = 'abcd' WHERE id = 1", "UPDATE l SET d = '2024-02-03', ts = '2024-02-03 04:05:06', big = 5, f = 2, u = 7 WHERE id = 1",
	"DELETE FROM l WHERE id = 4 AND a < 100", "INSERT INTO l (id, b) VALUES (1, 'new') ON DUPLICATE KEY UPDATE b = CONCAT(VALUES(b), '!')", "REPLACE INTO l (id, a) VALUES (3, 9)",
	"SELECT 1 UNION SELECT 2 UNION ALL SELECT 3 ORDER BY 1", "SELECT COUNT(*), SUM(a + 1) AS s FROM l WHERE a > 0 HAVING COUNT(*) > 0", "SELECT (SELECT id FROM l ORDER BY id LIMIT 1) AS q",
	"SELECT x FROM (SELECT 1 AS x UNION SELECT 2) t WHERE x > 1", "SELECT id FROM l WHERE id BETWEEN 1 AND 3 ORDER BY id", "SELECT id FROM l WHERE d > '2024-01-01' AND ts < '2030-01-01' ORDER BY 1",
	"SELECT DATE_ADD('2024-01-31', INTERVAL 1 MONTH) AS d, CAST('5' AS SIGNED) AS c, CAST(1.5 AS DECIMAL(5,1)) AS e", "SELECT LEFT('abc', 2) AS l, ROUND(2.567, 2) AS r, IF(1, 'a', 'b') AS i",
	"SELECT id FROM l WHERE b = 5", "SELECT 1 = '1', 'a' = 'A', 1 <=> NULL", "SELECT `id` FROM `l` WHERE `id` = 1", "SELECT 'a' 'b'", "SELECT _utf8mb4 'x', X'41', 0x41, 1e3, \"q\"",
	"SELECT * FROM (SELECT 1, 2) q", "SELECT EXISTS (SELECT 1 FROM l WHERE id = 1)", "SELECT id FROM l WHERE (id, a) = (1, 2)", "INSERT INTO l (id, v) VALUES (9, 'abcdefgh')", "INSERT IGNORE INTO l (id, v) VALUES (9, 'abcdefgh')",
	"INSERT INTO l (id, a) VALUES (10, 99999)", "INSERT INTO l (id, d) VALUES (11, '2024-02-30')", "INSERT INTO l VALUES (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)", "UPDATE l SET a = 70000 WHERE id = 1", "SELECT 'x' AS q, 5 AS r LIMIT 0",
}

// TestLiftMySQL is TestLiftPostgres for MySQL.
func TestLiftMySQL(t *testing.T) {
	t.Parallel()
	w := newTwins(t, rel.MySQL)
	var texts []string
	for _, c := range mysqlCases {
		texts = append(texts, c.sql)
	}
	w.all(append(texts, liftMySQLCases...), mysql.Scan)
}

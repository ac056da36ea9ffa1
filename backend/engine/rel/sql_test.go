package rel_test

import (
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// sqlCase is a text and the rows (or error) of its last statement.
type sqlCase struct{ sql, want string }

// postgresCases run in order on one object.
var postgresCases = []sqlCase{
	{"CREATE TABLE t (id serial PRIMARY KEY, a int, b text NOT NULL DEFAULT 'x', n numeric(10,2), ts timestamptz DEFAULT now(), v varchar(3), j jsonb, arr int[])", ""},
	{"INSERT INTO t (a, b, n) VALUES (1, 'one', 1.5), (2, 'two', 2.255), (3, DEFAULT, NULL)", ""},
	{"SELECT id, a, b, n FROM t ORDER BY id", "1|1|one|1.50\n2|2|two|2.26\n3|3|x|NULL"},
	{"INSERT INTO t (a) VALUES (10) RETURNING id, b", "4|x"},
	{"UPDATE t SET a = a + 1 WHERE id = 1 RETURNING a", "2"},
	{"UPDATE t x SET a = x.a + 1 WHERE x.id = 1 RETURNING x.a", "3"},
	{"SELECT count(*), sum(a), avg(a), min(n), max(n) FROM t", "4|18|4.5000000000000000|1.50|2.26"},
	{"SELECT b, count(*) FROM t GROUP BY b ORDER BY 2 DESC, 1", "x|2\none|1\ntwo|1"},
	{"SELECT a FROM t GROUP BY b", "error: column \"t.a\" must appear in the GROUP BY clause or be used in an aggregate function"},
	{"SELECT t1.a FROM t t1 JOIN t t2 USING (id) WHERE id = 2", "2"},
	{"SELECT x.a FROM t AS x LEFT JOIN (SELECT 1 AS q) y ON x.a = y.q WHERE y.q IS NULL ORDER BY a NULLS LAST LIMIT 2", "2\n3"},
	{"WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r WHERE n < 5) SELECT sum(n) FROM r", "15"},
	{"SELECT 1/0", "error: division by zero"},
	{"SELECT 2147483647 + 1", "error: integer out of range"},
	{"SELECT 1::numeric/3", "0.33333333333333333333"},
	{"SELECT 7/2, -7/2, 7.0/2, 7%3", "3|-3|3.5000000000000000|1"},
	{"SELECT 'a' || 1, 'abc' LIKE 'a%', 'ABC' ILIKE 'a%', 'abc' ~ '^a.c$'", "a1|t|t|t"},
	{"INSERT INTO t (v) VALUES ('abcd')", "error: value too long for type character varying(3)"},
	{"INSERT INTO t (id) VALUES (1)", "error: duplicate key value violates unique constraint \"t_pkey\" / Key (id)=(1) already exists."},
	{"INSERT INTO t (id, b) VALUES (1, 'up') ON CONFLICT (id) DO UPDATE SET b = excluded.b || t.b RETURNING b", "upone"},
	{"INSERT INTO t (id, b) VALUES (1, 'up') ON CONFLICT DO NOTHING", ""},
	{"DELETE FROM t USING (SELECT 10 AS k) d WHERE t.a = d.k RETURNING *", "error: RETURNING * of joined tables is not supported: name the columns of the changed table, or use its alias: RETURNING t.*"},
	{"DELETE FROM t USING (SELECT 10 AS k) d WHERE t.a = d.k RETURNING t.a", "10"},
	{"UPDATE t SET n = d.k FROM (SELECT 2 AS i, 7.777 AS k) d WHERE t.id = d.i", ""},
	{"SELECT n FROM t WHERE id = 2", "7.78"},
	{"SELECT DISTINCT ON (b) b, id FROM t ORDER BY b, id DESC", "two|2\nupone|1\nx|3"},
	{"SELECT id, row_number() OVER (ORDER BY id DESC), sum(a) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM t ORDER BY id", "1|3|3\n2|2|5\n3|1|5"},
	{"SELECT array_agg(id ORDER BY id DESC), string_agg(b, ',' ORDER BY id) FROM t", "{3,2,1}|upone,two,x"},
	{"SELECT * FROM generate_series(1, 3)", "1\n2\n3"},
	{"SELECT x FROM unnest(ARRAY[3,4]) AS x", "3\n4"},
	{"SELECT id FROM t WHERE id = ANY('{1,3}'::int[]) ORDER BY 1", "1\n3"},
	{"SELECT '{\"a\": {\"b\": [1,2]}}'::jsonb -> 'a' ->> 'b', '{\"a\":1}'::jsonb @> '{\"a\":1}'", "[1, 2]|t"},
	{"SELECT date '2024-01-31' + interval '1 month', extract(year from date '2024-05-06'), date_trunc('month', timestamp '2024-05-06 07:08:09')", "2024-02-29 00:00:00|2024|2024-05-01 00:00:00"},
	{"SELECT 1 UNION SELECT 2 UNION ALL SELECT 2 ORDER BY 1", "1\n2\n2"},
	{"SELECT a, (SELECT max(id) FROM t) FROM t WHERE EXISTS (SELECT 1 FROM t z WHERE z.id = t.id AND z.id > 2)", "3|3"},
	{"SELECT (SELECT id FROM t)", "error: more than one row returned by a subquery used as an expression"},
	{"SELECT row_to_json(x) FROM (SELECT 1 AS a, 'b' AS c) x", `{"a":1,"c":"b"}`},
	{"SELECT coalesce(NULL, 1), nullif(1,1), greatest(1,3,2), CASE WHEN 1=1 THEN 'y' END", "1|NULL|3|y"},
	{"CREATE VIEW v AS SELECT id, a*2 AS d FROM t", ""},
	{"SELECT d FROM v WHERE id = 3", "6"},
	{"SELECT l.x FROM t, LATERAL (SELECT t.a + 1 AS x) l WHERE t.id = 2", "3"},
	{"SELECT (1,2) < (1,3), (1,2) = (1,2), 1 IN (1,2), NULL IN (1)", "t|t|t|NULL"},
	{"SELECT relname FROM pg_class WHERE relname = 't'", "t"},
	{"SELECT 't'::regclass, current_user, current_database()", "t|tester|main"},
	{"SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'", "2"},
	{"VALUES (1, 'a'), (2, 'b')", "1|a\n2|b"},
	{"SELECT nosuch FROM t", "error: column \"nosuch\" does not exist"},
	{"SELECT nosuch(1)", "error: function nosuch(integer) does not exist"},
	{"SELECT 'a' + 1", "error: invalid input syntax for type integer: \"a\""},
	{"SELECT true + 1", "error: operator does not exist: boolean + integer"},
	{"CREATE TABLE c (x int CHECK (x > 0), y int REFERENCES t(id))", ""},
	{"INSERT INTO c VALUES (-1, 1)", "error: new row for relation \"c\" violates check constraint \"c_x_check\""},
	{"INSERT INTO c VALUES (1, 99)", "error: insert or update on table \"c\" violates foreign key constraint \"c_y_fkey\""},
	{"INSERT INTO c SELECT id, id FROM t", ""},
	{"SELECT count(*) FROM c", "3"},
	{"SELECT sum(1.5::numeric), stddev(x::numeric), bool_and(x > 0) FROM c", "4.5|1.00000000000000000000|t"},
	{"SELECT to_char(timestamp '2024-03-04 05:06:07', 'YYYY-MM-DD HH24:MI:SS'), to_char(1234.5, '9,999.99'), lpad('a', 3, '*')", "2024-03-04 05:06:07| 1,234.50|**a"},
	{"SELECT regexp_replace('abc', 'b', 'X'), split_part('a,b', ',', 2), string_to_array('a,b', ','), array_to_string(ARRAY[1,2], '-')", "aXc|b|{a,b}|1-2"},
	{"SELECT count(DISTINCT b), count(*) FILTER (WHERE a > 2) FROM t", "3|2"},
	{"SELECT c FROM c WHERE x = 1", "(1,1)"},
	{"INSERT INTO t (id, a) VALUES (2, 5)", "error: duplicate key value violates unique constraint \"t_pkey\" / Key (id)=(2) already exists."},
	{"SELECT id FROM t EXCEPT SELECT 1 ORDER BY 1", "2\n3"},
}

// TestPostgres runs the PostgreSQL table.
func TestPostgres(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rel.Postgres)
	for _, c := range postgresCases {
		if got := h.run(c.sql); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
}

// mysqlCases run in order on one object.
var mysqlCases = []sqlCase{
	{"CREATE TABLE t (id int AUTO_INCREMENT PRIMARY KEY, a int, b varchar(10), d decimal(10,2), dt datetime)", ""},
	{"INSERT INTO t (a, b, d, dt) VALUES (1, 'One', 1.5, '2024-01-02 03:04:05'), (2, 'two', 2.25, NULL)", ""},
	{"SELECT id, a, b, d, dt FROM t ORDER BY id", "1|1|One|1.50|2024-01-02 03:04:05\n2|2|two|2.25|NULL"},
	{"SELECT id FROM t WHERE b = 'ONE'", "1"},
	{"SELECT 7/2, 7 DIV 2, 7 % 2, '3' + 4, 1 = '1'", "3.5000|3|1|7|1"},
	{"SELECT CONCAT(b, '-', a), IFNULL(NULL, 5), IF(a > 1, 'big', 'small') FROM t ORDER BY id", "One-1|5|small\ntwo-2|5|big"},
	{"SELECT DATE_FORMAT(dt, '%Y/%m'), DATE_ADD(dt, INTERVAL 1 DAY), DATEDIFF('2024-01-05', '2024-01-02') FROM t WHERE id = 1", "2024/01|2024-01-03 03:04:05|3"},
	{"INSERT INTO t (id, a) VALUES (1, 9) ON DUPLICATE KEY UPDATE a = VALUES(a) + a", ""},
	{"SELECT a FROM t WHERE id = 1", "10"},
	{"UPDATE t SET a = 0 ORDER BY id DESC LIMIT 1", ""},
	{"SELECT id, a FROM t ORDER BY id", "1|10\n2|0"},
	{"SELECT GROUP_CONCAT(id ORDER BY id DESC SEPARATOR ';') FROM t", "2;1"},
	{"SELECT a, COUNT(*) c FROM t GROUP BY a HAVING c > 0 ORDER BY a", "0|1\n10|1"},
	{"SELECT SUM(a), AVG(a), COUNT(*) FROM t", "10|5.0000|2"},
	{"REPLACE INTO t (id, b) VALUES (2, 'rep')", ""},
	{"SELECT b, a FROM t WHERE id = 2", "rep|NULL"},
	{"INSERT IGNORE INTO t (id) VALUES (1)", ""},
	{"DELETE FROM t WHERE id > 1 LIMIT 1", ""},
	{"SELECT COUNT(*) FROM t", "1"},
	{"SELECT DATABASE(), LENGTH('abc'), UPPER('x'), SUBSTRING('hello', -3)", "main|3|X|llo"},
}

// TestMySQL runs the MySQL table.
func TestMySQL(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rel.MySQL)
	for _, c := range mysqlCases {
		if got := h.run(c.sql); got != c.want {
			t.Errorf("%s\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
}

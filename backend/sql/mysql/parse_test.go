package mysql

import (
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

func TestParseKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql     string
		kind    rel.StmtKind
		word    string
		params  int
		returns bool
	}{
		{"SELECT 1", rel.KindData, "", 0, true},
		{"select * from t where a=? limit ?, ?", rel.KindData, "", 3, true},
		{"INSERT INTO t VALUES (?,?) ON DUPLICATE KEY UPDATE a=VALUES(a), b=?", rel.KindData, "", 3, false},
		{"BEGIN", rel.KindTxn, "START TRANSACTION", 0, false},
		{"START TRANSACTION READ ONLY", rel.KindTxn, "START TRANSACTION", 0, false},
		{"COMMIT AND CHAIN", rel.KindTxn, "COMMIT", 0, false},
		{"ROLLBACK TO s", rel.KindTxn, "ROLLBACK TO SAVEPOINT", 0, false},
		{"SET NAMES utf8mb4 COLLATE utf8mb4_bin", rel.KindSet, "SET NAMES", 0, false},
		{"SET autocommit=0, @a := 1+1, sql_mode='ANSI'", rel.KindSet, "SET", 0, false},
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", rel.KindSet, "SET", 0, false},
		{"USE `x`", rel.KindUse, "USE", 0, false},
		{"CREATE DATABASE IF NOT EXISTS d CHARACTER SET utf8mb4", rel.KindDatabase, "CREATE DATABASE", 0, false},
		{"DROP SCHEMA d", rel.KindDatabase, "DROP DATABASE", 0, false},
		{"PREPARE p FROM 'SELECT ?'", rel.KindPrepare, "PREPARE", 0, false},
		{"EXECUTE p USING @a, @b", rel.KindExecute, "EXECUTE", 0, false},
		{"LOCK TABLES t WRITE", rel.KindLock, "LOCK TABLES", 0, false},
		{"UNLOCK TABLES", rel.KindLock, "UNLOCK TABLES", 0, false},
		{"KILL QUERY 5", rel.KindKill, "KILL QUERY", 0, false},
		{"SHOW VARIABLES LIKE 'a%'", rel.KindShow, "SHOW VARIABLES", 0, true},
		{"SHOW TABLES", rel.KindData, "", 0, true},
		{"DESCRIBE t", rel.KindData, "", 0, true},
		{"CREATE TABLE t (a int)", rel.KindDDL, "", 0, false},
		{"ANALYZE TABLE t", rel.KindUtility, "ANALYZE", 0, true},
		{"LOAD DATA LOCAL INFILE 'x' INTO TABLE t FIELDS TERMINATED BY ','", rel.KindCopy, "LOAD DATA", 0, false},
	} {
		list, err := Parse(c.sql, "")
		if err != nil || len(list) != 1 {
			t.Errorf("%s: %v (%d)", c.sql, err, len(list))
			continue
		}
		s := list[0]
		word := ""
		if s.Session != nil {
			word = s.Session.Word
		}
		if s.Kind != c.kind || word != c.word || s.Params != c.params || s.Returns != c.returns {
			t.Errorf("%s: kind %d word %q params %d returns %v", c.sql, s.Kind, word, s.Params, s.Returns)
		}
	}
}

func TestParseSplitsAndFails(t *testing.T) {
	t.Parallel()
	list, err := Parse("SELECT 1; SELECT ';' /* ; */ ; INSERT INTO t VALUES ('a;b')", "")
	if err != nil || len(list) != 3 || list[1].Text != "SELECT ';' /* ; */" {
		t.Fatalf("%v %+v", err, list)
	}
	_, err = Parse("SELECT FROM", "")
	e := op.AsError(err)
	if e.Code != op.Syntax || e.Detail != "near 'FROM' at line 1" && e.Detail != "near '' at line 1" {
		t.Fatalf("%+v", e)
	}
	if _, err := Parse(`SELECT "a" FROM "t"`, "ANSI_QUOTES"); err != nil {
		t.Fatal(err)
	}
}

// convert parses and converts one statement.
func convert(t *testing.T, sql string) tree.Node {
	t.Helper()
	n, err := Convert(&rel.Stmt{Dialect: rel.MySQL, Text: sql})
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func TestConvertAccepts(t *testing.T) {
	t.Parallel()
	for _, q := range []string{
		"SELECT a, b AS x, t.*, COUNT(*), COUNT(DISTINCT a,b) FROM t JOIN u USING (id) LEFT JOIN v ON v.a=t.a WHERE a IN (1,2) AND b NOT LIKE 'x%' GROUP BY 1 HAVING COUNT(*)>1 ORDER BY a DESC, 2 LIMIT 5 OFFSET 2",
		"WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n+1 FROM c WHERE n<5) SELECT * FROM c",
		"(SELECT 1) UNION (SELECT 2) ORDER BY 1 LIMIT 1",
		"SELECT 1 UNION SELECT 2 INTERSECT SELECT 2",
		"SELECT ROW_NUMBER() OVER (PARTITION BY a ORDER BY b ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), LAG(a,1) OVER w FROM t WINDOW w AS (ORDER BY a)",
		"SELECT GROUP_CONCAT(DISTINCT a ORDER BY b DESC SEPARATOR '|') FROM t",
		"SELECT NOW(3), DATE_ADD(d, INTERVAL 1 DAY), d - INTERVAL 2 HOUR, EXTRACT(YEAR FROM d), TIMESTAMPDIFF(MONTH,a,b), TRIM(LEADING 'x' FROM s), CAST(a AS UNSIGNED), CONVERT(a, CHAR(5)), CONVERT(a USING utf8mb4), a->>'$.b', BINARY a, x'41', 0xff, b'101', _binary 'ab', 1e3, 1.50, 18446744073709551615",
		"SELECT @a, @@version, @@session.sql_mode, @b := 3",
		"SELECT (SELECT MAX(a) FROM t), EXISTS (SELECT 1), a > ALL (SELECT 1), CASE a WHEN 1 THEN 2 ELSE 3 END, IF(a,b,c), a <=> b, a DIV 2, a MOD 2, NOT a, !a, a ^ b, ~a FROM t FOR UPDATE SKIP LOCKED",
		"INSERT INTO t SET a=1, b=DEFAULT",
		"INSERT INTO t () VALUES ()",
		"INSERT IGNORE INTO t (a) SELECT 1",
		"REPLACE INTO t VALUES (1,2),(3,4)",
		"UPDATE t SET a=a+1 WHERE b=2 ORDER BY c LIMIT 3",
		"UPDATE t JOIN u ON t.id=u.id SET t.a=u.a WHERE u.b=1",
		"UPDATE t LEFT JOIN u ON t.id=u.id SET t.a=u.a WHERE u.b IS NULL",
		"DELETE FROM t WHERE a=1 LIMIT 1",
		"DELETE t FROM t JOIN u ON t.id=u.id WHERE u.a=1",
		"DELETE FROM t USING t LEFT JOIN u ON t.id=u.id WHERE u.a IS NULL",
		"CREATE TABLE `t` (id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, e ENUM('a','b') DEFAULT 'a', s SET('x','y'), v VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin COMMENT 'c', d DATETIME(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3), g INT AS (id+1) STORED, j JSON, b BOOL, KEY k (v(10) DESC), UNIQUE KEY u (e), CONSTRAINT f FOREIGN KEY (id) REFERENCES o (id) ON DELETE CASCADE, CHECK (id>0)) ENGINE=InnoDB AUTO_INCREMENT=100 DEFAULT CHARSET=utf8mb4 COMMENT='x'",
		"CREATE TABLE t2 LIKE t", "CREATE TABLE t3 AS SELECT 1 AS a",
		"CREATE UNIQUE INDEX i ON t (a, b DESC)", "DROP INDEX i ON t",
		"CREATE OR REPLACE VIEW v AS SELECT 1 AS a",
		"ALTER TABLE t ADD COLUMN a INT AFTER b, DROP COLUMN c, MODIFY d BIGINT NOT NULL, CHANGE e f TEXT FIRST, ADD INDEX (a), ADD CONSTRAINT k UNIQUE (b), DROP PRIMARY KEY, RENAME TO z, ALTER g SET DEFAULT 5, ENGINE=InnoDB, AUTO_INCREMENT=5",
		"DROP TABLE IF EXISTS a, b", "TRUNCATE t", "RENAME TABLE a TO b",
		"SHOW FULL TABLES LIKE 'a%'", "SHOW TABLES FROM x WHERE 1=1", "DESC t", "SHOW FULL COLUMNS FROM t FROM d", "SHOW INDEX FROM t", "SHOW CREATE TABLE t", "SHOW TABLE STATUS LIKE 't'", "SHOW ENGINES", "SHOW CHARSET", "SHOW COLLATION WHERE Charset='utf8mb4'", "SHOW TRIGGERS",
		"EXPLAIN SELECT 1", "EXPLAIN FORMAT=JSON SELECT 1", "DO 1, SLEEP(0)", "VALUES ROW(1,2), ROW(3,4)", "TABLE t",
	} {
		n := convert(t, q)
		if r, ok := n.(*tree.Refuse); ok {
			t.Errorf("%s refused: %s", q, r.What)
		}
	}
}

func TestConvertDetails(t *testing.T) {
	t.Parallel()
	s := convert(t, "SELECT a FROM t WHERE x = ? LIMIT ?, ?").(*tree.Select)
	if s.Offset.(*tree.Param).Index != 1 || s.Limit.(*tree.Param).Index != 2 {
		t.Fatalf("limit params %+v %+v", s.Offset, s.Limit)
	}
	ct := convert(t, "CREATE TABLE t (a BIGINT UNSIGNED, b DATETIME, c TINYINT(1), d DECIMAL(8,2), e VARBINARY(9))").(*tree.CreateTable)
	want := []op.Type{{Base: op.TInt8, Unsigned: true}, {Base: op.TTimestamp, Size: 1}, {Base: op.TInt1, Size: 1}, {Base: op.TNumeric, Size: 8, Scale: 2}, {Base: op.TBytea, Size: 9}}
	names := []string{"bigint unsigned", "datetime", "tinyint(1)", "decimal(8,2)", "varbinary(9)"}
	for i, c := range ct.Columns {
		if c.Type.Resolved != want[i] || c.Type.Name != names[i] {
			t.Errorf("column %s: %+v", c.Name, c.Type)
		}
	}
	x, err := ParseExpr("-5", "")
	if err != nil || x.(*tree.Const).Value.Int() != -5 {
		t.Fatalf("%v %+v", err, x)
	}
}

func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	for _, q := range []string{"SELECT SQL_CALC_FOUND_ROWS 1", "SELECT MATCH(a) AGAINST ('x') FROM t", "CREATE TABLE t (a TEXT, FULLTEXT KEY (a))", "UPDATE a JOIN b ON 1=1 SET a.x=1, b.y=2", "SELECT 1 INTO OUTFILE 'x'"} {
		_, err := Convert(&rel.Stmt{Text: q})
		if op.CodeOf(err) != op.Unsupported {
			t.Errorf("%s: %v", q, err)
		}
	}
}

func FuzzConvert(f *testing.F) {
	for _, s := range []string{"SELECT 1", "INSERT INTO t VALUES (?)", "SHOW TABLES", "CREATE TABLE t (a INT)", "SET @a=1; BEGIN"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		list, err := Parse(s, "")
		if err != nil {
			return
		}
		for _, st := range list {
			_, _ = Convert(st)
		}
	})
}

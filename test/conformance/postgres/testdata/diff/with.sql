-- Data-modifying WITH.
CREATE TABLE a (id int PRIMARY KEY, v text, n numeric(6,2), b bytea, f float8, ok bool, j jsonb, ts timestamptz);
CREATE TABLE log (id serial, what text, old text);
CREATE TABLE child (id serial PRIMARY KEY, a_id int REFERENCES a(id), note text);
WITH ins AS (INSERT INTO a VALUES (1,'x',1.50,'\x0102',1.5,true,'{"k": [1]}','2024-01-02 03:04:05+00'),(2,'y',2,NULL,'Infinity',false,NULL,NULL) RETURNING *) SELECT * FROM ins ORDER BY id;
WITH d AS (DELETE FROM a WHERE id = 2 RETURNING id, v) INSERT INTO log (what, old) SELECT 'deleted', v FROM d RETURNING what, old;
SELECT id, what, old FROM log;
WITH u AS (UPDATE a SET v = 'z' WHERE id = 1 RETURNING v, n + 1 AS m) SELECT v, m FROM u;
WITH p AS (INSERT INTO a (id, v) VALUES (10, 'parent') RETURNING id) INSERT INTO child (a_id, note) SELECT id, 'c' || id FROM p RETURNING *;
WITH one AS (INSERT INTO a (id) VALUES (11) RETURNING id), two AS (INSERT INTO child (a_id) SELECT id FROM one RETURNING id, a_id) SELECT one.id, two.a_id FROM one, two;
WITH src AS (SELECT 12 AS id, 'from' AS v), ins AS (INSERT INTO a (id, v) SELECT id, v FROM src RETURNING id) SELECT ins.id, src.v FROM ins JOIN src USING (id);
WITH ins AS (INSERT INTO a (id) VALUES (13)) SELECT 1 AS done;
WITH ins AS (INSERT INTO log (what) VALUES ('q')) UPDATE a SET v = 'w' WHERE id = 13;
WITH t AS (DELETE FROM child RETURNING id) SELECT count(*) FROM t;
WITH t AS (INSERT INTO a (id) VALUES (1) RETURNING id) SELECT * FROM t;
WITH t AS (INSERT INTO log (what) VALUES ('r')) DELETE FROM a WHERE id > 11 RETURNING id;
SELECT * FROM (WITH t AS (DELETE FROM a RETURNING id) SELECT * FROM t) s;
WITH t AS (DELETE FROM a WHERE id = -1 RETURNING id) SELECT count(*), max(id) FROM t;
SELECT id, v, n, b, f, ok, j FROM a ORDER BY id;

// mysql2 3: text protocol (query) and binary protocol (execute).
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import mysql from 'mysql2/promise';
import { addr, rejects } from '../lib/harness.mjs';

const { host, port } = addr('mysql');
const config = { host, port, user: process.env.DOTDO_TEST_USER ?? 'conf', password: process.env.DOTDO_TEST_PASSWORD ?? '', multipleStatements: true };
let c;
before(async () => {
  c = await mysql.createConnection(config);
  await c.query('drop database if exists conf_my; create database conf_my; use conf_my');
});
after(async () => { await c.end(); });
const rows = async (sql, args) => (await c.query(sql, args))[0];
const one = async (sql, args) => Object.values((await rows(sql, args))[0])[0];

for (const [expr, want] of [
  ['1', 1], ["'x'", 'x'], ['null', null], ['true', 1], ['1.50', '1.50'], ['1.5e0', 1.5], ['1 + 1', 2], ['7 / 2', '3.5000'], ['7 div 2', 3], ['7 % 3', 1], ["concat('a', 'b', 1)", 'ab1'],
  ["char_length('é')", 1], ["length('é')", 2], ["upper('abc')", 'ABC'], ["substring('hello', 2, 3)", 'ell'], ["locate('l', 'hello')", 3], ["trim('  x ')", 'x'], ["replace('aXa', 'X', 'b')", 'aba'],
  ["lpad('7', 3, '0')", '007'], ['ifnull(null, 2)', 2], ['coalesce(null, 3)', 3], ['nullif(1, 1)', null], ["if(1 > 2, 'a', 'b')", 'b'], ["case 2 when 1 then 'a' else 'b' end", 'b'], ['greatest(1, 3, 2)', 3],
  ['round(2.567, 2)', '2.57'], ['abs(-4)', 4], ['floor(2.7)', 2], ["'abc' like 'A%'", 1], ["'a' = 'A'", 1], ["binary 'a' = 'A'", 0], ["'abc' regexp '^a.c$'", 1], ['3 between 1 and 5', 1], ['2 in (1, 2)', 1], ['null <=> null', 1],
  ["date_format('2026-01-31', '%Y/%m/%d')", '2026/01/31'], ["year('2026-01-31')", 2026], ["datediff('2026-02-01', '2026-01-31')", 1], ['1 / 0', null], ["'12abc' + 1", 13], ["json_extract('{\"a\": 1}', '$.a')", 1],
  ['database()', 'conf_my'], ["md5('a')", '0cc175b9c0f1b6a831c399e269772661'], ["hex('ab')", '6162'], ['5 & 3', 1], ['1 << 3', 8],
]) {
  test(`select ${expr}`, async () => { const got = await one(`select ${expr} as v`); assert.equal(typeof want === 'number' ? Number(got) : got, want); });
}
test('create, insert, insert id', async () => {
  await c.query('create table t1 (id int auto_increment primary key, name varchar(50) not null, price decimal(10,2) default 0, at datetime(3), u bigint unsigned)');
  const [r] = await c.query("insert into t1 (name, price) values ('a', 1.5), ('b', null)");
  assert.deepEqual([r.affectedRows, r.insertId], [2, 1]);
  assert.deepEqual(await rows('select id, name, price from t1 order by id'), [{ id: 1, name: 'a', price: '1.50' }, { id: 2, name: 'b', price: null }]);
});
test('execute binds and returns types', async () => {
  await c.execute('insert into t1 (name, price, at, u) values (?, ?, ?, ?)', ['é', '2.25', '2026-01-31 10:20:30.123', '18446744073709551615']);
  const [r] = await c.execute('select name, price, at, cast(u as char) as u from t1 where id = ?', [3]);
  assert.deepEqual(r, [{ name: 'é', price: '2.25', at: new Date(2026, 0, 31, 10, 20, 30, 123), u: '18446744073709551615' }]);
});
test('execute the same statement many times', async () => {
  for (let i = 0; i < 20; i++) assert.equal(Number((await c.execute('select ? + 1 as v', [i]))[0][0].v), i + 1);
});
test('execute with null', async () => { assert.equal((await c.execute('select ? as v', [null]))[0][0].v, null); });
test('columns carry names and types', async () => {
  const [, f] = await c.query('select id, name, price from t1');
  assert.deepEqual(f.map((x) => [x.name, x.columnType]), [['id', 3], ['name', 253], ['price', 246]]);
});
test('update: changed and matched rows', async () => {
  const [r] = await c.query("update t1 set name = 'a' where id = 1");
  assert.equal(r.info.startsWith('Rows matched: 1  Changed: 0'), true, r.info);
});
test('delete counts', async () => { assert.equal((await c.query('delete from t1 where id = 2'))[0].affectedRows, 1); });
test('several statements', async () => { const [r] = await c.query('select 1 as a; select 2 as b'); assert.deepEqual(r, [[{ a: 1 }], [{ b: 2 }]]); });
test('blob', async () => {
  await c.query('create table bl (b blob)');
  await c.execute('insert into bl values (?)', [Buffer.from([0, 255, 39])]);
  assert.deepEqual((await rows('select b from bl'))[0].b, Buffer.from([0, 255, 39]));
});
test('transaction', async () => {
  await c.query('create table tx (a int)');
  await c.beginTransaction(); await c.query('insert into tx values (1)'); await c.rollback();
  await c.beginTransaction(); await c.query('insert into tx values (2)'); await c.commit();
  assert.deepEqual(await rows('select a from tx'), [{ a: 2 }]);
});
test('savepoint', async () => {
  await c.query('start transaction; insert into tx values (3); savepoint s; insert into tx values (4); rollback to savepoint s; commit');
  assert.deepEqual((await rows('select a from tx order by a')).map((r) => r.a), [2, 3]);
});
test('autocommit off', async () => {
  const d = await mysql.createConnection({ ...config, database: 'conf_my' });
  await d.query('set autocommit = 0');
  await d.query('insert into tx values (9)');
  await d.query('rollback');
  assert.equal(await one('select count(*) from tx where a = 9'), 0);
  await d.end();
});
test('an error does not abort the transaction', async () => {
  await c.beginTransaction();
  await c.query('insert into tx values (10)');
  await rejects(c.query('select * from nope'), { errno: 1146 });
  await c.commit();
  assert.equal(await one('select count(*) from tx where a = 10'), 1);
});
for (const [sql, errno, sqlState] of [['selec 1', 1064, '42000'], ['select nope from t1', 1054, '42S22'], ['select * from nope', 1146, '42S02'], ['create table t1 (a int)', 1050, '42S01'], ['drop table nope', 1051, '42S02'],
  ['insert into t1 (id, name) values (1, 2)', 1062, '23000'], ['insert into t1 (name) values (null)', 1048, '23000'], ['use nodb_here', 1049, '42000'], ["insert into tx values ('x')", 1366, null], ['insert into tx values (99999999999)', 1264, '22003'],
  ["insert into t1 (name) values (repeat('x', 60))", 1406, '22001']]) {
  test(`error ${errno} of ${sql}`, async () => { await rejects(c.query(sql), sqlState ? { errno, sqlState } : { errno }); });
}
test('foreign key', async () => {
  await c.query('create table pa (id int primary key); create table ch (p int, foreign key (p) references pa(id))');
  await rejects(c.query('insert into ch values (1)'), { errno: 1452 });
  await c.query('insert into pa values (1); insert into ch values (1)');
  await rejects(c.query('delete from pa'), { errno: 1451 });
});
test('on duplicate key update', async () => {
  await c.query('create table od (k varchar(10) primary key, n int)');
  for (let i = 0; i < 3; i++) await c.query("insert into od values ('a', 1) on duplicate key update n = n + values(n)");
  assert.equal(await one('select n from od'), 3);
});
test('insert ignore and replace', async () => {
  assert.equal((await c.query("insert ignore into od values ('a', 5)"))[0].affectedRows, 0);
  await c.query("replace into od values ('a', 7)");
  assert.equal(await one('select n from od'), 7);
});
test('replace counts the row it replaced', async () => {
  assert.equal((await c.query("replace into od values ('a', 8)"))[0].affectedRows, 2);
  assert.equal((await c.query("replace into od values ('a', 7)"))[0].affectedRows, 2);
  assert.equal((await c.query("replace into od values ('a', 7)"))[0].affectedRows, 1);
});
test('joins, grouping, having', async () => {
  await c.query("create table d (id int primary key, n varchar(5)); create table e (d int, v int); insert into d values (1, 'a'), (2, 'b'), (3, 'c'); insert into e values (1, 10), (1, 20), (2, 5)");
  assert.deepEqual((await rows('select d.n, count(e.v) as k from d left join e on e.d = d.id group by d.n having count(e.v) < 2 order by d.n desc')).map((r) => [r.n, Number(r.k)]), [['c', 0], ['b', 1]]);
});
test('group_concat', async () => { assert.equal(await one("select group_concat(v order by v desc separator ';') from e"), '20;10;5'); });
test('limit with offset', async () => { assert.deepEqual((await rows('select v from e order by v limit 1, 1')).map((r) => r.v), [10]); });
test('case-insensitive comparison and unique', async () => {
  assert.equal((await rows("select n from d where n = 'A'")).length, 1);
  await rejects(c.query("insert into od values ('A', 1)"), { errno: 1062 });
});
test('update with join', async () => {
  await c.query("update d join e on e.d = d.id set d.n = 'z' where e.v = 5");
  assert.equal(await one('select n from d where id = 2'), 'z');
});
test('user variables', async () => { await c.query('set @x = 41'); assert.equal(Number(await one('select @x + 1')), 42); });
test('show tables, columns, create table', async () => {
  assert.ok((await rows('show tables')).some((r) => Object.values(r)[0] === 'od'));
  assert.deepEqual((await rows('show columns from od')).map((r) => [r.Field, r.Type.replace(/\(11\)/, ''), r.Key]), [['k', 'varchar(10)', 'PRI'], ['n', 'int', '']]);
  assert.match((await rows('show create table od'))[0]['Create Table'], /CREATE TABLE `od`/);
});
test('show databases and variables', async () => {
  assert.ok((await rows('show databases')).some((r) => r.Database === 'conf_my'));
  assert.equal((await rows("show variables like 'autocommit'"))[0].Value, 'ON');
});
test('information_schema', async () => {
  assert.deepEqual((await rows("select column_name as n, is_nullable as x from information_schema.columns where table_schema = 'conf_my' and table_name = 'od' order by ordinal_position")), [{ n: 'k', x: 'NO' }, { n: 'n', x: 'YES' }]);
});
test('alter table', async () => {
  await c.query("alter table od add column z varchar(5) default 'q', add index zi (z)");
  assert.equal(await one('select z from od'), 'q');
  await c.query('alter table od drop column z');
});
test('truncate and auto_increment', async () => {
  await c.query("truncate table t1; insert into t1 (name) values ('x')");
  assert.equal(await one('select id from t1'), 1);
});
test('enum', async () => {
  await c.query("create table en (v enum('a', 'b')); insert into en values ('b')");
  assert.equal(await one('select v from en'), 'b');
  await rejects(c.query("insert into en values ('z')"), { errno: 1265 });
});
test('cte and window function', async () => {
  assert.deepEqual((await rows('with x as (select v, row_number() over (order by v) as r from e) select v from x where r = 2')).map((r) => r.v), [10]);
});
test('ping, change user, reset', async () => { await c.ping(); const d = await mysql.createConnection({ ...config, database: 'conf_my' }); await d.changeUser({ user: config.user, password: config.password, database: 'conf_my' }); assert.equal((await d.query('select database() as d'))[0][0].d, 'conf_my'); await d.end(); });
test('named placeholders', async () => {
  const d = await mysql.createConnection({ ...config, namedPlaceholders: true });
  assert.equal(Number((await d.execute('select :a + :b as v', { a: 1, b: 2 }))[0][0].v), 3);
  await d.end();
});
test('pool of twenty increments one row', async () => {
  await c.query('create table cn (n int); insert into cn values (0)');
  const pool = mysql.createPool({ ...config, database: 'conf_my', connectionLimit: 20 });
  await Promise.all(Array.from({ length: 200 }, () => pool.execute('update cn set n = n + 1')));
  await pool.end();
  assert.equal(await one('select n from cn'), 200);
});
test('a statement of a million bytes', async () => { assert.equal(await one(`select length('${'x'.repeat(1_000_000)}')`), 1_000_000); });
test('unknown system variable', async () => { await rejects(c.query('set nosuchvar = 1'), { errno: 1193 }); });

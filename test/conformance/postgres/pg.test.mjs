// pg 8 (node-postgres): text results, binary parameters where it uses them.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import pg from 'pg';
import { addr, rejects } from '../lib/harness.mjs';

const { host, port } = addr('postgres');
const config = { host, port, user: process.env.DOTDO_TEST_USER ?? 'conf', database: process.env.DOTDO_TEST_DATABASE ?? 'main' };
const open = async () => { const c = new pg.Client(config); await c.connect(); return c; };
let c;
before(async () => {
  c = await open();
  await c.query('drop schema if exists conf cascade');
  await c.query('create schema conf');
  await c.query('set search_path to conf');
});
after(async () => { await c.end(); });
const one = async (sql, args) => Object.values((await c.query(sql, args)).rows[0])[0];

// Each row: an expression and its value as the driver delivers it.
for (const [expr, want] of [
  ['1', 1], ["'x'", 'x'], ['null', null], ['true', true], ['1.50', '1.50'], ['1.5::float8', 1.5], ['2147483648', '2147483648'], ['1::int8', '1'],
  ["'a' || 'b'", 'ab'], ['7 / 2', 3], ['-7 / 2', -3], ['-7 % 3', -1], ['7.0 / 2', '3.5000000000000000'], ['2 ^ 10', 1024], ['1 = 1 and not false', true],
  ["length('é')", 1], ["upper('abc')", 'ABC'], ["substring('hello' from 2 for 3)", 'ell'], ["position('l' in 'hello')", 3], ["trim('  x ')", 'x'], ["replace('aXa', 'X', 'b')", 'aba'],
  ['coalesce(null, 2)', 2], ['nullif(1, 1)', null], ["case when 1 > 2 then 'a' else 'b' end", 'b'], ['greatest(1, 3, 2)', 3], ['round(2.567, 2)', '2.57'], ['abs(-4)', 4],
  ["'2026-01-31'::date + 1 = '2026-02-01'::date", true], ["extract(year from timestamp '2026-01-31 10:00:00')", '2026'], ["to_char(date '2026-01-31', 'YYYY/MM/DD')", '2026/01/31'],
  ["'abc' like 'a%'", true], ["'ABC' ilike 'a%'", true], ["'abc' ~ '^a.c$'", true], ['3 between 1 and 5', true], ['2 in (1, 2)', true], ["'x' is distinct from null", true],
  ["'{1,2,3}'::int[]", [1, 2, 3]], ['array[1, 2]', [1, 2]], ["'{\"a\": 1}'::json", { a: 1 }], ["('{\"a\": {\"b\": 2}}'::jsonb)->'a'->>'b'", '2'], ["'00000000-0000-0000-0000-000000000001'::uuid", '00000000-0000-0000-0000-000000000001'],
  ['current_database()', config.database], ['current_user', config.user], ["pg_typeof(1)::text", 'integer'], ['md5(\'a\')', '0cc175b9c0f1b6a831c399e269772661'],
]) {
  test(`select ${expr}`, async () => { assert.deepEqual(await one(`select ${expr} as v`), want); });
}
test('column names and types', async () => {
  const { fields } = await c.query("select 1 as a, 'x'::text as b, 1.5::numeric as c, true as d, now() as e");
  assert.deepEqual(fields.map((f) => [f.name, f.dataTypeID]), [['a', 23], ['b', 25], ['c', 1700], ['d', 16], ['e', 1184]]);
});
test('dates', async () => {
  assert.equal((await one("select '2026-01-31 10:20:30.123456+00'::timestamptz")).toISOString(), '2026-01-31T10:20:30.123Z');
});
test('bytea', async () => { assert.deepEqual(await one("select '\\x00ff'::bytea"), Buffer.from([0, 255])); });

test('create, insert, select', async () => {
  await c.query('create table t1 (id serial primary key, name text not null, price numeric(10,2) default 0, tags text[], at timestamptz default now())');
  const r = await c.query("insert into t1 (name, price, tags) values ('a', 1.5, '{x,y}'), ('b', null, null) returning id, price");
  assert.deepEqual(r.rows, [{ id: 1, price: '1.50' }, { id: 2, price: null }]);
  assert.equal(r.rowCount, 2);
  const { rows } = await c.query('select name, tags from t1 order by id');
  assert.deepEqual(rows, [{ name: 'a', tags: ['x', 'y'] }, { name: 'b', tags: null }]);
});
test('update and delete count rows', async () => {
  await c.query('create table t2 (a int, b int)');
  await c.query('insert into t2 select g, g * 2 from generate_series(1, 10) g');
  assert.equal((await c.query('update t2 set b = b + 1 where a > 5')).rowCount, 5);
  assert.equal((await c.query('delete from t2 where a <= 3')).rowCount, 3);
  assert.equal(await one('select sum(b) from t2'), '103');
});
test('parameters of many types', async () => {
  const { rows } = await c.query('select $1::int as a, $2::text as b, $3::bool as c, $4::numeric as d, $5::timestamptz as e, $6::jsonb as f, $7::int[] as g, $8::bytea as h',
    [7, 'é', true, '12.30', new Date('2026-01-31T00:00:00Z'), { x: [1] }, [1, 2], Buffer.from([1, 2])]);
  assert.deepEqual(rows[0], { a: 7, b: 'é', c: true, d: '12.30', e: new Date('2026-01-31T00:00:00Z'), f: { x: [1] }, g: [1, 2], h: Buffer.from([1, 2]) });
});
test('named prepared statement', async () => {
  for (let i = 0; i < 5; i++) assert.equal((await c.query({ name: 'np', text: 'select $1::int + 1 as v', values: [i] })).rows[0].v, i + 1);
});
test('prepared statement after a schema change', async () => {
  await c.query('create table t3 (a int)');
  await c.query('insert into t3 values (1)');
  const q = { name: 'sc', text: 'select a from t3 where a = $1', values: [1] };
  await c.query(q);
  await c.query('alter table t3 add column b text');
  assert.deepEqual((await c.query(q)).rows, [{ a: 1 }]);
});
test('row mode array', async () => { assert.deepEqual((await c.query({ text: 'select 1, 2', rowMode: 'array' })).rows, [[1, 2]]); });
test('several statements in one query', async () => {
  const r = await c.query('select 1 as a; select 2 as b');
  assert.deepEqual(r.map((x) => x.rows[0]), [{ a: 1 }, { b: 2 }]);
});
test('empty query', async () => { assert.equal((await c.query('')).rows.length, 0); });
test('transaction commits', async () => {
  await c.query('create table t4 (a int)');
  await c.query('begin'); await c.query('insert into t4 values (1)'); await c.query('commit');
  assert.equal(await one('select count(*)::int from t4'), 1);
});
test('rollback undoes', async () => {
  await c.query('begin'); await c.query('insert into t4 values (2)'); await c.query('rollback');
  assert.equal(await one('select count(*)::int from t4'), 1);
});
test('an error aborts the transaction', async () => {
  await c.query('begin');
  await rejects(c.query('select * from nope'), { code: '42P01' });
  await rejects(c.query('select 1'), { code: '25P02' });
  assert.equal((await c.query('commit')).command, 'ROLLBACK');
});
test('savepoints', async () => {
  await c.query('begin'); await c.query('insert into t4 values (3)'); await c.query('savepoint s'); await c.query('insert into t4 values (4)');
  await c.query('rollback to savepoint s'); await c.query('release savepoint s'); await c.query('commit');
  assert.deepEqual((await c.query('select a from t4 order by a')).rows.map((r) => r.a), [1, 3]);
});
test('other sessions do not see what is not committed', async () => {
  const d = await open();
  await c.query('begin'); await c.query('insert into t4 values (9)');
  assert.equal((await d.query('select count(*)::int as n from conf.t4 where a = 9')).rows[0].n, 0);
  await c.query('commit');
  assert.equal((await d.query('select count(*)::int as n from conf.t4 where a = 9')).rows[0].n, 1);
  await d.end();
});
test('constraint errors carry their fields', async () => {
  await c.query('create table p (id int primary key, e text unique, n int not null, k int check (k > 0))');
  await c.query('create table f (id int references p(id))');
  await c.query("insert into p values (1, 'a', 1, 1)");
  await rejects(c.query("insert into p values (1, 'b', 1, 1)"), { code: '23505', constraint: 'p_pkey', table: 'p', detail: 'Key (id)=(1) already exists.' });
  await rejects(c.query("insert into p values (2, 'a', 1, 1)"), { code: '23505', constraint: 'p_e_key' });
  await rejects(c.query("insert into p values (2, 'b', null, 1)"), { code: '23502', column: 'n' });
  await rejects(c.query("insert into p values (2, 'b', 1, 0)"), { code: '23514', constraint: 'p_k_check' });
  await rejects(c.query('insert into f values (5)'), { code: '23503', constraint: 'f_id_fkey' });
  await rejects(c.query('delete from p where id = 1; insert into f values (1)'), { code: '23503' });
});
for (const [sql, code] of [['selec 1', '42601'], ['select nope', '42703'], ['select nope()', '42883'], ['select 1/0', '22012'], ["select 'x'::int", '22P02'], ['select 99999999999::int', '22003'],
  ['create table p (a int)', '42P07'], ['drop table nope', '42P01'], ["select '2026-13-01'::date", '22008'], ['select a from t2 group by b', '42803'], ['select 1 + true', '42883']]) {
  test(`error ${code} of ${sql}`, async () => { await rejects(c.query(sql), { code }); });
}
test('position of a syntax error', async () => { await rejects(c.query('select * frm x'), { position: '10' }); });
test('on conflict', async () => {
  await c.query('create table u (k text primary key, n int)');
  for (let i = 0; i < 3; i++) await c.query('insert into u values ($1, 1) on conflict (k) do update set n = u.n + excluded.n', ['a']);
  assert.equal(await one("select n from u where k = 'a'"), 3);
  assert.equal((await c.query("insert into u values ('a', 1) on conflict do nothing")).rowCount, 0);
});
test('joins, grouping, having, order', async () => {
  await c.query('create table d (id int primary key, n text); create table e (d int, v int)');
  await c.query("insert into d values (1, 'a'), (2, 'b'), (3, 'c'); insert into e values (1, 10), (1, 20), (2, 5)");
  assert.deepEqual((await c.query('select d.n, count(e.v)::int as k, sum(e.v)::int as s from d left join e on e.d = d.id group by d.n having count(e.v) < 2 order by d.n desc')).rows,
    [{ n: 'c', k: 0, s: null }, { n: 'b', k: 1, s: 5 }]);
});
test('with, recursive', async () => {
  assert.equal(await one('with recursive f(a, b) as (select 0, 1 union all select b, a + b from f where b < 100) select max(a) from f'), 89);
});
test('window functions', async () => {
  assert.deepEqual((await c.query('select v, rank() over (order by v)::int as r, sum(v) over (order by v)::int as s from e order by v')).rows,
    [{ v: 5, r: 1, s: 5 }, { v: 10, r: 2, s: 15 }, { v: 20, r: 3, s: 35 }]);
});
test('exists, in, scalar subquery', async () => {
  assert.deepEqual((await c.query('select n from d where exists (select 1 from e where e.d = d.id) and id in (select d from e) and (select max(v) from e where e.d = d.id) > 5')).rows, [{ n: 'a' }]);
});
test('union, except, limit, offset', async () => {
  assert.deepEqual((await c.query('(select 1 as a union select 2 union select 3) except select 2 order by a desc limit 1 offset 1')).rows, [{ a: 1 }]);
});
test('views and sequences', async () => {
  await c.query('create view w as select n from d where id < 3; create sequence q start 10');
  assert.equal((await c.query('select * from w')).rows.length, 2);
  assert.equal(await one("select nextval('q')"), '10');
});
test('enum types keep their order and refuse other labels', async () => {
  await c.query("create type mood as enum ('sad', 'ok', 'happy'); create table moods (m mood)");
  await c.query('insert into moods values ($1), ($2), ($3)', ['happy', 'sad', 'ok']);
  const r = await c.query('select m from moods where m >= $1 order by m desc', ['ok']);
  assert.deepEqual(r.rows, [{ m: 'happy' }, { m: 'ok' }]);
  await rejects(c.query('insert into moods values ($1)', ['angry']), { code: '22P02' });
});
test('truncate, rename, drop', async () => {
  await c.query('create table x1 (a int); insert into x1 values (1); truncate x1; alter table x1 rename to x2; alter table x2 rename column a to b');
  assert.deepEqual((await c.query('select b from x2')).rows, []);
  await c.query('drop table x2');
});
test('information_schema and pg_catalog', async () => {
  assert.deepEqual((await c.query("select column_name, data_type, is_nullable from information_schema.columns where table_schema = 'conf' and table_name = 'u' order by ordinal_position")).rows,
    [{ column_name: 'k', data_type: 'text', is_nullable: 'NO' }, { column_name: 'n', data_type: 'integer', is_nullable: 'YES' }]);
  assert.equal(await one("select relkind from pg_class where oid = 'conf.u'::regclass"), 'r');
});
test('listen and notify', async () => {
  const d = await open();
  const got = new Promise((ok) => d.once('notification', (m) => ok([m.channel, m.payload])));
  await d.query('listen ch');
  await c.query("notify ch, 'hi'");
  assert.deepEqual(await got, ['ch', 'hi']);
  await d.end();
});
test('set, show, reset', async () => {
  await c.query("set application_name = 'conf'");
  assert.equal(await one('show application_name'), 'conf');
  await c.query("set time zone 'Europe/Berlin'");
  assert.equal(await one("select '2026-07-01 00:00:00+00'::timestamptz::text"), '2026-07-01 02:00:00+02');
  await c.query('reset time zone');
});
test('cancel by a timeout of the statement', async () => {
  const d = await open();
  await d.query("set statement_timeout = '100ms'");
  await rejects(d.query('select count(*) from generate_series(1, 1000000000)'), { code: '57014' });
  assert.equal((await d.query('select 1 as v')).rows[0].v, 1);
  await d.end();
});
test('pool of twenty increments one row', async () => {
  await c.query('create table cnt (n int); insert into cnt values (0)');
  const pool = new pg.Pool({ ...config, max: 20 });
  await Promise.all(Array.from({ length: 200 }, () => pool.query('update conf.cnt set n = n + 1')));
  await pool.end();
  assert.equal(await one('select n from cnt'), 200);
});
test('ten thousand rows', async () => {
  const { rows } = await c.query("select g, repeat('x', 100) as s from generate_series(1, 10000) g");
  assert.equal(rows.length, 10000);
  assert.equal(rows[9999].g, 10000);
});

// Plans that outlive what they were made for: pg 8 sends Bind, Describe,
// Execute, Sync in one piece for a statement it has prepared.
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
  await c.query('drop schema if exists plans cascade; create schema plans; set search_path to plans');
});
after(async () => { await c.end(); });
const changed = { code: '0A000', message: 'cached plan must not change result type' };

test('a prepared statement whose rows changed fails, and works again when they are back', async () => {
  await c.query('create table p (a int); insert into p values (1)');
  const q = { name: 'p1', text: 'select * from p' };
  assert.deepEqual((await c.query(q)).rows, [{ a: 1 }]);
  await c.query('alter table p add column b int');
  await rejects(c.query(q), changed);
  await c.query('alter table p drop column b');
  assert.deepEqual((await c.query(q)).rows, [{ a: 1 }]);
});
test('a write that would return other rows does not happen', async () => {
  await c.query('create table w (a int)');
  const q = { name: 'w1', text: 'insert into w (a) values ($1) returning *' };
  assert.deepEqual((await c.query({ ...q, values: [1] })).rows, [{ a: 1 }]);
  await c.query('alter table w add column b text');
  await rejects(c.query({ ...q, values: [2] }), changed);
  assert.equal((await c.query('select count(*)::int as n from w')).rows[0].n, 1);
});
test('a statement whose rows keep their types goes on', async () => {
  await c.query('create table k (a int); insert into k values (5)');
  const q = { name: 'k1', text: 'select a from k' };
  await c.query(q);
  await c.query('alter table k add column b int');
  await c.query('create index on k (a)');
  assert.deepEqual((await c.query(q)).rows, [{ a: 5 }]);
});
test('EXECUTE', async () => {
  await c.query('create table x (a int); insert into x values (1)');
  await c.query('prepare x1 as select * from x');
  assert.equal((await c.query('execute x1')).rows.length, 1);
  await c.query('alter table x add column b int');
  await rejects(c.query('execute x1'), changed);
  await c.query('deallocate x1');
});
test('an error of a described execution', async () => {
  const q = { name: 'd1', text: 'select 1 / $1::int as v' };
  assert.equal((await c.query({ ...q, values: [1] })).rows[0].v, 1);
  await rejects(c.query({ ...q, values: [0] }), { code: '22012' });
  assert.equal((await c.query({ ...q, values: [1] })).rows[0].v, 1);
});
test('texts that differ in literals', async () => {
  await c.query("create table l (id int primary key, t text, d date, n numeric(4,1))");
  for (let i = 0; i < 5; i++) await c.query(`insert into l values (${i}, 't${i}', '2026-01-0${i + 1}', ${i}.25)`);
  for (let i = 0; i < 5; i++) assert.equal((await c.query(`select t from l where id = ${i}`)).rows[0].t, `t${i}`);
  for (let i = 1; i < 4; i++) assert.equal((await c.query(`select * from l order by ${i} limit ${i}`)).rows.length, i);
  await rejects(c.query('select * from l order by 9'), { code: '42P10' });
  await rejects(c.query("insert into l values (7, 't', 'never', 1)"), { code: '22007' });
  await rejects(c.query("insert into l values (7, 't', '2026-01-01', 12345.5)"), { code: '22003' });
  await rejects(c.query("insert into l values (1, 't', '2026-01-01', 1)"), { code: '23505', detail: 'Key (id)=(1) already exists.' });
});
test('EXPLAIN', async () => {
  await c.query('create table e (id int primary key, g int, t text); create index e_g on e (g)');
  const lines = async (q) => (await c.query(`explain ${q}`)).rows.map((r) => r['QUERY PLAN']);
  assert.deepEqual(await lines('select * from e where id = 1'), ['Index Scan using e_pkey on e', '  Index Cond: (id = ?)']);
  assert.deepEqual(await lines('select t from e x where g = 5 order by t'), ['Sort', '  ->  Index Scan using e_g on e x', '        Index Cond: (g = ?)']);
  assert.deepEqual(await lines('update e set t = 1 where t = \'2\''), ['Update on e', '  ->  Seq Scan on e']);
  assert.deepEqual(await lines("insert into e values (1, 2, 'x')"), ['Insert on e', '  ->  Result']);
  assert.deepEqual(await lines('select 1'), ['Result']);
  const { rows, fields } = await c.query('explain (format json) select * from e where id = 1');
  assert.equal(fields[0].dataTypeID, 114);
  assert.deepEqual(rows[0]['QUERY PLAN'], [{ Plan: { 'Node Type': 'Index Scan', 'Relation Name': 'e', Alias: 'e', 'Index Name': 'e_pkey', 'Index Cond': '(id = ?)' } }]);
});

// postgres 3.4 (postgres.js): prepares everything, pipelines, describes parameters first.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import postgres from 'postgres';
import { addr, rejects } from '../lib/harness.mjs';

const { host, port } = addr('postgres');
let sql;
before(async () => {
  sql = postgres({ host, port, user: process.env.DOTDO_TEST_USER ?? 'conf', database: process.env.DOTDO_TEST_DATABASE ?? 'main', max: 4, onnotice: () => {} });
  await sql`drop schema if exists pjs cascade`;
  await sql`create schema pjs`;
});
after(async () => { await sql.end(); });

test('one row', async () => { assert.deepEqual([...(await sql`select 1 as a, ${'x'} as b`)], [{ a: 1, b: 'x' }]); });
test('types are inferred from the table', async () => {
  await sql`create table pjs.t (id int primary key, name text, at timestamptz, ok bool, j jsonb, n numeric, f float8, a int[])`;
  const at = new Date('2026-01-31T10:00:00Z');
  await sql`insert into pjs.t values (${1}, ${'é'}, ${at}, ${true}, ${sql.json({ a: [1] })}, ${'1.50'}, ${1.5}, ${[1, 2]})`;
  assert.deepEqual([...(await sql`select * from pjs.t where id = ${1}`)], [{ id: 1, name: 'é', at, ok: true, j: { a: [1] }, n: '1.50', f: 1.5, a: [1, 2] }]);
});
test('multi-row insert helper', async () => {
  const rows = [{ id: 2, name: 'b' }, { id: 3, name: 'c' }];
  assert.equal((await sql`insert into pjs.t ${sql(rows, 'id', 'name')}`).count, 2);
});
test('update helper', async () => { assert.equal((await sql`update pjs.t set ${sql({ name: 'z' }, 'name')} where id = ${2} returning name`)[0].name, 'z'); });
test('in list', async () => { assert.equal((await sql`select id from pjs.t where id in ${sql([1, 3])}`).length, 2); });
test('identifiers', async () => { assert.equal((await sql`select ${sql('id')} from ${sql('pjs.t')} order by 1 limit 1`)[0].id, 1); });
test('transaction', async () => {
  await sql.begin(async (tx) => { await tx`insert into pjs.t (id) values (10)`; await tx`insert into pjs.t (id) values (11)`; });
  assert.equal((await sql`select count(*)::int as n from pjs.t where id >= 10`)[0].n, 2);
});
test('a throw rolls back', async () => {
  await assert.rejects(sql.begin(async (tx) => { await tx`insert into pjs.t (id) values (20)`; throw new Error('no'); }), /no/);
  assert.equal((await sql`select count(*)::int as n from pjs.t where id = 20`)[0].n, 0);
});
test('savepoint', async () => {
  await sql.begin(async (tx) => {
    await tx`insert into pjs.t (id) values (30)`;
    await tx.savepoint(async (sp) => { await sp`insert into pjs.t (id) values (31)`; throw new Error('x'); }).catch(() => {});
  });
  assert.deepEqual((await sql`select id from pjs.t where id in (30, 31)`).map((r) => r.id), [30]);
});
test('errors', async () => { await rejects(sql`insert into pjs.t (id) values (1)`, { code: '23505', constraint_name: 't_pkey' }); });
test('error, then the connection is usable', async () => {
  await rejects(sql`select * from pjs.nope`, { code: '42P01' });
  assert.equal((await sql`select 1 as a`)[0].a, 1);
});
test('simple protocol', async () => { assert.deepEqual([...(await sql`select 1 as a; select 2 as a`.simple())].map((r) => r[0].a), [1, 2]); });
test('cursor', async () => {
  let n = 0;
  for await (const rows of sql`select g from generate_series(1, 1000) g`.cursor(100)) n += rows.length;
  assert.equal(n, 1000);
});
test('a hundred queries in a pipeline', async () => {
  const got = await Promise.all(Array.from({ length: 100 }, (_, i) => sql`select ${i}::int as v`));
  assert.deepEqual(got.map((r) => r[0].v), Array.from({ length: 100 }, (_, i) => i));
});
test('describe', async () => {
  const d = await sql`select id, name from pjs.t where id = ${1}`.describe();
  assert.deepEqual(d.types, [23]);
  assert.deepEqual(d.columns.map((c) => [c.name, c.type]), [['id', 23], ['name', 25]]);
});
test('copy in and out', async () => {
  const { Readable } = await import('node:stream');
  const { pipeline } = await import('node:stream/promises');
  await sql`create table pjs.c (a int, b text)`;
  await pipeline(Readable.from(['1\tx\n2\t\\N\n']), await sql`copy pjs.c from stdin`.writable());
  assert.deepEqual([...(await sql`select * from pjs.c order by a`)], [{ a: 1, b: 'x' }, { a: 2, b: null }]);
  let out = '';
  for await (const chunk of await sql`copy (select * from pjs.c order by a) to stdout with (format csv)`.readable()) out += chunk;
  assert.equal(out, '1,x\n2,\n');
});
test('listen and notify', async () => {
  const got = new Promise((ok) => { sql.listen('pjsch', ok).then(() => sql.notify('pjsch', 'x')); });
  assert.equal(await got, 'x');
});
test('unsafe with parameters', async () => { assert.equal((await sql.unsafe('select $1::int * 2 as v', [21]))[0].v, 42); });
test('big integers', async () => { assert.equal((await sql`select 9007199254740993::int8 as v`)[0].v, '9007199254740993'); });

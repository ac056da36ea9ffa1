// @nats-io/transport-node: core NATS and the bridge.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { connect, headers, createInbox, Empty } from '@nats-io/transport-node';
import { addr } from '../lib/harness.mjs';

const dec = new TextDecoder();
let nc;
before(async () => { nc = await connect({ servers: addr('nats').text }); });
after(async () => { await nc.drain(); });

test('server info', () => {
  assert.match(nc.info.version, /^2\.\d+/);
  assert.equal(nc.info.headers, true);
  assert.equal(nc.info.max_payload, 1048576);
});
test('publish and subscribe', async () => {
  const sub = nc.subscribe('a.b', { max: 1 });
  nc.publish('a.b', 'hello');
  for await (const m of sub) assert.equal(m.string(), 'hello');
});
for (const [pattern, subject, want] of [['w.*', 'w.x', true], ['w.*', 'w.x.y', false], ['w.>', 'w.x.y', true], ['*.z', 'q.z', true]]) {
  test(`wildcard ${pattern} and ${subject}`, async () => {
    let got = 0;
    const sub = nc.subscribe(pattern, { callback: () => got++ });
    nc.publish(subject);
    await nc.flush();
    sub.unsubscribe();
    assert.equal(got, want ? 1 : 0);
  });
}
test('request and reply', async () => {
  const sub = nc.subscribe('svc', { callback: (e, m) => m.respond(m.string().toUpperCase()) });
  assert.equal((await nc.request('svc', 'abc', { timeout: 5000 })).string(), 'ABC');
  sub.unsubscribe();
});
test('no responders', async () => {
  await assert.rejects(nc.request('nobody.here', 'x', { timeout: 5000 }), /no responders/i);
});
test('request many', async () => {
  const subs = [1, 2, 3].map((i) => nc.subscribe('many', { callback: (e, m) => m.respond(String(i)) }));
  const got = [];
  for await (const m of await nc.requestMany('many', Empty, { maxMessages: 3, maxWait: 5000 })) got.push(m.string());
  subs.forEach((s) => s.unsubscribe());
  assert.deepEqual(got.sort(), ['1', '2', '3']);
});
test('queue group delivers once', async () => {
  let n = 0;
  const subs = [1, 2, 3].map(() => nc.subscribe('q', { queue: 'g', callback: () => n++ }));
  for (let i = 0; i < 30; i++) nc.publish('q', String(i));
  await nc.flush();
  subs.forEach((s) => s.unsubscribe());
  assert.equal(n, 30);
});
test('headers', async () => {
  const h = headers();
  h.append('X-A', '1'); h.append('X-A', '2');
  const sub = nc.subscribe('h', { max: 1 });
  nc.publish('h', 'x', { headers: h });
  for await (const m of sub) assert.deepEqual(m.headers.values('X-A'), ['1', '2']);
});
test('binary payload', async () => {
  const sub = nc.subscribe('bin', { max: 1 });
  nc.publish('bin', Uint8Array.of(0, 255, 13, 10));
  for await (const m of sub) assert.deepEqual([...m.data], [0, 255, 13, 10]);
});
test('unsubscribe after max', async () => {
  let n = 0;
  nc.subscribe('lim', { max: 2, callback: () => n++ });
  for (let i = 0; i < 5; i++) nc.publish('lim');
  await nc.flush();
  assert.equal(n, 2);
});
test('a million bytes, and not more than the limit', async () => {
  const sub = nc.subscribe('big', { max: 1 });
  nc.publish('big', new Uint8Array(1_000_000));
  for await (const m of sub) assert.equal(m.data.length, 1_000_000);
  assert.throws(() => nc.publish('big', new Uint8Array(1048577)), /max/i);
});
test('drain of a subscription', async () => {
  const sub = nc.subscribe('dr');
  const got = [];
  const all = (async () => { for await (const m of sub) got.push(m.string()); })();
  nc.publish('dr', '1');
  await nc.flush();
  await sub.drain();
  await all;
  assert.deepEqual(got, ['1']);
});
test('any credentials on loopback', async () => {
  const c = await connect({ servers: addr('nats').text, user: 'x', pass: 'y' });
  await c.flush();
  await c.close();
});
test('round trip time and inbox', async () => {
  assert.ok((await nc.rtt()) >= 0);
  assert.match(createInbox(), /^_INBOX\./);
});

async function ask(subject, body) {
  return JSON.parse((await nc.request(subject, JSON.stringify(body), { timeout: 20000 })).string());
}
test('bridge: one row', async () => {
  assert.deepEqual(await ask('db.main.rel.query', { sql: 'select 1 as one' }), { columns: [{ name: 'one', type: 'integer' }], rows: [[1]], affected: 1 });
});
test('bridge: create, insert, select, delete', async () => {
  await ask('db.main.rel.query', { sql: 'create table nt (id int primary key, name text, at date)' });
  assert.equal((await ask('db.main.rel.query', { sql: 'insert into nt values ($1, $2, $3)', args: [1, 'é', '2026-01-31'] })).affected, 1);
  assert.deepEqual((await ask('db.main.rel.query', { sql: 'select id, name, at, null as n from nt' })).rows, [[1, 'é', '2026-01-31', null]]);
  assert.equal((await ask('db.main.rel.query', { sql: 'delete from nt where id = $1', args: ['1'] })).affected, 1);
});
test('bridge: unique violation', async () => {
  await ask('db.main.rel.query', { sql: 'create table nu (id int primary key)' });
  await ask('db.main.rel.query', { sql: 'insert into nu values (1)' });
  assert.equal((await ask('db.main.rel.query', { sql: 'insert into nu values (1)' })).error.code, 'unique_violation');
});
for (const [name, sql, code] of [['syntax', 'selec 1', 'syntax'], ['missing table', 'select * from nope', 'not_found'], ['session statement', 'begin', 'unsupported'], ['two statements', 'select 1; select 2', 'invalid_argument'], ['parameter count', 'select $1::int', 'invalid_argument']]) {
  test(`bridge: ${name}`, async () => { assert.equal((await ask('db.main.rel.query', { sql })).error.code, code); });
}
test('bridge: mysql dialect', async () => {
  assert.deepEqual((await ask('db.main.rel.query', { sql: 'select ? + 1 as x', args: [41], dialect: 'mysql' })).rows[0][0], 42);
});
test('bridge: key-value', async () => {
  assert.deepEqual(await ask('db.main.kv.set', { args: ['nk', 'v'] }), { value: 'OK' });
  assert.deepEqual(await ask('db.main.kv.get', { args: ['nk'] }), { value: 'v' });
  assert.deepEqual(await ask('db.main.kv.incrby', { args: ['nn', 5] }), { value: 5 });
  assert.deepEqual(await ask('db.main.kv.get', { args: ['missing'] }), { value: null });
  assert.equal((await ask('db.main.kv.lpush', { args: ['nk', 'x'] })).error.code, 'type_mismatch');
});
test('bridge: documents', async () => {
  assert.deepEqual(await ask('db.main.doc.insert', { collection: 'nd', docs: [{ _id: 1, a: 'x' }, { _id: 2, a: 'y', b: { c: [1, 2] } }] }), { affected: 2 });
  assert.deepEqual(await ask('db.main.doc.find', { collection: 'nd', filter: { _id: 2 } }), { docs: [{ _id: 2, a: 'y', b: { c: [1, 2] } }] });
  assert.deepEqual(await ask('db.main.doc.count', { collection: 'nd' }), { affected: 2 });
  assert.equal((await ask('db.main.doc.insert', { collection: 'nd', docs: [{ _id: 1 }] })).error.code, 'unique_violation');
  assert.deepEqual(await ask('db.main.doc.delete', { collection: 'nd', filter: { a: 'x' } }), { affected: 1 });
});
test('bridge: no JSON', async () => {
  assert.equal(JSON.parse(dec.decode((await nc.request('db.main.rel.query', '{', { timeout: 5000 })).data)).error.code, 'syntax');
});
test('bridge: 500 requests at once', async () => {
  const all = await Promise.all(Array.from({ length: 500 }, (_, i) => ask('db.main.kv.incr', { args: ['many'] })));
  assert.deepEqual(all.map((r) => r.value).sort((a, b) => a - b), Array.from({ length: 500 }, (_, i) => i + 1));
});

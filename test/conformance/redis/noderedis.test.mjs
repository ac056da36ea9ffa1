// redis 6 (node-redis), RESP3.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { createClient } from 'redis';
import { addr, rejects } from '../lib/harness.mjs';

const { host, port } = addr('redis');
let r;
before(async () => { r = createClient({ RESP: 3, socket: { host, port } }); r.on('error', () => {}); await r.connect(); });
after(async () => { await r.close(); });

test('hello answers protocol 3', async () => { assert.equal((await r.hello(3)).proto, 3); });
test('set and get', async () => { assert.equal(await r.set('nr:a', '1'), 'OK'); assert.equal(await r.get('nr:a'), '1'); });
test('set with options', async () => {
  assert.equal(await r.set('nr:b', '1', { expiration: { type: 'EX', value: 10 }, condition: 'NX' }), 'OK');
  assert.ok((await r.ttl('nr:b')) > 0);
});
test('null', async () => { assert.equal(await r.get('nr:none'), null); });
test('hgetall is a map', async () => { await r.hSet('nr:h', { a: '1', b: '2' }); assert.deepEqual({ ...(await r.hGetAll('nr:h')) }, { a: '1', b: '2' }); });
test('smembers is a set', async () => { await r.sAdd('nr:s', ['x', 'y']); assert.deepEqual([...(await r.sMembers('nr:s'))].sort(), ['x', 'y']); });
test('scores are doubles', async () => {
  await r.zAdd('nr:z', [{ score: 1.5, value: 'a' }, { score: 2, value: 'b' }]);
  assert.deepEqual(await r.zRangeWithScores('nr:z', 0, -1), [{ value: 'a', score: 1.5 }, { value: 'b', score: 2 }]);
  assert.equal(await r.zScore('nr:z', 'a'), 1.5);
});
test('infinite score', async () => { await r.zAdd('nr:zi', { score: Infinity, value: 'a' }); assert.equal(await r.zScore('nr:zi', 'a'), Infinity); });
test('lists', async () => { await r.rPush('nr:l', ['a', 'b', 'c']); assert.deepEqual(await r.lRange('nr:l', 0, -1), ['a', 'b', 'c']); });
test('multi', async () => { assert.deepEqual(await r.multi().set('nr:m', '1').incr('nr:m').exec(), ['OK', 2]); });
test('scan iterator', async () => {
  await r.mSet({ 'nr:i1': '1', 'nr:i2': '2' });
  const seen = [];
  for await (const keys of r.scanIterator({ MATCH: 'nr:i*' })) seen.push(...keys);
  assert.deepEqual(seen.sort(), ['nr:i1', 'nr:i2']);
});
test('pub/sub by push messages on one connection', async () => {
  const sub = r.duplicate();
  await sub.connect();
  const got = new Promise((ok) => { sub.subscribe('nr:c', (m, c) => ok([c, m])); });
  for (let i = 0; i < 200 && (await r.publish('nr:c', 'x')) === 0; i++) await new Promise((ok) => setTimeout(ok, 10));
  assert.deepEqual(await got, ['nr:c', 'x']);
  await sub.close();
});
test('errors', async () => { await r.set('nr:e', 'x'); await rejects(r.lPush('nr:e', 'y'), { message: /^WRONGTYPE/ }); });
test('keys are seen from SQL', async () => {
  const { default: pg } = await import('pg');
  const p = addr('postgres');
  const c = new pg.Client({ host: p.host, port: p.port, user: 'x', database: 'main' });
  await c.connect();
  await r.set('nr:sql', 'v');
  try {
    const { rows } = await c.query("select key, type, value from dotdo.keys where key = 'nr:sql'");
    assert.deepEqual(rows.map((x) => x.type), ['string']);
  } finally {
    await c.end();
  }
});

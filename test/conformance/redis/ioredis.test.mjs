// ioredis 6, RESP2.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { addr, rejects } from '../lib/harness.mjs';

const { host, port } = addr('redis');
const open = (o = {}) => new Redis({ host, port, lazyConnect: false, ...o });
let r;
before(() => { r = open(); });
after(async () => { await r.quit(); });

// Each row: name, commands, the reply of the last.
const rows = [
  ['ping', [['ping']], 'PONG'],
  ['echo', [['echo', 'é']], 'é'],
  ['set and get', [['set', 'a:1', 'x'], ['get', 'a:1']], 'x'],
  ['get of nothing', [['get', 'a:none']], null],
  ['set nx on existing', [['set', 'a:2', '1'], ['set', 'a:2', '2', 'NX']], null],
  ['set xx on missing', [['set', 'a:3', '1', 'XX']], null],
  ['set with get', [['set', 'a:4', '1'], ['set', 'a:4', '2', 'GET']], '1'],
  ['getset', [['set', 'a:5', '1'], ['getset', 'a:5', '2']], '1'],
  ['getdel', [['set', 'a:6', '1'], ['getdel', 'a:6'], ['exists', 'a:6']], 0],
  ['setnx', [['setnx', 'a:7', '1'], ['setnx', 'a:7', '1']], 0],
  ['append and strlen', [['append', 'a:8', 'ab'], ['append', 'a:8', 'cd'], ['strlen', 'a:8']], 4],
  ['getrange', [['set', 'a:9', 'hello'], ['getrange', 'a:9', 1, -2]], 'ell'],
  ['setrange', [['set', 'a:10', 'hello'], ['setrange', 'a:10', 1, 'a'], ['get', 'a:10']], 'hallo'],
  ['incr', [['incr', 'a:11'], ['incrby', 'a:11', 5], ['decr', 'a:11']], 5],
  ['incrbyfloat', [['set', 'a:12', '10.5'], ['incrbyfloat', 'a:12', '0.1']], '10.6'],
  ['mset and mget', [['mset', 'a:13', '1', 'a:14', '2'], ['mget', 'a:13', 'a:none', 'a:14']], ['1', null, '2']],
  ['msetnx', [['msetnx', 'a:13', '9', 'a:15', '9']], 0],
  ['del counts', [['set', 'a:16', '1'], ['del', 'a:16', 'a:none']], 1],
  ['exists counts twice', [['set', 'a:17', '1'], ['exists', 'a:17', 'a:17']], 2],
  ['type of a string', [['set', 'a:18', '1'], ['type', 'a:18']], 'string'],
  ['rename', [['set', 'a:19', '1'], ['rename', 'a:19', 'a:20'], ['get', 'a:20']], '1'],
  ['expire and ttl', [['set', 'a:21', '1'], ['expire', 'a:21', 100], ['ttl', 'a:21']], 100],
  ['ttl without expiry', [['set', 'a:22', '1'], ['ttl', 'a:22']], -1],
  ['ttl of nothing', [['ttl', 'a:none']], -2],
  ['persist', [['set', 'a:23', '1', 'EX', 100], ['persist', 'a:23'], ['ttl', 'a:23']], -1],
  ['set removes expiry', [['set', 'a:24', '1', 'EX', 100], ['set', 'a:24', '2'], ['ttl', 'a:24']], -1],
  ['copy', [['set', 'a:25', '1'], ['copy', 'a:25', 'a:26'], ['get', 'a:26']], '1'],
  ['setbit and bitcount', [['setbit', 'a:27', 7, 1], ['setbit', 'a:27', 9, 1], ['bitcount', 'a:27']], 2],
  ['hset and hget', [['hset', 'h:1', 'f', '1', 'g', '2'], ['hget', 'h:1', 'g']], '2'],
  ['hmget', [['hmget', 'h:1', 'f', 'none']], ['1', null]],
  ['hlen', [['hlen', 'h:1']], 2],
  ['hdel', [['hset', 'h:2', 'f', '1', 'g', '1'], ['hdel', 'h:2', 'f', 'none']], 1],
  ['hincrby', [['hincrby', 'h:3', 'n', 5], ['hincrby', 'h:3', 'n', -2]], 3],
  ['hexists', [['hexists', 'h:1', 'f']], 1],
  ['hsetnx', [['hsetnx', 'h:1', 'f', '9']], 0],
  ['empty hash vanishes', [['hset', 'h:4', 'f', '1'], ['hdel', 'h:4', 'f'], ['exists', 'h:4']], 0],
  ['rpush, lpush and lrange', [['rpush', 'l:1', 'b', 'c'], ['lpush', 'l:1', 'a'], ['lrange', 'l:1', 0, -1]], ['a', 'b', 'c']],
  ['lpop and rpop', [['rpush', 'l:2', '1', '2', '3'], ['lpop', 'l:2'], ['rpop', 'l:2']], '3'],
  ['lpop with count', [['rpush', 'l:3', '1', '2', '3'], ['lpop', 'l:3', 2]], ['1', '2']],
  ['llen and lindex', [['rpush', 'l:4', '1', '2', '3'], ['lindex', 'l:4', -1]], '3'],
  ['lset', [['rpush', 'l:5', '1', '2'], ['lset', 'l:5', 0, 'x'], ['lrange', 'l:5', 0, -1]], ['x', '2']],
  ['linsert', [['rpush', 'l:6', 'a', 'c'], ['linsert', 'l:6', 'BEFORE', 'c', 'b'], ['lrange', 'l:6', 0, -1]], ['a', 'b', 'c']],
  ['lrem', [['rpush', 'l:7', 'a', 'b', 'a'], ['lrem', 'l:7', 0, 'a']], 2],
  ['ltrim', [['rpush', 'l:8', '1', '2', '3', '4'], ['ltrim', 'l:8', 1, 2], ['lrange', 'l:8', 0, -1]], ['2', '3']],
  ['lmove', [['rpush', 'l:9', '1', '2'], ['lmove', 'l:9', 'l:10', 'LEFT', 'RIGHT'], ['lrange', 'l:10', 0, -1]], ['1']],
  ['lpos', [['rpush', 'l:11', 'a', 'b', 'c'], ['lpos', 'l:11', 'c']], 2],
  ['sadd counts new', [['sadd', 's:1', 'a', 'b', 'a'], ['sadd', 's:1', 'b', 'c']], 1],
  ['scard and sismember', [['scard', 's:1'], ['sismember', 's:1', 'c']], 1],
  ['smismember', [['smismember', 's:1', 'a', 'z']], [1, 0]],
  ['srem', [['sadd', 's:2', 'a', 'b'], ['srem', 's:2', 'a', 'z']], 1],
  ['smove', [['sadd', 's:3', 'a'], ['smove', 's:3', 's:4', 'a'], ['sismember', 's:4', 'a']], 1],
  ['sinterstore', [['sadd', 's:5', 'a', 'b'], ['sadd', 's:6', 'b', 'c'], ['sinterstore', 's:7', 's:5', 's:6']], 1],
  ['zadd and zscore', [['zadd', 'z:1', 1, 'a', 2.5, 'b'], ['zscore', 'z:1', 'b']], '2.5'],
  ['zrange', [['zrange', 'z:1', 0, -1, 'WITHSCORES']], ['a', '1', 'b', '2.5']],
  ['zrevrange', [['zrevrange', 'z:1', 0, 0]], ['b']],
  ['zrangebyscore', [['zrangebyscore', 'z:1', '(1', '+inf']], ['b']],
  ['zadd gt', [['zadd', 'z:2', 5, 'a'], ['zadd', 'z:2', 'GT', 'CH', 3, 'a']], 0],
  ['zincrby', [['zincrby', 'z:3', 1.5, 'a'], ['zincrby', 'z:3', 1, 'a']], '2.5'],
  ['zrank', [['zadd', 'z:4', 1, 'a', 2, 'b'], ['zrank', 'z:4', 'b']], 1],
  ['zcount', [['zcount', 'z:4', 1, 1]], 1],
  ['zrem and zcard', [['zrem', 'z:4', 'a'], ['zcard', 'z:4']], 1],
  ['zpopmin', [['zadd', 'z:5', 2, 'b', 1, 'a'], ['zpopmin', 'z:5']], ['a', '1']],
  ['zunionstore', [['zadd', 'z:6', 1, 'a'], ['zadd', 'z:7', 2, 'a'], ['zunionstore', 'z:8', 2, 'z:6', 'z:7'], ['zscore', 'z:8', 'a']], '3'],
  ['zrangebylex', [['zadd', 'z:9', 0, 'a', 0, 'b', 0, 'c'], ['zrangebylex', 'z:9', '[b', '+']], ['b', 'c']],
];
for (const [name, commands, want] of rows) {
  test(name, async () => {
    let got;
    for (const [c, ...args] of commands) got = await r.call(c, ...args);
    assert.deepEqual(got, want);
  });
}

test('hgetall as an object', async () => { await r.hset('h:9', { a: '1', b: '2' }); assert.deepEqual(await r.hgetall('h:9'), { a: '1', b: '2' }); });
test('smembers', async () => { await r.sadd('s:9', 'x', 'y'); assert.deepEqual((await r.smembers('s:9')).sort(), ['x', 'y']); });
test('binary values', async () => {
  const b = Buffer.from([0, 255, 13, 10, 128]);
  await r.set('bin', b);
  assert.deepEqual(await r.getBuffer('bin'), b);
});
test('wrong type', async () => { await r.set('wt', 'x'); await rejects(r.lpush('wt', 'y'), { message: /^WRONGTYPE Operation against a key/ }); });
test('not an integer', async () => { await r.set('ni', 'x'); await rejects(r.incr('ni'), { message: 'ERR value is not an integer or out of range' }); });
test('unknown command', async () => { await rejects(r.call('nosuch', 'a'), { message: /^ERR unknown command/ }); });
test('wrong arity', async () => { await rejects(r.call('get'), { message: /^ERR wrong number of arguments for 'get' command/ }); });
test('a key expires', async () => {
  await r.set('px', '1', 'PX', 30);
  for (let i = 0; i < 100 && (await r.exists('px')); i++) await new Promise((ok) => setTimeout(ok, 10));
  assert.equal(await r.get('px'), null);
});
test('multi and exec', async () => { assert.deepEqual(await r.multi().set('m', '1').incr('m').get('m').exec(), [[null, 'OK'], [null, 2], [null, '2']]); });
test('an error inside exec does not undo the rest', async () => {
  const got = await r.multi().set('me', 'x').incr('me').set('me2', 'y').exec();
  assert.match(got[1][0].message, /not an integer/);
  assert.equal(await r.get('me2'), 'y');
});
test('discard', async () => {
  const c = open();
  await c.call('multi'); await c.call('set', 'dc', '1'); await c.call('discard');
  assert.equal(await c.get('dc'), null);
  await c.quit();
});
test('watch sees a change of another client', async () => {
  const c = open();
  await c.watch('wk');
  await r.set('wk', 'other');
  assert.equal(await c.multi().set('wk', 'mine').exec(), null);
  assert.equal(await r.get('wk'), 'other');
  await c.quit();
});
test('pipeline of a thousand', async () => {
  const p = r.pipeline();
  for (let i = 0; i < 1000; i++) p.set(`pl:${i}`, String(i));
  assert.equal((await p.exec()).filter(([e, v]) => !e && v === 'OK').length, 1000);
});
test('scan finds every key once', async () => {
  const seen = new Set();
  for await (const keys of r.scanStream({ match: 'pl:*', count: 100 })) keys.forEach((k) => seen.add(k));
  assert.equal(seen.size, 1000);
});
test('hscan, sscan and zscan', async () => {
  const f = {};
  for (let i = 0; i < 300; i++) f[`f${i}`] = String(i);
  await r.hset('hs', f);
  let n = 0;
  for await (const part of r.hscanStream('hs')) n += part.length / 2;
  assert.equal(n, 300);
});
test('keys by pattern', async () => { await r.mset('kp:a', 1, 'kp:b', 1); assert.deepEqual((await r.keys('kp:[ab]')).sort(), ['kp:a', 'kp:b']); });
test('select separates databases', async () => {
  const c = open({ db: 3 });
  await c.set('only3', '1');
  assert.equal(await r.get('only3'), null);
  assert.equal(await c.dbsize(), 1);
  await c.flushdb();
  assert.equal(await c.dbsize(), 0);
  await c.quit();
});
test('publish and subscribe', async () => {
  const c = open();
  await c.subscribe('news');
  const got = new Promise((ok) => c.once('message', (ch, m) => ok([ch, m])));
  assert.equal(await r.publish('news', 'hi'), 1);
  assert.deepEqual(await got, ['news', 'hi']);
  await c.unsubscribe('news');
  assert.equal(await r.publish('news', 'hi'), 0);
  await c.quit();
});
test('psubscribe', async () => {
  const c = open();
  await c.psubscribe('p.*');
  const got = new Promise((ok) => c.once('pmessage', (...a) => ok(a)));
  await r.publish('p.x', '1');
  assert.deepEqual(await got, ['p.*', 'p.x', '1']);
  await c.quit();
});
test('blpop waits for a push', async () => {
  const c = open();
  const got = c.blpop('bl', 10);
  await new Promise((ok) => setTimeout(ok, 30));
  await r.rpush('bl', 'x');
  assert.deepEqual(await got, ['bl', 'x']);
  await c.quit();
});
test('blpop times out', async () => {
  const c = open();
  assert.equal(await c.blpop('nothing', 0.05), null);
  await c.quit();
});
test('info and command count', async () => {
  assert.match(await r.info(), /redis_version:\d+\.\d+/);
  assert.ok((await r.call('command', 'count')) > 50);
});
test('client id and name', async () => {
  await r.client('SETNAME', 'conf');
  assert.equal(await r.client('GETNAME'), 'conf');
  assert.ok((await r.client('ID')) > 0);
});
test('a hundred clients increment one key', async () => {
  const all = Array.from({ length: 100 }, () => open());
  await Promise.all(all.map((c) => c.incr('hot')));
  assert.equal(await r.get('hot'), '100');
  await Promise.all(all.map((c) => c.quit()));
});

// redis-cli as people and scripts use it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { addr, run, golden } from '../lib/harness.mjs';

const { host, port } = addr('redis');
const cli = (args, input) => run('redis-cli', ['-h', host, '-p', String(port), ...args], input);

test('script against a golden', async () => {
  const script = ['SET cli:a 1', 'INCR cli:a', 'GET cli:a', 'RPUSH cli:l a b c', 'LRANGE cli:l 0 -1', 'HSET cli:h f v', 'HGETALL cli:h', 'ZADD cli:z 1 x 2 y',
    'ZRANGE cli:z 0 -1 WITHSCORES', 'TYPE cli:z', 'LPUSH cli:a x', 'NOSUCH', 'GET', 'EXISTS cli:a cli:none', 'MULTI', 'INCR cli:a', 'GET cli:a', 'EXEC', 'DEL cli:a'].join('\n');
  golden(new URL('./testdata/cli.golden', import.meta.url), (await cli([], script)).out);
});
test('one command', async () => { assert.equal((await cli(['ping'])).out, 'PONG\n'); });
test('resp3', async () => { assert.equal((await cli(['-3', 'ping'])).out, 'PONG\n'); });
test('--pipe of ten thousand', async () => {
  let all = '';
  for (let i = 0; i < 10000; i++) all += `*3\r\n$3\r\nSET\r\n$${`pipe:${i}`.length}\r\npipe:${i}\r\n$1\r\nx\r\n`;
  const { code, out } = await cli(['--pipe'], all);
  assert.match(out, /errors: 0, replies: 10000/);
  assert.equal(code, 0);
});
test('--scan', async () => {
  const { out } = await cli(['--scan', '--pattern', 'pipe:*']);
  assert.equal(out.trim().split('\n').length, 10000);
});
test('redis-benchmark default set', async () => {
  const { code, out } = await run('redis-benchmark', ['-h', host, '-p', String(port), '-n', '1000', '-c', '10', '-q']);
  assert.equal(code, 0, out);
  assert.doesNotMatch(out, /error/i);
});

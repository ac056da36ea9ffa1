// @nats-io/jetstream and @nats-io/kv.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager, AckPolicy, RetentionPolicy, StorageType } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { addr } from '../lib/harness.mjs';

let nc, js, jsm;
before(async () => { nc = await connect({ servers: addr('nats').text }); js = jetstream(nc); jsm = await jetstreamManager(nc); });
after(async () => { await nc.drain(); });

test('account info', async () => { assert.ok((await jsm.getAccountInfo()).limits); });
test('stream: add, publish, info, get, delete a message, purge', async () => {
  const info = await jsm.streams.add({ name: 'S1', subjects: ['s1.>'] });
  assert.equal(info.config.storage, StorageType.File);
  for (let i = 1; i <= 5; i++) assert.equal((await js.publish(`s1.${i}`, `m${i}`)).seq, i);
  assert.equal((await jsm.streams.info('S1')).state.messages, 5);
  assert.equal(new TextDecoder().decode((await jsm.streams.getMessage('S1', { seq: 2 })).data), 'm2');
  assert.equal(await jsm.streams.deleteMessage('S1', 2), true);
  assert.equal((await jsm.streams.purge('S1')).purged, 4);
});
test('deduplication by message id', async () => {
  await jsm.streams.add({ name: 'S2', subjects: ['s2'] });
  assert.equal((await js.publish('s2', 'a', { msgID: 'x' })).duplicate, false);
  assert.equal((await js.publish('s2', 'a', { msgID: 'x' })).duplicate, true);
});
test('expected last sequence', async () => {
  await jsm.streams.add({ name: 'S3', subjects: ['s3'] });
  await js.publish('s3', 'a');
  await assert.rejects(js.publish('s3', 'b', { expect: { lastSequence: 9 } }), /wrong last sequence/);
});
test('durable consumer: fetch, ack, redeliver', async () => {
  await jsm.streams.add({ name: 'S4', subjects: ['s4'] });
  for (let i = 0; i < 4; i++) await js.publish('s4', String(i));
  await jsm.consumers.add('S4', { durable_name: 'd', ack_policy: AckPolicy.Explicit });
  const c = await js.consumers.get('S4', 'd');
  const got = [];
  for await (const m of await c.fetch({ max_messages: 3, expires: 3000 })) { got.push(m.string()); m.ack(); }
  assert.deepEqual(got, ['0', '1', '2']);
  const last = await c.next({ expires: 3000 });
  last.nak();
  const again = await c.next({ expires: 3000 });
  assert.equal(again.info.deliveryCount, 2);
  assert.equal(await again.ackAck(), true);
});
test('ordered consumer', async () => {
  await jsm.streams.add({ name: 'S5', subjects: ['s5'] });
  for (let i = 0; i < 10; i++) await js.publish('s5', String(i));
  const c = await js.consumers.get('S5');
  const got = [];
  for await (const m of await c.consume()) { got.push(Number(m.string())); if (got.length === 10) break; }
  assert.deepEqual(got, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});
test('work queue retention', async () => {
  await jsm.streams.add({ name: 'S6', subjects: ['s6'], retention: RetentionPolicy.Workqueue });
  await js.publish('s6', 'x');
  await jsm.consumers.add('S6', { durable_name: 'w', ack_policy: AckPolicy.Explicit });
  await (await (await js.consumers.get('S6', 'w')).next({ expires: 3000 })).ackAck();
  assert.equal((await jsm.streams.info('S6')).state.messages, 0);
});
test('max messages discards the oldest', async () => {
  await jsm.streams.add({ name: 'S7', subjects: ['s7'], max_msgs: 2 });
  for (let i = 0; i < 5; i++) await js.publish('s7', String(i));
  assert.equal((await jsm.streams.info('S7')).state.first_seq, 4);
});
test('list and delete streams', async () => {
  const names = [];
  for await (const s of jsm.streams.list()) names.push(s.config.name);
  assert.ok(names.includes('S1') && names.includes('S7'));
  assert.equal(await jsm.streams.delete('S7'), true);
  await assert.rejects(jsm.streams.info('S7'), /stream not found/);
});
test('kv: put, get, update, delete, history', async () => {
  const kv = await new Kvm(js).create('b1', { history: 5 });
  const rev = await kv.put('k', 'v1');
  assert.equal((await kv.get('k')).string(), 'v1');
  await kv.update('k', 'v2', rev);
  await assert.rejects(kv.update('k', 'v3', rev), /wrong last sequence/);
  await kv.delete('k');
  assert.equal((await kv.get('k')).operation, 'DEL');
  const ops = [];
  for await (const e of await kv.history({ key: 'k' })) ops.push(e.operation);
  assert.deepEqual(ops, ['PUT', 'PUT', 'DEL']);
});
test('kv: create refuses an existing key', async () => {
  const kv = await new Kvm(js).create('b2');
  await kv.create('k', '1');
  await assert.rejects(kv.create('k', '2'));
});
test('kv: watch and keys', async () => {
  const kv = await new Kvm(js).create('b3');
  const w = await kv.watch();
  await kv.put('x', '1');
  for await (const e of w) { assert.equal(e.key, 'x'); break; }
  const keys = [];
  for await (const k of await kv.keys()) keys.push(k);
  assert.deepEqual(keys, ['x']);
});
test('kv: status and destroy', async () => {
  const kv = await new Kvm(js).create('b4');
  assert.equal((await kv.status()).bucket, 'b4');
  assert.equal(await kv.destroy(), true);
});

// Change streams: events, resume tokens, look-ups, images, the three levels.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { MongoClient } from 'mongodb';
import { addr, rejects } from '../lib/harness.mjs';

let client, db;
before(async () => { client = await new MongoClient(`mongodb://${addr('mongo').text}/`).connect(); db = client.db('conf_watch'); await db.dropDatabase(); });
after(async () => { await client.close(); });
const take = async (s, n) => { const out = []; while (out.length < n) out.push(await s.next()); return out; };
// open makes sure the stream is at the server before writes are made.
const open = async (on, pipeline, options) => { const s = on.watch(pipeline, options); await s.tryNext(); return s; };

test('events of a collection', async () => {
  const c = db.collection('a');
  const s = await open(c);
  await c.insertOne({ _id: 1, x: { y: 1, z: 2 }, l: [1, 2, 3] });
  await c.updateOne({ _id: 1 }, { $set: { 'x.y': 5, n: 1 }, $unset: { 'x.z': 1 } });
  await c.updateOne({ _id: 1 }, { $pop: { l: 1 } });
  await c.replaceOne({ _id: 1 }, { q: 1 });
  await c.deleteOne({ _id: 1 });
  const e = await take(s, 5);
  assert.deepEqual(e.map((x) => x.operationType), ['insert', 'update', 'update', 'replace', 'delete']);
  assert.deepEqual(e[0].fullDocument, { _id: 1, x: { y: 1, z: 2 }, l: [1, 2, 3] });
  assert.deepEqual(e[0].ns, { db: 'conf_watch', coll: 'a' });
  assert.deepEqual(e[1].updateDescription, { updatedFields: { 'x.y': 5, n: 1 }, removedFields: ['x.z'], truncatedArrays: [] });
  assert.equal('fullDocument' in e[1], false);
  assert.deepEqual(e[2].updateDescription.truncatedArrays, [{ field: 'l', newSize: 2 }]);
  assert.deepEqual(e[3].fullDocument, { _id: 1, q: 1 });
  assert.deepEqual(e[4].documentKey, { _id: 1 });
  assert.ok(e[4].clusterTime && e[4].wallTime instanceof Date);
  await s.close();
});
test('a stream resumes behind a token, and starts at a time', async () => {
  const c = db.collection('b');
  const s = await open(c);
  await c.insertMany([...Array(20).keys()].map((i) => ({ _id: i })));
  const e = await take(s, 20);
  await s.close();
  const r = c.watch([], { resumeAfter: e[6]._id });
  assert.deepEqual((await take(r, 13)).map((x) => x.documentKey._id), [7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]);
  await r.close();
  const t = c.watch([], { startAtOperationTime: e[18].clusterTime });
  assert.deepEqual((await take(t, 2)).map((x) => x.documentKey._id), [18, 19]);
  await t.close();
  await rejects(() => c.watch([], { resumeAfter: { _data: 'zz' } }).tryNext(), { code: 260 });
  await rejects(() => c.watch([{ $group: { _id: 1 } }]).tryNext(), { code: 40573 });
});
test('pipelines, look-ups and images', async () => {
  const c = await db.createCollection('img', { changeStreamPreAndPostImages: { enabled: true } });
  const s = await open(c, [{ $match: { operationType: { $in: ['update', 'delete'] } } }, { $project: { fullDocument: 1, fullDocumentBeforeChange: 1, documentKey: 1 } }], { fullDocument: 'whenAvailable', fullDocumentBeforeChange: 'required' });
  const l = await open(c, [], { fullDocument: 'updateLookup' });
  await c.insertOne({ _id: 1, n: 1 });
  await c.updateOne({ _id: 1 }, { $inc: { n: 1 } });
  await c.updateOne({ _id: 1 }, { $inc: { n: 1 } });
  await c.deleteOne({ _id: 1 });
  const e = await take(s, 3);
  assert.deepEqual(e.map((x) => [x.fullDocumentBeforeChange, x.fullDocument]), [[{ _id: 1, n: 1 }, { _id: 1, n: 2 }], [{ _id: 1, n: 2 }, { _id: 1, n: 3 }], [{ _id: 1, n: 3 }, undefined]]);
  assert.equal((await take(l, 2))[1].fullDocument, null); // it is gone
  await s.close();
  await l.close();
});
test('transactions give their events when they commit', async () => {
  const c = db.collection('t');
  await c.insertOne({ _id: 0 });
  const s = await open(c);
  await client.withSession((x) => x.withTransaction(async () => { await c.insertOne({ _id: 1 }, { session: x }); await c.insertOne({ _id: 2 }, { session: x }); }));
  const x = client.startSession();
  x.startTransaction();
  await c.insertOne({ _id: 3 }, { session: x });
  await x.abortTransaction();
  await x.endSession();
  await c.insertOne({ _id: 4 });
  assert.deepEqual((await take(s, 3)).map((e) => e.documentKey._id), [1, 2, 4]);
  await s.close();
});
test('database and deployment', async () => {
  const d = await open(db);
  const all = await open(client);
  await db.collection('d1').insertOne({ _id: 1 });
  await db.collection('d2').insertOne({ _id: 2 });
  await client.db('conf_watch2').collection('d3').insertOne({ _id: 3 });
  await db.collection('d2').rename('d4');
  assert.deepEqual((await take(d, 3)).map((e) => [e.operationType, e.ns.coll]), [['insert', 'd1'], ['insert', 'd2'], ['rename', 'd2']]);
  const e = await take(all, 4);
  assert.deepEqual(e.filter((x) => x.ns.db === 'conf_watch').map((x) => x.operationType), ['insert', 'insert', 'rename']);
  assert.equal(e.filter((x) => x.ns.db === 'conf_watch2')[0].documentKey._id, 3);
  await d.close();
  await client.db('conf_watch2').collection('d3').insertOne({ _id: 4 });
  const r = client.watch([], { resumeAfter: e[0]._id });
  assert.ok((await take(r, 4)).length === 4);
  await all.close();
  await r.close();
  await client.db('conf_watch2').dropDatabase();
});
test('drop invalidates', async () => {
  const c = db.collection('gone');
  await c.insertOne({});
  const s = await open(c);
  await c.drop();
  const e = await take(s, 2);
  assert.deepEqual(e.map((x) => x.operationType), ['drop', 'invalidate']);
  await rejects(() => c.watch([], { resumeAfter: e[1]._id }).tryNext(), { code: 260 });
  const n = await open(c, [], { startAfter: e[1]._id });
  await c.insertOne({ _id: 'again' });
  assert.equal((await n.next()).operationType, 'insert');
  await n.close();
});
test('a waiting stream wakes at once and can be closed', async () => {
  const c = db.collection('w');
  const s = await open(c, [], { maxAwaitTimeMS: 3000 });
  const next = s.next();
  await c.insertOne({ _id: 1 });
  assert.equal((await next).documentKey._id, 1);
  const waiting = s.next().catch((e) => e.constructor.name);
  await s.close();
  assert.match(String(await waiting), /Error/);
});

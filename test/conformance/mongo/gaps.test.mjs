// What a client asks for is done or refused by name: explain, hints, options
// of create, cursors over writes.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { MongoClient } from 'mongodb';
import { addr, rejects } from '../lib/harness.mjs';

let client, db;
before(async () => {
  client = await new MongoClient(`mongodb://${addr('mongo').text}/`).connect();
  db = client.db('conf_gaps');
  await db.dropDatabase();
  const c = db.collection('e');
  await c.insertMany([...Array(200).keys()].map((i) => ({ _id: i, a: i % 20, b: i, t: [i, i + 1] })));
  await c.createIndexes([{ key: { a: 1 } }, { key: { b: -1 } }, { key: { t: 1 } }, { key: { b: 1, a: 1 }, sparse: true, name: 'sp' }]);
});
after(async () => { await client.close(); });
const stages = (p) => (p ? [p.stage, ...stages(p.inputStage)] : []);

test('explain carries what was examined', async () => {
  const c = db.collection('e');
  const scan = await c.find({ c: 1 }).explain('executionStats');
  assert.deepEqual([scan.executionStats.nReturned, scan.executionStats.totalKeysExamined, scan.executionStats.totalDocsExamined], [0, 0, 200]);
  assert.equal(scan.executionStats.executionSuccess, true);
  assert.ok(scan.executionStats.executionTimeMillis >= 0);
  assert.deepEqual(stages(scan.executionStats.executionStages), ['COLLSCAN']);
  const ix = await c.find({ a: 3 }).sort({ c: 1 }).limit(4).project({ a: 1 }).explain('executionStats');
  assert.deepEqual([ix.executionStats.nReturned, ix.executionStats.totalKeysExamined, ix.executionStats.totalDocsExamined], [4, 10, 10]);
  assert.deepEqual(stages(ix.queryPlanner.winningPlan), ['PROJECTION_SIMPLE', 'LIMIT', 'SORT', 'FETCH', 'IXSCAN']);
  assert.deepEqual(stages(ix.executionStats.executionStages), stages(ix.queryPlanner.winningPlan));
  const leaf = (await c.find({ b: { $gt: 3, $lte: 9 } }).explain('queryPlanner')).queryPlanner.winningPlan.inputStage;
  assert.deepEqual([leaf.indexName, leaf.indexBounds, leaf.isMultiKey], ['b_-1', { b: ['[9, 3)'] }, false]);
  assert.equal((await c.find({ _id: 3 }).explain()).queryPlanner.winningPlan.stage, 'IDHACK');
  const multi = (await c.find({ t: 7 }).explain('executionStats')).executionStats;
  assert.deepEqual([multi.nReturned, multi.executionStages.inputStage.isMultiKey], [2, true]);
  assert.equal('executionStats' in await c.find().explain('queryPlanner'), false);
});
test('explain of writes changes nothing; of pipelines shows the stages', async () => {
  const u = await db.command({ explain: { update: 'e', updates: [{ q: { a: 1 }, u: { $set: { z: 1 } }, multi: true }] }, verbosity: 'executionStats' });
  assert.equal(u.executionStats.executionStages.nWouldModify, 10);
  const d = await db.command({ explain: { delete: 'e', deletes: [{ q: { a: 1 }, limit: 1 }] }, verbosity: 'executionStats' });
  assert.equal(d.executionStats.executionStages.nWouldDelete, 1);
  assert.equal(await db.collection('e').countDocuments({ z: 1 }), 0);
  assert.equal(await db.collection('e').countDocuments({ a: 1 }), 10);
  const p = await db.collection('e').aggregate([{ $match: { a: { $lt: 2 } } }, { $group: { _id: '$a', n: { $sum: 1 } } }]).explain('executionStats');
  assert.equal(p.stages[0].$cursor.executionStats.nReturned, 20);
  assert.equal(Number(p.stages[1].nReturned), 2);
});
test('a hint steers the plan', async () => {
  const c = db.collection('e');
  const name = async (f, hint) => (await c.find(f).hint(hint).explain()).queryPlanner.winningPlan;
  assert.equal((await name({ a: 1 }, { b: -1 })).inputStage.indexName, 'b_-1');
  assert.equal((await name({ a: 1 }, 't_1')).inputStage.indexName, 't_1');
  assert.equal((await name({ a: 1 }, { $natural: -1 })).direction, 'backward');
  assert.deepEqual((await c.find({ a: 0 }).hint({ $natural: -1 }).toArray()).map((d) => d._id), [...Array(10).keys()].map((i) => 180 - 20 * i));
  for (const f of [() => c.find().hint('no').toArray(), () => c.updateOne({ a: 1 }, { $set: { q: 1 } }, { hint: 'no' }), () => c.deleteOne({ a: 1 }, { hint: { no: 1 } }),
    () => c.countDocuments({}, { hint: 'no' }), () => c.aggregate([], { hint: 'no' }).toArray(), () => c.findOneAndUpdate({ a: 1 }, { $set: { q: 1 } }, { hint: 'no' })]) await rejects(f, { code: 2 });
  assert.equal((await c.updateMany({ a: 1 }, { $set: { q: 1 } }, { hint: { a: 1 } })).modifiedCount, 10);
});
test('hidden indexes are kept but not used', async () => {
  const c = db.collection('hid');
  await c.insertOne({ x: 1 });
  await c.createIndex({ x: 1 }, { hidden: true });
  assert.equal((await c.find({ x: 1 }).explain()).queryPlanner.winningPlan.stage, 'COLLSCAN');
  await db.command({ collMod: 'hid', index: { name: 'x_1', hidden: false } });
  assert.equal((await c.find({ x: 1 }).explain()).queryPlanner.winningPlan.stage, 'FETCH');
});
test('capped collections drop the oldest', async () => {
  const c = await db.createCollection('cap', { capped: true, size: 4096, max: 3 });
  for (let i = 0; i < 5; i++) await c.insertOne({ _id: i });
  assert.deepEqual((await c.find().toArray()).map((d) => d._id), [2, 3, 4]);
  const big = await db.createCollection('cap2', { capped: true, size: 2000 });
  await big.insertMany([...Array(10).keys()].map((i) => ({ _id: i, s: 'x'.repeat(450) })));
  assert.deepEqual((await big.find().toArray()).map((d) => d._id), [6, 7, 8, 9]);
  assert.equal((await db.listCollections({ name: 'cap' }).toArray())[0].options.max, 3);
  assert.equal(await c.isCapped(), true);
});
test('validators are enforced', async () => {
  const c = await db.createCollection('val', { validator: { n: { $gte: 0 }, $expr: { $lt: ['$n', 100] } } });
  await c.insertOne({ _id: 1, n: 5 });
  const e = await rejects(() => c.insertOne({ _id: 2, n: -1 }), { code: 121 });
  await rejects(() => c.updateOne({ _id: 1 }, { $set: { n: 100 } }), { code: 121 });
  await c.insertOne({ _id: 3, n: -1 }, { bypassDocumentValidation: true });
  await rejects(() => c.updateOne({ _id: 3 }, { $set: { m: 1 } }), { code: 121 });
  await db.command({ collMod: 'val', validationLevel: 'moderate' });
  await c.updateOne({ _id: 3 }, { $set: { m: 1 } });
  await db.command({ collMod: 'val', validator: {} });
  await c.insertOne({ _id: 4, n: -1 });
  return e;
});
test('views', async () => {
  const v = await db.createCollection('view', { viewOn: 'e', pipeline: [{ $match: { a: 4 } }, { $project: { b: 1 } }] });
  assert.equal(await v.countDocuments(), 10);
  assert.deepEqual(await v.find({ b: { $gt: 150 } }).sort({ b: -1 }).toArray(), [{ _id: 184, b: 184 }, { _id: 164, b: 164 }]);
  assert.deepEqual(await v.aggregate([{ $group: { _id: null, n: { $sum: 1 } } }]).toArray(), [{ _id: null, n: 10 }]);
  await rejects(() => v.insertOne({}), { code: 166 });
  await rejects(() => v.createIndex({ a: 1 }), { code: 166 });
  assert.equal((await db.listCollections({ name: 'view' }).toArray())[0].type, 'view');
  assert.deepEqual(await db.collection('e').aggregate([{ $limit: 1 }, { $lookup: { from: 'view', pipeline: [{ $count: 'n' }], as: 'v' } }, { $project: { v: 1, _id: 0 } }]).toArray(), [{ v: [{ n: 10 }] }]);
  await v.drop();
});
test('time series and clustered collections', async () => {
  const c = await db.createCollection('ts', { timeseries: { timeField: 'at', metaField: 'm' }, expireAfterSeconds: 3600 });
  await c.insertOne({ at: new Date(), m: 1, v: 2 });
  await rejects(() => c.insertOne({ v: 1 }), { code: 2 });
  assert.equal((await db.listCollections({ name: 'ts' }).toArray())[0].type, 'timeseries');
  const k = await db.createCollection('clu', { clusteredIndex: { key: { _id: 1 }, unique: true, name: 'k' } });
  assert.deepEqual(await k.indexes(), [{ v: 2, key: { _id: 1 }, name: 'k', unique: true, clustered: true }]);
  await rejects(() => db.createCollection('x1', { expireAfterSeconds: 5 }), { code: 72 });
  await rejects(() => db.createCollection('x2', { capped: true }), { code: 72 });
});
test('a cursor goes on while documents are written', async () => {
  const c = db.collection('cur');
  await c.insertMany([...Array(5000).keys()].map((i) => ({ _id: i, k: i % 7, s: 'x'.repeat(2000) })));
  await c.createIndex({ k: 1 });
  for (const [f, n] of [[{}, 5000], [{ k: { $gte: 0 } }, 5000], [{ _id: { $gte: 10 } }, 4990]]) {
    const ids = new Set();
    let at = 0;
    for await (const d of c.find(f).batchSize(500)) {
      assert.equal(ids.has(d._id), false);
      ids.add(d._id);
      if (++at % 1000 === 0) await db.collection('other').insertOne({ at });
    }
    assert.equal(ids.size, n);
  }
  const cur = c.find().batchSize(10);
  await cur.next();
  await c.drop();
  await rejects(async () => { for (let i = 0; i < 5000; i++) await cur.next(); }, { code: 175 });
});
test('update with sort and variables', async () => {
  const c = db.collection('us');
  await c.insertMany([{ _id: 1, n: 3 }, { _id: 2, n: 9 }, { _id: 3, n: 1 }]);
  await db.command({ update: 'us', updates: [{ q: {}, u: { $set: { top: true } }, sort: { n: -1 } }] });
  assert.deepEqual(await c.find({ top: true }).toArray(), [{ _id: 2, n: 9, top: true }]);
  await c.updateMany({ $expr: { $lt: ['$n', '$$lim'] } }, [{ $set: { n: { $add: ['$n', '$$lim'] } } }], { let: { lim: 5 } });
  assert.deepEqual((await c.find().sort({ _id: 1 }).toArray()).map((d) => d.n), [8, 9, 6]);
  assert.equal((await c.deleteMany({ $expr: { $gt: ['$n', '$$lim'] } }, { let: { lim: 8 } })).deletedCount, 1);
});
test('collations', async () => {
  const c = db.collection('col');
  await c.insertMany([{ _id: 1, n: 'cote' }, { _id: 2, n: 'Cote' }, { _id: 3, n: 'côte' }, { _id: 4, n: 'zeta' }, { _id: 5, n: 'item10' }, { _id: 6, n: 'item9' }]);
  const ids = (a) => a.map((d) => d._id);
  const two = { locale: 'en', strength: 2 };
  assert.deepEqual(ids(await c.find({ n: 'COTE' }).collation(two).sort({ _id: 1 }).toArray()), [1, 2]);
  assert.deepEqual(ids(await c.find({ n: 'COTE' }).collation({ locale: 'fr', strength: 1 }).sort({ _id: 1 }).toArray()), [1, 2, 3]);
  assert.deepEqual(ids(await c.find({ n: 'COTE' }).toArray()), []);
  assert.deepEqual(ids(await c.find({ n: /item/ }).collation({ locale: 'en', numericOrdering: true }).sort({ n: 1 }).toArray()), [6, 5]);
  assert.deepEqual(ids(await c.find({ _id: { $lt: 5 } }).collation({ locale: 'en' }).sort({ n: 1 }).toArray()), [1, 2, 3, 4]);
  assert.equal(await c.countDocuments({ n: { $in: ['ZETA', 'COTE'] } }, { collation: two }), 3);
  assert.equal((await c.distinct('n', {}, { collation: two })).length, 5);
  assert.equal((await c.aggregate([{ $group: { _id: '$n' } }], { collation: { locale: 'en', strength: 1 } }).toArray()).length, 4);
  assert.equal((await c.updateMany({ n: 'COTE' }, { $set: { u: 1 } }, { collation: two })).modifiedCount, 2);
  await c.createIndex({ n: 1 }, { collation: two, name: 'ci' });
  const plan = (await db.command({ explain: { find: 'col', filter: { n: 'COTE' }, collation: two } })).queryPlanner.winningPlan;
  assert.equal(plan.inputStage?.indexName, 'ci');
  assert.deepEqual(ids(await c.find({ n: 'COTE' }).collation(two).sort({ n: 1, _id: 1 }).toArray()), [1, 2]);
  assert.equal((await c.find({ n: 'cote' }).explain()).queryPlanner.winningPlan.stage, 'COLLSCAN');
  assert.equal((await c.indexes())[1].collation.strength, 2);
  const d = await db.createCollection('cold', { collation: two });
  await d.createIndex({ e: 1 }, { unique: true, collation: two });
  await d.insertOne({ e: 'A@x' });
  await rejects(() => d.insertOne({ e: 'a@X' }), { code: 11000 });
  assert.equal(await d.countDocuments({ e: 'a@x' }), 1);
  assert.equal(await d.countDocuments({ e: 'a@x' }, { collation: { locale: 'simple' } }), 0);
  await rejects(() => c.find().collation({ locale: 'en', caseFirst: 'upper' }).toArray(), { code: 238 });
});
test('bulkWrite of a client', async () => {
  const r = await client.bulkWrite([
    { name: 'insertOne', namespace: 'conf_gaps.bw1', document: { _id: 1, n: 1 } }, { name: 'insertOne', namespace: 'conf_gaps.bw2', document: { _id: 1 } },
    { name: 'updateOne', namespace: 'conf_gaps.bw1', filter: { _id: 1 }, update: { $inc: { n: 1 } } }, { name: 'updateOne', namespace: 'conf_gaps.bw1', filter: { _id: 7 }, update: { $set: { n: 1 } }, upsert: true },
    { name: 'replaceOne', namespace: 'conf_gaps.bw2', filter: { _id: 1 }, replacement: { q: 1 } }, { name: 'deleteMany', namespace: 'conf_gaps.bw1', filter: { n: 1 } }], { verboseResults: true });
  assert.deepEqual([r.insertedCount, r.matchedCount, r.modifiedCount, r.upsertedCount, r.deletedCount], [2, 2, 2, 1, 1]);
  assert.deepEqual([...r.updateResults.values()].map((u) => [u.matchedCount, u.modifiedCount, u.upsertedId]), [[1, 1, undefined], [1, 0, 7], [1, 1, undefined]].map((x) => (x[2] === 7 ? [r.updateResults.get(3).matchedCount, 0, 7] : x)));
  assert.deepEqual(await db.collection('bw1').find().toArray(), [{ _id: 1, n: 2 }]);
  const e = await client.bulkWrite([{ name: 'insertOne', namespace: 'conf_gaps.bw1', document: { _id: 1 } }, { name: 'insertOne', namespace: 'conf_gaps.bw1', document: { _id: 2 } }], { ordered: false }).catch((x) => x);
  assert.equal(e.writeErrors.get(0).code, 11000);
  assert.equal(e.partialResult.insertedCount, 1);
});
test('hashed indexes, lists by pattern, ids with dollars', async () => {
  const c = db.collection('hash');
  await c.insertMany([{ _id: 1, k: 'a' }, { _id: 2, k: 'b' }]);
  await c.createIndex({ k: 'hashed' });
  assert.deepEqual((await c.indexes())[1].key, { k: 'hashed' });
  assert.equal((await c.find({ k: 'a' }).explain()).queryPlanner.winningPlan.inputStage.indexName, 'k_hashed');
  assert.deepEqual((await db.listCollections({ name: /^has/ }).toArray()).map((x) => x.name), ['hash']);
  await rejects(() => c.insertOne({ _id: { $a: 1 } }), { code: 52 });
  assert.ok((await client.db('admin').aggregate([{ $listLocalSessions: {} }, { $limit: 1 }]).toArray()).length <= 1);
  await c.updateOne({ _id: 1 }, [{ $replaceWith: { q: 1 } }]);
  assert.deepEqual(await c.findOne({ _id: 1 }), { _id: 1, q: 1 });
});
test('snapshot reads outside a transaction are refused, not faked', async () => {
  await rejects(() => db.command({ find: 'hash', readConcern: { level: 'snapshot' } }), { code: 238 });
  await rejects(() => db.command({ aggregate: 'hash', pipeline: [{ $out: 'x' }], cursor: {}, readConcern: { level: 'linearizable' } }), { code: 72 });
});

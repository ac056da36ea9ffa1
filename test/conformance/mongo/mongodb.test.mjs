// mongodb 7 driver.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { MongoClient, ObjectId, Long, Decimal128, Binary, Int32, UUID } from 'mongodb';
import { addr, rejects } from '../lib/harness.mjs';

const url = `mongodb://${addr('mongo').text}/`;
let client, db;
before(async () => { client = await new MongoClient(url).connect(); db = client.db('conf_mongo'); await db.dropDatabase(); });
after(async () => { await client.close(); });

test('ping and hello', async () => {
  assert.equal((await db.command({ ping: 1 })).ok, 1);
  assert.ok((await db.admin().command({ hello: 1 })).maxWireVersion >= 21);
});
test('insertOne makes an ObjectId', async () => {
  const r = await db.collection('a').insertOne({ x: 1 });
  assert.ok(r.insertedId instanceof ObjectId);
  assert.deepEqual(await db.collection('a').findOne({ _id: r.insertedId }), { _id: r.insertedId, x: 1 });
});
test('every BSON type comes back', async () => {
  const d = { _id: 't', i: 1, l: Long.fromString('9007199254740993'), f: 1.5, d: Decimal128.fromString('1.50'), s: 'é', b: new Binary(Buffer.from([0, 255])), at: new Date('2026-01-31T10:00:00.123Z'),
    n: null, t: true, o: { a: { b: [] } }, r: /ab+/i, a: [1, 'x', null, { y: 2 }], u: new UUID('00000000-0000-4000-8000-000000000001') };
  await db.collection('types').insertOne(d);
  const got = await db.collection('types').findOne({ _id: 't' }, { promoteLongs: false });
  assert.equal(got.l.toString(), '9007199254740993');
  assert.equal(got.d.toString(), '1.50');
  assert.deepEqual([...got.b.buffer.subarray(0, 2)], [0, 255]);
  assert.deepEqual([got.at, got.n, got.t, got.o, got.s, got.f], [d.at, null, true, d.o, 'é', 1.5]);
  assert.deepEqual([got.r.source, got.r.flags, got.u.toString()], ['ab+', 'i', '00000000-0000-4000-8000-000000000001']);
  assert.equal(got.i.valueOf(), 1);
  assert.deepEqual(Object.keys(got), Object.keys(d));
});
const people = () => db.collection('people');
test('insertMany', async () => {
  const r = await people().insertMany([
    { _id: 1, name: 'Ann', age: 30, tags: ['x', 'y'], addr: { city: 'Bonn' }, scores: [{ k: 'a', v: 5 }, { k: 'b', v: 9 }] },
    { _id: 2, name: 'Bob', age: 25, tags: ['y'], addr: { city: 'Rome' }, scores: [{ k: 'a', v: 8 }] },
    { _id: 3, name: 'Cid', age: 41, tags: [], addr: null },
    { _id: 4, name: 'dan', age: 25.5 },
  ]);
  assert.equal(r.insertedCount, 4);
});
for (const [name, filter, ids] of [
  ['all', {}, [1, 2, 3, 4]], ['equality', { name: 'Bob' }, [2]], ['number types compare', { age: 25.0 }, [2]], ['$gt', { age: { $gt: 25 } }, [1, 3, 4]], ['range', { age: { $gte: 25, $lt: 30 } }, [2, 4]],
  ['$ne', { age: { $ne: 25 } }, [1, 3, 4]], ['$in', { name: { $in: ['Ann', /^d/] } }, [1, 4]], ['$nin', { _id: { $nin: [1, 2] } }, [3, 4]], ['dotted path', { 'addr.city': 'Rome' }, [2]],
  ['array contains', { tags: 'y' }, [1, 2]], ['whole array', { tags: ['x', 'y'] }, [1]], ['$all', { tags: { $all: ['y', 'x'] } }, [1]], ['$size', { tags: { $size: 0 } }, [3]],
  ['$elemMatch', { scores: { $elemMatch: { k: 'a', v: { $gt: 6 } } } }, [2]], ['path into array', { 'scores.v': 9 }, [1]], ['array index', { 'scores.0.v': 5 }, [1]],
  ['$exists', { tags: { $exists: false } }, [4]], ['null matches missing', { addr: null }, [3, 4]], ['$type', { age: { $type: 'double' } }, [4]], ['$regex', { name: { $regex: '^a', $options: 'i' } }, [1]],
  ['$and', { $and: [{ age: 25 }, { name: 'Bob' }] }, [2]], ['$or', { $or: [{ _id: 1 }, { age: 41 }] }, [1, 3]], ['$nor', { $nor: [{ _id: 1 }, { _id: 2 }] }, [3, 4]], ['$not', { age: { $not: { $gt: 26 } } }, [2, 4]],
  ['$mod', { _id: { $mod: [2, 0] } }, [2, 4]], ['$expr', { $expr: { $gt: ['$age', { $multiply: ['$_id', 20] }] } }, [1]],
]) {
  test(`find ${name}`, async () => { assert.deepEqual((await people().find(filter).sort({ _id: 1 }).toArray()).map((d) => d._id), ids); });
}
test('sort, skip, limit', async () => { assert.deepEqual((await people().find().sort({ age: -1, _id: 1 }).skip(1).limit(2).toArray()).map((d) => d._id), [1, 4]); });
test('projections', async () => {
  assert.deepEqual(await people().findOne({ _id: 1 }, { projection: { name: 1, 'addr.city': 1 } }), { _id: 1, name: 'Ann', addr: { city: 'Bonn' } });
  assert.deepEqual(await people().findOne({ _id: 2 }, { projection: { _id: 0, scores: 0, addr: 0, tags: 0 } }), { name: 'Bob', age: 25 });
  assert.deepEqual(await people().findOne({ _id: 1 }, { projection: { tags: { $slice: 1 }, scores: { $elemMatch: { v: 9 } }, n: { $toUpper: '$name' } } }), { _id: 1, tags: ['x'], scores: [{ k: 'b', v: 9 }], n: 'ANN' });
});
const up = () => db.collection('up');
for (const [name, start, update, want] of [
  ['$set', { a: 1 }, { $set: { b: 2, 'c.d': 3 } }, { a: 1, b: 2, c: { d: 3 } }], ['$unset', { a: 1, b: 1 }, { $unset: { b: '' } }, { a: 1 }], ['$inc', { a: 1 }, { $inc: { a: 2, z: 1 } }, { a: 3, z: 1 }],
  ['$mul', { a: 3 }, { $mul: { a: 2 } }, { a: 6 }], ['$min and $max', { a: 5, b: 5 }, { $min: { a: 3 }, $max: { b: 9 } }, { a: 3, b: 9 }], ['$rename', { a: 1 }, { $rename: { a: 'q' } }, { q: 1 }],
  ['$push', { a: [1] }, { $push: { a: 2 } }, { a: [1, 2] }], ['$push with $each, $sort, $slice', { a: [3] }, { $push: { a: { $each: [1, 2], $sort: 1, $slice: 2 } } }, { a: [1, 2] }],
  ['$push at a position', { a: [1, 3] }, { $push: { a: { $each: [2], $position: 1 } } }, { a: [1, 2, 3] }], ['$addToSet', { a: [1] }, { $addToSet: { a: { $each: [1, 2] } } }, { a: [1, 2] }],
  ['$pull', { a: [1, 5, 9] }, { $pull: { a: { $gt: 4 } } }, { a: [1] }], ['$pullAll', { a: [1, 2, 1] }, { $pullAll: { a: [1] } }, { a: [2] }], ['$pop', { a: [1, 2] }, { $pop: { a: -1 } }, { a: [2] }],
  ['element by index', { a: [1, 2] }, { $set: { 'a.1': 9 } }, { a: [1, 9] }], ['$[]', { a: [1, 2] }, { $inc: { 'a.$[]': 1 } }, { a: [2, 3] }], ['pipeline', { a: 2 }, [{ $set: { b: { $add: ['$a', 1] } } }], { a: 2, b: 3 }],
]) {
  test(`update ${name}`, async () => {
    await up().insertOne({ _id: name, ...start });
    assert.equal((await up().updateOne({ _id: name }, update)).modifiedCount, 1);
    assert.deepEqual(await up().findOne({ _id: name }), { _id: name, ...want });
  });
}
test('positional $', async () => {
  await up().insertOne({ _id: 'pos', a: [{ k: 1, v: 1 }, { k: 2, v: 1 }] });
  await up().updateOne({ _id: 'pos', 'a.k': 2 }, { $set: { 'a.$.v': 9 } });
  assert.deepEqual((await up().findOne({ _id: 'pos' })).a, [{ k: 1, v: 1 }, { k: 2, v: 9 }]);
});
test('arrayFilters', async () => {
  await up().insertOne({ _id: 'af', a: [1, 5, 9] });
  await up().updateOne({ _id: 'af' }, { $set: { 'a.$[x]': 0 } }, { arrayFilters: [{ x: { $gt: 4 } }] });
  assert.deepEqual((await up().findOne({ _id: 'af' })).a, [1, 0, 0]);
});
test('updateMany, matched and modified', async () => {
  await up().insertMany([{ g: 1, v: 1 }, { g: 1, v: 2 }]);
  const r = await up().updateMany({ g: 1 }, { $set: { v: 2 } });
  assert.deepEqual([r.matchedCount, r.modifiedCount], [2, 1]);
});
test('upsert', async () => {
  const r = await up().updateOne({ _id: 'ups', k: 1 }, { $set: { a: 1 }, $setOnInsert: { b: 2 } }, { upsert: true });
  assert.equal(r.upsertedId, 'ups');
  assert.deepEqual(await up().findOne({ _id: 'ups' }), { _id: 'ups', k: 1, a: 1, b: 2 });
});
test('replaceOne', async () => { await up().replaceOne({ _id: 'ups' }, { z: 1 }); assert.deepEqual(await up().findOne({ _id: 'ups' }), { _id: 'ups', z: 1 }); });
test('findOneAndUpdate before and after', async () => {
  assert.equal((await up().findOneAndUpdate({ _id: 'ups' }, { $inc: { z: 1 } })).z, 1);
  assert.equal((await up().findOneAndUpdate({ _id: 'ups' }, { $inc: { z: 1 } }, { returnDocument: 'after' })).z, 3);
  assert.equal((await up().findOneAndDelete({ _id: 'ups' })).z, 3);
  assert.equal(await up().findOneAndDelete({ _id: 'ups' }), null);
});
test('deleteOne and deleteMany', async () => {
  const d = db.collection('del');
  await d.insertMany([{ a: 1 }, { a: 1 }, { a: 2 }]);
  assert.equal((await d.deleteOne({ a: 1 })).deletedCount, 1);
  assert.equal((await d.deleteMany({})).deletedCount, 2);
});
test('duplicate _id', async () => { await rejects(people().insertOne({ _id: 1 }), { code: 11000, message: /E11000 duplicate key error.*_id_/ }); });
test('unordered insertMany goes on', async () => {
  const c = db.collection('un');
  await rejects(c.insertMany([{ _id: 1 }, { _id: 1 }, { _id: 2 }], { ordered: false }), { code: 11000 });
  assert.equal(await c.countDocuments(), 2);
});
test('bulkWrite', async () => {
  const r = await db.collection('bw').bulkWrite([{ insertOne: { document: { _id: 1, a: 1 } } }, { updateOne: { filter: { _id: 1 }, update: { $inc: { a: 1 } } } }, { deleteOne: { filter: { _id: 9 } } }, { replaceOne: { filter: { _id: 2 }, replacement: { a: 5 }, upsert: true } }]);
  assert.deepEqual([r.insertedCount, r.modifiedCount, r.deletedCount, r.upsertedCount], [1, 1, 0, 1]);
});
test('count and distinct', async () => {
  assert.equal(await people().countDocuments({ age: { $lt: 30 } }), 2);
  assert.equal(await people().estimatedDocumentCount(), 4);
  assert.deepEqual((await people().distinct('tags')).sort(), ['x', 'y']);
});
test('unique index', async () => {
  const c = db.collection('ui');
  assert.equal(await c.createIndex({ e: 1 }, { unique: true }), 'e_1');
  await c.insertOne({ e: 'a' });
  await assert.rejects(c.insertOne({ e: 'a' }), (e) => e.code === 11000 && e.errorResponse.keyValue.e === 'a');
  assert.deepEqual((await c.indexes()).map((i) => i.name), ['_id_', 'e_1']);
  await c.dropIndex('e_1');
  await c.insertOne({ e: 'a' });
});
for (const [name, stages, want] of [
  ['$match and $group', [{ $match: { age: { $gte: 25 } } }, { $group: { _id: null, n: { $sum: 1 }, hi: { $max: '$age' } } }], [{ _id: null, n: 4, hi: 41 }]],
  ['$unwind', [{ $unwind: '$tags' }, { $group: { _id: '$tags', n: { $sum: 1 } } }, { $sort: { _id: 1 } }], [{ _id: 'x', n: 1 }, { _id: 'y', n: 2 }]],
  ['$project', [{ $match: { _id: 1 } }, { $project: { _id: 0, t: { $concat: ['$name', '-', '$addr.city'] }, n: { $size: '$tags' } } }], [{ t: 'Ann-Bonn', n: 2 }]],
  ['$count', [{ $match: { age: 25 } }, { $count: 'n' }], [{ n: 1 }]],
  ['$sort, $skip, $limit', [{ $sort: { age: 1, _id: 1 } }, { $skip: 1 }, { $limit: 1 }, { $project: { name: 1 } }], [{ _id: 4, name: 'dan' }]],
  ['$addFields and $cond', [{ $match: { _id: { $lte: 2 } } }, { $addFields: { old: { $cond: [{ $gt: ['$age', 28] }, 'y', 'n'] } } }, { $project: { old: 1 } }, { $sort: { _id: 1 } }], [{ _id: 1, old: 'y' }, { _id: 2, old: 'n' }]],
  ['$push', [{ $match: { age: { $lt: 31 } } }, { $sort: { _id: 1 } }, { $group: { _id: 1, names: { $push: '$name' }, avg: { $avg: '$_id' } } }], [{ _id: 1, names: ['Ann', 'Bob', 'dan'], avg: 7 / 3 }]],
]) {
  test(`aggregate ${name}`, async () => { assert.deepEqual(await people().aggregate(stages).toArray(), want); });
}
test('$lookup', async () => {
  await db.collection('orders').insertMany([{ _id: 1, who: 1, n: 5 }, { _id: 2, who: 1, n: 6 }]);
  const got = await people().aggregate([{ $match: { _id: { $lte: 2 } } }, { $lookup: { from: 'orders', localField: '_id', foreignField: 'who', as: 'o' } }, { $project: { n: { $sum: '$o.n' } } }, { $sort: { _id: 1 } }]).toArray();
  assert.deepEqual(got, [{ _id: 1, n: 11 }, { _id: 2, n: 0 }]);
});
test('a cursor over 2,500 documents in batches', async () => {
  const c = db.collection('many');
  await c.insertMany(Array.from({ length: 2500 }, (_, i) => ({ _id: i })));
  let n = 0;
  for await (const d of c.find().batchSize(100)) { assert.equal(typeof d._id, 'number'); n++; }
  assert.equal(n, 2500);
});
test('a cursor can be closed early', async () => { const cur = db.collection('many').find().batchSize(10); await cur.next(); await cur.close(); });
test('list, create, rename, drop collections', async () => {
  await db.createCollection('cc');
  await rejects(db.createCollection('cc'), { code: 48 });
  await db.collection('cc').rename('cd');
  assert.ok((await db.listCollections().toArray()).some((x) => x.name === 'cd' && x.type === 'collection'));
  assert.equal(await db.collection('cd').drop(), true);
  assert.deepEqual(await db.listCollections({ name: 'cd' }).toArray(), []);
});
test('list databases', async () => { assert.ok((await db.admin().listDatabases()).databases.some((d) => d.name === 'conf_mongo')); });
for (const [name, f, code] of [
  ['unknown command', () => db.command({ nosuch: 1 }), 59], ['unknown operator', () => people().find({ a: { $nosuch: 1 } }).toArray(), 2], ['unknown stage', () => people().aggregate([{ $nosuch: 1 }]).toArray(), 40324],
  ['change of _id', () => people().updateOne({ _id: 1 }, { $set: { _id: 9 } }), 66], ['$inc of a string', () => people().updateOne({ _id: 1 }, { $inc: { name: 1 } }), 14], ['conflicting updates', () => people().updateOne({ _id: 1 }, { $set: { a: 1 }, $inc: { a: 1 } }), 40],
]) {
  test(`error ${code}: ${name}`, async () => { await rejects(f(), { code }); });
}
test('a transaction commits and aborts', async () => {
  const c = db.collection('txn');
  await c.insertOne({ _id: 0 });
  await client.withSession((s) => s.withTransaction(async () => { await c.insertOne({ _id: 1 }, { session: s }); }));
  const s = client.startSession();
  s.startTransaction();
  await c.insertOne({ _id: 2 }, { session: s });
  await s.abortTransaction();
  await s.endSession();
  assert.deepEqual((await c.find().sort({ _id: 1 }).toArray()).map((d) => d._id), [0, 1]);
});
test('fifty clients increment one counter', async () => {
  const c = db.collection('cnt');
  await c.insertOne({ _id: 1, n: 0 });
  await Promise.all(Array.from({ length: 50 }, () => c.updateOne({ _id: 1 }, { $inc: { n: 1 } })));
  assert.equal((await c.findOne({ _id: 1 })).n, 50);
});
test('a document of ten million bytes, and not of seventeen', async () => {
  const c = db.collection('big');
  await c.insertOne({ _id: 1, s: 'x'.repeat(10_000_000) });
  assert.equal((await c.findOne({ _id: 1 })).s.length, 10_000_000);
  await assert.rejects(c.insertOne({ _id: 2, s: 'x'.repeat(17_000_000) }));
});
test('a SQL table is a collection and back', async () => {
  const { default: pg } = await import('pg');
  const p = addr('postgres');
  const c = new pg.Client({ host: p.host, port: p.port, user: 'x', database: 'main' });
  await c.connect();
  try {
    await c.query('create table if not exists shared_t (id int primary key, name text)');
    await c.query("insert into shared_t values (1, 'a') on conflict do nothing");
    const m = client.db('main');
    assert.deepEqual(await m.collection('shared_t').findOne({ _id: 1 }), { _id: 1, id: 1, name: 'a' });
    await m.collection('shared_t').insertOne({ _id: 2, name: 'b' });
    assert.deepEqual((await c.query('select * from shared_t order by id')).rows, [{ id: 1, name: 'a' }, { id: 2, name: 'b' }]);
    await m.collection('shared_c').insertOne({ _id: 'k', v: { w: 7 } });
    assert.equal((await c.query("select doc->'v'->>'w' as w from shared_c")).rows[0].w, '7');
  } finally {
    await c.end();
  }
});

// npm mongodb: documents, indexes, cursors, pipelines, transactions, errors.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { MongoClient, Long, Decimal128, ObjectId, UUID, Binary, Timestamp, MinKey, BSONRegExp } from 'mongodb';
import { addr } from '../lib/harness.mjs';

let client, db;
before(async () => {
  client = new MongoClient(`mongodb://${addr('mongo').text}/?serverSelectionTimeoutMS=5000`);
  db = client.db('conformance');
  await db.dropDatabase();
});
after(async () => { await client.close(); });

test('hello is a mongos', async () => {
  const h = await db.admin().command({ hello: 1 });
  assert.equal(h.msg, 'isdbgrid');
  assert.equal(h.maxWireVersion, 25);
});
test('types round-trip', async () => {
  const c = db.collection('types');
  const doc = {
    _id: 'all', i: 1, d: 1.5, l: Long.fromString('9007199254740993'), dec: Decimal128.fromString('1.10'), o: new ObjectId(), u: new UUID(),
    b: new Binary(Buffer.from([1, 2]), 0), t: new Date(12345), ts: new Timestamp({ t: 1, i: 2 }), n: null, m: new MinKey(), r: new BSONRegExp('a', 'i'), a: [1, [2, { x: 3 }]], e: {},
  };
  await c.insertOne(doc);
  assert.deepEqual(await c.findOne({ _id: 'all' }, { promoteLongs: false, bsonRegExp: true, promoteValues: true }), doc);
});
const people = [
  { _id: 1, name: 'ann', age: 30, tags: ['a', 'b'], addr: [{ city: 'x', n: 1 }, { city: 'y', n: 2 }] },
  { _id: 2, name: 'bob', age: 25.5, tags: [], addr: [{ city: 'x', n: 5 }] },
  { _id: 3, name: 'cee', age: null, tags: ['b', 'c'] },
  { _id: 4, name: 'dee', tags: 'b' },
  { _id: 5, name: 'eve', age: 'old', addr: { city: 'y', n: 9 } },
];
const queries = [
  [{ age: { $gt: 20 } }, [1, 2]],
  [{ age: { $lt: 'z' } }, [5]],
  [{ age: null }, [3, 4]],
  [{ age: { $exists: false } }, [4]],
  [{ age: { $ne: null } }, [1, 2, 5]],
  [{ tags: 'b' }, [1, 3, 4]],
  [{ tags: { $all: ['b', 'c'] } }, [3]],
  [{ tags: { $size: 0 } }, [2]],
  [{ tags: ['a', 'b'] }, [1]],
  [{ 'tags.0': 'b' }, [3]],
  [{ 'addr.city': 'y' }, [1, 5]],
  [{ 'addr.0.n': { $gte: 5 } }, [2]],
  [{ addr: { $elemMatch: { city: 'x', n: { $lt: 3 } } } }, [1]],
  [{ 'addr.city': 'x', 'addr.n': 2 }, [1]],
  [{ name: /^[ab]/ }, [1, 2]],
  [{ name: { $in: ['ann', /^e/] } }, [1, 5]],
  [{ name: { $not: /e/ } }, [1, 2]],
  [{ $or: [{ _id: 1 }, { age: 'old' }] }, [1, 5]],
  [{ $nor: [{ _id: { $lte: 3 } }, { name: 'dee' }] }, [5]],
  [{ age: { $type: 'number' } }, [1, 2]],
  [{ _id: { $mod: [2, 1] } }, [1, 3, 5]],
  [{ $expr: { $gt: [{ $strLenCP: '$name' }, '$_id'] } }, [1, 2]],
  [{ _id: { $bitsAllSet: 1 } }, [1, 3, 5]],
  [{ _id: { $in: [5, 1, 9] } }, [1, 5]],
  [{ _id: { $gt: 1, $lt: 4 } }, [2, 3]],
];
for (const indexed of [false, true]) {
  test(`queries ${indexed ? 'with' : 'without'} indexes`, async () => {
    const c = db.collection('q' + indexed);
    await c.insertMany(people);
    if (indexed) for (const k of [{ age: 1 }, { tags: 1 }, { 'addr.city': 1, 'addr.n': -1 }, { name: -1 }]) await c.createIndex(k);
    for (const [q, want] of queries) {
      const got = (await c.find(q).sort({ _id: 1 }).toArray()).map((d) => d._id);
      assert.deepEqual(got, want, `query ${JSON.stringify(q)}`);
    }
    assert.deepEqual((await c.find().sort({ age: 1, _id: -1 }).toArray()).map((d) => d._id), [4, 3, 2, 1, 5]);
    assert.deepEqual((await c.find().sort({ tags: -1, _id: 1 }).toArray()).map((d) => d._id), [3, 1, 4, 5, 2]);
  });
}
const updates = [
  [{ a: 1 }, { $inc: { a: 2 }, $set: { 'b.c': 1 } }, { a: 3, b: { c: 1 } }],
  [{ a: 1 }, { $mul: { a: 2.5, z: 3 } }, { a: 2.5, z: 0 }],
  [{ a: 1, b: 2 }, { $unset: { a: '' }, $rename: { b: 'c' } }, { c: 2 }],
  [{ a: 5 }, { $min: { a: 3 }, $max: { b: 7 } }, { a: 3, b: 7 }],
  [{ l: [1] }, { $push: { l: { $each: [3, 2], $sort: -1, $slice: 2 } } }, { l: [3, 2] }],
  [{ l: [1, 2] }, { $addToSet: { l: { $each: [2, 3] } } }, { l: [1, 2, 3] }],
  [{ l: [1, 2, 3, 4] }, { $pull: { l: { $gt: 2 } } }, { l: [1, 2] }],
  [{ l: [{ x: 1, y: 1 }, { x: 2 }] }, { $pull: { l: { x: 1 } } }, { l: [{ x: 2 }] }],
  [{ l: [1, 2, 1] }, { $pullAll: { l: [1] } }, { l: [2] }],
  [{ l: [1, 2] }, { $pop: { l: -1 } }, { l: [2] }],
  [{ l: [1] }, { $set: { 'l.3': 9 } }, { l: [1, null, null, 9] }],
  [{ a: 6 }, { $bit: { a: { and: 3 } } }, { a: 2 }],
  [{ l: [1, 5, 9] }, { $inc: { 'l.$[]': 1 } }, { l: [2, 6, 10] }],
  [{ l: [1, 5, 9] }, { $set: { 'l.$[e]': 0 } }, { l: [1, 0, 0] }, { arrayFilters: [{ e: { $gt: 4 } }] }],
  [{ l: [{ k: 1 }, { k: 2 }] }, { $set: { 'l.$[e].v': 3 } }, { l: [{ k: 1 }, { k: 2, v: 3 }] }, { arrayFilters: [{ 'e.k': 2 }] }],
  [{ a: 1, b: 2 }, [{ $set: { s: { $add: ['$a', '$b'] } } }, { $unset: 'a' }], { b: 2, s: 3 }],
];
test('updates', async () => {
  const c = db.collection('u');
  for (const [start, update, want, options] of updates) {
    await c.deleteMany({});
    await c.insertOne({ _id: 1, ...start });
    await c.updateOne({ _id: 1 }, update, options);
    assert.deepEqual(await c.findOne({}), { _id: 1, ...want }, JSON.stringify(update));
  }
});
test('positional update', async () => {
  const c = db.collection('pos');
  await c.insertOne({ _id: 1, l: [{ k: 1 }, { k: 2 }] });
  await c.updateOne({ _id: 1, 'l.k': 2 }, { $set: { 'l.$.v': 'x' } });
  assert.deepEqual((await c.findOne()).l, [{ k: 1 }, { k: 2, v: 'x' }]);
});
test('upserts', async () => {
  const c = db.collection('ups');
  const r = await c.updateOne({ a: 1, 'b.c': { $eq: 2 }, d: { $gt: 5 } }, { $set: { x: 1 }, $setOnInsert: { y: 2 } }, { upsert: true });
  assert.equal(r.upsertedCount, 1);
  const { _id, ...rest } = await c.findOne({ _id: r.upsertedId });
  assert.deepEqual(rest, { a: 1, b: { c: 2 }, x: 1, y: 2 });
  await c.replaceOne({ _id: 7 }, { z: 1 }, { upsert: true });
  assert.deepEqual(await c.findOne({ _id: 7 }), { _id: 7, z: 1 });
  await assert.rejects(c.updateOne({ _id: 7 }, { $set: { _id: 8 } }), { code: 66 });
});
test('projections', async () => {
  const c = db.collection('proj');
  await c.insertOne({ _id: 1, a: 1, b: { c: 2, d: 3 }, l: [1, 2, 3], m: [{ x: 1, y: 2 }, { x: 3, y: 4 }] });
  for (const [p, want] of [
    [{ a: 1 }, { _id: 1, a: 1 }], [{ a: 1, _id: 0 }, { a: 1 }], [{ 'b.c': 1, _id: 0 }, { b: { c: 2 } }], [{ l: 0, m: 0, b: 0 }, { _id: 1, a: 1 }],
    [{ l: { $slice: -2 }, m: 0, b: 0 }, { _id: 1, a: 1, l: [2, 3] }], [{ m: { $elemMatch: { x: 3 } } }, { _id: 1, m: [{ x: 3, y: 4 }] }], [{ 'm.x': 1, _id: 0 }, { m: [{ x: 1 }, { x: 3 }] }],
    [{ _id: 0, s: { $add: ['$a', '$b.c'] } }, { s: 3 }], [{ _id: 1 }, { _id: 1 }],
  ]) assert.deepEqual(await c.findOne({}, { projection: p }), want, JSON.stringify(p));
});
test('pipelines', async () => {
  const c = db.collection('sales');
  await c.insertMany([{ _id: 1, k: 'a', n: 1, t: new Date('2024-01-05T10:00:00Z') }, { _id: 2, k: 'b', n: 2, t: new Date('2024-02-05T00:00:00Z') }, { _id: 3, k: 'a', n: 4, t: new Date('2024-02-06T00:00:00Z') }]);
  const run = (p) => c.aggregate(p).toArray();
  assert.deepEqual(await run([{ $group: { _id: '$k', n: { $sum: '$n' }, avg: { $avg: '$n' }, ids: { $push: '$_id' } } }, { $sort: { _id: 1 } }]),
    [{ _id: 'a', n: 5, avg: 2.5, ids: [1, 3] }, { _id: 'b', n: 2, avg: 2, ids: [2] }]);
  assert.deepEqual(await run([{ $sortByCount: '$k' }]), [{ _id: 'a', count: 2 }, { _id: 'b', count: 1 }]);
  assert.deepEqual(await run([{ $facet: { c: [{ $count: 'n' }], top: [{ $sort: { n: -1 } }, { $limit: 1 }, { $project: { n: 1 } }] } }]), [{ c: [{ n: 3 }], top: [{ _id: 3, n: 4 }] }]);
  assert.deepEqual(await run([{ $bucket: { groupBy: '$n', boundaries: [0, 2, 10] } }]), [{ _id: 0, count: 1 }, { _id: 2, count: 2 }]);
  assert.deepEqual(await run([{ $match: { _id: 1 } }, { $project: { _id: 0, m: { $dateToString: { date: '$t', format: '%Y-%m' } }, h: { $hour: '$t' }, s: { $switch: { branches: [{ case: { $gt: ['$n', 5] }, then: 'big' }], default: 'small' } } } }]),
    [{ m: '2024-01', h: 10, s: 'small' }]);
  assert.deepEqual(await run([{ $limit: 1 }, { $replaceWith: { v: { $map: { input: [1, 2, 3], as: 'x', in: { $multiply: ['$$x', 2] } } }, r: { $reduce: { input: [1, 2], initialValue: 0, in: { $add: ['$$value', '$$this'] } } }, f: { $filter: { input: [1, 5], cond: { $gt: ['$$this', 2] } } }, o: { $objectToArray: { a: 1 } } } }]),
    [{ v: [2, 4, 6], r: 3, f: [5], o: [{ k: 'a', v: 1 }] }]);
  await db.collection('kinds').insertMany([{ _id: 'a', label: 'A' }, { _id: 'b', label: 'B' }]);
  assert.deepEqual(await run([{ $lookup: { from: 'kinds', let: { k: '$k' }, pipeline: [{ $match: { $expr: { $eq: ['$_id', '$$k'] } } }, { $project: { label: 1, _id: 0 } }], as: 'kind' } }, { $unwind: '$kind' }, { $sort: { _id: 1 } }, { $project: { l: '$kind.label', _id: 0 } }]),
    [{ l: 'A' }, { l: 'B' }, { l: 'A' }]);
  assert.deepEqual(await run([{ $unionWith: 'kinds' }, { $count: 'n' }]), [{ n: 5 }]);
});
test('unique index', async () => {
  const c = db.collection('uniq');
  await c.createIndex({ email: 1 }, { unique: true, name: 'mail' });
  await c.insertOne({ email: 'a' });
  await assert.rejects(c.insertOne({ email: 'a' }), (e) => e.code === 11000 && e.keyValue.email === 'a' && e.keyPattern.email === 1);
  await c.insertOne({});
  await assert.rejects(c.insertOne({}), { code: 11000 });
  assert.equal(await c.countDocuments(), 2);
  assert.deepEqual((await c.indexes()).map((i) => i.name), ['_id_', 'mail']);
  await c.dropIndex('mail');
  await c.insertOne({});
});
test('partial and sparse indexes', async () => {
  const c = db.collection('part');
  await c.createIndex({ a: 1 }, { unique: true, partialFilterExpression: { on: true } });
  await c.createIndex({ s: 1 }, { unique: true, sparse: true });
  await c.insertMany([{ a: 1 }, { a: 1 }, { a: 1, on: true }]);
  await assert.rejects(c.insertOne({ a: 1, on: true }), { code: 11000 });
});
test('cursors and batches', async () => {
  const c = db.collection('many');
  await c.insertMany(Array.from({ length: 3000 }, (_, i) => ({ _id: i, pad: 'x'.repeat(3000) })));
  assert.equal((await c.find({}, { batchSize: 50 }).toArray()).length, 3000);
  const cur = c.find({}, { batchSize: 2 });
  await cur.next();
  await cur.close();
  assert.equal((await c.find().sort({ _id: -1 }).skip(10).limit(5).toArray())[0]._id, 2989);
  await assert.rejects(db.command({ getMore: Long.fromNumber(12345), collection: 'many' }), { code: 43 });
});
test('transactions', async () => {
  const c = db.collection('txn');
  await c.insertOne({ _id: 1, v: 0 });
  const s = client.startSession();
  await s.withTransaction(async () => {
    await c.updateOne({ _id: 1 }, { $inc: { v: 1 } }, { session: s });
    assert.equal((await c.findOne({ _id: 1 }, { session: s })).v, 1);
    assert.equal((await c.findOne({ _id: 1 })).v, 0);
  });
  assert.equal((await c.findOne({ _id: 1 })).v, 1);
  s.startTransaction();
  await c.insertOne({ _id: 2 }, { session: s });
  await s.abortTransaction();
  assert.equal(await c.countDocuments(), 1);
  await s.endSession();
});
test('bulk write', async () => {
  const c = db.collection('bulk');
  const r = await c.bulkWrite([{ insertOne: { document: { _id: 1 } } }, { updateOne: { filter: { _id: 1 }, update: { $set: { a: 1 } } } }, { updateOne: { filter: { _id: 2 }, update: { $set: { a: 1 } }, upsert: true } }, { deleteOne: { filter: { _id: 1 } } }]);
  assert.deepEqual([r.insertedCount, r.matchedCount, r.modifiedCount, r.upsertedCount, r.deletedCount], [1, 1, 1, 1, 1]);
});
test('errors', async () => {
  const c = db.collection('err');
  await c.insertOne({ _id: 1, a: 'x', l: 1 });
  for (const [f, code] of [
    [() => c.updateOne({}, { $inc: { a: 1 } }), 14], [() => c.updateOne({}, { $push: { l: 1 } }), 2], [() => c.find({ $where: '1' }).toArray(), 238], [() => c.find({ a: { $zzz: 1 } }).toArray(), 2],
    [() => c.aggregate([{ $nope: 1 }]).toArray(), 40324], [() => c.aggregate([{ $project: { x: { $nope: 1 } } }]).toArray(), 168], [() => db.command({ nope: 1 }), 59], [() => c.updateOne({}, { $set: { a: 1, 'a.b': 2 } }), 40],
    [() => c.createIndex({ a: 'text' }), 238], [() => db.createCollection('err'), 48], [() => c.insertOne({ _id: [1] }), 53],
  ]) await assert.rejects(f, { code }, f.toString());
});
test('unacknowledged write', async () => {
  const c = client.db('conformance', { writeConcern: { w: 0 } }).collection('w0');
  await c.insertOne({ _id: 1 });
  for (let i = 0; i < 100 && !(await db.collection('w0').findOne({ _id: 1 })); i++);
  assert.ok(await db.collection('w0').findOne({ _id: 1 }));
});
test('list and drop', async () => {
  const names = (await db.listCollections().toArray()).map((c) => c.name);
  assert.ok(names.includes('sales'));
  assert.equal(await db.collection('sales').drop(), true);
  assert.ok((await db.admin().listDatabases()).databases.some((d) => d.name === 'conformance'));
  await db.collection('kinds').rename('sorts');
  assert.equal(await db.collection('sorts').countDocuments(), 2);
});

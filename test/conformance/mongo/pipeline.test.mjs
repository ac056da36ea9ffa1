// Stages, accumulators and expressions beyond the usual ones; expected results
// from the examples of MongoDB's manual.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { MongoClient, Timestamp, Long } from 'mongodb';
import { addr, rejects } from '../lib/harness.mjs';

let client, db;
before(async () => { client = await new MongoClient(`mongodb://${addr('mongo').text}/`).connect(); db = client.db('conf_pipe'); await db.dropDatabase(); });
after(async () => { await client.close(); });
const fill = async (name, docs) => { const c = db.collection(name); await c.drop(); await c.insertMany(docs); return c; };
const value = async (expr) => (await db.aggregate([{ $documents: [{ a: 1 }] }, { $project: { v: expr } }]).toArray())[0].v;

test('$graphLookup', async () => {
  const c = await fill('emp', [{ _id: 1, name: 'Dev' }, { _id: 2, name: 'Eliot', reportsTo: 'Dev' }, { _id: 3, name: 'Ron', reportsTo: 'Eliot' }, { _id: 4, name: 'Andrew', reportsTo: 'Eliot' }, { _id: 5, name: 'Asya', reportsTo: 'Ron' }]);
  const r = await c.aggregate([{ $match: { name: 'Asya' } }, { $graphLookup: { from: 'emp', startWith: '$reportsTo', connectFromField: 'reportsTo', connectToField: 'name', depthField: 'd', as: 'up' } }]).toArray();
  assert.deepEqual(r[0].up.map((x) => [x.name, Number(x.d)]), [['Ron', 0], ['Eliot', 1], ['Dev', 2]]);
  const one = await c.aggregate([{ $match: { name: 'Asya' } }, { $graphLookup: { from: 'emp', startWith: '$reportsTo', connectFromField: 'reportsTo', connectToField: 'name', maxDepth: 1, restrictSearchWithMatch: { _id: { $lt: 3 } }, as: 'up' } }]).toArray();
  assert.deepEqual(one[0].up, []);
});
test('$setWindowFields', async () => {
  const c = await fill('cakes', [
    { _id: 0, type: 'chocolate', orderDate: new Date('2020-05-18T14:10:30Z'), state: 'CA', price: 13, quantity: 120 }, { _id: 1, type: 'chocolate', orderDate: new Date('2021-03-20T11:30:05Z'), state: 'WA', price: 14, quantity: 140 },
    { _id: 2, type: 'vanilla', orderDate: new Date('2021-01-11T06:31:15Z'), state: 'CA', price: 12, quantity: 145 }, { _id: 3, type: 'vanilla', orderDate: new Date('2020-02-08T13:13:23Z'), state: 'WA', price: 13, quantity: 104 },
    { _id: 4, type: 'strawberry', orderDate: new Date('2019-05-18T16:09:01Z'), state: 'CA', price: 41, quantity: 162 }, { _id: 5, type: 'strawberry', orderDate: new Date('2019-01-08T06:12:03Z'), state: 'WA', price: 43, quantity: 134 }]);
  const run = async (sortBy, output) => (await c.aggregate([{ $setWindowFields: { partitionBy: '$state', sortBy, output } }, { $sort: { state: 1, orderDate: 1 } }]).toArray());
  assert.deepEqual((await run({ orderDate: 1 }, { q: { $sum: '$quantity', window: { documents: ['unbounded', 'current'] } } })).map((d) => d.q), [162, 282, 427, 134, 238, 378]);
  assert.deepEqual((await run({ orderDate: 1 }, { q: { $avg: '$quantity', window: { documents: [-1, 0] } } })).map((d) => d.q), [162, 141, 132.5, 134, 119, 122]);
  assert.deepEqual((await run({ price: 1 }, { q: { $sum: '$quantity', window: { range: [-10, 10] } } })).map((d) => d.q), [162, 265, 265, 134, 244, 244]);
  assert.deepEqual((await run({ orderDate: 1 }, { l: { $push: '$price', window: { range: ['unbounded', -10], unit: 'month' } } })).map((d) => d.l), [[], [41], [41], [], [43], [43, 13]]);
  const r = await run({ quantity: -1 }, { rank: { $rank: {} }, n: { $documentNumber: {} }, next: { $shift: { output: '$quantity', by: 1, default: 'none' } } });
  assert.deepEqual(r.map((d) => [d.rank, d.n, d.next]), [[1, 1, 145], [3, 3, 'none'], [2, 2, 120], [2, 2, 104], [3, 3, 'none'], [1, 1, 134]]);
});
test('$densify and $fill', async () => {
  const c = await fill('weather', [{ m: 1, at: new Date('2021-05-18T00:00:00Z'), t: 12 }, { m: 1, at: new Date('2021-05-18T04:00:00Z'), t: 11 }, { m: 1, at: new Date('2021-05-18T08:00:00Z') }, { m: 1, at: new Date('2021-05-18T12:00:00Z'), t: 12 }]);
  const r = await c.aggregate([{ $densify: { field: 'at', range: { step: 1, unit: 'hour', bounds: [new Date('2021-05-18T00:00:00Z'), new Date('2021-05-18T08:00:00Z')] } } }, { $project: { _id: 0, h: { $hour: '$at' }, t: 1 } }]).toArray();
  assert.deepEqual(r.map((d) => d.h), [0, 1, 2, 3, 4, 5, 6, 7, 8, 12]);
  const f = await c.aggregate([{ $fill: { sortBy: { at: 1 }, output: { t: { method: 'linear' }, q: { value: 'x' } } } }]).toArray();
  assert.deepEqual(f.map((d) => [d.t, d.q]), [[12, 'x'], [11, 'x'], [11.5, 'x'], [12, 'x']]);
  assert.deepEqual((await c.aggregate([{ $fill: { sortBy: { at: 1 }, output: { t: { method: 'locf' } } } }]).toArray()).map((d) => d.t), [12, 11, 11, 12]);
  const n = await db.aggregate([{ $documents: [{ k: 'a', v: 1 }, { k: 'a', v: 5 }, { k: 'b', v: 2 }] }, { $densify: { field: 'v', partitionByFields: ['k'], range: { step: 2, bounds: 'partition' } } }]).toArray();
  assert.deepEqual(n, [{ k: 'a', v: 1 }, { k: 'a', v: 3 }, { k: 'a', v: 5 }, { k: 'b', v: 2 }]);
});
test('$bucketAuto, $redact', async () => {
  const c = await fill('art', [{ _id: 1, price: 199 }, { _id: 2, price: 280 }, { _id: 3, price: 76 }, { _id: 4, price: 167 }, { _id: 5, price: 483 }, { _id: 6, price: 385 }, { _id: 7, price: 159 }, { _id: 8, price: 118 }]);
  assert.deepEqual(await c.aggregate([{ $bucketAuto: { groupBy: '$price', buckets: 4 } }]).toArray(), [
    { _id: { min: 76, max: 159 }, count: 2 }, { _id: { min: 159, max: 199 }, count: 2 }, { _id: { min: 199, max: 385 }, count: 2 }, { _id: { min: 385, max: 483 }, count: 2 }]);
  const f = await fill('forecasts', [{ _id: 1, tags: ['G', 'STLW'], year: 2014, sub: [{ s: 1, tags: ['SI', 'G'] }, { s: 2, tags: ['STLW'] }, { s: 3, tags: ['TK'], c: { text: 'x', tags: ['HCS'] } }] }]);
  assert.deepEqual(await f.aggregate([{ $match: { year: 2014 } }, { $redact: { $cond: { if: { $gt: [{ $size: { $setIntersection: ['$tags', ['STLW', 'G']] } }, 0] }, then: '$$DESCEND', else: '$$PRUNE' } } }]).toArray(),
    [{ _id: 1, tags: ['G', 'STLW'], year: 2014, sub: [{ s: 1, tags: ['SI', 'G'] }, { s: 2, tags: ['STLW'] }] }]);
});
test('$out and $merge', async () => {
  const c = await fill('src', [{ _id: 1, k: 'a', n: 1 }, { _id: 2, k: 'b', n: 2 }, { _id: 3, k: 'a', n: 5 }]);
  await c.aggregate([{ $group: { _id: '$k', n: { $sum: '$n' } } }, { $out: 'tot' }]).toArray();
  assert.deepEqual(await db.collection('tot').find().sort({ _id: 1 }).toArray(), [{ _id: 'a', n: 6 }, { _id: 'b', n: 2 }]);
  await db.collection('tot').updateOne({ _id: 'a' }, { $set: { keep: 1 } });
  await c.aggregate([{ $group: { _id: '$k', n: { $max: '$n' } } }, { $merge: 'tot' }]).toArray();
  assert.deepEqual(await db.collection('tot').findOne({ _id: 'a' }), { _id: 'a', n: 5, keep: 1 });
  await c.aggregate([{ $group: { _id: '$k', n: { $sum: 1 } } }, { $merge: { into: 'tot', whenMatched: [{ $set: { n: { $add: ['$n', '$$new.n'] } } }], whenNotMatched: 'discard' } }]).toArray();
  assert.deepEqual((await db.collection('tot').find().sort({ _id: 1 }).toArray()).map((d) => d.n), [7, 3]);
  await c.aggregate([{ $match: { _id: 9 } }, { $out: 'tot' }]).toArray();
  assert.equal(await db.collection('tot').countDocuments(), 0);
  await rejects(() => c.aggregate([{ $merge: { into: 'tot', on: 'k' } }]).toArray(), { code: 51183 });
  await rejects(() => c.aggregate([{ $out: 'tot' }, { $match: {} }]).toArray(), { code: 40601 });
});
test('accumulators', async () => {
  const c = await fill('game', [{ g: 1, p: 'A', s: 31 }, { g: 1, p: 'B', s: 33 }, { g: 1, p: 'C', s: 99 }, { g: 1, p: 'D', s: 1 }, { g: 2, p: 'A', s: 10 }, { g: 2, p: 'B', s: 14 }, { g: 2, p: 'C', s: 66 }, { g: 2, p: 'D', s: 80 }]);
  const r = await c.aggregate([{ $group: { _id: '$g', top: { $top: { output: ['$p', '$s'], sortBy: { s: -1 } } }, bot: { $bottomN: { output: '$p', sortBy: { s: -1 }, n: 2 } }, first: { $firstN: { input: '$p', n: 2 } }, last: { $lastN: { input: '$p', n: 2 } },
    max: { $maxN: { input: '$s', n: 2 } }, min: { $minN: { input: '$s', n: 2 } }, med: { $median: { input: '$s', method: 'approximate' } }, pc: { $percentile: { input: '$s', p: [0.95], method: 'approximate' } } } }, { $sort: { _id: 1 } }]).toArray();
  assert.deepEqual(r[0], { _id: 1, top: ['C', 99], bot: ['A', 'D'], first: ['A', 'B'], last: ['C', 'D'], max: [99, 33], min: [1, 31], med: 31, pc: [99] });
  assert.deepEqual(r[1].top, ['D', 80]);
});
test('expressions', async () => {
  const cases = [[{ $atan2: [1, 1] }, Math.PI / 4], [{ $degreesToRadians: 180 }, Math.PI], [{ $radiansToDegrees: Math.PI }, 180], [{ $bitNot: 5 }, -6], [{ $firstN: { input: [1, 2, 3], n: 2 } }, [1, 2]], [{ $lastN: { input: [1, 2, 3], n: 2 } }, [2, 3]],
    [{ $maxN: { input: [5, 9, 2], n: 2 } }, [9, 5]], [{ $minN: { input: [5, 9, 2], n: 2 } }, [2, 5]], [{ $median: { input: [1, 5, 9], method: 'approximate' } }, 5], [{ $unsetField: { field: 'a', input: { a: 1, b: 2 } } }, { b: 2 }], [{ $stdDevPop: [2, 4, 4, 4, 5, 5, 7, 9] }, 2],
    [{ $dateToParts: { date: new Date('2020-02-03T04:05:06.007Z') } }, { year: 2020, month: 2, day: 3, hour: 4, minute: 5, second: 6, millisecond: 7 }], [{ $tsSecond: new Timestamp({ t: 7, i: 3 }) }, 7], [{ $tsIncrement: new Timestamp({ t: 7, i: 3 }) }, 3],
    [{ $tanh: 0 }, 0], [{ $acosh: 1 }, 0]];
  for (const [e, want] of cases) assert.deepEqual(await value(e), want, JSON.stringify(e));
  const v = await value({ $rand: {} });
  assert.ok(v >= 0 && v < 1);
  await rejects(() => value({ $function: { body: 'x', args: [], lang: 'js' } }), { code: 238 });
});
test('$jsonSchema', async () => {
  const c = await fill('sch', [{ _id: 1, name: 'Alice', year: 2019, tags: ['a', 'b'], gpa: 3.5 }, { _id: 2, name: 'Bob', year: 1990 }, { _id: 3, year: 2020, tags: ['a', 'a'] }, { _id: 4, name: 7, year: 2020, extra: true }]);
  const ids = async (s) => (await c.find({ $jsonSchema: s }).sort({ _id: 1 }).toArray()).map((d) => d._id);
  assert.deepEqual(await ids({ required: ['name'] }), [1, 2, 4]);
  assert.deepEqual(await ids({ properties: { name: { bsonType: 'string', minLength: 4 } } }), [1, 3]);
  assert.deepEqual(await ids({ properties: { year: { bsonType: ['int', 'long'], minimum: 2019, exclusiveMaximum: true, maximum: 2020 } } }), [1]);
  assert.deepEqual(await ids({ properties: { tags: { uniqueItems: true, maxItems: 2, items: { enum: ['a', 'b'] } } } }), [1, 2, 4]);
  assert.deepEqual(await ids({ properties: { _id: {}, name: {}, year: {}, tags: {}, gpa: {} }, additionalProperties: false }), [1, 2, 3]);
  assert.deepEqual(await ids({ anyOf: [{ required: ['gpa'] }, { not: { required: ['name'] } }] }), [1, 3]);
  await rejects(() => ids({ bsonType: 'nope' }), { code: 9 });
  await db.createCollection('strict', { validator: { $jsonSchema: { bsonType: 'object', required: ['n'], properties: { n: { bsonType: 'int' } } } } });
  const e = await rejects(() => db.collection('strict').insertOne({ n: 'x' }), { code: 121 });
  await db.collection('strict').insertOne({ n: 1 });
  return [e, Long];
});

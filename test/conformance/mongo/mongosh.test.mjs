// mongosh 2, as a person uses it.
import test from 'node:test';
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { addr, run } from '../lib/harness.mjs';

const mongosh = fileURLToPath(new URL('../node_modules/.bin/mongosh', import.meta.url));
const shell = (script, db = 'conf_sh') => run(mongosh, ['--quiet', '--norc', `mongodb://${addr('mongo').text}/${db}`, '--eval', script]);

test('insert, find, count', async () => {
  const { code, out } = await shell('db.t.drop(); db.t.insertMany([{_id: 1, a: "x"}, {_id: 2, a: "y"}]); print(EJSON.stringify(db.t.find({a: "y"}).toArray())); print(db.t.countDocuments())');
  assert.equal(code, 0, out);
  assert.match(out, /\[{"_id":2,"a":"y"}\]\s+2/);
});
test('show dbs and collections', async () => {
  const { code, out } = await shell('print(db.adminCommand({listDatabases: 1}).databases.map(d => d.name).join()); print(db.getCollectionNames().join())');
  assert.equal(code, 0, out);
  assert.match(out, /conf_sh/);
  assert.match(out, /^t$/m);
});
test('version and stats', async () => { const { code, out } = await shell('print(db.version()); print(db.stats().ok)'); assert.equal(code, 0, out); assert.match(out, /^\d+\.\d+\.\d+\s+1\s*$/); });
test('an error is shown', async () => { const { code, out } = await shell('db.t.insertOne({_id: 1})'); assert.notEqual(code, 0); assert.match(out, /E11000/); });
test('explain, indexes', async () => { const { code, out } = await shell('db.t.createIndex({a: 1}); print(db.t.getIndexes().map(i => i.name).join())'); assert.equal(code, 0, out); assert.match(out, /_id_,a_1/); });

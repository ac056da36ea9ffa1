// mongoose 9.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import mongoose from 'mongoose';
import { addr } from '../lib/harness.mjs';

let User, Post;
before(async () => {
  await mongoose.connect(`mongodb://${addr('mongo').text}/conf_mongoose`);
  await mongoose.connection.dropDatabase();
  User = mongoose.model('User', new mongoose.Schema({ name: { type: String, required: true }, email: { type: String, unique: true }, age: { type: Number, min: 0 }, tags: [String], at: { type: Date, default: Date.now } }, { timestamps: true }));
  Post = mongoose.model('Post', new mongoose.Schema({ title: String, author: { type: mongoose.Schema.Types.ObjectId, ref: 'User' } }));
  await User.init();
});
after(async () => { await mongoose.disconnect(); });

test('create and find', async () => {
  const u = await User.create({ name: 'Ann', email: 'a@x', age: 3, tags: ['q'] });
  const f = await User.findOne({ email: 'a@x' });
  assert.equal(f.id, u.id);
  assert.ok(f.createdAt instanceof Date);
});
test('validation', async () => { await assert.rejects(User.create({ email: 'z@x' }), /`name` is required/); });
test('unique', async () => { await assert.rejects(User.create({ name: 'B', email: 'a@x' }), (e) => e.code === 11000); });
test('save changes only', async () => {
  const u = await User.findOne({ email: 'a@x' });
  u.age = 4; u.tags.push('w');
  await u.save();
  assert.deepEqual([...(await User.findById(u._id)).tags], ['q', 'w']);
});
test('populate', async () => {
  const u = await User.findOne({ email: 'a@x' });
  await Post.create({ title: 'T', author: u._id });
  assert.equal((await Post.findOne().populate('author')).author.name, 'Ann');
});
test('lean, select, sort', async () => {
  await User.insertMany([{ name: 'C', email: 'c@x', age: 9 }, { name: 'D', email: 'd@x', age: 1 }]);
  assert.deepEqual((await User.find().sort('-age').select('name -_id').lean()), [{ name: 'C' }, { name: 'Ann' }, { name: 'D' }]);
});
test('updateOne and upsert', async () => {
  assert.equal((await User.updateOne({ email: 'd@x' }, { $inc: { age: 1 } })).modifiedCount, 1);
  assert.equal((await User.findOneAndUpdate({ email: 'n@x' }, { name: 'N' }, { upsert: true, returnDocument: 'after' })).name, 'N');
});
test('aggregate', async () => { assert.equal((await User.aggregate([{ $group: { _id: null, n: { $sum: 1 } } }]))[0].n, 4); });
test('cursor', async () => { let n = 0; for await (const u of User.find().cursor()) n += u.name ? 1 : 0; assert.equal(n, 4); });
test('delete', async () => { assert.equal((await User.deleteMany({ age: { $lt: 5 } })).deletedCount, 2); });
test('count and exists', async () => { assert.equal(await User.countDocuments(), 2); assert.ok(await User.exists({ email: 'c@x' })); });

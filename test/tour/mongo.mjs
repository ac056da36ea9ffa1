// Small commands for the tour over the original mongodb driver.
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
const require = createRequire(process.cwd() + '/');
const { MongoClient } = require('mongodb');

const [uri, command, dbName, ...args] = process.argv.slice(2);
const client = new MongoClient(uri);
const db = client.db(dbName);
try {
  if (command === 'count') console.log(await db.collection(args[0]).countDocuments({}));
  else if (command === 'insert') console.log((await db.collection(args[0]).insertOne(JSON.parse(args[1]))).acknowledged);
  else if (command === 'load') {
    for (const [name, rows] of Object.entries(JSON.parse(readFileSync(args[0], 'utf8')))) {
      const r = await db.collection(name).insertMany(rows);
      if (r.insertedCount !== rows.length) throw new Error(`${name}: ${r.insertedCount} of ${rows.length}`);
      console.log(name, r.insertedCount);
    }
  } else throw new Error('unknown command ' + command);
} finally {
  await client.close();
}

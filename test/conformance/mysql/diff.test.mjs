// The same statements on this server and on a MariaDB server: every answer must
// be the same, field by field. testdata/*.sql holds them, separated by ";" at
// the end of a line. A comment "# known: reason" before a statement says why its
// answer is not compared; "# execute" sends it through the binary protocol,
// "# loose" ignores the order of rows.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { addr } from '../lib/harness.mjs';
import { ask, connect, differences, reference } from './differ.mjs';

const dir = new URL('./testdata/', import.meta.url);
const { port } = addr('mysql');
let ref;
before(async () => { ref = await reference(); });
after(() => ref?.stop());

/** statements cuts a file. */
function statements(file) {
  return readFileSync(new URL(file, dir), 'utf8').split(/;\n/).map((t) => {
    const marks = [...t.matchAll(/^# *(\w+)(?:: *(.*))?$/gm)].map((m) => m[1]);
    return { sql: t.replace(/^#.*$/gm, '').trim(), known: marks.includes('known'), execute: marks.includes('execute'), loose: marks.includes('loose') };
  }).filter((s) => s.sql);
}

for (const file of readdirSync(dir).filter((f) => f.endsWith('.sql'))) {
  test(`${file}: as MariaDB answers`, { timeout: 120_000 }, async (t) => {
    if (!ref) return t.skip('no mariadbd here');
    const name = `diff_${file.replace(/\W/g, '_')}`;
    const conns = [await connect(port), await connect(ref.port)];
    for (const c of conns) { await c.query(`drop database if exists ${name}`); await c.query(`create database ${name}`); await c.query(`use ${name}`); }
    const bad = [];
    let n = 0;
    for (const s of statements(file)) {
      const [a, b] = await Promise.all(conns.map((c) => ask(c, s.sql, s)));
      if (s.known) continue;
      n++;
      const d = differences(a, b, s);
      if (d.length) bad.push(`${s.sql}\n    ${d.join('\n    ')}`);
    }
    for (const c of conns) await c.end();
    assert.equal(bad.length, 0, `${bad.length} of ${n} differ (this server | MariaDB):\n${bad.join('\n')}`);
  });
}

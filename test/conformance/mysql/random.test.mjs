// Random statements on this server and on a MariaDB server. A failure prints its
// seed; DOTDO_TEST_SEED runs another one, DOTDO_TEST_STATEMENTS more statements.
// Every third statement goes through the binary protocol.
import test, { before, after } from 'node:test';
import assert from 'node:assert/strict';
import { addr } from '../lib/harness.mjs';
import { ask, connect, differences, reference } from './differ.mjs';
import { generator } from './random.mjs';

const { port } = addr('mysql');
const count = Number(process.env.DOTDO_TEST_STATEMENTS ?? 400);
let ref;
before(async () => { ref = await reference(); });
after(() => ref?.stop());

// What both may say differently: texts, the type of an expression that is always
// NULL, and MariaDB's silence about an UPDATE whose condition is never true.
const known = (d) => /^(message|state|id|warnings|types):/.test(d) || /^info: Rows matched: 0 {2}Changed: 0 {2}Warnings: 0 \| $/.test(d);

for (const seed of process.env.DOTDO_TEST_SEED ? [Number(process.env.DOTDO_TEST_SEED)] : [20261, 77]) {
  test(`random statements, seed ${seed}`, { timeout: 300_000 }, async (t) => {
    if (!ref) return t.skip('no mariadbd here');
    const conns = [await connect(port), await connect(ref.port)];
    for (const c of conns) { await c.query('drop database if exists rnd'); await c.query('create database rnd'); await c.query('use rnd'); }
    const g = generator(seed);
    const list = [...g.setup, ...Array.from({ length: count }, () => g.next())];
    const bad = [];
    for (const [i, sql] of list.entries()) {
      const execute = i % 3 === 2;
      const [a, b] = await Promise.all(conns.map((c) => ask(c, sql, { execute })));
      const d = differences(a, b, { loose: !/order by id/.test(sql) }).filter((x) => !known(x));
      if (d.length) bad.push(`${sql}\n    ${a.message ?? ''}\n    ${d.join('\n    ')}`);
    }
    for (const c of conns) await c.end();
    assert.equal(bad.length, 0, `seed ${seed}: ${bad.length} of ${list.length} statements differ (this server | MariaDB):\n${bad.slice(0, 10).join('\n')}`);
  });
}

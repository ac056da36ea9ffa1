// What the suites share: where the daemon listens, command line clients, goldens.
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import assert from 'node:assert/strict';

/** addr returns {host, port, url} of a listener of the daemon under test. */
export function addr(system) {
  const text = process.env[`DOTDO_TEST_${system.toUpperCase()}`];
  if (!text) throw new Error(`no ${system} listener; run test/conformance/run.sh`);
  const at = text.lastIndexOf(':');
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)), text };
}

/** run starts a program with input and resolves to {code, out}, both streams in one text. */
export function run(program, args, input = '') {
  return new Promise((resolve, reject) => {
    // One pipe for both streams: what comes first on two is chance.
    const p = spawn('sh', ['-c', 'exec "$0" "$@" 2>&1', program, ...args], { env: { ...process.env, NO_COLOR: '1', LC_ALL: 'C.UTF-8' } });
    let out = '';
    p.stdout.on('data', (b) => (out += b));
    p.on('error', reject);
    p.on('close', (code) => resolve({ code, out }));
    p.stdin.on('error', () => {}); // a program may end before it has read everything
    p.stdin.end(input);
  });
}

/**
 * golden compares text with a file whose first line says where it comes from.
 * UPDATE_GOLDEN=1 writes it; read the diff before committing.
 */
export function golden(url, text) {
  const got = text.replace(/\r\n/g, '\n').trimEnd() + '\n';
  let lines = ['# from docs'];
  try {
    lines = readFileSync(url, 'utf8').split('\n');
  } catch (e) {
    if (!process.env.UPDATE_GOLDEN) throw e;
  }
  if (process.env.UPDATE_GOLDEN) writeFileSync(url, lines[0] + '\n' + got);
  else assert.equal(got, lines.slice(1).join('\n'));
}

/** rejects asserts that a promise fails with the given fields. */
export async function rejects(promise, fields) {
  await assert.rejects(promise, (e) => {
    for (const [k, v] of Object.entries(fields)) {
      if (v instanceof RegExp) assert.match(String(e[k]), v, `${k} of ${e.message}`);
      else assert.equal(e[k], v, `${k} of ${e.message}`);
    }
    return true;
  });
}

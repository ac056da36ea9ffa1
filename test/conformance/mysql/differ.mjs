// Runs one statement on a server and reduces the answer to what two servers
// must agree on; starts a private MariaDB server to compare with.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import net from 'node:net';
import mysql from 'mysql2/promise';

/** mode is MySQL 8's default sql_mode, which the MariaDB server gets too. */
export const mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION';

/** freePort resolves to a port nobody listens on. */
const freePort = () => new Promise((resolve) => { const s = net.createServer(); s.listen(0, '127.0.0.1', () => { const { port } = s.address(); s.close(() => resolve(port)); }); });

/**
 * reference resolves to {port, stop} of a MariaDB server, or null when none is
 * installed. DOTDO_TEST_MARIADB names the port of one that runs already.
 */
export async function reference() {
  if (process.env.DOTDO_TEST_MARIADB) return { port: Number(process.env.DOTDO_TEST_MARIADB), stop() {} };
  const bin = ['/usr/sbin/mariadbd', '/usr/local/sbin/mariadbd'].find(existsSync);
  if (!bin) return null;
  const dir = mkdtempSync(join(tmpdir(), 'maria-'));
  const user = process.getuid() === 0 ? ['--user=root'] : [];
  const made = spawnSync('mariadb-install-db', ['--no-defaults', `--datadir=${dir}/data`, '--auth-root-authentication-method=normal', '--skip-test-db', ...user]);
  if (made.status !== 0) throw new Error(`mariadb-install-db: ${made.stderr}`);
  const port = await freePort();
  const p = spawn(bin, ['--no-defaults', `--datadir=${dir}/data`, `--socket=${dir}/s`, `--port=${port}`, '--bind-address=127.0.0.1', `--pid-file=${dir}/pid`, '--skip-name-resolve', '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_general_ci', `--sql-mode=${mode}`, '--default-time-zone=+00:00', '--innodb-flush-log-at-trx-commit=0', '--local-infile=1', ...user], { stdio: 'ignore' });
  p.unref();
  const stop = () => { p.kill('SIGKILL'); rmSync(dir, { recursive: true, force: true }); };
  for (let i = 0; ; i++) {
    try { await (await mysql.createConnection({ host: '127.0.0.1', port, user: 'root' })).end(); return { port, stop }; } catch (e) {
      if (i > 200) { stop(); throw e; }
      await new Promise((r) => setTimeout(r, 50));
    }
  }
}

/** connect opens a connection whose values stay text. */
export const connect = (port, more = {}) => mysql.createConnection({
  host: '127.0.0.1', port, user: 'root', password: process.env.DOTDO_TEST_PASSWORD ?? '', charset: 'utf8mb4', dateStrings: true, supportBigNumbers: true, bigNumberStrings: true,
  rowsAsArray: true, flags: ['-FOUND_ROWS'], ...more });

/** raw leaves every value of the text protocol as the text that was sent. */
const raw = (f) => f.buffer()?.toString('utf8') ?? null;

/** ask runs a statement; execute: through the binary protocol. */
export async function ask(conn, sql, { execute = false, args } = {}) {
  let r, f;
  try { [r, f] = execute ? await conn.execute({ sql, typeCast: true }, args) : await conn.query({ sql, typeCast: raw }, args); } catch (e) {
    if (!e.errno) throw e;
    return { error: e.errno, state: e.sqlState, message: e.sqlMessage };
  }
  if (Array.isArray(r)) return { names: f.map((x) => x.name), types: f.map((x) => kind(x)), rows: r.map((row) => row.map((v) => (v instanceof Buffer ? v.toString('latin1') : typeof v === 'number' ? String(v) : v))) };
  return { affected: r.affectedRows, id: Number(r.insertId), info: r.info.replace(/^&/, ''), warnings: r.warningStatus };
}

/** kind reduces a column type: what drivers turn into different values. */
function kind(c) {
  const t = c.columnType;
  if ([1, 2, 3, 8, 9, 13].includes(t)) return 'int';
  if ([0, 246].includes(t)) return 'decimal';
  if ([4, 5].includes(t)) return 'float';
  if ([249, 250, 251, 252, 253, 254, 15, 245].includes(t)) return c.characterSet === 63 && t !== 245 ? 'bytes' : 'text';
  return String(t);
}

/** same tells whether two answers agree; rows without order when loose. */
export function differences(a, b, { loose = false } = {}) {
  const out = [];
  const clean = (m) => m?.replace(/MariaDB server/g, 'MySQL server').replace(/key '\w+\.(\w+)'/g, "key '$1'").replace(/column `\w+`\.`\w+`\.`(\w+)`/g, "column '$1'");
  for (const k of ['error', 'state', 'affected', 'id', 'info', 'warnings']) if (a[k] !== b[k]) out.push(`${k}: ${a[k]} | ${b[k]}`);
  if (clean(a.message) !== clean(b.message)) out.push(`message: ${a.message} | ${b.message}`);
  for (const k of ['names', 'types']) if (JSON.stringify(a[k]) !== JSON.stringify(b[k])) out.push(`${k}: ${JSON.stringify(a[k])} | ${JSON.stringify(b[k])}`);
  const norm = (r) => (r && loose ? r.map((x) => JSON.stringify(x)).sort() : r);
  const plain = (r) => r && clean(JSON.stringify(norm(r)));
  const x = plain(a.rows), y = plain(b.rows);
  if (x !== y) out.push(`rows: ${x?.slice(0, 900)} | ${y?.slice(0, 900)}`);
  return out;
}

// psql against goldens, and pgbench.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { addr, run, golden } from '../lib/harness.mjs';

const { host, port } = addr('postgres');
const user = process.env.DOTDO_TEST_USER ?? 'conf', db = process.env.DOTDO_TEST_DATABASE ?? 'main';
const psql = (args, input) => run('psql', ['-X', '-h', host, '-p', String(port), '-U', user, '-d', db, ...args], input);

before(async () => {
  await psql(['-q'], `drop schema if exists ps cascade; create schema ps; set search_path to ps;
    create table artist (id serial primary key, name varchar(120) not null, born date);
    create table album (id int primary key, title text, artist_id int references artist(id) on delete cascade, price numeric(6,2) default 9.99);
    create index album_artist on album (artist_id); create view v as select name from artist;
    insert into artist (name, born) values ('Ann', '1980-02-01'), ('Bob', null); insert into album values (1, 'One', 1), (2, 'Two', 1, 5);`);
});
for (const [name, script] of [
  ['d_table', '\\d ps.album'], ['dt', '\\dt ps.*'], ['di', '\\di ps.*'], ['dv', '\\dv ps.*'], ['ds', '\\ds ps.*'],
  ['query', 'select * from ps.artist order by id; select count(*), sum(price), avg(price) from ps.album;'],
  ['expanded', '\\x on\nselect * from ps.artist order by id;'],
  ['errors', "select * from nope;\nselect 1/0;\ninsert into ps.artist values (1, 'x', null);\nselec 1;"],
  ['transaction', "begin;\ninsert into ps.artist values (9, 'x', null);\nselect * from nope;\nselect 1;\nrollback;\nselect count(*) from ps.artist;"],
  ['copy', "create table ps.c (a int, b text);\ncopy ps.c from stdin;\n1\tx\n2\t\\N\n\\.\n\\copy ps.c to stdout csv header\ncopy ps.c to stdout (format text);"],
  ['tags', "create table ps.z (a int);\ninsert into ps.z values (1), (2);\nupdate ps.z set a = a + 1;\ndelete from ps.z;\nalter table ps.z add b int;\ndrop table ps.z;\nbegin;\ncommit;\nset x.y = 'z';\nshow x.y;"],
]) {
  test(`psql ${name}`, async () => { golden(new URL(`./testdata/${name}.golden`, import.meta.url), (await psql(['-P', 'pager=off'], script)).out); });
}
test('psql \\l, \\du and \\dn answer', async () => {
  const { code, out } = await psql(['-At'], '\\l\n\\dn\n');
  assert.equal(code, 0);
  assert.match(out, new RegExp(`^${db}\\|`, 'm'));
  assert.match(out, /^public\|/m);
  assert.doesNotMatch((await psql(['-At'], '\\du\n')).out, /ERROR/);
});
test('on_error_stop ends with 3', async () => { assert.equal((await psql(['-q', '-v', 'ON_ERROR_STOP=1', '-f', '-'], 'select nope;\nselect 1;')).code, 3); });
test('pgbench -i, -S, -N, TPC-B', async () => {
  const bench = (...a) => run('pgbench', ['-h', host, '-p', String(port), '-U', user, ...a, db]);
  for (const a of [['-i', '-q'], ['-n', '-S', '-M', 'prepared', '-c', '4', '-t', '50'], ['-n', '-N', '-c', '2', '-t', '20'], ['-n', '-c', '2', '-t', '20']]) {
    const { code, out } = await bench(...a);
    assert.equal(code, 0, `${a.join(' ')}: ${out}`);
    assert.doesNotMatch(out, /ERROR|failed transactions: [1-9]/);
  }
});

// The mariadb client in batch mode, against goldens.
import test, { before } from 'node:test';
import assert from 'node:assert/strict';
import { addr, run, golden } from '../lib/harness.mjs';

const { host, port } = addr('mysql');
const cli = (args, input) => run('mariadb', ['-h', host, '-P', String(port), '-u', process.env.DOTDO_TEST_USER ?? 'conf', ...(process.env.DOTDO_TEST_PASSWORD ? [`-p${process.env.DOTDO_TEST_PASSWORD}`] : []), ...args], input);

before(async () => {
  await cli([], `drop database if exists cli_my; create database cli_my; use cli_my;
    create table artist (id int not null auto_increment, name varchar(20) not null, born date, primary key (id), key n (name));
    insert into artist (name, born) values ('Ann', '1980-02-01'), ('Bob', null);`);
});
for (const [name, args, script] of [
  ['table', ['-t', 'cli_my'], 'select * from artist order by id; select count(*), min(born) from artist;'],
  ['batch', ['-B', 'cli_my'], 'select id, name, born from artist order by id;'],
  ['vertical', ['-E', 'cli_my'], 'select * from artist order by id;'],
  ['errors', ['-f', 'cli_my'], "select * from nope;\nselec 1;\ninsert into artist (id, name) values (1, 'x');\nselect 1;"],
  ['describe', ['-t', 'cli_my'], 'show keys from artist where Column_name = \'name\' and 1 = 0; select column_name, column_key from information_schema.columns where table_schema = \'cli_my\' order by ordinal_position;'],
]) {
  test(`mariadb ${name}`, async () => { const { out } = await cli(args, script);
    golden(new URL(`./testdata/${name}.golden`, import.meta.url), out.replace(/your (MariaDB|MySQL) server version/g, 'your server version').replace("key 'artist.PRIMARY'", "key 'PRIMARY'")); // what names the product, and what MySQL 8 words differently from MariaDB
   });
}
test('status', async () => { assert.equal((await cli(['-e', 'select 1'])).code, 0); });
test('the client reports failure', async () => { assert.equal((await cli(['-e', 'select * from nope.nope'])).code, 1); });
test('a table made through Postgres', async () => {
  const p = addr('postgres');
  const made = await run('psql', ['-X', '-q', '-h', p.host, '-p', String(p.port), '-U', 'conf', '-d', 'main', '-c', "create table if not exists from_pg (id int primary key, name text); insert into from_pg values (1, 'é') on conflict do nothing"]);
  assert.equal(made.code, 0, made.out);
  assert.equal((await cli(['-N', '-B', 'main', '-e', "insert into from_pg values (2, 'm'); select * from from_pg order by id"])).out, '1\té\n2\tm\n');
});

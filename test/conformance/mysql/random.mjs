// Random statements over a small schema. The same seed gives the same list.

/** generator returns a function that makes the next statement. */
export function generator(seed) {
  let s = seed >>> 0 || 1;
  const rnd = (n) => { s ^= s << 13; s >>>= 0; s ^= s >>> 17; s ^= s << 5; s >>>= 0; return s % n; };
  const pick = (...l) => l[rnd(l.length)];
  const some = (n, f) => Array.from({ length: n }, f);
  const ints = ['a', 'b', 'u'], texts = ['v', 'c'], decs = ['d'], dates = ['dt', 'dm'];
  const tables = ['t1', 't2', 't3'];
  const num = () => pick(String(rnd(12)), String(rnd(12)), `-${1 + rnd(9)}`, 'null', String(rnd(100000)));
  const str = () => pick("'a'", "'B'", "'abc'", "''", "'x%'", "'12'", "'it''s'", 'null', `'${'abcdef'.slice(rnd(5))}'`);
  const date = () => `'20${10 + rnd(15)}-0${1 + rnd(9)}-${10 + rnd(18)}'`;
  const moment = () => `'20${10 + rnd(15)}-0${1 + rnd(9)}-${10 + rnd(18)} ${10 + rnd(13)}:${10 + rnd(49)}:${10 + rnd(49)}'`;
  const dec = () => pick(`${rnd(100)}.${10 + rnd(89)}`, `-${rnd(50)}.5`, '0.00', 'null', String(rnd(100)));
  const q = (al, c) => (al ? `${al}.${c}` : c);

  const intX = (al, d) => {
    if (d <= 0) return pick(q(al, pick(...ints)), q(al, pick(...ints)), String(rnd(20)));
    const x = () => intX(al, d - 1);
    return pick(
      () => `(${x()} + ${x()})`, () => `(${x()} - ${x()})`, () => `(${x()} * ${rnd(5)})`, () => `(${x()} div ${1 + rnd(5)})`, () => `(${x()} % ${1 + rnd(7)})`, () => `abs(${x()})`,
      () => `length(${strX(al, d - 1)})`, () => `char_length(${strX(al, d - 1)})`, () => `ifnull(${x()}, ${rnd(9)})`, () => `coalesce(${x()}, ${x()}, 0)`, () => `if(${cond(al, d - 1)}, ${x()}, ${x()})`,
      () => `case when ${cond(al, d - 1)} then ${x()} else ${x()} end`, () => `greatest(${x()}, ${x()})`, () => `least(${x()}, ${x()})`, () => `year(${q(al, pick(...dates))})`, () => `month(${q(al, 'dt')})`,
      () => `datediff(${q(al, 'dt')}, ${date()})`, () => `locate('b', ${strX(al, d - 1)})`, () => `nullif(${x()}, ${x()})`, () => `sign(${x()})`, () => `round(${q(al, 'd')})`, () => `floor(${q(al, 'd')})`, () => `ceil(${q(al, 'd')})`,
      () => `(${cond(al, d - 1)})`, () => `field(${strX(al, d - 1)}, 'a', 'abc')`, () => `ascii(${strX(al, d - 1)})`, () => `dayofmonth(${q(al, 'dt')})`, () => `hour(${q(al, 'dm')})`, () => `mod(${x()}, ${1 + rnd(5)})`)();
  };
  const strX = (al, d) => {
    if (d <= 0) return pick(q(al, pick(...texts)), q(al, 'v'), str());
    const x = () => strX(al, d - 1);
    return pick(() => `concat(${x()}, ${x()})`, () => `upper(${x()})`, () => `lower(${x()})`, () => `substring(${x()}, ${1 + rnd(3)}, ${1 + rnd(3)})`, () => `left(${x()}, ${rnd(4)})`, () => `right(${x()}, ${rnd(4)})`, () => `trim(${x()})`,
      () => `replace(${x()}, 'a', 'zz')`, () => `reverse(${x()})`, () => `lpad(${x()}, ${1 + rnd(8)}, '*')`, () => `rpad(${x()}, ${1 + rnd(8)}, '-')`, () => `concat_ws('/', ${x()}, ${x()})`, () => `ifnull(${x()}, 'none')`,
      () => `repeat(${x()}, ${rnd(3)})`, () => `cast(${intX(al, 0)} as char)`, () => `if(${cond(al, d - 1)}, ${x()}, ${x()})`, () => `date_format(${q(al, 'dt')}, '%Y/%m/%d %a %b')`, () => `substring_index(${x()}, 'b', 1)`, () => `hex(${x()})`,
      () => `case ${q(al, 'a')} when 1 then ${x()} when 2 then ${x()} else 'other' end`, () => `insert(${x()}, 1, 1, 'Q')`, () => `elt(${1 + rnd(3)}, ${x()}, 'two', 'three')`)();
  };
  const cond = (al, d) => {
    if (d <= 0) return pick(() => `${q(al, pick(...ints))} ${pick('=', '<', '>', '<=', '>=', '<>')} ${rnd(12)}`, () => `${q(al, 'v')} ${pick('=', '<>', '<', '>')} ${str()}`, () => `${q(al, pick('a', 'v', 'd', 'dt'))} is ${pick('', 'not ')}null`,
      () => `${q(al, 'dt')} ${pick('<', '>=')} ${date()}`, () => `${q(al, 'd')} ${pick('<', '>')} ${rnd(60)}.5`)();
    const x = () => cond(al, d - 1);
    return pick(() => `(${x()} and ${x()})`, () => `(${x()} or ${x()})`, () => `not (${x()})`, () => `${intX(al, d - 1)} in (${some(3, num).join(', ')})`, () => `${intX(al, d - 1)} between ${rnd(5)} and ${5 + rnd(20)}`,
      () => `${strX(al, d - 1)} like ${pick("'a%'", "'%b%'", "'_b%'", "'%'")}`, () => `${q(al, pick(...ints))} in (select ${pick(...ints)} from ${pick(...tables)})`, () => `exists (select 1 from ${pick(...tables)} z where z.a = ${q(al, 'a')})`,
      () => `${intX(al, d - 1)} <=> ${intX(al, d - 1)}`, () => `${strX(al, d - 1)} ${pick('=', '<', '>')} ${strX(al, d - 1)}`, () => `(${x()} xor ${x()})`)();
  };
  const val = (al, d) => pick(() => intX(al, d), () => intX(al, d), () => strX(al, d), () => q(al, pick('d', 'dt', 'dm', 'e')))();
  let last = 0; // ids are given: servers may leave different gaps
  const row = () => `(${++last}, ${num()}, ${num()}, ${pick(String(rnd(100)), 'null')}, ${str()}, ${str()}, ${dec()}, ${pick(date(), 'null')}, ${pick(moment(), 'null')}, ${pick("'x'", "'y'", "'z'", 'null')})`;
  const cols = '(id, a, b, u, v, c, d, dt, dm, e)';
  const select = () => pick(
    () => `select ${some(1 + rnd(4), (_, i) => `${val('', 2)} as c${i}`).join(', ')} from ${pick(...tables)} where ${cond('', 2)}`,
    () => `select id, ${val('', 2)} as x from ${pick(...tables)} order by id${pick('', ' desc')} limit ${1 + rnd(6)}${pick('', ` offset ${rnd(4)}`)}`,
    () => `select x.id as i, y.id as j, ${val('x', 1)} as k from ${pick(...tables)} x ${pick('join', 'left join', 'join', 'right join')} ${pick(...tables)} y on x.${pick(...ints)} = y.${pick(...ints)} where ${cond('x', 1)}`,
    () => `select ${pick('a', 'b', 'v', 'e', 'year(dt)', 'a % 3')} as g, count(*) as n, sum(${intX('', 1)}) as s, min(${val('', 1)}) as lo, max(${val('', 1)}) as hi, count(distinct ${pick('a', 'v', 'u')}) as k from ${pick(...tables)} group by g having n > ${rnd(2)}`,
    () => `select sum(d) as s, avg(a) as m, count(a) as n, min(v) as lo, max(dt) as hi from ${pick(...tables)} where ${cond('', 1)}`,
    () => `select group_concat(${pick('v', 'a', 'c')} order by id separator '|') as g from ${pick(...tables)} where ${cond('', 1)}`,
    () => `select distinct ${pick('a', 'v', 'b % 2', 'upper(c)')} as x from ${pick(...tables)}`,
    () => `select ${pick('a', 'b')} as x from ${pick(...tables)} where ${cond('', 1)} union ${pick('', 'all')} select ${pick('a', 'u')} from ${pick(...tables)}`,
    () => `select id, ${pick('row_number()', 'rank()', 'dense_rank()', 'sum(a)', 'count(*)', 'max(b)', 'lag(a)', 'first_value(v)')} over (${pick('', 'partition by a % 2 ')}order by id) as w from ${pick(...tables)}`,
    () => `with q as (select a, count(*) as n from ${pick(...tables)} group by a) select q.a as a, q.n as n, t.id as id from q join ${pick(...tables)} t on t.a = q.a where ${cond('t', 1)}`,
    () => `select id, (select ${pick('count(*)', 'max(b)', 'sum(u)')} from ${pick(...tables)} s where s.a = o.a) as x from ${pick(...tables)} o`,
  )();
  const write = () => {
    const t = pick(...tables);
    return pick(
      () => `insert into ${t} ${cols} values ${some(1 + rnd(4), row).join(', ')}`,
      () => `insert ignore into ${t} ${cols} values ${some(1 + rnd(4), row).join(', ')}`,
      () => `insert into ${t} (id, a, v) values (${1 + rnd(30)}, ${num()}, ${str()}) on duplicate key update a = ${pick('a + 1', 'values(a)', 'a')}, b = a`,
      () => `replace into ${t} (id, a, u) values (${1 + rnd(30)}, ${num()}, ${rnd(50)})`,
      () => `update ${t} set ${pick(...ints)} = ${intX('', 1)} where ${cond('', 1)}`,
      () => `update ${t} set v = ${strX('', 1)}, b = ${intX('', 1)} where id ${pick('=', '<', '>')} ${rnd(25)}`,
      () => `update ${t} set a = b, b = a where id < ${rnd(10)}`,
      () => `update ${t} set d = d + ${rnd(9)}.25 order by id limit ${1 + rnd(4)}`,
      () => `update ${t} x join ${pick(...tables.filter((y) => y !== t))} y on x.id = y.id set x.a = y.b where y.a > ${rnd(8)}`,
      () => `delete from ${t} where ${cond('', 1)} order by id limit ${1 + rnd(3)}`,
      () => `delete from ${t} where id = ${rnd(40)}`,
      () => `insert into ${t} (id, a, b, v) select id + ${(last += 1000)}, a, b, left(v, 5) from ${pick(...tables)} where id < ${rnd(5)}`,
      () => `insert into ${t} (id, a, v, e) values (${++last}, ${pick("'12x'", '3000000000', "'abc'", '5')}, ${pick("'toolongtext'", "'ok'")}, ${pick("'x'", "'nope'")})`,
    )();
  };
  return {
    setup: tables.map((t, i) => `create table ${t} (id int auto_increment primary key, a int, b int, u int${i === 2 ? ' unique' : ''}, v varchar(10), c char(5), d decimal(8,2), dt date, dm datetime, e enum('x','y','z')${i ? ', key ka (a)' : ''})`)
      .concat(tables.map((t) => `insert into ${t} ${cols} values ${some(8, row).join(', ')}`)),
    next: () => (rnd(10) < 6 ? select() : write()),
  };
}

# A first session of a new user.
create table types (id bigint unsigned not null auto_increment primary key, ti tinyint(1) default 1, si smallint, mi mediumint unsigned, i int(11) not null default 0, bi bigint, dc decimal(12,4) default '1.5', fl float, db double, bt bit(8), c char(10), vc varchar(100) character set utf8mb4 collate utf8mb4_bin, tx text, mt mediumtext, lt longtext, bn binary(4), vb varbinary(16), bl blob, d date, t time, dt datetime default current_timestamp, ts timestamp null default current_timestamp on update current_timestamp, y year, e enum('small','medium','large') default 'small', s set('a','b','c'), j json, g int generated always as (i * 2) stored, v varchar(20) as (concat(c,'!')) virtual, key idx_i (i), unique key uq (vc, bi), key pre (tx(10)), constraint chk check (i >= 0)) engine=InnoDB default charset=utf8mb4 comment='all types';
# known: worded, typed or counted as MySQL 8 does
insert into types (si,mi,i,bi,dc,fl,db,bt,c,vc,tx,bn,vb,bl,d,t,dt,ts,y,e,s,j) values (1,2,3,4,5.12345,1.5,2.25,b'101','abc','Abc','text','ab','cd',x'00ff','2024-02-29','-12:30:00','2024-01-02 03:04:05','2024-01-02 03:04:05',2024,'large','a,c','{"a": [1, 2, {"b": "x"}], "n": null}');
insert into types (i, vc, c) values (10, 'ünïcödé 🎉', 'x'),(20, '日本語', 'y'),(30, null, null);
# known: worded, typed or counted as MySQL 8 does
select * from types order by id limit 1;
# known: worded, typed or counted as MySQL 8 does
select id, vc, char_length(vc), length(vc), g, v, ti, dc, e+0, s+0, bt+0, hex(bn), hex(bl) from types where id in (1,2,3) order by id;
# known: worded, typed or counted as MySQL 8 does
describe types;
# known: worded, typed or counted as MySQL 8 does
show columns from types like 'd%';
# known: worded, typed or counted as MySQL 8 does
show full columns from types where field in ('vc','id','s');
# known: worded, typed or counted as MySQL 8 does
show create table types;
# known: worded, typed or counted as MySQL 8 does
show index from types;
show tables;
show full tables;
show tables like 'ty%';
# known: worded, typed or counted as MySQL 8 does
show table status like 'types';
show databases like 'information%';
show variables like 'character_set_client';
# known: worded, typed or counted as MySQL 8 does
show variables where variable_name in ('autocommit','sql_mode');
show global variables like 'max_connections_x';
show status like 'nosuch%';
# known: worded, typed or counted as MySQL 8 does
show engines;
# known: worded, typed or counted as MySQL 8 does
show collation like 'utf8mb4_bin';
# known: worded, typed or counted as MySQL 8 does
show character set like 'utf8mb4';
show warnings;
show errors;
show count(*) warnings;
# known: worded, typed or counted as MySQL 8 does
show processlist;
# known: worded, typed or counted as MySQL 8 does
show grants;
# known: worded, typed or counted as MySQL 8 does
show create database information_schema;
show triggers;
# known: worded, typed or counted as MySQL 8 does
show events;
# known: worded, typed or counted as MySQL 8 does
show procedure status;
# known: worded, typed or counted as MySQL 8 does
show function status;
# known: worded, typed or counted as MySQL 8 does
show plugins;
# known: refused, see skip.txt
show privileges;
# known: worded, typed or counted as MySQL 8 does
show open tables;
# known: refused, see skip.txt
show master status;
# known: worded, typed or counted as MySQL 8 does
explain select * from types where id = 1;
select table_name, engine, table_comment from information_schema.tables where table_schema = database();
# known: worded, typed or counted as MySQL 8 does
select column_name, ordinal_position, column_default, is_nullable, data_type, character_maximum_length, numeric_precision, numeric_scale, datetime_precision, column_type, column_key, extra from information_schema.columns where table_schema = database() and table_name='types' order by ordinal_position;
select index_name, non_unique, seq_in_index, column_name, sub_part from information_schema.statistics where table_schema = database() order by index_name, seq_in_index;
# known: worded, typed or counted as MySQL 8 does
select constraint_name, constraint_type from information_schema.table_constraints where table_schema=database() order by 1;
select schema_name, default_character_set_name from information_schema.schemata where schema_name = database();
create table dept (id int primary key auto_increment, name varchar(30) not null unique, budget decimal(10,2));
create table emp (id int primary key auto_increment, name varchar(30) not null, dept_id int, salary decimal(10,2), hired date, boss int, constraint fk_dept foreign key (dept_id) references dept(id) on delete set null on update cascade, key boss (boss)) auto_increment=100;
insert into dept (name, budget) values ('Eng', 1000.50), ('Ops', 500), ('HR', null);
insert into emp (name,dept_id,salary,hired,boss) values ('Ann',1,100.10,'2020-01-15',null),('Bob',1,90,'2021-03-31',100),('Cid',2,80.55,'2019-12-31',100),('Dee',2,70,'2022-02-28',102),('Eve',null,60,'2023-07-04',102);
# known: worded, typed or counted as MySQL 8 does
show create table emp;
select last_insert_id();
select d.name, count(*) n, sum(e.salary) total, avg(e.salary) av, min(e.hired), max(e.hired) from emp e join dept d on d.id = e.dept_id group by d.name order by d.name;
select coalesce(d.name,'none') dn, e.name from emp e left join dept d on e.dept_id = d.id order by e.id;
select d.name, e.name from emp e right join dept d on e.dept_id = d.id order by d.id, e.id;
select e.name, b.name boss from emp e join emp b on b.id = e.boss order by e.id;
select name from emp where dept_id in (select id from dept where budget > 600) order by 1;
select name, (select count(*) from emp x where x.boss = e.id) subs from emp e where exists (select 1 from emp y where y.boss = e.id) order by name;
# known: refused, see skip.txt
select dept_id, count(*) from emp group by dept_id with rollup;
# known: refused, see skip.txt
select dept_id, year(hired) y, sum(salary) from emp where dept_id is not null group by dept_id, y with rollup;
select group_concat(name) from emp;
select dept_id, group_concat(distinct name order by name desc separator ' | ') from emp group by dept_id order by dept_id;
select group_concat(name, '-', id order by id) from emp where id < 103;
select if(salary > 75,'hi','lo') band, count(*) from emp group by band order by band;
select distinct dept_id from emp order by dept_id;
select name, salary from emp order by salary desc limit 2 offset 1;
select name from emp union select name from dept order by name;
select 1 as a union all select 2 union all select 2;
select dept_id, avg(salary) a from emp group by dept_id having a > 70 order by a;
select date_add('2024-01-31', interval 1 month), date_sub('2024-03-01', interval 1 day), '2024-01-01' + interval 36 hour, adddate('2024-01-01', 10);
select datediff('2024-03-01','2024-02-01'), timestampdiff(month,'2024-01-31','2024-03-01'), timestampdiff(second,'2024-01-01 00:00:00','2024-01-01 01:00:00'), period_diff(202403,202401);
select date_format('2024-02-29 13:05:09','%W %M %e %Y %H:%i:%s %p %j %b %a %y %c %d %h %l %k %r %T'), dayname('2024-02-29'), monthname('2024-02-29'), dayofyear('2024-12-31'), week('2024-01-08'), weekday('2024-01-08'), last_day('2024-02-01');
# known: worded, typed or counted as MySQL 8 does
select str_to_date('29/02/2024','%d/%m/%Y'), str_to_date('10:11','%H:%i'), from_unixtime(0), unix_timestamp('2024-01-01 00:00:00'), makedate(2024,60), maketime(10,11,12), sec_to_time(3661), time_to_sec('01:01:01'), addtime('10:00:00','01:30:00'), subtime('10:00:00','00:30:00'), timediff('10:00:00','09:30:00');
select extract(year from '2024-05-06'), extract(day_hour from '2024-05-06 07:08:09'), extract(year_month from '2024-05-06'), quarter('2024-05-06'), to_days('2024-01-01'), from_days(739251), timestampadd(day, 3, '2024-01-01'), dayofweek('2024-01-01'), yearweek('2024-01-01');
select hired, hired + interval 1 year, date_add(hired, interval 1 quarter) from emp order by id;
select name from emp where hired between '2020-01-01' and '2021-12-31' order by name;
# known: worded, typed or counted as MySQL 8 does
select j->'$.a', j->>'$.a[2].b', json_extract(j,'$.a[0]','$.a[1]'), json_unquote(json_extract(j,'$.a[2].b')) from types where id=1;
# known: worded, typed or counted as MySQL 8 does
select json_object('k', 1, 'b', 'x', 'n', null), json_array(1,'a',null,1.5), json_length('[1,2,3]'), json_keys('{"a":1,"b":2}'), json_type('{"a":1}'), json_valid('{'), json_quote('a"b'), json_depth('[1,[2]]');
select json_set('{"a":1}','$.b',2), json_insert('{"a":1}','$.a',5), json_replace('{"a":1}','$.a',5), json_remove('{"a":1,"b":2}','$.a'), json_merge_patch('{"a":1}','{"b":2}'), json_merge_preserve('[1]','[2]'), json_array_append('[1]','$',2), json_contains('[1,2]','1'), json_contains_path('{"a":1}','one','$.a'), json_search('["abc"]','one','abc');
# known: worded, typed or counted as MySQL 8 does
select json_arrayagg(name), json_objectagg(name, id) from emp where id < 102;
select concat('a',1,null), concat_ws(',', 'a', null, 'b'), substring_index('a.b.c','.',2), lpad('5',3,'0'), rpad('a',3,'x'), repeat('ab',3), reverse('abc'), left('hello',2), right('hello',2), mid('hello',2,3), instr('hello','l'), locate('l','hello',4), insert('hello',2,2,'XX'), elt(2,'a','b'), field('b','a','b'), find_in_set('b','a,b'), strcmp('a','b'), space(2), ascii('a'), ord('a'), char(65,66), hex('a'), unhex('61'), upper('a'), lcase('A'), trim('  a '), trim(both 'x' from 'xax'), ltrim(' a'), quote("it's"), format(1234567.891,2), soundex('hello'), bin(5), oct(8), conv('ff',16,10), md5('a'), sha1('a'), sha2('a',256), crc32('a'), to_base64('abc'), from_base64('YWJj');
# known: worded, typed or counted as MySQL 8 does
select abs(-1), ceil(1.2), floor(1.8), round(1.555,2), round(-1.5), truncate(1.999,1), mod(10,3), 10 div 3, 10 % 3, pow(2,3), sqrt(16), sign(-2), greatest(1,2,3), least('b','a'), pi(), exp(0), ln(1), log(2,8), log10(100), rand(1) is not null, 5/2, 7/0, 1.5*2, 10.0/3, -5 div 2, 1e3, 0x41, b'11'+0, true, null is null;
select 'a' = 'A', 'a' like 'A%', binary 'a' = 'A', 'abc' regexp 'B', 'a' <=> null, null <=> null, 1 xor 1, not 0, !1, 5 between 1 and 10, 3 in (1,2,3), 'x' not in ('y'), isnull(null), ifnull(null,1), nullif(1,1), coalesce(null,2), case 1 when 1 then 'one' else 'other' end, interval(5,1,3,7), 3 & 1, 3 | 4, 5 ^ 1, ~0, 1 << 4, 16 >> 2;
select name, salary, row_number() over (order by salary desc) rn, rank() over (partition by dept_id order by salary) rk, sum(salary) over (partition by dept_id) tot, lag(name) over (order by id) prev, first_value(name) over (order by id) f, ntile(2) over (order by id) nt, avg(salary) over (order by id rows between 1 preceding and current row) ma from emp order by id;
with recursive seq as (select 1 n union all select n+1 from seq where n < 5) select n, n*n sq from seq;
with recursive tree as (select id, name, 0 lvl from emp where boss is null union all select e.id, e.name, t.lvl+1 from emp e join tree t on e.boss = t.id) select * from tree order by lvl, id;
with a as (select dept_id, sum(salary) s from emp group by dept_id) select d.name, a.s from a join dept d on d.id=a.dept_id order by 1;
insert ignore into dept (name) values ('Eng'),('New');
insert into dept (name,budget) select concat(name,'2'), budget from dept where budget is not null;
insert into dept (id,name) values (1,'Eng') on duplicate key update budget = ifnull(budget,0)+1, name = values(name);
# known: worded, typed or counted as MySQL 8 does
insert into dept set name='SetForm', budget=3;
# known: worded, typed or counted as MySQL 8 does
select * from dept order by id;
update emp set salary = salary * 1.1 where dept_id = 1;
update emp e join dept d on d.id = e.dept_id set e.salary = e.salary + 1 where d.name = 'Ops';
update emp set salary = 0 order by id desc limit 1;
delete from emp where name = 'Eve';
delete e from emp e join dept d on d.id = e.dept_id where d.name = 'HR';
delete from dept where name like '%2' limit 1;
select id, name, salary from emp order by id;
prepare st from 'select name from emp where dept_id = ? and salary > ? order by name';
set @d = 1, @s = 50;
execute st using @d, @s;
deallocate prepare st;
execute st;
select @d, @s, @d + 1, @nope;
select @@version_comment is not null, @@session.autocommit, @@sql_safe_updates, @@global.max_allowed_packet > 0;
start transaction;
# known: worded, typed or counted as MySQL 8 does
insert into dept (name) values ('T1');
savepoint sp1;
# known: worded, typed or counted as MySQL 8 does
insert into dept (name) values ('T2');
rollback to savepoint sp1;
release savepoint sp1;
commit;
select name from dept where name like 'T_';
begin;
delete from emp;
rollback;
select count(*) from emp;
set autocommit = 0;
# known: worded, typed or counted as MySQL 8 does
insert into dept (name) values ('auto0');
rollback;
set autocommit = 1;
select count(*) from dept where name = 'auto0';
alter table emp add column email varchar(50) after name;
alter table emp add column first_col int first, add index em (email);
# known: worded, typed or counted as MySQL 8 does
alter table emp modify column email varchar(80) not null default 'x';
# known: worded, typed or counted as MySQL 8 does
alter table emp change column email mail varchar(90);
alter table emp rename column mail to email2;
alter table emp alter column email2 set default 'zz';
alter table emp drop column first_col, drop index em;
alter table emp add constraint uq_name unique (name);
alter table emp drop foreign key fk_dept;
# known: worded, typed or counted as MySQL 8 does
alter table emp add constraint fk2 foreign key (dept_id) references dept (id);
alter table emp comment = 'people';
alter table emp rename to people;
alter table people auto_increment = 500;
rename table people to emp;
alter table emp drop index uq_name;
create index ix_sal on emp (salary desc, name);
drop index ix_sal on emp;
# known: worded, typed or counted as MySQL 8 does
show create table emp;
create or replace view vw as select d.name dn, e.name en from emp e join dept d on d.id = e.dept_id;
select * from vw order by dn, en;
# known: worded, typed or counted as MySQL 8 does
show create view vw;
create table cp like emp;
create table cp2 as select id, name from emp;
# known: worded, typed or counted as MySQL 8 does
show create table cp2;
select count(*) from cp2;
# known: refused, see skip.txt
create temporary table tmp1 (a int);
# known: worded, typed or counted as MySQL 8 does
insert into tmp1 values (1),(2);
# known: worded, typed or counted as MySQL 8 does
select sum(a) from tmp1;
# known: worded, typed or counted as MySQL 8 does
drop temporary table tmp1;
drop view vw;
drop table if exists cp, cp2, nosuch;
truncate table types;
select count(*) from types;
select * from nosuch;
selec 1;
# known: worded, typed or counted as MySQL 8 does
select nocol from emp;
select * from emp where;
# known: worded, typed or counted as MySQL 8 does
insert into emp (nocol) values (1);
insert into dept (id,name) values (1,'dup');
insert into emp (name,dept_id) values ('x',999);
delete from dept where id = 1;
# known: worded, typed or counted as MySQL 8 does
select name, count(*) from emp;
select nofunc(1);
create table emp (a int);
drop table nosuch;
use nosuchdb;
# known: worded, typed or counted as MySQL 8 does
select 1 from (select 1);
insert into dept values (1);
select sum(sum(salary)) from emp;
# known: worded, typed or counted as MySQL 8 does
alter table emp drop column nosuch;
alter table emp add column name int;
create table bad (a int, a int);
create table bad2 (a int primary key, b int primary key);
# known: worded, typed or counted as MySQL 8 does
select * from emp e, dept d where id = 1;
# known: worded, typed or counted as MySQL 8 does
select user(), current_user(), database(), schema(), version() is not null, connection_id() > 0;
select found_rows(), row_count();
# known: refused, see skip.txt
select sql_calc_found_rows id from dept limit 1;
# known: worded, typed or counted as MySQL 8 does
select found_rows() > 1;
select id from dept order by id limit 1 for update;
# known: worded, typed or counted as MySQL 8 does
select id from dept lock in share mode;
select sleep(0), benchmark(1,1), uuid() is not null, inet_aton('1.2.3.4'), inet_ntoa(16909060);
do 1;
select 'a' 'b', "dq", 'it''s', 'tab\t', '\\', "a\"b";
# known: worded, typed or counted as MySQL 8 does
select -- comment
 1 /* c */ + 1 # tail;
# known: worded, typed or counted as MySQL 8 does
select /*! 5 */ + /*!99999 6 */ 1;
select 1 as `weird name`, 2 as 'quoted', 3 three;
select * from dept where name collate utf8mb4_bin = 'eng';
select convert('12', signed), cast('2024-01-01' as date), cast(1.7 as signed), cast(-1 as unsigned), cast('a' as char(3)), cast('12.345' as decimal(6,2)), convert('abc' using utf8mb4), cast(20240101 as date);
# known: worded, typed or counted as MySQL 8 does
select any_value(name) from emp where id=100;
# known: worded, typed or counted as MySQL 8 does
select bit_and(id), bit_or(id), bit_xor(id), std(id), variance(id), count(distinct dept_id) from emp;
# known: worded, typed or counted as MySQL 8 does
table dept;
# known: worded, typed or counted as MySQL 8 does
values row(1,2), row(3,4);

# Counts, warnings, errors and what session variables do.
create table t1 (id int auto_increment primary key, a int, b varchar(10), u int unique, ts timestamp default current_timestamp on update current_timestamp);
insert into t1 (a,b,u) values (1,'x',1),(2,'y',2),(3,'z',3);
update t1 set a=1 where id=1;
update t1 set a=5 where id=1;
update t1 set a=5;
update t1 set b='X' where b='x';
update t1 set a=a+1, u=a+100 where id=1;
select a,u from t1 where id=1;
update t1 set a=9 where id=99;
select row_count();
replace into t1 (id,a,b,u) values (1,1,'r',1);
replace into t1 (id,a,b,u) values (50,1,'r',50);
replace into t1 (id,a,b,u) values (50,1,'q',2);
replace into t1 (id,a,b,u) values (60,1,'q',60),(61,1,'q',61),(50,3,'q',50);
create table r (k varchar(10) primary key, n int);
replace into r values ('a',7);
replace into r values ('a',7);
replace into r values ('a',8),('b',1);
replace into r select 'c', 5;
insert into r values ('a',1) on duplicate key update n=n+1;
insert into r values ('a',1) on duplicate key update n=n;
insert into r values ('zz',1) on duplicate key update n=n+1;
insert into r values ('a',1),('zy',1),('b',4) on duplicate key update n=values(n);
select * from r order by k;
insert into t1 (id,a) values (1,1);
insert into t1 (id,a) values (100,1),(1,1);
insert into t1 (id,a) values (100,1),(100,1);
insert into t1 (a,u) values (1,200),(2,3);
insert into t1 (a,u) values (1,200),(2,200);
update t1 set u=3 where id=2;
update t1 set u=7;
update t1 set id=1 where id=2;
insert into r values ('A',1);
insert into r select 'q', 1 union all select 'b', 2;
create table two (x int, y varchar(5), z int, primary key (x,y), unique key yz (y,z));
insert into two values (1,'a',1),(2,'b',2);
insert into two values (1,'a',5);
insert into two values (1,'c',5),(9,'a',1);
update two set z=1,y='a' where x=2;
insert ignore into two values (1,'a',5),(3,'c',3),(9,'a',1);
show warnings;
create table num (t tinyint, s smallint unsigned, d decimal(5,2), v varchar(3), c char(2), dt date, e enum('a','b'), nn int not null, f float, b varbinary(2), i int, dtt datetime, tm time, y year);
insert into num (t,nn) values (300,1);
insert into num (nn,t) values (1,1),(1,1),(1,-300);
insert into num (s,nn) values (-1,1);
insert into num (d,nn) values (1000.5,1);
# known: notes about rounded decimals are not given
insert into num (d,nn) values (1.555,1);
# known: warnings of expressions and notes are not given
show warnings;
insert into num (v,nn) values ('abcd',1);
insert into num (v,nn) values ('a',1),('abcd',1);
insert into num (c,nn) values ('abc',1);
# known: notes about blanks cut off are not given
insert into num (v,nn) values ('abc   ',1);
insert into num (dt,nn) values ('nope',1);
insert into num (dt,nn) values ('2024-02-30',1);
insert into num (dtt,nn) values ('2024-02-30 10:00:00',1);
insert into num (tm,nn) values ('xx',1);
insert into num (e,nn) values ('z',1);
insert into num (t) values (1);
insert into num (nn) values (null);
insert into num (nn,t) values (1,1),(null,2);
# known: SQLSTATE HY000 in MySQL 8
insert into num (nn,i) values (1,'abc');
insert into num (nn,i) values (1,'12abc');
# known: SQLSTATE HY000 in MySQL 8
insert into num (nn,i) values (1,''),(2,'1');
insert into num (nn,i) values (1,99999999999);
# known: 1265 in MySQL 8
insert into num (nn,f) values (1,'x');
insert into num (nn,b) values (1,'abc');
insert into num (nn,y) values (1,1800);
insert into num (nn,i) values (1, 1.5);
insert into num (nn,i) values (1, 5/0);
update num set t=500 where nn=1;
update num set v='toolong';
update num set nn=null;
# known: SQLSTATE HY000 in MySQL 8
update num set i='abc';
# known: SQLSTATE HY000 in MySQL 8
insert into num (nn,i) select 1, 'zz';
insert into num (nn,v) select a, b from t1 union all select 9,'longer than';
insert ignore into num (nn,t,v,i) values (1,300,'abcd','12abc');
show warnings;
insert ignore into num (nn) values (null);
show warnings;
select count(*) from num;
select id, a from t1 where a='abc';
select '12abc'+1;
# known: warnings of expressions and notes are not given
show warnings;
select cast('abc' as signed), cast('2024-13-01' as date);
# known: warnings of expressions and notes are not given
show warnings;
select 1/0;
# known: warnings of expressions and notes are not given
show warnings;
delete from r where k='a';
delete from r;
select now(6)=now(6), length(now(3)), length(now()), length(curtime(2)), length(sysdate(4)), length(utc_timestamp(1)), length(current_timestamp(6));
select timestamp('2024-01-01 10:00:00.123456'), timestamp('2024-01-01','10:11:12.5'), time('10:11:12.123');
# known: MySQL 8 rounds, MariaDB cuts
select cast('2024-01-01 10:00:00.126' as datetime(2)), cast('10:00:00.5' as time(1)), microsecond('10:00:00.5');
set @a = 5;
# known: MariaDB pads decimals of variables
select @a, @a+1;
set @a = 'str';
# known: MariaDB pads decimals of variables
select @a, @a+1;
set @a = 1.50;
# known: MariaDB pads decimals of variables
select @a, @a+1;
set @a = null;
# known: MariaDB remembers the type of a variable that is NULL
select @a, @a+1, @undefined;
set @a = 1.5e0;
# known: MariaDB pads decimals of variables
select @a, @a+1;
create table par (id int primary key);
create table chi (id int primary key, p int, constraint fkp foreign key (p) references par(id));
insert into chi values (1,1);
set foreign_key_checks=0;
insert into chi values (1,1);
set foreign_key_checks=1;
insert into chi values (2,2);
update chi set p=7 where id=1;
insert into par values (1),(2);
delete from par where id=1;
set foreign_key_checks=0;
delete from par where id=1;
drop table par;
set foreign_key_checks=1;
create table par (id int primary key);
set unique_checks=0;
insert into par values (1),(1);
set unique_checks=1;
check table chi, par;
analyze table chi;
optimize table chi;
repair table chi;
check table nope;
lock tables t1 write;
select count(*) from t1;
select * from chi;
unlock tables;
truncate table r;
select length(now(3)), length(now()), length(curtime(2)), length(sysdate(4)), length(utc_timestamp(1)), length(current_timestamp(6));
select timestamp('2024-01-01 10:00:00.123456'), timestamp('2024-01-01','10:11:12.5'), time('10:11:12.123');
# known: MySQL 8 rounds, MariaDB cuts
select cast('2024-01-01 10:00:00.126' as datetime(2)), cast('10:00:00.5' as time(1)), microsecond('10:00:00.5');
select hour('10:11:12'), minute('2024-01-01 10:11:12'), second(now())>=0, time('2024-01-01 10:11:12'), microsecond('2024-01-01 10:11:12.000123');
set @a = 'str';
# known: MariaDB pads decimals of variables
select @a, @a+1;
set @a = 1.50;
select @a;
set @a = 1.5e0;
# known: MariaDB pads decimals of variables
select @a, @a+1;
create table tt (a datetime default now(), b datetime(3) default now(3), c timestamp(6) default current_timestamp(6), d time(2), k int);
insert into tt (k,d) values (1,'10:00:00.129');
# known: MySQL 8 rounds, MariaDB cuts
select length(a), length(b), length(c), d, a=now() or a=now() - interval 1 second from tt;
select cast('abc' as signed), cast('2024-13-01' as date), year('nope'), date('2024-02-30');

SELECT 1+1, 7/2, -7/2, 7%3, -7%3, 2*3, 2^10, 5.0/2, 1e10
SELECT 1::numeric/3, 10.0/3, 100::numeric/7, 0.001/3, 123456789.123/0.001
SELECT 1.10 + 2.2, 1.10 * 2.20, 5.5 - 5.5, 5.5 % 2, -5.5 % 2
SELECT round(2.5), round(3.5), round(-2.5), round(2.567, 2), round(1234.5, -2), trunc(2.99), trunc(-2.99), trunc(2.567, 1)
SELECT ceil(2.1), floor(-2.1), abs(-5), abs(-5.5), sign(-3), sqrt(2), sqrt(2::numeric)
SELECT power(2, 3), power(2::numeric, 3), exp(1), ln(2.0), log(100)
SELECT mod(7, 3), mod(-7, 3), mod(7.5, 2), div(7, 2), gcd(12, 18), pi(), degrees(pi()), radians(180)
SELECT 2147483647 + 1
SELECT 9223372036854775807 + 1
SELECT 32767::int2 + 1::int2
SELECT 1/0
SELECT 1.0/0
SELECT 1::float8/0
SELECT 3000000000::int4
SELECT 'abc'::int
SELECT '12'::int + 1, '1.5'::numeric, '1e3'::float8, ' 42 '::int
SELECT 1.5::int, 2.5::int, -1.5::int, 1.5::float8::int, 2.5::float8::int
SELECT 0.1::float8 + 0.2::float8, 1::float8/3, 1e100::float8, 'NaN'::float8, 'Infinity'::float8
SELECT 1.0::float4/3, 16777217::float4, 1e-7::float8
SELECT true AND NULL, false AND NULL, true OR NULL, NOT NULL::bool, true::int, 0::bool, 'yes'::bool
SELECT 1 = 1.0, 1.0 = 1.00, 1 < 2.5, 'a' < 'b', 'a' = 'A', NULL = NULL, 1 <> 2
SELECT 1 IS DISTINCT FROM NULL, NULL IS DISTINCT FROM NULL, 1 IS NOT DISTINCT FROM 1
SELECT 2 BETWEEN 1 AND 3, 2 NOT BETWEEN 1 AND 3, 3 BETWEEN SYMMETRIC 5 AND 1
SELECT 1 IN (1, 2), 3 IN (1, 2), 3 NOT IN (1, NULL), NULL IN (1), 'a' IN ('a', 'b'), 1.0 IN (1)
SELECT (1, 2) = (1, 2), (1, 2) < (1, 3), ROW(1, NULL) IS NULL, ROW(NULL, NULL) IS NULL
SELECT CASE 1 WHEN 1 THEN 'one' WHEN 2 THEN 'two' ELSE 'other' END, CASE WHEN false THEN 1 END, CASE WHEN true THEN 1 ELSE 2.5 END
SELECT coalesce(NULL, NULL, 3), nullif(1, 1), nullif(1, 2), greatest(1, 5, 3), least(1, NULL, 3), greatest(1, 2.5)
SELECT 'abc' || 'def', 'a' || 1, 1 || 'a', 'x' || NULL, 'n' || 1.50, true || 't'
SELECT length('héllo'), char_length('abc'), octet_length('héllo'), bit_length('abc')
SELECT lower('ABC'), upper('abc'), initcap('hello world-foo')
SELECT substr('hello', 2), substr('hello', 2, 3), substring('hello' from 2 for 3), substring('hello' from 3), substr('hello', -1, 4), substring('foobar' from 'o.b')
SELECT trim('  a  '), ltrim('xxa', 'x'), rtrim('axx', 'x'), btrim('xax', 'x'), trim(both 'x' from 'xxaxx'), trim(leading from '  a ')
SELECT position('l' in 'hello'), strpos('hello', 'z'), replace('hello', 'l', 'L'), translate('12345', '143', 'ax')
SELECT split_part('a,b,c', ',', 2), split_part('a,b,c', ',', -1), split_part('abc', ',', 2)
SELECT left('hello', 2), left('hello', -2), right('hello', 2), right('hello', -2)
SELECT lpad('hi', 5), lpad('hi', 5, 'xy'), rpad('hi', 5, '.'), lpad('hello', 2)
SELECT repeat('ab', 3), reverse('abc'), md5('hello'), ascii('A'), chr(65), repeat('x', -1)
SELECT concat('a', NULL, 1, true), concat_ws(',', 'a', NULL, 'b', 2), format('%s-%I-%L', 'a', 'b c', 'd''e'), format('%2$s %1$s', 'a', 'b')
SELECT quote_ident('a b'), quote_ident('abc'), quote_literal('it''s'), quote_nullable(NULL)
SELECT encode('abc'::bytea, 'hex'), encode('abc'::bytea, 'base64'), decode('616263', 'hex'), encode('\x00ff'::bytea, 'escape')
SELECT starts_with('hello', 'he'), overlay('Txxxxas' placing 'hom' from 2 for 4), to_hex(255), to_hex(-1)
SELECT 'abc' LIKE 'a%', 'abc' LIKE '_b_', 'abc' LIKE 'b%', 'abc' NOT LIKE 'a%', 'ABC' ILIKE 'abc', 'a%c' LIKE 'a\%c', 'a_c' LIKE 'a!_c' ESCAPE '!'
SELECT 'abc' ~ 'b', 'abc' ~* 'B', 'abc' !~ 'z', 'abc' SIMILAR TO '(a|b)%', 'foo bar' ~ '\mbar\M'
SELECT regexp_replace('foobarbaz', 'b..', 'X'), regexp_replace('foobarbaz', 'b..', 'X', 'g'), regexp_replace('foobarbaz', 'b(..)', 'X\1Y', 'g')
SELECT regexp_match('foobarbequebaz', '(bar)(beque)'), regexp_split_to_array('a1b2c', '\d'), regexp_match('abc', 'z')
SELECT * FROM regexp_matches('foobarbequebazilbarfbonk', '(b[^b]+)(b[^b]+)', 'g')
SELECT * FROM regexp_split_to_table('hello world', '\s+')
SELECT date '2024-01-15', timestamp '2024-01-15 10:20:30', time '10:20:30.5', interval '1 day 2 hours', timestamp '2024-01-15 10:20:30.123456'
SELECT date '2024-01-15' + 10, date '2024-01-15' - 10, date '2024-01-15' - date '2024-01-01', date '2024-01-31' + interval '1 month'
SELECT timestamp '2024-01-15 10:00' + interval '1 day 2 hours', timestamp '2024-01-15 10:00' - timestamp '2024-01-14 09:00', date '2024-01-15' + time '10:30'
SELECT interval '1 day' * 2.5, interval '1 hour' / 3, interval '1 year 2 months' + interval '3 days', - interval '1 day', interval '90 minutes'
SELECT interval '1' day, interval '1 year' = interval '12 months', interval '1 day' < interval '25 hours', justify_hours(interval '50 hours'), justify_days(interval '65 days')
SELECT extract(year from date '2024-05-06'), extract(month from timestamp '2024-05-06 07:08:09'), extract(epoch from timestamp '2024-05-06 07:08:09.5'), extract(dow from date '2024-05-06'), extract(doy from date '2024-05-06'), extract(week from date '2024-01-01'), extract(quarter from date '2024-05-06')
SELECT extract(hour from timestamp '2024-05-06 07:08:09'), extract(second from timestamp '2024-05-06 07:08:09.25'), extract(isodow from date '2024-05-05'), extract(century from date '2024-05-06'), extract(epoch from interval '1 day 1 second'), extract(days from interval '40 days')
SELECT date_part('year', date '2024-05-06'), date_part('epoch', interval '2 minutes')
SELECT date_trunc('year', timestamp '2024-05-06 07:08:09'), date_trunc('week', timestamp '2024-05-06 07:08:09'), date_trunc('hour', timestamp '2024-05-06 07:08:09'), date_trunc('quarter', timestamp '2024-05-06 07:08:09'), date_trunc('decade', timestamp '2024-05-06 07:08:09')
SELECT age(timestamp '2024-05-06', timestamp '2020-01-10'), age(timestamp '2020-01-10', timestamp '2024-05-06')
SELECT to_char(timestamp '2024-03-04 15:06:07', 'YYYY-MM-DD HH24:MI:SS'), to_char(timestamp '2024-03-04 15:06:07', 'Dy, DD Mon YYYY HH12:MI AM'), to_char(date '2024-03-04', 'Day Month DDD Q'), to_char(date '2024-03-04', 'FMDay, FMMonth FMDDth')
SELECT to_char(1234.567, '9,999.99'), to_char(-5, '999'), to_char(5, '000'), to_char(0.5, '0.99'), to_char(12, 'FM999'), to_char(1234567, '9,999,999')
SELECT to_date('2024-03-04', 'YYYY-MM-DD'), to_timestamp('2024-03-04 05:06', 'YYYY-MM-DD HH24:MI') AT TIME ZONE 'UTC', to_date('04 Mar 2024', 'DD Mon YYYY'), to_number('1,234.5', '9,999.9')
SELECT make_date(2024, 2, 29), make_time(1, 2, 3.5), make_timestamp(2024, 1, 2, 3, 4, 5.5), make_interval(days => 10)
SELECT timestamp '2024-07-01 12:00' AT TIME ZONE 'America/New_York' AT TIME ZONE 'UTC', timestamptz '2024-07-01 12:00+00' AT TIME ZONE 'Europe/Berlin'
SELECT '2024-02-30'::date
SELECT 'infinity'::timestamp, '-infinity'::date, isfinite(date '2024-01-01')
SELECT '{"a":1,"b":[1,2,{"c":"d"}]}'::jsonb -> 'b', '{"a":1,"b":[1,2,{"c":"d"}]}'::jsonb -> 'b' -> 0, '{"a":1}'::jsonb ->> 'a', '{"a":null}'::jsonb ->> 'a', '{"a":1,"b":[1,2,{"c":"d"}]}'::jsonb #> '{b,2,c}', '{"a":1,"b":[1,2,{"c":"d"}]}'::jsonb #>> '{b,2,c}'
SELECT '{"b":1,"a":2}'::jsonb, '{"b":1,  "a":2}'::json, '[1, 2.50, true, null, "x"]'::jsonb, '"abc"'::jsonb, '{"a":{"b":1}}'::json -> 'a'
SELECT '{"a":1,"b":2}'::jsonb @> '{"a":1}', '[1,2,3]'::jsonb @> '[1]', '{"a":1}'::jsonb ? 'a', '{"a":1}'::jsonb ?| array['x','a'], '{"a":1}'::jsonb ?& array['x','a'], '[1]'::jsonb <@ '[1,2]'
SELECT '{"a":1}'::jsonb || '{"b":2}', '[1]'::jsonb || '[2]', '{"a":1,"b":2}'::jsonb - 'a', '["a","b"]'::jsonb - 0, '{"a":{"b":1}}'::jsonb #- '{a,b}'
SELECT jsonb_set('{"a":1}', '{b}', '2'), jsonb_set('{"a":{"b":1}}', '{a,b}', '5'), jsonb_insert('[1,2]', '{0}', '9'), jsonb_strip_nulls('{"a":null,"b":1}')
SELECT json_build_object('a', 1, 'b', 'x'), jsonb_build_object('a', true, 'b', null), json_build_array(1, 'x', null), jsonb_build_array(1.5, 'y')
SELECT to_json('a"b'::text), to_jsonb(1.50), to_json(true), to_json(ARRAY[1,2]), to_jsonb(date '2024-01-02'), to_json(timestamp '2024-01-02 03:04:05')
SELECT json_array_length('[1,2,3]'), jsonb_typeof('{}'), json_typeof('1'), jsonb_array_length('[]'), jsonb_pretty('{"a":1}')
SELECT * FROM json_each('{"a":1,"b":"x"}')
SELECT * FROM jsonb_each_text('{"a":1,"b":"x","c":null}')
SELECT * FROM json_array_elements('[1,"x",{"a":2}]')
SELECT value FROM jsonb_array_elements_text('["a","b"]') AS value
SELECT * FROM jsonb_object_keys('{"b":1,"a":2}')
SELECT * FROM json_to_recordset('[{"a":1,"b":"x"},{"a":2}]') AS t(a int, b text)
SELECT row_to_json(t) FROM (SELECT 1 AS a, 'x' AS b, null::int AS c) t
SELECT json_agg(x), jsonb_agg(x ORDER BY x DESC) FROM generate_series(1, 3) x
SELECT json_agg(t) FROM (VALUES (1, 'a'), (2, 'b')) t(id, n)
SELECT json_object_agg(k, v) FROM (VALUES ('a', 1), ('b', 2)) t(k, v)
SELECT ARRAY[1,2,3], ARRAY['a','b c'], '{1,2,NULL}'::int[], ARRAY[[1,2],[3,4]], ARRAY[1.5, 2]
SELECT (ARRAY[1,2,3])[1], (ARRAY[1,2,3])[4], (ARRAY[1,2,3])[2:3], (ARRAY['x','y'])[2], (ARRAY[[1,2],[3,4]])[2][1]
SELECT ARRAY[1,2] || 3, ARRAY[1,2] || ARRAY[3], 0 || ARRAY[1], array_append(ARRAY[1], 2), array_prepend(0, ARRAY[1]), array_cat(ARRAY[1], ARRAY[2])
SELECT array_length(ARRAY[1,2,3], 1), cardinality(ARRAY[1,2,3]), array_upper(ARRAY[1,2], 1), array_ndims(ARRAY[[1],[2]]), array_length('{}'::int[], 1)
SELECT array_position(ARRAY['a','b'], 'b'), array_remove(ARRAY[1,2,1], 1), array_replace(ARRAY[1,2], 1, 9), array_to_string(ARRAY[1,NULL,3], ','), array_to_string(ARRAY[1,NULL,3], ',', '*'), string_to_array('a,b,c', ',')
SELECT 1 = ANY(ARRAY[1,2]), 3 = ANY(ARRAY[1,2]), 1 <> ALL(ARRAY[2,3]), 1 < ALL(ARRAY[2,3]), NULL = ANY(ARRAY[1]), 'a' LIKE ANY(ARRAY['b%','a%'])
SELECT ARRAY[1,2] @> ARRAY[1], ARRAY[1,2] && ARRAY[2,3], ARRAY[1,2] = ARRAY[1,2], ARRAY[1,2] < ARRAY[1,3], ARRAY[1] <@ ARRAY[1,2]
SELECT unnest(ARRAY[1,2]), 'x'
SELECT * FROM unnest(ARRAY['a','b']) WITH ORDINALITY AS t(v, n)
SELECT ARRAY(SELECT x * 2 FROM generate_series(1, 3) x)
SELECT * FROM generate_series(1, 10, 3)
SELECT * FROM generate_series(timestamp '2024-01-01', timestamp '2024-01-03', interval '1 day')
SELECT count(*), count(x), sum(x), avg(x), min(x), max(x) FROM (VALUES (1), (2), (NULL), (4)) t(x)
SELECT sum(x), avg(x), min(x), max(x) FROM (VALUES (1.5), (2.25), (10.0)) t(x)
SELECT sum(x::int8), avg(x::int8), sum(x::float8), avg(x::float8) FROM (VALUES (1), (2), (4)) t(x)
SELECT stddev(x), variance(x), stddev_pop(x), var_pop(x) FROM (VALUES (1), (2), (4)) t(x)
SELECT stddev(x), variance(x), stddev_pop(x) FROM (VALUES (1.0::float8), (2), (4)) t(x)
SELECT string_agg(x, ','), string_agg(x, '-' ORDER BY x DESC), array_agg(x), array_agg(x ORDER BY x DESC) FROM (VALUES ('a'), ('b'), ('c')) t(x)
SELECT bool_and(x), bool_or(x), every(x) FROM (VALUES (true), (false), (NULL)) t(x)
SELECT count(DISTINCT x), sum(DISTINCT x), string_agg(DISTINCT x::text, ',') FROM (VALUES (1), (1), (2)) t(x)
SELECT count(*) FILTER (WHERE x > 1), sum(x) FILTER (WHERE x > 10) FROM (VALUES (1), (2), (3)) t(x)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY x), percentile_disc(0.5) WITHIN GROUP (ORDER BY x), mode() WITHIN GROUP (ORDER BY x) FROM (VALUES (1), (2), (2), (10)) t(x)
SELECT bit_and(x), bit_or(x) FROM (VALUES (7), (3)) t(x)
SELECT sum(x) FROM (VALUES (1)) t(x) WHERE false
SELECT x, count(*) FROM (VALUES ('a'), ('b'), ('a')) t(x) GROUP BY x HAVING count(*) > 1
SELECT x % 2 AS k, sum(x) FROM generate_series(1, 5) x GROUP BY 1 ORDER BY k
SELECT x, row_number() OVER (ORDER BY x), rank() OVER (ORDER BY x), dense_rank() OVER (ORDER BY x), lag(x) OVER (ORDER BY x), lead(x, 1, 0) OVER (ORDER BY x) FROM (VALUES (1), (2), (2), (3)) t(x) ORDER BY x, 2
SELECT x, sum(x) OVER (ORDER BY x), avg(x) OVER (PARTITION BY x % 2), first_value(x) OVER w, last_value(x) OVER w, ntile(2) OVER (ORDER BY x) FROM generate_series(1, 4) x WINDOW w AS (ORDER BY x ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING) ORDER BY x
SELECT x, percent_rank() OVER (ORDER BY x), cume_dist() OVER (ORDER BY x), nth_value(x, 2) OVER (ORDER BY x) FROM generate_series(1, 3) x
SELECT 1 UNION SELECT 1 UNION ALL SELECT 1
SELECT 1 AS a UNION SELECT 2.5 ORDER BY a DESC
SELECT x FROM generate_series(1,4) x INTERSECT SELECT x FROM generate_series(3,6) x ORDER BY 1
SELECT x FROM (VALUES (1),(1),(2)) t(x) EXCEPT ALL SELECT 1
(SELECT 1 ORDER BY 1 LIMIT 1) UNION ALL (SELECT 2) ORDER BY 1 DESC
SELECT NULL UNION SELECT 'a' ORDER BY 1
WITH a AS (SELECT 1 AS x), b(y) AS (SELECT x + 1 FROM a) SELECT * FROM a, b
WITH RECURSIVE t(n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM t WHERE n < 4) SELECT n, n * n FROM t
SELECT * FROM (VALUES (1, 'a'), (2, 'b')) t(id, n) JOIN (VALUES (1, 'x'), (3, 'z')) u(id, m) USING (id)
SELECT * FROM (VALUES (1), (2)) t(a) LEFT JOIN (VALUES (2), (3)) u(b) ON a = b ORDER BY 1
SELECT * FROM (VALUES (1), (2)) t(a) FULL JOIN (VALUES (2), (3)) u(a) USING (a) ORDER BY a
SELECT * FROM (VALUES (1), (2)) t(a) RIGHT JOIN (VALUES (2), (3)) u(b) ON a = b ORDER BY b
SELECT * FROM (VALUES (1,2)) t(a,b) NATURAL JOIN (VALUES (1,3)) u(a,c)
SELECT t.x, l.y FROM (VALUES (1), (2)) t(x), LATERAL (SELECT t.x * 10 AS y) l ORDER BY 1
SELECT t.x, g FROM (VALUES (1), (2)) t(x), generate_series(1, t.x) g ORDER BY 1, 2
SELECT x FROM generate_series(1, 5) x WHERE x IN (SELECT y FROM generate_series(2, 3) y) AND EXISTS (SELECT 1 WHERE x > 2)
SELECT x FROM generate_series(1, 3) x WHERE x > ALL (SELECT 1) AND x = ANY (SELECT 3)
SELECT DISTINCT x % 2 FROM generate_series(1, 4) x ORDER BY 1
SELECT DISTINCT ON (x % 2) x % 2, x FROM generate_series(1, 4) x ORDER BY x % 2, x DESC
SELECT x FROM (VALUES (1), (NULL), (2)) t(x) ORDER BY x
SELECT x FROM (VALUES (1), (NULL), (2)) t(x) ORDER BY x DESC NULLS LAST
SELECT x FROM generate_series(1, 10) x ORDER BY x DESC LIMIT 3 OFFSET 2
SELECT x FROM generate_series(1, 3) x OFFSET 1
SELECT (SELECT count(*) FROM generate_series(1, 3)), (SELECT 1 WHERE false)
SELECT 'a'::varchar(3), 'abcdef'::varchar(3), 'ab'::char(4), 'ab'::char(4) = 'ab', length('ab'::char(4)), 'ab'::char(4) || 'x'
SELECT 123.456::numeric(5,1), 99.99::numeric(3,1)
SELECT 12345.6::numeric(5,2)
SELECT '1'::bool, 'f'::bool, 'maybe'::bool
SELECT 'a'::text::bytea, '\xdeadbeef'::bytea, length('\xdeadbeef'::bytea)
SELECT 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, 'A0EEBC999C0B4EF8BB6D6BB9BD380A11'::uuid
SELECT pg_typeof(1), pg_typeof(1.5), pg_typeof('a'), pg_typeof(now()), pg_typeof(ARRAY[1]), pg_typeof(1::int8 + 1)
SELECT 5 & 3, 5 | 3, 5 # 3, ~5, 1 << 4, 256 >> 2, @ -5, |/ 16
SELECT 10000000000, 9223372036854775808, -9223372036854775808, 0.00, 1e3, 1.5e-3
SELECT 1::int2, 1::int8 * 3, 2::int2 * 3, 1.5::float4 * 2, 1::numeric + 1.5::float8
SELECT '2024-01-01'::date < '2024-01-02', '10:00'::time + interval '15 hours', '10:00'::time - '09:30'::time
SELECT current_date = now()::date, now() - now(), localtimestamp <= clock_timestamp()::timestamp
SELECT nosuch
SELECT nosuch.x
SELECT * FROM nosuch
SELECT nosuch(1, 'a')
SELECT 'a' + 1
SELECT 1 + true
SELECT 1 = 'a'
SELECT sum('a'::text)
SELECT x FROM (VALUES (1)) t(x) GROUP BY x + 1
SELECT sum(sum(x)) FROM (VALUES (1)) t(x)
SELECT x FROM (VALUES (1)) t(x) WHERE sum(x) > 1
SELECT 1 FROM (VALUES (1)) t(x), (VALUES (1)) u(x) WHERE x = 1
SELECT (SELECT 1 UNION SELECT 2)
SELECT (SELECT 1, 2)
SELECT 1 UNION SELECT 1, 2
SELECT 1 UNION SELECT true
SELECT ARRAY[1, 'a']
SELECT CASE WHEN 1 THEN 2 END
SELECT 1 WHERE 1
SELECT 1 LIMIT -1
SELECT 1 ORDER BY 2
SELECT substr('a', 1, -1)
SELECT chr(0)
SELECT sqrt(-1.0)
SELECT ln(0.0)
SELECT '{bad'::jsonb
SELECT 'x'::uuid
SELECT '{1,x}'::int[]
SELECT 1::nosuchtype
SELECT 'abc' COLLATE "C" < 'abd'
SELECT trim_scale(1.500), scale(1.500), width_bucket(5.35, 0.024, 10.06, 5), factorial(5)
SELECT to_char(interval '1 day 02:03:04', 'HH24:MI:SS'), to_char(timestamp '2024-01-05', 'IYYY-IW ID'), to_char(timestamp '2024-01-05 01:02:03.456', 'MS US')
SELECT random() < 1, length(gen_random_uuid()::text), version() LIKE 'PostgreSQL%'
SELECT concat_ws('-', 1, 2.5, date '2024-01-01'), 'v' || date '2024-01-01', 'i' || interval '1 day'
SELECT '[1,2]'::jsonb = '[1, 2]'::jsonb, '{"a":1}'::jsonb < '{"a":2}'::jsonb, '1'::jsonb::int, 'true'::jsonb::bool
SELECT t FROM (VALUES (1, 'a')) t(x, y)
SELECT t.* FROM (VALUES (1, 'a')) t(x, y)
SELECT (t).x FROM (VALUES (1, 'a')) t(x, y)
SELECT EXISTS (SELECT 1), NOT EXISTS (SELECT 1 WHERE false)
SELECT 'It''s', E'a\nb', $$dollar$$, U&'\0041'
SELECT x FROM generate_series(1,3) AS x WHERE x::text LIKE '1%' OR x > 2
SELECT sum(x) OVER () , count(*) OVER () FROM generate_series(1, 2) x
SELECT max(d), min(d) FROM (VALUES (date '2024-01-01'), ('2023-01-01')) t(d)
SELECT max(x), min(x) FROM (VALUES (9.5), (10.25)) t(x)
SELECT x FROM (VALUES (9.5), (10.25), (1.0)) t(x) ORDER BY x
SELECT DISTINCT x FROM (VALUES (1.0), (1.00), (2)) t(x) ORDER BY x

package postgres

import (
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// seeds are statements of every kind; the fuzz tests start from them, too.
var seeds = []string{
	"select 1, 'a', 1.50, 1e3, .5, -7, 9999999999, true, null, b'101', x'1f', 0x1f, 1_000",
	"select distinct on (a) a, t.*, count(*) filter (where b > 1) over (partition by c order by d desc rows between 1 preceding and current row) from s.t as t left join u using (id) cross join lateral (select 1) x(y) where a in (1, 2) and b not in (select 3) and c between 1 and 2 or d like 'a%' escape '!' group by a having count(*) > 1 order by a desc nulls last limit 1 offset 2 for update skip locked",
	"with recursive r(n) as (select 1 union all select n + 1 from r where n < 5) select * from r window w as (order by n)",
	"select extract(year from a), substring(b from 1 for 2), trim(both 'x' from c), position('a' in d), overlay(e placing 'x' from 1), now() at time zone 'UTC', current_date, localtimestamp(3), cast(a as varchar(10)), b::numeric(10, 2)[], (array[1, 2])[1], (f).g, row(1, 2), greatest(1, 2), coalesce(a, b), nullif(a, b)",
	"select c.oid::regclass from pg_catalog.pg_class c where c.relname operator(pg_catalog.~) '^(t)$' collate pg_catalog.default and a = any(array['r', 'p']) and b <> all (select 1) and exists (select 1) and a is distinct from b and a is not true",
	"insert into t as x (a, b) values (1, default) on conflict (a) where b > 0 do update set b = excluded.b where x.b < 3 returning *",
	"update t set (a, b) = (1, 2), c[1] = 3 from u where t.id = u.id returning t.a",
	"delete from only t using u where t.id = u.id",
	"select * from generate_series(1, 3) with ordinality as g(n, o), json_to_recordset('[]') as j(a int, b text)",
	"values (1, 'a'), (2, 'b') order by 1",
	"explain (analyze, format json) select 1",
	"table t",
	"create table if not exists s.t (id serial primary key, a int not null default 1 + 1, b numeric(10, 2) check (b > 0), c text unique, d int references u (id) on delete cascade deferrable initially deferred, e int generated always as identity (start 5 increment 2), f int generated always as (a * 2) stored, constraint k check (a < 5), unique (a, b), foreign key (a) references v) with (fillfactor=100)",
	"create unlogged table t (like u including all)",
	"create table t as select 1 as a with no data",
	"create unique index concurrently if not exists i on t using btree (a desc, lower(b) text_pattern_ops) include (c) where a > 1",
	"create or replace view v (x) as select a from t",
	"create materialized view m as select 1",
	"refresh materialized view m",
	"create schema if not exists s authorization me",
	"create sequence s as bigint start 5 increment by -2 no maxvalue minvalue -100 cycle owned by t.a",
	"alter sequence s restart with 5",
	"alter table t add column a int, drop column if exists b cascade, alter c type text using c::text, alter d set default 1, alter e drop default, alter f set not null, add constraint x primary key (a), drop constraint y, owner to me, alter g add generated always as identity",
	"alter table t add primary key (a)",
	"alter table t rename a to b",
	"alter table t rename to u",
	"alter table t set schema s",
	"drop table if exists a, s.b cascade",
	"truncate a, b restart identity cascade",
	"comment on column t.a is 'x'",
	"grant select on t to public",
	"create extension if not exists plpgsql",
	"create role r login",
	"drop role if exists r",
	"create function f() returns int language sql as 'select 1'",
	"merge into t using u on t.a = u.a when matched then delete",
}

// TestConvert checks that every seed converts.
func TestConvert(t *testing.T) {
	t.Parallel()
	for _, s := range seeds {
		if n, err := Convert(&rel.Stmt{Text: s}); err != nil || n == nil {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// TestConvertRefuses checks constructs with no support.
func TestConvertRefuses(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"select 1 group by rollup (a)", "select * from t tablesample system (1)", "update t set a = 1 where current of c",
		"select 1 fetch first 1 rows with ties",
	} {
		if _, err := Convert(&rel.Stmt{Text: s}); op.CodeOf(err) != op.Unsupported {
			t.Logf("%q: %v", s, err)
		}
	}
}

// TestPlainDecimal checks literal normalisation.
func TestPlainDecimal(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"1e3": "1000", "1.50": "1.50", ".5": "0.5", "5.": "5", "1.5e-3": "0.0015", "-00.10": "-0.10", "1.25e1": "12.5"} {
		if got, ok := plainDecimal(in); !ok || got != want {
			t.Errorf("%s: %s", in, got)
		}
	}
}

// FuzzConvert looks for panics and crashes.
func FuzzConvert(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		l, err := Parse(s)
		if err != nil {
			return
		}
		for _, st := range l {
			if st.Kind <= rel.KindDDL {
				_, _ = Convert(st)
			}
		}
	})
}

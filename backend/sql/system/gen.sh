#!/bin/sh
# Writes data/*.tsv from a running PostgreSQL 15: which relations, columns,
# types, functions and settings its catalogs have. Usage: gen.sh CONNINFO
set -e
cd "$(dirname "$0")/data"
q() { psql "$1" -qAtX -v ON_ERROR_STOP=1 -c "COPY ($2) TO STDOUT" > "$3.tsv"; }
q "$1" "select n.nspname, c.relname, c.oid, c.relkind from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('pg_catalog', 'information_schema') and relkind in ('r', 'v') and relname !~ '^_pg_' order by 1 desc, 2" relations
q "$1" "select a.attrelid, a.attnum, a.attname, case when t.typtype = 'd' then t.typbasetype else t.oid end, a.attnotnull from pg_attribute a join pg_type t on t.oid = a.atttypid join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace where n.nspname in ('pg_catalog', 'information_schema') and c.relkind in ('r', 'v') and c.relname !~ '^_pg_' and a.attnum > 0 order by 1, 2" columns
q "$1" "select oid, typname, typlen, typbyval, typtype, typcategory, typispreferred, typdelim, typrelid, typsubscript::oid, typelem, typarray, typinput::oid, typoutput::oid, typreceive::oid, typsend::oid, typmodin::oid, typmodout::oid, typalign, typstorage, typcollation from pg_type where typnamespace = 11 and typrelid = 0 and not exists (select from pg_type e where e.oid = pg_type.typelem and e.typrelid <> 0) order by oid" types
q "$1" "select oid, proname, prolang, provariadic, prokind, prosecdef, proleakproof, proisstrict, proretset, provolatile, proparallel, pronargs, pronargdefaults, prorettype, proargtypes from pg_proc where pronamespace = 11 order by oid" procs
q "$1" "select oid, oprname, oprkind, oprcanmerge, oprcanhash, oprleft, oprright, oprresult, oprcom, oprnegate, oprcode::oid from pg_operator where oprnamespace = 11 order by oid" operators
q "$1" "select oid, opcmethod, opcname, opcfamily, opcintype, opcdefault, opckeytype from pg_opclass where opcmethod in (403, 405) order by oid" opclasses
q "$1" "select oid, castsource, casttarget, castfunc, castcontext, castmethod from pg_cast order by oid" casts
q "$1" "select rngtypid, rngsubtype, rngmultitypid, rngcollation, rngsubopc from pg_range order by 1" ranges
q "$1" "select name, setting, unit, category, short_desc, context, vartype, enumvals from pg_settings where name in ('application_name', 'bytea_output', 'client_encoding', 'client_min_messages', 'DateStyle', 'default_transaction_isolation', 'default_transaction_read_only', 'extra_float_digits', 'IntervalStyle', 'integer_datetimes', 'lc_collate', 'lc_ctype', 'lc_messages', 'lock_timeout', 'max_connections', 'max_identifier_length', 'max_index_keys', 'search_path', 'server_encoding', 'server_version', 'server_version_num', 'standard_conforming_strings', 'statement_timeout', 'TimeZone', 'transaction_isolation', 'transaction_read_only', 'block_size', 'idle_in_transaction_session_timeout', 'row_security', 'synchronous_commit', 'wal_level') order by 1" settings

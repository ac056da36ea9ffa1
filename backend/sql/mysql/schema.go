package mysql

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/system"
)

// storeSchema is the schema part of the TEMP tables behind the MySQL flavour
// of information_schema: PostgreSQL's own flavour has the plain name.
const storeSchema = "mysql_information_schema"

// Register adds MySQL's system relations to a registry.
func Register(r *system.Registry) {
	for _, s := range relations() {
		t := table(s)
		fill, columns := s.fill, t.Columns
		x := &system.Relation{Table: t, Fill: func(src *system.Source) [][]op.Value {
			if fill == nil {
				return nil
			}
			return lay(columns, fill(src.Catalog, src.Env))
		}}
		r.Add(rel.MySQL, s.schema, x)
	}
}

// relation is one system relation: its columns, as "NAME type" lines, and what
// fills it. One without fill is always empty: the server has no such things.
type relation struct {
	schema, name, columns string
	fill                  func(*catalog.Snapshot, *rel.Env) []record
}

// record is one row by column name.
type record map[string]any

// columnTypes are the types used in relation.columns.
var columnTypes = map[string]op.Type{
	"name":   {Base: op.TVarchar, Size: 64},
	"text":   {Base: op.TString},
	"short":  {Base: op.TVarchar, Size: 16},
	"long":   {Base: op.TVarchar, Size: 1024},
	"int":    {Base: op.TInt4},
	"big":    {Base: op.TInt8},
	"ubig":   {Base: op.TInt8, Unsigned: true},
	"time":   {Base: op.TTimestamp, Size: 1},
	"double": {Base: op.TFloat8},
}

// table builds the catalog entry of a relation.
func table(s relation) *catalog.Table {
	t := &catalog.Table{Schema: storeSchema, Name: s.name, Kind: catalog.KindSystem, Dialect: uint8(rel.MySQL)}
	if s.schema != "information_schema" {
		t.Schema = "mysql_" + s.schema
	}
	t.Store = t.Schema + "." + t.Name
	for i, line := range strings.Split(s.columns, ",") {
		name, typ, _ := strings.Cut(strings.TrimSpace(line), " ")
		typ, notNull := strings.CutSuffix(typ, "!")
		c := &catalog.Column{Name: name, Attr: int16(i + 1), Type: columnTypes[typ], NotNull: notNull}
		c.CI = typ == "name" || typ == "short" || typ == "long" || typ == "text"
		t.Columns = append(t.Columns, c)
	}
	return t
}

// lay puts records into column order.
func lay(columns []*catalog.Column, list []record) [][]op.Value {
	out := make([][]op.Value, len(list))
	for i, r := range list {
		row := make([]op.Value, len(columns))
		for j, c := range columns {
			switch v := r[c.Name].(type) {
			case string:
				row[j] = op.Text(v)
			case int:
				row[j] = op.Int64(int64(v))
			case int64:
				row[j] = op.Int64(v)
			case nil:
				if c.NotNull {
					row[j] = op.Text("")
					if c.Type.Base == op.TInt4 || c.Type.Base == op.TInt8 {
						row[j] = op.Int64(0)
					}
				}
			}
		}
		out[i] = row
	}
	return out
}

// relations are the system relations, with the columns of MySQL 8.
func relations() []relation {
	return []relation{
		{"information_schema", "SCHEMATA", "CATALOG_NAME name, SCHEMA_NAME name, DEFAULT_CHARACTER_SET_NAME name!, DEFAULT_COLLATION_NAME name!, SQL_PATH short, DEFAULT_ENCRYPTION short!", fillSchemata},
		{"information_schema", "TABLES", "TABLE_CATALOG name, TABLE_SCHEMA name, TABLE_NAME name, TABLE_TYPE name!, ENGINE name, VERSION int, ROW_FORMAT short, TABLE_ROWS ubig, AVG_ROW_LENGTH ubig, DATA_LENGTH ubig, MAX_DATA_LENGTH ubig, INDEX_LENGTH ubig, DATA_FREE ubig, AUTO_INCREMENT ubig, CREATE_TIME time, UPDATE_TIME time, CHECK_TIME time, TABLE_COLLATION name, CHECKSUM big, CREATE_OPTIONS long, TABLE_COMMENT text", fillTables},
		{"information_schema", "COLUMNS", "TABLE_CATALOG name, TABLE_SCHEMA name, TABLE_NAME name, COLUMN_NAME name, ORDINAL_POSITION int!, COLUMN_DEFAULT text, IS_NULLABLE short!, DATA_TYPE text, CHARACTER_MAXIMUM_LENGTH big, CHARACTER_OCTET_LENGTH big, NUMERIC_PRECISION ubig, NUMERIC_SCALE ubig, DATETIME_PRECISION int, CHARACTER_SET_NAME name, COLLATION_NAME name, COLUMN_TYPE text!, COLUMN_KEY short!, EXTRA long, PRIVILEGES long, COLUMN_COMMENT text!, GENERATION_EXPRESSION text!, SRS_ID int", fillColumns},
		{"information_schema", "STATISTICS", "TABLE_CATALOG name, TABLE_SCHEMA name, TABLE_NAME name, NON_UNIQUE int!, INDEX_SCHEMA name, INDEX_NAME name, SEQ_IN_INDEX int!, COLUMN_NAME name, COLLATION short, CARDINALITY big, SUB_PART big, PACKED short, NULLABLE short!, INDEX_TYPE short!, COMMENT short!, INDEX_COMMENT text!, IS_VISIBLE short!, EXPRESSION text", fillStatistics},
		{"information_schema", "KEY_COLUMN_USAGE", "CONSTRAINT_CATALOG name, CONSTRAINT_SCHEMA name, CONSTRAINT_NAME name, TABLE_CATALOG name, TABLE_SCHEMA name, TABLE_NAME name, COLUMN_NAME name, ORDINAL_POSITION int!, POSITION_IN_UNIQUE_CONSTRAINT int, REFERENCED_TABLE_SCHEMA name, REFERENCED_TABLE_NAME name, REFERENCED_COLUMN_NAME name", fillKeyColumns},
		{"information_schema", "REFERENTIAL_CONSTRAINTS", "CONSTRAINT_CATALOG name, CONSTRAINT_SCHEMA name, CONSTRAINT_NAME name, UNIQUE_CONSTRAINT_CATALOG name, UNIQUE_CONSTRAINT_SCHEMA name, UNIQUE_CONSTRAINT_NAME name, MATCH_OPTION short!, UPDATE_RULE short!, DELETE_RULE short!, TABLE_NAME name!, REFERENCED_TABLE_NAME name!", fillReferential},
		{"information_schema", "TABLE_CONSTRAINTS", "CONSTRAINT_CATALOG name, CONSTRAINT_SCHEMA name, CONSTRAINT_NAME name, TABLE_SCHEMA name, TABLE_NAME name, CONSTRAINT_TYPE short!, ENFORCED short!", fillConstraints},
		{"information_schema", "CHECK_CONSTRAINTS", "CONSTRAINT_CATALOG name, CONSTRAINT_SCHEMA name, CONSTRAINT_NAME name, CHECK_CLAUSE text!", fillChecks},
		{"information_schema", "VIEWS", "TABLE_CATALOG name, TABLE_SCHEMA name, TABLE_NAME name, VIEW_DEFINITION text, CHECK_OPTION short, IS_UPDATABLE short, DEFINER long, SECURITY_TYPE short, CHARACTER_SET_CLIENT name!, COLLATION_CONNECTION name!", fillViews},
		{"information_schema", "ENGINES", "ENGINE name!, SUPPORT short!, COMMENT long!, TRANSACTIONS short, XA short, SAVEPOINTS short", fillEngines},
		{"information_schema", "CHARACTER_SETS", "CHARACTER_SET_NAME name!, DEFAULT_COLLATE_NAME name!, DESCRIPTION long!, MAXLEN int!", fillCharsets},
		{"information_schema", "COLLATIONS", "COLLATION_NAME name!, CHARACTER_SET_NAME name!, ID ubig!, IS_DEFAULT short!, IS_COMPILED short!, SORTLEN int!, PAD_ATTRIBUTE short!", fillCollations},
		{"information_schema", "COLLATION_CHARACTER_SET_APPLICABILITY", "COLLATION_NAME name!, CHARACTER_SET_NAME name!", fillCollations},
		{"information_schema", "ROUTINES", "SPECIFIC_NAME name!, ROUTINE_CATALOG name, ROUTINE_SCHEMA name, ROUTINE_NAME name!, ROUTINE_TYPE short!, DATA_TYPE text, CHARACTER_MAXIMUM_LENGTH big, CHARACTER_OCTET_LENGTH big, NUMERIC_PRECISION int, NUMERIC_SCALE int, DATETIME_PRECISION int, CHARACTER_SET_NAME name, COLLATION_NAME name, DTD_IDENTIFIER text, ROUTINE_BODY short!, ROUTINE_DEFINITION text, EXTERNAL_NAME short, EXTERNAL_LANGUAGE name!, PARAMETER_STYLE short!, IS_DETERMINISTIC short!, SQL_DATA_ACCESS name!, SQL_PATH short, SECURITY_TYPE short!, CREATED time!, LAST_ALTERED time!, SQL_MODE long!, ROUTINE_COMMENT text!, DEFINER long!, CHARACTER_SET_CLIENT name!, COLLATION_CONNECTION name!, DATABASE_COLLATION name!", nil},
		{"information_schema", "PARAMETERS", "SPECIFIC_CATALOG name, SPECIFIC_SCHEMA name, SPECIFIC_NAME name!, ORDINAL_POSITION ubig!, PARAMETER_MODE short, PARAMETER_NAME name, DATA_TYPE text, CHARACTER_MAXIMUM_LENGTH big, CHARACTER_OCTET_LENGTH big, NUMERIC_PRECISION int, NUMERIC_SCALE big, DATETIME_PRECISION int, CHARACTER_SET_NAME name, COLLATION_NAME name, DTD_IDENTIFIER text!, ROUTINE_TYPE short!", nil},
		{"information_schema", "TRIGGERS", "TRIGGER_CATALOG name, TRIGGER_SCHEMA name, TRIGGER_NAME name, EVENT_MANIPULATION short!, EVENT_OBJECT_CATALOG name, EVENT_OBJECT_SCHEMA name, EVENT_OBJECT_TABLE name, ACTION_ORDER int!, ACTION_CONDITION short, ACTION_STATEMENT text!, ACTION_ORIENTATION short!, ACTION_TIMING short!, ACTION_REFERENCE_OLD_TABLE short, ACTION_REFERENCE_NEW_TABLE short, ACTION_REFERENCE_OLD_ROW short!, ACTION_REFERENCE_NEW_ROW short!, CREATED time, SQL_MODE long!, DEFINER long!, CHARACTER_SET_CLIENT name!, COLLATION_CONNECTION name!, DATABASE_COLLATION name!", nil},
		{"information_schema", "EVENTS", "EVENT_CATALOG name, EVENT_SCHEMA name, EVENT_NAME name, DEFINER long!, TIME_ZONE name!, EVENT_BODY short!, EVENT_DEFINITION text!, EVENT_TYPE short!, EXECUTE_AT time, INTERVAL_VALUE long, INTERVAL_FIELD short, STARTS time, ENDS time, STATUS short!, CREATED time!, LAST_ALTERED time!, EVENT_COMMENT text!", nil},
		{"information_schema", "PARTITIONS", "TABLE_CATALOG name, TABLE_SCHEMA name, TABLE_NAME name, PARTITION_NAME name, SUBPARTITION_NAME name, PARTITION_ORDINAL_POSITION int, PARTITION_METHOD short, PARTITION_EXPRESSION long, PARTITION_DESCRIPTION text, TABLE_ROWS ubig, PARTITION_COMMENT text!", nil},
		{"information_schema", "FILES", "FILE_ID big, FILE_NAME text, FILE_TYPE short, TABLESPACE_NAME name, TABLE_CATALOG short, TABLE_SCHEMA short, TABLE_NAME short, LOGFILE_GROUP_NAME name, LOGFILE_GROUP_NUMBER big, ENGINE name!, FULLTEXT_KEYS short, DELETED_ROWS short, UPDATE_COUNT short, FREE_EXTENTS big, TOTAL_EXTENTS big, EXTENT_SIZE big, INITIAL_SIZE big, MAXIMUM_SIZE big, AUTOEXTEND_SIZE big, CREATION_TIME short, LAST_UPDATE_TIME short, LAST_ACCESS_TIME short, RECOVER_TIME short, TRANSACTION_COUNTER short, VERSION big, ROW_FORMAT short, TABLE_ROWS short, AVG_ROW_LENGTH short, DATA_LENGTH short, MAX_DATA_LENGTH short, INDEX_LENGTH short, DATA_FREE big, CREATE_TIME short, UPDATE_TIME short, CHECK_TIME short, CHECKSUM short, STATUS short, EXTRA name", nil},
		{"information_schema", "PLUGINS", "PLUGIN_NAME name!, PLUGIN_VERSION short!, PLUGIN_STATUS short!, PLUGIN_TYPE long!, PLUGIN_TYPE_VERSION short!, PLUGIN_LIBRARY name, PLUGIN_LICENSE long, LOAD_OPTION short!", nil},
		{"information_schema", "USER_PRIVILEGES", "GRANTEE long!, TABLE_CATALOG name!, PRIVILEGE_TYPE name!, IS_GRANTABLE short!", nil},
		{"information_schema", "SCHEMA_PRIVILEGES", "GRANTEE long!, TABLE_CATALOG name!, TABLE_SCHEMA name!, PRIVILEGE_TYPE name!, IS_GRANTABLE short!", nil},
		{"information_schema", "TABLE_PRIVILEGES", "GRANTEE long!, TABLE_CATALOG name!, TABLE_SCHEMA name!, TABLE_NAME name!, PRIVILEGE_TYPE name!, IS_GRANTABLE short!", nil},
		{"dotdo", "mysql_tables", "TABLE_SCHEMA name!, TABLE_NAME name!, CREATE_TABLE text!", fillCreate},
	}
}

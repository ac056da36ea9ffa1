package mysql

import (
	"fmt"
	"strings"

	"github.com/pingcap/tidb/pkg/parser/ast"
	driver "github.com/pingcap/tidb/pkg/parser/test_driver"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// sessionShows are the SHOW statements about the session or the server, which
// the front-end answers; the others are queries of information_schema.
var sessionShows = map[ast.ShowStmtType]string{
	ast.ShowVariables: "VARIABLES", ast.ShowStatus: "STATUS", ast.ShowWarnings: "WARNINGS", ast.ShowErrors: "ERRORS",
	ast.ShowProcessList: "PROCESSLIST", ast.ShowGrants: "GRANTS", ast.ShowDatabases: "DATABASES",
	ast.ShowCreateDatabase: "CREATE DATABASE", ast.ShowPrivileges: "PRIVILEGES", ast.ShowProfiles: "PROFILES",
	ast.ShowMasterStatus: "MASTER STATUS", ast.ShowBinlogStatus: "BINARY LOG STATUS", ast.ShowReplicaStatus: "REPLICA STATUS",
	ast.ShowCreateUser: "CREATE USER", ast.ShowOpenTables: "OPEN TABLES",
}

// classifyShow marks session SHOWs; Options carry like, where and count.
func classifyShow(s *rel.Stmt, n *ast.ShowStmt) error {
	word, ok := sessionShows[n.Tp]
	if !ok {
		return nil
	}
	x := &rel.Session{Word: "SHOW " + word, Global: n.GlobalScope, Name: n.DBName}
	if n.Full {
		x.Options = append(x.Options, [2]string{"full", "1"})
	}
	if n.CountWarningsOrErrors {
		x.Options = append(x.Options, [2]string{"count", "1"})
	}
	if n.Pattern != nil {
		p, ok := patternText(n)
		if !ok {
			return refuse("this LIKE pattern in SHOW")
		}
		x.Options = append(x.Options, [2]string{"like", p})
	}
	if n.Where != nil {
		t, err := restore(n.Where)
		if err != nil {
			return err
		}
		x.Options = append(x.Options, [2]string{"where", t})
	}
	session(s, rel.KindShow, x)
	return nil
}

// patternText returns the pattern of SHOW … LIKE 'x'.
func patternText(n *ast.ShowStmt) (string, bool) {
	v, ok := n.Pattern.Pattern.(*driver.ValueExpr)
	if !ok {
		return "", false
	}
	return v.GetString(), true
}

// query texts of SHOW statements. %[1]s is the table name as a string, %[2]s
// the condition that picks the database, %[3]s the table as a name. Naming the
// table in EXISTS makes an unknown one the error MySQL gives.
const (
	showTables = "SELECT TABLE_NAME AS %[3]s FROM information_schema.TABLES WHERE %[2]s ORDER BY TABLE_NAME"

	showFullTables = "SELECT TABLE_NAME AS %[3]s, TABLE_TYPE AS Table_type FROM information_schema.TABLES WHERE %[2]s ORDER BY TABLE_NAME"

	showTableStatus = "SELECT TABLE_NAME AS Name, ENGINE AS Engine, VERSION AS Version, ROW_FORMAT AS Row_format, TABLE_ROWS AS `Rows`, AVG_ROW_LENGTH AS Avg_row_length, DATA_LENGTH AS Data_length, MAX_DATA_LENGTH AS Max_data_length, INDEX_LENGTH AS Index_length, DATA_FREE AS Data_free, AUTO_INCREMENT AS Auto_increment, CREATE_TIME AS Create_time, UPDATE_TIME AS Update_time, CHECK_TIME AS Check_time, TABLE_COLLATION AS Collation, CHECKSUM AS Checksum, CREATE_OPTIONS AS Create_options, TABLE_COMMENT AS Comment FROM information_schema.TABLES WHERE %[2]s ORDER BY TABLE_NAME"

	showColumns = "SELECT COLUMN_NAME AS Field, COLUMN_TYPE AS Type, IS_NULLABLE AS `Null`, COLUMN_KEY AS `Key`, COLUMN_DEFAULT AS `Default`, EXTRA AS Extra FROM information_schema.COLUMNS WHERE %[2]s AND TABLE_NAME = %[1]s AND NOT EXISTS (SELECT 1 FROM %[3]s WHERE 1 = 0) ORDER BY ORDINAL_POSITION"

	showFullColumns = "SELECT COLUMN_NAME AS Field, COLUMN_TYPE AS Type, COLLATION_NAME AS Collation, IS_NULLABLE AS `Null`, COLUMN_KEY AS `Key`, COLUMN_DEFAULT AS `Default`, EXTRA AS Extra, PRIVILEGES AS Privileges, COLUMN_COMMENT AS Comment FROM information_schema.COLUMNS WHERE %[2]s AND TABLE_NAME = %[1]s AND NOT EXISTS (SELECT 1 FROM %[3]s WHERE 1 = 0) ORDER BY ORDINAL_POSITION"

	showIndex = "SELECT TABLE_NAME AS `Table`, NON_UNIQUE AS Non_unique, INDEX_NAME AS Key_name, SEQ_IN_INDEX AS Seq_in_index, COLUMN_NAME AS Column_name, COLLATION AS Collation, CARDINALITY AS Cardinality, SUB_PART AS Sub_part, PACKED AS Packed, NULLABLE AS `Null`, INDEX_TYPE AS Index_type, COMMENT AS Comment, INDEX_COMMENT AS Index_comment, IS_VISIBLE AS Visible, EXPRESSION AS Expression FROM information_schema.STATISTICS WHERE %[2]s AND TABLE_NAME = %[1]s AND NOT EXISTS (SELECT 1 FROM %[3]s WHERE 1 = 0) ORDER BY NON_UNIQUE, INDEX_NAME = 'PRIMARY' DESC, INDEX_NAME, SEQ_IN_INDEX"

	showCreateTable = "SELECT TABLE_NAME AS `Table`, CREATE_TABLE AS `Create Table` FROM dotdo.mysql_tables WHERE %[2]s AND TABLE_NAME = %[1]s AND NOT EXISTS (SELECT 1 FROM %[3]s WHERE 1 = 0)"

	showCreateView = "SELECT TABLE_NAME AS View, CREATE_TABLE AS `Create View`, 'utf8mb4' AS character_set_client, 'utf8mb4_0900_ai_ci' AS collation_connection FROM dotdo.mysql_tables WHERE %[2]s AND TABLE_NAME = %[1]s AND NOT EXISTS (SELECT 1 FROM %[3]s WHERE 1 = 0)"

	showEngines = "SELECT ENGINE AS Engine, SUPPORT AS Support, COMMENT AS Comment, TRANSACTIONS AS Transactions, XA AS XA, SAVEPOINTS AS Savepoints FROM information_schema.ENGINES"

	showCharset = "SELECT CHARACTER_SET_NAME AS Charset, DESCRIPTION AS Description, DEFAULT_COLLATE_NAME AS `Default collation`, MAXLEN AS Maxlen FROM information_schema.CHARACTER_SETS ORDER BY CHARACTER_SET_NAME"

	showCollation = "SELECT COLLATION_NAME AS Collation, CHARACTER_SET_NAME AS Charset, ID AS Id, IS_DEFAULT AS `Default`, IS_COMPILED AS Compiled, SORTLEN AS Sortlen, PAD_ATTRIBUTE AS Pad_attribute FROM information_schema.COLLATIONS ORDER BY COLLATION_NAME"

	showTriggers = "SELECT TRIGGER_NAME AS `Trigger`, EVENT_MANIPULATION AS Event, EVENT_OBJECT_TABLE AS `Table`, ACTION_STATEMENT AS Statement, ACTION_TIMING AS Timing, CREATED AS Created, SQL_MODE AS sql_mode, DEFINER AS Definer, CHARACTER_SET_CLIENT AS character_set_client, COLLATION_CONNECTION AS collation_connection, DATABASE_COLLATION AS `Database Collation` FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = DATABASE()"

	showRoutines = "SELECT ROUTINE_SCHEMA AS Db, ROUTINE_NAME AS Name, ROUTINE_TYPE AS Type, DEFINER AS Definer, LAST_ALTERED AS Modified, CREATED AS Created, SECURITY_TYPE AS Security_type, ROUTINE_COMMENT AS Comment, CHARACTER_SET_CLIENT AS character_set_client, COLLATION_CONNECTION AS collation_connection, DATABASE_COLLATION AS `Database Collation` FROM information_schema.ROUTINES WHERE ROUTINE_TYPE = %[1]s"

	showEvents = "SELECT EVENT_SCHEMA AS Db, EVENT_NAME AS Name, DEFINER AS Definer, TIME_ZONE AS `Time zone`, EVENT_TYPE AS Type, STATUS AS Status FROM information_schema.EVENTS"

	showPlugins = "SELECT PLUGIN_NAME AS Name, PLUGIN_STATUS AS Status, PLUGIN_TYPE AS Type, PLUGIN_LIBRARY AS Library, PLUGIN_LICENSE AS License FROM information_schema.PLUGINS"
)

// show converts a SHOW about the schema to a query.
func (c *converter) show(n *ast.ShowStmt) (tree.Node, error) {
	q, like, err := showText(n)
	if err != nil {
		return nil, err
	}
	if n.Column != nil { // DESCRIBE t col
		q = fmt.Sprintf("SELECT * FROM (%s) AS s WHERE Field LIKE %s", q, quoteText(n.Column.Name.O))
	}
	if n.Pattern != nil {
		p, ok := patternText(n)
		if !ok {
			return nil, refuse("this LIKE pattern in SHOW")
		}
		q = fmt.Sprintf("SELECT * FROM (%s) AS s WHERE %s LIKE %s", q, quoteName(like), quoteText(p))
	}
	if n.Where != nil {
		t, err := restore(n.Where)
		if err != nil {
			return nil, err
		}
		q = fmt.Sprintf("SELECT * FROM (%s) AS s WHERE %s", q, t)
	}
	return Convert(&rel.Stmt{Dialect: rel.MySQL, Text: q})
}

// showText returns the query of a SHOW and the column its LIKE tests.
func showText(n *ast.ShowStmt) (q, like string, err error) {
	switch n.Tp {
	case ast.ShowTables:
		col := "Tables_in_" + n.DBName
		if n.DBName == "" {
			col = "Tables_in_database" + likeSuffix(n)
		}
		if n.Full {
			return fmt.Sprintf(showFullTables, "", inDatabase("TABLE_SCHEMA", n.DBName), quoteName(col)), col, nil
		}
		return fmt.Sprintf(showTables, "", inDatabase("TABLE_SCHEMA", n.DBName), quoteName(col)), col, nil
	case ast.ShowTableStatus:
		return fmt.Sprintf(showTableStatus, "", inDatabase("TABLE_SCHEMA", n.DBName)), "Name", nil
	case ast.ShowColumns:
		if n.Full {
			return ofTable(showFullColumns, n), "Field", nil
		}
		return ofTable(showColumns, n), "Field", nil
	case ast.ShowIndex:
		return ofTable(showIndex, n), "Key_name", nil
	case ast.ShowCreateTable:
		return ofTable(showCreateTable, n), "", nil
	case ast.ShowCreateView:
		return ofTable(showCreateView, n), "", nil
	case ast.ShowEngines:
		return showEngines, "Engine", nil
	case ast.ShowCharset:
		return showCharset, "Charset", nil
	case ast.ShowCollation:
		return showCollation, "Collation", nil
	case ast.ShowTriggers:
		return showTriggers, "Table", nil
	case ast.ShowProcedureStatus:
		return fmt.Sprintf(showRoutines, "'PROCEDURE'"), "Name", nil
	case ast.ShowFunctionStatus:
		return fmt.Sprintf(showRoutines, "'FUNCTION'"), "Name", nil
	case ast.ShowEvents:
		return showEvents, "Name", nil
	case ast.ShowPlugins:
		return showPlugins, "Name", nil
	}
	return "", "", op.Errorf(op.Unsupported, "%s is not supported", strings.ToUpper(statementName(n)))
}

// likeSuffix is what a LIKE adds to the heading of SHOW TABLES.
func likeSuffix(n *ast.ShowStmt) string {
	if n.Pattern == nil {
		return ""
	}
	p, _ := patternText(n)
	return " (" + p + ")"
}

// inDatabase is the condition that picks a database, by default the current.
func inDatabase(col, db string) string {
	if db == "" {
		return col + " = DATABASE()"
	}
	return col + " = " + quoteText(db)
}

// ofTable fills the query text about one table.
func ofTable(q string, n *ast.ShowStmt) string {
	db := n.Table.Schema.O
	if db == "" {
		db = n.DBName
	}
	full := quoteName(n.Table.Name.O)
	if db != "" {
		full = quoteName(db) + "." + full
	}
	q = fmt.Sprintf(q, quoteText(n.Table.Name.O), inDatabase("TABLE_SCHEMA", db), full)
	if i := strings.Index(q, "%!(EXTRA"); i >= 0 {
		q = q[:i]
	}
	return q
}

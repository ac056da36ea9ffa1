package mysql

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// native is an error as MySQL numbers it.
type native struct {
	number uint16
	state  string
	text   func(s *session, e *op.Error) string
}

// plain sends the error's own message.
func plain(_ *session, e *op.Error) string { return e.Msg }

// fixed sends a constant message.
func fixed(t string) func(*session, *op.Error) string {
	return func(*session, *op.Error) string { return t }
}

// natives is the table from op.Code to MySQL's errors. Codes with more than
// one native form are refined by refine.
var natives = map[op.Code]native{
	op.Internal: {1105, "HY000", plain},
	op.Unsupported: {1235, "42000", func(_ *session, e *op.Error) string {
		return "This version of MySQL doesn't yet support this: " + e.Msg
	}},
	op.Syntax:             {1064, "42000", syntaxText},
	op.InvalidArgument:    {1210, "HY000", plain},
	op.OutOfRange:         {1264, "22003", outOfRangeText},
	op.TypeMismatch:       {1210, "HY000", plain},
	op.NotFound:           {1146, "42S02", func(s *session, e *op.Error) string { return "Table '" + s.qualified(e) + "' doesn't exist" }},
	op.NoColumn:           {1054, "42S22", func(_ *session, e *op.Error) string { return "Unknown column '" + columnOf(e) + "' in 'field list'" }},
	op.NoFunction:         {1305, "42000", func(s *session, e *op.Error) string { return "FUNCTION " + s.qualify(e.Name) + " does not exist" }},
	op.NoDatabase:         {1049, "42000", func(_ *session, e *op.Error) string { return "Unknown database '" + e.Name + "'" }},
	op.AlreadyExists:      {1050, "42S01", func(_ *session, e *op.Error) string { return "Table '" + e.Name + "' already exists" }},
	op.UniqueViolation:    {1062, "23000", duplicateText},
	op.NotNullViolation:   {1048, "23000", func(_ *session, e *op.Error) string { return "Column '" + columnOf(e) + "' cannot be null" }},
	op.ForeignKey:         {1452, "23000", foreignText},
	op.CheckViolation:     {3819, "HY000", func(_ *session, e *op.Error) string { return "Check constraint '" + e.Constraint + "' is violated." }},
	op.Serialization:      {1213, "40001", fixed("Deadlock found when trying to get lock; try restarting transaction")},
	op.Deadlock:           {1213, "40001", fixed("Deadlock found when trying to get lock; try restarting transaction")},
	op.LockTimeout:        {1205, "HY000", fixed("Lock wait timeout exceeded; try restarting transaction")},
	op.CrossShard:         {1235, "42000", plain},
	op.Canceled:           {1317, "70100", fixed("Query execution was interrupted")},
	op.Unavailable:        {1053, "08S01", plain},
	op.Unauthenticated:    {1045, "28000", plain},
	op.Forbidden:          {1142, "42000", plain},
	op.TooLarge:           {1153, "08S01", fixed("Got a packet bigger than 'max_allowed_packet' bytes")},
	op.NoTransaction:      {1305, "42000", func(_ *session, e *op.Error) string { return "SAVEPOINT " + e.Name + " does not exist" }},
	op.TransactionAborted: {1213, "40001", plain},
	op.DivisionByZero:     {1365, "22012", fixed("Division by 0")},
	op.StringTooLong: {1406, "22001", func(_ *session, e *op.Error) string {
		return "Data too long for column '" + columnOf(e) + "'" + atRow(e)
	}},
	op.DatatypeUnknown: {1210, "HY000", plain},
	op.Ambiguous:       {1052, "23000", func(_ *session, e *op.Error) string { return "Column '" + columnOf(e) + "' in field list is ambiguous" }},
	op.Dependency:      {3730, "HY000", plain},
	op.ReadOnly:        {1792, "25006", fixed("Cannot execute statement in a READ ONLY transaction.")},
	op.Cardinality:     {1242, "21000", fixed("Subquery returns more than 1 row")},
	op.Grouping:        {1055, "42000", plain},
	op.Undefined:       {1091, "42000", plain},
	op.DuplicateColumn: {1060, "42S21", func(_ *session, e *op.Error) string { return "Duplicate column name '" + columnOf(e) + "'" }},
}

// syntaxText is the message of a syntax error.
func syntaxText(_ *session, e *op.Error) string {
	if strings.HasPrefix(e.Detail, "near ") {
		return "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version for the right syntax to use " + e.Detail
	}
	return "You have an error in your SQL syntax: " + e.Msg
}

// outOfRangeText is the message of a number that does not fit.
func outOfRangeText(_ *session, e *op.Error) string {
	if c := columnOf(e); c != "" {
		return "Out of range value for column '" + c + "'" + atRow(e)
	}
	return e.Msg
}

// atRow is the end of a text about a value that a column cannot hold.
func atRow(e *op.Error) string { return " at row " + strconv.Itoa(max(e.Row, 1)) }

// incorrectText is the message of a value that is none of its column's type.
func incorrectText(_ *session, e *op.Error) string {
	if e.Column == "" {
		return e.Msg
	}
	return e.Msg + " for column '" + e.Column + "'" + atRow(e)
}

// truncatedText is the message of a value of which only a part would be stored.
func truncatedText(_ *session, e *op.Error) string {
	return "Data truncated for column '" + columnOf(e) + "'" + atRow(e)
}

// columnOf returns the column an error names, with its table when given.
func columnOf(e *op.Error) string {
	if e.Column != "" {
		return e.Column
	}
	return e.Name
}

// duplicateText names the key and its values as MySQL does.
func duplicateText(s *session, e *op.Error) string {
	key := e.Constraint
	if key == "" || key == e.Table+"_pkey" {
		key = "PRIMARY"
	}
	var vals []byte
	for i, v := range e.Values {
		if i > 0 {
			vals = append(vals, '-')
		}
		vals = datum.AppendMySQL(vals, typeOf(v), v, s.opts)
	}
	if e.Table != "" {
		key = e.Table + "." + key
	}
	return fmt.Sprintf("Duplicate entry '%s' for key '%s'", vals, key)
}

// typeOf is the SQL type that prints a bare value as it is.
func typeOf(v op.Value) op.Type {
	switch v.Kind {
	case op.KindFloat64:
		return op.Type{Base: op.TFloat8}
	case op.KindBytes:
		return op.Type{Base: op.TBytea}
	case op.KindInt64, op.KindInt32, op.KindUint64, op.KindBool:
		return op.Type{Base: op.TInt8}
	}
	return op.Type{Base: op.TString}
}

// foreignText is the message of a foreign key violation.
func foreignText(s *session, e *op.Error) string {
	verb := "add or update a child row"
	if parentSide(e) {
		verb = "delete or update a parent row"
	}
	return strings.TrimSuffix(fmt.Sprintf("Cannot %s: a foreign key constraint fails (`%s`.`%s`, CONSTRAINT `%s` %s", verb, s.env.Database, e.Table, e.Constraint, e.Hint), " ") + ")"
}

// parentSide reports whether the referenced row was changed.
func parentSide(e *op.Error) bool { return strings.HasPrefix(e.Msg, "update or delete") }

// qualified names a table with the database the statement named.
func (s *session) qualified(e *op.Error) string {
	if e.Schema != "" && e.Schema != "public" {
		return e.Schema + "." + e.Name
	}
	return s.qualify(e.Name)
}

// qualify puts the current database before a name.
func (s *session) qualify(name string) string {
	if strings.Contains(name, ".") {
		return name
	}
	return s.env.Database + "." + name
}

// refine picks among the native forms of one code.
func (s *session) refine(e *op.Error, n native) native {
	switch {
	case e.Code == op.InvalidArgument && e.Object == "handshake":
		return native{1043, "08S01", plain}
	case e.Code == op.Canceled && e.Object == "time":
		return native{3024, "HY000", fixed("Query execution was interrupted, maximum statement execution time exceeded")}
	case e.Code == op.Forbidden && e.Object == "local infile":
		return native{3948, "42000", fixed("Loading local data is disabled; this must be enabled on both the client and server sides")}
	case e.Code == op.InvalidArgument && e.Object == "primary key":
		return native{1068, "42000", fixed("Multiple primary key defined")}
	case e.Code == op.InvalidArgument && e.Object == "precision":
		return native{1426, "42000", plain}
	case e.Code == op.Grouping && e.Object == "no group":
		return native{1140, "42000", plain}
	case e.Code == op.Grouping && strings.HasPrefix(e.Msg, "aggregate function"):
		return native{1111, "HY000", fixed("Invalid use of group function")}
	case e.Code == op.NoColumn && e.Detail == "DROP":
		return native{1091, "42000", func(_ *session, e *op.Error) string {
			return "Can't DROP '" + columnOf(e) + "'; check that column/key exists"
		}}
	case e.Code == op.InvalidArgument && e.Object == "not locked":
		return native{1100, "HY000", plain}
	case e.Code == op.InvalidArgument && e.Object == "read locked":
		return native{1099, "HY000", plain}
	case e.Code == op.InvalidArgument && e.Object == "variable":
		return native{1193, "HY000", func(_ *session, e *op.Error) string { return "Unknown system variable '" + e.Name + "'" }}
	case e.Code == op.InvalidArgument && e.Object == "read only variable":
		return native{1238, "HY000", func(_ *session, e *op.Error) string { return "Variable '" + e.Name + "' is a read only variable" }}
	case e.Code == op.InvalidArgument && e.Object == "value":
		return native{1231, "42000", plain}
	case e.Code == op.InvalidArgument && e.Object == "charset":
		return native{1115, "42000", plain}
	case e.Code == op.InvalidArgument && e.Object == "statement":
		return native{1243, "HY000", plain}
	case e.Code == op.InvalidArgument && e.Object == "command":
		return native{1047, "08S01", plain}
	case e.Code == op.InvalidArgument && e.Object == "empty":
		return native{1065, "42000", plain}
	case e.Code == op.InvalidArgument && e.Object == "packet":
		return native{1835, "HY000", plain}
	case e.Code == op.InvalidArgument && e.Object == "thread":
		return native{1094, "HY000", plain}
	case e.Code == op.InvalidArgument && strings.HasPrefix(e.Msg, "Incorrect date"), e.Code == op.InvalidArgument && strings.HasPrefix(e.Msg, "Incorrect time"):
		return native{1292, "22007", incorrectText}
	case e.Code == op.InvalidArgument && (e.Object == "truncated" || strings.HasPrefix(e.Msg, "invalid input value for enum") || strings.HasPrefix(e.Msg, "invalid value for enum")):
		return native{1265, "01000", truncatedText}
	case e.Code == op.InvalidArgument && e.Object == "incorrect":
		return native{1366, "HY000", plain}
	case e.Code == op.NotNullViolation && e.Object == "no default":
		return native{1364, "HY000", func(_ *session, e *op.Error) string {
			return "Field '" + columnOf(e) + "' doesn't have a default value"
		}}
	case e.Code == op.InvalidArgument && e.Object == "zone":
		return native{1298, "HY000", plain}
	case e.Code == op.InvalidArgument && e.Msg == "Invalid JSON text":
		return native{3140, "22032", plain}
	case e.Code == op.InvalidArgument && strings.HasPrefix(e.Msg, "Incorrect "):
		return native{1366, "HY000", incorrectText}
	case e.Code == op.Syntax && strings.HasPrefix(e.Msg, "column count doesn't match"):
		return native{1136, "21S01", func(_ *session, e *op.Error) string { return "C" + e.Msg[1:] }}
	case e.Code == op.NotFound && e.Object == "index":
		return native{1091, "42000", func(_ *session, e *op.Error) string {
			return "Can't DROP '" + e.Name + "'; check that column/key exists"
		}}
	case e.Code == op.NotFound && strings.HasPrefix(e.Detail, "DROP"):
		return native{1051, "42S02", func(s *session, e *op.Error) string { return "Unknown table '" + s.qualify(e.Name) + "'" }}
	case e.Code == op.NoDatabase && strings.HasPrefix(e.Detail, "DROP"):
		return native{1008, "HY000", func(_ *session, e *op.Error) string {
			return "Can't drop database '" + e.Name + "'; database doesn't exist"
		}}
	case e.Code == op.AlreadyExists && e.Object == "database":
		return native{1007, "HY000", func(_ *session, e *op.Error) string {
			return "Can't create database '" + e.Name + "'; database exists"
		}}
	case e.Code == op.AlreadyExists && e.Object == "index":
		return native{1061, "42000", func(_ *session, e *op.Error) string { return "Duplicate key name '" + e.Name + "'" }}
	case e.Code == op.AlreadyExists && e.Object == "constraint":
		return native{1826, "HY000", func(_ *session, e *op.Error) string { return "Duplicate foreign key constraint name '" + e.Name + "'" }}
	case e.Code == op.ForeignKey && parentSide(e):
		return native{1451, "23000", foreignText}
	case e.Code == op.OutOfRange && e.Detail == "write":
		return native{1264, "22003", func(*session, *op.Error) string {
			return "Out of range value for column '" + columnOf(e) + "'" + atRow(e)
		}}
	case e.Code == op.OutOfRange && columnOf(e) == "":
		return native{1690, "22003", plain}
	}
	return n
}

// nativeError returns number, state and text of an error.
func (s *session) nativeError(err error) (uint16, string, string) {
	e := op.AsError(err)
	n, ok := natives[e.Code]
	if !ok {
		n = natives[op.Internal]
	}
	n = s.refine(e, n)
	return n.number, n.state, n.text(s, e)
}

// sendError writes an ERR packet.
func (s *session) sendError(err error) {
	number, state, text := s.nativeError(err)
	if e := op.AsError(err); e.Code == op.Internal {
		s.srv.env.Log.Error("statement failed", "err", err, "cause", e.Err)
	}
	if len(text) > 500 {
		text = text[:500]
	}
	at := s.w.begin()
	s.w.out = append(s.w.out, 0xff, byte(number), byte(number>>8))
	if s.caps&capProtocol41 != 0 || s.caps == 0 {
		s.w.out = append(append(s.w.out, '#'), state...)
	}
	s.w.out = append(s.w.out, text...)
	s.w.end(at)
}

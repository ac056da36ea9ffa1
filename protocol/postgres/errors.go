package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// states maps every op.Code to its SQLSTATE and the routine PostgreSQL raises
// it from: drivers read the R field (postgres.js re-prepares on some).
var states = map[op.Code]struct{ state, routine string }{
	op.Internal:           {"XX000", "errstart"},
	op.Unsupported:        {"0A000", "transformStmt"},
	op.Syntax:             {"42601", "scanner_yyerror"},
	op.InvalidArgument:    {"22023", "set_config_option"},
	op.OutOfRange:         {"22003", "int4in"},
	op.TypeMismatch:       {"42804", "transformAssignedExpr"},
	op.NotFound:           {"42P01", "parserOpenTable"},
	op.NoColumn:           {"42703", "errorMissingColumn"},
	op.NoFunction:         {"42883", "ParseFuncOrColumn"},
	op.NoDatabase:         {"3D000", "InitPostgres"},
	op.AlreadyExists:      {"42P07", "heap_create_with_catalog"},
	op.UniqueViolation:    {"23505", "_bt_check_unique"},
	op.NotNullViolation:   {"23502", "ExecConstraints"},
	op.ForeignKey:         {"23503", "ri_ReportViolation"},
	op.CheckViolation:     {"23514", "ExecConstraints"},
	op.Serialization:      {"40001", "ExecUpdate"},
	op.Deadlock:           {"40P01", "DeadLockReport"},
	op.LockTimeout:        {"55P03", "ProcessInterrupts"},
	op.CrossShard:         {"0A000", "ExecUpdate"},
	op.Canceled:           {"57014", "ProcessInterrupts"},
	op.Unavailable:        {"57P03", "ProcessStartupPacket"},
	op.Unauthenticated:    {"28P01", "auth_failed"},
	op.Forbidden:          {"42501", "aclcheck_error"},
	op.TooLarge:           {"54000", "errstart"},
	op.NoTransaction:      {"25P01", "RequireTransactionBlock"},
	op.TransactionAborted: {"25P02", "exec_simple_query"},
	op.DivisionByZero:     {"22012", "int4div"},
	op.StringTooLong:      {"22001", "varchar"},
	op.DatatypeUnknown:    {"42P18", "parse_analyze_varparams"},
	op.Ambiguous:          {"42702", "colNameToVar"},
	op.Dependency:         {"2BP01", "reportDependentObjects"},
	op.ReadOnly:           {"25006", "PreventCommandIfReadOnly"},
	op.Cardinality:        {"21000", "ExecSetParamPlan"},
	op.Grouping:           {"42803", "check_ungrouped_columns_walker"},
	op.Undefined:          {"42704", "LookupTypeName"},
	op.DuplicateColumn:    {"42701", "checkNameSpaceConflicts"},
}

// finer holds the SQLSTATEs that depend on the kind of object, too.
var finer = map[op.Code]map[string]string{
	op.InvalidArgument: {datum.ObjectText: "22P02", datum.ObjectDatetime: "22007", "conflict target": "42P10", "name": "42602", "table definition": "42P16", "null argument": "22004"},
	op.NoColumn:        {"alias": "42P10", "position": "42P10"},
	op.Syntax:          {"distinct order": "42P10"},
	op.OutOfRange:      {datum.ObjectDatetime: "22008"},
	op.NotFound:        {"schema": "3F000", "function": "42883", "type": "42704"},
	op.TypeMismatch:    {"operator": "42883", "cast": "42846", "function": "42883", "window": "42809"},
	op.AlreadyExists: {"schema": "42P06", "database": "42P04", "type": "42710", "constraint": "42710",
		"alias": "42712", "function": "42723", "role": "42710", "column": "42701"},
	op.Undefined: {"schema": "3F000", "cursor": "34000", "savepoint": "3B001", "prepared statement": "26000",
		"parameter": "42P02", "relation": "42P01", "table": "42P01", "column": "42703", "sequence": "42P01", "view": "42P01"},
	op.NoTransaction: {"savepoint": "3B001"},
	op.Unavailable:   {"connections": "53300", "disk": "53100"},
}

// stateError is an error of this front-end that has no op.Code of its own.
type stateError struct {
	state   string
	msg     string
	detail  string
	hint    string
	where   string
	routine string
	fatal   bool // ends the connection
}

// Error implements error.
func (e *stateError) Error() string { return e.msg }

// stateErrorf builds an error with a SQLSTATE.
func stateErrorf(state, format string, args ...any) *stateError {
	return &stateError{state: state, msg: fmt.Sprintf(format, args...)}
}

// protocolError is a violation that ends the connection.
func protocolError(msg string) *stateError {
	return &stateError{state: "08P01", msg: msg, fatal: true}
}

// located is an error with the place in the input where it happened.
type located struct {
	error
	where string
}

// Unwrap returns the error itself.
func (l *located) Unwrap() error { return l.error }

// report is everything an ErrorResponse says.
type report struct {
	severity, state, routine string
	where                    string
	e                        *op.Error
}

// reportOf classifies an error.
func reportOf(err error) report {
	r := report{severity: "ERROR"}
	var at *located
	if errors.As(err, &at) {
		r.where = at.where
	}
	var se *stateError
	if errors.As(err, &se) {
		r.state, r.routine = se.state, se.routine
		if se.where != "" {
			r.where = se.where
		}
		r.e = &op.Error{Msg: se.msg, Detail: se.detail, Hint: se.hint}
		return r
	}
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		r.e = op.Errorf(op.Canceled, "canceling statement due to user request")
	} else {
		r.e = op.AsError(err)
	}
	s, ok := states[r.e.Code]
	if !ok {
		s = states[op.Internal]
	}
	r.state, r.routine = s.state, s.routine
	if f, ok := finer[r.e.Code][r.e.Object]; ok {
		r.state = f
	}
	return r
}

// sendError appends an ErrorResponse.
func (s *session) sendError(err error, severity string) {
	r := reportOf(err)
	r.severity = severity
	s.sendReport('E', r)
}

// sendReport appends an ErrorResponse ('E') or NoticeResponse ('N').
func (s *session) sendReport(typ byte, r report) {
	w := s.w
	at := w.begin(typ)
	field := func(k byte, v string) {
		if v != "" {
			w.out = append(w.out, k)
			w.str(v)
		}
	}
	e := r.e
	field('S', r.severity)
	field('V', r.severity)
	field('C', r.state)
	field('M', e.Msg)
	detail := e.Detail
	if detail == "" {
		detail = keyDetail(e, &s.text)
	}
	field('D', detail)
	field('H', e.Hint)
	if e.Position > 0 {
		field('P', strconv.Itoa(e.Position))
	}
	field('W', r.where)
	if strings.HasPrefix(r.state, "23") { // only constraint errors name objects
		field('s', e.Schema)
		field('t', e.Table)
		field('c', e.Column)
		field('n', e.Constraint)
	}
	if r.routine == "" {
		r.routine = "errfinish"
	}
	field('F', "postgres.c")
	field('L', "1")
	field('R', r.routine)
	w.out = append(w.out, 0)
	w.end(at)
}

// keyDetail says which key was violated, when its values are known. The
// executor's Object and Name tell the side of a foreign key.
func keyDetail(e *op.Error, o *datum.Options) string {
	if len(e.Columns) == 0 || len(e.Columns) != len(e.Values) {
		return ""
	}
	b := []byte("Key (" + strings.Join(e.Columns, ", ") + ")=(")
	for i, v := range e.Values {
		if i > 0 {
			b = append(b, ", "...)
		}
		if v.IsNull() {
			b = append(b, "null"...)
		}
		b = datum.Append(b, op.Type{}, v, *o)
	}
	b = append(b, ')')
	switch {
	case e.Code == op.UniqueViolation:
		return string(b) + " already exists."
	case e.Code == op.ForeignKey && e.Object == "parent":
		return string(b) + " is not present in table \"" + e.Name + "\"."
	case e.Code == op.ForeignKey && e.Object == "child":
		return string(b) + " is still referenced from table \"" + e.Table + "\"."
	}
	return ""
}

// notice appends a NoticeResponse if client_min_messages lets it through.
func (s *session) notice(severity, state, msg string) {
	if noticeRank[severity] < noticeRank[s.set.get("client_min_messages")] {
		return
	}
	s.sendReport('N', report{severity: severity, state: state, e: &op.Error{Msg: msg}})
}

// noticeRank orders message levels; client_min_messages uses lower case.
var noticeRank = map[string]int{"debug5": 1, "debug4": 1, "debug3": 1, "debug2": 1, "debug1": 1, "log": 2, "notice": 3, "warning": 4, "error": 5,
	"DEBUG": 1, "LOG": 2, "NOTICE": 3, "INFO": 9, "WARNING": 4}

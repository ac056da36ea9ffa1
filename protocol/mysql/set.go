package mysql

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// set runs SET with all its assignments; expressions see the values before.
func (s *session) set(ctx context.Context, x *rel.Session) error {
	list := append([]*rel.Session{x}, x.More...)
	for _, a := range list {
		if err := s.assign(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

// assign runs one assignment.
func (s *session) assign(ctx context.Context, x *rel.Session) error {
	switch x.Word {
	case "SET NAMES", "SET CHARACTER SET":
		return s.setNames(x)
	}
	if x.Name == "" && !x.User { // SET TRANSACTION without effect
		return nil
	}
	if x.User {
		v, err := s.eval(ctx, x.Exprs)
		if err != nil {
			return err
		}
		s.env.Vars[fold(x.Name)] = s.variable(v[0])
		return nil
	}
	text, err := s.assigned(ctx, x)
	if err != nil {
		return err
	}
	return s.setVar(x, text)
}

// assigned returns the text of the value of an assignment.
func (s *session) assigned(ctx context.Context, x *rel.Session) (string, error) {
	switch {
	case x.Default:
		v, ok := sysvars[canonical(x.Name)]
		if !ok {
			return "", unknownVar(x.Name)
		}
		if x.Global {
			return v.value, nil
		}
		return s.srv.global.get(s, canonical(x.Name)), nil
	case len(x.Args) > 0:
		return x.Args[0], nil
	case len(x.Exprs) == 0:
		return "", nil
	}
	v, err := s.eval(ctx, x.Exprs)
	if err != nil {
		return "", err
	}
	if v[0].val.IsNull() {
		return "NULL", nil
	}
	return s.text(v[0]), nil
}

// unknownVar is the error for a variable that does not exist.
func unknownVar(name string) error {
	return &op.Error{Code: op.InvalidArgument, Object: "variable", Name: name, Msg: "unknown system variable " + name}
}

// badValue is the error for a value a variable cannot have.
func badValue(name, v string) error {
	return &op.Error{Code: op.InvalidArgument, Object: "value", Name: name, Msg: "Variable '" + name + "' can't be set to the value of '" + v + "'"}
}

// setVar sets a system variable, of the session or of the server.
func (s *session) setVar(x *rel.Session, text string) error {
	name := canonical(x.Name)
	v, ok := sysvars[name]
	switch {
	case !ok:
		return unknownVar(x.Name)
	case v.kind == varRead:
		return &op.Error{Code: op.InvalidArgument, Object: "read only variable", Name: x.Name, Msg: "read only variable"}
	}
	text, err := v.check(name, text)
	if err != nil {
		return err
	}
	if x.Global {
		return s.srv.global.set(name, text)
	}
	if x.Local && name == "transaction_isolation" {
		iso, ok := isolations[text]
		if !ok {
			return badValue(name, text)
		}
		s.nextIso = &iso
		return nil
	}
	if err := s.applyVar(name, text); err != nil {
		return err
	}
	s.vars[name] = text
	if tracked[name] {
		s.trackState(0, appendLenString(appendLenString(nil, name), text))
	}
	return nil
}

// tracked are the variables whose change is reported to the client.
var tracked = map[string]bool{"autocommit": true, "time_zone": true, "character_set_client": true,
	"character_set_results": true, "character_set_connection": true}

// isolations names the isolation levels. READ UNCOMMITTED promises less than
// READ COMMITTED gives.
var isolations = map[string]ctl.Isolation{
	"READ-UNCOMMITTED": ctl.ReadCommitted, "READ-COMMITTED": ctl.ReadCommitted,
	"REPEATABLE-READ": ctl.RepeatableRead, "SERIALIZABLE": ctl.Serializable,
}

// applyVar gives a variable its effect in this session.
func (s *session) applyVar(name, text string) error {
	switch name {
	case "autocommit":
		on := text == "ON"
		if on && !s.autocommit {
			if err := s.endTxn(s.statement(), &ctl.Commit{}); err != nil {
				return err
			}
		}
		s.autocommit = on
	case "transaction_isolation":
		iso, ok := isolations[text]
		if !ok {
			return badValue(name, text)
		}
		s.isolation = iso
	case "transaction_read_only":
		s.readOnly = text == "ON"
	case "max_execution_time":
		ms, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return badValue(name, text)
		}
		s.maxTime = time.Duration(ms) * time.Millisecond
	case "foreign_key_checks":
		s.env.NoForeignKeys = text != "ON"
	case "sql_mode":
		s.env.SQLMode = text
		s.env.Strict = strings.Contains(text, "STRICT_TRANS_TABLES") || strings.Contains(text, "STRICT_ALL_TABLES")
	case "time_zone":
		return s.setZone(text)
	}
	return nil
}

// setZone sets the session time zone.
func (s *session) setZone(text string) error {
	if strings.EqualFold(text, "SYSTEM") {
		s.opts.Location, s.env.TimeZone = time.UTC, "UTC"
		return nil
	}
	name := text
	if len(text) > 0 && (text[0] == '+' || text[0] == '-') {
		// MySQL's +02:00 lies east of Greenwich, a POSIX zone's west.
		var t, err = time.Parse("-07:00", text)
		if err != nil {
			if t, err = time.Parse("-7:00", text); err != nil {
				return badZone(text)
			}
		}
		_, off := t.Zone()
		s.opts.Location, s.env.TimeZone = time.FixedZone(text, off), text
		return nil
	}
	loc, ok := datum.ParseZone(name)
	if !ok {
		return badZone(text)
	}
	s.opts.Location, s.env.TimeZone = loc, text
	return nil
}

// badZone is the error for an unknown time zone.
func badZone(text string) error {
	return &op.Error{Code: op.InvalidArgument, Object: "zone", Msg: "Unknown or incorrect time zone: '" + text + "'"}
}

// setNames runs SET NAMES and SET CHARACTER SET. Text travels as UTF-8 only.
func (s *session) setNames(x *rel.Session) error {
	cs := "utf8mb4"
	if len(x.Args) > 0 {
		cs = fold(x.Args[0])
	}
	collation := "utf8mb4_0900_ai_ci"
	switch cs {
	case "utf8", "utf8mb3":
		cs, collation = "utf8mb3", "utf8mb3_general_ci"
	case "utf8mb4", "default":
		cs = "utf8mb4"
	case "binary":
		collation = "binary"
	default:
		return &op.Error{Code: op.InvalidArgument, Object: "charset", Msg: "Unknown character set: '" + cs + "'"}
	}
	if c, ok := option(x, "collate"); ok {
		collation = fold(c)
	}
	for _, n := range []string{"character_set_client", "character_set_connection", "character_set_results"} {
		s.vars[n] = cs
		s.trackState(0, appendLenString(appendLenString(nil, n), cs))
	}
	s.vars["collation_connection"] = collation
	return nil
}

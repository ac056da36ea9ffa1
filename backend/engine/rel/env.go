package rel

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// bindArgs returns the values of a statement's SQLite parameters.
func bindArgs(c *compiled, binds []sql.Bind, args []op.Value, env *rel.Env, tx *object.Tx) ([]op.Value, error) {
	if c.args && len(c.Steps) == 0 && len(binds) == len(args) {
		return args, nil
	}
	out := make([]op.Value, len(binds))
	for i, b := range binds {
		switch b.Kind {
		case sql.BindArg:
			if b.Index >= len(args) {
				return nil, op.Errorf(op.InvalidArgument, "there is no parameter $%d", b.Index+1)
			}
			out[i] = args[b.Index]
		case sql.BindConst:
			out[i] = b.Value
		case sql.BindEnv:
			v, err := fact(b.Name, env, tx)
			if err != nil {
				return nil, err
			}
			out[i] = v
		}
	}
	return out, nil
}

// fact returns a session fact by the name plans use:
//
//	now        transaction start, microseconds since 1970 UTC
//	clock      the time of this statement, likewise
//	timezone   IANA name or fixed offset, "UTC" when not set
//	user       current user
//	database   current database
//	schema     first schema of the search path
//	path       search path as a JSON array
//	session    session number
//	last_id    LAST_INSERT_ID() / lastval()
//	found_rows, row_count   of the session's last statement
//	sql_mode   MySQL sql_mode
//	datestyle  DateStyle
//	setting:x  setting x, NULL if unknown
//	var:x      MySQL variable x, NULL if unset
func fact(name string, env *rel.Env, tx *object.Tx) (op.Value, error) {
	switch name {
	case "now":
		if env.TxnStart != 0 {
			return op.Int64(env.TxnStart), nil
		}
		return op.Int64(tx.Now().UnixMicro()), nil
	case "clock":
		return op.Int64(time.Now().UnixMicro()), nil
	case "timezone":
		return op.Text(orElse(env.TimeZone, "UTC")), nil
	case "user":
		return op.Text(orElse(env.User, "dotdo")), nil
	case "database":
		db, _ := tx.Object()
		return op.Text(orElse(env.Database, db)), nil
	case "schema":
		if len(env.SearchPath) == 0 {
			return op.Text("public"), nil
		}
		for _, s := range env.SearchPath {
			if (tx.Catalog().Schemas[s] != nil || s == "public") && !strings.HasPrefix(s, "pg_temp_") {
				return op.Text(s), nil
			}
		}
		return op.Null, nil
	case "path":
		path := env.SearchPath
		if len(path) == 0 {
			path = []string{"public"}
		}
		b, err := json.Marshal(path)
		return op.Raw(op.KindText, b), err
	case "session":
		return op.Int64(int64(env.SessionID)), nil
	case "last_id":
		return op.Int64(env.LastID), nil
	case "found_rows":
		return op.Int64(env.FoundRows), nil
	case "row_count":
		return op.Int64(env.RowCount), nil
	case "sql_mode":
		return op.Text(env.SQLMode), nil
	case "datestyle":
		return op.Text(orElse(env.DateStyle, "ISO, MDY")), nil
	}
	if v, ok := strings.CutPrefix(name, "setting:"); ok {
		if s, ok := env.Settings[v]; ok {
			return op.Text(s), nil
		}
		return op.Null, nil
	}
	if v, ok := strings.CutPrefix(name, "var:"); ok {
		return env.Vars[v], nil
	}
	return op.Null, op.Errorf(op.Internal, "unknown session fact %q", name)
}

// orElse returns s, or d when s is empty.
func orElse(s, d string) string {
	if s == "" {
		return d
	}
	return s
}

// call builds what functions of a running statement may ask.
func (e *Engine) call(tx *object.Tx, env *rel.Env) *sql.Call {
	c, s := &sql.Call{}, &session{}
	e.callIn(tx, env, c, s)
	return c
}

// callIn is call in the caller's memory.
func (e *Engine) callIn(tx *object.Tx, env *rel.Env, c *sql.Call, s *session) {
	*s = session{e: e, tx: tx, id: env.SessionID}
	*c = sql.Call{Env: env, Now: tx.Now(), Began: time.Now(), Catalog: tx.Catalog(), Sequences: s}
}

package postgres

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// itoa is strconv.Itoa.
func itoa(n int) string { return strconv.Itoa(n) }

// validText refuses what is not UTF-8.
func validText(s string) error {
	if utf8.ValidString(s) {
		return nil
	}
	return errEncoding([]byte(s))
}

// exec runs a statement and returns its reply. Data and schema statements go
// to the executor, the rest is session state.
func (s *session) exec(ctx context.Context, st *rel.Stmt, args []op.Value) (op.Reply, error) {
	if s.txn.status == 'E' && !endsBlock(st) {
		return nil, errAborted()
	}
	switch st.Kind {
	case rel.KindData, rel.KindDDL:
		s.txn.used = true
		r, err := s.query(ctx, st, args)
		if err != nil {
			return nil, cause(ctx, err)
		}
		return r, nil
	case rel.KindTxn:
		return s.transaction(ctx, st, args)
	case rel.KindSet:
		return s.setStmt(ctx, st)
	case rel.KindShow:
		return s.show(st)
	case rel.KindCopy:
		return s.copyStmt(ctx, st)
	case rel.KindPrepare:
		return s.prepareStmt(ctx, st)
	case rel.KindExecute:
		return s.executeStmt(ctx, st)
	case rel.KindDeallocate:
		return s.deallocate(st)
	case rel.KindCursor:
		return s.cursorStmt(ctx, st, args)
	case rel.KindListen, rel.KindUnlisten, rel.KindNotify:
		return s.notifyStmt(ctx, st)
	case rel.KindDiscard:
		return s.discard(ctx, st)
	case rel.KindLock:
		if s.txn.id == 0 || s.txn.implicit {
			return nil, &stateError{state: "25P01", msg: "LOCK TABLE can only be used in transaction blocks", routine: "RequireTransactionBlock"}
		}
		return s.lock(ctx, st)
	case rel.KindDatabase:
		return s.databaseStmt(ctx, st)
	case rel.KindUtility:
		return s.utility(ctx, st)
	}
	word := ""
	if st.Session != nil {
		word = st.Session.Word
	}
	return nil, op.Errorf(op.Unsupported, "%s is not supported", word)
}

// works reports statements that read or write data, so that several of them
// in one batch need a transaction.
func works(st *rel.Stmt) bool {
	switch st.Kind {
	case rel.KindData, rel.KindDDL, rel.KindCopy, rel.KindExecute, rel.KindCursor, rel.KindNotify:
		return true
	}
	return false
}

// setStmt runs SET and RESET.
func (s *session) setStmt(_ context.Context, st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	switch x.Word {
	case "SET TRANSACTION", "SET SESSION CHARACTERISTICS":
		if err := s.setTransaction(x); err != nil {
			return nil, err
		}
		return s.changed("SET")
	case "SET CONSTRAINTS":
		return nil, op.Errorf(op.Unsupported, "SET CONSTRAINTS is not supported")
	}
	for _, o := range x.Options {
		if o[0] == "from current" {
			return nil, op.Errorf(op.Unsupported, "SET FROM CURRENT is not supported")
		}
	}
	name := canonical(x.Name)
	if x.Local && (s.txn.id == 0 || s.txn.implicit) {
		s.notice("WARNING", "25P01", "SET LOCAL can only be used in transaction blocks")
	}
	switch {
	case name == "all" && x.Default:
		s.set.resetAll()
		return s.changed(x.Word)
	case name == "session_authorization" || name == "role":
		if x.Default || len(x.Args) == 1 && (x.Args[0] == s.user || lower(x.Args[0]) == "none") {
			return tagged(x.Word), nil
		}
		return nil, op.Errorf(op.Unsupported, "SET %s to another user is not supported", strings.ToUpper(strings.ReplaceAll(name, "_", " ")))
	case name == "transaction_isolation" || name == "transaction_read_only":
		return s.setMode(x, name)
	}
	var v *string
	if !x.Default {
		j := strings.Join(quoteList(name, x.Args), ", ")
		v = &j
	}
	if err := s.set.assign(name, v, x.Local); err != nil {
		return nil, err
	}
	return s.changed(x.Word)
}

// setMode runs SET transaction_isolation and SET transaction_read_only.
func (s *session) setMode(x *rel.Session, name string) (op.Reply, error) {
	t := &rel.Session{Word: "SET TRANSACTION"}
	if len(x.Args) == 1 {
		v, err := check(name, x.Args[0])
		if err != nil {
			return nil, err
		}
		if ro := v == "on"; name == "transaction_read_only" {
			t.ReadOnly = &ro
		} else {
			t.Isolation = v
		}
	}
	if err := s.setTransaction(t); err != nil {
		return nil, err
	}
	return s.changed(x.Word)
}

// quoteList keeps list elements apart that hold a comma or capitals.
func quoteList(name string, args []string) []string {
	if name != "search_path" || len(args) == 1 && (args[0] == "" || strings.ContainsAny(args[0], `,"`)) {
		return args
	}
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = a
		if a != lower(a) || strings.ContainsAny(a, ", \"$") || a == "" {
			out[i] = `"` + strings.ReplaceAll(a, `"`, `""`) + `"`
		}
	}
	return out
}

// changed applies new settings and answers the tag.
func (s *session) changed(tag string) (op.Reply, error) {
	s.settingsChanged()
	return tagged(tag), nil
}

// show runs SHOW.
func (s *session) show(st *rel.Stmt) (op.Reply, error) {
	name := canonical(st.Session.Name)
	switch name {
	case "all":
		var vals []string
		for _, n := range sortedSettings() {
			vals = append(vals, display(n), shown(n, s.setting(n)), "")
		}
		return table("SHOW", []string{"name", "setting", "description"}, vals...), nil
	}
	if _, ok := s.set.lookup(name); !ok {
		return nil, errUnknownSetting(st.Session.Name)
	}
	return table("SHOW", []string{display(name)}, shown(name, s.setting(name))), nil
}

// setting returns a setting's value, the transaction's own ones included.
func (s *session) setting(name string) string {
	switch name {
	case "session_authorization":
		return s.user
	case "transaction_isolation":
		if s.txn.id != 0 {
			return [...]string{"read committed", "repeatable read", "serializable"}[s.txn.begin.Isolation]
		}
		return s.set.get("default_transaction_isolation")
	case "transaction_read_only":
		if s.txn.id != 0 {
			if s.txn.begin.ReadOnly {
				return "on"
			}
			return "off"
		}
		return s.set.get("default_transaction_read_only")
	}
	return s.set.get(name)
}

// discard runs DISCARD.
func (s *session) discard(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	switch word := st.Session.Word; word {
	case "DISCARD ALL":
		if s.txn.id != 0 && !s.txn.implicit {
			return nil, inBlock("DISCARD ALL")
		}
		s.closePortals()
		s.closeCursors(true)
		clear(s.stmts)
		s.unlistenAll()
		if err := s.dropTemp(ctx); err != nil {
			return nil, err
		}
		s.set.resetAll()
		return s.changed(word)
	case "DISCARD TEMP":
		if err := s.dropTemp(ctx); err != nil {
			return nil, err
		}
		return tagged(word), nil
	case "DISCARD PLANS", "DISCARD SEQUENCES":
		return tagged(word), nil
	default:
		return nil, op.Errorf(op.Unsupported, "%s is not supported", word)
	}
}

// inBlock refuses a statement inside a transaction block.
func inBlock(what string) error {
	return &stateError{state: "25001", msg: what + " cannot run inside a transaction block", routine: "PreventInTransactionBlock"}
}

// lock answers LOCK TABLE: the tables must exist. Writers of one object never
// overlap, so a transaction's reads and writes are already apart from others'.
func (s *session) lock(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	if err := s.tablesExist(ctx, st.Session.Args); err != nil {
		return nil, err
	}
	return tagged("LOCK TABLE"), nil
}

// tablesExist asks for each relation by name.
func (s *session) tablesExist(ctx context.Context, names []string) error {
	for _, n := range names {
		schema, name, ok := strings.Cut(n, ".")
		if !ok {
			schema, name = "", n
		}
		if _, err := s.done(ctx, &rel.CopyTarget{Schema: schema, Table: name, Env: s.env}); err != nil {
			return err
		}
	}
	return nil
}

// utility answers upkeep statements: storage here needs none of it.
func (s *session) utility(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	if (x.Word == "VACUUM" || x.Word == "REINDEX") && s.txn.id != 0 && !s.txn.implicit {
		return nil, inBlock(x.Word)
	}
	if x.Word == "VACUUM" || x.Word == "ANALYZE" {
		if err := s.tablesExist(ctx, x.Args); err != nil {
			return nil, err
		}
	}
	return tagged(x.Word), nil
}

// databaseStmt runs CREATE and DROP DATABASE.
func (s *session) databaseStmt(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	if s.txn.id != 0 && !s.txn.implicit {
		return nil, inBlock(x.Word)
	}
	var body op.Body
	if x.Word == "DROP DATABASE" {
		if x.Name == s.database {
			return nil, &stateError{state: "55006", msg: "cannot drop the currently open database", routine: "dropdb"}
		}
		body = &ctl.DropDatabase{Name: x.Name, IfExists: x.IfExists}
	} else {
		opts := map[string]string{}
		for _, o := range x.Options {
			switch lower(o[0]) { // what pg_dump and createdb always write and every database here is
			case "owner", "encoding", "template", "lc_collate", "lc_ctype", "locale", "tablespace", "allow_connections",
				"connection_limit", "is_template", "strategy", "locale_provider":
				if err := databaseOption(lower(o[0]), o[1]); err != nil {
					return nil, err
				}
			default:
				opts[o[0]] = o[1]
			}
		}
		body = &ctl.CreateDatabase{Name: x.Name, IfNotExists: x.IfNot, Options: opts}
	}
	if _, err := s.done(ctx, body); err != nil {
		return nil, cause(ctx, err)
	}
	return tagged(x.Word), nil
}

// databaseOption checks a standard option of CREATE DATABASE.
func databaseOption(name, v string) error {
	ok := true
	switch name {
	case "encoding":
		ok = strings.EqualFold(strings.ReplaceAll(v, "-", ""), "utf8") || v == "6"
	case "template":
		ok = v == "template0" || v == "template1" || v == ""
	case "is_template":
		ok = v == "false" || v == "0" || v == "off"
	case "allow_connections":
		ok = v == "true" || v == "1" || v == "on"
	}
	if !ok {
		return op.Errorf(op.Unsupported, "CREATE DATABASE with %s %s is not supported", strings.ToUpper(name), v)
	}
	return nil
}

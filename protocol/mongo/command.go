package mongo

import (
	"context"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// command is one row of the dispatch table.
type command struct {
	name   string
	run    func(context.Context, *request) ([]byte, error)
	fields string // own fields it accepts, besides its name
	noAuth bool   // allowed before authentication
	txn    bool   // allowed in a transaction
	retry  bool   // a retryable write
	stable bool   // in API version 1
	help   string
}

// commands is the dispatch table, sorted by name. A function, because help
// commands list it.
func commands() []command {
	return []command{
		{name: "abortTransaction", run: cmdAbort, txn: true, stable: true, help: "aborts a transaction"},
		{name: "aggregate", run: cmdAggregate, fields: "pipeline cursor explain allowDiskUse bypassDocumentValidation collation hint let isMapReduceCommand", txn: true, stable: true, help: "runs a pipeline"},
		{name: "buildInfo", run: cmdBuildInfo, noAuth: true, help: "version of the server"},
		{name: "bulkWrite", run: cmdBulkWrite, fields: "ops nsInfo ordered bypassDocumentValidation let errorsOnly cursor", txn: true, retry: true, stable: true, help: "changes documents of several collections"},
		{name: "collMod", run: cmdCollMod, fields: "index validator validationLevel validationAction changeStreamPreAndPostImages viewOn pipeline expireAfterSeconds cappedSize cappedMax timeseries", stable: true, help: "changes a collection"},
		{name: "collStats", run: cmdCollStats, fields: "scale freeStorage", help: "sizes of a collection"},
		{name: "commitTransaction", run: cmdCommit, txn: true, stable: true, help: "commits a transaction"},
		{name: "configureFailPoint", run: cmdConfigureFailPoint, fields: "mode data", help: "makes commands fail, for tests of drivers (setting test_commands)"},
		{name: "connectionStatus", run: cmdConnectionStatus, fields: "showPrivileges", noAuth: true, help: "who is logged in"},
		{name: "count", run: cmdCount, fields: "query limit skip hint collation fields", stable: true, help: "counts documents"},
		{name: "create", run: cmdCreate, fields: createFields, txn: true, stable: true, help: "creates a collection"},
		{name: "createIndexes", run: cmdCreateIndexes, fields: "indexes commitQuorum ignoreUnknownIndexOptions", txn: true, stable: true, help: "creates indexes"},
		{name: "createSearchIndexes", run: cmdSearchIndexes, fields: "*", help: "search indexes (refused)"},
		{name: "currentOp", run: cmdCurrentOp, fields: "$all $ownOps active idleConnections", help: "lists client sessions"},
		{name: "dbStats", run: cmdDbStats, fields: "scale freeStorage", help: "sizes of a database"},
		{name: "delete", run: cmdDelete, fields: "deletes ordered let bypassDocumentValidation", txn: true, retry: true, stable: true, help: "removes documents"},
		{name: "distinct", run: cmdDistinct, fields: "key query collation hint", txn: true, help: "distinct values of a field"},
		{name: "drop", run: cmdDrop, stable: true, help: "drops a collection"},
		{name: "dropDatabase", run: cmdDropDatabase, stable: true, help: "drops a database"},
		{name: "dropIndexes", run: cmdDropIndexes, fields: "index", stable: true, help: "drops indexes"},
		{name: "dropSearchIndex", run: cmdSearchIndexes, fields: "*", help: "search indexes (refused)"},
		{name: "endSessions", run: cmdEndSessions, noAuth: true, stable: true, help: "ends logical sessions"},
		{name: "explain", run: cmdExplain, fields: "verbosity", stable: true, help: "tells how a find reads"},
		{name: "features", run: cmdFeatures, fields: "oidReset", noAuth: true, help: "features of the server"},
		{name: "find", run: cmdFind, fields: findFields, txn: true, stable: true, help: "reads documents"},
		{name: "findAndModify", run: cmdFindAndModify, fields: "query sort remove update new fields upsert bypassDocumentValidation arrayFilters let collation hint", txn: true, retry: true, stable: true, help: "changes one document and returns it"},
		{name: "getCmdLineOpts", run: cmdGetCmdLineOpts, help: "how the server was started"},
		{name: "getLog", run: cmdGetLog, help: "start-up warnings"},
		{name: "getMore", run: cmdGetMore, fields: "collection batchSize term lastKnownCommittedOpTime", txn: true, stable: true, help: "reads on from a cursor"},
		{name: "getParameter", run: cmdGetParameter, fields: "*", help: "server parameters"},
		{name: "hello", run: cmdHello, fields: helloFields, noAuth: true, stable: true, help: "who the server is"},
		{name: "hostInfo", run: cmdHostInfo, help: "the machine"},
		{name: "insert", run: cmdInsert, fields: "documents ordered bypassDocumentValidation", txn: true, retry: true, stable: true, help: "adds documents"},
		{name: "isMaster", run: cmdHello, fields: helloFields, noAuth: true, help: "old name of hello"},
		{name: "killAllSessions", run: cmdKillAllSessions, help: "ends all logical sessions"},
		{name: "killAllSessionsByPattern", run: cmdKillAllSessions, help: "ends all logical sessions"},
		{name: "killCursors", run: cmdKillCursors, fields: "cursors", txn: true, stable: true, help: "closes cursors"},
		{name: "killSessions", run: cmdEndSessions, help: "ends logical sessions"},
		{name: "listCollections", run: cmdListCollections, fields: "filter nameOnly authorizedCollections cursor", stable: true, help: "lists collections and tables"},
		{name: "listCommands", run: cmdListCommands, help: "this list"},
		{name: "listDatabases", run: cmdListDatabases, fields: "filter nameOnly authorizedDatabases", stable: true, help: "lists databases"},
		{name: "listIndexes", run: cmdListIndexes, fields: "cursor includeBuildUUIDs", stable: true, help: "lists indexes"},
		{name: "logout", run: cmdLogout, noAuth: true, help: "forgets the login"},
		{name: "ping", run: cmdPing, noAuth: true, stable: true, help: "does nothing"},
		{name: "refreshSessions", run: cmdRefreshSessions, stable: true, help: "keeps logical sessions alive"},
		{name: "renameCollection", run: cmdRename, fields: "to dropTarget stayTemp", help: "renames a collection"},
		{name: "rolesInfo", run: cmdRolesInfo, fields: "showPrivileges showBuiltinRoles showAuthenticationRestrictions", help: "roles (none)"},
		{name: "saslContinue", run: cmdSaslContinue, fields: "conversationId payload", noAuth: true, help: "continues a login"},
		{name: "saslStart", run: cmdSaslStart, fields: "mechanism payload autoAuthorize options db", noAuth: true, help: "begins a login"},
		{name: "serverStatus", run: cmdServerStatus, fields: "*", help: "counters of the server"},
		{name: "startSession", run: cmdStartSession, help: "makes a logical session"},
		{name: "updateSearchIndex", run: cmdSearchIndexes, fields: "*", help: "search indexes (refused)"},
		{name: "update", run: cmdUpdate, fields: "updates ordered let bypassDocumentValidation", txn: true, retry: true, stable: true, help: "changes documents"},
		{name: "usersInfo", run: cmdUsersInfo, fields: "showCredentials showCustomData showPrivileges showAuthenticationRestrictions filter", help: "the users of the configuration"},
		{name: "whatsmyuri", run: cmdWhatsMyURI, noAuth: true, help: "the client's address"},
	}
}

// table is the dispatch table by lower-case name.
var table = func() map[string]*command {
	list := commands()
	m := make(map[string]*command, len(list))
	for i := range list {
		m[list[i].name] = &list[i]
	}
	// Spellings MongoDB accepts besides the name.
	for alias, name := range map[string]string{"ismaster": "isMaster", "buildinfo": "buildInfo", "findandmodify": "findAndModify", "collstats": "collStats", "dbstats": "dbStats", "deleteIndexes": "dropIndexes"} {
		m[alias] = m[name]
	}
	return m
}()

// lookup finds a command.
func lookup(name string) *command { return table[name] }

// allows reports whether a command has a field.
func (c *command) allows(field string) bool {
	if c.fields == "*" {
		return true
	}
	for f := range strings.FieldsSeq(c.fields) {
		if f == field {
			return true
		}
	}
	return false
}

// execute runs the command: inside its transaction, or as a retryable write,
// or plainly.
func (r *request) execute(ctx context.Context) ([]byte, error) {
	if !r.opt.deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, r.opt.deadline)
		defer cancel()
	}
	defer r.leave()
	if err := r.enter(); err != nil {
		return nil, err
	}
	if r.txn == nil && r.cmd.retry && r.opt.hasTxn {
		return r.c.s.retries.run(ctx, retryKey{string(r.opt.lsid), r.opt.txnNumber}, func() ([]byte, error) { return r.cmd.run(ctx, r) })
	}
	reply, err := r.cmd.run(ctx, r)
	if err != nil {
		err = r.abortOnError(err)
	}
	return reply, err
}

// virtual are the databases that exist for drivers only.
var virtual = map[string]bool{"admin": true, "config": true, "local": true}

// openDatabase makes sure a database exists, creating it when that is allowed.
func (s *server) openDatabase(ctx context.Context, name string) error {
	if virtual[name] {
		return errorf(operationFailed, "database '%s' is virtual: it holds no collections", name)
	}
	if s.isKnown(name) {
		return nil
	}
	rep, err := s.env.Exec.Do(ctx, &op.Op{ID: s.ops.Add(1), Target: op.Target{Database: name, Shard: -1}, Body: &ctl.OpenDatabase{Name: name}})
	if err != nil {
		return err
	}
	if _, err := op.Drain(ctx, rep); err != nil {
		return err
	}
	if s.watchAll.Load() { // a new database must not lose its first events
		o := &op.Op{ID: s.ops.Add(1), Target: op.Target{Database: name, Shard: -1}, Body: &doc.Watch{Open: true}}
		if rep, err = s.env.Exec.Do(ctx, o); err != nil {
			return err
		}
		_ = rep.Close()
	}
	s.known.Store(name, time.Now())
	return nil
}

// isKnown reports whether a database was seen a moment ago. The memory is
// short: another wire may drop it.
func (s *server) isKnown(name string) bool {
	t, ok := s.known.Load(name)
	return ok && time.Since(t.(time.Time)) < 2*time.Second
}

// databases lists the databases with their sizes.
func (s *server) databases(ctx context.Context) (names []string, sizes map[string]int64, err error) {
	rep, err := s.env.Exec.Do(ctx, &op.Op{ID: s.ops.Add(1), Target: op.Target{Database: s.env.Database, Shard: -1}, Body: &ctl.ListDatabases{}})
	if err != nil {
		return nil, nil, err
	}
	vals, _, err := collect(ctx, rep)
	if err != nil {
		return nil, nil, err
	}
	sizes = map[string]int64{}
	for i := 0; i+1 < len(vals); i += 2 {
		name := strings.Clone(vals[i].Str())
		names = append(names, name)
		sizes[name] = vals[i+1].Int()
	}
	sort.Strings(names)
	return names, sizes, nil
}

// exists reports whether a database exists, without creating it.
func (s *server) exists(ctx context.Context, name string) (bool, error) {
	if virtual[name] {
		return false, nil
	}
	if s.isKnown(name) {
		return true, nil
	}
	_, sizes, err := s.databases(ctx)
	if err != nil {
		return false, err
	}
	_, ok := sizes[name]
	if ok {
		s.known.Store(name, time.Now())
	}
	return ok, nil
}

// collect reads the values and the end of a reply.
func collect(ctx context.Context, rep op.Reply) ([]op.Value, *op.Done, error) {
	defer rep.Close()
	var vals []op.Value
	done := &op.Done{}
	for {
		f, err := rep.Next(ctx)
		if isEOF(err) {
			return vals, done, nil
		}
		if err != nil {
			return nil, nil, err
		}
		switch x := f.(type) {
		case *op.Values:
			vals = append(vals, x.Values...)
		case *op.Done:
			done = x
		}
	}
}

// collectDocs reads the documents of a small reply.
func collectDocs(ctx context.Context, rep op.Reply) ([][]byte, *op.Done, error) {
	c := &cursor{reply: rep}
	defer rep.Close()
	var docs [][]byte
	done := &op.Done{}
	for {
		f, err := c.reply.Next(ctx)
		if isEOF(err) {
			return docs, done, nil
		}
		if err != nil {
			return nil, nil, err
		}
		switch x := f.(type) {
		case *op.Docs:
			docs = append(docs, x.Docs...)
		case *op.Done:
			done = x
		}
	}
}

// read runs a reading body. A database that does not exist reads as empty and
// is not created.
func (r *request) read(ctx context.Context, b op.Body) (op.Reply, error) {
	if r.txn == nil {
		ok, err := r.c.s.exists(ctx, r.db)
		if err != nil {
			return nil, err
		}
		if !ok {
			if l, is := b.(*doc.ListIndexes); is {
				return nil, errorf(namespaceNotFound, "ns does not exist: %s.%s", r.db, l.Collection)
			}
			return op.ReplyOf(&op.Done{}), nil
		}
	}
	return r.do(ctx, b)
}

// write runs a changing body; the database is created when needed.
func (r *request) write(ctx context.Context, b op.Body) (op.Reply, error) {
	if r.txn == nil {
		if err := r.c.s.openDatabase(ctx, r.db); err != nil {
			return nil, err
		}
	}
	return r.do(ctx, b)
}

// do sends one operation.
func (r *request) do(ctx context.Context, b op.Body) (op.Reply, error) {
	var o *op.Op
	if r.txn != nil {
		o = r.c.s.txnOp(r.txn, b)
	} else {
		o = &op.Op{ID: r.c.s.ops.Add(1), Target: op.Target{Database: r.db, Shard: -1}, Session: op.Session{ID: r.c.session.ID}, Body: b}
	}
	o.Deadline, o.Subject = r.opt.deadline, r.c.user
	return r.c.s.env.Exec.Do(ctx, o)
}

// itoa is strconv.Itoa.
func itoa(i int) string { return strconv.Itoa(i) }

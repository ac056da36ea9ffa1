package mongo

import (
	"context"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/protocol"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// hello and the other commands about the server itself. The server presents
// itself as a mongos: drivers then use sessions, retryable writes and
// transactions, and dial no other address than the one they were given. There
// is no topologyVersion, so drivers poll instead of waiting for pushed replies.

// helloFields are the fields of hello and isMaster.
const helloFields = "helloOk backpressure client compression saslSupportedMechs speculativeAuthenticate loadBalanced topologyVersion maxAwaitTimeMS hostInfo internalClient hangUpOnStepDown forShell"

// Limits told to drivers.
const (
	maxWireVersion = 25
	serverVersion  = "8.0.0"
)

// cmdHello serves hello and isMaster.
func cmdHello(_ context.Context, r *request) ([]byte, error) {
	d := newReply()
	if c := r.get("client"); c.Type == bsonval.Document {
		r.c.app = bsonval.Text(bsonval.Get(bsonval.Get(c.Data, "application").Data, "name"))
	}
	if r.cmd.name == "hello" {
		d.bool("isWritablePrimary", true)
	} else {
		d.bool("ismaster", true)
	}
	if r.truthy("helloOk") {
		d.bool("helloOk", true)
	}
	if name := r.c.s.env.Settings["replica_set"]; name != "" {
		r.member(d, name)
	} else {
		d.str("msg", "isdbgrid")
	}
	d.int("maxBsonObjectSize", 16777216).int("maxMessageSizeBytes", maxMessage).int("maxWriteBatchSize", maxBatchCount).
		add("localTime", bsonval.DateV(time.Now().UnixMilli())).int("logicalSessionTimeoutMinutes", 30).
		int("connectionId", int64(r.c.session.ID)).int("minWireVersion", 0).int("maxWireVersion", maxWireVersion)
	if user := bsonval.Text(r.get("saslSupportedMechs")); user != "" {
		d.add("saslSupportedMechs", bsonval.ArrayV([]bsonval.V{bsonval.StringV("SCRAM-SHA-256"), bsonval.StringV("SCRAM-SHA-1")}))
	}
	if sp := r.get("speculativeAuthenticate"); sp.Type == bsonval.Document && bsonval.Get(sp.Data, "saslStart").Type != 0 {
		// A failure is not an error here: the client goes on to saslStart.
		if out, err := r.c.saslStart(sp.Data); err == nil {
			d.doc("speculativeAuthenticate", out)
		}
	}
	return d.ok(), nil
}

// member adds what makes the server a primary of a replica set of one, at the
// address the client dialled (the setting replica_set names it).
func (r *request) member(d *builder, name string) {
	me := bsonval.StringV(r.c.net.LocalAddr().String())
	d.str("setName", name).int("setVersion", 1).bool("secondary", false)
	if r.cmd.name == "hello" {
		d.add("hosts", bsonval.ArrayV([]bsonval.V{me}))
	} else {
		d.add("hosts", bsonval.ArrayV([]bsonval.V{me})).bool("isWritablePrimary", true)
	}
	now := time.Now()
	d.add("primary", me).add("me", me).doc("lastWrite", newReply().doc("opTime", newReply().add("ts", stamp(now)).add("t", bsonval.Int64V(1)).end()).add("lastWriteDate", bsonval.DateV(now.UnixMilli())).end())
}

// cmdPing serves ping.
func cmdPing(context.Context, *request) ([]byte, error) { return newReply().ok(), nil }

// cmdBuildInfo serves buildInfo.
func cmdBuildInfo(_ context.Context, r *request) ([]byte, error) {
	parts := []bsonval.V{bsonval.Int32V(8), bsonval.Int32V(0), bsonval.Int32V(0), bsonval.Int32V(0)}
	return newReply().str("version", serverVersion).str("gitVersion", "dotdo-proxy "+r.c.s.env.Version).add("modules", bsonval.ArrayV(nil)).
		str("allocator", "go").str("javascriptEngine", "none").str("sysInfo", "deprecated").add("versionArray", bsonval.ArrayV(parts)).
		int("bits", 64).bool("debug", false).int("maxBsonObjectSize", 16777216).add("storageEngines", bsonval.ArrayV([]bsonval.V{bsonval.StringV("sqlite")})).
		str("dotdoProxy", r.c.s.env.Version).ok(), nil
}

// serverInfo names the server in explain.
func (r *request) serverInfo() []byte {
	host, _ := os.Hostname()
	return newReply().str("host", host).str("version", serverVersion).str("gitVersion", "dotdo-proxy "+r.c.s.env.Version).end()
}

// cmdServerStatus serves serverStatus.
func cmdServerStatus(_ context.Context, r *request) ([]byte, error) {
	host, _ := os.Hostname()
	up := time.Since(r.c.s.started)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	conns := newReply().int("current", int64(r.c.s.env.Sessions.Len())).int("available", 10000).end()
	return newReply().str("host", host).str("version", serverVersion).str("process", "mongos").add("pid", bsonval.Int64V(int64(os.Getpid()))).
		add("uptime", bsonval.DoubleV(up.Seconds())).add("uptimeMillis", bsonval.Int64V(up.Milliseconds())).add("localTime", bsonval.DateV(time.Now().UnixMilli())).
		doc("connections", conns).doc("mem", newReply().int("bits", 64).int("resident", int64(m.Sys>>20)).end()).ok(), nil
}

// cmdHostInfo serves hostInfo.
func cmdHostInfo(context.Context, *request) ([]byte, error) {
	host, _ := os.Hostname()
	system := newReply().add("currentTime", bsonval.DateV(time.Now().UnixMilli())).str("hostname", host).int("cpuAddrSize", 64).int("numCores", int64(runtime.NumCPU())).str("cpuArch", runtime.GOARCH).end()
	return newReply().doc("system", system).doc("os", newReply().str("type", runtime.GOOS).str("name", runtime.GOOS).end()).doc("extra", bsonval.EmptyDoc).ok(), nil
}

// parameters are the server parameters getParameter knows.
func parameters() map[string]bsonval.V {
	return map[string]bsonval.V{
		"featureCompatibilityVersion":                  bsonval.DocV(newReply().str("version", "8.0").end()),
		"authenticationMechanisms":                     bsonval.ArrayV([]bsonval.V{bsonval.StringV("SCRAM-SHA-1"), bsonval.StringV("SCRAM-SHA-256")}),
		"transactionLifetimeLimitSeconds":              bsonval.Int32V(int32(transactionLifetime / time.Second)),
		"cursorTimeoutMillis":                          bsonval.Int64V(cursorTimeout.Milliseconds()),
		"localLogicalSessionTimeoutMinutes":            bsonval.Int32V(30),
		"internalQueryMaxBlockingSortMemoryUsageBytes": bsonval.Int32V(100 << 20),
	}
}

// cmdGetParameter serves getParameter.
func cmdGetParameter(_ context.Context, r *request) ([]byte, error) {
	all := bsonval.Text(r.first()) == "*" || bsonval.Truthy(bsonval.Get(r.first().Data, "allParameters"))
	d := newReply()
	found := false
	known := parameters()
	if all {
		for _, name := range []string{"authenticationMechanisms", "cursorTimeoutMillis", "featureCompatibilityVersion", "transactionLifetimeLimitSeconds"} {
			d.add(name, known[name])
		}
		return d.ok(), nil
	}
	it := bsonval.Elements(r.body)
	it.Next()
	for it.Next() {
		if v, ok := known[it.Key()]; ok {
			d.add(strings.Clone(it.Key()), v)
			found = true
		}
	}
	if !found {
		return nil, errorf(invalidOptions, "no option found to get")
	}
	return d.ok(), nil
}

// cmdGetLog serves getLog: the start-up warnings.
func cmdGetLog(_ context.Context, r *request) ([]byte, error) {
	switch name := bsonval.Text(r.first()); name {
	case "*":
		return newReply().add("names", bsonval.ArrayV([]bsonval.V{bsonval.StringV("global"), bsonval.StringV("startupWarnings")})).ok(), nil
	case "startupWarnings", "global":
		return newReply().int("totalLinesWritten", 0).add("log", bsonval.ArrayV(nil)).ok(), nil
	default:
		return nil, errorf(badValue, "no log named '%s'", name)
	}
}

// cmdGetCmdLineOpts serves getCmdLineOpts.
func cmdGetCmdLineOpts(context.Context, *request) ([]byte, error) {
	return newReply().add("argv", bsonval.ArrayV([]bsonval.V{bsonval.StringV("dotdo-proxy")})).doc("parsed", bsonval.EmptyDoc).ok(), nil
}

// cmdConnectionStatus serves connectionStatus.
func cmdConnectionStatus(_ context.Context, r *request) ([]byte, error) {
	var users [][]byte
	if r.c.user != "" {
		users = append(users, newReply().str("user", r.c.user).str("db", "admin").end())
	}
	info := newReply().docs("authenticatedUsers", users).add("authenticatedUserRoles", bsonval.ArrayV(nil))
	if r.truthy("showPrivileges") {
		info.add("authenticatedUserPrivileges", bsonval.ArrayV(nil))
	}
	return newReply().doc("authInfo", info.end()).ok(), nil
}

// cmdWhatsMyURI serves whatsmyuri.
func cmdWhatsMyURI(_ context.Context, r *request) ([]byte, error) {
	return newReply().str("you", r.c.net.RemoteAddr().String()).ok(), nil
}

// cmdFeatures serves features.
func cmdFeatures(context.Context, *request) ([]byte, error) {
	return newReply().bool("js", false).add("oidMachine", bsonval.Int32V(0)).ok(), nil
}

// cmdListCommands serves listCommands.
func cmdListCommands(context.Context, *request) ([]byte, error) {
	i, b := bsoncore.AppendDocumentStart(nil)
	for _, c := range commands() {
		b = bsoncore.AppendDocumentElement(b, c.name, newReply().str("help", c.help).bool("requiresAuth", !c.noAuth).bool("secondaryOk", false).bool("adminOnly", false).end())
	}
	b, _ = bsoncore.AppendDocumentEnd(b, i)
	return newReply().doc("commands", b).ok(), nil
}

// sessionDocs lists the client sessions of the process.
func (r *request) sessionDocs() [][]byte {
	var out [][]byte
	r.c.s.env.Sessions.Each(func(s *protocol.Session) {
		if _, _, err := net.SplitHostPort(s.Remote); err != nil {
			return // a logical session
		}
		out = append(out, newReply().str("type", "op").int("connectionId", int64(s.ID)).str("client", s.Remote).str("desc", s.System).bool("active", s.ID == r.c.session.ID).end())
	})
	return out
}

// cmdCurrentOp serves currentOp.
func cmdCurrentOp(_ context.Context, r *request) ([]byte, error) {
	return newReply().docs("inprog", r.sessionDocs()).ok(), nil
}

// cmdUsersInfo serves usersInfo: users live in the configuration, and only
// their names are told.
func cmdUsersInfo(_ context.Context, r *request) ([]byte, error) {
	var users [][]byte
	name := bsonval.Text(r.first())
	if r.first().Type == bsonval.Document {
		name = bsonval.Text(bsonval.Get(r.first().Data, "user"))
	}
	if name != "" && r.c.s.env.Auth != nil {
		if _, ok := r.c.s.env.Auth.Password(name); ok {
			users = append(users, newReply().str("_id", r.db+"."+name).str("user", name).str("db", r.db).add("roles", bsonval.ArrayV(nil)).end())
		}
	}
	return newReply().docs("users", users).ok(), nil
}

// cmdRolesInfo serves rolesInfo: there are no roles.
func cmdRolesInfo(context.Context, *request) ([]byte, error) {
	return newReply().add("roles", bsonval.ArrayV(nil)).ok(), nil
}

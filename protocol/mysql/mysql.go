// Package mysql speaks the MySQL client/server protocol (version 10) to
// unmodified clients. It decodes commands into operations, keeps the session
// (variables, transaction, prepared statements) and encodes replies. SQL is
// parsed, bound and run below backend.Executor; nothing here knows tables.
package mysql

import (
	"context"
	"net"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/protocol"
)

func init() {
	protocol.Register(protocol.Info{Name: "mysql", Title: "MySQL", Port: 3306, Example: "mysql://root@%s/main", New: New})
}

// serverVersion is what clients compare; drivers switch features on 8.0 and on
// the word MariaDB, which must not appear.
const serverVersion = "8.0.40-dotdo"

// server is the MySQL system.
type server struct {
	env     protocol.Env
	version string
	preAuth int
	maxMsg  int
	started time.Time
	global  *globals
	locks   tableLocks
}

// New returns the system.
func New(env protocol.Env) (protocol.Server, error) {
	s := &server{env: env, version: serverVersion, preAuth: env.Limits.PreAuth, maxMsg: env.Limits.MaxMessage, started: time.Now()}
	if v := env.Settings["version"]; v != "" && !strings.Contains(strings.ToLower(v), "mariadb") {
		s.version = v
	}
	if s.preAuth <= 0 || s.preAuth > 1<<20 {
		s.preAuth = 1 << 20
	}
	if s.maxMsg <= 0 {
		s.maxMsg = 64 << 20
	}
	if s.env.Sessions == nil {
		s.env.Sessions = protocol.NewSessions()
	}
	if s.env.Database == "" {
		s.env.Database = "main"
	}
	s.global = newGlobals(s)
	return s, nil
}

// Close implements protocol.Server.
func (s *server) Close(context.Context) error { return nil }

// trust reports whether any credentials are accepted.
func (s *server) trust() bool { return s.env.Auth == nil || s.env.Auth.Trust() }

// ServeConn implements protocol.Server.
func (s *server) ServeConn(ctx context.Context, c net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ses := newSession(ctx, s, c)
	ses.reg = &protocol.Session{System: "mysql", Remote: c.RemoteAddr().String(), Kill: cancel}
	s.env.Sessions.Add(ses.reg)
	defer s.env.Sessions.Remove(ses.reg)
	defer ses.close()
	ses.env.SessionID = ses.reg.ID
	// A drain or KILL wakes a connection that waits for its client.
	stop := context.AfterFunc(ctx, func() { _ = c.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	return ses.serve()
}

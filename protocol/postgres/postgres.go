// Package postgres serves PostgreSQL's frontend/backend protocol 3.0 to 3.2:
// start-up, authentication, simple and extended query, COPY, cursors,
// LISTEN/NOTIFY, settings and transaction blocks. SQL itself is understood
// below the executor; this package owns session state and the wire forms of
// values. README.md says what is served, skip.txt what is not.
package postgres

import (
	"context"
	"net"
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/protocol"
)

func init() {
	protocol.Register(protocol.Info{
		Name:    "postgres",
		Title:   "PostgreSQL",
		Port:    5432,
		Example: "postgres://%s/main",
		New:     New,
	})
}

// serverVersion is the PostgreSQL version whose behaviour is served.
const serverVersion = "15.8"

// server is the one instance behind a listener.
type server struct {
	env  protocol.Env
	ops  atomic.Uint64 // last operation id
	auth *authenticator
}

// New makes the front-end.
func New(env protocol.Env) (protocol.Server, error) {
	if env.Sessions == nil {
		env.Sessions = protocol.NewSessions()
	}
	if env.Limits.PreAuth <= 0 || env.Limits.PreAuth > 1<<20 {
		env.Limits.PreAuth = maxStartup
	}
	if env.Limits.MaxMessage <= 0 {
		env.Limits.MaxMessage = 64 << 20
	}
	return &server{env: env, auth: newAuthenticator(env.Auth)}, nil
}

// ServeConn implements protocol.Server.
func (srv *server) ServeConn(ctx context.Context, c net.Conn) error {
	s := newSession(srv, c)
	defer s.close()
	return s.serve(ctx)
}

// Close implements protocol.Server. Connections own all state.
func (srv *server) Close(context.Context) error { return nil }

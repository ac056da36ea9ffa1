// Package protocol is what a system's front-end implements and is given. A
// system is one folder that registers one Info from its init, and one import
// line in protocol/all. It opens no sockets: protocol/host does.
package protocol

import (
	"context"
	"crypto/tls"
	"log/slog"
	"net"
	"sort"
	"time"

	"github.com/dot-do/dotdo-proxy/backend"
)

// Info describes a system to the host. Name is its folder, config key, flag
// name and metric label.
type Info struct {
	Name    string
	Title   string // as users write it: "PostgreSQL"
	Port    int    // the system's usual port
	Example string // connection string with %s for host:port
	New     func(Env) (Server, error)
}

// Env is all a system is given.
type Env struct {
	Name     string
	Exec     backend.Executor
	Log      *slog.Logger
	Auth     Authenticator
	TLS      *tls.Config       // nil: no TLS configured
	DataDir  string            // private directory for systems with a store of their own
	Database string            // the default database ("main")
	Settings map[string]string // listener options of this system from the config
	Limits   Limits
	Version  string // dotdo-proxy's version
	Sessions *Sessions
}

// Limits bound what one client can take.
type Limits struct {
	MaxMessage  int           // bytes of one wire message after authentication
	PreAuth     int           // bytes of one wire message before it
	AuthTimeout time.Duration // from accept to authenticated
	IdleTimeout time.Duration // 0 = none
}

// Server serves one system.
type Server interface {
	// ServeConn speaks the protocol on one connection until it ends. ctx is
	// cancelled when the daemon drains: finish the message at hand, say goodbye
	// the protocol's way, return. The host closes the connection, recovers
	// panics and counts.
	ServeConn(ctx context.Context, c net.Conn) error
	// Close releases what New made.
	Close(ctx context.Context) error
}

// Listener is the optional ability of a Server that must own its listening
// socket (an embedded server). The host calls Listen instead of accepting.
type Listener interface {
	Listen(ctx context.Context, addr string) (net.Addr, error)
}

// Authenticator answers who may connect.
type Authenticator interface {
	// Trust reports whether any credentials are accepted.
	Trust() bool
	// Password returns the secret of a user, ok = false if there is none.
	Password(user string) (secret string, ok bool)
}

// registry holds what the inits of the linked systems registered.
var registry = map[string]Info{}

// Register adds a system. It is called from init only and panics on a
// duplicate name: a broken build.
func Register(i Info) {
	if _, dup := registry[i.Name]; dup || i.Name == "" || i.New == nil {
		panic("protocol: bad registration of " + i.Name)
	}
	registry[i.Name] = i
}

// Systems returns the registered systems sorted by name.
func Systems() []Info {
	list := make([]Info, 0, len(registry))
	for _, i := range registry {
		list = append(list, i)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Name < list[b].Name })
	return list
}

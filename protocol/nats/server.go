package nats

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"sync"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"

	"github.com/dot-do/dotdo-proxy/protocol"
)

// startTimeout bounds the start of the embedded server; recovering large
// streams takes the most of it.
const startTimeout = 60 * time.Second

// server is the embedded NATS server with the bridge. It owns its socket.
type server struct {
	env    protocol.Env
	opts   natsd.Options
	log    *logger
	daemon *natsd.Server
	bridge *bridge
}

// newServer reads the listener options; nothing runs before Listen.
func newServer(env protocol.Env) (protocol.Server, error) {
	opts, err := options(env)
	if err != nil {
		return nil, err
	}
	return &server{env: env, opts: opts, log: &logger{log: env.Log}}, nil
}

// Listen implements protocol.Listener: it starts the embedded server on addr
// and connects the bridge to it.
func (s *server) Listen(_ context.Context, addr string) (net.Addr, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	s.opts.Host = host
	if s.opts.Port, err = strconv.Atoi(port); err != nil {
		return nil, fmt.Errorf("port of %q: %w", addr, err)
	}
	secret := rand.Text()
	s.opts.CustomClientAuthentication = &gate{auth: s.env.Auth, secret: secret}
	s.daemon, err = natsd.NewServer(&s.opts)
	if err != nil {
		return nil, err
	}
	s.daemon.SetLoggerV2(s.log, false, false, false)
	s.daemon.Start()
	if !s.daemon.ReadyForConnections(startTimeout) {
		s.daemon.Shutdown()
		return nil, errors.Join(errors.New("the embedded NATS server did not start"), s.log.fatal())
	}
	if s.bridge, err = newBridge(s.env, s.daemon, secret); err != nil {
		s.daemon.Shutdown()
		return nil, fmt.Errorf("connect the bridge: %w", err)
	}
	return s.daemon.Addr(), nil
}

// ServeConn implements protocol.Server. The embedded server accepts its own
// connections.
func (s *server) ServeConn(context.Context, net.Conn) error {
	return errors.New("nats accepts its own connections")
}

// Close implements protocol.Server: requests under way are answered, then
// clients are cut and the stores flushed.
func (s *server) Close(ctx context.Context) error {
	if s.daemon == nil {
		return nil
	}
	var err error
	if s.bridge != nil {
		err = s.bridge.close(ctx)
	}
	s.daemon.Shutdown()
	s.daemon.WaitForShutdown()
	return err
}

// bridgeUser is the name under which the bridge connects. Its secret is new at
// every start.
const bridgeUser = "_dotdo_bridge"

// gate decides who may connect, for nats-server.
type gate struct {
	auth   protocol.Authenticator
	secret string
}

// Check implements nats-server's Authentication.
func (g *gate) Check(c natsd.ClientAuthentication) bool {
	o := c.GetOpts()
	if o.Username == bridgeUser {
		return same(o.Password, g.secret)
	}
	if g.auth.Trust() {
		return true
	}
	want, ok := g.auth.Password(o.Username)
	return ok && same(o.Password, want)
}

// logger turns nats-server's log into the daemon's and keeps the last fatal
// message: nats-server reports failed starts only that way.
type logger struct {
	log *slog.Logger
	mu  sync.Mutex
	err error
}

// Noticef implements nats-server's Logger; its notices are a start-up banner.
func (l *logger) Noticef(format string, v ...any) {
	l.log.Debug("nats-server", "msg", sprintf(format, v))
}

// Warnf implements nats-server's Logger.
func (l *logger) Warnf(format string, v ...any) { l.log.Warn("nats-server", "msg", sprintf(format, v)) }

// Errorf implements nats-server's Logger.
func (l *logger) Errorf(format string, v ...any) {
	l.log.Error("nats-server", "msg", sprintf(format, v))
}

// Fatalf implements nats-server's Logger.
func (l *logger) Fatalf(format string, v ...any) {
	l.mu.Lock()
	l.err = errors.New(sprintf(format, v))
	l.mu.Unlock()
	l.Errorf(format, v...)
}

// Debugf implements nats-server's Logger.
func (l *logger) Debugf(string, ...any) {}

// Tracef implements nats-server's Logger.
func (l *logger) Tracef(string, ...any) {}

// fatal returns the last fatal message as an error.
func (l *logger) fatal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// sprintf formats a log line of nats-server.
func sprintf(format string, v []any) string { return fmt.Sprintf(format, v...) }

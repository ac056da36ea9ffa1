// Package host runs the registered systems: it opens their listeners, accepts
// and limits connections, recovers panics a connection at a time, counts, and
// drains at the end. It knows no protocol and executes no operation.
package host

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dot-do/dotdo-proxy/backend"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// System is one listener to open.
type System struct {
	Info     protocol.Info
	Addr     string            // host:port; port 0 picks a free one
	Settings map[string]string // listener options of the system
}

// Params is what New needs.
type Params struct {
	Systems  []System
	Exec     backend.Executor
	Log      *slog.Logger
	Auth     protocol.Authenticator
	TLS      *tls.Config
	DataDir  string // systems with a store of their own get <DataDir>/<name>
	Database string
	Limits   protocol.Limits
	MaxConns int // connections of all systems together; 0 = no limit
	Version  string
	Metrics  prometheus.Registerer
}

// Host owns the listeners and the connections of all systems.
type Host struct {
	p        Params
	sessions *protocol.Sessions
	metrics  *metrics
	ctx      context.Context // cancelled when the drain begins
	cancel   context.CancelFunc
	units    []*unit
	loops    sync.WaitGroup // accept loops
	conns    sync.WaitGroup // connections
	slots    chan struct{}  // connection limit, nil = none
	mu       sync.Mutex
	open     map[net.Conn]struct{}
	draining bool
}

// unit is one system with its socket. listener is nil for a system that owns
// its socket.
type unit struct {
	System
	server   protocol.Server
	listener net.Listener
	addr     net.Addr
	counters *counters
	log      *slog.Logger
}

// New builds every system's server. It opens nothing; on an error it closes
// what it built.
func New(p Params) (*Host, error) {
	ctx, cancel := context.WithCancel(context.Background())
	h := &Host{p: p, sessions: protocol.NewSessions(), metrics: newMetrics(), ctx: ctx, cancel: cancel,
		open: map[net.Conn]struct{}{}}
	if p.Metrics != nil {
		if err := p.Metrics.Register(h.metrics); err != nil {
			cancel()
			return nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	if p.MaxConns > 0 {
		h.slots = make(chan struct{}, p.MaxConns)
	}
	for _, s := range p.Systems {
		u := &unit{System: s, counters: h.metrics.of(s.Info.Name), log: p.Log.With("system", s.Info.Name)}
		server, err := s.Info.New(h.env(u))
		if err != nil {
			h.closeServers(context.Background())
			cancel()
			return nil, fmt.Errorf("start %s: %w", s.Info.Name, err)
		}
		u.server = server
		h.units = append(h.units, u)
	}
	return h, nil
}

// env is what a system is given.
func (h *Host) env(u *unit) protocol.Env {
	return protocol.Env{
		Name: u.Info.Name, Exec: h.p.Exec, Log: u.log, Auth: h.p.Auth, TLS: h.p.TLS,
		DataDir: filepath.Join(h.p.DataDir, u.Info.Name), Database: h.p.Database,
		Settings: u.Settings, Limits: h.p.Limits, Version: h.p.Version, Sessions: h.sessions,
	}
}

// Bound is a listener that is open.
type Bound struct {
	Name    string
	Addr    net.Addr
	Example string
}

// Listen opens all sockets, then starts accepting on them. When one cannot be
// opened, all are closed again and nothing was accepted.
func (h *Host) Listen(ctx context.Context) ([]Bound, error) {
	for _, u := range h.units {
		if err := u.listen(ctx); err != nil {
			h.closeListeners()
			return nil, err
		}
	}
	bound := make([]Bound, 0, len(h.units))
	for _, u := range h.units {
		bound = append(bound, Bound{Name: u.Info.Name, Addr: u.addr, Example: fmt.Sprintf(u.Info.Example, u.addr)})
		if u.listener == nil {
			continue
		}
		h.loops.Add(1)
		go h.accept(u)
	}
	return bound, nil
}

// listen opens the socket of one system.
func (u *unit) listen(ctx context.Context) error {
	l, err := Open(u.Info.Name, u.Addr)
	if err != nil {
		return err
	}
	u.addr = l.Addr()
	own, ok := u.server.(protocol.Listener)
	if !ok {
		u.listener = l
		return nil
	}
	// Opening it first gives the same clear error for every system and turns
	// port 0 into a port.
	if err := l.Close(); err != nil {
		return fmt.Errorf("%s: %w", u.Info.Name, err)
	}
	addr, err := own.Listen(ctx, u.addr.String())
	if err != nil {
		return fmt.Errorf("%s: listen on %s: %w", u.Info.Name, u.Addr, err)
	}
	u.addr = addr
	return nil
}

// Open listens on addr for the listener name; its errors tell which option to
// change.
func Open(name, addr string) (net.Listener, error) {
	l, err := net.Listen("tcp", addr)
	if err == nil {
		return l, nil
	}
	_, port, _ := net.SplitHostPort(addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: port %s is already in use (%s); choose another with --listen %s=HOST:PORT or listen.%s in the config", name, port, addr, name, name)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: no permission to listen on %s; choose a port above 1023 with --listen %s=HOST:PORT or listen.%s in the config", name, addr, name, name)
	}
	return nil, fmt.Errorf("%s: cannot listen on %q (--listen %s or listen.%s in the config): %w", name, addr, name, name, err)
}

// Sessions is the table of client sessions.
func (h *Host) Sessions() *protocol.Sessions { return h.sessions }

// Close stops accepting, asks every connection to end, waits for them until
// ctx ends, then cuts the rest and closes the systems. It returns how many
// connections had to be cut.
func (h *Host) Close(ctx context.Context) (cut int, err error) {
	h.mu.Lock()
	h.draining = true
	h.mu.Unlock()
	h.closeListeners()
	h.loops.Wait()
	h.cancel()
	done := make(chan struct{})
	go func() { h.conns.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		cut = h.cutAll()
		// A connection whose socket is closed ends soon; one that does not
		// must not hold the daemon.
		select {
		case <-done:
		case <-time.After(time.Second):
		}
	}
	late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return cut, h.closeServers(late)
}

// closeListeners closes the sockets the host owns.
func (h *Host) closeListeners() {
	for _, u := range h.units {
		if u.listener != nil {
			_ = u.listener.Close() // nothing can be done about a failed close of a listening socket
		}
	}
}

// cutAll closes the connections that are left and returns their number.
func (h *Host) cutAll() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	for c := range h.open {
		_ = c.Close() // the serving goroutine sees its own error
	}
	return len(h.open)
}

// closeServers releases what the systems hold, the last started first.
func (h *Host) closeServers(ctx context.Context) error {
	var errs []error
	for i := len(h.units) - 1; i >= 0; i-- {
		if err := h.units[i].server.Close(ctx); err != nil {
			errs = append(errs, fmt.Errorf("close %s: %w", h.units[i].Info.Name, err))
		}
	}
	return errors.Join(errs...)
}

// Package redis speaks RESP2 and RESP3 to unmodified Redis clients. It decodes
// commands into kv and msg operations, keeps what belongs to a connection
// (HELLO, SELECT, MULTI, WATCH, subscriptions, CLIENT) and encodes neutral
// values. It knows nothing of how keys are stored.
package redis

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dot-do/dotdo-proxy/protocol"
)

func init() {
	protocol.Register(protocol.Info{Name: "redis", Title: "Redis", Port: 6379, Example: "redis://%s", New: New})
}

// compatible is the Redis version clients are told, for what they derive from it.
const compatible = "7.2.4"

// once fills the command tables, which refer to functions that refer to them.
var once sync.Once

// server is one listener's state.
type server struct {
	env     protocol.Env
	started time.Time
	run     string // run_id of INFO

	mu    sync.Mutex
	conns map[uint64]*conn

	accepted atomic.Int64
	commands atomic.Int64
	paused   atomic.Pointer[pause]
	slow     slowLog
	monitors monitors
}

// New makes the front-end.
func New(env protocol.Env) (protocol.Server, error) {
	once.Do(func() { commands, clientCommands = commandTable(), clientTable() })
	s := &server{env: env, started: time.Now(), run: runID(), conns: map[uint64]*conn{}}
	s.slow.reset()
	return s, nil
}

// Close implements protocol.Server.
func (s *server) Close(context.Context) error { return nil }

// ServeConn implements protocol.Server.
func (s *server) ServeConn(ctx context.Context, nc net.Conn) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c := newConn(ctx, s, nc)
	c.session = &protocol.Session{System: s.env.Name, Remote: nc.RemoteAddr().String(), Kill: cancel}
	s.env.Sessions.Add(c.session)
	c.id = c.session.ID
	s.accepted.Add(1)
	s.mu.Lock()
	s.conns[c.id] = c
	s.mu.Unlock()
	stop := context.AfterFunc(ctx, c.interrupt)
	defer func() {
		stop()
		s.mu.Lock()
		delete(s.conns, c.id)
		s.mu.Unlock()
		s.env.Sessions.Remove(c.session)
		s.monitors.remove(c)
		c.endSubscriptions()
	}()
	return c.serve()
}

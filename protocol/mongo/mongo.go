// Package mongo speaks MongoDB's wire protocol (OP_MSG, and OP_QUERY for the
// first hello) and decodes commands into operations. To drivers it is a
// mongos of wire version 25, so retryable writes, sessions and transactions
// work without a replica set. It holds cursors, logical sessions and
// authentication; data is reached through Env.Exec alone.
package mongo

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dot-do/dotdo-proxy/protocol"
)

func init() {
	protocol.Register(protocol.Info{
		Name: "mongo", Title: "MongoDB", Port: 27017, Example: "mongodb://%s/main?directConnection=true",
		New: func(e protocol.Env) (protocol.Server, error) { return newServer(e), nil },
	})
}

// server is the state all connections share.
type server struct {
	env     protocol.Env
	ops     atomic.Uint64
	txns    atomic.Uint64
	started time.Time
	cursors *cursors
	logical *logicalSessions
	retries *retries
	keys    credentials
	fails   failPoints
	// watchAll tells that a change stream over all databases was opened.
	watchAll atomic.Bool
	known    sync.Map // database name → time it was last seen
}

// newServer builds a server; nothing runs until a connection comes.
func newServer(e protocol.Env) *server {
	if e.Sessions == nil {
		e.Sessions = protocol.NewSessions()
	}
	return &server{env: e, started: time.Now(), cursors: newCursors(), logical: newLogicalSessions(), retries: newRetries()}
}

// Close implements protocol.Server: it closes all cursors and rolls open
// transactions back.
func (s *server) Close(ctx context.Context) error {
	s.cursors.closeAll()
	s.endSessions(ctx, s.logical.all())
	return nil
}

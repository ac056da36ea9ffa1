// Package nats serves NATS by embedding nats-server whole: core, JetStream,
// key-value and object buckets are that server's own, stored in its own
// directory, not in objects. What this package adds is the bridge: a request on
// db.<database>.<family>.<verb> runs one operation on the database and replies
// JSON (README.md has the mapping).
package nats

import (
	"github.com/dot-do/dotdo-proxy/protocol"
)

func init() {
	protocol.Register(protocol.Info{Name: "nats", Title: "NATS", Port: 4222, Example: "nats://%s", New: newServer})
}

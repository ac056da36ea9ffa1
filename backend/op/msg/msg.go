// Package msg holds the messaging bodies of the operation IR. So far only
// ephemeral publish/subscribe; logs and queues join it with their systems.
package msg

import "github.com/dot-do/dotdo-proxy/backend/op"

// Publish sends a message to the current subscribers of a topic in the
// database. Reply: Done{Affected: receivers}.
type Publish struct {
	Space   string // name space of topics: "redis", "postgres" …
	Topic   string
	Payload []byte
	Headers []string
}

// Subscribe opens a reply of op.Records that ends with Close. Patterns use
// glob syntax (* ? [a-z] \x). The subscription is active when Do returns. A
// subscriber that does not read its records fast enough is cut: Next returns an
// Unavailable error.
type Subscribe struct {
	Space    string
	Topics   []string
	Patterns []string
	ID       uint64 // names the subscription for Adjust in its space; 0 = never adjusted
}

// Adjust adds or removes topics and patterns of the open subscription ID, so
// that all its messages keep one order. Reply: Done; NotFound when it has ended.
type Adjust struct {
	Space    string
	ID       uint64
	Topics   []string
	Patterns []string
	Remove   bool
}

// Topics lists topics with exact subscribers that match a glob pattern.
// Reply: Values{Text topic, Int64 subscribers, …}; Done{Affected: number of
// pattern subscriptions}.
type Topics struct {
	Space   string
	Pattern string
	Names   []string // when set: exactly these, also those without subscribers
}

// Family implements op.Body.
func (*Publish) Family() op.Family { return op.FamilyMsg }

// Kind implements op.Body.
func (*Publish) Kind() uint16 { return 60 }

// Family implements op.Body.
func (*Subscribe) Family() op.Family { return op.FamilyMsg }

// Kind implements op.Body.
func (*Subscribe) Kind() uint16 { return 61 }

// Family implements op.Body.
func (*Topics) Family() op.Family { return op.FamilyMsg }

// Kind implements op.Body.
func (*Topics) Kind() uint16 { return 62 }

// Family implements op.Body.
func (*Adjust) Family() op.Family { return op.FamilyMsg }

// Kind implements op.Body.
func (*Adjust) Kind() uint16 { return 63 }

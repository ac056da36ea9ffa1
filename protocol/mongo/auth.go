package mongo

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"encoding/hex"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/xdg-go/scram"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// Authentication: SCRAM-SHA-256 and SCRAM-SHA-1 (RFC 5802, RFC 7677), also as
// speculativeAuthenticate inside hello. SCRAM proves to both sides that the
// other knows the password, so under auth: trust it succeeds only for users
// of the configuration; a client with other credentials gets a failure that
// says so. PLAIN, which proves nothing to the client, is accepted under trust
// with any credentials.

// credentials caches the derived keys of users: deriving costs milliseconds.
type credentials struct {
	mu   sync.Mutex
	keys map[[3]string]scram.StoredCredentials
}

// lookup derives the keys of a user's password.
func (c *credentials) lookup(mechanism, user, password string) (scram.StoredCredentials, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := [3]string{mechanism, user, password}
	if s, ok := c.keys[k]; ok {
		return s, nil
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	var client *scram.Client
	var err error
	iterations := 15000
	if mechanism == "SCRAM-SHA-256" {
		client, err = scram.SHA256.NewClient(user, password, "")
	} else {
		iterations = 10000
		sum := md5.Sum([]byte(user + ":mongo:" + password)) // the digest SCRAM-SHA-1 clients use as password
		client, err = scram.SHA1.NewClientUnprepped(user, hex.EncodeToString(sum[:]), "")
	}
	if err != nil {
		return scram.StoredCredentials{}, err
	}
	s, err := client.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: iterations})
	if err != nil {
		return s, err
	}
	if c.keys == nil || len(c.keys) > 10000 {
		c.keys = map[[3]string]scram.StoredCredentials{}
	}
	c.keys[k] = s
	return s, nil
}

// saslConversation is an authentication under way.
type saslConversation struct {
	conv      *scram.ServerConversation
	user      string
	done      bool
	skipEmpty bool
}

// saslStart begins a conversation and answers its first message.
func (c *conn) saslStart(body []byte) ([]byte, error) {
	mechanism := bsonval.Text(bsonval.Get(body, "mechanism"))
	payload, ok := saslPayload(body)
	if !ok {
		return nil, errorf(typeMismatch, "payload must be BinData or a string")
	}
	auth := c.s.env.Auth
	x := &saslConversation{skipEmpty: bsonval.Truthy(bsonval.Get(bsonval.Get(body, "options").Data, "skipEmptyExchange"))}
	gen := scram.SHA256
	switch mechanism {
	case "SCRAM-SHA-256":
	case "SCRAM-SHA-1":
		gen = scram.SHA1
	case "PLAIN":
		if auth == nil || auth.Trust() {
			c.authed = true
			return saslReply(nil, true), nil
		}
		return nil, errorf(authFailed, "mechanism PLAIN is not supported: use SCRAM-SHA-256 or SCRAM-SHA-1")
	default:
		return nil, errorf(badValue, "Received authentication for mechanism %s which is not supported", mechanism)
	}
	server, err := gen.NewServer(func(user string) (scram.StoredCredentials, error) {
		x.user = user
		if auth == nil {
			return scram.StoredCredentials{}, errorf(authFailed, "no user")
		}
		password, ok := auth.Password(user)
		if !ok {
			return scram.StoredCredentials{}, errorf(authFailed, "no user")
		}
		return c.s.keys.lookup(mechanism, user, password)
	})
	if err != nil {
		return nil, errorf(authFailed, "Authentication failed.")
	}
	x.conv = server.NewConversation()
	c.scram = x
	out, err := x.conv.Step(string(payload))
	if err != nil {
		c.scram = nil
		return nil, c.authFailure(x)
	}
	return saslReply([]byte(out), false), nil
}

// authFailure explains a refused login.
func (c *conn) authFailure(x *saslConversation) error {
	if c.s.env.Auth == nil || c.s.env.Auth.Trust() {
		return errorf(authFailed, "Authentication failed: user %q is not configured. This listener has auth: trust, so connect without credentials, or add the user to the users section of the configuration: SCRAM cannot accept a password the server does not know.", x.user)
	}
	return errorf(authFailed, "Authentication failed.")
}

// saslContinue answers a further message.
func (c *conn) saslContinue(body []byte) ([]byte, error) {
	x := c.scram
	payload, ok := saslPayload(body)
	if x == nil || !ok {
		return nil, errorf(code{17, "ProtocolError"}, "No SASL session state found")
	}
	if x.done {
		c.scram = nil
		return saslReply(nil, true), nil
	}
	out, err := x.conv.Step(string(payload))
	if err != nil || !x.conv.Valid() {
		c.scram = nil
		return nil, c.authFailure(x)
	}
	c.authed, c.user, c.session.User = true, x.user, x.user
	x.done = true
	if x.skipEmpty {
		c.scram = nil
		return saslReply([]byte(out), true), nil
	}
	return saslReply([]byte(out), false), nil
}

// saslPayload reads the payload of a SASL command.
func saslPayload(body []byte) ([]byte, bool) {
	v := bsonval.Get(body, "payload")
	switch v.Type {
	case bsonval.Binary:
		return v.Data[5:], true
	case bsonval.String:
		return []byte(bsonval.Text(v)), true
	}
	return nil, false
}

// saslReply builds the reply of a SASL step, without ok.
func saslReply(payload []byte, done bool) []byte {
	d := newReply().int("conversationId", 1).bool("done", done)
	d.b = bsoncore.AppendBinaryElement(d.b, "payload", 0, payload)
	return d.end()
}

// cmdSaslStart serves saslStart.
func cmdSaslStart(_ context.Context, r *request) ([]byte, error) {
	return withOK(r.c.saslStart(r.body))
}

// cmdSaslContinue serves saslContinue.
func cmdSaslContinue(_ context.Context, r *request) ([]byte, error) {
	return withOK(r.c.saslContinue(r.body))
}

// withOK adds ok: 1 to a reply.
func withOK(doc []byte, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	d := newReply()
	for it := bsonval.Elements(doc); it.Next(); {
		d.add(it.Key(), it.Value)
	}
	return d.ok(), nil
}

// cmdLogout serves logout.
func cmdLogout(_ context.Context, r *request) ([]byte, error) {
	r.c.user, r.c.session.User = "", ""
	r.c.authed = r.c.s.env.Auth == nil || r.c.s.env.Auth.Trust()
	return newReply().ok(), nil
}

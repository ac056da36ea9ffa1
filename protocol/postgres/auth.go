package postgres

// Authentication: nothing when the listener trusts everyone, else
// SCRAM-SHA-256 (without channel binding).

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"

	"github.com/xdg-go/scram"

	"github.com/dot-do/dotdo-proxy/protocol"
)

// scramIterations is PostgreSQL's default; node-postgres refuses very large
// counts.
const scramIterations = 4096

// authenticator keeps the derived SCRAM keys of users, so that a login does
// not pay the derivation each time.
type authenticator struct {
	auth  protocol.Authenticator
	mu    sync.Mutex
	known map[string]derived
}

// derived are the keys of one secret.
type derived struct {
	secret string
	creds  scram.StoredCredentials
}

// newAuthenticator wraps the host's authenticator.
func newAuthenticator(a protocol.Authenticator) *authenticator {
	return &authenticator{auth: a, known: map[string]derived{}}
}

// credentials returns the keys of a user. An unknown user gets random ones, so
// that its failure looks like a wrong password.
func (a *authenticator) credentials(user string) (scram.StoredCredentials, error) {
	secret, ok := a.auth.Password(user)
	if ok {
		a.mu.Lock()
		d, hit := a.known[user]
		a.mu.Unlock()
		if hit && d.secret == secret {
			return d.creds, nil
		}
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt)
	if !ok {
		secret = string(salt)
	}
	c, err := scram.SHA256.NewClient(user, secret, "")
	if err != nil {
		return scram.StoredCredentials{}, err
	}
	creds, err := c.GetStoredCredentialsWithError(scram.KeyFactors{Salt: string(salt), Iters: scramIterations})
	if err == nil && ok {
		a.mu.Lock()
		a.known[user] = derived{secret, creds}
		a.mu.Unlock()
	}
	return creds, err
}

// errPassword is the answer to every failed login.
func errPassword(user string) error {
	return stateErrorf("28P01", "password authentication failed for user \"%s\"", user)
}

// authenticate proves the user, or does nothing for a trusting listener.
func (s *session) authenticate(user string) error {
	if s.srv.env.Auth == nil || s.srv.env.Auth.Trust() {
		return nil
	}
	server, err := scram.SHA256.NewServer(func(string) (scram.StoredCredentials, error) {
		return s.srv.auth.credentials(user) // clients leave the SCRAM user name empty or set *
	})
	if err != nil {
		return err
	}
	at := s.w.begin('R')
	s.w.i32(10)
	s.w.str("SCRAM-SHA-256")
	s.w.str("")
	s.w.end(at)
	body, err := s.password()
	if err != nil {
		return err
	}
	first, err := saslInitial(body)
	if err != nil {
		return err
	}
	conv := server.NewConversation()
	reply, err := conv.Step(first)
	if err != nil {
		return errPassword(user)
	}
	s.sasl(11, reply)
	body, err = s.password()
	if err != nil {
		return err
	}
	reply, err = conv.Step(string(body))
	if err != nil || !conv.Valid() {
		return errPassword(user)
	}
	if _, ok := s.srv.env.Auth.Password(user); !ok {
		return errPassword(user)
	}
	s.sasl(12, reply)
	return nil
}

// sasl sends a SASL challenge (11) or outcome (12).
func (s *session) sasl(kind int, text string) {
	at := s.w.begin('R')
	s.w.i32(kind)
	s.w.out = append(s.w.out, text...)
	s.w.end(at)
}

// password reads one message of the authentication exchange.
func (s *session) password() ([]byte, error) {
	typ, body, err := s.w.next()
	if err != nil {
		return nil, err
	}
	if typ != 'p' {
		return nil, protocolError("expected password response")
	}
	return body, nil
}

// saslInitial decodes SASLInitialResponse: mechanism, length, data.
func saslInitial(b []byte) (string, error) {
	mech, rest, ok := bytes.Cut(b, []byte{0})
	if !ok || len(rest) < 4 {
		return "", protocolError("malformed SASL message")
	}
	if string(mech) != "SCRAM-SHA-256" {
		return "", protocolError("client selected an invalid SASL authentication mechanism")
	}
	n := int(int32(binary.BigEndian.Uint32(rest)))
	if n < 0 || n != len(rest)-4 {
		return "", protocolError("malformed SASL message")
	}
	return string(rest[4:]), nil
}

// isProtocol reports whether err ends the connection as a protocol violation.
func isProtocol(err error) bool {
	var e *stateError
	return errors.As(err, &e) && e.fatal
}

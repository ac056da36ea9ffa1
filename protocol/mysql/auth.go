package mysql

import (
	"bytes"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"fmt"
	"net"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// newScramble returns a challenge without NUL and '$', which some clients
// treat as ends.
func newScramble() ([]byte, error) {
	b := make([]byte, scrambleLen)
	if _, err := rand.Read(b); err != nil {
		return nil, fmt.Errorf("make scramble: %w", err)
	}
	for i := range b {
		b[i] = b[i]&0x7f | 1
		if b[i] == '$' || b[i] < 33 {
			b[i] += 65
		}
	}
	return b, nil
}

// nativeReply is what mysql_native_password answers to a scramble:
// SHA1(pw) xor SHA1(scramble + SHA1(SHA1(pw))).
func nativeReply(password string, scramble []byte) []byte {
	a := sha1.Sum([]byte(password))
	b := sha1.Sum(a[:])
	c := sha1.Sum(append(append([]byte(nil), scramble...), b[:]...))
	for i := range c {
		c[i] ^= a[i]
	}
	return c[:]
}

// sha2Reply is what caching_sha2_password answers to a scramble:
// SHA256(pw) xor SHA256(SHA256(SHA256(pw)) + scramble).
func sha2Reply(password string, scramble []byte) []byte {
	a := sha256.Sum256([]byte(password))
	b := sha256.Sum256(a[:])
	c := sha256.Sum256(append(append([]byte(nil), b[:]...), scramble...))
	for i := range c {
		c[i] ^= a[i]
	}
	return c[:]
}

// proven reports whether an answer proves the password. The server holds the
// secret itself, so caching_sha2_password's full exchange is never needed.
func proven(plugin, password string, scramble, answer []byte) bool {
	if password == "" {
		return len(answer) == 0 || len(answer) == 1 && answer[0] == 0
	}
	want := sha2Reply(password, scramble)
	switch plugin {
	case pluginNative:
		want = nativeReply(password, scramble)
	case pluginClear:
		want, answer = []byte(password), bytes.TrimSuffix(answer, []byte{0})
	}
	return subtle.ConstantTimeCompare(want, answer) == 1
}

// denied is the answer to a wrong password.
func denied(user, host string, used bool) error {
	with := "NO"
	if used {
		with = "YES"
	}
	return &op.Error{Code: op.Unauthenticated, Name: user, Msg: fmt.Sprintf("Access denied for user '%s'@'%s' (using password: %s)", user, host, with)}
}

// handshake greets, upgrades to TLS when asked, and authenticates.
func (s *session) handshake() error {
	scramble, err := newScramble()
	if err != nil {
		return err
	}
	s.scramble = scramble
	caps := serverCaps
	if s.srv.env.TLS != nil {
		caps |= capSSL
	}
	at := s.w.begin()
	s.w.out = appendGreeting(s.w.out, s.srv.version, uint32(s.reg.ID), scramble, caps, s.status(false))
	s.w.end(at)
	if err := s.w.flush(); err != nil {
		return err
	}
	msg, err := s.w.read(s.srv.preAuth)
	if err != nil {
		return err
	}
	if s.srv.env.TLS != nil && sslRequest(msg) {
		if msg, err = s.startTLS(); err != nil {
			return err
		}
	}
	l, err := decodeLogin(msg)
	if err != nil {
		return &op.Error{Code: op.InvalidArgument, Msg: "Bad handshake", Object: "handshake", Err: err}
	}
	s.caps = l.caps & caps
	l.auth = bytes.Clone(l.auth)
	s.env.FoundFlag = s.caps&capFoundRows != 0
	s.charset = clientCharset(l.charset)
	if err := s.authenticate(l); err != nil {
		return err
	}
	return s.enter(l)
}

// startTLS upgrades the connection and reads the handshake response again.
func (s *session) startTLS() ([]byte, error) {
	if s.w.r.Buffered() > 0 {
		return nil, fmt.Errorf("clear text after the TLS request")
	}
	t := tls.Server(s.w.c, s.srv.env.TLS)
	if err := t.HandshakeContext(s.ctx); err != nil {
		return nil, fmt.Errorf("tls handshake: %w", err)
	}
	seq := s.w.seq
	s.w = newWire(t)
	s.w.seq = seq
	s.secure = true
	return s.w.read(s.srv.preAuth)
}

// authenticate runs the plugin exchange to its end and checks the answer.
func (s *session) authenticate(l *login) error {
	plugin := l.plugin
	if plugin == "" {
		plugin = pluginNative
	}
	answer := l.auth
	switch {
	case plugin == pluginSHA2:
	// A client that was told to use this plugin drops the greeting's challenge,
	// which was another plugin's, answers nothing and waits for a new one.
	case plugin == pluginNative && len(answer) > 1:
	case plugin == pluginClear && s.secure:
	case s.caps&capPluginAuth == 0:
		plugin = pluginNative
	default:
		plugin = pluginNative
		var err error
		if answer, err = s.switchPlugin(plugin); err != nil {
			return err
		}
	}
	used := len(answer) > 0
	if !s.srv.trust() {
		password, ok := s.srv.env.Auth.Password(l.user)
		if !ok || !proven(plugin, password, s.scramble, answer) {
			return denied(l.user, s.host, used)
		}
	}
	if plugin == pluginSHA2 && len(answer) > 1 {
		at := s.w.begin()
		s.w.out = append(s.w.out, 1, 3) // fast authentication succeeded
		s.w.end(at)
	}
	return nil
}

// switchPlugin asks the client to answer by another plugin.
func (s *session) switchPlugin(plugin string) ([]byte, error) {
	at := s.w.begin()
	s.w.out = append(s.w.out, 0xfe)
	s.w.out = append(append(s.w.out, plugin...), 0)
	s.w.out = append(append(s.w.out, s.scramble...), 0)
	s.w.end(at)
	if err := s.w.flush(); err != nil {
		return nil, err
	}
	b, err := s.w.read(s.srv.preAuth)
	return bytes.Clone(b), err
}

// enter adopts an authenticated login: user, database, first OK.
func (s *session) enter(l *login) error {
	s.user = l.user
	s.reg.User = l.user
	s.env.User = l.user
	db := l.database
	if db == "" {
		db = s.srv.env.Database
	}
	return s.use(db)
}

// hostOf returns the address of a peer without its port.
func hostOf(a net.Addr) string {
	h, _, err := net.SplitHostPort(a.String())
	if err != nil {
		return "localhost"
	}
	if h == "127.0.0.1" || h == "::1" {
		return "localhost"
	}
	return h
}

// clientCharset returns the collation number put into column definitions: the
// client's own when it is one of UTF-8, else utf8mb4_general_ci. Text is
// always sent as UTF-8.
func clientCharset(id byte) uint16 {
	switch {
	case id == 33, id == 45, id == 46, id == 76, id == 83, id >= 192 && id <= 215, id >= 224 && id <= 247, id == 255:
		return uint16(id)
	}
	return 45
}

package postgres

// Start-up packets have no type byte. Versions 3.0 to 3.2 are spoken as they
// are; a newer minor or an unknown _pq_ option is answered with
// NegotiateProtocolVersion. SSLRequest gets S when TLS is configured, else N;
// a connection that starts with a TLS record (sslnegotiation=direct) is TLS
// from the first byte. GSSENCRequest gets N.

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"sort"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// Start-up codes and limits.
const (
	maxStartup = 10_000
	version30  = 3 << 16
	version32  = 3<<16 | 2
	codeCancel = 80877102
	codeTLS    = 80877103
	codeGSS    = 80877104
)

// startup is a decoded start-up packet.
type startup struct {
	code    uint32
	params  map[string]string
	pid     uint32 // CancelRequest
	secret  uint32
	unknown []string // _pq_ options we do not know
}

// decodeStartup decodes a start-up packet without its length.
func decodeStartup(b []byte) (*startup, error) {
	if len(b) < 4 {
		return nil, protocolError("invalid length of startup packet")
	}
	m := &startup{code: binary.BigEndian.Uint32(b)}
	b = b[4:]
	switch {
	case m.code == codeCancel:
		if len(b) < 8 || len(b) > 260 {
			return nil, protocolError("invalid length of query cancel packet")
		}
		m.pid, m.secret = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:])
		return m, nil
	case m.code == codeTLS || m.code == codeGSS:
		return m, nil
	case m.code>>16 != 3:
		return nil, stateErrorf("0A000", "unsupported frontend protocol %d.%d: server supports 3.0 to 3.2", m.code>>16, m.code&0xffff)
	}
	m.params = map[string]string{}
	for {
		k, rest, ok := bytes.Cut(b, []byte{0})
		if !ok || len(k) == 0 {
			if ok && len(rest) == 0 {
				return m, nil
			}
			return nil, protocolError("invalid startup packet layout: expected terminator as last byte")
		}
		v, rest, ok := bytes.Cut(rest, []byte{0})
		if !ok {
			return nil, protocolError("invalid startup packet layout: expected terminator as last byte")
		}
		b = rest
		if name := string(k); strings.HasPrefix(name, "_pq_.") {
			m.unknown = append(m.unknown, name)
		} else {
			m.params[name] = string(v)
		}
	}
}

// readStartup reads one start-up packet straight from the connection, so that
// nothing behind it is consumed before a change to TLS.
func readStartup(c net.Conn, limit int) (*startup, error) {
	var h [4]byte
	if _, err := io.ReadFull(c, h[:]); err != nil {
		return nil, err
	}
	n := int(int32(binary.BigEndian.Uint32(h[:]))) - 4
	if n < 4 || n > min(limit, maxStartup) {
		return nil, protocolError("invalid length of startup packet")
	}
	b := make([]byte, n)
	if _, err := io.ReadFull(c, b); err != nil {
		return nil, err
	}
	return decodeStartup(b)
}

// prefixed gives back bytes that were read ahead.
type prefixed struct {
	net.Conn
	head []byte
}

// Read implements io.Reader.
func (p *prefixed) Read(b []byte) (int, error) {
	if len(p.head) > 0 {
		n := copy(b, p.head)
		p.head = p.head[n:]
		return n, nil
	}
	return p.Conn.Read(b)
}

// handshake reads start-up packets until a session begins. It returns nil for
// a connection that only carried a cancel request.
func (s *session) handshake(ctx context.Context) (*startup, error) {
	env := &s.srv.env
	if env.Limits.AuthTimeout > 0 {
		if err := s.conn.SetDeadline(time.Now().Add(env.Limits.AuthTimeout)); err != nil {
			return nil, err
		}
	}
	var first [1]byte
	if _, err := io.ReadFull(s.conn, first[:]); err != nil {
		return nil, err
	}
	s.conn = &prefixed{Conn: s.conn, head: first[:]}
	if first[0] == 0x16 && env.TLS != nil { // a TLS handshake record
		cfg := env.TLS.Clone()
		cfg.NextProtos = []string{"postgresql"}
		if err := s.upgrade(ctx, cfg); err != nil {
			return nil, err
		}
	}
	for range 4 { // TLS, GSS and start-up at most once each
		m, err := readStartup(s.conn, env.Limits.PreAuth)
		if err != nil {
			return nil, err
		}
		switch m.code {
		case codeCancel:
			if t := env.Sessions.Get(uint64(m.pid)); t != nil && t.System == env.Name && t.Secret == m.secret {
				t.Cancel()
			}
			return nil, nil
		case codeTLS:
			answer := byte('N')
			if env.TLS != nil && !s.secure {
				answer = 'S'
			}
			if _, err := s.conn.Write([]byte{answer}); err != nil {
				return nil, err
			}
			if answer == 'S' {
				if err := s.upgrade(ctx, env.TLS); err != nil {
					return nil, err
				}
			}
		case codeGSS:
			if _, err := s.conn.Write([]byte{'N'}); err != nil {
				return nil, err
			}
		default:
			return m, nil
		}
	}
	return nil, protocolError("expected a startup message")
}

// upgrade changes the connection to TLS.
func (s *session) upgrade(ctx context.Context, cfg *tls.Config) error {
	t := tls.Server(s.conn, cfg)
	if err := t.HandshakeContext(ctx); err != nil {
		return fmt.Errorf("tls handshake: %w", err)
	}
	s.conn, s.secure = t, true
	return nil
}

// welcome authenticates, opens the database and sends everything up to the
// first ReadyForQuery.
func (s *session) welcome(ctx context.Context, m *startup) error {
	s.w = newWire(s.conn, s.srv.env.Limits.PreAuth)
	if m.code > version32 || len(m.unknown) > 0 {
		at := s.w.begin('v')
		s.w.i32(int(min(m.code, version32)))
		s.w.i32(len(m.unknown))
		for _, u := range m.unknown {
			s.w.str(u)
		}
		s.w.end(at)
	}
	user := m.params["user"]
	if user == "" {
		return stateErrorf("28000", "no PostgreSQL user name specified in startup packet")
	}
	if r := m.params["replication"]; r != "" && r != "false" && r != "off" && r != "0" && r != "no" {
		return stateErrorf("0A000", "replication connections are not supported")
	}
	if err := s.authenticate(user); err != nil {
		return err
	}
	s.user = user
	if err := s.openDatabase(ctx, m); err != nil {
		return err
	}
	if err := s.startSettings(m.params); err != nil {
		return err
	}
	s.w.max = s.srv.env.Limits.MaxMessage
	s.w.wait = s.patience
	if err := s.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	s.register()
	s.w.out = append(s.w.out, 'R', 0, 0, 0, 8, 0, 0, 0, 0)
	s.reportSettings()
	at := s.w.begin('K')
	s.w.i32(int(s.ps.ID))
	s.w.i32(int(s.ps.Secret))
	s.w.end(at)
	s.w.ready('I')
	return nil
}

// openDatabase resolves the database of the start-up packet; without one it is
// the user's name if such a database exists, else the default.
func (s *session) openDatabase(ctx context.Context, m *startup) error {
	name := m.params["database"]
	if name == "" {
		name = s.srv.env.Database
	}
	reply, err := s.do(ctx, &ctl.OpenDatabase{Name: name})
	if err != nil {
		return err
	}
	defer reply.Close()
	for {
		f, err := reply.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if v, ok := f.(*op.Values); ok && len(v.Values) > 0 {
			name = strings.Clone(v.Values[0].Str())
		}
	}
	s.database = name
	return nil
}

// register makes the session known for cancel requests.
func (s *session) register() {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails
	c := s.conn
	s.ps = &protocol.Session{Secret: binary.BigEndian.Uint32(b[:]), System: s.srv.env.Name, User: s.user,
		Remote: s.conn.RemoteAddr().String(), Kill: func() { _ = c.Close() }}
	s.srv.env.Sessions.Add(s.ps)
	s.env.SessionID = s.ps.ID
}

// startSettings applies the settings of the start-up packet: plain parameters
// and -c name=value (or --name=value) in options.
func (s *session) startSettings(params map[string]string) error {
	names := make([]string, 0, len(params))
	for k := range params {
		names = append(names, k)
	}
	sort.Strings(names)
	for _, k := range names {
		switch k {
		case "user", "database", "replication":
			continue
		case "options":
			for _, kv := range startOptions(params[k]) {
				if err := s.set.start(kv[0], kv[1]); err != nil {
					return err
				}
			}
		default:
			if err := s.set.start(k, params[k]); err != nil {
				return err
			}
		}
	}
	s.settingsChanged()
	return nil
}

// startOptions splits the options parameter.
func startOptions(text string) (out [][2]string) {
	words := splitOptions(text)
	for i := 0; i < len(words); i++ {
		w := words[i]
		switch {
		case w == "-c" && i+1 < len(words):
			i++
			w = words[i]
		case strings.HasPrefix(w, "-c"):
			w = w[2:]
		case strings.HasPrefix(w, "--"):
			w = w[2:]
		default:
			continue
		}
		if k, v, ok := strings.Cut(w, "="); ok {
			out = append(out, [2]string{strings.ReplaceAll(k, "-", "_"), v})
		}
	}
	return out
}

// splitOptions splits at spaces that no backslash protects.
func splitOptions(text string) (words []string) {
	var b []byte
	for i := 0; i <= len(text); i++ {
		switch {
		case i == len(text) || text[i] == ' ':
			if len(b) > 0 {
				words = append(words, string(b))
				b = b[:0]
			}
		case text[i] == '\\' && i+1 < len(text):
			i++
			b = append(b, text[i])
		default:
			b = append(b, text[i])
		}
	}
	return words
}

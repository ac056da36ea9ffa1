package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"log/slog"
)

// newLogger builds the daemon's log.
func newLogger(c logConfig, out io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		return nil, fmt.Errorf("config: log.level is %q, want debug, info, warn or error", c.Level)
	}
	opts := &slog.HandlerOptions{Level: level}
	switch c.Format {
	case "text":
		return slog.New(slog.NewTextHandler(out, opts)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, opts)), nil
	}
	return nil, fmt.Errorf("config: log.format is %q, want text or json", c.Format)
}

// loadTLS reads the certificate; nil when none is configured.
func loadTLS(c tlsConfig) (*tls.Config, error) {
	if c.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("load tls.cert and tls.key: %w", err)
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// users implements protocol.Authenticator over the configured list.
type users struct {
	trust    bool
	password map[string]string
}

// newUsers returns the daemon's one identity table.
func newUsers(c *config) *users {
	u := &users{trust: c.trust, password: map[string]string{}}
	for _, e := range c.Users {
		u.password[e.Name] = e.Password
	}
	return u
}

// Trust implements protocol.Authenticator.
func (u *users) Trust() bool { return u.trust }

// Password implements protocol.Authenticator.
func (u *users) Password(user string) (string, bool) {
	p, ok := u.password[user]
	return p, ok
}

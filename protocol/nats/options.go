package nats

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"math"
	"net"
	"path/filepath"
	"strconv"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"

	"github.com/dot-do/dotdo-proxy/protocol"
)

// defaultMemory bounds all memory-backed streams together.
const defaultMemory = 256 << 20

// options translates the listener's settings. Unknown ones are refused by name.
func options(env protocol.Env) (natsd.Options, error) {
	o := natsd.Options{
		ServerName:             "dotdo-proxy",
		NoSigs:                 true,
		NoLog:                  true,
		MaxControlLine:         4096,
		MaxPayload:             1 << 20,
		MaxPending:             64 << 20,
		JetStream:              true,
		DisableJetStreamBanner: true,
		StoreDir:               filepath.Join(env.DataDir, "jetstream"),
		JetStreamMaxMemory:     defaultMemory,
		JetStreamMaxStore:      -1, // three quarters of the free disk, decided by nats-server
		AuthTimeout:            max(env.Limits.AuthTimeout.Seconds(), 1),
	}
	if env.TLS != nil {
		o.TLSConfig, o.TLS, o.AllowNonTLS = env.TLS.Clone(), true, true
		o.TLSTimeout = o.AuthTimeout
	}
	for key, value := range env.Settings {
		if err := setting(&o, key, value); err != nil {
			return o, fmt.Errorf("settings.nats.%s: %w", key, err)
		}
	}
	return o, nil
}

// setting applies one listener option.
func setting(o *natsd.Options, key, value string) error {
	switch key {
	case "sync":
		if value == "always" {
			o.SyncAlways = true
			return nil
		}
		d, err := time.ParseDuration(value)
		if err != nil || d <= 0 {
			return fmt.Errorf("%q is neither always nor a duration like 10s", value)
		}
		o.SyncInterval = d
	case "max_memory":
		return size(&o.JetStreamMaxMemory, value)
	case "max_store":
		return size(&o.JetStreamMaxStore, value)
	case "max_payload":
		var n int64
		if err := size(&n, value); err != nil {
			return err
		}
		if n > 64<<20 {
			return fmt.Errorf("%d is more than 67108864", n)
		}
		o.MaxPayload = int32(n)
		o.MaxPending = max(o.MaxPending, n*2)
	case "websocket":
		host, port, err := net.SplitHostPort(value)
		if err != nil {
			return fmt.Errorf("%q is not HOST:PORT", value)
		}
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return fmt.Errorf("%q is not a port", port)
		}
		o.Websocket.Host, o.Websocket.Port = host, int(n)
		o.Websocket.TLSConfig, o.Websocket.NoTLS = o.TLSConfig, o.TLSConfig == nil
	default:
		return fmt.Errorf("no such option; there are max_memory max_payload max_store sync websocket")
	}
	return nil
}

// size reads a number of bytes.
func size(dst *int64, value string) error {
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil || n <= 0 || n == math.MaxInt64 {
		return fmt.Errorf("%q is not a number of bytes", value)
	}
	*dst = n
	return nil
}

// same compares secrets in constant time.
func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

package host

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// AdminName is the listener name of the admin server.
const AdminName = "admin"

// Admin serves health, metrics and profiles over HTTP.
type Admin struct {
	server http.Server
	ready  atomic.Bool
	done   chan struct{} // closed when serving has ended; nil before Listen
}

// NewAdmin builds the admin server; it listens when Listen is called.
func NewAdmin(gather prometheus.Gatherer, log *slog.Logger) *Admin {
	a := &Admin{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if a.ready.Load() {
			answer(w, http.StatusOK, "ready\n")
			return
		}
		answer(w, http.StatusServiceUnavailable, "not ready\n")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(gather, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	a.server = http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn)}
	return a
}

// answer writes a plain text reply. A client that has gone is no news.
func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text)
}

// Listen opens the admin port and serves on it.
func (a *Admin) Listen(addr string) (net.Addr, error) {
	l, err := Open(AdminName, addr)
	if err != nil {
		return nil, err
	}
	a.done = make(chan struct{})
	go func() {
		defer close(a.done)
		if err := a.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			a.server.ErrorLog.Printf("admin listener ended: %v", err)
		}
	}()
	return l.Addr(), nil
}

// SetReady changes what /readyz answers.
func (a *Admin) SetReady(ready bool) { a.ready.Store(ready) }

// Close stops the server; requests under way may finish until ctx ends.
func (a *Admin) Close(ctx context.Context) error {
	err := a.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, a.server.Close())
	}
	if a.done != nil {
		<-a.done
	}
	return err
}

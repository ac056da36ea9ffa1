package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"

	"github.com/dot-do/dotdo-proxy/protocol"
	"github.com/dot-do/dotdo-proxy/protocol/host"
)

// serveCommand builds "dotdo-proxy serve".
func serveCommand(started time.Time) *cobra.Command {
	var f flags
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Open the listeners and serve until SIGTERM or SIGINT",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := loadConfig(f)
			if err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGTERM, syscall.SIGINT)
			defer stop()
			return serve(ctx, cfg, started, os.Stdout)
		},
	}
	cmd.Flags().StringVar(&f.config, "config", "", "config `FILE` (YAML)")
	cmd.Flags().StringVar(&f.dataDir, "data-dir", "", "data directory (default \"data\")")
	cmd.Flags().StringArrayVar(&f.listen, "listen", nil, "open exactly the listeners given as `NAME=HOST:PORT`; repeatable")
	cmd.Flags().StringArrayVar(&f.set, "set", nil, "set a config key, `key=value`; repeatable")
	return cmd
}

// serve runs the daemon until ctx ends. It writes the listening and ready lines
// to out.
func serve(ctx context.Context, cfg *config, started time.Time, out io.Writer) (err error) {
	log, err := newLogger(cfg.Log, os.Stderr)
	if err != nil {
		return err
	}
	slog.SetDefault(log)
	certs, err := loadTLS(cfg.TLS)
	if err != nil {
		return err
	}
	dir, err := openDataDir(cfg.DataDir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()

	metrics := prometheus.NewRegistry()
	metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	exec, err := newStack(ctx, cfg, log, metrics)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, exec.close()) }()

	h, err := host.New(host.Params{
		Systems: cfg.systems(), Exec: exec.top, Log: log, Auth: newUsers(cfg), TLS: certs, DataDir: cfg.DataDir,
		Database: cfg.Database, Limits: cfg.Limits.protocol(), MaxConns: cfg.Limits.Connections, Version: version, Metrics: metrics,
	})
	if err != nil {
		return err
	}
	admin := host.NewAdmin(metrics, log)
	if err := open(ctx, cfg, h, admin, out); err != nil {
		return errors.Join(err, shut(cfg, h, admin, log))
	}
	admin.SetReady(true)
	fmt.Fprintf(out, "ready in %d ms\n", time.Since(started).Milliseconds())
	<-ctx.Done()
	log.Info("draining", "connections", h.Sessions().Len())
	return shut(cfg, h, admin, log)
}

// open opens all listeners and prints a line for each.
func open(ctx context.Context, cfg *config, h *host.Host, admin *host.Admin, out io.Writer) error {
	bound, err := h.Listen(ctx)
	if err != nil {
		return err
	}
	if at, ok := cfg.listeners[host.AdminName]; ok {
		addr, err := admin.Listen(at)
		if err != nil {
			return err
		}
		bound = append(bound, host.Bound{Name: host.AdminName, Addr: addr, Example: "http://" + addr.String() + "/"})
	}
	for _, b := range bound {
		fmt.Fprintf(out, "listening %s %s %s\n", b.Name, b.Addr, b.Example)
	}
	return nil
}

// shut drains and closes the listeners.
func shut(cfg *config, h *host.Host, admin *host.Admin, log *slog.Logger) error {
	admin.SetReady(false)
	ctx, cancel := context.WithTimeout(context.Background(), cfg.DrainTimeout)
	defer cancel()
	cut, err := h.Close(ctx)
	if cut > 0 {
		log.Warn("connections cut at the end of the drain", "count", cut)
	}
	late, cancelLate := context.WithTimeout(context.Background(), time.Second)
	defer cancelLate()
	return errors.Join(err, admin.Close(late))
}

// systems lists the listeners that belong to registered systems.
func (c *config) systems() []host.System {
	var list []host.System
	for _, i := range protocol.Systems() {
		if addr, ok := c.listeners[i.Name]; ok {
			list = append(list, host.System{Info: i, Addr: addr, Settings: c.Settings[i.Name]})
		}
	}
	return list
}

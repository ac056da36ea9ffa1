package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// seconds is the length of one pgbench run.
const seconds = "4"

// postgres starts a PostgreSQL with default settings and returns its loads.
func postgres(root string, d *daemon.Daemon) ([]load, func(), error) {
	pgbench, err := tool("pgbench")
	if err != nil {
		return nil, nil, err
	}
	peer, stop, err := startPostgres(root)
	if err != nil {
		return nil, nil, err
	}
	for _, addr := range []string{d.Addr["postgres"], peer} {
		host, port, _ := net.SplitHostPort(addr)
		db := "postgres"
		if addr != peer {
			db = "main"
		}
		out, err := exec.Command(pgbench, "-i", "-q", "-s", "10", "-h", host, "-p", port, "-U", "postgres", db).CombinedOutput()
		if err != nil {
			stop()
			return nil, nil, fmt.Errorf("pgbench -i on %s: %w\n%s", addr, err, out)
		}
	}
	bench := func(addr, db string, args ...string) func() (float64, error) {
		host, port, _ := net.SplitHostPort(addr)
		all := append([]string{"-n", "-T", seconds, "-j", "2", "-h", host, "-p", port, "-U", "postgres"}, args...)
		return func() (float64, error) { return number(`tps = ([0-9.]+)`, pgbench, append(all, db)...) }
	}
	var loads []load
	for _, l := range []struct {
		name, goal string
		args       []string
	}{
		{"pgbench -S prepared c=16", "1.2", []string{"-S", "-M", "prepared", "-c", "16"}},
		{"pgbench -S simple c=16", "-", []string{"-S", "-M", "simple", "-c", "16"}},
		{"pgbench -N prepared c=16", "-", []string{"-N", "-M", "prepared", "-c", "16"}},
		{"pgbench TPC-B prepared c=16", "-", []string{"-M", "prepared", "-c", "16"}},
	} {
		loads = append(loads, load{name: l.name, unit: "tps", goal: l.goal,
			ours: bench(d.Addr["postgres"], "main", l.args...), peer: bench(peer, "postgres", l.args...)})
	}
	return loads, stop, nil
}

// startPostgres makes and starts a cluster; as root it runs as user postgres.
func startPostgres(root string) (addr string, stop func(), err error) {
	initdb, err := tool("initdb")
	if err != nil {
		return "", nil, err
	}
	pgctl, err := tool("pg_ctl")
	if err != nil {
		return "", nil, err
	}
	port, err := daemon.FreePort()
	if err != nil {
		return "", nil, err
	}
	dir := filepath.Join(root, "pg")
	as := func(args ...string) *exec.Cmd {
		if os.Getuid() == 0 {
			return exec.Command("runuser", append([]string{"-u", "postgres", "--"}, args...)...)
		}
		return exec.Command(args[0], args[1:]...)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", nil, err
	}
	if os.Getuid() == 0 {
		if out, err := exec.Command("chown", "postgres", dir).CombinedOutput(); err != nil {
			return "", nil, fmt.Errorf("chown: %w\n%s", err, out)
		}
	}
	if out, err := as(initdb, "-A", "trust", "-U", "postgres", "-D", dir).CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("initdb: %w\n%s", err, out)
	}
	options := fmt.Sprintf("-p %d -k %s -c listen_addresses=127.0.0.1", port, dir)
	if out, err := as(pgctl, "-D", dir, "-w", "-l", filepath.Join(dir, "log"), "-o", options, "start").CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("pg_ctl: %w\n%s", err, out)
	}
	return fmt.Sprintf("127.0.0.1:%d", port), func() { _ = as(pgctl, "-D", dir, "-m", "immediate", "stop").Run() }, nil
}

// redis starts two Redis servers, durable and in memory, and returns the loads.
func redis(root string, d *daemon.Daemon) ([]load, func(), error) {
	server, err := tool("redis-server")
	if err != nil {
		return nil, nil, err
	}
	client, err := tool("redis-benchmark")
	if err != nil {
		return nil, nil, err
	}
	var stops []func()
	stop := func() {
		for _, f := range stops {
			f()
		}
	}
	serve := func(name string, args ...string) (string, error) {
		port, err := daemon.FreePort()
		if err != nil {
			return "", err
		}
		dir := filepath.Join(root, name)
		if err := os.Mkdir(dir, 0o755); err != nil {
			return "", err
		}
		cmd := exec.Command(server, append([]string{"--port", fmt.Sprint(port), "--bind", "127.0.0.1", "--dir", dir}, args...)...)
		if err := cmd.Start(); err != nil {
			return "", err
		}
		stops = append(stops, func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
		addr := fmt.Sprintf("127.0.0.1:%d", port)
		for range 100 {
			if c, err := net.Dial("tcp", addr); err == nil {
				return addr, c.Close()
			}
			time.Sleep(20 * time.Millisecond)
		}
		return "", fmt.Errorf("redis-server did not start")
	}
	durable, err := serve("redis-aof", "--save", "", "--appendonly", "yes", "--appendfsync", "always")
	if err != nil {
		stop()
		return nil, nil, err
	}
	bench := func(addr, test, pipe string) func() (float64, error) {
		host, port, _ := net.SplitHostPort(addr)
		n := "100000"
		if pipe != "1" {
			n = "400000"
		}
		return func() (float64, error) {
			return number(`(?m)^"`+strings.ToUpper(test)+`[^"]*","([0-9.]+)"`, client, "-h", host, "-p", port,
				"-t", strings.ToLower(test), "-n", n, "-c", "50", "-d", "100", "-r", "100000", "-P", pipe, "--csv")
		}
	}
	var loads []load
	for _, test := range []string{"SET", "GET"} {
		for _, pipe := range []string{"1", "16"} {
			goal := "-"
			if test == "GET" && pipe == "1" {
				goal = "0.6"
			}
			loads = append(loads, load{name: "redis " + test + " -P " + pipe, unit: "op/s", goal: goal,
				ours: bench(d.Addr["redis"], test, pipe), peer: bench(durable, test, pipe)})
		}
	}
	return loads, stop, nil
}

package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
)

// startRedis starts two Redis servers, one durable and one in memory, and
// returns redis-benchmark loads.
func startRedis(b *bench) ([]load, func(), error) {
	server, err := tool("redis-server", "redis-server")
	if err != nil {
		return nil, nil, err
	}
	program, err := tool("redis-benchmark", "redis-tools")
	if err != nil {
		return nil, nil, err
	}
	b.vers = append(b.vers, version(server, "--version"))
	durable, stop1, err := redisServer(b, server, "redis-aof", "--save", "", "--appendonly", "yes", "--appendfsync", "always")
	if err != nil {
		return nil, nil, err
	}
	memory, stop2, err := redisServer(b, server, "redis-mem", "--save", "", "--appendonly", "no")
	if err != nil {
		stop1()
		return nil, nil, err
	}
	stop := func() { stop1(); stop2() }
	if err := redisDurable(durable); err != nil {
		stop()
		return nil, nil, err
	}
	var loads []load
	for _, kind := range []struct {
		peer  *side
		label string
	}{{&durable, ""}, {&memory, ", peer without persistence"}} {
		for _, test := range []string{"GET", "SET", "INCR", "LPUSH", "HSET", "ZADD"} {
			if kind.label != "" && test != "GET" && test != "SET" {
				continue // enough to see what durability costs
			}
			for _, pipe := range []string{"1", "16"} {
				goal := map[string]string{"GET1": "0.85", "GET16": "0.8", "SET1": "1.0", "INCR1": "1.0", "HSET1": "1.0",
					"SET16": "0.6", "INCR16": "0.6", "HSET16": "0.6"}[test+pipe]
				if kind.label != "" {
					goal = ""
				}
				loads = append(loads, load{name: "redis " + test + " -P " + pipe + kind.label, unit: "op/s", goal: goal, peer: kind.peer,
					run: func(s side) (result, error) { return runRedis(program, s, test, pipe) }})
			}
		}
	}
	return loads, stop, nil
}

// runRedis runs redis-benchmark with 50 clients, random keys and values of 100
// bytes.
func runRedis(program string, s side, test, pipe string) (result, error) {
	host, port, _ := net.SplitHostPort(s.addr)
	n := 15000 * *seconds
	if pipe != "1" {
		n *= 3
	}
	out, err := output(program, "-h", host, "-p", port, "-t", strings.ToLower(test), "-n", fmt.Sprint(n), "-c", "50", "-d", "100",
		"-r", "100000", "-P", pipe, "--csv")
	if err != nil {
		return result{}, err
	}
	if strings.Contains(strings.ToLower(out), "error") {
		return result{}, fmt.Errorf("redis-benchmark: %s", out)
	}
	rate, err := number(out, `(?m)^"`+test+`[^"]*","([0-9.]+)"`)
	return result{rate, float64(n)}, err
}

// redisServer starts one.
func redisServer(b *bench, program, name string, args ...string) (s side, stop func(), err error) {
	addr, port, err := freeAddr()
	if err != nil {
		return s, nil, err
	}
	dir := filepath.Join(b.root, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return s, nil, err
	}
	pid, stop, err := serve(addr, program, append([]string{"--port", port, "--bind", "127.0.0.1", "--dir", dir}, args...)...)
	return side{addr: addr, pid: pid}, stop, err
}

// redisDurable refuses a peer that does not sync each write.
func redisDurable(s side) error {
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Write([]byte("CONFIG GET append*\r\n")); err != nil {
		return err
	}
	buf := make([]byte, 4096)
	n, err := c.Read(buf)
	if text := string(buf[:n]); err != nil || !strings.Contains(text, "always") || !strings.Contains(text, "yes") {
		return fmt.Errorf("durability differs: the peer has %q (%v)", text, err)
	}
	return nil
}

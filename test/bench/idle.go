package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/bson"
	"golang.org/x/sys/unix"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// idleGroup keeps connections until they are all closed.
type idleGroup struct {
	mu    sync.Mutex
	close []func()
}

// idleConnections opens connections of all five wires, each of which has done
// one request, and measures what they cost while nothing happens.
func idleConnections(root string) ([]figure, error) {
	var lim unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &lim); err != nil {
		return nil, err
	}
	lim.Cur = lim.Max
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &lim); err != nil || lim.Cur < uint64(*idleCount)+1000 {
		return nil, fmt.Errorf("open files are limited to %d (%v)", lim.Cur, err)
	}
	d, err := daemon.Start(filepath.Join(root, "connections"), []string{"postgres", "mysql", "redis", "mongo", "nats"},
		"--set", fmt.Sprintf("limits.connections=%d", *idleCount+100))
	if err != nil {
		return nil, err
	}
	defer func() { _ = d.Stop() }()
	before := rss(d.PID())
	g := &idleGroup{}
	defer func() {
		for _, f := range g.close {
			f()
		}
	}()
	for _, w := range []struct {
		name string
		open func(addr string) (func(), error)
	}{{"postgres", idlePostgres}, {"mysql", idleMySQL}, {"redis", idleRedis}, {"mongo", idleMongo}, {"nats", idleNATS}} {
		start := rss(d.PID())
		if err := g.open(*idleCount/5, func() (func(), error) { return w.open(d.Addr[w.name]) }); err != nil {
			return nil, fmt.Errorf("%s: %w\n%s", w.name, err, d.Log())
		}
		log.Printf("idle %s: %d KiB a connection", w.name, (rss(d.PID())-start)/int64(*idleCount/5)>>10)
	}
	time.Sleep(10 * time.Second) // what idle connections give back, they have given back
	cpu, start := cpuMicros(d.PID()), time.Now()
	time.Sleep(5 * time.Second)
	used := (cpuMicros(d.PID()) - cpu) / float64(time.Since(start).Microseconds()) * 100
	after := rss(d.PID())
	return []figure{
		{fmt.Sprintf("memory (RSS) with %d idle connections, five wires", *idleCount), fmt.Sprintf("%d MiB", after>>20), "350 MiB"},
		{"memory of an idle connection", fmt.Sprintf("%d KiB", (after-before)/int64(*idleCount)>>10), "32 KiB"},
		{"processor while they are idle", fmt.Sprintf("%.1f %%", used), "2 %"},
	}, nil
}

// open opens n connections, sixteen at a time.
func (g *idleGroup) open(n int, open func() (func(), error)) error {
	var next atomic.Int64
	var group sync.WaitGroup
	errs := make(chan error, 16)
	for range 16 {
		group.Go(func() {
			for next.Add(1) <= int64(n) {
				end, err := open()
				if err != nil {
					errs <- err
					return
				}
				g.mu.Lock()
				g.close = append(g.close, end)
				g.mu.Unlock()
			}
		})
	}
	group.Wait()
	close(errs)
	return <-errs
}

// idlePostgres runs one query.
func idlePostgres(addr string) (func(), error) {
	c, err := pgx.Connect(context.Background(), "postgres://u@"+addr+"/main?sslmode=disable")
	if err != nil {
		return nil, err
	}
	_, err = c.Exec(context.Background(), "SELECT 1")
	return func() { _ = c.Close(context.Background()) }, err
}

// idleMySQL runs one query.
func idleMySQL(addr string) (func(), error) {
	c, err := client.Connect(addr, "root", "", "main")
	if err != nil {
		return nil, err
	}
	_, err = c.Execute("SELECT 1")
	return func() { _ = c.Close() }, err
}

// idleRedis sends PING.
func idleRedis(addr string) (func(), error) {
	return dialogue(addr, false, []byte("*1\r\n$4\r\nPING\r\n"), "PONG")
}

// idleNATS sends CONNECT.
func idleNATS(addr string) (func(), error) {
	return dialogue(addr, true, []byte("CONNECT {\"verbose\":false}\r\nPING\r\n"), "PONG")
}

// idleMongo sends hello.
func idleMongo(addr string) (func(), error) {
	doc, err := bson.Marshal(bson.D{{Key: "hello", Value: 1}, {Key: "$db", Value: "admin"}})
	if err != nil {
		return nil, err
	}
	msg := make([]byte, 21, 21+len(doc))
	binary.LittleEndian.PutUint32(msg, uint32(21+len(doc)))
	binary.LittleEndian.PutUint32(msg[4:], 1)
	binary.LittleEndian.PutUint32(msg[12:], 2013) // OP_MSG; flags and section kind are 0
	return dialogue(addr, false, append(msg, doc...), "isWritablePrimary")
}

// dialogue connects, reads a greeting if the server speaks first, sends a
// request and waits for an answer that contains a word.
func dialogue(addr string, greeting bool, request []byte, want string) (func(), error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	buf := make([]byte, 4096)
	n := 0
	if greeting {
		_, err = c.Read(buf)
	}
	if err == nil {
		_, err = c.Write(request)
	}
	if err == nil {
		n, err = c.Read(buf)
	}
	if err == nil && !bytes.Contains(buf[:n], []byte(want)) {
		err = fmt.Errorf("answer %q", buf[:n])
	}
	if err != nil {
		_ = c.Close()
		return nil, err
	}
	return func() { _ = c.Close() }, nil
}

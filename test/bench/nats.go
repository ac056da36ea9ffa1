package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// messageSize is the payload of NATS loads.
const messageSize = 128

// streams numbers the streams of JetStream loads: each run has a new one.
var streams atomic.Int64

// startNATS builds and starts the nats-server of go.mod and returns its loads.
// Both sides keep JetStream's default sync interval.
func startNATS(b *bench) ([]load, func(), error) {
	program := filepath.Join(b.root, "nats-server")
	if _, err := output("go", "build", "-o", program, "github.com/nats-io/nats-server/v2"); err != nil {
		return nil, nil, err
	}
	addr, port, err := freeAddr()
	if err != nil {
		return nil, nil, err
	}
	pid, stop, err := serve(addr, program, "-a", "127.0.0.1", "-p", port, "-js", "-sd", filepath.Join(b.root, "jetstream"))
	if err != nil {
		return nil, nil, err
	}
	b.vers = append(b.vers, version(program, "--version"))
	peer := side{addr: addr, pid: pid}
	var loads []load
	for _, l := range []struct {
		name, goal string
		run        func(s side) (result, error)
	}{
		{"core publish", "0.95", corePublish},
		{"core publish and receive", "0.95", coreReceive},
		{"JetStream publish c=8", "0.95", func(s side) (result, error) { return jetPublish(s, 8) }},
		{"JetStream publish async, 256 in flight", "0.95", jetAsync},
	} {
		loads = append(loads, load{name: l.name, unit: "msg/s", goal: l.goal, run: l.run, peer: &peer})
	}
	return loads, stop, nil
}

// corePublish publishes to nobody.
func corePublish(s side) (result, error) {
	c, err := nats.Connect(s.addr)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	payload := make([]byte, messageSize)
	return timed(1, func(int) (int, error) {
		for range 10000 {
			if err := c.Publish("bench.core", payload); err != nil {
				return 0, err
			}
		}
		return 10000, c.Flush()
	})
}

// coreReceive publishes batches and waits until a subscriber has each.
func coreReceive(s side) (result, error) {
	c, err := nats.Connect(s.addr)
	if err != nil {
		return result{}, err
	}
	defer c.Close()
	sub, err := nats.Connect(s.addr)
	if err != nil {
		return result{}, err
	}
	defer sub.Close()
	const batch = 10000
	got, all := 0, make(chan struct{}, 1)
	_, err = sub.Subscribe("bench.sub", func(*nats.Msg) {
		if got++; got%batch == 0 {
			all <- struct{}{}
		}
	})
	if err != nil {
		return result{}, err
	}
	if err := sub.Flush(); err != nil {
		return result{}, err
	}
	payload := make([]byte, messageSize)
	return timed(1, func(int) (int, error) {
		for range batch {
			if err := c.Publish("bench.sub", payload); err != nil {
				return 0, err
			}
		}
		if err := c.Flush(); err != nil {
			return 0, err
		}
		select {
		case <-all:
			return batch, nil
		case <-time.After(10 * time.Second):
			return 0, errors.New("messages are missing")
		}
	})
}

// stream makes a file stream for one run.
func stream(s side) (js jetstream.JetStream, subject string, end func(), err error) {
	c, err := nats.Connect(s.addr)
	if err != nil {
		return nil, "", nil, err
	}
	js, err = jetstream.New(c, jetstream.WithPublishAsyncMaxPending(256))
	if err != nil {
		return nil, "", nil, err
	}
	name := fmt.Sprintf("bench%d", streams.Add(1))
	_, err = js.CreateStream(context.Background(), jetstream.StreamConfig{Name: name, Subjects: []string{name + ".>"}, Storage: jetstream.FileStorage})
	end = func() { _ = js.DeleteStream(context.Background(), name); c.Close() }
	return js, name + ".x", end, err
}

// jetPublish publishes with some clients that each wait for the answer.
func jetPublish(s side, clients int) (result, error) {
	_, subject, end, err := stream(s)
	if err != nil {
		return result{}, err
	}
	defer end()
	list := make([]jetstream.JetStream, clients)
	for i := range list {
		c, err := nats.Connect(s.addr)
		if err != nil {
			return result{}, err
		}
		defer c.Close()
		if list[i], err = jetstream.New(c); err != nil {
			return result{}, err
		}
	}
	payload := make([]byte, messageSize)
	return timed(clients, func(i int) (int, error) {
		_, err := list[i].Publish(context.Background(), subject, payload)
		return 1, err
	})
}

// jetAsync publishes with many messages in flight.
func jetAsync(s side) (result, error) {
	js, subject, end, err := stream(s)
	if err != nil {
		return result{}, err
	}
	defer end()
	payload := make([]byte, messageSize)
	return timed(1, func(int) (int, error) {
		for range 2000 {
			if _, err := js.PublishAsync(subject, payload); err != nil {
				return 0, err
			}
		}
		select {
		case <-js.PublishAsyncComplete():
			return 2000, nil
		case <-time.After(10 * time.Second):
			return 0, errors.New("acknowledgements are missing")
		}
	})
}

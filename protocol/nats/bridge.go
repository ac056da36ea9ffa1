// The bridge: requests on db.<database>.<family>.<verb>.
//
// One operation a request, one JSON object a reply. A message without a reply
// subject runs too; its answer goes nowhere. Requests of one client may run at
// the same time. Left out: transactions, streaming replies, subscriptions.

package nats

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	natsd "github.com/nats-io/nats-server/v2/server"
	natsgo "github.com/nats-io/nats.go"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// Bounds of the bridge.
const (
	maxRunning  = 256              // operations at once
	maxWaiting  = 65536            // requests that wait for their turn
	waitBytes   = 64 << 20         // their bytes
	requestTime = 30 * time.Second // longest operation
)

// bridge answers requests through an in-process client.
type bridge struct {
	env     protocol.Env
	conn    *natsgo.Conn
	ctx     context.Context
	cancel  context.CancelFunc
	running sync.WaitGroup
	slots   chan struct{}
	lastID  atomic.Uint64
	payload int
}

// newBridge connects to the embedded server and subscribes.
func newBridge(env protocol.Env, daemon *natsd.Server, secret string) (*bridge, error) {
	conn, err := natsgo.Connect("", natsgo.InProcessServer(daemon), natsgo.UserInfo(bridgeUser, secret), natsgo.Name("dotdo-proxy bridge"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	b := &bridge{env: env, conn: conn, ctx: ctx, cancel: cancel, slots: make(chan struct{}, maxRunning), payload: int(conn.MaxPayload())}
	sub, err := conn.QueueSubscribe("db.>", "dotdo", b.receive)
	if err == nil {
		err = sub.SetPendingLimits(maxWaiting, waitBytes)
	}
	if err == nil {
		err = conn.Flush()
	}
	if err != nil {
		conn.Close()
		cancel()
		return nil, err
	}
	return b, nil
}

// close answers what has arrived, then disconnects.
func (b *bridge) close(ctx context.Context) error {
	closed := make(chan struct{})
	b.conn.SetClosedHandler(func(*natsgo.Conn) { close(closed) })
	if err := b.conn.Drain(); err != nil {
		b.conn.Close()
	}
	select {
	case <-closed:
	case <-ctx.Done():
		b.conn.Close()
	}
	b.cancel()
	b.running.Wait()
	return nil
}

// receive takes one message. It waits when maxRunning operations run, so the
// rest waits in the subscription.
func (b *bridge) receive(m *natsgo.Msg) {
	b.slots <- struct{}{}
	b.running.Add(1)
	go func() {
		defer func() {
			<-b.slots
			b.running.Done()
		}()
		b.answer(m)
	}()
}

// answer runs a request and replies.
func (b *bridge) answer(m *natsgo.Msg) {
	out, err := b.handle(m.Subject, m.Data)
	if err == nil && len(out) > b.payload {
		err = op.Errorf(op.TooLarge, "the reply has %d bytes, the largest message %d", len(out), b.payload)
	}
	if err != nil {
		out = errorJSON(err)
		if op.CodeOf(err) == op.Internal {
			b.env.Log.Error("bridge request failed", "subject", m.Subject, "err", err)
		}
	}
	if m.Reply == "" {
		return
	}
	if err := m.Respond(out); err != nil && !errors.Is(err, natsgo.ErrConnectionClosed) {
		b.env.Log.Warn("bridge reply failed", "subject", m.Subject, "err", err)
	}
}

// handle runs one request. A panic below becomes an internal error: it must
// not end the daemon.
func (b *bridge) handle(subject string, data []byte) (out []byte, err error) {
	defer func() {
		if r := recover(); r != nil {
			out, err = nil, &op.Error{Code: op.Internal, Msg: "internal error", Err: fmt.Errorf("panic: %v", r)}
		}
	}()
	database, verb, err := parseSubject(subject)
	if err != nil {
		return nil, err
	}
	do, ok := verbs[verb]
	if !ok && !strings.HasPrefix(verb, "kv.") {
		return nil, op.Errorf(op.Unsupported, "no operation %q; there are %s", verb, verbList())
	}
	if !ok {
		do = kvCommand
	}
	ctx, cancel := context.WithTimeout(b.ctx, requestTime)
	defer cancel()
	deadline, _ := ctx.Deadline()
	r := &request{ctx: ctx, bridge: b, database: database, verb: verb, data: data, deadline: deadline}
	// Each time, not once: the database may have been dropped meanwhile.
	reply, err := r.do(&ctl.OpenDatabase{Name: database})
	if err != nil {
		return nil, err
	}
	if _, err := op.Drain(ctx, reply); err != nil {
		return nil, err
	}
	return do(r)
}

// parseSubject splits db.<database>.<family>.<verb>.
func parseSubject(subject string) (database, verb string, err error) {
	part := strings.Split(subject, ".")
	if len(part) != 4 || part[0] != "db" || part[1] == "" {
		return "", "", op.Errorf(op.InvalidArgument, "subject %q is not db.<database>.<family>.<verb>", subject)
	}
	return part[1], strings.ToLower(part[2] + "." + part[3]), nil
}

// request is one message on its way.
type request struct {
	ctx      context.Context // of this request alone
	bridge   *bridge
	database string
	verb     string
	data     []byte
	deadline time.Time
}

// do runs a body on the request's database.
func (r *request) do(body op.Body) (op.Reply, error) {
	return r.bridge.env.Exec.Do(r.ctx, &op.Op{
		ID: r.bridge.lastID.Add(1), Target: op.Target{Database: r.database, Shard: -1}, Deadline: r.deadline, Body: body,
	})
}

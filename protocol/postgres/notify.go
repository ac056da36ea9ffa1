package postgres

import (
	"context"
	"encoding/binary"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// space is the name space of LISTEN channels.
const space = "postgres"

// listening is one LISTEN: an open subscription and the goroutine that reads
// it.
type listening struct {
	reply  op.Reply
	cancel context.CancelFunc
	ended  chan struct{}
}

// notifyStmt runs LISTEN, UNLISTEN and NOTIFY. In a transaction they take
// effect when it commits.
func (s *session) notifyStmt(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	var act func(context.Context) error
	switch st.Kind {
	case rel.KindNotify:
		payload := ""
		if len(x.Args) > 0 {
			payload = x.Args[0]
		}
		if err := s.publish(ctx, x.Name, payload); err != nil {
			return nil, err
		}
		return tagged("NOTIFY"), nil
	case rel.KindListen:
		act = func(ctx context.Context) error { return s.listen(ctx, x.Name) }
	default:
		act = func(context.Context) error {
			if x.Name == "" || x.Name == "*" {
				s.unlistenAll()
			} else {
				s.unlisten(x.Name)
			}
			return nil
		}
	}
	if s.txn.id != 0 {
		s.txn.listen = append(s.txn.listen, act)
	} else if err := act(ctx); err != nil {
		return nil, err
	}
	return tagged(x.Word), nil
}

// publish sends a notification, at commit when a transaction is open.
func (s *session) publish(ctx context.Context, channel, payload string) error {
	if channel == "" {
		return stateErrorf("22023", "channel name cannot be empty")
	}
	if len(payload) >= 8000 {
		return stateErrorf("22023", "payload string too long")
	}
	m := msg.Publish{Space: space, Topic: channel, Payload: []byte(payload), Headers: []string{"pid", itoa(int(s.ps.ID))}}
	if s.txn.id != 0 {
		s.queueNotify(m)
		return nil
	}
	_, err := s.done(ctx, &m)
	return err
}

// queueNotify keeps a message until commit; equal ones are sent once.
func (s *session) queueNotify(m msg.Publish) {
	for _, q := range s.txn.notify {
		if q.Topic == m.Topic && string(q.Payload) == string(m.Payload) {
			return
		}
	}
	s.txn.notify = append(s.txn.notify, m)
}

// listen subscribes to a channel.
func (s *session) listen(_ context.Context, channel string) error {
	if _, ok := s.listens[channel]; ok {
		return nil
	}
	ctx, cancel := context.WithCancel(s.ctx) // outlives the statement
	r, err := s.do(ctx, &msg.Subscribe{Space: space, Topics: []string{channel}})
	if err != nil {
		cancel()
		return err
	}
	l := &listening{reply: r, cancel: cancel, ended: make(chan struct{})}
	s.listens[channel] = l
	go func() {
		defer close(l.ended)
		for {
			f, err := r.Next(ctx)
			if err != nil {
				return
			}
			if rs, ok := f.(*op.Records); ok {
				for i := range rs.Records {
					s.w.notify(notification(&rs.Records[i]))
				}
			}
		}
	}()
	return nil
}

// notification encodes NotificationResponse.
func notification(r *op.Record) []byte {
	pid := 0
	for i := 0; i+1 < len(r.Headers); i += 2 {
		if r.Headers[i] == "pid" {
			pid, _ = strconv.Atoi(r.Headers[i+1]) // 0 for a sender without one
		}
	}
	b := []byte{'A', 0, 0, 0, 0}
	b = binary.BigEndian.AppendUint32(b, uint32(pid))
	b = append(append(b, r.Topic...), 0)
	b = append(append(b, r.Payload...), 0)
	binary.BigEndian.PutUint32(b[1:], uint32(len(b)-1))
	return b
}

// unlisten ends one subscription and waits for its goroutine.
func (s *session) unlisten(channel string) {
	l, ok := s.listens[channel]
	if !ok {
		return
	}
	delete(s.listens, channel)
	l.cancel()
	_ = l.reply.Close() // it only carried messages that are no longer wanted
	<-l.ended
}

// unlistenAll ends every subscription.
func (s *session) unlistenAll() {
	for c := range s.listens {
		s.unlisten(c)
	}
}

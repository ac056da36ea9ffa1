package redis

import (
	"bytes"
	"context"
	"sort"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE and their opposites, PUBLISH, SPUBLISH,
// PUBSUB. A connection has at most one plain and one sharded subscription; all
// its channels share the subscription's queue, which keeps their order.

// spaces are the name spaces of channels: plain and sharded.
var spaces = [2]string{"redis", "redis.shard"}

// subscription is an open subscription of a connection. The writer's lock
// guards the tables.
type subscription struct {
	kind     int
	reply    op.Reply
	topics   map[string]bool
	patterns map[string]bool
	done     chan struct{} // closed when the pump ended
}

// subscribed reports whether the connection listens to anything.
func (c *conn) subscribed() bool { return c.subs[0] != nil || c.subs[1] != nil }

// size is the number of channels of a subscription; s may be nil.
func (s *subscription) size() int {
	if s == nil {
		return 0
	}
	return len(s.topics) + len(s.patterns)
}

// texts copies arguments to strings.
func texts(args [][]byte) []string {
	list := make([]string, len(args))
	for i, a := range args {
		list[i] = string(a)
	}
	return list
}

// listen adds channels or patterns and confirms each.
func (c *conn) listen(kind int, word string, topics, patterns []string) {
	s := c.subs[kind]
	if s == nil {
		r, err := c.do(c.ctx, &msg.Subscribe{Space: spaces[kind], ID: c.id, Topics: topics, Patterns: patterns})
		if err != nil {
			c.w.error(errorText(err))
			return
		}
		s = &subscription{kind: kind, reply: r, topics: map[string]bool{}, patterns: map[string]bool{}, done: make(chan struct{})}
		c.subs[kind] = s
		_ = c.net.SetReadDeadline(noDeadline) // a subscriber may be silent; fails only on a closed connection
		if c.ctx.Err() != nil {
			c.interrupt()
		}
		go c.pump(s)
	} else if err := c.adjust(kind, topics, patterns, false); err != nil {
		c.w.error(errorText(err))
		return
	}
	for _, t := range topics {
		s.topics[t] = true
		c.confirm(word, &t, s.size())
	}
	for _, p := range patterns {
		s.patterns[p] = true
		c.confirm(word, &p, s.size())
	}
}

// adjust changes the names of an open subscription.
func (c *conn) adjust(kind int, topics, patterns []string, remove bool) error {
	r, err := c.do(c.ctx, &msg.Adjust{Space: spaces[kind], ID: c.id, Topics: topics, Patterns: patterns, Remove: remove})
	if err == nil {
		_, err = op.Drain(c.ctx, r)
	}
	return err
}

// confirm writes the answer for one channel.
func (c *conn) confirm(word string, name *string, n int) {
	c.w.push(3)
	c.w.text(word)
	if name == nil {
		c.w.null()
	} else {
		c.w.text(*name)
	}
	c.w.int(int64(n))
}

// leave removes channels or patterns; no names mean all of them.
func (c *conn) leave(kind int, word string, names []string, patterns bool) {
	s := c.subs[kind]
	var table map[string]bool
	if s != nil {
		table = s.topics
		if patterns {
			table = s.patterns
		}
	}
	if names == nil {
		for n := range table {
			names = append(names, n)
		}
		sort.Strings(names)
		if len(names) == 0 {
			c.confirm(word, nil, s.size())
			return
		}
	}
	if s != nil {
		var err error
		if patterns {
			err = c.adjust(kind, nil, names, true)
		} else {
			err = c.adjust(kind, names, nil, true)
		}
		if err != nil && op.CodeOf(err) != op.NotFound {
			c.w.error(errorText(err))
			return
		}
	}
	for _, n := range names {
		delete(table, n)
		c.confirm(word, &n, s.size())
	}
	if s != nil && s.size() == 0 {
		c.subs[kind] = nil
		_ = s.reply.Close() // in memory, cannot fail
	}
}

// endSubscriptions closes what the connection listens to and waits for its
// pumps. The writer's lock is not held.
func (c *conn) endSubscriptions() {
	for kind, s := range c.subs {
		if s != nil {
			c.subs[kind] = nil
			_ = s.reply.Close() // in memory, cannot fail
			<-s.done
		}
	}
}

// pump writes the messages of a subscription between replies until it ends. A
// client that does not take them loses its connection.
func (c *conn) pump(s *subscription) {
	defer close(s.done)
	for {
		f, err := s.reply.Next(context.WithoutCancel(c.ctx))
		if err != nil {
			if op.CodeOf(err) == op.Unavailable {
				c.session.Kill()
			}
			return
		}
		list, ok := f.(*op.Records)
		if !ok {
			continue
		}
		c.w.mu.Lock()
		for i := range list.Records {
			c.deliver(s, &list.Records[i])
		}
		_ = c.net.SetWriteDeadline(time.Now().Add(writeTimeout)) // fails only on a closed connection
		err = c.w.flush()
		_ = c.net.SetWriteDeadline(noDeadline)
		c.w.mu.Unlock()
		if err != nil {
			c.session.Kill()
			return
		}
	}
}

// deliver writes one message, unless its channel was left meanwhile.
func (c *conn) deliver(s *subscription, r *op.Record) {
	switch {
	case r.Pattern != "":
		if !s.patterns[r.Pattern] {
			return
		}
		c.w.push(4)
		c.w.text("pmessage")
		c.w.text(r.Pattern)
	case !s.topics[r.Topic]:
		return
	case s.kind == 1:
		c.w.push(3)
		c.w.text("smessage")
	default:
		c.w.push(3)
		c.w.text("message")
	}
	c.w.text(r.Topic)
	c.w.bulk(r.Payload)
}

// subscribe implements SUBSCRIBE.
func subscribe(c *conn, args [][]byte) { c.listen(0, "subscribe", texts(args), nil) }

// psubscribe implements PSUBSCRIBE.
func psubscribe(c *conn, args [][]byte) { c.listen(0, "psubscribe", nil, texts(args)) }

// ssubscribe implements SSUBSCRIBE.
func ssubscribe(c *conn, args [][]byte) { c.listen(1, "ssubscribe", texts(args), nil) }

// names is texts, nil for none.
func names(args [][]byte) []string {
	if len(args) == 0 {
		return nil
	}
	return texts(args)
}

// unsubscribe implements UNSUBSCRIBE.
func unsubscribe(c *conn, args [][]byte) { c.leave(0, "unsubscribe", names(args), false) }

// punsubscribe implements PUNSUBSCRIBE.
func punsubscribe(c *conn, args [][]byte) { c.leave(0, "punsubscribe", names(args), true) }

// sunsubscribe implements SUNSUBSCRIBE.
func sunsubscribe(c *conn, args [][]byte) { c.leave(1, "sunsubscribe", names(args), false) }

// publish implements PUBLISH.
func publish(c *conn, args [][]byte) { c.send(0, args) }

// spublish implements SPUBLISH.
func spublish(c *conn, args [][]byte) { c.send(1, args) }

// send publishes a message.
func (c *conn) send(kind int, args [][]byte) {
	v, err := c.value(&msg.Publish{Space: spaces[kind], Topic: string(args[0]), Payload: args[1]})
	c.answer(v, err, 0, len(args))
}

// pubsub implements PUBSUB.
func pubsub(c *conn, args [][]byte) {
	kind := 0
	sub := bytes.ToUpper(args[0])
	if bytes.HasPrefix(sub, []byte("SHARD")) {
		kind, sub = 1, sub[len("SHARD"):]
	}
	t := &msg.Topics{Space: spaces[kind]}
	switch {
	case string(sub) == "CHANNELS" && len(args) <= 2:
		if len(args) == 2 {
			t.Pattern = string(args[1])
		}
	case string(sub) == "NUMSUB":
		t.Names = texts(args[1:])
	case string(sub) == "NUMPAT" && kind == 0 && len(args) == 1:
		t.Names = []string{}
	default:
		c.badSub("PUBSUB", args, "CHANNELS", "NUMSUB", "NUMPAT", "SHARDCHANNELS", "SHARDNUMSUB")
		return
	}
	r, err := c.do(c.ctx, t)
	if err != nil {
		c.w.error(errorText(err))
		return
	}
	var list []op.Value
	if f, err := r.Next(c.ctx); err == nil {
		if v, ok := f.(*op.Values); ok {
			list = v.Values
		}
	}
	done, err := op.Drain(c.ctx, r)
	switch {
	case err != nil:
		c.w.error(errorText(err))
	case string(sub) == "NUMPAT":
		c.w.int(done.Affected)
	case string(sub) == "NUMSUB":
		c.w.array(len(list))
		for i := 0; i+1 < len(list); i += 2 {
			c.w.bulk(list[i].Raw)
			c.w.int(list[i+1].Int())
		}
	default:
		c.w.array(len(list) / 2)
		for i := 0; i+1 < len(list); i += 2 {
			c.w.bulk(list[i].Raw)
		}
	}
}

package redis

import (
	"context"
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/protocol"
)

// muteMode is the state of CLIENT REPLY.
type muteMode uint8

// CLIENT REPLY modes.
const (
	muteOn   muteMode = iota // replies are sent
	muteOff                  // none is
	muteSkip                 // the next one is not
	muteThis                 // this one is not
)

// conn is one client connection. Its goroutine owns everything but the fields
// behind locks.
type conn struct {
	srv     *server
	net     net.Conn
	ctx     context.Context // of the connection; ends with it
	session *protocol.Session
	id      uint64
	r       *reader
	w       writer

	database string
	db       int
	authed   bool
	quit     bool
	mute     muteMode

	batch  batch
	tx     transaction
	subs   [2]*subscription // plain, sharded
	op     op.Op
	single kv.Command

	info struct {
		sync.Mutex
		name, user, libName, libVer, last         string
		created, active                           time.Time
		db, subs, patterns, sharded, multi, proto int
	}
	noEvict, noTouch atomic.Bool
	blocked          atomic.Pointer[blocking]
}

// newConn prepares a connection.
func newConn(ctx context.Context, s *server, nc net.Conn) *conn {
	c := &conn{srv: s, net: nc, ctx: ctx, r: newReader(nc, s.env.Limits.MaxMessage)}
	c.w.dst = nc
	if n := s.env.Limits.PreAuth; n > 0 {
		c.r.preAuth = max(n, readSize)
	}
	c.reset()
	c.info.created = time.Now()
	c.info.active = c.info.created
	return c
}

// reset gives the connection the state of a new one.
func (c *conn) reset() {
	c.w.proto, c.db, c.database = 2, 0, c.srv.env.Database
	c.mute = muteOn
	c.authed = c.srv.env.Auth.Trust()
	c.r.limited = !c.authed
	c.tx = transaction{}
	c.info.Lock()
	c.info.name, c.info.user, c.info.proto, c.info.db, c.info.multi = "", "default", 2, 0, -1
	c.info.Unlock()
}

// interrupt wakes a waiting read because the connection shall end.
func (c *conn) interrupt() { _ = c.net.SetReadDeadline(time.Unix(1, 0)) } // a closed connection needs no waking

// serve runs the connection to its end. The writer's lock is held except while
// it waits for input.
func (c *conn) serve() error {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	for !c.quit {
		args, err := c.r.next()
		if err == errMore {
			c.flushBatch()
			if err := c.w.flush(); err != nil {
				return err
			}
			if err := c.fill(); err != nil {
				return c.ended(err)
			}
			continue
		}
		if err != nil {
			return c.ended(err)
		}
		c.dispatch(args)
		if c.mute == muteThis {
			c.mute = muteOn
		}
		if c.mute == muteSkip {
			c.mute = muteThis
		}
		if len(c.w.buf) > flushAt {
			if err := c.w.flush(); err != nil {
				return err
			}
		}
	}
	c.flushBatch()
	return c.w.flush()
}

// ended closes the dialogue after a failed read. A protocol error is answered.
func (c *conn) ended(err error) error {
	c.flushBatch()
	var p errProtocol
	if errors.As(err, &p) {
		c.w.error("ERR " + p.Error())
		err = nil
	}
	if c.ctx.Err() != nil && errors.Is(err, os.ErrDeadlineExceeded) {
		err = nil
	}
	if e := c.w.flush(); e != nil && err == nil {
		return e
	}
	return err
}

// fill waits for input without the writer's lock.
func (c *conn) fill() error {
	c.w.mu.Unlock()
	defer c.w.mu.Lock()
	limit := c.srv.env.Limits.IdleTimeout
	if !c.authed {
		limit = c.srv.env.Limits.AuthTimeout
	}
	if limit > 0 && c.subs[0] == nil && c.subs[1] == nil {
		if err := c.net.SetReadDeadline(time.Now().Add(limit)); err != nil {
			return err
		}
	}
	if err := c.ctx.Err(); err != nil {
		return os.ErrDeadlineExceeded
	}
	return c.r.fill()
}

// do runs an operation of this connection.
func (c *conn) do(ctx context.Context, body op.Body) (op.Reply, error) {
	c.op = op.Op{Target: op.Target{Database: c.database, Shard: -1}, Session: op.Session{ID: c.id}, Subject: c.subject(), Body: body}
	return c.srv.env.Exec.Do(ctx, &c.op)
}

// subject is the authenticated user.
func (c *conn) subject() string {
	if c.srv.env.Auth.Trust() {
		return ""
	}
	return c.session.User
}

// values runs an operation that answers values.
func (c *conn) values(ctx context.Context, body op.Body) ([]op.Value, error) {
	r, err := c.do(ctx, body)
	if err != nil {
		return nil, err
	}
	return collect(ctx, r)
}

// collect reads the values of a reply and closes it. They stay valid: the
// engines hand out fresh memory.
func collect(ctx context.Context, r op.Reply) ([]op.Value, error) {
	defer r.Close()
	for {
		f, err := r.Next(ctx)
		if err != nil {
			return nil, op.AsError(err)
		}
		if v, ok := f.(*op.Values); ok {
			return v.Values, nil
		}
		if d, ok := f.(*op.Done); ok {
			return []op.Value{op.Int64(d.Affected)}, nil
		}
	}
}

// value runs an operation that answers one value.
func (c *conn) value(body op.Body) (op.Value, error) {
	vs, err := c.values(c.ctx, body)
	if err != nil {
		return op.Null, err
	}
	if len(vs) == 0 {
		return op.Null, op.Errorf(op.Internal, "ERR operation without a value")
	}
	return vs[0], nil
}

// answer writes a value or an error as the reply of a command.
func (c *conn) answer(v op.Value, err error, s shape, args int) {
	if err != nil {
		c.w.error(errorText(err))
		return
	}
	c.w.reply(v, s, args)
}

// cut takes replies from mark on back when the client does not want them.
func (c *conn) cut(mark int, m muteMode) {
	if m == muteOff || m == muteThis {
		c.w.buf = c.w.buf[:mark]
	}
}

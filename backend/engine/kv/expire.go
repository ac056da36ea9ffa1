package kv

import (
	"math"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// expireCommands are the commands on the lifetime of keys.
var expireCommands = map[string]handler{
	"EXPIRE":      func(c *call) (op.Value, error) { return expire(c, 1000, true) },
	"EXPIREAT":    func(c *call) (op.Value, error) { return expire(c, 1000, false) },
	"EXPIRETIME":  func(c *call) (op.Value, error) { return ttl(c, 1000, false) },
	"PERSIST":     persist,
	"PEXPIRE":     func(c *call) (op.Value, error) { return expire(c, 1, true) },
	"PEXPIREAT":   func(c *call) (op.Value, error) { return expire(c, 1, false) },
	"PEXPIRETIME": func(c *call) (op.Value, error) { return ttl(c, 1, false) },
	"PTTL":        func(c *call) (op.Value, error) { return ttl(c, 1, true) },
	"TTL":         func(c *call) (op.Value, error) { return ttl(c, 1000, true) },
}

// alarmExpire wakes the engine to delete expired keys; sweep is how many go in
// one transaction.
const (
	alarmExpire = "kv:expire"
	sweep       = 500
)

// alarm asks for a wake-up when a key expires.
func (c *call) alarm(ms int64) error { return c.tx.SetAlarm(alarmExpire, time.UnixMilli(ms)) }

// Alarm implements engine.Family: it deletes expired keys, some at a time, and
// asks for the next wake-up.
func (e *Engine) Alarm(tx *object.Tx, _ string) error {
	c := e.call(tx, &kv.Command{})
	rows, err := tx.Conn.Query("SELECT id, type, db, key FROM _dotdo_kv WHERE expire > 0 AND expire <= ?1 ORDER BY expire LIMIT ?2", op.Int64(c.now), op.Int64(sweep))
	if err != nil {
		return err
	}
	for _, r := range rows {
		k := key{id: r[0].Int(), typ: r[1].Int(), name: r[3].Raw}
		c.db = int(r[2].Int())
		c.mem.expired.Add(1)
		if _, err := c.run(func(c *call) (op.Value, error) { return op.Null, c.remove(&k) }); err != nil {
			return err
		}
	}
	next, err := c.purgeFields()
	if err != nil {
		return err
	}
	row, err := tx.Conn.Row("SELECT min(expire) FROM _dotdo_kv WHERE expire > 0")
	if err != nil {
		return err
	}
	if at := row[0].Int(); at > 0 && (next == 0 || at < next) {
		next = at
	}
	if next == 0 {
		return nil
	}
	return c.alarm(max(next, c.now+1))
}

// expiry turns a time argument into milliseconds since 1970: unit is its length
// in milliseconds, relative says whether it counts from now.
func (c *call) expiry(n, unit int64, relative bool) (int64, error) {
	if n > math.MaxInt64/unit || n < math.MinInt64/unit {
		return 0, c.badExpire()
	}
	n *= unit
	if relative {
		if n > math.MaxInt64-c.now {
			return 0, c.badExpire()
		}
		n += c.now
	}
	return n, nil
}

// expire implements the EXPIRE commands.
func expire(c *call, unit int64, relative bool) (op.Value, error) {
	n, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	var nx, xx, gt, lt bool
	for _, a := range c.args[2:] {
		switch {
		case is(a, "NX"):
			nx = true
		case is(a, "XX"):
			xx = true
		case is(a, "GT"):
			gt = true
		case is(a, "LT"):
			lt = true
		default:
			return op.Null, bad("Unsupported option %s", a)
		}
	}
	if nx && (xx || gt || lt) {
		return op.Null, bad("NX and XX, GT or LT options at the same time are not compatible")
	}
	if gt && lt {
		return op.Null, bad("GT and LT options at the same time are not compatible")
	}
	at, err := c.expiry(n, unit, relative)
	if err != nil {
		return op.Null, err
	}
	k, err := c.meta(c.args[0])
	if err != nil || k.id == 0 {
		return zero, err
	}
	if nx && k.expire > 0 || xx && k.expire == 0 ||
		gt && (k.expire == 0 || at <= k.expire) || lt && k.expire > 0 && at >= k.expire {
		return zero, nil
	}
	if at <= c.now {
		return one, c.remove(&k)
	}
	k.expire = at
	return one, c.saveExpire(&k)
}

// persist implements PERSIST.
func persist(c *call) (op.Value, error) {
	k, err := c.meta(c.args[0])
	if err != nil || k.id == 0 || k.expire == 0 {
		return zero, err
	}
	k.expire = 0
	return one, c.saveExpire(&k)
}

// ttl implements the commands that read a lifetime.
func ttl(c *call, unit int64, relative bool) (op.Value, error) {
	k, err := c.meta(c.args[0])
	switch {
	case err != nil:
		return op.Null, err
	case k.id == 0:
		return op.Int64(-2), nil
	case k.expire == 0:
		return op.Int64(-1), nil
	case !relative:
		return op.Int64((k.expire + unit/2) / unit), nil
	case unit == 1:
		return op.Int64(k.expire - c.now), nil
	}
	return op.Int64((k.expire - c.now + 500) / 1000), nil
}

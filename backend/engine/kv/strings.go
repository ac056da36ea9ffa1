package kv

import (
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// maxString is the largest string that a command may build out of parts (APPEND,
// SETRANGE, SETBIT, BITFIELD). Each writes the whole string again on the
// object's one writer, so it is far below the largest value that SET takes.
const maxString = 64 << 20

// stringCommands are the commands on strings.
var stringCommands = map[string]handler{
	"APPEND":      appendString,
	"DECR":        func(c *call) (op.Value, error) { return c.incr(-1) },
	"DECRBY":      decrBy,
	"GET":         get,
	"GETDEL":      getDel,
	"GETEX":       getEx,
	"GETRANGE":    getRange,
	"GETSET":      getSet,
	"INCR":        func(c *call) (op.Value, error) { return c.incr(1) },
	"INCRBY":      incrBy,
	"INCRBYFLOAT": incrByFloat,
	"LCS":         lcs,
	"MGET":        mget,
	"MSET":        mset,
	"MSETNX":      msetNX,
	"PSETEX":      func(c *call) (op.Value, error) { return c.setEx(1) },
	"SET":         set,
	"SETEX":       func(c *call) (op.Value, error) { return c.setEx(1000) },
	"SETNX":       setNX,
	"SETRANGE":    setRange,
	"STRLEN":      strLen,
	"SUBSTR":      getRange,
}

// put makes name a string with a value and an expiry, whatever it was.
func (c *call) put(name, value []byte, expire int64) error {
	n, err := c.conn.Run("UPDATE _dotdo_kv SET expire = ?3, version = ?4, n = ?5, value = ?6 WHERE db = ?1 AND key = ?2 AND type = 1",
		op.Int64(int64(c.db)), blob(name), op.Int64(expire), c.version(), op.Int64(int64(len(value))), blob(value))
	if err != nil {
		return err
	}
	if n == 0 { // a new key, or a collection stands there
		k, err := c.meta(name)
		if err != nil {
			return err
		}
		if k.id != 0 {
			if err := c.remove(&k); err != nil {
				return err
			}
		}
		k.typ, k.expire, k.n, k.seq, k.value = typeString, expire, int64(len(value)), 0, value
		return c.insert(c.db, &k)
	}
	c.changed(c.db, name)
	if expire > 0 {
		return c.alarm(expire)
	}
	return nil
}

// str answers the value of a string key, null for an absent one.
func str(k *key) op.Value {
	if k.id == 0 {
		return op.Null
	}
	return op.Bytes(k.value)
}

// get implements GET.
func get(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeString)
	return str(&k), err
}

// lifetime is the parsed EX/PX/EXAT/PXAT/KEEPTTL/PERSIST of SET and GETEX.
type lifetime struct {
	set     bool
	arg     int // of the time
	unit    int64
	rel     bool // counts from now
	at      int64
	keep    bool
	persist bool
}

// option reads one lifetime option at args[i]; n is how many arguments it took.
func (l *lifetime) option(c *call, i int) (n int, err error) {
	var unit int64
	relative := true
	switch a := c.args[i]; {
	case is(a, "EX"):
		unit = 1000
	case is(a, "PX"):
		unit = 1
	case is(a, "EXAT"):
		unit, relative = 1000, false
	case is(a, "PXAT"):
		unit, relative = 1, false
	default:
		return 0, nil
	}
	if l.set || l.keep || l.persist || i+1 >= len(c.args) {
		return 0, errSyntax
	}
	l.set, l.arg, l.unit, l.rel = true, i+1, unit, relative
	return 2, nil
}

// resolve computes when the lifetime ends.
func (l *lifetime) resolve(c *call) error {
	if !l.set {
		return nil
	}
	v, err := c.int(l.arg)
	if err != nil {
		return err
	}
	if v <= 0 {
		return c.badExpire()
	}
	l.at, err = c.expiry(v, l.unit, l.rel)
	return err
}

// set implements SET.
func set(c *call) (op.Value, error) {
	if len(c.args) == 2 {
		return ok, c.put(c.args[0], c.args[1], 0)
	}
	var l lifetime
	var nx, xx, give bool
	for i := 2; i < len(c.args); i++ {
		switch a := c.args[i]; {
		case is(a, "NX") && !xx:
			nx = true
		case is(a, "XX") && !nx:
			xx = true
		case is(a, "GET"):
			give = true
		case is(a, "KEEPTTL") && !l.set:
			l.keep = true
		default:
			n, err := l.option(c, i)
			if err != nil {
				return op.Null, err
			}
			if n == 0 {
				return op.Null, errSyntax
			}
			i += n - 1
		}
	}
	if err := l.resolve(c); err != nil {
		return op.Null, err
	}
	if !nx && !xx && !give && !l.keep {
		return ok, c.putAt(c.args[0], c.args[1], l.at)
	}
	k, err := c.find(c.args[0])
	if err != nil {
		return op.Null, err
	}
	if give && k.id != 0 && k.typ != typeString {
		return op.Null, errType
	}
	answer := ok
	if give {
		answer = str(&k)
	}
	if nx && k.id != 0 || xx && k.id == 0 {
		if give {
			return answer, nil
		}
		return op.Null, nil
	}
	at := l.at
	if l.keep {
		at = k.expire
	}
	return answer, c.putAt(c.args[0], c.args[1], at)
}

// putAt is put, or a deletion when the expiry has passed.
func (c *call) putAt(name, value []byte, at int64) error {
	if at == 0 || at > c.now {
		return c.put(name, value, at)
	}
	k, err := c.meta(name)
	if err != nil || k.id == 0 {
		return err
	}
	return c.remove(&k)
}

// setEx implements SETEX and PSETEX.
func (c *call) setEx(unit int64) (op.Value, error) {
	n, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	if n <= 0 {
		return op.Null, c.badExpire()
	}
	at, err := c.expiry(n, unit, true)
	if err != nil {
		return op.Null, err
	}
	return ok, c.put(c.args[0], c.args[2], at)
}

// setNX implements SETNX.
func setNX(c *call) (op.Value, error) {
	k, err := c.meta(c.args[0])
	if err != nil || k.id != 0 {
		return zero, err
	}
	return one, c.put(c.args[0], c.args[1], 0)
}

// getSet implements GETSET.
func getSet(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	return str(&k), c.put(c.args[0], c.args[1], 0)
}

// getDel implements GETDEL.
func getDel(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeString)
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	v := str(&k)
	return v, c.remove(&k)
}

// getEx implements GETEX.
func getEx(c *call) (op.Value, error) {
	var l lifetime
	for i := 1; i < len(c.args); i++ {
		if is(c.args[i], "PERSIST") && !l.set && !l.persist {
			l.persist = true
			continue
		}
		n, err := l.option(c, i)
		if err != nil {
			return op.Null, err
		}
		if n == 0 {
			return op.Null, errSyntax
		}
		i += n - 1
	}
	k, err := c.want(c.args[0], typeString)
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	if err := l.resolve(c); err != nil {
		return op.Null, err
	}
	v := str(&k)
	switch {
	case l.set && l.at <= c.now:
		return v, c.remove(&k)
	case l.set:
		k.expire = l.at
		return v, c.saveExpire(&k)
	case l.persist && k.expire > 0:
		k.expire = 0
		return v, c.saveExpire(&k)
	}
	return v, nil
}

// mget implements MGET.
func mget(c *call) (op.Value, error) {
	vs := make([]op.Value, len(c.args))
	for i, name := range c.args {
		k, err := c.find(name)
		if err != nil {
			return op.Null, err
		}
		if k.typ == typeString {
			vs[i] = str(&k)
		}
	}
	return op.Array(vs...), nil
}

// mset implements MSET.
func mset(c *call) (op.Value, error) {
	if len(c.args)%2 != 0 {
		return op.Null, arity(c.verb)
	}
	for i := 0; i < len(c.args); i += 2 {
		if err := c.put(c.args[i], c.args[i+1], 0); err != nil {
			return op.Null, err
		}
	}
	return ok, nil
}

// msetNX implements MSETNX.
func msetNX(c *call) (op.Value, error) {
	if len(c.args)%2 != 0 {
		return op.Null, arity(c.verb)
	}
	for i := 0; i < len(c.args); i += 2 {
		k, err := c.meta(c.args[i])
		if err != nil || k.id != 0 {
			return zero, err
		}
	}
	_, err := mset(c)
	return one, err
}

// incrBy implements INCRBY.
func incrBy(c *call) (op.Value, error) {
	n, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	return c.incr(n)
}

// decrBy implements DECRBY.
func decrBy(c *call) (op.Value, error) {
	n, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	if n == math.MinInt64 {
		return op.Null, bad("decrement would overflow")
	}
	return c.incr(-n)
}

// addInt adds two integers; a sum out of range is Redis's error.
func addInt(n, by int64) (int64, error) {
	if by > 0 && n > math.MaxInt64-by || by < 0 && n < math.MinInt64-by {
		return 0, errOverflow
	}
	return n + by, nil
}

// incr adds to the integer in a string.
func (c *call) incr(by int64) (op.Value, error) {
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	var n int64
	if k.id != 0 {
		v, good := parseInt(k.value)
		if !good {
			return op.Null, errInteger
		}
		n = v
	}
	n, err = addInt(n, by)
	if err != nil {
		return op.Null, err
	}
	k.value = formatInt(n)
	return op.Int64(n), c.saveValue(&k)
}

// incrByFloat implements INCRBYFLOAT.
func incrByFloat(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	old := []byte("0")
	if k.id != 0 {
		old = k.value
	}
	a, good := longFloat(old)
	if !good {
		return op.Null, errFloat
	}
	b, good := longFloat(c.args[1])
	if !good {
		return op.Null, errFloat
	}
	if k.value, err = addLong(a, b); err != nil {
		return op.Null, err
	}
	return op.Bytes(k.value), c.saveValue(&k)
}

// appendString implements APPEND.
func appendString(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	if len(k.value)+len(c.args[1]) > maxString {
		return op.Null, errTooLong
	}
	k.value = append(k.value[:len(k.value):len(k.value)], c.args[1]...)
	return op.Int64(int64(len(k.value))), c.saveValue(&k)
}

// strLen implements STRLEN.
func strLen(c *call) (op.Value, error) {
	k, err := c.meta(c.args[0])
	if err == nil && k.id != 0 && k.typ != typeString {
		err = errType
	}
	return op.Int64(k.n), err
}

// getRange implements GETRANGE and SUBSTR.
func getRange(c *call) (op.Value, error) {
	from, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	to, err := c.int(2)
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	if from < 0 && to < 0 && from > to {
		return op.Bytes([]byte{}), nil
	}
	n := int64(len(k.value))
	if from < 0 {
		from = max(from+n, 0)
	}
	if to < 0 {
		to = max(to+n, 0)
	}
	to = min(to, n-1)
	if from > to || n == 0 {
		return op.Bytes([]byte{}), nil
	}
	return op.Bytes(k.value[from : to+1]), nil
}

// setRange implements SETRANGE.
func setRange(c *call) (op.Value, error) {
	at, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	if at < 0 {
		return op.Null, errOffset
	}
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	if len(c.args[2]) == 0 {
		return op.Int64(int64(len(k.value))), nil
	}
	if at > maxString-int64(len(c.args[2])) {
		return op.Null, errTooLong
	}
	k.value = grow(k.value, int(at)+len(c.args[2]))
	copy(k.value[at:], c.args[2])
	return op.Int64(int64(len(k.value))), c.saveValue(&k)
}

// grow returns a copy of b with at least n bytes.
func grow(b []byte, n int) []byte {
	out := make([]byte, max(len(b), n))
	copy(out, b)
	return out
}

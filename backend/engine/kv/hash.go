package kv

import (
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// hashCommands are the commands on hashes.
var hashCommands = map[string]handler{
	"HDEL":         func(c *call) (op.Value, error) { return remove(c, typeHash) },
	"HEXISTS":      func(c *call) (op.Value, error) { return isMember(c, typeHash) },
	"HGET":         hget,
	"HGETALL":      func(c *call) (op.Value, error) { return hgetAll(c, true, true) },
	"HINCRBY":      hincrBy,
	"HINCRBYFLOAT": hincrByFloat,
	"HKEYS":        func(c *call) (op.Value, error) { return hgetAll(c, true, false) },
	"HLEN":         func(c *call) (op.Value, error) { return count(c, typeHash) },
	"HMGET":        hmget,
	"HMSET":        func(c *call) (op.Value, error) { _, err := hset(c); return ok, err },
	"HRANDFIELD":   hrandField,
	"HSET":         hset,
	"HSETNX":       hsetNX,
	"HSTRLEN":      hstrLen,
	"HVALS":        func(c *call) (op.Value, error) { return hgetAll(c, false, true) },
}

// count answers the number of elements of a key of a type.
func count(c *call, typ int64) (op.Value, error) {
	k, err := c.want(c.args[0], typ)
	return op.Int64(k.n), err
}

// isMember answers whether args[1] is a member.
func isMember(c *call, typ int64) (op.Value, error) {
	k, err := c.want(c.args[0], typ)
	if err != nil {
		return op.Null, err
	}
	has, err := c.has(&k, c.args[1])
	return flag(has), err
}

// remove deletes members and answers how many there were.
func remove(c *call, typ int64) (op.Value, error) {
	k, err := c.want(c.args[0], typ)
	if err != nil || k.id == 0 {
		return zero, err
	}
	gone := int64(0)
	for _, m := range c.args[1:] {
		had, err := c.drop(&k, m)
		if err != nil {
			return op.Null, err
		}
		if had {
			gone++
		}
	}
	if gone > 0 {
		err = c.save(&k)
	}
	return op.Int64(gone), err
}

// open is want, making an empty collection of an absent key.
func (c *call) open(name []byte, typ int64) (key, error) {
	k, err := c.want(name, typ)
	if err == nil && k.id == 0 {
		err = c.make(&k, typ)
	}
	return k, err
}

// setField stores a field of a hash; added = it is new; keep = with the lifetime
// it has. The caller saves k.
func (c *call) setField(k *key, field, value []byte, keep bool) (added bool, err error) {
	if k.n > 0 {
		text := "UPDATE _dotdo_kv_item SET value = ?1 WHERE id = ?2 AND member = ?3"
		if !keep && len(k.value) > 0 {
			text = "UPDATE _dotdo_kv_item SET value = ?1, score = NULL WHERE id = ?2 AND member = ?3"
		}
		n, err := c.conn.Run(text, blob(value), op.Int64(k.id), blob(field))
		if err != nil || n > 0 {
			return false, err
		}
	}
	return c.add(k, field, blob(value), op.Null)
}

// hset implements HSET.
func hset(c *call) (op.Value, error) {
	if len(c.args)%2 == 0 {
		return op.Null, arity(c.verb)
	}
	k, err := c.open(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	added := int64(0)
	for i := 1; i < len(c.args); i += 2 {
		fresh, err := c.setField(&k, c.args[i], c.args[i+1], false)
		if err != nil {
			return op.Null, err
		}
		if fresh {
			added++
		}
	}
	return op.Int64(added), c.save(&k)
}

// hsetNX implements HSETNX.
func hsetNX(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	if has, err := c.has(&k, c.args[1]); has || err != nil {
		return zero, err
	}
	return c.storeField(&k, c.args[1], c.args[2], one)
}

// storeField sets one field, making the hash if need be, and answers v.
func (c *call) storeField(k *key, field, value []byte, v op.Value) (op.Value, error) {
	if k.id == 0 {
		if err := c.make(k, typeHash); err != nil {
			return op.Null, err
		}
	}
	if _, err := c.setField(k, field, value, true); err != nil {
		return op.Null, err
	}
	return v, c.save(k)
}

// hget implements HGET.
func hget(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	it, err := c.one(&k, c.args[1])
	if err != nil || it.pos == 0 {
		return op.Null, err
	}
	return op.Bytes(it.value), nil
}

// hmget implements HMGET.
func hmget(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	vs := make([]op.Value, len(c.args)-1)
	for i, f := range c.args[1:] {
		it, err := c.one(&k, f)
		if err != nil {
			return op.Null, err
		}
		if it.pos != 0 {
			vs[i] = op.Bytes(it.value)
		}
	}
	return op.Array(vs...), nil
}

// hstrLen implements HSTRLEN.
func hstrLen(c *call) (op.Value, error) {
	v, err := hget(c)
	return op.Int64(int64(len(v.Raw))), err
}

// hgetAll implements HGETALL, HKEYS and HVALS.
func hgetAll(c *call, fields, values bool) (op.Value, error) {
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	list, err := c.all(&k)
	if err != nil {
		return op.Null, err
	}
	vs := make([]op.Value, 0, 2*len(list))
	for i := range list {
		if fields {
			vs = append(vs, op.Bytes(list[i].member))
		}
		if values {
			vs = append(vs, op.Bytes(list[i].value))
		}
	}
	if fields && values {
		return op.Map(vs...), nil
	}
	return op.Array(vs...), nil
}

// hincrBy implements HINCRBY.
func hincrBy(c *call) (op.Value, error) {
	by, err := c.int(2)
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	it, err := c.one(&k, c.args[1])
	if err != nil {
		return op.Null, err
	}
	var n int64
	if it.pos != 0 {
		v, good := parseInt(it.value)
		if !good {
			return op.Null, errHashInt
		}
		n = v
	}
	n, err = addInt(n, by)
	if err != nil {
		return op.Null, err
	}
	return c.storeField(&k, c.args[1], formatInt(n), op.Int64(n))
}

// hincrByFloat implements HINCRBYFLOAT.
func hincrByFloat(c *call) (op.Value, error) {
	by, good := longFloat(c.args[2])
	if !good {
		return op.Null, errFloat
	}
	if by.IsInf() {
		return op.Null, bad("value is NaN or Infinity")
	}
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	it, err := c.one(&k, c.args[1])
	if err != nil {
		return op.Null, err
	}
	old := []byte("0")
	if it.pos != 0 {
		old = it.value
	}
	a, good := longFloat(old)
	if !good {
		return op.Null, errHashFloat
	}
	sum, err := addLong(a, by)
	if err != nil {
		return op.Null, err
	}
	return c.storeField(&k, c.args[1], sum, op.Bytes(sum))
}

// randomCount reads the count of a random-members command. Beyond this bound
// an answer with repetitions would be absurdly large.
func (c *call) randomCount(i int) (int64, error) {
	n, err := c.int(i)
	if err == nil && (n < -math.MaxInt64/2 || n > math.MaxInt64/2) {
		err = bad("value is out of range")
	}
	if err == nil && n < -(1<<24) {
		err = &op.Error{Code: op.TooLarge, Msg: "ERR value is out of range"}
	}
	return n, err
}

// hrandField implements HRANDFIELD.
func hrandField(c *call) (op.Value, error) {
	return c.random(typeHash, "WITHVALUES", func(it *item) op.Value { return op.Bytes(it.value) })
}

// random implements HRANDFIELD and ZRANDMEMBER: with is the word that asks for
// the second half of pairs.
func (c *call) random(typ int64, with string, second func(*item) op.Value) (op.Value, error) {
	if len(c.args) > 3 || len(c.args) == 3 && !is(c.args[2], with) {
		return op.Null, errSyntax
	}
	n := int64(1)
	if len(c.args) > 1 {
		var err error
		if n, err = c.randomCount(1); err != nil {
			return op.Null, err
		}
	}
	k, err := c.want(c.args[0], typ)
	if err != nil {
		return op.Null, err
	}
	list, err := c.pick(&k, n)
	if err != nil {
		return op.Null, err
	}
	if len(c.args) == 1 {
		if len(list) == 0 {
			return op.Null, nil
		}
		return op.Bytes(list[0].member), nil
	}
	vs := make([]op.Value, len(list))
	for i := range list {
		vs[i] = op.Bytes(list[i].member)
		if len(c.args) == 3 {
			vs[i] = op.Array(vs[i], second(&list[i]))
		}
	}
	return op.Array(vs...), nil
}

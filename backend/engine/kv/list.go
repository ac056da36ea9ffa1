package kv

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
)

// listCommands are the commands on lists that do not block.
var listCommands = map[string]handler{
	"LINDEX":    lindex,
	"LINSERT":   linsert,
	"LLEN":      func(c *call) (op.Value, error) { return count(c, typeList) },
	"LMOVE":     lmove,
	"LMPOP":     lmpop,
	"LPOP":      func(c *call) (op.Value, error) { return c.popList(true) },
	"LPOS":      lpos,
	"LPUSH":     func(c *call) (op.Value, error) { return c.push(true, false) },
	"LPUSHX":    func(c *call) (op.Value, error) { return c.push(true, true) },
	"LRANGE":    lrange,
	"LREM":      lrem,
	"LSET":      lset,
	"LTRIM":     ltrim,
	"RPOP":      func(c *call) (op.Value, error) { return c.popList(false) },
	"RPOPLPUSH": func(c *call) (op.Value, error) { return c.move(c.args[0], c.args[1], false, true) },
	"RPUSH":     func(c *call) (op.Value, error) { return c.push(false, false) },
	"RPUSHX":    func(c *call) (op.Value, error) { return c.push(false, true) },
}

// at is the pos of element i of a list.
func (k *key) at(i int64) op.Value { return op.Int64(k.base() + k.seq + i) }

// pushOne adds an element at an end; the caller saves k.
func (c *call) pushOne(k *key, v []byte, left bool) error {
	if left && k.seq == 0 || !left && k.seq+k.n >= 1<<idBits {
		if err := c.center(k); err != nil {
			return err
		}
	}
	pos := k.at(k.n)
	if left {
		pos = k.at(-1)
	}
	if _, err := c.conn.Run("INSERT INTO _dotdo_kv_list(pos, value) VALUES (?1, ?2)", pos, blob(v)); err != nil {
		return err
	}
	if left {
		k.seq--
	}
	k.n++
	return nil
}

// center moves a list that drifted to the border of its positions back to the
// middle.
func (c *call) center(k *key) error {
	to := int64(listStart) - k.n/2
	if k.n >= 1<<(idBits-1) {
		return errFull
	}
	if err := c.shift(k, 0, k.n, to-k.seq); err != nil {
		return err
	}
	k.seq = to
	return nil
}

// shift moves elements from..to-1 of a list by a distance. It goes over
// negative positions, so that no two elements ever meet.
func (c *call) shift(k *key, from, to, by int64) error {
	if from >= to {
		return nil
	}
	if _, err := c.conn.Run("UPDATE _dotdo_kv_list SET pos = -(pos + ?1) WHERE pos >= ?2 AND pos < ?3", op.Int64(by), k.at(from), k.at(to)); err != nil {
		return err
	}
	_, err := c.conn.Run("UPDATE _dotdo_kv_list SET pos = -pos WHERE pos < 0")
	return err
}

// push implements the push commands.
func (c *call) push(left, exists bool) (op.Value, error) {
	k, err := c.want(c.args[0], typeList)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 {
		if exists {
			return zero, nil
		}
		if err := c.make(&k, typeList); err != nil {
			return op.Null, err
		}
	}
	for _, v := range c.args[1:] {
		if err := c.pushOne(&k, v, left); err != nil {
			return op.Null, err
		}
	}
	return op.Int64(k.n), c.save(&k)
}

// elements reads elements from..to-1 of a list.
func (c *call) elements(k *key, from, to int64) ([]op.Value, error) {
	rows, err := c.conn.Query("SELECT value FROM _dotdo_kv_list WHERE pos >= ?1 AND pos < ?2 ORDER BY pos", k.at(from), k.at(to))
	if err != nil {
		return nil, err
	}
	vs := make([]op.Value, len(rows))
	for i, r := range rows {
		vs[i] = r[0]
	}
	return vs, nil
}

// trim keeps elements from..to-1 of a list and saves it.
func (c *call) trim(k *key, from, to int64) error {
	if from >= to {
		return c.remove(k)
	}
	if from > 0 {
		if _, err := c.conn.Run("DELETE FROM _dotdo_kv_list WHERE pos >= ?1 AND pos < ?2", k.at(0), k.at(from)); err != nil {
			return err
		}
	}
	if to < k.n {
		if _, err := c.conn.Run("DELETE FROM _dotdo_kv_list WHERE pos >= ?1 AND pos < ?2", k.at(to), k.at(k.n)); err != nil {
			return err
		}
	}
	k.seq += from
	k.n = to - from
	return c.save(k)
}

// take removes up to n elements from an end of a list and returns them in the
// order of removal.
func (c *call) take(k *key, n int64, left bool) ([]op.Value, error) {
	n = min(n, k.n)
	from, to := int64(0), n
	if !left {
		from, to = k.n-n, k.n
	}
	vs, err := c.elements(k, from, to)
	if err != nil {
		return nil, err
	}
	if left {
		return vs, c.trim(k, n, k.n)
	}
	for i, j := 0, len(vs)-1; i < j; i, j = i+1, j-1 {
		vs[i], vs[j] = vs[j], vs[i]
	}
	return vs, c.trim(k, 0, k.n-n)
}

// popList implements LPOP and RPOP.
func (c *call) popList(left bool) (op.Value, error) {
	n := int64(1)
	if len(c.args) > 2 {
		return op.Null, arity(c.verb)
	}
	if len(c.args) == 2 {
		v, good := parseInt(c.args[1])
		if !good || v < 0 {
			return op.Null, errPositive
		}
		n = v
	}
	k, err := c.want(c.args[0], typeList)
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	if n == 0 {
		return op.Array(), nil
	}
	vs, err := c.take(&k, n, left)
	if err != nil {
		return op.Null, err
	}
	if len(c.args) == 1 {
		return vs[0], nil
	}
	return op.Array(vs...), nil
}

// side reads LEFT or RIGHT.
func side(b []byte) (left bool, err error) {
	switch {
	case is(b, "LEFT"):
		return true, nil
	case is(b, "RIGHT"):
		return false, nil
	}
	return false, errSyntax
}

// lmove implements LMOVE.
func lmove(c *call) (op.Value, error) {
	from, err := side(c.args[2])
	if err != nil {
		return op.Null, err
	}
	to, err := side(c.args[3])
	if err != nil {
		return op.Null, err
	}
	return c.move(c.args[0], c.args[1], from, to)
}

// move pops an element and pushes it to another list, or the same one.
func (c *call) move(src, dst []byte, fromLeft, toLeft bool) (op.Value, error) {
	k, err := c.want(src, typeList)
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	if _, err := c.want(dst, typeList); err != nil {
		return op.Null, err
	}
	if string(src) == string(dst) && k.n == 1 {
		vs, err := c.elements(&k, 0, 1)
		if err != nil {
			return op.Null, err
		}
		return vs[0], c.save(&k)
	}
	vs, err := c.take(&k, 1, fromLeft)
	if err != nil {
		return op.Null, err
	}
	d, err := c.open(dst, typeList)
	if err != nil {
		return op.Null, err
	}
	if err := c.pushOne(&d, vs[0].Raw, toLeft); err != nil {
		return op.Null, err
	}
	return vs[0], c.save(&d)
}

// numKeys reads a numkeys argument at i and returns the keys after it and the
// rest.
func (c *call) numKeys(i int) (keys, rest [][]byte, err error) {
	n, good := parseInt(c.args[i])
	if !good || n <= 0 {
		return nil, nil, errNumKeys
	}
	if n > int64(len(c.args)-i-1) {
		return nil, nil, errSyntax
	}
	return c.args[i+1 : i+1+int(n)], c.args[i+1+int(n):], nil
}

// popCount reads the optional COUNT n of LMPOP and ZMPOP.
func popCount(rest [][]byte) (int64, error) {
	if len(rest) == 0 {
		return 1, nil
	}
	if len(rest) != 2 || !is(rest[0], "COUNT") {
		return 0, errSyntax
	}
	n, good := parseInt(rest[1])
	if !good || n <= 0 {
		return 0, bad("count should be greater than 0")
	}
	return n, nil
}

// lmpop implements LMPOP.
func lmpop(c *call) (op.Value, error) { return c.lmpopAt(0) }

// lmpopAt is LMPOP with its arguments from i on.
func (c *call) lmpopAt(i int) (op.Value, error) {
	keys, rest, err := c.numKeys(i)
	if err != nil {
		return op.Null, err
	}
	if len(rest) == 0 {
		return op.Null, errSyntax
	}
	left, err := side(rest[0])
	if err != nil {
		return op.Null, err
	}
	n, err := popCount(rest[1:])
	if err != nil {
		return op.Null, err
	}
	for _, name := range keys {
		k, err := c.want(name, typeList)
		if err != nil {
			return op.Null, err
		}
		if k.id == 0 {
			continue
		}
		vs, err := c.take(&k, n, left)
		return op.Array(op.Bytes(name), op.Array(vs...)), err
	}
	return op.Null, nil
}

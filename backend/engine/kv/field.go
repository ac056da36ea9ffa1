package kv

import (
	"encoding/binary"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Lifetimes of hash fields. A field's expiry stands in the score of its row; the
// hash's row holds in value, 8 bytes with the high byte first, a time before
// which no field expires. A hash whose time has come is purged before anything
// looks into it; a reader, which cannot, asks for the writer (errStale).

// fieldCommands are the commands on the lifetime of hash fields.
var fieldCommands = map[string]handler{
	"HEXPIRE":      func(c *call) (op.Value, error) { return c.hexpire(1000, true) },
	"HEXPIREAT":    func(c *call) (op.Value, error) { return c.hexpire(1000, false) },
	"HEXPIRETIME":  func(c *call) (op.Value, error) { return c.httl(1000, false) },
	"HPERSIST":     hpersist,
	"HPEXPIRE":     func(c *call) (op.Value, error) { return c.hexpire(1, true) },
	"HPEXPIREAT":   func(c *call) (op.Value, error) { return c.hexpire(1, false) },
	"HPEXPIRETIME": func(c *call) (op.Value, error) { return c.httl(1, false) },
	"HPTTL":        func(c *call) (op.Value, error) { return c.httl(1, true) },
	"HTTL":         func(c *call) (op.Value, error) { return c.httl(1000, true) },
}

// errStale says that a reader met fields that must go first.
var errStale = &op.Error{Code: op.ReadOnly, Msg: "READONLY expired fields must be removed first"}

// due reports whether a field of a hash may have expired.
func (k *key) due(now int64) bool {
	return k.typ == typeHash && len(k.value) == 8 && int64(binary.BigEndian.Uint64(k.value)) <= now
}

// settled is a key without expired fields.
func (c *call) settled(db int, k key) (key, error) {
	if !k.due(c.now) {
		return k, nil
	}
	if !c.tx.Writable() {
		return k, errStale
	}
	n, err := c.conn.Run("DELETE FROM _dotdo_kv_item WHERE id = ?1 AND score <= ?2", op.Int64(k.id), op.Int64(c.now))
	if err != nil {
		return k, err
	}
	k.n -= n
	if k.n == 0 {
		name := k.name
		err := c.removeIn(db, &k)
		return key{name: name}, err
	}
	return k, c.saveFields(db, &k)
}

// saveFields stores the count of a hash and when its first field expires.
func (c *call) saveFields(db int, k *key) error {
	r, err := c.conn.Row("SELECT min(score) FROM _dotdo_kv_item WHERE id = ?1 AND score IS NOT NULL", op.Int64(k.id))
	if err != nil {
		return err
	}
	value := op.Null
	k.value = nil
	if !r[0].IsNull() {
		at := int64(r[0].Float())
		k.value = binary.BigEndian.AppendUint64(nil, uint64(at))
		value = op.Bytes(k.value)
		if err := c.alarm(at); err != nil {
			return err
		}
	}
	c.changed(db, k.name)
	_, err = c.conn.Run("UPDATE _dotdo_kv SET n = ?1, value = ?2, version = ?3 WHERE id = ?4", op.Int64(k.n), value, c.version(), op.Int64(k.id))
	return err
}

// purgeFields removes the expired fields of some hashes and returns when the
// next one is due, 0 = never.
func (c *call) purgeFields() (int64, error) {
	now := op.Bytes(binary.BigEndian.AppendUint64(nil, uint64(c.now)))
	rows, err := c.conn.Query("SELECT db, key FROM _dotdo_kv WHERE type = 2 AND value IS NOT NULL AND value <= ?1 LIMIT ?2", now, op.Int64(sweep))
	if err != nil {
		return 0, err
	}
	for _, r := range rows {
		c.db = int(r[0].Int())
		if _, err := c.run(func(c *call) (op.Value, error) { _, err := c.meta(r[1].Raw); return op.Null, err }); err != nil {
			return 0, err
		}
	}
	row, err := c.conn.Row("SELECT min(value) FROM _dotdo_kv WHERE type = 2 AND value IS NOT NULL")
	if err != nil || len(row[0].Raw) != 8 {
		return 0, err
	}
	return int64(binary.BigEndian.Uint64(row[0].Raw)), nil
}

// fieldList reads FIELDS numfields field … at args[i].
func (c *call) fieldList(i int) ([][]byte, error) {
	if i >= len(c.args) || !is(c.args[i], "FIELDS") {
		return nil, bad("Mandatory keyword FIELDS is missing or not at the right position")
	}
	if i+1 >= len(c.args) {
		return nil, arity(c.verb)
	}
	n, good := parseInt(c.args[i+1])
	if !good || n < 1 {
		return nil, bad("Parameter `numFields` should be greater than 0")
	}
	if n != int64(len(c.args)-i-2) {
		return nil, bad("The `numfields` parameter must match the number of arguments")
	}
	return c.args[i+2:], nil
}

// fieldExpiry reads the expiry of a field: 0 = none, negative = no such field.
func (c *call) fieldExpiry(k *key, field []byte) (int64, error) {
	if k.id == 0 {
		return -1, nil
	}
	r, err := c.conn.Row("SELECT score FROM _dotdo_kv_item WHERE id = ?1 AND member = ?2", op.Int64(k.id), blob(field))
	if err != nil || r == nil {
		return -1, err
	}
	return int64(r[0].Float()), nil
}

// setFieldExpiry stores the expiry of a field, 0 = none.
func (c *call) setFieldExpiry(k *key, field []byte, at int64) error {
	score := op.Null
	if at > 0 {
		score = op.Float64(float64(at))
	}
	_, err := c.conn.Run("UPDATE _dotdo_kv_item SET score = ?1 WHERE id = ?2 AND member = ?3", score, op.Int64(k.id), blob(field))
	return err
}

// hexpire implements HEXPIRE and its relatives. It answers for each field: -2 no
// such field, 0 the condition does not hold, 1 set, 2 deleted at once.
func (c *call) hexpire(unit int64, relative bool) (op.Value, error) {
	n, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	if n < 0 {
		return op.Null, bad("invalid expire time, must be >= 0")
	}
	i, condition := 2, ""
	if len(c.args) > 2 {
		switch word := upper(c.args[2]); word {
		case "NX", "XX", "GT", "LT":
			i, condition = 3, word
		}
	}
	fields, err := c.fieldList(i)
	if err != nil {
		return op.Null, err
	}
	at, err := c.expiry(n, unit, relative)
	if err != nil {
		return op.Null, err
	}
	if at >= 1<<46 {
		return op.Null, c.badExpire()
	}
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	out, changed := make([]op.Value, len(fields)), false
	for i, f := range fields {
		old, err := c.fieldExpiry(&k, f)
		if err != nil {
			return op.Null, err
		}
		switch {
		case old < 0:
			out[i] = op.Int64(-2)
			continue
		case condition == "NX" && old > 0, condition == "XX" && old == 0,
			condition == "GT" && (old == 0 || at <= old), condition == "LT" && old > 0 && at >= old:
			out[i] = zero
			continue
		case at <= c.now:
			out[i] = op.Int64(2)
			_, err = c.drop(&k, f)
		default:
			out[i] = one
			err = c.setFieldExpiry(&k, f, at)
		}
		if err != nil {
			return op.Null, err
		}
		changed = true
	}
	switch {
	case !changed:
	case k.n == 0:
		err = c.remove(&k)
	default:
		err = c.saveFields(c.db, &k)
	}
	return op.Array(out...), err
}

// httl implements the commands that read the lifetime of fields: -2 no such
// field, -1 it does not expire.
func (c *call) httl(unit int64, relative bool) (op.Value, error) {
	fields, err := c.fieldList(1)
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	out := make([]op.Value, len(fields))
	for i, f := range fields {
		at, err := c.fieldExpiry(&k, f)
		if err != nil {
			return op.Null, err
		}
		switch {
		case at < 0:
			at = -2
		case at == 0:
			at = -1
		default:
			if relative {
				at -= c.now
			}
			at = (at + unit - 1) / unit
		}
		out[i] = op.Int64(at)
	}
	return op.Array(out...), nil
}

// hpersist implements HPERSIST.
func hpersist(c *call) (op.Value, error) {
	fields, err := c.fieldList(1)
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeHash)
	if err != nil {
		return op.Null, err
	}
	out, changed := make([]op.Value, len(fields)), false
	for i, f := range fields {
		at, err := c.fieldExpiry(&k, f)
		if err != nil {
			return op.Null, err
		}
		switch {
		case at < 0:
			out[i] = op.Int64(-2)
		case at == 0:
			out[i] = op.Int64(-1)
		default:
			out[i], changed = one, true
			if err := c.setFieldExpiry(&k, f, 0); err != nil {
				return op.Null, err
			}
		}
	}
	if changed {
		err = c.saveFields(c.db, &k)
	}
	return op.Array(out...), err
}

package kv

import (
	"math/rand/v2"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Types of keys. Numbers are stored.
const (
	typeString = 1
	typeHash   = 2
	typeList   = 3
	typeSet    = 4
	typeZset   = 5
	typeStream = 6
)

// typeNames are the types as clients name them.
var typeNames = [...]string{"none", "string", "hash", "list", "set", "zset", "stream"}

const (
	// idBits is the room for element numbers below the key's id in pos.
	idBits = 32
	// maxID is the largest id of a collection.
	maxID = 1<<31 - 1
	// listStart is the first position of a new list.
	listStart = 1 << 31
)

// key is one row of _dotdo_kv; id 0 = the key does not exist.
type key struct {
	id      int64
	typ     int64
	expire  int64 // milliseconds, 0 = never
	n       int64 // elements, or bytes of a string
	seq     int64 // list: first position; other collections: next element number
	version int64
	name    []byte
	value   []byte
}

// base is the pos of element number 0.
func (k *key) base() int64 { return k.id << idBits }

// top is the largest pos of the key.
func (k *key) top() int64 { return k.id<<idBits | (1<<idBits - 1) }

// find reads a key with the value of a string. An expired key is absent; a
// writing transaction removes it.
func (c *call) find(name []byte) (key, error) { return c.findIn(c.db, name) }

// findIn is find in another logical database.
func (c *call) findIn(db int, name []byte) (key, error) {
	k, err := c.load(db, name)
	c.looked(&k)
	return k, err
}

// looked counts a lookup of a reading command.
func (c *call) looked(k *key) {
	switch {
	case !c.reads:
	case k.id == 0:
		c.mem.misses.Add(1)
	default:
		c.mem.hits.Add(1)
	}
}

// load is findIn without counting.
func (c *call) load(db int, name []byte) (key, error) {
	if c.hot != nil {
		if k, ok := c.hot.get(c.mem, db, name, c.tx.LSN()); ok {
			if k.expire > 0 && k.expire <= c.now {
				return key{name: name}, nil
			}
			return c.settled(db, k)
		}
	}
	row, err := c.conn.Row("SELECT id, type, expire, n, seq, version, value FROM _dotdo_kv WHERE db = ?1 AND key = ?2", op.Int64(int64(db)), blob(name))
	k, err := c.row(db, name, row, err)
	if c.hot != nil && err == nil && k.id != 0 {
		c.hot.fill(c.mem, db, &k, c.tx.LSN())
	}
	return k, err
}

// meta is find without the value.
func (c *call) meta(name []byte) (key, error) {
	if c.hot != nil {
		return c.find(name)
	}
	row, err := c.conn.Row("SELECT id, type, expire, n, seq, version, CASE type WHEN 2 THEN value END FROM _dotdo_kv WHERE db = ?1 AND key = ?2", op.Int64(int64(c.db)), blob(name))
	k, err := c.row(c.db, name, row, err)
	c.looked(&k)
	return k, err
}

// row decodes a key's row.
func (c *call) row(db int, name []byte, row []op.Value, err error) (key, error) {
	k := key{name: name}
	if err != nil || row == nil {
		return k, err
	}
	k.id, k.typ, k.expire, k.n, k.seq, k.version = row[0].Int(), row[1].Int(), row[2].Int(), row[3].Int(), row[4].Int(), row[5].Int()
	if len(row) > 6 {
		k.value = row[6].Raw
	}
	if k.expire > 0 && k.expire <= c.now {
		if c.tx.Writable() {
			c.mem.expired.Add(1)
			err = c.removeIn(db, &k)
		}
		return key{name: name}, err
	}
	return c.settled(db, k)
}

// want reads a key that must be absent or of a type.
func (c *call) want(name []byte, typ int64) (key, error) {
	k, err := c.find(name)
	if err == nil && k.id != 0 && k.typ != typ {
		return k, errType
	}
	return k, err
}

// make turns an absent key into an empty collection of a type.
func (c *call) make(k *key, typ int64) error {
	k.typ, k.n, k.seq, k.expire, k.value = typ, 0, 0, 0, nil
	if typ == typeList {
		k.seq = listStart
	}
	return c.insert(c.db, k)
}

// insert adds a key's row. It sets the id.
func (c *call) insert(db int, k *key) error {
	var value op.Value
	if k.typ == typeString || k.typ == typeStream || k.typ == typeHash && len(k.value) > 0 {
		value = blob(k.value)
	}
	_, err := c.conn.Run("INSERT INTO _dotdo_kv(db, key, type, expire, version, n, seq, value) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		op.Int64(int64(db)), blob(k.name), op.Int64(k.typ), op.Int64(k.expire), c.version(), op.Int64(k.n), op.Int64(k.seq), value)
	if err != nil {
		return err
	}
	k.id = c.conn.LastInsertRowID()
	if k.typ != typeString && k.id > maxID {
		if err := c.smallID(k); err != nil {
			return err
		}
	}
	if k.expire > 0 {
		if err := c.alarm(k.expire); err != nil {
			return err
		}
	}
	c.changed(db, k.name)
	c.ready(db, k)
	return c.counted(db, 1)
}

// smallID gives a collection a free id that leaves room for element numbers.
func (c *call) smallID(k *key) error {
	for {
		id := rand.Int64N(maxID) + 1
		n, err := c.conn.Run("UPDATE OR IGNORE _dotdo_kv SET id = ?1 WHERE id = ?2", op.Int64(id), op.Int64(k.id))
		if err != nil {
			return err
		}
		if n == 1 {
			k.id = id
			return nil
		}
	}
}

// save stores the counts of a changed collection; an empty one disappears.
func (c *call) save(k *key) error {
	if k.n == 0 {
		return c.remove(k)
	}
	if k.typ != typeList && k.seq >= 1<<idBits {
		return errFull
	}
	c.changed(c.db, k.name)
	_, err := c.conn.Run("UPDATE _dotdo_kv SET n = ?1, seq = ?2, version = ?3 WHERE id = ?4", op.Int64(k.n), op.Int64(k.seq), c.version(), op.Int64(k.id))
	return err
}

// saveValue stores the changed value of a string that exists, or makes it.
func (c *call) saveValue(k *key) error {
	k.n = int64(len(k.value))
	if k.id == 0 {
		k.typ, k.seq = typeString, 0
		return c.insert(c.db, k)
	}
	c.changed(c.db, k.name)
	_, err := c.conn.Run("UPDATE _dotdo_kv SET value = ?1, n = ?2, version = ?3 WHERE id = ?4", blob(k.value), op.Int64(k.n), c.version(), op.Int64(k.id))
	return err
}

// saveExpire stores a changed expiry.
func (c *call) saveExpire(k *key) error {
	c.changed(c.db, k.name)
	if _, err := c.conn.Run("UPDATE _dotdo_kv SET expire = ?1, version = ?2 WHERE id = ?3", op.Int64(k.expire), c.version(), op.Int64(k.id)); err != nil {
		return err
	}
	if k.expire > 0 {
		return c.alarm(k.expire)
	}
	return nil
}

// remove deletes a key with its elements.
func (c *call) remove(k *key) error { return c.removeIn(c.db, k) }

// removeIn is remove in another logical database.
func (c *call) removeIn(db int, k *key) error {
	if err := c.clear(k); err != nil {
		return err
	}
	if _, err := c.conn.Run("DELETE FROM _dotdo_kv WHERE id = ?1", op.Int64(k.id)); err != nil {
		return err
	}
	c.changed(db, k.name)
	c.gone(db, k.name)
	k.id = 0
	return c.counted(db, -1)
}

// changed notes that the transaction changes a key. Everything that writes a
// row of _dotdo_kv calls it.
func (c *call) changed(db int, name []byte) { c.mem.cache.drop(c.mem, db, name, c.tx.LSN()) }

// counted notes that by keys of a logical database were made.
func (c *call) counted(db int, by int64) error {
	if db != c.db {
		return c.count(db, by)
	}
	c.made += by
	return nil
}

// count changes the stored number of keys of a logical database.
func (c *call) count(db int, by int64) error {
	_, err := c.conn.Run("INSERT INTO _dotdo_kv_count(db, n) VALUES (?1, ?2) ON CONFLICT(db) DO UPDATE SET n = n + excluded.n", op.Int64(int64(db)), op.Int64(by))
	return err
}

// clear deletes the elements of a key.
func (c *call) clear(k *key) (err error) {
	switch k.typ {
	case typeString:
	case typeStream:
		for _, table := range []string{"stream", "group", "consumer", "pending"} {
			if _, err := c.conn.Run("DELETE FROM _dotdo_kv_"+table+" WHERE id = ?1", op.Int64(k.id)); err != nil {
				return err
			}
		}
	case typeList:
		_, err = c.conn.Run("DELETE FROM _dotdo_kv_list WHERE pos BETWEEN ?1 AND ?2", op.Int64(k.base()), op.Int64(k.top()))
	default:
		_, err = c.conn.Run("DELETE FROM _dotdo_kv_item WHERE pos BETWEEN ?1 AND ?2", op.Int64(k.base()), op.Int64(k.top()))
	}
	return err
}

// version is the version that a changed key gets.
func (c *call) version() op.Value { return op.Int64(int64(c.tx.LSN())) }

// blob binds bytes, an empty slice as an empty value.
func blob(b []byte) op.Value { return op.Bytes(b) }

package kv

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// keyCommands are the commands on keys of any type and on databases.
var keyCommands = map[string]handler{
	"COPY":      copyKey,
	"DBSIZE":    dbSize,
	"DEL":       del,
	"EXISTS":    exists,
	"FLUSHALL":  flushAll,
	"FLUSHDB":   flushDB,
	"MEMORY":    memoryUsage,
	"MOVE":      moveKey,
	"OBJECT":    objectInfo,
	"RANDOMKEY": randomKey,
	"RENAME":    func(c *call) (op.Value, error) { return c.rename(false) },
	"RENAMENX":  func(c *call) (op.Value, error) { return c.rename(true) },
	"SWAPDB":    swapDB,
	"TOUCH":     exists,
	"TYPE":      typeOf,
	"UNLINK":    del,
}

// lower is the lower case form of a verb.
func lower(s string) string { return strings.ToLower(s) }

// upper is the upper case form of a subcommand.
func upper(b []byte) string { return strings.ToUpper(string(b)) }

// del implements DEL and UNLINK.
func del(c *call) (op.Value, error) {
	n := int64(0)
	for _, name := range c.args {
		k, err := c.meta(name)
		if err != nil {
			return op.Null, err
		}
		if k.id == 0 {
			continue
		}
		if err := c.remove(&k); err != nil {
			return op.Null, err
		}
		n++
	}
	return op.Int64(n), nil
}

// exists implements EXISTS and TOUCH.
func exists(c *call) (op.Value, error) {
	n := int64(0)
	for _, name := range c.args {
		k, err := c.meta(name)
		if err != nil {
			return op.Null, err
		}
		if k.id != 0 {
			n++
		}
	}
	return op.Int64(n), nil
}

// typeOf implements TYPE.
func typeOf(c *call) (op.Value, error) {
	k, err := c.meta(c.args[0])
	if err != nil {
		return op.Null, err
	}
	return op.Text(typeNames[k.typ]), nil
}

// dbSize implements DBSIZE: the stored number less the keys that expired and
// still await their deletion.
func dbSize(c *call) (op.Value, error) {
	r, err := c.conn.Row("SELECT coalesce((SELECT n FROM _dotdo_kv_count WHERE db = ?1), 0) - (SELECT count(*) FROM _dotdo_kv WHERE expire > 0 AND expire <= ?2 AND db = ?1)", op.Int64(int64(c.db)), op.Int64(c.now))
	if err != nil {
		return op.Null, err
	}
	return r[0], nil
}

// randomKey implements RANDOMKEY: a random id, then the next key behind it.
func randomKey(c *call) (op.Value, error) {
	const text = `SELECT key FROM _dotdo_kv WHERE db = ?1 AND (expire = 0 OR expire > ?2) AND id >=
		(SELECT min(id) + abs(random() % (max(id) - min(id) + 1)) FROM _dotdo_kv) ORDER BY id LIMIT 1`
	r, err := c.conn.Row(text, op.Int64(int64(c.db)), op.Int64(c.now))
	if err == nil && r == nil {
		r, err = c.conn.Row("SELECT key FROM _dotdo_kv WHERE db = ?1 AND (expire = 0 OR expire > ?2) LIMIT 1", op.Int64(int64(c.db)), op.Int64(c.now))
	}
	if err != nil || r == nil {
		return op.Null, err
	}
	return r[0], nil
}

// rename implements RENAME and RENAMENX.
func (c *call) rename(nx bool) (op.Value, error) {
	src, err := c.meta(c.args[0])
	if err != nil {
		return op.Null, err
	}
	if src.id == 0 {
		return op.Null, errNoKey
	}
	dst, err := c.meta(c.args[1])
	if err != nil {
		return op.Null, err
	}
	if src.id == dst.id || nx && dst.id != 0 {
		if nx {
			return zero, nil
		}
		return ok, nil
	}
	if dst.id != 0 {
		if err := c.remove(&dst); err != nil {
			return op.Null, err
		}
	}
	if err := c.relocate(&src, c.db, c.args[1]); err != nil {
		return op.Null, err
	}
	if nx {
		return one, nil
	}
	return ok, nil
}

// relocate gives a key another name or database; the place is free.
func (c *call) relocate(k *key, db int, name []byte) error {
	_, err := c.conn.Run("UPDATE _dotdo_kv SET db = ?1, key = ?2, version = ?3 WHERE id = ?4", op.Int64(int64(db)), blob(name), c.version(), op.Int64(k.id))
	if err != nil {
		return err
	}
	c.changed(c.db, k.name)
	c.changed(db, name)
	c.gone(c.db, k.name)
	k.name = name
	c.ready(db, k)
	if db == c.db {
		return nil
	}
	if err := c.count(db, 1); err != nil {
		return err
	}
	return c.counted(c.db, -1)
}

// database reads a database number.
func (c *call) database(b []byte) (int, error) {
	n, good := parseInt(b)
	if !good {
		return 0, errInteger
	}
	if n < 0 || n >= databases {
		return 0, errDB
	}
	return int(n), nil
}

// moveKey implements MOVE.
func moveKey(c *call) (op.Value, error) {
	db, err := c.database(c.args[1])
	if err != nil {
		return op.Null, err
	}
	if db == c.db {
		return op.Null, errSame
	}
	k, err := c.meta(c.args[0])
	if err != nil || k.id == 0 {
		return zero, err
	}
	dst, err := c.findIn(db, c.args[0])
	if err != nil || dst.id != 0 {
		return zero, err
	}
	return one, c.relocate(&k, db, c.args[0])
}

// copyKey implements COPY.
func copyKey(c *call) (op.Value, error) {
	db, replace := c.db, false
	for i := 2; i < len(c.args); i++ {
		switch a := c.args[i]; {
		case is(a, "REPLACE"):
			replace = true
		case is(a, "DB") && i+1 < len(c.args):
			var err error
			if db, err = c.database(c.args[i+1]); err != nil {
				return op.Null, err
			}
			i++
		default:
			return op.Null, errSyntax
		}
	}
	if db == c.db && string(c.args[0]) == string(c.args[1]) {
		return op.Null, errSame
	}
	src, err := c.find(c.args[0])
	if err != nil || src.id == 0 {
		return zero, err
	}
	dst, err := c.findIn(db, c.args[1])
	if err != nil || dst.id != 0 && !replace {
		return zero, err
	}
	if dst.id != 0 {
		if err := c.removeIn(db, &dst); err != nil {
			return op.Null, err
		}
	}
	to := src
	to.name = c.args[1]
	if err := c.insert(db, &to); err != nil {
		return op.Null, err
	}
	by := op.Int64(to.base() - src.base())
	switch src.typ {
	case typeString:
	case typeStream:
		err = c.copyStream(&src, &to)
	case typeList:
		_, err = c.conn.Run("INSERT INTO _dotdo_kv_list(pos, value) SELECT pos + ?1, value FROM _dotdo_kv_list WHERE pos BETWEEN ?2 AND ?3", by, op.Int64(src.base()), op.Int64(src.top()))
	default:
		_, err = c.conn.Run("INSERT INTO _dotdo_kv_item(pos, id, member, value, score) SELECT pos + ?1, ?4, member, value, score FROM _dotdo_kv_item WHERE pos BETWEEN ?2 AND ?3", by, op.Int64(src.base()), op.Int64(src.top()), op.Int64(to.id))
	}
	return one, err
}

// copyStream copies what belongs to a stream besides its row.
func (c *call) copyStream(src, to *key) error {
	for _, text := range []string{
		"INSERT INTO _dotdo_kv_stream(id, entry, fields) SELECT ?1, entry, fields FROM _dotdo_kv_stream WHERE id = ?2",
		"INSERT INTO _dotdo_kv_group(id, name, last, read) SELECT ?1, name, last, read FROM _dotdo_kv_group WHERE id = ?2",
		"INSERT INTO _dotdo_kv_consumer(id, grp, name, seen, active) SELECT ?1, grp, name, seen, active FROM _dotdo_kv_consumer WHERE id = ?2",
		"INSERT INTO _dotdo_kv_pending(id, grp, entry, consumer, at, times) SELECT ?1, grp, entry, consumer, at, times FROM _dotdo_kv_pending WHERE id = ?2",
	} {
		if _, err := c.conn.Run(text, op.Int64(to.id), op.Int64(src.id)); err != nil {
			return err
		}
	}
	return nil
}

// flushMode checks the optional ASYNC or SYNC.
func (c *call) flushMode() error {
	if len(c.args) > 1 || len(c.args) == 1 && !is(c.args[0], "ASYNC") && !is(c.args[0], "SYNC") {
		return errSyntax
	}
	return nil
}

// flushAll implements FLUSHALL.
func flushAll(c *call) (op.Value, error) {
	if err := c.flushMode(); err != nil {
		return op.Null, err
	}
	for db := range databases {
		c.goneAll(db)
	}
	for _, text := range []string{"DELETE FROM _dotdo_kv_count", "DELETE FROM _dotdo_kv", "DELETE FROM _dotdo_kv_stream", "DELETE FROM _dotdo_kv_group",
		"DELETE FROM _dotdo_kv_consumer", "DELETE FROM _dotdo_kv_pending", "DELETE FROM _dotdo_kv_list", "DELETE FROM _dotdo_kv_item"} {
		if _, err := c.conn.Run(text); err != nil {
			return op.Null, err
		}
	}
	return ok, nil
}

// flushDB implements FLUSHDB.
func flushDB(c *call) (op.Value, error) {
	if err := c.flushMode(); err != nil {
		return op.Null, err
	}
	c.goneAll(c.db)
	for _, text := range []string{
		"DELETE FROM _dotdo_kv_list WHERE pos >> 32 IN (SELECT id FROM _dotdo_kv WHERE db = ?1)",
		"DELETE FROM _dotdo_kv_item WHERE id IN (SELECT id FROM _dotdo_kv WHERE db = ?1)",
		"DELETE FROM _dotdo_kv_stream WHERE id IN (SELECT id FROM _dotdo_kv WHERE db = ?1)",
		"DELETE FROM _dotdo_kv_group WHERE id IN (SELECT id FROM _dotdo_kv WHERE db = ?1)",
		"DELETE FROM _dotdo_kv_consumer WHERE id IN (SELECT id FROM _dotdo_kv WHERE db = ?1)",
		"DELETE FROM _dotdo_kv_pending WHERE id IN (SELECT id FROM _dotdo_kv WHERE db = ?1)",
		"DELETE FROM _dotdo_kv WHERE db = ?1",
		"DELETE FROM _dotdo_kv_count WHERE db = ?1",
	} {
		if _, err := c.conn.Run(text, op.Int64(int64(c.db))); err != nil {
			return op.Null, err
		}
	}
	return ok, nil
}

// swapDB implements SWAPDB.
func swapDB(c *call) (op.Value, error) {
	a, good := parseInt(c.args[0])
	if !good {
		return op.Null, bad("invalid first DB index")
	}
	b, good := parseInt(c.args[1])
	if !good {
		return op.Null, bad("invalid second DB index")
	}
	if a < 0 || a >= databases || b < 0 || b >= databases {
		return op.Null, errDB
	}
	if a == b {
		return ok, nil
	}
	c.goneAll(int(a))
	c.goneAll(int(b))
	for _, step := range [][2]int64{{a, -1}, {b, a}, {-1, b}} {
		if _, err := c.conn.Run("UPDATE _dotdo_kv SET db = ?1, version = ?3 WHERE db = ?2", op.Int64(step[1]), op.Int64(step[0]), c.version()); err != nil {
			return op.Null, err
		}
		if _, err := c.conn.Run("UPDATE _dotdo_kv_count SET db = ?1 WHERE db = ?2", op.Int64(step[1]), op.Int64(step[0])); err != nil {
			return op.Null, err
		}
	}
	c.readyAll()
	return ok, nil
}

// objectInfo implements OBJECT.
func objectInfo(c *call) (op.Value, error) {
	sub := c.args[0]
	if is(sub, "HELP") {
		return op.Array(op.Text("OBJECT <subcommand> <key>. Subcommands: ENCODING, FREQ, REFCOUNT.")), nil
	}
	switch {
	case is(sub, "IDLETIME"):
		return op.Null, op.Errorf(op.Unsupported, "ERR 'object idletime' is not supported: reads leave no trace")
	case !is(sub, "ENCODING") && !is(sub, "REFCOUNT") && !is(sub, "FREQ"):
		return op.Null, bad("unknown subcommand '%s'. Try OBJECT HELP.", sub)
	case len(c.args) != 2:
		return op.Null, arity("OBJECT|" + string(sub))
	}
	k, err := c.find(c.args[1])
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	switch {
	case is(sub, "ENCODING"):
		return op.Bytes([]byte(k.encoding())), nil
	case is(sub, "REFCOUNT"):
		return one, nil
	default:
		return op.Null, bad("An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	}
}

// encoding names the representation clients expect for a key of this size.
func (k *key) encoding() string {
	small := k.n <= 128
	if k.typ == typeStream {
		return "stream"
	}
	switch k.typ {
	case typeString:
		if _, good := parseInt(k.value); good {
			return "int"
		}
		if len(k.value) <= 44 {
			return "embstr"
		}
		return "raw"
	case typeList:
		if small {
			return "listpack"
		}
		return "quicklist"
	case typeHash, typeSet:
		if small {
			return "listpack"
		}
		return "hashtable"
	}
	if small {
		return "listpack"
	}
	return "skiplist"
}

// memoryUsage implements MEMORY USAGE: the stored bytes of a key.
func memoryUsage(c *call) (op.Value, error) {
	if !is(c.args[0], "USAGE") || len(c.args) < 2 {
		return op.Null, bad("unknown subcommand or wrong number of arguments for '%s'. Try MEMORY HELP.", c.args[0])
	}
	k, err := c.find(c.args[1])
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	var r []op.Value
	switch k.typ {
	case typeStream:
		r, err = c.conn.Row("SELECT total(length(fields) + 20) FROM _dotdo_kv_stream WHERE id = ?1", op.Int64(k.id))
		if err == nil {
			r[0] = op.Int64(int64(r[0].Float()))
		}
	case typeString:
		r = []op.Value{op.Int64(int64(len(k.value)))}
	case typeList:
		r, err = c.conn.Row("SELECT sum(length(value) + 12) FROM _dotdo_kv_list WHERE pos BETWEEN ?1 AND ?2", op.Int64(k.base()), op.Int64(k.top()))
	default:
		r, err = c.conn.Row("SELECT sum(2 * length(member) + coalesce(length(value), 8) + 24) FROM _dotdo_kv_item WHERE pos BETWEEN ?1 AND ?2", op.Int64(k.base()), op.Int64(k.top()))
	}
	if err != nil {
		return op.Null, err
	}
	return op.Int64(r[0].Int() + int64(2*len(k.name)) + 40), nil
}

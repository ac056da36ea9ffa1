package kv

import (
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Consumer groups of streams: XGROUP, XACK, XPENDING, XCLAIM, XAUTOCLAIM. A
// group's pending entries are rows of _dotdo_kv_pending, so taking one over is
// an update.

// groupCommands are the commands on consumer groups.
var groupCommands = map[string]handler{
	"XACK":       xack,
	"XAUTOCLAIM": xautoclaim,
	"XCLAIM":     xclaim,
	"XGROUP":     xgroup,
	"XPENDING":   xpending,
}

// unknownReads is the stored number of read entries when it is not known.
const unknownReads = -1

// group is one row of _dotdo_kv_group.
type group struct {
	name []byte
	last entryID
	read int64 // entries read, unknownReads when not known
}

// group reads a consumer group; nil when there is none.
func (c *call) group(k *key, name []byte) (*group, error) {
	if k.id == 0 {
		return nil, nil
	}
	r, err := c.conn.Row("SELECT last, read FROM _dotdo_kv_group WHERE id = ?1 AND name = ?2", op.Int64(k.id), blob(name))
	if err != nil || r == nil {
		return nil, err
	}
	return &group{name, idOf(r[0].Raw), r[1].Int()}, nil
}

// saveGroup stores a new or changed group.
func (c *call) saveGroup(k *key, g *group) error {
	c.changed(c.db, k.name)
	_, err := c.conn.Run("INSERT OR REPLACE INTO _dotdo_kv_group(id, name, last, read) VALUES (?1, ?2, ?3, ?4)", op.Int64(k.id), blob(g.name), g.last.blob(), op.Int64(g.read))
	return err
}

// seen makes a consumer unless it exists and notes that it was here; active
// that it got or claimed something.
func (c *call) seen(k *key, g *group, consumer []byte, active bool) error {
	_, err := c.conn.Run(`INSERT INTO _dotdo_kv_consumer(id, grp, name, seen, active) VALUES (?1, ?2, ?3, ?4, CASE WHEN ?5 THEN ?4 ELSE -1 END)
		ON CONFLICT(id, grp, name) DO UPDATE SET seen = excluded.seen, active = CASE WHEN ?5 THEN excluded.seen ELSE active END`,
		op.Int64(k.id), blob(g.name), blob(consumer), op.Int64(c.now), op.Bool(active))
	return err
}

// streamFor reads a stream and one of its groups; both may be absent.
func (c *call) streamFor(name, groupName []byte) (key, *group, error) {
	k, err := c.want(name, typeStream)
	if err != nil {
		return k, nil, err
	}
	g, err := c.group(&k, groupName)
	return k, g, err
}

// noGroup is the error for a missing stream or group.
func noGroup(name, groupName []byte) error {
	return op.Errorf(op.NotFound, "NOGROUP No such key '%s' or consumer group '%s'", name, groupName)
}

// xack implements XACK.
func xack(c *call) (op.Value, error) {
	k, g, err := c.streamFor(c.args[0], c.args[1])
	if err != nil || g == nil {
		return zero, err
	}
	ids, err := c.ids(2)
	if err != nil {
		return op.Null, err
	}
	total := int64(0)
	for _, id := range ids {
		n, err := c.forget(&k, g, id)
		if err != nil {
			return op.Null, err
		}
		total += n
	}
	return op.Int64(total), nil
}

// forget takes an entry from the pending ones.
func (c *call) forget(k *key, g *group, id entryID) (int64, error) {
	return c.conn.Run("DELETE FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2 AND entry = ?3", op.Int64(k.id), blob(g.name), id.blob())
}

// deliver makes an entry pending for a consumer at a time.
func (c *call) deliver(k *key, g *group, id entryID, consumer []byte, at, times int64) error {
	_, err := c.conn.Run("INSERT OR REPLACE INTO _dotdo_kv_pending(id, grp, entry, consumer, at, times) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		op.Int64(k.id), blob(g.name), id.blob(), blob(consumer), op.Int64(at), op.Int64(times))
	return err
}

// xgroup implements XGROUP.
func xgroup(c *call) (op.Value, error) {
	sub, n := c.args[0], len(c.args)
	known := map[string]bool{"CREATE": n >= 4, "SETID": n == 4 || n == 6, "DESTROY": n == 3, "CREATECONSUMER": n == 4, "DELCONSUMER": n == 4}
	name := upper(sub)
	good, exists := known[name]
	switch {
	case !exists:
		return op.Null, bad("unknown subcommand '%s'. Try XGROUP HELP.", sub)
	case !good:
		return op.Null, arity("xgroup|" + name)
	}
	makes, reads := false, int64(unknownReads)
	for i := 4; i < n && (name == "CREATE" || name == "SETID"); i++ {
		switch {
		case name == "CREATE" && is(c.args[i], "MKSTREAM"):
			makes = true
		case is(c.args[i], "ENTRIESREAD") && i+1 < n:
			v, err := c.int(i + 1)
			if err != nil {
				return op.Null, err
			}
			if v < 0 && v != unknownReads {
				return op.Null, bad("value for ENTRIESREAD must be positive or -1")
			}
			reads = v
			i++
		default:
			return op.Null, bad("unknown subcommand or wrong number of arguments for '%s'. Try XGROUP HELP.", sub)
		}
	}
	k, g, err := c.streamFor(c.args[1], c.args[2])
	if err != nil {
		return op.Null, err
	}
	switch {
	case k.id == 0 && !makes:
		return op.Null, bad("The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.")
	case g == nil && name != "CREATE" && name != "DESTROY":
		return op.Null, op.Errorf(op.NotFound, "NOGROUP No such consumer group '%s' for key name '%s'", c.args[2], c.args[1])
	}
	switch name {
	case "CREATE", "SETID":
		return c.setGroup(&k, g, name == "CREATE", reads)
	case "DESTROY":
		return c.destroyGroup(&k, g)
	}
	return c.groupConsumer(&k, g, name == "CREATECONSUMER")
}

// setGroup makes a group or moves it to another entry.
func (c *call) setGroup(k *key, g *group, create bool, reads int64) (op.Value, error) {
	var at entryID
	s := streamOf(k)
	if len(c.args[3]) == 1 && c.args[3][0] == '$' {
		at = s.last
	} else {
		var err error
		if at, err = parseID(c.args[3], 0); err != nil {
			return op.Null, err
		}
	}
	if create && g != nil {
		return op.Null, op.Errorf(op.AlreadyExists, "BUSYGROUP Consumer Group name already exists")
	}
	if k.id == 0 {
		if err := c.makeStream(k); err != nil {
			return op.Null, err
		}
	}
	return ok, c.saveGroup(k, &group{c.args[2], at, reads})
}

// destroyGroup removes a group with all that belongs to it.
func (c *call) destroyGroup(k *key, g *group) (op.Value, error) {
	if g == nil {
		return zero, nil
	}
	c.changed(c.db, k.name)
	for _, text := range []string{
		"DELETE FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2",
		"DELETE FROM _dotdo_kv_consumer WHERE id = ?1 AND grp = ?2",
		"DELETE FROM _dotdo_kv_group WHERE id = ?1 AND name = ?2",
	} {
		if _, err := c.conn.Run(text, op.Int64(k.id), blob(g.name)); err != nil {
			return op.Null, err
		}
	}
	c.ready(c.db, k) // those who wait for the group learn that it is gone
	return one, nil
}

// groupConsumer makes a consumer, or deletes one with its pending entries.
func (c *call) groupConsumer(k *key, g *group, create bool) (op.Value, error) {
	id, grp, name := op.Int64(k.id), blob(g.name), blob(c.args[3])
	if create {
		n, err := c.conn.Run("INSERT OR IGNORE INTO _dotdo_kv_consumer(id, grp, name, seen, active) VALUES (?1, ?2, ?3, ?4, -1)", id, grp, name, op.Int64(c.now))
		return op.Int64(n), err
	}
	n, err := c.conn.Run("DELETE FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2 AND consumer = ?3", id, grp, name)
	if err == nil {
		_, err = c.conn.Run("DELETE FROM _dotdo_kv_consumer WHERE id = ?1 AND grp = ?2 AND name = ?3", id, grp, name)
	}
	return op.Int64(n), err
}

// xpending implements XPENDING.
func xpending(c *call) (op.Value, error) {
	if len(c.args) == 2 {
		return c.pendingSummary()
	}
	if len(c.args) < 5 || len(c.args) > 8 {
		return op.Null, errSyntax
	}
	at, idle := 2, int64(0)
	if is(c.args[2], "IDLE") {
		var err error
		if idle, err = c.int(3); err != nil {
			return op.Null, err
		}
		if at = 4; len(c.args) < 7 {
			return op.Null, errSyntax
		}
	}
	if rest := len(c.args) - at; rest != 3 && rest != 4 {
		return op.Null, errSyntax
	}
	count, err := c.int(at + 2)
	if err != nil {
		return op.Null, err
	}
	from, err := bound(c.args[at], true)
	if err != nil {
		return op.Null, err
	}
	to, err := bound(c.args[at+1], false)
	if err != nil {
		return op.Null, err
	}
	k, g, err := c.streamFor(c.args[0], c.args[1])
	if err != nil {
		return op.Null, err
	}
	if g == nil {
		return op.Null, noGroup(c.args[0], c.args[1])
	}
	owner := op.Null
	if len(c.args) == at+4 {
		owner = blob(c.args[at+3])
	}
	rows, err := c.conn.Query(`SELECT entry, consumer, max(?1 - at, 0), times FROM _dotdo_kv_pending WHERE id = ?2 AND grp = ?3 AND entry BETWEEN ?4 AND ?5
		AND (?6 IS NULL OR consumer = ?6) AND ?1 - at >= ?7 ORDER BY entry LIMIT ?8`,
		op.Int64(c.now), op.Int64(k.id), blob(g.name), from.blob(), to.blob(), owner, op.Int64(idle), op.Int64(max(count, 0)))
	if err != nil {
		return op.Null, err
	}
	list := make([]op.Value, len(rows))
	for i, r := range rows {
		list[i] = op.Array(idOf(r[0].Raw).text(), r[1], r[2], r[3])
	}
	return op.Array(list...), nil
}

// pendingSummary is XPENDING without a range.
func (c *call) pendingSummary() (op.Value, error) {
	k, g, err := c.streamFor(c.args[0], c.args[1])
	if err != nil {
		return op.Null, err
	}
	if g == nil {
		return op.Null, noGroup(c.args[0], c.args[1])
	}
	r, err := c.conn.Row("SELECT count(*), min(entry), max(entry) FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2", op.Int64(k.id), blob(g.name))
	if err != nil {
		return op.Null, err
	}
	if r[0].Int() == 0 {
		return op.Array(zero, op.Null, op.Null, op.Null), nil
	}
	owners, err := c.conn.Query("SELECT consumer, count(*) FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2 GROUP BY consumer ORDER BY consumer", op.Int64(k.id), blob(g.name))
	if err != nil {
		return op.Null, err
	}
	list := make([]op.Value, len(owners))
	for i, o := range owners {
		list[i] = op.Array(o[0], op.Bytes(formatInt(o[1].Int())))
	}
	return op.Array(r[0], idOf(r[1].Raw).text(), idOf(r[2].Raw).text(), op.Array(list...)), nil
}

// claim is the parsed end of XCLAIM.
type claim struct {
	at    int64 // delivery time
	times int64 // delivery count, negative = one more
	force bool
	just  bool
	last  entryID
}

// claimOptions reads the options of XCLAIM from i on.
func (c *call) claimOptions(i int) (claim, error) {
	o := claim{at: c.now, times: -1}
	for ; i < len(c.args); i++ {
		a := c.args[i]
		more := i+1 < len(c.args)
		var err error
		switch {
		case is(a, "FORCE"):
			o.force = true
			continue
		case is(a, "JUSTID"):
			o.just = true
			continue
		case is(a, "IDLE") && more:
			var idle int64
			if idle, err = c.int(i + 1); err == nil {
				o.at = c.now - idle
			} else {
				err = bad("Invalid IDLE option argument for XCLAIM")
			}
		case is(a, "TIME") && more:
			if o.at, err = c.int(i + 1); err != nil {
				err = bad("Invalid TIME option argument for XCLAIM")
			}
		case is(a, "RETRYCOUNT") && more:
			if o.times, err = c.int(i + 1); err != nil {
				err = bad("Invalid RETRYCOUNT option argument for XCLAIM")
			}
		case is(a, "LASTID") && more:
			o.last, err = parseID(c.args[i+1], 0)
		default:
			err = bad("Unrecognized XCLAIM option '%s'", a)
		}
		if err != nil {
			return o, err
		}
		i++
	}
	if o.at < 0 || o.at > c.now {
		o.at = c.now
	}
	return o, nil
}

// xclaim implements XCLAIM.
func xclaim(c *call) (op.Value, error) {
	k, g, err := c.streamFor(c.args[0], c.args[1])
	if err != nil {
		return op.Null, err
	}
	if g == nil {
		return op.Null, noGroup(c.args[0], c.args[1])
	}
	idle, good := parseInt(c.args[3])
	if !good {
		return op.Null, bad("Invalid min-idle-time argument for XCLAIM")
	}
	var ids []entryID
	i := 4
	for ; i < len(c.args); i++ {
		id, err := parseID(c.args[i], 0)
		if err != nil {
			break
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 {
		return op.Null, errStreamID
	}
	o, err := c.claimOptions(i)
	if err != nil {
		return op.Null, err
	}
	if g.last.less(o.last) {
		g.last = o.last
		if err := c.saveGroup(&k, g); err != nil {
			return op.Null, err
		}
	}
	list, taken := []op.Value{}, false
	for _, id := range ids {
		v, err := c.take1(&k, g, id, max(idle, 0), &o)
		if err != nil {
			return op.Null, err
		}
		if !v.IsNull() {
			list = append(list, v)
			taken = true
		}
	}
	if taken {
		err = c.seen(&k, g, c.args[2], true)
	}
	return op.Array(list...), err
}

// take1 gives one entry to the consumer of XCLAIM or XAUTOCLAIM; Null when it
// does not change hands.
func (c *call) take1(k *key, g *group, id entryID, idle int64, o *claim) (op.Value, error) {
	p, err := c.conn.Row("SELECT at, times FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2 AND entry = ?3", op.Int64(k.id), blob(g.name), id.blob())
	if err != nil || p == nil && !o.force {
		return op.Null, err
	}
	rows, err := c.entries(k, id, id, 1, false)
	if err != nil {
		return op.Null, err
	}
	if len(rows) == 0 { // deleted meanwhile
		_, err := c.forget(k, g, id)
		return op.Null, err
	}
	times := int64(0)
	if p != nil {
		if idle > 0 && c.now-p[0].Int() < idle {
			return op.Null, nil
		}
		times = p[1].Int()
	}
	switch {
	case o.times >= 0:
		times = o.times
	case !o.just:
		times++
	}
	if err := c.deliver(k, g, id, c.args[2], o.at, times); err != nil {
		return op.Null, err
	}
	if o.just {
		return id.text(), nil
	}
	return rows[0].reply(), nil
}

// xautoclaim implements XAUTOCLAIM.
func xautoclaim(c *call) (op.Value, error) {
	idle, good := parseInt(c.args[3])
	if !good {
		return op.Null, bad("Invalid min-idle-time argument for XAUTOCLAIM")
	}
	from, err := bound(c.args[4], true)
	if err != nil {
		return op.Null, err
	}
	count, o := int64(100), claim{at: c.now, times: -1}
	for i := 5; i < len(c.args); i++ {
		switch {
		case is(c.args[i], "COUNT") && i+1 < len(c.args):
			n, good := parseInt(c.args[i+1])
			if !good || n < 1 || n > math.MaxInt64/16 {
				return op.Null, bad("COUNT must be > 0")
			}
			count = n
			i++
		case is(c.args[i], "JUSTID"):
			o.just = true
		default:
			return op.Null, errSyntax
		}
	}
	k, g, err := c.streamFor(c.args[0], c.args[1])
	if err != nil {
		return op.Null, err
	}
	if g == nil {
		return op.Null, noGroup(c.args[0], c.args[1])
	}
	attempts := 10 * count
	rows, err := c.conn.Query("SELECT entry, at, EXISTS (SELECT 1 FROM _dotdo_kv_stream s WHERE s.id = ?1 AND s.entry = p.entry) FROM _dotdo_kv_pending p WHERE id = ?1 AND grp = ?2 AND entry >= ?3 ORDER BY entry LIMIT ?4",
		op.Int64(k.id), blob(g.name), from.blob(), op.Int64(min(attempts, 1<<20)+1))
	if err != nil {
		return op.Null, err
	}
	taken, deleted := []op.Value{}, []op.Value{}
	next := entryID{}
	for _, r := range rows {
		id := idOf(r[0].Raw)
		if attempts == 0 || count == 0 {
			next = id
			break
		}
		attempts--
		if r[2].Int() == 0 {
			if _, err := c.forget(&k, g, id); err != nil {
				return op.Null, err
			}
			deleted = append(deleted, id.text())
			count--
			continue
		}
		v, err := c.take1(&k, g, id, max(idle, 0), &o)
		if err != nil {
			return op.Null, err
		}
		if !v.IsNull() {
			taken = append(taken, v)
			count--
		}
	}
	if len(taken) > 0 {
		err = c.seen(&k, g, c.args[2], true)
	}
	return op.Array(next.text(), op.Array(taken...), op.Array(deleted...)), err
}

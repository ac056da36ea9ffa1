package kv

import (
	"math"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// XREAD, XREADGROUP and XINFO.

// readCommands are the commands that read streams for consumers.
var readCommands = map[string]handler{
	"XINFO":      xinfo,
	"XREAD":      xread,
	"XREADGROUP": xread,
}

// streamRead is a parsed XREAD or XREADGROUP.
type streamRead struct {
	group, consumer []byte
	noAck           bool
	count           int64
	block           bool
	wait            time.Duration
	names, ids      [][]byte
}

// parseRead reads the arguments of XREAD (grouped: XREADGROUP).
func parseRead(args [][]byte, grouped bool) (r streamRead, err error) {
	have := false
	for i := 0; i < len(args); i++ {
		a := args[i]
		more := len(args) - i - 1
		switch {
		case is(a, "BLOCK") && more > 0:
			ms, good := parseInt(args[i+1])
			if !good || ms > math.MaxInt64/int64(time.Millisecond) {
				return r, bad("timeout is not an integer or out of range")
			}
			if ms < 0 {
				return r, errNegTimeout
			}
			r.block, r.wait = true, time.Duration(ms)*time.Millisecond
			i++
		case is(a, "COUNT") && more > 0:
			n, good := parseInt(args[i+1])
			if !good {
				return r, errInteger
			}
			r.count = max(n, 0)
			i++
		case is(a, "STREAMS") && more > 0:
			if more%2 != 0 {
				return r, bad("Unbalanced XREAD list of streams: for each stream key an ID or '$' must be specified.")
			}
			rest := args[i+1:]
			r.names, r.ids = rest[:more/2], rest[more/2:]
			have = true
			i = len(args)
		case is(a, "GROUP") && more >= 2:
			if !grouped {
				return r, bad("The GROUP option is only supported by XREADGROUP. You called XREAD instead.")
			}
			r.group, r.consumer = args[i+1], args[i+2]
			i += 2
		case is(a, "NOACK"):
			if !grouped {
				return r, bad("The NOACK option is only supported by XREADGROUP. You called XREAD instead.")
			}
			r.noAck = true
		default:
			return r, errSyntax
		}
	}
	switch {
	case !have:
		return r, errSyntax
	case grouped && r.group == nil:
		return r, bad("Missing GROUP option for XREADGROUP")
	}
	return r, nil
}

// xread implements XREAD and XREADGROUP without waiting.
func xread(c *call) (op.Value, error) {
	grouped := c.verb == "XREADGROUP"
	r, err := parseRead(c.args, grouped)
	if err != nil {
		return op.Null, err
	}
	type part struct {
		k     key
		g     *group
		after entryID
		fresh bool // the > of XREADGROUP
	}
	parts := make([]part, len(r.names))
	for i, name := range r.names { // everything is checked before anything changes
		p := &parts[i]
		if p.k, err = c.want(name, typeStream); err != nil {
			return op.Null, err
		}
		if grouped {
			if p.g, err = c.group(&p.k, r.group); err != nil {
				return op.Null, err
			}
			if p.g == nil {
				return op.Null, op.Errorf(op.NotFound, "NOGROUP No such key '%s' or consumer group '%s' in XREADGROUP with GROUP option", name, r.group)
			}
		}
		switch id := string(r.ids[i]); {
		case id == "$" && grouped:
			return op.Null, bad("The $ ID is meaningless in the context of XREADGROUP: you want to read the history of this consumer by specifying a proper ID, or use the > ID to get new messages. The $ ID would just return an empty result set.")
		case id == "$":
			s := streamOf(&p.k)
			p.after = s.last
		case id == ">" && !grouped:
			return op.Null, bad("The > ID can be specified only when calling XREADGROUP using the GROUP <group> <consumer> option.")
		case id == ">":
			p.fresh = true
		default:
			if p.after, err = parseID(r.ids[i], 0); err != nil {
				return op.Null, err
			}
		}
	}
	var out []op.Value
	for i := range parts {
		p := &parts[i]
		var v op.Value
		switch {
		case grouped && p.fresh:
			if p.g, err = c.group(&p.k, r.group); err == nil { // a key may stand twice
				v, err = c.readNew(&p.k, p.g, &r)
			}
		case grouped:
			v, err = c.readHistory(&p.k, p.g, &r, p.after)
		default:
			v, err = c.readAfter(&p.k, p.after, r.count)
		}
		if err != nil {
			return op.Null, err
		}
		if !v.IsNull() {
			out = append(out, op.Bytes(r.names[i]), v)
		}
	}
	if len(out) == 0 {
		return op.Null, nil
	}
	return op.Map(out...), nil
}

// most is a count as SQL knows it: 0 means all.
func most(n int64) int64 {
	if n == 0 {
		return -1
	}
	return n
}

// readAfter reads the entries behind one, Null when there are none.
func (c *call) readAfter(k *key, after entryID, count int64) (op.Value, error) {
	from, good := after.next()
	if k.id == 0 || !good {
		return op.Null, nil
	}
	rows, err := c.entries(k, from, lastID, most(count), false)
	if err != nil || len(rows) == 0 {
		return op.Null, err
	}
	return entryList(rows), nil
}

// readNew delivers entries nobody of the group has had, Null when there are none.
func (c *call) readNew(k *key, g *group, r *streamRead) (op.Value, error) {
	from, good := g.last.next()
	var rows []streamRow
	var err error
	if good {
		if rows, err = c.entries(k, from, lastID, most(r.count), false); err != nil {
			return op.Null, err
		}
	}
	if len(rows) == 0 {
		return op.Null, nil
	}
	if err := c.seen(k, g, r.consumer, true); err != nil {
		return op.Null, err
	}
	s := streamOf(k)
	first, err := c.first(k)
	if err != nil {
		return op.Null, err
	}
	for i := range rows {
		id := rows[i].id
		if g.read != unknownReads && !s.gaps(k, first, id) {
			g.read++
		} else if s.added > 0 {
			g.read = s.distance(k, first, id)
		}
		g.last = id
		if !r.noAck {
			if err := c.deliver(k, g, id, r.consumer, c.now, 1); err != nil {
				return op.Null, err
			}
		}
	}
	return entryList(rows), c.saveGroup(k, g)
}

// first is the identifier of the first entry, 0-0 when there is none.
func (c *call) first(k *key) (entryID, error) {
	rows, err := c.entries(k, entryID{}, lastID, 1, false)
	if err != nil || len(rows) == 0 {
		return entryID{}, err
	}
	return rows[0].id, nil
}

// gaps reports whether an entry behind from may have been deleted.
func (s *stream) gaps(k *key, first, from entryID) bool {
	return k.n > 0 && !s.deleted.zero() && !s.deleted.less(first) && !s.deleted.less(from)
}

// distance is how many entries were ever added up to id, unknownReads when that
// cannot be told.
func (s *stream) distance(k *key, first, id entryID) int64 {
	added := int64(s.added)
	switch {
	case added == 0:
		return 0
	case k.n == 0 && !s.last.less(id):
		return added
	case id == s.last:
		return added
	case s.last.less(id):
		return unknownReads
	case s.deleted.zero() || s.deleted.less(first):
		if id.less(first) {
			return added - k.n
		}
		if id == first {
			return added - k.n + 1
		}
	}
	return unknownReads
}

// readHistory lists a consumer's pending entries behind one.
func (c *call) readHistory(k *key, g *group, r *streamRead, after entryID) (op.Value, error) {
	if err := c.seen(k, g, r.consumer, false); err != nil {
		return op.Null, err
	}
	rows, err := c.conn.Query(`SELECT p.entry, s.fields FROM _dotdo_kv_pending p LEFT JOIN _dotdo_kv_stream s ON s.id = p.id AND s.entry = p.entry
		WHERE p.id = ?1 AND p.grp = ?2 AND p.consumer = ?3 AND p.entry > ?4 ORDER BY p.entry LIMIT ?5`,
		op.Int64(k.id), blob(g.name), blob(r.consumer), after.blob(), op.Int64(most(r.count)))
	if err != nil {
		return op.Null, err
	}
	list := make([]op.Value, len(rows))
	for i, row := range rows {
		fields := op.Null
		if !row[1].IsNull() {
			fields = unpackFields(row[1].Raw)
		}
		list[i] = op.Array(idOf(row[0].Raw).text(), fields)
		if !row[1].IsNull() { // it is delivered once more
			if _, err := c.conn.Run("UPDATE _dotdo_kv_pending SET at = ?4, times = times + 1 WHERE id = ?1 AND grp = ?2 AND entry = ?3", op.Int64(k.id), blob(g.name), row[0], op.Int64(c.now)); err != nil {
				return op.Null, err
			}
		}
	}
	return op.Array(list...), nil
}

// waitsRead returns a waiter for XREAD or XREADGROUP with BLOCK, else nil.
func waitsRead(b *kv.Command) *waiter {
	r, err := parseRead(b.Args, b.Verb == "XREADGROUP")
	if err != nil || !r.block {
		return nil
	}
	w := newWaiter(b, r.wait)
	for _, name := range r.names {
		w.keys = append(w.keys, watched{b.DB, string(name)})
	}
	return w
}

// settleIDs replaces the $ of XREAD by what it stands for when the wait begins.
func (c *call) settleIDs(w *waiter) error {
	if w.body.Verb != "XREAD" {
		return nil
	}
	r, err := parseRead(w.body.Args, false)
	if err != nil {
		return err
	}
	b := *w.body
	b.Args = append([][]byte(nil), b.Args...)
	ids := b.Args[len(b.Args)-len(r.ids):]
	for i, name := range r.names {
		if string(ids[i]) == "$" {
			k, err := c.want(name, typeStream)
			if err != nil {
				return err
			}
			s := streamOf(&k)
			ids[i] = appendID(nil, s.last)
		}
	}
	w.body = &b
	return nil
}

// onlyStream is a read of one of several streams.
func onlyStream(b kv.Command, name string) *kv.Command {
	r, err := parseRead(b.Args, b.Verb == "XREADGROUP")
	if err != nil {
		return &b
	}
	head := b.Args[:len(b.Args)-2*len(r.names)]
	for i := range r.names {
		if string(r.names[i]) == name {
			b.Args = append(append([][]byte(nil), head...), r.names[i], r.ids[i])
			break
		}
	}
	return &b
}

// xinfo implements XINFO STREAM, GROUPS and CONSUMERS.
func xinfo(c *call) (op.Value, error) {
	sub, n := upper(c.args[0]), len(c.args)
	known := map[string]bool{"STREAM": n >= 2, "GROUPS": n == 2, "CONSUMERS": n == 3}
	good, exists := known[sub]
	switch {
	case !exists:
		return op.Null, bad("unknown subcommand '%s'. Try XINFO HELP.", c.args[0])
	case !good:
		return op.Null, arity("xinfo|" + sub)
	}
	k, err := c.want(c.args[1], typeStream)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 {
		return op.Null, errNoKey
	}
	switch sub {
	case "GROUPS":
		return c.infoGroups(&k)
	case "CONSUMERS":
		g, err := c.group(&k, c.args[2])
		if err != nil {
			return op.Null, err
		}
		if g == nil {
			return op.Null, op.Errorf(op.NotFound, "NOGROUP No such consumer group '%s' for key name '%s'", c.args[2], c.args[1])
		}
		return c.infoConsumers(&k, g)
	}
	return c.infoStream(&k)
}

// infoGroups lists a stream's groups.
func (c *call) infoGroups(k *key) (op.Value, error) {
	rows, err := c.conn.Query(`SELECT name, last, read, (SELECT count(*) FROM _dotdo_kv_consumer x WHERE x.id = g.id AND x.grp = g.name),
		(SELECT count(*) FROM _dotdo_kv_pending p WHERE p.id = g.id AND p.grp = g.name) FROM _dotdo_kv_group g WHERE id = ?1 ORDER BY name`, op.Int64(k.id))
	if err != nil {
		return op.Null, err
	}
	s := streamOf(k)
	first, err := c.first(k)
	if err != nil {
		return op.Null, err
	}
	list := make([]op.Value, len(rows))
	for i, r := range rows {
		last, read := idOf(r[1].Raw), r[2].Int()
		lag, reads := op.Null, op.Null
		if read != unknownReads {
			reads = op.Int64(read)
		}
		switch {
		case s.added == 0:
			lag = zero
		case read != unknownReads && !s.gaps(k, first, last):
			lag = op.Int64(int64(s.added) - read)
		default:
			if d := s.distance(k, first, last); d != unknownReads {
				lag = op.Int64(int64(s.added) - d)
			}
		}
		list[i] = op.Map(word("name"), r[0], word("consumers"), r[3], word("pending"), r[4], word("last-delivered-id"), last.text(), word("entries-read"), reads, word("lag"), lag)
	}
	return op.Array(list...), nil
}

// word is a name inside a reply.
func word(s string) op.Value { return op.Bytes([]byte(s)) }

// infoConsumers lists a group's consumers.
func (c *call) infoConsumers(k *key, g *group) (op.Value, error) {
	rows, err := c.conn.Query(`SELECT name, (SELECT count(*) FROM _dotdo_kv_pending p WHERE p.id = x.id AND p.grp = x.grp AND p.consumer = x.name),
		max(?3 - seen, 0), CASE WHEN active < 0 THEN -1 ELSE max(?3 - active, 0) END FROM _dotdo_kv_consumer x WHERE id = ?1 AND grp = ?2 ORDER BY name`, op.Int64(k.id), blob(g.name), op.Int64(c.now))
	if err != nil {
		return op.Null, err
	}
	list := make([]op.Value, len(rows))
	for i, r := range rows {
		list[i] = op.Map(word("name"), r[0], word("pending"), r[1], word("idle"), r[2], word("inactive"), r[3])
	}
	return op.Array(list...), nil
}

// infoStream describes a stream; FULL lists entries, groups and consumers too.
func (c *call) infoStream(k *key) (op.Value, error) {
	full, count := false, int64(10)
	switch n := len(c.args); {
	case n == 2:
	case n == 3 && is(c.args[2], "FULL"):
		full = true
	case n == 5 && is(c.args[2], "FULL") && is(c.args[3], "COUNT"):
		full = true
		var err error
		if count, err = c.int(4); err != nil {
			return op.Null, err
		}
		if count < 0 {
			count = 10
		}
	default:
		return op.Null, errSyntax
	}
	s := streamOf(k)
	first, err := c.first(k)
	if err != nil {
		return op.Null, err
	}
	out := []op.Value{word("length"), op.Int64(k.n), word("last-generated-id"), s.last.text(), word("max-deleted-entry-id"), s.deleted.text(),
		word("entries-added"), op.Int64(int64(s.added)), word("recorded-first-entry-id"), first.text()}
	if full {
		rows, err := c.entries(k, entryID{}, lastID, most(count), false)
		if err != nil {
			return op.Null, err
		}
		groups, err := c.fullGroups(k, count)
		return op.Map(append(out, word("entries"), entryList(rows), word("groups"), groups)...), err
	}
	groups, err := c.conn.Row("SELECT count(*) FROM _dotdo_kv_group WHERE id = ?1", op.Int64(k.id))
	if err != nil {
		return op.Null, err
	}
	ends := [2]op.Value{}
	for i := range ends {
		rows, err := c.entries(k, entryID{}, lastID, 1, i == 1)
		if err != nil {
			return op.Null, err
		}
		if len(rows) == 1 {
			ends[i] = rows[0].reply()
		}
	}
	return op.Map(append(out, word("groups"), groups[0], word("first-entry"), ends[0], word("last-entry"), ends[1])...), nil
}

// fullGroups lists groups with consumers and pending entries.
func (c *call) fullGroups(k *key, count int64) (op.Value, error) {
	brief, err := c.infoGroups(k)
	if err != nil {
		return op.Null, err
	}
	list := []op.Value{}
	for _, g := range brief.List() {
		m := g.List() // name, consumers, pending, last-delivered-id, entries-read, lag
		id, name := op.Int64(k.id), m[1]
		rows, err := c.conn.Query("SELECT entry, consumer, at, times FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2 ORDER BY entry LIMIT ?3", id, name, op.Int64(most(count)))
		if err != nil {
			return op.Null, err
		}
		pending := make([]op.Value, len(rows))
		for i, r := range rows {
			pending[i] = op.Array(idOf(r[0].Raw).text(), r[1], r[2], r[3])
		}
		consumers, err := c.conn.Query("SELECT name, seen, active FROM _dotdo_kv_consumer WHERE id = ?1 AND grp = ?2 ORDER BY name", id, name)
		if err != nil {
			return op.Null, err
		}
		people := make([]op.Value, len(consumers))
		for i, x := range consumers {
			rows, err := c.conn.Query("SELECT entry, at, times FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2 AND consumer = ?3 ORDER BY entry LIMIT ?4", id, name, x[0], op.Int64(most(count)))
			if err != nil {
				return op.Null, err
			}
			own := make([]op.Value, len(rows))
			for j, r := range rows {
				own[j] = op.Array(idOf(r[0].Raw).text(), r[1], r[2])
			}
			total, err := c.conn.Row("SELECT count(*) FROM _dotdo_kv_pending WHERE id = ?1 AND grp = ?2 AND consumer = ?3", id, name, x[0])
			if err != nil {
				return op.Null, err
			}
			people[i] = op.Map(word("name"), x[0], word("seen-time"), x[1], word("active-time"), x[2], word("pel-count"), total[0], word("pel"), op.Array(own...))
		}
		list = append(list, op.Map(m[0], m[1], m[6], m[7], m[8], m[9], m[10], m[11], word("pel-count"), m[5], word("pel"), op.Array(pending...), word("consumers"), op.Array(people...)))
	}
	return op.Array(list...), nil
}

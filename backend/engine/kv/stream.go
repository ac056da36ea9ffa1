package kv

import (
	"bytes"
	"encoding/binary"
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Streams. The row of the key holds in value what XINFO calls last-generated-id,
// max-deleted-entry-id and entries-added; n is the length. An empty stream is a
// key. Identifiers are stored as 16 bytes, which sort as they count.

// streamCommands are the commands on streams without groups.
var streamCommands = map[string]handler{
	"XADD":      xadd,
	"XDEL":      xdel,
	"XLEN":      xlen,
	"XRANGE":    func(c *call) (op.Value, error) { return c.xrange(false) },
	"XREVRANGE": func(c *call) (op.Value, error) { return c.xrange(true) },
	"XSETID":    xsetID,
	"XTRIM":     xtrim,
}

// Errors of streams.
var (
	errStreamID     = &op.Error{Code: op.InvalidArgument, Msg: "ERR Invalid stream ID specified as stream command argument"}
	errStreamZero   = &op.Error{Code: op.InvalidArgument, Msg: "ERR The ID specified in XADD must be greater than 0-0"}
	errStreamSmall  = &op.Error{Code: op.InvalidArgument, Msg: "ERR The ID specified in XADD is equal or smaller than the target stream top item"}
	errStreamEnd    = &op.Error{Code: op.OutOfRange, Msg: "ERR The stream has exhausted the last possible ID, unable to add more items"}
	errStreamFrom   = &op.Error{Code: op.InvalidArgument, Msg: "ERR invalid start ID for the interval"}
	errStreamTo     = &op.Error{Code: op.InvalidArgument, Msg: "ERR invalid end ID for the interval"}
	errStreamSetID  = &op.Error{Code: op.InvalidArgument, Msg: "ERR The ID specified in XSETID is smaller than the target stream top item"}
	errStreamMaxLen = &op.Error{Code: op.InvalidArgument, Msg: "ERR The MAXLEN argument must be >= 0."}
	errStreamLimit  = &op.Error{Code: op.InvalidArgument, Msg: "ERR syntax error, LIMIT cannot be used without the special ~ option"}
	errStreamTrims  = &op.Error{Code: op.InvalidArgument, Msg: "ERR syntax error, MAXLEN and MINID options at the same time are not compatible"}
)

// entryID is the identifier of an entry.
type entryID struct{ ms, seq uint64 }

// lastID is the largest identifier.
var lastID = entryID{math.MaxUint64, math.MaxUint64}

// less orders identifiers.
func (a entryID) less(b entryID) bool { return a.ms < b.ms || a.ms == b.ms && a.seq < b.seq }

// zero reports whether a is 0-0.
func (a entryID) zero() bool { return a == entryID{} }

// next is the identifier after a; false when there is none.
func (a entryID) next() (entryID, bool) {
	if a.seq < math.MaxUint64 {
		return entryID{a.ms, a.seq + 1}, true
	}
	return entryID{a.ms + 1, 0}, a.ms < math.MaxUint64
}

// prev is the identifier before a; false when there is none.
func (a entryID) prev() (entryID, bool) {
	if a.seq > 0 {
		return entryID{a.ms, a.seq - 1}, true
	}
	return entryID{a.ms - 1, math.MaxUint64}, a.ms > 0
}

// blob is the stored form.
func (a entryID) blob() op.Value {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), a.ms)
	return op.Bytes(binary.BigEndian.AppendUint64(b, a.seq))
}

// idOf reads the stored form.
func idOf(b []byte) entryID {
	if len(b) < 16 {
		return entryID{}
	}
	return entryID{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// text is the form of clients.
func (a entryID) text() op.Value { return op.Bytes(appendID(nil, a)) }

// appendID appends the form of clients.
func appendID(b []byte, a entryID) []byte {
	b = appendUint(b, a.ms)
	return appendUint(append(b, '-'), a.seq)
}

// parseID reads "ms-seq" or "ms", whose sequence number is then seq.
func parseID(b []byte, seq uint64) (entryID, error) {
	ms, more, cut := bytes.Cut(b, []byte("-"))
	id := entryID{seq: seq}
	good := false
	if id.ms, good = parseUint(ms); !good {
		return id, errStreamID
	}
	if cut {
		if id.seq, good = parseUint(more); !good {
			return id, errStreamID
		}
	}
	return id, nil
}

// stream is what a stream's row holds in value.
type stream struct {
	last, deleted entryID
	added         uint64
}

// streamOf decodes a stream's row.
func streamOf(k *key) stream {
	if len(k.value) < 40 {
		return stream{}
	}
	return stream{idOf(k.value), idOf(k.value[16:]), binary.BigEndian.Uint64(k.value[32:])}
}

// pack encodes it again.
func (s *stream) pack(k *key) {
	b := make([]byte, 0, 40)
	for _, u := range [...]uint64{s.last.ms, s.last.seq, s.deleted.ms, s.deleted.seq, s.added} {
		b = binary.BigEndian.AppendUint64(b, u)
	}
	k.value = b
}

// saveStream stores a changed stream.
func (c *call) saveStream(k *key, s *stream) error {
	s.pack(k)
	c.changed(c.db, k.name)
	_, err := c.conn.Run("UPDATE _dotdo_kv SET value = ?1, n = ?2, version = ?3 WHERE id = ?4", blob(k.value), op.Int64(k.n), c.version(), op.Int64(k.id))
	return err
}

// makeStream makes an empty stream of an absent key.
func (c *call) makeStream(k *key) error {
	(&stream{}).pack(k)
	k.typ, k.n, k.seq, k.expire = typeStream, 0, 0, 0
	return c.insert(c.db, k)
}

// trim is a parsed MAXLEN or MINID.
type trim struct {
	given  bool
	byID   bool
	about  bool // ~
	length int64
	least  entryID
	limit  int64 // entries that go at most, 0 = any number
}

// trimOption reads a trimming option at args[i]; n is how many arguments it
// took, 0 = it is none.
func (t *trim) trimOption(c *call, i int) (n int, err error) {
	a := c.args[i]
	byID := is(a, "MINID")
	switch {
	case is(a, "LIMIT"):
		if i+1 >= len(c.args) {
			return 0, errSyntax
		}
		if t.limit, err = c.int(i + 1); err != nil {
			return 0, err
		}
		if t.limit < 0 {
			return 0, bad("The LIMIT argument must be >= 0.")
		}
		if !t.about {
			return 0, errStreamLimit
		}
		return 2, nil
	case !byID && !is(a, "MAXLEN"):
		return 0, nil
	case t.given && byID != t.byID:
		return 0, errStreamTrims
	}
	n = 2
	t.given, t.byID, t.about = true, byID, false
	if i+1 < len(c.args) && (is(c.args[i+1], "~") || is(c.args[i+1], "=")) && i+2 < len(c.args) {
		t.about = is(c.args[i+1], "~")
		n = 3
	}
	if i+n > len(c.args) {
		return 0, errSyntax
	}
	if byID {
		t.least, err = parseID(c.args[i+n-1], 0)
		return n, err
	}
	if t.length, err = c.int(i + n - 1); err != nil {
		return 0, err
	}
	if t.length < 0 {
		return 0, errStreamMaxLen
	}
	return n, nil
}

// trimmed removes the entries a trim asks for; the caller saves k. An
// approximate trim is done exactly.
func (c *call) trimmed(k *key, t *trim) (int64, error) {
	if !t.given {
		return 0, nil
	}
	text, bound, most := "", op.Null, int64(-1)
	if t.byID {
		text, bound = "AND entry < ?2", t.least.blob()
	} else if most = k.n - t.length; most <= 0 {
		return 0, nil
	}
	if t.limit > 0 && (most < 0 || t.limit < most) {
		most = t.limit
	}
	args := []op.Value{op.Int64(k.id), bound, op.Int64(most)}
	n, err := c.conn.Run("DELETE FROM _dotdo_kv_stream WHERE id = ?1 AND entry IN (SELECT entry FROM _dotdo_kv_stream WHERE id = ?1 "+text+" ORDER BY entry LIMIT ?3) AND ?2 IS ?2", args...)
	k.n -= n
	return n, err
}

// newID resolves the identifier XADD was given: *, ms-* or a full one.
func (c *call) newID(arg []byte, s *stream) (entryID, error) {
	if len(arg) == 1 && arg[0] == '*' {
		id := entryID{ms: uint64(c.now)}
		if s.last.less(id) {
			return id, nil
		}
		id, good := s.last.next()
		if !good {
			return id, errStreamEnd
		}
		return id, nil
	}
	var id entryID
	if ms, auto := bytes.CutSuffix(arg, []byte("-*")); auto {
		n, good := parseUint(ms)
		if !good {
			return id, errStreamID
		}
		id.ms = n
		switch {
		case n < s.last.ms:
			return id, errStreamSmall
		case n == s.last.ms && s.last.seq == math.MaxUint64:
			return id, errStreamSmall
		case n == s.last.ms && (s.added > 0 || !s.last.zero() || n == 0):
			id.seq = s.last.seq + 1
		}
	} else {
		var err error
		if id, err = parseID(arg, 0); err != nil {
			return id, err
		}
	}
	if id.zero() {
		return id, errStreamZero
	}
	if s.last == lastID {
		return id, errStreamEnd
	}
	if !s.last.less(id) {
		return id, errStreamSmall
	}
	return id, nil
}

// packFields encodes the fields and values of an entry: each with its length.
func packFields(list [][]byte) []byte {
	n := 0
	for _, f := range list {
		n += len(f) + 5
	}
	b := make([]byte, 0, n)
	for _, f := range list {
		b = append(binary.AppendUvarint(b, uint64(len(f))), f...)
	}
	return b
}

// unpackFields decodes them into a list for clients.
func unpackFields(b []byte) op.Value {
	vs := []op.Value{}
	for len(b) > 0 {
		n, k := binary.Uvarint(b)
		if k <= 0 || n > uint64(len(b)-k) {
			break
		}
		vs = append(vs, op.Bytes(b[k:k+int(n)]))
		b = b[k+int(n):]
	}
	return op.Array(vs...)
}

// validID checks the form of an identifier for XADD before anything is read.
func validID(arg []byte) error {
	if len(arg) == 1 && arg[0] == '*' {
		return nil
	}
	if ms, auto := bytes.CutSuffix(arg, []byte("-*")); auto {
		if _, good := parseUint(ms); !good {
			return errStreamID
		}
		return nil
	}
	id, err := parseID(arg, 0)
	if err == nil && id.zero() {
		err = errStreamZero
	}
	return err
}

// xadd implements XADD.
func xadd(c *call) (op.Value, error) {
	var t trim
	absent := false
	i := 1
	for ; i < len(c.args); i++ {
		if is(c.args[i], "NOMKSTREAM") {
			absent = true
			continue
		}
		n, err := t.trimOption(c, i)
		if err != nil {
			return op.Null, err
		}
		if n == 0 {
			break
		}
		i += n - 1
	}
	fields := len(c.args) - i - 1
	if fields < 2 || fields%2 != 0 {
		return op.Null, arity(c.verb)
	}
	if err := validID(c.args[i]); err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeStream)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 && absent {
		return op.Null, nil
	}
	s := streamOf(&k)
	id, err := c.newID(c.args[i], &s)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 {
		if err := c.makeStream(&k); err != nil {
			return op.Null, err
		}
	}
	if _, err := c.conn.Run("INSERT INTO _dotdo_kv_stream(id, entry, fields) VALUES (?1, ?2, ?3)", op.Int64(k.id), id.blob(), blob(packFields(c.args[i+1:]))); err != nil {
		return op.Null, err
	}
	k.n++
	s.last = id
	s.added++
	if _, err := c.trimmed(&k, &t); err != nil {
		return op.Null, err
	}
	if err := c.saveStream(&k, &s); err != nil {
		return op.Null, err
	}
	c.ready(c.db, &k)
	return id.text(), nil
}

// xlen implements XLEN.
func xlen(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeStream)
	return op.Int64(k.n), err
}

// xdel implements XDEL.
func xdel(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeStream)
	if err != nil || k.id == 0 {
		return zero, err
	}
	ids, err := c.ids(1)
	if err != nil {
		return op.Null, err
	}
	s := streamOf(&k)
	total := int64(0)
	for _, id := range ids {
		n, err := c.conn.Run("DELETE FROM _dotdo_kv_stream WHERE id = ?1 AND entry = ?2", op.Int64(k.id), id.blob())
		if err != nil {
			return op.Null, err
		}
		if n > 0 && s.deleted.less(id) {
			s.deleted = id
		}
		total += n
	}
	if total == 0 {
		return zero, nil
	}
	k.n -= total
	return op.Int64(total), c.saveStream(&k, &s)
}

// ids reads the arguments from i on as identifiers.
func (c *call) ids(i int) ([]entryID, error) {
	list := make([]entryID, 0, len(c.args)-i)
	for _, a := range c.args[i:] {
		id, err := parseID(a, 0)
		if err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, nil
}

// xtrim implements XTRIM.
func xtrim(c *call) (op.Value, error) {
	var t trim
	for i := 1; i < len(c.args); {
		n, err := t.trimOption(c, i)
		if err != nil {
			return op.Null, err
		}
		if n == 0 {
			return op.Null, errSyntax
		}
		i += n
	}
	k, err := c.want(c.args[0], typeStream)
	if err != nil || k.id == 0 {
		return zero, err
	}
	n, err := c.trimmed(&k, &t)
	if err != nil || n == 0 {
		return zero, err
	}
	s := streamOf(&k)
	return op.Int64(n), c.saveStream(&k, &s)
}

// bound reads an end of a range; low says which.
func bound(a []byte, low bool) (entryID, error) {
	switch {
	case len(a) == 1 && a[0] == '-':
		return entryID{}, nil
	case len(a) == 1 && a[0] == '+':
		return lastID, nil
	}
	open := len(a) > 0 && a[0] == '('
	if open {
		a = a[1:]
	}
	seq := uint64(math.MaxUint64)
	if low {
		seq = 0
	}
	id, err := parseID(a, seq)
	if err != nil || !open {
		return id, err
	}
	good := false
	if low {
		if id, good = id.next(); !good {
			return id, errStreamFrom
		}
		return id, nil
	}
	if id, good = id.prev(); !good {
		return id, errStreamTo
	}
	return id, nil
}

// xrange implements XRANGE and XREVRANGE.
func (c *call) xrange(reverse bool) (op.Value, error) {
	low, high := c.args[1], c.args[2]
	if reverse {
		low, high = high, low
	}
	from, err := bound(low, true)
	if err != nil {
		return op.Null, err
	}
	to, err := bound(high, false)
	if err != nil {
		return op.Null, err
	}
	count := int64(-1)
	for i := 3; i < len(c.args); i += 2 {
		if !is(c.args[i], "COUNT") || i+1 >= len(c.args) {
			return op.Null, errSyntax
		}
		if count, err = c.int(i + 1); err != nil {
			return op.Null, err
		}
		count = max(count, 0)
	}
	k, err := c.want(c.args[0], typeStream)
	if err != nil || k.id == 0 {
		return op.Array(), err
	}
	if count == 0 {
		return op.Null, nil
	}
	rows, err := c.entries(&k, from, to, count, reverse)
	return entryList(rows), err
}

// streamRow is one entry as it is stored.
type streamRow struct {
	id     entryID
	fields []byte
}

// entries reads a range, at most count of it (negative: all).
func (c *call) entries(k *key, from, to entryID, count int64, reverse bool) ([]streamRow, error) {
	text := "SELECT entry, fields FROM _dotdo_kv_stream WHERE id = ?1 AND entry BETWEEN ?2 AND ?3 ORDER BY entry LIMIT ?4"
	if reverse {
		text = "SELECT entry, fields FROM _dotdo_kv_stream WHERE id = ?1 AND entry BETWEEN ?2 AND ?3 ORDER BY entry DESC LIMIT ?4"
	}
	rows, err := c.conn.Query(text, op.Int64(k.id), from.blob(), to.blob(), op.Int64(count))
	if err != nil {
		return nil, err
	}
	list := make([]streamRow, len(rows))
	for i, r := range rows {
		list[i] = streamRow{idOf(r[0].Raw), r[1].Raw}
	}
	return list, nil
}

// reply is an entry for clients.
func (r *streamRow) reply() op.Value { return op.Array(r.id.text(), unpackFields(r.fields)) }

// entryList is a list of entries for clients.
func entryList(rows []streamRow) op.Value {
	vs := make([]op.Value, len(rows))
	for i := range rows {
		vs[i] = rows[i].reply()
	}
	return op.Array(vs...)
}

// xsetID implements XSETID.
func xsetID(c *call) (op.Value, error) {
	id, err := parseID(c.args[1], 0)
	if err != nil {
		return op.Null, err
	}
	added, deleted := int64(-1), entryID{}
	given := false
	for i := 2; i < len(c.args); i += 2 {
		switch {
		case i+1 >= len(c.args):
			return op.Null, errSyntax
		case is(c.args[i], "ENTRIESADDED"):
			if added, err = c.int(i + 1); err != nil {
				return op.Null, err
			}
			if added < 0 {
				return op.Null, bad("entries_added must be positive")
			}
		case is(c.args[i], "MAXDELETEDID"):
			if deleted, err = parseID(c.args[i+1], 0); err != nil {
				return op.Null, err
			}
			if id.less(deleted) {
				return op.Null, bad("The ID specified in XSETID is smaller than the provided max_deleted_entry_id")
			}
			given = true
		default:
			return op.Null, errSyntax
		}
	}
	k, err := c.want(c.args[0], typeStream)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 {
		return op.Null, errNoKey
	}
	s := streamOf(&k)
	if k.n > 0 {
		top, err := c.entries(&k, entryID{}, lastID, 1, true)
		if err != nil {
			return op.Null, err
		}
		if len(top) > 0 && id.less(top[0].id) {
			return op.Null, errStreamSetID
		}
		if added >= 0 && k.n > added {
			return op.Null, bad("The entries_added specified in XSETID is smaller than the target stream length")
		}
	}
	s.last = id
	if added >= 0 {
		s.added = uint64(added)
	}
	if given && !deleted.zero() {
		s.deleted = deleted
	}
	return ok, c.saveStream(&k, &s)
}

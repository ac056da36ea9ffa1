// Package kv executes the key-value family on an object: strings, hashes,
// lists, sets, sorted sets and the commands on keys. It answers neutral values
// (see op/kv); shaping them for a wire is the front-end's. Error texts carry
// their class as first word ("ERR", "WRONGTYPE"), as the family's clients know
// them.
//
// Storage, tables of the object's file:
//
//	_dotdo_kv       one row a key: type, expiry, version, element count, the
//	                value of a string, and seq: a list's first position or the
//	                number the next element of another collection gets
//	                A hash keeps in value when its first field expires
//	_dotdo_kv_list  list elements; pos = key id * 2^32 + position. Positions of
//	                a list have no gaps, so an index is an addition
//	_dotdo_kv_item  members of hashes, sets and sorted sets (score of a
//	                hash field: its expiry); pos = key id * 2^32
//	                + insertion number, which is also the cursor of scans
//	_dotdo_kv_stream entries of streams; entry = both numbers of the identifier,
//	                8 bytes each, high byte first; fields = name and value in
//	                turn, each behind its length (base 128, low digits first)
//	_dotdo_kv_group, _dotdo_kv_consumer, _dotdo_kv_pending
//	                consumer groups, their consumers and undone entries
//	_dotdo_kv_count number of keys of each logical database
package kv

import (
	"context"
	"math"

	"github.com/dot-do/dotdo-proxy/backend/engine/kv/lua"
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// databases is the number of logical databases of an object.
const databases = 16

// Engine implements engine.Family for kv bodies. All state but the value cache
// is in the objects.
type Engine struct {
	cache    *cache
	scripts  *lua.Cache
	scripted map[string]handler // the commands that run scripts
}

// New returns the engine with a value cache of the default size.
func New() *Engine { return NewSized(DefaultCache) }

// NewSized returns the engine with a value cache of at most size bytes, 0 = none.
func NewSized(size int) *Engine {
	return &Engine{cache: newCache(size), scripts: lua.NewCache(), scripted: scriptTable()}
}

// find returns the handler of a command, nil when there is none.
func (e *Engine) find(verb string) handler {
	if h := commands[verb]; h != nil {
		return h
	}
	return e.scripted[verb]
}

// handler executes one command.
type handler func(c *call) (op.Value, error)

// commands has the handler of every verb of kv.Verbs.
var commands = join(bitCommands, expireCommands, hashCommands, keyCommands, listCommands,
	scanCommands, setCommands, stringCommands, zsetCommands, zcombineCommands, blockCommands,
	sketchCommands, geoCommands, streamCommands, groupCommands, readCommands, fieldCommands)

// join merges command tables.
func join(tables ...map[string]handler) map[string]handler {
	all := map[string]handler{}
	for _, t := range tables {
		for name, h := range t {
			all[name] = h
		}
	}
	return all
}

// schema creates the tables of a new object.
const schema = `
CREATE TABLE _dotdo_kv(
  id INTEGER PRIMARY KEY, db INTEGER NOT NULL, key BLOB NOT NULL, type INTEGER NOT NULL,
  expire INTEGER NOT NULL, version INTEGER NOT NULL, n INTEGER NOT NULL, seq INTEGER NOT NULL,
  value BLOB, UNIQUE(db, key));
CREATE INDEX _dotdo_kv_expire ON _dotdo_kv(expire, db) WHERE expire > 0;
CREATE INDEX _dotdo_kv_fields ON _dotdo_kv(value) WHERE type = 2 AND value IS NOT NULL;
CREATE TABLE _dotdo_kv_count(db INTEGER PRIMARY KEY, n INTEGER NOT NULL);
CREATE TABLE _dotdo_kv_list(pos INTEGER PRIMARY KEY, value BLOB NOT NULL);
CREATE TABLE _dotdo_kv_item(
  pos INTEGER PRIMARY KEY, id INTEGER NOT NULL, member BLOB NOT NULL, value BLOB, score REAL, UNIQUE(id, member));
CREATE TABLE _dotdo_kv_stream(id INTEGER NOT NULL, entry BLOB NOT NULL, fields BLOB NOT NULL, PRIMARY KEY(id, entry)) WITHOUT ROWID;
CREATE TABLE _dotdo_kv_group(id INTEGER NOT NULL, name BLOB NOT NULL, last BLOB NOT NULL, read INTEGER NOT NULL, PRIMARY KEY(id, name)) WITHOUT ROWID;
CREATE TABLE _dotdo_kv_consumer(
  id INTEGER NOT NULL, grp BLOB NOT NULL, name BLOB NOT NULL, seen INTEGER NOT NULL, active INTEGER NOT NULL, PRIMARY KEY(id, grp, name)) WITHOUT ROWID;
CREATE TABLE _dotdo_kv_pending(
  id INTEGER NOT NULL, grp BLOB NOT NULL, entry BLOB NOT NULL, consumer BLOB NOT NULL, at INTEGER NOT NULL, times INTEGER NOT NULL,
  PRIMARY KEY(id, grp, entry)) WITHOUT ROWID;
CREATE INDEX _dotdo_kv_pending_consumer ON _dotdo_kv_pending(id, grp, consumer);
CREATE INDEX _dotdo_kv_score ON _dotdo_kv_item(id, score, member) WHERE score IS NOT NULL;
`

// Init implements engine.Family.
func (e *Engine) Init(tx *object.Tx) error { return tx.Conn.Exec(schema) }

// Functions implements engine.Family; the engine needs none.
func (e *Engine) Functions(*sqlite.Registry) {}

// call is one command being executed.
type call struct {
	tx       *object.Tx
	conn     *sqlite.Conn
	db       int
	verb     string
	args     [][]byte
	now      int64 // milliseconds since 1970
	made     int64 // keys made less keys removed in db, not yet counted
	mem      *state
	declared bool   // a script may use no key but its own
	reads    bool   // lookups count as hits and misses
	hot      *cache // serves reads; nil when a snapshot must be exact
}

// Do implements engine.Family.
func (e *Engine) Do(ctx context.Context, s *object.Scope, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *kv.Command:
		return e.command(ctx, s, b)
	case *kv.Version:
		var vs []op.Value
		look := func(tx *object.Tx) (err error) {
			vs, err = e.versions(tx, b)
			return err
		}
		err := s.Read(ctx, look)
		if op.CodeOf(err) == op.ReadOnly {
			_, err = s.Write(ctx, look)
		}
		if err != nil {
			return nil, err
		}
		return op.ReplyOf(&op.Values{Values: vs}), nil
	case *kv.Stats:
		return e.stats(ctx, s, b)
	}
	return nil, op.Errorf(op.Unsupported, "ERR operation %d stands only inside a batch", o.Body.Kind())
}

// command runs a command by itself.
func (e *Engine) command(ctx context.Context, s *object.Scope, b *kv.Command) (op.Reply, error) {
	h, verb, err := e.lookup(b)
	if err != nil {
		return nil, err
	}
	r := &reply{}
	w := waits(b)
	if !verb.Write && (w == nil || s.InTxn()) {
		if v, ok := e.Peek(s, b); ok {
			r.value[0] = v
			return r, nil
		}
		err := s.Read(ctx, func(tx *object.Tx) (err error) {
			c := e.call(tx, b)
			if !s.InTxn() {
				c.hot = e.cache
			}
			r.value[0], err = h(&c)
			return err
		})
		if err == nil {
			return r, nil
		}
		if op.CodeOf(err) != op.ReadOnly { // else the writer must tidy up first
			return nil, err
		}
	}
	if w != nil && !s.InTxn() {
		return e.wait(ctx, s, w)
	}
	r.lsn, err = s.Write(ctx, func(tx *object.Tx) (err error) {
		c := e.call(tx, b)
		r.value[0], err = c.run(h)
		if err == nil {
			c.mem.after(tx, s.InTxn())
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// lookup finds the handler of a command and checks the number of arguments.
func (e *Engine) lookup(b *kv.Command) (handler, kv.Verb, error) {
	h, verb := e.find(b.Verb), kv.Verbs[b.Verb]
	if h == nil {
		return nil, verb, op.Errorf(op.Unsupported, "ERR unknown command '%s'", b.Verb)
	}
	if n := len(b.Args) + 1; verb.Arity >= 0 && n != verb.Arity || n < -verb.Arity {
		return nil, verb, arity(b.Verb)
	}
	if b.DB < 0 || b.DB >= databases {
		return nil, verb, errDB
	}
	return h, verb, nil
}

// call prepares a command for tx.
func (e *Engine) call(tx *object.Tx, b *kv.Command) call {
	return call{tx: tx, conn: tx.Conn, db: b.DB, verb: b.Verb, args: b.Args, now: tx.Now().UnixMilli(), mem: e.memory(tx.Local()), declared: b.Declared, reads: !kv.Verbs[b.Verb].Write}
}

// run executes a command that may write and counts the keys it made.
func (c *call) run(h handler) (op.Value, error) {
	v, err := h(c)
	if c.made != 0 {
		if e := c.count(c.db, c.made); e != nil {
			return op.Null, e
		}
		c.made = 0
	}
	return v, err
}

// Peek implements engine.Peeker: a GET that the value cache answers.
func (e *Engine) Peek(s *object.Scope, body op.Body) (op.Value, bool) {
	b, ok := body.(*kv.Command)
	if !ok || b.Verb != "GET" || len(b.Args) != 1 || s.InTxn() {
		return op.Null, false
	}
	m := e.memory(s.Local())
	k, ok := e.cache.get(m, b.DB, b.Args[0], math.MaxUint64)
	if !ok || k.typ != typeString || k.expire > 0 && k.expire <= s.Now().UnixMilli() {
		return op.Null, false
	}
	m.hits.Add(1)
	return op.Bytes(k.value), true
}

// Reads implements engine.Reader.
func (e *Engine) Reads(body op.Body) bool {
	b, ok := body.(*kv.Command)
	if !ok {
		return false
	}
	v, known := kv.Verbs[b.Verb]
	return known && !v.Write
}

// Apply implements engine.Family. Blocking commands do not block here.
func (e *Engine) Apply(_ context.Context, tx *object.Tx, o *op.Op, body op.Body) ([]op.Frame, error) {
	switch b := body.(type) {
	case *kv.Command:
		h, verb, err := e.lookup(b)
		if err != nil {
			return nil, err
		}
		c := e.call(tx, b)
		batch, _ := o.Body.(*ctl.Batch)
		alone := batch != nil && !batch.Atomic && o.Session.Txn == 0
		if alone && !tx.Writable() {
			c.hot = e.cache
		}
		v, err := c.run(h)
		if err != nil {
			return nil, err
		}
		if verb.Write {
			c.mem.after(tx, !alone)
		}
		return []op.Frame{&op.Values{Values: []op.Value{v}}}, nil
	case *kv.Version:
		vs, err := e.versions(tx, b)
		return []op.Frame{&op.Values{Values: vs}}, err
	case *kv.Check:
		vs, err := e.versions(tx, &kv.Version{DB: b.DB, Keys: [][]byte{b.Key}})
		if err != nil || uint64(vs[0].Int()) != b.Version {
			return nil, err
		}
		return []op.Frame{&op.Values{}}, nil
	}
	return nil, op.Errorf(op.Unsupported, "ERR operation %d is not supported", body.Kind())
}

// Clean implements engine.Clean: commands check everything before they write,
// and the one error that can come later is Internal. A script that is ended is
// undone.
func (e *Engine) Clean(body op.Body) bool {
	b, ok := body.(*kv.Command)
	return !ok || e.scripted[b.Verb] == nil
}

// reply is the answer of one command: one allocation.
type reply struct {
	value  [1]op.Value
	lsn    uint64
	values op.Values
	done   op.Done
	at     int
}

// Next implements op.Reply.
func (r *reply) Next(context.Context) (op.Frame, error) {
	r.at++
	switch r.at {
	case 1:
		r.values.Values = r.value[:]
		return &r.values, nil
	case 2:
		r.done.LSN = r.lsn
		return &r.done, nil
	}
	return nil, errEOF
}

// Close implements op.Reply.
func (r *reply) Close() error { r.at = 2; return nil }

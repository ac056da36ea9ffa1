package rel

import (
	"fmt"
	"strconv"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// seqBlock is how many values one stored reservation covers.
const seqBlock = 64

// counter is one sequence in memory. Values come from memory; the table
// _dotdo_seq holds a value that is never below what was given out. A crash
// skips the rest of a block, as in PostgreSQL.
type counter struct {
	last    int64 // last value given, or the start value when !called
	called  bool
	durable int64  // covered by a committed reservation (in sequence direction)
	pending int64  // covered by a reservation of epoch
	epoch   uint64 // of the transaction that made pending
}

// counters is an object's sequences by oid.
type counters struct {
	mu sync.Mutex
	m  map[uint32]*counter
}

// counterKey is the key of counters in an object's local state.
type counterKey struct{}

// currents remembers each session's last values, for currval and lastval.
type currents struct {
	mu sync.Mutex
	m  map[uint64]map[uint32]int64 // session → oid → value; oid 0 = last of any
}

// maxCurrents bounds how many sessions are remembered.
const maxCurrents = 1 << 16

// session implements sql.Sequences for one statement.
type session struct {
	e     *Engine
	tx    *object.Tx
	id    uint64
	first int64 // first value the statement generated
}

// Next implements sql.Sequences.
func (s *session) Next(q *catalog.Sequence) (int64, error) {
	if !s.tx.Writable() {
		return 0, op.Errorf(op.Internal, "nextval outside a write")
	}
	all, c, err := s.counter(q)
	if err != nil {
		return 0, err
	}
	defer all.mu.Unlock()
	v := c.last
	if c.called {
		next := v + q.Increment
		over := q.Increment > 0 && (next > q.Max || next < v) || q.Increment < 0 && (next < q.Min || next > v)
		if over && !q.Cycle {
			word, bound := "maximum", q.Max
			if q.Increment < 0 {
				word, bound = "minimum", q.Min
			}
			return 0, op.Errorf(op.OutOfRange, "nextval: reached %s value of sequence \"%s\" (%d)", word, q.Name, bound)
		}
		if over {
			next = q.Min
			if q.Increment < 0 {
				next = q.Max
			}
			if err := s.wrap(q, c, next); err != nil {
				return 0, err
			}
		}
		v = next
	}
	if err := s.reserve(q, c, v); err != nil {
		return 0, err
	}
	c.last, c.called = v, true
	if s.first == 0 {
		s.first = v
	}
	s.e.current.set(s.id, q.OID, v)
	return v, nil
}

// wrap stores the start of a cycle.
func (s *session) wrap(q *catalog.Sequence, c *counter, next int64) error {
	if !s.tx.Sliced() {
		return s.store(q, c, next)
	}
	return s.tx.Apart("wrap "+strconv.FormatInt(c.last, 10), func(tx *object.Tx) error {
		apart := *s
		apart.tx = tx
		all := s.counters()
		all.mu.Lock()
		defer all.mu.Unlock()
		return apart.store(q, c, next)
	})
}

// covers tells whether a reservation up to r covers v.
func covers(q *catalog.Sequence, r, v int64) bool {
	if q.Increment > 0 {
		return v <= r
	}
	return v >= r
}

// reserve makes sure that v is covered by a reservation that commits with the
// statement or has committed before.
func (s *session) reserve(q *catalog.Sequence, c *counter, v int64) error {
	if covers(q, c.durable, v) || c.epoch == s.tx.Epoch() && covers(q, c.pending, v) {
		return nil
	}
	r := v + q.Increment*seqBlock
	if q.Increment > 0 && (r < v || r > q.Max) {
		r = q.Max
	}
	if q.Increment < 0 && (r > v || r < q.Min) {
		r = q.Min
	}
	if s.tx.Sliced() {
		return s.tx.Apart("", func(tx *object.Tx) error {
			apart := *s
			apart.tx = tx
			all := s.counters()
			all.mu.Lock()
			defer all.mu.Unlock()
			return apart.store(q, c, r)
		})
	}
	return s.store(q, c, r)
}

// store writes a reservation in the statement's transaction.
func (s *session) store(q *catalog.Sequence, c *counter, r int64) error {
	_, err := s.tx.Conn.Run("INSERT OR REPLACE INTO _dotdo_seq(oid, value, called) VALUES (?1, ?2, 1)", op.Int64(int64(q.OID)), op.Int64(r))
	if err != nil {
		return err
	}
	c.pending, c.epoch = r, s.tx.Epoch()
	all := s.counters()
	s.tx.OnCommit(func() {
		all.mu.Lock()
		c.durable = r
		all.mu.Unlock()
	})
	return nil
}

// counters returns the object's sequences.
func (s *session) counters() *counters {
	v, _ := s.tx.Local().LoadOrStore(counterKey{}, &counters{m: map[uint32]*counter{}})
	return v.(*counters)
}

// counter returns the counter of q with its table locked, loaded from the
// stored reservation on first use.
func (s *session) counter(q *catalog.Sequence) (*counters, *counter, error) {
	all := s.counters()
	all.mu.Lock()
	c := all.m[q.OID]
	if c != nil {
		return all, c, nil
	}
	row, err := s.tx.Conn.Row("SELECT value, called FROM _dotdo_seq WHERE oid = ?1", op.Int64(int64(q.OID)))
	if err != nil {
		all.mu.Unlock()
		return nil, nil, err
	}
	c = &counter{last: q.Start, durable: q.Start - q.Increment}
	if row != nil {
		c.last, c.called, c.durable = row[0].Int(), row[1].Int() != 0, row[0].Int()
		if !c.called {
			c.durable = c.last - q.Increment
		}
	}
	all.m[q.OID] = c
	return all, c, nil
}

// LockRow implements sql.Sequences.
func (s *session) LockRow(table string, rowid int64, wait string) (bool, error) {
	if s.tx.Conn.LockRow(table, rowid) {
		return true, nil
	}
	switch wait {
	case "SKIP LOCKED":
		return false, nil
	case "NOWAIT":
		e := op.Errorf(op.LockTimeout, "could not obtain lock on row in relation \"%s\"", table)
		e.Object, e.Name = "relation", table
		return false, e
	}
	s.tx.Conn.WaitRow()
	return true, nil
}

// Current implements sql.Sequences.
func (s *session) Current(q *catalog.Sequence) (int64, error) {
	if v, ok := s.e.current.get(s.id, q.OID); ok {
		return v, nil
	}
	return 0, &op.Error{Code: op.NoTransaction, Msg: "currval of sequence \"" + q.Name + "\" is not yet defined in this session", Object: "sequence", Name: q.Name}
}

// Last implements sql.Sequences.
func (s *session) Last() (int64, error) {
	if v, ok := s.e.current.get(s.id, 0); ok {
		return v, nil
	}
	return 0, &op.Error{Code: op.NoTransaction, Msg: "lastval is not yet defined in this session", Object: "sequence"}
}

// Set implements sql.Sequences.
func (s *session) Set(q *catalog.Sequence, v int64, called bool) error {
	if v < q.Min || v > q.Max {
		return op.Errorf(op.OutOfRange, "setval: value %d is out of bounds for sequence \"%s\" (%d..%d)", v, q.Name, q.Min, q.Max)
	}
	if s.tx.Sliced() {
		return s.tx.Apart(fmt.Sprintf("set %d %d %t", q.OID, v, called), func(tx *object.Tx) error {
			apart := *s
			apart.tx = tx
			return apart.Set(q, v, called)
		})
	}
	all, c, err := s.counter(q)
	if err != nil {
		return err
	}
	defer all.mu.Unlock()
	stored := op.Int64(0)
	if called {
		stored = op.Int64(1)
		s.e.current.set(s.id, q.OID, v)
	}
	if _, err := s.tx.Conn.Run("INSERT OR REPLACE INTO _dotdo_seq(oid, value, called) VALUES (?1, ?2, ?3)",
		op.Int64(int64(q.OID)), op.Int64(v), stored); err != nil {
		return err
	}
	// Nothing is covered until this commits: every further value is reserved
	// anew, above v.
	c.last, c.called, c.durable, c.epoch = v, called, v, s.tx.Epoch()
	if !called {
		c.durable = v - q.Increment
	}
	c.pending = c.durable
	return nil
}

// State implements sql.Sequences.
func (s *session) State(q *catalog.Sequence) (int64, bool, error) {
	all, c, err := s.counter(q)
	if err != nil {
		return 0, false, err
	}
	defer all.mu.Unlock()
	return c.last, c.called, nil
}

// follow moves a serial column's sequence past values given explicitly, as
// AUTO_INCREMENT does.
func (s *session) follow(t *catalog.Table, column string) error {
	col := t.Column(column)
	if col == nil || col.Serial == "" {
		return nil
	}
	q := s.tx.Catalog().Seqs[catalog.Key{Schema: t.Schema, Name: col.Serial}]
	if q == nil {
		return nil
	}
	row, err := s.tx.Conn.Row("SELECT max(" + catalog.Quote(column) + ") FROM " + catalog.Quote(t.Store))
	if err != nil || row == nil || row[0].Kind != op.KindInt64 {
		return err
	}
	last, called, err := s.State(q)
	if err != nil {
		return err
	}
	if v := row[0].Int(); v > last || v == last && !called {
		return s.Set(q, v, true)
	}
	return nil
}

// set remembers a session's value.
func (c *currents) set(session uint64, oid uint32, v int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) > maxCurrents {
		c.m = map[uint64]map[uint32]int64{}
	}
	m := c.m[session]
	if m == nil {
		m = map[uint32]int64{}
		c.m[session] = m
	}
	m[oid], m[0] = v, v
}

// get returns a session's value.
func (c *currents) get(session uint64, oid uint32) (int64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.m[session][oid]
	return v, ok
}

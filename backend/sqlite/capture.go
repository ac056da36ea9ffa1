package sqlite

// #cgo noescape dd_txn_replay
// #include <stdlib.h>
// #include "capture.h"
import "C"

import (
	"strings"
	"unsafe"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Verdict says why a statement that ran must be undone; 0 = it need not.
type Verdict int

// Verdicts.
const (
	Conflict Verdict = C.CAP_CONFLICT // it met a lock of another transaction
	Opaque   Verdict = C.CAP_OPAQUE   // a change that cannot be captured
	NoMemory Verdict = C.CAP_NOMEM
)

// LockKey names a locked row or unique key.
type LockKey struct {
	table, index uint32
	value        int64
}

// Txn is the change log and the locks of one transaction on a writer
// connection. It is used by whoever has the connection.
type Txn struct {
	c *Conn
	p *C.dd_txn
}

// Mark is a place in a Txn.
type Mark struct{ changes, locks C.size_t }

// NewTxn returns an empty log. id is never 0.
func (c *Conn) NewTxn(id uint64) *Txn {
	return &Txn{c: c, p: C.dd_txn_new(C.uint64_t(id))}
}

// Free forgets the log and gives its locks up.
func (t *Txn) Free() {
	if t.p != nil {
		C.dd_txn_free(t.c.p, t.p)
		t.p = nil
	}
}

// Mark returns the present end of the log.
func (t *Txn) Mark() Mark { return Mark{t.p.nrecs, t.p.nkeys} }

// Undo forgets what was captured and locked behind m. It does not touch rows.
func (t *Txn) Undo(m Mark) { C.dd_txn_undo(t.c.p, t.p, m.changes, m.locks) }

// Replay makes the changes between two marks again.
func (t *Txn) Replay(from, to Mark) error {
	if from.changes == to.changes {
		return nil
	}
	if err := t.c.learn(); err != nil {
		return err
	}
	if rc := C.dd_txn_replay(t.c.p, t.p, from.changes, to.changes); rc != 0 {
		return t.c.error(rc)
	}
	return nil
}

// Tables returns the tables the transaction has changed, by table bit.
func (t *Txn) Tables() uint64 { return uint64(t.p.bits) }

// Freed returns the tables in which it deleted rows or changed unique keys.
func (t *Txn) Freed() uint64 { return uint64(t.p.freed) }

// Size returns how many changes are captured and their bytes.
func (t *Txn) Size() (changes, bytes int) { return int(t.p.nrecs), int(t.p.nheap) }

// RunCheck makes what runs next an autocommit write: it meets locks but takes
// none. owner, if not nil, is the transaction whose locks do not count.
func (c *Conn) RunCheck(owner *Txn) { c.runAs(C.CAP_CHECK, owner) }

// RunCapture makes what runs next a statement of t.
func (c *Conn) RunCapture(t *Txn) { c.runAs(C.CAP_CAPTURE, t) }

// runAs notes who runs, and forgets what was seen of the last one.
func (c *Conn) runAs(mode C.int, t *Txn) {
	k := c.p.cap
	k.mode, k.flags, k.wrote, k.txn = mode, 0, 0, nil
	c.Touched = 0
	if t != nil {
		k.txn = t.p
	}
}

// Verdict returns why what ran must be undone and, for a conflict, the lock it
// met and its owner's id.
func (c *Conn) Verdict() (Verdict, LockKey, uint64) {
	k := c.p.cap
	return Verdict(k.flags), LockKey{uint32(k.conflict.table), uint32(k.conflict.index), int64(k.conflict.value)}, uint64(k.owner)
}

// Wrote returns the tables changed since the last RunCheck or RunCapture, by
// table bit.
func (c *Conn) Wrote() uint64 { return uint64(c.p.cap.wrote) }

// LockOwner returns the id of the transaction that holds a lock, 0 if none.
func (c *Conn) LockOwner(k LockKey) uint64 {
	if c.p.cap.nlocks == 0 {
		return 0
	}
	ck := C.dd_key{table: C.uint32_t(k.table), index: C.uint32_t(k.index), value: C.int64_t(k.value)}
	if t := C.dd_lock_owner(c.p, &ck); t != nil {
		return uint64(t.id)
	}
	return 0
}

// LockRow locks a row for the transaction that runs. false: another one has
// it, and the verdict of what runs is not touched.
func (c *Conn) LockRow(table string, rowid int64) bool {
	if c.p.cap == nil {
		return true
	}
	n := C.CString(table)
	defer C.free(unsafe.Pointer(n))
	k := c.p.cap
	flags := k.flags
	var met C.dd_key
	ok := C.dd_lock_row(c.p, n, C.int64_t(rowid), &met) != 0
	if !ok && flags == 0 {
		k.flags &^= C.CAP_CONFLICT
	}
	return ok
}

// WaitRow makes a row that LockRow could not lock the conflict of what runs.
func (c *Conn) WaitRow() {
	if c.p.cap != nil {
		c.p.cap.flags |= C.CAP_CONFLICT
	}
}

// learn describes the tables that statements of transactions write.
func (c *Conn) learn() error {
	for c.p.cap.unknown > 0 {
		p := C.dd_table_unknown(c.p)
		if p == nil {
			return nil
		}
		name := C.GoString(p)
		if err := c.describe(name); err != nil {
			return err
		}
	}
	return nil
}

// describe tells the capture the shape of a table, or that it is opaque: a
// table without rowid, with generated columns, foreign keys on either side,
// triggers, more than 62 columns, or one behind a virtual table.
func (c *Conn) describe(table string) error {
	n := C.CString(table)
	defer C.free(unsafe.Pointer(n))
	opaque := func() error {
		if rc := C.dd_table_opaque(c.p, n); rc != 0 {
			return c.error(rc)
		}
		return nil
	}
	const odd = `SELECT (SELECT count(*) FROM pragma_table_list(?1) WHERE schema = 'main' AND (type <> 'table' OR wr))
 + (SELECT count(*) FROM pragma_foreign_key_list(?1))
 + (SELECT count(*) FROM main.sqlite_schema s, pragma_foreign_key_list(s.name) f WHERE s.type = 'table' AND f."table" = ?1 COLLATE NOCASE)
 + (SELECT count(*) FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE)
 + (SELECT count(*) FROM main.sqlite_schema WHERE sql LIKE 'create virtual%' AND substr(?1, 1, length(name) + 1) = name || '_')`
	row, err := c.Row(odd, op.Text(table))
	if err != nil {
		return err
	}
	cols, err := c.Query("SELECT name, hidden, pk, type FROM pragma_table_xinfo(?1) ORDER BY cid", op.Text(table))
	if err != nil {
		return err
	}
	if row[0].Int() != 0 || len(cols) == 0 || len(cols) > 62 {
		return opaque()
	}
	rowid, alias, keys := "", -1, 0
	taken := map[string]bool{}
	at := map[string]int{}
	names := make([]*C.char, len(cols))
	for i, col := range cols {
		name := string(col[0].Raw)
		if col[1].Int() != 0 {
			return opaque()
		}
		taken[strings.ToLower(name)] = true
		at[name] = i
		if col[2].Int() != 0 {
			keys++
			if strings.EqualFold(string(col[3].Raw), "INTEGER") {
				alias = i
			}
		}
		names[i] = C.CString(name)
		defer C.free(unsafe.Pointer(names[i]))
	}
	for _, w := range []string{"rowid", "_rowid_", "oid"} {
		if !taken[w] && rowid == "" {
			rowid = w
		}
	}
	indexes, err := c.Query("SELECT name, origin FROM pragma_index_list(?1) WHERE \"unique\"", op.Text(table))
	if err != nil {
		return err
	}
	for _, x := range indexes {
		if string(x[1].Raw) == "pk" { // an INTEGER PRIMARY KEY that is the rowid has no index
			alias = -1
		}
	}
	if keys != 1 {
		alias = -1
	}
	if rowid == "" {
		return opaque()
	}
	r := C.CString(rowid)
	defer C.free(unsafe.Pointer(r))
	if rc := C.dd_table_plain(c.p, n, r, C.int(alias), C.int(len(names)), &names[0]); rc != 0 {
		return c.error(rc)
	}
	for _, x := range indexes {
		if err := c.describeUnique(n, string(x[0].Raw)); err != nil {
			return err
		}
	}
	return nil
}

// describeUnique adds a unique index to the description of a table.
func (c *Conn) describeUnique(table *C.char, index string) error {
	list, err := c.Query("SELECT cid, coll FROM pragma_index_xinfo(?1) WHERE key ORDER BY seqno", op.Text(index))
	if err != nil {
		return err
	}
	cols, folds := make([]C.int, 0, len(list)+1), make([]C.int, 0, len(list)+1)
	for _, x := range list {
		if x[0].Int() < 0 { // an expression: all rows count as equal
			cols, folds = cols[:0], folds[:0]
			break
		}
		fold := C.int(2)
		switch strings.ToLower(string(x[1].Raw)) {
		case "binary":
			fold = 0
		case "nocase", "ci":
			fold = 1
		}
		cols, folds = append(cols, C.int(x[0].Int())), append(folds, fold)
	}
	n := len(cols)
	cols, folds = append(cols, 0), append(folds, 0) // never empty: their address is taken
	if rc := C.dd_table_unique(c.p, table, C.int(n), &cols[0], &folds[0]); rc != 0 {
		return c.error(rc)
	}
	return nil
}

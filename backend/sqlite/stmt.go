package sqlite

// #cgo noescape dd_prepare
// #include <stdlib.h>
// #include "capture.h"
import "C"

import (
	"fmt"
	"strings"
	"unsafe"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// keepBuf is the largest fetch or bind buffer that is kept for the next use.
const keepBuf = 1 << 20

// Stmt is one prepared statement. It belongs to its connection's goroutine.
type Stmt struct {
	c      *Conn
	p      *C.sqlite3_stmt
	text   string
	params int
	cols   int // of the last row fetched, or of the statement
	heap   *C.char
	cap    int
	bound  bool   // parameters hold this user's values
	active bool   // stepped and not yet reset
	done   bool   // stepped to its end
	idle   bool   // in the cache
	reads  uint64 // tables, by table bit
	writes uint64
	ddl    bool     // changes the schema
	logged C.size_t // changes in the transaction's log before it ran

	newer, older *Stmt // cache, by last use
	same         *Stmt // cache, same text
}

// Prepare returns a statement for exactly one SQL statement, from the cache
// when an idle one is there. Close gives it back.
func (c *Conn) Prepare(sql string) (*Stmt, error) {
	if s := c.stmts.take(sql); s != nil {
		return s, nil
	}
	s, rest, err := c.compile(sql, true)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return nil, &Error{Code: 1, Extended: 1, Msg: "empty statement", Offset: -1}
	}
	if strings.Trim(rest, " \t\r\n;") != "" {
		if more, _, err := c.compile(rest, false); err != nil || more != nil {
			if more != nil {
				more.finalize()
			}
			s.finalize()
			return nil, &Error{Code: 1, Extended: 1, Msg: "more than one statement", Offset: len(sql) - len(rest)}
		}
	}
	s.text = sql
	return s, nil
}

// compile prepares the first statement of sql and returns the rest. It returns
// nil when there is none.
func (c *Conn) compile(sql string, persistent bool) (*Stmt, string, error) {
	keep := C.int(0)
	if persistent {
		keep = 1
	}
	for sql != "" {
		var p *C.sqlite3_stmt
		var tail C.int
		c.failed = nil
		rc := C.dd_prepare(c.p, (*C.char)(unsafe.Pointer(unsafe.StringData(sql))), C.int(len(sql)), keep, &p, &tail)
		if rc != 0 {
			return nil, "", c.error(rc)
		}
		rest := sql[int(tail):]
		if p != nil {
			return &Stmt{c: c, p: p, params: int(C.sqlite3_bind_parameter_count(p)), cols: int(C.sqlite3_column_count(p)),
				reads: uint64(c.p.reads), writes: uint64(c.p.writes), ddl: c.p.ddl != 0}, rest, nil
		}
		if len(rest) == len(sql) {
			return nil, "", nil
		}
		sql = rest // a comment or an empty statement
	}
	return nil, "", nil
}

// Bind resets the statement and sets all its parameters.
func (s *Stmt) Bind(args []op.Value) error {
	s.Reset()
	s.bound = false
	if len(args) != s.params {
		return &Error{Code: 25, Extended: 25, Msg: fmt.Sprintf("statement has %d parameters, got %d", s.params, len(args)), Offset: -1}
	}
	if len(args) == 0 {
		s.bound = true
		return nil
	}
	cells := s.c.cells[:0]
	size := 0
	for i := range args {
		cell, n, err := header(&args[i])
		if err != nil {
			return err
		}
		if cell.kind >= C.DD_TEXT {
			cell.num = C.int64_t(size)
			size += n
		}
		cells = append(cells, cell)
	}
	s.c.cells = cells
	if size > s.cap {
		s.grow(size)
	}
	if size > 0 {
		heap := unsafe.Slice((*byte)(unsafe.Pointer(s.heap)), size)
		for i := range args {
			if cells[i].kind >= C.DD_TEXT {
				body(&args[i], heap[cells[i].num:])
			}
		}
	}
	if rc := C.dd_bind(s.p, &cells[0], C.int(len(cells)), s.heap); rc != 0 {
		return s.c.error(rc)
	}
	s.bound = true
	return nil
}

// grow gives the statement a bind buffer of at least n bytes. The old one may
// still be bound, so the bindings go first.
func (s *Stmt) grow(n int) {
	C.dd_clear(s.p)
	C.free(unsafe.Pointer(s.heap))
	s.cap = max(n, 2*s.cap, 64)
	s.heap = (*C.char)(C.malloc(C.size_t(s.cap)))
}

// Fetch appends the values of the next rows to dst, flattened: at most maxRows
// rows and about maxBytes bytes (0 = no bound). done tells that no rows are
// left; the statement is then reset and stays done until Bind or Reset. Values
// are Null, Int64, Float64, Text or Bytes and belong to the caller.
func (s *Stmt) Fetch(dst []op.Value, maxRows, maxBytes int) (vals []op.Value, done bool, err error) {
	if s.done {
		return dst, true, nil
	}
	if !s.bound && s.params > 0 {
		return dst, true, &Error{Code: 21, Extended: 21, Msg: "parameters are not bound", Offset: -1}
	}
	c := s.c
	if !s.active {
		if err := s.enter(); err != nil {
			return dst, true, err
		}
	}
	if c.depth == len(c.bufs) {
		c.bufs = append(c.bufs, C.dd_buf_new())
	}
	b := c.bufs[c.depth]
	c.depth++
	if !s.active {
		s.active = true
		c.p.changes = 0
	}
	c.failed = nil
	rc := C.dd_fetch(c.p, s.p, b, C.int(maxRows), C.size_t(maxBytes))
	c.depth--
	if b.ncells > 0 {
		s.cols = int(b.cols)
		dst = decode(dst, b)
	}
	if b.cheap > keepBuf || b.ccells > keepBuf/16 {
		C.dd_buf_trim(b, keepBuf)
	}
	if c.failed != nil && (rc == 100 || rc == 101) {
		err, c.failed = c.failed, nil // a collation panicked: SQLite cannot see that
		s.Reset()
		s.done = true
		return dst, true, err
	}
	switch rc {
	case 100: // SQLITE_ROW
		return dst, false, nil
	case 101: // SQLITE_DONE
		s.active, s.done = false, true
		return dst, true, nil
	}
	s.active, s.done = false, true
	err = c.error(rc)
	if k := c.p.cap; s.writes != 0 && k != nil && k.mode == C.CAP_CAPTURE && k.txn.nrecs > s.logged {
		C.dd_txn_undo(c.p, k.txn, s.logged, k.txn.nkeys) // SQLite undid the statement
	}
	return dst, true, err
}

// enter tells the connection's owner what a statement that starts will touch.
func (s *Stmt) enter() error {
	c := s.c
	c.Touched |= s.reads | s.writes
	if c.Before != nil {
		if err := c.Before(s.reads, s.writes, s.ddl); err != nil {
			return err
		}
	}
	if s.ddl && c.p.cap != nil {
		C.dd_cap_forget(c.p)
	}
	if s.writes == 0 || c.p.cap == nil || c.p.cap.mode != C.CAP_CAPTURE {
		return nil
	}
	s.logged = c.p.cap.txn.nrecs
	if c.p.cap.unknown > 0 {
		return c.learn()
	}
	return nil
}

// decode appends the cells of b to dst. All bytes share one allocation.
func decode(dst []op.Value, b *C.dd_buf) []op.Value {
	var heap []byte
	if b.nheap > 0 {
		heap = make([]byte, b.nheap)
		copy(heap, unsafe.Slice((*byte)(unsafe.Pointer(b.heap)), b.nheap))
	}
	cells := unsafe.Slice(b.cells, b.ncells)
	if need := len(dst) + len(cells); need > cap(dst) {
		grown := make([]op.Value, len(dst), max(need, min(2*cap(dst), need+4096)))
		copy(grown, dst)
		dst = grown
	}
	for i := range cells {
		c := &cells[i]
		switch c.kind {
		case C.DD_INT:
			dst = append(dst, op.Value{Kind: op.KindInt64, Num: uint64(c.num)})
		case C.DD_REAL:
			dst = append(dst, op.Value{Kind: op.KindFloat64, Num: uint64(c.num)})
		case C.DD_TEXT:
			from, to := c.num, c.num+C.int64_t(c.len)
			dst = append(dst, op.Value{Kind: op.KindText, Raw: heap[from:to:to]})
		case C.DD_BLOB:
			from, to := c.num, c.num+C.int64_t(c.len)
			dst = append(dst, op.Value{Kind: op.KindBytes, Raw: heap[from:to:to]})
		default:
			dst = append(dst, op.Value{})
		}
	}
	return dst
}

// run steps to the end and throws rows away.
func (s *Stmt) run() error {
	for {
		_, done, err := s.Fetch(nil, 0, keepBuf)
		if done || err != nil {
			return err
		}
	}
}

// Columns returns the number of result columns, 0 for a statement without
// rows.
func (s *Stmt) Columns() int { return int(C.sqlite3_column_count(s.p)) }

// ColumnNames returns the names of the result columns.
func (s *Stmt) ColumnNames() []string {
	names := make([]string, s.Columns())
	for i := range names {
		names[i] = C.GoString(C.sqlite3_column_name(s.p, C.int(i)))
	}
	return names
}

// ReadOnly reports whether the statement makes no direct change to the file.
func (s *Stmt) ReadOnly() bool { return C.sqlite3_stmt_readonly(s.p) != 0 }

// Params returns the number of parameters.
func (s *Stmt) Params() int { return s.params }

// Reset ends a running statement so that it can start again with the same
// parameters.
func (s *Stmt) Reset() {
	if s.active {
		C.sqlite3_reset(s.p)
		s.active = false
	}
	s.done = false
}

// Close gives the statement back to the connection's cache. It may be called
// twice, but not after another user has taken the statement from the cache.
func (s *Stmt) Close() {
	if s.idle || s.p == nil {
		return
	}
	s.Reset()
	s.bound = false
	if s.cap > keepBuf {
		C.dd_clear(s.p)
		C.free(unsafe.Pointer(s.heap))
		s.heap, s.cap = nil, 0
	}
	s.c.stmts.put(s)
}

// finalize frees the statement.
func (s *Stmt) finalize() {
	if s.p == nil {
		return
	}
	C.sqlite3_finalize(s.p)
	C.free(unsafe.Pointer(s.heap))
	s.p, s.heap, s.cap = nil, nil, 0
}

package sqlite

/*
#cgo CFLAGS: -std=gnu11
#cgo LDFLAGS: -Wl,--unresolved-symbols=ignore-in-object-files
#cgo noescape dd_bind
#cgo nocallback dd_bind
#include <stdlib.h>
#include "shim.h"
*/
import "C"

import (
	"fmt"
	"runtime/cgo"
	"sync"
	"unsafe"

	_ "github.com/mattn/go-sqlite3" // compiles SQLite

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// setup runs the process-wide SQLite configuration once.
var setup = sync.OnceFunc(func() { C.dd_setup() })

// Options configures a connection.
type Options struct {
	ReadOnly bool
	CacheKiB int       // page cache, 0 = SQLite's default (2 MiB)
	MapMiB   int       // part of the file that is read through a memory map; 0 = none
	Registry *Registry // functions and collations; nil = none
}

// Conn is one connection. One goroutine at a time may use it, except for
// Interrupt.
type Conn struct {
	// Call is the context of the running call, set by the executor before a
	// statement; registered functions read it.
	Call any
	// State is scratch of the layers above; the connection does not look at it.
	State map[string]any
	// Touched collects the tables of the statements that started, by table bit.
	Touched uint64
	// Before, if set, is asked before a statement starts: the tables it reads
	// and writes, by table bit, and whether it changes the schema.
	Before func(reads, writes uint64, ddl bool) error

	p      *C.dd_conn
	handle cgo.Handle
	reg    *Registry
	own    []func(a, b string) int // collations added after Open
	stmts  cache
	bufs   []*C.dd_buf // one for each depth of nested fetches
	depth  int
	cells  []C.dd_cell // scratch of Bind
	args   []op.Value  // stack of arguments of running Go functions
	aggs   map[int64]Aggregate
	aggSeq int64
	failed error // first error of a Go function since the last step began

	mu     sync.Mutex // guards closing against Interrupt
	closed bool
}

// Open opens a database file (or ":memory:") in WAL mode: busy_timeout 0, no
// automatic checkpoints, synchronous NORMAL, foreign keys on, temporary tables
// in memory. A read-only connection needs a file that exists.
func Open(path string, o Options) (*Conn, error) {
	fewArenas()
	setup()
	c := &Conn{State: map[string]any{}, reg: o.Registry, aggs: map[int64]Aggregate{}}
	c.handle = cgo.NewHandle(c)
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	ro := C.int(0)
	if o.ReadOnly {
		ro = 1
	}
	if rc := C.dd_open(name, ro, C.uintptr_t(c.handle), &c.p); rc != 0 {
		err := c.error(rc)
		c.release()
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	if err := c.start(o); err != nil {
		c.release()
		return nil, fmt.Errorf("open %q: %w", path, err)
	}
	return c, nil
}

// start registers functions and sets the pragmas of a new connection.
func (c *Conn) start(o Options) error {
	if c.reg != nil {
		defs, n := c.reg.table()
		if rc := C.dd_register(c.p, defs, n); rc != 0 {
			return c.error(rc)
		}
		if c.reg.missing != nil {
			if rc := C.dd_missing(c.p); rc != 0 {
				return c.error(rc)
			}
		}
	}
	text := "PRAGMA synchronous=NORMAL;PRAGMA foreign_keys=ON;PRAGMA temp_store=MEMORY;PRAGMA recursive_triggers=OFF;"
	if !o.ReadOnly {
		text = "PRAGMA journal_mode=WAL;" + text
	}
	if o.CacheKiB > 0 {
		text += fmt.Sprintf("PRAGMA cache_size=-%d;", o.CacheKiB)
	}
	if o.MapMiB > 0 {
		text += fmt.Sprintf("PRAGMA mmap_size=%d;", o.MapMiB<<20)
	}
	return c.Exec(text)
}

// Close closes the connection and all its statements.
func (c *Conn) Close() error {
	if c.p == nil {
		return nil
	}
	c.stmts.drop()
	return c.release()
}

// release frees the C side.
func (c *Conn) release() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, b := range c.bufs {
		C.dd_buf_free(b)
	}
	c.bufs = nil
	rc := C.int(0)
	if c.p != nil {
		rc = C.dd_close(c.p)
		c.p = nil
	}
	c.handle.Delete()
	if rc != 0 {
		return &Error{Code: int(rc) & 0xff, Extended: int(rc), Msg: "close"}
	}
	return nil
}

// Exec runs every statement of a text and throws rows away. Arguments are
// allowed with a single statement only.
func (c *Conn) Exec(sql string, args ...op.Value) error {
	if len(args) > 0 {
		_, err := c.Run(sql, args...)
		return err
	}
	for sql != "" {
		s, rest, err := c.compile(sql, false)
		if err != nil {
			return err
		}
		if s == nil {
			return nil
		}
		err = s.run()
		s.finalize()
		if err != nil {
			return err
		}
		sql = rest
	}
	return nil
}

// Run runs one statement to its end and returns the number of rows it changed
// (0 for a statement that changes none).
func (c *Conn) Run(sql string, args ...op.Value) (int64, error) {
	s, err := c.Prepare(sql)
	if err != nil {
		return 0, err
	}
	defer s.Close()
	if err := s.Bind(args); err != nil {
		return 0, err
	}
	if err := s.run(); err != nil {
		return 0, err
	}
	return c.Changes(), nil
}

// Query runs one statement and returns all rows.
func (c *Conn) Query(sql string, args ...op.Value) ([][]op.Value, error) {
	s, err := c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Bind(args); err != nil {
		return nil, err
	}
	vals, _, err := s.Fetch(nil, 0, 0)
	if err != nil || s.cols == 0 {
		return nil, err
	}
	rows := make([][]op.Value, 0, len(vals)/s.cols)
	for n := s.cols; len(vals) >= n; vals = vals[n:] {
		rows = append(rows, vals[:n:n])
	}
	return rows, nil
}

// Row runs one statement up to its first row and returns it, nil if there is
// none.
func (c *Conn) Row(sql string, args ...op.Value) ([]op.Value, error) {
	s, err := c.Prepare(sql)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	if err := s.Bind(args); err != nil {
		return nil, err
	}
	vals, _, err := s.Fetch(nil, 1, 0)
	if err != nil || len(vals) == 0 {
		return nil, err
	}
	return vals, nil
}

// Changes returns the rows changed by the statement fetched last, 0 if it
// changed none.
func (c *Conn) Changes() int64 { return int64(c.p.changes) }

// LastInsertRowID returns the rowid of the last successful INSERT.
func (c *Conn) LastInsertRowID() int64 { return int64(C.sqlite3_last_insert_rowid(c.p.db)) }

// WALFrames returns the number of frames in the WAL after the last commit of
// this connection.
func (c *Conn) WALFrames() int { return int(c.p.frames) }

// CheckpointMode says how far a checkpoint goes.
type CheckpointMode int

// Checkpoint modes, as SQLite numbers them.
const (
	CheckpointPassive  CheckpointMode = 0
	CheckpointFull     CheckpointMode = 1
	CheckpointRestart  CheckpointMode = 2
	CheckpointTruncate CheckpointMode = 3
)

// Checkpoint copies WAL frames into the database file. It returns the frames
// in the WAL and how many of them are copied.
func (c *Conn) Checkpoint(mode CheckpointMode) (log, done int, err error) {
	var l, d C.int
	if rc := C.dd_checkpoint(c.p, C.int(mode), &l, &d); rc != 0 {
		return int(l), int(d), c.error(rc)
	}
	return int(l), int(d), nil
}

// Interrupt makes the running statement fail with SQLITE_INTERRUPT. It may be
// called from any goroutine, also after Close.
func (c *Conn) Interrupt() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed {
		C.sqlite3_interrupt(c.p.db)
	}
}

// DeferredViolations reports whether the open transaction breaks a deferred
// foreign key, which its COMMIT would refuse.
func (c *Conn) DeferredViolations() bool {
	const deferredFKs = 10 // SQLITE_DBSTATUS_DEFERRED_FKS
	var now, high C.int
	C.sqlite3_db_status(c.p.db, deferredFKs, &now, &high, 0)
	return now != 0
}

// InTransaction reports whether an explicit transaction is open.
func (c *Conn) InTransaction() bool { return C.sqlite3_get_autocommit(c.p.db) == 0 }

// ForgetStatements drops the idle cached statements, for instance after a
// schema change made most of them useless.
func (c *Conn) ForgetStatements() { c.stmts.drop() }

// ColumnMeta returns the declared type and the collation of a stored column.
func (c *Conn) ColumnMeta(table, column string) (declared, collation string, err error) {
	t, k := C.CString(table), C.CString(column)
	defer C.free(unsafe.Pointer(t))
	defer C.free(unsafe.Pointer(k))
	var typ, coll *C.char
	rc := C.sqlite3_table_column_metadata(c.p.db, nil, t, k, &typ, &coll, nil, nil, nil)
	if rc != 0 {
		return "", "", c.error(rc)
	}
	if typ != nil {
		declared = C.GoString(typ)
	}
	return declared, C.GoString(coll), nil
}

// Watch calls f and tells how many rows REPLACE removed to make room for new
// ones, and how many of the new ones were identical to the one they replaced.
func (c *Conn) Watch(f func() error) (removed, same int64, err error) {
	C.dd_watch(c.p, 1)
	defer C.dd_watch(c.p, 0)
	err = f()
	return int64(c.p.removed), int64(c.p.same), err
}

// ForeignKeys switches the checking of foreign keys, also inside a
// transaction. Rows written meanwhile are not looked at later.
func (c *Conn) ForeignKeys(on bool) error {
	n := C.int(0)
	if on {
		n = 1
	}
	if rc := C.dd_foreign_keys(c.p, n); rc != 0 {
		return c.error(rc)
	}
	return nil
}

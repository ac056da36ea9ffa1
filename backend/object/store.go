// Package object is the actor that owns one SQLite file: a single writer with
// group commit and an output gate, readers on their callers' goroutines,
// interactive transactions by a lease of the writer, alarms, and a store that
// opens objects on use and closes idle ones. DESIGN.md tells why. It knows
// nothing of SQL dialects, verbs or wires: engines hand it closures.
package object

import (
	"container/list"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Options configure a Store.
type Options struct {
	Dir          string        // <data>/objects
	MaxOpen      int           // open objects to aim for; 0 = 256
	IdleClose    time.Duration // an object unused for this long is closed; 0 = 1 minute
	LeaseTimeout time.Duration // how long an idle transaction may keep waiting writers out; 0 = 30 s
	Relaxed      bool          // acknowledge before the commit is on disk
	CacheKiB     int           // page cache of each writer; 0 = 2048
	Registry     *sqlite.Registry
	Init         func(*Tx) error              // creates engine tables in a new object
	Alarm        func(*Tx, string) error      // runs a due alarm
	Opened       func(database string, n int) // test hook, may be nil
	Log          *slog.Logger
	Now          func() time.Time     // test clock
	Sync         func(*os.File) error // test hook in place of fdatasync of the WAL
}

// Store opens objects on first use and closes idle ones.
type Store struct {
	opts   Options
	log    *slog.Logger
	mu     sync.Mutex
	open_  map[objectKey]*slot
	queue  list.List // open objects in the order in which they are considered for closing
	index  sync.Map  // objectKey → *Object, for the fast path
	closed bool
	tick   atomic.Int64
	panics atomic.Int64
	shuts  atomic.Int64
	full   chan struct{} // wakes the evictor; capacity 1
	stop   chan struct{}
	ended  sync.WaitGroup
	root   rootSync
	blank  blank
}

// objectKey names an object.
type objectKey struct {
	database string
	shard    int
}

// slot is the place of an object in the store; ready closes when opening ended.
type slot struct {
	obj   *Object
	err   error
	ready chan struct{}
}

// New makes a store over opts.Dir.
func New(opts Options) (*Store, error) {
	if err := sqlite.Check(); err != nil {
		return nil, err
	}
	if opts.MaxOpen <= 0 {
		opts.MaxOpen = 256
	}
	if opts.IdleClose <= 0 {
		opts.IdleClose = time.Minute
	}
	if opts.LeaseTimeout <= 0 {
		opts.LeaseTimeout = 30 * time.Second
	}
	if opts.CacheKiB <= 0 {
		opts.CacheKiB = 2048
	}
	if opts.Log == nil {
		opts.Log = slog.Default()
	}
	if opts.Init == nil {
		opts.Init = func(*Tx) error { return nil }
	}
	if opts.Alarm == nil {
		opts.Alarm = func(*Tx, string) error { return nil }
	}
	if err := os.MkdirAll(opts.Dir, 0o755); err != nil {
		return nil, err
	}
	if err := os.RemoveAll(filepath.Join(opts.Dir, trash)); err != nil {
		return nil, err
	}
	s := &Store{opts: opts, log: opts.Log, open_: map[objectKey]*slot{}, full: make(chan struct{}, 1), stop: make(chan struct{})}
	s.ended.Go(s.janitor)
	s.ended.Go(s.evictor)
	return s, nil
}

// Scope returns the scope of a session on an object, opening it if needed.
// create says whether a missing object is made. The caller releases it.
func (s *Store) Scope(ctx context.Context, database string, shard int, session op.Session, create bool) (*Scope, error) {
	key := objectKey{database, shard}
	for {
		o, err := s.acquire(ctx, key, create)
		if err != nil {
			return nil, err
		}
		if o != nil {
			return &Scope{obj: o, key: txnKey{session.ID, session.Txn}}, nil
		}
	}
}

// acquire returns a referenced object, or nil when it was just closing and the
// caller should try again.
func (s *Store) acquire(ctx context.Context, key objectKey, create bool) (*Object, error) {
	if v, ok := s.index.Load(key); ok {
		o := v.(*Object)
		if s.enter(o) {
			return o, nil
		}
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, op.Errorf(op.Unavailable, "the server is shutting down")
	}
	sl := s.open_[key]
	if sl == nil {
		if !create && !s.exists(key) {
			s.mu.Unlock()
			return nil, &op.Error{Code: op.NoDatabase, Msg: "database \"" + key.database + "\" does not exist", Object: "database", Name: key.database}
		}
		sl = &slot{ready: make(chan struct{})}
		s.open_[key] = sl
		s.mu.Unlock()
		s.fill(key, sl)
		return sl.obj, sl.err
	}
	s.mu.Unlock()
	select {
	case <-sl.ready:
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
	if sl.err != nil {
		return nil, sl.err
	}
	if s.enter(sl.obj) {
		return sl.obj, nil
	}
	select { // it is closing or failed: give it a moment to go
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
	return nil, nil
}

// enter takes a reference; false when o is closing or failed.
func (s *Store) enter(o *Object) bool {
	if o.refs.Add(1) <= 0 || o.failed.Load() != nil {
		s.unref(o)
		return false
	}
	o.lastUse.Store(s.tick.Load())
	if !o.used.Load() {
		o.used.Store(true)
	}
	return true
}

// fill opens the object of a slot with a reference for the caller.
func (s *Store) fill(key objectKey, sl *slot) {
	sl.obj, sl.err = s.open(key.database, key.shard)
	s.mu.Lock()
	if sl.err != nil {
		delete(s.open_, key)
	} else {
		sl.obj.refs.Store(1)
		sl.obj.lastUse.Store(s.tick.Load())
		sl.obj.place = s.queue.PushBack(sl.obj)
		s.index.Store(key, sl.obj)
	}
	over := len(s.open_) - s.opts.MaxOpen
	s.mu.Unlock()
	close(sl.ready)
	s.relieve(over)
}

// Open returns the number of open objects.
func (s *Store) Open() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open_)
}

// Panics returns how many engine panics were caught.
func (s *Store) Panics() int64 { return s.panics.Load() }

// panicked counts and logs a panic of an engine.
func (s *Store) panicked(o *Object, p any) {
	s.panics.Add(1)
	s.log.Error("panic in an operation", "database", o.database, "shard", o.shard, "panic", p, "stack", string(debug.Stack()))
}

// Close waits for the users of every object and closes it.
func (s *Store) Close(ctx context.Context) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	s.ended.Wait()
	for {
		s.evict(1 << 30)
		if s.Open() == 0 {
			return nil
		}
		select {
		case <-time.After(2 * time.Millisecond):
		case <-ctx.Done():
			return errors.Join(errors.New("objects are still in use"), ctx.Err())
		}
	}
}

// sqliteOptions are the options of a connection.
func (s *Store) sqliteOptions(readOnly bool) sqlite.Options {
	o := sqlite.Options{ReadOnly: readOnly, CacheKiB: s.opts.CacheKiB, Registry: s.opts.Registry}
	if readOnly {
		o.CacheKiB, o.MapMiB = min(o.CacheKiB, 4096), readerMap
	}
	return o
}

// readerMap bounds the part of its file, in MiB, that a reader sees through a
// memory map: a read of a page that its cache has not is then no system call.
// The pages are the kernel's, which takes them back when it needs memory.
const readerMap = 256

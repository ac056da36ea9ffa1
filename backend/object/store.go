// Package object is the actor that owns one SQLite file: a single writer with
// group commit and an output gate, readers on their callers' goroutines,
// interactive transactions by a lease of the writer, alarms, and a store that
// opens objects on use and closes idle ones. DESIGN.md tells why. It knows
// nothing of SQL dialects, verbs or wires: engines hand it closures.
package object

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"sort"
	"strconv"
	"strings"
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
	index  sync.Map // objectKey → *Object, for the fast path
	closed bool
	tick   atomic.Int64
	panics atomic.Int64
	shuts  atomic.Int64
	stop   chan struct{}
	done   chan struct{}
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
	s := &Store{opts: opts, log: opts.Log, open_: map[objectKey]*slot{}, stop: make(chan struct{}), done: make(chan struct{})}
	go s.janitor()
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
		if o.refs.Add(1) > 0 && o.failed.Load() == nil {
			o.lastUse.Store(s.tick.Load())
			return o, nil
		}
		s.unref(o)
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
	} else {
		s.mu.Unlock()
	}
	select {
	case <-sl.ready:
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
	if sl.err != nil {
		return nil, sl.err
	}
	o := sl.obj
	if o.refs.Add(1) > 0 && o.failed.Load() == nil {
		o.lastUse.Store(s.tick.Load())
		return o, nil
	}
	s.unref(o)
	select { // it is closing or failed: give it a moment to go
	case <-time.After(time.Millisecond):
	case <-ctx.Done():
		return nil, canceled(ctx)
	}
	return nil, nil
}

// fill opens the object of a slot.
func (s *Store) fill(key objectKey, sl *slot) {
	sl.obj, sl.err = s.open(key.database, key.shard)
	s.mu.Lock()
	if sl.err != nil {
		delete(s.open_, key)
	} else {
		s.index.Store(key, sl.obj)
	}
	n := len(s.open_)
	s.mu.Unlock()
	close(sl.ready)
	if n > s.opts.MaxOpen {
		s.evict(n - s.opts.MaxOpen)
	}
}

// closing is the reference count of an object that is being closed.
const closing = -1 << 40

// unref lets an object go. A failed one is closed by its last user.
func (s *Store) unref(o *Object) {
	if o.refs.Add(-1) == 0 && o.failed.Load() != nil {
		s.shut(o)
	}
}

// shut closes o if nobody uses it.
func (s *Store) shut(o *Object) bool {
	if !o.refs.CompareAndSwap(0, closing) {
		return false
	}
	key := objectKey{o.database, o.shard}
	s.index.Delete(key)
	if err := o.close(); err != nil {
		s.log.Error("close object", "database", o.database, "shard", o.shard, "error", err)
	}
	s.mu.Lock()
	delete(s.open_, key)
	s.mu.Unlock()
	if s.shuts.Add(1)%64 == 0 {
		sqlite.Trim()
	}
	return true
}

// idle lists the open objects nobody uses, the longest unused first.
func (s *Store) idle() []*Object {
	s.mu.Lock()
	var list []*Object
	for _, sl := range s.open_ {
		select {
		case <-sl.ready:
			if sl.obj != nil && sl.obj.refs.Load() == 0 {
				list = append(list, sl.obj)
			}
		default:
		}
	}
	s.mu.Unlock()
	sort.Slice(list, func(i, j int) bool { return list[i].lastUse.Load() < list[j].lastUse.Load() })
	return list
}

// evict closes up to n idle objects.
func (s *Store) evict(n int) {
	for _, o := range s.idle() {
		if n <= 0 {
			return
		}
		if s.shut(o) {
			n--
		}
	}
}

// janitor closes objects that were idle for long.
func (s *Store) janitor() {
	defer close(s.done)
	t := time.NewTicker(s.opts.IdleClose / 4)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			now := s.tick.Add(1)
			for _, o := range s.idle() {
				if now-o.lastUse.Load() > 4 {
					s.shut(o)
				}
			}
		case <-s.stop:
			return
		}
	}
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
	<-s.done
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

// Exists reports whether a database has files.
func (s *Store) Exists(database string) bool {
	dir, err := dirName(database)
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(s.opts.Dir, dir))
	return err == nil
}

// exists reports whether an object has a file.
func (s *Store) exists(key objectKey) bool {
	dir, err := dirName(key.database)
	if err != nil {
		return false
	}
	_, err = os.Stat(filepath.Join(s.opts.Dir, dir, strconv.Itoa(key.shard)+".db"))
	return err == nil
}

// Databases lists the databases that have files with their sizes in bytes.
func (s *Store) Databases() (map[string]int64, error) {
	entries, err := os.ReadDir(s.opts.Dir)
	if err != nil {
		return nil, err
	}
	out := map[string]int64{}
	for _, e := range entries {
		name, ok := fromDirName(e.Name())
		if !e.IsDir() || !ok {
			continue
		}
		files, _ := os.ReadDir(filepath.Join(s.opts.Dir, e.Name()))
		out[name] = 0
		for _, f := range files {
			if i, err := f.Info(); err == nil {
				out[name] += i.Size()
			}
		}
	}
	return out, nil
}

// Drop closes every object of a database and removes its files. Objects in use
// make it fail.
func (s *Store) Drop(ctx context.Context, database string) error {
	dir, err := dirName(database)
	if err != nil {
		return err
	}
	for try := 0; ; try++ {
		busy := false
		s.index.Range(func(k, v any) bool {
			if k.(objectKey).database == database && !s.shut(v.(*Object)) {
				busy = true
			}
			return true
		})
		if !busy {
			break
		}
		if try > 100 {
			return &op.Error{Code: op.Dependency, Msg: "database \"" + database + "\" is being accessed by other users", Object: "database", Name: database}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return canceled(ctx)
		}
	}
	full := filepath.Join(s.opts.Dir, dir)
	if err := os.RemoveAll(full); err != nil {
		return &op.Error{Code: op.Unavailable, Msg: "remove database files: " + err.Error(), Err: err}
	}
	return syncDir(s.opts.Dir)
}

// place returns the path of an object's file and makes its folder.
func (s *Store) place(database string, shard int) (string, error) {
	dir, err := dirName(database)
	if err != nil {
		return "", err
	}
	full := filepath.Join(s.opts.Dir, dir)
	if err := os.MkdirAll(full, 0o755); err != nil {
		return "", &op.Error{Code: op.Unavailable, Msg: "make database folder: " + err.Error(), Err: err}
	}
	return filepath.Join(full, strconv.Itoa(shard)+".db"), nil
}

// dirName maps a database name to a folder name: bytes outside [A-Za-z0-9_-]
// and inner dots are percent-escaped, so no name leaves the data directory.
func dirName(database string) (string, error) {
	var b strings.Builder
	for i := 0; i < len(database); i++ {
		c := database[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-', c == '.' && i > 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + strings.ToUpper(strconv.FormatInt(int64(c)|0x100, 16)[1:]))
		}
	}
	if database == "" || b.Len() > 200 {
		return "", &op.Error{Code: op.InvalidArgument, Msg: "invalid database name", Hint: "use 1 to 63 letters, digits, _ or -"}
	}
	return b.String(), nil
}

// fromDirName is the inverse of dirName.
func fromDirName(dir string) (string, bool) {
	var b strings.Builder
	for i := 0; i < len(dir); i++ {
		if dir[i] != '%' {
			b.WriteByte(dir[i])
			continue
		}
		if i+2 >= len(dir) {
			return "", false
		}
		n, err := strconv.ParseUint(dir[i+1:i+3], 16, 8)
		if err != nil {
			return "", false
		}
		b.WriteByte(byte(n))
		i += 2
	}
	return b.String(), true
}

// syncDirs makes a new file's directory entries durable up to root.
func syncDirs(path, root string) error {
	if err := syncDir(filepath.Dir(path)); err != nil {
		return err
	}
	return syncDir(root)
}

// syncDir syncs one directory.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
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

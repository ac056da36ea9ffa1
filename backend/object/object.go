package object

import (
	"container/list"
	"errors"
	"os"
	"sync"
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Object is one open object: its queue, its writer connection and its readers.
// The goroutine that leads the queue is the only one that uses the writer.
type Object struct {
	store    *Store
	database string
	shard    int
	path     string

	w        *sqlite.Conn // the leader's
	wal      *os.File     // for syncing; kept open as long as the object
	mail     mailbox
	lsnLimit uint64 // LSNs below it are reserved on disk
	sinceEnd int    // commits since idle snapshots were ended

	// What the leader alone touches.
	spare   []*task
	ready   []*task // to run next
	held    []*task // while a transaction is alone
	aside   []*task // to run again after this group
	group   group
	alone   *txn // has the writer to its end
	runs    *txn // whose statement runs, taking turns
	base    sqlite.Mark
	whole   bool // all changes of the seated transaction are in place
	ticking bool
	live    map[uint64]*txn // transactions with a log
	queues  map[sqlite.LockKey][]*task
	ending  map[uint64][]*task // that wait for the end of a transaction
	quiet   quiet
	met     parking

	commitMu  sync.RWMutex      // a commit and its number change together
	committed atomic.Uint64     // newest visible commit
	tableLSN  [64]atomic.Uint64 // newest commit that changed a table, by table bit
	catLSN    atomic.Uint64     // newest commit that changed the catalog
	syncMu    sync.Mutex
	synced    atomic.Uint64 // newest durable commit
	failed    atomic.Pointer[op.Error]

	cat     atomic.Pointer[catalog.Snapshot]
	readers *readers
	alarms  alarms
	local   sync.Map

	txnMu sync.Mutex
	txns  map[txnKey]*txn

	refs    atomic.Int64  // users; negative = closing
	lastUse atomic.Int64  // janitor ticks
	used    atomic.Bool   // used since the evictor last looked
	place   *list.Element // in the store's queue; guarded by its mu
}

// Catalog returns the newest published catalog.
func (o *Object) Catalog() *catalog.Snapshot { return o.cat.Load() }

// open opens or creates the file.
func (s *Store) open(database string, shard int) (*Object, error) {
	path, err := s.place(database, shard)
	if err != nil {
		return nil, err
	}
	w, err := sqlite.Open(path, s.sqliteOptions(false))
	if err != nil {
		return nil, &op.Error{Code: op.Unavailable, Msg: "open object: " + err.Error(), Err: err}
	}
	o := &Object{store: s, database: database, shard: shard, path: path, w: w,
		txns: map[txnKey]*txn{}, live: map[uint64]*txn{}, queues: map[sqlite.LockKey][]*task{}, ending: map[uint64][]*task{}}
	o.readers = newReaders(o)
	if err := o.prepare(); err != nil {
		_ = w.Close()
		if o.wal != nil {
			_ = o.wal.Close()
		}
		return nil, err
	}
	w.Before = o.before
	o.alarms.start(o)
	return o, nil
}

// initialize creates the system and engine tables of a new object.
func (o *Object) initialize() error {
	const schema = `CREATE TABLE IF NOT EXISTS _dotdo_meta(key TEXT PRIMARY KEY, value);
CREATE TABLE IF NOT EXISTS _dotdo_catalog(id INTEGER PRIMARY KEY, def TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS _dotdo_alarms(kind TEXT PRIMARY KEY, at INTEGER NOT NULL);`
	if err := control(o.w, "BEGIN IMMEDIATE"); err != nil {
		return o.storage("begin", err)
	}
	o.cat.Store(catalog.New())
	tx := &Tx{Conn: o.w, obj: o, now: o.store.now(), lsn: 1, writable: true, cat: catalog.New()}
	err := o.w.Exec(schema)
	if err == nil {
		err = call(tx, o.store.opts.Init)
	}
	if err == nil {
		err = saveCatalog(o.w, tx.cat)
	}
	if err == nil {
		err = control(o.w, "COMMIT")
	}
	if err != nil {
		_ = control(o.w, "ROLLBACK")
		return o.storage("prepare object", err)
	}
	return nil
}

// prepare loads catalog, LSN and alarms. It writes nothing: a restart costs no
// disk time until the first write.
func (o *Object) prepare() error {
	row, err := o.w.Row("SELECT count(*) FROM sqlite_schema WHERE name = '_dotdo_alarms'")
	if err == nil && row[0].Int() == 0 { // somebody put an empty file there
		err = o.initialize()
	}
	if err == nil {
		row, err = o.w.Row("SELECT value FROM _dotdo_meta WHERE key = 'lsn'")
	}
	if err != nil {
		return o.storage("read object", err)
	}
	if row != nil {
		o.lsnLimit = uint64(row[0].Int())
	}
	// Numbers up to the reserved limit may have been used before a crash. The
	// first write reserves the next block.
	o.committed.Store(max(o.lsnLimit, 1))
	cat, err := loadCatalog(o.w)
	if err != nil {
		return err
	}
	o.cat.Store(cat)
	if o.wal, err = os.OpenFile(o.path+"-wal", os.O_RDWR, 0); err != nil {
		return o.storage("open wal", err)
	}
	info, err := o.wal.Stat()
	if err != nil {
		return o.storage("open wal", err)
	}
	if info.Size() > 0 { // frames of a process that was killed may not be on disk
		if err := o.syncWAL(); err != nil {
			return o.poison("sync", err)
		}
	}
	o.synced.Store(o.committed.Load())
	return o.alarms.load(o.w)
}

// close closes every connection. Nobody uses the object.
func (o *Object) close() error {
	o.alarms.stop()
	o.mail.close()
	if o.group.open {
		o.leave()
	}
	o.readers.close()
	return errors.Join(o.w.Close(), o.wal.Close())
}

package object

import (
	"math/bits"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// lsnBlock is how many LSNs one stored reservation covers, so that LSNs grow
// over restarts without a write for each commit.
const lsnBlock = 1 << 20

// begin opens a write transaction on the writer connection.
func (o *Object) begin() (*Tx, error) {
	if err := o.broken(); err != nil {
		return nil, err
	}
	if err := control(o.w, "BEGIN IMMEDIATE"); err != nil {
		return nil, o.storage("begin", err)
	}
	tx := &Tx{Conn: o.w, obj: o, now: o.store.now(), lsn: o.committed.Load() + 1, writable: true}
	if tx.lsn >= o.lsnLimit {
		next := tx.lsn + lsnBlock
		if _, err := o.w.Run("INSERT OR REPLACE INTO _dotdo_meta(key, value) VALUES ('lsn', ?1)", op.Int64(int64(next))); err != nil {
			_ = control(o.w, "ROLLBACK")
			return nil, o.storage("reserve lsn", err)
		}
		tx.hooks = append(tx.hooks, func() { o.lsnLimit = next })
	}
	return tx, nil
}

// commit makes tx visible under its LSN and runs its hooks. It does not make
// it durable: see makeDurable. wrote are the tables it changed, by table bit. On
// error everything of tx is undone.
func (o *Object) commit(tx *Tx, wrote uint64) error {
	if len(tx.last) > 0 {
		o.w.RunCheck(nil)
		for _, f := range tx.last {
			if err := f(); err != nil {
				_ = control(o.w, "ROLLBACK")
				return op.AsError(err)
			}
		}
		wrote |= o.w.Wrote()
	}
	if tx.cat != nil {
		if err := saveCatalog(tx.Conn, tx.cat); err != nil {
			_ = control(o.w, "ROLLBACK")
			return o.storage("store catalog", err)
		}
	}
	o.commitMu.Lock()
	err := control(o.w, "COMMIT")
	if err == nil {
		o.committed.Store(tx.lsn)
		for b := wrote; b != 0; b &= b - 1 {
			o.tableLSN[bits.TrailingZeros64(b)].Store(tx.lsn)
		}
		if tx.cat != nil {
			o.cat.Store(tx.cat)
			o.catLSN.Store(tx.lsn)
		}
	}
	o.commitMu.Unlock()
	if err != nil {
		if o.w.InTransaction() {
			_ = control(o.w, "ROLLBACK")
		}
		return o.storage("commit", err)
	}
	for _, f := range tx.hooks {
		f()
	}
	return nil
}

// makeDurable returns when commit lsn is on disk. The first caller syncs for
// all commits made so far; the others wait for it. After a failed sync the
// object is poisoned: pages may be marked clean, so a retry proves nothing.
func (o *Object) makeDurable(lsn uint64) error {
	if o.synced.Load() >= lsn || o.store.opts.Relaxed {
		return nil
	}
	o.syncMu.Lock()
	defer o.syncMu.Unlock()
	if o.synced.Load() >= lsn {
		return nil
	}
	if err := o.broken(); err != nil {
		return err
	}
	target := o.committed.Load()
	if err := o.syncWAL(); err != nil {
		return o.poison("sync", err)
	}
	o.synced.Store(target)
	return nil
}

// syncWAL forces the write-ahead log to disk. fdatasync covers everything that
// was written before it, whoever wrote it.
func (o *Object) syncWAL() error {
	if o.store.opts.Sync != nil {
		return o.store.opts.Sync(o.wal)
	}
	for {
		err := unix.Fdatasync(int(o.wal.Fd()))
		if err != unix.EINTR {
			return err
		}
	}
}

// poison marks the object failed for good; it is closed and reopened (which
// recovers from what is really on disk) when its last user lets go.
func (o *Object) poison(what string, err error) error {
	e := &op.Error{Code: op.Unavailable, Msg: "could not " + what + ": " + err.Error(), Hint: "check the disk, then try again", Err: err}
	if o.failed.CompareAndSwap(nil, e) {
		o.store.log.Error("object failed", "database", o.database, "shard", o.shard, "what", what, "error", err)
	}
	return e
}

// broken returns the error of a poisoned object.
func (o *Object) broken() error {
	if e := o.failed.Load(); e != nil {
		return e
	}
	return nil
}

// storage turns an SQLite failure of the transaction machinery into an error a
// client can read. I/O errors poison the object.
func (o *Object) storage(what string, err error) error {
	if e, ok := err.(*sqlite.Error); ok {
		switch e.Code {
		case 10, 11, 26: // IOERR, CORRUPT, NOTADB
			return o.poison(what, err)
		case 13: // FULL
			return &op.Error{Code: op.Unavailable, Msg: "disk full", Hint: "free space, then try again", Err: err}
		}
		if e.Extended == 787 { // deferred foreign keys are checked by COMMIT
			return &op.Error{Code: op.ForeignKey, Msg: "foreign key constraint failed", Err: err}
		}
	}
	return &op.Error{Code: op.Internal, Msg: what + ": " + err.Error(), Err: err}
}

// walPages is the WAL length at which the actor checkpoints; walLimit the one
// at which it insists, ending idle snapshots and waiting for readers.
const (
	walPages = 1000
	walLimit = 16 * walPages
)

// maintain runs on the writer's owner between transactions: it ends snapshots
// that idle readers keep and checkpoints a long WAL. A checkpoint syncs the WAL
// first, so it never moves an undurable frame.
func (o *Object) maintain() {
	o.sinceEnd++
	frames := o.w.WALFrames()
	if o.sinceEnd < 64 && frames < walPages {
		return
	}
	o.sinceEnd = 0
	o.readers.endIdle()
	if frames < walPages {
		return
	}
	mode := sqlite.CheckpointPassive
	if frames > walLimit {
		mode = sqlite.CheckpointRestart
	}
	if _, _, err := o.w.Checkpoint(mode); err != nil {
		if e, ok := err.(*sqlite.Error); ok && (e.Code == 5 || e.Code == 6) { // BUSY, LOCKED: a reader is in the way; later
			return
		}
		_ = o.storage("checkpoint", err)
	}
}

// now is the clock of transactions.
func (s *Store) now() time.Time {
	if s.opts.Now != nil {
		return s.opts.Now()
	}
	return time.Now()
}

// control runs a transaction statement from the connection's statement cache.
func control(c *sqlite.Conn, sql string) error {
	_, err := c.Run(sql)
	return err
}

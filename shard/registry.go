package shard

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// System is the database that holds the list of databases. Clients cannot
// name it, nor any other name that starts with it.
const System = "_dotdo"

// Registry is the durable list of databases with their options: the table
// databases of the object _dotdo/0.db. Only databases of several objects are
// held in memory.
type Registry struct {
	mu      sync.Mutex // one user of conn at a time; changes of the list
	conn    *sqlite.Conn
	findMu  sync.Mutex   // one user of reads at a time
	reads   *sqlite.Conn // looks names up while conn waits for the disk
	layouts atomic.Pointer[map[string]*Options]
}

// OpenRegistry opens the list under <dir>/objects, making it when it is new.
func OpenRegistry(dir string) (*Registry, error) {
	folder := filepath.Join(dir, "objects", System)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("make registry folder: %w", err)
	}
	conn, err := sqlite.Open(filepath.Join(folder, "0.db"), sqlite.Options{CacheKiB: 256})
	if err != nil {
		return nil, fmt.Errorf("open registry: %w", err)
	}
	r := &Registry{conn: conn}
	err = r.load()
	if err == nil {
		r.reads, err = sqlite.Open(filepath.Join(folder, "0.db"), sqlite.Options{CacheKiB: 256, ReadOnly: true})
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read registry: %w", err), conn.Close())
	}
	return r, nil
}

// load makes the table and reads the databases of several objects.
func (r *Registry) load() error {
	err := r.conn.Exec(`PRAGMA synchronous=FULL;
		CREATE TABLE IF NOT EXISTS databases(name TEXT PRIMARY KEY, options TEXT NOT NULL, created INTEGER NOT NULL) WITHOUT ROWID;`)
	if err != nil {
		return err
	}
	rows, err := r.conn.Query("SELECT name, options FROM databases WHERE options <> '{}'")
	if err != nil {
		return err
	}
	all := map[string]*Options{}
	for _, row := range rows {
		o, err := decode(row[1])
		if err != nil {
			return fmt.Errorf("options of %q: %w", row[0].Str(), err)
		}
		if o.Count > 1 {
			all[row[0].Str()] = &o
		}
	}
	r.layouts.Store(&all)
	return nil
}

// decode reads the options column.
func decode(v op.Value) (Options, error) {
	values := map[string]string{}
	if err := json.Unmarshal(v.Raw, &values); err != nil {
		return Options{}, err
	}
	return Parse(values)
}

// Close closes the list.
func (r *Registry) Close(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.findMu.Lock()
	defer r.findMu.Unlock()
	return errors.Join(r.reads.Close(), r.conn.Close())
}

// Layout returns the options of a database of several objects, nil for every
// other name.
func (r *Registry) Layout(database string) *Options { return (*r.layouts.Load())[database] }

// find returns the options of a database, ok false when there is none.
func (r *Registry) find(database string) (o Options, ok bool, err error) {
	r.findMu.Lock()
	defer r.findMu.Unlock()
	row, err := r.reads.Row("SELECT options FROM databases WHERE name = ?1", op.Text(database))
	if err != nil || row == nil {
		return o, false, err
	}
	o, err = decode(row[0])
	return o, true, err
}

// add records a database durably.
func (r *Registry) add(database string, o Options) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	text := []byte("{}")
	if o.Count > 1 {
		var err error
		if text, err = json.Marshal(o.Values()); err != nil {
			return err
		}
	}
	_, err := r.conn.Run("INSERT INTO databases VALUES (?1, ?2, ?3)", op.Text(database), op.Raw(op.KindText, text), op.Time(time.Now()))
	if err != nil {
		return err
	}
	if o.Count > 1 {
		next := maps.Clone(*r.layouts.Load())
		next[database] = &o
		r.layouts.Store(&next)
	}
	r.tidy()
	return nil
}

// remove forgets a database durably.
func (r *Registry) remove(database string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.conn.Run("DELETE FROM databases WHERE name = ?1", op.Text(database)); err != nil {
		return err
	}
	if r.Layout(database) != nil {
		next := maps.Clone(*r.layouts.Load())
		delete(next, database)
		r.layouts.Store(&next)
	}
	r.tidy()
	return nil
}

// tidy bounds the write-ahead log. A failure shows up again at the next write.
func (r *Registry) tidy() {
	if r.conn.WALFrames() > 256 {
		_, _, _ = r.conn.Checkpoint(sqlite.CheckpointPassive)
	}
}

// names lists all databases.
func (r *Registry) names() ([]string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows, err := r.conn.Query("SELECT name FROM databases")
	if err != nil {
		return nil, err
	}
	list := make([]string, len(rows))
	for i, row := range rows {
		list[i] = row[0].Str()
	}
	return list, nil
}

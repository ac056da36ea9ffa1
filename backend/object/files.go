package object

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// trash is the folder of what is on its way out: dropped databases and the
// file that blank is made from. New empties it. No database has this name: see
// fromDirName.
const trash = "%trash"

// Exists reports whether a database has files.
func (s *Store) Exists(database string) bool {
	dir, err := dirName(database)
	if err != nil {
		return false
	}
	files, _ := os.ReadDir(filepath.Join(s.opts.Dir, dir))
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".db") {
			return true
		}
	}
	return false
}

// Settle makes the directory entries of an existing database durable: a crash
// may have left it between the making of its file and the sync of its folder.
func (s *Store) Settle(database string) error {
	dir, err := dirName(database)
	if err != nil {
		return err
	}
	if err := syncDir(filepath.Join(s.opts.Dir, dir)); err != nil {
		return diskError("sync database folder", err)
	}
	return s.syncRoot()
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
		size, any := int64(0), false
		for _, f := range files {
			any = any || strings.HasSuffix(f.Name(), ".db")
			if i, err := f.Info(); err == nil {
				size += i.Size()
			}
		}
		if any { // else the rest of a creation that was cut short
			out[name] = size
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
	for try := 0; s.busy(database); try++ {
		if try > 100 {
			return &op.Error{Code: op.Dependency, Msg: "database \"" + database + "\" is being accessed by other users", Object: "database", Name: database}
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return canceled(ctx)
		}
	}
	// One rename takes it away whole, whatever happens to the removal.
	gone, err := s.scratch()
	if err == nil {
		err = os.Rename(filepath.Join(s.opts.Dir, dir), filepath.Join(gone, dir))
	}
	if err == nil {
		err = s.syncRoot()
	}
	if err == nil {
		err = os.RemoveAll(gone)
	}
	if err != nil {
		return diskError("remove database files", err)
	}
	return nil
}

// busy closes the open objects of a database and tells whether some are left.
func (s *Store) busy(database string) bool {
	s.mu.Lock()
	var list []*Object
	left := 0
	for k, sl := range s.open_ {
		if k.database != database {
			continue
		}
		left++
		select {
		case <-sl.ready:
			if sl.obj != nil {
				list = append(list, sl.obj)
			}
		default:
		}
	}
	s.mu.Unlock()
	for _, o := range list {
		if s.shut(o) {
			left--
		}
	}
	return left > 0
}

// scratch makes a new folder in the trash.
func (s *Store) scratch() (string, error) {
	dir := filepath.Join(s.opts.Dir, trash)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(dir, "")
}

// place returns the path of an object's file, making folder and file durably
// when they are not there. A new file is a copy of the blank one under another
// name until it is complete, so that a crash leaves a whole database or none.
func (s *Store) place(database string, shard int) (string, error) {
	dir, err := dirName(database)
	if err != nil {
		return "", err
	}
	folder := filepath.Join(s.opts.Dir, dir)
	path := filepath.Join(folder, strconv.Itoa(shard)+".db")
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	data, err := s.blank.get(s)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", diskError("make database folder", err)
	}
	if err := writeFile(path, data); err != nil {
		return "", diskError("make database file", err)
	}
	if err := syncDir(folder); err != nil {
		return "", diskError("sync database folder", err)
	}
	return path, s.syncRoot()
}

// writeFile makes a file whole and synced, or not at all.
func writeFile(path string, data []byte) error {
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		_ = os.Remove(path + ".new")
	}
	return err
}

// diskError is the client's view of a failed file operation.
func diskError(what string, err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &op.Error{Code: op.Unavailable, Msg: "disk full", Hint: "free space, then try again", Err: err}
	}
	return &op.Error{Code: op.Unavailable, Msg: what + ": " + err.Error(), Err: err}
}

// blank is the content of a new object's file: system and engine tables, made
// once a process so that it always fits the program.
type blank struct {
	mu   sync.Mutex
	data []byte
}

// get returns the content.
func (b *blank) get(s *Store) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.data != nil {
		return b.data, nil
	}
	dir, err := s.scratch()
	if err != nil {
		return nil, diskError("make database file", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "0.db")
	w, err := sqlite.Open(path, s.sqliteOptions(false))
	if err != nil {
		return nil, diskError("make database file", err)
	}
	o := &Object{store: s, path: path, w: w}
	if err := errors.Join(o.initialize(), w.Close()); err != nil {
		return nil, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, diskError("make database file", err)
	}
	b.data = data
	return data, nil
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

// rootSync lets concurrent creations share one sync of the store's folder.
type rootSync struct {
	mu   sync.Mutex
	want atomic.Int64 // requests made
	done int64        // requests covered by a sync; guarded by mu
}

// syncRoot makes the entries of the store's folder durable.
func (s *Store) syncRoot() error {
	r := &s.root
	mine := r.want.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.done >= mine {
		return nil
	}
	covered := r.want.Load()
	if err := syncDir(s.opts.Dir); err != nil {
		return diskError("sync database folder", err)
	}
	r.done = covered
	return nil
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

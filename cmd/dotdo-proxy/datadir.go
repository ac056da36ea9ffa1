package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// dataFormat is the version of the data directory this build reads and writes.
const dataFormat = 1

// Files at the top of the data directory.
const (
	formatFile = "FORMAT"
	lockFile   = "LOCK"
)

// dataDir is an open data directory; no other daemon can open it meanwhile.
type dataDir struct{ lock *os.File }

// openDataDir creates or opens the data directory. A directory of a newer
// format, or one that is not a data directory, is refused and left untouched.
func openDataDir(path string) (*dataDir, error) {
	fresh, err := checkFormat(path)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	lock, err := os.OpenFile(filepath.Join(path, lockFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data directory %q: %w", path, err)
	}
	d := &dataDir{lock: lock}
	err = unix.Flock(int(lock.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("data directory %q is in use by another dotdo-proxy; choose another with --data-dir", path), lock.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock data directory %q: %w", path, err), lock.Close())
	}
	if fresh {
		if err := writeFormat(path); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// checkFormat reads the format without changing anything. fresh means that
// there is no data yet.
func checkFormat(path string) (fresh bool, err error) {
	text, err := os.ReadFile(filepath.Join(path, formatFile))
	if errors.Is(err, fs.ErrNotExist) {
		return true, checkEmpty(path)
	}
	if err != nil {
		return false, fmt.Errorf("data directory %q: %w", path, err)
	}
	n, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || n < 1 {
		return false, fmt.Errorf("data directory %q: %s does not hold a format number", path, formatFile)
	}
	if n > dataFormat {
		return false, fmt.Errorf("data directory %q has format %d, written by a newer dotdo-proxy; this one (%s) reads formats up to %d; nothing was changed", path, n, version, dataFormat)
	}
	return false, nil
}

// checkEmpty refuses a directory that holds something else than our lock file.
func checkEmpty(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("data directory %q: %w", path, err)
	}
	for _, e := range entries {
		if e.Name() != lockFile && e.Name() != formatFile+".new" {
			return fmt.Errorf("directory %q is not empty and is no data directory (it has no %s file); choose another with --data-dir", path, formatFile)
		}
	}
	return nil
}

// writeFormat marks a new data directory, durably and at once.
func writeFormat(path string) error {
	f, err := os.Create(filepath.Join(path, formatFile+".new"))
	if err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	_, err = fmt.Fprintln(f, dataFormat)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	if err := os.Rename(f.Name(), filepath.Join(path, formatFile)); err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	dir, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("write format: %w", err)
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// Close lets another daemon open the directory.
func (d *dataDir) Close() error { return d.lock.Close() }

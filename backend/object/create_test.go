package object

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// touch opens a database's first object, writes a row and lets it go.
func touch(s *Store, database string, v int64) error {
	sc, err := s.Scope(context.Background(), database, 0, op.Session{}, true)
	if err != nil {
		return err
	}
	defer sc.Release()
	return put(sc, 1, v)
}

func TestNewObjectsAreNotTheFirstToGo(t *testing.T) {
	t.Parallel()
	s := testStore(t, func(o *Options) { o.MaxOpen = 4 })
	for i := range 6 { // fill it with objects that were used lately
		if err := touch(s, fmt.Sprintf("old%d", i), 1); err != nil {
			t.Fatal(err)
		}
		s.tick.Add(1)
	}
	before := s.shuts.Load()
	for i := range 40 {
		if err := touch(s, fmt.Sprintf("new%d", i), 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.shuts.Load() - before; n > 40+6 {
		t.Fatalf("40 objects were made and %d closed: some were closed before their first use", n)
	}
}

func TestCreationCutShortLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"half", trash + "/1/gone"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name, "0.db.new"), []byte("SQLite format 3"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s := testStore(t, func(o *Options) { o.Dir = dir })
	if list, err := s.Databases(); err != nil || len(list) != 0 || s.Exists("half") {
		t.Fatal("half a database is there: ", list, err)
	}
	if _, err := os.Stat(filepath.Join(dir, trash)); !os.IsNotExist(err) {
		t.Fatal("the rest of a dropped database is still there: ", err)
	}
	if _, err := s.Scope(context.Background(), "half", 0, op.Session{}, false); op.CodeOf(err) != op.NoDatabase {
		t.Fatal(err)
	}
	if err := touch(s, "half", 1); err != nil {
		t.Fatal(err)
	}
	if list, err := s.Databases(); err != nil || len(list) != 1 || !s.Exists("half") {
		t.Fatal(list, err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "half", "*.new"))
	if err != nil || len(left) != 0 {
		t.Fatal(left, err)
	}
}

func TestOpeningWritesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := testStore(t, func(o *Options) { o.Dir = dir })
	if err := touch(s, "d", 7); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	var syncs atomic.Int64
	s = testStore(t, func(o *Options) {
		o.Dir = dir
		o.Sync = func(*os.File) error { syncs.Add(1); return nil }
	})
	sc := scope(t, s, op.Session{})
	if _, total := sum(t, sc); total != 7 {
		t.Fatal(total)
	}
	info, err := os.Stat(filepath.Join(dir, "d", "0.db-wal"))
	if err != nil || info.Size() != 0 || syncs.Load() != 0 {
		t.Fatalf("reading wrote: WAL %v bytes, %d syncs, %v", info, syncs.Load(), err)
	}
}

func TestOpenFilesAreBounded(t *testing.T) {
	t.Parallel()
	const limit, clients = 8, 6
	s := testStore(t, func(o *Options) { o.MaxOpen = limit })
	most := 0
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range 30 {
				if err := touch(s, fmt.Sprintf("c%dn%d", c, i), 1); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { group.Wait(); close(done) }()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			most = max(most, filesUnder(s.opts.Dir))
		}
	}
	// Each object has the database, its log twice and the shared index; those
	// being opened or closed come on top.
	if bound := 4 * (limit + limit/8 + 2*closers + 2*clients); most > bound || most == 0 {
		t.Fatalf("%d files were open, at most %d should be", most, bound)
	}
}

// filesUnder counts this process's open files below a folder.
func filesUnder(dir string) (n int) {
	list, _ := os.ReadDir("/proc/self/fd")
	for _, f := range list {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, dir) {
			n++
		}
	}
	return n
}

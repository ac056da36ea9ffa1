package object

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// testStore opens a store with one table per object.
func testStore(t testing.TB, edit func(*Options)) *Store {
	t.Helper()
	o := Options{Dir: t.TempDir(), Registry: sqlite.NewRegistry(), Init: func(tx *Tx) error {
		return tx.Conn.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v)")
	}}
	if edit != nil {
		edit(&o)
	}
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s
}

// scope opens a scope that the test releases at its end.
func scope(t testing.TB, s *Store, session op.Session) *Scope {
	t.Helper()
	sc, err := s.Scope(context.Background(), "d", 0, session, true)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sc.Release)
	return sc
}

// put writes one row.
func put(sc *Scope, id, v int64) error {
	_, err := sc.Write(context.Background(), func(tx *Tx) error {
		_, err := tx.Conn.Run("INSERT OR REPLACE INTO t VALUES (?1, ?2)", op.Int64(id), op.Int64(v))
		return err
	})
	return err
}

// sum reads count and sum of the rows.
func sum(t testing.TB, sc *Scope) (n, total int64) {
	t.Helper()
	err := sc.Read(context.Background(), func(tx *Tx) error {
		r, err := tx.Conn.Row("SELECT count(*), coalesce(sum(v), 0) FROM t")
		if err == nil {
			n, total = r[0].Int(), r[1].Int()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, total
}

func TestGroupedWritesAndReads(t *testing.T) {
	t.Parallel()
	s := testStore(t, nil)
	sc := scope(t, s, op.Session{})
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			for i := range 50 {
				if err := put(sc, int64(g*1000+i), 1); err != nil {
					t.Error(err)
				}
				if n, _ := sum(t, sc); n < int64(i+1) {
					t.Errorf("a write is not visible to its own writer: %d", n)
				}
			}
		})
	}
	wg.Wait()
	if n, total := sum(t, sc); n != 800 || total != 800 {
		t.Fatalf("got %d rows, sum %d", n, total)
	}
}

func TestFailureUndoesItselfAlone(t *testing.T) {
	t.Parallel()
	s := testStore(t, nil)
	sc := scope(t, s, op.Session{})
	var wg sync.WaitGroup
	var failed atomic.Int64
	for g := range 40 {
		wg.Go(func() {
			_, err := sc.Write(context.Background(), func(tx *Tx) error {
				if _, err := tx.Conn.Run("INSERT INTO t VALUES (?1, 1)", op.Int64(int64(g))); err != nil {
					return err
				}
				switch g % 4 {
				case 1:
					return errors.New("no")
				case 2:
					panic("planted")
				}
				return nil
			})
			if err != nil {
				failed.Add(1)
			}
		})
	}
	wg.Wait()
	if n, _ := sum(t, sc); n != 20 || failed.Load() != 20 {
		t.Fatalf("rows %d, failed %d", n, failed.Load())
	}
	if s.Panics() != 10 {
		t.Fatalf("panics counted: %d", s.Panics())
	}
}

func TestTransactionTakesTurns(t *testing.T) {
	t.Parallel()
	s := testStore(t, nil)
	auto := scope(t, s, op.Session{})
	one := scope(t, s, op.Session{ID: 1, Txn: 1})
	if err := one.Begin(ctl.Begin{}); err != nil {
		t.Fatal(err)
	}
	if err := one.Savepoint(&ctl.Savepoint{Name: "before"}); err != nil {
		t.Fatal(err)
	}
	if err := put(one, 1, 1); err != nil {
		t.Fatal(err)
	}
	if n, _ := sum(t, one); n != 1 {
		t.Fatal("own write not seen")
	}
	if n, _ := sum(t, auto); n != 0 {
		t.Fatal("uncommitted write seen")
	}
	if err := put(auto, 9, 9); err != nil { // nobody waits for an open transaction
		t.Fatal(err)
	}
	if n, _ := sum(t, auto); n != 1 {
		t.Fatal("uncommitted write seen after a commit beside it")
	}
	if err := one.Savepoint(&ctl.Savepoint{Name: "a"}); err != nil {
		t.Fatal(err)
	}
	if err := put(one, 2, 1); err != nil {
		t.Fatal(err)
	}
	if err := one.Savepoint(&ctl.Savepoint{Name: "a", Action: ctl.SavepointRollback}); err != nil {
		t.Fatal(err)
	}
	if n, _ := sum(t, one); n != 2 {
		t.Fatalf("after rollback to a: %d", n)
	}
	if err := one.Savepoint(&ctl.Savepoint{Name: "before", Action: ctl.SavepointRollback}); err != nil {
		t.Fatal(err)
	}
	if n, _ := sum(t, one); n != 1 {
		t.Fatalf("after rollback to before: %d", n)
	}
	if err := put(one, 3, 1); err != nil {
		t.Fatal(err)
	}
	if lsn, err := one.Commit(); err != nil || lsn == 0 {
		t.Fatal(lsn, err)
	}
	if n, total := sum(t, auto); n != 2 || total != 10 {
		t.Fatal(n, total)
	}
}

func TestRollbackAndIsolation(t *testing.T) {
	t.Parallel()
	s := testStore(t, nil)
	auto := scope(t, s, op.Session{})
	rr := scope(t, s, op.Session{ID: 2, Txn: 7})
	if err := rr.Begin(ctl.Begin{Isolation: ctl.RepeatableRead}); err != nil {
		t.Fatal(err)
	}
	if n, _ := sum(t, rr); n != 0 {
		t.Fatal(n)
	}
	if err := put(auto, 1, 1); err != nil {
		t.Fatal(err)
	}
	if n, _ := sum(t, rr); n != 0 {
		t.Fatal("repeatable read saw a later commit")
	}
	if err := put(rr, 2, 2); op.CodeOf(err) != op.Serialization {
		t.Fatalf("write over a stale snapshot: %v", err)
	}
	rr.Rollback()
	two := scope(t, s, op.Session{ID: 3, Txn: 1})
	if err := put(two, 5, 5); err != nil {
		t.Fatal(err)
	}
	two.Rollback()
	if n, _ := sum(t, auto); n != 1 {
		t.Fatal("rolled back row is there")
	}
}

func TestIdleLeaseIsTakenBack(t *testing.T) {
	t.Parallel()
	s := testStore(t, func(o *Options) { o.LeaseTimeout = 20 * time.Millisecond })
	idle := scope(t, s, op.Session{ID: 1, Txn: 1})
	if err := idle.Begin(ctl.Begin{Isolation: ctl.Serializable}); err != nil {
		t.Fatal(err)
	}
	if err := put(idle, 1, 1); err != nil {
		t.Fatal(err)
	}
	if err := put(scope(t, s, op.Session{}), 2, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := idle.Commit(); op.CodeOf(err) != op.Serialization {
		t.Fatalf("commit of an ended transaction: %v", err)
	}
	if n, _ := sum(t, scope(t, s, op.Session{})); n != 1 {
		t.Fatal(n)
	}
}

func TestNothingLeavesBeforeSync(t *testing.T) {
	t.Parallel()
	gate := make(chan struct{})
	var armed atomic.Bool
	s := testStore(t, func(o *Options) {
		o.Sync = func(f *os.File) error {
			if armed.Load() {
				<-gate
			}
			return f.Sync()
		}
	})
	sc := scope(t, s, op.Session{})
	if err := put(sc, 1, 1); err != nil {
		t.Fatal(err)
	}
	armed.Store(true)
	wrote, read := make(chan error, 1), make(chan int64, 1)
	go func() { wrote <- put(sc, 2, 1) }()
	for sc.obj.committed.Load() == sc.obj.synced.Load() { // visible, not yet durable
		time.Sleep(time.Millisecond)
	}
	go func() {
		n, _ := sum(t, sc)
		read <- n
	}()
	select {
	case <-wrote:
		t.Fatal("a write was acknowledged before its sync")
	case n := <-read:
		t.Fatalf("a read of %d rows left before the sync of what it saw", n)
	case <-time.After(50 * time.Millisecond):
	}
	close(gate)
	if err := <-wrote; err != nil {
		t.Fatal(err)
	}
	if n := <-read; n != 2 {
		t.Fatal(n)
	}
}

func TestFailedSyncPoisonsThenRecovers(t *testing.T) {
	t.Parallel()
	var fail atomic.Bool
	s := testStore(t, func(o *Options) {
		o.Sync = func(f *os.File) error {
			if fail.Load() {
				return errors.New("planted I/O error")
			}
			return f.Sync()
		}
	})
	sc, err := s.Scope(context.Background(), "d", 0, op.Session{}, true)
	if err != nil {
		t.Fatal(err)
	}
	if err := put(sc, 1, 1); err != nil {
		t.Fatal(err)
	}
	fail.Store(true)
	if err := put(sc, 2, 1); op.CodeOf(err) != op.Unavailable {
		t.Fatalf("write over a failing disk: %v", err)
	}
	fail.Store(false)
	if err := put(sc, 3, 1); op.CodeOf(err) != op.Unavailable {
		t.Fatalf("a poisoned object took a write: %v", err)
	}
	sc.Release()
	again := scope(t, s, op.Session{})
	if err := put(again, 4, 1); err != nil {
		t.Fatal(err)
	}
}

func TestWALStaysBounded(t *testing.T) {
	t.Parallel()
	s := testStore(t, func(o *Options) { // how fast the disk is makes no difference
		o.Sync = func(*os.File) error { return nil }
	})
	sc := scope(t, s, op.Session{})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					sum(t, sc)
				}
			}
		})
	}
	blob := op.Bytes(make([]byte, 3000))
	for i := range 6000 {
		_, err := sc.Write(context.Background(), func(tx *Tx) error {
			_, err := tx.Conn.Run("INSERT OR REPLACE INTO t VALUES (?1, ?2)", op.Int64(int64(i%500)), blob)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	close(stop)
	wg.Wait()
	info, err := os.Stat(filepath.Join(s.opts.Dir, "d", "0.db-wal"))
	if err != nil {
		t.Fatal(err)
	}
	if info.Size() > 2*walLimit*4200 {
		t.Fatalf("the WAL grew to %d bytes", info.Size())
	}
}

func TestManyObjectsFewOpen(t *testing.T) {
	t.Parallel()
	s := testStore(t, func(o *Options) { o.MaxOpen = 8 })
	ctx := context.Background()
	for i := range 60 {
		sc, err := s.Scope(ctx, fmt.Sprintf("db%d", i), 0, op.Session{}, true)
		if err != nil {
			t.Fatal(err)
		}
		if err := put(sc, 1, int64(i)); err != nil {
			t.Fatal(err)
		}
		sc.Release()
	}
	if n := s.Open(); n > 10 {
		t.Fatalf("%d objects open", n)
	}
	for i := range 60 {
		sc, err := s.Scope(ctx, fmt.Sprintf("db%d", i), 0, op.Session{}, false)
		if err != nil {
			t.Fatal(err)
		}
		if _, total := sum(t, sc); total != int64(i) {
			t.Fatalf("db%d has %d", i, total)
		}
		sc.Release()
	}
	if err := s.Drop(ctx, "db7"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Scope(ctx, "db7", 0, op.Session{}, false); op.CodeOf(err) != op.NoDatabase {
		t.Fatal(err)
	}
}

func TestReopenKeepsDataAndNumbers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var last uint64
	for round := range 3 {
		s := testStore(t, func(o *Options) { o.Dir = dir })
		sc, err := s.Scope(context.Background(), "d", 0, op.Session{}, true)
		if err != nil {
			t.Fatal(err)
		}
		lsn, err := sc.Write(context.Background(), func(tx *Tx) error {
			_, err := tx.Conn.Run("INSERT INTO t VALUES (NULL, 1)")
			return err
		})
		if err != nil || lsn <= last {
			t.Fatal(lsn, last, err)
		}
		last = lsn
		if n, _ := sum(t, sc); n != int64(round+1) {
			t.Fatal(n)
		}
		sc.Release()
		if err := s.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAlarmFiresAndSurvives(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fired := make(chan string, 4)
	alarm := func(o *Options) {
		o.Dir = dir
		o.Alarm = func(tx *Tx, kind string) error {
			fired <- kind
			_, err := tx.Conn.Run("INSERT INTO t VALUES (77, 1)")
			return err
		}
	}
	s := testStore(t, alarm)
	sc, err := s.Scope(context.Background(), "d", 0, op.Session{}, true)
	if err != nil {
		t.Fatal(err)
	}
	set := func(sc *Scope, kind string, d time.Duration) {
		t.Helper()
		_, err := sc.Write(context.Background(), func(tx *Tx) error { return tx.SetAlarm(kind, tx.Now().Add(d)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	set(sc, "x:soon", 10*time.Millisecond)
	if k := <-fired; k != "x:soon" {
		t.Fatal(k)
	}
	set(sc, "x:later", 30*time.Millisecond)
	if _, err := sc.Write(context.Background(), func(tx *Tx) error { _, err := tx.Conn.Run("DELETE FROM t"); return err }); err != nil {
		t.Fatal(err)
	}
	sc.Release()
	if err := s.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	select { // it may have fired just before the close
	case <-fired:
		return
	default:
	}
	s2 := testStore(t, alarm)
	scope(t, s2, op.Session{})
	if k := <-fired; k != "x:later" {
		t.Fatal(k)
	}
}

func TestDatabaseNamesStayInside(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"a", "..", "../x", "a/b", "über", ".hidden", "a.b", "%41"} {
		dir, err := dirName(name)
		if err != nil {
			t.Fatal(name, err)
		}
		if filepath.Base(dir) != dir || dir == ".." || dir == "." {
			t.Fatalf("%q leaves the data directory as %q", name, dir)
		}
		if back, ok := fromDirName(dir); !ok || back != name {
			t.Fatalf("%q came back as %q", name, back)
		}
	}
	if _, err := dirName(""); err == nil {
		t.Fatal("an empty name was accepted")
	}
}

func BenchmarkRead(b *testing.B) {
	s := testStore(b, nil)
	sc := scope(b, s, op.Session{})
	if err := put(sc, 1, 1); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		err := sc.Read(context.Background(), func(tx *Tx) error {
			_, err := tx.Conn.Row("SELECT v FROM t WHERE id = ?1", op.Int64(1))
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkWrite16(b *testing.B) {
	s := testStore(b, nil)
	sc := scope(b, s, op.Session{})
	b.SetParallelism(8)
	var n atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			i := n.Add(1)
			if err := put(sc, i%1000, i); err != nil {
				b.Error(err)
			}
		}
	})
}

func TestDeferredForeignKeyFailsItsOwnWriteOnly(t *testing.T) {
	t.Parallel()
	s := testStore(t, func(o *Options) {
		o.Init = func(tx *Tx) error {
			return tx.Conn.Exec("CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE c(p REFERENCES t(id) DEFERRABLE INITIALLY DEFERRED)")
		}
	})
	sc := scope(t, s, op.Session{})
	var wg sync.WaitGroup
	var refused atomic.Int64
	for i := range 30 {
		wg.Go(func() {
			_, err := sc.Write(context.Background(), func(tx *Tx) error {
				if _, err := tx.Conn.Run("INSERT INTO c VALUES (?1)", op.Int64(int64(i))); err != nil {
					return err
				}
				if i%3 == 0 {
					return nil // the parent is missing
				}
				_, err := tx.Conn.Run("INSERT INTO t VALUES (?1, 1)", op.Int64(int64(i)))
				return err
			})
			if op.CodeOf(err) == op.ForeignKey {
				refused.Add(1)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n, _ := sum(t, sc); n != 20 || refused.Load() != 10 {
		t.Fatalf("rows %d, refused %d", n, refused.Load())
	}
}

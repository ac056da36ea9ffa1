package rel_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// client is one session that runs texts, in transactions or not.
type client struct {
	h   *harness
	id  uint64
	txn uint64 // of the open transaction, 0 = none
	n   uint64
}

// do runs one operation of the session.
func (c *client) do(b op.Body) (op.Reply, error) {
	return c.h.l.Do(context.Background(), &op.Op{Target: op.Target{Database: "main"}, Session: op.Session{ID: c.id, Txn: c.txn}, Body: b})
}

// begin opens a transaction.
func (c *client) begin(level ctl.Isolation) {
	c.n++
	c.txn = c.n
	if _, err := c.do(&ctl.Begin{Isolation: level}); err != nil {
		c.h.t.Error(err)
	}
}

// end commits or rolls back.
func (c *client) end(b op.Body) error {
	_, err := c.do(b)
	c.txn = 0
	return err
}

// mark works on a savepoint.
func (c *client) mark(a ctl.SavepointAction) {
	if _, err := c.do(&ctl.Savepoint{Name: "s", Action: a}); err != nil {
		c.h.t.Error(err)
	}
}

// exec runs one statement and returns its rows as text, flattened.
func (c *client) exec(format string, args ...any) ([]string, error) {
	r, err := c.do(&rel.Parse{Dialect: c.h.d, Text: fmt.Sprintf(format, args...)})
	if err != nil {
		return nil, err
	}
	env := &rel.Env{User: "tester", Database: "main", SearchPath: []string{"public"}, SessionID: c.id, TxnStart: 1_700_000_000_000_000}
	r, err = c.do(&rel.Query{Stmt: r.(*rel.Parsed).Statements[0], Env: env})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	var out []string
	var cols []op.Column
	for {
		f, err := r.Next(context.Background())
		if err == io.EOF {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		switch f := f.(type) {
		case *op.Head:
			cols = f.Columns
		case *op.Rows:
			for i, v := range f.Values {
				out = append(out, string(datum.Append(nil, cols[i%f.Cols].Type, v, datum.Options{})))
			}
		}
	}
}

// must runs a statement that has to succeed and returns its first value.
func (c *client) must(format string, args ...any) string {
	c.h.t.Helper()
	out, err := c.exec(format, args...)
	if err != nil {
		c.h.t.Fatalf(format+": %v", append(args, err)...)
	}
	if len(out) == 0 {
		return ""
	}
	return out[0]
}

// retry tells whether a transaction may be run again after err.
func retry(err error) bool {
	code := op.CodeOf(err)
	return code == op.Deadlock || code == op.Serialization
}

// TestTurnsKeepSums runs transfers, counters, queues and keys from many
// sessions at once and then adds up.
func TestTurnsKeepSums(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rel.Postgres)
	setup := &client{h: h, id: 1}
	for _, s := range []string{
		"CREATE TABLE acc (id int PRIMARY KEY, v int NOT NULL)",
		"CREATE TABLE hist (a int, delta int, who text)", // rows nobody can name
		"CREATE TABLE keys (k text PRIMARY KEY, n int NOT NULL)",
		"CREATE TABLE jobs (id serial PRIMARY KEY, taken int NOT NULL DEFAULT 0)",
		"CREATE TABLE parent (id int PRIMARY KEY, n int NOT NULL)",
		"CREATE TABLE child (id serial PRIMARY KEY, p int NOT NULL REFERENCES parent(id))",
		"INSERT INTO acc SELECT g, 0 FROM generate_series(0, 9) g",
		"INSERT INTO parent SELECT g, 0 FROM generate_series(0, 3) g",
	} {
		setup.must("%s", s)
	}
	const sessions, rounds = 12, 40
	var wg sync.WaitGroup
	var mu sync.Mutex
	total, upserts, jobs, children := 0, 0, 0, 0
	for s := range sessions {
		wg.Go(func() {
			c := &client{h: h, id: uint64(s + 10)}
			r := rand.New(rand.NewPCG(uint64(s), 4))
			for range rounds {
				var w work
				for {
					w = work{}
					err := w.run(c, r)
					if err == nil {
						break
					}
					if !retry(err) && !errors.Is(err, errGiveUp) {
						t.Error(err)
						return
					}
				}
				mu.Lock()
				total, upserts, jobs, children = total+w.delta, upserts+w.upserts, jobs+w.jobs, children+w.children
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, k := range []struct {
		sql  string
		want int
	}{
		{"SELECT sum(v) FROM acc", total}, {"SELECT coalesce(sum(delta), 0) FROM hist", total},
		{"SELECT coalesce(sum(n), 0) FROM keys", upserts}, {"SELECT count(*) FROM jobs", jobs},
		{"SELECT coalesce(max(taken), 0) FROM jobs", 1}, {"SELECT count(*) FROM child", children}, {"SELECT sum(n) FROM parent", children},
	} {
		if got := setup.must("%s", k.sql); got != strconv.Itoa(k.want) && !(k.sql[7:15] == "coalesce" && got == "0" && k.want <= 1) {
			t.Errorf("%s: got %s, want %d", k.sql, got, k.want)
		}
	}
}

// errGiveUp ends a transaction that its session rolled back.
var errGiveUp = errors.New("given up")

// work is what one transaction did.
type work struct{ delta, upserts, jobs, children int }

// run does one random transaction; an error means that nothing of it remains.
func (w *work) run(c *client, r *rand.Rand) error {
	if r.IntN(4) == 0 { // autocommit beside the transactions
		d := r.IntN(9) - 4
		a := r.IntN(10)
		if _, err := c.exec("WITH u AS (SELECT 1) UPDATE acc SET v = v + %d WHERE id = %d", d, a); err != nil {
			return err
		}
		w.delta += d
		_, err := c.exec("INSERT INTO hist VALUES (%d, %d, 'auto')", a, d)
		return err
	}
	level := ctl.ReadCommitted
	if r.IntN(8) == 0 {
		level = ctl.Serializable
	}
	c.begin(level)
	for range 1 + r.IntN(4) {
		if err := w.step(c, r); err != nil {
			_ = c.end(&ctl.Rollback{})
			return err
		}
	}
	if r.IntN(6) == 0 {
		_ = c.end(&ctl.Rollback{})
		return errGiveUp
	}
	return c.end(&ctl.Commit{})
}

// step is one part of a transaction.
func (w *work) step(c *client, r *rand.Rand) error {
	a, d := r.IntN(10), r.IntN(9)-4
	switch r.IntN(6) {
	case 0: // lost updates show here
		v, err := c.exec("SELECT v FROM acc WHERE id = %d FOR UPDATE", a)
		if err != nil {
			return err
		}
		n, _ := strconv.Atoi(v[0])
		if _, err := c.exec("UPDATE acc SET v = %d WHERE id = %d", n+d, a); err != nil {
			return err
		}
		w.delta += d
		_, err = c.exec("INSERT INTO hist VALUES (%d, %d, 'lock')", a, d)
		return err
	case 1: // a savepoint that is undone
		c.mark(ctl.SavepointSet)
		if _, err := c.exec("INSERT INTO hist VALUES (%d, 1000, 'undone'), (%d, 1000, 'undone')", a, a); err != nil {
			return err
		}
		if _, err := c.exec("UPDATE hist SET delta = 2000 WHERE who = 'undone'"); err != nil {
			return err
		}
		c.mark(ctl.SavepointRollback)
		return nil
	case 2:
		w.upserts++
		_, err := c.exec("INSERT INTO keys VALUES ('k%d', 1) ON CONFLICT (k) DO UPDATE SET n = keys.n + 1", r.IntN(5))
		return err
	case 3:
		w.jobs++
		if _, err := c.exec("INSERT INTO jobs DEFAULT VALUES"); err != nil {
			return err
		}
		_, err := c.exec("UPDATE jobs SET taken = taken + 1 WHERE id = (SELECT id FROM jobs WHERE taken = 0 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)")
		return err
	case 4: // foreign keys: not taken apart
		w.children++
		if _, err := c.exec("INSERT INTO child (p) VALUES (%d)", a%4); err != nil {
			return err
		}
		_, err := c.exec("UPDATE parent SET n = n + 1 WHERE id = %d", a%4)
		return err
	}
	if _, err := c.exec("UPDATE acc SET v = v + %d WHERE id = %d", d, a); err != nil {
		return err
	}
	w.delta += d
	_, err := c.exec("INSERT INTO hist VALUES (%d, %d, 'turn')", a, d)
	return err
}

// TestTurnsSeeEachOther runs two transactions step by step.
func TestTurnsSeeEachOther(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rel.Postgres)
	one, two := &client{h: h, id: 1}, &client{h: h, id: 2}
	one.must("CREATE TABLE t (k int PRIMARY KEY, v text UNIQUE)")
	one.must("INSERT INTO t VALUES (1, 'a'), (2, 'b')")
	one.begin(ctl.ReadCommitted)
	two.begin(ctl.ReadCommitted)
	one.must("UPDATE t SET v = 'one' WHERE k = 1")
	two.must("UPDATE t SET v = 'two' WHERE k = 2")
	if a, b := one.must("SELECT string_agg(v, ',' ORDER BY k) FROM t"), two.must("SELECT string_agg(v, ',' ORDER BY k) FROM t"); a != "one,b" || b != "a,two" {
		t.Fatal(a, b)
	}
	if _, err := two.exec("SELECT * FROM t WHERE k = 1 FOR UPDATE NOWAIT"); op.CodeOf(err) != op.LockTimeout {
		t.Fatal(err)
	}
	if got := two.must("SELECT count(*) FROM (SELECT 1) x, t"); got != "2" {
		t.Fatal(got)
	}
	if out, err := two.exec("SELECT k FROM t ORDER BY k FOR UPDATE SKIP LOCKED"); err != nil || len(out) != 1 || out[0] != "2" {
		t.Fatal(out, err)
	}
	waits := make(chan error, 1)
	go func() { // waits for the first transaction, whatever is first
		_, err := two.exec("INSERT INTO t VALUES (3, 'one')")
		waits <- err
	}()
	if err := one.end(&ctl.Commit{}); err != nil {
		t.Fatal(err)
	}
	if err := <-waits; op.CodeOf(err) != op.UniqueViolation {
		t.Fatal(err)
	}
	if err := two.end(&ctl.Commit{}); err != nil {
		t.Fatal(err)
	}
	if got := one.must("SELECT string_agg(v, ',' ORDER BY k) FROM t"); got != "one,two" {
		t.Fatal(got)
	}
}

// TestTurnsDeadlock lets two transactions wait for each other.
func TestTurnsDeadlock(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rel.Postgres)
	one, two := &client{h: h, id: 1}, &client{h: h, id: 2}
	one.must("CREATE TABLE t (k int PRIMARY KEY, v int)")
	one.must("INSERT INTO t VALUES (1, 0), (2, 0)")
	one.begin(ctl.ReadCommitted)
	two.begin(ctl.ReadCommitted)
	one.must("UPDATE t SET v = v + 1 WHERE k = 1")
	two.must("UPDATE t SET v = v + 10 WHERE k = 2")
	errs := make(chan error, 2)
	cross := func(c *client, k int) {
		_, err := c.exec("UPDATE t SET v = v + 100 WHERE k = %d", k)
		if err != nil {
			errs <- errors.Join(err, c.end(&ctl.Rollback{}))
			return
		}
		errs <- c.end(&ctl.Commit{})
	}
	go cross(one, 2)
	go cross(two, 1)
	a, b := <-errs, <-errs
	if (a == nil) == (b == nil) || op.CodeOf(errors.Join(a, b)) != op.Deadlock && op.CodeOf(a) != op.Deadlock && op.CodeOf(b) != op.Deadlock {
		t.Fatal(a, b)
	}
	if got := one.must("SELECT sum(v) FROM t"); got != "101" && got != "110" {
		t.Fatal(got)
	}
}

// TestSchemaChangeWaits alters a table that an open transaction has changed.
func TestSchemaChangeWaits(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rel.Postgres)
	one, two := &client{h: h, id: 1}, &client{h: h, id: 2}
	one.must("CREATE TABLE t (k int PRIMARY KEY, v int)")
	one.begin(ctl.ReadCommitted)
	one.must("INSERT INTO t VALUES (1, 1)")
	altered := make(chan error, 1)
	go func() {
		_, err := two.exec("ALTER TABLE t ADD COLUMN w int DEFAULT 7")
		altered <- err
	}()
	one.must("UPDATE t SET v = 2 WHERE k = 1")
	if err := one.end(&ctl.Commit{}); err != nil {
		t.Fatal(err)
	}
	if err := <-altered; err != nil {
		t.Fatal(err)
	}
	if got, _ := one.exec("SELECT v, w FROM t"); len(got) != 2 || got[0] != "2" || got[1] != "7" {
		t.Fatal(got)
	}
	one.begin(ctl.ReadCommitted)
	one.must("INSERT INTO t VALUES (2, 3)")
	one.must("CREATE TABLE u (k int)")
	one.must("INSERT INTO u SELECT k FROM t")
	if err := one.end(&ctl.Rollback{}); err != nil {
		t.Fatal(err)
	}
	if _, err := two.exec("SELECT * FROM u"); op.CodeOf(err) != op.NotFound {
		t.Fatal(err)
	}
	if got := two.must("SELECT count(*) FROM t"); got != "1" {
		t.Fatal(got)
	}
}

// TestLongTransactionGoesOn changes more rows than may be taken apart.
func TestLongTransactionGoesOn(t *testing.T) {
	t.Parallel()
	h := newHarness(t, rel.Postgres)
	one, two := &client{h: h, id: 1}, &client{h: h, id: 2}
	one.must("CREATE TABLE t (k int PRIMARY KEY, v int)")
	one.must("INSERT INTO t SELECT g, 0 FROM generate_series(1, 3000) g")
	one.begin(ctl.ReadCommitted)
	one.must("UPDATE t SET v = 1 WHERE k <= 2000")
	late := make(chan string, 1)
	go func() { late <- two.must("UPDATE t SET v = v + 5 WHERE k = 2500 RETURNING v") }()
	one.mark(ctl.SavepointSet)
	one.must("UPDATE t SET v = 2")
	one.mark(ctl.SavepointRollback)
	if err := one.end(&ctl.Commit{}); err != nil {
		t.Fatal(err)
	}
	if got := <-late; got != "5" {
		t.Fatal(got)
	}
	if got := one.must("SELECT sum(v) FROM t"); got != "2005" {
		t.Fatal(got)
	}
}

package crash

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"

	"github.com/dot-do/dotdo-proxy/test/internal/daemon"
)

// makers is how many clients make and drop databases.
const makers = 4

// made is what clients were told about databases: true stands for "is there
// with its row", false for "is gone". A name that is in flight has no entry.
type made struct {
	mu sync.Mutex
	m  map[string]bool
}

// set records an answer; forget drops what was known while a request is out.
func (m *made) set(name string, there bool) { m.mu.Lock(); m.m[name] = there; m.mu.Unlock() }
func (m *made) forget(name string)          { m.mu.Lock(); delete(m.m, name); m.mu.Unlock() }

// pgOpen connects to a database; it is made when it is not there.
func pgOpen(ctx context.Context, addr, name string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, fmt.Sprintf("postgres://u:p@%s/%s?sslmode=disable&default_query_exec_mode=simple_protocol", addr, name))
}

// pgRun connects, runs a text and closes.
func pgRun(ctx context.Context, addr, name, text string) error {
	c, err := pgOpen(ctx, addr, name)
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, text)
	_ = c.Close(ctx)
	return err
}

// make creates databases with a row each, and drops every third, until an
// answer does not come.
func (m *made) make(ctx context.Context, addr, prefix string) {
	for i := 0; ; i++ {
		name := fmt.Sprintf("%sn%d", prefix, i)
		if pgRun(ctx, addr, name, "CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1)") != nil {
			return
		}
		m.set(name, true)
		if i%3 != 2 {
			continue
		}
		m.forget(name)
		if pgRun(ctx, addr, "main", "DROP DATABASE "+name) != nil {
			return
		}
		m.set(name, false)
	}
}

// check compares the answers with what a restarted daemon has: nothing that was
// acknowledged is missing, nothing dropped is back, nothing is there by half.
// list is the Mongo listener, which lists all databases.
func (m *made) check(ctx context.Context, addr, list string) error {
	c, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + list))
	if err != nil {
		return err
	}
	defer func() { _ = c.Disconnect(ctx) }()
	names, err := c.ListDatabaseNames(ctx, bson.D{})
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, n := range names {
		if !strings.HasPrefix(n, "r") {
			continue
		}
		there[n] = true
		if err := checkOne(ctx, addr, n, m.m[n]); err != nil {
			return fmt.Errorf("database %s: %w", n, err)
		}
	}
	for n, want := range m.m {
		if there[n] != want {
			return fmt.Errorf("database %s: listed %v, acknowledged %v", n, there[n], want)
		}
	}
	return nil
}

// checkOne opens a database: it works, and has its row if that was promised.
func checkOne(ctx context.Context, addr, name string, promised bool) error {
	c, err := pgOpen(ctx, addr, name)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	var n int
	err = c.QueryRow(ctx, "SELECT count(*) FROM pg_tables WHERE tablename = 't'").Scan(&n)
	if err == nil && n == 1 {
		err = c.QueryRow(ctx, "SELECT count(*) FROM t").Scan(&n)
	}
	if err == nil && promised && n != 1 {
		err = fmt.Errorf("the acknowledged row is lost")
	}
	return err
}

func TestKillNineDuringCreation(t *testing.T) {
	dir := t.TempDir()
	seed := time.Now().UnixNano()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(uint64(seed), 2))
	m := &made{m: map[string]bool{}}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	for round := range *rounds {
		d, err := daemon.Start(dir, []string{"postgres", "mongo"}, "--set", "objects.open=8")
		if err != nil {
			t.Fatalf("round %d: %v", round, err)
		}
		var group sync.WaitGroup
		for w := range makers {
			group.Go(func() { m.make(ctx, d.Addr["postgres"], fmt.Sprintf("r%dw%d", round, w)) })
		}
		time.Sleep(time.Duration(40+rnd.IntN(300)) * time.Millisecond)
		d.Kill()
		group.Wait()
		if d, err = daemon.Start(dir, []string{"postgres", "mongo"}, "--set", "objects.open=8"); err != nil {
			t.Fatalf("round %d: restart: %v", round, err)
		}
		if err := m.check(ctx, d.Addr["postgres"], d.Addr["mongo"]); err != nil {
			t.Fatalf("round %d: %v\n%s", round, err, d.Log())
		}
		if err := d.Stop(); err != nil {
			t.Fatalf("round %d: stop: %v\n%s", round, err, d.Log())
		}
	}
	t.Logf("%d databases", len(m.m))
	if len(m.m) < *rounds {
		t.Errorf("only %d databases were made in %d rounds", len(m.m), *rounds)
	}
}

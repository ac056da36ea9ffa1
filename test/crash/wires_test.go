package crash

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// pgWire inserts rows in autocommit.
type pgWire struct{}

func (pgWire) name() string { return "postgres" }

func pgConnect(ctx context.Context, addr string) (*pgx.Conn, error) {
	return pgx.Connect(ctx, "postgres://u:p@"+addr+"/main?sslmode=disable")
}

func (pgWire) setup(ctx context.Context, addr string) error {
	c, err := pgConnect(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	_, err = c.Exec(ctx, "CREATE TABLE IF NOT EXISTS crash_pg (id text PRIMARY KEY, n int)")
	return err
}

func (pgWire) writer(ctx context.Context, addr string) (func(string) error, func(), error) {
	c, err := pgConnect(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	return func(id string) error {
		_, err := c.Exec(ctx, "INSERT INTO crash_pg (id, n) VALUES ($1, $2)", id, 1)
		return err
	}, func() { _ = c.Close(context.Background()) }, nil
}

func (pgWire) list(ctx context.Context, addr string) (map[string]bool, error) {
	return pgList(ctx, addr, "SELECT id FROM crash_pg")
}

func pgList(ctx context.Context, addr, sql string) (map[string]bool, error) {
	c, err := pgConnect(ctx, addr)
	if err != nil {
		return nil, err
	}
	defer c.Close(ctx)
	rows, err := c.Query(ctx, sql)
	if err != nil {
		return nil, err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	out := map[string]bool{}
	for _, id := range ids {
		out[id] = true
	}
	return out, err
}

// pgTxnWire writes two tables in one transaction; half of one is a failure.
type pgTxnWire struct{}

func (pgTxnWire) name() string { return "postgres-txn" }

func (pgTxnWire) setup(ctx context.Context, addr string) error {
	c, err := pgConnect(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close(ctx)
	for _, t := range []string{"crash_a", "crash_b"} {
		if _, err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS "+t+" (id text PRIMARY KEY)"); err != nil {
			return err
		}
	}
	return nil
}

func (pgTxnWire) writer(ctx context.Context, addr string) (func(string) error, func(), error) {
	c, err := pgConnect(ctx, addr)
	if err != nil {
		return nil, nil, err
	}
	return func(id string) error {
		return pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "INSERT INTO crash_a VALUES ($1)", id); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, "INSERT INTO crash_b VALUES ($1)", id)
			return err
		})
	}, func() { _ = c.Close(context.Background()) }, nil
}

func (pgTxnWire) list(ctx context.Context, addr string) (map[string]bool, error) {
	a, err := pgList(ctx, addr, "SELECT id FROM crash_a")
	if err != nil {
		return nil, err
	}
	b, err := pgList(ctx, addr, "SELECT id FROM crash_b")
	if err != nil {
		return nil, err
	}
	if len(a) != len(b) {
		return nil, fmt.Errorf("half a transaction: %d rows in crash_a, %d in crash_b", len(a), len(b))
	}
	for id := range a {
		if !b[id] {
			return nil, fmt.Errorf("half a transaction: %s", id)
		}
	}
	return a, nil
}

// mysqlWire inserts rows through a prepared statement.
type mysqlWire struct{}

func (mysqlWire) name() string { return "mysql" }

func (mysqlWire) setup(_ context.Context, addr string) error {
	c, err := client.Connect(addr, "u", "p", "main")
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.Execute("CREATE TABLE IF NOT EXISTS crash_my (id VARCHAR(40) PRIMARY KEY, n INT)")
	return err
}

func (mysqlWire) writer(_ context.Context, addr string) (func(string) error, func(), error) {
	c, err := client.Connect(addr, "u", "p", "main")
	if err != nil {
		return nil, nil, err
	}
	st, err := c.Prepare("INSERT INTO crash_my (id, n) VALUES (?, ?)")
	if err != nil {
		return nil, nil, err
	}
	return func(id string) error {
		_, err := st.Execute(id, 1)
		return err
	}, func() { _ = c.Close() }, nil
}

func (mysqlWire) list(_ context.Context, addr string) (map[string]bool, error) {
	c, err := client.Connect(addr, "u", "p", "main")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r, err := c.Execute("SELECT id FROM crash_my")
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for i := range r.RowNumber() {
		id, err := r.GetString(i, 0)
		if err != nil {
			return nil, err
		}
		out[id] = true
	}
	return out, nil
}

// redisWire sets keys.
type redisWire struct{}

func (redisWire) name() string { return "redis" }

func (redisWire) setup(context.Context, string) error { return nil }

// respCall sends one command and reads a one-line or bulk reply.
func respCall(c net.Conn, r *bufio.Reader, args ...string) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "*%d\r\n", len(args))
	for _, a := range args {
		fmt.Fprintf(&b, "$%d\r\n%s\r\n", len(a), a)
	}
	if _, err := c.Write([]byte(b.String())); err != nil {
		return "", err
	}
	return respRead(r)
}

// respRead reads a reply line; a bulk string's content is returned.
func respRead(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if strings.HasPrefix(line, "-") {
		return "", errors.New(line)
	}
	if !strings.HasPrefix(line, "$") {
		return line, nil
	}
	n, err := strconv.Atoi(line[1:])
	if err != nil || n < 0 {
		return "", err
	}
	buf := make([]byte, n+2)
	for at := 0; at < len(buf); {
		k, err := r.Read(buf[at:])
		if err != nil {
			return "", err
		}
		at += k
	}
	return string(buf[:n]), nil
}

func (redisWire) writer(_ context.Context, addr string) (func(string) error, func(), error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	r := bufio.NewReader(c)
	return func(id string) error {
		out, err := respCall(c, r, "SET", "crash:"+id, id)
		if err == nil && out != "+OK" {
			err = fmt.Errorf("SET answered %q", out)
		}
		return err
	}, func() { _ = c.Close() }, nil
}

func (redisWire) list(_ context.Context, addr string) (map[string]bool, error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	r := bufio.NewReader(c)
	head, err := respCall(c, r, "KEYS", "crash:*")
	if err != nil || !strings.HasPrefix(head, "*") {
		return nil, fmt.Errorf("KEYS answered %q: %w", head, err)
	}
	n, err := strconv.Atoi(head[1:])
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for range n {
		k, err := respRead(r)
		if err != nil {
			return nil, err
		}
		out[strings.TrimPrefix(k, "crash:")] = true
	}
	return out, nil
}

// mongoWire inserts documents.
type mongoWire struct{}

func (mongoWire) name() string { return "mongo" }

func (mongoWire) setup(context.Context, string) error { return nil }

func mongoConnect(addr string) (*mongo.Client, *mongo.Collection, error) {
	c, err := mongo.Connect(options.Client().ApplyURI("mongodb://" + addr + "/?retryWrites=false").SetTimeout(20 * time.Second))
	if err != nil {
		return nil, nil, err
	}
	return c, c.Database("main").Collection("crash_docs"), nil
}

func (mongoWire) writer(ctx context.Context, addr string) (func(string) error, func(), error) {
	c, coll, err := mongoConnect(addr)
	if err != nil {
		return nil, nil, err
	}
	return func(id string) error {
		_, err := coll.InsertOne(ctx, bson.M{"_id": id, "n": 1})
		return err
	}, func() { _ = c.Disconnect(context.Background()) }, nil
}

func (mongoWire) list(ctx context.Context, addr string) (map[string]bool, error) {
	c, coll, err := mongoConnect(addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Disconnect(ctx) }()
	cur, err := coll.Find(ctx, bson.M{})
	if err != nil {
		return nil, err
	}
	var docs []struct {
		ID string `bson:"_id"`
	}
	if err := cur.All(ctx, &docs); err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for _, d := range docs {
		out[d.ID] = true
	}
	return out, nil
}

// natsWire publishes to a JetStream stream and waits for its acknowledgement.
type natsWire struct{}

func (natsWire) name() string { return "nats" }

func natsConnect(addr string) (*nats.Conn, jetstream.JetStream, error) {
	c, err := nats.Connect("nats://"+addr, nats.NoReconnect())
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(c)
	return c, js, err
}

func (natsWire) setup(ctx context.Context, addr string) error {
	c, js, err := natsConnect(addr)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{Name: "CRASH", Subjects: []string{"crash.>"}})
	return err
}

func (natsWire) writer(ctx context.Context, addr string) (func(string) error, func(), error) {
	c, js, err := natsConnect(addr)
	if err != nil {
		return nil, nil, err
	}
	return func(id string) error {
		_, err := js.Publish(ctx, "crash.x", []byte(id))
		return err
	}, c.Close, nil
}

func (natsWire) list(ctx context.Context, addr string) (map[string]bool, error) {
	c, js, err := natsConnect(addr)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	s, err := js.Stream(ctx, "CRASH")
	if err != nil {
		return nil, err
	}
	cons, err := s.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{})
	if err != nil {
		return nil, err
	}
	info, err := s.Info(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]bool{}
	for n := uint64(0); n < info.State.Msgs; {
		batch, err := cons.Fetch(500, jetstream.FetchMaxWait(2*time.Second))
		if err != nil {
			return nil, err
		}
		got := 0
		for m := range batch.Messages() {
			out[string(m.Data())] = true
			got++
		}
		if got == 0 {
			return nil, fmt.Errorf("the stream says %d messages, %d came", info.State.Msgs, n)
		}
		n += uint64(got)
	}
	return out, nil
}

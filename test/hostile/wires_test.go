package hostile

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/go-mysql-org/go-mysql/client"
	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go"
	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
)

// user and password are the good client's credentials where users are
// configured.
const user, password = "ann", "secret"

// patience is how long the good client waits for one answer.
const patience = 5 * time.Second

// wire is one protocol: its good client and its hostile bytes.
type wire struct {
	name string
	// good connects a well-behaved client; each call of the returned function
	// writes, reads back and compares. With login the daemon has users.
	good func(ctx context.Context, addr string, login bool) (ping func(n int) error, stop func(), err error)
	// bomb is a frame that announces about 2 GiB (or a line without an end) as
	// the first thing on a connection.
	bomb []byte
	// speaksFirst: the client must read the server's greeting before it sends.
	speaksFirst bool
	// frames are hostile messages: truncated, oversized, unknown, not UTF-8.
	frames [][]byte
}

// wires lists every protocol the daemon serves.
var wires = sync.OnceValue(func() []wire {
	return []wire{
		{name: "postgres", good: goodPostgres, bomb: []byte("\x7f\xff\xff\xff\x00\x03\x00\x00user\x00"), frames: postgresFrames()},
		{name: "mysql", good: goodMySQL, bomb: []byte("\xff\xff\xff\x01"), speaksFirst: true, frames: mysqlFrames()},
		{name: "redis", good: goodRedis, bomb: []byte("*2\r\n$4\r\nAUTH\r\n$2147483647\r\n"), frames: redisFrames()},
		{name: "mongo", good: goodMongo, bomb: []byte("\xff\xff\xff\x7f\x01\x00\x00\x00\x00\x00\x00\x00\xdd\x07\x00\x00"), frames: mongoFrames()},
		{name: "nats", good: goodNATS, bomb: []byte("CONNECT {\"user\":\""), speaksFirst: true, frames: natsFrames()},
	}
})

func goodPostgres(ctx context.Context, addr string, _ bool) (func(int) error, func(), error) {
	c, err := pgx.Connect(ctx, "postgres://"+user+":"+password+"@"+addr+"/main?sslmode=disable")
	if err != nil {
		return nil, nil, err
	}
	if _, err := c.Exec(ctx, "CREATE TABLE IF NOT EXISTS hostile_pg (id int PRIMARY KEY, s text)"); err != nil {
		return nil, nil, err
	}
	return func(n int) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		want := fmt.Sprint("row ", n)
		if _, err := c.Exec(ctx, "INSERT INTO hostile_pg VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET s = excluded.s", row(n), want); err != nil {
			return err
		}
		var got string
		if err := c.QueryRow(ctx, "SELECT s FROM hostile_pg WHERE id = $1", row(n)).Scan(&got); err != nil {
			return err
		}
		return same(got, want)
	}, func() { _ = c.Close(context.Background()) }, nil
}

func goodMySQL(_ context.Context, addr string, _ bool) (func(int) error, func(), error) {
	c, err := client.Connect(addr, user, password, "main")
	if err != nil {
		return nil, nil, err
	}
	if _, err := c.Execute("CREATE TABLE IF NOT EXISTS hostile_my (id INT PRIMARY KEY, s VARCHAR(40))"); err != nil {
		return nil, nil, err
	}
	return func(n int) error {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		want := fmt.Sprint("row ", n)
		if _, err := c.Execute("REPLACE INTO hostile_my VALUES (?, ?)", row(n), want); err != nil {
			return err
		}
		r, err := c.Execute("SELECT s FROM hostile_my WHERE id = ?", row(n))
		if err != nil {
			return err
		}
		got, err := r.GetString(0, 0)
		if err != nil {
			return err
		}
		return same(got, want)
	}, func() { _ = c.Close() }, nil
}

func goodRedis(_ context.Context, addr string, login bool) (func(int) error, func(), error) {
	c, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	in := bufio.NewReader(c)
	say := func(want string, args ...string) error {
		if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
			return err
		}
		if _, err := c.Write(resp(args...)); err != nil {
			return err
		}
		line, err := in.ReadString('\n')
		if err == nil && line[0] == '$' {
			line, err = in.ReadString('\n')
		}
		if err != nil {
			return err
		}
		return same(strings.TrimSpace(line), want)
	}
	if login {
		if err := say("+OK", "AUTH", user, password); err != nil {
			return nil, nil, err
		}
	}
	return func(n int) error {
		key, want := fmt.Sprint("hostile:", row(n)), fmt.Sprint("value ", n)
		if err := say("+OK", "SET", key, want); err != nil {
			return err
		}
		return say(want, "GET", key)
	}, func() { _ = c.Close() }, nil
}

// resp encodes one Redis command.
func resp(args ...string) []byte {
	b := fmt.Appendf(nil, "*%d\r\n", len(args))
	for _, a := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(a), a)
	}
	return b
}

func goodMongo(ctx context.Context, addr string, login bool) (func(int) error, func(), error) {
	o := options.Client().ApplyURI("mongodb://" + addr + "/?directConnection=true").SetMaxPoolSize(1).SetRetryWrites(false).SetRetryReads(false)
	if login { // a daemon without users refuses SCRAM: it has no password to prove
		o.SetAuth(options.Credential{Username: user, Password: password})
	}
	c, err := mongo.Connect(o)
	if err != nil {
		return nil, nil, err
	}
	coll := c.Database("main").Collection("hostile")
	return func(n int) error {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		want := fmt.Sprint("doc ", n)
		if _, err := coll.ReplaceOne(ctx, bson.M{"_id": row(n)}, bson.M{"s": want}, options.Replace().SetUpsert(true)); err != nil {
			return err
		}
		var doc struct{ S string }
		if err := coll.FindOne(ctx, bson.M{"_id": row(n)}).Decode(&doc); err != nil {
			return err
		}
		return same(doc.S, want)
	}, func() { _ = c.Disconnect(context.Background()) }, nil
}

func goodNATS(_ context.Context, addr string, _ bool) (func(int) error, func(), error) {
	c, err := nats.Connect("nats://"+addr, nats.UserInfo(user, password), nats.NoReconnect())
	if err != nil {
		return nil, nil, err
	}
	subject := nats.NewInbox() // its own: a damaged capture does not write to it
	if _, err := c.Subscribe(subject, func(m *nats.Msg) { _ = m.Respond(m.Data) }); err != nil {
		return nil, nil, err
	}
	return func(n int) error {
		want := fmt.Sprint("message ", n)
		m, err := c.Request(subject, []byte(want), patience)
		if err != nil {
			return err
		}
		return same(string(m.Data), want)
	}, c.Close, nil
}

// same compares an answer with what was written.
func same(got, want string) error {
	if got != want {
		return errors.New("answered " + got + ", want " + want)
	}
	return nil
}

// apart is where the numbers of the good clients begin: a damaged capture, whose
// client counts from 0, does not write their rows.
const apart = 1_000_000

// row is the row, key or document that request n uses: 50 of them in turn.
func row(n int) int { return n/apart*apart + n%50 }

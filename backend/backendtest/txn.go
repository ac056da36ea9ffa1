package backendtest

import (
	"fmt"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// transaction commits and rolls back writes of several families under one key.
func transaction(t *testing.T, c *client) {
	c.do(&doc.CreateCollection{Collection: "orders"})
	other := &client{T: t, s: c.s}
	c.begin(1)
	c.do(&doc.Insert{Collection: "orders", Docs: [][]byte{bdoc(t, `{"_id":1,"tenant":"acme"}`)}})
	c.do(cmd("SET", "{acme}n", "1"))
	c.equal("own write", c.kv("GET", "{acme}n"), "1")
	c.equal("own count", c.do(&doc.Count{Collection: "orders"}).done.Matched, 1)
	c.equal("not visible outside", other.kv("GET", "{acme}n"), "null")
	c.end(&ctl.Commit{})
	c.equal("committed", other.kv("GET", "{acme}n"), "1")
	c.begin(2)
	c.do(cmd("SET", "{acme}n", "2"))
	c.end(&ctl.Rollback{})
	c.equal("rolled back", c.kv("GET", "{acme}n"), "1")
	c.end(&ctl.Rollback{}) // of nothing
}

// savepoints go back to marks set before and after the first write.
func savepoints(t *testing.T, c *client) {
	mark := func(name string, a ctl.SavepointAction) *ctl.Savepoint { return &ctl.Savepoint{Name: name, Action: a} }
	c.begin(1)
	c.do(mark("early", ctl.SavepointSet))
	c.do(cmd("SET", "{k}a", "1"))
	c.do(mark("late", ctl.SavepointSet))
	c.do(cmd("SET", "{k}a", "2"))
	c.do(mark("late", ctl.SavepointRollback))
	c.equal("back to late", c.kv("GET", "{k}a"), "1")
	c.do(mark("early", ctl.SavepointRollback))
	c.equal("back to early", c.kv("GET", "{k}a"), "null")
	c.do(cmd("SET", "{k}a", "3"))
	c.do(mark("early", ctl.SavepointRelease))
	c.end(&ctl.Commit{})
	c.equal("after commit", c.kv("GET", "{k}a"), "3")
}

// crossShard checks that one transaction cannot write two objects, and that
// nothing of it stays.
func crossShard(t *testing.T, c *client) {
	if c.s.Shards == 1 {
		c.begin(1)
		for i := range 20 {
			c.do(cmd("SET", fmt.Sprint("k", i), "v"))
		}
		c.end(&ctl.Commit{})
		c.equal("all written", c.kv("DBSIZE"), "20")
		return
	}
	c.begin(1)
	c.do(cmd("SET", "k0", "v"))
	refused := 0
	for i := 1; i < 20; i++ {
		if _, err := c.try(cmd("SET", fmt.Sprint("k", i), "v")); op.CodeOf(err) == op.CrossShard {
			refused++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if refused == 0 {
		t.Error("nothing was refused")
	}
	c.end(&ctl.Rollback{})
	c.equal("nothing stays", c.kv("DBSIZE"), "0")
	var bodies []op.Body
	for i := range 20 {
		bodies = append(bodies, cmd("SET", fmt.Sprint("k", i), "v"))
	}
	c.refused(op.CrossShard, &ctl.Batch{Bodies: bodies, Atomic: true, StopOnError: true})
	c.equal("nothing stays of a batch", c.kv("DBSIZE"), "0")
	c.kv("SET", "k1", "v")
	refused = 0
	for i := range 20 {
		if _, err := c.try(cmd("RENAMENX", "k1", fmt.Sprint("x", i))); op.CodeOf(err) == op.CrossShard {
			refused++
		} else if err == nil {
			c.do(cmd("SET", "k1", "v"))
		}
	}
	if refused == 0 {
		t.Error("renaming into another object was not refused")
	}
}

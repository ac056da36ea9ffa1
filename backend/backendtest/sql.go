package backendtest

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// parse returns the statements of a Postgres text.
func (c *client) parse(text string) []*rel.Stmt {
	c.Helper()
	reply, err := c.s.Exec.Do(context.Background(), &op.Op{Target: op.Target{Database: c.s.Database, Shard: -1}, Body: &rel.Parse{Dialect: rel.Postgres, Text: text}})
	if err != nil {
		c.Fatalf("%s: %v", text, err)
	}
	defer reply.Close()
	return reply.(*rel.Parsed).Statements
}

// sql runs one statement and renders its rows.
func (c *client) sql(text string, args ...op.Value) string {
	c.Helper()
	r, err := c.trySQL(text, args...)
	if err != nil {
		c.Fatalf("%s: %v", text, err)
	}
	if r.head == nil || len(r.head.Columns) == 0 {
		return fmt.Sprint(r.done.Affected)
	}
	var lines []string
	for n := len(r.head.Columns); len(r.rows) >= n; r.rows = r.rows[n:] {
		var cells []string
		for _, v := range r.rows[:n] {
			cells = append(cells, render(v))
		}
		lines = append(lines, strings.Join(cells, ","))
	}
	return strings.Join(lines, " ")
}

// trySQL runs one statement.
func (c *client) trySQL(text string, args ...op.Value) (*result, error) {
	c.Helper()
	return c.try(&rel.Query{Stmt: c.parse(text)[0], Args: args})
}

// refusedSQL checks the code of a failing statement.
func (c *client) refusedSQL(code op.Code, text string) {
	c.Helper()
	if _, err := c.trySQL(text); op.CodeOf(err) != code {
		c.Errorf("%s: got %v, want code %d", text, err, code)
	}
}

// relational runs SQL that one object or all answer.
func relational(t *testing.T, c *client) {
	c.sql("CREATE TABLE sales (tenant text, id int, amount numeric(10,2), note text, PRIMARY KEY (tenant, id))")
	c.refusedSQL(op.AlreadyExists, "CREATE TABLE sales (tenant text)")
	for i := range 40 {
		c.equal("insert", c.sql("INSERT INTO sales VALUES ($1, $2, $3, $4)", op.Text(fmt.Sprint("t", i%8)), op.Int64(int64(i)),
			op.Raw(op.KindText, fmt.Appendf(nil, "%d.50", i)), op.Text(fmt.Sprint("n", i%3))), "1")
	}
	c.equal("by key", c.sql("SELECT id, amount FROM sales WHERE tenant = 't3' AND id > 10 ORDER BY id"), "11,11.50 19,19.50 27,27.50 35,35.50")
	c.equal("by key argument", c.sql("SELECT count(*) FROM sales WHERE tenant = $1", op.Text("t1")), "5")
	c.equal("order, limit", c.sql("SELECT id FROM sales ORDER BY id DESC LIMIT 4 OFFSET 1"), "38 37 36 35")
	c.equal("order by amount", c.sql("SELECT amount FROM sales ORDER BY amount LIMIT 3"), "0.50 1.50 2.50")
	c.equal("aggregates", c.sql("SELECT count(*), sum(id), min(id), max(id) FROM sales"), "40,780,0,39")
	c.equal("filtered count", c.sql("SELECT count(*) FROM sales WHERE note = 'n1'"), "13")
	c.equal("average", c.sql("SELECT avg(id) > 19.4 AND avg(id) < 19.6 FROM sales"), "1")
	c.equal("groups", c.sql("SELECT note, count(*), sum(id) FROM sales GROUP BY note ORDER BY note"), "n0,14,273 n1,13,247 n2,13,260")
	c.equal("having", c.sql("SELECT tenant, count(*) FROM sales WHERE id < 34 GROUP BY tenant HAVING count(*) > 4 ORDER BY tenant"), "t0,5 t1,5")
	c.equal("distinct", c.sql("SELECT DISTINCT note FROM sales ORDER BY note"), "n0 n1 n2")
	c.equal("update by key", c.sql("UPDATE sales SET note = 'up' WHERE tenant = 't2' AND id = 10"), "1")
	c.equal("updated", c.sql("SELECT note FROM sales WHERE tenant = 't2' AND id = 10"), "up")
	c.equal("delete by key", c.sql("DELETE FROM sales WHERE tenant = 't2' AND id = 10"), "1")
	c.equal("left", c.sql("SELECT count(*) FROM sales"), "39")
	c.refusedSQL(op.UniqueViolation, "INSERT INTO sales VALUES ('t1', 1, 0, '')")
	c.begin(1)
	c.sql("INSERT INTO sales VALUES ('t1', 500, 1, '')")
	c.equal("own row", c.sql("SELECT count(*) FROM sales WHERE tenant = 't1' AND id = 500"), "1")
	c.end(&ctl.Rollback{})
	c.equal("rolled back", c.sql("SELECT count(*) FROM sales WHERE id = 500"), "0")
	c.sql("ALTER TABLE sales ADD COLUMN extra int")
	c.equal("new column", c.sql("SELECT count(extra), count(*) FROM sales"), "0,39")
	c.sql("DROP TABLE sales")
	c.refusedSQL(op.NotFound, "SELECT 1 FROM sales")
}

// relationalAcross runs queries that no single condition routes, and on several
// objects what must be refused.
func relationalAcross(t *testing.T, c *client) {
	c.sql("CREATE TABLE orders (tenant text, id int, total int, PRIMARY KEY (tenant, id))")
	c.sql("CREATE TABLE items (tenant text, order_id int, n int, PRIMARY KEY (tenant, order_id, n))")
	c.sql("CREATE TABLE colors (name text PRIMARY KEY, code int)")
	for i := range 24 {
		c.sql(fmt.Sprintf("INSERT INTO orders VALUES ('t%d', %d, %d)", i%6, i, i*10))
		c.sql(fmt.Sprintf("INSERT INTO items VALUES ('t%d', %d, 1), ('t%d', %d, 2)", i%6, i, i%6, i))
	}
	c.sql("INSERT INTO colors VALUES ('red', 1), ('blue', 2), ('green', 3)")
	c.equal("unsharded table", c.sql("SELECT name FROM colors ORDER BY code"), "red blue green")
	c.equal("join", c.sql("SELECT count(*) FROM orders o JOIN items i ON i.tenant = o.tenant AND i.order_id = o.id"), "48")
	c.equal("join with an unsharded table", c.sql("SELECT c.name, o.id FROM colors c JOIN orders o ON o.id = c.code WHERE o.tenant = 't2'"), "blue,2")
	c.equal("nested query beside a key", c.sql("SELECT id FROM orders WHERE tenant = 't1' AND id > (SELECT avg(id) FROM orders) ORDER BY id"), "13 19")
	c.equal("nested maximum", c.sql("SELECT id FROM orders WHERE total = (SELECT max(total) FROM orders)"), "23")
	c.equal("union", c.sql("SELECT id FROM orders WHERE tenant = 't1' UNION SELECT id FROM orders WHERE tenant = 't2' ORDER BY id LIMIT 3"), "1 2 7")
	c.equal("common table", c.sql("WITH big AS (SELECT * FROM orders WHERE total > 200) SELECT count(*) FROM big"), "3")
	c.equal("window", c.sql("SELECT id, row_number() OVER (ORDER BY id DESC) FROM orders ORDER BY id DESC LIMIT 2"), "23,1 22,2")
	c.sql("CREATE VIEW per_tenant AS SELECT tenant, count(*) AS n FROM orders GROUP BY tenant")
	c.equal("view", c.sql("SELECT * FROM per_tenant ORDER BY tenant LIMIT 2"), "t0,4 t1,4")
	c.sql("CREATE VIEW all_count AS SELECT count(*) AS n FROM orders")
	c.equal("view of one row", c.sql("SELECT * FROM all_count"), "24")
	c.equal("counts and sums", c.sql("SELECT count(*), count(total), sum(total), min(id), max(id) FROM orders WHERE id > 1"), "22,22,2750,2,23")
	c.equal("nothing to count", c.sql("SELECT count(*), sum(total), max(id) FROM orders WHERE id > 1000"), "0,null,null")
	c.equal("maximum of texts", c.sql("SELECT max(tenant), count(*) FROM orders"), "t5,24")
	c.equal("first rows", c.sql("SELECT id FROM orders WHERE total >= 50 ORDER BY total LIMIT 3"), "5 6 7")
	c.equal("last rows", c.sql("SELECT id AS x FROM orders o ORDER BY x DESC, o.tenant LIMIT 2"), "23 22")
	c.equal("rows in between", c.sql("SELECT id FROM orders WHERE id <> 6 ORDER BY id LIMIT 2 OFFSET 5"), "5 7")
	c.equal("no rows", c.sql("SELECT id FROM orders ORDER BY id LIMIT 0"), "")
	c.equal("groups of some rows", c.sql("SELECT tenant, sum(id) FROM orders WHERE id >= 12 GROUP BY tenant HAVING count(*) > 1 ORDER BY 2 DESC LIMIT 2"), "t5,40 t4,38")
	c.equal("condition beside a nested query", c.sql("SELECT id, (SELECT count(*) FROM orders) FROM orders WHERE id = 3 ORDER BY id LIMIT 1"), "3,24")
	c.equal("distinct values of some rows", c.sql("SELECT DISTINCT tenant FROM orders WHERE id < 3 ORDER BY tenant LIMIT 2"), "t0 t1")
	c.equal("rank before the limit", c.sql("SELECT id, rank() OVER (ORDER BY id) FROM orders WHERE id > 20 ORDER BY id DESC LIMIT 1"), "23,3")
	c.equal("some keys", c.sql("SELECT count(*) FROM orders WHERE tenant IN ('t0', 't1', 't2')"), "12")
	c.equal("either key", c.sql("SELECT count(*) FROM orders WHERE tenant = 't0' OR id = 1"), "5")
	c.equal("upsert", c.sql("INSERT INTO orders VALUES ('t1', 1, 5) ON CONFLICT (tenant, id) DO UPDATE SET total = excluded.total"), "1")
	c.equal("upserted", c.sql("SELECT total FROM orders WHERE tenant = 't1' AND id = 1"), "5")
	c.equal("returning", c.sql("UPDATE orders SET total = total + 1 WHERE tenant = 't1' AND id = 1 RETURNING total"), "6")
	if c.s.Shards == 1 {
		return
	}
	c.refusedSQL(op.CrossShard, "UPDATE orders SET total = 0")
	c.refusedSQL(op.CrossShard, "DELETE FROM orders WHERE id > 3")
	c.refusedSQL(op.CrossShard, "INSERT INTO orders VALUES ('t0', 90, 0), ('t1', 91, 0), ('t2', 92, 0), ('t3', 93, 0), ('t4', 94, 0), ('t5', 95, 0)")
	c.refusedSQL(op.CrossShard, "UPDATE orders SET total = (SELECT max(total) FROM orders) WHERE tenant = 't1'")
	c.refusedSQL(op.InvalidArgument, "INSERT INTO orders SELECT tenant, id + 100, 0 FROM orders")
	c.refusedSQL(op.Unsupported, "UPDATE orders SET tenant = 't9' WHERE tenant = 't1'")
	c.refusedSQL(op.Unsupported, "CREATE TABLE bad (id int PRIMARY KEY, tenant text)")
	c.refusedSQL(op.Unsupported, "CREATE TABLE bad (tenant text, email text UNIQUE)")
	c.refusedSQL(op.Unsupported, "CREATE UNIQUE INDEX bad ON orders (total)")
	c.refusedSQL(op.Unsupported, "ALTER TABLE orders RENAME COLUMN tenant TO t")
	c.refusedSQL(op.Unsupported, "ALTER TABLE orders DROP COLUMN tenant")
	c.equal("nothing changed", c.sql("SELECT count(*), sum(total) FROM orders"), "24,2756")
	c.sql("INSERT INTO items VALUES ('t1', 1, 3)")
	c.begin(1)
	c.sql("INSERT INTO orders VALUES ('t1', 1000, 0)")
	refused := 0
	for i := range 6 {
		if _, err := c.trySQL(fmt.Sprintf("INSERT INTO orders VALUES ('t%d', 2000, 0)", i)); op.CodeOf(err) == op.CrossShard {
			refused++
		}
	}
	if refused == 0 {
		t.Error("a transaction wrote several objects")
	}
	c.equal("a transaction reads everywhere", c.sql("SELECT count(*) > 24 FROM orders"), "1")
	c.end(&ctl.Rollback{})
	c.equal("all rolled back", c.sql("SELECT count(*) FROM orders"), "24")
}

// relationalAllOrNone makes a schema change fail on one object and checks that
// none kept it.
func relationalAllOrNone(_ *testing.T, c *client) {
	c.sql("CREATE TABLE u (tenant text, v int)")
	for i := range 12 {
		c.sql(fmt.Sprintf("INSERT INTO u VALUES ('t%d', 1)", i))
	}
	c.sql("INSERT INTO u VALUES ('t7', 1)")
	c.refusedSQL(op.UniqueViolation, "CREATE UNIQUE INDEX once ON u (tenant, v)")
	c.sql("DELETE FROM u WHERE tenant = 't7'")
	c.sql("CREATE UNIQUE INDEX once ON u (tenant, v)")
	c.sql("DROP INDEX once")
	c.equal("rows", c.sql("SELECT count(*) FROM u"), "11")
}

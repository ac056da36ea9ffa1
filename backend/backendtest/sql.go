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

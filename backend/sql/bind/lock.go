package bind

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// lockTarget is a table whose rows SELECT … FOR UPDATE or FOR SHARE locks.
type lockTarget struct {
	store string // stored table
	rowid string // SQLite expression of the row's number
}

// locks finds the tables to lock. The statement then runs where locks are
// taken, as a write.
func (c *comp) locks(st *coreState) {
	s, q := st.s, st.sc.q
	if s.Lock == "" {
		return
	}
	what := "FOR " + s.Lock
	switch {
	case s.Distinct || len(s.DistinctOn) > 0:
		fail(op.Unsupported, "%s is not allowed with DISTINCT clause", what)
	case len(s.Group) > 0:
		fail(op.Unsupported, "%s is not allowed with GROUP BY clause", what)
	case s.Having != nil:
		fail(op.Unsupported, "%s is not allowed with HAVING clause", what)
	case q.agg:
		fail(op.Unsupported, "%s is not allowed with aggregate functions", what)
	case len(q.srf) > 0:
		fail(op.Unsupported, "%s is not allowed with set-returning functions in the target list", what)
	}
	for _, f := range s.From {
		lockable(f, what)
	}
	for _, r := range st.sc.rels {
		if r.table == nil || r.table.Kind == catalog.KindSystem {
			continue
		}
		if r.table.Kind != catalog.KindTable {
			fail(op.Unsupported, "%s is not supported on \"%s\", which is not a table", what, r.table.Name)
		}
		st.lock = append(st.lock, lockTarget{r.table.Store, r.alias + "." + rowidName(r.table)})
	}
	c.plan.Sequence = true
}

// lockable refuses subqueries: their rows would not be locked.
func lockable(f tree.From, what string) {
	switch n := f.(type) {
	case *tree.Subquery:
		fail(op.Unsupported, "%s over a subquery in FROM is not supported", what)
	case *tree.Join:
		lockable(n.Left, what)
		lockable(n.Right, what)
	}
}

// rowidName is a name of the rowid that no column hides.
func rowidName(t *catalog.Table) string {
	for _, n := range []string{"_rowid_", "rowid", "oid"} {
		taken := false
		for _, k := range t.Columns {
			taken = taken || strings.EqualFold(k.Name, n)
		}
		if !taken {
			return n
		}
	}
	fail(op.Unsupported, "rows of table \"%s\" cannot be locked: its columns use all names of the row number", t.Name)
	return ""
}

// lockText locks the rows in their order and counts LIMIT after that: rows that
// are skipped do not count. The inner LIMIT keeps SQLite from merging the two.
func (c *comp) lockText(st *coreState, w []op.Type) string {
	var b, names strings.Builder
	b.WriteString("SELECT ")
	c.writeItems(&b, st, w, false)
	conds := make([]string, len(st.lock))
	for i, l := range st.lock {
		fmt.Fprintf(&b, ",%s AS l%d", l.rowid, i+1)
		conds[i] = fmt.Sprintf("dotdo_lock('%s',l%d,'%s')", strings.ReplaceAll(l.store, "'", "''"), i+1, st.s.LockWait)
	}
	c.writeBody(&b, st)
	if len(st.order) > 0 {
		b.WriteString(" ORDER BY " + strings.Join(st.order, ","))
	}
	for i := range st.items {
		if i > 0 {
			names.WriteByte(',')
		}
		names.WriteString("c" + strconv.Itoa(i+1))
	}
	return "SELECT " + names.String() + " FROM (" + b.String() + " LIMIT -1) WHERE " + strings.Join(conds, " AND ") + st.limit
}

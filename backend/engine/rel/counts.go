package rel

import (
	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// count turns what a MySQL statement did into the numbers MySQL reports: an
// UPDATE counts rows that changed, a replaced row or one updated instead of
// inserted counts twice.
func (r *result) count(tx *object.Tx, c *compiled, env *rel.Env, call *sql.Call) {
	r.notices = append(append(r.notices, c.Notices...), call.Notices...)
	r.given = call.GivenID
	n := c.NewRows
	switch c.Tag {
	case "UPDATE":
		r.matched, r.affected = call.Touched, call.Changed
		if c.Ignore { // rows a key kept back were reached, not changed
			r.affected = min(r.affected, tx.Conn.Changes())
		}
	case "INSERT":
		stored := r.affected
		r.records = stored
		r.affected += r.removed - r.same
		r.duplicates = r.removed - r.same
		if c.Counted {
			counted := call.Changed
			if env.FoundFlag {
				counted = call.Touched
			}
			r.affected = stored - call.Touched + call.Changed + counted
			r.duplicates = counted
		}
		if n.From == "" {
			r.records = int64(len(n.Rows))
		}
		if c.Ignore {
			if n.From != "" {
				for _, x := range call.Notices {
					if x.Code == op.UniqueViolation {
						r.records++
					}
				}
			}
			r.duplicates = r.records - stored
		}
		switch {
		case !n.Several:
			r.records, r.duplicates = 0, 0
		case r.records == 0:
			r.records = -1
		}
	}
}

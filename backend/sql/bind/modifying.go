package bind

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// Data-modifying WITH queries become steps that run before the statement they
// belong to, in the order they are written. The rows of RETURNING travel as
// one JSON parameter. All parts of the statement see the data from before it,
// so a part that reads a table which an earlier part has written is refused.

// modifying binds INSERT, UPDATE or DELETE in WITH. before are the WITH queries
// written earlier: those that only read are bound again inside the step.
func (c *comp) modifying(sc *scope, w *tree.CTE, before []tree.CTE, recursive bool) {
	if sc.parent != nil && sc.parent != c.outer || c.views > 0 {
		fail(op.Unsupported, "WITH clause containing a data-modifying statement must be at the top level")
	}
	if c.ShardKey != nil {
		fail(op.Unsupported, "data-modifying statements in WITH are not supported in a sharded database")
	}
	var reads []tree.CTE
	for _, b := range before {
		if _, ok := b.Query.(*tree.Select); ok {
			reads = append(reads, b)
		}
	}
	plan, slots, outer, top := c.plan, c.slots, c.outer, c.top
	c.plan = &sql.Plan{Version: plan.Version, Dialect: plan.Dialect}
	c.slots, c.outer, c.top = map[slotKey]int{}, &scope{parent: outer, ctes: stepsOnly(sc.ctes)}, nil
	switch q := w.Query.(type) {
	case *tree.Insert:
		x := *q
		x.With, x.Recursive = append(reads, q.With...), q.Recursive || recursive
		c.insertPlan(&x)
	case *tree.Update:
		x := *q
		x.With, x.Recursive = append(reads, q.With...), q.Recursive || recursive
		c.updatePlan(&x)
	case *tree.Delete:
		x := *q
		x.With, x.Recursive = append(reads, q.With...), q.Recursive || recursive
		c.deletePlan(&x)
	default:
		fail(op.Unsupported, "this statement in WITH is not supported")
	}
	for k := range c.slots {
		if k.arg >= 0 {
			if c.stepArgs == nil {
				c.stepArgs = map[int]bool{}
			}
			c.stepArgs[k.arg] = true
		}
	}
	step := c.plan
	c.plan, c.slots, c.outer, c.top = plan, slots, outer, top
	c.checkSnapshot(step.Tables)
	c.pre = append(c.pre, sql.Step{Text: step.Text, Binds: step.Binds, Keep: true})
	c.wrote = append(c.wrote, step.Writes...)
	plan.Volatile, plan.System, plan.Sequence = plan.Volatile || step.Volatile, plan.System || step.System, plan.Sequence || step.Sequence
	e := &cte{name: w.Name, step: len(c.pre)}
	for _, k := range step.Columns {
		e.cols = append(e.cols, column{name: k.Name, t: settled(k.Type), ci: k.CI})
	}
	c.nameCTE(e, w)
	sc.ctes = append(sc.ctes, e)
}

// stepsOnly keeps the WITH queries that are steps.
func stepsOnly(list []*cte) []*cte {
	var out []*cte
	for _, e := range list {
		if e.step > 0 {
			out = append(out, e)
		}
	}
	return out
}

// checkSnapshot refuses to touch what an earlier part of the statement wrote.
func (c *comp) checkSnapshot(tables []*catalog.Table) {
	for _, t := range tables {
		for _, w := range c.wrote {
			if w.OID == t.OID {
				fail(op.Unsupported, "using table %q twice in a statement whose WITH changes it is not supported", t.Name)
			}
		}
	}
}

// stepRows is the SQLite table expression over the kept rows of a step.
func (c *comp) stepRows(w *cte) string {
	if len(w.cols) == 0 {
		x := op.Errorf(op.Unsupported, "WITH query %q does not have a RETURNING clause", w.name)
		panic(failure{x})
	}
	slot := c.slot(slotKey{arg: -1, env: "step:" + strconv.Itoa(w.step)}, sql.Bind{Kind: sql.BindStep, Index: w.step - 1})
	items := make([]string, len(w.cols))
	for i, k := range w.cols {
		items[i] = fmt.Sprintf("(value ->> %d) AS c%d", i, i+1)
		if k.t.Base == op.TBytea && !k.t.Array {
			items[i] = fmt.Sprintf("unhex(value ->> %d) AS c%d", i, i+1)
		}
	}
	return "(SELECT " + strings.Join(items, ",") + " FROM json_each(" + slot + "))"
}

// sequenced turns a plan with data-modifying WITH queries into steps.
func (c *comp) sequenced() {
	p := c.plan
	if len(c.pre) == 0 {
		return
	}
	c.checkSnapshot(p.Tables)
	p.Steps = append(c.pre, sql.Step{Text: p.Text, Binds: p.Binds})
	p.Text, p.Binds, p.Kind, p.Route = "", nil, sql.KindWrite, sql.Route{}
	p.CountRows = p.CountRows || p.Target == nil
	if p.Target == nil {
		p.Target = c.wrote[0]
	}
	p.InsertCols, p.InsertExprs = nil, nil
	p.Writes = append(p.Writes, c.wrote...)
	for _, t := range c.wrote {
		c.touch(t)
	}
}

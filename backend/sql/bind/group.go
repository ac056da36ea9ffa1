package bind

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// query is the state of one SELECT level: grouping and what is added to FROM.
type query struct {
	groups  []string // SQLite texts of the GROUP BY expressions
	agg     bool     // an aggregate was seen
	grouped bool     // GROUP BY given
	inAgg   bool     // inside an aggregate's arguments
	windows bool
	loose   []looseCol // column references outside aggregates and group expressions
	defs    []tree.WindowDef
	srf     []string // set-returning functions of the select list, as FROM entries
}

// looseCol is a column that must be grouped if the query is aggregated.
type looseCol struct {
	col *column
	pos int
}

// mark remembers how many loose columns there are.
func (sc *scope) mark() int {
	if sc.q == nil {
		return 0
	}
	return len(sc.q.loose)
}

// note records a column reference for the grouping check.
func (c *comp) note(s *scope, e ex, pos int) ex {
	if s.q != nil && e.col != nil && !s.q.inAgg {
		s.q.loose = append(s.q.loose, looseCol{e.col, pos})
	}
	return e
}

// grouped forgets the loose columns of an expression that equals a GROUP BY
// expression.
func (sc *scope) grouped(e ex, mark int) ex {
	if sc.q == nil || len(sc.q.loose) == mark || len(sc.q.groups) == 0 {
		return e
	}
	for _, g := range sc.q.groups {
		if g == e.sql {
			sc.q.loose = sc.q.loose[:mark]
			break
		}
	}
	return e
}

// checkGroups reports the first column that is neither grouped nor inside an
// aggregate.
func (c *comp) checkGroups(q *query) {
	if !q.agg && !q.grouped {
		return
	}
	if c.my && !q.grouped && len(q.loose) > 0 && strings.Contains(c.Env.SQLMode, "ONLY_FULL_GROUP_BY") {
		l := q.loose[0]
		name := l.col.name
		if l.col.rel != nil {
			name = l.col.rel.name + "." + name
		}
		e := op.Errorf(op.Grouping, "In aggregated query without GROUP BY, expression #1 of SELECT list contains nonaggregated column '%s'; this is incompatible with sql_mode=only_full_group_by", name)
		e.Object, e.Column = "no group", l.col.name
		panic(failure{e})
	}
	for _, l := range q.loose {
		if c.dependent(q, l.col) || c.my {
			continue
		}
		name := l.col.name
		if l.col.rel != nil {
			name = l.col.rel.name + "." + name
		}
		e := op.Errorf(op.Grouping, "column %q must appear in the GROUP BY clause or be used in an aggregate function", name)
		e.Column, e.Position = l.col.name, l.pos
		panic(failure{e})
	}
}

// dependent tells whether a column follows from a grouped primary key.
func (c *comp) dependent(q *query, k *column) bool {
	if k.table == nil || len(k.table.Primary) == 0 || k.rel == nil {
		return false
	}
	for _, p := range k.table.Primary {
		found := false
		for i := range k.rel.cols {
			if k.rel.cols[i].name != p {
				continue
			}
			for _, g := range q.groups {
				found = found || g == k.rel.cols[i].sql
			}
		}
		if !found {
			return false
		}
	}
	return true
}

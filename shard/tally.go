package shard

import (
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// scanArgs returns the values of a plan's Route.Scan; ok is false when there is
// none, or when it needs facts of the session.
func scanArgs(p *sql.Plan, b *rel.Query) (args []op.Value, ok bool) {
	if p.Route.Scan == "" {
		return nil, false
	}
	for _, k := range p.Binds {
		switch {
		case k.Kind == sql.BindConst:
			args = append(args, k.Value)
		case k.Kind == sql.BindArg && k.Index < len(b.Args):
			args = append(args, b.Args[k.Index])
		default:
			return nil, false
		}
	}
	return args, true
}

// tally asks every object for its one row of counts, sums, minima and maxima
// and adds the rows up. It answers nil when a value is no integer: then the rows
// themselves must be merged.
func (c *call) tally(p *sql.Plan, b *rel.Query) (op.Reply, error) {
	answers, err := c.each(c.all(), false, func(int) op.Body { return b })
	if err != nil {
		return nil, err
	}
	n := len(p.Route.Tally)
	row := make([]op.Value, n)
	var done op.Done
	for i, a := range answers {
		if len(a.rows) != n {
			return nil, nil
		}
		for k, v := range a.rows {
			if i == 0 {
				row[k] = op.Null
			}
			ok := false
			if row[k], ok = combine(p.Route.Tally[k], row[k], v); !ok {
				return nil, nil
			}
		}
		sum(&done, &a.done)
	}
	done.Affected = 1
	return op.ReplyOf(answers[0].head, &op.Rows{Cols: n, Values: row}, &done), nil
}

// combine joins two results of an aggregate over different rows; false when it
// is not for integers or overflows.
func combine(how byte, a, b op.Value) (op.Value, bool) {
	switch {
	case b.IsNull():
		return a, true
	case b.Kind != op.KindInt64:
		return a, false
	case a.IsNull():
		return b, true
	}
	x, y := a.Int(), b.Int()
	switch how {
	case '<':
		return op.Int64(min(x, y)), true
	case '>':
		return op.Int64(max(x, y)), true
	}
	if y > 0 && x > math.MaxInt64-y || y < 0 && x < math.MinInt64-y {
		return a, false
	}
	return op.Int64(x + y), true
}

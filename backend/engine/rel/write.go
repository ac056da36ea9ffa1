package rel

import (
	"encoding/hex"
	"math"
	"slices"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
)

// result is what a write answers once it is durable.
type result struct {
	keep     bool // rows are for later steps
	cols     int
	rows     []op.Value
	affected int64
	lastID   int64
	notices  []op.Notice
	effects  []op.Value

	matched, records, duplicates, given, removed, same int64
}

// frames builds the reply.
func (r *result) frames(c *compiled, lsn uint64) []op.Frame {
	done := &op.Done{Tag: c.Tag, Affected: r.affected, Matched: max(r.matched, r.affected), LastID: r.lastID, LSN: lsn, Notices: r.notices, Extra: r.effects,
		Records: r.records, Duplicates: r.duplicates, GivenID: r.given}
	if c.head == nil {
		return []op.Frame{done}
	}
	return []op.Frame{c.head, &op.Rows{Cols: len(c.Columns), Values: r.rows}, done}
}

// runWrite runs a plan inside a write transaction.
func (e *Engine) runWrite(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env) (*result, error) {
	if env.NoForeignKeys {
		if err := tx.Conn.ForeignKeys(false); err != nil {
			return nil, err
		}
		defer func() { _ = tx.Conn.ForeignKeys(true) }() // switching on a flag cannot fail
	}
	if c.Kind == sql.KindDDL {
		return e.runDDL(tx, c, env)
	}
	res := &result{}
	call := e.call(tx, env)
	defer func() { tx.Conn.Call = nil }()
	if err := e.system(tx, c, env); err != nil {
		return nil, err
	}
	tx.Conn.Call = call
	if c.Ignore && c.Tag == "INSERT" {
		call.Notices = append(call.Notices, e.ignored(tx, c, q, env)...)
	}
	if err := e.first(tx, c, q, env, res); err != nil {
		return nil, e.explainWrite(tx, c, q, env, err)
	}
	if err := e.steps(tx, c, q, env, res); err != nil {
		return nil, e.explainWrite(tx, c, q, env, err)
	}
	res.effects = call.Effects
	if c.NewRows != nil {
		res.count(tx, c, env, call)
	}
	if seqs, ok := call.Sequences.(*session); ok && c.Serial != "" {
		res.lastID = seqs.first
		if c.SerialGiven {
			if err := seqs.follow(c.Target, c.Serial); err != nil {
				return nil, err
			}
		}
	}
	return res, nil
}

// first runs a plan's main statement.
func (e *Engine) first(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env, res *result) (err error) {
	if !c.Replace {
		return e.step(tx, c, q, env, c.Text, c.Binds, res)
	}
	res.removed, res.same, err = tx.Conn.Watch(func() error { return e.step(tx, c, q, env, c.Text, c.Binds, res) })
	return err
}

// steps runs the further statements of a plan. The rows of a kept one are put
// where later statements find them.
func (e *Engine) steps(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env, res *result) error {
	var kept []op.Value
	for _, s := range c.Steps {
		binds := s.Binds
		for i, b := range binds {
			if b.Kind == sql.BindStep {
				if &binds[0] == &s.Binds[0] {
					binds = slices.Clone(binds)
				}
				binds[i] = sql.Bind{Kind: sql.BindConst, Value: kept[b.Index]}
			}
		}
		if !s.Keep {
			if err := e.step(tx, c, q, env, s.Text, binds, res); err != nil {
				return err
			}
			kept = append(kept, op.Null)
			continue
		}
		rows := &result{keep: true}
		if err := e.step(tx, c, q, env, s.Text, binds, rows); err != nil {
			return err
		}
		kept = append(kept, rowsJSON(rows.rows, rows.cols))
	}
	return nil
}

// rowsJSON writes rows as a JSON array of arrays.
func rowsJSON(vals []op.Value, cols int) op.Value {
	b := []byte{'['}
	for i, v := range vals {
		switch {
		case i == 0:
			b = append(b, '[')
		case i%cols == 0:
			b = append(b, "],["...)
		default:
			b = append(b, ',')
		}
		switch v.Kind {
		case op.KindNull:
			b = append(b, "null"...)
		case op.KindInt64, op.KindInt32, op.KindBool:
			b = strconv.AppendInt(b, v.Int(), 10)
		case op.KindFloat64:
			switch f := v.Float(); {
			case math.IsInf(f, 1):
				b = append(b, "9e999"...)
			case math.IsInf(f, -1):
				b = append(b, "-9e999"...)
			default:
				b = strconv.AppendFloat(b, f, 'e', -1, 64)
			}
		case op.KindBytes:
			b = append(hex.AppendEncode(append(b, '"'), v.Raw), '"')
		default:
			b = datum.AppendJSONText(b, v.Str())
		}
	}
	if len(vals) > 0 {
		b = append(b, ']')
	}
	return op.Raw(op.KindText, append(b, ']'))
}

// step runs one SQLite statement of a plan.
func (e *Engine) step(tx *object.Tx, c *compiled, q *rel.Query, env *rel.Env, text string, binds []sql.Bind, res *result) error {
	if text == "" {
		return nil
	}
	st, err := tx.Conn.Prepare(text)
	if err != nil {
		return err
	}
	defer st.Close()
	args, err := bindArgs(c, binds, q.Args, env, tx)
	if err != nil {
		return err
	}
	if err := st.Bind(args); err != nil {
		return err
	}
	n := len(res.rows)
	for done := false; !done; {
		if res.rows, done, err = st.Fetch(res.rows, batchRows, batchBytes); err != nil {
			return err
		}
	}
	if cols := st.Columns(); cols > 0 {
		if res.cols = cols; res.keep {
			return nil
		}
		res.affected += int64((len(res.rows) - n) / cols)
		if c.Columns == nil {
			res.rows = res.rows[:n]
		}
		return nil
	}
	res.affected += tx.Conn.Changes()
	return nil
}

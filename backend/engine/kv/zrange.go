package kv

import (
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Orders of a range of a sorted set.
const (
	byRank = iota
	byScore
	byLex
)

// zspec is a range of a sorted set.
type zspec struct {
	by       int
	rev      bool
	from, to int64   // ranks, may count from the end
	min, max float64 // scores, inclusive
	low      []byte  // members: first one included
	high     []byte  // first one excluded, nil = none
	empty    bool
	offset   int64
	count    int64 // -1 = all
	scores   bool
	limited  bool
}

// parseScore reads a score bound; "(" excludes it: the neighbouring double is
// the same bound inclusive.
func (z *zspec) parseScore(b []byte, up bool) (float64, error) {
	open := len(b) > 0 && b[0] == '('
	if open {
		b = b[1:]
	}
	f, good := parseFloat(b)
	if !good {
		return 0, errMinMax
	}
	if !open {
		return f, nil
	}
	to := math.Inf(-1)
	if up {
		to = math.Inf(1)
	}
	if f == to {
		z.empty = true
		return f, nil
	}
	return math.Nextafter(f, to), nil
}

// parseLex reads a member bound as the smallest string at or after which
// members count (low) or no longer count (high); all = there is no bound.
func (z *zspec) parseLex(b []byte, low bool) (bound []byte, err error) {
	if len(b) == 0 {
		return nil, errLexRange
	}
	switch {
	case len(b) == 1 && b[0] == '-':
		z.empty = z.empty || !low
		return nil, nil
	case len(b) == 1 && b[0] == '+':
		z.empty = z.empty || low
		return nil, nil
	case b[0] != '(' && b[0] != '[':
		return nil, errLexRange
	}
	bound = append(make([]byte, 0, len(b)), b[1:]...)
	if (b[0] == '(') == low {
		bound = append(bound, 0)
	}
	return bound, nil
}

// bounds parses the two ends of a range.
func (z *zspec) bounds(a, b []byte) (err error) {
	if z.by != byRank && z.rev {
		a, b = b, a
	}
	switch z.by {
	case byRank:
		var good, good2 bool
		z.from, good = parseInt(a)
		z.to, good2 = parseInt(b)
		if !good || !good2 {
			return errInteger
		}
	case byScore:
		if z.min, err = z.parseScore(a, true); err == nil {
			z.max, err = z.parseScore(b, false)
		}
	case byLex:
		if z.low, err = z.parseLex(a, true); err == nil {
			z.high, err = z.parseLex(b, false)
		}
	}
	return err
}

// options parses what follows the ends: WITHSCORES, LIMIT and, with all, BYSCORE,
// BYLEX and REV.
func (z *zspec) options(args [][]byte, all, store bool) error {
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case is(a, "WITHSCORES") && !store:
			z.scores = true
		case is(a, "LIMIT") && i+2 < len(args):
			var good, good2 bool
			z.offset, good = parseInt(args[i+1])
			z.count, good2 = parseInt(args[i+2])
			if !good || !good2 {
				return errInteger
			}
			z.limited = true
			i += 2
		case all && is(a, "BYSCORE"):
			z.by = byScore
		case all && is(a, "BYLEX"):
			z.by = byLex
		case all && is(a, "REV"):
			z.rev = true
		default:
			return errSyntax
		}
	}
	if z.limited && z.by == byRank {
		return bad("syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	}
	if z.scores && z.by == byLex {
		return bad("syntax error, WITHSCORES not supported in combination with BYLEX")
	}
	return nil
}

// rangeCommand implements all reading ranges.
func (c *call) rangeCommand(name []byte, args [][]byte, z zspec, all bool) (op.Value, error) {
	list, err := c.rangeItems(name, args, &z, all, false)
	if err != nil {
		return op.Null, err
	}
	if z.scores {
		return op.Array(scored(list)...), nil
	}
	return op.Array(membersOf(list)...), nil
}

// rangeItems parses and reads a range.
func (c *call) rangeItems(name []byte, args [][]byte, z *zspec, all, store bool) ([]item, error) {
	z.count = -1
	if err := z.options(args[2:], all, store); err != nil {
		return nil, err
	}
	if err := z.bounds(args[0], args[1]); err != nil {
		return nil, err
	}
	k, err := c.want(name, typeZset)
	if err != nil {
		return nil, err
	}
	return c.ranked(&k, z)
}

// Texts of the range queries, forward and backward.
var (
	rankText = [2]string{
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND score IS NOT NULL ORDER BY score, member LIMIT ?2 OFFSET ?3",
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND score IS NOT NULL ORDER BY score DESC, member DESC LIMIT ?2 OFFSET ?3",
	}
	scoreText = [2]string{
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND score >= ?2 AND score <= ?3 ORDER BY score, member LIMIT ?4 OFFSET ?5",
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND score >= ?2 AND score <= ?3 ORDER BY score DESC, member DESC LIMIT ?4 OFFSET ?5",
	}
	lexText = [2]string{
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND member >= ?2 AND member < ?3 ORDER BY member LIMIT ?4 OFFSET ?5",
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND member >= ?2 AND member < ?3 ORDER BY member DESC LIMIT ?4 OFFSET ?5",
	}
	lexOpenText = [2]string{
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND member >= ?2 ORDER BY member LIMIT ?3 OFFSET ?4",
		"SELECT pos, member, value, score FROM _dotdo_kv_item WHERE id = ?1 AND member >= ?2 ORDER BY member DESC LIMIT ?3 OFFSET ?4",
	}
)

// ranked reads the items of a range in its order.
func (c *call) ranked(k *key, z *zspec) ([]item, error) {
	if k.id == 0 || z.empty || z.limited && z.offset < 0 {
		return nil, nil
	}
	dir := 0
	if z.rev {
		dir = 1
	}
	id, limit, offset := op.Int64(k.id), op.Int64(-1), op.Int64(z.offset)
	if z.limited {
		limit = op.Int64(z.count)
	}
	switch {
	case z.by == byRank:
		from, to := span(z.from, z.to, k.n)
		if from > to {
			return nil, nil
		}
		return items(c.conn.Query(rankText[dir], id, op.Int64(to-from+1), op.Int64(from)))
	case z.by == byScore:
		return items(c.conn.Query(scoreText[dir], id, op.Float64(z.min), op.Float64(z.max), limit, offset))
	case z.high == nil:
		return items(c.conn.Query(lexOpenText[dir], id, blob(z.low), limit, offset))
	}
	return items(c.conn.Query(lexText[dir], id, blob(z.low), blob(z.high), limit, offset))
}

// countRange implements ZCOUNT and ZLEXCOUNT.
func (c *call) countRange(by int) (op.Value, error) {
	z := zspec{by: by, count: -1}
	if err := z.bounds(c.args[1], c.args[2]); err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeZset)
	if err != nil || k.id == 0 || z.empty {
		return zero, err
	}
	var r []op.Value
	switch {
	case by == byScore:
		r, err = c.conn.Row("SELECT count(*) FROM _dotdo_kv_item WHERE id = ?1 AND score >= ?2 AND score <= ?3", op.Int64(k.id), op.Float64(z.min), op.Float64(z.max))
	case z.high == nil:
		r, err = c.conn.Row("SELECT count(*) FROM _dotdo_kv_item WHERE id = ?1 AND member >= ?2", op.Int64(k.id), blob(z.low))
	default:
		r, err = c.conn.Row("SELECT count(*) FROM _dotdo_kv_item WHERE id = ?1 AND member >= ?2 AND member < ?3", op.Int64(k.id), blob(z.low), blob(z.high))
	}
	if err != nil {
		return op.Null, err
	}
	return r[0], nil
}

// removeRange implements the ZREMRANGEBY commands.
func (c *call) removeRange(by int) (op.Value, error) {
	z := zspec{by: by, count: -1}
	list, err := c.rangeItems(c.args[0], c.args[1:3], &z, false, false)
	if err != nil || len(list) == 0 {
		return zero, err
	}
	k, err := c.want(c.args[0], typeZset)
	if err != nil {
		return op.Null, err
	}
	for i := range list {
		if err := c.dropAt(&k, list[i].pos); err != nil {
			return op.Null, err
		}
	}
	return op.Int64(int64(len(list))), c.save(&k)
}

// zrangeStore implements ZRANGESTORE.
func zrangeStore(c *call) (op.Value, error) {
	var z zspec
	list, err := c.rangeItems(c.args[1], c.args[2:], &z, true, true)
	if err != nil {
		return op.Null, err
	}
	return c.storeScores(c.args[0], list)
}

// storeScores makes name a sorted set of items; no items delete it.
func (c *call) storeScores(name []byte, list []item) (op.Value, error) {
	if len(list) == 0 {
		return zero, c.discard(name)
	}
	k, err := c.replace(name, typeZset)
	if err != nil {
		return op.Null, err
	}
	for i := range list {
		if _, err := c.add(&k, list[i].member, op.Null, op.Float64(list[i].score)); err != nil {
			return op.Null, err
		}
	}
	return op.Int64(k.n), c.save(&k)
}

package kv

import (
	"math"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// zsetCommands are the commands on one sorted set.
var zsetCommands = map[string]handler{
	"ZADD":        zadd,
	"ZCARD":       func(c *call) (op.Value, error) { return count(c, typeZset) },
	"ZCOUNT":      func(c *call) (op.Value, error) { return c.countRange(byScore) },
	"ZINCRBY":     zincrBy,
	"ZLEXCOUNT":   func(c *call) (op.Value, error) { return c.countRange(byLex) },
	"ZMPOP":       func(c *call) (op.Value, error) { return c.zmpopAt(0) },
	"ZMSCORE":     zmscore,
	"ZPOPMAX":     func(c *call) (op.Value, error) { return c.zpop(true) },
	"ZPOPMIN":     func(c *call) (op.Value, error) { return c.zpop(false) },
	"ZRANDMEMBER": zrandMember,
	"ZRANGE":      func(c *call) (op.Value, error) { return c.rangeCommand(c.args[0], c.args[1:], zspec{}, true) },
	"ZRANGEBYLEX": func(c *call) (op.Value, error) { return c.rangeCommand(c.args[0], c.args[1:], zspec{by: byLex}, false) },
	"ZRANGEBYSCORE": func(c *call) (op.Value, error) {
		return c.rangeCommand(c.args[0], c.args[1:], zspec{by: byScore}, false)
	},
	"ZRANGESTORE":      zrangeStore,
	"ZRANK":            func(c *call) (op.Value, error) { return c.rank(false) },
	"ZREM":             func(c *call) (op.Value, error) { return remove(c, typeZset) },
	"ZREMRANGEBYLEX":   func(c *call) (op.Value, error) { return c.removeRange(byLex) },
	"ZREMRANGEBYRANK":  func(c *call) (op.Value, error) { return c.removeRange(byRank) },
	"ZREMRANGEBYSCORE": func(c *call) (op.Value, error) { return c.removeRange(byScore) },
	"ZREVRANGE":        func(c *call) (op.Value, error) { return c.rangeCommand(c.args[0], c.args[1:], zspec{rev: true}, false) },
	"ZREVRANGEBYLEX": func(c *call) (op.Value, error) {
		return c.rangeCommand(c.args[0], c.args[1:], zspec{by: byLex, rev: true}, false)
	},
	"ZREVRANGEBYSCORE": func(c *call) (op.Value, error) {
		return c.rangeCommand(c.args[0], c.args[1:], zspec{by: byScore, rev: true}, false)
	},
	"ZREVRANK": func(c *call) (op.Value, error) { return c.rank(true) },
	"ZSCORE":   zscore,
}

// setScore stores a member's score, new or changed; the caller saves k.
func (c *call) setScore(k *key, it *item, member []byte, score float64) error {
	if it.pos == 0 {
		_, err := c.add(k, member, op.Null, op.Float64(score))
		return err
	}
	_, err := c.conn.Run("UPDATE _dotdo_kv_item SET score = ?1 WHERE pos = ?2", op.Float64(score), op.Int64(it.pos))
	return err
}

// zaddFlags are the options of ZADD.
type zaddFlags struct{ nx, xx, gt, lt, ch, incr bool }

// zaddOptions parses the options of ZADD; i is where scores start.
func (c *call) zaddOptions() (f zaddFlags, i int, err error) {
options:
	for i = 1; i < len(c.args); i++ {
		switch a := c.args[i]; {
		case is(a, "NX"):
			f.nx = true
		case is(a, "XX"):
			f.xx = true
		case is(a, "GT"):
			f.gt = true
		case is(a, "LT"):
			f.lt = true
		case is(a, "CH"):
			f.ch = true
		case is(a, "INCR"):
			f.incr = true
		default:
			break options
		}
	}
	n := len(c.args) - i
	switch {
	case n == 0 || n%2 != 0:
		err = errSyntax
	case f.nx && f.xx:
		err = bad("XX and NX options at the same time are not compatible")
	case f.gt && f.nx || f.lt && f.nx || f.gt && f.lt:
		err = bad("GT, LT, and/or NX options at the same time are not compatible")
	case f.incr && n > 2:
		err = bad("INCR option supports a single increment-element pair")
	}
	return f, i, err
}

// zadd implements ZADD.
func zadd(c *call) (op.Value, error) {
	f, at, err := c.zaddOptions()
	if err != nil {
		return op.Null, err
	}
	return c.addScores(f, at)
}

// zincrBy implements ZINCRBY.
func zincrBy(c *call) (op.Value, error) { return c.addScores(zaddFlags{incr: true}, 1) }

// addScores adds the score, member pairs at args[at:].
func (c *call) addScores(f zaddFlags, at int) (op.Value, error) {
	scores := make([]float64, 0, (len(c.args)-at)/2)
	for i := at; i < len(c.args); i += 2 {
		s, good := parseFloat(c.args[i])
		if !good {
			return op.Null, errFloat
		}
		scores = append(scores, s)
	}
	k, err := c.want(c.args[0], typeZset)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 {
		if f.xx {
			if f.incr {
				return op.Null, nil
			}
			return zero, nil
		}
		if err := c.make(&k, typeZset); err != nil {
			return op.Null, err
		}
	}
	before, updated := k.n, int64(0)
	last := op.Null
	for i, s := range scores {
		member := c.args[at+2*i+1]
		it, err := c.one(&k, member)
		if err != nil {
			return op.Null, err
		}
		if f.nx && it.pos != 0 || f.xx && it.pos == 0 {
			continue
		}
		if it.pos != 0 {
			if f.incr {
				if s += it.score; math.IsNaN(s) {
					return op.Null, errScoreNaN
				}
			}
			if f.gt && s <= it.score || f.lt && s >= it.score {
				continue
			}
		}
		last = op.Float64(s)
		if it.pos != 0 && s == it.score {
			continue
		}
		if it.pos != 0 {
			updated++
		}
		if err := c.setScore(&k, &it, member, s); err != nil {
			return op.Null, err
		}
	}
	added := k.n - before
	if added+updated > 0 {
		err = c.save(&k)
	}
	switch {
	case f.incr:
		return last, err
	case f.ch:
		return op.Int64(added + updated), err
	}
	return op.Int64(added), err
}

// zscore implements ZSCORE.
func zscore(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeZset)
	if err != nil {
		return op.Null, err
	}
	it, err := c.one(&k, c.args[1])
	if err != nil || it.pos == 0 {
		return op.Null, err
	}
	return op.Float64(it.score), nil
}

// eachScore answers f of each named member's score, null for absent ones.
func (c *call) eachScore(f func(score float64) op.Value) (op.Value, error) {
	k, err := c.want(c.args[0], typeZset)
	if err != nil {
		return op.Null, err
	}
	vs := make([]op.Value, len(c.args)-1)
	for i, m := range c.args[1:] {
		it, err := c.one(&k, m)
		if err != nil {
			return op.Null, err
		}
		if it.pos != 0 {
			vs[i] = f(it.score)
		}
	}
	return op.Array(vs...), nil
}

// zmscore implements ZMSCORE.
func zmscore(c *call) (op.Value, error) { return c.eachScore(op.Float64) }

// rank implements ZRANK and ZREVRANK. It counts the members before.
func (c *call) rank(rev bool) (op.Value, error) {
	if len(c.args) > 3 {
		return op.Null, arity(c.verb)
	}
	with := len(c.args) == 3
	if with && !is(c.args[2], "WITHSCORE") {
		return op.Null, errSyntax
	}
	k, err := c.want(c.args[0], typeZset)
	if err != nil {
		return op.Null, err
	}
	it, err := c.one(&k, c.args[1])
	if err != nil || it.pos == 0 {
		return op.Null, err
	}
	r, err := c.conn.Row("SELECT count(*) FROM _dotdo_kv_item WHERE id = ?1 AND score IS NOT NULL AND (score, member) < (?2, ?3)", op.Int64(k.id), op.Float64(it.score), blob(c.args[1]))
	if err != nil {
		return op.Null, err
	}
	n := r[0].Int()
	if rev {
		n = k.n - 1 - n
	}
	if with {
		return op.Array(op.Int64(n), op.Float64(it.score)), nil
	}
	return op.Int64(n), nil
}

// zrandMember implements ZRANDMEMBER.
func zrandMember(c *call) (op.Value, error) {
	return c.random(typeZset, "WITHSCORES", func(it *item) op.Value { return op.Float64(it.score) })
}

// popEnd removes up to n members from an end of a sorted set.
func (c *call) popEnd(k *key, n int64, highest bool) ([]item, error) {
	list, err := c.ranked(k, &zspec{rev: highest, from: 0, to: min(n, k.n) - 1})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if err := c.dropAt(k, list[i].pos); err != nil {
			return nil, err
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	return list, c.save(k)
}

// zpop implements ZPOPMIN and ZPOPMAX.
func (c *call) zpop(highest bool) (op.Value, error) {
	if len(c.args) > 2 {
		return op.Null, errSyntax
	}
	n := int64(1)
	if len(c.args) == 2 {
		v, good := parseInt(c.args[1])
		if !good || v < 0 {
			return op.Null, errPositive
		}
		n = v
	}
	k, err := c.want(c.args[0], typeZset)
	if err != nil || k.id == 0 || n == 0 {
		return op.Array(), err
	}
	list, err := c.popEnd(&k, n, highest)
	if err != nil {
		return op.Null, err
	}
	if len(c.args) == 1 {
		return op.Array(op.Bytes(list[0].member), op.Float64(list[0].score)), nil
	}
	return op.Array(scored(list)...), nil
}

// scored lists items as pairs of member and score.
func scored(list []item) []op.Value {
	vs := make([]op.Value, len(list))
	for i := range list {
		vs[i] = op.Array(op.Bytes(list[i].member), op.Float64(list[i].score))
	}
	return vs
}

// zmpopAt is ZMPOP with its arguments from i on.
func (c *call) zmpopAt(i int) (op.Value, error) {
	keys, rest, err := c.numKeys(i)
	if err != nil {
		return op.Null, err
	}
	if len(rest) == 0 || !is(rest[0], "MIN") && !is(rest[0], "MAX") {
		return op.Null, errSyntax
	}
	n, err := popCount(rest[1:])
	if err != nil {
		return op.Null, err
	}
	for _, name := range keys {
		k, err := c.want(name, typeZset)
		if err != nil {
			return op.Null, err
		}
		if k.id == 0 {
			continue
		}
		list, err := c.popEnd(&k, n, is(rest[0], "MAX"))
		return op.Array(op.Bytes(name), op.Array(scored(list)...)), err
	}
	return op.Null, nil
}

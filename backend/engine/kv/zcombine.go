package kv

import (
	"bytes"
	"math"
	"slices"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// zcombineCommands are the commands on several sorted sets.
var zcombineCommands = map[string]handler{
	"ZDIFF":       func(c *call) (op.Value, error) { return c.zcombine(diff, 0, false) },
	"ZDIFFSTORE":  func(c *call) (op.Value, error) { return c.zcombine(diff, 1, true) },
	"ZINTER":      func(c *call) (op.Value, error) { return c.zcombine(inter, 0, false) },
	"ZINTERCARD":  zinterCard,
	"ZINTERSTORE": func(c *call) (op.Value, error) { return c.zcombine(inter, 1, true) },
	"ZUNION":      func(c *call) (op.Value, error) { return c.zcombine(union, 0, false) },
	"ZUNIONSTORE": func(c *call) (op.Value, error) { return c.zcombine(union, 1, true) },
}

// zplan is a parsed combination of sorted sets.
type zplan struct {
	keys    [][]byte
	weights []float64
	merge   func(a, b float64) float64
	scores  bool
}

// zkeys reads numkeys at i and the keys behind it.
func (c *call) zkeys(i int) (keys, rest [][]byte, err error) {
	n, good := parseInt(c.args[i])
	if !good {
		return nil, nil, errInteger
	}
	if n < 1 {
		return nil, nil, bad("at least 1 input key is needed for '%s' command", lower(c.verb))
	}
	if n > int64(len(c.args)-i-1) {
		return nil, nil, errSyntax
	}
	return c.args[i+1 : i+1+int(n)], c.args[i+1+int(n):], nil
}

// addScore is the SUM rule: opposite infinities make 0.
func addScore(a, b float64) float64 {
	if s := a + b; !math.IsNaN(s) {
		return s
	}
	return 0
}

// parse reads numkeys, keys and options from args[i:].
func (p *zplan) parse(c *call, how combiner, i int, store bool) (err error) {
	var rest [][]byte
	if p.keys, rest, err = c.zkeys(i); err != nil {
		return err
	}
	for _, name := range p.keys {
		if k, err := c.meta(name); err != nil || k.id != 0 && k.typ != typeSet && k.typ != typeZset {
			return errType
		}
	}
	p.merge = addScore
	for len(rest) > 0 {
		switch {
		case how != diff && is(rest[0], "WEIGHTS") && len(rest) > len(p.keys):
			for _, w := range rest[1 : 1+len(p.keys)] {
				f, good := parseFloat(w)
				if !good {
					return bad("weight value is not a float")
				}
				p.weights = append(p.weights, f)
			}
			rest = rest[1+len(p.keys):]
		case how != diff && is(rest[0], "AGGREGATE") && len(rest) > 1:
			switch {
			case is(rest[1], "SUM"):
				p.merge = addScore
			case is(rest[1], "MIN"):
				p.merge = math.Min
			case is(rest[1], "MAX"):
				p.merge = math.Max
			default:
				return errSyntax
			}
			rest = rest[2:]
		case !store && is(rest[0], "WITHSCORES"):
			p.scores = true
			rest = rest[1:]
		default:
			return errSyntax
		}
	}
	return nil
}

// source reads the members of a set or sorted set with weighted scores.
func (c *call) source(name []byte, weight float64) ([]item, error) {
	k, err := c.find(name)
	if err != nil || k.id == 0 {
		return nil, err
	}
	if k.typ != typeSet && k.typ != typeZset {
		return nil, errType
	}
	list, err := c.all(&k)
	for i := range list {
		if k.typ == typeSet {
			list[i].score = 1
		}
		if list[i].score *= weight; math.IsNaN(list[i].score) {
			list[i].score = 0
		}
	}
	return list, err
}

// gather combines the sources of a plan, sorted by score and member.
func (c *call) gather(p *zplan, how combiner) ([]item, error) {
	type entry struct {
		score float64
		seen  int
	}
	found := map[string]*entry{}
	for i, name := range p.keys {
		w := 1.0
		if p.weights != nil {
			w = p.weights[i]
		}
		list, err := c.source(name, w)
		if err != nil {
			return nil, err
		}
		for _, it := range list {
			e := found[string(it.member)]
			switch {
			case e == nil && (i == 0 || how == union):
				found[string(it.member)] = &entry{it.score, 1}
			case e == nil:
			case how == diff:
				delete(found, string(it.member))
			default:
				e.score = p.merge(e.score, it.score)
				e.seen++
			}
		}
	}
	var out []item
	for m, e := range found {
		if how != inter || e.seen == len(p.keys) {
			out = append(out, item{member: []byte(m), score: e.score})
		}
	}
	slices.SortFunc(out, func(a, b item) int {
		switch {
		case a.score < b.score:
			return -1
		case a.score > b.score:
			return 1
		}
		return bytes.Compare(a.member, b.member)
	})
	return out, nil
}

// zcombine implements the combining commands; numkeys is at i.
func (c *call) zcombine(how combiner, i int, store bool) (op.Value, error) {
	var p zplan
	if err := p.parse(c, how, i, store); err != nil {
		return op.Null, err
	}
	list, err := c.gather(&p, how)
	switch {
	case err != nil:
		return op.Null, err
	case store:
		return c.storeScores(c.args[0], list)
	case p.scores:
		return op.Array(scored(list)...), nil
	}
	return op.Array(membersOf(list)...), nil
}

// zinterCard implements ZINTERCARD.
func zinterCard(c *call) (op.Value, error) {
	keys, rest, err := c.zkeys(0)
	if err != nil {
		return op.Null, err
	}
	limit, err := limitOption(rest)
	if err != nil {
		return op.Null, err
	}
	list, err := c.gather(&zplan{keys: keys, merge: addScore}, inter)
	n := int64(len(list))
	if limit > 0 {
		n = min(n, limit)
	}
	return op.Int64(n), err
}

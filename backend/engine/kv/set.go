package kv

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
)

// setCommands are the commands on sets.
var setCommands = map[string]handler{
	"SADD":        sadd,
	"SCARD":       func(c *call) (op.Value, error) { return count(c, typeSet) },
	"SDIFF":       func(c *call) (op.Value, error) { return setOf(c.combine(c.args, diff)) },
	"SDIFFSTORE":  func(c *call) (op.Value, error) { return c.storeSet(diff) },
	"SINTER":      func(c *call) (op.Value, error) { return setOf(c.combine(c.args, inter)) },
	"SINTERCARD":  sinterCard,
	"SINTERSTORE": func(c *call) (op.Value, error) { return c.storeSet(inter) },
	"SISMEMBER":   func(c *call) (op.Value, error) { return isMember(c, typeSet) },
	"SMEMBERS":    func(c *call) (op.Value, error) { return setOf(c.combine(c.args, union)) },
	"SMISMEMBER":  smisMember,
	"SMOVE":       smove,
	"SPOP":        spop,
	"SRANDMEMBER": srandMember,
	"SREM":        func(c *call) (op.Value, error) { return remove(c, typeSet) },
	"SUNION":      func(c *call) (op.Value, error) { return setOf(c.combine(c.args, union)) },
	"SUNIONSTORE": func(c *call) (op.Value, error) { return c.storeSet(union) },
}

// sadd implements SADD.
func sadd(c *call) (op.Value, error) {
	k, err := c.open(c.args[0], typeSet)
	if err != nil {
		return op.Null, err
	}
	added := int64(0)
	for _, m := range c.args[1:] {
		fresh, err := c.add(&k, m, op.Null, op.Null)
		if err != nil {
			return op.Null, err
		}
		if fresh {
			added++
		}
	}
	if added > 0 {
		err = c.save(&k)
	}
	return op.Int64(added), err
}

// smisMember implements SMISMEMBER.
func smisMember(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeSet)
	if err != nil {
		return op.Null, err
	}
	vs := make([]op.Value, len(c.args)-1)
	for i, m := range c.args[1:] {
		has, err := c.has(&k, m)
		if err != nil {
			return op.Null, err
		}
		vs[i] = flag(has)
	}
	return op.Array(vs...), nil
}

// smove implements SMOVE.
func smove(c *call) (op.Value, error) {
	src, err := c.want(c.args[0], typeSet)
	if err != nil || src.id == 0 {
		return zero, err
	}
	dst, err := c.want(c.args[1], typeSet)
	if err != nil {
		return op.Null, err
	}
	has, err := c.has(&src, c.args[2])
	if err != nil || !has || src.id == dst.id {
		return flag(has), err
	}
	if _, err := c.drop(&src, c.args[2]); err != nil {
		return op.Null, err
	}
	if err := c.save(&src); err != nil {
		return op.Null, err
	}
	if dst.id == 0 {
		if err := c.make(&dst, typeSet); err != nil {
			return op.Null, err
		}
	}
	if _, err := c.add(&dst, c.args[2], op.Null, op.Null); err != nil {
		return op.Null, err
	}
	return one, c.save(&dst)
}

// spop implements SPOP.
func spop(c *call) (op.Value, error) {
	n := int64(1)
	if len(c.args) > 2 {
		return op.Null, errSyntax
	}
	if len(c.args) == 2 {
		v, good := parseInt(c.args[1])
		if !good || v < 0 {
			return op.Null, errPositive
		}
		n = v
	}
	k, err := c.want(c.args[0], typeSet)
	if err != nil {
		return op.Null, err
	}
	list, err := c.pick(&k, n)
	if err != nil {
		return op.Null, err
	}
	if len(list) > 0 && int64(len(list)) == k.n {
		err = c.remove(&k)
	} else if len(list) > 0 {
		for i := range list {
			if err := c.dropAt(&k, list[i].pos); err != nil {
				return op.Null, err
			}
		}
		err = c.save(&k)
	}
	if err != nil {
		return op.Null, err
	}
	if len(c.args) == 2 {
		return op.Set(membersOf(list)...), nil
	}
	if len(list) == 0 {
		return op.Null, nil
	}
	return op.Bytes(list[0].member), nil
}

// membersOf lists the members of items.
func membersOf(list []item) []op.Value {
	vs := make([]op.Value, len(list))
	for i := range list {
		vs[i] = op.Bytes(list[i].member)
	}
	return vs
}

// srandMember implements SRANDMEMBER.
func srandMember(c *call) (op.Value, error) {
	if len(c.args) > 2 {
		return op.Null, errSyntax
	}
	return c.random(typeSet, "", nil)
}

// combiner says how sets become one.
type combiner uint8

// Ways to combine sets.
const (
	union combiner = iota
	inter
	diff
)

// combine unites, intersects or subtracts the sets of names, in the order in
// which members are met.
func (c *call) combine(names [][]byte, how combiner) ([]item, error) {
	keys := make([]key, len(names))
	empty := false
	for i, name := range names {
		k, err := c.want(name, typeSet)
		if err != nil {
			return nil, err
		}
		keys[i] = k
		empty = empty || k.id == 0
	}
	if how == inter && empty {
		return nil, nil
	}
	if how == inter { // start from the smallest
		for i := range keys {
			if keys[i].n < keys[0].n {
				keys[0], keys[i] = keys[i], keys[0]
			}
		}
	}
	out, err := c.all(&keys[0])
	if err != nil {
		return nil, err
	}
	if how == union {
		return c.unite(out, keys[1:])
	}
	for i := range keys[1:] {
		kept := out[:0]
		for _, it := range out {
			has, err := c.has(&keys[i+1], it.member)
			if err != nil {
				return nil, err
			}
			if has == (how == inter) {
				kept = append(kept, it)
			}
		}
		out = kept
	}
	return out, nil
}

// unite appends the members of further sets that are not in out.
func (c *call) unite(out []item, keys []key) ([]item, error) {
	if len(keys) == 0 {
		return out, nil
	}
	seen := make(map[string]bool, len(out))
	for i := range out {
		seen[string(out[i].member)] = true
	}
	for i := range keys {
		list, err := c.all(&keys[i])
		if err != nil {
			return nil, err
		}
		for _, it := range list {
			if !seen[string(it.member)] {
				seen[string(it.member)] = true
				out = append(out, it)
			}
		}
	}
	return out, nil
}

// setOf answers items as a set.
func setOf(list []item, err error) (op.Value, error) {
	if err != nil {
		return op.Null, err
	}
	return op.Set(membersOf(list)...), nil
}

// replace makes name an empty collection of a type, whatever it was.
func (c *call) replace(name []byte, typ int64) (key, error) {
	k, err := c.meta(name)
	if err == nil && k.id != 0 {
		err = c.remove(&k)
	}
	if err == nil {
		err = c.make(&k, typ)
	}
	return k, err
}

// discard deletes a key if it exists.
func (c *call) discard(name []byte) error {
	k, err := c.meta(name)
	if err == nil && k.id != 0 {
		err = c.remove(&k)
	}
	return err
}

// storeSet implements the STORE forms: args[0] is the destination.
func (c *call) storeSet(how combiner) (op.Value, error) {
	list, err := c.combine(c.args[1:], how)
	if err != nil {
		return op.Null, err
	}
	if len(list) == 0 {
		return zero, c.discard(c.args[0])
	}
	k, err := c.replace(c.args[0], typeSet)
	if err != nil {
		return op.Null, err
	}
	for i := range list {
		if _, err := c.add(&k, list[i].member, op.Null, op.Null); err != nil {
			return op.Null, err
		}
	}
	return op.Int64(k.n), c.save(&k)
}

// limitOption reads the optional LIMIT n of SINTERCARD and ZINTERCARD; 0 = none.
func limitOption(rest [][]byte) (int64, error) {
	if len(rest) == 0 {
		return 0, nil
	}
	if len(rest) != 2 || !is(rest[0], "LIMIT") {
		return 0, errSyntax
	}
	n, good := parseInt(rest[1])
	if !good || n < 0 {
		return 0, bad("LIMIT can't be negative")
	}
	return n, nil
}

// sinterCard implements SINTERCARD.
func sinterCard(c *call) (op.Value, error) {
	n, good := parseInt(c.args[0])
	if !good || n <= 0 {
		return op.Null, errNumKeys
	}
	if n > int64(len(c.args)-1) {
		return op.Null, errManyKeys
	}
	limit, err := limitOption(c.args[1+n:])
	if err != nil {
		return op.Null, err
	}
	list, err := c.combine(c.args[1:1+n], inter)
	size := int64(len(list))
	if limit > 0 {
		size = min(size, limit)
	}
	return op.Int64(size), err
}

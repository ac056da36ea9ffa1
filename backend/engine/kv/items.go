package kv

import (
	"math/rand/v2"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// item is one row of _dotdo_kv_item.
type item struct {
	pos    int64
	member []byte
	value  []byte
	score  float64
}

// items decodes rows of (pos, member, value, score).
func items(rows [][]op.Value, err error) ([]item, error) {
	if err != nil {
		return nil, err
	}
	list := make([]item, len(rows))
	for i, r := range rows {
		list[i] = item{pos: r[0].Int(), member: r[1].Raw, value: r[2].Raw, score: r[3].Float()}
	}
	return list, nil
}

// all returns the items of a key in insertion order; none for an absent key.
func (c *call) all(k *key) ([]item, error) {
	if k.id == 0 {
		return nil, nil
	}
	return items(c.conn.Query("SELECT pos, member, value, score FROM _dotdo_kv_item WHERE pos BETWEEN ?1 AND ?2 ORDER BY pos", op.Int64(k.base()), op.Int64(k.top())))
}

// one returns the item of a member; pos 0 = there is none.
func (c *call) one(k *key, member []byte) (item, error) {
	if k.id == 0 {
		return item{}, nil
	}
	r, err := c.conn.Row("SELECT pos, value, score FROM _dotdo_kv_item WHERE id = ?1 AND member = ?2", op.Int64(k.id), blob(member))
	if err != nil || r == nil {
		return item{}, err
	}
	return item{pos: r[0].Int(), member: member, value: r[1].Raw, score: r[2].Float()}, nil
}

// has reports whether a member is in the key.
func (c *call) has(k *key, member []byte) (bool, error) {
	if k.id == 0 {
		return false, nil
	}
	r, err := c.conn.Row("SELECT 1 FROM _dotdo_kv_item WHERE id = ?1 AND member = ?2", op.Int64(k.id), blob(member))
	return r != nil, err
}

// add appends a member unless it is there; the caller saves k.
func (c *call) add(k *key, member []byte, value, score op.Value) (bool, error) {
	if k.seq >= 1<<idBits-1 {
		return false, errFull
	}
	n, err := c.conn.Run("INSERT INTO _dotdo_kv_item(pos, id, member, value, score) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT(id, member) DO NOTHING",
		op.Int64(k.base()+k.seq), op.Int64(k.id), blob(member), value, score)
	if err != nil || n == 0 {
		return false, err
	}
	k.seq++
	k.n++
	return true, nil
}

// drop removes a member; the caller saves k.
func (c *call) drop(k *key, member []byte) (bool, error) {
	n, err := c.conn.Run("DELETE FROM _dotdo_kv_item WHERE id = ?1 AND member = ?2", op.Int64(k.id), blob(member))
	k.n -= n
	return n > 0, err
}

// dropAt removes the item at pos; the caller saves k.
func (c *call) dropAt(k *key, pos int64) error {
	n, err := c.conn.Run("DELETE FROM _dotdo_kv_item WHERE pos = ?1", op.Int64(pos))
	k.n -= n
	return err
}

// pick returns count random items: distinct ones, all when there are fewer, or
// with repetition when count is negative. Dense keys are probed by element
// number, which is uniform; sparse ones are read whole.
func (c *call) pick(k *key, count int64) ([]item, error) {
	if k.id == 0 || count == 0 {
		return nil, nil
	}
	if want := max(count, -count); k.seq <= 4*k.n && want <= k.n/4 {
		return c.probe(k, count)
	}
	list, err := c.all(k)
	if err != nil {
		return nil, err
	}
	if count < 0 {
		out := make([]item, 0, min(-count, 1<<20))
		for range -count {
			out = append(out, list[rand.IntN(len(list))])
		}
		return out, nil
	}
	if count >= int64(len(list)) {
		return list, nil
	}
	for i := range count {
		j := i + rand.Int64N(int64(len(list))-i)
		list[i], list[j] = list[j], list[i]
	}
	return list[:count], nil
}

// probe implements pick for a key whose element numbers are mostly in use.
func (c *call) probe(k *key, count int64) ([]item, error) {
	seen := map[int64]bool{}
	var out []item
	for int64(len(out)) < max(count, -count) {
		pos := k.base() + rand.Int64N(k.seq)
		if count > 0 && seen[pos] {
			continue
		}
		list, err := items(c.conn.Query("SELECT pos, member, value, score FROM _dotdo_kv_item WHERE pos = ?1", op.Int64(pos)))
		if err != nil {
			return nil, err
		}
		if len(list) == 1 {
			seen[pos] = true
			out = append(out, list[0])
		}
	}
	return out, nil
}

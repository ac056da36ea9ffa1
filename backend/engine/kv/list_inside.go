package kv

import (
	"bytes"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// lindex implements LINDEX.
func lindex(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeList)
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	i, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	if i < 0 {
		i += k.n
	}
	if i < 0 || i >= k.n {
		return op.Null, nil
	}
	r, err := c.conn.Row("SELECT value FROM _dotdo_kv_list WHERE pos = ?1", k.at(i))
	if err != nil || r == nil {
		return op.Null, err
	}
	return r[0], nil
}

// lset implements LSET.
func lset(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeList)
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 {
		return op.Null, errNoKey
	}
	i, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	if i < 0 {
		i += k.n
	}
	if i < 0 || i >= k.n {
		return op.Null, errIndex
	}
	if _, err := c.conn.Run("UPDATE _dotdo_kv_list SET value = ?1 WHERE pos = ?2", blob(c.args[2]), k.at(i)); err != nil {
		return op.Null, err
	}
	return ok, c.save(&k)
}

// ends reads the start and stop arguments 1 and 2.
func (c *call) ends() (from, to int64, err error) {
	if from, err = c.int(1); err != nil {
		return 0, 0, err
	}
	to, err = c.int(2)
	return from, to, err
}

// lrange implements LRANGE.
func lrange(c *call) (op.Value, error) {
	from, to, err := c.ends()
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeList)
	if err != nil {
		return op.Null, err
	}
	from, to = span(from, to, k.n)
	if from > to {
		return op.Array(), nil
	}
	vs, err := c.elements(&k, from, to+1)
	return op.Array(vs...), err
}

// ltrim implements LTRIM.
func ltrim(c *call) (op.Value, error) {
	from, to, err := c.ends()
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeList)
	if err != nil || k.id == 0 {
		return ok, err
	}
	from, to = span(from, to, k.n)
	return ok, c.trim(&k, from, to+1)
}

// linsert implements LINSERT.
func linsert(c *call) (op.Value, error) {
	after := is(c.args[1], "AFTER")
	if !after && !is(c.args[1], "BEFORE") {
		return op.Null, errSyntax
	}
	k, err := c.want(c.args[0], typeList)
	if err != nil || k.id == 0 {
		return zero, err
	}
	r, err := c.conn.Row("SELECT pos FROM _dotdo_kv_list WHERE pos >= ?1 AND pos < ?2 AND value = ?3 ORDER BY pos LIMIT 1", k.at(0), k.at(k.n), blob(c.args[2]))
	if err != nil {
		return op.Null, err
	}
	if r == nil {
		return op.Int64(-1), nil
	}
	i := r[0].Int() - k.base() - k.seq
	if after {
		i++
	}
	if err := c.gap(&k, i); err != nil {
		return op.Null, err
	}
	if _, err := c.conn.Run("INSERT INTO _dotdo_kv_list(pos, value) VALUES (?1, ?2)", k.at(i), blob(c.args[3])); err != nil {
		return op.Null, err
	}
	k.n++
	return op.Int64(k.n), c.save(&k)
}

// gap makes room for one element at index i, moving the shorter side.
func (c *call) gap(k *key, i int64) error {
	if k.seq == 0 || k.seq+k.n >= 1<<idBits {
		if err := c.center(k); err != nil {
			return err
		}
	}
	if i < k.n/2 {
		if err := c.shift(k, 0, i, -1); err != nil {
			return err
		}
		k.seq--
		return nil
	}
	return c.shift(k, i, k.n, 1)
}

// lrem implements LREM.
func lrem(c *call) (op.Value, error) {
	n, err := c.int(1)
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeList)
	if err != nil || k.id == 0 {
		return zero, err
	}
	text := "SELECT pos FROM _dotdo_kv_list WHERE pos >= ?1 AND pos < ?2 AND value = ?3 ORDER BY pos LIMIT ?4"
	if n < 0 {
		text = "SELECT pos FROM _dotdo_kv_list WHERE pos >= ?1 AND pos < ?2 AND value = ?3 ORDER BY pos DESC LIMIT ?4"
	}
	limit := max(n, -n)
	if limit == 0 {
		limit = k.n
	}
	rows, err := c.conn.Query(text, k.at(0), k.at(k.n), blob(c.args[2]), op.Int64(limit))
	if err != nil || len(rows) == 0 {
		return zero, err
	}
	hit := make([]int64, len(rows)) // ascending
	for i, r := range rows {
		if n < 0 {
			i = len(rows) - 1 - i
		}
		hit[i] = r[0].Int() - k.base() - k.seq
	}
	for _, i := range hit {
		if _, err := c.conn.Run("DELETE FROM _dotdo_kv_list WHERE pos = ?1", k.at(i)); err != nil {
			return op.Null, err
		}
	}
	for i, h := range hit { // close the gaps: what follows the i-th moves i+1 down
		end := k.n
		if i+1 < len(hit) {
			end = hit[i+1]
		}
		if err := c.shift(&k, h+1, end, -int64(i+1)); err != nil {
			return op.Null, err
		}
	}
	k.n -= int64(len(hit))
	return op.Int64(int64(len(hit))), c.save(&k)
}

// lpos implements LPOS.
func lpos(c *call) (op.Value, error) {
	rank, want, maxLen := int64(1), int64(-1), int64(0)
	for i := 2; i < len(c.args); i += 2 {
		if i+1 >= len(c.args) {
			return op.Null, errSyntax
		}
		n, err := c.int(i + 1)
		switch a := c.args[i]; {
		case is(a, "RANK"):
			if err != nil || n == -1<<63 {
				return op.Null, errInteger
			}
			if n == 0 {
				return op.Null, bad("RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list")
			}
			rank = n
		case is(a, "COUNT"):
			if err != nil || n < 0 {
				return op.Null, bad("COUNT can't be negative")
			}
			want = n
		case is(a, "MAXLEN"):
			if err != nil || n < 0 {
				return op.Null, bad("MAXLEN can't be negative")
			}
			maxLen = n
		default:
			return op.Null, errSyntax
		}
	}
	k, err := c.want(c.args[0], typeList)
	if err != nil {
		return op.Null, err
	}
	vs, err := c.elements(&k, 0, k.n)
	if err != nil {
		return op.Null, err
	}
	found := []op.Value{}
	n := len(vs)
	if maxLen > 0 {
		n = min(n, int(min(maxLen, 1<<31)))
	}
	skip := max(rank, -rank) - 1
	for step := range n {
		i := step
		if rank < 0 {
			i = len(vs) - 1 - step
		}
		if !bytes.Equal(vs[i].Raw, c.args[1]) {
			continue
		}
		if skip > 0 {
			skip--
			continue
		}
		found = append(found, op.Int64(int64(i)))
		if want < 0 || want > 0 && int64(len(found)) == want {
			break
		}
	}
	if want >= 0 {
		return op.Array(found...), nil
	}
	if len(found) == 0 {
		return op.Null, nil
	}
	return found[0], nil
}

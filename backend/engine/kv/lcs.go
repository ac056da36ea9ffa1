package kv

import "github.com/dot-do/dotdo-proxy/backend/op"

// maxLCS bounds the table of LCS (bytes of one value times bytes of the other).
const maxLCS = 64 << 20

// match is a common run of LCS: inclusive ranges in both strings.
type match struct{ a0, a1, b0, b1 int }

// lcs implements LCS.
func lcs(c *call) (op.Value, error) {
	var length, idx, withLen bool
	minLen := int64(0)
	for i := 2; i < len(c.args); i++ {
		switch a := c.args[i]; {
		case is(a, "LEN"):
			length = true
		case is(a, "IDX"):
			idx = true
		case is(a, "WITHMATCHLEN"):
			withLen = true
		case is(a, "MINMATCHLEN") && i+1 < len(c.args):
			n, err := c.int(i + 1)
			if err != nil {
				return op.Null, err
			}
			minLen = max(n, 0)
			i++
		default:
			return op.Null, errSyntax
		}
	}
	if length && idx {
		return op.Null, bad("If you want both the length and indexes, please just use IDX.")
	}
	a, err := c.find(c.args[0])
	if err != nil {
		return op.Null, err
	}
	b, err := c.find(c.args[1])
	if err != nil {
		return op.Null, err
	}
	if a.id != 0 && a.typ != typeString || b.id != 0 && b.typ != typeString {
		return op.Null, bad("The specified keys must contain string values")
	}
	if (len(a.value)+1)*(len(b.value)+1) > maxLCS {
		return op.Null, &op.Error{Code: op.TooLarge, Msg: "ERR Insufficient memory, failed allocating transient memory for LCS"}
	}
	common, list := longestCommon(a.value, b.value)
	if length {
		return op.Int64(int64(len(common))), nil
	}
	if !idx {
		return op.Bytes(common), nil
	}
	var ms []op.Value
	for _, m := range list {
		n := m.a1 - m.a0 + 1
		if int64(n) < minLen {
			continue
		}
		v := []op.Value{pairOf(m.a0, m.a1), pairOf(m.b0, m.b1)}
		if withLen {
			v = append(v, op.Int64(int64(n)))
		}
		ms = append(ms, op.Array(v...))
	}
	return op.Map(op.Bytes([]byte("matches")), op.Array(ms...), op.Bytes([]byte("len")), op.Int64(int64(len(common)))), nil
}

// pairOf is an array of two integers.
func pairOf(a, b int) op.Value { return op.Array(op.Int64(int64(a)), op.Int64(int64(b))) }

// longestCommon returns the longest common subsequence and its runs, the last
// run first.
func longestCommon(a, b []byte) ([]byte, []match) {
	w := len(b) + 1
	t := make([]uint32, (len(a)+1)*w)
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			if a[i-1] == b[j-1] {
				t[i*w+j] = t[(i-1)*w+j-1] + 1
			} else {
				t[i*w+j] = max(t[(i-1)*w+j], t[i*w+j-1])
			}
		}
	}
	out := make([]byte, t[len(t)-1])
	var list []match
	for i, j, n := len(a), len(b), len(out); i > 0 && j > 0; {
		if a[i-1] == b[j-1] {
			n--
			out[n] = a[i-1]
			if l := len(list); l > 0 && list[l-1].a0 == i && list[l-1].b0 == j {
				list[l-1].a0, list[l-1].b0 = i-1, j-1
			} else {
				list = append(list, match{i - 1, i - 1, j - 1, j - 1})
			}
			i--
			j--
		} else if t[(i-1)*w+j] > t[i*w+j-1] {
			i--
		} else {
			j--
		}
	}
	return out, list
}

package kv

import (
	"math"
	"math/bits"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Cardinality sketches: HyperLogLog with 2^14 registers, stored as a string of
// its own form: "DDHL" and one byte a register.

// sketchCommands are the commands on sketches.
var sketchCommands = map[string]handler{
	"PFADD":   pfAdd,
	"PFCOUNT": pfCount,
	"PFMERGE": pfMerge,
}

// The stored form of a sketch: a magic word, then one byte a register.
const (
	sketchMagic = "DDHL"
	sketchBits  = 14
	registers   = 1 << sketchBits
	sketchSize  = len(sketchMagic) + registers
)

// errSketch is the error for a string that is no sketch.
var errSketch = &op.Error{Code: op.TypeMismatch, Msg: "WRONGTYPE Key is not a valid HyperLogLog string value."}

// sketch reads a sketch; regs is a copy of its registers, nil for an absent key.
func (c *call) sketch(name []byte) (k key, regs []byte, err error) {
	if k, err = c.want(name, typeString); err != nil || k.id == 0 {
		return k, nil, err
	}
	if len(k.value) != sketchSize || string(k.value[:len(sketchMagic)]) != sketchMagic {
		return k, nil, errSketch
	}
	return k, append([]byte(nil), k.value[len(sketchMagic):]...), nil
}

// saveSketch stores registers.
func (c *call) saveSketch(k *key, regs []byte) error {
	k.value = append([]byte(sketchMagic), regs...)
	return c.saveValue(k)
}

// hash64 is FNV-1a with a final avalanche (the finalizer of MurmurHash3).
func hash64(b []byte) uint64 {
	h := uint64(14695981039346656037)
	for _, ch := range b {
		h = (h ^ uint64(ch)) * 1099511628211
	}
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// pfAdd implements PFADD.
func pfAdd(c *call) (op.Value, error) {
	k, regs, err := c.sketch(c.args[0])
	if err != nil {
		return op.Null, err
	}
	changed := regs == nil
	if changed {
		regs = make([]byte, registers)
	}
	for _, e := range c.args[1:] {
		h := hash64(e)
		i := h & (registers - 1)
		rank := byte(bits.TrailingZeros64(h>>sketchBits|1<<(64-sketchBits)) + 1)
		if rank > regs[i] {
			regs[i] = rank
			changed = true
		}
	}
	if !changed {
		return zero, nil
	}
	return one, c.saveSketch(&k, regs)
}

// merged is the register-wise maximum of the sketches of names.
func (c *call) merged(names [][]byte) ([]byte, error) {
	all := make([]byte, registers)
	for _, name := range names {
		_, regs, err := c.sketch(name)
		if err != nil {
			return nil, err
		}
		for i, r := range regs {
			all[i] = max(all[i], r)
		}
	}
	return all, nil
}

// pfCount implements PFCOUNT.
func pfCount(c *call) (op.Value, error) {
	regs, err := c.merged(c.args)
	if err != nil {
		return op.Null, err
	}
	return op.Int64(estimate(regs)), nil
}

// pfMerge implements PFMERGE.
func pfMerge(c *call) (op.Value, error) {
	regs, err := c.merged(c.args)
	if err != nil {
		return op.Null, err
	}
	k, _, err := c.sketch(c.args[0])
	if err != nil {
		return op.Null, err
	}
	return ok, c.saveSketch(&k, regs)
}

// estimate is Ertl's improved estimator ("New cardinality estimation
// algorithms for HyperLogLog sketches", 2017, algorithm 6).
func estimate(regs []byte) int64 {
	const q = 64 - sketchBits
	var histogram [q + 2]float64
	for _, r := range regs {
		histogram[min(int(r), q+1)]++
	}
	m := float64(registers)
	z := m * tau((m-histogram[q+1])/m)
	for j := q; j >= 1; j-- {
		z = (z + histogram[j]) / 2
	}
	z += m * sigma(histogram[0]/m)
	return int64(math.Round(m * m / (2 * math.Ln2) / z))
}

// sigma is the correction for small ranges.
func sigma(x float64) float64 {
	if x == 1 {
		return math.Inf(1)
	}
	y, z := 1.0, x
	for {
		x *= x
		old := z
		z += x * y
		y += y
		if z == old {
			return z
		}
	}
}

// tau is the correction for large ranges.
func tau(x float64) float64 {
	if x == 0 || x == 1 {
		return 0
	}
	y, z := 1.0, 1-x
	for {
		x = math.Sqrt(x)
		old := z
		y /= 2
		z -= (1 - x) * (1 - x) * y
		if z == old {
			return z / 3
		}
	}
}

package kv

import (
	"math/bits"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// bitCommands are the commands on strings as bit arrays.
var bitCommands = map[string]handler{
	"BITCOUNT":    bitCount,
	"BITFIELD":    bitField,
	"BITFIELD_RO": bitField,
	"BITOP":       bitOp,
	"BITPOS":      bitPos,
	"GETBIT":      getBit,
	"SETBIT":      setBit,
}

// bitOffset reads a bit offset; "#n" counts fields of a width.
func bitOffset(b []byte, width int64, hash bool) (int64, bool) {
	by := int64(1)
	if hash && len(b) > 0 && b[0] == '#' {
		b, by = b[1:], width
	}
	n, good := parseInt(b)
	if !good || n < 0 || n > maxString*8/by || n*by >= maxString*8 {
		return 0, false
	}
	return n * by, true
}

// bitAt returns bit i of b, 0 beyond its end.
func bitAt(b []byte, i int64) int64 {
	if i>>3 >= int64(len(b)) {
		return 0
	}
	return int64(b[i>>3] >> (7 - i&7) & 1)
}

// putBit sets bit i of b, which is long enough.
func putBit(b []byte, i, v int64) {
	mask := byte(1) << (7 - i&7)
	if v == 0 {
		b[i>>3] &^= mask
	} else {
		b[i>>3] |= mask
	}
}

// getBit implements GETBIT.
func getBit(c *call) (op.Value, error) {
	at, good := bitOffset(c.args[1], 1, false)
	if !good {
		return op.Null, errBitOffset
	}
	k, err := c.want(c.args[0], typeString)
	return op.Int64(bitAt(k.value, at)), err
}

// setBit implements SETBIT.
func setBit(c *call) (op.Value, error) {
	at, good := bitOffset(c.args[1], 1, false)
	if !good {
		return op.Null, errBitOffset
	}
	v, good := parseInt(c.args[2])
	if !good || v&^1 != 0 {
		return op.Null, errBit
	}
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	old := bitAt(k.value, at)
	k.value = grow(k.value, int(at>>3)+1)
	putBit(k.value, at, v)
	return op.Int64(old), c.saveValue(&k)
}

// bitRange reads the optional start, end and unit at args[i:] of BITCOUNT and
// BITPOS and clips them to the string: first and last bit, empty when from > to.
func (c *call) bitRange(i int, size int64) (from, to int64, err error) {
	from, to, unit := 0, -1, int64(8)
	if len(c.args) > i+2 {
		switch {
		case is(c.args[i+2], "BIT"):
			unit = 1
		case !is(c.args[i+2], "BYTE"):
			return 0, 0, errSyntax
		}
	}
	if len(c.args) > i {
		if from, err = c.int(i); err != nil {
			return 0, 0, err
		}
	}
	if len(c.args) > i+1 {
		if to, err = c.int(i + 1); err != nil {
			return 0, 0, err
		}
	}
	n := size * 8 / unit
	if from < 0 && to < 0 && from > to {
		return 0, -1, nil
	}
	if from < 0 {
		from = max(from+n, 0)
	}
	if to < 0 {
		to = max(to+n, 0)
	}
	to = min(to, n-1)
	if from > to {
		return 0, -1, nil
	}
	return from * unit, to*unit + unit - 1, nil
}

// bitCount implements BITCOUNT.
func bitCount(c *call) (op.Value, error) {
	k, err := c.want(c.args[0], typeString)
	if err != nil || k.id == 0 {
		return zero, err
	}
	if len(c.args) == 2 || len(c.args) > 4 {
		return op.Null, errSyntax
	}
	from, to, err := c.bitRange(1, int64(len(k.value)))
	if err != nil {
		return op.Null, err
	}
	n := 0
	for i := from; i <= to; {
		if i&7 == 0 && i+7 <= to {
			n += bits.OnesCount8(k.value[i>>3])
			i += 8
			continue
		}
		n += int(bitAt(k.value, i))
		i++
	}
	return op.Int64(int64(n)), nil
}

// bitPos implements BITPOS.
func bitPos(c *call) (op.Value, error) {
	bit, good := parseInt(c.args[1])
	if !good {
		return op.Null, errInteger
	}
	if bit&^1 != 0 {
		return op.Null, bad("The bit argument must be 1 or 0.")
	}
	if len(c.args) > 5 {
		return op.Null, errSyntax
	}
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	from, to, err := c.bitRange(2, int64(len(k.value)))
	if err != nil {
		return op.Null, err
	}
	if k.id == 0 {
		return op.Int64(-bit), nil
	}
	skip := byte(0)
	if bit == 0 {
		skip = 0xff
	}
	for i := from; i <= to; {
		if i&7 == 0 && i+7 <= to && k.value[i>>3] == skip {
			i += 8
			continue
		}
		if bitAt(k.value, i) == bit {
			return op.Int64(i), nil
		}
		i++
	}
	if bit == 0 && len(c.args) < 4 && from <= to {
		return op.Int64(to + 1), nil
	}
	return op.Int64(-1), nil
}

// bitOp implements BITOP.
func bitOp(c *call) (op.Value, error) {
	var f func(a, b byte) byte
	switch o := c.args[0]; {
	case is(o, "AND"):
		f = func(a, b byte) byte { return a & b }
	case is(o, "OR"):
		f = func(a, b byte) byte { return a | b }
	case is(o, "XOR"):
		f = func(a, b byte) byte { return a ^ b }
	case is(o, "NOT"):
		if len(c.args) != 3 {
			return op.Null, bad("BITOP NOT must be called with a single source key.")
		}
		f = func(a, _ byte) byte { return ^a }
	default:
		return op.Null, errSyntax
	}
	var in [][]byte
	size := 0
	for _, name := range c.args[2:] {
		k, err := c.want(name, typeString)
		if err != nil {
			return op.Null, err
		}
		in = append(in, k.value)
		size = max(size, len(k.value))
	}
	out := grow(in[0], size)
	if is(c.args[0], "NOT") {
		in = append(in, nil)
	}
	for _, b := range in[1:] {
		for i := range out {
			var v byte
			if i < len(b) {
				v = b[i]
			}
			out[i] = f(out[i], v)
		}
	}
	if size == 0 {
		k, err := c.meta(c.args[1])
		if err == nil && k.id != 0 {
			err = c.remove(&k)
		}
		return zero, err
	}
	return op.Int64(int64(size)), c.put(c.args[1], out, 0)
}

// field is one step of BITFIELD.
type field struct {
	verb     byte // G, S, I
	signed   bool
	width    int64
	at       int64
	value    int64
	overflow byte // W, S, F
}

// fields parses the steps of BITFIELD.
func (c *call) fields() ([]field, error) {
	var list []field
	overflow := byte('W')
	for i := 1; i < len(c.args); {
		a := c.args[i]
		rest := len(c.args) - i - 1
		if is(a, "OVERFLOW") && rest >= 1 {
			switch o := c.args[i+1]; {
			case is(o, "WRAP"):
				overflow = 'W'
			case is(o, "SAT"):
				overflow = 'S'
			case is(o, "FAIL"):
				overflow = 'F'
			default:
				return nil, bad("Invalid OVERFLOW type specified")
			}
			i += 2
			continue
		}
		f := field{overflow: overflow}
		switch {
		case is(a, "GET") && rest >= 2:
			f.verb = 'G'
		case is(a, "SET") && rest >= 3:
			f.verb = 'S'
		case is(a, "INCRBY") && rest >= 3:
			f.verb = 'I'
		default:
			return nil, errSyntax
		}
		t := c.args[i+1]
		w, good := int64(0), false
		if len(t) > 1 && (t[0] == 'i' || t[0] == 'u') {
			w, good = parseInt(t[1:])
		}
		f.signed, f.width = len(t) > 0 && t[0] == 'i', w
		if !good || w < 1 || w > 64 || w == 64 && !f.signed {
			return nil, bad("Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.")
		}
		if f.at, good = bitOffset(c.args[i+2], w, true); !good {
			return nil, errBitOffset
		}
		i += 3
		if f.verb != 'G' {
			if c.verb == "BITFIELD_RO" {
				return nil, bad("BITFIELD_RO only supports the GET subcommand")
			}
			var err error
			if f.value, err = c.int(i); err != nil {
				return nil, err
			}
			i++
		}
		list = append(list, f)
	}
	return list, nil
}

// read returns the field's number in b.
func (f *field) read(b []byte) int64 {
	var u uint64
	for i := range f.width {
		u = u<<1 | uint64(bitAt(b, f.at+i))
	}
	if f.signed && f.width < 64 && u>>(f.width-1) == 1 {
		u |= ^uint64(0) << f.width
	}
	return int64(u)
}

// write stores a number in b, which is long enough.
func (f *field) write(b []byte, v int64) {
	for i := range f.width {
		putBit(b, f.at+i, v>>(f.width-1-i)&1)
	}
}

// fit adds by to v within the field's range; good = false when the overflow
// rule forbids the step.
func (f *field) fit(v, by int64) (out int64, good bool) {
	lo, hi := int64(0), int64(1)<<(f.width&63)-1
	if f.signed {
		hi = int64(^uint64(0) >> (65 - f.width))
		lo = -hi - 1
	}
	sum := v + by
	over, under := by > 0 && (sum < v || sum > hi), by < 0 && (sum > v || sum < lo)
	if by == 0 {
		over, under = v > hi, v < lo
		if !f.signed && v < 0 { // a huge unsigned number
			over, under = true, false
		}
	}
	switch {
	case !over && !under:
		return sum, true
	case f.overflow == 'F':
		return 0, false
	case f.overflow == 'S' && over:
		return hi, true
	case f.overflow == 'S':
		return lo, true
	}
	g := *f
	g.at = 0
	var b [8]byte
	g.write(b[:], sum)
	return g.read(b[:]), true
}

// bitField implements BITFIELD and BITFIELD_RO.
func bitField(c *call) (op.Value, error) {
	list, err := c.fields()
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typeString)
	if err != nil {
		return op.Null, err
	}
	need := int64(-1)
	for i := range list {
		if list[i].verb != 'G' {
			need = max(need, (list[i].at+list[i].width-1)>>3)
		}
	}
	if need >= 0 {
		k.value = grow(k.value, int(need)+1)
	}
	out := make([]op.Value, 0, len(list))
	for i := range list {
		f := &list[i]
		old := f.read(k.value)
		var v int64
		good := true
		switch f.verb {
		case 'G':
			out = append(out, op.Int64(old))
			continue
		case 'S':
			v, good = f.fit(f.value, 0)
		default:
			v, good = f.fit(old, f.value)
			old = v
		}
		if !good {
			out = append(out, op.Null)
			continue
		}
		f.write(k.value, v)
		out = append(out, op.Int64(old))
	}
	if need >= 0 {
		err = c.saveValue(&k)
	}
	return op.Array(out...), err
}

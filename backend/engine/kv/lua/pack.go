package lua

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// packLib is the library cmsgpack.
var packLib = map[string]lua.LGFunction{
	"pack": func(l *lua.LState) int {
		var b []byte
		if l.GetTop() == 0 {
			l.RaiseError("bad argument #0 to 'pack' (MessagePack pack needs input.)")
		}
		for i := 1; i <= l.GetTop(); i++ {
			b = appendPack(b, l.Get(i), 0)
		}
		l.Push(lua.LString(b))
		return 1
	},
	"unpack": func(l *lua.LState) int {
		b := []byte(l.CheckString(1))
		n := 0
		for len(b) > 0 {
			v, rest, ok := unpack(l, b, 0)
			if !ok || n > 200 {
				l.RaiseError("Bad data format in input.")
			}
			l.Push(v)
			n++
			b = rest
		}
		return n
	},
}

// appendPack encodes a value as MessagePack.
func appendPack(b []byte, v lua.LValue, depth int) []byte {
	switch v := v.(type) {
	case lua.LBool:
		if v {
			return append(b, 0xc3)
		}
		return append(b, 0xc2)
	case lua.LNumber:
		return packNumber(b, float64(v))
	case lua.LString:
		switch n := len(v); {
		case n < 32:
			b = append(b, 0xa0|byte(n))
		case n < 1<<8:
			b = append(b, 0xd9, byte(n))
		case n < 1<<16:
			b = binary.BigEndian.AppendUint16(append(b, 0xda), uint16(n))
		default:
			b = binary.BigEndian.AppendUint32(append(b, 0xdb), uint32(n))
		}
		return append(b, v...)
	case *lua.LTable:
		if depth >= 16 { // as cmsgpack: deeper ones are nil
			return append(b, 0xc0)
		}
		n, count, array := 0, 0, true
		v.ForEach(func(k, _ lua.LValue) {
			f, ok := k.(lua.LNumber)
			array = array && ok && f >= 1 && float64(f) == math.Trunc(float64(f)) && f < 1<<31
			if array {
				n = max(n, int(f))
			}
			count++
		})
		if array && n == count {
			b = packHead(b, n, 0x90, 0xdc)
			for i := 1; i <= n; i++ {
				b = appendPack(b, v.RawGetInt(i), depth+1)
			}
			return b
		}
		b = packHead(b, count, 0x80, 0xde)
		v.ForEach(func(k, e lua.LValue) {
			b = appendPack(appendPack(b, k, depth+1), e, depth+1)
		})
		return b
	}
	return append(b, 0xc0)
}

// packHead starts a list of n: short below 16, else long with 16 or 32 bits.
func packHead(b []byte, n int, short, long byte) []byte {
	switch {
	case n < 16:
		return append(b, short|byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, long), uint16(n))
	}
	return binary.BigEndian.AppendUint32(append(b, long+1), uint32(n))
}

// packNumber encodes a number: an integer in the shortest form, else a float.
func packNumber(b []byte, f float64) []byte {
	if f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		if g := float32(f); float64(g) == f {
			return binary.BigEndian.AppendUint32(append(b, 0xca), math.Float32bits(g))
		}
		return binary.BigEndian.AppendUint64(append(b, 0xcb), math.Float64bits(f))
	}
	switch n := int64(f); {
	case n >= 0 && n < 128, n < 0 && n >= -32:
		return append(b, byte(n))
	case n >= 0 && n < 1<<8:
		return append(b, 0xcc, byte(n))
	case n >= 0 && n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, 0xcd), uint16(n))
	case n >= 0 && n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, 0xce), uint32(n))
	case n >= 0:
		return binary.BigEndian.AppendUint64(append(b, 0xcf), uint64(n))
	case n >= math.MinInt8:
		return append(b, 0xd0, byte(n))
	case n >= math.MinInt16:
		return binary.BigEndian.AppendUint16(append(b, 0xd1), uint16(n))
	case n >= math.MinInt32:
		return binary.BigEndian.AppendUint32(append(b, 0xd2), uint32(n))
	default:
		return binary.BigEndian.AppendUint64(append(b, 0xd3), uint64(n))
	}
}

// big reads n bytes as a number, high byte first.
func big(b []byte, n int) (uint64, []byte, bool) {
	if len(b) < n {
		return 0, nil, false
	}
	var u uint64
	for _, ch := range b[:n] {
		u = u<<8 | uint64(ch)
	}
	return u, b[n:], true
}

// unpack decodes one MessagePack value.
func unpack(l *lua.LState, b []byte, depth int) (v lua.LValue, rest []byte, ok bool) {
	if len(b) == 0 || depth > maxDepth {
		return nil, nil, false
	}
	t, b := b[0], b[1:]
	size := func(code byte) int { return 1 << code } // 1, 2, 4, 8 bytes
	switch {
	case t < 0x80:
		return lua.LNumber(t), b, true
	case t >= 0xe0:
		return lua.LNumber(int8(t)), b, true
	case t < 0x90:
		return unpackList(l, b, uint64(t&15), true, depth)
	case t < 0xa0:
		return unpackList(l, b, uint64(t&15), false, depth)
	case t < 0xc0:
		return unpackText(b, uint64(t&31))
	}
	var n uint64
	switch t {
	case 0xc0:
		return lua.LNil, b, true
	case 0xc2, 0xc3:
		return lua.LBool(t == 0xc3), b, true
	case 0xc4, 0xc5, 0xc6, 0xd9, 0xda, 0xdb:
		code := (t - 0xc4)
		if t >= 0xd9 {
			code = t - 0xd9
		}
		if n, b, ok = big(b, size(code)); !ok {
			return nil, nil, false
		}
		return unpackText(b, n)
	case 0xca, 0xcb:
		if n, b, ok = big(b, size(t-0xca+2)); !ok {
			return nil, nil, false
		}
		if t == 0xca {
			return lua.LNumber(math.Float32frombits(uint32(n))), b, true
		}
		return lua.LNumber(math.Float64frombits(n)), b, true
	case 0xcc, 0xcd, 0xce, 0xcf:
		n, b, ok = big(b, size(t-0xcc))
		return lua.LNumber(n), b, ok
	case 0xd0, 0xd1, 0xd2, 0xd3:
		k := size(t - 0xd0)
		n, b, ok = big(b, k)
		return lua.LNumber(int64(n<<(64-8*k)) >> (64 - 8*k)), b, ok
	case 0xdc, 0xdd, 0xde, 0xdf:
		if n, b, ok = big(b, 2<<(t&1)); !ok {
			return nil, nil, false
		}
		return unpackList(l, b, n, t >= 0xde, depth)
	}
	return nil, nil, false
}

// unpackText reads n bytes.
func unpackText(b []byte, n uint64) (lua.LValue, []byte, bool) {
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	return lua.LString(b[:n]), b[n:], true
}

// unpackList reads n elements, or n pairs.
func unpackList(l *lua.LState, b []byte, n uint64, pairs bool, depth int) (lua.LValue, []byte, bool) {
	if n > uint64(len(b)) {
		return nil, nil, false
	}
	t := l.NewTable()
	for i := uint64(1); i <= n; i++ {
		var k lua.LValue = lua.LNumber(i)
		var v lua.LValue
		var ok bool
		if pairs {
			if k, b, ok = unpack(l, b, depth+1); !ok {
				return nil, nil, false
			}
		}
		if v, b, ok = unpack(l, b, depth+1); !ok {
			return nil, nil, false
		}
		if f, isNumber := k.(lua.LNumber); k == lua.LNil || isNumber && f != f {
			return nil, nil, false
		}
		t.RawSet(k, v)
	}
	return t, b, true
}

// structLib is the library struct.
var structLib = map[string]lua.LGFunction{
	"pack":   structPack,
	"unpack": structUnpack,
	"size": func(l *lua.LState) int {
		n := 0
		ok := eachField(l.CheckString(1), func(f field) bool {
			if f.kind == 's' || f.kind == 'c' && f.size == 0 {
				l.RaiseError("variable-size format in sizeof")
			}
			n += f.pad(n) + f.size
			return true
		})
		if !ok {
			l.RaiseError("invalid format option")
		}
		l.Push(lua.LNumber(n))
		return 1
	},
}

// field is one item of a format.
type field struct {
	kind   byte // i I integers, f d floats, s string, c characters, x a zero byte
	size   int
	little bool
	align  int
}

// pad is how many bytes come before the field at an offset.
func (f *field) pad(at int) int {
	a := min(f.align, f.size)
	if a <= 1 || f.kind == 'c' || f.kind == 's' || f.kind == 'x' {
		return 0
	}
	return (a - at%a) % a
}

// eachField walks a format; false for a bad one or when f stops.
func eachField(format string, f func(field) bool) bool {
	little, align := true, 1
	number := func(i *int, none int) int {
		from := *i + 1
		for *i+1 < len(format) && format[*i+1] >= '0' && format[*i+1] <= '9' {
			*i++
		}
		n, err := strconv.Atoi(format[from : *i+1])
		if err != nil {
			return none
		}
		return n
	}
	sizes := map[byte]int{'b': 1, 'B': 1, 'h': 2, 'H': 2, 'l': 8, 'L': 8, 'T': 8, 'f': 4, 'd': 8, 'n': 8, 'x': 1}
	for i := 0; i < len(format); i++ {
		ch := format[i]
		x := field{kind: 'I', little: little, align: align, size: sizes[ch]}
		switch ch {
		case ' ':
			continue
		case '<', '>', '=':
			little = ch != '>'
			continue
		case '!':
			align = number(&i, 8)
			continue
		case 'b', 'h', 'l':
			x.kind = 'i'
		case 'B', 'H', 'L', 'T':
		case 'i', 'I':
			x.kind = ch
			if x.size = number(&i, 4); x.size < 1 || x.size > 8 {
				return false
			}
		case 'f':
			x.kind = 'f'
		case 'd', 'n':
			x.kind = 'd'
		case 'x':
			x.kind = 'x'
		case 's':
			x.kind = 's'
		case 'c':
			x.kind = 'c'
			x.size = number(&i, 1)
		default:
			return false
		}
		if !f(x) {
			return false
		}
	}
	return true
}

// structPack is struct.pack.
func structPack(l *lua.LState) int {
	var b []byte
	arg := 1
	ok := eachField(l.CheckString(1), func(f field) bool {
		b = append(b, make([]byte, f.pad(len(b)))...)
		if f.kind == 'x' {
			b = append(b, 0)
			return true
		}
		arg++
		switch f.kind {
		case 's':
			b = append(append(b, l.CheckString(arg)...), 0)
			return true
		case 'c':
			s := l.CheckString(arg)
			n := f.size
			if n == 0 {
				n = len(s)
			}
			if len(s) < n {
				l.RaiseError("string too short")
			}
			b = append(b, s[:n]...)
			return true
		}
		v := float64(l.CheckNumber(arg))
		u := uint64(int64(v))
		if v >= 1<<63 {
			u = uint64(v)
		}
		switch f.kind {
		case 'f':
			u = uint64(math.Float32bits(float32(v)))
		case 'd':
			u = math.Float64bits(v)
		}
		var room [8]byte
		for i := range f.size {
			at := i
			if !f.little {
				at = f.size - 1 - i
			}
			room[at] = byte(u >> (8 * i))
		}
		b = append(b, room[:f.size]...)
		return len(b) <= maxRepeat
	})
	if !ok {
		l.RaiseError("invalid format option")
	}
	l.Push(lua.LString(b))
	return 1
}

// structUnpack is struct.unpack: the values, then the position behind them.
func structUnpack(l *lua.LState) int {
	data, at := l.CheckString(2), max(l.OptInt(3, 1)-1, 0)
	n := 0
	var last lua.LValue
	ok := eachField(l.CheckString(1), func(f field) bool {
		at += f.pad(at)
		size := f.size
		if f.kind == 's' {
			if at > len(data) {
				l.RaiseError("data string too short")
			}
			size = strings.IndexByte(data[at:], 0) + 1
			if size == 0 {
				l.RaiseError("unfinished string in data")
			}
		}
		if f.kind == 'c' && size == 0 {
			k, isNumber := last.(lua.LNumber)
			if !isNumber || k < 0 || k > maxRepeat {
				l.RaiseError("format 'c0' needs a previous size")
			}
			size = int(k)
			n--
			l.Pop(1)
		}
		if size > len(data)-at || at > len(data) {
			l.RaiseError("data string too short")
		}
		part := data[at : at+size]
		at += size
		switch f.kind {
		case 'x':
			return true
		case 's':
			last = lua.LString(part[:size-1])
		case 'c':
			last = lua.LString(part)
		default:
			last = f.read(part)
		}
		l.Push(last)
		n++
		return n < 200
	})
	if !ok {
		l.RaiseError("invalid format option")
	}
	l.Push(lua.LNumber(at + 1))
	return n + 1
}

// read decodes a number.
func (f *field) read(part string) lua.LValue {
	var u uint64
	for i := range f.size {
		at := i
		if !f.little {
			at = f.size - 1 - i
		}
		u |= uint64(part[at]) << (8 * i)
	}
	switch f.kind {
	case 'f':
		return lua.LNumber(math.Float32frombits(uint32(u)))
	case 'd':
		return lua.LNumber(math.Float64frombits(u))
	case 'i':
		shift := 64 - 8*f.size
		return lua.LNumber(int64(u<<shift) >> shift)
	}
	return lua.LNumber(u)
}

package lua

import (
	"math"
	mathbits "math/bits"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// maxRepeat bounds what string.rep makes.
const maxRepeat = 64 << 20

// removed are functions of the base libraries that reach out of the script.
var removed = []string{"dofile", "loadfile", "print", "module", "require", "newproxy", "_printregs", "collectgarbage", "getfenv", "setfenv"}

// open gives a state its libraries.
func open(l *lua.LState, s *Script, do Command) {
	for _, lib := range []struct {
		name string
		open lua.LGFunction
	}{{lua.BaseLibName, lua.OpenBase}, {lua.TabLibName, lua.OpenTable}, {lua.StringLibName, lua.OpenString}, {lua.MathLibName, lua.OpenMath}} {
		l.Push(l.NewFunction(lib.open))
		l.Push(lua.LString(lib.name))
		l.Call(1, 0)
	}
	g := l.G.Global
	for _, name := range removed {
		g.RawSetString(name, lua.LNil)
	}
	if t, ok := g.RawGetString("string").(*lua.LTable); ok {
		t.RawSetString("rep", l.NewFunction(repeat))
		t.RawSetString("dump", lua.LNil)
	}
	clock := l.NewTable()
	clock.RawSetString("clock", l.NewFunction(func(l *lua.LState) int { l.Push(lua.LNumber(0)); return 1 }))
	g.RawSetString("os", clock)
	g.RawSetString("redis", l.SetFuncs(l.NewTable(), redisLib(s, do)))
	t := g.RawGetString("redis").(*lua.LTable)
	for i, name := range []string{"LOG_DEBUG", "LOG_VERBOSE", "LOG_NOTICE", "LOG_WARNING"} {
		t.RawSetString(name, lua.LNumber(i))
	}
	g.RawSetString("cjson", l.SetFuncs(l.NewTable(), jsonLib))
	null := l.NewUserData()
	g.RawGetString("cjson").(*lua.LTable).RawSetString("null", null)
	g.RawSetString("cmsgpack", l.SetFuncs(l.NewTable(), packLib))
	g.RawSetString("bit", l.SetFuncs(l.NewTable(), bitLib))
	g.RawSetString("struct", l.SetFuncs(l.NewTable(), structLib))
}

// protect refuses new globals and reads of absent ones.
func protect(l *lua.LState) {
	m := l.NewTable()
	m.RawSetString("__newindex", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError("Attempt to modify a readonly table")
		return 0
	}))
	m.RawSetString("__index", l.NewFunction(func(l *lua.LState) int {
		l.RaiseError("Script attempted to access nonexistent global variable '%s'", l.Get(2).String())
		return 0
	}))
	m.RawSetString("__metatable", lua.LFalse)
	l.G.Global.Metatable = m
}

// repeat is string.rep with a bound.
func repeat(l *lua.LState) int {
	s, n := l.CheckString(1), l.CheckInt(2)
	if n > 0 && len(s) > maxRepeat/n {
		l.RaiseError("resulting string too large")
	}
	l.Push(lua.LString(strings.Repeat(s, max(n, 0))))
	return 1
}

// redisLib is the library redis.
func redisLib(s *Script, do Command) map[string]lua.LGFunction {
	run := func(l *lua.LState) op.Value {
		n := l.GetTop()
		if n == 0 {
			return op.ErrorText("ERR Please specify at least one argument for this redis.call() call")
		}
		args := make([][]byte, n)
		for i := range args {
			switch v := l.Get(i + 1).(type) {
			case lua.LString:
				args[i] = []byte(v)
			case lua.LNumber:
				args[i] = number(v)
			default:
				return op.ErrorText("ERR Lua redis lib command arguments must be strings or integers")
			}
		}
		return do(args)
	}
	return map[string]lua.LGFunction{
		"call": func(l *lua.LState) int {
			v := fromValue(l, run(l))
			if t, ok := v.(*lua.LTable); ok && t.RawGetString("err") != lua.LNil {
				l.Error(t, 0)
			}
			l.Push(v)
			return 1
		},
		"pcall": func(l *lua.LState) int { l.Push(fromValue(l, run(l))); return 1 },
		"error_reply": func(l *lua.LState) int {
			text := strings.TrimPrefix(l.CheckString(1), "-")
			return single(l, "err", text)
		},
		"status_reply":       func(l *lua.LState) int { return single(l, "ok", l.CheckString(1)) },
		"sha1hex":            func(l *lua.LState) int { l.Push(lua.LString(Digest([]byte(l.CheckString(1))))); return 1 },
		"log":                func(l *lua.LState) int { return 0 },
		"replicate_commands": func(l *lua.LState) int { l.Push(lua.LTrue); return 1 },
		"set_repl":           func(l *lua.LState) int { return 0 },
		"breakpoint":         func(l *lua.LState) int { l.Push(lua.LFalse); return 1 },
		"setresp": func(l *lua.LState) int {
			if l.CheckInt(1) != 2 {
				l.RaiseError("RESP version 3 is not supported in scripts")
			}
			return 0
		},
	}
}

// number writes a number as an argument of a command: integers without a
// fraction, others with 17 digits.
func number(n lua.LNumber) []byte {
	f := float64(n)
	if f == math.Trunc(f) && math.Abs(f) < 1<<63 {
		return strconv.AppendInt(nil, int64(f), 10)
	}
	return strconv.AppendFloat(nil, f, 'g', 17, 64)
}

// single makes a table with one field.
func single(l *lua.LState, field, text string) int {
	t := l.NewTable()
	t.RawSetString(field, lua.LString(text))
	l.Push(t)
	return 1
}

// bitLib is the library bit: 32-bit operations.
var bitLib = map[string]lua.LGFunction{
	"tobit":   func(l *lua.LState) int { return pushBits(l, bits(l, 1)) },
	"bnot":    func(l *lua.LState) int { return pushBits(l, ^bits(l, 1)) },
	"band":    fold(func(a, b uint32) uint32 { return a & b }),
	"bor":     fold(func(a, b uint32) uint32 { return a | b }),
	"bxor":    fold(func(a, b uint32) uint32 { return a ^ b }),
	"lshift":  func(l *lua.LState) int { return pushBits(l, bits(l, 1)<<(bits(l, 2)&31)) },
	"rshift":  func(l *lua.LState) int { return pushBits(l, bits(l, 1)>>(bits(l, 2)&31)) },
	"arshift": func(l *lua.LState) int { return pushBits(l, uint32(int32(bits(l, 1))>>(bits(l, 2)&31))) },
	"rol":     func(l *lua.LState) int { return pushBits(l, rotate(bits(l, 1), bits(l, 2))) },
	"ror":     func(l *lua.LState) int { return pushBits(l, rotate(bits(l, 1), -bits(l, 2))) },
	"bswap": func(l *lua.LState) int {
		b := bits(l, 1)
		return pushBits(l, b<<24|b>>24|b<<8&0xff0000|b>>8&0xff00)
	},
	"tohex": func(l *lua.LState) int {
		n := l.OptInt(2, 8)
		text := strconv.FormatUint(uint64(bits(l, 1))|1<<32, 16)[1:]
		if n < 0 {
			n, text = -n, strings.ToUpper(text)
		}
		l.Push(lua.LString(text[8-min(n, 8):]))
		return 1
	},
}

// rotate turns 32 bits to the left.
func rotate(b, n uint32) uint32 { return mathbits.RotateLeft32(b, int(n&31)) }

// bits reads a number as 32 bits.
func bits(l *lua.LState, i int) uint32 {
	f := math.Mod(math.Round(float64(l.CheckNumber(i))), 1<<32)
	return uint32(int64(f))
}

// pushBits returns 32 bits as a signed number.
func pushBits(l *lua.LState, b uint32) int { l.Push(lua.LNumber(int32(b))); return 1 }

// fold applies an operation to all arguments.
func fold(f func(a, b uint32) uint32) lua.LGFunction {
	return func(l *lua.LState) int {
		out := bits(l, 1)
		for i := 2; i <= l.GetTop(); i++ {
			out = f(out, bits(l, i))
		}
		return pushBits(l, out)
	}
}

package lua

import (
	"bytes"
	"encoding/json"
	"math"
	"sort"
	"strconv"

	lua "github.com/yuin/gopher-lua"
)

// jsonLib is the library cjson.
var jsonLib = map[string]lua.LGFunction{
	"encode": func(l *lua.LState) int {
		b, ok := appendJSON(nil, l.Get(1), 0)
		if !ok {
			l.RaiseError("Cannot serialise %s", string(b))
		}
		l.Push(lua.LString(b))
		return 1
	},
	"decode": func(l *lua.LState) int {
		d := json.NewDecoder(bytes.NewReader([]byte(l.CheckString(1))))
		d.UseNumber()
		v, err := decodeJSON(l, d, 0)
		if err == nil && d.More() {
			l.RaiseError("Expected the end but found invalid token")
		}
		if err != nil {
			l.RaiseError("Expected value but found invalid token: %s", err.Error())
		}
		l.Push(v)
		return 1
	},
	"encode_keep_buffer":     func(l *lua.LState) int { return 0 },
	"encode_max_depth":       func(l *lua.LState) int { return 0 },
	"decode_max_depth":       func(l *lua.LState) int { return 0 },
	"encode_invalid_numbers": func(l *lua.LState) int { return 0 },
	"decode_invalid_numbers": func(l *lua.LState) int { return 0 },
}

// appendJSON encodes a value; false with the reason when it cannot.
func appendJSON(b []byte, v lua.LValue, depth int) ([]byte, bool) {
	switch v := v.(type) {
	case *lua.LNilType:
		return append(b, "null"...), true
	case *lua.LUserData: // cjson.null
		return append(b, "null"...), true
	case lua.LBool:
		return strconv.AppendBool(b, bool(v)), true
	case lua.LNumber:
		return appendNumber(b, float64(v))
	case lua.LString:
		return appendText(b, string(v)), true
	case *lua.LTable:
		if depth > maxDepth {
			return []byte("table: too deep"), false
		}
		if n, array := arrayLen(v); array {
			b = append(b, '[')
			for i := 1; i <= n; i++ {
				if i > 1 {
					b = append(b, ',')
				}
				var ok bool
				if b, ok = appendJSON(b, v.RawGetInt(i), depth+1); !ok {
					return b, false
				}
			}
			return append(b, ']'), true
		}
		return appendObject(b, v, depth)
	}
	return []byte(v.Type().String() + ": type not supported"), false
}

// appendNumber encodes a number with 14 digits, as cjson does.
func appendNumber(b []byte, f float64) ([]byte, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return []byte("number: must not be NaN or Inf"), false
	}
	if f == math.Trunc(f) && math.Abs(f) < 1e14 {
		return strconv.AppendInt(b, int64(f), 10), true
	}
	return append(b, formatG(f)...), true
}

// formatG is C's %.14g.
func formatG(f float64) string {
	s := strconv.FormatFloat(f, 'e', 13, 64)
	mantissa, exponent := s[:len(s)-4], s[len(s)-4:]
	if i := bytes.IndexByte([]byte(s), 'e'); i >= 0 {
		mantissa, exponent = s[:i], s[i:]
	}
	exp, _ := strconv.Atoi(exponent[1:])
	if exp >= -5 && exp < 14 {
		s = strconv.FormatFloat(f, 'f', 13-exp, 64)
		if bytes.IndexByte([]byte(s), '.') >= 0 {
			s = string(bytes.TrimRight(bytes.TrimRight([]byte(s), "0"), "."))
		}
		return s
	}
	return string(bytes.TrimRight(bytes.TrimRight([]byte(mantissa), "0"), ".")) + exponent
}

// appendObject encodes a table as an object, keys in order.
func appendObject(b []byte, t *lua.LTable, depth int) ([]byte, bool) {
	type pair struct {
		k string
		v lua.LValue
	}
	var list []pair
	why := ""
	t.ForEach(func(k, v lua.LValue) {
		switch k := k.(type) {
		case lua.LString:
			list = append(list, pair{string(k), v})
		case lua.LNumber:
			list = append(list, pair{formatG(float64(k)), v})
		default:
			why = "table key must be a number or string"
		}
	})
	if why != "" {
		return []byte("table: " + why), false
	}
	sort.Slice(list, func(i, j int) bool { return list[i].k < list[j].k })
	b = append(b, '{')
	for i, p := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendText(b, p.k), ':')
		var ok bool
		if b, ok = appendJSON(b, p.v, depth+1); !ok {
			return b, false
		}
	}
	return append(b, '}'), true
}

// arrayLen is the length of a table that is an array: keys from 1 on, few gaps,
// not empty.
func arrayLen(t *lua.LTable) (int, bool) {
	n, count, array := 0, 0, true
	t.ForEach(func(k, _ lua.LValue) {
		f, ok := k.(lua.LNumber)
		if !ok || f < 1 || float64(f) != math.Trunc(float64(f)) || f > 1<<31 {
			array = false
			return
		}
		n = max(n, int(f))
		count++
	})
	return n, array && count > 0 && (n <= 10 || n <= 2*count)
}

// appendText encodes a string; bytes that are not UTF-8 stay as they are.
func appendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := 0; i < len(s); i++ {
		switch ch := s[i]; ch {
		case '"', '\\', '/':
			b = append(b, '\\', ch)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			if ch < ' ' || ch == 0x7f {
				b = append(b, '\\', 'u', '0', '0', hex[ch>>4], hex[ch&15])
				continue
			}
			b = append(b, ch)
		}
	}
	return append(b, '"')
}

// decodeJSON reads one value.
func decodeJSON(l *lua.LState, d *json.Decoder, depth int) (lua.LValue, error) {
	t, err := d.Token()
	if err != nil {
		return lua.LNil, err
	}
	switch t := t.(type) {
	case nil:
		return l.G.Global.RawGetString("cjson").(*lua.LTable).RawGetString("null"), nil
	case bool:
		return lua.LBool(t), nil
	case string:
		return lua.LString(t), nil
	case json.Number:
		f, err := t.Float64()
		return lua.LNumber(f), err
	case json.Delim:
		if depth > 1000 {
			return lua.LNil, strconv.ErrRange
		}
		out := l.NewTable()
		for i := 1; d.More(); i++ {
			if t == '{' {
				k, err := d.Token()
				if err != nil {
					return lua.LNil, err
				}
				name, _ := k.(string)
				v, err := decodeJSON(l, d, depth+1)
				if err != nil {
					return lua.LNil, err
				}
				out.RawSetString(name, v)
				continue
			}
			v, err := decodeJSON(l, d, depth+1)
			if err != nil {
				return lua.LNil, err
			}
			out.RawSetInt(i, v)
		}
		_, err := d.Token() // the closing one
		return out, err
	}
	return lua.LNil, strconv.ErrSyntax
}

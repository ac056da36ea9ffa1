package funcs

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Kind tells what an entry of a function table is.
type Kind uint8

// Entry kinds.
const (
	Scalar    Kind = iota
	Aggregate      // also usable as a window function
	Window         // window function only
	SetOf          // returns rows: the template yields a JSON array
)

// Func is one overload of a function or operator. The tables are texts of one
// entry a line:
//
//	name(argtype, argtype, …) rettype = template | flags
//
// Operators are entries whose name is the operator word of tree.Binary
// ("||", "->", "+" …). Argument types are type names, "any" (no conversion),
// "anyarray", "anyelement"; a last argument followed by "..." repeats; an
// argument followed by "?" may be left out. The result may be "#0" (type of
// argument 0), "#0[]" (array of it) or "#0e" (element type of array argument 0).
// The template is SQLite text: {0} {1} … are the lowered arguments, {*} all of
// them, comma separated, {t0} the type code of argument 0, {env:x} the session
// fact x as a bound parameter. A template that is one word is a SQLite function
// called with all arguments. In aggregates @f(…) is an aggregate call: DISTINCT,
// ORDER BY, FILTER and OVER of the SQL call are put in there.
// Flags: agg, window, srf, volatile, cols=name:type,… (columns of a set), norm
// (an aggregate that ignores ORDER BY).
type Func struct {
	Name     string
	Args     []op.Type
	Any      []byte // for each argument: 0 typed, 'a' any, 'r' anyarray, 'e' anyelement
	Optional int    // how many trailing arguments may be left out
	Variadic bool
	Ret      op.Type
	RetArg   int // >= 0: result type follows argument RetArg
	RetForm  byte
	Template string
	Kind     Kind
	Volatile bool
	Cols     []Col
}

// Col is one column of a set-returning function.
type Col struct {
	Name string
	Type op.Type
}

// Table maps a name to its overloads.
type Table map[string][]*Func

// parseTable reads the text form of a table. It panics on a malformed line:
// the texts are part of the program and covered by a test.
func parseTable(texts ...string) Table {
	t := Table{}
	for _, text := range texts {
		for _, line := range strings.Split(text, "\n") {
			line = strings.TrimSpace(line)
			if line == "" || strings.HasPrefix(line, "--") {
				continue
			}
			f := parseFunc(line)
			t[f.Name] = append(t[f.Name], f)
		}
	}
	return t
}

// parseFunc reads one line of a table.
func parseFunc(line string) *Func {
	bad := func() { panic("funcs: bad table line: " + line) }
	f := &Func{RetArg: -1}
	sig, rest, ok := strings.Cut(line, " = ")
	if !ok {
		bad()
	}
	if i := strings.LastIndex(rest, " | "); i >= 0 {
		f.flags(rest[i+3:])
		rest = rest[:i]
	}
	f.Template = strings.TrimSpace(rest)
	open, end := strings.LastIndexByte(sig, '('), strings.LastIndexByte(sig, ')')
	if i := strings.IndexByte(sig, '('); i > 0 {
		open = i
	}
	if open < 1 || end < open {
		bad()
	}
	f.Name = sig[:open]
	for _, a := range strings.Split(sig[open+1:end], ",") {
		if a = strings.TrimSpace(a); a != "" {
			f.arg(a, bad)
		}
	}
	f.result(strings.TrimSpace(sig[end+1:]), bad)
	return f
}

// arg reads one argument type.
func (f *Func) arg(a string, bad func()) {
	if s, ok := strings.CutSuffix(a, "..."); ok {
		f.Variadic, a = true, s
	}
	if s, ok := strings.CutSuffix(a, "?"); ok {
		f.Optional++
		a = s
	}
	kind := map[string]byte{"any": 'a', "anyarray": 'r', "anyelement": 'e'}[a]
	t, ok := TypeByName(a)
	if kind == 0 && !ok {
		bad()
	}
	f.Args = append(f.Args, t)
	f.Any = append(f.Any, kind)
}

// result reads the result type.
func (f *Func) result(r string, bad func()) {
	if strings.HasPrefix(r, "#") {
		f.RetArg = int(r[1] - '0')
		switch r[2:] {
		case "[]":
			f.RetForm = 'r'
		case "e":
			f.RetForm = 'e'
		}
		return
	}
	t, ok := TypeByName(r)
	if !ok {
		bad()
	}
	f.Ret = t
}

// flags reads the words after the bar.
func (f *Func) flags(s string) {
	for _, w := range strings.Fields(s) {
		switch {
		case w == "agg":
			f.Kind = Aggregate
		case w == "window":
			f.Kind = Window
		case w == "srf":
			f.Kind = SetOf
		case w == "volatile":
			f.Volatile = true
		case strings.HasPrefix(w, "cols="):
			for _, c := range strings.Split(w[5:], ",") {
				n, ty, _ := strings.Cut(c, ":")
				t, ok := TypeByName(ty)
				if !ok {
					panic("funcs: bad column in " + w)
				}
				f.Cols = append(f.Cols, Col{n, t})
			}
		default:
			panic(fmt.Sprintf("funcs: unknown flag %q of %s", w, f.Name))
		}
	}
}

// Result returns the result type for actual argument types.
func (f *Func) Result(args []op.Type) op.Type {
	if f.RetArg < 0 || f.RetArg >= len(args) {
		return f.Ret
	}
	t := args[f.RetArg]
	if t.Base == op.TUnknown {
		t.Base = op.TString
	}
	switch f.RetForm {
	case 'r':
		t.Array, t.Size, t.Scale = true, 0, 0
	case 'e':
		t.Array = false
	}
	return t
}

// Arg returns the declared type and kind of argument i, repeating the last.
func (f *Func) Arg(i int) (op.Type, byte) {
	if i >= len(f.Args) {
		i = len(f.Args) - 1
	}
	return f.Args[i], f.Any[i]
}

// Takes tells whether n arguments fit.
func (f *Func) Takes(n int) bool {
	if f.Variadic {
		return n >= len(f.Args)-1
	}
	return n <= len(f.Args) && n >= len(f.Args)-f.Optional
}

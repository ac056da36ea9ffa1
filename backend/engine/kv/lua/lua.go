// Package lua runs the scripts of EVAL in a closed Lua 5.1: no files, no
// processes, no modules, a time limit and libraries that cannot be changed for
// others, because every run has a state of its own. It knows nothing of keys:
// the caller executes the commands.
package lua

import (
	"context"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// maxScripts bounds the scripts that are remembered by their digest.
const maxScripts = 10_000

// Script is a compiled script.
type Script struct {
	Digest   string
	ReadOnly bool // its first line says no-writes
	proto    *lua.FunctionProto
}

// Cache remembers scripts by digest, as EVALSHA needs, and the runs at work, as
// SCRIPT KILL does.
type Cache struct {
	mu      sync.Mutex
	scripts map[string]*Script
	running map[int]context.CancelCauseFunc
	next    int
}

// NewCache makes an empty cache.
func NewCache() *Cache {
	return &Cache{scripts: map[string]*Script{}, running: map[int]context.CancelCauseFunc{}}
}

// Digest is the name of a script's text.
func Digest(text []byte) string {
	sum := sha1.Sum(text)
	return hex.EncodeToString(sum[:])
}

// Find returns a script by digest, nil when it is not known.
func (c *Cache) Find(digest string) *Script {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.scripts[strings.ToLower(digest)]
}

// Load compiles a text and remembers it.
func (c *Cache) Load(text []byte) (*Script, error) {
	digest := Digest(text)
	if s := c.Find(digest); s != nil {
		return s, nil
	}
	s := &Script{Digest: digest}
	body := string(text)
	if head, rest, found := strings.Cut(body, "\n"); strings.HasPrefix(head, "#!") {
		if err := s.shebang(head); err != nil {
			return nil, err
		}
		body = ""
		if found {
			body = "\n" + rest
		}
	}
	chunk, err := parse.Parse(strings.NewReader(body), "user_script")
	if err == nil {
		s.proto, err = lua.Compile(chunk, "user_script")
	}
	if err != nil {
		return nil, op.Errorf(op.Syntax, "ERR Error compiling script (new function): %s", strings.TrimSpace(err.Error()))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.scripts) >= maxScripts {
		for d := range c.scripts { // any: a client that is told NOSCRIPT sends the text again
			delete(c.scripts, d)
			break
		}
	}
	c.scripts[digest] = s
	return s, nil
}

// shebang reads the first line of a script: #!lua flags=a,b.
func (s *Script) shebang(line string) error {
	words := strings.Fields(line[2:])
	if len(words) == 0 || words[0] != "lua" {
		return op.Errorf(op.Unsupported, "ERR Unexpected engine in script shebang: %s", strings.TrimPrefix(line, "#!"))
	}
	for _, w := range words[1:] {
		flags, ok := strings.CutPrefix(w, "flags=")
		if !ok {
			return op.Errorf(op.InvalidArgument, "ERR Unknown lua shebang option: %s", w)
		}
		for _, f := range strings.Split(flags, ",") {
			switch f {
			case "no-writes":
				s.ReadOnly = true
			case "allow-oom", "allow-stale", "allow-cross-slot-keys", "no-cluster", "":
			default:
				return op.Errorf(op.InvalidArgument, "ERR Unexpected flag in script shebang: %s", f)
			}
		}
	}
	return nil
}

// Flush forgets all scripts.
func (c *Cache) Flush() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.scripts)
}

// stopped is why a run was ended, in the words clients know.
type stopped string

// Error implements error.
func (s stopped) Error() string { return string(s) }

// ErrKilled ends a run from outside.
const ErrKilled = stopped("Script killed by user with SCRIPT KILL.")

// Kill ends every run at work; false when there is none.
func (c *Cache) Kill() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, end := range c.running {
		end(ErrKilled)
	}
	return len(c.running) > 0
}

// enter notes a run; the returned function ends it.
func (c *Cache) enter(ctx context.Context) (context.Context, func()) {
	ctx, end := context.WithCancelCause(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next++
	n := c.next
	c.running[n] = end
	return ctx, func() {
		c.mu.Lock()
		delete(c.running, n)
		c.mu.Unlock()
		end(nil)
	}
}

// Command executes one command of a script. Errors of commands are values of
// kind KindErrorText.
type Command func(args [][]byte) op.Value

// Run executes a script. An error it raises is a value (KindErrorText): what it
// did before stays done. A run that was ended from outside, by ctx or Kill, is
// an error: all it did must be undone.
func (c *Cache) Run(ctx context.Context, s *Script, keys, args [][]byte, do Command) (op.Value, error) {
	ctx, leave := c.enter(ctx)
	defer leave()
	l := lua.NewState(lua.Options{SkipOpenLibs: true, CallStackSize: 200, RegistrySize: 1024, RegistryMaxSize: 256 * 1024, RegistryGrowStep: 4096})
	defer l.Close()
	l.SetContext(ctx)
	open(l, s, do)
	l.G.Global.RawSetString("KEYS", list(l, keys))
	l.G.Global.RawSetString("ARGV", list(l, args))
	protect(l)
	l.Push(l.NewFunctionFromProto(s.proto))
	err := l.PCall(0, 1, nil)
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		if cause == context.DeadlineExceeded {
			cause = stopped("Script ran longer than its time limit and was undone.")
		}
		return op.Null, op.Errorf(op.Canceled, "ERR Error running script (user_script): %s", cause)
	}
	if err != nil {
		return op.ErrorText(failure(err, s)), nil
	}
	return toValue(l, l.Get(-1), 0), nil
}

// failure is the error line of a script that raised an error.
func failure(err error, s *Script) string {
	var api *lua.ApiError
	where := fmt.Sprintf(" script: %s, on @user_script:1.", s.Digest)
	if !errors.As(err, &api) {
		return "ERR " + oneLine(err.Error()) + where
	}
	if t, ok := api.Object.(*lua.LTable); ok {
		if text, ok := t.RawGetString("err").(lua.LString); ok {
			return string(text) + where
		}
		return "ERR unknown error" + where
	}
	return "ERR " + oneLine(api.Object.String()) + where
}

// oneLine cuts a text at its first line end.
func oneLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return s
}

// list makes an array of strings.
func list(l *lua.LState, vs [][]byte) *lua.LTable {
	t := l.CreateTable(len(vs), 0)
	for i, v := range vs {
		t.RawSetInt(i+1, lua.LString(v))
	}
	return t
}

// maxDepth bounds nested tables in values.
const maxDepth = 100

// toValue turns a script's result into a reply, as Redis does.
func toValue(l *lua.LState, v lua.LValue, depth int) op.Value {
	switch v := v.(type) {
	case lua.LBool:
		if v {
			return op.Int64(1)
		}
	case lua.LNumber:
		return op.Int64(integer(v))
	case lua.LString:
		return op.Bytes([]byte(v))
	case *lua.LTable:
		if depth > maxDepth {
			return op.ErrorText("ERR reached lua stack limit")
		}
		if e, ok := v.RawGetString("err").(lua.LString); ok {
			return op.ErrorText(strings.TrimPrefix(string(e), "-"))
		}
		if s, ok := v.RawGetString("ok").(lua.LString); ok {
			return op.Text(string(s))
		}
		if f, ok := v.RawGetString("double").(lua.LNumber); ok {
			return op.Float64(float64(f))
		}
		out := []op.Value{}
		for i := 1; ; i++ {
			e := v.RawGetInt(i)
			if e == lua.LNil {
				return op.Array(out...)
			}
			out = append(out, toValue(l, e, depth+1))
		}
	}
	return op.Null
}

// integer cuts a number as C's conversion does, within the range of integers.
func integer(n lua.LNumber) int64 {
	switch f := float64(n); {
	case f != f, f >= 1<<63, f < -1<<63:
		return -1 << 63
	default:
		return int64(f)
	}
}

// fromValue turns a reply into what redis.call returns.
func fromValue(l *lua.LState, v op.Value) lua.LValue {
	switch v.Kind {
	case op.KindNull:
		return lua.LFalse
	case op.KindBool, op.KindInt32, op.KindInt64, op.KindUint64, op.KindTime:
		return lua.LNumber(v.Int())
	case op.KindText:
		t := l.NewTable()
		t.RawSetString("ok", lua.LString(v.Raw))
		return t
	case op.KindErrorText:
		t := l.NewTable()
		t.RawSetString("err", lua.LString(v.Raw))
		return t
	case op.KindArray, op.KindMap, op.KindSet:
		vs := v.List()
		t := l.CreateTable(len(vs), 0)
		for i := range vs {
			t.RawSetInt(i+1, fromValue(l, vs[i]))
		}
		return t
	}
	return lua.LString(v.Raw)
}

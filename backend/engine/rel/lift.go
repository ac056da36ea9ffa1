package rel

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/bind"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/mysql"
	"github.com/dot-do/dotdo-proxy/backend/sql/postgres"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// Statements that differ in literals only share a template: one parse and one
// plan serve them all. See backend/sql/bind/lift.go for what may be lifted and
// docs/performance.md for what it saves.

// shape is what the parse cache knows of a template; template is nil when its
// statements are to be parsed one by one.
type shape struct {
	template *rel.Template
	returns  bool
	uses     []rel.TableUse
}

// shapes is the cache of templates.
type shapes struct {
	mu sync.RWMutex
	m  map[string]*shape
}

// scan splits a text by its dialect's lexer.
func scan(p *rel.Parse, out *sql.Scan) bool {
	if len(p.Text) > maxCachedText {
		return false
	}
	ok := false
	switch p.Dialect {
	case rel.Postgres:
		ok = postgres.Scan(p.Text, out)
	case rel.MySQL:
		ok = mysql.Scan(p.Text, out)
	}
	if !ok {
		return false
	}
	out.Key = append(append(append(out.Key, 0, byte(p.Dialect)), p.SQLMode...), 0)
	return true
}

// lifted is a statement of a known template in one allocation.
type lifted struct {
	st   rel.Stmt
	list [1]*rel.Stmt
	lits [4]op.Value
}

// get returns the statement of a text whose template is known.
func (c *shapes) get(p *rel.Parse, s *sql.Scan) (list []*rel.Stmt, known bool) {
	c.mu.RLock()
	sh := c.m[string(s.Key)]
	c.mu.RUnlock()
	if sh == nil {
		return nil, false
	}
	if sh.template == nil {
		return nil, true
	}
	l := &lifted{}
	l.st.Dialect, l.st.Text, l.st.SQLMode, l.st.Returns, l.st.Uses = p.Dialect, trimmed(p), p.SQLMode, sh.returns, sh.uses
	l.st.Template, l.st.Lits = sh.template, append(l.lits[:0], s.Values...)
	l.list[0] = &l.st
	return l.list[:], true
}

// trimmed is the text of the only statement of a text, as the parsers cut it.
func trimmed(p *rel.Parse) string {
	s := p.Text
	if p.Dialect == rel.MySQL {
		s = strings.TrimLeft(s, " \t\r\n")
	}
	return strings.TrimRight(s, " \t\r\n;")
}

// put remembers the template of a text that gave list.
func (c *shapes) put(s *sql.Scan, list []*rel.Stmt) {
	sh := &shape{}
	if len(list) == 1 && list[0].Kind == rel.KindData && list[0].Session == nil && list[0].Params == 0 {
		key := string(s.Key)
		sh.template, sh.returns, sh.uses = &rel.Template{Key: key}, list[0].Returns, list[0].Uses
		list[0].Template, list[0].Lits = sh.template, slices.Clone(s.Values)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.m == nil || len(c.m) >= maxParsed {
		c.m = map[string]*shape{}
	}
	c.m[string(s.Key)] = sh
}

// family is the plans of one template for one catalog and session facts: one
// for each combination of values of its fixed literals.
type family struct {
	attached
	fixed []int
	only  *compiled // without fixed literals
	mu    sync.Mutex
	plans map[string]*compiled
}

// maxFamily bounds the plans of a template. More say that the template has
// literals that had better stay in the text.
const maxFamily = 64

// liftedPlan returns the plan of a statement with a template and its
// arguments; nil when the statement is to be compiled by itself.
func (e *Engine) liftedPlan(cat *catalog.Snapshot, local *sync.Map, st *rel.Stmt, env *rel.Env) (*compiled, []op.Value) {
	f, ok := st.Template.Plan().(*family)
	if !ok || !f.fits(cat, env) {
		f = e.family(cat, local, st, env)
		st.Template.SetPlan(f)
	}
	c := f.only
	if c == nil {
		if len(f.fixed) == 0 {
			return nil, nil
		}
		if c = f.find(cat, st, env); c == nil {
			return nil, nil
		}
	}
	args, ok := c.Plan.Args(st.Lits)
	if !ok {
		return nil, nil
	}
	return c, args
}

// family finds or makes the plans of a template for an object.
func (e *Engine) family(cat *catalog.Snapshot, local *sync.Map, st *rel.Stmt, env *rel.Env) *family {
	v, _ := local.LoadOrStore(planKey{}, &planCache{})
	cache := v.(*planCache)
	key := envKey(env) + st.Template.Key
	if f := cache.family(cat, key); f != nil {
		return f
	}
	f := &family{attached: attach(cat, env, nil)}
	if c := compileLifted(cat, st, env); c != nil {
		if f.fixed = c.Fixed; len(f.fixed) == 0 {
			f.only = c
		} else {
			f.plans = map[string]*compiled{f.key(st.Lits): c}
		}
	}
	cache.putFamily(cat, key, f)
	return f
}

// key is the values of the fixed literals.
func (f *family) key(lits []op.Value) string {
	var b []byte
	for _, i := range f.fixed {
		if v := lits[i]; v.Kind == op.KindInt64 {
			b = strconv.AppendInt(b, v.Int(), 10)
		} else {
			b = append(strconv.AppendInt(append(b, '\''), int64(len(v.Raw)), 10), v.Raw...)
		}
		b = append(b, 0)
	}
	return string(b)
}

// find returns the plan for a statement's fixed literals, nil for none.
func (f *family) find(cat *catalog.Snapshot, st *rel.Stmt, env *rel.Env) *compiled {
	f.mu.Lock()
	defer f.mu.Unlock()
	key := f.key(st.Lits)
	c, known := f.plans[key]
	if known || len(f.plans) >= maxFamily {
		return c
	}
	if c = compileLifted(cat, st, env); c != nil {
		for _, i := range c.Fixed {
			if !slices.Contains(f.fixed, i) { // another value at its place would go unnoticed
				c = nil
				break
			}
		}
	}
	f.plans[key] = c
	return c
}

// compileLifted compiles a statement with its literals as arguments, nil when
// that cannot be done. The plan must be the plain one but for the literals.
func compileLifted(cat *catalog.Snapshot, st *rel.Stmt, env *rel.Env) *compiled {
	s := sql.Scans.Get().(*sql.Scan)
	defer sql.Scans.Put(s)
	if !scan(&rel.Parse{Dialect: st.Dialect, Text: st.Text, SQLMode: st.SQLMode}, s) {
		return nil
	}
	one := func(lift int) *sql.Plan {
		n, err := convert(st)
		if lift > 0 && st.Dialect == rel.MySQL {
			n, err = convertMarked(st, s)
		}
		if err != nil {
			return nil
		}
		if lift > 0 && st.Dialect == rel.Postgres {
			number(n, st.Text, s)
		}
		ctx := bindContext(cat, st.Dialect, env)
		ctx.Lift = lift
		p, err := bind.Compile(n, ctx)
		if err != nil {
			return nil
		}
		return p
	}
	p, plain := one(len(s.Spans)), one(0)
	if p == nil || plain == nil || !sameBut(p, plain, s.Values) {
		return nil
	}
	return newCompiled(p)
}

// number tells the constants of a tree which literals they are.
func number(n tree.Node, text string, s *sql.Scan) {
	at := map[int]int{}
	runes, from := 1, 0
	place := func(to int) int {
		for range text[from:to] {
			runes++
		}
		from = to
		return runes
	}
	for i, sp := range s.Spans {
		if sp.Sign >= 0 {
			at[place(sp.Sign)] = -i - 1
		}
		at[place(sp.At)] = i + 1
	}
	tree.Walk(n, func(x any) {
		k, ok := x.(*tree.Const)
		if !ok || k.Pos == 0 || at[k.Pos] == 0 {
			return
		}
		i := at[k.Pos]
		lit := max(i, -i)
		v, neg := s.Values[lit-1], i < 0
		if neg {
			v, _ = bind.Negate(v)
		}
		if k.Value.Kind == v.Kind && k.Value.Num == v.Num && k.Value.Str() == v.Str() && k.Type == (op.Type{Base: literalTypes[s.Spans[lit-1].Kind]}) {
			k.Lit, k.Neg = lit, neg
		}
	})
}

// convertMarked is convert for a grammar that does not tell where its constants
// stand: it converts the text with a mark in place of each literal, by which the
// constant is known again, and puts the literals back. Literals in the text of
// an output column, which names it, stay constants.
func convertMarked(st *rel.Stmt, s *sql.Scan) (tree.Node, error) {
	var b strings.Builder
	at, marks, texts := 0, make([]string, len(s.Spans)), make([]string, len(s.Spans))
	byValue := map[string]int{}
	for i, sp := range s.Spans {
		m := strconv.Itoa(1900000000 + i)
		switch sp.Kind {
		case sql.LitInt8:
			m = strconv.Itoa(4000000000000000000 + i)
		case sql.LitDecimal:
			m += ".25"
		case sql.LitText:
			m = "'dotdo literal " + m + "'"
		}
		end := sp.At + sql.LiteralLen(st.Text[sp.At:])
		marks[i], texts[i] = m, st.Text[sp.At:end]
		byValue[strings.Trim(m, "'")] = i + 1
		b.WriteString(st.Text[at:sp.At])
		b.WriteString(m)
		at = end
	}
	b.WriteString(st.Text[at:])
	n, err := convert(&rel.Stmt{Dialect: st.Dialect, Text: b.String(), SQLMode: st.SQLMode})
	if err != nil {
		return nil, err
	}
	named := map[int]bool{}
	tree.Walk(n, func(x any) {
		switch x := x.(type) {
		case *tree.Item:
			for i, m := range marks {
				if x.Alias == "" && strings.Contains(x.Text, m) || strings.Trim(x.Text, "'") == strings.Trim(m, "'") {
					x.Text = strings.Replace(x.Text, m, texts[i], 1)
					if s.Spans[i].Kind == sql.LitText {
						x.Text = strings.Replace(x.Text, strings.Trim(m, "'"), s.Values[i].Str(), 1)
					}
					named[i+1] = true
				}
			}
		case *tree.Const:
			putBack(x, s, byValue, named)
		}
	})
	return n, nil
}

// putBack makes a constant that is a mark its literal.
func putBack(k *tree.Const, s *sql.Scan, byValue map[string]int, named map[int]bool) {
	text := k.Value.Str()
	if k.Value.Kind == op.KindInt64 {
		text = strconv.FormatInt(k.Value.Int(), 10)
	}
	text, neg := strings.CutPrefix(text, "-")
	lit := byValue[text]
	if lit == 0 {
		return
	}
	k.Value = s.Values[lit-1]
	if neg {
		k.Value, _ = bind.Negate(k.Value)
	}
	if !named[lit] && k.Type == (op.Type{Base: literalTypes[s.Spans[lit-1].Kind]}) {
		k.Lit, k.Neg = lit, neg
	}
}

// literalTypes are the types of the kinds of literals.
var literalTypes = map[byte]op.Base{sql.LitInt4: op.TInt4, sql.LitInt8: op.TInt8, sql.LitDecimal: op.TNumeric, sql.LitText: op.TUnknown}

// sameBut reports whether a lifted plan is the plain one when its arguments
// are written as literals.
func sameBut(p, plain *sql.Plan, lits []op.Value) bool {
	args, ok := p.Args(lits)
	if !ok {
		return false
	}
	a, b := *p, *plain
	a.Texts(func(s string) string { return spelled(s, p.Binds, args) })
	b.Texts(func(s string) string { return spelled(s, plain.Binds, nil) })
	a.Binds, a.Lits, a.Fixed = b.Binds, b.Lits, b.Fixed
	return reflect.DeepEqual(&a, &b)
}

// spelled writes arguments as literals and session facts as their names.
func spelled(text string, binds []sql.Bind, args []op.Value) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		switch q := text[i]; q {
		case '\'', '"':
			n := strings.IndexByte(text[i+1:], q)
			if n < 0 {
				return ""
			}
			b.WriteString(text[i : i+n+2])
			i += n + 2
		case '?':
			j := i + 1
			for j < len(text) && text[j] >= '0' && text[j] <= '9' {
				j++
			}
			n, err := strconv.Atoi(text[i+1 : j])
			if err != nil || n < 1 || n > len(binds) {
				return ""
			}
			if k := binds[n-1]; k.Kind == sql.BindArg && k.Index < len(args) {
				b.WriteString(bind.Literal(args[k.Index]))
			} else {
				b.WriteString("?" + k.Name)
			}
			i = j
		default:
			b.WriteByte(q)
			i++
		}
	}
	return b.String()
}

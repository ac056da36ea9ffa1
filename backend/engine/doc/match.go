package doc

import (
	"math"
	"math/rand/v2"
	"regexp"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// matchState carries what a match finds besides its answer.
type matchState struct {
	env *env
	pos int // position in the first array on the path of the last array match, -1
}

// matcher tells whether a value (a document, or an array element) matches.
type matcher func(v bsonval.V, m *matchState) bool

// filter is a compiled filter.
type filter struct {
	match matcher
	all   bool // matches everything
	expr  *op.Expr
	vars  map[string]bsonval.V
}

// compileFilter compiles a filter; nil matches everything.
func compileFilter(e *op.Expr, lets map[string]bsonval.V) (*filter, error) {
	f, err := (*collator)(nil).compileFilter(e)
	f.vars = lets
	return f, err
}

// compileFilter compiles a filter whose texts compare by the collation.
func (k *collator) compileFilter(e *op.Expr) (*filter, error) {
	f := &filter{expr: e}
	if e == nil || e.Op == op.ExTrue {
		f.all = true
		f.match = func(bsonval.V, *matchState) bool { return true }
		return f, nil
	}
	m, err := k.compileMatch(e)
	f.match = m
	return f, err
}

// matches reports whether a document matches, and the array position for "$".
func (f *filter) matches(doc []byte, now *env) (bool, int) {
	if f.all {
		return true, -1
	}
	m := matchState{env: now, pos: -1}
	ok := f.match(bsonval.DocV(doc), &m)
	return ok, m.pos
}

// compileMatch compiles one node.
func (k *collator) compileMatch(e *op.Expr) (matcher, error) {
	switch e.Op {
	case op.ExTrue:
		return func(bsonval.V, *matchState) bool { return true }, nil
	case op.ExAnd, op.ExOr, op.ExNor:
		return k.compileLogic(e)
	case op.ExNot:
		m, err := k.compileMatch(e.Args[0])
		return func(v bsonval.V, s *matchState) bool {
			return !m(v, &matchState{env: s.env})
		}, err
	case op.ExExpr:
		x, err := compileExpr(e.Args[0])
		if err != nil {
			return nil, err
		}
		return func(v bsonval.V, s *matchState) bool {
			r, err := x(s.env.with(v))
			if err != nil && s.env.err == nil {
				s.env.err = err
			}
			return err == nil && bsonval.Truthy(r)
		}, nil
	case op.ExSchema:
		s, err := compileSchema(e.Value.Raw)
		return func(v bsonval.V, _ *matchState) bool { return s.ok(v) }, err
	case op.ExSample:
		p := e.Value.Float()
		return func(bsonval.V, *matchState) bool { return p > 0 && rand.Float64() < p }, nil
	case op.ExNe:
		return k.negate(op.ExEq, e)
	case op.ExNin:
		return k.negate(op.ExIn, e)
	case op.ExAll:
		return k.compileAll(e)
	case op.ExExists, op.ExSize, op.ExElemMatch:
		return k.compileWhole(e)
	}
	test, err := k.compileTest(e)
	if err != nil {
		return nil, err
	}
	p := splitPath(e.Path)
	return func(v bsonval.V, s *matchState) bool {
		return walk(v, p, -1, func(x bsonval.V, pos int) bool {
			if test(x) {
				s.note(pos)
				return true
			}
			if x.Type != bsonval.Array {
				return false
			}
			i := 0
			for it := bsonval.Elements(x.Data); it.Next(); i++ {
				if test(it.Value) {
					if pos < 0 {
						pos = i
					}
					s.note(pos)
					return true
				}
			}
			return false
		})
	}, nil
}

// note records the position of an array match.
func (s *matchState) note(pos int) {
	if pos >= 0 {
		s.pos = pos
	}
}

// negate compiles the opposite of a positive test.
func (k *collator) negate(positive op.ExprOp, e *op.Expr) (matcher, error) {
	c := *e
	c.Op = positive
	m, err := k.compileMatch(&c)
	return func(v bsonval.V, s *matchState) bool { return !m(v, &matchState{env: s.env}) }, err
}

// compileLogic compiles and, or, nor.
func (k *collator) compileLogic(e *op.Expr) (matcher, error) {
	ms := make([]matcher, len(e.Args))
	for i, a := range e.Args {
		m, err := k.compileMatch(a)
		if err != nil {
			return nil, err
		}
		ms[i] = m
	}
	if e.Op == op.ExAnd {
		return func(v bsonval.V, s *matchState) bool {
			for _, m := range ms {
				if !m(v, s) {
					return false
				}
			}
			return true
		}, nil
	}
	want := e.Op == op.ExOr
	return func(v bsonval.V, s *matchState) bool {
		for _, m := range ms {
			if m(v, s) {
				return want
			}
		}
		return !want
	}, nil
}

// compileAll compiles $all: every argument must match the path by itself.
func (k *collator) compileAll(e *op.Expr) (matcher, error) {
	if len(e.Args) == 0 {
		return func(bsonval.V, *matchState) bool { return false }, nil
	}
	return k.compileLogic(&op.Expr{Op: op.ExAnd, Args: e.Args})
}

// compileWhole compiles the tests that look at an array as a whole.
func (k *collator) compileWhole(e *op.Expr) (matcher, error) {
	p := splitPath(e.Path)
	var test func(bsonval.V, int, *matchState) bool
	switch e.Op {
	case op.ExExists:
		want := e.Value.Num != 0
		return func(v bsonval.V, _ *matchState) bool {
			return want == walk(v, p, -1, func(x bsonval.V, _ int) bool { return x.Type != 0 })
		}, nil
	case op.ExSize:
		want := int(e.Value.Int())
		test = func(x bsonval.V, _ int, _ *matchState) bool {
			return x.Type == bsonval.Array && len(bsonval.Items(x)) == want
		}
	default:
		m, err := k.compileMatch(e.Args[0])
		if err != nil {
			return nil, err
		}
		byElement := elementFilter(e.Args[0])
		test = func(x bsonval.V, pos int, s *matchState) bool {
			if x.Type != bsonval.Array {
				return false
			}
			i := 0
			for it := bsonval.Elements(x.Data); it.Next(); i++ {
				if !byElement && it.Value.Type != bsonval.Document && it.Value.Type != bsonval.Array {
					continue
				}
				if m(it.Value, &matchState{env: s.env}) {
					if pos < 0 {
						pos = i
					}
					s.note(pos)
					return true
				}
			}
			return false
		}
	}
	return func(v bsonval.V, s *matchState) bool {
		return walk(v, p, -1, func(x bsonval.V, pos int) bool { return test(x, pos, s) })
	}, nil
}

// elementFilter reports whether a filter tests the element itself.
func elementFilter(e *op.Expr) bool {
	switch e.Op {
	case op.ExAnd, op.ExOr, op.ExNor, op.ExNot:
		for _, a := range e.Args {
			if elementFilter(a) {
				return true
			}
		}
		return false
	case op.ExExpr, op.ExTrue, op.ExSchema, op.ExSample:
		return false
	}
	return e.Path == ""
}

// compileTest compiles a test of one value.
func (k *collator) compileTest(e *op.Expr) (func(bsonval.V) bool, error) {
	switch e.Op {
	case op.ExEq:
		return k.folded(equalTest(k.fold(bsonval.ToBSON(e.Value)))), nil
	case op.ExLt, op.ExLte, op.ExGt, op.ExGte:
		return k.folded(orderTest(e.Op, k.fold(bsonval.ToBSON(e.Value)))), nil
	case op.ExIn:
		return k.inTest(e.Value.List())
	case op.ExType:
		return typeTest(e.Value.List()), nil
	case op.ExRegex:
		l := e.Value.List()
		re, err := compileRegex(l[0].Str(), l[1].Str())
		if err != nil {
			return nil, err
		}
		self := bsonval.V{Type: bsonval.Regex, Data: regexData(l[0].Str(), l[1].Str())}
		return func(v bsonval.V) bool {
			switch v.Type {
			case bsonval.String, bsonval.Symbol:
				return re.MatchString(bsonval.Text(v))
			case bsonval.Regex:
				return bsonval.Equal(v, self)
			}
			return false
		}, nil
	case op.ExMod:
		l := e.Value.List()
		div, rem := l[0].Int(), l[1].Int()
		return func(v bsonval.V) bool {
			f, ok := bsonval.Float(v)
			if !ok || math.IsNaN(f) || math.IsInf(f, 0) {
				return false
			}
			i, ok := bsonval.Int(v)
			if !ok {
				i = int64(f)
			}
			return i%div == rem
		}, nil
	case op.ExBits:
		return bitsTest(e)
	}
	return nil, op.Errorf(op.Unsupported, "filter node %d is not supported", e.Op)
}

// equalTest compares for equality; null also matches missing.
func equalTest(want bsonval.V) func(bsonval.V) bool {
	if want.Type == bsonval.Null {
		return func(v bsonval.V) bool { return v.Type == 0 || v.Type == bsonval.Null || v.Type == bsonval.Undefined }
	}
	return func(v bsonval.V) bool { return v.Type != 0 && bsonval.Equal(v, want) }
}

// orderTest compares within the type of the bound.
func orderTest(o op.ExprOp, bound bsonval.V) func(bsonval.V) bool {
	if bound.Type == bsonval.Null {
		if o == op.ExLte || o == op.ExGte {
			return equalTest(bound)
		}
		return func(bsonval.V) bool { return false }
	}
	rank, nan := bsonval.Rank(bound.Type), isNaN(bound)
	// Bounds of MinKey and MaxKey compare with every type.
	any := bound.Type == bsonval.MinKey || bound.Type == bsonval.MaxKey
	return func(v bsonval.V) bool {
		if v.Type == 0 || (!any && bsonval.Rank(v.Type) != rank) {
			return false
		}
		if n := isNaN(v); n || nan {
			return n && nan && (o == op.ExLte || o == op.ExGte)
		}
		c := bsonval.Compare(v, bound)
		switch o {
		case op.ExLt:
			return c < 0
		case op.ExLte:
			return c <= 0
		case op.ExGt:
			return c > 0
		}
		return c >= 0
	}
}

// isNaN reports whether v is a numeric NaN.
func isNaN(v bsonval.V) bool {
	if v.Type != bsonval.Double && v.Type != bsonval.Decimal128 {
		return false
	}
	f, _ := bsonval.Float(v)
	return math.IsNaN(f)
}

// inTest matches any of a list of values and regular expressions.
func (k *collator) inTest(list []op.Value) (func(bsonval.V) bool, error) {
	var tests []func(bsonval.V) bool
	set := map[string]bool{}
	for _, v := range list {
		b := bsonval.ToBSON(v)
		switch b.Type {
		case bsonval.Regex:
			pattern, options, _ := strings.Cut(string(b.Data), "\x00")
			t, err := k.compileTest(&op.Expr{Op: op.ExRegex, Value: op.Array(op.Text(pattern), op.Text(strings.TrimSuffix(options, "\x00")))})
			if err != nil {
				return nil, err
			}
			tests = append(tests, t)
		case bsonval.Null:
			tests = append(tests, equalTest(b))
		default:
			set[string(valueKey(k.fold(b)))] = true
		}
	}
	return func(v bsonval.V) bool {
		if v.Type != 0 && len(set) > 0 && set[string(valueKey(k.fold(v)))] {
			return true
		}
		for _, t := range tests {
			if t(v) {
				return true
			}
		}
		return false
	}, nil
}

// typeTest matches BSON type numbers; -1 is MinKey, 0 stands for "number".
func typeTest(list []op.Value) func(bsonval.V) bool {
	want := map[int64]bool{}
	for _, v := range list {
		want[v.Int()] = true
	}
	return func(v bsonval.V) bool {
		switch {
		case v.Type == 0:
			return false
		case v.Type == bsonval.MinKey:
			return want[-1]
		case bsonval.IsNumber(v) && want[0]:
			return true
		}
		return want[int64(v.Type)]
	}
}

// bitsTest compiles $bitsAllSet and its kin.
func bitsTest(e *op.Expr) (func(bsonval.V) bool, error) {
	var positions []int
	for _, v := range e.Value.List() {
		positions = append(positions, int(v.Int()))
	}
	name := e.Name
	return func(v bsonval.V) bool {
		var bit func(int) bool
		if v.Type == bsonval.Binary {
			b := v.Data[5:]
			bit = func(i int) bool { return i/8 < len(b) && b[i/8]>>(i%8)&1 == 1 }
		} else {
			n, ok := bsonval.Int(v)
			if !ok || v.Type == bsonval.DateTime {
				return false
			}
			bit = func(i int) bool { return n>>min(i, 63)&1 == 1 }
		}
		set := 0
		for _, p := range positions {
			if bit(p) {
				set++
			}
		}
		switch name {
		case "allSet":
			return set == len(positions)
		case "anySet":
			return set > 0
		case "allClear":
			return set == 0
		}
		return set < len(positions)
	}, nil
}

// regexData builds the bytes of a regular expression value.
func regexData(pattern, options string) []byte {
	return append(append(append([]byte(pattern), 0), options...), 0)
}

// compileRegex translates a PCRE pattern to the engine's syntax. What Go's
// linear-time engine cannot do (look-around, back-references) is refused.
func compileRegex(pattern, options string) (*regexp.Regexp, error) {
	flags := ""
	for _, c := range options {
		switch c {
		case 'i', 'm', 's':
			flags += string(c)
		case 'x':
			pattern = stripExtended(pattern)
		case 'u':
		default:
			return nil, op.Errorf(op.InvalidArgument, "invalid flag in regex options: %c", c)
		}
	}
	if flags != "" {
		pattern = "(?" + flags + ")" + pattern
	}
	re, err := regexp.Compile(strings.ReplaceAll(pattern, `\Z`, `\z`))
	if err != nil {
		return nil, &op.Error{Code: op.InvalidArgument, Msg: "Regular expression is invalid or not supported: " + err.Error(), Object: "regex"}
	}
	return re, nil
}

// stripExtended removes the white space and comments option x ignores.
func stripExtended(p string) string {
	var b strings.Builder
	class := false
	for i := 0; i < len(p); i++ {
		c := p[i]
		switch {
		case c == '\\' && i+1 < len(p):
			b.WriteByte(c)
			i++
			b.WriteByte(p[i])
			continue
		case c == '[':
			class = true
		case c == ']':
			class = false
		case !class && (c == ' ' || c == '\t' || c == '\n' || c == '\r'):
			continue
		case !class && c == '#':
			for i < len(p) && p[i] != '\n' {
				i++
			}
			continue
		}
		b.WriteByte(c)
	}
	return b.String()
}

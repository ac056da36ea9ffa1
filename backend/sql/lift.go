package sql

import (
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Scan is a statement text split into its template (what statements that
// differ in literals share) and its literals. A dialect's lexer fills it; it is
// reused, so Key is valid until the next text only.
type Scan struct {
	Key    []byte
	Values []op.Value // storage forms: Int64, or Text of a string or a decimal number
	Spans  []Span     // where each literal stands
}

// Span is the place and the kind of one literal.
type Span struct {
	At   int // byte offset of its first character
	Sign int // byte offset of the operator "-" right before it, -1 = none
	Kind byte
}

// Kinds of literals. They are part of the template: each has one type.
const (
	LitInt4    byte = 'i'
	LitInt8    byte = 'l'
	LitDecimal byte = 'n'
	LitText    byte = 's'
)

// MaxLits is the largest number of literals of one text that are lifted.
const MaxLits = 256

// Reset empties the scan for the next text.
func (s *Scan) Reset() { s.Key, s.Values, s.Spans = s.Key[:0], s.Values[:0], s.Spans[:0] }

// Add appends a literal; ok is false when the text has too many.
func (s *Scan) Add(kind byte, at, sign int, v op.Value) (ok bool) {
	s.Key = append(s.Key, 0, kind)
	s.Values = append(s.Values, v)
	s.Spans = append(s.Spans, Span{at, sign, kind})
	return len(s.Spans) <= MaxLits
}

// Scans are scans between uses.
var Scans = sync.Pool{New: func() any { return &Scan{} }}

// Lit is one argument of a plan whose literals are lifted.
type Lit struct {
	Index int       // of the literal in the text
	Steps []LitStep // how it becomes the argument
}

// LitStep converts a literal as the binder converted the one it saw. An error
// means that the plan is not for this value: the statement is then compiled by
// itself, which also finds the error to report.
type LitStep func(op.Value) (op.Value, error)

// Args returns the arguments of a lifted plan for the literals of a text, ok
// false when the plan is not for them. It may return vals itself.
func (p *Plan) Args(vals []op.Value) (args []op.Value, ok bool) {
	same := len(p.Lits) == len(vals)
	for i := range p.Lits {
		same = same && p.Lits[i].Index == i && len(p.Lits[i].Steps) == 0
	}
	if same {
		return vals, true
	}
	args = make([]op.Value, len(p.Lits))
	for i, l := range p.Lits {
		if l.Index >= len(vals) {
			return nil, false
		}
		v := vals[l.Index]
		for _, f := range l.Steps {
			var err error
			if v, err = f(v); err != nil {
				return nil, false
			}
		}
		args[i] = v
	}
	return args, true
}

// ParseInt reads decimal digits; ok is false beyond 63 bits.
func ParseInt(s string) (n int64, ok bool) {
	if len(s) == 0 || len(s) > 18 {
		return 0, false
	}
	for i := range len(s) {
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// Texts replaces every SQLite text of a plan by what f makes of it; what they
// stand in is copied.
func (p *Plan) Texts(f func(string) string) {
	p.Text = f(p.Text)
	p.InsertExprs = each(p.InsertExprs, f)
	if p.NewRows == nil {
		return
	}
	n := *p.NewRows
	n.From, n.RowID = f(n.From), f(n.RowID)
	n.Rows = make([][]string, len(n.Rows))
	for i, r := range p.NewRows.Rows {
		n.Rows[i] = each(r, f)
	}
	p.NewRows = &n
}

// each applies f to a list.
func each(list []string, f func(string) string) []string {
	out := append([]string(nil), list...)
	for i := range out {
		out[i] = f(out[i])
	}
	return out
}

// LiteralLen is the length of the lifted literal that a text starts with.
func LiteralLen(s string) int {
	if s[0] != '\'' {
		i := 1
		for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.') {
			i++
		}
		return i
	}
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 == len(s) || s[i+1] != '\'' {
			return i + 1
		}
		i++
	}
	return len(s)
}

package postgres

import (
	"math/big"
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// maxNumeric bounds the digits a numeric literal with an exponent expands to.
const maxNumeric = 131072

// constant converts a literal.
func (c *conv) constant(a *pg.A_Const) tree.Expr {
	r := &tree.Const{Pos: c.position(a.Location)}
	if a.Isnull {
		return r
	}
	switch v := a.Val.(type) {
	case *pg.A_Const_Ival:
		r.Type.Base, r.Value = op.TInt4, op.Int64(int64(v.Ival.GetIval()))
	case *pg.A_Const_Fval:
		c.number(r, v.Fval.GetFval(), a.Location)
	case *pg.A_Const_Boolval:
		r.Type.Base, r.Value = op.TBoolean, op.Int64(0)
		if v.Boolval.GetBoolval() {
			r.Value = op.Int64(1)
		}
	case *pg.A_Const_Sval:
		r.Value = op.Text(v.Sval.GetSval())
	case *pg.A_Const_Bsval:
		c.bits(r, v.Bsval.GetBsval(), a.Location)
	}
	return r
}

// number reads a numeric literal that is no int4.
func (c *conv) number(r *tree.Const, s string, pos int32) {
	s = strings.ReplaceAll(s, "_", "")
	digits := strings.TrimPrefix(s, "-")
	if len(digits) > 1 && digits[0] == '0' && strings.ContainsRune("xXoObB", rune(digits[1])) {
		i, ok := new(big.Int).SetString(s, 0)
		if !ok {
			c.failf(op.Syntax, pos, "invalid number %q", s)
			return
		}
		s = i.String()
	}
	if i, err := strconv.ParseInt(s, 10, 64); err == nil {
		r.Type.Base, r.Value = op.TInt8, op.Int64(i)
		return
	}
	t, ok := plainDecimal(s)
	if !ok {
		c.fail(op.OutOfRange, pos, "value overflows numeric format")
		return
	}
	r.Type.Base, r.Value = op.TNumeric, op.Text(t)
}

// plainDecimal writes a decimal literal without exponent, with a digit before
// the point and no needless leading zeros.
func plainDecimal(s string) (string, bool) {
	neg := strings.HasPrefix(s, "-")
	s = strings.TrimPrefix(s, "-")
	exp := 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n > maxNumeric || n < -maxNumeric {
			return "", false
		}
		exp, s = n, s[:i]
	}
	whole, frac, _ := strings.Cut(s, ".")
	for _, d := range whole + frac {
		if d < '0' || d > '9' {
			return "", false
		}
	}
	for exp > 0 {
		d := "0"
		if frac != "" {
			d, frac = frac[:1], frac[1:]
			whole += d
			exp--
			continue
		}
		whole += strings.Repeat(d, exp)
		exp = 0
	}
	if exp < 0 {
		if pad := -exp - len(whole); pad > 0 {
			whole = strings.Repeat("0", pad) + whole
		}
		cut := len(whole) + exp
		whole, frac = whole[:cut], whole[cut:]+frac
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	if frac != "" {
		whole += "." + frac
	}
	if neg && strings.Trim(whole, "0.") != "" {
		whole = "-" + whole
	}
	return whole, true
}

// bits reads B'…' and X'…'.
func (c *conv) bits(r *tree.Const, s string, pos int32) {
	r.Type.Base = op.TBit
	if len(s) == 0 {
		return
	}
	body := s[1:]
	if s[0] == 'x' {
		var b strings.Builder
		for _, d := range body {
			n, err := strconv.ParseUint(string(d), 16, 4)
			if err != nil {
				c.failf(op.InvalidArgument, pos, "%q is not a valid hexadecimal digit", string(d))
				return
			}
			t := strconv.FormatUint(n, 2)
			b.WriteString("0000"[len(t):] + t)
		}
		body = b.String()
	}
	if i := strings.Trim(body, "01"); i != "" {
		c.failf(op.InvalidArgument, pos, "%q is not a valid binary digit", i[:1])
		return
	}
	r.Type.Size = int32(len(body))
	r.Value = op.Text(body)
}

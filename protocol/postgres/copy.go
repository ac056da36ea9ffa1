package postgres

// COPY table FROM STDIN and COPY … TO STDOUT in text, csv and binary format.
// COPY FROM runs in a transaction of its own when none is open; rows reach the
// executor in batches.

import (
	"context"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// copyBatch is how many rows one rel.CopyIn carries at most, copyBytes about
// how many bytes of values.
const (
	copyBatch = 1000
	copyBytes = 1 << 20
)

// copyOptions are the decoded options of COPY.
type copyOptions struct {
	format       string // text, csv, binary
	delim        byte
	null         string
	header       bool
	match        bool // HEADER MATCH
	quote        byte
	escape       byte
	forceQuote   []string
	forceNotNull []string
	forceNull    []string
}

// has reports whether a FORCE_ list names a column.
func has(list []string, col string) bool {
	for _, n := range list {
		if n == "*" || n == col {
			return true
		}
	}
	return false
}

// errCopy refuses a combination of options.
func errCopy(state, text string) error {
	return &stateError{state: state, msg: text, routine: "ProcessCopyOptions"}
}

// decodeCopy reads the options of COPY.
func decodeCopy(x *rel.Session) (*copyOptions, error) {
	c := &copyOptions{format: "text"}
	given := map[string]string{}
	for _, o := range x.Options {
		k := lower(o[0])
		if _, dup := given[k]; dup {
			return nil, errCopy("42601", "conflicting or redundant options")
		}
		given[k] = o[1]
	}
	if f, ok := given["format"]; ok {
		c.format = f
		if f != "text" && f != "csv" && f != "binary" {
			return nil, errCopy("22023", "COPY format \""+f+"\" not recognized")
		}
	}
	csv := c.format == "csv"
	c.delim, c.null, c.quote, c.escape = '\t', `\N`, '"', '"'
	if csv {
		c.delim, c.null = ',', ""
	}
	for k, v := range given {
		if err := c.option(x, k, v, csv); err != nil {
			return nil, err
		}
	}
	if q, ok := given["quote"]; ok && given["escape"] == "" && csv {
		c.escape = q[0]
	}
	switch {
	case csv && c.delim == c.quote:
		return nil, errCopy("22023", "COPY delimiter and quote must be different")
	case c.format == "binary" && (given["delimiter"] != "" || given["null"] != ""):
		return nil, errCopy("42601", "cannot specify DELIMITER or NULL in BINARY mode")
	case c.format == "binary" && c.header:
		return nil, errCopy("0A000", "cannot specify HEADER in BINARY mode")
	case !csv && (c.delim == '\\' || c.delim == '.' || c.delim >= '0' && c.delim <= '9' || c.delim >= 'a' && c.delim <= 'z'):
		return nil, errCopy("22023", "COPY delimiter cannot be \""+string(rune(c.delim))+"\"")
	case strings.ContainsAny(c.null, "\r\n"):
		return nil, errCopy("22023", "COPY null representation cannot use newline or carriage return")
	case c.format != "binary" && strings.IndexByte(c.null, c.delim) >= 0:
		return nil, errCopy("22023", "COPY delimiter character must not appear in the NULL specification")
	}
	return c, nil
}

// option applies one option.
func (c *copyOptions) option(x *rel.Session, k, v string, csv bool) error {
	one := func(dst *byte) error {
		if len(v) != 1 || v[0] >= 0x80 {
			return errCopy("0A000", "COPY "+k+" must be a single one-byte character")
		}
		if v[0] == '\n' || v[0] == '\r' {
			return errCopy("22023", "COPY "+k+" cannot be newline or carriage return")
		}
		*dst = v[0]
		return nil
	}
	onlyCSV := func() error {
		if csv {
			return nil
		}
		return errCopy("0A000", "COPY "+strings.ReplaceAll(k, "_", " ")+" available only in CSV mode")
	}
	list := func(dst *[]string) error {
		*dst = []string{"*"}
		if v != "*" && v != "" {
			*dst = strings.Split(v, ",")
		}
		return onlyCSV()
	}
	switch k {
	case "format":
	case "freeze":
	case "delimiter":
		return one(&c.delim)
	case "null":
		c.null = v
	case "header":
		l := lower(v)
		c.match = l == "match"
		c.header = c.match || l == "" || l == "true" || l == "on" || l == "1"
		if c.match && !x.From {
			return errCopy("22023", "cannot use \"match\" with HEADER in COPY TO")
		}
	case "quote":
		if err := onlyCSV(); err != nil {
			return err
		}
		return one(&c.quote)
	case "escape":
		if err := onlyCSV(); err != nil {
			return err
		}
		return one(&c.escape)
	case "force_quote":
		return list(&c.forceQuote)
	case "force_not_null":
		return list(&c.forceNotNull)
	case "force_null":
		return list(&c.forceNull)
	case "encoding":
		e := strings.NewReplacer("-", "", "_", "", "'", "").Replace(lower(v))
		if e != "utf8" && e != "unicode" && e != "sqlascii" {
			return op.Errorf(op.Unsupported, "COPY with encoding %s is not supported", v)
		}
	default:
		return &stateError{state: "42601", msg: "option \"" + k + "\" not recognized", routine: "ProcessCopyOptions"}
	}
	return nil
}

// copyStmt runs COPY.
func (s *session) copyStmt(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	o, err := decodeCopy(x)
	if err != nil {
		return nil, err
	}
	s.txn.used = true
	if x.From {
		return s.copyFrom(ctx, x, o)
	}
	return s.copyTo(ctx, x, o)
}

// copyHead sends CopyInResponse ('G') or CopyOutResponse ('H').
func (s *session) copyHead(typ byte, o *copyOptions, cols int) {
	format := 0
	if o.format == "binary" {
		format = 1
	}
	at := s.w.begin(typ)
	s.w.out = append(s.w.out, byte(format))
	s.w.i16(cols)
	for range cols {
		s.w.i16(format)
	}
	s.w.end(at)
}

// copyColumns asks for the columns COPY reads or writes.
func (s *session) copyColumns(ctx context.Context, x *rel.Session) ([]op.Column, error) {
	r, err := s.do(ctx, &rel.CopyTarget{Schema: x.Schema, Table: x.Table, Columns: x.Columns, Env: s.env})
	if err != nil {
		return nil, err
	}
	defer r.Close()
	f, err := r.Next(ctx)
	if err != nil {
		return nil, err
	}
	h, ok := f.(*op.Head)
	if !ok {
		return nil, op.Errorf(op.Internal, "COPY target gave no columns")
	}
	return h.Columns, nil
}

package postgres

import (
	"context"
	"encoding/binary"
	"io"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// copyTo runs COPY table TO STDOUT and COPY (query) TO STDOUT.
func (s *session) copyTo(ctx context.Context, x *rel.Session, o *copyOptions) (op.Reply, error) {
	text, err := s.copyQuery(ctx, x)
	if err != nil {
		return nil, cause(ctx, err)
	}
	p, err := s.prepare(ctx, text, nil)
	if err != nil {
		return nil, cause(ctx, err)
	}
	if p.stmt == nil || p.cols == nil {
		return nil, &stateError{state: "0A000", msg: "COPY query must have a RETURNING clause", routine: "BeginCopyTo"}
	}
	reply, err := s.exec(ctx, p.stmt, nil)
	if err != nil {
		return nil, err
	}
	defer reply.Close()
	out := &copyOut{s: s, o: o, cols: copyColumnsOf(p.cols, o)}
	if err := out.run(ctx, reply); err != nil {
		return nil, cause(ctx, err)
	}
	return op.ReplyOf(&op.Done{Tag: "COPY", Affected: out.rows}), nil
}

// copyQuery returns the query that COPY TO runs.
func (s *session) copyQuery(ctx context.Context, x *rel.Session) (string, error) {
	if x.Query != "" {
		return x.Query, nil
	}
	cols, err := s.copyColumns(ctx, x)
	if err != nil {
		return "", err
	}
	names := make([]string, len(cols))
	for i, c := range cols {
		names[i] = quoteName(c.Name)
	}
	from := quoteName(x.Table)
	if x.Schema != "" {
		from = quoteName(x.Schema) + "." + from
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + from, nil
}

// copyOut is one running COPY TO.
type copyOut struct {
	s    *session
	o    *copyOptions
	cols []copyColumn
	rows int64
	buf  []byte
}

// run sends the rows of a reply as CopyData messages.
func (c *copyOut) run(ctx context.Context, reply op.Reply) error {
	w := c.s.w
	c.s.copyHead('H', c.o, len(c.cols))
	switch {
	case c.o.format == "binary":
		at := w.begin('d')
		w.out = append(w.out, "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"...)
		w.end(at)
	case c.o.header:
		c.header()
	}
	for {
		f, err := reply.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		r, ok := f.(*op.Rows)
		if !ok {
			continue
		}
		for i := range r.N() {
			if err := c.row(r.Values[i*r.Cols : (i+1)*r.Cols]); err != nil {
				return err
			}
			if err := w.spill(); err != nil {
				return err
			}
		}
	}
	if c.o.format == "binary" {
		at := w.begin('d')
		w.i16(-1)
		w.end(at)
	}
	w.empty('c')
	return nil
}

// header sends the line of column names.
func (c *copyOut) header() {
	w := c.s.w
	at := w.begin('d')
	for i, col := range c.cols {
		if i > 0 {
			w.out = append(w.out, c.o.delim)
		}
		if c.o.format == "csv" {
			w.out = appendCSV(w.out, []byte(col.name), c.o, false, len(c.cols) == 1)
		} else {
			w.out = appendCopyText(w.out, []byte(col.name), c.o.delim)
		}
	}
	w.out = append(w.out, '\n')
	w.end(at)
}

// row sends one row.
func (c *copyOut) row(vals []op.Value) error {
	w := c.s.w
	at := w.begin('d')
	c.rows++
	if c.o.format == "binary" {
		w.i16(len(vals))
		var err error
		for i, v := range vals {
			if w.out, err = appendField(w.out, c.cols[i].col, v, &c.s.text); err != nil {
				w.out = w.out[:at]
				return err
			}
		}
		w.end(at)
		return nil
	}
	csv := c.o.format == "csv"
	for i := range vals {
		v := &vals[i]
		if i > 0 {
			w.out = append(w.out, c.o.delim)
		}
		if v.IsNull() {
			w.out = append(w.out, c.o.null...)
			continue
		}
		t := c.cols[i].col.t
		text := c.buf[:0]
		switch {
		case v.Kind == op.KindText && plainText(t):
			text = v.Raw
		case v.Kind == op.KindInt64 && t.Base >= op.TInt1 && t.Base <= op.TInt8 && !t.Array:
			text = strconv.AppendInt(text, v.Int(), 10)
			c.buf = text
		default:
			text = datum.Append(text, t, *v, c.s.text)
			c.buf = text
		}
		if csv {
			w.out = appendCSV(w.out, text, c.o, c.cols[i].force, len(vals) == 1)
		} else {
			w.out = appendCopyText(w.out, text, c.o.delim)
		}
	}
	w.out = append(w.out, '\n')
	binary.BigEndian.PutUint32(w.out[at+1:], uint32(len(w.out)-at-1))
	return nil
}

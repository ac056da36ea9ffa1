package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// splitter cuts rows out of the stream of a COPY FROM. split returns the
// fields of the first complete row of b and the bytes it took; 0 bytes mean
// that more input is needed (or, at the end, that none is left). A nil field
// is NULL. Fields are valid until the next call.
type splitter interface {
	split(b []byte, atEnd bool) (fields [][]byte, n int, err error)
	// done reports that the end-of-data marker was seen.
	done() bool
}

// copyIn is one running COPY FROM.
type copyIn struct {
	s      *session
	x      *rel.Session
	o      *copyOptions
	cols   []op.Column
	in     splitter
	buf    []byte // bytes that are no complete row yet
	vals   []op.Value
	heap   []byte // what vals point into
	line   int64
	rows   int64
	header bool // the next row is the header

	// One batch is inserted while the next is read and decoded.
	busy  chan error // gives the outcome of the batch under way; nil = none
	sent  string     // where the rows of that batch end
	spare []op.Value // memory of the batch before
	rest  []byte
}

// copyFrom runs COPY table FROM STDIN.
func (s *session) copyFrom(ctx context.Context, x *rel.Session, o *copyOptions) (op.Reply, error) {
	cols, err := s.copyColumns(ctx, x)
	if err != nil {
		return nil, cause(ctx, err)
	}
	own := s.txn.id == 0
	if own {
		if err := s.open(ctx, s.defaults(), true); err != nil {
			return nil, err
		}
	}
	c := &copyIn{s: s, x: x, o: o, cols: cols, header: o.header}
	c.in = newSplitter(o, cols)
	s.copyHead('G', o, len(cols))
	if err := s.w.flush(); err != nil {
		return nil, err
	}
	err = c.run(ctx)
	if werr := c.wait(ctx); werr != nil && !isProtocol(err) {
		err = werr // it is about earlier rows
	}
	if err != nil {
		return nil, cause(ctx, err)
	}
	if own && s.txn.implicit {
		if err := s.commit(ctx); err != nil {
			return nil, err
		}
	}
	return op.ReplyOf(&op.Done{Tag: "COPY", Affected: c.rows}), nil
}

// newSplitter picks the row splitter of a format.
func newSplitter(o *copyOptions, cols []op.Column) splitter {
	switch o.format {
	case "csv":
		sp := &csvSplitter{delim: o.delim, quote: o.quote, escape: o.escape, null: []byte(o.null)}
		for _, c := range cols {
			sp.notNull = append(sp.notNull, has(o.forceNotNull, c.Name))
			sp.forceNull = append(sp.forceNull, has(o.forceNull, c.Name))
		}
		return sp
	case "binary":
		return &binarySplitter{}
	}
	return &textSplitter{delim: o.delim, null: []byte(o.null)}
}

// run reads messages until CopyDone or CopyFail.
func (c *copyIn) run(ctx context.Context) error {
	for {
		typ, body, err := c.s.w.next()
		if err != nil {
			return fatal(err)
		}
		switch typ {
		case 'd':
			if c.in.done() {
				continue
			}
			c.buf = append(c.buf, body...)
			if err := c.consume(ctx, false); err != nil {
				return err
			}
		case 'c':
			if err := c.consume(ctx, true); err != nil {
				return err
			}
			return c.flush(ctx)
		case 'f':
			why, _, _ := cutString(body)
			return &stateError{state: "57014", msg: "COPY from stdin failed: " + string(why), where: c.where("", nil), routine: "CopyGetData"}
		case 'H', 'S':
		case 'X':
			return fatal(&stateError{state: "08006", msg: "connection ended during COPY"})
		default:
			return &stateError{state: "08P01", msg: "unexpected message type 0x" + hex2(typ) + " during COPY from stdin", routine: "CopyGetData"}
		}
		if ctx.Err() != nil {
			return cause(ctx, ctx.Err())
		}
	}
}

// hex2 writes a byte as two hex digits.
func hex2(b byte) string { return string([]byte{"0123456789ABCDEF"[b>>4], "0123456789ABCDEF"[b&15]}) }

// fatal marks an error that ends the connection.
func fatal(err error) error {
	return &stateError{state: "08006", msg: "COPY input ended: " + err.Error(), fatal: true}
}

// consume takes the complete rows out of buf.
func (c *copyIn) consume(ctx context.Context, atEnd bool) error {
	at := 0
	for !c.in.done() {
		fields, n, err := c.in.split(c.buf[at:], atEnd)
		if err != nil {
			c.line++
			return &located{err, c.where("", nil)}
		}
		if n == 0 {
			break
		}
		at += n
		c.line++
		if c.in.done() || fields == nil {
			c.line--
			continue
		}
		if c.header {
			c.header = false
			if err := c.checkHeader(fields); err != nil {
				return err
			}
			continue
		}
		if err := c.row(fields); err != nil {
			return err
		}
		if len(c.vals) >= copyBatch*max(len(c.cols), 1) || len(c.heap) >= copyBytes {
			if err := c.flush(ctx); err != nil {
				return err
			}
		}
	}
	c.buf = append(c.buf[:0], c.buf[at:]...)
	if len(c.buf) > c.s.srv.env.Limits.MaxMessage {
		return op.Errorf(op.TooLarge, "COPY row is too long")
	}
	return nil
}

// checkHeader compares the header with the column names for HEADER MATCH.
func (c *copyIn) checkHeader(fields [][]byte) error {
	if !c.o.match {
		return nil
	}
	if len(fields) != len(c.cols) {
		return errCopyData("wrong number of fields in header line: got "+itoa(len(fields))+", expected "+itoa(len(c.cols)), c.where("", nil))
	}
	for i, f := range fields {
		if string(f) != c.cols[i].Name {
			return errCopyData("column name mismatch in header line field "+itoa(i+1)+": got \""+string(f)+"\", expected \""+c.cols[i].Name+"\"", c.where("", nil))
		}
	}
	return nil
}

// errCopyData is an error in the data of a COPY.
func errCopyData(text, where string) error {
	return &stateError{state: "22P04", msg: text, where: where, routine: "NextCopyFrom"}
}

// where describes the place in the input for the error's context.
func (c *copyIn) where(col string, val []byte) string {
	w := "COPY " + c.x.Table + ", line " + itoa(int(c.line))
	if col != "" {
		w += ", column " + col
	}
	if val != nil {
		w += ": \"" + strings.ToValidUTF8(string(val[:min(len(val), 100)]), "?") + "\""
	}
	return w
}

// row converts the fields of one row.
func (c *copyIn) row(fields [][]byte) error {
	if len(fields) == 1 && len(fields[0]) == 0 && len(c.cols) == 0 {
		c.rows++
		return nil
	}
	if len(fields) > len(c.cols) {
		return errCopyData("extra data after last expected column", c.where("", bytes.Join(fields, []byte{c.o.delim})))
	}
	if len(fields) < len(c.cols) {
		return errCopyData("missing data for column \""+c.cols[len(fields)].Name+"\"", c.where("", bytes.Join(fields, []byte{c.o.delim})))
	}
	for i, f := range fields {
		v := op.Null
		if f != nil {
			at := len(c.heap)
			c.heap = append(c.heap, f...)
			owned := c.heap[at:len(c.heap):len(c.heap)]
			var err error
			if v, err = decodeParam(c.cols[i].Type, c.o.format == "binary", owned, &c.s.text); err != nil {
				return &located{err, c.where(c.cols[i].Name, f)}
			}
		}
		c.vals = append(c.vals, v)
	}
	c.rows++
	return nil
}

// flush hands the rows at hand to the executor, after those before them.
func (c *copyIn) flush(ctx context.Context) error {
	if len(c.vals) == 0 {
		return nil
	}
	if err := c.wait(ctx); err != nil {
		return err
	}
	o := &op.Op{}
	c.s.address(o, &rel.CopyIn{Schema: c.x.Schema, Table: c.x.Table, Columns: c.x.Columns, Values: c.vals, Env: c.s.env})
	busy := make(chan error, 1)
	go func() {
		r, err := c.s.srv.env.Exec.Do(ctx, o)
		if err == nil {
			_, err = op.Drain(ctx, r)
		}
		busy <- err
	}()
	c.busy, c.sent = busy, c.where("", nil)
	c.vals, c.spare = c.spare[:0], c.vals
	c.heap, c.rest = c.rest[:0], c.heap
	return nil
}

// wait waits for the batch under way.
func (c *copyIn) wait(ctx context.Context) error {
	if c.busy == nil {
		return nil
	}
	err := <-c.busy
	c.busy = nil
	if err != nil {
		return &located{cause(ctx, err), c.sent}
	}
	return nil
}

// binarySplitter cuts the tuples of the binary format.
type binarySplitter struct {
	headed, ended bool
	fields        [][]byte
}

// done implements splitter.
func (p *binarySplitter) done() bool { return p.ended }

// split implements splitter.
func (p *binarySplitter) split(b []byte, atEnd bool) ([][]byte, int, error) {
	short := func() ([][]byte, int, error) {
		if atEnd {
			return nil, 0, errCopyData("unexpected EOF in COPY data", "")
		}
		return nil, 0, nil
	}
	if !p.headed {
		if len(b) < 19 {
			return short()
		}
		if string(b[:11]) != "PGCOPY\n\xff\r\n\x00" {
			return nil, 0, errCopyData("COPY file signature not recognized", "")
		}
		if f := binary.BigEndian.Uint32(b[11:]); f&0xffff0000 != 0 {
			return nil, 0, errCopyData("unrecognized critical flags in COPY file header", "")
		}
		ext := int(int32(binary.BigEndian.Uint32(b[15:])))
		if ext < 0 || ext > 1<<16 {
			return nil, 0, errCopyData("invalid COPY file header (wrong length)", "")
		}
		if len(b) < 19+ext {
			return short()
		}
		p.headed = true
		return nil, 19 + ext, nil
	}
	if len(b) < 2 {
		return short()
	}
	k := int(int16(binary.BigEndian.Uint16(b)))
	if k == -1 {
		p.ended = true
		return nil, 2, nil
	}
	if k < 0 {
		return nil, 0, errCopyData("row field count is "+itoa(k), "")
	}
	p.fields = p.fields[:0]
	at := 2
	for range k {
		if len(b) < at+4 {
			return short()
		}
		n := int(int32(binary.BigEndian.Uint32(b[at:])))
		at += 4
		if n == -1 {
			p.fields = append(p.fields, nil)
			continue
		}
		if n < 0 {
			return nil, 0, errCopyData("invalid field size", "")
		}
		if len(b)-at < n {
			return short()
		}
		p.fields = append(p.fields, b[at:at+n:at+n])
		at += n
	}
	return p.fields, at, nil
}

// quoteName quotes an identifier.
func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

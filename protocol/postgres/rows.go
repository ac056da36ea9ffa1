package postgres

import (
	"context"
	"encoding/binary"
	"io"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// rowWriter is the scratch for writing rows; it is reused by every statement.
type rowWriter struct {
	cols []column
}

// describeRows sends RowDescription.
func (s *session) describeRows(cols []op.Column, formats []byte) {
	w := s.w
	at := w.begin('T')
	w.i16(len(cols))
	for i := range cols {
		c := &cols[i]
		w.str(c.Name)
		w.i32(int(c.TableOID))
		w.i16(int(c.Attr))
		oid, size, mod := oidOf(c.Type)
		w.i32(int(oid))
		w.i16(int(size))
		w.i32(int(mod))
		b, _ := formatAt(formats, i)
		if b {
			w.i16(1)
		} else {
			w.i16(0)
		}
	}
	w.end(at)
}

// columnsOf prepares the columns for writing.
func (r *rowWriter) columnsOf(cols []op.Column, formats []byte) error {
	r.cols = r.cols[:0]
	for i := range cols {
		b, ok := formatAt(formats, i)
		if !ok {
			return protocolErrorSoft("bind message has " + itoa(len(formats)/2) + " result formats but query has " + itoa(len(cols)) + " columns")
		}
		r.cols = append(r.cols, column{cols[i].Type, b})
	}
	return nil
}

// dataRow sends one row.
func (s *session) dataRow(cols []column, vals []op.Value) error {
	w := s.w
	at := w.begin('D')
	w.i16(len(vals))
	var err error
	for i := range vals {
		if w.out, err = appendField(w.out, cols[i], vals[i], &s.text); err != nil {
			w.out = w.out[:at]
			return err
		}
	}
	binary.BigEndian.PutUint32(w.out[at+1:], uint32(len(w.out)-at-1))
	return nil
}

// result is a reply that is being sent, possibly over several Executes.
type result struct {
	reply op.Reply
	cols  []op.Column // nil until the head came, or without rows
	rows  *op.Rows    // batch at hand
	at    int         // next row of it
	sent  int64       // rows sent by all Executes
	done  *op.Done
	ended bool
}

// close releases the reply.
func (r *result) close() {
	if r.reply != nil {
		_ = r.reply.Close() // it has nothing left to say
		r.reply = nil
	}
	r.ended = true
}

// send writes rows until the end or until limit rows were sent (0 = all). It
// reports whether the limit stopped it. head asks for RowDescription.
func (s *session) send(ctx context.Context, r *result, formats []byte, limit int64, head bool) (suspended bool, err error) {
	n := int64(0)
	if r.cols != nil {
		if err := s.row.columnsOf(r.cols, formats); err != nil {
			return false, err
		}
	}
	for {
		if r.rows != nil {
			c := r.rows.Cols
			for total := r.rows.N(); r.at < total; r.at++ {
				if limit > 0 && n == limit {
					return true, nil
				}
				if err := s.dataRow(s.row.cols, r.rows.Values[r.at*c:(r.at+1)*c]); err != nil {
					return false, err
				}
				n++
				r.sent++
				if err := s.w.spill(); err != nil {
					return false, err
				}
			}
			r.rows = nil
			if limit > 0 && n == limit {
				return true, nil
			}
		}
		f, err := r.reply.Next(ctx)
		if err == io.EOF {
			r.close()
			return false, nil
		}
		if err != nil {
			return false, cause(ctx, err)
		}
		switch f := f.(type) {
		case *op.Head:
			if f.Columns == nil {
				continue
			}
			r.cols = f.Columns
			if err := s.row.columnsOf(r.cols, formats); err != nil {
				return false, err
			}
			if head {
				s.describeRows(r.cols, formats)
			}
		case *op.Rows:
			r.rows, r.at = f, 0
		case *op.Done:
			r.done = f
			for _, x := range f.Notices {
				s.notice(x.Severity, noticeState(x), x.Msg)
			}
			if len(f.Extra) > 0 {
				if err := s.effects(ctx, f.Extra); err != nil {
					return false, err
				}
			}
		}
	}
}

// effects applies what functions of a statement did to the session (see
// rel.Query).
func (s *session) effects(ctx context.Context, x []op.Value) error {
	for ; len(x) >= 4; x = x[4:] {
		name, value := string(x[1].Raw), string(x[2].Raw)
		switch x[0].Str() {
		case "set":
			if err := s.set.assign(canonical(name), &value, x[3].Int() != 0); err != nil {
				return err
			}
			s.settingsChanged()
		case "temp":
			s.temp = name
			s.settingsChanged()
		case "notify":
			if err := s.publish(ctx, name, value); err != nil {
				return err
			}
		}
	}
	return nil
}

// noticeState is the SQLSTATE of a notice from below.
func noticeState(n op.Notice) string {
	if n.Code != 0 {
		return states[n.Code].state
	}
	if n.Severity == "WARNING" {
		return "01000"
	}
	return "00000"
}

// complete sends CommandComplete of a result whose last Execute sent rows.
func (s *session) complete(r *result, sent int64) {
	d := r.done
	if d == nil {
		d = &op.Done{}
	}
	n := d.Affected
	tag := d.Tag
	if tag == "" {
		tag = "SELECT"
	}
	if r.cols != nil && tag == "SELECT" {
		n = sent
	}
	w := s.w
	at := w.begin('C')
	w.out = append(w.out, tag...)
	switch tag {
	case "INSERT":
		w.out = append(w.out, " 0"...)
		fallthrough
	case "SELECT", "UPDATE", "DELETE", "MERGE", "FETCH", "MOVE", "COPY":
		w.out = strconv.AppendInt(append(w.out, ' '), n, 10)
	}
	w.out = append(w.out, 0)
	w.end(at)
}

// tagged is the reply of a statement that only answers its tag.
func tagged(tag string) op.Reply { return op.ReplyOf(&op.Done{Tag: tag}) }

// table is a reply of text rows made here (SHOW).
func table(tag string, cols []string, vals ...string) op.Reply {
	h := &op.Head{}
	for _, c := range cols {
		h.Columns = append(h.Columns, op.Column{Name: c, Type: op.Type{Base: op.TString}})
	}
	r := &op.Rows{Cols: len(cols)}
	for _, v := range vals {
		r.Values = append(r.Values, op.Text(v))
	}
	return op.ReplyOf(h, r, &op.Done{Tag: tag, Affected: int64(r.N())})
}

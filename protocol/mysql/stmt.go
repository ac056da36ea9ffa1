package mysql

import (
	"context"
	"encoding/binary"
	"slices"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// maxPrepared bounds the prepared statements of one session.
const maxPrepared = 16382

// prepared is one statement of COM_STMT_PREPARE.
type prepared struct {
	stmt    *rel.Stmt
	params  []op.Type // inferred
	types   []uint16  // wire types of the last execution that sent them
	long    map[int][]byte
	variant *rel.Stmt // with the types below declared
	varType []op.Type
}

// prepare answers COM_STMT_PREPARE.
func (s *session) prepare(b []byte) error {
	list, err := s.parse(string(b))
	if err != nil {
		return err
	}
	switch {
	case len(list) == 0:
		return &op.Error{Code: op.InvalidArgument, Object: "empty", Msg: "Query was empty"}
	case len(list) > 1:
		return &op.Error{Code: op.Syntax, Msg: "several statements", Detail: "near '" + clip(list[1].Text) + "' at line 1"}
	case len(s.stmts) >= maxPrepared:
		return op.Errorf(op.Unavailable, "Can't create more than max_prepared_stmt_count statements (current value: %d)", maxPrepared)
	}
	p := &prepared{stmt: list[0]}
	head := &op.Head{}
	if p.stmt.Kind == rel.KindData {
		if head, err = s.describe(p.stmt); err != nil {
			return err
		}
	}
	p.params = head.Params
	for len(p.params) < p.stmt.Params {
		p.params = append(p.params, op.Type{})
	}
	s.lastStmt++
	s.stmts[s.lastStmt] = p
	s.warnings = s.warnings[:0]
	s.prepareOK(s.lastStmt, p, head.Columns)
	return nil
}

// prepareOK answers a prepared statement with its definitions.
func (s *session) prepareOK(id uint32, p *prepared, cols []op.Column) {
	at := s.w.begin()
	b := append(s.w.out, 0)
	b = binary.LittleEndian.AppendUint32(b, id)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(cols)))
	b = binary.LittleEndian.AppendUint16(b, uint16(p.stmt.Params))
	s.w.out = append(b, 0, 0, 0)
	s.w.end(at)
	if p.stmt.Params > 0 {
		defs := make([]op.Column, p.stmt.Params)
		for i := range defs {
			defs[i] = op.Column{Name: "?", Type: p.params[i]}
		}
		s.definitions(defs)
		if s.caps&capDeprecateEOF == 0 {
			s.eof(false)
		}
	}
	if len(cols) > 0 {
		s.definitions(cols)
		if s.caps&capDeprecateEOF == 0 {
			s.eof(false)
		}
	}
}

// lookup finds the statement a command names.
func (s *session) lookup(c *cursor, command string) (*prepared, error) {
	id := c.u32()
	p := s.stmts[id]
	switch {
	case c.bad:
		return nil, errShort
	case p == nil:
		return nil, &op.Error{Code: op.InvalidArgument, Object: "statement", Msg: "Unknown prepared statement handler (" + utoa(uint64(id)) + ") given to " + command}
	}
	return p, nil
}

// execute answers COM_STMT_EXECUTE. A cursor is never opened: the whole
// result is sent, which the protocol allows.
func (s *session) execute(b []byte) error {
	c := &cursor{b: b}
	p, err := s.lookup(c, "mysqld_stmt_execute")
	if err != nil {
		return err
	}
	c.u8()  // cursor flags
	c.u32() // iteration count, always 1
	long := p.long
	p.long = nil
	q := &request{stmt: p.stmt, binary: true}
	if p.stmt.Params > 0 {
		wire, err := decodeParams(c, p, long)
		if err != nil {
			return err
		}
		s.bind(p, wire, q)
	}
	return s.run(q)
}

// bind turns wire values into the statement's parameter types. When a value
// does not fit its inferred type exactly, the statement is run with the types
// the client sent.
func (s *session) bind(p *prepared, wire []param, q *request) {
	q.args = make([]op.Value, len(wire))
	for i := range wire {
		v, ok := wire[i].as(p.params[i], s.opts)
		if !ok {
			s.bindNatural(p, wire, q)
			return
		}
		q.args[i] = v
	}
}

// bindNatural runs the statement with the wire's own types declared.
func (s *session) bindNatural(p *prepared, wire []param, q *request) {
	types := make([]op.Type, len(wire))
	for i := range wire {
		types[i] = wire[i].natural()
		q.args[i] = wire[i].value(s.opts)
	}
	if p.variant == nil || !slices.Equal(p.varType, types) {
		p.variant, p.varType = p.stmt.WithParams(types), types
	}
	q.stmt = p.variant
}

// longData answers COM_STMT_SEND_LONG_DATA, which has no reply. What is too
// long is cut off with an error at execution.
func (s *session) longData(b []byte) error {
	c := &cursor{b: b}
	p, err := s.lookup(c, "mysqld_stmt_send_long_data")
	if err != nil {
		return err
	}
	i := int(c.u16())
	if c.bad || i >= p.stmt.Params {
		return errShort
	}
	if p.long == nil {
		p.long = map[int][]byte{}
	}
	if len(p.long[i])+len(c.b) > s.srv.maxMsg {
		return errShort
	}
	p.long[i] = append(p.long[i], c.b...)
	if p.long[i] == nil {
		p.long[i] = []byte{}
	}
	return nil
}

// closeStmt answers COM_STMT_CLOSE, which has no reply.
func (s *session) closeStmt(b []byte) error {
	c := &cursor{b: b}
	delete(s.stmts, c.u32())
	return nil
}

// resetStmt answers COM_STMT_RESET.
func (s *session) resetStmt(b []byte) error {
	p, err := s.lookup(&cursor{b: b}, "mysqld_stmt_reset")
	if err != nil {
		return err
	}
	p.long = nil
	s.ok(&op.Done{}, false)
	return nil
}

// fetch answers COM_STMT_FETCH: no cursor is ever open.
func (s *session) fetch(b []byte) error {
	if _, err := s.lookup(&cursor{b: b}, "mysqld_stmt_fetch"); err != nil {
		return err
	}
	return &op.Error{Code: op.InvalidArgument, Object: "statement", Msg: "The statement has no open cursor."}
}

// prepareNamed runs PREPARE name FROM text.
func (s *session) prepareNamed(ctx context.Context, x *rel.Session) error {
	text := x.Query
	if len(x.Exprs) > 0 {
		vals, err := s.eval(ctx, x.Exprs)
		if err != nil {
			return err
		}
		text = s.text(vals[0])
	}
	delete(s.named, fold(x.Name))
	list, err := s.parse(text)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return &op.Error{Code: op.Syntax, Msg: "one statement expected", Detail: "near '" + clip(text) + "' at line 1"}
	}
	if len(s.named) >= maxPrepared {
		return op.Errorf(op.Unavailable, "Can't create more than max_prepared_stmt_count statements (current value: %d)", maxPrepared)
	}
	s.named[fold(x.Name)] = list[0]
	return nil
}

// executeNamed runs EXECUTE name USING @a, @b.
func (s *session) executeNamed(ctx context.Context, q *request) error {
	x := q.stmt.Session
	st := s.named[fold(x.Name)]
	if st == nil {
		return &op.Error{Code: op.InvalidArgument, Object: "statement", Msg: "Unknown prepared statement handler (" + x.Name + ") given to EXECUTE"}
	}
	if st.Params != len(x.Exprs) || st.Kind == rel.KindExecute {
		return op.Errorf(op.InvalidArgument, "Incorrect arguments to EXECUTE")
	}
	n := &request{stmt: st, binary: q.binary, more: q.more}
	if st.Params > 0 {
		vals, err := s.eval(ctx, x.Exprs)
		if err != nil {
			return err
		}
		types := make([]op.Type, len(vals))
		for i, v := range vals {
			types[i] = v.typ
			n.args = append(n.args, v.val)
		}
		n.stmt = st.WithParams(types)
	}
	return s.run(n)
}

// deallocate runs DEALLOCATE PREPARE.
func (s *session) deallocate(x *rel.Session) error {
	if s.named[fold(x.Name)] == nil {
		return &op.Error{Code: op.InvalidArgument, Object: "statement", Msg: "Unknown prepared statement handler (" + x.Name + ") given to DEALLOCATE PREPARE"}
	}
	delete(s.named, fold(x.Name))
	return nil
}

package postgres

// Extended query: Parse, Bind, Describe, Execute, Close, Flush, Sync. After an
// error everything up to Sync is ignored. Several Executes before one Sync are
// one implicit transaction; a lone one that Sync follows runs by itself.

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// prepared is a prepared statement. stmt is nil for an empty query.
type prepared struct {
	stmt   *rel.Stmt
	params []op.Type
	cols   []op.Column // nil = returns no rows
	sql    bool        // made by PREPARE
	batch  uint64      // batch of messages in which it was described last
}

// portal is a bound statement on its way.
type portal struct {
	stmt    *prepared
	args    []op.Value
	raw     []byte // what args point into
	formats []byte // result formats
	res     result
	started bool
	told    bool // Describe came; RowDescription is sent with the first frame
}

// extended is the table of extended-query messages.
var extended = map[byte]func(*session, []byte) error{
	'P': (*session).parseMsg,
	'B': (*session).bindMsg,
	'D': (*session).describeMsg,
	'E': (*session).executeMsg,
	'C': (*session).closeMsg,
}

// extendedError answers an error and ignores messages up to Sync.
func (s *session) extendedError(err error) {
	s.failed()
	s.sendError(err, "ERROR")
	s.skip = true
}

// sync ends a batch.
func (s *session) sync() error {
	s.skip = false
	s.batch++
	if s.txn.id != 0 && s.txn.implicit {
		ctx, done := s.statement()
		err := s.commit(ctx)
		done()
		if err != nil {
			s.sendError(cause(ctx, err), "ERROR")
		}
	}
	if s.txn.id == 0 && len(s.portals) > 0 {
		s.closePortals()
	}
	return s.finish()
}

// closePortals ends every portal.
func (s *session) closePortals() {
	for name := range s.portals {
		s.dropPortal(name)
	}
}

// dropPortal ends one portal.
func (s *session) dropPortal(name string) {
	if p, ok := s.portals[name]; ok {
		if p.started {
			p.res.close()
		}
		delete(s.portals, name)
		if name == "" {
			s.spare = p
		}
	}
}

// parseMsg handles Parse: name, text, parameter types.
func (s *session) parseMsg(b []byte) error {
	name, b, ok := cutString(b)
	if !ok {
		return protocolErrorSoft("invalid string in message")
	}
	text, b, ok := cutString(b)
	if !ok || len(b) < 2 {
		return protocolErrorSoft("invalid string in message")
	}
	n := int(binary.BigEndian.Uint16(b))
	if b = b[2:]; len(b) != 4*n {
		return protocolErrorSoft("insufficient data left in message")
	}
	if _, dup := s.stmts[string(name)]; dup && len(name) > 0 {
		return &stateError{state: "42P05", msg: "prepared statement \"" + string(name) + "\" already exists", routine: "StorePreparedStatement"}
	}
	var types []op.Type
	for i := range n {
		types = append(types, typeOfOID(binary.BigEndian.Uint32(b[4*i:])))
	}
	ctx, done := s.statement()
	defer done()
	p, err := s.prepare(ctx, string(text), types)
	if err != nil {
		return cause(ctx, err)
	}
	s.stmts[string(name)] = p
	s.w.empty('1')
	return nil
}

// prepare parses and describes one statement.
func (s *session) prepare(ctx context.Context, text string, types []op.Type) (*prepared, error) {
	list, err := s.parse(ctx, text)
	if err != nil {
		return nil, err
	}
	if len(list) > 1 {
		return nil, &stateError{state: "42601", msg: "cannot insert multiple commands into a prepared statement", routine: "exec_parse_message"}
	}
	p := &prepared{}
	if len(list) == 0 {
		return p, nil
	}
	p.stmt = list[0]
	if s.txn.status == 'E' && !endsBlock(p.stmt) {
		return nil, errAborted()
	}
	for _, t := range types {
		if t.Base != op.TUnknown {
			p.stmt = p.stmt.WithParams(types)
			break
		}
	}
	return p, s.describe(ctx, p)
}

// describe fills in the parameter and column types of a statement.
func (s *session) describe(ctx context.Context, p *prepared) error {
	st := p.stmt
	p.batch = s.batch
	switch st.Kind {
	case rel.KindData, rel.KindDDL:
	case rel.KindShow:
		p.cols = textColumns(display(canonical(st.Session.Name)))
		if lower(st.Session.Name) == "all" {
			p.cols = textColumns("name", "setting", "description")
		}
		return nil
	case rel.KindExecute:
		if q, ok := s.stmts[st.Session.Name]; ok {
			p.cols = q.cols
		}
		return nil
	case rel.KindCursor:
		if c, ok := s.cursors[st.Session.Name]; ok && st.Session.Word == "FETCH" {
			p.cols = c.cols
		}
		return nil
	default:
		return nil
	}
	r, err := s.do(ctx, &rel.Describe{Stmt: st, Env: s.env})
	if err != nil {
		return err
	}
	defer r.Close()
	f, err := r.Next(ctx)
	if err != nil {
		return err
	}
	if h, ok := f.(*op.Head); ok {
		p.params = append([]op.Type(nil), h.Params...)
		p.cols = h.Columns
	}
	return nil
}

// textColumns describes columns of text.
func textColumns(names ...string) []op.Column {
	out := make([]op.Column, len(names))
	for i, n := range names {
		out[i] = op.Column{Name: n, Type: op.Type{Base: op.TString}}
	}
	return out
}

// errNoStatement says that a prepared statement does not exist.
func errNoStatement(name string) error {
	if name == "" {
		return &stateError{state: "26000", msg: "unnamed prepared statement does not exist", routine: "exec_bind_message"}
	}
	return &stateError{state: "26000", msg: "prepared statement \"" + name + "\" does not exist", routine: "FetchPreparedStatement"}
}

// bindMsg handles Bind.
func (s *session) bindMsg(b []byte) error {
	m := &s.bind
	if err := m.decode(b); err != nil {
		return err
	}
	p, ok := s.stmts[string(m.stmt)]
	if !ok {
		return errNoStatement(string(m.stmt))
	}
	if s.txn.status == 'E' && (p.stmt == nil || !endsBlock(p.stmt)) {
		return errAborted()
	}
	_, dup := s.portals[string(m.portal)]
	var po *portal
	switch {
	case dup && len(m.portal) > 0:
		return &stateError{state: "42P03", msg: "cursor \"" + string(m.portal) + "\" already exists", routine: "CreatePortal"}
	case dup:
		s.dropPortal("")
	}
	if po = s.spare; len(m.portal) == 0 && po != nil {
		*po = portal{args: po.args[:0], raw: po.raw[:0], formats: po.formats[:0]}
		s.spare = nil
	} else {
		po = &portal{}
	}
	if len(m.values) != len(p.params) {
		return protocolErrorSoft("bind message supplies " + itoa(len(m.values)) + " parameters, but prepared statement \"" +
			string(m.stmt) + "\" requires " + itoa(len(p.params)))
	}
	if k := len(m.formats) / 2; k > 1 && k != len(m.values) {
		return protocolErrorSoft("bind message has " + itoa(k) + " parameter formats but " + itoa(len(m.values)) + " parameters")
	}
	if err := s.arguments(po, p, m); err != nil {
		return err
	}
	po.stmt = p
	po.formats = append(po.formats, m.results...)
	for i := 0; i+1 < len(m.results); i += 2 {
		if f := binary.BigEndian.Uint16(m.results[i:]); f > 1 {
			return stateErrorf("22023", "unsupported format code: %d", f)
		}
	}
	s.portals[string(m.portal)] = po
	s.w.empty('2')
	return nil
}

// arguments decodes the parameter values. They outlive the message buffer, so
// the bytes are copied once.
func (s *session) arguments(po *portal, p *prepared, m *bind) error {
	total := 0
	for _, v := range m.values {
		total += len(v)
	}
	if cap(po.raw) < total {
		po.raw = make([]byte, 0, total)
	}
	for i, v := range m.values {
		isBinary, ok := formatAt(m.formats, i)
		if !ok {
			return stateErrorf("22023", "unsupported format code")
		}
		if v != nil {
			at := len(po.raw)
			po.raw = append(po.raw, v...)
			v = po.raw[at:len(po.raw):len(po.raw)]
			if len(v) == 0 {
				v = []byte{}
			}
		}
		a, err := decodeParam(p.params[i], isBinary, v, &s.text)
		if err != nil {
			return &located{err, "unnamed portal parameter $" + itoa(i+1)}
		}
		po.args = append(po.args, a)
	}
	return nil
}

// describeMsg handles Describe of a statement or a portal.
func (s *session) describeMsg(b []byte) error {
	if len(b) < 2 || b[len(b)-1] != 0 {
		return protocolErrorSoft("invalid string in message")
	}
	name := string(b[1 : len(b)-1])
	switch b[0] {
	case 'S':
		p, ok := s.stmts[name]
		if !ok {
			return errNoStatement(name)
		}
		if s.txn.status == 'E' && p.cols != nil {
			return errAborted()
		}
		if err := s.redescribe(p); err != nil {
			return err
		}
		at := s.w.begin('t')
		s.w.i16(len(p.params))
		for _, t := range p.params {
			oid, _, _ := oidOf(t)
			s.w.i32(int(oid))
		}
		s.w.end(at)
		s.columns(p, nil)
	case 'P':
		po, ok := s.portals[name]
		if !ok {
			return errNoPortal(name)
		}
		if s.runsNext(name, po) {
			po.told = true
			return nil
		}
		if err := s.revalidate(po.stmt); err != nil {
			return err
		}
		s.columns(po.stmt, po.formats)
	default:
		return protocolErrorSoft("invalid DESCRIBE message subtype " + itoa(int(b[0])))
	}
	return nil
}

// runsNext reports whether the Execute of a portal that reads or writes data is
// here already: its Describe is then answered by the execution itself, which
// has to look at the plan anyway.
func (s *session) runsNext(name string, po *portal) bool {
	if po.started || po.stmt.stmt == nil || po.stmt.stmt.Kind != rel.KindData || po.stmt.cols == nil || s.txn.status == 'E' {
		return false
	}
	n := 1 + 4 + len(name) + 1 + 4
	if s.w.br.Buffered() < n {
		return false
	}
	m, err := s.w.br.Peek(n)
	return err == nil && m[0] == 'E' && string(m[5:5+len(name)]) == name && m[5+len(name)] == 0
}

// revalidate refuses a statement whose tables changed so that its rows would
// not fit what the client knows.
func (s *session) revalidate(p *prepared) error {
	if p.cols == nil || p.batch == s.batch {
		return nil
	}
	was := p.cols
	if err := s.redescribe(p); err != nil {
		return err
	}
	same := len(was) == len(p.cols)
	for i := 0; same && i < len(was); i++ {
		same = was[i].Type == p.cols[i].Type
	}
	if same {
		return nil
	}
	return errPlanChanged
}

// errPlanChanged refuses a prepared statement whose rows changed.
var errPlanChanged = &stateError{state: "0A000", msg: "cached plan must not change result type", routine: "RevalidateCachedQuery"}

// execPrepared is exec for a statement whose columns the client knows.
func (s *session) execPrepared(ctx context.Context, p *prepared, args []op.Value) (op.Reply, error) {
	if p.stmt.Kind == rel.KindData {
		s.expect = p.cols
	}
	r, err := s.exec(ctx, p.stmt, args)
	s.expect = nil
	if e := op.AsError(err); e != nil && e.Object == "plan" {
		err = errPlanChanged
	}
	return r, err
}

// redescribe refreshes the columns of a statement: its tables may have changed
// since Parse. Cursors and prepared statements it names, too.
func (s *session) redescribe(p *prepared) error {
	if p.stmt == nil || s.txn.status == 'E' {
		return nil
	}
	ctx, done := s.statement()
	defer done()
	return cause(ctx, s.describe(ctx, p))
}

// columns sends RowDescription or NoData.
func (s *session) columns(p *prepared, formats []byte) {
	if p.cols == nil {
		s.w.empty('n')
		return
	}
	s.describeRows(p.cols, formats)
}

// errNoPortal says that a portal does not exist.
func errNoPortal(name string) error {
	return &stateError{state: "34000", msg: "portal \"" + name + "\" does not exist", routine: "exec_execute_message"}
}

// executeMsg handles Execute: portal, row limit.
func (s *session) executeMsg(b []byte) error {
	name, b, ok := cutString(b)
	if !ok || len(b) != 4 {
		return protocolErrorSoft("invalid message format")
	}
	limit := int64(int32(binary.BigEndian.Uint32(b)))
	po, ok := s.portals[string(name)]
	if !ok {
		return errNoPortal(string(name))
	}
	if po.stmt.stmt == nil {
		s.w.empty('I')
		return nil
	}
	ctx, done := s.statement()
	defer done()
	return cause(ctx, s.execute(ctx, po, max(limit, 0)))
}

// execute runs or continues a portal.
func (s *session) execute(ctx context.Context, po *portal, limit int64) error {
	st := po.stmt.stmt
	if !po.started {
		if s.txn.id == 0 && works(st) && s.w.peek() != 'S' {
			if err := s.open(ctx, s.defaults(), true); err != nil {
				return err
			}
		}
		reply, err := s.execPrepared(ctx, po.stmt, po.args)
		if err != nil {
			if po.told && err != errPlanChanged {
				s.columns(po.stmt, po.formats)
			}
			return err
		}
		po.res, po.started = result{reply: reply}, true
	}
	res := &po.res
	if res.ended { // run again after its end: nothing is left
		if res.cols == nil {
			return &stateError{state: "55000", msg: "portal cannot be run anymore", routine: "PortalRun"}
		}
		s.complete(res, 0)
		return nil
	}
	before := res.sent
	suspended, err := s.send(ctx, res, po.formats, limit, po.told)
	po.told = false
	if err != nil {
		res.close()
		return err
	}
	if suspended {
		s.w.empty('s')
		return nil
	}
	s.complete(res, res.sent-before)
	return nil
}

// closeMsg handles Close of a statement or portal; unknown names are fine.
func (s *session) closeMsg(b []byte) error {
	if len(b) < 2 || b[len(b)-1] != 0 {
		return protocolErrorSoft("invalid string in message")
	}
	name := string(b[1 : len(b)-1])
	switch b[0] {
	case 'S':
		delete(s.stmts, name)
	case 'P':
		s.dropPortal(name)
	default:
		return protocolErrorSoft("invalid CLOSE message subtype " + itoa(int(b[0])))
	}
	s.w.empty('3')
	return nil
}

// prepareStmt runs PREPARE name AS query.
func (s *session) prepareStmt(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	if _, dup := s.stmts[x.Name]; dup {
		return nil, &stateError{state: "42P05", msg: "prepared statement \"" + x.Name + "\" already exists", routine: "StorePreparedStatement"}
	}
	p, err := s.prepare(ctx, x.Query, x.Types)
	if err != nil {
		return nil, err
	}
	p.sql = true
	s.stmts[x.Name] = p
	return tagged("PREPARE"), nil
}

// executeStmt runs EXECUTE name(arguments): the arguments are evaluated as one
// query whose columns have the parameters' types.
func (s *session) executeStmt(ctx context.Context, st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	p, ok := s.stmts[x.Name]
	if !ok {
		return nil, errNoStatement(x.Name)
	}
	if len(x.Exprs) != len(p.params) {
		return nil, &stateError{state: "42601", msg: "wrong number of parameters for prepared statement \"" + x.Name + "\"",
			detail: "Expected " + itoa(len(p.params)) + " parameters but got " + itoa(len(x.Exprs)) + ".", routine: "EvaluateParams"}
	}
	if p.stmt == nil {
		return tagged("EXECUTE"), nil
	}
	args, err := s.evaluate(ctx, x.Exprs, p.params)
	if err != nil {
		return nil, err
	}
	return s.execPrepared(ctx, p, args)
}

// evaluate computes expressions as values of types.
func (s *session) evaluate(ctx context.Context, exprs []string, types []op.Type) ([]op.Value, error) {
	if len(exprs) == 0 {
		return nil, nil
	}
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, e := range exprs {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("CAST((" + e + ") AS " + typeName(types[i]) + ")")
	}
	list, err := s.parse(ctx, b.String())
	if err != nil || len(list) != 1 {
		return nil, err
	}
	reply, err := s.exec(ctx, list[0], nil)
	if err != nil {
		return nil, err
	}
	rows, _, err := collect(ctx, reply)
	if err != nil {
		return nil, err
	}
	if len(rows) != len(exprs) {
		return nil, op.Errorf(op.Internal, "arguments gave %d values", len(rows))
	}
	return rows, nil
}

// deallocate runs DEALLOCATE.
func (s *session) deallocate(st *rel.Stmt) (op.Reply, error) {
	x := st.Session
	if x.Word == "DEALLOCATE ALL" {
		clear(s.stmts)
		return tagged("DEALLOCATE ALL"), nil
	}
	if _, ok := s.stmts[x.Name]; !ok {
		return nil, errNoStatement(x.Name)
	}
	delete(s.stmts, x.Name)
	return tagged("DEALLOCATE"), nil
}

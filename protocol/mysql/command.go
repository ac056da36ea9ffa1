package mysql

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// Command bytes.
const (
	comQuit        = 0x01
	comInitDB      = 0x02
	comQuery       = 0x03
	comFieldList   = 0x04
	comStatistics  = 0x09
	comProcessKill = 0x0c
	comPing        = 0x0e
	comChangeUser  = 0x11
	comPrepare     = 0x16
	comExecute     = 0x17
	comLongData    = 0x18
	comStmtClose   = 0x19
	comStmtReset   = 0x1a
	comSetOption   = 0x1b
	comFetch       = 0x1c
	comReset       = 0x1f
)

// commands is the dispatch table. A handler returns an error to be sent to the
// client; silent ones answer nothing at all.
var commands = map[byte]struct {
	run    func(*session, []byte) error
	silent bool
}{
	comInitDB:      {run: (*session).initDB},
	comQuery:       {run: (*session).query},
	comFieldList:   {run: (*session).fieldList},
	comStatistics:  {run: (*session).statistics},
	comProcessKill: {run: (*session).processKill},
	comPing:        {run: func(s *session, _ []byte) error { s.ok(&op.Done{}, false); return nil }},
	comChangeUser:  {run: (*session).changeUser},
	comPrepare:     {run: (*session).prepare},
	comExecute:     {run: (*session).execute},
	comLongData:    {run: (*session).longData, silent: true},
	comStmtClose:   {run: (*session).closeStmt, silent: true},
	comStmtReset:   {run: (*session).resetStmt},
	comSetOption:   {run: (*session).setOption},
	comFetch:       {run: (*session).fetch},
	comReset:       {run: (*session).resetConnection},
}

// command answers one message. Its own error is an I/O failure.
func (s *session) command(msg []byte) error {
	if len(msg) == 0 {
		s.sendError(&op.Error{Code: op.InvalidArgument, Object: "packet", Msg: "Malformed communication packet."})
		return nil
	}
	if msg[0] == comQuit {
		s.quit = true
		return nil
	}
	c, ok := commands[msg[0]]
	if !ok {
		s.sendError(&op.Error{Code: op.InvalidArgument, Object: "command", Msg: "Unknown command"})
		return nil
	}
	s.track = s.track[:0]
	err := c.run(s, msg[1:])
	switch {
	case err == nil, c.silent:
		return nil
	case isIO(err):
		return err
	}
	if err == errShort {
		err = &op.Error{Code: op.InvalidArgument, Object: "packet", Msg: "Malformed communication packet."}
	}
	s.fail(err)
	return nil
}

// ioError marks a failure of the connection itself.
type ioError struct{ error }

// isIO reports whether err came from the connection.
func isIO(err error) bool { _, ok := err.(ioError); return ok }

// fail sends a statement's error and keeps it for SHOW WARNINGS.
func (s *session) fail(err error) {
	s.failed(err)
	s.env.RowCount = -1
	number, _, text := s.nativeError(err)
	s.warn(warning{"Error", number, text})
	s.sendError(err)
}

// ok writes an OK packet.
func (s *session) ok(d *op.Done, more bool) { s.okInfo(d, more, "", 0) }

// okInfo writes an OK packet, or the one that ends a result set (head 0xfe).
func (s *session) okInfo(d *op.Done, more bool, info string, head byte) {
	at := s.w.begin()
	b := append(s.w.out, head)
	b = appendLenInt(b, uint64(max(d.Affected, 0)))
	b = appendLenInt(b, uint64(d.LastID))
	b = binary.LittleEndian.AppendUint16(b, s.status(more))
	b = binary.LittleEndian.AppendUint16(b, uint16(min(len(s.warnings), 65535)))
	switch {
	case s.caps&capSessionTrack != 0:
		if info != "" || len(s.track) > 0 {
			b = appendLenString(b, info)
		}
		if len(s.track) > 0 {
			b = appendLenBytes(b, s.track)
		}
	default:
		b = append(b, info...)
	}
	s.w.out = b
	s.w.end(at)
	s.track = s.track[:0]
}

// eof ends column definitions or rows for clients of the classic protocol.
func (s *session) eof(more bool) {
	at := s.w.begin()
	b := append(s.w.out, 0xfe)
	b = binary.LittleEndian.AppendUint16(b, uint16(min(len(s.warnings), 65535)))
	s.w.out = binary.LittleEndian.AppendUint16(b, s.status(more)&^statusSessionState)
	s.w.end(at)
}

// initDB answers COM_INIT_DB.
func (s *session) initDB(b []byte) error {
	if err := s.change(string(b)); err != nil {
		return err
	}
	s.ok(&op.Done{}, false)
	return nil
}

// fieldList answers COM_FIELD_LIST: the columns of a table.
func (s *session) fieldList(b []byte) error {
	c := &cursor{b: b}
	table := c.cstring()
	if c.bad {
		return errShort
	}
	list, err := s.parse("SELECT * FROM `" + strings.ReplaceAll(table, "`", "``") + "`")
	if err != nil {
		return err
	}
	head, err := s.describe(list[0])
	if err != nil {
		return err
	}
	for i := range head.Columns {
		at := s.w.begin()
		s.w.out = append(s.appendColumn(s.w.out, &head.Columns[i]), 0xfb)
		s.w.end(at)
	}
	s.eof(false)
	return nil
}

// statistics answers COM_STATISTICS with one line of text.
func (s *session) statistics([]byte) error {
	at := s.w.begin()
	s.w.out = fmt.Appendf(s.w.out, "Uptime: %d  Threads: %d  Questions: %d  Slow queries: 0  Opens: 0  Flush tables: 0  Open tables: 0  Queries per second avg: 0",
		int64(time.Since(s.srv.started).Seconds()), s.srv.env.Sessions.Len(), s.opID)
	s.w.end(at)
	return nil
}

// processKill answers COM_PROCESS_KILL.
func (s *session) processKill(b []byte) error {
	c := &cursor{b: b}
	id := c.u32()
	if c.bad {
		return errShort
	}
	if err := s.kill(uint64(id), false); err != nil {
		return err
	}
	s.ok(&op.Done{}, false)
	return nil
}

// kill ends another connection, or its statement.
func (s *session) kill(id uint64, statement bool) error {
	t := s.srv.env.Sessions.Get(id)
	if t == nil || t.System != "mysql" {
		return &op.Error{Code: op.InvalidArgument, Object: "thread", Msg: fmt.Sprintf("Unknown thread id: %d", id)}
	}
	if !s.srv.trust() && t.User != s.user {
		return op.Errorf(op.Forbidden, "You are not owner of thread %d", id)
	}
	if statement {
		t.Cancel()
		return nil
	}
	t.Kill()
	return nil
}

// changeUser answers COM_CHANGE_USER: authenticate again and start afresh.
func (s *session) changeUser(b []byte) error {
	l, err := decodeChangeUser(b, s.caps)
	if err != nil {
		return err
	}
	l.auth = append([]byte(nil), l.auth...)
	s.close()
	if err := s.authenticate(l); err != nil {
		s.quit = true
		return err
	}
	s.clear()
	if l.charset != 0 {
		s.charset = clientCharset(l.charset)
	}
	if err := s.enter(l); err != nil {
		s.quit = true
		return err
	}
	s.ok(&op.Done{}, false)
	return nil
}

// clear forgets session state, as COM_RESET_CONNECTION asks.
func (s *session) clear() {
	s.srv.locks.release(s)
	s.stmts, s.named, s.warnings = map[uint32]*prepared{}, map[string]*rel.Stmt{}, nil
	s.resetVars()
}

// resetConnection answers COM_RESET_CONNECTION.
func (s *session) resetConnection([]byte) error {
	if err := s.endTxn(s.ctx, &ctl.Rollback{}); err != nil {
		return err
	}
	s.clear()
	s.ok(&op.Done{}, false)
	return nil
}

// setOption answers COM_SET_OPTION: multi-statements on or off.
func (s *session) setOption(b []byte) error {
	c := &cursor{b: b}
	switch n := c.u16(); {
	case c.bad:
		return errShort
	case n == 0:
		s.caps |= capMultiStmts
	case n == 1:
		s.caps &^= capMultiStmts
	default:
		return &op.Error{Code: op.InvalidArgument, Object: "command", Msg: "Unknown command"}
	}
	s.eof(false)
	return nil
}

// names returns the keys of a map in order.
func names[V any](m map[string]V) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	sort.Strings(out)
	return out
}

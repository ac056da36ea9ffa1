package mysql

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// tableLocks are the locks of LOCK TABLES, which bind the MySQL connections of
// this server. A statement waits while another session holds a lock that
// forbids it; LOCK TABLES waits until running statements have ended. Other
// protocols, and transactions that are already open, are not held up.
type tableLocks struct {
	gate    sync.RWMutex // held shared while a statement runs
	held    map[tableKey]*tableLock
	changed chan struct{} // closed when locks are given back
}

// tableKey names a table.
type tableKey struct{ db, table string }

// tableLock is a lock with its holders: one that writes, or any that read.
type tableLock struct {
	write   bool
	holders map[*session]bool
}

// blocks reports whether the lock keeps a session from using the table.
func (l *tableLock) blocks(s *session, write bool) bool {
	if l == nil || l.holders[s] && len(l.holders) == 1 {
		return false
	}
	return l.write || write
}

// enter waits until a statement may use its tables; leave ends the use.
func (t *tableLocks) enter(ctx context.Context, s *session, uses []rel.TableUse) error {
	if s.locked != nil {
		if err := s.allowed(uses); err != nil {
			return err
		}
	}
	for {
		t.gate.RLock()
		if !t.blocked(s, uses) {
			return nil
		}
		wait := t.changed
		t.gate.RUnlock()
		if err := await(ctx, wait); err != nil {
			return err
		}
	}
}

// leave ends what enter began.
func (t *tableLocks) leave() { t.gate.RUnlock() }

// await waits for a change of the locks.
func await(ctx context.Context, c chan struct{}) error {
	select {
	case <-c:
		return nil
	case <-ctx.Done():
		return &op.Error{Code: op.Canceled, Msg: "canceled while waiting for a table lock"}
	}
}

// blocked reports whether a lock of another session forbids the uses. The gate
// is held.
func (t *tableLocks) blocked(s *session, uses []rel.TableUse) bool {
	if len(t.held) == 0 {
		return false
	}
	for _, u := range uses {
		if t.held[s.tableKey(u)].blocks(s, u.Write) {
			return true
		}
	}
	return false
}

// tableKey resolves a table name in a session.
func (s *session) tableKey(u rel.TableUse) tableKey {
	db := u.Schema
	if db == "" {
		db = s.env.Database
	}
	return tableKey{db, u.Name}
}

// allowed checks a statement against the session's own locks: tables that are
// not locked cannot be used, those locked for reading cannot be written.
func (s *session) allowed(uses []rel.TableUse) error {
	for _, u := range uses {
		write, ok := s.locked[u.Name]
		switch {
		case strings.EqualFold(u.Schema, "information_schema"):
		case !ok:
			return &op.Error{Code: op.InvalidArgument, Object: "not locked", Name: u.Name, Msg: "Table '" + u.Name + "' was not locked with LOCK TABLES"}
		case u.Write && !write:
			return &op.Error{Code: op.InvalidArgument, Object: "read locked", Name: u.Name, Msg: "Table '" + u.Name + "' was locked with a READ lock and can't be updated"}
		}
	}
	return nil
}

// take waits for all locks of a LOCK TABLES at once.
func (t *tableLocks) take(ctx context.Context, s *session, want []rel.TableUse) error {
	for {
		if err := t.close(ctx); err != nil {
			return err
		}
		if t.held == nil {
			t.held, t.changed = map[tableKey]*tableLock{}, make(chan struct{})
		}
		if !t.blocked(s, want) {
			break
		}
		wait := t.changed
		t.gate.Unlock()
		if err := await(ctx, wait); err != nil {
			return err
		}
	}
	defer t.gate.Unlock()
	s.locked = map[string]bool{}
	for _, u := range want {
		k := s.tableKey(u)
		if t.held[k] == nil {
			t.held[k] = &tableLock{holders: map[*session]bool{}}
		}
		t.held[k].holders[s] = true
		t.held[k].write = t.held[k].write || u.Write
		s.locked[u.Name] = s.locked[u.Name] || u.Write
	}
	return nil
}

// close takes the gate when no statement runs. It never makes a statement
// wait: one client that reads slowly must not hold up the others.
func (t *tableLocks) close(ctx context.Context) error {
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !t.gate.TryLock() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return &op.Error{Code: op.Canceled, Msg: "canceled while waiting for a table lock"}
		}
	}
	return nil
}

// release gives a session's locks back.
func (t *tableLocks) release(s *session) {
	if s.locked == nil {
		return
	}
	_ = t.close(context.Background()) // running statements end, and nothing else keeps it
	defer t.gate.Unlock()
	for k, l := range t.held {
		if delete(l.holders, s); len(l.holders) == 0 {
			delete(t.held, k)
		}
	}
	s.locked = nil
	close(t.changed)
	t.changed = make(chan struct{})
}

// lockTables runs LOCK and UNLOCK TABLES. The open transaction is committed and
// earlier locks are given back, as MySQL does.
func (s *session) lockTables(ctx context.Context, x *rel.Session) error {
	if x.Word == "LOCK TABLES" || s.locked != nil {
		if err := s.endTxn(ctx, &ctl.Commit{}); err != nil {
			return err
		}
	}
	s.srv.locks.release(s)
	if x.Word != "LOCK TABLES" {
		return nil
	}
	var want []rel.TableUse
	for _, o := range x.Options {
		list, err := s.parse("SELECT * FROM `" + strings.ReplaceAll(o[0], "`", "``") + "`")
		if err != nil {
			return err
		}
		if _, err := s.describe(list[0]); err != nil {
			return err
		}
		want = append(want, rel.TableUse{Name: o[0], Write: o[1] == "write"})
	}
	return s.srv.locks.take(ctx, s, want)
}

package object

import (
	"context"
	"sync/atomic"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// txn is one interactive transaction on one object. Its session runs one
// statement at a time; between the statements the leader may suspend it.
type txn struct {
	obj     *Object
	id      uint64
	opts    ctl.Begin
	tx      *Tx
	log     *sqlite.Txn // changes and locks; nil until the first write
	names   []savepoint
	alone   bool    // it has the writer to its end
	alter   bool    // the running statement cannot take turns
	schema  bool    // because it changes the schema
	waiting *task   // the statement that waits for another transaction
	task    *task   // the statement that runs
	broken  error   // its changes could not be made again
	wrote   uint64  // tables changed while alone
	reader  *reader // held snapshot of repeatable read and serializable
	aborted atomic.Bool
}

// txnIDs numbers transactions.
var txnIDs atomic.Uint64

// newTxn makes a transaction of o.
func newTxn(o *Object) *txn {
	x := &txn{obj: o, id: txnIDs.Add(1)}
	x.tx = &Tx{Conn: o.w, obj: o, now: o.store.now(), txn: x}
	return x
}

// savepoint is a user's mark; at and log are the states to go back to.
type savepoint struct {
	name string
	at   mark
	log  sqlite.Mark
}

// mangle names the i-th open savepoint inside SQLite.
func mangle(i int) string { return "dotdo_u" + string(rune('a'+i/26)) + string(rune('a'+i%26)) }

// errAborted is what a transaction meets that was ended to let others go on.
func errAborted() *op.Error {
	return &op.Error{Code: op.Serialization, Msg: "transaction was ended to let others go on",
		Hint: "keep transactions short, then try again"}
}

// run sends one task of the transaction.
func (x *txn) run(ctx context.Context, kind taskKind, read bool, fn func(*Tx) error) (*task, error) {
	t := &task{kind: kind, fn: fn, txn: x, read: read, sig: make(chan signal, 1)}
	if err := x.obj.do(ctx, t); err != nil {
		return t, err
	}
	return t, t.err
}

// write runs one statement on the writer.
func (x *txn) write(ctx context.Context, fn func(*Tx) error) (uint64, error) {
	if x.aborted.Load() {
		return 0, errAborted()
	}
	if x.opts.ReadOnly {
		return 0, op.Errorf(op.ReadOnly, "cannot execute a write in a read-only transaction")
	}
	t, err := x.run(ctx, taskStatement, false, fn)
	return t.lsn, err
}

// read runs fn on a reader (a fresh snapshot for each statement at read
// committed, else one for the whole transaction), or on the writer when it
// reads tables that the transaction has changed.
func (x *txn) read(ctx context.Context, fn func(*Tx) error) error {
	o := x.obj
	switch {
	case x.aborted.Load():
		return errAborted()
	case x.alone:
		_, err := x.run(ctx, taskStatement, true, fn)
		return err
	case x.opts.Isolation == ctl.ReadCommitted:
		if x.log != nil && x.log.Tables() != 0 {
			if err := o.readAvoiding(ctx, x.log.Tables(), fn); err != errTurn {
				return err
			}
			_, err := x.run(ctx, taskStatement, true, fn)
			return err
		}
		return o.read(ctx, fn)
	}
	if x.reader == nil {
		r, err := o.readers.acquire(ctx)
		if err != nil {
			return err
		}
		x.reader = r
	}
	if err := o.makeDurable(x.reader.seq); err != nil {
		return err
	}
	return call(x.reader.tx(), fn)
}

// commit ends the transaction; the returned LSN (0: it wrote nothing) is
// durable.
func (x *txn) commit() (uint64, error) {
	defer x.drop()
	if x.aborted.Load() {
		return 0, errAborted()
	}
	if x.log == nil && !x.alone {
		return 0, nil
	}
	t, err := x.run(background, taskCommit, false, nil)
	if err != nil {
		return 0, err
	}
	return t.lsn, x.obj.settle(t.lsn, t.durable)
}

// drop undoes what is left of the transaction.
func (x *txn) drop() {
	if r := x.reader; r != nil {
		x.reader = nil
		x.obj.readers.release(r)
	}
	if x.log != nil {
		_, _ = x.run(background, taskRollback, false, nil)
	}
}

// savepoint sets, releases or returns to a user's mark.
func (x *txn) savepoint(b *ctl.Savepoint) error {
	if x.aborted.Load() {
		return errAborted()
	}
	at := -1
	for i := len(x.names) - 1; i >= 0 && at < 0; i-- {
		if x.names[i].name == b.Name {
			at = i
		}
	}
	if b.Action != ctl.SavepointSet && at < 0 {
		return &op.Error{Code: op.NoTransaction, Msg: "savepoint \"" + b.Name + "\" does not exist", Object: "savepoint", Name: b.Name}
	}
	if b.Action == ctl.SavepointSet && len(x.names) >= 26*26 {
		return op.Errorf(op.TooLarge, "too many open savepoints")
	}
	if x.log == nil {
		x.mark(b, at)
		return nil
	}
	_, err := x.run(background, taskMark, false, func(*Tx) error { return x.point(b, at) })
	return err
}

// mark keeps the list of savepoints.
func (x *txn) mark(b *ctl.Savepoint, at int) {
	switch b.Action {
	case ctl.SavepointSet:
		s := savepoint{name: b.Name, at: x.tx.mark()}
		if x.log != nil {
			s.log = x.log.Mark()
		}
		x.names = append(x.names, s)
	case ctl.SavepointRelease:
		x.names = x.names[:at]
	case ctl.SavepointRollback:
		x.names = x.names[:at+1]
	}
}

// point does the work of a savepoint on the writer, under the lead.
func (x *txn) point(b *ctl.Savepoint, at int) error {
	o := x.obj
	if x.alone {
		if err := x.pointAlone(b, at); err != nil {
			return err
		}
	}
	if b.Action == ctl.SavepointRollback {
		if o.group.seated == x {
			o.unseat()
		}
		if !x.alone {
			x.log.Undo(x.names[at].log)
		}
		x.tx.undo(x.names[at].at)
	}
	x.mark(b, at)
	return nil
}

// pointAlone works on the SQLite savepoints of a transaction that is alone.
func (x *txn) pointAlone(b *ctl.Savepoint, at int) error {
	text := ""
	switch b.Action {
	case ctl.SavepointSet:
		text = "SAVEPOINT " + mangle(len(x.names))
	case ctl.SavepointRelease:
		text = "RELEASE " + mangle(at)
	case ctl.SavepointRollback:
		text = "ROLLBACK TO " + mangle(at)
		clear(x.obj.w.State)
	}
	if err := control(x.obj.w, text); err != nil {
		return x.obj.storage("savepoint", err)
	}
	return nil
}

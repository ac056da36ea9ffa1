package object

import (
	"context"
	"math/bits"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// maxReaders bounds an object's reader connections; maxViews those that
// streaming replies may hold, so that slow clients leave some for the others.
const (
	maxReaders = 48
	maxViews   = 32
)

// reader is a reading connection that keeps its snapshot between uses: a read
// inside an open transaction costs half of one that opens its own.
type reader struct {
	conn *sqlite.Conn
	seq  uint64 // last commit the snapshot sees
	held bool   // a read transaction is open
	t    Tx
}

// tx prepares the reader's Tx for one use.
func (r *reader) tx() *Tx {
	r.t.Conn, r.t.lsn, r.t.now = r.conn, r.seq, r.t.obj.store.now()
	return &r.t
}

// readers is the pool of one object.
type readers struct {
	obj   *Object
	mu    sync.Mutex
	idle  []*reader
	slots chan struct{} // one for each connection in use
	views chan struct{}
}

// newReaders makes an empty pool.
func newReaders(o *Object) *readers {
	return &readers{obj: o, slots: make(chan struct{}, maxReaders), views: make(chan struct{}, maxViews)}
}

// acquire returns a reader on the newest committed state.
func (p *readers) acquire(ctx context.Context) (*reader, error) {
	if err := p.obj.broken(); err != nil {
		return nil, err
	}
	select {
	case p.slots <- struct{}{}:
	default:
		select {
		case p.slots <- struct{}{}:
		case <-ctx.Done():
			return nil, canceled(ctx)
		}
	}
	r, err := p.take()
	if err == nil {
		err = r.refresh(p.obj)
	}
	if err != nil {
		if r != nil {
			_ = r.conn.Close()
		}
		<-p.slots
		return nil, p.obj.storage("open reader", err)
	}
	return r, nil
}

// take pops an idle reader or opens a connection.
func (p *readers) take() (*reader, error) {
	p.mu.Lock()
	if n := len(p.idle); n > 0 {
		r := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return r, nil
	}
	p.mu.Unlock()
	c, err := sqlite.Open(p.obj.path, p.obj.store.sqliteOptions(true))
	if err != nil {
		return nil, err
	}
	return &reader{conn: c, t: Tx{obj: p.obj}}, nil
}

// refresh makes the snapshot see every commit made so far. Under commitMu no
// commit can slip between the snapshot and the number read for it.
func (r *reader) refresh(o *Object) error {
	if r.held && r.seq == o.committed.Load() {
		return nil
	}
	if r.held {
		r.held = false
		if err := control(r.conn, "COMMIT"); err != nil {
			return err
		}
	}
	o.commitMu.RLock()
	defer o.commitMu.RUnlock()
	if err := control(r.conn, "BEGIN"); err != nil {
		return err
	}
	r.held = true
	if _, err := r.conn.Row("SELECT 1 FROM _dotdo_meta"); err != nil { // takes the snapshot
		return err
	}
	r.seq = o.committed.Load()
	return nil
}

// release puts a reader back. One that fell far behind lets go of its snapshot
// so that the WAL can be reset.
func (p *readers) release(r *reader) {
	if !r.conn.InTransaction() {
		r.held = false
	}
	if r.held && p.obj.committed.Load() >= r.seq+64 {
		_ = control(r.conn, "COMMIT")
		r.held = false
	}
	p.mu.Lock()
	p.idle = append(p.idle, r)
	p.mu.Unlock()
	<-p.slots
}

// endIdle ends the snapshots of idle readers and closes most of them when many
// are idle.
func (p *readers) endIdle() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i, r := range p.idle {
		if r.held {
			_ = control(r.conn, "COMMIT")
			r.held = false
		}
		if i >= 8 {
			_ = r.conn.Close()
		}
	}
	p.idle = p.idle[:min(len(p.idle), 8)]
}

// close closes all idle readers; nobody may hold one.
func (p *readers) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, r := range p.idle {
		_ = r.conn.Close()
	}
	p.idle = nil
}

// read runs fn on a reader, on the caller's goroutine. What it saw is durable
// when it returns.
func (o *Object) read(ctx context.Context, fn func(*Tx) error) error {
	r, err := o.readers.acquire(ctx)
	if err != nil {
		return err
	}
	return o.readOn(r, fn)
}

// readOn runs fn on a reader and puts it back. It waits only for commits of the
// tables that fn read.
func (o *Object) readOn(r *reader, fn func(*Tx) error) error {
	seq := r.seq
	r.conn.Touched = 0
	err := call(r.tx(), fn)
	touched := r.conn.Touched
	o.readers.release(r)
	if o.synced.Load() >= seq {
		return err
	}
	gate := o.catLSN.Load()
	for b := touched; b != 0; b &= b - 1 {
		gate = max(gate, o.tableLSN[bits.TrailingZeros64(b)].Load())
	}
	if e := o.makeDurable(min(gate, seq)); e != nil {
		return e
	}
	return err
}

// readAvoiding is read, unless fn would read one of the tables in avoid (by
// table bit): it then returns errTurn.
func (o *Object) readAvoiding(ctx context.Context, avoid uint64, fn func(*Tx) error) error {
	r, err := o.readers.acquire(ctx)
	if err != nil {
		return err
	}
	met := false
	r.conn.Before = func(reads, _ uint64, _ bool) error {
		if reads&avoid != 0 {
			met = true
			return errTurn
		}
		return nil
	}
	err = o.readOn(r, func(tx *Tx) error {
		defer func() { r.conn.Before = nil }()
		return fn(tx)
	})
	if met {
		return errTurn
	}
	return err
}

// View is a reader that a streaming reply holds. It is not safe for use by two
// goroutines at once.
type View struct {
	Tx  *Tx
	r   *reader
	obj *Object
}

// view opens a View; it also keeps the object open.
func (o *Object) view(ctx context.Context) (*View, error) {
	select {
	case o.readers.views <- struct{}{}:
	default:
		return nil, &op.Error{Code: op.Unavailable, Msg: "too many open result streams on this database",
			Hint: "read or close some of them, then try again"}
	}
	r, err := o.readers.acquire(ctx)
	if err != nil {
		<-o.readers.views
		return nil, err
	}
	if err := o.makeDurable(r.seq); err != nil {
		o.readers.release(r)
		<-o.readers.views
		return nil, err
	}
	o.refs.Add(1)
	return &View{Tx: r.tx(), r: r, obj: o}, nil
}

// Close releases the reader. It may be called twice.
func (v *View) Close() {
	if v.r == nil {
		return
	}
	v.obj.readers.release(v.r)
	<-v.obj.readers.views
	v.obj.store.unref(v.obj)
	v.r = nil
}

package mongo

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"io"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// cursorTimeout is how long an unused cursor lives, as in MongoDB.
const cursorTimeout = 10 * time.Minute

// maxBatch bounds the bytes of one batch; a document may be as large as that,
// so the reply stays within a message.
const maxBatch = 16 << 20

// cursor is a result that was not read to its end.
type cursor struct {
	id    int64
	ns    string
	lsid  string
	reply op.Reply
	queue [][]byte // read from reply, not yet sent
	done  bool     // reply is exhausted
	timer *time.Timer
	watch *watcher           // of a change stream
	stop  context.CancelFunc // ends the getMore that waits
}

// cursors is the table of open cursors. A cursor in use is not in it.
type cursors struct {
	mu   sync.Mutex
	open map[int64]*cursor
	busy map[int64]*cursor
	kill map[int64]bool // killed while in use
}

// newCursors returns an empty table.
func newCursors() *cursors {
	return &cursors{open: map[int64]*cursor{}, busy: map[int64]*cursor{}, kill: map[int64]bool{}}
}

// put stores a cursor under a fresh id, or back under its own.
func (t *cursors) put(c *cursor, noTimeout bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if c.id == 0 {
		var b [8]byte
		for c.id == 0 || t.open[c.id] != nil {
			_, _ = rand.Read(b[:])
			c.id = int64(binary.LittleEndian.Uint64(b[:]) >> 1)
		}
	}
	delete(t.busy, c.id)
	if t.kill[c.id] {
		delete(t.kill, c.id)
		_ = c.reply.Close()
		return
	}
	t.open[c.id] = c
	if !noTimeout {
		c.timer = time.AfterFunc(cursorTimeout, func() { t.closeOne(c.id) })
	}
}

// take removes a cursor for use.
func (t *cursors) take(id int64, stop context.CancelFunc) *cursor {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.open[id]
	if c == nil {
		return nil
	}
	delete(t.open, id)
	t.busy[id] = c
	c.stop = stop
	if c.timer != nil {
		c.timer.Stop()
	}
	return c
}

// killed reports whether a cursor in use was killed.
func (t *cursors) killed(id int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.kill[id]
}

// drop forgets a cursor in use that has ended.
func (t *cursors) drop(c *cursor) {
	t.mu.Lock()
	delete(t.busy, c.id)
	delete(t.kill, c.id)
	t.mu.Unlock()
	_ = c.reply.Close()
}

// closeOne closes a cursor; false when there is none. One in use closes when
// its batch is done.
func (t *cursors) closeOne(id int64) bool {
	t.mu.Lock()
	c := t.open[id]
	delete(t.open, id)
	busy := t.busy[id]
	if busy != nil {
		t.kill[id] = true
		if busy.stop != nil {
			busy.stop()
		}
	}
	t.mu.Unlock()
	if c == nil {
		return busy != nil
	}
	if c.timer != nil {
		c.timer.Stop()
	}
	_ = c.reply.Close()
	return true
}

// closeSession closes the cursors of sessions.
func (t *cursors) closeSession(lsids []string) {
	set := map[string]bool{}
	for _, l := range lsids {
		set[l] = true
	}
	t.mu.Lock()
	var ids []int64
	for id, c := range t.open {
		if set[c.lsid] {
			ids = append(ids, id)
		}
	}
	t.mu.Unlock()
	for _, id := range ids {
		t.closeOne(id)
	}
}

// closeAll closes every cursor.
func (t *cursors) closeAll() {
	t.mu.Lock()
	var ids []int64
	for id := range t.open {
		ids = append(ids, id)
	}
	t.mu.Unlock()
	for _, id := range ids {
		t.closeOne(id)
	}
}

// batch takes up to n documents (n < 0: as many as fit).
func (c *cursor) batch(ctx context.Context, n int64) ([][]byte, error) {
	var docs [][]byte
	size := 0
	for n < 0 || int64(len(docs)) < n {
		if len(c.queue) == 0 {
			if c.done {
				break
			}
			c.want(n - int64(len(docs)))
			if err := c.fill(ctx); err != nil {
				return nil, err
			}
			continue
		}
		d := c.queue[0]
		if size+len(d) > maxBatch && len(docs) > 0 {
			break
		}
		size += len(d) + 16
		docs = append(docs, d)
		c.queue[0] = nil
		c.queue = c.queue[1:]
	}
	if len(c.queue) == 0 {
		c.queue = nil
	}
	return docs, nil
}

// want tells a reply that can use it how many documents are asked for, so that
// a cursor that waits holds as few as possible. n < 0: as many as fit.
func (c *cursor) want(n int64) {
	if w, ok := c.reply.(interface{ Want(n int) }); ok {
		w.Want(int(max(0, min(n, 1<<20))))
	}
}

// fill reads the next frame.
func (c *cursor) fill(ctx context.Context) error {
	f, err := c.reply.Next(ctx)
	if err == io.EOF {
		c.done = true
		return nil
	}
	if err != nil {
		return err
	}
	switch x := f.(type) {
	case *op.Docs:
		c.queue = x.Docs
	case *op.Done:
		c.done = true
	}
	return nil
}

// finished reports whether nothing is left; it may read ahead one frame.
func (c *cursor) finished(ctx context.Context) (bool, error) {
	for len(c.queue) == 0 && !c.done {
		c.want(1)
		if err := c.fill(ctx); err != nil {
			return false, err
		}
	}
	return len(c.queue) == 0 && c.done, nil
}

// cursorOptions are the fields that shape a first batch.
type cursorOptions struct {
	ns        string
	batch     int64
	single    bool
	noTimeout bool
}

// openCursor answers the first batch of a result.
func (r *request) openCursor(ctx context.Context, rep op.Reply, o cursorOptions) ([]byte, error) {
	c := &cursor{ns: o.ns, lsid: string(r.opt.lsid), reply: rep}
	docs, err := c.batch(ctx, o.batch)
	if err != nil {
		_ = rep.Close()
		return nil, err
	}
	end := o.single
	if !end && o.batch != 0 {
		if end, err = c.finished(ctx); err != nil {
			_ = rep.Close()
			return nil, err
		}
	}
	if end {
		_ = rep.Close()
	} else {
		r.c.s.cursors.put(c, o.noTimeout)
	}
	return cursorReply("firstBatch", docs, c.id, o.ns), nil
}

// cursorReply builds {cursor: {…}, ok: 1}.
func cursorReply(field string, docs [][]byte, id int64, ns string) []byte {
	inner := newReply().docs(field, docs).add("id", bsonval.Int64V(id)).str("ns", ns).end()
	return newReply().doc("cursor", inner).ok()
}

// cmdGetMore serves getMore.
func cmdGetMore(ctx context.Context, r *request) ([]byte, error) {
	id, ok := bsonval.Int(r.first())
	if !ok || r.first().Type != bsonval.Int64 {
		return nil, errorf(typeMismatch, "BSON field 'getMore.getMore' is the wrong type, expected type 'long'")
	}
	coll := bsonval.Text(r.get("collection"))
	n, err := r.number("batchSize", 0)
	if err != nil {
		return nil, err
	}
	if n <= 0 {
		n = -1
	}
	t := r.c.s.cursors
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	c := t.take(id, stop)
	if c == nil {
		return nil, errorf(cursorNotFound, "cursor id %d not found", id)
	}
	if c.lsid != "" && c.lsid != string(r.opt.lsid) {
		t.put(c, false)
		return nil, errorf(unauthorized, "Cannot run getMore on cursor id %d, which was created in another session", id)
	}
	if c.ns != r.db+"."+coll {
		t.put(c, false)
		return nil, errorf(unauthorized, "Requested getMore on namespace '%s.%s', but cursor belongs to a different namespace %s", r.db, coll, c.ns)
	}
	if c.watch != nil {
		return r.moreEvents(ctx, c, n)
	}
	docs, err := c.batch(ctx, n)
	if err != nil {
		t.drop(c)
		return nil, err
	}
	end, err := c.finished(ctx)
	if err != nil {
		t.drop(c)
		return nil, err
	}
	next := id
	if end {
		t.drop(c)
		next = 0
	} else {
		t.put(c, false)
	}
	return cursorReply("nextBatch", docs, next, c.ns), nil
}

// cmdKillCursors serves killCursors.
func cmdKillCursors(_ context.Context, r *request) ([]byte, error) {
	var killed, missing []bsonval.V
	for _, v := range bsonval.Items(r.get("cursors")) {
		id, _ := bsonval.Int(v)
		if r.c.s.cursors.closeOne(id) {
			killed = append(killed, bsonval.Int64V(id))
		} else {
			missing = append(missing, bsonval.Int64V(id))
		}
	}
	return newReply().add("cursorsKilled", bsonval.ArrayV(killed)).add("cursorsNotFound", bsonval.ArrayV(missing)).
		add("cursorsAlive", bsonval.ArrayV(nil)).add("cursorsUnknown", bsonval.ArrayV(nil)).ok(), nil
}

package mongo

import (
	"context"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// maxRetries bounds how many retryable writes are remembered, and how many
// bytes their replies take.
const (
	maxRetries    = 20000
	maxRetryBytes = 16 << 20
)

// retryKey names one retryable write of a session.
type retryKey struct {
	lsid   string
	number int64
}

// retried is the outcome of a retryable write; done closes when it is known.
type retried struct {
	done  chan struct{}
	reply []byte // nil when the write failed and may run again
}

// once names the write of a command that may be sent again; nil otherwise. The
// engine keeps its answer in the transaction of the write.
func (r *request) once() *doc.Once {
	if r.txn != nil || !r.cmd.retry || !r.opt.hasTxn {
		return nil
	}
	return &doc.Once{Session: r.opt.lsid, Number: r.opt.txnNumber}
}

// retries remembers the replies of retryable writes while the process lives.
// The engine's own memory survives a restart, but knows each object's share
// only: this one knows the reply of a command that wrote several objects, and
// lets a second sending wait for the first.
type retries struct {
	mu    sync.Mutex
	seen  map[retryKey]*retried
	order []retryKey
	bytes int
}

// newRetries returns an empty table.
func newRetries() *retries { return &retries{seen: map[retryKey]*retried{}} }

// run executes f once for a key.
func (t *retries) run(ctx context.Context, k retryKey, f func() ([]byte, error)) ([]byte, error) {
	t.mu.Lock()
	for t.seen[k] != nil {
		e := t.seen[k]
		t.mu.Unlock()
		select {
		case <-e.done:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		if e.reply != nil {
			return e.reply, nil
		}
		t.mu.Lock()
	}
	e := &retried{done: make(chan struct{})}
	t.seen[k] = e
	t.mu.Unlock()
	var reply []byte
	var err error
	defer func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if err != nil || reply == nil {
			delete(t.seen, k)
		} else {
			e.reply = reply
			t.order = append(t.order, k)
			t.bytes += len(reply)
			for len(t.order) > maxRetries || t.bytes > maxRetryBytes {
				if o := t.seen[t.order[0]]; o != nil {
					t.bytes -= len(o.reply)
				}
				delete(t.seen, t.order[0])
				t.order = t.order[1:]
			}
		}
		close(e.done)
	}()
	reply, err = f()
	return reply, err
}

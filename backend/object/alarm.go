package object

import (
	"context"
	"sync"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// alarms wake an engine of the object at a time: one pending time a kind, kept
// in _dotdo_alarms and mirrored in memory.
type alarms struct {
	mu    sync.Mutex
	at    map[string]int64 // kind → unix microseconds
	timer *time.Timer
	obj   *Object
	ended bool
	busy  sync.WaitGroup
}

// load reads the stored alarms.
func (a *alarms) load(c *sqlite.Conn) error {
	a.at = map[string]int64{}
	rows, err := c.Query("SELECT kind, at FROM _dotdo_alarms")
	if err != nil {
		return err
	}
	for _, r := range rows {
		a.at[string(r[0].Raw)] = r[1].Int()
	}
	return nil
}

// start arms the timer.
func (a *alarms) start(o *Object) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.obj = o
	a.arm()
}

// arm sets the timer to the earliest alarm. The caller holds mu.
func (a *alarms) arm() {
	var next int64
	for _, at := range a.at {
		if next == 0 || at < next {
			next = at
		}
	}
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
	if next == 0 || a.ended || a.obj == nil {
		return
	}
	wait := max(time.UnixMicro(next).Sub(a.obj.store.now()), time.Millisecond)
	a.timer = time.AfterFunc(wait, a.fire)
}

// set stores an alarm in tx's transaction unless an earlier one of its kind is
// pending.
func (a *alarms) set(tx *Tx, kind string, at time.Time) error {
	us := at.UnixMicro()
	a.mu.Lock()
	old, ok := a.at[kind]
	a.mu.Unlock()
	if ok && old <= us {
		return nil
	}
	if _, err := tx.Conn.Run("INSERT OR REPLACE INTO _dotdo_alarms(kind, at) VALUES (?1, ?2)", op.Text(kind), op.Int64(us)); err != nil {
		return err
	}
	tx.OnCommit(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		if old, ok := a.at[kind]; !ok || us < old {
			a.at[kind] = us
			a.arm()
		}
	})
	return nil
}

// fire runs the due alarms in one write.
func (a *alarms) fire() {
	a.mu.Lock()
	if a.ended {
		a.mu.Unlock()
		return
	}
	a.busy.Add(1)
	o := a.obj
	a.mu.Unlock()
	defer a.busy.Done()
	if o.refs.Add(1) <= 0 { // closing; the alarm fires at the next opening
		o.refs.Add(-1)
		return
	}
	defer o.store.unref(o)
	_, err := o.write(context.Background(), a.run)
	if err != nil {
		o.store.log.Error("alarm", "database", o.database, "shard", o.shard, "error", err)
		a.mu.Lock()
		if !a.ended { // try again, not at once
			a.timer = time.AfterFunc(time.Second, a.fire)
		}
		a.mu.Unlock()
	}
}

// run executes and removes the due alarms of tx's object.
func (a *alarms) run(tx *Tx) error {
	now := tx.Now().UnixMicro()
	a.mu.Lock()
	var due []string
	for kind, at := range a.at {
		if at <= now {
			due = append(due, kind)
			delete(a.at, kind)
		}
	}
	a.mu.Unlock()
	for _, kind := range due {
		if _, err := tx.Conn.Run("DELETE FROM _dotdo_alarms WHERE kind = ?1", op.Text(kind)); err != nil {
			return err
		}
		if err := tx.obj.store.opts.Alarm(tx, kind); err != nil {
			a.mu.Lock()
			for _, k := range due {
				if _, ok := a.at[k]; !ok {
					a.at[k] = now
				}
			}
			a.mu.Unlock()
			return err
		}
	}
	tx.OnCommit(func() {
		a.mu.Lock()
		a.arm()
		a.mu.Unlock()
	})
	return nil
}

// stop disarms the timer and waits for a running alarm.
func (a *alarms) stop() {
	a.mu.Lock()
	a.ended = true
	if a.timer != nil {
		a.timer.Stop()
	}
	a.mu.Unlock()
	a.busy.Wait()
}

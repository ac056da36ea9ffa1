package op

import (
	"context"
	"sync"
)

// Running is a context that can also stop the one thing that runs under it at
// once, without a goroutine or an allocation for each: a front-end makes one
// for many statements of a session.
type Running struct {
	context.Context
	mu sync.Mutex
	on Stopper
}

// Stopper is work that can be stopped from another goroutine.
type Stopper interface{ Interrupt() }

// NewRunning returns a context that ends with parent or cancel.
func NewRunning(parent context.Context) (ctx *Running, cancel context.CancelFunc) {
	inner, cancel := context.WithCancel(parent)
	r := &Running{Context: inner}
	context.AfterFunc(inner, r.stop)
	return r, cancel
}

// stop interrupts the work at hand.
func (r *Running) stop() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.on != nil {
		r.on.Interrupt()
	}
}

// Begin names the work that the end of the context shall stop. It is stopped
// between Begin and End only, so a late end never hits what runs next.
func (r *Running) Begin(x Stopper) {
	r.mu.Lock()
	r.on = x
	r.mu.Unlock()
}

// End forgets the work.
func (r *Running) End() { r.Begin(nil) }

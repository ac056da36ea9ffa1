package sqlite

// #include <stdlib.h>
// #include "shim.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"runtime/debug"
	"sync"
	"unsafe"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Func is a scalar SQL function. The args slice is valid during the call only;
// the bytes of its values may be kept.
type Func func(c *Conn, args []op.Value) (op.Value, error)

// Aggregate is one running aggregate. If it is also an Inverter it can be used
// as a moving window function; Final is then called once for each row and must
// leave the state as it is.
type Aggregate interface {
	Step(c *Conn, args []op.Value) error
	Final(c *Conn) (op.Value, error)
}

// Inverter is an Aggregate that can take back its oldest Step.
type Inverter interface {
	Inverse(c *Conn, args []op.Value) error
}

// Registry is a set of functions and collations that every connection opened
// with it gets. It must not change after the first Open.
type Registry struct {
	fns     []function
	missing func(c *Conn, name string) func(a, b string) int

	once sync.Once
	defs *C.dd_def
}

// function is one entry of a Registry.
type function struct {
	name    string
	nargs   int
	flags   int
	kind    int
	scalar  Func
	agg     func() Aggregate
	compare func(a, b string) int
}

// Function flags as SQLite numbers them.
const (
	flagDeterministic = 0x800
	flagInnocuous     = 0x200000
)

// NewRegistry returns an empty registry.
func NewRegistry() *Registry { return &Registry{} }

// Scalar adds a function. nargs -1 takes any number. A deterministic function
// may be used in indexes and is evaluated once for constant arguments.
func (r *Registry) Scalar(name string, nargs int, deterministic bool, f Func) {
	flags := flagInnocuous
	if deterministic {
		flags |= flagDeterministic
	}
	r.fns = append(r.fns, function{name: name, nargs: nargs, flags: flags, kind: C.DD_SCALAR, scalar: f})
}

// Aggregate adds an aggregate function; make returns a fresh one for each
// group.
func (r *Registry) Aggregate(name string, nargs int, make func() Aggregate) {
	kind := C.DD_AGGREGATE
	if _, ok := make().(Inverter); ok {
		kind = C.DD_WINDOW
	}
	r.fns = append(r.fns, function{name: name, nargs: nargs, flags: flagInnocuous, kind: kind, agg: make})
}

// Collation adds a collation. The strings are valid during the call only.
func (r *Registry) Collation(name string, compare func(a, b string) int) {
	r.fns = append(r.fns, function{name: name, kind: C.DD_COLLATION, compare: compare})
}

// MissingCollation sets the function that is asked for a collation no
// connection has yet; nil means there is none.
func (r *Registry) MissingCollation(f func(c *Conn, name string) func(a, b string) int) {
	r.missing = f
}

// table returns the entries as a C array that lives as long as the process.
func (r *Registry) table() (*C.dd_def, C.int) {
	r.once.Do(func() {
		if len(r.fns) == 0 {
			return
		}
		r.defs = (*C.dd_def)(C.calloc(C.size_t(len(r.fns)), C.sizeof_dd_def))
		for i, d := range unsafe.Slice(r.defs, len(r.fns)) {
			f := &r.fns[i]
			d = C.dd_def{name: C.CString(f.name), nargs: C.int(f.nargs), flags: C.int(f.flags), kind: C.int(f.kind)}
			unsafe.Slice(r.defs, len(r.fns))[i] = d
		}
	})
	return r.defs, C.int(len(r.fns))
}

// Collation adds a collation to this connection, replacing one of that name.
func (c *Conn) Collation(name string, compare func(a, b string) int) error {
	c.own = append(c.own, compare)
	text := C.CString(name)
	defer C.free(unsafe.Pointer(text))
	if rc := C.dd_collation(c.p, text, C.int(-len(c.own))); rc != 0 {
		return c.error(rc)
	}
	return nil
}

// dotdoMissing is called by SQLite for an unknown collation.
//
//export dotdoMissing
func dotdoMissing(h C.uintptr_t, name *C.char) {
	c := cgo.Handle(h).Value().(*Conn)
	text := C.GoString(name)
	defer c.recovered("collation " + text)
	if f := c.reg.missing(c, text); f != nil {
		_ = c.Collation(text, f)
	}
}

// dotdoCompare is called by SQLite to compare two texts.
//
//export dotdoCompare
func dotdoCompare(h C.uintptr_t, id, na C.int, a unsafe.Pointer, nb C.int, b unsafe.Pointer) (r C.int) {
	c := cgo.Handle(h).Value().(*Conn)
	defer c.recovered("collation")
	x, y := unsafe.String((*byte)(a), int(na)), unsafe.String((*byte)(b), int(nb))
	if id < 0 {
		return C.int(c.own[-id-1](x, y))
	}
	return C.int(c.reg.fns[id].compare(x, y))
}

// recovered keeps a panic of a callback away from C frames; the statement
// fails with it where SQLite allows.
func (c *Conn) recovered(what string) {
	if p := recover(); p != nil {
		c.fail(fmt.Errorf("panic in %s: %v\n%s", what, p, debug.Stack()))
	}
}

// fail remembers the first error of a Go function.
func (c *Conn) fail(err error) {
	if c.failed == nil {
		c.failed = err
	}
}

// What dotdoCall is asked to do.
const (
	callScalar  = 0
	callStep    = 1
	callInverse = 2
	callValue   = 3
	callFinal   = 4
)

// dotdoCall is called by SQLite for every function of a registry.
//
//export dotdoCall
func dotdoCall(h C.uintptr_t, id, what, n C.int, args *C.dd_arg, slot *C.int64_t, out *C.dd_out) {
	c := cgo.Handle(h).Value().(*Conn)
	f := &c.reg.fns[id]
	base := len(c.args)
	defer func() {
		c.args = c.args[:base]
		if p := recover(); p != nil {
			c.result(op.Null, fmt.Errorf("panic in function %s: %v\n%s", f.name, p, debug.Stack()), out)
		}
	}()
	if n > 0 {
		c.pushArgs(unsafe.Slice(args, int(n)))
	}
	in := c.args[base:]
	if what == callScalar {
		v, err := f.scalar(c, in)
		c.result(v, err, out)
		return
	}
	c.aggregate(f, int(what), in, slot, out)
}

// aggregate runs one step of an aggregate whose number is in slot (0 = not
// begun, nil slot = no rows).
func (c *Conn) aggregate(f *function, what int, in []op.Value, slot *C.int64_t, out *C.dd_out) {
	var a Aggregate
	if slot != nil {
		a = c.aggs[int64(*slot)]
	}
	if a == nil {
		a = f.agg()
		if slot != nil && what != callFinal {
			c.aggSeq++
			*slot = C.int64_t(c.aggSeq)
			c.aggs[c.aggSeq] = a
		}
	}
	switch what {
	case callStep:
		if err := a.Step(c, in); err != nil {
			c.result(op.Null, err, out)
		}
	case callInverse:
		if err := a.(Inverter).Inverse(c, in); err != nil {
			c.result(op.Null, err, out)
		}
	default:
		if what == callFinal && slot != nil {
			delete(c.aggs, int64(*slot))
		}
		v, err := a.Final(c)
		c.result(v, err, out)
	}
}

// pushArgs copies arguments onto the argument stack. Their bytes share one
// allocation.
func (c *Conn) pushArgs(args []C.dd_arg) {
	size := 0
	for i := range args {
		size += int(args[i].len)
	}
	var heap []byte
	if size > 0 {
		heap = make([]byte, 0, size)
	}
	for i := range args {
		a := &args[i]
		switch a.kind {
		case C.DD_INT:
			c.args = append(c.args, op.Int64(int64(a.num)))
		case C.DD_REAL:
			c.args = append(c.args, op.Value{Kind: op.KindFloat64, Num: uint64(a.num)})
		case C.DD_TEXT, C.DD_BLOB:
			kind := op.KindText
			if a.kind == C.DD_BLOB {
				kind = op.KindBytes
			}
			from := len(heap)
			heap = append(heap, unsafe.Slice((*byte)(a.p), int(a.len))...)
			c.args = append(c.args, op.Value{Kind: kind, Raw: heap[from:len(heap):len(heap)]})
		default:
			c.args = append(c.args, op.Null)
		}
	}
}

// result stores what a function returned where SQLite finds it.
func (c *Conn) result(v op.Value, err error, out *C.dd_out) {
	var cell C.dd_cell
	n := 0
	if err == nil {
		cell, n, err = header(&v)
	}
	if err != nil {
		c.fail(err)
		msg := err.Error()
		C.dd_result_error(out.ctx, (*C.char)(unsafe.Pointer(unsafe.StringData(msg))), C.int(len(msg)))
		out.kind = C.DD_DONE
		return
	}
	if cell.kind < C.DD_TEXT {
		out.kind, out.num = cell.kind, cell.num
		return
	}
	small := unsafe.Slice((*byte)(unsafe.Pointer(&out.small[0])), len(out.small))
	if n <= len(small) {
		out.kind, out.len = cell.kind, cell.len
		body(&v, small)
		return
	}
	C.dd_result_bytes(out.ctx, C.int(cell.kind), unsafe.Pointer(unsafe.SliceData(v.Raw)), C.int(n))
	out.kind = C.DD_DONE
}

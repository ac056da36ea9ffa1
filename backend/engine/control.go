package engine

import (
	"context"
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/kv"
)

// control runs transaction bodies and batches on one object.
func (l *Local) control(ctx context.Context, s *object.Scope, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *ctl.Begin:
		return done(0, s.Begin(*b))
	case *ctl.Commit:
		return done(s.Commit())
	case *ctl.Rollback:
		s.Rollback()
		return done(0, nil)
	case *ctl.Savepoint:
		return done(0, s.Savepoint(b))
	case *ctl.Batch:
		return l.batch(ctx, s, o, b)
	}
	return nil, op.Errorf(op.Unsupported, "control operation %d is not supported", o.Body.Kind())
}

// done is the reply of a body that answers nothing but success.
func done(lsn uint64, err error) (op.Reply, error) {
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(&op.Done{LSN: lsn}), nil
}

// batch runs bodies in order in one write. Frames of all bodies are strung
// together, except that value replies become one Values frame.
func (l *Local) batch(ctx context.Context, s *object.Scope, o *op.Op, b *ctl.Batch) (op.Reply, error) {
	if r := l.reader(o, b); r != nil {
		// ReadOnly: the writer must tidy up before these can be read.
		if reply, err := l.reads(ctx, s, o, b, r); op.CodeOf(err) != op.ReadOnly {
			return reply, err
		}
	}
	var values []op.Value
	var frames []op.Frame
	failed := false
	lsn, err := s.Write(ctx, func(tx *object.Tx) error {
		values, frames, failed = make([]op.Value, 0, len(b.Bodies)), nil, false
		for _, body := range b.Bodies {
			f := l.family(body)
			if f == nil || body.Family() == op.FamilyCtl {
				return op.Errorf(op.Unsupported, "operation %d cannot be part of a batch", body.Kind())
			}
			out, err := l.apply(ctx, tx, o, f, body)
			if err != nil && (b.StopOnError || op.CodeOf(err) == op.Internal) {
				return err
			}
			if err != nil {
				values = append(values, op.ErrorText(err.Error()))
				continue
			}
			if _, check := body.(*kv.Check); check {
				if len(out) == 0 { // the precondition failed
					failed = true
					return nil
				}
				continue
			}
			for _, f := range out {
				if v, ok := f.(*op.Values); ok {
					values = append(values, v.Values...)
				} else {
					frames = append(frames, f)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if failed {
		values = []op.Value{op.Null}
	}
	if len(values) > 0 {
		frames = append(frames, &op.Values{Values: values})
	}
	return op.ReplyOf(append(frames, &op.Done{LSN: lsn})...), nil
}

// reader is the family of a batch that needs no transaction and only reads, nil
// for another batch.
func (l *Local) reader(o *op.Op, b *ctl.Batch) Family {
	if b.Atomic || b.StopOnError || o.Session.Txn != 0 || len(b.Bodies) == 0 {
		return nil
	}
	f := l.family(b.Bodies[0])
	r, ok := f.(Reader)
	if !ok {
		return nil
	}
	for _, body := range b.Bodies {
		if body.Family() != b.Bodies[0].Family() || !r.Reads(body) {
			return nil
		}
	}
	return f
}

// reads runs a batch of reads of one family: from memory what can be, the rest
// on one reader.
func (l *Local) reads(ctx context.Context, s *object.Scope, o *op.Op, b *ctl.Batch, f Family) (op.Reply, error) {
	values := make([]op.Value, len(b.Bodies))
	missed := make([]int, 0, 16)
	if p, ok := f.(Peeker); ok {
		for i, body := range b.Bodies {
			if v, ok := p.Peek(s, body); ok {
				values[i] = v
			} else {
				missed = append(missed, i)
			}
		}
	} else {
		for i := range b.Bodies {
			missed = append(missed, i)
		}
	}
	if len(missed) > 0 {
		err := s.Read(ctx, func(tx *object.Tx) error {
			for _, i := range missed {
				out, err := f.Apply(ctx, tx, o, b.Bodies[i])
				switch {
				case err != nil && (op.CodeOf(err) == op.Internal || op.CodeOf(err) == op.ReadOnly):
					return err
				case err != nil:
					values[i] = op.ErrorText(err.Error())
				case len(out) == 1:
					if v, ok := out[0].(*op.Values); ok && len(v.Values) == 1 {
						values[i] = v.Values[0]
						continue
					}
					fallthrough
				default:
					return op.Errorf(op.Internal, "read %d of a batch did not answer one value", i)
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return op.ReplyOf(&op.Values{Values: values}, &op.Done{}), nil
}

// apply runs one body of a batch under a savepoint of its own, so that its
// failure undoes it alone. A body that changes nothing when it fails needs none.
func (l *Local) apply(ctx context.Context, tx *object.Tx, o *op.Op, f Family, body op.Body) (out []op.Frame, err error) {
	if c, ok := f.(Clean); ok && c.Clean(body) {
		return f.Apply(ctx, tx, o, body)
	}
	err = tx.Nested(func() error {
		out, err = f.Apply(ctx, tx, o, body)
		return err
	})
	return out, err
}

// database creates, drops and lists databases by their folders. A shard router
// above adds options.
func (l *Local) database(ctx context.Context, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *ctl.CreateDatabase:
		for k := range b.Options {
			return nil, op.Errorf(op.Unsupported, "database option %q is not effective here", k)
		}
		if l.store.Exists(b.Name) {
			if b.IfNotExists {
				return done(0, l.store.Settle(b.Name))
			}
			return nil, &op.Error{Code: op.AlreadyExists, Msg: "database \"" + b.Name + "\" already exists", Object: "database", Name: b.Name}
		}
		return l.touch(ctx, b.Name)
	case *ctl.OpenDatabase:
		if _, err := l.touch(ctx, b.Name); err != nil {
			return nil, err
		}
		return op.ReplyOf(&op.Values{Values: []op.Value{op.Text(b.Name)}}, &op.Done{}), nil
	case *ctl.DropDatabase:
		if !l.store.Exists(b.Name) {
			if b.IfExists {
				return op.ReplyOf(&op.Done{Notices: []op.Notice{{Severity: "NOTICE", Code: op.NoDatabase,
					Msg: "database \"" + b.Name + "\" does not exist, skipping"}}}), nil
			}
			return nil, &op.Error{Code: op.NoDatabase, Msg: "database \"" + b.Name + "\" does not exist", Object: "database", Name: b.Name}
		}
		return done(0, l.store.Drop(ctx, b.Name))
	default:
		return l.databases()
	}
}

// touch makes the first object of a database.
func (l *Local) touch(ctx context.Context, name string) (op.Reply, error) {
	s, err := l.store.Scope(ctx, name, 0, op.Session{}, true)
	if err != nil {
		return nil, err
	}
	s.Release()
	return done(0, nil)
}

// databases lists databases with their sizes.
func (l *Local) databases() (op.Reply, error) {
	sizes, err := l.store.Databases()
	if err != nil {
		return nil, op.AsError(err)
	}
	names := make([]string, 0, len(sizes))
	for n := range sizes {
		names = append(names, n)
	}
	sort.Strings(names)
	v := make([]op.Value, 0, 2*len(names))
	for _, n := range names {
		v = append(v, op.Text(n), op.Int64(sizes[n]))
	}
	return op.ReplyOf(&op.Values{Values: v}, &op.Done{}), nil
}

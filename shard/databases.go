package shard

import (
	"context"
	"hash/fnv"
	"net/url"
	"sort"
	"strings"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
)

// maxName is the length limit of database names, PostgreSQL's own.
const maxName = 63

// options checks the options of all blocks, by their full dotted names, and
// returns the shard block's.
func (r *Router) options(values map[string]string) (Options, error) {
	blocks := map[string]map[string]string{}
	for full, v := range values {
		block, key, _ := strings.Cut(full, ".")
		if _, known := r.p.Blocks[block]; !known && block != "shard" || key == "" {
			return Options{}, op.Errorf(op.InvalidArgument, "unknown option %q", full)
		}
		if blocks[block] == nil {
			blocks[block] = map[string]string{}
		}
		blocks[block][key] = v
	}
	names := make([]string, 0, len(blocks))
	for b := range blocks {
		names = append(names, b)
	}
	sort.Strings(names)
	for _, b := range names {
		if check := r.p.Blocks[b]; check != nil {
			if err := check(blocks[b]); err != nil {
				return Options{}, err
			}
		}
	}
	return Parse(blocks["shard"])
}

// ParseName splits what a client gives as database name into the name and its
// options: app?shard.key=tenant_id&shard.count=16.
func ParseName(text string) (name string, values map[string]string, err error) {
	name, query, _ := strings.Cut(text, "?")
	if err := checkName(name); err != nil {
		return "", nil, err
	}
	if query == "" {
		return name, nil, nil
	}
	pairs, perr := url.ParseQuery(query)
	if perr != nil {
		return "", nil, op.Errorf(op.InvalidArgument, "options of database %q cannot be read", name)
	}
	values = map[string]string{}
	for k, v := range pairs {
		if len(v) > 1 {
			return "", nil, op.Errorf(op.InvalidArgument, "option %q is given twice", k)
		}
		values[k] = v[0]
	}
	return name, values, nil
}

// checkName refuses names no database can have.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > maxName || strings.IndexByte(name, 0) >= 0:
		return &op.Error{Code: op.InvalidArgument, Msg: "invalid database name", Object: "database", Name: name}
	case strings.HasPrefix(name, System):
		return &op.Error{Code: op.Forbidden, Msg: "database names that start with " + System + " are reserved", Object: "database", Name: name}
	case strings.IndexByte(name, '@') >= 0:
		return &op.Error{Code: op.Unsupported, Msg: "branches of databases are not effective yet", Object: "database", Name: name}
	}
	return nil
}

// database runs the bodies about databases.
func (r *Router) database(ctx context.Context, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *ctl.OpenDatabase:
		return r.open(ctx, o, b)
	case *ctl.CreateDatabase:
		defer r.names.lock(b.Name)()
		return r.create(ctx, o, b)
	case *ctl.DropDatabase:
		defer r.names.lock(b.Name)()
		return r.drop(ctx, o, b)
	}
	return r.list(ctx, o)
}

// names are locks by database name: makers and droppers of one database take
// turns, those of others do not wait for their disk.
type names [64]sync.Mutex

// lock takes the lock of a name and returns how to let go of it.
func (n *names) lock(name string) (unlock func()) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name))
	m := &n[h.Sum32()%uint32(len(n))]
	m.Lock()
	return m.Unlock
}

// open finds a database or, with auto_create, makes it.
func (r *Router) open(ctx context.Context, o *op.Op, b *ctl.OpenDatabase) (op.Reply, error) {
	name, values, err := ParseName(b.Name)
	if err != nil {
		return nil, err
	}
	want, err := r.options(values)
	if err != nil {
		return nil, err
	}
	have, ok, err := r.reg.find(name)
	if !ok && err == nil && r.p.AutoCreate {
		defer r.names.lock(name)()
		have, ok, err = r.reg.find(name)
	}
	switch {
	case err != nil:
		return nil, op.AsError(err)
	case ok && len(values) > 0 && !have.Equal(want):
		return nil, conflict(name)
	case !ok && !r.p.AutoCreate:
		return nil, &op.Error{Code: op.NoDatabase, Msg: "database \"" + name + "\" does not exist", Object: "database", Name: name}
	case !ok:
		if err := r.add(ctx, o, name, want); err != nil {
			return nil, err
		}
	}
	return op.ReplyOf(&op.Values{Values: []op.Value{op.Text(name)}}, &op.Done{}), nil
}

// create makes a database.
func (r *Router) create(ctx context.Context, o *op.Op, b *ctl.CreateDatabase) (op.Reply, error) {
	if err := checkName(b.Name); err != nil {
		return nil, err
	}
	want, err := r.options(b.Options)
	if err != nil {
		return nil, err
	}
	have, ok, err := r.reg.find(b.Name)
	switch {
	case err != nil:
		return nil, op.AsError(err)
	case ok && !b.IfNotExists:
		return nil, &op.Error{Code: op.AlreadyExists, Msg: "database \"" + b.Name + "\" already exists", Object: "database", Name: b.Name}
	case ok && len(b.Options) > 0 && !have.Equal(want):
		return nil, conflict(b.Name)
	case ok:
		return op.ReplyOf(&op.Done{Notices: []op.Notice{{Severity: "NOTICE", Code: op.AlreadyExists, Msg: "database \"" + b.Name + "\" already exists, skipping"}}}), nil
	}
	if err := r.add(ctx, o, b.Name, want); err != nil {
		return nil, err
	}
	return op.ReplyOf(&op.Done{Affected: 1}), nil
}

// conflict is the refusal of options that a database does not have.
func conflict(name string) error {
	return &op.Error{Code: op.InvalidArgument, Msg: "database \"" + name + "\" exists with other shard options", Object: "database", Name: name,
		Hint: "drop the options, or give the same ones"}
}

// add makes the files first and the entry second: an entry never stands for
// nothing, and files without an entry are found again by the next creation.
func (r *Router) add(ctx context.Context, o *op.Op, name string, opts Options) error {
	if err := r.below(ctx, o, &ctl.CreateDatabase{Name: name, IfNotExists: true}); err != nil {
		return err
	}
	if err := r.reg.add(name, opts); err != nil {
		return op.AsError(err)
	}
	return nil
}

// drop removes a database: the files first, so that a name that is free again
// never shows old data.
func (r *Router) drop(ctx context.Context, o *op.Op, b *ctl.DropDatabase) (op.Reply, error) {
	if err := checkName(b.Name); err != nil {
		return nil, err
	}
	_, ok, err := r.reg.find(b.Name)
	if err != nil {
		return nil, op.AsError(err)
	}
	if err := r.below(ctx, o, &ctl.DropDatabase{Name: b.Name, IfExists: ok}); err != nil {
		if b.IfExists && op.CodeOf(err) == op.NoDatabase {
			return op.ReplyOf(&op.Done{Notices: []op.Notice{{Severity: "NOTICE", Code: op.NoDatabase, Msg: "database \"" + b.Name + "\" does not exist, skipping"}}}), nil
		}
		return nil, err
	}
	if ok {
		if err := r.reg.remove(b.Name); err != nil {
			return nil, op.AsError(err)
		}
	}
	return op.ReplyOf(&op.Done{Affected: 1}), nil
}

// list joins the entries with the sizes of the files.
func (r *Router) list(ctx context.Context, o *op.Op) (op.Reply, error) {
	reply, err := r.next.Do(ctx, o)
	if err != nil {
		return nil, err
	}
	got, _, err := gather(ctx, reply)
	if err != nil {
		return nil, err
	}
	size := map[string]int64{}
	for i := 0; i+1 < len(got.values); i += 2 {
		if name := got.values[i].Str(); !strings.HasPrefix(name, System) {
			size[name] = got.values[i+1].Int()
		}
	}
	names, err := r.reg.names()
	if err != nil {
		return nil, op.AsError(err)
	}
	for _, n := range names {
		if _, ok := size[n]; !ok {
			size[n] = 0
		}
	}
	names = names[:0]
	for n := range size {
		names = append(names, n)
	}
	sort.Strings(names)
	v := make([]op.Value, 0, 2*len(names))
	for _, n := range names {
		v = append(v, op.Text(n), op.Int64(size[n]))
	}
	return op.ReplyOf(&op.Values{Values: v}, &op.Done{}), nil
}

// below runs a body about databases on the executor below.
func (r *Router) below(ctx context.Context, o *op.Op, body op.Body) error {
	next := *o
	next.Body = body
	reply, err := r.next.Do(ctx, &next)
	if err != nil {
		return err
	}
	_, err = op.Drain(ctx, reply)
	return err
}

package shard

import (
	"context"
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// Planner compiles SQL for the router.
type Planner interface {
	// Plan returns the plan of a statement against the catalog of the object in
	// o's target, with its Route for tables sharded by the column key.
	Plan(ctx context.Context, o *op.Op, st *rel.Stmt, env *rel.Env, key string) (*sql.Plan, error)
}

// relational runs a body of the relational family.
func (c *call) relational() (op.Reply, error) {
	switch b := c.o.Body.(type) {
	case *rel.Query:
		return c.query(b)
	case *rel.CopyIn:
		return c.copyIn(b)
	case *rel.Describe, *rel.CopyTarget:
		return c.send(0, b, false)
	}
	return nil, op.Errorf(op.Unsupported, "relational operation %d on a database of several objects is not supported", c.o.Body.Kind())
}

// plan compiles a query against the first object.
func (c *call) plan(b *rel.Query) (*sql.Plan, error) {
	if c.p.Planner == nil {
		return nil, op.Errorf(op.Unsupported, "SQL on a database of several objects is not available")
	}
	o := *c.o
	o.Target.Shard = 0
	return c.p.Planner.Plan(c.ctx, &o, b.Stmt, b.Env, c.l.docKey())
}

// query runs one statement.
func (c *call) query(b *rel.Query) (op.Reply, error) {
	p, err := c.plan(b)
	if err != nil {
		return nil, err
	}
	switch p.Kind {
	case sql.KindDDL:
		_, frames, err := c.everywhere(b)
		return op.ReplyOf(frames...), err
	case sql.KindAccept, sql.KindRows:
		return c.send(0, b, false)
	}
	n, ok, err := c.where(p, b)
	if err != nil {
		return nil, err
	}
	write := p.Kind == sql.KindWrite || p.Sequence
	if ok {
		return c.send(n, b, write)
	}
	if write {
		return nil, crossShard()
	}
	if p.Route.Merge != nil && p.Route.Merge.Concat && c.o.Session.Txn == 0 && b.MaxRows == 0 {
		return c.strung(b), nil
	}
	if p.Route.Tally != "" && b.MaxRows == 0 {
		if reply, err := c.tally(p, b); reply != nil || err != nil {
			return reply, err
		}
	}
	return c.merge(p, b)
}

// singleQuery is the one object a query of a batch belongs to.
func (c *call) singleQuery(b *rel.Query) (int, bool, error) {
	p, err := c.plan(b)
	if err != nil {
		return 0, false, err
	}
	if p.Kind == sql.KindDDL {
		return 0, false, nil
	}
	return c.where(p, b)
}

// where finds the one object a statement belongs to; ok is false when it needs
// several. Tables without the key column live in the first object.
func (c *call) where(p *sql.Plan, b *rel.Query) (object int, ok bool, err error) {
	if strings.Contains(p.Text, "_dotdo_") {
		return 0, false, op.Errorf(op.Unsupported, "views of other families are not supported on a database of several objects")
	}
	if len(p.Route.Keys) == 0 {
		return 0, true, nil
	}
	set, known := []int(nil), true
	add := func(list []sql.Source) error {
		for _, s := range list {
			v := s.Value
			if s.Arg >= 0 {
				if s.Arg >= len(b.Args) {
					return op.Errorf(op.InvalidArgument, "there is no parameter $%d", s.Arg+1)
				}
				v = b.Args[s.Arg]
			}
			n, ok := c.l.valueObject(v)
			if !ok {
				known = false
			}
			set = append(set, n)
		}
		return nil
	}
	insert := p.Kind == sql.KindWrite && (p.Tag == "INSERT" || p.Tag == "REPLACE")
	if insert && len(p.Route.Insert) == 0 {
		return 0, false, &op.Error{Code: op.InvalidArgument, Object: "shard key", Column: c.l.docKey(),
			Msg: "an INSERT into a sharded table must give the shard key \"" + c.l.docKey() + "\" as a value in each row"}
	}
	for _, t := range p.Tables { // what is read beside is pinned to nothing
		if c.sharded(t) && stored(t) && !slices.ContainsFunc(p.Route.Keys, func(k sql.RouteKey) bool { return k.Table == t }) {
			known = false
		}
	}
	if insert {
		for _, row := range p.Route.Insert {
			if err := add(row); err != nil {
				return 0, false, err
			}
		}
	} else {
		for _, k := range p.Route.Keys {
			known = known && len(k.Values) > 0
			if err := add(k.Values); err != nil {
				return 0, false, err
			}
		}
	}
	slices.Sort(set)
	set = slices.Compact(set)
	if !known || len(set) != 1 {
		return 0, false, nil
	}
	if set[0] != 0 && c.mixed(p) { // the unsharded tables are in the first object
		return 0, false, nil
	}
	return set[0], true, nil
}

// mixed reports whether a plan reads tables that are not sharded.
func (c *call) mixed(p *sql.Plan) bool {
	return slices.ContainsFunc(p.Tables, func(t *catalog.Table) bool { return stored(t) && !c.sharded(t) })
}

// sharded reports whether the rows of a table are spread over the objects.
func (c *call) sharded(t *catalog.Table) bool {
	return t.Kind == catalog.KindCollection || t.Column(c.l.docKey()) != nil
}

// stored reports whether a relation has rows of its own.
func stored(t *catalog.Table) bool {
	return t.Kind == catalog.KindTable || t.Kind == catalog.KindMatView || t.Kind == catalog.KindCollection
}

// strung streams a query that needs no merging, object after object.
func (c *call) strung(b *rel.Query) op.Reply {
	kept := *c.o
	i := 0
	return &chain{next: func(ctx context.Context) (op.Reply, error) {
		if i == c.l.Count {
			return nil, nil
		}
		i++
		later := &call{Router: c.Router, ctx: ctx, o: &kept, l: c.l}
		return later.send(i-1, b, false)
	}}
}

// merge gathers the tables of a query from all objects and runs it over them.
// It is right for every query, and costs reading the tables whole unless the
// plan knows which rows matter.
func (c *call) merge(p *sql.Plan, b *rel.Query) (op.Reply, error) {
	if p.System {
		return nil, op.Errorf(op.Unsupported, "a query over sharded tables and system relations is not supported")
	}
	over := &rel.Over{Query: b}
	size := 0
	for _, t := range p.Tables {
		if !stored(t) {
			continue
		}
		from := []int{0}
		if c.sharded(t) {
			from = c.all()
		}
		scan := rel.Scan{Store: t.Store}
		if args, ok := scanArgs(p, b); ok {
			scan.Text, scan.Args = p.Route.Scan, args
		}
		answers, err := c.each(from, false, func(int) op.Body { return &scan })
		if err != nil {
			return nil, err
		}
		rows := rel.TableRows{Store: t.Store}
		for _, a := range answers {
			names := columnNames(a.head)
			if rows.Columns == nil {
				rows.Columns = names
			} else if !slices.Equal(rows.Columns, names) {
				return nil, op.Errorf(op.Serialization, "table %q changed while it was read", t.Name)
			}
			for _, v := range a.rows {
				size += 48 + len(v.Raw)
			}
			rows.Values = append(rows.Values, a.rows...)
		}
		if size > maxGather {
			return nil, op.Errorf(op.TooLarge, "the rows to merge from several objects exceed %d bytes: name the shard key %q in the condition", maxGather, c.l.docKey())
		}
		over.Tables = append(over.Tables, rows)
	}
	return c.send(0, over, false)
}

// columnNames lists the names in a head.
func columnNames(h *op.Head) []string {
	if h == nil {
		return nil
	}
	names := make([]string, len(h.Columns))
	for i := range h.Columns {
		names[i] = h.Columns[i].Name
	}
	return names
}

// copyIn inserts rows of COPY. All rows of one op must belong to one object.
func (c *call) copyIn(b *rel.CopyIn) (op.Reply, error) {
	head, err := c.target(b)
	if err != nil {
		return nil, err
	}
	names := columnNames(head)
	at := slices.Index(names, c.l.docKey())
	if at < 0 { // not sharded, or the key gets its default: the first object
		full, err := c.target(&rel.CopyIn{Schema: b.Schema, Table: b.Table, Env: b.Env})
		if err != nil {
			return nil, err
		}
		if slices.Contains(columnNames(full), c.l.docKey()) {
			return nil, op.Errorf(op.InvalidArgument, "COPY must give the shard key %q", c.l.docKey())
		}
		return c.send(0, b, true)
	}
	object := -1
	for i := at; i < len(b.Values); i += len(names) {
		n, ok := c.l.valueObject(b.Values[i])
		if !ok || object >= 0 && n != object {
			return nil, crossShard()
		}
		object = n
	}
	return c.send(max(object, 0), b, true)
}

// target describes the columns COPY writes.
func (c *call) target(b *rel.CopyIn) (*op.Head, error) {
	reply, err := c.send(0, &rel.CopyTarget{Schema: b.Schema, Table: b.Table, Columns: b.Columns, Env: b.Env}, false)
	if err != nil {
		return nil, err
	}
	a, _, err := gather(c.ctx, reply)
	if err != nil {
		return nil, err
	}
	return a.head, nil
}

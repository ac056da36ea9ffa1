// Package rel executes the relational bodies: it compiles statements (once for
// each catalog, on the caller's goroutine), runs the resulting plans on an
// object and turns SQLite's failures into errors with names and columns. What
// SQL means is decided in backend/sql.
package rel

import (
	"context"
	"sync"

	"github.com/dot-do/dotdo-proxy/backend/object"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
)

// Engine is the relational family.
type Engine struct {
	parsed  parseCache
	shapes  shapes
	whole   bool // literals are never lifted (tests)
	current currents
}

// New returns the engine.
func New() *Engine { return &Engine{} }

// Do implements engine.Family.
func (e *Engine) Do(ctx context.Context, s *object.Scope, o *op.Op) (op.Reply, error) {
	switch b := o.Body.(type) {
	case *rel.Query:
		return e.query(ctx, s, o, b)
	case *rel.Describe:
		return e.describe(s, b)
	case *rel.CopyIn:
		return e.copyIn(ctx, s, b)
	case *rel.CopyTarget:
		return e.copyTarget(s, b)
	case *rel.Scan:
		return e.scan(ctx, s, b)
	case *rel.Over:
		return e.over(ctx, s, b)
	}
	return nil, op.Errorf(op.Unsupported, "relational operation %d is not supported", o.Body.Kind())
}

// Apply implements engine.Family for batches.
func (e *Engine) Apply(_ context.Context, tx *object.Tx, _ *op.Op, body op.Body) ([]op.Frame, error) {
	q, ok := body.(*rel.Query)
	if !ok {
		return nil, op.Errorf(op.Unsupported, "relational operation %d cannot be part of a batch", body.Kind())
	}
	env := envOf(q.Env)
	c, q, err := e.plan(tx.Catalog(), tx.Local(), q, env)
	if err != nil {
		return nil, err
	}
	res, err := e.runWrite(tx, c, q, env)
	if err != nil {
		return nil, err
	}
	return res.frames(c, tx.LSN()), nil
}

// Init implements engine.Family.
func (e *Engine) Init(tx *object.Tx) error {
	return tx.Conn.Exec("CREATE TABLE _dotdo_seq(oid INTEGER PRIMARY KEY, value INTEGER NOT NULL, called INTEGER NOT NULL)")
}

// Alarm implements engine.Family; the relational engine sets none.
func (e *Engine) Alarm(*object.Tx, string) error { return nil }

// Functions implements engine.Family.
func (e *Engine) Functions(r *sqlite.Registry) { registerFunctions(r) }

// Parse implements engine.Parser: statements of a text, cached by text.
func (e *Engine) Parse(_ context.Context, p *rel.Parse) (op.Reply, error) {
	list, err := e.statements(p)
	if err != nil {
		return nil, err
	}
	return rel.NewParsed(list), nil
}

// statements returns the statements of a text.
func (e *Engine) statements(p *rel.Parse) ([]*rel.Stmt, error) {
	s := sql.Scans.Get().(*sql.Scan)
	defer sql.Scans.Put(s)
	if e.whole || !scan(p, s) {
		return e.parsed.get(p)
	}
	list, known := e.shapes.get(p, s)
	switch {
	case list != nil:
		return list, nil
	case known:
		return e.parsed.get(p)
	}
	list, err := parse(p)
	if err == nil {
		e.shapes.put(s, list)
	}
	return list, err
}

// parseCache keeps the statements of recent texts. Statements are shared by
// sessions; each carries its newest plan.
type parseCache struct {
	mu sync.Mutex
	m  map[parseKey][]*rel.Stmt
}

// parseKey identifies a text.
type parseKey struct {
	dialect rel.Dialect
	mode    string
	text    string
}

// Cache bounds: texts longer than maxCachedText are parsed each time.
const (
	maxParsed     = 4096
	maxCachedText = 16 << 10
)

// get returns the statements of a text.
func (c *parseCache) get(p *rel.Parse) ([]*rel.Stmt, error) {
	key := parseKey{p.Dialect, p.SQLMode, p.Text}
	c.mu.Lock()
	list, ok := c.m[key]
	c.mu.Unlock()
	if ok {
		return list, nil
	}
	list, err := parse(p)
	if err != nil || len(p.Text) > maxCachedText {
		return list, err
	}
	c.mu.Lock()
	if c.m == nil || len(c.m) >= maxParsed {
		c.m = make(map[parseKey][]*rel.Stmt)
	}
	c.m[key] = list
	c.mu.Unlock()
	return list, nil
}

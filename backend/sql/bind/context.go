// Package bind turns a neutral syntax tree into SQLite text: it resolves names
// against a catalog snapshot, types every expression by its dialect's rules,
// and so knows the exact output and parameter types before anything runs. It
// runs no SQL and keeps no state. See ../DESIGN.md.
package bind

import (
	"errors"
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// Relations resolves the relations the server itself provides (pg_catalog,
// information_schema, dotdo). Text is their SQLite SELECT; empty means a TEMP
// table named "schema.name" that the executor fills first.
type Relations interface {
	Relation(d rel.Dialect, schema, name string) (t *catalog.Table, text string, ok bool)
}

// Context is everything a statement is compiled against.
type Context struct {
	Dialect  rel.Dialect
	Snapshot *catalog.Snapshot
	Declared []op.Type // parameter types the client declared; TUnknown = infer
	Env      *rel.Env  // nil = defaults
	System   Relations // nil = none
	// ParseView parses a view's, default's or check's text ("SELECT …").
	ParseView func(d rel.Dialect, text string) (tree.Node, error)
	// ShardKey returns the column a table is sharded by, "" = not sharded; nil =
	// the database is one object.
	ShardKey func(*catalog.Table) string
	// Fitted says that arguments are values of the declared types, length,
	// precision and scale included.
	Fitted bool
	// Lift is the number of literals of the text that shall become arguments if
	// they can (tree.Const.Lit tells them apart); 0 = none.
	Lift int
	// DDL compiles a schema statement; nil = refused.
	DDL func(c Context, stmt tree.Node) (*sql.Plan, error)
}

// comp compiles one statement.
type comp struct {
	Context
	plan   *sql.Plan
	my     bool
	params []op.Type
	slots  map[slotKey]int
	alias  int
	depth  int
	views  int
	// lax is MySQL's way with values a column cannot hold, outside strict mode or
	// with IGNORE: the nearest value is stored, with a warning. laxNull says that
	// NULL is such a value, too.
	lax, laxNull bool
	// strictDiv makes division by zero an error, as MySQL does in strict writes.
	strictDiv bool
	// argCI says that the arguments of the call at hand compare case-insensitively.
	argCI bool
	// noEnv refuses session facts (CHECK, index and generated expressions).
	noEnv bool
	// top is the outermost query level: its rows go to the client.
	top *scope
	// plain is the outermost query level when it is a plain SELECT.
	plain *coreState
	lift  lifting
	// explaining collects the relations of a statement that EXPLAIN shows
	explaining *explainer
	docs       *[]*docSource // collections read, shared with the views in between
	// outer holds the data-modifying WITH queries that the nested one may read.
	outer *scope
	pre   []sql.Step // data-modifying WITH queries, in order
	wrote []*catalog.Table
	// stepArgs are the client arguments that steps use.
	stepArgs map[int]bool
}

// slotKey identifies a SQLite parameter so that each source gets one.
type slotKey struct {
	arg int // -1 = env
	env string
}

// Compile compiles one statement.
func Compile(stmt tree.Node, ctx Context) (p *sql.Plan, err error) {
	if ctx.Env == nil {
		ctx.Env = &rel.Env{}
	}
	c := newComp(ctx)
	defer func() {
		if r := recover(); r != nil {
			f, ok := r.(failure)
			if !ok {
				panic(r)
			}
			p, err = nil, f.err
		}
	}()
	return c.statement(stmt)
}

// newComp prepares a compiler.
func newComp(ctx Context) *comp {
	c := &comp{Context: ctx, my: ctx.Dialect == rel.MySQL, slots: map[slotKey]int{}, docs: new([]*docSource)}
	c.plan = &sql.Plan{Version: ctx.Snapshot.Version, Dialect: ctx.Dialect}
	c.params = append(c.params, ctx.Declared...)
	return c
}

// failure carries an *op.Error out of the recursive descent; Compile turns it
// into an error. It never leaves the package.
type failure struct{ err *op.Error }

// fail stops compilation.
func fail(code op.Code, format string, args ...any) {
	panic(failure{op.Errorf(code, format, args...)})
}

// check stops compilation if err is set.
func check(err error) {
	if err != nil {
		panic(failure{op.AsError(err)})
	}
}

// checkAt is check with a position for errors that have none.
func checkAt(err error, pos int) {
	if e := op.AsError(err); e != nil {
		if e.Position == 0 && pos > 0 {
			x := *e
			x.Position = pos
			e = &x
		}
		panic(failure{e})
	}
}

// statement dispatches on the statement kind.
func (c *comp) statement(stmt tree.Node) (*sql.Plan, error) {
	switch s := stmt.(type) {
	case *tree.Select:
		c.selectPlan(s)
	case *tree.Insert:
		c.insertPlan(s)
	case *tree.Update:
		c.updatePlan(s)
	case *tree.Delete:
		c.deletePlan(s)
	case *tree.Explain:
		c.explainPlan(s)
	case *tree.Accept:
		c.plan.Kind, c.plan.Tag = sql.KindAccept, s.Tag
	case *tree.Refuse:
		fail(op.Unsupported, "%s is not supported", s.What)
	default:
		if c.DDL == nil {
			fail(op.Unsupported, "%T is not supported", stmt)
		}
		p, err := c.DDL(c.Context, stmt)
		if p != nil {
			p.Dialect, p.Version = c.Dialect, c.Snapshot.Version
		}
		return p, err
	}
	c.finish()
	return c.plan, nil
}

// finish fixes what is known only at the end: parameter types.
func (c *comp) finish() {
	c.sequenced()
	c.expandDocs()
	for i, t := range c.params {
		if t.Base == op.TUnknown {
			t = op.Type{Base: op.TString}
			if !c.my && !c.used(i) {
				fail(op.DatatypeUnknown, "could not determine data type of parameter $%d", i+1)
			}
		}
		c.params[i] = t
	}
	c.plan.Params = c.params
	c.liftedArgs()
}

// used tells whether client argument i is bound anywhere.
func (c *comp) used(i int) bool {
	_, ok := c.slots[slotKey{arg: i}]
	return ok || c.stepArgs[i]
}

// slot returns the SQLite parameter of a client argument or session fact.
func (c *comp) slot(k slotKey, b sql.Bind) string {
	n, ok := c.slots[k]
	if !ok {
		c.plan.Binds = append(c.plan.Binds, b)
		n = len(c.plan.Binds)
		c.slots[k] = n
	}
	return "?" + strconv.Itoa(n)
}

// env returns the SQLite parameter of a session fact.
func (c *comp) env(name string) string {
	if c.noEnv {
		fail(op.InvalidArgument, "functions in this expression must be marked IMMUTABLE")
	}
	c.plan.Volatile = true
	return c.slot(slotKey{arg: -1, env: name}, sql.Bind{Kind: sql.BindEnv, Name: name})
}

// newAlias returns a fresh SQLite name.
func (c *comp) newAlias(prefix string) string {
	c.alias++
	return prefix + strconv.Itoa(c.alias)
}

// touch records a table the plan reads.
func (c *comp) touch(t *catalog.Table) {
	for _, x := range c.plan.Tables {
		if x == t {
			return
		}
	}
	c.plan.Tables = append(c.plan.Tables, t)
}

// write records the table the plan writes.
func (c *comp) write(t *catalog.Table) {
	c.touch(t)
	c.plan.Kind, c.plan.Target = sql.KindWrite, t
	c.plan.Writes = append(c.plan.Writes, t)
}

// path returns the effective search path.
func (c *comp) path() []string {
	if len(c.Env.SearchPath) == 0 {
		return []string{"public"}
	}
	return c.Env.SearchPath
}

// funcsTable returns the dialect's function table.
func (c *comp) funcsTable() funcs.Table {
	if c.my {
		return funcs.MySQL()
	}
	return funcs.Postgres()
}

// Expr compiles one expression over a table's own columns, for CHECK
// constraints, generated columns, index expressions and partial index
// predicates. Columns appear unqualified. Text is the source text in the
// dialect of ctx; t is the type the result is assigned to, nil = as it is.
func Expr(ctx Context, table *catalog.Table, text string, t *op.Type) (out string, typ op.Type, err error) {
	n, err := ctx.ParseView(ctx.Dialect, "SELECT "+text)
	if err != nil {
		return "", typ, err
	}
	s, ok := n.(*tree.Select)
	if !ok || len(s.Items) != 1 {
		return "", typ, op.Errorf(op.Syntax, "not one expression: %s", text)
	}
	return ExprTree(ctx, table, s.Items[0].Expr, t)
}

// ExprTree is Expr for an expression that is already parsed.
func ExprTree(ctx Context, table *catalog.Table, x tree.Expr, t *op.Type) (out string, typ op.Type, err error) {
	if ctx.Env == nil {
		ctx.Env = &rel.Env{}
	}
	c := newComp(ctx)
	c.noEnv = true
	defer func() {
		if r := recover(); r != nil {
			var f failure
			if f, _ = r.(failure); f.err == nil {
				panic(r)
			}
			err = f.err
		}
	}()
	sc := &scope{}
	if table != nil {
		r := c.tableRel(table, "")
		for i := range r.cols {
			r.cols[i].sql = catalog.Quote(r.cols[i].name)
		}
		sc.rels = append(sc.rels, r)
	}
	e := c.expr(sc, x)
	if t != nil {
		e = c.assign(e, *t, nil)
	} else {
		e = c.settle(e)
	}
	if len(c.plan.Binds) > 0 {
		return "", typ, errors.New("parameters are not allowed here")
	}
	return e.sql, e.t, nil
}

package doc

import (
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// env is what an expression sees.
type env struct {
	root bsonval.V
	now  time.Time
	vars *binding
	coll *collator
	err  error // first error inside a filter, which itself only says yes or no
}

// binding is a linked list of variables, innermost first.
type binding struct {
	name string
	val  bsonval.V
	up   *binding
}

// newEnv starts an environment with the statement's variables.
func newEnv(now time.Time, lets map[string]bsonval.V) *env {
	e := &env{now: now}
	for k, v := range lets {
		e.vars = &binding{k, v, e.vars}
	}
	return e
}

// with returns the environment for another document.
func (e *env) with(root bsonval.V) *env {
	return &env{root: root, now: e.now, vars: e.vars, coll: e.coll}
}

// bind returns the environment with one more variable.
func (e *env) bind(name string, v bsonval.V) *env {
	return &env{root: e.root, now: e.now, vars: &binding{name, v, e.vars}, coll: e.coll}
}

// lookup finds a variable.
func (e *env) lookup(name string) (bsonval.V, bool) {
	for b := e.vars; b != nil; b = b.up {
		if b.name == name {
			return b.val, true
		}
	}
	switch name {
	case "ROOT", "CURRENT":
		return e.root, true
	case "NOW":
		return bsonval.DateV(e.now.UnixMilli()), true
	case "REMOVE":
		return bsonval.Missing, true
	}
	return bsonval.Missing, false
}

// evaluator computes a value.
type evaluator func(e *env) (bsonval.V, error)

// compileExpr compiles a computed value.
func compileExpr(x *op.Expr) (evaluator, error) {
	switch x.Op {
	case op.ExConst:
		v := bsonval.ToBSON(x.Value)
		return func(*env) (bsonval.V, error) { return v, nil }, nil
	case op.ExField:
		p := splitPath(x.Path)
		return func(e *env) (bsonval.V, error) {
			if v, ok := e.current(); ok {
				return get(v, p), nil
			}
			return get(e.root, p), nil
		}, nil
	case op.ExVar:
		p, name := splitPath(x.Path), x.Name
		return func(e *env) (bsonval.V, error) {
			v, ok := e.lookup(name)
			if !ok {
				return v, &op.Error{Code: op.Undefined, Object: "variable", Name: name, Msg: "Use of undefined variable: " + name}
			}
			return get(v, p), nil
		}, nil
	case op.ExDoc:
		return compileDoc(x)
	case op.ExList:
		args, err := compileAllExprs(x.Args)
		return func(e *env) (bsonval.V, error) {
			list := make([]bsonval.V, len(args))
			for i, a := range args {
				v, err := a(e)
				if err != nil {
					return v, err
				}
				if v.Type == 0 {
					v = bsonval.NullV
				}
				list[i] = v
			}
			return bsonval.ArrayV(list), nil
		}, err
	case op.ExLet:
		return compileLet(x)
	case op.ExCall:
		return compileCall(x)
	}
	return nil, op.Errorf(op.Unsupported, "expression node %d is not supported", x.Op)
}

// current returns a rebound CURRENT.
func (e *env) current() (bsonval.V, bool) {
	for b := e.vars; b != nil; b = b.up {
		if b.name == "CURRENT" {
			return b.val, true
		}
	}
	return bsonval.Missing, false
}

// compileAllExprs compiles a list.
func compileAllExprs(list []*op.Expr) ([]evaluator, error) {
	out := make([]evaluator, len(list))
	for i, x := range list {
		ev, err := compileExpr(x)
		if err != nil {
			return nil, err
		}
		out[i] = ev
	}
	return out, nil
}

// compileDoc compiles an object expression; missing fields are left out.
func compileDoc(x *op.Expr) (evaluator, error) {
	args, err := compileAllExprs(x.Args)
	names := x.Names
	return func(e *env) (bsonval.V, error) {
		i, b := bsoncore.AppendDocumentStart(nil)
		for n, a := range args {
			v, err := a(e)
			if err != nil {
				return v, err
			}
			if v.Type != 0 {
				b = bsonval.AppendElement(b, names[n], v)
			}
		}
		b, _ = bsoncore.AppendDocumentEnd(b, i)
		return bsonval.DocV(b), nil
	}, err
}

// compileLet compiles $let.
func compileLet(x *op.Expr) (evaluator, error) {
	args, err := compileAllExprs(x.Args)
	if err != nil {
		return nil, err
	}
	body := args[len(args)-1]
	names := x.Names
	return func(e *env) (bsonval.V, error) {
		inner := e
		for i, a := range args[:len(args)-1] {
			v, err := a(e)
			if err != nil {
				return v, err
			}
			inner = inner.bind(names[i], v)
		}
		return body(inner)
	}, nil
}

// form is an operator that evaluates its arguments itself.
type form func(x *op.Expr, args []evaluator) (evaluator, error)

// function is an operator of evaluated arguments. Max < 0 means any number.
type function struct {
	min, max int
	f        func(a []bsonval.V, e *env) (bsonval.V, error)
}

// compileCall compiles an operator.
func compileCall(x *op.Expr) (evaluator, error) {
	args, err := compileAllExprs(x.Args)
	if err != nil {
		return nil, err
	}
	if f, ok := forms()[x.Name]; ok {
		return f(x, args)
	}
	if f, ok := moreForms()[x.Name]; ok && len(x.Names) > 0 {
		return f(x, args)
	}
	f, ok := functions[x.Name]
	if !ok {
		f, ok = moreFunctions[x.Name]
	}
	if !ok {
		return nil, &op.Error{Code: op.NoFunction, Object: "operator", Name: x.Name, Msg: "Unrecognized expression '$" + x.Name + "'"}
	}
	if len(args) < f.min || (f.max >= 0 && len(args) > f.max) {
		return nil, op.Errorf(op.InvalidArgument, "Expression $%s takes exactly %d arguments. %d were passed in.", x.Name, f.min, len(args))
	}
	return func(e *env) (bsonval.V, error) {
		var buf [4]bsonval.V
		vals := buf[:0]
		for _, a := range args {
			v, err := a(e)
			if err != nil {
				return v, err
			}
			vals = append(vals, v)
		}
		return f.f(vals, e)
	}, nil
}

// named returns the argument of a name, nil when absent.
func named(x *op.Expr, args []evaluator, name string) evaluator {
	for i, n := range x.Names {
		if n == name && i < len(args) {
			return args[i]
		}
	}
	return nil
}

// optional evaluates an argument that may be absent.
func optional(a evaluator, e *env) (bsonval.V, error) {
	if a == nil {
		return bsonval.Missing, nil
	}
	return a(e)
}

// nullish reports whether v is null, undefined or missing.
func nullish(v bsonval.V) bool {
	return v.Type == 0 || v.Type == bsonval.Null || v.Type == bsonval.Undefined
}

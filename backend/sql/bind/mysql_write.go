package bind

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/funcs"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// assigned is one assignment of a MySQL UPDATE or ON DUPLICATE KEY UPDATE.
type assigned struct {
	col *catalog.Column
	sql string
}

// mySetList lowers the assignments of a MySQL UPDATE. They are made from left
// to right: each expression sees what those before it assigned. ON UPDATE
// CURRENT_TIMESTAMP columns move only with rows that really change, and a
// function around the first value counts rows reached and rows changed.
func (c *comp) mySetList(sc *scope, t *catalog.Table, set []tree.Assign, alias string) []string {
	var list []assigned
	at := map[string]int{}
	for _, a := range set {
		if len(a.Path) > 0 || len(a.Columns) != 1 {
			fail(op.Unsupported, "this form of assignment is not supported")
		}
		k := c.columnOf(t, a.Columns[0])
		e := c.onColumn(t, k, 1, func() ex { return c.setValue(sc, t, k, a.Expr) })
		if i, ok := at[k.Name]; ok {
			list[i].sql = e.sql
		} else {
			at[k.Name] = len(list)
			list = append(list, assigned{k, e.sql})
		}
		sc.reassign(t, k, e)
	}
	differs := c.differs(list, alias)
	n := &sql.NewRows{}
	out := make([]string, 0, len(list)+1)
	row := make([]string, 0, len(list))
	for i, a := range list {
		n.Columns, row = append(n.Columns, a.col.Name), append(row, a.sql)
		text := a.sql
		if i == 0 {
			c.plan.Counted = true
			text = "dotdo_my_changed(" + text + "," + differs + ")"
		}
		out = append(out, catalog.Quote(a.col.Name)+"="+text)
	}
	for _, k := range t.Columns {
		if _, ok := at[k.Name]; k.OnUpdateNow && !ok {
			out = append(out, fmt.Sprintf("%s=(CASE WHEN %s THEN %s ELSE %s.%s END)", catalog.Quote(k.Name), differs, c.updateNow(k), alias, catalog.Quote(k.Name)))
		}
	}
	n.Rows = [][]string{row}
	if c.plan.NewRows == nil {
		c.plan.NewRows = n
	}
	return out
}

// differs is the condition that a row is not what it was. Values that chance
// or a counter decides are taken to be new.
func (c *comp) differs(list []assigned, alias string) string {
	var terms []string
	for _, a := range list {
		for _, word := range []string{"dotdo_random", "dotdo_uuid", "dotdo_nextval", "dotdo_clock", "dotdo_sleep"} {
			if strings.Contains(a.sql, word) {
				return "1"
			}
		}
		terms = append(terms, fmt.Sprintf("%s.%s IS NOT (%s) COLLATE BINARY", alias, catalog.Quote(a.col.Name), a.sql))
	}
	if len(terms) == 1 {
		return "(" + terms[0] + ")"
	}
	return "(" + strings.Join(terms, " OR ") + ")"
}

// reassign makes a column of the written table mean its new value for the
// assignments that follow.
func (s *scope) reassign(t *catalog.Table, k *catalog.Column, e ex) {
	for _, r := range s.rels {
		if r.table != t || r.name == "excluded" {
			continue
		}
		r.cols = append([]column(nil), r.cols...)
		for i := range r.cols {
			if r.cols[i].cat == k {
				r.cols[i].sql = "(" + e.sql + ")"
			}
		}
		return
	}
}

// onColumn runs f, which lowers a value for a column, and completes errors of
// values that the column cannot hold.
func (c *comp) onColumn(t *catalog.Table, k *catalog.Column, row int, f func() ex) ex {
	if !c.my {
		return f()
	}
	defer func() {
		r := recover()
		if r == nil {
			return
		}
		x, ok := r.(failure)
		if ok && x.err.Column == "" {
			switch x.err.Code {
			case op.OutOfRange, op.StringTooLong, op.InvalidArgument, op.NotNullViolation:
				e := *x.err
				e.Schema, e.Table, e.Column, e.Row = t.Schema, t.Name, k.Name, row
				x.err = &e
			}
		}
		panic(x)
	}()
	return f()
}

// laxStore converts e for a column outside strict mode: what does not fit
// becomes the nearest value that does.
func (c *comp) laxStore(e ex, t op.Type, k *catalog.Column) ex {
	e = c.ranged(e)
	null := c.laxNull && k.NotNull && !k.AutoInc
	if !null && (e.null || bare(e.t) == bare(t) && t.Size == 0 && t.Base != op.TEnum && t.Base != op.TSetOf) {
		e.t = t
		return e
	}
	flag := 0
	if null {
		flag = 1
	}
	return mk(t, "dotdo_my_store(%s,%d,%d,%d,%d,%s,%s,%d)", e.sql, funcs.TypeCode(e.t), funcs.TypeCode(t), t.Size, t.Scale,
		quoteText(k.Name), quoteText(strings.Join(k.Labels, "\x1f")), flag)
}

// missing is the value of a NOT NULL column that has no default and is not
// given: an error in strict mode, else its type's zero. An ENUM takes its first
// label.
func (c *comp) missing(t *catalog.Table, k *catalog.Column) (ex, bool) {
	if !c.my || !k.NotNull || k.AutoInc || t.Dialect != uint8(rel.MySQL) {
		return ex{}, false
	}
	zero := funcs.MySQLZero(k.Type, k.Labels)
	if k.Type.Base == op.TEnum {
		return constEx(zero, k.Type), true
	}
	if !c.lax {
		e := op.Errorf(op.NotNullViolation, "null value in column %q of relation %q violates not-null constraint", k.Name, t.Name)
		e.Object, e.Table, e.Column = "no default", t.Name, k.Name
		panic(failure{e})
	}
	c.plan.Notices = append(c.plan.Notices, op.Notice{Severity: "WARNING", Code: op.NotNullViolation, Object: "no default", Msg: "Field '" + k.Name + "' doesn't have a default value"})
	return constEx(zero, k.Type), true
}

// strictness notes how a MySQL write treats values that do not fit.
func (c *comp) strictness(ignore bool) {
	if !c.my {
		return
	}
	c.lax = ignore || !c.Env.Strict
	c.strictDiv = !c.lax && strings.Contains(c.Env.SQLMode, "ERROR_FOR_DIVISION_BY_ZERO")
}

// rowRel is the row being inserted: in MySQL an expression may name the columns
// before it, and sees NULL in the others. It is nil when no row has more than
// literals and parameters.
func (c *comp) rowRel(t *catalog.Table, rows [][]tree.Expr) *relation {
	for _, row := range rows {
		for _, x := range row {
			switch x.(type) {
			case *tree.Const, *tree.Param, *tree.Default, *tree.Var:
				continue
			}
			r := c.tableRel(t, "")
			for i := range r.cols {
				r.cols[i].sql = "NULL"
			}
			return r
		}
	}
	return nil
}

// set gives a column of the row being inserted its value.
func (r *relation) set(k *catalog.Column, text string) {
	for i := range r.cols {
		if r.cols[i].cat == k {
			r.cols[i].sql = "(" + text + ")"
		}
	}
}

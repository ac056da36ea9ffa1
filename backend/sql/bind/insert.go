package bind

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// writable resolves the target of a write.
func (c *comp) writable(n tree.Name, pos int) *catalog.Table {
	t, text := c.table(n, pos)
	if text != "" || t.Kind == catalog.KindSystem {
		e := op.Errorf(op.Forbidden, "permission denied: %q is a system catalog", t.Name)
		e.Table = t.Name
		panic(failure{e})
	}
	switch t.Kind {
	case catalog.KindView, catalog.KindMatView:
		fail(op.Unsupported, "writing to view %q is not supported", t.Name)
	case catalog.KindCollection, catalog.KindDocView:
		fail(op.Unsupported, "writing to collection %q through SQL is not supported", t.Name)
	}
	c.write(t)
	return t
}

// targetColumns resolves the column list of an INSERT.
func (c *comp) targetColumns(t *catalog.Table, names []string) []*catalog.Column {
	var out []*catalog.Column
	if len(names) == 0 {
		for _, k := range t.Columns {
			if k.Generated == "" || !c.my {
				out = append(out, k)
			}
		}
		return out
	}
	for _, n := range names {
		k := c.columnOf(t, n)
		for _, o := range out {
			if o == k {
				e := op.Errorf(op.DuplicateColumn, "column %q specified more than once", n)
				e.Column = n
				panic(failure{e})
			}
		}
		out = append(out, k)
	}
	return out
}

// columnOf finds a target column.
func (c *comp) columnOf(t *catalog.Table, name string) *catalog.Column {
	for _, k := range t.Columns {
		if c.same(k.Name, name) {
			return k
		}
	}
	e := op.Errorf(op.NoColumn, "column %q of relation %q does not exist", name, t.Name)
	e.Column, e.Name, e.Table = name, name, t.Name
	panic(failure{e})
}

// insertPlan compiles INSERT and REPLACE.
func (c *comp) insertPlan(s *tree.Insert) {
	c.plan.Tag = "INSERT"
	sc := &scope{parent: c.outer}
	with := c.with(sc, s.With, s.Recursive)
	t := c.writable(s.Table, s.Pos)
	cols := c.targetColumns(t, s.Columns)
	for _, k := range t.Columns {
		if k.Serial != "" || k.AutoInc {
			c.plan.Serial = k.Name
		}
	}
	var b strings.Builder
	b.WriteString("INSERT ")
	switch {
	case s.Replace:
		b.WriteString("OR REPLACE ")
		c.plan.Replace = true
	case s.Ignore:
		b.WriteString("OR IGNORE ")
		c.plan.Ignore = true
	}
	c.strictness(s.Ignore)
	c.laxNull = c.lax && (s.Ignore || s.Source == nil || len(s.Source.Values) != 1)
	alias := c.newAlias("t")
	fmt.Fprintf(&b, "INTO %s AS %s ", catalog.Quote(t.Store), alias)
	c.insertSource(&b, sc, s, t, cols)
	if c.my && c.plan.NewRows == nil {
		c.plan.NewRows = &sql.NewRows{}
	}
	c.laxNull = c.lax
	if s.Conflict != nil {
		b.WriteString(c.conflict(sc, s, t, alias))
	}
	b.WriteString(c.returning(sc, t, s.Returning, s.Alias, s.Table.Name))
	text := b.String()
	if len(s.With) > 0 {
		text = with() + text
	}
	c.plan.Text = text
	c.routeInsert(s, t, cols)
}

// insertSource writes the column list and the rows. Columns that are not
// given get their defaults written out.
func (c *comp) insertSource(b *strings.Builder, sc *scope, s *tree.Insert, t *catalog.Table, cols []*catalog.Column) {
	given := map[string]bool{}
	n := len(cols)
	var want []op.Type
	if s.Source != nil {
		if len(s.Source.Values) > 0 && s.Source.SetOp == "" {
			for _, row := range s.Source.Values {
				c.checkWidth(len(row), n, len(s.Columns) > 0)
				if len(row) < n {
					n = len(row)
				}
			}
		}
	} else {
		n = 0
	}
	var bq *bound
	plain := s.Source != nil && len(s.Source.Values) > 0 && len(s.Source.Order) == 0 && s.Source.Limit == nil && len(s.Source.With) == 0
	if s.Source != nil && !plain {
		for _, k := range cols {
			want = append(want, bare(k.Type))
		}
		bq = c.query(sc, s.Source, want)
		c.checkWidth(len(bq.cols), n, len(s.Columns) > 0)
		if len(bq.cols) < n {
			n = len(bq.cols)
		}
	}
	cols = cols[:n]
	skip := c.allDefault(s, cols, plain)
	var names []string
	for i, k := range cols {
		given[k.Name] = true
		if k.Generated != "" {
			if !skip[i] {
				c.generatedFail(k, "insert")
			}
			continue
		}
		names = append(names, catalog.Quote(k.Name))
		if k.Name == c.plan.Serial && !skip[i] {
			c.plan.SerialGiven = true
		}
	}
	var defaults []string
	for _, k := range t.Columns {
		if given[k.Name] || k.Generated != "" {
			continue
		}
		if d, ok := c.defaultOf(t, k); ok {
			names = append(names, catalog.Quote(k.Name))
			defaults = append(defaults, d.sql)
		} else if d, ok := c.missing(t, k); ok {
			names = append(names, catalog.Quote(k.Name))
			defaults = append(defaults, d.sql)
		} else if k.Name == t.RowIDAlias {
			names = append(names, catalog.Quote(k.Name))
			defaults = append(defaults, fmt.Sprintf("dotdo_null(%s,%s)", quoteText(t.Name), quoteText(k.Name)))
		}
	}
	if len(names) == 0 {
		b.WriteString("DEFAULT VALUES")
		return
	}
	b.WriteString("(" + strings.Join(names, ",") + ") ")
	switch {
	case s.Source == nil:
		b.WriteString("VALUES (" + strings.Join(defaults, ",") + ")")
	case plain:
		c.insertValues(b, sc, s, t, cols, defaults)
	default:
		c.insertSelect(b, s, bq, t, cols, want, defaults)
	}
}

// checkWidth compares the number of expressions and target columns.
func (c *comp) checkWidth(have, want int, listed bool) {
	if have > want || c.my && have != want {
		e := op.Errorf(op.Syntax, "INSERT has more expressions than target columns")
		if c.my {
			e.Msg = "column count doesn't match value count at row 1"
		}
		e.Object = "insert width"
		panic(failure{e})
	}
	if have < want && listed {
		e := op.Errorf(op.Syntax, "INSERT has more target columns than expressions")
		if c.my {
			e.Msg = "column count doesn't match value count at row 1"
		}
		e.Object = "insert width"
		panic(failure{e})
	}
}

// allDefault tells for each column whether every VALUES row says DEFAULT.
func (c *comp) allDefault(s *tree.Insert, cols []*catalog.Column, plain bool) []bool {
	out := make([]bool, len(cols))
	if !plain {
		return out
	}
	for i := range cols {
		out[i] = true
		for _, row := range s.Source.Values {
			if _, ok := row[i].(*tree.Default); !ok {
				out[i] = false
			}
		}
	}
	return out
}

// generatedFail reports a value for a generated column.
func (c *comp) generatedFail(k *catalog.Column, verb string) {
	e := op.Errorf(op.InvalidArgument, "cannot insert a non-DEFAULT value into column %q", k.Name)
	if verb == "update" {
		e = op.Errorf(op.InvalidArgument, "column %q can only be updated to DEFAULT", k.Name)
	}
	e.Object, e.Column, e.Detail = "generated", k.Name, fmt.Sprintf("Column %q is a generated column.", k.Name)
	panic(failure{e})
}

// insertValues writes VALUES rows.
func (c *comp) insertValues(b *strings.Builder, sc *scope, s *tree.Insert, t *catalog.Table, cols []*catalog.Column, defaults []string) {
	b.WriteString("VALUES ")
	vs := &scope{parent: sc, clause: "VALUES"}
	var target *relation
	if c.my {
		if target = c.rowRel(t, s.Source.Values); target != nil {
			c.add(vs, target)
		}
		c.plan.NewRows = &sql.NewRows{Several: len(s.Source.Values) > 1}
	}
	for i, row := range s.Source.Values {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('(')
		first := true
		var values []string
		for j, x := range row {
			k := cols[j]
			if k.Generated != "" {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			var raw string
			e := c.onColumn(t, k, i+1, func() ex { return c.valueFor(vs, t, k, x, s.Overriding, &raw) })
			if target != nil {
				target.set(k, raw)
			}
			if n := c.plan.NewRows; n != nil {
				if i == 0 {
					n.Columns = append(n.Columns, k.Name)
				}
				values = append(values, raw)
			}
			if len(s.Source.Values) == 1 {
				c.plan.InsertCols = append(c.plan.InsertCols, k.Name)
				c.plan.InsertExprs = append(c.plan.InsertExprs, e.sql)
			}
			b.WriteString(e.sql)
		}
		for _, d := range defaults {
			if !first {
				b.WriteByte(',')
			}
			first = false
			b.WriteString(d)
		}
		b.WriteByte(')')
		if n := c.plan.NewRows; n != nil {
			n.Rows = append(n.Rows, values)
		}
	}
}

// valueFor lowers one inserted or assigned value. raw gets its text before a
// sequence has a say.
func (c *comp) valueFor(sc *scope, t *catalog.Table, k *catalog.Column, x tree.Expr, overriding string, raw *string) ex {
	*raw = "NULL"
	if _, ok := x.(*tree.Default); ok {
		if d, ok := c.defaultOf(t, k); ok {
			if k.Serial == "" {
				*raw = d.sql
			}
			return d
		}
		return ex{sql: "NULL", null: true, t: k.Type}
	}
	if k.Identity == "ALWAYS" && overriding != "SYSTEM" && !c.my {
		e := op.Errorf(op.InvalidArgument, "cannot insert a non-DEFAULT value into column %q", k.Name)
		e.Object, e.Column = "generated", k.Name
		e.Detail = fmt.Sprintf("Column %q is an identity column defined as GENERATED ALWAYS.", k.Name)
		e.Hint = "Use OVERRIDING SYSTEM VALUE to override."
		panic(failure{e})
	}
	e := c.assign(c.expr(sc, x), k.Type, k)
	*raw = e.sql
	return c.stored(t, k, e)
}

// stored adds what MySQL does with values of AUTO_INCREMENT columns: NULL and
// 0 take the next number, others move the counter.
func (c *comp) stored(t *catalog.Table, k *catalog.Column, e ex) ex {
	if k.AutoInc && k.Serial != "" {
		e.sql = fmt.Sprintf("dotdo_autoinc(%s,%s,%s)", quoteText(t.Schema), quoteText(k.Serial), e.sql)
		e.konst, e.null = nil, false
		return e
	}
	// SQLite gives a rowid column the next number for NULL, NOT NULL or not.
	if k.Name == t.RowIDAlias && (e.konst == nil || e.null) {
		e.sql = fmt.Sprintf("coalesce(%s,dotdo_null(%s,%s))", e.sql, quoteText(t.Name), quoteText(k.Name))
		e.konst, e.null = nil, false
	}
	return e
}

// insertSelect writes INSERT … SELECT with assignment conversions around it.
func (c *comp) insertSelect(b *strings.Builder, s *tree.Insert, bq *bound, t *catalog.Table, cols []*catalog.Column, want []op.Type, defaults []string) {
	undecided := make([]op.Type, len(bq.cols))
	var items, raws, names []string
	for i := range bq.cols {
		from := bq.cols[i].Type
		if from.Base == op.TUnknown {
			from = want[i]
			undecided[i] = want[i]
		}
		k := cols[i]
		if k.Generated != "" {
			c.generatedFail(k, "insert")
		}
		if k.Identity == "ALWAYS" && s.Overriding != "SYSTEM" && !c.my {
			var raw string
			c.valueFor(nil, t, k, &tree.Const{}, s.Overriding, &raw)
		}
		e := c.assign(ex{sql: fmt.Sprintf("c%d", i+1), t: from}, k.Type, k)
		raws, names = append(raws, e.sql), append(names, k.Name)
		items = append(items, c.stored(t, k, e).sql)
	}
	text := bq.text(undecided)
	if c.my {
		c.plan.NewRows = &sql.NewRows{Columns: names, Rows: [][]string{raws}, From: "FROM (" + text + ") WHERE 1", Several: true}
	}
	items = append(items, defaults...)
	fmt.Fprintf(b, "SELECT %s FROM (%s) WHERE 1", strings.Join(items, ","), text)
}

// defaultOf lowers a column's default; ok is false when there is none.
func (c *comp) defaultOf(t *catalog.Table, k *catalog.Column) (ex, bool) {
	if k.Serial != "" {
		return mk(k.Type, "dotdo_nextval(%s,%s)", quoteText(t.Schema), quoteText(k.Serial)), true
	}
	text := k.Default
	if u := c.domainOf(k); text == "" && u != nil {
		if text = u.Default; text == "" && u.NotNull {
			text = "NULL" // to be refused
		}
	}
	if text == "" {
		return ex{}, false
	}
	if c.ParseView == nil {
		fail(op.Unsupported, "default of column %q cannot be read here", k.Name)
	}
	n, err := c.ParseView(rel.Dialect(t.Dialect), "SELECT "+text)
	check(err)
	q, ok := n.(*tree.Select)
	if !ok || len(q.Items) != 1 {
		fail(op.Internal, "default of column %q is not an expression", k.Name)
	}
	sub := &comp{Context: c.Context, plan: c.plan, my: rel.Dialect(t.Dialect) == rel.MySQL, slots: c.slots, alias: c.alias}
	sub.Dialect = rel.Dialect(t.Dialect)
	e := sub.assign(sub.expr(&scope{clause: "DEFAULT"}, q.Items[0].Expr), k.Type, k)
	c.alias = sub.alias
	return e, true
}

// conflict writes ON CONFLICT / ON DUPLICATE KEY UPDATE.
func (c *comp) conflict(sc *scope, s *tree.Insert, t *catalog.Table, alias string) string {
	k := s.Conflict
	var b strings.Builder
	b.WriteString(" ON CONFLICT ")
	tr := c.tableRel(t, alias)
	if s.Alias != "" {
		c.rename(tr, s.Alias, nil)
	}
	target := &scope{parent: sc, clause: "ON CONFLICT"}
	c.add(target, tr)
	switch {
	case k.Constraint != "":
		b.WriteString(c.constraintTarget(t, k.Constraint))
	case len(k.Columns) > 0:
		names := make([]string, len(k.Columns))
		plain := make([]string, len(k.Columns))
		for i, x := range k.Columns {
			e := c.expr(target, x)
			if e.col == nil {
				fail(op.Unsupported, "ON CONFLICT on expressions is not supported")
			}
			plain[i] = e.col.name
			names[i] = catalog.Quote(e.col.name)
		}
		c.arbiter(t, plain)
		b.WriteString("(" + strings.Join(names, ",") + ") ")
		if k.Where != nil {
			defer c.keepLiterals()() // it must name a partial index
			old := tr.cols
			tr.cols = append([]column(nil), old...)
			for i := range tr.cols {
				tr.cols[i].sql = catalog.Quote(tr.cols[i].name)
			}
			b.WriteString("WHERE " + c.cond(target, k.Where, "WHERE").sql + " ")
			tr.cols = old
		}
	}
	if k.Nothing {
		b.WriteString("DO NOTHING")
		return b.String()
	}
	ex := c.tableRel(t, "excluded")
	ex.name, ex.schema = "excluded", ""
	if c.my {
		ex.name = k.RowAlias
		if ex.name == "" {
			ex.name = "excluded"
		}
		for i := range ex.cols {
			ex.cols[i].merged = true
		}
	} else {
		for i := range ex.cols {
			ex.cols[i].hidden = true
			ex.cols[i].merged = true
		}
	}
	c.add(target, ex)
	target.clause = "UPDATE"
	b.WriteString("DO UPDATE SET " + strings.Join(c.setList(target, t, k.Set, alias), ","))
	if k.SetWhere != nil {
		b.WriteString(" WHERE " + c.cond(target, k.SetWhere, "WHERE").sql)
	}
	return b.String()
}

// arbiter checks that a unique key matches the conflict columns.
func (c *comp) arbiter(t *catalog.Table, cols []string) {
	same := func(key []string) bool {
		if len(key) != len(cols) {
			return false
		}
		for _, a := range key {
			found := false
			for _, b := range cols {
				found = found || a == b
			}
			if !found {
				return false
			}
		}
		return true
	}
	if same(t.Primary) {
		return
	}
	for _, i := range t.Indexes {
		var key []string
		for _, it := range i.Items {
			key = append(key, it.Column)
		}
		if i.Unique && same(key) {
			return
		}
	}
	for _, k := range t.Constraints {
		if k.Kind == "UNIQUE" && same(k.Columns) {
			return
		}
	}
	e := op.Errorf(op.InvalidArgument, "there is no unique or exclusion constraint matching the ON CONFLICT specification")
	e.Object = "conflict target"
	panic(failure{e})
}

// constraintTarget writes the columns of ON CONSTRAINT name.
func (c *comp) constraintTarget(t *catalog.Table, name string) string {
	var cols []string
	if name == t.PrimaryName {
		cols = t.Primary
	}
	for _, k := range t.Constraints {
		if k.Name == name && k.Kind == "UNIQUE" {
			cols = k.Columns
		}
	}
	if cols == nil {
		e := op.Errorf(op.Undefined, "constraint %q for table %q does not exist", name, t.Name)
		e.Object, e.Name, e.Table = "constraint", name, t.Name
		panic(failure{e})
	}
	q := make([]string, len(cols))
	for i, n := range cols {
		q[i] = catalog.Quote(n)
	}
	return "(" + strings.Join(q, ",") + ") "
}

// returning binds a RETURNING list.
func (c *comp) returning(parent *scope, t *catalog.Table, list []tree.Item, alias, name string) string {
	if len(list) == 0 {
		return ""
	}
	sc := &scope{parent: parent, clause: "RETURNING"}
	r := c.tableRel(t, "")
	if alias != "" {
		c.rename(r, alias, nil)
	}
	for i := range r.cols {
		r.cols[i].sql = catalog.Quote(r.cols[i].cat.Name)
	}
	c.add(sc, r)
	var out []string
	for i, it := range c.items(sc, list) {
		e := c.settle(it.e)
		out = append(out, fmt.Sprintf("%s AS c%d", e.sql, i+1))
		c.plan.Columns = append(c.plan.Columns, describe(it.name, e))
	}
	c.plan.CountRows = true
	return " RETURNING " + strings.Join(out, ",")
}

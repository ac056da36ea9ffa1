package ddl

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// createTable runs CREATE TABLE.
func (r *run) createTable(s *tree.CreateTable) error {
	t, err := r.newTable(s.Name, s.IfNotExists, s.Temp)
	if err != nil || t == nil {
		return err
	}
	t.Comment, t.Options = s.Comment, optionMap(s.Options)
	for i := range s.Columns {
		if err := r.addColumn(t, &s.Columns[i]); err != nil {
			return err
		}
	}
	var indexes []tree.CreateIndex
	var cons []tree.Constraint
	for i, n := range s.Like {
		var with []string
		if i < len(s.LikeWith) {
			with = s.LikeWith[i]
		}
		c, x, err := r.like(t, n, with)
		if err != nil {
			return err
		}
		cons, indexes = append(cons, c...), append(indexes, x...)
	}
	for i := range s.Columns {
		for _, k := range s.Columns[i].Constraints {
			if len(k.Columns) == 0 && k.Kind != "CHECK" {
				k.Columns = []string{s.Columns[i].Name}
			}
			cons = append(cons, k)
		}
	}
	cons = append(cons, s.Constraints...)
	if err := r.finishTable(t, cons); err != nil {
		return err
	}
	for _, ix := range append(indexes, s.Indexes...) {
		ix.Table = tree.Name{Schema: t.Schema, Name: t.Name}
		if err := r.createIndex(t, &ix); err != nil {
			return err
		}
	}
	return r.indexForeign(t)
}

// indexForeign gives the foreign keys of a MySQL table the index that MySQL
// makes for them, unless one starts with their columns.
func (r *run) indexForeign(t *catalog.Table) error {
	if r.Dialect != rel.MySQL || rel.Dialect(t.Dialect) != rel.MySQL {
		return nil
	}
	for _, k := range t.Constraints {
		if k.Kind != "FOREIGN KEY" || covered(t, k.Columns) {
			continue
		}
		ix := &tree.CreateIndex{Name: k.Name, Method: "btree", Table: tree.Name{Schema: t.Schema, Name: t.Name}}
		for _, c := range k.Columns {
			ix.Items = append(ix.Items, tree.IndexItem{Column: c, NullsFirst: true})
		}
		if r.taken(r.indexKey(t, k.Name)) {
			continue
		}
		if err := r.createIndex(t, ix); err != nil {
			return err
		}
	}
	return nil
}

// covered tells whether an index of a table starts with these columns.
func covered(t *catalog.Table, cols []string) bool {
	for _, ix := range t.Indexes {
		n := 0
		for n < len(cols) && n < len(ix.Items) && ix.Items[n].Column == cols[n] && ix.Items[n].Length == 0 && ix.Where == "" {
			n++
		}
		if n == len(cols) {
			return true
		}
	}
	return false
}

// newTable makes the empty entry of a new table, nil when IF NOT EXISTS finds
// the name taken.
func (r *run) newTable(n tree.Name, ifNot, temp bool) (*catalog.Table, error) {
	if temp && r.Dialect == rel.MySQL {
		return nil, op.Errorf(op.Unsupported, "temporary tables are not supported")
	}
	key, err := r.target(n, temp)
	if err != nil {
		return nil, err
	}
	if r.taken(key) {
		if ifNot {
			r.notice(op.AlreadyExists, "relation \""+key.Name+"\" already exists, skipping")
			return nil, nil
		}
		return nil, exists("relation", key.Name)
	}
	store, err := r.storeName(key.Schema, key.Name)
	if err != nil {
		return nil, err
	}
	return &catalog.Table{OID: r.d.OID(), Schema: key.Schema, Name: key.Name, Store: store, Dialect: uint8(r.Dialect), Temp: key.Schema == r.tempSchema()}, nil
}

// finishTable chooses the rowid column, adds constraints, creates the SQLite
// table and its key indexes, and publishes the entry.
func (r *run) finishTable(t *catalog.Table, cons []tree.Constraint) error {
	r.cat.Tables[t.Key()] = t
	for i := range cons {
		if cons[i].Kind == "PRIMARY KEY" {
			if err := r.addPrimary(t, &cons[i]); err != nil {
				return err
			}
		}
	}
	for i := range cons {
		if cons[i].Kind == "PRIMARY KEY" {
			continue
		}
		if _, err := r.addConstraint(t, &cons[i]); err != nil {
			return err
		}
	}
	text, err := r.render(t, t.Store, true)
	if err != nil {
		return err
	}
	if err := r.d.Exec(text); err != nil {
		return err
	}
	for _, ix := range t.Indexes {
		if err := r.makeIndex(t, ix); err != nil {
			return err
		}
	}
	return r.adopt(t)
}

// adopt completes foreign keys that were made before the table they refer to.
func (r *run) adopt(t *catalog.Table) error {
	if rel.Dialect(t.Dialect) != rel.MySQL {
		return nil
	}
	for _, c := range r.children(t.Key()) {
		if c.Key() == t.Key() {
			continue
		}
		for _, k := range c.Constraints {
			if k.Kind != "FOREIGN KEY" || k.RefTable != t.Key() {
				continue
			}
			if len(k.RefColumns) != len(k.Columns) || checkColumns(t, k.RefColumns, "referenced in foreign key constraint") != nil || !isKey(t, k.RefColumns) {
				return op.Errorf(op.Undefined, "there is no unique constraint matching given keys for referenced table %q", t.Name)
			}
		}
		if err := r.sync(c); err != nil {
			return err
		}
	}
	return nil
}

// optionMap keeps storage options as given.
func optionMap(l [][2]string) map[string]string {
	if len(l) == 0 {
		return nil
	}
	m := map[string]string{}
	for _, o := range l {
		m[strings.ToLower(o[0])] = o[1]
	}
	return m
}

// addColumn adds one column to a table's entry, with its sequence.
func (r *run) addColumn(t *catalog.Table, d *tree.ColumnDef) error {
	for _, c := range t.Columns {
		if c.Name == d.Name || rel.Dialect(t.Dialect) == rel.MySQL && strings.EqualFold(c.Name, d.Name) {
			return &op.Error{Code: op.DuplicateColumn, Msg: "column \"" + d.Name + "\" specified more than once", Column: d.Name, Name: d.Name, Table: t.Name}
		}
		if strings.EqualFold(c.Name, d.Name) {
			return op.Errorf(op.Unsupported, "column names that differ only in case (%q, %q) are not supported", c.Name, d.Name)
		}
	}
	if strings.EqualFold(d.Name, "rowid") {
		return op.Errorf(op.Unsupported, "a column named %q is not supported", d.Name)
	}
	if len(t.Columns) >= 1600 {
		return op.Errorf(op.TooLarge, "tables can have at most 1600 columns")
	}
	typ, err := r.resolveType(&d.Type)
	if err != nil {
		return err
	}
	dom := r.domainOf(&d.Type)
	t.NextAttr++
	c := &catalog.Column{Name: d.Name, Attr: t.NextAttr, Type: typ, TypeText: d.Type.Name, NotNull: d.NotNull,
		Comment: d.Comment, OnUpdateNow: d.OnUpdateNow, Labels: d.Type.Labels, Collate: d.Type.Collate}
	c.CI = r.Dialect == rel.MySQL && caseInsensitive(typ, d.Type.Collate)
	switch {
	case d.Generated != nil:
		c.Generated, c.Stored = d.DefaultText, d.Stored
	case d.Default != nil:
		c.Default = d.DefaultText
	}
	if dom != nil {
		c.Domain = &catalog.Key{Schema: dom.Schema, Name: dom.Name}
	}
	place(t, c, d.First, d.After)
	if d.Serial || d.Identity != "" {
		return r.ownSequence(t, c, d)
	}
	return nil
}

// place inserts a column where MySQL's FIRST and AFTER say, else at the end.
func place(t *catalog.Table, c *catalog.Column, first bool, after string) {
	at := len(t.Columns)
	if first {
		at = 0
	}
	for i, k := range t.Columns {
		if after != "" && strings.EqualFold(k.Name, after) {
			at = i + 1
		}
	}
	t.Columns = append(t.Columns, nil)
	copy(t.Columns[at+1:], t.Columns[at:])
	t.Columns[at] = c
}

// resolveType returns a column's type.
func (r *run) resolveType(n *tree.TypeName) (op.Type, error) {
	t := n.Resolved
	if t.Base == op.TUnknown && r.Dialect == rel.Postgres {
		if u := r.findType(tree.Name{Schema: n.Schema, Name: n.Name}); u != nil {
			t = u.Op()
			t.Array = n.Array || t.Array
			return t, nil
		}
	}
	if t.Base == op.TUnknown || t.Base == op.TVoid || t.Base == op.TRecord {
		name := n.Name
		if n.Schema != "" {
			name = n.Schema + "." + n.Name
		}
		return t, &op.Error{Code: op.Undefined, Msg: "type \"" + name + "\" does not exist", Object: "type", Name: n.Name}
	}
	if t.Base == op.TChar && t.Size == 0 && n.Name == "char" && r.Dialect == rel.MySQL {
		t.Size = 1
	}
	return t, nil
}

// caseInsensitive tells MySQL text columns whose collation ignores case: all
// but _bin and _cs ones.
func caseInsensitive(t op.Type, collate string) bool {
	switch t.Base {
	case op.TString, op.TVarchar, op.TChar, op.TEnum, op.TSetOf:
		return !strings.HasSuffix(collate, "_bin") && !strings.HasSuffix(collate, "_cs") && collate != "binary"
	}
	return false
}

// ownSequence creates the sequence behind a serial, identity or AUTO_INCREMENT
// column.
func (r *run) ownSequence(t *catalog.Table, c *catalog.Column, d *tree.ColumnDef) error {
	switch c.Type.Base {
	case op.TInt1, op.TInt2, op.TInt3, op.TInt4, op.TInt8:
	default:
		if r.Dialect == rel.Postgres {
			return op.Errorf(op.InvalidArgument, "identity column type must be smallint, integer, or bigint")
		}
		return op.Errorf(op.InvalidArgument, "Incorrect column specifier for column '%s'", c.Name)
	}
	s := tree.CreateSequence{}
	if d.Sequence != nil {
		s = *d.Sequence
	}
	if d.Start != nil {
		s.Start = d.Start
	}
	if d.Increment != nil {
		s.Increment = d.Increment
	}
	q, err := r.buildSequence(&s, c.Type.Base, c.Type.Unsigned)
	if err != nil {
		return err
	}
	q.Schema, q.Name = t.Schema, r.relationName(t.Schema, t.Name, c.Name, "seq")
	q.Table, q.Column = t.Name, c.Name
	c.Serial, c.Identity, c.NotNull = q.Name, d.Identity, true
	c.AutoInc = r.Dialect == rel.MySQL
	if r.Dialect == rel.Postgres && d.Identity == "" {
		c.Default = "nextval('" + strings.ReplaceAll(sequenceText(q), "'", "''") + "'::regclass)"
	}
	return r.storeSequence(q)
}

// sequenceText is the text a default names a sequence by.
func sequenceText(q *catalog.Sequence) string {
	if q.Schema == "public" {
		return ident(q.Name)
	}
	return ident(q.Schema) + "." + ident(q.Name)
}

// ident quotes a PostgreSQL identifier where it must be.
func ident(s string) string {
	for i := range len(s) {
		b := s[i]
		if !(b >= 'a' && b <= 'z' || b == '_' || i > 0 && b >= '0' && b <= '9') {
			return catalog.Quote(s)
		}
	}
	return s
}

// createTableAs runs CREATE TABLE AS and SELECT INTO.
func (r *run) createTableAs(s *tree.CreateTable) error {
	t, err := r.newTable(s.Name, s.IfNotExists, s.Temp)
	if err != nil || t == nil {
		return err
	}
	return r.fillFrom(t, s.As, s.AsColumns, !s.NoData)
}

// fillFrom gives a new table the columns of a query and, if asked, its rows.
func (r *run) fillFrom(t *catalog.Table, q *tree.Select, names []string, data bool) error {
	p, err := r.d.Bind(q)
	if err != nil {
		return err
	}
	if len(names) > len(p.Columns) {
		return op.Errorf(op.Syntax, "too many column names were specified")
	}
	for i, c := range p.Columns {
		typ := c.Type
		if typ.Base == op.TUnknown {
			typ = op.Type{Base: op.TString}
		}
		name := c.Name
		if i < len(names) {
			name = names[i]
		}
		d := tree.ColumnDef{Name: name, Type: tree.TypeName{Name: typeWord(typ), Resolved: typ}}
		if err := r.addColumn(t, &d); err != nil {
			return err
		}
	}
	if err := r.finishTable(t, nil); err != nil {
		return err
	}
	if !data {
		return nil
	}
	return r.fill(t, p)
}

// fill inserts the rows of a bound query into a table.
func (r *run) fill(t *catalog.Table, p *sql.Plan) error {
	args, err := r.d.Args(p)
	if err != nil {
		return err
	}
	var cols []string
	for _, c := range t.Columns {
		cols = append(cols, c.Name)
	}
	if len(cols) == 0 {
		return nil
	}
	if err := r.d.Exec("INSERT INTO "+catalog.Quote(t.Store)+"("+quoteList(cols)+") "+p.Text, args...); err != nil {
		return err
	}
	rows, err := r.d.Query("SELECT count(*) FROM " + catalog.Quote(t.Store))
	if err == nil && len(rows) == 1 {
		r.d.Affected(rows[0][0].Int())
	}
	return err
}

// like copies another table's columns; constraints and indexes are returned
// for finishTable. with nil copies everything (MySQL).
func (r *run) like(t *catalog.Table, n tree.Name, with []string) ([]tree.Constraint, []tree.CreateIndex, error) {
	src, err := r.table(n)
	if err != nil {
		return nil, nil, err
	}
	has := func(w string) bool {
		return with == nil || strings.Contains(" "+strings.Join(with, " ")+" ", " "+w+" ")
	}
	for _, c := range src.Columns {
		k := *c
		t.NextAttr++
		k.Attr = t.NextAttr
		k.Serial, k.Identity, k.AutoInc = "", "", false
		if !has("DEFAULTS") {
			k.Default = ""
		}
		if !has("GENERATED") {
			k.Generated = ""
		}
		if !has("COMMENTS") {
			k.Comment = ""
		}
		t.Columns = append(t.Columns, &k)
		if c.Identity != "" && has("IDENTITY") || c.AutoInc {
			if err := r.ownSequence(t, &k, &tree.ColumnDef{Identity: c.Identity}); err != nil {
				return nil, nil, err
			}
		}
	}
	var cons []tree.Constraint
	var idx []tree.CreateIndex
	for _, k := range src.Constraints {
		if k.Kind == "CHECK" && has("CONSTRAINTS") {
			cons = append(cons, tree.Constraint{Kind: "CHECK", Name: k.Name, CheckText: k.Check})
		}
	}
	if !has("INDEXES") {
		return cons, nil, nil
	}
	if len(src.Primary) > 0 {
		cons = append(cons, tree.Constraint{Kind: "PRIMARY KEY", Columns: src.Primary})
	}
	for _, k := range src.Constraints {
		if k.Kind == "UNIQUE" {
			cons = append(cons, tree.Constraint{Kind: "UNIQUE", Columns: k.Columns})
		}
	}
	for _, x := range src.Indexes {
		if x.Primary || x.Constraint {
			continue
		}
		ci := tree.CreateIndex{Unique: x.Unique, Method: x.Method, Include: x.Include, WhereText: x.Where}
		if rel.Dialect(src.Dialect) == rel.MySQL {
			ci.Name = x.Name
		}
		for _, i := range x.Items {
			ci.Items = append(ci.Items, tree.IndexItem{Column: i.Column, Text: i.Expr, Desc: i.Desc, NullsFirst: i.NullsFirst, Length: i.Length})
		}
		idx = append(idx, ci)
	}
	return cons, idx, nil
}

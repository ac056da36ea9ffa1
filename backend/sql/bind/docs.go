package bind

import (
	"fmt"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// docSource is a document collection in FROM. The fields a statement takes out
// of its documents (doc ->> 'name') become columns of the derived table: a
// document is decoded once for each row, and SQLite can join on the fields
// through an index of its own making.
type docSource struct {
	mark   string // stands for the derived table until all fields are known
	store  string
	alias  string
	fields []string       // SQLite expressions over doc
	index  map[string]int // expression to its place
}

// docSource is the SQLite table expression of a collection: a mark that
// expandDocs replaces.
func (c *comp) docSource(t *catalog.Table, r *relation) string {
	if c.docs == nil {
		return fmt.Sprintf("(SELECT dotdo_id_text(_id) AS _id, dotdo_bson_json(doc) AS doc FROM %s)", catalog.Quote(t.Store))
	}
	d := &docSource{mark: fmt.Sprintf("\x01%d\x01", len(*c.docs)), store: t.Store, alias: r.alias, index: map[string]int{}}
	*c.docs = append(*c.docs, d)
	r.doc = d
	return d.mark
}

// docField turns doc -> 'name' and doc ->> 'name' of a collection into a column
// of its derived table.
func (c *comp) docField(n *tree.Binary, l, r ex) (ex, bool) {
	if n.Op != "->" && n.Op != "->>" || l.col == nil || l.col.rel == nil || l.col.rel.doc == nil || l.col.cat == nil || l.col.cat.Name != "doc" {
		return ex{}, false
	}
	if r.konst == nil || r.konst.IsNull() || r.param > 0 {
		return ex{}, false
	}
	d := l.col.rel.doc
	inner := l
	inner.sql, inner.col = "dotdo_bson_json(doc)", nil
	e := c.arith(n.Op, inner, r, n.Pos)
	i, ok := d.index[e.sql]
	if !ok {
		i = len(d.fields)
		d.index[e.sql] = i
		d.fields = append(d.fields, e.sql)
	}
	return mk(e.t, "%s.f%d", d.alias, i+1), true
}

// expandDocs replaces the marks of collections by their derived tables. With
// several tables the derived ones are kept whole (LIMIT -1 stops SQLite from
// merging them into the join), so that they can be indexed.
func (c *comp) expandDocs() {
	if c.docs == nil || len(*c.docs) == 0 {
		return
	}
	whole := ""
	if len(*c.docs) > 1 || len(c.plan.Tables) > 1 {
		whole = " LIMIT -1"
	}
	var pairs []string
	for _, d := range *c.docs {
		var b strings.Builder
		b.WriteString("(SELECT dotdo_id_text(_id) AS _id, dotdo_bson_json(doc) AS doc")
		for i, f := range d.fields {
			fmt.Fprintf(&b, ", %s AS f%d", f, i+1)
		}
		fmt.Fprintf(&b, " FROM %s%s)", catalog.Quote(d.store), whole)
		pairs = append(pairs, d.mark, b.String())
	}
	r := strings.NewReplacer(pairs...)
	p := c.plan
	p.Text = r.Replace(p.Text)
	for i := range p.Steps {
		p.Steps[i].Text = r.Replace(p.Steps[i].Text)
	}
	if m := p.Route.Merge; m != nil {
		m.Text = r.Replace(m.Text)
	}
}

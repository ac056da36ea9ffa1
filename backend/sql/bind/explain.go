package bind

import (
	"encoding/json"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/sql"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/tree"
)

// explainPlan compiles EXPLAIN. MySQL sees SQLite's query plan as it is;
// PostgreSQL sees it as nodes under PostgreSQL's names, without costs, of which
// SQLite tells none.
func (c *comp) explainPlan(s *tree.Explain) {
	if s.Analyze {
		fail(op.Unsupported, "EXPLAIN ANALYZE is not supported")
	}
	asJSON := s.Format == "json" && !c.my
	if s.Format != "" && s.Format != "text" && s.Format != "traditional" && !asJSON {
		fail(op.Unsupported, "EXPLAIN (FORMAT %s) is not supported", s.Format)
	}
	x := &explainer{}
	c.explaining = x
	inner, err := c.statement(s.Stmt)
	check(err)
	if inner.Text == "" {
		fail(op.Unsupported, "EXPLAIN of this statement is not supported")
	}
	c.plan = &sql.Plan{Kind: sql.KindQuery, Dialect: c.Dialect, Tag: "EXPLAIN", Version: inner.Version, Text: "EXPLAIN QUERY PLAN " + inner.Text,
		Binds: inner.Binds, Params: inner.Params, System: inner.System, Volatile: inner.Volatile, Tables: inner.Tables,
		Columns: []op.Column{{Name: "id", Type: typ(op.TInt4)}, {Name: "parent", Type: typ(op.TInt4)}, {Name: "notused", Type: typ(op.TInt4)}, {Name: "detail", Type: typ(op.TString)}}}
	if c.my {
		return
	}
	x.target = inner.Target
	if inner.Kind == sql.KindWrite {
		x.write = strings.ToUpper(inner.Tag[:1]) + strings.ToLower(inner.Tag[1:])
	}
	c.plan.Columns = []op.Column{{Name: "QUERY PLAN", Type: typ(op.TString)}}
	c.plan.Explain = x.text
	if asJSON {
		c.plan.Columns[0].Type = typ(op.TJSON)
		c.plan.Explain = x.json
	}
}

// explainer turns SQLite's query plan into PostgreSQL's form.
type explainer struct {
	rels   []*relation // in the order they were bound
	write  string      // "Insert", "Update", "Delete" or ""
	target *catalog.Table
}

// planNode is one node; the fields' names are PostgreSQL's.
type planNode struct {
	Type   string      `json:"Node Type"`
	Op     string      `json:"Operation,omitempty"`
	Parent string      `json:"Subplan Name,omitempty"`
	Rel    string      `json:"Relation Name,omitempty"`
	Alias  string      `json:"Alias,omitempty"`
	Index  string      `json:"Index Name,omitempty"`
	Cond   string      `json:"Index Cond,omitempty"`
	Plans  []*planNode `json:"Plans,omitempty"`
}

// root builds the tree from rows of id, parent, unused, detail.
func (x *explainer) root(rows []op.Value) *planNode {
	kids := map[int64][][]op.Value{}
	for ; len(rows) >= 4; rows = rows[4:] {
		kids[rows[1].Int()] = append(kids[rows[1].Int()], rows[:4])
	}
	n := x.level(kids, 0, 0)
	if n == nil {
		n = &planNode{Type: "Result"}
	}
	if x.write != "" {
		w := &planNode{Type: "ModifyTable", Op: x.write, Plans: []*planNode{n}}
		if x.target != nil {
			w.Rel, w.Alias = x.target.Name, x.target.Name
		}
		return w
	}
	return n
}

// maxExplain bounds the depth of a plan.
const maxExplain = 100

// level builds the node of everything under one parent: scans are joined by
// nested loops, sorting steps stand above them.
func (x *explainer) level(kids map[int64][][]op.Value, parent int64, depth int) *planNode {
	if depth > maxExplain {
		return nil
	}
	var scans, subs, above []*planNode
	for _, r := range kids[parent] {
		d := r[3].Str()
		below := x.level(kids, r[0].Int(), depth+1)
		word, rest, _ := strings.Cut(d, " ")
		switch {
		case strings.HasPrefix(d, "USE TEMP B-TREE FOR "):
			above = append(above, &planNode{Type: sorting(d)})
		case word == "SCAN" || word == "SEARCH":
			n := x.scan(word, rest)
			n.add(below)
			scans = append(scans, n)
		case word == "CO-ROUTINE" || word == "MATERIALIZE":
			subs = append(subs, (&planNode{Type: "Subquery Scan", Alias: rest}).add(below))
		case strings.Contains(d, "SUBQUERY") && word != "LEFT-MOST":
			if below != nil {
				below.Parent = "SubPlan" + d[strings.LastIndexByte(d, ' '):]
				subs = append(subs, below)
			}
		case d == "COMPOUND QUERY":
			scans = append(scans, x.compound(kids, r[0].Int(), depth))
		case strings.HasPrefix(d, "MERGE"):
			scans = append(scans, (&planNode{Type: "Merge Append"}).adopt(below))
		case d == "MULTI-INDEX OR":
			scans = append(scans, (&planNode{Type: "BitmapOr"}).adopt(below))
		default: // LEFT, RIGHT, INDEX 1, SETUP …
			if below != nil {
				scans = append(scans, below)
			}
		}
	}
	var n *planNode
	switch {
	case len(scans) == 1:
		n = scans[0]
	case len(scans) > 1:
		n = &planNode{Type: "Nested Loop", Plans: scans}
	case len(subs)+len(above) > 0:
		n = &planNode{Type: "Result"}
	}
	for _, s := range subs {
		n.add(s)
	}
	for _, a := range above {
		n = a.add(n)
	}
	return n
}

// compound builds UNION, INTERSECT and EXCEPT.
func (x *explainer) compound(kids map[int64][][]op.Value, parent int64, depth int) *planNode {
	n := &planNode{Type: "Append"}
	distinct := false
	for _, r := range kids[parent] {
		distinct = distinct || strings.Contains(r[3].Str(), "TEMP B-TREE")
		n.add(x.level(kids, r[0].Int(), depth+1))
	}
	if distinct {
		return (&planNode{Type: "HashAggregate"}).add(n)
	}
	return n
}

// sorting names a step that needs a temporary index.
func sorting(detail string) string {
	switch {
	case strings.HasSuffix(detail, "GROUP BY"):
		return "GroupAggregate"
	case strings.HasSuffix(detail, "ORDER BY"):
		return "Sort"
	}
	return "Unique"
}

// add appends a child that is there.
func (n *planNode) add(k *planNode) *planNode {
	if k != nil {
		n.Plans = append(n.Plans, k)
	}
	return n
}

// adopt takes the children of a join that is none.
func (n *planNode) adopt(k *planNode) *planNode {
	if k != nil && k.Type == "Nested Loop" {
		n.Plans = append(n.Plans, k.Plans...)
		return n
	}
	return n.add(k)
}

// scan reads "t1 USING INDEX i (a=?)".
func (x *explainer) scan(word, rest string) *planNode {
	if rest == "CONSTANT ROW" {
		return &planNode{Type: "Result"}
	}
	name, how, _ := strings.Cut(rest, " ")
	n := &planNode{Type: "Seq Scan", Rel: name, Alias: name}
	var t *catalog.Table
	for _, r := range x.rels {
		if r.alias == name {
			t, n.Rel, n.Alias = r.table, r.name, r.name
			if t != nil {
				n.Rel = t.Name
			}
		}
	}
	if strings.HasPrefix(how, "VIRTUAL TABLE") {
		n.Type = "Function Scan"
		return n
	}
	how, cond, found := strings.Cut(how, "(")
	if found {
		n.Cond = x.condition(t, strings.TrimSuffix(strings.TrimSuffix(cond, " LEFT-JOIN"), ")"))
	}
	if !strings.HasPrefix(how, "USING ") {
		return n
	}
	n.Type = "Index Scan"
	if strings.Contains(how, "COVERING") {
		n.Type = "Index Only Scan"
	}
	n.Index = strings.TrimSpace(how[strings.LastIndex(strings.TrimSpace(how), " ")+1:])
	n.Index = indexName(t, n.Index)
	if word == "SCAN" {
		n.Cond = ""
	}
	return n
}

// indexName returns the catalog's name of a stored index.
func indexName(t *catalog.Table, stored string) string {
	if t == nil {
		return stored
	}
	for _, i := range t.Indexes {
		if i.Store == stored || i.Primary && stored == "KEY" {
			return i.Name
		}
	}
	return stored
}

// condition writes "a=? AND b>?" with spaces, and the rowid by its name.
func (x *explainer) condition(t *catalog.Table, s string) string {
	parts := strings.Split(s, " AND ")
	for i, p := range parts {
		at := strings.IndexAny(p, "=<>")
		if at < 0 {
			continue
		}
		name := p[:at]
		if name == "rowid" && t != nil && t.RowIDAlias != "" {
			name = t.RowIDAlias
		}
		oper := strings.TrimRight(p[at:], "?")
		parts[i] = "(" + name + " " + oper + " ?)"
	}
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// text writes the plan as lines, one a row.
func (x *explainer) text(rows []op.Value) []op.Value {
	var out []op.Value
	var write func(n *planNode, depth int)
	line := func(indent int, s string) { out = append(out, op.Text(strings.Repeat(" ", indent)+s)) }
	write = func(n *planNode, depth int) {
		at := 0
		if depth > 0 {
			at = 6*depth - 4
		}
		if n.Parent != "" {
			line(max(at, 2), n.Parent)
		}
		s := n.title()
		if depth > 0 {
			s = "->  " + s
		}
		line(at, s)
		if n.Cond != "" {
			line(6*depth+2, "Index Cond: "+n.Cond)
		}
		for _, k := range n.Plans {
			write(k, depth+1)
		}
	}
	write(x.root(rows), 0)
	return out
}

// title is the first line of a node.
func (n *planNode) title() string {
	s := n.Type
	if n.Op != "" {
		s = n.Op
	}
	if n.Index != "" {
		s += " using " + n.Index
	}
	switch {
	case n.Rel != "" && n.Alias != n.Rel:
		s += " on " + n.Rel + " " + n.Alias
	case n.Alias != "":
		s += " on " + n.Alias
	}
	return s
}

// json writes the plan as PostgreSQL's JSON, in one row.
func (x *explainer) json(rows []op.Value) []op.Value {
	b, err := json.MarshalIndent([]any{map[string]any{"Plan": x.root(rows)}}, "", "  ")
	if err != nil {
		return nil
	}
	return []op.Value{op.Text(string(b))}
}

package mongo

import (
	"context"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// explainable are the commands that can be explained.
var explainable = map[string]string{"aggregate": "aggregate", "count": "count", "delete": "delete", "distinct": "distinct", "find": "find", "findAndModify": "findAndModify", "findandmodify": "findAndModify", "update": "update"}

// cmdExplain serves explain of find, count, distinct, aggregate, update,
// delete and findAndModify. Verbosity executionStats and allPlansExecution run
// the reading part; a write changes nothing.
func cmdExplain(ctx context.Context, r *request) ([]byte, error) {
	first := r.first()
	if first.Type != bsonval.Document {
		return nil, errorf(typeMismatch, "BSON field 'explain' must be an object")
	}
	it := bsonval.Elements(first.Data)
	if !it.Next() {
		return nil, errorf(failedToParse, "explain needs a command")
	}
	level := "allPlansExecution"
	if v := r.get("verbosity"); v.Type != 0 {
		level = bsonval.Text(v)
	}
	switch level {
	case "queryPlanner", "executionStats", "allPlansExecution":
	default:
		return nil, errorf(failedToParse, "verbosity string must be one of {'queryPlanner', 'executionStats', 'allPlansExecution'}")
	}
	name, ok := explainable[it.Key()]
	if !ok {
		return nil, errorf(commandNotFound, "Explain failed due to unknown command: %s", it.Key())
	}
	inner := *r
	inner.cmd, inner.name, inner.body = &command{name: name}, name, first.Data
	return r.explainBody(ctx, &inner, level)
}

// explainBody explains the command of inner.
func (r *request) explainBody(ctx context.Context, inner *request, level string) ([]byte, error) {
	b := &doc.Explain{Run: level != "queryPlanner"}
	var err error
	if b.Body, b.Collection, b.Filter, err = inner.explained(); err != nil {
		return nil, err
	}
	begun := time.Now()
	rep, err := r.read(ctx, b)
	if err != nil {
		return nil, err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return nil, err
	}
	var d []byte
	if len(docs) > 0 {
		d = docs[0]
	} else { // the database does not exist
		d = newReply().doc("winningPlan", newReply().str("stage", "EOF").end()).end()
	}
	planner := newReply().str("namespace", r.db+"."+b.Collection).add("parsedQuery", inner.parsedQuery()).bool("indexFilterSet", false).
		bool("maxIndexedOrSolutionsReached", false).bool("maxIndexedAndSolutionsReached", false).bool("maxScansToExplodeReached", false).
		add("winningPlan", bsonval.Get(d, "winningPlan")).docs("rejectedPlans", nil).end()
	head := newReply().doc("queryPlanner", planner)
	if e := bsonval.Get(d, "execution"); e.Type != 0 {
		x := newReply()
		for it := bsonval.Elements(e.Data); it.Next(); {
			if x.add(it.Key(), it.Value); it.Key() == "nReturned" {
				x.int("executionTimeMillis", time.Since(begun).Milliseconds())
			}
		}
		if level == "allPlansExecution" {
			x.docs("allPlansExecution", nil)
		}
		head.doc("executionStats", x.end())
	}
	out := newReply().str("explainVersion", "1")
	if rest := inner.laterStages(d); rest != nil {
		out.docs("stages", append([][]byte{newReply().doc("$cursor", head.end()).end()}, rest...))
	} else {
		for it := bsonval.Elements(head.end()); it.Next(); {
			out.add(it.Key(), it.Value)
		}
	}
	return out.doc("command", inner.body).doc("serverInfo", r.serverInfo()).doc("serverParameters", bsonval.EmptyDoc).ok(), nil
}

// parsedQuery is the query an explain shows.
func (r *request) parsedQuery() bsonval.V {
	q := bsonval.Missing
	switch r.cmd.name {
	case "find":
		q = r.get("filter")
	case "count", "distinct", "findAndModify":
		q = r.get("query")
	case "update", "delete":
		if list, err := r.docs(r.cmd.name + "s"); err == nil && len(list) > 0 {
			q = bsonval.Get(list[0], "q")
		}
	case "aggregate":
		if list := bsonval.Items(r.get("pipeline")); len(list) > 0 {
			q = bsonval.Get(list[0].Data, "$match")
		}
	}
	if q.Type != bsonval.Document {
		return bsonval.DocV(bsonval.EmptyDoc)
	}
	return q
}

// explained decodes the statement to explain.
func (r *request) explained() (op.Body, string, *op.Expr, error) {
	switch r.cmd.name {
	case "find":
		b, _, err := r.parseFind()
		if err != nil {
			return nil, "", nil, err
		}
		return b, b.Collection, b.Filter, nil
	case "count":
		b, err := r.parseCount()
		if err != nil {
			return nil, "", nil, err
		}
		return b, b.Collection, b.Filter, nil
	case "distinct":
		b, err := r.parseDistinct()
		if err != nil {
			return nil, "", nil, err
		}
		return b, b.Collection, b.Filter, nil
	case "findAndModify":
		b, err := r.parseFindAndModify()
		if err != nil {
			return nil, "", nil, err
		}
		return b, b.Collection, b.Filter, nil
	case "aggregate":
		coll := ""
		if r.first().Type == bsonval.String {
			coll = bsonval.Text(r.first())
		}
		b, err := r.parseAggregate(coll, bsonval.Items(r.get("pipeline")))
		if err != nil {
			return nil, "", nil, err
		}
		return b, coll, nil, nil
	case "update", "delete":
		return r.explainedWrite()
	}
	return nil, "", nil, errorf(commandNotFound, "Explain failed due to unknown command: %s", r.name)
}

// explainedWrite decodes the one statement of an update or delete.
func (r *request) explainedWrite() (op.Body, string, *op.Expr, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, "", nil, err
	}
	list, err := r.docs(r.cmd.name + "s")
	if err != nil {
		return nil, "", nil, err
	}
	if len(list) != 1 {
		return nil, "", nil, errorf(invalidOptions, "Explained writes must have exactly one statement")
	}
	if r.cmd.name == "delete" {
		b, err := parseDeleteStatement(r, coll, list[0])
		if err != nil {
			return nil, "", nil, err
		}
		return b, coll, b.(*doc.Delete).Filter, nil
	}
	b, err := parseUpdateStatement(r, coll, list[0])
	if err != nil {
		return nil, "", nil, err
	}
	return b, coll, b.(*doc.Update).Filter, nil
}

// laterStages renders the stages of a pipeline behind those the plan covers;
// nil when it covers all.
func (r *request) laterStages(d []byte) [][]byte {
	pushed, ok := bsonval.Int(bsonval.Get(d, "pushed"))
	if !ok {
		return nil
	}
	counts := bsonval.Items(bsonval.Get(d, "later"))
	var out [][]byte
	at := int64(0)
	for _, item := range bsonval.Items(r.get("pipeline")) {
		one, err := parsePipeline([]bsonval.V{item})
		if err != nil {
			return nil
		}
		from := at
		at += int64(len(one))
		if from < pushed {
			continue
		}
		x := newReply()
		for it := bsonval.Elements(item.Data); it.Next(); {
			x.add(it.Key(), it.Value)
		}
		if n := at - pushed; n > 0 && int(n) <= len(counts) {
			v, _ := bsonval.Int(counts[n-1])
			x.add("nReturned", bsonval.Int64V(v)).add("executionTimeMillisEstimate", bsonval.Int64V(0))
		}
		out = append(out, x.end())
	}
	return out
}

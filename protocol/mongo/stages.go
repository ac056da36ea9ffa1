package mongo

import (
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// field reads a required argument of a stage.
func field(v bsonval.V, stage, name string) (bsonval.V, error) {
	x := bsonval.Get(v.Data, name)
	if x.Type == 0 {
		return x, errorf(missingField, "BSON field '%s.%s' is missing but a required field", stage, name)
	}
	return x, nil
}

// known refuses arguments of a stage nobody knows.
func known(v bsonval.V, stage, allowed string) error {
	if err := asObject(v, stage); err != nil {
		return err
	}
next:
	for it := bsonval.Elements(v.Data); it.Next(); {
		for f := range strings.FieldsSeq(allowed) {
			if f == it.Key() {
				continue next
			}
		}
		return errorf(unknownField, "BSON field '%s.%s' is an unknown field.", stage, it.Key())
	}
	return nil
}

// stageGraphLookup decodes $graphLookup.
func stageGraphLookup(v bsonval.V) ([]doc.Stage, error) {
	if err := known(v, "$graphLookup", "from startWith connectFromField connectToField as maxDepth depthField restrictSearchWithMatch"); err != nil {
		return nil, err
	}
	s := doc.Stage{Kind: doc.StageGraph, N: -1}
	for name, to := range map[string]*string{"from": &s.From, "connectFromField": &s.Local, "connectToField": &s.Foreign, "as": &s.As} {
		x, err := field(v, "$graphLookup", name)
		if err != nil {
			return nil, err
		}
		if x.Type != bsonval.String {
			return nil, errorf(failedToParse, "expected string as argument for %s, found: %s", name, x)
		}
		*to = bsonval.Text(x)
	}
	start, err := field(v, "$graphLookup", "startWith")
	if err != nil {
		return nil, err
	}
	if s.Key, err = parseExpr(start); err != nil {
		return nil, err
	}
	if n := bsonval.Get(v.Data, "maxDepth"); n.Type != 0 {
		i, ok := bsonval.Int(n)
		if !ok || i < 0 {
			return nil, errorf(code{40101, "Location40101"}, "maxDepth requires a nonnegative argument, found: %s", n)
		}
		s.N = i
	}
	s.Path = bsonval.Text(bsonval.Get(v.Data, "depthField"))
	if m := bsonval.Get(v.Data, "restrictSearchWithMatch"); m.Type == bsonval.Document {
		s.Filter, err = parseFilter(m.Data)
	}
	return []doc.Stage{s}, err
}

// sortBy decodes the optional order of a stage.
func sortBy(v bsonval.V) ([]op.Sort, error) {
	d := bsonval.Get(v.Data, "sortBy")
	if d.Type == 0 {
		return nil, nil
	}
	if d.Type != bsonval.Document {
		return nil, errorf(typeMismatch, "sortBy must be an object")
	}
	return parseSort(d.Data)
}

// stageSetWindowFields decodes $setWindowFields.
func stageSetWindowFields(v bsonval.V) ([]doc.Stage, error) {
	if err := known(v, "$setWindowFields", "partitionBy sortBy output"); err != nil {
		return nil, err
	}
	s := doc.Stage{Kind: doc.StageWindow}
	var err error
	if p := bsonval.Get(v.Data, "partitionBy"); p.Type != 0 {
		if s.Key, err = parseExpr(p); err != nil {
			return nil, err
		}
	}
	if s.Sort, err = sortBy(v); err != nil {
		return nil, err
	}
	out, err := field(v, "$setWindowFields", "output")
	if err != nil {
		return nil, err
	}
	for it := bsonval.Elements(out.Data); it.Next(); {
		a, w, err := windowFunction(strings.Clone(it.Key()), it.Value, len(s.Sort) > 0)
		if err != nil {
			return nil, err
		}
		s.Accs, s.Windows = append(s.Accs, a), append(s.Windows, w)
	}
	return []doc.Stage{s}, nil
}

// ordered are the window functions that need an order.
var ordered = map[string]bool{"rank": true, "denseRank": true, "documentNumber": true, "shift": true, "expMovingAvg": true, "derivative": true, "integral": true, "linearFill": true, "locf": true}

// windowFunction decodes {$function: argument, window: {…}}.
func windowFunction(path string, v bsonval.V, sorted bool) (doc.Accumulator, doc.Window, error) {
	a, w := doc.Accumulator{Field: path}, doc.Window{}
	if v.Type != bsonval.Document {
		return a, w, errorf(failedToParse, "The field '%s' must be an object", path)
	}
	for it := bsonval.Elements(v.Data); it.Next(); {
		key, arg := strings.Clone(it.Key()), it.Value
		switch {
		case key == "window":
			if err := known(arg, "window", "documents range unit"); err != nil {
				return a, w, err
			}
			w.Spec = arg.Data
		case !strings.HasPrefix(key, "$") || a.Name != "":
			return a, w, errorf(failedToParse, "Window function found an unknown argument: %s", key)
		default:
			a.Name = key[1:]
			if ordered[a.Name] && !sorted {
				return a, w, errorf(code{5371602, "Location5371602"}, "%s requires a sortBy", key)
			}
			x, err := windowArgument(a.Name, arg)
			if err != nil {
				return a, w, err
			}
			a.Arg = x
		}
	}
	if a.Name == "" {
		return a, w, errorf(failedToParse, "Expected a $-prefixed window function")
	}
	return a, w, nil
}

// windowArgument decodes the argument of a window function.
func windowArgument(name string, arg bsonval.V) (*op.Expr, error) {
	switch name {
	case "rank", "denseRank", "documentNumber":
		if arg.Type != bsonval.Document || len(arg.Data) != 5 {
			return nil, errorf(code{5371603, "Location5371603"}, "$%s must be specified with '{}' as the value", name)
		}
		return nil, nil
	case "shift", "expMovingAvg", "derivative", "integral":
		return arguments(arg, name, "output by default input N alpha unit")
	}
	a, err := accumulatorArgument(name, arg)
	return a, err
}

// arguments decodes named arguments as one document of expressions.
func arguments(v bsonval.V, name, allowed string) (*op.Expr, error) {
	if err := known(v, "$"+name, allowed); err != nil {
		return nil, err
	}
	e := &op.Expr{Op: op.ExDoc}
	for it := bsonval.Elements(v.Data); it.Next(); {
		x := constant(it.Value)
		if it.Key() != "sortBy" {
			var err error
			if x, err = parseExpr(it.Value); err != nil {
				return nil, err
			}
		}
		e.Names, e.Args = append(e.Names, strings.Clone(it.Key())), append(e.Args, x)
	}
	return e, nil
}

// accumulatorArgument decodes the argument of an accumulator.
func accumulatorArgument(name string, arg bsonval.V) (*op.Expr, error) {
	switch name {
	case "count":
		if arg.Type != bsonval.Document || len(arg.Data) != 5 {
			return nil, errorf(typeMismatch, "$count takes no arguments, i.e. $count:{}")
		}
		return constant(bsonval.NullV), nil
	case "firstN", "lastN", "maxN", "minN":
		if bsonval.Get(arg.Data, "n").Type == 0 || bsonval.Get(arg.Data, "input").Type == 0 {
			return nil, errorf(code{5787906, "Location5787906"}, "Missing value for 'n' or 'input' of $%s", name)
		}
		return arguments(arg, name, "n input")
	case "top", "bottom", "topN", "bottomN":
		if _, err := parseSort(bsonval.Get(arg.Data, "sortBy").Data); err != nil {
			return nil, err
		}
		e, err := arguments(arg, name, "n sortBy output")
		if err != nil {
			return nil, err
		}
		e.Names, e.Args = append(e.Names, "root"), append(e.Args, &op.Expr{Op: op.ExVar, Name: "ROOT"})
		return e, nil
	case "percentile", "median":
		if m := bsonval.Text(bsonval.Get(arg.Data, "method")); m != "approximate" && m != "discrete" && m != "continuous" {
			return nil, errorf(badValue, "Currently only 'approximate' can be used as percentile 'method'.")
		}
		return arguments(arg, name, "input p method")
	}
	return parseExpr(arg)
}

// stageBucketAuto decodes $bucketAuto.
func stageBucketAuto(v bsonval.V) ([]doc.Stage, error) {
	if err := known(v, "$bucketAuto", "groupBy buckets output granularity"); err != nil {
		return nil, err
	}
	if bsonval.Get(v.Data, "granularity").Type != 0 {
		return nil, errorf(notImplemented, "option 'granularity' of $bucketAuto is not supported")
	}
	by, err := parseExpr(bsonval.Get(v.Data, "groupBy"))
	if err != nil {
		return nil, err
	}
	n, ok := bsonval.Int(bsonval.Get(v.Data, "buckets"))
	if !ok || n < 1 {
		return nil, errorf(code{40243, "Location40243"}, "The $bucketAuto 'buckets' field must be greater than 0")
	}
	s := doc.Stage{Kind: doc.StageAuto, Key: by, N: n, Accs: []doc.Accumulator{{Field: "count", Name: "sum", Arg: constant(bsonval.Int32V(1))}}}
	if out := bsonval.Get(v.Data, "output"); out.Type == bsonval.Document {
		s.Accs = nil
		for it := bsonval.Elements(out.Data); it.Next(); {
			a, err := parseAccumulator(strings.Clone(it.Key()), it.Value)
			if err != nil {
				return nil, err
			}
			s.Accs = append(s.Accs, a)
		}
	}
	return []doc.Stage{s}, nil
}

// stageRedact decodes $redact.
func stageRedact(v bsonval.V) ([]doc.Stage, error) {
	x, err := parseExpr(v)
	return []doc.Stage{{Kind: doc.StageRedact, Key: x}}, err
}

// stageDensify decodes $densify.
func stageDensify(v bsonval.V) ([]doc.Stage, error) {
	if err := known(v, "$densify", "field partitionByFields range"); err != nil {
		return nil, err
	}
	f, err := field(v, "$densify", "field")
	if err != nil {
		return nil, err
	}
	if _, err = field(v, "$densify", "range"); err != nil {
		return nil, err
	}
	return []doc.Stage{{Kind: doc.StageDensify, Path: bsonval.Text(f), Spec: v.Data}}, nil
}

// stageFill decodes $fill.
func stageFill(v bsonval.V) ([]doc.Stage, error) {
	if err := known(v, "$fill", "partitionBy partitionByFields sortBy output"); err != nil {
		return nil, err
	}
	s := doc.Stage{Kind: doc.StageFill}
	var err error
	if s.Sort, err = sortBy(v); err != nil {
		return nil, err
	}
	if p := bsonval.Get(v.Data, "partitionBy"); p.Type != 0 {
		if s.Key, err = parseExpr(p); err != nil {
			return nil, err
		}
	}
	if list := bsonval.Items(bsonval.Get(v.Data, "partitionByFields")); len(list) > 0 {
		s.Key = &op.Expr{Op: op.ExList}
		s.Key.Op = op.ExDoc
		for i, f := range list {
			s.Key.Names = append(s.Key.Names, itoa(i))
			s.Key.Args = append(s.Key.Args, &op.Expr{Op: op.ExField, Path: bsonval.Text(f)})
		}
	}
	out, err := field(v, "$fill", "output")
	if err != nil {
		return nil, err
	}
	for it := bsonval.Elements(out.Data); it.Next(); {
		a := doc.Accumulator{Field: strings.Clone(it.Key()), Name: "value"}
		m, x := bsonval.Get(it.Value.Data, "method"), bsonval.Get(it.Value.Data, "value")
		switch {
		case x.Type != 0 && m.Type == 0:
			if a.Arg, err = parseExpr(x); err != nil {
				return nil, err
			}
		case bsonval.Text(m) == "linear" || bsonval.Text(m) == "locf":
			a.Name = bsonval.Text(m)
			if len(s.Sort) == 0 {
				return nil, errorf(code{6050204, "Location6050204"}, "$fill with method '%s' requires a sortBy", a.Name)
			}
		default:
			return nil, errorf(code{6050202, "Location6050202"}, "$fill output field must have exactly one of 'method' (linear or locf) and 'value'")
		}
		s.Accs = append(s.Accs, a)
	}
	return []doc.Stage{s}, nil
}

// stageDocuments decodes $documents.
func stageDocuments(v bsonval.V) ([]doc.Stage, error) {
	x, err := parseExpr(v)
	return []doc.Stage{{Kind: doc.StageDocuments, Key: x}}, err
}

// stageOut decodes $out.
func stageOut(v bsonval.V) ([]doc.Stage, error) {
	s := doc.Stage{Kind: doc.StageOut}
	switch v.Type {
	case bsonval.String:
		s.From = bsonval.Text(v)
	case bsonval.Document:
		if err := known(v, "$out", "db coll"); err != nil {
			return nil, err
		}
		s.From, s.Path = bsonval.Text(bsonval.Get(v.Data, "coll")), bsonval.Text(bsonval.Get(v.Data, "db"))
	}
	if s.From == "" {
		return nil, errorf(code{16990, "Location16990"}, "$out only supports a string or object argument with a collection")
	}
	return []doc.Stage{s}, nil
}

// target reads a collection that may be named with its database.
func target(v bsonval.V) (db, coll string) {
	if v.Type == bsonval.Document {
		return bsonval.Text(bsonval.Get(v.Data, "db")), bsonval.Text(bsonval.Get(v.Data, "coll"))
	}
	return "", bsonval.Text(v)
}

// stageMerge decodes $merge.
func stageMerge(v bsonval.V) ([]doc.Stage, error) {
	s := doc.Stage{Kind: doc.StageMerge}
	if v.Type == bsonval.String {
		s.From = bsonval.Text(v)
		s.Spec = newReply().str("whenMatched", "merge").str("whenNotMatched", "insert").end()
		return []doc.Stage{s}, nil
	}
	if err := known(v, "$merge", "into on let whenMatched whenNotMatched"); err != nil {
		return nil, err
	}
	s.Path, s.From = target(bsonval.Get(v.Data, "into"))
	if s.From == "" {
		return nil, errorf(code{51178, "Location51178"}, "$merge 'into' must name a collection")
	}
	d := newReply()
	switch on := bsonval.Get(v.Data, "on"); on.Type {
	case 0:
	case bsonval.String:
		d.add("on", bsonval.ArrayV([]bsonval.V{on}))
	default:
		d.add("on", on)
	}
	matched, missed := "merge", "insert"
	w := bsonval.Get(v.Data, "whenMatched")
	if w.Type == bsonval.Array {
		p, err := parsePipeline(bsonval.Items(w))
		if err != nil {
			return nil, err
		}
		s.Pipeline = p
	} else if w.Type != 0 {
		matched = bsonval.Text(w)
	}
	if w := bsonval.Get(v.Data, "whenNotMatched"); w.Type != 0 {
		missed = bsonval.Text(w)
	}
	for _, x := range [][2]string{{matched, "replace keepExisting merge fail"}, {missed, "insert discard fail"}} {
		if err := statementField(x[0], x[1]); err != nil {
			return nil, errorf(badValue, "Enumeration value '%s' for $merge is not a valid value.", x[0])
		}
	}
	for lt := bsonval.Elements(bsonval.Get(v.Data, "let").Data); lt.Next(); {
		x, err := parseExpr(lt.Value)
		if err != nil {
			return nil, err
		}
		s.Lets, s.Values = append(s.Lets, strings.Clone(lt.Key())), append(s.Values, x)
	}
	s.Spec = d.str("whenMatched", matched).str("whenNotMatched", missed).end()
	return []doc.Stage{s}, nil
}

// checkPlaces checks the order of stages, and that $out and $merge stay in a
// database.
func checkPlaces(stages []doc.Stage, db string) error {
	for i, s := range stages {
		switch s.Kind {
		case doc.StageOut, doc.StageMerge:
			if i != len(stages)-1 {
				return errorf(code{40601, "Location40601"}, "$out and $merge can only be the final stage of the pipeline")
			}
			if s.Path != "" && s.Path != db {
				return errorf(notImplemented, "$out and $merge into another database are not supported")
			}
		case doc.StageDocuments, doc.StageGeoNear:
			if i != 0 {
				return errorf(code{40602, "Location40602"}, "$documents and $geoNear are only valid as the first stage in a pipeline")
			}
		}
	}
	return nil
}

package mongo

import (
	"sort"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// unsupportedStages are MongoDB's stages that are refused by name.
var unsupportedStages = map[string]bool{
	"$changeStream": true, "$changeStreamSplitLargeEvent": true, "$search": true, "$searchMeta": true, "$vectorSearch": true, "$planCacheStats": true,
	"$listSessions": true, "$currentOp": true, "$shardedDataDistribution": true, "$querySettings": true, "$queryStats": true, "$geoNear": true, "$rankFusion": true, "$scoreFusion": true,
}

// stageParsers decode the stages, by name.
func stageParsers() map[string]func(v bsonval.V) ([]doc.Stage, error) {
	return map[string]func(v bsonval.V) ([]doc.Stage, error){
		"$addFields": stageAddFields, "$bucket": stageBucket, "$bucketAuto": stageBucketAuto, "$collStats": stageCollStats, "$count": stageCount, "$densify": stageDensify, "$documents": stageDocuments,
		"$facet": stageFacet, "$fill": stageFill, "$graphLookup": stageGraphLookup, "$group": stageGroup, "$indexStats": stageIndexStats, "$limit": stageLimit, "$lookup": stageLookup, "$match": stageMatch,
		"$merge": stageMerge, "$out": stageOut, "$project": stageProject, "$redact": stageRedact, "$replaceRoot": stageReplaceRoot, "$replaceWith": stageReplaceWith, "$sample": stageSample,
		"$set": stageAddFields, "$setWindowFields": stageSetWindowFields, "$skip": stageSkip, "$sort": stageSort, "$sortByCount": stageSortByCount, "$unionWith": stageUnion, "$unset": stageUnset, "$unwind": stageUnwind,
	}
}

// parsePipeline decodes a pipeline.
func parsePipeline(list []bsonval.V) ([]doc.Stage, error) {
	out := []doc.Stage{}
	parsers := stageParsers()
	for _, v := range list {
		if v.Type != bsonval.Document {
			return nil, errorf(typeMismatch, "Each element of the 'pipeline' array must be an object")
		}
		it := bsonval.Elements(v.Data)
		if !it.Next() {
			return nil, errorf(code{40323, "Location40323"}, "A pipeline stage specification object must contain exactly one field.")
		}
		name, arg := strings.Clone(it.Key()), it.Value
		if it.Next() {
			return nil, errorf(code{40323, "Location40323"}, "A pipeline stage specification object must contain exactly one field.")
		}
		f := parsers[name]
		if f == nil {
			if name == "$listSearchIndexes" {
				return nil, errorf(code{31082, "SearchNotEnabled"}, "$listSearchIndexes needs Atlas Search, which this server does not have")
			}
			if unsupportedStages[name] {
				return nil, errorf(notImplemented, "pipeline stage %s is not supported", name)
			}
			return nil, errorf(unknownStage, "Unrecognized pipeline stage name: '%s'", name)
		}
		s, err := f(arg)
		if err != nil {
			return nil, err
		}
		out = append(out, s...)
	}
	return out, nil
}

// asObject checks that a stage's argument is a document.
func asObject(v bsonval.V, stage string) error {
	if v.Type != bsonval.Document {
		return errorf(typeMismatch, "the %s specification must be an object, but found type %s", stage, v.Type)
	}
	return nil
}

// stageMatch decodes $match.
func stageMatch(v bsonval.V) ([]doc.Stage, error) {
	if err := asObject(v, "$match"); err != nil {
		return nil, err
	}
	f, err := parseFilter(v.Data)
	return []doc.Stage{{Kind: doc.StageMatch, Filter: f}}, err
}

// stageProject decodes $project.
func stageProject(v bsonval.V) ([]doc.Stage, error) {
	if err := asObject(v, "$project"); err != nil {
		return nil, err
	}
	p, err := parseProjection(v.Data, false)
	return []doc.Stage{{Kind: doc.StageProject, Project: p}}, err
}

// stageAddFields decodes $addFields and $set.
func stageAddFields(v bsonval.V) ([]doc.Stage, error) {
	if err := asObject(v, "$addFields"); err != nil {
		return nil, err
	}
	f, err := parseAddFields(v.Data, "", nil)
	return []doc.Stage{{Kind: doc.StageAddFields, Project: &doc.Projection{Fields: f}}}, err
}

// stageUnset decodes $unset.
func stageUnset(v bsonval.V) ([]doc.Stage, error) {
	list := []bsonval.V{v}
	if v.Type == bsonval.Array {
		list = bsonval.Items(v)
	}
	p := &doc.Projection{Exclude: true}
	for _, x := range list {
		if x.Type != bsonval.String || bsonval.Text(x) == "" {
			return nil, errorf(code{31002, "Location31002"}, "$unset specification must be a string or an array containing only string values")
		}
		p.Fields = append(p.Fields, doc.ProjectField{Path: bsonval.Text(x)})
	}
	return []doc.Stage{{Kind: doc.StageUnset, Project: p}}, nil
}

// stageGroup decodes $group.
func stageGroup(v bsonval.V) ([]doc.Stage, error) {
	if err := asObject(v, "$group"); err != nil {
		return nil, err
	}
	s := doc.Stage{Kind: doc.StageGroup}
	for it := bsonval.Elements(v.Data); it.Next(); {
		key := strings.Clone(it.Key())
		if key == "_id" {
			x, err := parseExpr(it.Value)
			if err != nil {
				return nil, err
			}
			s.Key = x
			continue
		}
		a, err := parseAccumulator(key, it.Value)
		if err != nil {
			return nil, err
		}
		s.Accs = append(s.Accs, a)
	}
	if s.Key == nil {
		return nil, errorf(code{15955, "Location15955"}, "a group specification must include an _id")
	}
	return []doc.Stage{s}, nil
}

// parseAccumulator decodes one output field of $group.
func parseAccumulator(field string, v bsonval.V) (doc.Accumulator, error) {
	a := doc.Accumulator{Field: field}
	if strings.Contains(field, ".") {
		return a, errorf(code{40235, "Location40235"}, "The field name '%s' cannot contain '.'", field)
	}
	it := bsonval.Elements(v.Data)
	if v.Type != bsonval.Document || !it.Next() || !strings.HasPrefix(it.Key(), "$") {
		return a, errorf(code{40234, "Location40234"}, "The field '%s' must be an accumulator object", field)
	}
	a.Name = strings.Clone(it.Key()[1:])
	arg := it.Value
	if it.Next() {
		return a, errorf(code{40238, "Location40238"}, "The field '%s' must specify one accumulator", field)
	}
	x, err := accumulatorArgument(a.Name, arg)
	a.Arg = x
	return a, err
}

// stageSort decodes $sort.
func stageSort(v bsonval.V) ([]doc.Stage, error) {
	if err := asObject(v, "$sort"); err != nil {
		return nil, err
	}
	s, err := parseSort(v.Data)
	if err == nil && len(s) == 0 {
		err = errorf(code{15976, "Location15976"}, "$sort stage must have at least one sort key")
	}
	return []doc.Stage{{Kind: doc.StageSort, Sort: s}}, err
}

// stageNumber decodes the argument of $limit, $skip and $sample.
func stageNumber(v bsonval.V, name string, least int64) (int64, error) {
	n, ok := bsonval.Int(v)
	if !ok || !bsonval.IsNumber(v) || n < least {
		return 0, errorf(code{5107201, "Location5107201"}, "invalid argument to %s stage: expected a number of at least %d", name, least)
	}
	return n, nil
}

// stageLimit decodes $limit.
func stageLimit(v bsonval.V) ([]doc.Stage, error) {
	n, err := stageNumber(v, "$limit", 1)
	return []doc.Stage{{Kind: doc.StageLimit, N: n}}, err
}

// stageSkip decodes $skip.
func stageSkip(v bsonval.V) ([]doc.Stage, error) {
	n, err := stageNumber(v, "$skip", 0)
	return []doc.Stage{{Kind: doc.StageSkip, N: n}}, err
}

// stageSample decodes $sample.
func stageSample(v bsonval.V) ([]doc.Stage, error) {
	n, err := stageNumber(bsonval.Get(v.Data, "size"), "$sample", 1)
	return []doc.Stage{{Kind: doc.StageSample, N: n}}, err
}

// stageUnwind decodes $unwind.
func stageUnwind(v bsonval.V) ([]doc.Stage, error) {
	s := doc.Stage{Kind: doc.StageUnwind}
	path := v
	if v.Type == bsonval.Document {
		path = bsonval.Get(v.Data, "path")
		s.Index = strings.Clone(bsonval.Text(bsonval.Get(v.Data, "includeArrayIndex")))
		s.Preserve = bsonval.Truthy(bsonval.Get(v.Data, "preserveNullAndEmptyArrays"))
	}
	p := bsonval.Text(path)
	if len(p) < 2 || p[0] != '$' {
		return nil, errorf(code{28818, "Location28818"}, "path option to $unwind stage should be prefixed with a '$': %s", p)
	}
	s.Path = p[1:]
	return []doc.Stage{s}, nil
}

// stageCount decodes $count.
func stageCount(v bsonval.V) ([]doc.Stage, error) {
	name := bsonval.Text(v)
	if name == "" || name[0] == '$' || strings.ContainsAny(name, ".\x00") {
		return nil, errorf(code{40156, "Location40156"}, "the count field must be a non-empty string that is no path and does not start with '$'")
	}
	return []doc.Stage{{Kind: doc.StageCount, Path: name}}, nil
}

// stageReplaceRoot decodes $replaceRoot.
func stageReplaceRoot(v bsonval.V) ([]doc.Stage, error) {
	n := bsonval.Get(v.Data, "newRoot")
	if v.Type != bsonval.Document || n.Type == 0 {
		return nil, errorf(code{40231, "Location40231"}, "no newRoot specified for the $replaceRoot stage")
	}
	return stageReplaceWith(n)
}

// stageReplaceWith decodes $replaceWith.
func stageReplaceWith(v bsonval.V) ([]doc.Stage, error) {
	x, err := parseExpr(v)
	return []doc.Stage{{Kind: doc.StageReplace, Key: x}}, err
}

// stageSortByCount decodes $sortByCount, which is a group and a sort.
func stageSortByCount(v bsonval.V) ([]doc.Stage, error) {
	x, err := parseExpr(v)
	return []doc.Stage{
		{Kind: doc.StageGroup, Key: x, Accs: []doc.Accumulator{{Field: "count", Name: "sum", Arg: constant(bsonval.Int32V(1))}}},
		{Kind: doc.StageSort, Sort: []op.Sort{{Path: "count", Desc: true}}},
	}, err
}

// stageFacet decodes $facet.
func stageFacet(v bsonval.V) ([]doc.Stage, error) {
	if err := asObject(v, "$facet"); err != nil {
		return nil, err
	}
	s := doc.Stage{Kind: doc.StageFacet}
	for it := bsonval.Elements(v.Data); it.Next(); {
		p, err := parsePipeline(bsonval.Items(it.Value))
		if err != nil {
			return nil, err
		}
		s.Facets = append(s.Facets, doc.Facet{Name: strings.Clone(it.Key()), Stages: p})
	}
	if len(s.Facets) == 0 {
		return nil, errorf(code{40169, "Location40169"}, "the $facet specification must be a non-empty object")
	}
	return []doc.Stage{s}, nil
}

// stageBucket decodes $bucket as a group by $switch and a sort.
func stageBucket(v bsonval.V) ([]doc.Stage, error) {
	by, err := parseExpr(bsonval.Get(v.Data, "groupBy"))
	if err != nil {
		return nil, err
	}
	bounds := bsonval.Items(bsonval.Get(v.Data, "boundaries"))
	if len(bounds) < 2 || !sort.SliceIsSorted(bounds, func(i, j int) bool { return bsonval.Compare(bounds[i], bounds[j]) < 0 }) {
		return nil, errorf(code{40194, "Location40194"}, "The 'boundaries' option to $bucket must be an array of at least 2 ascending values")
	}
	sw := &op.Expr{Op: op.ExCall, Name: "switch"}
	for i := 0; i+1 < len(bounds); i++ {
		in := &op.Expr{Op: op.ExCall, Name: "and", Args: []*op.Expr{
			{Op: op.ExCall, Name: "gte", Args: []*op.Expr{by, constant(bounds[i])}}, {Op: op.ExCall, Name: "lt", Args: []*op.Expr{by, constant(bounds[i+1])}}}}
		sw.Args = append(sw.Args, in, constant(bounds[i]))
	}
	if d := bsonval.Get(v.Data, "default"); d.Type != 0 {
		sw.Args = append(sw.Args, constant(d))
	}
	g := doc.Stage{Kind: doc.StageGroup, Key: sw, Accs: []doc.Accumulator{{Field: "count", Name: "sum", Arg: constant(bsonval.Int32V(1))}}}
	if out := bsonval.Get(v.Data, "output"); out.Type == bsonval.Document {
		g.Accs = nil
		for it := bsonval.Elements(out.Data); it.Next(); {
			a, err := parseAccumulator(strings.Clone(it.Key()), it.Value)
			if err != nil {
				return nil, err
			}
			g.Accs = append(g.Accs, a)
		}
	}
	return []doc.Stage{g, {Kind: doc.StageSort, Sort: []op.Sort{{Path: "_id"}}}}, nil
}

// stageCollStats decodes $collStats.
func stageCollStats(v bsonval.V) ([]doc.Stage, error) {
	for it := bsonval.Elements(v.Data); it.Next(); {
		if k := it.Key(); k != "storageStats" && k != "count" {
			return nil, errorf(notImplemented, "$collStats option %s is not supported", k)
		}
	}
	return []doc.Stage{{Kind: doc.StageCollStats}}, asObject(v, "$collStats")
}

// stageIndexStats decodes $indexStats.
func stageIndexStats(v bsonval.V) ([]doc.Stage, error) {
	return []doc.Stage{{Kind: doc.StageIdxStats}}, asObject(v, "$indexStats")
}

// stageUnion decodes $unionWith.
func stageUnion(v bsonval.V) ([]doc.Stage, error) {
	s := doc.Stage{Kind: doc.StageUnion, From: strings.Clone(bsonval.Text(v))}
	if v.Type == bsonval.Document {
		s.From = strings.Clone(bsonval.Text(bsonval.Get(v.Data, "coll")))
		p, err := parsePipeline(bsonval.Items(bsonval.Get(v.Data, "pipeline")))
		if err != nil {
			return nil, err
		}
		s.Pipeline = p
	}
	if s.From == "" {
		return nil, errorf(failedToParse, "$unionWith needs a collection")
	}
	return []doc.Stage{s}, nil
}

// stageLookup decodes $lookup.
func stageLookup(v bsonval.V) ([]doc.Stage, error) {
	if err := asObject(v, "$lookup"); err != nil {
		return nil, err
	}
	s := doc.Stage{Kind: doc.StageLookup}
	for it := bsonval.Elements(v.Data); it.Next(); {
		val := it.Value
		switch it.Key() {
		case "from":
			if val.Type != bsonval.String {
				return nil, errorf(notImplemented, "$lookup from another database is not supported")
			}
			s.From = bsonval.Text(val)
		case "localField":
			s.Local = bsonval.Text(val)
		case "foreignField":
			s.Foreign = bsonval.Text(val)
		case "as":
			s.As = bsonval.Text(val)
		case "let":
			for lt := bsonval.Elements(val.Data); lt.Next(); {
				x, err := parseExpr(lt.Value)
				if err != nil {
					return nil, err
				}
				s.Lets, s.Values = append(s.Lets, strings.Clone(lt.Key())), append(s.Values, x)
			}
		case "pipeline":
			p, err := parsePipeline(bsonval.Items(val))
			if err != nil {
				return nil, err
			}
			s.Pipeline = p
		default:
			return nil, errorf(failedToParse, "unknown argument to $lookup: %s", it.Key())
		}
	}
	if s.From == "" || s.As == "" || (s.Local == "") != (s.Foreign == "") || (s.Local == "" && s.Pipeline == nil) {
		return nil, errorf(failedToParse, "$lookup requires 'from', 'as', and either 'localField' and 'foreignField' or 'pipeline'")
	}
	return []doc.Stage{s}, nil
}

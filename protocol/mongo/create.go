package mongo

import (
	"context"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
)

// keptOptions are the options of create that are stored and given back by
// listCollections.
var keptOptions = map[string]bool{
	"capped": true, "size": true, "max": true, "validator": true, "validationLevel": true, "validationAction": true, "viewOn": true, "pipeline": true,
	"timeseries": true, "clusteredIndex": true, "expireAfterSeconds": true, "changeStreamPreAndPostImages": true, "collation": true,
}

// cmdCreate serves create.
func cmdCreate(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	if err := r.refuse("encryptedFields", "storageEngine", "indexOptionDefaults", "temp", "recordIdsReplicated"); err != nil {
		return nil, err
	}
	b := &doc.CreateCollection{Collection: coll}
	kept := newReply()
	it := bsonval.Elements(r.body)
	it.Next()
	for it.Next() {
		key, v := strings.Clone(it.Key()), it.Value
		if !keptOptions[key] || v.Type == bsonval.Null {
			continue
		}
		if v, err = createOption(key, v, r); err != nil {
			return nil, err
		}
		if v.Type != 0 {
			kept.add(key, v)
		}
	}
	b.Options = kept.end()
	if b.Validator, err = r.filter("validator"); err != nil {
		return nil, err
	}
	if b.ViewOn, b.Stages, err = r.view(); err != nil {
		return nil, err
	}
	rep, err := r.write(ctx, b)
	if err != nil {
		return nil, err
	}
	if _, err := op.Drain(ctx, rep); err != nil {
		return nil, err
	}
	return newReply().ok(), nil
}

// view decodes viewOn and pipeline.
func (r *request) view() (string, []doc.Stage, error) {
	on, p := r.get("viewOn"), r.get("pipeline")
	if on.Type == 0 {
		if p.Type != 0 {
			return "", nil, errorf(invalidOptions, "'pipeline' requires 'viewOn' to also be specified")
		}
		return "", nil, nil
	}
	if on.Type != bsonval.String || bsonval.Text(on) == "" {
		return "", nil, errorf(badValue, "'viewOn' cannot be empty")
	}
	stages, err := parsePipeline(bsonval.Items(p))
	return bsonval.Text(on), stages, err
}

// createOption checks one option of create; Missing drops it.
func createOption(key string, v bsonval.V, r *request) (bsonval.V, error) {
	switch key {
	case "capped":
		if !bsonval.Truthy(v) {
			return bsonval.Missing, nil
		}
		if r.get("size").Type == 0 {
			return v, errorf(invalidOptions, "the 'size' field is required when 'capped' is true")
		}
		if r.get("timeseries").Type != 0 || r.get("clusteredIndex").Type != 0 {
			return v, errorf(invalidOptions, "a capped collection cannot be a time-series or clustered collection")
		}
	case "size", "max":
		n, ok := bsonval.Int(v)
		if !ok || !bsonval.IsNumber(v) {
			return v, errorf(typeMismatch, "BSON field 'create.%s' is the wrong type '%s', expected a number", key, v.Type)
		}
		if !r.truthy("capped") {
			if key == "size" || n == 0 {
				return bsonval.Missing, nil
			}
			return v, errorf(invalidOptions, "the '%s' field requires 'capped' to be true", key)
		}
		if n < 0 || (key == "size" && n < 1) {
			return v, errorf(badValue, "BSON field '%s' value must be positive", key)
		}
	case "timeseries":
		return v, checkTimeSeries(v)
	case "clusteredIndex":
		return clustered(v)
	case "expireAfterSeconds":
		n, ok := bsonval.Int(v)
		if !ok || n < 0 {
			return v, errorf(badValue, "'expireAfterSeconds' must be a number that is not negative")
		}
		if r.get("timeseries").Type == 0 && r.get("clusteredIndex").Type == 0 {
			return v, errorf(invalidOptions, "'expireAfterSeconds' is only supported on time-series collections or when the 'clusteredIndex' option is specified")
		}
	case "validationLevel":
		if s := bsonval.Text(v); s != "off" && s != "strict" && s != "moderate" {
			return v, errorf(badValue, "Enumeration value '%s' for field 'create.validationLevel' is not a valid value.", s)
		}
	case "validationAction":
		if s := bsonval.Text(v); s != "error" && s != "warn" {
			return v, errorf(badValue, "Enumeration value '%s' for field 'create.validationAction' is not a valid value.", s)
		}
	case "collation":
		if bsonval.Text(bsonval.Get(v.Data, "locale")) == "simple" {
			return bsonval.Missing, nil
		}
		return completeCollation(v)
	}
	return v, nil
}

// checkTimeSeries checks the definition of a time-series collection.
func checkTimeSeries(v bsonval.V) error {
	if v.Type != bsonval.Document || bsonval.Text(bsonval.Get(v.Data, "timeField")) == "" {
		return errorf(missingField, "BSON field 'create.timeseries.timeField' is missing but a required field")
	}
	for it := bsonval.Elements(v.Data); it.Next(); {
		switch it.Key() {
		case "timeField", "metaField", "granularity", "bucketMaxSpanSeconds", "bucketRoundingSeconds":
		default:
			return errorf(unknownField, "BSON field 'create.timeseries.%s' is an unknown field.", it.Key())
		}
	}
	switch g := bsonval.Get(v.Data, "granularity"); bsonval.Text(g) {
	case "seconds", "minutes", "hours":
	default:
		if g.Type != 0 {
			return errorf(badValue, "Enumeration value '%s' for field 'create.timeseries.granularity' is not a valid value.", bsonval.Text(g))
		}
	}
	return nil
}

// clustered completes the definition of a clustered index.
func clustered(v bsonval.V) (bsonval.V, error) {
	if v.Type != bsonval.Document {
		return v, errorf(invalidOptions, "'clusteredIndex' must be an object")
	}
	key := bsonval.Get(v.Data, "key")
	n, _ := bsonval.Int(bsonval.Get(key.Data, "_id"))
	if n != 1 || !bsonval.Truthy(bsonval.Get(v.Data, "unique")) {
		return v, errorf(code{5979700, "Location5979700"}, "The clusteredIndex option requires key {_id: 1} and unique: true")
	}
	name := "_id_"
	if s := bsonval.Text(bsonval.Get(v.Data, "name")); s != "" {
		name = s
	}
	return bsonval.DocV(newReply().int("v", 2).add("key", key).str("name", name).bool("unique", true).end()), nil
}

// cmdCollMod serves collMod: validator, options, view definition, and the
// options of an index that may change.
func cmdCollMod(ctx context.Context, r *request) ([]byte, error) {
	coll, err := r.collection()
	if err != nil {
		return nil, err
	}
	b := &doc.ModifyCollection{Collection: coll}
	kept := newReply()
	it := bsonval.Elements(r.body)
	it.Next()
	for it.Next() {
		key, v := strings.Clone(it.Key()), it.Value
		switch key {
		case "validator":
			b.Validate = true
			if b.Validator, err = r.filter("validator"); err != nil {
				return nil, err
			}
			if len(v.Data) == 5 {
				v = bsonval.NullV
			}
			kept.add(key, v)
		case "validationLevel", "validationAction":
			if v, err = createOption(key, v, r); err != nil {
				return nil, err
			}
			kept.add(key, v)
		case "expireAfterSeconds":
			if bsonval.Text(v) == "off" {
				v = bsonval.NullV
			} else if n, ok := bsonval.Int(v); !ok || n < 0 {
				return nil, errorf(badValue, "'expireAfterSeconds' must be a number that is not negative, or 'off'")
			}
			kept.add(key, v)
		case "changeStreamPreAndPostImages", "viewOn", "pipeline":
			kept.add(key, v)
		case "cappedSize", "cappedMax":
			name := map[string]string{"cappedSize": "size", "cappedMax": "max"}[key]
			if n, ok := bsonval.Int(v); !ok || n < 0 {
				return nil, errorf(badValue, "'%s' must be a number that is not negative", key)
			}
			kept.add(name, v)
		case "timeseries":
			return nil, errorf(notImplemented, "option 'timeseries' of command collMod is not supported")
		case "index":
			if err := modifiedIndex(b, v); err != nil {
				return nil, err
			}
		}
	}
	b.Options = kept.end()
	if b.ViewOn, b.Stages, err = r.view(); err != nil {
		return nil, err
	}
	rep, err := r.write(ctx, b)
	if err != nil {
		return nil, err
	}
	docs, _, err := collectDocs(ctx, rep)
	if err != nil {
		return nil, err
	}
	out := newReply()
	for _, d := range docs {
		for it := bsonval.Elements(d); it.Next(); {
			out.add(strings.Clone(it.Key()), it.Value)
		}
	}
	return out.ok(), nil
}

// modifiedIndex decodes index: {name or keyPattern, expireAfterSeconds, hidden}.
func modifiedIndex(b *doc.ModifyCollection, v bsonval.V) error {
	if v.Type != bsonval.Document {
		return errorf(typeMismatch, "BSON field 'collMod.index' must be an object")
	}
	spec := newReply()
	n := 0
	for it := bsonval.Elements(v.Data); it.Next(); {
		switch key := it.Key(); key {
		case "name":
			b.Index = strings.Clone(bsonval.Text(it.Value))
		case "keyPattern":
			b.Key = it.Value.Data
		case "expireAfterSeconds":
			if k, ok := bsonval.Int(it.Value); !ok || k < 0 {
				return errorf(badValue, "'expireAfterSeconds' must be a number that is not negative")
			}
			spec.add("expireAfterSeconds", it.Value)
			n++
		case "hidden":
			spec.bool("hidden", bsonval.Truthy(it.Value))
			n++
		case "unique", "prepareUnique":
			return errorf(notImplemented, "index option '%s' of command collMod is not supported", key)
		default:
			return errorf(unknownField, "BSON field 'collMod.index.%s' is an unknown field.", key)
		}
	}
	if (b.Index == "" && b.Key == nil) || n == 0 {
		return errorf(invalidOptions, "either keyPattern or name, and an option to change, must be given for an index")
	}
	b.Spec = spec.end()
	return nil
}

// completeCollation checks a collation document and adds the defaults.
func completeCollation(v bsonval.V) (bsonval.V, error) {
	if err := known(v, "collation", "locale caseLevel caseFirst strength numericOrdering alternate maxVariable normalization backwards version"); err != nil {
		return v, err
	}
	locale := bsonval.Text(bsonval.Get(v.Data, "locale"))
	if locale == "" {
		return v, errorf(missingField, "BSON field 'collation.locale' is missing but a required field")
	}
	if locale == "simple" {
		return bsonval.DocV(newReply().str("locale", "simple").end()), nil
	}
	d := newReply().str("locale", locale)
	for _, f := range []struct {
		name string
		def  bsonval.V
		only bool // nothing but the default is supported
	}{{"caseLevel", bsonval.BoolV(false), false}, {"caseFirst", bsonval.StringV("off"), true}, {"strength", bsonval.Int32V(3), false}, {"numericOrdering", bsonval.BoolV(false), false},
		{"alternate", bsonval.StringV("non-ignorable"), true}, {"maxVariable", bsonval.StringV("punct"), false}, {"normalization", bsonval.BoolV(false), false}, {"backwards", bsonval.BoolV(false), true}} {
		x := bsonval.Get(v.Data, f.name)
		if x.Type == 0 {
			x = f.def
		}
		if f.only && !bsonval.Equal(x, f.def) {
			return v, errorf(notImplemented, "collation option '%s: %s' is not supported", f.name, x)
		}
		d.add(f.name, x)
	}
	if n, ok := bsonval.Int(bsonval.Get(v.Data, "strength")); bsonval.Get(v.Data, "strength").Type != 0 && (!ok || n < 1 || n > 5) {
		return v, errorf(badValue, "Enumeration value '%d' for field 'collation.strength' is not a valid value.", n)
	}
	return bsonval.DocV(d.str("version", "57.1").end()), nil
}

package doc

import (
	"encoding/base64"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/codec"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// Keys of catalog.Table.Options that a collection uses.
const (
	optClient    = "mongo"     // the client's options as extended JSON
	optValidator = "validator" // condition, as exprToBSON in base64
	optView      = "view"      // pipeline of a view, a serialised Aggregate in base64
)

// settings is what the options of a collection mean, ready for use.
type settings struct {
	table     *catalog.Table
	indexes   []*idx
	validator *filter
	moderate  bool // documents that were invalid before may stay so
	warn      bool // invalid documents are accepted
	capped    bool
	maxBytes  int64
	maxDocs   int64
	timeField string
	expire    int64 // seconds after timeField, or after _id of a clustered collection; -1 = never
	images    bool  // changeStreamPreAndPostImages
	collation *collator
}

// settingsKey is the entry of Tx.Local with a collection's settings.
type settingsKey uint32

// settings returns the settings of a collection; they are made once for each
// version of its catalog entry.
func (r *run) settings(t *catalog.Table) (*settings, error) {
	local := r.tx.Local()
	if v, ok := local.Load(settingsKey(t.OID)); ok && v.(*settings).table == t {
		return v.(*settings), nil
	}
	s := &settings{table: t, expire: -1}
	var err error
	if s.indexes, err = openIndexes(t); err != nil {
		return nil, err
	}
	if err := s.read(t); err != nil {
		return nil, err
	}
	local.Store(settingsKey(t.OID), s)
	return s, nil
}

// read decodes the options.
func (s *settings) read(t *catalog.Table) error {
	o := clientOptions(t)
	s.capped = bsonval.Truthy(bsonval.Get(o, "capped"))
	s.maxBytes, _ = bsonval.Int(bsonval.Get(o, "size"))
	s.maxDocs, _ = bsonval.Int(bsonval.Get(o, "max"))
	s.moderate = bsonval.Text(bsonval.Get(o, "validationLevel")) == "moderate"
	s.warn = bsonval.Text(bsonval.Get(o, "validationAction")) == "warn" || bsonval.Text(bsonval.Get(o, "validationLevel")) == "off"
	s.timeField = bsonval.Text(bsonval.Get(bsonval.Get(o, "timeseries").Data, "timeField"))
	s.images = bsonval.Truthy(bsonval.Get(bsonval.Get(o, "changeStreamPreAndPostImages").Data, "enabled"))
	if n, ok := bsonval.Int(bsonval.Get(o, "expireAfterSeconds")); ok {
		s.expire = n
	}
	var err error
	if s.collation, err = newCollator(bsonval.Get(o, "collation").Data); err != nil {
		return err
	}
	if text := t.Options[optValidator]; text != "" {
		raw, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return op.Errorf(op.Internal, "collection %s has a damaged validator", t.Name)
		}
		if s.validator, err = compileFilter(exprFromBSON(raw), nil); err != nil {
			return err
		}
	}
	return nil
}

// clientOptions returns the options as the client gave them.
func clientOptions(t *catalog.Table) []byte {
	text := t.Options[optClient]
	if text == "" {
		return bsonval.EmptyDoc
	}
	var raw bson.Raw
	if bson.UnmarshalExtJSON([]byte(text), true, &raw) != nil {
		return bsonval.EmptyDoc
	}
	return raw
}

// storeOptions puts a client's options into a catalog entry.
func storeOptions(t *catalog.Table, options []byte) error {
	if len(options) <= 5 {
		return nil
	}
	text, err := bson.MarshalExtJSON(bson.Raw(options), true, false)
	if err != nil {
		return op.Errorf(op.InvalidArgument, "invalid collection options")
	}
	setOption(t, optClient, string(text))
	return nil
}

// setOption sets or removes one entry.
func setOption(t *catalog.Table, key, val string) {
	m := map[string]string{}
	for k, v := range t.Options {
		m[k] = v
	}
	if delete(m, key); val != "" {
		m[key] = val
	}
	t.Options = m
}

// storeValidator puts a validator into a catalog entry after trying it.
func storeValidator(t *catalog.Table, e *op.Expr) error {
	if e == nil {
		setOption(t, optValidator, "")
		return nil
	}
	if _, err := compileFilter(e, nil); err != nil {
		return err
	}
	setOption(t, optValidator, base64.StdEncoding.EncodeToString(exprToBSON(e)))
	return nil
}

// storeView puts the definition of a view into a catalog entry.
func storeView(t *catalog.Table, on string, stages []doc.Stage) error {
	if _, err := compileStages(stages, nil); err != nil {
		return err
	}
	b, err := codec.EncodeOp(&op.Op{Body: &doc.Aggregate{Collection: on, Stages: stages}})
	if err != nil {
		return op.Errorf(op.Internal, "view definition: %v", err)
	}
	setOption(t, optView, base64.StdEncoding.EncodeToString(b))
	return nil
}

// maxViewDepth bounds views over views, as in MongoDB.
const maxViewDepth = 20

// viewRows runs the pipeline of a view.
func (r *run) viewRows(t *catalog.Table) (source, error) {
	raw, err := base64.StdEncoding.DecodeString(t.Options[optView])
	if err != nil {
		return nil, op.Errorf(op.Internal, "view %s is damaged", t.Name)
	}
	o, err := codec.DecodeOp(raw)
	if err != nil {
		return nil, op.Errorf(op.Internal, "view %s is damaged", t.Name)
	}
	b := o.Body.(*doc.Aggregate)
	if r.depth++; r.depth > maxViewDepth {
		return nil, &op.Error{Code: op.TooLarge, Object: "viewdepth", Msg: "View depth too deep or view cycle detected; maximum depth is 20"}
	}
	defer func() { r.depth-- }()
	p, err := compileStages(b.Stages, nil)
	if err != nil {
		return nil, err
	}
	return r.aggregate(b.Collection, p, nil)
}

// createCollection runs CreateCollection.
func (r *run) createCollection(b *doc.CreateCollection) error {
	if r.table(b.Collection) != nil {
		db, _ := r.tx.Object()
		return &op.Error{Code: op.AlreadyExists, Object: "collection", Name: b.Collection, Msg: "Collection " + db + "." + b.Collection + " already exists."}
	}
	t, err := r.createWith(b)
	if err != nil {
		return err
	}
	s, err := r.settingsOf(t)
	if err == nil && s.expire >= 0 {
		err = storage(r.tx.SetAlarm(ttlAlarm, r.now().Add(ttlEvery)))
	}
	return err
}

// settingsOf is settings for views too, which have none.
func (r *run) settingsOf(t *catalog.Table) (*settings, error) {
	if t.Kind != catalog.KindCollection {
		return &settings{expire: -1}, nil
	}
	return r.settings(t)
}

// createWith makes a collection or view with options.
func (r *run) createWith(b *doc.CreateCollection) (*catalog.Table, error) {
	t, err := r.create(b.Collection, b.ViewOn != "")
	if err != nil {
		return nil, err
	}
	n := t.Clone()
	if err := storeOptions(n, b.Options); err != nil {
		return nil, err
	}
	if b.Validator != nil {
		if err := storeValidator(n, b.Validator); err != nil {
			return nil, err
		}
	}
	if b.ViewOn != "" {
		if err := storeView(n, b.ViewOn, b.Stages); err != nil {
			return nil, err
		}
	}
	s := r.tx.Catalog().Edit()
	s.Tables[n.Key()] = n
	r.tx.SetCatalog(s)
	return n, nil
}

// modifyCollection runs ModifyCollection.
func (r *run) modifyCollection(b *doc.ModifyCollection) ([]op.Frame, error) {
	t := r.table(b.Collection)
	if t == nil || (t.Kind != catalog.KindCollection && t.Kind != catalog.KindDocView) {
		return nil, r.missing(b.Collection)
	}
	n := t.Clone()
	if len(b.Options) > 5 {
		if err := storeOptions(n, merged(clientOptions(t), b.Options)); err != nil {
			return nil, err
		}
	}
	if b.Validate {
		if err := storeValidator(n, b.Validator); err != nil {
			return nil, err
		}
	}
	if b.ViewOn != "" {
		if t.Kind != catalog.KindDocView {
			return nil, &op.Error{Code: op.InvalidArgument, Object: "indexOptions", Msg: "option 'viewOn' is for views"}
		}
		if err := storeView(n, b.ViewOn, b.Stages); err != nil {
			return nil, err
		}
	}
	var out []op.Frame
	if b.Spec != nil {
		d, err := modifyIndex(n, b)
		if err != nil {
			return nil, err
		}
		out = append(out, &op.Docs{Docs: [][]byte{d}})
	}
	s := r.tx.Catalog().Edit()
	s.Tables[n.Key()] = n
	r.tx.SetCatalog(s)
	if err := r.emit(b.Collection, "op", bsonval.StringV("modify"), "what", bsonval.DocV(emptyOr(b.Spec, b.Options))); err != nil {
		return nil, err
	}
	return append(out, &op.Done{}), storage(r.tx.SetAlarm(ttlAlarm, r.now().Add(ttlEvery)))
}

// emptyOr is {index: spec} of a changed index, else the changed options.
func emptyOr(spec, options []byte) []byte {
	if spec != nil {
		return buildDoc("index", bsonval.DocV(spec))
	}
	if len(options) < 5 {
		return bsonval.EmptyDoc
	}
	return options
}

// merged puts fields over others; null removes one.
func merged(old, fresh []byte) []byte {
	t := parseTree(bsonval.DocV(old))
	for it := bsonval.Elements(fresh); it.Next(); {
		if it.Value.Type == bsonval.Null {
			t.unset(path{it.Key()})
			continue
		}
		t.put(strings.Clone(it.Key()), it.Value)
	}
	return t.value().Data
}

// modifyIndex changes options of one index of an edited catalog entry and
// returns {name_old: …, name_new: …} of what changed.
func modifyIndex(t *catalog.Table, b *doc.ModifyCollection) ([]byte, error) {
	for i, x := range t.Indexes {
		if x.Doc == nil || (x.Name != b.Index && (b.Key == nil || !bsonval.Equal(bsonval.DocV(b.Key), bsonval.Get(x.Doc, "key")))) {
			continue
		}
		var kv []any
		spec := x.Doc
		for it := bsonval.Elements(b.Spec); it.Next(); {
			key := strings.Clone(it.Key())
			old := bsonval.Get(spec, key)
			if old.Type == 0 && key == "hidden" {
				old = bsonval.BoolV(false)
			}
			kv = append(kv, key+"_old", old, key+"_new", it.Value)
			if key == "hidden" && !bsonval.Truthy(it.Value) {
				spec = merged(spec, buildDoc(key, bsonval.NullV))
			} else {
				spec = merged(spec, buildDoc(key, it.Value))
			}
		}
		c := *x
		c.Doc = spec
		t.Indexes[i] = &c
		return buildDoc(kv...), nil
	}
	return nil, &op.Error{Code: op.NotFound, Object: "index", Name: b.Index, Msg: "cannot find index " + b.Index + " for ns " + t.Name}
}

// validate refuses a document the validator does not accept. old is the stored
// form, nil for a new document.
func (w *target) validate(d, old []byte) error {
	s := w.set
	if s == nil || w.bypass {
		return nil
	}
	if s.timeField != "" {
		if v := bsonval.Get(d, s.timeField); v.Type != bsonval.DateTime {
			return op.Errorf(op.InvalidArgument, "'%s' must be present and contain a valid BSON UTC datetime value", s.timeField)
		}
	}
	if s.validator == nil || s.warn {
		return nil
	}
	e := w.r.env()
	ok, _ := s.validator.matches(d, e)
	if e.err != nil {
		return e.err
	}
	if ok {
		return nil
	}
	if old != nil && s.moderate {
		if was, _ := s.validator.matches(old, w.r.env()); !was {
			return nil
		}
	}
	return &op.Error{Code: op.CheckViolation, Object: "validator", Table: w.ns, Msg: "Document failed validation",
		Values: []op.Value{bsonval.FromBSON(bsonval.Get(d, "_id"))}}
}

// Capped collections keep their totals in a table, changed in the transaction
// of each write.
const (
	cappedTable  = "_dotdo_doc_capped"
	cappedCreate = "CREATE TABLE IF NOT EXISTS " + cappedTable + "(oid INTEGER PRIMARY KEY, docs INTEGER NOT NULL, bytes INTEGER NOT NULL)"
)

// count adds to the totals of a capped collection and removes its oldest
// documents until it is within its bounds.
func (w *target) count(docs, bytes int64) error {
	if w.set == nil || !w.set.capped {
		return nil
	}
	c := w.r.tx.Conn
	if err := c.Exec(cappedCreate); err != nil {
		return storage(err)
	}
	oid := op.Int64(int64(w.t.OID))
	if _, err := c.Run("INSERT INTO "+cappedTable+"(oid, docs, bytes) VALUES (?1, ?2, ?3) ON CONFLICT(oid) DO UPDATE SET docs = docs + excluded.docs, bytes = bytes + excluded.bytes", oid, op.Int64(docs), op.Int64(bytes)); err != nil {
		return storage(err)
	}
	if docs <= 0 && bytes <= 0 {
		return nil
	}
	v, err := c.Row("SELECT docs, bytes FROM "+cappedTable+" WHERE oid = ?1", oid)
	if err != nil {
		return storage(err)
	}
	n, size := v[0].Int(), v[1].Int()
	for n > 1 && ((w.set.maxDocs > 0 && n > w.set.maxDocs) || (w.set.maxBytes > 0 && size > w.set.maxBytes)) {
		old, err := c.Row("SELECT rid, doc FROM " + catalog.Quote(w.t.Store) + " ORDER BY rid LIMIT 1")
		if err != nil || old == nil {
			return storage(err)
		}
		n, size = n-1, size-int64(len(old[1].Raw))
		if err := w.remove(row{rid: old[0].Int(), doc: old[1].Raw}); err != nil {
			return err
		}
	}
	return nil
}

package doc

import (
	"bytes"
	"errors"
	"slices"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/engine/doc/keyenc"
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sqlite"
	"go.mongodb.org/mongo-driver/v2/bson"
)

// checkName refuses names a collection cannot have.
func checkName(name string) error {
	switch {
	case name == "" || len(name) > 255 || strings.ContainsAny(name, "$\x00") || name[0] == '.':
		return &op.Error{Code: op.InvalidArgument, Object: "namespace", Name: name, Msg: "Invalid collection name: " + name}
	case strings.HasPrefix(name, "_dotdo_") || strings.HasPrefix(name, "system."):
		return &op.Error{Code: op.InvalidArgument, Object: "namespace", Name: name, Msg: "Invalid system namespace: " + name}
	}
	return nil
}

// storeName picks the SQLite name of a new collection: its own name, unless
// that is taken (SQLite's names ignore case) or reserved.
func storeName(s *catalog.Snapshot, name string, oid uint32) string {
	taken := strings.HasPrefix(strings.ToLower(name), "sqlite_")
	for _, t := range s.Tables {
		taken = taken || strings.EqualFold(t.Store, name)
	}
	for _, x := range s.Indexes {
		taken = taken || strings.EqualFold(catalog.StoreName(x.Schema, x.Name), name)
	}
	if taken {
		return name + "~" + itoa(int(oid))
	}
	return name
}

// create makes a collection, or a view without storage, and registers it.
func (r *run) create(name string, view bool) (*catalog.Table, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	s := r.tx.Catalog().Edit()
	oid := s.OID()
	t := &catalog.Table{OID: oid, Schema: "public", Name: name, Kind: catalog.KindCollection, Store: storeName(s, name, oid),
		Columns: []*catalog.Column{
			{Name: "_id", Attr: 1, Type: op.Type{Base: op.TString}, TypeText: "text", NotNull: true},
			{Name: "doc", Attr: 2, Type: op.Type{Base: op.TJSON}, TypeText: "json", NotNull: true},
		}, Primary: []string{"_id"}, PrimaryName: "_id_", NextAttr: 3}
	if view {
		t.Kind = catalog.KindDocView
	} else if err := r.tx.Conn.Exec("CREATE TABLE " + catalog.Quote(t.Store) + "(rid INTEGER PRIMARY KEY, _id BLOB UNIQUE NOT NULL, doc BLOB NOT NULL)"); err != nil {
		return nil, storage(err)
	}
	s.Tables[t.Key()] = t
	r.tx.SetCatalog(s)
	return t, r.emit(name, "op", bsonval.StringV("create"), "what", bsonval.DocV(buildDoc("idIndex", bsonval.DocV(buildDoc("v", bsonval.Int32V(2), "key", bsonval.DocV(idKey), "name", bsonval.StringV("_id_"))))))
}

// target is a collection open for writing.
type target struct {
	r       *run
	t       *catalog.Table
	indexes []*idx
	table   *sqlTable // set when the name is a SQL table
	set     *settings // of a collection
	bypass  bool      // the validator is not asked
	// replacing tells that a change is a whole new document.
	replacing bool
	ns        string
}

// target opens a collection for writing; create makes it when it is missing.
// Without create a missing one gives nil.
func (r *run) target(name string, create bool) (*target, error) {
	t := r.table(name)
	if t == nil {
		if !create {
			return nil, nil
		}
		var err error
		if t, err = r.create(name, false); err != nil {
			return nil, err
		}
	}
	db, _ := r.tx.Object()
	w := &target{r: r, t: t, ns: db + "." + name}
	var err error
	switch t.Kind {
	case catalog.KindCollection:
		if w.set, err = r.settings(t); err == nil {
			w.indexes = w.set.indexes
		}
	case catalog.KindTable:
		w.table, err = openTable(t)
	default:
		err = &op.Error{Code: op.Unsupported, Object: "view", Msg: "Namespace " + w.ns + " is a view, not a collection"}
	}
	return w, err
}

// checkDoc validates a document to be stored and returns it with _id first.
func checkDoc(d []byte) ([]byte, bsonval.V, error) {
	if len(d) > maxDoc {
		return nil, bsonval.Missing, op.Errorf(op.TooLarge, "object to insert too large. size in bytes: %d, max size: %d", len(d), maxDoc)
	}
	first := true
	id := bsonval.Missing
	it := bsonval.Elements(d)
	for n := 0; it.Next(); n++ {
		if it.Key() == "_id" {
			id, first = it.Value, n == 0
			break
		}
	}
	if it.Bad {
		return nil, id, op.Errorf(op.InvalidArgument, "invalid BSON document")
	}
	switch id.Type {
	case 0:
		oid := bson.NewObjectID()
		id = bsonval.V{Type: bsonval.ObjectID, Data: oid[:]}
		return firstID(d, id), id, nil
	case bsonval.Array, bsonval.Regex, bsonval.Undefined:
		return nil, id, &op.Error{Code: op.InvalidArgument, Object: "_id", Msg: "The '_id' value cannot be of type " + typeName(id)}
	}
	if id.Type == bsonval.Document {
		for it := bsonval.Elements(id.Data); it.Next(); {
			if strings.HasPrefix(it.Key(), "$") {
				return nil, id, &op.Error{Code: op.InvalidArgument, Object: "dollar", Msg: "_id fields may not contain '$'-prefixed fields: " + it.Key() + " is not valid for storage."}
			}
		}
	}
	if !first {
		d = firstID(d, id)
	}
	return d, id, nil
}

// entry is one pending index entry.
type entry struct {
	x    *idx
	keys [][]byte
}

// entries computes the index keys of a document and checks unique ones against
// everything but the row itself.
func (w *target) entries(d []byte, rid int64) ([]entry, error) {
	out := make([]entry, 0, len(w.indexes))
	for _, x := range w.indexes {
		keys, multi, err := x.keys(d)
		if err != nil {
			return nil, err
		}
		if x.cat.Unique {
			for _, k := range keys {
				found, err := w.r.tx.Conn.Row("SELECT rid FROM "+x.table+" WHERE k = ?1 AND rid <> ?2 LIMIT 1", op.Bytes(k), op.Int64(rid))
				if err != nil {
					return nil, storage(err)
				}
				if found != nil {
					names, vals := x.keyValues(d)
					return nil, duplicate(w.ns, x.cat.Name, names, vals)
				}
			}
		}
		if multi && !x.cat.Multikey {
			w.markMultikey(x)
		}
		out = append(out, entry{x, keys})
	}
	return out, nil
}

// markMultikey remembers in the catalog that an index holds array elements.
func (w *target) markMultikey(x *idx) {
	s := w.r.tx.Catalog().Edit()
	t := s.Tables[w.t.Key()].Clone()
	c := *x.cat
	c.Multikey = true
	for i, o := range t.Indexes {
		if o.OID == c.OID {
			t.Indexes[i] = &c
		}
	}
	s.Tables[t.Key()] = t
	forget(s, x.cat)
	w.r.tx.SetCatalog(s)
	own := *x // the other one may be in use by readers
	own.cat = &c
	w.indexes = slices.Clone(w.indexes)
	w.indexes[slices.Index(w.indexes, x)] = &own
	w.t = t
}

// insert stores one document.
func (w *target) insert(d []byte) (id bsonval.V, err error) {
	if w.table != nil {
		return w.table.insert(w, d)
	}
	d, id, err = checkDoc(d)
	if err != nil {
		return id, err
	}
	if err := w.validate(d, nil); err != nil {
		return id, err
	}
	entries, err := w.entries(d, -1)
	if err != nil {
		return id, err
	}
	_, err = w.r.tx.Conn.Run("INSERT INTO "+catalog.Quote(w.t.Store)+"(_id, doc) VALUES (?1, ?2)", op.Bytes(keyenc.Key(id)), op.Bytes(d))
	if err != nil {
		var e *sqlite.Error
		if errors.As(err, &e) && e.Extended == sqlite.ConstraintUnique {
			return id, duplicate(w.ns, "_id_", []string{"_id"}, []op.Value{bsonval.FromBSON(id)})
		}
		return id, storage(err)
	}
	rid := w.r.tx.Conn.LastInsertRowID()
	for _, e := range entries {
		if err := w.addKeys(e.x, e.keys, rid); err != nil {
			return id, err
		}
	}
	if err := w.emitInsert(id, d); err != nil {
		return id, err
	}
	return id, w.count(1, int64(len(d)))
}

// addKeys stores index entries.
func (w *target) addKeys(x *idx, keys [][]byte, rid int64) error {
	for _, k := range keys {
		if _, err := w.r.tx.Conn.Run("INSERT INTO "+x.table+"(k, rid) VALUES (?1, ?2)", op.Bytes(k), op.Int64(rid)); err != nil {
			return storage(err)
		}
	}
	return nil
}

// dropKeys removes index entries.
func (w *target) dropKeys(x *idx, keys [][]byte, rid int64) error {
	for _, k := range keys {
		if _, err := w.r.tx.Conn.Run("DELETE FROM "+x.table+" WHERE k = ?1 AND rid = ?2", op.Bytes(k), op.Int64(rid)); err != nil {
			return storage(err)
		}
	}
	return nil
}

// replace stores the changed form of a document.
func (w *target) replace(old row, d []byte) error {
	if w.table != nil {
		return w.table.update(w, old, d)
	}
	if err := w.validate(d, old.doc); err != nil {
		return err
	}
	entries, err := w.entries(d, old.rid)
	if err != nil {
		return err
	}
	for _, e := range entries {
		was, _, err := e.x.keys(old.doc)
		if err != nil {
			return err
		}
		missing := func(list [][]byte) func([]byte) bool {
			return func(k []byte) bool {
				return slices.ContainsFunc(list, func(o []byte) bool { return bytes.Equal(k, o) })
			}
		}
		if err := w.dropKeys(e.x, slices.DeleteFunc(slices.Clone(was), missing(e.keys)), old.rid); err != nil {
			return err
		}
		if err := w.addKeys(e.x, slices.DeleteFunc(e.keys, missing(was)), old.rid); err != nil {
			return err
		}
	}
	if _, err = w.r.tx.Conn.Run("UPDATE "+catalog.Quote(w.t.Store)+" SET doc = ?1 WHERE rid = ?2", op.Bytes(d), op.Int64(old.rid)); err != nil {
		return storage(err)
	}
	if err := w.emitChange(old.doc, d); err != nil {
		return err
	}
	return w.count(0, int64(len(d)-len(old.doc)))
}

// remove deletes a document.
func (w *target) remove(x row) error {
	if w.table != nil {
		return w.table.remove(w, x)
	}
	for _, i := range w.indexes {
		keys, _, err := i.keys(x.doc)
		if err != nil {
			return err
		}
		if err := w.dropKeys(i, keys, x.rid); err != nil {
			return err
		}
	}
	if _, err := w.r.tx.Conn.Run("DELETE FROM "+catalog.Quote(w.t.Store)+" WHERE rid = ?1", op.Int64(x.rid)); err != nil {
		return storage(err)
	}
	if err := w.emitDelete(x.doc); err != nil {
		return err
	}
	return w.count(-1, -int64(len(x.doc)))
}

// refetch reads a row again by its rowid; ok is false when it is gone.
func (w *target) refetch(rid int64) (row, bool, error) {
	if w.table != nil {
		return w.table.row(w.r, rid)
	}
	v, err := w.r.tx.Conn.Row("SELECT doc FROM "+catalog.Quote(w.t.Store)+" WHERE rid = ?1", op.Int64(rid))
	if err != nil || v == nil {
		return row{}, false, storage(err)
	}
	return row{rid: rid, doc: v[0].Raw, pos: -1}, true, nil
}

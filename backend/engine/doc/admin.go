package doc

import (
	"encoding/base64"
	"io"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// ttlAlarm is the alarm that removes expired documents, every ttlEvery.
const (
	ttlAlarm = "doc:ttl"
	ttlEvery = time.Minute
)

// missing is the error of a command about a collection that is not there.
func (r *run) missing(name string) error {
	db, _ := r.tx.Object()
	return &op.Error{Code: op.NotFound, Object: "collection", Name: name, Msg: "ns does not exist: " + db + "." + name}
}

// forget removes an index from the catalog's table of SQL index names. Names of
// document indexes are unique within a collection only, so they are not put
// there; a stored catalog that is read again may list them.
func forget(s *catalog.Snapshot, x *catalog.Index) {
	k := catalog.Key{Schema: x.Schema, Name: x.Name}
	if o := s.Indexes[k]; o != nil && o.OID == x.OID {
		delete(s.Indexes, k)
	}
}

// createIndexes runs CreateIndexes.
func (r *run) createIndexes(b *doc.CreateIndexes) (*op.Done, error) {
	t := r.table(b.Collection)
	d := &op.Done{}
	if t == nil {
		var err error
		if t, err = r.create(b.Collection, false); err != nil {
			return nil, err
		}
		d.Extra = []op.Value{op.Text("created")}
	}
	if t.Kind == catalog.KindDocView {
		return nil, onView(t.Name)
	}
	if t.Kind != catalog.KindCollection {
		return nil, &op.Error{Code: op.Unsupported, Object: "index", Msg: "indexes of a SQL table are created with SQL (CREATE INDEX)"}
	}
	d.Matched = int64(len(docIndexes(t))) + 1
	for i := range b.Indexes {
		made, err := r.createIndex(b.Collection, &b.Indexes[i])
		if err != nil {
			return nil, err
		}
		if made {
			d.Affected++
		}
	}
	return d, nil
}

// docIndexes lists a collection's own indexes.
func docIndexes(t *catalog.Table) []*catalog.Index {
	return slices.DeleteFunc(slices.Clone(t.Indexes), func(x *catalog.Index) bool { return x.Doc == nil })
}

// createIndex makes one index and fills it; false when it is there already.
func (r *run) createIndex(coll string, x *doc.Index) (bool, error) {
	if len(x.Keys) == 1 && x.Keys[0].Path == "_id" {
		return false, nil
	}
	t := r.table(coll)
	where := ""
	if x.Partial != nil {
		where = base64.StdEncoding.EncodeToString(exprToBSON(x.Partial))
	}
	c := &catalog.Index{Schema: "public", Name: x.Name, Table: t.Key(), Unique: x.Unique, Where: where, Method: "btree", Doc: x.Spec}
	for _, k := range x.Keys {
		c.Items = append(c.Items, catalog.IndexItem{Column: k.Path, Desc: k.Desc})
	}
	for _, o := range docIndexes(t) {
		sameKeys := slices.EqualFunc(o.Items, c.Items, func(a, b catalog.IndexItem) bool { return a.Column == b.Column && a.Desc == b.Desc })
		same := sameKeys && o.Unique == c.Unique && o.Where == c.Where && sameOptions(o.Doc, c.Doc)
		switch {
		case o.Name == c.Name && same:
			return false, nil
		case o.Name == c.Name:
			return false, &op.Error{Code: op.AlreadyExists, Object: "indexKeySpecs", Name: c.Name, Msg: "An existing index has the same name as the requested index. When index names are not specified, they are auto generated and can cause conflicts. Please refer to our documentation. Requested index: " + c.Name}
		case sameKeys && o.Where == c.Where:
			return false, &op.Error{Code: op.AlreadyExists, Object: "indexOptions", Name: o.Name, Msg: "Index already exists with a different name: " + o.Name}
		}
	}
	s := r.tx.Catalog().Edit()
	c.OID = s.OID()
	i, err := openIndex(c)
	if err != nil {
		return false, err
	}
	unique := ""
	cols := "(k, rid)"
	if x.Unique {
		unique, cols = "UNIQUE ", "(k)"
	}
	for _, text := range []string{"CREATE TABLE " + i.table + "(k BLOB NOT NULL, rid INTEGER NOT NULL)",
		"CREATE " + unique + "INDEX " + i.table + "_k ON " + i.table + cols} {
		if err := r.tx.Conn.Exec(text); err != nil {
			return false, storage(err)
		}
	}
	n := t.Clone()
	n.Indexes = append(n.Indexes, c)
	s.Tables[n.Key()] = n
	r.tx.SetCatalog(s)
	if i.ttl >= 0 {
		if err := r.tx.SetAlarm(ttlAlarm, r.now().Add(ttlEvery)); err != nil {
			return false, storage(err)
		}
	}
	if err := r.emit(coll, "op", bsonval.StringV("createIndexes"), "what", bsonval.DocV(buildDoc("indexes", docArray([][]byte{x.Spec})))); err != nil {
		return false, err
	}
	return true, r.fillIndex(n, i)
}

// sameOptions compares the stored definitions apart from version numbers.
func sameOptions(a, b []byte) bool {
	for _, k := range []string{"expireAfterSeconds", "sparse", "collation"} {
		x, y := bsonval.Get(a, k), bsonval.Get(b, k)
		if bsonval.Truthy(x) != bsonval.Truthy(y) || (x.Type != 0 && y.Type != 0 && !bsonval.Equal(x, y)) {
			return false
		}
	}
	return true
}

// fillIndex adds the entries of the documents that are there.
func (r *run) fillIndex(t *catalog.Table, x *idx) error {
	db, _ := r.tx.Object()
	w := &target{r: r, t: t, indexes: []*idx{x}, ns: db + "." + t.Name}
	src := r.scan(t, access{full: true})
	defer r.close()
	for {
		d, err := src()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		entries, err := w.entries(d.doc, d.rid)
		if err != nil {
			return err
		}
		for _, e := range entries {
			if err := w.addKeys(e.x, e.keys, d.rid); err != nil {
				return err
			}
		}
	}
}

// listIndexes answers the definitions.
func (r *run) listIndexes(name string) ([][]byte, error) {
	t := r.table(name)
	if t == nil {
		return nil, r.missing(name)
	}
	if t.Kind == catalog.KindDocView {
		return nil, onView(t.Name)
	}
	docs := [][]byte{buildDoc("v", bsonval.Int32V(2), "key", bsonval.DocV(idKey), "name", bsonval.StringV("_id_"))}
	if c := bsonval.Get(clientOptions(t), "clusteredIndex"); c.Type == bsonval.Document {
		docs[0] = merged(merged(docs[0], c.Data), buildDoc("clustered", bsonval.BoolV(true)))
	}
	if t.Kind == catalog.KindTable && len(t.Primary) != 1 {
		docs = nil
	}
	for _, x := range t.Indexes {
		switch {
		case x.Doc != nil:
			docs = append(docs, x.Doc)
		case t.Kind == catalog.KindTable && !x.Primary:
			docs = append(docs, tableIndexDoc(x))
		}
	}
	return docs, nil
}

// tableIndexDoc describes an index of a SQL table.
func tableIndexDoc(x *catalog.Index) []byte {
	var key []any
	for _, it := range x.Items {
		dir := int32(1)
		if it.Desc {
			dir = -1
		}
		name := it.Column
		if name == "" {
			name = it.Expr
		}
		key = append(key, name, bsonval.Int32V(dir))
	}
	kv := []any{"v", bsonval.Int32V(2), "key", bsonval.DocV(buildDoc(key...)), "name", bsonval.StringV(x.Name)}
	if x.Unique {
		kv = append(kv, "unique", bsonval.BoolV(true))
	}
	return buildDoc(kv...)
}

// dropIndexes runs DropIndexes.
func (r *run) dropIndexes(b *doc.DropIndexes) (*op.Done, error) {
	t := r.table(b.Collection)
	if t == nil {
		return nil, r.missing(b.Collection)
	}
	if t.Kind != catalog.KindCollection {
		return nil, &op.Error{Code: op.Unsupported, Object: "index", Msg: "indexes of a SQL table are dropped with SQL (DROP INDEX)"}
	}
	have := docIndexes(t)
	d := &op.Done{Matched: int64(len(have)) + 1}
	for _, name := range b.Names {
		if name == "_id_" {
			return nil, &op.Error{Code: op.InvalidArgument, Object: "indexOptions", Msg: "cannot drop _id index"}
		}
		if name != "*" && !slices.ContainsFunc(have, func(x *catalog.Index) bool { return x.Name == name }) {
			return nil, &op.Error{Code: op.NotFound, Object: "index", Name: name, Msg: "index not found with name [" + name + "]"}
		}
	}
	s := r.tx.Catalog().Edit()
	n := t.Clone()
	for _, x := range have {
		if !slices.Contains(b.Names, x.Name) && !slices.Contains(b.Names, "*") {
			continue
		}
		if err := r.dropIndex(s, n, x); err != nil {
			return nil, err
		}
		if err := r.emit(b.Collection, "op", bsonval.StringV("dropIndexes"), "what", bsonval.DocV(buildDoc("indexes", docArray([][]byte{x.Doc})))); err != nil {
			return nil, err
		}
		d.Affected++
	}
	s.Tables[n.Key()] = n
	r.tx.SetCatalog(s)
	return d, nil
}

// dropIndex removes one index from an edited catalog and its table.
func (r *run) dropIndex(s *catalog.Snapshot, t *catalog.Table, x *catalog.Index) error {
	i, err := openIndex(x)
	if err != nil {
		return err
	}
	if err := r.tx.Conn.Exec("DROP TABLE " + i.table); err != nil {
		return storage(err)
	}
	t.Indexes = slices.DeleteFunc(t.Indexes, func(o *catalog.Index) bool { return o.OID == x.OID })
	forget(s, x)
	return nil
}

// drop runs DropCollection.
func (r *run) drop(name string) (*op.Done, error) {
	t := r.table(name)
	if t == nil {
		return &op.Done{}, nil
	}
	if t.Kind == catalog.KindDocView {
		s := r.tx.Catalog().Edit()
		delete(s.Tables, t.Key())
		r.tx.SetCatalog(s)
		return &op.Done{Affected: 1}, nil
	}
	if t.Kind != catalog.KindCollection {
		return nil, &op.Error{Code: op.Unsupported, Object: "table", Msg: "\"" + name + "\" is a SQL table; drop it with SQL (DROP TABLE)"}
	}
	s := r.tx.Catalog().Edit()
	n := t.Clone()
	d := &op.Done{Affected: 1, Matched: int64(len(docIndexes(t))) + 1}
	for _, x := range docIndexes(t) {
		if err := r.dropIndex(s, n, x); err != nil {
			return nil, err
		}
	}
	if err := r.tx.Conn.Exec("DROP TABLE " + catalog.Quote(t.Store)); err != nil {
		return nil, storage(err)
	}
	delete(s.Tables, t.Key())
	r.tx.SetCatalog(s)
	return d, r.emit(name, "op", bsonval.StringV("drop"))
}

// rename runs RenameCollection.
func (r *run) rename(b *doc.RenameCollection) error {
	t := r.table(b.From)
	if t == nil {
		return r.missing(b.From)
	}
	if t.Kind != catalog.KindCollection {
		return &op.Error{Code: op.Unsupported, Object: "table", Msg: "\"" + b.From + "\" is a SQL table; rename it with SQL (ALTER TABLE … RENAME)"}
	}
	if err := checkName(b.To); err != nil {
		return err
	}
	if r.table(b.To) != nil {
		if !b.DropTarget {
			return &op.Error{Code: op.AlreadyExists, Object: "collection", Name: b.To, Msg: "target namespace exists"}
		}
		if _, err := r.drop(b.To); err != nil {
			return err
		}
	}
	s := r.tx.Catalog().Edit()
	n := t.Clone()
	delete(s.Tables, t.Key())
	n.Name = b.To
	n.Store = storeName(s, b.To, t.OID)
	if err := r.tx.Conn.Exec("ALTER TABLE " + catalog.Quote(t.Store) + " RENAME TO " + catalog.Quote(n.Store)); err != nil {
		return storage(err)
	}
	for i, x := range n.Indexes {
		c := *x
		c.Table = n.Key()
		n.Indexes[i] = &c
		forget(s, x)
	}
	s.Tables[n.Key()] = n
	r.tx.SetCatalog(s)
	return r.emit(b.From, "op", bsonval.StringV("rename"), "to", bsonval.StringV(b.To),
		"what", bsonval.DocV(buildDoc("to", bsonval.DocV(buildDoc("db", bsonval.StringV(dbOf(r)), "coll", bsonval.StringV(b.To))))))
}

// dbOf names the database of a run.
func dbOf(r *run) string {
	db, _ := r.tx.Object()
	return db
}

// listCollections answers collections and tables of schema public, by name.
func listCollections(s *catalog.Snapshot) [][]byte {
	var list []*catalog.Table
	for _, t := range s.Tables {
		if t.Schema == "public" && (t.Kind == catalog.KindCollection || t.Kind == catalog.KindTable || t.Kind == catalog.KindDocView) && !strings.HasPrefix(t.Name, "_dotdo_") {
			list = append(list, t)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	docs := make([][]byte, len(list))
	for i, t := range list {
		kind, options := "collection", clientOptions(t)
		switch {
		case t.Kind == catalog.KindTable:
			kind, options = "table", bsonval.EmptyDoc
		case t.Kind == catalog.KindDocView:
			kind = "view"
		case bsonval.Get(options, "timeseries").Type != 0:
			kind = "timeseries"
		}
		docs[i] = buildDoc("name", bsonval.StringV(t.Name), "type", bsonval.StringV(kind), "options", bsonval.DocV(options))
	}
	return docs
}

// onView is the refusal of what only a collection can do.
func onView(name string) error {
	return &op.Error{Code: op.Unsupported, Object: "view", Name: name, Msg: "Namespace " + name + " is a view, not a collection"}
}

// stats answers counts and sizes.
func (r *run) stats(name string) ([]byte, error) {
	if name == "" {
		return r.dbStats()
	}
	t := r.table(name)
	if t == nil {
		return buildDoc("count", bsonval.Int32V(0), "size", bsonval.Int32V(0), "nindexes", bsonval.Int32V(0)), nil
	}
	if t.Kind == catalog.KindDocView {
		return nil, onView(name)
	}
	set, err := r.settingsOf(t)
	if err != nil {
		return nil, err
	}
	size := "0"
	if t.Kind == catalog.KindCollection {
		size = "coalesce(sum(length(doc)), 0)"
	}
	v, err := r.tx.Conn.Row("SELECT count(*), " + size + " FROM " + catalog.Quote(t.Store))
	if err != nil {
		return nil, storage(err)
	}
	sizes := []any{}
	total := int64(0)
	for _, x := range docIndexes(t) {
		n, err := r.bytes("_dotdo_ix_"+itoa(int(x.OID)), "_dotdo_ix_"+itoa(int(x.OID))+"_k")
		if err != nil {
			return nil, err
		}
		total += n
		sizes = append(sizes, x.Name, bsonval.IntV(n))
	}
	disk, err := r.bytes(t.Store)
	if err != nil {
		return nil, err
	}
	avg := int64(0)
	if v[0].Int() > 0 {
		avg = v[1].Int() / v[0].Int()
	}
	extra := []any{}
	if set.capped {
		extra = []any{"max", bsonval.IntV(set.maxDocs), "maxSize", bsonval.IntV(set.maxBytes)}
	}
	return buildDoc(append([]any{"count", bsonval.IntV(v[0].Int()), "size", bsonval.IntV(v[1].Int()), "avgObjSize", bsonval.IntV(avg), "storageSize", bsonval.IntV(disk),
		"nindexes", bsonval.Int32V(int32(len(docIndexes(t)) + 1)), "totalIndexSize", bsonval.IntV(total), "totalSize", bsonval.IntV(disk + total),
		"indexSizes", bsonval.DocV(buildDoc(sizes...)), "capped", bsonval.BoolV(set.capped)}, extra...)...), nil
}

// bytes sums the pages of SQLite objects.
func (r *run) bytes(names ...string) (int64, error) {
	n := int64(0)
	for _, name := range names {
		v, err := r.tx.Conn.Row("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name = ?1", op.Text(name))
		if err != nil {
			return 0, storage(err)
		}
		n += v[0].Int()
	}
	return n, nil
}

// dbStats sums up the database's object.
func (r *run) dbStats() ([]byte, error) {
	var colls, indexes, objects, size int64
	for _, t := range r.tx.Catalog().Tables {
		if t.Schema != "public" || (t.Kind != catalog.KindCollection && t.Kind != catalog.KindTable) {
			continue
		}
		colls++
		indexes += int64(len(t.Indexes))
		col := "0"
		if t.Kind == catalog.KindCollection {
			indexes++
			col = "coalesce(sum(length(doc)), 0)"
		}
		v, err := r.tx.Conn.Row("SELECT count(*), " + col + " FROM " + catalog.Quote(t.Store))
		if err != nil {
			return nil, storage(err)
		}
		objects += v[0].Int()
		size += v[1].Int()
	}
	v, err := r.tx.Conn.Row("SELECT (SELECT page_count FROM pragma_page_count) * (SELECT page_size FROM pragma_page_size)")
	if err != nil {
		return nil, storage(err)
	}
	ix, err := r.tx.Conn.Row("SELECT coalesce(sum(pgsize), 0) FROM dbstat WHERE name GLOB '_dotdo_ix_*'")
	if err != nil {
		return nil, storage(err)
	}
	avg := int64(0)
	if objects > 0 {
		avg = size / objects
	}
	return buildDoc("collections", bsonval.IntV(colls), "views", bsonval.Int32V(0), "objects", bsonval.IntV(objects), "avgObjSize", bsonval.IntV(avg), "dataSize", bsonval.IntV(size),
		"storageSize", bsonval.IntV(v[0].Int()), "indexes", bsonval.IntV(indexes), "indexSize", bsonval.IntV(ix[0].Int()), "totalSize", bsonval.IntV(v[0].Int())), nil
}

// expire removes the documents whose time is over and sets the next alarm.
func (r *run) expire() error {
	again := false
	for _, t := range r.tx.Catalog().Tables {
		if t.Kind != catalog.KindCollection {
			continue
		}
		set, err := r.settings(t)
		if err != nil {
			return err
		}
		if set.expire >= 0 {
			again = true
			name := set.timeField
			if name == "" {
				name = "_id"
			}
			if err := r.expireBy(t, name, set.expire); err != nil {
				return err
			}
		}
		for _, x := range set.indexes {
			if x.ttl < 0 || len(x.cat.Items) != 1 {
				continue
			}
			again = true
			if err := r.expireBy(t, x.cat.Items[0].Column, x.ttl); err != nil {
				return err
			}
		}
	}
	if again {
		return storage(r.tx.SetAlarm(ttlAlarm, r.now().Add(ttlEvery)))
	}
	return nil
}

// expireBy removes the documents whose date is too old.
func (r *run) expireBy(t *catalog.Table, name string, seconds int64) error {
	limit := bsonval.DateV(r.now().Add(-time.Duration(seconds) * time.Second).UnixMilli())
	b := &doc.Delete{Collection: t.Name, Multi: true, Filter: &op.Expr{Op: op.ExLte, Path: name, Value: bsonval.FromBSON(limit)}}
	f, err := compileFilter(b.Filter, nil)
	if err != nil {
		return err
	}
	_, err = r.delete(b, f)
	return err
}

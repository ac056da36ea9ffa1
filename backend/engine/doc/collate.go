package doc

import (
	"sync"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// collator compares text by the rules of a language. A nil collator compares
// bytes. Values are compared by folding them: every text becomes its collation
// key, whose bytes order as the texts do.
type collator struct {
	spec []byte // the collation document
	pool sync.Pool
}

// collation is one x/text collator with its buffer; neither may be shared.
type collation struct {
	c   *collate.Collator
	buf collate.Buffer
}

// newCollator reads MongoDB's collation document; nil for the simple one.
func newCollator(d []byte) (*collator, error) {
	locale := bsonval.Text(bsonval.Get(d, "locale"))
	if len(d) <= 5 || locale == "simple" {
		return nil, nil
	}
	tag, err := language.Parse(locale)
	if err != nil {
		return nil, op.Errorf(op.InvalidArgument, "Field 'locale' is invalid in: %s", locale)
	}
	strength := int64(3)
	if n, ok := bsonval.Int(bsonval.Get(d, "strength")); ok {
		strength = n
	}
	var opts []collate.Option
	switch {
	case strength == 1 && !bsonval.Truthy(bsonval.Get(d, "caseLevel")):
		opts = append(opts, collate.IgnoreCase, collate.IgnoreDiacritics)
	case strength == 1:
		opts = append(opts, collate.IgnoreDiacritics)
	case strength == 2 && !bsonval.Truthy(bsonval.Get(d, "caseLevel")):
		opts = append(opts, collate.IgnoreCase)
	case strength == 5:
		opts = append(opts, collate.Force)
	}
	if bsonval.Truthy(bsonval.Get(d, "numericOrdering")) {
		opts = append(opts, collate.Numeric)
	}
	k := &collator{spec: d}
	k.pool.New = func() any { return &collation{c: collate.New(tag, opts...)} }
	return k, nil
}

// fold replaces the texts of a value by their keys.
func (k *collator) fold(v bsonval.V) bsonval.V {
	if k == nil {
		return v
	}
	switch v.Type {
	case bsonval.String, bsonval.Symbol:
		c := k.pool.Get().(*collation)
		key := string(c.c.KeyFromString(&c.buf, bsonval.Text(v)))
		c.buf.Reset()
		k.pool.Put(c)
		return bsonval.StringV(key)
	case bsonval.Document, bsonval.Array:
		i, b := bsoncore.AppendDocumentStart(nil)
		for it := bsonval.Elements(v.Data); it.Next(); {
			b = bsonval.AppendElement(b, it.Key(), k.fold(it.Value))
		}
		b, _ = bsoncore.AppendDocumentEnd(b, i)
		return bsonval.V{Type: v.Type, Data: b}
	}
	return v
}

// folded makes a test of folded values one of values.
func (k *collator) folded(test func(bsonval.V) bool) func(bsonval.V) bool {
	if k == nil {
		return test
	}
	return func(v bsonval.V) bool { return test(k.fold(v)) }
}

// same reports whether two collators give the same order.
func (k *collator) same(o *collator) bool {
	if k == nil || o == nil {
		return k == o
	}
	return bsonval.Equal(bsonval.DocV(k.spec), bsonval.DocV(o.spec))
}

// collate sets the collation of a run: the statement's own, or the default of
// the collection.
func (r *run) collate(k *collator, given bool) { r.coll, r.collGiven = k, given }

// collation returns the collation for a collection.
func (r *run) collation(t *catalog.Table) (*collator, error) {
	if r.collGiven || t == nil || t.Kind != catalog.KindCollection || t.Options == nil {
		return r.coll, nil
	}
	s, err := r.settings(t)
	if err != nil {
		return nil, err
	}
	r.coll = s.collation
	return r.coll, nil
}

package shard

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
	"github.com/dot-do/dotdo-proxy/backend/op/doc"
	"go.mongodb.org/mongo-driver/v2/x/bsonx/bsoncore"
)

// indexes lists the indexes of a collection, which is made on an object by the
// first document that goes there.
func (c *call) indexes(b *doc.ListIndexes) (op.Reply, error) {
	var missing error
	for _, n := range c.all() {
		reply, err := c.send(n, b, false)
		if err == nil {
			var frames []op.Frame
			if _, frames, err = gather(c.ctx, reply); err == nil {
				return op.ReplyOf(frames...), nil
			}
		}
		if op.CodeOf(err) != op.NotFound {
			return nil, err
		}
		missing = err
	}
	return nil, missing
}

// collections unites the lists of all objects by name.
func (c *call) collections(b *doc.ListCollections) (op.Reply, error) {
	answers, err := c.each(c.all(), false, func(int) op.Body { return b })
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var list [][]byte
	for _, a := range answers {
		for _, d := range a.docs {
			name := bsonval.Text(bsonval.Get(d, "name"))
			if !seen[name] {
				seen[name] = true
				list = append(list, d)
			}
		}
	}
	return op.ReplyOf(&op.Docs{Docs: list}, &op.Done{Affected: int64(len(list))}), nil
}

// summed are the fields of a statistics document that add up.
var summed = map[string]bool{
	"count": true, "size": true, "storageSize": true, "totalIndexSize": true, "totalSize": true,
	"objects": true, "dataSize": true, "indexSize": true, "freeStorageSize": true,
}

// stats adds up the statistics of all objects.
func (c *call) stats(b *doc.Stats) (op.Reply, error) {
	var docs [][]byte
	for _, n := range c.all() {
		reply, err := c.send(n, b, false)
		var a *answer
		if err == nil {
			a, _, err = gather(c.ctx, reply)
		}
		if err != nil && op.CodeOf(err) != op.NotFound {
			return nil, err
		}
		if err == nil {
			docs = append(docs, a.docs...)
		} else if n == c.l.Count-1 && len(docs) == 0 {
			return nil, err
		}
	}
	if len(docs) == 0 {
		return op.ReplyOf(&op.Done{}), nil
	}
	var out []byte
	size, objects := 0.0, 0.0
	at, out := bsoncore.AppendDocumentStart(nil)
	for it := bsonval.Elements(docs[0]); it.Next(); {
		v, key := it.Value, it.Key()
		if summed[key] && bsonval.IsNumber(v) {
			total := 0.0
			for _, d := range docs {
				f, _ := bsonval.Float(bsonval.Get(d, key))
				total += f
			}
			switch key {
			case "size", "dataSize":
				size = total
			case "count", "objects":
				objects = total
			}
			if v.Type == bsonval.Double {
				v = bsonval.DoubleV(total)
			} else {
				v = bsonval.IntV(int64(total))
			}
		}
		if key == "avgObjSize" && objects > 0 && size > 0 {
			v = bsonval.DoubleV(size / objects)
		}
		out = bsonval.AppendElement(out, key, v)
	}
	out, err := bsoncore.AppendDocumentEnd(out, at)
	if err != nil {
		return nil, err
	}
	return op.ReplyOf(&op.Docs{Docs: [][]byte{out}}, &op.Done{Affected: 1}), nil
}

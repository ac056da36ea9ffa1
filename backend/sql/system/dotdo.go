package system

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
)

// keysText reads the key-value family's tables (see engine/kv). A string is
// its text; another collection is JSON: lists and sets an array, hashes and
// sorted sets an object; a stream has none. Keys that have expired and wait for removal are left
// out.
const keysText = `SELECT CAST(k.key AS TEXT) AS "key",
CASE k.type WHEN 1 THEN 'string' WHEN 2 THEN 'hash' WHEN 3 THEN 'list' WHEN 4 THEN 'set' WHEN 6 THEN 'stream' ELSE 'zset' END AS "type",
CASE WHEN k.expire > 0 THEN k.expire - CAST(unixepoch('subsec') * 1000 AS INTEGER) END AS "ttl_ms",
CASE k.type WHEN 1 THEN CAST(k.value AS TEXT)
WHEN 3 THEN (SELECT json_group_array(CAST(l.value AS TEXT) ORDER BY l.pos) FROM _dotdo_kv_list l WHERE l.pos BETWEEN k.id << 32 AND (k.id << 32) + 4294967295)
WHEN 2 THEN (SELECT json_group_object(CAST(i.member AS TEXT), CAST(i.value AS TEXT) ORDER BY i.pos) FROM _dotdo_kv_item i WHERE i.id = k.id)
WHEN 4 THEN (SELECT json_group_array(CAST(i.member AS TEXT) ORDER BY i.pos) FROM _dotdo_kv_item i WHERE i.id = k.id)
WHEN 6 THEN NULL
ELSE (SELECT json_group_object(CAST(i.member AS TEXT), i.score ORDER BY i.score, i.member) FROM _dotdo_kv_item i WHERE i.id = k.id) END AS "value",
k.db AS "db" FROM _dotdo_kv k WHERE k.expire = 0 OR k.expire > CAST(unixepoch('subsec') * 1000 AS INTEGER)`

// dotdoRelations are the product's own views of other families.
func dotdoRelations() []*Relation {
	text := op.Type{Base: op.TString}
	t := &catalog.Table{OID: 15000, Schema: "dotdo", Name: "keys", Store: "dotdo.keys", Kind: catalog.KindSystem, Dialect: uint8(rel.Postgres),
		Comment: "keys of the key-value family",
		Columns: []*catalog.Column{{Name: "key", Attr: 1, Type: text}, {Name: "type", Attr: 2, Type: text}, {Name: "ttl_ms", Attr: 3, Type: op.Type{Base: op.TInt8}},
			{Name: "value", Attr: 4, Type: text}, {Name: "db", Attr: 5, Type: op.Type{Base: op.TInt4}}}}
	return []*Relation{{Table: t, Text: keysText}}
}

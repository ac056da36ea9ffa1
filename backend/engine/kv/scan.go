package kv

import (
	"strconv"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/msg"
)

// scanCommands are the commands that list keys or members.
var scanCommands = map[string]handler{
	"HSCAN":   func(c *call) (op.Value, error) { return c.scanItems(typeHash) },
	"KEYS":    keys,
	"SCAN":    scan,
	"SORT":    sortKey,
	"SORT_RO": sortKey,
	"SSCAN":   func(c *call) (op.Value, error) { return c.scanItems(typeSet) },
	"ZSCAN":   func(c *call) (op.Value, error) { return c.scanItems(typeZset) },
}

// keys implements KEYS.
func keys(c *call) (op.Value, error) {
	rows, err := c.conn.Query("SELECT key FROM _dotdo_kv WHERE db = ?1 AND (expire = 0 OR expire > ?2)", op.Int64(int64(c.db)), op.Int64(c.now))
	if err != nil {
		return op.Null, err
	}
	out := []op.Value{}
	pattern := string(c.args[0])
	for _, r := range rows {
		if pattern == "*" || msg.Match(pattern, r[0].Str()) {
			out = append(out, r[0])
		}
	}
	return op.Array(out...), nil
}

// scanOptions are the parsed options of the SCAN family.
type scanOptions struct {
	cursor  int64
	count   int64
	match   string
	matches bool
	typ     string
}

// scanArgs parses a cursor at i and options behind it.
func (c *call) scanArgs(i int, types bool) (o scanOptions, err error) {
	u, e := strconv.ParseUint(string(c.args[i]), 10, 64)
	if e != nil {
		return o, errCursor
	}
	o.cursor, o.count = int64(u), 10
	for i++; i < len(c.args); i += 2 {
		if i+1 >= len(c.args) {
			return o, errSyntax
		}
		switch a := c.args[i]; {
		case is(a, "COUNT"):
			if o.count, err = c.int(i + 1); err != nil {
				return o, err
			}
			if o.count < 1 {
				return o, errSyntax
			}
		case is(a, "MATCH"):
			o.match = string(c.args[i+1])
			o.matches = o.match != "*"
		case types && is(a, "TYPE"):
			o.typ = lower(string(c.args[i+1]))
		default:
			return o, errSyntax
		}
	}
	o.count = min(o.count, 1<<20)
	return o, nil
}

// page answers a cursor and a list.
func page(cursor int64, list []op.Value) op.Value {
	return op.Array(op.Bytes(strconv.AppendInt(nil, cursor, 10)), op.Array(list...))
}

// scan implements SCAN: the cursor is the id of the last key seen. Keys keep
// their ids, so one that is there all the time is seen exactly once.
func scan(c *call) (op.Value, error) {
	o, err := c.scanArgs(0, true)
	if err != nil {
		return op.Null, err
	}
	rows, err := c.conn.Query("SELECT id, key, type, expire FROM _dotdo_kv WHERE id > ?1 AND db = ?2 ORDER BY id LIMIT ?3", op.Int64(o.cursor), op.Int64(int64(c.db)), op.Int64(o.count))
	if err != nil {
		return op.Null, err
	}
	out := []op.Value{}
	for _, r := range rows {
		if e := r[3].Int(); e > 0 && e <= c.now || o.typ != "" && typeNames[r[2].Int()] != o.typ || o.matches && !msg.Match(o.match, r[1].Str()) {
			continue
		}
		out = append(out, r[1])
	}
	next := int64(0)
	if int64(len(rows)) == o.count {
		next = rows[len(rows)-1][0].Int()
	}
	return page(next, out), nil
}

// scanItems implements HSCAN, SSCAN and ZSCAN: the cursor is the number of the
// next element.
func (c *call) scanItems(typ int64) (op.Value, error) {
	o, err := c.scanArgs(1, false)
	if err != nil {
		return op.Null, err
	}
	k, err := c.want(c.args[0], typ)
	if err != nil || k.id == 0 || o.cursor < 0 || o.cursor >= 1<<idBits {
		return page(0, nil), err
	}
	list, err := items(c.conn.Query("SELECT pos, member, value, score FROM _dotdo_kv_item WHERE pos BETWEEN ?1 AND ?2 ORDER BY pos LIMIT ?3", op.Int64(k.base()+o.cursor), op.Int64(k.top()), op.Int64(o.count)))
	if err != nil {
		return op.Null, err
	}
	out := []op.Value{}
	for i := range list {
		it := &list[i]
		if o.matches && !msg.Match(o.match, string(it.member)) {
			continue
		}
		out = append(out, op.Bytes(it.member))
		switch typ {
		case typeHash:
			out = append(out, op.Bytes(it.value))
		case typeZset:
			out = append(out, op.Bytes(formatFloat(it.score)))
		}
	}
	next := int64(0)
	if int64(len(list)) == o.count {
		next = list[len(list)-1].pos - k.base() + 1
	}
	return page(next, out), nil
}

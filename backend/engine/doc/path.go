package doc

import (
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// path is a dotted path split once.
type path []string

// splitPath splits a dotted path.
func splitPath(s string) path {
	if s == "" {
		return nil
	}
	return strings.Split(s, ".")
}

// index returns a path component as an array position, -1 when it is none.
func index(s string) int {
	if s == "" || len(s) > 9 || (len(s) > 1 && s[0] == '0') {
		return -1
	}
	n := 0
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return -1
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// nth returns an array's element, Missing when out of bounds.
func nth(arr []byte, n int) bsonval.V {
	for it := bsonval.Elements(arr); it.Next(); n-- {
		if n == 0 {
			return it.Value
		}
	}
	return bsonval.Missing
}

// walk calls f with every value a query path reaches: arrays on the way are
// entered (each document element, and a numeric component as position). The
// value at the end is given whole, arrays included. pos is the position in
// the first array entered, -1 if none. f returns true to stop; walk reports
// whether it stopped.
func walk(v bsonval.V, p path, pos int, f func(v bsonval.V, pos int) bool) bool {
	if len(p) == 0 {
		return f(v, pos)
	}
	switch v.Type {
	case bsonval.Document:
		next := bsonval.Get(v.Data, p[0])
		if next.Type == 0 {
			return f(bsonval.Missing, pos)
		}
		if next.Type == bsonval.Array && len(p) > 1 {
			return walkArray(next.Data, p[1:], pos, f)
		}
		return walk(next, p[1:], pos, f)
	case bsonval.Array:
		return walkArray(v.Data, p, pos, f)
	}
	return f(bsonval.Missing, pos)
}

// walkArray enters an array with the rest of the path.
func walkArray(arr []byte, p path, pos int, f func(bsonval.V, int) bool) bool {
	if n := index(p[0]); n >= 0 {
		if e := nth(arr, n); e.Type != 0 {
			at := pos
			if at < 0 {
				at = n
			}
			rest := p[1:]
			if e.Type == bsonval.Array && len(rest) > 0 {
				if walkArray(e.Data, rest, at, f) {
					return true
				}
			} else if walk(e, rest, at, f) {
				return true
			}
		}
	}
	i := 0
	for it := bsonval.Elements(arr); it.Next(); i++ {
		if it.Value.Type != bsonval.Document {
			continue
		}
		at := pos
		if at < 0 {
			at = i
		}
		if walk(it.Value, p, at, f) {
			return true
		}
	}
	return false
}

// get returns the value of a field path in an aggregation expression: arrays
// on the way map to arrays, positions are not followed.
func get(v bsonval.V, p path) bsonval.V {
	for i, name := range p {
		switch v.Type {
		case bsonval.Document:
			v = bsonval.Get(v.Data, name)
		case bsonval.Array:
			var out []bsonval.V
			for it := bsonval.Elements(v.Data); it.Next(); {
				if it.Value.Type != bsonval.Document && it.Value.Type != bsonval.Array {
					continue
				}
				if e := get(it.Value, p[i:]); e.Type != 0 {
					out = append(out, e)
				}
			}
			return bsonval.ArrayV(out)
		default:
			return bsonval.Missing
		}
	}
	return v
}

// itoa is strconv.Itoa under a name that fits the many array keys built here.
func itoa(i int) string { return strconv.Itoa(i) }

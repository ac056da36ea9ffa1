package kv

import (
	"bytes"
	"sort"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// sortSpec is a parsed SORT.
type sortSpec struct {
	desc, alpha bool
	by          []byte
	gets        [][]byte
	offset      int64
	count       int64 // -1 = all
	store       []byte
	stores      bool
}

// parse reads the options of SORT.
func (s *sortSpec) parse(c *call) error {
	s.count = -1
	for i := 1; i < len(c.args); i++ {
		rest := len(c.args) - i - 1
		switch a := c.args[i]; {
		case is(a, "ASC"):
			s.desc = false
		case is(a, "DESC"):
			s.desc = true
		case is(a, "ALPHA"):
			s.alpha = true
		case is(a, "LIMIT") && rest >= 2:
			var good, good2 bool
			s.offset, good = parseInt(c.args[i+1])
			s.count, good2 = parseInt(c.args[i+2])
			if !good || !good2 {
				return errInteger
			}
			i += 2
		case is(a, "STORE") && rest >= 1 && c.verb == "SORT":
			s.store, s.stores = c.args[i+1], true
			i++
		case is(a, "BY") && rest >= 1:
			s.by = c.args[i+1]
			i++
		case is(a, "GET") && rest >= 1:
			s.gets = append(s.gets, c.args[i+1])
			i++
		default:
			return errSyntax
		}
	}
	return nil
}

// sortItem is one element with what it is ordered by.
type sortItem struct {
	value []byte
	score float64
	by    []byte
	none  bool // the key it is ordered by does not exist
}

// sortKey implements SORT and SORT_RO.
func sortKey(c *call) (op.Value, error) {
	var s sortSpec
	if err := s.parse(c); err != nil {
		return op.Null, err
	}
	list, plain, err := c.sortElements(c.args[0])
	if err != nil {
		return op.Null, err
	}
	nosort := s.by != nil && bytes.IndexByte(s.by, '*') < 0
	if nosort && plain == typeSet && s.stores { // stores what it answers in a stable order
		nosort, s.alpha, s.by = false, true, nil
	}
	if nosort && s.desc && plain == typeZset {
		for i, j := 0, len(list)-1; i < j; i, j = i+1, j-1 {
			list[i], list[j] = list[j], list[i]
		}
	}
	if !nosort {
		if err := c.weigh(&s, list); err != nil {
			return op.Null, err
		}
		sort.SliceStable(list, func(i, j int) bool { return s.less(&list[i], &list[j]) })
	}
	n := int64(len(list))
	from := min(max(s.offset, 0), n)
	to := n
	if s.count >= 0 && s.count < n-from {
		to = from + s.count
	}
	out, err := c.project(&s, list[from:to])
	if err != nil || !s.stores {
		return op.Array(out...), err
	}
	if len(out) == 0 {
		return zero, c.discard(s.store)
	}
	k, err := c.replace(s.store, typeList)
	if err != nil {
		return op.Null, err
	}
	for _, v := range out {
		if err := c.pushOne(&k, v.Raw, false); err != nil {
			return op.Null, err
		}
	}
	return op.Int64(k.n), c.save(&k)
}

// sortElements reads what SORT sorts and the type of the key.
func (c *call) sortElements(name []byte) ([]sortItem, int64, error) {
	k, err := c.find(name)
	if err != nil || k.id == 0 {
		return nil, 0, err
	}
	var list []sortItem
	switch k.typ {
	case typeList:
		vs, err := c.elements(&k, 0, k.n)
		for _, v := range vs {
			list = append(list, sortItem{value: v.Raw})
		}
		return list, k.typ, err
	case typeSet, typeZset:
		its, err := c.all(&k)
		if k.typ == typeZset && err == nil {
			its, err = c.ranked(&k, &zspec{from: 0, to: -1})
		}
		for i := range its {
			list = append(list, sortItem{value: its[i].member})
		}
		return list, k.typ, err
	}
	return nil, 0, errType
}

// weigh finds what each element is ordered by.
func (c *call) weigh(s *sortSpec, list []sortItem) error {
	for i := range list {
		it := &list[i]
		it.by = it.value
		if s.by != nil {
			v, err := c.lookup(s.by, it.value)
			if err != nil {
				return err
			}
			it.by, it.none = v.Raw, v.IsNull()
		}
		if s.alpha || it.none {
			continue
		}
		f, good := parseFloat(it.by)
		if !good {
			return bad("One or more scores can't be converted into double")
		}
		it.score = f
	}
	return nil
}

// less orders two elements; equal numbers by their bytes, as the original does.
func (s *sortSpec) less(a, b *sortItem) bool {
	n := 0
	switch {
	case s.alpha && (a.none || b.none):
		if a.none != b.none {
			n = 1
			if a.none {
				n = -1
			}
		}
	case s.alpha:
		n = bytes.Compare(a.by, b.by)
	case a.score < b.score:
		n = -1
	case a.score > b.score:
		n = 1
	default:
		n = bytes.Compare(a.value, b.value)
	}
	if s.desc {
		n = -n
	}
	return n < 0
}

// lookup reads the key (or hash field, "key->field") that a pattern names for
// an element; "#" is the element.
func (c *call) lookup(pattern, element []byte) (op.Value, error) {
	if string(pattern) == "#" {
		return op.Bytes(element), nil
	}
	star := bytes.IndexByte(pattern, '*')
	if star < 0 {
		return op.Null, nil
	}
	var fieldName []byte
	if i := bytes.Index(pattern[star:], []byte("->")); i >= 0 && star+i+2 < len(pattern) {
		fieldName, pattern = pattern[star+i+2:], pattern[:star+i]
	}
	name := append(append(append([]byte{}, pattern[:star]...), element...), pattern[star+1:]...)
	k, err := c.find(name)
	if err != nil || k.id == 0 {
		return op.Null, err
	}
	if fieldName == nil {
		if k.typ != typeString {
			return op.Null, nil
		}
		return op.Bytes(k.value), nil
	}
	if k.typ != typeHash {
		return op.Null, nil
	}
	it, err := c.one(&k, fieldName)
	if err != nil || it.pos == 0 {
		return op.Null, err
	}
	return op.Bytes(it.value), nil
}

// project answers elements, or what GET patterns name for them.
func (c *call) project(s *sortSpec, list []sortItem) ([]op.Value, error) {
	out := []op.Value{}
	for i := range list {
		if len(s.gets) == 0 {
			out = append(out, op.Bytes(list[i].value))
		}
		for _, g := range s.gets {
			v, err := c.lookup(g, list[i].value)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
	}
	return out, nil
}

package sqlite

// cacheSize is the number of idle statements a connection keeps.
const cacheSize = 256

// cache holds idle statements by text, the least recently used last. Several
// idle statements may have the same text.
type cache struct {
	byText         map[string]*Stmt // newest of a text; the others follow by same
	newest, oldest *Stmt
	n              int
}

// take removes and returns an idle statement of the text, or nil.
func (k *cache) take(text string) *Stmt {
	s := k.byText[text]
	if s == nil {
		return nil
	}
	k.remove(s)
	return s
}

// put adds a statement that its user has finished with.
func (k *cache) put(s *Stmt) {
	if s.text == "" {
		s.finalize()
		return
	}
	if k.byText == nil {
		k.byText = make(map[string]*Stmt)
	}
	s.idle = true
	s.same = k.byText[s.text]
	k.byText[s.text] = s
	s.older, s.newer = k.newest, nil
	if k.newest != nil {
		k.newest.newer = s
	} else {
		k.oldest = s
	}
	k.newest = s
	k.n++
	if k.n > cacheSize {
		old := k.oldest
		k.remove(old)
		old.finalize()
	}
}

// remove unlinks an idle statement.
func (k *cache) remove(s *Stmt) {
	if first := k.byText[s.text]; first == s {
		if s.same == nil {
			delete(k.byText, s.text)
		} else {
			k.byText[s.text] = s.same
		}
	} else {
		for first.same != s {
			first = first.same
		}
		first.same = s.same
	}
	if s.newer != nil {
		s.newer.older = s.older
	} else {
		k.newest = s.older
	}
	if s.older != nil {
		s.older.newer = s.newer
	} else {
		k.oldest = s.newer
	}
	s.newer, s.older, s.same, s.idle = nil, nil, nil, false
	k.n--
}

// drop finalizes all idle statements.
func (k *cache) drop() {
	for k.newest != nil {
		s := k.newest
		k.remove(s)
		s.finalize()
	}
}

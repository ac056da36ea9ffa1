package kv

import "strings"

// Merge says how the replies of several shards become one.
type Merge uint8

// Merge rules.
const (
	MergeNone   Merge = iota // keys must live in one object
	MergeSum                 // add integers (DEL, EXISTS, DBSIZE)
	MergeConcat              // concatenate lists (KEYS)
	MergeByKey               // put each key's value back in its argument place (MGET)
	MergeOK                  // all must answer OK (MSET, FLUSHDB)
	MergeAny                 // ask any object (RANDOMKEY)
	MergeScan                // cursor walks the objects one after another
)

// Verb describes one command: the facts a router and an arity check need.
type Verb struct {
	Arity    int  // as in Redis: counts the verb itself; negative = at least
	Write    bool // may change data
	FirstKey int  // 1-based position of the first key, 0 = none
	LastKey  int  // of the last key; -1 = last argument, -2 = last but one
	Step     int  // distance between keys
	Merge    Merge
	// Before is the word behind which the keys and as many other arguments stand
	// to the end (XREAD … STREAMS key key id id); "" = none.
	Before  string
	NumKeys int // 1-based position of a "numkeys" argument that is followed by the keys; 0 = none
}

// Keys returns the positions in args (0-based, args without the verb) that
// hold keys. It is safe for any args.
func (v Verb) Keys(args [][]byte) []int {
	var at []int
	if v.Before != "" {
		for i, a := range args {
			if strings.EqualFold(string(a), v.Before) {
				for k := range (len(args) - i - 1) / 2 {
					at = append(at, i+1+k)
				}
				break
			}
		}
		return at
	}
	if v.NumKeys > 0 {
		if v.FirstKey > 0 && v.FirstKey <= len(args) {
			at = append(at, v.FirstKey-1)
		}
		if v.NumKeys > len(args) {
			return at
		}
		n := 0
		for _, c := range args[v.NumKeys-1] {
			if c < '0' || c > '9' || n > len(args) {
				return at
			}
			n = n*10 + int(c-'0')
		}
		for i := v.NumKeys; i < len(args) && i < v.NumKeys+n; i++ {
			at = append(at, i)
		}
		return at
	}
	if v.FirstKey == 0 {
		return nil
	}
	last := v.LastKey - 1
	if v.LastKey < 0 {
		last = len(args) + v.LastKey
	}
	for i := v.FirstKey - 1; i <= last && i < len(args); i += max(v.Step, 1) {
		at = append(at, i)
	}
	return at
}

// Verbs holds every command by name. It is never changed.
var Verbs = join(hashVerbs, keyVerbs, listVerbs, scriptVerbs, setVerbs, streamVerbs, stringVerbs, zsetVerbs)

// join merges tables that have no name in common.
func join(tables ...map[string]Verb) map[string]Verb {
	all := map[string]Verb{}
	for _, t := range tables {
		for name, v := range t {
			all[name] = v
		}
	}
	return all
}

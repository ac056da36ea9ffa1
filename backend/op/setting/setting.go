// Package setting checks the extended options of a database against the schema
// of their block (shard, replica, stream, tier, vector). It knows value types
// and how a refusal names its key; what an option does belongs to its block.
package setting

import (
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// Type is the type of an option's value: a name for messages and a check.
type Type struct {
	name string
	ok   func(string) bool
}

// Types without parameters.
var (
	Text     = Type{"a text", func(s string) bool { return s != "" }}
	Bool     = Type{"true or false", func(s string) bool { return s == "true" || s == "false" }}
	Size     = Type{"a size such as 500MB or 1GB", isSize}
	Duration = Type{"a duration such as 90d, 12h or 30s", isDuration}
)

// Schema maps the keys of a block, without the block's name, to their types. A
// segment "*" stands for any name.
type Schema map[string]Type

// Int is a whole number between two bounds.
func Int(low, high int64) Type {
	return Type{"a whole number from " + strconv.FormatInt(low, 10) + " to " + strconv.FormatInt(high, 10), func(s string) bool {
		n, err := strconv.ParseInt(s, 10, 64)
		return err == nil && n >= low && n <= high
	}}
}

// OneOf is one of some words.
func OneOf(words ...string) Type {
	return Type{"one of " + strings.Join(words, ", "), func(s string) bool {
		for _, w := range words {
			if s == w {
				return true
			}
		}
		return false
	}}
}

// List is a comma-separated list of values of a type.
func List(of Type) Type {
	return Type{"a list, each " + of.name, func(s string) bool {
		for _, part := range strings.Split(s, ",") {
			if !of.ok(strings.TrimSpace(part)) {
				return false
			}
		}
		return true
	}}
}

// Check refuses an unknown key and a value of the wrong type, naming the key
// as block.key. Keys are looked at in order, so the answer is always the same.
func (s Schema) Check(block string, values map[string]string) error {
	for _, key := range keys(values) {
		t, ok := s.find(key)
		if !ok {
			return op.Errorf(op.InvalidArgument, "unknown option %q", block+"."+key)
		}
		if !t.ok(values[key]) {
			return op.Errorf(op.InvalidArgument, "option %q: %q is not %s", block+"."+key, values[key], t.name)
		}
	}
	return nil
}

// Refuse is Check for a block none of whose options are effective: a key that
// is set properly is refused too.
func (s Schema) Refuse(block string, values map[string]string) error {
	if err := s.Check(block, values); err != nil {
		return err
	}
	for _, key := range keys(values) {
		return op.Errorf(op.Unsupported, "option %q is not effective yet", block+"."+key)
	}
	return nil
}

// find returns the type of a key.
func (s Schema) find(key string) (Type, bool) {
	if t, ok := s[key]; ok {
		return t, true
	}
	parts := strings.Split(key, ".")
	for pattern, t := range s {
		want := strings.Split(pattern, ".")
		if len(want) != len(parts) {
			continue
		}
		same := true
		for i := range want {
			same = same && (want[i] == parts[i] || want[i] == "*" && parts[i] != "")
		}
		if same {
			return t, true
		}
	}
	return Type{}, false
}

// keys returns the keys of a map, sorted.
func keys(m map[string]string) []string {
	list := make([]string, 0, len(m))
	for k := range m {
		list = append(list, k)
	}
	sort.Strings(list)
	return list
}

// isSize accepts digits and a unit.
func isSize(s string) bool {
	digits := strings.TrimRight(s, "KMGTiB")
	switch s[len(digits):] {
	case "", "B", "KB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB":
		_, err := strconv.ParseUint(digits, 10, 32)
		return err == nil
	}
	return false
}

// isDuration accepts days and Go's durations.
func isDuration(s string) bool {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		_, err := strconv.ParseUint(days, 10, 16)
		return err == nil
	}
	d, err := time.ParseDuration(s)
	return err == nil && d > 0
}

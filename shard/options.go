package shard

import (
	"slices"
	"strconv"
	"strings"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/setting"
)

// MaxCount is the largest number of objects of one database.
const MaxCount = 64

// Strategy says how a key chooses its object.
type Strategy string

// Strategies.
const (
	Consistent Strategy = "consistent" // few keys move when the count changes
	Hash       Strategy = "hash"       // slot modulo count
	Range      Strategy = "range"      // between split points
)

// schema lists the options of the block.
var schema = setting.Schema{
	"strategy":  setting.OneOf(string(Consistent), string(Range), string(Hash)),
	"algorithm": setting.OneOf(string(Consistent), string(Range), string(Hash)),
	"key":       setting.Text,
	"count":     setting.Int(1, MaxCount),
	"ranges":    setting.List(setting.Text),
}

// Options are the options of the shard block. The zero value is one object.
type Options struct {
	Strategy Strategy
	Key      string // column or document field; "" = _id for documents. Keys of the kv family need none
	Count    int
	Ranges   []string // Range: Count-1 split points, each the first key of the next object
}

// Parse reads options by their dotted names without the block's. "algorithm"
// is another name of "strategy".
func Parse(values map[string]string) (Options, error) {
	o := Options{Strategy: Consistent, Count: 1}
	if err := schema.Check("shard", values); err != nil {
		return o, err
	}
	if s := values["algorithm"]; s != "" {
		o.Strategy = Strategy(s)
	}
	if s := values["strategy"]; s != "" {
		if a := values["algorithm"]; a != "" && a != s {
			return o, op.Errorf(op.InvalidArgument, "options \"shard.strategy\" and \"shard.algorithm\" differ")
		}
		o.Strategy = Strategy(s)
	}
	o.Key = values["key"]
	if s := values["count"]; s != "" {
		o.Count, _ = strconv.Atoi(s) // the schema has checked it
	}
	if s := values["ranges"]; s != "" {
		for _, point := range strings.Split(s, ",") {
			o.Ranges = append(o.Ranges, strings.TrimSpace(point))
		}
	}
	return o, o.check(values)
}

// check refuses options that do not fit together and completes the count.
func (o *Options) check(values map[string]string) error {
	if o.Strategy != Range {
		if len(o.Ranges) > 0 {
			return op.Errorf(op.InvalidArgument, "option \"shard.ranges\" needs shard.strategy=range")
		}
		return nil
	}
	if len(o.Ranges) == 0 && o.Count > 1 {
		return op.Errorf(op.InvalidArgument, "shard.strategy=range needs \"shard.ranges\"")
	}
	if values["count"] == "" {
		o.Count = len(o.Ranges) + 1
	}
	if o.Count != len(o.Ranges)+1 || o.Count > MaxCount {
		return op.Errorf(op.InvalidArgument, "option \"shard.ranges\": %d split points do not make %d objects", len(o.Ranges), o.Count)
	}
	if !slices.IsSortedFunc(o.Ranges, compareKeys) {
		return op.Errorf(op.InvalidArgument, "option \"shard.ranges\": the split points are not in order")
	}
	for i := 1; i < len(o.Ranges); i++ {
		if compareKeys(o.Ranges[i-1], o.Ranges[i]) == 0 {
			return op.Errorf(op.InvalidArgument, "option \"shard.ranges\": %q stands twice", o.Ranges[i])
		}
	}
	return nil
}

// Values is the inverse of Parse, in one normal form.
func (o Options) Values() map[string]string {
	m := map[string]string{"strategy": string(o.Strategy), "count": strconv.Itoa(o.Count)}
	if o.Key != "" {
		m["key"] = o.Key
	}
	if len(o.Ranges) > 0 {
		m["ranges"] = strings.Join(o.Ranges, ",")
	}
	return m
}

// Equal reports whether two databases with these options lay out data alike.
func (o Options) Equal(p Options) bool {
	if o.Count == 1 && p.Count == 1 {
		return true
	}
	return o.Strategy == p.Strategy && o.Key == p.Key && o.Count == p.Count && slices.Equal(o.Ranges, p.Ranges)
}

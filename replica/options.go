// Package replica will place and replicate objects on several nodes. Today it
// holds the schema of the replica options, which it refuses.
package replica

import (
	"github.com/dot-do/dotdo-proxy/backend/op/setting"
)

// schema lists the options of the block.
var schema = setting.Schema{
	"jurisdiction": setting.OneOf("eu", "us", "fedramp"),
	"regions":      setting.List(setting.Text),
	"cities":       setting.List(setting.Text),
	"readFrom":     setting.OneOf("nearest", "primary", "random"),
	"writeThrough": setting.Bool,
}

// Options are the options of the replica block. None is effective yet, so there is
// nothing to hold.
type Options struct{}

// Parse reads options by their dotted names without the block's. An unknown
// key, a value of the wrong type and, until the block is effective, every
// other key is refused by name.
func Parse(values map[string]string) (Options, error) {
	return Options{}, schema.Refuse("replica", values)
}

// Package stream will carry committed changes to sinks. Today it holds the
// schema of the stream options, which it refuses.
package stream

import (
	"github.com/dot-do/dotdo-proxy/backend/op/setting"
)

// schema lists the options of the block.
var schema = setting.Schema{
	"pipeline":       setting.Text,
	"sink":           setting.OneOf("iceberg", "parquet", "json"),
	"transform":      setting.Text,
	"batch.size":     setting.Int(1, 1<<20),
	"batch.interval": setting.Duration,
}

// Options are the options of the stream block. None is effective yet, so there is
// nothing to hold.
type Options struct{}

// Parse reads options by their dotted names without the block's. An unknown
// key, a value of the wrong type and, until the block is effective, every
// other key is refused by name.
func Parse(values map[string]string) (Options, error) {
	return Options{}, schema.Refuse("stream", values)
}

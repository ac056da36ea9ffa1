// Package vector will route vector searches to engines. Today it holds the
// schema of the vector options, which it refuses.
package vector

import (
	"github.com/dot-do/dotdo-proxy/backend/op/setting"
)

// schema lists the options of the block.
var schema = setting.Schema{
	"embedding.model":           setting.Text,
	"embedding.autoEmbed":       setting.Bool,
	"embedding.dimensions":      setting.Int(1, 65536),
	"tiers.*.engine":            setting.OneOf("libsql", "edgevec", "vectorize", "clickhouse", "iceberg"),
	"tiers.*.maxVectors":        setting.Int(1, 1<<40),
	"tiers.*.maxAge":            setting.Duration,
	"tiers.*.libsql.dimensions": setting.Int(1, 65536),
	"tiers.*.clickhouse.index":  setting.OneOf("usearch", "annoy", "hnsw"),
	"routing.strategy":          setting.OneOf("cascade", "parallel", "smart"),
}

// Options are the options of the vector block. None is effective yet, so there is
// nothing to hold.
type Options struct{}

// Parse reads options by their dotted names without the block's. An unknown
// key, a value of the wrong type and, until the block is effective, every
// other key is refused by name.
func Parse(values map[string]string) (Options, error) {
	return Options{}, schema.Refuse("vector", values)
}

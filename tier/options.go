// Package tier will move cold objects and rows to object storage. Today it holds
// the schema of the tier options, which it refuses.
package tier

import (
	"github.com/dot-do/dotdo-proxy/backend/op/setting"
)

// schema lists the options of the block.
var schema = setting.Schema{
	"hot":          setting.OneOf("sqlite"),
	"warm":         setting.OneOf("r2", "s3", "file"),
	"cold":         setting.OneOf("archive"),
	"hotThreshold": setting.Size,
	"coldAfter":    setting.Duration,
}

// Options are the options of the tier block. None is effective yet, so there is
// nothing to hold.
type Options struct{}

// Parse reads options by their dotted names without the block's. An unknown
// key, a value of the wrong type and, until the block is effective, every
// other key is refused by name.
func Parse(values map[string]string) (Options, error) {
	return Options{}, schema.Refuse("tier", values)
}

package doc

import (
	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/bsonval"
)

// collator compares text by the rules of a language.
type collator struct{}

// newCollator reads MongoDB's collation document; nil for the simple one.
func newCollator(d []byte) (*collator, error) {
	if len(d) <= 5 || bsonval.Text(bsonval.Get(d, "locale")) == "simple" {
		return nil, nil
	}
	return nil, op.Errorf(op.Unsupported, "collation is not supported (only {locale: \"simple\"})")
}

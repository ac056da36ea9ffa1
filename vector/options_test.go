package vector

import (
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

func TestParse(t *testing.T) {
	t.Parallel()
	if _, err := Parse(nil); err != nil {
		t.Error(err)
	}
	for key, value := range map[string]string{"embedding.dimensions": "128", "tiers.hot.engine": "libsql", "tiers.cold.clickhouse.index": "usearch", "routing.strategy": "cascade"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.Unsupported || !strings.Contains(err.Error(), "vector."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for key, value := range map[string]string{"nosuch": "1", "routing.strategy": "guess", "tiers.hot.engine": "abacus"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.InvalidArgument || !strings.Contains(err.Error(), "vector."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

package tier

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
	for key, value := range map[string]string{"hot": "sqlite", "warm": "r2", "cold": "archive", "hotThreshold": "1GB", "coldAfter": "90d"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.Unsupported || !strings.Contains(err.Error(), "tier."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for key, value := range map[string]string{"nosuch": "1", "hotThreshold": "big", "coldAfter": "soon"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.InvalidArgument || !strings.Contains(err.Error(), "tier."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

package replica

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
	for key, value := range map[string]string{"jurisdiction": "eu", "regions": "us-east-1,eu-west-1", "cities": "iad", "readFrom": "nearest", "writeThrough": "true"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.Unsupported || !strings.Contains(err.Error(), "replica."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for key, value := range map[string]string{"nosuch": "1", "readFrom": "moon", "writeThrough": "1"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.InvalidArgument || !strings.Contains(err.Error(), "replica."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

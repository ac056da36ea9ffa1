package stream

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
	for key, value := range map[string]string{"pipeline": "EVENTS", "sink": "iceberg", "batch.size": "100", "batch.interval": "5s"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.Unsupported || !strings.Contains(err.Error(), "stream."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
	for key, value := range map[string]string{"nosuch": "1", "sink": "csv", "batch.size": "0"} {
		if _, err := Parse(map[string]string{key: value}); op.CodeOf(err) != op.InvalidArgument || !strings.Contains(err.Error(), "stream."+key) {
			t.Errorf("%s: %v", key, err)
		}
	}
}

package setting

import (
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	s := Schema{"n": Int(1, 64), "on": Bool, "size": Size, "after": Duration, "kind": OneOf("a", "b"), "list": List(OneOf("x", "y")), "tiers.*.engine": Text}
	for _, tc := range []struct{ key, value, wrong string }{
		{"n", "64", ""},
		{"n", "0", "1 to 64"},
		{"n", "x", "whole number"},
		{"on", "true", ""},
		{"on", "yes", "true or false"},
		{"size", "500MB", ""},
		{"size", "1GiB", ""},
		{"size", "MB", "size"},
		{"size", "1BG", "size"},
		{"size", "-1", "size"},
		{"after", "90d", ""},
		{"after", "1h30m", ""},
		{"after", "d", "duration"},
		{"after", "-3s", "duration"},
		{"kind", "b", ""},
		{"kind", "c", "one of a, b"},
		{"list", "x, y", ""},
		{"list", "x,,y", "list"},
		{"tiers.hot.engine", "libsql", ""},
		{"tiers..engine", "libsql", "unknown"},
		{"nosuch", "1", `"blk.nosuch"`},
	} {
		err := s.Check("blk", map[string]string{tc.key: tc.value})
		switch {
		case tc.wrong == "" && err != nil, tc.wrong != "" && err == nil:
			t.Errorf("%s=%s: %v", tc.key, tc.value, err)
		case err != nil && (!strings.Contains(err.Error(), tc.wrong) || op.CodeOf(err) != op.InvalidArgument):
			t.Errorf("%s=%s: %v", tc.key, tc.value, err)
		}
	}
	if err := s.Refuse("blk", map[string]string{"n": "3"}); op.CodeOf(err) != op.Unsupported || !strings.Contains(err.Error(), `"blk.n"`) {
		t.Error(err)
	}
	if err := s.Refuse("blk", nil); err != nil {
		t.Error(err)
	}
}

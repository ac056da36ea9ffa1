package shard

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

func TestSlot(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]int{"": 0, "foo": 12182, "bar": 5061, "123456789": 12739, "hello": 866} {
		if got := slot(key); got != want { // as CLUSTER KEYSLOT answers
			t.Errorf("%q: %d, want %d", key, got, want)
		}
	}
	for key, want := range map[string]string{"a{b}c": "b", "{}x": "{}x", "{a}{b}": "a", "x{": "x{", "{{a}}": "{a", "x}y{z}": "z"} {
		if got := tag(key); got != want {
			t.Errorf("%q: %q, want %q", key, got, want)
		}
	}
}

func TestStrategies(t *testing.T) {
	t.Parallel()
	for _, s := range []Strategy{Consistent, Hash} {
		var used [16]int
		o := &Options{Strategy: s, Count: 16}
		for i := range 16000 {
			used[o.Object(fmt.Sprint("key", i))]++
		}
		for n, hits := range used {
			if hits < 600 || hits > 1500 {
				t.Errorf("%s: object %d has %d of 16000", s, n, hits)
			}
		}
	}
	moved := 0
	a, b := &Options{Strategy: Consistent, Count: 8}, &Options{Strategy: Consistent, Count: 9}
	for i := range 9000 {
		x, y := a.Object(fmt.Sprint(i)), b.Object(fmt.Sprint(i))
		if x != y {
			moved++
			if y != 8 {
				t.Fatalf("key %d moved from %d to %d", i, x, y)
			}
		}
	}
	if moved < 600 || moved > 1500 {
		t.Errorf("%d of 9000 keys moved", moved)
	}
	r := &Options{Strategy: Range, Count: 4, Ranges: []string{"-5", "100", "m"}}
	for key, want := range map[string]int{"-6": 0, "-5": 1, "99.5": 1, "100": 2, "9999999999": 2, "": 2, "a": 2, "m": 3, "z": 3} {
		if got := r.Object(key); got != want {
			t.Errorf("range %q: %d, want %d", key, got, want)
		}
	}
}

func TestKeyText(t *testing.T) {
	t.Parallel()
	same := [][]op.Value{
		{op.Int64(5), op.Int32(5), op.Float64(5), op.Uint64(5), op.Text("5"), op.Raw(op.KindDecimal, []byte("5.00"))},
		{op.Float64(1.5), op.Raw(op.KindDecimal, []byte("1.50")), op.Text("1.5")},
		{op.Raw(op.KindUUID, []byte("0123456789abcdef")), op.Text("30313233-3435-3637-3839-616263646566")},
		{op.Raw(op.KindObjectID, []byte("abcdefghijkl")), op.Text("6162636465666768696a6b6c")},
		{op.Time(time.UnixMicro(77)), op.Int64(77)},
		{op.Null, op.Text("")},
	}
	for _, group := range same {
		want, ok := keyText(group[0])
		for _, v := range group {
			if got, ok2 := keyText(v); got != want || !ok || !ok2 {
				t.Errorf("kind %d: %q, want %q", v.Kind, got, want)
			}
		}
	}
	if _, ok := keyText(op.Array(op.Null)); ok {
		t.Error("an array is a key")
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		in   map[string]string
		want string
	}{
		{nil, "{consistent  1 []} <nil>"},
		{map[string]string{"count": "4", "key": "id"}, "{consistent id 4 []} <nil>"},
		{map[string]string{"strategy": "range", "ranges": "10, 20,x"}, "{range  4 [10 20 x]} <nil>"},
		{map[string]string{"strategy": "range", "ranges": "20,10"}, "order"},
		{map[string]string{"strategy": "range", "ranges": "10,10.0"}, "twice"},
		{map[string]string{"strategy": "range", "ranges": "10", "count": "3"}, "do not make 3 objects"},
		{map[string]string{"strategy": "range", "count": "3"}, "shard.ranges"},
		{map[string]string{"ranges": "10"}, "shard.strategy=range"},
		{map[string]string{"strategy": "hash", "algorithm": "range"}, "differ"},
	} {
		o, err := Parse(tc.in)
		got := fmt.Sprint(o, " ", err)
		if err != nil && op.CodeOf(err) != op.InvalidArgument || !strings.Contains(got, tc.want) {
			t.Errorf("%v: %s", tc.in, got)
		}
		if err == nil {
			if again, err := Parse(o.Values()); err != nil || !again.Equal(o) {
				t.Errorf("%v does not survive: %v %v", tc.in, again, err)
			}
		}
	}
}

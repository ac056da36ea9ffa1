package funcs

import (
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// TestUnistr checks escapes and their errors.
func TestUnistr(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{`d\0061t\+000061`: "data", `\\x`: `\x`, `\u0041\U00000042`: "AB", `\d83d\de00`: "😀", `é`: "é", `\006`: "!", `\d83d`: "!", `\zzzz`: "!"} {
		got, err := unistr(in)
		if err != nil {
			got = "!"
		}
		if got != want {
			t.Errorf("unistr(%s) = %q, want %q", in, got, want)
		}
	}
}

// TestConvert checks both directions of LATIN1 and the refusals.
func TestConvert(t *testing.T) {
	t.Parallel()
	v, err := convertTo([]op.Value{op.Text("é"), op.Text("latin1")})
	if err != nil || string(v.Raw) != "\xe9" {
		t.Error(v, err)
	}
	v, err = convertFrom([]op.Value{op.Bytes([]byte("\xe9")), op.Text("LATIN1")})
	if err != nil || v.Str() != "é" {
		t.Error(v, err)
	}
	if _, err = convertFrom([]op.Value{op.Bytes([]byte("\xe9")), op.Text("UTF8")}); err == nil {
		t.Error("invalid UTF-8 accepted")
	}
	if _, err = convertTo([]op.Value{op.Text("x"), op.Text("EUC_JP")}); op.CodeOf(err) != op.InvalidArgument {
		t.Error(err)
	}
}

// TestMyWeek checks the modes of WEEK and YEARWEEK.
func TestMyWeek(t *testing.T) {
	t.Parallel()
	for mode, want := range []int64{0, 0, 52, 52, 0, 0, 52, 52} {
		if v := myWeek([]op.Value{myAt(2000, 1, 1, 0, 0, 0), op.Int64(int64(mode))}); v.Int() != want {
			t.Errorf("week('2000-01-01',%d) = %d, want %d", mode, v.Int(), want)
		}
	}
	if v := myYearWeek([]op.Value{myAt(1987, 1, 1, 0, 0, 0), op.Int64(0)}); v.Int() != 198652 {
		t.Error(v.Int())
	}
}

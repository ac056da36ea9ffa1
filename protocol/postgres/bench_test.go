package postgres

import (
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// BenchmarkDecodeBind reads the Bind message of a point query and its argument.
func BenchmarkDecodeBind(b *testing.B) {
	body := []byte("\x00P0_1\x00\x00\x00\x00\x01\x00\x00\x00\x06123456\x00\x00")
	var m bind
	o := datum.Options{}
	b.ReportAllocs()
	for b.Loop() {
		if err := m.decode(body); err != nil {
			b.Fatal(err)
		}
		if _, err := decodeParam(op.Type{Base: op.TInt4}, false, m.values[0], &o); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEncodeRow writes a row of four columns as text.
func BenchmarkEncodeRow(b *testing.B) {
	s := &session{w: &wire{}}
	cols := []column{{t: op.Type{Base: op.TInt4}}, {t: op.Type{Base: op.TString}}, {t: op.Type{Base: op.TNumeric}}, {t: op.Type{Base: op.TTimestamp}}}
	vals := []op.Value{op.Int64(123456), op.Text("a text of some length"), op.Text("1234.56"), op.Int64(1_700_000_000_000_000)}
	b.ReportAllocs()
	for b.Loop() {
		s.w.out = s.w.out[:0]
		if err := s.dataRow(cols, vals); err != nil {
			b.Fatal(err)
		}
	}
}

package datum

import (
	"math"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

func TestMySQL(t *testing.T) {
	t.Parallel()
	dt, ts, tm := op.Type{Base: op.TTimestamp}, op.Type{Base: op.TTimestampTZ}, op.Type{Base: op.TTime}
	for _, c := range []struct {
		t    op.Type
		in   string
		want string
		err  string
	}{
		{op.Type{Base: op.TInt4}, "1.5", "2", ""},
		{op.Type{Base: op.TInt1}, "300", "127", "Out of range value for column"},
		{op.Type{Base: op.TInt1, Unsigned: true}, "-1", "0", "Out of range value for column"},
		{op.Type{Base: op.TInt8, Unsigned: true}, "18446744073709551615", "18446744073709551615", ""},
		{op.Type{Base: op.TInt8, Unsigned: true}, "9223372036854775808", "9223372036854775808", ""},
		{op.Type{Base: op.TInt4}, "12abc", "12", "Data truncated for column: '12abc'"},
		{op.Type{Base: op.TNumeric, Size: 5, Scale: 2}, "1.005", "1.01", ""},
		{op.Type{Base: op.TNumeric, Size: 5, Scale: 2}, "-12345", "-999.99", "Out of range value for column"},
		{op.Type{Base: op.TFloat8}, "1e16", "1e16", ""},
		{op.Type{Base: op.TFloat8}, "100000000000000", "100000000000000", ""},
		{op.Type{Base: op.TFloat8}, "0.00001", "0.00001", ""},
		{op.Type{Base: op.TFloat4}, "16777216", "16777200", ""},
		{dt, "2024-01-02 03:04:05", "2024-01-02 03:04:05", ""},
		{dt, "2024-01-02T03:04:05.6", "2024-01-02 03:04:06", ""},
		{op.Type{Base: op.TTimestamp, Size: 4}, "2024-01-02 03:04:05.67891", "2024-01-02 03:04:05.679", ""},
		{dt, "20240102030405", "2024-01-02 03:04:05", ""},
		{dt, "0000-00-00", "0000-00-00 00:00:00", ""},
		{dt, "2024-02-30", "0000-00-00 00:00:00", "Incorrect datetime value: '2024-02-30'"},
		{ts, "2024-01-02 03:04:05+02:00", "2024-01-02 01:04:05", ""},
		{op.Type{Base: op.TDate}, "24-1-2", "2024-01-02", ""},
		{op.Type{Base: op.TDate}, "990102", "1999-01-02", ""},
		{tm, "-838:59:59", "-838:59:59", ""},
		{tm, "900:00:00", "838:59:59", "Out of range value for column"},
		{tm, "1 10:11", "34:11:00", ""},
		{tm, "101112", "10:11:12", ""},
		{op.Type{Base: op.TTime, Size: 3}, "10:11:12.345", "10:11:12.35", ""},
		{op.Type{Base: op.TYear}, "70", "1970", ""},
		{op.Type{Base: op.TYear}, "5", "2005", ""},
		{op.Type{Base: op.TVarchar, Size: 2}, "éàü", "éà", "Data too long for column"},
		{op.Type{Base: op.TBit, Size: 12}, "\x0f\x01", "\x0f\x01", ""},
		{op.Type{Base: op.TJSON}, `{"b":1,"a":[1,2]}`, `{"a": [1, 2], "b": 1}`, ""},
		{op.Type{Base: op.TBoolean}, "1", "1", ""},
	} {
		v, err := ParseMySQL(c.t, c.in, Options{})
		msg := ""
		if err != nil {
			msg = err.Error()
		}
		if got := string(AppendMySQL(nil, c.t, v, Options{})); got != c.want || msg != c.err {
			t.Errorf("%s %q: %q %q", TypeName(c.t), c.in, got, msg)
		}
	}
}

func TestAddInterval(t *testing.T) {
	t.Parallel()
	at, _ := Parse(op.Type{Base: op.TTimestamp}, "2024-01-31 10:00", Options{})
	for _, c := range []struct{ iv, want string }{
		{"1 mon", "2024-02-29 10:00:00"}, {"-1 year", "2023-01-31 10:00:00"}, {"1 day -00:30", "2024-02-01 09:30:00"},
	} {
		iv, err := ParseInterval(c.iv)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := AddInterval(at.Int(), iv)
		if s := string(AppendTimestamp(nil, got)); s != c.want || !ok {
			t.Errorf("%s: %s", c.iv, s)
		}
	}
	if _, ok := AddInterval(maxMicros, Interval{Micros: math.MaxInt64}); ok {
		t.Error("overflow not seen")
	}
}

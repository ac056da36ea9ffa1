package funcs

import (
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/datum"
)

// myAt builds a timestamp.
func myAt(y, m, d, h, mi, s int) op.Value {
	return op.Int64(datum.DaysFromCivil(y, m, d)*datum.Day + int64(h)*datum.Hour + int64(mi)*datum.Minute + int64(s)*datum.Second)
}

func TestMySQLFunctions(t *testing.T) {
	t.Parallel()
	tx, n := op.Text, op.Int64
	now := myAt(2024, 2, 29, 13, 5, 9)
	for i, c := range []struct {
		f    func([]op.Value) op.Value
		args []op.Value
		want string
	}{
		{mySubstr, []op.Value{tx("Quadratically"), n(5), n(6)}, "ratica"},
		{mySubstr, []op.Value{tx("Sakila"), n(-3)}, "ila"},
		{mySubstringIndex, []op.Value{tx("www.mysql.com"), tx("."), n(2)}, "www.mysql"},
		{mySubstringIndex, []op.Value{tx("www.mysql.com"), tx("."), n(-2)}, "mysql.com"},
		{myTrim, []op.Value{tx("b"), tx("xxbarxx"), tx("x")}, "bar"},
		{myTrim, []op.Value{tx("r"), tx("barxxyz"), tx("xyz")}, "barx"},
		{myLocate, []op.Value{tx("BAR"), tx("foobarbar"), n(5)}, "7"},
		{myFindInSet, []op.Value{tx("b"), tx("a,b,c,d")}, "2"},
		{myField, []op.Value{tx("Bb"), tx("Aa"), tx("Bb")}, "2"},
		{myFormat, []op.Value{tx("12332.123456"), n(4)}, "12,332.1235"},
		{myConv, []op.Value{tx("6E"), n(18), n(8)}, "172"},
		{myDiv, []op.Value{tx("1"), tx("3")}, "0.3333"},
		{myDiv, []op.Value{tx("-2.00"), tx("3")}, "-0.666667"},
		{myMod, []op.Value{tx("29.5"), tx("9")}, "2.5"},
		{myRight, []op.Value{tx("foobarbar"), n(4)}, "rbar"},
		{myDateFormat, []op.Value{now, tx("%W %M %e %Y %H:%i:%s %p %j %D %y")}, "Thursday February 29 2024 13:05:09 PM 060 29th 24"},
		{myDateFormat, []op.Value{myAt(1999, 1, 1, 0, 0, 0), tx("%X %V")}, "1998 52"},
		{myDateFormat, []op.Value{myAt(2008, 12, 31, 0, 0, 0), tx("%x %v %U %u")}, "2009 01 52 53"},
		{myPart, []op.Value{tx("WEEK"), myAt(2008, 2, 20, 0, 0, 0)}, "7"},
		{myPart, []op.Value{tx("WEEKISO"), myAt(2008, 2, 20, 0, 0, 0)}, "8"},
		{myPart, []op.Value{tx("DOW"), myAt(2007, 2, 3, 0, 0, 0)}, "7"},
		{myDateAdd, []op.Value{tx("2018-05-01"), n(int64(op.TString)), tx("1"), tx("DAY"), n(1)}, "2018-05-02"},
		{myDateAdd, []op.Value{tx("2020-12-31 23:59:59"), n(int64(op.TString)), tx("1"), tx("SECOND"), n(1)}, "2021-01-01 00:00:00"},
		{myDateAdd, []op.Value{tx("2024-03-31"), n(int64(op.TString)), tx("1"), tx("MONTH"), n(-1)}, "2024-02-29"},
		{myDateAdd, []op.Value{tx("2025-01-01 00:00:00"), n(int64(op.TString)), tx("1:1:1"), tx("HOUR_SECOND"), n(-1)}, "2024-12-31 22:58:59"},
		{myTimestampDiff, []op.Value{tx("MONTH"), myAt(2003, 2, 1, 0, 0, 0), myAt(2003, 5, 1, 0, 0, 0)}, "3"},
		{myTimestampDiff, []op.Value{tx("YEAR"), myAt(2002, 5, 1, 0, 0, 0), myAt(2001, 1, 1, 0, 0, 0)}, "-1"},
		{myJSONExtract, []op.Value{tx(`{"a": [1, {"b": "x"}], "c": 2}`), tx("$.a[1].b")}, `"x"`},
		{myJSONExtract, []op.Value{tx(`[1, 2, [3]]`), tx("$[*]")}, `[1, 2, [3]]`},
		{myJSONExtract, []op.Value{tx(`{"a": {"b": 1}, "b": 2}`), tx("$**.b")}, `[2, 1]`},
		{myJSONExtract, []op.Value{tx(`[1, 2, 3]`), tx("$[last]")}, `3`},
		{myJSONType, []op.Value{tx(`1.5`)}, "DOUBLE"},
	} {
		if got := myText(c.f(c.args)); got != c.want {
			t.Errorf("case %d: %q want %q", i, got, c.want)
		}
	}
	v := myStrToDate([]op.Value{op.Text("May 1, 2013 03:04:05 PM"), op.Text("%M %d,%Y %r")})
	if v.Int() != myAt(2013, 5, 1, 15, 4, 5).Int() {
		t.Errorf("str_to_date %v", v)
	}
}

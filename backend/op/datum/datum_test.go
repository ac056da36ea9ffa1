package datum

import (
	"bufio"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
)

// types names the types of the goldens.
var types = map[string]op.Type{
	"int2": {Base: op.TInt2}, "int4": {Base: op.TInt4}, "int8": {Base: op.TInt8}, "bool": {Base: op.TBoolean},
	"float8": {Base: op.TFloat8}, "float4": {Base: op.TFloat4}, "numeric": {Base: op.TNumeric},
	"numeric(5,2)":  {Base: op.TNumeric, Size: 5, Scale: 2},
	"numeric(2,-2)": {Base: op.TNumeric, Size: 2, Scale: -2},
	"numeric(2,3)":  {Base: op.TNumeric, Size: 2, Scale: 3},
	"varchar(3)":    {Base: op.TVarchar, Size: 3}, "char(3)": {Base: op.TChar, Size: 3}, "bytea": {Base: op.TBytea},
	"uuid": {Base: op.TUUID}, "date": {Base: op.TDate}, "time": {Base: op.TTime}, "time(2)": {Base: op.TTime, Size: 3},
	"timetz": {Base: op.TTimeTZ}, "timestamp": {Base: op.TTimestamp}, "timestamp(0)": {Base: op.TTimestamp, Size: 1},
	"timestamptz": {Base: op.TTimestampTZ}, "interval": {Base: op.TInterval}, "json": {Base: op.TJSON},
	"jsonb": {Base: op.TJSONB}, "oid": {Base: op.TOID}, "inet": {Base: op.TInet}, "varbit": {Base: op.TBit},
	"int2vector": {Base: op.TInt2Vector}, "oidvector": {Base: op.TOIDVector}, "name": {Base: op.TName},
	"text": {Base: op.TString},
}

// typeOf finds a type by its golden name.
func typeOf(t *testing.T, name string) op.Type {
	typ, ok := types[strings.TrimSuffix(name, "[]")]
	if !ok {
		t.Fatalf("no type %s", name)
	}
	typ.Array = strings.HasSuffix(name, "[]")
	return typ
}

// differs lists inputs where we leave PostgreSQL's path, with the reason.
var differs = map[string]string{
	"float8 0x1A":                "hexadecimal is strtod's own extension",
	"timestamp 2024-01-02 10 pm": "more lenient",
	"timestamp 20240102030405":   "more lenient",
	"timestamp 294276-12-31":     "our epoch is 30 years earlier: the last year is 294246",
	"interval 200000000 years":   "another wording",
}

// cast undoes what the goldens' ::text does beyond the output function.
func cast(typ, s string) string {
	switch {
	case typ == "bool" && !strings.HasPrefix(s, "!"):
		return s[:1]
	case typ == "inet":
		return strings.TrimSuffix(strings.TrimSuffix(s, "/32"), "/128")
	case typ == "char(3)" && !strings.HasPrefix(s, "!"):
		return (s + "   ")[:3]
	}
	return s
}

func TestAgainstPostgres(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Location: berlin}
	f, err := os.Open("testdata/postgres.golden")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := bufio.NewScanner(f)
	in.Scan()
	for in.Scan() {
		var c [3]string
		if err := json.Unmarshal(in.Bytes(), &c); err != nil {
			t.Fatal(err)
		}
		if differs[c[0]+" "+c[1]] != "" {
			continue
		}
		c[2] = cast(c[0], c[2])
		typ := typeOf(t, c[0])
		v, err := Parse(typ, c[1], o)
		got := ""
		if err != nil {
			got = err.Error()
			if strings.HasPrefix(c[2], "!") {
				c[2] = c[2][7:]
			}
		} else {
			got = string(Append(nil, typ, v, o))
		}
		if got != c[2] {
			t.Errorf("%s %q:\n got %s\nwant %s", c[0], c[1], got, c[2])
		}
		if err != nil {
			continue
		}
		again, err := Parse(typ, got, o)
		if err != nil || again.Kind != v.Kind || again.Num != v.Num || again.Str() != v.Str() {
			if c[0] != "json" {
				t.Errorf("%s %q is not stable: %v %q", c[0], got, err, again.Str())
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	all := make([]op.Type, 0, 80)
	for b := op.TUnknown; b <= op.TOIDVector; b++ {
		all = append(all, op.Type{Base: b}, op.Type{Base: b, Array: true}, op.Type{Base: b, Size: 5, Scale: 2, Unsigned: true})
	}
	for i, s := range []string{"1", "{1,2}", "2024-01-01 10:00:00+02", "1 day 2:03:04", "Jan 5, 2024 BC", `{"a":[1]}`, "1e-5", `\x00`,
		"-838:59:59.5", "20240102030405", "P1Y2M3DT4H", "2024-01-01 europe/berlin", "[1:2]={a,b}", "x1f"} {
		f.Add(i*7, s)
	}
	now := time.Unix(1700000000, 0)
	f.Fuzz(func(t *testing.T, n int, s string) {
		typ := all[uint(n)%uint(len(all))]
		o := Options{Now: now}
		_, _ = ParseMySQL(typ, s, o)
		v, err := Parse(typ, s, o)
		if err != nil {
			return
		}
		AppendMySQL(nil, typ, v, o)
		text := string(Append(nil, typ, v, o))
		if typ.Base == op.TVoid || typ.Base == op.TRecord {
			return
		}
		w, err := Parse(typ, text, o)
		if err != nil {
			t.Fatalf("%s: %q was read as %q, which is refused: %v", TypeName(typ), s, text, err)
		}
		if again := string(Append(nil, typ, w, o)); again != text {
			t.Fatalf("%s: %q -> %q -> %q", TypeName(typ), s, text, again)
		}
	})
}

func BenchmarkAppendTimestamp(b *testing.B) {
	v := op.Int64(1700000000123456)
	buf := make([]byte, 0, 64)
	b.ReportAllocs()
	for b.Loop() {
		buf = Append(buf[:0], op.Type{Base: op.TTimestamp}, v, Options{})
	}
}

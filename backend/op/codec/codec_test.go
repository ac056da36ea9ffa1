package codec

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/ctl"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// update writes testdata/kinds.golden instead of comparing with it.
var update = flag.Bool("update", false, "write the golden file")

// fill sets every field of v that travels to something that is not zero, so
// that a round trip covers all of them. depth ends recursive types.
func fill(v reflect.Value, n *int, depth int) {
	*n++
	switch v.Type() {
	case valueType:
		v.Set(reflect.ValueOf(sample(*n)))
		return
	case timeType:
		v.Set(reflect.ValueOf(time.Unix(int64(*n), 7).UTC()))
		return
	case bodyType:
		v.Set(reflect.ValueOf(&ctl.Savepoint{Name: fmt.Sprint("s", *n)}))
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(-int64(*n))
	case reflect.Uint8:
		v.SetUint(uint64(*n%100 + 1))
	case reflect.Uint, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(uint64(*n))
	case reflect.String:
		v.SetString(fmt.Sprint("t", *n))
	case reflect.Pointer:
		if depth > 0 {
			v.Set(reflect.New(v.Type().Elem()))
			fill(v.Elem(), n, depth-1)
		}
	case reflect.Slice:
		if depth > 0 {
			v.Set(reflect.MakeSlice(v.Type(), 2, 2))
			fill(v.Index(0), n, depth-1)
			fill(v.Index(1), n, depth-1)
		}
	case reflect.Map:
		e := reflect.New(v.Type().Elem()).Elem()
		fill(e, n, depth-1)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(reflect.ValueOf(fmt.Sprint("k", *n)), e)
	case reflect.Struct:
		for i := range v.NumField() {
			if travels(v.Type(), v.Type().Field(i)) {
				fill(v.Field(i), n, depth)
			}
		}
	default:
		panic("fill: " + v.Type().String())
	}
}

// sample returns values of all kinds in turn.
func sample(n int) op.Value {
	all := []op.Value{
		op.Null, op.Bool(true), op.Int32(-5), op.Int64(-1 << 62), op.Uint64(1<<64 - 1), op.Float64(-0.5), op.Raw(op.KindDecimal, []byte("1.50")),
		op.Text("é"), op.Bytes([]byte{0, 255}), op.Time(time.UnixMicro(-1)), op.Raw(op.KindUUID, make([]byte, 16)),
		op.Raw(op.KindObjectID, make([]byte, 12)), op.Array(op.Null, op.Array(op.Null)), op.Map(op.Text("a"), op.Int64(1)), op.Set(op.Text("x")),
		op.Raw(op.KindDocument, []byte{5, 0, 0, 0, 0}), op.Raw(op.KindVector, []byte{0, 0, 128, 63}), {Kind: op.KindBSON, Num: 11, Raw: []byte("a\x00\x00")},
		op.ErrorText("ERR no"),
	}
	return all[n%len(all)]
}

func TestBodiesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, proto := range bodies {
		t.Run(reflect.TypeOf(proto).Elem().String(), func(t *testing.T) {
			t.Parallel()
			body := reflect.New(reflect.TypeOf(proto).Elem())
			n := 0
			fill(body.Elem(), &n, 4)
			o := &op.Op{ID: 1, Target: op.Target{Database: "d", Shard: -1}, Read: op.Read{Level: op.ReadSession, MinLSN: 9, MaxStale: time.Second},
				Session: op.Session{ID: 2, Txn: 3, Seq: 4}, Deadline: time.Unix(5, 6).UTC(), Subject: "s", Body: body.Interface().(op.Body)}
			data, err := EncodeOp(o)
			if err != nil {
				t.Fatal(err)
			}
			back, err := DecodeOp(data)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(o, back) {
				t.Error("the decoded operation differs")
			}
			if again, _ := EncodeOp(back); !bytes.Equal(data, again) {
				t.Error("not deterministic")
			}
		})
	}
}

func TestFramesRoundTrip(t *testing.T) {
	t.Parallel()
	for _, proto := range frames[1:] {
		f := reflect.New(reflect.TypeOf(proto).Elem())
		n := 3
		fill(f.Elem(), &n, 4)
		data, err := EncodeFrame(f.Interface().(op.Frame))
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeFrame(data)
		if err != nil || !reflect.DeepEqual(f.Interface(), back) {
			t.Errorf("sent %+v\n got %+v (%v)", f.Interface(), back, err)
		}
	}
}

func TestValuesErrorsAndChangesRoundTrip(t *testing.T) {
	t.Parallel()
	for i := range 19 {
		v := sample(i)
		data, err := EncodeValue(v)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := DecodeValue(data); err != nil || !reflect.DeepEqual(v, back) {
			t.Errorf("sent %+v, got %+v (%v)", v, back, err)
		}
	}
	var e op.Error
	n := 0
	fill(reflect.ValueOf(&e).Elem(), &n, 3)
	data, err := EncodeError(&e)
	if err != nil {
		t.Fatal(err)
	}
	if back, err := DecodeError(data); err != nil || !reflect.DeepEqual(&e, back) {
		t.Errorf("sent %+v, got %+v (%v)", e, back, err)
	}
	c := &op.Change{Target: op.Target{Database: "d", Shard: 2}, LSN: 7, Collection: "c", Key: op.Int64(1), After: op.Text("x")}
	if data, err = EncodeChange(c); err != nil {
		t.Fatal(err)
	}
	if back, err := DecodeChange(data); err != nil || !reflect.DeepEqual(c, back) {
		t.Errorf("sent %+v, got %+v (%v)", c, back, err)
	}
}

func TestNoPlanTravels(t *testing.T) {
	t.Parallel()
	s := &rel.Stmt{Dialect: rel.MySQL, Text: "select ?", Kind: rel.KindDDL, Params: 1, Returns: true, Session: &rel.Session{Word: "x"}}
	s.SetPlan(1)
	data, err := EncodeOp(&op.Op{Body: &rel.Query{Stmt: s}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := DecodeOp(data)
	if err != nil {
		t.Fatal(err)
	}
	got := o.Body.(*rel.Query).Stmt
	if got.Text != s.Text || got.Dialect != s.Dialect || got.Plan() != nil || got.Session != nil {
		t.Errorf("%+v", got)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	if _, err := EncodeOp(&op.Op{Body: (*rel.Query)(nil)}); err == nil {
		t.Error("a nil body was encoded")
	}
	for name, tree := range map[string]any{
		"unknown field":      map[uint64]any{99: 1},
		"unknown body":       map[uint64]any{7: []any{9999, map[uint64]any{}}},
		"wrong type":         map[uint64]any{1: "x"},
		"overflow":           map[uint64]any{3: map[uint64]any{1: 300}},
		"plan of a stmt":     map[uint64]any{7: []any{2, map[uint64]any{1: map[uint64]any{9: 1}}}},
		"value of no kind":   map[uint64]any{7: []any{2, map[uint64]any{2: []any{[]any{200}}}}},
		"odd map":            map[uint64]any{7: []any{2, map[uint64]any{2: []any{[]any{13, 0, nil, []any{[]any{0}}}}}}},
		"nanosecond too big": map[uint64]any{5: []any{0, 1_000_000_000}},
	} {
		data, err := modes.enc.Marshal(tree)
		if err != nil {
			t.Fatal(err)
		}
		if o, err := DecodeOp(data); err == nil {
			t.Errorf("%s: decoded as %+v", name, o)
		}
	}
}

// describe lists the numbers of a struct and of those below it.
func describe(t reflect.Type, into map[string]string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct || t == valueType || t == timeType || into[t.String()] != "" {
		return
	}
	var parts []string
	into[t.String()] = "-"
	for i := range t.NumField() {
		f := t.Field(i)
		if travels(t, f) {
			parts = append(parts, fmt.Sprintf("%d %s %s", i+1, f.Name, f.Type))
			describe(f.Type, into)
		}
	}
	into[t.String()] = strings.Join(parts, ", ")
}

// TestKindsArePinned fails when a number changes its meaning. A new field at
// the end of a struct, or a new kind, is run once with -update.
func TestKindsArePinned(t *testing.T) {
	t.Parallel()
	structs := map[string]string{}
	var lines []string
	for _, iface := range []reflect.Type{bodyType, frameType} {
		for kind, typ := range tables[iface].types {
			lines = append(lines, fmt.Sprintf("%s %4d %s", iface, kind, typ))
			describe(typ, structs)
		}
	}
	for _, typ := range []reflect.Type{reflect.TypeFor[op.Op](), reflect.TypeFor[op.Error](), reflect.TypeFor[op.Change]()} {
		describe(typ, structs)
	}
	for name, fields := range structs {
		lines = append(lines, fmt.Sprintf("struct %s: %s", name, fields))
	}
	for k := range 19 {
		lines = append(lines, fmt.Sprintf("value %2d %s", sample(k).Kind, valueNames[k]))
	}
	sort.Strings(lines)
	got := strings.Join(lines, "\n") + "\n"
	path := filepath.Join("testdata", "kinds.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		for _, l := range lines {
			if !slices.Contains(strings.Split(string(want), "\n"), l) {
				t.Errorf("not in %s: %s", path, l)
			}
		}
		t.Errorf("%s differs; numbers are never reused or reordered", path)
	}
}

// valueNames names the kinds of sample for the golden file.
var valueNames = []string{"null", "bool", "int32", "int64", "uint64", "float64", "decimal", "text", "bytes", "time", "uuid", "objectid", "array",
	"map", "set", "document", "vector", "bson", "error text"}

func FuzzDecodeOp(f *testing.F) {
	for _, proto := range bodies {
		body := reflect.New(reflect.TypeOf(proto).Elem())
		n := 0
		fill(body.Elem(), &n, 3)
		data, err := EncodeOp(&op.Op{Target: op.Target{Database: "d", Shard: -1}, Body: body.Interface().(op.Body)})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		o, err := DecodeOp(data)
		if err != nil {
			return
		}
		again, err := EncodeOp(o)
		if err != nil {
			t.Fatal(err)
		}
		back, err := DecodeOp(again)
		if err != nil {
			t.Fatal(err)
		}
		if third, _ := EncodeOp(back); !bytes.Equal(again, third) {
			t.Fatalf("%x then %x", again, third)
		}
	})
}

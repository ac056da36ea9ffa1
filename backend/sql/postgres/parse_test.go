package postgres

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
)

// TestParseKinds checks splitting and classification.
func TestParseKinds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text    string
		kinds   []rel.StmtKind
		returns []bool
	}{
		{"", nil, nil},
		{" ; ; -- nothing\n", nil, nil},
		{"select 1; insert into t values (1); values (1)", []rel.StmtKind{0, 0, 0}, []bool{true, false, true}},
		{"update t set a = 1 returning a", []rel.StmtKind{0}, []bool{true}},
		{"begin; commit", []rel.StmtKind{rel.KindTxn, rel.KindTxn}, []bool{false, false}},
		{"show all", []rel.StmtKind{rel.KindShow}, []bool{true}},
		{"create table t (a int)", []rel.StmtKind{rel.KindDDL}, []bool{false}},
		{"select 1 into t", []rel.StmtKind{rel.KindDDL}, []bool{false}},
		{"vacuum t", []rel.StmtKind{rel.KindUtility}, []bool{false}},
		{"do $$begin end$$", []rel.StmtKind{rel.KindDo}, []bool{false}},
		{"drop database if exists x", []rel.StmtKind{rel.KindDatabase}, []bool{false}},
		{"fetch 3 from c", []rel.StmtKind{rel.KindCursor}, []bool{true}},
	} {
		l, err := Parse(c.text)
		if err != nil || len(l) != len(c.kinds) {
			t.Errorf("%q: %d statements, %v", c.text, len(l), err)
			continue
		}
		for i, s := range l {
			if s.Kind != c.kinds[i] || s.Returns != c.returns[i] {
				t.Errorf("%q: statement %d is kind %d returns %v", c.text, i, s.Kind, s.Returns)
			}
		}
	}
}

// TestParseTexts checks the statement texts and parameter counts.
func TestParseTexts(t *testing.T) {
	t.Parallel()
	l, err := Parse("select $1, '$9', $2::int -- $7\n; /* x */ select $tag$ $5 $tag$, e'\\'$8';")
	if err != nil || len(l) != 2 {
		t.Fatal(len(l), err)
	}
	if l[0].Params != 2 || l[1].Params != 0 {
		t.Errorf("params %d, %d", l[0].Params, l[1].Params)
	}
	if !strings.HasSuffix(l[1].Text, "'") || strings.Contains(l[0].Text, ";") {
		t.Errorf("texts %q, %q", l[0].Text, l[1].Text)
	}
}

// TestParseSession checks decoded session statements.
func TestParseSession(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"begin isolation level serializable read only", `{"Word":"BEGIN","Isolation":"serializable","ReadOnly":true}`},
		{"commit and chain", `{"Word":"COMMIT","Chain":true}`},
		{"rollback to savepoint a", `{"Word":"ROLLBACK TO","Name":"a"}`},
		{"set local search_path to a, b", `{"Word":"SET","Name":"search_path","Args":["a","b"],"Local":true}`},
		{"set time zone 'UTC'", `{"Word":"SET","Name":"timezone","Args":["UTC"]}`},
		{"set x to default", `{"Word":"SET","Name":"x","Default":true}`},
		{"reset all", `{"Word":"RESET","Name":"all","Default":true}`},
		{"copy s.t (a, b) from stdin with (format csv, header)", `{"Word":"COPY","Schema":"s","Table":"t","Columns":["a","b"],"From":true,"Options":[["format","csv"],["header",""]]}`},
		{"copy pgbench_accounts from stdin with (freeze on)", `{"Word":"COPY","Table":"pgbench_accounts","From":true,"Options":[["freeze","on"]]}`},
		{"copy (select 1) to stdout", `{"Word":"COPY","Query":"SELECT 1"}`},
		{"prepare p (int, text) as select $1, $2", `{"Word":"PREPARE","Name":"p","Query":"select $1, $2","Types":[5,10]}`},
		{"execute p(1, 'a')", `{"Word":"EXECUTE","Name":"p","Exprs":["1","'a'"]}`},
		{"notify c, 'hi'", `{"Word":"NOTIFY","Name":"c","Args":["hi"]}`},
		{"create database d", `{"Word":"CREATE DATABASE","Name":"d"}`},
		{"declare c cursor for select 1", `{"Word":"DECLARE CURSOR","Name":"c","Query":"SELECT 1"}`},
		{"fetch all c", `{"Word":"FETCH","Name":"c","Args":["forward","all"]}`},
		{"discard all", `{"Word":"DISCARD ALL"}`},
		{"vacuum analyze a, s.b", `{"Word":"VACUUM","Args":["a","s.b"]}`},
	} {
		l, err := Parse(c.text)
		if err != nil || len(l) != 1 {
			t.Errorf("%q: %v", c.text, err)
			continue
		}
		if got := brief(l[0].Session); got != c.want {
			t.Errorf("%q:\n got %s\nwant %s", c.text, got, c.want)
		}
	}
}

// brief renders the set fields of a session statement as JSON in a fixed
// order.
func brief(s *rel.Session) string {
	var bases []op.Base
	for _, t := range s.Types {
		bases = append(bases, t.Base)
	}
	b, _ := json.Marshal(struct {
		Word      string
		Name      string      `json:",omitempty"`
		Args      []string    `json:",omitempty"`
		Exprs     []string    `json:",omitempty"`
		Query     string      `json:",omitempty"`
		Schema    string      `json:",omitempty"`
		Table     string      `json:",omitempty"`
		Columns   []string    `json:",omitempty"`
		From      bool        `json:",omitempty"`
		Options   [][2]string `json:",omitempty"`
		Local     bool        `json:",omitempty"`
		Default   bool        `json:",omitempty"`
		Isolation string      `json:",omitempty"`
		ReadOnly  *bool       `json:",omitempty"`
		Chain     bool        `json:",omitempty"`
		Types     []int       `json:",omitempty"`
	}{s.Word, s.Name, s.Args, s.Exprs, s.Query, s.Schema, s.Table, s.Columns, s.From, s.Options, s.Local, s.Default, s.Isolation, s.ReadOnly, s.Chain, ints(bases)})
	return string(b)
}

// ints widens bases for JSON, which would write a byte slice as text.
func ints(l []op.Base) []int {
	var out []int
	for _, b := range l {
		out = append(out, int(b))
	}
	return out
}

// TestParseErrors checks messages and positions.
func TestParseErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text, msg string
		pos       int
		code      op.Code
	}{
		{"selct 1", `syntax error at or near "selct"`, 1, op.Syntax},
		{"select 'é', , 2", `syntax error at or near ","`, 13, op.Syntax},
		{"select 'a", `unterminated quoted string at or near "'a"`, 8, op.Syntax},
		{"select (1", `syntax error at end of input`, 10, op.Syntax},
		{"select 1\x00", `invalid byte sequence for encoding "UTF8": 0x00`, 0, op.InvalidArgument},
		{"select 1" + strings.Repeat("+1", 60000), "stack depth limit exceeded", 0, op.TooLarge},
		{"select a" + strings.Repeat(" isnull", 60000), "stack depth limit exceeded", 0, op.TooLarge},
		{"select " + strings.Repeat("(", 60000), "stack depth limit exceeded", 0, op.TooLarge},
	} {
		_, err := Parse(c.text)
		e := op.AsError(err)
		if e == nil || e.Msg != c.msg || e.Position != c.pos || e.Code != c.code {
			t.Errorf("%.30q: %+v", c.text, e)
		}
	}
}

// TestAdmitWide accepts long flat texts.
func TestAdmitWide(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"select 1 from t where a = 1" + strings.Repeat(" or a = 1", 20000),
		"insert into t values (1, 'x')" + strings.Repeat(", (-1, 'x' || 'y')", 20000),
	} {
		if _, err := Parse(s); err != nil {
			t.Errorf("%.40q: %v", s, err)
		}
	}
}

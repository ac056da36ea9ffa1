// Package arch holds the house rules as tests: which package may import which,
// what an init may do, how a system is laid out, how long a file may be. It
// tests the shape of the tree, not what the program does.
package arch

import (
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of the repository's root.
const module = "github.com/dot-do/dotdo-proxy/"

// root is the repository's root, seen from this folder.
const root = "../.."

// maxLines is the longest a source file may be.
const maxLines = 800

// row says what the packages that match Pkg may import of this module. "x/..."
// matches x and everything below it, "x/*" what is directly below x. Of
// another module's packages, those of owned are the only limit.
type row struct {
	pkg     string
	imports []string
}

// table is the dependency rule. The first row that matches a package counts; a
// package without a row is an error.
var table = []row{
	{"cmd/dotdo-proxy", []string{"protocol/...", "shard", "replica", "stream", "tier", "vector", "backend/..."}},
	{"test/...", []string{"test/internal/...", "backend/...", "protocol/...", "shard", "replica", "stream", "tier", "vector"}},

	{"protocol/all", []string{"protocol/*"}},
	{"protocol/host", []string{"protocol", "backend"}},
	{"protocol/internal/...", []string{"protocol", "protocol/internal/...", "backend", "backend/op/..."}},
	{"protocol/*", []string{"protocol", "protocol/internal/...", "backend", "backend/op/..."}},
	{"protocol/*/*", []string{"protocol", "protocol/internal/...", "backend", "backend/op/..."}},
	{"protocol", []string{"backend"}},

	{"shard", []string{"backend", "backend/op/...", "backend/sql/...", "backend/sqlite"}},
	{"replica", []string{"backend", "backend/op/..."}},
	{"stream", []string{"backend", "backend/op/..."}},
	{"vector", []string{"backend", "backend/op/..."}},
	{"tier", []string{"backend/op/..."}},

	{"backend/backendtest", []string{"backend", "backend/op/..."}},
	{"backend/engine/...", []string{"backend", "backend/engine/...", "backend/object", "backend/sqlite", "backend/sql/...", "backend/op/...", "tier"}},
	{"backend/object", []string{"backend/sqlite", "backend/sql/catalog", "backend/op/...", "tier"}},
	{"backend/sql/...", []string{"backend/sql/...", "backend/sqlite", "backend/op/..."}},
	{"backend/sqlite", []string{"backend/op"}},
	{"backend", []string{"backend/op"}},

	{"backend/op", nil},
	{"backend/op/...", []string{"backend/op/..."}},
}

// owned lists foreign packages that only some packages may import.
var owned = []row{
	{"github.com/mattn/go-sqlite3", []string{"backend/sqlite"}},
	{"github.com/spf13/viper", []string{"cmd/dotdo-proxy"}},
	{"github.com/spf13/cobra", []string{"cmd/dotdo-proxy"}},
	{"github.com/pganalyze/pg_query_go/v6", []string{"backend/sql/..."}},
	{"github.com/pingcap/tidb/pkg/parser/...", []string{"backend/sql/..."}},
	{"github.com/nats-io/nats-server/v2/...", []string{"protocol/nats", "replica"}},
	{"github.com/fxamacker/cbor/v2", []string{"backend/op/codec"}},
	{"database/sql", []string{"test/..."}},
	{"C", []string{"backend/sqlite"}},
}

// pkg is what "go list" tells of a package.
type pkg struct {
	ImportPath string
	Dir        string
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
}

// list returns all packages of the module.
func list(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,GoFiles,CgoFiles,Imports", "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var all []pkg
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		p.ImportPath = strings.TrimPrefix(p.ImportPath, module)
		all = append(all, p)
	}
}

// matches reports whether a path is one of a pattern.
func matches(pattern, path string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return path == base || strings.HasPrefix(path, base+"/")
	}
	ok, err := filepath.Match(pattern, path)
	return err == nil && ok
}

// anyMatches reports whether a path is one of some patterns.
func anyMatches(patterns []string, path string) bool {
	for _, p := range patterns {
		if matches(p, path) {
			return true
		}
	}
	return false
}

// offences returns what an import table says against a package.
func offences(p pkg) []string {
	var bad []string
	var rule *row
	for i := range table {
		if matches(table[i].pkg, p.ImportPath) {
			rule = &table[i]
			break
		}
	}
	if rule == nil {
		return []string{p.ImportPath + " has no row in the import table"}
	}
	for _, imp := range p.Imports {
		inner, ours := strings.CutPrefix(imp, module)
		if ours && !anyMatches(rule.imports, inner) {
			bad = append(bad, p.ImportPath+" may not import "+inner)
		}
		for _, o := range owned {
			if matches(o.pkg, imp) && !anyMatches(o.imports, p.ImportPath) {
				bad = append(bad, p.ImportPath+" may not import "+imp+", only "+strings.Join(o.imports, ", ")+" may")
			}
		}
	}
	if p.ImportPath == "backend/op" {
		for _, imp := range p.Imports {
			if strings.Contains(imp, ".") {
				bad = append(bad, "backend/op may only import the standard library, not "+imp)
			}
		}
	}
	return bad
}

func TestImports(t *testing.T) {
	t.Parallel()
	for _, p := range list(t) {
		for _, bad := range offences(p) {
			t.Error(bad)
		}
	}
}

func TestImportTableCatches(t *testing.T) {
	t.Parallel()
	for _, p := range []pkg{
		{ImportPath: "protocol/mongo", Imports: []string{module + "backend/object"}},
		{ImportPath: "protocol/mongo", Imports: []string{module + "protocol/redis"}},
		{ImportPath: "protocol/redis", Imports: []string{module + "shard"}},
		{ImportPath: "backend/object", Imports: []string{module + "backend/engine"}},
		{ImportPath: "backend/engine/kv", Imports: []string{"github.com/mattn/go-sqlite3"}},
		{ImportPath: "shard", Imports: []string{"github.com/spf13/viper"}},
		{ImportPath: "backend/op", Imports: []string{"github.com/fxamacker/cbor/v2"}},
		{ImportPath: "util"},
	} {
		if len(offences(p)) == 0 {
			t.Errorf("%s with %v was accepted", p.ImportPath, p.Imports)
		}
	}
}

// source is one parsed file.
type source struct {
	pkg  string
	path string
	file *ast.File
	set  *token.FileSet
}

// sources parses all files that are not tests.
func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	for _, p := range list(t) {
		for _, name := range append(p.GoFiles, p.CgoFiles...) {
			set := token.NewFileSet()
			path := filepath.Join(p.Dir, name)
			f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, source{p.ImportPath, filepath.Join(p.ImportPath, name), f, set})
		}
	}
	return all
}

// isSystem reports whether a package is a system's folder.
func isSystem(path string) bool {
	return matches("protocol/*", path) && path != "protocol/host" && path != "protocol/all" && path != "protocol/internal"
}

// calls reports whether a node calls pkg.name.
func calls(n ast.Node, pkg string, names ...string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok || x.Name != pkg {
		return false
	}
	for _, name := range names {
		if sel.Sel.Name == name {
			return true
		}
	}
	return false
}

// registers reports whether a body is one call of protocol.Register.
func registers(body *ast.BlockStmt) bool {
	if len(body.List) != 1 {
		return false
	}
	e, ok := body.List[0].(*ast.ExprStmt)
	return ok && calls(e.X, "protocol", "Register")
}

func TestInitOnlyRegisters(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Name.Name != "init" {
				continue
			}
			if !isSystem(s.pkg) || !registers(f.Body) {
				t.Errorf("%s: an init may only be a system's one call of protocol.Register", s.path)
			}
		}
	}
}

// clocks are the files below the engines that may read the clock, with the
// reason.
var clocks = map[string]string{
	"backend/engine/rel/env.go":     "clock_timestamp() is the clock by definition",
	"backend/sql/funcs/session.go":  "clock_timestamp() is the clock by definition",
	"backend/sql/funcs/register.go": "an index is built outside of a statement",
	"backend/sql/funcs/encoding.go": "pg_postmaster_start_time() is when the process began",
}

func TestForbiddenCalls(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		ast.Inspect(s.file, func(n ast.Node) bool {
			if s.pkg != "protocol/host" && !matches("test/...", s.pkg) && calls(n, "net", "Listen", "ListenTCP", "ListenPacket", "FileListener") {
				t.Errorf("%s: only protocol/host opens listeners", s.set.Position(n.Pos()))
			}
			if (matches("backend/engine/...", s.pkg) || matches("backend/sql/...", s.pkg)) && clocks[s.path] == "" && calls(n, "time", "Now", "Since", "Sleep", "After") {
				t.Errorf("%s: engines take the time from the transaction", s.set.Position(n.Pos()))
			}
			return true
		})
	}
}

func TestSystems(t *testing.T) {
	t.Parallel()
	f, err := parser.ParseFile(token.NewFileSet(), root+"/protocol/all/all.go", nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	linked := map[string]bool{}
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		linked[strings.TrimPrefix(path, module)] = true
	}
	for _, p := range list(t) {
		if !isSystem(p.ImportPath) {
			continue
		}
		if !linked[p.ImportPath] {
			t.Errorf("%s has no line in protocol/all/all.go", p.ImportPath)
		}
		for _, file := range []string{p.ImportPath + "/README.md", p.ImportPath + "/skip.txt", "test/conformance/" + filepath.Base(p.ImportPath)} {
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("system %s has no %s", p.ImportPath, file)
			}
		}
	}
}

func TestFileLength(t *testing.T) {
	t.Parallel()
	for _, s := range sources(t) {
		if n := s.set.File(s.file.Pos()).LineCount(); n > maxLines && !ast.IsGenerated(s.file) {
			t.Errorf("%s has %d lines, at most %d are allowed", s.path, n, maxLines)
		}
	}
}

// undocumented returns the names a declaration introduces without a comment. A
// group is documented by its own comment.
func undocumented(d ast.Decl) []string {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Doc == nil && d.Name.Name != "init" && d.Name.Name != "main" {
			return []string{d.Name.Name}
		}
	case *ast.GenDecl:
		if d.Doc != nil || d.Tok == token.IMPORT {
			return nil
		}
		var names []string
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Doc == nil && spec.Comment == nil {
					names = append(names, spec.Name.Name)
				}
			case *ast.ValueSpec:
				if spec.Doc == nil && spec.Comment == nil && spec.Names[0].Name != "_" {
					names = append(names, spec.Names[0].Name)
				}
			}
		}
		return names
	}
	return nil
}

func TestComments(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, s := range sources(t) {
		documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
		if ast.IsGenerated(s.file) {
			continue
		}
		end := 0 // line on which the last declaration ended
		for _, d := range s.file.Decls {
			from, to := s.set.Position(d.Pos()).Line, s.set.Position(d.End()).Line
			grouped := from == to && from == end+1 // a run of one-line methods shares the first one's comment
			end = to
			if grouped {
				continue
			}
			for _, name := range undocumented(d) {
				t.Errorf("%s: %s has no comment", s.set.Position(d.Pos()), name)
			}
		}
	}
	var bare []string
	for p, ok := range documented {
		if !ok {
			bare = append(bare, p)
		}
	}
	sort.Strings(bare)
	for _, p := range bare {
		t.Errorf("package %s has no doc comment", p)
	}
}

package mysql

import (
	"strings"
	"testing"

	"github.com/dot-do/dotdo-proxy/backend/op"
	"github.com/dot-do/dotdo-proxy/backend/op/rel"
	"github.com/dot-do/dotdo-proxy/backend/sql/catalog"
	"github.com/dot-do/dotdo-proxy/backend/sql/system"
)

// sample is a catalog with one table of each dialect's making.
func sample() *catalog.Snapshot {
	t := &catalog.Table{Schema: "public", Name: "t", Primary: []string{"id"}, PrimaryName: "t_pkey", Comment: "it's",
		Columns: []*catalog.Column{
			{Name: "id", Type: op.Type{Base: op.TInt4, Unsigned: true}, NotNull: true, AutoInc: true},
			{Name: "name", Type: op.Type{Base: op.TVarchar, Size: 20}, Default: "'x'", CI: true},
			{Name: "at", Type: op.Type{Base: op.TTimestamp, Size: 4}, Default: "CURRENT_TIMESTAMP(3)", OnUpdateNow: true},
			{Name: "e", Type: op.Type{Base: op.TEnum}, Labels: []string{"a", "b'c"}, CI: true},
		},
		Indexes: []*catalog.Index{
			{Name: "t_pkey", Primary: true, Unique: true, Items: []catalog.IndexItem{{Column: "id"}}},
			{Name: "k", Unique: true, Items: []catalog.IndexItem{{Column: "name", Desc: true}}},
		},
		Constraints: []*catalog.Constraint{{Name: "f", Kind: "FOREIGN KEY", Columns: []string{"id"}, RefTable: catalog.Key{Schema: "public", Name: "u"}, OnDelete: "CASCADE"}},
	}
	u := &catalog.Table{Schema: "public", Name: "u", Primary: []string{"id"}, Columns: []*catalog.Column{{Name: "id", Type: op.Type{Base: op.TUUID}, NotNull: true}}}
	return &catalog.Snapshot{Tables: map[catalog.Key]*catalog.Table{t.Key(): t, u.Key(): u}}
}

func TestCreateText(t *testing.T) {
	t.Parallel()
	cat := sample()
	got := createText(cat, cat.Tables[catalog.Key{Schema: "public", Name: "t"}])
	want := "CREATE TABLE `t` (\n  `id` int unsigned NOT NULL AUTO_INCREMENT,\n  `name` varchar(20) DEFAULT 'x',\n  `at` datetime(3) DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),\n  `e` enum('a','b''c') DEFAULT NULL,\n  PRIMARY KEY (`id`),\n  UNIQUE KEY `k` (`name` DESC),\n  CONSTRAINT `f` FOREIGN KEY (`id`) REFERENCES `u` (`id`) ON DELETE CASCADE\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci COMMENT='it''s'"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if _, err := Convert(&rel.Stmt{Text: got}); err != nil {
		t.Error(err)
	}
}

func TestRegisteredRelationsFill(t *testing.T) {
	t.Parallel()
	r := system.New(nil)
	Register(r)
	for _, s := range relations() {
		tab, _, ok := r.Relation(rel.MySQL, s.schema, strings.ToLower(s.name))
		if !ok {
			t.Fatalf("%s is not registered", s.name)
		}
		if s.fill == nil {
			continue
		}
		rows := s.fill(sample(), &rel.Env{Database: "main"})
		if len(rows) == 0 && s.name != "VIEWS" && s.name != "CHECK_CONSTRAINTS" {
			t.Errorf("%s is empty", s.name)
		}
		for _, row := range rows {
			for k := range row {
				if tab.Column(k) == nil && s.name != "COLLATION_CHARACTER_SET_APPLICABILITY" {
					t.Errorf("%s has no column %s", s.name, k)
				}
			}
		}
		if got := lay(tab.Columns, rows); len(got) != len(rows) {
			t.Errorf("%s: %d rows", s.name, len(got))
		}
	}
}

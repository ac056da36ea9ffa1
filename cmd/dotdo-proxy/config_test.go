package main

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// write puts a config file into a temporary directory.
func write(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestConfigRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, file, set, listen, want string }{
		{"unknown key", "nonsense: 1", "", "", "nonsense"},
		{"unknown nested key", "limits: {conections: 1}", "", "", "conections"},
		{"unknown set key", "", "no.such=1", "", "no"},
		{"set without value", "", "limits.connections", "", "want key=value"},
		{"unknown listener", "listen: {oracle: '127.0.0.1:1521'}", "", "", `"oracle"`},
		{"unknown listener flag", "", "", "oracle=127.0.0.1:1521", `"oracle"`},
		{"bad address", "", "", "admin=8600", "HOST:PORT"},
		{"bad number", "limits: {connections: many}", "", "", "limits.connections"},
		{"pre_auth above a MiB", "limits: {pre_auth: 2000000}", "", "", "limits.pre_auth"},
		{"open to the network", "", "", "admin=0.0.0.0:8600", "auth: trust"},
		{"password without users", "auth: password", "", "", "nobody could connect"},
		{"user without password", "users: [{name: ann}]", "", "", "users[0]"},
		{"user twice", "users: [{name: a, password: x}, {name: a, password: y}]", "", "", "twice"},
		{"half of tls", "tls: {cert: a.pem}", "", "", "tls.key"},
		{"durability", "durability: sometimes", "", "", "durability"},
		{"settings of nobody", "settings: {oracle: {x: 1}}", "", "", "settings.oracle"},
		{"unknown block", "databases: [{name: a, shards: {count: 2}}]", "", "", `"shards"`},
		{"unknown option", "databases: [{name: a, shard: {cont: 2}}]", "", "", "shard.cont"},
		{"bad option value", "databases: [{name: a, shard: {count: 0}}]", "", "", "shard.count"},
		{"not yet effective", "databases: [{name: a, replica: {readFrom: nearest}}]", "", "", "replica.readFrom"},
		{"database without name", "databases: [{shard: {count: 2}}]", "", "", "no name"},
		{"no YAML", "a: [", "", "", "c.yaml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f := flags{config: write(t, c.file)}
			if c.set != "" {
				f.set = []string{c.set}
			}
			if c.listen != "" {
				f.listen = []string{c.listen}
			}
			if _, err := loadConfig(f); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestListenersAreExactlyTheFlags(t *testing.T) {
	t.Parallel()
	c, err := loadConfig(flags{listen: []string{"admin=127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"admin": "127.0.0.1:0"}; !reflect.DeepEqual(c.listeners, want) {
		t.Errorf("listeners %v, want %v", c.listeners, want)
	}
}

func TestAuthByConfig(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		file  string
		trust bool
	}{
		{"", true},
		{"auth: trust\nlisten: {admin: '0.0.0.0:8600'}", true},
		{"users: [{name: a, password: b}]\nlisten: {admin: '0.0.0.0:8600'}", false},
		{"users: [{name: a, password: b}]", false},
	} {
		cfg, err := loadConfig(flags{config: write(t, c.file)})
		if err != nil {
			t.Fatal(c.file, err)
		}
		if cfg.trust != c.trust {
			t.Errorf("%q: trust %v", c.file, cfg.trust)
		}
	}
}

func TestDatabaseOptions(t *testing.T) {
	t.Parallel()
	cfg, err := loadConfig(flags{config: write(t, "databases: [{name: Shop, shard: {strategy: range, key: id, ranges: [10, 20]}}]")})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"shard.strategy": "range", "shard.key": "id", "shard.ranges": "10,20"}
	if cfg.Databases[0].Name != "Shop" || !reflect.DeepEqual(cfg.Databases[0].options(), want) {
		t.Errorf("%+v", cfg.Databases[0])
	}
}

func TestExamplesLoad(t *testing.T) {
	t.Parallel()
	paths, err := filepath.Glob("../../configs/*.yaml")
	if err != nil || len(paths) < 4 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		if _, err := loadConfig(flags{config: path}); err != nil {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestDocumentedDefaults holds configs/dotdo-proxy.yaml to the defaults.
func TestDocumentedDefaults(t *testing.T) {
	t.Parallel()
	plain, err := loadConfig(flags{})
	if err != nil {
		t.Fatal(err)
	}
	documented, err := loadConfig(flags{config: "../../configs/dotdo-proxy.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []*config{plain, documented} { // written out as empty is the same as absent
		c.Users, c.RawDatabases, c.Settings = nil, nil, nil
	}
	if !reflect.DeepEqual(plain, documented) {
		t.Errorf("defaults\n%+v\ndocumented\n%+v", plain, documented)
	}
	text, err := os.ReadFile("../../configs/dotdo-proxy.yaml")
	if err != nil {
		t.Fatal(err)
	}
	kind := reflect.TypeFor[config]()
	for i := range kind.NumField() {
		if key := kind.Field(i).Tag.Get("mapstructure"); key != "" && key != "-" && !strings.Contains("\n"+string(text), "\n"+key+":") {
			t.Errorf("key %s is not documented", key)
		}
	}
	for name := range plain.listeners {
		if !strings.Contains(string(text), "  "+name+": 127.0.0.1:") {
			t.Errorf("listener %s is not documented", name)
		}
	}
}

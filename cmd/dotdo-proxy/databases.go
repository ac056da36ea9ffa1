package main

import (
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/dot-do/dotdo-proxy/replica"
	"github.com/dot-do/dotdo-proxy/shard"
	"github.com/dot-do/dotdo-proxy/stream"
	"github.com/dot-do/dotdo-proxy/tier"
	"github.com/dot-do/dotdo-proxy/vector"
)

// database gives one database its extended options.
type database struct {
	Name   string
	blocks map[string]map[string]string // block → option → value
}

// blocks are the extended option blocks with the check of each.
var blocks = map[string]func(map[string]string) error{
	"shard":   func(v map[string]string) error { _, err := shard.Parse(v); return err },
	"replica": func(v map[string]string) error { _, err := replica.Parse(v); return err },
	"stream":  func(v map[string]string) error { _, err := stream.Parse(v); return err },
	"tier":    func(v map[string]string) error { _, err := tier.Parse(v); return err },
	"vector":  func(v map[string]string) error { _, err := vector.Parse(v); return err },
}

// readDatabases reads the databases of a config file. viper folds the case of
// keys, and option names have capitals, so this part is read on its own.
func readDatabases(path string) ([]database, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var file struct {
		Databases []map[string]any `yaml:"databases"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, err
	}
	var list []database
	seen := map[string]bool{}
	for i, entry := range file.Databases {
		d := database{blocks: map[string]map[string]string{}}
		d.Name, _ = entry["name"].(string)
		if d.Name == "" {
			return nil, fmt.Errorf("databases[%d] has no name", i)
		}
		if seen[d.Name] {
			return nil, fmt.Errorf("database %q is listed twice", d.Name)
		}
		seen[d.Name] = true
		for key, value := range entry {
			if key == "name" {
				continue
			}
			if err := d.add(key, value); err != nil {
				return nil, fmt.Errorf("database %q: %w", d.Name, err)
			}
		}
		list = append(list, d)
	}
	return list, nil
}

// add takes one block of a database.
func (d *database) add(block string, value any) error {
	check, ok := blocks[block]
	if !ok {
		return fmt.Errorf("unknown key %q; there are name replica shard stream tier vector", block)
	}
	if value == nil {
		return nil
	}
	options := map[string]string{}
	if err := flatten(options, "", value); err != nil {
		return fmt.Errorf("%s: %w", block, err)
	}
	d.blocks[block] = options
	return check(options)
}

// flatten turns nested YAML into dotted names and text; lists are joined by
// commas, as in a connection string.
func flatten(into map[string]string, prefix string, value any) error {
	switch v := value.(type) {
	case map[string]any:
		for k, e := range v {
			if prefix != "" {
				k = prefix + "." + k
			}
			if err := flatten(into, k, e); err != nil {
				return err
			}
		}
		return nil
	case []any:
		parts := make([]string, len(v))
		for i, e := range v {
			switch e.(type) {
			case map[string]any, []any:
				return fmt.Errorf("%q holds a list of compounds; want a list of plain values", prefix)
			}
			parts[i] = fmt.Sprint(e)
		}
		into[prefix] = strings.Join(parts, ",")
		return nil
	}
	if prefix == "" {
		return fmt.Errorf("want a block of options, not %v", value)
	}
	into[prefix] = fmt.Sprint(value)
	return nil
}

// options returns all options by dotted name with their block.
func (d database) options() map[string]string {
	all := map[string]string{}
	for block, options := range d.blocks {
		for k, v := range options {
			all[block+"."+k] = v
		}
	}
	return all
}

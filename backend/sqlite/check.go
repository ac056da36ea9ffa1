package sqlite

// #include "shim.h"
import "C"

import (
	"errors"
	"fmt"
)

// minVersion is the first version without the WAL-reset race that can lose
// commits.
const minVersion = 3051003

// features are the compile options the daemon needs, each with the build tag
// of go-sqlite3 that sets it.
var features = []struct{ option, tag string }{
	{"ENABLE_FTS5", "sqlite_fts5"},
	{"ENABLE_MATH_FUNCTIONS", "sqlite_math_functions"},
	{"ENABLE_STAT4", "sqlite_stat4"},
	{"ENABLE_PREUPDATE_HOOK", "sqlite_preupdate_hook"},
	{"ENABLE_COLUMN_METADATA", "sqlite_column_metadata"},
	{"ENABLE_DBSTAT_VTAB", "sqlite_dbstat"},
	{"ENABLE_PERCENTILE", "sqlite_percentile"},
}

// Version returns the version of the SQLite library.
func Version() string { return C.GoString(C.sqlite3_libversion()) }

// Check fails, naming what is missing, when the SQLite that was linked is too
// old or lacks a feature.
func Check() error {
	if v := int(C.sqlite3_libversion_number()); v < minVersion {
		return fmt.Errorf("sqlite %s is too old, need 3.51.3", Version())
	}
	c, err := Open(":memory:", Options{})
	if err != nil {
		return fmt.Errorf("sqlite self-check: %w", err)
	}
	defer c.Close()
	var missing []error
	for _, f := range features {
		rows, err := c.Query("SELECT sqlite_compileoption_used('" + f.option + "')")
		if err != nil {
			return fmt.Errorf("sqlite self-check: %w", err)
		}
		if rows[0][0].Int() != 1 {
			missing = append(missing, fmt.Errorf("sqlite lacks %s: build with -tags %s", f.option, f.tag))
		}
	}
	if _, err := c.Query(`SELECT json_extract('{"a":1}','$.a')`); err != nil {
		missing = append(missing, fmt.Errorf("sqlite lacks json: %w", err))
	}
	return errors.Join(missing...)
}

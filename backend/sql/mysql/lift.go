package mysql

import "github.com/dot-do/dotdo-proxy/backend/sql"

// Scan splits a text into template and literals; see postgres.Scan.
func Scan(text, sqlMode string, out *sql.Scan) bool { return false }

// Package sqlite is a thin layer over the SQLite C library that go-sqlite3
// compiles: connections, cached statements that bind all parameters in one
// call and fetch many rows in one call, Go functions and collations registered
// on every connection. It is the only package that imports go-sqlite3 or C.
package sqlite

// Package shard chooses the object of every operation and merges what several
// objects answer. It also keeps the list of databases with their options. It
// is a backend.Executor around another one that runs operations on one object;
// it knows nothing of wires, files or SQL text.
package shard

// Package all links every system into a binary: one import line a system.
package all

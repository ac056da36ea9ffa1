package sqlite

/*
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
static void dd_few_arenas(void) { mallopt(M_ARENA_MAX, 2); }
static void dd_trim(void) { malloc_trim(0); }
#else
static void dd_few_arenas(void) {}
static void dd_trim(void) {}
#endif
*/
import "C"

import "sync"

// fewArenas keeps the C allocator from making a heap for every thread: closed
// connections would leave holes in each of them.
var fewArenas = sync.OnceFunc(func() { C.dd_few_arenas() })

// Trim gives memory that closed connections left behind back to the system.
func Trim() { C.dd_trim() }

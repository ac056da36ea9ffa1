/* Own prototypes of the SQLite C interface (only what is used here) and the
 * helpers that let one call from Go do the work of many. */
#ifndef DOTDO_SHIM_H
#define DOTDO_SHIM_H
#include <stddef.h>
#include <stdint.h>

typedef struct sqlite3 sqlite3;
typedef struct sqlite3_stmt sqlite3_stmt;
typedef struct sqlite3_context sqlite3_context;
typedef struct sqlite3_value sqlite3_value;

/* Value classes of cells. */
enum { DD_NULL = 0, DD_INT = 1, DD_REAL = 2, DD_TEXT = 3, DD_BLOB = 4, DD_DONE = 5 };

/* One value. num is the integer, the bits of the double, or the offset of the
 * bytes in the heap that travels with the cell. */
typedef struct { uint32_t kind; uint32_t len; int64_t num; } dd_cell;

/* One function argument; p points into SQLite's memory. */
typedef struct { uint32_t kind; uint32_t len; int64_t num; const void *p; } dd_arg;

/* Result slot of a Go function. Short bytes are left in small. */
typedef struct { uint32_t kind; uint32_t len; int64_t num; sqlite3_context *ctx; char small[232]; } dd_out;

/* Rows fetched by one call. */
typedef struct {
  dd_cell *cells; char *heap;
  size_t ncells, ccells, nheap, cheap;
  int rows, cols;
} dd_buf;

/* One function of a registry. */
typedef struct { char *name; int nargs; int flags; int kind; } dd_def;
enum { DD_SCALAR = 0, DD_AGGREGATE = 1, DD_WINDOW = 2, DD_COLLATION = 3 };

struct dd_conn;
/* User data of one registered function on one connection. */
typedef struct { struct dd_conn *c; int id; } dd_fn;

typedef struct dd_conn {
  sqlite3 *db; uintptr_t handle; int frames; dd_fn *fns;
  int64_t changes; /* of the last dd_fetch that ended, 0 if it changed nothing */
  int watching; int64_t removed, same; /* see dd_watch */
  sqlite3_value **old; int nold;
  struct dd_cap *cap; /* change capture, NULL = none */
  uint64_t reads, writes; int ddl; /* what the statement being compiled touches */
} dd_conn;

/* dd_watch counts, from the call with on set, the rows that REPLACE removed to
 * make room and those it replaced by an identical one. */
void dd_watch(dd_conn *c, int on);
void dd_watched(dd_conn *c, int op);
int dd_equal(sqlite3_value *a, sqlite3_value *b);
int dd_foreign_keys(dd_conn *c, int on);

int dd_setup(void);
int dd_open(const char *path, int readonly, uintptr_t handle, dd_conn **out);
int dd_close(dd_conn *c);
int dd_register(dd_conn *c, const dd_def *defs, int n);
int dd_collation(dd_conn *c, const char *name, int id);
int dd_missing(dd_conn *c);
int dd_prepare(dd_conn *c, const char *sql, int n, int persistent, sqlite3_stmt **out, int *tail);
int dd_bind(sqlite3_stmt *s, const dd_cell *cells, int n, const char *heap);
int dd_fetch(dd_conn *c, sqlite3_stmt *s, dd_buf *b, int maxrows, size_t maxbytes);
void dd_clear(sqlite3_stmt *s);
dd_buf *dd_buf_new(void);
void dd_buf_free(dd_buf *b);
void dd_buf_trim(dd_buf *b, size_t max);
int dd_checkpoint(dd_conn *c, int mode, int *log, int *done);
void dd_result_bytes(sqlite3_context *ctx, int kind, const void *p, int n);
void dd_result_error(sqlite3_context *ctx, const char *p, int n);

int dd_cmp_decimal(void *, int, const void *, int, const void *);
int dd_cmp_interval(void *, int, const void *, int, const void *);
int dd_cmp_ci(void *, int, const void *, int, const void *);
uint64_t dd_hash_ci(uint64_t h, const void *p, int n);

const char *sqlite3_libversion(void);
int sqlite3_libversion_number(void);
int sqlite3_config(int, ...);
int sqlite3_open_v2(const char *, sqlite3 **, int, const char *);
int sqlite3_close_v2(sqlite3 *);
int sqlite3_db_config(sqlite3 *, int, ...);
void *sqlite3_preupdate_hook(sqlite3 *, void (*)(void *, sqlite3 *, int, char const *, char const *, long long, long long), void *);
int sqlite3_preupdate_old(sqlite3 *, int, sqlite3_value **);
int sqlite3_preupdate_new(sqlite3 *, int, sqlite3_value **);
int sqlite3_preupdate_count(sqlite3 *);
int sqlite3_preupdate_depth(sqlite3 *);
sqlite3_value *sqlite3_value_dup(const sqlite3_value *);
void sqlite3_value_free(sqlite3_value *);
int sqlite3_exec(sqlite3 *, const char *, int (*)(void *, int, char **, char **), void *, char **);
void *sqlite3_wal_hook(sqlite3 *, int (*)(void *, sqlite3 *, const char *, int), void *);
int sqlite3_wal_checkpoint_v2(sqlite3 *, const char *, int, int *, int *);
int sqlite3_prepare_v3(sqlite3 *, const char *, int, unsigned int, sqlite3_stmt **, const char **);
int sqlite3_step(sqlite3_stmt *);
int sqlite3_reset(sqlite3_stmt *);
int sqlite3_clear_bindings(sqlite3_stmt *);
int sqlite3_finalize(sqlite3_stmt *);
int sqlite3_data_count(sqlite3_stmt *);
int sqlite3_column_count(sqlite3_stmt *);
const char *sqlite3_column_name(sqlite3_stmt *, int);
int sqlite3_stmt_readonly(sqlite3_stmt *);
sqlite3_value *sqlite3_column_value(sqlite3_stmt *, int);
int sqlite3_bind_parameter_count(sqlite3_stmt *);
int sqlite3_bind_null(sqlite3_stmt *, int);
int sqlite3_bind_int64(sqlite3_stmt *, int, long long);
int sqlite3_bind_double(sqlite3_stmt *, int, double);
int sqlite3_bind_text64(sqlite3_stmt *, int, const char *, unsigned long long, void (*)(void *), unsigned char);
int sqlite3_bind_blob64(sqlite3_stmt *, int, const void *, unsigned long long, void (*)(void *));
int sqlite3_value_type(sqlite3_value *);
long long sqlite3_value_int64(sqlite3_value *);
double sqlite3_value_double(sqlite3_value *);
int sqlite3_value_bytes(sqlite3_value *);
const void *sqlite3_value_blob(sqlite3_value *);
void sqlite3_result_null(sqlite3_context *);
void sqlite3_result_int64(sqlite3_context *, long long);
void sqlite3_result_double(sqlite3_context *, double);
void sqlite3_result_text64(sqlite3_context *, const char *, unsigned long long, void (*)(void *), unsigned char);
void sqlite3_result_blob64(sqlite3_context *, const void *, unsigned long long, void (*)(void *));
void sqlite3_result_error(sqlite3_context *, const char *, int);
void sqlite3_result_error_nomem(sqlite3_context *);
void *sqlite3_user_data(sqlite3_context *);
void *sqlite3_aggregate_context(sqlite3_context *, int);
int sqlite3_create_function_v2(sqlite3 *, const char *, int, int, void *,
  void (*)(sqlite3_context *, int, sqlite3_value **), void (*)(sqlite3_context *, int, sqlite3_value **),
  void (*)(sqlite3_context *), void (*)(void *));
int sqlite3_create_window_function(sqlite3 *, const char *, int, int, void *,
  void (*)(sqlite3_context *, int, sqlite3_value **), void (*)(sqlite3_context *),
  void (*)(sqlite3_context *), void (*)(sqlite3_context *, int, sqlite3_value **), void (*)(void *));
int sqlite3_create_collation_v2(sqlite3 *, const char *, int, void *,
  int (*)(void *, int, const void *, int, const void *), void (*)(void *));
int sqlite3_collation_needed(sqlite3 *, void *, void (*)(void *, sqlite3 *, int, const char *));
long long sqlite3_changes64(sqlite3 *);
long long sqlite3_total_changes64(sqlite3 *);
long long sqlite3_last_insert_rowid(sqlite3 *);
int sqlite3_extended_errcode(sqlite3 *);
const char *sqlite3_errmsg(sqlite3 *);
const char *sqlite3_errstr(int);
int sqlite3_table_column_metadata(sqlite3 *, const char *, const char *, const char *, char const **, char const **, int *, int *, int *);
int sqlite3_error_offset(sqlite3 *);
void sqlite3_interrupt(sqlite3 *);
int sqlite3_db_status(sqlite3 *, int op, int *current, int *high, int reset);
int sqlite3_get_autocommit(sqlite3 *);
#endif

#include <stdlib.h>
#include <string.h>
#include "capture.h"
#include "_cgo_export.h"

#define OK 0
#define NOMEM 7
#define ROW 100
#define DONE 101
#define UTF8 1
#define STATIC ((void (*)(void *))0)
#define TRANSIENT ((void (*)(void *))-1)

/* dd_setup switches off memory statistics; it must run before the first open. */
int dd_setup(void) { return sqlite3_config(9 /* MEMSTATUS */, 0); }

/* on_wal records the number of frames in the WAL after a commit. */
static int on_wal(void *p, sqlite3 *db, const char *name, int frames) {
  (void)db;
  if (name[0] == 'm') ((dd_conn *)p)->frames = frames;
  return OK;
}

/* dd_open opens a connection that one thread at a time uses. *out is set even
 * on failure when there is a message to read; dd_close frees it. */
int dd_open(const char *path, int readonly, uintptr_t handle, dd_conn **out) {
  dd_conn *c = calloc(1, sizeof *c);
  *out = c;
  if (!c) return NOMEM;
  c->handle = handle;
  /* NOMUTEX | EXRESCODE | READONLY or READWRITE|CREATE */
  int rc = sqlite3_open_v2(path, &c->db, 0x8000 | 0x02000000 | (readonly ? 1 : 6), NULL);
  if (rc) return rc;
  sqlite3_db_config(c->db, 1013, 0, NULL); /* DQS_DML off: "x" is never a string */
  sqlite3_db_config(c->db, 1014, 0, NULL); /* DQS_DDL off */
  sqlite3_db_config(c->db, 1007, 1, NULL); /* QPSG: a changed binding never re-plans */
  sqlite3_wal_hook(c->db, on_wal, c); /* also switches automatic checkpoints off */
  dd_auth_open(c);
  if (!readonly && (rc = dd_cap_open(c))) return rc;
  sqlite3_create_collation_v2(c->db, "decimal", UTF8, NULL, dd_cmp_decimal, NULL);
  sqlite3_create_collation_v2(c->db, "interval", UTF8, NULL, dd_cmp_interval, NULL);
  sqlite3_create_collation_v2(c->db, "ci", UTF8, NULL, dd_cmp_ci, NULL);
  return OK;
}

int dd_close(dd_conn *c) {
  dd_cap_close(c);
  int rc = sqlite3_close_v2(c->db);
  free(c->fns);
  free(c);
  return rc;
}

/* dd_prepare compiles the first statement of sql; *tail is the offset of the
 * rest. */
int dd_prepare(dd_conn *c, const char *sql, int n, int persistent, sqlite3_stmt **out, int *tail) {
  const char *rest = sql;
  c->reads = c->writes = 0;
  c->ddl = 0;
  int rc = sqlite3_prepare_v3(c->db, sql, n, persistent ? 1 : 0, out, &rest);
  *tail = (int)(rest - sql);
  return rc;
}

/* dd_bind binds cells to parameters 1 … n. Bytes stay in heap, which the
 * caller keeps until the statement is bound again or cleared. */
int dd_bind(sqlite3_stmt *s, const dd_cell *v, int n, const char *heap) {
  for (int i = 0; i < n; i++, v++) {
    int rc;
    double d;
    switch (v->kind) {
    case DD_INT: rc = sqlite3_bind_int64(s, i + 1, v->num); break;
    case DD_REAL: memcpy(&d, &v->num, 8); rc = sqlite3_bind_double(s, i + 1, d); break;
    case DD_TEXT: rc = sqlite3_bind_text64(s, i + 1, v->len ? heap + v->num : "", v->len, STATIC, UTF8); break;
    case DD_BLOB: rc = sqlite3_bind_blob64(s, i + 1, v->len ? heap + v->num : "", v->len, STATIC); break;
    default: rc = sqlite3_bind_null(s, i + 1);
    }
    if (rc) return rc;
  }
  return OK;
}

void dd_clear(sqlite3_stmt *s) { sqlite3_clear_bindings(s); }

dd_buf *dd_buf_new(void) { return calloc(1, sizeof(dd_buf)); }

void dd_buf_free(dd_buf *b) {
  if (!b) return;
  free(b->cells);
  free(b->heap);
  free(b);
}

/* dd_buf_trim gives memory back after an unusually large result. */
void dd_buf_trim(dd_buf *b, size_t max) {
  if (b->ccells * sizeof(dd_cell) > max) { free(b->cells); b->cells = NULL; b->ccells = 0; }
  if (b->cheap > max) { free(b->heap); b->heap = NULL; b->cheap = 0; }
}

/* grow makes room for want elements of size in *p. */
static int grow(void **p, size_t *cap, size_t want, size_t size) {
  if (want <= *cap) return 1;
  size_t n = *cap ? *cap * 2 : 64;
  while (n < want) n *= 2;
  void *q = realloc(*p, n * size);
  if (!q) return 0;
  *p = q;
  *cap = n;
  return 1;
}

/* put_row appends the current row. Text is read through value_blob, which
 * does not copy it for a terminator. */
static int put_row(sqlite3_stmt *s, dd_buf *b) {
  int n = sqlite3_data_count(s);
  b->cols = n;
  if (!grow((void **)&b->cells, &b->ccells, b->ncells + n, sizeof(dd_cell))) return 0;
  for (int i = 0; i < n; i++) {
    sqlite3_value *v = sqlite3_column_value(s, i);
    dd_cell *c = &b->cells[b->ncells++];
    double d;
    int t = sqlite3_value_type(v);
    switch (t) {
    case 1: c->kind = DD_INT; c->len = 0; c->num = sqlite3_value_int64(v); break;
    case 2: c->kind = DD_REAL; c->len = 0; d = sqlite3_value_double(v); memcpy(&c->num, &d, 8); break;
    case 3: case 4: {
      size_t len = sqlite3_value_bytes(v);
      const void *p = sqlite3_value_blob(v);
      if (len && !p) return 0;
      if (!grow((void **)&b->heap, &b->cheap, b->nheap + len, 1)) return 0;
      c->kind = t; c->len = (uint32_t)len; c->num = (int64_t)b->nheap;
      if (len) memcpy(b->heap + b->nheap, p, len);
      b->nheap += len;
      break;
    }
    default: c->kind = DD_NULL; c->len = 0; c->num = 0;
    }
  }
  b->rows++;
  return 1;
}

/* dd_fetch steps until maxrows rows or maxbytes bytes are in b (0 = no bound;
 * it returns ROW) or the statement ends (DONE or an error; it is then reset). */
int dd_fetch(dd_conn *c, sqlite3_stmt *s, dd_buf *b, int maxrows, size_t maxbytes) {
  long long before = sqlite3_total_changes64(c->db);
  int rc;
  b->ncells = b->nheap = 0;
  b->rows = b->cols = 0;
  while ((rc = sqlite3_step(s)) == ROW) {
    if (!put_row(s, b)) { sqlite3_reset(s); return NOMEM; }
    if (maxrows > 0 && b->rows >= maxrows) break;
    if (maxbytes && b->nheap + b->ncells * sizeof(dd_cell) >= maxbytes) break;
  }
  if (sqlite3_total_changes64(c->db) != before) c->changes = sqlite3_changes64(c->db);
  if (rc != ROW) sqlite3_reset(s);
  return rc;
}

int dd_checkpoint(dd_conn *c, int mode, int *log, int *done) {
  return sqlite3_wal_checkpoint_v2(c->db, "main", mode, log, done);
}

/* fill describes function arguments in place. */
static void fill(dd_arg *a, int n, sqlite3_value **v) {
  for (int i = 0; i < n; i++, a++) {
    double d;
    int t = sqlite3_value_type(v[i]);
    a->len = 0; a->num = 0; a->p = NULL;
    switch (t) {
    case 1: a->kind = DD_INT; a->num = sqlite3_value_int64(v[i]); break;
    case 2: a->kind = DD_REAL; d = sqlite3_value_double(v[i]); memcpy(&a->num, &d, 8); break;
    case 3: case 4: a->kind = t; a->len = sqlite3_value_bytes(v[i]); a->p = sqlite3_value_blob(v[i]); break;
    default: a->kind = DD_NULL;
    }
  }
}

/* give hands the result of a Go function to SQLite. */
static void give(sqlite3_context *x, dd_out *o) {
  double d;
  switch (o->kind) {
  case DD_NULL: sqlite3_result_null(x); break;
  case DD_INT: sqlite3_result_int64(x, o->num); break;
  case DD_REAL: memcpy(&d, &o->num, 8); sqlite3_result_double(x, d); break;
  case DD_TEXT: case DD_BLOB: dd_result_bytes(x, o->kind, o->small, o->len); break;
  }
}

void dd_result_bytes(sqlite3_context *x, int kind, const void *p, int n) {
  if (kind == DD_TEXT) sqlite3_result_text64(x, n ? p : "", n, TRANSIENT, UTF8);
  else sqlite3_result_blob64(x, n ? p : "", n, TRANSIENT);
}

void dd_result_error(sqlite3_context *x, const char *p, int n) { sqlite3_result_error(x, p, n); }

/* run calls a Go entry point with decoded arguments. */
static void run(sqlite3_context *x, int n, sqlite3_value **v, int what, int64_t *slot) {
  dd_fn *f = sqlite3_user_data(x);
  dd_arg small[12], *a = small;
  dd_out o;
  if (n > 12 && !(a = malloc(n * sizeof *a))) { sqlite3_result_error_nomem(x); return; }
  fill(a, n, v);
  o.kind = DD_DONE;
  o.ctx = x;
  dotdoCall(f->c->handle, f->id, what, n, a, slot, &o);
  give(x, &o);
  if (a != small) free(a);
}

static void x_scalar(sqlite3_context *x, int n, sqlite3_value **v) { run(x, n, v, 0, NULL); }

static void x_step(sqlite3_context *x, int n, sqlite3_value **v) {
  int64_t *slot = sqlite3_aggregate_context(x, sizeof *slot);
  if (!slot) { sqlite3_result_error_nomem(x); return; }
  run(x, n, v, 1, slot);
}

static void x_inverse(sqlite3_context *x, int n, sqlite3_value **v) {
  int64_t *slot = sqlite3_aggregate_context(x, sizeof *slot);
  if (!slot) { sqlite3_result_error_nomem(x); return; }
  run(x, n, v, 2, slot);
}

static void x_value(sqlite3_context *x) { run(x, 0, NULL, 3, sqlite3_aggregate_context(x, 0)); }

static void x_final(sqlite3_context *x) { run(x, 0, NULL, 4, sqlite3_aggregate_context(x, 0)); }

/* x_compare is a collation written in Go. */
static int x_compare(void *p, int na, const void *a, int nb, const void *b) {
  dd_fn *f = p;
  return dotdoCompare(f->c->handle, f->id, na, (void *)a, nb, (void *)b);
}

/* dd_register puts all functions of a registry on a connection. */
int dd_register(dd_conn *c, const dd_def *d, int n) {
  if (!n) return OK;
  if (!(c->fns = calloc(n, sizeof *c->fns))) return NOMEM;
  for (int i = 0; i < n; i++) {
    dd_fn *f = &c->fns[i];
    int rc;
    f->c = c;
    f->id = i;
    switch (d[i].kind) {
    case DD_SCALAR: rc = sqlite3_create_function_v2(c->db, d[i].name, d[i].nargs, UTF8 | d[i].flags, f, x_scalar, NULL, NULL, NULL); break;
    case DD_AGGREGATE: rc = sqlite3_create_function_v2(c->db, d[i].name, d[i].nargs, UTF8 | d[i].flags, f, NULL, x_step, x_final, NULL); break;
    case DD_WINDOW: rc = sqlite3_create_window_function(c->db, d[i].name, d[i].nargs, UTF8 | d[i].flags, f, x_step, x_final, x_value, x_inverse, NULL); break;
    default: rc = sqlite3_create_collation_v2(c->db, d[i].name, UTF8, f, x_compare, NULL);
    }
    if (rc) return rc;
  }
  return OK;
}

/* dd_collation adds one Go collation to an open connection. */
int dd_collation(dd_conn *c, const char *name, int id) {
  dd_fn *f = malloc(sizeof *f);
  if (!f) return NOMEM;
  f->c = c;
  f->id = id;
  /* On failure SQLite does not call the destructor. */
  int rc = sqlite3_create_collation_v2(c->db, name, UTF8, f, x_compare, free);
  if (rc) free(f);
  return rc;
}

/* on_missing asks Go for a collation that a statement names. */
static void on_missing(void *p, sqlite3 *db, int enc, const char *name) {
  (void)db; (void)enc;
  dotdoMissing(((dd_conn *)p)->handle, (char *)name);
}

int dd_missing(dd_conn *c) { return sqlite3_collation_needed(c->db, c, on_missing); }

/* forget drops the values of the row that was removed last. */
static void forget(dd_conn *c) {
  for (int i = 0; i < c->nold; i++) sqlite3_value_free(c->old[i]);
  free(c->old);
  c->old = NULL;
  c->nold = 0;
}

/* equal compares two values as they are stored. */
int dd_equal(sqlite3_value *a, sqlite3_value *b) {
  int t = sqlite3_value_type(a);
  if (t != sqlite3_value_type(b)) return 0;
  switch (t) {
  case 1: return sqlite3_value_int64(a) == sqlite3_value_int64(b);
  case 2: { double x = sqlite3_value_double(a), y = sqlite3_value_double(b); return !memcmp(&x, &y, 8); }
  case 3: case 4: {
    int n = sqlite3_value_bytes(a);
    return n == sqlite3_value_bytes(b) && (n == 0 || memcmp(sqlite3_value_blob(a), sqlite3_value_blob(b), n) == 0);
  }
  }
  return 1;
}

/* dd_watched sees each row before it is removed or stored. A row stored after
 * exactly one removal may be the same row again. */
void dd_watched(dd_conn *c, int op) {
  sqlite3 *db = c->db;
  if (sqlite3_preupdate_depth(db) > 0) return; /* what a foreign key does */
  sqlite3_value *v;
  int n = sqlite3_preupdate_count(db);
  if (op == 9 /* DELETE */) {
    c->removed++;
    int first = c->nold == 0;
    forget(c);
    if (!first || n <= 0 || !(c->old = calloc(n, sizeof *c->old))) { c->nold = 0; return; }
    c->nold = n;
    for (int i = 0; i < n; i++)
      if (sqlite3_preupdate_old(db, i, &v) == OK) c->old[i] = sqlite3_value_dup(v);
    return;
  }
  if (op == 18 /* INSERT */ && c->nold == n) {
    int same = 1;
    for (int i = 0; same && i < n; i++)
      same = c->old[i] && sqlite3_preupdate_new(db, i, &v) == OK && dd_equal(c->old[i], v);
    c->same += same;
  }
  forget(c);
}

void dd_watch(dd_conn *c, int on) {
  forget(c);
  if (on) c->removed = c->same = 0;
  c->watching = on;
}

/* dd_foreign_keys switches the checks of foreign keys; statements are compiled
 * again by themselves. */
int dd_foreign_keys(dd_conn *c, int on) { return sqlite3_db_config(c->db, 1002 /* ENABLE_FKEY */, on, NULL); }

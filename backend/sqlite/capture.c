#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "capture.h"

/* Missing in a build without the tag sqlite_preupdate_hook; Check says so. */
#pragma weak sqlite3_preupdate_hook

#define OK 0
#define NOMEM 7
#define DONE 101
#define STATIC ((void (*)(void *))0)
enum { OP_DELETE = 9, OP_INSERT = 18, OP_UPDATE = 23 };

/* A unique index: the table columns of its key; fold says how a text is
 * hashed: 0 by bytes, 1 without case, 2 not at all (any two may be equal). */
typedef struct { int n; int *cols, *folds; } unique;

/* An UPDATE statement that replays changes of one set of columns. */
typedef struct update { uint64_t mask; sqlite3_stmt *st; struct update *next; } update;

/* What is known of a table. Entries live as long as the connection, their
 * description until the schema changes. */
struct dd_table {
  char *name, *rowid;
  uint64_t bit;
  int known, plain; /* plain: every change can be captured and replayed */
  int alias;        /* the column that is the rowid, -1 = none */
  int ncols;
  char **cols;
  unique *uniq;
  uint32_t nuniq;
  sqlite3_stmt *insert, *delete;
  update *updates;
};

uint64_t dd_table_bit(const char *name) {
  uint64_t h = 0xcbf29ce484222325u;
  for (; *name; name++) h = (h ^ (unsigned char)(*name >= 'A' && *name <= 'Z' ? *name + 32 : *name)) * 0x100000001b3u;
  return 1ull << ((h ^ h >> 32) & 63);
}

/* more makes room for one more element. */
static int more(void **p, size_t *cap, size_t n, size_t size) {
  if (n < *cap) return 1;
  size_t want = *cap ? *cap * 2 : 8;
  void *q = realloc(*p, want * size);
  if (!q) return 0;
  *p = q;
  *cap = want;
  return 1;
}

/* find returns the entry of a table, making an unknown one. */
static dd_table *find(dd_cap *k, const char *name, uint32_t *at) {
  if (k->last < k->ntables && !strcmp(k->tables[k->last]->name, name)) { *at = k->last; return k->tables[k->last]; }
  for (uint32_t i = 0; i < k->ntables; i++)
    if (!strcmp(k->tables[i]->name, name)) { *at = k->last = i; return k->tables[i]; }
  if (k->ntables == k->ctables) {
    uint32_t want = k->ctables ? k->ctables * 2 : 16;
    void *p = realloc(k->tables, want * sizeof *k->tables);
    if (!p) return NULL;
    k->tables = p;
    k->ctables = want;
  }
  dd_table *t = calloc(1, sizeof *t);
  if (!t || !(t->name = strdup(name))) { free(t); return NULL; }
  t->bit = dd_table_bit(name);
  t->alias = -1;
  *at = k->last = k->ntables;
  k->unknown++;
  return k->tables[k->ntables++] = t;
}

/* forget drops the description of a table. */
static void forget(dd_cap *k, dd_table *t) {
  if (t->known) k->unknown++;
  for (int i = 0; i < t->ncols; i++) free(t->cols[i]);
  for (uint32_t i = 0; i < t->nuniq; i++) { free(t->uniq[i].cols); free(t->uniq[i].folds); }
  sqlite3_finalize(t->insert);
  sqlite3_finalize(t->delete);
  for (update *u = t->updates, *n; u; u = n) { n = u->next; sqlite3_finalize(u->st); free(u); }
  free(t->cols); free(t->uniq); free(t->rowid);
  t->cols = NULL; t->uniq = NULL; t->rowid = NULL; t->insert = t->delete = NULL; t->updates = NULL;
  t->known = t->plain = t->ncols = 0; t->nuniq = 0; t->alias = -1;
}

/* dd_cap_forget drops all descriptions, after a schema change. */
void dd_cap_forget(dd_conn *c) {
  for (uint32_t i = 0; c->cap && i < c->cap->ntables; i++) forget(c->cap, c->cap->tables[i]);
}

/* dd_table_unknown returns a table that is not described, or NULL. */
const char *dd_table_unknown(dd_conn *c) {
  dd_cap *k = c->cap;
  for (uint32_t i = 0; k->unknown && i < k->ntables; i++) if (!k->tables[i]->known) return k->tables[i]->name;
  return NULL;
}

/* dd_cap_note makes sure that a table a statement writes will be described. */
void dd_cap_note(dd_conn *c, const char *name) {
  uint32_t at;
  if (c->cap) find(c->cap, name, &at);
}

/* dd_table_opaque notes a table whose changes are not replayed. */
int dd_table_opaque(dd_conn *c, const char *name) {
  uint32_t at;
  dd_table *t = find(c->cap, name, &at);
  if (!t) return NOMEM;
  forget(c->cap, t);
  t->known = 1;
  c->cap->unknown--;
  return OK;
}

/* dd_table_plain describes a table whose changes can be replayed. */
int dd_table_plain(dd_conn *c, const char *name, const char *rowid, int alias, int ncols, char **cols) {
  uint32_t at;
  dd_table *t = find(c->cap, name, &at);
  if (!t) return NOMEM;
  forget(c->cap, t);
  if (!(t->cols = calloc(ncols + 1, sizeof *t->cols)) || !(t->rowid = strdup(rowid))) return NOMEM;
  for (int i = 0; i < ncols; i++) {
    if (!(t->cols[i] = strdup(cols[i]))) return NOMEM;
    t->ncols++;
  }
  t->alias = alias;
  t->known = t->plain = 1;
  c->cap->unknown--;
  return OK;
}

/* dd_table_unique adds a unique index to a described table; no columns: the
 * key is an expression, all rows count as equal. */
int dd_table_unique(dd_conn *c, const char *name, int n, const int *cols, const int *folds) {
  uint32_t at;
  dd_table *t = find(c->cap, name, &at);
  if (!t) return NOMEM;
  unique *p = realloc(t->uniq, (t->nuniq + 1) * sizeof *p);
  if (!p) return NOMEM;
  t->uniq = p;
  p += t->nuniq;
  p->n = n;
  p->cols = malloc((n + 1) * sizeof(int));
  p->folds = malloc((n + 1) * sizeof(int));
  if (!p->cols || !p->folds) { free(p->cols); free(p->folds); return NOMEM; }
  if (n) { memcpy(p->cols, cols, n * sizeof(int)); memcpy(p->folds, folds, n * sizeof(int)); }
  t->nuniq++;
  return OK;
}

/* ---- locks ---- */

static uint64_t hash_key(const dd_key *k) {
  uint64_t h = (uint64_t)k->value * 0x9e3779b97f4a7c15u ^ ((uint64_t)k->table << 32 | k->index) * 0xff51afd7ed558ccdu;
  return h ^ h >> 29;
}

static int same_key(const dd_key *a, const dd_key *b) { return a->value == b->value && a->table == b->table && a->index == b->index; }

/* slot returns the lock of a key, or the free place for it. */
static dd_lock *slot(dd_cap *k, const dd_key *key) {
  size_t i = hash_key(key) & (k->clocks - 1);
  while (k->locks[i].owner && !same_key(&k->locks[i].key, key)) i = (i + 1) & (k->clocks - 1);
  return &k->locks[i];
}

/* unlock removes a lock and moves those behind it up. */
static void unlock(dd_cap *k, const dd_key *key, dd_txn *t) {
  dd_lock *l = slot(k, key);
  if (l->owner != t) return;
  size_t mask = k->clocks - 1, i = (size_t)(l - k->locks), j = i;
  k->locks[i].owner = NULL;
  k->nlocks--;
  for (;;) {
    j = (j + 1) & mask;
    if (!k->locks[j].owner) return;
    size_t h = hash_key(&k->locks[j].key) & mask;
    if (((j - h) & mask) >= ((j - i) & mask)) {
      k->locks[i] = k->locks[j];
      k->locks[j].owner = NULL;
      i = j;
    }
  }
}

/* widen doubles the lock table. */
static int widen(dd_cap *k) {
  size_t n = k->clocks ? k->clocks * 2 : 64, old = k->clocks;
  dd_lock *from = k->locks, *p = calloc(n, sizeof *p);
  if (!p) return 0;
  k->locks = p;
  k->clocks = n;
  for (size_t i = 0; i < old; i++) if (from[i].owner) *slot(k, &from[i].key) = from[i];
  free(from);
  return 1;
}

/* take locks a key for who runs. 0 = another one has it, or no memory. */
static int take(dd_cap *k, dd_key key) {
  if (!k->nlocks && k->mode != CAP_CAPTURE) return 1;
  dd_lock *l = k->clocks ? slot(k, &key) : NULL;
  if (l && l->owner) {
    if (l->owner == k->txn) return 1;
    if (!(k->flags & CAP_CONFLICT)) { k->flags |= CAP_CONFLICT; k->conflict = key; k->owner = l->owner->id; }
    return 0;
  }
  if (k->mode != CAP_CAPTURE) return 1;
  if ((k->nlocks + 1) * 2 > k->clocks && !widen(k)) { k->flags |= CAP_NOMEM; return 0; }
  dd_txn *t = k->txn;
  if (!more((void **)&t->keys, &t->ckeys, t->nkeys, sizeof *t->keys)) { k->flags |= CAP_NOMEM; return 0; }
  l = slot(k, &key);
  l->key = key;
  l->owner = t;
  k->nlocks++;
  t->keys[t->nkeys++] = key;
  return 1;
}

dd_txn *dd_lock_owner(dd_conn *c, const dd_key *key) {
  dd_cap *k = c->cap;
  return k && k->nlocks ? slot(k, key)->owner : NULL;
}

/* dd_lock_row locks a row for SELECT … FOR UPDATE; 0 = *met is held by another. */
int dd_lock_row(dd_conn *c, const char *table, int64_t rid, dd_key *met) {
  uint32_t at;
  if (!c->cap || !find(c->cap, table, &at)) return 1;
  *met = (dd_key){at, 0, rid};
  return take(c->cap, *met);
}

/* ---- values ---- */

/* hash_value mixes one column into a key hash; 0 = NULL, no key. */
static int hash_value(uint64_t *h, sqlite3_value *v, int fold) {
  int type = sqlite3_value_type(v);
  uint64_t x;
  double d;
  switch (type) {
  case DD_INT:
    x = (uint64_t)sqlite3_value_int64(v);
    break;
  case DD_REAL:
    d = sqlite3_value_double(v);
    if (d >= -9e18 && d <= 9e18 && d == (double)(int64_t)d) { x = (uint64_t)(int64_t)d; break; }
    memcpy(&x, &d, 8);
    break;
  case DD_TEXT: case DD_BLOB: {
    const unsigned char *p = sqlite3_value_blob(v);
    int n = sqlite3_value_bytes(v);
    *h = (*h ^ 0x7f) * 0x100000001b3u;
    if (type == DD_TEXT && fold == 1) *h = dd_hash_ci(*h, p, n);
    else if (type == DD_BLOB || fold == 0) for (int i = 0; i < n; i++) *h = (*h ^ p[i]) * 0x100000001b3u;
    return 1;
  }
  default:
    return 0;
  }
  for (int i = 0; i < 8; i++) *h = (*h ^ (x >> 8 * i & 0xff)) * 0x100000001b3u;
  return 1;
}

typedef int (*reader)(sqlite3 *, int, sqlite3_value **);

/* key_of builds the lock key of a unique index for the old or new row. 0 = the
 * row has none (NULL). */
static int key_of(dd_cap *k, dd_table *t, uint32_t at, uint32_t i, reader get, dd_key *key) {
  uint64_t h = 0xcbf29ce484222325u;
  unique *u = &t->uniq[i];
  for (int j = 0; j < u->n; j++) {
    sqlite3_value *v;
    if (get(k->c->db, u->cols[j], &v)) { k->flags |= CAP_OPAQUE; return 0; }
    if (!hash_value(&h, v, u->folds[j])) return 0;
  }
  *key = (dd_key){at, i + 1, (int64_t)h};
  return 1;
}

/* keep appends bytes to a transaction's heap. */
static int keep(dd_txn *t, const void *p, size_t n) {
  if (t->nheap + n > t->cheap) {
    size_t want = t->cheap ? t->cheap * 2 : 256;
    while (want < t->nheap + n) want *= 2;
    char *q = realloc(t->heap, want);
    if (!q) return 0;
    t->heap = q;
    t->cheap = want;
  }
  if (n) memcpy(t->heap + t->nheap, p, n);
  t->nheap += n;
  return 1;
}

/* keep_value appends one value: type, then 8 bytes, or length and bytes. */
static int keep_value(dd_txn *t, sqlite3_value *v) {
  unsigned char type = (unsigned char)sqlite3_value_type(v);
  if (type > 4) type = DD_NULL;
  if (!keep(t, &type, 1)) return 0;
  if (type == DD_INT) { int64_t n = sqlite3_value_int64(v); return keep(t, &n, 8); }
  if (type == DD_REAL) { double d = sqlite3_value_double(v); return keep(t, &d, 8); }
  if (type == DD_NULL) return 1;
  const void *p = sqlite3_value_blob(v);
  uint32_t n = (uint32_t)sqlite3_value_bytes(v);
  return keep(t, &n, 4) && keep(t, p, n);
}

/* ---- the hook ---- */

/* lock_keys takes the unique keys of the old or new row. */
static int lock_keys(dd_cap *k, dd_table *t, uint32_t at, reader get) {
  for (uint32_t i = 0; i < t->nuniq; i++) {
    dd_key key;
    if (key_of(k, t, at, i, get, &key) && !take(k, key)) return 0;
  }
  return 1;
}

/* moves tells whether an UPDATE changes a key of the table. */
static int moves(dd_cap *k, dd_table *t, uint32_t at) {
  for (uint32_t i = 0; i < t->nuniq; i++) {
    dd_key a, b;
    int x = key_of(k, t, at, i, sqlite3_preupdate_old, &a), y = key_of(k, t, at, i, sqlite3_preupdate_new, &b);
    if (x != y || (x && !same_key(&a, &b)) || t->uniq[i].n == 0) return 1;
  }
  return 0;
}

/* born tells whether the transaction itself inserted a row of a table whose
 * rowids nobody can see: such rows need no lock. */
static int born(dd_txn *t, uint32_t at, int64_t rid) {
  if (t) for (size_t i = t->nrecs; i-- > 0;) {
    dd_rec *r = &t->recs[i];
    if (r->table == at && r->newrid == rid && r->op == OP_INSERT) return 1;
  }
  return 0;
}

/* locked takes everything a change needs. */
static int locked(dd_cap *k, dd_table *t, uint32_t at, int op, int64_t rid, int64_t newrid) {
  if (op != OP_INSERT && (t->alias >= 0 || !born(k->txn, at, rid)) && !take(k, (dd_key){at, 0, rid})) return 0;
  if (op != OP_DELETE && t->alias >= 0 && !take(k, (dd_key){at, 0, newrid})) return 0;
  if (!t->nuniq || (op == OP_UPDATE && !moves(k, t, at))) return 1;
  if (op != OP_INSERT && !lock_keys(k, t, at, sqlite3_preupdate_old)) return 0;
  return op == OP_DELETE || lock_keys(k, t, at, sqlite3_preupdate_new);
}

/* capture appends a change to the log of who runs. */
static void capture(dd_cap *k, dd_table *t, uint32_t at, int op, int64_t rid, int64_t newrid) {
  dd_txn *x = k->txn;
  if (!more((void **)&x->recs, &x->crecs, x->nrecs, sizeof *x->recs)) { k->flags |= CAP_NOMEM; return; }
  dd_rec *r = &x->recs[x->nrecs];
  *r = (dd_rec){(uint8_t)op, at, rid, newrid, 0, x->nheap};
  for (int i = 0; op != OP_DELETE && i < t->ncols; i++) {
    sqlite3_value *old, *new;
    if (sqlite3_preupdate_new(k->c->db, i, &new)) { k->flags |= CAP_OPAQUE; return; }
    if (op == OP_UPDATE) {
      if (sqlite3_preupdate_old(k->c->db, i, &old)) { k->flags |= CAP_OPAQUE; return; }
      if (i == t->alias || dd_equal(old, new)) continue;
      r->mask |= 1ull << i;
    }
    if (!keep_value(x, new)) { k->flags |= CAP_NOMEM; return; }
  }
  x->nrecs++;
  x->bits |= t->bit;
  if (op != OP_INSERT && (op == OP_DELETE || rid != newrid || (t->nuniq && moves(k, t, at)))) x->freed |= t->bit;
}

static void on_change(void *p, sqlite3 *db, int op, const char *schema, const char *name, long long rid, long long newrid) {
  dd_cap *k = p;
  (void)db;
  if (schema[0] != 'm' || k->mode == CAP_REPLAY) return;
  if (k->c->watching) dd_watched(k->c, op);
  uint32_t at;
  dd_table *t = find(k, name, &at);
  if (!t) { k->flags |= CAP_NOMEM; return; }
  k->wrote |= t->bit;
  if (k->flags || (k->mode == CAP_CHECK && !k->nlocks)) return;
  if (!t->known || !t->plain || sqlite3_preupdate_count(k->c->db) != t->ncols) {
    /* Nobody holds locks in a table that cannot be captured. */
    if (k->mode == CAP_CAPTURE) k->flags |= CAP_OPAQUE;
    return;
  }
  if (op == OP_INSERT) rid = newrid;
  if (op == OP_DELETE) newrid = rid;
  if (locked(k, t, at, op, rid, newrid) && k->mode == CAP_CAPTURE) capture(k, t, at, op, rid, newrid);
}

int dd_cap_open(dd_conn *c) {
  if (!sqlite3_preupdate_hook) return OK;
  dd_cap *k = calloc(1, sizeof *k);
  if (!k) return NOMEM;
  k->c = c;
  c->cap = k;
  sqlite3_preupdate_hook(c->db, on_change, k);
  return OK;
}

void dd_cap_close(dd_conn *c) {
  dd_cap *k = c->cap;
  if (!k) return;
  for (uint32_t i = 0; i < k->ntables; i++) { forget(k, k->tables[i]); free(k->tables[i]->name); free(k->tables[i]); }
  free(k->tables);
  free(k->locks);
  free(k);
  c->cap = NULL;
}

/* ---- transactions ---- */

dd_txn *dd_txn_new(uint64_t id) {
  dd_txn *t = calloc(1, sizeof *t);
  if (t) t->id = id;
  return t;
}

/* dd_txn_undo forgets changes and locks behind a mark. */
void dd_txn_undo(dd_conn *c, dd_txn *t, size_t recs, size_t keys) {
  while (t->nkeys > keys) unlock(c->cap, &t->keys[--t->nkeys], t);
  if (recs < t->nrecs) {
    t->nheap = t->recs[recs].off;
    t->nrecs = recs;
  }
  t->bits = 0;
  for (size_t i = 0; i < t->nrecs; i++) t->bits |= c->cap->tables[t->recs[i].table]->bit;
}

void dd_txn_free(dd_conn *c, dd_txn *t) {
  if (c->cap) while (t->nkeys) unlock(c->cap, &t->keys[--t->nkeys], t);
  free(t->recs); free(t->heap); free(t->keys); free(t);
}

/* ---- replay ---- */

/* A text that grows; p is NULL after a failed allocation. */
typedef struct { char *p; size_t n, cap; int bad; } text;

static void add(text *s, const char *w) {
  size_t n = strlen(w);
  while (s->n + n + 1 > s->cap) {
    size_t want = s->cap ? s->cap * 2 : 256;
    char *q = realloc(s->p, want);
    if (!q) { s->bad = 1; return; }
    s->p = q;
    s->cap = want;
  }
  memcpy(s->p + s->n, w, n + 1);
  s->n += n;
}

static void add_name(text *s, const char *w) {
  char b[3] = {0, 0, 0};
  add(s, "\"");
  for (; *w; w++) { b[0] = *w; b[1] = *w == '"' ? '"' : 0; add(s, b); }
  add(s, "\"");
}

static void add_mark(text *s, int n) {
  char b[16];
  snprintf(b, sizeof b, "?%d", n);
  add(s, b);
}

static int ready(dd_conn *c, text *s, sqlite3_stmt **st) {
  int rc = s->bad ? NOMEM : sqlite3_prepare_v3(c->db, s->p, (int)s->n, 1, st, NULL);
  free(s->p);
  return rc;
}

/* insert_stmt: ?1 is the rowid, the columns follow in order. */
static int insert_stmt(dd_conn *c, dd_table *t, sqlite3_stmt **st) {
  if ((*st = t->insert)) return OK;
  text s = {0};
  add(&s, "INSERT INTO main.");
  add_name(&s, t->name);
  add(&s, "(");
  add(&s, t->rowid);
  for (int i = 0; i < t->ncols; i++) if (i != t->alias) { add(&s, ","); add_name(&s, t->cols[i]); }
  add(&s, ") VALUES (?1");
  for (int i = 0; i < t->ncols; i++) if (i != t->alias) { add(&s, ","); add_mark(&s, i + 2); }
  add(&s, ")");
  int rc = ready(c, &s, &t->insert);
  *st = t->insert;
  return rc;
}

static int delete_stmt(dd_conn *c, dd_table *t, sqlite3_stmt **st) {
  if ((*st = t->delete)) return OK;
  text s = {0};
  add(&s, "DELETE FROM main.");
  add_name(&s, t->name);
  add(&s, " WHERE ");
  add(&s, t->rowid);
  add(&s, "=?1");
  int rc = ready(c, &s, &t->delete);
  *st = t->delete;
  return rc;
}

/* update_stmt: ?1 is the old rowid, ?2 the new one, changed columns follow. */
static int update_stmt(dd_conn *c, dd_table *t, uint64_t mask, sqlite3_stmt **st) {
  int n = 0;
  for (update *u = t->updates; u; u = u->next, n++) if (u->mask == mask) { *st = u->st; return OK; }
  if (n >= 32) { /* many shapes: begin anew */
    for (update *u = t->updates, *next; u; u = next) { next = u->next; sqlite3_finalize(u->st); free(u); }
    t->updates = NULL;
  }
  text s = {0};
  add(&s, "UPDATE main.");
  add_name(&s, t->name);
  add(&s, " SET ");
  int any = 0;
  for (int i = 0; i < t->ncols; i++) if (mask >> i & 1) {
    if (any++) add(&s, ",");
    add_name(&s, t->cols[i]);
    add(&s, "=");
    add_mark(&s, i + 3);
  }
  if (mask >> 63) { if (any) add(&s, ","); add(&s, t->rowid); add(&s, "=?2"); }
  add(&s, " WHERE ");
  add(&s, t->rowid);
  add(&s, "=?1");
  update *u = malloc(sizeof *u);
  if (!u) { free(s.p); return NOMEM; }
  int rc = ready(c, &s, &u->st);
  if (rc) { free(u); return rc; }
  u->mask = mask;
  u->next = t->updates;
  t->updates = u;
  *st = u->st;
  return OK;
}

/* bind_values binds the values of a record to the parameters of its columns. */
static int bind_values(sqlite3_stmt *st, dd_table *t, dd_txn *x, dd_rec *r, int first) {
  const char *p = x->heap + r->off;
  for (int i = 0; i < t->ncols; i++) {
    if (r->op == OP_UPDATE && !(r->mask >> i & 1)) continue;
    int rc = OK, type = *p++, skip = r->op == OP_INSERT && i == t->alias;
    int64_t n;
    double d;
    uint32_t len;
    switch (type) {
    case DD_INT: memcpy(&n, p, 8); p += 8; if (!skip) rc = sqlite3_bind_int64(st, i + first, n); break;
    case DD_REAL: memcpy(&d, p, 8); p += 8; if (!skip) rc = sqlite3_bind_double(st, i + first, d); break;
    case DD_TEXT: memcpy(&len, p, 4); p += 4; if (!skip) rc = sqlite3_bind_text64(st, i + first, p, len, STATIC, 1); p += len; break;
    case DD_BLOB: memcpy(&len, p, 4); p += 4; if (!skip) rc = sqlite3_bind_blob64(st, i + first, p, len, STATIC); p += len; break;
    default: if (!skip) rc = sqlite3_bind_null(st, i + first);
    }
    if (rc) return rc;
  }
  return OK;
}

static int once(sqlite3_stmt *st) {
  int rc = sqlite3_step(st), e = sqlite3_reset(st);
  return rc == DONE ? OK : e ? e : rc;
}

/* rename_row follows a row that got another rowid at its replay. */
static void rename_row(dd_txn *x, size_t at, int64_t from, int64_t to) {
  uint32_t table = x->recs[at].table;
  x->recs[at].rid = x->recs[at].newrid = to;
  for (size_t i = at + 1; i < x->nrecs; i++) {
    dd_rec *r = &x->recs[i];
    if (r->table != table || r->rid != from) continue;
    if (r->op == OP_INSERT) return;
    r->rid = to;
    if (r->newrid == from) r->newrid = to;
    if (r->op == OP_DELETE) return;
  }
}

/* replay_insert makes a row again. Where rowids are nobody's business a taken
 * one is replaced by a fresh one. */
static int replay_insert(dd_conn *c, dd_table *t, dd_txn *x, size_t at) {
  sqlite3_stmt *st;
  dd_rec *r = &x->recs[at];
  int rc = insert_stmt(c, t, &st);
  if (!rc) rc = bind_values(st, t, x, r, 2);
  if (!rc) rc = sqlite3_bind_int64(st, 1, r->newrid);
  if (rc) return rc;
  rc = once(st);
  if (rc == 2579 /* CONSTRAINT_ROWID */ && t->alias < 0) {
    if ((rc = sqlite3_bind_null(st, 1)) || (rc = once(st))) return rc;
    rename_row(x, at, r->newrid, sqlite3_last_insert_rowid(c->db));
  }
  return rc;
}

/* replay_one makes one change again; 21 (MISUSE) = the row is not as it was. */
static int replay_one(dd_conn *c, dd_txn *x, size_t at) {
  dd_rec *r = &x->recs[at];
  dd_table *t = c->cap->tables[r->table];
  sqlite3_stmt *st;
  int rc;
  if (!t->plain) return 17; /* SCHEMA */
  if (r->op == OP_INSERT) return replay_insert(c, t, x, at);
  if (r->op == OP_DELETE) rc = delete_stmt(c, t, &st);
  else {
    uint64_t mask = r->mask | (r->rid != r->newrid ? 1ull << 63 : 0);
    if (!mask) return OK; /* nothing changed */
    rc = update_stmt(c, t, mask, &st);
    if (!rc && r->rid != r->newrid) rc = sqlite3_bind_int64(st, 2, r->newrid);
    if (!rc) rc = bind_values(st, t, x, r, 3);
  }
  if (!rc) rc = sqlite3_bind_int64(st, 1, r->rid);
  if (!rc) rc = once(st);
  if (!rc && sqlite3_changes64(c->db) != 1) rc = 21;
  return rc;
}

/* dd_txn_replay makes the changes from … to-1 again. */
int dd_txn_replay(dd_conn *c, dd_txn *t, size_t from, size_t to) {
  dd_cap *k = c->cap;
  int mode = k->mode, rc = OK;
  k->mode = CAP_REPLAY;
  for (size_t i = from; i < to && !rc; i++) rc = replay_one(c, t, i);
  k->mode = mode;
  return rc;
}

/* on_compile notes which tables the statement being compiled touches. */
static int on_compile(void *p, int action, const char *a, const char *b, const char *schema, const char *trigger) {
  dd_conn *c = p;
  (void)b; (void)trigger;
  if (schema && strcmp(schema, "main")) return OK; /* a table none of whose columns is read comes without a schema */
  switch (action) {
  case 20: c->reads |= dd_table_bit(a); break; /* READ */
  case OP_INSERT: case OP_DELETE: case OP_UPDATE:
    c->writes |= dd_table_bit(a);
    if (strncmp(a, "sqlite_", 7)) dd_cap_note(c, a);
    break;
  /* CREATE and DROP of INDEX, TABLE, TRIGGER, VIEW; ALTER, REINDEX, VTABLE */
  case 1: case 2: case 7: case 8: case 10: case 11: case 16: case 17: case 26: case 27: case 29: case 30: c->ddl = 1; break;
  }
  return OK;
}

void dd_auth_open(dd_conn *c) { sqlite3_set_authorizer(c->db, on_compile, c); }

/* Change capture of transactions that take turns on one writer connection:
 * what each changed, which rows and unique keys it has locked, and how its
 * changes are made again after they were rolled back. DESIGN.md of package
 * object tells how it is used. */
#ifndef DOTDO_CAPTURE_H
#define DOTDO_CAPTURE_H
#include "shim.h"

/* What runs on the connection. */
enum { CAP_CHECK = 0, CAP_CAPTURE = 1, CAP_REPLAY = 2 };

/* Why a statement has to be undone. */
enum { CAP_CONFLICT = 1, CAP_OPAQUE = 2, CAP_NOMEM = 4 };

typedef struct dd_txn dd_txn;
typedef struct dd_table dd_table;

/* A lock: index 0 is the row itself (value = rowid), else a unique index
 * (value = hash of its columns). */
typedef struct { uint32_t table, index; int64_t value; } dd_key;

typedef struct dd_lock { dd_key key; dd_txn *owner; } dd_lock;

/* The state of one writer connection. */
typedef struct dd_cap {
  dd_conn *c;
  int mode, flags;       /* flags: CAP_* of the statement that runs */
  dd_txn *txn;           /* who runs; NULL = an autocommit write */
  uint64_t wrote;        /* tables changed, by table bit */
  dd_key conflict; uint64_t owner; /* of the first lock met */
  dd_table **tables; uint32_t ntables, ctables, last;
  int unknown;           /* tables met that are not described */
  dd_lock *locks; size_t nlocks, clocks;
} dd_cap;

/* One change. Values of the columns in mask follow at off. */
typedef struct { uint8_t op; uint32_t table; int64_t rid, newrid; uint64_t mask; size_t off; } dd_rec;

struct dd_txn {
  uint64_t id;
  dd_rec *recs; size_t nrecs, crecs;
  char *heap; size_t nheap, cheap;
  dd_key *keys; size_t nkeys, ckeys; /* locks in the order they were taken */
  uint64_t bits;  /* tables with changes */
  uint64_t freed; /* tables where unique keys were given up */
};

uint64_t dd_table_bit(const char *name);
int dd_cap_open(dd_conn *c);
void dd_cap_close(dd_conn *c);
void dd_cap_forget(dd_conn *c);
int dd_table_plain(dd_conn *c, const char *name, const char *rowid, int alias, int ncols, char **cols);
int dd_table_unique(dd_conn *c, const char *name, int ncols, const int *cols, const int *folds);
int dd_table_opaque(dd_conn *c, const char *name);
const char *dd_table_unknown(dd_conn *c);
void dd_cap_note(dd_conn *c, const char *name);
void dd_auth_open(dd_conn *c);
dd_txn *dd_txn_new(uint64_t id);
void dd_txn_free(dd_conn *c, dd_txn *t);
void dd_txn_undo(dd_conn *c, dd_txn *t, size_t recs, size_t keys);
int dd_txn_replay(dd_conn *c, dd_txn *t, size_t from, size_t to);
dd_txn *dd_lock_owner(dd_conn *c, const dd_key *k);
int dd_lock_row(dd_conn *c, const char *table, int64_t rid, dd_key *met);

int sqlite3_set_authorizer(sqlite3 *, int (*)(void *, int, const char *, const char *, const char *, const char *), void *);
#endif

/* Collations that give storage forms their type's own order. Each is a total
 * order over all texts: what it cannot read sorts last, by bytes. */
#include <string.h>
#include "shim.h"

static int bytes_cmp(const unsigned char *a, int na, const unsigned char *b, int nb) {
  int n = na < nb ? na : nb;
  int r = n ? memcmp(a, b, n) : 0;
  return r ? r : (na > nb) - (na < nb);
}

/* A decimal text taken apart: class 0 -Infinity, 1 finite, 2 Infinity, 3 NaN,
 * 4 not a number. Digits are without leading and trailing zeros. */
typedef struct { int class, neg; const unsigned char *i, *f; int ni, nf; } decimal;

static int is(const unsigned char *s, int n, const char *word) {
  return (int)strlen(word) == n && memcmp(s, word, n) == 0;
}

static void decimal_read(decimal *d, const unsigned char *s, int n) {
  memset(d, 0, sizeof *d);
  d->class = 4;
  if (is(s, n, "NaN")) { d->class = 3; return; }
  if (is(s, n, "Infinity")) { d->class = 2; return; }
  if (is(s, n, "-Infinity")) { d->class = 0; return; }
  const unsigned char *e = s + n;
  if (s < e && (*s == '-' || *s == '+')) d->neg = *s++ == '-';
  const unsigned char *p = s;
  while (p < e && *p >= '0' && *p <= '9') p++;
  d->i = s;
  d->ni = (int)(p - s);
  int any = d->ni;
  if (p < e && *p == '.') {
    d->f = ++p;
    while (p < e && *p >= '0' && *p <= '9') p++;
    d->nf = (int)(p - d->f);
    any += d->nf;
  }
  if (p != e || !any) return;
  while (d->ni && *d->i == '0') { d->i++; d->ni--; }
  while (d->nf && d->f[d->nf - 1] == '0') d->nf--;
  if (!d->ni && !d->nf) d->neg = 0;
  d->class = 1;
}

int dd_cmp_decimal(void *u, int na, const void *a, int nb, const void *b) {
  (void)u;
  decimal x, y;
  decimal_read(&x, a, na);
  decimal_read(&y, b, nb);
  if (x.class != y.class) return x.class < y.class ? -1 : 1;
  if (x.class == 4) return bytes_cmp(a, na, b, nb);
  if (x.class != 1) return 0;
  if (x.neg != y.neg) return x.neg ? -1 : 1;
  int r;
  if (x.ni != y.ni) r = x.ni < y.ni ? -1 : 1;
  else {
    r = x.ni ? memcmp(x.i, y.i, x.ni) : 0;
    if (!r) r = bytes_cmp(x.f, x.nf, y.f, y.nf);
  }
  return x.neg ? -r : r;
}

/* number reads a signed decimal as units of 10^-6 (whole part in *whole).
 * It returns the byte after it, or NULL. */
static const unsigned char *number(const unsigned char *s, const unsigned char *e, __int128 *micros) {
  int neg = 0, digits = 0, frac = -1;
  __int128 v = 0;
  if (s < e && (*s == '-' || *s == '+')) neg = *s++ == '-';
  for (; s < e; s++) {
    if (*s >= '0' && *s <= '9') {
      if (frac >= 6) continue; /* below a microsecond */
      if (++digits > 24) return NULL;
      v = v * 10 + (*s - '0');
      if (frac >= 0) frac++;
    } else if (*s == '.' && frac < 0) frac = 0;
    else break;
  }
  if (!digits) return NULL;
  for (int k = frac < 0 ? 0 : frac; k < 6; k++) v *= 10;
  *micros = neg ? -v : v;
  return s;
}

/* interval_read turns an ISO 8601 duration into microseconds, a month being
 * 30 days of 24 hours, as PostgreSQL compares intervals. */
static int interval_read(const unsigned char *s, int n, __int128 *out) {
  const unsigned char *e = s + n;
  int neg = 0, time = 0, any = 0;
  __int128 sum = 0, v;
  const __int128 sec = 1, day = 86400;
  if (s < e && *s == '-') { neg = 1; s++; }
  if (s >= e || *s++ != 'P') return 0;
  while (s < e) {
    if (*s == 'T' && !time) { time = 1; s++; continue; }
    if (!(s = number(s, e, &v)) || s >= e) return 0;
    switch (*s++) {
    case 'Y': sum += v * 360 * day; break;
    case 'M': sum += time ? v * 60 * sec : v * 30 * day; break;
    case 'W': sum += v * 7 * day; break;
    case 'D': sum += v * day; break;
    case 'H': sum += v * 3600 * sec; break;
    case 'S': sum += v * sec; break;
    default: return 0;
    }
    any = 1;
  }
  *out = neg ? -sum : sum;
  return any;
}

int dd_cmp_interval(void *u, int na, const void *a, int nb, const void *b) {
  (void)u;
  __int128 x = 0, y = 0;
  int okx = interval_read(a, na, &x), oky = interval_read(b, nb, &y);
  if (okx != oky) return okx ? -1 : 1;
  if (!okx) return bytes_cmp(a, na, b, nb);
  return (x > y) - (x < y);
}

/* Base letters of U+00C0 … U+017F, '.' where the character stands for itself. */
static const char latin[] =
  "AAAAAA.CEEEEIIII.NOOOOO.OUUUUY.SAAAAAA.CEEEEIIII.NOOOOO.OUUUUY.Y"
  "AAAAAACCCCCCCCDDDDEEEEEEEEEEGGGGGGGGHHHHIIIIIIIIII..JJKK.LLLLLLLLLL"
  "NNNNNN...OOOOOO..RRRRRRSSSSSSSSTTTTTTUUUUUUUUUUUUWWYYYZZZZZZS";

/* fold is the primary weight of a character: case and, for Latin letters,
 * accents do not count. */
static uint32_t fold(uint32_t c) {
  if (c < 0x80) return c >= 'a' && c <= 'z' ? c - 32 : c;
  if (c >= 0xC0 && c < 0xC0 + sizeof latin - 1) {
    char b = latin[c - 0xC0];
    if (b != '.') return (uint32_t)b;
    if (c >= 0xE0 && c <= 0xFE && c != 0xF7) return c - 32;
    if (c >= 0x100 && c != 0x131 && c != 0x138 && c != 0x149) return c & ~1u;
    return c;
  }
  if (c >= 0x3B1 && c <= 0x3C9) return c == 0x3C2 ? 0x3A3 : c - 32; /* Greek */
  if (c >= 0x430 && c <= 0x44F) return c - 32;                      /* Cyrillic */
  if (c >= 0x450 && c <= 0x45F) return c - 80;
  if (c >= 0x460 && c <= 0x481) return c & ~1u;
  if (c >= 0x561 && c <= 0x586) return c - 48;                      /* Armenian */
  return c;
}

/* next decodes one character; a broken byte stands above all characters. */
static uint32_t next(const unsigned char **p, const unsigned char *e) {
  const unsigned char *s = *p;
  uint32_t c = *s++;
  int more = c < 0x80 ? 0 : c >= 0xC2 && c < 0xE0 ? 1 : c >= 0xE0 && c < 0xF0 ? 2 : c >= 0xF0 && c < 0xF5 ? 3 : -1;
  *p = s;
  if (!more) return c;
  if (more < 0 || e - s < more) return 0x110000 + c;
  uint32_t v = c & (0x3F >> more);
  for (int i = 0; i < more; i++) {
    if ((s[i] & 0xC0) != 0x80) return 0x110000 + c;
    v = v << 6 | (s[i] & 0x3F);
  }
  *p = s + more;
  return v;
}

int dd_cmp_ci(void *u, int na, const void *a, int nb, const void *b) {
  (void)u;
  const unsigned char *s = a, *t = b, *es = s + na, *et = t + nb;
  while (s < es && t < et) {
    uint32_t x = fold(next(&s, es)), y = fold(next(&t, et));
    if (x != y) return x < y ? -1 : 1;
  }
  return (s < es) - (t < et);
}

/* dd_hash_ci hashes a text so that texts equal under "ci" get one value. */
uint64_t dd_hash_ci(uint64_t h, const void *p, int n) {
  const unsigned char *s = p, *e = s + n;
  while (s < e) h = (h ^ fold(next(&s, e))) * 0x100000001b3u;
  return h;
}
